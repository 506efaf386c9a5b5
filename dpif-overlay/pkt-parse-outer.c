/* SPDX-License-Identifier: Apache-2.0 */

/* Parses the outside of frames from the underlay.
 *
 * A frame in which no UDP header can be seen is the host's, whatever else it
 * is.  For one with a UDP header everything that could be wrong with it as
 * VXLAN is noted, in the order in which it is to be reported, and without
 * regard to whether it is for us: that is decided later, from the addresses
 * and the port, and only then does the fault count.
 *
 * Prefix: ovl_outer_. */

#include <config.h>

#include <netinet/ip6.h>

#include "csum.h"
#include "pkt-parse-load.h"

/* Parses the UDP and the VXLAN header at 'outer->udp_ofs' of 'b', which ends
 * where the IP packet is announced to end, or before.  'whole' says that it
 * does not end before. */
static void
parse_udp(const struct ovl_bytes *b, bool whole, struct ovl_outer *outer)
{
    struct udp_header udp;
    struct vxlanhdr vxlan;

    if (outer->fault == OVL_NO_DROP) {
        /* RFC 768; bytes between the end of the datagram and the end of the
         * IP packet are of no meaning. */
        size_t room = b->len - MIN(b->len, outer->udp_ofs);

        outer->fault = OVL_DROP_VXLAN_MALFORMED;
        if (whole && load(b, outer->udp_ofs, &udp, sizeof udp)
            && ntohs(udp.udp_len) >= sizeof udp + sizeof vxlan
            && ntohs(udp.udp_len) <= room
            && load(b, outer->udp_ofs + sizeof udp, &vxlan, sizeof vxlan)) {
            outer->udp_len = ntohs(udp.udp_len);
            outer->zero_csum = !udp.udp_csum;
            outer->flags = vxlan.vx_gpe.flags;
            outer->vni = ntohl(get_16aligned_be32(&vxlan.vx_vni)) >> 8;
            outer->fault = OVL_NO_DROP;
        }
    }
}

/* Reads the destination port at 'outer->udp_ofs', if it is in the packet. */
static void
parse_port(const struct ovl_bytes *b, struct ovl_outer *outer)
{
    ovs_be16 ports[2];

    if (load(b, outer->udp_ofs, ports, sizeof ports)) {
        outer->udp = true;
        outer->dport = ntohs(ports[1]);
    }
}

static void
parse_ipv4(const struct ovl_bytes *b, struct ovl_outer *outer)
{
    struct ip_header h;

    if (!load(b, outer->l3_ofs, &h, sizeof h)
        || IP_VER(h.ip_ihl_ver) != 4 || IP_IHL(h.ip_ihl_ver) < 5
        || h.ip_proto != IPPROTO_UDP
        || h.ip_frag_off & htons(IP_FRAG_OFF_MASK)) {
        return;
    }

    size_t header_len = IP_IHL(h.ip_ihl_ver) * 4;
    size_t end = outer->l3_ofs + ntohs(h.ip_tot_len);
    struct ovl_bytes packet = bytes_cut(b, end);

    outer->udp_ofs = outer->l3_ofs + header_len;
    parse_port(&packet, outer);
    if (!outer->udp) {
        return;
    }

    ip4_from_wire(&outer->src, h.ip_src);
    ip4_from_wire(&outer->dst, h.ip_dst);
    outer->tos = h.ip_tos;
    if (h.ip_frag_off & htons(IP_MORE_FRAGMENTS)) {
        outer->fault = OVL_DROP_OUTER_FRAGMENT;
    } else if (header_len > sizeof h) {
        outer->fault = OVL_DROP_OUTER_OPTIONS;
    } else if (!ip4_csum_ok(b->data + outer->l3_ofs, sizeof h)) {
        outer->fault = OVL_DROP_OUTER_BAD_CSUM;
    }
    parse_udp(&packet, end <= b->len, outer);
}

static void
parse_ipv6(const struct ovl_bytes *b, struct ovl_outer *outer)
{
    struct ovs_16aligned_ip6_hdr h;

    if (!load(b, outer->l3_ofs, &h, sizeof h) || h.ip6_vfc >> 4 != 6) {
        return;
    }

    size_t l4_ofs = outer->l3_ofs + sizeof h;
    size_t end = l4_ofs + ntohs(h.ip6_plen);
    struct ovl_bytes packet = bytes_cut(b, end);
    struct ovl_ip6_walk w = ovl_ip6_walk(&packet, l4_ofs, h.ip6_nxt);
    if (w.proto != IPPROTO_UDP || w.truncated || w.too_long
        || w.later_fragment || w.ofs > UINT16_MAX) {
        return;
    }

    outer->ipv6 = true;
    outer->udp_ofs = w.ofs;
    parse_port(&packet, outer);
    outer->src = ip6_from_wire(&h.ip6_src);
    outer->dst = ip6_from_wire(&h.ip6_dst);
    outer->tos = ntohl(get_16aligned_be32(&h.ip6_flow)) >> 20;
    if (w.fragment) {
        outer->fault = OVL_DROP_OUTER_FRAGMENT;
    } else if (w.extended) {
        outer->fault = OVL_DROP_OUTER_OPTIONS;
    }
    parse_udp(&packet, end <= b->len, outer);
}

void
ovl_outer_parse_into(struct ovl_outer *outer, const void *data, size_t len)
{
    const struct ovl_bytes b = { data, len };
    struct eth_header eth;

    outer->udp = false;
    outer->ipv6 = false;
    outer->unfinished = false;
    outer->l3_ofs = ETH_HEADER_LEN;
    outer->fault = OVL_NO_DROP;
    if (load(&b, 0, &eth, sizeof eth)) {
        outer->eth_dst = eth.eth_dst;
        if (eth.eth_type == htons(ETH_TYPE_IP)) {
            parse_ipv4(&b, outer);
        } else if (eth.eth_type == htons(ETH_TYPE_IPV6)) {
            parse_ipv6(&b, outer);
        }
    }
}

bool
ovl_outer_csum_ok(const struct ovl_outer *outer, const void *data)
{
    const uint8_t *udp = (const uint8_t *) data + outer->udp_ofs;
    uint32_t sum;

    /* RFC 768, RFC 8200 section 8.1. */
    if (outer->ipv6) {
        sum = csum_continue(0, &outer->src, sizeof outer->src);
        sum = csum_continue(sum, &outer->dst, sizeof outer->dst);
    } else {
        sum = csum_add32(0, in6_addr_get_mapped_ipv4(&outer->src));
        sum = csum_add32(sum, in6_addr_get_mapped_ipv4(&outer->dst));
    }
    sum = csum_add16(sum, htons(outer->udp_len));
    sum = csum_add16(sum, htons(IPPROTO_UDP));
    return !csum_finish(csum_continue(sum, udp, outer->udp_len));
}
