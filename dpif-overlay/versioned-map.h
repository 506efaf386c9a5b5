/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_VERSIONED_MAP_H
#define OVL_VERSIONED_MAP_H 1

/* Hash map whose changes take force in one step, together with those of
 * other maps.
 *
 * All maps of a 'struct ovl_forwarding' share one version number.  An entry
 * is visible in versions add_version <= v < remove_version.  The writer
 * inserts and removes for version current + 1 while readers go on in
 * 'current', then publishes current + 1 with one store: a reader that took
 * its version before sees all of the old rows, one that takes it afterwards
 * all of the new.  This is how OVS's classifier does it (lib/versions.h).
 *
 * An entry that was removed stays linked until no reader can be in an older
 * version (a grace period after publication), then the writer unlinks it and
 * frees it after another.
 *
 * Thread-safety: one writer; any number of readers under RCU.  The functions
 * under "Writer" are the writer's.
 *
 * Ownership: the map owns nothing.  Entries embed a 'struct ovl_vnode'; if it
 * is their first member, ovl_vnodes_free() can free a chain of them.
 *
 * Example, of one change from 'version' to 'version + 1':
 *
 *     ovl_vmap_insert(&map, &new->vnode, hash, version + 1);
 *     ovl_vmap_remove(&map, &old->vnode, version + 1);
 *     ...let readers take version + 1 from now on...
 *     removed = ovl_vmap_settle(&map);
 *     ...a grace period later...
 *     ovl_vmap_unlink(&map, &old->vnode);
 *     ...another one later...
 *     free(old);
 *
 * Layer 1. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cmap.h"
#include "openvswitch/list.h"
#include "ovs-rcu.h"
#include "versions.h"

struct ovl_vnode {
    struct cmap_node cmap_node;
    struct versions versions;
    uint32_t hash;
    struct ovl_vnode *next_removed; /* Writer only. */
};

struct ovl_vmap {
    struct cmap cmap;
    struct ovl_vmap_changes *changes;   /* The writer's notes. */
};

/* Iterates over the entries of MAP with HASH that are visible in VERSION. */
#define OVL_VMAP_FOR_EACH_WITH_HASH(NODE, MEMBER, HASH, VERSION, MAP)        \
    CMAP_FOR_EACH_WITH_HASH (NODE, MEMBER.cmap_node, HASH, &(MAP)->cmap)     \
        if (versions_visible_in_version(&(NODE)->MEMBER.versions, VERSION))

/* Iterates over all entries of MAP that are visible in VERSION. */
#define OVL_VMAP_FOR_EACH(NODE, MEMBER, VERSION, MAP)                        \
    CMAP_FOR_EACH (NODE, MEMBER.cmap_node, &(MAP)->cmap)                     \
        if (versions_visible_in_version(&(NODE)->MEMBER.versions, VERSION))

/* Finds the first entries with 'n' hashes at once, n <= 64, of 'size' bytes,
 * or NULL, of which CMAP_NODE_FOR_EACH finds the ones that are meant.  What
 * is found is on its way into the cache. */
void ovl_vmap_find_bulk(const struct ovl_vmap *, uint32_t hashes[], size_t n,
                        const struct cmap_node *nodes[], size_t size);

/* Number of entries in force, that is, in the version published last.  Any
 * thread. */
size_t ovl_vmap_count(const struct ovl_vmap *);

/* Gives a new array of the '*n' entries that are visible in 'version', each
 * once, whatever the writer does meanwhile (cmap iteration could skip or
 * repeat some).  The writer waits meanwhile: for lists that people read.  The
 * caller frees the array; the entries are valid until it quiesces. */
struct ovl_vnode **ovl_vmap_snapshot(const struct ovl_vmap *,
                                     ovs_version_t version, size_t *n);

/* Writer. */

void ovl_vmap_init(struct ovl_vmap *);
/* Entries must have been unlinked. */
void ovl_vmap_destroy(struct ovl_vmap *);

/* Links 'node', visible from 'version' on, which is not yet published. */
void ovl_vmap_insert(struct ovl_vmap *, struct ovl_vnode *node, uint32_t hash,
                     ovs_version_t version);
/* Takes out again an entry whose version is not yet published.  Nobody can
 * see it, but readers may be walking over it: free it after a grace period. */
void ovl_vmap_discard(struct ovl_vmap *, struct ovl_vnode *node);

/* Makes 'node' invisible from 'version' on, which is not yet published. */
void ovl_vmap_remove(struct ovl_vmap *, struct ovl_vnode *node,
                     ovs_version_t version);
/* Undoes ovl_vmap_remove() before 'version' is published. */
void ovl_vmap_restore(struct ovl_vmap *, struct ovl_vnode *node);

/* True if something was inserted or removed since ovl_vmap_settle(). */
bool ovl_vmap_is_changed(const struct ovl_vmap *);

/* After publication: returns the entries that went with it, chained by
 * 'next_removed', for ovl_vmap_unlink() after a grace period. */
struct ovl_vnode *ovl_vmap_settle(struct ovl_vmap *);
void ovl_vmap_unlink(struct ovl_vmap *, struct ovl_vnode *node);

/* Frees entries chained by 'next_removed', whose first member is their
 * 'struct ovl_vnode'. */
void ovl_vnodes_free(struct ovl_vnode *);

#endif /* versioned-map.h */
