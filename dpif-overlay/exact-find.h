/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_EXACT_FIND_H
#define OVL_EXACT_FIND_H 1

/* What the readers of exact-map.h have in common: exact-find.c, which says why
 * they need not wait for the writer, and exact-avx512.c.
 *
 * Layer 1. */

#include "exact-map.h"
#include "util.h"

/* ThreadSanitizer does not know that loads of vectors are meant to race. */
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__)
#define OVL_EXACT_X86_VECTORS 1
#include <immintrin.h>

/* Positions of a bucket's members, for vectors. */
BUILD_ASSERT_DECL(sizeof(struct ovl_exact_bucket) == 64);
BUILD_ASSERT_DECL(offsetof(struct ovl_exact_bucket, values) == 4);
BUILD_ASSERT_DECL(offsetof(struct ovl_exact_bucket, tags) == 24);

/* Keeps the compiler from loading tags before values; the processor loads in
 * program order as far as others can tell. */
#define OVL_EXACT_LOADS_IN_ORDER() atomic_signal_fence(memory_order_acq_rel)

/* In exact-avx512.c. */
bool ovl_exact_is_supported_avx512(void);
uint32_t ovl_exact_find_bulk_avx512(const struct ovl_exact_map *,
                                    const uint64_t lows[],
                                    const uint32_t highs[], size_t n,
                                    uint32_t values[]);
void ovl_exact_locate_bulk_avx512(const uint32_t values[], size_t n,
                                  const void *things, uint32_t size,
                                  const void *found[]);
#endif

/* Keys of a bulk.  There is room for another one, for exact-avx512.c; no
 * vector of eight keys crosses cache lines. */
struct ovl_exact_keys {
    OVS_ALIGNED_VAR(CACHE_LINE_SIZE) uint64_t tags[OVL_EXACT_BULK_MAX + 8];
    const struct ovl_exact_bucket *firsts[OVL_EXACT_BULK_MAX + 8];
    uint32_t heads[OVL_EXACT_BULK_MAX + 8];     /* Of 'firsts'. */
    const uint32_t *highs;      /* The caller's. */
    size_t n;
};

static inline ALWAYS_INLINE uint8_t
ovl_exact_y(const struct ovl_exact_keys *keys, size_t i)
{
    return keys->highs[i] >> 16;
}

/* Steps 1 and 4 of a reader: see exact-find.c. */
static inline ALWAYS_INLINE uint32_t
ovl_exact_load_head(const struct ovl_exact_bucket *b)
{
    uint32_t head;

    atomic_read_explicit(&CONST_CAST(struct ovl_exact_bucket *, b)->head,
                         &head, memory_order_acquire);
    return head;
}

/* Looks up all keys of a bulk again, as something changed meanwhile.  Returns
 * the disjunction of all values. */
uint32_t ovl_exact_find_all_carefully(const struct ovl_exact_array *,
                                      const struct ovl_exact_keys *,
                                      uint32_t values[]);

static inline ALWAYS_INLINE const struct ovl_exact_bucket *
ovl_exact_second_of(const struct ovl_exact_array *array,
                    const struct ovl_exact_keys *keys, size_t i)
{
    return &array->buckets[ovl_exact_second(array, keys->tags[i],
                                            ovl_exact_y(keys, i))];
}

/* Fetches the second buckets of keys that are there, as hints say, so that
 * they come from memory along with the first ones. */
static inline ALWAYS_INLINE void
ovl_exact_fetch_hinted(const struct ovl_exact_array *array,
                       const struct ovl_exact_keys *keys)
{
    uint8_t hinted[OVL_EXACT_BULK_MAX];
    size_t n = 0;

    for (size_t i = 0; i < keys->n; i++) {
        hinted[n] = i;
        n += ovl_exact_hint(array, keys->firsts[i] - array->buckets,
                            keys->tags[i]);
    }
    for (size_t i = 0; i < n; i++) {
        OVS_PREFETCH(ovl_exact_second_of(array, keys, hinted[i]));
    }
}

/* The steps in which variants differ. */

/* Fills in 'tags' and 'firsts', and fetches the buckets. */
typedef void ovl_exact_hash_func(const struct ovl_exact_map *,
                                 const struct ovl_exact_array *,
                                 const uint64_t lows[],
                                 struct ovl_exact_keys *);

/* Steps 2 and 3.  Returns the value of the entry with 'tag', 0 if there is
 * none. */
typedef uint32_t ovl_exact_match_func(const struct ovl_exact_bucket *,
                                      uint64_t tag);

/* Returns a map of the keys that are not in their first bucket but may be in
 * their second, and stores in '*any' the disjunction of all values. */
typedef uint32_t ovl_exact_check_func(const struct ovl_exact_keys *,
                                      const uint32_t values[], uint32_t *any);

/* Looks up those keys of 'left' in their second bucket; it has one at least.
 * Returns the disjunction of their values. */
static inline ALWAYS_INLINE uint32_t
ovl_exact_find_left(const struct ovl_exact_array *array,
                    const struct ovl_exact_keys *keys, uint32_t left,
                    uint32_t values[], ovl_exact_match_func *match)
{
    const struct ovl_exact_bucket *seconds[OVL_EXACT_BULK_MAX];
    uint32_t any = 0;
    size_t n = 0;

    for (uint32_t map = left; map; map = zero_rightmost_1bit(map)) {
        seconds[n] = ovl_exact_second_of(array, keys, raw_ctz(map));
        OVS_PREFETCH(seconds[n++]);
    }
    n = 0;
    for (; left; left = zero_rightmost_1bit(left)) {
        const struct ovl_exact_bucket *second = seconds[n++];
        uint32_t head = ovl_exact_load_head(second);
        size_t i = raw_ctz(left);

        values[i] = match(second, keys->tags[i]);
        if (OVS_UNLIKELY(
                (ovl_exact_load_head(second) ^ head)
                | (ovl_exact_load_head(keys->firsts[i]) ^ keys->heads[i]))) {
            values[i] = ovl_exact_find_carefully(array, keys->tags[i],
                                                 ovl_exact_y(keys, i));
        }
        any |= values[i];
    }
    return any;
}

/* What is said at ovl_exact_map_find_bulk(). */
static inline ALWAYS_INLINE uint32_t
ovl_exact_find_bulk(const struct ovl_exact_map *map,
                    const struct ovl_exact_array *array,
                    const uint64_t lows[], const uint32_t highs[], size_t n,
                    uint32_t values[], ovl_exact_hash_func *hash,
                    ovl_exact_match_func *match,
                    ovl_exact_check_func *check)
{
    uint32_t changed = 0, any, left;
    struct ovl_exact_keys keys;

    keys.highs = highs;
    keys.n = n;
    hash(map, array, lows, &keys);
    if (array->n_buckets >= OVL_EXACT_HINTED) {
        ovl_exact_fetch_hinted(array, &keys);
    }
    for (size_t i = 0; i < n; i++) {
        const struct ovl_exact_bucket *b = keys.firsts[i];
        uint32_t head = ovl_exact_load_head(b);

        keys.heads[i] = head;
        values[i] = match(b, keys.tags[i]);
        changed |= ovl_exact_load_head(b) ^ head;
    }
    if (OVS_UNLIKELY(changed)) {
        return ovl_exact_find_all_carefully(array, &keys, values);
    }
    left = check(&keys, values, &any);
    if (left) {
        any |= ovl_exact_find_left(array, &keys, left, values, match);
    }
    return any;
}

#endif /* exact-find.h */
