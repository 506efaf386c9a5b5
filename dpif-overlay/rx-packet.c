/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: ovl_rx_. */

#include <config.h>

#include "rx-packet.h"

#include "pkt-edit.h"

#ifdef DPDK_NETDEV
/* True if nobody else has the memory that 'm' is in: its own, or, as vhost has
 * for large packets, some that it was lent. */
static bool
is_memory_own(struct rte_mbuf *m)
{
    return (RTE_MBUF_DIRECT(m)
            || (RTE_MBUF_HAS_EXTBUF(m) && m->shinfo
                && rte_mbuf_ext_refcnt_read(m->shinfo) == 1));
}

/* True if 'm' is one buffer, and nobody else's. */
static bool
is_own(struct rte_mbuf *m)
{
    return (!m->next && m->data_len == m->pkt_len && is_memory_own(m)
            && rte_mbuf_refcnt_read(m) == 1);
}

/* Copies the segments.  How many there are is what their chain says. */
static struct dp_packet *
copy_segments(const struct rte_mbuf *first)
{
    size_t len = first->pkt_len;
    size_t n = 0;

    if (len > OVL_PKT_MAX) {
        return NULL;
    }

    struct dp_packet *copy = ovl_pkt_new(len);
    for (const struct rte_mbuf *m = first; m && n <= len; m = m->next) {
        if (n + m->data_len <= len) {
            dp_packet_put(copy, rte_pktmbuf_mtod(m, const void *),
                          m->data_len);
        }
        n += m->data_len;
    }
    if (n != len) {
        dp_packet_delete(copy);
        return NULL;
    }
    *dp_packet_ol_flags_ptr(copy) = first->ol_flags
                                    & DP_PACKET_OL_SUPPORTED_MASK;
    copy->mbuf.tso_segsz = first->tso_segsz;
    return copy;
}

struct dp_packet *
ovl_rx_own(struct dp_packet *packet)
{
    if (packet->source != DPBUF_DPDK || OVS_LIKELY(is_own(&packet->mbuf))) {
        return packet;
    }

    struct dp_packet *copy = copy_segments(&packet->mbuf);
    dp_packet_delete(packet);
    return copy;
}
#else
struct dp_packet *
ovl_rx_own(struct dp_packet *packet)
{
    return packet;
}
#endif
