/* SPDX-License-Identifier: Apache-2.0 */

/* For each drop that a row would have prevented: the command that adds it.
 * Words in capitals are for people to fill in.
 *
 * Prefix: ovl_trace_. */

#include <config.h>

#include "pipeline-trace.h"
#include "verdict.h"

/* Everything that a hint may need. */
struct context {
    const struct ovl_arrival *a;
    const struct ovl_outer *outer;
    const struct ovl_pkt *pkt;
    const struct ovl_missing *missing;
    struct ds *s;
};

static void
put_ip(struct ds *s, const struct in6_addr *ip)
{
    ds_put_format(s, " %s", OVL_IP_TEXT(ip));
}

static void
hint_port_unbound(const struct context *c)
{
    ds_put_format(c->s, "overlay-ctl port-bind %s VNI "ETH_ADDR_FMT" IP",
                  c->a->in->name, ETH_ADDR_ARGS(c->pkt->src));
}

static void
hint_no_network(const struct context *c)
{
    ds_put_format(c->s, "overlay-ctl net-add %"PRIu32, c->a->vni);
}

static void
hint_source_mac(const struct context *c)
{
    ds_put_format(c->s, "overlay-ctl port-bind %s %"PRIu32" "ETH_ADDR_FMT,
                  c->a->in->name, c->a->vni, ETH_ADDR_ARGS(c->pkt->src));
}

static void
hint_source_ip(const struct context *c)
{
    if (!c->pkt->l3_bad) {
        hint_source_mac(c);
        put_ip(c->s, &c->pkt->ip.src);
    }
}

static void
hint_arp_sender(const struct context *c)
{
    if (eth_addr_equals(c->pkt->arp.sha, c->pkt->src)) {
        hint_source_mac(c);
        ds_put_format(c->s, " "IP_FMT, IP_ARGS(c->pkt->arp.spa));
    }
}

static void
hint_nd_claim(const struct context *c)
{
    const struct ovl_pkt_nd *nd = &c->pkt->ip.nd;

    if (!nd->odd_lla
        && (!nd->has_lla || eth_addr_equals(nd->lla, c->pkt->src))) {
        hint_source_mac(c);
        put_ip(c->s, nd->type == OVL_ND_NA ? &nd->target : &c->pkt->ip.src);
    }
}

static void
hint_vlan(const struct context *c)
{
    ds_put_format(c->s, "ovs-vsctl set Port %s "
                  "overlay_vlan_bindings:%"PRIu16"=VNI",
                  c->a->in->name, c->pkt->vlan);
}

static void
hint_destination_mac(const struct context *c)
{
    ds_put_format(c->s, "overlay-ctl mac-add %"PRIu32" "ETH_ADDR_FMT" VTEP",
                  c->a->vni, ETH_ADDR_ARGS(c->pkt->dst));
}

static void
hint_neighbor(const struct context *c)
{
    ds_put_format(c->s, "overlay-ctl neigh-add %"PRIu32, c->a->vni);
    if (c->pkt->l3 == OVL_L3_ARP) {
        ds_put_format(c->s, " "IP_FMT, IP_ARGS(c->pkt->arp.tpa));
    } else {
        put_ip(c->s, &c->pkt->ip.nd.target);
    }
    ds_put_cstr(c->s, " MAC");
}

static void
hint_flood_list(const struct context *c)
{
    ds_put_format(c->s, "overlay-ctl net-set %"PRIu32" flood=VTEP",
                  c->a->vni);
}

static void
hint_sender_vtep(const struct context *c)
{
    ds_put_format(c->s, "overlay-ctl mac-add %"PRIu32" "ETH_ADDR_FMT,
                  c->a->vni, ETH_ADDR_ARGS(c->pkt->src));
    put_ip(c->s, &c->outer->src);
}

static void
hint_vtep_ip(const struct context *c)
{
    ds_put_cstr(c->s, "ovs-vsctl add Bridge BRIDGE overlay_vtep_ips IP");
}

static void
hint_uplink(const struct context *c)
{
    ds_put_cstr(c->s, "ovs-vsctl set Bridge BRIDGE overlay_uplinks=PORT");
}

static void
hint_route(const struct context *c)
{
    bool v4 = c->pkt->l3 == OVL_L3_IPV4;

    ds_put_format(c->s, "overlay-ctl route-add %s %s/%d NEXTHOP",
                  c->a->net->vrf, OVL_IP_TEXT(&c->pkt->ip.dst),
                  v4 ? 32 : 128);
}

static void
hint_vrf(const struct context *c)
{
    ds_put_format(c->s, "overlay-ctl net-set %"PRIu32" vrf=VRF", c->a->vni);
}

static void
hint_missing_network(const struct context *c)
{
    ds_put_format(c->s, "overlay-ctl net-add %"PRIu32, c->missing->vni);
}

static void
hint_missing_neighbor(const struct context *c)
{
    ds_put_format(c->s, "overlay-ctl neigh-add %"PRIu32" %s MAC",
                  c->missing->vni, OVL_IP_TEXT(&c->missing->ip));
}

static void
hint_missing_mac(const struct context *c)
{
    ds_put_format(c->s, "overlay-ctl mac-add %"PRIu32" "ETH_ADDR_FMT" VTEP",
                  c->missing->vni, ETH_ADDR_ARGS(c->missing->mac));
}

static void (*const hints[OVL_N_DROPS])(const struct context *) = {
    [OVL_DROP_PORT_UNBOUND] = hint_port_unbound,
    [OVL_DROP_NO_NETWORK] = hint_no_network,
    [OVL_DROP_SPOOF_MAC] = hint_source_mac,
    [OVL_DROP_SPOOF_IP] = hint_source_ip,
    [OVL_DROP_ARP_SPOOF] = hint_arp_sender,
    [OVL_DROP_ND_SPOOF] = hint_nd_claim,
    [OVL_DROP_VLAN_UNBOUND] = hint_vlan,
    [OVL_DROP_NEIGH_MISS] = hint_neighbor,
    [OVL_DROP_UNKNOWN_UNICAST] = hint_destination_mac,
    [OVL_DROP_NO_DESTINATION] = hint_flood_list,
    [OVL_DROP_VXLAN_UNKNOWN_VNI] = hint_no_network,
    [OVL_DROP_UNKNOWN_VTEP] = hint_sender_vtep,
    [OVL_DROP_NO_ROUTER] = hint_vrf,
    [OVL_DROP_NO_ROUTE] = hint_route,
    [OVL_DROP_ROUTE_NO_NETWORK] = hint_missing_network,
    [OVL_DROP_NO_NEIGHBOR] = hint_missing_neighbor,
    [OVL_DROP_NO_MAC] = hint_missing_mac,
    [OVL_DROP_NO_TUNNEL_IP] = hint_vtep_ip,
    [OVL_DROP_NO_UPLINK] = hint_uplink,
};

void
ovl_trace_missing_row(const struct ovl_arrival *a,
                      const struct ovl_outer *outer,
                      const struct ovl_pkt *pkt,
                      const struct ovl_verdict *v)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    if (hints[v->reason]) {
        hints[v->reason](&(struct context) {
            a, outer, pkt, &a->details->missing, &s
        });
    }
    if (s.length) {
        ovl_trace_line(a->worker->trace, "missing row: %s", ds_cstr(&s));
    }
    ds_destroy(&s);
}
