/* SPDX-License-Identifier: Apache-2.0 */

/* The fast path does what the passes do, for the packets that it is for, and
 * leaves all others alone. */

#include <config.h>

#include "fast-asserts.h"

#include "bad-frames.h"
#include "packets.h"

/* Usual frames. */

static struct frame
tcp4(const char *dst, const char *src, const char *ip_src, const char *ip_dst)
{
    uint8_t tcp[26] = { 0x12, 0x34, 0, 80, [12] = 0x50, [20] = 'd' };

    return frame_ip4(dst, src, ip_src, ip_dst, 6, tcp, sizeof tcp);
}

static struct frame
from_vm1(void)
{
    return frame_udp4(MAC_REMOTE, MAC_VM1, "10.1.0.11", "10.1.0.99", 1000,
                      2000, 40);
}

static struct frame
from_vm1_ip6(void)
{
    return frame_udp6(MAC_REMOTE, MAC_VM1, "2001:db8::11", "2001:db8::99",
                      1000, 2000, 40);
}

static struct frame
tunneled(const struct frame *inner)
{
    return frame_vxlan4(MAC_LOCAL, MAC_NEXTHOP, IP_VTEP, IP_OWN, 0, 50000,
                        VNI, inner);
}

static struct frame
to_vm1(void)
{
    struct frame inner = frame_udp4(MAC_VM1, MAC_REMOTE, "10.1.0.99",
                                    "10.1.0.11", 2000, 1000, 40);

    return tunneled(&inner);
}

static void
usual_packets_take_it(void **state)
{
    static const uint8_t icmp[12] = { 8, 0, 0xf7, 0xff };
    struct world *w = *state;
    struct frame f = from_vm1();
    const struct frame frames[] = {
        f, from_vm1_ip6(),
        tcp4(MAC_REMOTE, MAC_VM1, "10.1.0.64", "203.0.113.1"),
        tcp4(MAC_VM2, MAC_VM1, "10.1.0.11", "10.1.0.12"),
        frame_ip4(MAC_REMOTE, MAC_VM1, "10.1.0.11", "10.1.0.99", 1, icmp,
                  sizeof icmp),
        frame_udp4(MAC_REMOTE, MAC_VM1, "10.1.0.11", "10.1.0.99", 1, 2,
                   1450 - 28),
    };

    for (size_t i = 0; i < ARRAY_SIZE(frames); i++) {
        assert_takes(w, w->vm1, &frames[i]);
    }
    for (unsigned int tos = 0; tos < 256; tos++) {
        frame_set8(&f, IP4_TOS, tos);
        frame_fix_ip4(&f, L3_OFS);
        assert_takes(w, w->vm1, &f);
    }
    f = tcp4(MAC_REMOTE, MAC_VM3, "198.51.100.1", "10.1.0.99");
    assert_takes(w, w->vm3, &f);
    f = from_vm1_ip6();
    memcpy(f.data + 6, &(struct eth_addr) ETH_ADDR_C(52,54,00,00,00,03), 6);
    assert_takes(w, w->vm3, &f);

    f = to_vm1();
    assert_takes(w, w->eth1, &f);
    f = frame_udp6(MAC_VM1, MAC_REMOTE, "2001:db8::99", "2001:db8::11", 2000,
                   1000, 40);
    f = tunneled(&f);
    assert_takes(w, w->eth1, &f);
    f = to_vm1();
    memcpy(f.data, &(struct eth_addr) ETH_ADDR_C(aa,aa,aa,00,00,11), 6);
    assert_takes(w, w->eth1, &f);       /* The uplink's own MAC. */
}

/* ECN fields that stay as they are, and those that do not. */
static void
ecn_is_not_its_business(void **state)
{
    struct world *w = *state;

    for (int inner = 0; inner < 4; inner++) {
        for (int outer = 0; outer < 4; outer++) {
            struct frame f = frame_udp4(MAC_VM1, MAC_REMOTE, "10.1.0.99",
                                        "10.1.0.11", 2000, 1000, 40);

            frame_set8(&f, IP4_TOS, inner);
            frame_fix_ip4(&f, L3_OFS);
            f = frame_vxlan4(MAC_LOCAL, MAC_NEXTHOP, IP_VTEP, IP_OWN, outer,
                             50000, VNI, &f);
            assert_int_equal(taken(w, w->eth1, &f, 1),
                             !outer || outer == inner);
            assert_same(w, w->eth1, &f, 1);
        }
    }
}

static void
other_packets_do_not(void **state)
{
    struct world *w = *state;
    struct frame usual = from_vm1(), f, inner;
    const struct frame frames[] = {
        frame_tag(&usual, 0x8100, 0),
        frame_udp4(MAC_ROUTER, MAC_VM1, "10.1.0.11", "10.1.0.99", 1, 2, 40),
        frame_udp4(MAC_BROADCAST, MAC_VM1, "10.1.0.11", "10.1.0.99", 1, 2, 9),
        frame_udp4(MAC_UNRESOLVED, MAC_VM1, "10.1.0.11", "10.1.0.9", 1, 2, 9),
        frame_udp4(MAC_VM1, MAC_VM1, "10.1.0.11", "10.1.0.99", 1, 2, 40),
        frame_udp4(MAC_REMOTE, MAC_VM2, "10.1.0.11", "10.1.0.99", 1, 2, 40),
        frame_udp4(MAC_REMOTE, MAC_VM1, "10.1.0.12", "10.1.0.99", 1, 2, 40),
        frame_udp4(MAC_REMOTE, MAC_VM1, "10.1.0.1", "10.1.0.99", 1, 2, 40),
        frame_udp4(MAC_REMOTE, MAC_VM1, "10.1.0.11", "10.1.0.99", 1, 2,
                   1451 - 28),
        frame_udp6(MAC_REMOTE, MAC_VM1, "::", "2001:db8::99", 1, 2, 40),
        frame_udp6(MAC_REMOTE, MAC_VM1, "::ffff:10.1.0.11", "2001:db8::99",
                   1, 2, 40),
        frame_ns("33:33:ff:00:00:12", MAC_VM1, "2001:db8::11",
                 "ff02::1:ff00:12", "2001:db8::12", MAC_VM1),
    };

    for (size_t i = 0; i < ARRAY_SIZE(frames); i++) {
        assert_leaves(w, w->vm1, &frames[i]);
    }
    for (uint16_t bits = 1; bits; bits <<= 1) {
        bool is_fragment = bits & 0x3fff;

        f = from_vm1();
        frame_set16(&f, IP4_FRAG, bits);
        frame_fix_ip4(&f, L3_OFS);
        assert_int_equal(taken(w, w->vm1, &f, 1), !is_fragment);
        assert_same(w, w->vm1, &f, 1);
    }
    assert_leaves(w, w->loose, &usual);
    assert_leaves(w, w->trunk1, &usual);
    assert_leaves(w, w->local, &usual);
    assert_leaves(w, w->eth1, &usual);

    /* Out of tunnels: into another, to the router, for nobody here. */
    inner = frame_udp4(MAC_REMOTE, MAC_VM2, "10.1.0.12", "10.1.0.99", 1, 2, 9);
    f = tunneled(&inner);
    assert_leaves(w, w->eth1, &f);
    inner = frame_udp4(MAC_ROUTER, MAC_VM2, "10.1.0.12", "10.1.0.99", 1, 2, 9);
    f = tunneled(&inner);
    assert_leaves(w, w->eth1, &f);
    inner = frame_udp4(MAC_VM1, MAC_REMOTE, "10.1.0.99", "10.1.0.11", 1, 2, 9);
    f = frame_vxlan4(MAC_LOCAL, MAC_NEXTHOP, "192.0.2.77", IP_OWN, 0, 50000,
                     VNI, &inner);
    assert_leaves(w, w->eth1, &f);
    f = frame_vxlan4(MAC_LOCAL, MAC_NEXTHOP, IP_VTEP, IP_OWN, 0, 50000,
                     VNI + 77, &inner);
    assert_leaves(w, w->eth1, &f);
    f = frame_vxlan4(MAC_LOCAL, MAC_NEXTHOP, IP_OWN, IP_OWN, 0, 50000, VNI,
                     &inner);
    assert_leaves(w, w->eth1, &f);
}

/* Frames to nobody are dropped on the way, where they are not flooded. */
static void
unknown_macs_are_dropped_at_once(void **state)
{
    struct world *w = *state;
    struct frame f = frame_udp4(MAC_UNKNOWN, MAC_VM1, "10.1.0.11",
                                "10.1.0.99", 1, 2, 40);
    struct frame burst[] = { from_vm1(), f, from_vm1_ip6(), f, f, from_vm1() };
    struct frame g = tunneled(&f);

    assert_int_equal(taken(w, w->vm1, &f, 1), 1);
    assert_same(w, w->vm1, &f, 1);
    assert_int_equal(w->n_out, 0);
    assert_int_equal(taken(w, w->vm1, burst, ARRAY_SIZE(burst)), 63);
    assert_same(w, w->vm1, burst, ARRAY_SIZE(burst));
    assert_int_equal(w->n_out, 3);
    assert_leaves(w, w->eth1, &g);
    assert_int_equal(w->n_out, 0);

    w->net.flood_unknown = true;
    world_apply(w);
    assert_leaves(w, w->vm1, &f);
    assert_int_not_equal(w->n_out, 0);
}

/* ARP. */

static void
requests_that_are_answered_take_it(void **state)
{
    struct world *w = *state;
    struct frame f = frame_arp_request(MAC_VM1, "10.1.0.11", "10.1.0.99");
    const struct frame others[] = {
        frame_arp_request(MAC_VM1, "0.0.0.0", "10.1.0.99"),
        frame_arp_request(MAC_VM1, "10.1.0.11", "10.1.0.11"),
        frame_arp_request(MAC_VM1, "10.1.0.11", "10.1.0.1"),
        frame_arp_request(MAC_VM1, "10.1.0.11", "10.1.0.255"),
        frame_arp_request(MAC_VM1, "10.1.0.11", "127.0.0.1"),
        frame_arp_request(MAC_VM1, "10.1.0.11", "224.0.0.9"),
        frame_arp_request(MAC_VM1, "10.1.0.11", "10.1.0.200"),
        frame_arp_request(MAC_VM1, "10.1.0.11", "10.1.0.50"),
        frame_arp_request(MAC_VM1, "10.1.0.12", "10.1.0.99"),
        frame_arp_request(MAC_VM1, "10.1.0.1", "10.1.0.99"),
        frame_arp_request(MAC_VM2, "10.1.0.11", "10.1.0.99"),
        frame_arp(MAC_REMOTE, MAC_VM1, 1, MAC_VM1, "10.1.0.11", MAC_ZERO,
                  "10.1.0.99"),
        frame_arp("01:80:c2:00:00:01", MAC_VM1, 1, MAC_VM1, "10.1.0.11",
                  MAC_ZERO, "10.1.0.99"),
        frame_arp(MAC_BROADCAST, MAC_VM1, 2, MAC_VM1, "10.1.0.11", MAC_ZERO,
                  "10.1.0.99"),
        frame_arp(MAC_BROADCAST, MAC_VM1, 1, MAC_VM2, "10.1.0.11", MAC_ZERO,
                  "10.1.0.99"),
    };

    w->net.neigh_suppress = true;
    world_apply(w);
    world_set_neighbor(w, "127.0.0.1", MAC_REMOTE, false, false);
    world_set_neighbor(w, "224.0.0.9", MAC_REMOTE, false, false);
    world_set_neighbor(w, "10.1.0.255", MAC_REMOTE, false, false);
    world_set_neighbor(w, "10.1.0.1", MAC_REMOTE, false, false);
    world_set_neighbor(w, "10.1.0.11", MAC_REMOTE, false, false);
    assert_takes(w, w->vm1, &f);
    assert_ptr_equal(w->out[0].port, w->vm1);
    assert_int_equal(w->out[0].frame.len, 42);
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        assert_leaves(w, w->vm1, &others[i]);
    }
    for (size_t ofs = 0; ofs < f.len; ofs++) {
        for (int bit = 0; bit < 8; bit++) {
            struct frame g = f;

            frame_set8(&g, ofs, g.data[ofs] ^ (1 << bit));
            assert_same(w, w->vm1, &g, 1);
            assert_same(w, w->vm3, &g, 1);
        }

        struct frame g = frame_cut(&f, ofs);
        assert_same(w, w->vm1, &g, 1);
    }

    /* Padded; for who has no way; for who asks; for who is behind the same
     * port; where nobody is answered, or the port is no more. */
    frame_put_pattern(&f, 18);
    assert_takes(w, w->vm1, &f);
    f = frame_arp_request(MAC_VM1, "10.1.0.11", "10.1.0.99");
    world_set_neighbor(w, "10.1.0.99", MAC_UNKNOWN, false, false);
    assert_takes(w, w->vm1, &f);
    world_set_neighbor(w, "10.1.0.99", MAC_VM1, false, false);
    assert_leaves(w, w->vm1, &f);
    world_set_neighbor(w, "10.1.0.99", MAC_UNKNOWN, false, false);
    world_set_mac(w, VNI, MAC_UNKNOWN, w->vm1, 0, NULL);
    assert_leaves(w, w->vm1, &f);
    world_set_mac(w, VNI, MAC_UNKNOWN, w->vm2, 0, NULL);
    assert_takes(w, w->vm1, &f);
    atomic_store_relaxed(&w->vm1->alive, false);
    assert_leaves(w, w->vm1, &f);
    atomic_store_relaxed(&w->vm1->alive, true);
    w->net.neigh_suppress = false;
    world_apply(w);
    assert_leaves(w, w->vm1, &f);

    /* For nobody, where such requests go no further. */
    f = frame_arp_request(MAC_VM1, "10.1.0.11", "10.1.0.200");
    w->net.neigh_suppress = w->net.neigh_miss_drop = true;
    world_apply(w);
    assert_int_equal(taken(w, w->vm1, &f, 1), 1);
    assert_same(w, w->vm1, &f, 1);
    assert_int_equal(w->n_out, 0);
}

/* Out of a tunnel for a network that there is not: what the passes go by is
 * not what happens to be in memory. */
static void
unknown_networks_have_no_senders(void **state)
{
    struct world *w = *state;
    struct frame inner = from_vm1();
    struct frame f = frame_vxlan4(MAC_LOCAL, MAC_NEXTHOP, IP_VTEP, IP_OWN, 0,
                                  50000, VNI + 77, &inner);
    struct frame usual[NETDEV_MAX_BURST];

    for (size_t i = 0; i < ARRAY_SIZE(usual); i++) {
        usual[i] = i % 2 ? to_vm1() : f;
    }
    assert_same(w, w->eth1, usual, ARRAY_SIZE(usual));
    assert_leaves(w, w->eth1, &f);
    assert_int_equal(w->n_out, 0);
}

/* Several at once, some of which are left. */
static void
requests_in_one_burst_do_not_mix(void **state)
{
    static const struct {
        const char *ip;
        bool taken;
    } targets[] = {
        { "10.1.0.99", true }, { "10.1.0.50", false }, { "10.1.0.12", true },
        { "10.1.0.1", false }, { "10.1.0.200", false },
    };
    struct world *w = *state;
    struct frame burst[NETDEV_MAX_BURST];

    w->net.neigh_suppress = true;
    world_apply(w);
    for (unsigned int seed = 1; seed < 200; seed++) {
        uint32_t random = seed * 2654435761u;
        uint32_t expected = 0;

        for (size_t i = 0; i < ARRAY_SIZE(burst); i++) {
            size_t number = (random >> 16) % (ARRAY_SIZE(targets) + 1);

            random = random * 1664525 + 1013904223;
            burst[i] = (number < ARRAY_SIZE(targets)
                        ? frame_arp_request(MAC_VM1, "10.1.0.11",
                                            targets[number].ip)
                        : from_vm1());
            if (number >= ARRAY_SIZE(targets) || targets[number].taken) {
                expected |= UINT32_C(1) << i;
            }
        }
        assert_int_equal(taken(w, w->vm1, burst, ARRAY_SIZE(burst)),
                         expected);
        assert_same(w, w->vm1, burst, ARRAY_SIZE(burst));
    }

    /* Somebody, and the owner itself. */
    burst[0] = frame_arp_request(MAC_VM3, "10.1.0.77", "10.1.0.99");
    burst[1] = frame_arp_request(MAC_REMOTE, "10.1.0.77", "10.1.0.99");
    assert_int_equal(taken(w, w->vm3, burst, 2), 1);
    assert_same(w, w->vm3, burst, 2);
}

/* All the rest. */

struct tally {
    struct world *w;
    size_t n, n_taken;
};

static void
try_frame(const uint8_t *data, size_t len, size_t template, void *t_)
{
    struct tally *t = t_;
    struct world *w = t->w;
    struct ovl_lport *ports[] = { w->vm1, w->vm2, w->vm3 };
    struct frame f = { .len = 0 }, outer;

    /* One in eleven, for tracing takes its time. */
    if (t->n++ % 11) {
        return;
    }
    frame_put(&f, data, len);
    if (frame_template_kind(template) == FRAME_VXLAN) {
        t->n_taken += taken(w, w->eth1, &f, 1);
        assert_same(w, w->eth1, &f, 1);
        return;
    }
    for (size_t i = 0; i < ARRAY_SIZE(ports); i++) {
        t->n_taken += taken(w, ports[i], &f, 1);
        assert_same(w, ports[i], &f, 1);
    }
    outer = tunneled(&f);
    t->n_taken += taken(w, w->eth1, &outer, 1);
    assert_same(w, w->eth1, &outer, 1);
}

static void
what_it_takes_is_as_by_the_passes(void **state)
{
    struct tally t = { .w = *state };

    for (size_t i = 0; i < n_bad_frame_makers; i++) {
        bad_frame_makers[i].make(try_frame, &t);
    }
    print_message("%"PRIuSIZE" frames, %"PRIuSIZE" taken\n", t.n, t.n_taken);
    assert_true(t.n_taken > 5000);
}

/* Every byte of usual frames, with other settings each time. */
static void
settings_count(void **state)
{
    struct world *w = *state;
    struct frame inner = from_vm1();
    struct frame frames[] = {
        from_vm1(), from_vm1_ip6(), to_vm1(),
        tcp4(MAC_VM2, MAC_VM1, "10.1.0.11", "10.1.0.12"),
    };

    for (int setting = 0; setting < 8; setting++) {
        w->config.dscp_inherit = setting & 1;
        w->config.tos = setting & 2 ? 0xb8 : 0;
        w->net.mtu = setting & 4 ? 60 : 0;
        w->guards[0].any_ip = setting & 4;
        w->guards[0].n_prefixes = setting & 4 ? 0 : 3;
        w->net.source_group = setting == 7 ? 2 : 1;
        world_apply(w);
        for (size_t i = 0; i < ARRAY_SIZE(frames); i++) {
            for (size_t ofs = 0; ofs < frames[i].len; ofs++) {
                struct frame f = frames[i];
                struct ovl_lport *in = i == 2 ? w->eth1 : w->vm1;

                frame_set8(&f, ofs, f.data[ofs] ^ (1 << (ofs + setting) % 8));
                assert_same(w, in, &f, 1);
                frame_repair(&f, L3_OFS);
                assert_same(w, in, &f, 1);
                f = frame_cut(&frames[i], ofs);
                assert_same(w, in, &f, 1);
            }
        }
    }

    /* A network that is not routed has no router's MAC. */
    w->net.mtu = 0;
    w->net.n_gateways = 0;
    w->net.vrf = CONST_CAST(char *, "");
    world_apply(w);
    world_set_mac(w, VNI, MAC_ROUTER, NULL, 0, w->vtep);
    memcpy(inner.data, &(struct eth_addr) ETH_ADDR_C(02,00,5e,00,01,01), 6);
    assert_takes(w, w->vm1, &inner);
}

static void
flows_stay_in_order(void **state)
{
    struct world *w = *state;
    struct frame burst[NETDEV_MAX_BURST];
    uint32_t expected = 0;

    for (unsigned int seed = 1; seed < 200; seed++) {
        uint32_t bits = seed * 2654435761u;

        expected = 0;
        for (size_t i = 0; i < ARRAY_SIZE(burst); i++) {
            burst[i] = (bits >> i & 2
                        ? tcp4(MAC_VM2, MAC_VM1, "10.1.0.11", "10.1.0.12")
                        : frame_udp4(MAC_REMOTE, MAC_VM1, "10.1.0.11",
                                     "10.1.0.99", i, 2000, 40));
            if (bits >> i & 1) {
                expected |= UINT32_C(1) << i;
            } else {
                burst[i] = frame_tag(&burst[i], 0x8100, 0);
            }
        }
        assert_int_equal(taken(w, w->vm1, burst, ARRAY_SIZE(burst)),
                         expected);
        assert_same(w, w->vm1, burst, ARRAY_SIZE(burst));
        assert_int_equal(w->n_out, ARRAY_SIZE(burst));
    }
}

/* Packets of several networks and VTEPs out of tunnels in one burst. */
static void
tunnels_do_not_mix(void **state)
{
    struct world *w = *state;
    struct frame burst[NETDEV_MAX_BURST];

    world_set_mac(w, VNI_OTHER, MAC_VM2, w->other, 0, NULL);
    w->net_other.source_group = 1;
    world_apply(w);
    for (unsigned int seed = 1; seed < 200; seed++) {
        uint32_t bits = seed * 2654435761u;

        for (size_t i = 0; i < ARRAY_SIZE(burst); i++) {
            const char *dst = bits >> i & 1 ? MAC_VM1 : MAC_VM2;
            struct frame f = frame_udp4(dst, MAC_REMOTE, "10.1.0.99",
                                        "10.1.0.11", i, 2000, 40);

            burst[i] = frame_vxlan4(MAC_LOCAL, MAC_NEXTHOP,
                                    bits >> i & 2 ? IP_VTEP : IP_VTEP2,
                                    IP_OWN, 0, 50000,
                                    bits >> i & 4 ? VNI : VNI_OTHER, &f);
        }
        assert_int_equal(taken(w, w->eth1, burst, ARRAY_SIZE(burst)),
                         UINT32_MAX);
        assert_same(w, w->eth1, burst, ARRAY_SIZE(burst));
        assert_int_equal(w->n_out, ARRAY_SIZE(burst));
    }
}

/* What was true of a port is not, once a row says otherwise. */
static void
knowledge_does_not_outlive_rows(void **state)
{
    struct world *w = *state;
    struct frame f = from_vm1(), g = from_vm1_ip6(), h = to_vm1();

    for (int i = 0; i < 3; i++) {
        assert_takes(w, w->vm1, &f);
        assert_takes(w, w->vm1, &g);
        assert_takes(w, w->eth1, &h);
    }

    /* The guard. */
    w->prefixes[0].addr = world_ip("10.1.0.13");
    w->prefixes[2].addr = world_ip("2001:db8::13");
    world_apply(w);
    assert_leaves(w, w->vm1, &f);
    assert_leaves(w, w->vm1, &g);
    assert_int_equal(w->n_out, 0);
    w->prefixes[0].addr = world_ip("10.1.0.11");
    w->prefixes[2].addr = world_ip("2001:db8::11");
    world_apply(w);
    assert_takes(w, w->vm1, &f);
    assert_takes(w, w->vm1, &g);

    /* The router's address. */
    w->gateways[0].ip = world_ip("10.1.0.11");
    world_apply(w);
    assert_leaves(w, w->vm1, &f);
    assert_int_equal(w->n_out, 0);
    w->gateways[0].ip = world_ip("10.1.0.1");
    world_apply(w);
    assert_takes(w, w->vm1, &f);

    /* Where the MAC is. */
    world_set_mac(w, VNI, MAC_REMOTE, w->vm2, 0, NULL);
    assert_takes(w, w->vm1, &f);
    assert_ptr_equal(w->out[0].port, w->vm2);
    world_set_mac(w, VNI, MAC_REMOTE, w->vm2, 7, NULL);
    assert_leaves(w, w->vm1, &f);
    world_set_mac(w, VNI, MAC_REMOTE, NULL, 0, w->vtep);
    atomic_store_relaxed(&w->eth1->alive, false);
    assert_leaves(w, w->vm1, &f);
    atomic_store_relaxed(&w->eth1->alive, true);
    assert_takes(w, w->vm1, &f);

    /* Our own address. */
    w->config.vtep4 = world_ip("192.0.2.111");
    world_apply(w);
    assert_leaves(w, w->eth1, &h);
    w->config.vtep4 = world_ip(IP_OWN);
    world_apply(w);
    assert_takes(w, w->eth1, &h);

    /* The network. */
    ovl_forwarding_begin(w->fwd);
    ovl_network_remove(w->fwd, VNI);
    ovl_forwarding_commit(w->fwd);
    assert_leaves(w, w->vm1, &f);
    assert_leaves(w, w->eth1, &h);
    world_apply(w);
    assert_takes(w, w->vm1, &f);
}

/* Rules that count even where a MAC's entry says that there is a way. */
static void
ways_do_not_matter_to_rules(void **state)
{
    struct world *w = *state;
    struct in6_addr own = world_ip(IP_OWN), loopback = world_ip("127.0.0.9");
    struct ovl_vtep *vteps[] = {
        ovl_vtep_ref(w->fwd, &own), ovl_vtep_ref(w->fwd, &loopback)
    };
    struct frame f, inner;

    /* The router's MAC, as destination and as source, and the sender's. */
    world_set_mac(w, VNI, MAC_ROUTER, NULL, 0, w->vtep);
    f = frame_udp4(MAC_ROUTER, MAC_VM1, "10.1.0.11", "10.1.0.99", 1, 2, 40);
    assert_leaves(w, w->vm1, &f);
    f = frame_udp4(MAC_REMOTE, MAC_ROUTER, "10.1.0.3", "10.1.0.99", 1, 2, 40);
    assert_leaves(w, w->vm3, &f);
    f = frame_udp4(MAC_REMOTE, MAC_REMOTE, "10.1.0.3", "10.1.0.99", 1, 2, 40);
    assert_leaves(w, w->vm3, &f);
    world_set_mac(w, VNI, MAC_ROUTER, w->vm2, 0, NULL);
    inner = frame_udp4(MAC_ROUTER, MAC_REMOTE, "10.1.0.99", "10.1.0.3", 1, 2,
                       40);
    f = tunneled(&inner);
    assert_leaves(w, w->eth1, &f);

    /* Back to where it came from. */
    world_set_mac(w, VNI, MAC_VM3, w->vm3, 0, NULL);
    f = frame_udp4(MAC_VM3, MAC_VM1, "10.1.0.3", "10.1.0.99", 1, 2, 40);
    assert_leaves(w, w->vm3, &f);

    /* From nobody, though every address is listed. */
    w->prefixes[2] = (struct ovl_prefix) { world_ip("::"), 0 };
    world_apply(w);
    f = frame_udp6(MAC_REMOTE, MAC_VM1, "2001:db8::77", "2001:db8::99", 1, 2,
                   40);
    assert_takes(w, w->vm1, &f);
    f = frame_udp6(MAC_REMOTE, MAC_VM1, "::", "2001:db8::99", 1, 2, 40);
    assert_leaves(w, w->vm1, &f);

    /* Out of tunnels: from our own address and from none that a host has,
     * though rows name them; into a network that the sender is not in. */
    ovl_forwarding_begin(w->fwd);
    ovl_source_add(w->fwd, 1, &own);
    ovl_source_add(w->fwd, 1, &loopback);
    ovl_forwarding_commit(w->fwd);
    inner = frame_udp4(MAC_VM1, MAC_REMOTE, "10.1.0.99", "10.1.0.11", 1, 2, 9);
    f = frame_vxlan4(MAC_LOCAL, MAC_NEXTHOP, IP_OWN, IP_OWN, 0, 50000, VNI,
                     &inner);
    assert_leaves(w, w->eth1, &f);
    f = frame_vxlan4(MAC_LOCAL, MAC_NEXTHOP, "127.0.0.9", IP_OWN, 0, 50000,
                     VNI, &inner);
    assert_leaves(w, w->eth1, &f);

    struct frame both[2] = { tunneled(&inner), frame_vxlan4(
        MAC_LOCAL, MAC_NEXTHOP, IP_VTEP, IP_OWN, 0, 50000, VNI_OTHER, &inner)
    };
    w->net_other.source_group = 3;
    world_apply(w);
    assert_int_equal(taken(w, w->eth1, both, 2), 1);
    assert_same(w, w->eth1, both, 2);

    ovl_vtep_unref(w->fwd, vteps[0]);
    ovl_vtep_unref(w->fwd, vteps[1]);
}

/* Lengths of IP packets with and without ports, shorter than the frame. */
static void
lengths_bound_ports(void **state)
{
    static const uint8_t protos[] = { 1, 6, 17, 47, 132 };
    struct world *w = *state;

    for (size_t i = 0; i < ARRAY_SIZE(protos); i++) {
        for (uint16_t len = 18; len <= 280; len++) {
            uint8_t payload[280] = { 0x12, 0x34, 0x56, 0x78 };
            struct frame f = frame_ip4(MAC_REMOTE, MAC_VM1, "10.1.0.11",
                                       "10.1.0.99", protos[i], payload,
                                       sizeof payload);

            frame_set16(&f, IP4_LEN, len);
            frame_fix_ip4(&f, L3_OFS);
            assert_int_equal(taken(w, w->vm1, &f, 1), len >= 24);
            assert_same(w, w->vm1, &f, 1);

            f = frame_ip6(MAC_REMOTE, MAC_VM1, "2001:db8::11",
                          "2001:db8::99", protos[i], 64, payload,
                          sizeof payload);
            frame_set16(&f, L3_OFS + 4, len - 18);
            assert_int_equal(taken(w, w->vm1, &f, 1),
                             len - 18 >= 4
                             && (protos[i] == 6 || protos[i] == 17));
            assert_same(w, w->vm1, &f, 1);
        }
    }
}

/* What drivers say of packets is forgotten, and what they ask for is not the
 * fast path's to do. */
static void
marks_go(void **state)
{
    struct world *w = *state;
    struct frame f = from_vm1(), g = to_vm1();
    struct frame with = tcp4(MAC_REMOTE, MAC_VM1, "10.1.0.11", "10.1.0.99");

    world_receive_marked(w, w->vm1, &f, DP_PACKET_OL_RSS_HASH
                         | DP_PACKET_OL_RX_L4_CKSUM_GOOD, 0);
    assert_int_equal(w->n_out, 1);
    assert_int_equal(w->out[0].marks, 0);
    world_receive_marked(w, w->eth1, &g, DP_PACKET_OL_RSS_HASH
                         | DP_PACKET_OL_RX_L4_CKSUM_GOOD, 0);
    assert_int_equal(w->n_out, 1);
    assert_int_equal(w->out[0].marks, 0);

    /* A checksum that is left to us is filled in. */
    frame_set16(&with, L4_OFS + 16, 0xdead);
    world_receive_marked(w, w->vm1, &with, DP_PACKET_OL_TX_TCP_CKSUM, 0);
    assert_int_equal(w->n_out, 1);
    frame_fix_l4(&with, L3_OFS, L4_OFS, L4_OFS + 16);
    assert_memory_equal(w->out[0].frame.data + INNER_OFS, with.data,
                        with.len);

    /* So is that of a host's own tunnel. */
    frame_set16(&g, INNER_OFS + UDP_CSUM, 0xdead);
    frame_set16(&g, UDP_CSUM, 0);
    world_receive_marked(w, w->eth1, &g, DP_PACKET_OL_TX_UDP_CKSUM, 0);
    assert_int_equal(w->n_out, 1);
    assert_int_not_equal(frame_get16(&w->out[0].frame, UDP_CSUM), 0xdead);
}

/* Over IPv6, and packets without room in front. */
static void
headers_of_every_kind(void **state)
{
    struct world *w = *state;
    struct in6_addr ip = world_ip("2001:db8:ffff::2");
    struct ovl_vtep *vtep = ovl_vtep_ref(w->fwd, &ip);
    struct frame f = from_vm1(), expected;
    struct dp_packet_batch batch;
    struct dp_packet *packet;

    assert_takes(w, w->vm1, &f);
    expected = w->out[0].frame;
    packet = dp_packet_new(f.len);
    dp_packet_put(packet, f.data, f.len);
    dp_packet_batch_init_packet(&batch, packet);
    w->n_out = 0;
    world_run(&w->worker, w->vm1, &batch);
    assert_int_equal(w->n_out, 1);
    assert_frame_equal(&w->out[0].frame, &expected);

    world_resolve(w, vtep, 1500);
    world_set_mac(w, VNI, MAC_REMOTE, NULL, 0, vtep);
    for (int zero = 0; zero < 2; zero++) {
        w->config.udp6_zero_csum = zero;
        world_apply(w);
        assert_takes(w, w->vm1, &f);
        assert_int_equal(frame_get16(&w->out[0].frame, 12), 0x86dd);
    }
    ovl_vtep_unref(w->fwd, vtep);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(usual_packets_take_it),
        world_test(ecn_is_not_its_business),
        world_test(other_packets_do_not),
        world_test(unknown_macs_are_dropped_at_once),
        world_test(requests_that_are_answered_take_it),
        world_test(requests_in_one_burst_do_not_mix),
        world_test(unknown_networks_have_no_senders),
        world_test(what_it_takes_is_as_by_the_passes),
        world_test(settings_count),
        world_test(ways_do_not_matter_to_rules),
        world_test(lengths_bound_ports),
        world_test(marks_go),
        world_test(headers_of_every_kind),
        world_test(flows_stay_in_order),
        world_test(tunnels_do_not_mix),
        world_test(knowledge_does_not_outlive_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
