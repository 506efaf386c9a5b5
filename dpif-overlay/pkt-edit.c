/* SPDX-License-Identifier: Apache-2.0 */

/* Edits frames in place: tags, ECN, headroom.
 *
 * Prefix: ovl_pkt_. */

#include <config.h>

#include "csum.h"
#include "pkt-edit.h"

struct dp_packet *
ovl_pkt_new(size_t size)
{
    struct dp_packet *packet
        = dp_packet_new_with_headroom(size, OVL_PKT_HEADROOM);

    packet->packet_type = htonl(PT_ETH);
    dp_packet_reset_offsets(packet);
    return packet;
}

struct dp_packet *
ovl_pkt_reuse(struct dp_packet *packet, size_t size)
{
    if (OVS_UNLIKELY(size > dp_packet_size(packet)
                     + dp_packet_tailroom(packet))) {
        dp_packet_delete(packet);
        packet = ovl_pkt_new(size);
    }
    dp_packet_set_size(packet, size);
    return packet;
}

struct dp_packet *
ovl_pkt_copy_with_headroom(struct dp_packet *packet, size_t n)
{
    struct dp_packet *copy
        = dp_packet_clone_with_headroom(packet, MAX(n, OVL_PKT_HEADROOM));
    dp_packet_delete(packet);
    return copy;
}

void
ovl_pkt_pop_tag(struct dp_packet *packet)
{
    uint8_t *data = ovl_pkt_data(packet);

    memmove(data + VLAN_HEADER_LEN, data, 2 * ETH_ADDR_LEN);
    dp_packet_pull(packet, VLAN_HEADER_LEN);
    dp_packet_reset_offsets(packet);
}

struct dp_packet *
ovl_pkt_push_tag(struct dp_packet *packet, uint16_t vlan)
{
    ovs_be16 tag[2] = { htons(ETH_TYPE_VLAN_8021Q), htons(vlan) };

    BUILD_ASSERT(sizeof tag == VLAN_HEADER_LEN);

    uint8_t *data = ovl_pkt_push(&packet, VLAN_HEADER_LEN);
    memmove(data, data + VLAN_HEADER_LEN, 2 * ETH_ADDR_LEN);
    memcpy(data + 2 * ETH_ADDR_LEN, tag, sizeof tag);
    return packet;
}

void
ovl_pkt_set_ecn(void *data, struct ovl_pkt *pkt, enum ovl_ecn ecn)
{
    uint8_t *l3 = (uint8_t *) data + pkt->l3_ofs;
    uint8_t tos = (pkt->ip.tos & IP_DSCP_MASK) | ecn;

    if (pkt->l3 == OVL_L3_IPV4) {
        struct ip_header h;

        /* RFC 1624: right stays right, wrong stays wrong. */
        memcpy(&h, l3, sizeof h);
        h.ip_csum = recalc_csum16(h.ip_csum, htons(h.ip_tos), htons(tos));
        h.ip_tos = tos;
        memcpy(l3, &h, sizeof h);
    } else {
        /* RFC 8200 section 3: version, traffic class, flow label. */
        l3[0] = (l3[0] & 0xf0) | (tos >> 4);
        l3[1] = (tos << 4) | (l3[1] & 0x0f);
    }
    pkt->ip.tos = tos;
}
