/* SPDX-License-Identifier: Apache-2.0 */

/* Ranges while they change.
 *
 * Prefix: ovl_fib_ranges_. */

#include <config.h>

#include "fib-private.h"

#include <string.h>

void
ovl_fib_ranges_reserve(struct fib_ranges *r, size_t n)
{
    if (n > r->allocated) {
        r->allocated = MAX(n, 2 * r->allocated);
        r->keys = xrealloc(r->keys, r->allocated * sizeof *r->keys);
        r->words = xrealloc(r->words, r->allocated * sizeof *r->words);
    }
}

void
ovl_fib_ranges_uninit(struct fib_ranges *r)
{
    free(r->keys);
    free(r->words);
}

void
ovl_fib_ranges_put(struct fib_ranges *r, fib_key key, fib_word word)
{
    if (!r->n || r->words[r->n - 1] != word) {
        r->keys[r->n] = key;
        r->words[r->n] = word;
        r->n++;
    }
}

void
ovl_fib_ranges_append(struct fib_ranges *r, const struct fib_ranges *from,
                      size_t at, size_t n, fib_key key)
{
    ovl_fib_ranges_reserve(r, r->n + n);
    for (size_t i = 0; i < n; i++) {
        ovl_fib_ranges_put(r, i ? from->keys[at + i] : key,
                           from->words[at + i]);
    }
}

/* Makes the 'n_old' ranges from number 'at' on those of 'new'. */
static void
splice(struct fib_ranges *r, size_t at, size_t n_old,
       const struct fib_ranges *new)
{
    size_t n_tail = r->n - at - n_old;

    ovl_fib_ranges_reserve(r, at + new->n + n_tail);
    memmove(r->keys + at + new->n, r->keys + at + n_old,
            n_tail * sizeof *r->keys);
    memmove(r->words + at + new->n, r->words + at + n_old,
            n_tail * sizeof *r->words);
    memcpy(r->keys + at, new->keys, new->n * sizeof *r->keys);
    memcpy(r->words + at, new->words, new->n * sizeof *r->words);
    r->n = at + new->n + n_tail;
}

size_t
ovl_fib_ranges_find(const struct fib_ranges *r, fib_key key)
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

bool
ovl_fib_ranges_repaint(struct fib_ranges *r, fib_key end,
                       const struct fib_paint *paint)
{
    size_t from = ovl_fib_ranges_find(r, paint->first), to;
    bool changed = false;
    struct patch p;

    p.r = (struct fib_ranges) { .keys = p.keys, .words = p.words };
    p.after_one = from > 0;
    p.before = from ? r->words[from - 1] : 0;
    for (to = from; to < r->n && r->keys[to] <= paint->last; to++) {
        fib_key start = r->keys[to];
        fib_key stop = to + 1 < r->n ? r->keys[to + 1] - 1 : end;
        fib_word old = r->words[to];
        unsigned int plen = fib_word_plen(old);

        if (plen < paint->min || plen > paint->max || old == paint->word) {
            patch_put(&p, start, old);
            continue;
        }
        changed = true;
        if (start < paint->first) {
            patch_put(&p, start, old);
        }
        patch_put(&p, MAX(start, paint->first), paint->word);
        if (stop > paint->last) {
            patch_put(&p, paint->last + 1, old);
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
    splice(r, from, to - from, &p.r);
    return true;
}
