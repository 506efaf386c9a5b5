/* SPDX-License-Identifier: Apache-2.0 */

/* What neighbors on the underlay say, and what we say to them. */

#include <config.h>

#include "pkt-parse.h"
#include "underlay-talk.h"
#include "world-asserts.h"

#define OWN4 "192.0.2.1"
#define OWN6 "2001:db8:ff::1"
#define OWN6_GROUP "ff02::1:ff00:1"
#define OWN6_GROUP_MAC "33:33:ff:00:00:01"
#define HOP4 "192.0.2.254"
#define HOP6 "2001:db8:ff::fe"
#define HOP6_GROUP "ff02::1:ff00:fe"
#define HOP6_GROUP_MAC "33:33:ff:00:00:fe"
#define ROUTER "fe80::fe"
#define ALL_NODES_MAC "33:33:00:00:00:01"

#define S 0x40
#define O 0x20

static bool
hear(const struct frame *f, struct ovl_heard *heard)
{
    const struct ovl_config config = {
        .vtep4 = world_ip(OWN4), .vtep6 = world_ip(OWN6),
    };
    struct ovl_pkt pkt = ovl_pkt_parse(f->data, f->len);

    return ovl_underlay_hear(&config, &pkt, heard);
}

/* 'mac' is NULL if the frame does not say. */
static void
assert_heard(const struct frame *f, const char *ip, const char *mac,
             bool confirms, bool overrides)
{
    struct in6_addr want = world_ip(ip);
    struct ovl_heard heard;

    assert_true(hear(f, &heard));
    assert_memory_equal(&heard.ip, &want, sizeof want);
    assert_true(eth_addr_equals(heard.mac,
                                mac ? mac_from(mac) : eth_addr_zero));
    assert_int_equal(heard.confirms, confirms);
    assert_int_equal(heard.overrides, overrides);
}

static void
assert_not_heard(const struct frame *f)
{
    struct ovl_heard heard;

    assert_false(hear(f, &heard));
}

static struct frame
advertise(uint8_t flags, const char *tlla)
{
    return frame_na(MAC_LOCAL, MAC_NEXTHOP, HOP6, OWN6, HOP6, flags, tlla);
}

static struct frame
router_advertisement(bool with_slla)
{
    uint8_t message[24] = { 134, [4] = 64, [16] = 1, [17] = 1 };
    struct eth_addr mac = mac_from(MAC_NEXTHOP);

    memcpy(message + 18, &mac, sizeof mac);
    return frame_icmp6(ALL_NODES_MAC, MAC_NEXTHOP, ROUTER, "ff02::1", 255,
                       message, with_slla ? 24 : 16);
}

/* Hearing. */

static void
any_arp_tells_where_its_sender_is(void **state OVS_UNUSED)
{
    struct frame f = frame_arp(MAC_LOCAL, MAC_NEXTHOP, 2, MAC_NEXTHOP, HOP4,
                               MAC_LOCAL, OWN4);
    assert_heard(&f, HOP4, MAC_NEXTHOP, true, true);
    f = frame_arp(MAC_BROADCAST, MAC_NEXTHOP, 1, MAC_NEXTHOP, HOP4, MAC_ZERO,
                  HOP4);
    assert_heard(&f, HOP4, MAC_NEXTHOP, true, true);
    f = frame_arp(MAC_BROADCAST, MAC_NEXTHOP, 1, MAC_NEXTHOP, HOP4, MAC_ZERO,
                  OWN4);
    assert_heard(&f, HOP4, MAC_NEXTHOP, true, true);
}

static void
arp_without_a_sender_tells_nothing(void **state OVS_UNUSED)
{
    struct frame f = frame_arp(MAC_BROADCAST, MAC_NEXTHOP, 1, MAC_NEXTHOP,
                               "0.0.0.0", MAC_ZERO, HOP4);
    assert_not_heard(&f);
    f = frame_arp(MAC_LOCAL, MAC_NEXTHOP, 2, MAC_BROADCAST, HOP4, MAC_LOCAL,
                  OWN4);
    assert_not_heard(&f);
    f = frame_arp(MAC_LOCAL, MAC_NEXTHOP, 2, MAC_ZERO, HOP4, MAC_LOCAL, OWN4);
    assert_not_heard(&f);
    f = frame_arp(MAC_LOCAL, MAC_NEXTHOP, 2, MAC_NEXTHOP, HOP4, MAC_LOCAL,
                  OWN4);
    f.len--;
    assert_not_heard(&f);
}

static void
flags_of_an_advertisement_are_told(void **state OVS_UNUSED)
{
    struct frame f = advertise(S | O, MAC_NEXTHOP);
    assert_heard(&f, HOP6, MAC_NEXTHOP, true, true);
    f = advertise(S, MAC_NEXTHOP);
    assert_heard(&f, HOP6, MAC_NEXTHOP, true, false);
    f = advertise(O, MAC_NEXTHOP);
    assert_heard(&f, HOP6, MAC_NEXTHOP, false, true);
    f = advertise(0, MAC_NEXTHOP);
    assert_heard(&f, HOP6, MAC_NEXTHOP, false, false);
    f = frame_na(ALL_NODES_MAC, MAC_NEXTHOP, HOP6, "ff02::1", HOP6, O,
                 MAC_NEXTHOP);
    assert_heard(&f, HOP6, MAC_NEXTHOP, false, true);
}

/* RFC 4861 section 4.4: it may be left out of the answer to a unicast
 * solicitation, and Linux does. */
static void
advertisement_without_an_address_confirms_only(void **state OVS_UNUSED)
{
    struct frame f = advertise(S, NULL);
    assert_heard(&f, HOP6, NULL, true, false);
}

/* RFC 4861 section 7.1.2. */
static void
invalid_advertisement_tells_nothing(void **state OVS_UNUSED)
{
    struct frame f = advertise(S | O, MAC_NEXTHOP);
    frame_set8(&f, L3_OFS + 7, 254);            /* Hop limit. */
    assert_not_heard(&f);
    f = advertise(S | O, MAC_NEXTHOP);
    frame_set8(&f, L4_OFS6 + 2, f.data[L4_OFS6 + 2] ^ 1);   /* Checksum. */
    assert_not_heard(&f);
    f = advertise(S | O, MAC_NEXTHOP);
    frame_set8(&f, L4_OFS6 + 1, 1);             /* Code. */
    frame_fix_l4(&f, L3_OFS, L4_OFS6, 2);
    assert_not_heard(&f);
    f = advertise(S | O, MAC_NEXTHOP);
    frame_set8(&f, L4_OFS6 + 25, 0);            /* Length of the option. */
    frame_fix_l4(&f, L3_OFS, L4_OFS6, 2);
    assert_not_heard(&f);
    f = frame_na(ALL_NODES_MAC, MAC_NEXTHOP, HOP6, "ff02::1", HOP6, S | O,
                 MAC_NEXTHOP);                  /* S, though multicast. */
    assert_not_heard(&f);
    f = frame_na(MAC_LOCAL, MAC_NEXTHOP, HOP6, OWN6, "ff02::fe", S | O,
                 MAC_NEXTHOP);                  /* Target. */
    assert_not_heard(&f);
    f = advertise(S | O, MAC_BROADCAST);
    assert_not_heard(&f);
    f = advertise(S | O, MAC_ZERO);
    assert_not_heard(&f);
    f = frame_na(MAC_LOCAL, MAC_NEXTHOP, HOP6, OWN6, "::ffff:192.0.2.254",
                 S | O, MAC_NEXTHOP);           /* Not the IPv4 address. */
    assert_not_heard(&f);
    f = advertise(S | O, MAC_NEXTHOP);
    f.len--;
    assert_not_heard(&f);
}

static void
solicitation_for_us_tells_where_its_sender_is(void **state OVS_UNUSED)
{
    struct frame f = frame_ns(OWN6_GROUP_MAC, MAC_NEXTHOP, HOP6, OWN6_GROUP,
                              OWN6, MAC_NEXTHOP);
    assert_heard(&f, HOP6, MAC_NEXTHOP, false, true);
    f = frame_ns(MAC_LOCAL, MAC_NEXTHOP, ROUTER, OWN6, OWN6, MAC_NEXTHOP);
    assert_heard(&f, ROUTER, MAC_NEXTHOP, false, true);
}

static void
other_solicitations_tell_nothing(void **state OVS_UNUSED)
{
    struct frame f = frame_ns("33:33:ff:00:00:02", MAC_NEXTHOP, HOP6,
                              "ff02::1:ff00:2", "2001:db8:ff::2",
                              MAC_NEXTHOP);     /* For somebody else. */
    assert_not_heard(&f);
    f = frame_ns(OWN6_GROUP_MAC, MAC_NEXTHOP, HOP6, OWN6_GROUP, OWN6, NULL);
    assert_not_heard(&f);
    f = frame_ns(OWN6_GROUP_MAC, MAC_NEXTHOP, "::", OWN6_GROUP, OWN6, NULL);
    assert_not_heard(&f);                       /* DAD. */
    f = frame_ns(OWN6_GROUP_MAC, MAC_NEXTHOP, HOP6, OWN6_GROUP, OWN6,
                 MAC_BROADCAST);
    assert_not_heard(&f);
    f = frame_ns(OWN6_GROUP_MAC, MAC_NEXTHOP, HOP6, OWN6_GROUP, OWN6,
                 MAC_NEXTHOP);
    frame_set8(&f, L3_OFS + 7, 64);
    assert_not_heard(&f);
}

static void
router_advertisement_tells_where_the_router_is(void **state OVS_UNUSED)
{
    struct frame f = router_advertisement(true);
    assert_heard(&f, ROUTER, MAC_NEXTHOP, false, true);
    f = router_advertisement(false);
    assert_not_heard(&f);
}

static void
other_packets_tell_nothing(void **state OVS_UNUSED)
{
    struct frame f = frame_udp6(MAC_LOCAL, MAC_NEXTHOP, HOP6, OWN6, 1, 2, 20);
    assert_not_heard(&f);
    f = frame_udp4(MAC_LOCAL, MAC_NEXTHOP, HOP4, OWN4, 1, 2, 20);
    assert_not_heard(&f);
    f = frame_cut(&f, 13);
    assert_not_heard(&f);
}

static void
vlan_on_the_uplink_is_another_link(void **state OVS_UNUSED)
{
    struct frame f = advertise(S | O, MAC_NEXTHOP);
    struct frame tagged = frame_tag(&f, 0x8100, 7);
    assert_not_heard(&tagged);
    tagged = frame_tag(&f, 0x8100, 0);
    assert_heard(&tagged, HOP6, MAC_NEXTHOP, true, true);
}

/* Speaking. */

static void
assert_packet(struct dp_packet *packet, const struct frame *want)
{
    assert_int_equal(dp_packet_size(packet), want->len);
    assert_memory_equal(dp_packet_data(packet), want->data, want->len);
    dp_packet_delete(packet);
}

static struct dp_packet *
ask(const char *ip, const char *target, const char *to)
{
    struct in6_addr ip_ = world_ip(ip), target_ = world_ip(target);
    struct eth_addr to_ = to ? mac_from(to) : eth_addr_zero;

    return ovl_underlay_ask(&ip_, mac_from(MAC_LOCAL), &target_,
                            to ? &to_ : NULL);
}

static void
arp_request_is_exact(void **state OVS_UNUSED)
{
    struct frame f = frame_arp(MAC_BROADCAST, MAC_LOCAL, 1, MAC_LOCAL, OWN4,
                               MAC_ZERO, HOP4);
    assert_packet(ask(OWN4, HOP4, NULL), &f);
    f = frame_arp(MAC_NEXTHOP, MAC_LOCAL, 1, MAC_LOCAL, OWN4, MAC_ZERO, HOP4);
    assert_packet(ask(OWN4, HOP4, MAC_NEXTHOP), &f);
}

/* RFC 4861 section 7.2.2: to the solicited-node group, or to the neighbor
 * itself where it is known. */
static void
solicitation_is_exact(void **state OVS_UNUSED)
{
    struct frame f = frame_ns(HOP6_GROUP_MAC, MAC_LOCAL, OWN6, HOP6_GROUP,
                              HOP6, MAC_LOCAL);
    assert_packet(ask(OWN6, HOP6, NULL), &f);
    f = frame_ns(MAC_NEXTHOP, MAC_LOCAL, OWN6, HOP6, HOP6, MAC_LOCAL);
    assert_packet(ask(OWN6, HOP6, MAC_NEXTHOP), &f);
}

static void
announcements_are_exact(void **state OVS_UNUSED)
{
    struct frame f = frame_arp(MAC_BROADCAST, MAC_LOCAL, 1, MAC_LOCAL, OWN4,
                               MAC_ZERO, OWN4);
    struct in6_addr ip = world_ip(OWN4);
    assert_packet(ovl_underlay_announce(&ip, mac_from(MAC_LOCAL)), &f);

    ip = world_ip(OWN6);
    f = frame_na(ALL_NODES_MAC, MAC_LOCAL, OWN6, "ff02::1", OWN6, O,
                 MAC_LOCAL);
    assert_packet(ovl_underlay_announce(&ip, mac_from(MAC_LOCAL)), &f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_arp_tells_where_its_sender_is),
        cmocka_unit_test(arp_without_a_sender_tells_nothing),
        cmocka_unit_test(flags_of_an_advertisement_are_told),
        cmocka_unit_test(advertisement_without_an_address_confirms_only),
        cmocka_unit_test(invalid_advertisement_tells_nothing),
        cmocka_unit_test(solicitation_for_us_tells_where_its_sender_is),
        cmocka_unit_test(other_solicitations_tell_nothing),
        cmocka_unit_test(router_advertisement_tells_where_the_router_is),
        cmocka_unit_test(other_packets_tell_nothing),
        cmocka_unit_test(vlan_on_the_uplink_is_another_link),
        cmocka_unit_test(arp_request_is_exact),
        cmocka_unit_test(solicitation_is_exact),
        cmocka_unit_test(announcements_are_exact),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
