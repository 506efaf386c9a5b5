/* SPDX-License-Identifier: Apache-2.0 */

/* Looks one address up; fib-find.c does bursts.  fib4.h and fib6.h say how a
 * FIB lies in memory.
 *
 * Prefix: ovl_fib_. */

#include <config.h>

#include "fib-private.h"

#include "packets.h"

static fib_word
lookup4(fib4_entry e, uint32_t key)
{
    unsigned int bits = 32;

    while (fib4_kind(e) == FIB4_PAGE) {
        const struct fib4_page *page = fib4_pointer(e);

        bits -= FIB4_PAGE_BITS;
        e = page->entries[fib4_page_index(key, bits)];
    }
    switch (fib4_kind(e)) {
    case FIB4_WORD:
        return fib4_word(e);
    case FIB4_LINE: {
        const struct fib4_line *line = fib4_pointer(e);

        return line->words[fib4_line_search(line, key)];
    }
    case FIB4_LEAF: {
        const struct fib4_leaf *leaf = fib4_pointer(e);

        return leaf->words[fib4_leaf_search(leaf, key)];
    }
    case FIB4_CHUNK: {
        const struct fib4_chunk *chunk = fib4_pointer(e);
        const struct fib4_group *group
            = &chunk->groups[fib4_search(&chunk->root, key)];

        return group->words[fib4_search(&group->node, key)];
    }
    case FIB4_PAGE:
    case FIB4_GROUP:
    case FIB4_BLOCK:
    case FIB4_EDIT_PAGE:
        break;
    }
    OVS_NOT_REACHED();
}

static fib_word
lookup6(fib6_entry e, fib_key key)
{
    const struct fib6_index *index = fib6_index(e);
    size_t at = 0;

    if (!e) {
        return 0;
    }
    for (uint32_t i = 0; index && i < index->n_levels; i++) {
        at = (at * FIB_WAYS
              + fib6_search(&index->nodes[index->ofs[i] + at], key));
    }

    const struct fib6_chunk *chunk = fib6_chunk(e, at);
    const struct fib6_group *group
        = &chunk->groups[fib6_search(&chunk->root, key)];

    return group->words[fib6_search(&group->node, key)];
}

struct ovl_fib_result
ovl_fib_lookup(const struct ovl_fib *fib, const struct in6_addr *ip)
{
    bool v4 = ovl_ip_is_v4(ip);
    fib_word word = (!fib ? 0
                     : v4 ? lookup4(fib->v4, fib_key_of(ip))
                     : lookup6(fib->v6, fib_key_of(ip)));

    return fib_result_of(word, v4);
}

void
ovl_fib_copy_head(struct ovl_fib_head *head, const struct ovl_fib *fib)
{
    BUILD_ASSERT(offsetof(struct ovl_fib, superseded) == sizeof *head);
    memcpy(head, fib, sizeof *head);
}
