/* SPDX-License-Identifier: Apache-2.0 */

/* What becomes of a frame from the uplink or from the host.
 *
 * First question: is it VXLAN for us?  That is UDP to our MAC, our tunnel
 * address and our port.  If not it is the host's and goes to LOCAL as it is.
 * If so, every fault has a name, and what is inside stays inside its network:
 * local members only.
 *
 * Prefix: ovl_from_. */

#include <config.h>

#include "bridging.h"
#include "ecn.h"
#include "guard.h"
#include "pipeline-trace.h"
#include "responder.h"

/* LOCAL's MAC, or that of the uplink itself: where the uplink is a device of
 * the kernel, the kernel answers ARP for the host's addresses on it as well
 * (unless arp_ignore forbids it). */
static bool
is_our_mac(const struct ovl_config *config, struct eth_addr mac)
{
    uint64_t bits = ovl_mac_bits(mac);

    return (config->local
            && (bits == ovl_mac_bits(ovl_lport_mac(config->local))
                || (config->uplink
                    && bits == ovl_mac_bits(ovl_lport_mac(config->uplink)))));
}

/* RFC 7348 section 4.1, and nobody else's frames that the wire happens to
 * carry here. */
bool
ovl_outer_is_for_us(const struct ovl_config *config,
                    const struct ovl_outer *outer)
{
    const struct in6_addr *ours
        = outer->ipv6 ? &config->vtep6 : &config->vtep4;

    return (outer->udp && outer->dport == config->vxlan_port
            && ipv6_addr_is_set(ours) && ipv6_addr_equals(ours, &outer->dst)
            && is_our_mac(config, outer->eth_dst));
}

/* RFC 1122 section 3.2.1.3, RFC 4291 section 2.5: nobody's own address. */
static bool
is_martian(const struct in6_addr *ip)
{
    if (ovl_ip_is_v4(ip)) {
        return ovl_ip4_is_martian(ntohl(in6_addr_get_mapped_ipv4(ip)));
    }
    return (ipv6_addr_is_multicast(ip) || IN6_IS_ADDR_LOOPBACK(ip)
            || !ipv6_addr_is_set(ip));
}

/* Checks the outside. */
static enum ovl_drop_reason
check_outer(const struct ovl_config *config, const struct ovl_outer *outer,
            const void *frame)
{
    if (outer->fault != OVL_NO_DROP) {
        return outer->fault;
    } else if (outer->zero_csum && outer->ipv6 && !config->udp6_zero_csum) {
        return OVL_DROP_OUTER_ZERO_CSUM;    /* RFC 6935 section 5. */
    } else if (!outer->zero_csum && !outer->unfinished
               && !ovl_outer_csum_ok(outer, frame)) {
        return OVL_DROP_OUTER_BAD_CSUM;
    } else if (!(outer->flags & OVL_VXLAN_FLAG_I)
               || outer->flags & OVL_VXLAN_FLAG_P) {
        return OVL_DROP_VXLAN_BAD_FLAGS;
    } else if (ipv6_addr_equals(&outer->src, &outer->dst)
               || ipv6_addr_equals(&outer->src, &config->vtep4)
               || ipv6_addr_equals(&outer->src, &config->vtep6)) {
        return (ipv6_addr_is_set(&outer->src) ? OVL_DROP_OWN_SOURCE
                : OVL_DROP_MARTIAN_OUTER);
    } else if (is_martian(&outer->src)
               || (outer->ipv6 && ovl_ip_is_v4(&outer->src))) {
        return OVL_DROP_MARTIAN_OUTER;
    }
    return OVL_NO_DROP;
}

/* Checks that the sender belongs to 'a->net'. */
static enum ovl_drop_reason
check_sender(struct ovl_arrival *a, const struct ovl_outer *outer,
             bool allowed)
{
    if (!a->net) {
        return OVL_DROP_VXLAN_UNKNOWN_VNI;
    }
    a->drops = a->net->tunnel_drops;
    OVL_TRACE(a->worker->trace, "sources: (%"PRIu32", %s) -> %s", a->vni,
              OVL_IP_TEXT(&outer->src), allowed ? "may send" : "none");
    return allowed ? OVL_NO_DROP : OVL_DROP_UNKNOWN_VTEP;
}

/* What no neighbor message may say, wherever its sender is.  Who may say what
 * else was checked where the sender is attached. */
static enum ovl_drop_reason
check_claims(const struct ovl_pkt *pkt)
{
    if (pkt->l3 == OVL_L3_ARP
        && (eth_addr_is_multicast(pkt->arp.sha)
            || eth_addr_is_zero(pkt->arp.sha))) {
        return OVL_DROP_ARP_BAD_ADDRESS;        /* RFC 1812 section 3.3.2. */
    } else if (pkt->l3 == OVL_L3_IPV6 && !pkt->l3_bad
               && pkt->ip.nd.status == OVL_ND_OK
               && pkt->ip.nd.type == OVL_ND_REDIRECT) {
        /* RFC 4861 section 8.1: comes from the first hop on the way, and the
         * first hop of our VMs is not behind a tunnel. */
        return OVL_DROP_ND_REDIRECT;
    }
    return OVL_NO_DROP;
}

static enum ovl_drop_reason
check_inner(const struct ovl_arrival *a, const struct ovl_pkt *pkt)
{
    enum ovl_drop_reason reason;

    if (pkt->too_short) {
        return OVL_DROP_TOO_SHORT;
    } else if (pkt->tag != OVL_TAG_NONE && pkt->tag != OVL_TAG_PRIORITY) {
        return OVL_DROP_INNER_VLAN_TAG;     /* RFC 7348 section 6.1. */
    }
    reason = ovl_guard_frame(pkt);
    if (reason == OVL_NO_DROP) {
        reason = ovl_guard_neighbor_message(a->net, pkt);
    }
    return reason == OVL_NO_DROP ? check_claims(pkt) : reason;
}

/* Works out the inner ECN field, for '*a'.  Returns false if the frame has to
 * go. */
static bool
decide_ecn(struct ovl_arrival *a, const struct ovl_outer *outer,
           const struct ovl_pkt *pkt)
{
    if ((pkt->l3 != OVL_L3_IPV4 && pkt->l3 != OVL_L3_IPV6) || pkt->l3_bad) {
        return true;
    }

    enum ovl_ecn inner = ovl_ecn_of_tos(pkt->ip.tos);
    enum ovl_ecn outside = ovl_ecn_of_tos(outer->tos);

    a->ecn_alarm = ovl_ecn_alarm(inner, outside);
    if (a->ecn_alarm != OVL_ECN_USUAL) {
        OVL_TRACE(a->worker->trace, "ecn: inner %d, outer %d: %s", inner,
                  outside, (a->ecn_alarm == OVL_ECN_DANGEROUS
                            ? "dangerous" : "suspicious"));
    }
    if (!ovl_ecn_decapsulate(inner, outside, &a->ecn)) {
        return false;
    }
    a->set_ecn = a->ecn != inner;
    return true;
}

enum ovl_drop_reason
ovl_from_tunnel_classify(struct ovl_arrival *a, const struct ovl_outer *outer,
                         const void *frame)
{
    enum ovl_drop_reason reason = check_outer(a->worker->config, outer, frame);

    OVL_TRACE(a->worker->trace, "bindings: %s -> uplink", a->in->name);
    OVL_TRACE(a->worker->trace, "decapsulate: VXLAN from %s to %s, VNI "
              "%"PRIu32, OVL_IP_TEXT(&outer->src), OVL_IP_TEXT(&outer->dst),
              outer->vni);
    a->tunnel = true;
    if (reason == OVL_NO_DROP) {
        a->vni = outer->vni;
    }
    return reason;
}

struct ovl_verdict
ovl_from_tunnel(struct ovl_arrival *a, const struct ovl_outer *outer,
                const struct ovl_pkt *pkt, bool allowed)
{
    enum ovl_drop_reason reason = check_sender(a, outer, allowed);

    if (reason == OVL_NO_DROP) {
        if (OVS_UNLIKELY(a->worker->trace)) {
            ovl_trace_pkt(a->worker->trace, "inner frame", pkt);
        }
        reason = check_inner(a, pkt);
    }
    if (reason != OVL_NO_DROP) {
        return ovl_verdict_drop(reason);
    } else if (!decide_ecn(a, outer, pkt)) {
        return ovl_verdict_drop(OVL_DROP_ECN_CE_NOT_ECT);
    }
    return ovl_may_ask(pkt) ? ovl_respond(a, pkt) : ovl_bridge(a, pkt);
}

/* Passes a frame between uplink and LOCAL as it is. */
static struct ovl_verdict
to_host_port(const struct ovl_pkt *pkt, struct ovl_lport *port,
             enum ovl_drop_reason missing)
{
    if (pkt->len < ETH_HEADER_LEN) {
        return ovl_verdict_drop(OVL_DROP_TOO_SHORT);
    } else if (!port) {
        return ovl_verdict_drop(missing);
    } else if (!ovl_lport_is_alive(port)) {
        return ovl_verdict_drop(OVL_DROP_PORT_GONE);
    }
    return (struct ovl_verdict) { .kind = OVL_VERDICT_HOST, .port = port };
}

struct ovl_verdict
ovl_from_uplink(const struct ovl_arrival *a, const struct ovl_pkt *pkt)
{
    OVL_TRACE(a->worker->trace, "bindings: %s -> uplink", a->in->name);
    OVL_TRACE(a->worker->trace, "underlay: not VXLAN for us, the host's");
    return to_host_port(pkt, a->worker->config->local, OVL_DROP_NO_LOCAL);
}

struct ovl_verdict
ovl_from_local(const struct ovl_arrival *a, const struct ovl_pkt *pkt)
{
    OVL_TRACE(a->worker->trace, "bindings: %s -> LOCAL, the host's",
              a->in->name);
    return to_host_port(pkt, a->worker->config->uplink, OVL_DROP_NO_UPLINK);
}
