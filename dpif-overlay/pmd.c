/* SPDX-License-Identifier: Apache-2.0 */

/* Threads that move packets.
 *
 * The loop is: for each queue { receive, pipeline, flush }.  Between bursts a
 * thread holds no packet and no table entry, so it may quiesce there; PMD
 * threads do so every QUIESCE_US, which bounds how long a change of the
 * tables, or the deletion of a port, waits for them. */

#include <config.h>

#include "pmd.h"

#include <errno.h>

#include "dp-packet.h"
#include "dpdk.h"
#include "forwarding.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "overlay-port.h"
#include "ovs-atomic.h"
#include "ovs-numa.h"
#include "ovs-rcu.h"
#include "ovs-thread.h"
#include "pipeline.h"
#include "seq.h"
#include "timeval.h"
#include "underlay.h"

VLOG_DEFINE_THIS_MODULE(overlay_pmd);

/* A PMD thread looks at the clock every CLOCK_LOOPS iterations and quiesces
 * when QUIESCE_US have passed. */
#define CLOCK_LOOPS 16
#define QUIESCE_US 200

/* A PMD thread that finds this many packets in one iteration is busy and
 * does not nap; the nap grows by SLEEP_STEP_US while it is not. */
#define BUSY_PACKETS (NETDEV_MAX_BURST / 2)
#define SLEEP_STEP_US 5

struct ovl_poll_list {
    uint64_t number;            /* Counts the lists of a thread. */
    size_t n;
    struct ovl_rxq *rxqs[];
};

/* Packets on their way out of one port. */
struct ovl_pending {
    struct ovl_port *port;      /* NULL: free. */
    struct dp_packet_batch batch;
};

#define N_PENDING 64            /* Power of 2. */

struct ovl_thread {
    struct ovl_worker worker;

    /* Packets that the current burst has sent so far, by port.  A port's
     * slot is its id modulo N_PENDING; whoever else is there is flushed. */
    struct ovl_pending pending[N_PENDING];
    uint8_t used[N_PENDING];    /* Slots in use, in order of first use. */
    size_t n_used;

    /* Immutable. */
    const struct ovl_thread_config *config;
    unsigned int core_id;       /* OVS_CORE_UNSPEC for the I/O thread. */
    int numa_id;
    int sender;
    pthread_t thread;

    OVSRCU_TYPE(struct ovl_poll_list *) list;
    struct seq *wakeup;         /* List or 'exiting' changed. */
    atomic_uint64_t taken;      /* I/O thread: number of the list in use. */
    struct seq *taken_seq;      /* 'taken' changed. */
    atomic_bool exiting;

    /* Written by the thread, read by anybody. */
    atomic_uint64_t n_packets;
    atomic_uint64_t n_bursts;
    atomic_uint64_t n_idle;     /* Iterations that received nothing. */
    atomic_uint64_t n_loops;
};

static struct ovl_thread *
thread_cast(struct ovl_worker *worker)
{
    return CONTAINER_OF(worker, struct ovl_thread, worker);
}

static void
count(atomic_uint64_t *counter, uint64_t n)
{
    uint64_t value;

    atomic_read_relaxed(counter, &value);
    atomic_store_relaxed(counter, value + n);
}

static void
flush_slot(struct ovl_thread *t, struct ovl_pending *slot)
{
    if (!dp_packet_batch_is_empty(&slot->batch)) {
        ovl_port_send(slot->port, t->sender, t->worker.shard, &slot->batch);
        dp_packet_batch_init(&slot->batch);
    }
}

static void
flush(struct ovl_thread *t)
{
    for (size_t i = 0; i < t->n_used; i++) {
        struct ovl_pending *slot = &t->pending[t->used[i]];

        flush_slot(t, slot);
        slot->port = NULL;
    }
    t->n_used = 0;
}

/* The pipeline's 'send'. */
static void
thread_send(struct ovl_worker *worker, struct ovl_lport *lport,
            struct dp_packet *packet)
{
    struct ovl_thread *t = thread_cast(worker);
    size_t index = lport->id % N_PENDING;
    struct ovl_pending *slot = &t->pending[index];
    struct ovl_port *port = ovl_port_cast(lport);

    if (slot->port != port) {
        if (slot->port) {
            flush_slot(t, slot);
        } else {
            t->used[t->n_used++] = index;
            dp_packet_batch_init(&slot->batch);
        }
        slot->port = port;
    } else if (!dp_packet_batch_is_empty(&slot->batch)
               && (dp_packet_batch_is_full(&slot->batch)
                   || slot->batch.packets[0]->source != packet->source)) {
        /* netdev-dpdk takes all for what the first one is: buffers of DPDK,
         * or others that it has to copy. */
        flush_slot(t, slot);
    }
    dp_packet_batch_add(&slot->batch, packet);
}

/* The pipeline's 'heard'. */
static void
thread_heard(struct ovl_worker *worker, const struct ovl_heard *heard)
{
    ovl_underlay_heard(thread_cast(worker)->config->underlay, heard);
}

/* Polls every queue once.  Returns the number of packets. */
static size_t
poll_queues(struct ovl_thread *t, const struct ovl_poll_list *list)
{
    size_t n_packets = 0;

    for (size_t i = 0; i < list->n; i++) {
        struct ovl_rxq *rxq = list->rxqs[i];
        struct dp_packet_batch batch;

        if (netdev_rxq_enabled(rxq->rx)
            && !ovl_rxq_recv(rxq, t->worker.shard, &batch)) {
            n_packets += dp_packet_batch_size(&batch);
            count(&t->n_bursts, 1);
            ovl_pipeline_run(&t->worker, &rxq->port->up, &batch);
            flush(t);
        }
    }
    count(&t->n_loops, 1);
    if (n_packets) {
        count(&t->n_packets, n_packets);
    } else {
        count(&t->n_idle, 1);
    }
    return n_packets;
}

static bool
is_exiting(struct ovl_thread *t)
{
    bool exiting;

    atomic_read_explicit(&t->exiting, &exiting, memory_order_acquire);
    return exiting;
}

static void *
io_main(void *t_)
{
    struct ovl_thread *t = t_;

    while (!is_exiting(t)) {
        uint64_t seqno = seq_read(t->wakeup);
        const struct ovl_poll_list *list
            = ovsrcu_get(struct ovl_poll_list *, &t->list);
        uint64_t taken;

        atomic_read_relaxed(&t->taken, &taken);
        if (taken != list->number) {
            atomic_store_explicit(&t->taken, list->number,
                                  memory_order_release);
            seq_change(t->taken_seq);
        }

        t->worker.now = time_msec();
        if (poll_queues(t, list)) {
            ovsrcu_quiesce();
        } else {
            for (size_t i = 0; i < list->n; i++) {
                netdev_rxq_wait(list->rxqs[i]->rx);
            }
            seq_wait(t->wakeup, seqno);
            poll_block();
        }
    }
    return NULL;
}

static void *
pmd_main(void *t_)
{
    struct ovl_thread *t = t_;
    uint64_t sleep_us = 0;
    unsigned int loops = 0;
    long long int quiesced = time_usec();

    ovs_numa_thread_setaffinity_core(t->core_id);
    dpdk_attach_thread(t->core_id);
    set_timer_resolution(1000);

    while (!is_exiting(t)) {
        const struct ovl_poll_list *list
            = ovsrcu_get(struct ovl_poll_list *, &t->list);
        if (!list->n) {
            uint64_t seqno = seq_read(t->wakeup);
            list = ovsrcu_get(struct ovl_poll_list *, &t->list);
            if (!list->n && !is_exiting(t)) {
                seq_wait(t->wakeup, seqno);
                poll_block();
            }
            continue;
        }

        uint64_t max_sleep;
        atomic_read_relaxed(&CONST_CAST(struct ovl_thread_config *,
                                        t->config)->pmd_max_sleep,
                            &max_sleep);

        size_t n = poll_queues(t, list);
        if (n >= BUSY_PACKETS || !max_sleep) {
            sleep_us = 0;
        } else {
            if (sleep_us) {
                /* Outside any burst: the nap may be a quiescent state. */
                ovsrcu_quiesce_start();
                xnanosleep_no_quiesce(sleep_us * 1000);
                ovsrcu_quiesce_end();
                quiesced = time_usec();
            }
            sleep_us = MIN(sleep_us + SLEEP_STEP_US, max_sleep);
        }

        if (++loops % CLOCK_LOOPS == 0) {
            long long int now = time_usec();

            t->worker.now = now / 1000;
            if (now - quiesced >= QUIESCE_US && !ovsrcu_try_quiesce()) {
                quiesced = now;
            }
        }
    }

    dpdk_detach_thread();
    return NULL;
}

struct ovl_thread *
ovl_thread_create(const struct ovl_thread_config *config,
                  unsigned int core_id, int numa_id, int sender)
{
    struct ovl_thread *t = xzalloc_cacheline(sizeof *t);
    struct ovl_poll_list *list = xzalloc(sizeof *list);

    t->worker.fwd = config->fwd;
    t->worker.shard = ovl_shard_create();
    t->worker.send = thread_send;
    t->worker.heard = thread_heard;
    t->config = config;
    t->core_id = core_id;
    t->numa_id = numa_id;
    t->sender = sender;
    t->wakeup = seq_create();
    t->taken_seq = seq_create();
    ovsrcu_init(&t->list, list);

    if (core_id == OVS_CORE_UNSPEC) {
        t->thread = ovs_thread_create("ovl_io", io_main, t);
    } else {
        char *name = xasprintf("ovl_pmd-c%02u/", core_id);
        t->thread = ovs_thread_create(name, pmd_main, t);
        free(name);
        VLOG_INFO("PMD thread on core %u, NUMA node %d started", core_id,
                  numa_id);
    }
    return t;
}

void
ovl_thread_destroy(struct ovl_thread *t)
{
    if (!t) {
        return;
    }
    atomic_store_explicit(&t->exiting, true, memory_order_release);
    seq_change(t->wakeup);
    ovsrcu_quiesce_start();
    xpthread_join(t->thread, NULL);
    ovsrcu_quiesce_end();
    if (t->core_id != OVS_CORE_UNSPEC) {
        VLOG_INFO("PMD thread on core %u stopped", t->core_id);
    }

    free(ovsrcu_get_protected(struct ovl_poll_list *, &t->list));
    ovl_shard_destroy(t->worker.shard);
    seq_destroy(t->wakeup);
    seq_destroy(t->taken_seq);
    free_cacheline(t);
}

void
ovl_thread_set_rxqs(struct ovl_thread *t, struct ovl_rxq *const *rxqs,
                    size_t n)
{
    struct ovl_poll_list *old = ovsrcu_get_protected(struct ovl_poll_list *,
                                                     &t->list);
    struct ovl_poll_list *list = xmalloc(sizeof *list + n * sizeof *rxqs);

    list->number = old->number + 1;
    list->n = n;
    for (size_t i = 0; i < n; i++) {
        list->rxqs[i] = rxqs[i];
        rxqs[i]->polled_by = t->core_id;
    }
    ovsrcu_set(&t->list, list);
    ovsrcu_postpone(free, old);
    seq_change(t->wakeup);
}

void
ovl_thread_settle(struct ovl_thread *t)
{
    uint64_t number = ovsrcu_get_protected(struct ovl_poll_list *,
                                           &t->list)->number;

    for (;;) {
        uint64_t seqno = seq_read(t->taken_seq);
        uint64_t taken;

        atomic_read_explicit(&t->taken, &taken, memory_order_acquire);
        if (taken == number) {
            break;
        }
        seq_wait(t->taken_seq, seqno);
        poll_block();
    }
}

unsigned int
ovl_thread_core(const struct ovl_thread *t)
{
    return t->core_id;
}

int
ovl_thread_numa(const struct ovl_thread *t)
{
    return t->numa_id;
}

int
ovl_thread_sender(const struct ovl_thread *t)
{
    return t->sender;
}

static void
format_name(const struct ovl_thread *t, struct ds *s)
{
    if (t->core_id == OVS_CORE_UNSPEC) {
        ds_put_cstr(s, "I/O thread (non-PMD ports):\n");
    } else {
        ds_put_format(s, "pmd thread numa_id %d core_id %u:\n", t->numa_id,
                      t->core_id);
    }
}

void
ovl_thread_format_stats(const struct ovl_thread *t_, struct ds *s)
{
    struct ovl_thread *t = CONST_CAST(struct ovl_thread *, t_);
    uint64_t packets, bursts, loops, idle;

    atomic_read_relaxed(&t->n_packets, &packets);
    atomic_read_relaxed(&t->n_bursts, &bursts);
    atomic_read_relaxed(&t->n_loops, &loops);
    atomic_read_relaxed(&t->n_idle, &idle);

    format_name(t, s);
    ds_put_format(s, "  packets received: %"PRIu64"\n", packets);
    ds_put_format(s, "  bursts received: %"PRIu64"\n", bursts);
    ds_put_format(s, "  packets per burst: %.2f\n",
                  bursts ? (double) packets / bursts : 0.0);
    ds_put_format(s, "  iterations: %"PRIu64"\n", loops);
    ds_put_format(s, "  idle iterations: %"PRIu64" (%.1f %%)\n", idle,
                  loops ? 100.0 * idle / loops : 0.0);
}

void
ovl_thread_format_rxqs(const struct ovl_thread *t, struct ds *s)
{
    const struct ovl_poll_list *list
        = ovsrcu_get(struct ovl_poll_list *, &t->list);

    format_name(t, s);
    for (size_t i = 0; i < list->n; i++) {
        const struct ovl_rxq *rxq = list->rxqs[i];

        ds_put_format(s, "  port: %-16s  queue-id: %2d%s%s\n",
                      rxq->port->up.name, netdev_rxq_get_queue_id(rxq->rx),
                      netdev_rxq_enabled(rxq->rx) ? " (enabled)"
                                                  : " (disabled)",
                      rxq->core_id == OVS_CORE_UNSPEC ? "" : " (pinned)");
    }
}
