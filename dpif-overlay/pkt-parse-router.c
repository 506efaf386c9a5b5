/* SPDX-License-Identifier: Apache-2.0 */

/* What a router has to check: RFC 1812 section 5.2.2, RFC 8200 section 3.
 *
 * Prefix: ovl_pkt_. */

#include <config.h>

#include <netinet/icmp6.h>
#include <netinet/ip6.h>

#include "csum.h"
#include "pkt-parse-load.h"

/* RFC 791 section 3.1. */
#define IPV4_OPT_END 0
#define IPV4_OPT_NOP 1
#define IPV4_OPT_LSRR 131
#define IPV4_OPT_SSRR 137

/* RFC 8200 section 4.2, RFC 2675 section 2. */
#define IPV6_OPT_PAD1 0
#define IPV6_OPT_JUMBO 0xc2
#define MAX_HOP_OPTIONS 32

/* RFC 792 and RFC 4443: what is said about another packet, and about which
 * nothing is said. */
static bool
is_icmp4_error(uint8_t type)
{
    return (type == ICMP4_DST_UNREACH || type == ICMP4_SOURCEQUENCH
            || type == ICMP4_REDIRECT || type == ICMP4_TIME_EXCEEDED
            || type == ICMP4_PARAM_PROB);
}

static bool
is_icmp6_error(uint8_t type)
{
    return type < 128 || type == OVL_ND_REDIRECT;
}

/* Walks options with a bound, each at least two bytes long. */
static enum ovl_drop_reason
check_options(const struct ovl_bytes *b, size_t ofs, size_t end)
{
    while (ofs < end) {
        uint8_t type, len;

        if (!load(b, ofs, &type, 1) || type == IPV4_OPT_END) {
            break;
        } else if (type == IPV4_OPT_NOP) {
            ofs++;
            continue;
        } else if (ofs + 2 > end || !load(b, ofs + 1, &len, 1) || len < 2
                   || len > end - ofs) {
            return OVL_DROP_BAD_IP_HEADER;
        } else if (type == IPV4_OPT_LSRR || type == IPV4_OPT_SSRR) {
            return OVL_DROP_SOURCE_ROUTE;       /* RFC 7126 section 4.3. */
        }
        ofs += len;
    }
    return OVL_NO_DROP;
}

static void
parse_ipv4(const struct ovl_bytes *b, const struct ovl_pkt *pkt,
           struct ovl_pkt_router *r)
{
    const uint8_t *h;

    if (pkt->l3_bad
        || !(h = bytes_at(b, pkt->l3_ofs, sizeof(struct ip_header)))) {
        return;
    }

    ovs_be16 frag_off = WIRE(h, struct ip_header, ip_frag_off);
    r->header_len = IP_IHL(WIRE(h, struct ip_header, ip_ihl_ver)) * 4;
    r->len = ntohs(WIRE(h, struct ip_header, ip_tot_len));
    r->df = (frag_off & htons(IP_DONT_FRAGMENT)) != 0;
    if (r->len > b->len - pkt->l3_ofs
        || (ntohs(frag_off) & IP_FRAG_OFF_MASK) * 8 + r->len > UINT16_MAX
        || !ip4_csum_ok(h, r->header_len)) {
        return;
    }
    r->fault = check_options(b, pkt->l3_ofs + sizeof(struct ip_header),
                             pkt->l3_ofs + r->header_len);
    r->l4_ofs = pkt->l3_ofs + r->header_len;
    r->has_l4 = true;
    r->proto_ofs = offsetof(struct ip_header, ip_proto);
}

/* True if the hop-by-hop options at 'ofs' say that the packet is a jumbogram:
 * RFC 2675 section 2.  Nobody hides it behind more options than that. */
static bool
has_jumbo_option(const struct ovl_bytes *b, size_t ofs)
{
    uint8_t ext[2];             /* Next header, length. */

    if (!load(b, ofs, ext, sizeof ext)) {
        return false;
    }

    struct ovl_bytes options = bytes_cut(b, ofs + (ext[1] + 1) * 8);
    ofs += sizeof ext;
    for (int i = 0; i < MAX_HOP_OPTIONS; i++) {
        uint8_t type, len;

        if (!load(&options, ofs, &type, sizeof type)) {
            break;
        } else if (type == IPV6_OPT_JUMBO) {
            return true;
        } else if (type == IPV6_OPT_PAD1) {
            ofs++;
            continue;
        } else if (!load(&options, ofs + 1, &len, sizeof len)) {
            break;
        }
        ofs += 2 + len;
    }
    return false;
}

/* Looks for what is not routed: jumbograms, which RFC 2675 section 3 has no
 * use for on such links, and routing headers of type 0, whatever is left of
 * the route (RFC 5095). */
static enum ovl_drop_reason
check_extensions(const struct ovl_bytes *b, size_t ofs, uint8_t proto,
                 bool empty)
{
    if (proto == IPPROTO_HOPOPTS && (empty || has_jumbo_option(b, ofs))) {
        return OVL_DROP_BAD_IP_HEADER;
    }
    for (int i = 0; i < OVL_MAX_EXT_HEADERS; i++) {
        uint8_t ext[4];         /* Next header, length, type, segments left. */

        if ((proto != IPPROTO_HOPOPTS && proto != IPPROTO_ROUTING
             && proto != IPPROTO_DSTOPTS)
            || !load(b, ofs, ext, sizeof ext)) {
            break;
        } else if (proto == IPPROTO_ROUTING && !ext[2]) {
            return OVL_DROP_SOURCE_ROUTE;
        }
        ofs += (ext[1] + 1) * 8;
        proto = ext[0];
    }
    return OVL_NO_DROP;
}

static void
parse_ipv6(const struct ovl_bytes *b, const struct ovl_pkt *pkt,
           struct ovl_pkt_router *r)
{
    struct ovs_16aligned_ip6_hdr h;

    if (pkt->l3_bad || !load(b, pkt->l3_ofs, &h, sizeof h)) {
        return;
    }

    size_t payload_ofs = pkt->l3_ofs + sizeof h;
    size_t payload_len = ntohs(h.ip6_plen);
    r->header_len = sizeof h;
    r->df = true;               /* RFC 8200 section 5: never in transit. */
    if (payload_len > b->len - payload_ofs) {
        return;
    }
    r->len = MIN(sizeof h + payload_len, UINT16_MAX);

    struct ovl_bytes packet = bytes_cut(b, payload_ofs + payload_len);
    r->fault = check_extensions(&packet, payload_ofs, h.ip6_nxt,
                                !payload_len);

    struct ovl_ip6_walk walk = ovl_ip6_walk(&packet, payload_ofs, h.ip6_nxt);
    r->l4_ofs = walk.ofs;
    r->has_l4 = !walk.truncated && walk.proto != IPPROTO_NONE;
    r->proto_ofs = (walk.proto_ofs ? walk.proto_ofs - pkt->l3_ofs
                    : offsetof(struct ovs_16aligned_ip6_hdr, ip6_nxt));
}

void
ovl_pkt_parse_for_router_into(struct ovl_pkt_router *r, const void *data,
                              const struct ovl_pkt *pkt)
{
    const struct ovl_bytes b = { data, pkt->len };
    uint8_t type;

    *r = (struct ovl_pkt_router) { .fault = OVL_DROP_BAD_IP_HEADER };

    if (pkt->l3 == OVL_L3_IPV4) {
        parse_ipv4(&b, pkt, r);
    } else if (pkt->l3 == OVL_L3_IPV6) {
        parse_ipv6(&b, pkt, r);
    } else {
        r->fault = OVL_DROP_NOT_IP;
    }
    if (r->fault != OVL_NO_DROP || pkt->ip.later_fragment) {
        return;
    }

    struct ovl_bytes packet = bytes_cut(&b, pkt->l3_ofs + r->len);
    uint8_t proto = pkt->l3 == OVL_L3_IPV4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
    if (pkt->ip.proto == proto && load(&packet, r->l4_ofs, &type, 1)) {
        bool v4 = pkt->l3 == OVL_L3_IPV4;

        r->icmp_error = (v4 ? is_icmp4_error(type)
                        : is_icmp6_error(type));
        r->echo = (type == (v4 ? ICMP4_ECHO_REQUEST : ICMP6_ECHO_REQUEST)
                  && r->l4_ofs + ICMP_HEADER_LEN <= packet.len
                  && !pkt->ip.fragment);
    }
}

bool
ovl_pkt_icmp_csum_ok(const void *data, const struct ovl_pkt *pkt,
                     const struct ovl_pkt_router *r)
{
    const uint8_t *icmp = (const uint8_t *) data + r->l4_ofs;
    size_t len = pkt->l3_ofs + r->len - r->l4_ofs;
    uint32_t sum = 0;

    if (pkt->l3 == OVL_L3_IPV6) {
        sum = csum_continue(sum, &pkt->ip.src, sizeof pkt->ip.src);
        sum = csum_continue(sum, &pkt->ip.dst, sizeof pkt->ip.dst);
        sum = csum_add32(sum, htonl(len));
        sum = csum_add16(sum, htons(IPPROTO_ICMPV6));
    }
    return !csum_finish(csum_continue(sum, icmp, len));
}
