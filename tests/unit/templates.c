/* SPDX-License-Identifier: Apache-2.0 */

/* The frames that others mutilate: at least one of each kind that the parser
 * tells apart, as VM 1 would send it in the world of world.h, and the same
 * out of a tunnel. */

#include <config.h>

#include "frames.h"
#include "util.h"

#define GROUP_ALL "33:33:00:00:00:01"
#define GROUP_SOLICITED_12 "33:33:ff:00:00:12"

static struct frame templates[128];
static size_t n_templates;

static void
add(struct frame f)
{
    ovs_assert(n_templates < ARRAY_SIZE(templates));
    templates[n_templates++] = f;
}

static void
add_arp(void)
{
    add(frame_arp_request(MAC_VM1, "10.1.0.11", "10.1.0.1"));
    add(frame_arp_request(MAC_VM1, "10.1.0.11", "10.1.0.12"));
    add(frame_arp_request(MAC_VM1, "10.1.0.11", "10.1.0.200"));
    add(frame_arp_request(MAC_VM1, "10.1.0.11", "10.1.0.11"));
    add(frame_arp_request(MAC_VM1, "0.0.0.0", "10.1.0.12"));
    add(frame_arp(MAC_VM2, MAC_VM1, 1, MAC_VM1, "10.1.0.11", MAC_ZERO,
                  "10.1.0.12"));
    add(frame_arp(MAC_VM2, MAC_VM1, 2, MAC_VM1, "10.1.0.11", MAC_VM2,
                  "10.1.0.12"));
    add(frame_arp(MAC_BROADCAST, MAC_VM1, 3, MAC_VM1, "10.1.0.11", MAC_ZERO,
                  "10.1.0.12"));
}

static void
add_nd(void)
{
    static const uint8_t rs[16] = { 133, 0, 0, 0, 0, 0, 0, 0, 1, 1,
                                    0x52, 0x54, 0, 0, 0, 1 };
    static const uint8_t ra[16] = { 134, 0, 0, 0, 64, 0, 0x07, 0x08 };
    static const uint8_t redirect[40] = { 137 };
    static const uint8_t mld2[28] = { 0x3a, 0, 5, 2, 0, 0, 1, 0, 143 };

    add(frame_ns(GROUP_SOLICITED_12, MAC_VM1, "2001:db8::11",
                 "ff02::1:ff00:12", "2001:db8::12", MAC_VM1));
    add(frame_ns(GROUP_SOLICITED_12, MAC_VM1, "::", "ff02::1:ff00:12",
                 "2001:db8::12", NULL));
    add(frame_ns(MAC_VM2, MAC_VM1, "2001:db8::11", "2001:db8::12",
                 "2001:db8::12", NULL));
    add(frame_na(GROUP_ALL, MAC_VM1, "2001:db8::11", "ff02::1",
                 "2001:db8::11", 0x20, MAC_VM1));
    add(frame_na(MAC_VM2, MAC_VM1, "2001:db8::11", "2001:db8::12",
                 "2001:db8::11", 0x60, MAC_VM1));
    add(frame_icmp6("33:33:00:00:00:02", MAC_VM1, "fe80::1", "ff02::2", 255,
                    rs, sizeof rs));
    add(frame_icmp6(GROUP_ALL, MAC_VM1, "fe80::1", "ff02::1", 255,
                    ra, sizeof ra));
    add(frame_icmp6(MAC_VM2, MAC_VM1, "fe80::1", "2001:db8::12", 255,
                    redirect, sizeof redirect));
    add(frame_ip6("33:33:00:00:00:16", MAC_VM1, "::", "ff02::16", 0, 1,
                  mld2, sizeof mld2));
}

static void
add_ip4(void)
{
    struct frame f;

    add(frame_udp4(MAC_VM2, MAC_VM1, "10.1.0.11", "10.1.0.12", 1000, 2000,
                   40));
    add(frame_udp4(MAC_REMOTE, MAC_VM1, "10.1.0.11", "10.1.0.99", 1, 4789,
                   40));
    add(frame_udp4(MAC_BROADCAST, MAC_VM1, "0.0.0.0", "255.255.255.255",
                   68, 67, 244));
    add(frame_udp4(MAC_ROUTER, MAC_VM1, "10.1.0.11", "10.2.0.1", 1, 2, 10));
    f = frame_ip4(MAC_VM2, MAC_VM1, "10.1.0.11", "10.1.0.12", 6,
                  "0123456789abcdefghijklmnopqrstuv", 32);
    add(f);
    frame_set16(&f, IP4_FRAG, 0x2000);
    frame_fix_ip4(&f, L3_OFS);
    add(f);
    frame_set16(&f, IP4_FRAG, 0x0010);
    frame_fix_ip4(&f, L3_OFS);
    add(f);
    f = frame_ip4(MAC_VM2, MAC_VM1, "10.1.0.11", "10.1.0.12", 17,
                  "\x94\x04\0\0\x03\xe8\x07\xd0\0\x0c\0\0data", 16);
    frame_set8(&f, L3_OFS, 0x46);
    frame_fix_ip4(&f, L3_OFS);
    add(f);
    add(frame_ip4("01:00:5e:00:00:01", MAC_VM1, "10.1.0.11", "224.0.0.1", 2,
                  "\x11\0\xee\xff\0\0\0\0", 8));
}

static void
add_ip6(void)
{
    /* Hop-by-hop, routing, fragment, destination, AH, then UDP. */
    static const uint8_t chain[] = {
        43, 0, 1, 4, 0, 0, 0, 0,
        44, 0, 4, 0, 0, 0, 0, 0,
        60, 0, 0, 0, 1, 2, 3, 4,
        51, 0, 1, 4, 0, 0, 0, 0,
        17, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2,
        3, 0xe8, 7, 0xd0, 0, 8, 0, 0,
    };
    /* As many destination options as nobody walks. */
    static uint8_t long_chain[12 * 8];
    static const uint8_t later[] = { 17, 0, 0, 8, 1, 2, 3, 4, 'a', 'b' };

    for (size_t i = 0; i < sizeof long_chain; i += 8) {
        long_chain[i] = 60;
    }
    add(frame_udp6(MAC_VM2, MAC_VM1, "2001:db8::11", "2001:db8::12", 1000,
                   2000, 41));
    add(frame_ip6(MAC_VM2, MAC_VM1, "2001:db8::11", "2001:db8::12", 0, 64,
                  chain, sizeof chain));
    add(frame_ip6(MAC_VM2, MAC_VM1, "2001:db8::11", "2001:db8::12", 60, 64,
                  long_chain, sizeof long_chain));
    add(frame_ip6(MAC_VM2, MAC_VM1, "2001:db8::11", "2001:db8::12", 44, 64,
                  later, sizeof later));
}

static void
add_l2(void)
{
    struct frame f;

    f = frame_eth(MAC_VM2, MAC_VM1, 0x88b5);
    frame_put_pattern(&f, 46);
    add(f);
    add(frame_tag(&f, 0x8100, 0));
    add(frame_tag(&f, 0x8100, 10));
    add(frame_tag(&f, 0x88a8, 10));
    f = frame_tag(&f, 0x9100, 0);
    add(frame_tag(&f, 0x8100, 10));
    f = frame_eth("01:80:c2:00:00:00", MAC_VM1, 38);
    frame_put_pattern(&f, 46);
    add(f);
    add(frame_eth(MAC_BROADCAST, MAC_VM1, 0x8035));
}

/* Everything so far, out of a tunnel over IPv4 and a few over IPv6. */
static void
add_tunneled(void)
{
    size_t n = n_templates;

    for (size_t i = 0; i < n; i++) {
        add(frame_vxlan4(MAC_LOCAL, MAC_NEXTHOP, "192.0.2.2", "192.0.2.1",
                         i & 3, 50000, 5001, &templates[i]));
        if (i % 4 == 0) {
            add(frame_vxlan6(MAC_LOCAL, MAC_NEXTHOP, "2001:db8:ffff::2",
                             "2001:db8:ffff::1", i & 3, 50000, 5001,
                             &templates[i]));
        }
    }
}

const struct frame *
frame_templates(size_t *n)
{
    if (!n_templates) {
        add_arp();
        add_nd();
        add_ip4();
        add_ip6();
        add_l2();
        add_tunneled();
    }
    *n = n_templates;
    return templates;
}
