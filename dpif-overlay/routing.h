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

/* A packet that the router has. */
struct ovl_routing {
    const struct ovl_arrival *a;
    const struct ovl_pkt *pkt;
    const struct ovl_vrf *vrf;  /* NULL: the network routes nowhere. */

    /* The caller's, after ovl_route_start(): what 'vrf' says of
     * 'pkt->ip.dst'. */
    const struct ovl_route *route;  /* NULL: no route. */
    uint8_t plen;               /* As in struct ovl_prefix. */

    /* Where the packet most likely goes, and the caller's, after
     * ovl_route_foresee(): what the tables say of that. */
    uint32_t vni;               /* OVL_VNI_NONE: it is not known. */
    struct in6_addr nexthop;
    const struct ovl_network *net;          /* NULL: none. */
    const struct ovl_owner *neighbor;   /* NULL: none. */
    const struct ovl_way *way;  /* To 'neighbor', NULL: none. */
};

/* Starts routing 'pkt', a frame of 'a->net' to its router MAC that has passed
 * the guards, in 'vrf', that of the network, NULL if it has none.  Returns
 * true if it takes the route to 'pkt->ip.dst' in
 * 'r->vrf' to decide; else '*verdict' says what becomes of it. */
bool ovl_route_start(struct ovl_routing *r, const struct ovl_vrf *vrf,
                     const struct ovl_arrival *a, const struct ovl_pkt *pkt,
                     struct ovl_verdict *verdict);

/* Sets 'r->vni' and 'r->nexthop'. */
void ovl_route_foresee(struct ovl_routing *r);

/* Decides. */
struct ovl_verdict ovl_route_finish(const struct ovl_routing *r);

/* Decides for 'pkt', a frame that would be bridged but does not fit the way
 * there, whose MTU is 'mtu': a drop, and what its sender is told about it. */
struct ovl_verdict ovl_too_big_to_bridge(const struct ovl_arrival *a,
                                         const struct ovl_pkt *pkt,
                                         uint16_t mtu);

#endif /* routing.h */
