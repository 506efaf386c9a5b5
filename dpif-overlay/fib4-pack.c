/* SPDX-License-Identifier: Apache-2.0 */

/* Makes lines, leaves and chunks, which nobody changes after that.  fib4.h says how
 * they lie in memory.
 *
 * Prefix: ovl_fib4_. */

#include <config.h>

#include "fib-private.h"

#include <string.h>

static fib4_entry
make_entry(enum fib4_kind kind, void *p, size_t n)
{
    ovs_assert(n && n <= FIB_CHUNK_MAX);
    ovs_assert(!((uintptr_t) p & ~UINT64_C(0xfffffffffff8)));
    return (uint64_t) (n - 1) << 48 | (uintptr_t) p | kind;
}

static size_t
leaf_size(size_t n)
{
    return ROUND_UP(sizeof(struct fib4_leaf) + n * sizeof(fib_word),
                    CACHE_LINE_SIZE);
}

static size_t
chunk_size(size_t n)
{
    return (sizeof(struct fib4_chunk)
            + DIV_ROUND_UP(n, FIB_WAYS) * sizeof(struct fib4_group));
}

static fib4_entry
pack_line(const struct fib_ranges *r)
{
    struct fib4_line *line = ovl_dense_alloc(sizeof *line);

    memset(line->keys, 0xff, sizeof line->keys);
    for (size_t i = 1; i < r->n; i++) {
        line->keys[i] = r->keys[i] - 1;
    }
    memcpy(line->words, r->words, r->n * sizeof *r->words);
    return make_entry(FIB4_LINE, line, r->n);
}

static fib4_entry
pack_leaf(const struct fib_ranges *r)
{
    struct fib4_leaf *leaf = ovl_dense_alloc(leaf_size(r->n));

    memset(leaf->keys, 0xff, sizeof leaf->keys);
    for (size_t i = 1; i < r->n; i++) {
        leaf->keys[i] = r->keys[i] - 1;
    }
    memcpy(leaf->words, r->words, r->n * sizeof *r->words);
    return make_entry(FIB4_LEAF, leaf, r->n);
}

static fib4_entry
pack_chunk(const struct fib_ranges *r)
{
    struct fib4_chunk *chunk = ovl_dense_alloc(chunk_size(r->n));

    memset(&chunk->root, 0xff, sizeof chunk->root);
    for (size_t i = 0; i < r->n; i += FIB_WAYS) {
        struct fib4_group *group = &chunk->groups[i / FIB_WAYS];
        size_t n = MIN(FIB_WAYS, r->n - i);

        if (i) {
            chunk->root.keys[i / FIB_WAYS] = r->keys[i] - 1;
        }
        memset(&group->node, 0xff, sizeof group->node);
        for (size_t j = 1; j < n; j++) {
            group->node.keys[j] = r->keys[i + j] - 1;
        }
        memcpy(group->words, &r->words[i], n * sizeof *r->words);
    }
    return make_entry(FIB4_CHUNK, chunk, r->n);
}

fib4_entry
ovl_fib4_pack(const struct fib_ranges *r, unsigned int bits)
{
    return (r->n == 1 ? (uint64_t) r->words[0] << 32
            : r->n <= FIB4_LINE_WAYS ? pack_line(r)
            : bits <= FIB4_LEAF_BITS && r->n <= FIB4_LEAF_WAYS ? pack_leaf(r)
            : pack_chunk(r));
}

static void
unpack_line(const struct fib4_line *line, size_t n, uint32_t start,
            struct fib_ranges *r)
{
    for (size_t i = 0; i < n; i++) {
        ovl_fib_ranges_put(r, i ? line->keys[i] + 1 : start, line->words[i]);
    }
}

static void
unpack_leaf(const struct fib4_leaf *leaf, size_t n, uint32_t start,
            struct fib_ranges *r)
{
    for (size_t i = 0; i < n; i++) {
        ovl_fib_ranges_put(r, i ? (start & ~0xffffu) | (leaf->keys[i] + 1u)
                           : start, leaf->words[i]);
    }
}

static void
unpack_chunk(const struct fib4_chunk *chunk, size_t n, uint32_t start,
             struct fib_ranges *r)
{
    for (size_t i = 0; i < n; i++) {
        const struct fib4_group *group = &chunk->groups[i / FIB_WAYS];
        uint32_t key = (i % FIB_WAYS ? group->node.keys[i % FIB_WAYS] + 1
                        : i ? chunk->root.keys[i / FIB_WAYS] + 1
                        : start);

        ovl_fib_ranges_put(r, key, group->words[i % FIB_WAYS]);
    }
}

void
ovl_fib4_unpack(fib4_entry e, uint32_t start, struct fib_ranges *r)
{
    switch (fib4_kind(e)) {
    case FIB4_WORD:
        ovl_fib_ranges_reserve(r, r->n + 1);
        ovl_fib_ranges_put(r, start, fib4_word(e));
        break;
    case FIB4_LINE:
        ovl_fib_ranges_reserve(r, r->n + fib4_n(e));
        unpack_line(fib4_pointer(e), fib4_n(e), start, r);
        break;
    case FIB4_LEAF:
        ovl_fib_ranges_reserve(r, r->n + fib4_n(e));
        unpack_leaf(fib4_pointer(e), fib4_n(e), start, r);
        break;
    case FIB4_CHUNK:
        ovl_fib_ranges_reserve(r, r->n + fib4_n(e));
        unpack_chunk(fib4_pointer(e), fib4_n(e), start, r);
        break;
    case FIB4_PAGE:
    case FIB4_GROUP:
    case FIB4_BLOCK:
    case FIB4_EDIT_PAGE:
        OVS_NOT_REACHED();
    }
}

void
ovl_fib4_destroy(fib4_entry e)
{
    if (fib4_kind(e) == FIB4_PAGE) {
        const struct fib4_page *page = fib4_pointer(e);

        for (size_t i = 0; i < ARRAY_SIZE(page->entries); i++) {
            ovl_fib4_destroy(page->entries[i]);
        }
    }
    if (fib4_kind(e) != FIB4_WORD) {
        ovl_dense_free(fib4_pointer(e));
    }
}

size_t
ovl_fib4_size(fib4_entry e)
{
    size_t size = 0;

    switch (fib4_kind(e)) {
    case FIB4_WORD:
        break;
    case FIB4_LINE:
        size = sizeof(struct fib4_line);
        break;
    case FIB4_LEAF:
        size = leaf_size(fib4_n(e));
        break;
    case FIB4_CHUNK:
        size = chunk_size(fib4_n(e));
        break;
    case FIB4_PAGE: {
        const struct fib4_page *page = fib4_pointer(e);

        size = sizeof *page;
        for (size_t i = 0; i < ARRAY_SIZE(page->entries); i++) {
            size += ovl_fib4_size(page->entries[i]);
        }
        break;
    }
    case FIB4_GROUP:
    case FIB4_BLOCK:
    case FIB4_EDIT_PAGE:
        OVS_NOT_REACHED();
    }
    return size;
}
