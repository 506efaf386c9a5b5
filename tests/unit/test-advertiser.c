/* SPDX-License-Identifier: Apache-2.0 */

/* When hosts are told what they have not asked for.  What they are told, byte
 * by byte, is in test-router-advert.c.  The topology is drawn in world.h; here
 * network VNI advertises, and its members are
 *
 *     vm1  vm2  vm3  trunk1, VLAN 10
 *
 * Time goes on in steps of STEP ms. */

#include <config.h>

#include "advertiser.h"
#include "csum.h"
#include "router-advert.h"
#include "world-asserts.h"

#define STEP 100
#define SECOND 1000
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)

#define N_MEMBERS 4
#define MAX_TOLD 1024

#define LIFETIME_OFS (L4_OFS6 + 6)
#define OPTIONS_OFS (L4_OFS6 + 16)

struct told {
    long long int when;
    const struct ovl_lport *port;
    uint16_t vlan;
    struct frame frame;
};

struct fixture {
    struct world *w;
    struct ovl_advertiser *adv;
    long long int now;
    struct told told[MAX_TOLD];
    size_t n;
};

static void
catch_told(void *f_, const struct ovl_network *net,
           const struct ovl_member *member, struct dp_packet *packet)
{
    struct fixture *f = f_;
    struct told *t = &f->told[f->n++];

    assert_true(f->n <= MAX_TOLD);
    assert_int_equal(net->vni, VNI);
    t->when = f->now;
    t->port = member->port;
    t->vlan = member->vlan;
    t->frame.len = 0;
    frame_put(&t->frame, dp_packet_data(packet), dp_packet_size(packet));
    dp_packet_delete(packet);
}

static int
setup(void **state)
{
    struct fixture *f = xzalloc(sizeof *f);

    f->w = world_create();
    f->w->net.advertise = true;
    f->w->net.ra_lifetime = 1800;
    f->w->net.ra_interval = 600;
    world_apply(f->w);
    f->adv = ovl_advertiser_create(f->w->fwd, catch_told, f);
    f->now = 1000000;
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    ovl_advertiser_destroy(f->adv);
    world_destroy(f->w);
    free(f);
    return 0;
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)

/* Lets 'ms' go by.  What is told by then is in 'f->told'. */
static void
pass(struct fixture *f, long long int ms)
{
    long long int end = f->now + ms;

    f->n = 0;
    for (;;) {
        ovl_advertiser_run(f->adv, f->now);
        if (f->now >= end) {
            break;
        }
        f->now += STEP;
    }
}

/* The members have been told all they are told at first. */
static void
settle(struct fixture *f)
{
    pass(f, 60 * SECOND);
}

static size_t
n_told(const struct fixture *f, const struct ovl_lport *port)
{
    size_t n = 0;

    for (size_t i = 0; i < f->n; i++) {
        n += f->told[i].port == port;
    }
    return n;
}

/* What the router of the network says now, to all nodes. */
static struct frame
expected(const struct fixture *f)
{
    const struct ovl_config *config
        = ovl_config_get(f->w->fwd, ovl_forwarding_version(f->w->fwd));
    struct frame frame = { .len = 0 };
    struct ovl_ra ra;

    ovl_ra_init(&ra, &f->w->net, config);
    struct dp_packet *packet = ovl_ra_compose(&ra, NULL);
    frame_put(&frame, dp_packet_data(packet), dp_packet_size(packet));
    dp_packet_delete(packet);
    return frame;
}

static void
assert_all_told(const struct fixture *f, const struct frame *frame)
{
    assert_int_equal(f->n, N_MEMBERS);
    for (size_t i = 0; i < f->n; i++) {
        assert_frame_equal(&f->told[i].frame, frame);
    }
    assert_int_equal(n_told(f, f->w->vm1), 1);
    assert_int_equal(n_told(f, f->w->vm2), 1);
    assert_int_equal(n_told(f, f->w->vm3), 1);
    assert_int_equal(n_told(f, f->w->trunk1), 1);
}

static void
members_are_told_soon_and_so_often(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 20; i++) {
        long long int last[2] = { 0, 0 };
        int n[2] = { 0, 0 };

        f->w->net.ra_lifetime++;        /* Something new. */
        f->now += HOUR;
        world_apply(f->w);
        pass(f, 2 * HOUR);
        for (size_t j = 0; j < f->n; j++) {
            const struct told *t = &f->told[j];
            int who = (t->port == f->w->vm1 ? 0 : t->port == f->w->vm2 ? 1
                       : -1);
            long long int gap;

            if (who < 0) {
                continue;
            }
            gap = t->when - (n[who] ? last[who] : f->now - 2 * HOUR);
            if (!n[who]) {
                assert_in_range(gap, (i ? 0 : 16) * SECOND,
                                (i ? 3 : 16) * SECOND);
            } else if (n[who] < 3) {
                assert_in_range(gap, 3 * SECOND, 16 * SECOND);
            } else {
                assert_in_range(gap, 200 * SECOND, 600 * SECOND + STEP);
            }
            last[who] = t->when;
            n[who]++;
        }
        /* 7200 s: 3 soon, then 12 to 36. */
        assert_in_range(n[0], 3 + 11, 3 + 36);
        assert_in_range(n[1], 3 + 11, 3 + 36);
    }
}

static void
times_are_random(void **state)
{
    struct fixture *f = *state;
    const struct ovl_lport *first[4];
    bool differ = false;

    settle(f);
    for (int i = 0; i < 8 && !differ; i++) {
        pass(f, 601 * SECOND);
        for (size_t j = 0; j < 4; j++) {
            differ = differ || (i && first[j] != f->told[j].port);
            first[j] = f->told[j].port;
        }
    }
    assert_true(differ);
}

static void
short_interval_is_obeyed(void **state)
{
    struct fixture *f = *state;

    settle(f);
    f->w->net.ra_interval = 4;
    world_apply(f->w);
    pass(f, 400 * SECOND);
    assert_in_range(n_told(f, f->w->vm1), 400 / 4 / 4 * 3, 400 / 3 + 1);
}

static void
every_member_is_told_what_the_network_says(void **state)
{
    struct fixture *f = *state;
    struct frame frame = expected(f);

    pass(f, 16 * SECOND);
    assert_all_told(f, &frame);
    for (size_t i = 0; i < f->n; i++) {
        assert_int_equal(f->told[i].vlan,
                         f->told[i].port == f->w->trunk1 ? 10 : 0);
    }
}

static void
change_is_announced_soon(void **state)
{
    struct fixture *f = *state;
    struct frame frame;

    settle(f);
    for (int i = 0; i < 4; i++) {
        switch (i) {
        case 0: f->w->net.mtu = 1400; break;
        case 1: f->w->net.ra_lifetime = 0; break;
        case 2: f->w->net.ra_autonomous = true; break;
        case 3: f->w->config.vtep6 = in6addr_any; f->w->net.mtu = 0; break;
        }
        world_apply(f->w);
        frame = expected(f);
        pass(f, 3 * SECOND);
        assert_all_told(f, &frame);
        settle(f);
        assert_int_equal(n_told(f, f->w->vm1), 2);
    }

    atomic_store_relaxed(&f->w->eth1->mtu, 9000);
    frame = expected(f);
    pass(f, 3 * SECOND);
    assert_all_told(f, &frame);
}

static void
changes_in_a_row_are_not_told_more_often_than_every_3_seconds(void **state)
{
    struct fixture *f = *state;

    settle(f);
    pass(f, 0);
    long long int last = LLONG_MIN;
    size_t n = 0;
    for (int i = 0; i < 300; i++) {
        f->w->net.mtu = 1400 + i;
        world_apply(f->w);
        pass(f, STEP);
        for (size_t j = 0; j < f->n; j++) {
            if (f->told[j].port == f->w->vm1) {
                assert_true(last == LLONG_MIN
                            || f->told[j].when - last >= 3 * SECOND);
                last = f->told[j].when;
                n++;
            }
        }
    }
    assert_in_range(n, 2, 11);
}

/* The Prefix Information options of 'frame', as text. */
static char *
prefixes_of(const struct frame *frame)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    for (size_t ofs = OPTIONS_OFS; ofs < frame->len;
         ofs += 8 * frame->data[ofs + 1]) {
        if (frame->data[ofs] == 3) {
            struct in6_addr ip;

            memcpy(&ip, &frame->data[ofs + 16], sizeof ip);
            ds_put_cstr(&s, s.length ? " " : "");
            ipv6_format_addr(&ip, &s);
            ds_put_format(&s, "/%d%s", frame->data[ofs + 2],
                          frame_get16(frame, ofs + 6)
                          || frame_get16(frame, ofs + 4) ? "" : "=0");
        }
    }
    return ds_steal_cstr(&s);
}

static void
assert_prefixes(const struct frame *frame, const char *want)
{
    char *got = prefixes_of(frame);

    assert_string_equal(got, want);
    free(got);
}

static void
prefix_that_went_is_withdrawn_for_a_while(void **state)
{
    struct fixture *f = *state;
    size_t n = 0;

    settle(f);
    f->w->gateways[1].ip = world_ip("2001:db8:7::1");
    world_apply(f->w);
    pass(f, 3 * SECOND);
    assert_int_equal(f->n, N_MEMBERS);
    assert_prefixes(&f->told[0].frame, "2001:db8:7::/64 2001:db8::/64=0");
    assert_int_equal(frame_get16(&f->told[0].frame, LIFETIME_OFS), 1800);

    /* It comes back, and the other goes. */
    f->w->gateways[1].ip = world_ip("2001:db8::1");
    world_apply(f->w);
    pass(f, 4 * SECOND);
    assert_int_equal(f->n, N_MEMBERS);
    assert_prefixes(&f->told[0].frame, "2001:db8::/64 2001:db8:7::/64=0");

    pass(f, 44 * SECOND);
    for (size_t i = 0; i < f->n; i++) {
        assert_prefixes(&f->told[i].frame, "2001:db8::/64 2001:db8:7::/64=0");
        n++;
    }
    assert_int_equal(n, 2 * N_MEMBERS);
    pass(f, 10 * MINUTE);
    assert_true(f->n >= N_MEMBERS);
    for (size_t i = 0; i < f->n; i++) {
        assert_prefixes(&f->told[i].frame, "2001:db8::/64");
    }
}

static void
network_that_stops_advertising_says_so_once(void **state)
{
    struct fixture *f = *state;

    settle(f);
    f->w->net.advertise = false;
    world_apply(f->w);
    pass(f, 2 * HOUR);
    assert_int_equal(f->n, N_MEMBERS);
    for (size_t i = 0; i < f->n; i++) {
        assert_int_equal(frame_get16(&f->told[i].frame, LIFETIME_OFS), 0);
        assert_prefixes(&f->told[i].frame, "");
    }

    /* With its gateway, its prefix goes. */
    f->w->net.advertise = true;
    world_apply(f->w);
    settle(f);
    f->w->net.advertise = false;
    f->w->net.n_gateways = 1;
    world_apply(f->w);
    pass(f, 2 * HOUR);
    assert_int_equal(f->n, N_MEMBERS);
    assert_int_equal(frame_get16(&f->told[0].frame, LIFETIME_OFS), 0);
    assert_prefixes(&f->told[0].frame, "2001:db8::/64=0");
}

static void
former_router_mac_says_goodbye(void **state)
{
    struct fixture *f = *state;
    struct frame before = expected(f);

    settle(f);
    f->w->net.router_mac = mac_from(MAC_LOCAL);
    f->w->gateways[2].ip = world_ip("fe80::a8aa:aaff:fe00:1");
    world_apply(f->w);

    struct frame frame = expected(f);
    pass(f, 3 * SECOND);
    assert_int_equal(f->n, 2 * N_MEMBERS);
    for (size_t i = 0; i < N_MEMBERS; i++) {
        /* From the same source. */
        assert_memory_equal(f->told[i].frame.data + 6, before.data + 6, 6);
        assert_memory_equal(f->told[i].frame.data + L3_OFS + 8,
                            before.data + L3_OFS + 8, 16);
        assert_int_equal(frame_get16(&f->told[i].frame, LIFETIME_OFS), 0);
        assert_prefixes(&f->told[i].frame, "");
    }
    for (size_t i = N_MEMBERS; i < 2 * N_MEMBERS; i++) {
        assert_frame_equal(&f->told[i].frame, &frame);
    }
}

static void
set_network(struct fixture *f, bool there)
{
    ovl_forwarding_begin(f->w->fwd);
    if (there) {
        ovl_network_set(f->w->fwd, &f->w->net);
    } else {
        ovl_network_remove(f->w->fwd, VNI);
    }
    ovl_forwarding_commit(f->w->fwd);
}

static void
network_that_is_made_again_starts_again(void **state)
{
    struct fixture *f = *state;
    struct frame frame = expected(f);

    settle(f);
    set_network(f, false);
    pass(f, 2 * HOUR);
    assert_int_equal(f->n, 0);

    set_network(f, true);
    pass(f, 16 * SECOND);
    assert_all_told(f, &frame);
    pass(f, 32 * SECOND);
    assert_int_equal(f->n, 2 * N_MEMBERS);
}

static void
set_vm1(struct fixture *f, uint32_t vni)
{
    ovl_forwarding_begin(f->w->fwd);
    if (vni) {
        ovl_binding_set(f->w->fwd, &(struct ovl_binding) {
            .port = f->w->vm1, .role = OVL_ROLE_ACCESS, .vni = vni,
        });
    } else {
        ovl_binding_remove(f->w->fwd, f->w->vm1->id);
    }
    f->w->net.members = f->w->members + (vni != VNI);
    f->w->net.n_members = N_MEMBERS - (vni != VNI);
    ovl_network_set(f->w->fwd, &f->w->net);
    ovl_forwarding_commit(f->w->fwd);
}

/* The others are not told anything because of that. */
static void
port_that_comes_is_told_and_one_that_left_is_not(void **state)
{
    struct fixture *f = *state;

    /* Nobody's turn comes in the meantime. */
    f->w->net.ra_interval = 1800;
    world_apply(f->w);
    settle(f);
    for (int i = 0; i < 2; i++) {
        set_vm1(f, i ? VNI_OTHER : 0);
        pass(f, 60 * SECOND);
        assert_int_equal(f->n, 0);
        set_vm1(f, VNI);
        pass(f, 48 * SECOND);
        assert_int_equal(f->n, 3);
        assert_int_equal(n_told(f, f->w->vm1), 3);
    }
}

/* In one transaction with a move, the goodbye is for those who stay. */
static void
port_that_left_hears_no_goodbye(void **state)
{
    struct fixture *f = *state;

    settle(f);
    f->w->net.advertise = false;
    set_vm1(f, VNI_OTHER);
    pass(f, 60 * SECOND);
    assert_int_equal(f->n, N_MEMBERS - 1);
    assert_int_equal(n_told(f, f->w->vm1), 0);
}

static void
port_that_is_gone_is_not_sent_to(void **state)
{
    struct fixture *f = *state;

    atomic_store_relaxed(&f->w->vm2->alive, false);
    pass(f, 16 * SECOND);
    assert_int_equal(f->n, N_MEMBERS - 1);
    assert_int_equal(n_told(f, f->w->vm2), 0);
}

static void
networks_without_local_members_cost_nothing(void **state)
{
    struct fixture *f = *state;
    struct seq *seq = ovl_forwarding_adverts_seq(f->w->fwd);
    struct ovl_network net = f->w->net;
    uint64_t before = seq_read(seq);

    net.n_members = 0;
    for (int i = 0; i < 3; i++) {
        ovl_forwarding_begin(f->w->fwd);
        for (uint32_t vni = 10000; vni < 11000; vni++) {
            net.vni = vni;
            net.mtu = 1400 + i;
            if (i < 2) {
                ovl_network_set(f->w->fwd, &net);
            } else {
                ovl_network_remove(f->w->fwd, vni);
            }
        }
        ovl_forwarding_commit(f->w->fwd);
    }
    /* Nor what hosts are not told. */
    f->w->net.n_flood = 1;
    f->w->net.neigh_suppress = false;
    f->w->net_other.mtu = 1400;
    world_apply(f->w);
    assert_int_equal(seq_read(seq), before);

    f->w->net.mtu = 1400;
    world_apply(f->w);
    assert_int_not_equal(seq_read(seq), before);
    before = seq_read(seq);
    set_network(f, false);
    assert_int_not_equal(seq_read(seq), before);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(members_are_told_soon_and_so_often),
        TEST(times_are_random),
        TEST(short_interval_is_obeyed),
        TEST(every_member_is_told_what_the_network_says),
        TEST(change_is_announced_soon),
        TEST(changes_in_a_row_are_not_told_more_often_than_every_3_seconds),
        TEST(prefix_that_went_is_withdrawn_for_a_while),
        TEST(network_that_stops_advertising_says_so_once),
        TEST(former_router_mac_says_goodbye),
        TEST(network_that_is_made_again_starts_again),
        TEST(port_that_comes_is_told_and_one_that_left_is_not),
        TEST(port_that_left_hears_no_goodbye),
        TEST(port_that_is_gone_is_not_sent_to),
        TEST(networks_without_local_members_cost_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
