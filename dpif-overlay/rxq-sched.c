/* SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

#include "rxq-sched.h"

#include "buffer-pool.h"
#include "numa-memory.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/vlog.h"
#include "overlay-port.h"
#include "ovs-numa.h"
#include "ovs-rcu.h"
#include "pmd-stats.h"
#include "pmd.h"
#include "rxq-assign.h"
#include "smap.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(overlay_rxq_sched);

/* Numbers that threads send under, after OVL_SENDER_CONTROL. */
enum {
    SENDER_IO = OVL_SENDER_CONTROL + 1,
    SENDER_FIRST_PMD
};

struct ovl_rxq_sched {
    const struct ovl_thread_config *config;
    struct ovl_thread *io;
    struct ovl_thread **pmds;
    size_t n_pmds;
    int n_senders;              /* What all ports were told. */
    char *pmd_cpu_mask;         /* May be null. */
    char *pmd_rxq_assign;       /* Likewise. */
    bool auto_lb;               /* Asked for, in vain. */
    struct ovl_assign_how how;  /* 'anew' until the next run. */

    /* Cycles that queues and threads had used at earlier times. */
    uint64_t sampled[OVL_PMD_N_SAMPLES];        /* When. */
    unsigned int n_samples;     /* So far. */
    uint64_t created;           /* What counts as one before the first. */
};

/* A list of queues in the making. */
struct poll_list {
    struct ovl_rxq **rxqs;
    size_t n, allocated;
};

struct ovl_rxq_sched *
ovl_rxq_sched_create(const struct ovl_thread_config *config)
{
    struct ovl_rxq_sched *sched = xzalloc(sizeof *sched);

    sched->config = config;
    sched->n_senders = SENDER_FIRST_PMD;
    sched->how = (struct ovl_assign_how) {
        .anew = true, .isolate = true, .by_cycles = true,
    };
    sched->created = ovl_pmd_cycles();
    return sched;
}

void
ovl_rxq_sched_destroy(struct ovl_rxq_sched *sched)
{
    if (sched->io) {
        ovl_thread_destroy(sched->io);
    }
    for (size_t i = 0; i < sched->n_pmds; i++) {
        ovl_thread_destroy(sched->pmds[i]);
    }
    free(sched->pmds);
    free(sched->pmd_cpu_mask);
    free(sched->pmd_rxq_assign);
    free(sched);
}

void
ovl_rxq_sched_start(struct ovl_rxq_sched *sched)
{
    sched->io = ovl_thread_create(sched->config, OVS_CORE_UNSPEC,
                                  OVS_NUMA_UNSPEC, SENDER_IO);
}

/* Says what of 'other_config' is not as whoever wrote it wants. */
static void
check_config(struct ovl_rxq_sched *sched, const struct smap *other_config)
{
    static const char *const known[] = { "cycles", "group", "roundrobin" };
    const char *assign = smap_get(other_config, "pmd-rxq-assign");
    bool auto_lb = smap_get_bool(other_config, "pmd-auto-lb", false);

    if (!nullable_string_is_equal(assign, sched->pmd_rxq_assign)) {
        bool found = !assign;

        for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
            found |= assign && !strcmp(assign, known[i]);
        }
        if (!found) {
            VLOG_WARN("Open_vSwitch other_config:pmd-rxq-assign=%s is neither "
                      "cycles nor group nor roundrobin: queues are assigned "
                      "by cycles", assign);
        }
        free(sched->pmd_rxq_assign);
        sched->pmd_rxq_assign = nullable_xstrdup(assign);
    }
    if (auto_lb && !sched->auto_lb) {
        VLOG_WARN("Open_vSwitch other_config:pmd-auto-lb: queues of an "
                  "overlay bridge move on demand, by \"ovs-appctl "
                  "dpif-overlay/pmd-rxq-rebalance\"");
    }
    sched->auto_lb = auto_lb;
}

bool
ovl_rxq_sched_set_config(struct ovl_rxq_sched *sched,
                         const struct smap *other_config)
{
    const char *mask = smap_get(other_config, "pmd-cpu-mask");
    bool isolate = smap_get_bool(other_config, "pmd-rxq-isolate", true);
    bool by_cycles = strcmp(smap_get_def(other_config, "pmd-rxq-assign",
                                         "cycles"), "roundrobin");

    check_config(sched, other_config);
    if (nullable_string_is_equal(mask, sched->pmd_cpu_mask)
        && isolate == sched->how.isolate
        && by_cycles == sched->how.by_cycles) {
        return false;
    }
    free(sched->pmd_cpu_mask);
    sched->pmd_cpu_mask = nullable_xstrdup(mask);
    sched->how.isolate = isolate;
    sched->how.by_cycles = by_cycles;
    sched->how.anew = true;
    return true;
}

void
ovl_rxq_sched_settle(struct ovl_rxq_sched *sched)
{
    if (sched->io) {
        ovl_thread_settle(sched->io);
    }
    ovsrcu_synchronize();
}

static void
poll_list_add(struct poll_list *list, struct ovl_rxq *rxq)
{
    if (list->n >= list->allocated) {
        list->rxqs = x2nrealloc(list->rxqs, &list->allocated,
                                sizeof *list->rxqs);
    }
    list->rxqs[list->n++] = rxq;
}

/* The cores that PMD threads should run on: those of 'pmd-cpu-mask', or one
 * of each NUMA node; none without a PMD port. */
static struct ovs_numa_dump *
pmd_cores(const struct ovl_rxq_sched *sched, bool any_pmd_port)
{
    if (!any_pmd_port) {
        return ovs_numa_dump_n_cores_per_numa(0);
    } else if (sched->pmd_cpu_mask && sched->pmd_cpu_mask[0]) {
        return ovs_numa_dump_cores_with_cmask(sched->pmd_cpu_mask);
    } else {
        return ovs_numa_dump_n_cores_per_numa(1);
    }
}

/* With the PMD threads that a first PMD port will start: its device need not
 * be configured twice. */
int
ovl_rxq_sched_n_senders(const struct ovl_rxq_sched *sched)
{
    struct ovs_numa_dump *cores = pmd_cores(sched, true);
    int n_senders = SENDER_FIRST_PMD;

    if (cores) {
        n_senders += ovs_numa_dump_count(cores);
        ovs_numa_dump_destroy(cores);
    }
    return MAX(n_senders, sched->n_senders);
}

/* Lowest sender number that no PMD thread has. */
static int
free_sender(const struct ovl_rxq_sched *sched)
{
    for (int sender = SENDER_FIRST_PMD; ; sender++) {
        bool used = false;

        for (size_t i = 0; i < sched->n_pmds; i++) {
            used |= ovl_thread_sender(sched->pmds[i]) == sender;
        }
        if (!used) {
            return sender;
        }
    }
}

static int
compare_cores(const void *a_, const void *b_)
{
    struct ovl_thread *const *a = a_;
    struct ovl_thread *const *b = b_;
    unsigned int core_a = ovl_thread_core(*a), core_b = ovl_thread_core(*b);

    return core_a < core_b ? -1 : core_a > core_b;
}

/* Stops the PMD threads that are not in 'cores' and starts those that are
 * missing.  A thread that stops may still have a queue on its list. */
static void
adjust_pmds(struct ovl_rxq_sched *sched, const struct ovs_numa_dump *cores)
{
    struct ovs_numa_info_core *core;
    size_t n = 0;

    for (size_t i = 0; i < sched->n_pmds; i++) {
        struct ovl_thread *pmd = sched->pmds[i];

        if (ovs_numa_dump_contains_core(cores, ovl_thread_numa(pmd),
                                        ovl_thread_core(pmd))) {
            sched->pmds[n++] = pmd;
        } else {
            ovl_thread_destroy(pmd);
            sched->how.anew = true;
        }
    }
    sched->n_pmds = n;

    FOR_EACH_CORE_ON_DUMP (core, cores) {
        bool found = false;

        for (size_t i = 0; i < sched->n_pmds; i++) {
            found |= ovl_thread_core(sched->pmds[i]) == core->core_id;
        }
        if (!found) {
            sched->pmds = xrealloc(sched->pmds, (sched->n_pmds + 1)
                                                * sizeof *sched->pmds);
            sched->pmds[sched->n_pmds] = ovl_thread_create(
                sched->config, core->core_id, core->numa_id,
                free_sender(sched));
            sched->n_pmds++;
            sched->how.anew = true;
        }
    }
    if (sched->n_pmds) {
        qsort(sched->pmds, sched->n_pmds, sizeof *sched->pmds, compare_cores);
    }
}

/* Says on which NUMA nodes the PMD threads are. */
static void
spread_tables(const struct ovl_rxq_sched *sched)
{
    int *nodes = xmalloc(MAX(1, sched->n_pmds) * sizeof *nodes);

    for (size_t i = 0; i < sched->n_pmds; i++) {
        nodes[i] = ovl_thread_numa(sched->pmds[i]);
    }
    ovl_numa_set_readers(nodes, sched->n_pmds);
    free(nodes);
}

/* Has the PMD threads have buffers for packets that they make of those that the
 * PMD ports among 'lports' receive. */
static void
prepare_buffers(const struct ovl_rxq_sched *sched,
                struct ovl_lport *const *lports, size_t n)
{
    int mtu = 0;

    for (size_t i = 0; i < n; i++) {
        if (ovl_port_cast(lports[i])->is_pmd) {
            mtu = MAX(mtu, ovl_lport_mtu(lports[i]));
        }
    }
    for (size_t i = 0; mtu && i < sched->n_pmds; i++) {
        ovl_buffer_pool_prepare(
            ovl_buffer_pool_of(ovl_thread_numa(sched->pmds[i])), mtu);
    }
}

/* Tells all ports how many threads may send, if that has changed, and returns
 * true then.  Done before a new thread has anything to send. */
static bool
adjust_senders(struct ovl_rxq_sched *sched, struct ovl_lport *const *lports,
               size_t n)
{
    int n_senders = SENDER_FIRST_PMD;

    for (size_t i = 0; i < sched->n_pmds; i++) {
        n_senders = MAX(n_senders, ovl_thread_sender(sched->pmds[i]) + 1);
    }
    if (n_senders == sched->n_senders) {
        return false;
    }
    sched->n_senders = n_senders;
    for (size_t i = 0; i < n; i++) {
        ovl_port_set_senders(ovl_port_cast(lports[i]), n_senders);
    }
    ovsrcu_synchronize();
    return true;
}

/* Has the I/O thread poll all queues of ports that are no PMD ports. */
static void
assign_to_io(struct ovl_rxq_sched *sched, struct ovl_lport *const *lports,
             size_t n)
{
    struct poll_list list = { .rxqs = NULL };

    for (size_t i = 0; i < n; i++) {
        struct ovl_port *port = ovl_port_cast(lports[i]);

        for (int j = 0; !port->is_pmd && j < port->n_rxq; j++) {
            poll_list_add(&list, &port->rxqs[j]);
        }
    }
    if (sched->io) {
        ovl_thread_set_rxqs(sched->io, list.rxqs, list.n);
    }
    free(list.rxqs);
}

/* Stores all queues of PMD ports. */
static void
collect_pmd_rxqs(struct ovl_lport *const *lports, size_t n,
                 struct poll_list *all)
{
    for (size_t i = 0; i < n; i++) {
        struct ovl_port *port = ovl_port_cast(lports[i]);

        for (int j = 0; port->is_pmd && j < port->n_rxq; j++) {
            poll_list_add(all, &port->rxqs[j]);
        }
    }
}

/* The latest sample that is at least 'intervals' intervals old, or the oldest
 * that there is; 'cycles' gets its age.  Sample OVL_PMD_N_SAMPLES is the time
 * before all. */
static unsigned int
choose_sample(const struct ovl_rxq_sched *sched, unsigned int intervals,
              uint64_t *cycles)
{
    unsigned int kept = MIN(sched->n_samples, OVL_PMD_N_SAMPLES);
    unsigned int sample = OVL_PMD_N_SAMPLES;
    uint64_t since = sched->created;

    if (kept && (intervals <= kept || kept == OVL_PMD_N_SAMPLES)) {
        sample = (sched->n_samples - MIN(intervals, kept))
                 % OVL_PMD_N_SAMPLES;
        since = sched->sampled[sample];
    }
    *cycles = MAX(1, ovl_pmd_cycles() - since);
    return sample;
}

void
ovl_rxq_sched_sample(struct ovl_rxq_sched *sched,
                     struct ovl_lport *const *lports, size_t n)
{
    unsigned int sample = sched->n_samples++ % OVL_PMD_N_SAMPLES;

    sched->sampled[sample] = ovl_pmd_cycles();
    for (size_t i = 0; i < n; i++) {
        struct ovl_port *port = ovl_port_cast(lports[i]);

        for (int j = 0; j < port->n_rxq; j++) {
            ovl_usage_sample(&port->rxqs[j].usage, sample);
        }
    }
    if (sched->io) {
        ovl_thread_sample(sched->io, sample);
    }
    for (size_t i = 0; i < sched->n_pmds; i++) {
        ovl_thread_sample(sched->pmds[i], sample);
    }
}

/* Asks ovl_rxq_assign() about the queues of 'all'. */
static void
decide(struct ovl_rxq_sched *sched, const struct poll_list *all,
       struct ovl_assign_thread *threads, struct ovl_assign_rxq *rxqs)
{
    uint64_t age;
    unsigned int sample = choose_sample(sched, OVL_PMD_N_SAMPLES, &age);

    for (size_t i = 0; i < sched->n_pmds; i++) {
        threads[i] = (struct ovl_assign_thread) {
            .core_id = ovl_thread_core(sched->pmds[i]),
            .numa_id = ovl_thread_numa(sched->pmds[i]),
        };
    }
    for (size_t i = 0; i < all->n; i++) {
        const struct ovl_rxq *rxq = all->rxqs[i];

        rxqs[i] = (struct ovl_assign_rxq) {
            .numa_id = netdev_get_numa_id(rxq->port->netdev),
            .pinned = rxq->core_id,
            .polled_by = rxq->polled_by,
            .cycles = ovl_usage_since(&rxq->usage, sample),
        };
    }
    ovl_rxq_assign(threads, sched->n_pmds, rxqs, all->n, &sched->how);
    sched->how.anew = false;
}

/* Has PMD thread 'pmd' poll the queues that are its own, or only those that it
 * polls already. */
static void
set_rxqs(struct ovl_rxq_sched *sched, size_t pmd, const struct poll_list *all,
         const struct ovl_assign_rxq *rxqs, bool only_old)
{
    struct ovl_thread *thread = sched->pmds[pmd];
    struct poll_list list = { .rxqs = NULL };

    for (size_t i = 0; i < all->n; i++) {
        if (rxqs[i].thread == pmd
            && (!only_old || rxqs[i].polled_by == ovl_thread_core(thread))) {
            poll_list_add(&list, all->rxqs[i]);
        }
    }
    ovl_thread_set_rxqs(thread, list.rxqs, list.n);
    free(list.rxqs);
}

/* Has the PMD threads poll all queues of PMD ports.  Returns how many queues
 * have moved from one thread to another; 's', if not null, says which. */
static size_t
assign_to_pmds(struct ovl_rxq_sched *sched, struct ovl_lport *const *lports,
               size_t n, struct ds *s)
{
    struct poll_list all = { .rxqs = NULL };
    size_t n_moved = 0;

    collect_pmd_rxqs(lports, n, &all);

    struct ovl_assign_thread *threads = xcalloc(MAX(1, sched->n_pmds),
                                                sizeof *threads);
    struct ovl_assign_rxq *rxqs = xcalloc(MAX(1, all.n), sizeof *rxqs);
    decide(sched, &all, threads, rxqs);

    for (size_t i = 0; i < all.n; i++) {
        struct ovl_rxq *rxq = all.rxqs[i];
        unsigned int core = (rxqs[i].thread == OVL_ASSIGN_NONE
                             ? OVS_CORE_UNSPEC
                             : threads[rxqs[i].thread].core_id);

        rxq->note = rxqs[i].note;
        rxq->isolates = (core == rxq->core_id && core != OVS_CORE_UNSPEC
                         && sched->how.isolate);
        if (rxq->polled_by != OVS_CORE_UNSPEC && rxq->polled_by != core) {
            n_moved++;
            if (s) {
                ds_put_format(s, "  port: %-16s  queue-id: %2d  core_id %u "
                              "-> ", rxq->port->up.name,
                              netdev_rxq_get_queue_id(rxq->rx),
                              rxq->polled_by);
                if (core == OVS_CORE_UNSPEC) {
                    ds_put_cstr(s, "none\n");
                } else {
                    ds_put_format(s, "%u\n", core);
                }
            }
        }
    }
    if (n_moved) {
        /* Nobody polls those for a grace period. */
        for (size_t i = 0; i < sched->n_pmds; i++) {
            set_rxqs(sched, i, &all, rxqs, true);
        }
        ovsrcu_synchronize();
    }
    for (size_t i = 0; i < all.n; i++) {
        all.rxqs[i]->polled_by = OVS_CORE_UNSPEC;
    }
    for (size_t i = 0; i < sched->n_pmds; i++) {
        set_rxqs(sched, i, &all, rxqs, false);
    }
    free(rxqs);
    free(threads);
    free(all.rxqs);
    return n_moved;
}

bool
ovl_rxq_sched_run(struct ovl_rxq_sched *sched,
                  struct ovl_lport *const *lports, size_t n)
{
    bool any_pmd_port = false;

    assign_to_io(sched, lports, n);

    for (size_t i = 0; i < n; i++) {
        any_pmd_port |= ovl_port_cast(lports[i])->is_pmd;
    }
    struct ovs_numa_dump *cores = pmd_cores(sched, any_pmd_port);
    if (cores) {
        adjust_pmds(sched, cores);
        spread_tables(sched);
        prepare_buffers(sched, lports, n);
        ovs_numa_dump_destroy(cores);
    }

    bool senders_changed = adjust_senders(sched, lports, n);
    assign_to_pmds(sched, lports, n, NULL);
    return senders_changed;
}

void
ovl_rxq_sched_rebalance(struct ovl_rxq_sched *sched,
                        struct ovl_lport *const *lports, size_t n,
                        struct ds *s)
{
    struct ds moves = DS_EMPTY_INITIALIZER;

    prepare_buffers(sched, lports, n);
    sched->how.anew = true;
    size_t n_moved = assign_to_pmds(sched, lports, n, &moves);
    ds_put_format(s, "pmd rxq rebalance: %"PRIuSIZE" queues moved\n%s",
                  n_moved, ds_cstr(&moves));
    VLOG_INFO("rebalanced receive queues: %"PRIuSIZE" moved", n_moved);
    ds_destroy(&moves);
}

/* Calls 'cb' for the I/O thread and all PMD threads, or, if 'core' is not
 * OVS_CORE_UNSPEC, the PMD thread of that core. */
static void
for_each_thread(const struct ovl_rxq_sched *sched, unsigned int core,
                void (*cb)(struct ovl_thread *, void *aux), void *aux)
{
    if (sched->io && core == OVS_CORE_UNSPEC) {
        cb(sched->io, aux);
    }
    for (size_t i = 0; i < sched->n_pmds; i++) {
        if (core == OVS_CORE_UNSPEC
            || core == ovl_thread_core(sched->pmds[i])) {
            cb(sched->pmds[i], aux);
        }
    }
}

static void
format_stats(struct ovl_thread *thread, void *s)
{
    ovl_thread_format_stats(thread, s);
}

static void
format_perf(struct ovl_thread *thread, void *s)
{
    ovl_thread_format_perf(thread, true, s);
}

static void
format_perf_brief(struct ovl_thread *thread, void *s)
{
    ovl_thread_format_perf(thread, false, s);
}

static void
clear_stats(struct ovl_thread *thread, void *s OVS_UNUSED)
{
    ovl_thread_clear_stats(thread);
}

struct rxqs_since {
    struct ds *s;
    unsigned int sample;
    uint64_t cycles;
};

static void
format_rxqs(struct ovl_thread *thread, void *since_)
{
    const struct rxqs_since *since = since_;

    ovl_thread_format_rxqs(thread, since->sample, since->cycles, since->s);
}

/* True if a PMD thread runs on 'core', or any core will do. */
static bool
has_core(const struct ovl_rxq_sched *sched, unsigned int core)
{
    for (size_t i = 0; i < sched->n_pmds; i++) {
        if (core == ovl_thread_core(sched->pmds[i])) {
            return true;
        }
    }
    return core == OVS_CORE_UNSPEC;
}

bool
ovl_rxq_sched_show(const struct ovl_rxq_sched *sched,
                   const struct ovl_pmd_query *query, struct ds *s)
{
    if (!has_core(sched, query->core_id)) {
        return false;
    }
    switch (query->what) {
    case OVL_PMD_SHOW_STATS:
        for_each_thread(sched, query->core_id, format_stats, s);
        break;

    case OVL_PMD_SHOW_PERF:
        for_each_thread(sched, query->core_id,
                        query->brief ? format_perf_brief : format_perf, s);
        break;

    case OVL_PMD_CLEAR_STATS:
        for_each_thread(sched, query->core_id, clear_stats, s);
        break;

    case OVL_PMD_SHOW_RXQS: {
        unsigned int max = OVL_PMD_N_SAMPLES * OVL_RXQ_SAMPLE_SECS;
        unsigned int secs = (query->secs && query->secs < max
                             ? ROUND_UP(query->secs, OVL_RXQ_SAMPLE_SECS)
                             : max);
        struct rxqs_since since = { .s = s };

        since.sample = choose_sample(sched, secs / OVL_RXQ_SAMPLE_SECS,
                                     &since.cycles);
        ds_put_format(s, "Displaying last %u seconds pmd usage %%\n", secs);
        for_each_thread(sched, query->core_id, format_rxqs, &since);
        break;
    }
    }
    return true;
}
