/* SPDX-License-Identifier: Apache-2.0 */

/* Who may say what on a port.  VM 1 is bound to addresses, VM 2 to its MAC,
 * VM 3 to nothing; see world.h. */

#include <config.h>

#include "world-asserts.h"

static struct frame
from_ip4(const char *src, const char *ip)
{
    return frame_udp4(MAC_VM3, src, ip, "10.1.0.13", 1000, 2000, 10);
}

static struct frame
from_ip6(const char *src, const char *ip)
{
    return frame_udp6(MAC_VM3, src, ip, "2001:db8::13", 1000, 2000, 10);
}

static void
assert_passes(struct world *w, struct ovl_lport *port, const struct frame *f)
{
    world_receive(w, port, f);
    assert_true(w->n_out >= 1);
    assert_int_equal(world_delta(w, OVL_TOTAL_DROPPED), 0);
    assert_frame_equal(&w->out[0].frame, f);
}

static void
mac_that_is_not_bound_is_dropped(void **state)
{
    struct world *w = *state;
    struct frame f = from_ip4(MAC_VM2, "10.1.0.11");

    assert_port_drop(w, w->vm1, &f, OVL_DROP_SPOOF_MAC);
    f = from_ip4(MAC_UNKNOWN, "10.1.0.11");
    assert_port_drop(w, w->vm1, &f, OVL_DROP_SPOOF_MAC);
    assert_port_drop(w, w->vm2, &f, OVL_DROP_SPOOF_MAC);
    for (uint32_t i = 0; i < 1000; i++) {
        frame_set32(&f, 8, 0x12340000 + i);
        assert_port_drop(w, w->vm1, &f, OVL_DROP_SPOOF_MAC);
    }
}

static void
router_mac_as_source_is_dropped_on_every_port(void **state)
{
    struct world *w = *state;
    struct frame f = from_ip4(MAC_ROUTER, "10.1.0.11");
    struct frame t = frame_tag(&f, 0x8100, 10);

    assert_port_drop(w, w->vm1, &f, OVL_DROP_SPOOF_GATEWAY);
    assert_port_drop(w, w->vm2, &f, OVL_DROP_SPOOF_GATEWAY);
    memcpy(f.data, mac_from(MAC_VM2).ea, 6);
    assert_port_drop(w, w->vm3, &f, OVL_DROP_SPOOF_GATEWAY);
    assert_drop(w, w->trunk1, &t, world_vlan_drops_of(w, w->trunk1, 10),
                OVL_DROP_SPOOF_GATEWAY);
}

static void
mac_of_a_router_that_does_not_exist_is_like_any_other(void **state)
{
    struct world *w = *state;

    /* Network 5002 is of layer 2 only; its router MAC is LOCAL's. */
    struct frame f = frame_eth(MAC_BROADCAST, MAC_LOCAL, 0x88b5);
    assert_passes(w, w->other, &f);
    f = frame_eth(MAC_LOCAL, MAC_VM1, 0x88b5);
    assert_port_drop(w, w->other, &f, OVL_DROP_UNKNOWN_UNICAST);

    /* One with a VRF has a router, gateways or not. */
    w->net_other.vrf = CONST_CAST(char *, "red");
    world_apply(w);
    assert_port_drop(w, w->other, &f, OVL_DROP_NOT_IP);
    f = frame_eth(MAC_BROADCAST, MAC_LOCAL, 0x88b5);
    assert_port_drop(w, w->other, &f, OVL_DROP_SPOOF_GATEWAY);
}

static void
gateway_address_as_source_is_dropped_on_every_port(void **state)
{
    struct world *w = *state;
    struct frame f = from_ip4(MAC_VM1, "10.1.0.1");

    assert_port_drop(w, w->vm1, &f, OVL_DROP_SPOOF_GATEWAY);
    f = from_ip4(MAC_VM2, "10.1.0.1");
    assert_port_drop(w, w->vm2, &f, OVL_DROP_SPOOF_GATEWAY);
    f = from_ip6(MAC_VM2, "2001:db8::1");
    assert_port_drop(w, w->vm2, &f, OVL_DROP_SPOOF_GATEWAY);
    f = from_ip6(MAC_VM2, "fe80::5eff:fe00:101");
    assert_port_drop(w, w->vm2, &f, OVL_DROP_SPOOF_GATEWAY);
    f = frame_udp4(MAC_VM1, MAC_VM3, "10.1.0.1", "10.1.0.11", 1, 2, 3);
    assert_port_drop(w, w->vm3, &f, OVL_DROP_SPOOF_GATEWAY);
}

static void
ipv4_source_that_is_not_bound_is_dropped(void **state)
{
    static const char *const bad[] = {
        "10.1.0.12", "10.1.0.10", "10.1.0.63", "10.1.0.80", "0.0.0.0",
        "255.255.255.255", "224.0.0.1", "127.0.0.1"
    };
    static const char *const good[] = {
        "10.1.0.11", "10.1.0.64", "10.1.0.79"
    };
    struct world *w = *state;

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct frame f = from_ip4(MAC_VM1, bad[i]);

        assert_port_drop(w, w->vm1, &f, OVL_DROP_SPOOF_IP);
        memcpy(f.data + 6, mac_from(MAC_VM2).ea, 6);
        assert_passes(w, w->vm2, &f);
    }
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        struct frame f = from_ip4(MAC_VM1, good[i]);

        assert_passes(w, w->vm1, &f);
    }
}

static void
fragments_are_guarded_too(void **state)
{
    static const uint16_t frags[] = { 0x2000, 0x2010, 0x0010 };
    struct world *w = *state;

    for (size_t i = 0; i < ARRAY_SIZE(frags); i++) {
        struct frame f = from_ip4(MAC_VM1, "10.1.0.12");

        frame_set16(&f, IP4_FRAG, frags[i]);
        assert_port_drop(w, w->vm1, &f, OVL_DROP_SPOOF_IP);
        f = from_ip4(MAC_VM1, "10.1.0.11");
        frame_set16(&f, IP4_FRAG, frags[i]);
        assert_passes(w, w->vm1, &f);
    }
}

static void
ip_that_cannot_be_checked_does_not_pass_a_guard(void **state)
{
    struct world *w = *state;
    struct frame good4 = from_ip4(MAC_VM1, "10.1.0.11");
    struct frame good6 = from_ip6(MAC_VM1, "2001:db8::11");

    for (size_t len = 14; len < 34; len++) {
        struct frame f = frame_cut(&good4, len);

        assert_port_drop(w, w->vm1, &f, OVL_DROP_SPOOF_IP);
        memcpy(f.data + 6, mac_from(MAC_VM2).ea, 6);
        assert_passes(w, w->vm2, &f);
    }
    for (size_t len = 14; len < 54; len++) {
        struct frame f = frame_cut(&good6, len);

        assert_port_drop(w, w->vm1, &f, OVL_DROP_SPOOF_IP);
    }
    for (int i = 0; i < 256; i++) {
        struct frame f = good4;

        frame_set8(&f, L3_OFS, i);
        if (i >> 4 != 4 || (i & 15) < 5) {
            assert_port_drop(w, w->vm1, &f, OVL_DROP_SPOOF_IP);
        }
    }
}

static void
dhcp_client_without_address_may_ask(void **state)
{
    struct world *w = *state;
    struct frame f = frame_udp4(MAC_BROADCAST, MAC_VM1, "0.0.0.0",
                                "255.255.255.255", 68, 67, 244);

    assert_passes(w, w->vm1, &f);
    f = frame_udp4(MAC_BROADCAST, MAC_VM1, "0.0.0.0", "255.255.255.255", 67,
                   68, 244);
    assert_port_drop(w, w->vm1, &f, OVL_DROP_SPOOF_IP);
    f = frame_udp4(MAC_BROADCAST, MAC_VM1, "0.0.0.0", "255.255.255.255", 1000,
                   67, 244);
    assert_port_drop(w, w->vm1, &f, OVL_DROP_SPOOF_IP);
    f = frame_udp4(MAC_BROADCAST, MAC_VM1, "0.0.0.0", "255.255.255.255", 68,
                   1000, 244);
    assert_port_drop(w, w->vm1, &f, OVL_DROP_SPOOF_IP);
    f = frame_udp4(MAC_VM2, MAC_VM1, "0.0.0.0", "10.1.0.12", 68, 67, 244);
    assert_port_drop(w, w->vm1, &f, OVL_DROP_SPOOF_IP);
    f = frame_udp4(MAC_BROADCAST, MAC_VM1, "0.0.0.0", "255.255.255.255", 68,
                   67, 244);
    frame_set16(&f, IP4_FRAG, 0x2000);
    assert_port_drop(w, w->vm1, &f, OVL_DROP_SPOOF_IP);
}

static void
arp_prober_without_address_may_ask(void **state)
{
    struct world *w = *state;
    struct frame f = frame_arp_request(MAC_VM1, "0.0.0.0", "10.1.0.11");

    assert_passes(w, w->vm1, &f);
    f = frame_arp_request(MAC_VM1, "0.0.0.0", "10.1.0.200");
    assert_passes(w, w->vm1, &f);
}

static void
ipv6_source_that_is_not_bound_is_dropped(void **state)
{
    static const char *const bad[] = {
        "2001:db8::12", "2001:db8::10", "::", "::1", "ff02::1",
        "::ffff:10.1.0.11", "::10.1.0.11"
    };
    struct world *w = *state;
    struct frame f = from_ip6(MAC_VM1, "2001:db8::11");

    assert_passes(w, w->vm1, &f);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        f = from_ip6(MAC_VM1, bad[i]);
        assert_port_drop(w, w->vm1, &f, OVL_DROP_SPOOF_IP);
    }
}

static void
link_local_address_needs_an_ipv6_address_in_the_list(void **state)
{
    struct world *w = *state;
    struct frame f = from_ip6(MAC_VM1, "fe80::5054:ff:fe00:1");

    assert_passes(w, w->vm1, &f);
    w->guards[0].n_prefixes = 2;
    w->guards[0].has_v6 = false;
    world_apply(w);
    assert_port_drop(w, w->vm1, &f, OVL_DROP_SPOOF_IP);
    f = from_ip6(MAC_VM1, "2001:db8::11");
    assert_port_drop(w, w->vm1, &f, OVL_DROP_SPOOF_IP);
}

static void
link_local_address_of_another_is_dropped(void **state)
{
    struct world *w = *state;
    struct frame f = from_ip6(MAC_VM1, "fe80::2");

    world_set_neighbor(w, "fe80::2", MAC_VM2, false, false);
    world_set_neighbor(w, "fe80::3", MAC_VM1, false, false);
    world_set_neighbor(w, "fe80::4", MAC_VM1, false, true);
    assert_port_drop(w, w->vm1, &f, OVL_DROP_SPOOF_IP);
    f = from_ip6(MAC_VM1, "fe80::3");
    assert_passes(w, w->vm1, &f);
    f = from_ip6(MAC_VM1, "fe80::4");
    assert_port_drop(w, w->vm1, &f, OVL_DROP_SPOOF_IP);
    f = from_ip6(MAC_VM1, "fe80::5eff:fe00:101");
    assert_port_drop(w, w->vm1, &f, OVL_DROP_SPOOF_GATEWAY);
}

static void
multicast_listener_without_address_may_report(void **state)
{
    static const uint8_t types[] = { 131, 132, 143 };
    struct world *w = *state;
    uint8_t mld[28] = { 58, 0, 5, 2, 0, 0, 1, 0 };

    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        mld[8] = types[i];
        struct frame f = frame_ip6("33:33:00:00:00:16", MAC_VM1, "::",
                                   "ff02::16", 0, 1, mld, sizeof mld);

        assert_passes(w, w->vm1, &f);
        frame_set8(&f, L3_OFS + 7, 2);
        assert_port_drop(w, w->vm1, &f, OVL_DROP_SPOOF_IP);
    }
    mld[8] = 128;               /* Echo request. */
    struct frame f = frame_ip6("33:33:00:00:00:16", MAC_VM1, "::", "ff02::16",
                               0, 1, mld, sizeof mld);
    assert_port_drop(w, w->vm1, &f, OVL_DROP_SPOOF_IP);
}

static void
dad_may_be_unspecified(void **state)
{
    struct world *w = *state;
    struct frame f = frame_ns("33:33:ff:00:00:11", MAC_VM1, "::",
                              "ff02::1:ff00:11", "2001:db8::11", NULL);

    assert_passes(w, w->vm1, &f);
}

static void
solicitation_from_an_address_that_is_not_bound_is_dropped(void **state)
{
    struct world *w = *state;
    struct frame f = frame_ns("33:33:ff:00:00:99", MAC_VM1, "2001:db8::12",
                              "ff02::1:ff00:99", "2001:db8::99", MAC_VM1);

    assert_port_drop(w, w->vm1, &f, OVL_DROP_ND_SPOOF);
    f = frame_ns("33:33:ff:00:00:99", MAC_VM1, "2001:db8::1",
                 "ff02::1:ff00:99", "2001:db8::99", MAC_VM1);
    assert_port_drop(w, w->vm1, &f, OVL_DROP_SPOOF_GATEWAY);
}

static void
link_layer_address_that_is_not_the_source_is_dropped(void **state)
{
    struct world *w = *state;
    struct frame ns = frame_ns("33:33:ff:00:00:13", MAC_VM1, "2001:db8::11",
                               "ff02::1:ff00:13", "2001:db8::13", MAC_VM2);
    struct frame na = frame_na("33:33:00:00:00:01", MAC_VM1, "2001:db8::11",
                               "ff02::1", "2001:db8::11", 0x20, MAC_VM2);

    assert_port_drop(w, w->vm1, &ns, OVL_DROP_ND_SPOOF);
    assert_port_drop(w, w->vm1, &na, OVL_DROP_ND_SPOOF);

    /* Also where any IP goes. */
    ns = frame_ns("33:33:ff:00:00:13", MAC_VM2, "2001:db8::12",
                  "ff02::1:ff00:13", "2001:db8::13", MAC_VM1);
    assert_port_drop(w, w->vm2, &ns, OVL_DROP_ND_SPOOF);
}

static void
second_link_layer_address_is_not_overlooked(void **state)
{
    static const uint8_t tlla[8] = { 2, 1, 0x52, 0x54, 0, 0, 0, 2 };
    static const uint8_t infiniband[16] = { 2, 2 };
    struct world *w = *state;
    struct frame good = frame_na("33:33:00:00:00:01", MAC_VM1, "2001:db8::11",
                                 "ff02::1", "2001:db8::11", 0x20, MAC_VM1);
    struct frame f = good;

    frame_put(&f, tlla, sizeof tlla);
    frame_set16(&f, L3_OFS + 4, 40);
    frame_fix_l4(&f, L3_OFS, L4_OFS6, L4_OFS6 + 2);
    assert_port_drop(w, w->vm1, &f, OVL_DROP_ND_SPOOF);

    f = good;
    frame_put(&f, infiniband, sizeof infiniband);
    frame_set16(&f, L3_OFS + 4, 48);
    frame_fix_l4(&f, L3_OFS, L4_OFS6, L4_OFS6 + 2);
    assert_port_drop(w, w->vm1, &f, OVL_DROP_ND_SPOOF);
}

static void
advertisement_of_an_address_that_is_not_bound_is_dropped(void **state)
{
    static const char *const targets[] = {
        "2001:db8::12", "::ffff:10.1.0.11", "fe80::2"
    };
    struct world *w = *state;

    world_set_neighbor(w, "fe80::2", MAC_VM2, false, false);
    for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
        struct frame f = frame_na("33:33:00:00:00:01", MAC_VM1,
                                  "2001:db8::11", "ff02::1", targets[i],
                                  0x20, MAC_VM1);

        assert_port_drop(w, w->vm1, &f, OVL_DROP_ND_SPOOF);
    }
}

static void
advertisement_of_a_gateway_address_is_dropped_on_every_port(void **state)
{
    static const char *const targets[] = {
        "2001:db8::1", "fe80::5eff:fe00:101"
    };
    struct world *w = *state;

    for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
        struct frame f = frame_na("33:33:00:00:00:01", MAC_VM1,
                                  "2001:db8::11", "ff02::1", targets[i],
                                  0x20, MAC_VM1);

        assert_port_drop(w, w->vm1, &f, OVL_DROP_SPOOF_GATEWAY);
        f = frame_na("33:33:00:00:00:01", MAC_VM3, "2001:db8::13", "ff02::1",
                     targets[i], 0xa0, MAC_VM3);
        assert_port_drop(w, w->vm3, &f, OVL_DROP_SPOOF_GATEWAY);
    }
}

static void
unguarded_port_may_say_what_it_likes(void **state)
{
    struct world *w = *state;
    struct frame f = frame_udp4(MAC_VM1, MAC_UNKNOWN, "10.1.0.12",
                                "10.1.0.11", 1, 2, 3);

    assert_passes(w, w->vm3, &f);
    f = frame_arp_request(MAC_UNKNOWN, "10.1.0.12", "10.1.0.200");
    assert_passes(w, w->vm3, &f);
    f = frame_na("33:33:00:00:00:01", MAC_VM3, "2001:db8::12", "ff02::1",
                 "2001:db8::12", 0x20, MAC_VM2);
    assert_passes(w, w->vm3, &f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(mac_that_is_not_bound_is_dropped),
        world_test(router_mac_as_source_is_dropped_on_every_port),
        world_test(mac_of_a_router_that_does_not_exist_is_like_any_other),
        world_test(gateway_address_as_source_is_dropped_on_every_port),
        world_test(ipv4_source_that_is_not_bound_is_dropped),
        world_test(fragments_are_guarded_too),
        world_test(ip_that_cannot_be_checked_does_not_pass_a_guard),
        world_test(dhcp_client_without_address_may_ask),
        world_test(arp_prober_without_address_may_ask),
        world_test(ipv6_source_that_is_not_bound_is_dropped),
        world_test(link_local_address_needs_an_ipv6_address_in_the_list),
        world_test(link_local_address_of_another_is_dropped),
        world_test(multicast_listener_without_address_may_report),
        world_test(dad_may_be_unspecified),
        world_test(solicitation_from_an_address_that_is_not_bound_is_dropped),
        world_test(link_layer_address_that_is_not_the_source_is_dropped),
        world_test(second_link_layer_address_is_not_overlooked),
        world_test(advertisement_of_an_address_that_is_not_bound_is_dropped),
        world_test(
            advertisement_of_a_gateway_address_is_dropped_on_every_port),
        world_test(unguarded_port_may_say_what_it_likes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
