/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_RIB_H
#define OVL_RIB_H 1

/* RIB: what the rows say, and what follows from them.
 *
 * Rows come in as plain values, in any order, valid or not.  Each is
 * validated and indexed by what it names (VNI and MAC, VNI and IP, port name,
 * ...).  A change marks the keys that depend on it dirty; ovl_rib_commit()
 * works out, for each dirty key, what should be in the forwarding tables, and
 * sets just the differences, in one forwarding transaction.  So the cost of a
 * change is in proportion to the change, the order in which rows arrive does
 * not matter, and a row that is deleted and inserted again (with another
 * UUID) in one commit, as after a restart of the database server, changes
 * nothing for packets.
 *
 * Of several rows that are equal by key, the one with the lowest UUID is in
 * force; the others have an error and take over when it goes.
 *
 * Thread-safety: one thread, the writer of the forwarding tables.  It must
 * hold nothing that RCU protects when it calls ovl_rib_commit(),
 * ovl_rib_resync_end() or ovl_rib_destroy(): they quiesce now and then if
 * there is much to do.
 *
 * Ownership: values are copied.
 *
 * Example:
 *
 *     struct ovl_rib *rib = ovl_rib_create(fwd);
 *     ovl_rib_set_mac(rib, &uuid, &(struct ovl_row_mac) {
 *         .vni = 5001, .mac = "52:54:00:00:00:02", .vtep = "192.0.2.2" });
 *     ovl_rib_commit(rib);
 *     while (ovl_rib_next_error(rib, &e)) { ... write e.error into row ... }
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lport.h"
#include "openvswitch/uuid.h"
#include "smap.h"

struct ovl_forwarding;
struct ovl_rib;

/* The tables of the database that the RIB knows. */
enum ovl_rib_table {
    OVL_RIB_BRIDGE,             /* Bridge.overlay_error */
    OVL_RIB_PORT,               /* Port.overlay_error */
    OVL_RIB_BINDING,            /* Overlay_Binding.error and so on. */
    OVL_RIB_NETWORK,
    OVL_RIB_ROUTE,
    OVL_RIB_NEIGHBOR,
    OVL_RIB_MAC,
    OVL_RIB_N_TABLES
};

/* A set of strings, not owned. */
struct ovl_strings {
    char **s;
    size_t n;
};

/* Rows, one struct per table, as the database has them.  A NULL string is an
 * empty optional column.  Bridges only with datapath_type=overlay. */

struct ovl_row_bridge {
    const char *name;
    struct ovl_strings vtep_ips;
    struct ovl_strings uplinks;
    const char *gateway_mac;
    const char *router_mac;
    const struct smap *other_config;
};

struct ovl_row_iface {
    const char *name;
    const char *iface_id;       /* external_ids:iface-id. */
    const char *attached_mac;   /* external_ids:attached-mac. */
};

struct ovl_row_port {
    const char *name;
    bool on_overlay_bridge;
    const struct ovl_row_iface *ifaces;
    size_t n_ifaces;
    bool has_vni;
    int64_t vni;
    struct ovl_strings addresses;
    const int64_t *vlans;       /* overlay_vlan_bindings. */
    const int64_t *vlan_vnis;
    size_t n_vlans;
};

struct ovl_row_binding {
    const char *iface;
    int64_t vni;
    struct ovl_strings addresses;
};

struct ovl_row_network {
    int64_t vni;
    const char *name;
    const char *vrf;
    struct ovl_strings gateway_ips;
    const char *gateway_mac;
    struct ovl_strings flood_vteps;
    const char *unknown_unicast;
    const bool *neigh_suppress;
    const char *neigh_miss;
    const int64_t *mtu;
    const struct smap *other_config;
};

struct ovl_row_route {
    const char *vrf;
    const char *prefix;
    struct ovl_strings nexthops;
    const int64_t *vni;
    const char *action;
};

struct ovl_row_neighbor {
    int64_t vni;
    const char *ip;
    const char *mac;
    bool router;
};

struct ovl_row_mac {
    int64_t vni;
    const char *mac;
    const char *vtep;
    struct ovl_strings ips;
};

struct ovl_rib *ovl_rib_create(struct ovl_forwarding *);
/* Removes from the forwarding tables what the RIB put there.  NULL is
 * fine. */
void ovl_rib_destroy(struct ovl_rib *);

/* Adds the row or replaces its former contents. */
void ovl_rib_set_bridge(struct ovl_rib *, const struct uuid *,
                        const struct ovl_row_bridge *);
void ovl_rib_set_port(struct ovl_rib *, const struct uuid *,
                      const struct ovl_row_port *);
void ovl_rib_set_binding(struct ovl_rib *, const struct uuid *,
                         const struct ovl_row_binding *);
void ovl_rib_set_network(struct ovl_rib *, const struct uuid *,
                         const struct ovl_row_network *);
void ovl_rib_set_route(struct ovl_rib *, const struct uuid *,
                       const struct ovl_row_route *);
void ovl_rib_set_neighbor(struct ovl_rib *, const struct uuid *,
                          const struct ovl_row_neighbor *);
void ovl_rib_set_mac(struct ovl_rib *, const struct uuid *,
                     const struct ovl_row_mac *);

/* Deletes the row; nothing happens if it is not there. */
void ovl_rib_delete(struct ovl_rib *, enum ovl_rib_table, const struct uuid *);

/* After a reconnect the database does not tell what was deleted meanwhile:
 * begin, set every row that there is, end: what was not set goes. */
void ovl_rib_resync_begin(struct ovl_rib *);
void ovl_rib_resync_end(struct ovl_rib *);

/* The datapath has exactly these live ports. Takes references as needed. */
void ovl_rib_set_lports(struct ovl_rib *, struct ovl_lport *const *,
                        size_t n);

/* Called now and then by whoever gives the RIB many rows in one go: RCU, and
 * whoever waits for it, goes on.  What the caller got from RCU is not valid
 * any more. */
void ovl_rib_breathe(void);

/* Puts everything set and deleted since the last commit in force at once. */
void ovl_rib_commit(struct ovl_rib *);

/* Rows whose error changed since it was last asked for, in no order.
 * 'error' is owned by the RIB, valid until the next set, delete or commit;
 * NULL: the row is in force now. */
struct ovl_rib_error {
    enum ovl_rib_table table;
    struct uuid uuid;
    const char *error;
};
bool ovl_rib_next_error(struct ovl_rib *, struct ovl_rib_error *);

/* Marks every row's error as changed, so that ovl_rib_next_error() gives
 * those that are not NULL again: after a reconnect the ephemeral columns are
 * empty. */
void ovl_rib_errors_again(struct ovl_rib *);

/* The overlay bridge in force; NULL if there is none.  Owned by the RIB. */
const char *ovl_rib_bridge_name(const struct ovl_rib *);

/* Adds counts of what is in force, for Bridge.overlay_status: "networks",
 * "macs", "neighbors", "routes", "bindings" (of VM and gateway ports),
 * "vteps"; "rows_in_error"; and, only while they are there, faults:
 * "no_tunnel_ip" (VTEPs of a family that we have no address of) and
 * "missing_networks" (VNIs that rows name and no network in force has). */
void ovl_rib_get_status(const struct ovl_rib *, struct smap *);

#endif /* rib.h */
