/* SPDX-License-Identifier: Apache-2.0 */

/* Makes chunks and indexes, which nobody changes after that.  fib6.h says how
 * they lie in memory.
 *
 * Prefix: ovl_fib6_. */

#include <config.h>

#include "fib-private.h"

#include <string.h>

/* Nodes. */

/* Lets range 'i' of 'node' start at 'start'; that of the first is known
 * without. */
static void
node_set(struct fib6_node *node, size_t i, fib_key start)
{
    if (i % FIB_WAYS) {
        node->high[i % FIB_WAYS] = (start - 1) >> 64;
        node->low[i % FIB_WAYS] = start - 1;
    }
}

/* Start of range 'i' of 'node', which is not the first. */
static fib_key
node_get(const struct fib6_node *node, size_t i)
{
    return ((fib_key) node->high[i] << 64 | node->low[i]) + 1;
}

/* Chunks. */

/* Start of range 'i'. */
static fib_key
chunk_key(const struct fib6_chunk *chunk, size_t i)
{
    return (i % FIB_WAYS
            ? node_get(&chunk->groups[i / FIB_WAYS].node, i % FIB_WAYS)
            : i ? node_get(&chunk->root, i / FIB_WAYS)
            : chunk->first);
}

static size_t
chunk_size(size_t n)
{
    return (sizeof(struct fib6_chunk)
            + DIV_ROUND_UP(n, FIB_WAYS) * sizeof(struct fib6_group));
}

struct fib6_chunk *
ovl_fib6_chunk_pack(const struct fib_ranges *r)
{
    struct fib6_chunk *chunk = ovl_dense_alloc(chunk_size(r->n));

    ovs_assert(r->n && r->n <= FIB_CHUNK_MAX);
    chunk->n = r->n;
    chunk->first = r->keys[0];
    memset(&chunk->root, 0xff, sizeof chunk->root);
    for (size_t i = 0; i < r->n; i++) {
        struct fib6_group *group = &chunk->groups[i / FIB_WAYS];

        if (i % FIB_WAYS == 0) {
            memset(&group->node, 0xff, sizeof group->node);
            node_set(&chunk->root, i / FIB_WAYS, r->keys[i]);
        }
        node_set(&group->node, i, r->keys[i]);
        group->words[i % FIB_WAYS] = r->words[i];
    }
    return chunk;
}

void
ovl_fib6_chunk_unpack(const struct fib6_chunk *chunk, struct fib_ranges *r)
{
    for (size_t i = 0; i < chunk->n; i++) {
        ovl_fib_ranges_put(r, chunk_key(chunk, i),
                           chunk->groups[i / FIB_WAYS].words[i % FIB_WAYS]);
    }
}

/* Indexes. */

struct fib6_index *
ovl_fib6_index_create(size_t n)
{
    uint32_t sizes[FIB6_MAX_LEVELS];
    uint32_t n_levels = 0, n_nodes = 0;
    struct fib6_index *index;

    for (size_t size = n; size > 1; n_levels++) {
        ovs_assert(n_levels < FIB6_MAX_LEVELS);
        size = DIV_ROUND_UP(size, FIB_WAYS);
        sizes[n_levels] = size;
    }
    for (uint32_t i = 0; i < n_levels; i++) {
        n_nodes += sizes[i];
    }
    index = ovl_dense_alloc(sizeof *index + n_nodes * sizeof *index->nodes);
    memset(index->nodes, 0xff, n_nodes * sizeof *index->nodes);
    index->n = n;
    index->n_levels = n_levels;
    n_nodes = 0;
    for (uint32_t i = 0; i < n_levels; i++) {
        index->ofs[i] = n_nodes;
        n_nodes += sizes[n_levels - 1 - i];
    }
    index->chunks = ovl_dense_alloc(n * sizeof *index->chunks);
    return index;
}

void
ovl_fib6_index_set(struct fib6_index *index, size_t i, fib_key first,
                   struct fib6_chunk *chunk)
{
    index->chunks[i] = chunk;
    for (uint32_t level = index->n_levels; level-- > 0; i /= FIB_WAYS) {
        node_set(&index->nodes[index->ofs[level] + i / FIB_WAYS], i, first);
        if (i % FIB_WAYS) {
            break;      /* Only the first is seen from above. */
        }
    }
}

fib_key
ovl_fib6_key(fib6_entry e, size_t i)
{
    const struct fib6_index *index = fib6_index(e);
    uint32_t level;

    if (!i) {
        return 0;
    }
    for (level = index->n_levels - 1; i % FIB_WAYS == 0; level--) {
        i /= FIB_WAYS;
    }
    return node_get(&index->nodes[index->ofs[level] + i / FIB_WAYS],
                    i % FIB_WAYS);
}

/* All of it. */

void
ovl_fib6_destroy(fib6_entry e)
{
    struct fib6_index *index = fib6_index(e);

    for (size_t i = 0; i < fib6_n(e); i++) {
        ovl_dense_free(fib6_chunk(e, i));
    }
    if (index) {
        ovl_dense_free(index->chunks);
        ovl_dense_free(index);
    }
}

size_t
ovl_fib6_size(fib6_entry e)
{
    struct fib6_index *index = fib6_index(e);
    size_t size = 0;

    if (index) {
        size = (sizeof *index + index->n * sizeof *index->chunks
                + (DIV_ROUND_UP(index->n, FIB_WAYS - 1)
                   * sizeof *index->nodes));
    }
    for (size_t i = 0; i < fib6_n(e); i++) {
        size += chunk_size(fib6_chunk(e, i)->n);
    }
    return size;
}
