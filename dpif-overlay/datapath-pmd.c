/* SPDX-License-Identifier: Apache-2.0 */

/* What operators want to know from packet threads and queues, and to tell
 * them: configuration, commands, faults of ports. */

#include <config.h>

#include "datapath-private.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "connectivity.h"
#include "datapath.h"
#include "netdev.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/vlog.h"
#include "overlay-port.h"
#include "ovs-numa.h"
#include "rxq-sched.h"
#include "seq.h"
#include "smap.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(overlay_datapath_pmd);

/* A fault is logged when it has been there for this long: while a transaction
 * is configured, ports and threads do not fit for a moment. */
#define LOG_FAULTS_MS 100

void
ovl_datapath_set_config(struct ovl_datapath *dp,
                        const struct smap *other_config)
{
    long long int us = 0;
    uint64_t max_sleep, old;

    /* smap_get_ullong() takes -1 for a lot. */
    if (!str_to_llong(smap_get_def(other_config, "pmd-maxsleep", "0"), 10, &us)
        || us < 0) {
        us = 0;
    }
    max_sleep = MIN(us, OVL_PMD_MAX_SLEEP_US);
    atomic_read_relaxed(&dp->thread_config.pmd_max_sleep, &old);
    if (max_sleep != old) {
        atomic_store_relaxed(&dp->thread_config.pmd_max_sleep, max_sleep);
        VLOG_INFO("PMD threads sleep up to %"PRIu64" us", max_sleep);
    }

    ovl_dp_lock_config(dp);
    if (ovl_rxq_sched_set_config(dp->sched, other_config)) {
        ovl_dp_assign_queues(dp);
    }
    ovl_dp_unlock_config(dp);
}

bool
ovl_datapath_pmd_show(struct ovl_datapath *dp,
                      const struct ovl_pmd_query *query, struct ds *s)
{
    ovl_dp_lock_config(dp);
    bool found = ovl_rxq_sched_show(dp->sched, query, s);
    ovl_dp_unlock_config(dp);
    return found;
}

void
ovl_datapath_rebalance(struct ovl_datapath *dp, struct ds *s)
{
    struct ovl_lport **lports;
    size_t n;

    ovl_dp_lock_config(dp);
    ovl_datapath_ports(dp, &lports, &n);
    ovl_rxq_sched_rebalance(dp->sched, lports, n, s);
    for (size_t i = 0; i < n; i++) {
        ovl_lport_unref(lports[i]);
    }
    free(lports);
    ovl_dp_refresh_faults(dp);
    ovl_dp_unlock_config(dp);
}

/* Faults. */

/* Appends what is wrong with queue 'i' of 'port', if anything, and what to do
 * about it. */
static void
describe_rxq(const struct ovl_port *port, int i, struct ds *s)
{
    const struct ovl_rxq *rxq = &port->rxqs[i];

    switch (rxq->note) {
    case OVL_ASSIGN_FINE:
        return;

    case OVL_ASSIGN_NO_CORE:
        ds_put_format(s, "%squeue %d is pinned by other_config:"
                      "pmd-rxq-affinity to core %u, where no PMD thread runs: "
                      "core %u polls it; add core %u to Open_vSwitch "
                      "other_config:pmd-cpu-mask or mend the affinity",
                      s->length ? "; " : "", i, rxq->core_id, rxq->polled_by,
                      rxq->core_id);
        return;

    case OVL_ASSIGN_INTRUDER:
        ds_put_format(s, "%squeue %d finds no PMD thread without pinned "
                      "queues: core %u polls it, too; add a core to "
                      "Open_vSwitch other_config:pmd-cpu-mask or set "
                      "other_config:pmd-rxq-isolate=false",
                      s->length ? "; " : "", i, rxq->polled_by);
        return;

    case OVL_ASSIGN_NO_THREAD:
        /* Of no queue, then: say so once. */
        if (!i) {
            ds_put_format(s, "no PMD thread polls it: pmd-cpu-mask names no "
                          "usable core; set Open_vSwitch "
                          "other_config:pmd-cpu-mask to a mask of cores that "
                          "there are, such as 0x1, or remove it");
        }
        return;
    }
}

static char *
describe_port(const struct ovl_port *port)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    if (port->error) {
        ds_put_format(&s, "out of service: its device cannot be configured "
                      "(%s); mend its options", ovs_strerror(port->error));
        if (port->mtu_request) {
            ds_put_format(&s, " or mtu_request=%"PRId64, port->mtu_request);
        }
        ds_put_cstr(&s, ", or free memory or devices, and delete and add the "
                    "port");
        if (port->error == ENOMEM || port->error == ENOBUFS) {
            ds_put_cstr(&s, "; packet buffers need huge pages: raise "
                        "vm.nr_hugepages or dpdk-socket-mem, or lower the "
                        "MTU");
        }
    }
    if (port->mtu_error) {
        ds_put_format(&s, "%sits device refuses mtu_request=%"PRId64" (%s) "
                      "and has the MTU that Interface:mtu says: set one that "
                      "it can have, or clear Interface mtu_request",
                      s.length ? "; " : "", port->mtu_request,
                      ovs_strerror(port->mtu_error));
    }
    if (port->bad_affinity) {
        ds_put_format(&s, "%sother_config:pmd-rxq-affinity is not a list of "
                      "QUEUE:CORE, such as 0:1,1:2", s.length ? "; " : "");
    }
    for (int i = 0; port->is_pmd && i < port->n_rxq; i++) {
        describe_rxq(port, i, &s);
    }
    if (!s.length) {
        ds_destroy(&s);
        return NULL;
    }
    return ds_steal_cstr(&s);
}

/* Works out again what is wrong with 'port'. */
static void
refresh_fault(struct ovl_datapath *dp, struct ovl_port *port)
    OVS_REQUIRES(dp->config_mutex)
{
    char *fault = describe_port(port);

    if (!nullable_string_is_equal(fault, port->fault)) {
        char *old = port->fault;

        ovs_mutex_lock(&dp->ports_mutex);
        port->fault = fault;
        ovs_mutex_unlock(&dp->ports_mutex);
        fault = old;

        seq_change(connectivity_seq_get());
        dp->log_faults_at = time_msec() + LOG_FAULTS_MS;
        seq_change(dp->control_wakeup);
    }
    free(fault);
}

void
ovl_dp_refresh_faults(struct ovl_datapath *dp)
{
    struct ovl_lport **lports;
    size_t n;

    ovl_datapath_ports(dp, &lports, &n);
    for (size_t i = 0; i < n; i++) {
        refresh_fault(dp, ovl_port_cast(lports[i]));
        ovl_lport_unref(lports[i]);
    }
    free(lports);
}

/* bridge.c has called netdev_set_mtu() already, but does not say how that
 * ended.  Once more changes nothing. */
static int
set_mtu(struct ovl_port *port, int64_t mtu)
{
    int error = (!mtu ? 0
                 : mtu != (int) mtu ? ERANGE
                 : netdev_set_mtu(port->netdev, mtu));

    /* Whose device is gone has other troubles. */
    return error == ENODEV ? 0 : error;
}

void
ovl_datapath_port_request_mtu(struct ovl_datapath *dp, const char *name,
                              int64_t mtu)
{
    ovl_dp_lock_config(dp);
    ovs_mutex_lock(&dp->ports_mutex);
    struct ovl_port *port = shash_find_data(&dp->names, name);
    ovs_mutex_unlock(&dp->ports_mutex);
    if (port) {
        port->mtu_request = mtu;
        port->mtu_error = set_mtu(port, mtu);
        refresh_fault(dp, port);
    }
    ovl_dp_unlock_config(dp);
}

void
ovl_dp_log_faults(struct ovl_datapath *dp)
{
    struct ovl_lport **lports;
    size_t n;

    if (time_msec() < dp->log_faults_at) {
        return;
    }
    dp->log_faults_at = LLONG_MAX;
    ovl_datapath_ports(dp, &lports, &n);
    for (size_t i = 0; i < n; i++) {
        struct ovl_port *port = ovl_port_cast(lports[i]);

        if (!nullable_string_is_equal(port->fault, port->logged_fault)) {
            if (port->fault) {
                VLOG_WARN("%s: %s", port->up.name, port->fault);
            } else {
                VLOG_INFO("%s: is fine again", port->up.name);
            }
            free(port->logged_fault);
            port->logged_fault = nullable_xstrdup(port->fault);
        }
        ovl_lport_unref(lports[i]);
    }
    free(lports);
}

bool
ovl_datapath_port_fault(struct ovl_datapath *dp, const char *name,
                        char **fault)
{
    ovs_mutex_lock(&dp->ports_mutex);
    const struct ovl_port *port = shash_find_data(&dp->names, name);
    *fault = port ? nullable_xstrdup(port->fault) : NULL;
    ovs_mutex_unlock(&dp->ports_mutex);
    return port != NULL;
}
