/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_UNDERLAY_TALK_H
#define OVL_UNDERLAY_TALK_H 1

/* ARP and Neighbor Discovery with the hosts of the underlay: what frames on
 * the uplink say about a neighbor there, and what we say.  underlay.h decides
 * when, and what to make of it.
 *
 * Thread-safety: pure functions.
 *
 * Layer 2. */

#include <stdbool.h>

#include "overlay-types.h"

struct dp_packet;
struct ovl_config;
struct ovl_pkt;

/* What a frame says about the neighbor 'ip'. */
struct ovl_heard {
    struct in6_addr ip;
    struct eth_addr mac;        /* Where it is; zero: the frame did not say. */
    bool confirms;              /* It hears us, too: RFC 4861's S flag. */
    bool overrides;             /* 'mac' is better than what was known: the O
                                 * flag. */
};

/* Returns true and fills '*heard' in if 'pkt', a frame from the uplink, says
 * something that a host with the addresses of 'config' would note. */
bool ovl_underlay_hear(const struct ovl_config *config,
                       const struct ovl_pkt *pkt, struct ovl_heard *heard);

/* Makes the request "where is 'target'?" from us, 'ip' at 'mac', both of one
 * family.  It goes to 'to', where the neighbor was so far, or to everybody if
 * 'to' is NULL.  The caller owns the packet. */
struct dp_packet *ovl_underlay_ask(const struct in6_addr *ip,
                                   struct eth_addr mac,
                                   const struct in6_addr *target,
                                   const struct eth_addr *to);

/* Makes the announcement "'ip' is at 'mac' now".  The caller owns the
 * packet. */
struct dp_packet *ovl_underlay_announce(const struct in6_addr *ip,
                                        struct eth_addr mac);

#endif /* underlay-talk.h */
