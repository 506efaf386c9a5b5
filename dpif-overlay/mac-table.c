/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: ovl_mac_.
 *
 * MAC table: (VNI, MAC) to local port or VTEP. */

#include <config.h>

#include "forwarding-private.h"

#include "util.h"

struct mac_entry {
    struct ovl_vnode vnode;     /* By 'vni' and 'mac'. */
    uint32_t vni;
    struct eth_addr mac;
    struct ovl_way way;
};

/* There may be a million; see "cost" in README.md. */
BUILD_ASSERT_DECL(sizeof(struct mac_entry) <= 80);
BUILD_ASSERT_DECL(offsetof(struct mac_entry, vnode) == 0);

static struct mac_entry *
mac_cast(const struct ovl_vnode *node)
{
    return CONTAINER_OF(node, struct mac_entry, vnode);
}

static bool
mac_same_key(const struct ovl_vnode *a_, const struct ovl_vnode *b_)
{
    const struct mac_entry *a = mac_cast(a_);
    const struct mac_entry *b = mac_cast(b_);

    return a->vni == b->vni && eth_addr_equals(a->mac, b->mac);
}

static bool
mac_equal(const struct ovl_vnode *a_, const struct ovl_vnode *b_)
{
    const struct mac_entry *a = mac_cast(a_);
    const struct mac_entry *b = mac_cast(b_);

    return (a->way.port == b->way.port && a->way.vtep == b->way.vtep
            && a->way.vlan == b->way.vlan);
}

static void
mac_acquire(struct ovl_forwarding *fwd OVS_UNUSED, struct ovl_vnode *node,
            const struct ovl_vnode *former OVS_UNUSED)
{
    struct mac_entry *mac = mac_cast(node);

    ovl_lport_ref(mac->way.port);
    if (mac->way.vtep) {
        mac->way.vtep->n_refs++;
    }
}

static void
mac_release(struct ovl_forwarding *fwd, struct ovl_vnode *node)
{
    struct mac_entry *mac = mac_cast(node);

    ovl_lport_unref(mac->way.port);
    ovl_vtep_unref(fwd, mac->way.vtep);
}

const struct ovl_table_class ovl_mac_class = {
    .same_key = mac_same_key,
    .equal = mac_equal,
    .acquire = mac_acquire,
    .release = mac_release,
};

const struct ovl_way *
ovl_mac_lookup(const struct ovl_forwarding *fwd, ovs_version_t version,
               uint32_t vni, struct eth_addr addr)
{
    uint32_t hash = ovl_hash_mac(&fwd->keys, vni, addr);
    const struct mac_entry *mac;

    OVL_VMAP_FOR_EACH_WITH_HASH (mac, vnode, hash, version,
                                 &fwd->tables[OVL_TABLE_MACS]) {
        if (mac->vni == vni && eth_addr_equals(mac->mac, addr)) {
            return &mac->way;
        }
    }
    return NULL;
}

void
ovl_mac_lookup_bulk(const struct ovl_forwarding *fwd, ovs_version_t version,
                    const uint32_t vnis[], const struct eth_addr addrs[],
                    size_t n, const struct ovl_way *ways[])
{
    const struct cmap_node *nodes[OVL_BULK_MAX];
    uint32_t hashes[OVL_BULK_MAX];

    ovs_assert(n && n <= OVL_BULK_MAX);
    for (size_t i = 0; i < n; i++) {
        hashes[i] = ovl_hash_mac(&fwd->keys, vnis[i], addrs[i]);
    }
    ovl_vmap_find_bulk(&fwd->tables[OVL_TABLE_MACS], hashes, n, nodes,
                       sizeof(struct mac_entry));
    for (size_t i = 0; i < n; i++) {
        const struct mac_entry *mac;

        ways[i] = NULL;
        CMAP_NODE_FOR_EACH (mac, vnode.cmap_node, nodes[i]) {
            if (mac->vni == vnis[i] && eth_addr_equals(mac->mac, addrs[i])
                && versions_visible_in_version(&mac->vnode.versions,
                                               version)) {
                ways[i] = &mac->way;
                break;
            }
        }
    }
}

void
ovl_forwarding_for_each_mac(const struct ovl_forwarding *fwd,
                            void (*cb)(const struct ovl_mac *, void *aux),
                            void *aux)
{
    struct ovl_vnode **nodes;
    size_t n;

    nodes = ovl_vmap_snapshot(&fwd->tables[OVL_TABLE_MACS],
                              ovl_forwarding_version(fwd), &n);
    for (size_t i = 0; i < n; i++) {
        const struct mac_entry *entry = mac_cast(nodes[i]);
        const struct ovl_mac mac = {
            .vni = entry->vni, .mac = entry->mac, .vlan = entry->way.vlan,
            .port = entry->way.port, .vtep = entry->way.vtep,
        };

        cb(&mac, aux);
    }
    free(nodes);
}

void
ovl_mac_set(struct ovl_forwarding *fwd, const struct ovl_mac *mac)
{
    struct mac_entry *entry = xzalloc(sizeof *entry);

    ovs_assert(!mac->port != !mac->vtep);
    entry->vni = mac->vni;
    entry->mac = mac->mac;
    entry->way = (struct ovl_way) {
        .port = mac->port, .vtep = mac->vtep, .vlan = mac->vlan,
    };
    ovl_table_set(fwd, OVL_TABLE_MACS,
                  ovl_hash_mac(&fwd->keys, mac->vni, mac->mac),
                  &entry->vnode);
}

void
ovl_mac_remove(struct ovl_forwarding *fwd, uint32_t vni, struct eth_addr addr)
{
    struct mac_entry key = { .vni = vni, .mac = addr };

    ovl_table_remove(fwd, OVL_TABLE_MACS, ovl_hash_mac(&fwd->keys, vni, addr),
                     &key.vnode);
}
