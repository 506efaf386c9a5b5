/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: ovl_exact_.
 *
 * Readers of exact-map.h.  Those with AVX-512 are in exact-avx512.c.
 *
 * Memory order.  The writer puts a key into a free entry of a bucket in these
 * steps, each visible before the next:
 *
 *     1. The bucket's head counts a change.
 *     2. The tag.
 *     3. The value.
 *     4. The head counts another.
 *
 * It frees an entry by setting its value to 0, which is visible before step 1
 * of whatever comes into it next; and a key that moves is freed in the former
 * bucket after step 4 in the new one.  A reader loads, in this order:
 *
 *     1. The head.
 *     2. All values.
 *     3. All tags.
 *     4. The head again: did it change, the result does not count.
 *
 * Then a value never goes with the tag of another key.  If the value was
 * stored after the tag was, the tag is loaded after the value, so it is the
 * new one too.  If the tag is newer than the value, the value was loaded
 * before the entry was freed, so the first head was loaded before step 1 of
 * the writer, and the second after it: they differ.
 *
 * Nor is a key missed that moves from its second bucket to its first while a
 * reader looks at the first and then at the second: if it finds the second
 * free already, the head of the first has counted step 4 by then, which the
 * reader had not loaded when it found the first without the key.  The other
 * way round, it sees that the key has left its first bucket only after it
 * has come to the second.
 *
 * There is no step in which a reader would have to wait for the writer to
 * take the next one. */

#include <config.h>

#include "exact-find.h"

static inline ALWAYS_INLINE uint32_t
match_portable(const struct ovl_exact_bucket *b_, uint64_t tag)
{
    struct ovl_exact_bucket *b = CONST_CAST(struct ovl_exact_bucket *, b_);
    uint32_t values[OVL_EXACT_SLOTS];
    uint64_t tags[OVL_EXACT_SLOTS];
    uint32_t value = 0;

    for (int i = 0; i < OVL_EXACT_SLOTS; i++) {
        atomic_read_explicit(&b->values[i], &values[i], memory_order_acquire);
    }
    OVL_EXACT_BETWEEN_STEPS();
    for (int i = 0; i < OVL_EXACT_SLOTS; i++) {
        atomic_read_explicit(&b->tags[i], &tags[i], memory_order_acquire);
    }
    for (int i = 0; i < OVL_EXACT_SLOTS; i++) {
        value |= values[i] & -(uint32_t) (tags[i] == tag);
    }
    return value;
}

uint32_t
ovl_exact_find_carefully(const struct ovl_exact_array *array, uint64_t tag,
                         uint8_t y)
{
    const struct ovl_exact_bucket *first
        = &array->buckets[ovl_exact_first(array, tag, y)];
    const struct ovl_exact_bucket *second
        = &array->buckets[ovl_exact_second(array, tag, y)];

    for (;;) {
        uint32_t head1 = ovl_exact_load_head(first);
        uint32_t value = match_portable(first, tag);

        if (ovl_exact_load_head(first) != head1) {
            continue;
        } else if (value || !(head1 & 0xff)) {
            return value;
        }

        uint32_t head2 = ovl_exact_load_head(second);
        value = match_portable(second, tag);
        if (ovl_exact_load_head(second) == head2
            && (value || ovl_exact_load_head(first) == head1)) {
            return value;
        }
    }
}

uint32_t
ovl_exact_find_all_carefully(const struct ovl_exact_array *array,
                             const struct ovl_exact_keys *keys,
                             uint32_t values[])
{
    uint32_t any = 0;

    for (size_t i = 0; i < keys->n; i++) {
        values[i] = ovl_exact_find_carefully(array, keys->tags[i],
                                             ovl_exact_y(keys, i));
        any |= values[i];
    }
    return any;
}

static inline ALWAYS_INLINE void
hash_portable(const struct ovl_exact_map *map,
              const struct ovl_exact_array *array, const uint64_t lows[],
              struct ovl_exact_keys *keys)
{
    for (size_t i = 0; i < keys->n; i++) {
        uint64_t x = lows[i] ^ (uint64_t) keys->highs[i] << 48;
        uint8_t y = ovl_exact_y(keys, i);
        uint64_t tag = ovl_exact_tag(&map->seed, x, y);

        keys->tags[i] = tag;
        keys->firsts[i] = &array->buckets[ovl_exact_first(array, tag, y)];
        OVS_PREFETCH(keys->firsts[i]);
    }
}

static inline ALWAYS_INLINE uint32_t
check_portable(const struct ovl_exact_keys *keys, const uint32_t values[],
               uint32_t *any)
{
    uint32_t left = 0;

    *any = 0;
    for (size_t i = 0; i < keys->n; i++) {
        left |= (uint32_t) (!values[i] & ((keys->heads[i] & 0xff) != 0)) << i;
        *any |= values[i];
    }
    return left;
}

static const struct ovl_exact_array *
array_of(const struct ovl_exact_map *map)
{
    return ovsrcu_get(struct ovl_exact_array *, &map->array);
}

static bool
is_supported_portable(void)
{
    return true;
}

static uint32_t
find_bulk_portable(const struct ovl_exact_map *map, const uint64_t lows[],
                   const uint32_t highs[], size_t n, uint32_t values[])
{
    return ovl_exact_find_bulk(map, array_of(map), lows, highs, n, values,
                               hash_portable, match_portable, check_portable);
}

#ifdef OVL_EXACT_X86_VECTORS
/* AVX2. */

#define AVX2 __attribute__((__target__("avx2,bmi")))

static bool
is_supported_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi");
}

static AVX2 inline ALWAYS_INLINE uint32_t
match_avx2(const struct ovl_exact_bucket *b, uint64_t tag)
{
    __m256i low = _mm256_load_si256((const void *) b);

    OVL_EXACT_LOADS_IN_ORDER();
    __m256i four = _mm256_loadu_si256((const void *) &b->tags[0]);
    uint64_t fifth = *(const volatile uint64_t *) &b->tags[4];

    /* Bits 0 to 4: the tag is right; the value is not zero. */
    __m256i equal = _mm256_cmpeq_epi64(four, _mm256_set1_epi64x(tag));
    __m256i zero = _mm256_cmpeq_epi32(low, _mm256_setzero_si256());
    uint32_t found = _mm256_movemask_pd(_mm256_castsi256_pd(equal))
                     | (fifth == tag) << 4;
    found &= ~_mm256_movemask_ps(_mm256_castsi256_ps(zero)) >> 1;

    /* Dword 1 has value 0; without any, number 32 of the lowest bit leads to
     * dword 1 + 32 % 8, which does not matter. */
    __m256i which = _mm256_set1_epi32(1 + _tzcnt_u32(found));
    __m256i value = _mm256_permutevar8x32_epi32(low, which);

    return found ? _mm256_cvtsi256_si32(value) : 0;
}

static AVX2 uint32_t
find_bulk_avx2(const struct ovl_exact_map *map, const uint64_t lows[],
               const uint32_t highs[], size_t n, uint32_t values[])
{
    return ovl_exact_find_bulk(map, array_of(map), lows, highs, n, values,
                               hash_portable, match_avx2, check_portable);
}
#endif /* OVL_EXACT_X86_VECTORS */

const struct ovl_exact_variant ovl_exact_variants[] = {
#ifdef OVL_EXACT_X86_VECTORS
    { "AVX-512", ovl_exact_is_supported_avx512, ovl_exact_find_bulk_avx512,
      ovl_exact_locate_bulk_avx512 },
    { "AVX2", is_supported_avx2, find_bulk_avx2, ovl_exact_locate },
#endif
    { "portable", is_supported_portable, find_bulk_portable,
      ovl_exact_locate },
    { NULL, NULL, NULL, NULL },
};
