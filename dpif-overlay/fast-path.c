/* SPDX-License-Identifier: Apache-2.0 */

/* Decides.  Prefix: ovl_fast_. */

#include <config.h>

#include "fast-path-private.h"

#include "bridging.h"
#include "ecn.h"
#include "offload.h"
#include "pkt-edit.h"
#include "vxlan.h"

/* Looking up MACs. */

/* Packets to MACs that have to be looked up.  Those of a flow often come in a
 * row: a MAC that was that of the packet before is looked up once. */
struct wanted {
    size_t n;
    uint8_t indexes[NETDEV_MAX_BURST];  /* Of packets in the burst. */

    size_t n_macs;
    uint32_t vnis[NETDEV_MAX_BURST];
    uint64_t macs[NETDEV_MAX_BURST];

    struct ovl_fast_routed routed;      /* Those that the router gets, */
    struct ovl_fast_asked asked;        /* and those that ask. */
};

static void
wanted_init(struct wanted *w)
{
    w->n = w->n_macs = 0;
    w->routed.n = w->asked.n = 0;
}

static inline void
want(struct ovl_fast *fast, struct wanted *w, size_t index, uint32_t vni,
     uint64_t mac)
{
    size_t n = w->n_macs;

    if (!n || w->macs[n - 1] != mac || w->vnis[n - 1] != vni) {
        w->vnis[n] = vni;
        w->macs[n] = mac;
        w->n_macs = ++n;
    }
    fast->items[index].way = n - 1;
    w->indexes[w->n++] = index;
}

/* Works out where 'found', from the MAC table, leads. */
static inline void
choose_way(struct ovl_fast *fast, const struct ovl_way *found,
           const struct ovl_adjacency *adj, struct ovl_fast_way *way)
{
    way->port = NULL;
    way->adj = NULL;
    way->kind = OVL_FAST_BRIDGED;
    way->max_len = UINT16_MAX;
    if (OVS_UNLIKELY(!found)) {
        if (!fast->tunnel && !fast->net->flood_unknown) {
            ovl_fast_drop(fast, way, OVL_DROP_UNKNOWN_UNICAST);
        }
        return;
    } else if (found->vtep) {
        if (fast->tunnel || !adj) {
            return;
        }
        way->adj = adj;
        way->port = adj->port;
        way->max_len = ETH_HEADER_LEN + ovl_bridge_mtu(fast->net, adj);
    } else if (!found->vlan && found->port != fast->in) {
        way->port = found->port;
    }
    if (way->port && !ovl_lport_is_alive(way->port)) {
        way->port = NULL;
    }
}

/* Takes those of 'w' that lead somewhere. */
static void
choose_ways(struct ovl_fast *fast, const struct wanted *w)
{
    const struct ovl_adjacency *adjs[NETDEV_MAX_BURST];
    const struct ovl_way *found[NETDEV_MAX_BURST];
    uint32_t taken = 0;

    if (w->n_macs) {
        ovl_mac_lookup_bulk(fast->worker->fwd, fast->worker->version, w->vnis,
                            w->macs, w->n_macs, found);
    }
    ovl_fast_get_adjacencies(fast->worker, found, w->n_macs, adjs);
    for (size_t i = 0; i < w->n_macs; i++) {
        choose_way(fast, found[i], adjs[i], &fast->ways[i]);
    }
    for (size_t i = 0; i < w->n; i++) {
        const struct ovl_fast_item *item = &fast->items[w->indexes[i]];
        const struct ovl_fast_way *way = &fast->ways[item->way];
        uint32_t good = way->port && item->out_len <= way->max_len;

        taken |= good << w->indexes[i];
    }
    fast->taken = taken;
}

/* From a VM. */

static inline bool
is_speaker(const struct ovl_known_port *s, const struct ovl_fast_pkt *pkt)
{
    uint32_t ip4;
    uint64_t ip6[2];

    if (OVS_LIKELY(!pkt->ipv6)) {
        memcpy(&ip4, pkt->ip_src, sizeof ip4);
        return pkt->src == s->mac4 && ip4 == s->ip4;
    }
    memcpy(ip6, pkt->ip_src, sizeof ip6);
    return pkt->src == s->mac6 && ip6[0] == s->ip6[0] && ip6[1] == s->ip6[1];
}

/* The rules of guard.c, as far as they say yes. */
bool
ovl_fast_may_speak(const struct ovl_binding *binding,
                   const struct ovl_network *net,
                   const struct ovl_fast_pkt *pkt, struct eth_addr src)
{
    struct in6_addr ip;

    if (ovl_fast_is_multicast(pkt->src) || !pkt->src
        || pkt->src == ovl_fast_router_of(net)) {
        return false;
    }
    if (pkt->ipv6) {
        memcpy(&ip, pkt->ip_src, sizeof ip);
        if (!ipv6_addr_is_set(&ip) || ovl_ip_is_v4(&ip)) {
            return false;
        }
    } else {
        ip = in6_addr_mapped_ipv4(ovl_fast_be32(pkt->ip_src));
    }
    if (ovl_network_is_gateway(net, &ip)) {
        return false;
    }
    if (binding->guarded) {
        const struct ovl_guard *guard = ovl_binding_find_guard(binding, src);

        return guard && ovl_guard_allows(guard, &ip);
    }
    return true;
}

static void
remember(struct ovl_known_port *s, const struct ovl_fast_pkt *pkt)
{
    if (pkt->ipv6) {
        s->mac6 = pkt->src;
        s->routed6 = ovl_fast_is_routed6(pkt->ip_src);
        memcpy(s->ip6, pkt->ip_src, sizeof s->ip6);
    } else {
        ovs_be32 ip4 = ovl_fast_be32(pkt->ip_src);

        s->mac4 = pkt->src;
        s->ip4 = (OVS_FORCE uint32_t) ip4;
        s->routed4 = ovl_fast_is_routed4(s->net, ip4);
    }
}

/* Returns whether 'pkt', at 'data', is from somebody who may speak. */
static inline ALWAYS_INLINE bool
speaks(struct ovl_known_port *known, const struct ovl_fast_pkt *pkt,
       const uint8_t *data)
{
    if (OVS_LIKELY(is_speaker(known, pkt))) {
        return true;
    } else if (!ovl_fast_may_speak(known->binding, known->net, pkt,
                                   WIRE(data, struct eth_header, eth_src))) {
        return false;
    }
    remember(known, pkt);
    return true;
}

/* Wants an answer to the request of 'item->len' bytes at 'data'.  Returns
 * false if it is none, or not one for the fast path. */
static __attribute__((__noinline__)) bool
ask(struct ovl_fast *fast, struct wanted *w, struct ovl_known_port *known,
    const uint8_t *data, struct ovl_fast_item *item)
{
    struct ovl_fast_pkt pkt;

    return (ovl_fast_parse_arp(data, item->len, &pkt)
            && speaks(known, &pkt, data)
            && ovl_fast_want_answer(fast, &w->asked, known, &pkt, item));
}

static void
decide_access(struct ovl_fast *fast, struct ovl_known_port *known,
              struct dp_packet *const packets[], size_t n)
{
    const struct ovl_config *config = fast->worker->config;
    uint8_t no_tos = ovl_vxlan_inner_to_tos(config, 0);
    uint8_t tos_mask = ovl_vxlan_inner_to_tos(config, 0xff) ^ no_tos;
    const struct ovl_network *net = known->net;
    struct wanted w;

    if (!net) {
        return;
    }

    uint64_t router = ovl_fast_router_of(net);
    struct ovl_fast_from from = {
        .net = net, .fib = known->vrf ? known->vrf->fib : NULL,
    };
    fast->net = net;
    fast->drops = known->binding->drops;
    wanted_init(&w);
    for (size_t i = 0; i < n; i++) {
        const uint8_t *data = ovl_pkt_data(packets[i]);
        struct ovl_fast_item *item = &fast->items[i];
        uint32_t len = dp_packet_size(packets[i]);
        struct ovl_fast_pkt pkt;

        if (ovl_offload_is_asked(packets[i]) || len > UINT16_MAX) {
            continue;
        }
        item->len = item->out_len = len;
        if (!ovl_fast_parse(data, len, &pkt)) {
            if (ask(fast, &w, known, data, item)) {
                w.indexes[w.n++] = i;
            }
            continue;
        }
        if (ovl_fast_is_multicast(pkt.dst) || pkt.dst == pkt.src
            || !speaks(known, &pkt, data)) {
            continue;
        }
        item->sport = ovl_vxlan_hash_to_port(ovl_fast_hash_flow(&pkt));
        item->tos = (pkt.tos & tos_mask) | no_tos;
        if (OVS_LIKELY(pkt.dst != router)) {
            want(fast, &w, i, net->vni, pkt.dst);
        } else {
            from.routed = pkt.ipv6 ? known->routed6 : known->routed4;
            if (ovl_fast_want_route(fast, &w.routed, &from, data, &pkt,
                                    item)) {
                w.indexes[w.n++] = i;
            }
        }
    }
    if (w.routed.n) {
        ovl_fast_find_routes(fast, &w.routed);
    }
    if (w.asked.n) {
        ovl_fast_find_answers(fast, &w.asked);
    }
    choose_ways(fast, &w);
}

/* Out of tunnels. */

/* Frames out of tunnels, number 'indexes[i]' of the burst. */
struct tunneled {
    size_t n;
    uint8_t indexes[NETDEV_MAX_BURST];
    uint32_t vnis[NETDEV_MAX_BURST];
    ovs_be32 srcs[NETDEV_MAX_BURST];    /* Outer source addresses. */
    uint64_t dsts[NETDEV_MAX_BURST];    /* Inner MACs. */

    const struct ovl_network *nets[NETDEV_MAX_BURST];
    bool allowed[NETDEV_MAX_BURST];
    struct ovl_vtep *from[NETDEV_MAX_BURST];
};

/* What is ours, as from-underlay.c has it. */
struct ours {
    uint64_t macs[2];
    ovs_be32 ip;
    ovs_be16 port;
};

static bool
ours_init(struct ours *ours, const struct ovl_config *config)
{
    if (!config->local || !ipv6_addr_is_set(&config->vtep4)) {
        return false;
    }
    ours->macs[0] = ovl_mac_bits(ovl_lport_mac(config->local));
    ours->macs[1] = (config->uplink
                     ? ovl_mac_bits(ovl_lport_mac(config->uplink)) : OVL_FAST_NO_MAC);
    ours->ip = in6_addr_get_mapped_ipv4(&config->vtep4);
    ours->port = htons(config->vxlan_port);
    return true;
}

/* True if 'o' is sound VXLAN for us. */
static inline bool
is_for_us(const struct ours *ours, const struct ovl_fast_outer *o)
{
    return ((o->dst == ours->macs[0] || o->dst == ours->macs[1])
            && o->ip_dst == ours->ip && o->dport == ours->port
            && (o->flags & (OVL_VXLAN_FLAG_I | OVL_VXLAN_FLAG_P))
               == OVL_VXLAN_FLAG_I
            && o->ip_src != ours->ip
            && !ovl_ip4_is_martian(ntohl(o->ip_src)));
}

/* RFC 6040 section 4.2: true if what is inside stays as it is, and nothing is
 * odd about it. */
static inline bool
is_ecn_usual(uint8_t inner, uint8_t outer)
{
    return (ovl_ecn_of_tos(outer) == OVL_ECN_NOT_ECT
            || ovl_ecn_of_tos(outer) == ovl_ecn_of_tos(inner));
}

/* Looks up the networks of 't', nearly always one. */
static void
find_networks(const struct ovl_worker *worker, struct tunneled *t)
{
    uint32_t differ = 0;

    for (size_t i = 1; i < t->n; i++) {
        differ |= t->vnis[i] ^ t->vnis[0];
    }
    if (differ) {
        ovl_network_lookup_bulk(worker->fwd, worker->version, t->vnis, t->n,
                                t->nets);
        return;
    }
    t->nets[0] = ovl_network_lookup(worker->fwd, worker->version, t->vnis[0]);
    for (size_t i = 1; i < t->n; i++) {
        t->nets[i] = t->nets[0];
    }
}

/* Looks up the senders of those of 't' that have a network, and forgets the
 * others. */
static void
find_senders(const struct ovl_worker *worker, struct tunneled *t)
{
    struct in6_addr srcs[NETDEV_MAX_BURST];
    const struct in6_addr *ips[NETDEV_MAX_BURST];
    uint32_t groups[NETDEV_MAX_BURST];
    uint8_t numbers[NETDEV_MAX_BURST];
    bool allowed[NETDEV_MAX_BURST];
    struct ovl_vtep *from[NETDEV_MAX_BURST];
    size_t n = 0, n_ips = 0;

    for (size_t i = 0; i < t->n; i++) {
        if (!t->nets[i] || t->dsts[i] == ovl_fast_router_of(t->nets[i])) {
            continue;
        }
        t->indexes[n] = t->indexes[i];
        t->vnis[n] = t->vnis[i];
        t->srcs[n] = t->srcs[i];
        t->dsts[n] = t->dsts[i];
        t->nets[n] = t->nets[i];
        if (!n || t->srcs[n] != t->srcs[n - 1]
            || t->nets[n]->source_group != t->nets[n - 1]->source_group) {
            groups[n_ips] = t->nets[n]->source_group;
            srcs[n_ips] = ovl_fast_map_ip4(t->srcs[n]);
            ips[n_ips] = &srcs[n_ips];
            n_ips++;
        }
        numbers[n++] = n_ips - 1;
    }
    t->n = n;
    if (n_ips) {
        ovl_source_lookup_bulk(worker->fwd, worker->version, groups, ips,
                               n_ips, allowed, from);
    }
    for (size_t i = 0; i < n; i++) {
        t->allowed[i] = allowed[numbers[i]];
        t->from[i] = from[numbers[i]];
    }
}

static void
decide_tunnel(struct ovl_fast *fast, struct dp_packet *const packets[],
              size_t n)
{
    const struct ovl_worker *worker = fast->worker;
    struct tunneled t;
    struct ours ours;
    struct wanted w;

    if (!ours_init(&ours, worker->config)) {
        return;
    }
    t.n = 0;
    for (size_t i = 0; i < n; i++) {
        const uint8_t *data = ovl_pkt_data(packets[i]);
        struct ovl_fast_outer outer;
        struct ovl_fast_pkt pkt;

        if (ovl_offload_is_asked(packets[i])
            || !ovl_fast_parse_outer(data, dp_packet_size(packets[i]), &outer)
            || !is_for_us(&ours, &outer)
            || !ovl_fast_parse(data + OVL_FAST_INNER_OFS, outer.inner_len,
                               &pkt)
            || ovl_fast_is_multicast(pkt.dst) || pkt.dst == pkt.src
            || ovl_fast_is_multicast(pkt.src) || !pkt.src
            || !is_ecn_usual(pkt.tos, outer.tos)) {
            continue;
        }
        fast->items[i].len = fast->items[i].out_len = outer.inner_len;
        t.indexes[t.n] = i;
        t.vnis[t.n] = outer.vni;
        t.srcs[t.n] = outer.ip_src;
        t.dsts[t.n++] = pkt.dst;
    }
    if (!t.n) {
        return;
    }
    find_networks(worker, &t);
    find_senders(worker, &t);

    wanted_init(&w);
    for (size_t i = 0; i < t.n; i++) {
        struct ovl_fast_item *item = &fast->items[t.indexes[i]];

        if (t.allowed[i] && t.from[i]) {
            item->net = t.nets[i];
            item->from = t.from[i]->traffic;
            want(fast, &w, t.indexes[i], t.vnis[i], t.dsts[i]);
        }
    }
    choose_ways(fast, &w);
}

struct ovl_known_port *
ovl_fast_know(struct ovl_worker *worker, const struct ovl_lport *in)
{
    struct ovl_known_port *known = &worker->known[in->id % OVL_N_KNOWN_PORTS];

    if (OVS_LIKELY(known->id == in->id
                   && known->version == worker->version)) {
        return known;
    }

    const struct ovl_binding *binding
        = ovl_binding_lookup(worker->fwd, worker->version, in->id);
    const struct ovl_network *net
        = (binding && binding->role == OVL_ROLE_ACCESS
           ? ovl_network_lookup(worker->fwd, worker->version, binding->vni)
           : NULL);
    *known = (struct ovl_known_port) {
        .id = in->id,
        .version = worker->version,
        .binding = binding,
        .net = net,
        .vrf = (net && net->has_vrf
                ? ovl_vrf_lookup(worker->fwd, worker->version,
                                 net->source_group)
                : NULL),
        .mac4 = OVL_FAST_NO_MAC,
        .mac6 = OVL_FAST_NO_MAC,
    };
    return known;
}

void
ovl_fast_decide(struct ovl_fast *fast, struct ovl_worker *worker,
                struct ovl_lport *in, struct ovl_known_port *known,
                struct dp_packet *const packets[], size_t n)
{
    fast->worker = worker;
    fast->in = in;
    fast->taken = 0;
    fast->tunnel = fast->vlans = false;
    fast->n_other = 0;
    fast->plain = true;
    if (!known->binding || worker->trace) {
        return;
    }
    switch (known->binding->role) {
    case OVL_ROLE_ACCESS:
        decide_access(fast, known, packets, n);
        break;
    case OVL_ROLE_UPLINK:
        fast->tunnel = true;
        decide_tunnel(fast, packets, n);
        break;
    case OVL_ROLE_GATEWAY:
        if (worker->memo) {
            fast->vlans = true;
            ovl_fast_decide_vlans(fast, known->binding, packets, n);
        }
        break;
    case OVL_ROLE_UNBOUND:
    case OVL_ROLE_LOCAL:
        break;
    }
}
BUILD_ASSERT_DECL(NETDEV_MAX_BURST <= 32);
BUILD_ASSERT_DECL(NETDEV_MAX_BURST <= OVL_BULK_MAX);
