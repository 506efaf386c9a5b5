/* SPDX-License-Identifier: Apache-2.0 */

/* What an entry of each table costs in memory, all included: the entry, the
 * allocator's overhead, and its share of the hash map.  README.md of
 * dpif-overlay quotes these figures; the limits here keep them true. */

#include <config.h>

#include "tables-fixture.h"

#include "dense-memory.h"
#include "forwarding-private.h"

#include <malloc.h>

#ifdef __SANITIZE_ADDRESS__
#define MEASURABLE false
#elif defined(__has_feature)
#define MEASURABLE !__has_feature(address_sanitizer)
#else
#define MEASURABLE true
#endif

#define N_ENTRIES 100000

static struct ovl_forwarding *fwd;
static struct ovl_lport *port;

/* Bytes in use, by small and by large blocks. */
static size_t
memory_in_use(void)
{
    struct ovl_dense_stats dense;
    struct mallinfo2 info;

    pass_grace();
    info = mallinfo2();
    ovl_dense_get_stats(&dense);
    return info.uordblks + info.hblkhd + dense.n_bytes;
}

static void
set_mac(int i)
{
    ovl_mac_set(fwd, &(struct ovl_mac) {
        .vni = 1 + i % 1000, .mac = mac_nr(i), .port = port });
}

static void
set_neighbor(int i)
{
    struct ovl_neighbor neighbor = { .vni = 1 + i % 1000, .ip = ip4_nr(i) };

    ovl_neighbor_set(fwd, &neighbor);
}

static void
set_neighbor6(int i)
{
    struct ovl_neighbor neighbor = { .vni = 1 + i % 1000 };

    neighbor.ip.s6_addr[0] = 0x20;
    memcpy(&neighbor.ip.s6_addr[12], &i, sizeof i);
    ovl_neighbor_set(fwd, &neighbor);
}

static void
set_source(int i)
{
    struct in6_addr ip = ip4_nr(i);

    ovl_source_add(fwd, 1, &ip);
}

static void
set_network(int i)
{
    struct ovl_gateway gateway = { ip4_nr(1), 96 + 24 };
    struct ovl_member member = { port, 0 };
    char name[] = "blue", vrf[] = "red";

    ovl_network_set(fwd, &(struct ovl_network) {
        .vni = 1 + i, .n_gateways = 1, .gateways = &gateway,
        .n_members = 1, .members = &member, .name = name, .vrf = vrf });
}

/* Puts 'n' entries in force and takes the bytes that each needs. */
static double
cost_of(const char *what, void (*set)(int), int n)
{
    size_t before = memory_in_use();
    double cost;

    ovl_forwarding_begin(fwd);
    for (int i = 0; i < n; i++) {
        set(i);
    }
    ovl_forwarding_commit(fwd);
    drain(fwd);
    cost = (double) (ssize_t) (memory_in_use() - before) / n;
    print_message("%s: %.0f bytes each\n", what, cost);
    return cost;
}

static void
entries_cost_what_the_documents_say(void **state OVS_UNUSED)
{
    if (!MEASURABLE) {
        print_message("skipped: the sanitizer has an allocator of its own\n");
        skip();
    }

    fwd = ovl_forwarding_create();
    port = fixture_port("vm1");

    /* A block of malloc() has 8 bytes of overhead and comes in 16s; a cache
     * line of an exact-match map has 5 entries and is 53 to 80 % full.  In an
     * index an entry has a slot of 8 bytes, too, and half of them are in
     * use. */
    assert_true(cost_of("MAC, if malloc() knows", set_mac, N_ENTRIES) <= 24);
    double bytes = ovl_exact_map_size(&fwd->macs.map) / (double) N_ENTRIES;
    print_message("MAC: %.0f bytes each\n", bytes);
    assert_true(bytes <= 24);
    assert_true(cost_of("IPv4 neighbor, if malloc() knows", set_neighbor,
                        N_ENTRIES) <= 24 + 9);
    bytes = ovl_exact_map_size(&fwd->neighbors4.map) / (double) N_ENTRIES + 8;
    print_message("IPv4 neighbor: %.0f bytes each\n", bytes);
    assert_true(bytes <= 24 + 8);
    assert_true(cost_of("IPv6 neighbor, if malloc() knows", set_neighbor6,
                        N_ENTRIES) <= 80 + 16 + 24);
    /* Each has an address of its own here, which has a peer. */
    assert_true(cost_of("source, if malloc() knows", set_source, N_ENTRIES)
                <= 80 + 64 + 16 + 24 + 16);
    bytes = (ovl_exact_map_size(&fwd->tables[OVL_TABLE_SOURCES].index.map)
             / (double) N_ENTRIES);
    print_message("their share of an index: %.0f bytes\n", bytes);
    assert_true(bytes <= 24);

    /* Counters included, for one thread: 8 bytes for each of OVL_N_TRAFFIC
     * and OVL_N_DROPS, in the shard of the thread and in that of the threads
     * that are gone. */
    assert_true(cost_of("network", set_network, N_ENTRIES) <= 1000);

    ovl_lport_unref(port);
    ovl_forwarding_destroy(fwd);
    pass_grace();
    assert_int_equal(n_live_ports, 0);
}

/* Sets route 'i' of VRF 1, to a next hop that no other has, or removes it. */
static void
change_route(uint32_t i, bool set)
{
    const struct ovl_prefix prefix = { .addr = ip4_nr(i * 2), .plen = 128 };
    const struct ovl_nexthop hop = { .vni = 1, .ip = ip4_nr(i) };

    if (set) {
        ovl_route_set(fwd, 1, &prefix, &(struct ovl_route) {
            .action = OVL_ROUTE_FORWARD, .n_nexthops = 1, .nexthops = &hop,
        });
    } else {
        ovl_route_remove(fwd, 1, &prefix);
    }
}

/* Sets or removes routes 'first' to 'last'. */
static void
change_routes(uint32_t first, uint32_t last, bool set)
{
    ovl_forwarding_begin(fwd);
    for (uint32_t i = first; i <= last; i++) {
        change_route(i, set);
    }
    ovl_forwarding_commit(fwd);
    drain(fwd);
}

struct seen {
    size_t n;
    uint64_t sum;
};

static void
see(uint32_t vrf, const struct ovl_prefix *prefix,
    const struct ovl_route *route, void *seen_)
{
    uint32_t i = (ntohl(in6_addr_get_mapped_ipv4(&prefix->addr))
                  - 0x0a000000) / 2;
    struct in6_addr hop = ip4_nr(i);
    struct seen *seen = seen_;

    assert_int_equal(vrf, 1);
    assert_int_equal(prefix->plen, 128);
    assert_memory_equal(&route->nexthops[0].ip, &hop, sizeof hop);
    seen->n++;
    seen->sum += i;
}

/* All routes but those that went first or last, or in the middle. */
static void
memory_of_routes_comes_back(void **state OVS_UNUSED)
{
    const uint32_t last = N_ENTRIES - 1;
    static const uint32_t kept[] = { 0, N_ENTRIES / 2, N_ENTRIES - 1 };

    fwd = ovl_forwarding_create();
    ovl_forwarding_begin(fwd);
    ovl_vrf_set(fwd, &(struct ovl_vrf) {
        .id = 1, .name = CONST_CAST(char *, "red") });
    ovl_forwarding_commit(fwd);
    for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
        struct seen seen = { .n = 0 };

        change_routes(kept[i], kept[i], true);
        size_t before = memory_in_use();
        change_routes(0, last, true);
        size_t full = memory_in_use();

        ovl_forwarding_for_each_route(fwd, see, &seen);
        assert_int_equal(seen.n, N_ENTRIES);
        assert_int_equal(seen.sum, (uint64_t) last * N_ENTRIES / 2);
        if (kept[i] > 0) {
            change_routes(0, kept[i] - 1, false);
        }
        if (kept[i] < last) {
            change_routes(kept[i] + 1, last, false);
        }
        size_t after = memory_in_use();

        print_message("%d routes: %"PRIuSIZE" bytes each, %"PRIdSIZE
                      " in all are kept\n", N_ENTRIES,
                      (full - before) / N_ENTRIES,
                      (ssize_t) (after - before));
        if (MEASURABLE) {
            assert_true(after < before + (full - before) / 50);
        }
        change_routes(kept[i], kept[i], false);
    }
    ovl_forwarding_begin(fwd);
    ovl_vrf_remove(fwd, 1);
    ovl_forwarding_commit(fwd);
    drain(fwd);
    ovl_forwarding_destroy(fwd);
    pass_grace();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_cost_what_the_documents_say),
        cmocka_unit_test(memory_of_routes_comes_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
