/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: ovl_index_, ovl_inode_.
 *
 * An exact-match map has room for numbers of 31 bits: those of slots, each of
 * which has the first node of a key's chain.  Slots are an array that is made
 * anew when it is full.
 *
 * Memory order.  A node is complete before it is linked, which is before the
 * map has the slot's number.  A reader takes the array after the number, so
 * the array has that slot.  A slot may be in use for another key by then: its
 * nodes are not the ones that the reader is looking for, and those were
 * removed from the index. */

#include <config.h>

#include "node-index.h"

#include "util.h"

#define MIN_SLOTS 16

/* Immutable, but for the slots. */
struct ovl_index_slots {
    uint32_t n;
    OVSRCU_TYPE(struct ovl_inode *) first[];    /* The one of number 0 is not
                                                 * in use. */
};

static struct ovl_index_slots *
slots_create(uint32_t n, const struct ovl_index_slots *from)
{
    struct ovl_index_slots *slots
        = xzalloc(sizeof *slots + n * sizeof slots->first[0]);

    slots->n = n;
    for (uint32_t i = 0; from && i < from->n; i++) {
        ovsrcu_init(&slots->first[i],
                    ovsrcu_get_protected(struct ovl_inode *,
                                         &from->first[i]));
    }
    return slots;
}

static struct ovl_index_slots *
slots_of(const struct ovl_index *index)
{
    return ovsrcu_get_protected(struct ovl_index_slots *, &index->slots);
}

static struct ovl_exact_key
key_of(uint64_t key)
{
    return (struct ovl_exact_key) { .x = key };
}

/* Looking up. */

static struct ovl_inode *
first_of(const struct ovl_index *index, uint32_t slot)
{
    const struct ovl_index_slots *slots
        = ovsrcu_get(struct ovl_index_slots *, &index->slots);

    return ovsrcu_get(struct ovl_inode *, &slots->first[slot]);
}

struct ovl_inode *
ovl_index_find(const struct ovl_index *index, uint64_t key)
{
    /* Slot 0 is empty. */
    return first_of(index, ovl_exact_map_find(&index->map, key_of(key)));
}

void
ovl_index_find_bulk(const struct ovl_index *index, const uint64_t keys[],
                    size_t n, struct ovl_inode *nodes[], size_t size)
{
    const uint8_t ys[OVL_EXACT_BULK_MAX] = { 0 };
    uint32_t numbers[OVL_EXACT_BULK_MAX];

    ovl_exact_map_find_bulk(&index->map, keys, ys, n, numbers);

    const struct ovl_index_slots *slots
        = ovsrcu_get(struct ovl_index_slots *, &index->slots);
    for (size_t i = 0; i < n; i++) {
        OVS_PREFETCH(&slots->first[numbers[i]]);
    }
    for (size_t i = 0; i < n; i++) {
        nodes[i] = ovsrcu_get(struct ovl_inode *, &slots->first[numbers[i]]);
        OVS_PREFETCH(nodes[i]);
        OVS_PREFETCH((const char *) nodes[i] + size - 1);
    }
}

/* Changing. */

static uint32_t
take_slot(struct ovl_index *index)
{
    struct ovl_index_slots *slots = slots_of(index);

    if (index->n_free) {
        return index->free[--index->n_free];
    }
    if (index->n_slots >= slots->n) {
        ovs_assert(slots->n < UINT32_MAX / 4);
        ovsrcu_set(&index->slots, slots_create(2 * slots->n, slots));
        ovsrcu_postpone(free, slots);
    }
    return index->n_slots++;
}

static void
give_slot_back(struct ovl_index *index, uint32_t slot)
{
    if (index->n_free >= index->allocated_free) {
        index->free = x2nrealloc(index->free, &index->allocated_free,
                                 sizeof *index->free);
    }
    index->free[index->n_free++] = slot;
}

void
ovl_index_insert(struct ovl_index *index, struct ovl_inode *node,
                 uint64_t key)
{
    uint32_t slot = ovl_exact_map_find(&index->map, key_of(key));
    bool is_first = !slot;

    if (is_first) {
        slot = take_slot(index);
    }

    struct ovl_index_slots *slots = slots_of(index);
    node->key = key;
    ovsrcu_init(&node->next, ovsrcu_get_protected(struct ovl_inode *,
                                                  &slots->first[slot]));
    ovsrcu_set(&slots->first[slot], node);
    if (is_first) {
        ovl_exact_map_set(&index->map, key_of(key), slot);
    }
    index->n++;
}

/* Readers that are at 'node' go on to the nodes behind it. */
void
ovl_index_remove(struct ovl_index *index, struct ovl_inode *node)
{
    uint32_t slot = ovl_exact_map_find(&index->map, key_of(node->key));
    struct ovl_index_slots *slots = slots_of(index);
    struct ovl_inode *next = ovsrcu_get_protected(struct ovl_inode *,
                                                  &node->next);
    struct ovl_inode *at = ovsrcu_get_protected(struct ovl_inode *,
                                                &slots->first[slot]);

    ovs_assert(slot);
    index->n--;
    if (at != node) {
        for (;;) {
            struct ovl_inode *after
                = ovsrcu_get_protected(struct ovl_inode *, &at->next);

            if (after == node) {
                ovsrcu_set(&at->next, next);
                return;
            }
            at = after;
        }
    }
    if (!next) {
        ovl_exact_map_set(&index->map, key_of(node->key), 0);
    }
    ovsrcu_set(&slots->first[slot], next);
    if (!next) {
        give_slot_back(index, slot);
    }
}

struct ovl_inode *
ovl_index_next(const struct ovl_index *index, const struct ovl_inode *node,
               uint32_t *at)
{
    const struct ovl_index_slots *slots = slots_of(index);
    struct ovl_inode *next = NULL;

    if (node) {
        next = ovsrcu_get_protected(struct ovl_inode *, &node->next);
    } else {
        *at = 0;
    }
    while (!next && ++*at < index->n_slots) {
        next = ovsrcu_get_protected(struct ovl_inode *, &slots->first[*at]);
    }
    return next;
}

/* Life cycle. */

void
ovl_index_init(struct ovl_index *index)
{
    memset(index, 0, sizeof *index);
    ovl_exact_map_init(&index->map);
    ovsrcu_init(&index->slots, slots_create(MIN_SLOTS, NULL));
    index->n_slots = 1;
}

void
ovl_index_destroy(struct ovl_index *index)
{
    ovs_assert(!index->n);
    ovl_exact_map_destroy(&index->map);
    ovsrcu_postpone(free, slots_of(index));
    free(index->free);
}
