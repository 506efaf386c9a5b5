/* SPDX-License-Identifier: Apache-2.0 */

/* Rules for VXLAN that need many frames to be seen; tests/CONFORMANCE.md says
 * which row is shown where.  The topology is drawn in world.h. */

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

/* A protocol of IP moves it as well, ports or not. */
static void
source_ports_depend_on_the_protocol(void **state OVS_UNUSED)
{
    static const uint8_t payload[40] = { 1, 2, 3, 4 };
    int same = 0;

    for (int proto = 0; proto < 256; proto++) {
        struct frame f = frame_ip4(MAC_REMOTE, MAC_VM1, "10.1.0.11",
                                   "10.1.0.99", proto, payload,
                                   sizeof payload);
        struct frame g = frame_ip4(MAC_REMOTE, MAC_VM1, "10.1.0.11",
                                   "10.1.0.99", proto ^ 1, payload,
                                   sizeof payload);

        same += sport_of(&f) == sport_of(&g);
    }
    assert_true(same < 8);
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
 * front of it and behind it.  'offloads' is what a driver says about it. */
static void
receive_with_offloads(struct world *w, struct ovl_lport *port,
                      const struct frame *f, uint64_t offloads)
{
    enum { HEADROOM = 128, SIZE = 4096 };
    struct dp_packet *p = dp_packet_new(SIZE);
    struct dp_packet_batch batch;

    memset(dp_packet_base(p), 0xa5, SIZE);
    dp_packet_reserve(p, HEADROOM);
    memcpy(dp_packet_put_uninit(p, f->len), f->data, f->len);
    *dp_packet_ol_flags_ptr(p) |= offloads;
    dp_packet_batch_init_packet(&batch, p);

    w->n_out = 0;
    for (int i = 0; i < OVL_N_TOTALS; i++) {
        w->before[i] = ovl_counter_read(i);
    }
    world_run(&w->worker, port, &batch);
}

static void
receive_in_dirty_buffer(struct world *w, struct ovl_lport *port,
                        const struct frame *f)
{
    receive_with_offloads(w, port, f, 0);
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

/* CS-06. */

static void
what_cannot_be_finished_never_leaves(void **state)
{
    static const uint64_t offloads[] = {
        DP_PACKET_OL_TX_TCP_CKSUM, DP_PACKET_OL_TX_SCTP_CKSUM, DP_PACKET_OL_TX_TCP_SEG,
        DP_PACKET_OL_TX_IPV4 | DP_PACKET_OL_TX_TCP_CKSUM
        | DP_PACKET_OL_TX_TCP_SEG,
    };
    struct world *w = *state;
    struct ovl_lport *ports[] = { w->vm1, w->trunk1, w->eth1, w->local };
    struct frame f = frame_udp4(MAC_VM2, MAC_VM1, "10.1.0.11", "10.1.0.12",
                                1, 2, 30);

    for (size_t i = 0; i < ARRAY_SIZE(offloads); i++) {
        for (size_t j = 0; j < ARRAY_SIZE(ports); j++) {
            uint64_t before = ovl_counter_read(ports[j]->drops
                                               + OVL_DROP_BAD_OFFLOAD);

            receive_with_offloads(w, ports[j], &f, offloads[i]);
            assert_int_equal(w->n_out, 0);
            assert_int_equal(ovl_counter_read(ports[j]->drops
                                              + OVL_DROP_BAD_OFFLOAD),
                             before + 1);
        }
    }
}

static void
what_a_driver_says_about_checksums_is_not_believed(void **state)
{
    static const uint64_t offloads[] = {
        DP_PACKET_OL_RX_L4_CKSUM_GOOD | DP_PACKET_OL_RX_IP_CKSUM_GOOD,
        DP_PACKET_OL_RX_L4_CKSUM_BAD | DP_PACKET_OL_RX_IP_CKSUM_BAD,
        DP_PACKET_OL_RSS_HASH | DP_PACKET_OL_FLOW_MARK | DP_PACKET_OL_TX_IPV4,
    };
    struct world *w = *state;
    struct frame inner = inner_to(MAC_VM1);

    for (size_t i = 0; i < ARRAY_SIZE(offloads); i++) {
        size_t csum;
        struct frame f = with_csum(false, &inner, &csum);

        receive_with_offloads(w, w->eth1, &f, offloads[i]);
        assert_forwarded(w, 1);
        assert_output(w, 0, w->vm1, &inner);
        f.data[f.len - 1] ^= 1;
        receive_with_offloads(w, w->eth1, &f, offloads[i]);
        assert_int_equal(w->n_out, 0);
        assert_int_equal(world_delta(w, OVL_TOTAL_DROPPED), 1);
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
        cmocka_unit_test(source_ports_depend_on_the_protocol),
        world_test(stacks_of_tags_are_dropped_wherever_they_come_from),
        world_test(priority_tag_is_stripped_on_every_way),
        world_test(short_frames_are_neither_padded_nor_grown),
        world_test(answers_have_no_byte_of_a_dirty_buffer),
        world_test(what_cannot_be_finished_never_leaves),
        world_test(what_a_driver_says_about_checksums_is_not_believed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
