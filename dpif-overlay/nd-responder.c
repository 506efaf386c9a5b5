/* SPDX-License-Identifier: Apache-2.0 */

/* RFC 4861 section 7.2.4.  A solicitation from the unspecified address is
 * duplicate address detection: RFC 4862 section 5.4.3 has the answer go to
 * all nodes.  On the link it goes to the one that asked, all the same.
 *
 * Prefix: ovl_nd_. */

#include <config.h>

#include <netinet/icmp6.h>
#include <netinet/ip6.h>

#include "csum.h"
#include "nd-responder.h"
#include "pkt-edit.h"

/* A neighbor advertisement with the one option that it needs. */
struct na {
    struct ovs_nd_msg msg;
    struct ovs_nd_lla_opt tlla;
};
BUILD_ASSERT_DECL(sizeof(struct na) == ND_MSG_LEN + ND_LLA_OPT_LEN);

struct dp_packet *
ovl_nd_advertisement(struct dp_packet *packet, const struct ovl_pkt *ns,
                     struct eth_addr mac, bool router)
{
    bool dad = !ipv6_addr_is_set(&ns->ip.src);
    struct eth_header eth = {
        .eth_dst = ns->src,
        .eth_src = mac,
        .eth_type = htons(ETH_TYPE_IPV6),
    };
    struct ovs_16aligned_ip6_hdr ip = {
        .ip6_plen = htons(sizeof(struct na)),
        .ip6_nxt = IPPROTO_ICMPV6,
        .ip6_hlim = 255,
    };
    struct na na = {
        .msg.icmph.icmp6_type = ND_NEIGHBOR_ADVERT,
        .tlla = { .type = ND_OPT_TARGET_LINKADDR, .len = 1, .mac = mac },
    };
    uint32_t flags = (ND_RSO_OVERRIDE | (router ? ND_RSO_ROUTER : 0)
                      | (dad ? 0 : ND_RSO_SOLICITED));

    /* Not in the initializer: it shares a union with 'ip6_plen'. */
    ip.ip6_vfc = 0x60;
    memcpy(&ip.ip6_src, &ns->ip.nd.target, sizeof ip.ip6_src);
    memcpy(&ip.ip6_dst, dad ? &in6addr_all_hosts : &ns->ip.src,
           sizeof ip.ip6_dst);
    put_16aligned_be32(&na.msg.rso_flags, htonl(flags));
    memcpy(&na.msg.target, &ns->ip.nd.target, sizeof na.msg.target);
    na.msg.icmph.icmp6_cksum
        = packet_csum_upperlayer6(&ip, &na, IPPROTO_ICMPV6, sizeof na);

    packet = ovl_pkt_reuse(packet, sizeof eth + sizeof ip + sizeof na);
    uint8_t *data = ovl_pkt_data(packet);
    memcpy(data, &eth, sizeof eth);
    memcpy(data + sizeof eth, &ip, sizeof ip);
    memcpy(data + sizeof eth + sizeof ip, &na, sizeof na);
    return packet;
}
