/* SPDX-License-Identifier: Apache-2.0 */

/* Bridging: where frames of VMs and of L2 gateways go, and what they cost in
 * counters.  The topology is drawn in world.h. */

#include <config.h>

#include "world-asserts.h"

static struct frame
unicast(const char *dst, const char *src)
{
    return frame_udp4(dst, src, "10.1.0.11", "10.1.0.12", 1000, 2000, 40);
}

static struct frame
broadcast(const char *src)
{
    struct frame f = frame_eth(MAC_BROADCAST, src, 0x88b5);

    frame_put_pattern(&f, 46);
    return f;
}

/* Negative cases. */

static void
port_that_is_not_bound_drops_everything(void **state)
{
    struct world *w = *state;
    struct frame f = unicast(MAC_VM2, MAC_VM1);
    struct frame b = broadcast(MAC_VM1);

    assert_port_drop(w, w->loose, &f, OVL_DROP_PORT_UNBOUND);
    assert_port_drop(w, w->loose, &b, OVL_DROP_PORT_UNBOUND);
}

static void
port_that_is_bound_as_nothing_drops_everything(void **state)
{
    struct world *w = *state;
    struct frame f = unicast(MAC_VM2, MAC_VM1);

    ovl_forwarding_begin(w->fwd);
    ovl_binding_set(w->fwd, &(struct ovl_binding) {
        .port = w->loose, .role = OVL_ROLE_UNBOUND });
    ovl_forwarding_commit(w->fwd);
    assert_port_drop(w, w->loose, &f, OVL_DROP_PORT_UNBOUND);
}

static void
port_of_a_missing_network_drops_everything(void **state)
{
    struct world *w = *state;
    struct frame f = unicast(MAC_VM2, MAC_VM1);

    ovl_forwarding_begin(w->fwd);
    ovl_network_remove(w->fwd, VNI);
    ovl_forwarding_commit(w->fwd);
    assert_port_drop(w, w->vm1, &f, OVL_DROP_NO_NETWORK);
}

static void
frame_without_ethernet_header_is_dropped(void **state)
{
    struct world *w = *state;
    struct frame f = unicast(MAC_VM2, MAC_VM1);

    for (size_t len = 0; len < 14; len++) {
        struct frame cut = frame_cut(&f, len);

        assert_port_drop(w, w->vm1, &cut, OVL_DROP_TOO_SHORT);
        assert_drop(w, w->trunk1, &cut, w->trunk1->drops, OVL_DROP_TOO_SHORT);
        assert_drop(w, w->eth1, &cut, w->eth1->drops, OVL_DROP_TOO_SHORT);
        assert_drop(w, w->local, &cut, w->local->drops, OVL_DROP_TOO_SHORT);
    }
}

static void
source_mac_that_is_multicast_or_zero_is_dropped(void **state)
{
    static const char *const macs[] = {
        MAC_BROADCAST, MAC_ZERO, "01:00:5e:00:00:01", "53:54:00:00:00:01"
    };
    struct world *w = *state;

    for (size_t i = 0; i < ARRAY_SIZE(macs); i++) {
        struct frame f = unicast(MAC_VM2, macs[i]);

        assert_port_drop(w, w->vm1, &f, OVL_DROP_BAD_SOURCE_MAC);
        assert_port_drop(w, w->vm3, &f, OVL_DROP_BAD_SOURCE_MAC);
    }
}

static void
frame_to_its_own_source_is_dropped(void **state)
{
    struct world *w = *state;
    struct frame f = unicast(MAC_VM1, MAC_VM1);

    assert_port_drop(w, w->vm1, &f, OVL_DROP_SAME_MACS);
}

static void
reserved_group_addresses_are_dropped(void **state)
{
    struct world *w = *state;

    for (int i = 0; i < 256; i++) {
        struct frame f = frame_eth("01:80:c2:00:00:00", MAC_VM1, 0x88cc);

        frame_set8(&f, 5, i);
        if (i <= 15) {
            assert_port_drop(w, w->vm1, &f, OVL_DROP_RESERVED_GROUP);
        } else {
            world_receive(w, w->vm1, &f);
            assert_forwarded(w, 5);
        }
    }
}

static void
vlan_tag_on_an_access_port_is_dropped(void **state)
{
    static const uint16_t tpids[] = { 0x8100, 0x88a8, 0x9100 };
    struct world *w = *state;
    struct frame f = unicast(MAC_VM2, MAC_VM1);

    for (size_t i = 0; i < ARRAY_SIZE(tpids); i++) {
        struct frame t = frame_tag(&f, tpids[i], 10);

        assert_port_drop(w, w->vm1, &t, OVL_DROP_VLAN_TAG);
        for (int depth = 2; depth <= 5; depth++) {
            t = frame_tag(&t, tpids[i], depth == 2 ? 0 : 10);
            assert_port_drop(w, w->vm1, &t, OVL_DROP_VLAN_TAG);
        }
    }
}

static void
unknown_unicast_is_dropped_by_default(void **state)
{
    struct world *w = *state;
    struct frame f = unicast(MAC_UNKNOWN, MAC_VM1);

    assert_port_drop(w, w->vm1, &f, OVL_DROP_UNKNOWN_UNICAST);
}

static void
mac_of_another_network_is_unknown(void **state)
{
    struct world *w = *state;
    struct frame f = unicast(MAC_VM2, MAC_VM1);

    assert_port_drop(w, w->other, &f, OVL_DROP_UNKNOWN_UNICAST);
}

static void
frame_for_the_port_that_it_came_from_is_dropped(void **state)
{
    struct world *w = *state;
    struct frame f = unicast(MAC_VM3, "52:54:00:00:00:33");

    assert_port_drop(w, w->vm3, &f, OVL_DROP_SAME_PORT);
}

static void
frame_for_a_port_that_has_gone_is_dropped(void **state)
{
    struct world *w = *state;
    struct frame f = unicast(MAC_VM2, MAC_VM1);

    atomic_store_relaxed(&w->vm2->alive, false);
    assert_port_drop(w, w->vm1, &f, OVL_DROP_PORT_GONE);
}

static void
frame_for_a_vtep_without_next_hop_is_dropped(void **state)
{
    struct world *w = *state;
    struct frame f = unicast(MAC_UNRESOLVED, MAC_VM1);

    assert_port_drop(w, w->vm1, &f, OVL_DROP_VTEP_UNRESOLVED);
    ovl_vtep_set_adjacency(w->vtep_unresolved, NULL, OVL_DROP_NO_TUNNEL_IP);
    assert_port_drop(w, w->vm1, &f, OVL_DROP_NO_TUNNEL_IP);
}

static void
frame_for_an_uplink_that_has_gone_is_dropped(void **state)
{
    struct world *w = *state;
    struct frame f = unicast(MAC_REMOTE, MAC_VM1);

    atomic_store_relaxed(&w->eth1->alive, false);
    assert_port_drop(w, w->vm1, &f, OVL_DROP_PORT_GONE);
}

static void
frame_for_the_router_is_not_bridged(void **state)
{
    struct world *w = *state;
    struct frame f = frame_eth(MAC_ROUTER, MAC_VM1, 0x88b5);

    assert_port_drop(w, w->vm1, &f, OVL_DROP_NOT_IP);
}

/* Without DF, nobody is told that it is too big. */
static void
allow_fragments(struct frame *f)
{
    frame_set16(f, IP4_FRAG, 0);
    frame_fix_ip4(f, L3_OFS);
}

static void
what_does_not_fit_into_the_tunnel_is_dropped(void **state)
{
    struct world *w = *state;

    /* 1500 bytes of underlay less 50 of VXLAN. */
    for (size_t l3 = 1440; l3 <= 1460; l3++) {
        struct frame f = frame_udp4(MAC_REMOTE, MAC_VM1, "10.1.0.11",
                                    "10.1.0.99", 1, 2, l3 - 28);

        assert_int_equal(f.len, l3 + 14);
        allow_fragments(&f);
        if (l3 <= 1450) {
            world_receive(w, w->vm1, &f);
            assert_forwarded(w, 1);
            assert_tunneled(w, 0, IP_VTEP, 0, &f);
        } else {
            assert_port_drop(w, w->vm1, &f, OVL_DROP_TOO_BIG);
        }
    }
}

static void
mtu_of_the_network_bounds_what_goes_into_tunnels(void **state)
{
    struct world *w = *state;
    struct frame fits = frame_udp4(MAC_REMOTE, MAC_VM1, "10.1.0.11",
                                   "10.1.0.99", 1, 2, 1400 - 28);
    struct frame big = frame_udp4(MAC_REMOTE, MAC_VM1, "10.1.0.11",
                                  "10.1.0.99", 1, 2, 1401 - 28);

    w->net.mtu = 1400;
    world_apply(w);
    world_receive(w, w->vm1, &fits);
    assert_forwarded(w, 1);
    allow_fragments(&big);
    assert_port_drop(w, w->vm1, &big, OVL_DROP_TOO_BIG);

    w->net.mtu = 9000;          /* The uplink's still counts. */
    world_apply(w);
    big = frame_udp4(MAC_REMOTE, MAC_VM1, "10.1.0.11", "10.1.0.99", 1, 2,
                     1451 - 28);
    allow_fragments(&big);
    assert_port_drop(w, w->vm1, &big, OVL_DROP_TOO_BIG);
}

static void
broadcast_with_nobody_to_hear_it_is_dropped(void **state)
{
    struct world *w = *state;
    struct frame f = broadcast(MAC_VM1);

    w->net.n_members = 1;
    w->net.n_flood = 0;
    world_apply(w);
    assert_port_drop(w, w->vm1, &f, OVL_DROP_NO_DESTINATION);
}

/* Positive cases. */

static void
unicast_to_a_local_vm_is_delivered_unchanged(void **state)
{
    struct world *w = *state;
    struct frame f = unicast(MAC_VM2, MAC_VM1);

    world_receive(w, w->vm1, &f);
    assert_forwarded(w, 1);
    assert_output(w, 0, w->vm2, &f);

    assert_traffic(w->vm1->traffic, 1, f.len, 0, 0);
    assert_traffic(w->vm2->traffic, 0, 0, 1, f.len);
    assert_traffic(world_network(w, VNI)->traffic, 1, f.len, 1, f.len);
}

static void
every_ethertype_is_delivered_unchanged(void **state)
{
    struct world *w = *state;

    for (int type = 0; type <= UINT16_MAX; type++) {
        struct frame f = frame_eth(MAC_VM2, MAC_VM3, type);

        if (type == 0x0806 || type == 0x8100 || type == 0x88a8
            || type == 0x9100) {
            continue;           /* Empty ones make no sense. */
        }
        world_receive(w, w->vm3, &f);
        assert_int_equal(w->n_out, 1);
        assert_output(w, 0, w->vm2, &f);
    }
}

static void
unicast_to_a_remote_vm_is_encapsulated(void **state)
{
    struct world *w = *state;
    struct frame f = unicast(MAC_REMOTE, MAC_VM1);

    world_receive(w, w->vm1, &f);
    assert_forwarded(w, 1);
    assert_tunneled(w, 0, IP_VTEP, 0, &f);

    assert_traffic(w->vm1->traffic, 1, f.len, 0, 0);
    assert_traffic(w->eth1->traffic, 0, 0, 1, f.len + 50);
    assert_traffic(world_network(w, VNI)->traffic, 1, f.len, 1, f.len);
    assert_traffic(w->vtep->traffic, 0, 0, 1, f.len);
}

static void
runt_is_encapsulated_without_padding(void **state)
{
    struct world *w = *state;
    struct frame f = frame_eth(MAC_REMOTE, MAC_VM1, 0x88b5);

    world_receive(w, w->vm1, &f);
    assert_forwarded(w, 1);
    assert_tunneled(w, 0, IP_VTEP, 0, &f);
}

static void
ecn_and_configured_dscp_go_outside(void **state)
{
    struct world *w = *state;

    w->config.tos = 0x28;
    world_apply(w);
    for (int tos = 0; tos < 256; tos++) {
        struct frame f = unicast(MAC_REMOTE, MAC_VM1);

        frame_set8(&f, IP4_TOS, tos);
        frame_fix_ip4(&f, L3_OFS);
        world_receive(w, w->vm1, &f);
        assert_tunneled(w, 0, IP_VTEP, 0x28 | (tos & 3), &f);

        f = frame_udp6(MAC_REMOTE, MAC_VM1, "2001:db8::11", "2001:db8::99",
                       1, 2, 3);
        frame_set32(&f, L3_OFS, 0x60000000 | tos << 20);
        world_receive(w, w->vm1, &f);
        assert_tunneled(w, 0, IP_VTEP, 0x28 | (tos & 3), &f);
    }
}

static void
inherited_dscp_goes_outside(void **state)
{
    struct world *w = *state;
    struct frame f = unicast(MAC_REMOTE, MAC_VM1);
    struct frame other = frame_eth(MAC_REMOTE, MAC_VM1, 0x88b5);

    w->config.dscp_inherit = true;
    world_apply(w);
    for (int tos = 0; tos < 256; tos++) {
        frame_set8(&f, IP4_TOS, tos);
        frame_fix_ip4(&f, L3_OFS);
        world_receive(w, w->vm1, &f);
        assert_tunneled(w, 0, IP_VTEP, tos, &f);
    }
    world_receive(w, w->vm1, &other);
    assert_tunneled(w, 0, IP_VTEP, 0, &other);
}

static void
inner_vxlan_is_ordinary_payload(void **state)
{
    struct world *w = *state;
    struct frame inner = broadcast(MAC_REMOTE);
    struct frame payload;

    payload = frame_vxlan4(MAC_VM1, MAC_VM2, IP_VTEP, IP_OWN, 0, 50000,
                           VNI_OTHER, &inner);
    world_receive(w, w->vm2, &payload);
    assert_forwarded(w, 1);
    assert_output(w, 0, w->vm1, &payload);

    /* Not even to the host's own MAC. */
    payload = frame_vxlan4(MAC_LOCAL, MAC_VM2, IP_VTEP, IP_OWN, 0, 50000,
                           VNI_OTHER, &inner);
    assert_port_drop(w, w->vm2, &payload, OVL_DROP_UNKNOWN_UNICAST);
}

static void
broadcast_goes_to_each_member_and_each_vtep_once(void **state)
{
    struct world *w = *state;
    struct frame f = broadcast(MAC_VM1);
    struct frame tagged = frame_tag(&f, 0x8100, 10);

    world_receive(w, w->vm1, &f);
    assert_forwarded(w, 5);
    assert_output(w, 0, w->vm2, &f);
    assert_output(w, 1, w->vm3, &f);
    assert_output(w, 2, w->trunk1, &tagged);
    assert_tunneled(w, 3, IP_VTEP, 0, &f);
    assert_tunneled(w, 4, IP_VTEP2, 0, &f);

    assert_traffic(world_network(w, VNI)->traffic, 1, f.len, 5, 5 * f.len);
    assert_traffic(w->vtep->traffic, 0, 0, 1, f.len);
    assert_traffic(w->vtep2->traffic, 0, 0, 1, f.len);
    assert_traffic(w->trunk1->traffic, 0, 0, 1, f.len + 4);
}

static void
multicast_is_flooded_too(void **state)
{
    struct world *w = *state;
    struct frame f = frame_ip4("01:00:5e:00:00:fb", MAC_VM1, "10.1.0.11",
                               "224.0.0.251", 2, NULL, 0);

    world_receive(w, w->vm1, &f);
    assert_forwarded(w, 5);
    assert_output(w, 0, w->vm2, &f);
    assert_tunneled(w, 4, IP_VTEP2, 0, &f);
}

static void
unresolved_vtep_of_the_flood_list_costs_one_drop(void **state)
{
    struct world *w = *state;
    struct frame f = broadcast(MAC_VM1);
    uint32_t block = world_drops_of(w, w->vm1);

    /* First, last, in the middle. */
    for (int i = 0; i < 3; i++) {
        uint64_t before = ovl_counter_read(block + OVL_DROP_VTEP_UNRESOLVED);

        w->flood[i] = w->vtep_unresolved;
        w->flood[(i + 1) % 3] = w->vtep;
        w->flood[(i + 2) % 3] = w->vtep2;
        w->net.n_flood = 3;
        world_apply(w);
        world_receive(w, w->vm1, &f);
        assert_int_equal(w->n_out, 5);
        assert_int_equal(world_delta(w, OVL_TOTAL_SENT), 5);
        assert_int_equal(world_delta(w, OVL_TOTAL_REPLICATED), 5);
        assert_int_equal(world_delta(w, OVL_TOTAL_DROPPED), 1);
        assert_int_equal(ovl_counter_read(block + OVL_DROP_VTEP_UNRESOLVED),
                         before + 1);
    }
}

static void
flood_that_reaches_nobody_is_all_drops(void **state)
{
    struct world *w = *state;
    struct frame f = broadcast(MAC_VM1);

    w->net.n_members = 1;
    w->flood[0] = w->flood[1] = w->vtep_unresolved;
    world_apply(w);
    world_receive(w, w->vm1, &f);
    assert_int_equal(w->n_out, 0);
    assert_int_equal(world_delta(w, OVL_TOTAL_REPLICATED), 1);
    assert_int_equal(world_delta(w, OVL_TOTAL_DROPPED), 2);
}

static void
dead_member_does_not_stop_a_flood(void **state)
{
    struct world *w = *state;
    struct frame f = broadcast(MAC_VM1);

    atomic_store_relaxed(&w->vm2->alive, false);
    world_receive(w, w->vm1, &f);
    assert_int_equal(w->n_out, 4);
    assert_int_equal(world_delta(w, OVL_TOTAL_REPLICATED), 4);
    assert_int_equal(world_delta(w, OVL_TOTAL_DROPPED), 1);
}

static void
big_broadcast_reaches_the_local_members_only(void **state)
{
    struct world *w = *state;
    struct frame f = broadcast(MAC_VM1);

    frame_put_pattern(&f, 1451 - 46);
    world_receive(w, w->vm1, &f);
    assert_int_equal(w->n_out, 3);
    assert_output(w, 0, w->vm2, &f);
    assert_int_equal(world_delta(w, OVL_TOTAL_REPLICATED), 4);
    assert_int_equal(world_delta(w, OVL_TOTAL_DROPPED), 2);
}

static void
unknown_unicast_is_flooded_if_so_configured(void **state)
{
    struct world *w = *state;
    struct frame f = unicast(MAC_UNKNOWN, MAC_VM1);

    w->net.flood_unknown = true;
    world_apply(w);
    world_receive(w, w->vm1, &f);
    assert_forwarded(w, 5);
    assert_output(w, 1, w->vm3, &f);
    assert_tunneled(w, 3, IP_VTEP, 0, &f);
}

static void
priority_tag_on_an_access_port_is_stripped(void **state)
{
    static const uint16_t tpids[] = { 0x8100, 0x88a8, 0x9100 };
    struct world *w = *state;
    struct frame f = unicast(MAC_VM2, MAC_VM1);
    struct frame remote = unicast(MAC_REMOTE, MAC_VM1);

    for (size_t i = 0; i < ARRAY_SIZE(tpids); i++) {
        struct frame t = frame_tag(&f, tpids[i], 0xe000);

        world_receive(w, w->vm1, &t);
        assert_forwarded(w, 1);
        assert_output(w, 0, w->vm2, &f);

        t = frame_tag(&remote, tpids[i], 0);
        world_receive(w, w->vm1, &t);
        assert_tunneled(w, 0, IP_VTEP, 0, &remote);
    }
}

static void
tenants_with_equal_addresses_do_not_meet(void **state)
{
    struct world *w = *state;
    struct frame f = broadcast(MAC_VM1);

    world_receive(w, w->other, &f);
    assert_forwarded(w, 1);
    assert_output(w, 0, w->trunk1, &f);
    f = unicast(MAC_VM1, "52:54:00:00:00:33");
    world_receive(w, w->trunk1, &f);
    assert_forwarded(w, 1);
    assert_output(w, 0, w->other, &f);
}

/* L2 gateway. */

static void
vlan_of_a_gateway_port_is_bridged_into_its_network(void **state)
{
    struct world *w = *state;
    struct frame f = unicast(MAC_VM2, "52:54:00:00:00:44");
    struct frame tagged = frame_tag(&f, 0x8100, 0xa00a);

    world_receive(w, w->trunk1, &tagged);
    assert_forwarded(w, 1);
    assert_output(w, 0, w->vm2, &f);
}

static void
tag_is_pushed_towards_a_gateway_port(void **state)
{
    struct world *w = *state;
    struct frame f = unicast("52:54:00:00:00:44", MAC_VM1);
    struct frame tagged = frame_tag(&f, 0x8100, 10);

    world_set_mac(w, VNI, "52:54:00:00:00:44", w->trunk1, 10, NULL);
    world_receive(w, w->vm1, &f);
    assert_forwarded(w, 1);
    assert_output(w, 0, w->trunk1, &tagged);
}

static void
vlan_that_is_not_listed_is_dropped(void **state)
{
    struct world *w = *state;
    struct frame f = unicast(MAC_VM2, "52:54:00:00:00:44");

    for (int vid = 1; vid <= 4095; vid += 7) {
        struct frame t = frame_tag(&f, 0x8100, vid);

        if (vid != 10) {
            assert_drop(w, w->trunk1, &t, w->trunk1->drops,
                        OVL_DROP_VLAN_UNBOUND);
        }
    }
}

static void
second_tag_on_a_gateway_port_is_dropped(void **state)
{
    struct world *w = *state;
    struct frame f = unicast(MAC_VM2, "52:54:00:00:00:44");
    struct frame t = frame_tag(&f, 0x8100, 20);

    t = frame_tag(&t, 0x8100, 10);
    assert_drop(w, w->trunk1, &t, w->trunk1->drops, OVL_DROP_VLAN_TAG);
    t = frame_tag(&f, 0x88a8, 10);
    assert_drop(w, w->trunk1, &t, w->trunk1->drops, OVL_DROP_VLAN_TAG);
}

static void
drops_of_a_gateway_port_count_under_the_vlans_network(void **state)
{
    struct world *w = *state;
    struct frame f = unicast(MAC_UNKNOWN, "52:54:00:00:00:44");
    struct frame t = frame_tag(&f, 0x8100, 10);

    assert_drop(w, w->trunk1, &t, world_vlan_drops_of(w, w->trunk1, 10),
                OVL_DROP_UNKNOWN_UNICAST);
    assert_drop(w, w->trunk1, &f, world_vlan_drops_of(w, w->trunk1, 0),
                OVL_DROP_UNKNOWN_UNICAST);
}

/* Bursts. */

static void
burst_is_handled_in_order(void **state)
{
    struct world *w = *state;
    struct frame *f = xmalloc(32 * sizeof *f);

    for (size_t i = 0; i < 32; i++) {
        f[i] = unicast(i % 3 == 2 ? MAC_UNKNOWN : MAC_VM2, MAC_VM1);
        frame_set16(&f[i], UDP_SPORT, i);
    }
    world_receive_burst(w, w->vm1, f, 32);
    assert_int_equal(w->n_out, 22);
    for (size_t i = 0, out = 0; i < 32; i++) {
        if (i % 3 != 2) {
            assert_output(w, out, w->vm2, &f[i]);
            out++;
        }
    }
    assert_int_equal(world_delta(w, OVL_TOTAL_RECEIVED), 32);
    assert_int_equal(world_delta(w, OVL_TOTAL_DROPPED), 10);
    free(f);
}

static void
unsent_frames_are_drops_of_the_output_port(void **state)
{
    struct world *w = *state;
    uint64_t before = ovl_counter_read(OVL_TOTAL_DROPPED);

    ovl_account_unsent(w->worker.shard, w->vm2, OVL_DROP_TX_ERROR, 3);
    assert_int_equal(ovl_counter_read(OVL_TOTAL_DROPPED), before + 3);
    assert_int_equal(ovl_counter_read(w->vm2->drops + OVL_DROP_TX_ERROR), 3);
    /* They had been received. */
    ovl_counter_add(w->worker.shard, OVL_TOTAL_RECEIVED, 3);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(port_that_is_not_bound_drops_everything),
        world_test(port_that_is_bound_as_nothing_drops_everything),
        world_test(port_of_a_missing_network_drops_everything),
        world_test(frame_without_ethernet_header_is_dropped),
        world_test(source_mac_that_is_multicast_or_zero_is_dropped),
        world_test(frame_to_its_own_source_is_dropped),
        world_test(reserved_group_addresses_are_dropped),
        world_test(vlan_tag_on_an_access_port_is_dropped),
        world_test(unknown_unicast_is_dropped_by_default),
        world_test(mac_of_another_network_is_unknown),
        world_test(frame_for_the_port_that_it_came_from_is_dropped),
        world_test(frame_for_a_port_that_has_gone_is_dropped),
        world_test(frame_for_a_vtep_without_next_hop_is_dropped),
        world_test(frame_for_an_uplink_that_has_gone_is_dropped),
        world_test(frame_for_the_router_is_not_bridged),
        world_test(what_does_not_fit_into_the_tunnel_is_dropped),
        world_test(mtu_of_the_network_bounds_what_goes_into_tunnels),
        world_test(broadcast_with_nobody_to_hear_it_is_dropped),
        world_test(unicast_to_a_local_vm_is_delivered_unchanged),
        world_test(every_ethertype_is_delivered_unchanged),
        world_test(unicast_to_a_remote_vm_is_encapsulated),
        world_test(runt_is_encapsulated_without_padding),
        world_test(ecn_and_configured_dscp_go_outside),
        world_test(inherited_dscp_goes_outside),
        world_test(inner_vxlan_is_ordinary_payload),
        world_test(broadcast_goes_to_each_member_and_each_vtep_once),
        world_test(multicast_is_flooded_too),
        world_test(unresolved_vtep_of_the_flood_list_costs_one_drop),
        world_test(flood_that_reaches_nobody_is_all_drops),
        world_test(dead_member_does_not_stop_a_flood),
        world_test(big_broadcast_reaches_the_local_members_only),
        world_test(unknown_unicast_is_flooded_if_so_configured),
        world_test(priority_tag_on_an_access_port_is_stripped),
        world_test(tenants_with_equal_addresses_do_not_meet),
        world_test(vlan_of_a_gateway_port_is_bridged_into_its_network),
        world_test(tag_is_pushed_towards_a_gateway_port),
        world_test(vlan_that_is_not_listed_is_dropped),
        world_test(second_tag_on_a_gateway_port_is_dropped),
        world_test(drops_of_a_gateway_port_count_under_the_vlans_network),
        world_test(burst_is_handled_in_order),
        world_test(unsent_frames_are_drops_of_the_output_port),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
