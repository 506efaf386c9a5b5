/* SPDX-License-Identifier: Apache-2.0 */

/* On which nodes memory is asked for, on a machine that has nodes 0, 1 and 3
 * and only writes down what it is asked; and, on this one, where the kernel
 * says that pages are. */

#include <config.h>

#include "tables-fixture.h"

#include <numa.h>
#include <numaif.h>
#include <unistd.h>

#include "counters.h"
#include "exact-map.h"
#include "numa-memory.h"
#include "ovs-numa.h"

#define MB (1024u * 1024)

/* A policy of a range, or, with 'p' NULL, of a thread. */
struct policy {
    void *p;
    size_t size;
    int mode;
    unsigned long nodes;        /* A bit for each. */
};

static struct policy asked[64];
static size_t n_asked;

static bool
fake_has_node(int node)
{
    return node == 0 || node == 1 || node == 3;
}

static long
fake_mbind(void *p, unsigned long size, int mode, const unsigned long *nodes,
           unsigned long max_node OVS_UNUSED, unsigned int flags)
{
    assert_true(n_asked < ARRAY_SIZE(asked));
    assert_int_equal(flags, mode == MPOL_DEFAULT ? 0 : MPOL_MF_MOVE);
    asked[n_asked++] = (struct policy) { p, size, mode, nodes ? nodes[0] : 0 };
    return 0;
}

static long
fake_set_mempolicy(int mode, const unsigned long *nodes,
                   unsigned long max_node OVS_UNUSED)
{
    assert_true(n_asked < ARRAY_SIZE(asked));
    asked[n_asked++] = (struct policy) { NULL, 0, mode, nodes ? nodes[0] : 0 };
    return 0;
}

static const struct ovl_numa_calls fake = {
    .has_node = fake_has_node,
    .mbind = fake_mbind,
    .set_mempolicy = fake_set_mempolicy,
};

static int
fake_setup(void **state OVS_UNUSED)
{
    ovl_numa_set_calls(&fake);
    ovl_numa_share_thread();
    n_asked = 0;
    return 0;
}

static int
fake_teardown(void **state OVS_UNUSED)
{
    ovl_numa_set_calls(NULL);
    ovl_numa_share_thread();
    return 0;
}

/* Takes what was asked first. */
static void
assert_asked(void *p, size_t size, int mode, unsigned long nodes)
{
    assert_true(n_asked > 0);
    assert_ptr_equal(asked[0].p, p);
    assert_int_equal(asked[0].size, size);
    assert_int_equal(asked[0].mode, mode);
    assert_int_equal(asked[0].nodes, nodes);
    memmove(asked, asked + 1, --n_asked * sizeof *asked);
}

static void
memory_of_a_thread_is_on_its_node(void **state OVS_UNUSED)
{
    char *p = ovl_numa_alloc(10000, 3);

    assert_asked(p, 10000, MPOL_PREFERRED, 1 << 3);
    for (int i = 0; i < 10000; i++) {
        assert_int_equal(p[i], 0);
        p[i] = 1;
    }
    ovl_numa_free(p, 10000);
    ovl_numa_free(NULL, 10000);
    assert_int_equal(n_asked, 0);
}

static void
memory_on_a_node_that_is_not_there_is_anywhere(void **state OVS_UNUSED)
{
    const int nodes[] = { 2, 4, -1, 128, INT_MIN, OVS_NUMA_UNSPEC };

    for (size_t i = 0; i < ARRAY_SIZE(nodes); i++) {
        char *p = ovl_numa_alloc(4096, nodes[i]);

        p[4095] = 1;
        ovl_numa_free(p, 4096);
    }
    ovl_numa_set_readers(nodes, ARRAY_SIZE(nodes));
    ovl_numa_share_thread();
    assert_int_equal(n_asked, 0);
}

static void
counters_are_on_the_node_of_their_thread(void **state OVS_UNUSED)
{
    struct ovl_shard *anywhere = ovl_shard_create();
    struct ovl_shard *shard;
    uint32_t last;
    size_t n;

    assert_int_equal(n_asked, 0);
    shard = ovl_shard_create_on(1);
    n = n_asked;
    assert_true(n >= 2);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(asked[i].mode, MPOL_PREFERRED);
        assert_int_equal(asked[i].nodes, 1 << 1);
    }

    /* Whoever makes more of them, wherever that is. */
    n_asked = 0;
    last = ovl_counters_alloc(OVL_COUNTER_CHUNK);
    assert_int_equal(n_asked, 1);
    assert_int_equal(asked[0].mode, MPOL_PREFERRED);
    assert_int_equal(asked[0].nodes, 1 << 1);
    ovl_counter_add(shard, last + OVL_COUNTER_CHUNK - 1, 7);
    assert_int_equal(ovl_counter_read(last + OVL_COUNTER_CHUNK - 1), 7);

    ovl_shard_destroy(shard);
    ovl_shard_destroy(anywhere);
    ovl_counters_free(last, OVL_COUNTER_CHUNK);
    pass_grace();
}

static void
tables_are_spread_over_the_nodes_of_their_readers(void **state OVS_UNUSED)
{
    char *p = ovl_numa_alloc(MB, OVS_NUMA_UNSPEC);

    ovl_numa_set_readers((int[]) { 3, 0, 3 }, 3);
    ovl_numa_share(p, MB);
    assert_asked(p, MB, MPOL_INTERLEAVE, 1 << 0 | 1 << 3);
    ovl_numa_unshare(p);
    ovl_numa_free(p, MB);

    ovl_numa_set_readers((int[]) { 1 }, 1);
    assert_int_equal(n_asked, 0);
}

static void
tables_move_when_their_readers_do(void **state OVS_UNUSED)
{
    char *p = ovl_numa_alloc(MB, OVS_NUMA_UNSPEC);

    /* Nobody reads it yet. */
    ovl_numa_share(p, MB);
    assert_int_equal(n_asked, 0);

    ovl_numa_set_readers((int[]) { 0 }, 1);
    assert_asked(p, MB, MPOL_INTERLEAVE, 1 << 0);
    ovl_numa_set_readers((int[]) { 0, 0 }, 2);
    assert_int_equal(n_asked, 0);
    ovl_numa_set_readers((int[]) { 1, 0, 2 }, 3);
    assert_asked(p, MB, MPOL_INTERLEAVE, 1 << 0 | 1 << 1);

    /* The last one has gone; what is there has no better place. */
    ovl_numa_set_readers(NULL, 0);
    assert_asked(p, MB, MPOL_DEFAULT, 0);
    assert_int_equal(n_asked, 0);
    ovl_numa_unshare(p);
    ovl_numa_free(p, MB);
}

static void
writer_spreads_what_it_allocates(void **state OVS_UNUSED)
{
    ovl_numa_set_readers((int[]) { 0, 1 }, 2);
    assert_int_equal(n_asked, 0);
    ovl_numa_share_thread();
    assert_asked(NULL, 0, MPOL_INTERLEAVE, 1 << 0 | 1 << 1);
    ovl_numa_share_thread();
    assert_int_equal(n_asked, 0);

    ovl_numa_set_readers(NULL, 0);
    ovl_numa_share_thread();
    assert_asked(NULL, 0, MPOL_DEFAULT, 0);
}

static void
transaction_spreads_what_its_thread_allocates(void **state OVS_UNUSED)
{
    struct ovl_forwarding *fwd = ovl_forwarding_create();

    ovl_numa_set_readers((int[]) { 1, 3 }, 2);
    n_asked = 0;
    ovl_forwarding_begin(fwd);
    assert_asked(NULL, 0, MPOL_INTERLEAVE, 1 << 1 | 1 << 3);
    ovl_forwarding_commit(fwd);
    ovl_forwarding_begin(fwd);
    ovl_forwarding_commit(fwd);
    assert_int_equal(n_asked, 0);
    ovl_forwarding_destroy(fwd);
    pass_grace();
}

static void
large_map_is_spread_and_a_small_one_is_its_threads(void **state OVS_UNUSED)
{
    struct ovl_exact_map map;

    ovl_numa_set_readers((int[]) { 0, 3 }, 2);
    n_asked = 0;
    ovl_exact_map_init(&map);
    assert_int_equal(n_asked, 0);
    for (uint32_t i = 1; i <= 300000; i++) {
        ovl_exact_map_set(&map, (struct ovl_exact_key) { .x = i }, i);
        pass_grace();
    }
    assert_true(n_asked > 0);
    for (size_t i = 0; i < n_asked; i++) {
        assert_int_equal(asked[i].mode, MPOL_INTERLEAVE);
        assert_int_equal(asked[i].nodes, 1 << 0 | 1 << 3);
        assert_true(asked[i].size >= 2 * MB);
    }

    /* Arrays that are no more do not move. */
    n_asked = 0;
    ovl_numa_set_readers((int[]) { 1 }, 1);
    assert_asked(asked[0].p,
                 ROUND_UP(ovl_exact_map_size(&map), get_page_size()),
                 MPOL_INTERLEAVE, 1 << 1);
    assert_int_equal(n_asked, 0);
    ovl_exact_map_destroy(&map);
    pass_grace();
    ovl_numa_set_readers((int[]) { 0 }, 1);
    assert_int_equal(n_asked, 0);
}

/* Here. */

static void
assert_on_node(char *p, size_t size, int node)
{
    size_t page = sysconf(_SC_PAGESIZE);

    for (size_t ofs = 0; ofs < size; ofs += page) {
        void *start = p + ofs;
        int status = -1;

        assert_int_equal(move_pages(0, 1, &start, NULL, &status, 0), 0);
        assert_int_equal(status, node);
    }
}

static void
assert_policy(void *p, int mode, int node)
{
    unsigned long nodes[1024 / 64] = { 0 };
    int actual;

    assert_int_equal(get_mempolicy(&actual, nodes, 1024, p,
                                   p ? MPOL_F_ADDR : 0), 0);
    assert_int_equal(actual, mode);
    assert_int_equal(nodes[0], mode == MPOL_DEFAULT ? 0 : 1ul << node);
}

/* On each node that there is. */
static void
kernel_has_the_memory_where_it_was_asked_for(void **state OVS_UNUSED)
{
    if (numa_available() < 0) {
        skip();
    }
    for (int node = 0; node <= MIN(numa_max_node(), 63); node++) {
        if (!numa_bitmask_isbitset(numa_all_nodes_ptr, node)) {
            continue;
        }

        char *p = ovl_numa_alloc(MB, node);
        memset(p, 1, MB);
        assert_policy(p, MPOL_PREFERRED, node);
        assert_on_node(p, MB, node);
        ovl_numa_free(p, MB);

        /* Moved when it is there already. */
        p = ovl_numa_alloc(MB, OVS_NUMA_UNSPEC);
        memset(p, 1, MB);
        assert_policy(p, MPOL_DEFAULT, node);
        ovl_numa_share(p, MB);
        ovl_numa_set_readers(&node, 1);
        assert_policy(p, MPOL_INTERLEAVE, node);
        assert_on_node(p, MB, node);
        ovl_numa_unshare(p);
        ovl_numa_free(p, MB);

        ovl_numa_share_thread();
        assert_policy(NULL, MPOL_INTERLEAVE, node);
    }
    ovl_numa_set_readers(NULL, 0);
    ovl_numa_share_thread();
    assert_policy(NULL, MPOL_DEFAULT, 0);
}

/* Made by a thread that shares what it allocates. */
static void *
become_a_packet_thread(void *policies_)
{
    int *policies = policies_;

    assert_int_equal(get_mempolicy(&policies[0], NULL, 0, NULL, 0), 0);
    ovl_numa_unshare_thread();
    assert_int_equal(get_mempolicy(&policies[1], NULL, 0, NULL, 0), 0);
    return NULL;
}

static void
packet_thread_does_not_inherit_sharing(void **state OVS_UNUSED)
{
    int policies[2];

    if (numa_available() < 0) {
        skip();
    }
    ovl_numa_set_readers((int[]) { 0 }, 1);
    ovl_numa_share_thread();
    xpthread_join(ovs_thread_create("packet", become_a_packet_thread,
                                    policies), NULL);
    assert_int_equal(policies[0], MPOL_INTERLEAVE);
    assert_int_equal(policies[1], MPOL_DEFAULT);
    ovl_numa_set_readers(NULL, 0);
    ovl_numa_share_thread();
}

static void
kernel_without_numa_does_as_it_likes(void **state OVS_UNUSED)
{
    char *p = ovl_numa_alloc(MB, MAX_NUMA_NODES - 1);

    ovl_numa_set_readers((int[]) { MAX_NUMA_NODES - 1 }, 1);
    ovl_numa_share(p, MB);
    memset(p, 1, MB);
    ovl_numa_unshare(p);
    ovl_numa_free(p, MB);
    ovl_numa_share_thread();
}

#define FAKE(NAME) \
    cmocka_unit_test_setup_teardown(NAME, fake_setup, fake_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        FAKE(memory_of_a_thread_is_on_its_node),
        FAKE(memory_on_a_node_that_is_not_there_is_anywhere),
        FAKE(counters_are_on_the_node_of_their_thread),
        FAKE(tables_are_spread_over_the_nodes_of_their_readers),
        FAKE(tables_move_when_their_readers_do),
        FAKE(writer_spreads_what_it_allocates),
        FAKE(transaction_spreads_what_its_thread_allocates),
        FAKE(large_map_is_spread_and_a_small_one_is_its_threads),
        cmocka_unit_test(kernel_has_the_memory_where_it_was_asked_for),
        cmocka_unit_test(packet_thread_does_not_inherit_sharing),
        cmocka_unit_test(kernel_without_numa_does_as_it_likes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
