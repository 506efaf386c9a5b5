/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: ovl_neighbor_.
 *
 * Neighbor table: (VNI, IP) to MAC.  IPv4 addresses are in an exact-match
 * map, whose values are numbers of owners (owner-pool.c); the keys of IPv6
 * addresses do not fit there, they are in a versioned map. */

#include <config.h>

#include "forwarding-private.h"

#include "util.h"

/* With an IPv6 address. */
struct neighbor6 {
    struct ovl_vnode vnode;     /* By 'vni' and 'ip'. */
    uint32_t vni;
    struct ovl_owner owner;
    struct in6_addr ip;
};

/* There may be a million; see "cost" in README.md. */
BUILD_ASSERT_DECL(sizeof(struct neighbor6) <= 72);
BUILD_ASSERT_DECL(offsetof(struct neighbor6, vnode) == 0);

static bool
owners_equal(const struct ovl_owner *a, const struct ovl_owner *b)
{
    return (eth_addr_equals(a->mac, b->mac)
            && a->router == b->router
            && a->shared == b->shared);
}

/* IPv4. */

static struct ovl_exact_key
neighbor_key(uint32_t vni, const struct in6_addr *ip)
{
    uint32_t ip4 = (OVS_FORCE uint32_t) in6_addr_get_mapped_ipv4(ip);

    return (struct ovl_exact_key) { .x = ip4 | (uint64_t) vni << 32 };
}

static bool
same_owner(void *fwd, uint32_t a, uint32_t b)
{
    return owners_equal(ovl_owner_pool_get(fwd, a),
                        ovl_owner_pool_get(fwd, b));
}

static void
unref_owner(void *fwd, uint32_t number)
{
    ovl_owner_pool_remove(fwd, number);
}

void
ovl_neighbors_init(struct ovl_forwarding *fwd)
{
    static const struct ovl_vexact_class class = {
        .same = same_owner, .unref = unref_owner,
    };

    ovl_owner_pool_init(fwd);
    ovl_vexact_init(&fwd->neighbors4, &class, fwd);
}

void
ovl_neighbors_destroy(struct ovl_forwarding *fwd)
{
    ovl_vexact_destroy(&fwd->neighbors4);
    ovl_owner_pool_destroy(fwd);
}

/* IPv6. */

static struct neighbor6 *
neighbor_cast(const struct ovl_vnode *node)
{
    return CONTAINER_OF(node, struct neighbor6, vnode);
}

static bool
neighbor_same_key(const struct ovl_vnode *a_, const struct ovl_vnode *b_)
{
    const struct neighbor6 *a = neighbor_cast(a_);
    const struct neighbor6 *b = neighbor_cast(b_);

    return a->vni == b->vni && ipv6_addr_equals(&a->ip, &b->ip);
}

static bool
neighbor_equal(const struct ovl_vnode *a, const struct ovl_vnode *b)
{
    return owners_equal(&neighbor_cast(a)->owner, &neighbor_cast(b)->owner);
}

/* They are plain values. */

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

/* Both. */

const struct ovl_owner *
ovl_neighbor_lookup(const struct ovl_forwarding *fwd, ovs_version_t version,
                    uint32_t vni, const struct in6_addr *ip)
{
    const struct neighbor6 *neighbor;

    if (ovl_ip_is_v4(ip)) {
        uint32_t number = ovl_vexact_find(&fwd->neighbors4, version,
                                          neighbor_key(vni, ip));

        return number ? ovl_owner_pool_get(fwd, number) : NULL;
    }

    uint64_t key = ovl_hash_ip_key(&fwd->keys, vni, ip);
    OVL_VMAP_FOR_EACH_WITH_KEY (neighbor, vnode, key, version,
                                &fwd->tables[OVL_TABLE_NEIGHBORS]) {
        if (neighbor->vni == vni && ipv6_addr_equals(&neighbor->ip, ip)) {
            return &neighbor->owner;
        }
    }
    return NULL;
}

/* Looks up those of 'vnis' and 'ips' whose numbers are in 'which'. */
static void
find_ip4s(const struct ovl_forwarding *fwd, ovs_version_t version,
          const uint32_t vnis[], const struct in6_addr *const ips[],
          const uint8_t which[], size_t n, const struct ovl_owner *owners[])
{
    static const uint32_t highs[OVL_BULK_MAX];
    uint32_t numbers[OVL_BULK_MAX];
    uint64_t xs[OVL_BULK_MAX];

    for (size_t i = 0; i < n; i++) {
        xs[i] = neighbor_key(vnis[which[i]], ips[which[i]]).x;
    }
    ovl_vexact_find_bulk(&fwd->neighbors4, version, xs, highs, n, numbers);
    for (size_t i = 0; i < n; i++) {
        const struct ovl_owner *owner = NULL;

        if (numbers[i]) {
            owner = ovl_owner_pool_get(fwd, numbers[i]);
            OVS_PREFETCH(owner);
        }
        owners[which[i]] = owner;
    }
}

static void
find_ip6s(const struct ovl_forwarding *fwd, ovs_version_t version,
          const uint32_t vnis[], const struct in6_addr *const ips[],
          const uint8_t which[], size_t n, const struct ovl_owner *owners[])
{
    struct ovl_inode *nodes[OVL_BULK_MAX];
    uint64_t keys[OVL_BULK_MAX];

    for (size_t i = 0; i < n; i++) {
        keys[i] = ovl_hash_ip_key(&fwd->keys, vnis[which[i]], ips[which[i]]);
    }
    ovl_index_find_bulk(&fwd->tables[OVL_TABLE_NEIGHBORS].index, keys, n,
                        nodes, sizeof(struct neighbor6));
    for (size_t i = 0; i < n; i++) {
        const struct neighbor6 *neighbor;
        size_t j = which[i];

        owners[j] = NULL;
        OVL_VNODE_FOR_EACH (neighbor, vnode, nodes[i], version) {
            if (neighbor->vni == vnis[j]
                && ipv6_addr_equals(&neighbor->ip, ips[j])) {
                owners[j] = &neighbor->owner;
                break;
            }
        }
    }
}

void
ovl_neighbor_lookup_bulk(const struct ovl_forwarding *fwd,
                         ovs_version_t version, const uint32_t vnis[],
                         const struct in6_addr *const ips[], size_t n,
                         const struct ovl_owner *owners[])
{
    uint8_t ip4s[OVL_BULK_MAX], ip6s[OVL_BULK_MAX];
    size_t n_ip4s = 0, n_ip6s = 0;

    ovs_assert(n && n <= OVL_BULK_MAX);
    for (size_t i = 0; i < n; i++) {
        bool v4 = ovl_ip_is_v4(ips[i]);

        ip4s[n_ip4s] = ip6s[n_ip6s] = i;
        n_ip4s += v4;
        n_ip6s += !v4;
    }
    if (n_ip4s) {
        find_ip4s(fwd, version, vnis, ips, ip4s, n_ip4s, owners);
    }
    if (n_ip6s) {
        find_ip6s(fwd, version, vnis, ips, ip6s, n_ip6s, owners);
    }
}

size_t
ovl_neighbors_count(const struct ovl_forwarding *fwd)
{
    return (ovl_vexact_count(&fwd->neighbors4)
            + ovl_vmap_count(&fwd->tables[OVL_TABLE_NEIGHBORS]));
}

static void
show_owner(uint32_t vni, const struct in6_addr *ip,
           const struct ovl_owner *owner,
           void (*cb)(const struct ovl_neighbor *, void *aux), void *aux)
{
    const struct ovl_neighbor neighbor = {
        .vni = vni, .ip = *ip, .mac = owner->mac, .router = owner->router,
        .shared = owner->shared,
    };

    cb(&neighbor, aux);
}

void
ovl_forwarding_for_each_neighbor(
    const struct ovl_forwarding *fwd,
    void (*cb)(const struct ovl_neighbor *, void *aux), void *aux)
{
    ovs_version_t version = ovl_forwarding_version(fwd);
    struct ovl_exact_entry *entries;
    struct ovl_vnode **nodes;
    size_t n;

    entries = ovl_vexact_snapshot(&fwd->neighbors4, version, &n);
    for (size_t i = 0; i < n; i++) {
        uint64_t x = entries[i].key.x;
        struct in6_addr ip = in6_addr_mapped_ipv4((OVS_FORCE ovs_be32)
                                                  (uint32_t) x);

        show_owner(x >> 32, &ip, ovl_owner_pool_get(fwd, entries[i].value),
                   cb, aux);
    }
    free(entries);

    nodes = ovl_vmap_snapshot(&fwd->tables[OVL_TABLE_NEIGHBORS], version, &n);
    for (size_t i = 0; i < n; i++) {
        const struct neighbor6 *neighbor = neighbor_cast(nodes[i]);

        show_owner(neighbor->vni, &neighbor->ip, &neighbor->owner, cb, aux);
    }
    free(nodes);
}

void
ovl_neighbor_set(struct ovl_forwarding *fwd,
                 const struct ovl_neighbor *neighbor)
{
    const struct ovl_owner owner = {
        .mac = neighbor->mac, .router = neighbor->router,
        .shared = neighbor->shared,
    };

    ovs_assert(fwd->in_transaction);
    if (ovl_ip_is_v4(&neighbor->ip)) {
        ovl_vexact_set(&fwd->neighbors4,
                       neighbor_key(neighbor->vni, &neighbor->ip),
                       ovl_owner_pool_add(fwd, &owner),
                       ovl_forwarding_version(fwd) + 1);
    } else {
        struct neighbor6 *copy = xzalloc(sizeof *copy);

        copy->vni = neighbor->vni;
        copy->ip = neighbor->ip;
        copy->owner = owner;
        ovl_table_set(fwd, OVL_TABLE_NEIGHBORS,
                      ovl_hash_ip_key(&fwd->keys, neighbor->vni,
                                      &neighbor->ip),
                      &copy->vnode);
    }
}

void
ovl_neighbor_remove(struct ovl_forwarding *fwd, uint32_t vni,
                    const struct in6_addr *ip)
{
    ovs_assert(fwd->in_transaction);
    if (ovl_ip_is_v4(ip)) {
        ovl_vexact_set(&fwd->neighbors4, neighbor_key(vni, ip), 0,
                       ovl_forwarding_version(fwd) + 1);
    } else {
        struct neighbor6 key = { .vni = vni, .ip = *ip };

        ovl_table_remove(fwd, OVL_TABLE_NEIGHBORS,
                         ovl_hash_ip_key(&fwd->keys, vni, ip), &key.vnode);
    }
}
