/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_RXQ_SCHED_H
#define OVL_RXQ_SCHED_H 1

/* Which thread polls which receive queue, and which threads there are.
 *
 * Queues of PMD ports go to PMD threads: to the core that 'pmd-rxq-affinity'
 * names, else to the thread with the fewest queues on the port's NUMA node,
 * else to any.  All others go to the I/O thread.
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

/* The number that the control thread sends under.  Those of other threads
 * follow. */
#define OVL_SENDER_CONTROL 0

/* 'config' is borrowed for as long as the scheduler exists. */
struct ovl_rxq_sched *ovl_rxq_sched_create(const struct ovl_thread_config *);
/* Stops all threads. */
void ovl_rxq_sched_destroy(struct ovl_rxq_sched *);

/* Starts the I/O thread. */
void ovl_rxq_sched_start(struct ovl_rxq_sched *);

/* Sets the hexadecimal mask of the cores that PMD threads run on; NULL or ""
 * for one core of each NUMA node.  Returns true if it is another one than
 * before: then call ovl_rxq_sched_run(). */
bool ovl_rxq_sched_set_cpu_mask(struct ovl_rxq_sched *, const char *mask);

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

/* Append what 'dpif-overlay/pmd-stats-show' and 'pmd-rxq-show' print. */
void ovl_rxq_sched_format_stats(const struct ovl_rxq_sched *, struct ds *);
void ovl_rxq_sched_format_rxqs(const struct ovl_rxq_sched *, struct ds *);

#endif /* rxq-sched.h */
