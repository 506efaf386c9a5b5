/* SPDX-License-Identifier: Apache-2.0 */

/* The control thread: devices that want to be configured again or have
 * changed, next hops of the underlay, router advertisements, what packet
 * threads have to tell. */

#include <config.h>

#include "datapath-private.h"

#include <limits.h>

#include "advertiser.h"
#include "connectivity.h"
#include "datapath.h"
#include "event-log.h"
#include "netdev.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "overlay-port.h"
#include "rxq-sched.h"
#include "seq.h"
#include "timeval.h"
#include "underlay.h"

VLOG_DEFINE_THIS_MODULE(overlay_control);

/* Applies what netdevs ask for, and takes over what has changed in them. */
static void
run_ports(struct ovl_datapath *dp)
    OVS_REQUIRES(dp->config_mutex)
{
    struct ovl_lport **lports;
    bool changed = false;
    size_t n;

    ovl_datapath_ports(dp, &lports, &n);
    for (size_t i = 0; i < n; i++) {
        struct ovl_port *port = ovl_port_cast(lports[i]);

        if (netdev_is_reconf_required(port->netdev)) {
            ovl_dp_stop_port(dp, port);
            ovl_dp_start_port(dp, port);
            ovl_dp_assign_queues(dp);
            changed = true;

            /* A netdev that has changed wakes the main thread before it says
             * so in its change_seq, which is where that looks, maybe too
             * early: now it is true. */
            seq_change(connectivity_seq_get());
        } else if (netdev_get_change_seq(port->netdev) != port->change_seq) {
            changed |= ovl_port_refresh(port);
        }
    }
    if (time_msec() >= dp->next_sample) {
        ovl_rxq_sched_sample(dp->sched, lports, n);
        dp->next_sample = time_msec() + OVL_RXQ_SAMPLE_SECS * 1000;
    }
    for (size_t i = 0; i < n; i++) {
        ovl_lport_unref(lports[i]);
    }
    free(lports);

    ovl_dp_log_faults(dp);
    if (time_msec() >= dp->ready_deadline) {
        VLOG_WARN("no complete tables from the database after %d ms: "
                  "forwarding with what there is", OVL_READY_TIMEOUT_MS);
        ovl_dp_set_ready(dp);
    }
    if (changed) {
        ovl_dp_ports_changed(dp);
    }
}

static void
wait_ports(struct ovl_datapath *dp)
    OVS_REQUIRES(dp->config_mutex)
{
    struct ovl_port *port;

    ovs_mutex_lock(&dp->ports_mutex);
    HMAP_FOR_EACH (port, node, &dp->ports) {
        netdev_wait_reconf_required(port->netdev);
    }
    ovs_mutex_unlock(&dp->ports_mutex);
    poll_timer_wait_until(MIN(dp->next_sample, dp->log_faults_at));
    if (dp->ready_deadline != LLONG_MAX) {
        poll_timer_wait_until(dp->ready_deadline);
    }
}

void *
ovl_dp_control_main(void *dp_)
{
    struct ovl_datapath *dp = dp_;
    bool exiting = false;

    while (!exiting) {
        uint64_t wakeup = seq_read(dp->control_wakeup);
        uint64_t connectivity = seq_read(connectivity_seq_get());

        bool ready;

        ovl_dp_lock_config(dp);
        run_ports(dp);
        ready = dp->ready;
        ovl_dp_unlock_config(dp);
        if (ready) {
            /* Not earlier: nobody would hear a next hop's first answer, and
             * the next request is a second away. */
            ovl_underlay_run(dp->underlay);
            ovl_advertiser_run(dp->advertiser, time_msec());
        }
        ovl_event_log_run();

        ovl_dp_lock_config(dp);
        wait_ports(dp);
        ovl_dp_unlock_config(dp);
        if (ready) {
            ovl_underlay_wait(dp->underlay);
            ovl_advertiser_wait(dp->advertiser);
        }
        ovl_event_log_wait();
        seq_wait(connectivity_seq_get(), connectivity);
        seq_wait(dp->control_wakeup, wakeup);
        atomic_read_explicit(&dp->exiting, &exiting, memory_order_acquire);
        if (!exiting) {
            poll_block();
        }
    }
    return NULL;
}
