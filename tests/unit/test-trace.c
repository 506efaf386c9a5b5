/* SPDX-License-Identifier: Apache-2.0 */

/* What 'overlay/trace' prints: whole walks compared, the row that each drop
 * misses, and that tracing changes nothing. */

#include <config.h>

#include "world-asserts.h"

#include "pipeline-trace.h"

static void
assert_trace(struct world *w, struct ovl_lport *in, const struct frame *f,
             const char *expected)
{
    struct ds out = DS_EMPTY_INITIALIZER;

    ovl_trace_frame(w->fwd, in, f->data, f->len, &out);
    assert_string_equal(ds_cstr(&out), expected);
    ds_destroy(&out);
}

/* The trace has 'line' as one of its lines. */
static void
assert_trace_has(struct world *w, struct ovl_lport *in,
                 const struct frame *f, const char *line)
{
    struct ds out = DS_EMPTY_INITIALIZER;
    char *with_ends = xasprintf("\n%s\n", line);

    ds_put_char(&out, '\n');
    ovl_trace_frame(w->fwd, in, f->data, f->len, &out);
    if (!strstr(ds_cstr(&out), with_ends)) {
        print_error("no \"%s\" in:%s", line, ds_cstr(&out));
        fail();
    }
    ds_destroy(&out);
    free(with_ends);
}

static void
walk_of_a_local_unicast(void **state)
{
    struct world *w = *state;
    struct frame f = frame_udp4(MAC_VM2, MAC_VM1, "10.1.0.11", "10.1.0.12",
                                1, 2, 40);

    assert_trace(w, w->vm1, &f, "\
frame: 52:54:00:00:00:01 > 52:54:00:00:00:02, type 0x0800, "
"10.1.0.11 > 10.1.0.12, protocol 17, 82 bytes\n\
bindings: vm1 -> access port of network 5001\n\
networks: 5001 -> found\n\
guard: (vm1, 52:54:00:00:00:01) -> listed IPs only\n\
macs: (5001, 52:54:00:00:00:02) -> vm2\n\
output: vm2, 82 bytes\n\
Final: sent to vm2\n");
}

static void
walk_of_a_remote_unicast(void **state)
{
    struct world *w = *state;
    struct frame f = frame_udp4(MAC_REMOTE, MAC_VM1, "10.1.0.11",
                                "10.1.0.99", 1, 2, 40);

    assert_trace(w, w->vm1, &f, "\
frame: 52:54:00:00:00:01 > 52:54:00:00:00:99, type 0x0800, "
"10.1.0.11 > 10.1.0.99, protocol 17, 82 bytes\n\
bindings: vm1 -> access port of network 5001\n\
networks: 5001 -> found\n\
guard: (vm1, 52:54:00:00:00:01) -> listed IPs only\n\
macs: (5001, 52:54:00:00:00:99) -> VTEP 192.0.2.2\n\
vteps: 192.0.2.2 -> adjacency through eth1, MTU 1450\n\
encapsulate: VXLAN to 192.0.2.2, VNI 5001, TOS 0x00\n\
output: eth1, 132 bytes\n\
Final: sent to eth1\n");
}

static void
walk_of_a_broadcast(void **state)
{
    struct world *w = *state;
    struct frame f = frame_eth(MAC_BROADCAST, MAC_VM3, 0x88b5);

    w->flood[1] = w->vtep_unresolved;
    world_apply(w);
    assert_trace(w, w->vm3, &f, "\
frame: 52:54:00:00:00:03 > ff:ff:ff:ff:ff:ff, type 0x88b5, 14 bytes\n\
bindings: vm3 -> access port of network 5001\n\
networks: 5001 -> found\n\
guard: vm3 is not guarded\n\
networks: 5001 -> floods, other members: 3, VTEPs: 2\n\
output: vm1, 14 bytes\n\
output: vm2, 14 bytes\n\
tag: VLAN 10\n\
output: trunk1, 18 bytes\n\
vteps: 192.0.2.2 -> adjacency through eth1, MTU 1450\n\
encapsulate: VXLAN to 192.0.2.2, VNI 5001, TOS 0x00\n\
output: eth1, 64 bytes\n\
vteps: 192.0.2.4 -> incomplete\n\
drop: vtep_unresolved\n\
Final: sent to vm1, vm2, trunk1, eth1; dropped: vtep_unresolved "
"(the underlay next hop of the VTEP is not resolved)\n");
}

static void
walk_of_an_answered_request(void **state)
{
    struct world *w = *state;
    struct frame f = frame_arp_request(MAC_VM1, "10.1.0.11", "10.1.0.99");

    assert_trace(w, w->vm1, &f, "\
frame: 52:54:00:00:00:01 > ff:ff:ff:ff:ff:ff, type 0x0806, "
"ARP request for 10.1.0.99 from 10.1.0.11 at 52:54:00:00:00:01, 42 bytes\n\
bindings: vm1 -> access port of network 5001\n\
networks: 5001 -> found\n\
guard: (vm1, 52:54:00:00:00:01) -> listed IPs only\n\
neighbors: (5001, 10.1.0.99) -> 52:54:00:00:00:99\n\
responder: answers, 10.1.0.99 is at 52:54:00:00:00:99\n\
output: vm1, 42 bytes\n\
Final: answered, sent to vm1\n");
}

static void
walk_out_of_a_tunnel(void **state)
{
    struct world *w = *state;
    struct frame f = frame_udp4(MAC_VM1, MAC_REMOTE, "10.1.0.99",
                                "10.1.0.11", 1, 2, 40);

    f = frame_vxlan4(MAC_LOCAL, MAC_NEXTHOP, IP_VTEP, IP_OWN, 0, 50000, VNI,
                     &f);
    assert_trace(w, w->eth1, &f, "\
bindings: eth1 -> uplink\n\
decapsulate: VXLAN from 192.0.2.2 to 192.0.2.1, VNI 5001\n\
networks: 5001 -> found\n\
sources: (5001, 192.0.2.2) -> may send\n\
inner frame: 52:54:00:00:00:99 > 52:54:00:00:00:01, type 0x0800, "
"10.1.0.99 > 10.1.0.11, protocol 17, 82 bytes\n\
macs: (5001, 52:54:00:00:00:01) -> vm1\n\
output: vm1, 82 bytes\n\
Final: sent to vm1\n");
}

static void
walk_of_the_hosts_frames(void **state)
{
    struct world *w = *state;
    struct frame f = frame_arp(MAC_LOCAL, MAC_NEXTHOP, 2, MAC_NEXTHOP,
                               "192.0.2.254", MAC_LOCAL, IP_OWN);

    assert_trace(w, w->eth1, &f, "\
frame: aa:aa:aa:00:00:02 > aa:aa:aa:00:00:01, type 0x0806, "
"ARP reply for 192.0.2.1 from 192.0.2.254 at aa:aa:aa:00:00:02, 42 bytes\n\
bindings: eth1 -> uplink\n\
underlay: not VXLAN for us, the host's\n\
output: br-ov, 42 bytes\n\
Final: sent to br-ov\n");
    assert_trace_has(w, w->local, &f, "bindings: br-ov -> LOCAL, the host's");
    assert_trace_has(w, w->local, &f, "Final: sent to eth1");
}

static void
drop_names_the_missing_row(void **state)
{
    struct world *w = *state;
    struct frame f;

    f = frame_udp4(MAC_UNKNOWN, MAC_VM1, "10.1.0.11", "10.1.0.177", 1, 2, 3);
    assert_trace_has(w, w->vm1, &f, "missing row: overlay-ctl mac-add 5001 "
                     "52:54:00:00:00:77 VTEP");
    assert_trace_has(w, w->vm1, &f, "Final: dropped: unknown_unicast "
                     "(no row names the destination MAC)");

    assert_trace_has(w, w->loose, &f, "missing row: overlay-ctl port-bind "
                     "loose VNI 52:54:00:00:00:01 IP");
    assert_trace_has(w, w->vm2, &f, "missing row: overlay-ctl port-bind vm2 "
                     "5001 52:54:00:00:00:01");
    f = frame_udp4(MAC_VM2, MAC_VM1, "10.1.0.177", "10.1.0.12", 1, 2, 3);
    assert_trace_has(w, w->vm1, &f, "missing row: overlay-ctl port-bind vm1 "
                     "5001 52:54:00:00:00:01 10.1.0.177");
    f = frame_udp6(MAC_VM2, MAC_VM1, "2001:db8::77", "2001:db8::12", 1, 2, 3);
    assert_trace_has(w, w->vm1, &f, "missing row: overlay-ctl port-bind vm1 "
                     "5001 52:54:00:00:00:01 2001:db8::77");
    f = frame_arp_request(MAC_VM1, "10.1.0.177", "10.1.0.12");
    assert_trace_has(w, w->vm1, &f, "missing row: overlay-ctl port-bind vm1 "
                     "5001 52:54:00:00:00:01 10.1.0.177");
    f = frame_na("33:33:00:00:00:01", MAC_VM1, "2001:db8::11", "ff02::1",
                 "2001:db8::77", 0x20, MAC_VM1);
    assert_trace_has(w, w->vm1, &f, "missing row: overlay-ctl port-bind vm1 "
                     "5001 52:54:00:00:00:01 2001:db8::77");
    f = frame_tag(&f, 0x8100, 20);
    assert_trace_has(w, w->trunk1, &f, "missing row: ovs-vsctl set Port "
                     "trunk1 overlay_vlan_bindings:20=VNI");

    w->net.neigh_miss_drop = true;
    w->net_other.n_members = 1;
    world_apply(w);
    f = frame_arp_request(MAC_VM1, "10.1.0.11", "10.1.0.177");
    assert_trace_has(w, w->vm1, &f, "missing row: overlay-ctl neigh-add 5001 "
                     "10.1.0.177 MAC");
    f = frame_eth(MAC_BROADCAST, MAC_VM1, 0x88b5);
    assert_trace_has(w, w->other, &f, "missing row: overlay-ctl net-set 70537 "
                     "flood=VTEP");

    ovl_forwarding_begin(w->fwd);
    ovl_network_remove(w->fwd, VNI);
    ovl_forwarding_commit(w->fwd);
    assert_trace_has(w, w->vm1, &f, "missing row: overlay-ctl net-add 5001");
    f = frame_tag(&f, 0x8100, 10);
    assert_trace_has(w, w->trunk1, &f,
                     "missing row: overlay-ctl net-add 5001");
}

static void
drop_out_of_a_tunnel_names_the_missing_row(void **state)
{
    struct world *w = *state;
    struct frame inner = frame_udp4(MAC_VM1, MAC_REMOTE, "10.1.0.99",
                                    "10.1.0.11", 1, 2, 40);
    struct frame f = frame_vxlan4(MAC_LOCAL, MAC_NEXTHOP, "192.0.2.9", IP_OWN,
                                  0, 50000, VNI, &inner);

    assert_trace_has(w, w->eth1, &f, "missing row: overlay-ctl mac-add 5001 "
                     "52:54:00:00:00:99 192.0.2.9");
    f = frame_vxlan4(MAC_LOCAL, MAC_NEXTHOP, IP_VTEP, IP_OWN, 0, 50000, 7777,
                     &inner);
    assert_trace_has(w, w->eth1, &f, "missing row: overlay-ctl net-add 7777");
}

static void
trace_changes_nothing(void **state)
{
    struct world *w = *state;
    size_t n;
    const struct frame *f = frame_templates(&n);
    struct ovl_lport *ports[] = {
        w->vm1, w->vm2, w->vm3, w->trunk1, w->loose, w->eth1, w->local
    };
    uint64_t before[OVL_N_TOTALS];

    for (int i = 0; i < OVL_N_TOTALS; i++) {
        before[i] = ovl_counter_read(i);
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t p = 0; p < ARRAY_SIZE(ports); p++) {
            struct ds out = DS_EMPTY_INITIALIZER;

            ovl_trace_frame(w->fwd, ports[p], f[i].data, f[i].len, &out);
            assert_non_null(strstr(ds_cstr(&out), "\nFinal: "));
            ds_destroy(&out);
        }
    }
    for (int i = 0; i < OVL_N_TOTALS; i++) {
        assert_int_equal(ovl_counter_read(i), before[i]);
    }
    assert_int_equal(w->n_out, 0);
    assert_traffic(w->vm1->traffic, 0, 0, 0, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(walk_of_a_local_unicast),
        world_test(walk_of_a_remote_unicast),
        world_test(walk_of_a_broadcast),
        world_test(walk_of_an_answered_request),
        world_test(walk_out_of_a_tunnel),
        world_test(walk_of_the_hosts_frames),
        world_test(drop_names_the_missing_row),
        world_test(drop_out_of_a_tunnel_names_the_missing_row),
        world_test(trace_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
