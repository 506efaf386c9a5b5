/* SPDX-License-Identifier: Apache-2.0 */

#ifndef DROP_REASONS_H
#define DROP_REASONS_H 1

/* Why packets die.  Nothing is dropped anonymously: whoever frees a packet
 * names a member of this list, and 'overlay/drops' shows it per port and
 * network.
 *
 * Layer 0.  The names are what operators and scripts see: do not change one
 * that has been released.
 *
 * OVL_DROP(ENUM SUFFIX, "name", "explanation for people") */

#define OVL_DROP_REASONS                                                     \
    /* Ports and bindings. */                                                \
    OVL_DROP(PORT_UNBOUND, "port_unbound",                                   \
             "the port is not bound to any network")                         \
    OVL_DROP(PORT_GONE, "port_gone",                                         \
             "the output port has just been deleted")                        \
    OVL_DROP(NO_NETWORK, "no_network",                                       \
             "no Overlay_Network row has the VNI that the port is bound to") \
    OVL_DROP(SPOOF_MAC, "spoof_mac",                                         \
             "the source MAC is not in the port's overlay_addresses")        \
    OVL_DROP(SPOOF_IP, "spoof_ip",                                           \
             "the source IP is not in the port's overlay_addresses")         \
    OVL_DROP(SPOOF_GATEWAY, "spoof_gw",                                      \
             "a router MAC or gateway address as source")                    \
    OVL_DROP(ARP_SPOOF, "arp_spoof",                                         \
             "the ARP sender is not the frame's source, or not bound here")  \
    OVL_DROP(ND_SPOOF, "nd_spoof",                                           \
             "an ND message claims an address that is not bound here")       \
    /* Frames. */                                                            \
    OVL_DROP(TOO_SHORT, "too_short",                                         \
             "shorter than an Ethernet header")                              \
    OVL_DROP(BAD_SOURCE_MAC, "bad_source_mac",                               \
             "the source MAC is multicast or zero")                          \
    OVL_DROP(SAME_MACS, "same_macs",                                         \
             "source and destination MAC are the same")                      \
    OVL_DROP(VLAN_TAG, "vlan_tag",                                           \
             "a VLAN tag where none may be")                                 \
    OVL_DROP(VLAN_UNBOUND, "vlan_unbound",                                   \
             "overlay_vlan_bindings does not list the frame's VLAN")         \
    OVL_DROP(RESERVED_GROUP, "reserved_group",                               \
             "destined to a reserved bridge group address")                  \
    OVL_DROP(BAD_SEGMENTS, "multiseg",                                       \
             "buffers of a driver that do not make up a frame")              \
    OVL_DROP(BAD_OFFLOAD, "bad_offload",                                     \
             "what its sender leaves to us makes no sense (virtio header)")  \
    OVL_DROP(TOO_BIG, "too_big",                                             \
             "larger than the network's MTU, or than the tunnel's")          \
    OVL_DROP(NO_MEMORY, "no_memory", "no packet buffer")                     \
    /* ARP and ND. */                                                        \
    OVL_DROP(ARP_MALFORMED, "arp_malformed",                                 \
             "not ARP for IPv4 over Ethernet, or truncated")                 \
    OVL_DROP(ARP_BAD_OP, "arp_bad_op",                                       \
             "an ARP operation other than request and reply")                \
    OVL_DROP(ARP_BAD_ADDRESS, "arp_bad_address",                             \
             "an ARP address that no host may use")                          \
    OVL_DROP(ND_MALFORMED, "nd_malformed",                                   \
             "an ND message that fails RFC 4861 section 7.1")                \
    OVL_DROP(ND_REDIRECT, "nd_redirect",                                     \
             "an ND redirect out of a tunnel")                               \
    OVL_DROP(NEIGH_MISS, "neigh_miss",                                       \
             "asks for an unknown neighbor and neigh_miss=drop")             \
    OVL_DROP(RS_LIMIT, "rs_limit",                                           \
             "router solicitations come faster than they are answered")      \
    /* Layer 2. */                                                           \
    OVL_DROP(UNKNOWN_UNICAST, "unknown_unicast",                             \
             "no row names the destination MAC")                             \
    OVL_DROP(NO_DESTINATION, "no_destination",                               \
             "to a group that has no other member")                          \
    OVL_DROP(SAME_PORT, "same_port",                                         \
             "the destination is behind the ingress port")                   \
    OVL_DROP(SPLIT_HORIZON, "split_horizon",                                 \
             "would be bridged from a tunnel into a tunnel")                 \
    /* Routing. */                                                           \
    OVL_DROP(NO_ROUTER, "no_router",                                         \
             "to the router MAC of a network that does not route")           \
    OVL_DROP(NOT_IP, "not_ip",                                               \
             "to the router MAC, and neither IPv4 nor IPv6")                 \
    OVL_DROP(BAD_IP_HEADER, "bad_ip_header",                                 \
             "IP header that is truncated, wrong, or fails its checksum")    \
    OVL_DROP(SOURCE_ROUTE, "source_route",                                   \
             "wants to choose its own way")                                  \
    OVL_DROP(MARTIAN_SOURCE, "martian_source",                               \
             "to be routed, from what is no unicast address of other links") \
    OVL_DROP(MARTIAN_DESTINATION, "martian_destination",                     \
             "to be routed, to what is no unicast address of other links")   \
    OVL_DROP(DIRECTED_BROADCAST, "directed_broadcast",                       \
             "to be routed, to all hosts of another network")                \
    OVL_DROP(FOR_GATEWAY, "for_gateway",                                     \
             "to a gateway address, which has no such service")              \
    OVL_DROP(TTL_EXPIRED, "ttl_expired", "TTL or hop limit used up")         \
    OVL_DROP(NO_ROUTE, "no_route",                                           \
             "no prefix of the VRF contains the destination")                \
    OVL_DROP(ROUTE_BLACKHOLE, "route_blackhole",                             \
             "the Overlay_Route row says blackhole")                         \
    OVL_DROP(ROUTE_UNREACHABLE, "route_unreachable",                         \
             "the Overlay_Route row says unreachable")                       \
    OVL_DROP(ROUTE_PROHIBIT, "route_prohibit",                               \
             "the Overlay_Route row says prohibit")                          \
    OVL_DROP(ROUTE_NO_NETWORK, "route_no_network",                           \
             "no Overlay_Network row has the next hop's VNI")                \
    OVL_DROP(NO_NEIGHBOR, "no_neighbor",                                     \
             "no row says which MAC the destination or next hop has")        \
    OVL_DROP(NO_MAC, "no_mac",                                               \
             "no row says where the MAC of the next hop is")                 \
    /* Tunnels. */                                                           \
    OVL_DROP(VXLAN_BAD_FLAGS, "vxlan_bad_flags",                             \
             "VXLAN without I flag, or with the GPE P bit")                  \
    OVL_DROP(VXLAN_MALFORMED, "vxlan_malformed",                             \
             "VXLAN for us whose lengths are wrong")                         \
    OVL_DROP(VXLAN_UNKNOWN_VNI, "vxlan_unknown_vni",                         \
             "no Overlay_Network row has the received VNI")                  \
    OVL_DROP(UNKNOWN_VTEP, "unknown_vtep",                                   \
             "the outer source is no VTEP of the network or its VRF")        \
    OVL_DROP(OWN_SOURCE, "own_source",                                       \
             "the outer source is one of our own VTEP addresses")            \
    OVL_DROP(MARTIAN_OUTER, "martian_outer",                                 \
             "the outer source is no unicast address")                       \
    OVL_DROP(OUTER_FRAGMENT, "outer_frag",                                   \
             "a first outer fragment of VXLAN for us")                       \
    OVL_DROP(OUTER_OPTIONS, "outer_options",                                 \
             "VXLAN for us with IP options")                                 \
    OVL_DROP(OUTER_BAD_CSUM, "outer_bad_csum",                               \
             "wrong outer IP or UDP checksum")                               \
    OVL_DROP(OUTER_ZERO_CSUM, "outer_zero_csum",                             \
             "no UDP checksum over IPv6, and vxlan-udp6-zero-csum is off")   \
    OVL_DROP(ECN_CE_NOT_ECT, "ecn_ce_not_ect",                               \
             "congestion marked outside, not ECN-capable inside")            \
    OVL_DROP(INNER_VLAN_TAG, "inner_vlan_tag",                               \
             "a VLAN tag inside VXLAN")                                      \
    /* Underlay. */                                                          \
    OVL_DROP(NO_TUNNEL_IP, "no_tunnel_ip",                                   \
             "overlay_vtep_ips has no address of the VTEP's family")         \
    OVL_DROP(VTEP_UNRESOLVED, "vtep_unresolved",                             \
             "the underlay next hop of the VTEP is not resolved")            \
    OVL_DROP(NO_UPLINK, "no_uplink", "the bridge has no uplink")             \
    OVL_DROP(NO_LOCAL, "no_local", "the bridge has no LOCAL port")           \
    OVL_DROP(TX_ERROR, "tx_error", "the port's driver refused the packet")

enum ovl_drop_reason {
#define OVL_DROP(ENUM, NAME, TEXT) OVL_DROP_##ENUM,
    OVL_DROP_REASONS
#undef OVL_DROP
    OVL_N_DROPS
};

/* Returns the stable name of 'reason', or its explanation. */
const char *ovl_drop_reason_name(enum ovl_drop_reason);
const char *ovl_drop_reason_text(enum ovl_drop_reason);

#endif /* drop-reasons.h */
