/* SPDX-License-Identifier: Apache-2.0 */

/* Any text in any column of any row, through the RIB into forwarding tables.
 *
 * The input is a list of texts, each ended by a zero byte.  The first byte of
 * a text chooses the table; the rest is the row's columns, separated by '|'.
 * Rows have few UUIDs, so that they replace each other. An error that anybody
 * gets to see is short printable ASCII. */

#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "forwarding.h"
#include "frame-input.h"
#include "ovs-rcu.h"
#include "rib.h"
#include "smap.h"
#include "util.h"

#define MAX_COLUMNS 8
#define N_UUIDS 4

struct columns {
    char *s[MAX_COLUMNS];
    size_t n;
};

static const char *
text(const struct columns *columns, size_t i)
{
    return i < columns->n ? columns->s[i] : "";
}

static const char *
optional(const struct columns *columns, size_t i)
{
    return i < columns->n ? columns->s[i] : NULL;
}

static int64_t
number(const struct columns *columns, size_t i)
{
    return strtoll(text(columns, i), NULL, 10);
}

/* All columns from 'i' on. */
static struct ovl_strings
rest(struct columns *columns, size_t i)
{
    return (i < columns->n
            ? (struct ovl_strings) { &columns->s[i], columns->n - i }
            : (struct ovl_strings) { NULL, 0 });
}

static void
set_bridge(struct ovl_rib *rib, const struct uuid *uuid, struct columns *c)
{
    struct smap config = SMAP_INITIALIZER(&config);

    smap_add(&config, "vxlan-port", text(c, 0));
    smap_add(&config, "vxlan-ttl", text(c, 1));
    smap_add(&config, "vxlan-dscp", text(c, 2));
    ovl_rib_set_bridge(rib, uuid, &(struct ovl_row_bridge) {
        .name = "br-ov", .gateway_mac = optional(c, 3),
        .router_mac = optional(c, 4), .vtep_ips = rest(c, 5),
        .uplinks = rest(c, 6), .other_config = &config });
    smap_destroy(&config);
}

static void
set_port(struct ovl_rib *rib, const struct uuid *uuid, struct columns *c)
{
    struct ovl_row_iface iface = {
        .name = text(c, 0), .iface_id = optional(c, 1),
        .attached_mac = optional(c, 2),
    };
    int64_t vlan = number(c, 4);
    int64_t vni = number(c, 5);

    ovl_rib_set_port(rib, uuid, &(struct ovl_row_port) {
        .name = text(c, 0), .on_overlay_bridge = true, .ifaces = &iface,
        .n_ifaces = 1, .has_vni = number(c, 3) != 0, .vni = number(c, 3),
        .vlans = &vlan, .vlan_vnis = &vni, .n_vlans = vni != 0,
        .addresses = rest(c, 6) });
}

static void
set_network(struct ovl_rib *rib, const struct uuid *uuid, struct columns *c)
{
    int64_t mtu = number(c, 4);

    ovl_rib_set_network(rib, uuid, &(struct ovl_row_network) {
        .vni = number(c, 0), .name = text(c, 1), .vrf = text(c, 2),
        .gateway_mac = optional(c, 3), .mtu = mtu ? &mtu : NULL,
        .flood_vteps = rest(c, 6), .gateway_ips = rest(c, 5) });
}

static void
set_route(struct ovl_rib *rib, const struct uuid *uuid, struct columns *c)
{
    int64_t vni = number(c, 2);

    ovl_rib_set_route(rib, uuid, &(struct ovl_row_route) {
        .vrf = text(c, 0), .prefix = text(c, 1), .vni = vni ? &vni : NULL,
        .action = text(c, 3)[0] ? text(c, 3) : NULL,
        .nexthops = rest(c, 4) });
}

static void
set_row(struct ovl_rib *rib, uint8_t choice, struct columns *c)
{
    struct uuid uuid = { .parts = { choice / 16 % N_UUIDS } };

    switch (choice % 8) {
    case 0:
        set_bridge(rib, &uuid, c);
        break;
    case 1:
        set_port(rib, &uuid, c);
        break;
    case 2:
        ovl_rib_set_binding(rib, &uuid, &(struct ovl_row_binding) {
            .iface = text(c, 0), .vni = number(c, 1),
            .addresses = rest(c, 2) });
        break;
    case 3:
        set_network(rib, &uuid, c);
        break;
    case 4:
        set_route(rib, &uuid, c);
        break;
    case 5:
        ovl_rib_set_neighbor(rib, &uuid, &(struct ovl_row_neighbor) {
            .vni = number(c, 0), .ip = text(c, 1), .mac = text(c, 2) });
        break;
    case 6:
        ovl_rib_set_mac(rib, &uuid, &(struct ovl_row_mac) {
            .vni = number(c, 0), .mac = text(c, 1), .vtep = text(c, 2),
            .ips = rest(c, 3) });
        break;
    default:
        ovl_rib_delete(rib, choice / 64 % OVL_RIB_N_TABLES, &uuid);
    }
}

static void
port_destroy(struct ovl_lport *port)
{
    ovl_lport_uninit(port);
    free(port);
}

static void
commit(struct ovl_rib *rib)
{
    struct ovl_rib_error e;

    ovl_rib_commit(rib);
    while (ovl_rib_next_error(rib, &e)) {
        size_t length = e.error ? strlen(e.error) : 0;

        /* A bridge has a reason for each of its values. */
        ovs_assert(length < (e.table == OVL_RIB_BRIDGE ? 4000 : 800));
        for (size_t i = 0; i < length; i++) {
            ovs_assert(e.error[i] >= ' ' && e.error[i] <= '~');
        }
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = { "br-ov", "eth1", "vm1", "vm2" };
    struct ovl_forwarding *fwd = ovl_forwarding_create();
    struct ovl_rib *rib = ovl_rib_create(fwd);
    struct ovl_lport *ports[ARRAY_SIZE(names)];
    char *copy = xmalloc(size + 1);

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        ports[i] = xzalloc(sizeof *ports[i]);
        ovl_lport_init(ports[i], names[i], ODP_PORT_C(1), port_destroy);
    }
    ovl_rib_set_lports(rib, ports, ARRAY_SIZE(ports));

    memcpy(copy, data, size);
    copy[size] = '\0';
    for (char *s = copy; s < copy + size; ) {
        char *next = s + strlen(s) + 1;
        struct columns columns = { .n = 0 };
        uint8_t choice = *s;

        if (choice) {
            char *column = s + 1;

            while (column && columns.n < MAX_COLUMNS) {
                columns.s[columns.n++] = strsep(&column, "|");
            }
            set_row(rib, choice, &columns);
        } else {
            commit(rib);
        }
        s = next;
    }
    commit(rib);
    free(copy);

    /* Everything goes again, which the RIB asserts. */
    ovl_rib_destroy(rib);
    do {
        ovsrcu_quiesce();
    } while (ovl_forwarding_collect(fwd));
    ovl_forwarding_destroy(fwd);
    for (size_t i = 0; i < ARRAY_SIZE(ports); i++) {
        ovl_lport_unref(ports[i]);
    }
    for (int i = 0; i < 4; i++) {
        ovsrcu_quiesce();
    }
    return 0;
}
