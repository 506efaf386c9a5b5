/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_IP_FORWARD_H
#define OVL_IP_FORWARD_H 1

/* What forwarding does to an IP packet: another Ethernet header, one hop less
 * to live, pieces where it must be.
 *
 * Thread-safety: the caller owns the packet.
 *
 * Layer 2. */

#include "pipeline.h"
#include "pkt-parse.h"

/* Turns 'packet', a plain frame that 'pkt' and 'router' were parsed from, into
 * the frame of the next hop: trims what follows the IP packet, sets the MACs,
 * takes one off TTL or hop limit, which is more than 1. */
void ovl_ip_rewrite(struct dp_packet *packet, const struct ovl_pkt *pkt,
                    const struct ovl_pkt_router *router, struct eth_addr dst,
                    struct eth_addr src);

/* Cuts the next fragment off a plain IPv4 frame (RFC 791 section 3.2).  '*ofs'
 * is how far into the payload to start; it is moved on, and is 0 after the
 * last.  No fragment's IP packet is larger than 'mtu', which is at least 68.
 * The caller owns the fragment; 'packet' stays as it is.  Returns NULL for a
 * fragment that there is no memory for (pkt-buffer.h). */
struct dp_packet *ovl_ip_next_fragment(struct ovl_worker *,
                                       const struct dp_packet *packet,
                                       uint16_t mtu, size_t *ofs);

#endif /* ip-forward.h */
