/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_FORWARDING_H
#define OVL_FORWARDING_H 1

/* The forwarding tables of an overlay bridge: what can forward now.
 *
 *     table      key                     value
 *     ---------  ----------------------  -----------------------------------
 *     config     (one)                   VTEP addresses, VXLAN port, TTL, ...
 *     bindings   port id                 role, VNI, who may speak
 *     networks   VNI                     options, gateways, flood list, ports
 *     macs       VNI, MAC                local port or VTEP
 *     neighbors  VNI, IP                 MAC
 *     sources    group, outer source IP  (set) VTEPs that may send to us
 *     vrfs       VRF id                  FIB: IP -> route (see fib.h)
 *     vteps      IP                      adjacency: prebuilt outer header
 *
 * What the rows say, and how they depend on each other, is kept elsewhere
 * (ofproto-tables/rib.h).  Entries name each other by key, except that they
 * hold references to ports and VTEPs.  A MAC entry of a network that does not
 * exist is harmless: the network is looked up first.
 *
 * Versions
 * ========
 *
 * All tables but 'vteps' change together: the writer opens a transaction,
 * sets and removes entries, and publishes them with
 * ovl_forwarding_commit(), after which readers that ask for the version
 * see all of it (see versioned-map.h).  A VTEP has no version: it is an
 * address and a cache of how to reach it, written by the underlay.
 *
 * Thread-safety
 * =============
 *
 * One writer thread calls the functions under "Writer".  Readers call those
 * under "Reader" inside an RCU critical section (any time between two
 * quiescent states), and take the version once per burst:
 *
 *     ovs_version_t v = ovl_forwarding_version(fwd);
 *     const struct ovl_network *net = ovl_network_lookup(fwd, v, vni);
 *
 * Everything a look-up returns is immutable (but for the atomics of ports
 * and VTEPs) and stays valid until the reader quiesces.
 *
 * Layer 1: no packets, no threads, no OVSDB. */

#include "counters.h"
#include "drop-reasons.h"
#include "lport.h"
#include "openvswitch/list.h"
#include "overlay-types.h"
#include "seq.h"
#include "versioned-map.h"

struct ovl_forwarding;

/* Configuration of the bridge. */

struct ovl_config {
    struct ovl_vnode vnode;

    struct in6_addr vtep4;      /* Our tunnel addresses; in6addr_any: none. */
    struct in6_addr vtep6;
    uint16_t vxlan_port;        /* UDP destination, host order. */
    uint8_t ttl;                /* Outer TTL or hop limit. */
    uint8_t tos;                /* Outer DSCP << 2, if not 'inherit'. */
    bool dscp_inherit;          /* Outer DSCP is the inner one. */
    bool udp6_zero_csum;        /* Send and accept zero over IPv6. */
    struct ovl_lport *local;    /* LOCAL; NULL if there is none (yet). */
    struct ovl_lport *uplink;   /* Likewise. */
};

/* VTEPs and adjacencies. */

/* Ethernet, IP and UDP. */
#define OVL_ADJ_HEADER4 (ETH_HEADER_LEN + IP_HEADER_LEN + UDP_HEADER_LEN)
#define OVL_ADJ_HEADER6 (ETH_HEADER_LEN + IPV6_HEADER_LEN + UDP_HEADER_LEN)
/* With VXLAN's. */
#define OVL_ADJ_MAX_HEADER (OVL_ADJ_HEADER6 + sizeof(struct vxlanhdr))

/* How to reach a VTEP: output port and the bytes to prepend, but for the VXLAN
 * header, which starts where they end.  Length and checksum fields, TOS and
 * UDP source port are zero in 'header' and filled in per packet (vxlan.c).
 * Immutable, once it is published.
 *
 * For IPv4 all that a packet needs is in one cache line. */
struct ovl_adjacency {
    struct ovl_lport *port;     /* Uplink; holds a reference. */
    uint32_t traffic;           /* Of 'vtep'. */
    uint16_t mtu;               /* Largest inner frame without its Ethernet
                                 * header, i.e. inner layer-3 packet. */
    uint16_t limit;             /* Frames that fit 'mtu' are shorter. */
    uint16_t ip_sum;            /* IPv4: one's complement sum of the header
                                 * with these zeros, host order. */
    bool ipv6;                  /* Family of the underlay. */
    uint8_t header[OVL_ADJ_HEADER6];

    const struct ovl_vtep *vtep;    /* Whose it is; NULL before it is
                                     * published. */
};
BUILD_ASSERT_DECL(offsetof(struct ovl_adjacency, header) + OVL_ADJ_HEADER4
                  <= CACHE_LINE_SIZE);

struct ovl_way;

struct ovl_vtep {
    struct ovl_inode inode;     /* In ovl_forwarding's vteps, by 'ip'. */
    struct in6_addr ip;         /* Immutable. */
    uint32_t traffic;           /* Block of OVL_N_TRAFFIC. Immutable. */

    /* NULL while incomplete.  Written by the underlay only. */
    OVSRCU_TYPE(struct ovl_adjacency *) adj;
    struct ovl_way *way;        /* Of MACs, which has 'adj', too; NULL if there
                                 * is none.  Under vtep.c's mutex. */
    atomic_uint8_t why;         /* enum ovl_drop_reason while 'adj' is NULL:
                                 * VTEP_UNRESOLVED, NO_TUNNEL_IP, ... */

    uint32_t n_refs;            /* Writer only. */
};

/* Publishes 'adj' (owned by 'vtep' from now on; NULL with reason 'why') and
 * retires the former one.  Underlay thread only. */
void ovl_vtep_set_adjacency(struct ovl_vtep *, struct ovl_adjacency *adj,
                            enum ovl_drop_reason why);
/* Counts how often an adjacency was replaced by another one or by none, in all
 * tables.  As long as that is the same, and the VTEP is there, its adjacency is
 * what it was when it was looked up after this.  Readers only. */
unsigned int ovl_adjacency_changes(void);

/* Frees an adjacency that was never published. */
void ovl_adjacency_destroy(struct ovl_adjacency *);

/* Bindings. */

/* One MAC that may speak on a port; a binding lists each MAC once.  In a
 * published binding guards are sorted by MAC, prefixes by family and address,
 * without host bits and without those that others of the guard contain. */
struct ovl_guard {
    struct eth_addr mac;
    bool any_ip;                /* No IP is listed: every IP is fine. */
    bool has_v6;                /* Some IPv6 address is listed. */
    uint16_t n_prefixes;
    const struct ovl_prefix *prefixes;  /* In the binding's allocation. */
};

/* One VLAN of an L2 gateway port; 'vlan' 0 is untagged.  VLANs of one port
 * that are bridged into the same network share 'drops'. */
struct ovl_vlan_binding {
    uint16_t vlan;
    uint32_t vni;
    uint32_t drops;             /* Block of OVL_N_DROPS of (port, vni). */
};

struct ovl_binding {
    struct ovl_vnode vnode;     /* By port->id. */
    struct ovl_lport *port;     /* Holds a reference. */
    enum ovl_role role;

    /* OVL_ROLE_ACCESS. */
    uint32_t vni;
    uint32_t drops;             /* Block of OVL_N_DROPS of (port, vni). */
    bool guarded;               /* Only 'guards' may speak. */
    uint16_t n_guards;
    const struct ovl_guard *guards;

    /* OVL_ROLE_GATEWAY. */
    uint16_t n_vlans;
    const struct ovl_vlan_binding *vlans;   /* Sorted by 'vlan'. */
    const uint16_t *vlan_numbers;   /* Of each VLAN: 1 + its index in 'vlans',
                                     * 0: not listed; filled in.  NULL: there
                                     * are few VLANs. */
};

/* A tag has 12 bits of VLAN id. */
#define OVL_N_VLANS 4096

/* Networks. */

struct ovl_gateway {
    struct in6_addr ip;
    uint8_t plen;               /* As in struct ovl_prefix. */
};

/* A local member of a network. */
struct ovl_member {
    struct ovl_lport *port;     /* Holds a reference. */
    uint16_t vlan;              /* Tag that the port wants; 0: untagged. */
};

/* Of the packets of one network that come out of tunnels: no tenant uses up
 * what is another's. */
struct ovl_network_limits {
    struct ovl_limits up;
    uint32_t n_refs;            /* Writer only. */
};

struct ovl_network {
    struct ovl_vnode vnode;     /* By 'vni'. */

    /* What every frame needs, with the above in one cache line. */
    uint32_t vni;
    uint32_t traffic;           /* Block of OVL_N_TRAFFIC. */
    struct eth_addr router_mac;
    uint16_t mtu;               /* Largest inner IP packet; 0: uplink's. */
    ovs_be32 gateway4;          /* The IPv4 gateway if there is just one;
                                 * filled in. */
    uint8_t n_gateways4;        /* 2: more than one; filled in. */
    bool has_router;            /* Its router MAC has a meaning; filled in. */
    bool has_vrf;               /* 'vrf' is not ""; filled in. */
    bool flood_unknown;         /* unknown_unicast=flood. */

    /* What some need, in another. */
    uint32_t tunnel_drops;      /* Block of OVL_N_DROPS: (uplink, vni). */
    uint32_t source_group;      /* For ovl_source_allowed(). */
    ovs_be32 broadcast4;        /* Of the link of 'gateway4'; 0: it has none;
                                 * filled in. */
    bool neigh_suppress;
    bool neigh_miss_drop;       /* neigh_miss=drop. */
    bool answer_tunnel;
    bool advertise;             /* Router advertisements: see below. */
    uint32_t n_gateways;
    uint32_t n_members;
    uint32_t n_flood;
    const struct ovl_gateway *gateways;
    const struct ovl_member *members;
    struct ovl_vtep *const *flood;  /* Each holds a reference. */

    /* Of what is said to those behind tunnels; NULL if the network has no
     * router.  An entry shares it with its successor. */
    struct ovl_network_limits *limits;

    /* If 'advertise'; see router-advert.h. */
    bool ra_autonomous;         /* Hosts may make addresses of prefixes. */
    uint16_t ra_lifetime;       /* As a default router, s; 0: it is none. */
    uint16_t ra_interval;       /* Longest time between two, s. */

    /* Cold. */
    char *name;                 /* For people; "" if none. */
    char *vrf;                  /* "" if none. */
};
BUILD_ASSERT_DECL(offsetof(struct ovl_network, tunnel_drops)
                  == CACHE_LINE_SIZE);
BUILD_ASSERT_DECL(offsetof(struct ovl_network, ra_autonomous)
                  <= 2 * CACHE_LINE_SIZE);

/* MACs. */

/* What MACs lead to. */
struct ovl_way {
    struct ovl_lport *port;     /* Exactly one of 'port' and 'vtep' is */
    struct ovl_vtep *vtep;      /* nonnull; holds a reference. */
    OVSRCU_TYPE(struct ovl_adjacency *) adj;    /* That of 'vtep': the fast
                                 * path need not read another line for it. */
    uint16_t vlan;              /* Tag that 'port' wants; 0: untagged. */
};
BUILD_ASSERT_DECL(CACHE_LINE_SIZE % sizeof(struct ovl_way) == 0);

/* An entry as it is set and listed. */
struct ovl_mac {
    uint32_t vni;
    struct eth_addr mac;
    uint16_t vlan;              /* As in struct ovl_way. */
    struct ovl_lport *port;
    struct ovl_vtep *vtep;
};

/* Neighbors. */

/* Who has an address. */
struct ovl_owner {
    struct eth_addr mac;
    bool router;                /* R flag of our NAs. */
    bool shared;                /* Several MACs claim it: never answered. */
};

/* An entry as it is set and listed. */
struct ovl_neighbor {
    uint32_t vni;
    struct in6_addr ip;
    struct eth_addr mac;        /* As in struct ovl_owner. */
    bool router;
    bool shared;
};

/* Routes. */

struct ovl_nexthop {
    uint32_t vni;               /* The network in which it is a neighbor. */
    struct in6_addr ip;
    uint32_t hash;              /* Of these; ovl_route_set() fills it in. */
};

/* What prefixes lead to.  All that lead to the same share one. */
struct ovl_route {
    enum ovl_route_action action;
    uint32_t vni;               /* OVL_ROUTE_CONNECTED and _LOCAL: the
                                 * network. */
    uint16_t n_nexthops;        /* OVL_ROUTE_FORWARD. */
    const struct ovl_nexthop *nexthops;
};

/* VRFs. */

struct ovl_fib;

struct ovl_vrf {
    struct ovl_vnode vnode;     /* By 'id'. */
    uint32_t id;                /* That networks name it by. */
    struct ovl_fib *fib;        /* NULL: no routes. */

    /* What ICMP errors come from if the network that the packet came from has
     * no gateway address: the lowest of the VRF; in6addr_any: none. */
    struct in6_addr gateway4;
    struct in6_addr gateway6;

    /* Cold. */
    char *name;

    /* Writer only. */
    bool fib_lives_on;          /* A successor has 'fib', too. */
    uint32_t *retired;          /* Routes that the successor has not. */
    size_t n_retired;
};

/* Reader. */

ovs_version_t ovl_forwarding_version(const struct ovl_forwarding *);
/* Never NULL: an empty bridge has a default configuration. */
const struct ovl_config *ovl_config_get(const struct ovl_forwarding *,
                                        ovs_version_t);
const struct ovl_binding *ovl_binding_lookup(const struct ovl_forwarding *,
                                             ovs_version_t, uint32_t port_id);
const struct ovl_network *ovl_network_lookup(const struct ovl_forwarding *,
                                             ovs_version_t, uint32_t vni);
const struct ovl_way *ovl_mac_lookup(const struct ovl_forwarding *,
                                     ovs_version_t, uint32_t vni,
                                     struct eth_addr);
const struct ovl_owner *ovl_neighbor_lookup(const struct ovl_forwarding *,
                                            ovs_version_t, uint32_t vni,
                                            const struct in6_addr *);
bool ovl_source_allowed(const struct ovl_forwarding *, ovs_version_t,
                        uint32_t group, const struct in6_addr *outer_src);
struct ovl_vtep *ovl_vtep_lookup(const struct ovl_forwarding *,
                                 const struct in6_addr *);

const struct ovl_vrf *ovl_vrf_lookup(const struct ovl_forwarding *,
                                     ovs_version_t, uint32_t id);
/* Gives the route of the longest prefix that contains 'ip', whose length goes
 * to '*plen' unless that is NULL.  NULL: no route. */
const struct ovl_route *ovl_route_lookup(const struct ovl_forwarding *,
                                         const struct ovl_vrf *,
                                         const struct in6_addr *ip,
                                         uint8_t *plen);

/* Gives the route that a FIB of a VRF in force has as 'number'; NULL: no
 * route. */
const struct ovl_route *ovl_route_get(const struct ovl_forwarding *,
                                      uint32_t number);

/* The same for 'n' keys at once, 1 <= n <= OVL_BULK_MAX, with the waits for
 * memory overlapping. */
#define OVL_BULK_MAX 32
void ovl_network_lookup_bulk(const struct ovl_forwarding *, ovs_version_t,
                             const uint32_t vnis[], size_t n,
                             const struct ovl_network *nets[]);
/* Whether senders may, and which VTEPs those are; NULL: none. */
void ovl_source_lookup_bulk(const struct ovl_forwarding *, ovs_version_t,
                            const uint32_t groups[],
                            const struct in6_addr *const outer_srcs[],
                            size_t n, bool allowed[],
                            struct ovl_vtep *vteps[]);

/* Keys of MACs, for those who make them one by one: 'mac' is what
 * ovl_mac_bits() gives. */
struct ovl_mac_keys {
    uint64_t xs[OVL_BULK_MAX];
    uint32_t highs[OVL_BULK_MAX];
};

static inline uint64_t
ovl_mac_key_x(uint32_t vni, uint64_t mac)
{
    return mac | (uint64_t) vni << 48;
}

/* What of the VNI has no room there. */
static inline uint32_t
ovl_mac_key_high(uint32_t vni)
{
    return vni & 0xff0000;
}

void ovl_mac_find_bulk(const struct ovl_forwarding *, ovs_version_t,
                       const struct ovl_mac_keys *, size_t n,
                       const struct ovl_way *ways[]);
/* The same for 'vnis' and 'macs'. */
void ovl_mac_lookup_bulk(const struct ovl_forwarding *, ovs_version_t,
                         const uint32_t vnis[], const uint64_t macs[],
                         size_t n, const struct ovl_way *ways[]);
void ovl_neighbor_lookup_bulk(const struct ovl_forwarding *, ovs_version_t,
                              const uint32_t vnis[],
                              const struct in6_addr *const ips[], size_t n,
                              const struct ovl_owner *owners[]);
void ovl_vrf_lookup_bulk(const struct ovl_forwarding *, ovs_version_t,
                         const uint32_t ids[], size_t n,
                         const struct ovl_vrf *vrfs[]);
void ovl_route_lookup_bulk(const struct ovl_forwarding *,
                           const struct ovl_vrf *const vrfs[],
                           const struct in6_addr *const ips[], size_t n,
                           const struct ovl_route *routes[], uint8_t plens[]);

/* Gives 'vlan' of a gateway binding, NULL if it is not listed. */
static inline const struct ovl_vlan_binding *
ovl_binding_find_vlan(const struct ovl_binding *binding, uint16_t vlan)
{
    if (binding->vlan_numbers) {
        uint16_t number = binding->vlan_numbers[vlan % OVL_N_VLANS];

        return number ? &binding->vlans[number - 1] : NULL;
    }
    for (size_t i = 0; i < binding->n_vlans; i++) {
        if (binding->vlans[i].vlan == vlan) {
            return &binding->vlans[i];
        }
    }
    return NULL;
}

/* Gives the guard for 'mac', NULL if it may not speak. */
const struct ovl_guard *ovl_binding_search_guard(const struct ovl_binding *,
                                                 struct eth_addr mac);
static inline const struct ovl_guard *
ovl_binding_find_guard(const struct ovl_binding *binding, struct eth_addr mac)
{
    if (OVS_LIKELY(binding->n_guards == 1)) {
        const struct ovl_guard *guard = binding->guards;

        return ovl_mac_bits(guard->mac) == ovl_mac_bits(mac) ? guard : NULL;
    }
    return ovl_binding_search_guard(binding, mac);
}

/* True if 'guard' lists 'ip', or no IP at all. */
bool ovl_guard_search(const struct ovl_guard *, const struct in6_addr *ip);
static inline bool
ovl_guard_allows(const struct ovl_guard *guard, const struct in6_addr *ip)
{
    /* Most VMs have an address or two. */
    for (size_t i = 0; i < guard->n_prefixes && i < 2; i++) {
        if (ipv6_addr_equals(&guard->prefixes[i].addr, ip)) {
            return true;
        }
    }
    return guard->any_ip || ovl_guard_search(guard, ip);
}

/* True if 'ip' is a gateway address of 'net', looking at all of them. */
static inline bool
ovl_network_has_gateway(const struct ovl_network *net,
                        const struct in6_addr *ip)
{
    for (size_t i = 0; i < net->n_gateways; i++) {
        if (ipv6_addr_equals(&net->gateways[i].ip, ip)) {
            return true;
        }
    }
    return false;
}

/* True if 'ip' is a gateway address of 'net'. */
static inline bool
ovl_network_is_gateway(const struct ovl_network *net,
                       const struct in6_addr *ip)
{
    if (net->n_gateways4 < 2 && ovl_ip_is_v4(ip)) {
        return (net->n_gateways4
                && net->gateway4 == in6_addr_get_mapped_ipv4(ip));
    }
    return ovl_network_has_gateway(net, ip);
}

/* The same for an IPv4 address as it is in ARP. */
static inline bool
ovl_network_is_gateway4(const struct ovl_network *net, ovs_be32 ip)
{
    if (net->n_gateways4 < 2) {
        return net->n_gateways4 && net->gateway4 == ip;
    }

    struct in6_addr mapped = in6_addr_mapped_ipv4(ip);
    return ovl_network_has_gateway(net, &mapped);
}

/* True if 'ip' is the address of all hosts of a link of 'net', looking at all
 * of its gateways. */
bool ovl_network_has_broadcast(const struct ovl_network *,
                               const struct in6_addr *ip);

/* The same. */
static inline bool
ovl_network_is_broadcast(const struct ovl_network *net,
                         const struct in6_addr *ip)
{
    if (net->n_gateways4 < 2) {
        return (net->n_gateways4 && ovl_ip_is_v4(ip) && net->broadcast4
                && net->broadcast4 == in6_addr_get_mapped_ipv4(ip));
    }
    return ovl_network_has_broadcast(net, ip);
}

/* True if 'mac' is that of the router of 'net', if it has one.  A network of
 * layer 2 only has the default router MAC, LOCAL's, which stock code may have
 * taken from a VM's port. */
static inline bool
ovl_network_is_router(const struct ovl_network *net, struct eth_addr mac)
{
    return (net->has_router
            && ovl_mac_bits(mac) == ovl_mac_bits(net->router_mac));
}

/* For lists that people read: calls 'cb' for each entry in force. */
void ovl_forwarding_for_each_network(
    const struct ovl_forwarding *,
    void (*cb)(const struct ovl_network *, void *aux), void *aux);
void ovl_forwarding_for_each_binding(
    const struct ovl_forwarding *,
    void (*cb)(const struct ovl_binding *, void *aux), void *aux);
/* The 'struct ovl_mac' is there until 'cb' returns, what it leads to until the
 * caller quiesces. */
void ovl_forwarding_for_each_mac(
    const struct ovl_forwarding *,
    void (*cb)(const struct ovl_mac *, void *aux), void *aux);
/* Likewise. */
void ovl_forwarding_for_each_neighbor(
    const struct ovl_forwarding *,
    void (*cb)(const struct ovl_neighbor *, void *aux), void *aux);
void ovl_forwarding_for_each_vtep(
    const struct ovl_forwarding *,
    void (*cb)(struct ovl_vtep *, void *aux), void *aux);

void ovl_forwarding_for_each_vrf(
    const struct ovl_forwarding *,
    void (*cb)(const struct ovl_vrf *, void *aux), void *aux);

/* The same for routes.  While the writer is in a transaction, some of its
 * changes are seen already. */
void ovl_forwarding_for_each_route(
    const struct ovl_forwarding *,
    void (*cb)(uint32_t vrf, const struct ovl_prefix *,
               const struct ovl_route *, void *aux), void *aux);

struct ovl_table_sizes {
    size_t networks, bindings, macs, neighbors, vteps, vrfs;
    size_t routes;              /* Of all VRFs, what is connected too. */
};
void ovl_forwarding_sizes(const struct ovl_forwarding *,
                          struct ovl_table_sizes *);

/* Changed whenever a VTEP comes or goes or 'config' changes: the underlay
 * waits for it. */
struct seq *ovl_forwarding_vteps_seq(const struct ovl_forwarding *);

/* Changed whenever a network with local members starts or stops sending
 * router advertisements, or sends others, or to other members.  Networks
 * without local members do not matter. */
struct seq *ovl_forwarding_adverts_seq(const struct ovl_forwarding *);

/* Writer.
 *
 * Between begin and commit; "set" adds the entry or replaces the one with
 * the same key, and takes plain values that it copies (arrays included; it
 * takes its own references to ports and VTEPs).  "remove" does nothing if
 * the key is not there.  The same key may be set or removed several times in
 * one transaction: the last one counts.  Setting what is there already
 * changes nothing and costs a comparison.
 *
 * The writer may quiesce at any time, also within a transaction: in a long
 * one it should, or the whole process waits for its memory. */

struct ovl_forwarding *ovl_forwarding_create(void);
void ovl_forwarding_destroy(struct ovl_forwarding *);

void ovl_forwarding_begin(struct ovl_forwarding *);
/* Returns the version published (unchanged if nothing changed). */
ovs_version_t ovl_forwarding_commit(struct ovl_forwarding *);

/* Unlinks what no reader can see any more.  Called now and then by the
 * writer, outside a transaction; returns true if something waits for a grace
 * period to pass.  'ovl_forwarding_collect_wait' wakes poll_block() when it
 * makes sense to call it again. */
bool ovl_forwarding_collect(struct ovl_forwarding *);
void ovl_forwarding_collect_wait(struct ovl_forwarding *);

/* 'config->vnode' is ignored here, as 'vnode' is below. */
void ovl_config_set(struct ovl_forwarding *, const struct ovl_config *);

/* 'drops' of bindings, and 'traffic', 'tunnel_drops' and 'limits' of networks,
 * are filled in here: an entry that replaces another for the same port and
 * VNI (or VNI) keeps its counters. */
void ovl_binding_set(struct ovl_forwarding *, const struct ovl_binding *);
void ovl_binding_remove(struct ovl_forwarding *, uint32_t port_id);
void ovl_network_set(struct ovl_forwarding *, const struct ovl_network *);
void ovl_network_remove(struct ovl_forwarding *, uint32_t vni);
void ovl_mac_set(struct ovl_forwarding *, const struct ovl_mac *);
void ovl_mac_remove(struct ovl_forwarding *, uint32_t vni, struct eth_addr);
void ovl_neighbor_set(struct ovl_forwarding *, const struct ovl_neighbor *);
void ovl_neighbor_remove(struct ovl_forwarding *, uint32_t vni,
                         const struct in6_addr *);
void ovl_source_add(struct ovl_forwarding *, uint32_t group,
                    const struct in6_addr *);
void ovl_source_remove(struct ovl_forwarding *, uint32_t group,
                       const struct in6_addr *);

/* A VRF has to be set before its routes are, and may be removed only when they
 * are.  'fib' and the writer's fields are ignored. */
void ovl_vrf_set(struct ovl_forwarding *, const struct ovl_vrf *);
void ovl_vrf_remove(struct ovl_forwarding *, uint32_t id);

/* 'prefix' has no host bits. */
void ovl_route_set(struct ovl_forwarding *, uint32_t vrf,
                   const struct ovl_prefix *, const struct ovl_route *);
void ovl_route_remove(struct ovl_forwarding *, uint32_t vrf,
                      const struct ovl_prefix *);

/* Makes the VTEP 'ip' if there is none, and counts a reference.  A VTEP
 * whose last reference goes leaves the table at once and is freed after a
 * grace period. */
struct ovl_vtep *ovl_vtep_ref(struct ovl_forwarding *,
                              const struct in6_addr *ip);
void ovl_vtep_unref(struct ovl_forwarding *, struct ovl_vtep *);

#endif /* forwarding.h */
