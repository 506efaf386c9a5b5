/* SPDX-License-Identifier: Apache-2.0 */

/* Parses Neighbor Discovery.  A message that a host would have to discard
 * by RFC 4861 is malformed; so is one in a fragment (RFC 6980 section 5),
 * since who reassembles it sees something that nobody on the way could.
 *
 * Options are walked by their length within the message, and at most
 * OVL_MAX_ND_OPTIONS of them.
 *
 * Prefix: ovl_nd_. */

#include <config.h>

#include <netinet/icmp6.h>
#include <netinet/ip6.h>

#include "csum.h"
#include "pkt-parse-load.h"

/* Nobody sends a tenth of it; a bound on what a guest can make us walk. */
#define OVL_MAX_ND_OPTIONS 32

/* Lengths of the messages without options, RFC 4861 sections 4.1 to 4.5. */
#define RS_LEN 8
#define RA_LEN 16
#define NS_LEN 24
#define NA_LEN 24
#define REDIRECT_LEN 40

static size_t
nd_min_len(uint8_t type)
{
    switch (type) {
    case OVL_ND_RS:
        return RS_LEN;
    case OVL_ND_RA:
        return RA_LEN;
    case OVL_ND_NS:
        return NS_LEN;
    case OVL_ND_NA:
        return NA_LEN;
    case OVL_ND_REDIRECT:
        return REDIRECT_LEN;
    default:
        return 0;
    }
}

/* The option in which a message of 'type' tells a link-layer address that a
 * receiver will believe. */
static uint8_t
lla_option(enum ovl_nd_type type)
{
    return (type == OVL_ND_NA || type == OVL_ND_REDIRECT
            ? ND_OPT_TARGET_LINKADDR : ND_OPT_SOURCE_LINKADDR);
}

/* RFC 4443 section 2.3, over the 'len' bytes at 'ofs'. */
static bool
icmp6_csum_ok(const struct ovl_bytes *b, size_t ofs, size_t len,
              const struct ovs_16aligned_ip6_hdr *ip6)
{
    uint32_t sum = csum_continue(0, &ip6->ip6_src, sizeof ip6->ip6_src);

    sum = csum_continue(sum, &ip6->ip6_dst, sizeof ip6->ip6_dst);
    sum = csum_add16(sum, htons(len));
    sum = csum_add16(sum, htons(IPPROTO_ICMPV6));
    return !csum_finish(csum_continue(sum, b->data + ofs, len));
}

/* Walks the options from 'ofs' to the end of 'b'; returns false if one has a
 * length that RFC 4861 section 4.6 forbids. */
static bool
parse_options(const struct ovl_bytes *b, size_t ofs, struct ovl_pkt_nd *nd)
{
    for (int n = 0; ofs < b->len; n++) {
        struct ovs_nd_lla_opt opt;
        uint8_t head[2];

        if (n >= OVL_MAX_ND_OPTIONS || !load(b, ofs, head, sizeof head)
            || !head[1] || head[1] * 8 > b->len - ofs) {
            return false;
        }
        if (head[0] == lla_option(nd->type)) {
            if (head[1] != 1) {
                nd->odd_lla = true;
            } else if (load(b, ofs, &opt, sizeof opt)) {
                nd->odd_lla |= (nd->has_lla
                                && !eth_addr_equals(nd->lla, opt.mac));
                nd->has_lla = true;
                nd->lla = opt.mac;
            }
        }
        ofs += head[1] * 8;
    }
    return true;
}

/* RFC 4291 section 2.7.1: ff02::1:ff00:0/104. */
static bool
is_solicited_node(const struct in6_addr *ip)
{
    static const uint8_t prefix[13] = {
        0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x01, 0xff
    };
    return !memcmp(ip, prefix, sizeof prefix);
}

/* Checks what the message of 'nd->type' must say beyond lengths.
 * 'redirected' is the address that a redirect is about. */
static bool
check_rules(const struct ovl_pkt_nd *nd, const struct ovl_pkt_ip *ip,
            const struct in6_addr *redirected)
{
    bool unspecified = !ipv6_addr_is_set(&ip->src);

    if (ipv6_addr_is_multicast(&ip->src)) {
        return false;           /* RFC 4291 section 2.7. */
    }

    switch (nd->type) {
    case OVL_ND_RS:             /* Section 6.1.1. */
        return !(unspecified && (nd->has_lla || nd->odd_lla));

    case OVL_ND_RA:             /* Section 6.1.2. */
        return IN6_IS_ADDR_LINKLOCAL(&ip->src);

    case OVL_ND_REDIRECT:       /* Section 8.1. */
        return (IN6_IS_ADDR_LINKLOCAL(&ip->src)
                && !ipv6_addr_is_multicast(redirected)
                && (IN6_IS_ADDR_LINKLOCAL(&nd->target)
                    || ipv6_addr_equals(&nd->target, redirected)));

    case OVL_ND_NS:             /* Section 7.1.1. */
        return (!ipv6_addr_is_multicast(&nd->target)
                && !(unspecified && (!is_solicited_node(&ip->dst)
                                     || nd->has_lla || nd->odd_lla)));

    case OVL_ND_NA:             /* Section 7.1.2: the S flag. */
        return (!ipv6_addr_is_multicast(&nd->target)
                && !(ipv6_addr_is_multicast(&ip->dst) && nd->solicited));
    }
    return false;
}

/* RFC 2464 section 7: a group's Ethernet address follows from it.  RFC 6085
 * allows a unicast one, but nothing a group's for a unicast address. */
static bool
check_group_mac(const struct ovl_pkt *pkt)
{
    struct eth_addr mac;

    if (!eth_addr_is_multicast(pkt->dst)) {
        return true;
    } else if (!ipv6_addr_is_multicast(&pkt->ip.dst)) {
        return false;
    }
    ipv6_multicast_to_ethernet(&mac, &pkt->ip.dst);
    return eth_addr_equals(mac, pkt->dst);
}

struct ovl_pkt_nd
ovl_nd_parse(const struct ovl_bytes *b, size_t ofs, const struct ovl_pkt *pkt,
             const struct ovs_16aligned_ip6_hdr *ip6)
{
    struct ovl_pkt_nd nd = { .status = OVL_ND_NONE };
    size_t end = pkt->l3_ofs + sizeof *ip6 + ntohs(ip6->ip6_plen);
    struct in6_addr redirected = in6addr_any;
    struct icmp6_header icmp;
    uint8_t type, flags;

    if (!load(b, ofs, &type, sizeof type)) {
        /* The type may be in the next fragment. */
        nd.status = (pkt->ip.fragment ? OVL_ND_MALFORMED : OVL_ND_NONE);
        return nd;
    }
    size_t min_len = nd_min_len(type);
    if (!min_len) {
        return nd;
    }

    nd.type = type;
    nd.status = OVL_ND_MALFORMED;
    if (pkt->ip.fragment || pkt->ip.ttl != 255
        || end > b->len || end - ofs < min_len
        || !load(b, ofs, &icmp, sizeof icmp) || icmp.icmp6_code
        || !load(b, ofs + sizeof icmp, &flags, sizeof flags)) {
        return nd;
    }
    if (nd.type == OVL_ND_NS || nd.type == OVL_ND_NA
        || nd.type == OVL_ND_REDIRECT) {
        load(b, ofs + offsetof(struct ovs_nd_msg, target), &nd.target,
             sizeof nd.target);
    }
    if (nd.type == OVL_ND_NA) {         /* RFC 4861 section 4.4. */
        nd.solicited = flags & 0x40;
        nd.override = flags & 0x20;
    }
    if (nd.type == OVL_ND_REDIRECT) {
        load(b, ofs + REDIRECT_LEN - sizeof redirected, &redirected,
             sizeof redirected);
    }
    if (parse_options(b, ofs + min_len, &nd)
        && check_rules(&nd, &pkt->ip, &redirected)
        && check_group_mac(pkt)
        && icmp6_csum_ok(b, ofs, end - ofs, ip6)) {
        nd.status = OVL_ND_OK;
    }
    return nd;
}
