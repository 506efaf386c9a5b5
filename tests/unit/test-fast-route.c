/* SPDX-License-Identifier: Apache-2.0 */

/* The fast path through the router, in the world of routed-world.h. */

#include <config.h>

#include "fast-fixture.h"

/* From the VM on port A to its router. */
static struct frame
udp4(const char *dst, size_t len)
{
    return frame_udp4(MAC_ROUTER, MAC_VM1, "10.1.0.11", dst, 1000, 2000, len);
}

static struct frame
udp6(const char *dst, size_t len)
{
    return frame_udp6(MAC_ROUTER, MAC_VM1, "2001:db8:1::11", dst, 1000, 2000,
                      len);
}

static const struct {
    const char *ip;
    size_t len;                 /* Of the payload. */
    bool taken;
} destinations[] = {
    { "10.2.0.14", 40, true },          /* Port in another network. */
    { "10.2.0.14", 600 - 28, true },    /* As large as its MTU, and larger. */
    { "10.2.0.14", 601 - 28, false },
    { "10.1.0.95", 40, true },          /* Its own network. */
    { "10.2.0.95", 40, true },          /* Over IPv6. */
    { "10.2.0.254", 40, true },
    { "10.2.0.1", 40, false },          /* Gateways. */
    { "10.1.0.1", 40, false },
    { "10.2.0.255", 40, false },        /* Broadcast. */
    { "10.1.0.12", 40, false },         /* VLAN. */
    { "10.1.0.98", 40, false },         /* Unresolved. */
    { "10.1.0.51", 40, false },         /* MAC without a way. */
    { "10.1.0.50", 40, false },         /* Shared. */
    { "10.1.0.77", 40, false },         /* Nobody. */
    { "10.3.7.200", 40, true },         /* Next hops: one, */
    { "8.8.8.8", 40, true },
    { "10.3.0.1", 40, false },          /* several, */
    { "10.4.0.1", 40, false },
    { "10.9.0.1", 40, false },          /* unresolved, */
    { "10.10.0.1", 40, false },         /* without a network. */
    { "10.5.0.1", 40, true },           /* Into a black hole. */
    { "10.6.0.1", 40, false },          /* Nothing of the kind. */
    { "10.7.0.1", 40, false },
    { "127.0.0.1", 40, false },
    { "224.0.0.1", 40, false },
    { "255.255.255.255", 40, false },
    { "0.0.0.0", 40, false },
    { "2001:db8:2::14", 40, true },
    { "2001:db8:2::14", 600 - 48, true },
    { "2001:db8:2::14", 601 - 48, false },
    { "2001:db8:4::1", 40, true },
    { "2001:db8:3::1", 40, false },
    { "2001:db8:2::1", 40, false },
    { "2001:db8:9::1", 40, false },
    { "fe80::99", 40, false },
    { "ff02::1", 40, false },
    { "::", 40, false },
    { "::1", 40, false },
    { "::ffff:10.2.0.14", 40, false },
};

static struct frame
frame_to(size_t i)
{
    return (is_v4(destinations[i].ip)
            ? udp4(destinations[i].ip, destinations[i].len)
            : udp6(destinations[i].ip, destinations[i].len));
}

static void
only_simple_routes_are_for_it(void **state)
{
    struct routed_world *r = *state;

    for (size_t i = 0; i < ARRAY_SIZE(destinations); i++) {
        struct frame f = frame_to(i);
        bool is_taken = taken(r->w, r->ports[PORT_A], &f, 1);

        if (is_taken != destinations[i].taken) {
            print_frame(destinations[i].ip, &f);
            fail();
        }
        assert_same(r->w, r->ports[PORT_A], &f, 1);

        /* Padding goes. */
        frame_put_pattern(&f, 9);
        assert_same(r->w, r->ports[PORT_A], &f, 1);
    }
}

/* Small packets, for the smallest MTU, where all of IPv6 has a route. */
static void
a_default_route_is_for_hosts(void **state)
{
    struct routed_world *r = *state;

    for (size_t i = 0; i < ARRAY_SIZE(destinations); i++) {
        struct frame f = (is_v4(destinations[i].ip)
                          ? udp4(destinations[i].ip, 12)
                          : udp6(destinations[i].ip, 12));

        assert_same(r->w, r->ports[PORT_C], &f, 1);
    }

    struct frame f = udp6("2001:db8:9::1", 12);
    assert_takes(r->w, r->ports[PORT_C], &f);
}

/* Neighbors that nobody should have configured, and gaps between those that
 * there are. */
static void
neighbors_are_not_enough(void **state)
{
    static const char *const ips[] = { "10.2.0.255", "10.1.0.1" };
    struct ovl_prefix gateway = { world_ip("10.1.0.1"), 128 };
    struct routed_world *r = *state;
    struct frame burst[4], f;

    ovl_forwarding_begin(r->w->fwd);
    for (size_t i = 0; i < ARRAY_SIZE(ips); i++) {
        ovl_neighbor_set(r->w->fwd, &(struct ovl_neighbor) {
            .vni = i ? 100 : 101, .ip = world_ip(ips[i]),
            .mac = mac_from(MAC_REMOTE),
        });
    }
    ovl_route_remove(r->w->fwd, VRF_RED, &gateway);
    ovl_forwarding_commit(r->w->fwd);
    for (size_t i = 0; i < ARRAY_SIZE(ips); i++) {
        f = udp4(ips[i], 40);
        assert_leaves(r->w, r->ports[PORT_A], &f);
    }

    burst[0] = udp4("10.1.0.77", 40);
    burst[1] = udp4("10.2.0.14", 40);
    burst[2] = udp4("10.1.0.78", 40);
    burst[3] = udp4("8.8.8.8", 40);
    assert_int_equal(taken(r->w, r->ports[PORT_A], burst, 4), 10);
    assert_same(r->w, r->ports[PORT_A], burst, 4);

    /* A port that says nothing of its MTU, in a network that neither does. */
    atomic_store_relaxed(&r->ports[PORT_A]->mtu, 0);
    f = frame_udp4("02:00:5e:00:01:02", MAC_HOST, "10.2.0.14", "10.1.0.11",
                   1, 2, 1000);
    assert_takes(r->w, r->ports[PORT_B], &f);
}

/* Each byte of headers, on ports of every network. */
static void
what_it_routes_is_as_by_the_passes(void **state)
{
    static const char *const macs[ROUTED_N_PORTS] = {
        [PORT_A] = MAC_ROUTER, [PORT_B] = "02:00:5e:00:01:02",
        [PORT_C] = MAC_ROUTER, [PORT_D] = MAC_ROUTER,
        [PORT_E] = "02:00:5e:00:01:03", [PORT_F] = MAC_ROUTER,
        [PORT_T] = MAC_ROUTER,
    };
    struct routed_world *r = *state;
    size_t n_taken = 0;

    for (size_t i = 0; i < ARRAY_SIZE(destinations); i++) {
        for (size_t port = 0; port < ROUTED_N_PORTS; port++) {
            struct eth_addr mac = mac_from(macs[port]);
            struct frame usual = frame_to(i);

            memcpy(usual.data, &mac, sizeof mac);
            for (size_t ofs = 12; ofs < MIN(usual.len, 62); ofs++) {
                struct frame f = usual;

                frame_set8(&f, ofs, f.data[ofs] ^ (1 << (ofs + i) % 8));
                n_taken += taken(r->w, r->ports[port], &f, 1);
                assert_same(r->w, r->ports[port], &f, 1);
                frame_repair(&f, L3_OFS);
                n_taken += taken(r->w, r->ports[port], &f, 1);
                assert_same(r->w, r->ports[port], &f, 1);
            }
        }
    }
    print_message("%"PRIuSIZE" taken\n", n_taken);
    assert_true(n_taken > 1000);
}

static void
hops_and_checksums_count(void **state)
{
    struct routed_world *r = *state;
    struct ovl_lport *a = r->ports[PORT_A];

    for (int ttl = 0; ttl < 256; ttl++) {
        for (int sum = 0; sum < 256; sum += 51) {
            struct frame f = udp4("10.2.0.95", 40), g = f;

            frame_set8(&f, L3_OFS + 8, ttl);
            frame_set16(&f, L3_OFS + 4, sum * 257);
            frame_fix_ip4(&f, L3_OFS);
            assert_int_equal(taken(r->w, a, &f, 1), ttl > 1);
            assert_same(r->w, a, &f, 1);
            if (ttl > 1) {
                assert_int_equal(r->w->n_out, 1);
            }
            frame_set16(&g, IP4_CSUM, frame_get16(&g, IP4_CSUM) ^ (ttl + 1));
            assert_leaves(r->w, a, &g);
        }

        struct frame f = udp6("2001:db8:4::1", 40);
        frame_set8(&f, L3_OFS + 7, ttl);
        assert_int_equal(taken(r->w, a, &f, 1), ttl > 1);
        assert_same(r->w, a, &f, 1);
    }
}

/* Sources that are no host's. */
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
        { "2001:db8:77::1", true }, { "fe80::1234", false },
        { "::1", false }, { "ff02::1", false },
    };
    struct routed_world *r = *state;

    for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
        struct frame f
            = (is_v4(sources[i].ip)
               ? frame_udp4(MAC_ROUTER, MAC_VM1, sources[i].ip, "10.2.0.14",
                            1, 2, 40)
               : frame_udp6(MAC_ROUTER, MAC_VM1, sources[i].ip,
                            "2001:db8:2::14", 1, 2, 40));

        for (int again = 0; again < 2; again++) {
            assert_int_equal(taken(r->w, r->ports[PORT_A], &f, 1),
                             sources[i].taken);
            assert_same(r->w, r->ports[PORT_A], &f, 1);
        }
    }
}

/* Bridged, routed and others in one burst, some to the same destination in a
 * row. */
static void
bursts_are_of_all_kinds(void **state)
{
    struct routed_world *r = *state;
    struct frame burst[NETDEV_MAX_BURST];
    size_t n_taken = 0;

    for (unsigned int seed = 1; seed < 300; seed++) {
        uint32_t random = seed * 2654435761u;

        for (size_t i = 0; i < ARRAY_SIZE(burst); i++) {
            size_t number;

            random = random * 1664525 + 1013904223;
            do {
                number = (random >> 16) % ARRAY_SIZE(destinations);
                random = random * 1664525 + 1013904223;

                /* Errors about many would be too many. */
            } while (!destinations[number].taken);
            if (random >> 28 == 0) {
                burst[i] = frame_arp_request(MAC_VM1, "10.1.0.11",
                                             "10.1.0.95");
            } else if (random >> 30 == 1) {
                burst[i] = frame_udp4(MAC_REMOTE, MAC_VM1, "10.1.0.11",
                                      "10.1.0.95", 1, i, 40);
            } else if (random >> 30 == 2 && i) {
                burst[i] = burst[i - 1];
            } else {
                burst[i] = frame_to(number);
            }
        }
        n_taken += count_1bits(taken(r->w, r->ports[PORT_A], burst,
                                     ARRAY_SIZE(burst)));
        assert_same(r->w, r->ports[PORT_A], burst, ARRAY_SIZE(burst));
    }
    assert_true(n_taken > 300 * NETDEV_MAX_BURST / 2);
}

/* Told, until nothing more is said, and then dropped on the way, until
 * something may be said again. */
static void
assert_told(struct routed_world *r, struct frame f,
            enum ovl_drop_reason reason)
{
    struct ovl_lport *a = r->ports[PORT_A];
    uint32_t drops = world_drops_of(r->w, a) + reason;
    uint64_t before = ovl_counter_read(drops);
    size_t n_told = 0, n_taken = 0;

    r->w->pause = 1000;
    world_receive(r->w, r->ports[PORT_B], &f);
    r->w->pause = 0;
    for (int i = 0; i < 100; i++) {
        n_taken += taken(r->w, a, &f, 1);
        world_receive(r->w, a, &f);
        n_told += r->w->n_out;
        assert_int_equal(world_delta(r->w, OVL_TOTAL_DROPPED), 1);
    }
    assert_int_equal(n_told, 50);
    assert_int_equal(n_taken, 50);
    assert_int_equal(ovl_counter_read(drops) - before, 100);
    r->w->pause = 10;
    world_receive(r->w, a, &f);
    assert_int_equal(r->w->n_out, 1);
}

static void
nothing_is_said_too_often(void **state)
{
    struct routed_world *r = *state;

    assert_told(r, udp6("2001:db8:9::1", 40), OVL_DROP_NO_ROUTE);
    assert_told(r, udp4("10.1.0.77", 40), OVL_DROP_NO_NEIGHBOR);
    assert_told(r, udp4("10.2.0.50", 40), OVL_DROP_NO_NEIGHBOR);
    assert_told(r, udp4("10.1.0.50", 40), OVL_DROP_NO_NEIGHBOR);
}

/* What was true is not, once a row says otherwise. */
static void
routes_change(void **state)
{
    struct routed_world *r = *state;
    struct frame f = udp4("10.3.7.200", 40), g = udp4("10.2.0.14", 40);
    struct ovl_prefix prefix = { world_ip("10.3.7.128"), 96 + 25 };
    struct ovl_lport *a = r->ports[PORT_A];

    assert_takes(r->w, a, &f);
    ovl_forwarding_begin(r->w->fwd);
    ovl_route_remove(r->w->fwd, VRF_RED, &prefix);
    ovl_forwarding_commit(r->w->fwd);
    assert_same(r->w, a, &f, 1);
    assert_int_equal(r->w->n_out, 0);   /* The black hole. */

    assert_takes(r->w, a, &g);
    assert_ptr_equal(r->w->out[0].port, r->ports[PORT_B]);
    atomic_store_relaxed(&r->ports[PORT_B]->mtu, 67);
    assert_leaves(r->w, a, &g);
    atomic_store_relaxed(&r->ports[PORT_B]->mtu, 68);
    assert_takes(r->w, a, &g);
    atomic_store_relaxed(&r->ports[PORT_B]->mtu, 0);
    assert_takes(r->w, a, &g);
    atomic_store_relaxed(&r->ports[PORT_B]->alive, false);
    assert_leaves(r->w, a, &g);
    atomic_store_relaxed(&r->ports[PORT_B]->alive, true);

    ovl_forwarding_begin(r->w->fwd);
    ovl_neighbor_set(r->w->fwd, &(struct ovl_neighbor) {
        .vni = 101, .ip = world_ip("10.2.0.14"), .mac = mac_from(MAC_REMOTE),
    });
    ovl_forwarding_commit(r->w->fwd);
    assert_takes(r->w, a, &g);
    assert_ptr_equal(r->w->out[0].port, r->w->eth1);
    ovl_forwarding_begin(r->w->fwd);
    ovl_network_remove(r->w->fwd, 101);
    ovl_forwarding_commit(r->w->fwd);
    assert_leaves(r->w, a, &g);
    assert_int_equal(r->w->n_out, 1);   /* Unreachable, it is told. */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        routed_test(only_simple_routes_are_for_it),
        routed_test(a_default_route_is_for_hosts),
        routed_test(neighbors_are_not_enough),
        routed_test(what_it_routes_is_as_by_the_passes),
        routed_test(hops_and_checksums_count),
        routed_test(senders_count),
        routed_test(bursts_are_of_all_kinds),
        routed_test(nothing_is_said_too_often),
        routed_test(routes_change),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
