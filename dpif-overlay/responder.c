/* SPDX-License-Identifier: Apache-2.0 */

/* Decides which ARP and ND requests, router solicitations among them, are
 * answered from the tables.
 *
 * Prefix: ovl_respond. */

#include <config.h>

#include "pipeline-trace.h"
#include "responder.h"

/* Finds out what 'pkt' asks for.  Returns false if it does not ask: a reply,
 * an advertisement, an announcement (RFC 5227 section 3: spa == tpa); or if
 * it asks in somebody else's name, which VMs cannot but tunnels could. */
static bool
get_target(const struct ovl_pkt *pkt, struct in6_addr *target)
{
    if (pkt->l3 == OVL_L3_ARP) {
        *target = in6_addr_mapped_ipv4(pkt->arp.tpa);
        return (pkt->arp.op == ARP_OP_REQUEST && pkt->arp.spa != pkt->arp.tpa
                && eth_addr_equals(pkt->arp.sha, pkt->src));
    } else if (pkt->l3 == OVL_L3_IPV6 && !pkt->l3_bad
               && pkt->ip.nd.status == OVL_ND_OK
               && pkt->ip.nd.type == OVL_ND_NS) {
        /* ::ffff:0:0/96 on the wire is not the IPv4 address. */
        *target = pkt->ip.nd.target;
        return (!ovl_ip_is_v4(target)
                && !ipv6_addr_equals(target, &pkt->ip.src));
    }
    return false;
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
static enum ovl_response
respond_to_rs(const struct ovl_arrival *a, const struct ovl_pkt *pkt)
{
    const struct ovl_network *net = a->net;
    struct ovl_trace *trace = a->worker->trace;

    if (!net->advertise) {
        OVL_TRACE(trace, "networks: %"PRIu32" -> sends no router "
                  "advertisements", net->vni);
        return OVL_RESPONSE_NONE;
    } else if (!is_for_router(net, pkt)) {
        OVL_TRACE(trace, "responder: silent, not for the router of "
                  "%"PRIu32, net->vni);
        return OVL_RESPONSE_NONE;
    } else if (a->tunnel && !net->answer_tunnel) {
        OVL_TRACE(trace, "responder: silent, the sender's own hypervisor "
                  "answers");
        return OVL_RESPONSE_NONE;
    }
    OVL_TRACE(trace, "networks: %"PRIu32" -> sends router advertisements",
              net->vni);
    OVL_TRACE(trace, "responder: answers, router advertisement");
    return OVL_RESPONSE_ANSWER;
}

static enum ovl_response
respond_for_neighbor(const struct ovl_arrival *a, const struct ovl_pkt *pkt,
                     const struct in6_addr *target, struct ovl_answer *answer)
{
    const struct ovl_worker *w = a->worker;
    const struct ovl_network *net = a->net;
    const struct ovl_neighbor *n
        = ovl_neighbor_lookup(w->fwd, w->version, net->vni, target);

    if (!n) {
        OVL_TRACE(w->trace, "neighbors: (%"PRIu32", %s) -> none, "
                  "neigh_miss=%s", net->vni, OVL_IP_TEXT(target),
                  net->neigh_miss_drop ? "drop" : "flood");
        return net->neigh_miss_drop ? OVL_RESPONSE_DROP : OVL_RESPONSE_NONE;
    }
    OVL_TRACE(w->trace, "neighbors: (%"PRIu32", %s) -> "ETH_ADDR_FMT"%s",
              net->vni, OVL_IP_TEXT(target), ETH_ADDR_ARGS(n->mac),
              n->shared ? ", shared" : "");
    if (n->shared) {
        OVL_TRACE(w->trace, "responder: silent, several MACs claim it");
        return OVL_RESPONSE_NONE;
    } else if (!net->neigh_suppress) {
        OVL_TRACE(w->trace, "responder: silent, neigh_suppress=false");
        return OVL_RESPONSE_NONE;
    } else if (eth_addr_equals(n->mac, pkt->src)) {
        /* RFC 5227 section 2.1.1: an answer would be a conflict. */
        OVL_TRACE(w->trace, "responder: silent, the owner asks");
        return OVL_RESPONSE_NONE;
    }

    const struct ovl_way *way
        = ovl_mac_lookup(w->fwd, w->version, net->vni, n->mac);
    if (way && way->port == a->in) {
        OVL_TRACE(w->trace, "responder: silent, it is behind %s itself",
                  a->in->name);
        return OVL_RESPONSE_NONE;
    }
    answer->mac = n->mac;
    answer->router = n->router;
    return OVL_RESPONSE_ANSWER;
}

enum ovl_response
ovl_respond(const struct ovl_arrival *a, const struct ovl_pkt *pkt,
            struct ovl_answer *answer)
{
    const struct ovl_network *net = a->net;
    struct in6_addr target;

    if (pkt->l3 == OVL_L3_IPV6 && !pkt->l3_bad
        && pkt->ip.nd.status == OVL_ND_OK && pkt->ip.nd.type == OVL_ND_RS) {
        return respond_to_rs(a, pkt);
    } else if (!get_target(pkt, &target)) {
        return OVL_RESPONSE_NONE;
    }

    enum ovl_response response = OVL_RESPONSE_NONE;
    if (ovl_network_is_gateway(net, &target)) {
        OVL_TRACE(a->worker->trace, "networks: %"PRIu32" -> %s is a gateway "
                  "address", net->vni, OVL_IP_TEXT(&target));
        if (!a->tunnel || net->answer_tunnel) {
            answer->mac = net->router_mac;
            answer->router = true;
            response = OVL_RESPONSE_ANSWER;
        }
    } else if (!a->tunnel && eth_addr_is_multicast(pkt->dst)) {
        /* RFC 9161 section 3.2: unicast requests are for the host itself. */
        response = respond_for_neighbor(a, pkt, &target, answer);
    }

    if (response == OVL_RESPONSE_ANSWER) {
        OVL_TRACE(a->worker->trace, "responder: answers, %s is at "
                  ETH_ADDR_FMT, OVL_IP_TEXT(&target),
                  ETH_ADDR_ARGS(answer->mac));
    }
    return response;
}
