/* SPDX-License-Identifier: Apache-2.0 */

/* The segmenter against an oracle that builds each segment from scratch out of
 * what the large packet was built from; and what the parser makes of a sender
 * that asks for nonsense. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dp-packet.h"
#include "l4-csum.h"
#include "pkt-edit.h"
#include "pkt-parse.h"
#include "random.h"
#include "tso.h"
#include "util.h"

#define SEED 20260711

#define FIN 0x001
#define SYN 0x002
#define PSH 0x008
#define ACK 0x010
#define URG 0x020
#define ECE 0x040
#define CWR 0x080

/* What a packet is made of. */
struct spec {
    bool v6;
    size_t tags;                /* Bytes of tags behind the MAC addresses. */
    size_t l3_options;          /* Bytes: IPv4 options, IPv6 destination
                                 * options. */
    size_t l4_options;
    size_t payload;
    uint16_t id;
    uint32_t seq;
    uint16_t flags;
};

#define BUFFER 66000

struct bytes {
    size_t len;
    uint8_t data[BUFFER];
};

static void
put8(struct bytes *b, uint8_t x)
{
    b->data[b->len++] = x;
}

static void
put16(struct bytes *b, uint16_t x)
{
    put8(b, x >> 8);
    put8(b, x);
}

static void
put32(struct bytes *b, uint32_t x)
{
    put16(b, x >> 16);
    put16(b, x);
}

/* RFC 1071, one word at a time. */
static uint32_t
sum16(uint32_t sum, const uint8_t *data, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        sum += i % 2 ? data[i] : data[i] << 8;
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return sum;
}

static void
set16(uint8_t *p, uint16_t x)
{
    p[0] = x >> 8;
    p[1] = x;
}

/* Builds the packet with 'n' bytes of the payload, from 'ofs'. */
static void
build(const struct spec *s, struct bytes *b, size_t ofs, size_t n,
      uint16_t id, uint16_t flags)
{
    size_t l4_len = 20 + s->l4_options + n;
    size_t l3, l4;

    b->len = 0;
    for (int i = 0; i < 12; i++) {
        put8(b, i * 2);
    }
    for (size_t i = 0; i < s->tags; i += 4) {
        put16(b, 0x8100);
        put16(b, 10);
    }
    put16(b, s->v6 ? 0x86dd : 0x0800);

    l3 = b->len;
    if (s->v6) {
        put32(b, 0x60012345);
        put16(b, s->l3_options + l4_len);
        put8(b, s->l3_options ? 60 : 6);
        put8(b, 64);
        for (int i = 0; i < 32; i++) {
            put8(b, 0x20 + i * 5);
        }
        if (s->l3_options) {
            put8(b, 6);
            put8(b, s->l3_options / 8 - 1);
            put8(b, 1);         /* PadN. */
            put8(b, s->l3_options - 4);
            for (size_t i = 4; i < s->l3_options; i++) {
                put8(b, 0);
            }
        }
    } else {
        put8(b, 0x45 + s->l3_options / 4);
        put8(b, 0x02);
        put16(b, 20 + s->l3_options + l4_len);
        put16(b, id);
        put16(b, 0x4000);
        put8(b, 64);
        put8(b, 6);
        put16(b, 0);
        put32(b, 0x0a01000b);
        put32(b, 0x0a01000c);
        for (size_t i = 0; i < s->l3_options; i++) {
            put8(b, 1);         /* No operation. */
        }
        set16(b->data + l3 + 10,
              ~sum16(0, b->data + l3, 20 + s->l3_options));
    }

    l4 = b->len;
    put16(b, 1234);
    put16(b, 80);
    put32(b, s->seq + ofs);
    put32(b, 0x55667788);
    put16(b, (5 + s->l4_options / 4) << 12 | flags);
    put16(b, 0x1000);
    put16(b, 0);
    put16(b, 0x0007);
    for (size_t i = 0; i < s->l4_options; i++) {
        put8(b, 1);
    }
    for (size_t i = 0; i < n; i++) {
        put8(b, (ofs + i) * 7 + (ofs + i) / 251);
    }

    uint32_t sum = (s->v6 ? sum16(0, b->data + l3 + 8, 32)
                    : sum16(0, b->data + l3 + 12, 8));
    sum += 6 + l4_len;
    set16(b->data + l4 + 16, ~sum16(sum, b->data + l4, l4_len));
}

static struct dp_packet *
packet_of(const struct bytes *b)
{
    struct dp_packet *p = ovl_pkt_new(b->len);

    dp_packet_put(p, b->data, b->len);
    return p;
}

static void
print_bytes(const char *title, const uint8_t *data, size_t n)
{
    print_error("%s:", title);
    for (size_t i = 0; i < MIN(n, 120); i++) {
        print_error("%s%02x", i % 16 ? " " : "\n    ", data[i]);
    }
    print_error("\n");
}

/* Parses, cuts, compares every segment. */
static void
check(const struct spec *s, uint16_t mss)
{
    static struct bytes whole, expected;

    build(s, &whole, 0, s->payload, s->id, s->flags);
    /* What the guest leaves undone. */
    size_t l3 = 14 + s->tags;
    size_t l4 = l3 + (s->v6 ? 40 : 20) + s->l3_options;
    set16(whole.data + l4 + 16, random_uint32());

    const struct ovl_offload asked = {
        .csum = OVL_CSUM_TCP, .cut = true, .mss = mss
    };
    struct ovl_pkt pkt = ovl_pkt_parse(whole.data, whole.len);
    assert_true(ovl_pkt_parse_offload(whole.data, &asked, &pkt));
    assert_int_equal(pkt.offload.cut, s->payload > mss);
    if (!pkt.offload.cut) {
        build(s, &expected, 0, s->payload, s->id, s->flags);
        ovl_l4_csum_fill(whole.data + l3, s->v6, pkt.offload.l3_len,
                         pkt.offload.len, OVL_CSUM_TCP);
        assert_memory_equal(whole.data, expected.data, expected.len);
        assert_int_equal(pkt.excess, 0);
        return;
    }
    assert_int_equal(ovl_pkt_l3_len(&pkt) + 14,
                     l4 - s->tags + 20 + s->l4_options + mss);

    struct dp_packet *packet = packet_of(&whole);
    size_t ofs = 0, i = 0, start = 0;
    do {
        size_t n = MIN(mss, s->payload - start);
        bool last = start + n == s->payload;
        uint16_t flags = s->flags;

        if (i) {
            flags &= ~CWR;
        }
        if (!last) {
            flags &= ~(FIN | PSH);
        }
        build(s, &expected, start, n, s->id + i, flags);

        struct dp_packet *segment
            = ovl_tso_next(NULL, packet, pkt.l3_ofs, &pkt.offload, mss, &ofs);
        if (dp_packet_size(segment) != expected.len
            || memcmp(dp_packet_data(segment), expected.data,
                      expected.len)) {
            print_bytes("segment", dp_packet_data(segment),
                        dp_packet_size(segment));
            print_bytes("expected", expected.data, expected.len);
            fail_msg("segment %"PRIuSIZE" of %"PRIuSIZE" bytes, mss "
                     "%"PRIu16, i, s->payload, mss);
        }
        dp_packet_delete(segment);
        start += n;
        i++;
        assert_int_equal(ofs, last ? 0 : start);
    } while (ofs);
    assert_int_equal(start, s->payload);
    dp_packet_delete(packet);
}

static const struct spec plain = {
    .payload = 5000, .id = 0xfffe, .seq = 0xfffffc00,
    .flags = FIN | PSH | ACK | URG | ECE | CWR,
};

static void
every_payload_around_every_multiple_of_the_mss(void **state OVS_UNUSED)
{
    for (int v6 = 0; v6 < 2; v6++) {
        for (size_t n = 1; n <= 4; n++) {
            for (int d = -2; d <= 2; d++) {
                struct spec s = plain;

                s.v6 = v6;
                s.payload = n * 1000 + d;
                check(&s, 1000);
                check(&s, 999);
            }
        }
    }
}

static void
every_combination_of_flags(void **state OVS_UNUSED)
{
    for (int flags = 0; flags < 0x1000; flags += 3) {
        struct spec s = plain;

        s.flags = flags;
        s.v6 = flags % 2;
        s.payload = 300;
        check(&s, 100);
    }
}

static void
every_length_of_options(void **state OVS_UNUSED)
{
    for (int v6 = 0; v6 < 2; v6++) {
        for (size_t l3 = 0; l3 <= 40; l3 += v6 ? 8 : 4) {
            for (size_t l4 = 0; l4 <= 40; l4 += 4) {
                struct spec s = plain;

                s.v6 = v6;
                s.l3_options = l3;
                s.l4_options = l4;
                s.tags = l4 % 8;
                check(&s, 1448);
            }
        }
    }
}

static void
largest_packets(void **state OVS_UNUSED)
{
    struct spec s = plain;

    s.payload = 65535 - 40;
    check(&s, 1460);
    check(&s, 256);
    s.v6 = true;
    s.payload = 65535 - 60;
    check(&s, 1440);
    check(&s, 65000);
}

static void
random_packets(void **state OVS_UNUSED)
{
    random_set_seed(SEED);
    for (int i = 0; i < 3000; i++) {
        struct spec s = {
            .v6 = random_range(2),
            .tags = random_range(2) * 4,
            .l3_options = random_range(4) * 8,
            .l4_options = random_range(11) * 4,
            .payload = random_range(i % 50 ? 9000 : 64000),
            .id = random_uint32(),
            .seq = random_uint32(),
            .flags = random_range(0x1000),
        };

        check(&s, 250 + random_range(i % 3 ? 1500 : 65000));
    }
}

/* Sums. */

static void
checksums_of_all_lengths_and_alignments(void **state OVS_UNUSED)
{
    static uint8_t buffer[2048];

    random_set_seed(SEED);
    for (size_t len = 20; len < 600; len++) {
        for (int udp = 0; udp < 2; udp++) {
            uint8_t *l3 = buffer + len % 8;
            size_t field = 20 + (udp ? 6 : 16);
            enum ovl_l4_csum csum = udp ? OVL_CSUM_UDP : OVL_CSUM_TCP;

            random_bytes(l3, 20 + len);
            if (len % 5 == 0) {
                memset(l3, 0xff, 20 + len);
            }
            ovl_l4_csum_fill(l3, false, 20, 20 + len, csum);

            uint32_t sum = sum16(0, l3 + 12, 8) + (udp ? 17 : 6) + len;
            assert_int_equal(sum16(sum, l3 + 20, len), 0xffff);
            if (udp) {
                assert_true(l3[field] || l3[field + 1]);
            }

            ovl_l4_csum_prepare(l3, false, 20, 20 + len, csum);
            sum = sum16(0, (uint8_t[]) { sum >> 24, sum >> 16, sum >> 8,
                                         sum }, 4);
            assert_int_equal(l3[field] << 8 | l3[field + 1], sum);
        }
    }
}

/* RFC 9260, appendix A, of a chunk-less packet. */
static void
checksum_of_sctp(void **state OVS_UNUSED)
{
    uint8_t packet[20 + 12] = { 0x45 };
    uint32_t crc = UINT32_MAX;

    for (int i = 20; i < 28; i++) {
        packet[i] = i * 3;
    }
    memset(packet + 28, 0xee, 4);
    ovl_l4_csum_fill(packet, false, 20, sizeof packet, OVL_CSUM_SCTP);

    for (int i = 20; i < 32; i++) {
        crc ^= i < 28 ? packet[i] : 0;
        for (int bit = 0; bit < 8; bit++) {
            crc = crc & 1 ? crc >> 1 ^ 0x82f63b78 : crc >> 1;
        }
    }
    crc = ~crc;
    for (int i = 0; i < 4; i++) {
        assert_int_equal(packet[28 + i], crc >> 8 * i & 0xff);
    }
}

/* Senders that lie. */

static bool
accepts(const uint8_t *data, size_t len, struct ovl_offload asked)
{
    /* Exactly as long, so that a sanitizer sees who reads on. */
    uint8_t *copy = xmemdup(data, len);
    struct ovl_pkt pkt = ovl_pkt_parse(copy, len);
    bool ok = ovl_pkt_parse_offload(copy, &asked, &pkt);

    if (ok) {
        assert_true(pkt.l3_ofs + pkt.offload.len <= len);
        assert_true(pkt.offload.l3_len < pkt.offload.len);
        assert_true(pkt.excess < len);
        if (pkt.offload.cut) {
            size_t headers = pkt.offload.l3_len + pkt.offload.l4_len;

            assert_true(headers <= pkt.offload.len);
            assert_true(!asked.mss
                        || asked.mss < pkt.offload.len - headers);
            assert_true(!asked.mss || (pkt.offload.len - headers) / asked.mss
                                      <= 256);
        }
    } else {
        assert_int_equal(pkt.offload.csum, OVL_CSUM_NONE);
        assert_int_equal(pkt.excess, 0);
    }
    free(copy);
    return ok;
}

static void
nonsense_is_refused(void **state OVS_UNUSED)
{
    static struct bytes b, broken;
    const struct ovl_offload cut = {
        .csum = OVL_CSUM_TCP, .cut = true, .mss = 1000
    };
    struct ovl_offload o;

    for (int v6 = 0; v6 < 2; v6++) {
        struct spec s = plain;
        size_t l4 = 14 + (v6 ? 40 : 20);

        s.v6 = v6;
        build(&s, &b, 0, s.payload, 1, s.flags);
        assert_true(accepts(b.data, b.len, cut));

        /* Whatever is cut off is missed. */
        for (size_t len = 0; len < b.len; len += len < 100 ? 1 : 97) {
            assert_false(accepts(b.data, len, cut));
        }

        /* The data offset of TCP. */
        for (int words = 0; words < 16; words++) {
            broken = b;
            broken.data[l4 + 12] = words << 4;
            assert_int_equal(accepts(broken.data, b.len, cut), words >= 5);
        }
        broken = b;
        set16(broken.data + (v6 ? 18 : 16), (v6 ? 0 : 20) + 30);
        broken.data[l4 + 12] = 0xf0;
        assert_false(accepts(broken.data, b.len, cut));

        /* Another protocol, fragments. */
        for (int proto = 0; proto < 256; proto++) {
            broken = b;
            broken.data[v6 ? 20 : 23] = proto;
            if (proto != 6) {
                assert_false(accepts(broken.data, b.len, cut));
            }
        }
        if (!v6) {
            broken = b;
            set16(broken.data + 20, 0x2000);
            assert_false(accepts(broken.data, b.len, cut));
            set16(broken.data + 20, 1);
            assert_false(accepts(broken.data, b.len, cut));
        }

        /* Sizes of segments: 0 is for us to choose, 65535 is one. */
        for (int mss = 0; mss <= UINT16_MAX; mss++) {
            o = cut;
            o.mss = mss;
            assert_int_equal(accepts(b.data, b.len, o),
                             !mss || (5000 + mss - 1) / mss <= 256);
        }

        o = cut;
        o.csum = OVL_CSUM_UDP;
        assert_false(accepts(b.data, b.len, o));
        o.csum = OVL_CSUM_UNKNOWN;
        assert_false(accepts(b.data, b.len, o));
        o = (struct ovl_offload) { .csum = OVL_CSUM_SCTP };
        assert_false(accepts(b.data, b.len, o));
        o.csum = OVL_CSUM_UDP;
        assert_false(accepts(b.data, b.len, o));
        o.csum = OVL_CSUM_TCP;
        assert_true(accepts(b.data, b.len, o));
    }
}

/* Headers with random bytes changed, whole and cut off: what is accepted can
 * be finished without touching anything else. */
static void
random_nonsense(void **state OVS_UNUSED)
{
    static struct bytes b;
    size_t n_accepted = 0;

    random_set_seed(SEED);
    for (int i = 0; i < 100000; i++) {
        struct spec s = plain;
        struct ovl_offload o = {
            .csum = random_range(OVL_CSUM_UNKNOWN) + 1,
            .cut = random_range(2),
            .mss = random_range(4) ? random_range(300) : random_uint32(),
        };

        s.v6 = random_range(2);
        s.l3_options = random_range(3) * 8;
        s.payload = random_range(600);
        build(&s, &b, 0, s.payload, 1, s.flags);
        for (size_t j = random_range(4); j; j--) {
            b.data[random_range(MIN(b.len, 90))] = random_uint32();
        }
        b.len -= random_range(4) ? 0 : random_range(b.len);
        if (!accepts(b.data, b.len, o)) {
            continue;
        }
        n_accepted++;

        struct ovl_pkt pkt = ovl_pkt_parse(b.data, b.len);
        struct dp_packet *packet = packet_of(&b);
        size_t ofs = 0, total = 0;

        ovl_pkt_parse_offload(b.data, &o, &pkt);
        if (!pkt.offload.cut) {
            uint8_t *copy = xmemdup(b.data, b.len);

            ovl_l4_csum_fill(copy + pkt.l3_ofs, pkt.offload.ipv6,
                             pkt.offload.l3_len, pkt.offload.len,
                             pkt.offload.csum);
            free(copy);
        } else {
            uint16_t mss = pkt.offload.mss ? pkt.offload.mss : 536;
            size_t headers = (pkt.l3_ofs + pkt.offload.l3_len
                              + pkt.offload.l4_len);

            do {
                struct dp_packet *segment
                    = ovl_tso_next(NULL, packet, pkt.l3_ofs, &pkt.offload,
                                   mss, &ofs);
                total += dp_packet_size(segment) - headers;
                dp_packet_delete(segment);
            } while (ofs);
            assert_int_equal(total,
                             pkt.l3_ofs + pkt.offload.len - headers);
        }
        dp_packet_delete(packet);
    }
    print_message("%"PRIuSIZE" accepted\n", n_accepted);
    assert_true(n_accepted > 10000);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_payload_around_every_multiple_of_the_mss),
        cmocka_unit_test(every_combination_of_flags),
        cmocka_unit_test(every_length_of_options),
        cmocka_unit_test(largest_packets),
        cmocka_unit_test(random_packets),
        cmocka_unit_test(checksums_of_all_lengths_and_alignments),
        cmocka_unit_test(checksum_of_sctp),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(random_nonsense),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
