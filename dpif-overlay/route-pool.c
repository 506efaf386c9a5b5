/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: ovl_route_pool_.
 *
 * What routes lead to, each thing once, numbered, as FIBs have room for a
 * number.  A tenant with a thousand prefixes behind one router has one route
 * here.
 *
 * Readers go from number to route through an array of segments, which grow
 * but never move.  A number is used again when the last VRF that had it is
 * released, which is when no reader can have got it from a FIB any more. */

#include <config.h>

#include "forwarding-private.h"

#include "hash.h"
#include "util.h"

struct pool_route {
    struct ovl_route up;        /* What readers get. */
    struct hmap_node hmap_node; /* In ovl_route_pool's 'routes'. */
    uint32_t number;
    size_t n_refs;
};

struct ovl_route_pool {
    struct hmap routes;         /* "struct pool_route"s by what they say. */
    uint32_t next;              /* Numbers from here on were never used. */
    uint32_t *free;             /* Numbers that are free again. */
    size_t n_free, allocated_free;
    uint16_t n_used[OVL_ROUTE_N_SEGMENTS];  /* Routes in each segment. */
};
BUILD_ASSERT_DECL(OVL_ROUTE_SEGMENT <= UINT16_MAX);

void
ovl_route_pool_init(struct ovl_forwarding *fwd)
{
    fwd->route_pool = xzalloc(sizeof *fwd->route_pool);
    hmap_init(&fwd->route_pool->routes);
    fwd->route_pool->next = 1;
    fwd->routes[0] = xcalloc(OVL_ROUTE_SEGMENT, sizeof *fwd->routes[0]);
}

void
ovl_route_pool_destroy(struct ovl_forwarding *fwd)
{
    struct ovl_route_pool *pool = fwd->route_pool;

    ovs_assert(hmap_is_empty(&pool->routes));
    hmap_destroy(&pool->routes);
    for (size_t i = 0; i < OVL_ROUTE_N_SEGMENTS; i++) {
        if (fwd->routes[i]) {
            ovsrcu_postpone(free, fwd->routes[i]);
        }
    }
    free(pool->free);
    free(pool);
}

static uint32_t
hash_nexthop(const struct ovl_nexthop *hop)
{
    return hash_int(hop->vni, hash_bytes(&hop->ip, sizeof hop->ip, 0));
}

static uint32_t
hash_route(const struct ovl_route *route)
{
    uint32_t hash = hash_2words(route->action, route->vni);

    for (size_t i = 0; i < route->n_nexthops; i++) {
        hash = hash_add(hash, hash_nexthop(&route->nexthops[i]));
    }
    return hash_finish(hash, 0);
}

static bool
routes_equal(const struct ovl_route *a, const struct ovl_route *b)
{
    if (a->action != b->action || a->vni != b->vni
        || a->n_nexthops != b->n_nexthops) {
        return false;
    }
    for (size_t i = 0; i < a->n_nexthops; i++) {
        if (a->nexthops[i].vni != b->nexthops[i].vni
            || !ipv6_addr_equals(&a->nexthops[i].ip, &b->nexthops[i].ip)) {
            return false;
        }
    }
    return true;
}

/* Gives back what many routes have taken that are gone now.  Half of the
 * segments have to be empty, at the end, so that it is worth it. */
static void
trim(struct ovl_forwarding *fwd)
{
    struct ovl_route_pool *pool = fwd->route_pool;
    uint32_t n_segments = DIV_ROUND_UP(pool->next, OVL_ROUTE_SEGMENT);
    uint32_t n = n_segments;

    while (n > 1 && !pool->n_used[n - 1]) {
        n--;
    }
    if (n > n_segments / 2) {
        return;
    }

    size_t n_free = 0;
    for (size_t i = 0; i < pool->n_free; i++) {
        if (pool->free[i] / OVL_ROUTE_SEGMENT < n) {
            pool->free[n_free++] = pool->free[i];
        }
    }
    pool->n_free = pool->allocated_free = n_free;
    pool->free = xrealloc(pool->free, MAX(1, n_free) * sizeof *pool->free);
    pool->next = n * OVL_ROUTE_SEGMENT;
    for (; n < n_segments; n++) {
        ovsrcu_postpone(free, fwd->routes[n]);
        fwd->routes[n] = NULL;
    }
    hmap_shrink(&pool->routes);
}

static uint32_t
new_number(struct ovl_forwarding *fwd)
{
    struct ovl_route_pool *pool = fwd->route_pool;

    if (pool->n_free) {
        return pool->free[--pool->n_free];
    }

    uint32_t number = pool->next++;
    ovs_assert(number < OVL_ROUTE_MAX);
    if (number % OVL_ROUTE_SEGMENT == 0) {
        fwd->routes[number / OVL_ROUTE_SEGMENT]
            = xcalloc(OVL_ROUTE_SEGMENT, sizeof *fwd->routes[0]);
    }
    return number;
}

uint32_t
ovl_route_pool_ref(struct ovl_forwarding *fwd, const struct ovl_route *route)
{
    struct ovl_route_pool *pool = fwd->route_pool;
    uint32_t hash = hash_route(route);
    struct pool_route *r;

    HMAP_FOR_EACH_WITH_HASH (r, hmap_node, hash, &pool->routes) {
        if (routes_equal(&r->up, route)) {
            r->n_refs++;
            return r->number;
        }
    }

    struct ovl_nexthop *nexthops;

    r = xmalloc(sizeof *r + route->n_nexthops * sizeof *nexthops);
    nexthops = (struct ovl_nexthop *) (r + 1);
    for (size_t i = 0; i < route->n_nexthops; i++) {
        nexthops[i] = route->nexthops[i];
        nexthops[i].hash = hash_nexthop(&route->nexthops[i]);
    }
    r->up = *route;
    r->up.nexthops = nexthops;
    r->number = new_number(fwd);
    r->n_refs = 1;
    hmap_insert(&pool->routes, &r->hmap_node, hash);
    pool->n_used[r->number / OVL_ROUTE_SEGMENT]++;
    fwd->routes[r->number / OVL_ROUTE_SEGMENT][r->number % OVL_ROUTE_SEGMENT]
        = &r->up;
    return r->number;
}

void
ovl_route_pool_unref(struct ovl_forwarding *fwd, uint32_t number)
{
    struct ovl_route_pool *pool = fwd->route_pool;
    struct pool_route *r
        = CONTAINER_OF(ovl_route_pool_get(fwd, number), struct pool_route, up);

    if (--r->n_refs) {
        return;
    }
    hmap_remove(&pool->routes, &r->hmap_node);
    if (pool->n_free >= pool->allocated_free) {
        pool->free = x2nrealloc(pool->free, &pool->allocated_free,
                                sizeof *pool->free);
    }
    pool->free[pool->n_free++] = number;
    ovsrcu_postpone(free, r);
    if (!--pool->n_used[number / OVL_ROUTE_SEGMENT]) {
        trim(fwd);
    }
}
