/* SPDX-License-Identifier: Apache-2.0 */

/* Sends and frees.  What a network and a VTEP sent is counted here, in bytes
 * of the plain frame; what a port sent is counted when its driver has taken
 * it, in bytes as on the wire.
 *
 * Prefix: ovl_output_. */

#include <config.h>

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
    ovl_count_traffic(a, net->traffic, OVL_TX_PACKETS, OVL_TX_BYTES,
                      dp_packet_size(packet));
}

void
ovl_output_port(const struct ovl_arrival *a, const struct ovl_network *net,
                struct ovl_lport *port, uint16_t vlan,
                struct dp_packet *packet)
{
    if (!ovl_lport_is_alive(port)) {
        ovl_output_drop(a, OVL_DROP_PORT_GONE, packet);
        return;
    }

    count_network_tx(a, net, packet);
    if (vlan) {
        OVL_TRACE(a->worker->trace, "tag: VLAN %"PRIu16, vlan);
        packet = ovl_pkt_push_tag(packet, vlan);
    }
    a->worker->send(a->worker, port, packet);
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
    count_network_tx(a, net, packet);
    ovl_count_traffic(a, adj->traffic, OVL_TX_PACKETS, OVL_TX_BYTES,
                      dp_packet_size(packet));
    packet = ovl_vxlan_push(packet, adj, &fields);
    a->worker->send(a->worker, adj->port, packet);
}
