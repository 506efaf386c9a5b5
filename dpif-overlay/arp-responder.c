/* SPDX-License-Identifier: Apache-2.0 */

/* RFC 826, "Packet Generation".  The reply goes to the request's Ethernet
 * source, never to a MAC that only the ARP body names, which a guest could
 * choose.
 *
 * Prefix: ovl_arp_. */

#include <config.h>

#include "arp-responder.h"
#include "byte-order.h"
#include "pkt-edit.h"

/* Of each reply. */
static const struct arp_eth_header constant = {
    .ar_hrd = CONSTANT_HTONS(ARP_HRD_ETHERNET),
    .ar_pro = CONSTANT_HTONS(ETH_TYPE_IP),
    .ar_hln = ETH_ADDR_LEN,
    .ar_pln = sizeof(ovs_be32),
    .ar_op = CONSTANT_HTONS(ARP_OP_REPLY),
};

void
ovl_arp_reply(struct dp_packet *packet, const struct ovl_pkt *request,
              struct eth_addr mac)
{
    uint8_t *eth = ovl_pkt_data(packet);
    uint8_t *arp = eth + ETH_HEADER_LEN;

    dp_packet_set_size(packet, ETH_HEADER_LEN + ARP_ETH_HEADER_LEN);
    OVL_PUT(eth, struct eth_header, eth_dst, request->src);
    OVL_PUT(eth, struct eth_header, eth_src, mac);
    OVL_PUT(eth, struct eth_header, eth_type, htons(ETH_TYPE_ARP));
    memcpy(arp, &constant, offsetof(struct arp_eth_header, ar_sha));
    OVL_PUT(arp, struct arp_eth_header, ar_sha, mac);
    memcpy(arp + offsetof(struct arp_eth_header, ar_spa), &request->arp.tpa,
           sizeof request->arp.tpa);
    OVL_PUT(arp, struct arp_eth_header, ar_tha, request->arp.sha);
    memcpy(arp + offsetof(struct arp_eth_header, ar_tpa), &request->arp.spa,
           sizeof request->arp.spa);
}
