/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: ovl_fib_.
 *
 * Looks up in bursts.  All addresses of a burst take a step before one takes
 * the next, so that the cache lines of the next step are on their way for all
 * of them.  fib4.h and fib6.h say how a FIB lies in memory.
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

/* What depends on the processor: in IPv4 nodes, lines, leaves and the pivots
 * of a FIB, and in IPv6 nodes, the number of the range that the key is in. */
typedef size_t node4_func(const struct fib4_node *, uint32_t key);
typedef size_t line4_func(const struct fib4_line *, uint32_t key);
typedef size_t leaf4_func(const struct fib4_leaf *, uint16_t key);
typedef size_t pivots4_func(const struct ovl_fib *, uint32_t key);
typedef size_t node6_func(const struct fib6_node *, fib_key);

static inline ALWAYS_INLINE void
prefetch_lines(const void *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        OVS_PREFETCH((const char *) p + i * CACHE_LINE_SIZE);
    }
}

/* IPv4. */

/* Numbers of look-ups in a burst. */
struct list4 {
    size_t n;
    uint8_t numbers[OVL_FIB_BULK_MAX];
};

/* Appends 'number' if 'yes', without a branch that nobody can foresee. */
static inline ALWAYS_INLINE void
list_if(struct list4 *list, uint8_t number, bool yes)
{
    list->numbers[list->n] = number;
    list->n += yes;
}

/* Fetches what the look-up of 'key' reads next: 'e', found in a page over
 * blocks of 'bits' bits.  Kinds change from one to the next, so there is no
 * branch; for a word, something is fetched that is there anyway. */
static inline ALWAYS_INLINE void
fetch(fib4_entry e, uint32_t key, unsigned int bits)
{
    static const char there[CACHE_LINE_SIZE];
    size_t index = fib4_page_index(key, bits - FIB4_PAGE_BITS);
    const char *p = fib4_pointer(e);

    p = fib4_kind(e) == FIB4_WORD ? there : p;
    p += fib4_kind(e) == FIB4_PAGE ? index * sizeof e : 0;
    OVS_PREFETCH(p);
}

static inline ALWAYS_INLINE fib4_entry
group_entry(const struct fib4_group *group)
{
    prefetch_lines(group, 2);
    return (uintptr_t) group | FIB4_GROUP;
}

/* Replaces pages in 'entries' by what is in them. */
static inline ALWAYS_INLINE void
leave_pages(fib4_entry entries[], const uint32_t keys[], struct list4 *pages)
{
    for (unsigned int bits = 32; pages->n; ) {
        size_t n = pages->n;

        bits -= FIB4_PAGE_BITS;
        pages->n = 0;
        for (size_t i = 0; i < n; i++) {
            size_t j = pages->numbers[i];
            const struct fib4_page *page = fib4_pointer(entries[j]);

            entries[j] = page->entries[fib4_page_index(keys[j], bits)];
            fetch(entries[j], keys[j], bits);
            list_if(pages, j, fib4_kind(entries[j]) == FIB4_PAGE);
        }
    }
}

static inline ALWAYS_INLINE fib_word
search_group(fib4_entry e, uint32_t key, node4_func *search_node)
{
    const struct fib4_group *group = fib4_pointer(e);

    return group->words[search_node(&group->node, key)];
}

static inline ALWAYS_INLINE void
look_up4(const struct ovl_fib *const fibs[], const uint32_t keys[], size_t n,
         fib_word words[], node4_func *search_node, line4_func *search_line,
         leaf4_func *search_leaf, pivots4_func *search_pivots)
{
    struct list4 pages, lines, leaves, chunks, groups;
    const fib_word *leaf_words[OVL_FIB_BULK_MAX];
    fib4_entry entries[OVL_FIB_BULK_MAX];
    size_t n_few = 0;

    pages.n = lines.n = leaves.n = chunks.n = groups.n = 0;
    for (size_t i = 0; i < n; i++) {
        fib4_entry e = fibs[i] ? fibs[i]->v4 : 0;

        if (fib4_kind(e) == FIB4_CHUNK && fib4_n(e) <= FIB4_FEW) {
            const struct fib4_chunk *chunk = fib4_pointer(e);

            e = group_entry(&chunk->groups[search_pivots(fibs[i], keys[i])]);
            n_few++;
        } else {
            fetch(e, keys[i], 32);
        }
        entries[i] = e;
        list_if(&pages, i, fib4_kind(e) == FIB4_PAGE);
    }
    if (n_few == n) {   /* Most tenants have few routes. */
        for (size_t i = 0; i < n; i++) {
            words[i] = search_group(entries[i], keys[i], search_node);
        }
        return;
    }
    leave_pages(entries, keys, &pages);
    for (size_t i = 0; i < n; i++) {
        enum fib4_kind kind = fib4_kind(entries[i]);

        words[i] = fib4_word(entries[i]);   /* If it is a word. */
        list_if(&lines, i, kind == FIB4_LINE);
        list_if(&leaves, i, kind == FIB4_LEAF);
        list_if(&chunks, i, kind == FIB4_CHUNK);
        list_if(&groups, i, kind == FIB4_GROUP);
    }
    for (size_t i = 0; i < chunks.n; i++) {
        size_t j = chunks.numbers[i];
        const struct fib4_chunk *chunk = fib4_pointer(entries[j]);

        entries[j] = group_entry(
            &chunk->groups[search_node(&chunk->root, keys[j])]);
        list_if(&groups, j, true);
    }
    for (size_t i = 0; i < leaves.n; i++) {
        size_t j = leaves.numbers[i];
        const struct fib4_leaf *leaf = fib4_pointer(entries[j]);

        leaf_words[i] = &leaf->words[search_leaf(leaf, keys[j])];
        OVS_PREFETCH(leaf_words[i]);
    }
    for (size_t i = 0; i < lines.n; i++) {
        size_t j = lines.numbers[i];
        const struct fib4_line *line = fib4_pointer(entries[j]);

        words[j] = line->words[search_line(line, keys[j])];
    }
    for (size_t i = 0; i < groups.n; i++) {
        size_t j = groups.numbers[i];

        words[j] = search_group(entries[j], keys[j], search_node);
    }
    for (size_t i = 0; i < leaves.n; i++) {
        words[leaves.numbers[i]] = *leaf_words[i];
    }
}

/* IPv6. */

/* Finds chunks. */
static inline ALWAYS_INLINE void
leave_indexes(const fib6_entry entries[], const fib_key keys[], size_t n,
              const struct fib6_chunk *chunks[], node6_func *search)
{
    uint32_t at[OVL_FIB_BULK_MAX];
    uint32_t n_levels = 0;

    for (size_t i = 0; i < n; i++) {
        const struct fib6_index *index = fib6_index(entries[i]);

        at[i] = 0;
        if (index) {
            n_levels = MAX(n_levels, index->n_levels);
            prefetch_lines(index->nodes, 2);
        }
    }
    for (uint32_t level = 0; level < n_levels; level++) {
        for (size_t i = 0; i < n; i++) {
            const struct fib6_index *index = fib6_index(entries[i]);

            if (!index || level >= index->n_levels) {
                continue;
            }
            at[i] = (at[i] * FIB_WAYS
                     + search(&index->nodes[index->ofs[level] + at[i]],
                              keys[i]));
            if (level + 1 < index->n_levels) {
                prefetch_lines(&index->nodes[index->ofs[level + 1] + at[i]],
                               2);
            } else {
                OVS_PREFETCH(&index->chunks[at[i]]);
            }
        }
    }
    for (size_t i = 0; i < n; i++) {
        chunks[i] = fib6_chunk(entries[i], at[i]);
        prefetch_lines(&chunks[i]->root, 2);
    }
}

/* Looks up where there are routes. */
static inline ALWAYS_INLINE void
look_up6(const fib6_entry entries[], const fib_key keys[], size_t n,
         fib_word words[], node6_func *search)
{
    const struct fib6_chunk *chunks[OVL_FIB_BULK_MAX];
    const struct fib6_group *groups[OVL_FIB_BULK_MAX];

    leave_indexes(entries, keys, n, chunks, search);
    for (size_t i = 0; i < n; i++) {
        groups[i] = &chunks[i]->groups[search(&chunks[i]->root, keys[i])];
        prefetch_lines(groups[i], 2);
        OVS_PREFETCH(groups[i]->words);
    }
    for (size_t i = 0; i < n; i++) {
        words[i] = groups[i]->words[search(&groups[i]->node, keys[i])];
    }
}

/* Both. */

/* The addresses of one family in a burst. */
struct part4 {
    size_t n;
    uint8_t numbers[OVL_FIB_BULK_MAX];  /* In the burst. */
    const struct ovl_fib *fibs[OVL_FIB_BULK_MAX];
    uint32_t keys[OVL_FIB_BULK_MAX];
    fib_word words[OVL_FIB_BULK_MAX];
};

struct part6 {
    size_t n;
    uint8_t numbers[OVL_FIB_BULK_MAX];
    fib6_entry entries[OVL_FIB_BULK_MAX];
    fib_key keys[OVL_FIB_BULK_MAX];
    fib_word words[OVL_FIB_BULK_MAX];
};

/* Takes those out of 'part' who have no routes. */
static inline ALWAYS_INLINE void
drop_empty(struct part6 *part, const struct ovl_fib *const fibs[],
           struct ovl_fib_result results[])
{
    size_t n = 0;

    for (size_t i = 0; i < part->n; i++) {
        uint8_t number = part->numbers[i];
        const struct ovl_fib *fib = fibs[number];

        results[number] = fib_result_of(0, false);
        part->entries[n] = fib ? fib->v6 : 0;
        part->keys[n] = part->keys[i];
        part->numbers[n] = number;
        n += part->entries[n] != 0;
    }
    part->n = n;
}

static inline ALWAYS_INLINE void
look_up(const struct ovl_fib *const fibs[], const struct in6_addr *const ips[],
        size_t n, struct ovl_fib_result results[], node4_func *node4,
        line4_func *line4, leaf4_func *leaf4, pivots4_func *pivots4,
        node6_func *node6)
{
    struct part4 v4;
    struct part6 v6;

    ovs_assert(n <= OVL_FIB_BULK_MAX);
    v4.n = v6.n = 0;
    for (size_t i = 0; i < n; i++) {
        OVS_PREFETCH(fibs[i]);
        if (ovl_ip_is_v4(ips[i])) {
            v4.numbers[v4.n] = i;
            v4.fibs[v4.n] = fibs[i];
            v4.keys[v4.n++] = ntohl(in6_addr_get_mapped_ipv4(ips[i]));
        } else {
            v6.numbers[v6.n] = i;
            v6.keys[v6.n++] = fib_key_of(ips[i]);
        }
    }
    if (v4.n) {
        look_up4(v4.fibs, v4.keys, v4.n, v4.words, node4, line4, leaf4,
                 pivots4);
        for (size_t i = 0; i < v4.n; i++) {
            results[v4.numbers[i]] = fib_result_of(v4.words[i], true);
        }
    }
    if (v6.n) {
        drop_empty(&v6, fibs, results);
        look_up6(v6.entries, v6.keys, v6.n, v6.words, node6);
        for (size_t i = 0; i < v6.n; i++) {
            results[v6.numbers[i]] = fib_result_of(v6.words[i], false);
        }
    }
}

/* Portable. */

static bool
is_supported_portable(void)
{
    return true;
}

static inline ALWAYS_INLINE size_t
search_pivots(const struct ovl_fib *fib, uint32_t key)
{
    return fib4_count((const void *) fib->pivots4, FIB4_N_PIVOTS / 4, key);
}
BUILD_ASSERT_DECL(offsetof(struct ovl_fib, pivots4) == 16);

static void
look_up_portable(const struct ovl_fib *const fibs[],
                 const struct in6_addr *const ips[], size_t n,
                 struct ovl_fib_result results[])
{
    look_up(fibs, ips, n, results, fib4_search, fib4_line_search,
            fib4_leaf_search, search_pivots, fib6_search);
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
node4_avx2(const struct fib4_node *node, uint32_t key)
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
line4_avx2(const struct fib4_line *line, uint32_t key)
{
    const __m256i sign = _mm256_set1_epi32(INT32_MIN);
    __m256i keys = _mm256_load_si256((const void *) line->keys);
    __m256i less = _mm256_cmpgt_epi32(
        _mm256_xor_si256(_mm256_set1_epi32(key), sign),
        _mm256_xor_si256(keys, sign));

    return __builtin_popcount(_mm256_movemask_ps(_mm256_castsi256_ps(less)));
}

static AVX2 inline ALWAYS_INLINE size_t
leaf4_avx2(const struct fib4_leaf *leaf, uint16_t key)
{
    const __m256i sign = _mm256_set1_epi16(INT16_MIN);
    const __m256i all = _mm256_xor_si256(_mm256_set1_epi16(key), sign);
    const __m256i *keys = (const void *) leaf->keys;
    __m256i less[2];

    for (int i = 0; i < 2; i++) {
        less[i] = _mm256_cmpgt_epi16(
            all, _mm256_xor_si256(_mm256_load_si256(&keys[i]), sign));
    }
    return __builtin_popcount(_mm256_movemask_epi8(
        _mm256_packs_epi16(less[0], less[1])));
}

static AVX2 inline ALWAYS_INLINE size_t
pivots4_avx2(const struct ovl_fib *fib, uint32_t key)
{
    return search_pivots(fib, key);
}

static AVX2 inline ALWAYS_INLINE size_t
node6_avx2(const struct fib6_node *node, fib_key key)
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
        return fib6_search(node, key);
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
    look_up(fibs, ips, n, results, node4_avx2, line4_avx2, leaf4_avx2,
            pivots4_avx2, node6_avx2);
}

/* AVX-512. */

#define AVX512 __attribute__((__target__("avx512f,avx512bw,popcnt")))

static bool
is_supported_avx512(void)
{
    return (__builtin_cpu_supports("avx512f")
            && __builtin_cpu_supports("avx512bw")
            && __builtin_cpu_supports("popcnt"));
}

static AVX512 inline ALWAYS_INLINE size_t
node4_avx512(const struct fib4_node *node, uint32_t key)
{
    return __builtin_popcount(_mm512_cmplt_epu32_mask(
        _mm512_load_si512(node->keys), _mm512_set1_epi32(key)));
}

/* The keys are the first numbers of a cache line. */
static AVX512 inline ALWAYS_INLINE size_t
line4_avx512(const struct fib4_line *line, uint32_t key)
{
    return __builtin_popcount(_mm512_mask_cmplt_epu32_mask(
        (1 << FIB4_LINE_WAYS) - 1, _mm512_load_si512(line),
        _mm512_set1_epi32(key)));
}

static AVX512 inline ALWAYS_INLINE size_t
leaf4_avx512(const struct fib4_leaf *leaf, uint16_t key)
{
    return __builtin_popcount(_mm512_cmplt_epu16_mask(
        _mm512_load_si512(leaf->keys), _mm512_set1_epi16(key)));
}

/* The pivots are the last numbers of a cache line. */
static AVX512 inline ALWAYS_INLINE size_t
pivots4_avx512(const struct ovl_fib *fib, uint32_t key)
{
    return __builtin_popcount(_mm512_mask_cmplt_epu32_mask(
        UINT16_MAX << (FIB_WAYS - FIB4_N_PIVOTS) & UINT16_MAX,
        _mm512_load_si512(fib), _mm512_set1_epi32(key)));
}
BUILD_ASSERT_DECL(offsetof(struct ovl_fib, pivots4)
                  + sizeof ((struct ovl_fib *) 0)->pivots4 == 64);

static AVX512 inline ALWAYS_INLINE size_t
node6_avx512(const struct fib6_node *node, fib_key key)
{
    const __m512i all = _mm512_set1_epi64(key >> 64);
    __m512i first = _mm512_load_si512(&node->high[0]);
    __m512i second = _mm512_load_si512(&node->high[8]);
    unsigned int less = (_mm512_cmplt_epu64_mask(first, all)
                         | _mm512_cmplt_epu64_mask(second, all) << 8);
    unsigned int equal = (_mm512_cmpeq_epi64_mask(first, all)
                          | _mm512_cmpeq_epi64_mask(second, all) << 8);

    if (OVS_UNLIKELY(equal)) {
        return fib6_search(node, key);
    }
    return __builtin_popcount(less);
}

static AVX512 void
look_up_avx512(const struct ovl_fib *const fibs[],
               const struct in6_addr *const ips[], size_t n,
               struct ovl_fib_result results[])
{
    look_up(fibs, ips, n, results, node4_avx512, line4_avx512,
            leaf4_avx512, pivots4_avx512, node6_avx512);
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
