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

enum ovl_response {
    OVL_RESPONSE_NONE,          /* Forward it like any frame. */
    OVL_RESPONSE_ANSWER,        /* Answer it. */
    OVL_RESPONSE_DROP,          /* Unknown, and neigh_miss=drop. */
};

/* True if 'pkt' may ask for something. */
static inline bool
ovl_may_ask(const struct ovl_pkt *pkt)
{
    return (pkt->l3 == OVL_L3_ARP
            || (pkt->l3 == OVL_L3_IPV6 && !pkt->l3_bad
                && pkt->ip.nd.status == OVL_ND_OK));
}

/* Decides for 'pkt', which has passed the guards.  Fills '*answer' in if the
 * result is OVL_RESPONSE_ANSWER and the request is for a neighbor. */
enum ovl_response ovl_respond(const struct ovl_arrival *,
                              const struct ovl_pkt *pkt,
                              struct ovl_answer *answer);

#endif /* responder.h */
