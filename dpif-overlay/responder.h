/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_RESPONDER_H
#define OVL_RESPONDER_H 1

/* Whether a request for a neighbor or a router is answered here: the policy
 * that ARP and ND share.  arp-responder.h, nd-responder.h and router-advert.h
 * write the answers.
 *
 *     request                                  becomes of it
 *     ---------------------------------------  ------------------------------
 *     for a gateway address                    answered, always
 *     for a router, where the network sends
 *       router advertisements                  answered
 *     to a unicast MAC                         forwarded: a liveness check
 *     for the sender's own address, by
 *       whatever means it shows                forwarded
 *     for a shared address                     forwarded
 *     for what is behind the ingress port      forwarded
 *     for a known neighbor, neigh_suppress     answered
 *     for a known neighbor                     forwarded
 *     for an unknown one                       forwarded or dropped, as
 *                                              neigh_miss says
 *
 * What comes out of a tunnel is forwarded, except that gateways and routers
 * are answered for where 'answer-tunnel' is set.  Anything that is not a
 * request is forwarded.
 *
 * Thread-safety: packet threads, in an RCU critical section.
 *
 * Layer 2. */

#include "verdict.h"

/* True if 'pkt' may ask for something. */
static inline bool
ovl_may_ask(const struct ovl_pkt *pkt)
{
    return (pkt->l3 == OVL_L3_ARP
            || (pkt->l3 == OVL_L3_IPV6 && !pkt->l3_bad
                && pkt->ip.nd.status == OVL_ND_OK));
}

/* Decides for 'pkt', which has passed the guards, or that the neighbor table
 * decides, or, if it is not answered in any case, what else becomes of it.
 * Fills 'a->details->answer' in if a neighbor is told of. */
struct ovl_verdict ovl_respond(const struct ovl_arrival *a,
                               const struct ovl_pkt *pkt);

/* Sets '*target' to the address that 'pkt' asks for, if the neighbor table
 * decides. */
void ovl_respond_target(const struct ovl_pkt *pkt, struct in6_addr *target);

/* Decides by 'neighbor', which is what the neighbor table says of that
 * address, and 'way', what the MAC table says of its MAC; NULL if they say
 * nothing. */
struct ovl_verdict ovl_respond_finish(const struct ovl_arrival *a,
                                      const struct ovl_pkt *pkt,
                                      const struct ovl_owner *neighbor,
                                      const struct ovl_way *way);

#endif /* responder.h */
