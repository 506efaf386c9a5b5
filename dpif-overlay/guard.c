/* SPDX-License-Identifier: Apache-2.0 */

/* A guest may speak as the addresses that its port's binding lists, and as no
 * router.  What cannot be checked does not pass.
 *
 * Besides the list a guest needs: 0.0.0.0 to ask for an address (DHCP) and
 * to probe for one (ARP), the unspecified address to detect duplicates and
 * to report multicast groups, and, if it has IPv6 at all, link-local
 * addresses that nobody else has.
 *
 * Prefix: ovl_guard_. */

#include <config.h>

#include "guard.h"
#include "pipeline-trace.h"

/* RFC 2131 section 4.1. */
#define DHCP_SERVER_PORT 67
#define DHCP_CLIENT_PORT 68

/* RFC 2710, RFC 3810. */
#define MLD_REPORT 131
#define MLD_DONE 132
#define MLD2_REPORT 143

/* RFC 1122 section 3.2.1.3: what no host has.  The broadcast address of a
 * subnet is known from the gateway's prefix. */
static bool
is_host_address(const struct ovl_network *net, ovs_be32 ip)
{
    uint32_t host = ntohl(ip);

    if (ovl_ip4_is_martian(host)) {
        return false;
    }
    for (size_t i = 0; i < net->n_gateways; i++) {
        const struct ovl_gateway *gw = &net->gateways[i];

        /* RFC 3021: a /31 has no broadcast address. */
        if (ovl_ip_is_v4(&gw->ip) && gw->plen >= 96 && gw->plen <= 96 + 30) {
            uint32_t mask = (uint32_t) (UINT64_MAX << (128 - gw->plen));
            uint32_t gw_ip = ntohl(in6_addr_get_mapped_ipv4(&gw->ip));

            if (host == (gw_ip | ~mask)) {
                return false;
            }
        }
    }
    return true;
}

enum ovl_drop_reason
ovl_guard_arp(const struct ovl_network *net, const struct ovl_pkt_arp *arp)
{
    switch (arp->status) {
    case OVL_ARP_MALFORMED:
        return OVL_DROP_ARP_MALFORMED;
    case OVL_ARP_BAD_OP:
        return OVL_DROP_ARP_BAD_OP;
    case OVL_ARP_OK:
        break;
    }

    /* RFC 5227 section 1.1: a probe is a request from 0.0.0.0, and what
     * answers it is to 0.0.0.0. */
    bool request = arp->op == ARP_OP_REQUEST;
    if (!(is_host_address(net, arp->spa) || (request && !arp->spa))
        || !(is_host_address(net, arp->tpa) || (!request && !arp->tpa))) {
        return OVL_DROP_ARP_BAD_ADDRESS;
    }
    return OVL_NO_DROP;
}

/* Returns whether an IPv6 address is the sender's to use.  'guard' lists some
 * IP. */
static bool
may_use_ip6(const struct ovl_arrival *a, const struct ovl_guard *guard,
            const struct in6_addr *ip)
{
    const struct ovl_worker *w = a->worker;

    if (ovl_ip_is_v4(ip)) {
        /* ::ffff:0:0/96 on the wire is not the IPv4 address. */
        return false;
    } else if (ovl_guard_allows(guard, ip)) {
        return true;
    } else if (!guard->has_v6 || !IN6_IS_ADDR_LINKLOCAL(ip)) {
        return false;
    }

    const struct ovl_owner *n
        = ovl_neighbor_lookup(w->fwd, w->version, a->net->vni, ip);
    return !n || (!n->shared && eth_addr_equals(n->mac, guard->mac));
}

static enum ovl_drop_reason
check_arp_source(const struct ovl_arrival *a, const struct ovl_guard *guard,
                 const struct ovl_pkt *pkt)
{
    const struct ovl_pkt_arp *arp = &pkt->arp;

    if (ovl_mac_bits(arp->sha) != ovl_mac_bits(pkt->src)) {
        return OVL_DROP_ARP_SPOOF;
    } else if (ovl_network_is_gateway4(a->net, arp->spa)) {
        return OVL_DROP_SPOOF_GATEWAY;
    } else if (guard && !guard->any_ip && arp->spa) {
        struct in6_addr spa = in6_addr_mapped_ipv4(arp->spa);

        return (ovl_guard_allows(guard, &spa) ? OVL_NO_DROP
                : OVL_DROP_ARP_SPOOF);
    }
    return OVL_NO_DROP;
}

static enum ovl_drop_reason
check_ipv4_source(const struct ovl_arrival *a, const struct ovl_guard *guard,
                  const struct ovl_pkt *pkt)
{
    const struct ovl_pkt_ip *ip = &pkt->ip;
    bool guarded = guard && !guard->any_ip;

    if (pkt->l3_bad) {
        return guarded ? OVL_DROP_SPOOF_IP : OVL_NO_DROP;
    } else if (ovl_network_is_gateway(a->net, &ip->src)) {
        return OVL_DROP_SPOOF_GATEWAY;
    } else if (!guarded || ovl_guard_allows(guard, &ip->src)) {
        return OVL_NO_DROP;
    }

    bool dhcp = (in6_addr_get_mapped_ipv4(&ip->src) == htonl(INADDR_ANY)
                 && in6_addr_get_mapped_ipv4(&ip->dst)
                    == htonl(INADDR_BROADCAST)
                 && ip->proto == IPPROTO_UDP
                 && ip->sport == htons(DHCP_CLIENT_PORT)
                 && ip->dport == htons(DHCP_SERVER_PORT));
    return dhcp ? OVL_NO_DROP : OVL_DROP_SPOOF_IP;
}

/* True if 'ip' is from :: as hosts without an address send it: duplicate
 * address detection (RFC 4862 section 5.4.2), multicast listener reports
 * (RFC 3590). */
static bool
may_be_unspecified(const struct ovl_pkt_ip *ip)
{
    bool mld = (ip->ttl == 1 && ip->proto == IPPROTO_ICMPV6
                && (ip->icmp6_type == MLD_REPORT
                    || ip->icmp6_type == MLD_DONE
                    || ip->icmp6_type == MLD2_REPORT));
    bool dad = ip->nd.status == OVL_ND_OK && ip->nd.type == OVL_ND_NS;

    return mld || dad;
}

/* ND claims: an NA says where its target is, the other messages where their
 * source is. */
static enum ovl_drop_reason
check_nd_claims(const struct ovl_arrival *a, const struct ovl_guard *guard,
                const struct ovl_pkt *pkt)
{
    const struct ovl_pkt_nd *nd = &pkt->ip.nd;

    if (nd->type == OVL_ND_NA && ovl_network_is_gateway(a->net, &nd->target)) {
        return OVL_DROP_SPOOF_GATEWAY;
    } else if (!guard) {
        return OVL_NO_DROP;
    }

    if (nd->type != OVL_ND_REDIRECT
        && (nd->odd_lla
            || (nd->has_lla && !eth_addr_equals(nd->lla, pkt->src)))) {
        return OVL_DROP_ND_SPOOF;
    } else if (nd->type == OVL_ND_NA && !guard->any_ip
               && !may_use_ip6(a, guard, &nd->target)) {
        return OVL_DROP_ND_SPOOF;
    }
    return OVL_NO_DROP;
}

static enum ovl_drop_reason
check_ipv6_source(const struct ovl_arrival *a, const struct ovl_guard *guard,
                  const struct ovl_pkt *pkt)
{
    const struct ovl_pkt_ip *ip = &pkt->ip;
    bool guarded = guard && !guard->any_ip;

    if (pkt->l3_bad) {
        return guarded ? OVL_DROP_SPOOF_IP : OVL_NO_DROP;
    }

    bool nd = ip->nd.status == OVL_ND_OK;
    if (ovl_network_is_gateway(a->net, &ip->src)) {
        return OVL_DROP_SPOOF_GATEWAY;
    } else if (guarded
               && (ipv6_addr_is_set(&ip->src)
                   ? !may_use_ip6(a, guard, &ip->src)
                   : !may_be_unspecified(ip))) {
        return nd ? OVL_DROP_ND_SPOOF : OVL_DROP_SPOOF_IP;
    }
    return nd ? check_nd_claims(a, guard, pkt) : OVL_NO_DROP;
}

enum ovl_drop_reason
ovl_guard_source(const struct ovl_arrival *a, const struct ovl_pkt *pkt)
{
    const struct ovl_guard *guard = NULL;

    if (ovl_network_is_router(a->net, pkt->src)) {
        return OVL_DROP_SPOOF_GATEWAY;
    }
    if (a->binding->guarded) {
        guard = ovl_binding_find_guard(a->binding, pkt->src);
        OVL_TRACE(a->worker->trace,
                  "guard: (%s, "ETH_ADDR_FMT") -> %s", a->in->name,
                  ETH_ADDR_ARGS(pkt->src),
                  !guard ? "none"
                  : guard->any_ip ? "any IP" : "listed IPs only");
        if (!guard) {
            return OVL_DROP_SPOOF_MAC;
        }
    } else {
        OVL_TRACE(a->worker->trace, "guard: %s is not guarded", a->in->name);
    }

    switch (pkt->l3) {
    case OVL_L3_ARP:
        return check_arp_source(a, guard, pkt);
    case OVL_L3_IPV4:
        return check_ipv4_source(a, guard, pkt);
    case OVL_L3_IPV6:
        return check_ipv6_source(a, guard, pkt);
    case OVL_L3_OTHER:
        break;
    }
    return OVL_NO_DROP;
}
