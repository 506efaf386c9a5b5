/* SPDX-License-Identifier: Apache-2.0 */

/* Decides what tagged frames from L2 gateway ports are for.  They are as those
 * from a VM's port, but each is of a VLAN of its own, with its network and
 * VRF: those are remembered, see fast-memo.h, and what is not is looked up for
 * all of the burst at once.
 *
 * Prefix: ovl_fast_. */

#include <config.h>

#include "fast-path-private.h"

#include "bridging.h"
#include "offload.h"
#include "pkt-edit.h"
#include "vxlan.h"

/* Tagged frames, number 'indexes[i]' of the burst. */
struct tagged {
    size_t n;
    uint8_t indexes[NETDEV_MAX_BURST];
    uint16_t vlans[NETDEV_MAX_BURST];
    struct ovl_known_vlan *known[NETDEV_MAX_BURST];
};

/* Those that are bridged, number 'indexes[i]' of the burst. */
struct bridged {
    size_t n;
    uint8_t indexes[NETDEV_MAX_BURST];
    uint32_t vnis[NETDEV_MAX_BURST];
    uint64_t macs[NETDEV_MAX_BURST];
    uint16_t mtus[NETDEV_MAX_BURST];    /* Of their networks. */
};

/* Returns the VLAN of the frame of 'len' bytes at 'data', 0 if there is none
 * or its tag is not one of 802.1Q. */
static inline uint16_t
vlan_of(const uint8_t *data, size_t len)
{
    const uint8_t *tci = data + ETH_HEADER_LEN;

    return (len >= ETH_HEADER_LEN + VLAN_HEADER_LEN
            && (WIRE(data, struct eth_header, eth_type)
                == htons(ETH_TYPE_VLAN_8021Q))
            ? (tci[0] << 8 | tci[1]) & VLAN_VID_MASK : 0);
}

/* Lists frames with tags, and fetches what is known of their VLANs. */
static void
find_tagged(const struct ovl_fast *fast, struct dp_packet *const packets[],
            size_t n, struct tagged *t)
{
    struct ovl_memo *memo = fast->worker->memo;

    t->n = 0;
    for (size_t i = 0; i < n; i++) {
        size_t len = dp_packet_size(packets[i]);
        uint16_t vlan = vlan_of(ovl_pkt_data(packets[i]), len);

        if (vlan && len <= UINT16_MAX && !ovl_offload_is_asked(packets[i])) {
            t->indexes[t->n] = i;
            t->vlans[t->n] = vlan;
            t->known[t->n] = ovl_memo_vlan(memo, fast->in->id, vlan);
            OVS_PREFETCH(t->known[t->n]);
            OVS_PREFETCH(&t->known[t->n]->fib);
            t->n++;
        }
    }
}

static inline bool
is_known(const struct ovl_fast *fast, const struct tagged *t, size_t i)
{
    const struct ovl_known_vlan *k = t->known[i];

    return (k->port == fast->in->id
            && k->version == fast->worker->version);
}

/* Looks up the FIBs of the VRFs of 'nets'. */
static void
find_fibs(const struct ovl_worker *worker,
          const struct ovl_network *const nets[], size_t n,
          const struct ovl_fib *fibs[])
{
    const struct ovl_vrf *vrfs[NETDEV_MAX_BURST];
    uint32_t ids[NETDEV_MAX_BURST];
    uint8_t numbers[NETDEV_MAX_BURST];
    size_t n_ids = 0;

    for (size_t i = 0; i < n; i++) {
        fibs[i] = NULL;
        if (nets[i] && nets[i]->has_vrf) {
            ids[n_ids] = nets[i]->source_group;
            numbers[n_ids++] = i;
        }
    }
    if (n_ids) {
        ovl_vrf_lookup_bulk(worker->fwd, worker->version, ids, n_ids, vrfs);
    }
    for (size_t i = 0; i < n_ids; i++) {
        fibs[numbers[i]] = vrfs[i] ? vrfs[i]->fib : NULL;
    }
}

/* Gets to know the 'n' VLANs of 't' that 'numbers' says, of which there is one
 * at least.  Those without a network stay unknown. */
static void __attribute__((__noinline__))
know(const struct ovl_fast *fast, const struct tagged *t,
     const uint8_t numbers[], const uint32_t vnis[], size_t n)
{
    const struct ovl_network *nets[NETDEV_MAX_BURST];
    const struct ovl_fib *fibs[NETDEV_MAX_BURST];
    const struct ovl_worker *worker = fast->worker;

    ovl_network_lookup_bulk(worker->fwd, worker->version, vnis, n, nets);
    find_fibs(worker, nets, n, fibs);
    for (size_t i = 0; i < n; i++) {
        const struct ovl_network *net = nets[i];
        struct ovl_known_vlan *k = t->known[numbers[i]];

        if (!net) {
            continue;
        }
        *k = (struct ovl_known_vlan) {
            .version = worker->version,
            .port = fast->in->id,
            .vni = net->vni,
            .traffic = net->traffic,
            .gateway4 = net->gateway4,
            .mtu = net->mtu,
            .n_gateways4 = net->n_gateways4,
            .has_routes = fibs[i] != NULL,
            .router = ovl_fast_router_of(net),
            .net = net,
            .mac4 = OVL_FAST_NO_MAC,
        };
        if (fibs[i]) {
            ovl_fib_copy_head(&k->fib, fibs[i]);
        }
    }
}

/* Gets to know all VLANs of 't' as far as there is something to know, and
 * fetches what is behind them. */
static void
know_all(const struct ovl_fast *fast, const struct ovl_binding *binding,
         const struct tagged *t)
{
    uint8_t numbers[NETDEV_MAX_BURST];
    uint32_t vnis[NETDEV_MAX_BURST];
    size_t n = 0;

    for (size_t i = 0; i < t->n; i++) {
        const struct ovl_known_vlan *k = t->known[i];

        if (OVS_UNLIKELY(!is_known(fast, t, i))) {
            const struct ovl_vlan_binding *vlan
                = ovl_binding_find_vlan(binding, t->vlans[i]);

            if (vlan) {
                vnis[n] = vlan->vni;
                numbers[n++] = i;
            }
            continue;
        }
        ovl_counter_prefetch(fast->worker->shard, k->traffic);
    }
    if (n) {
        know(fast, t, numbers, vnis, n);
    }
}

/* Returns whether 'pkt', at 'data', is from somebody who may speak. */
static inline bool
speaks(struct ovl_known_vlan *k, const struct ovl_binding *binding,
       const struct ovl_fast_pkt *pkt, const uint8_t *data)
{
    ovs_be32 ip4 = ovl_fast_be32(pkt->ip_src);

    if (OVS_LIKELY(!pkt->ipv6 && pkt->src == k->mac4
                   && (OVS_FORCE uint32_t) ip4 == k->ip4)) {
        return true;
    } else if (!ovl_fast_may_speak(binding, k->net, pkt,
                                   WIRE(data, struct eth_header, eth_src))) {
        return false;
    }
    if (!pkt->ipv6) {
        k->mac4 = pkt->src;
        k->ip4 = (OVS_FORCE uint32_t) ip4;
        k->routed4 = ovl_fast_is_routed4(k->net, ip4);
    }
    return true;
}

/* Wants the way to 'mac' for frame 'index' of VLAN 'k'. */
static inline void
want_bridged(struct ovl_fast *fast, struct bridged *b, size_t index,
             const struct ovl_known_vlan *k, uint64_t mac)
{
    size_t i = b->n++;

    b->indexes[i] = index;
    b->vnis[i] = k->vni;
    b->macs[i] = mac;
    b->mtus[i] = k->mtu;
    fast->items[index].way = i;
    fast->rewrites[i].vni = k->vni;
    fast->rewrites[i].traffic = k->traffic;
}

/* Works out where 'found', from the MAC table, leads in a network with 'mtu',
 * if that is not 0. */
static inline void
choose_way(const struct ovl_fast *fast, uint16_t mtu,
           const struct ovl_way *found, struct ovl_fast_way *way)
{
    way->limit = 0;
    way->kind = OVL_FAST_BRIDGED;
    if (!found) {
        return;
    } else if (found->vtep) {
        const struct ovl_adjacency *adj
            = ovsrcu_get(struct ovl_adjacency *, &found->adj);

        if (adj) {
            ovl_fast_set_tunnel(fast->worker, way, adj, ovl_fast_limit(mtu));
        }
    } else if (!found->vlan && found->port != fast->in) {
        ovl_fast_set_port(way, found->port, OVL_FAST_ANY_LEN);
    }
}

static void
find_bridged(struct ovl_fast *fast, const struct bridged *b)
{
    const struct ovl_way *found[NETDEV_MAX_BURST];

    ovl_mac_lookup_bulk(fast->worker->fwd, fast->worker->version, b->vnis,
                        b->macs, b->n, found);
    ovl_fast_fetch_adjacencies(found, b->n);
    for (size_t i = 0; i < b->n; i++) {
        choose_way(fast, b->mtus[i], found[i], &fast->ways[i]);
    }
}

/* Frames that lead somewhere, perhaps. */
struct wanted {
    struct bridged bridged;
    struct ovl_fast_routed routed;
};

/* Wants a way for frame 'index', of 'len' bytes at 'data', of VLAN 'k', if it
 * is one for the fast path. */
static inline void
want(struct ovl_fast *fast, struct wanted *w, size_t index,
     const struct ovl_binding *binding, struct ovl_known_vlan *k,
     const uint8_t *data, size_t len)
{
    const struct ovl_config *config = fast->worker->config;
    struct ovl_fast_item *item = &fast->items[index];
    const uint8_t *plain = data + VLAN_HEADER_LEN;
    struct ovl_fast_pkt pkt;

    item->way = OVL_FAST_NOWHERE;
    if (!ovl_fast_parse(plain, len - VLAN_HEADER_LEN, &pkt)) {
        return;
    }
    pkt.dst = ovl_fast_mac(data);
    pkt.src = ovl_fast_mac(data + ETH_ADDR_LEN);
    if (ovl_fast_is_multicast(pkt.dst) || pkt.dst == pkt.src
        || !speaks(k, binding, &pkt, data)) {
        return;
    }
    item->from = k->traffic;
    item->len = item->out_len = len - VLAN_HEADER_LEN;
    item->sport = ovl_vxlan_hash_to_port(ovl_fast_hash_flow(&pkt));
    item->tos = ovl_vxlan_inner_to_tos(config, pkt.tos);
    if (pkt.dst != k->router) {
        want_bridged(fast, &w->bridged, index, k, pkt.dst);
        return;
    }

    const struct ovl_fast_from from = {
        .net = k->net, .gateway4 = k->gateway4,
        .n_gateways4 = k->n_gateways4,
        .fib = k->has_routes ? ovl_fib_of_head(&k->fib) : NULL,
        .routed = (pkt.ipv6 ? ovl_fast_is_routed6(pkt.ip_src) : k->routed4),
    };
    ovl_fast_want_route(fast, &w->routed, &from, plain, pkt.ipv6, item);
}

void
ovl_fast_decide_vlans(struct ovl_fast *fast,
                      const struct ovl_binding *binding,
                      struct dp_packet *const packets[], size_t n)
{
    struct tagged t;
    struct wanted w;

    fast->plain = false;
    find_tagged(fast, packets, n, &t);
    know_all(fast, binding, &t);
    w.bridged.n = w.routed.n = 0;
    for (size_t i = 0; i < t.n; i++) {
        struct dp_packet *packet = packets[t.indexes[i]];

        if (is_known(fast, &t, i)) {
            want(fast, &w, t.indexes[i], binding, t.known[i],
                 ovl_pkt_data(packet), dp_packet_size(packet));
        } else {
            fast->items[t.indexes[i]].way = OVL_FAST_NOWHERE;
        }
    }
    if (w.bridged.n) {
        find_bridged(fast, &w.bridged);
    }
    if (w.routed.n) {
        ovl_fast_find_routes(fast, &w.routed);
    }
    fast->ways[OVL_FAST_NOWHERE].limit = 0;
    for (size_t i = 0; i < t.n; i++) {
        const struct ovl_fast_item *item = &fast->items[t.indexes[i]];
        uint32_t good = item->out_len < fast->ways[item->way].limit;

        fast->taken |= good << t.indexes[i];
    }
}
