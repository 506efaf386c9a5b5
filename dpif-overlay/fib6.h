/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_FIB6_H
#define OVL_FIB6_H 1

/* IPv6 routes in memory.  Only fib-private.h includes this.
 *
 * The ranges, in order, are in chunks of at most 256; if there are several, an
 * index has the start of every chunk.  A chunk is a node over as many groups
 * of ranges; an index is a tree of nodes over the chunks.
 *
 * Layer 1. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A chunk or an index; NULL: no route. */
typedef uintptr_t fib6_entry;
#define FIB6_INDEX 1            /* Bit that is set in an index's entry. */

/* Nodes above each other: room for 16 ** 6 chunks. */
#define FIB6_MAX_LEVELS 6

typedef uint64_t fib_u64x2 __attribute__((vector_size(16)));

struct fib6_node {
    union {
        struct {
            uint64_t high[FIB_WAYS];
            uint64_t low[FIB_WAYS];
        };
        struct {
            fib_u64x2 high_x2[FIB_WAYS / 2];
            fib_u64x2 low_x2[FIB_WAYS / 2];
        };
    };
};

struct fib6_group {
    struct fib6_node node;
    fib_word words[FIB_WAYS];
};

/* 1...FIB_CHUNK_MAX ranges: a node, then groups. */
struct fib6_chunk {
    fib_key first;              /* Start of the first range. */
    uint16_t n;                 /* Ranges. */
    OVS_ALIGNED_VAR(CACHE_LINE_SIZE) struct fib6_node root;
    struct fib6_group groups[];
};

/* A tree over chunks. */
struct fib6_index {
    uint32_t n;                 /* Chunks. */
    uint32_t n_levels;
    struct fib6_chunk **chunks;
    uint32_t ofs[FIB6_MAX_LEVELS];  /* First node of each, the top first. */
    OVS_ALIGNED_VAR(CACHE_LINE_SIZE) struct fib6_node nodes[];
};

static inline struct fib6_index *
fib6_index(fib6_entry e)
{
    return e & FIB6_INDEX ? (void *) (e - FIB6_INDEX) : NULL;
}

/* Chunks of 'e'. */
static inline size_t
fib6_n(fib6_entry e)
{
    return e & FIB6_INDEX ? fib6_index(e)->n : e != 0;
}

static inline struct fib6_chunk *
fib6_chunk(fib6_entry e, size_t i)
{
    return e & FIB6_INDEX ? fib6_index(e)->chunks[i] : (void *) e;
}

/* Number of the range that 'key' is in, of those of 'node'.  Vectors are
 * compared to 0, or to -1 where it is true. */
static inline size_t
fib6_search(const struct fib6_node *node, fib_key key)
{
    const fib_u64x2 all_high = { key >> 64, key >> 64 };
    const fib_u64x2 all_low = { key, key };
    fib_u64x2 less = { 0 }, equal = { 0 };

    for (size_t i = 0; i < FIB_WAYS / 2; i++) {
        less += (fib_u64x2) (node->high_x2[i] < all_high);
        equal |= (fib_u64x2) (node->high_x2[i] == all_high);
    }
    if (OVS_UNLIKELY(equal[0] | equal[1])) {
        /* Rare: 'low' is in other cache lines. */
        less = (fib_u64x2) { 0 };
        for (size_t i = 0; i < FIB_WAYS / 2; i++) {
            less += ((fib_u64x2) (node->high_x2[i] < all_high)
                     | ((fib_u64x2) (node->high_x2[i] == all_high)
                        & (fib_u64x2) (node->low_x2[i] < all_low)));
        }
    }
    return -(less[0] + less[1]);
}

/* The writer. */

/* Makes a chunk of 1...FIB_CHUNK_MAX ranges. */
struct fib6_chunk *ovl_fib6_chunk_pack(const struct fib_ranges *);
/* Appends what 'chunk' has to the ranges, which have room for that. */
void ovl_fib6_chunk_unpack(const struct fib6_chunk *, struct fib_ranges *);

/* Makes an index of 'n' > 1 chunks, each of which the caller has to set. */
struct fib6_index *ovl_fib6_index_create(size_t n);
void ovl_fib6_index_set(struct fib6_index *, size_t i, fib_key first,
                        struct fib6_chunk *);
/* Start of chunk 'i', without a look at the chunk. */
fib_key ovl_fib6_key(fib6_entry, size_t i);

/* Frees 'entry' and all under it. */
void ovl_fib6_destroy(fib6_entry);
/* Bytes of 'entry' and all under it. */
size_t ovl_fib6_size(fib6_entry);

/* Routes while they change. */
struct fib6_edit {
    fib6_entry base;            /* The FIB's. */
    bool changed;               /* Says something else than 'base'. */
    unsigned int n_done;        /* Chunks, for fib_done(). */
    struct fib6_edit_chunk *chunks;
    size_t n, allocated;        /* 0 as long as nobody looked. */
    struct fib_retired *retired;
};

void ovl_fib6_edit_init(struct fib6_edit *, fib6_entry base,
                        struct fib_retired *);
void ovl_fib6_edit_paint(struct fib6_edit *, const struct fib_paint *);
/* Returns what the next FIB has, 'base' if nothing changed. */
fib6_entry ovl_fib6_edit_end(struct fib6_edit *);

#endif /* fib6.h */
