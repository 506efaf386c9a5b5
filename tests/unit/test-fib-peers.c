/* SPDX-License-Identifier: Apache-2.0 */

/* The FIB gives the answers that DPDK's tables give: rte_fib, rte_lpm and
 * rte_fib6, after the same routes were added, some of them again with another
 * value, and some removed, in random order.
 *
 * All is compared with a naive model, too, and a million routes in one VRF
 * with that alone. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#ifdef DPDK_NETDEV
#include <rte_eal.h>
#include <rte_fib.h>
#include <rte_fib6.h>
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wvla"
#pragma GCC diagnostic ignored "-Wcast-align"
#include <rte_lpm.h>
#pragma GCC diagnostic pop
#endif

#include "fib.h"
#include "hash.h"
#include "openvswitch/hmap.h"
#include "packets.h"
#include "random.h"
#include "util.h"

#define SKIP 77

#ifdef DPDK_NETDEV

/* rte_lpm moves rules to add one: it takes minutes for more. */
#define LPM_MAX 10000
#define PEERS_MAX 100000

/* A prefix, IPv4 in host order or the upper half of IPv6. */
struct route {
    struct hmap_node hmap_node;
    uint64_t addr;
    uint8_t plen;
    uint32_t value;             /* 0: it is not there. */
};

struct world {
    bool v4;
    struct hmap routes;         /* By address and length. */
    struct route *array;        /* The same, in the order they came in. */
    size_t n;

    struct ovl_fib *fib;
    struct ovl_fib_edit *edit;
    struct rte_fib *rte_fib;
    struct rte_lpm *lpm;
    struct rte_fib6 *rte_fib6;
};

static uint64_t
random_u64(void)
{
    return (uint64_t) random_uint32() << 32 | random_uint32();
}

static uint64_t
mask_of(uint8_t plen, bool v4)
{
    return (!plen ? 0 : v4 ? UINT32_MAX << (32 - plen)
            : UINT64_MAX << (64 - plen));
}

static struct in6_addr
ip_of(uint64_t addr, bool v4)
{
    struct in6_addr ip = in6addr_any;

    if (v4) {
        return in6_addr_mapped_ipv4(htonl(addr));
    }
    for (int i = 0; i < 8; i++) {
        ip.s6_addr[i] = addr >> (56 - 8 * i);
    }
    return ip;
}

static struct ovl_prefix
prefix_of(const struct world *w, const struct route *r)
{
    return (struct ovl_prefix) {
        ip_of(r->addr, w->v4), r->plen + (w->v4 ? 96 : 0)
    };
}

static struct route *
find(const struct world *w, uint64_t addr, uint8_t plen)
{
    struct route *r;

    HMAP_FOR_EACH_WITH_HASH (r, hmap_node, hash_uint64_basis(addr, plen),
                             &w->routes) {
        if (r->addr == addr && r->plen == plen) {
            return r;
        }
    }
    return NULL;
}

static void
set(struct world *w, struct route *r, uint32_t value)
{
    struct in6_addr ip = ip_of(r->addr, w->v4);
    struct ovl_prefix prefix = prefix_of(w, r);

    r->value = value;
    ovl_fib_edit_insert(w->edit, &prefix, value);
    if (w->n > PEERS_MAX) {
        return;
    } else if (w->v4) {
        assert_int_equal(rte_fib_add(w->rte_fib, r->addr, r->plen, value), 0);
        if (w->lpm) {
            assert_int_equal(rte_lpm_add(w->lpm, r->addr, r->plen, value), 0);
        }
    } else {
        assert_int_equal(rte_fib6_add(w->rte_fib6, ip.s6_addr, r->plen,
                                      value), 0);
    }
}

static void
unset(struct world *w, struct route *r)
{
    struct in6_addr ip = ip_of(r->addr, w->v4);
    struct ovl_prefix prefix = prefix_of(w, r), shorter;
    const struct route *cover = NULL;

    for (int plen = r->plen - 1; plen >= 0 && !cover; plen--) {
        cover = find(w, r->addr & mask_of(plen, w->v4), plen);
        cover = cover && cover->value ? cover : NULL;
    }
    if (cover) {
        shorter = prefix_of(w, cover);
    }
    ovl_fib_edit_remove(w->edit, &prefix, cover ? &shorter : NULL,
                        cover ? cover->value : OVL_FIB_NONE);
    r->value = 0;
    if (w->n > PEERS_MAX) {
        return;
    } else if (w->v4) {
        assert_int_equal(rte_fib_delete(w->rte_fib, r->addr, r->plen), 0);
        if (w->lpm) {
            assert_int_equal(rte_lpm_delete(w->lpm, r->addr, r->plen), 0);
        }
    } else {
        assert_int_equal(rte_fib6_delete(w->rte_fib6, ip.s6_addr, r->plen),
                         0);
    }
}

/* Most are as long as those of routing tables.  Below prefixes of all lengths,
 * which only the model is asked about, rte_fib and rte_fib6 of DPDK 22.11 give
 * answers that are not those of the longest. */
static uint8_t
random_plen(const struct world *w)
{
    bool v4 = w->v4;
    uint32_t kind = random_range(100);

    return (kind < 60 ? (v4 ? 24 : 48) : kind < 98 ? 16 + random_range(8)
            : w->n > PEERS_MAX ? 1 + random_range(v4 ? 32 : 64)
            : 16 + random_range(v4 ? 17 : 49));
}

static void
world_create(struct world *w, size_t n, bool v4)
{
    uint32_t max = MAX(1024, 2 * n);
    struct rte_fib_conf conf = {
        .type = RTE_FIB_DIR24_8, .max_routes = max,
        .dir24_8 = { .nh_sz = RTE_FIB_DIR24_8_4B, .num_tbl8 = 1 << 15 },
    };
    struct rte_lpm_config lpm_conf = {
        .max_rules = max, .number_tbl8s = 1 << 15,
    };
    struct rte_fib6_conf conf6 = {
        .type = RTE_FIB6_TRIE, .max_routes = max,
        .trie = { .nh_sz = RTE_FIB6_TRIE_4B, .num_tbl8 = 1 << 15 },
    };

    *w = (struct world) { .v4 = v4, .n = n };
    hmap_init(&w->routes);
    hmap_reserve(&w->routes, n);
    w->array = xcalloc(n, sizeof *w->array);
    if (n > PEERS_MAX) {
        /* Nobody to compare with. */
    } else if (v4) {
        w->rte_fib = rte_fib_create("test", SOCKET_ID_ANY, &conf);
        assert_non_null(w->rte_fib);
        if (n <= LPM_MAX) {
            w->lpm = rte_lpm_create("test", SOCKET_ID_ANY, &lpm_conf);
            assert_non_null(w->lpm);
        }
    } else {
        w->rte_fib6 = rte_fib6_create("test", SOCKET_ID_ANY, &conf6);
        assert_non_null(w->rte_fib6);
    }
    for (size_t i = 0; i < n; i++) {
        struct route *r = &w->array[i];

        do {
            r->plen = random_plen(w);
            r->addr = (v4 ? random_uint32() : random_u64())
                      & mask_of(r->plen, v4);
        } while (find(w, r->addr, r->plen));
        hmap_insert(&w->routes, &r->hmap_node,
                    hash_uint64_basis(r->addr, r->plen));
    }
}

static void
world_destroy(struct world *w)
{
    ovl_fib_destroy(w->fib);
    rte_fib_free(w->rte_fib);
    rte_lpm_free(w->lpm);
    rte_fib6_free(w->rte_fib6);
    hmap_destroy(&w->routes);
    free(w->array);
}

/* The longest of all prefixes that contain 'addr', NULL for none. */
static const struct route *
ask_model(const struct world *w, uint64_t addr)
{
    for (int plen = w->v4 ? 32 : 64; plen >= 0; plen--) {
        const struct route *r = find(w, addr & mask_of(plen, w->v4), plen);

        if (r && r->value) {
            return r;
        }
    }
    return NULL;
}

/* What DPDK says of 'addr', 0 for no route. */
static uint32_t
ask_peer(const struct world *w, uint64_t addr)
{
    uint32_t ip4 = addr, hop;
    struct in6_addr ip = ip_of(addr, w->v4);
    uint64_t next;

    if (!w->v4) {
        rte_fib6_lookup_bulk(w->rte_fib6, &ip.s6_addr, &next, 1);
        return next;
    }
    rte_fib_lookup_bulk(w->rte_fib, &ip4, &next, 1);
    if (w->lpm) {
        if (rte_lpm_lookup(w->lpm, ip4, &hop)) {
            hop = 0;
        }
        assert_int_equal(hop, next);
    }
    return next;
}

static void
compare(const struct world *w, const uint64_t addrs[], size_t n)
{
    struct ovl_fib_result results[OVL_FIB_BULK_MAX];
    const struct ovl_fib *fibs[OVL_FIB_BULK_MAX];
    const struct in6_addr *ips[OVL_FIB_BULK_MAX];
    struct in6_addr ip[OVL_FIB_BULK_MAX];

    ovs_assert(n && n <= OVL_FIB_BULK_MAX);
    for (size_t i = 0; i < n; i++) {
        ip[i] = ip_of(addrs[i], w->v4);
        ips[i] = &ip[i];
        fibs[i] = w->fib;
    }
    ovl_fib_lookup_bulk(fibs, ips, n, results);
    for (size_t i = 0; i < n; i++) {
        const struct route *r = ask_model(w, addrs[i]);

        assert_int_equal(results[i].value, r ? r->value : OVL_FIB_NONE);
        if (w->n <= PEERS_MAX) {
            assert_int_equal(results[i].value, ask_peer(w, addrs[i]));
        }
        assert_int_equal(results[i].value,
                         ovl_fib_lookup(w->fib, ips[i]).value);
    }
}

/* At both ends of prefixes, beside them, inside, and anywhere. */
static void
compare_all(const struct world *w)
{
    size_t step = MAX(1, w->n / 50000);

    for (size_t i = 0; i < w->n; i += step) {
        const struct route *r = &w->array[i];
        uint64_t host = ~mask_of(r->plen, w->v4) & (w->v4 ? UINT32_MAX
                                                    : UINT64_MAX);
        uint64_t addrs[] = {
            r->addr, r->addr | host, r->addr - 1, (r->addr | host) + 1,
            r->addr | (random_u64() & host), random_u64(),
        };

        for (size_t j = 0; w->v4 && j < ARRAY_SIZE(addrs); j++) {
            addrs[j] &= UINT32_MAX;
        }
        compare(w, addrs, ARRAY_SIZE(addrs));
    }
}

static void
take(struct world *w)
{
    struct ovl_fib *old = w->fib;

    w->fib = ovl_fib_edit_end(w->edit);
    if (w->fib != old) {
        ovl_fib_destroy(old);
    }
}

static void
check(size_t n, bool v4)
{
    struct world w;

    world_create(&w, n, v4);
    w.edit = ovl_fib_edit_begin(NULL);
    for (size_t i = 0; i < n; i++) {
        set(&w, &w.array[i], 1 + random_range(0xffff));
    }
    take(&w);
    compare_all(&w);

    for (int round = 0; round < 3; round++) {
        w.edit = ovl_fib_edit_begin(w.fib);
        for (size_t i = 0; i < n / 4; i++) {
            struct route *r = &w.array[random_uint32() % n];

            if (r->value && random_range(2)) {
                unset(&w, r);
            } else {
                set(&w, r, 1 + random_range(0xffff));
            }
        }
        take(&w);
        compare_all(&w);
    }
    world_destroy(&w);
}

static void
test_ipv4_routes(void **state OVS_UNUSED)
{
    check(1, true);
    check(100, true);
    check(10000, true);
    check(100000, true);
}

static void
test_a_million_ipv4_routes(void **state OVS_UNUSED)
{
    check(1000000, true);
}

static void
test_ipv6_routes(void **state OVS_UNUSED)
{
    check(1, false);
    check(100, false);
    check(10000, false);
}

int
main(int argc OVS_UNUSED, char *argv[])
{
    char *eal[] = {
        argv[0], CONST_CAST(char *, "--no-huge"),
        CONST_CAST(char *, "--legacy-mem"), CONST_CAST(char *, "--no-pci"),
        CONST_CAST(char *, "--no-shconf"), CONST_CAST(char *, "-m"),
        CONST_CAST(char *, "2048"), CONST_CAST(char *, "--no-telemetry"),
        CONST_CAST(char *, "--log-level=error"), NULL,
    };
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ipv4_routes),
        cmocka_unit_test(test_a_million_ipv4_routes),
        cmocka_unit_test(test_ipv6_routes),
    };

    if (rte_eal_init(ARRAY_SIZE(eal) - 1, eal) < 0) {
        printf("DPDK does not start here without huge pages\n");
        return SKIP;
    }
    random_set_seed(1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
#else
int
main(void)
{
    printf("built without DPDK\n");
    return SKIP;
}
#endif
