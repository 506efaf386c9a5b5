/* SPDX-License-Identifier: Apache-2.0 */

/* What comes from the underlay: VXLAN for us with everything that can be
 * wrong with it, and what is the host's.  The topology is drawn in
 * world.h. */

#include <config.h>

#include "csum.h"
#include "world-asserts.h"

static struct frame
inner_to(const char *dst)
{
    return frame_udp4(dst, MAC_REMOTE, "10.1.0.99", "10.1.0.11", 1, 2, 40);
}

static struct frame
tunneled(const struct frame *inner)
{
    return frame_vxlan4(MAC_LOCAL, MAC_NEXTHOP, IP_VTEP, IP_OWN, 0, 50000,
                        VNI, inner);
}

static struct frame
good(void)
{
    struct frame inner = inner_to(MAC_VM1);

    return tunneled(&inner);
}

/* Dropped on the uplink, without a network. */
#define assert_uplink_drop(W, FRAME, REASON)                                 \
    assert_drop(W, (W)->eth1, FRAME, (W)->eth1->drops, REASON)

static void
assert_goes_to_the_host(struct world *w, const struct frame *f)
{
    world_receive(w, w->eth1, f);
    assert_forwarded(w, 1);
    assert_output(w, 0, w->local, f);
}

/* Negative cases. */

static void
flags_without_i_or_with_p_are_dropped(void **state)
{
    struct world *w = *state;

    for (int flags = 0; flags < 256; flags++) {
        struct frame f = good();

        frame_set8(&f, VXLAN_OFS, flags);
        if (flags & 0x08 && !(flags & 0x04)) {
            world_receive(w, w->eth1, &f);
            assert_forwarded(w, 1);
        } else {
            assert_uplink_drop(w, &f, OVL_DROP_VXLAN_BAD_FLAGS);
        }
    }
}

static void
reserved_bits_are_ignored(void **state)
{
    static const size_t reserved[] = { 1, 2, 3, 7 };
    struct world *w = *state;
    struct frame inner = inner_to(MAC_VM1);

    for (size_t i = 0; i < ARRAY_SIZE(reserved); i++) {
        for (int bit = 0; bit < 8; bit++) {
            struct frame f = good();

            frame_set8(&f, VXLAN_OFS + reserved[i], 1 << bit);
            world_receive(w, w->eth1, &f);
            assert_forwarded(w, 1);
            assert_output(w, 0, w->vm1, &inner);
        }
    }
}

static void
unknown_vni_is_dropped(void **state)
{
    static const uint32_t vnis[] = { 0, 1, 4095, 4096, 5000, 5003, 0xfffffe,
                                     0xffffff };
    struct world *w = *state;

    for (size_t i = 0; i < ARRAY_SIZE(vnis); i++) {
        struct frame f = good();

        frame_set32(&f, VXLAN_OFS + 4, vnis[i] << 8);
        assert_uplink_drop(w, &f, OVL_DROP_VXLAN_UNKNOWN_VNI);
    }
}

static void
unknown_vtep_is_dropped(void **state)
{
    struct world *w = *state;
    struct frame f = good();

    frame_set32(&f, IP4_SRC, 0xc0000209);       /* 192.0.2.9 */
    frame_fix_ip4(&f, L3_OFS);
    assert_tunnel_drop(w, &f, OVL_DROP_UNKNOWN_VTEP);

    /* Known, but not in this network. */
    f = good();
    frame_set32(&f, VXLAN_OFS + 4, VNI_OTHER << 8);
    assert_drop(w, w->eth1, &f, world_tunnel_drops_of(w, VNI_OTHER),
                OVL_DROP_UNKNOWN_VTEP);
}

static void
our_own_address_as_outer_source_is_dropped(void **state)
{
    struct world *w = *state;
    struct frame f = good();

    frame_set32(&f, IP4_SRC, 0xc0000201);       /* 192.0.2.1 */
    frame_fix_ip4(&f, L3_OFS);
    assert_uplink_drop(w, &f, OVL_DROP_OWN_SOURCE);
}

static void
martian_outer_source_is_dropped(void **state)
{
    static const uint32_t ips[] = {
        0x00000000, 0x00010203, 0x7f000001, 0xe0000001, 0xefffffff,
        0xf0000001, 0xffffffff
    };
    static const char *const ip6s[] = { "::", "::1", "ff02::1",
                                        "::ffff:192.0.2.2" };
    struct world *w = *state;
    struct frame inner = inner_to(MAC_VM1);

    for (size_t i = 0; i < ARRAY_SIZE(ips); i++) {
        struct frame f = good();

        frame_set32(&f, IP4_SRC, ips[i]);
        frame_fix_ip4(&f, L3_OFS);
        assert_uplink_drop(w, &f, OVL_DROP_MARTIAN_OUTER);
    }
    for (size_t i = 0; i < ARRAY_SIZE(ip6s); i++) {
        struct frame f = frame_vxlan6(MAC_LOCAL, MAC_NEXTHOP, ip6s[i],
                                      "2001:db8:ffff::1", 0, 50000, VNI,
                                      &inner);

        assert_uplink_drop(w, &f, OVL_DROP_MARTIAN_OUTER);
    }
}

static void
first_outer_fragment_is_dropped_and_others_are_the_hosts(void **state)
{
    struct world *w = *state;
    struct frame f = good();

    frame_set16(&f, IP4_FRAG, 0x2000);
    frame_fix_ip4(&f, L3_OFS);
    assert_uplink_drop(w, &f, OVL_DROP_OUTER_FRAGMENT);
    frame_set16(&f, IP4_FRAG, 0x2010);
    frame_fix_ip4(&f, L3_OFS);
    assert_goes_to_the_host(w, &f);
    frame_set16(&f, IP4_FRAG, 0x0010);
    frame_fix_ip4(&f, L3_OFS);
    assert_goes_to_the_host(w, &f);

    /* Of something else, the first one too. */
    f = good();
    frame_set16(&f, IP4_FRAG, 0x2000);
    frame_set16(&f, UDP_DPORT, 53);
    frame_fix_ip4(&f, L3_OFS);
    assert_goes_to_the_host(w, &f);
}

static void
outer_ip_options_are_dropped(void **state)
{
    struct world *w = *state;

    for (int ihl = 6; ihl <= 15; ihl++) {
        struct frame plain = good();
        struct frame f = frame_cut(&plain, L4_OFS);
        static const uint8_t nops[40] = { 1, 1, 1, 1 };

        frame_put(&f, nops, (ihl - 5) * 4);
        frame_put(&f, plain.data + L4_OFS, plain.len - L4_OFS);
        frame_set8(&f, L3_OFS, 0x40 | ihl);
        frame_set16(&f, IP4_LEN, f.len - L3_OFS);
        frame_fix_ip4(&f, L3_OFS);
        assert_uplink_drop(w, &f, OVL_DROP_OUTER_OPTIONS);
    }
}

static void
ipv6_extension_headers_outside_are_dropped(void **state)
{
    static const uint8_t options[8] = { 17, 0, 1, 4 };
    static const uint8_t atomic[8] = { 17 };
    struct world *w = *state;
    struct frame inner = inner_to(MAC_VM1);
    struct frame plain = frame_vxlan6(MAC_LOCAL, MAC_NEXTHOP,
                                      "2001:db8:ffff::2", "2001:db8:ffff::1",
                                      0, 50000, VNI, &inner);
    struct frame f = frame_cut(&plain, L4_OFS6);

    frame_put(&f, options, sizeof options);
    frame_put(&f, plain.data + L4_OFS6, plain.len - L4_OFS6);
    frame_set16(&f, L3_OFS + 4, f.len - L4_OFS6);
    frame_set8(&f, L3_OFS + 6, 60);
    assert_uplink_drop(w, &f, OVL_DROP_OUTER_OPTIONS);

    memcpy(f.data + L4_OFS6, atomic, sizeof atomic);
    frame_set8(&f, L3_OFS + 6, 44);
    assert_uplink_drop(w, &f, OVL_DROP_OUTER_FRAGMENT);
}

static void
wrong_outer_checksums_are_dropped(void **state)
{
    struct world *w = *state;
    struct frame f = good();

    frame_set16(&f, IP4_CSUM, frame_get16(&f, IP4_CSUM) + 1);
    assert_uplink_drop(w, &f, OVL_DROP_OUTER_BAD_CSUM);

    f = good();
    frame_fix_l4(&f, L3_OFS, L4_OFS, UDP_CSUM);
    frame_set16(&f, UDP_CSUM, frame_get16(&f, UDP_CSUM) + 1);
    assert_uplink_drop(w, &f, OVL_DROP_OUTER_BAD_CSUM);
    frame_set16(&f, UDP_CSUM, frame_get16(&f, UDP_CSUM) - 2);
    assert_uplink_drop(w, &f, OVL_DROP_OUTER_BAD_CSUM);
}

static void
udp_lengths_that_are_wrong_are_dropped(void **state)
{
    struct world *w = *state;
    size_t udp_len = good().len - L4_OFS;

    for (size_t len = 0; len <= udp_len + 2; len++) {
        struct frame f = good();

        frame_set16(&f, UDP_LEN, len);
        if (len < 16 || len > udp_len) {
            assert_uplink_drop(w, &f, OVL_DROP_VXLAN_MALFORMED);
        } else if (len < 16 + 14) {
            assert_tunnel_drop(w, &f, OVL_DROP_TOO_SHORT);
        } else {
            world_receive(w, w->eth1, &f);
            assert_forwarded(w, 1);
            assert_int_equal(w->out[0].frame.len, len - 16);
        }
    }
}

static void
truncated_outer_packet_is_dropped(void **state)
{
    struct world *w = *state;
    struct frame f = good();

    for (size_t len = L4_OFS + 4; len < f.len; len++) {
        struct frame cut = frame_cut(&f, len);

        assert_uplink_drop(w, &cut, OVL_DROP_VXLAN_MALFORMED);
    }
    for (size_t len = 14; len < L4_OFS + 4; len++) {
        struct frame cut = frame_cut(&f, len);

        assert_goes_to_the_host(w, &cut);
    }
}

static void
ip_packet_announced_longer_than_it_is_is_dropped(void **state)
{
    struct world *w = *state;
    struct frame f = good();

    frame_set16(&f, IP4_LEN, f.len - L3_OFS + 1);
    frame_fix_ip4(&f, L3_OFS);
    assert_uplink_drop(w, &f, OVL_DROP_VXLAN_MALFORMED);
}

static void
udp6_without_checksum_needs_configuration(void **state)
{
    struct world *w = *state;
    struct frame inner = inner_to(MAC_VM1);
    struct frame f = frame_vxlan6(MAC_LOCAL, MAC_NEXTHOP, "2001:db8:ffff::2",
                                  "2001:db8:ffff::1", 0, 50000, VNI, &inner);

    world_receive(w, w->eth1, &f);
    assert_forwarded(w, 1);
    assert_output(w, 0, w->vm1, &inner);

    frame_set16(&f, L4_OFS6 + 6, 0);
    assert_uplink_drop(w, &f, OVL_DROP_OUTER_ZERO_CSUM);
    w->config.udp6_zero_csum = true;
    world_apply(w);
    world_receive(w, w->eth1, &f);
    assert_forwarded(w, 1);
    assert_output(w, 0, w->vm1, &inner);

    frame_set16(&f, L4_OFS6 + 6, 1);
    assert_uplink_drop(w, &f, OVL_DROP_OUTER_BAD_CSUM);
}

static void
inner_frame_without_ethernet_header_is_dropped(void **state)
{
    struct world *w = *state;
    struct frame inner = inner_to(MAC_VM1);

    for (size_t len = 0; len < 14; len++) {
        struct frame cut = frame_cut(&inner, len);
        struct frame f = tunneled(&cut);

        assert_tunnel_drop(w, &f, OVL_DROP_TOO_SHORT);
    }
}

static void
inner_vlan_tag_is_dropped_and_priority_tag_stripped(void **state)
{
    static const uint16_t tpids[] = { 0x8100, 0x88a8, 0x9100 };
    struct world *w = *state;
    struct frame inner = inner_to(MAC_VM1);

    for (size_t i = 0; i < ARRAY_SIZE(tpids); i++) {
        struct frame t = frame_tag(&inner, tpids[i], 10);
        struct frame f = tunneled(&t);

        assert_tunnel_drop(w, &f, OVL_DROP_INNER_VLAN_TAG);
        t = frame_tag(&inner, tpids[i], 0xe000);
        f = tunneled(&t);
        world_receive(w, w->eth1, &f);
        assert_forwarded(w, 1);
        assert_output(w, 0, w->vm1, &inner);
        t = frame_tag(&t, tpids[i], 0);
        f = tunneled(&t);
        assert_tunnel_drop(w, &f, OVL_DROP_INNER_VLAN_TAG);
    }
}

static void
inner_macs_that_are_wrong_are_dropped(void **state)
{
    struct world *w = *state;
    struct frame inner = frame_udp4(MAC_VM1, MAC_BROADCAST, "10.1.0.99",
                                    "10.1.0.11", 1, 2, 40);
    struct frame f = tunneled(&inner);

    assert_tunnel_drop(w, &f, OVL_DROP_BAD_SOURCE_MAC);
    inner = frame_udp4(MAC_VM1, MAC_ZERO, "10.1.0.99", "10.1.0.11", 1, 2, 3);
    f = tunneled(&inner);
    assert_tunnel_drop(w, &f, OVL_DROP_BAD_SOURCE_MAC);
    inner = frame_udp4(MAC_VM1, MAC_VM1, "10.1.0.99", "10.1.0.11", 1, 2, 3);
    f = tunneled(&inner);
    assert_tunnel_drop(w, &f, OVL_DROP_SAME_MACS);
    for (int i = 0; i < 16; i++) {
        inner = frame_eth("01:80:c2:00:00:00", MAC_REMOTE, 0x88cc);
        frame_set8(&inner, 5, i);
        f = tunneled(&inner);
        assert_tunnel_drop(w, &f, OVL_DROP_RESERVED_GROUP);
    }
}

static void
inner_unicast_never_goes_back_into_a_tunnel(void **state)
{
    struct world *w = *state;
    struct frame inner = frame_udp4(MAC_UNRESOLVED, MAC_REMOTE, "10.1.0.99",
                                    "10.1.0.98", 1, 2, 40);
    struct frame f = tunneled(&inner);

    assert_tunnel_drop(w, &f, OVL_DROP_SPLIT_HORIZON);
    inner = frame_udp4(MAC_UNKNOWN, MAC_REMOTE, "10.1.0.99", "10.1.0.98", 1,
                       2, 40);
    f = tunneled(&inner);
    assert_tunnel_drop(w, &f, OVL_DROP_UNKNOWN_UNICAST);
}

static void
inner_frame_for_the_router_is_not_bridged(void **state)
{
    struct world *w = *state;
    struct frame inner = frame_eth(MAC_ROUTER, MAC_REMOTE, 0x88b5);
    struct frame f = tunneled(&inner);

    assert_tunnel_drop(w, &f, OVL_DROP_NOT_IP);
}

static void
inner_broadcast_with_no_member_is_dropped(void **state)
{
    struct world *w = *state;
    struct frame inner = frame_eth(MAC_BROADCAST, MAC_REMOTE, 0x88b5);
    struct frame f = tunneled(&inner);

    w->net.n_members = 0;
    world_apply(w);
    assert_tunnel_drop(w, &f, OVL_DROP_NO_DESTINATION);
}

static void
host_without_local_port_gets_nothing(void **state)
{
    struct world *w = *state;
    struct frame f = good();
    struct frame arp = frame_arp(MAC_LOCAL, MAC_NEXTHOP, 2, MAC_NEXTHOP,
                                 "192.0.2.254", MAC_LOCAL, IP_OWN);

    atomic_store_relaxed(&w->local->alive, false);
    assert_uplink_drop(w, &arp, OVL_DROP_PORT_GONE);
    w->config.local = NULL;
    world_apply(w);
    assert_uplink_drop(w, &f, OVL_DROP_NO_LOCAL);
    assert_uplink_drop(w, &arp, OVL_DROP_NO_LOCAL);
}

static void
host_without_uplink_sends_nothing(void **state)
{
    struct world *w = *state;
    struct frame f = good();

    atomic_store_relaxed(&w->eth1->alive, false);
    assert_drop(w, w->local, &f, w->local->drops, OVL_DROP_PORT_GONE);
    w->config.uplink = NULL;
    world_apply(w);
    assert_drop(w, w->local, &f, w->local->drops, OVL_DROP_NO_UPLINK);
}

/* Positive cases. */

static void
unicast_out_of_a_tunnel_is_delivered(void **state)
{
    struct world *w = *state;
    struct frame inner = inner_to(MAC_VM1);
    struct frame f = good();

    world_receive(w, w->eth1, &f);
    assert_forwarded(w, 1);
    assert_output(w, 0, w->vm1, &inner);

    assert_traffic(w->eth1->traffic, 1, f.len, 0, 0);
    assert_traffic(w->vm1->traffic, 0, 0, 1, inner.len);
    assert_traffic(world_network(w, VNI)->traffic, 1, inner.len,
                   1, inner.len);
    assert_traffic(w->vtep->traffic, 1, inner.len, 0, 0);
}

static void
bytes_behind_the_datagram_are_not_delivered(void **state)
{
    struct world *w = *state;
    struct frame inner = inner_to(MAC_VM1);
    struct frame f = good();

    frame_fix_l4(&f, L3_OFS, L4_OFS, UDP_CSUM);
    frame_put_pattern(&f, 13);
    world_receive(w, w->eth1, &f);
    assert_forwarded(w, 1);
    assert_output(w, 0, w->vm1, &inner);
}

static void
router_mac_as_inner_source_is_normal(void **state)
{
    struct world *w = *state;
    struct frame inner = frame_udp4(MAC_VM1, MAC_ROUTER, "10.2.0.99",
                                    "10.1.0.11", 1, 2, 40);
    struct frame f = tunneled(&inner);

    world_receive(w, w->eth1, &f);
    assert_forwarded(w, 1);
    assert_output(w, 0, w->vm1, &inner);
}

static void
broadcast_out_of_a_tunnel_goes_to_local_members_only(void **state)
{
    struct world *w = *state;
    struct frame inner = frame_eth(MAC_BROADCAST, MAC_REMOTE, 0x88b5);
    struct frame f, tagged = frame_tag(&inner, 0x8100, 10);

    f = tunneled(&inner);
    world_receive(w, w->eth1, &f);
    assert_forwarded(w, 4);
    assert_output(w, 0, w->vm1, &inner);
    assert_output(w, 1, w->vm2, &inner);
    assert_output(w, 2, w->vm3, &inner);
    assert_output(w, 3, w->trunk1, &tagged);

    w->net.flood_unknown = true;
    world_apply(w);
    inner = inner_to(MAC_UNKNOWN);
    f = tunneled(&inner);
    world_receive(w, w->eth1, &f);
    assert_forwarded(w, 4);
}

static void
ecn_is_decapsulated_as_rfc6040_says(void **state)
{
    /* By inner, then by outer field; 4 is a drop. */
    static const uint8_t figure4[4][4] = {
        { 0, 0, 0, 4 },
        { 1, 1, 1, 3 },
        { 2, 1, 2, 3 },
        { 3, 3, 3, 3 },
    };
    struct world *w = *state;

    for (int i = 0; i < 64; i++) {
        int in = i & 3, out = i >> 2 & 3;
        bool v6 = i & 16, outer6 = i & 32;
        struct frame inner = v6 ? frame_udp6(MAC_VM1, MAC_REMOTE,
                                             "2001:db8::99", "2001:db8::11",
                                             1, 2, 40)
                             : inner_to(MAC_VM1);
        struct frame expected;

        if (v6) {
            frame_set32(&inner, L3_OFS, 0x60000000 | (0xa8 | in) << 20);
            expected = inner;
            frame_set32(&expected, L3_OFS,
                        0x60000000 | (0xa8 | figure4[in][out]) << 20);
        } else {
            frame_set8(&inner, IP4_TOS, 0xa8 | in);
            frame_fix_ip4(&inner, L3_OFS);
            expected = inner;
            frame_set8(&expected, IP4_TOS, 0xa8 | figure4[in][out]);
            frame_fix_ip4(&expected, L3_OFS);
        }

        struct frame f
            = outer6 ? frame_vxlan6(MAC_LOCAL, MAC_NEXTHOP,
                                    "2001:db8:ffff::2", "2001:db8:ffff::1",
                                    0x50 | out, 50000, VNI, &inner)
              : frame_vxlan4(MAC_LOCAL, MAC_NEXTHOP, IP_VTEP, IP_OWN,
                             0x50 | out, 50000, VNI, &inner);
        if (figure4[in][out] == 4) {
            assert_tunnel_drop(w, &f, OVL_DROP_ECN_CE_NOT_ECT);
        } else {
            world_receive(w, w->eth1, &f);
            assert_forwarded(w, 1);
            assert_output(w, 0, w->vm1, &expected);
        }

        /* Behind a priority tag as well. */
        if (figure4[in][out] != 4 && !outer6) {
            struct frame t = frame_tag(&inner, 0x8100, 0);

            f = frame_vxlan4(MAC_LOCAL, MAC_NEXTHOP, IP_VTEP, IP_OWN,
                             0x50 | out, 50000, VNI, &t);
            world_receive(w, w->eth1, &f);
            assert_output(w, 0, w->vm1, &expected);
        }
    }
}

static void
ecn_of_other_than_ip_is_none(void **state)
{
    struct world *w = *state;
    struct frame inner = frame_arp(MAC_VM1, MAC_REMOTE, 2, MAC_REMOTE,
                                   "10.1.0.99", MAC_VM1, "10.1.0.11");
    struct frame f = frame_vxlan4(MAC_LOCAL, MAC_NEXTHOP, IP_VTEP, IP_OWN, 3,
                                  50000, VNI, &inner);

    world_receive(w, w->eth1, &f);
    assert_forwarded(w, 1);
    assert_output(w, 0, w->vm1, &inner);
}

static void
the_uplinks_own_mac_is_ours(void **state)
{
    struct world *w = *state;
    struct frame inner = inner_to(MAC_VM1);
    struct frame f = frame_vxlan4(MAC_UPLINK, MAC_NEXTHOP, IP_VTEP, IP_OWN, 0,
                                  50000, VNI, &inner);

    world_receive(w, w->eth1, &f);
    assert_forwarded(w, 1);
    assert_output(w, 0, w->vm1, &inner);
}

static void
what_is_not_vxlan_for_us_is_the_hosts(void **state)
{
    static const uint16_t ports[] = { 53, 4788, 4790, 8472, 0 };
    struct world *w = *state;
    struct frame f;

    for (size_t i = 0; i < ARRAY_SIZE(ports); i++) {
        f = good();
        frame_set16(&f, UDP_DPORT, ports[i]);
        assert_goes_to_the_host(w, &f);
    }
    f = good();                                 /* Another IP. */
    frame_set32(&f, IP4_DST, 0xc0000208);
    frame_fix_ip4(&f, L3_OFS);
    assert_goes_to_the_host(w, &f);
    f = good();                                 /* Another MAC. */
    frame_set8(&f, 5, 0x77);
    assert_goes_to_the_host(w, &f);
    f = good();                                 /* Broadcast. */
    memset(f.data, 0xff, 6);
    assert_goes_to_the_host(w, &f);
    f = good();                                 /* TCP. */
    frame_set8(&f, IP4_PROTO, 6);
    frame_fix_ip4(&f, L3_OFS);
    assert_goes_to_the_host(w, &f);
    f = good();                                 /* With a tag. */
    f = frame_tag(&f, 0x8100, 0);
    assert_goes_to_the_host(w, &f);
    f = frame_eth(MAC_VM1, MAC_VM2, 0x88b5);    /* Even VMs' addresses. */
    assert_goes_to_the_host(w, &f);
    f = frame_eth("01:80:c2:00:00:00", MAC_NEXTHOP, 0x88cc);
    assert_goes_to_the_host(w, &f);
    f = frame_eth(MAC_BROADCAST, MAC_NEXTHOP, 0x8100);
    assert_goes_to_the_host(w, &f);

    w->config.vtep4 = in6addr_any;
    world_apply(w);
    f = good();
    assert_goes_to_the_host(w, &f);
}

static void
other_vxlan_port_can_be_configured(void **state)
{
    struct world *w = *state;
    struct frame f = good();

    w->config.vxlan_port = 8472;
    world_apply(w);
    assert_goes_to_the_host(w, &f);
    frame_set16(&f, UDP_DPORT, 8472);
    world_receive(w, w->eth1, &f);
    assert_forwarded(w, 1);
    assert_int_equal(w->out[0].port == w->vm1, true);
}

static void
what_the_host_sends_goes_to_the_uplink_unchanged(void **state)
{
    struct world *w = *state;
    size_t n;
    const struct frame *f = frame_templates(&n);

    for (size_t i = 0; i < n; i++) {
        world_receive(w, w->local, &f[i]);
        assert_forwarded(w, 1);
        assert_output(w, 0, w->eth1, &f[i]);
    }
}

/* What exactly is in test-underlay-talk.c. */
static void
underlay_neighbors_are_heard(void **state)
{
    struct world *w = *state;
    struct frame f = frame_arp(MAC_LOCAL, MAC_NEXTHOP, 2, MAC_NEXTHOP,
                               "192.0.2.254", MAC_LOCAL, IP_OWN);
    struct in6_addr ip = world_ip("192.0.2.254");

    assert_goes_to_the_host(w, &f);
    assert_int_equal(w->n_heard, 1);
    assert_memory_equal(&w->heard.ip, &ip, sizeof ip);
    assert_true(eth_addr_equals(w->heard.mac, mac_from(MAC_NEXTHOP)));

    f = frame_na("33:33:00:00:00:01", MAC_NEXTHOP, "2001:db8:ffff::fe",
                 "ff02::1", "2001:db8:ffff::fe", 0xa0, MAC_NEXTHOP);
    ip = world_ip("2001:db8:ffff::fe");
    assert_goes_to_the_host(w, &f);
    assert_int_equal(w->n_heard, 1);
    assert_memory_equal(&w->heard.ip, &ip, sizeof ip);

    /* Not what says nothing, and not the host itself. */
    frame_set8(&f, L3_OFS + 7, 254);
    assert_goes_to_the_host(w, &f);
    assert_int_equal(w->n_heard, 0);
    frame_set8(&f, L3_OFS + 7, 255);
    world_receive(w, w->local, &f);
    assert_int_equal(w->n_heard, 0);
}

/* A router's message about 'about', a packet of ours, of which it quotes 'n'
 * bytes from the IP header on. */
static struct frame
too_big(const struct frame *about, uint16_t mtu, size_t n)
{
    uint8_t message[8 + FRAME_MAX] = { 3, 4, 0, 0, 0, 0, mtu >> 8, mtu };

    memcpy(message + 8, about->data + L3_OFS, n);
    ovs_be16 sum = csum(message, 8 + n);
    memcpy(message + 2, &sum, sizeof sum);
    return frame_ip4(MAC_LOCAL, MAC_NEXTHOP, "198.51.100.1", IP_OWN, 1,
                     message, 8 + n);
}

/* RFC 1191; what exactly is in tests/switch/test_path_mtu.py. */
static void
path_mtu_is_heard(void **state)
{
    struct world *w = *state;
    struct in6_addr vtep = world_ip(IP_VTEP);
    struct frame inner = frame_udp4(MAC_REMOTE, MAC_VM1, "10.1.0.11",
                                    "10.1.0.99", 1, 2, 1000);
    struct frame about = frame_vxlan4(MAC_NEXTHOP, MAC_LOCAL, IP_OWN, IP_VTEP,
                                      0, 50000, VNI, &inner);
    struct frame f = too_big(&about, 800, 100);

    assert_goes_to_the_host(w, &f);
    assert_int_equal(w->n_heard, 1);
    assert_int_equal(w->heard.mtu, 800);
    assert_memory_equal(&w->heard.ip, &vtep, sizeof vtep);

    /* As little as RFC 792 asks for, and less. */
    for (size_t n = 0; n < 60; n++) {
        f = too_big(&about, 800, n);
        assert_goes_to_the_host(w, &f);
        assert_int_equal(w->n_heard, n >= 28);
    }

    /* Below the floor; then what a neighbor says has no MTU. */
    f = too_big(&about, 68, 100);
    assert_goes_to_the_host(w, &f);
    assert_int_equal(w->heard.mtu, 576);
    f = frame_na("33:33:00:00:00:01", MAC_NEXTHOP, "2001:db8:ffff::fe",
                 "ff02::1", "2001:db8:ffff::fe", 0xa0, MAC_NEXTHOP);
    assert_goes_to_the_host(w, &f);
    assert_int_equal(w->n_heard, 1);
    assert_int_equal(w->heard.mtu, 0);
}

static void
path_mtu_that_nobody_can_have_told_is_counted(void **state)
{
    struct world *w = *state;
    struct frame inner = frame_udp4(MAC_REMOTE, MAC_VM1, "10.1.0.11",
                                    "10.1.0.99", 1, 2, 1000);
    struct frame cases[] = {
        frame_vxlan4(MAC_NEXTHOP, MAC_LOCAL, "192.0.2.77", IP_VTEP, 0, 50000,
                     VNI, &inner),
        frame_vxlan4(MAC_NEXTHOP, MAC_LOCAL, IP_OWN, "192.0.2.77", 0, 50000,
                     VNI, &inner),
        frame_vxlan4(MAC_NEXTHOP, MAC_LOCAL, IP_OWN, IP_VTEP_UNRESOLVED, 0,
                     50000, VNI, &inner),
        frame_vxlan4(MAC_NEXTHOP, MAC_LOCAL, IP_OWN, IP_VTEP, 0, 1024, VNI,
                     &inner),
        frame_vxlan4(MAC_NEXTHOP, MAC_LOCAL, IP_OWN, IP_VTEP, 0, 50000,
                     VNI + 100, &inner),
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        uint64_t before = ovl_counter_read(OVL_EVENT_MTU_FORGED);
        struct frame f = too_big(&cases[i], 800, 100);

        assert_goes_to_the_host(w, &f);
        assert_int_equal(w->n_heard, 0);
        assert_int_equal(ovl_counter_read(OVL_EVENT_MTU_FORGED), before + 1);
    }
}

static void
vms_are_not_heard_as_underlay_neighbors(void **state)
{
    struct world *w = *state;
    struct frame f = frame_arp(MAC_LOCAL, MAC_VM3, 2, MAC_VM3, "192.0.2.254",
                               MAC_LOCAL, IP_OWN);

    world_receive(w, w->vm3, &f);
    assert_int_equal(w->n_heard, 0);
    f = frame_arp(MAC_VM1, MAC_REMOTE, 2, MAC_REMOTE, "192.0.2.254",
                  MAC_VM1, IP_OWN);
    f = tunneled(&f);
    world_receive(w, w->eth1, &f);
    assert_int_equal(w->n_out, 1);
    assert_int_equal(w->n_heard, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(flags_without_i_or_with_p_are_dropped),
        world_test(reserved_bits_are_ignored),
        world_test(unknown_vni_is_dropped),
        world_test(unknown_vtep_is_dropped),
        world_test(our_own_address_as_outer_source_is_dropped),
        world_test(martian_outer_source_is_dropped),
        world_test(first_outer_fragment_is_dropped_and_others_are_the_hosts),
        world_test(outer_ip_options_are_dropped),
        world_test(ipv6_extension_headers_outside_are_dropped),
        world_test(wrong_outer_checksums_are_dropped),
        world_test(udp_lengths_that_are_wrong_are_dropped),
        world_test(truncated_outer_packet_is_dropped),
        world_test(ip_packet_announced_longer_than_it_is_is_dropped),
        world_test(udp6_without_checksum_needs_configuration),
        world_test(inner_frame_without_ethernet_header_is_dropped),
        world_test(inner_vlan_tag_is_dropped_and_priority_tag_stripped),
        world_test(inner_macs_that_are_wrong_are_dropped),
        world_test(inner_unicast_never_goes_back_into_a_tunnel),
        world_test(inner_frame_for_the_router_is_not_bridged),
        world_test(inner_broadcast_with_no_member_is_dropped),
        world_test(host_without_local_port_gets_nothing),
        world_test(host_without_uplink_sends_nothing),
        world_test(unicast_out_of_a_tunnel_is_delivered),
        world_test(bytes_behind_the_datagram_are_not_delivered),
        world_test(router_mac_as_inner_source_is_normal),
        world_test(broadcast_out_of_a_tunnel_goes_to_local_members_only),
        world_test(ecn_is_decapsulated_as_rfc6040_says),
        world_test(ecn_of_other_than_ip_is_none),
        world_test(the_uplinks_own_mac_is_ours),
        world_test(what_is_not_vxlan_for_us_is_the_hosts),
        world_test(other_vxlan_port_can_be_configured),
        world_test(what_the_host_sends_goes_to_the_uplink_unchanged),
        world_test(underlay_neighbors_are_heard),
        world_test(path_mtu_is_heard),
        world_test(path_mtu_that_nobody_can_have_told_is_counted),
        world_test(vms_are_not_heard_as_underlay_neighbors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
