/* SPDX-License-Identifier: Apache-2.0 */

/* Packet threads run the pipeline while the tables change under them.
 *
 * The writer moves a MAC from one VTEP to another and back, in one transaction
 * with the outer TOS, lets hundreds of MACs come and go, so that tables grow
 * and shrink, and deletes a network with its port and makes both again.  An
 * underlay thread replaces adjacencies.  A route leads to that MAC, too, by one
 * next hop after another.  Each packet thread, with a memo of its own, sends
 * frames and packets, bridged, routed and from a VLAN, and looks at what comes
 * out:
 *
 *     a frame to                              comes out
 *     --------------------------------------  -------------------------------
 *     the MAC that moves, or routed there     each time, of one version: the
 *                                             TOS is that of the VTEP
 *     a MAC that stays                        each time
 *     a group, of the network that stays      there, never in the other one
 *     a group, of the one that comes and goes there, in no other; or nowhere
 */

#include <config.h>

#include "world-asserts.h"

#include "adjacency.h"
#include "fast-memo.h"
#include "ovs-numa.h"
#include "ovs-rcu.h"
#include "ovs-thread.h"
#include "timeval.h"

#define N_WORKERS 2
#define BURST 8
#define N_CHURN 2000            /* MACs that come and go. */
#define N_AT_ONCE 40            /* Of them per transaction. */
#define MSECS 500
#define MIN_STEPS 200           /* However slow the machine is. */

#define MAC_MOVES "52:54:00:00:01:01"

/* Outer TOS while MAC_MOVES is behind the first or the second VTEP. */
static const uint8_t tos_of[] = { 0x20, 0x48 };

struct shared {
    struct world *w;
    OVSRCU_TYPE(struct ovl_lport *) guest;      /* Of VNI_OTHER; comes and
                                                 * goes. */
    ATOMIC(const char *) failure;
    atomic_bool stop;
};

struct thread {
    struct ovl_worker worker;   /* First member: 'send' casts. */
    struct shared *shared;
    pthread_t thread;
    uint64_t n_frames;

    /* What came out of the current burst. */
    size_t n_moved, n_stayed, n_group, n_group_other;
};

static void
fail_with(struct shared *s, const char *failure)
{
    atomic_store_relaxed(&s->failure, failure);
}

static bool
is_stopped(struct shared *s)
{
    const char *failure;
    bool stop;

    atomic_read_relaxed(&s->stop, &stop);
    atomic_read_relaxed(&s->failure, &failure);
    return stop || failure;
}

/* Looks at a frame to the underlay. */
static void
see_encapsulated(struct thread *t, const uint8_t *p, size_t len)
{
    static const struct eth_addr moves = { .ea = { 0x52, 0x54, 0, 0, 1, 1 } };
    uint8_t vtep = p[IP4_DST + 3];

    if (len < INNER_OFS + ETH_HEADER_LEN || (vtep != 2 && vtep != 3)) {
        fail_with(t->shared, "not encapsulated for a VTEP");
    } else if (!memcmp(p + INNER_OFS, &moves, sizeof moves)) {
        t->n_moved++;
        if (p[IP4_TOS] != tos_of[vtep - 2]) {
            fail_with(t->shared, "VTEP and TOS of two versions");
        }
    }
}

static void
see_packet(struct ovl_worker *worker, struct ovl_lport *port,
           struct dp_packet *packet)
{
    struct thread *t = (struct thread *) worker;
    const struct world *w = t->shared->w;
    const uint8_t *p = dp_packet_data(packet);
    size_t len = dp_packet_size(packet);
    bool other = len == 60 && p[59] == 'o';

    if (port == w->eth1) {
        see_encapsulated(t, p, len);
    } else if (port == w->vm1 || port == w->vm2 || port == w->vm3) {
        t->n_stayed += !(p[0] & 1);
        t->n_group += p[0] & 1;
        if (other) {
            fail_with(t->shared, "out of the other network");
        }
    } else if (port == w->other || !strcmp(port->name, "guest")) {
        t->n_group_other++;
        if (!other) {
            fail_with(t->shared, "into the other network");
        }
    }
    ovl_account_sent(worker->shard, port, 1, len);
    dp_packet_delete(packet);
}

/* The worker's 'send'. */
static void
see_output(struct ovl_worker *worker, struct ovl_lport *port,
           struct dp_packet *const packets[], size_t n)
{
    for (size_t i = 0; i < n; i++) {
        see_packet(worker, port, packets[i]);
    }
}

/* A frame to 'dst' whose last byte says whose it is. */
static struct dp_packet *
make_packet(const struct frame *f, char whose)
{
    struct dp_packet *packet
        = dp_packet_clone_data_with_headroom(f->data, 60, 128);

    ((char *) dp_packet_data(packet))[59] = whose;
    return packet;
}

static void
run(struct thread *t, struct ovl_lport *in, const struct frame *f, char whose)
{
    struct dp_packet_batch batch;

    dp_packet_batch_init(&batch);
    for (int i = 0; i < BURST; i++) {
        dp_packet_batch_add(&batch, make_packet(f, whose));
    }
    t->n_moved = t->n_stayed = t->n_group = t->n_group_other = 0;
    world_run(&t->worker, in, &batch);
    t->n_frames += BURST;
}

static void
expect(struct thread *t, bool condition, const char *failure)
{
    if (!condition) {
        fail_with(t->shared, failure);
    }
}

static void *
worker_main(void *t_)
{
    struct thread *t = t_;
    struct shared *s = t->shared;
    struct world *w = s->w;
    struct frame moving = frame_eth(MAC_MOVES, MAC_VM3, 0x88b5);
    struct frame staying = frame_eth(MAC_VM2, MAC_VM3, 0x88b5);
    struct frame group = frame_eth(MAC_BROADCAST, MAC_VM3, 0x88b5);

    /* For the fast path: bridged, routed, and from a VLAN. */
    struct frame usual = frame_udp4(MAC_MOVES, MAC_VM3, "10.1.0.13",
                                    "10.1.0.99", 1, 2, 18);
    struct frame routed = frame_udp4(MAC_ROUTER, MAC_VM3, "10.1.0.13",
                                     "20.0.0.1", 1, 2, 18);
    struct frame plain = frame_udp4(MAC_MOVES, MAC_VM2, "10.1.0.14",
                                    "10.1.0.99", 1, 2, 14);
    struct frame tagged = frame_tag(&plain, 0x8100, 10);
    plain = frame_udp4(MAC_ROUTER, MAC_VM2, "10.1.0.14", "20.0.0.1", 1, 2,
                       14);
    struct frame tagged_routed = frame_tag(&plain, 0x8100, 10);

    t->worker = (struct ovl_worker) {
        .fwd = w->fwd, .shard = ovl_shard_create(), .send = see_output,
        .memo = ovl_memo_create(OVS_NUMA_UNSPEC),
    };
    frame_put_pattern(&moving, 46);
    frame_put_pattern(&staying, 46);
    frame_put_pattern(&group, 46);
    while (!is_stopped(s)) {
        struct ovl_lport *guest = ovsrcu_get(struct ovl_lport *, &s->guest);

        run(t, w->vm3, &moving, 'n');
        expect(t, t->n_moved == BURST, "a frame to the MAC that moves lost");
        run(t, w->vm3, &usual, 'n');
        expect(t, t->n_moved == BURST, "a packet to the MAC that moves lost");
        run(t, w->vm3, &routed, 'n');
        expect(t, t->n_moved == BURST, "a routed packet lost");
        run(t, w->trunk1, &tagged, 'n');
        expect(t, t->n_moved == BURST, "a packet from a VLAN lost");
        run(t, w->trunk1, &tagged_routed, 'n');
        expect(t, t->n_moved == BURST, "a routed packet from a VLAN lost");
        run(t, w->vm3, &staying, 'n');
        expect(t, t->n_stayed == BURST, "a frame to a MAC that stays lost");
        run(t, w->vm3, &group, 'n');
        expect(t, t->n_group == 2 * BURST, "a frame to a group lost");
        if (guest) {
            run(t, guest, &group, 'o');
            expect(t, t->n_group_other <= BURST && !t->n_group,
                   "a frame to a group of the other network twice");
        }
        ovsrcu_quiesce();
    }
    ovl_memo_destroy(t->worker.memo);
    ovl_shard_destroy(t->worker.shard);
    return NULL;
}

/* Replaces adjacencies by others that say the same, for each version. */
static void *
underlay_main(void *t_)
{
    struct thread *t = t_;
    struct shared *s = t->shared;

    ovs_version_t last = 0;

    while (!is_stopped(s)) {
        ovs_version_t version = ovl_forwarding_version(s->w->fwd);

        if (version != last) {
            world_resolve(s->w, s->w->vtep, 1500);
            world_resolve(s->w, s->w->vtep2, 1500);
            t->n_frames++;
            last = version;
        }
        ovsrcu_quiesce();
        sched_yield();
    }
    return NULL;
}

/* The writer. */

static struct eth_addr
churned_mac(uint32_t i)
{
    struct eth_addr mac;

    eth_addr_from_uint64(UINT64_C(0x525400100000) + i, &mac);
    return mac;
}

static void
churn(struct world *w, int step)
{
    bool add = step / (N_CHURN / N_AT_ONCE) % 2 == 0;

    for (int i = 0; i < N_AT_ONCE; i++) {
        struct eth_addr mac = churned_mac((step * N_AT_ONCE + i) % N_CHURN);

        if (add) {
            ovl_mac_set(w->fwd, &(struct ovl_mac) {
                .vni = VNI, .mac = mac, .port = w->vm1 });
        } else {
            ovl_mac_remove(w->fwd, VNI, mac);
        }
    }
}

static void
move_mac(struct world *w, int step)
{
    w->config.tos = tos_of[step % 2];
    ovl_config_set(w->fwd, &w->config);
    ovl_mac_set(w->fwd, &(struct ovl_mac) {
        .vni = VNI, .mac = mac_from(MAC_MOVES),
        .vtep = step % 2 ? w->vtep2 : w->vtep });
}

/* Routes to that MAC, by one next hop or another, so that numbers of routes
 * are used again. */
static void
move_route(struct world *w, int step)
{
    static const char *const ips[] = { "10.1.0.201", "10.1.0.202",
                                       "10.1.0.203" };
    struct ovl_prefix prefix = { world_ip("20.0.0.0"), 96 + 8 };
    struct ovl_nexthop hop = { .vni = VNI, .ip = world_ip(ips[step % 3]) };

    ovl_neighbor_set(w->fwd, &(struct ovl_neighbor) {
        .vni = VNI, .ip = hop.ip, .mac = mac_from(MAC_MOVES) });
    ovl_route_set(w->fwd, w->net.source_group, &prefix, &(struct ovl_route) {
        .action = OVL_ROUTE_FORWARD, .n_nexthops = 1, .nexthops = &hop });
}

static void
guest_destroy(struct ovl_lport *port)
{
    ovl_lport_uninit(port);
    free(port);
}

/* Makes a new port with the other network, or takes both away. */
static void
come_or_go(struct shared *s, bool come)
{
    struct world *w = s->w;
    struct ovl_lport *guest
        = ovsrcu_get_protected(struct ovl_lport *, &s->guest);

    if (come && !guest) {
        guest = xzalloc(sizeof *guest);
        ovl_lport_init(guest, "guest", ODP_PORT_C(9), guest_destroy);
        w->members_other[1] = (struct ovl_member) { .port = guest };
        ovl_network_set(w->fwd, &w->net_other);
        ovl_binding_set(w->fwd, &(struct ovl_binding) {
            .port = guest, .role = OVL_ROLE_ACCESS, .vni = VNI_OTHER });
        ovsrcu_set(&s->guest, guest);
    } else if (!come && guest) {
        atomic_store_relaxed(&guest->alive, false);
        ovsrcu_set(&s->guest, NULL);
        ovl_binding_remove(w->fwd, guest->id);
        ovl_network_remove(w->fwd, VNI_OTHER);
        ovl_lport_unref(guest);
    }
}

static void
packets_see_whole_changes_and_never_a_gap(void **state)
{
    struct shared s = { .w = *state };
    struct thread threads[N_WORKERS + 1];
    uint64_t n_frames = 0;
    const char *failure;
    long long int end;
    static char vrf[] = "red";
    int step = 0;

    ovl_forwarding_begin(s.w->fwd);
    ovl_vrf_set(s.w->fwd, &(struct ovl_vrf) {
        .id = s.w->net.source_group, .name = vrf });
    s.w->net.vrf = vrf;
    ovl_network_set(s.w->fwd, &s.w->net);
    move_mac(s.w, step);
    move_route(s.w, step);
    ovl_forwarding_commit(s.w->fwd);
    for (int i = 0; i <= N_WORKERS; i++) {
        threads[i] = (struct thread) { .shared = &s };
        threads[i].thread
            = ovs_thread_create(i < N_WORKERS ? "worker" : "underlay",
                                i < N_WORKERS ? worker_main : underlay_main,
                                &threads[i]);
    }

    end = time_msec() + MSECS;
    while ((time_msec() < end || step < MIN_STEPS) && !is_stopped(&s)) {
        step++;
        ovl_forwarding_begin(s.w->fwd);
        move_mac(s.w, step);
        move_route(s.w, step);
        churn(s.w, step);
        if (step % 3 == 0) {
            come_or_go(&s, step % 2);
        }
        ovl_forwarding_commit(s.w->fwd);
        ovl_forwarding_collect(s.w->fwd);
        ovsrcu_quiesce();
    }
    atomic_store_relaxed(&s.stop, true);
    for (int i = 0; i <= N_WORKERS; i++) {
        xpthread_join(threads[i].thread, NULL);
        n_frames += i < N_WORKERS ? threads[i].n_frames : 0;
    }
    atomic_read_relaxed(&s.failure, &failure);
    if (failure) {
        fail_msg("%s", failure);
    }
    print_message("%d transactions, %"PRIu64" frames, %"PRIu64" times new "
                  "adjacencies\n", step, n_frames,
                  threads[N_WORKERS].n_frames);
    assert_true(n_frames > 1000);

    ovl_forwarding_begin(s.w->fwd);
    come_or_go(&s, false);
    ovl_forwarding_commit(s.w->fwd);
}

static int
teardown(void **state)
{
    int error = world_teardown(state);

    ovsrcu_barrier();
    return error;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            packets_see_whole_changes_and_never_a_gap, world_setup, teardown),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    ovsrcu_exit();
    return failed;
}
