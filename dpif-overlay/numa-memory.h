/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_NUMA_MEMORY_H
#define OVL_NUMA_MEMORY_H 1

/* On which NUMA node memory is.
 *
 * There are two kinds.  What one packet thread alone writes, its counters
 * first of all, is on the node of its core.  What all of them read, the
 * tables, is spread over the nodes that have PMD threads, page by page: each
 * of them has the same share of it nearby, and no node's memory is read by
 * all.  (A copy of the tables for each node would be nearer, and as many times
 * as large.)  When PMD threads come to other nodes, large tables move.
 *
 * A node is a preference.  Where the kernel has no NUMA or does not let us use
 * it, where the node is full or is not there (--dummy-numa), memory is where
 * the kernel likes it, and nobody is told.
 *
 * Example:
 *
 *     thread = ovl_numa_alloc(sizeof *thread, numa_id);
 *     ...
 *     ovl_numa_free(thread, sizeof *thread);
 *
 * Thread-safety: any thread; takes a mutex.
 *
 * Layer 0. */

#include <stdbool.h>
#include <stddef.h>

/* Returns 'size' bytes, zeroed, in pages of their own that are on NUMA node
 * 'node', or anywhere with OVS_NUMA_UNSPEC. */
void *ovl_numa_alloc(size_t size, int node);

/* Frees what ovl_numa_alloc() returned for 'size'.  NULL is fine. */
void ovl_numa_free(void *, size_t size);

/* The PMD threads are on the 'n' nodes of 'nodes' now, in any order, some
 * perhaps repeated.  Shared memory moves there. */
void ovl_numa_set_readers(const int *nodes, size_t n);

/* Makes the 'size' bytes at 'p', whole pages, shared memory until
 * ovl_numa_unshare(), which is due before they are unmapped. */
void ovl_numa_share(void *p, size_t size);
void ovl_numa_unshare(void *p);

/* Returns 'size' bytes of shared memory, zeroed, that begin where a huge page
 * may. */
#define OVL_NUMA_HUGE_PAGE (2u << 20)
void *ovl_numa_alloc_shared(size_t size);

/* Frees what ovl_numa_alloc_shared() returned for 'size'. */
void ovl_numa_free_shared(void *, size_t size);

/* Has the 'size' bytes at 'p', from ovl_numa_alloc_shared(), in huge pages
 * from now on, if the kernel has any. */
void ovl_numa_want_huge_pages(void *p, size_t size);

/* Makes shared memory of all that the calling thread allocates from now on and
 * is the first to touch.  To be called again once in a while, as PMD threads
 * come and go; costs nothing if they did not. */
void ovl_numa_share_thread(void);

/* Makes memory of its own of all that the calling thread is the first to touch
 * from now on.  To be called first thing by a thread that may have been made by
 * one that called the above: policies are inherited. */
void ovl_numa_unshare_thread(void);

/* What the above asks of libnuma, for tests to replace. */
struct ovl_numa_calls {
    /* True if there is a node 'node' that has memory for us. */
    bool (*has_node)(int node);
    long (*mbind)(void *, unsigned long size, int mode,
                  const unsigned long *nodes, unsigned long max_node,
                  unsigned int flags);
    long (*set_mempolicy)(int mode, const unsigned long *nodes,
                          unsigned long max_node);
};

/* Has 'calls' called from now on; NULL: the real ones.  Tells who the readers
 * are anew: nobody. */
void ovl_numa_set_calls(const struct ovl_numa_calls *calls);

#endif /* numa-memory.h */
