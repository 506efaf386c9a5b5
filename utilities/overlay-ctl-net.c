/* SPDX-License-Identifier: Apache-2.0 */

/* Commands of overlay-ctl for networks and ports.
 *
 * Each command is a pair of functions: pre_*() says which columns it needs;
 * cmd_*() does it. */

#include <config.h>

#include "overlay-ctl.h"

#include <string.h>

#include "lib/vswitch-idl.h"
#include "overlay-types.h"
#include "ovsdb-idl.h"
#include "row-parse.h"
#include "smap.h"
#include "sset.h"
#include "svec.h"
#include "util.h"

/* Networks. */

static const char *const unknown_unicasts[] = { "drop", "flood", NULL };
static const char *const neigh_misses[] = { "flood", "drop", NULL };

void
pre_net(struct ctl_context *ctx)
{
    ovsdb_idl_add_column(ctx->idl, &ovsrec_overlay_network_col_vni);
    ovsdb_idl_add_column(ctx->idl, &ovsrec_overlay_network_col_name);
    ovsdb_idl_add_column(ctx->idl, &ovsrec_overlay_network_col_vrf);
    ovsdb_idl_add_column(ctx->idl, &ovsrec_overlay_network_col_gateway_ips);
    ovsdb_idl_add_column(ctx->idl, &ovsrec_overlay_network_col_gateway_mac);
    ovsdb_idl_add_column(ctx->idl, &ovsrec_overlay_network_col_flood_vteps);
    ovsdb_idl_add_column(ctx->idl,
                         &ovsrec_overlay_network_col_unknown_unicast);
    ovsdb_idl_add_column(ctx->idl, &ovsrec_overlay_network_col_neigh_suppress);
    ovsdb_idl_add_column(ctx->idl, &ovsrec_overlay_network_col_neigh_miss);
    ovsdb_idl_add_column(ctx->idl, &ovsrec_overlay_network_col_mtu);
    ovsdb_idl_add_column(ctx->idl, &ovsrec_overlay_network_col_other_config);
    ovsdb_idl_add_column(ctx->idl, &ovsrec_overlay_network_col_error);
}

static const struct ovsrec_overlay_network *
find_network(struct ctl_context *ctx, int64_t vni)
{
    const struct ovsrec_overlay_network *net;

    OVSREC_OVERLAY_NETWORK_FOR_EACH (net, ctx->idl) {
        if (net->vni == vni) {
            return net;
        }
    }
    return NULL;
}

/* Sets 'key' of 'net''s other_config, or removes it if 'value' is "". */
static void
net_put_option(const struct ovsrec_overlay_network *net, const char *key,
               const char *value)
{
    struct smap other_config;

    smap_clone(&other_config, &net->other_config);
    if (value[0]) {
        smap_replace(&other_config, key, value);
    } else {
        smap_remove(&other_config, key);
    }
    ovsrec_overlay_network_set_other_config(net, &other_config);
    smap_destroy(&other_config);
}

/* Puts 'value' of setting 'key' into 'net'.  An empty value means the
 * default.  Returns false after ctl_error(). */
static bool
net_put(struct ctl_context *ctx, const struct ovsrec_overlay_network *net,
        const char *key, const char *value)
{
    bool ok = true;

    if (!strcmp(key, "name")) {
        ovsrec_overlay_network_set_name(net, value);
    } else if (!strcmp(key, "vrf")) {
        ovsrec_overlay_network_set_vrf(net, value);
    } else if (!strcmp(key, "gateway") || !strcmp(key, "gateway-ips")) {
        struct svec ips = SVEC_EMPTY_INITIALIZER;

        ok = words_to_texts(ctx, value, word_to_gateway_text, &ips);
        if (ok) {
            ovsrec_overlay_network_set_gateway_ips(
                net, (const char **) ips.names, ips.n);
        }
        svec_destroy(&ips);
    } else if (!strcmp(key, "flood") || !strcmp(key, "flood-vteps")) {
        struct svec vteps = SVEC_EMPTY_INITIALIZER;

        ok = words_to_texts(ctx, value, word_to_ip_text, &vteps);
        if (ok) {
            ovsrec_overlay_network_set_flood_vteps(
                net, (const char **) vteps.names, vteps.n);
        }
        svec_destroy(&vteps);
    } else if (!strcmp(key, "gateway-mac")) {
        char *mac = NULL;

        ok = !value[0] || word_to_mac_text(ctx, value, &mac);
        if (ok) {
            ovsrec_overlay_network_set_gateway_mac(net, mac);
        }
        free(mac);
    } else if (!strcmp(key, "unknown-unicast")) {
        const char *choice = NULL;

        ok = !value[0] || word_to_choice(ctx, key, value, unknown_unicasts,
                                         &choice);
        if (ok) {
            ovsrec_overlay_network_set_unknown_unicast(net, choice);
        }
    } else if (!strcmp(key, "neigh-miss")) {
        const char *choice = NULL;

        ok = !value[0] || word_to_choice(ctx, key, value, neigh_misses,
                                         &choice);
        if (ok) {
            ovsrec_overlay_network_set_neigh_miss(net, choice);
        }
    } else if (!strcmp(key, "neigh-suppress")) {
        bool suppress;

        ok = !value[0] || word_to_bool(ctx, key, value, &suppress);
        if (ok) {
            ovsrec_overlay_network_set_neigh_suppress(net, &suppress,
                                                      value[0] ? 1 : 0);
        }
    } else if (!strcmp(key, "mtu")) {
        int64_t mtu;

        ok = !value[0] || word_to_integer(ctx, "an MTU", value, 68, 65535,
                                          &mtu);
        if (ok) {
            ovsrec_overlay_network_set_mtu(net, &mtu, value[0] ? 1 : 0);
        }
    } else if (!strcmp(key, "answer-tunnel") || !strcmp(key, "ra")
               || !strcmp(key, "ra-autonomous")) {
        bool yes;

        ok = !value[0] || word_to_bool(ctx, key, value, &yes);
        if (ok) {
            net_put_option(net, key, !value[0] ? "" : yes ? "true" : "false");
        }
    } else if (!strcmp(key, "ra-lifetime") || !strcmp(key, "ra-interval")) {
        int64_t seconds;

        ok = !value[0]
             || (!strcmp(key, "ra-lifetime")
                 ? word_to_integer(ctx, "a lifetime in seconds", value, 0,
                                   OVL_MAX_RA_LIFETIME, &seconds)
                 : word_to_integer(ctx, "an interval in seconds", value,
                                   OVL_MIN_RA_INTERVAL, OVL_MAX_RA_INTERVAL,
                                   &seconds));
        if (ok) {
            net_put_option(net, key, value);
        }
    } else {
        ctl_error(ctx, "\"%s\" is not a setting of a network (vrf, gateway, "
                  "gateway-mac, flood, mtu, name, unknown-unicast, "
                  "neigh-suppress, neigh-miss, answer-tunnel, ra, "
                  "ra-autonomous, ra-lifetime, ra-interval)", key);
        ok = false;
    }
    return ok;
}

/* Hosts would forget the router before they hear it again.  Returns false
 * after ctl_error(). */
static bool
net_check_advertisements(struct ctl_context *ctx,
                         const struct ovsrec_overlay_network *net)
{
    const char *given = smap_get(&net->other_config, "ra-interval");
    int interval = smap_get_int(&net->other_config, "ra-interval",
                                OVL_DEFAULT_RA_INTERVAL);
    int lifetime = smap_get_int(&net->other_config, "ra-lifetime", 0);

    if (lifetime && lifetime < interval) {
        ctl_error(ctx, "ra-lifetime=%d is less than ra-interval=%d%s "
                  "(expected 0, or %d to %d)", lifetime, interval,
                  given ? "" : ", the default", interval,
                  OVL_MAX_RA_LIFETIME);
        return false;
    }
    return true;
}

/* Applies the SETTING arguments from 'first' on to 'net'. */
static bool
net_put_args(struct ctl_context *ctx, const struct ovsrec_overlay_network *net,
             int first)
{
    struct sset keys = SSET_INITIALIZER(&keys);
    bool ok = true;

    for (int i = first; ok && i < ctx->argc; i++) {
        const char *arg = ctx->argv[i];
        const char *equals = strchr(arg, '=');

        if (!equals) {
            ctl_error(ctx, "\"%s\" is not a SETTING=VALUE pair", arg);
            ok = false;
            break;
        }

        char *key = xmemdup0(arg, equals - arg);
        for (char *p = key; *p; p++) {
            *p = *p == '_' ? '-' : *p;
        }
        if (!sset_add(&keys, key)) {
            ctl_error(ctx, "\"%s\": %s is set twice (several values of one "
                      "setting have commas between them)", arg, key);
            ok = false;
        } else {
            ok = net_put(ctx, net, key, equals + 1);
        }
        free(key);
    }
    if (ok && (sset_contains(&keys, "ra-lifetime")
               || sset_contains(&keys, "ra-interval"))) {
        ok = net_check_advertisements(ctx, net);
    }
    sset_destroy(&keys);
    if (ok) {
        overlay_ctl_expect_no_error(&net->header_);
    }
    return ok;
}

void
cmd_net_add(struct ctl_context *ctx)
{
    const struct ovsrec_overlay_network *net;
    int64_t vni;

    if (!word_to_vni(ctx, ctx->argv[1], &vni)) {
        return;
    }
    net = find_network(ctx, vni);
    if (!net) {
        net = ovsrec_overlay_network_insert(ctx->txn);
        ovsrec_overlay_network_set_vni(net, vni);
    } else if (!may_exist(ctx)) {
        ctl_error(ctx, "network %s exists already", ctx->argv[1]);
        return;
    }
    net_put_args(ctx, net, 2);
}

static const struct ovsrec_overlay_network *
find_network_word(struct ctl_context *ctx, const char *word, bool must_exist)
{
    const struct ovsrec_overlay_network *net;
    int64_t vni;

    if (!word_to_vni(ctx, word, &vni)) {
        return NULL;
    }
    net = find_network(ctx, vni);
    if (!net && must_exist) {
        ctl_error(ctx, "there is no network %s", word);
    }
    return net;
}

void
cmd_net_set(struct ctl_context *ctx)
{
    const struct ovsrec_overlay_network *net
        = find_network_word(ctx, ctx->argv[1], true);

    if (net) {
        net_put_args(ctx, net, 2);
    }
}

void
cmd_net_del(struct ctl_context *ctx)
{
    const struct ovsrec_overlay_network *net
        = find_network_word(ctx, ctx->argv[1], !if_exists(ctx));

    if (net) {
        ovsrec_overlay_network_delete(net);
    }
}

void
cmd_net_list(struct ctl_context *ctx)
{
    static const char *const headings[] = {
        "vni", "name", "vrf", "gateway", "flood", "error", NULL
    };
    struct table *t = list_create(headings);
    struct sorted_rows rows;

    sorted_rows_init(&rows, ctx->idl, &ovsrec_table_overlay_network,
                     &ovsrec_overlay_network_col_vni, NULL);
    for (size_t i = 0; i < rows.n; i++) {
        const struct ovsrec_overlay_network *net
            = CONTAINER_OF(rows.rows[i], struct ovsrec_overlay_network,
                           header_);

        table_add_row(t);
        list_put(t, "%"PRId64, net->vni);
        list_put(t, "%s", net->name);
        list_put(t, "%s", net->vrf);
        list_put_words(t, net->gateway_ips, net->n_gateway_ips);
        list_put_words(t, net->flood_vteps, net->n_flood_vteps);
        list_put_error(t, net->error);
    }
    sorted_rows_destroy(&rows);
    list_print(ctx, t);
}

/* Ports. */

void
pre_port(struct ctl_context *ctx)
{
    ovsdb_idl_add_column(ctx->idl, &ovsrec_port_col_name);
    ovsdb_idl_add_column(ctx->idl, &ovsrec_port_col_overlay_vni);
    ovsdb_idl_add_column(ctx->idl, &ovsrec_port_col_overlay_addresses);
    ovsdb_idl_add_column(ctx->idl, &ovsrec_port_col_overlay_vlan_bindings);
    ovsdb_idl_add_column(ctx->idl, &ovsrec_port_col_overlay_error);
    ovsdb_idl_add_column(ctx->idl, &ovsrec_overlay_binding_col_iface);
    ovsdb_idl_add_column(ctx->idl, &ovsrec_overlay_binding_col_vni);
    ovsdb_idl_add_column(ctx->idl, &ovsrec_overlay_binding_col_addresses);
    ovsdb_idl_add_column(ctx->idl, &ovsrec_overlay_binding_col_error);
}

static const struct ovsrec_port *
find_port(struct ctl_context *ctx, const char *name)
{
    const struct ovsrec_port *port;

    OVSREC_PORT_FOR_EACH (port, ctx->idl) {
        if (!strcmp(port->name, name)) {
            return port;
        }
    }
    return NULL;
}

static const struct ovsrec_overlay_binding *
find_binding(struct ctl_context *ctx, const char *iface)
{
    const struct ovsrec_overlay_binding *binding;

    OVSREC_OVERLAY_BINDING_FOR_EACH (binding, ctx->idl) {
        if (!strcmp(binding->iface, iface)) {
            return binding;
        }
    }
    return NULL;
}

/* True if 'word', in a list of MACs and IPs, is meant to be an IP address or
 * prefix: so that a mistyped word gets the right message. */
static bool
looks_like_ip(const char *word)
{
    size_t n_colons = 0;

    for (const char *p = word; *p; p++) {
        n_colons += *p == ':';
    }
    return strpbrk(word, "./") || strstr(word, "::") || n_colons > 5;
}

/* Makes "MAC IP IP" strings of the words from argument 'first' on; each MAC
 * starts another.  Returns false after ctl_error(). */
static bool
parse_groups(struct ctl_context *ctx, int first, struct svec *groups)
{
    struct svec words = SVEC_EMPTY_INITIALIZER;
    bool ok = true;

    for (int i = first; i < ctx->argc; i++) {
        svec_parse_words(&words, ctx->argv[i]);
    }
    for (size_t i = 0; i < words.n && ok; i++) {
        const char *word = words.names[i];
        char *text;

        if (word_is_mac(word) || !looks_like_ip(word)) {
            ok = word_to_mac_text(ctx, word, &text);
            if (ok) {
                svec_add_nocopy(groups, text);
            }
        } else if (!groups->n) {
            ctl_error(ctx, "\"%s\" stands before any MAC address", word);
            ok = false;
        } else {
            ok = word_to_binding_text(ctx, word, &text);
            if (ok) {
                char **group = &groups->names[groups->n - 1];
                char *longer = xasprintf("%s %s", *group, text);

                free(*group);
                free(text);
                *group = longer;
            }
        }
    }
    svec_destroy(&words);
    return ok;
}

static void
bind_port(struct ctl_context *ctx, const char *name, int64_t vni,
          const struct svec *groups)
{
    const struct ovsrec_port *port = find_port(ctx, name);

    if (!port) {
        ctl_error(ctx, "there is no port \"%s\" (--binding makes an "
                  "Overlay_Binding row that waits for it)", name);
        return;
    }
    ovsrec_port_set_overlay_vni(port, &vni, 1);
    ovsrec_port_set_overlay_addresses(port, (const char **) groups->names,
                                      groups->n);
    overlay_ctl_expect_no_error(&port->header_);
}

static void
bind_iface(struct ctl_context *ctx, const char *iface, int64_t vni,
           const struct svec *groups)
{
    const struct ovsrec_overlay_binding *binding = find_binding(ctx, iface);

    if (!binding) {
        binding = ovsrec_overlay_binding_insert(ctx->txn);
        ovsrec_overlay_binding_set_iface(binding, iface);
    }
    ovsrec_overlay_binding_set_vni(binding, vni);
    ovsrec_overlay_binding_set_addresses(
        binding, (const char **) groups->names, groups->n);
    overlay_ctl_expect_no_error(&binding->header_);
}

void
cmd_port_bind(struct ctl_context *ctx)
{
    struct svec groups = SVEC_EMPTY_INITIALIZER;
    int64_t vni;

    if (word_to_vni(ctx, ctx->argv[2], &vni)
        && parse_groups(ctx, 3, &groups)) {
        if (shash_find(&ctx->options, "--binding")) {
            bind_iface(ctx, ctx->argv[1], vni, &groups);
        } else {
            bind_port(ctx, ctx->argv[1], vni, &groups);
        }
    }
    svec_destroy(&groups);
}

void
cmd_port_unbind(struct ctl_context *ctx)
{
    const char *name = ctx->argv[1];

    if (shash_find(&ctx->options, "--binding")) {
        const struct ovsrec_overlay_binding *b = find_binding(ctx, name);

        if (b) {
            ovsrec_overlay_binding_delete(b);
        } else if (!if_exists(ctx)) {
            ctl_error(ctx, "there is no Overlay_Binding row for \"%s\"", name);
        }
        return;
    }

    const struct ovsrec_port *port = find_port(ctx, name);
    if (!port) {
        if (!if_exists(ctx)) {
            ctl_error(ctx, "there is no port \"%s\"", name);
        }
    } else if (!port->n_overlay_vni && !port->n_overlay_vlan_bindings) {
        if (!if_exists(ctx)) {
            ctl_error(ctx, "port \"%s\" is not bound%s", name,
                      find_binding(ctx, name)
                      ? ", but for an Overlay_Binding row (use --binding)"
                      : "");
        }
    } else {
        ovsrec_port_set_overlay_vni(port, NULL, 0);
        ovsrec_port_set_overlay_addresses(port, NULL, 0);
        ovsrec_port_set_overlay_vlan_bindings(port, NULL, NULL, 0);
    }
}

static void
list_port(struct table *t, int64_t wanted, const char *name, const char *row,
          int64_t vni, const char *vlan, char **addresses, size_t n_addresses,
          const char *error)
{
    if (!wanted || wanted == vni) {
        table_add_row(t);
        list_put(t, "%s", name);
        list_put(t, "%s", row);
        list_put(t, "%"PRId64, vni);
        list_put(t, "%s", vlan);
        list_put_words(t, addresses, n_addresses);
        list_put_error(t, error);
    }
}

void
cmd_port_list(struct ctl_context *ctx)
{
    static const char *const headings[] = {
        "port", "row", "vni", "vlan", "addresses", "error", NULL
    };
    struct sorted_rows rows;
    int64_t vni = 0;

    if (ctx->argc > 1 && !word_to_vni(ctx, ctx->argv[1], &vni)) {
        return;
    }

    struct table *t = list_create(headings);
    sorted_rows_init(&rows, ctx->idl, &ovsrec_table_port,
                     &ovsrec_port_col_name, NULL);
    for (size_t i = 0; i < rows.n; i++) {
        const struct ovsrec_port *p
            = CONTAINER_OF(rows.rows[i], struct ovsrec_port, header_);

        if (p->n_overlay_vni) {
            list_port(t, vni, p->name, "port", p->overlay_vni[0], "",
                      p->overlay_addresses, p->n_overlay_addresses,
                      p->overlay_error);
        }
        for (size_t j = 0; j < p->n_overlay_vlan_bindings; j++) {
            char *vlan = xasprintf("%"PRId64,
                                   p->key_overlay_vlan_bindings[j]);

            list_port(t, vni, p->name, "port",
                      p->value_overlay_vlan_bindings[j], vlan, NULL, 0,
                      p->overlay_error);
            free(vlan);
        }
    }
    sorted_rows_destroy(&rows);

    sorted_rows_init(&rows, ctx->idl, &ovsrec_table_overlay_binding,
                     &ovsrec_overlay_binding_col_iface, NULL);
    for (size_t i = 0; i < rows.n; i++) {
        const struct ovsrec_overlay_binding *b
            = CONTAINER_OF(rows.rows[i], struct ovsrec_overlay_binding,
                           header_);

        list_port(t, vni, b->iface, "binding", b->vni, "", b->addresses,
                  b->n_addresses, b->error);
    }
    sorted_rows_destroy(&rows);
    list_print(ctx, t);
}
