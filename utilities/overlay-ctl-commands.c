/* SPDX-License-Identifier: Apache-2.0 */

/* Commands of overlay-ctl for MACs, neighbors and routes, and what all
 * commands share.
 *
 * Each command is a pair of functions: pre_*() says which columns it needs,
 * and of a large table which rows; cmd_*() does it.  A row that exists is
 * found by value: 52:54:00:00:00:0A is 52:54:0:0:0:a. */

#include <config.h>

#include "overlay-ctl.h"

#include <limits.h>
#include <string.h>

#include "lib/vswitch-idl.h"
#include "openvswitch/dynamic-string.h"
#include "overlay-types.h"
#include "ovsdb-data.h"
#include "ovsdb-idl.h"
#include "sort.h"
#include "svec.h"
#include "table.h"
#include "text-parse.h"
#include "util.h"

/* Lists. */

struct table *
list_create(const char *const headings[])
{
    struct table *t = xmalloc(sizeof *t);

    table_init(t);
    for (size_t i = 0; headings[i]; i++) {
        table_add_column(t, "%s", headings[i]);
    }
    return t;
}

void
list_put(struct table *t, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    table_add_cell(t)->text = xvasprintf(format, args);
    va_end(args);
}

void
list_put_words(struct table *t, char **words, size_t n)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; i < n; i++) {
        ds_put_format(&s, "%s%s", i ? ", " : "", words[i]);
    }
    list_put(t, "%s", ds_cstr(&s));
    ds_destroy(&s);
}

void
list_put_error(struct table *t, const char *error)
{
    list_put(t, "%s", error ? error : "");
}

void
list_print(struct ctl_context *ctx, struct table *t)
{
    table_format(t, &overlay_ctl_table_style, &ctx->output);
    table_format_reset();
    table_destroy(t);
    free(t);
}

static int
compare_rows(size_t a, size_t b, void *rows_)
{
    const struct sorted_rows *rows = rows_;

    for (size_t i = 0; i < ARRAY_SIZE(rows->keys) && rows->keys[i]; i++) {
        const struct ovsdb_idl_column *key = rows->keys[i];
        int cmp = ovsdb_datum_compare_3way(
            ovsdb_idl_read(rows->rows[a], key),
            ovsdb_idl_read(rows->rows[b], key), &key->type);

        if (cmp) {
            return cmp;
        }
    }
    return 0;
}

static void
swap_rows(size_t a, size_t b, void *rows_)
{
    struct sorted_rows *rows = rows_;
    const struct ovsdb_idl_row *tmp = rows->rows[a];

    rows->rows[a] = rows->rows[b];
    rows->rows[b] = tmp;
}

void
sorted_rows_init(struct sorted_rows *rows, const struct ovsdb_idl *idl,
                 const struct ovsdb_idl_table_class *class,
                 const struct ovsdb_idl_column *key0,
                 const struct ovsdb_idl_column *key1)
{
    size_t allocated = 0;

    *rows = (struct sorted_rows) { .keys = { key0, key1 } };
    for (const struct ovsdb_idl_row *row = ovsdb_idl_first_row(idl, class);
         row; row = ovsdb_idl_next_row(row)) {
        if (rows->n >= allocated) {
            rows->rows = x2nrealloc(rows->rows, &allocated,
                                    sizeof *rows->rows);
        }
        rows->rows[rows->n++] = row;
    }
    sort(rows->n, compare_rows, swap_rows, rows);
}

void
sorted_rows_destroy(struct sorted_rows *rows)
{
    free(rows->rows);
}

/* Arguments. */

bool
words_to_texts(struct ctl_context *ctx, const char *words,
               bool (*to_text)(struct ctl_context *, const char *, char **),
               struct svec *out)
{
    char *copy = xstrdup(words);
    char *save_ptr = NULL;
    bool ok = true;

    for (char *word = strtok_r(copy, ", ", &save_ptr); word && ok;
         word = strtok_r(NULL, ", ", &save_ptr)) {
        char *text;

        ok = to_text(ctx, word, &text);
        if (ok) {
            svec_add_nocopy(out, text);
        }
    }
    free(copy);
    return ok;
}

bool
may_exist(const struct ctl_context *ctx)
{
    return shash_find(&ctx->options, "--may-exist") != NULL;
}

bool
if_exists(const struct ctl_context *ctx)
{
    return shash_find(&ctx->options, "--if-exists") != NULL;
}

/* MACs. */

static void
pre_mac(struct ctl_context *ctx)
{
    struct ovsdb_idl_condition *cond = overlay_ctl_condition(OVERLAY_CTL_MAC);
    int64_t vni;

    ovsdb_idl_add_column(ctx->idl, &ovsrec_overlay_mac_col_vni);
    ovsdb_idl_add_column(ctx->idl, &ovsrec_overlay_mac_col_mac);
    ovsdb_idl_add_column(ctx->idl, &ovsrec_overlay_mac_col_vtep);
    ovsdb_idl_add_column(ctx->idl, &ovsrec_overlay_mac_col_ips);
    ovsdb_idl_add_column(ctx->idl, &ovsrec_overlay_mac_col_error);
    if (ctx->argc < 2) {
        ovsdb_idl_condition_add_clause_true(cond);
    } else if (word_to_vni(ctx, ctx->argv[1], &vni)) {
        ovsrec_overlay_mac_add_clause_vni(cond, OVSDB_F_EQ, vni);
    }
}

static const struct ovsrec_overlay_mac *
find_mac(struct ctl_context *ctx, int64_t vni, const char *mac)
{
    const struct ovsrec_overlay_mac *row;

    OVSREC_OVERLAY_MAC_FOR_EACH (row, ctx->idl) {
        if (row->vni == vni && same_mac(row->mac, mac)) {
            return row;
        }
    }
    return NULL;
}

static void
cmd_mac_add(struct ctl_context *ctx)
{
    struct svec ips = SVEC_EMPTY_INITIALIZER;
    char *mac = NULL;
    char *vtep = NULL;
    int64_t vni;

    if (!word_to_vni(ctx, ctx->argv[1], &vni)
        || !word_to_mac_text(ctx, ctx->argv[2], &mac)
        || !word_to_ip_text(ctx, ctx->argv[3], &vtep)) {
        goto exit;
    }
    for (int i = 4; i < ctx->argc; i++) {
        if (!words_to_texts(ctx, ctx->argv[i], word_to_ip_text, &ips)) {
            goto exit;
        }
    }

    const struct ovsrec_overlay_mac *row = find_mac(ctx, vni, mac);
    if (!row) {
        row = ovsrec_overlay_mac_insert(ctx->txn);
        ovsrec_overlay_mac_set_vni(row, vni);
        ovsrec_overlay_mac_set_mac(row, mac);
    } else if (!may_exist(ctx)) {
        ctl_error(ctx, "network %"PRId64" has MAC %s already, behind VTEP %s",
                  vni, row->mac, row->vtep);
        goto exit;
    }
    ovsrec_overlay_mac_set_vtep(row, vtep);
    ovsrec_overlay_mac_set_ips(row, (const char **) ips.names, ips.n);
    overlay_ctl_expect_no_error(&row->header_);

exit:
    free(mac);
    free(vtep);
    svec_destroy(&ips);
}

static void
cmd_mac_del(struct ctl_context *ctx)
{
    const struct ovsrec_overlay_mac *row, *next;
    bool found = false;
    int64_t vni;

    if (!word_to_vni(ctx, ctx->argv[1], &vni)) {
        return;
    }
    OVSREC_OVERLAY_MAC_FOR_EACH_SAFE (row, next, ctx->idl) {
        if (row->vni == vni && same_mac(row->mac, ctx->argv[2])) {
            ovsrec_overlay_mac_delete(row);
            found = true;
        }
    }

    struct eth_addr mac;
    if (!found && word_to_mac(ctx, ctx->argv[2], &mac) && !if_exists(ctx)) {
        ctl_error(ctx, "network %s has no row for MAC %s",
                  ctx->argv[1], ctx->argv[2]);
    }
}

static void
cmd_mac_list(struct ctl_context *ctx)
{
    static const char *const headings[] = {
        "vni", "mac", "vtep", "ips", "error", NULL
    };
    struct sorted_rows rows;
    int64_t vni = 0;

    if (ctx->argc > 1 && !word_to_vni(ctx, ctx->argv[1], &vni)) {
        return;
    }
    sorted_rows_init(&rows, ctx->idl, &ovsrec_table_overlay_mac,
                     &ovsrec_overlay_mac_col_vni,
                     &ovsrec_overlay_mac_col_mac);

    struct table *t = list_create(headings);
    for (size_t i = 0; i < rows.n; i++) {
        const struct ovsrec_overlay_mac *row
            = CONTAINER_OF(rows.rows[i], struct ovsrec_overlay_mac, header_);

        if (vni && row->vni != vni) {
            continue;
        }
        table_add_row(t);
        list_put(t, "%"PRId64, row->vni);
        list_put(t, "%s", row->mac);
        list_put(t, "%s", row->vtep);
        list_put_words(t, row->ips, row->n_ips);
        list_put_error(t, row->error);
    }
    sorted_rows_destroy(&rows);
    list_print(ctx, t);
}

/* Neighbors. */

static void
pre_neigh(struct ctl_context *ctx)
{
    struct ovsdb_idl_condition *cond
        = overlay_ctl_condition(OVERLAY_CTL_NEIGHBOR);
    int64_t vni;

    ovsdb_idl_add_column(ctx->idl, &ovsrec_overlay_neighbor_col_vni);
    ovsdb_idl_add_column(ctx->idl, &ovsrec_overlay_neighbor_col_ip);
    ovsdb_idl_add_column(ctx->idl, &ovsrec_overlay_neighbor_col_mac);
    ovsdb_idl_add_column(ctx->idl, &ovsrec_overlay_neighbor_col_router);
    ovsdb_idl_add_column(ctx->idl, &ovsrec_overlay_neighbor_col_error);
    if (ctx->argc < 2) {
        ovsdb_idl_condition_add_clause_true(cond);
    } else if (word_to_vni(ctx, ctx->argv[1], &vni)) {
        ovsrec_overlay_neighbor_add_clause_vni(cond, OVSDB_F_EQ, vni);
    }
}

static const struct ovsrec_overlay_neighbor *
find_neighbor(struct ctl_context *ctx, int64_t vni, const char *ip)
{
    const struct ovsrec_overlay_neighbor *row;

    OVSREC_OVERLAY_NEIGHBOR_FOR_EACH (row, ctx->idl) {
        if (row->vni == vni && same_ip(row->ip, ip)) {
            return row;
        }
    }
    return NULL;
}

static void
cmd_neigh_add(struct ctl_context *ctx)
{
    char *mac = NULL;
    char *ip = NULL;
    int64_t vni;

    if (!word_to_vni(ctx, ctx->argv[1], &vni)
        || !word_to_ip_text(ctx, ctx->argv[2], &ip)
        || !word_to_mac_text(ctx, ctx->argv[3], &mac)) {
        goto exit;
    }
    if (ctx->argc > 4 && strcmp(ctx->argv[4], "router")) {
        ctl_error(ctx, "\"%s\" is not the word \"router\"", ctx->argv[4]);
        goto exit;
    }

    const struct ovsrec_overlay_neighbor *row = find_neighbor(ctx, vni, ip);
    if (!row) {
        row = ovsrec_overlay_neighbor_insert(ctx->txn);
        ovsrec_overlay_neighbor_set_vni(row, vni);
        ovsrec_overlay_neighbor_set_ip(row, ip);
    } else if (!may_exist(ctx)) {
        ctl_error(ctx, "network %"PRId64" has neighbor %s already, at %s",
                  vni, row->ip, row->mac);
        goto exit;
    }
    ovsrec_overlay_neighbor_set_mac(row, mac);
    ovsrec_overlay_neighbor_set_router(row, ctx->argc > 4);
    overlay_ctl_expect_no_error(&row->header_);

exit:
    free(mac);
    free(ip);
}

static void
cmd_neigh_del(struct ctl_context *ctx)
{
    const struct ovsrec_overlay_neighbor *row, *next;
    bool found = false;
    int64_t vni;

    if (!word_to_vni(ctx, ctx->argv[1], &vni)) {
        return;
    }
    OVSREC_OVERLAY_NEIGHBOR_FOR_EACH_SAFE (row, next, ctx->idl) {
        if (row->vni == vni && same_ip(row->ip, ctx->argv[2])) {
            ovsrec_overlay_neighbor_delete(row);
            found = true;
        }
    }

    struct in6_addr ip;
    if (!found && word_to_ip(ctx, ctx->argv[2], &ip) && !if_exists(ctx)) {
        ctl_error(ctx, "network %s has no row for neighbor %s",
                  ctx->argv[1], ctx->argv[2]);
    }
}

static void
cmd_neigh_list(struct ctl_context *ctx)
{
    static const char *const headings[] = {
        "vni", "ip", "mac", "router", "error", NULL
    };
    struct sorted_rows rows;
    int64_t vni = 0;

    if (ctx->argc > 1 && !word_to_vni(ctx, ctx->argv[1], &vni)) {
        return;
    }
    sorted_rows_init(&rows, ctx->idl, &ovsrec_table_overlay_neighbor,
                     &ovsrec_overlay_neighbor_col_vni,
                     &ovsrec_overlay_neighbor_col_ip);

    struct table *t = list_create(headings);
    for (size_t i = 0; i < rows.n; i++) {
        const struct ovsrec_overlay_neighbor *row
            = CONTAINER_OF(rows.rows[i], struct ovsrec_overlay_neighbor,
                           header_);

        if (vni && row->vni != vni) {
            continue;
        }
        table_add_row(t);
        list_put(t, "%"PRId64, row->vni);
        list_put(t, "%s", row->ip);
        list_put(t, "%s", row->mac);
        list_put(t, "%s", row->router ? "router" : "");
        list_put_error(t, row->error);
    }
    sorted_rows_destroy(&rows);
    list_print(ctx, t);
}

/* Routes. */

static const char *const actions[] = {
    "forward", "blackhole", "unreachable", "prohibit", NULL
};

static void
pre_route(struct ctl_context *ctx)
{
    struct ovsdb_idl_condition *cond
        = overlay_ctl_condition(OVERLAY_CTL_ROUTE);

    ovsdb_idl_add_column(ctx->idl, &ovsrec_overlay_route_col_vrf);
    ovsdb_idl_add_column(ctx->idl, &ovsrec_overlay_route_col_prefix);
    ovsdb_idl_add_column(ctx->idl, &ovsrec_overlay_route_col_nexthops);
    ovsdb_idl_add_column(ctx->idl, &ovsrec_overlay_route_col_vni);
    ovsdb_idl_add_column(ctx->idl, &ovsrec_overlay_route_col_action);
    ovsdb_idl_add_column(ctx->idl, &ovsrec_overlay_route_col_error);
    if (ctx->argc < 2) {
        ovsdb_idl_condition_add_clause_true(cond);
    } else {
        ovsrec_overlay_route_add_clause_vrf(cond, OVSDB_F_EQ, ctx->argv[1]);
    }
}

static const struct ovsrec_overlay_route *
find_route(struct ctl_context *ctx, const char *vrf, const char *prefix)
{
    const struct ovsrec_overlay_route *row;

    OVSREC_OVERLAY_ROUTE_FOR_EACH (row, ctx->idl) {
        if (!strcmp(row->vrf, vrf) && same_prefix(row->prefix, prefix)) {
            return row;
        }
    }
    return NULL;
}

/* Both are addresses as they are usually spelled.  A next hop of the other
 * family is one for an IPv6 prefix only, and of a network that is named: RFC
 * 4798 has that, too. */
static bool
nexthop_fits(struct ctl_context *ctx, const char *prefix, const char *nexthop,
             int64_t vni)
{
    bool prefix6 = strchr(prefix, ':') != NULL;
    bool nexthop6 = strchr(nexthop, ':') != NULL;

    if (prefix6 == nexthop6 || (prefix6 && vni)) {
        return true;
    }
    ctl_error(ctx, "next hop \"%s\" is not of the family of %s%s", nexthop,
              prefix, prefix6 ? " (which needs vni=VNI)" : "");
    return false;
}

static void
cmd_route_add(struct ctl_context *ctx)
{
    struct svec nexthops = SVEC_EMPTY_INITIALIZER;
    const char *vrf = ctx->argv[1];
    const char *action = NULL;
    char *prefix = NULL;
    int64_t vni = 0;

    const char *why = ovl_text_check_name(vrf);
    if (why) {
        ctl_error(ctx, "VRF \"%s\": %s", vrf, why);
        goto exit;
    }
    if (!word_to_prefix_text(ctx, ctx->argv[2], &prefix)) {
        goto exit;
    }
    for (int i = 3; i < ctx->argc; i++) {
        const char *word = ctx->argv[i];

        if (!strncmp(word, "vni=", 4)
            ? !word_to_vni(ctx, word + 4, &vni)
            : !strncmp(word, "action=", 7)
            ? !word_to_choice(ctx, "action", word + 7, actions, &action)
            : !words_to_texts(ctx, word, word_to_ip_text, &nexthops)) {
            goto exit;
        }
    }

    if (nexthops.n > OVL_ROUTE_MAX_NEXTHOPS) {
        ctl_error(ctx, "next hop \"%s\" is one more than a route may have "
                  "(%d)", nexthops.names[OVL_ROUTE_MAX_NEXTHOPS],
                  OVL_ROUTE_MAX_NEXTHOPS);
        goto exit;
    }
    for (size_t i = 0; i < nexthops.n; i++) {
        if (!nexthop_fits(ctx, prefix, nexthops.names[i], vni)) {
            goto exit;
        }
    }

    bool forward = !action || !strcmp(action, "forward");
    if (forward && !nexthops.n) {
        ctl_error(ctx, "route %s needs a next hop (or action=blackhole, "
                  "unreachable or prohibit)", prefix);
        goto exit;
    }
    if (!forward && nexthops.n) {
        ctl_error(ctx, "next hop \"%s\" makes no sense with action=%s",
                  nexthops.names[0], action);
        goto exit;
    }

    const struct ovsrec_overlay_route *row = find_route(ctx, vrf, prefix);
    if (!row) {
        row = ovsrec_overlay_route_insert(ctx->txn);
        ovsrec_overlay_route_set_vrf(row, vrf);
        ovsrec_overlay_route_set_prefix(row, prefix);
    } else if (!may_exist(ctx)) {
        ctl_error(ctx, "VRF %s has route %s already", vrf, row->prefix);
        goto exit;
    }
    ovsrec_overlay_route_set_nexthops(row, (const char **) nexthops.names,
                                      nexthops.n);
    ovsrec_overlay_route_set_vni(row, &vni, vni ? 1 : 0);
    ovsrec_overlay_route_set_action(row, action);
    overlay_ctl_expect_no_error(&row->header_);

exit:
    free(prefix);
    svec_destroy(&nexthops);
}

static void
cmd_route_del(struct ctl_context *ctx)
{
    const struct ovsrec_overlay_route *row, *next;
    bool found = false;

    OVSREC_OVERLAY_ROUTE_FOR_EACH_SAFE (row, next, ctx->idl) {
        if (!strcmp(row->vrf, ctx->argv[1])
            && same_prefix(row->prefix, ctx->argv[2])) {
            ovsrec_overlay_route_delete(row);
            found = true;
        }
    }

    char *prefix;
    if (!found && word_to_prefix_text(ctx, ctx->argv[2], &prefix)) {
        if (!if_exists(ctx)) {
            ctl_error(ctx, "VRF %s has no route %s", ctx->argv[1], prefix);
        }
        free(prefix);
    }
}

static void
cmd_route_list(struct ctl_context *ctx)
{
    static const char *const headings[] = {
        "vrf", "prefix", "action", "nexthops", "vni", "error", NULL
    };
    struct sorted_rows rows;

    sorted_rows_init(&rows, ctx->idl, &ovsrec_table_overlay_route,
                     &ovsrec_overlay_route_col_vrf,
                     &ovsrec_overlay_route_col_prefix);

    struct table *t = list_create(headings);
    for (size_t i = 0; i < rows.n; i++) {
        const struct ovsrec_overlay_route *row
            = CONTAINER_OF(rows.rows[i], struct ovsrec_overlay_route, header_);

        if (ctx->argc > 1 && strcmp(row->vrf, ctx->argv[1])) {
            continue;
        }
        table_add_row(t);
        list_put(t, "%s", row->vrf);
        list_put(t, "%s", row->prefix);
        list_put(t, "%s", row->action ? row->action : "forward");
        list_put_words(t, row->nexthops, row->n_nexthops);
        if (row->n_vni) {
            list_put(t, "%"PRId64, row->vni[0]);
        } else {
            list_put(t, "%s", "");
        }
        list_put_error(t, row->error);
    }
    sorted_rows_destroy(&rows);
    list_print(ctx, t);
}

const struct ctl_command_syntax overlay_ctl_commands[] = {
    {"net-add", 1, INT_MAX, "VNI [KEY=VALUE]...", pre_net, cmd_net_add, NULL,
     "--may-exist", RW},
    {"net-set", 2, INT_MAX, "VNI KEY=VALUE...", pre_net, cmd_net_set, NULL,
     "", RW},
    {"net-del", 1, 1, "VNI", pre_net, cmd_net_del, NULL, "--if-exists", RW},
    {"net-list", 0, 0, "", pre_net, cmd_net_list, NULL, "", RO},

    {"port-bind", 2, INT_MAX, "PORT VNI [ARG]...", pre_port, cmd_port_bind,
     NULL, "--binding", RW},
    {"port-unbind", 1, 1, "PORT", pre_port, cmd_port_unbind, NULL,
     "--binding,--if-exists", RW},
    {"port-list", 0, 1, "[VNI]", pre_port, cmd_port_list, NULL, "", RO},

    {"mac-add", 3, INT_MAX, "VNI MAC VTEP [IP]...", pre_mac, cmd_mac_add,
     NULL, "--may-exist", RW},
    {"mac-del", 2, 2, "VNI MAC", pre_mac, cmd_mac_del, NULL, "--if-exists",
     RW},
    {"mac-list", 0, 1, "[VNI]", pre_mac, cmd_mac_list, NULL, "", RO},

    {"neigh-add", 3, 4, "VNI IP MAC [ARG]", pre_neigh, cmd_neigh_add, NULL,
     "--may-exist", RW},
    {"neigh-del", 2, 2, "VNI IP", pre_neigh, cmd_neigh_del, NULL,
     "--if-exists", RW},
    {"neigh-list", 0, 1, "[VNI]", pre_neigh, cmd_neigh_list, NULL, "", RO},

    {"route-add", 2, INT_MAX, "VRF PREFIX [ARG]...", pre_route, cmd_route_add,
     NULL, "--may-exist", RW},
    {"route-del", 2, 2, "VRF PREFIX", pre_route, cmd_route_del, NULL,
     "--if-exists", RW},
    {"route-list", 0, 1, "[VRF]", pre_route, cmd_route_list, NULL, "", RO},

    {NULL, 0, 0, NULL, NULL, NULL, NULL, NULL, RO},
};
