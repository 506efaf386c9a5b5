/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: rib_slot_, ovl_rib_.
 *
 * A slot is a live port.  A port that goes and comes back under its name is
 * another slot with another id: rows find their way to it again by name, the
 * binding of the former id is removed. */

#include <config.h>

#include "rib-private.h"

#include <stdlib.h>
#include <string.h>

#include "util.h"

struct rib_slot *
rib_slot_find(const struct ovl_rib *rib, const char *name)
{
    struct rib_slot *slot;

    HMAP_FOR_EACH_WITH_HASH (slot, hmap_node, rib_hash_string(rib, name),
                             &rib->slots) {
        if (!strcmp(slot->lport->name, name)) {
            return slot;
        }
    }
    return NULL;
}

void
rib_slot_mark(struct ovl_rib *rib, struct rib_slot *slot)
{
    if (!slot->dirty) {
        slot->dirty = true;
        ovs_list_push_back(&rib->dirty_slots, &slot->dirty_node);
    }
}

static void
add_slot(struct ovl_rib *rib, struct ovl_lport *lport)
{
    struct rib_slot *slot = xzalloc(sizeof *slot);

    slot->lport = ovl_lport_ref(lport);
    ovs_list_init(&slot->attaches);
    hmap_insert(&rib->slots, &slot->hmap_node,
                rib_hash_string(rib, lport->name));
    rib_slot_mark(rib, slot);
    rib_iface_changed(rib, lport->name);
}

static void
remove_slot(struct ovl_rib *rib, struct rib_slot *slot)
{
    struct rib_attach *attach;

    LIST_FOR_EACH_SAFE (attach, slot_node, &slot->attaches) {
        rib_attach_detach(rib, attach);
        rib_attach_enqueue(rib, attach);
    }
    hmap_remove(&rib->slots, &slot->hmap_node);
    rib_iface_changed(rib, slot->lport->name);

    if (rib->n_removed_ids >= rib->allocated_removed_ids) {
        rib->removed_ids = x2nrealloc(rib->removed_ids,
                                      &rib->allocated_removed_ids,
                                      sizeof *rib->removed_ids);
    }
    rib->removed_ids[rib->n_removed_ids++] = slot->lport->id;

    if (slot->dirty) {
        ovs_list_remove(&slot->dirty_node);
    }
    ovl_lport_unref(slot->lport);
    free(slot);
}

static int
compare_lports(const void *a_, const void *b_)
{
    const struct ovl_lport *a = *(struct ovl_lport *const *) a_;
    const struct ovl_lport *b = *(struct ovl_lport *const *) b_;
    int cmp = strcmp(a->name, b->name);

    return cmp ? cmp : a->id < b->id ? -1 : a->id > b->id;
}

static struct ovl_lport *
find_lport(struct ovl_lport *const *lports, size_t n, const char *name)
{
    size_t low = 0;

    while (low < n) {
        size_t mid = low + (n - low) / 2;
        int cmp = strcmp(lports[mid]->name, name);

        if (!cmp) {
            return lports[mid];
        } else if (cmp < 0) {
            low = mid + 1;
        } else {
            n = mid;
        }
    }
    return NULL;
}

/* Sorts a copy of 'lports' by name; of several with one name, the youngest
 * counts. */
static struct ovl_lport **
sort_lports(struct ovl_lport *const *lports, size_t *n)
{
    struct ovl_lport **sorted = xmalloc((*n + 1) * sizeof *sorted);
    size_t kept = 0;

    if (*n) {
        memcpy(sorted, lports, *n * sizeof *sorted);
        qsort(sorted, *n, sizeof *sorted, compare_lports);
    }
    for (size_t i = 0; i < *n; i++) {
        if (kept && !strcmp(sorted[kept - 1]->name, sorted[i]->name)) {
            kept--;
        }
        sorted[kept++] = sorted[i];
    }
    *n = kept;
    return sorted;
}

void
ovl_rib_set_lports(struct ovl_rib *rib, struct ovl_lport *const *lports,
                   size_t n)
{
    struct ovl_lport **sorted = sort_lports(lports, &n);
    struct rib_slot *slot;

    HMAP_FOR_EACH_SAFE (slot, hmap_node, &rib->slots) {
        if (find_lport(sorted, n, slot->lport->name) != slot->lport) {
            remove_slot(rib, slot);
        }
    }
    for (size_t i = 0; i < n; i++) {
        if (!rib_slot_find(rib, sorted[i]->name)) {
            add_slot(rib, sorted[i]);
        }
    }
    free(sorted);
}

/* The binding of a port. */

static void
set_binding(struct ovl_rib *rib, const struct rib_slot *slot,
            const struct rib_attach *attach)
{
    const struct ovl_bind_spec *spec = &attach->spec;

    ovl_binding_set(rib->fwd, &(struct ovl_binding) {
        .port = slot->lport,
        .role = spec->role,
        .vni = spec->vni,
        .guarded = spec->n_guards > 0,
        .n_guards = spec->n_guards,
        .guards = spec->guards,
        .n_vlans = spec->n_vlans,
        .vlans = spec->vlans,
    });
}

static void
set_role(struct ovl_rib *rib, const struct rib_slot *slot, enum ovl_role role)
{
    ovl_binding_set(rib->fwd, &(struct ovl_binding) {
        .port = slot->lport,
        .role = role,
    });
}

static void
publish_slot(struct ovl_rib *rib, const struct rib_slot *slot)
{
    const char *name = slot->lport->name;
    const struct rib_attach *attach;

    if (nullable_string_is_equal(name, rib->local_name)) {
        set_role(rib, slot, OVL_ROLE_LOCAL);
        return;
    } else if (nullable_string_is_equal(name, rib->uplink_name)) {
        set_role(rib, slot, OVL_ROLE_UPLINK);
        return;
    }
    LIST_FOR_EACH (attach, slot_node, &slot->attaches) {
        if (attach->row.in_force) {
            set_binding(rib, slot, attach);
            return;
        }
    }
    ovl_binding_remove(rib->fwd, slot->lport->id);
}

void
rib_slot_publish(struct ovl_rib *rib)
{
    struct rib_slot *slot;

    LIST_FOR_EACH_POP (slot, dirty_node, &rib->dirty_slots) {
        slot->dirty = false;
        publish_slot(rib, slot);
    }
    for (size_t i = 0; i < rib->n_removed_ids; i++) {
        ovl_binding_remove(rib->fwd, rib->removed_ids[i]);
    }
    rib->n_removed_ids = 0;
}
