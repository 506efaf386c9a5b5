/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_ARP_RESPONDER_H
#define OVL_ARP_RESPONDER_H 1

/* Writes ARP replies.  responder.h says when.
 *
 * Thread-safety: any thread.
 *
 * Layer 2. */

#include "dp-packet.h"
#include "pkt-parse.h"

/* Makes of 'packet', a plain frame with the ARP request that 'request' was
 * parsed from, the reply "arp.tpa is at 'mac'".  It is written anew: no byte of
 * the request gets into it that was not parsed. */
void ovl_arp_reply(struct dp_packet *packet, const struct ovl_pkt *request,
                   struct eth_addr mac);

#endif /* arp-responder.h */
