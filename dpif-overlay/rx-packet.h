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

/* True if ovl_rx_own() has nothing to do, as far as that is easily seen. */
static inline bool
ovl_rx_is_own(const struct dp_packet *packet)
{
#ifdef DPDK_NETDEV
    const struct rte_mbuf *m = &packet->mbuf;

    return (packet->source != DPBUF_DPDK
            || (m->nb_segs == 1 && m->data_len == m->pkt_len
                && RTE_MBUF_DIRECT(m) && rte_mbuf_refcnt_read(m) == 1));
#else
    return true;
#endif
}

/* Returns 'packet' if it is in one piece of memory that nobody shares, or else
 * a copy that is, and frees 'packet'.  NULL, and 'packet' is freed, if its
 * segments are not as long as it says, or longer than any frame. */
struct dp_packet *ovl_rx_own(struct dp_packet *packet);

#endif /* rx-packet.h */
