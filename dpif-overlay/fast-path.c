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

/* MACs that have to be looked up.  Packets of a flow often come in a row: a
 * MAC that was that of the packet before is looked up once. */
struct wanted {
    size_t n;
    uint64_t last;              /* Key of number n - 1. */
};

/* No MAC's: it would be a group's. */
#define NO_KEY UINT64_MAX

static inline void
wanted_init(struct wanted *w)
{
    w->n = 0;
    w->last = NO_KEY;
}

/* Wants the MAC with 'x' of ovl_mac_key_x(), and returns the number of its
 * way. */
static inline ALWAYS_INLINE uint8_t
want(struct wanted *w, struct ovl_mac_keys *keys, uint64_t x)
{
    keys->xs[w->n] = x;
    w->n += x != w->last;
    w->last = x;
    return w->n - 1;
}

/* Works out where 'found', from the MAC table, leads what is shorter than
 * 'limit', which is that of the network. */
static inline ALWAYS_INLINE void
choose_way(struct ovl_fast *fast, bool tunnel, const struct ovl_way *found,
           uint16_t limit, struct ovl_fast_way *way)
{
    way->limit = 0;
    way->kind = OVL_FAST_BRIDGED;
    if (OVS_UNLIKELY(!found)) {
        if (!tunnel && !fast->net->flood_unknown) {
            ovl_fast_drop(fast, way, OVL_DROP_UNKNOWN_UNICAST);
        }
    } else if (found->vtep) {
        const struct ovl_adjacency *adj
            = ovsrcu_get(struct ovl_adjacency *, &found->adj);

        if (!tunnel && adj) {
            ovl_fast_set_tunnel(fast->worker, way, adj, limit);
        }
    } else if (!found->vlan && found->port != fast->in) {
        ovl_fast_set_port(way, found->port, OVL_FAST_ANY_LEN);
    }
}

/* Takes those of the 'n' packets that lead somewhere, 'n_macs' of their ways
 * to 'keys'. */
static inline ALWAYS_INLINE void
choose_ways(struct ovl_fast *fast, bool tunnel,
            const struct ovl_mac_keys *keys, size_t n_macs, size_t n)
{
    uint16_t limit = (tunnel ? OVL_FAST_ANY_LEN
                      : ovl_fast_limit(fast->net->mtu));
    const struct ovl_way *found[NETDEV_MAX_BURST];
    uint32_t taken = 0;

    if (n_macs) {
        ovl_mac_find_bulk(fast->worker->fwd, fast->worker->version, keys,
                          n_macs, found);
    }
    if (!tunnel) {
        ovl_fast_fetch_adjacencies(found, n_macs);
    }
    for (size_t i = 0; i < n_macs; i++) {
        choose_way(fast, tunnel, found[i], limit, &fast->ways[i]);
    }
    fast->ways[OVL_FAST_NOWHERE].limit = 0;
    for (size_t i = 0; i < n; i++) {
        const struct ovl_fast_item *item = &fast->items[i];

        taken |= (uint32_t) (item->out_len < fast->ways[item->way].limit) << i;
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
static bool
speaks(struct ovl_known_port *known, const struct ovl_fast_pkt *pkt,
       const uint8_t *data)
{
    if (is_speaker(known, pkt)) {
        return true;
    } else if (!ovl_fast_may_speak(known->binding, known->net, pkt,
                                   WIRE(data, struct eth_header, eth_src))) {
        return false;
    }
    remember(known, pkt);
    return true;
}

/* The same for the packet of 'len' bytes at 'data', which ovl_fast_parse() has
 * taken.  Parses it again, so that the caller can have it in registers. */
static __attribute__((__noinline__)) bool
speaks_otherwise(struct ovl_known_port *known, const uint8_t *data,
                 size_t len)
{
    struct ovl_fast_pkt pkt;

    return ovl_fast_parse(data, len, &pkt) && speaks(known, &pkt, data);
}

/* Wants an answer to the 'len' bytes at 'data' if they are a request, and one
 * for the fast path. */
static __attribute__((__noinline__)) void
ask(struct ovl_fast *fast, struct ovl_fast_asked *asked,
    struct ovl_known_port *known, const uint8_t *data, size_t len,
    struct ovl_fast_item *item)
{
    struct ovl_fast_pkt pkt;

    if (ovl_fast_parse_arp(data, len, &pkt) && speaks(known, &pkt, data)) {
        item->len = len;
        ovl_fast_want_answer(fast, asked, known, &pkt, item);
    }
}

static void
decide_access(struct ovl_fast *fast, struct ovl_known_port *known,
              struct dp_packet *const packets[], size_t n)
{
    const struct ovl_config *config = fast->worker->config;
    uint8_t no_tos = ovl_vxlan_inner_to_tos(config, 0);
    uint8_t tos_mask = ovl_vxlan_inner_to_tos(config, 0xff) ^ no_tos;
    const struct ovl_network *net = known->net;
    struct ovl_fast_routed routed;      /* Those that the router gets, */
    struct ovl_fast_asked asked;        /* and those that ask. */
    struct ovl_mac_keys keys;
    struct wanted w;

    if (!net) {
        return;
    }

    uint64_t router = ovl_fast_router_of(net);
    uint64_t vni_bits = ovl_mac_key_x(net->vni, 0);
    struct ovl_fast_from from = {
        .net = net, .gateway4 = net->gateway4,
        .n_gateways4 = net->n_gateways4,
        .fib = known->vrf ? known->vrf->fib : NULL,
    };
    fast->net = net;
    fast->drops = known->binding->drops;
    wanted_init(&w);
    routed.n = asked.n = 0;
    for (size_t i = 0; i < n; i++) {
        const uint8_t *data = ovl_pkt_data(packets[i]);
        struct ovl_fast_item *item = &fast->items[i];
        uint32_t len = dp_packet_size(packets[i]);
        struct ovl_fast_pkt pkt;

        item->way = OVL_FAST_NOWHERE;
        if (ovl_offload_is_asked(packets[i]) || len < OVL_FAST_MIN4
            || len > UINT16_MAX) {
            continue;
        }
        item->out_len = len;
        if (!ovl_fast_parse(data, len, &pkt)) {
            ask(fast, &asked, known, data, len, item);
            continue;
        }
        if (ovl_fast_is_multicast(pkt.dst) || pkt.dst == pkt.src
            || (OVS_UNLIKELY(!is_speaker(known, &pkt))
                && !speaks_otherwise(known, data, len))) {
            continue;
        }
        /* Most go into a tunnel: that is where its header will be. */
        OVS_PREFETCH_WRITE(data - OVL_VXLAN_LEN4);
        item->len = len;
        item->sport = ovl_vxlan_hash_to_port(ovl_fast_hash_flow(&pkt));
        item->tos = (pkt.tos & tos_mask) | no_tos;
        if (OVS_LIKELY(pkt.dst != router)) {
            item->way = want(&w, &keys, vni_bits | pkt.dst);
        } else {
            from.routed = pkt.ipv6 ? known->routed6 : known->routed4;
            ovl_fast_want_route(fast, &routed, &from, data, pkt.ipv6, item);
        }
    }
    if (routed.n) {
        ovl_fast_find_routes(fast, &routed);
    }
    if (asked.n) {
        ovl_fast_find_answers(fast, &asked);
    }
    for (size_t i = 0; i < ARRAY_SIZE(keys.highs); i++) {
        keys.highs[i] = ovl_mac_key_high(net->vni);
    }
    choose_ways(fast, false, &keys, w.n, n);
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
                     ? ovl_mac_bits(ovl_lport_mac(config->uplink))
                     : OVL_FAST_NO_MAC);
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
    struct ovl_mac_keys keys;
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

        fast->items[i].way = OVL_FAST_NOWHERE;
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
        uint32_t high = ovl_mac_key_high(t.vnis[i]);

        if (t.allowed[i] && t.from[i]) {
            if (w.n && keys.highs[w.n - 1] != high) {
                w.last = NO_KEY;
            }
            item->net = t.nets[i];
            item->from = t.from[i]->traffic;
            item->way = want(&w, &keys, ovl_mac_key_x(t.vnis[i], t.dsts[i]));
            keys.highs[item->way] = high;
        }
    }
    choose_ways(fast, true, &keys, w.n, n);
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
