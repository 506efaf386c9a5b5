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

static inline bool
is_gateway(const struct ovl_fast_from *from, const struct in6_addr *ip)
{
    if (from->n_gateways4 < 2 && ovl_ip_is_v4(ip)) {
        return (from->n_gateways4
                && from->gateway4 == in6_addr_get_mapped_ipv4(ip));
    }
    return ovl_network_has_gateway(from->net, ip);
}

void
ovl_fast_want_route(struct ovl_fast *fast, struct ovl_fast_routed *r,
                    const struct ovl_fast_from *from, const uint8_t *data,
                    bool ipv6, struct ovl_fast_item *item)
{
    const uint8_t *h = data + ETH_HEADER_LEN;
    size_t room = item->len - ETH_HEADER_LEN;
    size_t len = ipv6 ? check_ipv6(h, room) : check_ipv4(h, room);
    struct in6_addr dst;

    if (!len || !from->fib || !from->routed
        || len > UINT16_MAX - ETH_HEADER_LEN) {
        return;
    }
    if (ipv6) {
        memcpy(&dst, h + offsetof(struct ovs_16aligned_ip6_hdr, ip6_dst),
               sizeof dst);
    } else {
        dst = ovl_fast_map_ip4(ovl_fast_be32(
                                   h + offsetof(struct ip_header, ip_dst)));
    }
    if (!r->n || from->fib != r->fibs[r->n - 1]
        || !ipv6_addr_equals(&dst, &r->ips[r->n - 1])) {
        if (is_gateway(from, &dst)) {
            return;
        }
        r->ways[r->n] = ovl_fast_new_way(fast);
        r->fibs[r->n] = from->fib;
        r->ips[r->n++] = dst;
    }
    item->way = r->ways[r->n - 1];
    item->out_len = ETH_HEADER_LEN + len;
}

/* Destinations, number 'numbers[i]', whose next hop is known. */
struct resolved {
    size_t n;
    uint8_t numbers[NETDEV_MAX_BURST];
    const struct ovl_known_hop *hops[NETDEV_MAX_BURST];

    /* For those that were not remembered.  Those with a tag are to be. */
    struct ovl_known_hop room[NETDEV_MAX_BURST];
    size_t n_room;
};

/* Next hops of destinations number 'numbers[i]', to be resolved. */
struct nexthops {
    size_t n;
    uint8_t numbers[NETDEV_MAX_BURST];
    uint32_t routes[NETDEV_MAX_BURST];  /* Number of the route. */
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
    return (!fast->vlans
            && ovl_limiter_is_empty(&fast->in->limits.errors,
                                    fast->worker->now));
}

/* What is remembered of route 'number'; NULL if there is no memo. */
static inline struct ovl_known_hop *
known_hop(const struct ovl_worker *w, uint32_t number)
{
    return w->memo ? ovl_memo_hop(w->memo, number) : NULL;
}

/* Gives the numbers of the routes to 'r', and fetches what is remembered of
 * them. */
static void
find_routes(const struct ovl_worker *w, const struct ovl_fast_routed *r,
            uint32_t numbers[])
{
    struct ovl_fib_result results[NETDEV_MAX_BURST];
    const struct in6_addr *ips[NETDEV_MAX_BURST];

    for (size_t i = 0; i < r->n; i++) {
        ips[i] = &r->ips[i];
    }
    ovl_fib_lookup_bulk(r->fibs, ips, r->n, results);
    for (size_t i = 0; i < r->n; i++) {
        numbers[i] = results[i].value;
        OVS_PREFETCH(known_hop(w, numbers[i]));
    }
}

/* Takes the next hops that are remembered, since there were 'changes' of
 * adjacencies.  Returns how many 'others' there are, which are numbers of
 * destinations. */
static size_t
recall(const struct ovl_worker *w, const uint32_t routes[], size_t n,
       unsigned int changes, struct resolved *done, uint8_t others[])
{
    size_t n_others = 0;

    done->n = done->n_room = 0;
    for (size_t i = 0; i < n; i++) {
        const struct ovl_known_hop *hop = known_hop(w, routes[i]);

        if (hop && hop->tag == ovl_known_hop_tag(w->version, routes[i])
            && hop->changes == changes) {
            done->numbers[done->n] = i;
            done->hops[done->n++] = hop;
            OVS_PREFETCH(hop->adj);
            ovl_counter_prefetch(w->shard, hop->tunnel);
        } else {
            others[n_others++] = i;
        }
    }
    return n_others;
}

/* Notes the next hop of 'route' to destination 'i' of 'r', if it is simple. */
static void
note_nexthop(struct ovl_fast *fast, const struct ovl_fast_routed *r, size_t i,
             const struct ovl_route *route, struct nexthops *hops)
{
    struct ovl_fast_way *way = &fast->ways[r->ways[i]];
    size_t n = hops->n;

    if (!route) {
        if (is_silent(fast)) {
            ovl_fast_drop(fast, way, OVL_DROP_NO_ROUTE);
        }
        return;
    } else if (route->action == OVL_ROUTE_BLACKHOLE) {
        if (!fast->vlans) {
            ovl_fast_drop(fast, way, OVL_DROP_ROUTE_BLACKHOLE);
        }
        return;
    } else if (route->action == OVL_ROUTE_CONNECTED) {
        hops->vnis[n] = route->vni;
        hops->ips[n] = &r->ips[i];
        hops->connected[n] = true;
    } else if (route->action == OVL_ROUTE_FORWARD && route->n_nexthops == 1) {
        hops->vnis[n] = route->nexthops[0].vni;
        hops->ips[n] = &route->nexthops[0].ip;
        hops->connected[n] = false;
    } else {
        return;
    }
    hops->numbers[n] = i;
    hops->n++;
}

/* Notes the next hops of destinations 'others', 'n' of 'r', whose routes have
 * numbers 'routes'. */
static void
find_nexthops(struct ovl_fast *fast, const struct ovl_fast_routed *r,
              const uint32_t routes[], const uint8_t others[], size_t n,
              struct nexthops *hops)
{
    const struct ovl_route *found[NETDEV_MAX_BURST];

    for (size_t i = 0; i < n; i++) {
        found[i] = ovl_route_get(fast->worker->fwd, routes[others[i]]);
        OVS_PREFETCH(found[i]);
    }
    hops->n = 0;
    for (size_t i = 0; i < n; i++) {
        hops->routes[hops->n] = routes[others[i]];
        note_nexthop(fast, r, others[i], found[i], hops);
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
            hops->routes[n] = hops->routes[i];
            hops->connected[n] = hops->connected[i];
            hops->vnis[n] = hops->vnis[i];
            hops->nets[n] = hops->nets[i];
            hops->macs[n++] = ovl_mac_bits(owners[i]->mac);
        }
    }
    hops->n = n;
}

/* Works out where 'found', from the MAC table, leads for next hop 'i' of
 * 'hops'.  Returns false if that is not simple. */
static bool
make_hop(const struct nexthops *hops, size_t i, const struct ovl_way *found,
         struct ovl_known_hop *hop)
{
    const struct ovl_network *net = hops->nets[i];
    const struct ovl_adjacency *adj = NULL;

    if (!found || found->vlan) {
        return false;
    } else if (found->vtep) {
        adj = ovsrcu_get(struct ovl_adjacency *, &found->adj);
        if (!adj) {
            return false;
        }
    }
    *hop = (struct ovl_known_hop) {
        .adj = adj,
        .port = found->port,
        .tunnel = adj ? adj->traffic : 0,
        .vni = net->vni,
        .traffic = net->traffic,
        .mtu = net->mtu,
        .macs[1] = net->router_mac,
    };
    ovl_mac_from_bits(hops->macs[i], &hop->macs[0]);
    return true;
}

/* Adds 'hops', which have ways 'found', to those that are resolved.  Those
 * behind a route get tags. */
static void
add_resolved(const struct ovl_worker *w, const struct nexthops *hops,
             const struct ovl_way *const found[], unsigned int changes,
             struct resolved *done)
{
    ovl_fast_fetch_adjacencies(found, hops->n);
    for (size_t i = 0; i < hops->n; i++) {
        struct ovl_known_hop *hop = &done->room[done->n_room];

        if (!make_hop(hops, i, found[i], hop)) {
            continue;
        }
        done->numbers[done->n] = hops->numbers[i];
        done->hops[done->n++] = hop;
        done->n_room++;
        if (!hops->connected[i]) {
            hop->tag = ovl_known_hop_tag(w->version, hops->routes[i]);
            hop->changes = changes;
        }
    }
}

/* Remembers what was not, when nobody looks any more at what was. */
static void
remember(struct ovl_memo *memo, const struct resolved *done)
{
    for (size_t i = 0; memo && i < done->n_room; i++) {
        const struct ovl_known_hop *hop = &done->room[i];

        if (hop->tag) {
            *ovl_memo_hop(memo, ovl_known_hop_route(hop)) = *hop;
        }
    }
}

/* Resolves the next hops of destinations 'others', 'n' of 'r', as far as that
 * is simple. */
static void
resolve(struct ovl_fast *fast, const struct ovl_fast_routed *r,
        const uint32_t routes[], const uint8_t others[], size_t n,
        unsigned int changes, struct resolved *done)
{
    const struct ovl_way *found[NETDEV_MAX_BURST];
    const struct ovl_worker *w = fast->worker;
    struct nexthops hops;

    find_nexthops(fast, r, routes, others, n, &hops);
    if (!hops.n) {
        return;
    }
    find_networks(w, &hops);
    find_neighbors(fast, r, &hops);
    if (hops.n) {
        ovl_mac_lookup_bulk(w->fwd, w->version, hops.vnis, hops.macs, hops.n,
                            found);
        add_resolved(w, &hops, found, changes, done);
    }
}

/* Sends what goes 'way' to 'hop'. */
static inline void
choose_way(const struct ovl_worker *worker, const struct ovl_known_hop *hop,
           struct ovl_fast_way *way)
{
    uint16_t limit = ovl_fast_limit(hop->mtu);

    way->kind = OVL_FAST_ROUTED;
    if (hop->adj) {
        ovl_fast_set_tunnel(worker, way, hop->adj, limit);
    } else {
        uint16_t fits = ovl_fast_limit(ovl_lport_mtu(hop->port));

        ovl_fast_set_port(way, hop->port, MIN(limit, fits));
    }
}

void
ovl_fast_find_routes(struct ovl_fast *fast, const struct ovl_fast_routed *r)
{
    unsigned int changes = ovl_adjacency_changes();
    uint32_t routes[NETDEV_MAX_BURST];
    uint8_t others[NETDEV_MAX_BURST];
    struct resolved done;

    find_routes(fast->worker, r, routes);
    size_t n_others = recall(fast->worker, routes, r->n, changes, &done,
                             others);
    if (n_others) {
        resolve(fast, r, routes, others, n_others, changes, &done);
    }
    for (size_t i = 0; i < done.n; i++) {
        uint8_t number = r->ways[done.numbers[i]];
        struct ovl_fast_rewrite *rewrite = &fast->rewrites[number];
        const struct ovl_known_hop *hop = done.hops[i];

        rewrite->vni = hop->vni;
        rewrite->traffic = hop->traffic;
        memcpy(rewrite->macs, hop->macs, sizeof rewrite->macs);
        choose_way(fast->worker, hop, &fast->ways[number]);
    }
    remember(fast->worker->memo, &done);
}
