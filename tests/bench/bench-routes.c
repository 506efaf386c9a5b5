/* SPDX-License-Identifier: Apache-2.0 */

/* Route updates while packets look routes up.  Prints JSON lines, see
 * README.md.
 *
 *     bench-routes [--quick]
 *
 * A writer adds and removes prefixes of one VRF, transaction by transaction,
 * as the RIB does.  A reader looks up, in bursts, what nobody touches: an
 * answer that is missing or wrong is a packet lost.  What the reader pays is
 * the ratio of its windows with and without the writer, which take turns. */

#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "forwarding.h"
#include "measure.h"
#include "openvswitch/vlog.h"
#include "ovs-atomic.h"
#include "ovs-rcu.h"
#include "ovs-thread.h"
#include "util.h"

#define VRF 1
#define N_ROUTES 100000         /* Not touched. */
#define BURST 32

static long long int window_ms = 500;
static size_t n_windows = 9;    /* Of each kind. */

struct shared {
    struct ovl_forwarding *fwd;
    atomic_bool stop;

    /* The reader's. */
    clockid_t clock;            /* Of its CPU time. */
    atomic_uint64_t n_lookups;
    atomic_uint64_t n_lost;
};

/* Prefix number 'i' of those that stay: a /24 of 10.0.0.0/8 and on. */
static struct ovl_prefix
fixed_prefix(uint32_t i)
{
    return (struct ovl_prefix) {
        .addr = in6_addr_mapped_ipv4(htonl((10u << 24) + (i << 8))),
        .plen = 96 + 24,
    };
}

/* Prefix number 'i' of those that come and go: among and below the others, in
 * no order, but never over the first half of a /24. */
static struct ovl_prefix
churning_prefix(uint32_t i)
{
    uint32_t at = i * 2654435761u % N_ROUTES;

    return (struct ovl_prefix) {
        .addr = in6_addr_mapped_ipv4(htonl((10u << 24) + (at << 8) + 128
                                           + (i & 0x7c))),
        .plen = 96 + 30,
    };
}

static void
set_route(struct ovl_forwarding *fwd, struct ovl_prefix prefix, uint32_t vni)
{
    struct ovl_route route = {
        .action = OVL_ROUTE_CONNECTED, .vni = 1 + vni % 1000
    };

    ovl_route_set(fwd, VRF, &prefix, &route);
}

static struct ovl_forwarding *
make_tables(void)
{
    struct ovl_forwarding *fwd = ovl_forwarding_create();
    struct ovl_vrf vrf = { .id = VRF, .name = CONST_CAST(char *, "bench") };

    ovl_forwarding_begin(fwd);
    ovl_vrf_set(fwd, &vrf);
    for (uint32_t i = 0; i < N_ROUTES; i++) {
        set_route(fwd, fixed_prefix(i), i);
    }
    ovl_forwarding_commit(fwd);
    return fwd;
}

static size_t
look_up_burst(const struct ovl_forwarding *fwd, uint32_t *seed)
{
    const struct ovl_vrf *vrf
        = ovl_vrf_lookup(fwd, ovl_forwarding_version(fwd), VRF);
    const struct ovl_vrf *vrfs[BURST];
    const struct in6_addr *dsts[BURST];
    const struct ovl_route *routes[BURST];
    struct in6_addr ips[BURST];
    uint32_t numbers[BURST];
    uint8_t plens[BURST];
    size_t n_lost = 0;

    if (!vrf) {
        return BURST;
    }
    for (size_t i = 0; i < BURST; i++) {
        *seed = *seed * 1664525 + 1013904223;
        numbers[i] = (*seed >> 8) % N_ROUTES;
        ips[i] = fixed_prefix(numbers[i]).addr;
        ips[i].s6_addr[15] = *seed & 0x7f;
        vrfs[i] = vrf;
        dsts[i] = &ips[i];
    }
    ovl_route_lookup_bulk(fwd, vrfs, dsts, BURST, routes, plens);
    for (size_t i = 0; i < BURST; i++) {
        n_lost += (!routes[i] || routes[i]->vni != 1 + numbers[i] % 1000
                   || plens[i] != 96 + 24);
    }
    return n_lost;
}

static void *
reader_main(void *s_)
{
    struct shared *s = s_;
    uint32_t seed = 1;
    bool stop;

    do {
        size_t n_lost = 0;
        uint64_t orig;

        for (size_t i = 0; i < 64; i++) {
            n_lost += look_up_burst(s->fwd, &seed);
        }
        ovsrcu_quiesce();
        atomic_add_relaxed(&s->n_lookups, 64 * BURST, &orig);
        atomic_add_relaxed(&s->n_lost, n_lost, &orig);
        atomic_read_relaxed(&s->stop, &stop);
    } while (!stop);
    return NULL;
}

static uint64_t
n_lookups(struct shared *s)
{
    uint64_t n;

    atomic_read_relaxed(&s->n_lookups, &n);
    return n;
}

/* Adds or removes 'n' prefixes. */
static void
update(struct ovl_forwarding *fwd, uint32_t *next, bool add, size_t n)
{
    ovl_forwarding_begin(fwd);
    for (size_t i = 0; i < n; i++) {
        struct ovl_prefix prefix = churning_prefix(*next + i);

        if (add) {
            set_route(fwd, prefix, i);
        } else {
            ovl_route_remove(fwd, VRF, &prefix);
        }
    }
    ovl_forwarding_commit(fwd);
    ovl_forwarding_collect(fwd);
    ovsrcu_quiesce();
    if (!add) {
        *next += n;
    }
}

/* A window without a writer, and one with: returns the reader's nanoseconds
 * per look-up in '*idle' and '*busy', and the writer's updates per second, all
 * in CPU time. */
static double
window(struct shared *s, size_t n, uint32_t *next, double *idle, double *busy)
{
    double start = bench_clock_ns(s->clock);
    uint64_t before = n_lookups(s);
    size_t n_updates = 0;

    ovsrcu_quiesce_start();
    xnanosleep(window_ms * 1000 * 1000);
    ovsrcu_quiesce_end();
    *idle = ((bench_clock_ns(s->clock) - start)
             / MAX(1, n_lookups(s) - before));

    double writer = bench_cpu_ns();
    double until = bench_wall_ns() + window_ms * 1e6;
    start = bench_clock_ns(s->clock);
    before = n_lookups(s);
    do {
        update(s->fwd, next, true, n);
        update(s->fwd, next, false, n);
        n_updates += 2 * n;
    } while (bench_wall_ns() < until);
    *busy = ((bench_clock_ns(s->clock) - start)
             / MAX(1, n_lookups(s) - before));
    return n_updates / (bench_cpu_ns() - writer) * 1e9;
}

static void
run(struct shared *s, size_t n)
{
    double updates[16], idle[16], busy[16], ratios[16];
    uint32_t next = 0;
    uint64_t lost;

    for (size_t i = 0; i < n_windows; i++) {
        updates[i] = window(s, n, &next, &idle[i], &busy[i]);
        ratios[i] = busy[i] / idle[i];
    }
    atomic_read_relaxed(&s->n_lost, &lost);
    printf("{\"case\": \"T5 route updates per second while forwarding, "
           "%"PRIuSIZE" in a transaction\", \"size\": %d, \"ours\": %.3g, "
           "\"peer\": \"goal\", \"peers\": 3e+05, \"ratio\": %.3g, "
           "\"unit\": \"1/s\", \"pairs\": %"PRIuSIZE", "
           "\"lost\": %"PRIu64"}\n",
           n, N_ROUTES, bench_median(updates, n_windows),
           bench_median(updates, n_windows) / 3e5, n_windows, lost);
    printf("{\"case\": \"look-up with route updates, %"PRIuSIZE" in a "
           "transaction\", \"size\": %d, \"ours\": %.3g, "
           "\"peer\": \"without\", \"peers\": %.3g, \"ratio\": %.3g, "
           "\"unit\": \"ns\", \"pairs\": %"PRIuSIZE"}\n",
           n, N_ROUTES, bench_median(busy, n_windows),
           bench_median(idle, n_windows),
           bench_median(ratios, n_windows), n_windows);
    fflush(stdout);
}

int
main(int argc, char *argv[])
{
    bool quick = argc > 1 && !strcmp(argv[1], "--quick");
    static const size_t sizes[] = { 1, 100, 10000 };
    struct shared s = { .fwd = NULL };
    uint64_t lost;

    if (argc > 1 && !quick) {
        printf("usage: %s [--quick]\n", argv[0]);
        return strcmp(argv[1], "--help") != 0;
    }
    /* What a busy machine does to threads is not of interest. */
    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    if (quick) {
        window_ms = 100;
        n_windows = 3;
    }
    s.fwd = make_tables();
    atomic_init(&s.stop, false);
    atomic_init(&s.n_lookups, 0);
    atomic_init(&s.n_lost, 0);

    pthread_t reader = ovs_thread_create("reader", reader_main, &s);
    pthread_getcpuclockid(reader, &s.clock);
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        run(&s, sizes[i]);
    }
    atomic_store_relaxed(&s.stop, true);
    xpthread_join(reader, NULL);

    atomic_read_relaxed(&s.n_lost, &lost);
    ovl_forwarding_destroy(s.fwd);
    if (lost) {
        fprintf(stderr, "%"PRIu64" look-ups went wrong\n", lost);
    }
    return lost != 0;
}
