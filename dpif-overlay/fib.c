/* SPDX-License-Identifier: Apache-2.0 */

/* Readers' side of a FIB.  fib-private.h says how it lies in memory.
 *
 * Prefix: ovl_fib_. */

#include <config.h>

#include "fib-private.h"

#include "packets.h"

/* Vectors are compared to 0, or to -1 where it is true. */

/* Number of the range that 'key' is in, of those of 'node'. */
static inline size_t
search4(const struct fib_node4 *node, uint32_t key)
{
    const fib_u32x4 all = { key, key, key, key };
    fib_u32x4 less = { 0 };

    for (size_t i = 0; i < FIB_WAYS / 4; i++) {
        less += (fib_u32x4) (node->keys_x4[i] < all);
    }
    return (uint32_t) -(less[0] + less[1] + less[2] + less[3]);
}

static inline size_t
search6(const struct fib_node6 *node, fib_key key)
{
    const fib_u64x2 all_high = { key >> 64, key >> 64 };
    const fib_u64x2 all_low = { key, key };
    fib_u64x2 less = { 0 }, equal = { 0 };

    for (size_t i = 0; i < FIB_WAYS / 2; i++) {
        less += (fib_u64x2) (node->high_x2[i] < all_high);
        equal |= (fib_u64x2) (node->high_x2[i] == all_high);
    }
    if (OVS_UNLIKELY(equal[0] | equal[1])) {
        /* Rare: 'low' is in other cache lines. */
        less = (fib_u64x2) { 0 };
        for (size_t i = 0; i < FIB_WAYS / 2; i++) {
            less += ((fib_u64x2) (node->high_x2[i] < all_high)
                     | ((fib_u64x2) (node->high_x2[i] == all_high)
                        & (fib_u64x2) (node->low_x2[i] < all_low)));
        }
    }
    return -(less[0] + less[1]);
}

/* Finds the group of 'chunk' that 'key' is in. */
static inline const struct fib_group4 *
find_group4(const struct fib_chunk *chunk, uint32_t key)
{
    return fib_group4(chunk, search4(chunk->root4, key));
}

static inline const struct fib_group6 *
find_group6(const struct fib_chunk *chunk, fib_key key)
{
    return fib_group6(chunk, search6(chunk->root6, key));
}

/* Finds the chunk that 'key' is in. */
static inline const struct fib_chunk *
find_chunk4(const struct fib_map *map, uint32_t key)
{
    const struct fib_index *index = map->index;
    size_t at = 0;

    if (map->n == 1) {
        return map->only;
    }
    for (uint32_t i = 0; i < index->n_levels; i++) {
        at = (at * FIB_WAYS
              + search4(&index->nodes4[index->ofs[i] + at], key));
    }
    return index->chunks[at];
}

static inline const struct fib_chunk *
find_chunk6(const struct fib_map *map, fib_key key)
{
    const struct fib_index *index = map->index;
    size_t at = 0;

    if (map->n == 1) {
        return map->only;
    }
    for (uint32_t i = 0; i < index->n_levels; i++) {
        at = (at * FIB_WAYS
              + search6(&index->nodes6[index->ofs[i] + at], key));
    }
    return index->chunks[at];
}

static struct ovl_fib_result
result_of(fib_word word, bool v4)
{
    return (struct ovl_fib_result) {
        .value = word >> 8, .plen = (word & 0xff) + (v4 ? 96 : 0),
    };
}

struct ovl_fib_result
ovl_fib_lookup(const struct ovl_fib *fib, const struct in6_addr *ip)
{
    bool v4 = ovl_ip_is_v4(ip);
    const struct fib_map *map;
    fib_word word = 0;

    if (fib) {
        map = &fib->maps[v4 ? FIB_V4 : FIB_V6];
        if (!map->n) {
            /* No route of this family. */
        } else if (v4) {
            uint32_t key = fib_key_of(ip);
            const struct fib_group4 *group
                = find_group4(find_chunk4(map, key), key);

            word = group->words[search4(&group->node, key)];
        } else {
            fib_key key = fib_key_of(ip);
            const struct fib_group6 *group
                = find_group6(find_chunk6(map, key), key);

            word = group->words[search6(&group->node, key)];
        }
    }
    return result_of(word, v4);
}

/* A look-up on its way: the map, then the chunk, then the group, none of which
 * is touched before all others of the burst had their turn. */
struct walk {
    fib_key key;
    bool v4;
    const void *at;             /* NULL: there is no route. */
};

static inline void
prefetch_lines(const void *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        OVS_PREFETCH((const char *) p + i * CACHE_LINE_SIZE);
    }
}

static void
walk_to_chunk(struct walk *w)
{
    const struct fib_map *map = w->at;

    if (!map->n) {
        w->at = NULL;
    } else if (w->v4) {
        const struct fib_chunk *chunk = find_chunk4(map, w->key);

        OVS_PREFETCH(chunk->root4);
        w->at = chunk;
    } else {
        const struct fib_chunk *chunk = find_chunk6(map, w->key);

        prefetch_lines(chunk->root6, 2);
        w->at = chunk;
    }
}

static void
walk_to_group(struct walk *w)
{
    if (w->v4) {
        w->at = find_group4(w->at, w->key);
        prefetch_lines(w->at, 2);
    } else {
        w->at = find_group6(w->at, w->key);
        prefetch_lines(w->at, 2);
        OVS_PREFETCH(((const struct fib_group6 *) w->at)->words);
    }
}

static fib_word
walk_to_word(const struct walk *w)
{
    if (!w->at) {
        return 0;
    } else if (w->v4) {
        const struct fib_group4 *group = w->at;

        return group->words[search4(&group->node, w->key)];
    } else {
        const struct fib_group6 *group = w->at;

        return group->words[search6(&group->node, w->key)];
    }
}

void
ovl_fib_lookup_bulk(const struct ovl_fib *const fibs[],
                    const struct in6_addr *const ips[], size_t n,
                    struct ovl_fib_result results[])
{
    struct walk walks[OVL_FIB_BULK_MAX];

    ovs_assert(n <= OVL_FIB_BULK_MAX);
    for (size_t i = 0; i < n; i++) {
        struct walk *w = &walks[i];

        w->v4 = ovl_ip_is_v4(ips[i]);
        w->key = fib_key_of(ips[i]);
        w->at = fibs[i] ? &fibs[i]->maps[w->v4 ? FIB_V4 : FIB_V6] : NULL;
        OVS_PREFETCH(w->at);
    }
    for (size_t i = 0; i < n; i++) {
        if (walks[i].at) {
            walk_to_chunk(&walks[i]);
        }
    }
    for (size_t i = 0; i < n; i++) {
        if (walks[i].at) {
            walk_to_group(&walks[i]);
        }
    }
    for (size_t i = 0; i < n; i++) {
        results[i] = result_of(walk_to_word(&walks[i]), walks[i].v4);
    }
}
