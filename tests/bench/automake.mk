# SPDX-License-Identifier: Apache-2.0
#
# Benchmarks: see README.md here.  They measure what 'make install' installs,
# into a directory of its own, unless OVL_PREFIX names another prefix.

# table.py PROGRAM...: with a table for people.
BENCH_TABLE = PYTHONDONTWRITEBYTECODE=1 $(PYTHON3) \
	$(srcdir)/tests/bench/table.py

# What the daemon's memory is compared with.
noinst_PROGRAMS += tests/bench/bare-idl
tests_bench_bare_idl_SOURCES = \
	ofproto-tables/db-columns.c ofproto-tables/db-columns.h \
	tests/bench/bare-idl.c
tests_bench_bare_idl_LDADD = $(OVS_LIBS)

# Longest prefix match beside DPDK's.
noinst_PROGRAMS += tests/bench/bench-fib
tests_bench_bench_fib_SOURCES = \
	tests/bench/bench-fib.c tests/bench/measure.h
tests_bench_bench_fib_LDADD = dpif-overlay/libovl-tables.a $(OVS_LIBS)

# Exact match beside DPDK's and OVS's.
noinst_PROGRAMS += tests/bench/bench-mac
tests_bench_bench_mac_SOURCES = \
	tests/bench/bench-mac.c tests/bench/measure.h
tests_bench_bench_mac_LDADD = dpif-overlay/libovl-tables.a $(OVS_LIBS)
bench-mac: tests/bench/bench-mac
	@$(BENCH_TABLE) tests/bench/bench-mac $(BENCH_FLAGS)

# Route updates while packets look routes up.
noinst_PROGRAMS += tests/bench/bench-routes
tests_bench_bench_routes_SOURCES = \
	tests/bench/bench-routes.c tests/bench/measure.h
tests_bench_bench_routes_LDADD = dpif-overlay/libovl-tables.a $(OVS_LIBS)
bench-fib: tests/bench/bench-fib tests/bench/bench-routes
	@$(BENCH_TABLE) tests/bench/bench-fib $(BENCH_FLAGS)
	@$(BENCH_TABLE) tests/bench/bench-routes $(BENCH_FLAGS)

EXTRA_DIST += \
	tests/bench/README.md \
	tests/bench/RESULTS.md \
	tests/bench/cases.py \
	tests/bench/control.py \
	tests/bench/cost.svg \
	tests/bench/datapath.py \
	tests/bench/observe.py \
	tests/bench/packets.py \
	tests/bench/plot.py \
	tests/bench/report.py \
	tests/bench/results.py \
	tests/bench/scale.py \
	tests/bench/table.py \
	tests/bench/twins.py \
	tests/bench/vdevs.py \
	tests/bench/world.py

# Installs, unless OVL_PREFIX names a prefix, and runs what is behind it.
BENCH_ROOT = $(abs_builddir)/tests/bench/root
BENCH_INSTALLED = \
	prefix="$$OVL_PREFIX"; \
	if [ -z "$$prefix" ]; then \
	    $(MAKE) -s install DESTDIR=$(BENCH_ROOT) > /dev/null || exit 1; \
	    prefix=$(BENCH_ROOT)$(prefix); \
	fi; \
	PYTHONDONTWRITEBYTECODE=1 OVL_PREFIX="$$prefix" $(PYTHON3)
bench-control: all
	@$(BENCH_INSTALLED) $(srcdir)/tests/bench/control.py \
	    --bare-idl=tests/bench/bare-idl $(BENCH_FLAGS)
bench-datapath: all
	@$(BENCH_INSTALLED) $(srcdir)/tests/bench/datapath.py \
	    --daemon=tests/bench/ovs-vswitchd $(BENCH_FLAGS)
mostlyclean-local:
	rm -rf $(BENCH_ROOT)

# The pipeline in process.
noinst_PROGRAMS += tests/bench/bench-pipeline
tests_bench_bench_pipeline_SOURCES = \
	tests/bench/bench-pipeline.c tests/bench/bench-world.c \
	tests/bench/bench-world.h tests/bench/measure.h
tests_bench_bench_pipeline_LDADD = \
	dpif-overlay/libovl-pipeline.a dpif-overlay/libovl-tables.a $(OVS_LIBS)
bench-pipeline: tests/bench/bench-pipeline
	@$(BENCH_TABLE) tests/bench/bench-pipeline $(BENCH_FLAGS)

# The daemon with one more class of netdevs, for both datapaths alike.
noinst_PROGRAMS += tests/bench/ovs-vswitchd
tests_bench_ovs_vswitchd_SOURCES = \
	tests/bench/bench-commands.c \
	tests/bench/bench-init.c \
	tests/bench/bench-netdev.c \
	tests/bench/bench-netdev.h \
	tests/bench/bench-ring.c \
	tests/bench/bench-ring.h
tests_bench_ovs_vswitchd_LDADD = $(vswitchd_ovs_vswitchd_LDADD)
tests_bench_ovs_vswitchd_DEPENDENCIES = \
	$(vswitchd_ovs_vswitchd_DEPENDENCIES)
tests_bench_ovs_vswitchd_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=ovl_init

# All of them, and all of them briefly: one after another, and the next one
# also if one misses a goal.
BENCHES = bench-pipeline bench-mac bench-fib bench-control bench-datapath
bench: all
	@$(MAKE) --no-print-directory -k -j1 $(BENCHES)
bench-quick: all
	@$(MAKE) --no-print-directory -k -j1 $(BENCHES) BENCH_FLAGS=--quick
.PHONY: bench bench-control bench-datapath bench-fib bench-mac \
	bench-pipeline bench-quick

# Guests, for minutes: not one of them.
bench-guests: all
	@$(BENCH_INSTALLED) $(srcdir)/tests/guest/measure.py $(BENCH_FLAGS)
.PHONY: bench-guests
