/* SPDX-License-Identifier: Apache-2.0 */

/* Changes a FIB.
 *
 * A change unpacks every chunk that the prefix reaches into and repaints its
 * ranges.  What has changed is packed into new chunks at the end of the edit;
 * all others are the base's.
 *
 * Every address is in a range: the first chunk starts at 0.  Neighbors in a
 * chunk differ; the first range of a chunk may say the same as the last of
 * the chunk before.
 *
 * Prefix: ovl_fib_. */

#include <config.h>

#include "fib-private.h"

#include <string.h>

#include "packets.h"

#define CHUNK_MIN (FIB_CHUNK_MAX / 4)

/* A chunk while it changes. */
struct edit_chunk {
    fib_key key;                /* Where it starts. */
    struct fib_chunk *chunk;    /* The base's; NULL: it is a new one. */
    struct fib_ranges *ranges;  /* NULL: as 'chunk' says. */
    bool changed;               /* 'ranges' say something else. */
};

/* The ranges of one family while they change. */
struct map_edit {
    const struct fib_map *base; /* May be empty. */
    bool v4;
    bool changed;               /* Says something else than the base. */
    struct edit_chunk *chunks;
    size_t n, allocated;        /* 0 as long as nobody looked. */
};

struct ovl_fib_edit {
    const struct ovl_fib *base; /* May be null. */
    struct map_edit maps[FIB_N_FAMILIES];
    struct fib_chunk **retired;
    size_t n_retired, allocated_retired;
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

/* Ranges. */

static void
ranges_reserve(struct fib_ranges *r, size_t n)
{
    if (n > r->allocated) {
        r->allocated = MAX(n, 2 * r->allocated);
        r->keys = xrealloc(r->keys, r->allocated * sizeof *r->keys);
        r->words = xrealloc(r->words, r->allocated * sizeof *r->words);
    }
}

static void
ranges_destroy(struct fib_ranges *r)
{
    if (r) {
        free(r->keys);
        free(r->words);
        free(r);
    }
}

/* Returns 'n' ranges of 'r' from number 'at' on. */
static struct fib_ranges *
ranges_slice(const struct fib_ranges *r, size_t at, size_t n)
{
    struct fib_ranges *slice = xzalloc(sizeof *slice);

    ranges_reserve(slice, n);
    slice->n = n;
    memcpy(slice->keys, r->keys + at, n * sizeof *r->keys);
    memcpy(slice->words, r->words + at, n * sizeof *r->words);
    return slice;
}

/* Makes the 'n_old' ranges from number 'at' on those of 'new'. */
static void
ranges_splice(struct fib_ranges *r, size_t at, size_t n_old,
              const struct fib_ranges *new)
{
    size_t n_tail = r->n - at - n_old;

    ranges_reserve(r, at + new->n + n_tail);
    memmove(r->keys + at + new->n, r->keys + at + n_old,
            n_tail * sizeof *r->keys);
    memmove(r->words + at + new->n, r->words + at + n_old,
            n_tail * sizeof *r->words);
    memcpy(r->keys + at, new->keys, new->n * sizeof *r->keys);
    memcpy(r->words + at, new->words, new->n * sizeof *r->words);
    r->n = at + new->n + n_tail;
}

/* Number of the range that 'key' is in. */
static size_t
ranges_find(const struct fib_ranges *r, fib_key key)
{
    size_t low = 0, n = r->n;

    while (n > 1) {
        size_t half = n / 2;

        if (r->keys[low + half] <= key) {
            low += half;
        }
        n -= half;
    }
    return low;
}

/* Ranges on their way into others, of which the first comes after one that
 * says 'before', if 'after_one'. */
struct patch {
    struct fib_ranges r;
    bool after_one;
    fib_word before;
    fib_key keys[2 * FIB_CHUNK_MAX + 2];
    fib_word words[2 * FIB_CHUNK_MAX + 2];
};

/* Appends a range to 'p', unless it only continues the one before. */
static void
patch_put(struct patch *p, fib_key key, fib_word word)
{
    if (!p->after_one || p->before != word) {
        p->keys[p->r.n] = key;
        p->words[p->r.n] = word;
        p->r.n++;
    }
    p->after_one = true;
    p->before = word;
}

/* Gives what is from 'first' to 'last' in 'r', whose last range ends with
 * 'end', 'word', if its prefix is from 'min' to 'max' bits long.  Returns
 * false if that changes nothing. */
static bool
ranges_repaint(struct fib_ranges *r, fib_key end, fib_key first, fib_key last,
               unsigned int min, unsigned int max, fib_word word)
{
    size_t from = ranges_find(r, first), to;
    bool changed = false;
    struct patch p;

    p.r = (struct fib_ranges) { .keys = p.keys, .words = p.words };
    p.after_one = from > 0;
    p.before = from ? r->words[from - 1] : 0;
    for (to = from; to < r->n && r->keys[to] <= last; to++) {
        fib_key start = r->keys[to];
        fib_key stop = to + 1 < r->n ? r->keys[to + 1] - 1 : end;
        fib_word old = r->words[to];
        unsigned int plen = word_plen(old);

        if (plen < min || plen > max || old == word) {
            patch_put(&p, start, old);
            continue;
        }
        changed = true;
        if (start < first) {
            patch_put(&p, start, old);
        }
        patch_put(&p, MAX(start, first), word);
        if (stop > last) {
            patch_put(&p, last + 1, old);
        }
    }
    if (!changed) {
        return false;
    }
    if (to < r->n) {
        /* The next one may continue the last. */
        patch_put(&p, r->keys[to], r->words[to]);
        to++;
    }
    ranges_splice(r, from, to - from, &p.r);
    return true;
}

/* Chunks. */

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

/* The base's chunk is not the next FIB's. */
static void
retire(struct ovl_fib_edit *edit, struct fib_chunk *chunk)
{
    if (edit->n_retired >= edit->allocated_retired) {
        edit->retired = x2nrealloc(edit->retired, &edit->allocated_retired,
                                   sizeof *edit->retired);
    }
    edit->retired[edit->n_retired++] = chunk;
}

static void
drop_chunk(struct ovl_fib_edit *edit, struct edit_chunk *c)
{
    if (c->chunk) {
        retire(edit, c->chunk);
    }
    ranges_destroy(c->ranges);
}

static struct fib_ranges *
unpack(const struct map_edit *m, struct edit_chunk *c)
{
    if (!c->ranges) {
        c->ranges = xzalloc(sizeof *c->ranges);
        ranges_reserve(c->ranges, c->chunk->n + 2);
        ovl_fib_chunk_unpack(c->chunk, m->v4, c->ranges);
    }
    return c->ranges;
}

static size_t
n_ranges(const struct edit_chunk *c)
{
    return c->ranges ? c->ranges->n : c->chunk->n;
}

/* Makes two chunks of chunk 'at' if it is too large for one. */
static void
split_chunk(struct map_edit *m, size_t at)
{
    struct fib_ranges *r = m->chunks[at].ranges;
    size_t n = DIV_ROUND_UP(r->n, FIB_CHUNK_MAX);

    if (n == 1) {
        return;
    }
    resize_at(m, at + 1, 0, n - 1);
    for (size_t done = r->n; --n > 0; ) {
        size_t share = done / (n + 1);

        done -= share;
        m->chunks[at + n] = (struct edit_chunk) {
            .key = r->keys[done], .ranges = ranges_slice(r, done, share),
            .changed = true,
        };
        r->n = done;
    }
}

/* True if chunks 'at' and 'at' + 1 exist and would make one that is not at
 * once full again. */
static bool
may_join(const struct map_edit *m, size_t at)
{
    return (at + 1 < m->n
            && (n_ranges(&m->chunks[at]) + n_ranges(&m->chunks[at + 1])
                <= FIB_CHUNK_MAX - CHUNK_MIN));
}

/* Appends chunk 'at' + 1 to chunk 'at'. */
static void
append_next(struct ovl_fib_edit *edit, struct map_edit *m, size_t at)
{
    struct fib_ranges *r = unpack(m, &m->chunks[at]);
    struct fib_ranges *next = unpack(m, &m->chunks[at + 1]);
    bool continues = r->words[r->n - 1] == next->words[0];
    struct fib_ranges rest = {
        .n = next->n - continues, .keys = next->keys + continues,
        .words = next->words + continues,
    };

    ranges_splice(r, r->n, 0, &rest);
    m->chunks[at].changed = true;
    drop_chunk(edit, &m->chunks[at + 1]);
    resize_at(m, at + 1, 1, 0);
}

/* Joins chunk 'at' with its neighbors, as long as it is small: on both sides,
 * or small ones would stay beside a large one when that becomes small. */
static void
join_chunk(struct ovl_fib_edit *edit, struct map_edit *m, size_t at)
{
    while (n_ranges(&m->chunks[at]) < CHUNK_MIN) {
        if (at && may_join(m, at - 1)) {
            at--;
        } else if (!may_join(m, at)) {
            return;
        }
        append_next(edit, m, at);
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
            m->chunks[i] = (struct edit_chunk) {
                .key = ovl_fib_map_key(m->base, m->v4, i),
                .chunk = fib_map_chunk(m->base, i),
            };
        }
    } else {
        /* One range, without a route. */
        fib_key key = 0;
        fib_word word = 0;
        struct fib_ranges nothing = { .n = 1, .keys = &key, .words = &word };

        m->chunks[0] = (struct edit_chunk) {
            .ranges = ranges_slice(&nothing, 0, 1), .changed = true,
        };
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

/* Gives ranges from 'first' to 'last' 'word', if their prefix is from 'min' to
 * 'max' bits long. */
static void
repaint(struct ovl_fib_edit *edit, struct map_edit *m, fib_key first,
        fib_key last, unsigned int min, unsigned int max, fib_word word)
{
    fib_key key = first;
    fib_key end;

    list_chunks(m);
    do {
        size_t at = find_chunk(m, key);
        struct edit_chunk *c = &m->chunks[at];

        end = (at + 1 < m->n ? m->chunks[at + 1].key - 1
               : max_key(m->v4));
        if (ranges_repaint(unpack(m, c), end, MAX(first, c->key), last, min,
                           max, word)) {
            m->changed = c->changed = true;
            split_chunk(m, at);
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
    return (m->n == 1 && m->chunks[0].ranges && m->chunks[0].ranges->n == 1
            && !m->chunks[0].ranges->words[0]);
}

/* Returns the chunk that 'c' has become. */
static struct fib_chunk *
finish_chunk(struct ovl_fib_edit *edit, const struct map_edit *m,
             struct edit_chunk *c)
{
    struct fib_chunk *chunk = c->chunk;

    if (c->changed) {
        chunk = ovl_fib_chunk_pack(c->ranges, m->v4);
        if (c->chunk) {
            retire(edit, c->chunk);
        }
    }
    return chunk;
}

/* Makes 'map' of what 'm' has become. */
static void
finish_map(struct ovl_fib_edit *edit, struct map_edit *m, struct fib_map *map)
{
    if (m->changed && has_no_route(m)) {
        ovl_fib_map_init(map, 0, m->v4);
        if (m->chunks[0].chunk) {
            retire(edit, m->chunks[0].chunk);
        }
    } else if (m->changed) {
        ovl_fib_map_init(map, m->n, m->v4);
        for (size_t i = 0; i < m->n; i++) {
            struct edit_chunk *c = &m->chunks[i];

            ovl_fib_map_set(map, m->v4, i, c->key, finish_chunk(edit, m, c));
        }
    } else {
        size_t n = m->base ? m->base->n : 0;

        ovl_fib_map_init(map, n, m->v4);
        for (size_t i = 0; i < n; i++) {
            ovl_fib_map_set(map, m->v4, i,
                            ovl_fib_map_key(m->base, m->v4, i),
                            fib_map_chunk(m->base, i));
        }
    }
}

struct ovl_fib *
ovl_fib_edit_end(struct ovl_fib_edit *edit)
{
    struct ovl_fib *base = CONST_CAST(struct ovl_fib *, edit->base);
    struct ovl_fib *fib = base;

    if (edit->maps[FIB_V4].changed || edit->maps[FIB_V6].changed) {
        fib = xmalloc_size_align(sizeof *fib, CACHE_LINE_SIZE);
        memset(fib, 0, sizeof *fib);
        for (int i = 0; i < FIB_N_FAMILIES; i++) {
            finish_map(edit, &edit->maps[i], &fib->maps[i]);
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
        struct map_edit *m = &edit->maps[i];

        for (size_t j = 0; j < m->n; j++) {
            ranges_destroy(m->chunks[j].ranges);
        }
        free(m->chunks);
    }
    free(edit->retired);
    free(edit);
    return fib;
}
