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
#include "hash.h"
#include "pkt-edit.h"
#include "random.h"
#include "vxlan.h"

/* A guest that knew the seed could put all flows on one underlay path. */
static uint32_t flow_seed;

void
ovl_flow_hash_init(void)
{
    random_init();
    flow_seed = random_uint32();
}

static uint32_t
hash_bytes16(uint32_t hash, const struct in6_addr *ip)
{
    uint32_t words[4];

    memcpy(words, ip, sizeof words);
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        hash = hash_add(hash, words[i]);
    }
    return hash;
}

/* Five-tuple, with ports of 0 for fragments; addresses and type if it is not
 * IP. */
uint32_t
ovl_flow_hash(const struct ovl_pkt *inner)
{
    uint32_t hash = flow_seed;

    if ((inner->l3 == OVL_L3_IPV4 || inner->l3 == OVL_L3_IPV6)
        && !inner->l3_bad) {
        const struct ovl_pkt_ip *ip = &inner->ip;

        hash = hash_bytes16(hash, &ip->src);
        hash = hash_bytes16(hash, &ip->dst);
        hash = hash_add(hash, ip->hash_proto);
        hash = hash_add(hash, ((uint32_t) ntohs(ip->sport) << 16)
                              | ntohs(ip->dport));
    } else {
        hash = hash_add64(hash, eth_addr_to_uint64(inner->src));
        hash = hash_add64(hash, eth_addr_to_uint64(inner->dst));
        hash = hash_add(hash, ntohs(inner->type));
    }
    return hash_finish(hash, 0);
}

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

/* Fills in the IPv4 header at 'l3' of a packet of 'len' bytes. */
static void
fill_ipv4(uint8_t *l3, size_t len, uint8_t tos)
{
    struct ip_header h;

    memcpy(&h, l3, sizeof h);
    h.ip_tos = tos;
    h.ip_tot_len = htons(len);
    h.ip_csum = csum(&h, sizeof h);
    memcpy(l3, &h, sizeof h);
}

/* Fills in the IPv6 header at 'l3' with a payload of 'len' bytes. */
static void
fill_ipv6(uint8_t *l3, size_t len, uint8_t tos)
{
    ovs_be16 plen = htons(len);

    l3[0] = 0x60 | (tos >> 4);
    l3[1] = (tos << 4) | (l3[1] & 0x0f);
    memcpy(l3 + offsetof(struct ovs_16aligned_ip6_hdr, ip6_plen), &plen,
           sizeof plen);
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
ovl_vxlan_push(struct dp_packet *packet, const struct ovl_adjacency *adj,
               const struct ovl_vxlan_fields *f)
{
    size_t l3_len = adj->ipv6 ? IPV6_HEADER_LEN : IP_HEADER_LEN;
    struct udp_header udp;
    struct vxlanhdr vxlan;

    packet = ovl_pkt_with_headroom(packet, adj->header_len);
    uint8_t *data = dp_packet_push_uninit(packet, adj->header_len);
    memcpy(data, adj->header, adj->header_len);
    dp_packet_reset_offsets(packet);

    uint8_t *vxlan_p = data + adj->header_len - sizeof vxlan;
    uint8_t *udp_p = vxlan_p - sizeof udp;
    uint8_t *l3 = udp_p - l3_len;
    size_t udp_len = dp_packet_size(packet) - (udp_p - data);

    memcpy(&vxlan, vxlan_p, sizeof vxlan);
    put_16aligned_be32(&vxlan.vx_vni, htonl(f->vni << 8));
    memcpy(vxlan_p, &vxlan, sizeof vxlan);

    memcpy(&udp, udp_p, sizeof udp);
    udp.udp_src = htons(f->sport);
    udp.udp_len = htons(udp_len);
    memcpy(udp_p, &udp, sizeof udp);

    if (adj->ipv6) {
        fill_ipv6(l3, udp_len, f->tos);
        if (!f->udp6_zero_csum) {
            udp.udp_csum = udp6_csum(l3, udp_len);
            memcpy(udp_p, &udp, sizeof udp);
        }
    } else {
        fill_ipv4(l3, l3_len + udp_len, f->tos);
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
