/* SPDX-License-Identifier: Apache-2.0 */

#ifndef RIB_FIXTURE_H
#define RIB_FIXTURE_H 1

/* What unit tests of the RIB share: a RIB with its forwarding tables, live
 * ports, 'error' columns as a database would have them, and the contents of
 * everything as text.
 *
 * Rows have numbers: row I of a table has the I-th lowest UUID of all.  So a
 * test says which of several rows comes first. */

#include "tables-fixture.h"

#include "openvswitch/dynamic-string.h"
#include "rib.h"
#include "row-parse.h"
#include "smap.h"
#include "svec.h"
#include "text-parse.h"
#include "uuid.h"

#define STRINGS(...)                                                         \
    ((struct ovl_strings) {                                                  \
        .s = (char *[]) { __VA_ARGS__ },                                     \
        .n = sizeof((char *[]) { __VA_ARGS__ }) / sizeof(char *) })

#define RIB_MAX_PORTS 8
#define RIB_MAX_ROWS 128

/* Addresses of which a dump says whether they are allowed as sources. */
static const char *const probed_sources[] = {
    "192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "2001:db8::1",
    "2001:db8::2",
};

struct rib_fixture {
    struct ovl_forwarding *fwd;
    struct ovl_rib *rib;
    struct ovl_lport *ports[RIB_MAX_PORTS];
    size_t n_ports;
    char *errors[OVL_RIB_N_TABLES][RIB_MAX_ROWS];   /* The columns. */
    size_t n_error_changes;
};

static inline struct uuid
uuid_nr(int row)
{
    return (struct uuid) { .parts = { 0x80000000u + row, 1, 2, 3 } };
}

static inline int
nr_of_uuid(const struct uuid *uuid)
{
    return uuid->parts[0] - 0x80000000u;
}

static inline void
rib_fixture_init(struct rib_fixture *f)
{
    *f = (struct rib_fixture) { .fwd = ovl_forwarding_create() };
    f->rib = ovl_rib_create(f->fwd);
}

/* Deletes everything and checks that nothing is left. */
static inline void
rib_fixture_uninit(struct rib_fixture *f)
{
    struct ovl_table_sizes sizes;

    ovl_rib_destroy(f->rib);
    drain(f->fwd);
    ovl_forwarding_sizes(f->fwd, &sizes);
    assert_int_equal(sizes.networks, 0);
    assert_int_equal(sizes.bindings, 0);
    assert_int_equal(sizes.macs, 0);
    assert_int_equal(sizes.neighbors, 0);
    assert_int_equal(sizes.vteps, 0);
    ovl_forwarding_destroy(f->fwd);
    for (size_t i = 0; i < f->n_ports; i++) {
        ovl_lport_unref(f->ports[i]);
    }
    pass_grace();
    assert_int_equal(n_live_ports, 0);
    for (int i = 0; i < OVL_RIB_N_TABLES; i++) {
        for (int j = 0; j < RIB_MAX_ROWS; j++) {
            free(f->errors[i][j]);
        }
    }
}

/* Ports. */

static inline void
tell_ports(struct rib_fixture *f)
{
    ovl_rib_set_lports(f->rib, f->ports, f->n_ports);
}

static inline struct ovl_lport *
find_port(const struct rib_fixture *f, const char *name)
{
    for (size_t i = 0; i < f->n_ports; i++) {
        if (!strcmp(f->ports[i]->name, name)) {
            return f->ports[i];
        }
    }
    return NULL;
}

static inline struct ovl_lport *
add_port(struct rib_fixture *f, const char *name)
{
    assert_true(f->n_ports < RIB_MAX_PORTS);
    f->ports[f->n_ports] = fixture_port(name);
    atomic_store_relaxed(&f->ports[f->n_ports]->mac,
                         UINT64_C(0x020000000700) + f->n_ports);
    f->n_ports++;
    tell_ports(f);
    return f->ports[f->n_ports - 1];
}

static inline void
del_port(struct rib_fixture *f, const char *name)
{
    for (size_t i = 0; i < f->n_ports; i++) {
        if (!strcmp(f->ports[i]->name, name)) {
            struct ovl_lport *port = f->ports[i];

            f->ports[i] = f->ports[--f->n_ports];
            tell_ports(f);
            ovl_lport_unref(port);
            return;
        }
    }
}

/* Rows. */

#define SET(F, TABLE, ROW, ...)                                              \
    do {                                                                     \
        struct uuid uuid__ = uuid_nr(ROW);                                   \
        ovl_rib_set_##TABLE((F)->rib, &uuid__,                               \
                            &(struct ovl_row_##TABLE) { __VA_ARGS__ });      \
    } while (0)

static inline void
set_port(struct rib_fixture *f, int row, const char *name, int64_t vni,
         struct ovl_strings addresses)
{
    struct ovl_row_iface iface = { .name = name };

    SET(f, port, row, .name = name, .on_overlay_bridge = true,
        .ifaces = &iface, .n_ifaces = 1, .has_vni = vni != 0, .vni = vni,
        .addresses = addresses);
}

/* Deletes a row, with its column. */
static inline void
del(struct rib_fixture *f, enum ovl_rib_table table, int row)
{
    struct uuid uuid = uuid_nr(row);

    ovl_rib_delete(f->rib, table, &uuid);
    free(f->errors[table][row]);
    f->errors[table][row] = NULL;
}

/* Commits and writes the columns.  Only real changes may be reported. */
static inline void
commit(struct rib_fixture *f)
{
    struct ovl_rib_error e;

    ovl_rib_commit(f->rib);
    f->n_error_changes = 0;
    while (ovl_rib_next_error(f->rib, &e)) {
        int row = nr_of_uuid(&e.uuid);

        assert_in_range(row, 0, RIB_MAX_ROWS - 1);
        char **column = &f->errors[e.table][row];
        assert_false(nullable_string_is_equal(*column, e.error));
        free(*column);
        *column = nullable_xstrdup(e.error);
        f->n_error_changes++;
    }
}

/* Commits, and returns true if packets may notice. */
static inline bool
commit_changes(struct rib_fixture *f)
{
    ovs_version_t before = ovl_forwarding_version(f->fwd);

    commit(f);
    return ovl_forwarding_version(f->fwd) != before;
}

static inline const char *
error_of(const struct rib_fixture *f, enum ovl_rib_table table, int row)
{
    return f->errors[table][row];
}

/* Checks that the row's error contains 'part'; that it has none, if NULL. */
static inline void
expect_error(const struct rib_fixture *f, enum ovl_rib_table table, int row,
             const char *part)
{
    const char *error = error_of(f, table, row);

    if (part ? !error || !strstr(error, part) : error != NULL) {
        fail_msg("error is \"%s\", expected \"%s\"",
                 error ? error : "(none)", part ? part : "(none)");
    }
}

/* Dumps. */

struct dump {
    struct ovl_forwarding *fwd;
    struct svec lines;
};

static inline void
dump_line(struct dump *d, struct ds *ds)
{
    svec_add(&d->lines, ds_cstr(ds));
    ds_destroy(ds);
}

static inline const char *
name_of(const struct ovl_lport *port)
{
    return port ? port->name : "-";
}

static inline void
put_ip(struct ds *ds, const char *sep, const struct in6_addr *ip)
{
    ds_put_cstr(ds, sep);
    ovl_text_put_ip(ds, ip);
}

static inline void
dump_config(struct dump *d)
{
    ovs_version_t v = ovl_forwarding_version(d->fwd);
    const struct ovl_config *c = ovl_config_get(d->fwd, v);
    struct ds ds = DS_EMPTY_INITIALIZER;

    put_ip(&ds, "config ", &c->vtep4);
    put_ip(&ds, " ", &c->vtep6);
    ds_put_format(&ds, " port %d ttl %d local %s uplink %s", c->vxlan_port,
                  c->ttl, name_of(c->local), name_of(c->uplink));
    dump_line(d, &ds);
}

static inline void
dump_binding(const struct ovl_binding *b, void *d_)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct dump *d = d_;

    ds_put_format(&ds, "binding %s %s", b->port->name,
                  ovl_role_to_string(b->role));
    if (b->role == OVL_ROLE_ACCESS) {
        ds_put_format(&ds, " %u%s", b->vni, b->guarded ? " guarded" : "");
    }
    for (size_t i = 0; i < b->n_guards; i++) {
        ds_put_format(&ds, " "ETH_ADDR_FMT, ETH_ADDR_ARGS(b->guards[i].mac));
        for (size_t j = 0; j < b->guards[i].n_prefixes; j++) {
            ds_put_char(&ds, ' ');
            ovl_text_put_prefix(&ds, &b->guards[i].prefixes[j].addr,
                                b->guards[i].prefixes[j].plen);
        }
    }
    for (size_t i = 0; i < b->n_vlans; i++) {
        ds_put_format(&ds, " %d=%u", b->vlans[i].vlan, b->vlans[i].vni);
    }
    dump_line(d, &ds);
}

static inline void
dump_network(const struct ovl_network *net, void *d_)
{
    struct svec members = SVEC_EMPTY_INITIALIZER;
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct dump *d = d_;

    ds_put_format(&ds, "network %u \"%s\" vrf \"%s\" mtu %d router "
                  ETH_ADDR_FMT" gateways", net->vni, net->name, net->vrf,
                  net->mtu, ETH_ADDR_ARGS(net->router_mac));
    for (size_t i = 0; i < net->n_gateways; i++) {
        ds_put_char(&ds, ' ');
        ovl_text_put_prefix(&ds, &net->gateways[i].ip,
                            net->gateways[i].plen);
    }
    ds_put_cstr(&ds, " flood");
    for (size_t i = 0; i < net->n_flood; i++) {
        put_ip(&ds, " ", &net->flood[i]->ip);
    }

    /* Members are sorted by port id, which tells in which order ports
     * came. */
    for (size_t i = 0; i < net->n_members; i++) {
        svec_add_nocopy(&members, xasprintf("%s.%d",
                                            net->members[i].port->name,
                                            net->members[i].vlan));
    }
    svec_sort(&members);
    ds_put_cstr(&ds, " members");
    for (size_t i = 0; i < members.n; i++) {
        ds_put_format(&ds, " %s", members.names[i]);
    }
    svec_destroy(&members);

    ds_put_cstr(&ds, " sources");
    for (size_t i = 0; i < ARRAY_SIZE(probed_sources); i++) {
        struct in6_addr ip = ip_from(probed_sources[i]);

        if (ovl_source_allowed(d->fwd, ovl_forwarding_version(d->fwd),
                               net->source_group, &ip)) {
            ds_put_format(&ds, " %s", probed_sources[i]);
        }
    }
    dump_line(d, &ds);
}

static inline void
dump_mac(const struct ovl_mac *mac, void *d_)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct dump *d = d_;

    ds_put_format(&ds, "mac %u "ETH_ADDR_FMT" ", mac->vni,
                  ETH_ADDR_ARGS(mac->mac));
    if (mac->port) {
        ds_put_cstr(&ds, mac->port->name);
    } else {
        put_ip(&ds, "", &mac->vtep->ip);
    }
    dump_line(d, &ds);
}

static inline void
dump_neighbor(const struct ovl_neighbor *n, void *d_)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct dump *d = d_;

    ds_put_format(&ds, "neighbor %u ", n->vni);
    put_ip(&ds, "", &n->ip);
    if (n->shared) {
        ds_put_cstr(&ds, " shared");
    } else {
        ds_put_format(&ds, " "ETH_ADDR_FMT"%s", ETH_ADDR_ARGS(n->mac),
                      n->router ? " router" : "");
    }
    dump_line(d, &ds);
}

/* Returns the contents of all tables, sorted, one entry a line, for the
 * caller to free. */
static inline char *
dump_tables(struct ovl_forwarding *fwd)
{
    struct dump d = { .fwd = fwd, .lines = SVEC_EMPTY_INITIALIZER };
    struct ds ds = DS_EMPTY_INITIALIZER;

    dump_config(&d);
    ovl_forwarding_for_each_binding(fwd, dump_binding, &d);
    ovl_forwarding_for_each_network(fwd, dump_network, &d);
    ovl_forwarding_for_each_mac(fwd, dump_mac, &d);
    ovl_forwarding_for_each_neighbor(fwd, dump_neighbor, &d);
    svec_sort(&d.lines);
    for (size_t i = 0; i < d.lines.n; i++) {
        ds_put_format(&ds, "%s\n", d.lines.names[i]);
    }
    svec_destroy(&d.lines);
    return ds_steal_cstr(&ds);
}

/* The same, with the errors. */
static inline char *
dump_all(const struct rib_fixture *f)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    char *tables = dump_tables(f->fwd);

    ds_put_cstr(&ds, tables);
    free(tables);
    for (int i = 0; i < OVL_RIB_N_TABLES; i++) {
        for (int j = 0; j < RIB_MAX_ROWS; j++) {
            if (f->errors[i][j]) {
                ds_put_format(&ds, "error %d %d %s\n", i, j,
                              f->errors[i][j]);
            }
        }
    }
    return ds_steal_cstr(&ds);
}

/* Checks that the tables are just 'expected', without the configuration. */
static inline void
expect_tables(const struct rib_fixture *f, const char *expected)
{
    char *dump = dump_tables(f->fwd);
    char *config = strstr(dump, "config ");
    char *end = strchr(config, '\n') + 1;

    memmove(config, end, strlen(end) + 1);
    assert_string_equal(dump, expected);
    free(dump);
}

#endif /* rib-fixture.h */
