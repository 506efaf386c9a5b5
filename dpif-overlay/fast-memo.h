/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_FAST_MEMO_H
#define OVL_FAST_MEMO_H 1

/* What a worker's fast path found out in earlier bursts, as long as the
 * version of the tables lasts: what is in force in a version stays in memory
 * until readers have left it, and what it leads to as well.
 *
 * Each array is a cache of one way: what is at its place may be something
 * else.  What is all zero says nothing.
 *
 * Thread-safety: its worker's thread only.
 *
 * Layer 2. */

#include "fib.h"
#include "forwarding.h"

/* A VLAN of an L2 gateway port, in two cache lines: what nearly all its
 * packets need of its network and of its VRF. */
struct ovl_known_vlan {
    ovs_version_t version;
    uint32_t port;              /* Its id; 0: none. */

    uint32_t vni, traffic;      /* Of 'net', */
    ovs_be32 gateway4;          /* likewise, */
    uint16_t mtu;
    uint8_t n_gateways4;
    bool has_routes;            /* 'fib' is one. */
    uint64_t router;            /* the ovl_mac_bits() of its router, or
                                 * UINT64_MAX if it has none. */
    const struct ovl_network *net;

    /* The last speaker over IPv4, as in struct ovl_known_port. */
    uint64_t mac4;
    uint32_t ip4;
    bool routed4;

    uint8_t pad[3];
    struct ovl_fib_head fib;
};
BUILD_ASSERT_DECL(offsetof(struct ovl_known_vlan, fib) == CACHE_LINE_SIZE);

/* What a route to one next hop leads to. */
struct ovl_known_hop {
    uint64_t tag;               /* Version and number of the route. */

    /* One of these. */
    const struct ovl_adjacency *adj;
    struct ovl_lport *port;

    unsigned int changes;       /* ovl_adjacency_changes() before 'adj'. */
    uint32_t tunnel;            /* 'traffic' of the VTEP of 'adj'. */
    uint32_t vni, traffic;      /* Of the network of the next hop, */
    uint16_t mtu;               /* likewise. */
    struct eth_addr macs[2];    /* Of the next hop, and of its router. */
    uint8_t pad[10];
};
BUILD_ASSERT_DECL(sizeof(struct ovl_known_hop) == CACHE_LINE_SIZE);

/* Powers of 2. */
#define OVL_N_KNOWN_VLANS 16384
#define OVL_N_KNOWN_HOPS 8192

BUILD_ASSERT_DECL(OVL_N_KNOWN_VLANS % OVL_N_VLANS == 0);

struct ovl_memo {
    struct ovl_known_vlan vlans[OVL_N_KNOWN_VLANS];
    struct ovl_known_hop hops[OVL_N_KNOWN_HOPS];
};

/* Returns where VLAN 'vlan' of port 'port' is if it is known.  What is there
 * of this port is this VLAN. */
static inline struct ovl_known_vlan *
ovl_memo_vlan(struct ovl_memo *memo, uint32_t port, uint16_t vlan)
{
    return &memo->vlans[(port * OVL_N_VLANS + vlan) % OVL_N_KNOWN_VLANS];
}

/* Returns where route number 'number' is if it is known. */
static inline struct ovl_known_hop *
ovl_memo_hop(struct ovl_memo *memo, uint32_t number)
{
    return &memo->hops[number % OVL_N_KNOWN_HOPS];
}

/* The tag of a route there.  Numbers of routes have 24 bits. */
static inline uint64_t
ovl_known_hop_tag(ovs_version_t version, uint32_t number)
{
    return (uint64_t) version << 24 | number;
}

static inline uint32_t
ovl_known_hop_route(const struct ovl_known_hop *hop)
{
    return hop->tag & 0xffffff;
}

/* Makes an empty one near NUMA node 'numa_id', or anywhere. */
struct ovl_memo *ovl_memo_create(int numa_id);
/* NULL is fine. */
void ovl_memo_destroy(struct ovl_memo *);

#endif /* fast-memo.h */
