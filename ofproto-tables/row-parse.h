/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_ROW_PARSE_H
#define OVL_ROW_PARSE_H 1

/* Row as the database has it -> values that make sense.
 *
 * A parser looks at its row alone, whatever other rows there are.  It returns
 * NULL if all columns are fine.  Otherwise it returns an error, for the caller
 * to free, that names table, row, column and value and says what is expected:
 *
 *     Overlay_MAC 5001 52:54:00:00:00:01: vtep "10.0.0": not an IP address
 *     (expected e.g. 192.0.2.1 or 2001:db8::1)
 *
 * The schema's own checks are repeated: a server with an older schema lets
 * more through.
 *
 * Only a bridge's values are of use when there is an error, because a bridge
 * goes on without the part that is wrong.
 *
 * Thread-safety: pure functions.
 *
 * Ownership: a parsed row owns its arrays.  It must be destroyed in every
 * case, an error or not.
 *
 * Example:
 *
 *     struct ovl_parsed_mac p;
 *     char *error = ovl_parse_mac(row, &p);
 *     if (!error) {
 *         ...p.vni, p.mac, p.vtep...
 *     }
 *     ovl_parsed_mac_uninit(&p);
 *     free(error); */

#include "forwarding.h"
#include "rib.h"

/* What a bridge lacks if its row says nothing. */
#define OVL_DEFAULT_TTL 64
/* 02:00:5e:00:01:01, the router MAC of networks that have a gateway. */
extern const struct eth_addr ovl_default_gateway_mac;

/* Router advertisements, RFC 4861 section 6.2.1, in s.  A lifetime is 0 or no
 * less than the interval; by default it is three of these. */
#define OVL_MIN_RA_INTERVAL 4
#define OVL_MAX_RA_INTERVAL 1800
#define OVL_DEFAULT_RA_INTERVAL 600
#define OVL_MAX_RA_LIFETIME 9000

struct ovl_parsed_bridge {
    struct in6_addr vtep4;      /* in6addr_any: none. */
    struct in6_addr vtep6;
    char **uplinks;             /* Sorted; only the first is in force. */
    size_t n_uplinks;
    struct eth_addr gateway_mac;    /* Never zero. */
    struct eth_addr router_mac;     /* Zero: LOCAL's. */
    uint16_t vxlan_port;
    uint8_t ttl;
    uint8_t tos;
    bool dscp_inherit;
    bool udp6_zero_csum;
};

/* An address that makes a neighbor. */
struct ovl_bind_neighbor {
    struct eth_addr mac;
    struct in6_addr ip;
};

/* What a Port or an Overlay_Binding says about its interface. */
struct ovl_bind_spec {
    enum ovl_role role;         /* ACCESS or GATEWAY; UNBOUND: nothing. */
    uint32_t vni;               /* ACCESS. */
    struct ovl_guard *guards;   /* Sorted by MAC, each of them once. */
    size_t n_guards;
    struct ovl_prefix *prefixes;    /* Of all guards, guard by guard. */
    size_t n_prefixes;
    struct ovl_bind_neighbor *neighbors;
    size_t n_neighbors;
    struct ovl_vlan_binding *vlans; /* Sorted by VLAN; 'drops' is 0. */
    size_t n_vlans;
};

struct ovl_parsed_network {
    uint32_t vni;
    char *name;
    char *vrf;                  /* "": none. */
    struct ovl_gateway *gateways;   /* Sorted by address. */
    size_t n_gateways;
    struct eth_addr gateway_mac;    /* Zero: the bridge's. */
    struct in6_addr *flood;     /* Sorted, each of them once. */
    size_t n_flood;
    bool flood_unknown;
    bool neigh_suppress;
    bool neigh_miss_drop;
    bool answer_tunnel;
    uint16_t mtu;               /* 0: the uplink's. */
    bool advertise;             /* If it has a router for IPv6. */
    bool ra_autonomous;
    uint16_t ra_lifetime;       /* s. */
    uint16_t ra_interval;       /* s. */
};

struct ovl_parsed_route {
    char *vrf;
    struct in6_addr prefix;
    uint8_t plen;               /* As in struct ovl_prefix. */
    enum ovl_route_action action;
    uint32_t vni;               /* OVL_VNI_NONE: not said. */
    struct in6_addr *nexthops;  /* Sorted, each of them once. */
    size_t n_nexthops;
};

struct ovl_parsed_neighbor {
    uint32_t vni;
    struct in6_addr ip;
    struct eth_addr mac;
    bool router;
};

struct ovl_parsed_mac {
    uint32_t vni;
    struct eth_addr mac;
    struct in6_addr vtep;
    struct in6_addr *ips;       /* Sorted, each of them once. */
    size_t n_ips;
};

char *ovl_parse_bridge(const struct ovl_row_bridge *,
                       struct ovl_parsed_bridge *);
void ovl_parsed_bridge_uninit(struct ovl_parsed_bridge *);

/* 'role' of the result tells whether the port has overlay columns at all,
 * also when there is an error. */
char *ovl_parse_port(const struct ovl_row_port *, struct ovl_bind_spec *);
char *ovl_parse_binding(const struct ovl_row_binding *,
                        struct ovl_bind_spec *);
void ovl_bind_spec_uninit(struct ovl_bind_spec *);

/* 'vni' is OVL_VNI_NONE if it is what is wrong, and right otherwise. */
char *ovl_parse_network(const struct ovl_row_network *,
                        struct ovl_parsed_network *);
void ovl_parsed_network_uninit(struct ovl_parsed_network *);

char *ovl_parse_route(const struct ovl_row_route *,
                      struct ovl_parsed_route *);
void ovl_parsed_route_uninit(struct ovl_parsed_route *);

char *ovl_parse_neighbor(const struct ovl_row_neighbor *,
                         struct ovl_parsed_neighbor *);

char *ovl_parse_mac(const struct ovl_row_mac *, struct ovl_parsed_mac *);
void ovl_parsed_mac_uninit(struct ovl_parsed_mac *);

#endif /* row-parse.h */
