/* SPDX-License-Identifier: Apache-2.0 */

/* Routes: where prefixes lead, what is an error, and random rows against a
 * model that works everything out from the start. */

#include <config.h>

#include "rib-fixture.h"

static int64_t vni_1 = 1, vni_2 = 2;

/* Dumps. */

struct route_dump {
    const struct ovl_forwarding *fwd;
    bool local;                 /* Gateway addresses, too. */
    struct svec lines;
};

static void
dump_route(uint32_t id, const struct ovl_prefix *prefix,
           const struct ovl_route *route, void *d_)
{
    struct route_dump *d = d_;
    ovs_version_t version = ovl_forwarding_version(d->fwd);
    const struct ovl_vrf *vrf = ovl_vrf_lookup(d->fwd, version, id);
    struct ds ds = DS_EMPTY_INITIALIZER;

    if (route->action == OVL_ROUTE_LOCAL && !d->local) {
        return;
    }
    assert_non_null(vrf);
    ds_put_format(&ds, "%s ", vrf->name);
    ovl_text_put_prefix(&ds, &prefix->addr, prefix->plen);
    ds_put_format(&ds, " %s", ovl_route_action_to_string(route->action));
    if (route->action == OVL_ROUTE_CONNECTED
        || route->action == OVL_ROUTE_LOCAL) {
        ds_put_format(&ds, " %u", route->vni);
    }
    for (size_t i = 0; i < route->n_nexthops; i++) {
        ds_put_char(&ds, ' ');
        ovl_text_put_ip(&ds, &route->nexthops[i].ip);
        ds_put_format(&ds, "@%u", route->nexthops[i].vni);
    }
    svec_add(&d->lines, ds_cstr(&ds));
    ds_destroy(&ds);
}

static char *
join_lines(struct svec *lines)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    svec_sort(lines);
    for (size_t i = 0; i < lines->n; i++) {
        ds_put_format(&ds, "%s\n", lines->names[i]);
    }
    svec_destroy(lines);
    return ds_steal_cstr(&ds);
}

static char *
dump_routes(const struct rib_fixture *f, bool local)
{
    struct route_dump d = {
        .fwd = f->fwd, .local = local, .lines = SVEC_EMPTY_INITIALIZER,
    };

    ovl_forwarding_for_each_route(f->fwd, dump_route, &d);
    return join_lines(&d.lines);
}

/* Without gateway addresses. */
static void
expect_routes(const struct rib_fixture *f, const char *expected)
{
    char *dump = dump_routes(f, false);

    assert_string_equal(dump, expected);
    free(dump);
}

/* Tests. */

static void
gateway_prefixes_are_connected(void **state)
{
    struct rib_fixture *f = *state;

    SET(f, network, 1, .vni = 1, .vrf = "red",
        .gateway_ips = STRINGS("10.1.0.1/24", "2001:db8:1::1/64"));
    SET(f, network, 2, .vni = 2, .vrf = "blue",
        .gateway_ips = STRINGS("10.1.0.1/24", "10.1.0.2/24"));
    SET(f, network, 3, .vni = 3, .gateway_ips = STRINGS("10.3.0.1/24"));
    commit(f);
    expect_routes(f,
                  "blue 10.1.0.0/24 connected 2\n"
                  "red 10.1.0.0/24 connected 1\n"
                  "red 2001:db8:1::/64 connected 1\n");

    SET(f, network, 1, .vni = 1, .vrf = "red",
        .gateway_ips = STRINGS("10.1.1.1/24"));
    del(f, OVL_RIB_NETWORK, 2);
    commit(f);
    expect_routes(f, "red 10.1.1.0/24 connected 1\n");
}

/* Whatever rows say about parts of the network. */
static void
gateway_addresses_are_the_routers(void **state)
{
    struct rib_fixture *f = *state;

    SET(f, network, 1, .vni = 1, .vrf = "red",
        .gateway_ips = STRINGS("10.1.0.1/24", "2001:db8:1::1/64"));
    SET(f, route, 1, .vrf = "red", .prefix = "10.1.0.0/25",
        .action = "blackhole");
    SET(f, route, 2, .vrf = "red", .prefix = "10.1.0.1/32",
        .action = "blackhole");
    commit(f);

    char *dump = dump_routes(f, true);
    assert_string_equal(dump,
                        "red 10.1.0.0/24 connected 1\n"
                        "red 10.1.0.0/25 blackhole\n"
                        "red 10.1.0.1/32 local 1\n"
                        "red 2001:db8:1::/64 connected 1\n"
                        "red 2001:db8:1::1/128 local 1\n");
    free(dump);
    expect_error(f, OVL_RIB_ROUTE, 1, NULL);
    expect_error(f, OVL_RIB_ROUTE, 2, "the prefix is connected");
}

static void
link_local_prefixes_are_not_routed(void **state)
{
    struct rib_fixture *f = *state;

    SET(f, network, 1, .vni = 1, .vrf = "red",
        .gateway_ips = STRINGS("fe80::1/64", "2001:db8::1/64"));
    commit(f);
    expect_routes(f, "red 2001:db8::/64 connected 1\n");
}

static void
next_hop_is_in_the_network_that_contains_it(void **state)
{
    struct rib_fixture *f = *state;

    SET(f, network, 1, .vni = 1, .vrf = "red",
        .gateway_ips = STRINGS("10.1.0.1/24"));
    SET(f, network, 2, .vni = 2, .vrf = "red",
        .gateway_ips = STRINGS("10.2.0.1/16"));
    SET(f, route, 1, .vrf = "red", .prefix = "0.0.0.0/0",
        .nexthops = STRINGS("10.1.0.254", "10.2.3.4"));
    SET(f, route, 2, .vrf = "red", .prefix = "192.0.2.0/24",
        .action = "blackhole");
    commit(f);
    expect_routes(f,
                  "red 0.0.0.0/0 forward 10.1.0.254@1 10.2.3.4@2\n"
                  "red 10.1.0.0/24 connected 1\n"
                  "red 10.2.0.0/16 connected 2\n"
                  "red 192.0.2.0/24 blackhole\n");
    expect_error(f, OVL_RIB_ROUTE, 1, NULL);
}

static void
next_hop_outside_all_networks_is_an_error_until_there_is_one(void **state)
{
    struct rib_fixture *f = *state;

    SET(f, route, 1, .vrf = "red", .prefix = "0.0.0.0/0",
        .nexthops = STRINGS("10.1.0.254"));
    commit(f);
    expect_routes(f, "");
    expect_error(f, OVL_RIB_ROUTE, 1, "Overlay_Route \"red\" 0.0.0.0/0: "
                 "nexthops \"10.1.0.254\": no network of the VRF");

    /* Of another VRF. */
    SET(f, network, 1, .vni = 1, .vrf = "blue",
        .gateway_ips = STRINGS("10.1.0.1/24"));
    commit(f);
    expect_error(f, OVL_RIB_ROUTE, 1, "no network of the VRF");

    SET(f, network, 1, .vni = 1, .vrf = "red",
        .gateway_ips = STRINGS("10.1.0.1/24"));
    commit(f);
    expect_error(f, OVL_RIB_ROUTE, 1, NULL);
    expect_routes(f,
                  "red 0.0.0.0/0 forward 10.1.0.254@1\n"
                  "red 10.1.0.0/24 connected 1\n");

    /* Another network takes the prefix over. */
    del(f, OVL_RIB_NETWORK, 1);
    SET(f, network, 2, .vni = 2, .vrf = "red",
        .gateway_ips = STRINGS("10.1.0.1/16"));
    commit(f);
    expect_routes(f,
                  "red 0.0.0.0/0 forward 10.1.0.254@2\n"
                  "red 10.1.0.0/16 connected 2\n");

    del(f, OVL_RIB_NETWORK, 2);
    commit(f);
    expect_routes(f, "");
    expect_error(f, OVL_RIB_ROUTE, 1, "no network of the VRF");
}

static void
one_bad_next_hop_leaves_the_others(void **state)
{
    struct rib_fixture *f = *state;

    SET(f, network, 1, .vni = 1, .vrf = "red",
        .gateway_ips = STRINGS("10.1.0.1/24"));
    SET(f, route, 1, .vrf = "red", .prefix = "0.0.0.0/0",
        .nexthops = STRINGS("10.1.0.254", "10.9.0.1", "10.1.0.253"));
    commit(f);
    expect_routes(f,
                  "red 0.0.0.0/0 forward 10.1.0.253@1 10.1.0.254@1\n"
                  "red 10.1.0.0/24 connected 1\n");
    expect_error(f, OVL_RIB_ROUTE, 1, "\"10.9.0.1\": no network of the VRF");
}

static void
next_hop_must_not_be_a_gateway_address(void **state)
{
    struct rib_fixture *f = *state;

    SET(f, network, 1, .vni = 1, .vrf = "red",
        .gateway_ips = STRINGS("10.1.0.1/24"));
    SET(f, route, 1, .vrf = "red", .prefix = "0.0.0.0/0",
        .nexthops = STRINGS("10.1.0.1"));
    commit(f);
    expect_routes(f, "red 10.1.0.0/24 connected 1\n");
    expect_error(f, OVL_RIB_ROUTE, 1, "is a gateway address of "
                 "Overlay_Network 1");

    SET(f, network, 1, .vni = 1, .vrf = "red",
        .gateway_ips = STRINGS("10.1.0.2/24"));
    commit(f);
    expect_error(f, OVL_RIB_ROUTE, 1, NULL);
}

/* RFC 8950 allows the latter, for symmetric IRB. */
static void
row_may_say_which_network_its_next_hops_are_in(void **state)
{
    struct rib_fixture *f = *state;

    SET(f, route, 1, .vrf = "red", .prefix = "10.0.0.0/8", .vni = &vni_1,
        .nexthops = STRINGS("192.0.2.9"));
    SET(f, route, 2, .vrf = "red", .prefix = "2001:db8::/32", .vni = &vni_2,
        .nexthops = STRINGS("192.0.2.9"));
    commit(f);
    expect_routes(f,
                  "red 10.0.0.0/8 forward 192.0.2.9@1\n"
                  "red 2001:db8::/32 forward 192.0.2.9@2\n");
}

static void
connected_prefix_beats_a_row(void **state)
{
    struct rib_fixture *f = *state;

    SET(f, network, 1, .vni = 1, .vrf = "red",
        .gateway_ips = STRINGS("10.1.0.1/24"));
    SET(f, route, 1, .vrf = "red", .prefix = "10.1.0.0/24",
        .action = "prohibit");
    commit(f);
    expect_routes(f, "red 10.1.0.0/24 connected 1\n");
    expect_error(f, OVL_RIB_ROUTE, 1, "the prefix is connected: gateway_ips "
                 "of Overlay_Network 1");

    /* So is the one that waits behind that: no row is in force. */
    SET(f, route, 2, .vrf = "red", .prefix = "10.1.0.0/24",
        .action = "blackhole");
    commit(f);
    expect_error(f, OVL_RIB_ROUTE, 2, "the prefix is connected");

    del(f, OVL_RIB_NETWORK, 1);
    commit(f);
    expect_routes(f, "red 10.1.0.0/24 prohibit\n");
    expect_error(f, OVL_RIB_ROUTE, 1, NULL);
    expect_error(f, OVL_RIB_ROUTE, 2, "same (vrf, prefix) as another row");
}

/* Both are in force for a moment, while the commit settles which one wins. */
static void
prefix_goes_to_the_network_that_wins_it(void **state)
{
    struct rib_fixture *f = *state;

    SET(f, network, 5, .vni = 5, .vrf = "red",
        .gateway_ips = STRINGS("10.1.0.1/24"));
    SET(f, route, 1, .vrf = "red", .prefix = "0.0.0.0/0",
        .nexthops = STRINGS("10.1.0.9"));
    commit(f);
    SET(f, network, 4, .vni = 4, .vrf = "red",
        .gateway_ips = STRINGS("10.1.0.1/24"));
    commit(f);
    expect_routes(f,
                  "red 0.0.0.0/0 forward 10.1.0.9@4\n"
                  "red 10.1.0.0/24 connected 4\n");
    expect_error(f, OVL_RIB_NETWORK, 5, "overlaps");

    del(f, OVL_RIB_NETWORK, 4);
    commit(f);
    expect_routes(f,
                  "red 0.0.0.0/0 forward 10.1.0.9@5\n"
                  "red 10.1.0.0/24 connected 5\n");
}

static void
vrf_knows_its_lowest_gateways(void **state)
{
    struct rib_fixture *f = *state;
    struct in6_addr ip4 = ip_from("10.1.0.1"), ip6 = ip_from("2001:db8:1::1");

    SET(f, network, 1, .vni = 1, .vrf = "red",
        .gateway_ips = STRINGS("10.2.0.1/24", "2001:db8:1::1/64"));
    SET(f, network, 2, .vni = 2, .vrf = "red",
        .gateway_ips = STRINGS("10.1.0.1/24", "2001:db8:2::1/64"));
    commit(f);

    ovs_version_t v = ovl_forwarding_version(f->fwd);
    const struct ovl_network *net = ovl_network_lookup(f->fwd, v, 1);
    const struct ovl_vrf *vrf = ovl_vrf_lookup(f->fwd, v, net->source_group);
    assert_string_equal(vrf->name, "red");
    assert_true(ipv6_addr_equals(&vrf->gateway4, &ip4));
    assert_true(ipv6_addr_equals(&vrf->gateway6, &ip6));
}

/* The model. */

#define N_SEEDS 60
#define N_COMMITS 80
#define N_ROWS 8

static const char *const vrfs[] = { "red", "blue" };
static const char *const gateways[] = {
    "10.1.0.1/24", "10.1.0.2/24", "10.2.0.1/16", "10.0.0.1/8",
    "2001:db8:1::1/64", "2001:db8::1/32",
};
static const char *const prefixes[] = {
    "0.0.0.0/0", "10.1.0.0/24", "10.2.0.0/16", "172.16.0.0/12", "::/0",
    "2001:db8:1::/64",
};
static const char *const hops[] = {
    "10.1.0.1", "10.1.0.9", "10.2.0.9", "192.0.2.1",
};
static const char *const hops6[] = { "2001:db8:1::9", "2001:db8:2::9" };

struct model_network {
    bool there;
    int vni;                    /* 1 or 2... */
    int vrf;                    /* Index, or -1. */
    int gateway;                /* Index. */
};

struct model_route {
    bool there;
    int vrf, prefix, hop;       /* Indexes; 'hop' -1: blackhole. */
    int vni;                    /* 0: not said. */
};

struct model {
    struct model_network networks[N_ROWS];
    struct model_route routes[N_ROWS];
};

static struct ovl_prefix
parse_prefix(const char *text, struct in6_addr *ip)
{
    char *copy = xstrdup(text);
    char *slash = strchr(copy, '/');

    *slash = '\0';
    struct ovl_prefix p = prefix_from(copy, atoi(slash + 1));
    struct in6_addr mask = ipv6_create_mask(p.plen);
    *ip = p.addr;
    p.addr = ipv6_addr_bitand(&p.addr, &mask);
    free(copy);
    return p;
}

static const char *
hop_text(const struct model_route *r)
{
    return r->prefix < 4 ? hops[r->hop] : hops6[r->hop % 2];
}

static bool
networks_conflict(const struct model_network *a,
                  const struct model_network *b)
{
    struct in6_addr ip;
    struct ovl_prefix pa = parse_prefix(gateways[a->gateway], &ip);
    struct ovl_prefix pb = parse_prefix(gateways[b->gateway], &ip);

    return (a->vni == b->vni
            || (a->vrf >= 0 && a->vrf == b->vrf
                && (ovl_prefix_contains(&pa, &pb.addr)
                    || ovl_prefix_contains(&pb, &pa.addr))));
}

static bool
network_in_force(const struct model *m, int i)
{
    for (int j = 0; j < i; j++) {
        if (m->networks[j].there && network_in_force(m, j)
            && networks_conflict(&m->networks[i], &m->networks[j])) {
            return false;
        }
    }
    return m->networks[i].there;
}

/* Adds the line of prefix 'p' of 'vrf', if it has a route. */
static void
model_prefix(const struct model *m, int vrf, const char *text,
             const bool in_force[], struct svec *lines,
             bool route_errors[])
{
    struct in6_addr ip;
    struct ovl_prefix p = parse_prefix(text, &ip);
    const struct model_route *winner = NULL;
    int connected = 0;
    char *canonical;
    struct ds ds = DS_EMPTY_INITIALIZER;

    ovl_text_put_prefix(&ds, &p.addr, p.plen);
    canonical = ds_steal_cstr(&ds);
    for (int i = 0; i < N_ROWS; i++) {
        const struct model_network *net = &m->networks[i];

        if (in_force[i] && net->vrf == vrf) {
            struct ovl_prefix np = parse_prefix(gateways[net->gateway], &ip);

            if (np.plen == p.plen && ipv6_addr_equals(&np.addr, &p.addr)) {
                connected = net->vni;
            }
        }
    }
    if (connected) {
        svec_add_nocopy(lines, xasprintf("%s %s connected %d", vrfs[vrf],
                                         canonical, connected));
    }
    for (int i = 0; i < N_ROWS; i++) {
        const struct model_route *r = &m->routes[i];

        if (!r->there || r->vrf != vrf) {
            continue;
        }
        struct ovl_prefix rp = parse_prefix(prefixes[r->prefix], &ip);
        if (rp.plen != p.plen || !ipv6_addr_equals(&rp.addr, &p.addr)) {
            continue;
        }
        route_errors[i] = winner || connected;
        if (winner || connected) {
            winner = winner ? winner : r;
            continue;
        }
        winner = r;
        if (r->hop < 0) {
            svec_add_nocopy(lines, xasprintf("%s %s blackhole", vrfs[vrf],
                                             canonical));
            continue;
        }

        int vni = r->vni;
        struct in6_addr hop = ip_from(hop_text(r));
        for (int j = 0; j < N_ROWS; j++) {
            const struct model_network *net = &m->networks[j];
            struct ovl_prefix np = parse_prefix(gateways[net->gateway], &ip);

            if (in_force[j]
                && (r->vni
                    ? net->vni == r->vni && ipv6_addr_equals(&ip, &hop)
                    : net->vrf == vrf && ovl_prefix_contains(&np, &hop))) {
                vni = ipv6_addr_equals(&ip, &hop) ? 0 : net->vni;
            }
        }
        route_errors[i] = !vni;
        if (vni) {
            svec_add_nocopy(lines, xasprintf("%s %s forward %s@%d", vrfs[vrf],
                                             canonical, hop_text(r), vni));
        }
    }
    free(canonical);
}

static void
compare(const struct rib_fixture *f, const struct model *m, int seed)
{
    struct svec lines = SVEC_EMPTY_INITIALIZER;
    bool route_errors[N_ROWS] = { false };
    bool in_force[N_ROWS];
    struct in6_addr ip;

    for (int i = 0; i < N_ROWS; i++) {
        in_force[i] = network_in_force(m, i);
    }
    for (int vrf = 0; vrf < (int) ARRAY_SIZE(vrfs); vrf++) {
        for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
            model_prefix(m, vrf, prefixes[i], in_force, &lines, route_errors);
        }
        for (int i = 0; i < N_ROWS; i++) {
            const struct model_network *net = &m->networks[i];

            if (in_force[i] && net->vrf == vrf) {
                const char *gw = gateways[net->gateway];

                svec_add_nocopy(&lines, xasprintf(
                    "%s %.*s/%d local %d", vrfs[vrf],
                    (int) (strchr(gw, '/') - gw), gw,
                    strchr(gw, ':') ? 128 : 32, net->vni));
            }
        }
        /* Gateway prefixes that no route could have. */
        for (size_t i = 0; i < ARRAY_SIZE(gateways); i++) {
            struct ovl_prefix p = parse_prefix(gateways[i], &ip);
            bool known = i == 1;        /* The same as the first. */

            for (size_t j = 0; j < ARRAY_SIZE(prefixes); j++) {
                struct ovl_prefix q = parse_prefix(prefixes[j], &ip);

                known |= (p.plen == q.plen
                          && ipv6_addr_equals(&p.addr, &q.addr));
            }
            if (!known) {
                model_prefix(m, vrf, gateways[i], in_force, &lines,
                             route_errors);
            }
        }
    }

    char *expected = join_lines(&lines);
    char *dump = dump_routes(f, true);
    if (strcmp(dump, expected)) {
        fail_msg("seed %d: routes are\n%sexpected\n%s", seed, dump, expected);
    }
    free(expected);
    free(dump);
    for (int i = 0; i < N_ROWS; i++) {
        bool error = error_of(f, OVL_RIB_ROUTE, i) != NULL;

        if (error != route_errors[i]) {
            fail_msg("seed %d: error of route %d is %s", seed, i,
                     error_of(f, OVL_RIB_ROUTE, i));
        }
    }
}

static void
change_network(struct rib_fixture *f, struct model *m)
{
    int i = random_range(N_ROWS);
    struct model_network *net = &m->networks[i];

    *net = (struct model_network) {
        .there = random_range(4) != 0,
        .vni = 1 + random_range(5),
        .vrf = (int) random_range(3) - 1,
        .gateway = random_range(ARRAY_SIZE(gateways)),
    };
    if (net->there) {
        SET(f, network, i, .vni = net->vni,
            .vrf = net->vrf < 0 ? "" : vrfs[net->vrf],
            .gateway_ips = STRINGS(CONST_CAST(char *,
                                              gateways[net->gateway])));
    } else {
        del(f, OVL_RIB_NETWORK, i);
    }
}

static void
change_route(struct rib_fixture *f, struct model *m)
{
    int i = random_range(N_ROWS);
    struct model_route *r = &m->routes[i];

    *r = (struct model_route) {
        .there = random_range(4) != 0,
        .vrf = random_range(2),
        .prefix = random_range(ARRAY_SIZE(prefixes)),
        .hop = (int) random_range(5) - 1,
        .vni = random_range(3) ? 0 : 1 + random_range(5),
    };
    if (!r->there) {
        del(f, OVL_RIB_ROUTE, i);
    } else if (r->hop < 0) {
        r->vni = 0;
        SET(f, route, i, .vrf = vrfs[r->vrf], .prefix = prefixes[r->prefix],
            .action = "blackhole");
    } else {
        int64_t vni = r->vni;

        SET(f, route, i, .vrf = vrfs[r->vrf], .prefix = prefixes[r->prefix],
            .nexthops = STRINGS(CONST_CAST(char *, hop_text(r))),
            .vni = vni ? &vni : NULL);
    }
}

static void
random_rows_and_a_model(void **state OVS_UNUSED)
{
    for (int seed = 1; seed <= N_SEEDS; seed++) {
        struct rib_fixture f;
        struct model m;

        memset(&m, 0, sizeof m);
        rib_fixture_init(&f);
        random_set_seed(seed);
        for (int i = 0; i < N_COMMITS; i++) {
            for (int n = random_range(5); n >= 0; n--) {
                if (random_range(2)) {
                    change_network(&f, &m);
                } else {
                    change_route(&f, &m);
                }
            }
            commit(&f);
            compare(&f, &m, seed);
            if (random_range(4) == 0) {
                drain(f.fwd);
            }
        }
        rib_fixture_uninit(&f);
    }
}

/* Gateways of many lengths, close to each other, against each compared with
 * each. */

#define N_NETWORKS 30

struct gateway_model {
    bool present, in_force;
    struct in6_addr ip;
    uint8_t plen;
};

static void
set_random_network(struct rib_fixture *f, struct gateway_model *m, int row)
{
    bool v4 = random_range(2);
    int plen = v4 ? 9 + random_range(22) : 17 + random_range(48);
    uint8_t last = 1 + random_range(2);
    struct uuid uuid = uuid_nr(row);
    char ip[64], gateway[80];

    if (v4) {
        snprintf(ip, sizeof ip, "10.%d.%d.%d", random_range(4),
                 random_range(4), last);
    } else {
        snprintf(ip, sizeof ip, "fd00:%x:%x::%x", random_range(4),
                 random_range(4), last);
    }
    snprintf(gateway, sizeof gateway, "%s/%d", ip, plen);
    m[row] = (struct gateway_model) {
        .present = true, .ip = ip_from(ip), .plen = plen + (v4 ? 96 : 0),
    };
    ovl_rib_set_network(f->rib, &uuid, &(struct ovl_row_network) {
        .vni = 1000 + row, .name = "", .vrf = "red",
        .gateway_ips = STRINGS(gateway) });
}

static void
compare_gateways(struct rib_fixture *f, struct gateway_model *m)
{
    ovs_version_t version = ovl_forwarding_version(f->fwd);
    struct in6_addr lowest = in6addr_any;
    const struct ovl_network *net = NULL;

    for (int i = 0; i < N_NETWORKS; i++) {
        m[i].in_force = m[i].present;
        for (int j = 0; j < i; j++) {
            if (m[j].in_force
                && ovl_prefix_overlaps(&m[i].ip, m[i].plen,
                                       &m[j].ip, m[j].plen)) {
                m[i].in_force = false;
            }
        }

        const struct ovl_network *found
            = ovl_network_lookup(f->fwd, version, 1000 + i);
        assert_int_equal(found != NULL, m[i].in_force);
        net = found ? found : net;
        if (m[i].in_force && ovl_ip_is_v4(&m[i].ip)
            && (!ipv6_addr_is_set(&lowest)
                || memcmp(&m[i].ip, &lowest, sizeof lowest) < 0)) {
            lowest = m[i].ip;
        }
    }
    if (net) {
        const struct ovl_vrf *vrf = ovl_vrf_lookup(f->fwd, version,
                                                   net->source_group);

        assert_non_null(vrf);
        assert_memory_equal(&vrf->gateway4, &lowest, sizeof lowest);
    }
}

static void
gateways_that_overlap_give_way_in_order(void **state OVS_UNUSED)
{
    for (int seed = 1; seed <= 40; seed++) {
        struct gateway_model m[N_NETWORKS];
        struct rib_fixture f;

        memset(m, 0, sizeof m);
        rib_fixture_init(&f);
        random_set_seed(seed);
        for (int i = 0; i < 100; i++) {
            for (int n = random_range(4); n >= 0; n--) {
                int row = random_range(N_NETWORKS);
                struct uuid uuid = uuid_nr(row);

                if (random_range(3)) {
                    set_random_network(&f, m, row);
                } else {
                    m[row].present = false;
                    ovl_rib_delete(f.rib, OVL_RIB_NETWORK, &uuid);
                }
            }
            commit(&f);
            compare_gateways(&f, m);
        }
        rib_fixture_uninit(&f);
    }
}

static int
setup(void **state)
{
    struct rib_fixture *f = xmalloc(sizeof *f);

    rib_fixture_init(f);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    rib_fixture_uninit(*state);
    free(*state);
    return 0;
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(gateway_prefixes_are_connected),
        TEST(gateway_addresses_are_the_routers),
        TEST(link_local_prefixes_are_not_routed),
        TEST(next_hop_is_in_the_network_that_contains_it),
        TEST(next_hop_outside_all_networks_is_an_error_until_there_is_one),
        TEST(one_bad_next_hop_leaves_the_others),
        TEST(next_hop_must_not_be_a_gateway_address),
        TEST(row_may_say_which_network_its_next_hops_are_in),
        TEST(connected_prefix_beats_a_row),
        TEST(prefix_goes_to_the_network_that_wins_it),
        TEST(vrf_knows_its_lowest_gateways),
        cmocka_unit_test(random_rows_and_a_model),
        cmocka_unit_test(gateways_that_overlap_give_way_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
