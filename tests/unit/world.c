/* SPDX-License-Identifier: Apache-2.0 */

/* Builds the world of world.h and catches what comes out of it. */

#include <config.h>

#include "world.h"

#include "adjacency.h"
#include "fast-memo.h"
#include "ovs-numa.h"
#include "ovs-rcu.h"
#include "packets.h"
#include "pkt-edit.h"
#include "util.h"

struct in6_addr
world_ip(const char *s)
{
    struct in6_addr ip;
    ovs_be32 ip4;

    if (ip_parse(s, &ip4)) {
        return in6_addr_mapped_ipv4(ip4);
    }
    ovs_assert(ipv6_parse(s, &ip));
    return ip;
}

static void
port_destroy(struct ovl_lport *port)
{
    ovl_lport_uninit(port);
    free(port);
}

struct ovl_lport *
world_port_create(const char *name, const char *mac)
{
    struct ovl_lport *port = xzalloc(sizeof *port);

    ovl_lport_init(port, name, ODP_PORT_C(1), port_destroy);
    atomic_store_relaxed(&port->mtu, 1500);
    atomic_store_relaxed(&port->mac, eth_addr_to_uint64(mac_from(mac)));
    return port;
}

static void
catch_packet(struct ovl_worker *worker, struct ovl_lport *port,
             struct dp_packet *packet)
{
    struct world *w = (struct world *) worker;
    struct world_output *out = &w->out[w->n_out++];

    ovs_assert(w->n_out <= WORLD_MAX_OUTPUTS);
    ovs_assert(dp_packet_size(packet) <= FRAME_MAX);
    out->port = port;
    out->marks = *dp_packet_ol_flags_ptr(packet)
                 & DP_PACKET_OL_SUPPORTED_MASK;
    out->l3_ofs = packet->l3_ofs;
    out->l4_ofs = packet->l4_ofs;
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

/* The worker's 'heard'. */
static void
catch_heard(struct ovl_worker *worker, const struct ovl_heard *heard)
{
    struct world *w = (struct world *) worker;

    w->n_heard++;
    w->heard = *heard;
}

void
world_resolve(struct world *w, struct ovl_vtep *vtep, uint16_t mtu)
{
    const struct ovl_outer_spec spec = {
        .dst = mac_from(MAC_NEXTHOP),
        .src = mac_from(MAC_LOCAL),
        .ip_src = ovl_ip_is_v4(&vtep->ip) ? w->config.vtep4 : w->config.vtep6,
        .ip_dst = vtep->ip,
        .ttl = w->config.ttl,
        .vxlan_port = w->config.vxlan_port,
        .mtu = mtu,
    };

    ovl_vtep_set_adjacency(vtep, ovl_adjacency_create(w->eth1, &spec),
                           OVL_DROP_VTEP_UNRESOLVED);
}

static struct ovl_vtep *
vtep_create(struct world *w, const char *ip_s)
{
    struct in6_addr ip = world_ip(ip_s);

    return ovl_vtep_ref(w->fwd, &ip);
}

static void
set_bindings(struct world *w)
{
    struct ovl_vlan_binding vlans[] = {
        { .vlan = 0, .vni = VNI_OTHER }, { .vlan = 10, .vni = VNI }
    };
    struct ovl_binding bindings[] = {
        { .port = w->vm1, .role = OVL_ROLE_ACCESS, .vni = VNI,
          .guarded = true, .n_guards = 1, .guards = &w->guards[0] },
        { .port = w->vm2, .role = OVL_ROLE_ACCESS, .vni = VNI,
          .guarded = true, .n_guards = 1, .guards = &w->guards[1] },
        { .port = w->vm3, .role = OVL_ROLE_ACCESS, .vni = VNI },
        { .port = w->trunk1, .role = OVL_ROLE_GATEWAY, .n_vlans = 2,
          .vlans = vlans },
        { .port = w->other, .role = OVL_ROLE_ACCESS, .vni = VNI_OTHER },
        { .port = w->eth1, .role = OVL_ROLE_UPLINK },
        { .port = w->local, .role = OVL_ROLE_LOCAL },
    };

    for (size_t i = 0; i < ARRAY_SIZE(bindings); i++) {
        ovl_binding_set(w->fwd, &bindings[i]);
    }
}

void
world_apply(struct world *w)
{
    ovl_forwarding_begin(w->fwd);
    ovl_config_set(w->fwd, &w->config);
    ovl_network_set(w->fwd, &w->net);
    ovl_network_set(w->fwd, &w->net_other);
    set_bindings(w);
    ovl_forwarding_commit(w->fwd);
}

void
world_set_neighbor(struct world *w, const char *ip, const char *mac,
                   bool router, bool shared)
{
    ovl_forwarding_begin(w->fwd);
    ovl_neighbor_set(w->fwd, &(struct ovl_neighbor) {
        .vni = VNI, .ip = world_ip(ip), .mac = mac_from(mac),
        .router = router, .shared = shared,
    });
    ovl_forwarding_commit(w->fwd);
}

void
world_remove_neighbor(struct world *w, const char *ip_s)
{
    struct in6_addr ip = world_ip(ip_s);

    ovl_forwarding_begin(w->fwd);
    ovl_neighbor_remove(w->fwd, VNI, &ip);
    ovl_forwarding_commit(w->fwd);
}

void
world_set_mac(struct world *w, uint32_t vni, const char *mac,
              struct ovl_lport *port, uint16_t vlan, struct ovl_vtep *vtep)
{
    ovl_forwarding_begin(w->fwd);
    ovl_mac_set(w->fwd, &(struct ovl_mac) {
        .vni = vni, .mac = mac_from(mac), .port = port, .vlan = vlan,
        .vtep = vtep,
    });
    ovl_forwarding_commit(w->fwd);
}

static void
describe_networks(struct world *w)
{
    w->gateways[0] = (struct ovl_gateway) { world_ip("10.1.0.1"), 96 + 24 };
    w->gateways[1] = (struct ovl_gateway) { world_ip("2001:db8::1"), 64 };
    w->gateways[2] = (struct ovl_gateway) {
        world_ip("fe80::5eff:fe00:101"), 64
    };
    w->members[0] = (struct ovl_member) { .port = w->vm1 };
    w->members[1] = (struct ovl_member) { .port = w->vm2 };
    w->members[2] = (struct ovl_member) { .port = w->vm3 };
    w->members[3] = (struct ovl_member) { .port = w->trunk1, .vlan = 10 };
    w->members_other[0] = (struct ovl_member) { .port = w->other };
    w->members_other[1] = (struct ovl_member) { .port = w->trunk1 };
    w->flood[0] = w->vtep;
    w->flood[1] = w->vtep2;
    w->flood[2] = w->vtep_unresolved;

    w->net = (struct ovl_network) {
        .vni = VNI, .source_group = 1, .neigh_suppress = true,
        .router_mac = mac_from(MAC_ROUTER),
        .n_gateways = 3, .gateways = w->gateways,
        .n_members = 4, .members = w->members,
        .n_flood = 2, .flood = w->flood,
    };
    w->net_other = (struct ovl_network) {
        .vni = VNI_OTHER, .source_group = 2, .neigh_suppress = true,
        .router_mac = mac_from(MAC_LOCAL),
        .n_members = 2, .members = w->members_other,
    };

    w->prefixes[0] = (struct ovl_prefix) { world_ip("10.1.0.11"), 128 };
    w->prefixes[1] = (struct ovl_prefix) { world_ip("10.1.0.64"), 96 + 28 };
    w->prefixes[2] = (struct ovl_prefix) { world_ip("2001:db8::11"), 128 };
    w->guards[0] = (struct ovl_guard) {
        .mac = mac_from(MAC_VM1), .has_v6 = true,
        .n_prefixes = 3, .prefixes = w->prefixes,
    };
    w->guards[1] = (struct ovl_guard) {
        .mac = mac_from(MAC_VM2), .any_ip = true,
    };
}

static void
fill_tables(struct world *w)
{
    struct in6_addr sources[] = {
        world_ip(IP_VTEP), world_ip(IP_VTEP2), world_ip("2001:db8:ffff::2")
    };

    world_set_mac(w, VNI, MAC_VM1, w->vm1, 0, NULL);
    world_set_mac(w, VNI, MAC_VM2, w->vm2, 0, NULL);
    world_set_mac(w, VNI, MAC_VM3, w->vm3, 0, NULL);
    world_set_mac(w, VNI, MAC_REMOTE, NULL, 0, w->vtep);
    world_set_mac(w, VNI, MAC_UNRESOLVED, NULL, 0, w->vtep_unresolved);
    world_set_mac(w, VNI_OTHER, MAC_VM1, w->other, 0, NULL);

    world_set_neighbor(w, "10.1.0.11", MAC_VM1, false, false);
    world_set_neighbor(w, "10.1.0.12", MAC_VM2, false, false);
    world_set_neighbor(w, "10.1.0.99", MAC_REMOTE, false, false);
    world_set_neighbor(w, "10.1.0.50", MAC_VM2, false, true);
    world_set_neighbor(w, "2001:db8::11", MAC_VM1, false, false);
    world_set_neighbor(w, "2001:db8::12", MAC_VM2, false, false);
    world_set_neighbor(w, "2001:db8::99", MAC_REMOTE, true, false);

    ovl_forwarding_begin(w->fwd);
    for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
        ovl_source_add(w->fwd, 1, &sources[i]);
    }
    ovl_forwarding_commit(w->fwd);
}

struct world *
world_create(void)
{
    struct world *w = xzalloc(sizeof *w);

    w->fwd = ovl_forwarding_create();
    w->worker.fwd = w->fwd;
    w->worker.shard = ovl_shard_create();
    w->worker.memo = ovl_memo_create(OVS_NUMA_UNSPEC);
    w->worker.send = catch_output;
    w->worker.heard = catch_heard;
    w->pause = 1000;            /* Nothing that is limited in time is. */

    w->vm1 = world_port_create("vm1", "fe:54:00:00:00:01");
    w->vm2 = world_port_create("vm2", "fe:54:00:00:00:02");
    w->vm3 = world_port_create("vm3", "fe:54:00:00:00:03");
    w->trunk1 = world_port_create("trunk1", "fe:54:00:00:00:04");
    w->other = world_port_create("other", "fe:54:00:00:00:05");
    w->loose = world_port_create("loose", "fe:54:00:00:00:06");
    w->eth1 = world_port_create("eth1", MAC_UPLINK);
    w->local = world_port_create("br-ov", MAC_LOCAL);

    w->config = (struct ovl_config) {
        .vtep4 = world_ip(IP_OWN), .vtep6 = world_ip("2001:db8:ffff::1"),
        .vxlan_port = 4789, .ttl = 64, .local = w->local, .uplink = w->eth1,
    };
    w->vtep = vtep_create(w, IP_VTEP);
    w->vtep2 = vtep_create(w, IP_VTEP2);
    w->vtep_unresolved = vtep_create(w, IP_VTEP_UNRESOLVED);
    world_resolve(w, w->vtep, 1500);
    world_resolve(w, w->vtep2, 1500);
    ovl_vtep_set_adjacency(w->vtep_unresolved, NULL,
                           OVL_DROP_VTEP_UNRESOLVED);

    for (size_t i = 0; i < ARRAY_SIZE(w->guarded); i++) {
        w->guarded[i] = guarded_create();
    }

    describe_networks(w);
    world_apply(w);
    fill_tables(w);
    return w;
}

void
world_destroy(struct world *w)
{
    struct ovl_lport *ports[] = {
        w->vm1, w->vm2, w->vm3, w->trunk1, w->other, w->loose, w->eth1,
        w->local
    };

    ovl_vtep_unref(w->fwd, w->vtep);
    ovl_vtep_unref(w->fwd, w->vtep2);
    ovl_vtep_unref(w->fwd, w->vtep_unresolved);
    ovl_forwarding_destroy(w->fwd);
    for (size_t i = 0; i < ARRAY_SIZE(ports); i++) {
        ovl_lport_unref(ports[i]);
    }
    ovl_shard_destroy(w->worker.shard);
    ovl_memo_destroy(w->worker.memo);
    for (size_t i = 0; i < ARRAY_SIZE(w->guarded); i++) {
        guarded_destroy(w->guarded[i]);
    }
    free(w);
    for (int i = 0; i < 4; i++) {
        ovsrcu_quiesce();
    }
}

void
world_run(struct ovl_worker *worker, struct ovl_lport *port,
          struct dp_packet_batch *batch)
{
    struct dp_packet *packet;
    size_t bytes = 0;

    DP_PACKET_BATCH_FOR_EACH (i, packet, batch) {
        bytes += dp_packet_size(packet);
    }
    ovl_account_received(worker->shard, port, dp_packet_batch_size(batch),
                         bytes);
    ovl_pipeline_run(worker, port, batch);
}

static void
run(struct world *w, struct ovl_lport *port, struct dp_packet_batch *batch)
{
    w->worker.now += w->pause;
    w->n_in = dp_packet_batch_size(batch);
    w->n_out = 0;
    w->n_heard = 0;
    for (int i = 0; i < OVL_N_TOTALS; i++) {
        w->before[i] = ovl_counter_read(i);
    }
    world_run(&w->worker, port, batch);
    ovs_assert(dp_packet_batch_is_empty(batch));
}

void
world_receive_bytes(struct world *w, struct ovl_lport *port, const void *data,
                    size_t len)
{
    struct dp_packet_batch batch;

    dp_packet_batch_init_packet(&batch, guarded_packet(w->guarded[0], data,
                                                       len, w->tailroom));
    run(w, port, &batch);
}

void
world_receive(struct world *w, struct ovl_lport *port, const struct frame *f)
{
    world_receive_bytes(w, port, f->data, f->len);
}

void
world_receive_marked(struct world *w, struct ovl_lport *port,
                     const struct frame *f, uint64_t marks, uint16_t mss)
{
    struct dp_packet *packet = guarded_packet(w->guarded[0], f->data, f->len,
                                              w->tailroom);
    struct dp_packet_batch batch;

    *dp_packet_ol_flags_ptr(packet) |= marks;
#ifdef DPDK_NETDEV
    packet->mbuf.tso_segsz = mss;
#endif
    dp_packet_batch_init_packet(&batch, packet);
    run(w, port, &batch);
}

void
world_receive_burst(struct world *w, struct ovl_lport *port,
                    const struct frame *frames, size_t n)
{
    struct dp_packet_batch batch;

    dp_packet_batch_init(&batch);
    for (size_t i = 0; i < n; i++) {
        dp_packet_batch_add(&batch, guarded_packet(w->guarded[i],
                                                   frames[i].data,
                                                   frames[i].len,
                                                   w->tailroom));
    }
    run(w, port, &batch);
}

uint64_t
world_delta(const struct world *w, enum ovl_total total)
{
    return ovl_counter_read(total) - w->before[total];
}

bool
world_is_balanced(void)
{
    return (ovl_counter_read(OVL_TOTAL_RECEIVED)
            + ovl_counter_read(OVL_TOTAL_REPLICATED)
            + ovl_counter_read(OVL_TOTAL_GENERATED)
            == ovl_counter_read(OVL_TOTAL_SENT)
               + ovl_counter_read(OVL_TOTAL_CONSUMED)
               + ovl_counter_read(OVL_TOTAL_DROPPED));
}

/* Returns what is wrong with 'f', sent to the underlay for a VM. */
static const char *
check_encapsulated(const struct frame *f)
{
    struct frame inner = { .len = 0 };
    struct frame expected;

    if (f->len < INNER_OFS + ETH_HEADER_LEN) {
        return "not encapsulated";
    } else if (f->len > 1500 + ETH_HEADER_LEN) {
        return "larger than the underlay's MTU";
    }
    frame_put(&inner, f->data + INNER_OFS, f->len - INNER_OFS);

    uint8_t vtep[4];
    char vtep_s[INET_ADDRSTRLEN];
    memcpy(vtep, f->data + IP4_DST, sizeof vtep);
    snprintf(vtep_s, sizeof vtep_s, "%d.%d.%d.%d", vtep[0], vtep[1], vtep[2],
             vtep[3]);
    if (strcmp(vtep_s, IP_VTEP) && strcmp(vtep_s, IP_VTEP2)) {
        return "not to a VTEP";
    }
    expected = frame_vxlan4(MAC_NEXTHOP, MAC_LOCAL, IP_OWN, vtep_s,
                            f->data[IP4_TOS] & 3, frame_get16(f, UDP_SPORT),
                            VNI, &inner);
    return (expected.len == f->len
            && !memcmp(expected.data, f->data, f->len)
            ? NULL : "not VXLAN as we speak it");
}

/* Returns what is wrong with 'out' as one of the things that a frame on 'in',
 * or out of a tunnel if that is NULL, became of.  'answered' says that it is
 * an answer. */
static const char *
check_output(const struct world *w, const struct ovl_lport *in,
             const struct world_output *out, bool answered)
{
    bool to_other = out->port == w->other;
    bool to_net = (out->port == w->vm1 || out->port == w->vm2
                   || out->port == w->vm3);
    bool trunk_other = false;

    if (out->port == w->trunk1) {
        bool tagged = (out->frame.len >= 18
                       && frame_get16(&out->frame, 12) == 0x8100
                       && frame_get16(&out->frame, 14) == 10);

        to_net = tagged;
        to_other = trunk_other = !tagged;
    }
    if (out->port == w->local || out->port == w->loose) {
        return "to a port of no network";
    } else if (out->port == w->eth1) {
        return (!in && !answered ? "from a tunnel into a tunnel"
                : in == w->other ? "out of a network without VTEPs"
                : check_encapsulated(&out->frame));
    } else if (in == w->trunk1) {
        return to_net || to_other ? NULL : "to nowhere";
    } else if (in == w->other) {
        return to_other ? NULL : "into another network";
    }
    return to_net && !trunk_other ? NULL : "into another network";
}

/* What was sent may have had a header pushed, and a solicitation without an
 * option may have become an advertisement, which has one. */
const char *
world_memory_violation(const struct world *w)
{
    const char *error = NULL;
    size_t n_pushed = 0;
    size_t n_appended = (world_delta(w, OVL_TOTAL_GENERATED)
                         ? ND_LLA_OPT_LEN : 0);

    for (size_t i = 0; i < w->n_out; i++) {
        n_pushed = MAX(n_pushed, w->out[i].port == w->eth1
                                 ? OVL_ADJ_MAX_HEADER
                                 : frame_get16(&w->out[i].frame, 12) == 0x8100
                                 ? VLAN_HEADER_LEN : 0);
    }
    for (size_t i = 0; i < w->n_in && !error; i++) {
        error = guarded_violation(w->guarded[i], n_pushed, n_appended);
    }
    return error;
}

const char *
world_violation(const struct world *w, const struct ovl_lport *in)
{
    bool answered = world_delta(w, OVL_TOTAL_GENERATED) > 0;

    if (!world_is_balanced()) {
        return "packets are unaccounted for";
    } else if (world_delta(w, OVL_TOTAL_RECEIVED) != 1
               || world_delta(w, OVL_TOTAL_SENT) != w->n_out
               || world_delta(w, OVL_TOTAL_CONSUMED) > 1
               || world_delta(w, OVL_TOTAL_GENERATED) > 1) {
        return "counters are wrong";
    }

    for (size_t i = 0; i < w->n_out; i++) {
        const struct world_output *out = &w->out[i];
        const char *error;

        if (out->port == in && !answered) {
            return "back to where it came from";
        } else if (in == w->local) {
            error = out->port == w->eth1 ? NULL : "from the host to a VM";
        } else if (in == w->eth1 && out->port == w->local) {
            error = NULL;
        } else {
            error = check_output(w, in == w->eth1 ? NULL : in, out, answered);
        }
        if (error) {
            return error;
        }
    }
    return world_memory_violation(w);
}

static const struct ovl_binding *
binding_of(const struct world *w, const struct ovl_lport *port)
{
    return ovl_binding_lookup(w->fwd, ovl_forwarding_version(w->fwd),
                              port->id);
}

uint32_t
world_drops_of(const struct world *w, const struct ovl_lport *port)
{
    const struct ovl_binding *b = binding_of(w, port);

    return b && b->role == OVL_ROLE_ACCESS ? b->drops : port->drops;
}

uint32_t
world_vlan_drops_of(const struct world *w, const struct ovl_lport *port,
                    uint16_t vlan)
{
    return ovl_binding_find_vlan(binding_of(w, port), vlan)->drops;
}

const struct ovl_network *
world_network(const struct world *w, uint32_t vni)
{
    return ovl_network_lookup(w->fwd, ovl_forwarding_version(w->fwd), vni);
}

uint32_t
world_tunnel_drops_of(const struct world *w, uint32_t vni)
{
    return world_network(w, vni)->tunnel_drops;
}
