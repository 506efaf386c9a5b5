/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_FAST_PATH_H
#define OVL_FAST_PATH_H 1

/* The fast path: what nearly every packet is, and nothing else.  That is
 * unicast IP in one piece, between a VM and a tunnel or another VM of its
 * network, that breaks no rule and needs nothing but its MAC looked up.
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

/* What was decided for a packet. */
struct ovl_fast_item {
    const struct ovl_network *net;
    struct ovl_lport *port;     /* That it leaves on... */
    const struct ovl_adjacency *adj;    /* ...in this tunnel; NULL: plain. */
    uint32_t from;              /* Out of a tunnel: 'traffic' of the VTEP that
                                 * sent it. */
    uint16_t len;               /* Of the plain frame. */
    uint16_t sport;             /* Of the outer UDP header, host order. */
    uint8_t tos;                /* Of the outer IP header. */
};

/* A burst. */
struct ovl_fast {
    struct ovl_worker *worker;
    struct ovl_lport *in;
    uint32_t taken;             /* Bit i: packet i. */
    bool tunnel;                /* They are out of tunnels. */
    struct ovl_fast_item items[NETDEV_MAX_BURST];
};

/* Decides for those of the 'n' packets, 1...NETDEV_MAX_BURST, from 'in', bound
 * by 'binding' (NULL if it is not), for which that is easy: 'fast->taken' says
 * which.  Changes none of them. */
void ovl_fast_decide(struct ovl_fast *fast, struct ovl_worker *,
                     struct ovl_lport *in, const struct ovl_binding *binding,
                     struct dp_packet *const packets[], size_t n);

/* Does what was decided for packets number 'first' to 'end' - 1, which all were
 * taken.  Takes the packets. */
void ovl_fast_act(const struct ovl_fast *fast,
                  struct dp_packet *const packets[], size_t first,
                  size_t end);

#endif /* fast-path.h */
