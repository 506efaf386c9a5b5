/* SPDX-License-Identifier: Apache-2.0 */

/* Fills in prebuilt outer headers.
 *
 * Over IPv4 there is no UDP checksum (RFC 7348 section 5: "SHOULD be
 * transmitted as zero"); over IPv6 it covers the whole datagram, unless
 * configured away (RFC 6935).
 *
 * Prefix: ovl_vxlan_. */

#include <config.h>

#include <netinet/ip6.h>

#include "csum.h"
#include "ecn.h"
#include "flow-hash.h"
#include "pkt-edit.h"
#include "vxlan.h"

uint16_t
ovl_vxlan_source_port(const struct ovl_pkt *inner)
{
    uint64_t range = OVL_VXLAN_SPORT_MAX - OVL_VXLAN_SPORT_MIN + 1;

    return OVL_VXLAN_SPORT_MIN + (ovl_flow_hash(inner) * range >> 32);
}

uint8_t
ovl_vxlan_tos(const struct ovl_config *config, const struct ovl_pkt *inner)
{
    bool is_ip = ((inner->l3 == OVL_L3_IPV4 || inner->l3 == OVL_L3_IPV6)
                  && !inner->l3_bad);

    if (!is_ip) {
        return config->tos & IP_DSCP_MASK;
    }
    return ((config->dscp_inherit ? inner->ip.tos : config->tos)
            & IP_DSCP_MASK)
           | ovl_ecn_encapsulate(ovl_ecn_of_tos(inner->ip.tos));
}

static inline void
put_be16(uint8_t *p, size_t ofs, uint16_t value)
{
    ovs_be16 wire = htons(value);

    memcpy(p + ofs, &wire, sizeof wire);
}

static inline void
put_be32(uint8_t *p, size_t ofs, uint32_t value)
{
    ovs_be32 wire = htonl(value);

    memcpy(p + ofs, &wire, sizeof wire);
}

/* Fills in the prebuilt IPv4 header at 'l3' of a packet of 'len' bytes, whose
 * checksum is 'prebuilt_csum' for a TOS and a length of 0: adding both makes
 * it right again (RFC 1071). */
static inline void
fill_ipv4(uint8_t *l3, ovs_be16 prebuilt_csum, size_t len, uint8_t tos)
{
    uint32_t sum = (uint16_t) ~ntohs(prebuilt_csum) + len + tos;

    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    l3[offsetof(struct ip_header, ip_tos)] = tos;
    put_be16(l3, offsetof(struct ip_header, ip_tot_len), len);
    put_be16(l3, offsetof(struct ip_header, ip_csum), ~sum);
}

/* Fills in the prebuilt IPv6 header at 'l3' with a payload of 'len' bytes. */
static inline void
fill_ipv6(uint8_t *l3, size_t len, uint8_t tos)
{
    l3[0] = 0x60 | (tos >> 4);
    l3[1] = tos << 4;
    put_be16(l3, offsetof(struct ovs_16aligned_ip6_hdr, ip6_plen), len);
}

/* Fills in the prebuilt UDP header at 'udp' of a datagram of 'len' bytes, and
 * writes the VXLAN header behind it.  RFC 7348 section 5: only the I flag is
 * set. */
static inline void
fill_udp_and_vxlan(uint8_t *udp, size_t len, const struct ovl_vxlan_fields *f)
{
    put_be16(udp, offsetof(struct udp_header, udp_src), f->sport);
    put_be16(udp, offsetof(struct udp_header, udp_len), len);
    put_be32(udp, UDP_HEADER_LEN, VXLAN_FLAGS);
    put_be32(udp, UDP_HEADER_LEN + 4, f->vni << 8);
}

/* RFC 8200 section 8.1, over the 'len' bytes of UDP behind 'l3'. */
static ovs_be16
udp6_csum(const uint8_t *l3, size_t len)
{
    size_t src = offsetof(struct ovs_16aligned_ip6_hdr, ip6_src);
    uint32_t sum = csum_continue(0, l3 + src, 2 * sizeof(struct in6_addr));

    sum = csum_add16(sum, htons(len));
    sum = csum_add16(sum, htons(IPPROTO_UDP));

    ovs_be16 result = csum_finish(csum_continue(sum, l3 + IPV6_HEADER_LEN,
                                                len));
    return result ? result : htons(0xffff);
}

static struct dp_packet *
push_ipv4(struct dp_packet *packet, const struct ovl_adjacency *adj,
          const struct ovl_vxlan_fields *f)
{
    size_t udp_len = (UDP_HEADER_LEN + sizeof(struct vxlanhdr)
                      + dp_packet_size(packet));
    uint8_t *data = ovl_pkt_push(&packet, (OVL_ADJ_HEADER4
                                           + sizeof(struct vxlanhdr)));
    uint8_t *l3 = data + ETH_HEADER_LEN;

    memcpy(data, adj->header, OVL_ADJ_HEADER4);
    fill_ipv4(l3, adj->ip_csum, IP_HEADER_LEN + udp_len, f->tos);
    fill_udp_and_vxlan(l3 + IP_HEADER_LEN, udp_len, f);
    return packet;
}

static struct dp_packet *
push_ipv6(struct dp_packet *packet, const struct ovl_adjacency *adj,
          const struct ovl_vxlan_fields *f)
{
    size_t udp_len = (UDP_HEADER_LEN + sizeof(struct vxlanhdr)
                      + dp_packet_size(packet));
    uint8_t *data = ovl_pkt_push(&packet, OVL_ADJ_MAX_HEADER);
    uint8_t *l3 = data + ETH_HEADER_LEN;
    uint8_t *udp = l3 + IPV6_HEADER_LEN;

    memcpy(data, adj->header, OVL_ADJ_HEADER6);
    fill_ipv6(l3, udp_len, f->tos);
    fill_udp_and_vxlan(udp, udp_len, f);
    if (!f->udp6_zero_csum) {
        ovs_be16 sum = udp6_csum(l3, udp_len);

        memcpy(udp + offsetof(struct udp_header, udp_csum), &sum, sizeof sum);
    }
    return packet;
}

struct dp_packet *
ovl_vxlan_push(struct dp_packet *packet, const struct ovl_adjacency *adj,
               const struct ovl_vxlan_fields *f)
{
    return (OVS_LIKELY(!adj->ipv6) ? push_ipv4(packet, adj, f)
            : push_ipv6(packet, adj, f));
}

void
ovl_vxlan_pop(struct dp_packet *packet, const struct ovl_outer *outer)
{
    dp_packet_pull(packet, ovl_outer_inner_ofs(outer));
    dp_packet_set_size(packet, ovl_outer_inner_len(outer));
    dp_packet_reset_offsets(packet);
}
