/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: ovl_unixctl_.
 *
 * Each listing command is a row of 'listings': which list it shows and by
 * what it can be filtered.  show, counters, trace and db-status are made of
 * several parts and have a function each. */

#include <config.h>

#include "overlay-unixctl.h"

#include <ctype.h>
#include <errno.h>

#include "counters.h"
#include "dp-packet.h"
#include "dpif-overlay.h"
#include "flow.h"
#include "forwarding.h"
#include "grid.h"
#include "netdev.h"
#include "odp-util.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "openvswitch/ofp-flow.h"
#include "openvswitch/ofpbuf.h"
#include "overlay-db.h"
#include "overlay-types.h"
#include "packets.h"
#include "pipeline-trace.h"
#include "pkt-edit.h"
#include "text-parse.h"
#include "unixctl-lists.h"
#include "unixctl.h"
#include "util.h"

/* Arguments. */

enum key {
    KEY_VNI = 1 << 0,
    KEY_PORT = 1 << 1,
    KEY_MAC = 1 << 2,
    KEY_IP = 1 << 3,
    KEY_VRF = 1 << 4,
    KEY_PREFIX = 1 << 5,
};

struct args {
    bool json;
    unsigned int given;         /* Keys. */
    struct ovl_filter filter;
    struct in6_addr ip;         /* What 'filter.ip' points to... */
    struct ovl_prefix within;   /* ...and 'filter.within'. */
};

static char *
parse_vni(const char *s, struct args *args)
{
    unsigned int vni;

    if (!str_to_uint(s, 10, &vni) || vni < OVL_VNI_MIN || vni > OVL_VNI_MAX) {
        return xasprintf("\"%s\" is not a VNI (1 to 16777215)", s);
    }
    args->filter.vni = vni;
    return NULL;
}

static char *
parse_mac(const char *s, struct args *args)
{
    struct eth_addr mac;

    if (!eth_addr_from_string(s, &mac)) {
        return xasprintf("\"%s\" is not a MAC address", s);
    }
    args->filter.mac = s;
    return NULL;
}

static char *
parse_ip(const char *s, struct args *args)
{
    ovs_be32 ip4;

    if (ip_parse(s, &ip4)) {
        in6_addr_set_mapped_ipv4(&args->ip, ip4);
    } else if (!ipv6_parse(s, &args->ip)) {
        return xasprintf("\"%s\" is not an IP address", s);
    }
    args->filter.ip = &args->ip;
    return NULL;
}

static char *
parse_prefix(const char *s, struct args *args)
{
    struct ovl_prefix *p = &args->within;
    const char *why = ovl_text_to_ip_len(s, &p->addr, &p->plen);

    if (!why && ovl_prefix_has_host_bits(&p->addr, p->plen)) {
        why = "has host bits set";
    }
    args->filter.within = p;
    return why ? xasprintf("\"%s\": %s", s, why) : NULL;
}

static char *
parse_value(enum key key, const char *value, struct args *args)
{
    if (args->given & key) {
        return xasprintf("\"%s\" is one value too many", value);
    }
    args->given |= key;

    switch (key) {
    case KEY_VNI:
        return parse_vni(value, args);
    case KEY_PORT:
        args->filter.port = value;
        return NULL;
    case KEY_MAC:
        return parse_mac(value, args);
    case KEY_IP:
        return parse_ip(value, args);
    case KEY_VRF:
        args->filter.vrf = value;
        return NULL;
    case KEY_PREFIX:
        return parse_prefix(value, args);
    }
    OVS_NOT_REACHED();
}

static const struct {
    enum key key;
    const char *prefix;
} prefixes[] = {
    { KEY_VNI, "vni=" },
    { KEY_PORT, "port=" },
    { KEY_MAC, "mac=" },
    { KEY_IP, "ip=" },
    { KEY_VRF, "vrf=" },
    { KEY_PREFIX, "prefix=" },
};

/* Parses one argument.  A bare value is one of key 'bare'; after a VRF, it is
 * an IP or a prefix. */
static char *
parse_arg(const char *arg, unsigned int keys, enum key bare,
          struct args *args)
{
    if (!strcmp(arg, "--json")) {
        args->json = true;
        return NULL;
    }
    for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
        size_t len = strlen(prefixes[i].prefix);

        if (keys & prefixes[i].key && !strncmp(arg, prefixes[i].prefix, len)) {
            return parse_value(prefixes[i].key, arg + len, args);
        }
    }
    if (!bare || arg[0] == '-' || strchr(arg, '=')) {
        struct ds error = DS_EMPTY_INITIALIZER;

        ds_put_format(&error, "\"%s\" is not understood; there are --json",
                      arg);
        for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
            if (keys & prefixes[i].key) {
                ds_put_format(&error, ", %s...", prefixes[i].prefix);
            }
        }
        return ds_steal_cstr(&error);
    }
    if (bare == KEY_VRF && args->given & KEY_VRF) {
        bare = strchr(arg, '/') ? KEY_PREFIX : KEY_IP;
    }
    return parse_value(bare, arg, args);
}

/* Returns true if all is well, otherwise replies with the error. */
static bool
parse_args(struct unixctl_conn *conn, int argc, const char *argv[],
           unsigned int keys, enum key bare, struct args *args)
{
    *args = (struct args) { .json = false };
    for (int i = 1; i < argc; i++) {
        char *error = parse_arg(argv[i], keys, bare, args);

        if (error) {
            unixctl_command_reply_error(conn, error);
            free(error);
            return false;
        }
    }
    return true;
}

/* Replies. */

static void
reply_json(struct unixctl_conn *conn, struct json *json)
{
    char *s = json_to_string(json, JSSF_SORT);

    unixctl_command_reply(conn, s);
    free(s);
    json_destroy(json);
}

static void
reply_ds(struct unixctl_conn *conn, struct ds *s)
{
    unixctl_command_reply(conn, ds_cstr(s));
    ds_destroy(s);
}

/* Lists. */

struct listing {
    const char *name;
    const char *usage;
    void (*list)(const struct ovl_filter *, struct ovl_grid *);
    unsigned int keys;
    enum key bare;
};

static const struct listing listings[] = {
    { "overlay/networks", "[VNI] [--json]", ovl_list_networks,
      KEY_VNI, KEY_VNI },
    { "overlay/macs", "[VNI] [mac=MAC] [port=PORT] [ip=VTEP] [--json]",
      ovl_list_macs, KEY_VNI | KEY_MAC | KEY_PORT | KEY_IP, KEY_VNI },
    { "overlay/neighbors", "[VNI] [ip=IP] [mac=MAC] [--json]",
      ovl_list_neighbors, KEY_VNI | KEY_IP | KEY_MAC, KEY_VNI },
    { "overlay/fib", "[VRF] [IP | PREFIX] [--json]", ovl_list_fib,
      KEY_VRF | KEY_IP | KEY_PREFIX, KEY_VRF },
    { "overlay/vteps", "[IP] [--json]", ovl_list_vteps, KEY_IP, KEY_IP },
    { "overlay/ports", "[PORT] [--json]", ovl_list_ports, KEY_PORT, KEY_PORT },
    { "overlay/drops", "[PORT] [vni=VNI] [--json]", ovl_list_drops,
      KEY_PORT | KEY_VNI, KEY_PORT },
};

static void
unixctl_list(struct unixctl_conn *conn, int argc, const char *argv[],
             void *listing_)
{
    const struct listing *listing = listing_;
    struct ovl_grid g;
    struct args args;

    if (!parse_args(conn, argc, argv, listing->keys, listing->bare, &args)) {
        return;
    }
    listing->list(&args.filter, &g);
    if (!g.error && !args.json) {
        /* Scripts wait for things to come and go. */
        g.error = ovl_check_filter(&args.filter);
    }
    if (g.error) {
        unixctl_command_reply_error(conn, g.error);
    } else if (args.json) {
        reply_json(conn, ovl_grid_to_json(&g));
    } else {
        struct ds s = DS_EMPTY_INITIALIZER;

        ovl_grid_to_text(&g, &s);
        reply_ds(conn, &s);
    }
    ovl_grid_destroy(&g);
}

/* Counters. */

static const struct {
    const char *name;
    void (*list)(const struct ovl_filter *, struct ovl_grid *);
} traffic_lists[] = {
    { "ports", ovl_list_port_traffic },
    { "networks", ovl_list_network_traffic },
    { "vteps", ovl_list_vtep_traffic },
};

/* Turns an array of objects into one object, with the value of the first
 * column, named 'key', as keys. */
static struct json *
index_by(struct json *rows, const char *key)
{
    struct json *object = json_object_create();

    for (size_t i = 0; i < rows->array.n; i++) {
        struct json *row = json_deep_clone(rows->array.elems[i]);
        struct json *name = shash_find_and_delete(json_object(row), key);

        json_object_put(object, json_string(name), row);
        json_destroy(name);
    }
    json_destroy(rows);
    return object;
}

static struct json *
totals_to_json(void)
{
    struct json *totals = json_object_create();

    for (int i = 0; i < OVL_N_TOTALS; i++) {
        json_object_put(totals, ovl_total_name(i),
                        json_integer_create(ovl_counter_read(i)));
    }
    return totals;
}

static struct json *
events_to_json(void)
{
    struct json *events = json_object_create();

    for (int i = OVL_N_TOTALS; i < OVL_EVENTS_END; i++) {
        json_object_put(events, ovl_event_name(i),
                        json_integer_create(ovl_counter_read(i)));
    }
    return events;
}

static struct json *
counters_to_json(const struct ovl_filter *filter)
{
    struct json *counters = totals_to_json();

    json_object_put(counters, "totals", totals_to_json());
    json_object_put(counters, "events", events_to_json());
    for (size_t i = 0; i < ARRAY_SIZE(traffic_lists); i++) {
        struct ovl_grid g;

        traffic_lists[i].list(filter, &g);
        json_object_put(counters, traffic_lists[i].name,
                        index_by(ovl_grid_to_json(&g), g.columns[0]));
        ovl_grid_destroy(&g);
    }
    return counters;
}

static void
counters_to_text(const struct ovl_filter *filter, struct ds *s)
{
    for (size_t i = 0; i < ARRAY_SIZE(traffic_lists); i++) {
        struct ovl_grid g;

        traffic_lists[i].list(filter, &g);
        ovl_grid_to_text(&g, s);
        ovl_grid_destroy(&g);
        ds_put_char(s, '\n');
    }
    for (int i = 0; i < OVL_N_TOTALS; i++) {
        ds_put_format(s, "%s%s %"PRIu64, i ? ", " : "", ovl_total_name(i),
                      ovl_counter_read(i));
    }
    ds_put_char(s, '\n');
    for (int i = OVL_N_TOTALS; i < OVL_EVENTS_END; i++) {
        ds_put_format(s, "%s%s %"PRIu64, i > OVL_N_TOTALS ? ", " : "",
                      ovl_event_name(i), ovl_counter_read(i));
    }
    ds_put_char(s, '\n');
}

static void
unixctl_counters(struct unixctl_conn *conn, int argc, const char *argv[],
                 void *aux OVS_UNUSED)
{
    struct args args;

    if (!parse_args(conn, argc, argv, KEY_VNI | KEY_PORT | KEY_IP, 0,
                    &args)) {
        return;
    }
    if (args.json) {
        reply_json(conn, counters_to_json(&args.filter));
    } else {
        struct ds s = DS_EMPTY_INITIALIZER;

        counters_to_text(&args.filter, &s);
        reply_ds(conn, &s);
    }
}

/* The session. */

static struct json *
db_status_to_json(const struct ovl_db_status *status)
{
    const struct {
        const char *name;
        int64_t value;
    } numbers[] = {
        { "next_cfg", status->next_cfg },
        { "settled_cfg", status->hold.settled ? status->hold.settled_cfg : 0 },
        { "commits", status->n_commits },
        { "resyncs", status->n_resyncs },
        { "transactions", status->n_txns },
        { "transactions_failed", status->n_txns_failed },
        { "cfg_timeouts", status->hold.n_timeouts },
        { "last_commit_us", status->last_commit_us },
        { "max_commit_us", status->max_commit_us },
    };
    struct json *json = json_object_create();

    json_object_put_string(json, "session",
                           ovl_session_to_string(status->hold.session));
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        json_object_put(json, numbers[i].name,
                        json_integer_create(numbers[i].value));
    }
    return json;
}

static void
put_db_status(const struct ovl_db_status *status, struct ds *s)
{
    ds_put_format(s, "session: %s\n",
                  ovl_session_to_string(status->hold.session));
    ds_put_format(s, "rows in force: up to next_cfg %"PRId64"; %"PRIu64
                  " commits, %"PRIu64" full comparisons\n",
                  status->next_cfg, status->n_commits, status->n_resyncs);
    ds_put_format(s, "last commit: %u us, longest %u us\n",
                  status->last_commit_us, status->max_commit_us);
    ds_put_format(s, "written: %"PRIu64" transactions, %"PRIu64" failed\n",
                  status->n_txns, status->n_txns_failed);
    if (status->hold.n_timeouts) {
        ds_put_format(s, "cur_cfg not waited for: %"PRIu64" times\n",
                      status->hold.n_timeouts);
    }
}

static void
unixctl_db_status(struct unixctl_conn *conn, int argc, const char *argv[],
                  void *aux OVS_UNUSED)
{
    struct ovl_db_status status;
    struct args args;

    if (!parse_args(conn, argc, argv, 0, 0, &args)) {
        return;
    }
    ovl_db_get_status(&status);
    if (args.json) {
        reply_json(conn, db_status_to_json(&status));
    } else {
        struct ds s = DS_EMPTY_INITIALIZER;

        put_db_status(&status, &s);
        reply_ds(conn, &s);
    }
}

/* Everything on one screen. */

static const struct {
    const char *name;
    void (*list)(const struct ovl_filter *, struct ovl_grid *);
} show_lists[] = {
    { "ports", ovl_list_ports },
    { "networks", ovl_list_networks },
    { "vteps", ovl_list_vteps },
    { "drops", ovl_list_drops },
};

static void
put_vtep_ip(struct json *array, const struct in6_addr *ip)
{
    if (ipv6_addr_is_set(ip)) {
        struct ds s = DS_EMPTY_INITIALIZER;

        ipv6_format_mapped(ip, &s);
        json_array_add(array, json_string_create_nocopy(ds_steal_cstr(&s)));
    }
}

static struct json *
port_to_json(const struct ovl_lport *port)
{
    return port ? json_string_create(port->name) : json_null_create();
}

static struct json *
config_to_json(const struct ovl_config *config)
{
    struct json *json = json_object_create();
    struct json *ips = json_array_create_empty();

    put_vtep_ip(ips, &config->vtep4);
    put_vtep_ip(ips, &config->vtep6);
    json_object_put(json, "bridge", port_to_json(config->local));
    json_object_put(json, "uplink", port_to_json(config->uplink));
    json_object_put(json, "vtep_ips", ips);
    json_object_put(json, "vxlan_port",
                    json_integer_create(config->vxlan_port));
    json_object_put(json, "ttl", json_integer_create(config->ttl));
    if (config->dscp_inherit) {
        json_object_put_string(json, "dscp", "inherit");
    } else {
        json_object_put(json, "dscp", json_integer_create(config->tos >> 2));
    }
    return json;
}

static void
put_config(const struct ovl_config *config, struct ds *s)
{
    ds_put_format(s, "bridge %s, uplink %s, VTEP",
                  config->local ? config->local->name : "(no LOCAL port)",
                  config->uplink ? config->uplink->name : "(none)");
    if (ipv6_addr_is_set(&config->vtep4)) {
        ds_put_char(s, ' ');
        ipv6_format_mapped(&config->vtep4, s);
    }
    if (ipv6_addr_is_set(&config->vtep6)) {
        ds_put_char(s, ' ');
        ipv6_format_mapped(&config->vtep6, s);
    }
    if (!ipv6_addr_is_set(&config->vtep4)
        && !ipv6_addr_is_set(&config->vtep6)) {
        ds_put_cstr(s, " (none)");
    }
    ds_put_format(s, ", UDP port %u, TTL %u, DSCP ", config->vxlan_port,
                  config->ttl);
    if (config->dscp_inherit) {
        ds_put_cstr(s, "inherit\n");
    } else {
        ds_put_format(s, "%d\n", config->tos >> 2);
    }
}

static void
show_as_json(struct unixctl_conn *conn, const struct ovl_config *config)
{
    static const struct ovl_filter all;
    struct json *json = config_to_json(config);
    struct ovl_table_sizes sizes;
    struct ovl_db_status status;

    ovl_db_get_status(&status);
    ovl_forwarding_sizes(ovl_dp_forwarding(), &sizes);

    struct json *counts = json_object_create();
    json_object_put(counts, "networks", json_integer_create(sizes.networks));
    json_object_put(counts, "macs", json_integer_create(sizes.macs));
    json_object_put(counts, "neighbors",
                    json_integer_create(sizes.neighbors));
    json_object_put(counts, "bindings", json_integer_create(sizes.bindings));
    json_object_put(counts, "vrfs", json_integer_create(sizes.vrfs));
    json_object_put(counts, "routes", json_integer_create(sizes.routes));
    json_object_put(counts, "vteps", json_integer_create(sizes.vteps));
    json_object_put(json, "counts", counts);
    json_object_put(json, "database", db_status_to_json(&status));

    for (size_t i = 0; i < ARRAY_SIZE(show_lists); i++) {
        struct ovl_grid g;

        show_lists[i].list(&all, &g);
        json_object_put(json, show_lists[i].name, ovl_grid_to_json(&g));
        ovl_grid_destroy(&g);
    }
    reply_json(conn, json);
}

static void
show_as_text(struct unixctl_conn *conn, const struct ovl_config *config)
{
    static const struct ovl_filter all;
    struct ds s = DS_EMPTY_INITIALIZER;
    struct ovl_table_sizes sizes;
    struct ovl_db_status status;

    ovl_db_get_status(&status);
    ovl_forwarding_sizes(ovl_dp_forwarding(), &sizes);

    put_config(config, &s);
    put_db_status(&status, &s);
    ds_put_format(&s, "tables: %"PRIuSIZE" networks, %"PRIuSIZE" MACs, "
                  "%"PRIuSIZE" neighbors, %"PRIuSIZE" VRFs, %"PRIuSIZE
                  " routes, %"PRIuSIZE" VTEPs\n",
                  sizes.networks, sizes.macs, sizes.neighbors, sizes.vrfs,
                  sizes.routes, sizes.vteps);
    for (size_t i = 0; i < ARRAY_SIZE(show_lists); i++) {
        struct ovl_grid g;

        show_lists[i].list(&all, &g);
        if (ovl_grid_n_rows(&g)) {
            ds_put_char(&s, '\n');
            ovl_grid_to_text(&g, &s);
        }
        ovl_grid_destroy(&g);
    }
    reply_ds(conn, &s);
}

static void
unixctl_show(struct unixctl_conn *conn, int argc, const char *argv[],
             void *aux OVS_UNUSED)
{
    const struct ovl_forwarding *fwd = ovl_dp_forwarding();
    const struct ovl_config *config
        = ovl_config_get(fwd, ovl_forwarding_version(fwd));
    struct args args;

    if (!parse_args(conn, argc, argv, 0, 0, &args)) {
        return;
    }
    if (args.json) {
        show_as_json(conn, config);
    } else {
        show_as_text(conn, config);
    }
}

/* Trace. */

static char *
join_args(int argc, const char *argv[], int first)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    for (int i = first; i < argc; i++) {
        ds_put_format(&s, "%s%s", i > first ? " " : "", argv[i]);
    }
    return ds_steal_cstr(&s);
}

/* TTL, or hop limit, of a frame whose flow expression names none: what hosts
 * send with, as routers drop what has 0. */
enum { TRACE_TTL = 64 };

/* Makes a frame of an OpenFlow flow expression ("tcp,dl_src=...") or of an
 * ODP key ("in_port(1),eth(src=...").  Returns NULL if all is well. */
static char *
frame_from_flow(const char *s, struct dp_packet *packet)
{
    struct flow flow;

    if (strchr(s, '(')) {
        struct ofpbuf key, mask;
        char *error = NULL;

        ofpbuf_init(&key, 0);
        ofpbuf_init(&mask, 0);
        if (odp_flow_from_string(s, NULL, &key, &mask, &error)) {
            ofpbuf_uninit(&key);
            ofpbuf_uninit(&mask);
            return error ? error : xasprintf("bad flow \"%s\"", s);
        }
        odp_flow_key_to_flow(key.data, key.size, &flow, &error);
        ofpbuf_uninit(&key);
        ofpbuf_uninit(&mask);
        free(error);
    } else {
        char *error = parse_ofp_exact_flow(&flow, NULL, NULL, s, NULL);

        if (error) {
            return error;
        }
        if (is_ip_any(&flow) && !strstr(s, "nw_ttl")) {
            flow.nw_ttl = TRACE_TTL;
        }
    }
    flow_compose(packet, &flow, NULL, 64);
    return NULL;
}

static char *
frame_from_hex(const char *s, struct dp_packet *packet)
{
    size_t n_digits = 0;

    for (const char *p = s; *p; p++) {
        n_digits += isxdigit((unsigned char) *p) != 0;
    }
    if (n_digits > 2 * OVL_PKT_MAX) {
        return xasprintf("no frame has %"PRIuSIZE" bytes: %d at most",
                         n_digits / 2, OVL_PKT_MAX);
    }

    char *end = dp_packet_put_hex(packet, s, NULL);
    return (*end
            ? xasprintf("not a frame in hex, two digits per byte: stopped at "
                        "\"%.20s\"", end)
            : NULL);
}

static bool
looks_like_hex(const char *s)
{
    return s[strspn(s, "0123456789abcdefABCDEF \t\n")] == '\0';
}

#define TRACE_USAGE \
    "usage: overlay/trace PORT HEX-FRAME|FLOW\n" \
    "tells what would happen to a frame that PORT receives, and sends " \
    "nothing:\n" \
    "  HEX-FRAME  its bytes, with or without spaces\n" \
    "  FLOW       fields, as ofproto/trace takes them; TTL 64 without " \
    "nw_ttl\n" \
    "for example:\n" \
    "  overlay/trace vm1 5254000000025254000000010800...\n" \
    "  overlay/trace vm1 dl_src=52:54:00:00:00:01,dl_dst=52:54:00:00:00:02," \
    "udp,nw_src=10.1.0.11,nw_dst=10.1.0.12\n" \
    "overlay/ports lists the ports.\n"

static void
reply_no_such_port(struct unixctl_conn *conn, const char *name)
{
    static const struct ovl_filter all;
    struct ds s = DS_EMPTY_INITIALIZER;
    struct ovl_grid g;

    ds_put_format(&s, "the overlay bridge has no port \"%s\"; it has:\n",
                  name);
    ovl_list_ports(&all, &g);
    ovl_grid_to_text(&g, &s);
    ovl_grid_destroy(&g);
    unixctl_command_reply_error(conn, ds_cstr(&s));
    ds_destroy(&s);
}

static void
unixctl_trace(struct unixctl_conn *conn, int argc, const char *argv[],
              void *aux OVS_UNUSED)
{
    if (!strcmp(argv[1], "--help")) {
        unixctl_command_reply(conn, TRACE_USAGE);
        return;
    } else if (argc < 3) {
        unixctl_command_reply_error(conn, TRACE_USAGE);
        return;
    }

    struct ovl_lport *port = ovl_dp_port_by_name(argv[1]);
    if (!port) {
        reply_no_such_port(conn, argv[1]);
        return;
    }

    struct dp_packet *packet = dp_packet_new(0);
    char *s = join_args(argc, argv, 2);
    char *error = (looks_like_hex(s)
                   ? frame_from_hex(s, packet)
                   : frame_from_flow(s, packet));
    free(s);

    if (error) {
        unixctl_command_reply_error(conn, error);
        free(error);
    } else {
        struct ds out = DS_EMPTY_INITIALIZER;

        ovl_trace_frame(ovl_dp_forwarding(), port, dp_packet_data(packet),
                        dp_packet_size(packet), &out);
        reply_ds(conn, &out);
    }
    dp_packet_delete(packet);
    ovl_lport_unref(port);
}

void
ovl_unixctl_init(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(listings); i++) {
        unixctl_command_register(listings[i].name, listings[i].usage, 0, 6,
                                 unixctl_list,
                                 CONST_CAST(struct listing *, &listings[i]));
    }
    unixctl_command_register("overlay/counters",
                             "[port=PORT] [vni=VNI] [ip=VTEP] [--json]", 0, 4,
                             unixctl_counters, NULL);
    unixctl_command_register("overlay/db-status", "[--json]", 0, 1,
                             unixctl_db_status, NULL);
    unixctl_command_register("overlay/show", "[--json]", 0, 1, unixctl_show,
                             NULL);
    unixctl_command_register("overlay/trace", "PORT HEX-FRAME|FLOW", 1,
                             INT_MAX, unixctl_trace, NULL);
}
