/* SPDX-License-Identifier: Apache-2.0 */

/* What many rows cost: memory, and time in the thread of the database
 * session.  A row may take 200 bytes beside its forwarding entries, and
 * loading 100000 of them a second. */

#include <config.h>

#include "rib-fixture.h"

#include "dense-memory.h"

#include <malloc.h>
#include <time.h>

#ifdef __SANITIZE_ADDRESS__
#define MEASURABLE false
#elif defined(__has_feature)
#define MEASURABLE !__has_feature(address_sanitizer)
#else
#define MEASURABLE true
#endif

#define N_ROWS 100000
#define N_VNIS 1000
#define N_VTEPS 100

/* Bytes in use, by small and by large blocks. */
static size_t
memory_in_use(void)
{
    struct ovl_dense_stats dense;
    struct mallinfo2 info;

    pass_grace();
    info = mallinfo2();
    ovl_dense_get_stats(&dense);
    return info.uordblks + info.hblkhd + dense.n_bytes;
}

/* CPU time of the thread. */
static double
cpu_msec(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return ts.tv_sec * 1000.0 + ts.tv_nsec / 1e6;
}

static double
report_time(const char *what, double start)
{
    double msec = cpu_msec() - start;

    print_message("%s: %.0f ms CPU\n", what, msec);
    return msec;
}

static struct uuid
scattered_uuid(uint32_t i)
{
    return (struct uuid) { .parts = { i * 2654435761u, i, ~i, 7 } };
}

/* Sets row 'i', with UUID 'uuid_of', of a table of VMs with one IP each. */
static void
set_row(struct ovl_rib *rib, uint32_t uuid_of, uint32_t i)
{
    struct uuid uuid = scattered_uuid(uuid_of);
    char mac[32], vtep[32], ip[32];

    snprintf(mac, sizeof mac, "52:54:00:%02x:%02x:%02x",
             i >> 16, (i >> 8) & 0xff, i & 0xff);
    snprintf(vtep, sizeof vtep, "192.0.2.%u", 1 + i % N_VTEPS);
    snprintf(ip, sizeof ip, "10.%u.%u.%u", i >> 16, (i >> 8) & 0xff,
             i & 0xff);
    ovl_rib_set_mac(rib, &uuid, &(struct ovl_row_mac) {
        .vni = 1 + i % N_VNIS, .mac = mac, .vtep = vtep,
        .ips = STRINGS(ip) });
}

static void
set_rows(struct ovl_rib *rib, uint32_t first_uuid)
{
    for (uint32_t i = 0; i < N_ROWS; i++) {
        set_row(rib, first_uuid + i, i);
    }
}

/* The entries alone. */
static void
set_entries(struct ovl_forwarding *fwd)
{
    ovl_forwarding_begin(fwd);
    for (uint32_t i = 0; i < N_ROWS; i++) {
        struct in6_addr vtep_ip = in6_addr_mapped_ipv4(
            htonl(0xc0000201 + i % N_VTEPS));
        struct ovl_vtep *vtep = ovl_vtep_ref(fwd, &vtep_ip);
        struct ovl_neighbor neighbor = {
            .vni = 1 + i % N_VNIS, .ip = ip4_nr(i), .mac = mac_nr(i),
        };

        ovl_mac_set(fwd, &(struct ovl_mac) {
            .vni = 1 + i % N_VNIS, .mac = mac_nr(i), .vtep = vtep });
        ovl_neighbor_set(fwd, &neighbor);
        ovl_vtep_unref(fwd, vtep);
    }
    ovl_forwarding_commit(fwd);
}

static void
rows_cost_what_the_documents_say(void **state OVS_UNUSED)
{
    struct ovl_table_sizes sizes;
    struct ovl_forwarding *fwd;
    struct ovl_rib *rib;
    ovs_version_t version;
    size_t entries, all, before;
    double start, load;

    /* What the forwarding entries take. */
    before = memory_in_use();
    fwd = ovl_forwarding_create();
    set_entries(fwd);
    entries = memory_in_use() - before;
    ovl_forwarding_destroy(fwd);

    /* The same from rows, in one commit. */
    before = memory_in_use();
    fwd = ovl_forwarding_create();
    rib = ovl_rib_create(fwd);
    start = cpu_msec();
    set_rows(rib, 0);
    report_time("100000 Overlay_MAC rows set", start);
    ovl_rib_commit(rib);
    load = report_time("100000 Overlay_MAC rows set and committed", start);
    all = memory_in_use() - before;
    ovl_forwarding_sizes(fwd, &sizes);
    assert_int_equal(sizes.macs, N_ROWS);
    assert_int_equal(sizes.neighbors, N_ROWS);

    /* Nothing changes: other UUIDs, as after a restart of the server. */
    version = ovl_forwarding_version(fwd);
    start = cpu_msec();
    ovl_rib_resync_begin(rib);
    set_rows(rib, N_ROWS);
    ovl_rib_resync_end(rib);
    ovl_rib_commit(rib);
    report_time("compared with 100000 rows of other UUIDs", start);
    assert_int_equal(ovl_forwarding_version(fwd), version);

    /* One row changes: the others cost nothing. */
    start = cpu_msec();
    for (int i = 0; i < 1000; i++) {
        set_row(rib, N_ROWS, i % 2 ? 0 : N_VNIS * 500);
        ovl_rib_commit(rib);
        pass_grace();
        ovl_forwarding_collect(fwd);
    }
    double one = report_time("1000 commits of one changed row", start);

    start = cpu_msec();
    ovl_rib_destroy(rib);
    report_time("100000 rows deleted", start);
    drain(fwd);
    ovl_forwarding_sizes(fwd, &sizes);
    assert_int_equal(sizes.macs, 0);
    assert_int_equal(sizes.neighbors, 0);
    ovl_forwarding_destroy(fwd);
    pass_grace();

    if (MEASURABLE) {
        double cost = ((double) all - entries) / N_ROWS;

        print_message("Overlay_MAC with one IP: %.0f bytes each, "
                      "without its entries (%.0f)\n", cost,
                      (double) entries / N_ROWS);
        assert_true(cost <= 200);
        assert_true(load < 1000);
        assert_true(one < 1000);
    }
}

/* Sets network 'i' of VRF "red", with a gateway prefix of its own. */
static void
set_network(struct ovl_rib *rib, uint32_t i)
{
    struct uuid uuid = scattered_uuid(i);
    char gateway[32];

    snprintf(gateway, sizeof gateway, "10.%u.%u.%u/30", i >> 14,
             (i >> 6) & 0xff, (i & 0x3f) * 4 + 1);
    ovl_rib_set_network(rib, &uuid, &(struct ovl_row_network) {
        .vni = 1 + i, .name = "", .vrf = "red",
        .gateway_ips = STRINGS(gateway) });
}

/* Whether gateways overlap, and which is the lowest, is found out in the same
 * time however many networks the VRF has. */
static void
networks_of_a_vrf_do_not_cost_each_other(void **state OVS_UNUSED)
{
    enum { N_NETWORKS = 40000 };
    struct ovl_forwarding *fwd = ovl_forwarding_create();
    struct ovl_rib *rib = ovl_rib_create(fwd);
    struct ovl_table_sizes sizes;
    double start, load;

    start = cpu_msec();
    for (uint32_t i = 0; i < N_NETWORKS; i++) {
        set_network(rib, i);
    }
    ovl_rib_commit(rib);
    load = report_time("40000 networks of one VRF", start);
    ovl_forwarding_sizes(fwd, &sizes);
    assert_int_equal(sizes.networks, N_NETWORKS);

    start = cpu_msec();
    for (int i = 0; i < 1000; i++) {
        struct uuid uuid = scattered_uuid(i);

        ovl_rib_delete(rib, OVL_RIB_NETWORK, &uuid);
        ovl_rib_commit(rib);
        set_network(rib, i);
        ovl_rib_commit(rib);
        pass_grace();
        ovl_forwarding_collect(fwd);
    }
    double one = report_time("1000 times one of them deleted and added",
                             start);

    ovl_rib_destroy(rib);
    drain(fwd);
    ovl_forwarding_destroy(fwd);
    pass_grace();
    if (MEASURABLE) {
        assert_true(load < 4000);
        assert_true(one < 4000);
    }
}

/* Sets a route of its own behind network 'i' of set_network(). */
static void
set_route(struct ovl_rib *rib, uint32_t i)
{
    struct uuid uuid = scattered_uuid(1000000 + i);
    char prefix[32], hop[32];

    snprintf(prefix, sizeof prefix, "11.%u.%u.%u/32", i >> 16,
             (i >> 8) & 0xff, i & 0xff);
    snprintf(hop, sizeof hop, "10.%u.%u.%u", i >> 14, (i >> 6) & 0xff,
             (i & 0x3f) * 4 + 2);
    ovl_rib_set_route(rib, &uuid, &(struct ovl_row_route) {
        .vrf = "red", .prefix = prefix, .nexthops = STRINGS(hop) });
}

/* A network that comes or goes concerns the next hops in it, and costs
 * nothing for those of others. */
static void
next_hops_of_a_vrf_do_not_cost_its_networks(void **state OVS_UNUSED)
{
    enum { N_NETWORKS = 20000 };
    struct ovl_forwarding *fwd = ovl_forwarding_create();
    struct ovl_rib *rib = ovl_rib_create(fwd);
    struct ovl_table_sizes sizes;
    double start, load;

    start = cpu_msec();
    for (uint32_t i = 0; i < N_NETWORKS; i++) {
        set_network(rib, i);
        set_route(rib, i);
    }
    ovl_rib_commit(rib);
    load = report_time("20000 networks of one VRF with a next hop each",
                       start);
    ovl_forwarding_sizes(fwd, &sizes);
    assert_int_equal(sizes.routes, 3 * N_NETWORKS);

    ovl_rib_destroy(rib);
    drain(fwd);
    ovl_forwarding_destroy(fwd);
    pass_grace();
    if (MEASURABLE) {
        assert_true(load < 4000);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_cost_what_the_documents_say),
        cmocka_unit_test(networks_of_a_vrf_do_not_cost_each_other),
        cmocka_unit_test(next_hops_of_a_vrf_do_not_cost_its_networks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
