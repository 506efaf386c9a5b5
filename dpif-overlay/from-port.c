/* SPDX-License-Identifier: Apache-2.0 */

/* What becomes of a frame from a VM or an L2 gateway port: the frame is
 * hostile until every check has passed.  First it is known where it belongs
 * (binding, then network), so that a drop is counted there; then the checks,
 * in the order in which they need each other; then ARP and ND; then bridging.
 *
 * Nothing here can choose the uplink: the only ways out are the members and
 * the VTEPs of the frame's network.
 *
 * Prefix: ovl_from_port. */

#include <config.h>

#include "bridging.h"
#include "guard.h"
#include "pipeline-trace.h"
#include "responder.h"

/* Finds the VNI of a frame on an access port. */
static enum ovl_drop_reason
classify_access(struct ovl_arrival *a, const struct ovl_pkt *pkt)
{
    a->drops = a->binding->drops;
    a->vni = a->binding->vni;
    OVL_TRACE(a->worker->trace, "bindings: %s -> access port of network "
              "%"PRIu32, a->in->name, a->vni);
    return pkt->too_short ? OVL_DROP_TOO_SHORT : OVL_NO_DROP;
}

/* Finds the VNI of a frame on an L2 gateway port. */
static enum ovl_drop_reason
classify_gateway(struct ovl_arrival *a, const struct ovl_pkt *pkt)
{
    if (pkt->too_short) {
        return OVL_DROP_TOO_SHORT;
    } else if (pkt->tag == OVL_TAG_OTHER) {
        return OVL_DROP_VLAN_TAG;
    }

    const struct ovl_vlan_binding *vlan
        = ovl_binding_find_vlan(a->binding, pkt->vlan);
    if (!vlan) {
        OVL_TRACE(a->worker->trace, "bindings: (%s, VLAN %"PRIu16") -> none",
                  a->in->name, pkt->vlan);
        return OVL_DROP_VLAN_UNBOUND;
    }
    OVL_TRACE(a->worker->trace, "bindings: (%s, VLAN %"PRIu16") -> network "
              "%"PRIu32, a->in->name, pkt->vlan, vlan->vni);
    a->vlan = pkt->vlan;
    a->drops = vlan->drops;
    a->vni = vlan->vni;
    return OVL_NO_DROP;
}

/* Everything that can be wrong with a frame of 'a->net'. */
static enum ovl_drop_reason
check(const struct ovl_arrival *a, const struct ovl_pkt *pkt)
{
    enum ovl_drop_reason reason = ovl_guard_frame(pkt);

    if (reason == OVL_NO_DROP && a->binding->role == OVL_ROLE_ACCESS
        && pkt->tag != OVL_TAG_NONE && pkt->tag != OVL_TAG_PRIORITY) {
        reason = OVL_DROP_VLAN_TAG;
    }
    if (reason == OVL_NO_DROP) {
        reason = ovl_guard_neighbor_message(a->net, pkt);
    }
    if (reason == OVL_NO_DROP) {
        reason = ovl_guard_source(a, pkt);
    }
    return reason;
}

enum ovl_drop_reason
ovl_from_port_classify(struct ovl_arrival *a, const struct ovl_pkt *pkt)
{
    return (a->binding->role == OVL_ROLE_ACCESS ? classify_access(a, pkt)
            : classify_gateway(a, pkt));
}

struct ovl_verdict
ovl_from_port(const struct ovl_arrival *a, const struct ovl_pkt *pkt)
{
    enum ovl_drop_reason reason
        = a->net ? check(a, pkt) : OVL_DROP_NO_NETWORK;

    if (reason != OVL_NO_DROP) {
        return ovl_verdict_drop(reason);
    }
    return ovl_may_ask(pkt) ? ovl_respond(a, pkt) : ovl_bridge(a, pkt);
}
