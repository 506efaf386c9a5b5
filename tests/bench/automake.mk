# SPDX-License-Identifier: Apache-2.0
#
# Benchmarks: see README.md here.  They measure what 'make install' installs,
# into a directory of its own, unless OVL_PREFIX names another prefix.

# What the daemon's memory is compared with.
noinst_PROGRAMS += tests/bench/bare-idl
tests_bench_bare_idl_SOURCES = \
	ofproto-tables/db-columns.c ofproto-tables/db-columns.h \
	tests/bench/bare-idl.c
tests_bench_bare_idl_LDADD = $(OVS_LIBS)

# Longest prefix match beside DPDK's.
noinst_PROGRAMS += tests/bench/bench-fib
tests_bench_bench_fib_SOURCES = tests/bench/bench-fib.c
tests_bench_bench_fib_LDADD = dpif-overlay/libovl-tables.a $(OVS_LIBS)

# Route updates while packets look routes up.
noinst_PROGRAMS += tests/bench/bench-routes
tests_bench_bench_routes_SOURCES = tests/bench/bench-routes.c
tests_bench_bench_routes_LDADD = dpif-overlay/libovl-tables.a $(OVS_LIBS)
bench-fib: tests/bench/bench-fib tests/bench/bench-routes
	@tests/bench/bench-fib $(BENCH_FLAGS)
	@tests/bench/bench-routes $(BENCH_FLAGS)

EXTRA_DIST += \
	tests/bench/README.md \
	tests/bench/control.py \
	tests/bench/observe.py \
	tests/bench/report.py \
	tests/bench/world.py

BENCH_ROOT = $(abs_builddir)/tests/bench/root
bench-control: all
	@prefix="$$OVL_PREFIX"; \
	if [ -z "$$prefix" ]; then \
	    $(MAKE) -s install DESTDIR=$(BENCH_ROOT) > /dev/null || exit 1; \
	    prefix=$(BENCH_ROOT)$(prefix); \
	fi; \
	PYTHONDONTWRITEBYTECODE=1 OVL_PREFIX="$$prefix" \
	    $(PYTHON3) $(srcdir)/tests/bench/control.py \
	    --bare-idl=tests/bench/bare-idl $(BENCH_FLAGS)
mostlyclean-local:
	rm -rf $(BENCH_ROOT)

# The pipeline in process.
noinst_PROGRAMS += tests/bench/bench-pipeline
tests_bench_bench_pipeline_SOURCES = tests/bench/bench-pipeline.c
tests_bench_bench_pipeline_LDADD = \
	dpif-overlay/libovl-pipeline.a dpif-overlay/libovl-tables.a $(OVS_LIBS)
bench-pipeline: tests/bench/bench-pipeline
	@tests/bench/bench-pipeline $(BENCH_FLAGS)

# All of them, and all of them briefly.
bench: bench-pipeline bench-fib bench-control
bench-quick:
	@$(MAKE) --no-print-directory bench BENCH_FLAGS=--quick
.PHONY: bench bench-control bench-fib bench-pipeline bench-quick
