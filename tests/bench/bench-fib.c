/* SPDX-License-Identifier: Apache-2.0 */

/* Longest prefix match beside DPDK's: same routes, same addresses, same
 * process, the same answers.  Prints JSON lines, see README.md.
 *
 *     bench-fib [--quick]
 *
 * Windows of the two take turns; a ratio is the median of those of
 * neighboring windows.  Look-ups are in CPU time, and "least" is the quietest
 * window of ours. */

#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
#include "measure.h"
#include "random.h"
#include "timeval.h"
#include "util.h"

#define N_ADDRESSES (1 << 16)
#define N_PAIRS 21
#define N_VRFS 4000
#define VRF_ROUTES 100

static bool quick;

/* A route: IPv4 in host order, or the upper half of IPv6. */
struct route {
    uint64_t addr;
    uint8_t plen;
    uint32_t value;
};

static uint64_t
random_u64(void)
{
    return (uint64_t) random_uint32() << 32 | random_uint32();
}

/* Lengths as in routing tables: most are /24 (/48), few are longer. */
static uint8_t
random_plen(bool v4)
{
    uint32_t r = random_range(100);

    if (v4) {
        return (r < 60 ? 24 : r < 99 ? 16 + random_range(8)
                : 25 + random_range(8));
    }
    return (r < 50 ? 48 : r < 90 ? 32 + random_range(16)
            : 49 + random_range(16));
}

static struct route *
make_routes(size_t n, bool v4)
{
    struct route *routes = xcalloc(n, sizeof *routes);

    for (size_t i = 0; i < n; i++) {
        struct route *r = &routes[i];

        r->plen = random_plen(v4);
        r->addr = v4 ? random_uint32() : random_u64();
        r->addr &= (v4 ? UINT32_MAX << (32 - r->plen)
                    : UINT64_MAX << (64 - r->plen));
        r->value = 1 + random_range(0xffff);
    }
    return routes;
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

static struct ovl_fib *
make_fib(const struct route *routes, size_t n, bool v4)
{
    struct ovl_fib_edit *edit = ovl_fib_edit_begin(NULL);

    for (size_t i = 0; i < n; i++) {
        struct ovl_prefix prefix = {
            ip_of(routes[i].addr, v4), routes[i].plen + (v4 ? 96 : 0)
        };

        ovl_fib_edit_insert(edit, &prefix, routes[i].value);
    }
    return ovl_fib_edit_end(edit);
}

/* An address of a route, as traffic goes where there are routes. */
static uint64_t
random_address(const struct route *routes, size_t n, bool v4)
{
    const struct route *r = &routes[random_uint32() % n];

    return r->addr | (v4 ? (r->plen == 32 ? 0 : random_uint32() >> r->plen)
                      : random_u64() >> r->plen);
}

/* Reports. */

static void
report_begin(const char *name, size_t size, double ours, const char *peer,
             double peers, double ratio, const char *unit, size_t pairs)
{
    printf("{\"case\": \"%s\", \"size\": %"PRIuSIZE", \"ours\": %.3g, "
           "\"peer\": \"%s\", \"peers\": %.3g, \"ratio\": %.3g, "
           "\"unit\": \"%s\", \"pairs\": %"PRIuSIZE,
           name, size, ours, peer, peers, ratio, unit, pairs);
}

static void
report(const char *name, size_t size, double ours, const char *peer,
       double peers, double ratio, const char *unit, size_t pairs)
{
    report_begin(name, size, ours, peer, peers, ratio, unit, pairs);
    printf("}\n");
    fflush(stdout);
}

/* The same for times, 'ours[0]' to 'ours[n - 1]'. */
static void
report_times(const char *name, size_t size, double ours[], const char *peer,
             double peers, double ratio, size_t n)
{
    report_begin(name, size, bench_median(ours, n), peer, peers, ratio, "ns",
                 n);
    printf(", \"least\": %.3g}\n", ours[0]);
    fflush(stdout);
}

/* One side of a comparison: looks all addresses up and returns a sum. */
struct side {
    uint64_t (*run)(const struct side *);
    const void *table;
    const void *addresses;
};

static uint64_t
run_ours(const struct side *s)
{
    const struct in6_addr *ips = s->addresses;
    uint64_t sum = 0;

    for (size_t i = 0; i < N_ADDRESSES; i += OVL_FIB_BULK_MAX) {
        struct ovl_fib_result results[OVL_FIB_BULK_MAX];
        const struct in6_addr *burst[OVL_FIB_BULK_MAX];
        const struct ovl_fib *fibs[OVL_FIB_BULK_MAX];

        for (int j = 0; j < OVL_FIB_BULK_MAX; j++) {
            fibs[j] = s->table;
            burst[j] = &ips[i + j];
        }
        ovl_fib_lookup_bulk(fibs, burst, OVL_FIB_BULK_MAX, results);
        for (int j = 0; j < OVL_FIB_BULK_MAX; j++) {
            sum += results[j].value;
        }
    }
    return sum;
}

/* Nanoseconds per look-up, in one window. */
static double
window(const struct side *s, uint64_t *sum)
{
    int n = quick ? 2 : 8;
    double start = bench_cpu_ns();

    for (int i = 0; i < n; i++) {
        *sum = s->run(s);
    }
    return (bench_cpu_ns() - start) / n / N_ADDRESSES;
}

/* Compares two sides, whose answers have to be the same. */
static void
compare(const char *name, size_t size, const struct side *ours,
        const char *peer, const struct side *theirs)
{
    double a[N_PAIRS], b[N_PAIRS], ratios[N_PAIRS];
    size_t n = quick ? 5 : N_PAIRS;

    for (size_t i = 0; i < n; i++) {
        uint64_t sums[2];

        a[i] = window(ours, &sums[0]);
        b[i] = window(theirs, &sums[1]);
        ratios[i] = a[i] / b[i];
        if (sums[0] != sums[1]) {
            fprintf(stderr, "%s: %s answers otherwise\n", name, peer);
            exit(1);
        }
    }
    report_times(name, size, a, peer, bench_median(b, n),
                 bench_median(ratios, n), n);
}

#ifdef DPDK_NETDEV
static uint64_t
run_rte_fib(const struct side *s)
{
    uint32_t *ips = CONST_CAST(uint32_t *, s->addresses);
    uint64_t sum = 0;

    for (size_t i = 0; i < N_ADDRESSES; i += 32) {
        uint64_t hops[32];

        rte_fib_lookup_bulk(CONST_CAST(struct rte_fib *, s->table), &ips[i],
                            hops, 32);
        for (int j = 0; j < 32; j++) {
            sum += hops[j];
        }
    }
    return sum;
}

static uint64_t
run_rte_lpm(const struct side *s)
{
    const uint32_t *ips = s->addresses;
    uint64_t sum = 0;

    for (size_t i = 0; i < N_ADDRESSES; i += 32) {
        uint32_t hops[32];

        rte_lpm_lookup_bulk(s->table, &ips[i], hops, 32);
        for (int j = 0; j < 32; j++) {
            sum += hops[j] & RTE_LPM_LOOKUP_SUCCESS ? hops[j] & 0xffffff : 0;
        }
    }
    return sum;
}

static uint64_t
run_rte_fib6(const struct side *s)
{
    uint8_t (*ips)[16] = CONST_CAST(void *, s->addresses);
    uint64_t sum = 0;

    for (size_t i = 0; i < N_ADDRESSES; i += 32) {
        uint64_t hops[32];

        rte_fib6_lookup_bulk(CONST_CAST(struct rte_fib6 *, s->table),
                             &ips[i], hops, 32);
        for (int j = 0; j < 32; j++) {
            sum += hops[j];
        }
    }
    return sum;
}

static void
beside_dpdk(size_t n)
{
    struct route *routes = make_routes(n, true);
    double start = bench_wall_ns();
    struct ovl_fib *fib = make_fib(routes, n, true);
    double built = bench_wall_ns() - start;
    struct rte_fib_conf conf = {
        .type = RTE_FIB_DIR24_8, .max_routes = 2 * n,
        .dir24_8 = { .nh_sz = RTE_FIB_DIR24_8_4B, .num_tbl8 = 1 << 15 },
    };
    struct rte_lpm_config lpm_conf = {
        .max_rules = 2 * n, .number_tbl8s = 1 << 15,
    };
    struct rte_fib *rte_fib = rte_fib_create("bench", SOCKET_ID_ANY, &conf);
    struct rte_lpm *lpm = rte_lpm_create("bench", SOCKET_ID_ANY, &lpm_conf);
    struct in6_addr *ips = xcalloc(N_ADDRESSES, sizeof *ips);
    uint32_t *ip4s = xcalloc(N_ADDRESSES, sizeof *ip4s);

    if (!rte_fib || !lpm) {
        fprintf(stderr, "no memory for rte_fib or rte_lpm\n");
        exit(1);
    }
    start = bench_wall_ns();
    for (size_t i = 0; i < n; i++) {
        rte_fib_add(rte_fib, routes[i].addr, routes[i].plen, routes[i].value);
    }
    double rte_built = bench_wall_ns() - start;
    for (size_t i = 0; i < n; i++) {
        rte_lpm_add(lpm, routes[i].addr, routes[i].plen, routes[i].value);
    }
    for (size_t i = 0; i < N_ADDRESSES; i++) {
        ip4s[i] = random_address(routes, n, true);
        ips[i] = ip_of(ip4s[i], true);
    }

    struct side ours = { run_ours, fib, ips };
    struct side theirs = { run_rte_fib, rte_fib, ip4s };
    compare("T3 IPv4 look-up, one VRF", n, &ours, "rte_fib", &theirs);
    theirs = (struct side) { run_rte_lpm, lpm, ip4s };
    compare("T3 IPv4 look-up, one VRF", n, &ours, "rte_lpm", &theirs);
    report("T5 routes inserted per second, one edit", n, n / built * 1e9,
           "rte_fib", n / rte_built * 1e9, rte_built / built, "1/s", 1);
    report("memory of the ranges", n, ovl_fib_size(fib) / (double) n,
           "rte_fib (64 MB and more)", (64 << 20) / (double) n,
           ovl_fib_size(fib) / (double) (64 << 20), "bytes/route", 1);

    ovl_fib_destroy(fib);
    rte_fib_free(rte_fib);
    rte_lpm_free(lpm);
    free(routes);
    free(ips);
    free(ip4s);
}

static void
beside_dpdk6(size_t n)
{
    struct route *routes = make_routes(n, false);
    struct ovl_fib *fib = make_fib(routes, n, false);
    struct rte_fib6_conf conf = {
        .type = RTE_FIB6_TRIE, .max_routes = 2 * n,
        .trie = { .nh_sz = RTE_FIB6_TRIE_4B, .num_tbl8 = 1 << 18 },
    };
    struct rte_fib6 *rte_fib = rte_fib6_create("bench6", SOCKET_ID_ANY, &conf);
    struct in6_addr *ips = xcalloc(N_ADDRESSES, sizeof *ips);

    if (!rte_fib) {
        fprintf(stderr, "no memory for rte_fib6\n");
        exit(1);
    }
    for (size_t i = 0; i < n; i++) {
        struct in6_addr ip = ip_of(routes[i].addr, false);

        rte_fib6_add(rte_fib, ip.s6_addr, routes[i].plen, routes[i].value);
    }
    for (size_t i = 0; i < N_ADDRESSES; i++) {
        ips[i] = ip_of(random_address(routes, n, false), false);
    }
    struct side ours = { run_ours, fib, ips };
    struct side theirs = { run_rte_fib6, rte_fib, ips };
    compare("IPv6 look-up, one VRF", n, &ours, "rte_fib6", &theirs);

    ovl_fib_destroy(fib);
    rte_fib6_free(rte_fib);
    free(routes);
    free(ips);
}
#endif

/* Many small tenants, in random order. */

struct lookups {
    const struct ovl_fib *fibs[N_ADDRESSES];
    struct in6_addr ips[N_ADDRESSES];
};

static uint64_t
run_vrfs(const struct side *s)
{
    const struct lookups *l = s->addresses;
    uint64_t sum = 0;

    for (size_t i = 0; i < N_ADDRESSES; i += OVL_FIB_BULK_MAX) {
        struct ovl_fib_result results[OVL_FIB_BULK_MAX];
        const struct in6_addr *burst[OVL_FIB_BULK_MAX];

        for (int j = 0; j < OVL_FIB_BULK_MAX; j++) {
            burst[j] = &l->ips[i + j];
        }
        ovl_fib_lookup_bulk(&l->fibs[i], burst, OVL_FIB_BULK_MAX, results);
        for (int j = 0; j < OVL_FIB_BULK_MAX; j++) {
            sum += results[j].value;
        }
    }
    return sum;
}

static void
many_vrfs(void)
{
    struct ovl_fib **fibs = xcalloc(N_VRFS, sizeof *fibs);
    struct route **routes = xcalloc(N_VRFS, sizeof *routes);
    struct lookups *lookups = xmalloc(sizeof *lookups);
    double values[N_PAIRS];
    size_t size = 0;
    uint64_t sum;

    for (size_t i = 0; i < N_VRFS; i++) {
        routes[i] = make_routes(VRF_ROUTES, true);
        fibs[i] = make_fib(routes[i], VRF_ROUTES, true);
        size += ovl_fib_size(fibs[i]);
    }
    for (size_t i = 0; i < N_ADDRESSES; i++) {
        size_t vrf = random_range(N_VRFS);

        lookups->fibs[i] = fibs[vrf];
        lookups->ips[i] = ip_of(random_address(routes[vrf], VRF_ROUTES, true),
                                true);
    }
    struct side ours = { run_vrfs, NULL, lookups };
    size_t n = quick ? 5 : N_PAIRS;
    for (size_t i = 0; i < n; i++) {
        values[i] = window(&ours, &sum);
    }
    report_times("T3 IPv4 look-up, 4000 VRFs of 100 routes",
                 N_VRFS * VRF_ROUTES, values, "goal", 8,
                 bench_median(values, n) / 8, n);
    report("T4 memory of a VRF of 100 routes", VRF_ROUTES,
           size / (double) N_VRFS, "goal", 2048, size / N_VRFS / 2048.,
           "bytes", 1);

    for (size_t i = 0; i < N_VRFS; i++) {
        ovl_fib_destroy(fibs[i]);
        free(routes[i]);
    }
    free(fibs);
    free(routes);
    free(lookups);
}

int
main(int argc, char *argv[])
{
    quick = argc > 1 && !strcmp(argv[1], "--quick");
    if (argc > 1 && !quick) {
        printf("usage: %s [--quick]\n", argv[0]);
        return strcmp(argv[1], "--help") != 0;
    }
    random_set_seed(1);
    many_vrfs();
#ifdef DPDK_NETDEV
    char *eal[] = {
        argv[0], CONST_CAST(char *, "--no-huge"),
        CONST_CAST(char *, "--legacy-mem"), CONST_CAST(char *, "--no-pci"),
        CONST_CAST(char *, "--no-shconf"), CONST_CAST(char *, "-m"),
        CONST_CAST(char *, "2048"), CONST_CAST(char *, "--no-telemetry"),
        CONST_CAST(char *, "--log-level=error"), NULL,
    };
    if (rte_eal_init(ARRAY_SIZE(eal) - 1, eal) < 0) {
        fprintf(stderr, "DPDK does not start here: nothing to compare "
                "with\n");
        return 1;
    }
    static const size_t sizes[] = { 1000, 100000, 1000000 };
    for (size_t i = 0; i < ARRAY_SIZE(sizes) - quick; i++) {
        beside_dpdk(sizes[i]);
    }
    beside_dpdk6(10000);
#endif
    return 0;
}
