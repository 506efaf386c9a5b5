/* SPDX-License-Identifier: Apache-2.0 */

/* Rules for layer 2 that need many frames, or two switches, to be seen;
 * tests/CONFORMANCE.md says which row is shown where.  The topology is drawn
 * in world.h. */

#include <config.h>

#include "world-asserts.h"

#define OWN6 "2001:db8:ffff::1"

static struct frame
tunneled(const struct frame *inner)
{
    return frame_vxlan4(MAC_LOCAL, MAC_NEXTHOP, IP_VTEP, IP_OWN, 0, 50000,
                        VNI, inner);
}

static void
assert_delivered(struct world *w, const struct frame *f,
                 const struct frame *inner)
{
    world_receive(w, w->eth1, f);
    assert_forwarded(w, 1);
    assert_output(w, 0, w->vm1, inner);
}

/* BU-05. */

static void
link_local_multicast_is_flooded(void **state)
{
    static const uint8_t igmp[8] = { 0x16, 0, 9, 1, 224, 0, 0, 251 };
    static const uint8_t mld[28] = { 58, 0, 5, 2, 0, 0, 1, 0, 143 };
    struct world *w = *state;
    struct frame frames[] = {
        frame_ip4("01:00:5e:00:00:fb", MAC_VM1, "10.1.0.11", "224.0.0.251",
                  2, igmp, sizeof igmp),
        frame_ip4("01:00:5e:00:00:01", MAC_VM1, "10.1.0.11", "224.0.0.1",
                  89, igmp, sizeof igmp),
        frame_ip4("01:00:5e:01:01:01", MAC_VM1, "10.1.0.11", "239.1.1.1",
                  17, igmp, sizeof igmp),
        frame_udp6("33:33:00:00:00:fb", MAC_VM1, "2001:db8::11", "ff02::fb",
                   5353, 5353, 30),
        frame_ip6("33:33:00:00:00:16", MAC_VM1, "2001:db8::11", "ff02::16",
                  0, 1, mld, sizeof mld),
    };

    for (size_t i = 0; i < ARRAY_SIZE(frames); i++) {
        world_receive(w, w->vm1, &frames[i]);
        assert_forwarded(w, 5);
        assert_output(w, 0, w->vm2, &frames[i]);
        assert_tunneled(w, 3, IP_VTEP, 0, &frames[i]);
        assert_tunneled(w, 4, IP_VTEP2, 0, &frames[i]);
    }
}

/* AR-07, ND-10, EV-05: what comes out of a tunnel. */

static void
arp_sender_that_is_no_host_out_of_a_tunnel_is_dropped(void **state)
{
    static const char *const macs[] = { MAC_BROADCAST, MAC_ZERO,
                                        "01:00:5e:00:00:01" };
    struct world *w = *state;

    for (size_t i = 0; i < ARRAY_SIZE(macs); i++) {
        for (int op = 1; op <= 2; op++) {
            struct frame inner = frame_arp(MAC_VM1, MAC_REMOTE, op, macs[i],
                                           "10.1.0.99", MAC_VM1,
                                           "10.1.0.11");
            struct frame f = tunneled(&inner);

            assert_tunnel_drop(w, &f, OVL_DROP_ARP_BAD_ADDRESS);
        }
    }
}

static void
redirect_out_of_a_tunnel_is_dropped(void **state)
{
    uint8_t redirect[40] = { 137, [8] = 0xfe, [9] = 0x80, [23] = 1,
                             [24] = 0x20, [25] = 1, [39] = 7 };
    struct world *w = *state;
    struct frame inner = frame_icmp6(MAC_VM1, MAC_REMOTE, "fe80::99",
                                     "2001:db8::11", 255, redirect,
                                     sizeof redirect);
    struct frame f = tunneled(&inner);

    assert_tunnel_drop(w, &f, OVL_DROP_ND_REDIRECT);

    /* Inside the hypervisor nobody asked for a guard. */
    inner = frame_icmp6(MAC_VM1, MAC_VM3, "fe80::99", "2001:db8::11", 255,
                        redirect, sizeof redirect);
    world_receive(w, w->vm3, &inner);
    assert_forwarded(w, 1);
    assert_output(w, 0, w->vm1, &inner);
}

static void
gateway_address_as_source_out_of_a_tunnel_is_normal(void **state)
{
    struct world *w = *state;
    struct frame inner4 = frame_udp4(MAC_VM1, MAC_ROUTER, "10.1.0.1",
                                     "10.1.0.11", 1, 2, 3);
    struct frame inner6 = frame_udp6(MAC_VM1, MAC_ROUTER, "2001:db8::1",
                                     "2001:db8::11", 1, 2, 3);
    struct frame f = tunneled(&inner4);

    assert_delivered(w, &f, &inner4);
    f = tunneled(&inner6);
    assert_delivered(w, &f, &inner6);

    /* Nothing is learned from it. */
    f = frame_eth(MAC_ROUTER, MAC_VM1, 0x88b5);
    assert_port_drop(w, w->vm1, &f, OVL_DROP_NOT_IP);
}

/* Underlay. */

static void
neighbors_of_a_vlan_on_the_uplink_are_not_heard(void **state)
{
    struct world *w = *state;
    struct frame arp = frame_arp(MAC_LOCAL, MAC_NEXTHOP, 2, MAC_NEXTHOP,
                                 "192.0.2.9", MAC_LOCAL, IP_OWN);
    struct frame na = frame_na(MAC_LOCAL, MAC_NEXTHOP, "2001:db8:ffff::9",
                               OWN6, "2001:db8:ffff::9", 0x60, MAC_NEXTHOP);
    struct frame f;

    f = frame_tag(&arp, 0x8100, 10);
    world_receive(w, w->eth1, &f);
    assert_int_equal(w->n_heard, 0);
    assert_output(w, 0, w->local, &f);
    f = frame_tag(&na, 0x8100, 10);
    world_receive(w, w->eth1, &f);
    assert_int_equal(w->n_heard, 0);
    f = frame_tag(&arp, 0x8100, 0xe000);
    world_receive(w, w->eth1, &f);
    assert_int_equal(w->n_heard, 1);
}

/* AR-02, AR-10, INV-7: two of us, back to back. */

#define IP_A IP_OWN
#define IP_B IP_VTEP

/* A second world, which is 192.0.2.2 and floods to 192.0.2.1.  '*vtep' gets
 * that VTEP. */
static struct world *
create_b(struct ovl_vtep **vtep)
{
    struct world *b = world_create();
    struct in6_addr ip = world_ip(IP_A);

    b->config.vtep4 = world_ip(IP_B);
    *vtep = ovl_vtep_ref(b->fwd, &ip);
    world_resolve(b, *vtep, 1500);
    world_set_mac(b, VNI, MAC_REMOTE, NULL, 0, *vtep);
    ovl_forwarding_begin(b->fwd);
    ovl_source_add(b->fwd, 1, &ip);
    ovl_forwarding_commit(b->fwd);
    b->flood[0] = *vtep;
    b->net.n_flood = 1;
    return b;
}

static void
destroy_b(struct world *b, struct ovl_vtep *vtep)
{
    b->flood[0] = b->vtep;
    world_set_mac(b, VNI, MAC_REMOTE, NULL, 0, b->vtep);
    world_apply(b);
    ovl_vtep_unref(b->fwd, vtep);
    world_destroy(b);
}

/* Carries what 'from' has sent to the other one over the wire, and so on,
 * until nothing is on its way. */
static void
carry(struct world *from, struct world *to, const char *ip_to, int hops)
{
    const char *ip_from = !strcmp(ip_to, IP_A) ? IP_B : IP_A;
    struct world_output out[WORLD_MAX_OUTPUTS];
    size_t n = from->n_out;
    struct in6_addr ip = world_ip(ip_to);
    ovs_be32 ip4 = in6_addr_get_mapped_ipv4(&ip);

    assert_true(hops < 4);
    memcpy(out, from->out, n * sizeof *out);
    for (size_t i = 0; i < n; i++) {
        if (out[i].port == from->eth1
            && !memcmp(out[i].frame.data + IP4_DST, &ip4, sizeof ip4)) {
            memcpy(out[i].frame.data, mac_from(MAC_LOCAL).ea, 6);
            world_receive(to, to->eth1, &out[i].frame);
            carry(to, from, ip_from, hops + 1);
        }
    }
}

static void
reply_never_elicits_a_reply(void **state)
{
    struct world *a = *state;
    struct ovl_vtep *vtep;
    struct world *b = create_b(&vtep);
    struct ovl_lport *ports[] = { a->vm1, a->vm2, a->vm3, a->trunk1 };
    struct frame replies[] = {
        frame_arp(MAC_BROADCAST, MAC_VM3, 2, MAC_VM3, "10.1.0.13", MAC_ROUTER,
                  "10.1.0.1"),
        frame_arp(MAC_BROADCAST, MAC_VM3, 2, MAC_VM3, "10.1.0.13", MAC_VM2,
                  "10.1.0.12"),
        frame_arp(MAC_ROUTER, MAC_VM3, 2, MAC_VM3, "10.1.0.13", MAC_ROUTER,
                  "10.1.0.1"),
        frame_na("33:33:00:00:00:01", MAC_VM3, "2001:db8::13", "ff02::1",
                 "2001:db8::12", 0x20, MAC_VM3),
    };
    const struct frame *f;
    int n_answers = 0;
    size_t n;

    /* Both answer as much as they can be made to. */
    a->net.answer_tunnel = b->net.answer_tunnel = true;
    world_apply(a);
    world_apply(b);

    for (size_t i = 0; i < ARRAY_SIZE(replies); i++) {
        world_receive(a, a->vm3, &replies[i]);
        assert_int_equal(world_delta(a, OVL_TOTAL_GENERATED), 0);
        carry(a, b, IP_B, 0);
        assert_int_equal(world_delta(a, OVL_TOTAL_GENERATED), 0);
    }

    f = frame_templates(&n);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < ARRAY_SIZE(ports); j++) {
            uint64_t before = ovl_counter_read(OVL_TOTAL_GENERATED);

            world_receive(a, ports[j], &f[i]);
            carry(a, b, IP_B, 0);

            uint64_t generated
                = ovl_counter_read(OVL_TOTAL_GENERATED) - before;
            assert_true(generated <= 1);
            n_answers += generated;
        }
    }
    assert_true(n_answers > 5);
    destroy_b(b, vtep);
}

/* Whatever port it gets to, by whatever mistake. */
static void
our_own_answers_are_answered_nowhere(void **state)
{
    struct world *w = *state;
    const struct frame *f;
    size_t n;

    w->net.answer_tunnel = true;
    world_apply(w);
    f = frame_templates(&n);
    for (size_t i = 0; i < n; i++) {
        struct ovl_lport *ports[] = { w->vm1, w->vm2, w->vm3, w->eth1 };

        world_receive(w, w->vm1, &f[i]);
        if (!world_delta(w, OVL_TOTAL_GENERATED)) {
            continue;
        }
        struct frame answer = w->out[0].frame;
        for (size_t j = 0; j < ARRAY_SIZE(ports); j++) {
            struct frame g = (ports[j] == w->eth1 ? tunneled(&answer)
                              : answer);

            world_receive(w, ports[j], &g);
            assert_int_equal(world_delta(w, OVL_TOTAL_GENERATED), 0);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(link_local_multicast_is_flooded),
        world_test(arp_sender_that_is_no_host_out_of_a_tunnel_is_dropped),
        world_test(redirect_out_of_a_tunnel_is_dropped),
        world_test(gateway_address_as_source_out_of_a_tunnel_is_normal),
        world_test(neighbors_of_a_vlan_on_the_uplink_are_not_heard),
        world_test(reply_never_elicits_a_reply),
        world_test(our_own_answers_are_answered_nowhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
