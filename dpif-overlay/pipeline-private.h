/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_PIPELINE_PRIVATE_H
#define OVL_PIPELINE_PRIVATE_H 1

/* What the passes of the pipeline share.
 *
 * Layer 2. */

#include "verdict.h"

/* A packet on its way. */
struct ovl_item {
    struct dp_packet *packet;
    struct ovl_offload asked;   /* What its sender has left to us. */
    struct ovl_outer outer;     /* From an uplink only. */
    bool for_us;                /* 'outer' is VXLAN for us... */
    bool allowed;               /* ...from whom its network knows. */
    struct ovl_pkt pkt;         /* The frame, or what is inside. */
    struct ovl_arrival arrival;
    struct ovl_verdict verdict;
    struct ovl_details details; /* Of 'arrival'. */
};

/* Looks up the networks that the 'n' items, 1...NETDEV_MAX_BURST, belong to,
 * for those of which it is known. */
void ovl_find_networks(const struct ovl_worker *, struct ovl_item items[],
                       size_t n);

/* Looks up the VTEPs that those of the 'n' items are from that have come out
 * of tunnels, and whether they belong to the network. */
void ovl_find_senders(const struct ovl_worker *, struct ovl_item items[],
                      size_t n);

/* Let the neighbor table, the MAC table and the router decide, in this order,
 * for those of the 'n' items for which they have to. */
void ovl_respond_all(const struct ovl_worker *, struct ovl_item items[],
                     size_t n);
void ovl_bridge_all(const struct ovl_worker *, struct ovl_item items[],
                    size_t n);
void ovl_route_all(const struct ovl_worker *, struct ovl_item items[],
                   size_t n);

#endif /* pipeline-private.h */
