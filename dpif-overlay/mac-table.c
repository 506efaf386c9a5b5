/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: ovl_mac_.
 *
 * MAC table: (VNI, MAC) to local port or VTEP. */

#include <config.h>

#include "forwarding-private.h"

#include "util.h"

/* There may be a million; see "cost" in README.md. */
BUILD_ASSERT_DECL(sizeof(struct ovl_mac) <= 72);

static struct ovl_mac *
mac_cast(const struct ovl_vnode *node)
{
    return CONTAINER_OF(node, struct ovl_mac, vnode);
}

static bool
mac_same_key(const struct ovl_vnode *a_, const struct ovl_vnode *b_)
{
    const struct ovl_mac *a = mac_cast(a_);
    const struct ovl_mac *b = mac_cast(b_);

    return a->vni == b->vni && eth_addr_equals(a->mac, b->mac);
}

static bool
mac_equal(const struct ovl_vnode *a_, const struct ovl_vnode *b_)
{
    const struct ovl_mac *a = mac_cast(a_);
    const struct ovl_mac *b = mac_cast(b_);

    return a->vlan == b->vlan && a->port == b->port && a->vtep == b->vtep;
}

static void
mac_acquire(struct ovl_forwarding *fwd OVS_UNUSED, struct ovl_vnode *node,
            const struct ovl_vnode *former OVS_UNUSED)
{
    struct ovl_mac *mac = mac_cast(node);

    ovl_lport_ref(mac->port);
    if (mac->vtep) {
        mac->vtep->n_refs++;
    }
}

static void
mac_release(struct ovl_forwarding *fwd, struct ovl_vnode *node)
{
    struct ovl_mac *mac = mac_cast(node);

    ovl_lport_unref(mac->port);
    ovl_vtep_unref(fwd, mac->vtep);
}

const struct ovl_table_class ovl_mac_class = {
    .same_key = mac_same_key,
    .equal = mac_equal,
    .acquire = mac_acquire,
    .release = mac_release,
};

const struct ovl_mac *
ovl_mac_lookup(const struct ovl_forwarding *fwd, ovs_version_t version,
               uint32_t vni, struct eth_addr addr)
{
    uint32_t hash = ovl_hash_mac(&fwd->keys, vni, addr);
    const struct ovl_mac *mac;

    OVL_VMAP_FOR_EACH_WITH_HASH (mac, vnode, hash, version,
                                 &fwd->tables[OVL_TABLE_MACS]) {
        if (mac->vni == vni && eth_addr_equals(mac->mac, addr)) {
            return mac;
        }
    }
    return NULL;
}

void
ovl_mac_lookup_bulk(const struct ovl_forwarding *fwd, ovs_version_t version,
                    const uint32_t vnis[], const struct eth_addr addrs[],
                    size_t n, const struct ovl_mac *macs[])
{
    const struct cmap_node *nodes[OVL_BULK_MAX];
    uint32_t hashes[OVL_BULK_MAX];

    ovs_assert(n && n <= OVL_BULK_MAX);
    for (size_t i = 0; i < n; i++) {
        hashes[i] = ovl_hash_mac(&fwd->keys, vnis[i], addrs[i]);
    }
    ovl_vmap_find_bulk(&fwd->tables[OVL_TABLE_MACS], hashes, n, nodes,
                       sizeof(struct ovl_mac));
    for (size_t i = 0; i < n; i++) {
        const struct ovl_mac *mac;

        macs[i] = NULL;
        CMAP_NODE_FOR_EACH (mac, vnode.cmap_node, nodes[i]) {
            if (mac->vni == vnis[i] && eth_addr_equals(mac->mac, addrs[i])
                && versions_visible_in_version(&mac->vnode.versions,
                                               version)) {
                macs[i] = mac;
                break;
            }
        }
    }
}

void
ovl_mac_set(struct ovl_forwarding *fwd, const struct ovl_mac *mac)
{
    struct ovl_mac *copy = xmemdup(mac, sizeof *mac);

    ovs_assert(!mac->port != !mac->vtep);
    ovl_table_set(fwd, OVL_TABLE_MACS,
                  ovl_hash_mac(&fwd->keys, mac->vni, mac->mac), &copy->vnode);
}

void
ovl_mac_remove(struct ovl_forwarding *fwd, uint32_t vni, struct eth_addr addr)
{
    struct ovl_mac key = { .vni = vni, .mac = addr };

    ovl_table_remove(fwd, OVL_TABLE_MACS, ovl_hash_mac(&fwd->keys, vni, addr),
                     &key.vnode);
}
