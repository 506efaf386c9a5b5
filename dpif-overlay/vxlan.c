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
    return ovl_vxlan_hash_to_port(ovl_flow_hash(inner));
}

uint8_t
ovl_vxlan_tos(const struct ovl_config *config, const struct ovl_pkt *inner)
{
    bool is_ip = ((inner->l3 == OVL_L3_IPV4 || inner->l3 == OVL_L3_IPV6)
                  && !inner->l3_bad);

    return (is_ip ? ovl_vxlan_inner_to_tos(config, inner->ip.tos)
            : config->tos & IP_DSCP_MASK);
}

/* Fills in the prebuilt IPv6 header at 'l3' with a payload of 'len' bytes. */
static inline void
fill_ipv6(uint8_t *l3, size_t len, uint8_t tos)
{
    l3[0] = 0x60 | (tos >> 4);
    l3[1] = tos << 4;
    ovl_vxlan_put_be16(l3, offsetof(struct ovs_16aligned_ip6_hdr, ip6_plen), len);
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

struct dp_packet *
ovl_vxlan_push_ipv6(struct dp_packet *packet,
                    const struct ovl_adjacency *adj,
                    const struct ovl_vxlan_fields *f)
{
    size_t udp_len = (UDP_HEADER_LEN + sizeof(struct vxlanhdr)
                      + dp_packet_size(packet));
    uint8_t *data = ovl_pkt_push(&packet, OVL_ADJ_MAX_HEADER);
    uint8_t *l3 = data + ETH_HEADER_LEN;
    uint8_t *udp = l3 + IPV6_HEADER_LEN;

    memcpy(data, adj->header, OVL_ADJ_HEADER6);
    fill_ipv6(l3, udp_len, f->tos);
    ovl_vxlan_fill_udp(udp, udp_len, f);
    if (!f->udp6_zero_csum) {
        ovs_be16 sum = udp6_csum(l3, udp_len);

        memcpy(udp + offsetof(struct udp_header, udp_csum), &sum, sizeof sum);
    }
    return packet;
}

void
ovl_vxlan_pop(struct dp_packet *packet, const struct ovl_outer *outer)
{
    dp_packet_pull(packet, ovl_outer_inner_ofs(outer));
    dp_packet_set_size(packet, ovl_outer_inner_len(outer));
    dp_packet_reset_offsets(packet);
}
