/* SPDX-License-Identifier: Apache-2.0 */

/* One writer that moves keys and makes the array anew at full rate, and
 * readers that must find each key that stays, with its value, all the time,
 * never one that is not there, and never a half of what is set together. */

#include <config.h>

#include "tables-fixture.h"

#include "timeval.h"
#include "versioned-exact.h"

#define N_READERS 2
#define N_STABLE 2000           /* Keys that stay. */
#define N_CHURN 12000           /* Keys that come and go, so that the array is
                                 * full and others have to move. */
#define N_STEP 16               /* Keys that change together. */
#define MSECS 500
#define MIN_ROUNDS 2            /* However slow the machine is. */

struct shared {
    struct ovl_vexact map;
    ATOMIC(ovs_version_t) version;
    ATOMIC(const char *) failure;
    atomic_bool stop;
};

struct reader {
    struct shared *shared;
    const struct ovl_exact_variant *variant;
    pthread_t thread;
    uint64_t n;
    uint64_t n_changed;         /* Times that the pack was another. */
};

static uint64_t
stable_x(uint32_t i)
{
    return UINT64_C(0x525400000000) + i;
}

static uint64_t
churn_x(uint32_t i)
{
    return UINT64_C(0x020000000000) + i;
}

/* Keys that are set in step. */
static uint64_t
step_x(uint32_t i)
{
    return UINT64_C(0x060000000000) + i;
}

static bool
is_stopped(struct shared *s)
{
    const char *failure;
    bool stop;

    atomic_read_relaxed(&s->stop, &stop);
    atomic_read_relaxed(&s->failure, &failure);
    return stop || failure;
}

static void
find(const struct reader *r, ovs_version_t version, const uint64_t xs[],
     uint32_t values[])
{
    static const uint32_t highs[OVL_EXACT_BULK_MAX];
    const struct ovl_vexact *map = &r->shared->map;

    r->variant->find_bulk(&map->map, xs, highs, OVL_EXACT_BULK_MAX, values);
    for (int i = 0; i < OVL_EXACT_BULK_MAX; i++) {
        values[i] = ovl_vexact_resolve(map, values[i], version);
    }
}

/* Half of the keys of a bulk stay, a quarter were never there, and a quarter
 * comes and goes. */
static const char *
check_bulk(struct reader *r, ovs_version_t version, uint32_t first)
{
    uint32_t values[OVL_EXACT_BULK_MAX];
    uint64_t xs[OVL_EXACT_BULK_MAX];

    for (uint32_t i = 0; i < OVL_EXACT_BULK_MAX; i++) {
        xs[i] = (i % 2 ? stable_x((first + i) % N_STABLE)
                 : i % 4 ? churn_x((first + i) % N_CHURN)
                 : churn_x(N_CHURN + first + i));
    }
    find(r, version, xs, values);
    for (uint32_t i = 0; i < OVL_EXACT_BULK_MAX; i++) {
        uint32_t n = (i % 2 ? (first + i) % N_STABLE
                      : (first + i) % N_CHURN) + 1;

        if (i % 2 && values[i] != n) {
            return values[i] ? "key that stays has another value"
                   : "key that stays is missing";
        } else if (i % 4 == 2 && values[i] && values[i] != n) {
            return "key has the value of another";
        } else if (i % 4 == 0 && values[i]) {
            return "key that never was is there";
        }
    }
    return NULL;
}

/* All keys of a pack have the same value, or are not there, in a version. */
static const char *
check_step(struct reader *r, ovs_version_t version, uint32_t *last)
{
    uint32_t values[OVL_EXACT_BULK_MAX];
    uint64_t xs[OVL_EXACT_BULK_MAX];

    for (uint32_t i = 0; i < OVL_EXACT_BULK_MAX; i++) {
        xs[i] = step_x(i % N_STEP);
    }
    find(r, version, xs, values);
    for (uint32_t i = 1; i < OVL_EXACT_BULK_MAX; i++) {
        if (values[i] != values[0]) {
            return "half of a transaction is there";
        }
    }
    r->n_changed += values[0] != *last;
    *last = values[0];
    return NULL;
}

static void *
reader_main(void *r_)
{
    struct reader *r = r_;
    struct shared *s = r->shared;
    uint32_t first = 0, last = 0;

    while (!is_stopped(s)) {
        const char *failure = NULL;
        ovs_version_t version;

        atomic_read_explicit(&s->version, &version, memory_order_acquire);
        for (int i = 0; i < 16 && !failure; i++) {
            failure = check_bulk(r, version, first);
            first += OVL_EXACT_BULK_MAX / 2 + 1;
        }
        failure = failure ? failure : check_step(r, version, &last);
        if (failure) {
            atomic_store_relaxed(&s->failure, failure);
        }
        r->n++;
        ovsrcu_quiesce();
    }
    return NULL;
}

static atomic_count n_refs;

static void
unref(void *aux OVS_UNUSED, uint32_t value OVS_UNUSED)
{
    atomic_count_dec(&n_refs);
}

static void
set(struct shared *s, uint64_t x, uint32_t value, ovs_version_t version)
{
    if (value) {
        atomic_count_inc(&n_refs);
    }
    ovl_vexact_set(&s->map, (struct ovl_exact_key) { x, 0 }, value, version);
}

/* Batches of changes that wait for their grace period: one at a time. */
struct waiting {
    struct ovl_vexact_segment *batch;
    atomic_bool *passed;
};

static void
pass(atomic_bool *passed)
{
    atomic_store_explicit(passed, true, memory_order_release);
}

static void
collect(struct shared *s, struct waiting *w)
{
    size_t budget = SIZE_MAX;
    bool passed;

    if (w->batch) {
        atomic_read_explicit(w->passed, &passed, memory_order_acquire);
        if (passed) {
            assert_true(ovl_vexact_collect(&s->map, &w->batch, &budget));
            free(w->passed);
        }
    }
}

static void
commit(struct shared *s, struct waiting *w, ovs_version_t version)
{
    struct ovl_vexact_segment *batch;

    atomic_store_explicit(&s->version, version, memory_order_release);
    batch = ovl_vexact_settle(&s->map);
    while (w->batch) {
        ovsrcu_quiesce();
        collect(s, w);
    }
    if (batch) {
        w->batch = batch;
        w->passed = xmalloc(sizeof *w->passed);
        atomic_init(w->passed, false);
        ovsrcu_postpone(pass, w->passed);
    }
}

static void
readers_miss_nothing_while_keys_move(void **state OVS_UNUSED)
{
    const struct ovl_exact_variant *variants[8];
    struct reader readers[N_READERS];
    struct waiting waiting = { .batch = NULL };
    struct shared s = { .stop = false };
    ovs_version_t version = 1;
    size_t n_variants = 0, n_arrays = 0, size = 0;
    uint64_t rounds = 0;
    const char *failure;

    for (const struct ovl_exact_variant *v = ovl_exact_variants; v->name;
         v++) {
        if (v->is_supported()) {
            variants[n_variants++] = v;
        }
    }
    static const struct ovl_vexact_class class = { .unref = unref };

    ovl_vexact_init(&s.map, &class, NULL);
    atomic_init(&s.version, version);
    for (uint32_t i = 0; i < N_STABLE; i++) {
        set(&s, stable_x(i), i + 1, version + 1);
    }
    commit(&s, &waiting, ++version);

    for (size_t i = 0; i < N_READERS; i++) {
        readers[i] = (struct reader) {
            .shared = &s, .variant = variants[i % n_variants],
        };
        readers[i].thread = ovs_thread_create("reader", reader_main,
                                              &readers[i]);
    }

    long long int end = time_msec() + MSECS;
    while ((time_msec() < end || rounds < MIN_ROUNDS) && !is_stopped(&s)) {
        for (uint32_t i = 0; i < 2 * N_CHURN; i++) {
            bool add = i < N_CHURN;
            uint32_t nr = i % N_CHURN;

            set(&s, churn_x(nr), add ? nr + 1 : 0, version + 1);
            if (i % 1024 == 1023) {
                for (int j = 0; j < N_STEP; j++) {
                    set(&s, step_x(j), i / 1024 % 3 ? i : 0, version + 1);
                }
                commit(&s, &waiting, ++version);
                n_arrays += ovl_exact_map_size(&s.map.map) != size;
                size = ovl_exact_map_size(&s.map.map);
            }
        }
        rounds++;
    }
    atomic_store_relaxed(&s.stop, true);
    for (size_t i = 0; i < N_READERS; i++) {
        xpthread_join(readers[i].thread, NULL);
        print_message("%s: %"PRIu64" bursts, %"PRIu64" packs\n",
                      readers[i].variant->name, readers[i].n,
                      readers[i].n_changed);
    }
    atomic_read_relaxed(&s.failure, &failure);
    if (failure) {
        fail_msg("%s", failure);
    }
    print_message("%"PRIu64" rounds, %"PRIu64" versions, %"PRIuSIZE" keys "
                  "moved, %"PRIuSIZE" arrays\n", rounds, (uint64_t) version,
                  s.map.map.n_moves, n_arrays);
    assert_true(n_arrays > 2 && s.map.map.n_moves > 100);
    assert_true(readers[0].n > 10);

    for (int i = 0; i < 2; i++) {
        set(&s, step_x(0), 1 + i, version + 1);
        commit(&s, &waiting, ++version);
    }
    while (waiting.batch) {
        ovsrcu_quiesce();
        collect(&s, &waiting);
    }
    assert_int_equal(ovl_vexact_count(&s.map), s.map.map.n);
    ovl_vexact_destroy(&s.map);
    assert_int_equal(atomic_count_get(&n_refs), 0);
    ovsrcu_barrier();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readers_miss_nothing_while_keys_move),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    ovsrcu_exit();
    return failed;
}
