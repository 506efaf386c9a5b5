/* SPDX-License-Identifier: Apache-2.0 */

/* Which PMD thread polls which queue.  Threads are t0, t1, ... on cores 10,
 * 11, ...; there are two NUMA nodes unless a test says otherwise. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ovs-numa.h"
#include "random.h"
#include "rxq-assign.h"
#include "util.h"

#define ANY OVS_CORE_UNSPEC

static const struct ovl_assign_how anew = {
    .anew = true, .isolate = true, .by_cycles = true,
};
static const struct ovl_assign_how keep = {
    .isolate = true, .by_cycles = true,
};

static struct ovl_assign_thread
thread(unsigned int core, int numa)
{
    return (struct ovl_assign_thread) { .core_id = core, .numa_id = numa };
}

static struct ovl_assign_rxq
rxq(int numa, unsigned int pinned, unsigned int polled_by, uint64_t cycles)
{
    return (struct ovl_assign_rxq) {
        .numa_id = numa, .pinned = pinned, .polled_by = polled_by,
        .cycles = cycles,
    };
}

static void
test_queues_go_to_threads_of_their_numa_node(void **state OVS_UNUSED)
{
    struct ovl_assign_thread t[] = { thread(10, 0), thread(11, 1) };
    struct ovl_assign_rxq q[] = {
        rxq(1, ANY, ANY, 0), rxq(1, ANY, ANY, 0), rxq(0, ANY, ANY, 0),
        rxq(OVS_NUMA_UNSPEC, ANY, ANY, 0),
    };

    ovl_rxq_assign(t, 2, q, 4, &anew);
    assert_int_equal(q[0].thread, 1);
    assert_int_equal(q[1].thread, 1);
    assert_int_equal(q[2].thread, 0);
    assert_int_equal(q[3].thread, 0);   /* Which has fewer. */
    assert_int_equal(t[0].n_rxqs, 2);
}

static void
test_queue_of_a_node_without_a_thread_goes_to_another(void **state OVS_UNUSED)
{
    struct ovl_assign_thread t[] = { thread(10, 0), thread(11, 0) };
    struct ovl_assign_rxq q[] = { rxq(1, ANY, ANY, 0), rxq(1, ANY, ANY, 0) };

    ovl_rxq_assign(t, 2, q, 2, &anew);
    assert_int_equal(q[0].thread, 0);
    assert_int_equal(q[1].thread, 1);
    assert_int_equal(q[0].note, OVL_ASSIGN_FINE);
}

static void
test_pinned_queue_isolates_its_thread(void **state OVS_UNUSED)
{
    struct ovl_assign_thread t[] = {
        thread(10, 0), thread(11, 0), thread(12, 0)
    };
    struct ovl_assign_rxq q[] = {
        rxq(0, ANY, 11, 1), rxq(0, 11, ANY, 1), rxq(0, ANY, ANY, 1),
        rxq(0, ANY, ANY, 1), rxq(0, 11, ANY, 1),
    };
    struct ovl_assign_how shared = keep;

    ovl_rxq_assign(t, 3, q, 5, &keep);
    assert_int_equal(q[1].thread, 1);
    assert_int_equal(q[4].thread, 1);
    assert_true(t[1].isolated);
    assert_int_equal(t[1].n_rxqs, 2);
    for (size_t i = 0; i < ARRAY_SIZE(q); i++) {
        assert_int_equal(q[i].note, OVL_ASSIGN_FINE);
    }

    shared.isolate = false;
    ovl_rxq_assign(t, 3, q, 5, &shared);
    assert_int_equal(q[0].thread, 1);   /* Stays. */
    assert_false(t[1].isolated);
}

static void
test_no_queue_stays_without_a_thread(void **state OVS_UNUSED)
{
    struct ovl_assign_thread t[] = { thread(10, 0) };
    struct ovl_assign_rxq q[] = {
        rxq(0, 10, ANY, 0), rxq(0, ANY, ANY, 0), rxq(0, 99, ANY, 0)
    };

    ovl_rxq_assign(t, 1, q, 3, &anew);
    assert_int_equal(t[0].n_rxqs, 3);
    assert_int_equal(q[0].note, OVL_ASSIGN_FINE);
    assert_int_equal(q[1].note, OVL_ASSIGN_INTRUDER);
    assert_int_equal(q[2].note, OVL_ASSIGN_NO_CORE);

    ovl_rxq_assign(t, 0, q, 3, &anew);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(q[i].thread, OVL_ASSIGN_NONE);
        assert_int_equal(q[i].note, OVL_ASSIGN_NO_THREAD);
    }
}

static void
test_busiest_queue_gets_a_thread_of_its_own(void **state OVS_UNUSED)
{
    struct ovl_assign_thread t[] = { thread(10, 0), thread(11, 0) };
    struct ovl_assign_rxq q[] = {
        rxq(0, ANY, 10, 100), rxq(0, ANY, 10, 1000), rxq(0, ANY, 11, 300),
        rxq(0, ANY, 11, 200),
    };

    ovl_rxq_assign(t, 2, q, 4, &keep);
    assert_int_equal(t[0].cycles, 1100);
    ovl_rxq_assign(t, 2, q, 4, &anew);
    assert_int_equal(q[1].thread, 0);
    assert_int_equal(q[0].thread, 1);
    assert_int_equal(q[2].thread, 1);
    assert_int_equal(q[3].thread, 1);
}

static void
test_new_queues_are_spread_whatever_the_load(void **state OVS_UNUSED)
{
    struct ovl_assign_thread t[] = { thread(10, 0), thread(11, 0) };
    struct ovl_assign_rxq q[] = {
        rxq(0, ANY, 10, 1000), rxq(0, ANY, 11, 10), rxq(0, ANY, ANY, 0),
        rxq(0, ANY, ANY, 0),
    };

    ovl_rxq_assign(t, 2, q, 4, &keep);
    assert_int_equal(t[0].n_rxqs, 2);
    assert_int_equal(t[1].n_rxqs, 2);
}

static void
test_queue_moves_when_a_thread_of_its_node_appears(void **state OVS_UNUSED)
{
    struct ovl_assign_thread t[] = { thread(10, 0), thread(11, 1) };
    struct ovl_assign_rxq q[] = { rxq(1, ANY, 10, 5), rxq(0, ANY, 10, 5) };

    ovl_rxq_assign(t, 2, q, 2, &keep);
    assert_int_equal(q[0].thread, 1);
    assert_int_equal(q[1].thread, 0);
}

/* Whatever is asked, the answer has these properties. */
static void
test_random_assignments(void **state OVS_UNUSED)
{
    random_set_seed(1);
    for (int round = 0; round < 5000; round++) {
        struct ovl_assign_thread t[6];
        struct ovl_assign_rxq q[20];
        size_t n_t = 1 + random_range(ARRAY_SIZE(t));
        size_t n_q = random_range(ARRAY_SIZE(q) + 1);
        struct ovl_assign_how how = {
            .anew = random_range(2), .isolate = random_range(2),
            .by_cycles = random_range(2),
        };
        uint64_t sum = 0, total = 0;
        bool any_open = false;
        size_t n_rxqs = 0;

        for (size_t i = 0; i < n_t; i++) {
            t[i] = thread(10 + i, random_range(2));
        }
        for (size_t i = 0; i < n_q; i++) {
            q[i] = rxq(random_range(2),
                       random_range(3) ? ANY : 10 + random_range(8),
                       random_range(2) ? ANY : 10 + random_range(8),
                       random_range(4) ? random_range(1000) : 0);
            total += q[i].cycles;
        }
        ovl_rxq_assign(t, n_t, q, n_q, &how);

        for (size_t i = 0; i < n_t; i++) {
            sum += t[i].cycles;
            n_rxqs += t[i].n_rxqs;
            any_open |= !t[i].isolated;
        }
        assert_int_equal(sum, total);
        assert_int_equal(n_rxqs, n_q);
        for (size_t i = 0; i < n_q; i++) {
            const struct ovl_assign_thread *mine = &t[q[i].thread];
            bool pinned = q[i].pinned != ANY && q[i].pinned < 10 + n_t;

            assert_true(q[i].thread < n_t);
            if (pinned) {
                assert_int_equal(mine->core_id, q[i].pinned);
                assert_true(mine->isolated == how.isolate);
            } else if (any_open) {
                assert_false(mine->isolated);
            }
            assert_true((q[i].note == OVL_ASSIGN_NO_CORE)
                        == (q[i].pinned != ANY && !pinned));
            for (size_t j = 0; j < n_t && !pinned; j++) {
                /* No thread of a better kind is passed over. */
                if (t[j].isolated == mine->isolated
                    && t[j].numa_id == q[i].numa_id) {
                    assert_int_equal(mine->numa_id, q[i].numa_id);
                }
            }
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_queues_go_to_threads_of_their_numa_node),
        cmocka_unit_test(
            test_queue_of_a_node_without_a_thread_goes_to_another),
        cmocka_unit_test(test_pinned_queue_isolates_its_thread),
        cmocka_unit_test(test_no_queue_stays_without_a_thread),
        cmocka_unit_test(test_busiest_queue_gets_a_thread_of_its_own),
        cmocka_unit_test(test_new_queues_are_spread_whatever_the_load),
        cmocka_unit_test(test_queue_moves_when_a_thread_of_its_node_appears),
        cmocka_unit_test(test_random_assignments),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
