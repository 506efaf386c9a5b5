/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_FLOW_HASH_H
#define OVL_FLOW_HASH_H 1

/* A hash of the flow that a packet belongs to, the same for all fragments of
 * a datagram, keyed with a secret of the process: a guest that knew it could
 * put all its flows on one path of the underlay.
 *
 * Each step multiplies to 128 bits and folds them, which on every 64-bit
 * processor is the cheapest thing that mixes all bits.
 *
 * Thread-safety: pure functions, once ovl_flow_hash_init() has returned.
 *
 * Layer 2. */

#include "pkt-parse.h"

struct ovl_flow_secret {
    uint64_t words[3];          /* Odd. */
};
extern struct ovl_flow_secret ovl_flow_secret;

/* Makes the secret.  Before the threads that hash start. */
void ovl_flow_hash_init(void);

/* The hash of 'pkt': of addresses, protocol and ports, with ports of 0 for
 * fragments; of MACs and EtherType if it is not IP. */
uint32_t ovl_flow_hash(const struct ovl_pkt *pkt);

static inline uint64_t
ovl_flow_fold(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128) a * b;

    return (uint64_t) (product >> 64) ^ (uint64_t) product;
}

/* The hash of what 'addresses' were folded from, IP protocol 'proto', and
 * 'ports', the first four bytes behind the IP header or 0. */
static inline uint32_t
ovl_flow_hash_finish(uint64_t addresses, uint8_t proto, uint32_t ports)
{
    const uint64_t *secret = ovl_flow_secret.words;
    uint64_t l4 = (uint64_t) proto << 32 | ports;

    return ovl_flow_fold(addresses ^ secret[1], l4 ^ secret[2]) >> 32;
}

/* The same for IPv4 addresses. */
static inline uint32_t
ovl_flow_hash_ip4(ovs_be32 src, ovs_be32 dst, uint8_t proto, uint32_t ports)
{
    uint64_t both = (OVS_FORCE uint64_t) dst << 32 | (OVS_FORCE uint32_t) src;

    return ovl_flow_hash_finish(both * ovl_flow_secret.words[0], proto,
                                ports);
}

/* The same for IPv6 addresses, of 16 bytes each. */
static inline uint32_t
ovl_flow_hash_ip6(const void *src, const void *dst, uint8_t proto,
                  uint32_t ports)
{
    const uint64_t *secret = ovl_flow_secret.words;
    uint64_t s[2], d[2];

    memcpy(s, src, sizeof s);
    memcpy(d, dst, sizeof d);
    return ovl_flow_hash_finish(ovl_flow_fold(s[0] ^ secret[0],
                                              s[1] ^ secret[1])
                                + ovl_flow_fold(d[0] ^ secret[1],
                                                d[1] ^ secret[2]),
                                proto, ports);
}

#endif /* flow-hash.h */
