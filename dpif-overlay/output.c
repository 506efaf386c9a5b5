/* SPDX-License-Identifier: Apache-2.0 */

/* Sends and frees.  What a network and a VTEP sent is counted here, in bytes
 * of the plain frame; what a port sent is counted when its driver has taken
 * it, in bytes as on the wire.
 *
 * Prefix: ovl_output_. */

#include <config.h>

#include "bridging.h"
#include "offload.h"
#include "output.h"
#include "pipeline-trace.h"
#include "pkt-edit.h"
#include "vxlan.h"

void
ovl_count_drop(const struct ovl_arrival *a, enum ovl_drop_reason reason)
{
    ovl_counter_add(a->worker->shard, a->drops + reason, 1);
    ovl_counter_add(a->worker->shard, OVL_TOTAL_DROPPED, 1);
    if (OVS_UNLIKELY(a->worker->trace)) {
        ovl_trace_drop(a->worker->trace, reason);
    }
}

void
ovl_output_drop(const struct ovl_arrival *a, enum ovl_drop_reason reason,
                struct dp_packet *packet)
{
    ovl_count_drop(a, reason);
    dp_packet_delete(packet);
}

static void
count_network_tx(const struct ovl_arrival *a, const struct ovl_network *net,
                 const struct dp_packet *packet)
{
    ovl_tally_add(a->worker->shard, &a->worker->net_tx,
                  net->traffic + OVL_TX_PACKETS, dp_packet_size(packet));
}

/* The frames that have to be made of one that its sender has not finished. */
struct pieces {
    const struct ovl_arrival *a;
    const struct ovl_offload *o;
    struct dp_packet *packet;   /* NULL: there are no more. */
    size_t l3_ofs;
    uint16_t mss;
    size_t ofs;
};

static struct pieces
pieces_start(const struct ovl_arrival *a, const struct ovl_offload *o,
             uint16_t mtu, size_t l3_ofs, struct dp_packet *packet)
{
    return (struct pieces) {
        .a = a, .o = o, .packet = packet, .l3_ofs = l3_ofs,
        .mss = ovl_offload_mss(o, mtu),
    };
}

/* Returns the next one, or NULL if there is none.  One that there is no memory
 * for counts as a drop. */
static struct dp_packet *
pieces_next(struct pieces *p)
{
    struct ovl_worker *worker = p->a->worker;
    struct dp_packet *piece = NULL;

    while (!piece && p->packet) {
        piece = ovl_offload_next(worker, p->packet, p->l3_ofs, p->o, p->mss,
                                 &p->ofs);
        if (OVS_UNLIKELY(!piece)) {
            ovl_count_drop(p->a, OVL_DROP_NO_MEMORY);
        }
        if (p->ofs) {
            ovl_counter_add(worker->shard, OVL_TOTAL_REPLICATED, 1);
        } else {
            if (p->o->cut) {
                dp_packet_delete(p->packet);
            }
            p->packet = NULL;
        }
    }
    return piece;
}

/* True if the length of 'packet' stays one of 16 bits with a tag of 'vlan', if
 * that is not 0. */
static bool
tag_fits(uint16_t vlan, const struct dp_packet *packet)
{
    return !vlan || dp_packet_size(packet) <= UINT16_MAX - VLAN_HEADER_LEN;
}

static struct dp_packet *
push_tag(const struct ovl_arrival *a, uint16_t vlan, struct dp_packet *packet)
{
    if (vlan) {
        OVL_TRACE(a->worker->trace, "tag: VLAN %"PRIu16, vlan);
        packet = ovl_pkt_push_tag(packet, vlan);
    }
    return packet;
}

static void
finished_to_port(const struct ovl_arrival *a, const struct ovl_network *net,
                 struct ovl_lport *port, uint16_t vlan,
                 struct dp_packet *packet)
{
    if (OVS_UNLIKELY(!tag_fits(vlan, packet))) {
        ovl_output_drop(a, OVL_DROP_TOO_BIG, packet);
        return;
    }
    count_network_tx(a, net, packet);
    packet = push_tag(a, vlan, packet);
    a->worker->send(a->worker, port, &packet, 1);
}

static void
unfinished_to_port(const struct ovl_arrival *a, const struct ovl_network *net,
                   struct ovl_lport *port, uint16_t vlan,
                   const struct ovl_offload *o, struct dp_packet *packet)
{
    if (ovl_offload_port_can(port, o) && tag_fits(vlan, packet)) {
        count_network_tx(a, net, packet);
        packet = push_tag(a, vlan, packet);
        ovl_offload_mark(packet,
                         ETH_HEADER_LEN + (vlan ? VLAN_HEADER_LEN : 0), o);
        a->worker->send(a->worker, port, &packet, 1);
        return;
    }

    struct pieces p = pieces_start(a, o, ovl_lport_mtu(port), ETH_HEADER_LEN,
                                   packet);
    while ((packet = pieces_next(&p))) {
        finished_to_port(a, net, port, vlan, packet);
    }
}

void
ovl_output_port(const struct ovl_arrival *a, const struct ovl_network *net,
                struct ovl_lport *port, uint16_t vlan,
                const struct ovl_pkt *pkt, struct dp_packet *packet)
{
    if (!ovl_lport_is_alive(port)) {
        ovl_output_drop(a, OVL_DROP_PORT_GONE, packet);
    } else if (OVS_UNLIKELY(pkt && pkt->offload.csum != OVL_CSUM_NONE)) {
        unfinished_to_port(a, net, port, vlan, &pkt->offload, packet);
    } else {
        finished_to_port(a, net, port, vlan, packet);
    }
}

void
ovl_output_host(const struct ovl_arrival *a, struct ovl_lport *port,
                const struct ovl_pkt *pkt, struct dp_packet *packet)
{
    const struct ovl_offload *o = &pkt->offload;

    if (OVS_LIKELY(o->csum == OVL_CSUM_NONE)) {
        a->worker->send(a->worker, port, &packet, 1);
    } else if (ovl_offload_port_can(port, o)) {
        ovl_offload_mark(packet, pkt->l3_ofs, o);
        a->worker->send(a->worker, port, &packet, 1);
    } else {
        struct pieces p = pieces_start(a, o, ovl_lport_mtu(port),
                                       pkt->l3_ofs, packet);
        while ((packet = pieces_next(&p))) {
            a->worker->send(a->worker, port, &packet, 1);
        }
    }
}

static void
finished_to_vtep(const struct ovl_arrival *a, const struct ovl_network *net,
                 const struct ovl_adjacency *adj,
                 const struct ovl_vxlan_fields *fields,
                 struct dp_packet *packet)
{
    count_network_tx(a, net, packet);
    ovl_tally_add(a->worker->shard, &a->worker->vtep_tx,
                  adj->traffic + OVL_TX_PACKETS, dp_packet_size(packet));
    packet = ovl_vxlan_push(packet, adj, fields);
    a->worker->send(a->worker, adj->port, &packet, 1);
}

void
ovl_output_vtep(const struct ovl_arrival *a, const struct ovl_network *net,
                const struct ovl_adjacency *adj, const struct ovl_pkt *pkt,
                struct dp_packet *packet)
{
    const struct ovl_config *config = a->worker->config;

    if (!ovl_lport_is_alive(adj->port)) {
        ovl_output_drop(a, OVL_DROP_PORT_GONE, packet);
        return;
    }

    const struct ovl_vxlan_fields fields = {
        .vni = net->vni,
        .sport = ovl_vxlan_source_port(pkt),
        .tos = ovl_vxlan_tos(config, pkt),
        .udp6_zero_csum = config->udp6_zero_csum,
    };

    OVL_TRACE(a->worker->trace, "encapsulate: VXLAN to %s, VNI %"PRIu32
              ", TOS 0x%02"PRIx8, OVL_IP_TEXT(&adj->vtep->ip), fields.vni,
              fields.tos);
    if (OVS_LIKELY(pkt->offload.csum == OVL_CSUM_NONE)) {
        finished_to_vtep(a, net, adj, &fields, packet);
        return;
    }

    /* Nobody segments what is inside VXLAN. */
    struct pieces p = pieces_start(a, &pkt->offload, ovl_bridge_mtu(net, adj),
                                   ETH_HEADER_LEN, packet);
    while ((packet = pieces_next(&p))) {
        finished_to_vtep(a, net, adj, &fields, packet);
    }
}
