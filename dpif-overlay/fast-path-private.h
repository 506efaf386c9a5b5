/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_FAST_PATH_PRIVATE_H
#define OVL_FAST_PATH_PRIVATE_H 1

/* What the files of the fast path share.
 *
 * Layer 2. */

#include "fast-path.h"
#include "pkt-parse-fast.h"

/* Destinations of packets that the router gets.  A destination that was that
 * of the packet before is looked up once. */
struct ovl_fast_routed {
    size_t n;
    struct in6_addr ips[NETDEV_MAX_BURST];
    uint8_t ways[NETDEV_MAX_BURST];     /* Which they have of the burst's. */
};

/* Neighbors that are asked for, likewise. */
struct ovl_fast_asked {
    size_t n;
    struct in6_addr ips[NETDEV_MAX_BURST];
    uint64_t by[NETDEV_MAX_BURST];      /* ovl_mac_bits() of who asks. */
    uint8_t ways[NETDEV_MAX_BURST];
};

/* Gives one of the burst's ways: those of bridged packets grow from the other
 * end, and there is one for each packet. */
static inline uint8_t
ovl_fast_new_way(struct ovl_fast *fast)
{
    size_t i = NETDEV_MAX_BURST - ++fast->n_other;

    fast->plain = false;
    fast->ways[i].port = NULL;
    return i;
}

/* Has what goes 'way' dropped. */
static inline void
ovl_fast_drop(struct ovl_fast *fast, struct ovl_fast_way *way,
              enum ovl_drop_reason reason)
{
    fast->plain = false;
    way->kind = OVL_FAST_DROPPED;
    way->reason = reason;
    way->port = fast->in;       /* Any will do. */
    way->adj = NULL;
    way->max_len = UINT16_MAX;
}

/* in6_addr_mapped_ipv4() writes in pieces, and what was is slow to read as a
 * whole for a while. */
static inline struct in6_addr
ovl_fast_map_ip4(ovs_be32 ip4)
{
    const ovs_be32 words[4] = { 0, 0, htonl(0xffff), ip4 };
    struct in6_addr ip;

    memcpy(&ip, words, sizeof ip);
    return ip;
}

/* True if the IPv6 address at 'ip' may be that of either end of a packet that
 * is routed: RFC 4291 sections 2.5.2, 2.5.3, 2.5.5, 2.5.6 and 2.7. */
static inline bool
ovl_fast_is_routed6(const uint8_t *wire)
{
    struct in6_addr ip;

    memcpy(&ip, wire, sizeof ip);
    return !(ipv6_addr_is_multicast(&ip) || IN6_IS_ADDR_LINKLOCAL(&ip)
             || !ipv6_addr_is_set(&ip) || IN6_IS_ADDR_LOOPBACK(&ip)
             || ovl_ip_is_v4(&ip));
}

/* Gives the adjacencies that the 'n' ways 'found' lead to, as far as there are
 * any, on their way into the cache. */
static inline void
ovl_fast_get_adjacencies(const struct ovl_worker *worker,
                         const struct ovl_way *const found[], size_t n,
                         const struct ovl_adjacency *adjs[])
{
    for (size_t i = 0; i < n; i++) {
        adjs[i] = NULL;
        if (found[i] && found[i]->vtep) {
            adjs[i] = ovsrcu_get(struct ovl_adjacency *,
                                 &found[i]->vtep->adj);
            OVS_PREFETCH(adjs[i]);
            ovl_counter_prefetch(worker->shard, found[i]->vtep->traffic);
        }
    }
}

/* Returns false if the packet 'pkt', at 'data' and 'item->len' bytes long, to
 * the router of the network of 'known', is not for the fast path.  Or else
 * wants a route for it, and completes 'item'. */
bool ovl_fast_want_route(struct ovl_fast *, struct ovl_fast_routed *,
                         const struct ovl_known_port *known,
                         const uint8_t *data, const struct ovl_fast_pkt *pkt,
                         struct ovl_fast_item *item);

/* Fills in the ways of all destinations, of which there is one at least. */
void ovl_fast_find_routes(struct ovl_fast *, const struct ovl_known_port *,
                          const struct ovl_fast_routed *);

/* Likewise for an ARP request, 'pkt', in the network of 'known'. */
bool ovl_fast_want_answer(struct ovl_fast *, struct ovl_fast_asked *,
                          const struct ovl_known_port *known,
                          const struct ovl_fast_pkt *pkt,
                          struct ovl_fast_item *item);

/* Fills in the ways of those that are answered.  One is asked for at least. */
void ovl_fast_find_answers(struct ovl_fast *, const struct ovl_fast_asked *);

#endif /* fast-path-private.h */
