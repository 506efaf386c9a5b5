/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_RXQ_SCHED_H
#define OVL_RXQ_SCHED_H 1

/* Which thread polls which receive queue, and which threads there are.
 *
 * Queues of PMD ports go to PMD threads as rxq-assign.h says, all others to
 * the I/O thread.
 *
 * Thread-safety: none; for the datapath's control side, under its
 * configuration mutex.
 *
 * Layer 3. */

#include <stdbool.h>
#include <stddef.h>

struct ds;
struct ovl_lport;
struct ovl_rxq_sched;
struct ovl_thread_config;
struct smap;

/* The number that the control thread sends under.  Those of other threads
 * follow. */
#define OVL_SENDER_CONTROL 0

/* 'config' is borrowed for as long as the scheduler exists. */
struct ovl_rxq_sched *ovl_rxq_sched_create(const struct ovl_thread_config *);
/* Stops all threads. */
void ovl_rxq_sched_destroy(struct ovl_rxq_sched *);

/* Starts the I/O thread. */
void ovl_rxq_sched_start(struct ovl_rxq_sched *);

/* Takes 'pmd-cpu-mask', 'pmd-rxq-assign' ("roundrobin" or by cycles) and
 * 'pmd-rxq-isolate' of Open_vSwitch.other_config.  Returns true if something
 * has changed: then call ovl_rxq_sched_run(). */
bool ovl_rxq_sched_set_config(struct ovl_rxq_sched *, const struct smap *);

/* Starts and stops PMD threads, and has them and the I/O thread poll exactly
 * the queues of the 'n' ports in 'lports'.  A queue that moves from one thread
 * to another is polled by nobody for a grace period in between.  Threads may
 * be in queues and devices of ports that are no more in 'lports' until
 * ovl_rxq_sched_settle() returns.
 *
 * Returns true if there are more or fewer threads that send: the ports were
 * asked for transmit queues for them, and may want to be configured again. */
bool ovl_rxq_sched_run(struct ovl_rxq_sched *, struct ovl_lport *const *lports,
                       size_t n);

/* Waits for a grace period, and until the I/O thread sleeps on no descriptor
 * of an earlier run. */
void ovl_rxq_sched_settle(struct ovl_rxq_sched *);

/* Threads that may send, for ovl_port_configure(). */
int ovl_rxq_sched_n_senders(const struct ovl_rxq_sched *);

/* Remembers how busy queues and threads have been so far.  To be called every
 * OVL_RXQ_SAMPLE_SECS. */
#define OVL_RXQ_SAMPLE_SECS 5
void ovl_rxq_sched_sample(struct ovl_rxq_sched *,
                          struct ovl_lport *const *lports, size_t n);

/* Decides anew which PMD thread polls which queue of the ports 'lports', all
 * that there are, by how busy each was lately, and appends what has moved. */
void ovl_rxq_sched_rebalance(struct ovl_rxq_sched *,
                             struct ovl_lport *const *lports, size_t n,
                             struct ds *);

/* What 'dpif-overlay/pmd-...' commands ask for. */
struct ovl_pmd_query {
    enum {
        OVL_PMD_SHOW_STATS,
        OVL_PMD_SHOW_PERF,
        OVL_PMD_SHOW_RXQS,
        OVL_PMD_CLEAR_STATS
    } what;
    unsigned int core_id;       /* OVS_CORE_UNSPEC for all threads. */
    unsigned int secs;          /* SHOW_RXQS: of the last so many; 0: most. */
    bool brief;                 /* SHOW_PERF: without histograms. */
};

/* Does that, and appends what it prints.  Returns false if no PMD thread runs
 * on that core. */
bool ovl_rxq_sched_show(const struct ovl_rxq_sched *,
                        const struct ovl_pmd_query *, struct ds *);

#endif /* rxq-sched.h */
