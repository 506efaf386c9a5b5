/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: ovl_dense_.
 *
 * A block that is free has the next one in it; blocks that were never used are
 * at the end of their slab, so that nobody touches them before. */

#include <config.h>

#include "dense-memory.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "numa-memory.h"
#include "openvswitch/hmap.h"
#include "openvswitch/list.h"
#include "ovs-thread.h"
#include "util.h"

#ifndef __has_feature
#define __has_feature(X) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) \
    || __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define MALLOC_ONLY true
#else
#define MALLOC_ONLY false
#endif

#define REGION_SIZE OVL_NUMA_HUGE_PAGE
#define SLAB_SIZE (64u << 10)
#define N_SLABS (REGION_SIZE / SLAB_SIZE)
BUILD_ASSERT_DECL(N_SLABS == 32);       /* Bits of 'unused'. */

/* Blocks are of whole cache lines. */
#define MAX_LINES (OVL_DENSE_MAX / CACHE_LINE_SIZE)

struct slab {
    struct ovs_list node;       /* In 'open_slabs' if it has a free block. */
    struct region *region;
    void *free;                 /* First of those that were used before. */
    uint16_t n_lines;           /* Of a block, in cache lines. */
    uint16_t n_blocks;
    uint16_t n_fresh;           /* Never used: the last ones. */
    uint16_t n_used;
};

struct region {
    struct hmap_node hmap_node; /* In 'regions', by 'base'. */
    struct ovs_list node;       /* In 'open_regions' if 'unused' is not 0. */
    char *base;
    uint32_t unused;            /* Bit i: slab i is. */
    struct slab slabs[N_SLABS];
};

static struct ovs_mutex mutex = OVS_MUTEX_INITIALIZER;
static struct hmap regions OVS_GUARDED_BY(mutex)
    = HMAP_INITIALIZER(&regions);
static size_t n_used_regions OVS_GUARDED_BY(mutex);
static size_t n_used_lines OVS_GUARDED_BY(mutex);

/* Those with room.  The first in the list is used first; regions that are not
 * in use are at its end. */
static struct ovs_list open_regions OVS_GUARDED_BY(mutex)
    = OVS_LIST_INITIALIZER(&open_regions);
static struct ovs_list open_slabs[MAX_LINES + 1] OVS_GUARDED_BY(mutex);

/* Regions. */

static uint32_t
hash_of(const void *p)
{
    return hash_pointer((void *) ((uintptr_t) p & -(uintptr_t) REGION_SIZE),
                        0);
}

/* Returns the region that 'p' is in, NULL if that is none. */
static struct region *
region_of(const void *p)
    OVS_REQUIRES(mutex)
{
    struct region *r;

    HMAP_FOR_EACH_WITH_HASH (r, hmap_node, hash_of(p), &regions) {
        if ((uintptr_t) p - (uintptr_t) r->base < REGION_SIZE) {
            return r;
        }
    }
    return NULL;
}

static struct region *
region_create(void)
    OVS_REQUIRES(mutex)
{
    struct region *r = xzalloc(sizeof *r), *other;

    r->base = ovl_numa_alloc_shared(REGION_SIZE);
    r->unused = UINT32_MAX;
    if (hmap_count(&regions) == 1) {
        /* The first one had to be small until now. */
        HMAP_FOR_EACH (other, hmap_node, &regions) {
            ovl_numa_want_huge_pages(other->base, REGION_SIZE);
        }
    }
    if (!hmap_is_empty(&regions)) {
        ovl_numa_want_huge_pages(r->base, REGION_SIZE);
    }
    hmap_insert(&regions, &r->hmap_node, hash_of(r->base));
    ovs_list_push_back(&open_regions, &r->node);
    return r;
}

static void
region_destroy(struct region *r)
    OVS_REQUIRES(mutex)
{
    ovs_list_remove(&r->node);
    hmap_remove(&regions, &r->hmap_node);
    ovl_numa_free_shared(r->base, REGION_SIZE);
    free(r);
}

/* Slabs. */

static struct slab *
slab_create(size_t n_lines)
    OVS_REQUIRES(mutex)
{
    struct region *r = (ovs_list_is_empty(&open_regions) ? region_create()
                        : CONTAINER_OF(ovs_list_front(&open_regions),
                                       struct region, node));
    struct slab *slab = &r->slabs[raw_ctz(r->unused)];
    size_t n_blocks = SLAB_SIZE / (n_lines * CACHE_LINE_SIZE);

    n_used_regions += r->unused == UINT32_MAX;
    r->unused &= r->unused - 1;
    if (!r->unused) {
        ovs_list_remove(&r->node);
    }
    *slab = (struct slab) {
        .region = r, .n_lines = n_lines, .n_blocks = n_blocks,
        .n_fresh = n_blocks,
    };
    ovs_list_push_front(&open_slabs[n_lines], &slab->node);
    return slab;
}

static void
slab_destroy(struct slab *slab)
    OVS_REQUIRES(mutex)
{
    struct region *r = slab->region;

    ovs_list_remove(&slab->node);
    if (!r->unused) {
        ovs_list_push_front(&open_regions, &r->node);
    }
    r->unused |= UINT32_C(1) << (slab - r->slabs);
    if (r->unused == UINT32_MAX) {
        ovs_list_remove(&r->node);
        ovs_list_push_back(&open_regions, &r->node);
        n_used_regions--;
        if (hmap_count(&regions) - n_used_regions > 1) {
            region_destroy(r);
        }
    }
}

/* Blocks. */

static struct slab *
open_slab(size_t n_lines)
    OVS_REQUIRES(mutex)
{
    struct ovs_list *list = &open_slabs[n_lines];

    if (!list->next) {
        ovs_list_init(list);
    }
    return (ovs_list_is_empty(list) ? slab_create(n_lines)
            : CONTAINER_OF(ovs_list_front(list), struct slab, node));
}

static void *
take_block(size_t n_lines)
    OVS_REQUIRES(mutex)
{
    struct slab *slab = open_slab(n_lines);
    void *block = slab->free;

    if (block) {
        memcpy(&slab->free, block, sizeof slab->free);
    } else {
        struct region *r = slab->region;
        size_t i = slab->n_blocks - slab->n_fresh--;

        block = (r->base + (slab - r->slabs) * SLAB_SIZE
                 + i * n_lines * CACHE_LINE_SIZE);
    }
    n_used_lines += n_lines;
    if (++slab->n_used == slab->n_blocks) {
        ovs_list_remove(&slab->node);
    }
    return block;
}

static void
give_block(struct region *r, void *block)
    OVS_REQUIRES(mutex)
{
    struct slab *slab
        = &r->slabs[((char *) block - r->base) / SLAB_SIZE];

    memcpy(block, &slab->free, sizeof slab->free);
    slab->free = block;
    n_used_lines -= slab->n_lines;
    if (slab->n_used-- == slab->n_blocks) {
        ovs_list_push_front(&open_slabs[slab->n_lines], &slab->node);
    }
    if (!slab->n_used) {
        slab_destroy(slab);
    }
}

void *
ovl_dense_alloc(size_t size)
{
    size_t n_lines = MAX(1, DIV_ROUND_UP(size, CACHE_LINE_SIZE));
    void *block;

    if (MALLOC_ONLY || n_lines > MAX_LINES) {
        return xmalloc_size_align(size, CACHE_LINE_SIZE);
    }
    ovs_mutex_lock(&mutex);
    block = take_block(n_lines);
    ovs_mutex_unlock(&mutex);
    return block;
}

void *
ovl_dense_zalloc(size_t size)
{
    return memset(ovl_dense_alloc(size), 0, size);
}

void
ovl_dense_free(void *p)
{
    struct region *r = NULL;

    if (!p) {
        return;
    }
    if (!MALLOC_ONLY) {
        ovs_mutex_lock(&mutex);
        r = region_of(p);
        if (r) {
            give_block(r, p);
        }
        ovs_mutex_unlock(&mutex);
    }
    if (!r) {
        free_size_align(p);
    }
}

void
ovl_dense_get_stats(struct ovl_dense_stats *stats)
{
    ovs_mutex_lock(&mutex);
    stats->n_regions = hmap_count(&regions);
    stats->n_used = n_used_regions;
    stats->n_bytes = n_used_lines * CACHE_LINE_SIZE;
    ovs_mutex_unlock(&mutex);
}
