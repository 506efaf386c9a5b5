/* SPDX-License-Identifier: Apache-2.0 */

/* Decides which ARP and ND requests, router solicitations among them, are
 * answered from the tables.
 *
 * Prefix: ovl_respond. */

#include <config.h>

#include "bridging.h"
#include "pipeline-trace.h"
#include "responder.h"

/* Returns false if 'pkt' does not ask for a neighbor: a reply, an
 * advertisement, an announcement (RFC 5227 section 3: spa == tpa); or if it
 * asks in somebody else's name, which VMs cannot but tunnels could. */
static bool
is_request(const struct ovl_pkt *pkt)
{
    if (pkt->l3 == OVL_L3_ARP) {
        return (pkt->arp.op == ARP_OP_REQUEST && pkt->arp.spa != pkt->arp.tpa
                && ovl_mac_bits(pkt->arp.sha) == ovl_mac_bits(pkt->src));
    }
    /* ::ffff:0:0/96 on the wire is not the IPv4 address. */
    return (pkt->ip.nd.type == OVL_ND_NS
            && !ovl_ip_is_v4(&pkt->ip.nd.target)
            && !ipv6_addr_equals(&pkt->ip.nd.target, &pkt->ip.src));
}

void
ovl_respond_target(const struct ovl_pkt *pkt, struct in6_addr *target)
{
    if (pkt->l3 == OVL_L3_ARP) {
        in6_addr_set_mapped_ipv4(target, pkt->arp.tpa);
    } else {
        *target = pkt->ip.nd.target;
    }
}

/* Text of that, for OVL_TRACE(). */
#define TARGET_TEXT(PKT) target_text((char [INET6_ADDRSTRLEN]) { "" }, PKT)
static const char *
target_text(char buf[INET6_ADDRSTRLEN], const struct ovl_pkt *pkt)
{
    struct in6_addr target;

    ovl_respond_target(pkt, &target);
    return ovl_ip_text(buf, &target);
}

static bool
is_for_gateway(const struct ovl_network *net, const struct ovl_pkt *pkt)
{
    return (pkt->l3 == OVL_L3_ARP
            ? ovl_network_is_gateway4(net, pkt->arp.tpa)
            : ovl_network_is_gateway(net, &pkt->ip.nd.target));
}

/* RFC 4861 section 4.1: to all routers; whatever a router listens to will
 * do. */
static bool
is_for_router(const struct ovl_network *net, const struct ovl_pkt *pkt)
{
    const struct in6_addr *dst = &pkt->ip.dst;

    if (!eth_addr_is_multicast(pkt->dst)
        && !eth_addr_equals(pkt->dst, net->router_mac)) {
        return false;
    }
    return (ipv6_addr_equals(dst, &in6addr_all_routers)
            || ipv6_addr_equals(dst, &in6addr_all_hosts)
            || ovl_network_is_gateway(net, dst));
}

/* Section 6.2.6. */
static bool
answers_rs(const struct ovl_arrival *a, const struct ovl_pkt *pkt)
{
    const struct ovl_network *net = a->net;
    struct ovl_trace *trace = a->worker->trace;

    if (!net->advertise) {
        OVL_TRACE(trace, "networks: %"PRIu32" -> sends no router "
                  "advertisements", net->vni);
        return false;
    } else if (!is_for_router(net, pkt)) {
        OVL_TRACE(trace, "responder: silent, not for the router of "
                  "%"PRIu32, net->vni);
        return false;
    } else if (a->tunnel && !net->answer_tunnel) {
        OVL_TRACE(trace, "responder: silent, the sender's own hypervisor "
                  "answers");
        return false;
    }
    OVL_TRACE(trace, "networks: %"PRIu32" -> sends router advertisements",
              net->vni);
    OVL_TRACE(trace, "responder: answers, router advertisement");
    return true;
}

/* The answer that what 'pkt' asks for is at 'mac', which belongs to a router
 * or not. */
static struct ovl_verdict
answer(const struct ovl_arrival *a, const struct ovl_pkt *pkt,
       struct eth_addr mac, bool router)
{
    OVL_TRACE(a->worker->trace, "responder: answers, %s is at "ETH_ADDR_FMT,
              TARGET_TEXT(pkt), ETH_ADDR_ARGS(mac));
    a->details->answer.mac = mac;
    a->details->answer.router = router;
    return (struct ovl_verdict) { .kind = OVL_VERDICT_ANSWER };
}

struct ovl_verdict
ovl_respond(const struct ovl_arrival *a, const struct ovl_pkt *pkt)
{
    const struct ovl_network *net = a->net;

    if (pkt->l3 == OVL_L3_IPV6 && pkt->ip.nd.type == OVL_ND_RS) {
        return (answers_rs(a, pkt)
                ? (struct ovl_verdict) { .kind = OVL_VERDICT_ANSWER }
                : ovl_bridge(a, pkt));
    } else if (!is_request(pkt)) {
        return ovl_bridge(a, pkt);
    }

    if (is_for_gateway(net, pkt)) {
        OVL_TRACE(a->worker->trace, "networks: %"PRIu32" -> %s is a gateway "
                  "address", net->vni, TARGET_TEXT(pkt));
        if (!a->tunnel || net->answer_tunnel) {
            return answer(a, pkt, net->router_mac, true);
        }
    } else if (!a->tunnel && eth_addr_is_multicast(pkt->dst)) {
        /* RFC 9161 section 3.2: unicast requests are for the host itself. */
        return (struct ovl_verdict) { .kind = OVL_VERDICT_RESPOND };
    }
    return ovl_bridge(a, pkt);
}

/* Returns whether it is told where 'n' is. */
static bool
answers_for(const struct ovl_arrival *a, const struct ovl_pkt *pkt,
            const struct ovl_owner *n, const struct ovl_way *way)
{
    struct ovl_trace *trace = a->worker->trace;

    if (n->shared) {
        OVL_TRACE(trace, "responder: silent, several MACs claim it");
        return false;
    } else if (!a->net->neigh_suppress) {
        OVL_TRACE(trace, "responder: silent, neigh_suppress=false");
        return false;
    } else if (ovl_mac_bits(n->mac) == ovl_mac_bits(pkt->src)) {
        /* RFC 5227 section 2.1.1: an answer would be a conflict. */
        OVL_TRACE(trace, "responder: silent, the owner asks");
        return false;
    } else if (way && way->port == a->in) {
        OVL_TRACE(trace, "responder: silent, it is behind %s itself",
                  a->in->name);
        return false;
    }
    return true;
}

struct ovl_verdict
ovl_respond_finish(const struct ovl_arrival *a, const struct ovl_pkt *pkt,
                   const struct ovl_owner *n, const struct ovl_way *way)
{
    const struct ovl_network *net = a->net;

    if (!n) {
        OVL_TRACE(a->worker->trace, "neighbors: (%"PRIu32", %s) -> none, "
                  "neigh_miss=%s", net->vni, TARGET_TEXT(pkt),
                  net->neigh_miss_drop ? "drop" : "flood");
        return (net->neigh_miss_drop ? ovl_verdict_drop(OVL_DROP_NEIGH_MISS)
                : ovl_bridge(a, pkt));
    }
    OVL_TRACE(a->worker->trace, "neighbors: (%"PRIu32", %s) -> "
              ETH_ADDR_FMT"%s", net->vni, TARGET_TEXT(pkt),
              ETH_ADDR_ARGS(n->mac), n->shared ? ", shared" : "");
    return (answers_for(a, pkt, n, way)
            ? answer(a, pkt, n->mac, n->router) : ovl_bridge(a, pkt));
}
