/* SPDX-License-Identifier: Apache-2.0 */

/* Rules of the standards that need many frames, or two switches, to be seen;
 * tests/CONFORMANCE.md says which row is shown where.  The topology is drawn
 * in world.h. */

#include <config.h>

#include "world-asserts.h"

#include "dp-packet.h"
#include "random.h"
#include "vxlan.h"

#define OWN6 "2001:db8:ffff::1"
#define VTEP6 "2001:db8:ffff::2"

static struct frame
inner_to(const char *dst)
{
    return frame_udp4(dst, MAC_REMOTE, "10.1.0.99", "10.1.0.11", 1, 2, 41);
}

static struct frame
tunneled(const struct frame *inner)
{
    return frame_vxlan4(MAC_LOCAL, MAC_NEXTHOP, IP_VTEP, IP_OWN, 0, 50000,
                        VNI, inner);
}

static struct frame
tunneled6(const struct frame *inner)
{
    return frame_vxlan6(MAC_LOCAL, MAC_NEXTHOP, VTEP6, OWN6, 0, 50000, VNI,
                        inner);
}

static void
assert_delivered(struct world *w, const struct frame *f,
                 const struct frame *inner)
{
    world_receive(w, w->eth1, f);
    assert_forwarded(w, 1);
    assert_output(w, 0, w->vm1, inner);
}

#define assert_uplink_drop(W, FRAME, REASON)                                 \
    assert_drop(W, (W)->eth1, FRAME, (W)->eth1->drops, REASON)

/* VX-01, VX-14, VX-21, INV-5: the buffers of world.c have dirty headroom. */

static void
ten_thousand_outer_headers_are_exact(void **state)
{
    struct world *w = *state;

    random_set_seed(1);
    for (int i = 0; i < 10000; i++) {
        struct frame f = frame_eth(MAC_REMOTE, MAC_VM3,
                                   0x600 + random_range(0x200));

        frame_put_pattern(&f, random_range(1451));
        world_receive(w, w->vm3, &f);
        assert_forwarded(w, 1);
        assert_tunneled(w, 0, IP_VTEP, 0, &f);
    }
}

/* VX-03. */

static void
thirty_nine_reserved_bits(void **state)
{
    struct world *w = *state;
    struct frame inner = inner_to(MAC_VM1);
    int n = 0;

    for (int bit = 0; bit < 64; bit++) {
        size_t ofs = VXLAN_OFS + bit / 8;
        uint8_t mask = 0x80 >> bit % 8;
        struct frame f = tunneled(&inner);

        if ((ofs == VXLAN_OFS && mask == OVL_VXLAN_FLAG_I)
            || (ofs >= VXLAN_OFS + 4 && ofs < VXLAN_OFS + 7)) {
            continue;           /* I flag and VNI. */
        }
        n++;
        f.data[ofs] |= mask;
        if (ofs == VXLAN_OFS && mask == OVL_VXLAN_FLAG_P) {
            assert_uplink_drop(w, &f, OVL_DROP_VXLAN_BAD_FLAGS);
        } else {
            assert_delivered(w, &f, &inner);
        }
    }
    assert_int_equal(n, 39);
}

/* VX-09, VX-19. */

/* The frame with a right UDP checksum that is not zero, and its offset. */
static struct frame
with_csum(bool v6, const struct frame *inner, size_t *csum_ofs)
{
    struct frame f = v6 ? tunneled6(inner) : tunneled(inner);

    *csum_ofs = v6 ? L4_OFS6 + 6 : UDP_CSUM;
    if (!v6) {
        frame_fix_l4(&f, L3_OFS, L4_OFS, UDP_CSUM);
    }
    return f;
}

static void
udp_checksums_of_odd_and_even_datagrams(void **state)
{
    struct world *w = *state;

    for (int v6 = 0; v6 < 2; v6++) {
        for (size_t len = 0; len < 9; len++) {
            struct frame inner = frame_udp4(MAC_VM1, MAC_REMOTE, "10.1.0.99",
                                            "10.1.0.11", 1, 2, 40 + len);
            size_t csum;
            struct frame f = with_csum(v6, &inner, &csum);
            uint16_t right = frame_get16(&f, csum);

            assert_delivered(w, &f, &inner);
            for (int delta = -2; delta <= 2; delta++) {
                frame_set16(&f, csum, right + delta);
                if (!delta) {
                    assert_delivered(w, &f, &inner);
                } else {
                    assert_uplink_drop(w, &f, OVL_DROP_OUTER_BAD_CSUM);
                }
            }

            /* Every byte of the datagram counts. */
            frame_set16(&f, csum, right);
            for (size_t ofs = csum + 2; ofs < f.len; ofs++) {
                f.data[ofs] ^= 0x04;
                assert_uplink_drop(w, &f, OVL_DROP_OUTER_BAD_CSUM);
                f.data[ofs] ^= 0x04;
            }
        }
    }
}

static void
udp_checksum_that_is_computed_as_zero(void **state)
{
    struct world *w = *state;

    for (int v6 = 0; v6 < 2; v6++) {
        struct frame inner = inner_to(MAC_VM1);
        struct frame f;
        size_t csum;
        int id = 0;

        /* RFC 768: it is sent as 0xffff. */
        do {
            frame_set16(&inner, 18, id++);
            f = with_csum(v6, &inner, &csum);
        } while (frame_get16(&f, csum) != 0xffff && id <= UINT16_MAX);
        assert_int_equal(frame_get16(&f, csum), 0xffff);
        assert_delivered(w, &f, &inner);

        /* Zero says that there is none. */
        frame_set16(&f, csum, 0);
        if (v6) {
            assert_uplink_drop(w, &f, OVL_DROP_OUTER_ZERO_CSUM);
        } else {
            assert_delivered(w, &f, &inner);
        }

        /* With other bytes, 0xffff is wrong. */
        frame_set16(&f, csum, 0xffff);
        f.data[f.len - 1] ^= 1;
        assert_uplink_drop(w, &f, OVL_DROP_OUTER_BAD_CSUM);
    }
}

static void
udp_checksum_does_not_cover_padding(void **state)
{
    struct world *w = *state;

    for (int v6 = 0; v6 < 2; v6++) {
        for (size_t pad = 1; pad <= 18; pad++) {
            struct frame inner = inner_to(MAC_VM1);
            size_t csum;
            struct frame f = with_csum(v6, &inner, &csum);

            frame_put_pattern(&f, pad);
            assert_delivered(w, &f, &inner);

            /* Nor what is inside the IP packet but not in the datagram. */
            if (v6) {
                frame_set16(&f, L3_OFS + 4, frame_get16(&f, L3_OFS + 4)
                                            + pad);
            } else {
                frame_set16(&f, IP4_LEN, frame_get16(&f, IP4_LEN) + pad);
                frame_fix_ip4(&f, L3_OFS);
            }
            assert_delivered(w, &f, &inner);
        }
    }
}

/* VX-10, VX-05, VX-06: nothing else is let off without a checksum. */

static void
udp6_without_checksum_is_still_looked_at(void **state)
{
    struct world *w = *state;
    struct frame inner = inner_to(MAC_VM1);
    struct frame f;

    w->config.udp6_zero_csum = true;
    world_apply(w);

    f = frame_vxlan6(MAC_LOCAL, MAC_NEXTHOP, "2001:db8:ffff::9", OWN6, 0,
                     50000, VNI, &inner);
    frame_set16(&f, L4_OFS6 + 6, 0);
    assert_tunnel_drop(w, &f, OVL_DROP_UNKNOWN_VTEP);
    f = frame_vxlan6(MAC_LOCAL, MAC_NEXTHOP, OWN6, OWN6, 0, 50000, VNI,
                     &inner);
    frame_set16(&f, L4_OFS6 + 6, 0);
    assert_uplink_drop(w, &f, OVL_DROP_OWN_SOURCE);
    f = frame_vxlan6(MAC_LOCAL, MAC_NEXTHOP, VTEP6, "2001:db8:ffff::3", 0,
                     50000, VNI, &inner);
    frame_set16(&f, L4_OFS6 + 6, 0);
    world_receive(w, w->eth1, &f);
    assert_forwarded(w, 1);
    assert_output(w, 0, w->local, &f);
}

/* VX-11. */

static uint16_t
sport_of(const struct frame *f)
{
    struct ovl_pkt pkt = ovl_pkt_parse(f->data, f->len);

    return ovl_vxlan_source_port(&pkt);
}

static struct frame
fragment6(uint16_t offlg, const uint8_t *payload, size_t len)
{
    /* Destination options may stand in the part that is fragmented: only the
     * first fragment shows that UDP is behind them. */
    uint8_t data[64] = { 60, 0, offlg >> 8, offlg, 1, 2, 3, 4 };

    memcpy(data + 8, payload, len);
    return frame_ip6(MAC_REMOTE, MAC_VM1, "2001:db8::11", "2001:db8::99", 44,
                     64, data, 8 + len);
}

static void
ipv6_fragments_of_a_datagram_have_one_source_port(void **state OVS_UNUSED)
{
    for (int i = 0; i < 100; i++) {
        uint8_t udp[16] = { 17, 0, 1, 4, 0, 0, 0, 0,
                            3, i, 7, 0xd0, 0, 40, 1, 2 };
        uint8_t rest[16] = { 9, 9, i, i };
        struct frame first = fragment6(1, udp, sizeof udp);
        struct frame middle = fragment6(16 | 1, rest, sizeof rest);
        struct frame last = fragment6(32, rest, 3);

        assert_int_equal(sport_of(&first), sport_of(&middle));
        assert_int_equal(sport_of(&first), sport_of(&last));
    }
}

/* Each field of the flow moves the port, for each kind of flow. */
static void
source_ports_spread_every_kind_of_flow(void **state OVS_UNUSED)
{
    for (int kind = 0; kind < 5; kind++) {
        static bool seen[UINT16_MAX + 1];
        int buckets[8] = { 0 };
        int distinct = 0;

        memset(seen, 0, sizeof seen);
        for (int i = 0; i < 1000; i++) {
            char ip[32];
            struct frame f;

            snprintf(ip, sizeof ip,
                     kind == 2 ? "10.1.%d.%d" : "2001:db8::%x%02x",
                     i >> 8, i & 255);
            f = (kind == 0 ? frame_udp4(MAC_REMOTE, MAC_VM1, "10.1.0.11",
                                        "10.1.0.99", 1000, i, 9)
                 : kind == 1 ? frame_udp6(MAC_REMOTE, MAC_VM1, "2001:db8::11",
                                          "2001:db8::99", i, 80, 9)
                 : kind == 2 ? frame_udp4(MAC_REMOTE, MAC_VM1, ip,
                                          "10.1.0.99", 1, 2, 9)
                 : kind == 3 ? frame_udp6(MAC_REMOTE, MAC_VM1, "2001:db8::11",
                                          ip, 1, 2, 9)
                 : frame_eth(MAC_REMOTE, MAC_VM1, 0x8900));
            if (kind == 4) {
                frame_set16(&f, 10, i);
            }

            uint16_t port = sport_of(&f);
            distinct += !seen[port];
            seen[port] = true;
            buckets[port % 8]++;
            assert_true(port >= OVL_VXLAN_SPORT_MIN);
        }
        assert_true(distinct >= 900);
        for (int i = 0; i < 8; i++) {
            assert_true(buckets[i] < 4 * 1000 / 8);
        }
    }
}

/* VX-16. */

static const uint16_t tpids[] = { 0x8100, 0x88a8, 0x9100 };

static void
stacks_of_tags_are_dropped_wherever_they_come_from(void **state)
{
    struct world *w = *state;

    for (size_t t = 0; t < ARRAY_SIZE(tpids); t++) {
        for (size_t u = 0; u < ARRAY_SIZE(tpids); u++) {
            for (int vid = 0; vid < 3; vid++) {
                struct frame stack = frame_udp4(MAC_VM2, MAC_VM1,
                                                "10.1.0.11", "10.1.0.12", 1,
                                                2, 30);

                for (int depth = 1; depth <= 5; depth++) {
                    /* 0, 10 and 4095, with priority 5 and DEI. */
                    uint16_t tci = 0xb000 | (vid == 1 ? 10 : vid * 4095 / 2);
                    struct frame f;

                    stack = frame_tag(&stack, depth % 2 ? tpids[t] : tpids[u],
                                      tci);
                    if (depth == 1 && !vid) {
                        continue;       /* A priority tag. */
                    }
                    assert_port_drop(w, w->vm1, &stack, OVL_DROP_VLAN_TAG);
                    f = stack;
                    memcpy(f.data, mac_from(MAC_VM1).ea, 6);
                    memcpy(f.data + 6, mac_from(MAC_REMOTE).ea, 6);
                    f = tunneled(&f);
                    assert_tunnel_drop(w, &f, OVL_DROP_INNER_VLAN_TAG);
                    if (depth > 1) {
                        assert_port_drop(w, w->trunk1, &stack,
                                         OVL_DROP_VLAN_TAG);
                    }
                }
            }
        }
    }
}

static void
priority_tag_is_stripped_on_every_way(void **state)
{
    struct world *w = *state;

    for (size_t t = 0; t < ARRAY_SIZE(tpids); t++) {
        for (int pcp = 0; pcp < 8; pcp++) {
            struct frame plain = frame_udp4(MAC_REMOTE, MAC_VM1, "10.1.0.11",
                                            "10.1.0.99", 1, 2, 30);
            struct frame f = frame_tag(&plain, tpids[t], pcp << 13);

            world_receive(w, w->vm1, &f);
            assert_forwarded(w, 1);
            assert_tunneled(w, 0, IP_VTEP, 0, &plain);

            plain = inner_to(MAC_VM1);
            f = frame_tag(&plain, tpids[t], pcp << 13);
            f = tunneled(&f);
            assert_delivered(w, &f, &plain);
        }
    }
}

/* VX-17, AR-14, INV-5. */

/* 'f' in a buffer as a pool gives it: what an earlier frame left is still in
 * front of it and behind it. */
static void
receive_in_dirty_buffer(struct world *w, struct ovl_lport *port,
                        const struct frame *f)
{
    enum { HEADROOM = 128, SIZE = 4096 };
    struct dp_packet *p = dp_packet_new(SIZE);
    struct dp_packet_batch batch;

    memset(dp_packet_base(p), 0xa5, SIZE);
    dp_packet_reserve(p, HEADROOM);
    memcpy(dp_packet_put_uninit(p, f->len), f->data, f->len);
    dp_packet_batch_init_packet(&batch, p);

    w->n_out = 0;
    for (int i = 0; i < OVL_N_TOTALS; i++) {
        w->before[i] = ovl_counter_read(i);
    }
    ovl_pipeline_run(&w->worker, port, &batch);
}

static void
short_frames_are_neither_padded_nor_grown(void **state)
{
    struct world *w = *state;

    for (size_t len = 14; len <= 64; len++) {
        struct frame f = frame_eth(MAC_VM2, MAC_VM1, 0x88b5);
        struct frame t;

        frame_put_pattern(&f, len - 14);
        receive_in_dirty_buffer(w, w->vm1, &f);
        assert_forwarded(w, 1);
        assert_output(w, 0, w->vm2, &f);

        memcpy(f.data, mac_from(MAC_REMOTE).ea, 6);
        receive_in_dirty_buffer(w, w->vm1, &f);
        assert_forwarded(w, 1);
        assert_tunneled(w, 0, IP_VTEP, 0, &f);

        memcpy(f.data, mac_from(MAC_BROADCAST).ea, 6);
        receive_in_dirty_buffer(w, w->vm1, &f);
        assert_forwarded(w, 5);
        assert_output(w, 0, w->vm2, &f);
        assert_tunneled(w, 4, IP_VTEP2, 0, &f);

        memcpy(f.data, mac_from(MAC_VM1).ea, 6);
        memcpy(f.data + 6, mac_from(MAC_REMOTE).ea, 6);
        t = tunneled(&f);
        frame_put_pattern(&t, 5);       /* Padding of the outer frame. */
        receive_in_dirty_buffer(w, w->eth1, &t);
        assert_forwarded(w, 1);
        assert_output(w, 0, w->vm1, &f);
    }
}

static void
answers_have_no_byte_of_a_dirty_buffer(void **state)
{
    struct world *w = *state;
    struct frame f = frame_arp_request(MAC_VM1, "10.1.0.11", "10.1.0.12");
    struct frame r = frame_arp(MAC_VM1, MAC_VM2, 2, MAC_VM2, "10.1.0.12",
                               MAC_VM1, "10.1.0.11");

    receive_in_dirty_buffer(w, w->vm1, &f);
    assert_answered(w);
    assert_output(w, 0, w->vm1, &r);

    f = frame_ns("33:33:ff:00:00:12", MAC_VM1, "2001:db8::11",
                 "ff02::1:ff00:12", "2001:db8::12", MAC_VM1);
    r = frame_na(MAC_VM1, MAC_VM2, "2001:db8::12", "2001:db8::11",
                 "2001:db8::12", 0x60, MAC_VM2);
    receive_in_dirty_buffer(w, w->vm1, &f);
    assert_answered(w);
    assert_output(w, 0, w->vm1, &r);
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
    f = frame_udp4(MAC_ROUTER, MAC_VM1, "10.1.0.11", "10.1.0.1", 1, 2, 3);
    assert_port_drop(w, w->vm1, &f, OVL_DROP_NO_ROUTER);
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
        world_test(ten_thousand_outer_headers_are_exact),
        world_test(thirty_nine_reserved_bits),
        world_test(udp_checksums_of_odd_and_even_datagrams),
        world_test(udp_checksum_that_is_computed_as_zero),
        world_test(udp_checksum_does_not_cover_padding),
        world_test(udp6_without_checksum_is_still_looked_at),
        cmocka_unit_test(ipv6_fragments_of_a_datagram_have_one_source_port),
        cmocka_unit_test(source_ports_spread_every_kind_of_flow),
        world_test(stacks_of_tags_are_dropped_wherever_they_come_from),
        world_test(priority_tag_is_stripped_on_every_way),
        world_test(short_frames_are_neither_padded_nor_grown),
        world_test(answers_have_no_byte_of_a_dirty_buffer),
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
