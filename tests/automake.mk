# SPDX-License-Identifier: Apache-2.0
#
# To add a unit test, add these lines in the block for cmocka:
#
#     check_PROGRAMS += tests/unit/test-foo
#     tests_unit_test_foo_SOURCES = tests/unit/test-foo.c
#     tests_unit_test_foo_LDADD = $(UNIT_PIPELINE)
#
# where the last names the layer that it tests.  It links that layer and the
# ones below, so that a call upwards does not link.

UNIT_TABLES = \
	tests/libovl-test.a \
	dpif-overlay/libovl-tables.a \
	$(OVS_LIBS) $(CMOCKA_LIBS)
UNIT_PIPELINE = \
	tests/libovl-test.a \
	dpif-overlay/libovl-pipeline.a \
	dpif-overlay/libovl-tables.a \
	$(OVS_LIBS) $(CMOCKA_LIBS)
UNIT_THREADS = \
	tests/libovl-test.a \
	dpif-overlay/libovl-threads.a \
	dpif-overlay/libovl-pipeline.a \
	dpif-overlay/libovl-tables.a \
	$(OVS_LIBOFPROTO) $(OVS_LIBS) $(CMOCKA_LIBS)
UNIT_RIB = \
	tests/libovl-test.a \
	ofproto-tables/libovl-rib.a \
	dpif-overlay/libovl-tables.a \
	$(OVS_LIBS) $(CMOCKA_LIBS)
UNIT_OFPROTO = \
	tests/libovl-test.a \
	ofproto-tables/libovl-ofproto.a \
	ofproto-tables/libovl-rib.a \
	dpif-overlay/libovl-threads.a \
	dpif-overlay/libovl-pipeline.a \
	dpif-overlay/libovl-tables.a \
	$(OVS_LIBOFPROTO) $(OVS_LIBS) $(CMOCKA_LIBS)

# What unit tests and fuzz targets share, a line per file.
EXTRA_LIBRARIES = tests/libovl-test.a
CLEANFILES += tests/libovl-test.a $(EXTRA_PROGRAMS)
tests_libovl_test_a_SOURCES = \
	tests/unit/bad-frames.c \
	tests/unit/bad-frames.h \
	tests/unit/frames.c \
	tests/unit/frames.h \
	tests/unit/guarded.c \
	tests/unit/guarded.h \
	tests/unit/icmp-oracle.c \
	tests/unit/icmp-oracle.h \
	tests/unit/ip-oracle.c \
	tests/unit/ip-oracle.h \
	tests/unit/neighbor-oracle.c \
	tests/unit/neighbor-oracle.h \
	tests/unit/routed-model.c \
	tests/unit/routed-model.h \
	tests/unit/routed-oracle.c \
	tests/unit/routed-oracle.h \
	tests/unit/routed-world.c \
	tests/unit/routed-world.h \
	tests/unit/templates.c \
	tests/unit/world-oracle.c \
	tests/unit/world-oracle.h \
	tests/unit/world.c \
	tests/unit/world.h

if HAVE_CMOCKA
# Unit tests, sorted.
check_PROGRAMS += tests/unit/test-advertiser
tests_unit_test_advertiser_SOURCES = \
	tests/unit/world-asserts.h tests/unit/test-advertiser.c
tests_unit_test_advertiser_LDADD = $(UNIT_THREADS)

check_PROGRAMS += tests/unit/test-arp-responder
tests_unit_test_arp_responder_SOURCES = \
	tests/unit/world-asserts.h tests/unit/test-arp-responder.c
tests_unit_test_arp_responder_LDADD = $(UNIT_PIPELINE)

check_PROGRAMS += tests/unit/test-buffer-pool
tests_unit_test_buffer_pool_SOURCES = tests/unit/test-buffer-pool.c
tests_unit_test_buffer_pool_LDADD = $(UNIT_THREADS)
tests_unit_test_buffer_pool_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc \
	-Wl,--wrap=aligned_alloc,--wrap=posix_memalign \
	-Wl,--wrap=rte_pktmbuf_pool_create

check_PROGRAMS += tests/unit/test-cfg-hold
tests_unit_test_cfg_hold_SOURCES = tests/unit/test-cfg-hold.c
tests_unit_test_cfg_hold_LDADD = $(UNIT_OFPROTO)

check_PROGRAMS += tests/unit/test-conformance-l2
tests_unit_test_conformance_l2_SOURCES = \
	tests/unit/world-asserts.h tests/unit/test-conformance-l2.c
tests_unit_test_conformance_l2_LDADD = $(UNIT_PIPELINE)

check_PROGRAMS += tests/unit/test-conformance-vxlan
tests_unit_test_conformance_vxlan_SOURCES = \
	tests/unit/world-asserts.h tests/unit/test-conformance-vxlan.c
tests_unit_test_conformance_vxlan_LDADD = $(UNIT_PIPELINE)

check_PROGRAMS += tests/unit/test-counters
tests_unit_test_counters_SOURCES = \
	tests/unit/tables-fixture.h tests/unit/test-counters.c
tests_unit_test_counters_LDADD = $(UNIT_TABLES)

check_PROGRAMS += tests/unit/test-dense-memory
tests_unit_test_dense_memory_SOURCES = \
	tests/unit/tables-fixture.h tests/unit/test-dense-memory.c
tests_unit_test_dense_memory_LDADD = $(UNIT_TABLES)

check_PROGRAMS += tests/unit/test-ecn-dscp
tests_unit_test_ecn_dscp_SOURCES = \
	tests/unit/world-asserts.h tests/unit/test-ecn-dscp.c
tests_unit_test_ecn_dscp_LDADD = $(UNIT_PIPELINE)

check_PROGRAMS += tests/unit/test-exact-map
tests_unit_test_exact_map_SOURCES = \
	tests/unit/tables-fixture.h tests/unit/test-exact-map.c
tests_unit_test_exact_map_LDADD = $(UNIT_TABLES)

check_PROGRAMS += tests/unit/test-exact-threads
tests_unit_test_exact_threads_SOURCES = \
	tests/unit/tables-fixture.h tests/unit/test-exact-threads.c
tests_unit_test_exact_threads_LDADD = $(UNIT_TABLES)

check_PROGRAMS += tests/unit/test-fib-peers
tests_unit_test_fib_peers_SOURCES = tests/unit/test-fib-peers.c
tests_unit_test_fib_peers_LDADD = $(UNIT_TABLES)

check_PROGRAMS += tests/unit/test-fast-path
tests_unit_test_fast_path_SOURCES = \
	tests/unit/fast-asserts.h tests/unit/test-fast-path.c
tests_unit_test_fast_path_LDADD = $(UNIT_PIPELINE)

check_PROGRAMS += tests/unit/test-fast-route
tests_unit_test_fast_route_SOURCES = \
	tests/unit/fast-asserts.h tests/unit/fast-fixture.h \
	tests/unit/test-fast-route.c
tests_unit_test_fast_route_LDADD = $(UNIT_PIPELINE)

check_PROGRAMS += tests/unit/test-fast-vlan
tests_unit_test_fast_vlan_SOURCES = \
	tests/unit/fast-asserts.h tests/unit/fast-fixture.h \
	tests/unit/test-fast-vlan.c
tests_unit_test_fast_vlan_LDADD = $(UNIT_PIPELINE)

check_PROGRAMS += tests/unit/test-fib
tests_unit_test_fib_SOURCES = tests/unit/test-fib.c
tests_unit_test_fib_LDADD = $(UNIT_TABLES)

check_PROGRAMS += tests/unit/test-forwarding
tests_unit_test_forwarding_SOURCES = \
	tests/unit/tables-fixture.h tests/unit/test-forwarding.c
tests_unit_test_forwarding_LDADD = $(UNIT_TABLES)

check_PROGRAMS += tests/unit/test-forwarding-model
tests_unit_test_forwarding_model_SOURCES = \
	tests/unit/tables-fixture.h tests/unit/test-forwarding-model.c
tests_unit_test_forwarding_model_LDADD = $(UNIT_TABLES)

check_PROGRAMS += tests/unit/test-forwarding-threads
tests_unit_test_forwarding_threads_SOURCES = \
	tests/unit/tables-fixture.h tests/unit/test-forwarding-threads.c
tests_unit_test_forwarding_threads_LDADD = $(UNIT_TABLES)

check_PROGRAMS += tests/unit/test-from-underlay
tests_unit_test_from_underlay_SOURCES = \
	tests/unit/world-asserts.h tests/unit/test-from-underlay.c
tests_unit_test_from_underlay_LDADD = $(UNIT_PIPELINE)

check_PROGRAMS += tests/unit/test-grid
tests_unit_test_grid_SOURCES = tests/unit/test-grid.c
tests_unit_test_grid_LDADD = $(UNIT_OFPROTO)

check_PROGRAMS += tests/unit/test-guard
tests_unit_test_guard_SOURCES = \
	tests/unit/world-asserts.h tests/unit/test-guard.c
tests_unit_test_guard_LDADD = $(UNIT_PIPELINE)

check_PROGRAMS += tests/unit/test-large-frames
tests_unit_test_large_frames_SOURCES = \
	tests/unit/world-asserts.h tests/unit/test-large-frames.c
tests_unit_test_large_frames_LDADD = $(UNIT_PIPELINE)

check_PROGRAMS += tests/unit/test-nd-responder
tests_unit_test_nd_responder_SOURCES = \
	tests/unit/world-asserts.h tests/unit/test-nd-responder.c
tests_unit_test_nd_responder_LDADD = $(UNIT_PIPELINE)

check_PROGRAMS += tests/unit/test-node-index
tests_unit_test_node_index_SOURCES = \
	tests/unit/tables-fixture.h tests/unit/test-node-index.c
tests_unit_test_node_index_LDADD = $(UNIT_TABLES)

check_PROGRAMS += tests/unit/test-numa-memory
tests_unit_test_numa_memory_SOURCES = \
	tests/unit/tables-fixture.h tests/unit/test-numa-memory.c
tests_unit_test_numa_memory_LDADD = $(UNIT_TABLES)

check_PROGRAMS += tests/unit/test-offload
tests_unit_test_offload_SOURCES = \
	tests/unit/world-asserts.h tests/unit/test-offload.c
tests_unit_test_offload_LDADD = $(UNIT_PIPELINE)

check_PROGRAMS += tests/unit/test-overlay-port
tests_unit_test_overlay_port_SOURCES = tests/unit/test-overlay-port.c
tests_unit_test_overlay_port_LDADD = $(UNIT_THREADS)

check_PROGRAMS += tests/unit/test-overlay-types
tests_unit_test_overlay_types_SOURCES = \
	tests/unit/tables-fixture.h tests/unit/test-overlay-types.c
tests_unit_test_overlay_types_LDADD = $(UNIT_TABLES)

check_PROGRAMS += tests/unit/test-pipeline
tests_unit_test_pipeline_SOURCES = \
	tests/unit/world-asserts.h tests/unit/test-pipeline.c
tests_unit_test_pipeline_LDADD = $(UNIT_PIPELINE)

check_PROGRAMS += tests/unit/test-pipeline-abuse
tests_unit_test_pipeline_abuse_SOURCES = \
	tests/unit/world-asserts.h tests/unit/test-pipeline-abuse.c
tests_unit_test_pipeline_abuse_LDADD = $(UNIT_PIPELINE)

check_PROGRAMS += tests/unit/test-pipeline-threads
tests_unit_test_pipeline_threads_SOURCES = \
	tests/unit/world-asserts.h tests/unit/test-pipeline-threads.c
tests_unit_test_pipeline_threads_LDADD = $(UNIT_PIPELINE)

check_PROGRAMS += tests/unit/test-pkt-parse
tests_unit_test_pkt_parse_SOURCES = \
	tests/unit/world-asserts.h tests/unit/test-pkt-parse.c
tests_unit_test_pkt_parse_LDADD = $(UNIT_PIPELINE)

check_PROGRAMS += tests/unit/test-pmd-stats
tests_unit_test_pmd_stats_SOURCES = tests/unit/test-pmd-stats.c
tests_unit_test_pmd_stats_LDADD = $(UNIT_THREADS)

check_PROGRAMS += tests/unit/test-rib
tests_unit_test_rib_SOURCES = \
	tests/unit/rib-fixture.h tests/unit/tables-fixture.h \
	tests/unit/test-rib.c
tests_unit_test_rib_LDADD = $(UNIT_RIB)

check_PROGRAMS += tests/unit/test-rib-cost
tests_unit_test_rib_cost_SOURCES = \
	tests/unit/rib-fixture.h tests/unit/tables-fixture.h \
	tests/unit/test-rib-cost.c
tests_unit_test_rib_cost_LDADD = $(UNIT_RIB)

check_PROGRAMS += tests/unit/test-rib-garbage
tests_unit_test_rib_garbage_SOURCES = \
	tests/unit/rib-fixture.h tests/unit/tables-fixture.h \
	tests/unit/test-rib-garbage.c
tests_unit_test_rib_garbage_LDADD = $(UNIT_RIB)

check_PROGRAMS += tests/unit/test-rib-model
tests_unit_test_rib_model_SOURCES = \
	tests/unit/rib-fixture.h tests/unit/tables-fixture.h \
	tests/unit/test-rib-model.c
tests_unit_test_rib_model_LDADD = $(UNIT_RIB)

check_PROGRAMS += tests/unit/test-rib-order
tests_unit_test_rib_order_SOURCES = \
	tests/unit/rib-fixture.h tests/unit/tables-fixture.h \
	tests/unit/test-rib-order.c
tests_unit_test_rib_order_LDADD = $(UNIT_RIB)

check_PROGRAMS += tests/unit/test-rib-route
tests_unit_test_rib_route_SOURCES = \
	tests/unit/rib-fixture.h tests/unit/tables-fixture.h \
	tests/unit/test-rib-route.c
tests_unit_test_rib_route_LDADD = $(UNIT_RIB)

check_PROGRAMS += tests/unit/test-router-advert
tests_unit_test_router_advert_SOURCES = \
	tests/unit/world-asserts.h tests/unit/test-router-advert.c
tests_unit_test_router_advert_LDADD = $(UNIT_PIPELINE)

check_PROGRAMS += tests/unit/test-routing
tests_unit_test_routing_SOURCES = \
	tests/unit/world-asserts.h tests/unit/test-routing.c
tests_unit_test_routing_LDADD = $(UNIT_PIPELINE)

check_PROGRAMS += tests/unit/test-rxq-assign
tests_unit_test_rxq_assign_SOURCES = tests/unit/test-rxq-assign.c
tests_unit_test_rxq_assign_LDADD = $(UNIT_THREADS)

check_PROGRAMS += tests/unit/test-row-parse
tests_unit_test_row_parse_SOURCES = \
	tests/unit/tables-fixture.h tests/unit/test-row-parse.c
tests_unit_test_row_parse_LDADD = $(UNIT_RIB)

check_PROGRAMS += tests/unit/test-rx-packet
tests_unit_test_rx_packet_SOURCES = tests/unit/test-rx-packet.c
tests_unit_test_rx_packet_LDADD = $(UNIT_THREADS)

check_PROGRAMS += tests/unit/test-table-cost
tests_unit_test_table_cost_SOURCES = \
	tests/unit/tables-fixture.h tests/unit/test-table-cost.c
tests_unit_test_table_cost_LDADD = $(UNIT_TABLES)

check_PROGRAMS += tests/unit/test-table-hash
tests_unit_test_table_hash_SOURCES = \
	tests/unit/tables-fixture.h tests/unit/test-table-hash.c
tests_unit_test_table_hash_LDADD = $(UNIT_TABLES)

check_PROGRAMS += tests/unit/test-trace
tests_unit_test_trace_SOURCES = \
	tests/unit/world-asserts.h tests/unit/test-trace.c
tests_unit_test_trace_LDADD = $(UNIT_PIPELINE)

check_PROGRAMS += tests/unit/test-tso
tests_unit_test_tso_SOURCES = tests/unit/test-tso.c
tests_unit_test_tso_LDADD = $(UNIT_PIPELINE)

check_PROGRAMS += tests/unit/test-underlay-hop
tests_unit_test_underlay_hop_SOURCES = \
	tests/unit/world-asserts.h tests/unit/test-underlay-hop.c
tests_unit_test_underlay_hop_LDADD = $(UNIT_PIPELINE)

check_PROGRAMS += tests/unit/test-underlay-talk
tests_unit_test_underlay_talk_SOURCES = \
	tests/unit/world-asserts.h tests/unit/test-underlay-talk.c
tests_unit_test_underlay_talk_LDADD = $(UNIT_PIPELINE)

check_PROGRAMS += tests/unit/test-versioned-map
tests_unit_test_versioned_map_SOURCES = \
	tests/unit/tables-fixture.h tests/unit/test-versioned-map.c
tests_unit_test_versioned_map_LDADD = $(UNIT_TABLES)

check_PROGRAMS += tests/unit/test-vrf
tests_unit_test_vrf_SOURCES = \
	tests/unit/tables-fixture.h tests/unit/test-vrf.c
tests_unit_test_vrf_LDADD = $(UNIT_TABLES)

check_PROGRAMS += tests/unit/test-vxlan
tests_unit_test_vxlan_SOURCES = \
	tests/unit/world-asserts.h tests/unit/test-vxlan.c
tests_unit_test_vxlan_LDADD = $(UNIT_PIPELINE)
endif

# Fuzz targets: libFuzzer programs in tests/fuzz, built by "make fuzz" after
# "configure --enable-fuzz CC=clang-14"; and the same with a main() of their
# own, as a unit test that runs each input of the corpus once.  To add one, add
# these lines:
#
#     EXTRA_PROGRAMS += tests/fuzz/fuzz-foo
#     check_PROGRAMS += tests/fuzz/replay-foo
#     tests_fuzz_fuzz_foo_SOURCES = tests/fuzz/no-chance.c tests/fuzz/fuzz-foo.c
#     tests_fuzz_fuzz_foo_LDADD = $(UNIT_PIPELINE)
#     tests_fuzz_fuzz_foo_LDFLAGS = $(FUZZ_FLAGS)
#     tests_fuzz_replay_foo_SOURCES = \
#             $(tests_fuzz_fuzz_foo_SOURCES) tests/fuzz/replay.c
#     tests_fuzz_replay_foo_LDADD = $(tests_fuzz_fuzz_foo_LDADD)
FUZZ_FLAGS = $(SANITIZE) -fsanitize=fuzzer
UNIT_SEQ = \
	tests/libovl-test.a \
	ofproto-tables/libovl-rib.a \
	dpif-overlay/libovl-pipeline.a \
	dpif-overlay/libovl-tables.a \
	$(OVS_LIBS)
EXTRA_DIST += tests/fuzz/README.md tests/fuzz/corpus tests/fuzz/frames.dict \
	tests/fuzz/make-seeds tests/fuzz/rows.dict tests/fuzz/run

EXTRA_PROGRAMS += tests/fuzz/fuzz-arp-nd
check_PROGRAMS += tests/fuzz/replay-arp-nd
tests_fuzz_fuzz_arp_nd_SOURCES = \
	tests/fuzz/no-chance.c tests/fuzz/frame-input.h tests/fuzz/fuzz-arp-nd.c
tests_fuzz_fuzz_arp_nd_LDADD = $(UNIT_PIPELINE)
tests_fuzz_fuzz_arp_nd_LDFLAGS = $(FUZZ_FLAGS)
tests_fuzz_replay_arp_nd_SOURCES = \
	$(tests_fuzz_fuzz_arp_nd_SOURCES) tests/fuzz/replay.c
tests_fuzz_replay_arp_nd_LDADD = $(tests_fuzz_fuzz_arp_nd_LDADD)

EXTRA_PROGRAMS += tests/fuzz/fuzz-guest
check_PROGRAMS += tests/fuzz/replay-guest
tests_fuzz_fuzz_guest_SOURCES = \
	tests/fuzz/no-chance.c tests/fuzz/frame-input.h tests/fuzz/fuzz-guest.c
tests_fuzz_fuzz_guest_LDADD = $(UNIT_PIPELINE)
tests_fuzz_fuzz_guest_LDFLAGS = $(FUZZ_FLAGS)
tests_fuzz_replay_guest_SOURCES = \
	$(tests_fuzz_fuzz_guest_SOURCES) tests/fuzz/replay.c
tests_fuzz_replay_guest_LDADD = $(tests_fuzz_fuzz_guest_LDADD)

EXTRA_PROGRAMS += tests/fuzz/fuzz-offload
check_PROGRAMS += tests/fuzz/replay-offload
tests_fuzz_fuzz_offload_SOURCES = \
	tests/fuzz/no-chance.c tests/fuzz/frame-input.h tests/fuzz/fuzz-offload.c
tests_fuzz_fuzz_offload_LDADD = $(UNIT_PIPELINE)
tests_fuzz_fuzz_offload_LDFLAGS = $(FUZZ_FLAGS)
tests_fuzz_replay_offload_SOURCES = \
	$(tests_fuzz_fuzz_offload_SOURCES) tests/fuzz/replay.c
tests_fuzz_replay_offload_LDADD = $(tests_fuzz_fuzz_offload_LDADD)

EXTRA_PROGRAMS += tests/fuzz/fuzz-pkt-parse
check_PROGRAMS += tests/fuzz/replay-pkt-parse
tests_fuzz_fuzz_pkt_parse_SOURCES = \
	tests/fuzz/no-chance.c tests/fuzz/frame-input.h tests/fuzz/fuzz-pkt-parse.c
tests_fuzz_fuzz_pkt_parse_LDADD = $(UNIT_PIPELINE)
tests_fuzz_fuzz_pkt_parse_LDFLAGS = $(FUZZ_FLAGS)
tests_fuzz_replay_pkt_parse_SOURCES = \
	$(tests_fuzz_fuzz_pkt_parse_SOURCES) tests/fuzz/replay.c
tests_fuzz_replay_pkt_parse_LDADD = $(tests_fuzz_fuzz_pkt_parse_LDADD)

EXTRA_PROGRAMS += tests/fuzz/fuzz-route
check_PROGRAMS += tests/fuzz/replay-route
tests_fuzz_fuzz_route_SOURCES = \
	tests/fuzz/no-chance.c tests/fuzz/frame-input.h tests/fuzz/fuzz-route.c
tests_fuzz_fuzz_route_LDADD = $(UNIT_PIPELINE)
tests_fuzz_fuzz_route_LDFLAGS = $(FUZZ_FLAGS)
tests_fuzz_replay_route_SOURCES = \
	$(tests_fuzz_fuzz_route_SOURCES) tests/fuzz/replay.c
tests_fuzz_replay_route_LDADD = $(tests_fuzz_fuzz_route_LDADD)

EXTRA_PROGRAMS += tests/fuzz/fuzz-row
check_PROGRAMS += tests/fuzz/replay-row
tests_fuzz_fuzz_row_SOURCES = \
	tests/fuzz/no-chance.c tests/fuzz/frame-input.h tests/fuzz/fuzz-row.c
tests_fuzz_fuzz_row_LDADD = $(UNIT_RIB)
tests_fuzz_fuzz_row_LDFLAGS = $(FUZZ_FLAGS)
tests_fuzz_replay_row_SOURCES = \
	$(tests_fuzz_fuzz_row_SOURCES) tests/fuzz/replay.c
tests_fuzz_replay_row_LDADD = $(tests_fuzz_fuzz_row_LDADD)

EXTRA_PROGRAMS += tests/fuzz/fuzz-seq
check_PROGRAMS += tests/fuzz/replay-seq
tests_fuzz_fuzz_seq_SOURCES = \
	tests/fuzz/no-chance.c tests/fuzz/frame-input.h tests/fuzz/seq-model.c \
	tests/fuzz/seq-model.h tests/fuzz/seq-router.c \
	tests/fuzz/fuzz-seq.c
tests_fuzz_fuzz_seq_LDADD = $(UNIT_SEQ)
tests_fuzz_fuzz_seq_LDFLAGS = $(FUZZ_FLAGS)
tests_fuzz_replay_seq_SOURCES = \
	$(tests_fuzz_fuzz_seq_SOURCES) tests/fuzz/replay.c
tests_fuzz_replay_seq_LDADD = $(tests_fuzz_fuzz_seq_LDADD)

EXTRA_PROGRAMS += tests/fuzz/fuzz-tunnel
check_PROGRAMS += tests/fuzz/replay-tunnel
tests_fuzz_fuzz_tunnel_SOURCES = \
	tests/fuzz/no-chance.c tests/fuzz/frame-input.h tests/fuzz/fuzz-tunnel.c
tests_fuzz_fuzz_tunnel_LDADD = $(UNIT_PIPELINE)
tests_fuzz_fuzz_tunnel_LDFLAGS = $(FUZZ_FLAGS)
tests_fuzz_replay_tunnel_SOURCES = \
	$(tests_fuzz_fuzz_tunnel_SOURCES) tests/fuzz/replay.c
tests_fuzz_replay_tunnel_LDADD = $(tests_fuzz_fuzz_tunnel_LDADD)

fuzz: $(EXTRA_PROGRAMS)
$(EXTRA_PROGRAMS): ovs.stamp

# Looks elsewhere each time, and goes on from what it knows already.
FUZZ_SECONDS = 300
FUZZ_TARGETS =
fuzz-explore: fuzz
	$(PYTHON3) $(srcdir)/tests/fuzz/run --seconds=$(FUZZ_SECONDS) \
		--keep=fuzz-corpus . $(FUZZ_TARGETS)

TESTS += $(check_PROGRAMS)
$(check_PROGRAMS): ovs.stamp

# One writer and many readers of the forwarding tables, by themselves and
# through the pipeline, under ThreadSanitizer.  The parts of Open vSwitch that
# they synchronize with are compiled along, so that it knows what happens
# before what.
TSAN_TABLES = \
	$(dpif_overlay_libovl_tables_a_SOURCES:%=$(top_srcdir)/%)
TSAN_PIPELINE = $(TSAN_TABLES) \
	$(dpif_overlay_libovl_pipeline_a_SOURCES:%=$(top_srcdir)/%) \
	$(tests_libovl_test_a_SOURCES:%=$(top_srcdir)/%)
TSAN_BINS = \
	tests/unit/tsan-exact tests/unit/tsan-forwarding \
	tests/unit/tsan-index tests/unit/tsan-pipeline tests/unit/tsan-vrf
EXTRA_DIST += tests/unit/tsan.supp
CLEANFILES += $(TSAN_BINS)
tests/unit/tsan-exact: $(TSAN_TABLES) \
		$(top_srcdir)/tests/unit/test-exact-threads.c
tests/unit/tsan-forwarding: $(TSAN_TABLES) \
		$(top_srcdir)/tests/unit/test-forwarding-threads.c
tests/unit/tsan-index: $(TSAN_TABLES) \
		$(top_srcdir)/tests/unit/test-node-index.c
tests/unit/tsan-pipeline: $(TSAN_PIPELINE) \
		$(top_srcdir)/tests/unit/test-pipeline-threads.c
tests/unit/tsan-vrf: $(TSAN_TABLES) $(top_srcdir)/tests/unit/test-vrf.c
$(TSAN_BINS): ovs.stamp
	$(AM_V_CCLD)$(MKDIR_P) tests/unit && \
	$(CC) $(AM_CPPFLAGS) $(CPPFLAGS) $(AM_CFLAGS) $(CFLAGS) \
		-Wno-error -Wno-tsan -fsanitize=thread -include sched.h \
		'-DOVL_EXACT_BETWEEN_STEPS()=sched_yield()' \
		-DOVL_EXACT_HINTED=0 -o $@ \
		$(filter %.c,$^) \
		ovs/src/lib/cmap.c ovs/src/lib/ovs-rcu.c ovs/src/lib/seq.c \
		-Wl,--allow-multiple-definition $(OVS_LIBS) $(CMOCKA_LIBS)
tsan: $(TSAN_BINS)
	for program in $(TSAN_BINS); do \
		TSAN_OPTIONS="suppressions=$(top_srcdir)/tests/unit/tsan.supp \
			$$TSAN_OPTIONS" $$program || exit 1; \
	done
.PHONY: tsan

# What gcc does not know: whether locks are held where annotations want them.
thread-safety: ovs.stamp
	status=0; \
	for file in $(wildcard $(top_srcdir)/dpif-overlay/*.c \
			$(top_srcdir)/ofproto-tables/*.c); do \
		clang-14 -fsyntax-only $(AM_CPPFLAGS) $(CPPFLAGS) \
			$(DPDK_CFLAGS) -Wno-everything -Wthread-safety \
			-Werror=thread-safety \
			$$file || status=1; \
	done; exit $$status
.PHONY: thread-safety

# Tests in Python.
EXTRA_DIST += \
	tests/CONFORMANCE.md \
	tests/README.md \
	tests/dpdk \
	tests/guest \
	tests/schema \
	tests/switch \
	tests/system

# Open vSwitch's own tests, with our programs and with the unpatched ones.
EXTRA_DIST += \
	tests/stock/compare.py \
	tests/stock/expected-differences \
	tests/stock/prepare
STOCK = OVS_SOURCE='$(OVS_SOURCE)' PYTHON3='$(PYTHON3)' \
	PYTHONDONTWRITEBYTECODE=1 $(PYTHON3) \
	$(srcdir)/tests/stock/compare.py ovs . stock-tests
check-stock: all
	@$(STOCK) --all $(STOCK_FLAGS)
check-stock-sample: all
	@$(STOCK) $(STOCK_FLAGS)
.PHONY: check-stock check-stock-sample

clean-local:
	rm -rf stock-tests fuzz-corpus
