/* SPDX-License-Identifier: Apache-2.0 */

/* Index of nodes: random changes against a naive list, with chains, and a
 * writer at full rate beside readers that must find what stays. */

#include <config.h>

#include "tables-fixture.h"

#include "node-index.h"
#include "timeval.h"

struct item {
    struct ovl_inode inode;
    uint32_t name;              /* What it is looked for by. */
};

static struct item *
item_cast(struct ovl_inode *node)
{
    return node ? CONTAINER_OF(node, struct item, inode) : NULL;
}

static struct item *
insert(struct ovl_index *index, uint64_t key, uint32_t name)
{
    struct item *item = xzalloc(sizeof *item);

    item->name = name;
    ovl_index_insert(index, &item->inode, key);
    return item;
}

static void
delete(struct ovl_index *index, struct item *item)
{
    ovl_index_remove(index, &item->inode);
    ovsrcu_postpone(free, item);
}

/* Finds an item in a chain. */
static struct item *
find_name(struct ovl_inode *node, uint32_t name)
{
    for (; node; node = ovl_inode_next(node)) {
        if (item_cast(node)->name == name) {
            return item_cast(node);
        }
    }
    return NULL;
}

/* Against a list. */

#define N_NAMES 300
#define N_CHANGES 60000
#define SEED 99

/* What keys are like. */
static enum { IN_A_ROW, SCATTERED, LONG, MIXED, N_KINDS } kind;

/* Names share keys in threes. */
static uint64_t
key_of(uint32_t name)
{
    uint32_t number = name / 3;
    uint32_t scattered = UINT32_MAX - number * 0x01234567;
    uint64_t longer = (uint64_t) number << 32 | UINT64_C(1) << 62;

    switch (kind) {
    case IN_A_ROW: return number;
    case SCATTERED: return scattered;
    case LONG: return longer;
    case MIXED: return number % 5 ? longer : scattered;
    case N_KINDS: break;
    }
    OVS_NOT_REACHED();
}

static void
check_all(const struct ovl_index *index, struct item *const items[])
{
    struct ovl_inode *nodes[OVL_EXACT_BULK_MAX];
    uint64_t keys[OVL_EXACT_BULK_MAX];

    for (uint32_t i = 0; i < N_NAMES; i += OVL_EXACT_BULK_MAX) {
        size_t n = MIN(OVL_EXACT_BULK_MAX, N_NAMES - i);

        for (size_t j = 0; j < n; j++) {
            keys[j] = key_of(i + j);
        }
        ovl_index_find_bulk(index, keys, n, nodes, sizeof(struct item));
        for (size_t j = 0; j < n; j++) {
            struct item *item = items[i + j];

            assert_ptr_equal(find_name(nodes[j], i + j), item);
            assert_ptr_equal(find_name(ovl_index_find(index, keys[j]), i + j),
                             item);
        }
    }
}

static size_t
count(const struct ovl_index *index)
{
    struct ovl_inode *node = NULL;
    bool seen[N_NAMES] = { false };
    size_t n = 0;
    uint64_t at;

    while ((node = ovl_index_next(index, node, &at))) {
        struct item *item = item_cast(node);

        assert_false(seen[item->name]);
        seen[item->name] = true;
        n++;
    }
    return n;
}

static void
compare_with_list(void)
{
    struct item *items[N_NAMES] = { NULL };
    struct ovl_index index;
    size_t n = 0;

    random_set_seed(SEED);
    ovl_index_init(&index);
    for (int i = 0; i < N_CHANGES; i++) {
        /* In turn mostly added, and mostly removed. */
        bool add = random_range(8) < (i / 2000 % 2 ? 2 : 6);
        uint32_t name = random_range(N_NAMES);

        if (add && !items[name]) {
            items[name] = insert(&index, key_of(name), name);
            n++;
        } else if (!add && items[name]) {
            delete(&index, items[name]);
            items[name] = NULL;
            n--;
        }
        assert_int_equal(index.n, n);
        if (i % 100 == 0) {
            check_all(&index, items);
            assert_int_equal(count(&index), n);
            pass_grace();
        }
    }

    /* They were used again. */
    assert_true(index.n_slots <= N_NAMES / 3 + 1);

    struct ovl_inode *node = NULL;
    uint64_t at;
    while ((node = ovl_index_next(&index, node, &at))) {
        delete(&index, item_cast(node));
    }
    assert_int_equal(count(&index), 0);
    ovl_index_destroy(&index);
    pass_grace();
}

static void
index_finds_what_a_list_finds(void **state OVS_UNUSED)
{
    for (kind = 0; kind < N_KINDS; kind++) {
        compare_with_list();
    }
}

/* Readers are where a node was when it is removed, and go on. */
static void
removed_node_leads_on(void **state OVS_UNUSED)
{
    struct ovl_index index;
    struct item *items[4];

    ovl_index_init(&index);
    for (int i = 0; i < 4; i++) {
        items[i] = insert(&index, 7, i);
    }
    struct ovl_inode *node = ovl_index_find(&index, 7);
    assert_ptr_equal(item_cast(node), items[3]);    /* The newest. */
    delete(&index, items[3]);
    delete(&index, items[1]);
    node = ovl_inode_next(node);
    assert_ptr_equal(item_cast(node), items[2]);
    node = ovl_inode_next(node);
    assert_ptr_equal(item_cast(node), items[0]);
    assert_null(ovl_inode_next(node));
    delete(&index, items[2]);
    delete(&index, items[0]);
    assert_null(ovl_index_find(&index, 7));
    ovl_index_destroy(&index);
    pass_grace();
}

/* Beside readers. */

#define N_STABLE 500
#define N_CHURN 6000
#define MSECS 200

static struct {
    struct ovl_index index;
    atomic_bool stop;
    ATOMIC(uint32_t) n_missed;
} shared;

/* Some of those that come and go share keys with those that stay. */
static uint64_t
shared_key(uint32_t name)
{
    uint32_t number = name < N_STABLE + 100 ? name % N_STABLE : name;

    return (kind == LONG ? number * UINT64_C(0x123456789abcd) + (1ull << 33)
            : kind == SCATTERED ? number * 0x10001
            : number);
}

static void *
reader_main(void *arg OVS_UNUSED)
{
    struct ovl_inode *nodes[OVL_EXACT_BULK_MAX];
    uint64_t keys[OVL_EXACT_BULK_MAX];
    uint32_t names[OVL_EXACT_BULK_MAX];
    uint32_t n_missed = 0, first = 0;
    bool stop;

    do {
        for (uint32_t i = 0; i < OVL_EXACT_BULK_MAX; i++) {
            names[i] = (first + i) % N_STABLE;
            keys[i] = shared_key(names[i]);
        }
        ovl_index_find_bulk(&shared.index, keys, OVL_EXACT_BULK_MAX, nodes,
                            sizeof(struct item));
        for (uint32_t i = 0; i < OVL_EXACT_BULK_MAX; i++) {
            n_missed += !find_name(nodes[i], names[i]);
        }
        n_missed += !find_name(ovl_index_find(&shared.index,
                                              shared_key(first)), first);

        /* One that may be there. */
        uint32_t other = N_STABLE + first * 11 % N_CHURN;
        find_name(ovl_index_find(&shared.index, shared_key(other)), other);

        first = (first + 1) % N_STABLE;
        ovsrcu_quiesce();
        atomic_read_relaxed(&shared.stop, &stop);
    } while (!stop);
    atomic_store_relaxed(&shared.n_missed, n_missed);
    return NULL;
}

static void
change_beside_readers(void)
{
    struct item *churn[N_CHURN] = { NULL };
    struct item *stable[N_STABLE];
    uint32_t n_missed;
    pthread_t reader;

    random_set_seed(SEED);
    ovl_index_init(&shared.index);
    atomic_init(&shared.stop, false);
    atomic_init(&shared.n_missed, 0);
    for (uint32_t i = 0; i < N_STABLE; i++) {
        stable[i] = insert(&shared.index, shared_key(i), i);
    }
    reader = ovs_thread_create("reader", reader_main, NULL);

    /* All come and all go, at least once, so that arrays grow and shrink. */
    long long int end = time_msec() + MSECS;
    do {
        for (int add = 1; add >= 0; add--) {
            for (uint32_t i = 0; i < N_CHURN; i++) {
                uint32_t j = i * 7 % N_CHURN;

                if (add) {
                    churn[j] = insert(&shared.index, shared_key(N_STABLE + j),
                                      N_STABLE + j);
                } else {
                    delete(&shared.index, churn[j]);
                }
                if (i % 64 == 0) {
                    ovsrcu_quiesce();
                }
            }
        }
    } while (time_msec() < end);

    atomic_store_relaxed(&shared.stop, true);
    xpthread_join(reader, NULL);
    atomic_read_relaxed(&shared.n_missed, &n_missed);
    assert_int_equal(n_missed, 0);
    for (uint32_t i = 0; i < N_STABLE; i++) {
        delete(&shared.index, stable[i]);
    }
    ovl_index_destroy(&shared.index);
    ovsrcu_quiesce();
}

static void
readers_find_what_stays(void **state OVS_UNUSED)
{
    for (kind = 0; kind < MIXED; kind++) {
        change_beside_readers();
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(index_finds_what_a_list_finds),
        cmocka_unit_test(removed_node_leads_on),
        cmocka_unit_test(readers_find_what_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
