/* SPDX-License-Identifier: Apache-2.0 */

/* Prebuilt outer headers: Ethernet, IPv4 or IPv6, UDP. */

#include <config.h>

#include "adjacency.h"

#include "csum.h"
#include "dense-memory.h"
#include "util.h"

static uint8_t *
put(uint8_t *p, const void *header, size_t len)
{
    memcpy(p, header, len);
    return p + len;
}

static uint8_t *
put_ipv4(uint8_t *p, const struct ovl_outer_spec *spec, uint16_t *ip_sum)
{
    struct ip_header ip = {
        .ip_ihl_ver = IP_IHL_VER(5, 4),
        /* RFC 7348 section 4.3: VTEPs must not fragment.  RFC 6864 section
         * 4.1: with DF, the identification may be constant. */
        .ip_frag_off = htons(IP_DONT_FRAGMENT),
        .ip_ttl = spec->ttl,
        .ip_proto = IPPROTO_UDP,
    };

    put_16aligned_be32(&ip.ip_src, in6_addr_get_mapped_ipv4(&spec->ip_src));
    put_16aligned_be32(&ip.ip_dst, in6_addr_get_mapped_ipv4(&spec->ip_dst));
    *ip_sum = ~ntohs(csum(&ip, sizeof ip));
    return put(p, &ip, sizeof ip);
}

static uint8_t *
put_ipv6(uint8_t *p, const struct ovl_outer_spec *spec)
{
    struct ovs_16aligned_ip6_hdr ip6;

    memset(&ip6, 0, sizeof ip6);
    ip6.ip6_ctlun.ip6_un2_vfc = 6 << 4;
    ip6.ip6_ctlun.ip6_un1.ip6_un1_nxt = IPPROTO_UDP;
    ip6.ip6_ctlun.ip6_un1.ip6_un1_hlim = spec->ttl;
    memcpy(&ip6.ip6_src, &spec->ip_src, sizeof ip6.ip6_src);
    memcpy(&ip6.ip6_dst, &spec->ip_dst, sizeof ip6.ip6_dst);
    return put(p, &ip6, sizeof ip6);
}

struct ovl_adjacency *
ovl_adjacency_create(struct ovl_lport *port,
                     const struct ovl_outer_spec *spec)
{
    struct ovl_adjacency *adj = ovl_dense_zalloc(sizeof *adj);
    bool ipv6 = !ovl_ip_is_v4(&spec->ip_dst);
    uint16_t overhead = ipv6 ? OVL_VXLAN6_OVERHEAD : OVL_VXLAN4_OVERHEAD;

    adj->port = ovl_lport_ref(port);
    adj->ipv6 = ipv6;
    uint16_t mtu = spec->mtu > overhead ? spec->mtu : OVL_OUTER_MTU_MAX;
    adj->mtu = MIN(mtu, OVL_OUTER_MTU_MAX) - overhead;
    adj->limit = ETH_HEADER_LEN + adj->mtu + 1;

    struct eth_header eth = {
        .eth_dst = spec->dst,
        .eth_src = spec->src,
        .eth_type = htons(ipv6 ? ETH_TYPE_IPV6 : ETH_TYPE_IP),
    };
    uint8_t *p = put(adj->header, &eth, sizeof eth);
    p = ipv6 ? put_ipv6(p, spec) : put_ipv4(p, spec, &adj->ip_sum);

    struct udp_header udp = { .udp_dst = htons(spec->vxlan_port) };
    put(p, &udp, sizeof udp);
    return adj;
}

bool
ovl_adjacency_equals(const struct ovl_adjacency *a,
                     const struct ovl_adjacency *b)
{
    if (!a || !b) {
        return a == b;
    }
    return (a->port == b->port && a->mtu == b->mtu && a->ipv6 == b->ipv6
            && !memcmp(a->header, b->header, sizeof a->header));
}
