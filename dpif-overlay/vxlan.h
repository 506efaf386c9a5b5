/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_VXLAN_H
#define OVL_VXLAN_H 1

/* VXLAN, RFC 7348: puts frames into tunnels and takes them out.
 *
 * The outer header of a VTEP is prebuilt in its adjacency (adjacency.h); what
 * differs from packet to packet is filled in here: lengths, checksums, TOS,
 * the UDP source port and the VNI.
 *
 * Thread-safety: any thread; the caller owns the packet.
 *
 * Layer 2. */

#include "dp-packet.h"
#include "ecn.h"
#include "forwarding.h"
#include "pkt-edit.h"
#include "pkt-parse.h"

/* RFC 7348 section 5: the UDP source port, a hash of the inner flow, in the
 * dynamic range of RFC 6335, so that the underlay spreads flows.  Host
 * order. */
#define OVL_VXLAN_SPORT_MIN 49152
#define OVL_VXLAN_SPORT_MAX 65535
uint16_t ovl_vxlan_source_port(const struct ovl_pkt *inner);

/* The same from its ovl_flow_hash(). */
static inline uint16_t
ovl_vxlan_hash_to_port(uint32_t hash)
{
    uint64_t range = OVL_VXLAN_SPORT_MAX - OVL_VXLAN_SPORT_MIN + 1;

    return OVL_VXLAN_SPORT_MIN + (hash * range >> 32);
}

/* The outer TOS or traffic class for 'inner': DSCP as configured (RFC 2983),
 * ECN as RFC 6040 section 4.1. */
uint8_t ovl_vxlan_tos(const struct ovl_config *, const struct ovl_pkt *inner);

/* The same for an IP packet with 'inner'. */
static inline uint8_t
ovl_vxlan_inner_to_tos(const struct ovl_config *config, uint8_t inner)
{
    return ((config->dscp_inherit ? inner : config->tos) & IP_DSCP_MASK)
           | ovl_ecn_encapsulate(ovl_ecn_of_tos(inner));
}

/* What is filled into the outer header. */
struct ovl_vxlan_fields {
    uint32_t vni;
    uint16_t sport;             /* Host order. */
    uint8_t tos;
    bool udp6_zero_csum;        /* No UDP checksum over IPv6. */
};

static inline void
ovl_vxlan_put_be16(uint8_t *p, size_t ofs, uint16_t value)
{
    ovs_be16 wire = htons(value);

    memcpy(p + ofs, &wire, sizeof wire);
}

static inline void
ovl_vxlan_put_be64(uint8_t *p, size_t ofs, uint64_t value)
{
    ovs_be64 wire = htonll(value);

    memcpy(p + ofs, &wire, sizeof wire);
}

/* Fills in the prebuilt IPv4 header at 'l3' of a packet of 'len' bytes, whose
 * one's complement sum is 'sum' for a TOS and a length of 0: adding both makes
 * it right again (RFC 1071). */
static inline void
ovl_vxlan_fill_ipv4(uint8_t *l3, uint32_t sum, size_t len, uint8_t tos)
{
    sum += len + tos;
    sum = (sum & 0xffff) + (sum >> 16);
    sum += sum >> 16;
    l3[offsetof(struct ip_header, ip_tos)] = tos;
    ovl_vxlan_put_be16(l3, offsetof(struct ip_header, ip_tot_len), len);
    ovl_vxlan_put_be16(l3, offsetof(struct ip_header, ip_csum), ~sum);
}

/* Fills in the prebuilt UDP header at 'udp' of a datagram of 'len' bytes, and
 * writes the VXLAN header behind it.  RFC 7348 section 5: only the I flag is
 * set. */
static inline void
ovl_vxlan_fill_udp(uint8_t *udp, size_t len, const struct ovl_vxlan_fields *f)
{
    ovl_vxlan_put_be16(udp, offsetof(struct udp_header, udp_src), f->sport);
    ovl_vxlan_put_be16(udp, offsetof(struct udp_header, udp_len), len);
    ovl_vxlan_put_be64(udp, UDP_HEADER_LEN,
                       (uint64_t) VXLAN_FLAGS << 32 | f->vni << 8);
}

/* Bytes that go in front of a frame over IPv4. */
#define OVL_VXLAN_LEN4 (OVL_ADJ_HEADER4 + sizeof(struct vxlanhdr))

/* Writes at 'data' what goes in front of a frame of 'len' bytes to 'adj', over
 * IPv4. */
static inline void
ovl_vxlan_write_ipv4(uint8_t *data, const struct ovl_adjacency *adj,
                     size_t len, const struct ovl_vxlan_fields *f)
{
    uint8_t *l3 = data + ETH_HEADER_LEN;
    size_t udp_len = UDP_HEADER_LEN + sizeof(struct vxlanhdr) + len;

    /* 32 bytes and, once more, the last 16 are the fewest moves. */
    memcpy(data, adj->header, 32);
    memcpy(data + OVL_ADJ_HEADER4 - 16, adj->header + OVL_ADJ_HEADER4 - 16,
           16);
    ovl_vxlan_fill_ipv4(l3, adj->ip_sum, IP_HEADER_LEN + udp_len, f->tos);
    ovl_vxlan_fill_udp(l3 + IP_HEADER_LEN, udp_len, f);
}

static inline struct dp_packet *
ovl_vxlan_push_ipv4(struct dp_packet *packet,
                    const struct ovl_adjacency *adj,
                    const struct ovl_vxlan_fields *f)
{
    size_t len = dp_packet_size(packet);

    ovl_vxlan_write_ipv4(ovl_pkt_push(&packet, OVL_VXLAN_LEN4), adj, len, f);
    return packet;
}

struct dp_packet *ovl_vxlan_push_ipv6(struct dp_packet *packet,
                                      const struct ovl_adjacency *adj,
                                      const struct ovl_vxlan_fields *);

/* Puts the Ethernet frame 'packet' into VXLAN towards 'adj'.  May return
 * another packet, as ovl_pkt_with_headroom(). */
static inline struct dp_packet *
ovl_vxlan_push(struct dp_packet *packet, const struct ovl_adjacency *adj,
               const struct ovl_vxlan_fields *f)
{
    return (OVS_LIKELY(!adj->ipv6) ? ovl_vxlan_push_ipv4(packet, adj, f)
            : ovl_vxlan_push_ipv6(packet, adj, f));
}

/* Leaves of 'packet', which 'outer' was parsed from without fault, the inner
 * frame. */
void ovl_vxlan_pop(struct dp_packet *packet, const struct ovl_outer *outer);

#endif /* vxlan.h */
