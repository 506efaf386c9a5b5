/* SPDX-License-Identifier: Apache-2.0 */

/* The rows of routed-world.h, and how they get into the tables. */

#include <config.h>

#include "routed-world.h"

#include "util.h"

#define MAC_ROUTER_B "02:00:5e:00:01:02"
#define MAC_ROUTER_L3 "02:00:5e:00:01:03"
#define MAC_HOST_B "52:54:00:00:00:14"
#define MAC_PEER "02:00:00:00:00:99"

const char *const routed_vteps[ROUTED_N_VTEPS] = {
    IP_VTEP, IP_VTEP2, IP6_VTEP, IP_VTEP_UNRESOLVED
};

#define GATEWAYS_1 { { "10.1.0.1", 24 }, { "2001:db8:1::1", 64 },            \
                     { "fe80::5eff:fe00:101", 64 } }

const struct routed_network routed_networks[] = {
    { 100, VRF_RED, MAC_ROUTER, 0, GATEWAYS_1 },
    { 101, VRF_RED, MAC_ROUTER_B, 600,
      { { "10.2.0.1", 24 }, { "2001:db8:2::1", 64 },
        { "fe80::5eff:fe00:102", 64 } } },
    { 102, VRF_RED, MAC_ROUTER_L3, 0, { { NULL, 0 } } },
    { 200, VRF_BLUE, MAC_ROUTER, 0, GATEWAYS_1 },
    { 201, VRF_BLUE, MAC_ROUTER, 68,
      { { "10.2.0.1", 30 }, { "2001:db8:2::1", 126 } } },
    { 300, VRF_GREEN, MAC_ROUTER_L3, 0, { { NULL, 0 } } },
    { 400, VRF_NONE, MAC_ROUTER, 0, GATEWAYS_1 },
    { 0 }
};

#define AT_PORT(PORT) PORT, 0, NO_VTEP, false
#define AT_VLAN(VLAN) PORT_T, VLAN, NO_VTEP, false
#define AT_VTEP(VTEP) NO_PORT, 0, VTEP, false
#define NOWHERE NO_PORT, 0, NO_VTEP, false

const struct routed_host routed_hosts[] = {
    { 100, "10.1.0.11", "2001:db8:1::11", MAC_VM1, AT_PORT(PORT_A) },
    { 100, "10.1.0.12", "2001:db8:1::12", MAC_VM2, AT_VLAN(10) },
    { 100, "10.1.0.95", "2001:db8:1::95", MAC_REMOTE, AT_VTEP(VTEP_2) },
    { 100, "10.1.0.96", "2001:db8:1::96", "52:54:00:00:00:96",
      AT_VTEP(VTEP_6) },
    { 100, "10.1.0.98", "2001:db8:1::98", MAC_UNRESOLVED,
      AT_VTEP(VTEP_UNRESOLVED) },
    { 100, "10.1.0.51", "2001:db8:1::51", MAC_UNKNOWN, NOWHERE },
    { 100, "10.1.0.50", "2001:db8:1::50", MAC_VM1, PORT_A, 0, NO_VTEP, true },
    { 101, "10.2.0.14", "2001:db8:2::14", MAC_HOST_B, AT_PORT(PORT_B) },
    { 101, "10.2.0.95", "2001:db8:2::95", MAC_REMOTE, AT_VTEP(VTEP_6) },
    { 101, "10.2.0.254", "2001:db8:2::fe", "52:54:00:00:00:fe",
      AT_VTEP(VTEP_1) },
    { 102, "192.0.2.100", NULL, MAC_PEER, AT_VTEP(VTEP_2) },
    { 102, "192.0.2.101", "fe80::99", MAC_REMOTE, AT_VTEP(VTEP_1) },
    { 200, "10.1.0.11", "2001:db8:1::11", MAC_VM1, AT_PORT(PORT_C) },
    { 200, "10.1.0.12", NULL, MAC_VM2, AT_VLAN(20) },
    { 200, "10.1.0.95", NULL, MAC_REMOTE, AT_VTEP(VTEP_1) },
    { 201, "10.2.0.2", "2001:db8:2::2", MAC_HOST_B, AT_PORT(PORT_D) },
    { 300, "10.1.0.11", "2001:db8:1::11", MAC_VM1, AT_PORT(PORT_E) },
    { 300, "10.2.0.14", NULL, MAC_PEER, AT_VTEP(VTEP_1) },
    { 400, "10.1.0.11", "2001:db8:1::11", MAC_VM1, AT_PORT(PORT_F) },
    { 0 }
};

const struct routed_route routed_routes[] = {
    { VRF_RED, "0.0.0.0", 0, OVL_ROUTE_FORWARD, { { 100, "10.1.0.95" } } },
    { VRF_RED, "10.3.0.0", 16, OVL_ROUTE_FORWARD,
      { { 101, "10.2.0.14" }, { 102, "192.0.2.100" },
        { 101, "10.2.0.99" } } },
    { VRF_RED, "10.3.7.0", 24, OVL_ROUTE_BLACKHOLE, { { 0, NULL } } },
    { VRF_RED, "10.3.7.128", 25, OVL_ROUTE_FORWARD,
      { { 101, "10.2.0.254" } } },
    { VRF_RED, "10.4.0.0", 16, OVL_ROUTE_FORWARD,
      { { 102, "192.0.2.100" }, { 102, "192.0.2.101" } } },
    { VRF_RED, "10.5.0.0", 16, OVL_ROUTE_BLACKHOLE, { { 0, NULL } } },
    { VRF_RED, "10.6.0.0", 16, OVL_ROUTE_UNREACHABLE, { { 0, NULL } } },
    { VRF_RED, "10.7.0.0", 16, OVL_ROUTE_PROHIBIT, { { 0, NULL } } },
    { VRF_RED, "10.8.0.0", 16, OVL_ROUTE_FORWARD,
      { { 101, "10.2.0.99" }, { 100, "10.1.0.51" } } },
    { VRF_RED, "10.9.0.0", 16, OVL_ROUTE_FORWARD, { { 100, "10.1.0.98" } } },
    { VRF_RED, "10.10.0.0", 16, OVL_ROUTE_FORWARD, { { 999, "10.9.0.1" } } },
    { VRF_RED, "10.2.0.77", 32, OVL_ROUTE_FORWARD, { { 100, "10.1.0.12" } } },
    { VRF_RED, "2001:db8:3::", 48, OVL_ROUTE_FORWARD,
      { { 101, "2001:db8:2::14" }, { 102, "192.0.2.100" } } },
    { VRF_RED, "2001:db8:4::", 48, OVL_ROUTE_FORWARD,
      { { 102, "fe80::99" } } },
    { VRF_RED, "2001:db8:5::", 48, OVL_ROUTE_BLACKHOLE, { { 0, NULL } } },
    { VRF_RED, "2001:db8:6::", 48, OVL_ROUTE_UNREACHABLE, { { 0, NULL } } },
    { VRF_RED, "2001:db8:7::", 48, OVL_ROUTE_PROHIBIT, { { 0, NULL } } },
    { VRF_RED, "2001:db8:8::", 48, OVL_ROUTE_FORWARD,
      { { 101, "2001:db8:2::99" } } },
    { VRF_BLUE, "10.3.0.0", 16, OVL_ROUTE_FORWARD,
      { { 200, "10.1.0.11" }, { 200, "10.1.0.95" }, { 201, "10.2.0.2" } } },
    { VRF_BLUE, "::", 0, OVL_ROUTE_FORWARD, { { 201, "2001:db8:2::2" } } },
    { VRF_GREEN, "10.1.0.0", 16, OVL_ROUTE_FORWARD, { { 300, "10.2.0.14" } } },
    { VRF_GREEN, "10.6.0.0", 16, OVL_ROUTE_UNREACHABLE, { { 0, NULL } } },
    { VRF_GREEN, "2001:db8:1::", 48, OVL_ROUTE_FORWARD,
      { { 300, "10.2.0.14" } } },
    { 0 }
};

const struct routed_arrival routed_arrivals[ROUTED_N_ARRIVALS] = {
    { PORT_A, 0, NULL, 100 },
    { PORT_T, 10, NULL, 100 },
    { PORT_B, 0, NULL, 101 },
    { PORT_C, 0, NULL, 200 },
    { PORT_T, 20, NULL, 200 },
    { PORT_D, 0, NULL, 201 },
    { PORT_E, 0, NULL, 300 },
    { PORT_F, 0, NULL, 400 },
    { PORT_T, 0, NULL, 400 },
    { NO_PORT, 0, IP_VTEP, 100 },
    { NO_PORT, 0, IP_VTEP, 101 },
    { NO_PORT, 0, IP_VTEP2, 102 },
    { NO_PORT, 0, IP_VTEP, 200 },
    { NO_PORT, 0, IP_VTEP2, 201 },
    { NO_PORT, 0, IP6_VTEP, 100 },
    { NO_PORT, 0, IP6_VTEP, 101 },
    { NO_PORT, 0, IP_VTEP, 300 },
    { NO_PORT, 0, IP_VTEP_UNRESOLVED, 100 },
    { NO_PORT, 0, "192.0.2.66", 100 },
    { NO_PORT, 0, IP_VTEP, 400 },
};

const struct routed_network *
routed_network(uint32_t vni)
{
    const struct routed_network *n = routed_networks;

    while (n->vni && n->vni != vni) {
        n++;
    }
    return n->vni ? n : NULL;
}

struct frame
routed_arriving(const struct routed_arrival *a, const struct frame *plain,
                uint8_t ecn)
{
    if (a->port != NO_PORT) {
        return (a->vlan && plain->len >= 12
                ? frame_tag(plain, 0x8100, a->vlan) : *plain);
    } else if (strchr(a->vtep, ':')) {
        return frame_vxlan6(MAC_LOCAL, MAC_NEXTHOP, a->vtep, IP6_OWN, ecn,
                            50000, a->vni, plain);
    }
    return frame_vxlan4(MAC_LOCAL, MAC_NEXTHOP, a->vtep, IP_OWN, ecn, 50000,
                        a->vni, plain);
}

struct ovl_lport *
routed_in(const struct routed_world *r, const struct routed_arrival *a)
{
    return a->port == NO_PORT ? r->w->eth1 : r->ports[a->port];
}

static char *
vrf_name(enum routed_vrf vrf)
{
    switch (vrf) {
    case VRF_RED:
        return "red";
    case VRF_BLUE:
        return "blue";
    case VRF_GREEN:
        return "green";
    case VRF_NONE:
        return "";
    }
    OVS_NOT_REACHED();
}

static void
add_network(struct routed_world *r, const struct routed_network *n)
{
    struct ovl_gateway gateways[ROUTED_MAX_GATEWAYS];
    size_t n_gateways = 0;

    for (size_t i = 0; i < ROUTED_MAX_GATEWAYS && n->gateways[i].ip; i++) {
        struct in6_addr ip = world_ip(n->gateways[i].ip);

        gateways[n_gateways++] = (struct ovl_gateway) {
            ip, n->gateways[i].plen + (ovl_ip_is_v4(&ip) ? 96 : 0)
        };
    }
    ovl_network_set(r->w->fwd, &(struct ovl_network) {
        .vni = n->vni, .source_group = n->vrf, .vrf = vrf_name(n->vrf),
        .mtu = n->mtu, .router_mac = mac_from(n->mac),
        .n_gateways = n_gateways, .gateways = gateways,
    });
}

static void
add_bindings(struct routed_world *r)
{
    struct ovl_vlan_binding vlans[] = {
        { .vlan = 0, .vni = 400 }, { .vlan = 10, .vni = 100 },
        { .vlan = 20, .vni = 200 }
    };

    for (size_t i = 0; i < ROUTED_N_ARRIVALS; i++) {
        const struct routed_arrival *a = &routed_arrivals[i];

        if (a->port != NO_PORT && a->port != PORT_T) {
            ovl_binding_set(r->w->fwd, &(struct ovl_binding) {
                .port = r->ports[a->port], .role = OVL_ROLE_ACCESS,
                .vni = a->vni,
            });
        }
    }
    ovl_binding_set(r->w->fwd, &(struct ovl_binding) {
        .port = r->ports[PORT_T], .role = OVL_ROLE_GATEWAY,
        .n_vlans = ARRAY_SIZE(vlans), .vlans = vlans,
    });
}

static void
add_host(struct routed_world *r, const struct routed_host *h)
{
    const char *ips[] = { h->ip, h->ip6 };

    for (size_t i = 0; i < ARRAY_SIZE(ips); i++) {
        if (ips[i]) {
            ovl_neighbor_set(r->w->fwd, &(struct ovl_neighbor) {
                .vni = h->vni, .ip = world_ip(ips[i]),
                .mac = mac_from(h->mac), .shared = h->shared,
            });
        }
    }
    if (h->port != NO_PORT || h->vtep != NO_VTEP) {
        ovl_mac_set(r->w->fwd, &(struct ovl_mac) {
            .vni = h->vni, .mac = mac_from(h->mac),
            .port = h->port != NO_PORT ? r->ports[h->port] : NULL,
            .vlan = h->vlan,
            .vtep = h->port == NO_PORT ? r->vteps[h->vtep] : NULL,
        });
    }
}

static struct ovl_prefix
make_prefix(const char *ip, int plen)
{
    struct ovl_prefix p = { .addr = world_ip(ip) };

    p.plen = plen + (ovl_ip_is_v4(&p.addr) ? 96 : 0);
    for (int bit = p.plen; bit < 128; bit++) {
        p.addr.s6_addr[bit / 8] &= ~(0x80 >> bit % 8);
    }
    return p;
}

/* Routes that follow from gateway addresses. */
static void
add_own_routes(struct routed_world *r, const struct routed_network *n)
{
    for (size_t i = 0; i < ROUTED_MAX_GATEWAYS && n->gateways[i].ip; i++) {
        const char *ip = n->gateways[i].ip;
        struct ovl_prefix p = make_prefix(ip, n->gateways[i].plen);
        struct ovl_prefix host = { world_ip(ip), 128 };

        if (n->vrf != VRF_NONE && strncmp(ip, "fe80:", 5)) {
            ovl_route_set(r->w->fwd, n->vrf, &p, &(struct ovl_route) {
                .action = OVL_ROUTE_CONNECTED, .vni = n->vni,
            });
            ovl_route_set(r->w->fwd, n->vrf, &host, &(struct ovl_route) {
                .action = OVL_ROUTE_LOCAL, .vni = n->vni,
            });
        }
    }
}

static void
add_route(struct routed_world *r, const struct routed_route *route)
{
    struct ovl_nexthop hops[ROUTED_MAX_NEXTHOPS];
    struct ovl_prefix p = make_prefix(route->ip, route->plen);
    size_t n = 0;

    for (size_t i = 0; i < ROUTED_MAX_NEXTHOPS && route->nexthops[i].ip;
         i++) {
        hops[n++] = (struct ovl_nexthop) {
            .vni = route->nexthops[i].vni,
            .ip = world_ip(route->nexthops[i].ip),
        };
    }
    ovl_route_set(r->w->fwd, route->vrf, &p, &(struct ovl_route) {
        .action = route->action, .n_nexthops = n, .nexthops = hops,
    });
}

static void
add_sources(struct routed_world *r)
{
    static const enum routed_vrf groups[] = {
        VRF_RED, VRF_BLUE, VRF_GREEN, VRF_NONE
    };

    for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
        for (size_t j = 0; j < ROUTED_N_VTEPS; j++) {
            ovl_source_add(r->w->fwd, groups[i], &r->vteps[j]->ip);
        }
    }
}

static void
fill(struct routed_world *r)
{
    struct ovl_vrf vrfs[] = {
        { .id = VRF_RED, .name = vrf_name(VRF_RED),
          .gateway4 = world_ip("10.1.0.1"),
          .gateway6 = world_ip("2001:db8:1::1") },
        { .id = VRF_BLUE, .name = vrf_name(VRF_BLUE),
          .gateway4 = world_ip("10.1.0.1"),
          .gateway6 = world_ip("2001:db8:1::1") },
        { .id = VRF_GREEN, .name = vrf_name(VRF_GREEN) },
    };

    for (size_t i = 0; i < ARRAY_SIZE(vrfs); i++) {
        ovl_vrf_set(r->w->fwd, &vrfs[i]);
    }
    for (const struct routed_network *n = routed_networks; n->vni; n++) {
        add_network(r, n);
        add_own_routes(r, n);
    }
    add_bindings(r);
    for (const struct routed_host *h = routed_hosts; h->vni; h++) {
        add_host(r, h);
    }
    for (const struct routed_route *route = routed_routes; route->vrf;
         route++) {
        add_route(r, route);
    }
    add_sources(r);
}

struct routed_world *
routed_world_create(void)
{
    static const char *const names[ROUTED_N_PORTS] = {
        "a", "b", "c", "d", "e", "f", "t"
    };
    struct routed_world *r = xzalloc(sizeof *r);
    struct in6_addr ip6 = world_ip(IP6_VTEP);

    r->w = world_create();
    for (size_t i = 0; i < ROUTED_N_PORTS; i++) {
        r->ports[i] = world_port_create(names[i], "fe:54:00:00:00:77");
    }
    r->vteps[VTEP_1] = r->w->vtep;
    r->vteps[VTEP_2] = r->w->vtep2;
    r->vteps[VTEP_6] = ovl_vtep_ref(r->w->fwd, &ip6);
    r->vteps[VTEP_UNRESOLVED] = r->w->vtep_unresolved;
    world_resolve(r->w, r->vteps[VTEP_6], 1500);

    ovl_forwarding_begin(r->w->fwd);
    fill(r);
    ovl_forwarding_commit(r->w->fwd);
    return r;
}

void
routed_world_destroy(struct routed_world *r)
{
    struct ovl_lport *ports[ROUTED_N_PORTS];

    memcpy(ports, r->ports, sizeof ports);
    ovl_vtep_unref(r->w->fwd, r->vteps[VTEP_6]);
    world_destroy(r->w);
    for (size_t i = 0; i < ROUTED_N_PORTS; i++) {
        ovl_lport_unref(ports[i]);
    }
    free(r);
}
