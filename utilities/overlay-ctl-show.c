/* SPDX-License-Identifier: Apache-2.0 */

/* "overlay-ctl show": what there is, and what is wrong with it, on a screen.
 *
 * Most comes from the database.  Whether a VTEP can be reached only the
 * daemon knows: if it answers on its control socket, we ask it. */

#include <config.h>

#include "overlay-ctl.h"

#include <errno.h>
#include <string.h>

#include "daemon.h"
#include "dirs.h"
#include "hash.h"
#include "jsonrpc.h"
#include "lib/vswitch-idl.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/hmap.h"
#include "openvswitch/json.h"
#include "openvswitch/vlog.h"
#include "ovsdb-data.h"
#include "ovsdb-idl.h"
#include "smap.h"
#include "svec.h"
#include "unixctl.h"
#include "util.h"

/* Rows in error beyond this many are only counted. */
#define MAX_ERRORS 20

static void
pre_show(struct ctl_context *ctx)
{
    static const struct ovsdb_idl_column *const columns[] = {
        &ovsrec_open_vswitch_col_bridges,
        &ovsrec_bridge_col_name,
        &ovsrec_bridge_col_datapath_type,
        &ovsrec_bridge_col_ports,
        &ovsrec_bridge_col_overlay_vtep_ips,
        &ovsrec_bridge_col_overlay_uplinks,
        &ovsrec_bridge_col_overlay_gateway_mac,
        &ovsrec_bridge_col_overlay_router_mac,
        &ovsrec_bridge_col_overlay_error,
        &ovsrec_bridge_col_overlay_status,
        &ovsrec_port_col_name,
        &ovsrec_port_col_overlay_vni,
        &ovsrec_port_col_overlay_addresses,
        &ovsrec_port_col_overlay_vlan_bindings,
        &ovsrec_port_col_overlay_error,
        &ovsrec_overlay_binding_col_iface,
        &ovsrec_overlay_binding_col_vni,
        &ovsrec_overlay_binding_col_addresses,
        &ovsrec_overlay_binding_col_error,
        &ovsrec_overlay_network_col_vni,
        &ovsrec_overlay_network_col_name,
        &ovsrec_overlay_network_col_vrf,
        &ovsrec_overlay_network_col_gateway_ips,
        &ovsrec_overlay_network_col_gateway_mac,
        &ovsrec_overlay_network_col_flood_vteps,
        &ovsrec_overlay_network_col_error,
        &ovsrec_overlay_route_col_vrf,
        &ovsrec_overlay_route_col_prefix,
        &ovsrec_overlay_route_col_error,
        &ovsrec_overlay_neighbor_col_vni,
        &ovsrec_overlay_neighbor_col_ip,
        &ovsrec_overlay_neighbor_col_error,
        &ovsrec_overlay_mac_col_vni,
        &ovsrec_overlay_mac_col_mac,
        &ovsrec_overlay_mac_col_vtep,
        &ovsrec_overlay_mac_col_error,
    };

    for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
        ovsdb_idl_add_column(ctx->idl, columns[i]);
    }
}

/* Counts per key, a VNI or the text of an address. */

struct count {
    struct hmap_node node;
    char *key;
    size_t n;
};

static void
count_add(struct hmap *counts, const char *key)
{
    uint32_t hash = hash_string(key, 0);
    struct count *c;

    HMAP_FOR_EACH_WITH_HASH (c, node, hash, counts) {
        if (!strcmp(c->key, key)) {
            c->n++;
            return;
        }
    }
    c = xmalloc(sizeof *c);
    *c = (struct count) { .key = xstrdup(key), .n = 1 };
    hmap_insert(counts, &c->node, hash);
}

static void
count_add_vni(struct hmap *counts, int64_t vni)
{
    char key[24];

    snprintf(key, sizeof key, "%"PRId64, vni);
    count_add(counts, key);
}

static size_t
count_get(const struct hmap *counts, const char *key)
{
    const struct count *c;

    HMAP_FOR_EACH_WITH_HASH (c, node, hash_string(key, 0), counts) {
        if (!strcmp(c->key, key)) {
            return c->n;
        }
    }
    return 0;
}

static size_t
count_get_vni(const struct hmap *counts, int64_t vni)
{
    char key[24];

    snprintf(key, sizeof key, "%"PRId64, vni);
    return count_get(counts, key);
}

static void
counts_destroy(struct hmap *counts)
{
    struct count *c;

    HMAP_FOR_EACH_POP (c, node, counts) {
        free(c->key);
        free(c);
    }
    hmap_destroy(counts);
}

/* The daemon. */

/* Runs 'command' with argument "--json" in the daemon and returns its answer,
 * which the caller must destroy; NULL if there is none, or no daemon. */
static struct json *
ask_daemon(const char *command)
{
    char *pidfile = xasprintf("%s/ovs-vswitchd.pid", ovs_rundir());
    char *arg = xstrdup("--json");
    struct json *json = NULL;
    struct jsonrpc *client;
    char *result = NULL;
    char *error = NULL;

    /* It is not worth a warning if the daemon does not run. */
    vlog_set_levels_from_string_assert("daemon_unix:off");
    vlog_set_levels_from_string_assert("unixctl:off");
    pid_t pid = read_pidfile(pidfile);
    char *path = xasprintf("%s/ovs-vswitchd.%ld.ctl", ovs_rundir(),
                           (long int) pid);
    if (pid > 0 && !unixctl_client_create(path, &client)) {
        if (!unixctl_client_transact(client, command, 1, &arg, &result,
                                     &error) && result) {
            json = json_from_string(result);
            if (json->type == JSON_STRING) {
                json_destroy(json);
                json = NULL;
            }
        }
        jsonrpc_close(client);
    }
    free(result);
    free(error);
    free(path);
    free(arg);
    free(pidfile);
    return json;
}

static const char *
json_member(const struct json *object, const char *name)
{
    const struct json *member = (object->type == JSON_OBJECT
                                 ? shash_find_data(object->object, name)
                                 : NULL);

    return member && member->type == JSON_STRING ? json_string(member) : "";
}

static void
show_vteps(struct ctl_context *ctx)
{
    struct json *vteps = overlay_ctl_db_is_default
                         ? ask_daemon("overlay/vteps") : NULL;

    if (vteps && vteps->type == JSON_ARRAY && vteps->array.n) {
        ds_put_cstr(&ctx->output, "VTEPs\n");
        for (size_t i = 0; i < vteps->array.n; i++) {
            const struct json *v = vteps->array.elems[i];
            const char *next_hop = json_member(v, "next_hop");

            ds_put_format(&ctx->output, "    %-15s %s",
                          json_member(v, "vtep"), json_member(v, "state"));
            const struct json *mtu = (v->type == JSON_OBJECT
                                      ? shash_find_data(v->object, "mtu")
                                      : NULL);
            if (mtu && mtu->type == JSON_INTEGER) {
                ds_put_format(&ctx->output, ", MTU %"PRId64,
                              json_integer(mtu));
            }
            ds_put_format(&ctx->output, "%s%s\n",
                          next_hop[0] ? ", via " : "", next_hop);
        }
    } else if (!vteps) {
        struct hmap counts = HMAP_INITIALIZER(&counts);
        const struct ovsrec_overlay_network *net;
        const struct ovsrec_overlay_mac *mac;
        struct count *c;

        OVSREC_OVERLAY_NETWORK_FOR_EACH (net, ctx->idl) {
            for (size_t i = 0; i < net->n_flood_vteps; i++) {
                count_add(&counts, net->flood_vteps[i]);
            }
        }
        OVSREC_OVERLAY_MAC_FOR_EACH (mac, ctx->idl) {
            count_add(&counts, mac->vtep);
        }
        if (!hmap_is_empty(&counts)) {
            ds_put_cstr(&ctx->output, "VTEPs (state unknown: ovs-vswitchd "
                        "does not answer)\n");
        }
        HMAP_FOR_EACH (c, node, &counts) {
            ds_put_format(&ctx->output, "    %s\n", c->key);
        }
        counts_destroy(&counts);
    }
    json_destroy(vteps);
}

/* The database. */

static void
put_words(struct ds *s, const char *label, char **words, size_t n)
{
    if (n) {
        ds_put_format(s, "    %s:", label);
        for (size_t i = 0; i < n; i++) {
            ds_put_format(s, "%s %s", i ? "," : "", words[i]);
        }
        ds_put_char(s, '\n');
    }
}

static void
show_bridges(struct ctl_context *ctx)
{
    const struct ovsrec_bridge *br;
    struct ds *s = &ctx->output;
    bool any = false;

    OVSREC_BRIDGE_FOR_EACH (br, ctx->idl) {
        if (strcmp(br->datapath_type, "overlay")) {
            continue;
        }
        any = true;
        ds_put_format(s, "bridge %s\n", br->name);
        if (br->overlay_error) {
            ds_put_format(s, "    error: %s\n", br->overlay_error);
        }
        put_words(s, "VTEP addresses", br->overlay_vtep_ips,
                  br->n_overlay_vtep_ips);
        put_words(s, "uplinks", br->overlay_uplinks, br->n_overlay_uplinks);
        if (br->overlay_gateway_mac) {
            ds_put_format(s, "    gateway MAC: %s\n", br->overlay_gateway_mac);
        }
        if (br->overlay_router_mac) {
            ds_put_format(s, "    router MAC: %s\n", br->overlay_router_mac);
        }
        if (!smap_is_empty(&br->overlay_status)) {
            const struct smap_node **nodes = smap_sort(&br->overlay_status);

            ds_put_cstr(s, "    status:");
            for (size_t i = 0; i < smap_count(&br->overlay_status); i++) {
                ds_put_format(s, "%s %s=%s", i ? "," : "",
                              nodes[i]->key, nodes[i]->value);
            }
            ds_put_char(s, '\n');
            free(nodes);
        }
    }
    if (!any) {
        ds_put_cstr(s, "no overlay bridge\n");
    }
}

static void
put_port(struct ds *s, const char *name, const char *suffix, char **addresses,
         size_t n_addresses, const char *error)
{
    ds_put_format(s, "    port %s%s", name, suffix);
    for (size_t i = 0; i < n_addresses; i++) {
        ds_put_format(s, "%s %s", i ? "," : ":", addresses[i]);
    }
    ds_put_format(s, "%s%s\n", error ? "  error: " : "", error ? error : "");
}

static void
show_ports(struct ctl_context *ctx, int64_t vni)
{
    struct sorted_rows rows;

    sorted_rows_init(&rows, ctx->idl, &ovsrec_table_port,
                     &ovsrec_port_col_name, NULL);
    for (size_t i = 0; i < rows.n; i++) {
        const struct ovsrec_port *p
            = CONTAINER_OF(rows.rows[i], struct ovsrec_port, header_);

        if (p->n_overlay_vni && p->overlay_vni[0] == vni) {
            put_port(&ctx->output, p->name, "", p->overlay_addresses,
                     p->n_overlay_addresses, p->overlay_error);
        }
        for (size_t j = 0; j < p->n_overlay_vlan_bindings; j++) {
            if (p->value_overlay_vlan_bindings[j] == vni) {
                char *vlan = xasprintf(" VLAN %"PRId64,
                                       p->key_overlay_vlan_bindings[j]);

                put_port(&ctx->output, p->name, vlan, NULL, 0,
                         p->overlay_error);
                free(vlan);
            }
        }
    }
    sorted_rows_destroy(&rows);

    const struct ovsrec_overlay_binding *b;
    OVSREC_OVERLAY_BINDING_FOR_EACH (b, ctx->idl) {
        if (b->vni == vni) {
            put_port(&ctx->output, b->iface, " (Overlay_Binding)",
                     b->addresses, b->n_addresses, b->error);
        }
    }
}

static void
show_networks(struct ctl_context *ctx)
{
    struct hmap macs = HMAP_INITIALIZER(&macs);
    struct hmap neighbors = HMAP_INITIALIZER(&neighbors);
    const struct ovsrec_overlay_neighbor *neighbor;
    const struct ovsrec_overlay_mac *mac;
    struct ds *s = &ctx->output;
    struct sorted_rows rows;

    OVSREC_OVERLAY_MAC_FOR_EACH (mac, ctx->idl) {
        count_add_vni(&macs, mac->vni);
    }
    OVSREC_OVERLAY_NEIGHBOR_FOR_EACH (neighbor, ctx->idl) {
        count_add_vni(&neighbors, neighbor->vni);
    }

    sorted_rows_init(&rows, ctx->idl, &ovsrec_table_overlay_network,
                     &ovsrec_overlay_network_col_vni, NULL);
    for (size_t i = 0; i < rows.n; i++) {
        const struct ovsrec_overlay_network *net
            = CONTAINER_OF(rows.rows[i], struct ovsrec_overlay_network,
                           header_);

        ds_put_format(s, "network %"PRId64, net->vni);
        if (net->name[0]) {
            ds_put_format(s, " \"%s\"", net->name);
        }
        if (net->vrf[0]) {
            ds_put_format(s, ", VRF %s", net->vrf);
        }
        ds_put_format(s, ": %"PRIuSIZE" MAC rows, %"PRIuSIZE" neighbor "
                      "rows\n", count_get_vni(&macs, net->vni),
                      count_get_vni(&neighbors, net->vni));
        put_words(s, "gateway", net->gateway_ips, net->n_gateway_ips);
        if (net->gateway_mac) {
            ds_put_format(s, "    gateway MAC: %s\n", net->gateway_mac);
        }
        put_words(s, "flood", net->flood_vteps, net->n_flood_vteps);
        show_ports(ctx, net->vni);
    }
    sorted_rows_destroy(&rows);

    counts_destroy(&macs);
    counts_destroy(&neighbors);
}

/* VRFs: what is connected, and how many routes there are. */

static void
put_vrf_networks(struct ds *s, const struct sorted_rows *networks,
                 const char *vrf)
{
    for (size_t i = 0; i < networks->n; i++) {
        const struct ovsrec_overlay_network *net
            = CONTAINER_OF(networks->rows[i], struct ovsrec_overlay_network,
                           header_);

        if (strcmp(net->vrf, vrf)) {
            continue;
        }
        ds_put_format(s, "    network %"PRId64":", net->vni);
        for (size_t j = 0; j < net->n_gateway_ips; j++) {
            ds_put_format(s, "%s %s", j ? "," : "", net->gateway_ips[j]);
        }
        ds_put_format(s, "%s%s\n", net->n_gateway_ips ? "" : " no gateway",
                      net->error ? " (not in force)" : "");
    }
}

static void
show_vrfs(struct ctl_context *ctx)
{
    struct hmap routes = HMAP_INITIALIZER(&routes);
    struct hmap faults = HMAP_INITIALIZER(&faults);
    const struct ovsrec_overlay_route *route;
    struct svec vrfs = SVEC_EMPTY_INITIALIZER;
    struct ds *s = &ctx->output;
    struct sorted_rows networks;
    const struct count *c;

    sorted_rows_init(&networks, ctx->idl, &ovsrec_table_overlay_network,
                     &ovsrec_overlay_network_col_vni, NULL);
    OVSREC_OVERLAY_ROUTE_FOR_EACH (route, ctx->idl) {
        count_add(&routes, route->vrf);
        if (route->error) {
            count_add(&faults, route->vrf);
        }
    }
    HMAP_FOR_EACH (c, node, &routes) {
        svec_add(&vrfs, c->key);
    }
    for (size_t i = 0; i < networks.n; i++) {
        const char *vrf
            = CONTAINER_OF(networks.rows[i], struct ovsrec_overlay_network,
                           header_)->vrf;

        if (vrf[0]) {
            svec_add(&vrfs, vrf);
        }
    }
    svec_sort_unique(&vrfs);

    for (size_t i = 0; i < vrfs.n; i++) {
        size_t n_faults = count_get(&faults, vrfs.names[i]);

        ds_put_format(s, "VRF %s: %"PRIuSIZE" route rows", vrfs.names[i],
                      count_get(&routes, vrfs.names[i]));
        if (n_faults) {
            ds_put_format(s, ", %"PRIuSIZE" of them with an error", n_faults);
        }
        ds_put_char(s, '\n');
        put_vrf_networks(s, &networks, vrfs.names[i]);
    }
    sorted_rows_destroy(&networks);
    svec_destroy(&vrfs);
    counts_destroy(&routes);
    counts_destroy(&faults);
}

/* An error names table, row, column and value. */
static void
put_error(struct ctl_context *ctx, const char *error, size_t *n)
{
    if (error) {
        if (!*n) {
            ds_put_cstr(&ctx->output, "rows that are not in force\n");
        }
        if (*n < MAX_ERRORS) {
            ds_put_format(&ctx->output, "    %s\n", error);
        }
        ++*n;
    }
}

static void
show_errors(struct ctl_context *ctx)
{
    const struct ovsrec_overlay_neighbor *neighbor;
    const struct ovsrec_overlay_binding *binding;
    const struct ovsrec_overlay_network *net;
    const struct ovsrec_overlay_route *route;
    const struct ovsrec_overlay_mac *mac;
    const struct ovsrec_port *port;
    size_t n = 0;

    OVSREC_PORT_FOR_EACH (port, ctx->idl) {
        put_error(ctx, port->overlay_error, &n);
    }
    OVSREC_OVERLAY_BINDING_FOR_EACH (binding, ctx->idl) {
        put_error(ctx, binding->error, &n);
    }
    OVSREC_OVERLAY_NETWORK_FOR_EACH (net, ctx->idl) {
        put_error(ctx, net->error, &n);
    }
    OVSREC_OVERLAY_ROUTE_FOR_EACH (route, ctx->idl) {
        put_error(ctx, route->error, &n);
    }
    OVSREC_OVERLAY_NEIGHBOR_FOR_EACH (neighbor, ctx->idl) {
        put_error(ctx, neighbor->error, &n);
    }
    OVSREC_OVERLAY_MAC_FOR_EACH (mac, ctx->idl) {
        put_error(ctx, mac->error, &n);
    }
    if (n > MAX_ERRORS) {
        ds_put_format(&ctx->output, "    and %"PRIuSIZE" more\n",
                      n - MAX_ERRORS);
    }
}

static void
cmd_show(struct ctl_context *ctx)
{
    show_bridges(ctx);
    show_vteps(ctx);
    show_networks(ctx);
    show_vrfs(ctx);
    show_errors(ctx);
}

const struct ctl_command_syntax overlay_ctl_show_command[] = {
    {"show", 0, 0, "", pre_show, cmd_show, NULL, "", RO},
    {NULL, 0, 0, NULL, NULL, NULL, NULL, NULL, RO},
};
