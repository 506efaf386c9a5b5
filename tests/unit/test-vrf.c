/* SPDX-License-Identifier: Apache-2.0 */

/* Routes of VRFs: versions, and random transactions against a naive model,
 * also as readers of earlier versions see them. */

#include <config.h>

#include "tables-fixture.h"

#include "timeval.h"

#define N_VRFS 3
#define N_PREFIXES 24
#define N_ROUTES 6
#define N_OLD 3                 /* Versions that readers are still in. */

static const struct {
    const char *addr;
    int len;
} prefix_texts[N_PREFIXES] = {
    { "0.0.0.0", 0 }, { "10.0.0.0", 8 }, { "10.0.0.0", 16 },
    { "10.0.0.0", 24 }, { "10.0.0.0", 31 }, { "10.0.0.0", 32 },
    { "10.0.0.1", 32 }, { "10.0.1.0", 24 }, { "10.128.0.0", 9 },
    { "255.255.255.255", 32 }, { "128.0.0.0", 1 }, { "0.0.0.0", 1 },
    { "::", 0 }, { "2001:db8::", 32 }, { "2001:db8::", 48 },
    { "2001:db8::", 64 }, { "2001:db8::", 127 }, { "2001:db8::", 128 },
    { "2001:db8::1", 128 }, { "2001:db8:1::", 48 }, { "fd00::", 8 },
    { "8000::", 1 }, { "::", 1 },
    { "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 128 },
};

static const char *const probes[] = {
    "0.0.0.0", "9.255.255.255", "10.0.0.0", "10.0.0.1", "10.0.0.2",
    "10.0.0.255", "10.0.1.0", "10.0.255.255", "10.1.0.0", "10.128.0.0",
    "11.0.0.0", "127.255.255.255", "128.0.0.0", "255.255.255.254",
    "255.255.255.255", "::", "::1", "2001:db7:ffff::", "2001:db8::",
    "2001:db8::1", "2001:db8::2", "2001:db8::1:0:0:1", "2001:db8:0:1::",
    "2001:db8:1::", "2001:db8:2::", "2001:db9::", "7fff::", "8000::",
    "fd00::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
};

static struct ovl_prefix
nth_prefix(size_t i)
{
    return prefix_from(prefix_texts[i].addr, prefix_texts[i].len);
}

/* Routes 1...N_ROUTES. */
static void
set_route(struct ovl_forwarding *fwd, uint32_t vrf, size_t prefix, int route)
{
    struct ovl_prefix p = nth_prefix(prefix);
    struct ovl_nexthop hops[N_ROUTES];

    for (int i = 0; i < route; i++) {
        hops[i] = (struct ovl_nexthop) { .vni = route, .ip = ip4_nr(i) };
    }
    ovl_route_set(fwd, vrf, &p, &(struct ovl_route) {
        .action = OVL_ROUTE_FORWARD, .n_nexthops = route, .nexthops = hops,
    });
}

static void
remove_route(struct ovl_forwarding *fwd, uint32_t vrf, size_t prefix)
{
    struct ovl_prefix p = nth_prefix(prefix);

    ovl_route_remove(fwd, vrf, &p);
}

/* The number of the route that 'ip' has in 'version', 0 if none. */
static int
route_to(const struct ovl_forwarding *fwd, ovs_version_t version, uint32_t id,
         const struct in6_addr *ip)
{
    const struct ovl_vrf *vrf = ovl_vrf_lookup(fwd, version, id);
    const struct ovl_route *route
        = vrf ? ovl_route_lookup(fwd, vrf, ip, NULL) : NULL;

    if (!route) {
        return 0;
    }
    assert_int_equal(route->action, OVL_ROUTE_FORWARD);
    for (int i = 0; i < route->n_nexthops; i++) {
        struct in6_addr hop = ip4_nr(i);

        assert_int_equal(route->nexthops[i].vni, route->n_nexthops);
        assert_true(ipv6_addr_equals(&route->nexthops[i].ip, &hop));
    }
    return route->n_nexthops;
}

static void
set_vrf(struct ovl_forwarding *fwd, uint32_t id, const char *name)
{
    ovl_vrf_set(fwd, &(struct ovl_vrf) {
        .id = id, .name = CONST_CAST(char *, name),
    });
}

/* Tests. */

static void
test_routes_of_a_transaction_take_force_together(void **state OVS_UNUSED)
{
    struct ovl_forwarding *fwd = ovl_forwarding_create();
    struct in6_addr ip = ip_from("10.0.0.1");

    ovl_forwarding_begin(fwd);
    set_vrf(fwd, 1, "red");
    set_route(fwd, 1, 1, 1);
    ovs_version_t v1 = ovl_forwarding_commit(fwd);
    assert_int_equal(route_to(fwd, v1, 1, &ip), 1);

    ovl_forwarding_begin(fwd);
    set_route(fwd, 1, 2, 2);
    set_route(fwd, 1, 6, 3);
    assert_int_equal(route_to(fwd, v1, 1, &ip), 1);
    assert_int_equal(ovl_forwarding_version(fwd), v1);
    ovs_version_t v2 = ovl_forwarding_commit(fwd);
    assert_int_equal(route_to(fwd, v1, 1, &ip), 1);
    assert_int_equal(route_to(fwd, v2, 1, &ip), 3);

    /* After a grace period nobody is in the old version any more. */
    drain(fwd);
    assert_int_equal(route_to(fwd, v2, 1, &ip), 3);

    ovl_forwarding_begin(fwd);
    remove_route(fwd, 1, 6);
    ovs_version_t v3 = ovl_forwarding_commit(fwd);
    assert_int_equal(route_to(fwd, v2, 1, &ip), 3);
    assert_int_equal(route_to(fwd, v3, 1, &ip), 2);

    ovl_forwarding_destroy(fwd);
    pass_grace();
}

static void
test_setting_the_same_route_makes_no_version(void **state OVS_UNUSED)
{
    struct ovl_forwarding *fwd = ovl_forwarding_create();

    ovl_forwarding_begin(fwd);
    set_vrf(fwd, 1, "red");
    set_route(fwd, 1, 1, 1);
    ovs_version_t v = ovl_forwarding_commit(fwd);

    ovl_forwarding_begin(fwd);
    set_vrf(fwd, 1, "red");
    set_route(fwd, 1, 1, 1);
    remove_route(fwd, 1, 2);    /* Is not there. */
    assert_int_equal(ovl_forwarding_commit(fwd), v);

    ovl_forwarding_destroy(fwd);
    pass_grace();
}

static void
test_name_of_a_vrf_changes_without_its_routes(void **state OVS_UNUSED)
{
    struct ovl_forwarding *fwd = ovl_forwarding_create();
    struct in6_addr ip = ip_from("10.0.0.1");

    ovl_forwarding_begin(fwd);
    set_vrf(fwd, 1, "red");
    set_route(fwd, 1, 1, 1);
    ovs_version_t v1 = ovl_forwarding_commit(fwd);

    ovl_forwarding_begin(fwd);
    set_vrf(fwd, 1, "blue");
    ovs_version_t v2 = ovl_forwarding_commit(fwd);
    assert_string_equal(ovl_vrf_lookup(fwd, v1, 1)->name, "red");
    assert_string_equal(ovl_vrf_lookup(fwd, v2, 1)->name, "blue");
    drain(fwd);
    assert_int_equal(route_to(fwd, v2, 1, &ip), 1);

    ovl_forwarding_begin(fwd);
    remove_route(fwd, 1, 1);
    ovl_vrf_remove(fwd, 1);
    ovs_version_t v3 = ovl_forwarding_commit(fwd);
    assert_null(ovl_vrf_lookup(fwd, v3, 1));
    assert_int_equal(route_to(fwd, v2, 1, &ip), 1);
    drain(fwd);

    ovl_forwarding_destroy(fwd);
    pass_grace();
}

static void
test_overlapping_prefixes_of_two_vrfs_do_not_meet(void **state OVS_UNUSED)
{
    struct ovl_forwarding *fwd = ovl_forwarding_create();
    struct in6_addr ip = ip_from("10.0.0.1");

    ovl_forwarding_begin(fwd);
    set_vrf(fwd, 1, "red");
    set_vrf(fwd, 2, "blue");
    set_vrf(fwd, 3, "green");
    set_route(fwd, 1, 1, 1);
    set_route(fwd, 2, 1, 2);
    set_route(fwd, 2, 6, 4);
    ovs_version_t v = ovl_forwarding_commit(fwd);
    assert_int_equal(route_to(fwd, v, 1, &ip), 1);
    assert_int_equal(route_to(fwd, v, 2, &ip), 4);
    assert_int_equal(route_to(fwd, v, 3, &ip), 0);

    ovl_forwarding_destroy(fwd);
    pass_grace();
}

/* What should be in force; 0: no route. */
struct model {
    int routes[N_VRFS + 1][N_PREFIXES];
};

static int
model_route_to(const struct model *m, uint32_t vrf, const struct in6_addr *ip)
{
    int best = 0, best_plen = -1;

    for (size_t i = 0; i < N_PREFIXES; i++) {
        struct ovl_prefix p = nth_prefix(i);

        if (m->routes[vrf][i] && p.plen > best_plen
            && ovl_prefix_contains(&p, ip)) {
            best = m->routes[vrf][i];
            best_plen = p.plen;
        }
    }
    return best;
}

static void
compare(const struct ovl_forwarding *fwd, ovs_version_t version,
        const struct model *m)
{
    for (uint32_t vrf = 1; vrf <= N_VRFS; vrf++) {
        for (size_t i = 0; i < ARRAY_SIZE(probes); i++) {
            struct in6_addr ip = ip_from(probes[i]);

            assert_int_equal(route_to(fwd, version, vrf, &ip),
                             model_route_to(m, vrf, &ip));
        }
    }
}

static void
change(struct ovl_forwarding *fwd, struct model *m)
{
    uint32_t vrf = 1 + random_range(N_VRFS);

    if (random_range(20) == 0) {
        /* The VRF goes, and may come back at once. */
        for (size_t i = 0; i < N_PREFIXES; i++) {
            m->routes[vrf][i] = 0;
            remove_route(fwd, vrf, i);
        }
        ovl_vrf_remove(fwd, vrf);
        return;
    }

    size_t prefix = random_range(N_PREFIXES);
    set_vrf(fwd, vrf, random_range(2) ? "a" : "b");
    m->routes[vrf][prefix] = random_range(N_ROUTES + 1);
    if (m->routes[vrf][prefix]) {
        set_route(fwd, vrf, prefix, m->routes[vrf][prefix]);
    } else {
        remove_route(fwd, vrf, prefix);
    }
}

static void
test_random_transactions_in_all_versions(void **state OVS_UNUSED)
{
    for (int seed = 1; seed <= 20; seed++) {
        struct ovl_forwarding *fwd = ovl_forwarding_create();
        struct model m = { .routes = { { 0 } } };
        struct {
            struct model m;
            ovs_version_t version;
        } old[N_OLD];
        int n_old = 0;

        random_set_seed(seed);
        for (int i = 0; i < 150; i++) {
            ovl_forwarding_begin(fwd);
            for (int n = random_range(12); n >= 0; n--) {
                change(fwd, &m);
            }
            ovs_version_t version = ovl_forwarding_commit(fwd);
            compare(fwd, version, &m);
            for (int j = 0; j < n_old; j++) {
                compare(fwd, old[j].version, &old[j].m);
            }
            if (n_old < N_OLD) {
                old[n_old].m = m;
                old[n_old].version = version;
                n_old++;
            } else {
                /* The old readers quiesce. */
                drain(fwd);
                n_old = 0;
                compare(fwd, version, &m);
            }
        }
        ovl_forwarding_destroy(fwd);
        pass_grace();
    }
}

/* One writer, many readers.
 *
 * The writer lets all fixed prefixes of a VRF lead to what is new with each
 * transaction, numbers being used again, lets others come and go, and removes
 * the VRF with all of them now and then.  In each burst a reader finds all of
 * one transaction or no VRF.  Another thread lists all routes meanwhile. */

#define N_READERS 2
#define N_CHURN 3000            /* Prefixes that come and go. */
#define N_AT_ONCE 40            /* Of them per transaction. */
#define MSECS 500
#define MIN_STEPS 100           /* However slow the machine is. */

struct shared {
    struct ovl_forwarding *fwd;
    ATOMIC(const char *) failure;
    atomic_bool stop;
};

static bool
is_stopped(struct shared *s)
{
    const char *failure;
    bool stop;

    atomic_read_relaxed(&s->stop, &stop);
    atomic_read_relaxed(&s->failure, &failure);
    return stop || failure;
}

/* Returns what 'route' says it is, 0 if it contradicts itself. */
static uint32_t
serial_of(const struct ovl_route *route)
{
    for (int i = 0; i < route->n_nexthops; i++) {
        if (route->nexthops[i].vni != route->nexthops[0].vni) {
            return 0;
        }
    }
    return route->n_nexthops ? route->nexthops[0].vni : 0;
}

static const char *
check_burst(const struct ovl_forwarding *fwd)
{
    ovs_version_t version = ovl_forwarding_version(fwd);

    for (int i = 0; i < 32; i++) {
        const struct ovl_vrf *vrf = ovl_vrf_lookup(fwd, version, 1);
        uint32_t serial = 0;

        for (size_t j = 0; vrf && j < ARRAY_SIZE(probes); j++) {
            struct in6_addr ip = ip_from(probes[j]);
            const struct ovl_route *route
                = ovl_route_lookup(fwd, vrf, &ip, NULL);

            if (!route) {
                return "no route";
            } else if (!serial_of(route)) {
                return "half a route";
            } else if (serial && serial_of(route) != serial) {
                return "routes of two versions";
            }
            serial = serial_of(route);
        }
    }
    return NULL;
}

static void *
reader_main(void *s_)
{
    struct shared *s = s_;

    while (!is_stopped(s)) {
        const char *failure = check_burst(s->fwd);

        if (failure) {
            atomic_store_relaxed(&s->failure, failure);
        }
        ovsrcu_quiesce();
    }
    return NULL;
}

static void
see_route(uint32_t vrf OVS_UNUSED, const struct ovl_prefix *prefix OVS_UNUSED,
          const struct ovl_route *route, void *s_)
{
    struct shared *s = s_;

    if (!serial_of(route)) {
        atomic_store_relaxed(&s->failure, "half a route is listed");
    }
}

static void *
lister_main(void *s_)
{
    struct shared *s = s_;

    while (!is_stopped(s)) {
        ovl_forwarding_for_each_route(s->fwd, see_route, s);
        ovsrcu_quiesce();
    }
    return NULL;
}

static void
set_serial(struct ovl_forwarding *fwd, const struct ovl_prefix *p,
           uint32_t serial)
{
    struct ovl_nexthop hops[N_ROUTES];
    size_t n = 1 + serial % N_ROUTES;

    for (size_t i = 0; i < n; i++) {
        hops[i] = (struct ovl_nexthop) { .vni = serial, .ip = ip4_nr(i) };
    }
    ovl_route_set(fwd, 1, p, &(struct ovl_route) {
        .action = OVL_ROUTE_FORWARD, .n_nexthops = n, .nexthops = hops,
    });
}

/* Prefixes that no probe is in. */
static struct ovl_prefix
churn_prefix(size_t i)
{
    return (struct ovl_prefix) {
        .addr = in6_addr_mapped_ipv4(htonl(0x14000000 + i * 2)), .plen = 128,
    };
}

static void
write_one(struct ovl_forwarding *fwd, uint32_t serial, bool there[N_CHURN])
{
    bool remove = serial % 50 == 0;

    ovl_forwarding_begin(fwd);
    if (!remove) {
        ovl_vrf_set(fwd, &(struct ovl_vrf) {
            .id = 1, .name = CONST_CAST(char *, "red"),
        });
    }
    for (size_t i = 0; i < N_PREFIXES; i++) {
        struct ovl_prefix p = nth_prefix(i);

        if (remove) {
            ovl_route_remove(fwd, 1, &p);
        } else {
            set_serial(fwd, &p, serial);
        }
    }
    for (size_t i = 0; i < (remove ? N_CHURN : N_AT_ONCE); i++) {
        size_t j = remove ? i : random_range(N_CHURN);
        struct ovl_prefix p = churn_prefix(j);

        if (there[j]) {
            ovl_route_remove(fwd, 1, &p);
        } else if (!remove) {
            set_serial(fwd, &p, serial + i);
        }
        there[j] = !there[j] && !remove;
    }
    if (remove) {
        ovl_vrf_remove(fwd, 1);
    }
    ovl_forwarding_commit(fwd);
}

static void
test_readers_see_routes_of_one_transaction(void **state OVS_UNUSED)
{
    struct shared s = { .fwd = ovl_forwarding_create() };
    long long int deadline = time_msec() + MSECS;
    pthread_t threads[N_READERS + 1];
    bool there[N_CHURN] = { false };
    const char *failure;

    for (int i = 0; i <= N_READERS; i++) {
        threads[i] = ovs_thread_create(i < N_READERS ? "reader" : "lister",
                                       i < N_READERS ? reader_main
                                       : lister_main, &s);
    }
    for (uint32_t serial = 1; !is_stopped(&s); serial++) {
        write_one(s.fwd, serial, there);
        ovl_forwarding_collect(s.fwd);
        ovsrcu_quiesce();
        if (serial >= MIN_STEPS && time_msec() >= deadline) {
            atomic_store_relaxed(&s.stop, true);
        }
    }

    ovsrcu_quiesce_start();
    for (int i = 0; i <= N_READERS; i++) {
        xpthread_join(threads[i], NULL);
    }
    ovsrcu_quiesce_end();
    atomic_read_relaxed(&s.failure, &failure);
    if (failure) {
        fail_msg("%s", failure);
    }
    drain(s.fwd);
    ovl_forwarding_destroy(s.fwd);
    pass_grace();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_routes_of_a_transaction_take_force_together),
        cmocka_unit_test(test_setting_the_same_route_makes_no_version),
        cmocka_unit_test(test_name_of_a_vrf_changes_without_its_routes),
        cmocka_unit_test(test_overlapping_prefixes_of_two_vrfs_do_not_meet),
        cmocka_unit_test(test_random_transactions_in_all_versions),
        cmocka_unit_test(test_readers_see_routes_of_one_transaction),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
