/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_ROUTING_H
#define OVL_ROUTING_H 1

/* What the router of a network does with a packet: route -> next hop ->
 * neighbor -> MAC -> port or VTEP, each looked up by key in the version of the
 * burst, so that a row that changes anything on the way changes it for the
 * next packet.
 *
 * Nothing is resolved by packets and nothing is queued.
 *
 * Thread-safety: packet threads, in an RCU critical section.
 *
 * Layer 2. */

#include "verdict.h"

/* Decides for 'pkt', a frame of 'a->net' to its router MAC that has passed the
 * guards. */
struct ovl_verdict ovl_route(const struct ovl_arrival *a,
                             const struct ovl_pkt *pkt);

/* Decides for 'pkt', a frame that would be bridged but does not fit the way
 * there, whose MTU is 'mtu': a drop, and what its sender is told about it. */
struct ovl_verdict ovl_too_big_to_bridge(const struct ovl_arrival *a,
                                         const struct ovl_pkt *pkt,
                                         uint16_t mtu);

#endif /* routing.h */
