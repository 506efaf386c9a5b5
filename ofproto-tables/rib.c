/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: ovl_rib_, rib_row_, rib_keys_, rib_hash_.
 *
 * Rows by UUID, whatever their table, their errors, and the order of things
 * in a commit.  See rib-private.h for where the rest is.
 *
 * An error that changes and changes back before anybody asked is no change.
 * So the first change of a row's error notes what was reported last, in
 * 'changes', and ovl_rib_next_error() compares.  A row whose error stays as
 * it is costs nothing. */

#include <config.h>

#include "rib-private.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "openvswitch/util.h"
#include "ovs-rcu.h"
#include "random.h"
#include "row-error.h"
#include "smap.h"
#include "timeval.h"
#include "util.h"

/* A row whose error may not be what was reported last. */
struct rib_change {
    struct hmap_node hmap_node; /* In ovl_rib's 'changes', by 'uuid'. */
    struct ovs_list list_node;  /* In ovl_rib's 'change_list'. */
    enum ovl_rib_table table;
    struct uuid uuid;
    char *reported;
};

/* Hashes. */

uint32_t
rib_hash_string(const struct ovl_rib *rib, const char *s)
{
    return hash_string(s, rib->basis);
}

uint32_t
rib_hash_ip(const struct ovl_rib *rib, uint32_t vni,
            const struct in6_addr *ip)
{
    return hash_int(vni, hash_bytes(ip, sizeof *ip, rib->basis));
}

uint32_t
rib_hash_mac(const struct ovl_rib *rib, uint32_t vni, struct eth_addr mac)
{
    return hash_int(vni, hash_bytes(&mac, sizeof mac, rib->basis));
}

static uint32_t
hash_uuid(const struct ovl_rib *rib, const struct uuid *uuid)
{
    return hash_bytes(uuid, sizeof *uuid, rib->basis);
}

/* Keys. */

static struct rib_key *
add_key(struct rib_keys *keys, uint32_t vni)
{
    if (keys->n >= keys->allocated) {
        keys->keys = x2nrealloc(keys->keys, &keys->allocated,
                                sizeof *keys->keys);
    }
    struct rib_key *key = &keys->keys[keys->n++];
    *key = (struct rib_key) { .vni = vni };
    return key;
}

void
rib_keys_add_mac(struct rib_keys *keys, uint32_t vni, struct eth_addr mac)
{
    memcpy(add_key(keys, vni)->bytes, &mac, sizeof mac);
}

void
rib_keys_add_ip(struct rib_keys *keys, uint32_t vni,
                const struct in6_addr *ip)
{
    memcpy(add_key(keys, vni)->bytes, ip, sizeof *ip);
}

static int
compare_keys(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct rib_key));
}
BUILD_ASSERT_DECL(sizeof(struct rib_key) == 20);

void
rib_keys_sort(struct rib_keys *keys)
{
    size_t n = 0;

    if (keys->n > 1) {
        /* In one go, of keys that nobody else knows. */
        ovsrcu_quiesce_start();
        qsort(keys->keys, keys->n, sizeof *keys->keys, compare_keys);
        ovsrcu_quiesce_end();
    }
    for (size_t i = 0; i < keys->n; i++) {
        if (!n || compare_keys(&keys->keys[n - 1], &keys->keys[i])) {
            keys->keys[n++] = keys->keys[i];
        }
    }
    keys->n = n;
}

void
rib_keys_clear(struct rib_keys *keys)
{
    free(keys->keys);
    *keys = (struct rib_keys) { .n = 0 };
}

/* Polls nothing, but as if it did: RCU goes on, and so does the clock by which
 * Open vSwitch finds threads that are stuck. */
void
ovl_rib_breathe(void)
{
    int elapsed;

    time_poll(NULL, 0, NULL, LLONG_MIN, &elapsed);
}

void
rib_breathe(size_t i)
{
    if (i % 256 == 255) {
        ovl_rib_breathe();
    }
}

/* Errors. */

static struct rib_change *
find_change(const struct ovl_rib *rib, enum ovl_rib_table table,
            const struct uuid *uuid)
{
    struct rib_change *change;

    HMAP_FOR_EACH_WITH_HASH (change, hmap_node, hash_uuid(rib, uuid),
                             &rib->changes) {
        if (change->table == table && uuid_equals(&change->uuid, uuid)) {
            return change;
        }
    }
    return NULL;
}

/* Takes 'reported'. */
static void
add_change(struct ovl_rib *rib, const struct rib_row *row, char *reported)
{
    struct rib_change *change = xmalloc(sizeof *change);

    change->table = row->table;
    change->uuid = row->uuid;
    change->reported = reported;
    hmap_insert(&rib->changes, &change->hmap_node,
                hash_uuid(rib, &row->uuid));
    ovs_list_push_back(&rib->change_list, &change->list_node);
}

static void
change_destroy(struct ovl_rib *rib, struct rib_change *change)
{
    if (change) {
        hmap_remove(&rib->changes, &change->hmap_node);
        ovs_list_remove(&change->list_node);
        free(change->reported);
        free(change);
    }
}

void
rib_row_set_error(struct ovl_rib *rib, struct rib_row *row, char *error)
{
    if (nullable_string_is_equal(row->error, error)) {
        free(error);
        return;
    }
    rib->n_errors += (error != NULL) - (row->error != NULL);
    if (find_change(rib, row->table, &row->uuid)) {
        free(row->error);
    } else {
        add_change(rib, row, row->error);
    }
    row->error = error;
}

bool
ovl_rib_next_error(struct ovl_rib *rib, struct ovl_rib_error *e)
{
    struct rib_change *change;

    LIST_FOR_EACH_SAFE (change, list_node, &rib->change_list) {
        const struct rib_row *row = rib_row_find(rib, change->table,
                                                 &change->uuid);
        bool same = nullable_string_is_equal(change->reported, row->error);

        change_destroy(rib, change);
        if (!same) {
            e->table = row->table;
            e->uuid = row->uuid;
            e->error = row->error;
            return true;
        }
    }
    return false;
}

void
ovl_rib_errors_again(struct ovl_rib *rib)
{
    struct rib_change *change;
    struct rib_row *row;
    size_t n_seen = 0;

    HMAP_FOR_EACH (change, hmap_node, &rib->changes) {
        free(change->reported);
        change->reported = NULL;
    }
    if (!rib->n_errors) {
        return;
    }
    for (int i = 0; i < OVL_RIB_N_TABLES; i++) {
        HMAP_FOR_EACH (row, uuid_node, &rib->rows[i]) {
            rib_breathe(n_seen++);
            if (row->error && !find_change(rib, i, &row->uuid)) {
                add_change(rib, row, NULL);
            }
        }
    }
}

char *
rib_duplicate_error(char *key, const char *what,
                    const struct rib_row *winner)
{
    char *error = ovl_row_error(key, "same %s as another row, "UUID_FMT
                                ", which is in force", what,
                                UUID_ARGS(&winner->uuid));

    free(key);
    return error;
}

/* Rows. */

struct rib_row *
rib_row_find(const struct ovl_rib *rib, enum ovl_rib_table table,
             const struct uuid *uuid)
{
    struct rib_row *row;

    HMAP_FOR_EACH_WITH_HASH (row, uuid_node, hash_uuid(rib, uuid),
                             &rib->rows[table]) {
        if (uuid_equals(&row->uuid, uuid)) {
            return row;
        }
    }
    return NULL;
}

struct rib_row *
rib_row_see(struct ovl_rib *rib, enum ovl_rib_table table,
            const struct uuid *uuid)
{
    struct rib_row *row = rib_row_find(rib, table, uuid);

    if (row) {
        row->generation = rib->generation;
    }
    return row;
}

void
rib_row_insert(struct ovl_rib *rib, struct rib_row *row,
               enum ovl_rib_table table, const struct uuid *uuid)
{
    row->table = table;
    row->uuid = *uuid;
    row->generation = rib->generation;
    hmap_insert(&rib->rows[table], &row->uuid_node, hash_uuid(rib, uuid));
}

void
rib_row_replace(struct ovl_rib *rib, struct rib_row *old, struct rib_row *new)
{
    ovs_assert(!old->in_force);

    new->table = old->table;
    new->uuid = old->uuid;
    new->generation = rib->generation;
    new->error = old->error;
    hmap_replace(&rib->rows[old->table], &old->uuid_node, &new->uuid_node);
}

void
rib_row_remove(struct ovl_rib *rib, struct rib_row *row)
{
    ovs_assert(!row->in_force);

    change_destroy(rib, find_change(rib, row->table, &row->uuid));
    rib->n_errors -= row->error != NULL;
    free(row->error);
    hmap_remove(&rib->rows[row->table], &row->uuid_node);
}

void
rib_row_set_in_force(struct ovl_rib *rib, struct rib_row *row, bool in_force)
{
    ovs_assert(row->in_force != in_force);

    row->in_force = in_force;
    rib->n_in_force[row->table] += in_force ? 1 : -1;
}

static void
delete_row(struct ovl_rib *rib, struct rib_row *row)
{
    switch ((enum ovl_rib_table) row->table) {
    case OVL_RIB_BRIDGE:
        rib_bridge_delete(rib, row);
        break;
    case OVL_RIB_PORT:
    case OVL_RIB_BINDING:
        rib_attach_delete(rib, row);
        break;
    case OVL_RIB_NETWORK:
        rib_network_delete(rib, row);
        break;
    case OVL_RIB_ROUTE:
        rib_route_delete(rib, row);
        break;
    case OVL_RIB_NEIGHBOR:
        rib_neighbor_delete(rib, row);
        break;
    case OVL_RIB_MAC:
        rib_mac_delete(rib, row);
        break;
    case OVL_RIB_N_TABLES:
        OVS_NOT_REACHED();
    }
}

void
ovl_rib_delete(struct ovl_rib *rib, enum ovl_rib_table table,
               const struct uuid *uuid)
{
    struct rib_row *row = rib_row_find(rib, table, uuid);

    if (row) {
        delete_row(rib, row);
    }
}

void
ovl_rib_resync_begin(struct ovl_rib *rib)
{
    rib->generation++;
}

void
ovl_rib_resync_end(struct ovl_rib *rib)
{
    size_t n_seen = 0;

    for (int i = 0; i < OVL_RIB_N_TABLES; i++) {
        struct rib_row *row;

        HMAP_FOR_EACH_SAFE (row, uuid_node, &rib->rows[i]) {
            rib_breathe(n_seen++);
            if (row->generation != rib->generation) {
                delete_row(rib, row);
            }
        }
    }
}

/* Life cycle. */

struct ovl_rib *
ovl_rib_create(struct ovl_forwarding *fwd)
{
    struct ovl_rib *rib = xzalloc(sizeof *rib);

    rib->fwd = fwd;
    rib->basis = random_uint32();
    for (int i = 0; i < OVL_RIB_N_TABLES; i++) {
        hmap_init(&rib->rows[i]);
    }
    hmap_init(&rib->changes);
    ovs_list_init(&rib->change_list);
    rib->gateway_mac = ovl_default_gateway_mac;
    sset_init(&rib->uplink_names);
    hmap_init(&rib->slots);
    hmap_init(&rib->ifaces);
    hmap_init(&rib->iface_ids);
    hmap_init(&rib->bindings);
    hmap_init(&rib->locals);
    ovs_list_init(&rib->attach_queue);
    ovs_list_init(&rib->dirty_slots);
    hmap_init(&rib->vnis);
    hmap_init(&rib->groups);
    ovs_list_init(&rib->network_queue);
    ovs_list_init(&rib->touched_vnis);
    ovs_list_init(&rib->touched_groups);
    ovs_list_init(&rib->dirty_sources);
    hmap_init(&rib->macs);
    hmap_init(&rib->vteps);
    hmap_init(&rib->neighbors);
    hmap_init(&rib->claims);
    hmap_init(&rib->prefixes);
    ovs_list_init(&rib->dirty_prefixes);
    ovs_list_init(&rib->dirty_hops);
    return rib;
}

/* Forgets all rows and ports.  What they made of the forwarding tables goes
 * as well. */
void
ovl_rib_destroy(struct ovl_rib *rib)
{
    if (!rib) {
        return;
    }

    ovl_rib_resync_begin(rib);
    ovl_rib_resync_end(rib);
    ovl_rib_set_lports(rib, NULL, 0);
    ovl_rib_commit(rib);

    struct hmap *maps[] = {
        &rib->changes, &rib->slots, &rib->ifaces, &rib->iface_ids,
        &rib->bindings, &rib->locals, &rib->vnis, &rib->groups, &rib->macs,
        &rib->vteps, &rib->neighbors, &rib->claims, &rib->prefixes,
    };
    for (size_t i = 0; i < ARRAY_SIZE(maps); i++) {
        ovs_assert(hmap_is_empty(maps[i]));
        hmap_destroy(maps[i]);
    }
    for (int i = 0; i < OVL_RIB_N_TABLES; i++) {
        hmap_destroy(&rib->rows[i]);
    }
    free(rib->local_name);
    free(rib->uplink_name);
    sset_destroy(&rib->uplink_names);
    free(rib->removed_ids);
    free(rib);
}

/* Gives back memory after many rows were deleted. */
static void
shrink_maps(struct ovl_rib *rib)
{
    struct hmap *maps[] = {
        &rib->macs, &rib->claims, &rib->neighbors, &rib->prefixes,
        &rib->locals, &rib->vnis, &rib->vteps, &rib->changes,
    };

    for (size_t i = 0; i < ARRAY_SIZE(maps); i++) {
        if (hmap_capacity(maps[i]) / 8 > hmap_count(maps[i])) {
            hmap_shrink(maps[i]);
        }
    }
    for (int i = 0; i < OVL_RIB_N_TABLES; i++) {
        if (hmap_capacity(&rib->rows[i]) / 8 > hmap_count(&rib->rows[i])) {
            hmap_shrink(&rib->rows[i]);
        }
    }
}

/* Gives RCU a chance to go on now and then if there is much to do. */
void
ovl_rib_commit(struct ovl_rib *rib)
{
    ovl_forwarding_begin(rib->fwd);

    rib_bridge_resolve(rib);
    rib_network_resolve(rib);
    rib_attach_resolve(rib);
    rib_slot_publish(rib);
    rib_mac_publish(rib);
    rib_neighbor_publish(rib);
    rib_network_publish(rib);
    rib_source_publish(rib);
    rib_vrf_publish(rib);
    rib_route_publish(rib);
    rib_vrf_remove_unused(rib);
    rib_bridge_publish(rib);

    ovl_forwarding_commit(rib->fwd);

    rib_vni_collect(rib);
    rib_group_collect(rib);
    shrink_maps(rib);
}

/* Status. */

static void
add_count(struct smap *status, const char *key, size_t n)
{
    smap_add_format(status, key, "%"PRIuSIZE, n);
}

/* Faults are there only while they are. */
static void
add_fault(struct smap *status, const char *key, size_t n)
{
    if (n) {
        add_count(status, key, n);
    }
}

struct vtep_counts {
    const struct ovl_rib *rib;
    size_t n;
    size_t n_no_tunnel_ip;
};

static void
count_vtep(struct ovl_vtep *vtep, void *counts_)
{
    struct vtep_counts *counts = counts_;
    bool v4 = ovl_ip_is_v4(&vtep->ip);

    counts->n++;
    if (!ipv6_addr_is_set(&counts->rib->own[v4 ? 0 : 1])) {
        counts->n_no_tunnel_ip++;
    }
}

/* Number of VNIs that local ports or VTEPs are in without a network. */
static size_t
count_missing_networks(const struct ovl_rib *rib)
{
    const struct rib_vni *vni;
    size_t n = 0;

    HMAP_FOR_EACH (vni, hmap_node, &rib->vnis) {
        n += !vni->net;
    }
    return n;
}

void
ovl_rib_get_status(const struct ovl_rib *rib, struct smap *status)
{
    struct vtep_counts counts = { .rib = rib };
    struct ovl_table_sizes sizes;

    ovl_forwarding_sizes(rib->fwd, &sizes);
    ovl_forwarding_for_each_vtep(rib->fwd, count_vtep, &counts);

    add_count(status, "networks", sizes.networks);
    add_count(status, "macs", sizes.macs);
    add_count(status, "neighbors", sizes.neighbors);
    add_count(status, "routes", rib->n_in_force[OVL_RIB_ROUTE]);
    add_count(status, "bindings", (rib->n_in_force[OVL_RIB_PORT]
                                   + rib->n_in_force[OVL_RIB_BINDING]));
    add_count(status, "vteps", counts.n);
    add_count(status, "rows_in_error", rib->n_errors);

    if (rib_bridge_uplink_is_missing(rib)) {
        smap_add(status, "no_uplink", rib->uplink_name);
    }
    add_fault(status, "no_tunnel_ip", counts.n_no_tunnel_ip);
    add_fault(status, "missing_networks", count_missing_networks(rib));
}
