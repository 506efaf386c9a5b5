/* SPDX-License-Identifier: Apache-2.0 */

/* The marks of DPDK and of OVS's dp_packet.
 *
 * Prefix: ovl_offload_. */

#include <config.h>

#include "l4-csum.h"
#include "offload.h"
#include "pkt-edit.h"
#include "tso.h"

static struct ovl_offload
read_marks(const struct dp_packet *packet, uint64_t flags)
{
    struct ovl_offload o = { .csum = OVL_CSUM_UNKNOWN };
    uint64_t l4 = flags & DP_PACKET_OL_TX_L4_MASK;

    if (flags & OVL_OFFLOAD_OTHER_MARKS) {
        return o;
    } else if (l4 == DP_PACKET_OL_TX_UDP_CKSUM) {
        o.csum = OVL_CSUM_UDP;
    } else if (l4 == DP_PACKET_OL_TX_SCTP_CKSUM) {
        o.csum = OVL_CSUM_SCTP;
    } else {
        o.csum = OVL_CSUM_TCP;
    }
    if (flags & DP_PACKET_OL_TX_TCP_SEG) {
        o.cut = true;
#ifdef DPDK_NETDEV
        o.mss = packet->mbuf.tso_segsz;
#endif
    }
    return o;
}

struct ovl_offload
ovl_offload_take(struct dp_packet *packet)
{
    struct ovl_offload o = { .csum = OVL_CSUM_NONE };

    if (OVS_UNLIKELY(ovl_offload_is_asked(packet))) {
        o = read_marks(packet, *dp_packet_ol_flags_ptr(packet));
    }
    ovl_pkt_forget_metadata(packet);
    return o;
}

bool
ovl_offload_inside(struct ovl_offload *asked, const struct ovl_pkt *inner)
{
    bool udp = asked->csum == OVL_CSUM_UDP && !asked->cut;

    *asked = (struct ovl_offload) { .csum = OVL_CSUM_NONE };
    if ((inner->l3 == OVL_L3_IPV4 || inner->l3 == OVL_L3_IPV6)
        && !inner->l3_bad && !inner->ip.fragment) {
        asked->csum = (inner->ip.proto == IPPROTO_TCP ? OVL_CSUM_TCP
                       : inner->ip.proto == IPPROTO_UDP ? OVL_CSUM_UDP
                       : OVL_CSUM_NONE);
    }
    return udp;
}

bool
ovl_offload_port_can(const struct ovl_lport *port,
                     const struct ovl_offload *o)
{
    uint8_t can = ovl_lport_offloads(port);

    if (!(can & OVL_LPORT_CSUM) || o->csum == OVL_CSUM_SCTP) {
        return false;
    }
    /* Drivers take segments as long as the port's MTU allows, whatever the
     * sender said. */
    return (!o->cut
            || (can & (o->ipv6 ? OVL_LPORT_TSO6 : OVL_LPORT_TSO4)
                && o->l3_len + o->l4_len + o->mss <= ovl_lport_mtu(port)));
}

void
ovl_offload_mark(struct dp_packet *packet, size_t l3_ofs,
                 const struct ovl_offload *o)
{
    uint8_t *l3 = (uint8_t *) dp_packet_data(packet) + l3_ofs;

    ovl_l4_csum_prepare(l3, o->ipv6, o->l3_len, o->len, o->csum);
    packet->l3_ofs = l3_ofs;
    packet->l4_ofs = l3_ofs + o->l3_len;
    if (o->ipv6) {
        dp_packet_hwol_set_tx_ipv6(packet);
    } else {
        dp_packet_hwol_set_tx_ipv4(packet);
    }
    if (o->csum == OVL_CSUM_TCP) {
        dp_packet_hwol_set_csum_tcp(packet);
    } else {
        dp_packet_hwol_set_csum_udp(packet);
    }
    if (o->cut) {
        dp_packet_hwol_set_tcp_seg(packet);
    }
}

uint16_t
ovl_offload_mss(const struct ovl_offload *o, uint16_t mtu)
{
    uint16_t headers = o->l3_len + o->l4_len;

    return (o->mss ? o->mss
            : mtu > headers ? mtu - headers : ETH_PAYLOAD_MIN);
}

struct dp_packet *
ovl_offload_next(struct ovl_worker *worker, struct dp_packet *packet,
                 size_t l3_ofs, const struct ovl_offload *o, uint16_t mss,
                 size_t *ofs)
{
    if (o->cut) {
        return ovl_tso_next(worker, packet, l3_ofs, o, mss, ofs);
    }

    uint8_t *l3 = (uint8_t *) dp_packet_data(packet) + l3_ofs;
    ovl_l4_csum_fill(l3, o->ipv6, o->l3_len, o->len, o->csum);
    return packet;
}
