/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: ovl_index_, ovl_inode_.
 *
 * Where a chain begins is a *cell*.  Of a key of 32 bits it is in a table of
 * the last of four levels, each of which takes some bits of the key; tables
 * are there as long as something is in them.  Of a longer key it is in an
 * array, and the exact-match map has its number there, as such a map has room
 * for 31 bits.  The array is made anew when it is full.
 *
 * Memory order.  A node is complete before it is in a cell, a table is empty
 * before it is linked, and a cell has its node before the map has its number.
 * A reader takes the array after the number, so the array has that cell.  It
 * may be in use for another key by then: its nodes are not the ones that the
 * reader is looking for, and those were removed from the index. */

#include <config.h>

#include "node-index.h"

#include "util.h"

/* Where a chain or a table is. */
struct ovl_index_cell {
    OVSRCU_TYPE(void *) p;
};

static void *
cell_get(const struct ovl_index_cell *cell)
{
    return ovsrcu_get(void *, &cell->p);
}

static void
cell_set(struct ovl_index_cell *cell, void *p)
{
    ovsrcu_set(&cell->p, p);
}

/* Keys of 32 bits. */

#define N_LEVELS 4
static const uint8_t level_bits[N_LEVELS] = { 8, 9, 9, 6 };
static const uint8_t level_shifts[N_LEVELS] = { 24, 15, 6, 0 };

static bool
is_word(uint64_t key)
{
    return key <= UINT32_MAX;
}

static size_t
n_cells(size_t level)
{
    return 1u << level_bits[level];
}

static inline ALWAYS_INLINE struct ovl_index_cell *
cell_in(struct ovl_index_cell *table, size_t level, uint64_t key)
{
    return &table[key >> level_shifts[level] & (n_cells(level) - 1)];
}

static struct ovl_index_cell *
table_create(size_t level)
{
    return xzalloc_cacheline(n_cells(level) * sizeof(struct ovl_index_cell));
}

static bool
table_is_empty(const struct ovl_index_cell *table, size_t level)
{
    for (size_t i = 0; i < n_cells(level); i++) {
        if (cell_get(&table[i])) {
            return false;
        }
    }
    return true;
}

/* Returns the cell of 'key', NULL if its table is not there. */
static inline ALWAYS_INLINE struct ovl_index_cell *
find_word(const struct ovl_index *index, uint32_t key)
{
    struct ovl_index_cell *table = index->words;

    for (size_t level = 0; level < N_LEVELS - 1; level++) {
        table = cell_get(cell_in(table, level, key));
        if (OVS_UNLIKELY(!table)) {
            return NULL;
        }
    }
    return cell_in(table, N_LEVELS - 1, key);
}

/* Returns the cell of 'key', whose tables are made if they are not there. */
static struct ovl_index_cell *
make_word(struct ovl_index *index, uint32_t key)
{
    struct ovl_index_cell *table = index->words;

    for (size_t level = 0; level < N_LEVELS - 1; level++) {
        struct ovl_index_cell *cell = cell_in(table, level, key);

        if (!cell_get(cell)) {
            cell_set(cell, table_create(level + 1));
        }
        table = cell_get(cell);
    }
    return cell_in(table, N_LEVELS - 1, key);
}

/* Frees the tables of 'key' that are empty. */
static void
prune_words(struct ovl_index *index, uint32_t key)
{
    for (size_t last = N_LEVELS - 1; last > 0; last--) {
        struct ovl_index_cell *table = index->words;
        struct ovl_index_cell *cell = NULL;

        for (size_t level = 0; level < last; level++) {
            cell = cell_in(table, level, key);
            table = cell_get(cell);
        }
        if (!table_is_empty(table, last)) {
            return;
        }
        cell_set(cell, NULL);
        ovsrcu_postpone(free_cacheline, table);
    }
}

/* Returns the first node of the lowest key from 'key' up, and sets '*at' to
 * that key. */
static struct ovl_inode *
next_word(const struct ovl_index *index, uint64_t key, uint64_t *at)
{
    while (is_word(key)) {
        struct ovl_index_cell *table = index->words;
        size_t level = 0;

        while (level < N_LEVELS
               && (table = cell_get(cell_in(table, level, key)))) {
            level++;
        }
        if (level == N_LEVELS) {
            *at = key;
            return (void *) table;
        }
        key = ((key >> level_shifts[level]) + 1) << level_shifts[level];
    }
    return NULL;
}

/* Longer keys. */

#define MIN_SLOTS 16

/* Immutable, but for the cells. */
struct ovl_index_slots {
    uint32_t n;
    struct ovl_index_cell cells[];          /* The one of number 0 is empty. */
};

static struct ovl_index_slots *
slots_create(uint32_t n, const struct ovl_index_slots *from)
{
    struct ovl_index_slots *slots
        = xzalloc(sizeof *slots + n * sizeof slots->cells[0]);

    slots->n = n;
    for (uint32_t i = 0; from && i < from->n; i++) {
        ovsrcu_init(&slots->cells[i].p, cell_get(&from->cells[i]));
    }
    return slots;
}

static struct ovl_index_slots *
slots_of(const struct ovl_index *index)
{
    return ovsrcu_get(struct ovl_index_slots *, &index->slots);
}

static struct ovl_exact_key
exact_key(uint64_t key)
{
    return (struct ovl_exact_key) { .x = key };
}

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

/* Looking up. */

struct ovl_inode *
ovl_index_find(const struct ovl_index *index, uint64_t key)
{
    struct ovl_index_cell *cell;

    if (is_word(key)) {
        cell = find_word(index, key);
        return cell ? cell_get(cell) : NULL;
    }

    uint32_t slot = ovl_exact_map_find(&index->map, exact_key(key));
    return cell_get(&slots_of(index)->cells[slot]);
}

/* Loads the nodes of 'cells', whose cache lines are on their way. */
static inline ALWAYS_INLINE void
load_nodes(const struct ovl_index_cell *const cells[], size_t n,
           struct ovl_inode *nodes[], size_t size)
{
    for (size_t i = 0; i < n; i++) {
        nodes[i] = cells[i] ? cell_get(cells[i]) : NULL;
        OVS_PREFETCH(nodes[i]);
        /* Also of none: a number, not a pointer, may be next to nothing. */
        OVS_PREFETCH((const void *) ((uintptr_t) nodes[i] + size - 1));
    }
}

static void
find_words(const struct ovl_index *index, const uint64_t keys[], size_t n,
           struct ovl_inode *nodes[], size_t size)
{
    const struct ovl_index_cell *cells[OVL_EXACT_BULK_MAX];

    for (size_t i = 0; i < n; i++) {
        cells[i] = find_word(index, keys[i]);
        OVS_PREFETCH(cells[i]);
    }
    load_nodes(cells, n, nodes, size);
}

void
ovl_index_find_bulk(const struct ovl_index *index, const uint64_t keys[],
                    size_t n, struct ovl_inode *nodes[], size_t size)
{
    static const uint32_t highs[OVL_EXACT_BULK_MAX];
    const struct ovl_index_cell *cells[OVL_EXACT_BULK_MAX];
    uint32_t slots[OVL_EXACT_BULK_MAX];
    size_t n_words = 0;

    for (size_t i = 0; i < n; i++) {
        n_words += is_word(keys[i]);
    }
    if (n_words == n) {
        find_words(index, keys, n, nodes, size);
        return;
    }

    /* Of hashes, one in 2**32 is a word. */
    ovl_exact_map_find_bulk(&index->map, keys, highs, n, slots);
    for (size_t i = 0; i < n; i++) {
        cells[i] = (OVS_UNLIKELY(is_word(keys[i]))
                    ? find_word(index, keys[i])
                    : &slots_of(index)->cells[slots[i]]);
        OVS_PREFETCH(cells[i]);
    }
    load_nodes(cells, n, nodes, size);
}

/* Changing. */

/* What the first node of a chain has as 'before': no address is odd. */
static uint64_t
before_first(uint64_t key)
{
    return key << 1 | 1;
}

static bool
is_first(const struct ovl_inode *node)
{
    return node->before & 1;
}

static uint64_t
key_of_first(const struct ovl_inode *node)
{
    return node->before >> 1;
}

void
ovl_index_insert(struct ovl_index *index, struct ovl_inode *node,
                 uint64_t key)
{
    uint32_t slot = 0, new_slot = 0;
    struct ovl_index_cell *cell;
    struct ovl_inode *next;

    ovs_assert(!(key >> 63));
    if (is_word(key)) {
        cell = make_word(index, key);
    } else {
        slot = ovl_exact_map_find(&index->map, exact_key(key));
        if (!slot) {
            slot = new_slot = take_slot(index);
        }
        cell = &slots_of(index)->cells[slot];
    }
    next = cell_get(cell);
    if (next) {
        next->before = (uintptr_t) node;
    }
    node->before = before_first(key);
    ovsrcu_init(&node->next, next);
    cell_set(cell, node);
    if (new_slot) {
        ovl_exact_map_set(&index->map, exact_key(key), new_slot);
    }
    index->n++;
}

/* Makes 'next' the first node of the chain of 'key', or ends that. */
static void
set_first(struct ovl_index *index, uint64_t key, struct ovl_inode *next)
{
    if (is_word(key)) {
        cell_set(find_word(index, key), next);
        if (!next) {
            prune_words(index, key);
        }
    } else {
        uint32_t slot = ovl_exact_map_find(&index->map, exact_key(key));

        cell_set(&slots_of(index)->cells[slot], next);
        if (!next) {
            ovl_exact_map_set(&index->map, exact_key(key), 0);
            give_slot_back(index, slot);
        }
    }
}

/* Readers that are at 'node' go on to the nodes behind it. */
void
ovl_index_remove(struct ovl_index *index, struct ovl_inode *node)
{
    struct ovl_inode *next = ovl_inode_next(node);

    if (next) {
        next->before = node->before;
    }
    if (is_first(node)) {
        set_first(index, key_of_first(node), next);
    } else {
        struct ovl_inode *before = (void *) (uintptr_t) node->before;

        ovsrcu_set(&before->next, next);
    }
    index->n--;
}

/* '*at' is the key of 'node', if that is a word, or else the number of its
 * slot, from there on. */
struct ovl_inode *
ovl_index_next(const struct ovl_index *index, const struct ovl_inode *node,
               uint64_t *at)
{
    struct ovl_inode *next = node ? ovl_inode_next(node) : NULL;

    if (!next && (!node || is_word(*at))) {
        next = next_word(index, node ? *at + 1 : 0, at);
        *at = next ? *at : UINT32_MAX;
    }
    while (!next && ++*at - UINT32_MAX < index->n_slots) {
        next = cell_get(&slots_of(index)->cells[*at - UINT32_MAX]);
    }
    return next;
}

/* Life cycle. */

void
ovl_index_init(struct ovl_index *index)
{
    memset(index, 0, sizeof *index);
    index->words = table_create(0);
    ovl_exact_map_init(&index->map);
    ovsrcu_init(&index->slots, slots_create(MIN_SLOTS, NULL));
    index->n_slots = 1;
}

void
ovl_index_destroy(struct ovl_index *index)
{
    ovs_assert(!index->n);
    ovsrcu_postpone(free_cacheline, index->words);
    ovl_exact_map_destroy(&index->map);
    ovsrcu_postpone(free, slots_of(index));
    free(index->free);
}
