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

#include "buffer-pool.h"
#include "dp-packet.h"
#include "dpdk.h"
#include "fast-memo.h"
#include "forwarding.h"
#include "numa-memory.h"
#include "offload.h"
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
    size_t bytes;               /* Of its packets. */
    uint64_t marks;             /* Of any of them, see offload.h. */
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
    struct ovl_buffer_pool *buffers;    /* PMD threads only. */
    int sender;
    pthread_t thread;

    OVSRCU_TYPE(struct ovl_poll_list *) list;
    struct seq *wakeup;         /* List or 'exiting' changed. */
    atomic_uint64_t taken;      /* I/O thread: number of the list in use. */
    struct seq *taken_seq;      /* 'taken' changed. */
    atomic_bool exiting;

    uint64_t cycles;            /* When it last looked at that clock. */

    /* Written by the thread, read by anybody. */
    struct ovl_pmd_stats stats;
    struct ovl_usage busy;      /* Iterations with packets. */
    uint64_t dropped_zero;      /* Drops when 'stats' was cleared. */
};

static struct ovl_thread *
thread_cast(struct ovl_worker *worker)
{
    return CONTAINER_OF(worker, struct ovl_thread, worker);
}

static inline void
slot_init(struct ovl_pending *slot)
{
    dp_packet_batch_init(&slot->batch);
    slot->bytes = 0;
    slot->marks = 0;
}

static void
flush_slot(struct ovl_thread *t, struct ovl_pending *slot)
{
    if (!dp_packet_batch_is_empty(&slot->batch)) {
        ovl_pmd_stats_add(&t->stats, OVL_PMD_TX_BURSTS, 1);
        ovl_pmd_stats_add(&t->stats, OVL_PMD_TX_PACKETS,
                          dp_packet_batch_size(&slot->batch));
        ovl_port_send(slot->port, t->sender, t->worker.shard, &slot->batch,
                      slot->bytes, ovl_offload_is_marked(slot->marks));
        slot_init(slot);
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

/* Puts the 'n' packets into 'slot' if they can go into one batch with those
 * that are there: netdev-dpdk takes all for what the first one is, buffers of
 * DPDK, or others that it has to copy.  Returns false if they cannot. */
static inline bool
put(struct ovl_pending *slot, struct dp_packet *const packets[], size_t n)
{
    size_t count = dp_packet_batch_size(&slot->batch);
    enum dp_packet_source source
        = (count ? slot->batch.packets[0] : packets[0])->source;
    uint64_t marks = 0;
    uint32_t differ = 0;
    size_t bytes = 0;

    if (count + n > NETDEV_MAX_BURST) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        differ |= packets[i]->source ^ source;
        marks |= *dp_packet_ol_flags_ptr(packets[i]);
        bytes += dp_packet_size(packets[i]);
    }
    if (differ) {
        return false;
    }
    memcpy(&slot->batch.packets[count], packets, n * sizeof *packets);
    slot->batch.count += n;
    slot->bytes += bytes;
    slot->marks |= marks;
    return true;
}

/* The pipeline's 'send'. */
static void
thread_send(struct ovl_worker *worker, struct ovl_lport *lport,
            struct dp_packet *const packets[], size_t n)
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
            slot_init(slot);
        }
        slot->port = port;
    }
    if (OVS_LIKELY(put(slot, packets, n))) {
        return;
    }
    for (size_t i = 0; i < n; i++) {
        if (!put(slot, &packets[i], 1)) {
            flush_slot(t, slot);
            put(slot, &packets[i], 1);
        }
    }
}

/* The pipeline's 'heard'. */
static void
thread_heard(struct ovl_worker *worker, const struct ovl_heard *heard)
{
    ovl_underlay_heard(thread_cast(worker)->config->underlay, heard);
}

/* The pipeline's 'buffer'. */
static struct dp_packet *
thread_buffer(struct ovl_worker *worker, size_t size)
{
    return ovl_buffer_pool_get(thread_cast(worker)->buffers, size);
}

/* Polls 'rxq' once.  Returns the number of packets. */
static size_t
poll_queue(struct ovl_thread *t, struct ovl_rxq *rxq)
{
    struct dp_packet_batch batch;

    if (ovl_rxq_recv(rxq, t->worker.shard, &batch)) {
        return 0;
    }

    size_t n = dp_packet_batch_size(&batch);
    ovl_pmd_stats_burst(&t->stats, n);
    ovl_pipeline_run(&t->worker, &rxq->port->up, &batch);
    flush(t);
    return n;
}

/* Polls every queue once, and accounts for the iteration; 'sleep' is how many
 * cycles the thread napped after the one before.  Returns the number of
 * packets.
 *
 * The clock is read once for each poll: what a poll took is the time since the
 * poll before. */
static size_t
poll_queues(struct ovl_thread *t, const struct ovl_poll_list *list,
            uint64_t sleep)
{
    uint64_t start = t->cycles;
    size_t n_packets = 0;

    for (size_t i = 0; i < list->n; i++) {
        struct ovl_rxq *rxq = list->rxqs[i];

        if (netdev_rxq_enabled(rxq->rx)) {
            size_t n = poll_queue(t, rxq);
            uint64_t now = ovl_pmd_cycles();

            if (n) {
                ovl_usage_add(&rxq->usage, now - t->cycles);
                n_packets += n;
            }
            t->cycles = now;
        }
    }
    if (n_packets) {
        ovl_usage_add(&t->busy, t->cycles - start);
    }
    ovl_pmd_stats_iteration(&t->stats, n_packets, t->cycles - start, sleep);
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
    uint64_t sleep = 0;

    ovl_numa_unshare_thread();
    t->cycles = ovl_pmd_cycles();
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
        if (poll_queues(t, list, sleep)) {
            ovsrcu_quiesce();
            sleep = 0;
        } else {
            for (size_t i = 0; i < list->n; i++) {
                netdev_rxq_wait(list->rxqs[i]->rx);
            }
            seq_wait(t->wakeup, seqno);
            poll_block();

            uint64_t now = ovl_pmd_cycles();
            sleep = now - t->cycles;
            t->cycles = now;
        }
    }
    return NULL;
}

static void *
pmd_main(void *t_)
{
    struct ovl_thread *t = t_;
    uint64_t sleep_us = 0;
    uint64_t slept = 0;
    unsigned int loops = 0;
    long long int quiesced = time_usec();

    ovs_numa_thread_setaffinity_core(t->core_id);
    ovl_numa_unshare_thread();
    dpdk_attach_thread(t->core_id);
    set_timer_resolution(1000);
    t->cycles = ovl_pmd_cycles();

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
            t->cycles = ovl_pmd_cycles();
            continue;
        }

        uint64_t max_sleep;
        atomic_read_relaxed(&CONST_CAST(struct ovl_thread_config *,
                                        t->config)->pmd_max_sleep,
                            &max_sleep);

        size_t n = poll_queues(t, list, slept);
        slept = 0;
        if (n >= BUSY_PACKETS || !max_sleep) {
            sleep_us = 0;
        } else {
            if (sleep_us) {
                /* Outside any burst: the nap may be a quiescent state. */
                ovsrcu_quiesce_start();
                xnanosleep_no_quiesce(sleep_us * 1000);
                ovsrcu_quiesce_end();
                quiesced = time_usec();

                uint64_t now = ovl_pmd_cycles();
                slept = now - t->cycles;
                t->cycles = now;
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
    struct ovl_thread *t = ovl_numa_alloc(sizeof *t, numa_id);
    struct ovl_poll_list *list = xzalloc(sizeof *list);

    t->worker.fwd = config->fwd;
    t->worker.shard = ovl_shard_create_on(numa_id);
    t->worker.memo = ovl_memo_create(numa_id);
    t->worker.send = thread_send;
    t->worker.heard = thread_heard;
    t->config = config;
    t->core_id = core_id;
    t->numa_id = numa_id;
    t->sender = sender;
    t->wakeup = seq_create();
    t->taken_seq = seq_create();
    ovl_pmd_stats_init(&t->stats);
    ovsrcu_init(&t->list, list);

    if (core_id == OVS_CORE_UNSPEC) {
        t->thread = ovs_thread_create("ovl_io", io_main, t);
    } else {
        t->buffers = ovl_buffer_pool_of(numa_id);
        t->worker.buffer = thread_buffer;

        /* OVS knows threads that poll by the beginning of their names. */
        char *name = xasprintf("pmd-c%02u/ovl", core_id);
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
    ovl_memo_destroy(t->worker.memo);
    seq_destroy(t->wakeup);
    seq_destroy(t->taken_seq);
    ovl_numa_free(t, sizeof *t);
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

static uint64_t
dropped(const struct ovl_thread *t)
{
    return ovl_shard_read(t->worker.shard, OVL_TOTAL_DROPPED)
           - t->dropped_zero;
}

void
ovl_thread_clear_stats(struct ovl_thread *t)
{
    t->dropped_zero = ovl_shard_read(t->worker.shard, OVL_TOTAL_DROPPED);
    ovl_pmd_stats_clear(&t->stats);
}

void
ovl_thread_format_stats(const struct ovl_thread *t, struct ds *s)
{
    struct ovl_pmd_values values;

    ovl_pmd_stats_read(&t->stats, &values);
    format_name(t, s);
    ovl_pmd_values_format(&values, dropped(t), s);
}

void
ovl_thread_format_perf(const struct ovl_thread *t, bool histograms,
                       struct ds *s)
{
    struct ovl_pmd_values values;

    ovl_pmd_stats_read(&t->stats, &values);
    ds_put_char(s, '\n');
    format_name(t, s);
    ovl_pmd_values_format_perf(&values, dropped(t), histograms, s);
}

void
ovl_thread_sample(struct ovl_thread *t, unsigned int sample)
{
    ovl_usage_sample(&t->busy, sample);
}

void
ovl_thread_format_rxqs(const struct ovl_thread *t, unsigned int sample,
                       uint64_t cycles, struct ds *s)
{
    const struct ovl_poll_list *list
        = ovsrcu_get(struct ovl_poll_list *, &t->list);
    uint64_t busy = ovl_usage_since(&t->busy, sample);
    bool isolated = false;
    uint64_t sum = 0;

    for (size_t i = 0; i < list->n; i++) {
        isolated |= list->rxqs[i]->isolates;
    }
    format_name(t, s);
    ds_put_format(s, "  isolated : %s\n", isolated ? "true" : "false");
    for (size_t i = 0; i < list->n; i++) {
        const struct ovl_rxq *rxq = list->rxqs[i];
        uint64_t used = ovl_usage_since(&rxq->usage, sample);

        sum += used;
        ds_put_format(s, "  port: %-16s  queue-id: %2d %s  pmd usage: %2"
                      PRIu64" %%%s\n",
                      rxq->port->up.name, netdev_rxq_get_queue_id(rxq->rx),
                      netdev_rxq_enabled(rxq->rx) ? "(enabled) "
                                                  : "(disabled)",
                      MIN(100, used * 100 / cycles),
                      rxq->core_id == OVS_CORE_UNSPEC ? "" : "  (pinned)");
    }
    if (list->n) {
        ds_put_format(s, "  overhead: %2"PRIu64" %%\n",
                      MIN(100, (busy - MIN(busy, sum)) * 100 / cycles));
    }
}
