/* SPDX-License-Identifier: Apache-2.0 */

/* Answers the ARP requests that the fast path takes: from a VM, for a neighbor
 * elsewhere in its network.  The rules are those of guard.c and responder.c,
 * as far as they say yes.
 *
 * Prefix: ovl_fast_. */

#include <config.h>

#include "fast-path-private.h"

void
ovl_fast_want_answer(struct ovl_fast *fast, struct ovl_fast_asked *asked,
                     const struct ovl_known_port *known,
                     const struct ovl_fast_pkt *pkt,
                     struct ovl_fast_item *item)
{
    const struct ovl_network *net = known->net;
    ovs_be32 tpa = ovl_fast_be32(pkt->ip_dst);
    struct in6_addr ip = ovl_fast_map_ip4(tpa);

    /* 'routed4': who asks is a host. */
    if (!known->routed4 || !net->neigh_suppress
        || ovl_ip4_is_martian(ntohl(tpa))
        || ovl_network_is_broadcast(net, &ip)
        || ovl_network_is_gateway4(net, tpa)
        || !ovl_lport_is_alive(fast->in)) {
        return;
    }

    size_t n = asked->n;
    if (!n || asked->by[n - 1] != pkt->src
        || !ipv6_addr_equals(&asked->ips[n - 1], &ip)) {
        asked->ips[n] = ip;
        asked->by[n] = pkt->src;
        asked->ways[n] = ovl_fast_new_way(fast);
        asked->n = ++n;
    }
    item->way = asked->ways[n - 1];
    item->out_len = ETH_HEADER_LEN + ARP_ETH_HEADER_LEN;
}

void
ovl_fast_find_answers(struct ovl_fast *fast,
                      const struct ovl_fast_asked *asked)
{
    const struct ovl_owner *owners[NETDEV_MAX_BURST];
    const struct in6_addr *ips[NETDEV_MAX_BURST];
    const struct ovl_way *ways[NETDEV_MAX_BURST];
    const struct ovl_worker *w = fast->worker;
    uint32_t vnis[NETDEV_MAX_BURST];
    uint64_t macs[NETDEV_MAX_BURST];
    uint8_t numbers[NETDEV_MAX_BURST];
    size_t n = 0;

    for (size_t i = 0; i < asked->n; i++) {
        vnis[i] = fast->net->vni;
        ips[i] = &asked->ips[i];
    }
    ovl_neighbor_lookup_bulk(w->fwd, w->version, vnis, ips, asked->n, owners);
    for (size_t i = 0; i < asked->n; i++) {
        if (!owners[i] && fast->net->neigh_miss_drop) {
            ovl_fast_drop(fast, &fast->ways[asked->ways[i]],
                          OVL_DROP_NEIGH_MISS);
        } else if (owners[i] && !owners[i]->shared) {
            macs[n] = ovl_mac_bits(owners[i]->mac);
            numbers[n] = i;
            n += macs[n] != asked->by[i];
        }
    }
    if (!n) {
        return;
    }
    ovl_mac_lookup_bulk(w->fwd, w->version, vnis, macs, n, ways);
    for (size_t i = 0; i < n; i++) {
        uint8_t number = asked->ways[numbers[i]];

        if (!ways[i] || ways[i]->port != fast->in) {
            fast->ways[number].kind = OVL_FAST_ANSWERED;
            ovl_fast_set_port(&fast->ways[number], fast->in,
                              OVL_FAST_ANY_LEN);
            ovl_mac_from_bits(macs[i], &fast->rewrites[number].macs[1]);
        }
    }
}
