/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_RIB_PRIVATE_H
#define OVL_RIB_PRIVATE_H 1

/* What the files that make up the RIB share.  Nobody else includes this.
 *
 *     rib.c          rows by UUID, errors, resync, commit, status
 *     rib-bridge.c   the bridge in force, what its row decides for others
 *     rib-port.c     Port and Overlay_Binding rows
 *     rib-attach.c   which of them gets which port
 *     rib-slot.c     live ports, their bindings
 *     rib-network.c  Overlay_Network rows, members, flood lists
 *     rib-source.c   which VTEPs may send to a network or to its VRF
 *     rib-mac.c      Overlay_MAC rows
 *     rib-neigh.c    Overlay_Neighbor rows, and IPs that others claim
 *     rib-route.c    Overlay_Route rows, prefixes
 *     rib-hop.c      next hops, and which network they are in
 *     rib-vrf.c      VRFs
 *
 * Row states
 * ==========
 *
 * A row is *invalid* if a column makes no sense: it has an error and is in no
 * index but that by UUID.  A *valid* row is indexed by its key.  It is *in
 * force* unless another row that is in force and has a lower UUID conflicts
 * with it.  Read from the lowest UUID on, this decides for every row,
 * whatever came first.
 *
 * A commit evaluates in this order, each step marking what a later one has
 * to look at, never an earlier one:
 *
 *     bridge -> networks -> ports and bindings -> slots -> MACs
 *            -> neighbors -> network entries -> sources -> VRFs
 *            -> next hops -> prefixes
 *
 * Keys of MACs and neighbors that have to be looked at are collected in
 * arrays; networks, ports and sources are few and are chained in lists. */

#include <stdbool.h>
#include <stdint.h>

#include "forwarding.h"
#include "openvswitch/hmap.h"
#include "openvswitch/list.h"
#include "packets.h"
#include "rib.h"
#include "row-parse.h"
#include "sset.h"
#include "uuid.h"

/* Rows. */

struct rib_row {
    struct hmap_node uuid_node; /* In ovl_rib's 'rows'. */
    struct uuid uuid;
    char *error;
    uint32_t generation;        /* Of the resync that saw it last. */
    uint8_t table;              /* enum ovl_rib_table. */
    bool valid;
    bool in_force;
};

/* A MAC or neighbor key that has to be looked at. */
struct rib_key {
    uint32_t vni;
    uint8_t bytes[16];          /* MAC, zero-padded, or IP. */
};

struct rib_keys {
    struct rib_key *keys;
    size_t n;
    size_t allocated;
};

/* (VNI, IP) that a MAC, not an explicit neighbor, is said to have. */
struct rib_claim {
    struct hmap_node hmap_node; /* In ovl_rib's 'claims'. */
    struct in6_addr ip;
    uint32_t vni;
    struct eth_addr mac;
};

struct ovl_rib {
    struct ovl_forwarding *fwd;
    uint32_t basis;             /* Of all hashes. */
    uint32_t generation;

    /* Rows and their errors. */
    struct hmap rows[OVL_RIB_N_TABLES]; /* "struct rib_row"s by UUID. */
    size_t n_in_force[OVL_RIB_N_TABLES];
    size_t n_errors;
    struct hmap changes;        /* "struct rib_change"s. */
    struct ovs_list change_list;    /* The same, oldest first. */

    /* The bridge in force and what depends on it. */
    struct rib_bridge *bridge;
    struct in6_addr own[2];     /* Our tunnel addresses; may be in6addr_any. */
    struct eth_addr gateway_mac;
    struct eth_addr router_mac;
    char *local_name;           /* LOCAL's, NULL if there is no bridge. */
    char *uplink_name;          /* Uplink in force, NULL if none. */
    struct sset uplink_names;   /* All that the row lists. */

    /* Ports. */
    struct hmap slots;          /* "struct rib_slot"s by name. */
    struct hmap ifaces;         /* "struct rib_iface"s by name. */
    struct hmap iface_ids;      /* "struct rib_iface"s by iface-id. */
    struct hmap bindings;       /* Valid "struct rib_binding"s by 'iface'. */
    struct hmap locals;         /* "struct rib_local"s by VNI and MAC. */
    struct ovs_list attach_queue;
    struct ovs_list dirty_slots;
    uint32_t *removed_ids;      /* Of ports that are gone. */
    size_t n_removed_ids;
    size_t allocated_removed_ids;

    /* Networks. */
    struct hmap vnis;           /* "struct rib_vni"s. */
    struct hmap groups;         /* "struct rib_group"s. */
    uint32_t last_group;
    struct ovs_list network_queue;
    struct ovs_list touched_vnis;
    struct ovs_list touched_groups;
    struct ovs_list dirty_sources;

    /* MACs. */
    struct hmap macs;           /* Valid "struct rib_mac"s by key. */
    struct hmap vteps;          /* "struct rib_vtep"s. */
    struct rib_keys dirty_macs;

    /* Neighbors. */
    struct hmap neighbors;      /* Valid "struct rib_neighbor"s by key. */
    struct hmap claims;         /* "struct rib_claim"s in force. */
    struct rib_keys dirty_neighbors;

    /* Routes. */
    struct hmap prefixes;       /* "struct rib_prefix"es by VRF and prefix. */
    struct ovs_list dirty_prefixes;
    struct ovs_list dirty_hops;
};

/* rib.c */

struct rib_row *rib_row_find(const struct ovl_rib *, enum ovl_rib_table,
                             const struct uuid *);
/* The same, for a row that the database has: a resync lets it stay. */
struct rib_row *rib_row_see(struct ovl_rib *, enum ovl_rib_table,
                            const struct uuid *);
/* Adds zeroed 'row'. */
void rib_row_insert(struct ovl_rib *, struct rib_row *row,
                    enum ovl_rib_table, const struct uuid *);
/* Puts 'new', zeroed, in the place of 'old', which is not freed, under the
 * same UUID.  The error stays. */
void rib_row_replace(struct ovl_rib *, struct rib_row *old,
                     struct rib_row *new);
/* Forgets 'row', which the caller then frees. */
void rib_row_remove(struct ovl_rib *, struct rib_row *row);
/* Sets or clears the error. Takes 'error'. */
void rib_row_set_error(struct ovl_rib *, struct rib_row *, char *error);
void rib_row_set_in_force(struct ovl_rib *, struct rib_row *, bool in_force);

/* The order in which rows come into force.  UUIDs of two tables could be the
 * same: clients may choose them. */
static inline bool
rib_row_is_before(const struct rib_row *a, const struct rib_row *b)
{
    int cmp = uuid_compare_3way(&a->uuid, &b->uuid);

    return cmp ? cmp < 0 : a->table < b->table;
}

/* "KEY: same WHAT as another row, UUID, which is in force".  Frees 'key'. */
char *rib_duplicate_error(char *key, const char *what,
                          const struct rib_row *winner);

uint32_t rib_hash_string(const struct ovl_rib *, const char *);
uint32_t rib_hash_ip(const struct ovl_rib *, uint32_t vni,
                     const struct in6_addr *);
uint32_t rib_hash_mac(const struct ovl_rib *, uint32_t vni, struct eth_addr);

void rib_keys_add_mac(struct rib_keys *, uint32_t vni, struct eth_addr);
void rib_keys_add_ip(struct rib_keys *, uint32_t vni,
                     const struct in6_addr *);
/* Sorts the keys and drops repeats. */
void rib_keys_sort(struct rib_keys *);
void rib_keys_clear(struct rib_keys *);

/* Lets RCU go on now and then in a loop over many entries. */
void rib_breathe(size_t i);

/* rib-bridge.c */

/* Decides which bridge is in force, and marks what depends on what changed
 * about it. */
void rib_bridge_resolve(struct ovl_rib *);
/* True if the uplink that is named is no port of the datapath. */
bool rib_bridge_uplink_is_missing(const struct ovl_rib *);
/* Sets the configuration. */
void rib_bridge_publish(struct ovl_rib *);
bool rib_is_own_vtep(const struct ovl_rib *, const struct in6_addr *);
void rib_bridge_delete(struct ovl_rib *, struct rib_row *);

/* rib-attach.c and rib-port.c */

struct rib_slot;
struct rib_vni;

/* A local member of a network. */
struct rib_member {
    struct ovs_list vni_node;   /* In rib_vni's 'members'. */
    struct rib_vni *vni;
    struct rib_attach *attach;
    uint16_t vlan;
};

/* A MAC that somebody says is behind a live port.  Whether that is in force
 * is up to 'attach'. */
struct rib_local {
    struct hmap_node hmap_node; /* In ovl_rib's 'locals'. */
    struct rib_attach *attach;
    uint32_t vni;
    struct eth_addr mac;
};

/* What a row, of Port or Overlay_Binding, wants a port to be. */
struct rib_attach {
    struct rib_row row;
    struct ovl_bind_spec spec;
    struct ovs_list queue_node; /* In ovl_rib's 'attach_queue' if 'queued'. */
    bool queued;

    /* While there is a live port for it and nothing but other rows can be in
     * its way. */
    struct rib_slot *slot;
    struct ovs_list slot_node;  /* In rib_slot's 'attaches'. */
    struct eth_addr attached;   /* MAC of the interface, if it counts. */
    struct rib_local *locals;
    size_t n_locals;

    /* While in force. */
    struct rib_claim *claims;
    size_t n_claims;
    struct rib_member *members;
    size_t n_members;
};

struct rib_iface {
    struct hmap_node name_node; /* In ovl_rib's 'ifaces'. */
    struct hmap_node id_node;   /* In ovl_rib's 'iface_ids', if 'iface_id'. */
    struct rib_port *port;
    char *name;
    char *iface_id;             /* Or NULL. */
    char *attached_mac;         /* Or NULL; not checked yet. */
};

struct rib_port {
    struct rib_attach attach;
    char *name;
    struct rib_iface *ifaces;
    size_t n_ifaces;
};

struct rib_binding {
    struct rib_attach attach;
    char *iface;
    struct hmap_node iface_node;    /* In ovl_rib's 'bindings' if valid. */
};

void rib_attach_enqueue(struct ovl_rib *, struct rib_attach *);
/* Takes 'attach' off its port. */
void rib_attach_detach(struct ovl_rib *, struct rib_attach *);
/* Has every row looked at that names 'name', as an interface's name. */
void rib_iface_changed(struct ovl_rib *, const char *name);
void rib_attach_resolve(struct ovl_rib *);
/* The one of lowest UUID, NULL if there is none. */
const struct rib_iface *rib_iface_find(const struct ovl_rib *,
                                       const char *name);
const struct rib_port *rib_port_find(const struct ovl_rib *,
                                     const char *name);
/* The port that has 'mac' in network 'vni' by a row in force, or NULL. */
struct ovl_lport *rib_local_find(const struct ovl_rib *, uint32_t vni,
                                 struct eth_addr mac);
void rib_attach_delete(struct ovl_rib *, struct rib_row *);

/* rib-slot.c */

/* A live port. */
struct rib_slot {
    struct hmap_node hmap_node; /* In ovl_rib's 'slots'. */
    struct ovl_lport *lport;    /* Holds a reference. */
    struct ovs_list attaches;   /* "struct rib_attach"es that want it. */
    struct ovs_list dirty_node; /* In ovl_rib's 'dirty_slots' if 'dirty'. */
    bool dirty;
};

struct rib_slot *rib_slot_find(const struct ovl_rib *, const char *name);
void rib_slot_mark(struct ovl_rib *, struct rib_slot *);
void rib_slot_publish(struct ovl_rib *);

/* rib-network.c */

struct rib_network {
    struct rib_row row;
    struct ovl_parsed_network p;
    struct rib_vni *vni;        /* NULL if the row's VNI makes no sense. */
    struct ovs_list vni_node;   /* In rib_vni's 'rows'. */
    struct ovs_list queue_node; /* In ovl_rib's 'network_queue' if 'queued'. */
    bool queued;

    /* While valid. */
    struct rib_group *group;
    struct ovs_list group_node; /* In rib_group's 'networks'. */
    struct rib_gateway *gateways;   /* In rib_group's 'gateways'. */
    size_t n_gateways;
};

/* What is known of a VNI, with or without a network. */
struct rib_vni {
    struct hmap_node hmap_node; /* In ovl_rib's 'vnis'. */
    uint32_t vni;
    struct ovs_list rows;       /* "struct rib_network"s. */
    struct rib_network *net;    /* In force, or NULL. */
    struct ovs_list members;    /* "struct rib_member"s. */
    struct hmap sources;        /* "struct rib_source"s. */
    struct hmap hops;           /* "struct rib_hop"s that name it. */
    struct ovs_list touched_node;   /* In 'touched_vnis' if 'touched'. */
    bool touched;
    bool stale;                 /* The network's entry has to be set anew. */
};

struct rib_vni *rib_vni_get(struct ovl_rib *, uint32_t vni);
/* The end of the commit frees it if nobody names it by then. */
void rib_vni_touch(struct ovl_rib *, struct rib_vni *);
const struct rib_vni *rib_vni_find(const struct ovl_rib *, uint32_t vni);
void rib_vni_mark(struct ovl_rib *, struct rib_vni *);
void rib_network_resolve(struct ovl_rib *);
void rib_network_publish(struct ovl_rib *);
/* Marks the networks whose entries depend on the bridge. */
void rib_network_bridge_changed(struct ovl_rib *);
/* Frees VNIs that nobody names any more. */
void rib_vni_collect(struct ovl_rib *);
void rib_network_delete(struct ovl_rib *, struct rib_row *);

/* rib-gateway.c */

struct rib_gateways;

/* The gateways of a valid network become known to its VRF, or are no more. */
void rib_gateways_join(struct rib_network *);
void rib_gateways_leave(struct rib_network *);
void rib_gateways_destroy(struct rib_gateways *);
/* Calls 'cb' for each gateway of the VRF whose prefix overlaps 'prefix', in
 * force or not.  'cb' must not change what there is. */
void rib_gateways_for_each_overlap(
    const struct rib_group *, const struct ovl_prefix *prefix,
    void (*cb)(struct rib_network *, const struct ovl_prefix *,
               const struct in6_addr *gateway, void *aux), void *aux);
/* Returns the lowest gateway address in force of a family, in6addr_any if
 * there is none. */
struct in6_addr rib_gateways_lowest(const struct rib_group *, bool v4);

/* rib-source.c */

/* Networks whose VTEPs may send to each other's: those of a VRF, or one that
 * is in none. */
struct rib_group {
    struct hmap_node hmap_node; /* In ovl_rib's 'groups'. */
    char *vrf;                  /* "" if it is 'vni' alone. */
    uint32_t vni;
    uint32_t id;
    struct ovs_list networks;   /* Valid "struct rib_network"s. */
    struct hmap sources;        /* "struct rib_group_source"s. */
    struct ovs_list touched_node;   /* In 'touched_groups' if 'touched'. */
    bool touched;

    /* Of a VRF only. */
    bool stale;                 /* Its entry has to be set anew. */
    struct rib_gateways *gateways;  /* NULL: there never was one. */
    size_t n_prefixes;          /* In ovl_rib's 'prefixes'. */
    struct hmap hops;           /* "struct rib_hop"s... */
    struct skiplist *hops_by_ip;    /* ...in order; NULL: there never was
                                     * one. */
};

/* The one of VRF 'vrf', which may have no network.  The end of the commit
 * frees it if nobody needs it by then. */
struct rib_group *rib_group_get_vrf(struct ovl_rib *, const char *vrf);
void rib_group_touch(struct ovl_rib *, struct rib_group *);
bool rib_group_is_unused(const struct rib_group *);

void rib_group_join(struct ovl_rib *, struct rib_network *);
void rib_group_leave(struct ovl_rib *, struct rib_network *);
/* A row in force names VTEP 'ip' for network 'vni', or does no more. */
void rib_source_add(struct ovl_rib *, uint32_t vni, const struct in6_addr *);
void rib_source_remove(struct ovl_rib *, uint32_t vni,
                       const struct in6_addr *);
/* A network comes into force or goes: what its VNI's rows name counts for its
 * group, or does no more. */
void rib_source_join(struct ovl_rib *, struct rib_vni *);
void rib_source_leave(struct ovl_rib *, struct rib_vni *);
/* Has 'ip', which is our own address now or was, looked at. */
void rib_source_own_changed(struct ovl_rib *, const struct in6_addr *ip);
void rib_source_publish(struct ovl_rib *);
/* Frees groups without networks. */
void rib_group_collect(struct ovl_rib *);

/* rib-mac.c */

void rib_mac_mark(struct ovl_rib *, uint32_t vni, struct eth_addr);
void rib_mac_publish(struct ovl_rib *);
/* Has the rows with VTEP 'ip' looked at. */
void rib_mac_own_changed(struct ovl_rib *, const struct in6_addr *ip);
void rib_mac_delete(struct ovl_rib *, struct rib_row *);

/* rib-neigh.c */

void rib_claim_insert(struct ovl_rib *, struct rib_claim *);
void rib_claim_remove(struct ovl_rib *, struct rib_claim *);
void rib_neighbor_publish(struct ovl_rib *);
void rib_neighbor_delete(struct ovl_rib *, struct rib_row *);

/* rib-vrf.c */

/* Sets the entries of VRFs that changed... */
void rib_vrf_publish(struct ovl_rib *);
/* ...and, when their routes are published, removes those that nobody needs. */
void rib_vrf_remove_unused(struct ovl_rib *);

/* rib-hop.c */

/* Next hop of routes of a VRF. */
struct rib_hop {
    struct hmap_node hmap_node; /* In 'hops' of one of these two: */
    struct rib_group *group;    /* its network is one of this VRF, */
    struct rib_vni *named;      /* or the one that routes say it is. */
    struct in6_addr ip;
    uint32_t vni;               /* The network; OVL_VNI_NONE: none. */
    bool own;                   /* It is a gateway address of that. */
    struct ovs_list refs;       /* "struct rib_hop_ref"s. */
    struct ovs_list dirty_node; /* In ovl_rib's 'dirty_hops' if 'dirty'. */
    bool dirty;
};

/* A row's use of a next hop. */
struct rib_hop_ref {
    struct ovs_list node;       /* In rib_hop's 'refs'. */
    struct rib_hop *hop;
    struct rib_prefix *prefix;  /* To be marked if 'hop' changes. */
};

/* A row for 'prefix' names the next hop, and its network, or no 'vni'. */
void rib_hop_ref(struct ovl_rib *, struct rib_prefix *, uint32_t vni,
                 const struct in6_addr *, struct rib_hop_ref *);
void rib_hop_unref(struct ovl_rib *, struct rib_hop_ref *);
/* A network with this gateway prefix comes into force, or goes. */
void rib_hops_changed(struct ovl_rib *, struct rib_group *,
                      const struct ovl_prefix *);
/* The network of 'vni' comes into force, or goes. */
void rib_hops_named_changed(struct ovl_rib *, struct rib_vni *vni);
/* Looks at the next hops that were marked, and marks the prefixes that lead to
 * those that changed. */
void rib_hops_resolve(struct ovl_rib *);

/* rib-route.c */

/* A prefix of a VRF, and who has something to say about it. */
struct rib_prefix {
    struct hmap_node hmap_node; /* In ovl_rib's 'prefixes'. */
    struct rib_group *group;
    struct ovl_prefix prefix;
    struct ovs_list routes;     /* Valid "struct rib_route"s. */
    const struct rib_network *connected;    /* In force, or NULL. */
    struct ovs_list dirty_node; /* In 'dirty_prefixes' if 'dirty'. */
    bool dirty;
};

struct rib_prefix *rib_prefix_find(const struct ovl_rib *,
                                   const struct rib_group *,
                                   const struct ovl_prefix *);
void rib_prefix_mark(struct ovl_rib *, struct rib_prefix *);
/* The prefixes of 'net', which comes into force or goes, are connected, or are
 * no more. */
void rib_route_connect(struct ovl_rib *, struct rib_network *net,
                       bool connect);
void rib_route_publish(struct ovl_rib *);
void rib_route_delete(struct ovl_rib *, struct rib_row *);

#endif /* rib-private.h */
