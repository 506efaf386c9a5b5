/* SPDX-License-Identifier: Apache-2.0 */

#ifndef ROUTED_WORLD_H
#define ROUTED_WORLD_H 1

/* What there is to route, beside the networks of world.h: rows in the simplest
 * form, for whoever fills tables from them and for routed-oracle.h, which
 * works out from them what has to become of a packet.
 *
 *     VRF    network  gateways                         MTU  ports
 *     -----  -------  -------------------------------  ---  -----------------
 *     red    100      10.1.0.1/24, 2001:db8:1::1/64         a; t in VLAN 10
 *     red    101      10.2.0.1/24, 2001:db8:2::1/64    600  b
 *     red    102      (L3 VNI)                              none
 *     blue   200      as 100                                c; t in VLAN 20
 *     blue   201      10.2.0.1/30, 2001:db8:2::1/126    68  d
 *     green  300      (no gateway in the VRF)               e
 *     none   400      as 100                                f; t untagged
 *
 * Hosts have the same addresses in every VRF, here and behind VTEPs over IPv4
 * and IPv6, some of which do not resolve; routes lead to all actions, to one
 * next hop and to several, and to what is not there.
 *
 * Not for use by more than one thread. */

#include "world.h"

enum routed_vrf {
    VRF_NONE = 400,             /* Group of network 400 alone. */
    VRF_RED = 11,
    VRF_BLUE = 12,
    VRF_GREEN = 13
};

enum routed_port {
    PORT_A, PORT_B, PORT_C, PORT_D, PORT_E, PORT_F, PORT_T,
    ROUTED_N_PORTS,
    NO_PORT = ROUTED_N_PORTS
};

enum routed_vtep {
    VTEP_1,                     /* IP_VTEP. */
    VTEP_2,                     /* IP_VTEP2. */
    VTEP_6,                     /* IP6_VTEP. */
    VTEP_UNRESOLVED,            /* IP_VTEP_UNRESOLVED. */
    ROUTED_N_VTEPS,
    NO_VTEP = ROUTED_N_VTEPS
};
#define IP6_OWN "2001:db8:ffff::1"
#define IP6_VTEP "2001:db8:ffff::2"
extern const char *const routed_vteps[ROUTED_N_VTEPS];

#define ROUTED_MAX_GATEWAYS 3

struct routed_network {
    uint32_t vni;
    enum routed_vrf vrf;
    const char *mac;            /* Of its router. */
    uint16_t mtu;               /* 0: none. */
    struct {
        const char *ip;
        int plen;
    } gateways[ROUTED_MAX_GATEWAYS];
};

/* A neighbor and its MAC, as far as there is one. */
struct routed_host {
    uint32_t vni;
    const char *ip, *ip6;       /* NULL: none. */
    const char *mac;
    enum routed_port port;      /* With VLAN 'vlan'... */
    uint16_t vlan;
    enum routed_vtep vtep;      /* ...or this one; neither: no MAC row. */
    bool shared;
};

#define ROUTED_MAX_NEXTHOPS 4

struct routed_route {
    enum routed_vrf vrf;
    const char *ip;
    int plen;
    enum ovl_route_action action;
    struct {
        uint32_t vni;
        const char *ip;
    } nexthops[ROUTED_MAX_NEXTHOPS];
};

/* Where frames can come in. */
struct routed_arrival {
    enum routed_port port;      /* NO_PORT: out of the tunnel... */
    uint16_t vlan;
    const char *vtep;           /* ...of this VTEP, which may be nobody. */
    uint32_t vni;
};

/* Each ends with an element of zeros. */
extern const struct routed_network routed_networks[];
extern const struct routed_host routed_hosts[];
extern const struct routed_route routed_routes[];

#define ROUTED_N_ARRIVALS 20
extern const struct routed_arrival routed_arrivals[ROUTED_N_ARRIVALS];

struct routed_world {
    struct world *w;
    struct ovl_lport *ports[ROUTED_N_PORTS];
    struct ovl_vtep *vteps[ROUTED_N_VTEPS];
};

struct routed_world *routed_world_create(void);
void routed_world_destroy(struct routed_world *);

const struct routed_network *routed_network(uint32_t vni);

/* The frame in which 'plain' arrives: in VXLAN with ECN field 'ecn' outside,
 * or behind the port's tag, if it is not to be plain. */
struct frame routed_arriving(const struct routed_arrival *,
                             const struct frame *plain, uint8_t ecn);
struct ovl_lport *routed_in(const struct routed_world *,
                            const struct routed_arrival *);

#endif /* routed-world.h */
