/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_ICMP_H
#define OVL_ICMP_H 1

/* What a router says about packets that it does not forward, and its answer to
 * an echo request.  Which packets it says nothing about is decided here, too.
 *
 * Thread-safety: packet threads.
 *
 * Layer 2. */

#include "dp-packet.h"
#include "forwarding.h"
#include "pkt-parse.h"

struct ovl_trace;
struct ovl_worker;

/* What there is to say, whatever the family. */
enum ovl_icmp_message {
    OVL_ICMP_NONE,
    OVL_ICMP_TTL_EXPIRED,
    OVL_ICMP_NO_ROUTE,
    OVL_ICMP_HOST_UNREACHABLE,
    OVL_ICMP_PROHIBITED,
    OVL_ICMP_PORT_UNREACHABLE,
    OVL_ICMP_PROTO_UNREACHABLE,
    OVL_ICMP_TOO_BIG,
};

struct ovl_icmp {
    enum ovl_icmp_message message;
    uint16_t mtu;               /* OVL_ICMP_TOO_BIG. */
    struct in6_addr src;        /* Who says so, of the packet's family. */
    struct eth_addr eth_src;    /* Its MAC. */
};

/* Returns whether something may be said about 'pkt': not about an error, what
 * went to many, a fragment that is not the first, or whom nobody can answer
 * (RFC 1812 section 4.3.2.7, RFC 4443 section 2.4 (e); what that allows
 * about multicast is for those who route it). */
bool ovl_icmp_may_answer(const struct ovl_pkt *,
                         const struct ovl_pkt_router *);

/* Makes the frame that says 'icmp' about the IP packet that 'pkt' and 'router'
 * were parsed from; 'frame' is the Ethernet frame as it was received.  It goes
 * to the frame's source.  The caller owns it.  Returns NULL if there is no
 * memory for something that is made of 'packet' (pkt-buffer.h). */
struct dp_packet *ovl_icmp_error(struct ovl_worker *,
                                 const struct dp_packet *packet,
                                 const struct ovl_icmp *icmp,
                                 const void *frame, const struct ovl_pkt *pkt,
                                 const struct ovl_pkt_router *router);

/* Tells what ovl_icmp_error() says, to whom, and its type and code. */
void ovl_icmp_trace(struct ovl_trace *, const struct ovl_icmp *,
                    const struct ovl_pkt *);

/* Makes of 'packet', a plain frame with the echo request that 'pkt' and
 * 'router' were parsed from, when it was not plain yet perhaps, the reply (RFC
 * 1122 section 3.2.2.6, RFC 4443 section 4.2).  The headers are written
 * anew. */
void ovl_icmp_echo_reply(struct dp_packet *packet, struct eth_addr eth_src,
                         const struct ovl_pkt *pkt,
                         const struct ovl_pkt_router *router);

#endif /* icmp.h */
