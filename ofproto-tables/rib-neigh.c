/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: rib_neighbor_, rib_claim_, ovl_rib_.
 *
 * Who has an IP of a network: an explicit row says it, or MAC rows and local
 * ports claim it.  If they disagree, the IP is shared, which is an entry of
 * its own, so that requests for it can be told from unknown ones. */

#include <config.h>

#include "rib-private.h"

#include <stdlib.h>
#include <string.h>

#include "row-error.h"
#include "util.h"

struct rib_neighbor {
    struct rib_row row;
    struct hmap_node key_node;  /* In ovl_rib's 'neighbors' if valid. */
    struct ovl_parsed_neighbor p;
};

static struct rib_neighbor *
neighbor_cast(const struct rib_row *row)
{
    return CONTAINER_OF(row, struct rib_neighbor, row);
}

/* Claims. */

void
rib_claim_insert(struct ovl_rib *rib, struct rib_claim *claim)
{
    hmap_insert(&rib->claims, &claim->hmap_node,
                rib_hash_ip(rib, claim->vni, &claim->ip));
    rib_keys_add_ip(&rib->dirty_neighbors, claim->vni, &claim->ip);
}

void
rib_claim_remove(struct ovl_rib *rib, struct rib_claim *claim)
{
    hmap_remove(&rib->claims, &claim->hmap_node);
    rib_keys_add_ip(&rib->dirty_neighbors, claim->vni, &claim->ip);
}

/* Fills in 'entry' by the claims to its key. Returns false if there is
 * none. */
static bool
find_claims(const struct ovl_rib *rib, struct ovl_neighbor *entry)
{
    uint32_t hash = rib_hash_ip(rib, entry->vni, &entry->ip);
    const struct rib_claim *claim;
    bool found = false;

    HMAP_FOR_EACH_WITH_HASH (claim, hmap_node, hash, &rib->claims) {
        if (claim->vni != entry->vni
            || !ipv6_addr_equals(&claim->ip, &entry->ip)) {
            continue;
        }
        if (!found) {
            found = true;
            entry->mac = claim->mac;
        } else if (!eth_addr_equals(entry->mac, claim->mac)) {
            entry->shared = true;
            if (eth_addr_compare_3way(claim->mac, entry->mac) < 0) {
                entry->mac = claim->mac;
            }
        }
    }
    return found;
}

/* Finds the next row after 'neighbor', or the first, with the given key. */
static struct rib_neighbor *
next_with_key(const struct ovl_rib *rib, const struct rib_neighbor *neighbor,
              uint32_t vni, const struct in6_addr *ip)
{
    struct hmap_node *node
        = (neighbor ? hmap_next_with_hash(&neighbor->key_node)
           : hmap_first_with_hash(&rib->neighbors,
                                  rib_hash_ip(rib, vni, ip)));

    for (; node; node = hmap_next_with_hash(node)) {
        struct rib_neighbor *next = CONTAINER_OF(node, struct rib_neighbor,
                                                 key_node);

        if (next->p.vni == vni && ipv6_addr_equals(&next->p.ip, ip)) {
            return next;
        }
    }
    return NULL;
}

static void
set_in_force(struct ovl_rib *rib, struct rib_neighbor *neighbor,
             bool in_force)
{
    if (neighbor->row.in_force != in_force) {
        rib_row_set_in_force(rib, &neighbor->row, in_force);
    }
}

/* Settles which of the rows with the given key is in force, and returns it,
 * NULL if there is none. */
static const struct rib_neighbor *
elect(struct ovl_rib *rib, uint32_t vni, const struct in6_addr *ip)
{
    struct rib_neighbor *winner = NULL;
    struct rib_neighbor *row = NULL;

    while ((row = next_with_key(rib, row, vni, ip))) {
        if (!winner || rib_row_is_before(&row->row, &winner->row)) {
            winner = row;
        }
    }
    while ((row = next_with_key(rib, row, vni, ip))) {
        set_in_force(rib, row, row == winner);
        rib_row_set_error(rib, &row->row, row == winner ? NULL
                          : rib_duplicate_error(ovl_key_neighbor(vni, ip),
                                                "(vni, ip)", &winner->row));
    }
    return winner;
}

static void
publish_key(struct ovl_rib *rib, uint32_t vni, const struct in6_addr *ip)
{
    const struct rib_neighbor *winner = elect(rib, vni, ip);
    struct ovl_neighbor entry = { .vni = vni, .ip = *ip };

    if (winner) {
        entry.mac = winner->p.mac;
        entry.router = winner->p.router;
        ovl_neighbor_set(rib->fwd, &entry);
    } else if (find_claims(rib, &entry)) {
        ovl_neighbor_set(rib->fwd, &entry);
    } else {
        ovl_neighbor_remove(rib->fwd, vni, ip);
    }
}

void
rib_neighbor_publish(struct ovl_rib *rib)
{
    rib_keys_sort(&rib->dirty_neighbors);
    for (size_t i = 0; i < rib->dirty_neighbors.n; i++) {
        const struct rib_key *key = &rib->dirty_neighbors.keys[i];
        struct in6_addr ip;

        memcpy(&ip, key->bytes, sizeof ip);
        publish_key(rib, key->vni, &ip);
        rib_breathe(i);
    }
    rib_keys_clear(&rib->dirty_neighbors);
}

/* Rows. */

/* Takes 'neighbor' out of everything but the index by UUID. */
static void
withdraw(struct ovl_rib *rib, struct rib_neighbor *neighbor)
{
    if (neighbor->row.valid) {
        set_in_force(rib, neighbor, false);
        rib_keys_add_ip(&rib->dirty_neighbors, neighbor->p.vni,
                        &neighbor->p.ip);
        hmap_remove(&rib->neighbors, &neighbor->key_node);
        neighbor->row.valid = false;
    }
}

void
ovl_rib_set_neighbor(struct ovl_rib *rib, const struct uuid *uuid,
                     const struct ovl_row_neighbor *row)
{
    struct rib_row *old = rib_row_see(rib, OVL_RIB_NEIGHBOR, uuid);
    struct rib_neighbor *neighbor;

    if (old) {
        neighbor = neighbor_cast(old);
        withdraw(rib, neighbor);
    } else {
        neighbor = xzalloc(sizeof *neighbor);
        rib_row_insert(rib, &neighbor->row, OVL_RIB_NEIGHBOR, uuid);
    }

    char *error = ovl_parse_neighbor(row, &neighbor->p);
    if (error) {
        rib_row_set_error(rib, &neighbor->row, error);
    } else {
        neighbor->row.valid = true;
        hmap_insert(&rib->neighbors, &neighbor->key_node,
                    rib_hash_ip(rib, neighbor->p.vni, &neighbor->p.ip));
        rib_keys_add_ip(&rib->dirty_neighbors, neighbor->p.vni,
                        &neighbor->p.ip);
    }
}

void
rib_neighbor_delete(struct ovl_rib *rib, struct rib_row *row)
{
    struct rib_neighbor *neighbor = neighbor_cast(row);

    withdraw(rib, neighbor);
    rib_row_remove(rib, row);
    free(neighbor);
}
