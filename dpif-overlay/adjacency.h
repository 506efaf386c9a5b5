/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_ADJACENCY_H
#define OVL_ADJACENCY_H 1

/* Prebuilds the outer header of a VTEP: all that is the same for every packet
 * that goes there.  vxlan.c fills in the rest.
 *
 * Layer 2. */

#include "forwarding.h"

/* What an outer header is made from. */
struct ovl_outer_spec {
    struct eth_addr dst, src;       /* Next hop's MAC and ours. */
    struct in6_addr ip_src, ip_dst; /* VTEP addresses of one family. */
    uint8_t ttl;                    /* TTL or hop limit. */
    uint16_t vxlan_port;            /* UDP destination, host order. */
    uint16_t mtu;                   /* Of the uplink; 0 if unknown. */
};

/* Returns a new adjacency out of 'port' (takes a reference of its own).  The
 * caller owns it until ovl_vtep_set_adjacency(). */
struct ovl_adjacency *ovl_adjacency_create(struct ovl_lport *port,
                                           const struct ovl_outer_spec *);

/* True if packets would leave in just the same way.  NULL is an adjacency. */
bool ovl_adjacency_equals(const struct ovl_adjacency *,
                          const struct ovl_adjacency *);

#endif /* adjacency.h */
