/* SPDX-License-Identifier: Apache-2.0 */

/* What the pipeline costs, in process: no netdev, no other thread.  Prints
 * JSON lines, see README.md.
 *
 *     bench-pipeline [--quick] [--case=WORD] [--size=N]
 *
 * '--case' and '--size' leave only the cases whose names contain WORD, and
 * those with N destinations.
 *
 * Bursts of frames, each to a random destination of those that there are, out
 * of 1024 packets that are used over and over.  A window of the pipeline and
 * one without it, in which the same frames are only written, take turns: the
 * difference is what is reported, as CPU time in cycles of the time stamp
 * counter. */

#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench-world.h"
#include "flow-hash.h"
#include "measure.h"
#include "pkt-edit.h"
#include "random.h"
#include "timeval.h"
#include "util.h"

#define N_PACKETS 1024
#define BURST NETDEV_MAX_BURST
#define MAX_PAIRS 21

static bool quick;
static double rate;             /* Cycles in a nanosecond. */
static struct dp_packet *packets[N_PACKETS];

static uint64_t
tsc(void)
{
#ifdef __x86_64__
    return __builtin_ia32_rdtsc();
#else
    return time_wall_usec() * 1000;     /* A cycle is a nanosecond. */
#endif
}

static double
tsc_rate(void)
{
    long long int start = time_wall_usec(), now;
    uint64_t before = tsc();

    do {
        now = time_wall_usec();
    } while (now - start < 50 * 1000);
    return (tsc() - before) / (1000. * (now - start));
}

/* Cases. */

enum where { PORTS, GUARDED, UPLINK };

struct bench {
    const char *name;
    make_func *make;
    enum where from, to;
    size_t burst;               /* Frames; 0: as many as a burst can be. */
};

/* Which destinations a window has: 'size' of those in the first
 * 'n_networks'. */
struct choice {
    size_t size, n_networks;
};

#define N_IMAGES (1 << 16)

/* A frame, and where it comes from. */
struct image {
    struct ovl_lport *in;
    size_t len;
    uint8_t data[MAX_FRAME];
};

static const struct ovl_lport *
port_at(const struct world *w, enum where where)
{
    return (where == PORTS ? w->ports[0]
            : where == GUARDED ? w->guarded
            : w->uplink);
}

/* A destination by chance, in network number 'k'. */
static uint32_t
choose(const struct world *w, const struct choice *c, size_t k)
{
    size_t n = c->size / c->n_networks;

    return k + random_range(n ? n : 1) * w->spec.n_networks;
}

/* A burst is from one port. */
static struct image *
make_images(const struct world *w, const struct bench *b,
            const struct choice *c)
{
    struct image *images = xcalloc(N_IMAGES, sizeof *images);
    size_t burst = b->burst ? b->burst : BURST;
    size_t port = 0;

    for (size_t i = 0; i < N_IMAGES; i++) {
        size_t k = random_range(c->n_networks);

        if (i % burst == 0) {
            port = world_port(w, k);
        }
        while (world_port(w, k) != port) {
            k = (w->spec.access_ports ? port
                 : (size_t) random_range(c->n_networks));
        }
        images[i].in = (b->from == PORTS ? w->ports[port]
                        : CONST_CAST(struct ovl_lport *,
                                     port_at(w, b->from)));
        images[i].len = b->make(images[i].data, w, choose(w, c, k));
    }
    return images;
}

/* Writes 'n' frames into 'batch', from number 'at' on. */
static void
fill(const struct image *images, size_t at, size_t n,
     struct dp_packet_batch *batch)
{
    dp_packet_batch_init(batch);
    for (size_t i = 0; i < n; i++) {
        const struct image *image = &images[(at + i) % N_IMAGES];
        struct dp_packet **slot = &packets[(at + i) % N_PACKETS];

        dp_packet_reset_packet(*slot, 0);
        dp_packet_set_data(*slot, (char *) dp_packet_base(*slot)
                           + OVL_PKT_HEADROOM);
        dp_packet_set_size(*slot, image->len);
        memcpy(dp_packet_data(*slot), image->data, image->len);
        dp_packet_batch_add(batch, *slot);
    }
}

/* CPU time per frame of 'n' frames, in cycles, with or without the
 * pipeline. */
static double
window(struct world *w, const struct bench *b, const struct image *images,
       size_t n, bool pipeline)
{
    size_t burst = b->burst ? b->burst : BURST;
    struct dp_packet_batch batch;
    double start = bench_cpu_ns();

    for (size_t i = 0; i < n; i += burst) {
        fill(images, i, burst, &batch);
        if (pipeline) {
            ovl_pipeline_run(&w->worker, images[i % N_IMAGES].in, &batch);
        }
    }
    return rate * (bench_cpu_ns() - start) / n;
}

/* What pairs of windows cost. */
struct cost {
    size_t n_pairs;
    double with[MAX_PAIRS], without[MAX_PAIRS], net[MAX_PAIRS];
};

static void
add_pair(struct cost *cost, struct world *w, const struct bench *b,
         const struct image *images)
{
    size_t n = quick ? 1 << 16 : 1 << 19;
    size_t i = cost->n_pairs++;

    cost->without[i] = window(w, b, images, n, false);
    cost->with[i] = window(w, b, images, n, true);
    cost->net[i] = cost->with[i] - cost->without[i];
}

static size_t
n_pairs(void)
{
    return quick ? 5 : MAX_PAIRS;
}

/* Ends the program if frames get lost. */
static void
check(struct world *w, const struct bench *b, const struct image *images)
{
    w->out = port_at(w, b->to);
    w->n_sent = 0;
    window(w, b, images, N_IMAGES, true);
    if (w->n_sent != N_IMAGES) {
        fprintf(stderr, "%s: %"PRIuSIZE" of %d frames came out\n", b->name,
                w->n_sent, N_IMAGES);
        exit(1);
    }
}

static void
print_start(const char *name, size_t size, double ours, const char *peer,
            double peers, double ratio)
{
    printf("{\"case\": \"%s\", \"size\": %"PRIuSIZE", \"ours\": %.4g, "
           "\"peer\": \"%s\", \"peers\": %.4g, \"ratio\": %.3g, "
           "\"pairs\": %"PRIuSIZE", ",
           name, size, ours, peer, peers, ratio, n_pairs());
}

/* The cost of a frame beside a goal. */
static void
run(struct world *w, const struct bench *b, double goal)
{
    struct choice all = { w->spec.n, w->spec.n_networks };
    struct image *images = make_images(w, b, &all);
    struct cost cost = { .n_pairs = 0 };

    check(w, b, images);
    while (cost.n_pairs < n_pairs()) {
        add_pair(&cost, w, b, images);
    }

    double ours = bench_median(cost.net, cost.n_pairs);
    print_start(b->name, w->spec.n, ours, "goal", goal, ours / goal);
    printf("\"unit\": \"cycles\", \"least\": %.4g, \"most\": %.4g, "
           "\"floor\": %.4g}\n", cost.net[0], cost.net[cost.n_pairs - 1],
           bench_median(cost.without, cost.n_pairs));
    fflush(stdout);
    free(images);
}

/* Frames a second, writing them included, beside a goal. */
static void
run_rate(struct world *w, const struct bench *b, double goal)
{
    struct choice all = { w->spec.n, w->spec.n_networks };
    struct image *images = make_images(w, b, &all);
    struct cost cost = { .n_pairs = 0 };

    check(w, b, images);
    while (cost.n_pairs < n_pairs()) {
        add_pair(&cost, w, b, images);
    }

    double ours = 1000 * rate / bench_median(cost.with, cost.n_pairs);
    print_start(b->name, w->spec.n, ours, "goal", goal, ours / goal);
    printf("\"unit\": \"M/s\", \"most\": %.4g, \"least\": %.4g, "
           "\"cycles\": %.4g}\n", 1000 * rate / cost.with[0],
           1000 * rate / cost.with[cost.n_pairs - 1],
           bench_median(cost.net, cost.n_pairs));
    fflush(stdout);
    free(images);
}

/* The cost with many destinations beside that with few of them. */
static void
run_ratio(struct world *w, const struct bench *b, const struct choice *many,
          const struct choice *few, const char *peer, double goal)
{
    struct image *many_images = make_images(w, b, many);
    struct image *few_images = make_images(w, b, few);
    struct cost ours = { .n_pairs = 0 }, peers = { .n_pairs = 0 };
    double ratios[MAX_PAIRS];

    check(w, b, many_images);
    check(w, b, few_images);
    for (size_t i = 0; i < n_pairs(); i++) {
        add_pair(&ours, w, b, many_images);
        add_pair(&peers, w, b, few_images);
        ratios[i] = ours.net[i] / peers.net[i];
    }

    double ratio = bench_median(ratios, n_pairs());
    print_start(b->name, many->size, bench_median(ours.net, n_pairs()), peer,
                bench_median(peers.net, n_pairs()), ratio);
    printf("\"unit\": \"cycles\", \"goal\": %g, \"at_most\": true, "
           "\"least\": %.4g, \"peers_least\": %.4g}\n",
           goal, ours.net[0], peers.net[0]);
    fflush(stdout);
    free(many_images);
    free(few_images);
}

/* What is asked for. */
static const char *only = "";
static size_t only_size;

static bool
wanted(const struct bench *b, size_t size)
{
    return strstr(b->name, only) && (!only_size || only_size == size);
}

/* One network. */
static void
run_plain(void)
{
    static const struct {
        struct bench b;
        double goals[3];        /* Cycles with 1, 10 000 and 1 M VMs. */
    } benches[] = {
        { { "D12 bridged into the tunnel", make_bridged, PORTS, UPLINK, 0 },
          { 70, 100, 200 } },
        { { "D12 bridged, port lists addresses", make_bridged, GUARDED,
            UPLINK, 0 },
          { 70, 100, 200 } },
        { { "D13 out of the tunnel", make_tunneled, UPLINK, PORTS, 0 },
          { 80, 130, 250 } },
        { { "D13 routed into the tunnel", make_routed, PORTS, UPLINK, 0 },
          { 120, 170, 250 } },
        { { "D13 ARP answered", make_arp, PORTS, PORTS, 0 },
          { 60, 100, 180 } },
    };
    static const struct {
        struct bench b;
        double goal;            /* M/s with 1 M VMs. */
    } rates[] = {
        { { "D10 ARP from any to any", make_arp_from_any, PORTS, PORTS, 0 },
          2 },
        { { "D10 ND from any to any", make_ns_from_any, PORTS, PORTS, 0 },
          2 },
    };
    static const size_t sizes[] = { 1, 10000, 1000000 };

    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        bool large = i == ARRAY_SIZE(sizes) - 1;
        const struct world_spec spec = {
            .n = sizes[i], .n_vteps = sizes[i] > 1 ? 1000 : 1,
            .n_networks = 1, .ipv6 = large,
        };
        struct world *w = NULL;

        for (size_t j = 0; j < ARRAY_SIZE(benches); j++) {
            if (wanted(&benches[j].b, sizes[i])) {
                w = w ? w : world_create(&spec);
                run(w, &benches[j].b, benches[j].goals[i]);
            }
        }
        for (size_t j = 0; large && j < ARRAY_SIZE(rates); j++) {
            if (wanted(&rates[j].b, sizes[i])) {
                w = w ? w : world_create(&spec);
                run_rate(w, &rates[j].b, rates[j].goal);
            }
        }
        if (w) {
            world_destroy(w);
        }
    }
}

/* Many networks: all of them beside a few. */
static void
run_scale(void)
{
    static const struct {
        struct bench b;
        struct world_spec spec;
        struct choice few;
        const char *peer;
        double goal;
    } cases[] = {
        { { "D6 bridged, VLANs", make_bridged, PORTS, UPLINK, 0 },
          { .n = 1000000, .n_vteps = 16384, .n_networks = 10000 },
          { 1000, 10 }, "1000 of them in 10 networks", 2 },
        { { "D6 bridged, access ports, bursts of 4", make_bridged, PORTS,
            UPLINK, 4 },
          { .n = 1000000, .n_vteps = 16384, .n_networks = 10000,
            .access_ports = true },
          { 1000, 10 }, "1000 of them in 10 networks", 2 },
        { { "D8 by routes of VRFs", make_by_route, PORTS, UPLINK, 0 },
          { .n = 4000, .n_vteps = 1000, .n_networks = 4000,
            .n_routes = 100 },
          { 1, 1 }, "one VRF", 1.3 },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct world_spec *spec = &cases[i].spec;
        struct choice all = { spec->n, spec->n_networks };

        if (wanted(&cases[i].b, spec->n)) {
            struct world *w = world_create(spec);

            run_ratio(w, &cases[i].b, &all, &cases[i].few, cases[i].peer,
                      cases[i].goal);
            world_destroy(w);
        }
    }
}

int
main(int argc, char *argv[])
{
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--quick")) {
            quick = true;
        } else if (!strncmp(argv[i], "--case=", 7)) {
            only = argv[i] + 7;
        } else if (!strncmp(argv[i], "--size=", 7)) {
            only_size = strtoul(argv[i] + 7, NULL, 10);
        } else {
            printf("usage: %s [--quick] [--case=WORD] [--size=N]\n", argv[0]);
            return strcmp(argv[i], "--help") != 0;
        }
    }
    random_set_seed(1);
    ovl_flow_hash_init();
    rate = tsc_rate();
    for (size_t i = 0; i < N_PACKETS; i++) {
        packets[i] = ovl_pkt_new(2048);
    }

    run_plain();
    run_scale();

    for (size_t i = 0; i < N_PACKETS; i++) {
        dp_packet_delete(packets[i]);
    }
    return 0;
}
