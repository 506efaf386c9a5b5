/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_ND_RESPONDER_H
#define OVL_ND_RESPONDER_H 1

/* Writes neighbor advertisements.  responder.h says when.
 *
 * Thread-safety: any thread.
 *
 * Layer 2. */

#include "dp-packet.h"
#include "pkt-parse.h"

/* Makes of 'packet', a plain frame with the neighbor solicitation that 'ns' was
 * parsed from, the advertisement "nd.target is at 'mac'" that answers it;
 * 'router' is its R flag.  It is written anew.  May return another packet, as
 * ovl_pkt_reuse(). */
struct dp_packet *ovl_nd_advertisement(struct dp_packet *packet,
                                       const struct ovl_pkt *ns,
                                       struct eth_addr mac, bool router);

#endif /* nd-responder.h */
