/* SPDX-License-Identifier: Apache-2.0 */

/* The order in which rows come and go does not matter: every permutation of
 * six things that depend on each other ends in the same tables, whether they
 * come in one commit or in six. */

#include <config.h>

#include "rib-fixture.h"

#define N_THINGS 6
#define N_PERMUTATIONS 720

/* Something that is there or not. */
struct thing {
    void (*add)(struct rib_fixture *);
    void (*del)(struct rib_fixture *);
};

/* Things of both graphs. */

static void
add_bridge(struct rib_fixture *f)
{
    SET(f, bridge, 1, .name = "br-ov", .vtep_ips = STRINGS("192.0.2.1"),
        .uplinks = STRINGS("eth1"));
}

static void
del_bridge(struct rib_fixture *f)
{
    del(f, OVL_RIB_BRIDGE, 1);
}

static void
add_network(struct rib_fixture *f)
{
    SET(f, network, 2, .vni = 1, .vrf = "red",
        .gateway_ips = STRINGS("10.1.0.1/24"),
        .flood_vteps = STRINGS("192.0.2.1", "192.0.2.2"));
}

static void
del_network(struct rib_fixture *f)
{
    del(f, OVL_RIB_NETWORK, 2);
}

/* First graph: a port, a remote VM, an explicit neighbor, a second network
 * of the VRF, with the port's MAC elsewhere. */

static void
add_vm1(struct rib_fixture *f)
{
    set_port(f, 2, "vm1", 1, STRINGS("2:0:0:0:0:1 10.1.0.11"));
}

static void
del_vm1(struct rib_fixture *f)
{
    del(f, OVL_RIB_PORT, 2);
}

static void
add_remote(struct rib_fixture *f)
{
    SET(f, mac, 1, .vni = 1, .mac = "2:0:0:0:0:1", .vtep = "192.0.2.3",
        .ips = STRINGS("10.1.0.11", "10.1.0.12"));
}

static void
del_remote(struct rib_fixture *f)
{
    del(f, OVL_RIB_MAC, 1);
}

static void
add_explicit(struct rib_fixture *f)
{
    SET(f, neighbor, 1, .vni = 1, .ip = "10.1.0.12", .mac = "2:0:0:0:0:9");
}

static void
del_explicit(struct rib_fixture *f)
{
    del(f, OVL_RIB_NEIGHBOR, 1);
}

static void
add_l3vni(struct rib_fixture *f)
{
    SET(f, network, 1, .vni = 2, .vrf = "red",
        .flood_vteps = STRINGS("192.0.2.4"));
}

static void
del_l3vni(struct rib_fixture *f)
{
    del(f, OVL_RIB_NETWORK, 1);
}

static const struct thing first_graph[N_THINGS] = {
    { add_bridge, del_bridge },
    { add_network, del_network },
    { add_vm1, del_vm1 },
    { add_remote, del_remote },
    { add_explicit, del_explicit },
    { add_l3vni, del_l3vni },
};

/* Second graph: rows that are in each other's way, and the live ports.  Port
 * 2 has its MAC from network 1 on; the binding would have the same; the
 * remote rows are equal by value; the networks' gateways overlap. */

static void
add_rival_network(struct rib_fixture *f)
{
    SET(f, network, 1, .vni = 2, .vrf = "red",
        .gateway_ips = STRINGS("10.1.0.2/16"),
        .flood_vteps = STRINGS("192.0.2.4"));
}

static void
add_rival_binding(struct rib_fixture *f)
{
    SET(f, binding, 1, .iface = "vm2", .vni = 1,
        .addresses = STRINGS("2:0:0:0:0:1 10.1.0.13", "2:0:0:0:0:3"));
}

static void
del_rival_binding(struct rib_fixture *f)
{
    del(f, OVL_RIB_BINDING, 1);
}

static void
add_equal_macs(struct rib_fixture *f)
{
    SET(f, mac, 3, .vni = 1, .mac = "2:0:0:0:0:3", .vtep = "192.0.2.3",
        .ips = STRINGS("10.1.0.13"));
    SET(f, mac, 2, .vni = 1, .mac = "0200.0000.0003", .vtep = "192.0.2.2",
        .ips = STRINGS("10.1.0.14"));
}

static void
del_equal_macs(struct rib_fixture *f)
{
    del(f, OVL_RIB_MAC, 2);
    del(f, OVL_RIB_MAC, 3);
}

static void
add_live_ports(struct rib_fixture *f)
{
    add_port(f, "br-ov");
    add_port(f, "eth1");
    add_port(f, "vm1");
    add_port(f, "vm2");
}

static void
del_live_ports(struct rib_fixture *f)
{
    while (f->n_ports) {
        del_port(f, f->ports[f->n_ports - 1]->name);
    }
}

static const struct thing second_graph[N_THINGS] = {
    { add_network, del_network },
    { add_rival_network, del_l3vni },
    { add_vm1, del_vm1 },
    { add_rival_binding, del_rival_binding },
    { add_equal_macs, del_equal_macs },
    { add_live_ports, del_live_ports },
};

/* Puts the 'nr'-th permutation of 0...N_THINGS - 1 into 'order'. */
static void
permute(int nr, int order[N_THINGS])
{
    for (int i = 0; i < N_THINGS; i++) {
        order[i] = i;
    }
    for (int i = N_THINGS; i > 1; i--) {
        int j = nr % i;
        int tmp = order[i - 1];

        order[i - 1] = order[j];
        order[j] = tmp;
        nr /= i;
    }
}

/* Checks that everything is as in '*expected', which is set by the first
 * call. */
static void
check(const struct rib_fixture *f, char **expected, int nr)
{
    char *dump = dump_all(f);

    if (!*expected) {
        *expected = xstrdup(dump);
    } else if (strcmp(dump, *expected)) {
        fail_msg("permutation %d:\n%s\nexpected:\n%s", nr, dump, *expected);
    }
    free(dump);
}

static void
try_all_orders(const struct thing things[N_THINGS], bool ports)
{
    char *full = NULL;
    char *empty = NULL;

    for (int nr = 0; nr < N_PERMUTATIONS; nr++) {
        for (int one_by_one = 0; one_by_one < 2; one_by_one++) {
            struct rib_fixture f;
            int order[N_THINGS];

            permute(nr, order);
            rib_fixture_init(&f);
            if (ports) {
                add_live_ports(&f);
            } else {
                add_bridge(&f);
            }
            commit(&f);
            check(&f, &empty, nr);

            /* In, out in another order, and in again. */
            for (int i = 0; i < N_THINGS; i++) {
                things[order[i]].add(&f);
                if (one_by_one) {
                    commit(&f);
                }
            }
            commit(&f);
            check(&f, &full, nr);
            for (int i = 0; i < N_THINGS; i++) {
                things[order[(i + nr) % N_THINGS]].del(&f);
                if (one_by_one) {
                    commit(&f);
                }
            }
            commit(&f);
            check(&f, &empty, nr);
            rib_fixture_uninit(&f);
        }
    }
    free(full);
    free(empty);
}

static void
rows_that_depend_on_each_other(void **state OVS_UNUSED)
{
    try_all_orders(first_graph, true);
}

static void
rows_that_are_in_each_others_way(void **state OVS_UNUSED)
{
    try_all_orders(second_graph, false);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_that_depend_on_each_other),
        cmocka_unit_test(rows_that_are_in_each_others_way),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
