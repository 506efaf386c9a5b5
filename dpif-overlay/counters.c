/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: ovl_counter_, ovl_counters_, ovl_shard_.
 *
 * Numbers are handed out upward, and blocks given back are kept by size, to
 * be used for the next block of just that size: all blocks are of one of a
 * few sizes.  A block never crosses the end of a chunk, so its owner can
 * treat it as an array.
 *
 * Blocks of traffic are made a page at a time: those that packets count in are
 * close together, and none crosses a cache line.
 *
 * What destroyed shards counted is kept in one more shard, 'retired'.
 *
 * Every shard has every chunk: whoever makes either of them makes the missing
 * chunks, under 'mutex', before the number can get to a packet thread. */

#include <config.h>

#include "counters.h"

#include "numa-memory.h"
#include "openvswitch/list.h"
#include "ovs-numa.h"
#include "ovs-rcu.h"
#include "ovs-thread.h"

/* What 'struct ovl_shard' is the beginning of. */
struct shard {
    struct ovl_shard cells;
    struct ovs_list node;       /* In 'shards'. */
    bool summed;                /* False for a private shard. */
    int numa_id;                /* Of its memory. */
};

/* Blocks of one size that may be handed out again. */
struct free_blocks {
    uint32_t *first;
    size_t n, allocated;
};

/* Argument of a postponed free. */
struct freed_block {
    uint32_t first;
    size_t n;
};

#define CHUNK_SIZE (OVL_COUNTER_CHUNK * sizeof(ovl_counter_cell))

static struct ovs_mutex mutex = OVS_MUTEX_INITIALIZER;

/* All shards, 'retired' first. */
static struct ovs_list shards OVS_GUARDED_BY(mutex)
    = OVS_LIST_INITIALIZER(&shards);
static struct shard *retired OVS_GUARDED_BY(mutex);

static uint32_t next_id OVS_GUARDED_BY(mutex);
static size_t n_chunks OVS_GUARDED_BY(mutex);
static struct free_blocks *free_blocks[OVL_COUNTER_CHUNK + 1]
    OVS_GUARDED_BY(mutex);

BUILD_ASSERT_DECL(sizeof(ovl_counter_cell) == sizeof(uint64_t));
BUILD_ASSERT_DECL(OVL_EVENTS_END <= OVL_COUNTER_CHUNK);

#define TRAFFIC_PAGE 512        /* Counters: 4 KB. */
BUILD_ASSERT_DECL(CACHE_LINE_SIZE
                  % (OVL_N_TRAFFIC * sizeof(ovl_counter_cell)) == 0);
BUILD_ASSERT_DECL(OVL_COUNTER_CHUNK % OVL_N_TRAFFIC == 0);

static ovl_counter_cell *
shard_chunk(const struct shard *shard, size_t i)
{
    struct ovl_shard *cells = CONST_CAST(struct ovl_shard *, &shard->cells);
    ovl_counter_cell *chunk;

    atomic_read_explicit(&cells->chunks[i], &chunk, memory_order_relaxed);
    return chunk;
}

/* Gives 'shard' its chunk 'i'.  The chunk is zero before readers can see it:
 * released here, consumed in ovl_counter_add(). */
static void
shard_add_chunk(struct shard *shard, size_t i)
{
    ovl_counter_cell *chunk = ovl_numa_alloc(CHUNK_SIZE, shard->numa_id);

    atomic_store_explicit(&shard->cells.chunks[i], chunk,
                          memory_order_release);
}

static struct shard *
shard_create__(bool summed, int numa_id)
    OVS_REQUIRES(mutex)
{
    struct shard *shard = ovl_numa_alloc(sizeof *shard, numa_id);

    shard->summed = summed;
    shard->numa_id = numa_id;
    for (size_t i = 0; i < n_chunks; i++) {
        shard_add_chunk(shard, i);
    }
    ovs_list_push_back(&shards, &shard->node);
    return shard;
}

static void
add_chunk(void)
    OVS_REQUIRES(mutex)
{
    struct shard *shard;

    if (n_chunks >= OVL_COUNTER_MAX_CHUNKS) {
        ovs_abort(0, "out of counters");
    }
    LIST_FOR_EACH (shard, node, &shards) {
        shard_add_chunk(shard, n_chunks);
    }
    n_chunks++;
}

/* Takes 'mutex', and makes what always exists if it is not there yet. */
static void
lock_counters(void)
    OVS_ACQUIRES(mutex)
{
    ovs_mutex_lock(&mutex);
    if (!retired) {
        retired = shard_create__(true, OVS_NUMA_UNSPEC);
        add_chunk();
        next_id = OVL_EVENTS_END;
    }
}

static void
keep_free_block(uint32_t first, size_t n)
    OVS_REQUIRES(mutex)
{
    struct free_blocks *blocks = free_blocks[n];

    if (!blocks) {
        blocks = free_blocks[n] = xzalloc(sizeof *blocks);
    }
    if (blocks->n >= blocks->allocated) {
        blocks->first = x2nrealloc(blocks->first, &blocks->allocated,
                                   sizeof *blocks->first);
    }
    blocks->first[blocks->n++] = first;
}

static bool
take_free_block(size_t n, uint32_t *first)
    OVS_REQUIRES(mutex)
{
    struct free_blocks *blocks = free_blocks[n];

    if (!blocks || !blocks->n) {
        return false;
    }
    *first = blocks->first[--blocks->n];
    return true;
}

static uint32_t
take_new_block(size_t n)
    OVS_REQUIRES(mutex)
{
    size_t room = n_chunks * OVL_COUNTER_CHUNK - next_id;
    uint32_t first;

    if (n > room) {
        if (room) {
            keep_free_block(next_id, room);
            next_id += room;
        }
        add_chunk();
    }
    first = next_id;
    next_id += n;
    return first;
}

/* Makes a page of blocks, and returns the first. */
static uint32_t
take_new_traffic(void)
    OVS_REQUIRES(mutex)
{
    uint32_t first;

    next_id = ROUND_UP(next_id, OVL_N_TRAFFIC);
    first = take_new_block(TRAFFIC_PAGE);
    for (uint32_t i = TRAFFIC_PAGE - OVL_N_TRAFFIC; i > 0;
         i -= OVL_N_TRAFFIC) {
        keep_free_block(first + i, OVL_N_TRAFFIC);
    }
    return first;
}

uint32_t
ovl_counters_alloc(size_t n)
{
    uint32_t first;

    ovs_assert(n >= 1 && n <= OVL_COUNTER_CHUNK);

    lock_counters();
    if (!take_free_block(n, &first)) {
        first = n == OVL_N_TRAFFIC ? take_new_traffic() : take_new_block(n);
    }
    ovs_mutex_unlock(&mutex);

    return first;
}

/* Runs after the grace period: no packet thread knows the numbers any
 * more. */
static void
free_block_postponed(struct freed_block *freed)
{
    struct shard *shard;

    ovs_mutex_lock(&mutex);
    LIST_FOR_EACH (shard, node, &shards) {
        ovl_counter_cell *chunk
            = shard_chunk(shard, freed->first / OVL_COUNTER_CHUNK);

        for (size_t i = 0; i < freed->n; i++) {
            atomic_store_relaxed(&chunk[freed->first % OVL_COUNTER_CHUNK + i],
                                 0);
        }
    }
    keep_free_block(freed->first, freed->n);
    ovs_mutex_unlock(&mutex);

    free(freed);
}

void
ovl_counters_free(uint32_t first, size_t n)
{
    struct freed_block *freed = xmalloc(sizeof *freed);

    ovs_assert(first >= OVL_EVENTS_END && n >= 1 && n <= OVL_COUNTER_CHUNK);
    freed->first = first;
    freed->n = n;
    ovsrcu_postpone(free_block_postponed, freed);
}

uint64_t
ovl_shard_read(const struct ovl_shard *cells, uint32_t id)
{
    ovl_counter_cell *chunk
        = shard_chunk(CONTAINER_OF(cells, struct shard, cells),
                      id / OVL_COUNTER_CHUNK);
    uint64_t value;

    atomic_read_relaxed(&chunk[id % OVL_COUNTER_CHUNK], &value);
    return value;
}

uint64_t
ovl_counter_read(uint32_t id)
{
    struct shard *shard;
    uint64_t sum = 0;

    lock_counters();
    ovs_assert(id < next_id);
    LIST_FOR_EACH (shard, node, &shards) {
        if (shard->summed) {
            ovl_counter_cell *chunk
                = shard_chunk(shard, id / OVL_COUNTER_CHUNK);
            uint64_t value;

            atomic_read_relaxed(&chunk[id % OVL_COUNTER_CHUNK], &value);
            sum += value;
        }
    }
    ovs_mutex_unlock(&mutex);

    return sum;
}

static struct ovl_shard *
shard_create(bool summed, int numa_id)
{
    struct shard *shard;

    lock_counters();
    shard = shard_create__(summed, numa_id);
    ovs_mutex_unlock(&mutex);

    return &shard->cells;
}

struct ovl_shard *
ovl_shard_create(void)
{
    return shard_create(true, OVS_NUMA_UNSPEC);
}

struct ovl_shard *
ovl_shard_create_on(int numa_id)
{
    return shard_create(true, numa_id);
}

struct ovl_shard *
ovl_shard_create_private(void)
{
    return shard_create(false, OVS_NUMA_UNSPEC);
}

/* The former owner must be done adding to 'cells'.  NULL is fine. */
void
ovl_shard_destroy(struct ovl_shard *cells)
{
    struct shard *shard;

    if (!cells) {
        return;
    }

    shard = CONTAINER_OF(cells, struct shard, cells);
    ovs_mutex_lock(&mutex);
    ovs_list_remove(&shard->node);
    for (size_t i = 0; i < n_chunks; i++) {
        ovl_counter_cell *chunk = shard_chunk(shard, i);

        for (size_t j = 0; shard->summed && j < OVL_COUNTER_CHUNK; j++) {
            uint64_t value;

            atomic_read_relaxed(&chunk[j], &value);
            if (value) {
                ovl_counter_add(&retired->cells, i * OVL_COUNTER_CHUNK + j,
                                value);
            }
        }
        ovl_numa_free(CONST_CAST(void *, (const void *) chunk), CHUNK_SIZE);
    }
    ovs_mutex_unlock(&mutex);

    ovl_numa_free(shard, sizeof *shard);
}
