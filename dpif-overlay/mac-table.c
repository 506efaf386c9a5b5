/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: ovl_mac_.
 *
 * MAC table: (VNI, MAC) to local port or VTEP.  An entry has the number of
 * what it leads to (way-pool.c). */

#include <config.h>

#include "forwarding-private.h"

#include "util.h"

/* The MAC as it is in memory, then the VNI: it says nothing about order.
 * ovl_mac_lookup_bulk() has the two parts put together by the map. */
static struct ovl_exact_key
mac_key(uint32_t vni, uint64_t mac)
{
    return (struct ovl_exact_key) {
        .x = ovl_mac_key_x(vni, mac),
        .y = vni >> 16,
    };
}

static void
mac_from_key(struct ovl_exact_key key, struct ovl_mac *mac)
{
    ovl_mac_from_bits(key.x, &mac->mac);
    mac->vni = key.x >> 48 | key.y << 16;
}

const struct ovl_way *
ovl_mac_lookup(const struct ovl_forwarding *fwd, ovs_version_t version,
               uint32_t vni, struct eth_addr addr)
{
    uint32_t number = ovl_vexact_find(&fwd->macs, version,
                                      mac_key(vni, ovl_mac_bits(addr)));

    return number ? ovl_way_pool_get(fwd, number) : NULL;
}

static void
find_bulk(const struct ovl_forwarding *fwd, ovs_version_t version,
          const uint64_t xs[], const uint32_t highs[], size_t n,
          const struct ovl_way *ways[])
{
    OVS_ALIGNED_VAR(CACHE_LINE_SIZE) uint32_t numbers[OVL_BULK_MAX];

    ovs_assert(n && n <= OVL_BULK_MAX);
    ovl_vexact_find_bulk(&fwd->macs, version, xs, highs, n, numbers);
    ovl_exact_map_locate_bulk(&fwd->macs.map, numbers, n, fwd->ways,
                              sizeof *fwd->ways, (const void **) ways);
}
BUILD_ASSERT_DECL(OVL_BULK_MAX <= OVL_EXACT_BULK_MAX);

void
ovl_mac_find_bulk(const struct ovl_forwarding *fwd, ovs_version_t version,
                  const struct ovl_mac_keys *keys, size_t n,
                  const struct ovl_way *ways[])
{
    find_bulk(fwd, version, keys->xs, keys->highs, n, ways);
}

void
ovl_mac_lookup_bulk(const struct ovl_forwarding *fwd, ovs_version_t version,
                    const uint32_t vnis[], const uint64_t macs[], size_t n,
                    const struct ovl_way *ways[])
{
    find_bulk(fwd, version, macs, vnis, n, ways);
}

void
ovl_forwarding_for_each_mac(const struct ovl_forwarding *fwd,
                            void (*cb)(const struct ovl_mac *, void *aux),
                            void *aux)
{
    struct ovl_exact_entry *entries;
    size_t n;

    entries = ovl_vexact_snapshot(&fwd->macs, ovl_forwarding_version(fwd),
                                  &n);
    for (size_t i = 0; i < n; i++) {
        const struct ovl_way *way = ovl_way_pool_get(fwd, entries[i].value);
        struct ovl_mac mac = {
            .vlan = way->vlan, .port = way->port, .vtep = way->vtep,
        };

        mac_from_key(entries[i].key, &mac);
        cb(&mac, aux);
    }
    free(entries);
}

void
ovl_mac_set(struct ovl_forwarding *fwd, const struct ovl_mac *mac)
{
    const struct ovl_way way = {
        .port = mac->port, .vtep = mac->vtep, .vlan = mac->vlan,
    };

    ovs_assert(fwd->in_transaction);
    ovs_assert(!mac->port != !mac->vtep);
    ovs_assert(!mac->vlan || mac->port);
    ovl_vexact_set(&fwd->macs, mac_key(mac->vni, ovl_mac_bits(mac->mac)),
                   ovl_way_pool_ref(fwd, &way),
                   ovl_forwarding_version(fwd) + 1);
}

void
ovl_mac_remove(struct ovl_forwarding *fwd, uint32_t vni, struct eth_addr addr)
{
    ovs_assert(fwd->in_transaction);
    ovl_vexact_set(&fwd->macs, mac_key(vni, ovl_mac_bits(addr)), 0,
                   ovl_forwarding_version(fwd) + 1);
}

static void
unref_way(void *fwd, uint32_t number)
{
    ovl_way_pool_unref(fwd, number);
}

void
ovl_macs_init(struct ovl_forwarding *fwd)
{
    static const struct ovl_vexact_class class = { .unref = unref_way };

    ovl_way_pool_init(fwd);
    ovl_vexact_init(&fwd->macs, &class, fwd);
}

void
ovl_macs_destroy(struct ovl_forwarding *fwd)
{
    ovl_vexact_destroy(&fwd->macs);
    ovl_way_pool_destroy(fwd);
}
