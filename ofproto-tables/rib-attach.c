/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: rib_attach_, rib_local_.
 *
 * A Port with overlay columns and an Overlay_Binding say the same about an
 * interface; 'struct rib_attach' is what they have in common.  A row goes
 * through these states:
 *
 *     - detached: there is no live port for it, or something that its row
 *       cannot overcome is in its way: a column that makes no sense, a port
 *       that is LOCAL or an uplink, port columns in the way of a binding.
 *
 *     - attached to a slot, the MACs that it names registered in 'locals'.
 *
 *     - in force, unless another row that is attached to the same slot, or
 *       names one of the same MACs in the same network, is in force and has
 *       a lower UUID.
 *
 * Rows come and go in rib-port.c. */

#include <config.h>

#include "rib-private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "row-error.h"
#include "text-parse.h"
#include "util.h"

static struct rib_port *
port_cast(const struct rib_attach *attach)
{
    return CONTAINER_OF(attach, struct rib_port, attach);
}

static struct rib_binding *
binding_cast(const struct rib_attach *attach)
{
    return CONTAINER_OF(attach, struct rib_binding, attach);
}

static bool
is_port(const struct rib_attach *attach)
{
    return attach->row.table == OVL_RIB_PORT;
}

/* The key of the row, for an error; the caller frees it. */
static char *
attach_key(const struct rib_attach *attach)
{
    return (is_port(attach)
            ? ovl_key_name("Port", port_cast(attach)->name)
            : ovl_key_name("Overlay_Binding", binding_cast(attach)->iface));
}

/* Looking up. */

/* The live port of the interface with iface-id 'id'; of several, that of the
 * lowest UUID. */
static struct rib_slot *
find_slot_by_id(const struct ovl_rib *rib, const char *id)
{
    const struct rib_iface *best = NULL;
    struct rib_slot *best_slot = NULL;
    const struct rib_iface *iface;

    HMAP_FOR_EACH_WITH_HASH (iface, id_node, rib_hash_string(rib, id),
                             &rib->iface_ids) {
        if (strcmp(iface->iface_id, id)) {
            continue;
        }

        struct rib_slot *slot = rib_slot_find(rib, iface->name);
        if (slot && (!best || rib_row_is_before(&iface->port->attach.row,
                                                &best->port->attach.row))) {
            best = iface;
            best_slot = slot;
        }
    }
    return best_slot;
}

struct ovl_lport *
rib_local_find(const struct ovl_rib *rib, uint32_t vni, struct eth_addr mac)
{
    const struct rib_local *local;

    HMAP_FOR_EACH_WITH_HASH (local, hmap_node, rib_hash_mac(rib, vni, mac),
                             &rib->locals) {
        if (local->vni == vni && eth_addr_equals(local->mac, mac)
            && local->attach->row.in_force) {
            return local->attach->slot->lport;
        }
    }
    return NULL;
}

/* Who has to be looked at. */

void
rib_attach_enqueue(struct ovl_rib *rib, struct rib_attach *attach)
{
    if (!attach->queued) {
        attach->queued = true;
        ovs_list_push_back(&rib->attach_queue, &attach->queue_node);
    }
}

/* Whoever waits behind 'attach' has to be looked at. */
static void
enqueue_rivals(struct ovl_rib *rib, const struct rib_attach *attach)
{
    struct rib_attach *rival;

    LIST_FOR_EACH (rival, slot_node, &attach->slot->attaches) {
        if (rib_row_is_before(&attach->row, &rival->row)) {
            rib_attach_enqueue(rib, rival);
        }
    }
    for (size_t i = 0; i < attach->n_locals; i++) {
        const struct rib_local *mine = &attach->locals[i];
        const struct rib_local *local;

        HMAP_FOR_EACH_WITH_HASH (local, hmap_node, mine->hmap_node.hash,
                                 &rib->locals) {
            if (local->vni == mine->vni
                && eth_addr_equals(local->mac, mine->mac)
                && rib_row_is_before(&attach->row, &local->attach->row)) {
                rib_attach_enqueue(rib, local->attach);
            }
        }
    }
}

/* Coming into force and going. */

static void
add_member(struct ovl_rib *rib, struct rib_attach *attach, uint32_t vni,
           uint16_t vlan)
{
    struct rib_member *member = &attach->members[attach->n_members++];

    member->vni = rib_vni_get(rib, vni);
    member->attach = attach;
    member->vlan = vlan;
    ovs_list_push_back(&member->vni->members, &member->vni_node);
    rib_vni_mark(rib, member->vni);
}

static void
join(struct ovl_rib *rib, struct rib_attach *attach)
{
    const struct ovl_bind_spec *spec = &attach->spec;

    rib_row_set_in_force(rib, &attach->row, true);
    rib_slot_mark(rib, attach->slot);

    attach->members = xcalloc(spec->n_vlans + 1, sizeof *attach->members);
    if (spec->role == OVL_ROLE_ACCESS) {
        add_member(rib, attach, spec->vni, 0);
    }
    for (size_t i = 0; i < spec->n_vlans; i++) {
        add_member(rib, attach, spec->vlans[i].vni, spec->vlans[i].vlan);
    }

    for (size_t i = 0; i < attach->n_locals; i++) {
        rib_mac_mark(rib, attach->locals[i].vni, attach->locals[i].mac);
    }

    attach->claims = xcalloc(spec->n_neighbors + 1, sizeof *attach->claims);
    for (size_t i = 0; i < spec->n_neighbors; i++) {
        struct rib_claim *claim = &attach->claims[attach->n_claims++];

        claim->vni = spec->vni;
        claim->mac = spec->neighbors[i].mac;
        claim->ip = spec->neighbors[i].ip;
        rib_claim_insert(rib, claim);
    }
    enqueue_rivals(rib, attach);
}

static void
leave(struct ovl_rib *rib, struct rib_attach *attach)
{
    enqueue_rivals(rib, attach);

    for (size_t i = 0; i < attach->n_claims; i++) {
        rib_claim_remove(rib, &attach->claims[i]);
    }
    free(attach->claims);
    attach->claims = NULL;
    attach->n_claims = 0;

    for (size_t i = 0; i < attach->n_locals; i++) {
        rib_mac_mark(rib, attach->locals[i].vni, attach->locals[i].mac);
    }

    for (size_t i = 0; i < attach->n_members; i++) {
        rib_vni_mark(rib, attach->members[i].vni);
        ovs_list_remove(&attach->members[i].vni_node);
    }
    free(attach->members);
    attach->members = NULL;
    attach->n_members = 0;

    rib_slot_mark(rib, attach->slot);
    rib_row_set_in_force(rib, &attach->row, false);
}

/* Attaching. */

static void
add_local(struct ovl_rib *rib, struct rib_attach *attach, struct eth_addr mac)
{
    struct rib_local *local = &attach->locals[attach->n_locals++];

    local->attach = attach;
    local->vni = attach->spec.vni;
    local->mac = mac;
    hmap_insert(&rib->locals, &local->hmap_node,
                rib_hash_mac(rib, local->vni, mac));
}

static void
attach_to(struct ovl_rib *rib, struct rib_attach *attach,
          struct rib_slot *slot, struct eth_addr attached)
{
    const struct ovl_bind_spec *spec = &attach->spec;

    attach->slot = slot;
    attach->attached = attached;
    ovs_list_push_back(&slot->attaches, &attach->slot_node);

    attach->locals = xcalloc(spec->n_guards + 1, sizeof *attach->locals);
    for (size_t i = 0; i < spec->n_guards; i++) {
        add_local(rib, attach, spec->guards[i].mac);
    }
    if (!eth_addr_is_zero(attached)) {
        add_local(rib, attach, attached);
    }
}

void
rib_attach_detach(struct ovl_rib *rib, struct rib_attach *attach)
{
    if (!attach->slot) {
        return;
    }
    if (attach->row.in_force) {
        leave(rib, attach);
    }
    for (size_t i = 0; i < attach->n_locals; i++) {
        hmap_remove(&rib->locals, &attach->locals[i].hmap_node);
    }
    free(attach->locals);
    attach->locals = NULL;
    attach->n_locals = 0;
    ovs_list_remove(&attach->slot_node);
    attach->slot = NULL;
}

/* Says what a port of this name is that can be bound to no network, or
 * NULL. */
static const char *
underlay_role(const struct ovl_rib *rib, const char *name)
{
    return (nullable_string_is_equal(name, rib->local_name)
            ? "the bridge's own port"
            : nullable_string_is_equal(name, rib->uplink_name)
              || sset_contains(&rib->uplink_names, name) ? "an uplink"
            : NULL);
}

/* Finds the slot that 'attach' should be attached to.  NULL if it cannot be,
 * with an error, or has to wait, without. */
static struct rib_slot *
find_port_slot(const struct ovl_rib *rib, const struct rib_port *port,
               char **why)
{
    const char *name = port->n_ifaces ? port->ifaces[0].name : port->name;
    const char *role = underlay_role(rib, name);

    if (port->attach.spec.role == OVL_ROLE_UNBOUND) {
        return NULL;
    }
    if (!role) {
        role = underlay_role(rib, port->name);
    }
    if (role) {
        *why = xasprintf("%s is set, but the port is %s",
                         port->attach.spec.role == OVL_ROLE_ACCESS
                         ? "overlay_vni" : "overlay_vlan_bindings", role);
        return NULL;
    }
    return rib_slot_find(rib, name);
}

static struct rib_slot *
find_binding_slot(const struct ovl_rib *rib,
                  const struct rib_binding *binding, char **why)
{
    struct rib_slot *slot = rib_slot_find(rib, binding->iface);
    const struct rib_iface *iface;
    const char *role;

    if (!slot) {
        slot = find_slot_by_id(rib, binding->iface);
    }
    if (!slot) {
        return NULL;
    }
    iface = rib_iface_find(rib, slot->lport->name);
    role = underlay_role(rib, slot->lport->name);
    if (!role && iface) {
        role = underlay_role(rib, iface->port->name);
    }
    if (role) {
        *why = xasprintf("the interface is %s", role);
    } else if (iface && iface->port->n_ifaces > 1) {
        *why = xstrdup("bonds are not supported as access ports");
    } else if (iface && iface->port->attach.spec.role != OVL_ROLE_UNBOUND) {
        struct ds ds = DS_EMPTY_INITIALIZER;

        ds_put_cstr(&ds, "the overlay columns of Port ");
        ovl_text_quote(&ds, iface->port->name);
        ds_put_cstr(&ds, " are set and win");
        *why = ds_steal_cstr(&ds);
    }
    return *why ? NULL : slot;
}

/* Says which MAC the interface on 'slot' has by its external_ids, if that
 * counts for 'attach'.  Zero if none. 'why' says what is wrong with it. */
static struct eth_addr
find_attached_mac(const struct ovl_rib *rib, const struct rib_attach *attach,
                  const struct rib_slot *slot, char **why)
{
    const struct rib_iface *iface = rib_iface_find(rib, slot->lport->name);
    struct eth_addr mac = eth_addr_zero;

    if (attach->spec.role == OVL_ROLE_ACCESS && !attach->spec.n_guards
        && iface && iface->attached_mac) {
        const char *bad = ovl_text_to_unicast_mac(iface->attached_mac, &mac);

        if (bad) {
            struct ds ds = DS_EMPTY_INITIALIZER;

            ds_put_cstr(&ds, "external_ids:attached-mac ");
            ovl_text_quote(&ds, iface->attached_mac);
            ds_put_format(&ds, " of the interface: %s", bad);
            *why = ds_steal_cstr(&ds);
            return eth_addr_zero;
        }
    }
    return mac;
}

/* Conflicts. */

/* What two rows that conflict both want. */
struct conflict {
    const struct rib_attach *rival; /* In force; NULL: no conflict. */
    struct eth_addr mac;        /* Zero: the port. */
};

/* Takes 'rival' into account if it is in force and before 'attach' in order
 * of UUIDs; of several, the lowest counts. */
static void
consider(struct conflict *conflict, const struct rib_attach *attach,
         const struct rib_attach *rival, struct eth_addr mac)
{
    if (rival->row.in_force && rib_row_is_before(&rival->row, &attach->row)
        && (!conflict->rival || rib_row_is_before(&rival->row,
                                                  &conflict->rival->row))) {
        conflict->rival = rival;
        conflict->mac = mac;
    }
}

static struct conflict
find_conflict(const struct ovl_rib *rib, const struct rib_attach *attach)
{
    struct conflict conflict = { .rival = NULL };
    const struct rib_attach *rival;

    LIST_FOR_EACH (rival, slot_node, &attach->slot->attaches) {
        consider(&conflict, attach, rival, eth_addr_zero);
    }
    for (size_t i = 0; i < attach->n_locals; i++) {
        const struct rib_local *mine = &attach->locals[i];
        const struct rib_local *local;

        HMAP_FOR_EACH_WITH_HASH (local, hmap_node, mine->hmap_node.hash,
                                 &rib->locals) {
            if (local->vni == mine->vni
                && eth_addr_equals(local->mac, mine->mac)) {
                consider(&conflict, attach, local->attach, local->mac);
            }
        }
    }
    return conflict;
}

static char *
conflict_message(const struct conflict *conflict)
{
    const struct rib_attach *winner = conflict->rival;
    struct eth_addr mac = conflict->mac;
    struct ds ds = DS_EMPTY_INITIALIZER;

    if (eth_addr_is_zero(mac)) {
        ds_put_format(&ds, "same interface as another row, "UUID_FMT
                      ", which is in force", UUID_ARGS(&winner->row.uuid));
    } else {
        ds_put_format(&ds, "MAC "ETH_ADDR_FMT" is on port ",
                      ETH_ADDR_ARGS(mac));
        ovl_text_quote(&ds, winner->slot->lport->name);
        ds_put_format(&ds, " in the same network by row "UUID_FMT
                      ", which is in force", UUID_ARGS(&winner->row.uuid));
    }
    return ds_steal_cstr(&ds);
}

/* Names the first network that 'attach' is in and that is none, or NULL. */
static char *
missing_network(const struct rib_attach *attach)
{
    for (size_t i = 0; i < attach->n_members; i++) {
        const struct rib_vni *vni = attach->members[i].vni;

        if (!vni->net) {
            return xasprintf("Overlay_Network %"PRIu32" %s", vni->vni,
                             ovs_list_is_empty(&vni->rows)
                             ? "does not exist" : "is in error");
        }
    }
    return NULL;
}

/* Evaluating. */

/* Settles whether attached 'attach' is in force.  Returns what its error has
 * to say, or NULL. */
static char *
evaluate_attached(struct ovl_rib *rib, struct rib_attach *attach)
{
    struct conflict conflict = find_conflict(rib, attach);

    if (conflict.rival) {
        if (attach->row.in_force) {
            leave(rib, attach);
        }
        return conflict_message(&conflict);
    }
    if (!attach->row.in_force) {
        /* Rows behind it give way when they are looked at. */
        join(rib, attach);
    }
    return missing_network(attach);
}

static void
evaluate(struct ovl_rib *rib, struct rib_attach *attach)
{
    struct eth_addr attached = eth_addr_zero;
    char *attached_why = NULL;
    char *why = NULL;
    struct rib_slot *slot;

    slot = (is_port(attach) ? find_port_slot(rib, port_cast(attach), &why)
            : find_binding_slot(rib, binding_cast(attach), &why));
    if (slot) {
        attached = find_attached_mac(rib, attach, slot, &attached_why);
    }
    if (slot != attach->slot || !eth_addr_equals(attached,
                                                 attach->attached)) {
        rib_attach_detach(rib, attach);
    }
    if (slot && !attach->slot) {
        attach_to(rib, attach, slot, attached);
    }
    if (slot) {
        why = evaluate_attached(rib, attach);
    }
    if (!why) {
        why = attached_why;
        attached_why = NULL;
    }

    char *error = NULL;
    if (why) {
        char *key = attach_key(attach);

        error = ovl_row_error(key, "%s", why);
        free(key);
    }
    rib_row_set_error(rib, &attach->row, error);
    free(why);
    free(attached_why);
}

static int
compare_attaches(const void *a_, const void *b_)
{
    const struct rib_attach *a = *(struct rib_attach *const *) a_;
    const struct rib_attach *b = *(struct rib_attach *const *) b_;

    return (rib_row_is_before(&a->row, &b->row) ? -1
            : rib_row_is_before(&b->row, &a->row));
}

/* Evaluating from the lowest UUID on, hardly any row is looked at twice. */
static void
sort_queue(struct ovl_rib *rib)
{
    size_t n = ovs_list_size(&rib->attach_queue);
    struct rib_attach **attaches = xmalloc((n + 1) * sizeof *attaches);
    struct rib_attach *attach;

    n = 0;
    LIST_FOR_EACH_POP (attach, queue_node, &rib->attach_queue) {
        attaches[n++] = attach;
    }
    qsort(attaches, n, sizeof *attaches, compare_attaches);
    for (size_t i = 0; i < n; i++) {
        ovs_list_push_back(&rib->attach_queue, &attaches[i]->queue_node);
    }
    free(attaches);
}

void
rib_attach_resolve(struct ovl_rib *rib)
{
    size_t n = 0;

    sort_queue(rib);
    while (!ovs_list_is_empty(&rib->attach_queue)) {
        struct rib_attach *attach
            = CONTAINER_OF(ovs_list_pop_front(&rib->attach_queue),
                           struct rib_attach, queue_node);

        attach->queued = false;
        if (attach->row.valid) {
            evaluate(rib, attach);
        }
        rib_breathe(n++);
    }
}
