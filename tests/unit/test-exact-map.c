/* SPDX-License-Identifier: Apache-2.0 */

/* Exact match, all ways to look up, compared with a naive model: an array of
 * what each key should have.
 *
 * Seeds are fixed; a failure names its seed.  The parameters of the map's
 * bijection are made from the seed, too. */

#include <config.h>

#include "tables-fixture.h"

#include "exact-map.h"

#define MAX_KEYS 60000

/* Kinds of keys. */
enum pattern {
    IN_A_ROW,
    APART,                      /* 2**24 apart. */
    TOP,                        /* Only the upper bits of 'x' differ. */
    Y_AND_X,                    /* All of 'y' for each 'x'. */
    RANDOM,
    N_PATTERNS
};

static struct ovl_exact_key
key_nr(enum pattern pattern, uint32_t i)
{
    switch (pattern) {
    case IN_A_ROW:
        return (struct ovl_exact_key) { 0x525400000000 + i, 0 };
    case APART:
        return (struct ovl_exact_key) { (uint64_t) i << 24, 3 };
    case TOP:
        return (struct ovl_exact_key) { 5 + ((uint64_t) i << 44), 0xff };
    case Y_AND_X:
        return (struct ovl_exact_key) { i >> 8, i };
    case RANDOM:
        /* Another bijection. */
        return (struct ovl_exact_key) {
            (i ^ UINT64_C(0x5bd1e995)) * UINT64_C(0x9e3779b97f4a7c15),
            i * 0x61 >> 3,
        };
    case N_PATTERNS:
        break;
    }
    OVS_NOT_REACHED();
}

static void
set_seed(struct ovl_exact_map *map)
{
    struct ovl_exact_seed *seed = &map->seed;

    seed->add = (uint64_t) random_uint32() << 32 | random_uint32();
    seed->mul_y = (uint64_t) random_uint32() << 32 | random_uint32();
    for (int i = 0; i < 3; i++) {
        uint64_t mul = (uint64_t) random_uint32() << 32 | random_uint32() | 1;
        uint64_t inverse = 1;

        for (int bit = 1; bit < 64; bit++) {
            if (mul * inverse & UINT64_C(1) << bit) {
                inverse |= UINT64_C(1) << bit;
            }
        }
        seed->mul[i] = mul;
        seed->inverse[i] = inverse;
        assert_true(mul * inverse == 1);
    }
}

/* Compares keys 'first' to 'first' + 'n' - 1 with 'model', by 'variant', in
 * bulks of all sizes, half of them as large as can be. */
static void
check_variant(const struct ovl_exact_map *map,
              const struct ovl_exact_variant *variant, enum pattern pattern,
              const uint32_t *model, uint32_t n, uint32_t seed)
{
    for (uint32_t i = 0; i < n; ) {
        uint32_t n_most = MIN(OVL_EXACT_BULK_MAX, n - i);
        uint32_t n_bulk
            = random_range(2) ? n_most : 1 + random_range(n_most);
        uint32_t values[OVL_EXACT_BULK_MAX];
        uint64_t lows[OVL_EXACT_BULK_MAX];
        uint32_t highs[OVL_EXACT_BULK_MAX];
        uint32_t any = 0;

        /* What is beyond must not be looked at, nor written. */
        memset(lows, 0xaa, sizeof lows);
        memset(highs, 0xaa, sizeof highs);
        memset(values, 0x55, sizeof values);
        for (uint32_t j = 0; j < n_bulk; j++) {
            struct ovl_exact_key key = key_nr(pattern, i + j);

            /* Split in the middle, or in the upper part what 'x' has not
             * room for. */
            highs[j] = key.y << 16 | (i % 2 ? key.x >> 48 : 0);
            lows[j] = key.x ^ (uint64_t) highs[j] << 48;
            any |= model[i + j];
        }
        assert_int_equal(variant->find_bulk(map, lows, highs, n_bulk, values),
                         any);
        for (uint32_t j = 0; j < n_bulk; j++) {
            if (values[j] != model[i + j]) {
                fail_msg("seed %u, pattern %d, %s: key %u has %u instead of "
                         "%u", seed, pattern, variant->name, i + j, values[j],
                         model[i + j]);
            }
        }
        for (uint32_t j = n_bulk; j < OVL_EXACT_BULK_MAX; j++) {
            assert_int_equal(values[j], 0x55555555);
        }
        i += n_bulk;
    }
}

static void
check_all(const struct ovl_exact_map *map, enum pattern pattern,
          const uint32_t *model, uint32_t n, uint32_t seed)
{
    const struct ovl_exact_variant *v;
    size_t count = 0;

    for (v = ovl_exact_variants; v->name; v++) {
        if (v->is_supported()) {
            check_variant(map, v, pattern, model, n, seed);
        }
    }
    for (uint32_t i = 0; i < n; i++) {
        assert_int_equal(ovl_exact_map_find(map, key_nr(pattern, i)),
                         model[i]);
        count += model[i] != 0;
    }
    assert_int_equal(map->n, count);

    /* Each key once, and as it was put in. */
    struct ovl_exact_entry *entries = ovl_exact_map_snapshot(map, &count);
    uint64_t sum = 0;

    assert_int_equal(count, map->n);
    for (uint32_t i = 0; i < n; i++) {
        struct ovl_exact_key key = key_nr(pattern, i);

        sum += model[i] ? model[i] ^ key.x * 3 ^ key.y : 0;
    }
    for (size_t i = 0; i < count; i++) {
        sum -= entries[i].value ^ entries[i].key.x * 3 ^ entries[i].key.y;
    }
    assert_true(sum == 0);
    free(entries);
}

/* Of 32 keys, which ten buckets have, some are in their second bucket.  How
 * many are looked up there without a look at whether they are has to be about
 * two to five times the average, or it is slow, and 8 at most. */
static void
check_seconds_of_bulk(struct ovl_exact_array *array)
{
    size_t average = array->n_second * 10;      /* Times 'n_buckets'. */
    uint32_t n;

    atomic_read_relaxed(&array->n_seconds_of_bulk, &n);
    if (!n) {
        assert_true(average * 5 < array->n_buckets * 2);
    } else {
        assert_true(n <= 8);
        assert_true(n * array->n_buckets <= average * 5);
        assert_true(n == 8 || n * array->n_buckets >= average * 2);
    }
}

/* Counts of keys that are in their second bucket have to be right, or some
 * are not found, or late.  Without a hint they are found late, and a hint for
 * none has another line fetched. */
static void
check_heads(const struct ovl_exact_map *map)
{
    struct ovl_exact_array *array
        = ovsrcu_get(struct ovl_exact_array *, &map->array);
    uint8_t *counts = xcalloc(array->n_buckets, sizeof *counts);
    struct ovl_exact_entry *entries;
    size_t n, n_second = 0;

    entries = ovl_exact_map_snapshot(map, &n);
    for (size_t i = 0; i < n; i++) {
        const struct ovl_exact_key *key = &entries[i].key;
        uint64_t tag = ovl_exact_tag(&map->seed, key->x, key->y);
        uint32_t first = ovl_exact_first(array, tag, key->y);
        uint32_t second = ovl_exact_second(array, tag, key->y);
        bool in_first = false;

        assert_true(first / 256 != second / 256);
        assert_true(first < array->n_buckets && second < array->n_buckets);
        for (int slot = 0; slot < OVL_EXACT_SLOTS; slot++) {
            in_first = in_first || (array->buckets[first].tags[slot] == tag
                                    && array->buckets[first].values[slot]);
        }
        counts[first] += !in_first;
        n_second += !in_first;
        assert_true(in_first || ovl_exact_hint(array, first, tag));
    }
    for (uint32_t i = 0; i < array->n_buckets; i++) {
        assert_int_equal(array->buckets[i].head & 0xff, counts[i]);
        assert_true(counts[i] || (!ovl_exact_hint(array, i, 0)
                                  && !ovl_exact_hint(array, i, UINT64_MAX)));
    }
    assert_int_equal(array->n_second, n_second);
    check_seconds_of_bulk(array);
    free(entries);
    free(counts);
}

static void
random_changes_give_what_the_model_has(void **state OVS_UNUSED)
{
    static const uint32_t sizes[] = { 1, 5, 300, 2000, 2200, 20000 };
    uint32_t *model = xmalloc(MAX_KEYS * sizeof *model);
    size_t n_moves = 0;

    for (uint32_t seed = 1; seed <= 10; seed++) {
        for (enum pattern p = 0; p < N_PATTERNS; p++) {
            uint32_t n = sizes[(seed + p) % ARRAY_SIZE(sizes)];
            struct ovl_exact_map map;

            random_set_seed(seed);
            ovl_exact_map_init(&map);
            set_seed(&map);
            memset(model, 0, n * sizeof *model);
            for (uint32_t i = 0; i < 4 * n; i++) {
                uint32_t k = random_range(n);
                uint32_t odds = i / n < 2 ? 9 : 3;

                model[k] = random_range(10) < odds ? 1 + random_uint32() / 2
                           : 0;
                ovl_exact_map_set(&map, key_nr(p, k), model[k]);
                if (i % n == n - 1) {
                    check_all(&map, p, model, n, seed);
                    check_heads(&map);
                }
            }
            n_moves += map.n_moves;
            ovl_exact_map_destroy(&map);
            pass_grace();
        }
    }
    print_message("%"PRIuSIZE" keys moved\n", n_moves);
    assert_true(n_moves > 1000);
    free(model);
}

/* Up to four fifths and a little more, and down to nothing. */
static void
array_grows_and_shrinks_with_the_keys(void **state OVS_UNUSED)
{
    uint32_t *model = xcalloc(MAX_KEYS, sizeof *model);
    struct ovl_exact_map map;
    size_t most;

    ovl_exact_map_init(&map);
    size_t least = ovl_exact_map_size(&map);
    for (uint32_t i = 0; i < MAX_KEYS; i++) {
        model[i] = i + 1;
        ovl_exact_map_set(&map, key_nr(IN_A_ROW, i), i + 1);
        size_t size = ovl_exact_map_size(&map);
        assert_true(size <= (i + 1) * 24 + least);
        assert_true(size / 64 * 5 >= i + 1);
    }
    check_all(&map, IN_A_ROW, model, MAX_KEYS, 0);
    most = ovl_exact_map_size(&map);
    for (uint32_t i = 0; i < MAX_KEYS; i++) {
        model[i] = 0;
        ovl_exact_map_set(&map, key_nr(IN_A_ROW, i), 0);
        if (i % 10000 == 9999) {
            check_all(&map, IN_A_ROW, model, MAX_KEYS, 0);
            check_heads(&map);
        }
    }
    assert_int_equal(ovl_exact_map_size(&map), least);
    assert_true(most > 10 * least);
    ovl_exact_map_destroy(&map);
    pass_grace();
    free(model);
}

/* So many keys that readers look at hints. */
static void
large_arrays_give_what_the_model_has(void **state OVS_UNUSED)
{
    enum { N = OVL_EXACT_HINTED * OVL_EXACT_SLOTS / 5 * 4 + 1 };
    uint32_t *model = xcalloc(N, sizeof *model);
    struct ovl_exact_map map;

    random_set_seed(1);
    ovl_exact_map_init(&map);
    set_seed(&map);
    for (uint32_t i = 0; i < N; i++) {
        model[i] = i + 1;
        ovl_exact_map_set(&map, key_nr(RANDOM, i), model[i]);
    }
    assert_true(ovsrcu_get(struct ovl_exact_array *, &map.array)->n_buckets
                >= OVL_EXACT_HINTED);
    check_all(&map, RANDOM, model, N, 1);
    check_heads(&map);
    for (uint32_t i = 0; i < N; i += 2) {
        model[i] = 0;
        ovl_exact_map_set(&map, key_nr(RANDOM, i), 0);
    }
    check_all(&map, RANDOM, model, N, 1);
    check_heads(&map);
    ovl_exact_map_destroy(&map);
    pass_grace();
    free(model);
}

/* As many keys as fit in one bucket, and more, all with the same first
 * bucket. */
static void
keys_of_one_bucket_go_elsewhere(void **state OVS_UNUSED)
{
    struct ovl_exact_key full[64];
    struct ovl_exact_map map;
    size_t n = 0;

    ovl_exact_map_init(&map);
    struct ovl_exact_array *array
        = ovsrcu_get(struct ovl_exact_array *, &map.array);
    for (uint32_t i = 0; n < ARRAY_SIZE(full); i++) {
        struct ovl_exact_key key = key_nr(RANDOM, i);
        uint64_t tag = ovl_exact_tag(&map.seed, key.x, key.y);

        if (ovl_exact_first(array, tag, key.y) == 300) {
            full[n++] = key;
        }
    }
    for (size_t i = 0; i < n; i++) {
        ovl_exact_map_set(&map, full[i], i + 1);
        if (i + 1 < n) {
            assert_int_equal(ovl_exact_map_find(&map, full[i + 1]), 0);
        }
        for (size_t j = 0; j <= i; j++) {
            assert_int_equal(ovl_exact_map_find(&map, full[j]), j + 1);
        }
    }
    check_heads(&map);
    for (size_t i = 0; i < n; i++) {
        ovl_exact_map_set(&map, full[i], 0);
        for (size_t j = i + 1; j < n; j++) {
            assert_int_equal(ovl_exact_map_find(&map, full[j]), j + 1);
        }
    }
    check_heads(&map);
    ovl_exact_map_destroy(&map);
    pass_grace();
}

/* The 'x' whose tag is 'tag': undoes ovl_exact_tag() step by step. */
static uint64_t
x_of_tag(const struct ovl_exact_seed *seed, uint64_t tag, uint8_t y)
{
    uint64_t x = tag;

    for (int i = 2; i >= 0; i--) {
        x = (x ^ x >> 32) * seed->inverse[i];
    }
    return x - seed->add - y * seed->mul_y;
}

/* A key that differs from one that is there in a single bit, of what is kept
 * of it, is not taken for it.  Most are looked for in the same bucket. */
static void
every_bit_of_a_key_counts(void **state OVS_UNUSED)
{
    const struct ovl_exact_key key = { 0x52540012abcd, 0x5a };
    struct ovl_exact_map map;

    random_set_seed(1);
    ovl_exact_map_init(&map);
    set_seed(&map);
    ovl_exact_map_set(&map, key, 77);
    uint64_t tag = ovl_exact_tag(&map.seed, key.x, key.y);

    for (const struct ovl_exact_variant *v = ovl_exact_variants; v->name;
         v++) {
        if (!v->is_supported()) {
            continue;
        }
        for (int bit = -1; bit < 72; bit++) {
            uint8_t y = key.y ^ (bit >= 64 ? 1 << (bit - 64) : 0);
            uint64_t flip = bit >= 0 && bit < 64 ? UINT64_C(1) << bit : 0;
            uint64_t x = x_of_tag(&map.seed, tag ^ flip, y);
            uint32_t high = y << 16;
            uint32_t value;

            assert_true(ovl_exact_tag(&map.seed, x, y) == (tag ^ flip));
            v->find_bulk(&map, &x, &high, 1, &value);
            if (value != (bit < 0 ? 77 : 0)) {
                fail_msg("%s, bit %d: %u", v->name, bit, value);
            }
        }
    }
    ovl_exact_map_destroy(&map);
    pass_grace();
}

/* Numbers up to the largest, and for each size of a bulk nothing beyond. */
static void
things_are_where_their_numbers_say(void **state OVS_UNUSED)
{
    const char *things = (const char *) UINT64_C(0x123456789a80);
    const void *found[OVL_EXACT_BULK_MAX + 1];
    uint32_t values[OVL_EXACT_BULK_MAX];

    random_set_seed(1);
    for (const struct ovl_exact_variant *v = ovl_exact_variants; v->name;
         v++) {
        for (size_t n = 1; v->is_supported() && n <= OVL_EXACT_BULK_MAX;
             n++) {
            uint32_t size = n % 2 ? 24 : 64;

            memset(found, 0x55, sizeof found);
            for (size_t i = 0; i < n; i++) {
                values[i] = random_range(3) ? random_uint32() : 0;
            }
            v->locate_bulk(values, n, things, size, found);
            for (size_t i = 0; i < n; i++) {
                assert_ptr_equal(found[i],
                                 values[i] ? things + values[i] * (size_t) size
                                 : NULL);
            }
            assert_true((uintptr_t) found[n] == UINT64_C(0x5555555555555555));
        }
    }
}

/* A bucket that says "many" says so for good. */
static void
hundreds_of_keys_of_one_bucket(void **state OVS_UNUSED)
{
    enum { N = 300 };
    struct ovl_exact_key keys[N];
    struct ovl_exact_map map;
    size_t n = 0;

    /* So large that the keys have room, and the array stays. */
    ovl_exact_map_init(&map);
    for (uint32_t i = 0; i < MAX_KEYS; i++) {
        ovl_exact_map_set(&map, key_nr(IN_A_ROW, i), 1);
    }
    for (uint32_t i = 0; i < MAX_KEYS / 2; i++) {
        ovl_exact_map_set(&map, key_nr(IN_A_ROW, i), 0);
    }

    struct ovl_exact_array *array
        = ovsrcu_get(struct ovl_exact_array *, &map.array);
    for (uint32_t i = 0; n < N; i++) {
        struct ovl_exact_key key = key_nr(RANDOM, i);
        uint64_t tag = ovl_exact_tag(&map.seed, key.x, key.y);

        if (ovl_exact_first(array, tag, key.y) == 1000) {
            keys[n++] = key;
        }
    }
    for (size_t i = 0; i < N; i++) {
        ovl_exact_map_set(&map, keys[i], i + 1);
    }
    assert_ptr_equal(ovsrcu_get(struct ovl_exact_array *, &map.array), array);
    assert_int_equal(array->buckets[1000].head & 0xff, 0xff);
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(ovl_exact_map_find(&map, keys[i]), i + 1);
        ovl_exact_map_set(&map, keys[i], 0);
        assert_int_equal(ovl_exact_map_find(&map, keys[i]), 0);
    }
    ovl_exact_map_destroy(&map);
    pass_grace();
}

/* Keys as people and programs number them spread as well as random ones: how
 * many are not in their first bucket tells. */
static void
structured_keys_spread_well(void **state OVS_UNUSED)
{
    for (uint32_t seed = 1; seed <= 20; seed++) {
        for (enum pattern p = 0; p < N_PATTERNS; p++) {
            struct ovl_exact_map map;
            size_t n_second = 0;

            random_set_seed(seed);
            ovl_exact_map_init(&map);
            set_seed(&map);
            for (uint32_t i = 0; i < 20000; i++) {
                ovl_exact_map_set(&map, key_nr(p, i), i + 1);
            }

            struct ovl_exact_array *array
                = ovsrcu_get(struct ovl_exact_array *, &map.array);
            for (uint32_t i = 0; i < array->n_buckets; i++) {
                n_second += array->buckets[i].head & 0xff;
            }
            if (n_second > 3500) {
                fail_msg("seed %u, pattern %d: %"PRIuSIZE" of 20000 keys are "
                         "not in their first bucket", seed, p, n_second);
            }
            ovl_exact_map_destroy(&map);
            pass_grace();
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_changes_give_what_the_model_has),
        cmocka_unit_test(array_grows_and_shrinks_with_the_keys),
        cmocka_unit_test(large_arrays_give_what_the_model_has),
        cmocka_unit_test(every_bit_of_a_key_counts),
        cmocka_unit_test(keys_of_one_bucket_go_elsewhere),
        cmocka_unit_test(hundreds_of_keys_of_one_bucket),
        cmocka_unit_test(things_are_where_their_numbers_say),
        cmocka_unit_test(structured_keys_spread_well),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
