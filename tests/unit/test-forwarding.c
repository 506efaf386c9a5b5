/* SPDX-License-Identifier: Apache-2.0 */

/* Forwarding tables, contract by contract: what a transaction does, who sees
 * it when, which counters survive, what is freed. */

#include <config.h>

#include "tables-fixture.h"

#include "openvswitch/poll-loop.h"

struct fixture {
    struct ovl_forwarding *fwd;
    struct ovl_lport *vm1, *vm2;
    struct ovl_vtep *vtep_a, *vtep_b;
    struct ovl_shard *shard;
    struct in6_addr ip_a, ip_b;
};

static int
setup(void **state)
{
    struct fixture *f = xzalloc(sizeof *f);

    f->fwd = ovl_forwarding_create();
    f->vm1 = fixture_port("vm1");
    f->vm2 = fixture_port("vm2");
    f->ip_a = ip_from("192.0.2.1");
    f->ip_b = ip_from("192.0.2.2");
    f->vtep_a = ovl_vtep_ref(f->fwd, &f->ip_a);
    f->vtep_b = ovl_vtep_ref(f->fwd, &f->ip_b);
    f->shard = ovl_shard_create();
    *state = f;
    return 0;
}

/* Destroys the tables as they are: tests leave entries, removed ones that
 * wait included. */
static int
teardown(void **state)
{
    struct fixture *f = *state;

    ovl_vtep_unref(f->fwd, f->vtep_a);
    ovl_vtep_unref(f->fwd, f->vtep_b);
    ovl_forwarding_destroy(f->fwd);
    ovl_lport_unref(f->vm1);
    ovl_lport_unref(f->vm2);
    ovl_shard_destroy(f->shard);
    free(f);
    pass_grace();
    if (n_live_ports) {
        print_error("%d ports left\n", n_live_ports);
    }
    return n_live_ports ? -1 : 0;
}

static ovs_version_t
now(const struct fixture *f)
{
    return ovl_forwarding_version(f->fwd);
}

static void
set_mac(struct fixture *f, uint32_t vni, uint32_t mac,
        struct ovl_lport *port, struct ovl_vtep *vtep)
{
    struct ovl_mac entry = {
        .vni = vni, .mac = mac_nr(mac), .port = port, .vtep = vtep,
    };

    ovl_mac_set(f->fwd, &entry);
}

static const struct ovl_way *
find_mac(const struct fixture *f, ovs_version_t v, uint32_t vni, uint32_t mac)
{
    return ovl_mac_lookup(f->fwd, v, vni, mac_nr(mac));
}

static size_t
n_vteps(const struct fixture *f)
{
    struct ovl_table_sizes sizes;

    ovl_forwarding_sizes(f->fwd, &sizes);
    return sizes.vteps;
}

/* Transactions and versions. */

static void
nothing_shows_before_commit(void **state)
{
    struct fixture *f = *state;
    struct ovl_table_sizes sizes;
    ovs_version_t v = now(f);
    struct in6_addr ip = ip4_nr(1);

    ovl_forwarding_begin(f->fwd);
    set_mac(f, 5001, 1, f->vm1, NULL);
    ovl_neighbor_set(f->fwd, &(struct ovl_neighbor) {
        .vni = 5001, .ip = ip, .mac = mac_nr(1) });
    ovl_source_add(f->fwd, 1, &ip);
    assert_int_equal(now(f), v);
    assert_null(find_mac(f, v, 5001, 1));
    assert_null(ovl_neighbor_lookup(f->fwd, v, 5001, &ip));
    assert_false(ovl_source_allowed(f->fwd, v, 1, &ip));
    ovl_forwarding_sizes(f->fwd, &sizes);
    assert_int_equal(sizes.macs, 0);

    assert_int_equal(ovl_forwarding_commit(f->fwd), v + 1);
    assert_int_equal(now(f), v + 1);
    assert_non_null(find_mac(f, v + 1, 5001, 1));
    assert_non_null(ovl_neighbor_lookup(f->fwd, v + 1, 5001, &ip));
    assert_true(ovl_source_allowed(f->fwd, v + 1, 1, &ip));
    ovl_forwarding_sizes(f->fwd, &sizes);
    assert_int_equal(sizes.macs, 1);
    assert_int_equal(sizes.neighbors, 1);

    /* The reader that was there before goes on in its version. */
    assert_null(find_mac(f, v, 5001, 1));
    assert_false(ovl_source_allowed(f->fwd, v, 1, &ip));
}

static void
older_reader_sees_all_of_the_old_rows(void **state)
{
    struct fixture *f = *state;
    const struct ovl_way *old;
    ovs_version_t v;

    ovl_forwarding_begin(f->fwd);
    set_mac(f, 5001, 1, f->vm1, NULL);
    set_mac(f, 5001, 2, f->vm2, NULL);
    v = ovl_forwarding_commit(f->fwd);
    old = find_mac(f, v, 5001, 1);

    ovl_forwarding_begin(f->fwd);
    set_mac(f, 5001, 1, NULL, f->vtep_a);
    ovl_mac_remove(f->fwd, 5001, mac_nr(2));
    assert_int_equal(ovl_forwarding_commit(f->fwd), v + 1);

    /* Nobody quiesced yet: nothing may be unlinked. */
    assert_true(ovl_forwarding_collect(f->fwd));
    assert_ptr_equal(find_mac(f, v, 5001, 1), old);
    assert_ptr_equal(old->port, f->vm1);
    assert_ptr_equal(find_mac(f, v, 5001, 2)->port, f->vm2);
    assert_ptr_equal(find_mac(f, v + 1, 5001, 1)->vtep, f->vtep_a);
    assert_null(find_mac(f, v + 1, 5001, 2));

    drain(f->fwd);
    assert_ptr_equal(find_mac(f, v + 1, 5001, 1)->vtep, f->vtep_a);
    assert_null(find_mac(f, v + 1, 5001, 2));
}

static void
last_change_of_a_key_in_a_transaction_counts(void **state)
{
    struct fixture *f = *state;
    ovs_version_t v;

    ovl_forwarding_begin(f->fwd);
    set_mac(f, 5001, 1, f->vm1, NULL);
    set_mac(f, 5001, 1, f->vm2, NULL);
    ovl_mac_remove(f->fwd, 5001, mac_nr(1));
    set_mac(f, 5001, 1, NULL, f->vtep_b);
    set_mac(f, 5001, 2, f->vm1, NULL);
    ovl_mac_remove(f->fwd, 5001, mac_nr(2));
    ovl_mac_remove(f->fwd, 5001, mac_nr(2));
    v = ovl_forwarding_commit(f->fwd);
    assert_ptr_equal(find_mac(f, v, 5001, 1)->vtep, f->vtep_b);
    assert_null(find_mac(f, v, 5001, 2));

    ovl_forwarding_begin(f->fwd);
    ovl_mac_remove(f->fwd, 5001, mac_nr(1));
    set_mac(f, 5001, 1, f->vm1, NULL);
    set_mac(f, 5001, 1, f->vm2, NULL);
    v = ovl_forwarding_commit(f->fwd);
    assert_ptr_equal(find_mac(f, v, 5001, 1)->port, f->vm2);
    assert_ptr_equal(find_mac(f, v - 1, 5001, 1)->vtep, f->vtep_b);

    ovl_forwarding_begin(f->fwd);
    set_mac(f, 5001, 1, f->vm1, NULL);
    ovl_mac_remove(f->fwd, 5001, mac_nr(1));
    v = ovl_forwarding_commit(f->fwd);
    assert_null(find_mac(f, v, 5001, 1));
    assert_ptr_equal(find_mac(f, v - 1, 5001, 1)->port, f->vm2);
}

static void
no_change_publishes_nothing(void **state)
{
    struct fixture *f = *state;
    const struct ovl_way *mac;
    ovs_version_t v = now(f);
    struct in6_addr ip = ip4_nr(1);

    ovl_forwarding_begin(f->fwd);
    assert_int_equal(ovl_forwarding_commit(f->fwd), v);

    ovl_forwarding_begin(f->fwd);
    set_mac(f, 5001, 1, f->vm1, NULL);
    ovl_mac_remove(f->fwd, 5001, mac_nr(1));
    ovl_mac_remove(f->fwd, 5001, mac_nr(3));
    ovl_source_remove(f->fwd, 1, &ip);
    ovl_network_remove(f->fwd, 77);
    ovl_binding_remove(f->fwd, 12345);
    assert_int_equal(ovl_forwarding_commit(f->fwd), v);

    ovl_forwarding_begin(f->fwd);
    set_mac(f, 5001, 1, f->vm1, NULL);
    ovl_source_add(f->fwd, 1, &ip);
    v = ovl_forwarding_commit(f->fwd);
    drain(f->fwd);
    mac = find_mac(f, v, 5001, 1);

    ovl_forwarding_begin(f->fwd);
    set_mac(f, 5001, 1, f->vm1, NULL);
    ovl_source_add(f->fwd, 1, &ip);
    ovl_config_set(f->fwd, ovl_config_get(f->fwd, v));
    assert_int_equal(ovl_forwarding_commit(f->fwd), v);
    assert_ptr_equal(find_mac(f, v, 5001, 1), mac);

    /* Away and back. */
    ovl_forwarding_begin(f->fwd);
    set_mac(f, 5001, 1, f->vm2, NULL);
    ovl_mac_remove(f->fwd, 5001, mac_nr(1));
    set_mac(f, 5001, 1, f->vm1, NULL);
    ovl_source_remove(f->fwd, 1, &ip);
    ovl_source_add(f->fwd, 1, &ip);
    assert_int_equal(ovl_forwarding_commit(f->fwd), v);
    assert_ptr_equal(find_mac(f, v, 5001, 1), mac);
    assert_false(ovl_forwarding_collect(f->fwd));
}

static void
keys_differ_by_network(void **state)
{
    struct fixture *f = *state;
    struct in6_addr ip = ip4_nr(1);
    ovs_version_t v;

    ovl_forwarding_begin(f->fwd);
    set_mac(f, 5001, 1, f->vm1, NULL);
    set_mac(f, 5002, 1, f->vm2, NULL);
    ovl_neighbor_set(f->fwd, &(struct ovl_neighbor) {
        .vni = 5001, .ip = ip, .mac = mac_nr(1) });
    ovl_neighbor_set(f->fwd, &(struct ovl_neighbor) {
        .vni = 5002, .ip = ip, .mac = mac_nr(2), .router = true });
    ovl_source_add(f->fwd, 1, &ip);
    v = ovl_forwarding_commit(f->fwd);

    assert_ptr_equal(find_mac(f, v, 5001, 1)->port, f->vm1);
    assert_ptr_equal(find_mac(f, v, 5002, 1)->port, f->vm2);
    assert_null(find_mac(f, v, 5003, 1));
    assert_true(eth_addr_equals(
        ovl_neighbor_lookup(f->fwd, v, 5001, &ip)->mac, mac_nr(1)));
    assert_true(ovl_neighbor_lookup(f->fwd, v, 5002, &ip)->router);
    assert_false(ovl_source_allowed(f->fwd, v, 2, &ip));
}

static void
destroy_in_the_middle_of_everything_leaks_nothing(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 3; i++) {
        ovl_forwarding_begin(f->fwd);
        set_mac(f, 5001, 1, i % 2 ? f->vm1 : f->vm2, NULL);
        set_mac(f, 5001, 2, NULL, i % 2 ? f->vtep_a : f->vtep_b);
        ovl_network_set(f->fwd, &(struct ovl_network) {
            .vni = 5001, .mtu = 1000 + i });
        ovl_binding_set(f->fwd, &(struct ovl_binding) {
            .port = f->vm1, .role = OVL_ROLE_ACCESS, .vni = 5001 + i });
        ovl_forwarding_commit(f->fwd);
        if (i == 1) {
            pass_grace();
        }
    }
    ovl_forwarding_begin(f->fwd);
    set_mac(f, 5001, 1, NULL, f->vtep_a);
    set_mac(f, 5001, 3, f->vm1, NULL);
    ovl_mac_remove(f->fwd, 5001, mac_nr(3));
    ovl_network_remove(f->fwd, 5001);
    /* teardown() destroys with ripe and unripe batches and a transaction that
     * is never committed. */
}

static void
collect_waits_until_woken(void **state)
{
    struct fixture *f = *state;

    ovl_forwarding_collect_wait(f->fwd);
    ovl_forwarding_begin(f->fwd);
    set_mac(f, 5001, 1, f->vm1, NULL);
    ovl_forwarding_commit(f->fwd);
    drain(f->fwd);
    assert_false(ovl_forwarding_collect(f->fwd));
    ovl_forwarding_begin(f->fwd);
    ovl_mac_remove(f->fwd, 5001, mac_nr(1));
    ovl_forwarding_commit(f->fwd);
    /* What goes meanwhile waits for the next grace period. */
    ovl_forwarding_begin(f->fwd);
    ovl_config_set(f->fwd, &(struct ovl_config) { .ttl = 1 });
    ovl_forwarding_commit(f->fwd);
    assert_true(ovl_forwarding_collect(f->fwd));

    /* The loop that a writer runs: ends because poll_block() quiesces, which
     * lets grace pass, which changes the seq that it waits for. */
    while (ovl_forwarding_collect(f->fwd)) {
        ovl_forwarding_collect_wait(f->fwd);
        poll_block();
    }
}

static void
a_hundred_thousand_removals_are_collected_in_slices(void **state)
{
    enum { N = 100000 };
    struct fixture *f = *state;
    struct ovl_table_sizes sizes;
    int calls = 0;

    ovl_forwarding_begin(f->fwd);
    for (int i = 0; i < N; i++) {
        set_mac(f, 5001, i, f->vm1, NULL);
    }
    ovl_forwarding_commit(f->fwd);
    ovl_forwarding_sizes(f->fwd, &sizes);
    assert_int_equal(sizes.macs, N);

    ovl_forwarding_begin(f->fwd);
    for (int i = 0; i < N; i++) {
        ovl_mac_remove(f->fwd, 5001, mac_nr(i));
    }
    ovl_forwarding_commit(f->fwd);
    ovl_forwarding_sizes(f->fwd, &sizes);
    assert_int_equal(sizes.macs, 0);

    do {
        pass_grace();
        calls++;
    } while (ovl_forwarding_collect(f->fwd));
    assert_true(calls > 2 && calls < 20);
}

/* Configuration. */

static void
configuration_is_there_in_every_version(void **state)
{
    struct fixture *f = *state;
    struct seq *seq = ovl_forwarding_vteps_seq(f->fwd);
    ovs_version_t v = now(f);
    struct ovl_config config = *ovl_config_get(f->fwd, v);
    uint64_t seqno;

    assert_int_equal(config.vxlan_port, 4789);
    assert_int_equal(config.ttl, 64);
    assert_int_equal(config.tos, 0);
    assert_false(config.dscp_inherit);
    assert_false(config.udp6_zero_csum);
    assert_true(ipv6_is_zero(&config.vtep4));
    assert_null(config.local);
    assert_null(config.uplink);

    config.ttl = 9;
    config.vtep4 = f->ip_a;
    config.local = f->vm1;
    config.uplink = f->vm2;
    ovl_forwarding_begin(f->fwd);
    ovl_config_set(f->fwd, &config);
    seqno = seq_read(seq);
    ovl_forwarding_commit(f->fwd);
    assert_true(seq_read(seq) != seqno);

    assert_int_equal(ovl_config_get(f->fwd, v)->ttl, 64);
    assert_int_equal(ovl_config_get(f->fwd, v + 1)->ttl, 9);
    assert_ptr_equal(ovl_config_get(f->fwd, v + 1)->uplink, f->vm2);
    drain(f->fwd);
    assert_int_equal(ovl_config_get(f->fwd, v + 1)->ttl, 9);

    ovl_forwarding_begin(f->fwd);
    ovl_config_set(f->fwd, &config);
    seqno = seq_read(seq);
    ovl_forwarding_commit(f->fwd);
    assert_true(seq_read(seq) == seqno);
}

static void
entries_hold_their_ports(void **state)
{
    struct fixture *f = *state;
    struct ovl_lport *port = fixture_port("vm3");
    uint32_t id = port->id;
    struct ovl_config config = { .uplink = port };
    struct ovl_member member = { .port = port };
    int n_ports = n_live_ports;

    ovl_forwarding_begin(f->fwd);
    ovl_config_set(f->fwd, &config);
    set_mac(f, 5001, 1, port, NULL);
    ovl_network_set(f->fwd, &(struct ovl_network) {
        .vni = 5001, .n_members = 1, .members = &member });
    ovl_binding_set(f->fwd, &(struct ovl_binding) {
        .port = port, .role = OVL_ROLE_ACCESS, .vni = 5001 });
    ovl_forwarding_commit(f->fwd);
    ovl_lport_unref(port);
    pass_grace();

    config.uplink = NULL;
    for (int i = 0; i < 4; i++) {
        assert_int_equal(n_live_ports, n_ports);
        assert_string_equal(port->name, "vm3");
        ovl_forwarding_begin(f->fwd);
        if (i == 0) {
            ovl_config_set(f->fwd, &config);
        } else if (i == 1) {
            ovl_mac_remove(f->fwd, 5001, mac_nr(1));
        } else if (i == 2) {
            ovl_network_remove(f->fwd, 5001);
        } else {
            ovl_binding_remove(f->fwd, id);
        }
        ovl_forwarding_commit(f->fwd);
        drain(f->fwd);
    }
    assert_int_equal(n_live_ports, n_ports - 1);
}

/* Networks. */

static void
network_is_copied_whole(void **state)
{
    struct fixture *f = *state;
    struct ovl_gateway gateways[2] = {
        { ip_from("10.1.0.1"), 96 + 24 }, { ip_from("2001:db8::1"), 64 },
    };
    struct ovl_member members[2] = { { f->vm1, 0 }, { f->vm2, 17 } };
    struct ovl_vtep *flood[2] = { f->vtep_a, f->vtep_b };
    char name[] = "blue", vrf[] = "red";
    struct ovl_network value = {
        .vni = 5001, .mtu = 1400, .source_group = 3, .flood_unknown = true,
        .neigh_suppress = true, .router_mac = mac_nr(9),
        .n_gateways = 2, .gateways = gateways,
        .n_members = 2, .members = members,
        .n_flood = 2, .flood = flood,
        .name = name, .vrf = vrf,
    };
    const struct ovl_network *net;
    struct in6_addr other = ip_from("10.1.0.2");
    ovs_version_t v;

    ovl_forwarding_begin(f->fwd);
    ovl_network_set(f->fwd, &value);
    memset(name, 'x', 4);
    memset(vrf, 'x', 3);
    memset(members, 0, sizeof members);
    memset(flood, 0, sizeof flood);
    v = ovl_forwarding_commit(f->fwd);

    net = ovl_network_lookup(f->fwd, v, 5001);
    assert_null(ovl_network_lookup(f->fwd, v, 5002));
    assert_int_equal(net->mtu, 1400);
    assert_int_equal(net->source_group, 3);
    assert_true(net->flood_unknown && net->neigh_suppress);
    assert_false(net->neigh_miss_drop || net->answer_tunnel);
    assert_true(eth_addr_equals(net->router_mac, mac_nr(9)));
    assert_int_equal(net->n_members, 2);
    assert_ptr_equal(net->members[1].port, f->vm2);
    assert_int_equal(net->members[1].vlan, 17);
    assert_ptr_equal(net->flood[0], f->vtep_a);
    assert_ptr_equal(net->flood[1], f->vtep_b);
    assert_string_equal(net->name, "blue");
    assert_string_equal(net->vrf, "red");
    assert_true(ovl_network_is_gateway(net, &gateways[0].ip));
    assert_true(ovl_network_is_gateway(net, &gateways[1].ip));
    assert_false(ovl_network_is_gateway(net, &other));
}

/* A row may list any number of VTEPs, and gateway ports with all their VLANs
 * in one network make many members. */
static void
network_has_more_vteps_than_16_bits_count(void **state)
{
    enum { N = UINT16_MAX + 2 };
    struct fixture *f = *state;
    struct ovl_vtep **flood = xmalloc(N * sizeof *flood);
    struct ovl_member *members = xmalloc(N * sizeof *members);

    for (size_t i = 0; i < N; i++) {
        flood[i] = i == N - 1 ? f->vtep_b : f->vtep_a;
        members[i] = (struct ovl_member) { f->vm1, i % 4096 };
    }

    ovl_forwarding_begin(f->fwd);
    ovl_network_set(f->fwd, &(struct ovl_network) {
        .vni = 5001, .n_members = N, .members = members,
        .n_flood = N, .flood = flood });
    ovs_version_t v = ovl_forwarding_commit(f->fwd);

    const struct ovl_network *net = ovl_network_lookup(f->fwd, v, 5001);
    assert_int_equal(net->n_members, N);
    assert_int_equal(net->n_flood, N);
    assert_ptr_equal(net->flood[N - 1], f->vtep_b);
    assert_int_equal(net->members[N - 1].vlan, (N - 1) % 4096);
    free(flood);
    free(members);
}

/* Each single field makes a difference, and none is forgotten. */
static void
network_that_differs_anywhere_is_replaced(void **state)
{
    struct fixture *f = *state;
    struct ovl_gateway gateways[2][2] = {
        { { ip_from("10.1.0.1"), 120 }, { ip_from("10.2.0.1"), 120 } },
        { { ip_from("10.1.0.1"), 120 }, { ip_from("10.2.0.1"), 119 } },
    };
    struct ovl_member members[2][2] = {
        { { f->vm1, 0 }, { f->vm2, 0 } }, { { f->vm1, 0 }, { f->vm2, 5 } },
    };
    struct ovl_vtep *flood[2][2] = {
        { f->vtep_a, f->vtep_b }, { f->vtep_b, f->vtep_a },
    };
    char name[] = "blue", vrf[] = "red";
    struct ovl_network net = { .vni = 5001 };
    ovs_version_t v = now(f);

    for (int i = 0; i < 21; i++) {
        switch (i) {
        case 0: break;
        case 1: net.mtu = 1; break;
        case 2: net.source_group = 1; break;
        case 3: net.flood_unknown = true; break;
        case 4: net.neigh_suppress = true; break;
        case 5: net.neigh_miss_drop = true; break;
        case 6: net.answer_tunnel = true; break;
        case 7: net.router_mac = mac_nr(1); break;
        case 8: net.gateways = gateways[0]; net.n_gateways = 1; break;
        case 9: net.n_gateways = 2; break;
        case 10: net.gateways = gateways[1]; break;
        case 11: net.members = members[0]; net.n_members = 2; break;
        case 12: net.members = members[1]; break;
        case 13: net.flood = flood[0]; net.n_flood = 2; break;
        case 14: net.flood = flood[1]; break;
        case 15: net.name = name; break;
        case 16: net.vrf = vrf; break;
        case 17: net.advertise = true; break;
        case 18: net.ra_autonomous = true; break;
        case 19: net.ra_lifetime = 1; break;
        case 20: net.ra_interval = 1; break;
        }
        for (int again = 0; again < 2; again++) {
            ovl_forwarding_begin(f->fwd);
            ovl_network_set(f->fwd, &net);
            v += !again;
            if (ovl_forwarding_commit(f->fwd) != v) {
                fail_msg("field %d, %s", i, again ? "again" : "first");
            }
        }
    }
}

static void
network_counters_survive_replacement_but_not_removal(void **state)
{
    struct fixture *f = *state;
    struct ovl_network value = { .vni = 5001 };
    const struct ovl_network *net;
    uint32_t traffic, drops;
    ovs_version_t v;

    ovl_forwarding_begin(f->fwd);
    ovl_network_set(f->fwd, &value);
    v = ovl_forwarding_commit(f->fwd);
    net = ovl_network_lookup(f->fwd, v, 5001);
    traffic = net->traffic;
    drops = net->tunnel_drops;
    ovl_counter_add(f->shard, traffic + OVL_RX_PACKETS, 3);
    ovl_counter_add(f->shard, drops + OVL_DROP_UNKNOWN_UNICAST, 4);

    for (int i = 1; i < 5; i++) {
        value.mtu = 1000 + i;
        ovl_forwarding_begin(f->fwd);
        if (i == 3) {
            ovl_network_remove(f->fwd, 5001);
        }
        ovl_network_set(f->fwd, &value);
        v = ovl_forwarding_commit(f->fwd);
        if (i % 2) {
            drain(f->fwd);
        }
        net = ovl_network_lookup(f->fwd, v, 5001);
        assert_int_equal(net->traffic, traffic);
        assert_int_equal(net->tunnel_drops, drops);
        assert_int_equal(ovl_counter_read(traffic + OVL_RX_PACKETS), 3);
    }

    /* Removed in one transaction, made in the next. */
    ovl_forwarding_begin(f->fwd);
    ovl_network_remove(f->fwd, 5001);
    ovl_forwarding_commit(f->fwd);
    ovl_forwarding_begin(f->fwd);
    ovl_network_set(f->fwd, &value);
    v = ovl_forwarding_commit(f->fwd);
    net = ovl_network_lookup(f->fwd, v, 5001);
    assert_int_not_equal(net->traffic, traffic);
    for (int i = 0; i < OVL_N_TRAFFIC; i++) {
        assert_int_equal(ovl_counter_read(net->traffic + i), 0);
    }
    for (int i = 0; i < OVL_N_DROPS; i++) {
        assert_int_equal(ovl_counter_read(net->tunnel_drops + i), 0);
    }
    drain(f->fwd);
    net = ovl_network_lookup(f->fwd, v, 5001);
    assert_int_equal(ovl_counter_read(net->traffic + OVL_RX_PACKETS), 0);
}

/* Bindings. */

static void
binding_finds_guards_and_prefixes(void **state)
{
    struct fixture *f = *state;
    struct ovl_prefix prefixes[] = {
        prefix_from("10.1.0.20", 32), prefix_from("10.1.0.11", 32),
        prefix_from("10.2.3.4", 16), prefix_from("10.2.200.1", 32),
        prefix_from("2001:db8::11", 128), prefix_from("fe80::", 10),
    };
    struct ovl_guard guards[] = {
        { .mac = mac_nr(3), .any_ip = true },
        { .mac = mac_nr(1), .has_v6 = true,
          .n_prefixes = ARRAY_SIZE(prefixes), .prefixes = prefixes },
        { .mac = mac_nr(2) },
    };
    static const struct {
        const char *ip;
        bool allowed;
    } probes[] = {
        { "10.1.0.10", false }, { "10.1.0.11", true }, { "10.1.0.12", false },
        { "10.1.0.20", true }, { "10.1.0.21", false },
        { "10.1.255.255", false }, { "10.2.0.0", true },
        { "10.2.200.1", true }, { "10.2.255.255", true },
        { "10.3.0.0", false }, { "0.0.0.0", false },
        { "255.255.255.255", false }, { "::", false },
        { "2001:db8::10", false }, { "2001:db8::11", true },
        { "2001:db8::12", false }, { "fe80::1", true },
        { "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", true },
        { "fec0::", false },
    };
    const struct ovl_binding *binding;
    const struct ovl_guard *guard;
    ovs_version_t v;

    ovl_forwarding_begin(f->fwd);
    ovl_binding_set(f->fwd, &(struct ovl_binding) {
        .port = f->vm1, .role = OVL_ROLE_ACCESS, .vni = 5001,
        .guarded = true, .n_guards = 3, .guards = guards });
    v = ovl_forwarding_commit(f->fwd);

    binding = ovl_binding_lookup(f->fwd, v, f->vm1->id);
    assert_ptr_equal(binding->port, f->vm1);
    assert_int_equal(binding->vni, 5001);
    assert_true(binding->guarded);
    assert_null(ovl_binding_lookup(f->fwd, v, f->vm2->id));
    assert_null(ovl_binding_find_guard(binding, mac_nr(0)));
    assert_null(ovl_binding_find_guard(binding, mac_nr(4)));

    guard = ovl_binding_find_guard(binding, mac_nr(1));
    assert_true(guard->has_v6);
    for (size_t i = 0; i < ARRAY_SIZE(probes); i++) {
        struct in6_addr ip = ip_from(probes[i].ip);

        if (ovl_guard_allows(guard, &ip) != probes[i].allowed) {
            fail_msg("%s", probes[i].ip);
        }
        assert_true(ovl_guard_allows(
            ovl_binding_find_guard(binding, mac_nr(3)), &ip));
        assert_false(ovl_guard_allows(
            ovl_binding_find_guard(binding, mac_nr(2)), &ip));
    }

    /* The same in another order, and with a prefix that is contained in
     * another: no change. */
    struct ovl_guard again[] = { guards[2], guards[1], guards[0] };
    struct ovl_prefix more[] = {
        prefixes[5], prefixes[0], prefixes[4], prefixes[1], prefixes[2],
        prefix_from("10.2.3.0", 24),
    };
    again[1].prefixes = more;
    ovl_forwarding_begin(f->fwd);
    ovl_binding_set(f->fwd, &(struct ovl_binding) {
        .port = f->vm1, .role = OVL_ROLE_ACCESS, .vni = 5001,
        .guarded = true, .n_guards = 3, .guards = again });
    assert_int_equal(ovl_forwarding_commit(f->fwd), v);
}

/* Thousands of guards, random prefixes, compared with a linear search. */
static void
guards_equal_linear_search(void **state)
{
    enum { N_GUARDS = 3000, N_PREFIXES = 20 };
    struct fixture *f = *state;

    for (uint32_t seed = 1; seed <= 3; seed++) {
        struct ovl_guard *guards = xcalloc(N_GUARDS, sizeof *guards);
        struct ovl_prefix *prefixes = xcalloc(N_GUARDS * N_PREFIXES,
                                              sizeof *prefixes);
        const struct ovl_binding *binding;
        ovs_version_t v;

        random_set_seed(seed);
        for (int i = 0; i < N_GUARDS; i++) {
            struct ovl_prefix *p = &prefixes[i * N_PREFIXES];

            guards[i].mac = mac_nr((uint32_t) i * 7919 % 100003 * 2);
            guards[i].prefixes = p;
            guards[i].n_prefixes = random_range(N_PREFIXES + 1);
            for (int j = 0; j < guards[i].n_prefixes; j++) {
                if (random_range(2)) {
                    p[j].addr = ip4_nr(random_range(256));
                    p[j].plen = 96 + 20 + random_range(13);
                } else {
                    p[j].addr = in6addr_any;
                    p[j].addr.s6_addr[0] = 0x20;
                    p[j].addr.s6_addr[15] = random_range(256);
                    p[j].plen = random_range(8) ? 119 + random_range(10) : 0;
                }
            }
        }
        ovl_forwarding_begin(f->fwd);
        ovl_binding_set(f->fwd, &(struct ovl_binding) {
            .port = f->vm1, .role = OVL_ROLE_ACCESS, .vni = 5001,
            .guarded = true, .n_guards = N_GUARDS, .guards = guards });
        v = ovl_forwarding_commit(f->fwd);
        binding = ovl_binding_lookup(f->fwd, v, f->vm1->id);

        for (int i = 0; i < N_GUARDS; i++) {
            const struct ovl_guard *guard
                = ovl_binding_find_guard(binding, guards[i].mac);
            uint64_t mac = eth_addr_to_uint64(guards[i].mac);
            struct eth_addr next;

            if (!guard || !eth_addr_equals(guard->mac, guards[i].mac)) {
                fail_msg("seed %u, guard %d not found", seed, i);
            }
            eth_addr_from_uint64(mac + 1, &next);
            assert_null(ovl_binding_find_guard(binding, next));

            for (int probe = 0; probe < 8; probe++) {
                struct in6_addr ip = ip4_nr(random_range(257));
                bool allowed = false;

                if (probe % 2) {
                    ip = in6addr_any;
                    ip.s6_addr[0] = 0x20;
                    ip.s6_addr[15] = random_range(256);
                }
                for (int j = 0; j < guards[i].n_prefixes; j++) {
                    allowed = (allowed
                               || ovl_prefix_contains(&guards[i].prefixes[j],
                                                      &ip));
                }
                if (ovl_guard_allows(guard, &ip) != allowed) {
                    fail_msg("seed %u, guard %d, probe %d: should be %d",
                             seed, i, probe, allowed);
                }
            }
        }
        free(guards);
        free(prefixes);
    }
}

/* What readers in the version published last get. */
static bool
find_source(const struct ovl_forwarding *fwd, uint32_t group,
            const struct in6_addr *ip, struct ovl_vtep **vtep)
{
    bool allowed;

    ovl_source_lookup_bulk(fwd, ovl_forwarding_version(fwd), &group, &ip, 1,
                           &allowed, vtep);
    assert_int_equal(allowed,
                     ovl_source_allowed(fwd, ovl_forwarding_version(fwd),
                                        group, ip));
    return allowed;
}

static void
source_leads_to_its_vtep_which_comes_and_goes(void **state)
{
    struct fixture *f = *state;
    const struct in6_addr ips[] = {
        ip_from("198.51.100.1"), ip_from("2001:db8:7::1"),
    };

    for (size_t i = 0; i < ARRAY_SIZE(ips); i++) {
        const struct in6_addr *ip = &ips[i];
        struct ovl_vtep *vtep, *found;

        assert_false(find_source(f->fwd, 1, ip, &found));
        assert_null(found);

        ovl_forwarding_begin(f->fwd);
        ovl_source_add(f->fwd, 1, ip);
        ovl_forwarding_commit(f->fwd);
        assert_true(find_source(f->fwd, 1, ip, &found));
        assert_null(found);

        /* A VTEP has no versions. */
        vtep = ovl_vtep_ref(f->fwd, ip);
        assert_true(find_source(f->fwd, 1, ip, &found));
        assert_ptr_equal(found, vtep);
        assert_false(find_source(f->fwd, 2, ip, &found));
        assert_null(found);

        /* A source that comes after the VTEP. */
        ovl_forwarding_begin(f->fwd);
        ovl_source_add(f->fwd, 2, ip);
        ovl_forwarding_commit(f->fwd);
        assert_true(find_source(f->fwd, 2, ip, &found));
        assert_ptr_equal(found, vtep);

        /* One that goes does not take it from the other. */
        ovl_forwarding_begin(f->fwd);
        ovl_source_remove(f->fwd, 1, ip);
        ovl_forwarding_commit(f->fwd);
        drain(f->fwd);
        assert_true(find_source(f->fwd, 2, ip, &found));
        assert_ptr_equal(found, vtep);

        ovl_vtep_unref(f->fwd, vtep);
        assert_true(find_source(f->fwd, 2, ip, &found));
        assert_null(found);

        /* Another VTEP at the same address. */
        vtep = ovl_vtep_ref(f->fwd, ip);
        assert_true(find_source(f->fwd, 2, ip, &found));
        assert_ptr_equal(found, vtep);

        ovl_forwarding_begin(f->fwd);
        ovl_source_remove(f->fwd, 2, ip);
        ovl_forwarding_commit(f->fwd);
        drain(f->fwd);
        assert_false(find_source(f->fwd, 2, ip, &found));
        assert_null(found);
        ovl_vtep_unref(f->fwd, vtep);
    }
}

/* A network knows one IPv4 gateway by heart; several are looked through. */
static void
gateways_and_broadcasts_are_known(void **state)
{
    struct fixture *f = *state;
    const struct ovl_gateway gateways[] = {
        { ip_from("2001:db8::1"), 64 },
        { ip_from("10.1.0.1"), 96 + 24 },
        { ip_from("10.2.0.1"), 96 + 31 },
        { ip_from("10.3.0.1"), 96 + 30 },
    };
    const struct in6_addr broadcasts[] = {
        ip_from("::ffff:ffff:ffff"), ip_from("10.1.0.255"),
        ip_from("10.2.0.1"), ip_from("10.3.0.3"),
    };

    /* Gateways first...last - 1. */
    for (size_t first = 0; first < ARRAY_SIZE(gateways); first++) {
        for (size_t last = first; last <= ARRAY_SIZE(gateways); last++) {
            const struct ovl_network *net;

            ovl_forwarding_begin(f->fwd);
            ovl_network_set(f->fwd, &(struct ovl_network) {
                .vni = 1, .gateways = &gateways[first],
                .n_gateways = last - first });
            net = ovl_network_lookup(f->fwd, ovl_forwarding_commit(f->fwd),
                                     1);
            for (size_t i = 0; i < ARRAY_SIZE(gateways); i++) {
                const struct in6_addr *ip = &gateways[i].ip;
                bool is_one = i >= first && i < last;

                assert_int_equal(ovl_network_is_gateway(net, ip), is_one);
                assert_int_equal(
                    ovl_network_is_gateway4(net,
                                            in6_addr_get_mapped_ipv4(ip)),
                    is_one && i);
                assert_int_equal(
                    ovl_network_is_broadcast(net, &broadcasts[i]),
                    is_one && i % 2);
            }
            assert_false(ovl_network_is_gateway(net, &broadcasts[1]));
            assert_false(ovl_network_is_broadcast(net, &gateways[1].ip));
            assert_false(ovl_network_is_gateway4(net, 0));
            struct in6_addr none = in6_addr_mapped_ipv4(0);
            assert_false(ovl_network_is_gateway(net, &none));
            assert_false(ovl_network_is_broadcast(net, &none));
        }
    }
}

static void
gateway_binding_finds_vlans(void **state)
{
    struct fixture *f = *state;
    struct ovl_vlan_binding vlans[4096];
    const struct ovl_binding *binding;
    ovs_version_t v;

    for (int i = 0; i < 4096; i++) {
        vlans[4095 - i] = (struct ovl_vlan_binding) {
            .vlan = i, .vni = 10000 + i };
    }
    ovl_forwarding_begin(f->fwd);
    ovl_binding_set(f->fwd, &(struct ovl_binding) {
        .port = f->vm1, .role = OVL_ROLE_GATEWAY,
        .n_vlans = 4096, .vlans = vlans });
    ovl_binding_set(f->fwd, &(struct ovl_binding) {
        .port = f->vm2, .role = OVL_ROLE_GATEWAY,
        .n_vlans = 2, .vlans = &vlans[4093] });
    v = ovl_forwarding_commit(f->fwd);

    binding = ovl_binding_lookup(f->fwd, v, f->vm1->id);
    for (int i = 0; i < 4096; i++) {
        assert_int_equal(ovl_binding_find_vlan(binding, i)->vni, 10000 + i);
    }
    binding = ovl_binding_lookup(f->fwd, v, f->vm2->id);
    assert_null(ovl_binding_find_vlan(binding, 0));
    assert_int_equal(ovl_binding_find_vlan(binding, 1)->vni, 10001);
    assert_int_equal(ovl_binding_find_vlan(binding, 2)->vni, 10002);
    assert_null(ovl_binding_find_vlan(binding, 3));
}

static const struct ovl_binding *
bind_vm1(struct fixture *f, enum ovl_role role, uint32_t vni, size_t n_vlans,
         const struct ovl_vlan_binding *vlans)
{
    ovs_version_t v;

    ovl_forwarding_begin(f->fwd);
    ovl_binding_set(f->fwd, &(struct ovl_binding) {
        .port = f->vm1, .role = role, .vni = vni,
        .n_vlans = n_vlans, .vlans = vlans });
    v = ovl_forwarding_commit(f->fwd);
    if (random_range(2)) {
        drain(f->fwd);
    }
    return ovl_binding_lookup(f->fwd, v, f->vm1->id);
}

static void
drops_of_port_and_vni_survive_replacement(void **state)
{
    struct fixture *f = *state;
    struct ovl_vlan_binding vlans[] = {
        { .vlan = 10, .vni = 5002 }, { .vlan = 20, .vni = 5001 },
        { .vlan = 30, .vni = 5003 }, { .vlan = 40, .vni = 5001 },
    };
    const struct ovl_binding *b;
    uint32_t drops, drops3;

    b = bind_vm1(f, OVL_ROLE_ACCESS, 5001, 0, NULL);
    drops = b->drops;
    ovl_counter_add(f->shard, drops + OVL_DROP_SPOOF_MAC, 2);

    /* Access to gateway: VLANs 20 and 40 go into the same network. */
    b = bind_vm1(f, OVL_ROLE_GATEWAY, 0, 4, vlans);
    assert_int_equal(ovl_binding_find_vlan(b, 20)->drops, drops);
    assert_int_equal(ovl_binding_find_vlan(b, 40)->drops, drops);
    drops3 = ovl_binding_find_vlan(b, 30)->drops;
    assert_int_not_equal(drops3, drops);
    assert_int_not_equal(ovl_binding_find_vlan(b, 10)->drops, drops);
    assert_int_not_equal(ovl_binding_find_vlan(b, 10)->drops, drops3);

    b = bind_vm1(f, OVL_ROLE_GATEWAY, 0, 2, vlans + 2);
    assert_int_equal(ovl_binding_find_vlan(b, 30)->drops, drops3);
    assert_int_equal(ovl_binding_find_vlan(b, 40)->drops, drops);

    b = bind_vm1(f, OVL_ROLE_ACCESS, 5001, 0, NULL);
    assert_int_equal(b->drops, drops);
    assert_int_equal(ovl_counter_read(drops + OVL_DROP_SPOOF_MAC), 2);

    /* Another network, or none meanwhile: a new count. */
    b = bind_vm1(f, OVL_ROLE_ACCESS, 5004, 0, NULL);
    assert_int_not_equal(b->drops, drops);
    assert_int_equal(ovl_counter_read(b->drops + OVL_DROP_SPOOF_MAC), 0);
    b = bind_vm1(f, OVL_ROLE_ACCESS, 5001, 0, NULL);
    assert_int_equal(ovl_counter_read(b->drops + OVL_DROP_SPOOF_MAC), 0);
    ovl_counter_add(f->shard, b->drops + OVL_DROP_SPOOF_MAC, 2);
    bind_vm1(f, OVL_ROLE_UNBOUND, 5001, 0, NULL);
    b = bind_vm1(f, OVL_ROLE_ACCESS, 5001, 0, NULL);
    assert_int_equal(ovl_counter_read(b->drops + OVL_DROP_SPOOF_MAC), 0);

    ovl_counter_add(f->shard, b->drops + OVL_DROP_SPOOF_MAC, 2);
    ovl_forwarding_begin(f->fwd);
    ovl_binding_remove(f->fwd, f->vm1->id);
    ovl_forwarding_commit(f->fwd);
    assert_null(ovl_binding_lookup(f->fwd, now(f), f->vm1->id));
    b = bind_vm1(f, OVL_ROLE_ACCESS, 5001, 0, NULL);
    assert_int_equal(ovl_counter_read(b->drops + OVL_DROP_SPOOF_MAC), 0);
    drain(f->fwd);
    assert_int_equal(ovl_counter_read(b->drops + OVL_DROP_SPOOF_MAC), 0);
}

/* VTEPs. */

static void
vtep_lives_while_somebody_refers_to_it(void **state)
{
    struct fixture *f = *state;
    struct seq *seq = ovl_forwarding_vteps_seq(f->fwd);
    struct in6_addr ip = ip_from("192.0.2.9");
    struct ovl_vtep *vtep, *flood;
    uint8_t why;
    uint64_t seqno = seq_read(seq);

    assert_null(ovl_vtep_lookup(f->fwd, &ip));
    vtep = ovl_vtep_ref(f->fwd, &ip);
    assert_true(seq_read(seq) != seqno);
    assert_ptr_equal(ovl_vtep_ref(f->fwd, &ip), vtep);
    assert_ptr_equal(ovl_vtep_lookup(f->fwd, &ip), vtep);
    assert_null(ovsrcu_get(struct ovl_adjacency *, &vtep->adj));
    atomic_read_relaxed(&vtep->why, &why);
    assert_int_equal(why, OVL_DROP_VTEP_UNRESOLVED);
    assert_int_equal(n_vteps(f), 3);
    ovl_vtep_unref(f->fwd, vtep);

    flood = vtep;
    ovl_forwarding_begin(f->fwd);
    set_mac(f, 5001, 1, NULL, vtep);
    ovl_network_set(f->fwd, &(struct ovl_network) {
        .vni = 5001, .n_flood = 1, .flood = &flood });
    ovl_forwarding_commit(f->fwd);
    ovl_vtep_unref(f->fwd, vtep);
    drain(f->fwd);
    assert_ptr_equal(ovl_vtep_lookup(f->fwd, &ip), vtep);

    ovl_forwarding_begin(f->fwd);
    ovl_mac_remove(f->fwd, 5001, mac_nr(1));
    ovl_forwarding_commit(f->fwd);
    drain(f->fwd);
    assert_ptr_equal(ovl_vtep_lookup(f->fwd, &ip), vtep);

    ovl_forwarding_begin(f->fwd);
    ovl_network_remove(f->fwd, 5001);
    ovl_forwarding_commit(f->fwd);
    /* An older reader may still send to it. */
    assert_ptr_equal(ovl_vtep_lookup(f->fwd, &ip), vtep);
    pass_grace();
    seqno = seq_read(seq);
    ovl_forwarding_collect(f->fwd);
    assert_true(seq_read(seq) != seqno);
    assert_null(ovl_vtep_lookup(f->fwd, &ip));
    assert_int_equal(n_vteps(f), 2);
    /* A reader that has it may use it. */
    assert_true(ipv6_addr_equals(&vtep->ip, &ip));
}

static void
vteps_of_a_transaction_are_told_once(void **state)
{
    struct fixture *f = *state;
    struct seq *seq = ovl_forwarding_vteps_seq(f->fwd);
    uint64_t seqno = seq_read(seq);
    struct ovl_vtep *vteps[10];

    ovl_forwarding_begin(f->fwd);
    for (int i = 0; i < 10; i++) {
        struct in6_addr ip = ip4_nr(i);

        vteps[i] = ovl_vtep_ref(f->fwd, &ip);
        set_mac(f, 5001, i, NULL, vteps[i]);
    }
    assert_true(seq_read(seq) == seqno);
    ovl_forwarding_commit(f->fwd);
    assert_true(seq_read(seq) != seqno);
    for (int i = 0; i < 10; i++) {
        ovl_vtep_unref(f->fwd, vteps[i]);
    }
    assert_int_equal(n_vteps(f), 12);
}

static struct ovl_adjacency *
adjacency(struct ovl_lport *port)
{
    struct ovl_adjacency *adj = xzalloc(sizeof *adj);

    adj->port = ovl_lport_ref(port);
    return adj;
}

static void
adjacency_is_retired_after_grace(void **state)
{
    struct fixture *f = *state;
    struct ovl_lport *port = fixture_port("eth1");
    struct ovl_adjacency *adj = adjacency(port);
    struct ovl_adjacency *unused = adjacency(port);
    int n_ports = n_live_ports;
    uint8_t why;

    ovl_lport_unref(port);
    ovl_adjacency_destroy(unused);
    ovl_adjacency_destroy(NULL);
    ovl_vtep_set_adjacency(f->vtep_a, adj, 0);
    assert_ptr_equal(ovsrcu_get(struct ovl_adjacency *, &f->vtep_a->adj),
                     adj);
    pass_grace();
    assert_ptr_equal(adj->port, port);

    ovl_vtep_set_adjacency(f->vtep_a, NULL, OVL_DROP_NO_TUNNEL_IP);
    assert_null(ovsrcu_get(struct ovl_adjacency *, &f->vtep_a->adj));
    atomic_read_relaxed(&f->vtep_a->why, &why);
    assert_int_equal(why, OVL_DROP_NO_TUNNEL_IP);
    assert_ptr_equal(adj->port, port);
    assert_int_equal(n_live_ports, n_ports);
    pass_grace();
    assert_int_equal(n_live_ports, n_ports - 1);
}

static void
vtep_that_goes_takes_its_adjacency_along(void **state)
{
    struct fixture *f = *state;
    struct in6_addr ip = ip_from("192.0.2.9");
    struct ovl_vtep *vtep = ovl_vtep_ref(f->fwd, &ip);

    ovl_vtep_set_adjacency(vtep, adjacency(f->vm1), 0);
    ovl_vtep_unref(f->fwd, vtep);
    /* The underlay found the VTEP just before it went. */
    ovl_vtep_set_adjacency(vtep, adjacency(f->vm2), 0);

    /* And one more with an adjacency for teardown(). */
    ovl_vtep_set_adjacency(f->vtep_b, adjacency(f->vm2), 0);
}

static void
assert_way_has(struct fixture *f, ovs_version_t v, uint32_t mac,
               const struct ovl_adjacency *adj)
{
    const struct ovl_way *way = find_mac(f, v, 5001, mac);

    assert_ptr_equal(ovsrcu_get(struct ovl_adjacency *, &way->adj), adj);
    assert_ptr_equal(ovsrcu_get(struct ovl_adjacency *, &f->vtep_a->adj), adj);
}

static void
way_has_the_adjacency_of_its_vtep(void **state)
{
    struct fixture *f = *state;
    struct ovl_adjacency *first = adjacency(f->vm1);
    struct ovl_adjacency *second = adjacency(f->vm2);
    ovs_version_t v;

    /* Before the first MAC, */
    ovl_vtep_set_adjacency(f->vtep_a, first, 0);
    ovl_forwarding_begin(f->fwd);
    set_mac(f, 5001, 1, NULL, f->vtep_a);
    set_mac(f, 5001, 2, f->vm1, NULL);
    v = ovl_forwarding_commit(f->fwd);
    assert_way_has(f, v, 1, first);
    assert_null(ovsrcu_get(struct ovl_adjacency *,
                           &find_mac(f, v, 5001, 2)->adj));

    /* with MACs there, */
    ovl_vtep_set_adjacency(f->vtep_a, NULL, OVL_DROP_NO_TUNNEL_IP);
    assert_way_has(f, v, 1, NULL);
    ovl_vtep_set_adjacency(f->vtep_a, second, 0);
    assert_way_has(f, v, 1, second);

    /* after the last one, and with a MAC that is there again. */
    ovl_forwarding_begin(f->fwd);
    ovl_mac_remove(f->fwd, 5001, mac_nr(1));
    ovl_forwarding_commit(f->fwd);
    drain(f->fwd);
    ovl_vtep_set_adjacency(f->vtep_a, NULL, OVL_DROP_NO_TUNNEL_IP);
    ovl_forwarding_begin(f->fwd);
    set_mac(f, 5001, 1, NULL, f->vtep_a);
    v = ovl_forwarding_commit(f->fwd);
    assert_way_has(f, v, 1, NULL);
}

/* Lists. */

static void
count_mac(const struct ovl_mac *mac OVS_UNUSED, void *n)
{
    ++*(int *) n;
}

static void
count_neighbor(const struct ovl_neighbor *neighbor OVS_UNUSED, void *n)
{
    ++*(int *) n;
}

static void
count_network(const struct ovl_network *net OVS_UNUSED, void *n)
{
    ++*(int *) n;
}

static void
count_binding(const struct ovl_binding *binding OVS_UNUSED, void *n)
{
    ++*(int *) n;
}

static void
count_vtep(struct ovl_vtep *vtep OVS_UNUSED, void *n)
{
    ++*(int *) n;
}

static void
lists_have_what_is_in_force(void **state)
{
    struct fixture *f = *state;
    int n = 0;

    ovl_forwarding_begin(f->fwd);
    for (int i = 0; i < 50; i++) {
        struct in6_addr ip = ip4_nr(i);

        set_mac(f, 5001, i, f->vm1, NULL);
        ovl_neighbor_set(f->fwd, &(struct ovl_neighbor) {
            .vni = 5001, .ip = ip });
        ovl_network_set(f->fwd, &(struct ovl_network) { .vni = i + 1 });
    }
    ovl_binding_set(f->fwd, &(struct ovl_binding) { .port = f->vm1 });
    ovl_binding_set(f->fwd, &(struct ovl_binding) { .port = f->vm2 });
    ovl_forwarding_for_each_mac(f->fwd, count_mac, &n);
    assert_int_equal(n, 0);
    ovl_forwarding_commit(f->fwd);
    ovl_forwarding_begin(f->fwd);
    for (int i = 0; i < 20; i++) {
        set_mac(f, 5001, i, f->vm2, NULL);
        ovl_mac_remove(f->fwd, 5001, mac_nr(49 - i));
    }
    ovl_forwarding_commit(f->fwd);
    ovl_forwarding_begin(f->fwd);
    ovl_mac_remove(f->fwd, 5001, mac_nr(0));

    ovl_forwarding_for_each_mac(f->fwd, count_mac, &n);
    assert_int_equal(n, 30);
    n = 0;
    ovl_forwarding_for_each_neighbor(f->fwd, count_neighbor, &n);
    assert_int_equal(n, 50);
    n = 0;
    ovl_forwarding_for_each_network(f->fwd, count_network, &n);
    assert_int_equal(n, 50);
    n = 0;
    ovl_forwarding_for_each_binding(f->fwd, count_binding, &n);
    assert_int_equal(n, 2);
    n = 0;
    ovl_forwarding_for_each_vtep(f->fwd, count_vtep, &n);
    assert_int_equal(n, 2);
    ovl_forwarding_commit(f->fwd);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_shows_before_commit),
        TEST(older_reader_sees_all_of_the_old_rows),
        TEST(last_change_of_a_key_in_a_transaction_counts),
        TEST(no_change_publishes_nothing),
        TEST(keys_differ_by_network),
        TEST(destroy_in_the_middle_of_everything_leaks_nothing),
        TEST(collect_waits_until_woken),
        TEST(a_hundred_thousand_removals_are_collected_in_slices),
        TEST(configuration_is_there_in_every_version),
        TEST(entries_hold_their_ports),
        TEST(network_is_copied_whole),
        TEST(network_has_more_vteps_than_16_bits_count),
        TEST(network_that_differs_anywhere_is_replaced),
        TEST(network_counters_survive_replacement_but_not_removal),
        TEST(binding_finds_guards_and_prefixes),
        TEST(guards_equal_linear_search),
        TEST(source_leads_to_its_vtep_which_comes_and_goes),
        TEST(gateways_and_broadcasts_are_known),
        TEST(gateway_binding_finds_vlans),
        TEST(drops_of_port_and_vni_survive_replacement),
        TEST(vtep_lives_while_somebody_refers_to_it),
        TEST(vteps_of_a_transaction_are_told_once),
        TEST(adjacency_is_retired_after_grace),
        TEST(vtep_that_goes_takes_its_adjacency_along),
        TEST(way_has_the_adjacency_of_its_vtep),
        TEST(lists_have_what_is_in_force),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
