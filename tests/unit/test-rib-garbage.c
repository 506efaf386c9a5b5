/* SPDX-License-Identifier: Apache-2.0 */

/* Garbage in every string column.
 *
 * Whatever is written into one column of a row, the row is in force or has an
 * error that is short printable text and names table and column; its
 * neighbors stay as they are; and deleting it leaves nothing.  Values are
 * mutations of good ones and inventions.  The seed is fixed; a failure names
 * the value. */

#include <config.h>

#include "rib-fixture.h"

#define N_VALUES 2500           /* For each column. */

#define ROW 60                  /* The row that is played with. */

/* Making garbage. */

static const char *const seeds[] = {
    "", " ", "52:54:00:00:00:01", "52-54-00-00-00-01", "5254.0000.0001",
    "192.0.2.1", "10.1.0.0/24", "10.1.0.1/24", "0.0.0.0/0", "::/0",
    "2001:db8::1", "2001:db8::1/64", "::ffff:1.2.3.4", "fe80::1%eth0",
    "1.2.3", "0x", "-1", "010.1.1.1", "255.255.255.255", "::", "::1",
    "ff02::1", "10.0.0.0/33", "::/129", "10.0.0.1/8", "red", "..", "../../x",
    "a\nb", "\xc3\xa4\xc3\xb6", "\xff\xfe", "\xed\xa0\x80", "drop", "flood",
    "forward", "blackhole", "true", "false", "inherit", "4789", "65536",
    "9999999999999999999999", "%s%s%s%n", "$(reboot)", "'; drop table",
    "52:54:00:00:00:01 10.1.0.11", "52:54:00:00:00:01 10.1.0.0/24 ::/0",
    "52:54:00:00:00:01  ", "id1", "vm1", "eth1", "br-ov",
};

static const char interesting[] =
    "0123456789abcdefABCDEF:.-/% \t\n\r\\\"'x;,[]{}\x7f\x80\xc3\xff";

/* Returns a new string of 'length' bytes, none of them zero. */
static char *
random_bytes_text(size_t length)
{
    char *s = xmalloc(length + 1);

    for (size_t i = 0; i < length; i++) {
        s[i] = random_range(2) ? 1 + random_range(255)
               : interesting[random_range(sizeof interesting - 1)];
    }
    s[length] = '\0';
    return s;
}

/* Returns a new string: 's' with a few bytes changed, added and dropped. */
static char *
mutate(const char *s)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    int n = 1 + random_range(3);

    ds_put_cstr(&ds, s);
    for (int i = 0; i < n; i++) {
        char c = interesting[random_range(sizeof interesting - 1)];
        size_t pos = random_range(ds.length + 1);

        switch (random_range(4)) {
        case 0:
            if (pos < ds.length) {
                ds.string[pos] = c;
            }
            break;
        case 1:
            ds_put_char(&ds, c);
            break;
        case 2:
            ds_truncate(&ds, pos);
            break;
        default: {
            char *tail = xstrdup(ds_cstr(&ds) + pos);

            ds_truncate(&ds, pos);
            ds_put_char(&ds, c);
            ds_put_cstr(&ds, tail);
            free(tail);
        }
        }
    }
    return ds_steal_cstr(&ds);
}

/* Returns a new string of 'seed' again and again, 64 KB of it. */
static char *
repeated(const char *seed)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    while (ds.length < 65536) {
        ds_put_format(&ds, "%s ", seed);
    }
    return ds_steal_cstr(&ds);
}

static char *
garbage(size_t i)
{
    if (i < ARRAY_SIZE(seeds)) {
        return xstrdup(seeds[i]);
    } else if (i == ARRAY_SIZE(seeds)) {
        return random_bytes_text(65536);
    } else if (i <= 2 * ARRAY_SIZE(seeds)) {
        return repeated(seeds[i - ARRAY_SIZE(seeds) - 1]);
    }
    return (random_range(4)
            ? mutate(seeds[random_range(ARRAY_SIZE(seeds))])
            : random_bytes_text(random_range(100)));
}

/* Columns. */

struct column {
    enum ovl_rib_table table;
    const char *name;           /* In the error; NULL: several. */
    void (*set)(struct rib_fixture *, char *value);
};

#define NO_STRINGS ((struct ovl_strings) { .n = 0 })
#define GOOD_MAC "52:54:00:00:00:99"

static void
set_bridge(struct rib_fixture *f, struct ovl_row_bridge row)
{
    struct uuid uuid = uuid_nr(ROW);

    row.name = "br-ov";
    ovl_rib_set_bridge(f->rib, &uuid, &row);
}

static void
bridge_vtep_ips(struct rib_fixture *f, char *value)
{
    set_bridge(f, (struct ovl_row_bridge) { .vtep_ips = STRINGS(value) });
}

static void
bridge_uplinks(struct rib_fixture *f, char *value)
{
    set_bridge(f, (struct ovl_row_bridge) {
        .uplinks = STRINGS("eth1", value) });
}

static void
bridge_gateway_mac(struct rib_fixture *f, char *value)
{
    set_bridge(f, (struct ovl_row_bridge) { .gateway_mac = value });
}

static void
bridge_router_mac(struct rib_fixture *f, char *value)
{
    set_bridge(f, (struct ovl_row_bridge) { .router_mac = value });
}

static void
bridge_option(struct rib_fixture *f, const char *key, const char *value)
{
    struct smap config = SMAP_INITIALIZER(&config);

    smap_add(&config, key, value);
    set_bridge(f, (struct ovl_row_bridge) { .other_config = &config });
    smap_destroy(&config);
}

static void
bridge_vxlan_port(struct rib_fixture *f, char *value)
{
    bridge_option(f, "vxlan-port", value);
}

static void
bridge_vxlan_ttl(struct rib_fixture *f, char *value)
{
    bridge_option(f, "vxlan-ttl", value);
}

static void
bridge_vxlan_dscp(struct rib_fixture *f, char *value)
{
    bridge_option(f, "vxlan-dscp", value);
}

static void
bridge_vxlan_udp6_zero_csum(struct rib_fixture *f, char *value)
{
    bridge_option(f, "vxlan-udp6-zero-csum", value);
}

/* A key that nobody knows is nobody's. */
static void
bridge_unknown_key(struct rib_fixture *f, char *value)
{
    bridge_option(f, value, value);
}

static void
port_addresses(struct rib_fixture *f, char *value)
{
    set_port(f, ROW, "vm1", 1, STRINGS(value));
}

static void
port_name(struct rib_fixture *f, char *value)
{
    set_port(f, ROW, value, 1, NO_STRINGS);
}

static void
port_iface_id(struct rib_fixture *f, char *value)
{
    struct ovl_row_iface iface = { .name = "vm1", .iface_id = value };

    SET(f, port, ROW, .name = "vm1", .on_overlay_bridge = true,
        .ifaces = &iface, .n_ifaces = 1, .has_vni = true, .vni = 1);
}

static void
port_attached_mac(struct rib_fixture *f, char *value)
{
    struct ovl_row_iface iface = { .name = "vm1", .attached_mac = value };

    SET(f, port, ROW, .name = "vm1", .on_overlay_bridge = true,
        .ifaces = &iface, .n_ifaces = 1, .has_vni = true, .vni = 1);
}

static void
binding_iface(struct rib_fixture *f, char *value)
{
    SET(f, binding, ROW, .iface = value, .vni = 1);
}

static void
binding_addresses(struct rib_fixture *f, char *value)
{
    SET(f, binding, ROW, .iface = "vm1", .vni = 1,
        .addresses = STRINGS(GOOD_MAC, value));
}

static void
network_name(struct rib_fixture *f, char *value)
{
    SET(f, network, ROW, .vni = 9, .name = value);
}

static void
network_vrf(struct rib_fixture *f, char *value)
{
    SET(f, network, ROW, .vni = 9, .vrf = value);
}

static void
network_gateway_ips(struct rib_fixture *f, char *value)
{
    SET(f, network, ROW, .vni = 9, .vrf = "red",
        .gateway_ips = STRINGS(value, "10.77.0.1/24"));
}

static void
network_gateway_mac(struct rib_fixture *f, char *value)
{
    SET(f, network, ROW, .vni = 9, .gateway_mac = value);
}

static void
network_flood_vteps(struct rib_fixture *f, char *value)
{
    SET(f, network, ROW, .vni = 9, .flood_vteps = STRINGS(value));
}

static void
network_unknown_unicast(struct rib_fixture *f, char *value)
{
    SET(f, network, ROW, .vni = 9, .unknown_unicast = value);
}

static void
network_neigh_miss(struct rib_fixture *f, char *value)
{
    SET(f, network, ROW, .vni = 9, .neigh_miss = value);
}

static void
network_option(struct rib_fixture *f, const char *key, char *value)
{
    struct smap config = SMAP_INITIALIZER(&config);

    smap_add(&config, key, value);
    SET(f, network, ROW, .vni = 9, .other_config = &config);
    smap_destroy(&config);
}

static void
network_answer_tunnel(struct rib_fixture *f, char *value)
{
    network_option(f, "answer-tunnel", value);
}

static void
network_ra(struct rib_fixture *f, char *value)
{
    network_option(f, "ra", value);
}

static void
network_ra_lifetime(struct rib_fixture *f, char *value)
{
    network_option(f, "ra-lifetime", value);
}

static void
network_ra_interval(struct rib_fixture *f, char *value)
{
    network_option(f, "ra-interval", value);
}

static void
route_vrf(struct rib_fixture *f, char *value)
{
    SET(f, route, ROW, .vrf = value, .prefix = "10.0.0.0/8",
        .nexthops = STRINGS("10.1.0.9"), .vni = (int64_t[]) { 9 });
}

static void
route_prefix(struct rib_fixture *f, char *value)
{
    SET(f, route, ROW, .vrf = "red", .prefix = value,
        .action = "blackhole");
}

static void
route_nexthops(struct rib_fixture *f, char *value)
{
    SET(f, route, ROW, .vrf = "red", .prefix = "10.0.0.0/8",
        .nexthops = STRINGS("10.1.0.9", value), .vni = (int64_t[]) { 9 });
}

static void
route_action(struct rib_fixture *f, char *value)
{
    SET(f, route, ROW, .vrf = "red", .prefix = "10.0.0.0/8",
        .action = value, .nexthops = STRINGS("10.1.0.9"),
        .vni = (int64_t[]) { 9 });
}

static void
neighbor_ip(struct rib_fixture *f, char *value)
{
    SET(f, neighbor, ROW, .vni = 9, .ip = value, .mac = GOOD_MAC);
}

static void
neighbor_mac(struct rib_fixture *f, char *value)
{
    SET(f, neighbor, ROW, .vni = 9, .ip = "10.1.0.9", .mac = value);
}

static void
mac_mac(struct rib_fixture *f, char *value)
{
    SET(f, mac, ROW, .vni = 9, .mac = value, .vtep = "192.0.2.9");
}

static void
mac_vtep(struct rib_fixture *f, char *value)
{
    SET(f, mac, ROW, .vni = 9, .mac = GOOD_MAC, .vtep = value);
}

static void
mac_ips(struct rib_fixture *f, char *value)
{
    SET(f, mac, ROW, .vni = 9, .mac = GOOD_MAC, .vtep = "192.0.2.9",
        .ips = STRINGS("10.1.0.9", value));
}

static const struct column columns[] = {
    { OVL_RIB_BRIDGE, "overlay_vtep_ips", bridge_vtep_ips },
    { OVL_RIB_BRIDGE, "overlay_uplinks", bridge_uplinks },
    { OVL_RIB_BRIDGE, "overlay_gateway_mac", bridge_gateway_mac },
    { OVL_RIB_BRIDGE, "overlay_router_mac", bridge_router_mac },
    { OVL_RIB_BRIDGE, "vxlan-port", bridge_vxlan_port },
    { OVL_RIB_BRIDGE, "vxlan-ttl", bridge_vxlan_ttl },
    { OVL_RIB_BRIDGE, "vxlan-dscp", bridge_vxlan_dscp },
    { OVL_RIB_BRIDGE, "vxlan-udp6-zero-csum", bridge_vxlan_udp6_zero_csum },
    { OVL_RIB_BRIDGE, NULL, bridge_unknown_key },
    { OVL_RIB_PORT, "overlay_addresses", port_addresses },
    { OVL_RIB_PORT, NULL, port_name },
    { OVL_RIB_PORT, NULL, port_iface_id },
    { OVL_RIB_PORT, "attached-mac", port_attached_mac },
    { OVL_RIB_BINDING, NULL, binding_iface },
    { OVL_RIB_BINDING, "addresses", binding_addresses },
    { OVL_RIB_NETWORK, "name", network_name },
    { OVL_RIB_NETWORK, "vrf", network_vrf },
    { OVL_RIB_NETWORK, "gateway_ips", network_gateway_ips },
    { OVL_RIB_NETWORK, "gateway_mac", network_gateway_mac },
    { OVL_RIB_NETWORK, "flood_vteps", network_flood_vteps },
    { OVL_RIB_NETWORK, "unknown_unicast", network_unknown_unicast },
    { OVL_RIB_NETWORK, "neigh_miss", network_neigh_miss },
    { OVL_RIB_NETWORK, "answer-tunnel", network_answer_tunnel },
    { OVL_RIB_NETWORK, "other_config:ra ", network_ra },
    { OVL_RIB_NETWORK, "ra-lifetime", network_ra_lifetime },
    { OVL_RIB_NETWORK, "ra-interval", network_ra_interval },
    { OVL_RIB_ROUTE, "vrf", route_vrf },
    { OVL_RIB_ROUTE, "prefix", route_prefix },
    { OVL_RIB_ROUTE, "nexthops", route_nexthops },
    { OVL_RIB_ROUTE, NULL, route_action },
    { OVL_RIB_NEIGHBOR, "ip", neighbor_ip },
    { OVL_RIB_NEIGHBOR, "mac", neighbor_mac },
    { OVL_RIB_MAC, "mac", mac_mac },
    { OVL_RIB_MAC, "vtep", mac_vtep },
    { OVL_RIB_MAC, "ips", mac_ips },
};

/* How an error of each table starts. */
static const char *const starts[OVL_RIB_N_TABLES] = {
    [OVL_RIB_BRIDGE] = "",
    [OVL_RIB_PORT] = "Port \"",
    [OVL_RIB_BINDING] = "Overlay_Binding",
    [OVL_RIB_NETWORK] = "Overlay_Network",
    [OVL_RIB_ROUTE] = "Overlay_Route",
    [OVL_RIB_NEIGHBOR] = "Overlay_Neighbor",
    [OVL_RIB_MAC] = "Overlay_MAC",
};

static void
check_error(const struct column *column, const char *error, size_t i)
{
    const char *name = column->name ? column->name : "";

    for (const char *s = error; *s; s++) {
        if (*s < ' ' || *s > '~') {
            fail_msg("%s %"PRIuSIZE": byte 0x%02x in an error", name, i,
                     (uint8_t) *s);
        }
    }
    if (strlen(error) > 600
        || strncmp(error, starts[column->table],
                   strlen(starts[column->table]))
        || !strstr(error, name)) {
        fail_msg("%s %"PRIuSIZE": error is %s", name, i, error);
    }
}

/* Rows that must not be disturbed. */
static void
set_bystanders(struct rib_fixture *f)
{
    SET(f, network, 1, .vni = 1, .vrf = "red",
        .gateway_ips = STRINGS("10.99.0.1/24"),
        .flood_vteps = STRINGS("192.0.2.2"));
    SET(f, mac, 1, .vni = 1, .mac = "2:0:0:0:0:1", .vtep = "192.0.2.3",
        .ips = STRINGS("10.99.0.2"));
    SET(f, neighbor, 1, .vni = 1, .ip = "10.99.0.3", .mac = "2:0:0:0:0:3");
    set_port(f, 1, "vm2", 1, STRINGS("2:0:0:0:0:4 10.99.0.4"));
}

static void
try_column(const struct column *column)
{
    struct rib_fixture f;
    size_t n_refused = 0;
    char *before;

    rib_fixture_init(&f);
    add_port(&f, "br-ov");
    add_port(&f, "eth1");
    add_port(&f, "vm1");
    add_port(&f, "vm2");
    set_bystanders(&f);
    commit(&f);
    before = dump_all(&f);

    for (size_t i = 0; i < N_VALUES; i++) {
        ovs_version_t v;
        char *value = garbage(i);

        column->set(&f, value);
        commit(&f);
        const char *error = error_of(&f, column->table, ROW);
        if (error) {
            check_error(column, error, i);
            n_refused++;
        }

        /* Nobody else has an error or is out of force. */
        for (int j = 0; j < OVL_RIB_N_TABLES; j++) {
            assert_null(f.errors[j][1]);
        }
        v = ovl_forwarding_version(f.fwd);
        assert_non_null(ovl_network_lookup(f.fwd, v, 1));
        assert_non_null(ovl_binding_lookup(f.fwd, v,
                                           find_port(&f, "vm2")->id));
        free(value);

        if (i % 64 == 0) {
            del(&f, column->table, ROW);
            commit(&f);
            char *after = dump_all(&f);
            assert_string_equal(before, after);
            free(after);
            drain(f.fwd);
        }
    }
    free(before);
    rib_fixture_uninit(&f);

    /* Names of ports and ids of interfaces are what they are. */
    if (column->name) {
        assert_in_range(n_refused, N_VALUES / 4, N_VALUES);
    }
}

static void
any_bytes_in_any_column(void **state OVS_UNUSED)
{
    random_set_seed(20230216);
    for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
        try_column(&columns[i]);
    }
}

/* Numbers: an older schema may let any through. */

static const int64_t numbers[] = {
    INT64_MIN, INT32_MIN, -4096, -1, 0, 1, 67, 68, 4094, 4095, 4096, 4097,
    65535, 65536, (1 << 24) - 1, 1 << 24, (1 << 24) + 1, INT32_MAX,
    UINT32_MAX, INT64_C(1) << 32, (INT64_C(1) << 32) + 1, INT64_MAX,
};

struct number_column {
    enum ovl_rib_table table;
    int64_t min, max;
    void (*set)(struct rib_fixture *, int64_t);
};

static void
port_vni(struct rib_fixture *f, int64_t n)
{
    struct ovl_row_iface iface = { .name = "vm1" };

    SET(f, port, ROW, .name = "vm1", .on_overlay_bridge = true,
        .ifaces = &iface, .n_ifaces = 1, .has_vni = true, .vni = n);
}

static void
set_vlan(struct rib_fixture *f, int64_t vlan, int64_t vni)
{
    struct ovl_row_iface iface = { .name = "vm1" };

    SET(f, port, ROW, .name = "vm1", .on_overlay_bridge = true,
        .ifaces = &iface, .n_ifaces = 1, .vlans = &vlan, .vlan_vnis = &vni,
        .n_vlans = 1);
}

static void
port_vlan(struct rib_fixture *f, int64_t n)
{
    set_vlan(f, n, 1);
}

static void
port_vlan_vni(struct rib_fixture *f, int64_t n)
{
    set_vlan(f, 10, n);
}

static void
binding_vni(struct rib_fixture *f, int64_t n)
{
    SET(f, binding, ROW, .iface = "vm1", .vni = n);
}

static void
network_vni(struct rib_fixture *f, int64_t n)
{
    SET(f, network, ROW, .vni = n);
}

static void
network_mtu(struct rib_fixture *f, int64_t n)
{
    SET(f, network, ROW, .vni = 9, .mtu = &n);
}

static void
route_vni(struct rib_fixture *f, int64_t n)
{
    SET(f, route, ROW, .vrf = "red", .prefix = "10.0.0.0/8", .vni = &n,
        .nexthops = STRINGS("10.1.0.9"));
}

static void
neighbor_vni(struct rib_fixture *f, int64_t n)
{
    SET(f, neighbor, ROW, .vni = n, .ip = "10.1.0.9", .mac = GOOD_MAC);
}

static void
mac_vni(struct rib_fixture *f, int64_t n)
{
    SET(f, mac, ROW, .vni = n, .mac = GOOD_MAC, .vtep = "192.0.2.9");
}

#define MAX_VNI ((1 << 24) - 1)
static const struct number_column number_columns[] = {
    { OVL_RIB_PORT, 1, MAX_VNI, port_vni },
    { OVL_RIB_PORT, 0, 4095, port_vlan },
    { OVL_RIB_PORT, 1, MAX_VNI, port_vlan_vni },
    { OVL_RIB_BINDING, 1, MAX_VNI, binding_vni },
    { OVL_RIB_NETWORK, 1, MAX_VNI, network_vni },
    { OVL_RIB_NETWORK, 68, 65535, network_mtu },
    { OVL_RIB_ROUTE, 1, MAX_VNI, route_vni },
    { OVL_RIB_NEIGHBOR, 1, MAX_VNI, neighbor_vni },
    { OVL_RIB_MAC, 1, MAX_VNI, mac_vni },
};

/* A number that is out of range is an error that says so; no other is one for
 * that reason, but the row may miss a network. */
static void
any_number_in_any_column(void **state OVS_UNUSED)
{
    for (size_t i = 0; i < ARRAY_SIZE(number_columns); i++) {
        const struct number_column *c = &number_columns[i];
        struct rib_fixture f;

        rib_fixture_init(&f);
        add_port(&f, "br-ov");
        add_port(&f, "vm1");
        for (size_t j = 0; j < ARRAY_SIZE(numbers); j++) {
            int64_t n = numbers[j];

            c->set(&f, n);
            commit(&f);
            const char *error = error_of(&f, c->table, ROW);
            if (n < c->min || n > c->max) {
                char *text = xasprintf("%"PRId64, n);

                if (!error || !strstr(error, text)) {
                    fail_msg("column %"PRIuSIZE", %s: error is %s", i, text,
                             error ? error : "(none)");
                }
                free(text);
            } else if (error && !strstr(error, "does not exist")) {
                fail_msg("column %"PRIuSIZE", %"PRId64": error is %s", i, n,
                         error);
            }
        }
        rib_fixture_uninit(&f);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_bytes_in_any_column),
        cmocka_unit_test(any_number_in_any_column),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
