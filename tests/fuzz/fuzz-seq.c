/* SPDX-License-Identifier: Apache-2.0 */

/* Rows that come and go, ports that come and go, frames and grace periods, in
 * any order, through the RIB, the tables and the pipeline.  After each frame,
 * what came out is compared with what the rows in force say (seq-model.h).
 *
 * The input is a list of steps of four bytes: what to do, and three numbers.
 * There are four ports, two networks, a VRF, and few MACs, VTEPs and prefixes,
 * so that the same key is soon deleted and made again. */

#include <config.h>

#include <stdio.h>
#include <stdlib.h>

#include "adjacency.h"
#include "frame-input.h"
#include "ovs-rcu.h"
#include "packets.h"
#include "rib.h"
#include "seq-model.h"
#include "util.h"

#define STRINGS(...)                                                         \
    ((struct ovl_strings) {                                                  \
        .s = (char *[]) { __VA_ARGS__ },                                     \
        .n = sizeof((char *[]) { __VA_ARGS__ }) / sizeof(char *) })
#define STEP_LEN 4

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
    atomic_store_relaxed(&port->mac, eth_addr_to_uint64(mac_from(MAC_LOCAL)));
    return port;
}

static void
catch_packet(struct ovl_worker *worker, struct ovl_lport *port,
             struct dp_packet *packet)
{
    struct seq_model *m = CONTAINER_OF(worker, struct seq_model, worker);
    struct seq_output *out = &m->out[m->n_out++];

    ovs_assert(m->n_out <= ARRAY_SIZE(m->out));
    out->port = port;
    out->frame.len = 0;
    frame_put(&out->frame, dp_packet_data(packet), dp_packet_size(packet));
    ovl_account_sent(worker->shard, port, 1, dp_packet_size(packet));
    dp_packet_delete(packet);
}

/* The worker's 'send'. */
static void
catch_output(struct ovl_worker *worker, struct ovl_lport *port,
             struct dp_packet *const packets[], size_t n)
{
    for (size_t i = 0; i < n; i++) {
        catch_packet(worker, port, packets[i]);
    }
}

/* Rows. */

static struct uuid
uuid_of(enum ovl_rib_table table, size_t i)
{
    return (struct uuid) { .parts = { i + 1, table } };
}

static void
tell_ports(struct seq_model *m)
{
    struct ovl_lport *ports[N_PORTS + 2] = { m->uplink, m->local };
    size_t n = 2;

    for (size_t i = 0; i < N_PORTS; i++) {
        if (m->ports[i]) {
            ports[n++] = m->ports[i];
        }
    }
    ovl_rib_set_lports(m->rib, ports, n);
}

static void
set_bridge(struct seq_model *m)
{
    struct uuid uuid = uuid_of(OVL_RIB_BRIDGE, 0);

    ovl_rib_set_bridge(m->rib, &uuid, &(struct ovl_row_bridge) {
        .name = "br", .vtep_ips = STRINGS(IP_OWN), .uplinks = STRINGS("up"),
        .gateway_mac = MAC_ROUTER });
}

static void
set_network(struct seq_model *m, size_t i, uint8_t how)
{
    struct uuid uuid = uuid_of(OVL_RIB_NETWORK, i);
    struct seq_network *net = &m->rows.networks[i];
    char *flood[N_VTEPS];
    size_t n_flood = 0;

    *net = (struct seq_network) {
        .there = true, .flood = how & 3, .flood_unknown = how & 4,
        .vrf = how & 8, .gateway = how & 16, .own_mac = how & 32,
    };
    for (size_t v = 0; v < N_VTEPS; v++) {
        if (net->flood & 1 << v) {
            flood[n_flood++] = CONST_CAST(char *, seq_vteps[v]);
        }
    }
    ovl_rib_set_network(m->rib, &uuid, &(struct ovl_row_network) {
        .vni = seq_vnis[i], .name = "", .vrf = net->vrf ? "red" : "",
        .flood_vteps = { flood, n_flood },
        .gateway_ips = net->gateway
                       ? STRINGS(i ? "10.0.1.1/24" : "10.0.0.1/24")
                       : (struct ovl_strings) { .n = 0 },
        .gateway_mac = net->own_mac ? "02:00:5e:00:01:07" : NULL,
        .unknown_unicast = net->flood_unknown ? "flood" : NULL });
}

static void
set_port(struct seq_model *m, size_t i, uint8_t how)
{
    static const int64_t vlans[] = { 0, 10 };
    struct uuid uuid = uuid_of(OVL_RIB_PORT, i);
    struct seq_port *port = &m->rows.ports[i];
    struct ovl_row_iface iface = { .name = seq_port_names[i] };
    int64_t vnis[] = { seq_vnis[0], seq_vnis[1] };

    *port = (struct seq_port) {
        .there = true, .role = how & 3, .mac = how >> 2 & 7
    };
    if (port->role == SEQ_TRUNK || port->role == SEQ_UNBOUND) {
        port->mac = SEQ_NO_MAC;
    }
    bool access = port->role == SEQ_NET0 || port->role == SEQ_NET1;
    ovl_rib_set_port(m->rib, &uuid, &(struct ovl_row_port) {
        .name = seq_port_names[i], .on_overlay_bridge = true,
        .ifaces = &iface, .n_ifaces = 1,
        .has_vni = access, .vni = access ? vnis[port->role - SEQ_NET0] : 0,
        .vlans = vlans, .vlan_vnis = vnis,
        .n_vlans = port->role == SEQ_TRUNK ? 2 : 0,
        .addresses = seq_is_mac(port->mac)
                     ? STRINGS(CONST_CAST(char *, seq_macs[port->mac]))
                     : (struct ovl_strings) { .n = 0 } });
}

static void
set_binding(struct seq_model *m, size_t i, uint8_t how)
{
    struct uuid uuid = uuid_of(OVL_RIB_BINDING, i);
    struct seq_port *binding = &m->rows.bindings[i];

    *binding = (struct seq_port) {
        .there = true, .role = SEQ_NET0 + (how & 1), .mac = how >> 2 & 7
    };
    ovl_rib_set_binding(m->rib, &uuid, &(struct ovl_row_binding) {
        .iface = seq_port_names[i], .vni = seq_vnis[how & 1],
        .addresses = seq_is_mac(binding->mac)
                     ? STRINGS(CONST_CAST(char *, seq_macs[binding->mac]))
                     : (struct ovl_strings) { .n = 0 } });
}

static void
set_mac(struct seq_model *m, size_t i, uint8_t key, uint8_t how)
{
    struct uuid uuid = uuid_of(OVL_RIB_MAC, i);
    struct seq_mac *mac = &m->rows.macs[i];

    *mac = (struct seq_mac) {
        .there = true, .net = key & 1, .mac = (key >> 1) % N_MACS,
        .vtep = how % (N_VTEPS + 1), .has_ip = how & 8,
    };
    ovl_rib_set_mac(m->rib, &uuid, &(struct ovl_row_mac) {
        .vni = seq_vnis[mac->net], .mac = seq_macs[mac->mac],
        .vtep = mac->vtep < N_VTEPS ? seq_vteps[mac->vtep] : IP_OWN,
        .ips = mac->has_ip ? STRINGS(CONST_CAST(char *,
                                                    seq_ips[mac->net]
                                                           [mac->mac]))
               : (struct ovl_strings) { .n = 0 } });
}

static void
set_neighbor(struct seq_model *m, size_t i, uint8_t key, uint8_t mac)
{
    struct uuid uuid = uuid_of(OVL_RIB_NEIGHBOR, i);
    struct seq_neighbor *n = &m->rows.neighbors[i];

    *n = (struct seq_neighbor) {
        .there = true, .net = key & 1, .ip = (key >> 1) % N_MACS,
        .mac = mac % N_MACS,
    };
    ovl_rib_set_neighbor(m->rib, &uuid, &(struct ovl_row_neighbor) {
        .vni = seq_vnis[n->net], .ip = seq_ips[n->net][n->ip],
        .mac = seq_macs[n->mac] });
}

static void
set_route(struct seq_model *m, size_t i, uint8_t how, uint8_t hops)
{
    static const char *const prefixes[N_PREFIXES] = {
        "10.7.1.0/24", "10.7.0.0/16", "10.0.0.0/8", "0.0.0.0/0"
    };
    static const char *const actions[] = {
        "forward", "blackhole", "unreachable", "prohibit"
    };
    struct uuid uuid = uuid_of(OVL_RIB_ROUTE, i);
    struct seq_route *route = &m->rows.routes[i];
    char *ips[N_HOPS];

    *route = (struct seq_route) {
        .there = true, .prefix = how % N_PREFIXES,
        .action = (how >> 2 & 3) == 0 ? OVL_ROUTE_FORWARD
                  : (how >> 2 & 3) == 1 ? OVL_ROUTE_BLACKHOLE
                  : (how >> 2 & 3) == 2 ? OVL_ROUTE_UNREACHABLE
                  : OVL_ROUTE_PROHIBIT,
        .named = how & 16,
    };
    if (route->action == OVL_ROUTE_FORWARD) {
        route->n_hops = how & 32 ? 2 : 1;
    }
    for (size_t j = 0; j < route->n_hops; j++) {
        /* Those of a row that names a network are all in it. */
        size_t net = route->named ? hops & 1 : (hops >> 4 * j) & 1;
        size_t ip = hops >> (4 * j + 1) & 7;

        route->hops[j].net = net;
        route->hops[j].ip = ip;
        ips[j] = CONST_CAST(char *, (ip < N_MACS ? seq_ips[net][ip]
                                     : seq_gateways[net]));
    }

    int64_t vni = seq_vnis[hops & 1];
    ovl_rib_set_route(m->rib, &uuid, &(struct ovl_row_route) {
        .vrf = "red", .prefix = prefixes[route->prefix],
        .nexthops = { ips, route->n_hops },
        .vni = route->named ? &vni : NULL, .action = actions[how >> 2 & 3] });
}

static void
delete_row(struct seq_model *m, uint8_t table, uint8_t i)
{
    struct seq_rows *rows = &m->rows;
    struct uuid uuid;

    switch (table % 6) {
    case 0:
        i %= N_NETS;
        rows->networks[i].there = false;
        uuid = uuid_of(OVL_RIB_NETWORK, i);
        ovl_rib_delete(m->rib, OVL_RIB_NETWORK, &uuid);
        break;
    case 1:
        i %= N_PORTS;
        rows->ports[i].there = false;
        uuid = uuid_of(OVL_RIB_PORT, i);
        ovl_rib_delete(m->rib, OVL_RIB_PORT, &uuid);
        break;
    case 2:
        i %= N_BINDINGS;
        rows->bindings[i].there = false;
        uuid = uuid_of(OVL_RIB_BINDING, i);
        ovl_rib_delete(m->rib, OVL_RIB_BINDING, &uuid);
        break;
    case 3:
        i %= N_NEIGHBORS;
        rows->neighbors[i].there = false;
        uuid = uuid_of(OVL_RIB_NEIGHBOR, i);
        ovl_rib_delete(m->rib, OVL_RIB_NEIGHBOR, &uuid);
        break;
    case 4:
        i %= N_ROUTES;
        rows->routes[i].there = false;
        uuid = uuid_of(OVL_RIB_ROUTE, i);
        ovl_rib_delete(m->rib, OVL_RIB_ROUTE, &uuid);
        break;
    default:
        i %= N_MAC_ROWS;
        rows->macs[i].there = false;
        uuid = uuid_of(OVL_RIB_MAC, i);
        ovl_rib_delete(m->rib, OVL_RIB_MAC, &uuid);
    }
}

static void
commit(struct seq_model *m)
{
    struct ovl_rib_error e;

    ovl_rib_commit(m->rib);
    while (ovl_rib_next_error(m->rib, &e)) {
        ovs_assert(!e.error || strlen(e.error) < 800);
    }
    m->in_force = m->rows;
    for (size_t i = 0; i < N_PORTS; i++) {
        m->known_ids[i] = m->ports[i] ? m->ports[i]->id : 0;
    }
}

/* Ports and next hops. */

static void
toggle_port(struct seq_model *m, size_t i)
{
    struct ovl_lport *port = m->ports[i];

    m->ports[i] = port ? NULL : port_create(seq_port_names[i]);
    if (port) {
        atomic_store_relaxed(&port->alive, false);
    }
    tell_ports(m);
    if (port) {
        ovl_lport_unref(port);
    }
}

static void
resolve(struct ovl_vtep *vtep, void *m_)
{
    struct seq_model *m = m_;
    const struct ovl_outer_spec spec = {
        .dst = mac_from(MAC_NEXTHOP), .src = mac_from(MAC_LOCAL),
        .ip_src = world_ip(IP_OWN), .ip_dst = vtep->ip,
        .ttl = 64, .vxlan_port = 4789, .mtu = 1500,
    };

    ovl_vtep_set_adjacency(vtep, ovl_adjacency_create(m->uplink, &spec),
                           OVL_DROP_VTEP_UNRESOLVED);
}

static void
forget(struct ovl_vtep *vtep, void *m OVS_UNUSED)
{
    ovl_vtep_set_adjacency(vtep, NULL, OVL_DROP_VTEP_UNRESOLVED);
}

/* Frames. */

static struct frame
make_frame(uint8_t dst, uint8_t src, uint8_t kind)
{
    const char *from = seq_macs[src % N_MACS];
    const char *to = dst % 8 < N_MACS ? seq_macs[dst % 8] : MAC_BROADCAST;
    struct frame f;

    if (kind & 1) {
        f = frame_arp(to, from, 1, from, "10.0.0.99", MAC_ZERO,
                      dst >> 4 < N_MACS ? seq_ips[kind >> 1 & 1][dst >> 4]
                      : seq_gateways[kind >> 1 & 1]);
    } else {
        f = frame_eth(to, from, 0x88b5);
        frame_put_pattern(&f, 4 + kind);
    }
    return f;
}

static void
receive(struct seq_model *m, struct ovl_lport *in, const struct frame *f)
{
    struct dp_packet_batch batch;
    struct dp_packet *packet
        = dp_packet_clone_data_with_headroom(f->data, f->len, 128);

    m->n_out = 0;
    m->worker.now += 1000;      /* What is limited in time is not. */
    m->n_generated = ovl_counter_read(OVL_TOTAL_GENERATED);
    dp_packet_batch_init_packet(&batch, packet);
    ovl_account_received(m->worker.shard, in, 1, f->len);
    ovl_pipeline_run(&m->worker, in, &batch);
    m->n_generated = ovl_counter_read(OVL_TOTAL_GENERATED) - m->n_generated;
}

static void
complain(const char *error)
{
    if (error) {
        fprintf(stderr, "%s\n", error);
        abort();
    }
}

/* A packet for the router of 'net', or whom it would be if there were one. */
static struct frame
make_packet(const struct seq_model *m, size_t net, uint8_t dst, uint8_t src)
{
    static const char *const others[] = {
        "10.0.0.1", "10.0.1.1", "10.7.1.1", "10.7.2.1", "10.8.0.1",
        "203.0.113.1",
    };
    const char *mac = net < N_NETS ? seq_router_mac(m, net) : NULL;
    const char *ip = (dst % 16 < N_MACS ? seq_ips[dst >> 4 & 1][dst % 16]
                      : others[dst % 16 % ARRAY_SIZE(others)]);

    return frame_udp4(mac ? mac : MAC_ROUTER, seq_macs[src % N_MACS],
                      net ? "10.0.1.99" : "10.0.0.99", ip, 1000 + dst, 2000,
                      20);
}

static void
packet_from_port(struct seq_model *m, size_t i, uint8_t b, uint8_t c)
{
    int vlan = c & 0x40 ? 10 : 0;

    if (m->ports[i]) {
        struct frame f = make_packet(m, seq_net_of(m, i, vlan), b, c & 7);

        if (vlan) {
            f = frame_tag(&f, 0x8100, vlan);
        }
        receive(m, m->ports[i], &f);
        complain(seq_check_from_port(m, i, vlan, &f));
    }
}

static void
frame_from_port(struct seq_model *m, size_t i, uint8_t b, uint8_t c)
{
    struct frame f = make_frame(b, c, c >> 3);
    int vlan = -1;

    if (!m->ports[i]) {
        return;
    }
    if (c & 0x40) {
        static const uint16_t tags[] = { 0, 10 };

        vlan = tags[c >> 7];
        f = frame_tag(&f, 0x8100, vlan);
    }
    receive(m, m->ports[i], &f);
    complain(seq_check_from_port(m, i, MAX(vlan, 0), &f));
}

static void
from_tunnel(struct seq_model *m, uint8_t a, const struct frame *inner)
{
    static const char *const sources[] = {
        "192.0.2.2", "192.0.2.3", "192.0.2.9", IP_OWN
    };
    static const uint32_t vnis[] = { 100, 200, 300, 0 };
    struct frame f = frame_vxlan4(MAC_LOCAL, MAC_NEXTHOP, sources[a & 3],
                                  IP_OWN, 0, 50000, vnis[a >> 2 & 3], inner);

    receive(m, m->uplink, &f);
    complain(seq_check_from_tunnel(m, a & 3, a >> 2 & 3, inner));
}

static void
frame_from_tunnel(struct seq_model *m, uint8_t a, uint8_t b, uint8_t c)
{
    struct frame inner = make_frame(b, c, c >> 3);

    from_tunnel(m, a, &inner);
}

static void
packet_from_tunnel(struct seq_model *m, uint8_t a, uint8_t b, uint8_t c)
{
    struct frame inner = make_packet(m, a >> 2 & 3, b, c & 7);

    from_tunnel(m, a, &inner);
}

static void
step(struct seq_model *m, const uint8_t s[STEP_LEN])
{
    switch (s[0] % 20) {
    case 0: case 1:
        frame_from_port(m, s[1] % N_PORTS, s[2], s[3]);
        break;
    case 2: case 3:
        packet_from_port(m, s[1] % N_PORTS, s[2], s[3]);
        break;
    case 4:
        frame_from_tunnel(m, s[1], s[2], s[3]);
        break;
    case 5:
        packet_from_tunnel(m, s[1], s[2], s[3]);
        break;
    case 6:
        set_network(m, s[1] % N_NETS, s[2]);
        break;
    case 7:
        set_port(m, s[1] % N_PORTS, s[2]);
        break;
    case 8:
        set_binding(m, s[1] % N_BINDINGS, s[2]);
        break;
    case 9:
        set_mac(m, s[1] % N_MAC_ROWS, s[2], s[3]);
        break;
    case 10:
        delete_row(m, s[1], s[2]);
        break;
    case 11:
        toggle_port(m, s[1] % N_PORTS);
        break;
    case 12: case 13:
        commit(m);
        break;
    case 14:
        /* Time passes. */
        for (int i = 0; i < s[1] % 4; i++) {
            ovsrcu_quiesce();
        }
        ovl_forwarding_collect(m->worker_fwd);
        break;
    case 16:
        set_neighbor(m, s[1] % N_NEIGHBORS, s[2], s[3]);
        break;
    case 17: case 18:
        set_route(m, s[1] % N_ROUTES, s[2], s[3]);
        break;
    default:
        ovl_forwarding_for_each_vtep(m->worker_fwd,
                                     s[1] % 4 ? resolve : forget, m);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct ovl_shard *shard;
    struct seq_model *m = xzalloc(sizeof *m);
    struct ovl_table_sizes sizes;

    if (!shard) {
        shard = ovl_shard_create();
    }
    m->worker_fwd = ovl_forwarding_create();
    m->worker = (struct ovl_worker) {
        .fwd = m->worker_fwd, .shard = shard, .send = catch_output
    };
    m->rib = ovl_rib_create(m->worker_fwd);
    m->uplink = port_create("up");
    m->local = port_create("br");
    for (size_t i = 0; i < N_PORTS; i++) {
        m->ports[i] = port_create(seq_port_names[i]);
    }
    tell_ports(m);
    set_bridge(m);
    commit(m);

    for (size_t i = 0; i + STEP_LEN <= size; i += STEP_LEN) {
        step(m, data + i);
    }

    /* Everything goes. */
    ovl_rib_destroy(m->rib);
    do {
        ovsrcu_quiesce();
    } while (ovl_forwarding_collect(m->worker_fwd));
    ovl_forwarding_sizes(m->worker_fwd, &sizes);
    ovs_assert(!sizes.networks && !sizes.bindings && !sizes.macs
               && !sizes.neighbors && !sizes.vteps && !sizes.vrfs);
    ovl_forwarding_destroy(m->worker_fwd);
    for (size_t i = 0; i < N_PORTS; i++) {
        if (m->ports[i]) {
            ovl_lport_unref(m->ports[i]);
        }
    }
    ovl_lport_unref(m->uplink);
    ovl_lport_unref(m->local);
    free(m);
    for (int i = 0; i < 4; i++) {
        ovsrcu_quiesce();
    }
    return 0;
}
