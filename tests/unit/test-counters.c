/* SPDX-License-Identifier: Apache-2.0 */

/* Counters, and the logical ports that have some. */

#include <config.h>

#include "tables-fixture.h"

#include "counters.h"
#include "lport.h"

static void
totals_exist_from_the_start(void **state OVS_UNUSED)
{
    for (int i = 0; i < OVL_N_TOTALS; i++) {
        assert_int_equal(ovl_counter_read(i), 0);
    }
    assert_true(ovl_counters_alloc(1) >= OVL_N_TOTALS);
}

static void
sums_are_over_all_shards_past_and_present(void **state OVS_UNUSED)
{
    uint32_t id = ovl_counters_alloc(2);
    struct ovl_shard *a = ovl_shard_create();
    struct ovl_shard *b = ovl_shard_create();

    ovl_counter_add(a, id, 3);
    ovl_counter_add(b, id, 4);
    ovl_counter_add(b, id + 1, 50);
    assert_int_equal(ovl_counter_read(id), 7);
    assert_int_equal(ovl_counter_read(id + 1), 50);

    ovl_shard_destroy(b);
    assert_int_equal(ovl_counter_read(id), 7);
    ovl_counter_add(a, id, 1);
    assert_int_equal(ovl_counter_read(id), 8);
    ovl_shard_destroy(a);
    assert_int_equal(ovl_counter_read(id), 8);
    assert_int_equal(ovl_counter_read(id + 1), 50);

    ovl_counters_free(id, 2);
    pass_grace();
}

static void
sums_have_64_bits(void **state OVS_UNUSED)
{
    uint32_t id = ovl_counters_alloc(1);
    struct ovl_shard *a = ovl_shard_create();
    struct ovl_shard *b = ovl_shard_create();

    ovl_counter_add(a, id, UINT32_MAX);
    ovl_counter_add(a, id, UINT64_C(1) << 40);
    ovl_counter_add(b, id, UINT32_MAX);
    assert_true(ovl_counter_read(id)
                == 2 * (uint64_t) UINT32_MAX + (UINT64_C(1) << 40));
    ovl_shard_destroy(a);
    ovl_shard_destroy(b);
}

static void
private_shard_is_in_no_sum(void **state OVS_UNUSED)
{
    struct ovl_shard *private = ovl_shard_create_private();
    uint32_t id = ovl_counters_alloc(OVL_N_TRAFFIC);

    ovl_counter_add(private, id, 5);
    ovl_counter_add(private, OVL_TOTAL_RECEIVED, 5);
    assert_int_equal(ovl_counter_read(id), 0);
    ovl_shard_destroy(private);
    assert_int_equal(ovl_counter_read(id), 0);
    assert_int_equal(ovl_counter_read(OVL_TOTAL_RECEIVED), 0);
}

static void
later_counters_work_in_earlier_shards(void **state OVS_UNUSED)
{
    struct ovl_shard *shard = ovl_shard_create();
    struct ovl_shard *private = ovl_shard_create_private();

    /* More than fit a chunk, so some are in chunks made just now. */
    for (int i = 0; i < 3 * OVL_COUNTER_CHUNK / 1000; i++) {
        uint32_t id = ovl_counters_alloc(1000);

        ovl_counter_add(shard, id, 1);
        ovl_counter_add(shard, id + 999, 2);
        ovl_counter_add(private, id, 100);
        assert_int_equal(ovl_counter_read(id), 1);
        assert_int_equal(ovl_counter_read(id + 999), 2);
    }
    ovl_shard_destroy(shard);
    ovl_shard_destroy(private);
}

static void
earlier_counters_work_in_later_shards(void **state OVS_UNUSED)
{
    uint32_t first = ovl_counters_alloc(OVL_COUNTER_CHUNK);
    uint32_t second = ovl_counters_alloc(OVL_COUNTER_CHUNK);
    struct ovl_shard *shard = ovl_shard_create();

    ovl_counter_add(shard, first, 1);
    ovl_counter_add(shard, second + OVL_COUNTER_CHUNK - 1, 1);
    assert_int_equal(ovl_counter_read(first), 1);
    assert_int_equal(ovl_counter_read(second + OVL_COUNTER_CHUNK - 1), 1);
    ovl_shard_destroy(shard);
}

/* Blocks of all sizes, freed in random order: none overlaps another, none
 * crosses the end of a chunk, and each is zero when it is handed out. */
static void
blocks_are_disjoint_zero_and_within_a_chunk(void **state OVS_UNUSED)
{
    enum { MAX_BLOCKS = 300, N_STEPS = 6000, SEED = 4711 };
    enum { MAX_IDS = 200 * OVL_COUNTER_CHUNK };
    struct { uint32_t first, n; } blocks[MAX_BLOCKS];
    struct ovl_shard *shard = ovl_shard_create();
    uint64_t *owner = xcalloc(MAX_IDS, sizeof *owner);
    size_t n_blocks = 0;
    uint32_t max_id = 0;

    random_set_seed(SEED);
    for (uint64_t step = 1; step <= N_STEPS; step++) {
        if (n_blocks < MAX_BLOCKS && random_range(100) < 55) {
            int pick = random_range(100);
            uint32_t n = (pick < 40 ? OVL_N_TRAFFIC
                          : pick < 80 ? OVL_N_DROPS
                          : pick < 95 ? 1
                          : pick < 98 ? 1000
                          : OVL_COUNTER_CHUNK);
            uint32_t first = ovl_counters_alloc(n);

            assert_int_equal(first / OVL_COUNTER_CHUNK,
                             (first + n - 1) / OVL_COUNTER_CHUNK);
            if (n == OVL_N_TRAFFIC) {   /* Within a cache line. */
                assert_int_equal(first % OVL_N_TRAFFIC, 0);
            }
            assert_true(first >= OVL_N_TOTALS && first + n <= MAX_IDS);
            max_id = MAX(max_id, first + n);
            for (uint32_t i = first; i < first + n; i++) {
                if (owner[i] || ovl_counter_read(i)) {
                    fail_msg("seed %d, step %d: counter %u in use or "
                             "not zero", SEED, (int) step, i);
                }
                owner[i] = step;
                ovl_counter_add(shard, i, step);
            }
            blocks[n_blocks].first = first;
            blocks[n_blocks++].n = n;
        } else if (n_blocks) {
            size_t i = random_range(n_blocks);
            uint32_t first = blocks[i].first;
            uint32_t n = blocks[i].n;

            for (uint32_t j = first; j < first + n; j++) {
                assert_true(ovl_counter_read(j) == owner[j]);
                owner[j] = 0;
            }
            ovl_counters_free(first, n);
            blocks[i] = blocks[--n_blocks];
            if (random_range(2)) {
                pass_grace();
            }
            if (!random_range(50)) {
                ovl_shard_destroy(shard);
                shard = ovl_shard_create();
            }
        }
    }

    /* Freed blocks were used again: numbers did not just go up. */
    assert_true(max_id < 100 * OVL_COUNTER_CHUNK);

    ovl_shard_destroy(shard);
    free(owner);
}

static void
freed_block_waits_for_a_grace_period(void **state OVS_UNUSED)
{
    enum { N = 777 };           /* A size that nobody else uses. */
    struct ovl_shard *shard = ovl_shard_create();
    uint32_t id = ovl_counters_alloc(N);

    ovl_counter_add(shard, id, 5);
    ovl_counters_free(id, N);
    assert_int_not_equal(ovl_counters_alloc(N), id);

    /* A packet thread that found the number before may still count. */
    ovl_counter_add(shard, id, 5);

    pass_grace();
    assert_int_equal(ovl_counters_alloc(N), id);
    assert_int_equal(ovl_counter_read(id), 0);
    ovl_shard_destroy(shard);
}

static void
freed_block_forgets_destroyed_shards(void **state OVS_UNUSED)
{
    enum { N = 778 };
    struct ovl_shard *shard = ovl_shard_create();
    uint32_t id = ovl_counters_alloc(N);

    ovl_counter_add(shard, id + 1, 5);
    ovl_counters_free(id, N);
    ovl_shard_destroy(shard);
    pass_grace();
    assert_int_equal(ovl_counters_alloc(N), id);
    assert_int_equal(ovl_counter_read(id + 1), 0);
}

static void
freed_block_is_zero_in_a_private_shard(void **state OVS_UNUSED)
{
    enum { N = 779 };
    struct ovl_shard *private = ovl_shard_create_private();
    uint32_t id = ovl_counters_alloc(N);
    ovl_counter_cell *chunk;
    uint64_t value;

    ovl_counter_add(private, id, 5);
    ovl_counters_free(id, N);
    pass_grace();

    atomic_read_relaxed(&private->chunks[id / OVL_COUNTER_CHUNK], &chunk);
    atomic_read_relaxed(&chunk[id % OVL_COUNTER_CHUNK], &value);
    assert_int_equal(value, 0);
    ovl_shard_destroy(private);
}

/* Ports. */

static void
port_ids_are_never_used_again(void **state OVS_UNUSED)
{
    struct ovl_lport *a = fixture_port("vm1");
    uint32_t id = a->id;
    struct ovl_lport *b;

    assert_true(id >= 1);
    assert_string_equal(a->name, "vm1");
    assert_true(ovl_lport_is_alive(a));
    assert_int_equal(ovl_lport_mtu(a), 0);
    assert_true(eth_addr_is_zero(ovl_lport_mac(a)));
    ovl_lport_unref(a);
    pass_grace();

    b = fixture_port("vm1");
    assert_int_not_equal(b->id, id);
    ovl_lport_unref(b);
    pass_grace();
    assert_int_equal(n_live_ports, 0);
}

static void
port_outlives_its_last_reference_until_grace(void **state OVS_UNUSED)
{
    struct ovl_lport *port = fixture_port("vm1");

    assert_ptr_equal(ovl_lport_ref(port), port);
    ovl_lport_unref(port);
    pass_grace();
    assert_int_equal(n_live_ports, 1);

    ovl_lport_unref(port);
    assert_int_equal(n_live_ports, 1);
    assert_string_equal(port->name, "vm1");
    pass_grace();
    assert_int_equal(n_live_ports, 0);

    assert_null(ovl_lport_ref(NULL));
    ovl_lport_unref(NULL);
}

static void
port_made_again_counts_from_zero(void **state OVS_UNUSED)
{
    struct ovl_shard *shard = ovl_shard_create();

    for (int i = 0; i < 3; i++) {
        struct ovl_lport *port = fixture_port("vm1");

        for (int j = 0; j < OVL_N_TRAFFIC; j++) {
            assert_int_equal(ovl_counter_read(port->traffic + j), 0);
            ovl_counter_add(shard, port->traffic + j, 9);
        }
        for (int j = 0; j < OVL_N_DROPS; j++) {
            assert_int_equal(ovl_counter_read(port->drops + j), 0);
            ovl_counter_add(shard, port->drops + j, 9);
        }
        ovl_lport_unref(port);
        pass_grace();
    }
    ovl_shard_destroy(shard);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(totals_exist_from_the_start),
        cmocka_unit_test(sums_are_over_all_shards_past_and_present),
        cmocka_unit_test(sums_have_64_bits),
        cmocka_unit_test(private_shard_is_in_no_sum),
        cmocka_unit_test(later_counters_work_in_earlier_shards),
        cmocka_unit_test(earlier_counters_work_in_later_shards),
        cmocka_unit_test(blocks_are_disjoint_zero_and_within_a_chunk),
        cmocka_unit_test(freed_block_waits_for_a_grace_period),
        cmocka_unit_test(freed_block_forgets_destroyed_shards),
        cmocka_unit_test(freed_block_is_zero_in_a_private_shard),
        cmocka_unit_test(port_ids_are_never_used_again),
        cmocka_unit_test(port_outlives_its_last_reference_until_grace),
        cmocka_unit_test(port_made_again_counts_from_zero),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
