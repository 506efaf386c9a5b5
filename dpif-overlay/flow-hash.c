/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: ovl_flow_. */

#include <config.h>

#include "flow-hash.h"

#include "random.h"

/* Until somebody makes it a secret. */
struct ovl_flow_secret ovl_flow_secret = {
    { 0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9, 0x94d049bb133111eb }
};

void
ovl_flow_hash_init(void)
{
    random_init();
    for (size_t i = 0; i < ARRAY_SIZE(ovl_flow_secret.words); i++) {
        ovl_flow_secret.words[i] = random_uint64() | 1;
    }
}

uint32_t
ovl_flow_hash(const struct ovl_pkt *pkt)
{
    const struct ovl_pkt_ip *ip = &pkt->ip;
    uint32_t ports = 0;

    if ((pkt->l3 != OVL_L3_IPV4 && pkt->l3 != OVL_L3_IPV6) || pkt->l3_bad) {
        return ovl_flow_hash_finish(
            ovl_flow_fold(ovl_mac_bits(pkt->src) ^ ovl_flow_secret.words[0],
                          ovl_mac_bits(pkt->dst) ^ ovl_flow_secret.words[1]),
            0, ntohs(pkt->type));
    }

    /* In the order in which they are on the wire. */
    memcpy(&ports, &ip->sport, sizeof ip->sport);
    memcpy((uint8_t *) &ports + sizeof ip->sport, &ip->dport,
           sizeof ip->dport);
    if (pkt->l3 == OVL_L3_IPV4) {
        return ovl_flow_hash_ip4(in6_addr_get_mapped_ipv4(&ip->src),
                                 in6_addr_get_mapped_ipv4(&ip->dst),
                                 ip->hash_proto, ports);
    }
    return ovl_flow_hash_ip6(&ip->src, &ip->dst, ip->hash_proto, ports);
}
