/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_OFFLOAD_H
#define OVL_OFFLOAD_H 1

/* What senders leave to others: checksums of TCP, UDP and SCTP, and cutting
 * large TCP packets into segments.  A guest does so behind a vhost-user port,
 * and the kernel behind a port of type system or tap, where
 * other_config:userspace-tso-enable is set.
 *
 *     driver      marks the packet           ovl_offload_take(): believes
 *                                            that it is marked, no more
 *     parser      ovl_pkt_parse_offload(): where everything is, from the
 *                 headers; or dropped, as bad_offload
 *     decisions   are about the longest segment: ovl_pkt_l3_len()
 *     output      a port whose driver can do the rest gets the packet as it
 *                 is, marked by ovl_offload_mark(); any other, and every
 *                 tunnel, gets what ovl_offload_next() makes of it
 *
 * Thread-safety: packet threads; the caller owns the packet.
 *
 * Layer 2. */

#include "dp-packet.h"
#include "lport.h"
#include "pkt-parse.h"

struct ovl_worker;

/* Forgets all that a driver or a guest claims about 'packet' beyond its bytes,
 * and returns what is left to be done, for ovl_pkt_parse_offload(): the first
 * three members. */
struct ovl_offload ovl_offload_take(struct dp_packet *packet);

/* Marks that tell a driver to do something when it sends, and that dp_packet
 * has no name for. */
#ifdef DPDK_NETDEV
#define OVL_OFFLOAD_OTHER_MARKS RTE_MBUF_F_TX_UDP_SEG
#else
#define OVL_OFFLOAD_OTHER_MARKS 0
#endif

/* True if the 'marks' of a packet, or those of any of several, leave something
 * to be done. */
static inline bool
ovl_offload_is_marked(uint64_t marks)
{
    return (marks & (DP_PACKET_OL_TX_L4_MASK | DP_PACKET_OL_TX_TCP_SEG
                     | OVL_OFFLOAD_OTHER_MARKS)) != 0;
}

/* True if whoever sent 'packet' has left something to be done about it.  What
 * it is, ovl_offload_take() says. */
static inline bool
ovl_offload_is_asked(const struct dp_packet *packet)
{
    return ovl_offload_is_marked(*dp_packet_ol_flags_ptr(packet));
}

/* For what is in VXLAN, whose 'asked' is about the outer packet: makes of it
 * what is asked for about 'inner'.  Returns false if that makes no sense. */
bool ovl_offload_inside(struct ovl_offload *asked,
                        const struct ovl_pkt *inner);

/* True if the driver of 'port' can finish what 'o' says. */
bool ovl_offload_port_can(const struct ovl_lport *port,
                          const struct ovl_offload *o);

/* Leaves that to the driver.  The IP header of 'packet' is at 'l3_ofs'. */
void ovl_offload_mark(struct dp_packet *packet, size_t l3_ofs,
                      const struct ovl_offload *o);

/* Bytes of payload in each segment on a way with 'mtu', 0 if that is not
 * known. */
uint16_t ovl_offload_mss(const struct ovl_offload *o, uint16_t mtu);

/* Returns the next finished frame of 'packet', as ovl_tso_next(); the only one
 * may be 'packet' itself.  Whoever gets the last one, with '*ofs' 0, frees
 * 'packet' if 'o->cut'. */
struct dp_packet *ovl_offload_next(struct ovl_worker *,
                                   struct dp_packet *packet, size_t l3_ofs,
                                   const struct ovl_offload *o, uint16_t mss,
                                   size_t *ofs);

#endif /* offload.h */
