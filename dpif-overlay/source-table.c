/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: ovl_source_.
 *
 * Set of (group, outer source IP): the VTEPs that may send to us.  A group is
 * a VRF or a network that is in none.  An entry leads to the VTEP at that
 * address, if there is one, so that who sends is one look-up. */

#include <config.h>

#include "forwarding-private.h"

#include "util.h"

struct source {
    struct ovl_vnode vnode;
    uint32_t group;
    struct in6_addr ip;
    struct ovl_peer *peer;      /* Holds a reference. */
};
BUILD_ASSERT_DECL(offsetof(struct source, vnode) == 0);

static struct source *
source_cast(const struct ovl_vnode *node)
{
    return CONTAINER_OF(node, struct source, vnode);
}

static bool
source_same_key(const struct ovl_vnode *a_, const struct ovl_vnode *b_)
{
    const struct source *a = source_cast(a_);
    const struct source *b = source_cast(b_);

    return a->group == b->group && ipv6_addr_equals(&a->ip, &b->ip);
}

/* In a set, the key is all there is. */

static bool
source_equal(const struct ovl_vnode *a OVS_UNUSED,
             const struct ovl_vnode *b OVS_UNUSED)
{
    return true;
}

static void
source_acquire(struct ovl_forwarding *fwd, struct ovl_vnode *node,
               const struct ovl_vnode *former OVS_UNUSED)
{
    struct source *source = source_cast(node);

    source->peer = ovl_peer_ref(fwd, &source->ip);
}

static void
source_release(struct ovl_forwarding *fwd, struct ovl_vnode *node)
{
    ovl_peer_unref(fwd, source_cast(node)->peer);
}

const struct ovl_table_class ovl_source_class = {
    .same_key = source_same_key,
    .equal = source_equal,
    .acquire = source_acquire,
    .release = source_release,
};

bool
ovl_source_allowed(const struct ovl_forwarding *fwd, ovs_version_t version,
                   uint32_t group, const struct in6_addr *outer_src)
{
    uint64_t key = ovl_hash_ip_key(&fwd->keys, group, outer_src);
    const struct source *source;

    OVL_VMAP_FOR_EACH_WITH_KEY (source, vnode, key, version,
                                &fwd->tables[OVL_TABLE_SOURCES]) {
        if (source->group == group
            && ipv6_addr_equals(&source->ip, outer_src)) {
            return true;
        }
    }
    return false;
}

void
ovl_source_lookup_bulk(const struct ovl_forwarding *fwd,
                       ovs_version_t version, const uint32_t groups[],
                       const struct in6_addr *const outer_srcs[], size_t n,
                       bool allowed[], struct ovl_vtep *vteps[])
{
    const struct ovl_peer *peers[OVL_BULK_MAX];
    struct ovl_inode *nodes[OVL_BULK_MAX];
    uint64_t keys[OVL_BULK_MAX];

    ovs_assert(n && n <= OVL_BULK_MAX);
    for (size_t i = 0; i < n; i++) {
        keys[i] = ovl_hash_ip_key(&fwd->keys, groups[i], outer_srcs[i]);
    }
    ovl_index_find_bulk(&fwd->tables[OVL_TABLE_SOURCES].index, keys, n,
                        nodes, sizeof(struct source));
    for (size_t i = 0; i < n; i++) {
        const struct source *source;

        allowed[i] = false;
        OVL_VNODE_FOR_EACH (source, vnode, nodes[i], version) {
            if (source->group == groups[i]
                && ipv6_addr_equals(&source->ip, outer_srcs[i])) {
                allowed[i] = true;
                peers[i] = source->peer;
                OVS_PREFETCH(peers[i]);
                break;
            }
        }
    }
    for (size_t i = 0; i < n; i++) {
        vteps[i] = (allowed[i]
                    ? ovsrcu_get(struct ovl_vtep *, &peers[i]->vtep) : NULL);
        OVS_PREFETCH(vteps[i]);
    }
}

void
ovl_source_add(struct ovl_forwarding *fwd, uint32_t group,
               const struct in6_addr *ip)
{
    struct source *source = xzalloc(sizeof *source);

    source->group = group;
    source->ip = *ip;
    ovl_table_set(fwd, OVL_TABLE_SOURCES,
                  ovl_hash_ip_key(&fwd->keys, group, ip), &source->vnode);
}

void
ovl_source_remove(struct ovl_forwarding *fwd, uint32_t group,
                  const struct in6_addr *ip)
{
    struct source key = { .group = group, .ip = *ip };

    ovl_table_remove(fwd, OVL_TABLE_SOURCES,
                     ovl_hash_ip_key(&fwd->keys, group, ip), &key.vnode);
}
