/* SPDX-License-Identifier: Apache-2.0 */

/* Reads and writes the messages by which hosts of the underlay find each
 * other.
 *
 * Prefix: ovl_underlay_. */

#include <config.h>

#include "underlay-talk.h"

#include <netinet/icmp6.h>
#include <netinet/ip6.h>

#include "csum.h"
#include "forwarding.h"
#include "pipeline.h"
#include "pkt-edit.h"
#include "pkt-parse.h"
#include "vxlan.h"

/* Hearing. */

static bool
is_host_mac(struct eth_addr mac)
{
    return !eth_addr_is_multicast(mac) && !eth_addr_is_zero(mac);
}

/* RFC 826 updates what it knows about the sender before it looks at the
 * operation. */
static bool
hear_arp(const struct ovl_pkt_arp *arp, struct ovl_heard *heard)
{
    if (arp->status != OVL_ARP_OK || !arp->spa || !is_host_mac(arp->sha)) {
        return false;
    }
    *heard = (struct ovl_heard) {
        .ip = in6_addr_mapped_ipv4(arp->spa), .mac = arp->sha,
        .confirms = true, .overrides = true,
    };
    return true;
}

/* What RFC 4861 has a host note of a message from 'src'. */
static bool
hear_nd(const struct ovl_config *config, const struct in6_addr *src,
        const struct ovl_pkt_nd *nd, struct ovl_heard *heard)
{
    if (nd->status != OVL_ND_OK || nd->odd_lla
        || (nd->has_lla && !is_host_mac(nd->lla))) {
        return false;
    }

    heard->mtu = 0;
    heard->mac = nd->has_lla ? nd->lla : eth_addr_zero;
    heard->confirms = false;
    heard->overrides = true;
    switch (nd->type) {
    case OVL_ND_NA:             /* Section 7.2.5. */
        heard->ip = nd->target;
        heard->confirms = nd->solicited;
        heard->overrides = nd->override;
        break;

    case OVL_ND_NS:             /* Section 7.2.3: if it is for us. */
        if (!nd->has_lla || !ipv6_addr_equals(&nd->target, &config->vtep6)) {
            return false;
        }
        heard->ip = *src;
        break;

    case OVL_ND_RA:             /* Section 6.3.4. */
        if (!nd->has_lla) {
            return false;
        }
        heard->ip = *src;
        break;

    case OVL_ND_RS:
    case OVL_ND_REDIRECT:       /* Routes are the host's business. */
        return false;
    }
    /* ::ffff:0:0/96 on the wire is not the IPv4 address. */
    return !ovl_ip_is_v4(&heard->ip);
}

bool
ovl_underlay_hear(const struct ovl_config *config, const struct ovl_pkt *pkt,
                  struct ovl_heard *heard)
{
    if (pkt->too_short || pkt->l3_bad
        || (pkt->tag != OVL_TAG_NONE && pkt->tag != OVL_TAG_PRIORITY)) {
        return false;   /* A VLAN is another link, the host's business. */
    } else if (pkt->l3 == OVL_L3_ARP) {
        return hear_arp(&pkt->arp, heard);
    } else if (pkt->l3 == OVL_L3_IPV6) {
        return hear_nd(config, &pkt->ip.src, &pkt->ip.nd, heard);
    }
    return false;
}

/* RFC 1191 section 3 has no host go below 68, and RFC 8201 section 4 below
 * 1280; below 576 there is no path, but somebody who would slow us down. */
#define MIN_PATH_MTU4 576
#define MIN_PATH_MTU6 1280

/* True if 'tb' quotes what can have been a packet of ours. */
static bool
is_ours(const struct ovl_worker *w, const struct ovl_pkt *pkt,
        const struct ovl_pkt_too_big *tb)
{
    const struct in6_addr *own = (pkt->l3 == OVL_L3_IPV4 ? &w->config->vtep4
                                  : &w->config->vtep6);

    return (ipv6_addr_equals(&pkt->ip.dst, own)
            && ipv6_addr_equals(&tb->src, own)
            && tb->sport >= OVL_VXLAN_SPORT_MIN && tb->len > tb->mtu
            && (!tb->has_vni
                || (tb->flags == OVL_VXLAN_FLAG_I
                    && ovl_network_lookup(w->fwd, w->version, tb->vni))));
}

enum ovl_mtu_news
ovl_underlay_hear_mtu(const struct ovl_worker *w, const struct ovl_pkt *pkt,
                      const void *frame, struct ovl_heard *heard)
{
    struct ovl_pkt_too_big tb;

    if (pkt->too_short || pkt->tag != OVL_TAG_NONE
        || !ovl_pkt_parse_too_big(frame, pkt, &tb)
        || tb.dport != w->config->vxlan_port) {
        return OVL_MTU_NOTHING;         /* The host's. */
    }

    const struct ovl_vtep *vtep = ovl_vtep_lookup(w->fwd, &tb.dst);
    const struct ovl_adjacency *adj
        = vtep ? ovsrcu_get(struct ovl_adjacency *, &vtep->adj) : NULL;
    bool v4 = pkt->l3 == OVL_L3_IPV4;
    if (!is_ours(w, pkt, &tb) || !adj || !tb.mtu
        || (!v4 && tb.mtu < MIN_PATH_MTU6)) {
        return OVL_MTU_FORGED;
    }
    *heard = (struct ovl_heard) {
        .ip = tb.dst, .mtu = v4 ? MAX(tb.mtu, MIN_PATH_MTU4) : tb.mtu,
    };
    return (heard->mtu < adj->mtu + (v4 ? OVL_VXLAN4_OVERHEAD
                                     : OVL_VXLAN6_OVERHEAD)
            ? OVL_MTU_SMALLER : OVL_MTU_KNOWN);
}

/* Speaking. */

static struct dp_packet *
make_arp(const struct in6_addr *ip, struct eth_addr mac,
         const struct in6_addr *target, const struct eth_addr *to)
{
    struct dp_packet *packet = dp_packet_new(0);

    compose_arp(packet, ARP_OP_REQUEST, mac, eth_addr_zero, true,
                in6_addr_get_mapped_ipv4(ip),
                in6_addr_get_mapped_ipv4(target));
    if (to) {
        /* RFC 1122 section 2.3.2.1: a unicast poll. */
        struct eth_header *eth = dp_packet_eth(packet);
        eth->eth_dst = *to;
    }
    return packet;
}

/* A solicitation or an advertisement with its one option. */
struct nd {
    struct ovs_nd_msg msg;
    struct ovs_nd_lla_opt lla;
};
BUILD_ASSERT_DECL(sizeof(struct nd) == ND_MSG_LEN + ND_LLA_OPT_LEN);

/* Finishes 'nd' and sends it from 'src' at 'mac' to 'dst' at 'to', or, if
 * that is NULL, to the group 'dst'. */
static struct dp_packet *
make_nd(struct nd *nd, const struct in6_addr *src, struct eth_addr mac,
        const struct in6_addr *dst, const struct eth_addr *to)
{
    struct eth_header eth = {
        .eth_src = mac,
        .eth_type = htons(ETH_TYPE_IPV6),
    };
    struct ovs_16aligned_ip6_hdr ip = {
        .ip6_plen = htons(sizeof *nd),
        .ip6_nxt = IPPROTO_ICMPV6,
        .ip6_hlim = 255,        /* RFC 4861 section 7.1. */
    };

    if (to) {
        eth.eth_dst = *to;
    } else {
        ipv6_multicast_to_ethernet(&eth.eth_dst, dst);
    }
    /* Not in the initializer: it shares a union with 'ip6_plen'. */
    ip.ip6_vfc = 0x60;
    memcpy(&ip.ip6_src, src, sizeof ip.ip6_src);
    memcpy(&ip.ip6_dst, dst, sizeof ip.ip6_dst);
    nd->lla.len = 1;
    nd->lla.mac = mac;
    nd->msg.icmph.icmp6_cksum
        = packet_csum_upperlayer6(&ip, nd, IPPROTO_ICMPV6, sizeof *nd);

    struct dp_packet *packet = ovl_pkt_new(sizeof eth + sizeof ip
                                           + sizeof *nd);
    dp_packet_put(packet, &eth, sizeof eth);
    dp_packet_put(packet, &ip, sizeof ip);
    dp_packet_put(packet, nd, sizeof *nd);
    return packet;
}

/* RFC 4861 sections 4.3 and 7.2.2. */
static struct dp_packet *
make_ns(const struct in6_addr *ip, struct eth_addr mac,
        const struct in6_addr *target, const struct eth_addr *to)
{
    struct nd ns = {
        .msg.icmph.icmp6_type = ND_NEIGHBOR_SOLICIT,
        .lla.type = ND_OPT_SOURCE_LINKADDR,
    };
    struct in6_addr group;

    in6_addr_solicited_node(&group, target);
    memcpy(&ns.msg.target, target, sizeof ns.msg.target);
    return make_nd(&ns, ip, mac, to ? target : &group, to);
}

struct dp_packet *
ovl_underlay_ask(const struct in6_addr *ip, struct eth_addr mac,
                 const struct in6_addr *target, const struct eth_addr *to)
{
    if (!ovl_ip_is_v4(target)) {
        return make_ns(ip, mac, target, to);
    }

    return make_arp(ip, mac, target, to);
}

struct dp_packet *
ovl_underlay_announce(const struct in6_addr *ip, struct eth_addr mac)
{
    if (ovl_ip_is_v4(ip)) {
        return make_arp(ip, mac, ip, NULL);     /* RFC 5227 section 3. */
    }

    /* RFC 4861 section 7.2.6: unsolicited, to all nodes, overriding what they
     * know.  Whether the host is a router we do not know; to say that it is
     * not concerns no other address than 'ip'. */
    struct nd na = {
        .msg.icmph.icmp6_type = ND_NEIGHBOR_ADVERT,
        .lla.type = ND_OPT_TARGET_LINKADDR,
    };

    put_16aligned_be32(&na.msg.rso_flags, htonl(ND_RSO_OVERRIDE));
    memcpy(&na.msg.target, ip, sizeof na.msg.target);
    return make_nd(&na, ip, mac, &in6addr_all_hosts, NULL);
}
