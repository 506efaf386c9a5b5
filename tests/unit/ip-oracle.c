/* SPDX-License-Identifier: Apache-2.0 */

/* RFC 791, RFC 2675, RFC 5095, RFC 7112, RFC 8200. */

#include <config.h>

#include "ip-oracle.h"

#include <string.h>

#include "util.h"

/* Chains of headers and lists of options that are longer are not for us. */
#define MAX_EXTENSIONS 8
#define MAX_HOP_OPTIONS 32

uint32_t
ip_sum(uint32_t sum, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        sum += i % 2 ? p[i] : p[i] << 8;
    }
    while (sum >> 16) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return sum;
}

static uint16_t
get16(const uint8_t *p)
{
    return p[0] << 8 | p[1];
}

static bool
options_are_good(const uint8_t *options, size_t n)
{
    for (size_t i = 0; i < n && options[i]; ) {
        if (options[i] == 1) {
            i++;
            continue;
        } else if (n - i < 2 || options[i + 1] < 2 || options[i + 1] > n - i
                   || options[i] == 131 || options[i] == 137) {
            return false;       /* Malformed, or a source route. */
        }
        i += options[i + 1];
    }
    return true;
}

static bool
parse4(const uint8_t *ip, size_t room, struct ip_packet *p)
{
    if (room < 20 || ip[0] >> 4 != 4) {
        return false;
    }
    p->header = (ip[0] & 15) * 4;
    p->len = get16(ip + 2);
    if (p->header < 20 || p->len < p->header || p->len > room
        || ip_sum(0, ip, p->header) != 0xffff
        || (get16(ip + 6) & 0x1fff) * 8 + p->len > 65535
        || !options_are_good(ip + 20, p->header - 20)) {
        return false;
    }
    memset(&p->src, 0, 10);
    memset(&p->src.s6_addr[10], 0xff, 2);
    p->dst = p->src;
    memcpy(&p->src.s6_addr[12], ip + 12, 4);
    memcpy(&p->dst.s6_addr[12], ip + 16, 4);
    p->ttl = ip[8];
    p->later_fragment = get16(ip + 6) & 0x1fff;
    p->fragment = p->later_fragment || ip[6] & 0x20;
    p->proto = ip[9];
    p->proto_ofs = 9;
    p->l4 = ip + p->header;
    p->l4_len = p->len - p->header;
    return true;
}

/* RFC 2675 section 2: whether hop-by-hop options say that the packet is a
 * jumbogram. */
static bool
has_jumbo_option(const uint8_t *h, size_t room)
{
    size_t end = MIN(room, (h[1] + 1) * 8u);
    int n = 0;

    for (size_t i = 2; i < end && n++ < MAX_HOP_OPTIONS;
         i += h[i] ? 2 + h[i + 1] : 1) {
        if (h[i] == 0xc2) {
            return true;
        } else if (h[i] && i + 1 >= end) {
            break;
        }
    }
    return false;
}

/* Walks extension headers. */
static bool
walk6(const uint8_t *ip, struct ip_packet *p)
{
    bool plain_so_far = true;
    size_t ofs = 40;
    int n = 0;

    p->proto = ip[6];
    p->proto_ofs = 6;
    while (p->proto == 0 || p->proto == 43 || p->proto == 60
           || p->proto == 51 || p->proto == 44) {
        const uint8_t *h = ip + ofs;
        size_t room = p->len - ofs;

        if (room < 2 || (p->proto == 44 && room < 8)) {
            /* RFC 7112: the first fragment has the whole chain. */
            p->proto = -1;
            return !p->fragment;
        } else if (n++ == MAX_EXTENSIONS) {
            return false;
        } else if (p->proto == 43 && plain_so_far && room >= 4 && !h[2]) {
            return false;       /* RFC 5095. */
        } else if (n == 1 && p->proto == 0 && has_jumbo_option(h, room)) {
            return false;
        }

        size_t size = (p->proto == 44 ? 8 : p->proto == 51 ? (h[1] + 2) * 4
                       : (h[1] + 1) * 8);
        if (p->proto == 44) {
            p->fragment = true;
            p->later_fragment = get16(h + 2) & 0xfff8;
        }
        plain_so_far = plain_so_far && p->proto != 44 && p->proto != 51;
        p->proto = h[0];
        p->proto_ofs = ofs;
        if (p->later_fragment) {
            p->proto = -1;
            return true;
        } else if (size > room) {
            ofs = p->len;
            if (p->proto == 0 || p->proto == 43 || p->proto == 60
                || p->proto == 51 || p->proto == 44) {
                p->proto = -1;
                return !p->fragment;
            }
            break;
        }
        ofs += size;
    }
    p->l4 = ip + ofs;
    p->l4_len = p->len - ofs;
    return true;
}

static bool
parse6(const uint8_t *ip, size_t room, struct ip_packet *p)
{
    if (room < 40 || ip[0] >> 4 != 6) {
        return false;
    }
    p->header = 40;
    p->len = 40 + get16(ip + 4);
    if (p->len > room || (p->len == 40 && ip[6] == 0)) {
        return false;           /* RFC 2675: no jumbograms. */
    }
    memcpy(&p->src, ip + 8, 16);
    memcpy(&p->dst, ip + 24, 16);
    p->ttl = ip[7];

    /* RFC 7112, for what would not be looked at otherwise. */
    return (walk6(ip, p)
            && !(p->fragment && p->proto == 58 && !p->l4_len));
}

bool
ip_packet_parse(const struct frame *f, struct ip_packet *p)
{
    uint16_t type = f->len >= 14 ? frame_get16(f, 12) : 0;

    *p = (struct ip_packet) { .v4 = type == 0x0800, .ip = f->data + 14 };
    return (type == 0x0800 ? parse4(p->ip, f->len - 14, p)
            : type == 0x86dd && parse6(p->ip, f->len - 14, p));
}

bool
ip_packet_is_icmp(const struct ip_packet *p)
{
    return !p->later_fragment && p->proto == (p->v4 ? 1 : 58) && p->l4_len;
}

bool
ip_packet_is_error(const struct ip_packet *p)
{
    uint8_t type = ip_packet_is_icmp(p) ? p->l4[0] : 255;

    return (p->v4 ? type == 3 || type == 4 || type == 5 || type == 11
            || type == 12 : type < 128 || type == 137);
}

bool
ip_packet_icmp_sum_is_right(const struct ip_packet *p)
{
    uint32_t sum = p->v4 ? 0 : ip_sum(p->l4_len + 58, p->ip + 8, 32);

    return ip_sum(sum, p->l4, p->l4_len) == 0xffff;
}
