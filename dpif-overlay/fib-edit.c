/* SPDX-License-Identifier: Apache-2.0 */

/* Writer's side of a FIB.
 *
 * A change looks at every chunk that the prefix reaches into, writes what its
 * ranges become into a buffer, and, if that is something else than before,
 * replaces the chunk.  In an edit a chunk is copied only once: after that it
 * is the edit's own and is written in place.
 *
 * Every address is in a range: the first chunk starts at 0.  Neighbors in a
 * chunk differ; the first range of a chunk may say the same as the last of
 * the chunk before.
 *
 * Prefix: ovl_fib_. */

#include <config.h>

#include "fib-private.h"

#include <string.h>

#include "ovs-rcu.h"
#include "packets.h"

#define CHUNK_MIN (FIB_CHUNK_MAX / 4)

/* The ranges of one family while they change. */
struct map_edit {
    const struct fib_map *base; /* May be empty. */
    bool v4;
    bool changed;               /* Says something else than the base. */
    struct edit_chunk {
        fib_key key;
        struct fib_chunk *chunk;
        bool own;               /* Not one of the base's. */
    } *chunks;
    size_t n, allocated;        /* 0 as long as nobody looked. */
};

struct ovl_fib_edit {
    const struct ovl_fib *base; /* May be null. */
    struct map_edit maps[FIB_N_FAMILIES];
    struct fib_chunk **retired;
    size_t n_retired, allocated_retired;
};

/* Ranges on their way into a chunk, or into two. */
struct buffer {
    size_t n;
    fib_key keys[2 * FIB_CHUNK_MAX + 2];
    fib_word words[2 * FIB_CHUNK_MAX + 2];
};

static fib_word
word_of(uint32_t value, unsigned int plen)
{
    return value << 8 | plen;
}

static unsigned int
word_plen(fib_word word)
{
    return word & 0xff;
}

/* Keys. */

/* The last key of the prefix of 'plen' bits that starts with 'first'. */
static fib_key
last_key(fib_key first, unsigned int plen, bool v4)
{
    unsigned int n_bits = (v4 ? 32 : 128) - plen;

    return (n_bits >= 128 ? ~(fib_key) 0
            : first | (((fib_key) 1 << n_bits) - 1));
}

static fib_key
max_key(bool v4)
{
    return last_key(0, 0, v4);
}

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

/* Makes a chunk with room for 'n' ranges. */
static struct fib_chunk *
chunk_create(size_t n, bool v4)
{
    size_t n_groups = DIV_ROUND_UP(n, FIB_WAYS);
    struct fib_chunk *chunk = xmalloc_size_align(chunk_size(n_groups, v4),
                                                 CACHE_LINE_SIZE);

    chunk->n = 0;
    chunk->n_groups = n_groups;
    return chunk;
}

static void
chunk_destroy(struct fib_chunk *chunk)
{
    free_size_align(chunk);
}

/* Writes ranges 'first'...'first' + 'n' - 1 of 'b'. */
static void
chunk_fill(struct fib_chunk *chunk, bool v4, const struct buffer *b,
           size_t first, size_t n)
{
    ovs_assert(n <= chunk->n_groups * FIB_WAYS);
    chunk->n = n;
    chunk->first = b->keys[first];
    node_clear(chunk->root6, v4);
    for (size_t i = 0; i < n; i++) {
        void *group = chunk_group(chunk, v4, i / FIB_WAYS);
        fib_key key = b->keys[first + i];

        if (i % FIB_WAYS == 0) {
            node_clear(group, v4);
            node_set(chunk->root6, v4, i / FIB_WAYS, key);
        }
        node_set(group, v4, i, key);
        group_words(group, v4)[i % FIB_WAYS] = b->words[first + i];
    }
}

/* Appends a range to 'b', unless it only continues the last one. */
static void
buffer_put(struct buffer *b, fib_key key, fib_word word)
{
    if (!b->n || b->words[b->n - 1] != word) {
        b->keys[b->n] = key;
        b->words[b->n] = word;
        b->n++;
    }
}

static void
buffer_put_chunk(struct buffer *b, const struct fib_chunk *chunk,
                 bool v4)
{
    for (size_t i = 0; i < chunk->n; i++) {
        buffer_put(b, chunk_key(chunk, v4, i),
                   chunk_word(chunk, v4, i));
    }
}

/* Makes room for 'n' chunks from number 'at' on, in the place of 'n_old'. */
static void
resize_at(struct map_edit *m, size_t at, size_t n_old, size_t n)
{
    while (m->n - n_old + n > m->allocated) {
        m->chunks = x2nrealloc(m->chunks, &m->allocated, sizeof *m->chunks);
    }
    memmove(&m->chunks[at + n], &m->chunks[at + n_old],
            (m->n - at - n_old) * sizeof *m->chunks);
    m->n += n - n_old;
}

static void
drop_chunk(struct ovl_fib_edit *edit, const struct edit_chunk *c)
{
    if (c->own) {
        chunk_destroy(c->chunk);
        return;
    }
    if (edit->n_retired >= edit->allocated_retired) {
        edit->retired = x2nrealloc(edit->retired, &edit->allocated_retired,
                                   sizeof *edit->retired);
    }
    edit->retired[edit->n_retired++] = c->chunk;
}

/* Puts what is in 'b' in the place of 'n_old' chunks from number 'at' on. */
static void
replace_chunks(struct ovl_fib_edit *edit, struct map_edit *m, size_t at,
               size_t n_old, const struct buffer *b)
{
    size_t n = DIV_ROUND_UP(b->n, FIB_CHUNK_MAX);
    size_t done = 0;

    if (n == 1 && n_old == 1 && m->chunks[at].own) {
        chunk_fill(m->chunks[at].chunk, m->v4, b, 0, b->n);
        return;
    }
    for (size_t i = 0; i < n_old; i++) {
        drop_chunk(edit, &m->chunks[at + i]);
    }
    resize_at(m, at, n_old, n);
    for (size_t i = 0; i < n; i++) {
        size_t share = (b->n - done) / (n - i);
        struct fib_chunk *chunk = chunk_create(FIB_CHUNK_MAX, m->v4);

        chunk_fill(chunk, m->v4, b, done, share);
        m->chunks[at + i] = (struct edit_chunk) {
            .key = b->keys[done], .chunk = chunk, .own = true,
        };
        done += share;
    }
}

/* True if chunks 'at' and 'at' + 1 exist and would make one that is not at
 * once full again. */
static bool
may_join(const struct map_edit *m, size_t at)
{
    return (at + 1 < m->n
            && (m->chunks[at].chunk->n + m->chunks[at + 1].chunk->n
                <= FIB_CHUNK_MAX - CHUNK_MIN));
}

/* Joins chunk 'at' with its neighbors, as long as it is small: on both sides,
 * or small ones would stay beside a large one when that becomes small. */
static void
join_chunk(struct ovl_fib_edit *edit, struct map_edit *m, size_t at)
{
    while (m->chunks[at].chunk->n < CHUNK_MIN) {
        struct buffer buffer;

        if (at && may_join(m, at - 1)) {
            at--;
        } else if (!may_join(m, at)) {
            return;
        }
        buffer.n = 0;
        buffer_put_chunk(&buffer, m->chunks[at].chunk, m->v4);
        buffer_put_chunk(&buffer, m->chunks[at + 1].chunk, m->v4);
        replace_chunks(edit, m, at, 2, &buffer);
    }
}

/* Lists the chunks of the base, or a first one. */
static void
list_chunks(struct map_edit *m)
{
    if (m->n) {
        return;
    }
    m->n = m->allocated = MAX(1, m->base ? m->base->n : 0);
    m->chunks = xmalloc(m->n * sizeof *m->chunks);
    if (m->base && m->base->n) {
        for (size_t i = 0; i < m->n; i++) {
            struct fib_chunk *chunk = fib_map_chunk(m->base, i);

            m->chunks[i] = (struct edit_chunk) {
                .key = chunk->first, .chunk = chunk,
            };
        }
    } else {
        /* One range, without a route. */
        struct fib_chunk *chunk = chunk_create(FIB_CHUNK_MAX, m->v4);
        struct buffer nothing = { .n = 1 };

        chunk_fill(chunk, m->v4, &nothing, 0, 1);
        m->chunks[0] = (struct edit_chunk) { .chunk = chunk, .own = true };
    }
}

/* Number of the chunk that 'key' is in. */
static size_t
find_chunk(const struct map_edit *m, fib_key key)
{
    size_t low = 0, n = m->n;

    while (n > 1) {
        size_t half = n / 2;

        if (m->chunks[low + half].key <= key) {
            low += half;
        }
        n -= half;
    }
    return low;
}

/* Writes to 'b' what becomes of 'chunk', whose last range ends with 'end', if
 * ranges from 'first' to 'last' whose prefix is 'min' to 'max' bits long
 * become 'word'.  Returns false if that changes nothing. */
static bool
repaint_chunk(const struct fib_chunk *chunk, bool v4, fib_key end,
              fib_key first, fib_key last, unsigned int min, unsigned int max,
              fib_word word, struct buffer *b)
{
    bool changed = false;

    b->n = 0;
    for (size_t i = 0; i < chunk->n; i++) {
        fib_key start = chunk_key(chunk, v4, i);
        fib_key stop = (i + 1 < chunk->n
                        ? chunk_key(chunk, v4, i + 1) - 1 : end);
        fib_word old = chunk_word(chunk, v4, i);
        unsigned int plen = word_plen(old);

        if (stop < first || start > last || plen < min || plen > max
            || old == word) {
            buffer_put(b, start, old);
            continue;
        }
        changed = true;
        if (start < first) {
            buffer_put(b, start, old);
        }
        buffer_put(b, MAX(start, first), word);
        if (stop > last) {
            buffer_put(b, last + 1, old);
        }
    }
    return changed;
}

/* Gives ranges from 'first' to 'last' 'word', if their prefix is from 'min' to
 * 'max' bits long. */
static void
repaint(struct ovl_fib_edit *edit, struct map_edit *m, fib_key first,
        fib_key last, unsigned int min, unsigned int max, fib_word word)
{
    fib_key key = first;
    struct buffer b;
    fib_key end;

    list_chunks(m);
    do {
        size_t at = find_chunk(m, key);

        end = (at + 1 < m->n ? m->chunks[at + 1].key - 1
               : max_key(m->v4));
        if (repaint_chunk(m->chunks[at].chunk, m->v4, end, first, last,
                          min, max, word, &b)) {
            m->changed = true;
            replace_chunks(edit, m, at, 1, &b);
            join_chunk(edit, m, at);
        }
        key = end + 1;
    } while (end < last);
}

struct ovl_fib_edit *
ovl_fib_edit_begin(const struct ovl_fib *base)
{
    struct ovl_fib_edit *edit = xzalloc(sizeof *edit);

    ovs_assert(!base || !base->superseded);
    edit->base = base;
    for (int i = 0; i < FIB_N_FAMILIES; i++) {
        edit->maps[i].base = base ? &base->maps[i] : NULL;
        edit->maps[i].v4 = i == FIB_V4;
    }
    return edit;
}

static struct map_edit *
map_of(struct ovl_fib_edit *edit, const struct ovl_prefix *prefix,
       unsigned int *plen)
{
    bool v4 = ovl_prefix_is_v4(prefix);

    *plen = prefix->plen - (v4 ? 96 : 0);
    return &edit->maps[v4 ? FIB_V4 : FIB_V6];
}

void
ovl_fib_edit_insert(struct ovl_fib_edit *edit, const struct ovl_prefix *prefix,
                    uint32_t value)
{
    unsigned int plen;
    struct map_edit *m = map_of(edit, prefix, &plen);
    fib_key first = fib_key_of(&prefix->addr);

    ovs_assert(value != OVL_FIB_NONE && value <= OVL_FIB_VALUE_MAX);
    repaint(edit, m, first, last_key(first, plen, m->v4), 0, plen,
            word_of(value, plen));
}

void
ovl_fib_edit_remove(struct ovl_fib_edit *edit, const struct ovl_prefix *prefix,
                    const struct ovl_prefix *cover, uint32_t cover_value)
{
    unsigned int plen, cover_plen = 0;
    struct map_edit *m = map_of(edit, prefix, &plen);
    fib_key first = fib_key_of(&prefix->addr);

    if (cover) {
        map_of(edit, cover, &cover_plen);
    }
    repaint(edit, m, first, last_key(first, plen, m->v4), plen, plen,
            word_of(cover_value, cover_plen));
}

static bool
has_no_route(const struct map_edit *m)
{
    const struct fib_chunk *chunk = m->chunks[0].chunk;

    return m->n == 1 && chunk->n == 1
           && !chunk_word(chunk, m->v4, 0);
}

/* Makes 'map' one of 'n' chunks, which the caller has to set. */
static void
map_init(struct fib_map *map, size_t n, bool v4)
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

static void
map_set(struct fib_map *map, bool v4, size_t i, struct fib_chunk *chunk)
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
                 : (void *) &index->nodes6[node], v4, i, chunk->first);
        if (i % FIB_WAYS) {
            break;      /* Only the first is seen from above. */
        }
    }
}

/* Returns a copy of 'chunk' without room for more, and frees 'chunk'. */
static struct fib_chunk *
chunk_trim(struct fib_chunk *chunk, bool v4)
{
    struct fib_chunk *copy = chunk_create(chunk->n, v4);
    uint16_t n_groups = copy->n_groups;

    memcpy(copy, chunk, chunk_size(n_groups, v4));
    copy->n_groups = n_groups;
    chunk_destroy(chunk);
    return copy;
}

/* Makes 'map' of what 'm' has become.  Frees 'm''s list. */
static void
map_finish(struct ovl_fib_edit *edit, struct map_edit *m, struct fib_map *map)
{
    if (!m->changed) {
        size_t n = m->base ? m->base->n : 0;

        map_init(map, n, m->v4);
        for (size_t i = 0; i < n; i++) {
            map_set(map, m->v4, i, fib_map_chunk(m->base, i));
        }
    } else if (has_no_route(m)) {
        map_init(map, 0, m->v4);
        drop_chunk(edit, &m->chunks[0]);
    } else {
        map_init(map, m->n, m->v4);
        for (size_t i = 0; i < m->n; i++) {
            struct edit_chunk *c = &m->chunks[i];

            map_set(map, m->v4, i,
                    c->own ? chunk_trim(c->chunk, m->v4) : c->chunk);
        }
    }
}

struct ovl_fib *
ovl_fib_edit_end(struct ovl_fib_edit *edit)
{
    struct ovl_fib *base = CONST_CAST(struct ovl_fib *, edit->base);
    struct ovl_fib *fib = base;
    bool changed = false;

    for (int i = 0; i < FIB_N_FAMILIES; i++) {
        struct map_edit *m = &edit->maps[i];

        changed |= m->changed;
        if (!m->changed && m->n && m->chunks[0].own) {
            chunk_destroy(m->chunks[0].chunk);  /* The first one. */
        }
    }
    if (changed) {
        fib = xmalloc_size_align(sizeof *fib, CACHE_LINE_SIZE);
        memset(fib, 0, sizeof *fib);
        for (int i = 0; i < FIB_N_FAMILIES; i++) {
            map_finish(edit, &edit->maps[i], &fib->maps[i]);
        }
        if (base) {
            base->superseded = true;
            base->retired = edit->retired;
            base->n_retired = edit->n_retired;
            edit->retired = NULL;
        }
        if (!fib->maps[FIB_V4].n && !fib->maps[FIB_V6].n) {
            free_size_align(fib);
            fib = NULL;
        }
    }
    for (int i = 0; i < FIB_N_FAMILIES; i++) {
        free(edit->maps[i].chunks);
    }
    free(edit->retired);
    free(edit);
    return fib;
}

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
        chunk_destroy(fib->retired[i]);
    }
    free(fib->retired);
    for (int i = 0; i < FIB_N_FAMILIES; i++) {
        struct fib_map *map = &fib->maps[i];

        for (size_t j = 0; j < map->n && !fib->superseded; j++) {
            chunk_destroy(fib_map_chunk(map, j));
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
