/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVERLAY_TYPES_H
#define OVERLAY_TYPES_H 1

/* Words that every layer shares: VNIs, counter numbers, small enums.
 *
 * Layer 0.  Knows nothing but OVS's basic types.
 *
 * Byte order is in the type ('ovs_be32'), a VNI is a host-order uint32_t, and
 * an IP address of either family is a 'struct in6_addr', IPv4 in the
 * v4-mapped form of RFC 4291 section 2.5.5.2, as everywhere in OVS. */

#include <stdbool.h>
#include <stdint.h>

#include <netinet/in.h>

#include "openvswitch/types.h"
#include "packets.h"

/* RFC 7348 section 5: a VNI has 24 bits.  0 is legal on the wire and refused
 * in configuration. */
#define OVL_VNI_MIN 1
#define OVL_VNI_MAX 0xffffff

/* "No network": the VNI of what belongs to none. */
#define OVL_VNI_NONE 0

#define OVL_VXLAN_PORT 4789     /* RFC 7348 section 5. */
#define OVL_ROUTE_MAX_NEXTHOPS 64
#define OVL_VLAN_MAX 4095       /* 0 stands for untagged. */

/* What a VXLAN header costs the inner frame: outer IP, UDP, VXLAN and the
 * inner Ethernet header, without the outer Ethernet header. */
#define OVL_VXLAN4_OVERHEAD (20 + 8 + 8 + 14)
#define OVL_VXLAN6_OVERHEAD (40 + 8 + 8 + 14)

/* The largest outer IP packet, whatever the uplink takes or if it does not
 * say: with its Ethernet header it has to have a length of 16 bits, which is
 * what a dp_packet has. */
#define OVL_OUTER_MTU_MAX (UINT16_MAX - 14)

/* What a port is, decided by rows alone. */
enum ovl_role {
    OVL_ROLE_UNBOUND,           /* Nobody said yet: drops both ways. */
    OVL_ROLE_ACCESS,            /* VM port of one network. */
    OVL_ROLE_GATEWAY,           /* L2 gateway: each VLAN is a network. */
    OVL_ROLE_UPLINK,            /* Leads to the underlay. */
    OVL_ROLE_LOCAL,             /* The host's own port of the bridge. */
};

const char *ovl_role_to_string(enum ovl_role);

/* The bytes of 'mac' in one number, which says nothing but whether two are
 * the same. */
static inline uint64_t
ovl_mac_bits(struct eth_addr mac)
{
    uint32_t first;
    uint16_t last;

    memcpy(&first, mac.ea, sizeof first);
    memcpy(&last, &mac.ea[sizeof first], sizeof last);
    return (uint64_t) last << 32 | first;
}

/* The other way round. */
static inline void
ovl_mac_from_bits(uint64_t bits, struct eth_addr *mac)
{
    uint32_t first = bits;
    uint16_t last = bits >> 32;

    memcpy(mac->ea, &first, sizeof first);
    memcpy(&mac->ea[sizeof first], &last, sizeof last);
}

/* What becomes of a packet whose longest matching prefix says so. */
enum ovl_route_action {
    OVL_ROUTE_FORWARD,          /* To one of the route's next hops. */
    OVL_ROUTE_BLACKHOLE,        /* Dropped without a word. */
    OVL_ROUTE_UNREACHABLE,      /* Host unreachable. */
    OVL_ROUTE_PROHIBIT,         /* Administratively prohibited. */

    /* No row says so: gateways do. */
    OVL_ROUTE_CONNECTED,        /* To its destination itself, a neighbor. */
    OVL_ROUTE_LOCAL,            /* It is for the gateway. */
};

const char *ovl_route_action_to_string(enum ovl_route_action);

/* An IP prefix of either family. 'plen' counts the bits of the v4-mapped
 * form: 96 + the IPv4 length for IPv4. */
struct ovl_prefix {
    struct in6_addr addr;
    uint8_t plen;               /* 0...128. */
};

static inline bool
ovl_ip_is_v4(const struct in6_addr *ip)
{
    return IN6_IS_ADDR_V4MAPPED(ip);
}

/* RFC 1122 section 3.2.1.3: what no host has, of any network.  'ip' is in host
 * order. */
static inline bool
ovl_ip4_is_martian(uint32_t ip)
{
    return ip >> 24 == 0 || ip >> 24 == 127 || ip >> 28 >= 14;
}

bool ovl_prefix_is_v4(const struct ovl_prefix *);
bool ovl_prefix_contains(const struct ovl_prefix *, const struct in6_addr *);

#endif /* overlay-types.h */
