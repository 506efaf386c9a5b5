/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: ovl_role_, ovl_route_action_, ovl_prefix_. */

#include <config.h>

#include "overlay-types.h"

#include <string.h>

/* Names 'role' for people and JSON. */
const char *
ovl_role_to_string(enum ovl_role role)
{
    switch (role) {
    case OVL_ROLE_UNBOUND: return "unbound";
    case OVL_ROLE_ACCESS: return "access";
    case OVL_ROLE_GATEWAY: return "gateway";
    case OVL_ROLE_UPLINK: return "uplink";
    case OVL_ROLE_LOCAL: return "local";
    }
    OVS_NOT_REACHED();
}

/* Names 'action' for people and JSON. */
const char *
ovl_route_action_to_string(enum ovl_route_action action)
{
    switch (action) {
    case OVL_ROUTE_FORWARD: return "forward";
    case OVL_ROUTE_CONNECTED: return "connected";
    case OVL_ROUTE_LOCAL: return "local";
    case OVL_ROUTE_BLACKHOLE: return "blackhole";
    case OVL_ROUTE_UNREACHABLE: return "unreachable";
    case OVL_ROUTE_PROHIBIT: return "prohibit";
    }
    OVS_NOT_REACHED();
}

/* True if 'prefix' is one of IPv4.  A shorter one than the 96 bits that all
 * v4-mapped addresses share, e.g. "::/0", is IPv6: no IPv4 address is in
 * it. */
bool
ovl_prefix_is_v4(const struct ovl_prefix *prefix)
{
    return prefix->plen >= 96 && ovl_ip_is_v4(&prefix->addr);
}

/* True if 'ip' is in 'prefix' and of its family. */
bool
ovl_prefix_contains(const struct ovl_prefix *prefix,
                    const struct in6_addr *ip)
{
    size_t n_bytes = prefix->plen / 8;
    unsigned int n_bits = prefix->plen % 8;

    if (ovl_prefix_is_v4(prefix) != ovl_ip_is_v4(ip)
        || memcmp(&prefix->addr, ip, n_bytes)) {
        return false;
    }
    return !n_bits || !((prefix->addr.s6_addr[n_bytes] ^ ip->s6_addr[n_bytes])
                        >> (8 - n_bits));
}
