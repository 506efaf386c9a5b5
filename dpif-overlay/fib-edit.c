/* SPDX-License-Identifier: Apache-2.0 */

/* Successors of FIBs.  Each family is changed by itself, see fib4-edit.c and
 * fib6-edit.c; what does not change has the former FIB in common with the next
 * one.
 *
 * Prefix: ovl_fib_. */

#include <config.h>

#include "fib-private.h"

#include <string.h>

#include "ovs-rcu.h"

/* What a change of one route retires: up to three pages, and a block. */
#define RETIRED_MIN 4

struct ovl_fib_edit {
    const struct ovl_fib *base; /* May be null. */
    struct fib4_edit v4;
    struct fib6_edit v6;
    struct fib_retired retired;
};

/* The last key of the prefix of 'plen' bits that starts with 'first'. */
static fib_key
last_key(fib_key first, unsigned int plen, bool v4)
{
    unsigned int n_bits = (v4 ? 32 : 128) - plen;

    return (n_bits >= 128 ? ~(fib_key) 0
            : first | (((fib_key) 1 << n_bits) - 1));
}

/* Length of 'prefix', in bits of its family. */
static unsigned int
plen_of(const struct ovl_prefix *prefix)
{
    return prefix->plen - (ovl_prefix_is_v4(prefix) ? 96 : 0);
}

void
ovl_fib_retire(struct fib_retired *retired, void *block)
{
    if (!retired->blocks) {
        retired->allocated = RETIRED_MIN;
        retired->blocks = xmalloc(RETIRED_MIN * sizeof *retired->blocks);
    } else if (retired->n >= retired->allocated) {
        retired->blocks = x2nrealloc(retired->blocks, &retired->allocated,
                                     sizeof *retired->blocks);
    }
    retired->blocks[retired->n++] = block;
}

struct ovl_fib_edit *
ovl_fib_edit_begin(const struct ovl_fib *base)
{
    struct ovl_fib_edit *edit = xmalloc(sizeof *edit);

    ovs_assert(!base || !base->superseded);
    *edit = (struct ovl_fib_edit) { .base = base };
    ovl_fib4_edit_init(&edit->v4, base ? base->v4 : 0, &edit->retired);
    ovl_fib6_edit_init(&edit->v6, base ? base->v6 : 0, &edit->retired);
    return edit;
}

/* Gives what is in 'prefix' 'word', if its prefix has from 'min' to 'max'
 * bits. */
static void
paint(struct ovl_fib_edit *edit, const struct ovl_prefix *prefix,
      unsigned int min, unsigned int max, fib_word word)
{
    bool v4 = ovl_prefix_is_v4(prefix);
    fib_key first = fib_key_of(&prefix->addr);
    struct fib_paint paint = {
        .first = first, .last = last_key(first, plen_of(prefix), v4),
        .min = min, .max = max, .word = word,
    };

    if (v4) {
        ovl_fib4_edit_paint(&edit->v4, &paint);
    } else {
        ovl_fib6_edit_paint(&edit->v6, &paint);
    }
}

void
ovl_fib_edit_insert(struct ovl_fib_edit *edit, const struct ovl_prefix *prefix,
                    uint32_t value)
{
    unsigned int plen = plen_of(prefix);

    ovs_assert(value != OVL_FIB_NONE && value <= OVL_FIB_VALUE_MAX);
    paint(edit, prefix, 0, plen, fib_word_of(value, plen));
}

void
ovl_fib_edit_remove(struct ovl_fib_edit *edit, const struct ovl_prefix *prefix,
                    const struct ovl_prefix *cover, uint32_t cover_value)
{
    unsigned int plen = plen_of(prefix);

    paint(edit, prefix, plen, plen,
          fib_word_of(cover_value, cover ? plen_of(cover) : 0));
}

static struct ovl_fib *
create(fib4_entry v4, fib6_entry v6)
{
    struct ovl_fib *fib = ovl_dense_alloc(sizeof *fib);

    memset(fib, 0, sizeof *fib);
    fib->v4 = v4;
    fib->v6 = v6;
    if (fib4_kind(v4) == FIB4_CHUNK) {
        const struct fib4_chunk *chunk = fib4_pointer(v4);

        memcpy(fib->pivots4, &chunk->root.keys[1], sizeof fib->pivots4);
    }
    return fib;
}

struct ovl_fib *
ovl_fib_edit_end(struct ovl_fib_edit *edit)
{
    struct ovl_fib *base = CONST_CAST(struct ovl_fib *, edit->base);
    fib4_entry v4 = ovl_fib4_edit_end(&edit->v4);
    fib6_entry v6 = ovl_fib6_edit_end(&edit->v6);
    struct ovl_fib *fib = base;

    if (edit->v4.changed || edit->v6.changed) {
        fib = v4 || v6 ? create(v4, v6) : NULL;
        if (base) {
            base->superseded = true;
            base->retired = edit->retired;
            edit->retired.blocks = NULL;
        }
    }
    free(edit->retired.blocks);
    free(edit);
    return fib;
}

size_t
ovl_fib_size(const struct ovl_fib *fib)
{
    return (fib ? sizeof *fib + ovl_fib4_size(fib->v4) + ovl_fib6_size(fib->v6)
            : 0);
}

void
ovl_fib_destroy(struct ovl_fib *fib)
{
    if (!fib) {
        return;
    }
    for (size_t i = 0; i < fib->retired.n; i++) {
        ovl_dense_free(fib->retired.blocks[i]);
    }
    free(fib->retired.blocks);
    if (!fib->superseded) {
        ovl_fib4_destroy(fib->v4);
        ovl_fib6_destroy(fib->v6);
    }
    ovl_dense_free(fib);
}

void
ovl_fib_postpone_destroy(struct ovl_fib *fib)
{
    if (fib) {
        ovsrcu_postpone(ovl_fib_destroy, fib);
    }
}
