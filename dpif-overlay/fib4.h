/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_FIB4_H
#define OVL_FIB4_H 1

/* IPv4 routes in memory.  Only fib-private.h includes this.
 *
 * A block of addresses - all of them, a /8, a /16 or a /24 - is an entry of 64
 * bits, which is one of
 *
 *     word     one range
 *     line     up to 8 ranges: a cache line with their starts and their words
 *     leaf     up to 32 ranges, in a /16 or /24: a node with the lower halves
 *              of their starts, then their words
 *     chunk    up to 256 ranges: a node over as many groups of 16 ranges, each
 *              a node and its words
 *     page     more: an entry for each of the 256 blocks next in size
 *
 * so that memory is in proportion to the routes, whatever they are, and a
 * change makes one line, leaf or chunk and at most three pages.  A leaf is
 * three cache lines, of which two are read; a group is two.
 *
 * DXR (M. Zec, L. Rizzo and M. Mikuc, "DXR: towards a billion routing lookups
 * per second in software", Computer Communication Review 42 (5), 2012) also
 * searches ranges below a direct index.
 *
 * Layer 1. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bits 0 to 2: the kind.  A word is in bits 32 to 63; else bits 48 to 63 are
 * the number of ranges less one, not used for pages, and the others are the
 * address, which user space has room for. */
typedef uint64_t fib4_entry;

enum fib4_kind {
    FIB4_WORD,                  /* Without a route, the entry is 0. */
    FIB4_LINE,
    FIB4_LEAF,
    FIB4_CHUNK,
    FIB4_PAGE,

    /* In a look-up only. */
    FIB4_GROUP,

    /* In an edit only. */
    FIB4_BLOCK,
    FIB4_EDIT_PAGE,
};

#define FIB4_PAGE_BITS 8
#define FIB4_LEAF_BITS 16       /* Largest block that may be a leaf. */
#define FIB4_LEAF_WAYS 32
#define FIB4_LINE_WAYS 8

/* What any x86-64 compares at once; elsewhere the compiler makes do. */
typedef uint32_t fib_u32x4 __attribute__((vector_size(16)));
typedef uint16_t fib_u16x8 __attribute__((vector_size(16)));

struct fib4_node {
    union {
        uint32_t keys[FIB_WAYS];
        fib_u32x4 keys_x4[FIB_WAYS / 4];
    };
};

struct fib4_group {
    struct fib4_node node;
    fib_word words[FIB_WAYS];
};

struct fib4_chunk {
    struct fib4_node root;
    struct fib4_group groups[];
};

/* Keys as in nodes, and words. */
struct fib4_line {
    union {
        uint32_t keys[FIB4_LINE_WAYS];
        fib_u32x4 keys_x4[FIB4_LINE_WAYS / 4];
    };
    fib_word words[FIB4_LINE_WAYS];
};
BUILD_ASSERT_DECL(sizeof(struct fib4_line) == CACHE_LINE_SIZE);

struct fib4_leaf {
    union {
        uint16_t keys[FIB4_LEAF_WAYS];
        fib_u16x8 keys_x8[FIB4_LEAF_WAYS / 8];
    };
    fib_word words[];
};

struct fib4_page {
    fib4_entry entries[1 << FIB4_PAGE_BITS];
};

/* A chunk of so many ranges needs no root: the first numbers of that are in
 * the FIB itself. */
#define FIB4_N_PIVOTS 12
#define FIB4_FEW ((1 + FIB4_N_PIVOTS) * FIB_WAYS)

static inline enum fib4_kind
fib4_kind(fib4_entry e)
{
    return e & 7;
}

static inline void *
fib4_pointer(fib4_entry e)
{
    return (void *) (uintptr_t) (e & UINT64_C(0xfffffffffff8));
}

static inline fib_word
fib4_word(fib4_entry e)
{
    return e >> 32;
}

/* Ranges of a line, leaf or chunk. */
static inline size_t
fib4_n(fib4_entry e)
{
    return (e >> 48) + 1;
}

/* Number of the entry of a page over blocks of 'bits' bits. */
static inline size_t
fib4_page_index(uint32_t key, unsigned int bits)
{
    return key >> bits & ((1 << FIB4_PAGE_BITS) - 1);
}

/* Searching.  Vectors are compared to 0, or to -1 where it is true. */

/* How many of the 'n' vectors' numbers are less than 'key'. */
static inline size_t
fib4_count(const fib_u32x4 keys[], size_t n, uint32_t key)
{
    const fib_u32x4 all = { key, key, key, key };
    fib_u32x4 less = { 0 };

    for (size_t i = 0; i < n; i++) {
        less += (fib_u32x4) (keys[i] < all);
    }
    return (uint32_t) -(less[0] + less[1] + less[2] + less[3]);
}

/* Number of the range that 'key' is in, of those of 'node'. */
static inline size_t
fib4_search(const struct fib4_node *node, uint32_t key)
{
    return fib4_count(node->keys_x4, FIB_WAYS / 4, key);
}

static inline size_t
fib4_line_search(const struct fib4_line *line, uint32_t key)
{
    return fib4_count(line->keys_x4, FIB4_LINE_WAYS / 4, key);
}

static inline size_t
fib4_leaf_search(const struct fib4_leaf *leaf, uint16_t key)
{
    const fib_u16x8 all = { key, key, key, key, key, key, key, key };
    fib_u16x8 less = { 0 };
    uint16_t n = 0;

    for (size_t i = 0; i < FIB4_LEAF_WAYS / 8; i++) {
        less += (fib_u16x8) (leaf->keys_x8[i] < all);
    }
    for (size_t i = 0; i < 8; i++) {
        n -= less[i];
    }
    return n;
}

/* The writer. */

/* Makes an entry of ranges, which may be as many as a chunk has, in a block of
 * 'bits' bits. */
fib4_entry ovl_fib4_pack(const struct fib_ranges *, unsigned int bits);
/* Appends the ranges of 'entry', which is no page, and whose block starts at
 * 'start'. */
void ovl_fib4_unpack(fib4_entry, uint32_t start, struct fib_ranges *);
/* Frees 'entry' and all under it. */
void ovl_fib4_destroy(fib4_entry);
/* Bytes of 'entry' and all under it. */
size_t ovl_fib4_size(fib4_entry);

/* Routes while they change. */
struct fib4_edit {
    fib4_entry base;            /* The FIB's. */
    fib4_entry root;            /* The next one's. */
    bool changed;               /* Says something else than 'base'. */
    unsigned int n_done;        /* Blocks, for fib_done(). */
    struct fib_retired *retired;
};

void ovl_fib4_edit_init(struct fib4_edit *, fib4_entry base,
                        struct fib_retired *);
void ovl_fib4_edit_paint(struct fib4_edit *, const struct fib_paint *);
/* Returns what the next FIB has, 'base' if nothing changed. */
fib4_entry ovl_fib4_edit_end(struct fib4_edit *);

#endif /* fib4.h */
