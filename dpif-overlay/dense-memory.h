/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_DENSE_MEMORY_H
#define OVL_DENSE_MEMORY_H 1

/* Memory of what packet threads look at: FIBs, adjacencies and the like, of
 * which there are thousands, each of a few cache lines.
 *
 * From malloc() they are among all that only the writer needs, some on each
 * page: packets to random tenants then wait for the TLB as much as for the
 * cache, above all in a virtual machine.  Here they are close together, and on
 * huge pages as soon as there are 2 MB of them.
 *
 *     region, 2 MB: slabs of 64 KB, each of blocks of one size
 *     +----------------+----------------+-----  -----+----------------+
 *     | 64 64 64 64 .. | 1792 1792 1792 |    ....    | not used       |
 *     +----------------+----------------+-----  -----+----------------+
 *
 * Only what has been used takes memory in the first region; all others are
 * given to the kernel for huge pages, so that of the last one up to 2 MB may be
 * resident in vain.  A region of which nothing is used goes back to the kernel,
 * but for one that is kept.
 *
 * Regions are shared memory in the sense of numa-memory.h.
 *
 * Under the address and thread sanitizers it all comes from malloc(), so that
 * they see who uses what was freed.
 *
 * Thread-safety: any thread; takes a mutex.
 *
 * Layer 0. */

#include <stddef.h>

/* Returns 'size' bytes, which begin at a cache line and are anything.  More
 * than OVL_DENSE_MAX come from malloc(). */
#define OVL_DENSE_MAX 8192
void *ovl_dense_alloc(size_t size);

/* The same, zeroed. */
void *ovl_dense_zalloc(size_t size);

/* Frees what the above returned.  NULL is fine. */
void ovl_dense_free(void *);

/* What there is, without what comes from malloc(). */
struct ovl_dense_stats {
    size_t n_regions;           /* Regions, */
    size_t n_used;              /* of which so many are in use. */
    size_t n_bytes;             /* In blocks that are in use. */
};
void ovl_dense_get_stats(struct ovl_dense_stats *);

#endif /* dense-memory.h */
