/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: ovl_way_pool_.
 *
 * What MACs lead to, each thing once, numbered, as the MAC table has room for
 * a number.  A million MACs behind a thousand VTEPs have a thousand ways.
 *
 * Readers go from number to way through an array of segments, which never
 * move.  A number is used again as soon as its last reference goes, which is
 * when no reader can come to it any more. */

#include <config.h>

#include "forwarding-private.h"

#include "hash.h"
#include "util.h"

/* What only the writer needs of a way. */
struct pool_way {
    struct hmap_node hmap_node; /* In ovl_way_pool's 'ways'. */
    uint32_t number;
    uint32_t next_free;         /* Index in its segment, -1: none. */
    size_t n_refs;
};

struct ovl_way_segment {
    struct ovl_way ways[OVL_WAY_SEGMENT];   /* What readers get. */
    struct pool_way pool[OVL_WAY_SEGMENT];
    struct ovs_list node;       /* In ovl_way_pool's 'open', if not full. */
    uint32_t number;            /* In the array. */
    uint32_t free;              /* Index of a free way, -1: none. */
    size_t n_used;
};
BUILD_ASSERT_DECL(offsetof(struct ovl_way_segment, ways) == 0);

struct ovl_way_pool {
    struct hmap ways;           /* "struct pool_way"s by what they say. */
    struct ovs_list open;       /* "struct ovl_way_segment"s. */
};

static struct ovl_way_segment *
segment_of(const struct ovl_forwarding *fwd, uint32_t number)
{
    return (struct ovl_way_segment *) fwd->ways[number / OVL_WAY_SEGMENT];
}

void
ovl_way_pool_init(struct ovl_forwarding *fwd)
{
    fwd->way_pool = xmalloc(sizeof *fwd->way_pool);
    hmap_init(&fwd->way_pool->ways);
    ovs_list_init(&fwd->way_pool->open);
    fwd->ways = xcalloc(OVL_WAY_MAX / OVL_WAY_SEGMENT, sizeof *fwd->ways);
}

void
ovl_way_pool_destroy(struct ovl_forwarding *fwd)
{
    ovs_assert(hmap_is_empty(&fwd->way_pool->ways));
    hmap_destroy(&fwd->way_pool->ways);
    free(fwd->way_pool);
    ovsrcu_postpone(free, fwd->ways);
}

static void
segment_create(struct ovl_forwarding *fwd)
{
    struct ovl_way_segment *s = xmalloc(sizeof *s);

    s->number = 0;
    while (fwd->ways[s->number]) {
        s->number++;
        ovs_assert(s->number < OVL_WAY_MAX / OVL_WAY_SEGMENT);
    }
    s->n_used = 0;
    s->free = UINT32_MAX;
    for (uint32_t i = OVL_WAY_SEGMENT; i-- > 0; ) {
        s->pool[i].number = s->number * OVL_WAY_SEGMENT + i;
        if (s->pool[i].number) {
            s->pool[i].next_free = s->free;
            s->free = i;
        }
    }
    ovs_list_push_front(&fwd->way_pool->open, &s->node);
    fwd->ways[s->number] = s->ways;
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

    struct ovl_way_segment *s
        = CONTAINER_OF(ovs_list_front(&pool->open), struct ovl_way_segment,
                       node);
    uint32_t i = s->free;

    p = &s->pool[i];
    s->ways[i] = *way;
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
    struct ovl_way_segment *s = segment_of(fwd, number);
    uint32_t i = number % OVL_WAY_SEGMENT;
    struct pool_way *p = &s->pool[i];

    if (--p->n_refs) {
        return;
    }
    hmap_remove(&fwd->way_pool->ways, &p->hmap_node);
    ovl_lport_unref(s->ways[i].port);
    ovl_vtep_unref(fwd, s->ways[i].vtep);

    if (s->free == UINT32_MAX) {
        ovs_list_push_back(&fwd->way_pool->open, &s->node);
    }
    p->next_free = s->free;
    s->free = i;
    if (!--s->n_used) {
        ovs_list_remove(&s->node);
        fwd->ways[s->number] = NULL;
        ovsrcu_postpone(free, s);
        hmap_shrink(&fwd->way_pool->ways);
    }
}
