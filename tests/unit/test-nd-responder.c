/* SPDX-License-Identifier: Apache-2.0 */

/* Neighbor Discovery: what is answered here, what passes like any frame.
 * What is malformed is in test-pkt-parse.c, who may claim what in
 * test-guard.c.  The topology is drawn in world.h. */

#include <config.h>

#include "world-asserts.h"

#define GW6 "2001:db8::1"
#define VM1_6 "2001:db8::11"
#define VM2_6 "2001:db8::12"
#define REMOTE_6 "2001:db8::99"

/* A solicitation by VM 1 to the group of 'target'. */
static struct frame
solicit(const char *src, const char *target, const char *group,
        const char *group_mac)
{
    return frame_ns(group_mac, MAC_VM1, src, group, target,
                    strcmp(src, "::") ? MAC_VM1 : NULL);
}

static void
assert_flooded(struct world *w, const struct frame *f)
{
    world_receive(w, w->vm1, f);
    assert_forwarded(w, 5);
    assert_output(w, 0, w->vm2, f);
    assert_tunneled(w, 4, IP_VTEP2, 0, f);
}

static void
malformed_nd_is_dropped_on_every_way_in(void **state)
{
    struct world *w = *state;
    struct frame f = solicit(VM1_6, VM2_6, "ff02::1:ff00:12",
                             "33:33:ff:00:00:12");

    frame_set8(&f, L3_OFS + 7, 64);
    assert_port_drop(w, w->vm1, &f, OVL_DROP_ND_MALFORMED);
    f = frame_vxlan4(MAC_LOCAL, MAC_NEXTHOP, IP_VTEP, IP_OWN, 0, 50000, VNI,
                     &f);
    assert_tunnel_drop(w, &f, OVL_DROP_ND_MALFORMED);
}

static void
solicitation_for_an_unknown_target_follows_neigh_miss(void **state)
{
    struct world *w = *state;
    struct frame f = solicit(VM1_6, "2001:db8::77", "ff02::1:ff00:77",
                             "33:33:ff:00:00:77");

    assert_flooded(w, &f);
    w->net.neigh_miss_drop = true;
    world_apply(w);
    assert_port_drop(w, w->vm1, &f, OVL_DROP_NEIGH_MISS);
}

static void
mapped_ipv4_target_is_not_the_ipv4_neighbor(void **state)
{
    struct world *w = *state;
    struct frame f = solicit(VM1_6, "::ffff:10.1.0.12", "ff02::1:ff01:c",
                             "33:33:ff:01:00:0c");

    assert_flooded(w, &f);
}

static void
unicast_solicitation_for_a_vm_is_forwarded(void **state)
{
    struct world *w = *state;
    struct frame f = frame_ns(MAC_VM2, MAC_VM1, VM1_6, VM2_6, VM2_6, MAC_VM1);

    world_receive(w, w->vm1, &f);
    assert_forwarded(w, 1);
    assert_output(w, 0, w->vm2, &f);
}

static void
dad_by_the_owner_is_forwarded(void **state)
{
    struct world *w = *state;
    struct frame f = solicit("::", VM1_6, "ff02::1:ff00:11",
                             "33:33:ff:00:00:11");

    assert_flooded(w, &f);
}

static void
unsolicited_advertisement_is_forwarded(void **state)
{
    struct world *w = *state;
    struct frame f = frame_na("33:33:00:00:00:01", MAC_VM1, VM1_6, "ff02::1",
                              VM1_6, 0x20, MAC_VM1);

    assert_flooded(w, &f);
}

static void
solicitation_out_of_a_tunnel_is_not_answered(void **state)
{
    struct world *w = *state;
    struct frame f = frame_ns("33:33:ff:00:00:01", MAC_REMOTE, REMOTE_6,
                              "ff02::1:ff00:1", GW6, MAC_REMOTE);

    f = frame_vxlan4(MAC_LOCAL, MAC_NEXTHOP, IP_VTEP, IP_OWN, 0, 50000, VNI,
                     &f);
    world_receive(w, w->eth1, &f);
    assert_forwarded(w, 4);
}

static void
solicitation_for_a_neighbor_is_answered_locally(void **state)
{
    struct world *w = *state;
    struct frame f = solicit(VM1_6, VM2_6, "ff02::1:ff00:12",
                             "33:33:ff:00:00:12");
    struct frame r = frame_na(MAC_VM1, MAC_VM2, VM2_6, VM1_6, VM2_6, 0x60,
                              MAC_VM2);

    world_receive(w, w->vm1, &f);
    assert_answered(w);
    assert_output(w, 0, w->vm1, &r);

    /* A neighbor that routes sets R. */
    f = solicit(VM1_6, REMOTE_6, "ff02::1:ff00:99", "33:33:ff:00:00:99");
    r = frame_na(MAC_VM1, MAC_REMOTE, REMOTE_6, VM1_6, REMOTE_6, 0xe0,
                 MAC_REMOTE);
    world_receive(w, w->vm1, &f);
    assert_answered(w);
    assert_output(w, 0, w->vm1, &r);
}

static void
solicitation_for_the_gateway_is_answered_locally(void **state)
{
    struct world *w = *state;
    struct frame f = solicit(VM1_6, GW6, "ff02::1:ff00:1",
                             "33:33:ff:00:00:01");
    struct frame r = frame_na(MAC_VM1, MAC_ROUTER, GW6, VM1_6, GW6, 0xe0,
                              MAC_ROUTER);

    world_receive(w, w->vm1, &f);
    assert_answered(w);
    assert_output(w, 0, w->vm1, &r);

    f = frame_ns(MAC_ROUTER, MAC_VM1, VM1_6, GW6, GW6, NULL);
    world_receive(w, w->vm1, &f);
    assert_answered(w);
    assert_output(w, 0, w->vm1, &r);
}

static void
link_local_address_of_the_gateway_is_answered(void **state)
{
    /* Made from MAC_ROUTER, RFC 4291 appendix A. */
    static const char lla[] = "fe80::5eff:fe00:101";
    struct world *w = *state;
    struct frame f = solicit(VM1_6, lla, "ff02::1:ff00:101",
                             "33:33:ff:00:01:01");
    struct frame r = frame_na(MAC_VM1, MAC_ROUTER, lla, VM1_6, lla, 0xe0,
                              MAC_ROUTER);

    world_receive(w, w->vm1, &f);
    assert_answered(w);
    assert_output(w, 0, w->vm1, &r);
}

/* Checksums of all kinds: each answer is compared with one that other code
 * has made. */
static void
ten_thousand_answers_are_right(void **state)
{
    struct world *w = *state;

    for (int i = 0; i < 10000; i++) {
        char src[64], target[64], group[64], group_mac[32], mac[32];
        uint32_t x = i * UINT32_C(2654435761);
        struct frame f, r;

        snprintf(src, sizeof src, "2001:db8:%x:%x::%x", x >> 16, x & 0xffff,
                 i);
        snprintf(target, sizeof target, "2001:db8::%x:%x:%x", ~x >> 16,
                 i, x & 0xffff);
        snprintf(group, sizeof group, "ff02::1:ff%02x:%x", i & 0xff,
                 x & 0xffff);
        snprintf(group_mac, sizeof group_mac, "33:33:ff:%02x:%02x:%02x",
                 i & 0xff, x >> 8 & 0xff, x & 0xff);
        snprintf(mac, sizeof mac, "52:54:%02x:%02x:%02x:%02x", x >> 24,
                 x >> 16 & 0xff, x >> 8 & 0xff, x & 0xff);
        world_set_neighbor(w, target, mac, i & 1, false);
        f = frame_ns(group_mac, MAC_VM3, src, group, target, MAC_VM3);
        r = frame_na(MAC_VM3, mac, target, src, target, i & 1 ? 0xe0 : 0x60,
                     mac);
        world_receive(w, w->vm3, &f);
        assert_answered(w);
        assert_output(w, 0, w->vm3, &r);
        world_remove_neighbor(w, target);
    }
}

static void
dad_for_somebody_elses_address_is_answered_to_all_nodes(void **state)
{
    struct world *w = *state;
    struct frame f = solicit("::", VM2_6, "ff02::1:ff00:12",
                             "33:33:ff:00:00:12");
    struct frame r = frame_na(MAC_VM1, MAC_VM2, VM2_6, "ff02::1", VM2_6,
                              0x20, MAC_VM2);

    world_receive(w, w->vm1, &f);
    assert_answered(w);
    assert_output(w, 0, w->vm1, &r);
}

static void
router_solicitation_is_flooded(void **state)
{
    static const uint8_t rs[16] = { 133, 0, 0, 0, 0, 0, 0, 0, 1, 1,
                                    0x52, 0x54, 0, 0, 0, 1 };
    struct world *w = *state;
    struct frame f = frame_icmp6("33:33:00:00:00:02", MAC_VM1, VM1_6,
                                 "ff02::2", 255, rs, sizeof rs);

    assert_flooded(w, &f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(malformed_nd_is_dropped_on_every_way_in),
        world_test(solicitation_for_an_unknown_target_follows_neigh_miss),
        world_test(mapped_ipv4_target_is_not_the_ipv4_neighbor),
        world_test(unicast_solicitation_for_a_vm_is_forwarded),
        world_test(dad_by_the_owner_is_forwarded),
        world_test(unsolicited_advertisement_is_forwarded),
        world_test(solicitation_out_of_a_tunnel_is_not_answered),
        world_test(solicitation_for_a_neighbor_is_answered_locally),
        world_test(solicitation_for_the_gateway_is_answered_locally),
        world_test(link_local_address_of_the_gateway_is_answered),
        world_test(ten_thousand_answers_are_right),
        world_test(dad_for_somebody_elses_address_is_answered_to_all_nodes),
        world_test(router_solicitation_is_flooded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
