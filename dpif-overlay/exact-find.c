/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: ovl_exact_.
 *
 * Readers of exact-map.h.
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

#include "exact-map.h"

#include "util.h"

/* ThreadSanitizer does not know that loads of vectors are meant to race. */
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__)
#define HAVE_X86_VECTORS 1
#include <immintrin.h>
#endif

static inline ALWAYS_INLINE uint32_t
load_head(const struct ovl_exact_bucket *b)
{
    uint32_t head;

    atomic_read_explicit(&CONST_CAST(struct ovl_exact_bucket *, b)->head,
                         &head, memory_order_acquire);
    return head;
}

/* Steps 2 and 3.  Returns the value of the entry with 'tag', 0 if there is
 * none. */
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
        uint32_t head1 = load_head(first);
        uint32_t value = match_portable(first, tag);

        if (load_head(first) != head1) {
            continue;
        } else if (value || !(head1 & 0xff)) {
            return value;
        }

        uint32_t head2 = load_head(second);
        value = match_portable(second, tag);
        if (load_head(second) == head2
            && (value || load_head(first) == head1)) {
            return value;
        }
    }
}

/* Keys of a bulk. */
struct keys {
    const uint32_t *highs;      /* The caller's. */
    size_t n;
    uint64_t tags[OVL_EXACT_BULK_MAX];
    const struct ovl_exact_bucket *firsts[OVL_EXACT_BULK_MAX];
    uint32_t heads[OVL_EXACT_BULK_MAX];     /* Of 'firsts'. */
};

static inline ALWAYS_INLINE uint8_t
y_of(const struct keys *keys, size_t i)
{
    return keys->highs[i] >> 16;
}

static inline ALWAYS_INLINE const struct ovl_exact_bucket *
second_of(const struct ovl_exact_array *array, const struct keys *keys,
          size_t i)
{
    return &array->buckets[ovl_exact_second(array, keys->tags[i],
                                            y_of(keys, i))];
}

/* Fills in 'tags' and 'firsts', and fetches the buckets. */
static inline ALWAYS_INLINE void
hash_portable(const struct ovl_exact_map *map,
              const struct ovl_exact_array *array, const uint64_t lows[],
              struct keys *keys)
{
    for (size_t i = 0; i < keys->n; i++) {
        uint64_t x = lows[i] ^ (uint64_t) keys->highs[i] << 48;
        uint64_t tag = ovl_exact_tag(&map->seed, x, y_of(keys, i));

        keys->tags[i] = tag;
        keys->firsts[i]
            = &array->buckets[ovl_exact_first(array, tag, y_of(keys, i))];
        OVS_PREFETCH(keys->firsts[i]);
    }
}

/* Fetches the second buckets of keys that are there, as hints say, so that
 * they come from memory along with the first ones. */
static inline ALWAYS_INLINE void
fetch_hinted(const struct ovl_exact_array *array, const struct keys *keys)
{
    uint8_t hinted[OVL_EXACT_BULK_MAX];
    size_t n = 0;

    for (size_t i = 0; i < keys->n; i++) {
        hinted[n] = i;
        n += ovl_exact_hint(array, keys->firsts[i] - array->buckets,
                            keys->tags[i]);
    }
    for (size_t i = 0; i < n; i++) {
        OVS_PREFETCH(second_of(array, keys, hinted[i]));
    }
}

/* Returns a map of the keys that are not in their first bucket but may be in
 * their second, and stores in '*any' the disjunction of all values. */
static inline ALWAYS_INLINE uint32_t
check_portable(const struct keys *keys, const uint32_t values[],
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

typedef void hash_func(const struct ovl_exact_map *,
                       const struct ovl_exact_array *, const uint64_t lows[],
                       struct keys *);
typedef uint32_t match_func(const struct ovl_exact_bucket *, uint64_t tag);
typedef uint32_t check_func(const struct keys *, const uint32_t values[],
                            uint32_t *any);

/* Looks up those keys of 'left' in their second bucket; it has one at least.
 * Returns the disjunction of their values. */
static inline ALWAYS_INLINE uint32_t
find_left(const struct ovl_exact_array *array, const struct keys *keys,
          uint32_t left, uint32_t values[], match_func *match)
{
    const struct ovl_exact_bucket *seconds[OVL_EXACT_BULK_MAX];
    uint32_t any = 0;
    size_t n = 0;

    for (uint32_t map = left; map; map = zero_rightmost_1bit(map)) {
        seconds[n] = second_of(array, keys, raw_ctz(map));
        OVS_PREFETCH(seconds[n++]);
    }
    n = 0;
    for (; left; left = zero_rightmost_1bit(left)) {
        const struct ovl_exact_bucket *second = seconds[n++];
        uint32_t head = load_head(second);
        size_t i = raw_ctz(left);

        values[i] = match(second, keys->tags[i]);
        if (OVS_UNLIKELY((load_head(second) ^ head)
                         | (load_head(keys->firsts[i]) ^ keys->heads[i]))) {
            values[i] = ovl_exact_find_carefully(array, keys->tags[i],
                                                 y_of(keys, i));
        }
        any |= values[i];
    }
    return any;
}

static inline ALWAYS_INLINE uint32_t
find_bulk(const struct ovl_exact_map *map, const uint64_t lows[],
          const uint32_t highs[], size_t n, uint32_t values[],
          hash_func *hash, match_func *match, check_func *check)
{
    const struct ovl_exact_array *array
        = ovsrcu_get(struct ovl_exact_array *, &map->array);
    uint32_t changed = 0, any, left;
    struct keys keys;

    keys.highs = highs;
    keys.n = n;
    hash(map, array, lows, &keys);
    if (array->n_buckets >= OVL_EXACT_HINTED) {
        fetch_hinted(array, &keys);
    }
    for (size_t i = 0; i < n; i++) {
        const struct ovl_exact_bucket *b = keys.firsts[i];
        uint32_t head = load_head(b);

        keys.heads[i] = head;
        values[i] = match(b, keys.tags[i]);
        changed |= load_head(b) ^ head;
    }
    if (OVS_UNLIKELY(changed)) {
        any = 0;
        for (size_t i = 0; i < n; i++) {
            values[i] = ovl_exact_find_carefully(array, keys.tags[i],
                                                 y_of(&keys, i));
            any |= values[i];
        }
        return any;
    }
    left = check(&keys, values, &any);
    return left ? any | find_left(array, &keys, left, values, match) : any;
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
    return find_bulk(map, lows, highs, n, values, hash_portable,
                     match_portable, check_portable);
}

#ifdef HAVE_X86_VECTORS
/* Positions of a bucket's members, for vectors. */
BUILD_ASSERT_DECL(sizeof(struct ovl_exact_bucket) == 64);
BUILD_ASSERT_DECL(offsetof(struct ovl_exact_bucket, values) == 4);
BUILD_ASSERT_DECL(offsetof(struct ovl_exact_bucket, tags) == 24);

/* Keeps the compiler from loading tags before values; the processor loads in
 * program order as far as others can tell. */
#define LOADS_IN_ORDER() atomic_signal_fence(memory_order_acq_rel)

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

    LOADS_IN_ORDER();
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
    return find_bulk(map, lows, highs, n, values, hash_portable,
                     match_avx2, check_portable);
}

/* AVX-512, as servers have it since 2017. */

#define AVX512 \
    __attribute__((__target__("avx512f,avx512dq,avx512bw,avx512vl")))

static bool
is_supported_avx512(void)
{
    return (__builtin_cpu_supports("avx512f")
            && __builtin_cpu_supports("avx512dq")
            && __builtin_cpu_supports("avx512bw")
            && __builtin_cpu_supports("avx512vl"));
}

static AVX512 inline ALWAYS_INLINE uint32_t
match_avx512(const struct ovl_exact_bucket *b, uint64_t tag)
{
    __m256i low = _mm256_load_si256((const void *) b);

    LOADS_IN_ORDER();
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

/* hash_portable(), eight keys at a time. */
static AVX512 inline ALWAYS_INLINE void
hash_avx512(const struct ovl_exact_map *map,
            const struct ovl_exact_array *array, const uint64_t lows[],
            struct keys *keys)
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

/* check_portable(), eight keys at a time. */
static AVX512 inline ALWAYS_INLINE uint32_t
check_avx512(const struct keys *keys, const uint32_t values[], uint32_t *any)
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

static AVX512 uint32_t
find_bulk_avx512(const struct ovl_exact_map *map, const uint64_t lows[],
                 const uint32_t highs[], size_t n, uint32_t values[])
{
    return find_bulk(map, lows, highs, n, values, hash_avx512,
                     match_avx512, check_avx512);
}
#endif /* HAVE_X86_VECTORS */

const struct ovl_exact_variant ovl_exact_variants[] = {
#ifdef HAVE_X86_VECTORS
    { "AVX-512", is_supported_avx512, find_bulk_avx512 },
    { "AVX2", is_supported_avx2, find_bulk_avx2 },
#endif
    { "portable", is_supported_portable, find_bulk_portable },
    { NULL, NULL, NULL },
};
