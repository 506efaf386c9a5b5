/* SPDX-License-Identifier: Apache-2.0 */

/* The fast path of tagged frames from L2 gateway ports, in the world of
 * routed-world.h. */

#include <config.h>

#include "fast-fixture.h"

#include "fast-memo.h"

static struct frame
tagged(struct frame f, uint16_t vlan)
{
    return frame_tag(&f, 0x8100, vlan);
}

/* From the host behind VLAN 10 or 20. */
static struct frame
udp4(const char *mac, const char *dst, size_t len)
{
    return frame_udp4(mac, MAC_VM2, "10.1.0.12", dst, 1000, 2000, len);
}

static struct frame
udp6(const char *mac, const char *dst, size_t len)
{
    return frame_udp6(mac, MAC_VM2, "2001:db8:1::12", dst, 1000, 2000, len);
}

static struct frame
to(const char *mac, const char *ip, size_t len)
{
    return is_v4(ip) ? udp4(mac, ip, len) : udp6(mac, ip, len);
}

/* On VLAN 10. */
static const struct {
    const char *mac, *ip;
    size_t len;                 /* Of the payload. */
    bool taken;
} destinations[] = {
    { MAC_VM1, "10.1.0.11", 40, true },         /* Bridged: port, */
    { MAC_VM1, "2001:db8:1::11", 40, true },
    { MAC_REMOTE, "10.1.0.95", 40, true },      /* tunnel, */
    { MAC_REMOTE, "10.1.0.95", 1450 - 28, true },
    { MAC_REMOTE, "10.1.0.95", 1451 - 28, false },
    { MAC_REMOTE, "2001:db8:1::95", 40, true },
    { "52:54:00:00:00:96", "10.1.0.96", 40, true },     /* over IPv6. */
    { MAC_UNRESOLVED, "10.1.0.98", 40, false },
    { MAC_UNKNOWN, "10.1.0.51", 40, false },
    { MAC_VM2, "10.1.0.12", 40, false },
    { MAC_BROADCAST, "10.1.0.255", 40, false },
    { MAC_ROUTER, "10.2.0.14", 40, true },      /* Routed: neighbors, */
    { MAC_ROUTER, "10.2.0.14", 600 - 28, true },
    { MAC_ROUTER, "10.2.0.14", 601 - 28, false },
    { MAC_ROUTER, "10.1.0.95", 40, true },
    { MAC_ROUTER, "10.2.0.95", 40, true },
    { MAC_ROUTER, "2001:db8:2::14", 40, true },
    { MAC_ROUTER, "10.3.7.200", 40, true },     /* one next hop, */
    { MAC_ROUTER, "8.8.8.8", 40, true },
    { MAC_ROUTER, "2001:db8:4::1", 40, true },
    { MAC_ROUTER, "10.3.0.1", 40, false },      /* several, */
    { MAC_ROUTER, "10.2.0.77", 40, false },     /* in a VLAN, */
    { MAC_ROUTER, "10.1.0.1", 40, false },      /* to the router itself, */
    { MAC_ROUTER, "10.2.0.1", 40, false },
    { MAC_ROUTER, "10.1.0.255", 40, false },
    { MAC_ROUTER, "10.1.0.50", 40, false },     /* nowhere. */
    { MAC_ROUTER, "10.1.0.77", 40, false },
    { MAC_ROUTER, "10.5.0.1", 40, false },
    { MAC_ROUTER, "10.6.0.1", 40, false },
    { MAC_ROUTER, "10.9.0.1", 40, false },
    { MAC_ROUTER, "10.10.0.1", 40, false },
    { MAC_ROUTER, "127.0.0.1", 40, false },
    { MAC_ROUTER, "2001:db8:9::1", 40, false },
    { MAC_ROUTER, "fe80::99", 40, false },
};

static struct frame
frame_to(size_t i)
{
    return to(destinations[i].mac, destinations[i].ip, destinations[i].len);
}

static void
frames_of_vlans_take_it(void **state)
{
    struct routed_world *r = *state;
    struct ovl_lport *t = r->ports[PORT_T];

    for (size_t i = 0; i < ARRAY_SIZE(destinations); i++) {
        for (uint16_t pcp = 0; pcp < 16; pcp += 5) {
            struct frame f = tagged(frame_to(i), pcp << 12 | 10);

            for (int again = 0; again < 2; again++) {
                if (taken(r->w, t, &f, 1) != destinations[i].taken) {
                    print_frame(destinations[i].ip, &f);
                    fail();
                }
                assert_same(r->w, t, &f, 1);
            }
            frame_put_pattern(&f, 9);   /* Padding. */
            assert_same(r->w, t, &f, 1);
        }
    }
}

static void
other_frames_do_not(void **state)
{
    struct routed_world *r = *state;
    struct ovl_lport *t = r->ports[PORT_T];
    struct frame plain = frame_to(0), twice = tagged(plain, 10);
    const struct frame frames[] = {
        plain,
        tagged(plain, 0),
        tagged(plain, 11),
        tagged(plain, 4095),
        frame_tag(&plain, 0x88a8, 10),
        frame_tag(&twice, 0x8100, 10),
        frame_tag(&twice, 0x88a8, 10),
        tagged(frame_arp_request(MAC_VM2, "10.1.0.12", "10.1.0.95"), 10),
        tagged(frame_udp4(MAC_VM1, MAC_VM2, "10.1.0.1", "10.1.0.11", 1, 2,
                          40), 10),
        tagged(frame_udp4(MAC_VM1, MAC_ROUTER, "10.1.0.12", "10.1.0.11", 1, 2,
                          40), 10),
        tagged(frame_udp4(MAC_VM1, MAC_VM1, "10.1.0.12", "10.1.0.11", 1, 2,
                          40), 10),
        tagged(frame_udp4(MAC_VM1, "01:00:00:00:00:01", "10.1.0.12",
                          "10.1.0.11", 1, 2, 40), 10),
    };

    for (size_t i = 0; i < ARRAY_SIZE(frames); i++) {
        assert_leaves(r->w, t, &frames[i]);
    }
    assert_leaves(r->w, r->ports[PORT_A], &twice);

    /* Without a memo there is none. */
    struct ovl_memo *memo = r->w->worker.memo;
    assert_takes(r->w, t, &twice);
    r->w->worker.memo = NULL;
    assert_leaves(r->w, t, &twice);
    r->w->worker.memo = memo;
}

/* Each byte of headers, and each length. */
static void
what_it_takes_is_as_by_the_passes(void **state)
{
    struct routed_world *r = *state;
    struct ovl_lport *t = r->ports[PORT_T];
    size_t n_taken = 0;

    for (size_t i = 0; i < ARRAY_SIZE(destinations); i++) {
        for (uint16_t vlan = 0; vlan <= 20; vlan += 10) {
            struct frame usual = tagged(frame_to(i), vlan);

            for (size_t ofs = 0; ofs < MIN(usual.len, 66); ofs++) {
                struct frame f = usual;

                frame_set8(&f, ofs, f.data[ofs] ^ (1 << (ofs + i) % 8));
                n_taken += taken(r->w, t, &f, 1);
                assert_same(r->w, t, &f, 1);
                frame_repair(&f, L3_OFS + 4);
                n_taken += taken(r->w, t, &f, 1);
                assert_same(r->w, t, &f, 1);
                f = frame_cut(&usual, ofs);
                assert_same(r->w, t, &f, 1);
            }
        }
    }
    print_message("%"PRIuSIZE" taken\n", n_taken);
    assert_true(n_taken > 1000);
}

/* What few rows say. */
static void
ways_do_not_matter_to_rules(void **state)
{
    struct routed_world *r = *state;
    struct ovl_lport *t = r->ports[PORT_T];
    struct frame f = tagged(to(MAC_UNKNOWN, "10.1.0.51", 40), 10);
    struct frame group = tagged(to("01:00:5e:00:00:09", "10.1.0.51", 40), 10);

    world_set_mac(r->w, 100, "01:00:5e:00:00:09", r->ports[PORT_A], 0, NULL);
    assert_leaves(r->w, t, &group);
    world_set_mac(r->w, 100, MAC_UNKNOWN, r->ports[PORT_A], 0, NULL);
    assert_takes(r->w, t, &f);
    atomic_store_relaxed(&r->ports[PORT_A]->alive, false);
    assert_leaves(r->w, t, &f);
    atomic_store_relaxed(&r->ports[PORT_A]->alive, true);
    world_set_mac(r->w, 100, MAC_UNKNOWN, r->ports[PORT_A], 7, NULL);
    assert_leaves(r->w, t, &f);
    world_set_mac(r->w, 100, MAC_UNKNOWN, t, 0, NULL);
    assert_leaves(r->w, t, &f);

    /* A gateway without a route of its own, with a neighbor. */
    struct ovl_prefix gateway = { world_ip("10.1.0.1"), 128 };
    f = tagged(to(MAC_ROUTER, "10.1.0.1", 40), 10);
    ovl_forwarding_begin(r->w->fwd);
    ovl_route_remove(r->w->fwd, VRF_RED, &gateway);
    ovl_neighbor_set(r->w->fwd, &(struct ovl_neighbor) {
        .vni = 100, .ip = gateway.addr, .mac = mac_from(MAC_REMOTE),
    });
    ovl_forwarding_commit(r->w->fwd);
    assert_leaves(r->w, t, &f);

    /* A network with an MTU. */
    struct ovl_vlan_binding vlan = { .vlan = 10, .vni = 101 };
    ovl_forwarding_begin(r->w->fwd);
    ovl_binding_set(r->w->fwd, &(struct ovl_binding) {
        .port = t, .role = OVL_ROLE_GATEWAY, .n_vlans = 1, .vlans = &vlan,
    });
    ovl_forwarding_commit(r->w->fwd);
    f = tagged(to(MAC_REMOTE, "10.2.0.95", 600 - 28), 10);
    assert_takes(r->w, t, &f);
    f = tagged(to(MAC_REMOTE, "10.2.0.95", 601 - 28), 10);
    assert_leaves(r->w, t, &f);
}

/* A network may have several gateways, none of which is behind a route. */
static void
every_gateway_is_the_router(void **state)
{
    struct routed_world *r = *state;
    struct ovl_lport *t = r->ports[PORT_T];
    struct frame first = tagged(to(MAC_ROUTER, "10.1.1.1", 40), 10);
    struct frame last = tagged(to(MAC_ROUTER, "10.1.2.1", 40), 10);
    struct frame none = tagged(to(MAC_ROUTER, "10.1.3.1", 40), 10);
    struct ovl_gateway gateways[] = {
        { world_ip("10.1.1.1"), 96 + 24 }, { world_ip("10.1.2.1"), 96 + 24 },
    };
    char vrf[] = "red";

    assert_takes(r->w, t, &first);
    assert_takes(r->w, t, &last);
    ovl_forwarding_begin(r->w->fwd);
    ovl_network_set(r->w->fwd, &(struct ovl_network) {
        .vni = 100, .source_group = VRF_RED, .vrf = vrf,
        .router_mac = mac_from(MAC_ROUTER),
        .n_gateways = ARRAY_SIZE(gateways), .gateways = gateways,
    });
    ovl_forwarding_commit(r->w->fwd);
    assert_leaves(r->w, t, &first);
    assert_leaves(r->w, t, &last);
    assert_takes(r->w, t, &none);
}

/* Of those behind one route, each is told so. */
static void
who_has_no_neighbor_stays_out(void **state)
{
    struct routed_world *r = *state;
    struct ovl_lport *t = r->ports[PORT_T];
    struct ovl_prefix prefix = { world_ip("20.0.0.0"), 96 + 24 };
    struct ovl_nexthop hop = { .vni = 100, .ip = world_ip("10.1.0.77") };
    const struct frame burst[] = {
        tagged(to(MAC_ROUTER, "20.0.0.1", 40), 10),
        tagged(to(MAC_ROUTER, "10.2.0.14", 40), 10),
    };
    struct frame f = tagged(to(MAC_ROUTER, "10.2.0.254", 40), 10);

    ovl_forwarding_begin(r->w->fwd);
    ovl_route_set(r->w->fwd, VRF_RED, &prefix, &(struct ovl_route) {
        .action = OVL_ROUTE_FORWARD, .n_nexthops = 1, .nexthops = &hop,
    });
    ovl_forwarding_commit(r->w->fwd);
    assert_int_equal(taken(r->w, t, burst, 2), 2);
    assert_same(r->w, t, burst, 2);
    assert_takes(r->w, t, &f);

    /* Also when nothing more is said. */
    r->w->pause = 0;
    for (int i = 0; i < 100; i++) {
        assert_int_equal(taken(r->w, t, burst, 1), 0);
        world_receive(r->w, t, &burst[0]);
    }
    assert_int_equal(r->w->n_out, 0);
    assert_int_not_equal(ovl_counter_read(world_vlan_drops_of(r->w, t, 10)
                                          + OVL_DROP_NO_NEIGHBOR), 0);
}

/* What its sender has left to us is not the fast path's to do. */
static void
checksums_are_filled_in(void **state)
{
    struct routed_world *r = *state;
    struct frame plain = to(MAC_VM1, "10.1.0.11", 40);
    struct frame f = tagged(plain, 10);

    frame_set16(&f, UDP_CSUM + 4, 0xdead);
    world_receive_marked(r->w, r->ports[PORT_T], &f,
                         DP_PACKET_OL_TX_UDP_CKSUM, 0);
    assert_int_equal(r->w->n_out, 1);
    assert_frame_equal(&r->w->out[0].frame, &plain);

    f = tagged(plain, 10);
    world_receive_marked(r->w, r->ports[PORT_T], &f,
                         DP_PACKET_OL_RSS_HASH
                         | DP_PACKET_OL_RX_L4_CKSUM_GOOD, 0);
    assert_int_equal(r->w->n_out, 1);
    assert_int_equal(r->w->out[0].marks, 0);
}

static void
senders_count(void **state)
{
    static const struct {
        const char *ip;
        bool taken;
    } sources[] = {
        { "10.1.0.12", true }, { "198.51.100.1", true },
        { "10.1.0.255", false }, { "0.0.0.1", false },
        { "127.1.1.1", false }, { "225.1.1.1", false },
        { "10.1.0.1", false },
        { "2001:db8:77::1", true }, { "fe80::1234", false },
        { "::1", false }, { "ff02::1", false },
    };
    struct routed_world *r = *state;
    struct ovl_lport *t = r->ports[PORT_T];

    for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
        struct frame f
            = (!strchr(sources[i].ip, ':')
               ? frame_udp4(MAC_ROUTER, MAC_VM2, sources[i].ip, "10.2.0.14",
                            1, 2, 40)
               : frame_udp6(MAC_ROUTER, MAC_VM2, sources[i].ip,
                            "2001:db8:2::14", 1, 2, 40));

        f = tagged(f, 10);
        for (int again = 0; again < 2; again++) {
            assert_int_equal(taken(r->w, t, &f, 1), sources[i].taken);
            assert_same(r->w, t, &f, 1);
        }
    }
}

/* VLANs that there are and are not, bridged, routed and others in one burst,
 * some to the same destination in a row.  Flows stay in order. */
static void
bursts_are_of_all_kinds(void **state)
{
    struct routed_world *r = *state;
    struct ovl_lport *t = r->ports[PORT_T];
    struct frame burst[NETDEV_MAX_BURST];
    size_t n_taken = 0;

    for (unsigned int seed = 1; seed < 300; seed++) {
        uint32_t random = seed * 2654435761u;

        if (seed % 20 == 1) {
            world_set_mac(r->w, 100, MAC_UNKNOWN, NULL, 0,
                          r->vteps[seed % 40 == 1 ? VTEP_1 : VTEP_2]);
        }
        for (size_t i = 0; i < ARRAY_SIZE(burst); i++) {
            static const uint16_t vlans[] = { 10, 20, 10, 20, 10, 20, 0, 11 };
            size_t number;

            random = random * 1664525 + 1013904223;
            do {
                number = (random >> 16) % ARRAY_SIZE(destinations);
                random = random * 1664525 + 1013904223;

                /* Errors about many would be too many. */
            } while (!destinations[number].taken);
            if (random >> 30 == 2 && i) {
                burst[i] = burst[i - 1];
            } else if (random >> 27 == 1) {
                burst[i] = tagged(to(MAC_UNKNOWN, "10.1.0.51", i), 10);
            } else {
                struct frame f = to(destinations[number].mac,
                                    destinations[number].ip, 9 + i);

                burst[i] = tagged(f, vlans[(random >> 20)
                                           % ARRAY_SIZE(vlans)]);
            }
        }
        n_taken += count_1bits(taken(r->w, t, burst, ARRAY_SIZE(burst)));
        assert_same(r->w, t, burst, ARRAY_SIZE(burst));
    }
    print_message("%"PRIuSIZE" taken\n", n_taken);
    assert_true(n_taken > 300 * NETDEV_MAX_BURST / 4);
}

/* Ports whose VLANs are remembered at the same place. */
static void
ports_do_not_mix(void **state)
{
    struct routed_world *r = *state;
    struct ovl_lport *t = r->ports[PORT_T], *others[16];
    struct ovl_memo *memo = r->w->worker.memo;
    struct ovl_vlan_binding vlan = { .vlan = 10, .vni = 200 };
    struct ovl_lport *twin = NULL;

    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        others[i] = world_port_create("twin", MAC_VM3);
        if (ovl_memo_vlan(memo, others[i]->id, 10)
            == ovl_memo_vlan(memo, t->id, 10)) {
            twin = others[i];
        }
    }
    assert_non_null(twin);
    ovl_forwarding_begin(r->w->fwd);
    ovl_binding_set(r->w->fwd, &(struct ovl_binding) {
        .port = twin, .role = OVL_ROLE_GATEWAY, .n_vlans = 1, .vlans = &vlan,
    });
    ovl_forwarding_commit(r->w->fwd);
    for (int again = 0; again < 3; again++) {
        for (size_t i = 0; i < ARRAY_SIZE(destinations); i++) {
            struct frame f = tagged(frame_to(i), 10);

            assert_same(r->w, t, &f, 1);
            assert_same(r->w, twin, &f, 1);
        }
    }

    struct frame f = tagged(udp4(MAC_REMOTE, "10.1.0.95", 40), 10);
    assert_takes(r->w, t, &f);
    assert_takes(r->w, twin, &f);

    ovl_forwarding_begin(r->w->fwd);
    ovl_binding_remove(r->w->fwd, twin->id);
    ovl_forwarding_commit(r->w->fwd);
    assert_leaves(r->w, twin, &f);
    assert_takes(r->w, t, &f);
    while (ovl_forwarding_collect(r->w->fwd)) {
        ovsrcu_quiesce();
    }
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        ovl_lport_unref(others[i]);
    }
}

/* Routes that are remembered at the same place. */
static void
routes_do_not_mix(void **state)
{
    struct routed_world *r = *state;
    struct ovl_lport *t = r->ports[PORT_T];
    struct frame f = tagged(udp4(MAC_ROUTER, "10.3.7.200", 40), 10);

    assert_takes(r->w, t, &f);
    ovl_forwarding_begin(r->w->fwd);
    for (uint32_t i = 0; i < OVL_N_KNOWN_HOPS + 100; i++) {
        struct ovl_prefix prefix = {
            in6_addr_mapped_ipv4(htonl(0x14000000 + i)), 128
        };
        struct ovl_nexthop hop = {
            .vni = 100, .ip = in6_addr_mapped_ipv4(htonl(0x15000000 + i))
        };
        struct ovl_route route = {
            .action = OVL_ROUTE_FORWARD, .n_nexthops = 1, .nexthops = &hop,
        };

        ovl_route_set(r->w->fwd, VRF_RED, &prefix, &route);
        ovl_neighbor_set(r->w->fwd, &(struct ovl_neighbor) {
            .vni = 100, .ip = hop.ip,
            .mac = mac_from(i % 2 ? MAC_REMOTE : MAC_VM1),
        });
    }
    ovl_forwarding_commit(r->w->fwd);
    for (uint32_t i = 0; i < OVL_N_KNOWN_HOPS + 100; i++) {
        struct frame burst[3] = { f, f, f };

        if (i > 200 && i < OVL_N_KNOWN_HOPS - 200) {
            continue;
        }
        frame_set32(&burst[0], L3_OFS + 4 + 16, 0x14000000 + i);
        frame_fix_ip4(&burst[0], L3_OFS + 4);
        frame_set32(&burst[2], L3_OFS + 4 + 16,
                    0x14000000 + (i ^ OVL_N_KNOWN_HOPS));
        frame_fix_ip4(&burst[2], L3_OFS + 4);
        assert_int_equal(taken(r->w, t, burst, 2), 3);
        assert_same(r->w, t, burst, 3);
    }
}

/* What was true is not, once a row says otherwise. */
static void
knowledge_does_not_outlive_rows(void **state)
{
    struct routed_world *r = *state;
    struct ovl_forwarding *fwd = r->w->fwd;
    struct ovl_lport *t = r->ports[PORT_T];
    struct frame bridged = tagged(udp4(MAC_REMOTE, "10.1.0.95", 40), 10);
    struct frame routed = tagged(udp4(MAC_ROUTER, "10.3.7.200", 40), 10);
    struct ovl_prefix prefix = { world_ip("10.3.7.128"), 96 + 25 };
    struct ovl_nexthop hop = { .vni = 100, .ip = world_ip("10.1.0.95") };
    struct ovl_vlan_binding vlans[] = {
        { .vlan = 10, .vni = 200 }, { .vlan = 20, .vni = 100 },
    };

    assert_takes(r->w, t, &bridged);
    assert_takes(r->w, t, &routed);
    world_set_mac(r->w, 100, MAC_REMOTE, r->ports[PORT_A], 0, NULL);
    assert_takes(r->w, t, &bridged);
    assert_ptr_equal(r->w->out[0].port, r->ports[PORT_A]);
    assert_takes(r->w, t, &routed);
    assert_ptr_equal(r->w->out[0].port, r->w->eth1);

    /* The next hop's MAC, where that is, whether it can be reached. */
    ovl_forwarding_begin(fwd);
    ovl_neighbor_set(fwd, &(struct ovl_neighbor) {
        .vni = 101, .ip = world_ip("10.2.0.254"), .mac = mac_from(MAC_HOST),
    });
    ovl_forwarding_commit(fwd);
    assert_takes(r->w, t, &routed);
    assert_ptr_equal(r->w->out[0].port, r->ports[PORT_B]);
    atomic_store_relaxed(&r->ports[PORT_B]->alive, false);
    assert_leaves(r->w, t, &routed);
    atomic_store_relaxed(&r->ports[PORT_B]->alive, true);
    assert_takes(r->w, t, &routed);
    world_set_mac(r->w, 101, MAC_HOST, NULL, 0, r->vteps[VTEP_2]);
    assert_takes(r->w, t, &routed);
    assert_ptr_equal(r->w->out[0].port, r->w->eth1);
    ovl_vtep_set_adjacency(r->vteps[VTEP_2], NULL, OVL_DROP_VTEP_UNRESOLVED);
    assert_leaves(r->w, t, &routed);
    world_resolve(r->w, r->vteps[VTEP_2], 60);
    assert_leaves(r->w, t, &routed);
    world_resolve(r->w, r->vteps[VTEP_2], 1500);
    assert_takes(r->w, t, &routed);

    /* The route. */
    ovl_forwarding_begin(fwd);
    ovl_route_set(fwd, VRF_RED, &prefix, &(struct ovl_route) {
        .action = OVL_ROUTE_FORWARD, .n_nexthops = 1, .nexthops = &hop,
    });
    ovl_forwarding_commit(fwd);
    assert_takes(r->w, t, &routed);
    assert_ptr_equal(r->w->out[0].port, r->ports[PORT_A]);
    ovl_forwarding_begin(fwd);
    ovl_route_remove(fwd, VRF_RED, &prefix);
    ovl_forwarding_commit(fwd);
    assert_leaves(r->w, t, &routed);    /* The black hole. */

    /* The binding. */
    routed = tagged(udp4(MAC_ROUTER, "10.2.0.14", 40), 10);
    assert_takes(r->w, t, &routed);
    ovl_forwarding_begin(fwd);
    ovl_binding_set(fwd, &(struct ovl_binding) {
        .port = t, .role = OVL_ROLE_GATEWAY, .n_vlans = 2, .vlans = vlans,
    });
    ovl_forwarding_commit(fwd);
    assert_leaves(r->w, t, &routed);
    assert_takes(r->w, t, &bridged);
    routed = tagged(udp4(MAC_ROUTER, "10.2.0.14", 40), 20);
    assert_takes(r->w, t, &routed);

    /* The networks. */
    ovl_forwarding_begin(fwd);
    ovl_network_remove(fwd, 101);
    ovl_forwarding_commit(fwd);
    assert_leaves(r->w, t, &routed);
    ovl_forwarding_begin(fwd);
    ovl_network_remove(fwd, 200);
    ovl_forwarding_commit(fwd);
    assert_leaves(r->w, t, &bridged);
    assert_int_equal(r->w->n_out, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        routed_test(frames_of_vlans_take_it),
        routed_test(other_frames_do_not),
        routed_test(what_it_takes_is_as_by_the_passes),
        routed_test(ways_do_not_matter_to_rules),
        routed_test(every_gateway_is_the_router),
        routed_test(who_has_no_neighbor_stays_out),
        routed_test(checksums_are_filled_in),
        routed_test(senders_count),
        routed_test(bursts_are_of_all_kinds),
        routed_test(ports_do_not_mix),
        routed_test(routes_do_not_mix),
        routed_test(knowledge_does_not_outlive_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
