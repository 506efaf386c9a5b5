/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: ovl_exact_.
 *
 * Readers of exact-map.h with AVX-512, as servers have it since 2017.  Memory
 * order is as in exact-find.c. */

#include <config.h>

#include "exact-find.h"

#ifdef OVL_EXACT_X86_VECTORS
#define AVX512 \
    __attribute__((__target__("avx512f,avx512dq,avx512bw,avx512vl")))

bool
ovl_exact_is_supported_avx512(void)
{
    return (__builtin_cpu_supports("avx512f")
            && __builtin_cpu_supports("avx512dq")
            && __builtin_cpu_supports("avx512bw")
            && __builtin_cpu_supports("avx512vl"));
}

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
    return n >= 8 ? 0xff : (1u << n) - 1;
}

/* Fills in 'tags' and 'firsts', and fetches the buckets, eight keys at a
 * time. */
static AVX512 inline ALWAYS_INLINE void
hash(const struct ovl_exact_map *map, const struct ovl_exact_array *array,
     const uint64_t lows[], struct ovl_exact_keys *keys)
{
    const __m512i add = _mm512_set1_epi64(map->seed.add);
    const __m512i mul_y = _mm512_set1_epi64(map->seed.mul_y);
    const __m512i mul0 = _mm512_set1_epi64(map->seed.mul[0]);
    const __m512i mul1 = _mm512_set1_epi64(map->seed.mul[1]);
    const __m512i mul2 = _mm512_set1_epi64(map->seed.mul[2]);
    const __m512i n_buckets = _mm512_set1_epi64(array->n_buckets);
    const __m512i buckets = _mm512_set1_epi64((uintptr_t) array->buckets);

    for (size_t i = 0; i < keys->n; i += 8) {
        __mmask8 mask = lanes(keys->n - i);
        __m512i low = _mm512_maskz_loadu_epi64(mask, &lows[i]);
        __m512i high = _mm512_cvtepu32_epi64(
            _mm256_maskz_loadu_epi32(mask, &keys->highs[i]));
        __m512i x = _mm512_xor_si512(low, _mm512_slli_epi64(high, 48));
        __m512i y = _mm512_srli_epi64(_mm512_slli_epi64(high, 40), 56);
        __m512i z = _mm512_add_epi64(_mm512_add_epi64(x, add),
                                     _mm512_mullo_epi64(y, mul_y));

        z = _mm512_mullo_epi64(z, mul0);
        z = _mm512_mullo_epi64(_mm512_xor_si512(z, _mm512_srli_epi64(z, 32)),
                               mul1);
        z = _mm512_mullo_epi64(_mm512_xor_si512(z, _mm512_srli_epi64(z, 32)),
                               mul2);
        __m512i top = _mm512_srli_epi64(z, 32);
        __m512i number = _mm512_srli_epi64(_mm512_mul_epu32(top, n_buckets),
                                           32);

        number = _mm512_slli_epi64(_mm512_xor_si512(number, y), 6);
        _mm512_storeu_si512(&keys->tags[i], _mm512_xor_si512(z, top));
        _mm512_storeu_si512(&keys->firsts[i],
                            _mm512_add_epi64(buckets, number));
#pragma GCC unroll 8
        for (size_t j = i; j < i + 8; j++) {
            OVS_PREFETCH(keys->firsts[j]);
        }
    }
}

/* For ovl_exact_find_bulk(), eight keys at a time. */
static AVX512 inline ALWAYS_INLINE uint32_t
check(const struct ovl_exact_keys *keys, const uint32_t values[],
      uint32_t *any)
{
    __m256i all = _mm256_setzero_si256();
    uint32_t left = 0;

    for (size_t i = 0; i < keys->n; i += 8) {
        __mmask8 mask = lanes(keys->n - i);
        __m256i value = _mm256_maskz_loadu_epi32(mask, &values[i]);
        __m256i head = _mm256_loadu_si256((const void *) &keys->heads[i]);

        mask = _mm256_mask_testn_epi32_mask(mask, value, value);
        mask = _mm256_mask_test_epi32_mask(mask, head,
                                           _mm256_set1_epi32(0xff));
        left |= (uint32_t) mask << i;
        all = _mm256_or_si256(all, value);
    }

    __m128i half = _mm_or_si128(_mm256_castsi256_si128(all),
                                _mm256_extracti128_si256(all, 1));
    uint64_t quarter = _mm_extract_epi64(half, 0) | _mm_extract_epi64(half, 1);

    *any = quarter | quarter >> 32;
    return left;
}
BUILD_ASSERT_DECL(OVL_EXACT_BULK_MAX % 8 == 0);

AVX512 uint32_t
ovl_exact_find_bulk_avx512(const struct ovl_exact_map *map,
                           const uint64_t lows[], const uint32_t highs[],
                           size_t n, uint32_t values[])
{
    const struct ovl_exact_array *array
        = ovsrcu_get(struct ovl_exact_array *, &map->array);

    return ovl_exact_find_bulk(map, array, lows, highs, n, values, hash,
                               match, check);
}
#endif /* OVL_EXACT_X86_VECTORS */
