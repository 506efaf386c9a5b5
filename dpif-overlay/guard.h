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

/* Checks the plain Ethernet part of a frame from a port or a tunnel: returns
 * why it must be dropped, or OVL_NO_DROP. */
enum ovl_drop_reason ovl_guard_frame(const struct ovl_pkt *);

/* Checks ARP and ND in 'pkt' as such: malformed, or with addresses that no
 * host may use. */
enum ovl_drop_reason ovl_guard_neighbor_message(const struct ovl_network *,
                                                const struct ovl_pkt *);

/* Checks 'pkt', from an access or gateway port, against the port's binding
 * and the network's router.  The above have passed. */
enum ovl_drop_reason ovl_guard_source(const struct ovl_arrival *,
                                      const struct ovl_pkt *);

#endif /* guard.h */
