/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: ovl_db_columns_. */

#include <config.h>

#include "db-columns.h"

#include "openvswitch/dynamic-string.h"
#include "ovsdb-idl.h"
#include "ovsdb-idl-provider.h"
#include "sset.h"
#include "util.h"
#include "lib/vswitch-idl.h"

/* What we read. */
static const struct ovsdb_idl_column *const read_columns[] = {
    &ovsrec_open_vswitch_col_bridges,
    &ovsrec_open_vswitch_col_next_cfg,
    &ovsrec_open_vswitch_col_other_config,

    &ovsrec_bridge_col_name,
    &ovsrec_bridge_col_ports,
    &ovsrec_bridge_col_datapath_type,
    &ovsrec_bridge_col_other_config,
    &ovsrec_bridge_col_overlay_vtep_ips,
    &ovsrec_bridge_col_overlay_uplinks,
    &ovsrec_bridge_col_overlay_gateway_mac,
    &ovsrec_bridge_col_overlay_router_mac,

    &ovsrec_port_col_name,
    &ovsrec_port_col_interfaces,
    &ovsrec_port_col_overlay_vni,
    &ovsrec_port_col_overlay_addresses,
    &ovsrec_port_col_overlay_vlan_bindings,

    &ovsrec_interface_col_name,
    &ovsrec_interface_col_external_ids,

    &ovsrec_overlay_binding_col_iface,
    &ovsrec_overlay_binding_col_vni,
    &ovsrec_overlay_binding_col_addresses,

    &ovsrec_overlay_network_col_vni,
    &ovsrec_overlay_network_col_name,
    &ovsrec_overlay_network_col_vrf,
    &ovsrec_overlay_network_col_gateway_ips,
    &ovsrec_overlay_network_col_gateway_mac,
    &ovsrec_overlay_network_col_flood_vteps,
    &ovsrec_overlay_network_col_unknown_unicast,
    &ovsrec_overlay_network_col_neigh_suppress,
    &ovsrec_overlay_network_col_neigh_miss,
    &ovsrec_overlay_network_col_mtu,
    &ovsrec_overlay_network_col_other_config,

    &ovsrec_overlay_route_col_vrf,
    &ovsrec_overlay_route_col_prefix,
    &ovsrec_overlay_route_col_nexthops,
    &ovsrec_overlay_route_col_vni,
    &ovsrec_overlay_route_col_action,

    &ovsrec_overlay_neighbor_col_vni,
    &ovsrec_overlay_neighbor_col_ip,
    &ovsrec_overlay_neighbor_col_mac,
    &ovsrec_overlay_neighbor_col_router,

    &ovsrec_overlay_mac_col_vni,
    &ovsrec_overlay_mac_col_mac,
    &ovsrec_overlay_mac_col_vtep,
    &ovsrec_overlay_mac_col_ips,
};

/* What we write and nobody else does.  Not tracked, no alert: otherwise our
 * own writes would come back as changes. */
static const struct ovsdb_idl_column *const write_columns[] = {
    &ovsrec_bridge_col_overlay_error,
    &ovsrec_bridge_col_overlay_status,
    &ovsrec_port_col_overlay_error,
    &ovsrec_overlay_binding_col_error,
    &ovsrec_overlay_network_col_error,
    &ovsrec_overlay_network_col_statistics,
    &ovsrec_overlay_route_col_error,
    &ovsrec_overlay_neighbor_col_error,
    &ovsrec_overlay_mac_col_error,
};

void
ovl_db_columns_add(struct ovsdb_idl *idl)
{
    for (size_t i = 0; i < ARRAY_SIZE(read_columns); i++) {
        ovsdb_idl_add_column(idl, read_columns[i]);
        ovsdb_idl_track_add_column(idl, read_columns[i]);
    }
    for (size_t i = 0; i < ARRAY_SIZE(write_columns); i++) {
        ovsdb_idl_add_column(idl, write_columns[i]);
        ovsdb_idl_omit_alert(idl, write_columns[i]);
    }
}

static void
check_columns(const struct ovsdb_idl *idl,
              const struct ovsdb_idl_column *const *columns, size_t n,
              struct sset *missing)
{
    const struct ovsdb_idl_class *class = ovsdb_idl_get_class(idl);

    for (size_t i = 0; i < n; i++) {
        const struct ovsdb_idl_table_class *table
            = ovsdb_idl_table_class_from_column(class, columns[i]);

        if (!ovsdb_idl_server_has_table(idl, table)) {
            sset_add(missing, table->name);
        } else if (!ovsdb_idl_server_has_column(idl, columns[i])) {
            sset_add_and_free(missing, xasprintf("%s.%s", table->name,
                                                 columns[i]->name));
        }
    }
}

bool
ovl_db_columns_check(const struct ovsdb_idl *idl, struct ds *missing)
{
    struct sset names = SSET_INITIALIZER(&names);
    bool ok;

    check_columns(idl, read_columns, ARRAY_SIZE(read_columns), &names);
    check_columns(idl, write_columns, ARRAY_SIZE(write_columns), &names);
    ok = sset_is_empty(&names);
    if (!ok) {
        const char **sorted = sset_sort(&names);

        for (size_t i = 0; i < sset_count(&names); i++) {
            ds_put_format(missing, "%s%s", i ? ", " : "", sorted[i]);
        }
        free(sorted);
    }
    sset_destroy(&names);
    return ok;
}
