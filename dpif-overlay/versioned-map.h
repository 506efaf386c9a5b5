/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_VERSIONED_MAP_H
#define OVL_VERSIONED_MAP_H 1

/* Map whose changes take force in one step, together with those of other
 * maps.  Entries are found by keys of 63 bits, see node-index.h, which may be
 * hashes of longer ones.
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
 *     ovl_vmap_insert(&map, &new->vnode, key, version + 1);
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

#include "node-index.h"
#include "openvswitch/list.h"
#include "ovs-rcu.h"
#include "util.h"
#include "versions.h"

struct ovl_vnode {
    struct ovl_inode inode;
    struct versions versions;
    struct ovl_vnode *next_removed; /* Writer only. */
};

struct ovl_vmap {
    struct ovl_index index;
    struct ovl_vmap_changes *changes;   /* The writer's notes. */
};

static inline struct ovl_vnode *
ovl_vnode_cast(struct ovl_inode *inode)
{
    return inode ? CONTAINER_OF(inode, struct ovl_vnode, inode) : NULL;
}

/* Returns the first node from 'inode' on, which may be NULL, that is visible
 * in 'version'; NULL if there is none. */
static inline struct ovl_vnode *
ovl_vnode_visible(struct ovl_inode *inode, ovs_version_t version)
{
    struct ovl_vnode *node = ovl_vnode_cast(inode);

    while (node && !versions_visible_in_version(&node->versions, version)) {
        node = ovl_vnode_cast(ovl_inode_next(&node->inode));
    }
    return node;
}

/* Iterates over the entries of a chain from inode FIRST on that are visible in
 * VERSION. */
#define OVL_VNODE_FOR_EACH(NODE, MEMBER, FIRST, VERSION)                     \
    for (struct ovl_vnode *vnode__ = ovl_vnode_visible(FIRST, VERSION);      \
         vnode__ ? (INIT_CONTAINER(NODE, vnode__, MEMBER), true) : false;    \
         vnode__ = ovl_vnode_visible(ovl_inode_next(&vnode__->inode),        \
                                     VERSION))

/* Iterates over the entries of MAP with KEY that are visible in VERSION, and
 * perhaps others: see node-index.h. */
#define OVL_VMAP_FOR_EACH_WITH_KEY(NODE, MEMBER, KEY, VERSION, MAP)          \
    OVL_VNODE_FOR_EACH (NODE, MEMBER, ovl_index_find(&(MAP)->index, KEY),    \
                        VERSION)

/* Number of entries in force, that is, in the version published last.  Any
 * thread. */
size_t ovl_vmap_count(const struct ovl_vmap *);

/* Gives a new array of the '*n' entries that are visible in 'version', each
 * once, whatever the writer does meanwhile.  The writer waits meanwhile: for
 * lists that people read.  The caller frees the array; the entries are valid
 * until it quiesces. */
struct ovl_vnode **ovl_vmap_snapshot(const struct ovl_vmap *,
                                     ovs_version_t version, size_t *n);

/* Writer. */

void ovl_vmap_init(struct ovl_vmap *);
/* Entries must have been unlinked. */
void ovl_vmap_destroy(struct ovl_vmap *);

/* Links 'node', visible from 'version' on, which is not yet published. */
void ovl_vmap_insert(struct ovl_vmap *, struct ovl_vnode *node, uint64_t key,
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
