/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: ovl_table_, ovl_block_, ovl_forwarding_.
 *
 * Of each key a map has at most one entry in force, the *base*, and at most
 * one *pending* entry, inserted by the open transaction.  Setting and
 * removing only ever changes these two, so that of several changes the last
 * one counts:
 *
 *     - set: the former pending entry is discarded; if the base says just
 *       what is to be set, it stays (again), else it is marked removed and
 *       the new entry is inserted.
 *
 *     - remove: the pending entry is discarded, the base marked removed.
 *
 * The life of a removed entry:
 *
 *     1. Commit publishes the version that does not have it, puts it in a
 *        batch, and asks for a grace period; if it has asked for one already,
 *        it does so when that is over, for all batches until then.
 *
 *     2. After that, no reader is in an older version.  The writer's next
 *        ovl_forwarding_collect() unlinks the batch's entries and gives back
 *        their references and counters.
 *
 *     3. After another, no reader is walking over it, and it is freed.
 *
 * Memory order: commit stores 'version' with release after everything was
 * linked, readers load it with acquire before they look anything up. */

#include <config.h>

#include "forwarding-private.h"

#include "hash.h"
#include "numa-memory.h"
#include "openvswitch/poll-loop.h"
#include "util.h"

/* So that ovl_forwarding_collect() takes milliseconds, not seconds, after a
 * million rows were deleted. */
#define COLLECT_MAX 16384

/* What went with one transaction. */
struct ovl_batch {
    struct ovs_list node;       /* In ovl_forwarding's 'batches'. */
    uint64_t serial;
    struct ovl_vnode *removed[OVL_N_TABLES];
    struct ovl_vexact_segment *macs;    /* Changes of exact-match maps. */
    struct ovl_vexact_segment *neighbors4;
};

/* Says how far grace periods have come.  RCU callbacks hold references: they
 * may run after the tables were destroyed. */
struct ovl_grace {
    struct ovs_refcount ref_cnt;
    uint64_t last_serial;       /* Writer only: of the last batch. */
    uint64_t asked;             /* Writer only: of the last batch that a grace
                                 * period was asked for. */
    ATOMIC(uint64_t) passed;    /* Grace has passed for batches up to this. */
    struct seq *seq;            /* Changed when 'passed' was. */
};

/* Argument of a postponed call. */
struct grace_end {
    struct ovl_grace *grace;
    uint64_t serial;
};

/* Counters in use by 'n_refs' entries. */
struct ovl_block {
    struct hmap_node hmap_node; /* By 'first'. */
    uint32_t first;
    uint32_t n;
    size_t n_refs;
};

static const struct ovl_table_class *
class_of(enum ovl_table table)
{
    switch (table) {
    case OVL_TABLE_CONFIG: return &ovl_config_class;
    case OVL_TABLE_BINDINGS: return &ovl_binding_class;
    case OVL_TABLE_NETWORKS: return &ovl_network_class;
    case OVL_TABLE_NEIGHBORS: return &ovl_neighbor_class;
    case OVL_TABLE_SOURCES: return &ovl_source_class;
    case OVL_TABLE_VRFS: return &ovl_vrf_class;
    case OVL_N_TABLES: break;
    }
    OVS_NOT_REACHED();
}

/* Setting and removing. */

/* A chain has the newest first, and of one key at most one entry is in force
 * at a time: what comes behind one that was published is older. */
static void
find_entries(const struct ovl_forwarding *fwd, enum ovl_table table,
             uint64_t key, const struct ovl_vnode *like,
             struct ovl_vnode **base, struct ovl_vnode **pending)
{
    ovs_version_t current = ovl_forwarding_version(fwd);
    const struct ovl_vmap *map = &fwd->tables[table];
    struct ovl_inode *inode;

    *base = *pending = NULL;
    for (inode = ovl_index_find(&map->index, key); inode;
         inode = ovl_inode_next(inode)) {
        struct ovl_vnode *node = ovl_vnode_cast(inode);

        if (!class_of(table)->same_key(node, like)) {
            continue;
        }
        if (node->versions.add_version > current) {
            *pending = node;
        } else {
            if (versions_visible_in_version(&node->versions, current)) {
                *base = node;
            }
            break;
        }
    }
}

/* Takes 'pending', if there is one, out of its table. */
static void
discard(struct ovl_forwarding *fwd, enum ovl_table table,
        struct ovl_vnode *pending)
{
    if (pending) {
        ovl_vmap_discard(&fwd->tables[table], pending);
        class_of(table)->release(fwd, pending);
        pending->next_removed = fwd->discarded;
        fwd->discarded = pending;
    }
}

void
ovl_table_set(struct ovl_forwarding *fwd, enum ovl_table table,
              uint64_t key, struct ovl_vnode *node)
{
    ovs_version_t next = ovl_forwarding_version(fwd) + 1;
    const struct ovl_table_class *class = class_of(table);
    struct ovl_vmap *map = &fwd->tables[table];
    struct ovl_vnode *base, *pending;

    ovs_assert(fwd->in_transaction);

    find_entries(fwd, table, key, node, &base, &pending);
    if (base && class->equal(base, node)) {
        if (versions_is_eventually_invisible(&base->versions)) {
            ovl_vmap_restore(map, base);
        }
        discard(fwd, table, pending);
        free(node);
    } else if (pending && class->equal(pending, node)) {
        free(node);
    } else {
        class->acquire(fwd, node, base ? base : pending);
        ovl_vmap_insert(map, node, key, next);
        if (base && !versions_is_eventually_invisible(&base->versions)) {
            ovl_vmap_remove(map, base, next);
        }
        discard(fwd, table, pending);
    }
}

void
ovl_table_remove(struct ovl_forwarding *fwd, enum ovl_table table,
                 uint64_t key, const struct ovl_vnode *like)
{
    ovs_version_t next = ovl_forwarding_version(fwd) + 1;
    struct ovl_vnode *base, *pending;

    ovs_assert(fwd->in_transaction);

    find_entries(fwd, table, key, like, &base, &pending);
    if (base && !versions_is_eventually_invisible(&base->versions)) {
        ovl_vmap_remove(&fwd->tables[table], base, next);
    }
    discard(fwd, table, pending);
}

/* Transactions. */

void
ovl_forwarding_begin(struct ovl_forwarding *fwd)
{
    ovs_assert(!fwd->in_transaction);
    fwd->in_transaction = true;
    ovl_numa_share_thread();
    ovl_vteps_defer_begin(fwd);
}

static void
grace_unref(struct ovl_grace *grace)
{
    if (ovs_refcount_unref(&grace->ref_cnt) == 1) {
        seq_destroy(grace->seq);
        free(grace);
    }
}

/* RCU callback. */
static void
grace_end_cb(struct grace_end *end)
{
    atomic_store_explicit(&end->grace->passed, end->serial,
                          memory_order_release);
    seq_change(end->grace->seq);
    grace_unref(end->grace);
    free(end);
}

/* Asks for a grace period for all batches that were made since the last time,
 * unless that one is not over yet: transactions may be shorter. */
static void
grace_ask(struct ovl_grace *grace)
{
    struct grace_end *end;
    uint64_t passed;

    atomic_read_relaxed(&grace->passed, &passed);
    if (passed < grace->asked || grace->asked == grace->last_serial) {
        return;
    }
    end = xmalloc(sizeof *end);
    ovs_refcount_ref(&grace->ref_cnt);
    end->grace = grace;
    end->serial = grace->asked = grace->last_serial;
    ovsrcu_postpone(grace_end_cb, end);
}

/* Frees after a grace period what the transaction itself inserted and took
 * out again. */
static void
free_discarded(struct ovl_forwarding *fwd)
{
    if (fwd->discarded) {
        ovsrcu_postpone(ovl_vnodes_free, fwd->discarded);
        fwd->discarded = NULL;
    }
}

/* Puts what was removed with the version just published in a batch. */
static void
retire_removed(struct ovl_forwarding *fwd)
{
    struct ovl_batch *batch = xmalloc(sizeof *batch);
    bool any = false;

    for (int i = 0; i < OVL_N_TABLES; i++) {
        batch->removed[i] = ovl_vmap_settle(&fwd->tables[i]);
        any = any || batch->removed[i];
    }
    batch->macs = ovl_vexact_settle(&fwd->macs);
    batch->neighbors4 = ovl_vexact_settle(&fwd->neighbors4);
    any = any || batch->macs || batch->neighbors4;
    if (!any) {
        free(batch);
        return;
    }
    batch->serial = ++fwd->grace->last_serial;
    ovs_list_push_back(&fwd->batches, &batch->node);
    grace_ask(fwd->grace);
}

ovs_version_t
ovl_forwarding_commit(struct ovl_forwarding *fwd)
{
    ovs_version_t version = ovl_forwarding_version(fwd);
    bool changed = (ovl_vexact_is_changed(&fwd->macs)
                    || ovl_vexact_is_changed(&fwd->neighbors4));

    ovs_assert(fwd->in_transaction);

    ovl_vrfs_finish(fwd);
    for (int i = 0; i < OVL_N_TABLES; i++) {
        changed = changed || ovl_vmap_is_changed(&fwd->tables[i]);
    }
    if (ovl_vmap_is_changed(&fwd->tables[OVL_TABLE_CONFIG])) {
        ovl_vteps_changed(fwd);
    }
    if (changed) {
        version++;
        atomic_store_explicit(&fwd->version, version, memory_order_release);
    }
    retire_removed(fwd);
    free_discarded(fwd);
    fwd->in_transaction = false;
    ovl_vteps_defer_end(fwd);
    if (fwd->adverts_seq_due) {
        fwd->adverts_seq_due = false;
        seq_change(fwd->adverts_seq);
    }

    return version;
}

/* Collection. */

static bool
is_ripe(const struct ovl_forwarding *fwd, const struct ovl_batch *batch)
{
    uint64_t passed;

    atomic_read_explicit(&fwd->grace->passed, &passed, memory_order_acquire);
    return batch->serial <= passed;
}

/* Unlinks up to '*budget' entries of 'batch', or settles them, and takes that
 * many off '*budget'.  Chains those that were unlinked to '*unlinked'.
 * Returns true if 'batch' is empty then. */
static bool
unlink_batch(struct ovl_forwarding *fwd, struct ovl_batch *batch,
             size_t *budget, struct ovl_vnode **unlinked)
{
    bool empty = (ovl_vexact_collect(&fwd->macs, &batch->macs, budget)
                  && ovl_vexact_collect(&fwd->neighbors4, &batch->neighbors4,
                                        budget));

    for (int i = 0; i < OVL_N_TABLES; i++) {
        struct ovl_vnode *node;

        while ((node = batch->removed[i]) && *budget) {
            batch->removed[i] = node->next_removed;
            ovl_vmap_unlink(&fwd->tables[i], node);
            class_of(i)->release(fwd, node);
            node->next_removed = *unlinked;
            *unlinked = node;
            --*budget;
        }
        empty = empty && !node;
    }
    return empty;
}

bool
ovl_forwarding_collect(struct ovl_forwarding *fwd)
{
    struct ovl_vnode *unlinked = NULL;
    size_t budget = COLLECT_MAX;
    struct ovl_batch *batch;

    ovs_assert(!fwd->in_transaction);

    ovl_vteps_defer_begin(fwd);
    LIST_FOR_EACH_SAFE (batch, node, &fwd->batches) {
        if (!is_ripe(fwd, batch)
            || !unlink_batch(fwd, batch, &budget, &unlinked)) {
            break;
        }
        ovs_list_remove(&batch->node);
        free(batch);
    }
    if (unlinked) {
        ovsrcu_postpone(ovl_vnodes_free, unlinked);
    }
    grace_ask(fwd->grace);
    ovl_vteps_defer_end(fwd);

    return !ovs_list_is_empty(&fwd->batches);
}

void
ovl_forwarding_collect_wait(struct ovl_forwarding *fwd)
{
    uint64_t seqno = seq_read(fwd->grace->seq);

    if (ovs_list_is_empty(&fwd->batches)) {
        return;
    }
    if (is_ripe(fwd, CONTAINER_OF(ovs_list_front(&fwd->batches),
                                  struct ovl_batch, node))) {
        poll_immediate_wake();
    } else {
        seq_wait(fwd->grace->seq, seqno);
    }
}

/* Counter blocks. */

static struct ovl_block *
find_block(const struct ovl_forwarding *fwd, uint32_t first)
{
    struct ovl_block *block;

    HMAP_FOR_EACH_WITH_HASH (block, hmap_node, hash_int(first, 0),
                             &fwd->blocks) {
        if (block->first == first) {
            return block;
        }
    }
    OVS_NOT_REACHED();
}

uint32_t
ovl_block_new(struct ovl_forwarding *fwd, size_t n)
{
    struct ovl_block *block = xmalloc(sizeof *block);

    block->first = ovl_counters_alloc(n);
    block->n = n;
    block->n_refs = 1;
    hmap_insert(&fwd->blocks, &block->hmap_node, hash_int(block->first, 0));

    return block->first;
}

uint32_t
ovl_block_ref(struct ovl_forwarding *fwd, uint32_t first)
{
    find_block(fwd, first)->n_refs++;
    return first;
}

void
ovl_block_unref(struct ovl_forwarding *fwd, uint32_t first)
{
    struct ovl_block *block = find_block(fwd, first);

    if (!--block->n_refs) {
        hmap_remove(&fwd->blocks, &block->hmap_node);
        ovl_counters_free(first, block->n);
        free(block);
    }
}

/* Life cycle. */

void
ovl_transactions_init(struct ovl_forwarding *fwd)
{
    for (int i = 0; i < OVL_N_TABLES; i++) {
        ovl_vmap_init(&fwd->tables[i]);
    }
    ovl_macs_init(fwd);
    ovl_neighbors_init(fwd);
    ovl_vrfs_init(fwd);
    hmap_init(&fwd->blocks);
    ovs_list_init(&fwd->batches);

    fwd->grace = xzalloc(sizeof *fwd->grace);
    ovs_refcount_init(&fwd->grace->ref_cnt);
    fwd->grace->seq = seq_create();
    fwd->adverts_seq = seq_create();
}

/* Unlinks every entry of 'table', whatever its versions, and frees it after a
 * grace period. */
static void
empty_table(struct ovl_forwarding *fwd, enum ovl_table table)
{
    struct ovl_vmap *map = &fwd->tables[table];
    struct ovl_vnode *unlinked = NULL;
    struct ovl_inode *inode = NULL;
    uint64_t at;

    while ((inode = ovl_index_next(&map->index, inode, &at))) {
        struct ovl_vnode *node = ovl_vnode_cast(inode);

        ovl_index_remove(&map->index, inode);
        class_of(table)->release(fwd, node);
        node->next_removed = unlinked;
        unlinked = node;
    }
    if (unlinked) {
        ovsrcu_postpone(ovl_vnodes_free, unlinked);
    }
}

void
ovl_transactions_destroy(struct ovl_forwarding *fwd)
{
    struct ovl_batch *batch;

    for (int i = 0; i < OVL_N_TABLES; i++) {
        empty_table(fwd, i);
        ovl_vmap_destroy(&fwd->tables[i]);
    }
    ovl_vrfs_destroy(fwd);
    free_discarded(fwd);
    LIST_FOR_EACH_POP (batch, node, &fwd->batches) {
        ovl_vexact_drop(&fwd->macs, batch->macs);
        ovl_vexact_drop(&fwd->neighbors4, batch->neighbors4);
        free(batch);
    }
    ovl_macs_destroy(fwd);
    ovl_neighbors_destroy(fwd);
    ovs_assert(hmap_is_empty(&fwd->blocks));
    hmap_destroy(&fwd->blocks);
    grace_unref(fwd->grace);
    seq_destroy(fwd->adverts_seq);
}
