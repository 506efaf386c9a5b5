/* SPDX-License-Identifier: Apache-2.0 */

/* RFC 826, "Packet Generation".  The reply goes to the request's Ethernet
 * source, never to a MAC that only the ARP body names, which a guest could
 * choose.
 *
 * Prefix: ovl_arp_. */

#include <config.h>

#include "arp-responder.h"
#include "pkt-edit.h"

struct dp_packet *
ovl_arp_reply(const struct ovl_pkt *request, struct eth_addr mac)
{
    struct dp_packet *reply
        = ovl_pkt_new(ETH_HEADER_LEN + ARP_ETH_HEADER_LEN);
    struct eth_header eth = {
        .eth_dst = request->src,
        .eth_src = mac,
        .eth_type = htons(ETH_TYPE_ARP),
    };
    struct arp_eth_header arp = {
        .ar_hrd = htons(ARP_HRD_ETHERNET),
        .ar_pro = htons(ETH_TYPE_IP),
        .ar_hln = ETH_ADDR_LEN,
        .ar_pln = sizeof request->arp.spa,
        .ar_op = htons(ARP_OP_REPLY),
        .ar_sha = mac,
        .ar_tha = request->arp.sha,
    };

    put_16aligned_be32(&arp.ar_spa, request->arp.tpa);
    put_16aligned_be32(&arp.ar_tpa, request->arp.spa);
    dp_packet_put(reply, &eth, sizeof eth);
    dp_packet_put(reply, &arp, sizeof arp);
    return reply;
}
