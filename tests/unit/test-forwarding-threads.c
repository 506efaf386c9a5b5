/* SPDX-License-Identifier: Apache-2.0 */

/* One writer, many readers.
 *
 * The writer replaces some entries again and again, all in step, and lets
 * others come and go.  In each burst a reader must find the former, in step
 * (make before break, all of a transaction or nothing of it), and of the
 * latter both or none.  Another thread lists the MACs meanwhile.  Every
 * packet is counted once. */

#include <config.h>

#include "tables-fixture.h"

#include "timeval.h"

#define N_READERS 2
#define BURST 32
#define N_STABLE 200            /* MACs that nobody touches. */
#define N_CHURN 3000            /* MACs that come and go: the maps grow and
                                 * shrink. */
#define MSECS 500
#define MIN_STEPS 100           /* However slow the machine is. */
#define VNI 5001

struct shared {
    struct ovl_forwarding *fwd;
    struct in6_addr pair_ip;
    struct ovl_lport *port;
    ATOMIC(const char *) failure;
    atomic_bool stop;
};

struct reader {
    struct shared *shared;
    pthread_t thread;
    uint64_t n_counted;
    uint64_t n_versions;
    struct ovl_shard *shard;
};

/* Test macros of cmocka work in the main thread only. */
#define CHECK(SHARED, CONDITION)                                             \
    do {                                                                     \
        if (!(CONDITION)) {                                                  \
            atomic_store_relaxed(&(SHARED)->failure, #CONDITION);            \
        }                                                                    \
    } while (0)

static bool
is_stopped(struct shared *s)
{
    const char *failure;
    bool stop;

    atomic_read_relaxed(&s->stop, &stop);
    atomic_read_relaxed(&s->failure, &failure);
    return stop || failure;
}

/* What 'version' must hold, at any time within a burst. */
static void
check_burst(struct reader *r, ovs_version_t version)
{
    struct shared *s = r->shared;
    const struct ovl_config *config = ovl_config_get(s->fwd, version);
    const struct ovl_network *net = ovl_network_lookup(s->fwd, version, VNI);
    const struct ovl_way *mac = ovl_mac_lookup(s->fwd, version, VNI,
                                               mac_nr(1));
    const struct ovl_way *tagged = ovl_mac_lookup(s->fwd, version, VNI,
                                                  mac_nr(3));
    const struct ovl_way *pair_mac = ovl_mac_lookup(s->fwd, version, VNI,
                                                    mac_nr(2));
    const struct ovl_owner *pair_neighbor
        = ovl_neighbor_lookup(s->fwd, version, VNI, &s->pair_ip);
    bool pair_source = ovl_source_allowed(s->fwd, version, 1, &s->pair_ip);

    CHECK(s, net);
    CHECK(s, mac);
    CHECK(s, tagged);
    CHECK(s, !pair_mac == !pair_neighbor);
    CHECK(s, !pair_mac == !pair_source);
    if (net && mac && tagged) {
        CHECK(s, config->ttl == (uint8_t) net->mtu);
        CHECK(s, tagged->vlan == net->mtu);
        CHECK(s, mac->vtep && mac->vtep->ip.s6_addr[15] == net->mtu % 2);
        CHECK(s, net->n_flood == 1 && net->flood[0] == mac->vtep);

        const struct ovl_adjacency *adj
            = ovsrcu_get(struct ovl_adjacency *, &mac->adj);
        CHECK(s, !adj || adj->vtep == mac->vtep);
        ovl_counter_add(r->shard, net->traffic, 1);
        ovl_counter_add(r->shard, mac->vtep->traffic + OVL_TX_PACKETS, 1);
        r->n_counted++;
    }
}

static void *
reader_main(void *r_)
{
    struct reader *r = r_;
    struct shared *s = r->shared;
    ovs_version_t last = 0;

    r->shard = ovl_shard_create();
    while (!is_stopped(s)) {
        ovs_version_t version = ovl_forwarding_version(s->fwd);

        CHECK(s, version >= last);
        r->n_versions += version != last;
        last = version;
        for (int i = 0; i < BURST; i++) {
            check_burst(r, version);
        }
        ovsrcu_quiesce();
    }
    ovl_shard_destroy(r->shard);
    return NULL;
}

/* As the underlay's thread: next hops of both VTEPs come, change and go, while
 * VTEPs and their ways do. */
static void *
underlay_main(void *r_)
{
    struct reader *r = r_;
    struct shared *s = r->shared;

    for (unsigned int i = 0; !is_stopped(s); i++) {
        struct in6_addr ip = ip4_nr(i % 2);
        struct ovl_vtep *vtep = ovl_vtep_lookup(s->fwd, &ip);

        if (vtep) {
            struct ovl_adjacency *adj = NULL;

            if (i % 8) {
                adj = xzalloc(sizeof *adj);
                adj->port = ovl_lport_ref(s->port);
            }
            ovl_vtep_set_adjacency(vtep, adj, OVL_DROP_VTEP_UNRESOLVED);
            r->n_counted++;
        }
        ovsrcu_quiesce();
    }
    return NULL;
}

static void
see_mac(const struct ovl_mac *mac, void *n_seen_)
{
    int *n_seen = n_seen_;

    if (mac->vni == VNI + 1) {
        n_seen[mac->vlan]++;
    }
}

/* Lists the MACs again and again: each stable one is there just once. */
static void *
lister_main(void *r_)
{
    struct reader *r = r_;
    struct shared *s = r->shared;

    while (!is_stopped(s)) {
        int n_seen[N_STABLE] = { 0 };
        bool once = true;

        ovl_forwarding_for_each_mac(s->fwd, see_mac, n_seen);
        for (int i = 0; i < N_STABLE; i++) {
            once = once && n_seen[i] == 1;
        }
        CHECK(s, once);
        r->n_counted++;
        ovsrcu_quiesce();
    }
    return NULL;
}

/* Sets the entries that go in step to 'n'. */
static void
set_step(struct shared *s, struct ovl_lport *port, uint16_t n)
{
    struct in6_addr ip = ip4_nr(n % 2);
    struct ovl_vtep *vtep = ovl_vtep_ref(s->fwd, &ip);

    ovl_config_set(s->fwd, &(struct ovl_config) { .ttl = n });
    ovl_network_set(s->fwd, &(struct ovl_network) {
        .vni = VNI, .mtu = n, .n_flood = 1, .flood = &vtep });
    ovl_mac_set(s->fwd, &(struct ovl_mac) {
        .vni = VNI, .mac = mac_nr(1), .vtep = vtep });
    ovl_mac_set(s->fwd, &(struct ovl_mac) {
        .vni = VNI, .mac = mac_nr(3), .vlan = n, .port = port });
    ovl_vtep_unref(s->fwd, vtep);
}

static void
set_pair(struct shared *s, bool there)
{
    struct in6_addr vtep_ip = ip4_nr(0);
    struct ovl_vtep *vtep = ovl_vtep_ref(s->fwd, &vtep_ip);

    if (there) {
        ovl_mac_set(s->fwd, &(struct ovl_mac) {
            .vni = VNI, .mac = mac_nr(2), .vtep = vtep });
        ovl_neighbor_set(s->fwd, &(struct ovl_neighbor) {
            .vni = VNI, .ip = s->pair_ip, .mac = mac_nr(2) });
        ovl_source_add(s->fwd, 1, &s->pair_ip);
    } else {
        ovl_source_remove(s->fwd, 1, &s->pair_ip);
        ovl_neighbor_remove(s->fwd, VNI, &s->pair_ip);
        ovl_mac_remove(s->fwd, VNI, mac_nr(2));
    }
    ovl_vtep_unref(s->fwd, vtep);
}

static void
set_churn(struct shared *s, struct ovl_lport *port, int step)
{
    bool add = step / (N_CHURN / 50) % 2 == 0;

    for (int i = 0; i < 50; i++) {
        uint32_t nr = 1000 + (step * 50 + i) % N_CHURN;

        if (add) {
            ovl_mac_set(s->fwd, &(struct ovl_mac) {
                .vni = VNI, .mac = mac_nr(nr), .port = port });
        } else {
            ovl_mac_remove(s->fwd, VNI, mac_nr(nr));
        }
    }
}

static void
set_stable(struct shared *s, struct ovl_lport *port)
{
    for (int i = 0; i < N_STABLE; i++) {
        ovl_mac_set(s->fwd, &(struct ovl_mac) {
            .vni = VNI + 1, .mac = mac_nr(i), .vlan = i, .port = port });
    }
}

static void
readers_see_whole_transactions_and_never_a_gap(void **state OVS_UNUSED)
{
    struct ovl_lport *port = fixture_port("vm1");
    struct shared s = { .pair_ip = ip_from("10.0.0.9"), .port = port };
    struct reader readers[N_READERS + 1];
    struct reader underlay = { .shared = &s };
    uint64_t n_counted = 0;
    ovs_version_t version;
    const char *failure;
    long long int end;
    uint32_t traffic;
    int step = 0;

    s.fwd = ovl_forwarding_create();
    ovl_forwarding_begin(s.fwd);
    set_step(&s, port, 0);
    set_stable(&s, port);
    version = ovl_forwarding_commit(s.fwd);
    traffic = ovl_network_lookup(s.fwd, version, VNI)->traffic;

    for (int i = 0; i <= N_READERS; i++) {
        readers[i] = (struct reader) { .shared = &s };
        readers[i].thread
            = ovs_thread_create(i < N_READERS ? "reader" : "lister",
                                i < N_READERS ? reader_main : lister_main,
                                &readers[i]);
    }

    underlay.thread = ovs_thread_create("underlay", underlay_main, &underlay);

    end = time_msec() + MSECS;
    while ((time_msec() < end || step < MIN_STEPS) && !is_stopped(&s)) {
        step++;
        ovl_forwarding_begin(s.fwd);
        set_step(&s, port, step % 4000);
        set_pair(&s, step % 3);
        set_churn(&s, port, step);
        ovl_forwarding_commit(s.fwd);
        ovl_forwarding_collect(s.fwd);
        ovsrcu_quiesce();
    }
    atomic_store_relaxed(&s.stop, true);
    for (int i = 0; i <= N_READERS; i++) {
        xpthread_join(readers[i].thread, NULL);
        n_counted += i < N_READERS ? readers[i].n_counted : 0;
    }
    xpthread_join(underlay.thread, NULL);
    atomic_read_relaxed(&s.failure, &failure);
    if (failure) {
        fail_msg("a reader saw otherwise: %s", failure);
    }

    print_message("%d transactions, %"PRIu64" look-ups of each key, "
                  "%"PRIu64" and %"PRIu64" versions seen, %"PRIu64" lists\n",
                  step, n_counted, readers[0].n_versions,
                  readers[1].n_versions, readers[N_READERS].n_counted);
    assert_true(n_counted > 1000);
    assert_true(underlay.n_counted > 100);
    assert_true(ovl_counter_read(traffic) == n_counted);

    ovl_lport_unref(port);
    ovl_forwarding_destroy(s.fwd);
    ovsrcu_barrier();
}

/* Counters while chunks are being made. */

struct adder {
    pthread_t thread;
    uint32_t id;
    uint64_t n;
    atomic_bool *stop;
};

static void *
adder_main(void *a_)
{
    struct adder *a = a_;
    struct ovl_shard *shard = ovl_shard_create();
    bool stop;

    do {
        for (int i = 0; i < 1000; i++) {
            ovl_counter_add(shard, a->id, 1);
            ovl_counter_add(shard, OVL_TOTAL_RECEIVED, 1);
        }
        a->n += 1000;
        atomic_read_relaxed(a->stop, &stop);
    } while (!stop);
    ovl_shard_destroy(shard);
    return NULL;
}

static void
no_count_is_lost_while_blocks_come_and_go(void **state OVS_UNUSED)
{
    uint32_t ids[2] = { ovl_counters_alloc(1), ovl_counters_alloc(1) };
    uint64_t total = ovl_counter_read(OVL_TOTAL_RECEIVED);
    struct adder adders[4];
    atomic_bool stop = false;

    for (int i = 0; i < 4; i++) {
        adders[i] = (struct adder) { .id = ids[i / 2], .stop = &stop };
        adders[i].thread = ovs_thread_create("adder", adder_main, &adders[i]);
    }
    for (int i = 0; i < 60; i++) {
        uint32_t id = ovl_counters_alloc(1000);

        assert_int_equal(ovl_counter_read(id + i), 0);
        ovl_counters_free(id, 1000);
        ovsrcu_quiesce();
    }
    atomic_store_relaxed(&stop, true);
    for (int i = 0; i < 4; i++) {
        xpthread_join(adders[i].thread, NULL);
        total += adders[i].n;
    }
    assert_true(ovl_counter_read(ids[0]) == adders[0].n + adders[1].n);
    assert_true(ovl_counter_read(ids[1]) == adders[2].n + adders[3].n);
    assert_true(ovl_counter_read(OVL_TOTAL_RECEIVED) == total);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readers_see_whole_transactions_and_never_a_gap),
        cmocka_unit_test(no_count_is_lost_while_blocks_come_and_go),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    ovsrcu_exit();
    return failed;
}
