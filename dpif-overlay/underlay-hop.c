/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: ovl_hop_. */

#include <config.h>

#include "underlay-hop.h"

#include <limits.h>

#include "underlay-talk.h"
#include "util.h"

void
ovl_hop_init(struct ovl_hop *nh, const struct in6_addr *ip)
{
    *nh = (struct ovl_hop) {
        .ip = *ip,
        .state = OVL_HOP_INCOMPLETE,
        .asked = -OVL_HOP_PROBE_MS,
    };
}

/* May have moved or died: goes on using what is known, but asks. */
static void
doubt(struct ovl_hop *nh, long long int now)
{
    nh->state = OVL_HOP_PROBE;
    nh->is_static = false;
    nh->timer = MAX(now, nh->asked + OVL_HOP_PROBE_MS);
    nh->n_probes = 0;
}

/* RFC 4861 section 7.2.5; section 7.2.3 is the same with 'confirms' false and
 * 'overrides' true. */
bool
ovl_hop_hear(struct ovl_hop *nh, const struct ovl_heard *heard,
             long long int now)
{
    bool known = ovl_hop_is_known(nh);
    bool says = !eth_addr_is_zero(heard->mac);
    bool differs = says && !(known && eth_addr_equals(nh->mac, heard->mac));

    if (!known && !says) {
        return false;
    } else if (known && differs && !heard->overrides) {
        if (nh->state != OVL_HOP_REACHABLE) {
            return false;
        }
        doubt(nh, now);
        return true;
    }

    if (differs) {
        nh->mac = heard->mac;
    }
    if (heard->confirms) {
        nh->state = OVL_HOP_REACHABLE;
        nh->is_static = false;
        nh->timer = now + OVL_HOP_REACHABLE_MS;
        nh->n_probes = 0;
    } else if (differs) {
        doubt(nh, now);
    }
    return differs;
}

void
ovl_hop_configure(struct ovl_hop *nh, const struct eth_addr *mac,
                  bool settled)
{
    if (!mac) {
        if (nh->is_static && !settled) {
            return;
        }
        if (nh->is_static) {
            nh->is_static = false;
            nh->state = OVL_HOP_INCOMPLETE;
            nh->timer = 0;
            nh->n_probes = 0;
        }
        nh->configured = eth_addr_zero;
    } else if (!eth_addr_equals(*mac, nh->configured)
               || !ovl_hop_is_known(nh)) {
        nh->configured = *mac;
        nh->mac = *mac;
        nh->is_static = true;
        nh->state = OVL_HOP_REACHABLE;
        nh->timer = LLONG_MAX;
    }
}

bool
ovl_hop_give_up(struct ovl_hop *nh, long long int now)
{
    if (nh->state == OVL_HOP_PROBE && now >= nh->timer
        && nh->n_probes >= OVL_HOP_MAX_PROBES) {
        nh->state = OVL_HOP_INCOMPLETE;
        nh->n_probes = 0;
        return true;
    }
    return false;
}

enum ovl_hop_ask
ovl_hop_run(struct ovl_hop *nh, long long int now)
{
    if (now < nh->timer) {
        return OVL_HOP_ASK_NOBODY;
    }
    ovl_hop_give_up(nh, now);
    nh->timer = now + OVL_HOP_PROBE_MS;
    nh->asked = now;
    switch (nh->state) {
    case OVL_HOP_REACHABLE:
        nh->state = OVL_HOP_PROBE;
        nh->n_probes = 0;
        /* Fall through. */
    case OVL_HOP_PROBE:
        nh->n_probes++;
        return OVL_HOP_ASK_NEIGHBOR;
    case OVL_HOP_INCOMPLETE:
        break;
    }
    return OVL_HOP_ASK_ALL;
}
