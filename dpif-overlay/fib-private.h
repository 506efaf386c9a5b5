/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_FIB_PRIVATE_H
#define OVL_FIB_PRIVATE_H 1

/* What the files that make up a FIB share.
 *
 *     fib.c          one look-up
 *     fib-find.c     bursts of look-ups
 *     fib-edit.c     successors of FIBs, and their end
 *     fib-ranges.c   ranges while they change
 *     fib4-pack.c fib4-edit.c     IPv4, as fib4.h says
 *     fib6-pack.c fib6-edit.c     IPv6, as fib6.h says
 *
 * All searching is for the last of some sorted ranges that starts at or before
 * a key, among few at a time, in a 'node': it has, for each range but the
 * first, the number before its start.  The place of the range is then how many
 * numbers are less than the key, which takes no branch and no knowledge of
 * how many ranges there are: what is not used is the greatest number, which is
 * less than none.
 *
 *     ranges start at  20   30   35              node  max  29  34  max ...
 *     key 33: one number is less: the range is number 1
 *
 * The shape of nodes is that of P. Khuong's and of S. Slotin's static B-trees
 * ("Algorithms for modern hardware", chapter 12).
 *
 * Layer 1. */

#include <string.h>

#include "dense-memory.h"
#include "fib.h"
#include "ovs-rcu.h"
#include "packets.h"
#include "util.h"

/* Ranges of a node. */
#define FIB_WAYS 16

/* Ranges in a chunk: a node, and a node under each of its ranges. */
#define FIB_CHUNK_MAX (FIB_WAYS * FIB_WAYS)

/* An address as a number: 32 bits of IPv4 or 128 bits. */
typedef unsigned __int128 fib_key;

/* What a range leads to: value << 8 | length of its prefix.  A range without
 * a route is 0. */
typedef uint32_t fib_word;

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

static inline fib_word
fib_word_of(uint32_t value, unsigned int plen)
{
    return value << 8 | plen;
}

static inline unsigned int
fib_word_plen(fib_word word)
{
    return word & 0xff;
}

static inline struct ovl_fib_result
fib_result_of(fib_word word, bool v4)
{
    return (struct ovl_fib_result) {
        .value = word >> 8, .plen = fib_word_plen(word) + (v4 ? 96 : 0),
    };
}

/* Ranges as the writer changes them: sorted, neighbors differ. */
struct fib_ranges {
    size_t n, allocated;
    fib_key *keys;              /* Where each starts. */
    fib_word *words;
};

/* A change: ranges from 'first' to 'last' whose prefixes have from 'min' to
 * 'max' bits get 'word'. */
struct fib_paint {
    fib_key first, last;
    unsigned int min, max;
    fib_word word;
};

/* Called by the writer for each block or chunk that it has done with: in a
 * long edit the process gets its memory back meanwhile. */
#define FIB_BLOCKS_AT_ONCE 256
static inline void
fib_done(unsigned int *n_done)
{
    if (++*n_done % FIB_BLOCKS_AT_ONCE == 0) {
        ovsrcu_quiesce();
    }
}

/* Memory that readers of a FIB may use, but not those of its successor. */
struct fib_retired {
    void **blocks;              /* From ovl_dense_alloc(). */
    size_t n, allocated;
};

#include "fib4.h"
#include "fib6.h"

struct ovl_fib {
    /* Readers: one cache line, in which is all that comes before the last
     * node if there is only one chunk, as for most tenants. */
    PADDED_MEMBERS_CACHELINE_MARKER(CACHE_LINE_SIZE, cacheline0,
        fib4_entry v4;
        fib6_entry v6;
        uint32_t pivots4[FIB4_N_PIVOTS]; /* Of 'v4', if it is a chunk. */
    );

    /* Writer. */
    bool superseded;            /* Has a successor. */
    struct fib_retired retired; /* What that has not. */
};
BUILD_ASSERT_DECL(offsetof(struct ovl_fib, superseded) == CACHE_LINE_SIZE);

/* fib-edit.c */

/* 'block' is not the next FIB's. */
void ovl_fib_retire(struct fib_retired *, void *block);

/* fib-ranges.c */

/* Makes room for 'n' ranges. */
void ovl_fib_ranges_reserve(struct fib_ranges *, size_t n);
void ovl_fib_ranges_uninit(struct fib_ranges *);
/* Appends a range, unless it only continues the one before. */
void ovl_fib_ranges_put(struct fib_ranges *, fib_key, fib_word);
/* Appends 'n' ranges of 'from', number 'at' and on, of which the first starts
 * at 'key'. */
void ovl_fib_ranges_append(struct fib_ranges *, const struct fib_ranges *from,
                           size_t at, size_t n, fib_key key);
/* Number of the range that 'key' is in. */
size_t ovl_fib_ranges_find(const struct fib_ranges *, fib_key);
/* Applies a change to ranges of which the last ends with 'end'.  Returns false
 * if that changes nothing. */
bool ovl_fib_ranges_repaint(struct fib_ranges *, fib_key end,
                            const struct fib_paint *);

#endif /* fib-private.h */
