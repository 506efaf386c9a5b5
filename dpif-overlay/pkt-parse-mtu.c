/* SPDX-License-Identifier: Apache-2.0 */

/* Parses what a router says about a UDP packet that is larger than its next
 * link takes: RFC 792 and RFC 1191 section 4, RFC 4443 section 3.2.
 *
 * Prefix: ovl_pkt_. */

#include <config.h>

#include <netinet/icmp6.h>
#include <netinet/ip6.h>

#include "pkt-parse-load.h"

#define ICMP4_FRAG_NEEDED 4     /* Code of ICMP4_DST_UNREACH. */

/* Reads the UDP header at 'ofs', and what is there of a VXLAN header behind
 * it: RFC 792 has routers quote 8 bytes. */
static bool
parse_quoted_udp(const struct ovl_bytes *b, size_t ofs,
                 struct ovl_pkt_too_big *tb)
{
    struct udp_header udp;
    struct vxlanhdr vxlan;

    if (!load(b, ofs, &udp, sizeof udp)) {
        return false;
    }
    tb->sport = ntohs(udp.udp_src);
    tb->dport = ntohs(udp.udp_dst);
    if (load(b, ofs + sizeof udp, &vxlan, sizeof vxlan)) {
        tb->has_vni = true;
        tb->flags = vxlan.vx_gpe.flags;
        tb->vni = ntohl(get_16aligned_be32(&vxlan.vx_vni)) >> 8;
    }
    return true;
}

static bool
parse_quoted4(const struct ovl_bytes *b, size_t ofs,
              struct ovl_pkt_too_big *tb)
{
    struct ip_header h;

    if (!load(b, ofs, &h, sizeof h) || IP_VER(h.ip_ihl_ver) != 4
        || IP_IHL(h.ip_ihl_ver) < 5 || h.ip_proto != IPPROTO_UDP
        || h.ip_frag_off & htons(IP_FRAG_OFF_MASK)) {
        return false;
    }
    in6_addr_set_mapped_ipv4(&tb->src, get_16aligned_be32(&h.ip_src));
    in6_addr_set_mapped_ipv4(&tb->dst, get_16aligned_be32(&h.ip_dst));
    tb->len = ntohs(h.ip_tot_len);
    return parse_quoted_udp(b, ofs + IP_IHL(h.ip_ihl_ver) * 4, tb);
}

static bool
parse_quoted6(const struct ovl_bytes *b, size_t ofs,
              struct ovl_pkt_too_big *tb)
{
    struct ovs_16aligned_ip6_hdr h;

    if (!load(b, ofs, &h, sizeof h) || h.ip6_vfc >> 4 != 6
        || h.ip6_nxt != IPPROTO_UDP) {
        return false;
    }
    tb->src = ip6_from_wire(&h.ip6_src);
    tb->dst = ip6_from_wire(&h.ip6_dst);
    tb->len = sizeof h + ntohs(h.ip6_plen);
    return parse_quoted_udp(b, ofs + sizeof h, tb);
}

bool
ovl_pkt_parse_too_big(const void *data, const struct ovl_pkt *pkt,
                      struct ovl_pkt_too_big *tb)
{
    bool v4 = pkt->l3 == OVL_L3_IPV4;

    if ((!v4 && pkt->l3 != OVL_L3_IPV6) || pkt->l3_bad || pkt->ip.fragment
        || pkt->ip.proto != (v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6)) {
        return false;
    }

    const struct ovl_bytes frame = { data, pkt->len };
    struct ovl_pkt_router r = ovl_pkt_parse_for_router(data, pkt);
    if (r.fault != OVL_NO_DROP) {
        return false;
    }

    struct ovl_bytes packet = bytes_cut(&frame, pkt->l3_ofs + r.len);
    struct {
        uint8_t type, code;
        ovs_be16 csum;
        ovs_be16 high, low;     /* Of 32 bits. */
    } icmp;
    BUILD_ASSERT(sizeof icmp == ICMP_HEADER_LEN);
    if (!load(&packet, r.l4_ofs, &icmp, sizeof icmp)
        || (v4 ? icmp.type != ICMP4_DST_UNREACH
            || icmp.code != ICMP4_FRAG_NEEDED
            : icmp.type != ICMP6_PACKET_TOO_BIG)
        || !ovl_pkt_icmp_csum_ok(data, pkt, &r)) {
        return false;
    }

    *tb = (struct ovl_pkt_too_big) {
        .mtu = !v4 && icmp.high ? UINT16_MAX : ntohs(icmp.low),
    };
    return (v4 ? parse_quoted4(&packet, r.l4_ofs + sizeof icmp, tb)
            : parse_quoted6(&packet, r.l4_ofs + sizeof icmp, tb));
}
