/* SPDX-License-Identifier: Apache-2.0 */

/* Looks destination MACs up.
 *
 * A frame that came out of a tunnel never goes into one (split horizon), and
 * none goes back to the port that it came from.
 *
 * Prefix: ovl_bridge_. */

#include <config.h>

#include "bridging.h"
#include "pipeline-trace.h"
#include "routing.h"

enum ovl_drop_reason
ovl_bridge_get_adjacency(const struct ovl_arrival *a,
                         const struct ovl_vtep *vtep,
                         const struct ovl_network *net,
                         const struct ovl_adjacency **adjp, uint16_t *mtu)
{
    const struct ovl_adjacency *adj
        = ovsrcu_get(struct ovl_adjacency *, &vtep->adj);
    struct ovl_trace *trace = a->worker->trace;

    if (!adj) {
        uint8_t why;

        atomic_read_relaxed(&CONST_CAST(struct ovl_vtep *, vtep)->why, &why);
        OVL_TRACE(trace, "vteps: %s -> incomplete", OVL_IP_TEXT(&vtep->ip));
        return why < OVL_N_DROPS ? why : OVL_DROP_VTEP_UNRESOLVED;
    }

    *mtu = ovl_bridge_mtu(net, adj);
    *adjp = adj;
    OVL_TRACE(trace, "vteps: %s -> adjacency through %s, MTU %"PRIu16,
              OVL_IP_TEXT(&vtep->ip), adj->port->name, *mtu);
    return OVL_NO_DROP;
}

enum ovl_drop_reason
ovl_bridge_to_vtep(const struct ovl_arrival *a, const struct ovl_vtep *vtep,
                   size_t l3_len, const struct ovl_adjacency **adj)
{
    uint16_t mtu;
    enum ovl_drop_reason reason = ovl_bridge_get_adjacency(a, vtep, a->net,
                                                           adj, &mtu);

    return reason == OVL_NO_DROP && l3_len > mtu ? OVL_DROP_TOO_BIG : reason;
}

/* Number of local members that a flooded frame goes to. */
static size_t
n_other_members(const struct ovl_arrival *a)
{
    size_t n = 0;

    for (size_t i = 0; i < a->net->n_members; i++) {
        n += a->net->members[i].port != a->in;
    }
    return n;
}

struct ovl_verdict
ovl_bridge_flood(const struct ovl_arrival *a)
{
    size_t n_members = n_other_members(a);
    size_t n_vteps = a->tunnel ? 0 : a->net->n_flood;

    OVL_TRACE(a->worker->trace, "networks: %"PRIu32" -> floods, "
              "other members: %"PRIuSIZE", VTEPs: %"PRIuSIZE,
              a->net->vni, n_members, n_vteps);
    if (!n_members && !n_vteps) {
        return ovl_verdict_drop(OVL_DROP_NO_DESTINATION);
    }
    return (struct ovl_verdict) { .kind = OVL_VERDICT_FLOOD };
}

static struct ovl_verdict
to_port(const struct ovl_arrival *a, const struct ovl_way *way)
{
    if (way->port == a->in) {
        return ovl_verdict_drop(OVL_DROP_SAME_PORT);
    } else if (!ovl_lport_is_alive(way->port)) {
        return ovl_verdict_drop(OVL_DROP_PORT_GONE);
    }
    return (struct ovl_verdict) {
        .kind = OVL_VERDICT_PORT, .port = way->port, .vlan = way->vlan
    };
}

static struct ovl_verdict
to_vtep(const struct ovl_arrival *a, const struct ovl_pkt *pkt,
        struct ovl_vtep *vtep)
{
    const struct ovl_adjacency *adj = NULL;

    if (a->tunnel) {
        return ovl_verdict_drop(OVL_DROP_SPLIT_HORIZON);
    }

    uint16_t mtu;
    enum ovl_drop_reason reason = ovl_bridge_get_adjacency(a, vtep, a->net,
                                                           &adj, &mtu);
    if (reason != OVL_NO_DROP) {
        return ovl_verdict_drop(reason);
    } else if (ovl_pkt_l3_len(pkt) > mtu) {
        return ovl_too_big_to_bridge(a, pkt, mtu);
    }
    return (struct ovl_verdict) { .kind = OVL_VERDICT_VTEP, .adj = adj };
}

struct ovl_verdict
ovl_bridge_finish(const struct ovl_arrival *a, const struct ovl_pkt *pkt,
                  const struct ovl_way *way)
{
    const struct ovl_network *net = a->net;

    OVL_TRACE(a->worker->trace, "macs: (%"PRIu32", "ETH_ADDR_FMT") -> %s%s",
              net->vni, ETH_ADDR_ARGS(pkt->dst),
              !way ? "none, unknown_unicast=" : way->vtep ? "VTEP " : "",
              way ? (way->vtep ? OVL_IP_TEXT(&way->vtep->ip)
                     : way->port->name)
              : net->flood_unknown ? "flood" : "drop");
    if (way) {
        return way->vtep ? to_vtep(a, pkt, way->vtep) : to_port(a, way);
    }
    return (net->flood_unknown ? ovl_bridge_flood(a)
            : ovl_verdict_drop(OVL_DROP_UNKNOWN_UNICAST));
}
