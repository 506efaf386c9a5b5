/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_RX_PACKET_H
#define OVL_RX_PACKET_H 1

/* What a driver hands over: the pipeline reads and writes packets as
 * contiguous memory that nobody else has, and DPDK promises neither.
 *
 * Thread-safety: packet threads.
 *
 * Layer 3. */

#include "dp-packet.h"

#ifdef DPDK_NETDEV
#include <rte_mbuf.h>
#endif

/* Returns 0 if ovl_rx_own() has nothing to do, as far as that is easily
 * seen.  Without branches: it is asked of every packet. */
static inline uint64_t
ovl_rx_oddities(const struct dp_packet *packet)
{
#ifdef DPDK_NETDEV
    const struct rte_mbuf *m = &packet->mbuf;
    uint64_t odd = ((uintptr_t) m->next | (m->data_len ^ m->pkt_len)
                    | (m->ol_flags & (RTE_MBUF_F_INDIRECT
                                      | RTE_MBUF_F_EXTERNAL))
                    | (rte_mbuf_refcnt_read(m) ^ 1));

    return packet->source == DPBUF_DPDK ? odd : 0;
#else
    return 0;
#endif
}

/* Returns 'packet' if it is in one piece of memory that nobody shares, or else
 * a copy that is, and frees 'packet'.  NULL, and 'packet' is freed, if its
 * segments are not as long as it says, or longer than any frame. */
struct dp_packet *ovl_rx_own(struct dp_packet *packet);

#endif /* rx-packet.h */
