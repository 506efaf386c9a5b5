/* SPDX-License-Identifier: Apache-2.0 */

/* ARP: what is dropped, what is answered here, what passes like any frame.
 * The topology is drawn in world.h. */

#include <config.h>

#include "world-asserts.h"

#include "arp-responder.h"
#include "dp-packet.h"
#include "pkt-edit.h"

static struct frame
reply(const char *dst, const char *mac, const char *ip, const char *tha,
      const char *tpa)
{
    return frame_arp(dst, mac, 2, mac, ip, tha, tpa);
}

/* Dropped. */

static void
malformed_arp_is_dropped_on_every_way_in(void **state)
{
    struct world *w = *state;
    struct frame good = frame_arp_request(MAC_VM1, "10.1.0.11", "10.1.0.1");

    for (size_t len = 14; len < good.len; len++) {
        struct frame f = frame_cut(&good, len);

        assert_port_drop(w, w->vm1, &f, OVL_DROP_ARP_MALFORMED);
        f = frame_vxlan4(MAC_LOCAL, MAC_NEXTHOP, IP_VTEP, IP_OWN, 0, 50000,
                         VNI, &f);
        assert_tunnel_drop(w, &f, OVL_DROP_ARP_MALFORMED);
    }
    for (size_t ofs = 14; ofs < 20; ofs++) {
        struct frame f = good;

        f.data[ofs] ^= 0x80;
        assert_port_drop(w, w->vm1, &f, OVL_DROP_ARP_MALFORMED);
    }
}

static void
arp_with_another_operation_is_dropped(void **state)
{
    static const uint16_t ops[] = { 0, 3, 4, 8, 9, 256, 65535 };
    struct world *w = *state;

    for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
        struct frame f = frame_arp(MAC_BROADCAST, MAC_VM1, ops[i], MAC_VM1,
                                   "10.1.0.11", MAC_ZERO, "10.1.0.1");

        assert_port_drop(w, w->vm1, &f, OVL_DROP_ARP_BAD_OP);
    }
}

static void
arp_sender_that_is_not_the_source_is_dropped(void **state)
{
    struct world *w = *state;

    for (int op = 1; op <= 2; op++) {
        struct frame f = frame_arp(MAC_BROADCAST, MAC_VM1, op, MAC_VM2,
                                   "10.1.0.11", MAC_ZERO, "10.1.0.12");

        assert_port_drop(w, w->vm1, &f, OVL_DROP_ARP_SPOOF);
        memcpy(f.data + 6, mac_from(MAC_VM3).ea, 6);
        assert_port_drop(w, w->vm3, &f, OVL_DROP_ARP_SPOOF);
    }
}

static void
arp_from_an_address_that_is_not_bound_is_dropped(void **state)
{
    static const char *const ips[] = { "10.1.0.12", "10.1.0.63", "10.1.0.80" };
    struct world *w = *state;

    for (size_t i = 0; i < ARRAY_SIZE(ips); i++) {
        for (int op = 1; op <= 2; op++) {
            struct frame f = frame_arp(MAC_BROADCAST, MAC_VM1, op, MAC_VM1,
                                       ips[i], MAC_ZERO, "10.1.0.99");

            assert_port_drop(w, w->vm1, &f, OVL_DROP_ARP_SPOOF);
        }
    }
}

static void
arp_from_a_gateway_address_is_dropped_on_every_port(void **state)
{
    struct world *w = *state;
    struct frame f = frame_arp_request(MAC_VM1, "10.1.0.1", "10.1.0.12");

    assert_port_drop(w, w->vm1, &f, OVL_DROP_SPOOF_GATEWAY);
    f = frame_arp_request(MAC_VM2, "10.1.0.1", "10.1.0.1");
    assert_port_drop(w, w->vm2, &f, OVL_DROP_SPOOF_GATEWAY);
    f = frame_arp_request(MAC_VM3, "10.1.0.1", "10.1.0.12");
    assert_port_drop(w, w->vm3, &f, OVL_DROP_SPOOF_GATEWAY);
    f = frame_tag(&f, 0x8100, 10);
    assert_drop(w, w->trunk1, &f, world_vlan_drops_of(w, w->trunk1, 10),
                OVL_DROP_SPOOF_GATEWAY);
}

static void
arp_addresses_that_no_host_has_are_dropped(void **state)
{
    static const char *const ips[] = {
        "0.0.0.1", "127.0.0.1", "224.0.0.1", "239.1.2.3", "240.0.0.1",
        "255.255.255.255", "10.1.0.255"
    };
    struct world *w = *state;

    for (size_t i = 0; i < ARRAY_SIZE(ips); i++) {
        for (int op = 1; op <= 2; op++) {
            struct frame f = frame_arp(MAC_BROADCAST, MAC_VM3, op, MAC_VM3,
                                       ips[i], MAC_ZERO, "10.1.0.99");

            assert_port_drop(w, w->vm3, &f, OVL_DROP_ARP_BAD_ADDRESS);
            f = frame_arp(MAC_BROADCAST, MAC_VM3, op, MAC_VM3, "10.1.0.13",
                          MAC_ZERO, ips[i]);
            assert_port_drop(w, w->vm3, &f, OVL_DROP_ARP_BAD_ADDRESS);
        }
    }

    struct frame f = frame_arp_request(MAC_VM3, "10.1.0.13", "0.0.0.0");
    assert_port_drop(w, w->vm3, &f, OVL_DROP_ARP_BAD_ADDRESS);
    f = frame_arp(MAC_BROADCAST, MAC_VM3, 2, MAC_VM3, "0.0.0.0", MAC_ZERO,
                  "10.1.0.13");
    assert_port_drop(w, w->vm3, &f, OVL_DROP_ARP_BAD_ADDRESS);
}

static void
request_for_an_unknown_target_is_dropped_if_so_configured(void **state)
{
    struct world *w = *state;
    struct frame f = frame_arp_request(MAC_VM1, "10.1.0.11", "10.1.0.200");

    w->net.neigh_miss_drop = true;
    world_apply(w);
    assert_port_drop(w, w->vm1, &f, OVL_DROP_NEIGH_MISS);

    /* A unicast one asks a VM, not us. */
    f = frame_arp(MAC_VM2, MAC_VM1, 1, MAC_VM1, "10.1.0.11", MAC_ZERO,
                  "10.1.0.200");
    world_receive(w, w->vm1, &f);
    assert_forwarded(w, 1);

    /* Shared, so not unknown. */
    f = frame_arp_request(MAC_VM1, "10.1.0.11", "10.1.0.50");
    world_receive(w, w->vm1, &f);
    assert_forwarded(w, 5);
}

/* Never answered, but forwarded like any frame. */

static void
assert_flooded(struct world *w, struct ovl_lport *port,
               const struct frame *f)
{
    world_receive(w, port, f);
    assert_forwarded(w, 5);
    assert_output(w, 0, port == w->vm1 ? w->vm2 : w->vm1, f);
    assert_tunneled(w, 3, IP_VTEP, 0, f);
    assert_tunneled(w, 4, IP_VTEP2, 0, f);
}

static void
announcement_is_forwarded(void **state)
{
    struct world *w = *state;
    struct frame f = frame_arp_request(MAC_VM1, "10.1.0.11", "10.1.0.11");

    assert_flooded(w, w->vm1, &f);
    f = frame_arp(MAC_BROADCAST, MAC_VM1, 2, MAC_VM1, "10.1.0.11",
                  MAC_BROADCAST, "10.1.0.11");
    assert_flooded(w, w->vm1, &f);

    /* Of an address that the table gives to somebody else: VM 3 may say
     * whatever it likes. */
    f = frame_arp_request(MAC_VM3, "10.1.0.12", "10.1.0.12");
    assert_flooded(w, w->vm3, &f);
}

static void
probe_by_the_owner_is_forwarded(void **state)
{
    struct world *w = *state;
    struct frame f = frame_arp_request(MAC_VM1, "0.0.0.0", "10.1.0.11");

    assert_flooded(w, w->vm1, &f);
}

static void
owner_without_a_mac_row_is_not_answered(void **state)
{
    struct world *w = *state;
    struct frame f = frame_arp_request(MAC_UNKNOWN, "0.0.0.0", "10.1.0.77");

    world_set_neighbor(w, "10.1.0.77", MAC_UNKNOWN, false, false);
    assert_flooded(w, w->vm3, &f);
}

static void
request_for_the_senders_own_mac_is_forwarded(void **state)
{
    struct world *w = *state;
    struct frame f = frame_arp_request(MAC_VM1, "10.1.0.11", "10.1.0.65");

    world_set_neighbor(w, "10.1.0.65", MAC_VM1, false, false);
    assert_flooded(w, w->vm1, &f);
}

static void
request_for_what_is_behind_the_same_port_is_forwarded(void **state)
{
    struct world *w = *state;
    struct frame f = frame_arp_request("52:54:00:00:00:33", "10.1.0.33",
                                       "10.1.0.13");

    world_set_neighbor(w, "10.1.0.13", MAC_VM3, false, false);
    assert_flooded(w, w->vm3, &f);
}

static void
unicast_request_for_a_vm_is_forwarded(void **state)
{
    struct world *w = *state;
    struct frame f = frame_arp(MAC_VM2, MAC_VM1, 1, MAC_VM1, "10.1.0.11",
                               MAC_ZERO, "10.1.0.12");

    world_receive(w, w->vm1, &f);
    assert_forwarded(w, 1);
    assert_output(w, 0, w->vm2, &f);

    f = frame_arp(MAC_REMOTE, MAC_VM1, 1, MAC_VM1, "10.1.0.11", MAC_ZERO,
                  "10.1.0.99");
    world_receive(w, w->vm1, &f);
    assert_forwarded(w, 1);
    assert_tunneled(w, 0, IP_VTEP, 0, &f);
}

static void
reply_is_forwarded(void **state)
{
    struct world *w = *state;
    struct frame f = reply(MAC_VM2, MAC_VM1, "10.1.0.11", MAC_VM2,
                           "10.1.0.12");

    world_receive(w, w->vm1, &f);
    assert_forwarded(w, 1);
    assert_output(w, 0, w->vm2, &f);

    /* To a probe, and by broadcast. */
    f = reply(MAC_VM2, MAC_VM1, "10.1.0.11", MAC_VM2, "0.0.0.0");
    world_receive(w, w->vm1, &f);
    assert_forwarded(w, 1);
    f = reply(MAC_BROADCAST, MAC_VM1, "10.1.0.11", MAC_VM2, "10.1.0.12");
    assert_flooded(w, w->vm1, &f);

    /* Even about the gateway's address as target. */
    f = reply(MAC_BROADCAST, MAC_VM1, "10.1.0.11", MAC_VM2, "10.1.0.1");
    assert_flooded(w, w->vm1, &f);
}

static void
request_for_a_shared_address_is_forwarded(void **state)
{
    struct world *w = *state;
    struct frame f = frame_arp_request(MAC_VM1, "10.1.0.11", "10.1.0.50");

    assert_flooded(w, w->vm1, &f);
}

static void
request_for_a_neighbor_is_forwarded_without_suppression(void **state)
{
    struct world *w = *state;
    struct frame f = frame_arp_request(MAC_VM1, "10.1.0.11", "10.1.0.12");

    w->net.neigh_suppress = false;
    world_apply(w);
    assert_flooded(w, w->vm1, &f);
}

static void
request_for_an_unknown_target_is_flooded_by_default(void **state)
{
    struct world *w = *state;
    struct frame f = frame_arp_request(MAC_VM1, "10.1.0.11", "10.1.0.200");

    assert_flooded(w, w->vm1, &f);
}

static void
request_out_of_a_tunnel_is_not_answered(void **state)
{
    static const char *const targets[] = { "10.1.0.11", "10.1.0.1" };
    struct world *w = *state;

    for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
        struct frame f = frame_arp_request(MAC_REMOTE, "10.1.0.99",
                                           targets[i]);
        struct frame outer = frame_vxlan4(MAC_LOCAL, MAC_NEXTHOP, IP_VTEP,
                                          IP_OWN, 0, 50000, VNI, &f);

        world_receive(w, w->eth1, &outer);
        assert_forwarded(w, 4);
        assert_output(w, 0, w->vm1, &f);
    }
}

/* Answered. */

static void
request_for_the_gateway_is_answered_locally(void **state)
{
    struct world *w = *state;
    struct frame f = frame_arp_request(MAC_VM1, "10.1.0.11", "10.1.0.1");
    struct frame r = reply(MAC_VM1, MAC_ROUTER, "10.1.0.1", MAC_VM1,
                           "10.1.0.11");

    world_receive(w, w->vm1, &f);
    assert_answered(w);
    assert_output(w, 0, w->vm1, &r);
    assert_traffic(w->vm1->traffic, 1, 42, 1, 42);
    assert_traffic(world_network(w, VNI)->traffic, 1, 42, 1, 42);

    /* Unicast, to whichever MAC. */
    memcpy(f.data, mac_from(MAC_ROUTER).ea, 6);
    world_receive(w, w->vm1, &f);
    assert_answered(w);
    assert_output(w, 0, w->vm1, &r);
    memcpy(f.data, mac_from(MAC_VM2).ea, 6);
    world_receive(w, w->vm1, &f);
    assert_answered(w);
    assert_output(w, 0, w->vm1, &r);

    /* Without suppression as well. */
    w->net.neigh_suppress = false;
    w->net.neigh_miss_drop = true;
    world_apply(w);
    world_receive(w, w->vm1, &f);
    assert_answered(w);
    assert_output(w, 0, w->vm1, &r);
}

static void
probe_for_the_gateway_is_answered(void **state)
{
    struct world *w = *state;
    struct frame f = frame_arp_request(MAC_VM1, "0.0.0.0", "10.1.0.1");
    struct frame r = reply(MAC_VM1, MAC_ROUTER, "10.1.0.1", MAC_VM1,
                           "0.0.0.0");

    world_receive(w, w->vm1, &f);
    assert_answered(w);
    assert_output(w, 0, w->vm1, &r);
}

static void
request_for_a_neighbor_is_answered_locally(void **state)
{
    struct world *w = *state;
    struct frame local = frame_arp_request(MAC_VM1, "10.1.0.11", "10.1.0.12");
    struct frame remote = frame_arp_request(MAC_VM1, "10.1.0.11",
                                            "10.1.0.99");
    struct frame r;

    world_receive(w, w->vm1, &local);
    assert_answered(w);
    r = reply(MAC_VM1, MAC_VM2, "10.1.0.12", MAC_VM1, "10.1.0.11");
    assert_output(w, 0, w->vm1, &r);

    world_receive(w, w->vm1, &remote);
    assert_answered(w);
    r = reply(MAC_VM1, MAC_REMOTE, "10.1.0.99", MAC_VM1, "10.1.0.11");
    assert_output(w, 0, w->vm1, &r);

    /* To a multicast address, too. */
    memcpy(remote.data, mac_from("01:00:5e:00:00:01").ea, 6);
    world_receive(w, w->vm1, &remote);
    assert_answered(w);
    assert_output(w, 0, w->vm1, &r);
}

static void
probe_for_somebody_elses_address_is_answered(void **state)
{
    struct world *w = *state;
    struct frame f = frame_arp_request(MAC_VM1, "0.0.0.0", "10.1.0.12");
    struct frame r = reply(MAC_VM1, MAC_VM2, "10.1.0.12", MAC_VM1,
                           "0.0.0.0");

    world_receive(w, w->vm1, &f);
    assert_answered(w);
    assert_output(w, 0, w->vm1, &r);
}

static void
answer_has_no_byte_of_the_request_but_its_fields(void **state)
{
    struct world *w = *state;
    struct frame f = frame_arp_request(MAC_VM1, "10.1.0.11", "10.1.0.1");
    struct frame r = reply(MAC_VM1, MAC_ROUTER, "10.1.0.1", MAC_VM1,
                           "10.1.0.11");

    memset(f.data + 32, 0xee, 6);       /* tha */
    frame_put_pattern(&f, 100);
    world_receive(w, w->vm1, &f);
    assert_answered(w);
    assert_output(w, 0, w->vm1, &r);
}

static void
answer_on_a_gateway_port_has_the_vlans_tag(void **state)
{
    struct world *w = *state;
    struct frame f = frame_arp_request("52:54:00:00:00:44", "10.1.0.44",
                                       "10.1.0.12");
    struct frame r = reply("52:54:00:00:00:44", MAC_VM2, "10.1.0.12",
                           "52:54:00:00:00:44", "10.1.0.44");
    struct frame tagged = frame_tag(&f, 0x8100, 10);
    struct frame tagged_r = frame_tag(&r, 0x8100, 10);

    world_receive(w, w->trunk1, &tagged);
    assert_answered(w);
    assert_output(w, 0, w->trunk1, &tagged_r);
}

static void
priority_tagged_request_is_answered_untagged(void **state)
{
    struct world *w = *state;
    struct frame f = frame_arp_request(MAC_VM1, "10.1.0.11", "10.1.0.1");
    struct frame tagged = frame_tag(&f, 0x8100, 0xe000);
    struct frame r = reply(MAC_VM1, MAC_ROUTER, "10.1.0.1", MAC_VM1,
                           "10.1.0.11");

    world_receive(w, w->vm1, &tagged);
    assert_answered(w);
    assert_output(w, 0, w->vm1, &r);
}

static void
gateway_is_answered_into_the_tunnel_if_so_configured(void **state)
{
    struct world *w = *state;
    struct frame f = frame_arp_request(MAC_REMOTE, "10.1.0.99", "10.1.0.1");
    struct frame outer = frame_vxlan4(MAC_LOCAL, MAC_NEXTHOP, IP_VTEP2,
                                      IP_OWN, 0, 50000, VNI, &f);
    struct frame r = reply(MAC_REMOTE, MAC_ROUTER, "10.1.0.1", MAC_REMOTE,
                           "10.1.0.99");

    w->net.answer_tunnel = true;
    world_apply(w);
    world_receive(w, w->eth1, &outer);
    assert_answered(w);
    assert_tunneled(w, 0, IP_VTEP2, 0, &r);

    /* A VM's address is still none of our business. */
    f = frame_arp_request(MAC_REMOTE, "10.1.0.99", "10.1.0.11");
    outer = frame_vxlan4(MAC_LOCAL, MAC_NEXTHOP, IP_VTEP2, IP_OWN, 0, 50000,
                         VNI, &f);
    world_receive(w, w->eth1, &outer);
    assert_forwarded(w, 4);
}

static void
answer_into_a_tunnel_that_is_not_resolved_is_a_drop(void **state)
{
    struct world *w = *state;
    struct frame f = frame_arp_request(MAC_REMOTE, "10.1.0.99", "10.1.0.1");
    struct frame outer = frame_vxlan4(MAC_LOCAL, MAC_NEXTHOP, IP_VTEP2,
                                      IP_OWN, 0, 50000, VNI, &f);

    w->net.answer_tunnel = true;
    world_apply(w);
    ovl_vtep_set_adjacency(w->vtep2, NULL, OVL_DROP_VTEP_UNRESOLVED);
    world_receive(w, w->eth1, &outer);
    assert_int_equal(w->n_out, 0);
    assert_int_equal(world_delta(w, OVL_TOTAL_CONSUMED), 1);
    assert_int_equal(world_delta(w, OVL_TOTAL_GENERATED), 1);
    assert_int_equal(world_delta(w, OVL_TOTAL_DROPPED), 1);
}

static void
reply_is_42_bytes_with_headroom(void **state OVS_UNUSED)
{
    struct frame f = frame_arp_request(MAC_VM1, "10.1.0.11", "10.1.0.1");
    struct ovl_pkt pkt = ovl_pkt_parse(f.data, f.len);
    struct dp_packet *p = ovl_pkt_new(f.len);
    struct frame got = { .len = 0 };
    struct frame r = reply(MAC_VM1, MAC_ROUTER, "10.1.0.1", MAC_VM1,
                           "10.1.0.11");

    dp_packet_put(p, f.data, f.len);
    ovl_arp_reply(p, &pkt, mac_from(MAC_ROUTER));
    assert_int_equal(dp_packet_size(p), 42);
    assert_true(dp_packet_headroom(p) >= OVL_ADJ_MAX_HEADER);
    frame_put(&got, dp_packet_data(p), dp_packet_size(p));
    assert_frame_equal(&got, &r);
    dp_packet_delete(p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(malformed_arp_is_dropped_on_every_way_in),
        world_test(arp_with_another_operation_is_dropped),
        world_test(arp_sender_that_is_not_the_source_is_dropped),
        world_test(arp_from_an_address_that_is_not_bound_is_dropped),
        world_test(arp_from_a_gateway_address_is_dropped_on_every_port),
        world_test(arp_addresses_that_no_host_has_are_dropped),
        world_test(request_for_an_unknown_target_is_dropped_if_so_configured),
        world_test(announcement_is_forwarded),
        world_test(probe_by_the_owner_is_forwarded),
        world_test(owner_without_a_mac_row_is_not_answered),
        world_test(request_for_the_senders_own_mac_is_forwarded),
        world_test(request_for_what_is_behind_the_same_port_is_forwarded),
        world_test(unicast_request_for_a_vm_is_forwarded),
        world_test(reply_is_forwarded),
        world_test(request_for_a_shared_address_is_forwarded),
        world_test(request_for_a_neighbor_is_forwarded_without_suppression),
        world_test(request_for_an_unknown_target_is_flooded_by_default),
        world_test(request_out_of_a_tunnel_is_not_answered),
        world_test(request_for_the_gateway_is_answered_locally),
        world_test(probe_for_the_gateway_is_answered),
        world_test(request_for_a_neighbor_is_answered_locally),
        world_test(probe_for_somebody_elses_address_is_answered),
        world_test(answer_has_no_byte_of_the_request_but_its_fields),
        world_test(answer_on_a_gateway_port_has_the_vlans_tag),
        world_test(priority_tagged_request_is_answered_untagged),
        world_test(gateway_is_answered_into_the_tunnel_if_so_configured),
        world_test(answer_into_a_tunnel_that_is_not_resolved_is_a_drop),
        world_test(reply_is_42_bytes_with_headroom),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
