/* SPDX-License-Identifier: Apache-2.0 */

/* Prefixes: world_, make_. */

#include <config.h>

#include "bench-world.h"

#include <netinet/icmp6.h>
#include <string.h>

#include "adjacency.h"
#include "csum.h"
#include "fast-memo.h"
#include "ovs-numa.h"
#include "packets.h"
#include "random.h"
#include "util.h"

#define FRAME_LEN 64
#define MAX_VLANS 4094          /* Networks of one L2 gateway port. */

#define OWN_IP 0xc0000201       /* 192.0.2.1 */
#define VM_IP 0x0a000005
#define GATEWAY_IP 0x0a000001
#define REMOTE_IP 0x0a010000
#define ROUTES_IP 0x14000000    /* 20.0.0.0/24... */

#define OUR_MAC 2
#define LOCAL_VM 0xffffff
#define ROUTER_MAC 0xfffffe

static struct in6_addr
ip4(uint32_t ip)
{
    return in6_addr_mapped_ipv4(htonl(ip));
}

/* 2001:db8::'i'. */
static struct in6_addr
ip6(uint32_t i)
{
    struct in6_addr ip = { .s6_addr = { 0x20, 1, 0xd, 0xb8 } };
    ovs_be32 low = htonl(i);

    memcpy(&ip.s6_addr[12], &low, sizeof low);
    return ip;
}

static struct eth_addr
mac_of(uint32_t i)
{
    struct eth_addr mac;

    eth_addr_from_uint64(0x525400000000ull + i, &mac);
    return mac;
}

static size_t
network_of(const struct world *w, uint32_t i)
{
    return i % w->spec.n_networks;
}

/* Numbers of networks are VNIs less 1. */
static uint32_t
vni_of(size_t k)
{
    return k + 1;
}

size_t
world_port(const struct world *w, size_t k)
{
    return k % w->n_ports;
}

static uint16_t
vlan_of(const struct world *w, size_t k)
{
    return w->spec.n_networks == 1 || w->spec.access_ports
           ? 0 : 1 + k / w->n_ports;
}

/* Ports. */

static void
port_destroy(struct ovl_lport *port)
{
    ovl_lport_uninit(port);
    free(port);
}

static struct ovl_lport *
port_create(const char *name)
{
    struct ovl_lport *port = xzalloc(sizeof *port);

    ovl_lport_init(port, name, ODP_PORT_C(1), port_destroy);
    atomic_store_relaxed(&port->mtu, 1500);
    return port;
}

static void
create_ports(struct world *w)
{
    const struct world_spec *s = &w->spec;

    w->n_ports = s->access_ports ? s->n_networks
                 : DIV_ROUND_UP(s->n_networks, MAX_VLANS);
    w->ports = xcalloc(w->n_ports, sizeof *w->ports);
    for (size_t i = 0; i < w->n_ports; i++) {
        w->ports[i] = port_create("vm");
    }
    w->guarded = port_create("guarded");
    w->uplink = port_create("uplink");
    w->local = port_create("local");
    atomic_store_relaxed(&w->local->mac, eth_addr_to_uint64(mac_of(OUR_MAC)));
}

/* The worker's 'send': packets stay where they are. */
static void
recycle(struct ovl_worker *worker, struct ovl_lport *port,
        struct dp_packet *const packets[] OVS_UNUSED, size_t n)
{
    struct world *w = (struct world *) worker;

    w->n_sent += port == w->out ? n : 0;
}

/* Tables. */

static void
add_vteps(struct world *w)
{
    w->vteps = xcalloc(w->spec.n_vteps, sizeof *w->vteps);
    for (size_t i = 0; i < w->spec.n_vteps; i++) {
        struct in6_addr ip = ip4(0xc6330000 + 1 + i);  /* 198.51.0.1... */
        struct ovl_outer_spec spec = {
            .dst = mac_of(1), .src = mac_of(OUR_MAC),
            .ip_src = ip4(OWN_IP),
            .ip_dst = ip, .ttl = 64, .vxlan_port = 4789, .mtu = 1600,
        };

        w->vteps[i] = ovl_vtep_ref(w->fwd, &ip);
        ovl_vtep_set_adjacency(w->vteps[i],
                               ovl_adjacency_create(w->uplink, &spec),
                               OVL_DROP_VTEP_UNRESOLVED);
        ovl_source_add(w->fwd, 1, &ip);
    }
}

static void
bind_gateway(struct world *w, size_t port)
{
    struct ovl_vlan_binding *vlans = xcalloc(MAX_VLANS, sizeof *vlans);
    struct ovl_binding binding = {
        .port = w->ports[port], .role = OVL_ROLE_GATEWAY, .vlans = vlans,
    };

    for (size_t k = port; k < w->spec.n_networks; k += w->n_ports) {
        vlans[binding.n_vlans++] = (struct ovl_vlan_binding) {
            .vlan = vlan_of(w, k), .vni = vni_of(k),
        };
    }
    ovl_binding_set(w->fwd, &binding);
    free(vlans);
}

static void
bind_ports(struct world *w)
{
    const struct ovl_prefix ip = { .addr = ip4(VM_IP), .plen = 128 };
    const struct ovl_guard guard = {
        .mac = mac_of(LOCAL_VM), .n_prefixes = 1, .prefixes = &ip,
    };
    const struct ovl_binding others[] = {
        { .port = w->guarded, .role = OVL_ROLE_ACCESS, .vni = 1,
          .guarded = true, .n_guards = 1, .guards = &guard },
        { .port = w->uplink, .role = OVL_ROLE_UPLINK },
        { .port = w->local, .role = OVL_ROLE_LOCAL },
    };

    for (size_t i = 0; i < w->n_ports; i++) {
        if (vlan_of(w, i)) {
            bind_gateway(w, i);
        } else {
            ovl_binding_set(w->fwd, &(struct ovl_binding) {
                .port = w->ports[i], .role = OVL_ROLE_ACCESS,
                .vni = vni_of(i),
            });
        }
    }
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        ovl_binding_set(w->fwd, &others[i]);
    }
}

/* Prefix 'r' of VRF number 'v'. */
static uint32_t
route_ip(size_t v, size_t r)
{
    return ROUTES_IP + ((v * 7919 + r * 104729) % 65536 << 8);
}

static void
add_vrf(struct world *w, size_t k)
{
    struct ovl_vrf vrf = {
        .id = 1 + k, .name = xasprintf("vrf%"PRIuSIZE, k),
    };
    struct ovl_prefix prefix = { ip4(0x0a000000), 96 + 8 };
    struct ovl_route route = {
        .action = OVL_ROUTE_CONNECTED, .vni = vni_of(k),
    };
    struct ovl_nexthop hop = { .vni = vni_of(k), .ip = ip4(REMOTE_IP + k) };

    ovl_vrf_set(w->fwd, &vrf);
    ovl_route_set(w->fwd, vrf.id, &prefix, &route);
    for (size_t r = 0; r < w->spec.n_routes; r++) {
        prefix = (struct ovl_prefix) { ip4(route_ip(k, r)), 96 + 24 };
        route = (struct ovl_route) {
            .action = OVL_ROUTE_FORWARD, .n_nexthops = 1, .nexthops = &hop,
        };
        ovl_route_set(w->fwd, vrf.id, &prefix, &route);
    }
    free(vrf.name);
}

static void
add_network(struct world *w, size_t k)
{
    struct ovl_gateway gateway = { ip4(GATEWAY_IP), 96 + 8 };
    struct ovl_member members[] = {
        { .port = w->ports[world_port(w, k)], .vlan = vlan_of(w, k) },
        { .port = w->guarded },
    };
    size_t vrf = w->spec.n_routes ? k : 0;
    struct ovl_network net = {
        .vni = vni_of(k), .source_group = 1 + vrf, .neigh_suppress = true,
        .router_mac = mac_of(ROUTER_MAC), .n_gateways = 1,
        .gateways = &gateway, .n_members = k ? 1 : 2, .members = members,
        .vrf = xasprintf("vrf%"PRIuSIZE, vrf),
    };

    ovl_network_set(w->fwd, &net);
    free(net.vrf);
    if (!k || w->spec.n_routes) {
        add_vrf(w, k);
    }
}

static void
add_vm(struct world *w, size_t i)
{
    struct eth_addr mac = mac_of(i);
    uint32_t vni = vni_of(network_of(w, i));

    ovl_mac_set(w->fwd, &(struct ovl_mac) {
        .vni = vni, .mac = mac, .vtep = w->vteps[i % w->spec.n_vteps],
    });
    ovl_neighbor_set(w->fwd, &(struct ovl_neighbor) {
        .vni = vni, .ip = ip4(REMOTE_IP + i), .mac = mac,
    });
    if (w->spec.ipv6) {
        ovl_neighbor_set(w->fwd, &(struct ovl_neighbor) {
            .vni = vni, .ip = ip6(i), .mac = mac,
        });
    }
}

struct world *
world_create(const struct world_spec *spec)
{
    struct world *w = xzalloc(sizeof *w);

    w->spec = *spec;
    w->fwd = ovl_forwarding_create();
    create_ports(w);
    w->config = (struct ovl_config) {
        .vtep4 = ip4(OWN_IP), .vxlan_port = 4789, .ttl = 64,
        .uplink = w->uplink, .local = w->local,
    };

    ovl_forwarding_begin(w->fwd);
    ovl_config_set(w->fwd, &w->config);
    for (size_t k = 0; k < spec->n_networks; k++) {
        add_network(w, k);
    }
    bind_ports(w);
    add_vteps(w);
    for (size_t i = 0; i < spec->n; i++) {
        add_vm(w, i);
    }
    ovl_mac_set(w->fwd, &(struct ovl_mac) {
        .vni = vni_of(0), .mac = mac_of(LOCAL_VM), .port = w->ports[0],
        .vlan = vlan_of(w, 0),
    });
    ovl_forwarding_commit(w->fwd);
    while (ovl_forwarding_collect(w->fwd)) {
        ovsrcu_quiesce();       /* Until versions cost nothing any more. */
    }

    w->worker = (struct ovl_worker) {
        .fwd = w->fwd, .shard = ovl_shard_create(),
        .memo = ovl_memo_create(OVS_NUMA_UNSPEC), .send = recycle,
    };
    return w;
}

void
world_destroy(struct world *w)
{
    for (size_t i = 0; i < w->spec.n_vteps; i++) {
        ovl_vtep_unref(w->fwd, w->vteps[i]);
    }
    ovl_forwarding_destroy(w->fwd);
    for (size_t i = 0; i < w->n_ports; i++) {
        ovl_lport_unref(w->ports[i]);
    }
    ovl_lport_unref(w->guarded);
    ovl_lport_unref(w->uplink);
    ovl_lport_unref(w->local);
    ovl_shard_destroy(w->worker.shard);
    ovl_memo_destroy(w->worker.memo);
    free(w->ports);
    free(w->vteps);
    free(w);
    for (int i = 0; i < 4; i++) {
        ovsrcu_quiesce();
    }
}

/* Frames. */

/* Returns what comes after it. */
static uint8_t *
put_eth(uint8_t *p, struct eth_addr dst, struct eth_addr src, uint16_t vlan,
        uint16_t type)
{
    ovs_be16 types[] = { htons(ETH_TYPE_VLAN), htons(vlan), htons(type) };
    const ovs_be16 *first = vlan ? &types[0] : &types[2];
    size_t len = vlan ? sizeof types : sizeof types[2];

    memcpy(p, &dst, ETH_ADDR_LEN);
    memcpy(p + ETH_ADDR_LEN, &src, ETH_ADDR_LEN);
    memcpy(p + 2 * ETH_ADDR_LEN, first, len);
    return p + 2 * ETH_ADDR_LEN + len;
}

static void
put_ipv4(uint8_t *p, uint32_t src, uint32_t dst, size_t len)
{
    struct ip_header ip = {
        .ip_ihl_ver = IP_IHL_VER(5, 4), .ip_tot_len = htons(len),
        .ip_frag_off = htons(IP_DF), .ip_ttl = 64, .ip_proto = IPPROTO_UDP,
    };
    struct udp_header udp = {
        .udp_src = htons(src), .udp_dst = htons(4789),
        .udp_len = htons(len - IP_HEADER_LEN),
    };

    put_16aligned_be32(&ip.ip_src, htonl(src));
    put_16aligned_be32(&ip.ip_dst, htonl(dst));
    ip.ip_csum = csum(&ip, sizeof ip);
    memcpy(p, &ip, sizeof ip);
    memcpy(p + sizeof ip, &udp, sizeof udp);
}

/* A frame of 64 bytes, with a tag 68, of network 'k'. */
static size_t
make_frame(uint8_t *p, const struct world *w, size_t k, struct eth_addr dst,
           struct eth_addr src, uint32_t dst_ip)
{
    uint8_t *ip;

    memset(p, 0, MAX_FRAME);
    ip = put_eth(p, dst, src, vlan_of(w, k), ETH_TYPE_IP);
    put_ipv4(ip, VM_IP, dst_ip, FRAME_LEN - ETH_HEADER_LEN);
    return ip - p + FRAME_LEN - ETH_HEADER_LEN;
}

size_t
make_bridged(uint8_t *p, const struct world *w, uint32_t i)
{
    return make_frame(p, w, network_of(w, i), mac_of(i), mac_of(LOCAL_VM),
                      REMOTE_IP + i);
}

size_t
make_routed(uint8_t *p, const struct world *w, uint32_t i)
{
    return make_frame(p, w, network_of(w, i), mac_of(ROUTER_MAC),
                      mac_of(LOCAL_VM), REMOTE_IP + i);
}

size_t
make_by_route(uint8_t *p, const struct world *w, uint32_t i)
{
    size_t k = network_of(w, i);

    return make_frame(p, w, k, mac_of(ROUTER_MAC), mac_of(LOCAL_VM),
                      route_ip(k, random_range(w->spec.n_routes)) + 9);
}

size_t
make_tunneled(uint8_t *p, const struct world *w, uint32_t i)
{
    const struct ovl_vtep *from = w->vteps[i % w->spec.n_vteps];
    struct vxlanhdr vxlan = { .vx_flags = { htons(0x0800), 0 } };
    uint8_t inner[MAX_FRAME];
    size_t len = make_frame(inner, w, 0, mac_of(LOCAL_VM), mac_of(i), VM_IP);

    put_ipv4(put_eth(p, mac_of(OUR_MAC), mac_of(1), 0, ETH_TYPE_IP),
             ntohl(in6_addr_get_mapped_ipv4(&from->ip)), OWN_IP,
             50 - ETH_HEADER_LEN + len);
    put_16aligned_be32(&vxlan.vx_vni, htonl(vni_of(0) << 8));
    memcpy(p + 50 - sizeof vxlan, &vxlan, sizeof vxlan);
    memcpy(p + 50, inner, len);
    return 50 + len;
}

static size_t
make_request(uint8_t *p, const struct world *w, struct eth_addr sender,
             uint32_t sender_ip, uint32_t i)
{
    struct arp_eth_header arp = {
        .ar_hrd = htons(ARP_HRD_ETHERNET), .ar_pro = htons(ETH_TYPE_IP),
        .ar_hln = 6, .ar_pln = 4, .ar_op = htons(ARP_OP_REQUEST),
        .ar_sha = sender,
    };

    memset(p, 0, FRAME_LEN);
    put_16aligned_be32(&arp.ar_spa, htonl(sender_ip));
    put_16aligned_be32(&arp.ar_tpa, htonl(REMOTE_IP + i));
    memcpy(put_eth(p, eth_addr_broadcast, sender,
                   vlan_of(w, network_of(w, i)), ETH_TYPE_ARP),
           &arp, sizeof arp);
    return FRAME_LEN;
}

size_t
make_arp(uint8_t *p, const struct world *w, uint32_t i)
{
    return make_request(p, w, mac_of(LOCAL_VM), VM_IP, i);
}

/* Numbers from 16 M up are nobody else's. */
size_t
make_arp_from_any(uint8_t *p, const struct world *w, uint32_t i)
{
    uint32_t sender = (1 << 24) + random_range(1 << 24);

    return make_request(p, w, mac_of(sender), REMOTE_IP + sender, i);
}

size_t
make_ns_from_any(uint8_t *p, const struct world *w, uint32_t i)
{
    uint32_t sender = (1 << 24) + random_range(1 << 24);
    struct in6_addr src = ip6(sender), target = ip6(i), dst;
    struct eth_addr eth_dst;
    struct dp_packet packet;
    size_t len;

    in6_addr_solicited_node(&dst, &target);
    ipv6_multicast_to_ethernet(&eth_dst, &dst);
    dp_packet_init(&packet, MAX_FRAME);
    compose_nd_ns(&packet, mac_of(sender), &src, &target);
    len = dp_packet_size(&packet);
    ovs_assert(w->spec.n_networks == 1 && len <= MAX_FRAME);
    memcpy(p, dp_packet_data(&packet), len);
    dp_packet_uninit(&packet);
    return len;
}
