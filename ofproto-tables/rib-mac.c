/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: rib_mac_, ovl_rib_.
 *
 * There may be a million of these rows, so one is a single small allocation
 * with its IPs in it, and no text is kept.  Rows that have a key in common
 * are found through the index; there is no object per key. */

#include <config.h>

#include "rib-private.h"

#include <stdlib.h>
#include <string.h>

#include "row-error.h"
#include "util.h"

/* A VTEP that rows name. */
struct rib_vtep {
    struct hmap_node hmap_node; /* In ovl_rib's 'vteps'. */
    struct in6_addr ip;
    struct ovs_list macs;       /* Valid "struct rib_mac"s. */
};

struct rib_mac {
    struct rib_row row;

    /* While valid. */
    struct hmap_node key_node;  /* In ovl_rib's 'macs'. */
    struct ovs_list vtep_node;  /* In 'vtep''s 'macs'. */
    struct rib_vtep *vtep;
    uint32_t vni;
    struct eth_addr mac;
    uint16_t n_claims;
    struct rib_claim claims[];  /* In force with the row. */
};

static struct rib_mac *
mac_cast(const struct rib_row *row)
{
    return CONTAINER_OF(row, struct rib_mac, row);
}

void
rib_mac_mark(struct ovl_rib *rib, uint32_t vni, struct eth_addr mac)
{
    rib_keys_add_mac(&rib->dirty_macs, vni, mac);
}

/* VTEPs. */

static struct rib_vtep *
find_vtep(const struct ovl_rib *rib, const struct in6_addr *ip)
{
    struct rib_vtep *vtep;

    HMAP_FOR_EACH_WITH_HASH (vtep, hmap_node, rib_hash_ip(rib, 0, ip),
                             &rib->vteps) {
        if (ipv6_addr_equals(&vtep->ip, ip)) {
            return vtep;
        }
    }
    return NULL;
}

static void
join_vtep(struct ovl_rib *rib, struct rib_mac *mac, const struct in6_addr *ip)
{
    struct rib_vtep *vtep = find_vtep(rib, ip);

    if (!vtep) {
        vtep = xmalloc(sizeof *vtep);
        vtep->ip = *ip;
        ovs_list_init(&vtep->macs);
        hmap_insert(&rib->vteps, &vtep->hmap_node, rib_hash_ip(rib, 0, ip));
    }
    mac->vtep = vtep;
    ovs_list_push_back(&vtep->macs, &mac->vtep_node);
}

static void
leave_vtep(struct ovl_rib *rib, struct rib_mac *mac)
{
    ovs_list_remove(&mac->vtep_node);
    if (ovs_list_is_empty(&mac->vtep->macs)) {
        hmap_remove(&rib->vteps, &mac->vtep->hmap_node);
        free(mac->vtep);
    }
}

void
rib_mac_own_changed(struct ovl_rib *rib, const struct in6_addr *ip)
{
    const struct rib_vtep *vtep = find_vtep(rib, ip);
    const struct rib_mac *mac;

    if (vtep) {
        LIST_FOR_EACH (mac, vtep_node, &vtep->macs) {
            rib_mac_mark(rib, mac->vni, mac->mac);
        }
    }
}

/* Coming into force and going. */

static void
join(struct ovl_rib *rib, struct rib_mac *mac)
{
    rib_row_set_in_force(rib, &mac->row, true);
    rib_source_add(rib, mac->vni, &mac->vtep->ip);
    for (size_t i = 0; i < mac->n_claims; i++) {
        rib_claim_insert(rib, &mac->claims[i]);
    }
}

static void
leave(struct ovl_rib *rib, struct rib_mac *mac)
{
    for (size_t i = 0; i < mac->n_claims; i++) {
        rib_claim_remove(rib, &mac->claims[i]);
    }
    rib_source_remove(rib, mac->vni, &mac->vtep->ip);
    rib_row_set_in_force(rib, &mac->row, false);
}

/* Finds the next row after 'mac', or the first, with the given key. */
static struct rib_mac *
next_with_key(const struct ovl_rib *rib, const struct rib_mac *mac,
              uint32_t vni, struct eth_addr addr)
{
    struct hmap_node *node
        = (mac ? hmap_next_with_hash(&mac->key_node)
           : hmap_first_with_hash(&rib->macs, rib_hash_mac(rib, vni, addr)));

    for (; node; node = hmap_next_with_hash(node)) {
        struct rib_mac *next = CONTAINER_OF(node, struct rib_mac, key_node);

        if (next->vni == vni && eth_addr_equals(next->mac, addr)) {
            return next;
        }
    }
    return NULL;
}

/* Settles which of the rows with the given key is in force, and returns it,
 * NULL if there is none. */
static struct rib_mac *
elect(struct ovl_rib *rib, uint32_t vni, struct eth_addr addr)
{
    struct rib_mac *winner = NULL;
    struct rib_mac *mac = NULL;

    while ((mac = next_with_key(rib, mac, vni, addr))) {
        if (!winner || rib_row_is_before(&mac->row, &winner->row)) {
            winner = mac;
        }
    }
    while ((mac = next_with_key(rib, mac, vni, addr))) {
        if (mac != winner) {
            if (mac->row.in_force) {
                leave(rib, mac);
            }
            rib_row_set_error(rib, &mac->row,
                              rib_duplicate_error(ovl_key_mac(vni, addr),
                                                  "(vni, mac)",
                                                  &winner->row));
        }
    }
    if (winner) {
        if (!winner->row.in_force) {
            join(rib, winner);
        }
        rib_row_set_error(rib, &winner->row, NULL);
    }
    return winner;
}

static void
publish_key(struct ovl_rib *rib, uint32_t vni, struct eth_addr addr)
{
    const struct rib_mac *winner = elect(rib, vni, addr);
    struct ovl_mac entry = {
        .vni = vni,
        .mac = addr,
        .port = rib_local_find(rib, vni, addr),
    };

    if (!entry.port && winner && !rib_is_own_vtep(rib, &winner->vtep->ip)) {
        entry.vtep = ovl_vtep_ref(rib->fwd, &winner->vtep->ip);
    }
    if (entry.port || entry.vtep) {
        ovl_mac_set(rib->fwd, &entry);
    } else {
        ovl_mac_remove(rib->fwd, vni, addr);
    }
    if (entry.vtep) {
        ovl_vtep_unref(rib->fwd, entry.vtep);
    }
}

void
rib_mac_publish(struct ovl_rib *rib)
{
    rib_keys_sort(&rib->dirty_macs);
    for (size_t i = 0; i < rib->dirty_macs.n; i++) {
        const struct rib_key *key = &rib->dirty_macs.keys[i];
        struct eth_addr addr;

        memcpy(&addr, key->bytes, sizeof addr);
        publish_key(rib, key->vni, addr);
        rib_breathe(i);
    }
    rib_keys_clear(&rib->dirty_macs);
}

/* Rows. */

/* Takes 'mac' out of everything but the index by UUID. */
static void
withdraw(struct ovl_rib *rib, struct rib_mac *mac)
{
    if (mac->row.valid) {
        if (mac->row.in_force) {
            leave(rib, mac);
        }
        rib_mac_mark(rib, mac->vni, mac->mac);
        hmap_remove(&rib->macs, &mac->key_node);
        leave_vtep(rib, mac);
        mac->row.valid = false;
    }
}

static bool
says_the_same(const struct rib_mac *mac, const struct ovl_parsed_mac *p)
{
    if (!mac->row.valid || mac->vni != p->vni
        || !eth_addr_equals(mac->mac, p->mac)
        || !ipv6_addr_equals(&mac->vtep->ip, &p->vtep)
        || mac->n_claims != p->n_ips) {
        return false;
    }
    for (size_t i = 0; i < p->n_ips; i++) {
        if (!ipv6_addr_equals(&mac->claims[i].ip, &p->ips[i])) {
            return false;
        }
    }
    return true;
}

/* Makes a row of 'p' that is in no index yet. */
static struct rib_mac *
make_mac(const struct ovl_parsed_mac *p)
{
    struct rib_mac *mac = xzalloc(sizeof *mac
                                  + p->n_ips * sizeof *mac->claims);

    mac->vni = p->vni;
    mac->mac = p->mac;
    mac->n_claims = p->n_ips;
    for (size_t i = 0; i < p->n_ips; i++) {
        mac->claims[i].vni = p->vni;
        mac->claims[i].mac = p->mac;
        mac->claims[i].ip = p->ips[i];
    }
    return mac;
}

/* Puts 'p', which is fine, or an invalid row in the place of 'old'. */
static struct rib_mac *
replace_mac(struct ovl_rib *rib, const struct uuid *uuid,
            struct rib_mac *old, const struct ovl_parsed_mac *p)
{
    struct rib_mac *mac = make_mac(p);

    if (old) {
        withdraw(rib, old);
        rib_row_replace(rib, &old->row, &mac->row);
        free(old);
    } else {
        rib_row_insert(rib, &mac->row, OVL_RIB_MAC, uuid);
    }
    return mac;
}

void
ovl_rib_set_mac(struct ovl_rib *rib, const struct uuid *uuid,
                const struct ovl_row_mac *row)
{
    struct rib_row *old_row = rib_row_see(rib, OVL_RIB_MAC, uuid);
    struct rib_mac *old = old_row ? mac_cast(old_row) : NULL;
    struct ovl_parsed_mac p;
    char *error = ovl_parse_mac(row, &p);

    if (error) {
        static const struct ovl_parsed_mac invalid;
        struct rib_mac *mac = replace_mac(rib, uuid, old, &invalid);

        rib_row_set_error(rib, &mac->row, error);
    } else if (!old || !says_the_same(old, &p)) {
        struct rib_mac *mac = replace_mac(rib, uuid, old, &p);

        mac->row.valid = true;
        hmap_insert(&rib->macs, &mac->key_node,
                    rib_hash_mac(rib, mac->vni, mac->mac));
        join_vtep(rib, mac, &p.vtep);
        rib_mac_mark(rib, mac->vni, mac->mac);
    }
    ovl_parsed_mac_uninit(&p);
}

void
rib_mac_delete(struct ovl_rib *rib, struct rib_row *row)
{
    struct rib_mac *mac = mac_cast(row);

    withdraw(rib, mac);
    rib_row_remove(rib, row);
    free(mac);
}
