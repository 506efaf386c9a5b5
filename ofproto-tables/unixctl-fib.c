/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: ovl_list_fib.
 *
 * The IP forwarding table, all of it or the route to one address. */

#include <config.h>

#include "unixctl-lists.h"

#include <stdlib.h>
#include <string.h>

#include "dpif-overlay.h"
#include "fib.h"
#include "forwarding.h"
#include "openvswitch/dynamic-string.h"
#include "text-parse.h"
#include "util.h"

/* How many routes are listed: what takes the main thread a few tenths of a
 * second, and people some days to read. */
#define MAX_LINES 100000

/* What is shown of a route. */
struct line {
    const char *vrf;
    struct ovl_prefix prefix;
    const struct ovl_route *route;
};

struct lines {
    const struct ovl_filter *filter;
    const struct ovl_forwarding *fwd;
    ovs_version_t version;
    struct line *lines;
    size_t n, allocated;
    size_t n_more;              /* Beyond MAX_LINES. */
};

static void
add_line(struct lines *l, const struct ovl_vrf *vrf,
         const struct ovl_prefix *prefix, const struct ovl_route *route)
{
    if ((l->filter->vrf && strcmp(l->filter->vrf, vrf->name))
        || (l->filter->within
            && (prefix->plen < l->filter->within->plen
                || !ovl_prefix_contains(l->filter->within, &prefix->addr)))) {
        return;
    }
    if (l->n >= MAX_LINES) {
        l->n_more++;
        return;
    }
    if (l->n >= l->allocated) {
        l->lines = x2nrealloc(l->lines, &l->allocated, sizeof *l->lines);
    }
    l->lines[l->n++] = (struct line) {
        .vrf = vrf->name, .prefix = *prefix, .route = route,
    };
}

static void
collect_route(uint32_t id, const struct ovl_prefix *prefix,
              const struct ovl_route *route, void *lines_)
{
    struct lines *l = lines_;
    const struct ovl_vrf *vrf = ovl_vrf_lookup(l->fwd, l->version, id);

    if (vrf) {
        add_line(l, vrf, prefix, route);
    }
}

/* Looks the address up as packets do. */
static void
collect_match(const struct ovl_vrf *vrf, void *lines_)
{
    struct lines *l = lines_;
    struct ovl_prefix prefix;
    const struct ovl_route *route
        = ovl_route_lookup(l->fwd, vrf, l->filter->ip, &prefix.plen);

    if (route) {
        struct in6_addr mask = ipv6_create_mask(prefix.plen);

        prefix.addr = ipv6_addr_bitand(l->filter->ip, &mask);
        add_line(l, vrf, &prefix, route);
    }
}

/* By VRF, IPv4 before IPv6, then by address. */
static int
compare_lines(const void *a_, const void *b_)
{
    const struct line *a = a_, *b = b_;
    int cmp = strcmp(a->vrf, b->vrf);

    if (!cmp) {
        cmp = ovl_prefix_is_v4(&b->prefix) - ovl_prefix_is_v4(&a->prefix);
    }
    if (!cmp) {
        cmp = memcmp(&a->prefix.addr, &b->prefix.addr, sizeof a->prefix.addr);
    }
    return cmp ? cmp : a->prefix.plen - b->prefix.plen;
}

static void
grid_nexthops(struct ovl_grid *g, const struct ovl_route *route)
{
    char **strings = xmalloc((route->n_nexthops + 1) * sizeof *strings);

    for (size_t i = 0; i < route->n_nexthops; i++) {
        const struct ovl_nexthop *hop = &route->nexthops[i];
        struct ds s = DS_EMPTY_INITIALIZER;

        ovl_text_put_ip(&s, &hop->ip);
        ds_put_format(&s, "@%"PRIu32, hop->vni);
        strings[i] = ds_steal_cstr(&s);
    }
    ovl_grid_list(g, strings, route->n_nexthops);
}

static void
grid_line(struct ovl_grid *g, const struct line *line)
{
    struct ds prefix = DS_EMPTY_INITIALIZER;

    ovl_text_put_prefix(&prefix, &line->prefix.addr, line->prefix.plen);
    ovl_grid_str(g, line->vrf);
    ovl_grid_ds(g, &prefix);
    ovl_grid_str(g, ovl_route_action_to_string(line->route->action));
    if (line->route->action == OVL_ROUTE_CONNECTED
        || line->route->action == OVL_ROUTE_LOCAL) {
        ovl_grid_int(g, line->route->vni);
    } else {
        ovl_grid_null(g);
    }
    grid_nexthops(g, line->route);
}

struct vrf_search {
    const char *name;
    bool found;
};

static void
compare_vrf(const struct ovl_vrf *vrf, void *search_)
{
    struct vrf_search *search = search_;

    search->found |= !strcmp(vrf->name, search->name);
}

char *
ovl_check_filter(const struct ovl_filter *filter)
{
    struct vrf_search search = { .name = filter->vrf };

    if (filter->vrf) {
        ovl_forwarding_for_each_vrf(ovl_dp_forwarding(), compare_vrf, &search);
    }
    return filter->vrf && !search.found
           ? xasprintf("there is no VRF \"%s\": no network and no route that "
                       "is in force names it", filter->vrf)
           : NULL;
}

void
ovl_list_fib(const struct ovl_filter *filter, struct ovl_grid *g)
{
    struct lines l = { .filter = filter, .fwd = ovl_dp_forwarding() };

    l.version = ovl_forwarding_version(l.fwd);
    if (filter->ip) {
        ovl_forwarding_for_each_vrf(l.fwd, collect_match, &l);
    } else {
        ovl_forwarding_for_each_route(l.fwd, collect_route, &l);
    }
    ovl_grid_init(g, "vrf", "prefix", "action", "vni", "nexthops", NULL);
    if (l.n_more) {
        g->error = xasprintf("%"PRIuSIZE" routes are too many to list (at "
                             "most %d): give a VRF, a prefix or an address",
                             l.n + l.n_more, MAX_LINES);
        l.n = 0;
    }
    if (l.n) {
        qsort(l.lines, l.n, sizeof *l.lines, compare_lines);
    }
    for (size_t i = 0; i < l.n; i++) {
        /* What was replaced meanwhile may have been seen twice. */
        if (!i || compare_lines(&l.lines[i - 1], &l.lines[i])) {
            grid_line(g, &l.lines[i]);
        }
    }
    free(l.lines);
}
