/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_DATAPATH_PRIVATE_H
#define OVL_DATAPATH_PRIVATE_H 1

/* What the files of the datapath share: ports (datapath.c), the control
 * thread (datapath-control.c), commands about threads (datapath-pmd.c).
 *
 * Layer 3. */

#include "openvswitch/hmap.h"
#include "openvswitch/shash.h"
#include "ovs-atomic.h"
#include "ovs-thread.h"
#include "pmd.h"

struct ovl_advertiser;
struct ovl_datapath;
struct ovl_port;
struct ovl_rxq_sched;
struct ovl_shard;
struct ovl_underlay;

struct ovl_datapath {
    struct ovl_thread_config thread_config;
    struct ovl_underlay *underlay;
    struct ovl_advertiser *advertiser;

    /* Taken before 'ports_mutex'; see ovl_dp_lock_config(). */
    struct ovs_mutex config_mutex;
    struct ovl_rxq_sched *sched OVS_GUARDED;
    bool started OVS_GUARDED;           /* Threads run. */
    bool ready OVS_GUARDED;             /* Receive queues may be open. */
    long long int ready_deadline OVS_GUARDED;
    long long int next_sample OVS_GUARDED;      /* Of how busy queues are. */
    long long int log_faults_at OVS_GUARDED;

    /* Guards the map and the ports' 'fault', not what else the ports are:
     * all of it is changed under both mutexes. */
    struct ovs_mutex ports_mutex;
    struct hmap ports OVS_GUARDED;      /* Of struct ovl_port, by number. */
    struct shash names OVS_GUARDED;     /* The same, by name. */
    atomic_uint64_t ports_version;
    struct seq *ports_seq;

    /* Control thread. */
    pthread_t control;
    struct ovl_shard *control_shard;
    struct seq *control_wakeup;
    atomic_bool exiting;
};

/* Take and release the configuration mutex; in a quiescent state if it has to
 * wait, because its holder may be waiting for a grace period. */
void ovl_dp_lock_config(struct ovl_datapath *dp)
    OVS_ACQUIRES(dp->config_mutex);
void ovl_dp_unlock_config(struct ovl_datapath *dp)
    OVS_RELEASES(dp->config_mutex);

/* Tells whoever follows the list of ports that it, or one of them, is another
 * one now. */
void ovl_dp_ports_changed(struct ovl_datapath *);

/* Makes 'port' ready to send, and to receive if the tables are complete.  If
 * that fails, the port is out of service; returns a positive errno value. */
int ovl_dp_start_port(struct ovl_datapath *dp, struct ovl_port *)
    OVS_REQUIRES(dp->config_mutex);
/* Takes the netdev of 'port' away from all threads. */
void ovl_dp_stop_port(struct ovl_datapath *dp, struct ovl_port *)
    OVS_REQUIRES(dp->config_mutex);

/* Works out again which thread polls what, after ports or cores changed. */
void ovl_dp_assign_queues(struct ovl_datapath *dp)
    OVS_REQUIRES(dp->config_mutex);

/* The tables are complete: opens all receive queues. */
void ovl_dp_set_ready(struct ovl_datapath *dp)
    OVS_REQUIRES(dp->config_mutex);

/* Works out again what is wrong with each port, see ovl_dp_port_fault(), and
 * tells it to the main thread. */
void ovl_dp_refresh_faults(struct ovl_datapath *dp)
    OVS_REQUIRES(dp->config_mutex);
/* Logs that, if 'log_faults_at' has come. */
void ovl_dp_log_faults(struct ovl_datapath *dp)
    OVS_REQUIRES(dp->config_mutex);

/* The control thread. */
void *ovl_dp_control_main(void *dp);

/* Without tables for this long after the first port, go on with what there
 * is: the database may be unreachable for good. */
#define OVL_READY_TIMEOUT_MS 10000

#endif /* datapath-private.h */
