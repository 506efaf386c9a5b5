/* SPDX-License-Identifier: Apache-2.0 */

/* Parses Ethernet frames: header, one tag, ARP, IPv4 and IPv6 as far as
 * guards, responders and the flow hash need.  ND is in pkt-parse-nd.c, the
 * outside of VXLAN in pkt-parse-outer.c.
 *
 * A bridge does not judge IP: lengths that contradict each other only bound
 * how far this parser reads.  Checksums are not looked at, but for ND.
 *
 * Prefix: ovl_pkt_. */

#include <config.h>

#include <netinet/icmp6.h>
#include <netinet/ip6.h>

#include "pkt-parse-load.h"

/* 802.1Q stacks have had this EtherType before 802.1ad had its own. */
#define ETH_TYPE_QINQ_OLD 0x9100

static bool
is_tag_type(ovs_be16 type)
{
    return type == htons(ETH_TYPE_VLAN_8021Q)
           || type == htons(ETH_TYPE_VLAN_8021AD)
           || type == htons(ETH_TYPE_QINQ_OLD);
}

/* Parses the tag whose EtherType 'pkt->type' is; returns false if it is not
 * whole. */
static bool
parse_tag(const struct ovl_bytes *b, struct ovl_pkt *pkt)
{
    struct {
        ovs_be16 tci;
        ovs_be16 type;
    } tag;

    BUILD_ASSERT(sizeof tag == VLAN_HEADER_LEN);
    if (!load(b, pkt->l3_ofs, &tag, sizeof tag)) {
        return false;
    }

    uint16_t vid = ntohs(tag.tci) & VLAN_VID_MASK;
    if (is_tag_type(tag.type)) {
        pkt->tag = OVL_TAG_OTHER;
    } else if (!vid) {
        pkt->tag = OVL_TAG_PRIORITY;
    } else if (pkt->type == htons(ETH_TYPE_VLAN_8021Q)) {
        pkt->tag = OVL_TAG_VLAN;
        pkt->vlan = vid;
    } else {
        pkt->tag = OVL_TAG_OTHER;
    }
    pkt->type = tag.type;
    pkt->l3_ofs += VLAN_HEADER_LEN;
    return true;
}

/* RFC 826, "Packet Reception", with the lengths of Ethernet and IPv4. */
static void
parse_arp(const struct ovl_bytes *b, size_t ofs, struct ovl_pkt_arp *arp)
{
    struct arp_eth_header h;

    if (!load(b, ofs, &h, sizeof h)
        || h.ar_hrd != htons(ARP_HRD_ETHERNET)
        || h.ar_pro != htons(ETH_TYPE_IP)
        || h.ar_hln != ETH_ADDR_LEN || h.ar_pln != sizeof arp->spa) {
        *arp = (struct ovl_pkt_arp) { .status = OVL_ARP_MALFORMED };
        return;
    }

    arp->op = ntohs(h.ar_op);
    arp->sha = h.ar_sha;
    arp->tha = h.ar_tha;
    arp->spa = get_16aligned_be32(&h.ar_spa);
    arp->tpa = get_16aligned_be32(&h.ar_tpa);
    arp->status = (arp->op == ARP_OP_REQUEST || arp->op == ARP_OP_REPLY
                   ? OVL_ARP_OK : OVL_ARP_BAD_OP);
}

/* Ports of TCP, UDP and SCTP start at the same place.  A fragment has none,
 * not even the first one, since all fragments of a datagram are to hash
 * alike; 'ip->dport' of the first one stays 0 too, so that no rule about
 * ports can be dodged by fragmenting. */
static inline void
parse_ports(const struct ovl_bytes *b, size_t ofs, struct ovl_pkt_ip *ip)
{
    const uint8_t *ports = NULL;

    if (!ip->fragment
        && (ip->proto == IPPROTO_TCP || ip->proto == IPPROTO_UDP
            || ip->proto == IPPROTO_SCTP)) {
        ports = bytes_at(b, ofs, 2 * sizeof(ovs_be16));
    }
    if (ports) {
        ip->sport = WIRE(ports, struct udp_header, udp_src);
        ip->dport = WIRE(ports, struct udp_header, udp_dst);
    } else {
        ip->sport = ip->dport = 0;
    }
}

/* Returns false if the header is truncated or absurd. */
static inline bool
parse_ipv4(const struct ovl_bytes *b, struct ovl_pkt *pkt)
{
    const uint8_t *h = bytes_at(b, pkt->l3_ofs, sizeof(struct ip_header));
    struct ovl_pkt_ip *ip = &pkt->ip;

    if (!h) {
        return false;
    }

    uint8_t ihl_ver = WIRE(h, struct ip_header, ip_ihl_ver);
    size_t header_len = IP_IHL(ihl_ver) * 4;
    size_t total_len = ntohs(WIRE(h, struct ip_header, ip_tot_len));
    if (IP_VER(ihl_ver) != 4 || header_len < sizeof(struct ip_header)
        || total_len < header_len || header_len > b->len - pkt->l3_ofs) {
        return false;
    }

    ovs_be16 frag_off = WIRE(h, struct ip_header, ip_frag_off);
    ip4_from_wire(&ip->src, WIRE(h, struct ip_header, ip_src));
    ip4_from_wire(&ip->dst, WIRE(h, struct ip_header, ip_dst));
    ip->proto = ip->hash_proto = WIRE(h, struct ip_header, ip_proto);
    ip->tos = WIRE(h, struct ip_header, ip_tos);
    ip->ttl = WIRE(h, struct ip_header, ip_ttl);
    ip->fragment = IP_IS_FRAGMENT(frag_off);
    ip->later_fragment = (frag_off & htons(IP_FRAG_OFF_MASK)) != 0;
    ip->icmp6_type = 0;
    ip->nd.status = OVL_ND_NONE;

    struct ovl_bytes packet = bytes_cut(b, pkt->l3_ofs + total_len);
    parse_ports(&packet, pkt->l3_ofs + header_len, ip);
    return true;
}

struct ovl_ip6_walk
ovl_ip6_walk(const struct ovl_bytes *b, size_t ofs, uint8_t proto)
{
    struct ovl_ip6_walk w = { .ofs = ofs, .proto = proto };

    for (int i = 0; i <= OVL_MAX_EXT_HEADERS; i++) {
        struct ovs_16aligned_ip6_frag frag;
        struct ip6_ext ext;

        switch (w.proto) {
        case IPPROTO_HOPOPTS:
        case IPPROTO_ROUTING:
        case IPPROTO_DSTOPTS:
        case IPPROTO_AH:
            if (!load(b, w.ofs, &ext, sizeof ext)) {
                w.truncated = true;
                return w;
            }
            /* RFC 4302 section 2.2 counts AH in words, less 2. */
            w.proto_ofs = w.ofs;
            w.ofs += (w.proto == IPPROTO_AH ? (ext.ip6e_len + 2) * 4
                      : (ext.ip6e_len + 1) * 8);
            w.proto = ext.ip6e_nxt;
            break;

        case IPPROTO_FRAGMENT:
            if (!load(b, w.ofs, &frag, sizeof frag)) {
                w.truncated = true;
                return w;
            }
            if (!w.fragment) {
                w.fragment_proto = frag.ip6f_nxt;
            }
            w.fragment = true;
            w.proto_ofs = w.ofs;
            w.ofs += sizeof frag;
            w.proto = frag.ip6f_nxt;
            if (frag.ip6f_offlg & IP6F_OFF_MASK) {
                w.later_fragment = true;
                w.extended = true;
                return w;
            }
            break;

        default:
            return w;
        }
        w.extended = true;
    }
    w.too_long = true;
    return w;
}

/* Returns false if the header is truncated or absurd. */
static bool
parse_ipv6(const struct ovl_bytes *b, struct ovl_pkt *pkt)
{
    struct ovs_16aligned_ip6_hdr h;
    struct ovl_pkt_ip *ip = &pkt->ip;

    if (!load(b, pkt->l3_ofs, &h, sizeof h) || h.ip6_vfc >> 4 != 6) {
        return false;
    }

    size_t l4_ofs = pkt->l3_ofs + sizeof h;
    struct ovl_bytes packet = bytes_cut(b, l4_ofs + ntohs(h.ip6_plen));
    struct ovl_ip6_walk w = ovl_ip6_walk(&packet, l4_ofs, h.ip6_nxt);

    ip->src = ip6_from_wire(&h.ip6_src);
    ip->dst = ip6_from_wire(&h.ip6_dst);
    ip->proto = w.proto;
    ip->hash_proto = w.fragment ? w.fragment_proto : w.proto;
    ip->tos = ntohl(get_16aligned_be32(&h.ip6_flow)) >> 20;
    ip->ttl = h.ip6_hlim;
    ip->fragment = w.fragment;
    ip->later_fragment = w.later_fragment;
    ip->sport = ip->dport = 0;
    ip->icmp6_type = 0;
    ip->nd.status = OVL_ND_NONE;
    if (w.too_long || (w.truncated && w.fragment && !w.later_fragment)) {
        /* ND could hide behind headers that nobody walks, or that go on in
         * the next fragment, which RFC 7112 forbids. */
        ip->nd.status = OVL_ND_MALFORMED;
    } else if (!w.truncated && !w.later_fragment) {
        parse_ports(&packet, w.ofs, ip);
        if (w.proto == IPPROTO_ICMPV6) {
            load(&packet, w.ofs, &ip->icmp6_type, sizeof ip->icmp6_type);
            ip->nd = ovl_nd_parse(&packet, w.ofs, pkt, &h);
        }
    }
    return true;
}

/* Of a bad header nothing is left that looks valid. */
static void
set_l3_bad(struct ovl_pkt *pkt)
{
    pkt->l3_bad = true;
    memset(&pkt->ip, 0, sizeof pkt->ip);
}

void
ovl_pkt_parse_into(struct ovl_pkt *pkt, const void *data, size_t len)
{
    const struct ovl_bytes b = { data, len };
    const uint8_t *eth = bytes_at(&b, 0, sizeof(struct eth_header));

    pkt->len = len;
    pkt->excess = 0;
    pkt->offload = (struct ovl_offload) { .csum = OVL_CSUM_NONE };
    pkt->l3_ofs = ETH_HEADER_LEN;
    pkt->too_short = false;
    pkt->l3_bad = false;
    pkt->tag = OVL_TAG_NONE;
    pkt->vlan = 0;
    pkt->l3 = OVL_L3_OTHER;
    if (!eth) {
        pkt->too_short = true;
        pkt->dst = pkt->src = eth_addr_zero;
        pkt->type = 0;
        return;
    }
    pkt->dst = WIRE(eth, struct eth_header, eth_dst);
    pkt->src = WIRE(eth, struct eth_header, eth_src);
    pkt->type = WIRE(eth, struct eth_header, eth_type);
    if (is_tag_type(pkt->type) && !parse_tag(&b, pkt)) {
        pkt->too_short = true;
    } else if (pkt->tag == OVL_TAG_OTHER) {
        /* Nobody takes such frames, whatever is inside. */
    } else if (pkt->type == htons(ETH_TYPE_IP)) {
        pkt->l3 = OVL_L3_IPV4;
        if (!parse_ipv4(&b, pkt)) {
            set_l3_bad(pkt);
        }
    } else if (pkt->type == htons(ETH_TYPE_ARP)) {
        pkt->l3 = OVL_L3_ARP;
        parse_arp(&b, pkt->l3_ofs, &pkt->arp);
    } else if (pkt->type == htons(ETH_TYPE_IPV6)) {
        pkt->l3 = OVL_L3_IPV6;
        if (!parse_ipv6(&b, pkt)) {
            set_l3_bad(pkt);
        }
    }
}
