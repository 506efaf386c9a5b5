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
struct ovl_worker;

/* What a frame says about the neighbor 'ip', or about the way to the VTEP
 * 'ip'. */
struct ovl_heard {
    struct in6_addr ip;
    uint16_t mtu;               /* Nonzero: largest outer IP packet that gets
                                 * to the VTEP; nothing below is valid. */
    struct eth_addr mac;        /* Where it is; zero: the frame did not say. */
    bool confirms;              /* It hears us, too: RFC 4861's S flag. */
    bool overrides;             /* 'mac' is better than what was known: the O
                                 * flag. */
};

/* Returns true and fills '*heard' in if 'pkt', a frame from the uplink, says
 * something that a host with the addresses of 'config' would note. */
bool ovl_underlay_hear(const struct ovl_config *config,
                       const struct ovl_pkt *pkt, struct ovl_heard *heard);

enum ovl_mtu_news {
    OVL_MTU_NOTHING,            /* It says nothing about our tunnels. */
    OVL_MTU_KNOWN,              /* We send no larger packets there... */
    OVL_MTU_SMALLER,            /* ...we do. */
    OVL_MTU_FORGED,             /* Nobody on the way can have said that. */
};

/* Looks for what a router of the underlay says about a packet to a VTEP that
 * did not fit (RFC 1191, RFC 8201).  'pkt' was parsed from 'frame', from the
 * uplink.  What is quoted has to be a packet of ours, as far as it is quoted:
 * from our tunnel address to a VTEP that we have, VXLAN, of a network that we
 * have.  Fills '*heard' in for OVL_MTU_SMALLER. */
enum ovl_mtu_news ovl_underlay_hear_mtu(const struct ovl_worker *,
                                        const struct ovl_pkt *pkt,
                                        const void *frame,
                                        struct ovl_heard *heard);

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
