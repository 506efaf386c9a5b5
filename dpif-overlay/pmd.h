/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_PMD_H
#define OVL_PMD_H 1

/* Threads that move packets.
 *
 * A thread polls the receive queues of its list, runs each burst through the
 * pipeline and sends what comes out, grouped by port.  There are two kinds: a
 * PMD thread never blocks and is pinned to a core; the I/O thread, of which
 * there is one, sleeps until one of its (non-PMD) queues has something.
 *
 * A poll list is an immutable array behind an RCU pointer.  To take a queue
 * away, publish a list without it and wait for a grace period: that is all
 * there is to "reloading" a thread.
 *
 * Thread-safety: the functions below are for the datapath's control side,
 * under its configuration mutex.
 *
 * Layer 3. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ovs-atomic.h"

struct ds;
struct ovl_forwarding;
struct ovl_rxq;
struct ovl_thread;
struct ovl_underlay;

/* Longest nap that 'pmd-maxsleep' allows, in us, and the longest time between
 * two quiescent states of a PMD thread that never naps. */
#define OVL_PMD_MAX_SLEEP_US 10000

/* Shared by all threads of a datapath, written by the control side. */
struct ovl_thread_config {
    struct ovl_forwarding *fwd;
    struct ovl_underlay *underlay;
    atomic_uint64_t pmd_max_sleep;  /* 'pmd-maxsleep' in us; 0: never. */
};

/* Starts a thread.  'core_id' is OVS_CORE_UNSPEC for the I/O thread.
 * 'sender' is the number that it sends under, different for each thread. */
struct ovl_thread *ovl_thread_create(const struct ovl_thread_config *,
                                     unsigned int core_id, int numa_id,
                                     int sender);
/* Stops it and frees it.  Nobody polls its queues any more when this
 * returns. */
void ovl_thread_destroy(struct ovl_thread *);

/* Makes the thread poll exactly the 'n' queues of 'rxqs' (copied).  Queues
 * that it polled before may be touched after a grace period. */
void ovl_thread_set_rxqs(struct ovl_thread *, struct ovl_rxq *const *rxqs,
                         size_t n);

/* Waits until the I/O thread sleeps on no queue of an earlier list.  While it
 * does, in a quiescent state, the kernel holds the descriptors: a tap that is
 * closed meanwhile is not gone, and cannot be opened again. */
void ovl_thread_settle(struct ovl_thread *);

unsigned int ovl_thread_core(const struct ovl_thread *);
int ovl_thread_numa(const struct ovl_thread *);
int ovl_thread_sender(const struct ovl_thread *);

/* Counts from zero again. */
void ovl_thread_clear_stats(struct ovl_thread *);

/* Remembers how busy the thread has been so far as number 'sample'. */
void ovl_thread_sample(struct ovl_thread *, unsigned int sample);

/* Append what 'dpif-overlay/pmd-stats-show', 'pmd-perf-show' and
 * 'pmd-rxq-show' print, the last about the time since 'sample', that is
 * 'cycles' cycles ago. */
void ovl_thread_format_stats(const struct ovl_thread *, struct ds *);
void ovl_thread_format_perf(const struct ovl_thread *, bool histograms,
                            struct ds *);
void ovl_thread_format_rxqs(const struct ovl_thread *, unsigned int sample,
                            uint64_t cycles, struct ds *);

#endif /* pmd.h */
