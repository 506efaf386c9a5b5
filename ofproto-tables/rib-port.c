/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: rib_port_, rib_iface_, ovl_rib_.
 *
 * Rows of Port, with their interfaces, and of Overlay_Binding, by name.  What
 * they do to ports is in rib-attach.c. */

#include <config.h>

#include "rib-private.h"

#include <stdlib.h>
#include <string.h>

#include "util.h"

static struct rib_attach *
attach_cast(const struct rib_row *row)
{
    return CONTAINER_OF(row, struct rib_attach, row);
}

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

/* Looking up. */

const struct rib_iface *
rib_iface_find(const struct ovl_rib *rib, const char *name)
{
    const struct rib_iface *best = NULL;
    const struct rib_iface *iface;

    HMAP_FOR_EACH_WITH_HASH (iface, name_node, rib_hash_string(rib, name),
                             &rib->ifaces) {
        if (!strcmp(iface->name, name)
            && (!best || rib_row_is_before(&iface->port->attach.row,
                                           &best->port->attach.row))) {
            best = iface;
        }
    }
    return best;
}

/* Ports and interfaces have the same name, except for bonds, which are
 * few. */
const struct rib_port *
rib_port_find(const struct ovl_rib *rib, const char *name)
{
    const struct rib_iface *iface = rib_iface_find(rib, name);
    const struct rib_port *best = NULL;
    const struct rib_port *port;

    if (iface && !strcmp(iface->port->name, name)) {
        return iface->port;
    }
    HMAP_FOR_EACH (port, attach.row.uuid_node, &rib->rows[OVL_RIB_PORT]) {
        if (!strcmp(port->name, name)
            && (!best || rib_row_is_before(&port->attach.row,
                                           &best->attach.row))) {
            best = port;
        }
    }
    return best;
}

/* Who has to be looked at. */

static void
enqueue_bindings(struct ovl_rib *rib, const char *iface)
{
    struct rib_binding *binding;

    HMAP_FOR_EACH_WITH_HASH (binding, iface_node, rib_hash_string(rib, iface),
                             &rib->bindings) {
        if (!strcmp(binding->iface, iface)) {
            rib_attach_enqueue(rib, &binding->attach);
        }
    }
}

void
rib_iface_changed(struct ovl_rib *rib, const char *name)
{
    const struct rib_iface *iface;

    enqueue_bindings(rib, name);
    HMAP_FOR_EACH_WITH_HASH (iface, name_node, rib_hash_string(rib, name),
                             &rib->ifaces) {
        if (!strcmp(iface->name, name)) {
            rib_attach_enqueue(rib, &iface->port->attach);
            if (iface->iface_id) {
                enqueue_bindings(rib, iface->iface_id);
            }
        }
    }
}

/* Rows. */

/* Takes 'attach' out of everything but the index by UUID, and frees what it
 * said. */
static void
withdraw(struct ovl_rib *rib, struct rib_attach *attach)
{
    rib_attach_detach(rib, attach);
    if (attach->queued) {
        attach->queued = false;
        ovs_list_remove(&attach->queue_node);
    }
    attach->row.valid = false;
    ovl_bind_spec_uninit(&attach->spec);
}

/* Has everybody looked at whom 'port''s interfaces matter to. */
static void
port_changed(struct ovl_rib *rib, const struct rib_port *port)
{
    for (size_t i = 0; i < port->n_ifaces; i++) {
        rib_iface_changed(rib, port->ifaces[i].name);
    }
}

static void
withdraw_port(struct ovl_rib *rib, struct rib_port *port)
{
    port_changed(rib, port);
    withdraw(rib, &port->attach);
    for (size_t i = 0; i < port->n_ifaces; i++) {
        struct rib_iface *iface = &port->ifaces[i];

        hmap_remove(&rib->ifaces, &iface->name_node);
        if (iface->iface_id) {
            hmap_remove(&rib->iface_ids, &iface->id_node);
        }
        free(iface->name);
        free(iface->iface_id);
        free(iface->attached_mac);
    }
    free(port->ifaces);
    free(port->name);
}

static void
fill_port(struct ovl_rib *rib, struct rib_port *port,
          const struct ovl_row_port *row)
{
    port->name = xstrdup(row->name);
    port->n_ifaces = row->n_ifaces;
    port->ifaces = xcalloc(row->n_ifaces + 1, sizeof *port->ifaces);
    for (size_t i = 0; i < row->n_ifaces; i++) {
        struct rib_iface *iface = &port->ifaces[i];

        iface->port = port;
        iface->name = xstrdup(row->ifaces[i].name);
        iface->iface_id = nullable_xstrdup(row->ifaces[i].iface_id);
        iface->attached_mac = nullable_xstrdup(row->ifaces[i].attached_mac);
        hmap_insert(&rib->ifaces, &iface->name_node,
                    rib_hash_string(rib, iface->name));
        if (iface->iface_id) {
            hmap_insert(&rib->iface_ids, &iface->id_node,
                        rib_hash_string(rib, iface->iface_id));
        }
    }
}

void
ovl_rib_set_port(struct ovl_rib *rib, const struct uuid *uuid,
                 const struct ovl_row_port *row)
{
    struct rib_row *old = rib_row_see(rib, OVL_RIB_PORT, uuid);
    struct rib_port *port;

    if (old) {
        port = port_cast(attach_cast(old));
        withdraw_port(rib, port);
    } else {
        port = xzalloc(sizeof *port);
        rib_row_insert(rib, &port->attach.row, OVL_RIB_PORT, uuid);
    }
    fill_port(rib, port, row);

    char *error = ovl_parse_port(row, &port->attach.spec);
    port->attach.row.valid = !error;
    if (error) {
        rib_row_set_error(rib, &port->attach.row, error);
    } else {
        rib_attach_enqueue(rib, &port->attach);
    }
    port_changed(rib, port);
}

static void
withdraw_binding(struct ovl_rib *rib, struct rib_binding *binding)
{
    if (binding->attach.row.valid) {
        hmap_remove(&rib->bindings, &binding->iface_node);
    }
    withdraw(rib, &binding->attach);
    free(binding->iface);
}

void
ovl_rib_set_binding(struct ovl_rib *rib, const struct uuid *uuid,
                    const struct ovl_row_binding *row)
{
    struct rib_row *old = rib_row_see(rib, OVL_RIB_BINDING, uuid);
    struct rib_binding *binding;

    if (old) {
        binding = binding_cast(attach_cast(old));
        withdraw_binding(rib, binding);
    } else {
        binding = xzalloc(sizeof *binding);
        rib_row_insert(rib, &binding->attach.row, OVL_RIB_BINDING, uuid);
    }
    binding->iface = nullable_xstrdup(row->iface);

    char *error = ovl_parse_binding(row, &binding->attach.spec);
    binding->attach.row.valid = !error;
    if (error) {
        rib_row_set_error(rib, &binding->attach.row, error);
    } else {
        hmap_insert(&rib->bindings, &binding->iface_node,
                    rib_hash_string(rib, binding->iface));
        rib_attach_enqueue(rib, &binding->attach);
    }
}

void
rib_attach_delete(struct ovl_rib *rib, struct rib_row *row)
{
    struct rib_attach *attach = attach_cast(row);

    if (row->table == OVL_RIB_PORT) {
        withdraw_port(rib, port_cast(attach));
        rib_row_remove(rib, row);
        free(port_cast(attach));
    } else {
        withdraw_binding(rib, binding_cast(attach));
        rib_row_remove(rib, row);
        free(binding_cast(attach));
    }
}
