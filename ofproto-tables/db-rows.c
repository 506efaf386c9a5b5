/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: ovl_db_rows_.
 *
 * The tables of our own have a function each that turns a row into plain
 * values.  Bridges and ports need more: a port belongs to us if its bridge
 * does, which the port's row does not say, so 'members' has the ports of our
 * bridge as of the last update. */

#include <config.h>

#include "db-rows.h"

#include "db-columns.h"
#include "db-write.h"
#include "dpif-overlay.h"
#include "openvswitch/uuid.h"
#include "ovs-rcu.h"
#include "ovsdb-idl-provider.h"
#include "rib.h"
#include "timeval.h"
#include "util.h"
#include "uuid.h"
#include "lib/vswitch-idl.h"

/* Longest time between two quiescent states while rows are applied. */
#define SLICE_USEC 5000

struct member {
    struct hmap_node hmap_node; /* In struct ovl_db_rows's 'members'. */
    struct uuid port;
};

void
ovl_db_rows_init(struct ovl_db_rows *rows, struct ovsdb_idl *idl,
                 struct ovl_rib *rib, struct ovl_db_write *write)
{
    *rows = (struct ovl_db_rows) { .idl = idl, .rib = rib, .write = write };
    hmap_init(&rows->members);
    ovl_db_columns_add(idl);
}

static void
members_destroy(struct hmap *members)
{
    struct member *m;

    HMAP_FOR_EACH_POP (m, hmap_node, members) {
        free(m);
    }
    hmap_destroy(members);
}

void
ovl_db_rows_destroy(struct ovl_db_rows *rows)
{
    members_destroy(&rows->members);
    free(rows->owner);
}

void
ovl_db_rows_set_owner(struct ovl_db_rows *rows, const char *bridge)
{
    if (!nullable_string_is_equal(rows->owner, bridge)) {
        free(rows->owner);
        rows->owner = nullable_xstrdup(bridge);
        rows->owner_changed = true;
    }
}

/* Lets RCU go on if this slice of work took long enough.  The RIB holds
 * nothing that lives by RCU between two of its functions. */
static void
breathe(struct ovl_db_rows *rows)
{
    long long int now = time_usec();

    if (now >= rows->slice_end) {
        ovl_rib_breathe();
        rows->slice_end = time_usec() + SLICE_USEC;
    }
}

/* Rows of our own tables. */

static struct ovl_strings
strings(char **s, size_t n)
{
    return (struct ovl_strings) { .s = s, .n = n };
}

static void
set_binding(struct ovl_rib *rib, const struct ovsdb_idl_row *row_)
{
    const struct ovsrec_overlay_binding *row
        = CONTAINER_OF(row_, struct ovsrec_overlay_binding, header_);

    ovl_rib_set_binding(rib, &row_->uuid, &(struct ovl_row_binding) {
        .iface = row->iface,
        .vni = row->vni,
        .addresses = strings(row->addresses, row->n_addresses),
    });
}

static void
set_network(struct ovl_rib *rib, const struct ovsdb_idl_row *row_)
{
    const struct ovsrec_overlay_network *row
        = CONTAINER_OF(row_, struct ovsrec_overlay_network, header_);

    ovl_rib_set_network(rib, &row_->uuid, &(struct ovl_row_network) {
        .vni = row->vni,
        .name = row->name,
        .vrf = row->vrf,
        .gateway_ips = strings(row->gateway_ips, row->n_gateway_ips),
        .gateway_mac = row->gateway_mac,
        .flood_vteps = strings(row->flood_vteps, row->n_flood_vteps),
        .unknown_unicast = row->unknown_unicast,
        .neigh_suppress = row->neigh_suppress,
        .neigh_miss = row->neigh_miss,
        .mtu = row->mtu,
        .other_config = &row->other_config,
    });
}

static void
set_route(struct ovl_rib *rib, const struct ovsdb_idl_row *row_)
{
    const struct ovsrec_overlay_route *row
        = CONTAINER_OF(row_, struct ovsrec_overlay_route, header_);

    ovl_rib_set_route(rib, &row_->uuid, &(struct ovl_row_route) {
        .vrf = row->vrf,
        .prefix = row->prefix,
        .nexthops = strings(row->nexthops, row->n_nexthops),
        .vni = row->vni,
        .action = row->action,
    });
}

static void
set_neighbor(struct ovl_rib *rib, const struct ovsdb_idl_row *row_)
{
    const struct ovsrec_overlay_neighbor *row
        = CONTAINER_OF(row_, struct ovsrec_overlay_neighbor, header_);

    ovl_rib_set_neighbor(rib, &row_->uuid, &(struct ovl_row_neighbor) {
        .vni = row->vni,
        .ip = row->ip,
        .mac = row->mac,
        .router = row->router,
    });
}

static void
set_mac(struct ovl_rib *rib, const struct ovsdb_idl_row *row_)
{
    const struct ovsrec_overlay_mac *row
        = CONTAINER_OF(row_, struct ovsrec_overlay_mac, header_);

    ovl_rib_set_mac(rib, &row_->uuid, &(struct ovl_row_mac) {
        .vni = row->vni,
        .mac = row->mac,
        .vtep = row->vtep,
        .ips = strings(row->ips, row->n_ips),
    });
}

struct table {
    enum ovl_rib_table id;
    const struct ovsdb_idl_table_class *class;
    void (*set)(struct ovl_rib *, const struct ovsdb_idl_row *);
};

static const struct table own_tables[] = {
    { OVL_RIB_BINDING, &ovsrec_table_overlay_binding, set_binding },
    { OVL_RIB_NETWORK, &ovsrec_table_overlay_network, set_network },
    { OVL_RIB_ROUTE, &ovsrec_table_overlay_route, set_route },
    { OVL_RIB_NEIGHBOR, &ovsrec_table_overlay_neighbor, set_neighbor },
    { OVL_RIB_MAC, &ovsrec_table_overlay_mac, set_mac },
};

static bool
is_deleted(const struct ovsdb_idl_row *row)
{
    return ovsdb_idl_row_get_seqno(row, OVSDB_IDL_CHANGE_DELETE) > 0;
}

static void
apply_changes(struct ovl_db_rows *rows, const struct table *table)
{
    const struct ovsdb_idl_row *row;

    for (row = ovsdb_idl_track_get_first(rows->idl, table->class); row;
         row = ovsdb_idl_track_get_next(row)) {
        if (is_deleted(row)) {
            ovl_rib_delete(rows->rib, table->id, &row->uuid);
        } else {
            table->set(rows->rib, row);
        }
        breathe(rows);
    }
}

static void
apply_all(struct ovl_db_rows *rows, const struct table *table)
{
    const struct ovsdb_idl_row *row;

    for (row = ovsdb_idl_first_row(rows->idl, table->class); row;
         row = ovsdb_idl_next_row(row)) {
        table->set(rows->rib, row);
        breathe(rows);
    }
}

/* Bridges. */

static bool
is_overlay(const struct ovsrec_bridge *row)
{
    return !strcmp(row->datapath_type, OVL_DP_TYPE);
}

/* True for the bridge that has the datapath. */
static bool
is_owner(const struct ovl_db_rows *rows, const struct ovsrec_bridge *row)
{
    return (is_overlay(row)
            && rows->owner && !strcmp(row->name, rows->owner));
}

static void
refuse_bridge(struct ovl_db_rows *rows, const struct ovsrec_bridge *row)
{
    char *error = xasprintf("Bridge \"%s\": datapath_type: bridge \"%s\" is "
                            "the overlay bridge already, and one daemon has "
                            "one", row->name, rows->owner);

    ovl_db_write_error(rows->write, OVL_RIB_BRIDGE, &row->header_.uuid,
                       error);
    free(error);
}

static void
set_bridge(struct ovl_db_rows *rows, const struct ovsrec_bridge *row)
{
    const struct uuid *uuid = &row->header_.uuid;

    if (!is_owner(rows, row)) {
        ovl_rib_delete(rows->rib, OVL_RIB_BRIDGE, uuid);
        if (is_overlay(row)) {
            refuse_bridge(rows, row);
        } else {
            ovl_db_write_clear(rows->write, OVL_RIB_BRIDGE, uuid);
        }
        return;
    }

    /* It may have been refused before.  If it has an error now, the RIB tells
     * so later. */
    if (rows->owner_changed) {
        ovl_db_write_clear(rows->write, OVL_RIB_BRIDGE, uuid);
    }
    ovl_rib_set_bridge(rows->rib, uuid, &(struct ovl_row_bridge) {
        .name = row->name,
        .vtep_ips = strings(row->overlay_vtep_ips, row->n_overlay_vtep_ips),
        .uplinks = strings(row->overlay_uplinks, row->n_overlay_uplinks),
        .gateway_mac = row->overlay_gateway_mac,
        .router_mac = row->overlay_router_mac,
        .other_config = &row->other_config,
    });
}

/* True if something of 'row' itself changed, as opposed to a port or an
 * interface that it refers to, which the IDL reports likewise. */
static bool
bridge_row_changed(const struct ovsrec_bridge *row)
{
    static const struct ovsdb_idl_column *const columns[] = {
        &ovsrec_bridge_col_name,
        &ovsrec_bridge_col_ports,
        &ovsrec_bridge_col_datapath_type,
        &ovsrec_bridge_col_other_config,
        &ovsrec_bridge_col_overlay_vtep_ips,
        &ovsrec_bridge_col_overlay_uplinks,
        &ovsrec_bridge_col_overlay_gateway_mac,
        &ovsrec_bridge_col_overlay_router_mac,
    };

    for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
        if (ovsdb_idl_track_is_updated(&row->header_, columns[i])) {
            return true;
        }
    }
    return false;
}

/* Returns true if some bridge came, went, or changed. */
static bool
apply_bridge_changes(struct ovl_db_rows *rows)
{
    const struct ovsrec_bridge *row;
    bool any = false;

    OVSREC_BRIDGE_FOR_EACH_TRACKED (row, rows->idl) {
        if (ovsrec_bridge_is_deleted(row)) {
            ovl_rib_delete(rows->rib, OVL_RIB_BRIDGE, &row->header_.uuid);
            any = true;
        } else if (ovsrec_bridge_is_new(row) || bridge_row_changed(row)) {
            set_bridge(rows, row);
            any = true;
        }
    }
    return any;
}

static void
apply_all_bridges(struct ovl_db_rows *rows)
{
    const struct ovsrec_bridge *row;

    OVSREC_BRIDGE_FOR_EACH (row, rows->idl) {
        set_bridge(rows, row);
    }
}

/* Ports. */

static bool
find_member(const struct hmap *members, const struct uuid *port)
{
    const struct member *m;

    HMAP_FOR_EACH_WITH_HASH (m, hmap_node, uuid_hash(port), members) {
        if (uuid_equals(&m->port, port)) {
            return true;
        }
    }
    return false;
}

static void
set_port(struct ovl_db_rows *rows, const struct ovsrec_port *row)
{
    bool member = find_member(&rows->members, &row->header_.uuid);

    if (!member && !row->overlay_vni && !row->n_overlay_addresses
        && !row->n_overlay_vlan_bindings) {
        ovl_rib_delete(rows->rib, OVL_RIB_PORT, &row->header_.uuid);
        ovl_db_write_clear(rows->write, OVL_RIB_PORT, &row->header_.uuid);
        return;
    }

    struct ovl_row_iface *ifaces = xcalloc(MAX(row->n_interfaces, 1),
                                           sizeof *ifaces);
    for (size_t i = 0; i < row->n_interfaces; i++) {
        const struct ovsrec_interface *iface = row->interfaces[i];

        ifaces[i] = (struct ovl_row_iface) {
            .name = iface->name,
            .iface_id = smap_get(&iface->external_ids, "iface-id"),
            .attached_mac = smap_get(&iface->external_ids, "attached-mac"),
        };
    }
    ovl_rib_set_port(rows->rib, &row->header_.uuid, &(struct ovl_row_port) {
        .name = row->name,
        .on_overlay_bridge = member,
        .ifaces = ifaces,
        .n_ifaces = row->n_interfaces,
        .has_vni = row->overlay_vni != NULL,
        .vni = row->overlay_vni ? *row->overlay_vni : 0,
        .addresses = strings(row->overlay_addresses,
                             row->n_overlay_addresses),
        .vlans = row->key_overlay_vlan_bindings,
        .vlan_vnis = row->value_overlay_vlan_bindings,
        .n_vlans = row->n_overlay_vlan_bindings,
    });
    free(ifaces);
}

/* Works out which ports are ours; gives those that were not to the RIB
 * again, and those that are not any more. */
static void
refresh_members(struct ovl_db_rows *rows)
{
    const struct ovsrec_bridge *bridge;
    struct hmap old = HMAP_INITIALIZER(&old);
    struct member *m;

    hmap_swap(&rows->members, &old);
    OVSREC_BRIDGE_FOR_EACH (bridge, rows->idl) {
        if (!is_owner(rows, bridge)) {
            continue;
        }
        for (size_t i = 0; i < bridge->n_ports; i++) {
            m = xmalloc(sizeof *m);
            m->port = bridge->ports[i]->header_.uuid;
            hmap_insert(&rows->members, &m->hmap_node, uuid_hash(&m->port));
        }
    }

    HMAP_FOR_EACH (m, hmap_node, &rows->members) {
        if (!find_member(&old, &m->port)) {
            set_port(rows, ovsrec_port_get_for_uuid(rows->idl, &m->port));
        }
    }
    HMAP_FOR_EACH (m, hmap_node, &old) {
        const struct ovsrec_port *port
            = ovsrec_port_get_for_uuid(rows->idl, &m->port);

        /* A port row that is gone is among the tracked changes. */
        if (port && !find_member(&rows->members, &m->port)) {
            set_port(rows, port);
        }
    }
    members_destroy(&old);
}

static void
apply_port_changes(struct ovl_db_rows *rows)
{
    const struct ovsrec_port *row;

    OVSREC_PORT_FOR_EACH_TRACKED (row, rows->idl) {
        if (ovsrec_port_is_deleted(row)) {
            ovl_rib_delete(rows->rib, OVL_RIB_PORT, &row->header_.uuid);
        } else {
            set_port(rows, row);
        }
        breathe(rows);
    }
}

static void
apply_all_ports(struct ovl_db_rows *rows)
{
    const struct ovsrec_port *row;

    OVSREC_PORT_FOR_EACH (row, rows->idl) {
        set_port(rows, row);
        breathe(rows);
    }
}

/* All together. */

static void
resync(struct ovl_db_rows *rows)
{
    ovl_rib_resync_begin(rows->rib);
    apply_all_bridges(rows);
    refresh_members(rows);
    apply_all_ports(rows);
    for (size_t i = 0; i < ARRAY_SIZE(own_tables); i++) {
        apply_all(rows, &own_tables[i]);
    }
    ovl_rib_resync_end(rows->rib);
}

/* Counts the rows that the IDL reports because of what they have themselves,
 * not because of a row that they refer to. */
static unsigned int
count_changes(const struct ovsdb_idl *idl)
{
    const struct ovsdb_idl_class *class = ovsdb_idl_get_class(idl);
    unsigned int n = 0;

    for (size_t i = 0; i < class->n_tables; i++) {
        const struct ovsdb_idl_row *row;

        for (row = ovsdb_idl_track_get_first(idl, &class->tables[i]); row;
             row = ovsdb_idl_track_get_next(row)) {
            n += is_deleted(row) || row->updated;
        }
    }
    return n;
}

/* The IDL does not report a new row whose columns all have their default
 * values.  Only Overlay_Route allows such a row (which is in error).  The
 * IDL's sequence number counts it, though. */
static void
apply_unreported(struct ovl_db_rows *rows)
{
    const struct ovsrec_overlay_route *row;

    if (ovsdb_idl_get_seqno(rows->idl) - rows->seqno
        <= count_changes(rows->idl)) {
        return;
    }
    OVSREC_OVERLAY_ROUTE_FOR_EACH (row, rows->idl) {
        if (!row->prefix[0]) {
            set_route(rows->rib, &row->header_);
        }
    }
}

static void
apply_tracked(struct ovl_db_rows *rows)
{
    bool bridges = apply_bridge_changes(rows);

    if (rows->owner_changed) {
        apply_all_bridges(rows);
        bridges = true;
    }
    if (bridges) {
        refresh_members(rows);
    }
    apply_port_changes(rows);
    for (size_t i = 0; i < ARRAY_SIZE(own_tables); i++) {
        apply_changes(rows, &own_tables[i]);
    }
    apply_unreported(rows);
}

void
ovl_db_rows_apply(struct ovl_db_rows *rows, bool everything)
{
    rows->slice_end = time_usec() + SLICE_USEC;
    if (everything) {
        resync(rows);
    } else {
        apply_tracked(rows);
    }
    rows->owner_changed = false;
    rows->seqno = ovsdb_idl_get_seqno(rows->idl);

    /* In one go, and none of RCU's business. */
    ovsrcu_quiesce_start();
    ovsdb_idl_track_clear(rows->idl);
    ovsrcu_quiesce_end();
}

bool
ovl_db_rows_reloaded(const struct ovl_db_rows *rows)
{
    const struct ovsrec_open_vswitch *cfg
        = ovsrec_open_vswitch_first(rows->idl);

    /* The IDL throws its contents away without a word.  Afterwards the row of
     * the Open_vSwitch table is a new one.  It is not reported as new if all
     * of its columns that we read are empty, but then there are no bridges,
     * and little to compare. */
    return (!cfg
            || ovsrec_open_vswitch_is_new(cfg)
            || (!cfg->n_bridges && !cfg->next_cfg));
}

int64_t
ovl_db_rows_next_cfg(const struct ovl_db_rows *rows)
{
    const struct ovsrec_open_vswitch *cfg
        = ovsrec_open_vswitch_first(rows->idl);

    return cfg ? cfg->next_cfg : 0;
}
