/* SPDX-License-Identifier: Apache-2.0 */

/* Look-ups of all packets of a burst at once, so that their waits for memory
 * overlap.
 *
 * Prefix: ovl_. */

#include <config.h>

#include "pipeline-private.h"

#include "bridging.h"
#include "pipeline-trace.h"
#include "responder.h"
#include "routing.h"

/* Sets 'item->arrival.net'. */
static void
set_network(struct ovl_item *item, const struct ovl_network *net)
{
    item->arrival.net = net;
    OVL_TRACE(item->arrival.worker->trace, "networks: %"PRIu32" -> %s",
              item->arrival.vni, net ? "found" : "none");
}

/* Looks networks up and fetches their counters. */
static void
look_networks_up(const struct ovl_worker *worker, const uint32_t vnis[],
                 size_t n, const struct ovl_network *nets[])
{
    ovl_network_lookup_bulk(worker->fwd, worker->version, vnis, n, nets);
    for (size_t i = 0; i < n; i++) {
        if (nets[i]) {
            ovl_counter_prefetch(worker->shard, nets[i]->traffic);
        }
    }
}

/* Most bursts are of one network, so a VNI is looked up only if it is not that
 * of the packet before. */
void
ovl_find_networks(const struct ovl_worker *worker, struct ovl_item items[],
                  size_t n)
{
    const struct ovl_network *nets[NETDEV_MAX_BURST];
    uint32_t vnis[NETDEV_MAX_BURST];
    uint8_t indexes[NETDEV_MAX_BURST];
    size_t n_vnis = 0;

    for (size_t i = 0; i < n; i++) {
        uint32_t vni = items[i].arrival.vni;

        if (vni != OVL_VNI_NONE && (!n_vnis || vni != vnis[n_vnis - 1])) {
            vnis[n_vnis++] = vni;
        }
        indexes[i] = n_vnis;
    }
    if (!n_vnis) {
        return;
    }
    look_networks_up(worker, vnis, n_vnis, nets);
    for (size_t i = 0; i < n; i++) {
        if (items[i].arrival.vni != OVL_VNI_NONE) {
            set_network(&items[i], nets[indexes[i] - 1]);
        }
    }
}

/* True if 'a' is from the same VTEP into a network of the same group as
 * 'b'. */
static bool
same_sender(const struct ovl_item *a, const struct ovl_item *b)
{
    return (a->arrival.net->source_group == b->arrival.net->source_group
            && ipv6_addr_equals(&a->outer.src, &b->outer.src));
}

void
ovl_find_senders(const struct ovl_worker *worker, struct ovl_item items[],
                 size_t n)
{
    const struct in6_addr *ips[NETDEV_MAX_BURST];
    uint32_t groups[NETDEV_MAX_BURST];
    struct ovl_item *tunneled[NETDEV_MAX_BURST];
    uint8_t indexes[NETDEV_MAX_BURST];
    struct ovl_vtep *vteps[NETDEV_MAX_BURST];
    bool allowed[NETDEV_MAX_BURST];
    size_t n_tunneled = 0, n_ips = 0;

    for (size_t i = 0; i < n; i++) {
        struct ovl_item *item = &items[i];

        if (item->verdict.kind != OVL_VERDICT_OPEN || !item->arrival.tunnel
            || !item->arrival.net) {
            continue;
        } else if (!n_ips || !same_sender(item, tunneled[n_tunneled - 1])) {
            groups[n_ips] = item->arrival.net->source_group;
            ips[n_ips++] = &item->outer.src;
        }
        indexes[n_tunneled] = n_ips - 1;
        tunneled[n_tunneled++] = item;
    }
    if (!n_ips) {
        return;
    }
    ovl_source_lookup_bulk(worker->fwd, worker->version, groups, ips, n_ips,
                           allowed, vteps);
    for (size_t i = 0; i < n_tunneled; i++) {
        tunneled[i]->allowed = allowed[indexes[i]];
        tunneled[i]->arrival.from = vteps[indexes[i]];
    }
}

/* Brings what leads on from 'n' ways, some of which may be NULL, into the
 * cache, and what is counted there. */
static void
prefetch_ways(const struct ovl_worker *worker,
              const struct ovl_way *const ways[], size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (ways[i]) {
            OVS_PREFETCH(ways[i]->vtep ? (const void *) &ways[i]->vtep->adj
                         : ways[i]->port);
        }
    }
    for (size_t i = 0; i < n; i++) {
        if (ways[i] && ways[i]->vtep) {
            const struct ovl_adjacency *adj
                = ovsrcu_get(struct ovl_adjacency *, &ways[i]->vtep->adj);

            OVS_PREFETCH(adj);
            ovl_counter_prefetch(worker->shard, ways[i]->vtep->traffic);
        }
    }
}

/* Finds the ways to the MACs of those of the 'n' neighbors of 'items' that
 * there are. */
static void
find_neighbor_ways(const struct ovl_worker *worker,
                   struct ovl_item *const items[],
                   const struct ovl_owner *const neighbors[], size_t n,
                   const struct ovl_way *ways[])
{
    const struct ovl_way *found[NETDEV_MAX_BURST];
    uint32_t vnis[NETDEV_MAX_BURST];
    uint64_t macs[NETDEV_MAX_BURST];
    uint8_t indexes[NETDEV_MAX_BURST];
    size_t n_macs = 0;

    for (size_t i = 0; i < n; i++) {
        ways[i] = NULL;
        if (neighbors[i]) {
            vnis[n_macs] = items[i]->arrival.net->vni;
            macs[n_macs] = ovl_mac_bits(neighbors[i]->mac);
            indexes[n_macs++] = i;
        }
    }
    if (n_macs) {
        ovl_mac_lookup_bulk(worker->fwd, worker->version, vnis, macs, n_macs,
                            found);
    }
    for (size_t i = 0; i < n_macs; i++) {
        ways[indexes[i]] = found[i];
    }
}

void
ovl_respond_all(const struct ovl_worker *worker, struct ovl_item items[],
                size_t n)
{
    const struct ovl_owner *neighbors[NETDEV_MAX_BURST];
    const struct ovl_way *ways[NETDEV_MAX_BURST];
    struct in6_addr targets[NETDEV_MAX_BURST];
    const struct in6_addr *ips[NETDEV_MAX_BURST];
    struct ovl_item *asking[NETDEV_MAX_BURST];
    uint32_t vnis[NETDEV_MAX_BURST];
    size_t n_asking = 0;

    for (size_t i = 0; i < n; i++) {
        if (items[i].verdict.kind == OVL_VERDICT_RESPOND) {
            vnis[n_asking] = items[i].arrival.net->vni;
            ovl_respond_target(&items[i].pkt, &targets[n_asking]);
            ips[n_asking] = &targets[n_asking];
            asking[n_asking++] = &items[i];
        }
    }
    if (!n_asking) {
        return;
    }
    ovl_neighbor_lookup_bulk(worker->fwd, worker->version, vnis, ips,
                             n_asking, neighbors);
    find_neighbor_ways(worker, asking, neighbors, n_asking, ways);
    for (size_t i = 0; i < n_asking; i++) {
        asking[i]->verdict = ovl_respond_finish(&asking[i]->arrival,
                                                &asking[i]->pkt, neighbors[i],
                                                ways[i]);
    }
}

void
ovl_bridge_all(const struct ovl_worker *worker, struct ovl_item items[],
               size_t n)
{
    struct ovl_item *bridged[NETDEV_MAX_BURST];
    uint32_t vnis[NETDEV_MAX_BURST];
    uint64_t dsts[NETDEV_MAX_BURST];
    const struct ovl_way *ways[NETDEV_MAX_BURST];
    size_t n_bridged = 0;

    for (size_t i = 0; i < n; i++) {
        if (items[i].verdict.kind == OVL_VERDICT_BRIDGE) {
            vnis[n_bridged] = items[i].arrival.net->vni;
            dsts[n_bridged] = ovl_mac_bits(items[i].pkt.dst);
            bridged[n_bridged++] = &items[i];
        }
    }
    if (n_bridged) {
        ovl_mac_lookup_bulk(worker->fwd, worker->version, vnis, dsts,
                            n_bridged, ways);
        prefetch_ways(worker, ways, n_bridged);
    }
    for (size_t i = 0; i < n_bridged; i++) {
        bridged[i]->verdict = ovl_bridge_finish(&bridged[i]->arrival,
                                                &bridged[i]->pkt, ways[i]);
    }
}

/* Finds the routes of 'n' packets. */
static void
find_routes(const struct ovl_worker *w, struct ovl_routing rs[], size_t n)
{
    const struct ovl_vrf *vrfs[NETDEV_MAX_BURST];
    const struct in6_addr *ips[NETDEV_MAX_BURST];
    const struct ovl_route *routes[NETDEV_MAX_BURST];
    uint8_t plens[NETDEV_MAX_BURST];

    for (size_t i = 0; i < n; i++) {
        vrfs[i] = rs[i].vrf;
        ips[i] = &rs[i].pkt->ip.dst;
    }
    ovl_route_lookup_bulk(w->fwd, vrfs, ips, n, routes, plens);
    for (size_t i = 0; i < n; i++) {
        rs[i].route = routes[i];
        rs[i].plen = plens[i];
    }
}

/* Finds the MACs of the 'n' neighbors of 'rs'. */
static void
find_macs(const struct ovl_worker *w, struct ovl_routing *rs[], size_t n)
{
    const struct ovl_way *ways[NETDEV_MAX_BURST];
    uint64_t macs[NETDEV_MAX_BURST];
    uint32_t vnis[NETDEV_MAX_BURST];

    for (size_t i = 0; i < n; i++) {
        vnis[i] = rs[i]->vni;
        macs[i] = ovl_mac_bits(rs[i]->neighbor->mac);
    }
    ovl_mac_lookup_bulk(w->fwd, w->version, vnis, macs, n, ways);
    prefetch_ways(w, ways, n);
    for (size_t i = 0; i < n; i++) {
        rs[i]->way = ways[i];
    }
}

/* Finds the networks of the 'n' next hops of 'rs': often those that the
 * packets came from. */
static void
find_next_networks(const struct ovl_worker *w, struct ovl_routing *rs[],
                   size_t n)
{
    const struct ovl_network *nets[NETDEV_MAX_BURST];
    struct ovl_routing *others[NETDEV_MAX_BURST];
    uint32_t vnis[NETDEV_MAX_BURST];
    uint8_t indexes[NETDEV_MAX_BURST];
    size_t n_others = 0, n_vnis = 0;

    for (size_t i = 0; i < n; i++) {
        if (rs[i]->vni == rs[i]->a->net->vni) {
            rs[i]->net = rs[i]->a->net;
            continue;
        } else if (!n_vnis || rs[i]->vni != vnis[n_vnis - 1]) {
            vnis[n_vnis++] = rs[i]->vni;
        }
        indexes[n_others] = n_vnis - 1;
        others[n_others++] = rs[i];
    }
    if (n_vnis) {
        look_networks_up(w, vnis, n_vnis, nets);
    }
    for (size_t i = 0; i < n_others; i++) {
        others[i]->net = nets[indexes[i]];
    }
}

/* Finds the next hops of the 'n' packets, as far as they can be foreseen. */
static void
find_nexthops(const struct ovl_worker *w, struct ovl_routing rs[], size_t n)
{
    const struct ovl_owner *neighbors[NETDEV_MAX_BURST];
    const struct in6_addr *ips[NETDEV_MAX_BURST];
    struct ovl_routing *foreseen[NETDEV_MAX_BURST];
    uint32_t vnis[NETDEV_MAX_BURST];
    size_t n_foreseen = 0, n_found = 0;

    for (size_t i = 0; i < n; i++) {
        ovl_route_foresee(&rs[i]);
        if (rs[i].vni != OVL_VNI_NONE) {
            vnis[n_foreseen] = rs[i].vni;
            ips[n_foreseen] = &rs[i].nexthop;
            foreseen[n_foreseen++] = &rs[i];
        }
    }
    if (n_foreseen) {
        find_next_networks(w, foreseen, n_foreseen);
        ovl_neighbor_lookup_bulk(w->fwd, w->version, vnis, ips, n_foreseen,
                                 neighbors);
    }
    for (size_t i = 0; i < n_foreseen; i++) {
        foreseen[i]->neighbor = neighbors[i];
        if (neighbors[i]) {
            foreseen[n_found++] = foreseen[i];
        }
    }
    if (n_found) {
        find_macs(w, foreseen, n_found);
    }
}

/* Finds the VRFs of the networks of 'n' packets. */
static void
find_vrfs(const struct ovl_worker *worker, struct ovl_item *const items[],
          size_t n, const struct ovl_vrf *vrfs[])
{
    const struct ovl_vrf *found[NETDEV_MAX_BURST];
    uint32_t ids[NETDEV_MAX_BURST];
    uint8_t indexes[NETDEV_MAX_BURST];
    size_t n_ids = 0;

    for (size_t i = 0; i < n; i++) {
        const struct ovl_network *net = items[i]->arrival.net;

        if (net->has_vrf
            && (!n_ids || net->source_group != ids[n_ids - 1])) {
            ids[n_ids++] = net->source_group;
        }
        indexes[i] = n_ids;
    }
    if (n_ids) {
        ovl_vrf_lookup_bulk(worker->fwd, worker->version, ids, n_ids, found);
    }
    for (size_t i = 0; i < n; i++) {
        vrfs[i] = (items[i]->arrival.net->has_vrf ? found[indexes[i] - 1]
                   : NULL);
    }
}

void
ovl_route_all(const struct ovl_worker *worker, struct ovl_item items[],
              size_t n)
{
    const struct ovl_vrf *vrfs[NETDEV_MAX_BURST];
    struct ovl_routing rs[NETDEV_MAX_BURST];
    struct ovl_item *routed[NETDEV_MAX_BURST];
    size_t n_for_router = 0, n_routed = 0;

    for (size_t i = 0; i < n; i++) {
        if (items[i].verdict.kind == OVL_VERDICT_ROUTER) {
            routed[n_for_router++] = &items[i];
        }
    }
    if (!n_for_router) {
        return;
    }
    find_vrfs(worker, routed, n_for_router, vrfs);
    for (size_t i = 0; i < n_for_router; i++) {
        struct ovl_item *item = routed[i];

        if (ovl_route_start(&rs[n_routed], vrfs[i], &item->arrival,
                            &item->pkt, &item->verdict)) {
            routed[n_routed++] = item;
        }
    }
    if (n_routed) {
        find_routes(worker, rs, n_routed);
        find_nexthops(worker, rs, n_routed);
    }
    for (size_t i = 0; i < n_routed; i++) {
        routed[i]->verdict = ovl_route_finish(&rs[i]);
    }
}
BUILD_ASSERT_DECL(NETDEV_MAX_BURST <= OVL_BULK_MAX);
