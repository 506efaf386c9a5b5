/* SPDX-License-Identifier: Apache-2.0 */

/* Looks one address up; fib-find.c does bursts.  fib-private.h says how a FIB
 * lies in memory.
 *
 * Prefix: ovl_fib_. */

#include <config.h>

#include "fib-private.h"

#include "packets.h"

/* Finds the group of 'chunk' that 'key' is in. */
static inline const struct fib_group4 *
find_group4(const struct fib_chunk *chunk, uint32_t key)
{
    return fib_group4(chunk, fib_search4(chunk->root4, key));
}

static inline const struct fib_group6 *
find_group6(const struct fib_chunk *chunk, fib_key key)
{
    return fib_group6(chunk, fib_search6(chunk->root6, key));
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
              + fib_search4(&index->nodes4[index->ofs[i] + at], key));
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
              + fib_search6(&index->nodes6[index->ofs[i] + at], key));
    }
    return index->chunks[at];
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

            word = group->words[fib_search4(&group->node, key)];
        } else {
            fib_key key = fib_key_of(ip);
            const struct fib_group6 *group
                = find_group6(find_chunk6(map, key), key);

            word = group->words[fib_search6(&group->node, key)];
        }
    }
    return fib_result_of(word, v4);
}
