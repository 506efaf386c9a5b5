/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: rib_route_, ovl_rib_.
 *
 * Routes are checked and compared with each other; no forwarding table takes
 * them yet. */

#include <config.h>

#include "rib-private.h"

#include <stdlib.h>
#include <string.h>

#include "row-error.h"
#include "util.h"

struct rib_route {
    struct rib_row row;
    struct hmap_node key_node;  /* In ovl_rib's 'routes' if valid. */
    struct ovl_parsed_route p;
};

static struct rib_route *
route_cast(const struct rib_row *row)
{
    return CONTAINER_OF(row, struct rib_route, row);
}

static bool
same_key(const struct rib_route *a, const struct rib_route *b)
{
    return (a->p.plen == b->p.plen
            && ipv6_addr_equals(&a->p.prefix, &b->p.prefix)
            && !strcmp(a->p.vrf, b->p.vrf));
}

static uint32_t
hash_route(const struct ovl_rib *rib, const struct rib_route *route)
{
    return rib_hash_ip(rib, rib_hash_string(rib, route->p.vrf)
                       + route->p.plen, &route->p.prefix);
}

static void
set_in_force(struct ovl_rib *rib, struct rib_route *route, bool in_force)
{
    if (route->row.in_force != in_force) {
        rib_row_set_in_force(rib, &route->row, in_force);
    }
}

/* Settles which of the rows with the key of 'key' is in force. */
static void
elect(struct ovl_rib *rib, const struct rib_route *key)
{
    uint32_t hash = hash_route(rib, key);
    struct rib_route *winner = NULL;
    struct rib_route *route;

    HMAP_FOR_EACH_WITH_HASH (route, key_node, hash, &rib->routes) {
        if (same_key(route, key)
            && (!winner || rib_row_is_before(&route->row, &winner->row))) {
            winner = route;
        }
    }
    HMAP_FOR_EACH_WITH_HASH (route, key_node, hash, &rib->routes) {
        if (!same_key(route, key)) {
            continue;
        }
        set_in_force(rib, route, route == winner);
        rib_row_set_error(rib, &route->row, route == winner ? NULL
                          : rib_duplicate_error(
                              ovl_key_route(route->p.vrf, &route->p.prefix,
                                            route->p.plen),
                              "(vrf, prefix)", &winner->row));
    }
}

/* Takes 'route' out of everything but the index by UUID, and frees what it
 * said. */
static void
withdraw(struct ovl_rib *rib, struct rib_route *route)
{
    if (route->row.valid) {
        set_in_force(rib, route, false);
        hmap_remove(&rib->routes, &route->key_node);
        elect(rib, route);
        route->row.valid = false;
    }
    ovl_parsed_route_uninit(&route->p);
}

void
ovl_rib_set_route(struct ovl_rib *rib, const struct uuid *uuid,
                  const struct ovl_row_route *row)
{
    struct rib_row *old = rib_row_see(rib, OVL_RIB_ROUTE, uuid);
    struct rib_route *route;

    if (old) {
        route = route_cast(old);
        withdraw(rib, route);
    } else {
        route = xzalloc(sizeof *route);
        rib_row_insert(rib, &route->row, OVL_RIB_ROUTE, uuid);
    }

    char *error = ovl_parse_route(row, &route->p);
    if (error) {
        rib_row_set_error(rib, &route->row, error);
    } else {
        route->row.valid = true;
        hmap_insert(&rib->routes, &route->key_node, hash_route(rib, route));
        elect(rib, route);
    }
}

void
rib_route_delete(struct ovl_rib *rib, struct rib_row *row)
{
    struct rib_route *route = route_cast(row);

    withdraw(rib, route);
    rib_row_remove(rib, row);
    free(route);
}
