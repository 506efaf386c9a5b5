/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: rib_route_, rib_prefix_, ovl_rib_.
 *
 * A prefix of a VRF leads to the network that it is connected through, or else
 * where the row of lowest UUID says.  Networks and rows that come and go, and
 * next hops that turn out to be somewhere else, mark the prefix; the commit
 * looks at each marked one once. */

#include <config.h>

#include "rib-private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "row-error.h"
#include "text-parse.h"
#include "util.h"

struct rib_route {
    struct rib_row row;
    struct ovl_parsed_route p;

    /* While valid. */
    struct rib_prefix *prefix;
    struct ovs_list prefix_node;    /* In rib_prefix's 'routes'. */
    struct rib_hop_ref *hops;       /* 'p.n_nexthops' of them. */
};

static struct rib_route *
route_cast(const struct rib_row *row)
{
    return CONTAINER_OF(row, struct rib_route, row);
}

/* Prefixes. */

static uint32_t
hash_prefix(const struct ovl_rib *rib, const struct rib_group *group,
            const struct ovl_prefix *prefix)
{
    return rib_hash_ip(rib, group->id + prefix->plen, &prefix->addr);
}

struct rib_prefix *
rib_prefix_find(const struct ovl_rib *rib, const struct rib_group *group,
                const struct ovl_prefix *prefix)
{
    struct rib_prefix *p;

    HMAP_FOR_EACH_WITH_HASH (p, hmap_node, hash_prefix(rib, group, prefix),
                             &rib->prefixes) {
        if (p->group == group && p->prefix.plen == prefix->plen
            && ipv6_addr_equals(&p->prefix.addr, &prefix->addr)) {
            return p;
        }
    }
    return NULL;
}

void
rib_prefix_mark(struct ovl_rib *rib, struct rib_prefix *prefix)
{
    if (!prefix->dirty) {
        prefix->dirty = true;
        ovs_list_push_back(&rib->dirty_prefixes, &prefix->dirty_node);
    }
}

/* Finds or makes a prefix, and marks it: the commit frees it if there is
 * nothing about it. */
static struct rib_prefix *
get_prefix(struct ovl_rib *rib, struct rib_group *group,
           const struct ovl_prefix *prefix)
{
    struct rib_prefix *p = rib_prefix_find(rib, group, prefix);

    if (!p) {
        p = xzalloc(sizeof *p);
        p->group = group;
        p->prefix = *prefix;
        ovs_list_init(&p->routes);
        hmap_insert(&rib->prefixes, &p->hmap_node,
                    hash_prefix(rib, group, prefix));
        group->n_prefixes++;
    }
    rib_prefix_mark(rib, p);
    return p;
}

static void
prefix_destroy(struct ovl_rib *rib, struct rib_prefix *p)
{
    rib_group_touch(rib, p->group);
    p->group->n_prefixes--;
    hmap_remove(&rib->prefixes, &p->hmap_node);
    free(p);
}

/* Connected prefixes. */

static struct ovl_prefix
prefix_of(const struct ovl_gateway *gw)
{
    struct in6_addr mask = ipv6_create_mask(gw->plen);

    return (struct ovl_prefix) {
        .addr = ipv6_addr_bitand(&gw->ip, &mask), .plen = gw->plen,
    };
}

static struct ovl_prefix
host_prefix(const struct in6_addr *ip)
{
    return (struct ovl_prefix) { .addr = *ip, .plen = 128 };
}

struct connected_search {
    const struct ovl_prefix *prefix;
    const struct rib_network *except;
    const struct rib_network *found;
};

static void
consider_connected(struct rib_network *net, const struct ovl_prefix *prefix,
                   const struct in6_addr *gateway, void *search_)
{
    struct connected_search *search = search_;
    bool same = (search->prefix->plen == 128
                 ? ipv6_addr_equals(gateway, &search->prefix->addr)
                 : prefix->plen == search->prefix->plen);

    if (same && net != search->except && net->row.in_force) {
        search->found = net;
    }
}

/* Finds a network in force, other than 'except', that has 'p' as gateway
 * prefix or address: while networks are resolved, there may be several. */
static const struct rib_network *
find_connected(const struct rib_prefix *p, const struct rib_network *except)
{
    struct connected_search search = {
        .prefix = &p->prefix, .except = except,
    };

    rib_gateways_for_each_overlap(p->group, &p->prefix, consider_connected,
                                  &search);
    return search.found;
}

static void
connect_prefix(struct ovl_rib *rib, struct rib_network *net,
               const struct ovl_prefix *prefix, bool connect)
{
    struct rib_prefix *p = get_prefix(rib, net->group, prefix);

    if (connect) {
        p->connected = net;
    } else if (p->connected == net) {
        p->connected = find_connected(p, net);
    }
    rib_hops_changed(rib, net->group, prefix);
}

/* The gateway addresses are prefixes of their own, so that no row for a part
 * of the network takes them. */
void
rib_route_connect(struct ovl_rib *rib, struct rib_network *net, bool connect)
{
    if (!net->group->vrf[0]) {
        return;
    }
    net->group->stale = true;
    rib_group_touch(rib, net->group);
    for (size_t i = 0; i < net->p.n_gateways; i++) {
        const struct ovl_gateway *gw = &net->p.gateways[i];
        struct ovl_prefix prefix = prefix_of(gw);
        struct ovl_prefix host = host_prefix(&gw->ip);

        /* Link-local prefixes are those of every link. */
        if (!IN6_IS_ADDR_LINKLOCAL(&gw->ip)) {
            connect_prefix(rib, net, &prefix, connect);
            connect_prefix(rib, net, &host, connect);
        }
    }
}

/* Election. */

static void
set_in_force(struct ovl_rib *rib, struct rib_route *route, bool in_force)
{
    if (route->row.in_force != in_force) {
        rib_row_set_in_force(rib, &route->row, in_force);
    }
}

static char *
route_key(const struct rib_route *route)
{
    return ovl_key_route(route->p.vrf, &route->p.prefix, route->p.plen);
}

static char *
connected_error(const struct rib_route *route, const struct rib_network *net)
{
    char *key = route_key(route);
    char *error = ovl_row_error(key, "the prefix is connected: gateway_ips of "
                                "Overlay_Network %"PRIu32, net->p.vni);

    free(key);
    return error;
}

static char *
hop_error(const struct rib_route *route, const struct rib_hop *hop)
{
    struct ds ip = DS_EMPTY_INITIALIZER;
    char *key = route_key(route);
    char *error;

    ovl_text_put_ip(&ip, &hop->ip);
    if (hop->own) {
        error = ovl_row_error(key, "nexthops \"%s\": is a gateway address of "
                              "Overlay_Network %"PRIu32, ds_cstr(&ip),
                              hop->vni);
    } else {
        error = ovl_row_error(key, "nexthops \"%s\": no network of the VRF has "
                              "a gateway prefix that contains it (set vni if "
                              "it is a neighbor of another one)",
                              ds_cstr(&ip));
    }
    ds_destroy(&ip);
    free(key);
    return error;
}

/* 'winner' comes first, even if it has an error. */
static char *
duplicate_error(const struct rib_route *route, const struct rib_route *winner)
{
    char *key = route_key(route);
    char *error;

    if (winner->row.in_force) {
        return rib_duplicate_error(key, "(vrf, prefix)", &winner->row);
    }
    error = ovl_row_error(key, "same (vrf, prefix) as another row, "UUID_FMT
                          ", which comes first and has an error itself",
                          UUID_ARGS(&winner->row.uuid));
    free(key);
    return error;
}

static bool
hop_is_usable(const struct rib_hop *hop)
{
    return hop->vni != OVL_VNI_NONE && !hop->own;
}

/* Collects the next hops of 'route' that are in a network, and returns their
 * number.  '*bad' is the first that is not, or NULL. */
static size_t
make_nexthops(const struct rib_route *route, struct ovl_nexthop nexthops[],
              const struct rib_hop **bad)
{
    size_t n = 0;

    *bad = NULL;
    for (size_t i = 0; i < route->p.n_nexthops; i++) {
        const struct rib_hop *hop = route->hops[i].hop;

        if (hop_is_usable(hop)) {
            nexthops[n++] = (struct ovl_nexthop) {
                .vni = hop->vni, .ip = hop->ip,
            };
        } else if (!*bad) {
            *bad = hop;
        }
    }
    return n;
}

static struct rib_route *
find_winner(const struct rib_prefix *prefix)
{
    struct rib_route *winner = NULL;
    struct rib_route *route;

    LIST_FOR_EACH (route, prefix_node, &prefix->routes) {
        if (!winner || rib_row_is_before(&route->row, &winner->row)) {
            winner = route;
        }
    }
    return winner;
}

/* Decides for 'route', which no other row is in the way of.  Returns true, and
 * what it leads to in '*entry' and 'nexthops', if it is in force. */
static bool
evaluate(struct ovl_rib *rib, struct rib_route *route,
         struct ovl_route *entry, struct ovl_nexthop nexthops[])
{
    const struct rib_network *connected = route->prefix->connected;
    const struct rib_hop *bad;
    size_t n = make_nexthops(route, nexthops, &bad);
    bool in_force = (!connected
                     && (n || route->p.action != OVL_ROUTE_FORWARD));

    rib_row_set_error(rib, &route->row,
                      connected ? connected_error(route, connected)
                      : bad ? hop_error(route, bad) : NULL);
    set_in_force(rib, route, in_force);
    *entry = (struct ovl_route) {
        .action = route->p.action, .n_nexthops = n, .nexthops = nexthops,
    };
    return in_force;
}

static void
publish(struct ovl_rib *rib, struct rib_prefix *prefix)
{
    struct ovl_nexthop nexthops[OVL_ROUTE_MAX_NEXTHOPS];
    struct rib_route *winner = find_winner(prefix);
    struct ovl_route entry = { .action = OVL_ROUTE_CONNECTED };
    struct rib_route *route;
    bool wanted = false;

    if (winner) {
        wanted = evaluate(rib, winner, &entry, nexthops);
    }
    LIST_FOR_EACH (route, prefix_node, &prefix->routes) {
        if (route != winner) {
            set_in_force(rib, route, false);
            rib_row_set_error(rib, &route->row, prefix->connected
                              ? connected_error(route, prefix->connected)
                              : duplicate_error(route, winner));
        }
    }
    if (prefix->connected) {
        wanted = true;
        entry = (struct ovl_route) {
            .action = (prefix->prefix.plen == 128 ? OVL_ROUTE_LOCAL
                       : OVL_ROUTE_CONNECTED),
            .vni = prefix->connected->p.vni,
        };
    }

    if (wanted) {
        ovl_route_set(rib->fwd, prefix->group->id, &prefix->prefix, &entry);
    } else {
        ovl_route_remove(rib->fwd, prefix->group->id, &prefix->prefix);
    }
}

void
rib_route_publish(struct ovl_rib *rib)
{
    struct rib_prefix *prefix;
    size_t n = 0;

    rib_hops_resolve(rib);
    LIST_FOR_EACH_POP (prefix, dirty_node, &rib->dirty_prefixes) {
        prefix->dirty = false;
        publish(rib, prefix);
        if (!prefix->connected && ovs_list_is_empty(&prefix->routes)) {
            prefix_destroy(rib, prefix);
        }
        rib_breathe(n++);
    }
}

/* Rows. */

/* Takes 'route' out of everything but the index by UUID, and frees what it
 * said. */
static void
withdraw(struct ovl_rib *rib, struct rib_route *route)
{
    if (route->row.valid) {
        set_in_force(rib, route, false);
        rib_prefix_mark(rib, route->prefix);
        ovs_list_remove(&route->prefix_node);
        for (size_t i = 0; i < route->p.n_nexthops; i++) {
            rib_hop_unref(rib, &route->hops[i]);
        }
        free(route->hops);
        route->hops = NULL;
        route->row.valid = false;
    }
    ovl_parsed_route_uninit(&route->p);
}

static void
join(struct ovl_rib *rib, struct rib_route *route)
{
    struct rib_group *group = rib_group_get_vrf(rib, route->p.vrf);
    struct ovl_prefix prefix = {
        .addr = route->p.prefix, .plen = route->p.plen,
    };

    route->row.valid = true;
    route->prefix = get_prefix(rib, group, &prefix);
    ovs_list_push_back(&route->prefix->routes, &route->prefix_node);
    if (route->p.n_nexthops) {
        route->hops = xcalloc(route->p.n_nexthops, sizeof *route->hops);
        for (size_t i = 0; i < route->p.n_nexthops; i++) {
            rib_hop_ref(rib, route->prefix, route->p.vni,
                        &route->p.nexthops[i], &route->hops[i]);
        }
    }
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
        join(rib, route);
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
