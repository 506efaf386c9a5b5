# SPDX-License-Identifier: Apache-2.0
#
# To add a file, add a line to the list of its layer: .c and .h, sorted.
# A layer may include and call only itself and those above it in this file.

EXTRA_DIST += dpif-overlay/README.md dpif-overlay/VHOST-USER.md

# Layers 0 and 1: types, tables.
noinst_LIBRARIES += dpif-overlay/libovl-tables.a
dpif_overlay_libovl_tables_a_SOURCES = \
	dpif-overlay/binding.c \
	dpif-overlay/counters.c \
	dpif-overlay/counters.h \
	dpif-overlay/dense-memory.c \
	dpif-overlay/dense-memory.h \
	dpif-overlay/drop-reasons.c \
	dpif-overlay/drop-reasons.h \
	dpif-overlay/exact-avx512.c \
	dpif-overlay/exact-find.c \
	dpif-overlay/exact-find.h \
	dpif-overlay/exact-map.c \
	dpif-overlay/exact-map.h \
	dpif-overlay/fib-edit.c \
	dpif-overlay/fib-find.c \
	dpif-overlay/fib-private.h \
	dpif-overlay/fib-ranges.c \
	dpif-overlay/fib.c \
	dpif-overlay/fib.h \
	dpif-overlay/fib4-edit.c \
	dpif-overlay/fib4-pack.c \
	dpif-overlay/fib4.h \
	dpif-overlay/fib6-edit.c \
	dpif-overlay/fib6-pack.c \
	dpif-overlay/fib6.h \
	dpif-overlay/forwarding-private.h \
	dpif-overlay/forwarding.c \
	dpif-overlay/forwarding.h \
	dpif-overlay/limiter.c \
	dpif-overlay/limiter.h \
	dpif-overlay/lport.c \
	dpif-overlay/lport.h \
	dpif-overlay/mac-table.c \
	dpif-overlay/neigh-table.c \
	dpif-overlay/network.c \
	dpif-overlay/node-index.c \
	dpif-overlay/node-index.h \
	dpif-overlay/numa-memory.c \
	dpif-overlay/numa-memory.h \
	dpif-overlay/overlay-types.c \
	dpif-overlay/overlay-types.h \
	dpif-overlay/owner-pool.c \
	dpif-overlay/route-pool.c \
	dpif-overlay/source-table.c \
	dpif-overlay/transaction.c \
	dpif-overlay/versioned-exact.c \
	dpif-overlay/versioned-exact.h \
	dpif-overlay/versioned-map.c \
	dpif-overlay/versioned-map.h \
	dpif-overlay/vrf.c \
	dpif-overlay/vtep.c \
	dpif-overlay/way-pool.c

# Layer 2: the packet pipeline.
noinst_LIBRARIES += dpif-overlay/libovl-pipeline.a
dpif_overlay_libovl_pipeline_a_SOURCES = \
	dpif-overlay/adjacency.c \
	dpif-overlay/adjacency.h \
	dpif-overlay/arp-responder.c \
	dpif-overlay/arp-responder.h \
	dpif-overlay/bridging.c \
	dpif-overlay/bridging.h \
	dpif-overlay/ecn.c \
	dpif-overlay/ecn.h \
	dpif-overlay/fast-act.c \
	dpif-overlay/fast-arp.c \
	dpif-overlay/fast-memo.c \
	dpif-overlay/fast-memo.h \
	dpif-overlay/fast-path-private.h \
	dpif-overlay/fast-path.c \
	dpif-overlay/fast-path.h \
	dpif-overlay/fast-route.c \
	dpif-overlay/fast-vlan.c \
	dpif-overlay/flow-hash.c \
	dpif-overlay/flow-hash.h \
	dpif-overlay/from-port.c \
	dpif-overlay/from-underlay.c \
	dpif-overlay/guard.c \
	dpif-overlay/guard.h \
	dpif-overlay/icmp.c \
	dpif-overlay/icmp.h \
	dpif-overlay/ip-forward.c \
	dpif-overlay/ip-forward.h \
	dpif-overlay/l4-csum.c \
	dpif-overlay/l4-csum.h \
	dpif-overlay/nd-responder.c \
	dpif-overlay/nd-responder.h \
	dpif-overlay/offload.c \
	dpif-overlay/offload.h \
	dpif-overlay/output.c \
	dpif-overlay/output.h \
	dpif-overlay/pipeline-hints.c \
	dpif-overlay/pipeline-lookup.c \
	dpif-overlay/pipeline-private.h \
	dpif-overlay/pipeline-trace.c \
	dpif-overlay/pipeline-trace.h \
	dpif-overlay/pipeline.c \
	dpif-overlay/pipeline.h \
	dpif-overlay/pkt-buffer.h \
	dpif-overlay/pkt-edit.c \
	dpif-overlay/pkt-edit.h \
	dpif-overlay/pkt-parse-fast.h \
	dpif-overlay/pkt-parse-load.h \
	dpif-overlay/pkt-parse-mtu.c \
	dpif-overlay/pkt-parse-nd.c \
	dpif-overlay/pkt-parse-offload.c \
	dpif-overlay/pkt-parse-outer.c \
	dpif-overlay/pkt-parse-router.c \
	dpif-overlay/pkt-parse.c \
	dpif-overlay/pkt-parse.h \
	dpif-overlay/replicate.c \
	dpif-overlay/replicate.h \
	dpif-overlay/responder.c \
	dpif-overlay/responder.h \
	dpif-overlay/tso.c \
	dpif-overlay/tso.h \
	dpif-overlay/underlay-hop.c \
	dpif-overlay/underlay-hop.h \
	dpif-overlay/underlay-talk.c \
	dpif-overlay/underlay-talk.h \
	dpif-overlay/verdict.h \
	dpif-overlay/router-advert.c \
	dpif-overlay/router-advert.h \
	dpif-overlay/routing.c \
	dpif-overlay/routing.h \
	dpif-overlay/vxlan.c \
	dpif-overlay/vxlan.h

# Layers 3 and 4: threads, the dpif class.
noinst_LIBRARIES += dpif-overlay/libovl-threads.a
dpif_overlay_libovl_threads_a_SOURCES = \
	dpif-overlay/advertiser.c \
	dpif-overlay/advertiser.h \
	dpif-overlay/buffer-pool.c \
	dpif-overlay/buffer-pool.h \
	dpif-overlay/datapath-control.c \
	dpif-overlay/datapath-pmd.c \
	dpif-overlay/datapath-private.h \
	dpif-overlay/datapath.c \
	dpif-overlay/datapath.h \
	dpif-overlay/dpif-overlay.c \
	dpif-overlay/dpif-overlay.h \
	dpif-overlay/event-log.c \
	dpif-overlay/event-log.h \
	dpif-overlay/overlay-port.c \
	dpif-overlay/overlay-port.h \
	dpif-overlay/pmd-stats.c \
	dpif-overlay/pmd-stats.h \
	dpif-overlay/pmd.c \
	dpif-overlay/pmd.h \
	dpif-overlay/rx-packet.c \
	dpif-overlay/rx-packet.h \
	dpif-overlay/rxq-assign.c \
	dpif-overlay/rxq-assign.h \
	dpif-overlay/rxq-sched.c \
	dpif-overlay/rxq-sched.h \
	dpif-overlay/underlay.c \
	dpif-overlay/underlay.h
