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
 * Thread-safety: one writer; any number of readers under RCU.
 *
 * Layer 1. */

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
};

/* Iterates over the entries of MAP with HASH that are visible in VERSION. */
#define OVL_VMAP_FOR_EACH_WITH_HASH(NODE, MEMBER, HASH, VERSION, MAP)        \
    CMAP_FOR_EACH_WITH_HASH (NODE, MEMBER.cmap_node, HASH, &(MAP)->cmap)     \
        if (versions_visible_in_version(&(NODE)->MEMBER.versions, VERSION))

/* Iterates over all entries of MAP that are visible in VERSION. */
#define OVL_VMAP_FOR_EACH(NODE, MEMBER, VERSION, MAP)                        \
    CMAP_FOR_EACH (NODE, MEMBER.cmap_node, &(MAP)->cmap)                     \
        if (versions_visible_in_version(&(NODE)->MEMBER.versions, VERSION))

#endif /* versioned-map.h */
