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

/* Makes the reply "arp.tpa is at 'mac'" to 'request', an ARP request.  The
 * packet is made from nothing: no byte of the request's buffer gets into it
 * that was not parsed.  The caller owns it. */
struct dp_packet *ovl_arp_reply(const struct ovl_pkt *request,
                                struct eth_addr mac);

#endif /* arp-responder.h */
