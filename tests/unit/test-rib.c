/* SPDX-License-Identifier: Apache-2.0 */

/* What rows make of the forwarding tables.
 *
 * Row numbers are in order of UUIDs: row 1 goes before row 2. */

#include <config.h>

#include "rib-fixture.h"

#define LOCAL_MAC "02:00:00:00:07:00"

/* A bridge with LOCAL, an uplink and two ports for VMs. */
static int
setup(void **state)
{
    struct rib_fixture *f = xmalloc(sizeof *f);

    rib_fixture_init(f);
    add_port(f, "br-ov");
    add_port(f, "eth1");
    add_port(f, "vm1");
    add_port(f, "vm2");
    SET(f, bridge, 1, .name = "br-ov", .vtep_ips = STRINGS("192.0.2.1"),
        .uplinks = STRINGS("eth1"));
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct rib_fixture *f = *state;

    rib_fixture_uninit(f);
    free(f);
    return 0;
}

#define UNDERLAY "binding br-ov local\nbinding eth1 uplink\n"

/* Rows in error. */

static void
bad_row_is_out_of_force_alone(void **state)
{
    struct rib_fixture *f = *state;

    SET(f, mac, 1, .vni = 5001, .mac = "zz", .vtep = "192.0.2.2");
    SET(f, mac, 2, .vni = 5001, .mac = "2:0:0:0:0:2", .vtep = "192.0.2.2");
    SET(f, neighbor, 1, .vni = 5001, .ip = "x", .mac = "2:0:0:0:0:2");
    SET(f, network, 1, .vni = 0);
    SET(f, route, 1, .vrf = "red", .prefix = "10.0.0.1/8");
    SET(f, binding, 1, .iface = "vm1", .vni = -1);
    commit(f);

    expect_error(f, OVL_RIB_MAC, 1, "Overlay_MAC: mac \"zz\": not a MAC");
    expect_error(f, OVL_RIB_MAC, 2, NULL);
    expect_error(f, OVL_RIB_NEIGHBOR, 1, "Overlay_Neighbor: ip \"x\"");
    expect_error(f, OVL_RIB_NETWORK, 1, "Overlay_Network: vni 0");
    expect_error(f, OVL_RIB_ROUTE, 1, "host bits");
    expect_error(f, OVL_RIB_BINDING, 1, "Overlay_Binding \"vm1\": vni -1");
    expect_tables(f, UNDERLAY "mac 5001 02:00:00:00:00:02 192.0.2.2\n");

    struct smap status = SMAP_INITIALIZER(&status);
    ovl_rib_get_status(f->rib, &status);
    assert_string_equal(smap_get(&status, "rows_in_error"), "5");
    assert_string_equal(smap_get(&status, "macs"), "1");
    smap_destroy(&status);
}

static void
mended_row_comes_into_force(void **state)
{
    struct rib_fixture *f = *state;

    SET(f, mac, 1, .vni = 5001, .mac = "2:0:0:0:0:1", .vtep = "bad");
    commit(f);
    expect_error(f, OVL_RIB_MAC, 1, "vtep \"bad\"");
    SET(f, mac, 1, .vni = 5001, .mac = "2:0:0:0:0:1", .vtep = "192.0.2.2");
    commit(f);
    expect_error(f, OVL_RIB_MAC, 1, NULL);
    expect_tables(f, UNDERLAY "mac 5001 02:00:00:00:00:01 192.0.2.2\n");
    SET(f, mac, 1, .vni = 5001, .mac = "2:0:0:0:0:1", .vtep = "bad");
    commit(f);
    expect_error(f, OVL_RIB_MAC, 1, "vtep \"bad\"");
    expect_tables(f, UNDERLAY);
}

static void
errors_are_reported_when_they_change(void **state)
{
    struct rib_fixture *f = *state;

    commit(f);
    SET(f, mac, 1, .vni = 5001, .mac = "zz", .vtep = "192.0.2.2");
    commit(f);
    assert_int_equal(f->n_error_changes, 1);
    commit(f);
    assert_int_equal(f->n_error_changes, 0);

    /* Set again, and mended and broken again between two commits. */
    SET(f, mac, 1, .vni = 5001, .mac = "zz", .vtep = "192.0.2.3");
    commit(f);
    assert_int_equal(f->n_error_changes, 0);
    SET(f, mac, 1, .vni = 5001, .mac = "2:0:0:0:0:1", .vtep = "192.0.2.3");
    ovl_rib_commit(f->rib);
    SET(f, mac, 1, .vni = 5001, .mac = "zz", .vtep = "192.0.2.3");
    commit(f);
    assert_int_equal(f->n_error_changes, 0);

    /* Deleted and inserted again, the column is empty. */
    del(f, OVL_RIB_MAC, 1);
    SET(f, mac, 1, .vni = 5001, .mac = "zz", .vtep = "192.0.2.3");
    commit(f);
    assert_int_equal(f->n_error_changes, 1);

    /* Deleted before it was asked for. */
    SET(f, mac, 2, .vni = 5001, .mac = "zz", .vtep = "192.0.2.3");
    del(f, OVL_RIB_MAC, 2);
    commit(f);
    assert_int_equal(f->n_error_changes, 0);
}

static void
errors_are_reported_again_on_demand(void **state)
{
    struct rib_fixture *f = *state;

    SET(f, mac, 1, .vni = 5001, .mac = "zz", .vtep = "192.0.2.2");
    SET(f, mac, 2, .vni = 5001, .mac = "2:0:0:0:0:2", .vtep = "192.0.2.2");
    commit(f);
    free(f->errors[OVL_RIB_MAC][1]);
    f->errors[OVL_RIB_MAC][1] = NULL;
    ovl_rib_errors_again(f->rib);
    commit(f);
    assert_int_equal(f->n_error_changes, 1);
    expect_error(f, OVL_RIB_MAC, 1, "mac \"zz\"");

    /* One that is mended meanwhile is no change: the column is empty. */
    SET(f, mac, 1, .vni = 5001, .mac = "2:0:0:0:0:1", .vtep = "192.0.2.2");
    ovl_rib_commit(f->rib);
    free(f->errors[OVL_RIB_MAC][1]);
    f->errors[OVL_RIB_MAC][1] = NULL;
    ovl_rib_errors_again(f->rib);
    commit(f);
    assert_int_equal(f->n_error_changes, 0);
}

/* Equal by value. */

static void
lowest_uuid_of_equal_rows_is_in_force(void **state)
{
    struct rib_fixture *f = *state;

    SET(f, mac, 3, .vni = 1, .mac = "02:00:00:00:00:aa", .vtep = "192.0.2.3");
    SET(f, mac, 2, .vni = 1, .mac = "02-00-00-00-00-AA", .vtep = "192.0.2.2");
    SET(f, mac, 4, .vni = 1, .mac = "0200.0000.00aa", .vtep = "192.0.2.4");
    SET(f, neighbor, 3, .vni = 1, .ip = "2001:db8::1", .mac = "2:0:0:0:0:3");
    SET(f, neighbor, 2, .vni = 1, .ip = "2001:DB8::1", .mac = "2:0:0:0:0:2");
    SET(f, route, 3, .vrf = "red", .prefix = "2001:db8::/32",
        .action = "blackhole");
    SET(f, route, 2, .vrf = "red", .prefix = "2001:DB8::/32",
        .action = "prohibit");
    SET(f, network, 3, .vni = 1, .name = "three");
    SET(f, network, 2, .vni = 1, .name = "two");
    commit(f);

    expect_tables(f, UNDERLAY
        "mac 1 02:00:00:00:00:aa 192.0.2.2\n"
        "neighbor 1 2001:db8::1 02:00:00:00:00:02\n"
        "network 1 \"two\" vrf \"\" mtu 0 router 02:00:00:00:07:00 "
        "gateways flood members sources 192.0.2.2\n");
    expect_error(f, OVL_RIB_MAC, 2, NULL);
    expect_error(f, OVL_RIB_MAC, 3,
                 "Overlay_MAC 1 02:00:00:00:00:aa: same (vni, mac) as "
                 "another row, 80000002-0000-0001-0000-000200000003, "
                 "which is in force");
    expect_error(f, OVL_RIB_MAC, 4, "80000002-");
    expect_error(f, OVL_RIB_NEIGHBOR, 3, "same (vni, ip) as another row");
    expect_error(f, OVL_RIB_ROUTE, 3, "Overlay_Route \"red\" 2001:db8::/32: "
                 "same (vrf, prefix) as another row, 80000002-");
    expect_error(f, OVL_RIB_NETWORK, 3,
                 "Overlay_Network 1: same vni as another row, 80000002-");
}

static void
next_of_equal_rows_takes_over(void **state)
{
    struct rib_fixture *f = *state;

    SET(f, mac, 2, .vni = 1, .mac = "2:0:0:0:0:1", .vtep = "192.0.2.2");
    SET(f, mac, 3, .vni = 1, .mac = "2:0:0:0:0:01", .vtep = "192.0.2.3",
        .ips = STRINGS("10.0.0.3"));
    SET(f, neighbor, 2, .vni = 1, .ip = "10.0.0.1", .mac = "2:0:0:0:0:2");
    SET(f, neighbor, 3, .vni = 1, .ip = "10.0.0.1", .mac = "2:0:0:0:0:3",
        .router = true);
    SET(f, route, 2, .vrf = "red", .prefix = "0.0.0.0/0",
        .action = "prohibit");
    SET(f, route, 3, .vrf = "red", .prefix = "0.0.0.0/0",
        .action = "prohibit");
    SET(f, network, 2, .vni = 1, .name = "two");
    SET(f, network, 3, .vni = 1, .name = "three");
    commit(f);
    expect_error(f, OVL_RIB_MAC, 3, "same");

    del(f, OVL_RIB_MAC, 2);
    del(f, OVL_RIB_NEIGHBOR, 2);
    del(f, OVL_RIB_ROUTE, 2);
    del(f, OVL_RIB_NETWORK, 2);
    commit(f);
    expect_tables(f, UNDERLAY
        "mac 1 02:00:00:00:00:01 192.0.2.3\n"
        "neighbor 1 10.0.0.1 02:00:00:00:00:03 router\n"
        "neighbor 1 10.0.0.3 02:00:00:00:00:01\n"
        "network 1 \"three\" vrf \"\" mtu 0 router 02:00:00:00:07:00 "
        "gateways flood members sources 192.0.2.3\n");
    expect_error(f, OVL_RIB_MAC, 3, NULL);
    expect_error(f, OVL_RIB_NEIGHBOR, 3, NULL);
    expect_error(f, OVL_RIB_ROUTE, 3, NULL);
    expect_error(f, OVL_RIB_NETWORK, 3, NULL);

    /* A lower one comes back and takes over again. */
    SET(f, mac, 1, .vni = 1, .mac = "2:0:0:0:0:1", .vtep = "192.0.2.4");
    commit(f);
    expect_error(f, OVL_RIB_MAC, 3, "80000001-");

    /* A row in error does not stand in the way. */
    SET(f, mac, 1, .vni = 1, .mac = "2:0:0:0:0:1", .vtep = "bad");
    commit(f);
    expect_error(f, OVL_RIB_MAC, 1, "vtep \"bad\"");
    expect_error(f, OVL_RIB_MAC, 3, NULL);
}

/* MACs and neighbors. */

static void
local_port_beats_remote_row(void **state)
{
    struct rib_fixture *f = *state;

    SET(f, mac, 1, .vni = 1, .mac = "2:0:0:0:0:1", .vtep = "192.0.2.2");
    set_port(f, 9, "vm1", 1, STRINGS("02-00-00-00-00-01"));
    SET(f, network, 1, .vni = 1);
    commit(f);
    expect_tables(f, "binding br-ov local\nbinding eth1 uplink\n"
        "binding vm1 access 1 guarded 02:00:00:00:00:01\n"
        "mac 1 02:00:00:00:00:01 vm1\n"
        "network 1 \"\" vrf \"\" mtu 0 router 02:00:00:00:07:00 "
        "gateways flood members vm1.0 sources 192.0.2.2\n");
    expect_error(f, OVL_RIB_MAC, 1, NULL);

    del(f, OVL_RIB_PORT, 9);
    commit(f);
    expect_tables(f, UNDERLAY "mac 1 02:00:00:00:00:01 192.0.2.2\n"
        "network 1 \"\" vrf \"\" mtu 0 router 02:00:00:00:07:00 "
        "gateways flood members sources 192.0.2.2\n");
}

static void
row_with_our_own_vtep_makes_neighbors_only(void **state)
{
    struct rib_fixture *f = *state;

    SET(f, mac, 1, .vni = 1, .mac = "2:0:0:0:0:1", .vtep = "192.0.2.1",
        .ips = STRINGS("10.0.0.1"));
    SET(f, mac, 2, .vni = 1, .mac = "2:0:0:0:0:2", .vtep = "192.0.2.2");
    SET(f, network, 1, .vni = 1,
        .flood_vteps = STRINGS("192.0.2.1", "192.0.2.2"));
    commit(f);
    expect_tables(f, UNDERLAY "mac 1 02:00:00:00:00:02 192.0.2.2\n"
        "neighbor 1 10.0.0.1 02:00:00:00:00:01\n"
        "network 1 \"\" vrf \"\" mtu 0 router 02:00:00:00:07:00 "
        "gateways flood 192.0.2.2 members sources 192.0.2.2\n");
    expect_error(f, OVL_RIB_MAC, 1, NULL);

    /* Our address changes: so do the rows it matters to. */
    SET(f, bridge, 1, .name = "br-ov", .vtep_ips = STRINGS("192.0.2.2"),
        .uplinks = STRINGS("eth1"));
    commit(f);
    expect_tables(f, UNDERLAY "mac 1 02:00:00:00:00:01 192.0.2.1\n"
        "neighbor 1 10.0.0.1 02:00:00:00:00:01\n"
        "network 1 \"\" vrf \"\" mtu 0 router 02:00:00:00:07:00 "
        "gateways flood 192.0.2.1 members sources 192.0.2.1\n");
}

static void
explicit_neighbor_wins(void **state)
{
    struct rib_fixture *f = *state;

    SET(f, mac, 1, .vni = 1, .mac = "2:0:0:0:0:1", .vtep = "192.0.2.2",
        .ips = STRINGS("10.0.0.1"));
    SET(f, neighbor, 9, .vni = 1, .ip = "10.0.0.1", .mac = "2:0:0:0:0:9",
        .router = true);
    commit(f);
    expect_tables(f, UNDERLAY "mac 1 02:00:00:00:00:01 192.0.2.2\n"
        "neighbor 1 10.0.0.1 02:00:00:00:00:09 router\n");
    del(f, OVL_RIB_NEIGHBOR, 9);
    commit(f);
    expect_tables(f, UNDERLAY "mac 1 02:00:00:00:00:01 192.0.2.2\n"
        "neighbor 1 10.0.0.1 02:00:00:00:00:01\n");
}

static void
ip_that_several_macs_claim_is_shared(void **state)
{
    struct rib_fixture *f = *state;

    SET(f, mac, 1, .vni = 1, .mac = "2:0:0:0:0:1", .vtep = "192.0.2.2",
        .ips = STRINGS("10.0.0.9"));
    SET(f, mac, 2, .vni = 1, .mac = "2:0:0:0:0:2", .vtep = "192.0.2.2",
        .ips = STRINGS("10.0.0.9"));
    SET(f, mac, 3, .vni = 2, .mac = "2:0:0:0:0:3", .vtep = "192.0.2.2",
        .ips = STRINGS("10.0.0.9"));
    commit(f);
    expect_tables(f, UNDERLAY "mac 1 02:00:00:00:00:01 192.0.2.2\n"
        "mac 1 02:00:00:00:00:02 192.0.2.2\n"
        "mac 2 02:00:00:00:00:03 192.0.2.2\n"
        "neighbor 1 10.0.0.9 shared\n"
        "neighbor 2 10.0.0.9 02:00:00:00:00:03\n");

    SET(f, neighbor, 1, .vni = 1, .ip = "10.0.0.9", .mac = "2:0:0:0:0:7");
    del(f, OVL_RIB_MAC, 3);
    commit(f);
    expect_tables(f, UNDERLAY "mac 1 02:00:00:00:00:01 192.0.2.2\n"
        "mac 1 02:00:00:00:00:02 192.0.2.2\n"
        "neighbor 1 10.0.0.9 02:00:00:00:00:07\n");

    /* The other claim goes, the explicit row too: nobody else is left. */
    del(f, OVL_RIB_NEIGHBOR, 1);
    del(f, OVL_RIB_MAC, 2);
    commit(f);
    expect_tables(f, UNDERLAY "mac 1 02:00:00:00:00:01 192.0.2.2\n"
        "neighbor 1 10.0.0.9 02:00:00:00:00:01\n");
}

static void
local_port_and_remote_row_share_an_ip(void **state)
{
    struct rib_fixture *f = *state;

    SET(f, mac, 1, .vni = 1, .mac = "2:0:0:0:0:1", .vtep = "192.0.2.2",
        .ips = STRINGS("10.0.0.9"));
    set_port(f, 1, "vm1", 1, STRINGS("2:0:0:0:0:2 10.0.0.9 10.0.1.0/24"));
    commit(f);
    expect_tables(f, "binding br-ov local\nbinding eth1 uplink\n"
        "binding vm1 access 1 guarded 02:00:00:00:00:02 "
        "10.0.0.9/32 10.0.1.0/24\n"
        "mac 1 02:00:00:00:00:01 192.0.2.2\n"
        "mac 1 02:00:00:00:00:02 vm1\n"
        "neighbor 1 10.0.0.9 shared\n");

    /* The same MAC here and there is one claim. */
    set_port(f, 1, "vm1", 1, STRINGS("2:0:0:0:0:1 10.0.0.9"));
    commit(f);
    expect_tables(f, "binding br-ov local\nbinding eth1 uplink\n"
        "binding vm1 access 1 guarded 02:00:00:00:00:01 10.0.0.9/32\n"
        "mac 1 02:00:00:00:00:01 vm1\n"
        "neighbor 1 10.0.0.9 02:00:00:00:00:01\n");
}

static void
loser_of_equal_rows_claims_nothing(void **state)
{
    struct rib_fixture *f = *state;

    SET(f, mac, 1, .vni = 1, .mac = "2:0:0:0:0:1", .vtep = "192.0.2.2");
    SET(f, mac, 2, .vni = 1, .mac = "2-0-0-0-0-1", .vtep = "192.0.2.3",
        .ips = STRINGS("10.0.0.1"));
    SET(f, network, 1, .vni = 1);
    commit(f);
    expect_tables(f, UNDERLAY "mac 1 02:00:00:00:00:01 192.0.2.2\n"
        "network 1 \"\" vrf \"\" mtu 0 router 02:00:00:00:07:00 "
        "gateways flood members sources 192.0.2.2\n");
}

/* Networks. */

static void
network_has_its_members_and_flood_list(void **state)
{
    struct rib_fixture *f = *state;

    SET(f, network, 1, .vni = 5001, .name = "web", .vrf = "red",
        .gateway_ips = STRINGS("10.1.0.1/24"), .mtu = (int64_t[]) { 1400 },
        .flood_vteps = STRINGS("192.0.2.3", "192.0.2.1", "192.0.2.2"));
    set_port(f, 1, "vm1", 5001, (struct ovl_strings) { .n = 0 });
    set_port(f, 2, "vm2", 5001, (struct ovl_strings) { .n = 0 });
    commit(f);
    expect_tables(f, "binding br-ov local\nbinding eth1 uplink\n"
        "binding vm1 access 5001\nbinding vm2 access 5001\n"
        "network 5001 \"web\" vrf \"red\" mtu 1400 router 02:00:5e:00:01:01 "
        "gateways 10.1.0.1/24 flood 192.0.2.2 192.0.2.3 "
        "members vm1.0 vm2.0 sources 192.0.2.2 192.0.2.3\n");
}

/* Hosts need an IPv6 router that knows the way. */
static void
network_advertises_if_it_routes_ipv6(void **state)
{
    static const struct {
        const char *vrf;
        char *gateway;
        const char *ra;
        bool advertises;
    } cases[] = {
        { "red", "2001:db8::1/64", NULL, true },
        { "red", "2001:db8::1/64", "true", true },
        { "red", "2001:db8::1/64", "false", false },
        { "red", "fe80::1/64", NULL, true },
        { "red", "10.1.0.1/24", "true", false },
        { "", "2001:db8::1/64", "true", false },
    };
    struct rib_fixture *f = *state;

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct smap config = SMAP_INITIALIZER(&config);

        smap_add(&config, "ra-lifetime", "1234");
        smap_add(&config, "ra-interval", "321");
        smap_add(&config, "ra-autonomous", i % 2 ? "true" : "false");
        if (cases[i].ra) {
            smap_add(&config, "ra", cases[i].ra);
        }
        SET(f, network, 1, .vni = 1, .vrf = cases[i].vrf,
            .gateway_ips = STRINGS(cases[i].gateway),
            .other_config = &config);
        commit(f);
        smap_destroy(&config);

        const struct ovl_network *net
            = ovl_network_lookup(f->fwd, ovl_forwarding_version(f->fwd), 1);
        assert_int_equal(net->advertise, cases[i].advertises);
        assert_int_equal(net->ra_lifetime, 1234);
        assert_int_equal(net->ra_interval, 321);
        assert_int_equal(net->ra_autonomous, i % 2);
    }
}

static void
ipv6_gateway_brings_its_link_local_address(void **state)
{
    struct rib_fixture *f = *state;

    SET(f, network, 1, .vni = 1, .gateway_mac = "02:00:5e:00:01:02",
        .gateway_ips = STRINGS("2001:db8::1/64", "10.1.0.1/24"));
    SET(f, network, 2, .vni = 2, .gateway_mac = "02:00:5e:00:01:02",
        .gateway_ips = STRINGS("fe80::5eff:fe00:102/64"));
    commit(f);
    expect_tables(f, UNDERLAY
        "network 1 \"\" vrf \"\" mtu 0 router 02:00:5e:00:01:02 gateways "
        "10.1.0.1/24 2001:db8::1/64 fe80::5eff:fe00:102/64 "
        "flood members sources\n"
        "network 2 \"\" vrf \"\" mtu 0 router 02:00:5e:00:01:02 gateways "
        "fe80::5eff:fe00:102/64 flood members sources\n");
}

static void
router_mac_comes_from_the_right_place(void **state)
{
    struct rib_fixture *f = *state;

#define ROUTER_MAC(VNI)                                                      \
    eth_addr_to_uint64(ovl_network_lookup(                                   \
        f->fwd, ovl_forwarding_version(f->fwd), VNI)->router_mac)

    SET(f, network, 1, .vni = 1, .gateway_ips = STRINGS("10.1.0.1/24"));
    SET(f, network, 2, .vni = 2, .vrf = "red");
    SET(f, network, 3, .vni = 3);
    SET(f, network, 4, .vni = 4, .gateway_ips = STRINGS("10.1.0.1/24"),
        .gateway_mac = "02:00:00:00:00:04");
    SET(f, network, 5, .vni = 5, .vrf = "red",
        .gateway_mac = "02:00:00:00:00:05");
    commit(f);
    assert_int_equal(ROUTER_MAC(1), 0x02005e000101);
    assert_int_equal(ROUTER_MAC(2), 0x020000000700);
    assert_int_equal(ROUTER_MAC(3), 0x020000000700);
    assert_int_equal(ROUTER_MAC(4), 0x020000000004);
    assert_int_equal(ROUTER_MAC(5), 0x020000000005);

    /* LOCAL's MAC changes. */
    atomic_store_relaxed(&find_port(f, "br-ov")->mac,
                         UINT64_C(0x020000000888));
    commit(f);
    assert_int_equal(ROUTER_MAC(2), 0x020000000888);

    SET(f, bridge, 1, .name = "br-ov", .gateway_mac = "02:00:00:00:aa:01",
        .router_mac = "02:00:00:00:aa:02");
    commit(f);
    assert_int_equal(ROUTER_MAC(1), 0x02000000aa01);
    assert_int_equal(ROUTER_MAC(2), 0x02000000aa02);
    assert_int_equal(ROUTER_MAC(3), 0x02000000aa02);
    assert_int_equal(ROUTER_MAC(4), 0x020000000004);
    assert_int_equal(ROUTER_MAC(5), 0x020000000005);
}

static void
gateways_of_a_vrf_must_not_overlap(void **state)
{
    struct rib_fixture *f = *state;

    SET(f, network, 1, .vni = 1, .vrf = "red",
        .gateway_ips = STRINGS("10.1.0.1/24", "fe80::1/64"));
    SET(f, network, 2, .vni = 2, .vrf = "red",
        .gateway_ips = STRINGS("fe80::1/64", "10.1.0.1/16"));
    SET(f, network, 3, .vni = 3, .vrf = "red",
        .gateway_ips = STRINGS("10.1.1.1/24", "fe80::1/64"));
    SET(f, network, 4, .vni = 4, .vrf = "blue",
        .gateway_ips = STRINGS("10.1.0.1/24"));
    SET(f, network, 5, .vni = 5, .gateway_ips = STRINGS("10.1.0.1/24"));
    SET(f, network, 6, .vni = 6, .gateway_ips = STRINGS("10.1.0.1/24"));
    commit(f);
    expect_error(f, OVL_RIB_NETWORK, 1, NULL);
    expect_error(f, OVL_RIB_NETWORK, 2,
                 "Overlay_Network 2: gateway_ips \"10.1.0.1/16\": overlaps "
                 "10.1.0.1/24 of Overlay_Network 1 in VRF \"red\", "
                 "which is in force");
    expect_error(f, OVL_RIB_NETWORK, 3, NULL);
    expect_error(f, OVL_RIB_NETWORK, 4, NULL);
    expect_error(f, OVL_RIB_NETWORK, 5, NULL);
    expect_error(f, OVL_RIB_NETWORK, 6, NULL);

    /* Network 2 takes over, so network 3 has to go. */
    del(f, OVL_RIB_NETWORK, 1);
    commit(f);
    expect_error(f, OVL_RIB_NETWORK, 2, NULL);
    expect_error(f, OVL_RIB_NETWORK, 3, "overlaps 10.1.0.1/16 of "
                 "Overlay_Network 2");

    /* A still lower row of the same VNI takes over from network 2, and is the
     * one to blame. */
    SET(f, network, 0, .vni = 2, .vrf = "red",
        .gateway_ips = STRINGS("10.1.1.9/24"));
    commit(f);
    expect_error(f, OVL_RIB_NETWORK, 2, "same vni as another row, 80000000-");
    expect_error(f, OVL_RIB_NETWORK, 3, "overlaps 10.1.1.9/24 of "
                 "Overlay_Network 2");
}

static void
error_names_the_lowest_row_that_is_in_the_way(void **state)
{
    struct rib_fixture *f = *state;

    SET(f, network, 5, .vni = 5, .vrf = "red",
        .gateway_ips = STRINGS("10.1.0.1/24", "10.2.0.1/24"));
    SET(f, network, 4, .vni = 4, .vrf = "red",
        .gateway_ips = STRINGS("10.1.0.2/24"));
    commit(f);
    expect_error(f, OVL_RIB_NETWORK, 5, "overlaps 10.1.0.2/24 of "
                 "Overlay_Network 4");
    SET(f, network, 3, .vni = 3, .vrf = "red",
        .gateway_ips = STRINGS("10.2.0.3/24"));
    commit(f);
    expect_error(f, OVL_RIB_NETWORK, 4, NULL);
    expect_error(f, OVL_RIB_NETWORK, 5, "overlaps 10.2.0.3/24 of "
                 "Overlay_Network 3");
}

static void
vteps_of_a_vrf_may_send_to_all_its_networks(void **state)
{
    struct rib_fixture *f = *state;

    SET(f, network, 1, .vni = 1, .vrf = "red",
        .flood_vteps = STRINGS("192.0.2.2"));
    SET(f, network, 2, .vni = 2, .vrf = "red");
    SET(f, network, 3, .vni = 3);
    SET(f, mac, 1, .vni = 2, .mac = "2:0:0:0:0:1", .vtep = "192.0.2.3");
    SET(f, mac, 2, .vni = 2, .mac = "2:0:0:0:0:2", .vtep = "192.0.2.3");
    SET(f, mac, 3, .vni = 3, .mac = "2:0:0:0:0:3", .vtep = "192.0.2.4");
    commit(f);

#define SOURCES(VNI, VRF, FLOOD, SOURCES)                                    \
    "network " #VNI " \"\" vrf \"" VRF "\" mtu 0 router %s gateways flood"   \
    FLOOD " members sources" SOURCES "\n"
#define MACS                                                                 \
    "mac 2 02:00:00:00:00:01 192.0.2.3\n"                                    \
    "mac 2 02:00:00:00:00:02 192.0.2.3\n"                                    \
    "mac 3 02:00:00:00:00:03 192.0.2.4\n"

    char *expected = xasprintf(UNDERLAY MACS
        SOURCES(1, "red", " 192.0.2.2", " 192.0.2.2 192.0.2.3")
        SOURCES(2, "red", "", " 192.0.2.2 192.0.2.3")
        SOURCES(3, "", "", " 192.0.2.4"),
        LOCAL_MAC, LOCAL_MAC, LOCAL_MAC);
    expect_tables(f, expected);
    free(expected);

    /* A network changes sides, with its VTEPs. */
    SET(f, network, 2, .vni = 2, .vrf = "blue");
    SET(f, network, 3, .vni = 3, .vrf = "blue");
    commit(f);
    expected = xasprintf(UNDERLAY MACS
        SOURCES(1, "red", " 192.0.2.2", " 192.0.2.2")
        SOURCES(2, "blue", "", " 192.0.2.3 192.0.2.4")
        SOURCES(3, "blue", "", " 192.0.2.3 192.0.2.4"),
        LOCAL_MAC, LOCAL_MAC, LOCAL_MAC);
    expect_tables(f, expected);
    free(expected);

    /* The last row that names a VTEP goes. */
    del(f, OVL_RIB_MAC, 1);
    del(f, OVL_RIB_MAC, 3);
    commit(f);
    expected = xasprintf(UNDERLAY "mac 2 02:00:00:00:00:02 192.0.2.3\n"
        SOURCES(1, "red", " 192.0.2.2", " 192.0.2.2")
        SOURCES(2, "blue", "", " 192.0.2.3")
        SOURCES(3, "blue", "", " 192.0.2.3"),
        LOCAL_MAC, LOCAL_MAC, LOCAL_MAC);
    expect_tables(f, expected);
    free(expected);
}

/* Ports and bindings. */

#define NETWORK1(MEMBERS)                                                    \
    "network 1 \"\" vrf \"\" mtu 0 router 02:00:00:00:07:00 "                \
    "gateways flood members" MEMBERS " sources\n"

static void
port_without_its_network_says_so(void **state)
{
    struct rib_fixture *f = *state;
    int64_t vlans[] = { 0, 10 };
    int64_t vnis[] = { 5001, 5002 };
    struct ovl_row_iface iface = { .name = "vm2" };

    set_port(f, 1, "vm1", 5001, (struct ovl_strings) { .n = 0 });
    SET(f, port, 2, .name = "vm2", .on_overlay_bridge = true,
        .ifaces = &iface, .n_ifaces = 1, .vlans = vlans, .vlan_vnis = vnis,
        .n_vlans = 2);
    commit(f);
    expect_error(f, OVL_RIB_PORT, 1,
                 "Port \"vm1\": Overlay_Network 5001 does not exist");
    expect_error(f, OVL_RIB_PORT, 2,
                 "Port \"vm2\": Overlay_Network 5001 does not exist");

    SET(f, network, 1, .vni = 5001);
    commit(f);
    expect_error(f, OVL_RIB_PORT, 1, NULL);
    expect_error(f, OVL_RIB_PORT, 2,
                 "Port \"vm2\": Overlay_Network 5002 does not exist");
    expect_tables(f, "binding br-ov local\nbinding eth1 uplink\n"
        "binding vm1 access 5001\n"
        "binding vm2 gateway 0=5001 10=5002\n"
        "network 5001 \"\" vrf \"\" mtu 0 router 02:00:00:00:07:00 "
        "gateways flood members vm1.0 vm2.0 sources\n");

    SET(f, network, 1, .vni = 5001, .mtu = (int64_t[]) { 1 });
    commit(f);
    expect_error(f, OVL_RIB_PORT, 1,
                 "Port \"vm1\": Overlay_Network 5001 is in error");
    del(f, OVL_RIB_NETWORK, 1);
    commit(f);
    expect_error(f, OVL_RIB_PORT, 1,
                 "Port \"vm1\": Overlay_Network 5001 does not exist");
}

static void
bad_port_is_unbound(void **state)
{
    struct rib_fixture *f = *state;

    SET(f, network, 1, .vni = 1);
    set_port(f, 1, "vm1", 1, STRINGS("2:0:0:0:0:1 10.0.0.1"));
    commit(f);
    set_port(f, 1, "vm1", 1, STRINGS("2:0:0:0:0:1 10.0.0.300"));
    commit(f);
    expect_error(f, OVL_RIB_PORT, 1, "\"10.0.0.300\" is not an IP address");
    expect_tables(f, UNDERLAY
        "network 1 \"\" vrf \"\" mtu 0 router 02:00:00:00:07:00 "
        "gateways flood members sources\n");
}

static void
underlay_ports_cannot_be_bound(void **state)
{
    struct rib_fixture *f = *state;

    SET(f, network, 1, .vni = 1);
    set_port(f, 1, "br-ov", 1, STRINGS("2:0:0:0:0:1"));
    set_port(f, 2, "eth1", 1, STRINGS("2:0:0:0:0:2"));
    SET(f, binding, 1, .iface = "eth1", .vni = 1);
    SET(f, binding, 2, .iface = "br-ov", .vni = 1);
    commit(f);
    expect_error(f, OVL_RIB_PORT, 1, "Port \"br-ov\": overlay_vni is set, "
                 "but the port is the bridge's own port");
    expect_error(f, OVL_RIB_PORT, 2, "Port \"eth1\": overlay_vni is set, "
                 "but the port is an uplink");
    expect_error(f, OVL_RIB_BINDING, 1, "the interface is an uplink");
    expect_error(f, OVL_RIB_BINDING, 2,
                 "the interface is the bridge's own port");
    expect_tables(f, UNDERLAY
        "network 1 \"\" vrf \"\" mtu 0 router 02:00:00:00:07:00 "
        "gateways flood members sources\n");

    /* eth1 is an uplink no more, vm1 is one now. */
    set_port(f, 3, "vm1", 1, STRINGS("2:0:0:0:0:3"));
    SET(f, bridge, 1, .name = "br-ov", .uplinks = STRINGS("vm1"));
    commit(f);
    expect_error(f, OVL_RIB_PORT, 2, NULL);
    expect_error(f, OVL_RIB_PORT, 3, "is an uplink");
    expect_tables(f, "binding br-ov local\n"
        "binding eth1 access 1 guarded 02:00:00:00:00:02\n"
        "binding vm1 uplink\n"
        "mac 1 02:00:00:00:00:02 eth1\n"
        "network 1 \"\" vrf \"\" mtu 0 router 02:00:00:00:07:00 "
        "gateways flood members eth1.0 sources\n");
}

static void
second_uplink_is_named_and_ignored(void **state)
{
    struct rib_fixture *f = *state;

    SET(f, bridge, 1, .name = "br-ov", .uplinks = STRINGS("vm1", "eth1"));
    set_port(f, 3, "vm1", 1, STRINGS("2:0:0:0:0:3"));
    commit(f);
    assert_string_equal(error_of(f, OVL_RIB_BRIDGE, 1),
                        "overlay_uplinks: only one uplink is supported, "
                        "using \"eth1\", ignoring \"vm1\"");
    expect_error(f, OVL_RIB_PORT, 3, "is an uplink");
    expect_tables(f, UNDERLAY);
}

static void
port_is_free_when_it_is_no_uplink_any_more(void **state)
{
    struct rib_fixture *f = *state;
    struct ovl_row_iface iface = { .name = "vm2" };

    /* Listed by their ports' names, one of which is not its interface's. */
    SET(f, network, 1, .vni = 1);
    set_port(f, 1, "vm1", 1, (struct ovl_strings) { .n = 0 });
    SET(f, port, 2, .name = "up2", .on_overlay_bridge = true,
        .ifaces = &iface, .n_ifaces = 1, .has_vni = true, .vni = 1);
    SET(f, bridge, 1, .name = "br-ov",
        .uplinks = STRINGS("eth1", "up2", "vm1"));
    commit(f);
    expect_error(f, OVL_RIB_PORT, 1, "is an uplink");
    expect_error(f, OVL_RIB_PORT, 2, "is an uplink");
    expect_tables(f, UNDERLAY NETWORK1(""));

    SET(f, bridge, 1, .name = "br-ov", .uplinks = STRINGS("eth1"));
    commit(f);
    expect_error(f, OVL_RIB_PORT, 1, NULL);
    expect_error(f, OVL_RIB_PORT, 2, NULL);
    expect_tables(f, UNDERLAY "binding vm1 access 1\n"
                  "binding vm2 access 1\n" NETWORK1(" vm1.0 vm2.0"));

    SET(f, bridge, 1, .name = "br-ov",
        .uplinks = STRINGS("eth1", "up2", "vm1"));
    commit(f);
    expect_error(f, OVL_RIB_PORT, 1, "is an uplink");
    expect_error(f, OVL_RIB_PORT, 2, "is an uplink");
    expect_tables(f, UNDERLAY NETWORK1(""));

    /* Bindings likewise. */
    del(f, OVL_RIB_PORT, 1);
    SET(f, port, 2, .name = "up2", .on_overlay_bridge = true,
        .ifaces = &iface, .n_ifaces = 1);
    SET(f, binding, 1, .iface = "vm1", .vni = 1);
    SET(f, binding, 2, .iface = "vm2", .vni = 1);
    commit(f);
    expect_error(f, OVL_RIB_BINDING, 1, "the interface is an uplink");
    expect_error(f, OVL_RIB_BINDING, 2, "the interface is an uplink");
    SET(f, bridge, 1, .name = "br-ov", .uplinks = STRINGS("eth1"));
    commit(f);
    expect_error(f, OVL_RIB_BINDING, 1, NULL);
    expect_error(f, OVL_RIB_BINDING, 2, NULL);
}

static void
bond_is_no_uplink(void **state)
{
    struct rib_fixture *f = *state;
    struct ovl_row_iface ifaces[] = { { .name = "vm1" }, { .name = "vm2" } };

    SET(f, bridge, 1, .name = "br-ov", .uplinks = STRINGS("bond0"));
    SET(f, port, 1, .name = "bond0", .on_overlay_bridge = true,
        .ifaces = ifaces, .n_ifaces = 2);
    commit(f);
    expect_error(f, OVL_RIB_BRIDGE, 1, "overlay_uplinks: \"bond0\" is a bond");
    expect_tables(f, "binding br-ov local\n");

    /* It becomes an ordinary port whose interface has another name. */
    SET(f, port, 1, .name = "bond0", .on_overlay_bridge = true,
        .ifaces = ifaces, .n_ifaces = 1);
    commit(f);
    expect_error(f, OVL_RIB_BRIDGE, 1, NULL);
    expect_tables(f, "binding br-ov local\nbinding vm1 uplink\n");
}

static void
binding_finds_its_interface_by_name_or_id(void **state)
{
    struct rib_fixture *f = *state;
    struct ovl_row_iface iface = { .name = "vm1", .iface_id = "id-1" };

    SET(f, network, 1, .vni = 1);
    SET(f, binding, 1, .iface = "id-1", .vni = 1,
        .addresses = STRINGS("2:0:0:0:0:1"));
    SET(f, binding, 2, .iface = "vm2", .vni = 1,
        .addresses = STRINGS("2:0:0:0:0:2"));
    SET(f, binding, 3, .iface = "not-there", .vni = 7);
    commit(f);
    expect_error(f, OVL_RIB_BINDING, 1, NULL);
    expect_error(f, OVL_RIB_BINDING, 2, NULL);
    expect_error(f, OVL_RIB_BINDING, 3, NULL);
#define VM2                                                                  \
    "binding vm2 access 1 guarded 02:00:00:00:00:02\n"
    expect_tables(f, UNDERLAY VM2
        "mac 1 02:00:00:00:00:02 vm2\n" NETWORK1(" vm2.0"));

    /* The port's row comes, with the id that the binding names. */
    SET(f, port, 1, .name = "vm1", .on_overlay_bridge = true,
        .ifaces = &iface, .n_ifaces = 1);
    commit(f);
    expect_tables(f, UNDERLAY
        "binding vm1 access 1 guarded 02:00:00:00:00:01\n" VM2
        "mac 1 02:00:00:00:00:01 vm1\nmac 1 02:00:00:00:00:02 vm2\n"
        NETWORK1(" vm1.0 vm2.0"));

    /* The id changes. */
    iface.iface_id = "id-2";
    SET(f, port, 1, .name = "vm1", .on_overlay_bridge = true,
        .ifaces = &iface, .n_ifaces = 1);
    commit(f);
    expect_tables(f, UNDERLAY VM2
        "mac 1 02:00:00:00:00:02 vm2\n" NETWORK1(" vm2.0"));
}

static void
port_columns_win_over_a_binding(void **state)
{
    struct rib_fixture *f = *state;

    SET(f, network, 1, .vni = 1);
    SET(f, binding, 1, .iface = "vm1", .vni = 1,
        .addresses = STRINGS("2:0:0:0:0:1"));
    set_port(f, 9, "vm1", 1, STRINGS("2:0:0:0:0:9"));
    commit(f);
    expect_error(f, OVL_RIB_BINDING, 1, "Overlay_Binding \"vm1\": the overlay "
                 "columns of Port \"vm1\" are set and win");
    expect_error(f, OVL_RIB_PORT, 9, NULL);
    expect_tables(f, UNDERLAY
        "binding vm1 access 1 guarded 02:00:00:00:00:09\n"
        "mac 1 02:00:00:00:00:09 vm1\n" NETWORK1(" vm1.0"));

    /* Also if they make no sense: then nothing is in force. */
    set_port(f, 9, "vm1", 1, STRINGS("bad"));
    commit(f);
    expect_error(f, OVL_RIB_BINDING, 1, "are set and win");
    expect_tables(f, UNDERLAY NETWORK1(""));

    set_port(f, 9, "vm1", 0, (struct ovl_strings) { .n = 0 });
    commit(f);
    expect_error(f, OVL_RIB_BINDING, 1, NULL);
    expect_error(f, OVL_RIB_PORT, 9, NULL);
    expect_tables(f, UNDERLAY
        "binding vm1 access 1 guarded 02:00:00:00:00:01\n"
        "mac 1 02:00:00:00:00:01 vm1\n" NETWORK1(" vm1.0"));
}

static void
two_bindings_of_one_interface(void **state)
{
    struct rib_fixture *f = *state;
    struct ovl_row_iface iface = { .name = "vm1", .iface_id = "id-1" };

    SET(f, network, 1, .vni = 1);
    SET(f, port, 1, .name = "vm1", .on_overlay_bridge = true,
        .ifaces = &iface, .n_ifaces = 1);
    SET(f, binding, 2, .iface = "vm1", .vni = 1,
        .addresses = STRINGS("2:0:0:0:0:2"));
    commit(f);
    SET(f, binding, 1, .iface = "id-1", .vni = 1,
        .addresses = STRINGS("2:0:0:0:0:1"));
    commit(f);
    expect_error(f, OVL_RIB_BINDING, 1, NULL);
    expect_error(f, OVL_RIB_BINDING, 2, "Overlay_Binding \"vm1\": same "
                 "interface as another row, 80000001-");
    expect_tables(f, UNDERLAY
        "binding vm1 access 1 guarded 02:00:00:00:00:01\n"
        "mac 1 02:00:00:00:00:01 vm1\n" NETWORK1(" vm1.0"));
    del(f, OVL_RIB_BINDING, 1);
    commit(f);
    expect_error(f, OVL_RIB_BINDING, 2, NULL);
    expect_tables(f, UNDERLAY
        "binding vm1 access 1 guarded 02:00:00:00:00:02\n"
        "mac 1 02:00:00:00:00:02 vm1\n" NETWORK1(" vm1.0"));
}

static void
two_ports_with_one_interface(void **state)
{
    struct rib_fixture *f = *state;
    struct ovl_row_iface iface = { .name = "vm1" };

    /* Not for long, as a database may have it between two transactions. */
    SET(f, network, 1, .vni = 1);
    SET(f, binding, 9, .iface = "vm1", .vni = 1);
    set_port(f, 2, "vm1", 1, STRINGS("2:0:0:0:0:2"));
    SET(f, port, 1, .name = "other", .on_overlay_bridge = true,
        .ifaces = &iface, .n_ifaces = 1);
    SET(f, port, 3, .name = "third", .on_overlay_bridge = true,
        .ifaces = &iface, .n_ifaces = 1, .has_vni = true, .vni = 1);
    commit(f);
    expect_error(f, OVL_RIB_PORT, 2, NULL);
    expect_error(f, OVL_RIB_PORT, 3, "same interface as another row");
    expect_error(f, OVL_RIB_BINDING, 9, "same interface as another row");
    del(f, OVL_RIB_PORT, 1);
    commit(f);
    expect_error(f, OVL_RIB_BINDING, 9, "Port \"vm1\" are set and win");
}

static void
one_mac_is_on_one_port_of_a_network(void **state)
{
    struct rib_fixture *f = *state;

    SET(f, network, 1, .vni = 1);
    set_port(f, 2, "vm2", 1, STRINGS("2:0:0:0:0:1", "2:0:0:0:0:2"));
    commit(f);
    set_port(f, 1, "vm1", 1, STRINGS("2:0:0:0:0:1"));
    commit(f);
    expect_error(f, OVL_RIB_PORT, 1, NULL);
    expect_error(f, OVL_RIB_PORT, 2, "Port \"vm2\": MAC 02:00:00:00:00:01 is "
                 "on port \"vm1\" in the same network");
    expect_tables(f, UNDERLAY
        "binding vm1 access 1 guarded 02:00:00:00:00:01\n"
        "mac 1 02:00:00:00:00:01 vm1\n" NETWORK1(" vm1.0"));

    /* A binding that waits for its interface is in nobody's way. */
    SET(f, binding, 0, .iface = "vm3", .vni = 1,
        .addresses = STRINGS("2:0:0:0:0:1"));
    commit(f);
    expect_error(f, OVL_RIB_PORT, 1, NULL);
    add_port(f, "vm3");
    commit(f);
    expect_error(f, OVL_RIB_PORT, 1, "is on port \"vm3\"");
    expect_error(f, OVL_RIB_PORT, 2, "is on port \"vm3\"");

    /* Another network, another MAC. */
    set_port(f, 1, "vm1", 2, STRINGS("2:0:0:0:0:1"));
    commit(f);
    expect_error(f, OVL_RIB_PORT, 1, "Overlay_Network 2 does not exist");
}

static void
losing_a_port_lets_the_next_but_one_in(void **state)
{
    struct rib_fixture *f = *state;

    add_port(f, "vm3");
    SET(f, network, 1, .vni = 1);
    set_port(f, 3, "vm3", 1, STRINGS("2:0:0:0:0:2"));
    set_port(f, 2, "vm2", 1, STRINGS("2:0:0:0:0:1", "2:0:0:0:0:2"));
    set_port(f, 1, "vm1", 1, STRINGS("2:0:0:0:0:1"));
    commit(f);
    expect_error(f, OVL_RIB_PORT, 1, NULL);
    expect_error(f, OVL_RIB_PORT, 2, "is on port \"vm1\"");
    expect_error(f, OVL_RIB_PORT, 3, NULL);
    del(f, OVL_RIB_PORT, 1);
    commit(f);
    expect_error(f, OVL_RIB_PORT, 2, NULL);
    expect_error(f, OVL_RIB_PORT, 3, "is on port \"vm2\"");
}

static void
attached_mac_counts_if_no_address_is_listed(void **state)
{
    struct rib_fixture *f = *state;
    struct ovl_row_iface iface = {
        .name = "vm1", .attached_mac = "2:0:0:0:0:1",
    };
    struct ovl_row_port row = {
        .name = "vm1", .on_overlay_bridge = true, .ifaces = &iface,
        .n_ifaces = 1, .has_vni = true, .vni = 1,
    };
    struct uuid uuid = uuid_nr(1);

    SET(f, network, 1, .vni = 1);
    ovl_rib_set_port(f->rib, &uuid, &row);
    commit(f);
    expect_tables(f, UNDERLAY "binding vm1 access 1\n"
                  "mac 1 02:00:00:00:00:01 vm1\n" NETWORK1(" vm1.0"));

    row.addresses = STRINGS("2:0:0:0:0:2");
    ovl_rib_set_port(f->rib, &uuid, &row);
    commit(f);
    expect_tables(f, UNDERLAY
                  "binding vm1 access 1 guarded 02:00:00:00:00:02\n"
                  "mac 1 02:00:00:00:00:02 vm1\n" NETWORK1(" vm1.0"));

    row.addresses.n = 0;
    iface.attached_mac = "ff:ff:ff:ff:ff:ff";
    ovl_rib_set_port(f->rib, &uuid, &row);
    commit(f);
    expect_error(f, OVL_RIB_PORT, 1, "Port \"vm1\": external_ids:attached-mac "
                 "\"ff:ff:ff:ff:ff:ff\" of the interface: a multicast MAC");
    expect_tables(f, UNDERLAY "binding vm1 access 1\n" NETWORK1(" vm1.0"));

    /* It counts for an Overlay_Binding likewise. */
    row.has_vni = false;
    iface.attached_mac = "2:0:0:0:0:3";
    ovl_rib_set_port(f->rib, &uuid, &row);
    SET(f, binding, 1, .iface = "vm1", .vni = 1);
    commit(f);
    expect_error(f, OVL_RIB_PORT, 1, NULL);
    expect_tables(f, UNDERLAY "binding vm1 access 1\n"
                  "mac 1 02:00:00:00:00:03 vm1\n" NETWORK1(" vm1.0"));
    iface.attached_mac = "2:0:0:0:0:4";
    ovl_rib_set_port(f->rib, &uuid, &row);
    commit(f);
    expect_tables(f, UNDERLAY "binding vm1 access 1\n"
                  "mac 1 02:00:00:00:00:04 vm1\n" NETWORK1(" vm1.0"));
}

static void
port_that_comes_back_is_another_port(void **state)
{
    struct rib_fixture *f = *state;
    uint32_t old_id = find_port(f, "vm1")->id;

    SET(f, network, 1, .vni = 1);
    SET(f, binding, 1, .iface = "vm1", .vni = 1,
        .addresses = STRINGS("2:0:0:0:0:1 10.0.0.1"));
    commit(f);
    char *before = dump_all(f);

    del_port(f, "vm1");
    commit(f);
    expect_tables(f, UNDERLAY NETWORK1(""));
    expect_error(f, OVL_RIB_BINDING, 1, NULL);
    add_port(f, "vm1");
    commit(f);
    char *after = dump_all(f);
    assert_string_equal(before, after);
    free(before);
    free(after);

    ovs_version_t v = ovl_forwarding_version(f->fwd);
    assert_null(ovl_binding_lookup(f->fwd, v, old_id));
    assert_non_null(ovl_binding_lookup(f->fwd, v,
                                       find_port(f, "vm1")->id));

    /* Both within one commit. */
    old_id = find_port(f, "vm1")->id;
    del_port(f, "vm1");
    add_port(f, "vm1");
    commit(f);
    v = ovl_forwarding_version(f->fwd);
    assert_null(ovl_binding_lookup(f->fwd, v, old_id));
    struct eth_addr mac = ETH_ADDR_C(02,00,00,00,00,01);
    assert_ptr_equal(ovl_mac_lookup(f->fwd, v, 1, mac)->port,
                     find_port(f, "vm1"));
    assert_ptr_equal(ovl_network_lookup(f->fwd, v, 1)->members[0].port,
                     find_port(f, "vm1"));

    /* Told of both at once, the younger counts. */
    struct ovl_lport *both[] = { fixture_port("vm1"), find_port(f, "vm1") };
    ovl_rib_set_lports(f->rib, both, 2);
    commit(f);
    v = ovl_forwarding_version(f->fwd);
    assert_ptr_equal(ovl_mac_lookup(f->fwd, v, 1, mac)->port, both[0]);
    tell_ports(f);
    ovl_lport_unref(both[0]);
}

/* Bridges. */

static void
without_a_bridge_nothing_is_underlay(void **state)
{
    struct rib_fixture *f = *state;

    commit(f);
    assert_string_equal(ovl_rib_bridge_name(f->rib), "br-ov");
    del(f, OVL_RIB_BRIDGE, 1);
    commit(f);
    assert_null(ovl_rib_bridge_name(f->rib));
    expect_tables(f, "");
}

static void
only_the_bridge_with_the_datapath_is_in_force(void **state)
{
    struct rib_fixture *f = *state;

    SET(f, bridge, 0, .name = "br-x", .vtep_ips = STRINGS("192.0.2.9"));
    commit(f);
    assert_string_equal(ovl_rib_bridge_name(f->rib), "br-ov");
    expect_error(f, OVL_RIB_BRIDGE, 1, NULL);
    assert_string_equal(error_of(f, OVL_RIB_BRIDGE, 0),
                        "only one overlay bridge per daemon; \"br-ov\" is in "
                        "force");

    /* No LOCAL port of either: the lowest UUID. */
    del_port(f, "br-ov");
    commit(f);
    assert_string_equal(ovl_rib_bridge_name(f->rib), "br-x");
    expect_error(f, OVL_RIB_BRIDGE, 0, NULL);
    expect_error(f, OVL_RIB_BRIDGE, 1, "\"br-x\" is in force");

    del(f, OVL_RIB_BRIDGE, 0);
    commit(f);
    assert_string_equal(ovl_rib_bridge_name(f->rib), "br-ov");
    expect_error(f, OVL_RIB_BRIDGE, 1, NULL);
}

/* Time. */

static void
same_rows_again_change_nothing(void **state)
{
    struct rib_fixture *f = *state;

    for (int i = 0; i < 3; i++) {
        SET(f, network, 1, .vni = 1, .vrf = "red",
            .gateway_ips = STRINGS("10.1.0.1/24"),
            .flood_vteps = STRINGS("192.0.2.2"));
        SET(f, mac, 1, .vni = 1, .mac = "2:0:0:0:0:1", .vtep = "192.0.2.3",
            .ips = STRINGS("10.1.0.2"));
        SET(f, neighbor, 1, .vni = 1, .ip = "10.1.0.3",
            .mac = "2:0:0:0:0:3");
        SET(f, route, 1, .vrf = "red", .prefix = "0.0.0.0/0",
            .nexthops = STRINGS("10.1.0.3"));
        SET(f, binding, 1, .iface = "vm2", .vni = 1,
            .addresses = STRINGS("2:0:0:0:0:4"));
        set_port(f, 1, "vm1", 1, STRINGS("2:0:0:0:0:5 10.1.0.5"));
        SET(f, bridge, 1, .name = "br-ov", .vtep_ips = STRINGS("192.0.2.1"),
            .uplinks = STRINGS("eth1"));
        tell_ports(f);
        assert_int_equal(commit_changes(f), i == 0);
        assert_int_equal(f->n_error_changes, 0);
    }

    /* Deleted and inserted again in one commit. */
    del(f, OVL_RIB_NETWORK, 1);
    del(f, OVL_RIB_MAC, 1);
    del(f, OVL_RIB_BINDING, 1);
    SET(f, network, 2, .vni = 1, .vrf = "red",
        .gateway_ips = STRINGS("10.1.0.1/24"),
        .flood_vteps = STRINGS("192.0.2.2"));
    SET(f, mac, 2, .vni = 1, .mac = "2:0:0:0:0:1", .vtep = "192.0.2.3",
        .ips = STRINGS("10.1.0.2"));
    SET(f, binding, 2, .iface = "vm2", .vni = 1,
        .addresses = STRINGS("2:0:0:0:0:4"));
    assert_false(commit_changes(f));
}

static void
resync_compares(void **state)
{
    struct rib_fixture *f = *state;

    SET(f, network, 1, .vni = 1, .flood_vteps = STRINGS("192.0.2.2"));
    SET(f, mac, 1, .vni = 1, .mac = "2:0:0:0:0:1", .vtep = "192.0.2.3",
        .ips = STRINGS("10.1.0.2"));
    SET(f, mac, 2, .vni = 1, .mac = "2:0:0:0:0:2", .vtep = "192.0.2.3");
    SET(f, neighbor, 1, .vni = 1, .ip = "10.1.0.3", .mac = "2:0:0:0:0:3");
    SET(f, route, 1, .vrf = "red", .prefix = "0.0.0.0/0",
        .nexthops = STRINGS("10.1.0.3"), .vni = (int64_t[]) { 1 });
    set_port(f, 1, "vm1", 1, STRINGS("2:0:0:0:0:5 10.1.0.5"));
    commit(f);

    /* A new server: the same rows have other UUIDs, some the same. */
    ovl_rib_resync_begin(f->rib);
    SET(f, bridge, 5, .name = "br-ov", .vtep_ips = STRINGS("192.0.2.1"),
        .uplinks = STRINGS("eth1"));
    SET(f, network, 5, .vni = 1, .flood_vteps = STRINGS("192.0.2.2"));
    SET(f, mac, 5, .vni = 1, .mac = "02-00-00-00-00-01", .vtep = "192.0.2.3",
        .ips = STRINGS("10.1.0.2"));
    SET(f, mac, 2, .vni = 1, .mac = "2:0:0:0:0:2", .vtep = "192.0.2.3");
    SET(f, neighbor, 5, .vni = 1, .ip = "10.1.0.3", .mac = "2:0:0:0:0:3");
    SET(f, route, 5, .vrf = "red", .prefix = "0.0.0.0/0",
        .nexthops = STRINGS("10.1.0.3"), .vni = (int64_t[]) { 1 });
    set_port(f, 5, "vm1", 1, STRINGS("2:0:0:0:0:5 10.1.0.5"));
    ovl_rib_resync_end(f->rib);
    assert_false(commit_changes(f));
    assert_int_equal(f->n_error_changes, 0);

    /* Again, and a row was deleted meanwhile. */
    ovl_rib_resync_begin(f->rib);
    SET(f, bridge, 5, .name = "br-ov", .vtep_ips = STRINGS("192.0.2.1"),
        .uplinks = STRINGS("eth1"));
    SET(f, mac, 5, .vni = 1, .mac = "02-00-00-00-00-01", .vtep = "192.0.2.3");
    ovl_rib_resync_end(f->rib);
    assert_true(commit_changes(f));
    expect_tables(f, UNDERLAY "mac 1 02:00:00:00:00:01 192.0.2.3\n");
}

static void
last_state_of_a_transaction_wins(void **state)
{
    struct rib_fixture *f = *state;

    SET(f, mac, 1, .vni = 1, .mac = "2:0:0:0:0:1", .vtep = "192.0.2.2");
    SET(f, mac, 1, .vni = 1, .mac = "2:0:0:0:0:2", .vtep = "192.0.2.2");
    SET(f, mac, 1, .vni = 2, .mac = "2:0:0:0:0:2", .vtep = "192.0.2.3");
    SET(f, mac, 2, .vni = 1, .mac = "2:0:0:0:0:9", .vtep = "192.0.2.2");
    del(f, OVL_RIB_MAC, 2);
    del(f, OVL_RIB_MAC, 2);
    commit(f);
    expect_tables(f, UNDERLAY "mac 2 02:00:00:00:00:02 192.0.2.3\n");

    /* The same UUID is another row now. */
    del(f, OVL_RIB_MAC, 1);
    SET(f, mac, 1, .vni = 3, .mac = "2:0:0:0:0:3", .vtep = "192.0.2.3");
    commit(f);
    expect_tables(f, UNDERLAY "mac 3 02:00:00:00:00:03 192.0.2.3\n");
}

static void
network_that_comes_back_knows_nothing(void **state)
{
    struct rib_fixture *f = *state;

    for (int i = 0; i < 2; i++) {
        SET(f, network, 1, .vni = 1, .vrf = "red",
            .flood_vteps = STRINGS("192.0.2.2"),
            .gateway_ips = STRINGS("10.0.0.1/24"));
        commit(f);
        del(f, OVL_RIB_NETWORK, 1);
        commit(f);
        expect_tables(f, UNDERLAY);
        SET(f, network, 1, .vni = 1);
        commit(f);
        expect_tables(f, UNDERLAY NETWORK1(""));
        del(f, OVL_RIB_NETWORK, 1);
        commit(f);
    }
}

static void
status_names_faults(void **state)
{
    struct rib_fixture *f = *state;
    struct smap status = SMAP_INITIALIZER(&status);

    SET(f, mac, 1, .vni = 1, .mac = "2:0:0:0:0:1", .vtep = "2001:db8::1");
    SET(f, route, 1, .vrf = "red", .prefix = "0.0.0.0/0",
        .action = "prohibit");
    set_port(f, 1, "vm1", 2, (struct ovl_strings) { .n = 0 });
    commit(f);
    ovl_rib_get_status(f->rib, &status);
    assert_string_equal(smap_get(&status, "vteps"), "1");
    assert_string_equal(smap_get(&status, "no_tunnel_ip"), "1");
    assert_string_equal(smap_get(&status, "missing_networks"), "2");
    assert_string_equal(smap_get(&status, "routes"), "1");
    assert_string_equal(smap_get(&status, "bindings"), "1");
    assert_string_equal(smap_get(&status, "rows_in_error"), "1");
    smap_clear(&status);

    SET(f, network, 1, .vni = 1);
    SET(f, network, 2, .vni = 2);
    SET(f, bridge, 1, .name = "br-ov", .vtep_ips = STRINGS("2001:db8::9"));
    commit(f);
    ovl_rib_get_status(f->rib, &status);
    assert_null(smap_get(&status, "no_tunnel_ip"));
    assert_null(smap_get(&status, "missing_networks"));
    assert_string_equal(smap_get(&status, "rows_in_error"), "0");
    assert_string_equal(smap_get(&status, "networks"), "2");
    smap_destroy(&status);
}

int
main(void)
{
#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(bad_row_is_out_of_force_alone),
        TEST(mended_row_comes_into_force),
        TEST(errors_are_reported_when_they_change),
        TEST(errors_are_reported_again_on_demand),
        TEST(lowest_uuid_of_equal_rows_is_in_force),
        TEST(next_of_equal_rows_takes_over),
        TEST(local_port_beats_remote_row),
        TEST(row_with_our_own_vtep_makes_neighbors_only),
        TEST(explicit_neighbor_wins),
        TEST(ip_that_several_macs_claim_is_shared),
        TEST(local_port_and_remote_row_share_an_ip),
        TEST(loser_of_equal_rows_claims_nothing),
        TEST(network_has_its_members_and_flood_list),
        TEST(network_advertises_if_it_routes_ipv6),
        TEST(ipv6_gateway_brings_its_link_local_address),
        TEST(router_mac_comes_from_the_right_place),
        TEST(gateways_of_a_vrf_must_not_overlap),
        TEST(error_names_the_lowest_row_that_is_in_the_way),
        TEST(vteps_of_a_vrf_may_send_to_all_its_networks),
        TEST(port_without_its_network_says_so),
        TEST(bad_port_is_unbound),
        TEST(underlay_ports_cannot_be_bound),
        TEST(second_uplink_is_named_and_ignored),
        TEST(port_is_free_when_it_is_no_uplink_any_more),
        TEST(bond_is_no_uplink),
        TEST(binding_finds_its_interface_by_name_or_id),
        TEST(port_columns_win_over_a_binding),
        TEST(two_bindings_of_one_interface),
        TEST(two_ports_with_one_interface),
        TEST(one_mac_is_on_one_port_of_a_network),
        TEST(losing_a_port_lets_the_next_but_one_in),
        TEST(attached_mac_counts_if_no_address_is_listed),
        TEST(port_that_comes_back_is_another_port),
        TEST(without_a_bridge_nothing_is_underlay),
        TEST(only_the_bridge_with_the_datapath_is_in_force),
        TEST(same_rows_again_change_nothing),
        TEST(resync_compares),
        TEST(last_state_of_a_transaction_wins),
        TEST(network_that_comes_back_knows_nothing),
        TEST(status_names_faults),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
