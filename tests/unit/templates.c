/* SPDX-License-Identifier: Apache-2.0 */

/* The frames that others mutilate: at least one of each kind that the parser
 * tells apart, as VM 1 would send it in the world of world.h, and some of them
 * out of a tunnel.
 *
 * Inputs of the fuzzers name them by their number: add new ones at the end of
 * a kind only together with tests/fuzz/corpus. */

#include <config.h>

#include "frames.h"
#include "util.h"

#define GROUP_ALL "33:33:00:00:00:01"
#define GROUP_ROUTERS "33:33:00:00:00:02"
#define GROUP_SOLICITED_01 "33:33:ff:00:00:01"
#define GROUP_SOLICITED_11 "33:33:ff:00:00:11"
#define GROUP_SOLICITED_12 "33:33:ff:00:00:12"
#define GROUP_SOLICITED_DD "33:33:ff:00:00:dd"

#define IP4_VM1 "10.1.0.11"
#define IP4_VM2 "10.1.0.12"
#define IP6_VM1 "2001:db8::11"
#define IP6_VM2 "2001:db8::12"

static const size_t counts[FRAME_N_KINDS] = {
    [FRAME_ARP] = 12, [FRAME_ND] = 18, [FRAME_IP4] = 16, [FRAME_IP6] = 18,
    [FRAME_ICMP] = 10, [FRAME_L2] = 14, [FRAME_VXLAN] = 32,
};

static struct frame templates[120];
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
    struct frame f = frame_arp_request(MAC_VM1, IP4_VM1, IP4_VM2);

    add(frame_arp_request(MAC_VM1, IP4_VM1, "10.1.0.1"));
    add(f);
    add(frame_arp_request(MAC_VM1, IP4_VM1, "10.1.0.200"));
    add(frame_arp_request(MAC_VM1, IP4_VM1, IP4_VM1));
    add(frame_arp_request(MAC_VM1, "0.0.0.0", IP4_VM2));
    add(frame_arp(MAC_VM2, MAC_VM1, 1, MAC_VM1, IP4_VM1, MAC_ZERO, IP4_VM2));
    add(frame_arp(MAC_VM2, MAC_VM1, 2, MAC_VM1, IP4_VM1, MAC_VM2, IP4_VM2));
    add(frame_arp(MAC_BROADCAST, MAC_VM1, 3, MAC_VM1, IP4_VM1, MAC_ZERO,
                  IP4_VM2));
    add(frame_arp(MAC_BROADCAST, MAC_VM1, 2, MAC_VM1, IP4_VM1, MAC_VM1,
                  IP4_VM1));
    add(frame_arp(MAC_ROUTER, MAC_VM1, 1, MAC_VM1, IP4_VM1, MAC_ZERO,
                  "10.1.0.1"));
    add(frame_tag(&f, 0x8100, 0));
    frame_put_pattern(&f, 18);
    add(f);
}

/* A solicitation for VM 2 with 'options' of 'len' bytes. */
static struct frame
ns_with_options(const char *ip_src, const void *options, size_t len)
{
    struct frame ns = frame_ns(GROUP_SOLICITED_12, MAC_VM1, ip_src,
                               "ff02::1:ff00:12", IP6_VM2, NULL);
    struct frame message = { .len = 0 };

    frame_put(&message, ns.data + L4_OFS6, ns.len - L4_OFS6);
    frame_put(&message, options, len);
    return frame_icmp6(GROUP_SOLICITED_12, MAC_VM1, ip_src,
                       "ff02::1:ff00:12", 255, message.data, message.len);
}

/* A solicitation for VM 2 behind the extension header 'ext' of type 'type'. */
static struct frame
ns_behind(uint8_t type, const uint8_t ext[8])
{
    struct frame f = frame_ns(GROUP_SOLICITED_12, MAC_VM1, IP6_VM1,
                              "ff02::1:ff00:12", IP6_VM2, MAC_VM1);
    struct frame payload = { .len = 0 };

    frame_put(&payload, ext, 8);
    frame_put(&payload, f.data + L4_OFS6, f.len - L4_OFS6);
    return frame_ip6(GROUP_SOLICITED_12, MAC_VM1, IP6_VM1, "ff02::1:ff00:12",
                     type, 255, payload.data, payload.len);
}

static void
add_nd(void)
{
    static const uint8_t rs[16] = { 133, 0, 0, 0, 0, 0, 0, 0, 1, 1,
                                    0x52, 0x54, 0, 0, 0, 1 };
    static const uint8_t ra[16] = { 134, 0, 0, 0, 64, 0, 0x07, 0x08 };
    static const uint8_t redirect[40] = { 137 };
    static const uint8_t nonce[8] = { 14, 1, 1, 2, 3, 4, 5, 6 };
    static const uint8_t many[40] = {
        200, 1, 0, 0, 0, 0, 0, 0,
        1, 1, 0x52, 0x54, 0, 0, 0, 1,
        1, 1, 0x52, 0x54, 0, 0, 0, 1,
        201, 2,
    };
    static const uint8_t atomic_fragment[8] = { 58 };
    static const uint8_t hop_by_hop[8] = { 58, 0, 1, 4 };

    add(frame_ns(GROUP_SOLICITED_12, MAC_VM1, IP6_VM1,
                 "ff02::1:ff00:12", IP6_VM2, MAC_VM1));
    add(frame_ns(GROUP_SOLICITED_12, MAC_VM1, "::", "ff02::1:ff00:12",
                 IP6_VM2, NULL));
    add(frame_ns(MAC_VM2, MAC_VM1, IP6_VM1, IP6_VM2, IP6_VM2, NULL));
    add(frame_na(GROUP_ALL, MAC_VM1, IP6_VM1, "ff02::1", IP6_VM1, 0x20,
                 MAC_VM1));
    add(frame_na(MAC_VM2, MAC_VM1, IP6_VM1, IP6_VM2, IP6_VM1, 0x60,
                 MAC_VM1));
    add(frame_icmp6(GROUP_ROUTERS, MAC_VM1, "fe80::1", "ff02::2", 255,
                    rs, sizeof rs));
    add(frame_icmp6(GROUP_ALL, MAC_VM1, "fe80::1", "ff02::1", 255,
                    ra, sizeof ra));
    add(frame_icmp6(MAC_VM2, MAC_VM1, "fe80::1", IP6_VM2, 255,
                    redirect, sizeof redirect));
    add(frame_ns(GROUP_SOLICITED_01, MAC_VM1, IP6_VM1, "ff02::1:ff00:1",
                 "2001:db8::1", MAC_VM1));
    add(frame_ns("33:33:ff:00:01:01", MAC_VM1, IP6_VM1, "ff02::1:ff00:101",
                 "fe80::5eff:fe00:101", MAC_VM1));
    add(frame_ns(GROUP_SOLICITED_DD, MAC_VM1, IP6_VM1, "ff02::1:ff00:dd",
                 "2001:db8::dd", MAC_VM1));
    add(frame_ns(GROUP_SOLICITED_11, MAC_VM1, "::", "ff02::1:ff00:11",
                 IP6_VM1, NULL));
    add(frame_ns(MAC_ROUTER, MAC_VM1, IP6_VM1, "2001:db8::1", "2001:db8::1",
                 MAC_VM1));
    add(frame_na(GROUP_ALL, MAC_VM1, "fe80::11", "ff02::1", "fe80::11", 0x20,
                 MAC_VM1));
    add(ns_with_options("::", nonce, sizeof nonce));
    add(ns_with_options(IP6_VM1, many, sizeof many));
    add(ns_behind(44, atomic_fragment));
    add(ns_behind(0, hop_by_hop));
}

/* A TCP segment with 'len' bytes of data. */
static struct frame
tcp_segment(size_t len)
{
    static const uint8_t header[20] = {
        0x03, 0xe8, 0x07, 0xd0, 0, 0, 0, 1, 0, 0, 0, 2, 0x50, 0x10, 4, 0,
    };
    struct frame t = { .len = 0 };

    frame_put(&t, header, sizeof header);
    frame_put_pattern(&t, len);
    return t;
}

/* A datagram whose header says 'length' more or less than there is. */
static struct frame
ip4_of_another_length(int length)
{
    struct frame f = frame_udp4(MAC_VM2, MAC_VM1, IP4_VM1, IP4_VM2, 1000,
                                2000, 60);

    frame_set16(&f, IP4_LEN, frame_get16(&f, IP4_LEN) + length);
    frame_fix_ip4(&f, L3_OFS);
    return f;
}

static void
add_ip4(void)
{
    static const uint8_t options[48] = {
        0x46, 0, 0, 0, 7, 39, 4, 0, [47] = 0xee,
    };
    struct frame inner = frame_arp_request(MAC_VM1, "10.1.0.13", IP4_VM2);
    struct frame tcp = tcp_segment(80);
    struct frame f, vxlan;

    add(frame_udp4(MAC_VM2, MAC_VM1, IP4_VM1, IP4_VM2, 1000, 2000, 140));
    add(frame_udp4(MAC_REMOTE, MAC_VM1, IP4_VM1, "10.1.0.99", 1, 4789, 40));
    add(frame_udp4(MAC_BROADCAST, MAC_VM1, "0.0.0.0", "255.255.255.255",
                   68, 67, 244));
    add(frame_udp4(MAC_ROUTER, MAC_VM1, IP4_VM1, "10.2.0.1", 1, 2, 10));
    f = frame_ip4(MAC_VM2, MAC_VM1, IP4_VM1, IP4_VM2, 6, tcp.data, tcp.len);
    add(f);
    frame_set16(&f, IP4_FRAG, 0x2000);
    frame_fix_ip4(&f, L3_OFS);
    add(f);
    frame_set16(&f, IP4_FRAG, 0x0010);
    frame_fix_ip4(&f, L3_OFS);
    add(f);
    f = frame_ip4(MAC_VM2, MAC_VM1, IP4_VM1, IP4_VM2, 17,
                  "\x94\x04\0\0\x03\xe8\x07\xd0\0\x0c\0\0data", 16);
    frame_set8(&f, L3_OFS, 0x46);
    frame_fix_ip4(&f, L3_OFS);
    add(f);
    add(frame_ip4("01:00:5e:00:00:01", MAC_VM1, IP4_VM1, "224.0.0.1", 2,
                  "\x11\0\xee\xff\0\0\0\0", 8));
    add(frame_ip4(MAC_VM2, MAC_VM1, IP4_VM1, IP4_VM2, 132, tcp.data, 40));
    add(ip4_of_another_length(-20));
    add(ip4_of_another_length(20));
    add(frame_ip4(MAC_VM2, MAC_VM1, IP4_VM1, IP4_VM2, 47, NULL, 0));
    f = frame_ip4(MAC_REMOTE, MAC_VM1, IP4_VM1, "10.1.0.99", 6, options,
                  sizeof options);
    frame_set8(&f, L3_OFS, 0x4f);
    frame_fix_ip4(&f, L3_OFS);
    add(f);
    add(frame_udp4(MAC_VM2, MAC_VM1, "10.1.0.77", "10.1.0.255", 1, 2, 30));

    /* What would be VXLAN for us, if a VM could speak it. */
    vxlan = frame_vxlan4(MAC_LOCAL, MAC_VM1, IP4_VM1, "192.0.2.1", 0, 50000,
                         5002, &inner);
    add(vxlan);
}

/* An IPv6 packet to VM 2 or, in a group's case, to all. */
static void
add_ip6_packet(uint8_t type, const void *payload, size_t len)
{
    add(frame_ip6(MAC_VM2, MAC_VM1, IP6_VM1, IP6_VM2, type, 64, payload,
                  len));
}

/* A datagram whose header says 'length' more or less than there is. */
static struct frame
ip6_of_another_length(int length)
{
    struct frame f = frame_udp6(MAC_VM2, MAC_VM1, IP6_VM1, IP6_VM2, 1000,
                                2000, 60);

    frame_set16(&f, L3_OFS + 4, frame_get16(&f, L3_OFS + 4) + length);
    return f;
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
    static const uint8_t later[] = { 17, 0, 0, 8, 1, 2, 3, 4, 'a', 'b' };
    static const uint8_t first[] = {
        17, 0, 0, 1, 1, 2, 3, 4, 3, 0xe8, 7, 0xd0, 0, 16, 0, 0, 'a', 'b',
    };
    static const uint8_t atomic_fragment[] = {
        17, 0, 0, 0, 1, 2, 3, 4, 3, 0xe8, 7, 0xd0, 0, 8, 0, 0,
    };
    static const uint8_t jumbo[] = {
        17, 0, 0xc2, 4, 0, 1, 0, 0, 3, 0xe8, 7, 0xd0, 0, 8, 0, 0,
    };
    static const uint8_t routing[24] = { 17, 2, 0, 1, [8] = 0x20, [23] = 9 };
    static const uint8_t auth[12] = { 59, 1, [7] = 1, [11] = 2 };
    static const uint8_t group[] = { 0x14, 0xe9, 0x14, 0xe9, 0, 8, 0, 0 };

    /* As many destination options as are walked, and more. */
    static uint8_t long_chain[12 * 8];
    struct frame tcp = tcp_segment(80);
    struct frame inner = frame_arp_request(MAC_VM1, "10.1.0.13", IP4_VM2);

    for (size_t i = 0; i < sizeof long_chain; i += 8) {
        long_chain[i] = 60;
    }
    long_chain[7 * 8] = 17;

    add(frame_udp6(MAC_VM2, MAC_VM1, IP6_VM1, IP6_VM2, 1000, 2000, 141));
    add_ip6_packet(0, chain, sizeof chain);
    add_ip6_packet(60, long_chain + 8, sizeof long_chain - 8);
    add_ip6_packet(44, later, sizeof later);
    add_ip6_packet(60, long_chain, sizeof long_chain);
    add_ip6_packet(6, tcp.data, tcp.len);
    add_ip6_packet(59, NULL, 0);
    add_ip6_packet(0, jumbo, sizeof jumbo);
    add_ip6_packet(51, auth, sizeof auth);
    add_ip6_packet(44, first, sizeof first);
    add_ip6_packet(44, atomic_fragment, sizeof atomic_fragment);
    add_ip6_packet(43, routing, sizeof routing);
    add_ip6_packet(50, tcp.data, 32);
    add(ip6_of_another_length(-20));
    add(ip6_of_another_length(20));
    add(frame_udp6(MAC_VM2, MAC_VM1, "::ffff:10.1.0.11", IP6_VM2, 1, 2, 20));
    add(frame_ip6("33:33:00:00:00:fb", MAC_VM1, "fe80::11", "ff02::fb", 17,
                  255, group, sizeof group));
    add(frame_vxlan6(MAC_LOCAL, MAC_VM1, IP6_VM1, "2001:db8:ffff::1", 0,
                     50000, 5002, &inner));
}

/* ICMP of 'type' and 'code', the checksum ignored, to VM 2. */
static void
add_icmp4(uint8_t type, uint8_t code)
{
    struct frame message = { .len = 0 };
    struct frame quoted = frame_udp4(MAC_VM1, MAC_VM2, IP4_VM2, IP4_VM1, 2000,
                                     1000, 20);

    frame_put(&message, (uint8_t[8]) { type, code }, 8);
    frame_put(&message, quoted.data + L3_OFS, quoted.len - L3_OFS);
    add(frame_ip4(MAC_VM2, MAC_VM1, IP4_VM1, IP4_VM2, 1, message.data,
                  message.len));
}

static void
add_icmp6(uint8_t type)
{
    struct frame message = { .len = 0 };
    struct frame quoted = frame_udp6(MAC_VM1, MAC_VM2, IP6_VM2, IP6_VM1, 2000,
                                     1000, 20);

    frame_put(&message, (uint8_t[8]) { type, 0, 0, 0, 0, 0, 5, 0xdc }, 8);
    frame_put(&message, quoted.data + L3_OFS, quoted.len - L3_OFS);
    add(frame_icmp6(MAC_VM2, MAC_VM1, IP6_VM1, IP6_VM2, 64, message.data,
                    message.len));
}

static void
add_icmp(void)
{
    static const uint8_t mld2[28] = { 0x3a, 0, 5, 2, 0, 0, 1, 0, 143 };

    add_icmp4(8, 0);
    add_icmp4(0, 0);
    add_icmp4(3, 4);
    add_icmp4(11, 0);
    add_icmp4(5, 1);
    add_icmp6(128);
    add_icmp6(2);
    add_icmp6(1);
    add_icmp6(130);
    add(frame_ip6("33:33:00:00:00:16", MAC_VM1, "::", "ff02::16", 0, 1,
                  mld2, sizeof mld2));
}

/* A frame of an unassigned protocol. */
static struct frame
other_frame(const char *dst, uint16_t type)
{
    struct frame f = frame_eth(dst, MAC_VM1, type);

    frame_put_pattern(&f, 46);
    return f;
}

static void
add_l2(void)
{
    struct frame f = other_frame(MAC_VM2, 0x88b5);
    struct frame arp = frame_arp_request(MAC_VM1, IP4_VM1, IP4_VM2);
    struct frame tags;

    add(f);
    add(frame_tag(&f, 0x8100, 0));
    add(frame_tag(&f, 0x8100, 10));
    add(frame_tag(&f, 0x88a8, 10));
    tags = frame_tag(&f, 0x9100, 0);
    add(frame_tag(&tags, 0x8100, 10));
    add(other_frame("01:80:c2:00:00:00", 38));
    add(frame_eth(MAC_BROADCAST, MAC_VM1, 0x8035));
    add(frame_tag(&f, 0x8100, 0xe000));
    for (int i = 0; i < 5; i++) {
        f = frame_tag(&f, 0x8100, i);
    }
    add(f);
    add(frame_tag(&arp, 0x8100, 10));
    add(other_frame("01:00:0c:cc:cc:cc", 38));
    add(other_frame(MAC_UNKNOWN, 0x88b5));
    add(other_frame(MAC_REMOTE, 0x88b5));
    add(other_frame(MAC_UNRESOLVED, 0x88b5));
}

/* Some of each kind so far, out of a tunnel over IPv4 and one over IPv6. */
static void
add_vxlan(void)
{
    static const uint8_t inner[] = {
        0, 1, 4, 12, 13, 15, 28, 30, 35, 37, 46, 47, 64, 69, 74, 80,
    };

    for (size_t i = 0; i < ARRAY_SIZE(inner); i++) {
        add(frame_vxlan4(MAC_LOCAL, MAC_NEXTHOP, "192.0.2.2", "192.0.2.1",
                         i & 3, 50000, 5001, &templates[inner[i]]));
        add(frame_vxlan6(MAC_LOCAL, MAC_NEXTHOP, "2001:db8:ffff::2",
                         "2001:db8:ffff::1", i & 3, 50000, 5001,
                         &templates[inner[i]]));
    }
}

const struct frame *
frame_templates(size_t *n)
{
    static void (*const makers[FRAME_N_KINDS])(void) = {
        [FRAME_ARP] = add_arp, [FRAME_ND] = add_nd, [FRAME_IP4] = add_ip4,
        [FRAME_IP6] = add_ip6, [FRAME_ICMP] = add_icmp, [FRAME_L2] = add_l2,
        [FRAME_VXLAN] = add_vxlan,
    };

    if (!n_templates) {
        for (enum frame_kind kind = 0; kind < FRAME_N_KINDS; kind++) {
            size_t before = n_templates;

            makers[kind]();
            ovs_assert(n_templates - before == counts[kind]);
        }
    }
    *n = n_templates;
    return templates;
}

enum frame_kind
frame_template_kind(size_t i)
{
    enum frame_kind kind = 0;

    while (i >= counts[kind]) {
        i -= counts[kind++];
        ovs_assert(kind < FRAME_N_KINDS);
    }
    return kind;
}
