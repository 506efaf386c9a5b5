/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_COUNTERS_H
#define OVL_COUNTERS_H 1

/* Counters without shared writes.
 *
 * A counter is a number, allocated in blocks by whoever makes a port, a
 * network or a VTEP.  Each thread that handles packets has a *shard*: its own
 * cell for every counter.  Adding is one plain add to a cell that nobody else
 * writes; reading sums the shards.  This is VPP's scheme of per-thread
 * counter vectors.
 *
 * A shard's cells live in chunks of OVL_COUNTER_CHUNK counters.  Chunks are
 * made by ovl_counters_alloc() and ovl_shard_create(), never by a packet
 * thread, so a packet thread neither allocates nor locks.
 *
 * Thread-safety: ovl_counter_add() only by the owner of the shard.
 * Everything else from any thread (takes a mutex).
 *
 * Ownership: a block freed with ovl_counters_free() is used again once an
 * RCU grace period has passed, zeroed.  A destroyed shard's counts stay in
 * the sums.
 *
 * Example:
 *
 *     uint32_t id = ovl_counters_alloc(OVL_N_TRAFFIC);
 *     ovl_counter_add(shard, id + OVL_RX_PACKETS, 1);
 *     printf("%"PRIu64, ovl_counter_read(id + OVL_RX_PACKETS));
 *
 * Layer 0. */

#include <stddef.h>
#include <stdint.h>

#include "ovs-atomic.h"
#include "util.h"

#define OVL_COUNTER_CHUNK 4096
#define OVL_COUNTER_MAX_CHUNKS 16384    /* 64 M counters. */

/* The block of four that ports, networks and VTEPs have. */
enum ovl_traffic {
    OVL_RX_PACKETS,             /* rx: into the bridge. */
    OVL_TX_PACKETS,
    OVL_RX_BYTES,
    OVL_TX_BYTES,
    OVL_N_TRAFFIC
};

/* Counters that always exist, numbers 0...OVL_N_TOTALS - 1.  At rest
 * received + replicated + generated = sent + consumed + dropped. */
enum ovl_total {
    OVL_TOTAL_RECEIVED,         /* Frames taken from ports. */
    OVL_TOTAL_SENT,             /* Frames given to ports. */
    OVL_TOTAL_CONSUMED,         /* Ended here, doing what they were for. */
    OVL_TOTAL_DROPPED,
    OVL_TOTAL_REPLICATED,       /* Copies made beyond the original. */
    OVL_TOTAL_GENERATED,        /* Made here: answers, probes. */
    OVL_N_TOTALS
};

/* Counters that always exist, too: packets with which something is odd that
 * does not decide their fate.  Numbers follow those of the totals. */
enum ovl_event {
    OVL_EVENT_ECN_SUSPICIOUS = OVL_N_TOTALS,    /* See ecn.h. */
    OVL_EVENT_ECN_DANGEROUS,
    OVL_EVENT_MTU_HEARD,        /* See underlay-talk.h: OVL_MTU_SMALLER... */
    OVL_EVENT_MTU_FORGED,       /* ...and OVL_MTU_FORGED. */
    OVL_EVENTS_END
};

typedef ATOMIC(uint64_t) ovl_counter_cell;

struct ovl_shard {
    ATOMIC(ovl_counter_cell *) chunks[OVL_COUNTER_MAX_CHUNKS];
};

/* Makes a block of 'n' adjacent counters, all zero, 1 <= n <=
 * OVL_COUNTER_CHUNK, and returns the number of the first. */
uint32_t ovl_counters_alloc(size_t n);

/* Gives back the block of 'n' counters that starts at 'first', after a grace
 * period. */
void ovl_counters_free(uint32_t first, size_t n);

/* Sum over all shards, past and present. */
uint64_t ovl_counter_read(uint32_t id);

/* What 'shard' alone has in counter 'id'. */
uint64_t ovl_shard_read(const struct ovl_shard *, uint32_t id);

/* Makes a shard for a thread that is anywhere, or on NUMA node 'numa_id'. */
struct ovl_shard *ovl_shard_create(void);
struct ovl_shard *ovl_shard_create_on(int numa_id);
void ovl_shard_destroy(struct ovl_shard *);

/* A shard that no sum includes, for trace. */
struct ovl_shard *ovl_shard_create_private(void);

/* Returns the cell of counter 'id' in 'shard', behind which are those of the
 * rest of its block. */
static inline ovl_counter_cell *
ovl_shard_cells(const struct ovl_shard *shard, uint32_t id)
{
    ovl_counter_cell *chunk;

    atomic_read_explicit(&CONST_CAST(struct ovl_shard *, shard)
                         ->chunks[id / OVL_COUNTER_CHUNK], &chunk,
                         memory_order_consume);
    return &chunk[id % OVL_COUNTER_CHUNK];
}

/* Adds 'n' to 'cell'.  Only the owner of its shard. */
static inline void
ovl_cell_add(ovl_counter_cell *cell, uint64_t n)
{
    uint64_t value;

    atomic_read_relaxed(cell, &value);
    atomic_store_relaxed(cell, value + n);
}

/* Adds 'n' to counter 'id'.  Only the owner of 'shard'. */
static inline void
ovl_counter_add(struct ovl_shard *shard, uint32_t id, uint64_t n)
{
    ovl_cell_add(ovl_shard_cells(shard, id), n);
}

/* Brings counter 'id' into the cache. */
static inline void
ovl_counter_prefetch(struct ovl_shard *shard, uint32_t id)
{
    ovl_counter_cell *chunk;

    atomic_read_explicit(&shard->chunks[id / OVL_COUNTER_CHUNK], &chunk,
                         memory_order_consume);
    OVS_PREFETCH_WRITE(&chunk[id % OVL_COUNTER_CHUNK]);
}

/* Frames in a row that count in the same two cells, on their way there: one
 * after another they would wait for each other's sum.  Its owner is that of
 * the shard, and flushes it when it comes to an end. */
struct ovl_tally {
    uint32_t id;                /* OVL_RX_PACKETS or OVL_TX_PACKETS of some
                                 * block. */
    uint32_t packets;
    uint64_t bytes;
};

static inline void
ovl_tally_flush(struct ovl_shard *shard, struct ovl_tally *t)
{
    if (t->packets) {
        /* A block is in one chunk. */
        ovl_counter_cell *cells = ovl_shard_cells(shard, t->id);

        ovl_cell_add(&cells[0], t->packets);
        ovl_cell_add(&cells[OVL_RX_BYTES - OVL_RX_PACKETS], t->bytes);
        t->packets = 0;
        t->bytes = 0;
    }
}

/* Counts a frame of 'bytes' bytes in 'id' and in the cell of its bytes. */
static inline void
ovl_tally_add(struct ovl_shard *shard, struct ovl_tally *t, uint32_t id,
              size_t bytes)
{
    if (t->id != id) {
        ovl_tally_flush(shard, t);
        t->id = id;
    }
    t->packets++;
    t->bytes += bytes;
}
BUILD_ASSERT_DECL(OVL_RX_BYTES - OVL_RX_PACKETS
                  == OVL_TX_BYTES - OVL_TX_PACKETS);

#endif /* counters.h */
