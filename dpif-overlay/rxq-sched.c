/* SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

#include "rxq-sched.h"

#include "openvswitch/vlog.h"
#include "overlay-port.h"
#include "ovs-numa.h"
#include "ovs-rcu.h"
#include "pmd.h"
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
    free(sched);
}

void
ovl_rxq_sched_start(struct ovl_rxq_sched *sched)
{
    sched->io = ovl_thread_create(sched->config, OVS_CORE_UNSPEC,
                                  OVS_NUMA_UNSPEC, SENDER_IO);
}

bool
ovl_rxq_sched_set_cpu_mask(struct ovl_rxq_sched *sched, const char *mask)
{
    if (nullable_string_is_equal(mask, sched->pmd_cpu_mask)) {
        return false;
    }
    free(sched->pmd_cpu_mask);
    sched->pmd_cpu_mask = nullable_xstrdup(mask);
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

int
ovl_rxq_sched_n_senders(const struct ovl_rxq_sched *sched)
{
    return sched->n_senders;
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
        }
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

/* The PMD thread for 'rxq' while those that there are have 'lists' so far, or
 * SIZE_MAX if there is none. */
static size_t
choose_pmd(const struct ovl_rxq_sched *sched, const struct ovl_rxq *rxq,
           const struct poll_list *lists)
{
    int numa_id = netdev_get_numa_id(rxq->port->netdev);
    size_t best = SIZE_MAX;
    bool best_local = false;

    for (size_t i = 0; i < sched->n_pmds; i++) {
        bool local = (numa_id == OVS_NUMA_UNSPEC
                      || ovl_thread_numa(sched->pmds[i]) == numa_id);

        if (ovl_thread_core(sched->pmds[i]) == rxq->core_id) {
            return i;
        }
        if (best == SIZE_MAX || (local && !best_local)
            || (local == best_local && lists[i].n < lists[best].n)) {
            best = i;
            best_local = local;
        }
    }
    return best;
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

/* Has the PMD threads poll all queues of PMD ports. */
static void
assign_to_pmds(struct ovl_rxq_sched *sched, struct ovl_lport *const *lports,
               size_t n)
{
    struct poll_list *lists = xcalloc(MAX(1, sched->n_pmds), sizeof *lists);
    bool moved = false;

    for (size_t i = 0; i < n; i++) {
        struct ovl_port *port = ovl_port_cast(lports[i]);

        for (int j = 0; port->is_pmd && j < port->n_rxq; j++) {
            struct ovl_rxq *rxq = &port->rxqs[j];
            size_t pmd = choose_pmd(sched, rxq, lists);

            if (pmd != SIZE_MAX) {
                moved |= (rxq->polled_by != OVS_CORE_UNSPEC
                          && rxq->polled_by
                             != ovl_thread_core(sched->pmds[pmd]));
                poll_list_add(&lists[pmd], rxq);
            }
        }
    }
    if (moved) {
        for (size_t i = 0; i < sched->n_pmds; i++) {
            ovl_thread_set_rxqs(sched->pmds[i], NULL, 0);
        }
        ovsrcu_synchronize();
    }
    for (size_t i = 0; i < sched->n_pmds; i++) {
        ovl_thread_set_rxqs(sched->pmds[i], lists[i].rxqs, lists[i].n);
        free(lists[i].rxqs);
    }
    free(lists);
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
        ovs_numa_dump_destroy(cores);
    }
    if (any_pmd_port && !sched->n_pmds) {
        VLOG_ERR("no PMD thread: pmd-cpu-mask \"%s\" names no usable core, "
                 "ports that need one are not polled; set "
                 "Open_vSwitch other_config:pmd-cpu-mask",
                 sched->pmd_cpu_mask ? sched->pmd_cpu_mask : "");
    }

    bool senders_changed = adjust_senders(sched, lports, n);
    assign_to_pmds(sched, lports, n);
    return senders_changed;
}

void
ovl_rxq_sched_format_stats(const struct ovl_rxq_sched *sched, struct ds *s)
{
    if (sched->io) {
        ovl_thread_format_stats(sched->io, s);
    }
    for (size_t i = 0; i < sched->n_pmds; i++) {
        ovl_thread_format_stats(sched->pmds[i], s);
    }
}

void
ovl_rxq_sched_format_rxqs(const struct ovl_rxq_sched *sched, struct ds *s)
{
    if (sched->io) {
        ovl_thread_format_rxqs(sched->io, s);
    }
    for (size_t i = 0; i < sched->n_pmds; i++) {
        ovl_thread_format_rxqs(sched->pmds[i], s);
    }
}
