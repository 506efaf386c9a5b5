/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_REPLICATE_H
#define OVL_REPLICATE_H 1

/* Head-end replication: one copy to each other local member of a network and,
 * unless the frame came out of a tunnel, to each VTEP of its flood list
 * (RFC 8365 section 5.1.1).
 *
 * A destination that cannot take its copy costs the others nothing: it counts
 * as a drop of its own, under its own reason.  Of n destinations one gets the
 * original, and n - 1 count as replicated, whether their copies lived or not,
 * so that received + replicated = sent + dropped.
 *
 * Thread-safety: packet threads, in an RCU critical section.
 *
 * Layer 2. */

#include "verdict.h"

/* Floods 'packet' in 'a->net', where it has at least one destination.  'pkt'
 * is what was parsed of it.  Takes 'packet'. */
void ovl_replicate(const struct ovl_arrival *a, const struct ovl_pkt *pkt,
                   struct dp_packet *packet);

#endif /* replicate.h */
