/* SPDX-License-Identifier: Apache-2.0 */

/* VXLAN and ECN as functions on packets. */

#include <config.h>

#include "world-asserts.h"

#include "adjacency.h"
#include "dp-packet.h"
#include "ecn.h"
#include "pkt-edit.h"
#include "vxlan.h"

static struct frame
inner_frame(void)
{
    return frame_udp4(MAC_VM1, MAC_REMOTE, "10.1.0.99", "10.1.0.11", 1, 2,
                      41);
}

/* A packet with 'headroom' dirty bytes in front. */
static struct dp_packet *
make_packet(const struct frame *f, size_t headroom)
{
    struct dp_packet *p = dp_packet_new_with_headroom(f->len, headroom);

    memset(dp_packet_base(p), 0xa5, headroom);
    dp_packet_put(p, f->data, f->len);
    return p;
}

static struct frame
take_frame(struct dp_packet *p)
{
    struct frame f = { .len = 0 };

    frame_put(&f, dp_packet_data(p), dp_packet_size(p));
    dp_packet_delete(p);
    return f;
}

static struct ovl_adjacency *
make_adjacency(struct world *w, const char *src, const char *dst)
{
    const struct ovl_outer_spec spec = {
        .dst = mac_from(MAC_NEXTHOP), .src = mac_from(MAC_LOCAL),
        .ip_src = world_ip(src), .ip_dst = world_ip(dst),
        .ttl = 64, .vxlan_port = 4789, .mtu = 1500,
    };

    return ovl_adjacency_create(w->eth1, &spec);
}

static void
assert_pushed(struct world *w, bool v6, const struct ovl_vxlan_fields *fields)
{
    static const size_t headrooms[] = { 128, 70, 50, 49, 4, 0 };
    const char *src = v6 ? "2001:db8::1" : IP_OWN;
    const char *dst = v6 ? "2001:db8::2" : IP_VTEP;
    struct ovl_adjacency *adj = make_adjacency(w, src, dst);

    for (size_t len = 14; len <= inner_frame().len; len++) {
        struct frame f = inner_frame();

        f.len = len;
        for (size_t i = 0; i < ARRAY_SIZE(headrooms); i++) {
            struct dp_packet *p = make_packet(&f, headrooms[i]);
            struct frame got = take_frame(ovl_vxlan_push(p, adj, fields));
            struct frame expected
                = v6 ? frame_vxlan6(MAC_NEXTHOP, MAC_LOCAL, src, dst,
                                    fields->tos, fields->sport, fields->vni,
                                    &f)
                  : frame_vxlan4(MAC_NEXTHOP, MAC_LOCAL, src, dst,
                                 fields->tos, fields->sport, fields->vni, &f);

            if (v6 && fields->udp6_zero_csum) {
                frame_set16(&expected, L4_OFS6 + 6, 0);
            }
            assert_frame_equal(&got, &expected);
        }
    }
    ovl_adjacency_destroy(adj);
}

static void
every_byte_of_the_outer_header_is_ours(void **state)
{
    struct world *w = *state;
    struct ovl_vxlan_fields fields = {
        .vni = 0xfedcba, .sport = 51234, .tos = 0xbb
    };

    assert_pushed(w, false, &fields);
    assert_pushed(w, true, &fields);
    fields.udp6_zero_csum = true;
    assert_pushed(w, true, &fields);
}

static void
udp_checksum_of_zero_is_sent_as_ffff(void **state)
{
    struct world *w = *state;
    struct ovl_adjacency *adj = make_adjacency(w, "2001:db8::1",
                                               "2001:db8::2");
    struct ovl_vxlan_fields fields = { .vni = 1, .sport = 50000 };
    struct frame f = inner_frame();
    bool seen = false;

    for (int i = 0; i <= UINT16_MAX; i++) {
        frame_set16(&f, 50, i);
        struct frame got = take_frame(
            ovl_vxlan_push(make_packet(&f, 128), adj, &fields));

        assert_int_not_equal(frame_get16(&got, L4_OFS6 + 6), 0);
        seen |= frame_get16(&got, L4_OFS6 + 6) == 0xffff;
    }
    assert_true(seen);
    ovl_adjacency_destroy(adj);
}

static void
pop_leaves_what_the_udp_length_covers(void **state OVS_UNUSED)
{
    struct frame inner = inner_frame();
    struct frame outer = frame_vxlan4(MAC_LOCAL, MAC_NEXTHOP, IP_VTEP, IP_OWN,
                                      0, 50000, VNI, &inner);

    frame_put_pattern(&outer, 9);
    struct dp_packet *p = make_packet(&outer, 0);
    struct ovl_outer parsed = ovl_outer_parse(outer.data, outer.len);
    ovl_vxlan_pop(p, &parsed);
    struct frame got = take_frame(p);
    assert_frame_equal(&got, &inner);
}

/* Source ports. */

static uint16_t
sport_of(const struct frame *f)
{
    struct ovl_pkt pkt = ovl_pkt_parse(f->data, f->len);
    uint16_t port = ovl_vxlan_source_port(&pkt);

    assert_true(port >= OVL_VXLAN_SPORT_MIN);
    return port;
}

static void
source_ports_spread_flows(void **state OVS_UNUSED)
{
    static bool seen[65536];
    int buckets[8] = { 0 };
    int distinct = 0;

    for (int i = 0; i < 1000; i++) {
        struct frame f = frame_udp4(MAC_VM1, MAC_REMOTE, "10.1.0.99",
                                    "10.1.0.11", 1000 + i, 80, 10);
        uint16_t port = sport_of(&f);

        distinct += !seen[port];
        seen[port] = true;
        buckets[port % 8]++;
        assert_int_equal(sport_of(&f), port);
    }
    assert_true(distinct >= 900);
    for (int i = 0; i < 8; i++) {
        assert_true(buckets[i] < 4 * 1000 / 8);
    }
}

static void
source_ports_spread_non_ip_by_address_and_type(void **state OVS_UNUSED)
{
    struct frame a = frame_eth(MAC_VM1, MAC_REMOTE, 0x88b5);
    struct frame b = frame_eth(MAC_VM1, MAC_VM3, 0x88b5);
    struct frame c = frame_eth(MAC_VM1, MAC_REMOTE, 0x88b6);

    /* One pair may be equal by chance, not both. */
    assert_true(sport_of(&a) != sport_of(&b) || sport_of(&a) != sport_of(&c));
}

static void
fragments_of_a_datagram_have_one_source_port(void **state OVS_UNUSED)
{
    struct frame first = frame_udp4(MAC_VM1, MAC_REMOTE, "10.1.0.99",
                                    "10.1.0.11", 1000, 2000, 40);
    struct frame later = frame_udp4(MAC_VM1, MAC_REMOTE, "10.1.0.99",
                                    "10.1.0.11", 7, 8, 40);
    struct frame last = later;

    frame_set16(&first, IP4_FRAG, 0x2000);
    frame_set16(&later, IP4_FRAG, 0x2006);
    frame_set16(&last, IP4_FRAG, 0x000c);
    assert_int_equal(sport_of(&first), sport_of(&later));
    assert_int_equal(sport_of(&first), sport_of(&last));
}

static void
payload_does_not_move_the_source_port(void **state OVS_UNUSED)
{
    struct frame a = inner_frame();
    struct frame b = a;

    b.data[b.len - 1] ^= 0xff;
    frame_set8(&b, IP4_TOS, 3);
    frame_set16(&b, L3_OFS + 4, 77);
    assert_int_equal(sport_of(&a), sport_of(&b));
}

/* ECN. */

static void
ecn_of_the_inner_packet_goes_outside(void **state OVS_UNUSED)
{
    for (int ecn = 0; ecn < 4; ecn++) {
        assert_int_equal(ovl_ecn_encapsulate(ecn), ecn);
    }
}

static void
all_cells_of_rfc6040_figure_4(void **state OVS_UNUSED)
{
    enum { NE = 0, E1 = 1, E0 = 2, CE = 3, DROP = -1 };
    static const struct {
        int inner, outer, result;
    } cells[] = {
        { NE, NE, NE }, { NE, E0, NE }, { NE, E1, NE }, { NE, CE, DROP },
        { E0, NE, E0 }, { E0, E0, E0 }, { E0, E1, E1 }, { E0, CE, CE },
        { E1, NE, E1 }, { E1, E0, E1 }, { E1, E1, E1 }, { E1, CE, CE },
        { CE, NE, CE }, { CE, E0, CE }, { CE, E1, CE }, { CE, CE, CE },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cells); i++) {
        enum ovl_ecn result = 77;
        bool ok = ovl_ecn_decapsulate(cells[i].inner, cells[i].outer,
                                      &result);

        assert_int_equal(ok, cells[i].result != DROP);
        if (ok) {
            assert_int_equal(result, cells[i].result);
        }
    }
}

static void
ecn_change_keeps_the_ipv4_checksum_right(void **state OVS_UNUSED)
{
    /* All checksums that a header can have: the ID runs through. */
    for (int id = 0; id <= UINT16_MAX; id++) {
        struct frame f = inner_frame();

        frame_set8(&f, IP4_TOS, 0xfe);
        frame_set16(&f, L3_OFS + 4, id);
        frame_fix_ip4(&f, L3_OFS);

        struct ovl_pkt pkt = ovl_pkt_parse(f.data, f.len);
        struct frame expected = f;
        ovl_pkt_set_ecn(f.data, &pkt, OVL_ECN_CE);
        frame_set8(&expected, IP4_TOS, 0xff);
        frame_fix_ip4(&expected, L3_OFS);

        /* 0 and 0xffff are the same number in one's complement. */
        if (frame_get16(&expected, IP4_CSUM) == 0
            || frame_get16(&expected, IP4_CSUM) == 0xffff) {
            assert_true(frame_get16(&f, IP4_CSUM) == 0
                        || frame_get16(&f, IP4_CSUM) == 0xffff);
            continue;
        }
        assert_frame_equal(&f, &expected);
    }
}

static void
ecn_change_of_ipv6_changes_nothing_else(void **state OVS_UNUSED)
{
    struct frame f = frame_udp6(MAC_VM1, MAC_REMOTE, "2001:db8::99",
                                "2001:db8::11", 1, 2, 3);

    frame_set32(&f, L3_OFS, 0x6ae54321);
    for (int ecn = 0; ecn < 4; ecn++) {
        struct ovl_pkt pkt = ovl_pkt_parse(f.data, f.len);
        struct frame expected = f;

        frame_set32(&expected, L3_OFS, 0x6ac54321 | ecn << 20);
        ovl_pkt_set_ecn(f.data, &pkt, ecn);
        assert_frame_equal(&f, &expected);
    }
}

/* Tags. */

static void
headroom_is_made_where_it_is_short(void **state OVS_UNUSED)
{
    struct frame f = inner_frame();

    for (size_t headroom = 0; headroom < 60; headroom++) {
        struct dp_packet *p = make_packet(&f, headroom);

        p = ovl_pkt_with_headroom(p, 50);
        assert_true(dp_packet_headroom(p) >= 50);
        struct frame got = take_frame(p);
        assert_frame_equal(&got, &f);
    }
}

static void
tag_is_pushed_whatever_the_headroom(void **state OVS_UNUSED)
{
    struct frame f = inner_frame();
    struct frame expected = frame_tag(&f, 0x8100, 4095);

    for (size_t headroom = 0; headroom < 8; headroom++) {
        struct dp_packet *p = make_packet(&f, headroom);
        struct frame got = take_frame(ovl_pkt_push_tag(p, 4095));

        assert_frame_equal(&got, &expected);
    }
}

static void
tag_is_popped(void **state OVS_UNUSED)
{
    struct frame f = inner_frame();
    struct frame tagged = frame_tag(&f, 0x9100, 0xffff);
    struct dp_packet *p = make_packet(&tagged, 0);

    ovl_pkt_pop_tag(p);
    struct frame got = take_frame(p);
    assert_frame_equal(&got, &f);
}

static void
offloads_that_a_guest_asks_for_are_forgotten(void **state OVS_UNUSED)
{
    struct frame f = inner_frame();
    struct dp_packet *p = make_packet(&f, 0);

    *dp_packet_ol_flags_ptr(p) |= DP_PACKET_OL_SUPPORTED_MASK;
    p->packet_type = htonl(0x800);
    p->l3_ofs = 7000;
    p->cutlen = 3;
    ovl_pkt_forget_metadata(p);
    assert_int_equal(*dp_packet_ol_flags_ptr(p)
                     & DP_PACKET_OL_SUPPORTED_MASK, 0);
    assert_int_equal(p->packet_type, htonl(PT_ETH));
    assert_int_equal(p->l3_ofs, UINT16_MAX);
    assert_int_equal(p->cutlen, 0);
    dp_packet_delete(p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(every_byte_of_the_outer_header_is_ours),
        world_test(udp_checksum_of_zero_is_sent_as_ffff),
        cmocka_unit_test(pop_leaves_what_the_udp_length_covers),
        cmocka_unit_test(source_ports_spread_flows),
        cmocka_unit_test(source_ports_spread_non_ip_by_address_and_type),
        cmocka_unit_test(fragments_of_a_datagram_have_one_source_port),
        cmocka_unit_test(payload_does_not_move_the_source_port),
        cmocka_unit_test(ecn_of_the_inner_packet_goes_outside),
        cmocka_unit_test(all_cells_of_rfc6040_figure_4),
        cmocka_unit_test(ecn_change_keeps_the_ipv4_checksum_right),
        cmocka_unit_test(ecn_change_of_ipv6_changes_nothing_else),
        cmocka_unit_test(headroom_is_made_where_it_is_short),
        cmocka_unit_test(tag_is_pushed_whatever_the_headroom),
        cmocka_unit_test(tag_is_popped),
        cmocka_unit_test(offloads_that_a_guest_asks_for_are_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
