/* SPDX-License-Identifier: Apache-2.0 */

/* Routes what the fast path takes: from a VM, in the VRF of its network, to a
 * neighbor on a connected network or to the only next hop of a route.  The
 * rules are those of routing.c, as far as they say yes.
 *
 * Prefix: ovl_fast_. */

#include <config.h>

#include "fast-path-private.h"

#include "bridging.h"

/* RFC 1812 section 5.2.2.  Gives the length of the packet, 0 if it is not for
 * the fast path. */
static inline size_t
check_ipv4(const uint8_t *h, size_t room)
{
    size_t len = ntohs(WIRE(h, struct ip_header, ip_tot_len));
    ovs_be32 dst = ovl_fast_be32(h + offsetof(struct ip_header, ip_dst));

    return (len <= room && ip4_csum_ok(h, IP_HEADER_LEN)
            && WIRE(h, struct ip_header, ip_ttl) > 1
            && !ovl_ip4_is_martian(ntohl(dst)) ? len : 0);
}

static inline size_t
check_ipv6(const uint8_t *h, size_t room)
{
    size_t len = (IPV6_HEADER_LEN
                  + ntohs(WIRE(h, struct ovs_16aligned_ip6_hdr, ip6_plen)));

    return (len <= room
            && h[offsetof(struct ovs_16aligned_ip6_hdr, ip6_hlim)] > 1
            && ovl_fast_is_routed6(h + offsetof(struct ovs_16aligned_ip6_hdr,
                                                ip6_dst)) ? len : 0);
}

bool
ovl_fast_want_route(struct ovl_fast *fast, struct ovl_fast_routed *r,
                    const struct ovl_known_port *known, const uint8_t *data,
                    const struct ovl_fast_pkt *pkt,
                    struct ovl_fast_item *item)
{
    const uint8_t *h = data + ETH_HEADER_LEN;
    size_t room = item->len - ETH_HEADER_LEN;
    size_t len = pkt->ipv6 ? check_ipv6(h, room) : check_ipv4(h, room);
    struct in6_addr dst;

    if (!len || !known->vrf || !(pkt->ipv6 ? known->routed6 : known->routed4)
        || len > UINT16_MAX - ETH_HEADER_LEN) {
        return false;
    }
    if (pkt->ipv6) {
        memcpy(&dst, pkt->ip_dst, sizeof dst);
    } else {
        dst = ovl_fast_map_ip4(ovl_fast_be32(pkt->ip_dst));
    }
    if (!r->n || !ipv6_addr_equals(&dst, &r->ips[r->n - 1])) {
        if (ovl_network_is_gateway(known->net, &dst)) {
            return false;
        }
        r->ways[r->n] = ovl_fast_new_way(fast);
        r->ips[r->n++] = dst;
    }
    item->way = r->ways[r->n - 1];
    item->out_len = ETH_HEADER_LEN + len;
    return true;
}

/* Next hops of destinations number 'numbers[i]'. */
struct nexthops {
    size_t n;
    uint8_t numbers[NETDEV_MAX_BURST];
    uint32_t vnis[NETDEV_MAX_BURST];    /* The network that it is in. */
    const struct in6_addr *ips[NETDEV_MAX_BURST];
    const struct ovl_network *nets[NETDEV_MAX_BURST];
    bool connected[NETDEV_MAX_BURST];
    uint64_t macs[NETDEV_MAX_BURST];
};

/* True if nothing is said to the sender for now, whatever it does.  If
 * something may be said, it is up to the passes. */
static bool
is_silent(const struct ovl_fast *fast)
{
    return ovl_limiter_is_empty(&fast->in->limits.errors, fast->worker->now);
}

/* Looks up the routes to 'r', and notes next hops. */
static void
find_nexthops(struct ovl_fast *fast, const struct ovl_vrf *vrf,
              const struct ovl_fast_routed *r, struct nexthops *hops)
{
    const struct ovl_worker *w = fast->worker;
    const struct ovl_vrf *vrfs[NETDEV_MAX_BURST];
    const struct in6_addr *ips[NETDEV_MAX_BURST];
    const struct ovl_route *routes[NETDEV_MAX_BURST];
    uint8_t plens[NETDEV_MAX_BURST];

    for (size_t i = 0; i < r->n; i++) {
        vrfs[i] = vrf;
        ips[i] = &r->ips[i];
    }
    ovl_route_lookup_bulk(w->fwd, vrfs, ips, r->n, routes, plens);
    hops->n = 0;
    for (size_t i = 0; i < r->n; i++) {
        const struct ovl_route *route = routes[i];
        size_t n = hops->n;

        if (!route) {
            if (is_silent(fast)) {
                ovl_fast_drop(fast, &fast->ways[r->ways[i]],
                              OVL_DROP_NO_ROUTE);
            }
            continue;
        } else if (route->action == OVL_ROUTE_BLACKHOLE) {
            ovl_fast_drop(fast, &fast->ways[r->ways[i]],
                          OVL_DROP_ROUTE_BLACKHOLE);
            continue;
        } else if (route->action == OVL_ROUTE_CONNECTED) {
            hops->vnis[n] = route->vni;
            hops->ips[n] = ips[i];
            hops->connected[n] = true;
        } else if (route->action == OVL_ROUTE_FORWARD
                   && route->n_nexthops == 1) {
            hops->vnis[n] = route->nexthops[0].vni;
            hops->ips[n] = &route->nexthops[0].ip;
            hops->connected[n] = false;
        } else {
            continue;
        }
        hops->numbers[hops->n++] = i;
    }
}

/* Looks up the networks of 'hops', nearly always one. */
static void
find_networks(const struct ovl_worker *w, struct nexthops *hops)
{
    uint32_t differ = 0;

    for (size_t i = 1; i < hops->n; i++) {
        differ |= hops->vnis[i] ^ hops->vnis[0];
    }
    if (differ) {
        ovl_network_lookup_bulk(w->fwd, w->version, hops->vnis, hops->n,
                                hops->nets);
        return;
    }
    hops->nets[0] = ovl_network_lookup(w->fwd, w->version, hops->vnis[0]);
    for (size_t i = 1; i < hops->n; i++) {
        hops->nets[i] = hops->nets[0];
    }
}

/* Looks up the neighbors, and forgets those that there is no way to. */
static void
find_neighbors(struct ovl_fast *fast, const struct ovl_fast_routed *r,
               struct nexthops *hops)
{
    const struct ovl_worker *w = fast->worker;
    const struct ovl_owner *owners[NETDEV_MAX_BURST];
    size_t n = 0;

    ovl_neighbor_lookup_bulk(w->fwd, w->version, hops->vnis, hops->ips,
                             hops->n, owners);
    for (size_t i = 0; i < hops->n; i++) {
        if (!hops->nets[i]
            || (hops->connected[i]
                && ovl_network_is_broadcast(hops->nets[i], hops->ips[i]))) {
            continue;
        } else if (!owners[i] || owners[i]->shared) {
            if (is_silent(fast)) {
                ovl_fast_drop(fast, &fast->ways[r->ways[hops->numbers[i]]],
                              OVL_DROP_NO_NEIGHBOR);
            }
        } else {
            hops->numbers[n] = hops->numbers[i];
            hops->vnis[n] = hops->vnis[i];
            hops->nets[n] = hops->nets[i];
            hops->macs[n++] = ovl_mac_bits(owners[i]->mac);
        }
    }
    hops->n = n;
}

/* Works out where 'found', from the MAC table, leads in 'way->net'. */
static inline void
choose_way(const struct ovl_way *found, const struct ovl_adjacency *adj,
           struct ovl_fast_way *way)
{
    uint16_t mtu;

    if (!found || found->vlan) {
        return;
    } else if (found->vtep) {
        if (!adj) {
            return;
        }
        mtu = ovl_bridge_mtu(way->net, adj);
        way->port = adj->port;
    } else {
        mtu = ovl_lport_mtu(found->port);
        if (way->net->mtu && (!mtu || way->net->mtu < mtu)) {
            mtu = way->net->mtu;
        }
        way->port = found->port;
    }
    way->adj = adj;
    way->max_len = mtu ? ETH_HEADER_LEN + mtu : UINT16_MAX;
    if (!ovl_lport_is_alive(way->port)) {
        way->port = NULL;
    }
}

void
ovl_fast_find_routes(struct ovl_fast *fast,
                     const struct ovl_known_port *known,
                     const struct ovl_fast_routed *r)
{
    const struct ovl_adjacency *adjs[NETDEV_MAX_BURST];
    const struct ovl_way *found[NETDEV_MAX_BURST];
    const struct ovl_worker *w = fast->worker;
    struct nexthops hops;

    find_nexthops(fast, known->vrf, r, &hops);
    if (!hops.n) {
        return;
    }
    find_networks(w, &hops);
    find_neighbors(fast, r, &hops);
    if (!hops.n) {
        return;
    }
    ovl_mac_lookup_bulk(w->fwd, w->version, hops.vnis, hops.macs, hops.n,
                        found);
    ovl_fast_get_adjacencies(w, found, hops.n, adjs);
    for (size_t i = 0; i < hops.n; i++) {
        struct ovl_fast_way *way = &fast->ways[r->ways[hops.numbers[i]]];

        way->kind = OVL_FAST_ROUTED;
        way->net = hops.nets[i];
        ovl_mac_from_bits(hops.macs[i], &way->macs[0]);
        way->macs[1] = way->net->router_mac;
        choose_way(found[i], adjs[i], way);
    }
}
