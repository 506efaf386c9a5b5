/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: ovl_fib_.
 *
 * A change looks at every chunk that the prefix reaches into, writes what its
 * ranges become into a buffer, and, if that is something else than before,
 * replaces the chunk.  In an edit a chunk is copied only once: after that it
 * is the edit's own and is written in place.
 *
 * Every address is in a range: the first chunk starts at 0.  Neighbors in a
 * chunk differ; the first range of a chunk may say the same as the last of
 * the chunk before. */

#include <config.h>

#include "fib.h"

#include <string.h>

#include "ovs-rcu.h"
#include "util.h"

/* Ranges in a chunk.  Larger chunks make the index smaller, which is copied
 * for each edit of a large FIB; smaller ones make a change cheaper. */
#define CHUNK_MAX 512
#define CHUNK_MIN (CHUNK_MAX / 4)

/* An address as a number: 32 bits of IPv4 or 128 bits. */
typedef unsigned __int128 fib_key;

/* What a range leads to: value << 8 | length of its prefix.  A range without
 * a route is 0. */
typedef uint32_t fib_word;

/* Ranges: 'capacity' keys, at which they start, then as many words. */
struct fib_chunk {
    uint16_t n;
    uint16_t capacity;
    union {
        uint32_t key4[0];
        fib_key key6[0];
    };
};

/* Ranges of one family.  'keys' has the first key of each chunk. */
struct fib_map {
    uint32_t n;
    uint32_t key_size;
    struct fib_chunk **chunks;
    void *keys;                 /* Of 'key_size' bytes each. */
};

enum { FIB_V4, FIB_V6, FIB_N_FAMILIES };

struct ovl_fib {
    struct fib_map maps[FIB_N_FAMILIES];

    /* Writer only. */
    bool superseded;            /* Has a successor. */
    struct fib_chunk **retired; /* Chunks that the successor has not. */
    size_t n_retired;
};

/* The ranges of one family while they change. */
struct map_edit {
    const struct fib_map *base; /* May be empty. */
    uint32_t key_size;
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
    fib_key keys[2 * CHUNK_MAX + 2];
    fib_word words[2 * CHUNK_MAX + 2];
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

static uint32_t
word_value(fib_word word)
{
    return word >> 8;
}

/* Keys. */

static fib_key
key_of(const struct in6_addr *ip)
{
    fib_key key = 0;

    if (ovl_ip_is_v4(ip)) {
        return ntohl(in6_addr_get_mapped_ipv4(ip));
    }
    for (int i = 0; i < 16; i++) {
        key = key << 8 | ip->s6_addr[i];
    }
    return key;
}

/* The last key of the prefix of 'plen' bits that starts with 'first'. */
static fib_key
last_key(fib_key first, unsigned int plen, uint32_t key_size)
{
    unsigned int n_bits = key_size * 8 - plen;

    return (n_bits >= 128 ? ~(fib_key) 0
            : first | (((fib_key) 1 << n_bits) - 1));
}

static fib_key
max_key(uint32_t key_size)
{
    return last_key(0, 0, key_size);
}

/* Number of the last of the 'n' sorted 'keys' that is not greater than 'key'.
 * The first never is. */
static inline size_t
search4(const uint32_t *keys, size_t n, uint32_t key)
{
    const uint32_t *base = keys;

    while (n > 1) {
        size_t half = n / 2;

        base = base[half] <= key ? base + half : base;
        n -= half;
    }
    return base - keys;
}

static inline size_t
search6(const fib_key *keys, size_t n, fib_key key)
{
    const fib_key *base = keys;

    while (n > 1) {
        size_t half = n / 2;

        base = base[half] <= key ? base + half : base;
        n -= half;
    }
    return base - keys;
}

/* Chunks. */

static fib_word *
chunk_words4(const struct fib_chunk *chunk)
{
    return CONST_CAST(fib_word *, chunk->key4 + chunk->capacity);
}

static fib_word *
chunk_words6(const struct fib_chunk *chunk)
{
    return (fib_word *) CONST_CAST(fib_key *, chunk->key6 + chunk->capacity);
}

static fib_key
chunk_key(const struct fib_chunk *chunk, uint32_t key_size, size_t i)
{
    return key_size == 4 ? chunk->key4[i] : chunk->key6[i];
}

static fib_word *
chunk_words(const struct fib_chunk *chunk, uint32_t key_size)
{
    return key_size == 4 ? chunk_words4(chunk) : chunk_words6(chunk);
}

static size_t
chunk_size(size_t capacity, uint32_t key_size)
{
    return (offsetof(struct fib_chunk, key6)
            + capacity * (key_size + sizeof(fib_word)));
}
BUILD_ASSERT_DECL(offsetof(struct fib_chunk, key4)
                  <= offsetof(struct fib_chunk, key6));

static struct fib_chunk *
chunk_create(size_t capacity, uint32_t key_size)
{
    struct fib_chunk *chunk = xmalloc_size_align(
        chunk_size(capacity, key_size), 16);

    chunk->n = 0;
    chunk->capacity = capacity;
    return chunk;
}

static void
chunk_destroy(struct fib_chunk *chunk)
{
    free_size_align(chunk);
}

/* Writes ranges 'first'...'first' + 'n' - 1 of 'b'. */
static void
chunk_fill(struct fib_chunk *chunk, uint32_t key_size, const struct buffer *b,
           size_t first, size_t n)
{
    ovs_assert(n <= chunk->capacity);
    chunk->n = n;
    for (size_t i = 0; i < n; i++) {
        if (key_size == 4) {
            chunk->key4[i] = b->keys[first + i];
        } else {
            chunk->key6[i] = b->keys[first + i];
        }
    }
    memcpy(chunk_words(chunk, key_size), &b->words[first],
           n * sizeof *b->words);
}

/* Reader. */

uint32_t
ovl_fib_lookup(const struct ovl_fib *fib, const struct in6_addr *ip,
               uint8_t *plen)
{
    bool v4 = ovl_ip_is_v4(ip);
    fib_word word = 0;

    if (fib) {
        const struct fib_map *map = &fib->maps[v4 ? FIB_V4 : FIB_V6];

        if (!map->n) {
            /* No route of this family. */
        } else if (v4) {
            uint32_t key = ntohl(in6_addr_get_mapped_ipv4(ip));
            const struct fib_chunk *chunk
                = map->chunks[search4(map->keys, map->n, key)];

            word = chunk_words4(chunk)[search4(chunk->key4, chunk->n, key)];
        } else {
            fib_key key = key_of(ip);
            const struct fib_chunk *chunk
                = map->chunks[search6(map->keys, map->n, key)];

            word = chunk_words6(chunk)[search6(chunk->key6, chunk->n, key)];
        }
    }
    if (plen) {
        *plen = word_plen(word) + (v4 ? 96 : 0);
    }
    return word_value(word);
}

size_t
ovl_fib_size(const struct ovl_fib *fib)
{
    size_t size = 0;

    if (fib) {
        size = sizeof *fib;
        for (int i = 0; i < FIB_N_FAMILIES; i++) {
            const struct fib_map *map = &fib->maps[i];

            size += map->n * (sizeof *map->chunks + map->key_size);
            for (size_t j = 0; j < map->n; j++) {
                size += chunk_size(map->chunks[j]->capacity, map->key_size);
            }
        }
    }
    return size;
}

/* Writer. */

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
                 uint32_t key_size)
{
    for (size_t i = 0; i < chunk->n; i++) {
        buffer_put(b, chunk_key(chunk, key_size, i),
                   chunk_words(chunk, key_size)[i]);
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
    size_t n = DIV_ROUND_UP(b->n, CHUNK_MAX);
    size_t done = 0;

    if (n == 1 && n_old == 1 && m->chunks[at].own) {
        chunk_fill(m->chunks[at].chunk, m->key_size, b, 0, b->n);
        return;
    }
    for (size_t i = 0; i < n_old; i++) {
        drop_chunk(edit, &m->chunks[at + i]);
    }
    resize_at(m, at, n_old, n);
    for (size_t i = 0; i < n; i++) {
        size_t share = (b->n - done) / (n - i);
        struct fib_chunk *chunk = chunk_create(CHUNK_MAX, m->key_size);

        chunk_fill(chunk, m->key_size, b, done, share);
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
                <= CHUNK_MAX - CHUNK_MIN));
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
        buffer_put_chunk(&buffer, m->chunks[at].chunk, m->key_size);
        buffer_put_chunk(&buffer, m->chunks[at + 1].chunk, m->key_size);
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
            struct fib_chunk *chunk = m->base->chunks[i];

            m->chunks[i] = (struct edit_chunk) {
                .key = chunk_key(chunk, m->key_size, 0), .chunk = chunk,
            };
        }
    } else {
        /* One range, without a route. */
        struct fib_chunk *chunk = chunk_create(CHUNK_MAX, m->key_size);
        struct buffer nothing = { .n = 1 };

        chunk_fill(chunk, m->key_size, &nothing, 0, 1);
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
repaint_chunk(const struct fib_chunk *chunk, uint32_t key_size, fib_key end,
              fib_key first, fib_key last, unsigned int min, unsigned int max,
              fib_word word, struct buffer *b)
{
    const fib_word *words = chunk_words(chunk, key_size);
    bool changed = false;

    b->n = 0;
    for (size_t i = 0; i < chunk->n; i++) {
        fib_key start = chunk_key(chunk, key_size, i);
        fib_key stop = (i + 1 < chunk->n
                        ? chunk_key(chunk, key_size, i + 1) - 1 : end);
        unsigned int plen = word_plen(words[i]);

        if (stop < first || start > last || plen < min || plen > max
            || words[i] == word) {
            buffer_put(b, start, words[i]);
            continue;
        }
        changed = true;
        if (start < first) {
            buffer_put(b, start, words[i]);
        }
        buffer_put(b, MAX(start, first), word);
        if (stop > last) {
            buffer_put(b, last + 1, words[i]);
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
               : max_key(m->key_size));
        if (repaint_chunk(m->chunks[at].chunk, m->key_size, end, first, last,
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
        edit->maps[i].key_size = i == FIB_V4 ? 4 : 16;
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
    fib_key first = key_of(&prefix->addr);

    ovs_assert(value != OVL_FIB_NONE && value <= OVL_FIB_VALUE_MAX);
    repaint(edit, m, first, last_key(first, plen, m->key_size), 0, plen,
            word_of(value, plen));
}

void
ovl_fib_edit_remove(struct ovl_fib_edit *edit, const struct ovl_prefix *prefix,
                    const struct ovl_prefix *cover, uint32_t cover_value)
{
    unsigned int plen, cover_plen = 0;
    struct map_edit *m = map_of(edit, prefix, &plen);
    fib_key first = key_of(&prefix->addr);

    if (cover) {
        map_of(edit, cover, &cover_plen);
    }
    repaint(edit, m, first, last_key(first, plen, m->key_size), plen, plen,
            word_of(cover_value, cover_plen));
}

static bool
has_no_route(const struct map_edit *m)
{
    const struct fib_chunk *chunk = m->chunks[0].chunk;

    return m->n == 1 && chunk->n == 1
           && !chunk_words(chunk, m->key_size)[0];
}

/* Makes room for 'n' chunks. */
static void
map_init(struct fib_map *map, size_t n, uint32_t key_size)
{
    map->n = n;
    map->key_size = key_size;
    map->chunks = n ? xmalloc(n * sizeof *map->chunks) : NULL;
    map->keys = n ? xmalloc_size_align(n * key_size, 16) : NULL;
}

static void
map_set(struct fib_map *map, size_t i, struct fib_chunk *chunk)
{
    map->chunks[i] = chunk;
    if (map->key_size == 4) {
        ((uint32_t *) map->keys)[i] = chunk->key4[0];
    } else {
        ((fib_key *) map->keys)[i] = chunk->key6[0];
    }
}

/* Returns a copy of 'chunk' without room for more, and frees 'chunk'. */
static struct fib_chunk *
chunk_trim(struct fib_chunk *chunk, uint32_t key_size)
{
    struct fib_chunk *copy = chunk_create(chunk->n, key_size);

    copy->n = chunk->n;
    memcpy(copy->key4, chunk->key4, chunk->n * key_size);
    memcpy(chunk_words(copy, key_size), chunk_words(chunk, key_size),
           chunk->n * sizeof(fib_word));
    chunk_destroy(chunk);
    return copy;
}

/* Makes 'map' of what 'm' has become.  Frees 'm''s list. */
static void
map_finish(struct ovl_fib_edit *edit, struct map_edit *m, struct fib_map *map)
{
    if (!m->changed) {
        size_t n = m->base ? m->base->n : 0;

        map_init(map, n, m->key_size);
        for (size_t i = 0; i < n; i++) {
            map_set(map, i, m->base->chunks[i]);
        }
    } else if (has_no_route(m)) {
        map_init(map, 0, m->key_size);
        drop_chunk(edit, &m->chunks[0]);
    } else {
        map_init(map, m->n, m->key_size);
        for (size_t i = 0; i < m->n; i++) {
            struct edit_chunk *c = &m->chunks[i];

            map_set(map, i, c->own ? chunk_trim(c->chunk, m->key_size)
                            : c->chunk);
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
        fib = xzalloc(sizeof *fib);
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
            free(fib);
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
            chunk_destroy(map->chunks[j]);
        }
        free(map->chunks);
        if (map->keys) {
            free_size_align(map->keys);
        }
    }
    free(fib);
}

void
ovl_fib_postpone_destroy(struct ovl_fib *fib)
{
    if (fib) {
        ovsrcu_postpone(ovl_fib_destroy, fib);
    }
}
