/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_VXLAN_H
#define OVL_VXLAN_H 1

/* VXLAN, RFC 7348: puts frames into tunnels and takes them out.
 *
 * The outer header of a VTEP is prebuilt in its adjacency (adjacency.h); what
 * differs from packet to packet is filled in here: lengths, checksums, TOS,
 * the UDP source port and the VNI.
 *
 * Thread-safety: any thread; the caller owns the packet.
 *
 * Layer 2. */

#include "dp-packet.h"
#include "forwarding.h"
#include "pkt-parse.h"

/* RFC 7348 section 5: the UDP source port, a hash of the inner flow, in the
 * dynamic range of RFC 6335, so that the underlay spreads flows.  Host
 * order. */
#define OVL_VXLAN_SPORT_MIN 49152
#define OVL_VXLAN_SPORT_MAX 65535
uint16_t ovl_vxlan_source_port(const struct ovl_pkt *inner);

/* The outer TOS or traffic class for 'inner': DSCP as configured (RFC 2983),
 * ECN as RFC 6040 section 4.1. */
uint8_t ovl_vxlan_tos(const struct ovl_config *, const struct ovl_pkt *inner);

/* What is filled into the outer header. */
struct ovl_vxlan_fields {
    uint32_t vni;
    uint16_t sport;             /* Host order. */
    uint8_t tos;
    bool udp6_zero_csum;        /* No UDP checksum over IPv6. */
};

/* Puts the Ethernet frame 'packet' into VXLAN towards 'adj'.  May return
 * another packet, as ovl_pkt_with_headroom(). */
struct dp_packet *ovl_vxlan_push(struct dp_packet *packet,
                                 const struct ovl_adjacency *adj,
                                 const struct ovl_vxlan_fields *);

/* Leaves of 'packet', which 'outer' was parsed from without fault, the inner
 * frame. */
void ovl_vxlan_pop(struct dp_packet *packet, const struct ovl_outer *outer);

#endif /* vxlan.h */
