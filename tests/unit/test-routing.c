/* SPDX-License-Identifier: Apache-2.0 */

/* Routing, as whole frames.  To the world of world.h it adds, in VRF "red":
 *
 *     10.1.0.0/24, 2001:db8::/64     connected: network 5001
 *     10.2.0.0/24, 2001:db8:2::/64   connected: network 5003, gateways .1, ::1
 *     10.3.0.0/16                    by 10.2.0.254, behind 192.0.2.3
 *     10.4.0.0/16                    by 192.0.2.100 in L3 VNI 7001 (no gateway)
 *     10.5.0.0/16 and so on          blackhole, unreachable, prohibit
 *
 * and VM 4 with 10.2.0.14, 2001:db8:2::14 on port "loose". */

#include <config.h>

#include <netinet/icmp6.h>

#include "csum.h"
#include "icmp.h"
#include "ip-forward.h"
#include "world-asserts.h"

#define VNI_B 5003
#define VNI_L3 7001
#define MAC_VM4 "52:54:00:00:00:04"
#define MAC_REMOTE_B "52:54:00:00:00:95"
#define MAC_GW "52:54:00:00:00:fe"
#define MAC_ROUTER_B "02:00:5e:00:01:02"
#define MAC_ROUTER_L3 "02:00:5e:00:01:03"
#define MAC_PEER_L3 "02:00:00:00:00:99"

/* The world. */

static struct ovl_gateway gateways_b[3];
static struct ovl_member members_b[1];

static void
add_neighbor(struct world *w, uint32_t vni, const char *ip, const char *mac,
             struct ovl_lport *port, struct ovl_vtep *vtep)
{
    ovl_neighbor_set(w->fwd, &(struct ovl_neighbor) {
        .vni = vni, .ip = world_ip(ip), .mac = mac_from(mac),
    });
    ovl_mac_set(w->fwd, &(struct ovl_mac) {
        .vni = vni, .mac = mac_from(mac), .port = port, .vtep = vtep,
    });
}

static struct ovl_prefix
prefix(const char *ip, int plen)
{
    struct ovl_prefix p = { .addr = world_ip(ip) };

    p.plen = plen + (ovl_ip_is_v4(&p.addr) ? 96 : 0);
    return p;
}

static void
add_connected(struct world *w, const char *ip, int plen, uint32_t vni)
{
    struct ovl_prefix p = prefix(ip, plen);

    ovl_route_set(w->fwd, 1, &p, &(struct ovl_route) {
        .action = OVL_ROUTE_CONNECTED, .vni = vni,
    });
}

static void
add_local(struct world *w, const char *ip, uint32_t vni)
{
    struct ovl_prefix p = { .addr = world_ip(ip), .plen = 128 };

    ovl_route_set(w->fwd, 1, &p, &(struct ovl_route) {
        .action = OVL_ROUTE_LOCAL, .vni = vni,
    });
}

static void
add_action(struct world *w, const char *ip, int plen,
           enum ovl_route_action action)
{
    struct ovl_prefix p = prefix(ip, plen);

    ovl_route_set(w->fwd, 1, &p, &(struct ovl_route) { .action = action });
}

static void
add_route(struct world *w, const char *ip, int plen,
          const struct ovl_nexthop *hops, size_t n)
{
    struct ovl_prefix p = prefix(ip, plen);

    ovl_route_set(w->fwd, 1, &p, &(struct ovl_route) {
        .action = OVL_ROUTE_FORWARD, .n_nexthops = n, .nexthops = hops,
    });
}

static void
set_network_b(struct world *w, uint16_t mtu)
{
    ovl_network_set(w->fwd, &(struct ovl_network) {
        .vni = VNI_B, .source_group = 1, .vrf = CONST_CAST(char *, "red"),
        .router_mac = mac_from(MAC_ROUTER_B), .mtu = mtu,
        .n_gateways = 3, .gateways = gateways_b,
        .n_members = 1, .members = members_b,
    });
}

static int
setup(void **state)
{
    struct world *w = world_create();
    struct ovl_nexthop hop = { VNI_B, world_ip("10.2.0.254"), 0 };
    struct ovl_nexthop l3_hop = { VNI_L3, world_ip("192.0.2.100"), 0 };

    gateways_b[0] = (struct ovl_gateway) { world_ip("10.2.0.1"), 96 + 24 };
    gateways_b[1] = (struct ovl_gateway) { world_ip("2001:db8:2::1"), 64 };
    gateways_b[2] = (struct ovl_gateway) {
        world_ip("fe80::5eff:fe00:102"), 64
    };
    members_b[0] = (struct ovl_member) { .port = w->loose };
    w->net.vrf = CONST_CAST(char *, "red");
    world_apply(w);

    ovl_forwarding_begin(w->fwd);
    set_network_b(w, 0);
    ovl_network_set(w->fwd, &(struct ovl_network) {
        .vni = VNI_L3, .source_group = 1, .vrf = CONST_CAST(char *, "red"),
        .router_mac = mac_from(MAC_ROUTER_L3),
    });
    ovl_binding_set(w->fwd, &(struct ovl_binding) {
        .port = w->loose, .role = OVL_ROLE_ACCESS, .vni = VNI_B,
    });
    add_neighbor(w, VNI_B, "10.2.0.14", MAC_VM4, w->loose, NULL);
    add_neighbor(w, VNI_B, "2001:db8:2::14", MAC_VM4, w->loose, NULL);
    add_neighbor(w, VNI_B, "10.2.0.95", MAC_REMOTE_B, NULL, w->vtep);
    add_neighbor(w, VNI_B, "10.2.0.254", MAC_GW, NULL, w->vtep2);
    add_neighbor(w, VNI_L3, "192.0.2.100", MAC_PEER_L3, NULL, w->vtep2);

    ovl_vrf_set(w->fwd, &(struct ovl_vrf) {
        .id = 1, .name = CONST_CAST(char *, "red"),
        .gateway4 = world_ip("10.1.0.1"), .gateway6 = world_ip("2001:db8::1"),
    });
    add_connected(w, "10.1.0.0", 24, VNI);
    add_connected(w, "2001:db8::", 64, VNI);
    add_connected(w, "10.2.0.0", 24, VNI_B);
    add_connected(w, "2001:db8:2::", 64, VNI_B);
    add_local(w, "10.1.0.1", VNI);
    add_local(w, "2001:db8::1", VNI);
    add_local(w, "10.2.0.1", VNI_B);
    add_local(w, "2001:db8:2::1", VNI_B);
    add_route(w, "10.3.0.0", 16, &hop, 1);
    add_route(w, "10.4.0.0", 16, &l3_hop, 1);
    add_action(w, "10.5.0.0", 16, OVL_ROUTE_BLACKHOLE);
    add_action(w, "10.6.0.0", 16, OVL_ROUTE_UNREACHABLE);
    add_action(w, "10.7.0.0", 16, OVL_ROUTE_PROHIBIT);
    add_action(w, "2001:db8:5::", 48, OVL_ROUTE_BLACKHOLE);
    add_action(w, "2001:db8:6::", 48, OVL_ROUTE_UNREACHABLE);
    add_action(w, "2001:db8:7::", 48, OVL_ROUTE_PROHIBIT);
    ovl_forwarding_commit(w->fwd);

    *state = w;
    return 0;
}

/* Frames. */

static struct frame
to_router(const char *dst, size_t payload)
{
    return frame_udp4(MAC_ROUTER, MAC_VM1, "10.1.0.11", dst, 1000, 2000,
                      payload);
}

static struct frame
to_router6(const char *dst, size_t payload)
{
    return frame_udp6(MAC_ROUTER, MAC_VM1, "2001:db8::11", dst, 1000, 2000,
                      payload);
}

static void
set_ttl(struct frame *f, uint8_t ttl)
{
    if (frame_get16(f, 12) == 0x0800) {
        frame_set8(f, L3_OFS + 8, ttl);
        frame_fix_ip4(f, L3_OFS);
    } else {
        frame_set8(f, L3_OFS + 7, ttl);
    }
}

/* 'f' as it is after one hop. */
static struct frame
routed(const struct frame *f, const char *dst, const char *src)
{
    struct frame r = *f;
    struct eth_addr macs[] = { mac_from(dst), mac_from(src) };

    memcpy(r.data, macs, sizeof macs);
    set_ttl(&r, frame_get16(f, 12) == 0x0800 ? r.data[L3_OFS + 8] - 1
            : r.data[L3_OFS + 7] - 1);
    return r;
}

/* The ICMP message to VM 1 about 'f'. */
static struct frame
icmp4(const char *eth_src, const char *ip_src, uint8_t type, uint8_t code,
      uint32_t word, const struct frame *f)
{
    uint8_t message[8 + FRAME_MAX] = { type, code };
    size_t quote = MIN(f->len - L3_OFS, 576 - 28);
    ovs_be32 be = htonl(word);

    memcpy(message + 4, &be, sizeof be);
    memcpy(message + 8, f->data + L3_OFS, quote);
    ovs_be16 sum = csum(message, 8 + quote);
    memcpy(message + 2, &sum, sizeof sum);
    struct frame r = frame_ip4(MAC_VM1, eth_src, ip_src, "10.1.0.11", 1,
                               message, 8 + quote);
    frame_set8(&r, IP4_TOS, 0xc0);
    frame_set16(&r, L3_OFS + 4, 0);         /* ID. */
    frame_set16(&r, L3_OFS + 6, 0x4000);    /* DF. */
    frame_set8(&r, L3_OFS + 8, 64);
    frame_fix_ip4(&r, L3_OFS);
    return r;
}

static struct frame
icmp6(const char *eth_src, const char *ip_src, uint8_t type, uint8_t code,
      uint32_t word, const struct frame *f)
{
    uint8_t message[8 + FRAME_MAX] = { type, code };
    size_t quote = MIN(f->len - L3_OFS, 1280 - 48);
    ovs_be32 be = htonl(word);

    memcpy(message + 4, &be, sizeof be);
    memcpy(message + 8, f->data + L3_OFS, quote);
    return frame_icmp6(MAC_VM1, eth_src, ip_src, "2001:db8::11", 64, message,
                       8 + quote);
}

/* 'f' from VM 1 is dropped for 'reason', and 'error' goes back to it; nothing
 * if that is NULL. */
#define assert_refused(W, F, REASON, ERROR)                                  \
    assert_refused__(W, F, REASON, ERROR, __FILE__, __LINE__)
static void
assert_refused__(struct world *w, const struct frame *f,
                 enum ovl_drop_reason reason, const struct frame *error,
                 const char *file, int line)
{
    uint32_t block = world_drops_of(w, w->vm1);
    uint64_t before = ovl_counter_read(block + reason);

    world_receive(w, w->vm1, f);
    if (ovl_counter_read(block + reason) != before + 1
        || world_delta(w, OVL_TOTAL_DROPPED) != 1
        || world_delta(w, OVL_TOTAL_GENERATED) != (error != NULL)
        || w->n_out != (error != NULL)) {
        print_frame("refused otherwise", f);
        print_error("expected %s; %"PRIuSIZE" sent, %"PRIu64" dropped\n",
                    ovl_drop_reason_name(reason), w->n_out,
                    world_delta(w, OVL_TOTAL_DROPPED));
        for (size_t i = 0; i < w->n_out; i++) {
            print_frame(w->out[i].port->name, &w->out[i].frame);
        }
        _fail(file, line);
    }
    if (error) {
        assert_output__(w, 0, w->vm1, error, file, line);
    }
}

/* Output 'i' is 'inner' in a tunnel of 'vni'. */
static void
assert_in_tunnel(const struct world *w, size_t i, const char *vtep,
                 uint32_t vni, const struct frame *inner)
{
    uint16_t sport = frame_get16(&w->out[i].frame, UDP_SPORT);
    struct frame expected = frame_vxlan4(MAC_NEXTHOP, MAC_LOCAL, IP_OWN, vtep,
                                         0, sport, vni, inner);

    assert_output(w, i, w->eth1, &expected);
}

static struct frame
out_of_tunnel(uint32_t vni, const struct frame *inner)
{
    return frame_vxlan4(MAC_LOCAL, MAC_NEXTHOP, IP_VTEP, IP_OWN, 0, 50000, vni,
                        inner);
}

/* Forwarding. */

static void
packet_is_routed_between_networks_of_a_vrf(void **state)
{
    struct world *w = *state;
    struct frame f = to_router("10.2.0.14", 40);
    struct frame r = routed(&f, MAC_VM4, MAC_ROUTER_B);
    const struct ovl_network *a = world_network(w, VNI);
    const struct ovl_network *b = world_network(w, VNI_B);

    world_receive(w, w->vm1, &f);
    assert_forwarded(w, 1);
    assert_output(w, 0, w->loose, &r);
    assert_traffic(a->traffic, 1, f.len, 0, 0);
    assert_traffic(b->traffic, 0, 0, 1, f.len);

    struct frame f6 = to_router6("2001:db8:2::14", 40);
    struct frame r6 = routed(&f6, MAC_VM4, MAC_ROUTER_B);
    world_receive(w, w->vm1, &f6);
    assert_forwarded(w, 1);
    assert_output(w, 0, w->loose, &r6);
}

static void
packet_may_go_back_to_its_own_network(void **state)
{
    struct world *w = *state;
    struct frame f = to_router("10.1.0.12", 40);
    struct frame r = routed(&f, MAC_VM2, MAC_ROUTER);

    world_receive(w, w->vm1, &f);
    assert_forwarded(w, 1);
    assert_output(w, 0, w->vm2, &r);
}

static void
packet_is_routed_into_a_tunnel_of_the_other_network(void **state)
{
    struct world *w = *state;
    struct frame f = to_router("10.2.0.95", 40);
    struct frame r = routed(&f, MAC_REMOTE_B, MAC_ROUTER_B);

    world_receive(w, w->vm1, &f);
    assert_forwarded(w, 1);
    assert_in_tunnel(w, 0, IP_VTEP, VNI_B, &r);
}

static void
next_hop_of_a_route_gets_the_packet(void **state)
{
    struct world *w = *state;
    struct frame f = to_router("10.3.255.255", 40);
    struct frame r = routed(&f, MAC_GW, MAC_ROUTER_B);

    world_receive(w, w->vm1, &f);
    assert_forwarded(w, 1);
    assert_in_tunnel(w, 0, IP_VTEP2, VNI_B, &r);
}

/* Symmetric IRB, RFC 9135 section 5. */
static void
route_through_an_l3_vni(void **state)
{
    struct world *w = *state;
    struct frame f = to_router("10.4.0.1", 40);
    struct frame r = routed(&f, MAC_PEER_L3, MAC_ROUTER_L3);

    world_receive(w, w->vm1, &f);
    assert_forwarded(w, 1);
    assert_in_tunnel(w, 0, IP_VTEP2, VNI_L3, &r);

    /* The other way round. */
    struct frame back = frame_udp4(MAC_ROUTER_L3, MAC_PEER_L3, "10.4.0.1",
                                   "10.1.0.11", 2000, 1000, 40);
    struct frame in = out_of_tunnel(VNI_L3, &back);
    r = routed(&back, MAC_VM1, MAC_ROUTER);
    world_receive(w, w->eth1, &in);
    assert_forwarded(w, 1);
    assert_output(w, 0, w->vm1, &r);
}

static void
packet_out_of_a_tunnel_may_be_routed_into_one(void **state)
{
    struct world *w = *state;
    struct frame f = frame_udp4(MAC_ROUTER, MAC_REMOTE, "10.1.0.99",
                                "10.3.0.1", 1000, 2000, 40);
    struct frame in = out_of_tunnel(VNI, &f);
    struct frame r = routed(&f, MAC_GW, MAC_ROUTER_B);

    world_receive(w, w->eth1, &in);
    assert_forwarded(w, 1);
    assert_in_tunnel(w, 0, IP_VTEP2, VNI_B, &r);
}

/* RFC 6040 section 4.1: the outer header has what the inner one has, which
 * may have been set by the tunnel before. */
static void
congestion_travels_from_tunnel_to_tunnel(void **state)
{
    struct world *w = *state;
    struct frame f = frame_udp4(MAC_ROUTER, MAC_REMOTE, "10.1.0.99",
                                "10.3.0.1", 1000, 2000, 40);
    frame_set8(&f, IP4_TOS, 2);
    frame_fix_ip4(&f, L3_OFS);
    struct frame in = frame_vxlan4(MAC_LOCAL, MAC_NEXTHOP, IP_VTEP, IP_OWN, 3,
                                   50000, VNI, &f);
    struct frame r = routed(&f, MAC_GW, MAC_ROUTER_B);

    frame_set8(&r, IP4_TOS, 3);
    frame_fix_ip4(&r, L3_OFS);
    world_receive(w, w->eth1, &in);
    assert_forwarded(w, 1);
    uint16_t sport = frame_get16(&w->out[0].frame, UDP_SPORT);
    struct frame out = frame_vxlan4(MAC_NEXTHOP, MAC_LOCAL, IP_OWN, IP_VTEP2,
                                    3, sport, VNI_B, &r);
    assert_output(w, 0, w->eth1, &out);
}

/* RFC 6040 section 4.2, RFC 1812 section 4.3.2.3: the router has received the
 * packet that the tunnel's end made. */
static void
congestion_in_a_tunnel_is_quoted(void **state)
{
    struct world *w = *state;
    struct frame f = frame_udp4(MAC_ROUTER, MAC_VM1, "10.1.0.11",
                                "10.6.0.1", 1000, 2000, 40);
    frame_set8(&f, IP4_TOS, 2);
    frame_fix_ip4(&f, L3_OFS);
    struct frame in = frame_vxlan4(MAC_LOCAL, MAC_NEXTHOP, IP_VTEP, IP_OWN, 3,
                                   50000, VNI, &f);
    frame_set8(&f, IP4_TOS, 3);
    frame_fix_ip4(&f, L3_OFS);
    struct frame e = icmp4(MAC_ROUTER, "10.1.0.1", 3, 1, 0, &f);

    world_receive(w, w->eth1, &in);
    assert_int_equal(world_delta(w, OVL_TOTAL_GENERATED), 1);
    assert_in_tunnel(w, 0, IP_VTEP, VNI, &e);

    /* Behind a priority tag, and over IPv6. */
    struct frame f6 = frame_udp6(MAC_ROUTER, MAC_VM1, "2001:db8::11",
                                 "2001:db8:6::1", 1000, 2000, 40);
    frame_set16(&f6, L3_OFS, 0x6020);
    struct frame tagged = frame_tag(&f6, 0x8100, 0);
    in = frame_vxlan4(MAC_LOCAL, MAC_NEXTHOP, IP_VTEP, IP_OWN, 3, 50000, VNI,
                      &tagged);
    frame_set16(&f6, L3_OFS, 0x6030);
    e = icmp6(MAC_ROUTER, "2001:db8::1", 1, 3, 0, &f6);

    world_receive(w, w->eth1, &in);
    assert_int_equal(world_delta(w, OVL_TOTAL_GENERATED), 1);
    assert_in_tunnel(w, 0, IP_VTEP, VNI, &e);
}

/* RFC 1812 section 5.2.2. */
static void
padding_does_not_travel(void **state)
{
    struct world *w = *state;
    struct frame f = to_router("10.2.0.14", 4);
    struct frame r = routed(&f, MAC_VM4, MAC_ROUTER_B);

    frame_put_pattern(&f, 20);
    world_receive(w, w->vm1, &f);
    assert_forwarded(w, 1);
    assert_output(w, 0, w->loose, &r);
}

static void
priority_tag_does_not_travel(void **state)
{
    struct world *w = *state;
    struct frame f = to_router("10.2.0.14", 40);
    struct frame tagged = frame_tag(&f, 0x8100, 0xe000);
    struct frame r = routed(&f, MAC_VM4, MAC_ROUTER_B);

    world_receive(w, w->vm1, &tagged);
    assert_forwarded(w, 1);
    assert_output(w, 0, w->loose, &r);
}

static void
fragments_are_routed_as_they_are(void **state)
{
    struct world *w = *state;
    struct frame f = to_router("10.2.0.14", 40);

    frame_set16(&f, L3_OFS + 6, 0x2004);
    frame_fix_ip4(&f, L3_OFS);
    struct frame r = routed(&f, MAC_VM4, MAC_ROUTER_B);
    world_receive(w, w->vm1, &f);
    assert_forwarded(w, 1);
    assert_output(w, 0, w->loose, &r);
}

/* Refusals. */

static void
ttl_that_is_used_up_is_told(void **state)
{
    struct world *w = *state;

    for (int ttl = 0; ttl <= 1; ttl++) {
        struct frame f = to_router("10.2.0.14", 40);
        struct frame f6 = to_router6("2001:db8:2::14", 40);

        set_ttl(&f, ttl);
        set_ttl(&f6, ttl);
        struct frame e = icmp4(MAC_ROUTER, "10.1.0.1", 11, 0, 0, &f);
        struct frame e6 = icmp6(MAC_ROUTER, "2001:db8::1", 3, 0, 0, &f6);
        assert_refused(w, &f, OVL_DROP_TTL_EXPIRED, &e);
        assert_refused(w, &f6, OVL_DROP_TTL_EXPIRED, &e6);
    }
}

static void
ttl_of_two_is_enough(void **state)
{
    struct world *w = *state;
    struct frame f = to_router("10.2.0.14", 40);

    set_ttl(&f, 2);
    struct frame r = routed(&f, MAC_VM4, MAC_ROUTER_B);
    world_receive(w, w->vm1, &f);
    assert_output(w, 0, w->loose, &r);
}

static void
action_of_a_route_is_told_but_for_blackhole(void **state)
{
    static const struct {
        const char *dst;
        enum ovl_drop_reason reason;
        uint8_t type, code;     /* 0: nothing is said. */
    } cases[] = {
        { "10.9.0.1", OVL_DROP_NO_ROUTE, 3, 0 },
        { "10.5.0.1", OVL_DROP_ROUTE_BLACKHOLE, 0, 0 },
        { "10.6.0.1", OVL_DROP_ROUTE_UNREACHABLE, 3, 1 },
        { "10.7.0.1", OVL_DROP_ROUTE_PROHIBIT, 3, 13 },
        { "2001:db8:9::1", OVL_DROP_NO_ROUTE, 1, 0 },
        { "2001:db8:5::1", OVL_DROP_ROUTE_BLACKHOLE, 0, 0 },
        { "2001:db8:6::1", OVL_DROP_ROUTE_UNREACHABLE, 1, 3 },
        { "2001:db8:7::1", OVL_DROP_ROUTE_PROHIBIT, 1, 1 },
    };
    struct world *w = *state;

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        bool v4 = !strchr(cases[i].dst, ':');
        struct frame f = (v4 ? to_router(cases[i].dst, 40)
                          : to_router6(cases[i].dst, 40));
        struct frame e = (v4 ? icmp4(MAC_ROUTER, "10.1.0.1", cases[i].type,
                                     cases[i].code, 0, &f)
                          : icmp6(MAC_ROUTER, "2001:db8::1", cases[i].type,
                                  cases[i].code, 0, &f));

        assert_refused(w, &f, cases[i].reason, cases[i].type ? &e : NULL);
    }
}

static void
missing_row_means_host_unreachable(void **state)
{
    struct world *w = *state;
    struct frame f = to_router("10.2.0.77", 40);
    struct frame e = icmp4(MAC_ROUTER, "10.1.0.1", 3, 1, 0, &f);

    assert_refused(w, &f, OVL_DROP_NO_NEIGHBOR, &e);

    ovl_forwarding_begin(w->fwd);
    ovl_neighbor_set(w->fwd, &(struct ovl_neighbor) {
        .vni = VNI_B, .ip = world_ip("10.2.0.77"),
        .mac = mac_from(MAC_UNKNOWN),
    });
    ovl_forwarding_commit(w->fwd);
    assert_refused(w, &f, OVL_DROP_NO_MAC, &e);

    /* As soon as the row is there. */
    world_set_mac(w, VNI_B, MAC_UNKNOWN, w->loose, 0, NULL);
    struct frame r = routed(&f, MAC_UNKNOWN, MAC_ROUTER_B);
    world_receive(w, w->vm1, &f);
    assert_output(w, 0, w->loose, &r);

    ovl_forwarding_begin(w->fwd);
    ovl_network_remove(w->fwd, VNI_B);
    ovl_forwarding_commit(w->fwd);
    assert_refused(w, &f, OVL_DROP_ROUTE_NO_NETWORK, &e);
}

static void
shared_address_is_nobodys(void **state)
{
    struct world *w = *state;
    struct frame f = to_router("10.1.0.50", 40);
    struct frame e = icmp4(MAC_ROUTER, "10.1.0.1", 3, 1, 0, &f);

    assert_refused(w, &f, OVL_DROP_NO_NEIGHBOR, &e);
}

static void
network_without_a_vrf_routes_nowhere(void **state)
{
    struct world *w = *state;

    w->net.vrf = NULL;
    world_apply(w);
    struct frame f = to_router("10.2.0.14", 40);
    struct frame e = icmp4(MAC_ROUTER, "10.1.0.1", 3, 0, 0, &f);
    assert_refused(w, &f, OVL_DROP_NO_ROUTER, &e);
}

static void
vrfs_do_not_see_each_other(void **state)
{
    struct world *w = *state;
    struct ovl_prefix p = prefix("10.1.0.0", 24);

    /* The same prefix in another VRF, without the other network. */
    ovl_forwarding_begin(w->fwd);
    ovl_vrf_set(w->fwd, &(struct ovl_vrf) {
        .id = 2, .name = CONST_CAST(char *, "blue"),
    });
    ovl_route_set(w->fwd, 2, &p, &(struct ovl_route) {
        .action = OVL_ROUTE_CONNECTED, .vni = VNI,
    });
    ovl_forwarding_commit(w->fwd);
    w->net.source_group = 2;
    w->net.vrf = CONST_CAST(char *, "blue");
    world_apply(w);

    struct frame f = to_router("10.2.0.14", 40);
    struct frame e = icmp4(MAC_ROUTER, "10.1.0.1", 3, 0, 0, &f);
    assert_refused(w, &f, OVL_DROP_NO_ROUTE, &e);
}

/* RFC 1812 sections 5.2.2, 5.3.4, 5.3.7; RFC 4291 sections 2.5 and 2.7. */
static void
martians_are_dropped_in_silence(void **state)
{
    static const struct {
        const char *src, *dst;
        enum ovl_drop_reason reason;
    } cases[] = {
        { "127.0.0.1", "10.2.0.14", OVL_DROP_MARTIAN_SOURCE },
        { "0.0.0.1", "10.2.0.14", OVL_DROP_MARTIAN_SOURCE },
        { "224.0.0.1", "10.2.0.14", OVL_DROP_MARTIAN_SOURCE },
        { "255.255.255.255", "10.2.0.14", OVL_DROP_MARTIAN_SOURCE },
        { "240.0.0.1", "10.2.0.14", OVL_DROP_MARTIAN_SOURCE },
        { "10.1.0.13", "127.0.0.1", OVL_DROP_MARTIAN_DESTINATION },
        { "10.1.0.13", "0.0.0.0", OVL_DROP_MARTIAN_DESTINATION },
        { "10.1.0.13", "224.0.0.5", OVL_DROP_MARTIAN_DESTINATION },
        { "10.1.0.13", "255.255.255.255", OVL_DROP_MARTIAN_DESTINATION },
        { "10.1.0.13", "10.2.0.255", OVL_DROP_DIRECTED_BROADCAST },
    };
    static const struct {
        const char *src, *dst;
        enum ovl_drop_reason reason;
    } cases6[] = {
        { "::1", "2001:db8:2::14", OVL_DROP_MARTIAN_SOURCE },
        { "::", "2001:db8:2::14", OVL_DROP_MARTIAN_SOURCE },
        { "ff02::1", "2001:db8:2::14", OVL_DROP_MARTIAN_SOURCE },
        { "::ffff:10.1.0.13", "2001:db8:2::14", OVL_DROP_MARTIAN_SOURCE },
        { "fe80::13", "2001:db8:2::14", OVL_DROP_MARTIAN_SOURCE },
        { "2001:db8::13", "::1", OVL_DROP_MARTIAN_DESTINATION },
        { "2001:db8::13", "::", OVL_DROP_MARTIAN_DESTINATION },
        { "2001:db8::13", "ff0e::1", OVL_DROP_MARTIAN_DESTINATION },
        { "2001:db8::13", "fe80::99", OVL_DROP_MARTIAN_DESTINATION },
    };
    struct world *w = *state;

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct frame f = frame_udp4(MAC_ROUTER, MAC_VM3, cases[i].src,
                                    cases[i].dst, 1000, 2000, 40);

        assert_port_drop(w, w->vm3, &f, cases[i].reason);
    }
    for (size_t i = 0; i < ARRAY_SIZE(cases6); i++) {
        struct frame f = frame_udp6(MAC_ROUTER, MAC_VM3, cases6[i].src,
                                    cases6[i].dst, 1000, 2000, 40);

        assert_port_drop(w, w->vm3, &f, cases6[i].reason);
    }
}

static void
bad_headers_are_dropped_in_silence(void **state)
{
    struct world *w = *state;
    struct frame f = to_router("10.2.0.14", 40);

    frame_set8(&f, L3_OFS + 10, f.data[L3_OFS + 10] ^ 1);   /* Checksum. */
    assert_port_drop(w, w->vm1, &f, OVL_DROP_BAD_IP_HEADER);

    f = to_router("10.2.0.14", 40);
    frame_set16(&f, IP4_LEN, f.len - L3_OFS + 1);
    frame_fix_ip4(&f, L3_OFS);
    assert_port_drop(w, w->vm1, &f, OVL_DROP_BAD_IP_HEADER);

    struct frame f6 = to_router6("2001:db8:2::14", 40);
    frame_set16(&f6, L3_OFS + 4, f6.len - L3_OFS - 40 + 1);
    assert_port_drop(w, w->vm1, &f6, OVL_DROP_BAD_IP_HEADER);

    struct frame other = frame_eth(MAC_ROUTER, MAC_VM1, 0x88b5);
    frame_put_pattern(&other, 46);
    assert_port_drop(w, w->vm1, &other, OVL_DROP_NOT_IP);
}

/* Inserts 'n' bytes of options, a multiple of 4. */
static struct frame
with_options(const struct frame *f, const uint8_t *options, size_t n)
{
    struct frame r = *f;

    memcpy(r.data + L3_OFS + 20 + n, f->data + L3_OFS + 20,
           f->len - L3_OFS - 20);
    memcpy(r.data + L3_OFS + 20, options, n);
    r.len += n;
    frame_set8(&r, L3_OFS, 0x45 + n / 4);
    frame_set16(&r, IP4_LEN, r.len - L3_OFS);
    frame_fix_ip4(&r, L3_OFS);
    return r;
}

static void
source_routes_and_bad_options_are_dropped(void **state)
{
    static const struct {
        uint8_t options[8];
        enum ovl_drop_reason reason;
    } cases[] = {
        { { 131, 7, 4, 10, 2, 0, 14, 0 }, OVL_DROP_SOURCE_ROUTE },
        { { 137, 7, 4, 10, 2, 0, 14, 0 }, OVL_DROP_SOURCE_ROUTE },
        { { 1, 1, 1, 131, 3, 4, 0, 0 }, OVL_DROP_SOURCE_ROUTE },
        { { 7, 0, 0, 0, 0, 0, 0, 0 }, OVL_DROP_BAD_IP_HEADER },
        { { 7, 1, 0, 0, 0, 0, 0, 0 }, OVL_DROP_BAD_IP_HEADER },
        { { 7, 9, 0, 0, 0, 0, 0, 0 }, OVL_DROP_BAD_IP_HEADER },
        { { 1, 1, 1, 1, 1, 1, 1, 7 }, OVL_DROP_BAD_IP_HEADER },
    };
    struct world *w = *state;
    struct frame f = to_router("10.2.0.14", 40);

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct frame o = with_options(&f, cases[i].options, 8);

        assert_port_drop(w, w->vm1, &o, cases[i].reason);
    }

    /* Others travel along: RFC 1812 section 5.3.13. */
    static const uint8_t record[8] = { 7, 7, 8, 1, 2, 3, 4, 0 };
    struct frame o = with_options(&f, record, 8);
    struct frame r = routed(&o, MAC_VM4, MAC_ROUTER_B);
    world_receive(w, w->vm1, &o);
    assert_output(w, 0, w->loose, &r);
}

/* RFC 1812 section 4.3.2.7, RFC 4443 section 2.4 (e). */
static void
some_packets_get_no_error(void **state)
{
    struct world *w = *state;

    /* An error. */
    struct frame inner = to_router("10.9.0.1", 40);
    struct frame f = icmp4(MAC_VM1, "10.1.0.11", 3, 1, 0, &inner);
    struct eth_addr macs[] = { mac_from(MAC_ROUTER), mac_from(MAC_VM1) };
    memcpy(f.data, macs, sizeof macs);
    frame_set32(&f, L3_OFS + 16, 0x0a090001);
    frame_fix_ip4(&f, L3_OFS);
    assert_refused(w, &f, OVL_DROP_NO_ROUTE, NULL);

    /* A fragment that is not the first. */
    f = to_router("10.9.0.1", 40);
    frame_set16(&f, L3_OFS + 6, 0x2004);
    frame_fix_ip4(&f, L3_OFS);
    assert_refused(w, &f, OVL_DROP_NO_ROUTE, NULL);

    /* The first one does. */
    frame_set16(&f, L3_OFS + 6, 0x2000);
    frame_fix_ip4(&f, L3_OFS);
    struct frame e = icmp4(MAC_ROUTER, "10.1.0.1", 3, 0, 0, &f);
    assert_refused(w, &f, OVL_DROP_NO_ROUTE, &e);

    uint8_t message[48] = { 1, 3 };
    struct frame f6 = frame_icmp6(MAC_ROUTER, MAC_VM1, "2001:db8::11",
                                  "2001:db8:9::1", 64, message, 48);
    assert_refused(w, &f6, OVL_DROP_NO_ROUTE, NULL);
    message[0] = 128;
    f6 = frame_icmp6(MAC_ROUTER, MAC_VM1, "2001:db8::11", "2001:db8:9::1", 64,
                     message, 48);
    struct frame e6 = icmp6(MAC_ROUTER, "2001:db8::1", 1, 0, 0, &f6);
    assert_refused(w, &f6, OVL_DROP_NO_ROUTE, &e6);
}

/* RFC 1812 section 4.3.2.7: about a packet to the broadcast address of the
 * sender's subnet, wherever it would go: through no VRF, or by a row for a
 * part of the subnet; nor from or about such an address if it is bridged. */
static void
directed_broadcast_gets_no_error(void **state)
{
    struct world *w = *state;
    struct frame f = to_router("10.1.0.255", 40);
    struct frame df = frame_udp4(MAC_REMOTE, MAC_VM1, "10.1.0.11",
                                 "10.1.0.255", 1000, 2000,
                                 1500 - 50 - 28 + 1);
    struct frame df_from = frame_udp4(MAC_REMOTE, MAC_VM3, "10.1.0.255",
                                      "10.1.0.99", 1000, 2000,
                                      1500 - 50 - 28 + 1);

    ovl_forwarding_begin(w->fwd);
    add_action(w, "10.1.0.128", 25, OVL_ROUTE_UNREACHABLE);
    ovl_forwarding_commit(w->fwd);
    assert_refused(w, &f, OVL_DROP_ROUTE_UNREACHABLE, NULL);

    w->net.vrf = NULL;
    world_apply(w);
    assert_refused(w, &f, OVL_DROP_NO_ROUTER, NULL);

    frame_set16(&df, L3_OFS + 6, 0x4000);
    frame_fix_ip4(&df, L3_OFS);
    assert_refused(w, &df, OVL_DROP_TOO_BIG, NULL);
    frame_set16(&df_from, L3_OFS + 6, 0x4000);
    frame_fix_ip4(&df_from, L3_OFS);
    assert_port_drop(w, w->vm3, &df_from, OVL_DROP_TOO_BIG);
}

static void
errors_quote_as_much_as_they_may(void **state)
{
    struct world *w = *state;
    struct frame f = to_router("10.9.0.1", 1400);
    struct frame e = icmp4(MAC_ROUTER, "10.1.0.1", 3, 0, 0, &f);
    assert_int_equal(e.len, ETH_HEADER_LEN + 576);
    assert_refused(w, &f, OVL_DROP_NO_ROUTE, &e);

    struct frame f6 = to_router6("2001:db8:9::1", 1400);
    struct frame e6 = icmp6(MAC_ROUTER, "2001:db8::1", 1, 0, 0, &f6);
    assert_int_equal(e6.len, ETH_HEADER_LEN + 1280);
    assert_refused(w, &f6, OVL_DROP_NO_ROUTE, &e6);
}

static void
errors_are_limited(void **state)
{
    struct world *w = *state;
    struct frame f = to_router("10.9.0.1", 40);
    size_t n = 0;

    w->pause = 0;
    for (int i = 0; i < 200; i++) {
        world_receive(w, w->vm1, &f);
        n += w->n_out;
        assert_int_equal(world_delta(w, OVL_TOTAL_DROPPED), 1);
    }
    assert_int_equal(n, 50);

    w->pause = 5;
    for (int i = 0; i < 20; i++) {
        world_receive(w, w->vm1, &f);
        n += w->n_out;
    }
    assert_int_equal(n, 60);

    /* Nobody else's. */
    struct frame f2 = frame_udp4(MAC_ROUTER, MAC_VM2, "10.1.0.12", "10.9.0.1",
                                 1000, 2000, 40);
    world_receive(w, w->vm2, &f2);
    assert_int_equal(w->n_out, 1);
}

/* Of all that comes in on the uplink, nobody uses up what is another
 * network's; a row that changes does not make it more. */
static void
errors_into_tunnels_are_limited_per_network(void **state)
{
    struct world *w = *state;
    struct frame inner = frame_udp4(MAC_ROUTER, MAC_REMOTE, "10.1.0.99",
                                    "10.9.0.1", 2000, 1000, 40);
    struct frame inner2 = frame_udp4(MAC_ROUTER_B, MAC_REMOTE_B, "10.2.0.95",
                                     "10.9.0.1", 2000, 1000, 40);
    struct frame f = out_of_tunnel(VNI, &inner);
    struct frame f2 = out_of_tunnel(VNI_B, &inner2);
    struct frame vm1 = to_router("10.9.0.1", 40);
    size_t n = 0;

    w->pause = 0;
    for (int i = 0; i < 200; i++) {
        if (i == 100) {
            w->net.mtu = 1400;
            world_apply(w);
        }
        world_receive(w, w->eth1, &f);
        n += w->n_out;
        assert_int_equal(world_delta(w, OVL_TOTAL_DROPPED), 1);
    }
    assert_int_equal(n, 50);

    world_receive(w, w->eth1, &f2);
    assert_int_equal(w->n_out, 1);
    assert_ptr_equal(w->out[0].port, w->eth1);
    world_receive(w, w->vm1, &vm1);
    assert_int_equal(w->n_out, 1);

    w->pause = 10;
    world_receive(w, w->eth1, &f);
    assert_int_equal(w->n_out, 1);
}

/* The network has no address of the family: those of the VRF, or silence. */
static void
errors_into_an_l3_vni_are_from_the_lowest_gateway(void **state)
{
    struct world *w = *state;
    struct frame f = frame_udp4(MAC_ROUTER_L3, MAC_PEER_L3, "10.4.0.1",
                                "10.9.0.1", 2000, 1000, 40);
    struct frame in = out_of_tunnel(VNI_L3, &f);

    world_receive(w, w->eth1, &in);
    assert_int_equal(w->n_out, 1);
    assert_int_equal(world_delta(w, OVL_TOTAL_GENERATED), 1);
    /* Back through the tunnel, from 10.1.0.1 to 10.4.0.1. */
    const uint8_t *ip = w->out[0].frame.data + 50 + 14;
    assert_memory_equal(ip + 12, ((uint8_t[]) { 10, 1, 0, 1, 10, 4, 0, 1 }),
                        8);

    ovl_forwarding_begin(w->fwd);
    ovl_vrf_set(w->fwd, &(struct ovl_vrf) {
        .id = 1, .name = CONST_CAST(char *, "red"),
    });
    ovl_forwarding_commit(w->fwd);
    world_receive(w, w->eth1, &in);
    assert_int_equal(w->n_out, 0);
}

/* The gateway itself. */

static struct frame
echo4(const char *dst, uint8_t type, const char *eth_dst,
      const char *eth_src, const char *src)
{
    uint8_t message[40] = { type, 0, 0, 0, 0x12, 0x34, 0, 7, 'd', 'a', 't' };
    ovs_be16 sum = csum(message, sizeof message);

    memcpy(message + 2, &sum, sizeof sum);
    return frame_ip4(eth_dst, eth_src, src, dst, 1, message, sizeof message);
}

static void
gateway_answers_to_ping(void **state)
{
    static const char *const addresses[] = { "10.1.0.1", "10.2.0.1" };
    struct world *w = *state;

    for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
        struct frame f = echo4(addresses[i], 8, MAC_ROUTER, MAC_VM1,
                               "10.1.0.11");
        struct frame r = echo4("10.1.0.11", 0, MAC_VM1, MAC_ROUTER,
                               addresses[i]);

        frame_set16(&r, L3_OFS + 4, 0);
        frame_set16(&r, L3_OFS + 6, 0x4000);
        frame_set8(&r, L3_OFS + 8, 64);
        frame_fix_ip4(&r, L3_OFS);
        set_ttl(&f, 1);
        frame_put_pattern(&f, 9);
        world_receive(w, w->vm1, &f);
        assert_answered(w);
        assert_output(w, 0, w->vm1, &r);
    }
}

static void
gateway_answers_to_ping_over_ipv6(void **state)
{
    static const char *const addresses[] = {
        "2001:db8::1", "2001:db8:2::1", "fe80::5eff:fe00:101"
    };
    struct world *w = *state;

    for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
        uint8_t message[41] = { 128, 0, 0, 0, 0x12, 0x34, 0, 7, 'd', 'a' };
        struct frame f = frame_icmp6(MAC_ROUTER, MAC_VM1, "2001:db8::11",
                                     addresses[i], 1, message,
                                     sizeof message);
        message[0] = 129;
        struct frame r = frame_icmp6(MAC_VM1, MAC_ROUTER, addresses[i],
                                     "2001:db8::11", 64, message,
                                     sizeof message);

        world_receive(w, w->vm1, &f);
        assert_answered(w);
        assert_output(w, 0, w->vm1, &r);
    }
}

static void
gateway_has_no_other_service(void **state)
{
    static const uint8_t bytes[40];
    struct world *w = *state;
    struct frame f = to_router("10.1.0.1", 40);
    struct frame e = icmp4(MAC_ROUTER, "10.1.0.1", 3, 3, 0, &f);
    assert_refused(w, &f, OVL_DROP_FOR_GATEWAY, &e);

    f = frame_ip4(MAC_ROUTER, MAC_VM1, "10.1.0.11", "10.2.0.1", 6, bytes, 40);
    e = icmp4(MAC_ROUTER, "10.1.0.1", 3, 3, 0, &f);
    assert_refused(w, &f, OVL_DROP_FOR_GATEWAY, &e);

    f = frame_ip4(MAC_ROUTER, MAC_VM1, "10.1.0.11", "10.1.0.1", 89, bytes, 40);
    e = icmp4(MAC_ROUTER, "10.1.0.1", 3, 2, 0, &f);
    assert_refused(w, &f, OVL_DROP_FOR_GATEWAY, &e);

    struct frame f6 = to_router6("2001:db8::1", 40);
    struct frame e6 = icmp6(MAC_ROUTER, "2001:db8::1", 1, 4, 0, &f6);
    assert_refused(w, &f6, OVL_DROP_FOR_GATEWAY, &e6);

    f6 = frame_ip6(MAC_ROUTER, MAC_VM1, "2001:db8::11", "2001:db8::1", 89, 64,
                   bytes, 40);
    e6 = icmp6(MAC_ROUTER, "2001:db8::1", 4, 1, 6, &f6);
    assert_refused(w, &f6, OVL_DROP_FOR_GATEWAY, &e6);

    /* RFC 4443 section 2.2 (a): from whom it was sent to. */
    f6 = to_router6("2001:db8:2::1", 40);
    e6 = icmp6(MAC_ROUTER, "2001:db8:2::1", 1, 4, 0, &f6);
    assert_refused(w, &f6, OVL_DROP_FOR_GATEWAY, &e6);

    /* Its own replies elicit nothing. */
    f = echo4("10.1.0.1", 0, MAC_ROUTER, MAC_VM1, "10.1.0.11");
    assert_refused(w, &f, OVL_DROP_FOR_GATEWAY, NULL);
}

/* 40 bytes of protocol 'proto' behind 'n' extension headers to the gateway. */
static struct frame
extended_to_gateway(const uint8_t headers[][8], size_t n, uint8_t first,
                    uint8_t proto)
{
    struct frame payload = { .len = 0 };

    for (size_t i = 0; i < n; i++) {
        frame_put(&payload, headers[i], 8);
        payload.data[payload.len - 8] = i + 1 < n ? headers[i + 1][0] : proto;
    }
    frame_put_pattern(&payload, 40);
    return frame_ip6(MAC_ROUTER, MAC_VM1, "2001:db8::11", "2001:db8::1",
                     first, 64, payload.data, payload.len);
}

/* RFC 4443 section 3.4, RFC 8200 section 4.7. */
static void
unknown_protocol_is_pointed_at(void **state)
{
    static const uint8_t options[][8] = { { 0, 0, 1, 4 }, { 60, 0, 1, 4 } };
    static const uint8_t endless[][8] = { { 60, 9, 1, 4 } };
    static const uint8_t bytes[40];
    struct world *w = *state;

    struct frame f6 = extended_to_gateway(options, 2, 0, 89);
    struct frame e6 = icmp6(MAC_ROUTER, "2001:db8::1", 4, 1, 40 + 8, &f6);
    assert_refused(w, &f6, OVL_DROP_FOR_GATEWAY, &e6);

    f6 = extended_to_gateway(options, 1, 0, 89);
    e6 = icmp6(MAC_ROUTER, "2001:db8::1", 4, 1, 40, &f6);
    assert_refused(w, &f6, OVL_DROP_FOR_GATEWAY, &e6);

    /* Nothing that could be missed; nobody knows what. */
    f6 = extended_to_gateway(options, 1, 0, 59);
    assert_refused(w, &f6, OVL_DROP_FOR_GATEWAY, NULL);
    f6 = extended_to_gateway(endless, 1, 60, 60);
    assert_refused(w, &f6, OVL_DROP_FOR_GATEWAY, NULL);

    /* ICMPv6 is none of IPv4's. */
    struct frame f = frame_ip4(MAC_ROUTER, MAC_VM1, "10.1.0.11", "10.1.0.1",
                               58, bytes, 40);
    struct frame e = icmp4(MAC_ROUTER, "10.1.0.1", 3, 2, 0, &f);
    assert_refused(w, &f, OVL_DROP_FOR_GATEWAY, &e);
}

/* MTU. */

static void
too_big_packets_get_the_mtu_told(void **state)
{
    struct world *w = *state;
    struct frame f = to_router("10.2.0.95", 1500 - 50 - 28 + 1);

    frame_set16(&f, L3_OFS + 6, 0x4000);
    frame_fix_ip4(&f, L3_OFS);
    struct frame e = icmp4(MAC_ROUTER, "10.1.0.1", 3, 4, 1450, &f);
    assert_refused(w, &f, OVL_DROP_TOO_BIG, &e);

    struct frame fits = to_router("10.2.0.95", 1500 - 50 - 28);
    world_receive(w, w->vm1, &fits);
    assert_forwarded(w, 1);

    ovl_forwarding_begin(w->fwd);
    set_network_b(w, 1280);
    ovl_forwarding_commit(w->fwd);
    struct frame f6 = to_router6("2001:db8:2::14", 1280 - 48 + 1);
    struct frame e6 = icmp6(MAC_ROUTER, "2001:db8::1", 2, 0, 1280, &f6);
    assert_refused(w, &f6, OVL_DROP_TOO_BIG, &e6);
}

/* Puts IPv4 fragments together again and compares them with 'expected'. */
static void
assert_fragments_of(const struct world *w, const struct frame *expected,
                    uint16_t mtu)
{
    size_t header = (expected->data[L3_OFS] & 15) * 4;
    struct frame whole = frame_cut(expected, L3_OFS + header);

    for (size_t i = 0; i < w->n_out; i++) {
        const struct frame *f = &w->out[i].frame;
        size_t len = (f->data[L3_OFS] & 15) * 4;
        uint16_t frag = frame_get16(f, L3_OFS + 6);

        assert_int_equal(f->len, L3_OFS + frame_get16(f, IP4_LEN));
        assert_true(f->len - L3_OFS <= mtu);
        assert_int_equal(csum(f->data + L3_OFS, len), 0);
        assert_int_equal((frag & 0x1fff) * 8, whole.len - L3_OFS - header);
        assert_int_equal(frag >> 13, i + 1 < w->n_out ? 1 : 0);
        assert_memory_equal(f->data, expected->data, L3_OFS);
        assert_memory_equal(f->data + L3_OFS + 12,
                            expected->data + L3_OFS + 12, 8);
        assert_int_equal(f->data[L3_OFS + 8], expected->data[L3_OFS + 8]);
        frame_put(&whole, f->data + L3_OFS + len, f->len - L3_OFS - len);
    }
    assert_int_equal(whole.len, expected->len);
    assert_memory_equal(whole.data + L3_OFS + header,
                        expected->data + L3_OFS + header,
                        whole.len - L3_OFS - header);
}

/* RFC 791 section 3.2. */
static void
ipv4_without_df_is_fragmented(void **state)
{
    struct world *w = *state;

    ovl_forwarding_begin(w->fwd);
    set_network_b(w, 600);
    ovl_forwarding_commit(w->fwd);
    for (size_t payload = 600 - 28 + 1; payload < 1500 - 28; payload += 97) {
        struct frame f = to_router("10.2.0.14", payload);

        frame_set16(&f, L3_OFS + 6, 0);
        frame_fix_ip4(&f, L3_OFS);
        struct frame r = routed(&f, MAC_VM4, MAC_ROUTER_B);
        world_receive(w, w->vm1, &f);
        assert_true(w->n_out >= 2);
        assert_forwarded(w, w->n_out);
        assert_fragments_of(w, &r, 600);
    }
}

static void
options_are_copied_as_their_flag_says(void **state)
{
    /* Stream ID is copied, record route is not. */
    static const uint8_t options[12] = {
        136, 4, 0xab, 0xcd, 7, 7, 8, 1, 2, 3, 4, 0
    };
    struct world *w = *state;

    ovl_forwarding_begin(w->fwd);
    set_network_b(w, 600);
    ovl_forwarding_commit(w->fwd);
    struct frame f = to_router("10.2.0.14", 1000);
    frame_set16(&f, L3_OFS + 6, 0);
    f = with_options(&f, options, 12);
    struct frame r = routed(&f, MAC_VM4, MAC_ROUTER_B);
    world_receive(w, w->vm1, &f);
    assert_int_equal(w->n_out, 2);
    assert_fragments_of(w, &r, 600);
    assert_memory_equal(w->out[0].frame.data + L3_OFS + 20, options, 12);
    assert_int_equal(w->out[1].frame.data[L3_OFS], 0x46);
    assert_memory_equal(w->out[1].frame.data + L3_OFS + 20, options, 4);
}

/* As Linux does: RFC 4459 section 3.2 has the background. */
static void
bridged_packet_that_does_not_fit_is_told_so(void **state)
{
    struct world *w = *state;
    struct frame f = frame_udp4(MAC_REMOTE, MAC_VM1, "10.1.0.11", "10.1.0.99",
                                1000, 2000, 1500 - 50 - 28 + 1);

    frame_set16(&f, L3_OFS + 6, 0x4000);
    frame_fix_ip4(&f, L3_OFS);
    struct frame e = icmp4(MAC_REMOTE, "10.1.0.99", 3, 4, 1450, &f);
    assert_refused(w, &f, OVL_DROP_TOO_BIG, &e);

    struct frame f6 = frame_udp6(MAC_REMOTE, MAC_VM1, "2001:db8::11",
                                 "2001:db8::99", 1000, 2000,
                                 1500 - 50 - 48 + 1);
    struct frame e6 = icmp6(MAC_REMOTE, "2001:db8::99", 2, 0, 1450, &f6);
    assert_refused(w, &f6, OVL_DROP_TOO_BIG, &e6);

    /* Without DF there is nobody who could fragment it. */
    frame_set16(&f, L3_OFS + 6, 0);
    frame_fix_ip4(&f, L3_OFS);
    assert_refused(w, &f, OVL_DROP_TOO_BIG, NULL);
}

/* RFC 8200 section 5, RFC 8201 section 4: nobody sends less than 1280. */
static void
ipv6_is_never_told_less_than_1280(void **state)
{
    struct world *w = *state;
    struct frame f6 = to_router6("2001:db8:2::14", 1280 - 48 + 1);
    struct frame e6 = icmp6(MAC_ROUTER, "2001:db8::1", 2, 0, 1280, &f6);

    ovl_forwarding_begin(w->fwd);
    set_network_b(w, 600);
    ovl_forwarding_commit(w->fwd);
    assert_refused(w, &f6, OVL_DROP_TOO_BIG, &e6);
}

/* RFC 1812 sections 4.2.2.11 (d) and 4.3.2.7: an answer would go to all. */
static void
directed_broadcast_is_no_source(void **state)
{
    struct world *w = *state;
    struct frame f = frame_udp4(MAC_ROUTER_B, MAC_VM4, "10.2.0.255",
                                "10.9.0.1", 1000, 2000, 40);
    struct frame ping = echo4("10.2.0.1", 8, MAC_ROUTER_B, MAC_VM4,
                              "10.2.0.255");

    assert_port_drop(w, w->loose, &f, OVL_DROP_MARTIAN_SOURCE);
    assert_port_drop(w, w->loose, &ping, OVL_DROP_MARTIAN_SOURCE);
}

/* RFC 4443 section 2.2: nobody speaks in the name of a group. */
static void
bridged_packet_to_a_group_gets_no_answer(void **state)
{
    struct world *w = *state;
    struct frame f6 = frame_udp6(MAC_REMOTE, MAC_VM1, "2001:db8::11",
                                 "ff02::1:5", 1000, 2000, 1500 - 50 - 48 + 1);

    assert_refused(w, &f6, OVL_DROP_TOO_BIG, NULL);
}

/* What was fragmented to more than IP can put together again would come out
 * of another cut with offsets that start over. */
static void
fragment_behind_the_end_of_a_datagram_is_dropped(void **state)
{
    struct world *w = *state;
    struct frame f = to_router("10.2.0.14", 1000);
    size_t last = (65535 - 1028) / 8;

    ovl_forwarding_begin(w->fwd);
    set_network_b(w, 600);
    ovl_forwarding_commit(w->fwd);
    frame_set16(&f, L3_OFS + 6, last + 1);
    frame_fix_ip4(&f, L3_OFS);
    assert_refused(w, &f, OVL_DROP_BAD_IP_HEADER, NULL);

    frame_set16(&f, L3_OFS + 6, last);
    frame_fix_ip4(&f, L3_OFS);
    world_receive(w, w->vm1, &f);
    assert_forwarded(w, 2);
    assert_int_equal(frame_get16(&w->out[1].frame, L3_OFS + 6),
                     last + 576 / 8);
}

/* ECMP. */

#define N_HOPS 5
#define N_FLOWS 500

static void
set_hops(struct world *w, unsigned int mask)
{
    struct ovl_nexthop hops[N_HOPS];
    size_t n = 0;

    ovl_forwarding_begin(w->fwd);
    for (int i = 0; i < N_HOPS; i++) {
        char ip[32], mac[32];

        sprintf(ip, "10.2.0.%d", 100 + i);
        sprintf(mac, "52:54:00:00:01:%02x", i);
        add_neighbor(w, VNI_B, ip, mac, w->loose, NULL);
        if (mask & 1 << i) {
            hops[n++] = (struct ovl_nexthop) { VNI_B, world_ip(ip), 0 };
        }
    }
    add_route(w, "10.8.0.0", 16, hops, n);
    ovl_forwarding_commit(w->fwd);
}

/* The next hop that flow 'flow' takes. */
static int
hop_of(struct world *w, int flow)
{
    struct frame f = frame_udp4(MAC_ROUTER, MAC_VM3, "10.1.0.13", "10.8.0.1",
                                1000 + flow, 2000, 40);

    world_receive(w, w->vm3, &f);
    assert_forwarded(w, 1);
    return w->out[0].frame.data[5];
}

static void
flows_spread_over_next_hops_and_stay(void **state)
{
    struct world *w = *state;
    int before[N_FLOWS];
    int n[N_HOPS] = { 0 };

    set_hops(w, 0x1f);
    for (int i = 0; i < N_FLOWS; i++) {
        before[i] = hop_of(w, i);
        n[before[i]]++;
        assert_int_equal(hop_of(w, i), before[i]);
    }
    for (int i = 0; i < N_HOPS; i++) {
        assert_in_range(n[i], N_FLOWS / N_HOPS / 2, N_FLOWS / N_HOPS * 2);
    }

    /* One goes: only its flows move. */
    set_hops(w, 0x1b);
    for (int i = 0; i < N_FLOWS; i++) {
        int now = hop_of(w, i);

        assert_true(before[i] == 2 ? now != 2 : now == before[i]);
    }

    /* It comes back: just those return. */
    set_hops(w, 0x1f);
    for (int i = 0; i < N_FLOWS; i++) {
        assert_int_equal(hop_of(w, i), before[i]);
    }

    /* It cannot be resolved: the same. */
    struct in6_addr ip = world_ip("10.2.0.102");
    ovl_forwarding_begin(w->fwd);
    ovl_neighbor_remove(w->fwd, VNI_B, &ip);
    ovl_forwarding_commit(w->fwd);
    for (int i = 0; i < N_FLOWS; i++) {
        int now = hop_of(w, i);

        assert_true(before[i] == 2 ? now != 2 : now == before[i]);
    }
}

static void
fragments_of_a_datagram_take_one_path(void **state)
{
    struct world *w = *state;

    set_hops(w, 0x1f);
    for (int i = 0; i < 50; i++) {
        struct frame f = frame_udp4(MAC_ROUTER, MAC_VM3, "10.1.0.13",
                                    "10.8.0.1", 1000 + i, 2000, 40);
        int hops[2];

        for (int j = 0; j < 2; j++) {
            frame_set16(&f, L3_OFS + 6, j ? 0x0005 : 0x2000);
            frame_fix_ip4(&f, L3_OFS);
            world_receive(w, w->vm3, &f);
            assert_forwarded(w, 1);
            hops[j] = w->out[0].frame.data[5];
        }
        assert_int_equal(hops[0], hops[1]);
    }
}

static void
without_a_next_hop_that_resolves_the_host_is_unreachable(void **state)
{
    struct world *w = *state;
    struct ovl_nexthop hops[] = {
        { VNI_B, world_ip("10.2.0.201"), 0 },
        { VNI_B, world_ip("10.2.0.202"), 0 },
    };

    ovl_forwarding_begin(w->fwd);
    add_route(w, "10.8.0.0", 16, hops, 2);
    ovl_forwarding_commit(w->fwd);
    struct frame f = to_router("10.8.0.1", 40);
    struct frame e = icmp4(MAC_ROUTER, "10.1.0.1", 3, 1, 0, &f);
    assert_refused(w, &f, OVL_DROP_NO_NEIGHBOR, &e);
}

/* RFC 1624: TTL goes down by one, and the checksum stays right, whatever it
 * was. */
static void
checksum_is_right_for_every_ttl_and_checksum(void **state OVS_UNUSED)
{
    for (int id = 0; id < 65536; id++) {
        struct frame f = to_router("10.2.0.14", 8);
        struct dp_packet packet;

        frame_set16(&f, L3_OFS + 4, id);
        frame_set8(&f, L3_OFS + 8, 2 + id % 254);
        frame_fix_ip4(&f, L3_OFS);
        dp_packet_use_const(&packet, f.data, f.len);
        struct ovl_pkt pkt = ovl_pkt_parse(f.data, f.len);
        struct ovl_pkt_router router = ovl_pkt_parse_for_router(f.data, &pkt);
        ovl_ip_rewrite(&packet, &pkt, &router, pkt.dst, pkt.src);
        assert_int_equal(csum(f.data + L3_OFS, 20), 0);
        assert_int_not_equal(frame_get16(&f, L3_OFS + 10), 0xffff);
    }
}

#define TEST(NAME)                                                           \
    cmocka_unit_test_setup_teardown(NAME, setup, world_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(packet_is_routed_between_networks_of_a_vrf),
        TEST(packet_may_go_back_to_its_own_network),
        TEST(packet_is_routed_into_a_tunnel_of_the_other_network),
        TEST(next_hop_of_a_route_gets_the_packet),
        TEST(route_through_an_l3_vni),
        TEST(packet_out_of_a_tunnel_may_be_routed_into_one),
        TEST(congestion_travels_from_tunnel_to_tunnel),
        TEST(congestion_in_a_tunnel_is_quoted),
        TEST(padding_does_not_travel),
        TEST(priority_tag_does_not_travel),
        TEST(fragments_are_routed_as_they_are),
        TEST(ttl_that_is_used_up_is_told),
        TEST(ttl_of_two_is_enough),
        TEST(action_of_a_route_is_told_but_for_blackhole),
        TEST(missing_row_means_host_unreachable),
        TEST(shared_address_is_nobodys),
        TEST(network_without_a_vrf_routes_nowhere),
        TEST(vrfs_do_not_see_each_other),
        TEST(martians_are_dropped_in_silence),
        TEST(bad_headers_are_dropped_in_silence),
        TEST(source_routes_and_bad_options_are_dropped),
        TEST(some_packets_get_no_error),
        TEST(directed_broadcast_gets_no_error),
        TEST(errors_quote_as_much_as_they_may),
        TEST(errors_are_limited),
        TEST(errors_into_tunnels_are_limited_per_network),
        TEST(errors_into_an_l3_vni_are_from_the_lowest_gateway),
        TEST(gateway_answers_to_ping),
        TEST(gateway_answers_to_ping_over_ipv6),
        TEST(gateway_has_no_other_service),
        TEST(unknown_protocol_is_pointed_at),
        TEST(too_big_packets_get_the_mtu_told),
        TEST(ipv4_without_df_is_fragmented),
        TEST(options_are_copied_as_their_flag_says),
        TEST(bridged_packet_that_does_not_fit_is_told_so),
        TEST(ipv6_is_never_told_less_than_1280),
        TEST(directed_broadcast_is_no_source),
        TEST(bridged_packet_to_a_group_gets_no_answer),
        TEST(fragment_behind_the_end_of_a_datagram_is_dropped),
        TEST(flows_spread_over_next_hops_and_stay),
        TEST(fragments_of_a_datagram_take_one_path),
        TEST(without_a_next_hop_that_resolves_the_host_is_unreachable),
        cmocka_unit_test(checksum_is_right_for_every_ttl_and_checksum),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
