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

/* Makes the advertisement "nd.target is at 'mac'" that answers 'ns', a
 * neighbor solicitation; 'router' is its R flag.  The packet is made from
 * nothing.  The caller owns it. */
struct dp_packet *ovl_nd_advertisement(const struct ovl_pkt *ns,
                                       struct eth_addr mac, bool router);

#endif /* nd-responder.h */
