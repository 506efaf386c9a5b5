/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: ovl_vtep_, ovl_vteps_, ovl_adjacency_.
 *
 * VTEPs have no versions: entries hold references to them, so a VTEP is there
 * for as long as something forwards to it.  Its adjacency is the underlay's,
 * which swaps it under the readers. */

#include <config.h>

#include "forwarding-private.h"

#include "util.h"

/* Life cycle of the table. */

void
ovl_vteps_init(struct ovl_forwarding *fwd)
{
    cmap_init(&fwd->vteps);
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
    free(vtep);
}

/* Takes 'vtep' out of the table; readers may go on using it until they
 * quiesce. */
static void
vtep_remove(struct ovl_forwarding *fwd, struct ovl_vtep *vtep)
{
    ovs_mutex_lock(&fwd->vteps_mutex);
    cmap_remove(&fwd->vteps, &vtep->cmap_node,
                ovl_hash_ip(&fwd->keys, 0, &vtep->ip));
    ovs_mutex_unlock(&fwd->vteps_mutex);

    atomic_count_dec(&fwd->n_vteps);
    ovl_counters_free(vtep->traffic, OVL_N_TRAFFIC);
    ovsrcu_postpone(vtep_free, vtep);
}

void
ovl_vteps_destroy(struct ovl_forwarding *fwd)
{
    struct cmap_node *node;

    while ((node = cmap_first(&fwd->vteps))) {
        vtep_remove(fwd, CONTAINER_OF(node, struct ovl_vtep, cmap_node));
    }
    cmap_destroy(&fwd->vteps);
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

struct ovl_vtep *
ovl_vtep_lookup(const struct ovl_forwarding *fwd, const struct in6_addr *ip)
{
    uint32_t hash = ovl_hash_ip(&fwd->keys, 0, ip);
    struct ovl_vtep *vtep;

    CMAP_FOR_EACH_WITH_HASH (vtep, cmap_node, hash, &fwd->vteps) {
        if (ipv6_addr_equals(&vtep->ip, ip)) {
            return vtep;
        }
    }
    return NULL;
}

void
ovl_vtep_lookup_bulk(const struct ovl_forwarding *fwd,
                     const struct in6_addr *const ips[], size_t n,
                     struct ovl_vtep *vteps[])
{
    const struct cmap_node *nodes[OVL_BULK_MAX];
    uint32_t hashes[OVL_BULK_MAX];

    ovs_assert(n && n <= OVL_BULK_MAX);
    for (size_t i = 0; i < n; i++) {
        hashes[i] = ovl_hash_ip(&fwd->keys, 0, ips[i]);
    }

    unsigned long wanted = ULONG_MAX >> (CHAR_BIT * sizeof wanted - n);
    unsigned long found = cmap_find_batch(&fwd->vteps, wanted, hashes, nodes);
    for (size_t i = 0; i < n; i++) {
        struct ovl_vtep *vtep;

        vteps[i] = NULL;
        if (found & 1ul << i) {
            CMAP_NODE_FOR_EACH (vtep, cmap_node, nodes[i]) {
                if (ipv6_addr_equals(&vtep->ip, ips[i])) {
                    vteps[i] = vtep;
                    break;
                }
            }
        }
    }
}

void
ovl_forwarding_for_each_vtep(const struct ovl_forwarding *fwd,
                             void (*cb)(struct ovl_vtep *, void *aux),
                             void *aux)
{
    struct ovl_vtep **vteps, *vtep;
    size_t n = 0;

    /* The callback may take its time, and must not hold up the writer. */
    ovs_mutex_lock(&fwd->vteps_mutex);
    vteps = xmalloc((cmap_count(&fwd->vteps) + 1) * sizeof *vteps);
    CMAP_FOR_EACH (vtep, cmap_node, &fwd->vteps) {
        vteps[n++] = vtep;
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
        vtep = xzalloc(sizeof *vtep);
        vtep->ip = *ip;
        vtep->traffic = ovl_counters_alloc(OVL_N_TRAFFIC);
        ovsrcu_init(&vtep->adj, NULL);
        atomic_init(&vtep->why, OVL_DROP_VTEP_UNRESOLVED);

        ovs_mutex_lock(&fwd->vteps_mutex);
        cmap_insert(&fwd->vteps, &vtep->cmap_node,
                    ovl_hash_ip(&fwd->keys, 0, ip));
        ovs_mutex_unlock(&fwd->vteps_mutex);
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
ovl_adjacency_destroy(struct ovl_adjacency *adj)
{
    if (adj) {
        ovl_lport_unref(adj->port);
        free_cacheline(adj);
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
    ovsrcu_set(&vtep->adj, adj);
    if (former) {
        ovsrcu_postpone(ovl_adjacency_destroy, former);
    }
}
