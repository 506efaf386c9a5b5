/* SPDX-License-Identifier: Apache-2.0 */

/* Changes the IPv4 routes of a FIB.
 *
 * A change copies the pages on its way and unpacks the blocks below them, and
 * repaints their ranges.  At the end of the edit these are packed again, but
 * lines, and what is changed as a whole, at once.  What has become too much
 * for a chunk becomes a page at once; a page with few ranges becomes a chunk
 * again at the end.
 *
 * Neighbors in a block differ; the first range of a block may say the same as
 * the last of the block before.
 *
 * Prefix: ovl_fib4_. */

#include <config.h>

#include "fib-private.h"

#include <string.h>

#include "bitmap.h"

/* A page with so many ranges is no page any more: few enough that the chunk
 * has room for more. */
#define PAGE_MIN (FIB_CHUNK_MAX / 2)

/* Line, leaf or chunk in an edit. */
struct block {
    fib4_entry base;            /* What it was, if that is the base's; 0. */
    bool changed;               /* 'ranges' say something else. */
    struct fib_ranges ranges;
};

/* A page in an edit. */
struct edit_page {
    fib4_entry base;            /* What it was, if that is the base's; 0. */
    struct fib4_page *page;     /* The new one. */
    unsigned long ours[BITMAP_N_LONGS(1 << FIB4_PAGE_BITS)];
                                /* Which entries are blocks, pages in an edit
                                 * or new lines, leaves and chunks: not the
                                 * base's. */
};

static fib4_entry
open_entry(enum fib4_kind kind, void *p)
{
    return (uintptr_t) p | kind;
}

static fib4_entry
word_entry(fib_word word)
{
    return (uint64_t) word << 32;
}

/* Last address of the block of 'bits' bits that starts with 'start'. */
static uint32_t
last_of(uint32_t start, unsigned int bits)
{
    return start | (UINT32_MAX >> (32 - bits));
}

/* The base has 'e', the next FIB has not, but may have what is under it. */
static void
retire(struct fib4_edit *edit, fib4_entry e)
{
    if (fib4_kind(e) != FIB4_WORD) {
        ovl_fib_retire(edit->retired, fib4_pointer(e));
    }
}

/* Blocks. */

/* Makes '*e', which may be ours already, a block in the edit, and returns
 * that. */
static struct block *
open_block(fib4_entry *e, uint32_t start, bool ours)
{
    struct block *b;

    if (fib4_kind(*e) == FIB4_BLOCK) {
        return fib4_pointer(*e);
    }
    b = xzalloc(sizeof *b);
    ovl_fib4_unpack(*e, start, &b->ranges);
    if (ours) {
        b->changed = true;
        ovl_fib4_destroy(*e);
    } else {
        b->base = *e;
    }
    *e = open_entry(FIB4_BLOCK, b);
    return b;
}

/* Makes a block of 'r'. */
static fib4_entry
new_block(const struct fib_ranges *r, fib4_entry base)
{
    struct block *b = xzalloc(sizeof *b);

    b->base = base;
    b->changed = true;
    ovl_fib_ranges_append(&b->ranges, r, 0, r->n, r->keys[0]);
    return open_entry(FIB4_BLOCK, b);
}

static void
free_block(struct block *b)
{
    ovl_fib_ranges_uninit(&b->ranges);
    free(b);
}

/* Pages. */

static struct edit_page *
new_page(fib4_entry base)
{
    struct edit_page *p = xmalloc(sizeof *p);

    *p = (struct edit_page) {
        .base = base, .page = ovl_dense_alloc(sizeof *p->page),
    };
    return p;
}

static struct edit_page *
open_page(fib4_entry *e)
{
    struct edit_page *p;

    if (fib4_kind(*e) == FIB4_EDIT_PAGE) {
        return fib4_pointer(*e);
    }
    p = new_page(*e);
    memcpy(p->page, fib4_pointer(*e), sizeof *p->page);
    *e = open_entry(FIB4_EDIT_PAGE, p);
    return p;
}

/* Returns the part of 'r' that is from 'start' to 'last'. */
static fib4_entry
cut(const struct fib_ranges *r, uint32_t start, uint32_t last)
{
    size_t from = ovl_fib_ranges_find(r, start);
    size_t to = ovl_fib_ranges_find(r, last);
    struct block *b;

    if (from == to) {
        return word_entry(r->words[from]);
    }
    b = xzalloc(sizeof *b);
    b->changed = true;
    ovl_fib_ranges_append(&b->ranges, r, from, to - from + 1, start);
    return open_entry(FIB4_BLOCK, b);
}

/* Makes a page of block '*e', of 'bits' bits, if that has too many ranges. */
static void
split(fib4_entry *e, uint32_t start, unsigned int bits)
{
    struct block *b = fib4_pointer(*e);
    unsigned int below = bits - FIB4_PAGE_BITS;
    struct edit_page *p;

    if (b->ranges.n <= FIB_CHUNK_MAX) {
        return;
    }
    p = new_page(b->base);
    for (size_t i = 0; i < ARRAY_SIZE(p->page->entries); i++) {
        fib4_entry *part = &p->page->entries[i];
        uint32_t first = start | i << below;

        *part = cut(&b->ranges, first, last_of(first, below));
        if (fib4_kind(*part) == FIB4_BLOCK) {
            bitmap_set1(p->ours, i);
            split(part, first, below);
        }
    }
    free_block(b);
    *e = open_entry(FIB4_EDIT_PAGE, p);
}

/* Changes. */

/* Returns true if the whole entry, a word, becomes another word, or stays. */
static bool
paint_word(struct fib4_edit *edit, fib4_entry *e, bool whole,
           const struct fib_paint *paint)
{
    fib_word old = fib4_word(*e);
    unsigned int plen = fib_word_plen(old);

    if (plen < paint->min || plen > paint->max || old == paint->word) {
        return true;
    } else if (whole) {
        *e = word_entry(paint->word);
        edit->changed = true;
        return true;
    }
    return false;
}

/* Makes '*e' 'now', as it has changed.  Returns true if it is ours then. */
static bool
replace(struct fib4_edit *edit, fib4_entry *e, bool ours, fib4_entry now)
{
    fib4_entry former = *e;

    edit->changed = true;
    *e = now;
    if (ours) {
        ovl_fib4_destroy(former);
    } else if (fib4_kind(now) != FIB4_BLOCK) {
        /* A block has it as its base until the end. */
        retire(edit, former);
    }
    return fib4_kind(now) != FIB4_WORD;
}

/* Does without a block what is done most: to change a word or a line, which
 * becomes another one at once.  It may be ours already; returns true if it is
 * then. */
static bool
paint_line(struct fib4_edit *edit, fib4_entry *e, bool ours, uint32_t start,
           unsigned int bits, const struct fib_paint *paint)
{
    fib_key keys[2 * FIB4_LINE_WAYS];
    fib_word words[2 * FIB4_LINE_WAYS];
    struct fib_ranges r = {
        .allocated = ARRAY_SIZE(keys), .keys = keys, .words = words,
    };

    ovl_fib4_unpack(*e, start, &r);
    if (!ovl_fib_ranges_repaint(&r, last_of(start, bits), paint)) {
        return ours;
    }
    return replace(edit, e, ours,
                   r.n <= FIB4_LINE_WAYS ? ovl_fib4_pack(&r, bits)
                   : new_block(&r, ours ? 0 : *e));
}

/* Does the same for a leaf or chunk all of which is painted, as by a default
 * route: no range becomes two. */
static bool
paint_whole(struct fib4_edit *edit, fib4_entry *e, bool ours, uint32_t start,
            unsigned int bits, const struct fib_paint *paint)
{
    fib_key keys[FIB_CHUNK_MAX];
    fib_word words[FIB_CHUNK_MAX];
    struct fib_ranges r = {
        .allocated = ARRAY_SIZE(keys), .keys = keys, .words = words,
    };

    ovl_fib4_unpack(*e, start, &r);
    if (!ovl_fib_ranges_repaint(&r, last_of(start, bits), paint)) {
        return ours;
    }
    return replace(edit, e, ours, ovl_fib4_pack(&r, bits));
}

/* Changes '*e'.  It may be ours already; returns true if it is then. */
static bool
paint_entry(struct fib4_edit *edit, fib4_entry *e, bool ours, uint32_t start,
            unsigned int bits, const struct fib_paint *paint)
{
    uint32_t end = last_of(start, bits);
    uint32_t first = MAX(paint->first, start);
    uint32_t last = MIN(paint->last, end);

    struct fib_paint inside = *paint;

    inside.first = first;
    inside.last = last;
    switch (fib4_kind(*e)) {
    case FIB4_WORD:
        if (paint_word(edit, e, first == start && last == end, paint)) {
            return false;
        }
        /* Fall through. */
    case FIB4_LINE:
        if (bits < 32) {
            fib_done(&edit->n_done);
            return paint_line(edit, e, ours, start, bits, &inside);
        }
        /* Fall through. */
    case FIB4_LEAF:
    case FIB4_CHUNK:
        if (bits < 32 && first == start && last == end) {
            fib_done(&edit->n_done);
            return paint_whole(edit, e, ours, start, bits, &inside);
        }
        /* Fall through. */
    case FIB4_BLOCK: {
        struct block *b = open_block(e, start, ours);

        fib_done(&edit->n_done);
        if (ovl_fib_ranges_repaint(&b->ranges, end, &inside)) {
            edit->changed = b->changed = true;
            split(e, start, bits);
        }
        return true;
    }
    case FIB4_PAGE:
    case FIB4_EDIT_PAGE: {
        struct edit_page *p = open_page(e);
        unsigned int below = bits - FIB4_PAGE_BITS;

        for (size_t i = fib4_page_index(first, below);
             i <= fib4_page_index(last, below); i++) {
            bitmap_set(p->ours, i,
                       paint_entry(edit, &p->page->entries[i],
                                   bitmap_is_set(p->ours, i),
                                   start | i << below, below, paint));
        }
        return true;
    }
    case FIB4_GROUP:
        break;
    }
    OVS_NOT_REACHED();
}

/* The end. */

/* Ranges of 'e', but for those that blocks beside each other share; more than
 * PAGE_MIN if it is a page. */
static size_t
count(fib4_entry e)
{
    switch (fib4_kind(e)) {
    case FIB4_WORD:
        return 1;
    case FIB4_LINE:
    case FIB4_LEAF:
    case FIB4_CHUNK:
        return fib4_n(e);
    case FIB4_BLOCK:
        return ((const struct block *) fib4_pointer(e))->ranges.n;
    case FIB4_PAGE:
    case FIB4_EDIT_PAGE:
        return PAGE_MIN + 2;
    case FIB4_GROUP:
        break;
    }
    OVS_NOT_REACHED();
}

/* True if page 'p' has few ranges. */
static bool
is_small(const struct edit_page *p)
{
    fib4_entry former = p->page->entries[0];
    size_t n = 1;

    for (size_t i = 0; i < ARRAY_SIZE(p->page->entries) && n <= PAGE_MIN;
         i++) {
        fib4_entry e = p->page->entries[i];

        /* Of words, those that differ count. */
        n += count(e) - 1 + (e != former);
        former = e;
    }
    return n <= PAGE_MIN;
}

static void join(struct fib4_edit *, fib4_entry *, uint32_t start,
                 unsigned int bits);

/* Makes page '*e', of 'bits' bits, a block if it is small. */
static void
join_page(struct fib4_edit *edit, fib4_entry *e, uint32_t start,
          unsigned int bits)
{
    struct edit_page *p = fib4_pointer(*e);
    unsigned int below = bits - FIB4_PAGE_BITS;
    struct block *b;
    size_t i;

    BITMAP_FOR_EACH_1 (i, ARRAY_SIZE(p->page->entries), p->ours) {
        join(edit, &p->page->entries[i], start | i << below, below);
        bitmap_set(p->ours, i,
                   fib4_kind(p->page->entries[i]) != FIB4_WORD);
    }
    if (!is_small(p)) {
        return;
    }
    b = xzalloc(sizeof *b);
    b->base = p->base;
    b->changed = true;
    for (i = 0; i < ARRAY_SIZE(p->page->entries); i++) {
        fib4_entry part = p->page->entries[i];
        uint32_t first = start | i << below;

        if (fib4_kind(part) == FIB4_BLOCK) {
            struct block *inner = fib4_pointer(part);

            ovl_fib_ranges_append(&b->ranges, &inner->ranges, 0,
                                  inner->ranges.n, first);
            retire(edit, inner->base);
            free_block(inner);
        } else {
            ovl_fib4_unpack(part, first, &b->ranges);
            if (bitmap_is_set(p->ours, i)) {
                ovl_fib4_destroy(part);
            } else {
                retire(edit, part);
            }
        }
    }
    ovl_dense_free(p->page);
    free(p);
    *e = open_entry(FIB4_BLOCK, b);
}

/* Makes '*e', of 'bits' bits and ours, as simple as it can be. */
static void
join(struct fib4_edit *edit, fib4_entry *e, uint32_t start, unsigned int bits)
{
    if (fib4_kind(*e) == FIB4_EDIT_PAGE) {
        join_page(edit, e, start, bits);
    }
    if (fib4_kind(*e) == FIB4_BLOCK) {
        struct block *b = fib4_pointer(*e);

        fib_done(&edit->n_done);
        if (b->changed && b->ranges.n == 1) {
            *e = word_entry(b->ranges.words[0]);
            retire(edit, b->base);
            free_block(b);
        }
    }
}

/* Returns what the next FIB has of 'e', of 'bits' bits. */
static fib4_entry
finish(struct fib4_edit *edit, fib4_entry e, unsigned int bits)
{
    if (fib4_kind(e) == FIB4_BLOCK) {
        struct block *b = fib4_pointer(e);

        fib_done(&edit->n_done);
        e = b->base;
        if (b->changed) {
            retire(edit, b->base);
            e = ovl_fib4_pack(&b->ranges, bits);
        }
        free_block(b);
    } else if (fib4_kind(e) == FIB4_EDIT_PAGE) {
        struct edit_page *p = fib4_pointer(e);
        size_t i;

        BITMAP_FOR_EACH_1 (i, ARRAY_SIZE(p->page->entries), p->ours) {
            p->page->entries[i] = finish(edit, p->page->entries[i],
                                         bits - FIB4_PAGE_BITS);
        }
        retire(edit, p->base);
        e = (uintptr_t) p->page | FIB4_PAGE;
        free(p);
    }
    return e;
}

/* Frees what the edit has of 'e'. */
static void
give_up(struct fib4_edit *edit, fib4_entry e)
{
    if (fib4_kind(e) == FIB4_BLOCK) {
        fib_done(&edit->n_done);
        free_block(fib4_pointer(e));
    } else if (fib4_kind(e) == FIB4_EDIT_PAGE) {
        struct edit_page *p = fib4_pointer(e);
        size_t i;

        BITMAP_FOR_EACH_1 (i, ARRAY_SIZE(p->page->entries), p->ours) {
            give_up(edit, p->page->entries[i]);
        }
        ovl_dense_free(p->page);
        free(p);
    }
}

void
ovl_fib4_edit_init(struct fib4_edit *edit, fib4_entry base,
                   struct fib_retired *retired)
{
    *edit = (struct fib4_edit) {
        .base = base, .root = base, .retired = retired,
    };
}

void
ovl_fib4_edit_paint(struct fib4_edit *edit, const struct fib_paint *paint)
{
    paint_entry(edit, &edit->root, false, 0, 32, paint);
}

fib4_entry
ovl_fib4_edit_end(struct fib4_edit *edit)
{
    if (!edit->changed) {
        give_up(edit, edit->root);
        return edit->base;
    }
    join(edit, &edit->root, 0, 32);
    return finish(edit, edit->root, 32);
}
