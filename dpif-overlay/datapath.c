/* SPDX-License-Identifier: Apache-2.0 */

/* Ports.
 *
 * Whatever changes the set of queues ends in ovl_dp_assign_queues().  To take
 * a port's queues away, see ovl_dp_stop_port().
 *
 * The tables belong here too: they outlive bridges.  Until they are complete
 * (ovl_datapath_set_ready()) no receive queue is opened. */

#include <config.h>

#include "datapath.h"

#include <errno.h>

#include "advertiser.h"
#include "datapath-private.h"
#include "dp-packet.h"
#include "flow-hash.h"
#include "forwarding.h"
#include "hash.h"
#include "netdev.h"
#include "odp-util.h"
#include "openvswitch/vlog.h"
#include "overlay-port.h"
#include "ovs-thread.h"
#include "packets.h"
#include "pkt-edit.h"
#include "rxq-sched.h"
#include "seq.h"
#include "smap.h"
#include "timeval.h"
#include "underlay.h"

VLOG_DEFINE_THIS_MODULE(overlay_datapath);

#define MAX_PORTS 65536

static void del_all_ports(struct ovl_datapath *,
                          void (*end)(struct ovl_port *));

void
ovl_dp_lock_config(struct ovl_datapath *dp)
{
    if (ovs_mutex_trylock(&dp->config_mutex)) {
        ovsrcu_quiesce_start();
        ovs_mutex_lock(&dp->config_mutex);
        ovsrcu_quiesce_end();
    }
}

void
ovl_dp_unlock_config(struct ovl_datapath *dp)
{
    ovs_mutex_unlock(&dp->config_mutex);
}

void
ovl_dp_ports_changed(struct ovl_datapath *dp)
{
    uint64_t orig;

    atomic_add(&dp->ports_version, 1, &orig);
    seq_change(dp->ports_seq);
}

/* The underlay's 'send'. */
static void
send_generated(void *dp_, struct ovl_lport *lport, struct dp_packet *packet)
{
    struct ovl_datapath *dp = dp_;
    struct dp_packet_batch batch;

    ovl_counter_add(dp->control_shard, OVL_TOTAL_GENERATED, 1);
    dp_packet_batch_init_packet(&batch, packet);
    ovl_port_send(ovl_port_cast(lport), OVL_SENDER_CONTROL, dp->control_shard,
                  &batch, dp_packet_size(packet), true);
}

/* The advertiser's 'send'. */
static void
send_advertisement(void *dp_, const struct ovl_network *net,
                   const struct ovl_member *member, struct dp_packet *packet)
{
    struct ovl_datapath *dp = dp_;

    ovl_counter_add(dp->control_shard, net->traffic + OVL_TX_PACKETS, 1);
    ovl_counter_add(dp->control_shard, net->traffic + OVL_TX_BYTES,
                    dp_packet_size(packet));
    send_generated(dp, member->port,
                   member->vlan ? ovl_pkt_push_tag(packet, member->vlan)
                   : packet);
}

/* Nobody else knows the datapath yet. */
struct ovl_datapath *
ovl_datapath_create(void)
    OVS_NO_THREAD_SAFETY_ANALYSIS
{
    struct ovl_datapath *dp = xzalloc(sizeof *dp);

    ovl_flow_hash_init();
    dp->thread_config.fwd = ovl_forwarding_create();
    dp->underlay = ovl_underlay_create(dp->thread_config.fwd, send_generated,
                                       dp);
    dp->thread_config.underlay = dp->underlay;
    dp->advertiser = ovl_advertiser_create(dp->thread_config.fwd,
                                           send_advertisement, dp);
    ovs_mutex_init(&dp->config_mutex);
    ovs_mutex_init(&dp->ports_mutex);
    hmap_init(&dp->ports);
    shash_init(&dp->names);
    dp->ports_seq = seq_create();
    dp->control_wakeup = seq_create();
    dp->ready_deadline = LLONG_MAX;
    dp->log_faults_at = LLONG_MAX;
    dp->sched = ovl_rxq_sched_create(&dp->thread_config);
    return dp;
}

/* Starts the threads with the first port, so that a daemon without an
 * overlay bridge has none of them. */
static void
start_threads(struct ovl_datapath *dp)
    OVS_REQUIRES(dp->config_mutex)
{
    if (!dp->started) {
        dp->started = true;
        if (!dp->ready) {
            dp->ready_deadline = time_msec() + OVL_READY_TIMEOUT_MS;
        }
        dp->control_shard = ovl_shard_create();
        ovl_rxq_sched_start(dp->sched);
        dp->control = ovs_thread_create("ovl_ctl", ovl_dp_control_main, dp);
    }
}

/* Nobody else uses the datapath any more, once the threads ended. */
void
ovl_datapath_destroy(struct ovl_datapath *dp)
    OVS_NO_THREAD_SAFETY_ANALYSIS
{
    if (!dp) {
        return;
    }
    del_all_ports(dp, ovl_port_abandon);
    if (dp->started) {
        atomic_store_explicit(&dp->exiting, true, memory_order_release);
        seq_change(dp->control_wakeup);
        ovsrcu_quiesce_start();
        xpthread_join(dp->control, NULL);
        ovsrcu_quiesce_end();
        ovl_shard_destroy(dp->control_shard);
    }
    ovl_rxq_sched_destroy(dp->sched);
    ovl_underlay_destroy(dp->underlay);
    ovl_advertiser_destroy(dp->advertiser);
    ovl_forwarding_destroy(dp->thread_config.fwd);
    hmap_destroy(&dp->ports);
    shash_destroy(&dp->names);
    seq_destroy(dp->ports_seq);
    seq_destroy(dp->control_wakeup);
    ovs_mutex_destroy(&dp->config_mutex);
    ovs_mutex_destroy(&dp->ports_mutex);
    free(dp);
}

struct ovl_forwarding *
ovl_datapath_forwarding(const struct ovl_datapath *dp)
{
    return dp->thread_config.fwd;
}

/* Ports. */

static struct ovl_port *
find_port(const struct ovl_datapath *dp, odp_port_t port_no)
    OVS_REQUIRES(dp->ports_mutex)
{
    struct ovl_port *port;

    HMAP_FOR_EACH_WITH_HASH (port, node, hash_odp_port(port_no), &dp->ports) {
        if (port->up.port_no == port_no) {
            return port;
        }
    }
    return NULL;
}

/* Lowest number that is free, from 1: 0 would be ODPP_LOCAL, which in this
 * datapath has no meaning. */
static odp_port_t
choose_port_no(const struct ovl_datapath *dp)
    OVS_REQUIRES(dp->ports_mutex)
{
    for (uint32_t i = 1; i < MAX_PORTS; i++) {
        if (!find_port(dp, u32_to_odp(i))) {
            return u32_to_odp(i);
        }
    }
    return ODPP_NONE;
}

int
ovl_dp_start_port(struct ovl_datapath *dp, struct ovl_port *port)
{
    int error = ovl_port_configure(port,
                                   ovl_rxq_sched_n_senders(dp->sched));

    if (!error && dp->ready) {
        error = ovl_port_open_queues(port);
        if (error) {
            ovl_port_stop_senders(port);
        }
    }
    port->error = error;
    return error;
}

void
ovl_dp_stop_port(struct ovl_datapath *dp, struct ovl_port *port)
{
    /* With no queue to be found, assign_queues() leaves the port out of all
     * poll lists. */
    int n_rxq = port->n_rxq;

    port->n_rxq = 0;
    ovl_port_stop_senders(port);
    ovl_dp_assign_queues(dp);
    ovl_rxq_sched_settle(dp->sched);
    port->n_rxq = n_rxq;
    ovl_port_close_queues(port);
}

int
ovl_datapath_port_add(struct ovl_datapath *dp, const char *name,
                      const char *type, odp_port_t *port_nop)
{
    struct ovl_port *port = NULL;
    odp_port_t port_no;
    int error = 0;

    ovl_dp_lock_config(dp);
    ovs_mutex_lock(&dp->ports_mutex);
    port_no = *port_nop != ODPP_NONE ? *port_nop : choose_port_no(dp);
    if (shash_find(&dp->names, name)) {
        error = EEXIST;
    } else if (port_no == ODPP_NONE) {
        error = EFBIG;
    } else if (find_port(dp, port_no)) {
        error = EBUSY;
    }
    ovs_mutex_unlock(&dp->ports_mutex);

    if (!error) {
        error = ovl_port_open(name, type, port_no, &port);
    }
    if (!error) {
        start_threads(dp);
        error = ovl_dp_start_port(dp, port);
        if (error) {
            /* Nobody but us has seen it. */
            if (port->sf) {
                netdev_restore_flags(port->sf);
                port->sf = NULL;
            }
            ovl_port_close(port);
        }
    }
    if (!error) {
        ovs_mutex_lock(&dp->ports_mutex);
        hmap_insert(&dp->ports, &port->node, hash_odp_port(port_no));
        shash_add(&dp->names, name, port);
        ovs_mutex_unlock(&dp->ports_mutex);
        *port_nop = port_no;
        ovl_dp_assign_queues(dp);
        ovl_dp_ports_changed(dp);
        seq_change(dp->control_wakeup);
    }
    ovl_dp_unlock_config(dp);
    return error;
}

/* Deletes a port; 'end' gives up its netdev. */
static int
port_del(struct ovl_datapath *dp, odp_port_t port_no,
         void (*end)(struct ovl_port *))
{
    ovl_dp_lock_config(dp);
    ovs_mutex_lock(&dp->ports_mutex);
    struct ovl_port *port = find_port(dp, port_no);
    if (port) {
        hmap_remove(&dp->ports, &port->node);
        shash_find_and_delete(&dp->names, port->up.name);
    }
    ovs_mutex_unlock(&dp->ports_mutex);

    if (port) {
        atomic_store_relaxed(&port->up.alive, false);
        ovl_dp_stop_port(dp, port);
        end(port);
        ovl_dp_ports_changed(dp);
    }
    ovl_dp_unlock_config(dp);
    return port ? 0 : ENODEV;
}

int
ovl_datapath_port_del(struct ovl_datapath *dp, odp_port_t port_no)
{
    return port_del(dp, port_no, ovl_port_close);
}

static void
del_all_ports(struct ovl_datapath *dp, void (*end)(struct ovl_port *))
{
    for (;;) {
        odp_port_t port_no = ODPP_NONE;
        struct ovl_port *port;

        ovs_mutex_lock(&dp->ports_mutex);
        HMAP_FOR_EACH (port, node, &dp->ports) {
            port_no = port->up.port_no;
            break;
        }
        ovs_mutex_unlock(&dp->ports_mutex);
        if (port_no == ODPP_NONE) {
            return;
        }
        port_del(dp, port_no, end);
    }
}

int
ovl_datapath_port_set_netdev(struct ovl_datapath *dp, const char *name,
                             struct netdev *netdev)
{
    int error = 0;

    ovl_dp_lock_config(dp);
    ovs_mutex_lock(&dp->ports_mutex);
    struct ovl_port *port = shash_find_data(&dp->names, name);
    ovs_mutex_unlock(&dp->ports_mutex);

    if (!port || strcmp(port->type, netdev_get_type(netdev))) {
        error = ENODEV;
    } else if (port->netdev != netdev) {
        ovl_dp_stop_port(dp, port);
        ovl_port_set_netdev(port, netdev);
        error = ovl_dp_start_port(dp, port);
        ovl_dp_assign_queues(dp);
        ovl_dp_ports_changed(dp);
        seq_change(dp->control_wakeup);
    }
    ovl_dp_unlock_config(dp);
    return error;
}

void
ovl_datapath_del_all_ports(struct ovl_datapath *dp)
{
    del_all_ports(dp, ovl_port_close);
}

int
ovl_datapath_port_set_config(struct ovl_datapath *dp, odp_port_t port_no,
                             const struct smap *other_config)
{
    int error = 0;

    ovl_dp_lock_config(dp);
    ovs_mutex_lock(&dp->ports_mutex);
    struct ovl_port *port = find_port(dp, port_no);
    ovs_mutex_unlock(&dp->ports_mutex);
    if (!port) {
        error = ENODEV;
    } else {
        const char *affinity = smap_get(other_config, "pmd-rxq-affinity");

        /* bridge.c calls this after it has set the QoS. */
        ovl_port_refresh_qos(port);
        if (!nullable_string_is_equal(affinity, port->rxq_affinity)) {
            error = ovl_port_set_rxq_affinity(port, affinity);
            ovl_dp_assign_queues(dp);
        }
    }
    ovl_dp_unlock_config(dp);
    return error;
}

static int
compare_ports(const void *a_, const void *b_)
{
    const struct ovl_lport *a = *(const struct ovl_lport *const *) a_;
    const struct ovl_lport *b = *(const struct ovl_lport *const *) b_;

    return (odp_to_u32(a->port_no) < odp_to_u32(b->port_no) ? -1
            : odp_to_u32(a->port_no) > odp_to_u32(b->port_no));
}

uint64_t
ovl_datapath_ports(struct ovl_datapath *dp, struct ovl_lport ***lportsp,
                   size_t *n)
{
    struct ovl_port *port;
    uint64_t version;

    ovs_mutex_lock(&dp->ports_mutex);
    atomic_read(&dp->ports_version, &version);
    struct ovl_lport **lports
        = xmalloc(MAX(1, hmap_count(&dp->ports)) * sizeof *lports);
    *n = 0;
    HMAP_FOR_EACH (port, node, &dp->ports) {
        lports[(*n)++] = ovl_lport_ref(&port->up);
    }
    ovs_mutex_unlock(&dp->ports_mutex);

    qsort(lports, *n, sizeof *lports, compare_ports);
    *lportsp = lports;
    return version;
}

uint64_t
ovl_datapath_ports_version(struct ovl_datapath *dp)
{
    uint64_t version;

    atomic_read(&dp->ports_version, &version);
    return version;
}

struct seq *
ovl_datapath_ports_seq(struct ovl_datapath *dp)
{
    return dp->ports_seq;
}

struct ovl_lport *
ovl_datapath_port_by_name(struct ovl_datapath *dp, const char *name)
{
    ovs_mutex_lock(&dp->ports_mutex);
    struct ovl_port *port = shash_find_data(&dp->names, name);
    struct ovl_lport *lport = port ? ovl_lport_ref(&port->up) : NULL;
    ovs_mutex_unlock(&dp->ports_mutex);
    return lport;
}

struct ovl_lport *
ovl_datapath_port_by_number(struct ovl_datapath *dp, odp_port_t port_no)
{
    ovs_mutex_lock(&dp->ports_mutex);
    struct ovl_port *port = find_port(dp, port_no);
    struct ovl_lport *lport = port ? ovl_lport_ref(&port->up) : NULL;
    ovs_mutex_unlock(&dp->ports_mutex);
    return lport;
}

const char *
ovl_datapath_port_type(const struct ovl_lport *lport)
{
    return ovl_port_cast(lport)->type;
}

uint64_t
ovl_datapath_underlay_followed(const struct ovl_datapath *dp)
{
    return ovl_underlay_followed(dp->underlay);
}

struct seq *
ovl_datapath_underlay_seq(const struct ovl_datapath *dp)
{
    return ovl_underlay_seq(dp->underlay);
}

void
ovl_datapath_format_vtep(struct ovl_datapath *dp, const struct in6_addr *ip,
                         struct ds *state, struct ds *next_hop)
{
    ovl_underlay_format_vtep(dp->underlay, ip, state, next_hop);
}

void
ovl_dp_assign_queues(struct ovl_datapath *dp)
{
    struct ovl_lport **lports;
    size_t n;

    ovl_datapath_ports(dp, &lports, &n);
    if (ovl_rxq_sched_run(dp->sched, lports, n)) {
        seq_change(dp->control_wakeup);
    }
    for (size_t i = 0; i < n; i++) {
        ovl_lport_unref(lports[i]);
    }
    free(lports);
    ovl_dp_refresh_faults(dp);
}

void
ovl_dp_set_ready(struct ovl_datapath *dp)
{
    struct ovl_lport **lports;
    size_t n;

    if (dp->ready) {
        return;
    }
    dp->ready = true;
    dp->ready_deadline = LLONG_MAX;
    ovl_datapath_ports(dp, &lports, &n);
    for (size_t i = 0; i < n; i++) {
        ovl_port_open_queues(ovl_port_cast(lports[i]));
        ovl_lport_unref(lports[i]);
    }
    free(lports);
    ovl_dp_assign_queues(dp);
    seq_change(dp->control_wakeup);
}

void
ovl_datapath_set_ready(struct ovl_datapath *dp)
{
    ovl_dp_lock_config(dp);
    ovl_dp_set_ready(dp);
    ovl_dp_unlock_config(dp);
}
