/* SPDX-License-Identifier: Apache-2.0 */

/* Changes the IPv6 routes of a FIB.
 *
 * A change unpacks every chunk that the prefix reaches into and repaints its
 * ranges.  What has changed is packed into new chunks at the end of the edit;
 * all others are the base's.
 *
 * Every address is in a range: the first chunk starts at 0.  Neighbors in a
 * chunk differ; the first range of a chunk may say the same as the last of
 * the chunk before.
 *
 * Prefix: ovl_fib6_. */

#include <config.h>

#include "fib-private.h"

#include <string.h>

#define CHUNK_MIN (FIB_CHUNK_MAX / 4)

/* A chunk while it changes. */
struct fib6_edit_chunk {
    fib_key key;                /* Where it starts. */
    struct fib6_chunk *chunk;   /* The base's; NULL: it is a new one. */
    struct fib_ranges *ranges;  /* NULL: as 'chunk' says. */
    bool changed;               /* 'ranges' say something else. */
};

static void
ranges_destroy(struct fib_ranges *r)
{
    if (r) {
        ovl_fib_ranges_uninit(r);
        free(r);
    }
}

/* Makes room for 'n' chunks from number 'at' on, in the place of 'n_old'. */
static void
resize_at(struct fib6_edit *m, size_t at, size_t n_old, size_t n)
{
    while (m->n - n_old + n > m->allocated) {
        m->chunks = x2nrealloc(m->chunks, &m->allocated, sizeof *m->chunks);
    }
    memmove(&m->chunks[at + n], &m->chunks[at + n_old],
            (m->n - at - n_old) * sizeof *m->chunks);
    m->n += n - n_old;
}

static void
drop_chunk(struct fib6_edit *m, struct fib6_edit_chunk *c)
{
    if (c->chunk) {
        ovl_fib_retire(m->retired, c->chunk);
    }
    ranges_destroy(c->ranges);
}

static struct fib_ranges *
unpack(struct fib6_edit_chunk *c)
{
    if (!c->ranges) {
        c->ranges = xzalloc(sizeof *c->ranges);
        ovl_fib_ranges_reserve(c->ranges, c->chunk->n + 2);
        ovl_fib6_chunk_unpack(c->chunk, c->ranges);
    }
    return c->ranges;
}

static size_t
n_ranges(const struct fib6_edit_chunk *c)
{
    return c->ranges ? c->ranges->n : c->chunk->n;
}

/* Makes two chunks of chunk 'at' if it is too large for one. */
static void
split_chunk(struct fib6_edit *m, size_t at)
{
    struct fib_ranges *r = m->chunks[at].ranges;
    size_t n = DIV_ROUND_UP(r->n, FIB_CHUNK_MAX);

    if (n == 1) {
        return;
    }
    resize_at(m, at + 1, 0, n - 1);
    for (size_t done = r->n; --n > 0; ) {
        size_t share = done / (n + 1);
        struct fib_ranges *part = xzalloc(sizeof *part);

        done -= share;
        ovl_fib_ranges_append(part, r, done, share, r->keys[done]);
        m->chunks[at + n] = (struct fib6_edit_chunk) {
            .key = r->keys[done], .ranges = part, .changed = true,
        };
        r->n = done;
    }
}

/* True if chunks 'at' and 'at' + 1 exist and would make one that is not at
 * once full again. */
static bool
may_join(const struct fib6_edit *m, size_t at)
{
    return (at + 1 < m->n
            && (n_ranges(&m->chunks[at]) + n_ranges(&m->chunks[at + 1])
                <= FIB_CHUNK_MAX - CHUNK_MIN));
}

/* Appends chunk 'at' + 1 to chunk 'at'. */
static void
append_next(struct fib6_edit *m, size_t at)
{
    struct fib_ranges *next = unpack(&m->chunks[at + 1]);

    ovl_fib_ranges_append(unpack(&m->chunks[at]), next, 0, next->n,
                          next->keys[0]);
    m->chunks[at].changed = true;
    drop_chunk(m, &m->chunks[at + 1]);
    resize_at(m, at + 1, 1, 0);
}

/* Joins chunk 'at' with its neighbors, as long as it is small: on both sides,
 * or small ones would stay beside a large one when that becomes small. */
static void
join_chunk(struct fib6_edit *m, size_t at)
{
    while (n_ranges(&m->chunks[at]) < CHUNK_MIN) {
        if (at && may_join(m, at - 1)) {
            at--;
        } else if (!may_join(m, at)) {
            return;
        }
        append_next(m, at);
    }
}

/* Lists the chunks of the base, or a first one. */
static void
list_chunks(struct fib6_edit *m)
{
    size_t n = fib6_n(m->base);

    if (m->n) {
        return;
    }
    m->n = m->allocated = MAX(1, n);
    m->chunks = xmalloc(m->n * sizeof *m->chunks);
    for (size_t i = 0; i < n; i++) {
        m->chunks[i] = (struct fib6_edit_chunk) {
            .key = ovl_fib6_key(m->base, i), .chunk = fib6_chunk(m->base, i),
        };
    }
    if (!n) {
        /* One range, without a route. */
        struct fib_ranges *nothing = xzalloc(sizeof *nothing);

        ovl_fib_ranges_reserve(nothing, 1);
        ovl_fib_ranges_put(nothing, 0, 0);
        m->chunks[0] = (struct fib6_edit_chunk) {
            .ranges = nothing, .changed = true,
        };
    }
}

/* Number of the chunk that 'key' is in. */
static size_t
find_chunk(const struct fib6_edit *m, fib_key key)
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

void
ovl_fib6_edit_init(struct fib6_edit *m, fib6_entry base,
                   struct fib_retired *retired)
{
    *m = (struct fib6_edit) { .base = base, .retired = retired };
}

void
ovl_fib6_edit_paint(struct fib6_edit *m, const struct fib_paint *paint)
{
    struct fib_paint rest = *paint;
    fib_key end;

    list_chunks(m);
    do {
        size_t at = find_chunk(m, rest.first);
        struct fib6_edit_chunk *c = &m->chunks[at];

        end = at + 1 < m->n ? m->chunks[at + 1].key - 1 : ~(fib_key) 0;
        if (ovl_fib_ranges_repaint(unpack(c), end, &rest)) {
            m->changed = c->changed = true;
            split_chunk(m, at);
            join_chunk(m, at);
        }
        fib_done(&m->n_done);
        rest.first = end + 1;
    } while (end < rest.last);
}

static bool
has_no_route(const struct fib6_edit *m)
{
    return (m->n == 1 && m->chunks[0].ranges && m->chunks[0].ranges->n == 1
            && !m->chunks[0].ranges->words[0]);
}

/* Returns the chunk that 'c' has become. */
static struct fib6_chunk *
finish_chunk(struct fib6_edit *m, const struct fib6_edit_chunk *c)
{
    if (!c->changed) {
        return c->chunk;
    } else if (c->chunk) {
        ovl_fib_retire(m->retired, c->chunk);
    }
    return ovl_fib6_chunk_pack(c->ranges);
}

/* Returns what the chunks have become. */
static fib6_entry
finish(struct fib6_edit *m)
{
    struct fib6_index *former = fib6_index(m->base);

    if (former) {
        ovl_fib_retire(m->retired, former->chunks);
        ovl_fib_retire(m->retired, former);
    }
    if (has_no_route(m)) {
        if (m->chunks[0].chunk) {
            ovl_fib_retire(m->retired, m->chunks[0].chunk);
        }
        return 0;
    } else if (m->n == 1) {
        struct fib6_chunk *chunk = finish_chunk(m, &m->chunks[0]);

        return (fib6_entry) chunk;
    }

    struct fib6_index *index = ovl_fib6_index_create(m->n);

    for (size_t i = 0; i < m->n; i++) {
        ovl_fib6_index_set(index, i, m->chunks[i].key,
                           finish_chunk(m, &m->chunks[i]));
        fib_done(&m->n_done);
    }
    return (fib6_entry) index | FIB6_INDEX;
}

fib6_entry
ovl_fib6_edit_end(struct fib6_edit *m)
{
    fib6_entry entry = m->changed ? finish(m) : m->base;

    for (size_t i = 0; i < m->n; i++) {
        ranges_destroy(m->chunks[i].ranges);
    }
    free(m->chunks);
    return entry;
}
