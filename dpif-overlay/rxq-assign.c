/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: ovl_rxq_assign. */

#include <config.h>

#include "rxq-assign.h"

#include <stdlib.h>

#include "ovs-numa.h"
#include "util.h"

struct assignment {
    struct ovl_assign_thread *threads;
    size_t n_threads;
    const struct ovl_assign_how *how;
};

static size_t
find_core(const struct assignment *a, unsigned int core_id)
{
    for (size_t i = 0; i < a->n_threads; i++) {
        if (a->threads[i].core_id == core_id) {
            return i;
        }
    }
    return OVL_ASSIGN_NONE;
}

static bool
is_local(const struct ovl_assign_thread *thread,
         const struct ovl_assign_rxq *rxq)
{
    return rxq->numa_id == OVS_NUMA_UNSPEC || rxq->numa_id == thread->numa_id;
}

/* How much 'rxq' would dislike 'thread': what counts most comes first. */
static int
compare_threads(const struct assignment *a, const struct ovl_assign_rxq *rxq,
                const struct ovl_assign_thread *x,
                const struct ovl_assign_thread *y)
{
    if (x->isolated != y->isolated) {
        return x->isolated ? 1 : -1;
    } else if (is_local(x, rxq) != is_local(y, rxq)) {
        return is_local(x, rxq) ? -1 : 1;
    } else if (a->how->by_cycles && rxq->cycles && x->cycles != y->cycles) {
        return x->cycles > y->cycles ? 1 : -1;
    } else if (x->n_rxqs != y->n_rxqs) {
        return x->n_rxqs > y->n_rxqs ? 1 : -1;
    } else {
        return 0;
    }
}

static size_t
best_thread(const struct assignment *a, const struct ovl_assign_rxq *rxq)
{
    size_t best = 0;

    for (size_t i = 1; i < a->n_threads; i++) {
        if (compare_threads(a, rxq, &a->threads[i], &a->threads[best]) < 0) {
            best = i;
        }
    }
    return best;
}

static void
give(struct assignment *a, struct ovl_assign_rxq *rxq, size_t thread)
{
    rxq->thread = thread;
    a->threads[thread].n_rxqs++;
    a->threads[thread].cycles += rxq->cycles;
}

static void
give_pinned(struct assignment *a, struct ovl_assign_rxq *rxq)
{
    if (rxq->pinned != OVS_CORE_UNSPEC) {
        size_t thread = find_core(a, rxq->pinned);

        if (thread != OVL_ASSIGN_NONE) {
            give(a, rxq, thread);
            a->threads[thread].isolated = a->how->isolate;
        } else {
            rxq->note = OVL_ASSIGN_NO_CORE;
        }
    }
}

/* Leaves 'rxq' where it is, unless there is a thread of a better kind. */
static void
leave(struct assignment *a, struct ovl_assign_rxq *rxq)
{
    size_t now = find_core(a, rxq->polled_by);

    if (rxq->thread == OVL_ASSIGN_NONE && now != OVL_ASSIGN_NONE) {
        const struct ovl_assign_thread *best
            = &a->threads[best_thread(a, rxq)];
        const struct ovl_assign_thread *thread = &a->threads[now];

        if (thread->isolated == best->isolated
            && is_local(thread, rxq) == is_local(best, rxq)) {
            give(a, rxq, now);
        }
    }
}

/* The busiest first, otherwise in the order in which they were given. */
static int
compare_rxqs(const void *a_, const void *b_)
{
    const struct ovl_assign_rxq *a = *(struct ovl_assign_rxq *const *) a_;
    const struct ovl_assign_rxq *b = *(struct ovl_assign_rxq *const *) b_;

    return (a->cycles != b->cycles ? (a->cycles < b->cycles ? 1 : -1)
            : a < b ? -1 : a > b);
}

static void
give_others(struct assignment *a, struct ovl_assign_rxq *rxqs, size_t n_rxqs)
{
    struct ovl_assign_rxq **others = xmalloc(MAX(1, n_rxqs) * sizeof *others);
    size_t n = 0;

    for (size_t i = 0; i < n_rxqs; i++) {
        if (rxqs[i].thread == OVL_ASSIGN_NONE) {
            others[n++] = &rxqs[i];
        }
    }
    if (a->how->by_cycles) {
        qsort(others, n, sizeof *others, compare_rxqs);
    }
    for (size_t i = 0; i < n; i++) {
        give(a, others[i], best_thread(a, others[i]));
    }
    free(others);
}

void
ovl_rxq_assign(struct ovl_assign_thread *threads, size_t n_threads,
               struct ovl_assign_rxq *rxqs, size_t n_rxqs,
               const struct ovl_assign_how *how)
{
    struct assignment a = {
        .threads = threads, .n_threads = n_threads, .how = how,
    };

    for (size_t i = 0; i < n_threads; i++) {
        threads[i].isolated = false;
        threads[i].n_rxqs = 0;
        threads[i].cycles = 0;
    }
    for (size_t i = 0; i < n_rxqs; i++) {
        rxqs[i].thread = OVL_ASSIGN_NONE;
        rxqs[i].note = n_threads ? OVL_ASSIGN_FINE : OVL_ASSIGN_NO_THREAD;
    }
    if (!n_threads) {
        return;
    }

    for (size_t i = 0; i < n_rxqs; i++) {
        give_pinned(&a, &rxqs[i]);
    }
    for (size_t i = 0; i < n_rxqs && !how->anew; i++) {
        leave(&a, &rxqs[i]);
    }
    give_others(&a, rxqs, n_rxqs);

    for (size_t i = 0; i < n_rxqs; i++) {
        if (rxqs[i].note == OVL_ASSIGN_FINE
            && threads[rxqs[i].thread].isolated
            && rxqs[i].pinned == OVS_CORE_UNSPEC) {
            rxqs[i].note = OVL_ASSIGN_INTRUDER;
        }
    }
}
