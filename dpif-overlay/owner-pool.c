/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: ovl_owner_pool_.
 *
 * Who has IPv4 addresses, numbered, as the table of neighbors has room for a
 * number: 8 bytes each, one for each address.
 *
 * Readers go from number to owner through an array of segments, which never
 * move.  A number is used again as soon as it is removed, which is when no
 * reader can come to it any more; until then it links those that are free. */

#include <config.h>

#include "forwarding-private.h"

#include "util.h"

#define N_SEGMENTS (OVL_OWNER_MAX / OVL_OWNER_SEGMENT)
#define NONE UINT32_MAX

struct owner_segment {
    struct ovl_owner owners[OVL_OWNER_SEGMENT];     /* What readers get. */
    struct ovs_list node;       /* In ovl_owner_pool's 'open', if not full. */
    uint32_t number;            /* In the array. */
    uint32_t free;              /* Index of a free one, NONE: none. */
    size_t n_used;
};
BUILD_ASSERT_DECL(offsetof(struct owner_segment, owners) == 0);
BUILD_ASSERT_DECL(sizeof(struct ovl_owner) == 8);

struct ovl_owner_pool {
    struct ovs_list open;       /* "struct owner_segment"s. */
    uint32_t next;              /* Look for a free number from here. */
};

void
ovl_owner_pool_init(struct ovl_forwarding *fwd)
{
    fwd->owner_pool = xzalloc(sizeof *fwd->owner_pool);
    ovs_list_init(&fwd->owner_pool->open);
    fwd->owners = xcalloc(N_SEGMENTS, sizeof *fwd->owners);
}

void
ovl_owner_pool_destroy(struct ovl_forwarding *fwd)
{
    ovs_assert(ovs_list_is_empty(&fwd->owner_pool->open));
    free(fwd->owner_pool);
    ovsrcu_postpone(free, fwd->owners);
}

/* Links of free ones. */

static uint32_t
get_next(const struct owner_segment *s, uint32_t i)
{
    uint32_t next;

    memcpy(&next, &s->owners[i], sizeof next);
    return next;
}

static void
push_free(struct owner_segment *s, uint32_t i)
{
    memcpy(&s->owners[i], &s->free, sizeof s->free);
    s->free = i;
}

static void
segment_create(struct ovl_forwarding *fwd)
{
    struct ovl_owner_pool *pool = fwd->owner_pool;
    struct owner_segment *s = xzalloc(sizeof *s);

    while (fwd->owners[pool->next]) {
        pool->next++;
        ovs_assert(pool->next < N_SEGMENTS);
    }
    s->number = pool->next;
    s->free = NONE;
    for (uint32_t i = OVL_OWNER_SEGMENT; i-- > 0; ) {
        if (s->number || i) {
            push_free(s, i);
        }
    }
    ovs_list_push_front(&pool->open, &s->node);
    fwd->owners[s->number] = s->owners;
}

uint32_t
ovl_owner_pool_add(struct ovl_forwarding *fwd, const struct ovl_owner *owner)
{
    struct ovl_owner_pool *pool = fwd->owner_pool;

    if (ovs_list_is_empty(&pool->open)) {
        segment_create(fwd);
    }

    struct owner_segment *s = CONTAINER_OF(ovs_list_front(&pool->open),
                                           struct owner_segment, node);
    uint32_t i = s->free;

    s->free = get_next(s, i);
    if (s->free == NONE) {
        ovs_list_remove(&s->node);
    }
    s->owners[i] = *owner;
    s->n_used++;
    return s->number * OVL_OWNER_SEGMENT + i;
}

void
ovl_owner_pool_remove(struct ovl_forwarding *fwd, uint32_t number)
{
    struct owner_segment *s
        = ALIGNED_CAST(struct owner_segment *,
                       fwd->owners[number / OVL_OWNER_SEGMENT]);

    if (s->free == NONE) {
        ovs_list_push_back(&fwd->owner_pool->open, &s->node);
    }
    push_free(s, number % OVL_OWNER_SEGMENT);
    if (!--s->n_used) {
        ovs_list_remove(&s->node);
        fwd->owners[s->number] = NULL;
        fwd->owner_pool->next = MIN(fwd->owner_pool->next, s->number);
        ovsrcu_postpone(free, s);
    }
}
