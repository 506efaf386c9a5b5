/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: none, the class is static; the entry points of ofproto-tables.h
 * are ovl_.
 *
 * The ofproto class "overlay": life cycle of the bridge and of its ports.
 *
 * There is one overlay bridge, because there is one datapath.  Its ports are
 * the datapath's ports: an ofproto that is made anew, after another daemon
 * stole the database's lock and gave it back, finds them there, with their
 * OpenFlow port numbers.  Nothing that packets need lives in the ofproto.
 *
 * Everything here runs on the main thread. */

#include <config.h>

#include "ofproto-tables.h"

#include <errno.h>

#include "cfg-hold.h"
#include "dpif-overlay.h"
#include "dpif.h"
#include "forwarding.h"
#include "netdev-vport.h"
#include "netdev.h"
#include "ofproto-refuse.h"
#include "ofproto/ofproto-provider.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/shash.h"
#include "openvswitch/vlog.h"
#include "overlay-db.h"
#include "overlay-unixctl.h"
#include "seq.h"
#include "simap.h"
#include "smap.h"
#include "sset.h"
#include "timeval.h"
#include "util.h"
#include "vhost-port.h"

VLOG_DEFINE_THIS_MODULE(ofproto_tables);

/* As many as ofproto-dpif shows, so that what deletes flows table by table
 * finds the tables. */
#define N_TABLES 254

struct overlay {
    struct ofproto up;
    struct dpif *dpif;
    char *version;              /* Of the datapath. */
    struct sset changed_ports;  /* For port_poll(). */
    bool links_changed;         /* run() has to look at the ports' links. */
    bool swept;                 /* Ports that nobody wants are gone. */

    /* bridge.c waits, but does not run, while it has no database lock.  A
     * change that only running consumes would keep it awake. */
    bool links_woke;            /* wait() has told of 'links_changed'. */
    uint64_t ports_woke;        /* ovl_dp_ports_seq() as of the last wait. */
};

struct overlay_port {
    struct ofport up;
    odp_port_t odp_port;
    bool configured;            /* bridge.c knows it. */
};

/* The one instance, or NULL. */
static struct overlay *instance;

/* OpenFlow port numbers by name, of the instance or, while there is none, of
 * the one before, for the one after. */
static struct simap port_numbers = SIMAP_INITIALIZER(&port_numbers);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(1, 5);

static struct overlay *
overlay_cast(const struct ofproto *ofproto)
{
    return CONTAINER_OF(ofproto, struct overlay, up);
}

static struct overlay_port *
overlay_port_cast(const struct ofport *port)
{
    return CONTAINER_OF(port, struct overlay_port, up);
}

/* The type. */

static void
init(const struct shash *iface_hints OVS_UNUSED)
{
    /* The generic layer itself keeps the hints until ports are found. */
}

static void
enumerate_types(struct sset *types)
{
    sset_add(types, OVL_DP_TYPE);
}

/* bridge.c asks one type after the other with the same 'names'. */
static int
enumerate_names(const char *type OVS_UNUSED, struct sset *names)
{
    sset_clear(names);
    if (instance) {
        sset_add(names, instance->up.name);
    }
    return 0;
}

static int
del(const char *type OVS_UNUSED, const char *name)
{
    struct dpif *dpif;
    int error;

    if (instance && strcmp(name, instance->up.name)) {
        return ENODEV;
    }
    error = dpif_open(OVL_DP_NAME, OVL_DP_TYPE, &dpif);
    if (!error) {
        error = dpif_delete(dpif);
        dpif_close(dpif);
    }
    return error;
}

static const char *
port_open_type(const char *datapath_type OVS_UNUSED, const char *port_type)
{
    return ovl_dp_port_open_type(port_type);
}

static int
type_run(const char *type OVS_UNUSED)
{
    if (instance) {
        dpif_run(instance->dpif);
    }
    return 0;
}

static void
type_wait(const char *type OVS_UNUSED)
{
    if (instance) {
        dpif_wait(instance->dpif);
    }
    ovl_hold_wait();
}

static void
type_set_config(const char *type OVS_UNUSED, const struct smap *other_config)
{
    if (instance) {
        dpif_set_config(instance->dpif, other_config);
    }
}

/* The bridge. */

static struct ofproto *
alloc(void)
{
    struct overlay *overlay = xzalloc(sizeof *overlay);

    return &overlay->up;
}

static void
dealloc(struct ofproto *ofproto)
{
    free(overlay_cast(ofproto));
}

static void
request_port_numbers(struct ofproto *ofproto)
{
    struct simap_node *node;

    SIMAP_FOR_EACH (node, &port_numbers) {
        simap_put(&ofproto->ofp_requests, node->name, node->data);
    }
}

static int
construct(struct ofproto *ofproto)
{
    struct overlay *overlay = overlay_cast(ofproto);
    int error;

    if (instance) {
        VLOG_ERR_RL(&rl, "bridge %s: bridge %s is the overlay bridge already, "
                    "and one daemon has one", ofproto->name,
                    instance->up.name);
        return EBUSY;
    }

    error = dpif_create_and_open(OVL_DP_NAME, OVL_DP_TYPE, &overlay->dpif);
    if (error) {
        return error;
    }
    overlay->version = dpif_get_dp_version(overlay->dpif);
    sset_init(&overlay->changed_ports);
    overlay->links_changed = true;
    ofproto_init_tables(ofproto, N_TABLES);
    request_port_numbers(ofproto);

    instance = overlay;
    ovl_refuse_reset();
    ovl_hold_set_bridge(true);
    ovl_db_set_owner(ofproto->name);
    return 0;
}

static void
destruct(struct ofproto *ofproto, bool del)
{
    struct overlay *overlay = overlay_cast(ofproto);

    ovl_hold_set_bridge(false);
    instance = NULL;
    if (del) {
        dpif_delete(overlay->dpif);
        simap_clear(&port_numbers);
    }
    dpif_close(overlay->dpif);
    sset_destroy(&overlay->changed_ports);
    free(overlay->version);
}

/* Tells the generic layer which ports have a link. */
static void
refresh_links(struct overlay *overlay)
{
    struct ofport *port;

    HMAP_FOR_EACH (port, hmap_node, &overlay->up.ports) {
        ofproto_port_set_enable(port, netdev_get_carrier(port->netdev));
    }
}

/* Deletes the ports that bridge.c has not configured: an ofproto that is made
 * anew finds what the datapath has, and a row may have gone meanwhile.  Stock
 * code would do it at its next reconfiguration, whenever that is. */
static void
sweep_ports(struct ofproto *ofproto)
{
    struct ofport *port;

    HMAP_FOR_EACH_SAFE (port, hmap_node, &ofproto->ports) {
        if (!overlay_port_cast(port)->configured) {
            VLOG_INFO("%s: port %s has no row any more", ofproto->name,
                      netdev_get_name(port->netdev));
            ofproto_port_del(ofproto, port->ofp_port);
        }
    }
}

static int
run(struct ofproto *ofproto)
{
    struct overlay *overlay = overlay_cast(ofproto);

    /* The first time is at the end of the reconfiguration that made us. */
    if (!overlay->swept) {
        overlay->swept = true;
        sweep_ports(ofproto);
    }
    if (overlay->links_changed) {
        overlay->links_changed = overlay->links_woke = false;
        refresh_links(overlay);
    }
    return 0;
}

static void
wait(struct ofproto *ofproto)
{
    struct overlay *overlay = overlay_cast(ofproto);

    if (overlay->links_changed && !overlay->links_woke) {
        overlay->links_woke = true;
        poll_immediate_wake();
    }
}

static void
get_memory_usage(const struct ofproto *ofproto OVS_UNUSED,
                 struct simap *usage)
{
    struct ovl_table_sizes sizes;

    ovl_forwarding_sizes(ovl_dp_forwarding(), &sizes);
    simap_increase(usage, "overlay-bindings", sizes.bindings);
    simap_increase(usage, "overlay-macs", sizes.macs);
    simap_increase(usage, "overlay-neighbors", sizes.neighbors);
    simap_increase(usage, "overlay-networks", sizes.networks);
    simap_increase(usage, "overlay-vteps", sizes.vteps);
}

static void
query_tables(struct ofproto *ofproto, struct ofputil_table_features *features,
             struct ofputil_table_stats *stats OVS_UNUSED)
{
    for (int i = 0; i < ofproto->n_tables; i++) {
        features[i].max_entries = 0;
    }
}

static void
set_tables_version(struct ofproto *ofproto OVS_UNUSED,
                   ovs_version_t version OVS_UNUSED)
{
}

static bool
set_frag_handling(struct ofproto *ofproto OVS_UNUSED,
                  enum ofputil_frag_handling frag_handling)
{
    return frag_handling == OFPUTIL_FRAG_NORMAL;
}

static void
get_netflow_ids(const struct ofproto *ofproto OVS_UNUSED,
                uint8_t *engine_type, uint8_t *engine_id)
{
    *engine_type = *engine_id = 0;
}

static const char *
get_datapath_version(const struct ofproto *ofproto)
{
    return overlay_cast(ofproto)->version;
}

/* Ports. */

static struct ofport *
port_alloc(void)
{
    struct overlay_port *port = xzalloc(sizeof *port);

    return &port->up;
}

static void
port_dealloc(struct ofport *ofport)
{
    free(overlay_port_cast(ofport));
}

static int
port_construct(struct ofport *ofport)
{
    struct overlay_port *port = overlay_port_cast(ofport);
    struct overlay *overlay = overlay_cast(ofport->ofproto);
    const char *name = netdev_get_name(ofport->netdev);
    struct dpif_port dpif_port;
    int error;

    error = dpif_port_query_by_name(overlay->dpif, name, &dpif_port);
    if (error) {
        return error;
    }
    port->odp_port = dpif_port.port_no;
    dpif_port_destroy(&dpif_port);

    ovl_dp_port_set_netdev(ofport->netdev);
    simap_put(&port_numbers, name, ofp_to_u16(ofport->ofp_port));
    overlay->links_changed = true;
    return 0;
}

static void
port_destruct(struct ofport *ofport, bool del)
{
    struct overlay_port *port = overlay_port_cast(ofport);
    struct overlay *overlay = overlay_cast(ofport->ofproto);
    const char *name = netdev_get_name(ofport->netdev);

    if (!del) {
        /* The port goes on forwarding, without an ofproto. */
        return;
    }
    simap_find_and_delete(&port_numbers, name);
    ovl_vhost_forget(name);
    if (dpif_port_exists(overlay->dpif, name)) {
        dpif_port_del(overlay->dpif, port->odp_port, false);
    }
}

static void
port_modified(struct ofport *ofport)
{
    struct overlay_port *port = overlay_port_cast(ofport);
    struct overlay *overlay = overlay_cast(ofport->ofproto);
    struct dpif_port dpif_port;

    /* A port that was deleted and made again behind our back has another
     * number. */
    if (!dpif_port_query_by_name(overlay->dpif,
                                 netdev_get_name(ofport->netdev),
                                 &dpif_port)) {
        port->odp_port = dpif_port.port_no;
        dpif_port_destroy(&dpif_port);
    }
    ovl_dp_port_set_netdev(ofport->netdev);
    overlay->links_changed = true;
}

static void
port_reconfigured(struct ofport *ofport,
                  enum ofputil_port_config old_config)
{
    enum ofputil_port_config changed = old_config ^ ofport->pp.config;

    /* The generic layer brings the netdev up and down. */
    if (changed & ~OFPUTIL_PC_PORT_DOWN) {
        VLOG_WARN_RL(&rl, "%s: port %s: no-receive, no-flood, no-forward and "
                     "no-packet-in have no effect on an overlay bridge",
                     ofport->ofproto->name,
                     netdev_get_name(ofport->netdev));
    }
    overlay_cast(ofport->ofproto)->links_changed = true;
}

/* Takes over the strings of 'dpif_port'. */
static void
ofproto_port_from_dpif_port(const struct ofproto *ofproto,
                            const struct dpif_port *dpif_port,
                            struct ofproto_port *port)
{
    const struct ofport *ofport
        = shash_find_data(&ofproto->port_by_name, dpif_port->name);

    port->name = dpif_port->name;
    port->type = dpif_port->type;

    /* A port has the number that this ofproto gave it, and none before and
     * after: the generic layer takes any other answer for a number that it
     * allocated. */
    port->ofp_port = ofport ? ofport->ofp_port : OFPP_NONE;
}

static int
port_query_by_name(const struct ofproto *ofproto, const char *devname,
                   struct ofproto_port *port)
{
    struct dpif_port dpif_port;
    int error;

    error = dpif_port_query_by_name(overlay_cast(ofproto)->dpif, devname,
                                    &dpif_port);
    if (!error) {
        ofproto_port_from_dpif_port(ofproto, &dpif_port, port);
    }
    return error;
}

static int
port_add(struct ofproto *ofproto, struct netdev *netdev)
{
    struct overlay *overlay = overlay_cast(ofproto);

    if (netdev_vport_is_patch(netdev)) {
        VLOG_ERR_RL(&rl, "%s: port %s: an overlay bridge has no patch ports",
                    ofproto->name, netdev_get_name(netdev));
        return EOPNOTSUPP;
    }

    /* A new ofproto is asked to add what the datapath has. */
    if (dpif_port_exists(overlay->dpif, netdev_get_name(netdev))) {
        /* Stock code compares the pointer, not the text. */
        netdev_set_dpif_type(
            netdev, dpif_normalize_type(dpif_type(overlay->dpif)));
        return 0;
    }

    int error = ovl_vhost_admit(netdev);
    if (!error) {
        error = dpif_port_add(overlay->dpif, netdev, NULL);
        if (error) {
            ovl_vhost_forget(netdev_get_name(netdev));
        }
    }
    return error;
}

static int
port_del(struct ofproto *ofproto, ofp_port_t ofp_port)
{
    struct overlay *overlay = overlay_cast(ofproto);
    struct ofport *ofport = ofproto_get_port(ofproto, ofp_port);

    return (ofport
            ? dpif_port_del(overlay->dpif,
                            overlay_port_cast(ofport)->odp_port, false)
            : 0);
}

static int
port_set_config(const struct ofport *ofport, const struct smap *cfg)
{
    struct overlay_port *port = overlay_port_cast(ofport);
    int error = dpif_port_set_config(overlay_cast(ofport->ofproto)->dpif,
                                     port->odp_port, cfg);

    port->configured = true;

    /* bridge.c would log it for each port and each time. */
    return error == EOPNOTSUPP ? 0 : error;
}

static int
port_get_stats(const struct ofport *ofport, struct netdev_stats *stats)
{
    return netdev_get_stats(ofport->netdev, stats);
}

struct port_dump {
    struct dpif_port_dump dump;
    struct ofproto_port port;   /* Returned last. */
    bool has_port;
};

static int
port_dump_start(const struct ofproto *ofproto, void **dumpp)
{
    struct port_dump *dump = xzalloc(sizeof *dump);

    dpif_port_dump_start(&dump->dump, overlay_cast(ofproto)->dpif);
    *dumpp = dump;
    return 0;
}

static void
forget_dumped_port(struct port_dump *dump)
{
    if (dump->has_port) {
        dump->has_port = false;
        ofproto_port_destroy(&dump->port);
    }
}

static int
port_dump_next(const struct ofproto *ofproto, void *dump_,
               struct ofproto_port *port)
{
    struct port_dump *dump = dump_;
    struct dpif_port dpif_port;

    forget_dumped_port(dump);
    if (!dpif_port_dump_next(&dump->dump, &dpif_port)) {
        return EOF;
    }

    /* The dpif keeps its copy of the port until the next one. */
    struct dpif_port clone;
    dpif_port_clone(&clone, &dpif_port);
    ofproto_port_from_dpif_port(ofproto, &clone, &dump->port);
    dump->has_port = true;
    *port = dump->port;
    return 0;
}

static int
port_dump_done(const struct ofproto *ofproto OVS_UNUSED, void *dump_)
{
    struct port_dump *dump = dump_;
    int error = dpif_port_dump_done(&dump->dump);

    forget_dumped_port(dump);
    free(dump);
    return error;
}

/* Collects the names of ports that only one of datapath and ofproto has.  A
 * port whose properties changed is none of them: for that the generic layer
 * follows the netdevs. */
static void
compare_ports(struct overlay *overlay)
{
    struct sset in_datapath = SSET_INITIALIZER(&in_datapath);
    struct dpif_port_dump dump;
    struct dpif_port port;
    struct shash_node *node;

    DPIF_PORT_FOR_EACH (&port, &dump, overlay->dpif) {
        sset_add(&in_datapath, port.name);
        if (!shash_find(&overlay->up.port_by_name, port.name)) {
            sset_add(&overlay->changed_ports, port.name);
        }
    }
    SHASH_FOR_EACH (node, &overlay->up.port_by_name) {
        if (!sset_contains(&in_datapath, node->name)) {
            sset_add(&overlay->changed_ports, node->name);
        }
    }
    sset_destroy(&in_datapath);
}

static int
port_poll(const struct ofproto *ofproto, char **devnamep)
{
    struct overlay *overlay = overlay_cast(ofproto);
    char *devname;
    int error;

    while ((error = dpif_port_poll(overlay->dpif, &devname)) != EAGAIN) {
        if (!error) {
            sset_add_and_free(&overlay->changed_ports, devname);
        } else {
            compare_ports(overlay);
        }
    }
    if (sset_is_empty(&overlay->changed_ports)) {
        return EAGAIN;
    }
    *devnamep = sset_pop(&overlay->changed_ports);
    return 0;
}

static void
port_poll_wait(const struct ofproto *ofproto)
{
    struct overlay *overlay = overlay_cast(ofproto);
    uint64_t now = seq_read(ovl_dp_ports_seq());

    seq_wait(ovl_dp_ports_seq(), overlay->ports_woke);
    overlay->ports_woke = now;
}

static const struct ofproto_class ofproto_tables_class = {
    .init = init,
    .enumerate_types = enumerate_types,
    .enumerate_names = enumerate_names,
    .del = del,
    .port_open_type = port_open_type,
    .type_run = type_run,
    .type_wait = type_wait,
    .alloc = alloc,
    .construct = construct,
    .destruct = destruct,
    .dealloc = dealloc,
    .run = run,
    .wait = wait,
    .get_memory_usage = get_memory_usage,
    .query_tables = query_tables,
    .set_tables_version = set_tables_version,
    .port_alloc = port_alloc,
    .port_construct = port_construct,
    .port_destruct = port_destruct,
    .port_dealloc = port_dealloc,
    .port_modified = port_modified,
    .port_reconfigured = port_reconfigured,
    .port_query_by_name = port_query_by_name,
    .port_add = port_add,
    .port_del = port_del,
    .port_set_config = port_set_config,
    .port_get_stats = port_get_stats,
    .port_dump_start = port_dump_start,
    .port_dump_next = port_dump_next,
    .port_dump_done = port_dump_done,
    .port_poll = port_poll,
    .port_poll_wait = port_poll_wait,
    .rule_alloc = ovl_refuse_rule_alloc,
    .rule_construct = ovl_refuse_rule_construct,
    .rule_insert = ovl_refuse_rule_insert,
    .rule_destruct = ovl_refuse_rule_destruct,
    .rule_dealloc = ovl_refuse_rule_dealloc,
    .rule_get_stats = ovl_refuse_rule_get_stats,
    .packet_xlate = ovl_refuse_packet_xlate,
    .packet_xlate_revert = ovl_refuse_packet,
    .packet_execute_prepare = ovl_refuse_packet,
    .packet_execute = ovl_refuse_packet,
    .set_frag_handling = set_frag_handling,
    .nxt_resume = ovl_refuse_nxt_resume,
    .set_netflow = ovl_refuse_netflow,
    .get_netflow_ids = get_netflow_ids,
    .set_sflow = ovl_refuse_sflow,
    .set_ipfix = ovl_refuse_ipfix,
    .get_ipfix_stats = ovl_refuse_get_ipfix_stats,
    .set_cfm = ovl_refuse_cfm,
    .set_lldp = ovl_refuse_lldp,
    .set_aa = ovl_refuse_aa,
    .set_bfd = ovl_refuse_bfd,
    .set_stp = ovl_refuse_stp,
    .set_rstp = ovl_refuse_rstp,
    .set_rstp_port = ovl_refuse_rstp_port,
    .set_queues = ovl_refuse_queues,
    .bundle_set = ovl_refuse_bundle,
    .mirror_set = ovl_refuse_mirror,
    .set_mcast_snooping = ovl_refuse_mcast_snooping,
    .meter_get_features = ovl_refuse_meter_get_features,
    .meter_set = ovl_refuse_meter_set,
    .meter_get = ovl_refuse_meter_get,
    .meter_del = ovl_refuse_meter_del,
    .group_alloc = ovl_refuse_group_alloc,
    .group_construct = ovl_refuse_group_construct,
    .group_destruct = ovl_refuse_group_destruct,
    .group_dealloc = ovl_refuse_group_dealloc,
    .get_datapath_version = get_datapath_version,
    .type_set_config = type_set_config,

    /* Left out; the generic layer tests for each of them:
     *
     * - flush, rule_delete, rule_choose_table, modify_tables, group_modify,
     *   group_get_stats: there are no flows and no groups.
     * - type_get_memory_usage: get_memory_usage tells it all.
     * - vport_get_status: no tunnel and no patch ports.
     * - port_is_lacp_current, port_get_lacp_stats, bundle_remove: no bonds.
     * - cfm_status_changed, get_cfm_status, get_lldp_status,
     *   bfd_status_changed, get_bfd_status, get_stp_status, set_stp_port,
     *   get_stp_port_status, get_stp_port_stats, get_rstp_status,
     *   get_rstp_port_status, aa_mapping_set,
     *   aa_mapping_unset, aa_vlan_get_queued, aa_vlan_get_queue_size,
     *   mirror_get_stats, is_mirror_output_bundle, set_mcast_snooping_port:
     *   the feature is refused as a whole.
     * - set_flood_vlans, forward_bpdu_changed, set_mac_table_config: settings
     *   of the NORMAL action, which bridge.c sets on every bridge.
     * - get_datapath_cap, ct_flush, ct_set_zone_timeout_policy,
     *   ct_del_zone_timeout_policy: no datapath actions, no connection
     *   tracking. */
};

/* Entry points. */

void
ovl_init(const char *remote)
{
    ovl_dp_init();
    ofproto_class_register(&ofproto_tables_class);
    ovl_db_init(remote);
    ovl_unixctl_init();
}

void
ovl_exit(void)
{
    ovl_db_exit();
    ovl_dp_exit();
    ofproto_class_unregister(&ofproto_tables_class);
    simap_destroy(&port_numbers);
    ovl_vhost_exit();
}

int64_t
ovl_cur_cfg(int64_t cur_cfg, int64_t next_cfg)
{
    return ovl_hold_cur_cfg(cur_cfg, next_cfg, ovl_dp_ports_version(),
                            time_msec());
}
