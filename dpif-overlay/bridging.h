/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_BRIDGING_H
#define OVL_BRIDGING_H 1

/* Where a frame goes inside its network.
 *
 * Thread-safety: packet threads, in an RCU critical section.
 *
 * Layer 2. */

#include "pipeline-trace.h"
#include "verdict.h"

/* Sends a frame to all of 'a->net', if there is anybody. */
struct ovl_verdict ovl_bridge_flood(const struct ovl_arrival *a);

/* Decides who decides by the destination MAC of 'pkt' in 'a->net': to all, the
 * router, or the MAC table. */
static inline struct ovl_verdict
ovl_bridge(const struct ovl_arrival *a, const struct ovl_pkt *pkt)
{
    const struct ovl_network *net = a->net;

    if (eth_addr_is_multicast(pkt->dst)) {
        return ovl_bridge_flood(a);
    } else if (ovl_network_is_router(net, pkt->dst)) {
        OVL_TRACE(a->worker->trace, "networks: %"PRIu32" -> "ETH_ADDR_FMT" is "
                  "its router MAC", net->vni, ETH_ADDR_ARGS(pkt->dst));
        return (struct ovl_verdict) {
            .kind = OVL_VERDICT_ROUTER, .port = NULL
        };
    }
    return (struct ovl_verdict) { .kind = OVL_VERDICT_BRIDGE, .port = NULL };
}

/* Decides by 'mac', which is what the MAC table says of that MAC, NULL if it
 * has none. */
struct ovl_verdict ovl_bridge_finish(const struct ovl_arrival *a,
                                     const struct ovl_pkt *pkt,
                                     const struct ovl_way *way);

/* The largest layer-3 packet of 'net' that 'adj' takes. */
static inline uint16_t
ovl_bridge_mtu(const struct ovl_network *net, const struct ovl_adjacency *adj)
{
    return net->mtu ? MIN(net->mtu, adj->mtu) : adj->mtu;
}

/* Returns why nothing can go to 'vtep' in 'net', or OVL_NO_DROP, the way there
 * in '*adj', and the largest layer-3 packet that it takes in '*mtu'. */
enum ovl_drop_reason ovl_bridge_get_adjacency(
    const struct ovl_arrival *a, const struct ovl_vtep *vtep,
    const struct ovl_network *net, const struct ovl_adjacency **adj,
    uint16_t *mtu);

/* Returns why a frame with 'l3_len' bytes behind its Ethernet header cannot
 * go to 'vtep', or OVL_NO_DROP and the way there in '*adj'. */
enum ovl_drop_reason ovl_bridge_to_vtep(const struct ovl_arrival *a,
                                        const struct ovl_vtep *vtep,
                                        size_t l3_len,
                                        const struct ovl_adjacency **adj);

#endif /* bridging.h */
