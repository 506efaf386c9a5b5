/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: ovl_exact_.
 *
 * Readers of exact-map.h with AVX-512, as servers have it since 2017.  Memory
 * order is as in exact-find.c.
 *
 * How many keys of a bulk are in their second bucket cannot be predicted; and
 * a loop over them ends with a mispredicted branch, which is found out only
 * when all first buckets are there.  So find_steadily() makes the same number
 * of look-ups in second buckets for every bulk, as many as nearly all need.
 * Those that are too many are made for nobody. */

#include <config.h>

#include "exact-find.h"

#ifdef OVL_EXACT_X86_VECTORS
#define AVX512 \
    __attribute__((__target__("avx512f,avx512dq,avx512bw,avx512vl,popcnt")))

bool
ovl_exact_is_supported_avx512(void)
{
    return (__builtin_cpu_supports("avx512f")
            && __builtin_cpu_supports("avx512dq")
            && __builtin_cpu_supports("avx512bw")
            && __builtin_cpu_supports("avx512vl")
            && __builtin_cpu_supports("popcnt"));
}

/* Keys are dealt with in groups of so many. */
#define GROUP 8
BUILD_ASSERT_DECL(OVL_EXACT_BULK_MAX % GROUP == 0);

/* Hinted keys whose second bucket is fetched without asking whether there are
 * so many. */
#define N_FETCHED GROUP

/* What belongs to nobody comes after what belongs to keys. */
#define NOBODY OVL_EXACT_BULK_MAX

/* Some keys of a bulk, in order, and their second buckets.  From 'n' on, up to
 * a whole group at least, they are nobody. */
struct picked {
    size_t n;
    uint64_t who[OVL_EXACT_BULK_MAX + GROUP];   /* Numbers of keys. */
    const struct ovl_exact_bucket *seconds[OVL_EXACT_BULK_MAX + GROUP];
};

static AVX512 inline ALWAYS_INLINE uint32_t
match(const struct ovl_exact_bucket *b, uint64_t tag)
{
    __m256i low = _mm256_load_si256((const void *) b);

    OVL_EXACT_LOADS_IN_ORDER();
    __m512i all = _mm512_load_si512(b);

    /* Qwords 3 to 7 have the tags, dwords 1 to 5 the values. */
    __mmask8 found = _mm512_mask_cmpeq_epi64_mask(0xf8, all,
                                                  _mm512_set1_epi64(tag));
    found = _mm256_mask_test_epi32_mask(_kshiftri_mask8(found, 2), low, low);
    return _mm256_cvtsi256_si32(_mm256_maskz_compress_epi32(found, low));
}

/* A map of the first 'n' of eight lanes. */
static AVX512 inline ALWAYS_INLINE __mmask8
lanes(size_t n)
{
    return n >= GROUP ? 0xff : (1u << n) - 1;
}

/* Fills in 'tags' and 'firsts', and fetches the buckets; stores where the
 * second buckets are, if 'seconds' is nonnull. */
static AVX512 inline ALWAYS_INLINE void
hash_keys(const struct ovl_exact_map *map,
          const struct ovl_exact_array *array, const uint64_t lows[],
          struct ovl_exact_keys *keys,
          const struct ovl_exact_bucket *seconds[])
{
    const __m512i add = _mm512_set1_epi64(map->seed.add);
    const __m512i mul_y = _mm512_set1_epi64(map->seed.mul_y);
    const __m512i mul0 = _mm512_set1_epi64(map->seed.mul[0]);
    const __m512i mul1 = _mm512_set1_epi64(map->seed.mul[1]);
    const __m512i mul2 = _mm512_set1_epi64(map->seed.mul[2]);
    const __m512i buckets = _mm512_set1_epi64((uintptr_t) array->buckets);
    const __m512i n_buckets = _mm512_set1_epi64(array->n_buckets);
    const __m512i n_regions = _mm512_set1_epi64(array->n_regions);
    const __m512i n_others = _mm512_set1_epi64(array->n_regions - 1);
    const __m512i one = _mm512_set1_epi64(1);

    for (size_t i = 0; i < keys->n; i += GROUP) {
        __mmask8 mask = lanes(keys->n - i);
        __m512i low = _mm512_maskz_loadu_epi64(mask, &lows[i]);
        __m512i high = _mm512_cvtepu32_epi64(
            _mm256_maskz_loadu_epi32(mask, &keys->highs[i]));
        __m512i x = _mm512_xor_si512(low, _mm512_slli_epi64(high, 48));
        __m512i y = _mm512_srli_epi64(_mm512_slli_epi64(high, 40), 56);

        /* ovl_exact_tag(). */
        __m512i z = _mm512_add_epi64(_mm512_add_epi64(x, add),
                                     _mm512_mullo_epi64(y, mul_y));
        z = _mm512_mullo_epi64(z, mul0);
        z = _mm512_mullo_epi64(_mm512_xor_si512(z, _mm512_srli_epi64(z, 32)),
                               mul1);
        z = _mm512_mullo_epi64(_mm512_xor_si512(z, _mm512_srli_epi64(z, 32)),
                               mul2);
        __m512i top = _mm512_srli_epi64(z, 32);
        __m512i tag = _mm512_xor_si512(z, top);

        /* ovl_exact_first(). */
        __m512i number = _mm512_srli_epi64(_mm512_mul_epu32(top, n_buckets),
                                           32);
        __m512i first = _mm512_xor_si512(number, y);

        _mm512_store_si512(&keys->tags[i], tag);
        _mm512_store_si512(&keys->firsts[i],
                           _mm512_add_epi64(buckets,
                                            _mm512_slli_epi64(first, 6)));
#pragma GCC unroll 8
        for (size_t j = i; j < i + GROUP; j++) {
            OVS_PREFETCH(keys->firsts[j]);
        }

        if (!seconds) {
            continue;
        }

        /* ovl_exact_second(). */
        __m512i region = _mm512_srli_epi64(number, 8);
        __m512i distance = _mm512_add_epi64(
            one, _mm512_srli_epi64(_mm512_mul_epu32(tag, n_others), 32));
        __m512i second = _mm512_and_si512(_mm512_xor_si512(tag, y),
                                          _mm512_set1_epi64(0xff));

        region = _mm512_add_epi64(region, distance);
        region = _mm512_min_epu64(region,
                                  _mm512_sub_epi64(region, n_regions));
        second = _mm512_or_si512(second, _mm512_slli_epi64(region, 8));
        _mm512_store_si512(&seconds[i],
                           _mm512_add_epi64(buckets,
                                            _mm512_slli_epi64(second, 6)));
    }
}

/* Nobody's second bucket is bucket 0, where nothing is found for it. */
static AVX512 inline ALWAYS_INLINE void
add_nobody(const struct ovl_exact_array *array, struct ovl_exact_keys *keys)
{
    keys->tags[NOBODY] = 0;
    keys->firsts[NOBODY] = array->buckets;
    keys->heads[NOBODY] = ovl_exact_load_head(array->buckets);
}

/* Adds those of the group of keys from 'i' on that are in 'mask'. */
static AVX512 inline ALWAYS_INLINE void
pick(const struct ovl_exact_array *array,
     const struct ovl_exact_bucket *const seconds[], size_t i, __mmask8 mask,
     struct picked *picked)
{
    const __m512i none = _mm512_set1_epi64((uintptr_t) array->buckets);
    const __m512i nobody = _mm512_set1_epi64(NOBODY);
    __m512i who = _mm512_add_epi64(_mm512_set1_epi64(i),
                                   _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7));
    __m512i second = _mm512_load_si512(&seconds[i]);

    _mm512_storeu_si512(&picked->who[picked->n],
                        _mm512_mask_compress_epi64(nobody, mask, who));
    _mm512_storeu_si512(&picked->seconds[picked->n],
                        _mm512_mask_compress_epi64(none, mask, second));
    picked->n += __builtin_popcount(mask);
}

/* Fetches the second buckets of keys that are there, as hints say, so that
 * they come from memory along with the first ones. */
static AVX512 inline ALWAYS_INLINE void
fetch_hinted(const struct ovl_exact_array *array,
             const struct ovl_exact_keys *keys,
             const struct ovl_exact_bucket *const seconds[])
{
    struct picked picked;
    size_t n = keys->n;
    uint32_t map = 0;

    for (size_t i = 0; i < n; i++) {
        uint32_t number = keys->firsts[i] - array->buckets;
        uint32_t hinted = ovl_exact_hint(array, number, keys->tags[i]);

        map |= hinted << i;
    }
    picked.n = 0;
    for (size_t i = 0; i < n; i += GROUP) {
        pick(array, seconds, i, map >> i, &picked);
    }
    for (size_t i = 0; i < MAX(picked.n, N_FETCHED); i++) {
        OVS_PREFETCH(picked.seconds[i]);
    }
}

/* Looks up all keys in their first bucket.  Returns nonzero if a bucket
 * changed meanwhile. */
static AVX512 inline ALWAYS_INLINE uint32_t
find_firsts(struct ovl_exact_keys *keys, uint32_t values[])
{
    uint32_t changed = 0;
    size_t n = keys->n;

#pragma GCC unroll 4
    for (size_t i = 0; i < n; i++) {
        const struct ovl_exact_bucket *b = keys->firsts[i];
        uint32_t head = ovl_exact_load_head(b);

        keys->heads[i] = head;
        values[i] = match(b, keys->tags[i]);
        changed |= ovl_exact_load_head(b) ^ head;
    }
    return changed;
}

/* Returns a map of those of the group of keys from 'i' on that are not in
 * their first bucket but may be in their second.  Adds to the disjunction
 * '*any' of values. */
static AVX512 inline ALWAYS_INLINE __mmask8
check_group(const struct ovl_exact_keys *keys, const uint32_t values[],
            size_t i, __m256i *any)
{
    __mmask8 mask = lanes(keys->n - i);
    __m256i value = _mm256_maskz_loadu_epi32(mask, &values[i]);
    __m256i head = _mm256_load_si256((const void *) &keys->heads[i]);

    *any = _mm256_or_si256(*any, value);
    mask = _mm256_mask_testn_epi32_mask(mask, value, value);
    return _mm256_mask_test_epi32_mask(mask, head, _mm256_set1_epi32(0xff));
}

static AVX512 inline ALWAYS_INLINE uint32_t
disjunction_of(__m256i any)
{
    __m128i half = _mm_or_si128(_mm256_castsi256_si128(any),
                                _mm256_extracti128_si256(any, 1));
    uint64_t quarter = _mm_extract_epi64(half, 0) | _mm_extract_epi64(half, 1);

    return quarter | quarter >> 32;
}

/* Looks up the keys from number 'i' to 'end' of 'picked' in their second
 * bucket.  Adds to the disjunction '*any' of values.  Returns nonzero if a
 * bucket changed meanwhile. */
static AVX512 inline ALWAYS_INLINE uint32_t
find_seconds(const struct ovl_exact_keys *keys, const struct picked *picked,
             size_t i, size_t end, uint32_t values[], uint32_t *any)
{
    uint32_t changed = 0, nowhere;

#pragma GCC unroll 8
    for (size_t j = i; j < end; j++) {
        OVS_PREFETCH(picked->seconds[j]);
    }
#pragma GCC unroll 8
    for (; i < end; i++) {
        const struct ovl_exact_bucket *b = picked->seconds[i];
        uint32_t head = ovl_exact_load_head(b);
        size_t who = picked->who[i];
        uint32_t *to = who == NOBODY ? &nowhere : &values[who];
        uint32_t value = match(b, keys->tags[who]);

        *to = value;
        *any |= value;
        changed |= ((ovl_exact_load_head(b) ^ head)
                    | (ovl_exact_load_head(keys->firsts[who])
                       ^ keys->heads[who]));
    }
    return changed;
}

/* Looks up OVL_EXACT_BULK_MAX keys, of which 'n_least' at least in their
 * second bucket. */
static AVX512 inline ALWAYS_INLINE uint32_t
find_steadily(const struct ovl_exact_map *map,
              const struct ovl_exact_array *array, const uint64_t lows[],
              const uint32_t highs[], size_t n_least, uint32_t values[])
{
    OVS_ALIGNED_VAR(CACHE_LINE_SIZE)
    const struct ovl_exact_bucket *seconds[OVL_EXACT_BULK_MAX];
    struct picked left;
    __m256i all = _mm256_setzero_si256();
    struct ovl_exact_keys keys;
    uint32_t any, changed;

    keys.highs = highs;
    keys.n = OVL_EXACT_BULK_MAX;
    hash_keys(map, array, lows, &keys, seconds);
    if (array->n_buckets >= OVL_EXACT_HINTED) {
        fetch_hinted(array, &keys, seconds);
    }
    changed = find_firsts(&keys, values);
    left.n = 0;
    for (size_t i = 0; i < keys.n; i += GROUP) {
        pick(array, seconds, i, check_group(&keys, values, i, &all), &left);
    }
    any = disjunction_of(all);
    add_nobody(array, &keys);
    changed |= find_seconds(&keys, &left, 0, n_least, values, &any);
    if (OVS_UNLIKELY(left.n > n_least)) {
        changed |= find_seconds(&keys, &left, n_least, left.n, values, &any);
    }
    if (OVS_UNLIKELY(changed)) {
        return ovl_exact_find_all_carefully(array, &keys, values);
    }
    return any;
}

/* For ovl_exact_find_bulk(). */

static AVX512 inline ALWAYS_INLINE void
hash(const struct ovl_exact_map *map, const struct ovl_exact_array *array,
     const uint64_t lows[], struct ovl_exact_keys *keys)
{
    hash_keys(map, array, lows, keys, NULL);
}

static AVX512 inline ALWAYS_INLINE uint32_t
check(const struct ovl_exact_keys *keys, const uint32_t values[],
      uint32_t *any)
{
    __m256i all = _mm256_setzero_si256();
    uint32_t left = 0;

    for (size_t i = 0; i < keys->n; i += GROUP) {
        uint32_t mask = check_group(keys, values, i, &all);

        left |= mask << i;
    }
    *any = disjunction_of(all);
    return left;
}

AVX512 uint32_t
ovl_exact_find_bulk_avx512(const struct ovl_exact_map *map,
                           const uint64_t lows[], const uint32_t highs[],
                           size_t n, uint32_t values[])
{
    struct ovl_exact_array *array
        = ovsrcu_get(struct ovl_exact_array *, &map->array);
    uint32_t n_least = 0;

    if (n == OVL_EXACT_BULK_MAX) {
        atomic_read_relaxed(&array->n_seconds_of_bulk, &n_least);
    }
    if (n_least) {
        return find_steadily(map, array, lows, highs, n_least, values);
    }
    return ovl_exact_find_bulk(map, array, lows, highs, n, values, hash,
                               match, check);
}

AVX512 void
ovl_exact_locate_bulk_avx512(const uint32_t values[], size_t n,
                             const void *things, uint32_t size,
                             const void *found[])
{
    const __m512i start = _mm512_set1_epi64((uintptr_t) things);
    const __m512i size8 = _mm512_set1_epi64(size);

    for (size_t i = 0; i < n; i += GROUP) {
        OVS_ALIGNED_VAR(CACHE_LINE_SIZE) const void *group[GROUP];
        __mmask8 mask = lanes(n - i);
        __m512i value = _mm512_cvtepu32_epi64(
            _mm256_maskz_loadu_epi32(mask, &values[i]));
        __m512i address = _mm512_maskz_add_epi64(
            _mm512_test_epi64_mask(value, value), start,
            _mm512_mul_epu32(value, size8));

        _mm512_store_si512(group, address);
        _mm512_mask_storeu_epi64(&found[i], mask, address);
#pragma GCC unroll 8
        for (size_t j = 0; j < GROUP; j++) {
            OVS_PREFETCH(group[j]);
        }
    }
}
#endif /* OVL_EXACT_X86_VECTORS */
