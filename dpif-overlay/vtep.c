/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: ovl_vtep_, ovl_vteps_, ovl_adjacency_.
 *
 * VTEPs have no versions: entries hold references to them, so a VTEP is there
 * for as long as something forwards to it.  Whoever sends to us is looked up
 * by his address in the table of sources, which leads to his VTEP through a
 * peer.  Its adjacency is the underlay's,
 * which swaps it under the readers. */

#include <config.h>

#include "dense-memory.h"
#include "forwarding-private.h"

#include "util.h"

static atomic_count n_adjacency_changes = ATOMIC_COUNT_INIT(0);

/* Makes the adjacency of a VTEP and that of its way change together. */
static struct ovs_mutex way_mutex = OVS_MUTEX_INITIALIZER;

static struct ovl_vtep *
vtep_cast(const struct ovl_inode *node)
{
    return CONTAINER_OF(node, struct ovl_vtep, inode);
}

/* Life cycle of the table. */

void
ovl_vteps_init(struct ovl_forwarding *fwd)
{
    ovl_index_init(&fwd->vteps);
    hmap_init(&fwd->peers);
    atomic_count_init(&fwd->n_vteps, 0);
    ovs_mutex_init(&fwd->vteps_mutex);
    fwd->vteps_seq = seq_create();
}

static struct ovl_adjacency *
adj_protected(const struct ovl_vtep *vtep)
{
    return ovsrcu_get_protected(struct ovl_adjacency *, &vtep->adj);
}

/* RCU callback: the underlay may have set an adjacency until just now. */
static void
vtep_free(struct ovl_vtep *vtep)
{
    ovl_adjacency_destroy(adj_protected(vtep));
    ovl_dense_free(vtep);
}

/* Peers. */

static struct ovl_peer *
find_peer(const struct ovl_forwarding *fwd, const struct in6_addr *ip)
{
    struct ovl_peer *peer;

    HMAP_FOR_EACH_WITH_HASH (peer, hmap_node, ovl_hash_ip(&fwd->keys, 0, ip),
                             &fwd->peers) {
        if (ipv6_addr_equals(&peer->ip, ip)) {
            return peer;
        }
    }
    return NULL;
}

/* Tells the peer at 'ip', if there is one, that its VTEP is 'vtep' now. */
static void
set_peer(struct ovl_forwarding *fwd, const struct in6_addr *ip,
         struct ovl_vtep *vtep)
{
    struct ovl_peer *peer = find_peer(fwd, ip);

    if (peer) {
        ovsrcu_set(&peer->vtep, vtep);
    }
}

struct ovl_peer *
ovl_peer_ref(struct ovl_forwarding *fwd, const struct in6_addr *ip)
{
    struct ovl_peer *peer = find_peer(fwd, ip);

    if (!peer) {
        peer = xmalloc(sizeof *peer);
        peer->ip = *ip;
        peer->n_refs = 0;
        ovsrcu_init(&peer->vtep, ovl_vtep_lookup(fwd, ip));
        hmap_insert(&fwd->peers, &peer->hmap_node,
                    ovl_hash_ip(&fwd->keys, 0, ip));
    }
    peer->n_refs++;
    return peer;
}

void
ovl_peer_unref(struct ovl_forwarding *fwd, struct ovl_peer *peer)
{
    if (!--peer->n_refs) {
        hmap_remove(&fwd->peers, &peer->hmap_node);
        ovsrcu_postpone(free, peer);
    }
}

/* VTEPs. */

/* Takes 'vtep' out of the table; readers may go on using it until they
 * quiesce. */
static void
vtep_remove(struct ovl_forwarding *fwd, struct ovl_vtep *vtep)
{
    ovs_mutex_lock(&fwd->vteps_mutex);
    ovl_index_remove(&fwd->vteps, &vtep->inode);
    ovs_mutex_unlock(&fwd->vteps_mutex);

    set_peer(fwd, &vtep->ip, NULL);
    atomic_count_dec(&fwd->n_vteps);
    ovl_counters_free(vtep->traffic, OVL_N_TRAFFIC);
    ovsrcu_postpone(vtep_free, vtep);
}

void
ovl_vteps_destroy(struct ovl_forwarding *fwd)
{
    struct ovl_inode *node = NULL;
    uint64_t at;

    while ((node = ovl_index_next(&fwd->vteps, node, &at))) {
        vtep_remove(fwd, vtep_cast(node));
    }
    ovl_index_destroy(&fwd->vteps);
    ovs_assert(hmap_is_empty(&fwd->peers));
    hmap_destroy(&fwd->peers);
    ovs_mutex_destroy(&fwd->vteps_mutex);
    seq_destroy(fwd->vteps_seq);
}

/* Sequence number. */

struct seq *
ovl_forwarding_vteps_seq(const struct ovl_forwarding *fwd)
{
    return fwd->vteps_seq;
}

void
ovl_vteps_changed(struct ovl_forwarding *fwd)
{
    if (fwd->defer_vteps_seq) {
        fwd->vteps_seq_due = true;
    } else {
        seq_change(fwd->vteps_seq);
    }
}

void
ovl_vteps_defer_begin(struct ovl_forwarding *fwd)
{
    fwd->defer_vteps_seq = true;
}

void
ovl_vteps_defer_end(struct ovl_forwarding *fwd)
{
    fwd->defer_vteps_seq = false;
    if (fwd->vteps_seq_due) {
        fwd->vteps_seq_due = false;
        seq_change(fwd->vteps_seq);
    }
}

/* Looking up. */

size_t
ovl_vteps_count(const struct ovl_forwarding *fwd)
{
    return atomic_count_get(&CONST_CAST(struct ovl_forwarding *,
                                        fwd)->n_vteps);
}

/* Finds 'ip' in a chain from 'node' on. */
static struct ovl_vtep *
find_in_chain(struct ovl_inode *node, const struct in6_addr *ip)
{
    for (; node; node = ovl_inode_next(node)) {
        struct ovl_vtep *vtep = vtep_cast(node);

        if (ipv6_addr_equals(&vtep->ip, ip)) {
            return vtep;
        }
    }
    return NULL;
}

struct ovl_vtep *
ovl_vtep_lookup(const struct ovl_forwarding *fwd, const struct in6_addr *ip)
{
    return find_in_chain(ovl_index_find(&fwd->vteps,
                                        ovl_hash_ip_key(&fwd->keys, 0, ip)),
                         ip);
}

void
ovl_forwarding_for_each_vtep(const struct ovl_forwarding *fwd,
                             void (*cb)(struct ovl_vtep *, void *aux),
                             void *aux)
{
    struct ovl_inode *node = NULL;
    struct ovl_vtep **vteps;
    size_t n = 0;
    uint64_t at;

    /* The callback may take its time, and must not hold up the writer. */
    ovs_mutex_lock(&fwd->vteps_mutex);
    vteps = xmalloc((fwd->vteps.n + 1) * sizeof *vteps);
    while ((node = ovl_index_next(&fwd->vteps, node, &at))) {
        vteps[n++] = vtep_cast(node);
    }
    ovs_mutex_unlock(&fwd->vteps_mutex);

    for (size_t i = 0; i < n; i++) {
        cb(vteps[i], aux);
    }
    free(vteps);
}

/* References. */

struct ovl_vtep *
ovl_vtep_ref(struct ovl_forwarding *fwd, const struct in6_addr *ip)
{
    struct ovl_vtep *vtep = ovl_vtep_lookup(fwd, ip);

    if (!vtep) {
        vtep = ovl_dense_zalloc(sizeof *vtep);
        vtep->ip = *ip;
        vtep->traffic = ovl_counters_alloc(OVL_N_TRAFFIC);
        ovsrcu_init(&vtep->adj, NULL);
        atomic_init(&vtep->why, OVL_DROP_VTEP_UNRESOLVED);

        ovs_mutex_lock(&fwd->vteps_mutex);
        ovl_index_insert(&fwd->vteps, &vtep->inode,
                         ovl_hash_ip_key(&fwd->keys, 0, ip));
        ovs_mutex_unlock(&fwd->vteps_mutex);
        set_peer(fwd, ip, vtep);
        atomic_count_inc(&fwd->n_vteps);
        ovl_vteps_changed(fwd);
    }
    vtep->n_refs++;
    return vtep;
}

/* NULL is fine. */
void
ovl_vtep_unref(struct ovl_forwarding *fwd, struct ovl_vtep *vtep)
{
    if (vtep && !--vtep->n_refs) {
        vtep_remove(fwd, vtep);
        ovl_vteps_changed(fwd);
    }
}

/* Adjacencies. */

void
ovl_vtep_set_way(struct ovl_vtep *vtep, struct ovl_way *way)
{
    ovs_mutex_lock(&way_mutex);
    ovs_assert(!vtep->way != !way);
    vtep->way = way;
    if (way) {
        ovsrcu_set(&way->adj, adj_protected(vtep));
    }
    ovs_mutex_unlock(&way_mutex);
}

void
ovl_adjacency_destroy(struct ovl_adjacency *adj)
{
    if (adj) {
        ovl_lport_unref(adj->port);
        ovl_dense_free(adj);
    }
}

/* The caller must have found 'vtep' in the table since it last quiesced. */
void
ovl_vtep_set_adjacency(struct ovl_vtep *vtep, struct ovl_adjacency *adj,
                       enum ovl_drop_reason why)
{
    struct ovl_adjacency *former = adj_protected(vtep);

    if (adj) {
        adj->vtep = vtep;
        adj->traffic = vtep->traffic;
    } else {
        atomic_store_relaxed(&vtep->why, why);
    }
    ovs_mutex_lock(&way_mutex);
    ovsrcu_set(&vtep->adj, adj);
    if (vtep->way) {
        ovsrcu_set(&vtep->way->adj, adj);
    }
    ovs_mutex_unlock(&way_mutex);
    if (former) {
        /* Whoever sees that number sees this adjacency: the stores above alone
         * do not keep what follows them behind them. */
        atomic_thread_fence(memory_order_release);
        atomic_count_inc(&n_adjacency_changes);
        ovsrcu_postpone(ovl_adjacency_destroy, former);
    }
}

/* A reader that comes with the former adjacency has the former number, as the
 * one changes before the other. */
unsigned int
ovl_adjacency_changes(void)
{
    unsigned int n = atomic_count_get(&n_adjacency_changes);

    atomic_thread_fence(memory_order_acquire);
    return n;
}
