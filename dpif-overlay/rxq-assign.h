/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_RXQ_ASSIGN_H
#define OVL_RXQ_ASSIGN_H 1

/* Which PMD thread polls which receive queue: the decision alone.
 *
 *  1. A queue that is pinned goes to the thread of its core.  That thread is
 *     *isolated* then: it gets no other queue, if so wanted.
 *  2. A queue that is polled already stays where it is, if that is right and
 *     not everything is to be decided anew.
 *  3. The others go, the busiest first, each to the least loaded thread on the
 *     NUMA node of its port; if there is none, to that of another node.
 *
 * Pinning leaves no queue without a thread: one that is pinned to a core
 * without a thread goes elsewhere, and if all threads are isolated, others may
 * join, which OVS's own datapath does not let them.
 *
 * Thread-safety: none; pure functions.
 *
 * Layer 3. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ovl_assign_thread {
    unsigned int core_id;
    int numa_id;

    /* Out. */
    bool isolated;
    size_t n_rxqs;
    uint64_t cycles;            /* Sum of those of its queues. */
};

enum ovl_assign_note {
    OVL_ASSIGN_FINE,
    OVL_ASSIGN_NO_CORE,         /* Pinned to a core without a thread. */
    OVL_ASSIGN_INTRUDER,        /* On a thread that is isolated. */
    OVL_ASSIGN_NO_THREAD        /* There is none at all. */
};

#define OVL_ASSIGN_NONE SIZE_MAX

struct ovl_assign_rxq {
    int numa_id;                /* OVS_NUMA_UNSPEC: any. */
    unsigned int pinned;        /* Core, or OVS_CORE_UNSPEC. */
    unsigned int polled_by;     /* Core, or OVS_CORE_UNSPEC. */
    uint64_t cycles;            /* That it took lately. */

    /* Out. */
    size_t thread;              /* Index, or OVL_ASSIGN_NONE. */
    enum ovl_assign_note note;
};

struct ovl_assign_how {
    bool anew;                  /* Rule 2 does not apply. */
    bool isolate;               /* Threads with pinned queues are isolated. */
    bool by_cycles;             /* Else load is the number of queues. */
};

void ovl_rxq_assign(struct ovl_assign_thread *, size_t n_threads,
                    struct ovl_assign_rxq *, size_t n_rxqs,
                    const struct ovl_assign_how *);

#endif /* rxq-assign.h */
