/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: ovl_neighbor_.
 *
 * Neighbor table: (VNI, IP) to MAC. */

#include <config.h>

#include "forwarding-private.h"

#include "util.h"

/* There may be a million; see "cost" in README.md. */
BUILD_ASSERT_DECL(sizeof(struct ovl_neighbor) <= 72);

static struct ovl_neighbor *
neighbor_cast(const struct ovl_vnode *node)
{
    return CONTAINER_OF(node, struct ovl_neighbor, vnode);
}

static bool
neighbor_same_key(const struct ovl_vnode *a_, const struct ovl_vnode *b_)
{
    const struct ovl_neighbor *a = neighbor_cast(a_);
    const struct ovl_neighbor *b = neighbor_cast(b_);

    return a->vni == b->vni && ipv6_addr_equals(&a->ip, &b->ip);
}

static bool
neighbor_equal(const struct ovl_vnode *a_, const struct ovl_vnode *b_)
{
    const struct ovl_neighbor *a = neighbor_cast(a_);
    const struct ovl_neighbor *b = neighbor_cast(b_);

    return (eth_addr_equals(a->mac, b->mac)
            && a->router == b->router
            && a->shared == b->shared);
}

/* Neighbors are plain values. */

static void
neighbor_acquire(struct ovl_forwarding *fwd OVS_UNUSED,
                 struct ovl_vnode *node OVS_UNUSED,
                 const struct ovl_vnode *former OVS_UNUSED)
{
}

static void
neighbor_release(struct ovl_forwarding *fwd OVS_UNUSED,
                 struct ovl_vnode *node OVS_UNUSED)
{
}

const struct ovl_table_class ovl_neighbor_class = {
    .same_key = neighbor_same_key,
    .equal = neighbor_equal,
    .acquire = neighbor_acquire,
    .release = neighbor_release,
};

const struct ovl_neighbor *
ovl_neighbor_lookup(const struct ovl_forwarding *fwd, ovs_version_t version,
                    uint32_t vni, const struct in6_addr *ip)
{
    uint32_t hash = ovl_hash_ip(&fwd->keys, vni, ip);
    const struct ovl_neighbor *neighbor;

    OVL_VMAP_FOR_EACH_WITH_HASH (neighbor, vnode, hash, version,
                                 &fwd->tables[OVL_TABLE_NEIGHBORS]) {
        if (neighbor->vni == vni && ipv6_addr_equals(&neighbor->ip, ip)) {
            return neighbor;
        }
    }
    return NULL;
}

void
ovl_neighbor_lookup_bulk(const struct ovl_forwarding *fwd,
                         ovs_version_t version, const uint32_t vnis[],
                         const struct in6_addr *const ips[], size_t n,
                         const struct ovl_neighbor *neighbors[])
{
    const struct cmap_node *nodes[OVL_BULK_MAX];
    uint32_t hashes[OVL_BULK_MAX];

    ovs_assert(n && n <= OVL_BULK_MAX);
    for (size_t i = 0; i < n; i++) {
        hashes[i] = ovl_hash_ip(&fwd->keys, vnis[i], ips[i]);
    }
    ovl_vmap_find_bulk(&fwd->tables[OVL_TABLE_NEIGHBORS], hashes, n, nodes,
                       sizeof(struct ovl_neighbor));
    for (size_t i = 0; i < n; i++) {
        const struct ovl_neighbor *neighbor;

        neighbors[i] = NULL;
        CMAP_NODE_FOR_EACH (neighbor, vnode.cmap_node, nodes[i]) {
            if (neighbor->vni == vnis[i]
                && ipv6_addr_equals(&neighbor->ip, ips[i])
                && versions_visible_in_version(&neighbor->vnode.versions,
                                               version)) {
                neighbors[i] = neighbor;
                break;
            }
        }
    }
}

void
ovl_neighbor_set(struct ovl_forwarding *fwd,
                 const struct ovl_neighbor *neighbor)
{
    struct ovl_neighbor *copy = xmemdup(neighbor, sizeof *neighbor);

    ovl_table_set(fwd, OVL_TABLE_NEIGHBORS,
                  ovl_hash_ip(&fwd->keys, neighbor->vni, &neighbor->ip),
                  &copy->vnode);
}

void
ovl_neighbor_remove(struct ovl_forwarding *fwd, uint32_t vni,
                    const struct in6_addr *ip)
{
    struct ovl_neighbor key = { .vni = vni, .ip = *ip };

    ovl_table_remove(fwd, OVL_TABLE_NEIGHBORS,
                     ovl_hash_ip(&fwd->keys, vni, ip), &key.vnode);
}
