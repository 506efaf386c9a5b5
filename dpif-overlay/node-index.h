/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_NODE_INDEX_H
#define OVL_NODE_INDEX_H 1

/* Index of nodes by numbers of 63 bits.
 *
 * The number that a node is found by, its *key*, is either all there is to
 * say about it, such as a VNI, or a keyed hash of it, such as of an IPv6
 * address.  Keys of up to 32 bits are found by themselves, through tables of
 * which the last has 64 nodes that are next to each other: what is numbered
 * in a row costs one cache line for eight nodes.  Others are found through an
 * exact-match map (exact-map.h).
 *
 * Nodes of the same key are a chain, the newest first, of any length: to insert
 * and to remove one takes the same time.  What is found may,
 * besides the nodes with the key, be others, while the writer changes
 * something: the caller looks at all of the chain for what it wants, whether
 * keys are hashes or not.
 *
 * Thread-safety: one writer, any number of readers under RCU.  A node that is
 * in the index before and after a change is found meanwhile.
 *
 * Ownership: the index owns nothing.  Nodes embed a 'struct ovl_inode', and
 * are freed a grace period after they were removed.
 *
 * Example:
 *
 *     ovl_index_insert(&index, &network->inode, vni);
 *     for (node = ovl_index_find(&index, vni); node;
 *          node = ovl_inode_next(node)) {
 *         ...
 *     }
 *
 * Layer 1. */

#include "exact-map.h"

struct ovl_inode {
    OVSRCU_TYPE(struct ovl_inode *) next;       /* Of the same key. */
    uint64_t before;            /* Writer only: the node before; of the first,
                                 * its key. */
};

struct ovl_index_cell;
struct ovl_index_slots;

struct ovl_index {
    /* Readers. */
    struct ovl_index_cell *words;       /* Immutable pointer. */
    struct ovl_exact_map map;   /* From longer keys to numbers of slots. */
    OVSRCU_TYPE(struct ovl_index_slots *) slots;

    /* Writer. */
    size_t n;                   /* Nodes. */
    uint32_t n_slots;           /* That were ever in use, 0 included. */
    uint32_t *free;             /* Those that are not any more. */
    size_t n_free, allocated_free;
};

static inline struct ovl_inode *
ovl_inode_next(const struct ovl_inode *node)
{
    return ovsrcu_get(struct ovl_inode *, &node->next);
}

/* Returns the first node of a chain that has all nodes with 'key', NULL if
 * there are none. */
struct ovl_inode *ovl_index_find(const struct ovl_index *, uint64_t key);

/* The same for 'n' keys at once, 1 <= n <= OVL_EXACT_BULK_MAX.  The first
 * 'size' bytes, up to two cache lines, of what is found are on their way into
 * the cache. */
void ovl_index_find_bulk(const struct ovl_index *, const uint64_t keys[],
                         size_t n, struct ovl_inode *nodes[], size_t size);

/* Writer. */

void ovl_index_init(struct ovl_index *);
/* Nodes must have been removed. */
void ovl_index_destroy(struct ovl_index *);

void ovl_index_insert(struct ovl_index *, struct ovl_inode *, uint64_t key);
void ovl_index_remove(struct ovl_index *, struct ovl_inode *);

/* Gives all nodes, one after another: the one after 'node', the first after
 * NULL, NULL after the last.  '*at', which is any number at first, is where
 * it is.  Nodes that were given may be removed, but not freed, if nothing is
 * inserted. */
struct ovl_inode *ovl_index_next(const struct ovl_index *,
                                 const struct ovl_inode *node, uint64_t *at);

#endif /* node-index.h */
