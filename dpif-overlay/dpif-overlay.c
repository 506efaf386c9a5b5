/* SPDX-License-Identifier: Apache-2.0 */

/* The dpif class "overlay": thin glue between OVS's dpif interface and the
 * datapath.
 *
 * There are no flows, no upcalls, no meters and no connection tracking:
 * dumps of them are empty, changes are refused.  Class members left out are
 * listed at the end of the file. */

#include <config.h>

#include "dpif-overlay.h"

#include <errno.h>

#include "datapath.h"
#include "dpif-provider.h"
#include "dpif.h"
#include "forwarding.h"
#include "netdev-vport.h"
#include "netdev.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/vlog.h"
#include "ovs-numa.h"
#include "rxq-sched.h"
#include "seq.h"
#include "sset.h"
#include "unixctl.h"

VLOG_DEFINE_THIS_MODULE(dpif_overlay);

struct dpif_overlay {
    struct dpif dpif;
    uint64_t ports_seqno;       /* Last seen by port_poll(). */
};

/* The datapath lives from ovl_dp_init() to ovl_dp_exit(); as a dpif it
 * exists while 'exists'. */
static struct ovl_datapath *dp;
static atomic_bool exists;
static bool dummy_mode;

static const struct dpif_class dpif_overlay_class;

static struct dpif_overlay *
dpif_overlay_cast(const struct dpif *dpif)
{
    dpif_assert_class(dpif, &dpif_overlay_class);
    return CONTAINER_OF(dpif, struct dpif_overlay, dpif);
}

static int
dpif_overlay_enumerate(struct sset *names,
                       const struct dpif_class *class OVS_UNUSED)
{
    bool exists_;

    atomic_read(&exists, &exists_);
    if (exists_) {
        sset_add(names, OVL_DP_NAME);
    }
    return 0;
}

const char *
ovl_dp_port_open_type(const char *type)
{
    return (strcmp(type, "internal") ? type
            : dummy_mode ? "dummy-internal"
            : "tap");
}

static const char *
dpif_overlay_port_open_type(const struct dpif_class *class OVS_UNUSED,
                            const char *type)
{
    return ovl_dp_port_open_type(type);
}

static int
dpif_overlay_open(const struct dpif_class *class, const char *name,
                  bool create, struct dpif **dpifp)
{
    bool exists_;

    atomic_read(&exists, &exists_);
    if (strcmp(name, OVL_DP_NAME)) {
        return create ? EINVAL : ENODEV;
    } else if (!create && !exists_) {
        return ENODEV;
    }
    atomic_store(&exists, true);

    struct dpif_overlay *dpif = xmalloc(sizeof *dpif);
    dpif_init(&dpif->dpif, class, name, 0, 0);
    dpif->ports_seqno = seq_read(ovl_datapath_ports_seq(dp));
    *dpifp = &dpif->dpif;
    return 0;
}

static void
dpif_overlay_close(struct dpif *dpif)
{
    free(dpif_overlay_cast(dpif));
}

static int
dpif_overlay_destroy(struct dpif *dpif OVS_UNUSED)
{
    ovl_datapath_del_all_ports(dp);
    atomic_store(&exists, false);
    return 0;
}

static int
dpif_overlay_get_stats(const struct dpif *dpif OVS_UNUSED,
                       struct dpif_dp_stats *stats)
{
    /* Every packet that is not dropped was found in the tables. */
    uint64_t dropped = ovl_counter_read(OVL_TOTAL_DROPPED);
    uint64_t received = ovl_counter_read(OVL_TOTAL_RECEIVED);

    *stats = (struct dpif_dp_stats) {
        .n_hit = received - MIN(received, dropped),
        .n_lost = dropped,
        .n_masks = UINT32_MAX,
        .n_mask_hit = UINT64_MAX,
        .n_cache_hit = UINT64_MAX,
    };
    return 0;
}

static int
dpif_overlay_port_add(struct dpif *dpif OVS_UNUSED, struct netdev *netdev,
                      odp_port_t *port_nop)
{
    if (netdev_get_tunnel_config(netdev)) {
        VLOG_ERR("%s: an overlay bridge has no tunnel ports: a VTEP is a row "
                 "of Overlay_MAC, or an address in an Overlay_Network's "
                 "flood_vteps", netdev_get_name(netdev));
        return EOPNOTSUPP;
    }
    return ovl_datapath_port_add(dp, netdev_get_name(netdev),
                                 netdev_get_type(netdev), port_nop);
}

static int
dpif_overlay_port_del(struct dpif *dpif OVS_UNUSED, odp_port_t port_no)
{
    return ovl_datapath_port_del(dp, port_no);
}

static int
dpif_overlay_port_set_config(struct dpif *dpif OVS_UNUSED, odp_port_t port_no,
                             const struct smap *other_config)
{
    return ovl_datapath_port_set_config(dp, port_no, other_config);
}

static void
fill_port(const struct ovl_lport *lport, struct dpif_port *port)
{
    port->name = xstrdup(lport->name);
    port->type = xstrdup(ovl_datapath_port_type(lport));
    port->port_no = lport->port_no;
}

/* Consumes the reference 'lport'. */
static int
answer_port_query(struct ovl_lport *lport, struct dpif_port *port)
{
    if (!lport) {
        return ENODEV;
    }
    if (port) {
        fill_port(lport, port);
    }
    ovl_lport_unref(lport);
    return 0;
}

static int
dpif_overlay_port_query_by_number(const struct dpif *dpif OVS_UNUSED,
                                  odp_port_t port_no, struct dpif_port *port)
{
    return answer_port_query(ovl_datapath_port_by_number(dp, port_no), port);
}

static int
dpif_overlay_port_query_by_name(const struct dpif *dpif OVS_UNUSED,
                                const char *name, struct dpif_port *port)
{
    return answer_port_query(ovl_datapath_port_by_name(dp, name), port);
}

/* A dump is a copy of the list of ports. */
struct port_dump {
    struct dpif_port *ports;
    size_t n, next;
};

static int
dpif_overlay_port_dump_start(const struct dpif *dpif OVS_UNUSED,
                             void **dumpp)
{
    struct port_dump *dump = xzalloc(sizeof *dump);
    struct ovl_lport **lports;

    ovl_datapath_ports(dp, &lports, &dump->n);
    dump->ports = xcalloc(dump->n + 1, sizeof *dump->ports);
    for (size_t i = 0; i < dump->n; i++) {
        fill_port(lports[i], &dump->ports[i]);
        ovl_lport_unref(lports[i]);
    }
    free(lports);
    *dumpp = dump;
    return 0;
}

static int
dpif_overlay_port_dump_next(const struct dpif *dpif OVS_UNUSED, void *dump_,
                            struct dpif_port *port)
{
    struct port_dump *dump = dump_;

    if (dump->next >= dump->n) {
        return EOF;
    }
    *port = dump->ports[dump->next++];
    return 0;
}

static int
dpif_overlay_port_dump_done(const struct dpif *dpif OVS_UNUSED, void *dump_)
{
    struct port_dump *dump = dump_;

    for (size_t i = 0; i < dump->n; i++) {
        dpif_port_destroy(&dump->ports[i]);
    }
    free(dump->ports);
    free(dump);
    return 0;
}

static int
dpif_overlay_port_poll(const struct dpif *dpif_, char **devnamep OVS_UNUSED)
{
    struct dpif_overlay *dpif = dpif_overlay_cast(dpif_);
    uint64_t seqno = seq_read(ovl_datapath_ports_seq(dp));

    if (dpif->ports_seqno != seqno) {
        dpif->ports_seqno = seqno;
        return ENOBUFS;
    }
    return EAGAIN;
}

static void
dpif_overlay_port_poll_wait(const struct dpif *dpif)
{
    seq_wait(ovl_datapath_ports_seq(dp),
             dpif_overlay_cast(dpif)->ports_seqno);
}

/* Flows: there are none. */

static int
dpif_overlay_flow_flush(struct dpif *dpif OVS_UNUSED)
{
    return 0;
}

static struct dpif_flow_dump *
dpif_overlay_flow_dump_create(const struct dpif *dpif, bool terse,
                              struct dpif_flow_dump_types *types OVS_UNUSED)
{
    struct dpif_flow_dump *dump = xzalloc(sizeof *dump);

    dpif_flow_dump_init(dump, dpif);
    dump->terse = terse;
    return dump;
}

static int
dpif_overlay_flow_dump_destroy(struct dpif_flow_dump *dump)
{
    free(dump);
    return 0;
}

static struct dpif_flow_dump_thread *
dpif_overlay_flow_dump_thread_create(struct dpif_flow_dump *dump)
{
    struct dpif_flow_dump_thread *thread = xzalloc(sizeof *thread);

    dpif_flow_dump_thread_init(thread, dump);
    return thread;
}

static void
dpif_overlay_flow_dump_thread_destroy(struct dpif_flow_dump_thread *thread)
{
    free(thread);
}

static int
dpif_overlay_flow_dump_next(struct dpif_flow_dump_thread *thread OVS_UNUSED,
                            struct dpif_flow *flows OVS_UNUSED,
                            int max_flows OVS_UNUSED)
{
    return 0;
}

static void
dpif_overlay_operate(struct dpif *dpif OVS_UNUSED, struct dpif_op **ops,
                     size_t n_ops,
                     enum dpif_offload_type offload_type OVS_UNUSED)
{
    for (size_t i = 0; i < n_ops; i++) {
        ops[i]->error = (ops[i]->type == DPIF_OP_FLOW_DEL
                         || ops[i]->type == DPIF_OP_FLOW_GET
                         ? ENOENT : EOPNOTSUPP);
    }
}

static int
dpif_overlay_set_config(struct dpif *dpif OVS_UNUSED,
                        const struct smap *other_config)
{
    ovl_datapath_set_config(dp, other_config);
    return 0;
}

static char *
dpif_overlay_get_datapath_version(void)
{
    return xstrdup("<built-in>");
}

static const struct dpif_class dpif_overlay_class = {
    .type = OVL_DP_TYPE,
    .cleanup_required = true,
    .enumerate = dpif_overlay_enumerate,
    .port_open_type = dpif_overlay_port_open_type,
    .open = dpif_overlay_open,
    .close = dpif_overlay_close,
    .destroy = dpif_overlay_destroy,
    .get_stats = dpif_overlay_get_stats,
    .port_add = dpif_overlay_port_add,
    .port_del = dpif_overlay_port_del,
    .port_set_config = dpif_overlay_port_set_config,
    .port_query_by_number = dpif_overlay_port_query_by_number,
    .port_query_by_name = dpif_overlay_port_query_by_name,
    .port_dump_start = dpif_overlay_port_dump_start,
    .port_dump_next = dpif_overlay_port_dump_next,
    .port_dump_done = dpif_overlay_port_dump_done,
    .port_poll = dpif_overlay_port_poll,
    .port_poll_wait = dpif_overlay_port_poll_wait,
    .flow_flush = dpif_overlay_flow_flush,
    .flow_dump_create = dpif_overlay_flow_dump_create,
    .flow_dump_destroy = dpif_overlay_flow_dump_destroy,
    .flow_dump_thread_create = dpif_overlay_flow_dump_thread_create,
    .flow_dump_thread_destroy = dpif_overlay_flow_dump_thread_destroy,
    .flow_dump_next = dpif_overlay_flow_dump_next,
    .operate = dpif_overlay_operate,
    .set_config = dpif_overlay_set_config,
    .get_datapath_version = dpif_overlay_get_datapath_version,

    /* Left out:
     *
     * - init, run, wait: nothing here hangs on the main loop.
     * - recv*, handlers_set, register_*_cb, *_upcall, port_get_pid,
     *   number_handlers_required: there are no upcalls.
     * - set_features, offload_stats_get, queue_to_priority: no OpenFlow
     *   actions, no flow offload, no queues.
     * - ct_*, ipf_*, meter_*, bond_*, cache_*: no such objects. */
};

/* Beyond the class. */

/* Parses arguments of a 'dpif-overlay/pmd-...' command, which are those of
 * the same 'dpif-netdev/pmd-...' command.  Returns what is wrong with them, or
 * NULL. */
static char *
parse_pmd_query(int argc, const char *argv[], struct ovl_pmd_query *query)
{
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";

        if (!strcmp(argv[i], "-pmd")) {
            if (!str_to_uint(value, 10, &query->core_id)) {
                return xasprintf("-pmd takes the number of a core, not \"%s\"",
                                 value);
            }
            i++;
        } else if (query->what == OVL_PMD_SHOW_RXQS
                   && !strcmp(argv[i], "-secs")) {
            if (!str_to_uint(value, 10, &query->secs)) {
                return xasprintf("-secs takes a number of seconds, not "
                                 "\"%s\"", value);
            }
            i++;
        } else if (query->what == OVL_PMD_SHOW_PERF
                   && !strcmp(argv[i], "-nh")) {
            query->brief = true;
        } else if (strcmp(argv[i], OVL_DP_NAME)) {
            return xasprintf("%s: no such option, and the one datapath is "
                             OVL_DP_NAME, argv[i]);
        }
    }
    return NULL;
}

static void
pmd_unixctl(struct unixctl_conn *conn, int argc, const char *argv[],
            void *what)
{
    struct ovl_pmd_query query = {
        .what = (uintptr_t) what,
        .core_id = OVS_CORE_UNSPEC,
    };
    char *error = parse_pmd_query(argc, argv, &query);

    if (error) {
        unixctl_command_reply_error(conn, error);
        free(error);
    } else {
        struct ds s = DS_EMPTY_INITIALIZER;

        if (ovl_datapath_pmd_show(dp, &query, &s)) {
            unixctl_command_reply(conn, ds_cstr(&s));
        } else {
            ds_put_format(&s, "no PMD thread runs on core %u: "
                          "dpif-overlay/pmd-rxq-show says which there are",
                          query.core_id);
            unixctl_command_reply_error(conn, ds_cstr(&s));
        }
        ds_destroy(&s);
    }
}

static void
rebalance_unixctl(struct unixctl_conn *conn, int argc, const char *argv[],
                  void *aux OVS_UNUSED)
{
    if (argc > 1 && strcmp(argv[1], OVL_DP_NAME)) {
        unixctl_command_reply_error(conn, "the one datapath is "OVL_DP_NAME);
    } else {
        struct ds s = DS_EMPTY_INITIALIZER;

        ovl_datapath_rebalance(dp, &s);
        unixctl_command_reply(conn, ds_cstr(&s));
        ds_destroy(&s);
    }
}

static void
register_commands(void)
{
    unixctl_command_register("dpif-overlay/pmd-stats-show",
                             "[-pmd core] [dp]", 0, 3, pmd_unixctl,
                             (void *) OVL_PMD_SHOW_STATS);
    unixctl_command_register("dpif-overlay/pmd-stats-clear",
                             "[-pmd core] [dp]", 0, 3, pmd_unixctl,
                             (void *) OVL_PMD_CLEAR_STATS);
    unixctl_command_register("dpif-overlay/pmd-rxq-show",
                             "[-pmd core] [-secs secs] [dp]", 0, 5,
                             pmd_unixctl, (void *) OVL_PMD_SHOW_RXQS);
    unixctl_command_register("dpif-overlay/pmd-perf-show",
                             "[-nh] [-pmd core] [dp]", 0, 4, pmd_unixctl,
                             (void *) OVL_PMD_SHOW_PERF);
    unixctl_command_register("dpif-overlay/pmd-rxq-rebalance", "[dp]", 0, 1,
                             rebalance_unixctl, NULL);
}

void
ovl_dp_init(void)
{
    /* Asking for the types has OVS set up its datapath module (router,
     * tunnel neighbors) and tells whether dummies are enabled. */
    struct sset types = SSET_INITIALIZER(&types);
    dp_enumerate_types(&types);
    dummy_mode = sset_contains(&types, "dummy");
    sset_destroy(&types);

    dp = ovl_datapath_create();
    dp_register_provider(&dpif_overlay_class);
    register_commands();
}

void
ovl_dp_exit(void)
{
    ovl_datapath_destroy(dp);
    dp = NULL;
}

struct ovl_forwarding *
ovl_dp_forwarding(void)
{
    return ovl_datapath_forwarding(dp);
}

uint64_t
ovl_dp_ports(struct ovl_lport ***ports, size_t *n)
{
    return ovl_datapath_ports(dp, ports, n);
}

uint64_t
ovl_dp_ports_version(void)
{
    return ovl_datapath_ports_version(dp);
}

struct seq *
ovl_dp_ports_seq(void)
{
    return ovl_datapath_ports_seq(dp);
}

struct ovl_lport *
ovl_dp_port_by_name(const char *name)
{
    return ovl_datapath_port_by_name(dp, name);
}

bool
ovl_dp_port_fault(const char *name, char **fault)
{
    return ovl_datapath_port_fault(dp, name, fault);
}

void
ovl_dp_port_request_mtu(const char *name, int64_t mtu)
{
    ovl_datapath_port_request_mtu(dp, name, mtu);
}

void
ovl_dp_port_set_netdev(struct netdev *netdev)
{
    ovl_datapath_port_set_netdev(dp, netdev_get_name(netdev), netdev);
}

void
ovl_dp_tables_ready(void)
{
    ovl_datapath_set_ready(dp);
}

uint64_t
ovl_dp_underlay_followed(void)
{
    return ovl_datapath_underlay_followed(dp);
}

struct seq *
ovl_dp_underlay_seq(void)
{
    return ovl_datapath_underlay_seq(dp);
}

void
ovl_dp_vtep_state(const struct in6_addr *vtep, struct ds *state,
                  struct ds *next_hop)
{
    ovl_datapath_format_vtep(dp, vtep, state, next_hop);
}
