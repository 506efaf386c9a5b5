/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_FAST_PATH_H
#define OVL_FAST_PATH_H 1

/* The fast path: what nearly every packet is, and nothing else.  That is
 * unicast IP in one piece, between a VM and a tunnel or another VM of its
 * network, or from a VM through the router to one next hop, that breaks no
 * rule and fits, and the same from a VLAN of an L2 gateway port; and ARP
 * requests of VMs for neighbors.  What VMs provoke in masses when they scan is
 * dropped here, too: frames to unknown MACs, and, once nothing more may be said
 * about them, packets to nowhere.
 *
 * Of a packet that it takes it decides what the passes of pipeline.c would
 * have decided, with a fifth of the instructions: it has no room for anything
 * that only some packets need, and it remembers what the packet before was
 * allowed to say.  What it does not take it has not touched.  So a rule that
 * is missing here must make it take fewer packets, never more.
 *
 * Decides for a burst, then acts, packet by packet, so that those that it did
 * not take can leave in between and flows stay in order.
 *
 * Thread-safety: packet threads, in an RCU critical section.
 *
 * Layer 2. */

#include "pipeline.h"

/* What is done to a packet on its way. */
enum ovl_fast_kind {
    OVL_FAST_BRIDGED,
    OVL_FAST_ROUTED,
    OVL_FAST_ANSWERED,
    OVL_FAST_DROPPED,
};

/* Where packets go. */
struct ovl_fast_way {
    uint16_t limit;             /* Frames that it takes are shorter than this;
                                 * 0: it is not for the fast path, and nothing
                                 * else here counts. */
    uint16_t headroom;          /* That a frame has to have for 'adj'... */
    uint8_t kind;               /* enum ovl_fast_kind. */
    uint8_t reason;             /* enum ovl_drop_reason: OVL_FAST_DROPPED. */
    struct ovl_lport *port;
    const struct ovl_adjacency *adj;    /* ...in this tunnel; NULL: plain... */
    ovl_counter_cell *sent;     /* ...where it is counted, as by a tally. */
};

/* What else is done on the way.  OVL_FAST_ROUTED: into the network of this
 * VNI, that counts here, with these MACs, destination and source.
 * OVL_FAST_ANSWERED: the latter has the address.  From a VLAN, the network is
 * set always. */
struct ovl_fast_rewrite {
    uint32_t vni, traffic;
    struct eth_addr macs[2];
};

/* A way that leads nowhere. */
#define OVL_FAST_NOWHERE NETDEV_MAX_BURST

/* What was decided for a packet. */
struct ovl_fast_item {
    const struct ovl_network *net;      /* Out of a tunnel: its network... */
    uint32_t from;              /* ...and 'traffic' of its sender.  From a
                                 * VLAN: that of its network. */
    uint16_t len;               /* Of the frame as its network got it, */
    uint16_t out_len;           /* and as it leaves, without a tunnel. */
    uint16_t sport;             /* Of the outer UDP header, host order. */
    uint8_t tos;                /* Of the outer IP header. */
    uint8_t way;                /* Of the burst's 'ways'. */
};

/* A burst. */
struct ovl_fast {
    struct ovl_worker *worker;
    struct ovl_lport *in;
    uint32_t taken;             /* Bit i: packet i. */
    bool tunnel;                /* They are out of tunnels, */
    bool vlans;                 /* or each from its VLAN, tagged, */
    const struct ovl_network *net;      /* or else from this network, */
    uint32_t drops;             /* where drops are counted from here. */
    struct ovl_fast_item items[NETDEV_MAX_BURST];
    struct ovl_fast_way ways[NETDEV_MAX_BURST + 1];
    struct ovl_fast_rewrite rewrites[NETDEV_MAX_BURST];     /* Of 'ways'. */
    size_t n_other;             /* Of them, from the end: not bridged. */
    bool plain;                 /* All are bridged, none is dropped. */
};

/* Returns what is known of 'in' in the worker's version. */
struct ovl_known_port *ovl_fast_know(struct ovl_worker *,
                                     const struct ovl_lport *in);

/* Decides for those of the 'n' packets, 1...NETDEV_MAX_BURST, from 'in', of
 * which 'known' is known, for which that is easy: 'fast->taken' says which.
 * Changes none of them. */
void ovl_fast_decide(struct ovl_fast *fast, struct ovl_worker *,
                     struct ovl_lport *in, struct ovl_known_port *known,
                     struct dp_packet *const packets[], size_t n);

/* Does what was decided for packets number 'first' to 'end' - 1, which were
 * all taken.  Takes the packets; what is in 'packets' then means nothing. */
void ovl_fast_act(const struct ovl_fast *fast, struct dp_packet *packets[],
                  size_t first, size_t end);

#endif /* fast-path.h */
