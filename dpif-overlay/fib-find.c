/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: ovl_fib_.
 *
 * Looks up in bursts.  All addresses of a burst take a step before one takes
 * the next, so that the cache lines of the next step are on their way for all
 * of them.  fib-private.h says how a FIB lies in memory.
 *
 * What a step does with a node is written once for each kind of processor;
 * the rest is the same, compiled as often.  The best that this one has is
 * chosen when the program starts. */

#include <config.h>

#include "fib-private.h"

#include "compiler.h"
#include "packets.h"

#ifdef __x86_64__
#define HAVE_X86_VECTORS 1
#include <immintrin.h>
#endif

typedef size_t search4_func(const struct fib_node4 *, uint32_t key);
typedef size_t search6_func(const struct fib_node6 *, fib_key);

/* The addresses of one family in a burst. */
struct walks {
    size_t n;
    uint8_t number[OVL_FIB_BULK_MAX];   /* In the burst. */
    fib_key key[OVL_FIB_BULK_MAX];
    const void *at[OVL_FIB_BULK_MAX];
    const fib_word *word[OVL_FIB_BULK_MAX];
};

static inline ALWAYS_INLINE void
prefetch_lines(const void *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        OVS_PREFETCH((const char *) p + i * CACHE_LINE_SIZE);
    }
}

/* Takes the maps without a route out of 'w', whose 'at' are maps. */
static inline ALWAYS_INLINE void
drop_empty(struct walks *w, struct ovl_fib_result results[])
{
    size_t n = 0;

    for (size_t i = 0; i < w->n; i++) {
        const struct fib_map *map = w->at[i];

        results[w->number[i]] = (struct ovl_fib_result) { .plen = 0 };
        w->at[n] = map;
        w->key[n] = w->key[i];
        w->number[n] = w->number[i];
        n += map && map->n;
    }
    w->n = n;
}

/* IPv4. */

static inline ALWAYS_INLINE void
walk4(struct walks *w, search4_func *search)
{
    for (size_t i = 0; i < w->n; i++) {
        const struct fib_map *map = w->at[i];
        size_t at = 0;

        if (map->n == 1) {
            w->at[i] = map->only;
        } else {
            for (uint32_t j = 0; j < map->index->n_levels; j++) {
                const struct fib_node4 *node
                    = &map->index->nodes4[map->index->ofs[j] + at];

                at = at * FIB_WAYS + search(node, w->key[i]);
            }
            w->at[i] = map->index->chunks[at];
        }
        OVS_PREFETCH(((const struct fib_chunk *) w->at[i])->root4);
    }
    for (size_t i = 0; i < w->n; i++) {
        const struct fib_chunk *chunk = w->at[i];

        w->at[i] = fib_group4(chunk, search(chunk->root4, w->key[i]));
        prefetch_lines(w->at[i], 2);
    }
    for (size_t i = 0; i < w->n; i++) {
        const struct fib_group4 *group = w->at[i];

        w->word[i] = &group->words[search(&group->node, w->key[i])];
    }
}

/* IPv6. */

/* Replaces maps by their chunks. */
static inline ALWAYS_INLINE void
walk6_to_chunk(struct walks *w, search6_func *search)
{
    uint32_t at[OVL_FIB_BULK_MAX];
    uint32_t n_levels = 0;

    for (size_t i = 0; i < w->n; i++) {
        const struct fib_map *map = w->at[i];

        at[i] = 0;
        if (map->n > 1) {
            n_levels = MAX(n_levels, map->index->n_levels);
            prefetch_lines(map->index->nodes6, 2);
        }
    }
    for (uint32_t level = 0; level < n_levels; level++) {
        for (size_t i = 0; i < w->n; i++) {
            const struct fib_map *map = w->at[i];

            if (map->n > 1 && level < map->index->n_levels) {
                const struct fib_index *index = map->index;

                at[i] = (at[i] * FIB_WAYS
                         + search(&index->nodes6[index->ofs[level] + at[i]],
                                  w->key[i]));
                if (level + 1 < index->n_levels) {
                    prefetch_lines(&index->nodes6[index->ofs[level + 1]
                                                  + at[i]], 2);
                } else {
                    OVS_PREFETCH(&index->chunks[at[i]]);
                }
            }
        }
    }
    for (size_t i = 0; i < w->n; i++) {
        w->at[i] = fib_map_chunk(w->at[i], at[i]);
        prefetch_lines(((const struct fib_chunk *) w->at[i])->root6, 2);
    }
}

static inline ALWAYS_INLINE void
walk6(struct walks *w, search6_func *search)
{
    walk6_to_chunk(w, search);
    for (size_t i = 0; i < w->n; i++) {
        const struct fib_chunk *chunk = w->at[i];
        const struct fib_group6 *group
            = fib_group6(chunk, search(chunk->root6, w->key[i]));

        prefetch_lines(group, 2);
        OVS_PREFETCH(group->words);
        w->at[i] = group;
    }
    for (size_t i = 0; i < w->n; i++) {
        const struct fib_group6 *group = w->at[i];

        w->word[i] = &group->words[search(&group->node, w->key[i])];
    }
}

/* Both. */

static inline ALWAYS_INLINE void
look_up(const struct ovl_fib *const fibs[], const struct in6_addr *const ips[],
        size_t n, struct ovl_fib_result results[], search4_func *search4,
        search6_func *search6)
{
    struct walks walks[FIB_N_FAMILIES];

    ovs_assert(n <= OVL_FIB_BULK_MAX);
    walks[FIB_V4].n = walks[FIB_V6].n = 0;
    for (size_t i = 0; i < n; i++) {
        int family = ovl_ip_is_v4(ips[i]) ? FIB_V4 : FIB_V6;
        struct walks *w = &walks[family];

        w->number[w->n] = i;
        w->key[w->n] = fib_key_of(ips[i]);
        w->at[w->n] = fibs[i] ? &fibs[i]->maps[family] : NULL;
        w->n++;
        OVS_PREFETCH(fibs[i]);
    }
    for (int family = 0; family < FIB_N_FAMILIES; family++) {
        struct walks *w = &walks[family];

        if (w->n) {
            drop_empty(w, results);
            if (family == FIB_V4) {
                walk4(w, search4);
            } else {
                walk6(w, search6);
            }
            for (size_t i = 0; i < w->n; i++) {
                results[w->number[i]] = fib_result_of(*w->word[i],
                                                      family == FIB_V4);
            }
        }
    }
}

/* Portable. */

static bool
is_supported_portable(void)
{
    return true;
}

static void
look_up_portable(const struct ovl_fib *const fibs[],
                 const struct in6_addr *const ips[], size_t n,
                 struct ovl_fib_result results[])
{
    look_up(fibs, ips, n, results, fib_search4, fib_search6);
}

#ifdef HAVE_X86_VECTORS
/* AVX2.  It compares signed numbers only: both get another sign. */

#define AVX2 __attribute__((__target__("avx2,popcnt")))

static bool
is_supported_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt");
}

static AVX2 inline ALWAYS_INLINE size_t
search4_avx2(const struct fib_node4 *node, uint32_t key)
{
    const __m256i sign = _mm256_set1_epi32(INT32_MIN);
    const __m256i all = _mm256_xor_si256(_mm256_set1_epi32(key), sign);
    const __m256i *keys = (const void *) node->keys;
    __m256i less[2];

    for (int i = 0; i < 2; i++) {
        less[i] = _mm256_cmpgt_epi32(
            all, _mm256_xor_si256(_mm256_load_si256(&keys[i]), sign));
    }
    /* 16 bits for each number: four bits for each pair. */
    return __builtin_popcount(_mm256_movemask_epi8(
        _mm256_packs_epi32(less[0], less[1]))) / 2;
}

static AVX2 inline ALWAYS_INLINE size_t
search6_avx2(const struct fib_node6 *node, fib_key key)
{
    const __m256i sign = _mm256_set1_epi64x(INT64_MIN);
    const __m256i all = _mm256_set1_epi64x(key >> 64);
    const __m256i all_signed = _mm256_xor_si256(all, sign);
    const __m256i *keys = (const void *) node->high;
    __m256i equal = _mm256_setzero_si256(), less = equal;

    for (int i = 0; i < 4; i++) {
        __m256i high = _mm256_load_si256(&keys[i]);

        equal = _mm256_or_si256(equal, _mm256_cmpeq_epi64(high, all));
        less = _mm256_sub_epi64(
            less, _mm256_cmpgt_epi64(all_signed,
                                     _mm256_xor_si256(high, sign)));
    }
    if (OVS_UNLIKELY(!_mm256_testz_si256(equal, equal))) {
        return fib_search6(node, key);
    }
    __m128i two = _mm_add_epi64(_mm256_castsi256_si128(less),
                                _mm256_extracti128_si256(less, 1));
    return _mm_cvtsi128_si64(two) + _mm_extract_epi64(two, 1);
}

static AVX2 void
look_up_avx2(const struct ovl_fib *const fibs[],
             const struct in6_addr *const ips[], size_t n,
             struct ovl_fib_result results[])
{
    look_up(fibs, ips, n, results, search4_avx2, search6_avx2);
}

/* AVX-512. */

#define AVX512 __attribute__((__target__("avx512f,popcnt")))

static bool
is_supported_avx512(void)
{
    return (__builtin_cpu_supports("avx512f")
            && __builtin_cpu_supports("popcnt"));
}

static AVX512 inline ALWAYS_INLINE size_t
search4_avx512(const struct fib_node4 *node, uint32_t key)
{
    return __builtin_popcount(_mm512_cmplt_epu32_mask(
        _mm512_load_si512(node->keys), _mm512_set1_epi32(key)));
}

static AVX512 inline ALWAYS_INLINE size_t
search6_avx512(const struct fib_node6 *node, fib_key key)
{
    const __m512i all = _mm512_set1_epi64(key >> 64);
    __m512i first = _mm512_load_si512(&node->high[0]);
    __m512i second = _mm512_load_si512(&node->high[8]);
    unsigned int less = (_mm512_cmplt_epu64_mask(first, all)
                         | _mm512_cmplt_epu64_mask(second, all) << 8);
    unsigned int equal = (_mm512_cmpeq_epi64_mask(first, all)
                          | _mm512_cmpeq_epi64_mask(second, all) << 8);

    if (OVS_UNLIKELY(equal)) {
        return fib_search6(node, key);
    }
    return __builtin_popcount(less);
}

static AVX512 void
look_up_avx512(const struct ovl_fib *const fibs[],
               const struct in6_addr *const ips[], size_t n,
               struct ovl_fib_result results[])
{
    look_up(fibs, ips, n, results, search4_avx512, search6_avx512);
}
BUILD_ASSERT_DECL(FIB_WAYS == 16);
#endif /* HAVE_X86_VECTORS */

const struct ovl_fib_variant ovl_fib_variants[] = {
#ifdef HAVE_X86_VECTORS
    { "AVX-512", is_supported_avx512, look_up_avx512 },
    { "AVX2", is_supported_avx2, look_up_avx2 },
#endif
    { "portable", is_supported_portable, look_up_portable },
    { NULL, NULL, NULL },
};

static const struct ovl_fib_variant *variant;

OVS_CONSTRUCTOR(choose_variant) {
#ifdef HAVE_X86_VECTORS
    __builtin_cpu_init();
#endif
    variant = ovl_fib_variants;
    while (!variant->is_supported()) {
        variant++;
    }
}

void
ovl_fib_lookup_bulk(const struct ovl_fib *const fibs[],
                    const struct in6_addr *const ips[], size_t n,
                    struct ovl_fib_result results[])
{
    variant->lookup_bulk(fibs, ips, n, results);
}
