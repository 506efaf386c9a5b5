/* SPDX-License-Identifier: Apache-2.0 */

/* Versioned maps: what which version sees, and random changes against a
 * naive list. */

#include <config.h>

#include "tables-fixture.h"

#include "versioned-map.h"

/* The map's key is the item's modulo 4, so that chains are long. */
struct item {
    struct ovl_vnode vnode;
    int key;
};
BUILD_ASSERT_DECL(offsetof(struct item, vnode) == 0);

static struct item *
item_new(int key)
{
    struct item *item = xzalloc(sizeof *item);

    item->key = key;
    return item;
}

static struct item *
insert(struct ovl_vmap *map, int key, ovs_version_t version)
{
    struct item *item = item_new(key);

    ovl_vmap_insert(map, &item->vnode, key % 4, version);
    return item;
}

static struct item *
find(const struct ovl_vmap *map, int key, ovs_version_t version)
{
    struct item *item, *found = NULL;

    OVL_VMAP_FOR_EACH_WITH_KEY (item, vnode, key % 4, version, map) {
        if (item->key == key) {
            assert_null(found);
            found = item;
        }
    }
    return found;
}

static size_t
chain_length(const struct ovl_vnode *node)
{
    size_t n = 0;

    for (; node; node = node->next_removed) {
        n++;
    }
    return n;
}

/* Unlinks and frees 'removed'. */
static void
collect(struct ovl_vmap *map, struct ovl_vnode *removed)
{
    for (struct ovl_vnode *node = removed; node; node = node->next_removed) {
        ovl_vmap_unlink(map, node);
    }
    pass_grace();
    ovl_vnodes_free(removed);
}

static void
entry_is_visible_from_its_version_until_removed(void **state OVS_UNUSED)
{
    struct ovl_vmap map;
    struct item *item;

    ovl_vmap_init(&map);
    item = insert(&map, 5, 11);
    assert_null(find(&map, 5, 10));
    assert_ptr_equal(find(&map, 5, 11), item);
    assert_ptr_equal(find(&map, 5, 12), item);
    assert_null(find(&map, 1, 11));
    assert_int_equal(ovl_vmap_count(&map), 0);
    assert_null(ovl_vmap_settle(&map));
    assert_int_equal(ovl_vmap_count(&map), 1);

    ovl_vmap_remove(&map, &item->vnode, 12);
    assert_null(find(&map, 5, 10));
    assert_ptr_equal(find(&map, 5, 11), item);
    assert_null(find(&map, 5, 12));
    assert_int_equal(ovl_vmap_count(&map), 1);
    assert_ptr_equal(ovl_vmap_settle(&map), &item->vnode);
    assert_int_equal(ovl_vmap_count(&map), 0);

    /* Still there for readers in version 11. */
    assert_ptr_equal(find(&map, 5, 11), item);
    collect(&map, &item->vnode);
    assert_null(find(&map, 5, 11));
    ovl_vmap_destroy(&map);
}

static void
replacement_is_seen_by_new_versions_only(void **state OVS_UNUSED)
{
    struct ovl_vmap map;
    struct item *old, *new;

    ovl_vmap_init(&map);
    old = insert(&map, 5, 2);
    ovl_vmap_settle(&map);
    new = insert(&map, 5, 3);
    ovl_vmap_remove(&map, &old->vnode, 3);
    assert_ptr_equal(find(&map, 5, 2), old);
    assert_ptr_equal(find(&map, 5, 3), new);
    collect(&map, ovl_vmap_settle(&map));
    assert_int_equal(ovl_vmap_count(&map), 1);
    assert_ptr_equal(find(&map, 5, 3), new);

    ovl_vmap_remove(&map, &new->vnode, 4);
    collect(&map, ovl_vmap_settle(&map));
    ovl_vmap_destroy(&map);
}

static void
discarded_and_restored_changes_are_none(void **state OVS_UNUSED)
{
    struct ovl_vmap map;
    struct item *item, *other;

    ovl_vmap_init(&map);
    assert_false(ovl_vmap_is_changed(&map));
    item = insert(&map, 5, 2);
    assert_true(ovl_vmap_is_changed(&map));
    ovl_vmap_discard(&map, &item->vnode);
    assert_false(ovl_vmap_is_changed(&map));
    assert_null(find(&map, 5, 2));
    pass_grace();
    free(item);

    item = insert(&map, 6, 2);
    other = insert(&map, 10, 2);
    ovl_vmap_settle(&map);
    for (int i = 0; i < 3; i++) {
        ovl_vmap_remove(&map, &item->vnode, 3);
        assert_true(ovl_vmap_is_changed(&map));
        ovl_vmap_restore(&map, &item->vnode);
        assert_false(ovl_vmap_is_changed(&map));
    }
    assert_null(ovl_vmap_settle(&map));
    assert_ptr_equal(find(&map, 6, 3), item);

    /* Removed, restored, removed: once in the chain. */
    ovl_vmap_remove(&map, &item->vnode, 3);
    ovl_vmap_remove(&map, &other->vnode, 3);
    ovl_vmap_restore(&map, &item->vnode);
    ovl_vmap_remove(&map, &item->vnode, 3);
    struct ovl_vnode *removed = ovl_vmap_settle(&map);
    assert_int_equal(chain_length(removed), 2);
    assert_int_equal(ovl_vmap_count(&map), 0);
    collect(&map, removed);
    ovl_vmap_destroy(&map);
}

static void
snapshot_has_each_visible_entry_once(void **state OVS_UNUSED)
{
    struct ovl_vmap map;
    struct item *items[100];
    struct ovl_vnode **nodes;
    size_t n;

    ovl_vmap_init(&map);
    for (int i = 0; i < 100; i++) {
        items[i] = insert(&map, i, 2);
    }
    ovl_vmap_settle(&map);
    for (int i = 0; i < 100; i += 2) {
        ovl_vmap_remove(&map, &items[i]->vnode, 3);
    }
    for (int version = 2; version <= 3; version++) {
        bool seen[100] = { false };

        nodes = ovl_vmap_snapshot(&map, version, &n);
        assert_int_equal(n, version == 2 ? 100 : 50);
        for (size_t i = 0; i < n; i++) {
            int key = CONTAINER_OF(nodes[i], struct item, vnode)->key;

            assert_false(seen[key]);
            assert_true(version == 2 || key % 2);
            seen[key] = true;
        }
        free(nodes);
    }
    nodes = ovl_vmap_snapshot(&map, 1, &n);
    assert_int_equal(n, 0);
    free(nodes);

    for (int i = 1; i < 100; i += 2) {
        ovl_vmap_remove(&map, &items[i]->vnode, 3);
    }
    collect(&map, ovl_vmap_settle(&map));
    ovl_vmap_destroy(&map);
}

/* Random changes to a map, compared in each version with the key sets that
 * were written down when it was published. */
static void
equals_list_in_each_version(void **state OVS_UNUSED)
{
    enum { KEYS = 24, VERSIONS = 40 };

    for (uint32_t seed = 1; seed <= 30; seed++) {
        bool sets[VERSIONS][KEYS] = { { false } };
        struct item *base[KEYS] = { NULL };
        struct ovl_vnode *removed[VERSIONS];
        struct ovl_vmap map;

        random_set_seed(seed);
        ovl_vmap_init(&map);
        for (int v = 1; v < VERSIONS; v++) {
            memcpy(sets[v], sets[v - 1], sizeof sets[v]);
            for (int i = random_range(10); i > 0; i--) {
                int key = random_range(KEYS);

                if (sets[v][key] != sets[v - 1][key]) {
                    continue;
                }
                if (base[key]) {
                    ovl_vmap_remove(&map, &base[key]->vnode, v);
                    base[key] = NULL;
                } else {
                    base[key] = insert(&map, key, v);
                }
                sets[v][key] = base[key] != NULL;
            }
            removed[v] = ovl_vmap_settle(&map);

            for (int w = 0; w <= v; w++) {
                size_t n = 0;

                for (int key = 0; key < KEYS; key++) {
                    if (!find(&map, key, w) != !sets[w][key]) {
                        fail_msg("seed %u, key %d, version %d after %d",
                                 seed, key, w, v);
                    }
                    n += sets[w][key];
                }
                if (w == v && n != ovl_vmap_count(&map)) {
                    fail_msg("seed %u, version %d: count", seed, w);
                }
            }
        }
        for (int v = 1; v < VERSIONS; v++) {
            collect(&map, removed[v]);
        }
        for (int key = 0; key < KEYS; key++) {
            if (find(&map, key, VERSIONS) != base[key]) {
                fail_msg("seed %u, key %d after collection", seed, key);
            }
            if (base[key]) {
                ovl_vmap_remove(&map, &base[key]->vnode, VERSIONS);
            }
        }
        collect(&map, ovl_vmap_settle(&map));
        ovl_vmap_destroy(&map);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entry_is_visible_from_its_version_until_removed),
        cmocka_unit_test(replacement_is_seen_by_new_versions_only),
        cmocka_unit_test(discarded_and_restored_changes_are_none),
        cmocka_unit_test(snapshot_has_each_visible_entry_once),
        cmocka_unit_test(equals_list_in_each_version),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
