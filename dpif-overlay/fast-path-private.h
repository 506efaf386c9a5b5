/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_FAST_PATH_PRIVATE_H
#define OVL_FAST_PATH_PRIVATE_H 1

/* What the files of the fast path share.
 *
 * Layer 2. */

#include "fast-memo.h"
#include "fast-path.h"
#include "flow-hash.h"
#include "pkt-parse-fast.h"
#include "vxlan.h"

/* No MAC's bits. */
#define OVL_FAST_NO_MAC UINT64_MAX

/* Who routes. */
struct ovl_fast_from {
    const struct ovl_network *net;      /* Of the packet, */
    ovs_be32 gateway4;          /* the same as there, */
    uint8_t n_gateways4;        /* likewise. */
    const struct ovl_fib *fib;  /* Of its VRF; NULL: none. */
    bool routed;                /* What is from the packet's source is. */
};

/* Destinations of packets that the router gets.  A destination that was that
 * of the packet before is looked up once. */
struct ovl_fast_routed {
    size_t n;
    const struct ovl_fib *fibs[NETDEV_MAX_BURST];
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
    fast->ways[i].limit = 0;
    return i;
}

/* For any frame; the longest of all is left to the passes. */
#define OVL_FAST_ANY_LEN UINT16_MAX

/* The limit of frames with up to 'mtu' bytes behind their Ethernet header; 0:
 * any. */
static inline uint16_t
ovl_fast_limit(uint16_t mtu)
{
    return (mtu ? MIN(ETH_HEADER_LEN + mtu + 1, OVL_FAST_ANY_LEN)
            : OVL_FAST_ANY_LEN);
}

/* Has what goes 'way' dropped. */
static inline void
ovl_fast_drop(struct ovl_fast *fast, struct ovl_fast_way *way,
              enum ovl_drop_reason reason)
{
    fast->plain = false;
    way->kind = OVL_FAST_DROPPED;
    way->reason = reason;
    way->adj = NULL;
    way->limit = OVL_FAST_ANY_LEN;
}

/* Has what goes 'way' leave through 'port', plain, as far as it is shorter
 * than 'limit'. */
static inline void
ovl_fast_set_port(struct ovl_fast_way *way, struct ovl_lport *port,
                  uint16_t limit)
{
    way->limit = ovl_lport_is_alive(port) ? limit : 0;
    way->port = port;
    way->adj = NULL;
}

/* The same through the tunnel 'adj', as far as it fits there, too. */
static inline void
ovl_fast_set_tunnel(const struct ovl_worker *worker, struct ovl_fast_way *way,
                    const struct ovl_adjacency *adj, uint16_t limit)
{
    way->limit = ovl_lport_is_alive(adj->port) ? MIN(limit, adj->limit) : 0;
    way->headroom = adj->ipv6 ? UINT16_MAX : OVL_VXLAN_LEN4;
    way->port = adj->port;
    way->adj = adj;
    way->sent = ovl_shard_cells(worker->shard, adj->traffic + OVL_TX_PACKETS);
    OVS_PREFETCH_WRITE(way->sent);
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

/* The same for an IPv4 source in 'net': RFC 1812 sections 5.3.7 and
 * 4.2.2.11. */
static inline bool
ovl_fast_is_routed4(const struct ovl_network *net, ovs_be32 ip4)
{
    struct in6_addr ip = ovl_fast_map_ip4(ip4);

    return (!ovl_ip4_is_martian(ntohl(ip4))
            && !ovl_network_is_broadcast(net, &ip));
}

static inline uint64_t
ovl_fast_router_of(const struct ovl_network *net)
{
    return (net->has_router ? ovl_mac_bits(net->router_mac)
            : OVL_FAST_NO_MAC);
}

static inline uint32_t
ovl_fast_hash_flow(const struct ovl_fast_pkt *pkt)
{
    return (OVS_LIKELY(!pkt->ipv6)
            ? ovl_flow_hash_ip4(ovl_fast_be32(pkt->ip_src),
                                ovl_fast_be32(pkt->ip_dst), pkt->proto,
                                pkt->ports)
            : ovl_flow_hash_ip6(pkt->ip_src, pkt->ip_dst, pkt->proto,
                                pkt->ports));
}

/* Fetches the adjacencies that the 'n' ways 'found' lead to, as far as there
 * are any. */
static inline void
ovl_fast_fetch_adjacencies(const struct ovl_way *const found[], size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct ovl_adjacency *adj
            = (OVS_LIKELY(found[i])
               ? ovsrcu_get(struct ovl_adjacency *, &found[i]->adj) : NULL);

        if (OVS_LIKELY(adj)) {
            OVS_PREFETCH(adj);
        }
    }
}

/* True if 'pkt', from MAC 'src' in 'net', is from somebody who may speak on
 * the port of 'binding'. */
bool ovl_fast_may_speak(const struct ovl_binding *binding,
                        const struct ovl_network *net,
                        const struct ovl_fast_pkt *, struct eth_addr src);

/* Decides for those of the 'n' packets from the gateway port of 'binding' that
 * are tagged.  The worker has a memo. */
void ovl_fast_decide_vlans(struct ovl_fast *,
                           const struct ovl_binding *binding,
                           struct dp_packet *const packets[], size_t n);

/* Wants a route for a packet that ovl_fast_parse() has taken if it is one for
 * the fast path: then completes 'item', or else leaves it.  It is 'from' to
 * the router there, and 'item->len' bytes long, of which those from the
 * EtherType on are where they are in a frame at 'data'. */
void ovl_fast_want_route(struct ovl_fast *, struct ovl_fast_routed *,
                         const struct ovl_fast_from *from,
                         const uint8_t *data, bool ipv6,
                         struct ovl_fast_item *item);

/* Fills in the ways of all destinations, of which there is one at least. */
void ovl_fast_find_routes(struct ovl_fast *, const struct ovl_fast_routed *);

/* Wants an answer to the ARP request 'pkt', in the network of 'known',
 * likewise. */
void ovl_fast_want_answer(struct ovl_fast *, struct ovl_fast_asked *,
                          const struct ovl_known_port *known,
                          const struct ovl_fast_pkt *pkt,
                          struct ovl_fast_item *item);

/* Fills in the ways of those that are answered.  One is asked for at least. */
void ovl_fast_find_answers(struct ovl_fast *, const struct ovl_fast_asked *);

#endif /* fast-path-private.h */
