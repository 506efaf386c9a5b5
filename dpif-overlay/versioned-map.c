/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: ovl_vmap_.
 *
 * 'next_removed' chains the entries removed for the next version.  The chain
 * ends in 'end_of_chain' while it grows, so that a null pointer says that an
 * entry is not in it.  An entry that is restored stays in the chain until
 * ovl_vmap_settle() leaves it out: it may be removed again. */

#include <config.h>

#include "versioned-map.h"

#include "ovs-thread.h"
#include "util.h"

/* In a long loop, pass a quiescent state every so many nodes. */
#define QUIESCE_NODES 4096

/* What only the writer needs, away from what readers read. */
struct ovl_vmap_changes {
    /* Held while the index changes and while somebody takes a snapshot. */
    struct ovs_mutex mutex;

    struct ovl_vnode *removed;  /* For the next version. */
    size_t n_inserted;          /* Likewise, without those discarded. */
    size_t n_removed;           /* Likewise, without those restored. */
    ATOMIC(size_t) count;       /* Entries in force. */
};

static struct ovl_vnode end_of_chain;

void
ovl_vmap_init(struct ovl_vmap *map)
{
    ovl_index_init(&map->index);
    map->changes = xzalloc(sizeof *map->changes);
    ovs_mutex_init(&map->changes->mutex);
    map->changes->removed = &end_of_chain;
    atomic_init(&map->changes->count, 0);
}

void
ovl_vmap_destroy(struct ovl_vmap *map)
{
    ovl_index_destroy(&map->index);
    ovs_mutex_destroy(&map->changes->mutex);
    free(map->changes);
}

size_t
ovl_vmap_count(const struct ovl_vmap *map)
{
    size_t count;

    atomic_read_relaxed(&map->changes->count, &count);
    return count;
}

struct ovl_vnode **
ovl_vmap_snapshot(const struct ovl_vmap *map, ovs_version_t version,
                  size_t *n)
{
    struct ovl_inode *inode = NULL;
    struct ovl_vnode **nodes;
    uint64_t at;

    *n = 0;
    ovs_mutex_lock(&map->changes->mutex);
    nodes = xmalloc((map->index.n + 1) * sizeof *nodes);
    while ((inode = ovl_index_next(&map->index, inode, &at))) {
        struct ovl_vnode *node = ovl_vnode_cast(inode);

        if (versions_visible_in_version(&node->versions, version)) {
            nodes[(*n)++] = node;
        }
    }
    ovs_mutex_unlock(&map->changes->mutex);

    return nodes;
}

static void
unlink__(struct ovl_vmap *map, struct ovl_vnode *node)
{
    ovs_mutex_lock(&map->changes->mutex);
    ovl_index_remove(&map->index, &node->inode);
    ovs_mutex_unlock(&map->changes->mutex);
}

void
ovl_vmap_insert(struct ovl_vmap *map, struct ovl_vnode *node, uint64_t key,
                ovs_version_t version)
{
    node->versions = VERSIONS_INITIALIZER(version, OVS_VERSION_NOT_REMOVED);
    node->next_removed = NULL;

    ovs_mutex_lock(&map->changes->mutex);
    ovl_index_insert(&map->index, &node->inode, key);
    ovs_mutex_unlock(&map->changes->mutex);
    map->changes->n_inserted++;
}

void
ovl_vmap_discard(struct ovl_vmap *map, struct ovl_vnode *node)
{
    ovs_assert(map->changes->n_inserted);
    map->changes->n_inserted--;
    unlink__(map, node);
}

void
ovl_vmap_remove(struct ovl_vmap *map, struct ovl_vnode *node,
                ovs_version_t version)
{
    ovs_assert(!versions_is_eventually_invisible(&node->versions));

    versions_set_remove_version(&node->versions, version);
    if (!node->next_removed) {
        node->next_removed = map->changes->removed;
        map->changes->removed = node;
    }
    map->changes->n_removed++;
}

void
ovl_vmap_restore(struct ovl_vmap *map, struct ovl_vnode *node)
{
    ovs_assert(versions_is_eventually_invisible(&node->versions)
               && node->next_removed);

    versions_set_remove_version(&node->versions, OVS_VERSION_NOT_REMOVED);
    map->changes->n_removed--;
}

bool
ovl_vmap_is_changed(const struct ovl_vmap *map)
{
    return map->changes->n_inserted || map->changes->n_removed;
}

struct ovl_vnode *
ovl_vmap_settle(struct ovl_vmap *map)
{
    struct ovl_vmap_changes *c = map->changes;
    struct ovl_vnode *removed = NULL;
    struct ovl_vnode *node, *next;
    size_t n_seen = 0;

    for (node = c->removed; node != &end_of_chain; node = next) {
        next = node->next_removed;
        if (versions_is_eventually_invisible(&node->versions)) {
            node->next_removed = removed;
            removed = node;
        } else {
            node->next_removed = NULL;
        }
        if (++n_seen % QUIESCE_NODES == 0) {
            ovsrcu_quiesce();
        }
    }
    atomic_store_relaxed(&c->count,
                         ovl_vmap_count(map) + c->n_inserted - c->n_removed);
    c->removed = &end_of_chain;
    c->n_inserted = c->n_removed = 0;

    return removed;
}

void
ovl_vmap_unlink(struct ovl_vmap *map, struct ovl_vnode *node)
{
    ovs_assert(versions_is_eventually_invisible(&node->versions));
    unlink__(map, node);
}

void
ovl_vnodes_free(struct ovl_vnode *node)
{
    while (node) {
        struct ovl_vnode *next = node->next_removed;

        free(node);
        node = next;
    }
}
