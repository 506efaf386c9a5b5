/* SPDX-License-Identifier: Apache-2.0 */

/* What the parser says about frames, and that it never reads beyond one. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "frames.h"
#include "pkt-parse.h"
#include "util.h"
#include "world.h"

static struct ovl_pkt
parse(const struct frame *f)
{
    return ovl_pkt_parse(f->data, f->len);
}

static struct ovl_outer
parse_outer(const struct frame *f)
{
    return ovl_outer_parse(f->data, f->len);
}

static void
assert_ip(const struct in6_addr *ip, const char *expected_s)
{
    struct in6_addr expected = world_ip(expected_s);

    assert_memory_equal(ip, &expected, sizeof expected);
}

static void
assert_mac(struct eth_addr mac, const char *expected)
{
    assert_int_equal(eth_addr_to_uint64(mac),
                     eth_addr_to_uint64(mac_from(expected)));
}

/* Parses the first 'len' bytes of 'f' from an allocation of just that size. */
static void
parse_exactly(const struct frame *f, size_t len, struct ovl_pkt *pkt,
              struct ovl_outer *outer)
{
    uint8_t *copy = malloc(len ? len : 1);

    memcpy(copy, f->data, len);
    *pkt = ovl_pkt_parse(copy, len);
    *outer = ovl_outer_parse(copy, len);
    if (outer->udp && outer->fault == OVL_NO_DROP) {
        assert_true(ovl_outer_inner_ofs(outer) + ovl_outer_inner_len(outer)
                    <= len);
        ovl_outer_csum_ok(outer, copy);
        ovl_pkt_parse(copy + ovl_outer_inner_ofs(outer),
                      ovl_outer_inner_len(outer));
    }
    free(copy);
}

static void
frames_truncated_at_every_byte_are_never_read_beyond(void **state OVS_UNUSED)
{
    size_t n;
    const struct frame *f = frame_templates(&n);

    for (size_t i = 0; i < n; i++) {
        for (size_t len = 0; len <= f[i].len; len++) {
            struct ovl_outer outer;
            struct ovl_pkt pkt;

            parse_exactly(&f[i], len, &pkt, &outer);
            assert_int_equal(pkt.len, len);
            if (len < ETH_HEADER_LEN) {
                assert_true(pkt.too_short);
                assert_false(outer.udp);
            }
        }
    }
}

static void
frames_with_any_bit_flipped_are_never_read_beyond(void **state OVS_UNUSED)
{
    size_t n;
    const struct frame *f = frame_templates(&n);

    for (size_t i = 0; i < n; i++) {
        for (size_t bit = 0; bit < 96 * 8 && bit < f[i].len * 8; bit++) {
            struct frame flipped = f[i];
            struct ovl_outer outer;
            struct ovl_pkt pkt;

            flipped.data[bit / 8] ^= 1 << bit % 8;
            parse_exactly(&flipped, flipped.len, &pkt, &outer);
        }
    }
}

static void
lengths_at_their_limits_are_never_believed(void **state OVS_UNUSED)
{
    static const uint16_t values[] = {
        0, 1, 7, 8, 19, 20, 21, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff
    };
    size_t n;
    const struct frame *f = frame_templates(&n);

    for (size_t i = 0; i < n; i++) {
        for (size_t ofs = 12; ofs + 1 < f[i].len && ofs < 120; ofs++) {
            for (size_t v = 0; v < ARRAY_SIZE(values); v++) {
                struct frame bad = f[i];
                struct ovl_outer outer;
                struct ovl_pkt pkt;

                frame_set16(&bad, ofs, values[v]);
                parse_exactly(&bad, bad.len, &pkt, &outer);
            }
        }
    }
}

static void
tags_are_told_apart(void **state OVS_UNUSED)
{
    struct frame f = frame_udp4(MAC_VM2, MAC_VM1, "10.1.0.11", "10.1.0.12",
                                1, 2, 10);
    struct {
        uint16_t tpid, tci;
        enum ovl_tag tag;
        uint16_t vlan;
    } cases[] = {
        { 0x8100, 0x0000, OVL_TAG_PRIORITY, 0 },
        { 0x8100, 0xe000, OVL_TAG_PRIORITY, 0 },
        { 0x8100, 0x000a, OVL_TAG_VLAN, 10 },
        { 0x8100, 0xffff, OVL_TAG_VLAN, 4095 },
        { 0x88a8, 0x0000, OVL_TAG_PRIORITY, 0 },
        { 0x88a8, 0x000a, OVL_TAG_OTHER, 0 },
        { 0x9100, 0x0000, OVL_TAG_PRIORITY, 0 },
        { 0x9100, 0x000a, OVL_TAG_OTHER, 0 },
    };

    assert_int_equal(parse(&f).tag, OVL_TAG_NONE);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct frame t = frame_tag(&f, cases[i].tpid, cases[i].tci);
        struct ovl_pkt pkt = parse(&t);

        assert_int_equal(pkt.tag, cases[i].tag);
        assert_int_equal(pkt.vlan, cases[i].vlan);
        if (pkt.tag != OVL_TAG_OTHER) {
            assert_int_equal(pkt.l3, OVL_L3_IPV4);
            assert_ip(&pkt.ip.src, "10.1.0.11");
            assert_int_equal(ovl_pkt_l3_len(&pkt), f.len - 14);
        }

        /* A tag behind it makes it something else. */
        t = frame_tag(&t, 0x8100, 0);
        assert_int_equal(parse(&t).tag, OVL_TAG_OTHER);
        struct frame cut = frame_cut(&t, 17);
        assert_true(parse(&cut).too_short);
    }
}

static void
arp_that_is_not_ipv4_over_ethernet_is_malformed(void **state OVS_UNUSED)
{
    struct frame good = frame_arp_request(MAC_VM1, "10.1.0.11", "10.1.0.1");
    static const struct {
        size_t ofs;
        uint8_t values[4];
    } fields[] = {
        { 15, { 0, 2, 6, 255 } },           /* hrd */
        { 16, { 0, 7, 0x86, 255 } },        /* pro */
        { 17, { 1, 6, 0xdd, 255 } },
        { 18, { 0, 5, 7, 255 } },           /* hln */
        { 19, { 0, 3, 5, 255 } },           /* pln */
    };

    assert_int_equal(parse(&good).arp.status, OVL_ARP_OK);
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        for (size_t v = 0; v < 4; v++) {
            struct frame f = good;

            frame_set8(&f, fields[i].ofs, fields[i].values[v]);
            assert_int_equal(parse(&f).arp.status, OVL_ARP_MALFORMED);
        }
    }
    for (size_t len = ETH_HEADER_LEN; len < 42; len++) {
        struct frame f = frame_cut(&good, len);

        assert_int_equal(parse(&f).arp.status, OVL_ARP_MALFORMED);
    }
}

static void
arp_operations_other_than_request_and_reply_are_bad(void **state OVS_UNUSED)
{
    struct frame f = frame_arp_request(MAC_VM1, "10.1.0.11", "10.1.0.1");

    for (int op = 0; op <= UINT16_MAX; op++) {
        frame_set16(&f, 20, op);
        assert_int_equal(parse(&f).arp.status,
                         op == 1 || op == 2 ? OVL_ARP_OK
                         : OVL_ARP_BAD_OP);
    }
}

static void
arp_fields_are_read(void **state OVS_UNUSED)
{
    struct frame f = frame_arp(MAC_VM2, MAC_VM1, 2, MAC_VM3, "10.1.0.11",
                               MAC_REMOTE, "10.1.0.12");
    struct ovl_pkt pkt = parse(&f);

    assert_mac(pkt.dst, MAC_VM2);
    assert_mac(pkt.src, MAC_VM1);
    assert_int_equal(pkt.arp.op, 2);
    assert_mac(pkt.arp.sha, MAC_VM3);
    assert_mac(pkt.arp.tha, MAC_REMOTE);
    assert_int_equal(ntohl(pkt.arp.spa), 0x0a01000b);
    assert_int_equal(ntohl(pkt.arp.tpa), 0x0a01000c);
}

static void
ipv4_with_absurd_header_is_bad(void **state OVS_UNUSED)
{
    struct frame good = frame_udp4(MAC_VM2, MAC_VM1, "10.1.0.11",
                                   "10.1.0.12", 1, 2, 40);

    assert_false(parse(&good).l3_bad);
    for (int byte = 0; byte < 256; byte++) {
        struct frame f = good;

        frame_set8(&f, L3_OFS, byte);
        bool ok = byte >> 4 == 4 && (byte & 15) >= 5;
        assert_int_equal(parse(&f).l3_bad, !ok);
    }
    for (int len = 0; len < 20; len++) {
        struct frame f = good;

        frame_set16(&f, IP4_LEN, len);
        assert_true(parse(&f).l3_bad);
        f = frame_cut(&good, L3_OFS + len);
        assert_true(parse(&f).l3_bad);
    }
}

static void
ipv4_with_options_beyond_the_frame_is_bad(void **state OVS_UNUSED)
{
    struct frame good = frame_udp4(MAC_VM2, MAC_VM1, "10.1.0.11",
                                   "10.1.0.12", 1, 2, 80);

    frame_set8(&good, L3_OFS, 0x4f);
    for (size_t len = L3_OFS + 20; len < L3_OFS + 70; len++) {
        struct frame f = frame_cut(&good, len);

        assert_int_equal(parse(&f).l3_bad, len < L3_OFS + 60);
    }
}

static void
ipv4_ports_end_where_the_packet_ends(void **state OVS_UNUSED)
{
    struct frame f = frame_udp4(MAC_VM2, MAC_VM1, "10.1.0.11", "10.1.0.12",
                                1000, 2000, 40);
    struct ovl_pkt pkt = parse(&f);

    assert_int_equal(ntohs(pkt.ip.sport), 1000);
    assert_int_equal(ntohs(pkt.ip.dport), 2000);
    frame_set16(&f, IP4_LEN, 23);
    assert_int_equal(parse(&f).ip.dport, 0);
}

static void
fragments_have_no_ports(void **state OVS_UNUSED)
{
    struct frame f = frame_udp4(MAC_VM2, MAC_VM1, "10.1.0.11", "10.1.0.12",
                                1000, 2000, 40);

    frame_set16(&f, IP4_FRAG, 0x2000);
    struct ovl_pkt first = parse(&f);
    assert_true(first.ip.fragment);
    assert_false(first.ip.later_fragment);
    assert_int_equal(first.ip.dport, 0);

    frame_set16(&f, IP4_FRAG, 0x0001);
    struct ovl_pkt later = parse(&f);
    assert_true(later.ip.fragment);
    assert_true(later.ip.later_fragment);
    assert_int_equal(later.ip.dport, 0);
    assert_int_equal(later.ip.hash_proto, first.ip.hash_proto);

    frame_set16(&f, IP4_FRAG, 0x4000);
    assert_false(parse(&f).ip.fragment);
}

static void
ipv6_extension_headers_are_walked(void **state OVS_UNUSED)
{
    static const uint8_t chain[] = {
        60, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        51, 0, 1, 4, 0, 0, 0, 0,
        17, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2,
        3, 0xe8, 7, 0xd0, 0, 8, 0, 0,
    };
    struct frame f = frame_ip6(MAC_VM2, MAC_VM1, "2001:db8::11",
                               "2001:db8::12", 0, 64, chain, sizeof chain);
    struct ovl_pkt pkt = parse(&f);

    assert_false(pkt.l3_bad);
    assert_int_equal(pkt.ip.proto, 17);
    assert_int_equal(ntohs(pkt.ip.sport), 1000);
    assert_int_equal(ntohs(pkt.ip.dport), 2000);
    frame_set32(&f, L3_OFS, 0x6ab00000);
    assert_int_equal(parse(&f).ip.tos, 0xab);
}

static void
ipv6_fragments_of_a_datagram_look_alike(void **state OVS_UNUSED)
{
    /* Destination options stand in the fragmentable part. */
    uint8_t payload[24] = { 60, 0, 0, 1, 1, 2, 3, 4,
                            17, 0, 1, 4, 0, 0, 0, 0,
                            3, 0xe8, 7, 0xd0 };
    struct frame first = frame_ip6(MAC_VM2, MAC_VM1, "2001:db8::11",
                                   "2001:db8::12", 44, 64, payload,
                                   sizeof payload);
    payload[3] = 8;
    struct frame later = frame_ip6(MAC_VM2, MAC_VM1, "2001:db8::11",
                                   "2001:db8::12", 44, 64, payload,
                                   sizeof payload);
    struct ovl_pkt a = parse(&first), b = parse(&later);

    assert_true(a.ip.fragment && b.ip.fragment);
    assert_false(a.ip.later_fragment);
    assert_true(b.ip.later_fragment);
    assert_int_equal(a.ip.hash_proto, b.ip.hash_proto);
    assert_int_equal(a.ip.sport, 0);
    assert_int_equal(b.ip.sport, 0);
}

static void
ipv6_chain_of_eight_headers_is_walked_and_of_nine_is_not(
    void **state OVS_UNUSED)
{
    for (size_t n = 1; n <= 12; n++) {
        uint8_t chain[13 * 8] = { 0 };

        for (size_t i = 0; i < n; i++) {
            chain[i * 8] = i + 1 < n ? 60 : 17;
        }
        struct frame f = frame_ip6(MAC_VM2, MAC_VM1, "2001:db8::11",
                                   "2001:db8::12", 60, 64, chain,
                                   (n + 1) * 8);
        assert_int_equal(parse(&f).ip.nd.status,
                         n <= 8 ? OVL_ND_NONE : OVL_ND_MALFORMED);
    }
}

/* A solicitation with correct everything, to be spoiled. */
static struct frame
good_ns(void)
{
    return frame_ns("33:33:ff:00:00:12", MAC_VM1, "2001:db8::11",
                    "ff02::1:ff00:12", "2001:db8::12", MAC_VM1);
}

static void
assert_nd(struct frame f, bool fix_csum, enum ovl_nd_status status)
{
    if (fix_csum) {
        frame_fix_l4(&f, L3_OFS, L4_OFS6, L4_OFS6 + 2);
    }
    assert_int_equal(parse(&f).ip.nd.status, status);
}

static void
nd_without_hop_limit_255_is_malformed(void **state OVS_UNUSED)
{
    struct frame f = good_ns();

    assert_nd(f, false, OVL_ND_OK);
    frame_set8(&f, L3_OFS + 7, 254);
    assert_nd(f, false, OVL_ND_MALFORMED);
}

static void
nd_with_wrong_checksum_is_malformed(void **state OVS_UNUSED)
{
    for (size_t ofs = L3_OFS + 8; ofs < good_ns().len; ofs++) {
        struct frame f = good_ns();

        f.data[ofs] ^= 0x10;
        if (ofs >= L4_OFS6 && ofs < L4_OFS6 + 1) {
            continue;           /* Another message, if any. */
        }
        assert_nd(f, false, OVL_ND_MALFORMED);
    }
}

static void
nd_with_code_is_malformed(void **state OVS_UNUSED)
{
    struct frame f = good_ns();

    frame_set8(&f, L4_OFS6 + 1, 1);
    assert_nd(f, true, OVL_ND_MALFORMED);
}

static void
nd_shorter_than_its_header_is_malformed(void **state OVS_UNUSED)
{
    for (size_t len = 1; len < 24; len++) {
        struct frame f = good_ns();

        frame_set16(&f, L3_OFS + 4, len);
        assert_nd(f, true, OVL_ND_MALFORMED);
    }
}

static void
nd_announced_longer_than_it_is_is_malformed(void **state OVS_UNUSED)
{
    struct frame f = good_ns();

    f.len--;
    assert_nd(f, false, OVL_ND_MALFORMED);
}

static void
nd_for_a_multicast_target_is_malformed(void **state OVS_UNUSED)
{
    struct frame f = good_ns();

    frame_set8(&f, L4_OFS6 + 8, 0xff);
    assert_nd(f, true, OVL_ND_MALFORMED);
    assert_nd(frame_na(MAC_VM2, MAC_VM1, "2001:db8::11", "2001:db8::12",
                       "ff02::1", 0x60, MAC_VM1), false, OVL_ND_MALFORMED);
}

static void
nd_options_of_bad_length_are_malformed(void **state OVS_UNUSED)
{
    struct frame f = good_ns();

    frame_set8(&f, L4_OFS6 + 25, 0);        /* Length 0. */
    assert_nd(f, true, OVL_ND_MALFORMED);
    frame_set8(&f, L4_OFS6 + 25, 2);        /* Beyond the packet. */
    assert_nd(f, true, OVL_ND_MALFORMED);

    f = good_ns();                          /* Half an option more. */
    frame_put_pattern(&f, 1);
    frame_set16(&f, L3_OFS + 4, 33);
    assert_nd(f, true, OVL_ND_MALFORMED);
}

static void
nd_options_that_are_unknown_are_skipped(void **state OVS_UNUSED)
{
    static const uint8_t nonce[8] = { 14, 1, 1, 2, 3, 4, 5, 6 };
    struct frame f = good_ns();

    frame_put(&f, nonce, sizeof nonce);
    frame_set16(&f, L3_OFS + 4, 40);
    assert_nd(f, true, OVL_ND_OK);
}

static void
nd_with_more_than_32_options_is_malformed(void **state OVS_UNUSED)
{
    static const uint8_t nonce[8] = { 14, 1, 1, 2, 3, 4, 5, 6 };
    struct frame f = good_ns();

    for (int n = 2; n <= 33; n++) {
        frame_put(&f, nonce, sizeof nonce);
        frame_set16(&f, L3_OFS + 4, 24 + n * 8);
        assert_nd(f, true, n <= 32 ? OVL_ND_OK : OVL_ND_MALFORMED);
    }
}

static void
nd_in_a_fragment_is_malformed(void **state OVS_UNUSED)
{
    struct frame ns = good_ns();
    uint8_t payload[8 + 32] = { 58, 0, 0, 0, 1, 2, 3, 4 };

    memcpy(payload + 8, ns.data + L4_OFS6, 32);
    struct frame f = frame_ip6("33:33:ff:00:00:12", MAC_VM1, "2001:db8::11",
                               "ff02::1:ff00:12", 44, 255, payload,
                               sizeof payload);
    assert_nd(f, false, OVL_ND_MALFORMED);

    /* The type would be in the next fragment. */
    payload[3] = 1;
    f = frame_ip6("33:33:ff:00:00:12", MAC_VM1, "2001:db8::11",
                  "ff02::1:ff00:12", 44, 255, payload, 8);
    assert_nd(f, false, OVL_ND_MALFORMED);
}

/* RFC 7112: headers that go on in the next fragment could hide ND from us. */
static void
first_fragment_without_all_headers_is_malformed(void **state OVS_UNUSED)
{
    /* Fragment header, destination options of 32 bytes. */
    uint8_t payload[8 + 32 + 32] = { 60, 0, 0, 1, 1, 2, 3, 4,
                                     58, 3, 1, 28 };
    struct frame f;

    for (size_t len = 8; len < 8 + 32; len += 8) {
        f = frame_ip6(MAC_VM2, MAC_VM1, "2001:db8::11", "2001:db8::12", 44,
                      255, payload, len);
        assert_nd(f, false, OVL_ND_MALFORMED);
    }
    f = frame_ip6(MAC_VM2, MAC_VM1, "2001:db8::11", "2001:db8::12", 44, 255,
                  payload, 8 + 32);
    assert_nd(f, false, OVL_ND_MALFORMED);      /* The type is missing. */

    payload[8] = 17;
    f = frame_ip6(MAC_VM2, MAC_VM1, "2001:db8::11", "2001:db8::12", 44, 255,
                  payload, 8 + 32 + 8);
    assert_nd(f, false, OVL_ND_NONE);

    /* Not a fragment: it is truncated for everybody. */
    f = frame_ip6(MAC_VM2, MAC_VM1, "2001:db8::11", "2001:db8::12", 60, 255,
                  payload + 8, 8);
    assert_nd(f, false, OVL_ND_NONE);
}

static void
dad_needs_a_solicited_node_group_and_no_option(void **state OVS_UNUSED)
{
    assert_nd(frame_ns("33:33:ff:00:00:12", MAC_VM1, "::", "ff02::1:ff00:12",
                       "2001:db8::12", NULL), false, OVL_ND_OK);
    assert_nd(frame_ns("33:33:ff:00:00:12", MAC_VM1, "::", "ff02::1:ff00:12",
                       "2001:db8::12", MAC_VM1), false, OVL_ND_MALFORMED);
    assert_nd(frame_ns("33:33:00:00:00:01", MAC_VM1, "::", "ff02::1",
                       "2001:db8::12", NULL), false, OVL_ND_MALFORMED);
}

static void
na_to_a_group_must_not_be_solicited(void **state OVS_UNUSED)
{
    assert_nd(frame_na("33:33:00:00:00:01", MAC_VM1, "2001:db8::11",
                       "ff02::1", "2001:db8::11", 0x20, MAC_VM1), false,
              OVL_ND_OK);
    assert_nd(frame_na("33:33:00:00:00:01", MAC_VM1, "2001:db8::11",
                       "ff02::1", "2001:db8::11", 0x60, MAC_VM1), false,
              OVL_ND_MALFORMED);
}

static void
nd_group_and_mac_must_agree(void **state OVS_UNUSED)
{
    assert_nd(frame_ns("33:33:ff:00:00:13", MAC_VM1, "2001:db8::11",
                       "ff02::1:ff00:12", "2001:db8::12", MAC_VM1), false,
              OVL_ND_MALFORMED);
    assert_nd(frame_ns(MAC_BROADCAST, MAC_VM1, "2001:db8::11",
                       "ff02::1:ff00:12", "2001:db8::12", MAC_VM1), false,
              OVL_ND_MALFORMED);
    assert_nd(frame_ns(MAC_VM2, MAC_VM1, "2001:db8::11", "ff02::1:ff00:12",
                       "2001:db8::12", MAC_VM1), false, OVL_ND_OK);

    /* A group's address for a unicast one. */
    assert_nd(frame_ns("33:33:ff:00:00:12", MAC_VM1, "2001:db8::11",
                       "2001:db8::12", "2001:db8::12", MAC_VM1), false,
              OVL_ND_MALFORMED);
    assert_nd(frame_na(MAC_BROADCAST, MAC_VM1, "2001:db8::11",
                       "2001:db8::12", "2001:db8::11", 0x60, MAC_VM1), false,
              OVL_ND_MALFORMED);
}

/* RFC 4861 section 8.1. */
static void
redirect_obeys_its_rules(void **state OVS_UNUSED)
{
    static const struct {
        const char *src, *target, *dst;
        enum ovl_nd_status status;
    } cases[] = {
        { "fe80::1", "fe80::2", "2001:db8::99", OVL_ND_OK },
        { "fe80::1", "2001:db8::99", "2001:db8::99", OVL_ND_OK },
        { "fe80::1", "2001:db8::98", "2001:db8::99", OVL_ND_MALFORMED },
        { "fe80::1", "fe80::2", "ff02::1", OVL_ND_MALFORMED },
        { "fe80::1", "ff02::1", "ff02::1", OVL_ND_MALFORMED },
        { "2001:db8::1", "fe80::2", "2001:db8::99", OVL_ND_MALFORMED },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct in6_addr target = world_ip(cases[i].target);
        struct in6_addr dst = world_ip(cases[i].dst);
        uint8_t redirect[40] = { 137 };

        memcpy(redirect + 8, &target, sizeof target);
        memcpy(redirect + 24, &dst, sizeof dst);
        struct frame f = frame_icmp6(MAC_VM2, MAC_VM1, cases[i].src,
                                     "2001:db8::12", 255, redirect,
                                     sizeof redirect);
        assert_nd(f, false, cases[i].status);
        f.len -= 8;
        frame_set16(&f, L3_OFS + 4, 32);
        assert_nd(f, true, OVL_ND_MALFORMED);
    }
}

static void
nd_link_layer_addresses_that_disagree_are_odd(void **state OVS_UNUSED)
{
    static const uint8_t slla[8] = { 1, 1, 0x52, 0x54, 0, 0, 0, 9 };
    struct frame f = good_ns();
    struct ovl_pkt pkt = parse(&f);

    assert_true(pkt.ip.nd.has_lla);
    assert_false(pkt.ip.nd.odd_lla);
    assert_mac(pkt.ip.nd.lla, MAC_VM1);
    assert_ip(&pkt.ip.nd.target, "2001:db8::12");

    frame_put(&f, slla, sizeof slla);
    frame_set16(&f, L3_OFS + 4, 40);
    frame_fix_l4(&f, L3_OFS, L4_OFS6, L4_OFS6 + 2);
    assert_true(parse(&f).ip.nd.odd_lla);
}

static struct frame
good_vxlan(void)
{
    struct frame inner = frame_udp4(MAC_VM1, MAC_REMOTE, "10.1.0.99",
                                    "10.1.0.11", 1, 2, 10);

    return frame_vxlan4(MAC_LOCAL, MAC_NEXTHOP, IP_VTEP, IP_OWN, 0, 50000,
                        VNI, &inner);
}

static void
vxlan_is_read(void **state OVS_UNUSED)
{
    struct frame f = good_vxlan();
    struct ovl_outer outer = parse_outer(&f);

    frame_set32(&f, VXLAN_OFS + 4, 0xfffffe55);
    outer = parse_outer(&f);
    assert_true(outer.udp);
    assert_int_equal(outer.fault, OVL_NO_DROP);
    assert_int_equal(outer.dport, 4789);
    assert_int_equal(outer.vni, 0xfffffe);
    assert_int_equal(outer.flags, 8);
    assert_int_equal(ovl_outer_inner_ofs(&outer), INNER_OFS);
    assert_int_equal(ovl_outer_inner_len(&outer), f.len - INNER_OFS);
    assert_ip(&outer.src, IP_VTEP);
    assert_ip(&outer.dst, IP_OWN);
    assert_mac(outer.eth_dst, MAC_LOCAL);
}

static void
udp_length_decides_where_vxlan_ends(void **state OVS_UNUSED)
{
    struct frame good = good_vxlan();
    size_t udp_len = frame_get16(&good, UDP_LEN);

    for (size_t len = 0; len < udp_len + 3; len++) {
        struct frame f = good;

        frame_set16(&f, UDP_LEN, len);
        struct ovl_outer outer = parse_outer(&f);
        assert_true(outer.udp);
        if (len < 16 || len > udp_len) {
            assert_int_equal(outer.fault, OVL_DROP_VXLAN_MALFORMED);
        } else {
            assert_int_equal(outer.fault, OVL_NO_DROP);
            assert_int_equal(ovl_outer_inner_len(&outer), len - 16);
        }
    }
}

static void
udp_checksum_covers_the_udp_length(void **state OVS_UNUSED)
{
    struct frame f = good_vxlan();

    frame_fix_l4(&f, L3_OFS, L4_OFS, UDP_CSUM);
    frame_put_pattern(&f, 7);           /* Ethernet padding is not in it. */
    struct ovl_outer outer = parse_outer(&f);
    assert_false(outer.zero_csum);
    assert_true(ovl_outer_csum_ok(&outer, f.data));

    uint16_t csum = frame_get16(&f, UDP_CSUM);
    frame_set16(&f, UDP_CSUM, csum + 1);
    assert_false(ovl_outer_csum_ok(&outer, f.data));
    frame_set16(&f, UDP_CSUM, csum);
    f.data[f.len - 8] ^= 1;
    assert_false(ovl_outer_csum_ok(&outer, f.data));
}

static void
bytes_behind_the_ip_packet_are_no_udp(void **state OVS_UNUSED)
{
    struct frame f = good_vxlan();

    frame_set16(&f, IP4_LEN, 23);
    frame_fix_ip4(&f, L3_OFS);
    assert_false(parse_outer(&f).udp);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_truncated_at_every_byte_are_never_read_beyond),
        cmocka_unit_test(frames_with_any_bit_flipped_are_never_read_beyond),
        cmocka_unit_test(lengths_at_their_limits_are_never_believed),
        cmocka_unit_test(tags_are_told_apart),
        cmocka_unit_test(arp_that_is_not_ipv4_over_ethernet_is_malformed),
        cmocka_unit_test(arp_operations_other_than_request_and_reply_are_bad),
        cmocka_unit_test(arp_fields_are_read),
        cmocka_unit_test(ipv4_with_absurd_header_is_bad),
        cmocka_unit_test(ipv4_with_options_beyond_the_frame_is_bad),
        cmocka_unit_test(ipv4_ports_end_where_the_packet_ends),
        cmocka_unit_test(fragments_have_no_ports),
        cmocka_unit_test(ipv6_extension_headers_are_walked),
        cmocka_unit_test(ipv6_fragments_of_a_datagram_look_alike),
        cmocka_unit_test(
            ipv6_chain_of_eight_headers_is_walked_and_of_nine_is_not),
        cmocka_unit_test(nd_without_hop_limit_255_is_malformed),
        cmocka_unit_test(nd_with_wrong_checksum_is_malformed),
        cmocka_unit_test(nd_with_code_is_malformed),
        cmocka_unit_test(nd_shorter_than_its_header_is_malformed),
        cmocka_unit_test(nd_announced_longer_than_it_is_is_malformed),
        cmocka_unit_test(nd_for_a_multicast_target_is_malformed),
        cmocka_unit_test(nd_options_of_bad_length_are_malformed),
        cmocka_unit_test(nd_options_that_are_unknown_are_skipped),
        cmocka_unit_test(nd_with_more_than_32_options_is_malformed),
        cmocka_unit_test(nd_in_a_fragment_is_malformed),
        cmocka_unit_test(first_fragment_without_all_headers_is_malformed),
        cmocka_unit_test(dad_needs_a_solicited_node_group_and_no_option),
        cmocka_unit_test(na_to_a_group_must_not_be_solicited),
        cmocka_unit_test(nd_group_and_mac_must_agree),
        cmocka_unit_test(redirect_obeys_its_rules),
        cmocka_unit_test(nd_link_layer_addresses_that_disagree_are_odd),
        cmocka_unit_test(vxlan_is_read),
        cmocka_unit_test(udp_length_decides_where_vxlan_ends),
        cmocka_unit_test(udp_checksum_covers_the_udp_length),
        cmocka_unit_test(bytes_behind_the_ip_packet_are_no_udp),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
