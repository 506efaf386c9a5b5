/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_GUARD_H
#define OVL_GUARD_H 1

/* Who may say what: binding guards, and what is wrong with ARP and ND
 * whoever says it.
 *
 * Thread-safety: packet threads, in an RCU critical section.
 *
 * Layer 2. */

#include "verdict.h"

/* IEEE 802.1Q table 8-1: 01-80-C2-00-00-00 to -0F, which bridges never
 * forward. */
static inline bool
ovl_is_reserved_group(struct eth_addr mac)
{
    static const struct eth_addr first = ETH_ADDR_C(01,80,c2,00,00,00);
    static const struct eth_addr mask = ETH_ADDR_C(ff,ff,ff,ff,ff,f0);

    return (ovl_mac_bits(mac) & ovl_mac_bits(mask)) == ovl_mac_bits(first);
}

/* Checks the plain Ethernet part of a frame from a port or a tunnel: returns
 * why it must be dropped, or OVL_NO_DROP. */
static inline enum ovl_drop_reason
ovl_guard_frame(const struct ovl_pkt *pkt)
{
    uint64_t src = ovl_mac_bits(pkt->src);

    if (eth_addr_is_multicast(pkt->src) || !src) {
        return OVL_DROP_BAD_SOURCE_MAC;
    } else if (src == ovl_mac_bits(pkt->dst)) {
        return OVL_DROP_SAME_MACS;
    } else if (ovl_is_reserved_group(pkt->dst)) {
        return OVL_DROP_RESERVED_GROUP;
    }
    return OVL_NO_DROP;
}

/* Checks ARP as such: malformed, or with addresses that no host of 'net' may
 * use. */
enum ovl_drop_reason ovl_guard_arp(const struct ovl_network *net,
                                   const struct ovl_pkt_arp *);

/* Checks ARP and ND in 'pkt' as such. */
static inline enum ovl_drop_reason
ovl_guard_neighbor_message(const struct ovl_network *net,
                           const struct ovl_pkt *pkt)
{
    if (pkt->l3 == OVL_L3_ARP) {
        return ovl_guard_arp(net, &pkt->arp);
    } else if (pkt->l3 == OVL_L3_IPV6 && !pkt->l3_bad
               && pkt->ip.nd.status == OVL_ND_MALFORMED) {
        return OVL_DROP_ND_MALFORMED;
    }
    return OVL_NO_DROP;
}

/* Checks 'pkt', from an access or gateway port, against the port's binding
 * and the network's router.  The above have passed. */
enum ovl_drop_reason ovl_guard_source(const struct ovl_arrival *,
                                      const struct ovl_pkt *);

#endif /* guard.h */
