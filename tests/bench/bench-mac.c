/* SPDX-License-Identifier: Apache-2.0 */

/* The MAC table beside DPDK's rte_hash and OVS's cmap: same keys, same
 * process, the same answers; and beside what the memory takes alone.  Prints
 * JSON lines, see README.md.
 *
 *     bench-mac [--quick] [--size=N]
 *
 * Windows of the two take turns; a ratio is the median of those of
 * neighboring windows.  Times are CPU time of the thread that looks up. */

#include <config.h>

#include <getopt.h>
#include <inttypes.h>
#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef DPDK_NETDEV
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_hash.h>
#include <rte_hash_crc.h>
#include <rte_malloc.h>
#endif

#include "cmap.h"
#include "forwarding-private.h"
#include "hash.h"
#include "measure.h"
#include "numa-memory.h"
#include "openvswitch/vlog.h"
#include "random.h"
#include "util.h"

#define N_PAIRS 15
#define N_WAYS 1000
#define BULK OVL_BULK_MAX
#define SMALL_BULK 4
#define MAX_LOOKUPS (1 << 20)

/* Keys that are on their way into the cache. */
#define FETCH_AHEAD 128

/* The writer changes keys in transactions of this many. */
#define WRITER_STEP 64

static bool quick;
static size_t bulk = BULK;      /* Keys that are looked up together. */
static const char *pages = "4 kB";

/* A key, as DPDK hashes fastest. */
struct key {
    uint32_t vni;
    struct eth_addr mac;
    uint8_t pad[6];
};
BUILD_ASSERT_DECL(sizeof(struct key) == 16);

/* Keys 0...n - 1 are in the tables; the writer has another n / 8. */
static struct key *keys;
static size_t n_keys;

/* What is looked up: keys, and the same as the MAC table wants them. */
static struct key *wanted;
static uint32_t *wanted_vnis;
static uint64_t *wanted_macs;
static size_t n_wanted;

static void
make_keys(size_t n)
{
    size_t all = n + n / 8;

    n_keys = n;
    keys = xcalloc(all, sizeof *keys);
    for (size_t i = 0; i < all; i++) {
        uint64_t mac = (uint64_t) random_uint32() << 32 | random_uint32();

        /* Networks of a thousand MACs; MACs with the number of the key, so
         * that there are no two alike. */
        keys[i].vni = 1 + i / 1000;
        mac = UINT64_C(0x020000000000) | (mac & 0xffff) << 24 | i;
        eth_addr_from_uint64(mac, &keys[i].mac);
    }
    for (size_t i = n; i-- > 1; ) {
        size_t j = random_uint32() % (i + 1);
        struct key tmp = keys[i];

        keys[i] = keys[j];
        keys[j] = tmp;
    }
}

static uint32_t
value_of(size_t i)
{
    return 1 + i % N_WAYS;
}

/* Uniform, or number i with a chance in proportion to 1 / (i + 1). */
static size_t
random_key(bool zipf)
{
    double u = random_uint32() / (UINT32_MAX + 1.0);
    double rank = zipf ? exp(u * log(n_keys + 1)) - 1 : u * n_keys;

    return MIN(rank, n_keys - 1);
}

static void
make_wanted(bool zipf)
{
    n_wanted = n_keys < 100000 ? 1 << 16 : MAX_LOOKUPS;
    wanted = xcalloc(n_wanted, sizeof *wanted);
    wanted_vnis = xcalloc(n_wanted, sizeof *wanted_vnis);
    wanted_macs = xcalloc(n_wanted + 1, sizeof *wanted_macs);
    for (size_t i = 0; i < n_wanted; i++) {
        wanted[i] = keys[random_key(zipf)];
        wanted_vnis[i] = wanted[i].vni;
        wanted_macs[i] = ovl_mac_bits(wanted[i].mac);
    }
}

/* Brings what will be looked up soon, from number 'i' on, into the cache: a
 * packet's addresses are there when they are looked up. */
static inline void
fetch_wanted(const void *array, size_t i, size_t size)
{
    const char *p = (const char *) array + (i + FETCH_AHEAD) * size;

    for (size_t offset = 0; offset < bulk * size; offset += CACHE_LINE_SIZE) {
        OVS_PREFETCH(p + offset);
    }
}

static void
free_wanted(void)
{
    free(wanted);
    free(wanted_vnis);
    free(wanted_macs);
}

/* Clocks. */

static void
report(const char *name, size_t size, double ours, const char *peer,
       double peers, double ratio, const char *unit, size_t pairs,
       double least, double peers_least)
{
    printf("{\"case\": \"%s\", \"size\": %"PRIuSIZE", \"ours\": %.3g, "
           "\"peer\": \"%s\", \"peers\": %.3g, \"ratio\": %.3g, "
           "\"unit\": \"%s\", \"pairs\": %"PRIuSIZE", \"least\": %.3g, "
           "\"peers_least\": %.3g, \"pages\": \"%s\"}\n",
           name, size, ours, peer, peers, ratio, unit, pairs, least,
           peers_least, pages);
    fflush(stdout);
}

/* A table of one of the kinds that are compared. */
struct table {
    const char *name;
    void (*create)(size_t n);
    /* Adds or removes WRITER_STEP keys from 'first' on. */
    void (*add)(size_t first, size_t n);
    void (*remove)(size_t first, size_t n);
    uint64_t (*look_up)(void);      /* All of 'wanted': sum of values. */
    size_t (*size)(void);           /* Bytes. */
    void (*destroy)(void);
};

/* Ours. */

static struct ovl_forwarding *fwd;
static struct ovl_lport *port;

static void
port_destroy(struct ovl_lport *p)
{
    ovl_lport_uninit(p);
    free(p);
}

static void
ours_create(size_t n OVS_UNUSED)
{
    fwd = ovl_forwarding_create();
    port = xzalloc(sizeof *port);
    ovl_lport_init(port, "port", ODP_PORT_C(1), port_destroy);
}

static void
ours_finish(void)
{
    ovl_forwarding_commit(fwd);
    ovl_forwarding_collect(fwd);
    ovsrcu_quiesce();
}

static void
ours_add(size_t first, size_t n)
{
    ovl_forwarding_begin(fwd);
    for (size_t i = first; i < first + n; i++) {
        ovl_mac_set(fwd, &(struct ovl_mac) {
            .vni = keys[i].vni, .mac = keys[i].mac, .port = port,
            .vlan = value_of(i),
        });
    }
    ours_finish();
}

static void
ours_remove(size_t first, size_t n)
{
    ovl_forwarding_begin(fwd);
    for (size_t i = first; i < first + n; i++) {
        ovl_mac_remove(fwd, keys[i].vni, keys[i].mac);
    }
    ours_finish();
}

static uint64_t
ours_look_up(void)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < n_wanted; i += bulk) {
        const struct ovl_way *ways[BULK];

        fetch_wanted(wanted_vnis, i, sizeof *wanted_vnis);
        fetch_wanted(wanted_macs, i, sizeof *wanted_macs);
        ovl_mac_lookup_bulk(fwd, ovl_forwarding_version(fwd), &wanted_vnis[i],
                            &wanted_macs[i], bulk, ways);
        for (size_t j = 0; j < bulk; j++) {
            sum += ways[j] ? ways[j]->vlan : 0;
        }
    }
    return sum;
}

static size_t
ours_size(void)
{
    return ovl_exact_map_size(&fwd->macs.map);
}

static void
ours_destroy(void)
{
    ovl_forwarding_destroy(fwd);
    ovl_lport_unref(port);
}

static const struct table ours = {
    "ours", ours_create, ours_add, ours_remove, ours_look_up, ours_size,
    ours_destroy,
};

/* cmap, with the smallest entries that it can have. */

struct cmap_entry {
    struct cmap_node node;
    uint32_t vni;
    struct eth_addr mac;
    uint16_t value;
};

static struct cmap cmap;

static uint32_t
cmap_hash(uint32_t vni, struct eth_addr mac)
{
    uint32_t lo;
    uint16_t hi;

    memcpy(&lo, &mac.ea[0], sizeof lo);
    memcpy(&hi, &mac.ea[4], sizeof hi);
    return hash_finish(hash_add(hash_add(vni, lo), hi), 10);
}

static void
cmap_create(size_t n OVS_UNUSED)
{
    cmap_init(&cmap);
}

static void
cmap_add(size_t first, size_t n)
{
    for (size_t i = first; i < first + n; i++) {
        struct cmap_entry *e = xmalloc(sizeof *e);

        e->vni = keys[i].vni;
        e->mac = keys[i].mac;
        e->value = value_of(i);
        cmap_insert(&cmap, &e->node, cmap_hash(e->vni, e->mac));
    }
    ovsrcu_quiesce();
}

static void
cmap_remove_keys(size_t first, size_t n)
{
    for (size_t i = first; i < first + n; i++) {
        uint32_t hash = cmap_hash(keys[i].vni, keys[i].mac);
        struct cmap_entry *e;

        CMAP_FOR_EACH_WITH_HASH_PROTECTED (e, node, hash, &cmap) {
            if (e->vni == keys[i].vni
                && eth_addr_equals(e->mac, keys[i].mac)) {
                cmap_remove(&cmap, &e->node, hash);
                ovsrcu_postpone(free, e);
                break;
            }
        }
    }
    ovsrcu_quiesce();
}

static uint64_t
cmap_look_up(void)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < n_wanted; i += bulk) {
        const struct cmap_node *nodes[BULK];
        uint32_t hashes[BULK];
        unsigned long found;

        fetch_wanted(wanted, i, sizeof *wanted);
        fetch_wanted(wanted_vnis, i, sizeof *wanted_vnis);
        for (size_t j = 0; j < bulk; j++) {
            hashes[j] = cmap_hash(wanted_vnis[i + j], wanted[i + j].mac);
        }
        found = cmap_find_batch(&cmap, UINT32_MAX >> (32 - bulk), hashes,
                                nodes);
        for (size_t j = 0; j < bulk; j++) {
            if (found & 1ul << j) {
                OVS_PREFETCH(nodes[j]);
            }
        }
        for (size_t j = 0; j < bulk; j++) {
            const struct cmap_entry *e;

            if (!(found & 1ul << j)) {
                continue;
            }
            CMAP_NODE_FOR_EACH (e, node, nodes[j]) {
                if (e->vni == wanted_vnis[i + j]
                    && eth_addr_equals(e->mac, wanted[i + j].mac)) {
                    sum += e->value;
                    break;
                }
            }
        }
    }
    return sum;
}

static size_t
cmap_size(void)
{
    /* A bucket of 64 bytes has 5 entries; cmap says no more of itself.  Its
     * array grows when it is 85 % full, to twice the size. */
    size_t buckets = 1;

    while (buckets * 5 * 85 / 100 < cmap_count(&cmap)) {
        buckets *= 2;
    }
    return buckets * 64 + cmap_count(&cmap) * 32;
}

static void
cmap_free(void)
{
    struct cmap_entry *e;

    CMAP_FOR_EACH (e, node, &cmap) {
        ovsrcu_postpone(free, e);
    }
    cmap_destroy(&cmap);
}

static const struct table cmap_table = {
    "cmap", cmap_create, cmap_add, cmap_remove_keys, cmap_look_up, cmap_size,
    cmap_free,
};

/* rte_hash: lock-free, with its own hash. */

#ifdef DPDK_NETDEV
static struct rte_hash *rte;
static size_t rte_before;

static size_t
rte_memory(void)
{
    struct rte_malloc_socket_stats stats;

    rte_malloc_get_socket_stats(0, &stats);
    return stats.heap_allocsz_bytes;
}

static void
rte_create(size_t n)
{
    const struct rte_hash_parameters params = {
        .name = "bench", .entries = n + n / 4, .key_len = sizeof(struct key),
        .hash_func = rte_hash_crc, .socket_id = SOCKET_ID_ANY,
        .extra_flag = RTE_HASH_EXTRA_FLAGS_RW_CONCURRENCY_LF,
    };

    rte_before = rte_memory();
    rte = rte_hash_create(&params);
    if (!rte) {
        fprintf(stderr, "rte_hash: %s\n", rte_strerror(rte_errno));
        exit(1);
    }
}

static void
rte_add(size_t first, size_t n)
{
    for (size_t i = first; i < first + n; i++) {
        if (rte_hash_add_key_data(rte, &keys[i],
                                  (void *) (uintptr_t) value_of(i))) {
            fprintf(stderr, "rte_hash is full\n");
            exit(1);
        }
    }
}

static void
rte_remove(size_t first, size_t n)
{
    for (size_t i = first; i < first + n; i++) {
        int32_t position = rte_hash_del_key(rte, &keys[i]);

        if (position >= 0) {
            rte_hash_free_key_with_position(rte, position);
        }
    }
}

static uint64_t
rte_look_up(void)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < n_wanted; i += bulk) {
        const void *burst[BULK];
        void *values[BULK];
        uint64_t found;

        fetch_wanted(wanted, i, sizeof *wanted);
        for (size_t j = 0; j < bulk; j++) {
            burst[j] = &wanted[i + j];
        }
        rte_hash_lookup_bulk_data(rte, burst, bulk, &found, values);
        for (size_t j = 0; j < bulk; j++) {
            sum += found & UINT64_C(1) << j ? (uintptr_t) values[j] : 0;
        }
    }
    return sum;
}

static size_t
rte_size(void)
{
    return rte_memory() - rte_before;
}

static void
rte_destroy(void)
{
    rte_hash_free(rte);
}

static const struct table rte_table = {
    "rte_hash", rte_create, rte_add, rte_remove, rte_look_up, rte_size,
    rte_destroy,
};
#endif

/* The floor: random cache lines of as much memory as our table has, one for
 * each key, fetched a bulk at a time and then read. */

static char *lines;
static size_t n_lines;

static void
lines_create(size_t n OVS_UNUSED)
{
    n_lines = ours_size() / CACHE_LINE_SIZE;
    lines = ovl_numa_alloc_shared(n_lines * CACHE_LINE_SIZE);
    ovl_numa_want_huge_pages(lines, n_lines * CACHE_LINE_SIZE);
    memset(lines, 0, n_lines * CACHE_LINE_SIZE);
}

static uint64_t
lines_look_up(void)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < n_wanted; i += bulk) {
        const char *burst[BULK];

        fetch_wanted(wanted_vnis, i, sizeof *wanted_vnis);
        fetch_wanted(wanted_macs, i, sizeof *wanted_macs);
        for (size_t j = 0; j < bulk; j++) {
            uint64_t random = ((wanted_macs[i + j] ^ wanted_vnis[i + j])
                               * UINT64_C(0x9e3779b97f4a7c15)) >> 32;

            burst[j] = lines + (random * n_lines >> 32) * CACHE_LINE_SIZE;
            OVS_PREFETCH(burst[j]);
        }
        for (size_t j = 0; j < bulk; j++) {
            sum += *(const uint64_t *) (const void *) burst[j];
        }
    }
    return sum;
}

static size_t
lines_size(void)
{
    return n_lines * CACHE_LINE_SIZE;
}

static void
lines_destroy(void)
{
    ovl_numa_free_shared(lines, lines_size());
}

static const struct table lines_table = {
    .name = "random lines", .create = lines_create, .look_up = lines_look_up,
    .size = lines_size, .destroy = lines_destroy,
};

/* Comparing. */

/* Puts all keys in and returns how many a second. */
static double
fill(const struct table *t)
{
    double start;

    t->create(n_keys);
    start = bench_cpu_ns();
    for (size_t i = 0; i < n_keys; i += 4096) {
        t->add(i, MIN(4096, n_keys - i));
    }
    return n_keys / (bench_cpu_ns() - start) * 1e9;
}

/* A thread that adds and removes keys at full rate. */
struct writer {
    const struct table *table;
    pthread_t thread;
    atomic_bool stop;
    size_t n;
};

static void *
writer_main(void *w_)
{
    struct writer *w = w_;
    size_t n = MAX(n_keys / 8 / WRITER_STEP, 1);
    size_t step = MIN(WRITER_STEP, n_keys / 8);
    bool stop = false;

    while (!stop) {
        for (size_t i = 0; i < n && !stop; i++) {
            w->table->add(n_keys + i * step, step);
            w->n += step;
            atomic_read_relaxed(&w->stop, &stop);
        }
        for (size_t i = 0; i < n; i++) {
            w->table->remove(n_keys + i * step, step);
            w->n += step;
        }
        atomic_read_relaxed(&w->stop, &stop);
    }
    return NULL;
}

/* Nanoseconds per look-up, in one window, after a pass that brings the table
 * back into the caches that the other one has had. */
static double
window(const struct table *t, bool with_writer, uint64_t *sum)
{
    size_t n = MAX(1, (quick ? 1 : 4) * MAX_LOOKUPS / n_wanted);
    struct writer w = { .table = t, .stop = false };
    double ns;

    if (with_writer) {
        w.thread = ovs_thread_create("writer", writer_main, &w);
    }
    t->look_up();
    double start = bench_cpu_ns();
    for (size_t i = 0; i < n; i++) {
        *sum = t->look_up();
        ovsrcu_quiesce();
    }
    ns = (bench_cpu_ns() - start) / n / n_wanted;
    if (with_writer) {
        atomic_store_relaxed(&w.stop, true);
        ovsrcu_quiesce_start();
        xpthread_join(w.thread, NULL);
        ovsrcu_quiesce_end();
    }
    return ns;
}

static void
compare(const char *name, const struct table *peer, bool with_writer)
{
    double a[N_PAIRS], b[N_PAIRS], ratios[N_PAIRS];
    size_t n = quick ? 5 : N_PAIRS;
    uint64_t sums[2];

    for (size_t i = 0; i < n; i++) {
        a[i] = window(&ours, with_writer, &sums[0]);
        b[i] = window(peer, with_writer, &sums[1]);
        ratios[i] = a[i] / b[i];
        if (sums[0] != sums[1] && peer != &lines_table) {
            fprintf(stderr, "%s: %s answers otherwise\n", name, peer->name);
            exit(1);
        }
    }
    double ratio = bench_median(ratios, n);
    double ours_ns = bench_median(a, n), peers_ns = bench_median(b, n);
    report(name, n_keys, ours_ns, peer->name, peers_ns, ratio, "ns", n, a[0],
           b[0]);
}

static void
compare_with(const struct table *peer)
{
    double rate = fill(&ours), peers_rate = fill(peer);

    while (ovl_forwarding_collect(fwd)) {
        ovsrcu_quiesce();
    }

    double bytes = ours_size() / (double) n_keys;
    double peers_bytes = peer->size() / (double) n_keys;

    if (peer == &cmap_table) {
        report("T2 bytes per MAC", n_keys, bytes, "goal", 24, bytes / 24,
               "bytes", 1, bytes, 24);
    }
    report("bytes per MAC", n_keys, bytes, peer->name, peers_bytes,
           bytes / peers_bytes, "bytes", 1, bytes, peers_bytes);
    report("MACs inserted per second", n_keys, rate, peer->name, peers_rate,
           rate / peers_rate, "1/s", 1, rate, peers_rate);
    make_wanted(false);
    compare("T1 MAC look-up, uniform", peer, false);
    if (peer == &cmap_table) {
        lines_create(n_keys);
        compare("MAC look-up, uniform", &lines_table, false);
        lines_destroy();
    }
    bulk = SMALL_BULK;
    compare("MAC look-up, uniform, 4 at a time", peer, false);
    bulk = BULK;
    free_wanted();
    make_wanted(true);
    compare("MAC look-up, zipf", peer, false);
    free_wanted();

    /* Last, as both tables may be larger afterwards. */
    if (n_keys >= 8 * WRITER_STEP) {
        make_wanted(false);
        compare("MAC look-up, uniform, with a writer", peer, true);
        free_wanted();
    }
    peer->destroy();
    ours_destroy();
    for (int i = 0; i < 4; i++) {
        ovsrcu_quiesce();
    }
}

static void
compare_all(size_t n)
{
    make_keys(n);
    compare_with(&cmap_table);
#ifdef DPDK_NETDEV
    compare_with(&rte_table);
#endif
    free(keys);
}

#ifdef DPDK_NETDEV
static bool
start_dpdk(char *name, const char *huge)
{
    char *eal[] = {
        name, CONST_CAST(char *, huge), CONST_CAST(char *, "--no-pci"),
        CONST_CAST(char *, "--no-shconf"), CONST_CAST(char *, "-m"),
        CONST_CAST(char *, quick ? "256" : "1536"),
        CONST_CAST(char *, "--no-telemetry"),
        CONST_CAST(char *, "--log-level=error"), NULL,
    };

    return rte_eal_init(ARRAY_SIZE(eal) - 1, eal) >= 0;
}

/* True if there are free huge pages for rte_hash. */
static bool
have_huge_pages(void)
{
    size_t n = 0;
    FILE *f = fopen("/sys/kernel/mm/hugepages/hugepages-2048kB/"
                    "free_hugepages", "r");

    if (f) {
        n = fscanf(f, "%zu", &n) == 1 ? n : 0;
        fclose(f);
    }
    return n >= (quick ? 128 : 768);
}
#endif

int
main(int argc, char *argv[])
{
    static const struct option options[] = {
        { "quick", no_argument, NULL, 'q' },
        { "size", required_argument, NULL, 's' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    size_t size = 0;
    int c;

    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (c) {
        case 'q':
            quick = true;
            break;
        case 's':
            size = strtoull(optarg, NULL, 10);
            break;
        default:
            printf("usage: %s [--quick] [--size=N]\n", argv[0]);
            return c != 'h';
        }
    }

    /* What a busy machine does to threads is not of interest. */
    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);

    /* Huge pages for malloc(), so for cmap, as our own table asks for. */
    if (!getenv("GLIBC_TUNABLES")) {
        setenv("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1", 1);
        execv("/proc/self/exe", argv);
    }
    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_ERR);
    random_set_seed(1);
#ifdef DPDK_NETDEV
    if (have_huge_pages()) {
        pages = "2 MB";
    }
    if (!start_dpdk(argv[0], have_huge_pages() ? "--in-memory"
                    : "--no-huge")) {
        fprintf(stderr, "DPDK does not start here: nothing to compare "
                "with\n");
        return 1;
    }
#endif
    static const size_t sizes[] = { 1000, 10000, 100000, 1000000, 10000000 };
    if (size) {
        compare_all(size);
    } else {
        for (size_t i = 0; i < ARRAY_SIZE(sizes) - quick; i++) {
            compare_all(sizes[i]);
        }
    }
    ovsrcu_exit();
    return 0;
}
