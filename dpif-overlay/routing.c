/* SPDX-License-Identifier: Apache-2.0 */

/* Routes.  The order of the checks is that of RFC 1812 section 5.2.1: the
 * header, is it for us, may it be forwarded, where to.
 *
 * Prefix: ovl_route. */

#include <config.h>

#include "bridging.h"
#include "flow-hash.h"
#include "pipeline-trace.h"
#include "routing.h"

/* RFC 791 section 3.2: every link takes packets of 68 bytes. */
#define MIN_MTU 68

/* What errors are from: an address of the family that the network that the
 * packet came from has, or else the VRF. */
static bool
find_source(const struct ovl_routing *l, struct in6_addr *src)
{
    const struct ovl_network *net = l->a->net;
    bool v4 = l->pkt->l3 == OVL_L3_IPV4;

    for (size_t i = 0; i < net->n_gateways; i++) {
        const struct in6_addr *ip = &net->gateways[i].ip;

        if (ovl_ip_is_v4(ip) == v4 && (v4 || !IN6_IS_ADDR_LINKLOCAL(ip))) {
            *src = *ip;
            return true;
        }
    }
    *src = (!l->vrf ? in6addr_any : v4 ? l->vrf->gateway4 : l->vrf->gateway6);
    return ipv6_addr_is_set(src);
}

/* Drops the packet for 'reason', and says 'message' to its sender if that may
 * be said. */
static struct ovl_verdict
refuse(const struct ovl_routing *l, enum ovl_drop_reason reason,
       enum ovl_icmp_message message, uint16_t mtu)
{
    struct ovl_verdict verdict = ovl_verdict_drop(reason);
    struct ovl_icmp *icmp = &l->a->details->icmp;

    if (message == OVL_ICMP_NONE) {
        /* There is nothing to say. */
    } else if (!ovl_icmp_may_answer(l->pkt, &l->a->details->router)
               || ovl_network_is_broadcast(l->a->net, &l->pkt->ip.dst)) {
        OVL_TRACE(l->a->worker->trace,
                  "icmp: nothing is said about such a packet");
    } else if (!find_source(l, &icmp->src)) {
        OVL_TRACE(l->a->worker->trace, "icmp: nothing is said, as there is no "
                  "gateway address to say it from");
    } else {
        icmp->message = message;
        icmp->mtu = mtu;
        icmp->eth_src = l->a->net->router_mac;
        verdict.tell = true;
    }
    return verdict;
}

/* RFC 1812 section 5.3.7. */
static enum ovl_drop_reason
check_ipv4_addresses(const struct ovl_pkt *pkt)
{
    uint32_t src = ntohl(in6_addr_get_mapped_ipv4(&pkt->ip.src));
    uint32_t dst = ntohl(in6_addr_get_mapped_ipv4(&pkt->ip.dst));

    if (ovl_ip4_is_martian(src)) {
        return OVL_DROP_MARTIAN_SOURCE;
    } else if (ovl_ip4_is_martian(dst)) {
        return OVL_DROP_MARTIAN_DESTINATION;
    }
    return OVL_NO_DROP;
}

/* RFC 4291 sections 2.5.2, 2.5.3, 2.5.5 and 2.7.  Link-local addresses are
 * looked at when it is known that the packet is not for us. */
static enum ovl_drop_reason
check_ipv6_addresses(const struct ovl_pkt *pkt)
{
    const struct in6_addr *ips[] = { &pkt->ip.src, &pkt->ip.dst };

    for (size_t i = 0; i < ARRAY_SIZE(ips); i++) {
        if (!ipv6_addr_is_set(ips[i]) || IN6_IS_ADDR_LOOPBACK(ips[i])
            || ipv6_addr_is_multicast(ips[i]) || ovl_ip_is_v4(ips[i])) {
            return i ? OVL_DROP_MARTIAN_DESTINATION : OVL_DROP_MARTIAN_SOURCE;
        }
    }
    return OVL_NO_DROP;
}

/* To the gateway itself: it answers to ping, and to nothing else. */
static struct ovl_verdict
for_gateway(const struct ovl_routing *l)
{
    const struct ovl_pkt_router *router = &l->a->details->router;
    const struct ovl_pkt_ip *ip = &l->pkt->ip;
    enum ovl_icmp_message message;
    bool echo = (router->echo
                 && ovl_pkt_icmp_csum_ok(l->a->frame, l->pkt, router));

    OVL_TRACE(l->a->worker->trace, "router: %s is a gateway address%s",
              OVL_IP_TEXT(&ip->dst), echo ? ", echo"
              : router->echo ? ", echo with a wrong checksum" : "");
    if (echo) {
        return (struct ovl_verdict) { .kind = OVL_VERDICT_ECHO };
    }
    /* RFC 8200 section 4.7: behind "no next header" nothing is missed. */
    message = (ip->fragment || !router->has_l4
               || ip->proto == (l->pkt->l3 == OVL_L3_IPV4
                                ? IPPROTO_ICMP : IPPROTO_ICMPV6)
               ? OVL_ICMP_NONE
               : ip->proto == IPPROTO_TCP || ip->proto == IPPROTO_UDP
               ? OVL_ICMP_PORT_UNREACHABLE : OVL_ICMP_PROTO_UNREACHABLE);

    struct ovl_verdict verdict = refuse(l, OVL_DROP_FOR_GATEWAY, message, 0);
    if (l->pkt->l3 == OVL_L3_IPV6) {
        l->a->details->icmp.src = ip->dst;   /* RFC 4443 section 2.2 (a). */
    }
    return verdict;
}

static const struct ovl_network *
find_network(const struct ovl_routing *l, uint32_t vni)
{
    const struct ovl_worker *w = l->a->worker;

    return (vni == l->vni ? l->net
            : ovl_network_lookup(w->fwd, w->version, vni));
}

/* Finds the MAC of the neighbor 'ip' in network 'vni', and where it leads. */
static enum ovl_drop_reason
find_way(const struct ovl_routing *l, uint32_t vni, const struct in6_addr *ip,
         const struct ovl_way **wayp)
{
    const struct ovl_worker *w = l->a->worker;
    struct ovl_missing *missing = &l->a->details->missing;
    bool foreseen = vni == l->vni && ipv6_addr_equals(ip, &l->nexthop);

    const struct ovl_owner *n
        = (foreseen ? l->neighbor
           : ovl_neighbor_lookup(w->fwd, w->version, vni, ip));
    if (!n || n->shared) {
        OVL_TRACE(w->trace, "neighbors: (%"PRIu32", %s) -> %s", vni,
                  OVL_IP_TEXT(ip), n ? "shared by several MACs" : "none");
        *missing = (struct ovl_missing) { .vni = vni, .ip = *ip };
        return OVL_DROP_NO_NEIGHBOR;
    }
    OVL_TRACE(w->trace, "neighbors: (%"PRIu32", %s) -> "ETH_ADDR_FMT, vni,
              OVL_IP_TEXT(ip), ETH_ADDR_ARGS(n->mac));

    const struct ovl_way *way
        = (foreseen ? l->way
           : ovl_mac_lookup(w->fwd, w->version, vni, n->mac));
    OVL_TRACE(w->trace, "macs: (%"PRIu32", "ETH_ADDR_FMT") -> %s%s", vni,
              ETH_ADDR_ARGS(n->mac), !way ? "none" : way->vtep ? "VTEP " : "",
              !way ? "" : way->vtep ? OVL_IP_TEXT(&way->vtep->ip)
              : way->port->name);
    if (!way) {
        *missing = (struct ovl_missing) {
            .vni = vni, .ip = *ip, .mac = n->mac
        };
        return OVL_DROP_NO_MAC;
    }
    l->a->details->eth_dst = n->mac;
    *wayp = way;
    return OVL_NO_DROP;
}

/* Finds the port or VTEP of the neighbor 'ip' in network 'vni', and what it
 * takes to send there. */
static enum ovl_drop_reason
resolve(const struct ovl_routing *l, uint32_t vni, const struct in6_addr *ip)
{
    const struct ovl_worker *w = l->a->worker;
    struct ovl_details *to = l->a->details;
    const struct ovl_way *way;

    to->net = find_network(l, vni);
    if (!to->net) {
        OVL_TRACE(w->trace, "networks: %"PRIu32" -> none", vni);
        to->missing = (struct ovl_missing) { .vni = vni, .ip = *ip };
        return OVL_DROP_ROUTE_NO_NETWORK;
    }

    enum ovl_drop_reason reason = find_way(l, vni, ip, &way);
    if (reason != OVL_NO_DROP) {
        return reason;
    } else if (way->vtep) {
        to->port = NULL;
        return ovl_bridge_get_adjacency(l->a, way->vtep, to->net, &to->adj,
                                        &to->mtu);
    } else if (!ovl_lport_is_alive(way->port)) {
        return OVL_DROP_PORT_GONE;
    }
    to->port = way->port;
    to->vlan = way->vlan;
    to->mtu = ovl_lport_mtu(way->port);
    if (to->net->mtu && (!to->mtu || to->net->mtu < to->mtu)) {
        to->mtu = to->net->mtu;
    }
    return OVL_NO_DROP;
}

/* Rendezvous hashing: what a next hop weighs for a flow depends on the two
 * alone, so one that goes takes only its own flows along.  D. Thaler and
 * C. Ravishankar, "Using name-based mappings to increase hit rates", IEEE/ACM
 * Transactions on Networking 6 (1), 1998; RFC 2992 on what it is for. */
static uint64_t
weight(uint32_t flow, const struct ovl_nexthop *hop)
{
    uint64_t w = ((uint64_t) flow << 32 | hop->hash) * 0x9e3779b97f4a7c15;

    w = (w ^ w >> 32) * 0xd6e8feb86659fd93;
    return w ^ w >> 29;
}

/* What the next hops of 'route' weigh for this flow: never 0. */
static void
weigh(const struct ovl_routing *l, const struct ovl_route *route,
      uint64_t weights[])
{
    uint32_t flow = route->n_nexthops > 1 ? ovl_flow_hash(l->pkt) : 0;

    for (size_t i = 0; i < route->n_nexthops; i++) {
        weights[i] = MAX(1, weight(flow, &route->nexthops[i]));
    }
}

static size_t
heaviest(const uint64_t weights[], size_t n)
{
    size_t best = 0;

    for (size_t i = 1; i < n; i++) {
        best = weights[i] > weights[best] ? i : best;
    }
    return best;
}

/* Resolves the next hop of 'route' that weighs most for this flow and can be
 * resolved.  If none can, says why not the heaviest. */
static enum ovl_drop_reason
choose_nexthop(const struct ovl_routing *l, const struct ovl_route *route)
{
    uint64_t weights[OVL_ROUTE_MAX_NEXTHOPS];
    enum ovl_drop_reason first = OVL_DROP_NO_ROUTE;
    struct ovl_missing missing;

    weigh(l, route, weights);
    for (size_t tried = 0; tried < route->n_nexthops; tried++) {
        size_t best = heaviest(weights, route->n_nexthops);

        weights[best] = 0;      /* It was tried. */

        const struct ovl_nexthop *hop = &route->nexthops[best];
        if (route->n_nexthops > 1) {
            OVL_TRACE(l->a->worker->trace, "next hop: %s in network %"PRIu32
                      ", choice %"PRIuSIZE" of %"PRIu16" by the flow's hash",
                      OVL_IP_TEXT(&hop->ip), hop->vni, tried + 1,
                      route->n_nexthops);
        }
        enum ovl_drop_reason reason = resolve(l, hop->vni, &hop->ip);
        if (reason == OVL_NO_DROP) {
            return reason;
        } else if (!tried) {
            first = reason;
            missing = l->a->details->missing;
        }
    }
    if (route->n_nexthops) {
        l->a->details->missing = missing;
    }
    return first;
}

/* What there is to say if a next hop cannot be resolved.  That an underlay
 * next hop is not resolved is a matter of a moment. */
static enum ovl_icmp_message
message_for(enum ovl_drop_reason reason)
{
    return (reason == OVL_DROP_ROUTE_NO_NETWORK
            || reason == OVL_DROP_NO_NEIGHBOR || reason == OVL_DROP_NO_MAC
            ? OVL_ICMP_HOST_UNREACHABLE : OVL_ICMP_NONE);
}

/* Sends the packet on its way to what was resolved, if it fits. */
static struct ovl_verdict
forward(const struct ovl_routing *l)
{
    struct ovl_details *to = l->a->details;
    uint16_t len = to->router.len - l->pkt->excess;
    bool fits = !to->mtu || len <= to->mtu;

    if (!fits && (to->router.df || to->mtu < MIN_MTU)) {
        OVL_TRACE(l->a->worker->trace, "router: %"PRIu16" bytes do not fit "
                  "MTU %"PRIu16, len, to->mtu);
        return refuse(l, OVL_DROP_TOO_BIG, OVL_ICMP_TOO_BIG, to->mtu);
    }
    to->fragment = !fits;
    OVL_TRACE(l->a->worker->trace, "router: to "ETH_ADDR_FMT" in network "
              "%"PRIu32"%s", ETH_ADDR_ARGS(to->eth_dst), to->net->vni,
              fits ? "" : ", in fragments");
    return (struct ovl_verdict) { .kind = OVL_VERDICT_ROUTE };
}

static void
trace_route(const struct ovl_routing *l, const struct ovl_route *route,
            uint8_t plen)
{
    bool v4 = l->pkt->l3 == OVL_L3_IPV4;

    if (!route) {
        OVL_TRACE(l->a->worker->trace, "fib: (%s, %s) -> no route",
                  l->vrf->name, OVL_IP_TEXT(&l->pkt->ip.dst));
    } else {
        OVL_TRACE(l->a->worker->trace, "fib: (%s, %s) -> /%d %s",
                  l->vrf->name, OVL_IP_TEXT(&l->pkt->ip.dst),
                  plen - (v4 ? 96 : 0),
                  ovl_route_action_to_string(route->action));
    }
}

static struct ovl_verdict
follow(const struct ovl_routing *l, const struct ovl_route *route)
{
    enum ovl_drop_reason reason = OVL_DROP_NO_ROUTE;

    switch (route->action) {
    case OVL_ROUTE_LOCAL:
        return for_gateway(l);
    case OVL_ROUTE_BLACKHOLE:
        return ovl_verdict_drop(OVL_DROP_ROUTE_BLACKHOLE);
    case OVL_ROUTE_UNREACHABLE:
        return refuse(l, OVL_DROP_ROUTE_UNREACHABLE,
                      OVL_ICMP_HOST_UNREACHABLE, 0);
    case OVL_ROUTE_PROHIBIT:
        return refuse(l, OVL_DROP_ROUTE_PROHIBIT, OVL_ICMP_PROHIBITED, 0);
    case OVL_ROUTE_CONNECTED:
        reason = resolve(l, route->vni, &l->pkt->ip.dst);
        break;
    case OVL_ROUTE_FORWARD:
        reason = choose_nexthop(l, route);
        break;
    }
    return (reason == OVL_NO_DROP ? forward(l)
            : refuse(l, reason, message_for(reason), 0));
}

/* The network that 'route' says is connected, NULL if it says something
 * else. */
static const struct ovl_network *
connected_network(const struct ovl_routing *l, const struct ovl_route *route)
{
    return (route && route->action == OVL_ROUTE_CONNECTED
            ? find_network(l, route->vni) : NULL);
}

/* What is wrong with its header or addresses, wherever it is going. */
static enum ovl_drop_reason
check(const struct ovl_routing *l)
{
    enum ovl_drop_reason reason = l->a->details->router.fault;

    if (reason == OVL_NO_DROP) {
        reason = (l->pkt->l3 == OVL_L3_IPV4 ? check_ipv4_addresses(l->pkt)
                  : check_ipv6_addresses(l->pkt));
    }
    if (reason == OVL_NO_DROP
        && ovl_network_is_broadcast(l->a->net, &l->pkt->ip.src)) {
        reason = OVL_DROP_MARTIAN_SOURCE;   /* RFC 1812 section 4.2.2.11. */
    }
    return reason;
}

bool
ovl_route_start(struct ovl_routing *l, const struct ovl_vrf *vrf,
                const struct ovl_arrival *a, const struct ovl_pkt *pkt,
                struct ovl_verdict *verdict)
{
    enum ovl_drop_reason reason;

    l->a = a;
    l->pkt = pkt;
    l->vrf = NULL;
    ovl_pkt_parse_for_router_into(&a->details->router, a->frame, pkt);
    reason = check(l);
    if (reason != OVL_NO_DROP) {
        *verdict = ovl_verdict_drop(reason);
        return false;
    } else if (ovl_network_is_gateway(a->net, &pkt->ip.dst)) {
        *verdict = for_gateway(l);
        return false;
    }

    l->vrf = vrf;
    if (!l->vrf) {
        *verdict = refuse(l, OVL_DROP_NO_ROUTER, OVL_ICMP_NO_ROUTE, 0);
        return false;
    } else if (IN6_IS_ADDR_LINKLOCAL(&pkt->ip.src)) {
        *verdict = ovl_verdict_drop(OVL_DROP_MARTIAN_SOURCE);
        return false;
    } else if (IN6_IS_ADDR_LINKLOCAL(&pkt->ip.dst)) {
        *verdict = ovl_verdict_drop(OVL_DROP_MARTIAN_DESTINATION);
        return false;
    }
    return true;
}

void
ovl_route_foresee(struct ovl_routing *l)
{
    const struct ovl_route *route = l->route;

    l->vni = OVL_VNI_NONE;
    if (!route) {
        return;
    } else if (route->action == OVL_ROUTE_CONNECTED) {
        l->vni = route->vni;
        l->nexthop = l->pkt->ip.dst;
    } else if (route->action == OVL_ROUTE_FORWARD && route->n_nexthops) {
        uint64_t weights[OVL_ROUTE_MAX_NEXTHOPS];
        const struct ovl_nexthop *hop = route->nexthops;

        if (route->n_nexthops > 1) {
            weigh(l, route, weights);
            hop += heaviest(weights, route->n_nexthops);
        }
        l->vni = hop->vni;
        l->nexthop = hop->ip;
    }
}

struct ovl_verdict
ovl_route_finish(const struct ovl_routing *l)
{
    const struct ovl_route *route = l->route;
    const struct ovl_network *connected = connected_network(l, route);

    if (OVS_UNLIKELY(l->a->worker->trace)) {
        trace_route(l, route, l->plen);
    }
    if (route && route->action == OVL_ROUTE_LOCAL) {
        return for_gateway(l);
    } else if (connected
               && ovl_network_is_broadcast(connected, &l->pkt->ip.dst)) {
        return ovl_verdict_drop(OVL_DROP_DIRECTED_BROADCAST);
    } else if (l->pkt->ip.ttl <= 1) {
        return refuse(l, OVL_DROP_TTL_EXPIRED, OVL_ICMP_TTL_EXPIRED, 0);
    } else if (!route) {
        return refuse(l, OVL_DROP_NO_ROUTE, OVL_ICMP_NO_ROUTE, 0);
    }
    return follow(l, route);
}

/* As Linux does for bridged tunnels (skb_tunnel_check_pmtu()): in the name of
 * the destination, as a bridge has no address. */
struct ovl_verdict
ovl_too_big_to_bridge(const struct ovl_arrival *a, const struct ovl_pkt *pkt,
                      uint16_t mtu)
{
    struct ovl_verdict verdict = ovl_verdict_drop(OVL_DROP_TOO_BIG);
    struct ovl_pkt_router *router = &a->details->router;

    ovl_pkt_parse_for_router_into(router, a->frame, pkt);
    if (router->fault == OVL_NO_DROP && router->df && mtu >= MIN_MTU
        && ovl_icmp_may_answer(pkt, router)
        && !ovl_network_is_broadcast(a->net, &pkt->ip.src)
        && !ovl_network_is_broadcast(a->net, &pkt->ip.dst)) {
        a->details->icmp = (struct ovl_icmp) {
            .message = OVL_ICMP_TOO_BIG, .mtu = mtu, .src = pkt->ip.dst,
            .eth_src = pkt->dst,
        };
        verdict.tell = true;
    }
    return verdict;
}
