/* SPDX-License-Identifier: Apache-2.0 */

/* Makes the chunks and indexes of a FIB, which nobody changes after that.
 * fib-private.h says how they lie in memory.
 *
 * Prefix: ovl_fib_. */

#include <config.h>

#include "fib-private.h"

#include <string.h>

#include "ovs-rcu.h"
#include "packets.h"

/* Nodes. */

/* Makes 'node' one without ranges after the first. */
static void
node_clear(void *node, bool v4)
{
    memset(node, 0xff, fib_node_size(v4));
}

/* Lets range 'i' of 'node' start at 'start'; that of the first is known
 * without. */
static void
node_set(void *node, bool v4, size_t i, fib_key start)
{
    if (i % FIB_WAYS == 0) {
        return;
    } else if (v4) {
        ((struct fib_node4 *) node)->keys[i % FIB_WAYS] = start - 1;
    } else {
        ((struct fib_node6 *) node)->high[i % FIB_WAYS] = (start - 1) >> 64;
        ((struct fib_node6 *) node)->low[i % FIB_WAYS] = start - 1;
    }
}

/* Start of range 'i' of 'node', which is not the first. */
static fib_key
node_get(const void *node, bool v4, size_t i)
{
    if (v4) {
        return ((const struct fib_node4 *) node)->keys[i] + (fib_key) 1;
    } else {
        const struct fib_node6 *node6 = node;

        return ((fib_key) node6->high[i] << 64 | node6->low[i]) + 1;
    }
}

/* Chunks. */

static void *
chunk_group(const struct fib_chunk *chunk, bool v4, size_t i)
{
    return (v4 ? (void *) fib_group4(chunk, i)
            : (void *) fib_group6(chunk, i));
}

static fib_word *
group_words(void *group, bool v4)
{
    return (v4 ? ((struct fib_group4 *) group)->words
            : ((struct fib_group6 *) group)->words);
}

/* Start of range 'i'. */
static fib_key
chunk_key(const struct fib_chunk *chunk, bool v4, size_t i)
{
    return (i % FIB_WAYS
            ? node_get(chunk_group(chunk, v4, i / FIB_WAYS), v4, i % FIB_WAYS)
            : i ? node_get(chunk->root6, v4, i / FIB_WAYS)
            : chunk->first);
}

static fib_word
chunk_word(const struct fib_chunk *chunk, bool v4, size_t i)
{
    return group_words(chunk_group(chunk, v4, i / FIB_WAYS),
                       v4)[i % FIB_WAYS];
}

static size_t
chunk_size(size_t n_groups, bool v4)
{
    return (sizeof(struct fib_chunk) + fib_node_size(v4)
            + n_groups * (v4 ? sizeof(struct fib_group4)
                          : sizeof(struct fib_group6)));
}

struct fib_chunk *
ovl_fib_chunk_pack(const struct fib_ranges *r, bool v4)
{
    size_t n_groups = DIV_ROUND_UP(r->n, FIB_WAYS);
    struct fib_chunk *chunk = xmalloc_size_align(chunk_size(n_groups, v4),
                                                 CACHE_LINE_SIZE);

    ovs_assert(r->n && r->n <= FIB_CHUNK_MAX);
    chunk->n = r->n;
    chunk->n_groups = n_groups;
    chunk->first = r->keys[0];
    node_clear(chunk->root6, v4);
    for (size_t i = 0; i < r->n; i++) {
        void *group = chunk_group(chunk, v4, i / FIB_WAYS);

        if (i % FIB_WAYS == 0) {
            node_clear(group, v4);
            node_set(chunk->root6, v4, i / FIB_WAYS, r->keys[i]);
        }
        node_set(group, v4, i, r->keys[i]);
        group_words(group, v4)[i % FIB_WAYS] = r->words[i];
    }
    return chunk;
}

void
ovl_fib_chunk_unpack(const struct fib_chunk *chunk, bool v4,
                     struct fib_ranges *r)
{
    ovs_assert(r->allocated >= chunk->n);
    r->n = chunk->n;
    for (size_t i = 0; i < r->n; i++) {
        r->keys[i] = chunk_key(chunk, v4, i);
        r->words[i] = chunk_word(chunk, v4, i);
    }
}

void
ovl_fib_chunk_destroy(struct fib_chunk *chunk)
{
    free_size_align(chunk);
}

/* Maps. */

void
ovl_fib_map_init(struct fib_map *map, size_t n, bool v4)
{
    uint32_t sizes[FIB_MAX_LEVELS];
    uint32_t n_levels = 0, n_nodes = 0;
    struct fib_index *index;

    map->n = n;
    if (n <= 1) {
        return;
    }
    for (size_t size = n; size > 1; n_levels++) {
        ovs_assert(n_levels < FIB_MAX_LEVELS);
        size = DIV_ROUND_UP(size, FIB_WAYS);
        sizes[n_levels] = size;
    }
    for (uint32_t i = 0; i < n_levels; i++) {
        n_nodes += sizes[i];
    }
    index = xmalloc_size_align(sizeof *index + n_nodes * fib_node_size(v4),
                               CACHE_LINE_SIZE);
    memset(index->nodes6, 0xff, n_nodes * fib_node_size(v4));
    index->n_levels = n_levels;
    n_nodes = 0;
    for (uint32_t i = 0; i < n_levels; i++) {
        index->ofs[i] = n_nodes;
        n_nodes += sizes[n_levels - 1 - i];
    }
    index->chunks = xmalloc(n * sizeof *index->chunks);
    map->index = index;
}

static void
map_destroy(struct fib_map *map)
{
    if (map->n > 1) {
        free(map->index->chunks);
        free_size_align(map->index);
    }
}

void
ovl_fib_map_set(struct fib_map *map, bool v4, size_t i, fib_key first,
                struct fib_chunk *chunk)
{
    struct fib_index *index = map->index;

    if (map->n == 1) {
        map->only = chunk;
        return;
    }
    index->chunks[i] = chunk;
    for (uint32_t level = index->n_levels; level-- > 0; i /= FIB_WAYS) {
        size_t node = index->ofs[level] + i / FIB_WAYS;

        node_set(v4 ? (void *) &index->nodes4[node]
                 : (void *) &index->nodes6[node], v4, i, first);
        if (i % FIB_WAYS) {
            break;      /* Only the first is seen from above. */
        }
    }
}

fib_key
ovl_fib_map_key(const struct fib_map *map, bool v4, size_t i)
{
    const struct fib_index *index = map->index;
    uint32_t level;

    if (!i) {
        return 0;
    }
    for (level = index->n_levels - 1; i % FIB_WAYS == 0; level--) {
        i /= FIB_WAYS;
    }

    size_t node = index->ofs[level] + i / FIB_WAYS;
    return node_get(v4 ? (const void *) &index->nodes4[node]
                    : (const void *) &index->nodes6[node], v4, i % FIB_WAYS);
}

/* Whole FIBs. */

size_t
ovl_fib_size(const struct ovl_fib *fib)
{
    size_t size = 0;

    if (fib) {
        size = sizeof *fib;
        for (int i = 0; i < FIB_N_FAMILIES; i++) {
            const struct fib_map *map = &fib->maps[i];
            bool v4 = i == FIB_V4;

            if (map->n > 1) {
                size += (sizeof *map->index
                         + map->n * sizeof *map->index->chunks
                         + DIV_ROUND_UP(map->n, FIB_WAYS - 1)
                         * fib_node_size(v4));
            }
            for (size_t j = 0; j < map->n; j++) {
                size += chunk_size(fib_map_chunk(map, j)->n_groups, v4);
            }
        }
    }
    return size;
}

void
ovl_fib_destroy(struct ovl_fib *fib)
{
    if (!fib) {
        return;
    }
    for (size_t i = 0; i < fib->n_retired; i++) {
        ovl_fib_chunk_destroy(fib->retired[i]);
    }
    free(fib->retired);
    for (int i = 0; i < FIB_N_FAMILIES; i++) {
        struct fib_map *map = &fib->maps[i];

        for (size_t j = 0; j < map->n && !fib->superseded; j++) {
            ovl_fib_chunk_destroy(fib_map_chunk(map, j));
        }
        map_destroy(map);
    }
    free_size_align(fib);
}

void
ovl_fib_postpone_destroy(struct ovl_fib *fib)
{
    if (fib) {
        ovsrcu_postpone(ovl_fib_destroy, fib);
    }
}
