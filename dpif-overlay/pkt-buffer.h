/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_PKT_BUFFER_H
#define OVL_PKT_BUFFER_H 1

/* Memory for the packets that the pipeline makes of others: copies, fragments,
 * segments, errors about them.
 *
 * What is made of a packet in a buffer of DPDK gets such a buffer, too, from a
 * pool that its thread knows: no call of the heap, and netdev-dpdk, which
 * would copy anything else, sends it as it is.  A pool may be empty; then
 * there is no packet, which its maker counts as a drop.  What is made of any
 * other packet comes from the heap, as that packet did: netdevs that hand out
 * such packets free them one by one.
 *
 * Thread-safety: the worker's thread.
 *
 * Layer 2. */

#include "pipeline.h"
#include "pkt-edit.h"

/* Returns a new empty packet with room for 'size' bytes, and for a header in
 * front, to be made of 'like'; or NULL. */
static inline struct dp_packet *
ovl_pkt_buffer(struct ovl_worker *worker, const struct dp_packet *like,
               size_t size)
{
    return (like->source == DPBUF_DPDK && worker->buffer
            ? worker->buffer(worker, size) : ovl_pkt_new(size));
}

/* Returns a packet with the bytes of 'packet', and nothing else of it, or
 * NULL. */
static inline struct dp_packet *
ovl_pkt_copy(struct ovl_worker *worker, const struct dp_packet *packet)
{
    size_t size = dp_packet_size(packet);
    struct dp_packet *copy = ovl_pkt_buffer(worker, packet, size);

    if (OVS_LIKELY(copy)) {
        dp_packet_set_size(copy, size);
        memcpy(ovl_pkt_data(copy), ovl_pkt_data(packet), size);
    }
    return copy;
}

#endif /* pkt-buffer.h */
