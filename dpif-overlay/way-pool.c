/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: ovl_way_pool_.
 *
 * What MACs lead to, each thing once, numbered, as the MAC table has room for
 * a number.  A million MACs behind a thousand VTEPs have a thousand ways.
 *
 * To readers ways are one array.  Addresses for as many as there can be are
 * taken at the start, memory when a segment of them is used first, which is
 * kept.  A number is used again as soon as its last reference goes, which is
 * when no reader can come to it any more. */

#include <config.h>

#include "forwarding-private.h"

#include <sys/mman.h>

#include "hash.h"
#include "util.h"

/* What only the writer needs of a way. */
struct pool_way {
    struct hmap_node hmap_node; /* In ovl_way_pool's 'ways'. */
    uint32_t number;
    uint32_t next_free;         /* Index in its segment, -1: none. */
    size_t n_refs;
};

#define SEGMENT 256             /* Ways of a segment. */
#define N_SEGMENTS (OVL_WAY_MAX / SEGMENT)

struct segment {
    struct pool_way pool[SEGMENT];
    struct ovs_list node;       /* In ovl_way_pool's 'open', if not full. */
    uint32_t number;            /* In the array. */
    uint32_t free;              /* Index of a free way, -1: none. */
    size_t n_used;
};

struct ovl_way_pool {
    struct hmap ways;           /* "struct pool_way"s by what they say. */
    struct ovs_list open;       /* "struct segment"s. */
    struct segment *segments[N_SEGMENTS];   /* NULL: not used. */
};

/* Memory. */

#define WAYS_SIZE (OVL_WAY_MAX * sizeof(struct ovl_way))

static struct ovl_way *
reserve_ways(void)
{
    void *p = mmap(NULL, WAYS_SIZE, PROT_NONE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (p == MAP_FAILED) {
        out_of_memory();
    }
    return p;
}

static void
release_ways(struct ovl_way *ways)
{
    munmap(ways, WAYS_SIZE);
}

/* Gets memory for the ways of segment 'number', on whole pages. */
static void
back_segment(struct ovl_way *ways, uint32_t number)
{
    uintptr_t start = (uintptr_t) &ways[number * SEGMENT];
    uintptr_t end = (uintptr_t) &ways[(number + 1) * SEGMENT];
    size_t page = get_page_size();

    start = ROUND_DOWN(start, page);
    end = ROUND_UP(end, page);
    if (mprotect((void *) start, end - start, PROT_READ | PROT_WRITE)) {
        out_of_memory();
    }
}

void
ovl_way_pool_init(struct ovl_forwarding *fwd)
{
    fwd->way_pool = xzalloc(sizeof *fwd->way_pool);
    hmap_init(&fwd->way_pool->ways);
    ovs_list_init(&fwd->way_pool->open);
    fwd->ways = reserve_ways();
}

void
ovl_way_pool_destroy(struct ovl_forwarding *fwd)
{
    ovs_assert(hmap_is_empty(&fwd->way_pool->ways));
    hmap_destroy(&fwd->way_pool->ways);
    free(fwd->way_pool);
    ovsrcu_postpone(release_ways, fwd->ways);
}

static void
segment_create(struct ovl_forwarding *fwd)
{
    struct segment *s = xmalloc(sizeof *s);

    s->number = 0;
    while (fwd->way_pool->segments[s->number]) {
        s->number++;
        ovs_assert(s->number < N_SEGMENTS);
    }
    back_segment(fwd->ways, s->number);
    s->n_used = 0;
    s->free = UINT32_MAX;
    for (uint32_t i = SEGMENT; i-- > 0; ) {
        s->pool[i].number = s->number * SEGMENT + i;
        if (s->pool[i].number) {
            s->pool[i].next_free = s->free;
            s->free = i;
        }
    }
    ovs_list_push_front(&fwd->way_pool->open, &s->node);
    fwd->way_pool->segments[s->number] = s;
}

static uint32_t
hash_way(const struct ovl_way *way)
{
    return hash_pointer(way->port, hash_pointer(way->vtep, way->vlan));
}

static struct pool_way *
find_way(const struct ovl_forwarding *fwd, const struct ovl_way *way,
         uint32_t hash)
{
    struct pool_way *p;

    HMAP_FOR_EACH_WITH_HASH (p, hmap_node, hash, &fwd->way_pool->ways) {
        const struct ovl_way *other = ovl_way_pool_get(fwd, p->number);

        if (other->port == way->port && other->vtep == way->vtep
            && other->vlan == way->vlan) {
            return p;
        }
    }
    return NULL;
}

uint32_t
ovl_way_pool_ref(struct ovl_forwarding *fwd, const struct ovl_way *way)
{
    struct ovl_way_pool *pool = fwd->way_pool;
    uint32_t hash = hash_way(way);
    struct pool_way *p = find_way(fwd, way, hash);

    if (p) {
        p->n_refs++;
        return p->number;
    }
    if (ovs_list_is_empty(&pool->open)) {
        segment_create(fwd);
    }

    struct segment *s = CONTAINER_OF(ovs_list_front(&pool->open),
                                     struct segment, node);
    uint32_t i = s->free;

    p = &s->pool[i];
    fwd->ways[p->number] = *way;
    if (way->vtep) {
        ovl_vtep_set_way(way->vtep, &fwd->ways[p->number]);
    }
    s->n_used++;
    s->free = p->next_free;
    if (s->free == UINT32_MAX) {
        ovs_list_remove(&s->node);
    }
    p->n_refs = 1;
    hmap_insert(&pool->ways, &p->hmap_node, hash);
    ovl_lport_ref(way->port);
    if (way->vtep) {
        way->vtep->n_refs++;
    }
    return p->number;
}

void
ovl_way_pool_unref(struct ovl_forwarding *fwd, uint32_t number)
{
    struct segment *s = fwd->way_pool->segments[number / SEGMENT];
    const struct ovl_way *way = &fwd->ways[number];
    uint32_t i = number % SEGMENT;
    struct pool_way *p = &s->pool[i];

    if (--p->n_refs) {
        return;
    }
    hmap_remove(&fwd->way_pool->ways, &p->hmap_node);
    if (way->vtep) {
        ovl_vtep_set_way(way->vtep, NULL);
    }
    ovl_lport_unref(way->port);
    ovl_vtep_unref(fwd, way->vtep);

    if (s->free == UINT32_MAX) {
        ovs_list_push_back(&fwd->way_pool->open, &s->node);
    }
    p->next_free = s->free;
    s->free = i;
    if (!--s->n_used) {
        ovs_list_remove(&s->node);
        fwd->way_pool->segments[s->number] = NULL;
        free(s);
        hmap_shrink(&fwd->way_pool->ways);
    }
}
