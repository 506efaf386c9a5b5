/* SPDX-License-Identifier: Apache-2.0 */

/* Written from RFC 826, 5227, 4861, 4862, 6980 and 9161, a byte at a time. */

#include <config.h>

#include "neighbor-oracle.h"

#include <arpa/inet.h>

#include "util.h"

/* What the world knows. */
struct fact {
    const char *ip;
    const char *mac;
    bool router;
    bool shared;
};

static const struct fact gateways[] = {
    { "10.1.0.1", MAC_ROUTER, true, false },
    { "2001:db8::1", MAC_ROUTER, true, false },
    { "fe80::5eff:fe00:101", MAC_ROUTER, true, false },
};

static const struct fact neighbors[] = {
    { "10.1.0.11", MAC_VM1, false, false },
    { "10.1.0.12", MAC_VM2, false, false },
    { "10.1.0.99", MAC_REMOTE, false, false },
    { "10.1.0.50", MAC_VM2, false, true },
    { "2001:db8::11", MAC_VM1, false, false },
    { "2001:db8::12", MAC_VM2, false, false },
    { "2001:db8::99", MAC_REMOTE, true, false },
};

struct request {
    bool v6;
    bool router;                /* For a router: 'target' is the group, or the
                                 * router's address, that it goes to. */
    bool probe;                 /* From the unspecified address. */
    const uint8_t *target;      /* 4 or 16 bytes. */
    const uint8_t *source;
    const uint8_t *asker;       /* The sender's hardware address in ARP. */
    uint8_t lla[6];             /* In ND, if 'has_lla'. */
    bool has_lla;
    bool odd;                   /* Sound, but nobody asks like that. */
};

static uint16_t
get16(const uint8_t *p)
{
    return p[0] << 8 | p[1];
}

static bool
is_mac(const uint8_t *p, const char *s)
{
    struct eth_addr mac = mac_from(s);

    return !memcmp(p, &mac, sizeof mac);
}

static bool
has_same_macs(const uint8_t *eth)
{
    uint8_t macs[12];

    memcpy(macs, eth, sizeof macs);
    return !memcmp(macs, macs + 6, 6);
}

static bool
is_zero(const uint8_t *p, size_t n)
{
    while (n && !p[n - 1]) {
        n--;
    }
    return !n;
}

static const struct fact *
find(const struct fact *facts, size_t n, const uint8_t *ip, bool v6)
{
    for (size_t i = 0; i < n; i++) {
        uint8_t bytes[16];

        if (inet_pton(v6 ? AF_INET6 : AF_INET, facts[i].ip, bytes) == 1
            && !memcmp(bytes, ip, v6 ? 16 : 4)) {
            return &facts[i];
        }
    }
    return NULL;
}

#define FIND(FACTS, R, WHAT) find(FACTS, ARRAY_SIZE(FACTS), (R)->WHAT, (R)->v6)

/* RFC 1122 section 3.2.1.3; 10.1.0.255 is the broadcast address of the
 * gateway's subnet. */
static bool
is_host4(const uint8_t *ip)
{
    static const uint8_t broadcast[4] = { 10, 1, 0, 255 };

    return ip[0] && ip[0] != 127 && ip[0] < 224 && memcmp(ip, broadcast, 4);
}

static enum oracle_says
parse_arp(const uint8_t *eth, const uint8_t *p, size_t len, struct request *r)
{
    static const uint8_t start[8] = { 0, 1, 8, 0, 6, 4, 0, 1 };

    if (len < 28 || memcmp(p, start, sizeof start)) {
        return ORACLE_MUST_NOT;
    }
    r->asker = p + 8;
    r->source = p + 14;
    r->target = p + 24;
    r->probe = is_zero(r->source, 4);
    if (memcmp(r->source, r->target, 4)
        && !memcmp(r->asker, eth + 6, 6)
        && (r->probe || is_host4(r->source)) && is_host4(r->target)) {
        return ORACLE_MUST;
    }
    return ORACLE_MUST_NOT;
}

/* RFC 1071. */
static uint16_t
sum16(const uint8_t *p, size_t n, uint32_t sum)
{
    for (size_t i = 0; i < n; i++) {
        sum += i % 2 ? p[i] : p[i] << 8;
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return sum;
}

/* RFC 4861 section 4.6: options are not empty and end with the message. */
static bool
parse_options(const uint8_t *p, size_t n, bool unspecified, struct request *r)
{
    for (int i = 0; n; i++) {
        if (i == 32 || n < 2 || !p[1] || p[1] * 8 > n) {
            return false;
        }
        if (p[0] == 1) {
            /* Section 7.1.1: a host without an address tells no link-layer
             * address. */
            r->odd = r->odd || p[1] != 1
                     || (r->has_lla && memcmp(r->lla, p + 2, 6));
            r->has_lla = true;
            memcpy(r->lla, p + 2, 6);
            if (unspecified) {
                return false;
            }
        }
        n -= p[1] * 8;
        p += p[1] * 8;
    }
    return true;
}

/* Skips extension headers; returns false if there is no ICMPv6 behind them,
 * or a fragment header (RFC 6980 section 5). */
static bool
skip_headers(const uint8_t **p, size_t *n, uint8_t type, struct request *r)
{
    while (type != 58) {
        if ((type != 0 && type != 43 && type != 60 && type != 51) || *n < 2) {
            return false;
        }
        size_t len = type == 51 ? ((*p)[1] + 2) * 4 : ((*p)[1] + 1) * 8;

        if (len > *n) {
            return false;
        }
        type = (*p)[0];
        *p += len;
        *n -= len;
        r->odd = true;
    }
    return true;
}

/* RFC 2464 section 7, RFC 6085. */
static bool
is_group_mac_right(const uint8_t *eth, const uint8_t *dst)
{
    return (!(eth[0] & 1) || dst[0] != 0xff
            || (eth[0] == 0x33 && eth[1] == 0x33
                && !memcmp(eth + 2, dst + 12, 4)));
}

/* RFC 4861 sections 4.1 and 6.1.1, from the ICMPv6 header on. */
static enum oracle_says
parse_rs(const uint8_t *eth, const uint8_t *dst, const uint8_t *icmp,
         size_t n, struct request *r)
{
    r->router = true;
    r->target = dst;
    if (n < 8 || icmp[1] || r->source[0] == 0xff
        || sum16(icmp, n, sum16(dst - 16, 32, 58 + n)) != 0xffff
        || !parse_options(icmp + 8, n - 8, r->probe, r)
        || !is_group_mac_right(eth, dst)) {
        return ORACLE_MUST_NOT;
    }
    r->odd = r->odd || (eth[0] & 1 && dst[0] != 0xff);
    return ORACLE_MUST;
}

/* RFC 4861 section 7.1.1. */
static enum oracle_says
parse_nd(const uint8_t *eth, const uint8_t *ip, size_t len, struct request *r)
{
    /* RFC 4291 section 2.7.1. */
    static const uint8_t solicited[13] = {
        0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff
    };
    const uint8_t *icmp = ip + 40;

    if (len < 40 || ip[0] >> 4 != 6 || get16(ip + 4) > len - 40
        || ip[7] != 255) {
        return ORACLE_MUST_NOT;
    }
    size_t n = get16(ip + 4);
    const uint8_t *dst = ip + 24;
    r->v6 = true;
    r->source = ip + 8;
    r->probe = is_zero(r->source, 16);
    if (!skip_headers(&icmp, &n, ip[6], r) || !n) {
        return ORACLE_MUST_NOT;
    } else if (icmp[0] == 133) {
        return parse_rs(eth, dst, icmp, n, r);
    } else if (n < 24 || icmp[0] != 135 || icmp[1]) {
        return ORACLE_MUST_NOT;
    }
    r->target = icmp + 8;
    if (sum16(icmp, n, sum16(ip + 8, 32, 58 + n)) != 0xffff
        || r->target[0] == 0xff || r->source[0] == 0xff
        || !parse_options(icmp + 24, n - 24, r->probe, r)
        || (r->probe && memcmp(dst, solicited, sizeof solicited))
        || !memcmp(r->source, r->target, 16)) {
        return ORACLE_MUST_NOT;
    }

    if (!is_group_mac_right(eth, dst)) {
        return ORACLE_MUST_NOT;
    }

    /* Others do not ask for it like that. */
    r->odd = r->odd
             || (memcmp(dst, r->target, 16)
                 && (memcmp(dst, solicited, 13)
                     || memcmp(dst + 13, r->target + 13, 3)))
             || (eth[0] & 1 && dst[0] != 0xff)
             || is_zero(r->source, 10);
    if (r->probe) {
        r->odd = memcmp(dst + 13, r->target + 13, 3) || ip[6] != 58;
    }
    return ORACLE_MUST;
}

/* Returns whether the sender may say what it says, see the table in
 * world.h. */
static bool
may_speak(const struct world *w, const struct ovl_lport *in,
          const uint8_t *eth, const struct request *r)
{
    const uint8_t *ip = r->source;

    if (is_mac(eth + 6, MAC_ROUTER) || FIND(gateways, r, source)) {
        return false;
    }
    if (in == w->vm1 || in == w->vm2) {
        if (!is_mac(eth + 6, in == w->vm1 ? MAC_VM1 : MAC_VM2)
            || (r->has_lla && memcmp(r->lla, eth + 6, 6))) {
            return false;
        }
    }
    if (r->router && r->probe && in == w->vm1) {
        return false;           /* It is for DAD alone. */
    } else if (in != w->vm1 || r->probe) {
        return true;
    } else if (!r->v6) {
        static const uint8_t own[3] = { 10, 1, 0 };

        return (!memcmp(ip, own, 3)
                && (ip[3] == 11 || (ip[3] >= 64 && ip[3] < 80)));
    }

    const struct fact *n = FIND(neighbors, r, source);
    return n ? !strcmp(n->mac, MAC_VM1) : ip[0] == 0xfe && ip[1] >> 6 == 2;
}

static void
put(struct frame *f, const void *p, size_t n)
{
    frame_put(f, p, n);
}

/* RFC 826, "Packet Generation". */
static void
write_arp(const uint8_t *eth, const struct request *r,
          const struct eth_addr *mac, struct frame *f)
{
    static const uint8_t start[10] = { 8, 6, 0, 1, 8, 0, 6, 4, 0, 2 };

    put(f, eth + 6, 6);
    put(f, mac, 6);
    put(f, start, sizeof start);
    put(f, mac, 6);
    put(f, r->target, 4);
    put(f, r->asker, 6);
    put(f, r->source, 4);
}

/* RFC 4861 section 7.2.4; section 7.2.4 and RFC 4862 section 5.4.3 for what
 * comes from the unspecified address. */
static void
write_na(const uint8_t *eth, const struct request *r,
         const struct eth_addr *mac, bool router, struct frame *f)
{
    static const uint8_t all_nodes[16] = { 0xff, 2, [15] = 1 };
    static const uint8_t start[10] = {
        0x86, 0xdd, 0x60, 0, 0, 0, 0, 32, 58, 255
    };
    uint8_t icmp[8] = { 136, [4] = 0x20 };
    static const uint8_t option[2] = { 2, 1 };

    icmp[4] |= (router ? 0x80 : 0) | (r->probe ? 0 : 0x40);
    put(f, eth + 6, 6);
    put(f, mac, 6);
    put(f, start, sizeof start);
    put(f, r->target, 16);
    put(f, r->probe ? all_nodes : r->source, 16);
    put(f, icmp, sizeof icmp);
    put(f, r->target, 16);
    put(f, option, sizeof option);
    put(f, mac, 6);
    frame_fix_l4(f, L3_OFS, L4_OFS6, L4_OFS6 + 2);
}

/* RFC 4861 sections 4.2 and 4.6, with what the world's network says: see
 * world.h. */
static void
write_ra(const uint8_t *eth, const struct request *r, struct frame *f)
{
    static const uint8_t all_nodes[16] = { 0xff, 2, [15] = 1 };
    static const uint8_t all_nodes_mac[6] = { 0x33, 0x33, 0, 0, 0, 1 };
    static const uint8_t start[10] = {
        0x86, 0xdd, 0x60, 0, 0, 0, 0, 16 + 8 + 8 + 32, 58, 255
    };
    /* RFC 4291 appendix A, from 02:00:5e:00:01:01. */
    static const uint8_t source[16] = {
        0xfe, 0x80, [10] = 0x5e, 0xff, 0xfe, 0x00, 0x01, 0x01
    };
    static const uint8_t message[] = {
        134, 0, 0, 0, 64, 0, 1800 >> 8, 1800 & 0xff, 0, 0, 0, 0, 0, 0, 0, 0,
        1, 1, 0x02, 0x00, 0x5e, 0x00, 0x01, 0x01,
        5, 1, 0, 0, 0, 0, 1430 >> 8, 1430 & 0xff,
        3, 4, 64, 0x80, 0x00, 0x27, 0x8d, 0x00, 0x00, 0x09, 0x3a, 0x80,
        0, 0, 0, 0, 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
    };
    struct eth_addr mac = mac_from(MAC_ROUTER);

    put(f, r->probe ? all_nodes_mac : eth + 6, 6);
    put(f, &mac, 6);
    put(f, start, sizeof start);
    put(f, source, 16);
    put(f, r->probe ? all_nodes : r->source, 16);
    put(f, message, sizeof message);
    frame_fix_l4(f, L3_OFS, L4_OFS6, L4_OFS6 + 2);
}

/* Finds the router that answers. */
static const struct fact *
find_router(const struct world *w, const struct ovl_lport *in,
            const uint8_t *eth, const struct request *r)
{
    static const struct fact routers[] = {
        { "ff02::1", MAC_ROUTER, true, false },
        { "ff02::2", MAC_ROUTER, true, false },
    };
    const struct fact *fact = FIND(routers, r, target);

    return (w->net.advertise && (in || w->net.answer_tunnel)
            && (eth[0] & 1 || is_mac(eth, MAC_ROUTER))
            ? fact ? fact : FIND(gateways, r, target) : NULL);
}

/* Finds who answers for the target. */
static const struct fact *
find_answer(const struct world *w, const struct ovl_lport *in,
            const uint8_t *eth, const struct request *r)
{
    const struct fact *fact = FIND(gateways, r, target);

    if (fact) {
        return in || w->net.answer_tunnel ? fact : NULL;
    }
    fact = FIND(neighbors, r, target);
    if (!in || !fact || fact->shared || !w->net.neigh_suppress
        || !(eth[0] & 1)                /* RFC 9161 section 3.2. */
        || is_mac(eth + 6, fact->mac)   /* RFC 5227 section 2.1.1. */
        || (in == w->vm1 && !strcmp(fact->mac, MAC_VM1))
        || (in == w->vm2 && !strcmp(fact->mac, MAC_VM2))) {
        return NULL;
    }
    return fact;
}

enum oracle_says
oracle_answer(const struct world *w, const struct ovl_lport *in,
              const uint8_t *eth, size_t len, struct frame *answer)
{
    static const uint8_t reserved[5] = { 1, 0x80, 0xc2, 0, 0 };
    struct request r = { .v6 = false };
    enum oracle_says says;
    size_t l3 = 14;
    uint16_t vid = 0;

    if (len < 14 || in == w->other || in == w->loose || in == w->local) {
        return ORACLE_MUST_NOT;
    }
    uint16_t type = get16(eth + 12);
    if (type == 0x8100 || type == 0x88a8 || type == 0x9100) {
        if (len < 18) {
            return ORACLE_MUST_NOT;
        }
        vid = get16(eth + 14) & 0xfff;
        if (vid && (type != 0x8100 || in != w->trunk1)) {
            return ORACLE_MUST_NOT;
        }
        type = get16(eth + 16);
        l3 = 18;
    }
    if (vid != (in == w->trunk1 ? 10 : 0)
        || (eth[6] & 1) || is_zero(eth + 6, 6) || has_same_macs(eth)
        || (!memcmp(eth, reserved, 5) && eth[5] < 16)) {
        return ORACLE_MUST_NOT;
    }

    says = (type == 0x0806 ? parse_arp(eth, eth + l3, len - l3, &r)
            : type == 0x86dd ? parse_nd(eth, eth + l3, len - l3, &r)
            : ORACLE_MUST_NOT);
    if (says == ORACLE_MUST_NOT || (in && !may_speak(w, in, eth, &r))) {
        return ORACLE_MUST_NOT;
    }
    const struct fact *fact = (r.router ? find_router(w, in, eth, &r)
                               : find_answer(w, in, eth, &r));
    if (!fact) {
        return ORACLE_MUST_NOT;
    }

    struct eth_addr mac = mac_from(fact->mac);
    answer->len = 0;
    if (r.router) {
        write_ra(eth, &r, answer);
    } else if (r.v6) {
        write_na(eth, &r, &mac, fact->router, answer);
    } else {
        write_arp(eth, &r, &mac, answer);
    }
    if (vid) {
        *answer = frame_tag(answer, 0x8100, vid);
    }
    return r.odd ? ORACLE_MAY : says;
}
