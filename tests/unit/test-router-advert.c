/* SPDX-License-Identifier: Apache-2.0 */

/* Router advertisements: every byte of them, and who gets one for the asking.
 * What is malformed is in test-pkt-parse.c.  The topology is drawn in world.h;
 * here network VNI advertises. */

#include <config.h>

#include "router-advert.h"
#include "world-asserts.h"

#define ROUTER_LLA "fe80::5eff:fe00:101"    /* Made from MAC_ROUTER. */
#define ALL_NODES "ff02::1"
#define ALL_NODES_MAC "33:33:00:00:00:01"
#define ALL_ROUTERS "ff02::2"
#define ALL_ROUTERS_MAC "33:33:00:00:00:02"
#define VM1_6 "2001:db8::11"
#define VM1_LLA "fe80::5054:ff:fe00:1"
#define REMOTE_LLA "fe80::99"
/* The uplink's 1500, less what IPv6 tunnels need. */
#define USUAL_MTU 1430

static int
advertising_setup(void **state)
{
    struct world *w = world_create();

    w->net.advertise = true;
    w->net.ra_lifetime = 1800;
    w->net.ra_interval = 600;
    world_apply(w);
    *state = w;
    return 0;
}

#define TEST(NAME)                                                           \
    cmocka_unit_test_setup_teardown(NAME, advertising_setup, world_teardown)

/* RFC 4861 section 4.1. */
static struct frame
rs_to(const char *dst_mac, const char *src_mac, const char *src,
      const char *dst, bool slla)
{
    uint8_t message[16] = { 133, [8] = 1, [9] = 1 };
    struct eth_addr mac = mac_from(src_mac);

    memcpy(message + 10, &mac, sizeof mac);
    return frame_icmp6(dst_mac, src_mac, src, dst, 255, message,
                       slla ? 16 : 8);
}

static struct frame
rs(const char *src_mac, const char *src)
{
    return rs_to(ALL_ROUTERS_MAC, src_mac, src, ALL_ROUTERS,
                 strcmp(src, "::"));
}

/* An advertisement as RFC 4861 sections 4.2 and 4.6 draw it. */
struct message {
    size_t len;
    uint8_t data[1280];
};

static void
put(struct message *m, const void *data, size_t len)
{
    assert_true(m->len + len <= sizeof m->data);
    memcpy(m->data + m->len, data, len);
    m->len += len;
}

static struct message
ra(uint16_t lifetime, uint16_t mtu)
{
    uint8_t head[] = {
        134, 0, 0, 0, 64, 0, lifetime >> 8, lifetime & 0xff,
        0, 0, 0, 0, 0, 0, 0, 0,
        1, 1, 0x02, 0x00, 0x5e, 0x00, 0x01, 0x01,
    };
    uint8_t mtu_option[] = { 5, 1, 0, 0, 0, 0, mtu >> 8, mtu & 0xff };
    struct message m = { .len = 0 };

    put(&m, head, sizeof head);
    if (mtu) {
        put(&m, mtu_option, sizeof mtu_option);
    }
    return m;
}

#define L 0x80
#define A 0x40

static void
put_prefix(struct message *m, const char *ip_s, uint8_t plen, uint8_t flags,
           bool valid)
{
    /* 30 and 7 days. */
    uint8_t head[16] = { 3, 4, plen, flags, 0x00, 0x27, 0x8d, 0x00,
                         0x00, 0x09, 0x3a, 0x80 };
    struct in6_addr ip = world_ip(ip_s);

    if (!valid) {
        memset(head + 4, 0, 8);
    }
    put(m, head, sizeof head);
    put(m, &ip, sizeof ip);
}

static struct message
usual_ra(uint16_t mtu, uint8_t flags)
{
    struct message m = ra(1800, mtu);

    put_prefix(&m, "2001:db8::", 64, flags, true);
    return m;
}

static struct frame
ra_to(const char *dst_mac, const char *dst, const struct message *m)
{
    return frame_icmp6(dst_mac, MAC_ROUTER, ROUTER_LLA, dst, 255, m->data,
                       m->len);
}

static void
assert_answer(struct world *w, struct ovl_lport *port,
              const struct frame *request, const struct frame *expected)
{
    world_receive(w, port, request);
    assert_answered(w);
    assert_output(w, 0, port, expected);
}

/* VM 1 asks and is told 'm'. */
static void
assert_told(struct world *w, const struct message *m)
{
    struct frame f = rs(MAC_VM1, VM1_LLA);
    struct frame r = ra_to(MAC_VM1, VM1_LLA, m);

    assert_answer(w, w->vm1, &f, &r);
}

/* The uplink takes 'mtu'. */
static void
set_uplink_mtu(struct world *w, uint16_t mtu)
{
    atomic_store_relaxed(&w->eth1->mtu, mtu);
}

static void
assert_flooded(struct world *w, const struct frame *f)
{
    world_receive(w, w->vm1, f);
    assert_forwarded(w, 5);
    assert_output(w, 0, w->vm2, f);
    assert_tunneled(w, 4, IP_VTEP2, 0, f);
}

static void
malformed_solicitation_is_dropped(void **state)
{
    struct world *w = *state;
    struct frame good = rs(MAC_VM1, VM1_LLA);
    struct frame f;

    f = good;
    frame_set8(&f, L3_OFS + 7, 254);
    assert_port_drop(w, w->vm1, &f, OVL_DROP_ND_MALFORMED);
    f = good;
    frame_set8(&f, L4_OFS6 + 1, 1);
    frame_repair(&f, L3_OFS);
    assert_port_drop(w, w->vm1, &f, OVL_DROP_ND_MALFORMED);
    f = good;
    frame_set16(&f, L4_OFS6 + 2, frame_get16(&f, L4_OFS6 + 2) + 1);
    assert_port_drop(w, w->vm1, &f, OVL_DROP_ND_MALFORMED);
    f = good;
    frame_set8(&f, L4_OFS6 + 9, 0);
    frame_repair(&f, L3_OFS);
    assert_port_drop(w, w->vm1, &f, OVL_DROP_ND_MALFORMED);
    f = good;
    frame_set8(&f, L4_OFS6 + 9, 2);
    frame_repair(&f, L3_OFS);
    assert_port_drop(w, w->vm1, &f, OVL_DROP_ND_MALFORMED);
    /* From nobody, and yet with a link-layer address. */
    f = rs_to(ALL_ROUTERS_MAC, MAC_VM3, "::", ALL_ROUTERS, true);
    assert_port_drop(w, w->vm3, &f, OVL_DROP_ND_MALFORMED);
    /* Cut, but to be seen. */
    for (size_t len = good.len - 15; len < good.len; len++) {
        f = frame_cut(&good, len);
        assert_port_drop(w, w->vm1, &f, OVL_DROP_ND_MALFORMED);
    }
}

static void
solicitation_in_somebody_elses_name_is_dropped(void **state)
{
    struct world *w = *state;
    struct frame f = rs(MAC_VM1, "2001:db8::12");

    assert_port_drop(w, w->vm1, &f, OVL_DROP_ND_SPOOF);
    f = rs(MAC_VM1, ROUTER_LLA);
    assert_port_drop(w, w->vm1, &f, OVL_DROP_SPOOF_GATEWAY);
}

static void
network_that_does_not_advertise_floods_solicitations(void **state)
{
    struct world *w = *state;
    struct frame f = rs(MAC_VM1, VM1_LLA);

    w->net.advertise = false;
    world_apply(w);
    assert_flooded(w, &f);
}

static void
solicitation_for_somebody_else_is_forwarded(void **state)
{
    struct world *w = *state;
    struct frame f = rs_to(MAC_VM2, MAC_VM1, VM1_LLA, "fe80::2", true);

    world_receive(w, w->vm1, &f);
    assert_forwarded(w, 1);
    assert_output(w, 0, w->vm2, &f);
    f = rs_to("33:33:00:00:00:77", MAC_VM1, VM1_LLA, "ff02::77", true);
    assert_flooded(w, &f);
}

static void
solicitation_out_of_a_tunnel_is_not_answered(void **state)
{
    struct world *w = *state;
    struct frame inner = rs(MAC_REMOTE, REMOTE_LLA);
    struct frame f = frame_vxlan4(MAC_LOCAL, MAC_NEXTHOP, IP_VTEP, IP_OWN, 0,
                                  50000, VNI, &inner);
    struct message m = usual_ra(USUAL_MTU, L);
    struct frame r = ra_to(MAC_REMOTE, REMOTE_LLA, &m);

    world_receive(w, w->eth1, &f);
    assert_forwarded(w, 4);

    w->net.answer_tunnel = true;
    world_apply(w);
    world_receive(w, w->eth1, &f);
    assert_answered(w);
    assert_tunneled(w, 0, IP_VTEP, 0, &r);
}

static void
solicitation_is_answered_to_who_asked(void **state)
{
    struct world *w = *state;
    struct message m = usual_ra(USUAL_MTU, L);
    struct frame f, r;

    assert_told(w, &m);

    f = rs(MAC_VM1, VM1_6);
    r = ra_to(MAC_VM1, VM1_6, &m);
    assert_answer(w, w->vm1, &f, &r);

    /* Without an option, to whatever of the router's addresses. */
    f = rs_to(ALL_ROUTERS_MAC, MAC_VM1, VM1_LLA, ALL_ROUTERS, false);
    r = ra_to(MAC_VM1, VM1_LLA, &m);
    assert_answer(w, w->vm1, &f, &r);
    f = rs_to(ALL_NODES_MAC, MAC_VM1, VM1_LLA, ALL_NODES, true);
    assert_answer(w, w->vm1, &f, &r);
    f = rs_to(MAC_ROUTER, MAC_VM1, VM1_LLA, ROUTER_LLA, true);
    assert_answer(w, w->vm1, &f, &r);
    f = rs_to(MAC_ROUTER, MAC_VM1, VM1_LLA, ALL_ROUTERS, true);
    assert_answer(w, w->vm1, &f, &r);
}

static void
host_without_address_is_answered_to_all_nodes(void **state)
{
    struct world *w = *state;
    struct frame f = rs(MAC_VM3, "::");
    struct message m = usual_ra(USUAL_MTU, L);
    struct frame r = ra_to(ALL_NODES_MAC, ALL_NODES, &m);

    assert_answer(w, w->vm3, &f, &r);
}

static void
answer_has_the_tag_of_the_request(void **state)
{
    struct world *w = *state;
    struct frame f = rs(MAC_UNKNOWN, "fe80::77");
    struct message m = usual_ra(USUAL_MTU, L);
    struct frame r = ra_to(MAC_UNKNOWN, "fe80::77", &m);

    f = frame_tag(&f, 0x8100, 10);
    r = frame_tag(&r, 0x8100, 10);
    assert_answer(w, w->trunk1, &f, &r);
}

static void
mtu_is_the_networks_or_the_tunnels(void **state)
{
    static const struct {
        const char *vtep4, *vtep6;
        uint16_t uplink, net, told;
    } cases[] = {
        { IP_OWN, "::", 1500, 0, 1450 },
        { IP_OWN, "::", 9000, 0, 8950 },
        { IP_OWN, "::", 1500, 1400, 1400 },
        { IP_OWN, "::", 1500, 1500, 1450 },
        { IP_OWN, "::", 1330, 0, 1280 },
        { IP_OWN, "::", 1329, 0, 0 },       /* Hosts would not believe it. */
        { IP_OWN, "::", 40, 0, 0 },
        { IP_OWN, "::", 0, 0, 0 },          /* Unknown. */
        { IP_OWN, "::", 0, 1300, 1300 },
        { "::", "::", 1500, 0, 0 },         /* No tunnels. */
        { "::", "2001:db8:ffff::1", 1500, 0, 1430 },
        { IP_OWN, "2001:db8:ffff::1", 1500, 0, 1430 },
        { IP_OWN, "2001:db8:ffff::1", 65535, 65535, 65451 },
    };
    struct world *w = *state;

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct message m = usual_ra(cases[i].told, L);

        w->config.vtep4 = world_ip(cases[i].vtep4);
        w->config.vtep6 = world_ip(cases[i].vtep6);
        w->net.mtu = cases[i].net;
        set_uplink_mtu(w, cases[i].uplink);
        world_apply(w);
        assert_told(w, &m);
    }
    w->config.uplink = NULL;
    w->net.mtu = 0;
    world_apply(w);
    struct message m = usual_ra(0, L);
    assert_told(w, &m);
}

static void
lifetime_is_the_networks(void **state)
{
    static const uint16_t lifetimes[] = { 0, 4, 255, 256, 1800, 9000 };
    struct world *w = *state;

    for (size_t i = 0; i < ARRAY_SIZE(lifetimes); i++) {
        struct message m = ra(lifetimes[i], USUAL_MTU);

        put_prefix(&m, "2001:db8::", 64, L, true);
        w->net.ra_lifetime = lifetimes[i];
        world_apply(w);
        assert_told(w, &m);
    }
}

static void
hosts_make_addresses_only_if_they_are_told_to(void **state)
{
    struct ovl_gateway gateways[] = {
        { world_ip("2001:db8::1"), 64 },
        { world_ip("2001:db8:1::1"), 63 },
        { world_ip("2001:db8:2::1"), 65 },
        { world_ip("2001:db8:3::1"), 128 },
        { world_ip(ROUTER_LLA), 64 },
    };
    struct world *w = *state;
    struct message m = usual_ra(USUAL_MTU, L | A);

    w->net.ra_autonomous = true;
    world_apply(w);
    assert_told(w, &m);

    w->net.gateways = gateways;
    w->net.n_gateways = ARRAY_SIZE(gateways);
    world_apply(w);
    put_prefix(&m, "2001:db8:1::", 63, L, true);
    put_prefix(&m, "2001:db8:2::", 65, L, true);
    put_prefix(&m, "2001:db8:3::1", 128, L, true);
    assert_told(w, &m);
}

static void
prefix_of_two_gateways_is_said_once_and_link_local_ones_never(void **state)
{
    struct ovl_gateway gateways[] = {
        { world_ip("10.1.0.1"), 96 + 24 },
        { world_ip("2001:db8::1"), 64 },
        { world_ip("2001:db8::2"), 64 },
        { world_ip("fe80::1"), 64 },
        { world_ip(ROUTER_LLA), 64 },
    };
    struct world *w = *state;
    struct message m = usual_ra(USUAL_MTU, L);

    w->net.gateways = gateways;
    w->net.n_gateways = ARRAY_SIZE(gateways);
    world_apply(w);
    assert_told(w, &m);
}

/* What does not fit in the smallest MTU is not on the link for hosts: they
 * send it to the router. */
static void
advertisement_never_exceeds_1280_bytes(void **state)
{
    struct ovl_gateway gateways[OVL_RA_MAX_PREFIXES + 2];
    struct world *w = *state;
    struct message m = ra(1800, 1450);

    for (size_t i = 0; i < ARRAY_SIZE(gateways); i++) {
        char ip[64];

        snprintf(ip, sizeof ip, "2001:db8:%zx::1", i + 1);
        gateways[i] = (struct ovl_gateway) { world_ip(ip), 64 };
        snprintf(ip, sizeof ip, "2001:db8:%zx::", i + 1);
        if (i < OVL_RA_MAX_PREFIXES) {
            put_prefix(&m, ip, 64, L, true);
        }
    }
    w->net.gateways = gateways;
    w->net.n_gateways = ARRAY_SIZE(gateways);
    w->config.vtep6 = in6addr_any;
    set_uplink_mtu(w, 1500);
    world_apply(w);
    assert_told(w, &m);
    assert_true(w->out[0].frame.len <= 14 + 1280);
    assert_true(w->out[0].frame.len + 32 > 14 + 1280);
}

static void
withdrawn_prefixes_have_no_lifetime(void **state OVS_UNUSED)
{
    struct ovl_ra say = {
        .mac = mac_from(MAC_ROUTER), .lifetime = 0, .mtu = 0, .n_prefixes = 2,
        .prefixes = { { world_ip("2001:db8::"), 64, true, true },
                      { world_ip("2001:db8:1::"), 48, false, false } },
    };
    struct message m = ra(0, 0);
    struct dp_packet *packet = ovl_ra_compose(&say, NULL);
    struct frame got = { .len = 0 };

    put_prefix(&m, "2001:db8::", 64, L | A, false);
    put_prefix(&m, "2001:db8:1::", 48, L, true);
    struct frame expected = ra_to(ALL_NODES_MAC, ALL_NODES, &m);
    frame_put(&got, dp_packet_data(packet), dp_packet_size(packet));
    assert_frame_equal(&got, &expected);
    dp_packet_delete(packet);
}

static void
answers_are_limited_per_port(void **state)
{
    struct world *w = *state;
    struct frame f = rs(MAC_VM1, VM1_LLA);
    size_t n = 0;

    w->pause = 0;
    for (int i = 0; i < 200; i++) {
        world_receive(w, w->vm1, &f);
        n += w->n_out;
        assert_int_equal(world_delta(w, OVL_TOTAL_DROPPED), !w->n_out);
        assert_int_equal(world_delta(w, OVL_TOTAL_CONSUMED), w->n_out);
    }
    assert_int_equal(n, 50);
    assert_port_drop(w, w->vm1, &f, OVL_DROP_RS_LIMIT);

    /* Nobody else's, and no other thing's. */
    struct frame f3 = rs(MAC_VM3, "fe80::3");
    world_receive(w, w->vm3, &f3);
    assert_answered(w);
    struct frame ns = frame_ns("33:33:ff:00:00:01", MAC_VM1, VM1_6,
                               "ff02::1:ff00:1", "2001:db8::1", MAC_VM1);
    world_receive(w, w->vm1, &ns);
    assert_answered(w);

    w->pause = 10;
    world_receive(w, w->vm1, &f);
    assert_answered(w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(malformed_solicitation_is_dropped),
        TEST(solicitation_in_somebody_elses_name_is_dropped),
        TEST(network_that_does_not_advertise_floods_solicitations),
        TEST(solicitation_for_somebody_else_is_forwarded),
        TEST(solicitation_out_of_a_tunnel_is_not_answered),
        TEST(solicitation_is_answered_to_who_asked),
        TEST(host_without_address_is_answered_to_all_nodes),
        TEST(answer_has_the_tag_of_the_request),
        TEST(mtu_is_the_networks_or_the_tunnels),
        TEST(lifetime_is_the_networks),
        TEST(hosts_make_addresses_only_if_they_are_told_to),
        TEST(prefix_of_two_gateways_is_said_once_and_link_local_ones_never),
        TEST(advertisement_never_exceeds_1280_bytes),
        TEST(withdrawn_prefixes_have_no_lifetime),
        TEST(answers_are_limited_per_port),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
