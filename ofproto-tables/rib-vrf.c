/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: rib_vrf_.
 *
 * A VRF exists as long as a network or a route names it. */

#include <config.h>

#include "rib-private.h"

#include <string.h>

#include "util.h"

void
rib_vrf_publish(struct ovl_rib *rib)
{
    struct rib_group *group;

    LIST_FOR_EACH (group, touched_node, &rib->touched_groups) {
        if (group->stale && group->vrf[0]) {
            struct ovl_vrf vrf = { .id = group->id, .name = group->vrf };

            group->stale = false;
            vrf.gateway4 = rib_gateways_lowest(group, true);
            vrf.gateway6 = rib_gateways_lowest(group, false);
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
