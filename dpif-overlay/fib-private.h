/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_FIB_PRIVATE_H
#define OVL_FIB_PRIVATE_H 1

/* How a FIB lies in memory.  For fib.c and fib-find.c, which look up,
 * fib-pack.c, which makes it, and fib-edit.c, which works out what has to be
 * made.
 *
 * All searching is for the last of some sorted ranges that starts at or before
 * a key, among 16 at a time, in a 'node': it has, for each range but the
 * first, the number before its start.  The place of the range is then how many
 * numbers are less than the key, which takes no branch and no knowledge of
 * how many ranges there are: what is not used is the greatest number, which is
 * less than none.
 *
 *     ranges start at  20   30   35              node  max  29  34  max ...
 *     key 33: one number is less: the range is number 1
 *
 * A chunk is a node over as many groups of ranges; an index is a tree of
 * nodes over the chunks.  An IPv4 node is a cache line.
 *
 * The shape of nodes is that of P. Khuong's and of S. Slotin's static B-trees
 * ("Algorithms for modern hardware", chapter 12).
 *
 * Layer 1. */

#include "fib.h"
#include "util.h"

#define FIB_WAYS 16

/* Ranges in a chunk.  Larger chunks make the index smaller, which is copied
 * for each edit of a large FIB; smaller ones make a change cheaper. */
#define FIB_CHUNK_MAX (FIB_WAYS * FIB_WAYS)

/* Nodes above each other: room for 16 ** 6 chunks. */
#define FIB_MAX_LEVELS 6

/* An address as a number: 32 bits of IPv4 or 128 bits. */
typedef unsigned __int128 fib_key;

/* What a range leads to: value << 8 | length of its prefix.  A range without
 * a route is 0. */
typedef uint32_t fib_word;

/* What any x86-64 compares at once; elsewhere the compiler makes do. */
typedef uint32_t fib_u32x4 __attribute__((vector_size(16)));
typedef uint64_t fib_u64x2 __attribute__((vector_size(16)));

struct fib_node4 {
    union {
        uint32_t keys[FIB_WAYS];
        fib_u32x4 keys_x4[FIB_WAYS / 4];
    };
};

struct fib_node6 {
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

struct fib_group4 {
    struct fib_node4 node;
    fib_word words[FIB_WAYS];
};

struct fib_group6 {
    struct fib_node6 node;
    fib_word words[FIB_WAYS];
};

/* 1...FIB_CHUNK_MAX ranges: a node, then groups. */
struct fib_chunk {
    fib_key first;              /* Start of the first range. */
    uint16_t n;                 /* Ranges. */
    uint16_t n_groups;          /* That there is room for. */
    union {
        OVS_ALIGNED_VAR(CACHE_LINE_SIZE) struct fib_node4 root4[0];
        struct fib_node6 root6[0];
    };
};

/* A tree over chunks. */
struct fib_index {
    struct fib_chunk **chunks;
    uint32_t n_levels;
    uint32_t ofs[FIB_MAX_LEVELS];   /* First node of each, the top first. */
    union {
        OVS_ALIGNED_VAR(CACHE_LINE_SIZE) struct fib_node4 nodes4[0];
        struct fib_node6 nodes6[0];
    };
};

/* Ranges of one family. */
struct fib_map {
    uint32_t n;                 /* Chunks. */
    union {
        struct fib_chunk *only; /* 'n' is 1. */
        struct fib_index *index; /* 'n' is more than that. */
    };
};

enum { FIB_V4, FIB_V6, FIB_N_FAMILIES };

struct ovl_fib {
    struct fib_map maps[FIB_N_FAMILIES];

    /* Writer only. */
    bool superseded;            /* Has a successor. */
    struct fib_chunk **retired; /* Chunks that the successor has not. */
    size_t n_retired;
};

static inline size_t
fib_node_size(bool v4)
{
    return v4 ? sizeof(struct fib_node4) : sizeof(struct fib_node6);
}

static inline struct fib_group4 *
fib_group4(const struct fib_chunk *chunk, size_t i)
{
    const void *groups = chunk->root4 + 1;

    return CONST_CAST(struct fib_group4 *, groups) + i;
}

static inline struct fib_group6 *
fib_group6(const struct fib_chunk *chunk, size_t i)
{
    const void *groups = chunk->root6 + 1;

    return CONST_CAST(struct fib_group6 *, groups) + i;
}

static inline fib_key
fib_key_of(const struct in6_addr *ip)
{
    ovs_be64 halves[2];

    if (ovl_ip_is_v4(ip)) {
        return ntohl(in6_addr_get_mapped_ipv4(ip));
    }
    memcpy(halves, ip, sizeof halves);
    return (fib_key) ntohll(halves[0]) << 64 | ntohll(halves[1]);
}

static inline struct fib_chunk *
fib_map_chunk(const struct fib_map *map, size_t i)
{
    return map->n == 1 ? map->only : map->index->chunks[i];
}

/* Searching. */

/* Vectors are compared to 0, or to -1 where it is true. */

/* Number of the range that 'key' is in, of those of 'node'. */
static inline size_t
fib_search4(const struct fib_node4 *node, uint32_t key)
{
    const fib_u32x4 all = { key, key, key, key };
    fib_u32x4 less = { 0 };

    for (size_t i = 0; i < FIB_WAYS / 4; i++) {
        less += (fib_u32x4) (node->keys_x4[i] < all);
    }
    return (uint32_t) -(less[0] + less[1] + less[2] + less[3]);
}

static inline size_t
fib_search6(const struct fib_node6 *node, fib_key key)
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

static inline struct ovl_fib_result
fib_result_of(fib_word word, bool v4)
{
    return (struct ovl_fib_result) {
        .value = word >> 8, .plen = (word & 0xff) + (v4 ? 96 : 0),
    };
}

/* The writer. */

/* Ranges as the writer changes them: sorted, the last one to the end. */
struct fib_ranges {
    size_t n, allocated;
    fib_key *keys;
    fib_word *words;
};

/* Makes a chunk of 1...FIB_CHUNK_MAX ranges. */
struct fib_chunk *ovl_fib_chunk_pack(const struct fib_ranges *, bool v4);
/* Writes what 'chunk' has to the ranges, which have room for that. */
void ovl_fib_chunk_unpack(const struct fib_chunk *, bool v4,
                          struct fib_ranges *);
void ovl_fib_chunk_destroy(struct fib_chunk *);

/* Makes 'map' one of 'n' chunks, each of which the caller has to set. */
void ovl_fib_map_init(struct fib_map *, size_t n, bool v4);
void ovl_fib_map_set(struct fib_map *, bool v4, size_t i, fib_key first,
                     struct fib_chunk *);
/* Start of chunk 'i', without a look at the chunk. */
fib_key ovl_fib_map_key(const struct fib_map *, bool v4, size_t i);

#endif /* fib-private.h */
