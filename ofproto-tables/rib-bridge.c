/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: rib_bridge_, ovl_rib_.
 *
 * Bridges are few: which one is in force, and what it means for others, is
 * worked out at every commit from all of them and compared with what was so
 * before.  What depends on the bridge elsewhere is looked at only if that
 * differs. */

#include <config.h>

#include "rib-private.h"

#include <stdlib.h>
#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "text-parse.h"
#include "util.h"

struct rib_bridge {
    struct rib_row row;
    char *name;
    struct ovl_parsed_bridge p;
    char *why;                  /* What is wrong with its columns, or NULL. */
};

static struct rib_bridge *
bridge_cast(const struct rib_row *row)
{
    return CONTAINER_OF(row, struct rib_bridge, row);
}

static void
bridge_uninit(struct rib_bridge *bridge)
{
    free(bridge->name);
    ovl_parsed_bridge_uninit(&bridge->p);
    free(bridge->why);
}

void
ovl_rib_set_bridge(struct ovl_rib *rib, const struct uuid *uuid,
                   const struct ovl_row_bridge *row)
{
    struct rib_row *old = rib_row_see(rib, OVL_RIB_BRIDGE, uuid);
    struct rib_bridge *bridge;

    if (old) {
        bridge = bridge_cast(old);
        bridge_uninit(bridge);
    } else {
        bridge = xzalloc(sizeof *bridge);
        rib_row_insert(rib, &bridge->row, OVL_RIB_BRIDGE, uuid);
    }
    bridge->name = xstrdup(row->name);
    bridge->why = ovl_parse_bridge(row, &bridge->p);
}

void
rib_bridge_delete(struct ovl_rib *rib, struct rib_row *row)
{
    struct rib_bridge *bridge = bridge_cast(row);

    if (row->in_force) {
        rib_row_set_in_force(rib, row, false);
        rib->bridge = NULL;
    }
    rib_row_remove(rib, row);
    bridge_uninit(bridge);
    free(bridge);
}

/* Of several bridges, the one that the datapath serves, which has its LOCAL
 * port; of those, the one with the lowest UUID. */
static struct rib_bridge *
choose_bridge(const struct ovl_rib *rib)
{
    struct rib_bridge *best = NULL;
    bool best_served = false;
    struct rib_bridge *bridge;

    HMAP_FOR_EACH (bridge, row.uuid_node, &rib->rows[OVL_RIB_BRIDGE]) {
        bool served = rib_slot_find(rib, bridge->name) != NULL;

        if (!best || served > best_served
            || (served == best_served
                && rib_row_is_before(&bridge->row, &best->row))) {
            best = bridge;
            best_served = served;
        }
    }
    return best;
}

/* Returns the interface of 'bridge''s uplink, NULL if there is none; then it
 * may append a reason to 'why'. */
static const char *
find_uplink(const struct ovl_rib *rib, const struct rib_bridge *bridge,
            struct ds *why)
{
    const char *name;
    const struct rib_port *port;

    if (!bridge || !bridge->p.n_uplinks) {
        return NULL;
    }
    name = bridge->p.uplinks[0];
    port = rib_port_find(rib, name);
    if (port && port->n_ifaces > 1) {
        ds_put_cstr(why, why->length ? "; " : "");
        ds_put_cstr(why, "overlay_uplinks: ");
        ovl_text_quote(why, name);
        ds_put_cstr(why, " is a bond, which is not supported as an uplink");
        return NULL;
    }
    return port && port->n_ifaces ? port->ifaces[0].name : name;
}

/* The interface 'name', or those of the port 'name', may be allowed another
 * role now. */
static void
role_changed(struct ovl_rib *rib, const char *name)
{
    const struct rib_port *port;
    struct rib_slot *slot;

    if (!name) {
        return;
    }
    slot = rib_slot_find(rib, name);
    if (slot) {
        rib_slot_mark(rib, slot);
    }
    rib_iface_changed(rib, name);

    port = rib_port_find(rib, name);
    for (size_t i = 0; port && i < port->n_ifaces; i++) {
        rib_iface_changed(rib, port->ifaces[i].name);
    }
}

static bool
replace_name(char **namep, const char *name)
{
    if (nullable_string_is_equal(*namep, name)) {
        return false;
    }
    free(*namep);
    *namep = nullable_xstrdup(name);
    return true;
}

/* Takes over which ports are LOCAL and uplinks. */
static void
update_roles(struct ovl_rib *rib, const struct rib_bridge *bridge,
             const char *uplink)
{
    const char *local = bridge ? bridge->name : NULL;
    struct sset uplinks = SSET_INITIALIZER(&uplinks);
    char *old_uplink = nullable_xstrdup(rib->uplink_name);
    char *old_local = nullable_xstrdup(rib->local_name);
    const char *name;

    for (size_t i = 0; bridge && i < bridge->p.n_uplinks; i++) {
        sset_add(&uplinks, bridge->p.uplinks[i]);
    }

    bool local_changed = replace_name(&rib->local_name, local);
    bool uplink_changed = replace_name(&rib->uplink_name, uplink);
    sset_swap(&rib->uplink_names, &uplinks);

    if (local_changed) {
        role_changed(rib, old_local);
        role_changed(rib, rib->local_name);
    }
    if (uplink_changed) {
        role_changed(rib, old_uplink);
        role_changed(rib, rib->uplink_name);
    }
    SSET_FOR_EACH (name, &rib->uplink_names) {
        if (!sset_contains(&uplinks, name)) {
            role_changed(rib, name);
        }
    }
    SSET_FOR_EACH (name, &uplinks) {
        if (!sset_contains(&rib->uplink_names, name)) {
            role_changed(rib, name);
        }
    }
    sset_destroy(&uplinks);
    free(old_uplink);
    free(old_local);
}

/* Takes over our tunnel addresses.  Returns true if they changed. */
static bool
update_own(struct ovl_rib *rib, const struct rib_bridge *bridge)
{
    const struct in6_addr own[2] = {
        bridge ? bridge->p.vtep4 : in6addr_any,
        bridge ? bridge->p.vtep6 : in6addr_any,
    };
    bool changed = false;

    for (int i = 0; i < 2; i++) {
        struct in6_addr old = rib->own[i];

        if (!ipv6_addr_equals(&old, &own[i])) {
            rib->own[i] = own[i];
            rib_mac_own_changed(rib, &old);
            rib_mac_own_changed(rib, &own[i]);
            rib_source_own_changed(rib, &old);
            rib_source_own_changed(rib, &own[i]);
            changed = true;
        }
    }
    return changed;
}

/* Takes over the MACs that networks have by default.  Returns true if they
 * changed. */
static bool
update_macs(struct ovl_rib *rib, const struct rib_bridge *bridge)
{
    struct eth_addr gateway_mac = ovl_default_gateway_mac;
    struct eth_addr router_mac = eth_addr_zero;

    if (bridge) {
        const struct rib_slot *local = rib_slot_find(rib, bridge->name);

        gateway_mac = bridge->p.gateway_mac;
        router_mac = bridge->p.router_mac;
        if (eth_addr_is_zero(router_mac) && local) {
            router_mac = ovl_lport_mac(local->lport);
        }
    }

    bool changed = (!eth_addr_equals(gateway_mac, rib->gateway_mac)
                    || !eth_addr_equals(router_mac, rib->router_mac));
    rib->gateway_mac = gateway_mac;
    rib->router_mac = router_mac;
    return changed;
}

static void
update_errors(struct ovl_rib *rib, const char *why)
{
    struct rib_bridge *bridge;

    HMAP_FOR_EACH (bridge, row.uuid_node, &rib->rows[OVL_RIB_BRIDGE]) {
        struct ds error = DS_EMPTY_INITIALIZER;

        if (bridge != rib->bridge) {
            ds_put_cstr(&error, "only one overlay bridge per daemon; ");
            ovl_text_quote(&error, rib->bridge->name);
            ds_put_cstr(&error, " is in force");
        } else {
            ds_put_cstr(&error, why);
        }
        rib_row_set_error(rib, &bridge->row,
                          error.length ? ds_steal_cstr(&error) : NULL);
        ds_destroy(&error);
    }
}

void
rib_bridge_resolve(struct ovl_rib *rib)
{
    struct rib_bridge *bridge = choose_bridge(rib);
    struct ds why = DS_EMPTY_INITIALIZER;

    if (bridge != rib->bridge) {
        if (rib->bridge) {
            rib_row_set_in_force(rib, &rib->bridge->row, false);
        }
        if (bridge) {
            rib_row_set_in_force(rib, &bridge->row, true);
        }
        rib->bridge = bridge;
    }

    ds_put_cstr(&why, bridge && bridge->why ? bridge->why : "");
    update_roles(rib, bridge, find_uplink(rib, bridge, &why));
    bool own_changed = update_own(rib, bridge);
    bool macs_changed = update_macs(rib, bridge);
    if (own_changed || macs_changed) {
        rib_network_bridge_changed(rib);
    }
    update_errors(rib, ds_cstr(&why));
    ds_destroy(&why);
}

static struct ovl_lport *
lport_of(const struct ovl_rib *rib, const char *name)
{
    const struct rib_slot *slot = name ? rib_slot_find(rib, name) : NULL;

    return slot ? slot->lport : NULL;
}

bool
rib_bridge_uplink_is_missing(const struct ovl_rib *rib)
{
    return rib->uplink_name && !lport_of(rib, rib->uplink_name);
}

void
rib_bridge_publish(struct ovl_rib *rib)
{
    struct ovl_config config = {
        .vxlan_port = OVL_VXLAN_PORT,
        .ttl = OVL_DEFAULT_TTL,
    };

    if (rib->bridge) {
        const struct ovl_parsed_bridge *p = &rib->bridge->p;

        config.vtep4 = p->vtep4;
        config.vtep6 = p->vtep6;
        config.vxlan_port = p->vxlan_port;
        config.ttl = p->ttl;
        config.tos = p->tos;
        config.dscp_inherit = p->dscp_inherit;
        config.udp6_zero_csum = p->udp6_zero_csum;
        config.local = lport_of(rib, rib->local_name);
        config.uplink = lport_of(rib, rib->uplink_name);
    }
    ovl_config_set(rib->fwd, &config);
}

bool
rib_is_own_vtep(const struct ovl_rib *rib, const struct in6_addr *ip)
{
    return (ipv6_addr_equals(ip, &rib->own[0])
            || ipv6_addr_equals(ip, &rib->own[1]));
}

const char *
ovl_rib_bridge_name(const struct ovl_rib *rib)
{
    return rib->local_name;
}
