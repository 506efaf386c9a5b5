/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: ovl_vrf_, ovl_vrfs_, ovl_route_.
 *
 * VRFs by id.  An entry has a FIB; a transaction that changes routes edits a
 * successor of it and sets an entry with that at its end, so that readers see
 * all of the transaction's routes or none.
 *
 * The numbers that a FIB has no more, and its chunks, live as long as the
 * entry that it belongs to. */

#include <config.h>

#include "forwarding-private.h"

#include <string.h>

#include "fib.h"
#include "hash.h"
#include "util.h"

#define N_PLENS 129

/* A prefix in force, and the number of what it leads to. */
struct prefix {
    struct hmap_node hmap_node; /* In ovl_forwarding's 'prefixes'. */
    struct ovl_prefix prefix;
    uint32_t vrf;
    uint32_t number;
};

/* The writer's side of a VRF. */
struct vrf_edit {
    struct hmap_node hmap_node; /* In ovl_forwarding's 'vrf_edits'. */
    uint32_t id;
    bool present;               /* Set, and not removed. */
    char *name;
    struct in6_addr gateway4, gateway6;
    struct ovl_vrf *entry;      /* In force; NULL: none. */
    uint32_t n_by_plen[2][N_PLENS]; /* Prefixes, IPv4 and IPv6. */

    /* In a transaction. */
    bool dirty;
    struct ovs_list dirty_node; /* In ovl_forwarding's 'dirty_vrfs'. */
    struct ovl_fib_edit *edit;  /* NULL: routes did not change. */
    uint32_t *retired;          /* Numbers that the FIB has no more. */
    size_t n_retired, allocated_retired;
};

static struct ovl_vrf *
vrf_cast(const struct ovl_vnode *node)
{
    return CONTAINER_OF(node, struct ovl_vrf, vnode);
}

static bool
vrf_same_key(const struct ovl_vnode *a, const struct ovl_vnode *b)
{
    return vrf_cast(a)->id == vrf_cast(b)->id;
}

/* An entry is made only if it differs. */
static bool
vrf_equal(const struct ovl_vnode *a OVS_UNUSED,
          const struct ovl_vnode *b OVS_UNUSED)
{
    return false;
}

static void
vrf_acquire(struct ovl_forwarding *fwd OVS_UNUSED,
            struct ovl_vnode *node OVS_UNUSED,
            const struct ovl_vnode *former OVS_UNUSED)
{
}

static void
vrf_release(struct ovl_forwarding *fwd, struct ovl_vnode *node)
{
    struct ovl_vrf *vrf = vrf_cast(node);

    for (size_t i = 0; i < vrf->n_retired; i++) {
        ovl_route_pool_unref(fwd, vrf->retired[i]);
    }
    free(vrf->retired);
    if (!vrf->fib_lives_on) {
        ovl_fib_postpone_destroy(vrf->fib);
    }
}

const struct ovl_table_class ovl_vrf_class = {
    .same_key = vrf_same_key,
    .equal = vrf_equal,
    .acquire = vrf_acquire,
    .release = vrf_release,
};

/* Reader. */

const struct ovl_vrf *
ovl_vrf_lookup(const struct ovl_forwarding *fwd, ovs_version_t version,
               uint32_t id)
{
    const struct ovl_vrf *vrf;

    OVL_VMAP_FOR_EACH_WITH_KEY (vrf, vnode, id, version,
                                &fwd->tables[OVL_TABLE_VRFS]) {
        if (vrf->id == id) {
            return vrf;
        }
    }
    return NULL;
}

void
ovl_vrf_lookup_bulk(const struct ovl_forwarding *fwd, ovs_version_t version,
                    const uint32_t ids[], size_t n,
                    const struct ovl_vrf *vrfs[])
{
    struct ovl_inode *nodes[OVL_BULK_MAX];
    uint64_t keys[OVL_BULK_MAX];

    ovs_assert(n && n <= OVL_BULK_MAX);
    for (size_t i = 0; i < n; i++) {
        keys[i] = ids[i];
    }
    ovl_index_find_bulk(&fwd->tables[OVL_TABLE_VRFS].index, keys, n, nodes,
                        CACHE_LINE_SIZE);
    for (size_t i = 0; i < n; i++) {
        const struct ovl_vrf *vrf;

        vrfs[i] = NULL;
        OVL_VNODE_FOR_EACH (vrf, vnode, nodes[i], version) {
            if (vrf->id == ids[i]) {
                vrfs[i] = vrf;
                OVS_PREFETCH(vrf->fib);
                break;
            }
        }
    }
}

const struct ovl_route *
ovl_route_lookup(const struct ovl_forwarding *fwd, const struct ovl_vrf *vrf,
                 const struct in6_addr *ip, uint8_t *plen)
{
    struct ovl_fib_result result = ovl_fib_lookup(vrf->fib, ip);

    if (plen) {
        *plen = result.plen;
    }
    return ovl_route_pool_get(fwd, result.value);
}

const struct ovl_route *
ovl_route_get(const struct ovl_forwarding *fwd, uint32_t number)
{
    return ovl_route_pool_get(fwd, number);
}

void
ovl_route_lookup_bulk(const struct ovl_forwarding *fwd,
                      const struct ovl_vrf *const vrfs[],
                      const struct in6_addr *const ips[], size_t n,
                      const struct ovl_route *routes[], uint8_t plens[])
{
    struct ovl_fib_result results[OVL_BULK_MAX];
    const struct ovl_fib *fibs[OVL_BULK_MAX];

    BUILD_ASSERT(OVL_BULK_MAX <= OVL_FIB_BULK_MAX);
    ovs_assert(n && n <= OVL_BULK_MAX);
    for (size_t i = 0; i < n; i++) {
        fibs[i] = vrfs[i]->fib;
    }
    ovl_fib_lookup_bulk(fibs, ips, n, results);
    for (size_t i = 0; i < n; i++) {
        routes[i] = ovl_route_pool_get(fwd, results[i].value);
        OVS_PREFETCH(routes[i]);
        plens[i] = results[i].plen;
    }
}

size_t
ovl_routes_count(const struct ovl_forwarding *fwd_)
{
    struct ovl_forwarding *fwd = CONST_CAST(struct ovl_forwarding *, fwd_);

    ovs_mutex_lock(&fwd->prefixes_mutex);
    size_t n = hmap_count(&fwd->prefixes);
    ovs_mutex_unlock(&fwd->prefixes_mutex);
    return n;
}

/* A part of 'prefixes', for a thread that must not hold up the writer. */
struct piece {
    size_t bucket;              /* The next one to look at... */
    size_t mask;                /* ...of a map with this mask. */
    struct prefix *prefixes;
    const struct ovl_route **routes;    /* Stay until the thread quiesces. */
    size_t n, allocated;
};
#define PIECE_BUCKETS 256

/* Takes the next buckets of the map.  If that grows meanwhile, what is in the
 * buckets that were taken may come once more; if it shrinks, everything
 * does. */
static bool
take_piece(struct ovl_forwarding *fwd, struct piece *piece)
{
    const struct hmap *map = &fwd->prefixes;

    piece->n = 0;
    ovs_mutex_lock(&fwd->prefixes_mutex);
    if (map->mask < piece->mask) {
        piece->bucket = 0;
    }
    piece->mask = map->mask;

    bool more = piece->bucket <= map->mask;
    for (size_t i = 0; i < PIECE_BUCKETS && piece->bucket <= map->mask; i++) {
        for (const struct hmap_node *node = map->buckets[piece->bucket];
             node; node = node->next) {
            const struct prefix *p = CONTAINER_OF(node, struct prefix,
                                                  hmap_node);

            if (p->number == OVL_FIB_NONE) {
                continue;
            }
            if (piece->n >= piece->allocated) {
                piece->allocated = piece->allocated * 2 + 64;
                piece->prefixes = xrealloc(piece->prefixes, piece->allocated
                                           * sizeof *piece->prefixes);
                piece->routes = xrealloc(piece->routes, piece->allocated
                                         * sizeof *piece->routes);
            }
            piece->prefixes[piece->n] = *p;
            piece->routes[piece->n++] = ovl_route_pool_get(fwd, p->number);
        }
        piece->bucket++;
    }
    ovs_mutex_unlock(&fwd->prefixes_mutex);
    return more;
}

void
ovl_forwarding_for_each_route(
    const struct ovl_forwarding *fwd_,
    void (*cb)(uint32_t vrf, const struct ovl_prefix *,
               const struct ovl_route *, void *aux), void *aux)
{
    struct ovl_forwarding *fwd = CONST_CAST(struct ovl_forwarding *, fwd_);
    struct piece piece = { .n = 0 };

    while (take_piece(fwd, &piece)) {
        for (size_t i = 0; i < piece.n; i++) {
            cb(piece.prefixes[i].vrf, &piece.prefixes[i].prefix,
               piece.routes[i], aux);
        }
    }
    free(piece.prefixes);
    free(piece.routes);
}

/* VRFs. */

static struct vrf_edit *
find_edit(const struct ovl_forwarding *fwd, uint32_t id)
{
    struct vrf_edit *e;

    HMAP_FOR_EACH_WITH_HASH (e, hmap_node, hash_int(id, 0), &fwd->vrf_edits) {
        if (e->id == id) {
            return e;
        }
    }
    return NULL;
}

static void
mark(struct ovl_forwarding *fwd, struct vrf_edit *e)
{
    ovs_assert(fwd->in_transaction);
    if (!e->dirty) {
        e->dirty = true;
        ovs_list_push_back(&fwd->dirty_vrfs, &e->dirty_node);
    }
}

void
ovl_vrf_set(struct ovl_forwarding *fwd, const struct ovl_vrf *vrf)
{
    struct vrf_edit *e = find_edit(fwd, vrf->id);

    if (!e) {
        e = xzalloc(sizeof *e);
        e->id = vrf->id;
        hmap_insert(&fwd->vrf_edits, &e->hmap_node, hash_int(e->id, 0));
    }
    if (!e->present
        || !nullable_string_is_equal(e->name, vrf->name)
        || !ipv6_addr_equals(&e->gateway4, &vrf->gateway4)
        || !ipv6_addr_equals(&e->gateway6, &vrf->gateway6)) {
        e->present = true;
        free(e->name);
        e->name = nullable_xstrdup(vrf->name);
        e->gateway4 = vrf->gateway4;
        e->gateway6 = vrf->gateway6;
        mark(fwd, e);
    }
}

void
ovl_vrf_remove(struct ovl_forwarding *fwd, uint32_t id)
{
    struct vrf_edit *e = find_edit(fwd, id);

    if (e && e->present) {
        e->present = false;
        mark(fwd, e);
    }
}

/* Routes. */

static uint32_t
hash_prefix(const struct ovl_forwarding *fwd, uint32_t vrf,
            const struct ovl_prefix *prefix)
{
    return ovl_hash_ip(&fwd->keys, vrf * N_PLENS + prefix->plen,
                       &prefix->addr);
}

static struct prefix *
find_prefix(const struct ovl_forwarding *fwd, uint32_t vrf,
            const struct ovl_prefix *prefix)
{
    struct prefix *p;

    HMAP_FOR_EACH_WITH_HASH (p, hmap_node, hash_prefix(fwd, vrf, prefix),
                             &fwd->prefixes) {
        if (p->vrf == vrf && p->prefix.plen == prefix->plen
            && ipv6_addr_equals(&p->prefix.addr, &prefix->addr)) {
            return p;
        }
    }
    return NULL;
}

/* Finds the longest prefix of those that contain 'prefix' and are shorter. */
static const struct prefix *
find_cover(const struct ovl_forwarding *fwd, const struct vrf_edit *e,
           const struct ovl_prefix *prefix)
{
    bool v4 = ovl_prefix_is_v4(prefix);

    for (int plen = prefix->plen - 1; plen >= (v4 ? 96 : 0); plen--) {
        if (e->n_by_plen[!v4][plen]) {
            struct in6_addr mask = ipv6_create_mask(plen);
            struct ovl_prefix shorter = {
                .addr = ipv6_addr_bitand(&prefix->addr, &mask), .plen = plen,
            };
            const struct prefix *p = find_prefix(fwd, e->id, &shorter);

            if (p) {
                return p;
            }
        }
    }
    return NULL;
}

static struct prefix *
add_prefix(struct ovl_forwarding *fwd, struct vrf_edit *e,
           const struct ovl_prefix *prefix)
{
    struct prefix *p = xmalloc(sizeof *p);

    p->prefix = *prefix;
    p->vrf = e->id;
    p->number = OVL_FIB_NONE;
    ovs_mutex_lock(&fwd->prefixes_mutex);
    hmap_insert(&fwd->prefixes, &p->hmap_node,
                hash_prefix(fwd, e->id, prefix));
    ovs_mutex_unlock(&fwd->prefixes_mutex);
    e->n_by_plen[!ovl_prefix_is_v4(prefix)][prefix->plen]++;
    return p;
}

static void
delete_prefix(struct ovl_forwarding *fwd, struct vrf_edit *e,
              struct prefix *p)
{
    e->n_by_plen[!ovl_prefix_is_v4(&p->prefix)][p->prefix.plen]--;
    ovs_mutex_lock(&fwd->prefixes_mutex);
    hmap_remove(&fwd->prefixes, &p->hmap_node);
    ovs_mutex_unlock(&fwd->prefixes_mutex);
    free(p);
}

static struct ovl_fib_edit *
fib_edit(struct ovl_forwarding *fwd, struct vrf_edit *e)
{
    if (!e->edit) {
        e->edit = ovl_fib_edit_begin(e->entry ? e->entry->fib : NULL);
        mark(fwd, e);
    }
    return e->edit;
}

static void
retire(struct vrf_edit *e, uint32_t number)
{
    if (e->n_retired >= e->allocated_retired) {
        e->retired = x2nrealloc(e->retired, &e->allocated_retired,
                                sizeof *e->retired);
    }
    e->retired[e->n_retired++] = number;
}

void
ovl_route_set(struct ovl_forwarding *fwd, uint32_t vrf,
              const struct ovl_prefix *prefix, const struct ovl_route *route)
{
    struct vrf_edit *e = find_edit(fwd, vrf);
    struct prefix *p = find_prefix(fwd, vrf, prefix);
    uint32_t number = ovl_route_pool_ref(fwd, route);

    ovs_assert(e && e->present);
    if (p && p->number == number) {
        ovl_route_pool_unref(fwd, number);
        return;
    }
    if (p) {
        retire(e, p->number);
    } else {
        p = add_prefix(fwd, e, prefix);
    }
    ovs_mutex_lock(&fwd->prefixes_mutex);
    p->number = number;
    ovs_mutex_unlock(&fwd->prefixes_mutex);
    ovl_fib_edit_insert(fib_edit(fwd, e), prefix, number);
}

void
ovl_route_remove(struct ovl_forwarding *fwd, uint32_t vrf,
                 const struct ovl_prefix *prefix)
{
    struct prefix *p = find_prefix(fwd, vrf, prefix);

    if (p) {
        struct vrf_edit *e = find_edit(fwd, vrf);
        const struct prefix *cover = find_cover(fwd, e, prefix);

        ovl_fib_edit_remove(fib_edit(fwd, e), prefix,
                            cover ? &cover->prefix : NULL,
                            cover ? cover->number : OVL_FIB_NONE);
        retire(e, p->number);
        delete_prefix(fwd, e, p);
    }
}

/* The end of a transaction. */

static struct ovl_vrf *
vrf_create(const struct vrf_edit *e, struct ovl_fib *fib)
{
    const char *name = e->name ? e->name : "";
    struct ovl_vrf *vrf = xzalloc_cacheline(sizeof *vrf + strlen(name) + 1);

    vrf->id = e->id;
    vrf->fib = fib;
    vrf->gateway4 = e->gateway4;
    vrf->gateway6 = e->gateway6;
    vrf->name = (char *) (vrf + 1);
    strcpy(vrf->name, name);
    return vrf;
}

/* Lets what the FIB has no more live as long as the entry in force. */
static void
give_retired(struct ovl_forwarding *fwd, struct vrf_edit *e)
{
    if (e->entry) {
        e->entry->retired = e->retired;
        e->entry->n_retired = e->n_retired;
    } else {
        for (size_t i = 0; i < e->n_retired; i++) {
            ovl_route_pool_unref(fwd, e->retired[i]);
        }
        free(e->retired);
    }
    e->retired = NULL;
    e->n_retired = e->allocated_retired = 0;
}

static void
finish(struct ovl_forwarding *fwd, struct vrf_edit *e)
{
    struct ovl_fib *base = e->entry ? e->entry->fib : NULL;
    struct ovl_fib *fib = e->edit ? ovl_fib_edit_end(e->edit) : base;

    e->edit = NULL;
    give_retired(fwd, e);
    if (e->present) {
        struct ovl_vrf *vrf = vrf_create(e, fib);

        if (e->entry) {
            e->entry->fib_lives_on = fib == base;
        }
        ovl_table_set(fwd, OVL_TABLE_VRFS, e->id, &vrf->vnode);
        e->entry = vrf;
    } else {
        ovs_assert(!fib);
        if (e->entry) {
            ovl_table_remove(fwd, OVL_TABLE_VRFS, e->id, &e->entry->vnode);
        }
        hmap_remove(&fwd->vrf_edits, &e->hmap_node);
        free(e->name);
        free(e);
    }
}

void
ovl_vrfs_finish(struct ovl_forwarding *fwd)
{
    struct vrf_edit *e;

    LIST_FOR_EACH_POP (e, dirty_node, &fwd->dirty_vrfs) {
        e->dirty = false;
        finish(fwd, e);
    }
    if (hmap_capacity(&fwd->prefixes) / 8 > hmap_count(&fwd->prefixes)) {
        ovs_mutex_lock(&fwd->prefixes_mutex);
        hmap_shrink(&fwd->prefixes);
        ovs_mutex_unlock(&fwd->prefixes_mutex);
    }
}

/* Life cycle. */

void
ovl_vrfs_init(struct ovl_forwarding *fwd)
{
    ovl_route_pool_init(fwd);
    ovs_mutex_init(&fwd->prefixes_mutex);
    hmap_init(&fwd->prefixes);
    hmap_init(&fwd->vrf_edits);
    ovs_list_init(&fwd->dirty_vrfs);
}

void
ovl_vrfs_destroy(struct ovl_forwarding *fwd)
{
    struct vrf_edit *e;
    struct prefix *p;

    HMAP_FOR_EACH_POP (p, hmap_node, &fwd->prefixes) {
        ovl_route_pool_unref(fwd, p->number);
        free(p);
    }
    HMAP_FOR_EACH_POP (e, hmap_node, &fwd->vrf_edits) {
        free(e->name);
        free(e);
    }
    hmap_destroy(&fwd->prefixes);
    ovs_mutex_destroy(&fwd->prefixes_mutex);
    hmap_destroy(&fwd->vrf_edits);
    ovl_route_pool_destroy(fwd);
}
