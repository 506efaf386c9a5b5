/* SPDX-License-Identifier: Apache-2.0 */

/* Builds frames the slow and obvious way, without OVS's packet functions. */

#include <config.h>

#include "frames.h"

#include <arpa/inet.h>
#include <string.h>

#include "packets.h"
#include "util.h"

struct eth_addr
mac_from(const char *s)
{
    struct eth_addr mac;

    ovs_assert(eth_addr_from_string(s, &mac));
    return mac;
}

void
frame_put(struct frame *f, const void *data, size_t n)
{
    ovs_assert(n <= sizeof f->data - f->len);
    if (n) {
        memcpy(f->data + f->len, data, n);
    }
    f->len += n;
}

void
frame_put_pattern(struct frame *f, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint8_t byte = i * 7 + 1;

        frame_put(f, &byte, 1);
    }
}

static void
put8(struct frame *f, uint8_t x)
{
    frame_put(f, &x, 1);
}

static void
put16(struct frame *f, uint16_t x)
{
    put8(f, x >> 8);
    put8(f, x);
}

static void
put32(struct frame *f, uint32_t x)
{
    put16(f, x >> 16);
    put16(f, x);
}

static void
put_mac(struct frame *f, const char *s)
{
    struct eth_addr mac = mac_from(s);

    frame_put(f, &mac, sizeof mac);
}

static void
put_ip(struct frame *f, int family, const char *s)
{
    uint8_t bytes[16];

    ovs_assert(inet_pton(family, s, bytes) == 1);
    frame_put(f, bytes, family == AF_INET ? 4 : 16);
}

void
frame_set8(struct frame *f, size_t ofs, uint8_t x)
{
    ovs_assert(ofs < f->len);
    f->data[ofs] = x;
}

void
frame_set16(struct frame *f, size_t ofs, uint16_t x)
{
    frame_set8(f, ofs, x >> 8);
    frame_set8(f, ofs + 1, x);
}

void
frame_set32(struct frame *f, size_t ofs, uint32_t x)
{
    frame_set16(f, ofs, x >> 16);
    frame_set16(f, ofs + 2, x);
}

uint16_t
frame_get16(const struct frame *f, size_t ofs)
{
    return (f->data[ofs] << 8) | f->data[ofs + 1];
}

struct frame
frame_cut(const struct frame *f, size_t len)
{
    struct frame cut = *f;

    cut.len = MIN(len, f->len);
    return cut;
}

struct frame
frame_tag(const struct frame *f, uint16_t tpid, uint16_t tci)
{
    struct frame t = { .len = 0 };

    frame_put(&t, f->data, 12);
    put16(&t, tpid);
    put16(&t, tci);
    frame_put(&t, f->data + 12, f->len - 12);
    return t;
}

struct frame
frame_eth(const char *dst, const char *src, uint16_t type)
{
    struct frame f = { .len = 0 };

    put_mac(&f, dst);
    put_mac(&f, src);
    put16(&f, type);
    return f;
}

struct frame
frame_arp(const char *dst, const char *src, uint16_t op, const char *sha,
          const char *spa, const char *tha, const char *tpa)
{
    struct frame f = frame_eth(dst, src, 0x0806);

    put16(&f, 1);
    put16(&f, 0x0800);
    put8(&f, 6);
    put8(&f, 4);
    put16(&f, op);
    put_mac(&f, sha);
    put_ip(&f, AF_INET, spa);
    put_mac(&f, tha);
    put_ip(&f, AF_INET, tpa);
    return f;
}

struct frame
frame_arp_request(const char *sha, const char *spa, const char *tpa)
{
    return frame_arp(MAC_BROADCAST, sha, 1, sha, spa, MAC_ZERO, tpa);
}

/* RFC 1071, a byte at a time. */
static uint32_t
sum_bytes(uint32_t sum, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        sum += i % 2 ? p[i] : (uint32_t) p[i] << 8;
    }
    return sum;
}

static uint16_t
fold(uint32_t sum)
{
    while (sum > 0xffff) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return ~sum;
}

void
frame_fix_ip4(struct frame *f, size_t l3)
{
    frame_set16(f, l3 + 10, 0);
    frame_set16(f, l3 + 10,
                fold(sum_bytes(0, f->data + l3, (f->data[l3] & 15) * 4)));
}

void
frame_fix_l4(struct frame *f, size_t l3, size_t l4, size_t csum_ofs)
{
    bool v6 = f->data[l3] >> 4 == 6;
    size_t addrs = v6 ? l3 + 8 : l3 + 12;
    size_t addrs_len = v6 ? 32 : 8;
    size_t end = v6 ? l3 + 40 + frame_get16(f, l3 + 4)
                 : l3 + frame_get16(f, l3 + 2);
    uint8_t says = f->data[l3 + (v6 ? 6 : 9)];
    uint8_t proto = says == 6 ? 6 : !v6 || says == 17 ? 17 : 58;

    frame_set16(f, csum_ofs, 0);

    uint32_t sum = sum_bytes(0, f->data + addrs, addrs_len);
    sum += proto + (end - l4);
    uint16_t csum = fold(sum_bytes(sum, f->data + l4, end - l4));
    frame_set16(f, csum_ofs, csum || proto == 6 ? csum : 0xffff);
}

void
frame_repair(struct frame *f, size_t l3)
{
    size_t room = f->len - MIN(f->len, l3);

    if (room >= 20 && f->data[l3] >> 4 == 4
        && (f->data[l3] & 15) * 4 <= room) {
        frame_fix_ip4(f, l3);
    } else if (room >= 44 && f->data[l3] >> 4 == 6
               && (f->data[l3 + 6] == 58 || f->data[l3 + 6] == 17)
               && frame_get16(f, l3 + 4) >= 8
               && 40 + frame_get16(f, l3 + 4) <= room) {
        frame_fix_l4(f, l3, l3 + 40,
                     l3 + 40 + (f->data[l3 + 6] == 17 ? 6 : 2));
    }
}

struct frame
frame_ip4(const char *dst, const char *src, const char *ip_src,
          const char *ip_dst, uint8_t proto, const void *payload, size_t len)
{
    struct frame f = frame_eth(dst, src, 0x0800);

    put8(&f, 0x45);
    put8(&f, 0);
    put16(&f, 20 + len);
    put16(&f, 0x1234);
    put16(&f, 0x4000);
    put8(&f, 64);
    put8(&f, proto);
    put16(&f, 0);
    put_ip(&f, AF_INET, ip_src);
    put_ip(&f, AF_INET, ip_dst);
    frame_put(&f, payload, len);
    frame_fix_ip4(&f, L3_OFS);
    return f;
}

static struct frame
udp_segment(uint16_t sport, uint16_t dport, size_t payload_len)
{
    struct frame u = { .len = 0 };

    put16(&u, sport);
    put16(&u, dport);
    put16(&u, 8 + payload_len);
    put16(&u, 0);
    frame_put_pattern(&u, payload_len);
    return u;
}

struct frame
frame_udp4(const char *dst, const char *src, const char *ip_src,
           const char *ip_dst, uint16_t sport, uint16_t dport,
           size_t payload_len)
{
    struct frame u = udp_segment(sport, dport, payload_len);
    struct frame f = frame_ip4(dst, src, ip_src, ip_dst, 17, u.data, u.len);

    frame_fix_l4(&f, L3_OFS, L4_OFS, UDP_CSUM);
    return f;
}

struct frame
frame_ip6(const char *dst, const char *src, const char *ip_src,
          const char *ip_dst, uint8_t proto, uint8_t hop_limit,
          const void *payload, size_t len)
{
    struct frame f = frame_eth(dst, src, 0x86dd);

    put32(&f, 0x60000000);
    put16(&f, len);
    put8(&f, proto);
    put8(&f, hop_limit);
    put_ip(&f, AF_INET6, ip_src);
    put_ip(&f, AF_INET6, ip_dst);
    frame_put(&f, payload, len);
    return f;
}

struct frame
frame_udp6(const char *dst, const char *src, const char *ip_src,
           const char *ip_dst, uint16_t sport, uint16_t dport,
           size_t payload_len)
{
    struct frame u = udp_segment(sport, dport, payload_len);
    struct frame f = frame_ip6(dst, src, ip_src, ip_dst, 17, 64, u.data,
                               u.len);

    frame_fix_l4(&f, L3_OFS, L4_OFS6, L4_OFS6 + 6);
    return f;
}

struct frame
frame_icmp6(const char *dst, const char *src, const char *ip_src,
            const char *ip_dst, uint8_t hop_limit, const void *message,
            size_t len)
{
    struct frame f = frame_ip6(dst, src, ip_src, ip_dst, 58, hop_limit,
                               message, len);

    frame_fix_l4(&f, L3_OFS, L4_OFS6, L4_OFS6 + 2);
    return f;
}

static struct frame
nd_message(uint8_t type, uint8_t flags, const char *target, uint8_t option,
           const char *lla)
{
    struct frame m = { .len = 0 };

    put8(&m, type);
    put8(&m, 0);
    put16(&m, 0);
    put32(&m, (uint32_t) flags << 24);
    put_ip(&m, AF_INET6, target);
    if (lla) {
        put8(&m, option);
        put8(&m, 1);
        put_mac(&m, lla);
    }
    return m;
}

struct frame
frame_ns(const char *dst, const char *src, const char *ip_src,
         const char *ip_dst, const char *target, const char *slla)
{
    struct frame m = nd_message(135, 0, target, 1, slla);

    return frame_icmp6(dst, src, ip_src, ip_dst, 255, m.data, m.len);
}

struct frame
frame_na(const char *dst, const char *src, const char *ip_src,
         const char *ip_dst, const char *target, uint8_t flags,
         const char *tlla)
{
    struct frame m = nd_message(136, flags, target, 2, tlla);

    return frame_icmp6(dst, src, ip_src, ip_dst, 255, m.data, m.len);
}

static struct frame
vxlan_datagram(uint16_t sport, uint32_t vni, const struct frame *inner)
{
    struct frame u = { .len = 0 };

    put16(&u, sport);
    put16(&u, 4789);
    put16(&u, 16 + inner->len);
    put16(&u, 0);
    put32(&u, 0x08000000);
    put32(&u, vni << 8);
    frame_put(&u, inner->data, inner->len);
    return u;
}

struct frame
frame_vxlan4(const char *dst, const char *src, const char *ip_src,
             const char *ip_dst, uint8_t tos, uint16_t sport, uint32_t vni,
             const struct frame *inner)
{
    struct frame u = vxlan_datagram(sport, vni, inner);
    struct frame f = frame_ip4(dst, src, ip_src, ip_dst, 17, u.data, u.len);

    frame_set8(&f, IP4_TOS, tos);
    frame_set16(&f, L3_OFS + 4, 0);
    frame_fix_ip4(&f, L3_OFS);
    return f;
}

struct frame
frame_vxlan6(const char *dst, const char *src, const char *ip_src,
             const char *ip_dst, uint8_t tos, uint16_t sport, uint32_t vni,
             const struct frame *inner)
{
    struct frame u = vxlan_datagram(sport, vni, inner);
    struct frame f = frame_ip6(dst, src, ip_src, ip_dst, 17, 64, u.data,
                               u.len);

    frame_set32(&f, L3_OFS, 0x60000000 | tos << 20);
    frame_fix_l4(&f, L3_OFS, L4_OFS6, L4_OFS6 + 6);
    return f;
}
