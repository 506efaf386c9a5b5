/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_PKT_PARSE_FAST_H
#define OVL_PKT_PARSE_FAST_H 1

/* Parses what most packets are, in registers: untagged IPv4 without options
 * and IPv6 without extension headers, in one piece.  What it says of a frame
 * is what pkt-parse.h says of it; of all other frames it says nothing, and
 * pkt-parse.h has to be asked.
 *
 * Every function checks the length before it reads.
 *
 * Thread-safety: pure functions.
 *
 * Layer 2. */

#include "pkt-parse-load.h"

struct ovl_fast_pkt {
    uint64_t dst, src;          /* As ovl_mac_bits() has them. */
    const uint8_t *ip_src;      /* 4 or, if 'ipv6', 16 bytes, */
    const uint8_t *ip_dst;      /* in the frame. */
    bool ipv6;
    uint8_t proto;
    uint8_t tos;                /* TOS or traffic class: DSCP and ECN. */
    uint32_t ports;             /* Both, as they are in memory; 0 unless TCP,
                                 * UDP or SCTP. */
};

/* Bytes of the ports of TCP, UDP and SCTP. */
#define OVL_FAST_PORTS_LEN (2 * sizeof(ovs_be16))

/* Shorter frames are left to others: no length has to be looked at twice. */
#define OVL_FAST_MIN4 (ETH_HEADER_LEN + IP_HEADER_LEN + OVL_FAST_PORTS_LEN)
#define OVL_FAST_MIN6 (ETH_HEADER_LEN + IPV6_HEADER_LEN + OVL_FAST_PORTS_LEN)

/* ovl_mac_bits() of the six bytes at 'p', behind which there are two more. */
static inline uint64_t
ovl_fast_mac(const uint8_t *p)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    uint64_t bits;

    memcpy(&bits, p, sizeof bits);
    return bits & UINT64_C(0xffffffffffff);
#else
    struct eth_addr mac;

    memcpy(&mac, p, sizeof mac);
    return ovl_mac_bits(mac);
#endif
}

/* The four bytes at 'p'. */
static inline ovs_be32
ovl_fast_be32(const uint8_t *p)
{
    ovs_be32 wire;

    memcpy(&wire, p, sizeof wire);
    return wire;
}

/* True if 'bits', of ovl_mac_bits(), is a group's address. */
static inline bool
ovl_fast_is_multicast(uint64_t bits)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return bits & 1;
#else
    return bits & 1 << 24;
#endif
}

/* Reads the ports at 'p'. */
static inline ALWAYS_INLINE void
ovl_fast_parse_ports(const uint8_t *p, struct ovl_fast_pkt *f)
{
    memcpy(&f->ports, p, sizeof f->ports);
    if (OVS_UNLIKELY(f->proto != IPPROTO_TCP && f->proto != IPPROTO_UDP
                     && f->proto != IPPROTO_SCTP)) {
        f->ports = 0;
    }
}

/* Parses the 'len' bytes at 'data', at least OVL_FAST_MIN4. */
static inline ALWAYS_INLINE bool
ovl_fast_parse_ipv4(const uint8_t *data, struct ovl_fast_pkt *f)
{
    /* Version, length of the header, more fragments, and offset, of the first
     * eight bytes. */
    const ovs_be64 odd = htonll(UINT64_C(0xff00000000003fff));
    const ovs_be64 usual = htonll((uint64_t) IP_IHL_VER(5, 4) << 56);
    const uint8_t *h = data + ETH_HEADER_LEN;
    ovs_be64 start;

    memcpy(&start, h, sizeof start);
    f->ipv6 = false;
    f->proto = WIRE(h, struct ip_header, ip_proto);
    f->tos = WIRE(h, struct ip_header, ip_tos);
    f->ip_src = h + offsetof(struct ip_header, ip_src);
    f->ip_dst = h + offsetof(struct ip_header, ip_dst);
    ovl_fast_parse_ports(h + IP_HEADER_LEN, f);
    return ((start & odd) == usual
            && ntohs(WIRE(h, struct ip_header, ip_tot_len))
               >= IP_HEADER_LEN + OVL_FAST_PORTS_LEN);
}

/* The same, at least OVL_FAST_MIN6. */
static inline ALWAYS_INLINE bool
ovl_fast_parse_ipv6(const uint8_t *data, struct ovl_fast_pkt *f)
{
    const uint8_t *h = data + ETH_HEADER_LEN;

    f->ipv6 = true;
    f->proto = h[offsetof(struct ovs_16aligned_ip6_hdr, ip6_nxt)];
    f->tos = h[0] << 4 | h[1] >> 4;     /* RFC 8200 section 3. */
    f->ip_src = h + offsetof(struct ovs_16aligned_ip6_hdr, ip6_src);
    f->ip_dst = h + offsetof(struct ovs_16aligned_ip6_hdr, ip6_dst);
    ovl_fast_parse_ports(h + IPV6_HEADER_LEN, f);
    return (h[0] >> 4 == 6
            && (f->proto == IPPROTO_TCP || f->proto == IPPROTO_UDP)
            && ntohs(WIRE(h, struct ovs_16aligned_ip6_hdr, ip6_plen))
               >= OVL_FAST_PORTS_LEN);
}

/* Parses the Ethernet frame of 'len' bytes at 'data' into '*f'.  Returns false
 * if it is not what most are. */
static inline ALWAYS_INLINE bool
ovl_fast_parse(const uint8_t *data, size_t len, struct ovl_fast_pkt *f)
{
    if (len < OVL_FAST_MIN4) {
        return false;
    }

    ovs_be16 type = WIRE(data, struct eth_header, eth_type);

    f->dst = ovl_fast_mac(data);
    f->src = ovl_fast_mac(data + ETH_ADDR_LEN);
    return (OVS_LIKELY(type == htons(ETH_TYPE_IP))
            ? ovl_fast_parse_ipv4(data, f)
            : (type == htons(ETH_TYPE_IPV6) && len >= OVL_FAST_MIN6
               && ovl_fast_parse_ipv6(data, f)));
}

/* Parses the frame of 'len' bytes at 'data' into the MACs and addresses of
 * '*f', if it is an ARP request (RFC 826) to everybody, for another address
 * than the sender's, in the sender's own name.  Returns false if it is not. */
static inline bool
ovl_fast_parse_arp(const uint8_t *data, size_t len, struct ovl_fast_pkt *f)
{
    static const uint8_t request[] = { 0, ARP_HRD_ETHERNET, 8, 0,
                                       ETH_ADDR_LEN, 4, 0, ARP_OP_REQUEST };
    const uint8_t *arp = data + ETH_HEADER_LEN;

    BUILD_ASSERT(sizeof request == offsetof(struct arp_eth_header, ar_sha));
    if (len < ETH_HEADER_LEN + ARP_ETH_HEADER_LEN
        || WIRE(data, struct eth_header, eth_type) != htons(ETH_TYPE_ARP)
        || memcmp(arp, request, sizeof request)) {
        return false;
    }
    f->dst = ovl_fast_mac(data);
    f->src = ovl_fast_mac(data + ETH_ADDR_LEN);
    f->ip_src = arp + offsetof(struct arp_eth_header, ar_spa);
    f->ip_dst = arp + offsetof(struct arp_eth_header, ar_tpa);
    f->ipv6 = false;
    return (f->dst == UINT64_C(0xffffffffffff)
            && f->src == ovl_fast_mac(arp + offsetof(struct arp_eth_header,
                                                     ar_sha))
            && ovl_fast_be32(f->ip_src) != ovl_fast_be32(f->ip_dst));
}

/* The outside of what most packets from tunnels are in: VXLAN over IPv4,
 * without options, in one piece, without a UDP checksum. */
struct ovl_fast_outer {
    uint64_t dst;               /* As ovl_mac_bits() has it. */
    ovs_be32 ip_src, ip_dst;
    ovs_be16 dport;             /* UDP destination. */
    uint8_t tos;
    uint8_t flags;              /* First byte of the VXLAN header. */
    uint32_t vni;
    size_t inner_len;           /* Of the frame inside, which starts at
                                 * OVL_FAST_INNER_OFS. */
};

#define OVL_FAST_INNER_OFS (ETH_HEADER_LEN + IP_HEADER_LEN + UDP_HEADER_LEN \
                            + sizeof(struct vxlanhdr))

/* Parses the frame of 'len' bytes at 'data' into '*o'.  Returns false if it is
 * not that. */
static inline ALWAYS_INLINE bool
ovl_fast_parse_outer(const uint8_t *data, size_t len,
                     struct ovl_fast_outer *o)
{
    const uint8_t *h = data + ETH_HEADER_LEN;
    const uint8_t *udp = h + IP_HEADER_LEN;
    const uint8_t *vxlan = udp + UDP_HEADER_LEN;

    if (len < OVL_FAST_INNER_OFS) {
        return false;
    }

    size_t total_len = ntohs(WIRE(h, struct ip_header, ip_tot_len));
    size_t udp_len = ntohs(WIRE(udp, struct udp_header, udp_len));

    o->dst = ovl_fast_mac(data);
    o->ip_src = ovl_fast_be32(h + offsetof(struct ip_header, ip_src));
    o->ip_dst = ovl_fast_be32(h + offsetof(struct ip_header, ip_dst));
    o->dport = WIRE(udp, struct udp_header, udp_dst);
    o->tos = WIRE(h, struct ip_header, ip_tos);
    o->flags = vxlan[0];
    o->vni = ntohl(ovl_fast_be32(vxlan + offsetof(struct vxlanhdr,
                                                  vx_vni))) >> 8;
    o->inner_len = udp_len - UDP_HEADER_LEN - sizeof(struct vxlanhdr);
    return (WIRE(data, struct eth_header, eth_type) == htons(ETH_TYPE_IP)
            && WIRE(h, struct ip_header, ip_ihl_ver) == IP_IHL_VER(5, 4)
            && WIRE(h, struct ip_header, ip_proto) == IPPROTO_UDP
            && !IP_IS_FRAGMENT(WIRE(h, struct ip_header, ip_frag_off))
            && !WIRE(udp, struct udp_header, udp_csum)
            && udp_len >= UDP_HEADER_LEN + sizeof(struct vxlanhdr)
            && IP_HEADER_LEN + udp_len <= total_len
            && ETH_HEADER_LEN + total_len <= len
            && ip4_csum_ok(h, IP_HEADER_LEN));
}

#endif /* pkt-parse-fast.h */
