/* SPDX-License-Identifier: Apache-2.0 */

/* Memory of what packet threads look at: whose it is, where it is, and that it
 * goes back. */

#include <config.h>

#include "tables-fixture.h"

#include "dense-memory.h"

#define MB (1024u * 1024)

/* Under a sanitizer it is all malloc()'s. */
static bool
is_dense(void)
{
    struct ovl_dense_stats stats;
    void *p = ovl_dense_alloc(1);

    ovl_dense_get_stats(&stats);
    ovl_dense_free(p);
    return stats.n_used > 0;
}

static void
assert_regions(size_t min, size_t max)
{
    struct ovl_dense_stats stats;

    ovl_dense_get_stats(&stats);
    assert_in_range(stats.n_used, min, max);
    /* One may be kept. */
    assert_in_range(stats.n_regions, stats.n_used, stats.n_used + 1);
    assert_in_range(stats.n_bytes, min, max * 2 * MB);
}

/* A block that has the same byte all over. */
struct block {
    uint8_t *p;
    size_t size;
    uint8_t byte;
};

static void
block_alloc(struct block *b, size_t size)
{
    b->p = ovl_dense_alloc(size);
    b->size = size;
    b->byte = random_uint32();
    assert_int_equal((uintptr_t) b->p % CACHE_LINE_SIZE, 0);
    memset(b->p, b->byte, size);
}

static void
block_free(struct block *b)
{
    for (size_t i = 0; i < b->size; i++) {
        assert_int_equal(b->p[i], b->byte);
    }
    ovl_dense_free(b->p);
    b->p = NULL;
}

static void
nobody_elses_block_is_written_to(void **state OVS_UNUSED)
{
    static struct block blocks[5000];

    random_set_seed(1);
    for (int i = 0; i < 100000; i++) {
        struct block *b = &blocks[random_range(ARRAY_SIZE(blocks))];

        if (b->p) {
            block_free(b);
        } else {
            block_alloc(b, random_range(8) ? random_range(2200)
                        : random_range(OVL_DENSE_MAX + 200));
        }
    }
    for (size_t i = 0; i < ARRAY_SIZE(blocks); i++) {
        if (blocks[i].p) {
            block_free(&blocks[i]);
        }
    }
    assert_regions(0, 0);
}

static void
sizes_at_the_limits_are_there_whole(void **state OVS_UNUSED)
{
    const size_t sizes[] = {
        0, 1, 63, 64, 65, 4096, OVL_DENSE_MAX - 1, OVL_DENSE_MAX,
        OVL_DENSE_MAX + 1, 3 * MB,
    };
    struct block blocks[ARRAY_SIZE(sizes)][2];

    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        block_alloc(&blocks[i][0], sizes[i]);
        block_alloc(&blocks[i][1], sizes[i]);
        assert_ptr_not_equal(blocks[i][0].p, blocks[i][1].p);
    }
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        block_free(&blocks[i][0]);
        block_free(&blocks[i][1]);
    }
    ovl_dense_free(NULL);
}

static void
zeroed_memory_is_zero_again(void **state OVS_UNUSED)
{
    for (int i = 0; i < 3; i++) {
        uint8_t *p = ovl_dense_zalloc(200);

        for (int j = 0; j < 200; j++) {
            assert_int_equal(p[j], 0);
        }
        memset(p, 0xff, 200);
        ovl_dense_free(p);
    }
}

/* What else the program allocates meanwhile is not in between. */
static void
blocks_are_close_together(void **state OVS_UNUSED)
{
    static uint8_t *blocks[1000];
    static void *others[1000];
    uintptr_t min = UINTPTR_MAX, max = 0;

    if (!is_dense()) {
        skip();
    }
    for (int i = 0; i < 1000; i++) {
        blocks[i] = ovl_dense_alloc(CACHE_LINE_SIZE);
        others[i] = xmalloc(1000);
        min = MIN(min, (uintptr_t) blocks[i]);
        max = MAX(max, (uintptr_t) blocks[i]);
    }
    assert_int_equal(max - min, 999 * CACHE_LINE_SIZE);
    for (int i = 0; i < 1000; i++) {
        ovl_dense_free(blocks[i]);
        free(others[i]);
    }
}

static void
what_was_freed_is_used_again(void **state OVS_UNUSED)
{
    static void *blocks[4000];
    size_t n = ARRAY_SIZE(blocks);

    if (!is_dense()) {
        skip();
    }
    for (size_t i = 0; i < n; i++) {
        blocks[i] = ovl_dense_alloc(1792);      /* 7 MB. */
    }
    assert_regions(4, 4);
    for (int round = 0; round < 10; round++) {
        /* One of each slab stays, so that none is given up. */
        for (size_t i = 0; i < n; i++) {
            if (i % 8) {
                ovl_dense_free(blocks[i]);
            }
        }
        for (size_t i = 0; i < n; i++) {
            if (i % 8) {
                blocks[i] = ovl_dense_alloc(1792);
            }
        }
        assert_regions(4, 4);
    }

    /* Slabs that nobody uses are for any size. */
    for (size_t i = 0; i < n; i++) {
        ovl_dense_free(blocks[i]);
        blocks[i] = NULL;
        assert_regions(0, 4);
    }
    for (size_t i = 0; i < n / 4; i++) {
        blocks[i] = ovl_dense_alloc(7168);
    }
    assert_regions(4, 4);
    for (size_t i = 0; i < n; i++) {
        ovl_dense_free(blocks[i]);
    }
}

static void
memory_goes_back(void **state OVS_UNUSED)
{
    static void *blocks[100000];

    if (!is_dense()) {
        skip();
    }
    for (size_t i = 0; i < ARRAY_SIZE(blocks); i++) {
        blocks[i] = ovl_dense_alloc(64 * (1 + i % 5));
    }
    assert_regions(9, 10);                      /* 19.2 MB. */
    for (size_t i = 0; i < ARRAY_SIZE(blocks); i++) {
        ovl_dense_free(blocks[i]);
    }
    assert_regions(0, 0);
}

/* Threads. */

static void *
churn(void *passed_on_)
{
    void **passed_on = passed_on_;
    struct block blocks[64] = { { NULL, 0, 0 } };

    for (int i = 0; i < 20000; i++) {
        struct block *b = &blocks[random_range(ARRAY_SIZE(blocks))];

        if (b->p) {
            block_free(b);
        } else {
            block_alloc(b, random_range(500));
        }
    }
    for (size_t i = 0; i < ARRAY_SIZE(blocks); i++) {
        if (blocks[i].p) {
            block_free(&blocks[i]);
        }
        passed_on[i] = ovl_dense_alloc(100);
    }
    return NULL;
}

static void
any_thread_allocates_and_frees(void **state OVS_UNUSED)
{
    pthread_t threads[4];
    void *passed_on[4][64];

    for (int i = 0; i < 4; i++) {
        threads[i] = ovs_thread_create("churn", churn, passed_on[i]);
    }
    for (int i = 0; i < 4; i++) {
        xpthread_join(threads[i], NULL);
    }
    for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 64; j++) {
            ovl_dense_free(passed_on[i][j]);
        }
    }
    assert_regions(0, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_elses_block_is_written_to),
        cmocka_unit_test(sizes_at_the_limits_are_there_whole),
        cmocka_unit_test(zeroed_memory_is_zero_again),
        cmocka_unit_test(blocks_are_close_together),
        cmocka_unit_test(what_was_freed_is_used_again),
        cmocka_unit_test(memory_goes_back),
        cmocka_unit_test(any_thread_allocates_and_frees),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
