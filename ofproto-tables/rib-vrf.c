/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: rib_vrf_.
 *
 * A VRF exists as long as a network or a route names it. */

#include <config.h>

#include "rib-private.h"

#include <string.h>

#include "util.h"

/* Makes 'ip' the lowest gateway address of one family of the VRF. */
static void
find_gateway(const struct rib_group *group, bool v4, struct in6_addr *ip)
{
    const struct rib_network *net;

    *ip = in6addr_any;
    LIST_FOR_EACH (net, group_node, &group->networks) {
        for (size_t i = 0; net->row.in_force && i < net->p.n_gateways; i++) {
            struct in6_addr *gw = &net->p.gateways[i].ip;

            if (ovl_ip_is_v4(gw) == v4 && !IN6_IS_ADDR_LINKLOCAL(gw)
                && (!ipv6_addr_is_set(ip) || memcmp(gw, ip, sizeof *ip) < 0)) {
                *ip = *gw;
            }
        }
    }
}

void
rib_vrf_publish(struct ovl_rib *rib)
{
    struct rib_group *group;

    LIST_FOR_EACH (group, touched_node, &rib->touched_groups) {
        if (group->stale && group->vrf[0]) {
            struct ovl_vrf vrf = { .id = group->id, .name = group->vrf };

            group->stale = false;
            find_gateway(group, true, &vrf.gateway4);
            find_gateway(group, false, &vrf.gateway6);
            ovl_vrf_set(rib->fwd, &vrf);
        }
    }
}

void
rib_vrf_remove_unused(struct ovl_rib *rib)
{
    struct rib_group *group;

    LIST_FOR_EACH (group, touched_node, &rib->touched_groups) {
        if (group->vrf[0] && rib_group_is_unused(group)) {
            ovl_vrf_remove(rib->fwd, group->id);
        }
    }
}
