/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_BENCH_RING_H
#define OVL_BENCH_RING_H 1

/* Packets that go round: a thread receives and sends the same ones over and
 * over, first in, first out, as a receive ring of a network card does.
 *
 * They are from a DPDK memory pool in huge pages if DPDK runs, else from
 * malloc().  Those that a datapath drops go back to where they are from, and
 * the ring is filled up again with others.
 *
 * Thread-safety: each thread has a ring of its own. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dp-packet.h"

#define OVL_BENCH_MAX_RING 8192     /* Power of 2. */

struct ovl_bench_ring {
    size_t head;                    /* Of the oldest. */
    size_t n;
    struct dp_packet *slots[OVL_BENCH_MAX_RING];
};

/* Makes the pool, once DPDK runs and a device is configured.  Returns 0 or a
 * positive errno value. */
int ovl_bench_pool_init(void);

/* True if packets are from huge pages. */
bool ovl_bench_pool_is_dpdk(void);

/* The ring of this thread. */
struct ovl_bench_ring *ovl_bench_ring_get(void);

/* Adds packets until there are 'n' in the ring, OVL_BENCH_MAX_RING at most.
 * Returns false if there are no more. */
bool ovl_bench_ring_fill(struct ovl_bench_ring *, size_t n);

/* NULL: malloc(). */
extern struct rte_mempool *ovl_bench_pool;

/* True if 'packet', from malloc(), may go into a ring. */
bool ovl_bench_is_our_memory(const struct dp_packet *packet);

/* True if 'packet' may go into a ring: it is one of ours. */
static inline bool
ovl_bench_is_ours(const struct dp_packet *packet)
{
    return (OVS_LIKELY(packet->source == DPBUF_DPDK)
            ? packet->mbuf.pool == ovl_bench_pool
            : ovl_bench_is_our_memory(packet));
}

/* The place of number 'i' in the ring, the oldest being number 0. */
static inline struct dp_packet **
ovl_bench_ring_slot(struct ovl_bench_ring *ring, size_t i)
{
    return &ring->slots[(ring->head + i) % OVL_BENCH_MAX_RING];
}

/* Gets the oldest 'n' packets, which there are. */
static inline void
ovl_bench_ring_pop(struct ovl_bench_ring *ring, struct dp_packet *packets[],
                   size_t n)
{
    for (size_t i = 0; i < n; i++) {
        packets[i] = *ovl_bench_ring_slot(ring, i);
    }
    ring->head += n;
    ring->n -= n;
}

/* Takes 'n' packets that were sent.  Returns how many bytes they have. */
static inline size_t
ovl_bench_ring_push(struct ovl_bench_ring *ring,
                    struct dp_packet *const packets[], size_t n)
{
    /* A number in memory that each packet increments would take longer than
     * all the rest. */
    size_t used = ring->n, bytes = 0;

    for (size_t i = 0; i < n; i++) {
        struct dp_packet *packet = packets[i];

        bytes += dp_packet_size(packet);
        if (OVS_LIKELY(ovl_bench_is_ours(packet)
                       && used < OVL_BENCH_MAX_RING)) {
            *ovl_bench_ring_slot(ring, used++) = packet;
        } else {
            dp_packet_delete(packet);
        }
    }
    ring->n = used;
    return bytes;
}

#endif /* bench-ring.h */
