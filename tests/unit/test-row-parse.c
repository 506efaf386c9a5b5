/* SPDX-License-Identifier: Apache-2.0 */

/* Text of columns: what is refused, in which words, and what is accepted. */

#include <config.h>

#include "tables-fixture.h"

#include "openvswitch/dynamic-string.h"
#include "row-error.h"
#include "row-parse.h"
#include "smap.h"
#include "text-parse.h"

/* Strings for columns. */
#define STRINGS(...)                                                         \
    ((struct ovl_strings) {                                                  \
        .s = (char *[]) { __VA_ARGS__ },                                     \
        .n = sizeof((char *[]) { __VA_ARGS__ }) / sizeof(char *) })

/* Checks that 'error', which is freed, is 'expected'. */
static void
expect(char *error, const char *expected)
{
    if (!error || !expected) {
        assert_ptr_equal(error, expected);
    } else {
        assert_string_equal(error, expected);
    }
    free(error);
}

/* Checks that 'error', which is freed, contains 'part'. */
static void
expect_part(char *error, const char *part)
{
    assert_non_null(error);
    if (!strstr(error, part)) {
        fail_msg("\"%s\" does not contain \"%s\"", error, part);
    }
    free(error);
}

/* A string of 'n' times 'c'. */
static char *
repeat(char c, size_t n)
{
    char *s = xmalloc(n + 1);

    memset(s, c, n);
    s[n] = '\0';
    return s;
}

/* Single values. */

static void
garbage_is_no_mac(void **state OVS_UNUSED)
{
    static const char *const bad[] = {
        "", " ", "zz", "52:54:00:00:00", "52:54:00:00:00:01:02",
        "52:54:00:00:00:01 ", " 52:54:00:00:00:01", "52:54:00:00:00:01\n",
        "52:54:00:00:00:0g", "52:54:00:00:00:001", "52:54:00:00:00:",
        ":54:00:00:00:01", "52:54:00-00:00:01", "52-54:00-00-00-01",
        "5254.0000.001", "5254.0000.00001", "5254.0000", "5254:0000:0001",
        "525400000001", "0x52:54:00:00:00:01", "52:54:0x:00:00:01",
        "52 54 00 00 00 01", "+2:54:00:00:00:01", "52:54:00:00:00:01/48",
        "\xff\xfe", "10.0.0.1", "::1",
    };
    struct eth_addr mac;

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        const char *why = ovl_text_to_mac(bad[i], &mac);

        if (!why) {
            fail_msg("\"%s\" is accepted", bad[i]);
        }
    }
    assert_non_null(ovl_text_to_mac(NULL, &mac));

    char *long_text = repeat('5', 65536);
    assert_non_null(ovl_text_to_mac(long_text, &mac));
    free(long_text);
}

static void
any_spelling_of_a_mac_is_the_same(void **state OVS_UNUSED)
{
    static const char *const good[] = {
        "52:54:00:ab:cd:01", "52:54:00:AB:CD:01", "52:54:0:aB:Cd:1",
        "52-54-00-ab-cd-01", "52-54-00-AB-CD-01", "5254.00ab.cd01",
        "5254.00AB.CD01",
    };
    struct eth_addr expected = ETH_ADDR_C(52,54,00,ab,cd,01);

    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        struct eth_addr mac;

        assert_null(ovl_text_to_mac(good[i], &mac));
        assert_true(eth_addr_equals(mac, expected));
    }
}

static void
multicast_and_zero_macs_are_refused(void **state OVS_UNUSED)
{
    struct eth_addr mac;

    assert_non_null(ovl_text_to_unicast_mac("00:00:00:00:00:00", &mac));
    assert_non_null(ovl_text_to_unicast_mac("ff:ff:ff:ff:ff:ff", &mac));
    assert_non_null(ovl_text_to_unicast_mac("01:00:5e:00:00:01", &mac));
    assert_null(ovl_text_to_unicast_mac("02:00:00:00:00:00", &mac));
}

static void
garbage_is_no_ip(void **state OVS_UNUSED)
{
    static const char *const bad[] = {
        "", " ", "1.2.3", "1.2.3.4.5", "1.2.3.256", "010.1.1.1", "1.2.3.04",
        "0x1.2.3.4", "1.2.3.-1", " 1.2.3.4", "1.2.3.4 ", "1.2.3.4\n",
        "1.2.3.4/24", "1,2,3,4", "16909060", "-1", "0x", "localhost",
        "::ffff:1.2.3.4", "::FFFF:102:304", "0:0:0:0:0:ffff:1.2.3.4",
        "fe80::1%eth0", "fe80::1%1", "2001:db8::1::2", "2001:db8:::1",
        "2001:db8::12345", ":", ":::", "2001:db8::g", "[::1]",
        "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "::1.2.3.010", "::1.2.3",
        "\xc3\xa4", "\xff", "1.2.3.4\x01",
    };
    struct in6_addr ip;

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        if (!ovl_text_to_ip(bad[i], &ip)) {
            fail_msg("\"%s\" is accepted", bad[i]);
        }
    }
    assert_non_null(ovl_text_to_ip(NULL, &ip));

    char *long_text = repeat('1', 65536);
    assert_non_null(ovl_text_to_ip(long_text, &ip));
    free(long_text);
}

static void
any_spelling_of_an_ip_is_the_same(void **state OVS_UNUSED)
{
    static const char *const good[] = {
        "2001:db8::1", "2001:DB8::1", "2001:0db8:0:0:0:0:0:1",
        "2001:db8:0::0:1", "2001:db8::0.0.0.1",
    };
    struct in6_addr expected = ip_from("2001:db8::1");
    struct in6_addr ip;

    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        assert_null(ovl_text_to_ip(good[i], &ip));
        assert_true(ipv6_addr_equals(&ip, &expected));
    }
    assert_null(ovl_text_to_ip("10.1.2.3", &ip));
    expected = in6_addr_mapped_ipv4(htonl(0x0a010203));
    assert_true(ipv6_addr_equals(&ip, &expected));
}

static void
what_no_host_has_is_refused(void **state OVS_UNUSED)
{
    static const char *const bad[] = {
        "0.0.0.0", "0.1.2.3", "127.0.0.1", "127.255.255.255", "224.0.0.1",
        "239.255.255.255", "240.0.0.1", "255.255.255.255",
        "::", "::1", "ff02::1", "ffff::",
    };
    static const char *const good[] = {
        "1.0.0.0", "126.255.255.255", "128.0.0.1", "223.255.255.255",
        "169.254.1.1", "fe80::1", "::2", "2001:db8::", "fdff::1",
    };
    struct in6_addr ip;

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        assert_null(ovl_text_to_ip(bad[i], &ip));
        if (!ovl_text_to_unicast_ip(bad[i], &ip)) {
            fail_msg("\"%s\" is accepted", bad[i]);
        }
    }
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        if (ovl_text_to_unicast_ip(good[i], &ip)) {
            fail_msg("\"%s\" is refused", good[i]);
        }
    }
}

static void
garbage_is_no_prefix(void **state OVS_UNUSED)
{
    static const char *const bad[] = {
        "", "/", "/24", "10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1",
        "10.0.0.0/+8", "10.0.0.0/08", "10.0.0.0/8 ", " 10.0.0.0/8",
        "10.0.0.0 /8", "10.0.0.0/ 8", "10.0.0.0/8/8", "10.0.0.0/0x8",
        "10.0.0.0/255.0.0.0", "10.0.0.0/4294967304", "10.0.0/8",
        "10.0.0.0/999999999999", "2001:db8::/129", "2001:db8::", "::/",
        "::ffff:10.0.0.0/104", "::ffff:0:0/96", "fe80::%eth0/64", "a/1",
        "10.0.0.0/8\n",
    };
    struct in6_addr ip;
    uint8_t plen;

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        if (!ovl_text_to_ip_len(bad[i], &ip, &plen)) {
            fail_msg("\"%s\" is accepted", bad[i]);
        }
    }
    assert_non_null(ovl_text_to_ip_len(NULL, &ip, &plen));

    char *long_text = repeat('/', 65536);
    assert_non_null(ovl_text_to_ip_len(long_text, &ip, &plen));
    free(long_text);
}

static void
prefixes_of_every_length_are_parsed(void **state OVS_UNUSED)
{
    struct in6_addr ip;
    uint8_t plen;

    for (int len = 0; len <= 128; len++) {
        char *v4 = xasprintf("10.1.2.3/%d", len);
        char *v6 = xasprintf("2001:db8::1/%d", len);

        assert_int_equal(!ovl_text_to_ip_len(v4, &ip, &plen), len <= 32);
        if (len <= 32) {
            assert_int_equal(plen, 96 + len);
            assert_int_equal(ovl_prefix_has_host_bits(&ip, plen), len < 32);
        }
        assert_null(ovl_text_to_ip_len(v6, &ip, &plen));
        assert_int_equal(plen, len);
        assert_int_equal(ovl_prefix_has_host_bits(&ip, plen), len < 128);

        /* The mask clears just the bits that are too many. */
        struct in6_addr ones = ovl_prefix_mask(&in6addr_exact, len);
        assert_false(ovl_prefix_has_host_bits(&ones, len));
        assert_int_equal(ovl_prefix_has_host_bits(&ones, MAX(len, 1) - 1),
                         len > 0);
        assert_true(ovl_prefix_host_bits_are_ones(&in6addr_exact, len));
        assert_int_equal(ovl_prefix_host_bits_are_ones(&ones, len),
                         len == 128);
        free(v4);
        free(v6);
    }
}

static void
prefixes_overlap_if_one_contains_the_other(void **state OVS_UNUSED)
{
    struct in6_addr a = ip_from("10.1.0.1");
    struct in6_addr b = ip_from("10.1.1.1");
    struct in6_addr c = ip_from("2001:db8::1");

    assert_false(ovl_prefix_overlaps(&a, 96 + 24, &b, 96 + 24));
    assert_true(ovl_prefix_overlaps(&a, 96 + 24, &b, 96 + 16));
    assert_true(ovl_prefix_overlaps(&a, 96 + 16, &b, 96 + 24));
    assert_true(ovl_prefix_overlaps(&a, 96 + 23, &b, 96 + 23));
    assert_false(ovl_prefix_overlaps(&a, 96, &c, 0));
    assert_false(ovl_prefix_overlaps(&c, 0, &a, 96));
}

static void
names_are_printable(void **state OVS_UNUSED)
{
    char *just = repeat('x', OVL_TEXT_MAX_NAME);
    char *too_long = repeat('x', OVL_TEXT_MAX_NAME + 1);

    assert_non_null(ovl_text_check_name(NULL));
    assert_non_null(ovl_text_check_name(""));
    assert_non_null(ovl_text_check_name("a\nb"));
    assert_non_null(ovl_text_check_name("a\x7f"));
    assert_non_null(ovl_text_check_name("\xff"));
    assert_non_null(ovl_text_check_name("\xc3"));
    assert_non_null(ovl_text_check_name("\xc0\xaf"));
    assert_non_null(ovl_text_check_name("a\xc2\x80"));
    assert_non_null(ovl_text_check_name(too_long));
    assert_null(ovl_text_check_name(just));
    assert_null(ovl_text_check_name("Größe 1"));
    assert_null(ovl_text_check_name("\xc2\xa0"));
    free(just);
    free(too_long);
}

static void
garbage_is_quoted_harmlessly(void **state OVS_UNUSED)
{
    char *long_text = repeat('x', 65536);
    struct ds ds = DS_EMPTY_INITIALIZER;

    ovl_text_quote(&ds, "a\"b\\c\n\x1b[2J\xc3\xa4\x7f");
    assert_string_equal(ds_cstr(&ds),
                        "\"a\\\"b\\\\c\\x0a\\x1b[2J\\xc3\\xa4\\x7f\"");
    ds_clear(&ds);
    ovl_text_quote(&ds, long_text);
    assert_true(ds.length < 80);
    assert_string_equal(ds_cstr(&ds) + ds.length - 5, "x\"...");
    ds_clear(&ds);
    ovl_text_quote(&ds, NULL);
    assert_string_equal(ds_cstr(&ds), "\"\"");
    ds_destroy(&ds);
    free(long_text);
}

/* Overlay_MAC. */

static char *
parse_mac(struct ovl_row_mac row)
{
    struct ovl_parsed_mac p;
    char *error = ovl_parse_mac(&row, &p);

    ovl_parsed_mac_uninit(&p);
    return error;
}

static void
mac_rows_say_what_is_wrong(void **state OVS_UNUSED)
{
    struct ovl_row_mac good = {
        .vni = 5001, .mac = "52:54:00:00:00:01", .vtep = "192.0.2.2",
    };
    struct ovl_row_mac row;

    expect(parse_mac(good), NULL);

    row = good;
    row.mac = "zz";
    expect(parse_mac(row), "Overlay_MAC: mac \"zz\": not a MAC address "
           "(expected e.g. 52:54:00:00:00:01)");
    row.mac = "ff:ff:ff:ff:ff:ff";
    expect_part(parse_mac(row), "mac \"ff:ff:ff:ff:ff:ff\": a multicast MAC");

    row = good;
    row.vtep = "10.0.0";
    expect(parse_mac(row), "Overlay_MAC 5001 52:54:00:00:00:01: "
           "vtep \"10.0.0\": not an IP address "
           "(expected e.g. 192.0.2.1 or 2001:db8::1)");
    row.vtep = "224.0.0.1";
    expect_part(parse_mac(row), "vtep \"224.0.0.1\": not a host's address");
    row.vtep = "::ffff:1.2.3.4";
    expect_part(parse_mac(row), "an IPv4-mapped IPv6 address");

    row = good;
    row.ips = STRINGS("10.0.0.1", "ff02::1");
    expect_part(parse_mac(row), "ips \"ff02::1\": not a host's address");
}

static void
vnis_are_checked_in_every_table(void **state OVS_UNUSED)
{
    static const int64_t bad[] = {
        0, -1, INT64_MIN, INT64_MAX, 1 << 24, INT64_C(1) << 32,
        (INT64_C(1) << 32) + 1,
    };
    static const int64_t good[] = { 1, 4095, 4096, 4097, (1 << 24) - 1 };

    for (size_t i = 0; i < ARRAY_SIZE(bad) + ARRAY_SIZE(good); i++) {
        bool ok = i >= ARRAY_SIZE(bad);
        int64_t vni = ok ? good[i - ARRAY_SIZE(bad)] : bad[i];
        struct ovl_row_mac mac = {
            .vni = vni, .mac = "2:0:0:0:0:1", .vtep = "192.0.2.2",
        };
        struct ovl_row_neighbor neighbor = {
            .vni = vni, .mac = "2:0:0:0:0:1", .ip = "10.0.0.1",
        };
        struct ovl_row_network network = { .vni = vni };
        struct ovl_row_binding binding = { .iface = "vm1", .vni = vni };
        struct ovl_row_route route = {
            .vrf = "red", .prefix = "10.0.0.0/8", .vni = &vni,
            .nexthops = STRINGS("192.0.2.1"),
        };
        struct ovl_row_iface iface = { .name = "vm1" };
        struct ovl_row_port port = {
            .name = "vm1", .on_overlay_bridge = true, .has_vni = true,
            .vni = vni, .ifaces = &iface, .n_ifaces = 1,
        };
        int64_t vlan = 10;
        struct ovl_row_port gateway = {
            .name = "gw", .on_overlay_bridge = true, .vlans = &vlan,
            .vlan_vnis = &vni, .n_vlans = 1, .ifaces = &iface, .n_ifaces = 1,
        };
        struct ovl_parsed_neighbor p_neighbor;
        struct ovl_parsed_network p_network;
        struct ovl_parsed_route p_route;
        struct ovl_bind_spec specs[3];
        char *errors[] = {
            parse_mac(mac),
            ovl_parse_neighbor(&neighbor, &p_neighbor),
            ovl_parse_network(&network, &p_network),
            ovl_parse_route(&route, &p_route),
            ovl_parse_binding(&binding, &specs[0]),
            ovl_parse_port(&port, &specs[1]),
            ovl_parse_port(&gateway, &specs[2]),
        };

        for (size_t j = 0; j < ARRAY_SIZE(errors); j++) {
            if (ok) {
                expect(errors[j], NULL);
            } else {
                expect_part(errors[j],
                            "out of range (expected 1...16777215)");
            }
        }
        ovl_parsed_network_uninit(&p_network);
        ovl_parsed_route_uninit(&p_route);
        for (size_t j = 0; j < ARRAY_SIZE(specs); j++) {
            ovl_bind_spec_uninit(&specs[j]);
        }
    }
}

static void
ips_of_a_mac_are_counted_once(void **state OVS_UNUSED)
{
    struct ovl_row_mac row = {
        .vni = 1, .mac = "2:0:0:0:0:1", .vtep = "192.0.2.2",
        .ips = STRINGS("2001:db8::1", "10.0.0.1", "2001:DB8::1"),
    };
    struct ovl_parsed_mac p;

    expect(ovl_parse_mac(&row, &p), NULL);
    assert_int_equal(p.n_ips, 2);
    ovl_parsed_mac_uninit(&p);
}

/* Overlay_Neighbor. */

static void
neighbor_rows_say_what_is_wrong(void **state OVS_UNUSED)
{
    struct ovl_row_neighbor good = {
        .vni = 5001, .ip = "10.1.0.11", .mac = "52:54:00:00:00:01",
    };
    struct ovl_row_neighbor row;
    struct ovl_parsed_neighbor p;

    expect(ovl_parse_neighbor(&good, &p), NULL);
    row = good;
    row.ip = "10.1.0.0/24";
    expect(ovl_parse_neighbor(&row, &p), "Overlay_Neighbor: "
           "ip \"10.1.0.0/24\": not an IP address "
           "(expected e.g. 192.0.2.1 or 2001:db8::1)");
    row = good;
    row.mac = "01:00:5e:00:00:01";
    expect(ovl_parse_neighbor(&row, &p),
           "Overlay_Neighbor 5001 10.1.0.11: mac \"01:00:5e:00:00:01\": "
           "a multicast MAC address "
           "(expected a unicast one, e.g. 52:54:00:00:00:01)");
}

/* Overlay_Network. */

static char *
parse_network(struct ovl_row_network row)
{
    struct ovl_parsed_network p;
    char *error = ovl_parse_network(&row, &p);

    ovl_parsed_network_uninit(&p);
    return error;
}

static void
gateway_ips_are_hosts_of_their_prefix(void **state OVS_UNUSED)
{
    static const struct {
        const char *text;
        const char *error;      /* NULL: fine. */
    } cases[] = {
        { "10.1.0.1", "not an IP prefix" },
        { "10.1.0.1/33", "not an IP prefix" },
        { "10.1.0.0/24", "the address of the network itself" },
        { "10.1.0.255/24", "the broadcast address" },
        { "10.1.0.0/30", "the address of the network itself" },
        { "10.1.0.3/30", "the broadcast address" },
        { "10.1.0.1/0", "a prefix length of 0" },
        { "224.0.0.1/24", "not an address that a gateway can have" },
        { "127.0.0.1/8", "not an address that a gateway can have" },
        { "2001:db8::/64", "the address of the network itself" },
        { "::1/64", "not an address that a gateway can have" },
        { "ff02::1/64", "not an address that a gateway can have" },
        { "2001:db8::1/0", "a prefix length of 0" },
        { "::ffff:10.1.0.1/120", "IPv4-mapped" },
        { "10.1.0.1/24", NULL },
        { "10.1.0.0/31", NULL },
        { "10.1.0.1/31", NULL },
        { "10.1.0.1/32", NULL },
        { "10.1.0.1/1", NULL },
        { "2001:db8::1/64", NULL },
        { "2001:db8::/127", NULL },
        { "2001:db8::/128", NULL },
        { "2001:db8::ffff:ffff:ffff:ffff/64", NULL },
        { "fe80::1/64", NULL },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *error = parse_network((struct ovl_row_network) {
            .vni = 5001,
            .gateway_ips = STRINGS(CONST_CAST(char *, cases[i].text)),
        });

        if (cases[i].error) {
            expect_part(xstrdup(error ? error : ""), cases[i].error);
            expect_part(error, "Overlay_Network 5001: gateway_ips \"");
        } else {
            expect(error, NULL);
        }
    }

    expect(parse_network((struct ovl_row_network) {
        .vni = 5001,
        .gateway_ips = STRINGS("2001:db8::1/64", "2001:DB8:0::1/48"),
    }), "Overlay_Network 5001: gateway_ips \"2001:db8::1\": "
        "listed twice (expected each address once)");

    /* Each packet is compared with all of them. */
    char *texts[1025];
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        texts[i] = xasprintf("10.0.%"PRIuSIZE".%"PRIuSIZE"/8", i / 250,
                             i % 250 + 1);
    }
    struct ovl_row_network row = {
        .vni = 5001, .gateway_ips = { .s = texts, .n = 1024 },
    };
    expect(parse_network(row), NULL);
    row.gateway_ips.n++;
    expect(parse_network(row), "Overlay_Network 5001: gateway_ips: too many "
           "(expected at most 1024)");
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        free(texts[i]);
    }
}

static void
network_rows_say_what_is_wrong(void **state OVS_UNUSED)
{
    struct smap answer = SMAP_INITIALIZER(&answer);
    int64_t mtu;

    expect(parse_network((struct ovl_row_network) { .vni = 5001 }), NULL);
    expect(parse_network((struct ovl_row_network) {
        .vni = 5001, .flood_vteps = STRINGS("192.0.2.2", "bad"),
    }), "Overlay_Network 5001: flood_vteps \"bad\": not an IP address "
        "(expected e.g. 192.0.2.1 or 2001:db8::1)");
    expect(parse_network((struct ovl_row_network) {
        .vni = 5001, .gateway_mac = "01:00:00:00:00:00",
    }), "Overlay_Network 5001: gateway_mac \"01:00:00:00:00:00\": "
        "a multicast MAC address "
        "(expected a unicast one, e.g. 52:54:00:00:00:01)");
    expect(parse_network((struct ovl_row_network) {
        .vni = 5001, .unknown_unicast = "flod",
    }), "Overlay_Network 5001: unknown_unicast \"flod\": "
        "unknown (expected drop or flood)");
    expect_part(parse_network((struct ovl_row_network) {
        .vni = 5001, .neigh_miss = "",
    }), "neigh_miss \"\": unknown (expected drop or flood)");
    expect_part(parse_network((struct ovl_row_network) {
        .vni = 5001, .vrf = "a\nb",
    }), "vrf \"a\\x0ab\": not printable text");
    expect_part(parse_network((struct ovl_row_network) {
        .vni = 5001, .vrf = "../etc",
    }), "vrf \"../etc\": has \"..\"");
    expect_part(parse_network((struct ovl_row_network) {
        .vni = 5001, .name = "\x1b[2J",
    }), "name \"\\x1b[2J\": not printable text");

    smap_add(&answer, "answer-tunnel", "yes");
    expect(parse_network((struct ovl_row_network) {
        .vni = 5001, .other_config = &answer,
    }), "Overlay_Network 5001: other_config:answer-tunnel \"yes\": "
        "unknown (expected true or false)");
    smap_destroy(&answer);

    mtu = 67;
    expect(parse_network((struct ovl_row_network) {
        .vni = 5001, .mtu = &mtu,
    }), "Overlay_Network 5001: mtu 67: out of range (expected 68...65535)");
    mtu = 65536;
    expect_part(parse_network((struct ovl_row_network) {
        .vni = 5001, .mtu = &mtu,
    }), "mtu 65536: out of range");
    mtu = 1279;
    expect(parse_network((struct ovl_row_network) {
        .vni = 5001, .mtu = &mtu, .gateway_ips = STRINGS("10.1.0.1/24"),
    }), NULL);
    expect_part(parse_network((struct ovl_row_network) {
        .vni = 5001, .mtu = &mtu, .gateway_ips = STRINGS("2001:db8::1/64"),
    }), "mtu 1279: out of range (expected 1280...65535)");
}

/* Parses a network with 'key' of other_config. */
static char *
parse_network_option(const char *key, const char *value,
                     struct ovl_parsed_network *p)
{
    struct smap config = SMAP_INITIALIZER(&config);

    smap_add(&config, key, value);
    char *error = ovl_parse_network(&(struct ovl_row_network) {
        .vni = 5001, .other_config = &config,
    }, p);
    ovl_parsed_network_uninit(p);
    smap_destroy(&config);
    return error;
}

static void
router_advertisement_options_have_bounds(void **state OVS_UNUSED)
{
    static const struct {
        const char *key, *value, *error;
    } bad[] = {
        { "ra", "yes", "unknown (expected true or false)" },
        { "ra", "", "unknown (expected true or false)" },
        { "ra-autonomous", "TRUE", "unknown (expected true or false)" },
        { "ra-interval", "3", "no number of seconds that is right "
          "(expected 4 to 1800)" },
        { "ra-interval", "0", "(expected 4 to 1800)" },
        { "ra-interval", "1801", "(expected 4 to 1800)" },
        { "ra-interval", "-4", "(expected 4 to 1800)" },
        { "ra-interval", "10 s", "(expected 4 to 1800)" },
        { "ra-lifetime", "1", "(expected 0, or 600 to 9000)" },
        { "ra-lifetime", "599", "(expected 0, or 600 to 9000)" },
        { "ra-lifetime", "9001", "(expected 0, or 600 to 9000)" },
        { "ra-lifetime", "", "(expected 0, or 600 to 9000)" },
        { "ra-lifetime", "99999999999999999999", "(expected 0, or 600 to" },
    };
    struct ovl_parsed_network p;

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        char *start = xasprintf("Overlay_Network 5001: other_config:%s \"%s\""
                                ": ", bad[i].key, bad[i].value);
        char *error = parse_network_option(bad[i].key, bad[i].value, &p);

        assert_non_null(error);
        assert_int_equal(strncmp(error, start, strlen(start)), 0);
        free(start);
        expect_part(error, bad[i].error);
    }

    expect(parse_network_option("ra", "false", &p), NULL);
    assert_false(p.advertise);
    assert_false(p.ra_autonomous);
    assert_int_equal(p.ra_interval, 600);
    assert_int_equal(p.ra_lifetime, 1800);
    expect(parse_network_option("ra", "true", &p), NULL);
    assert_true(p.advertise);
    expect(parse_network_option("ra-autonomous", "true", &p), NULL);
    assert_true(p.advertise && p.ra_autonomous);
    expect(parse_network_option("ra-interval", "4", &p), NULL);
    assert_int_equal(p.ra_interval, 4);
    assert_int_equal(p.ra_lifetime, 12);
    expect(parse_network_option("ra-interval", "1800", &p), NULL);
    assert_int_equal(p.ra_interval, 1800);
    assert_int_equal(p.ra_lifetime, 5400);
    expect(parse_network_option("ra-lifetime", "0", &p), NULL);
    assert_int_equal(p.ra_lifetime, 0);
    expect(parse_network_option("ra-lifetime", "600", &p), NULL);
    assert_int_equal(p.ra_lifetime, 600);
    expect(parse_network_option("ra-lifetime", "9000", &p), NULL);
    assert_int_equal(p.ra_lifetime, 9000);
}

static void
networks_have_the_documented_defaults(void **state OVS_UNUSED)
{
    struct ovl_row_network row = { .vni = 1 };
    struct ovl_parsed_network p;
    bool off = false;

    expect(ovl_parse_network(&row, &p), NULL);
    assert_string_equal(p.name, "");
    assert_string_equal(p.vrf, "");
    assert_false(p.flood_unknown);
    assert_true(p.neigh_suppress);
    assert_false(p.neigh_miss_drop);
    assert_false(p.answer_tunnel);
    assert_true(p.advertise);
    assert_false(p.ra_autonomous);
    assert_int_equal(p.ra_lifetime, 1800);
    assert_int_equal(p.ra_interval, 600);
    assert_int_equal(p.mtu, 0);
    assert_true(eth_addr_is_zero(p.gateway_mac));
    ovl_parsed_network_uninit(&p);

    row.unknown_unicast = "flood";
    row.neigh_suppress = &off;
    row.neigh_miss = "drop";
    expect(ovl_parse_network(&row, &p), NULL);
    assert_true(p.flood_unknown);
    assert_false(p.neigh_suppress);
    assert_true(p.neigh_miss_drop);
    ovl_parsed_network_uninit(&p);
}

/* Overlay_Route. */

static char *
parse_route(struct ovl_row_route row)
{
    struct ovl_parsed_route p;
    char *error = ovl_parse_route(&row, &p);

    ovl_parsed_route_uninit(&p);
    return error;
}

static void
route_rows_say_what_is_wrong(void **state OVS_UNUSED)
{
    struct ovl_row_route good = {
        .vrf = "red", .prefix = "10.2.0.0/16",
        .nexthops = STRINGS("10.1.0.254"),
    };
    struct ovl_row_route row;

    expect(parse_route(good), NULL);

    row = good;
    row.vrf = "";
    expect(parse_route(row),
           "Overlay_Route: vrf \"\": empty (expected a name)");
    row = good;
    row.prefix = "10.2.0.1/16";
    expect(parse_route(row), "Overlay_Route: prefix \"10.2.0.1/16\": "
           "has host bits set (expected e.g. 192.0.2.0/24)");
    row.prefix = "10.2.0.0/33";
    expect_part(parse_route(row), "expected a length of 0 to 32");
    row.prefix = "2001:db8::/129";
    expect_part(parse_route(row), "expected a length of 0 to 128");

    row = good;
    row.nexthops = STRINGS("10.1.0.254", "x");
    expect(parse_route(row), "Overlay_Route \"red\" 10.2.0.0/16: "
           "nexthops \"x\": not an IP address "
           "(expected e.g. 192.0.2.1 or 2001:db8::1)");
    row.nexthops = STRINGS("2001:db8::1");
    expect_part(parse_route(row), "an IPv6 next hop for an IPv4 prefix");
    row.nexthops.n = 0;
    expect_part(parse_route(row), "nexthops: empty");

    row = good;
    row.action = "discard";
    expect(parse_route(row), "Overlay_Route \"red\" 10.2.0.0/16: "
           "action \"discard\": unknown (expected forward, blackhole, "
           "unreachable or prohibit)");
    row.action = "blackhole";
    expect_part(parse_route(row), "nexthops: not empty");
    row.nexthops.n = 0;
    expect(parse_route(row), NULL);
    row.action = "unreachable";
    expect(parse_route(row), NULL);
    row.action = "prohibit";
    expect(parse_route(row), NULL);
}

static void
ipv4_nexthop_of_ipv6_prefix_wants_a_vni(void **state OVS_UNUSED)
{
    int64_t vni = 5001;
    struct ovl_row_route row = {
        .vrf = "red", .prefix = "::/0", .nexthops = STRINGS("10.1.0.254"),
    };

    expect_part(parse_route(row), "an IPv4 next hop for an IPv6 prefix");
    row.vni = &vni;
    expect(parse_route(row), NULL);
}

static void
more_than_64_nexthops_are_refused(void **state OVS_UNUSED)
{
    struct ovl_row_route row = { .vrf = "red", .prefix = "0.0.0.0/0" };
    char *texts[65];

    for (int i = 0; i < 65; i++) {
        texts[i] = xasprintf("10.1.0.%d", i + 1);
    }
    row.nexthops = (struct ovl_strings) { .s = texts, .n = 64 };
    expect(parse_route(row), NULL);
    row.nexthops.n = 65;
    expect_part(parse_route(row), "nexthops: too many (expected at most 64)");
    for (int i = 0; i < 65; i++) {
        free(texts[i]);
    }
}

/* Port and Overlay_Binding. */

static struct ovl_row_iface vm1 = { .name = "vm1" };

static struct ovl_row_port
port_row(struct ovl_strings addresses)
{
    return (struct ovl_row_port) {
        .name = "vm1", .on_overlay_bridge = true, .ifaces = &vm1,
        .n_ifaces = 1, .has_vni = true, .vni = 5001, .addresses = addresses,
    };
}

static char *
parse_port(struct ovl_row_port row)
{
    struct ovl_bind_spec spec;
    char *error = ovl_parse_port(&row, &spec);

    assert_int_not_equal(spec.role, OVL_ROLE_UNBOUND);
    ovl_bind_spec_uninit(&spec);
    return error;
}

static void
port_addresses_say_what_is_wrong(void **state OVS_UNUSED)
{
    static const struct {
        const char *text;
        const char *error;      /* NULL: fine. */
    } cases[] = {
        { "", "\"\": not a MAC address" },
        { "zz", "\"zz\": not a MAC address" },
        { " 2:0:0:0:0:1", "not a MAC address" },
        { "2:0:0:0:0:1 ", "a blank at the end" },
        { "2:0:0:0:0:1\t10.0.0.1", "not a MAC address" },
        { "10.0.0.1 2:0:0:0:0:1", "\"10.0.0.1\" is not a MAC address" },
        { "2:0:0:0:0:1 10.0.0.300", "\"10.0.0.300\" is not an IP address" },
        { "2:0:0:0:0:1 10.0.0.1,10.0.0.2", "is not an IP address" },
        { "2:0:0:0:0:1 10.0.0.1/24", "has host bits set" },
        { "2:0:0:0:0:1 10.0.0.0/33", "is not an IP prefix" },
        { "2:0:0:0:0:1 224.0.0.0/4", "not a unicast prefix" },
        { "2:0:0:0:0:1 ff00::/8", "not a unicast prefix" },
        { "2:0:0:0:0:1 255.255.255.255", "not a host's address" },
        { "2:0:0:0:0:1 2:0:0:0:0:2", "is not an IP address" },
        { "2:0:0:0:0:1 10.0.0.1\n", "is not an IP address" },
        { "1:0:0:0:0:1", "a multicast MAC address" },
        { "2:0:0:0:0:1", NULL },
        { "2:0:0:0:0:1 10.0.0.1", NULL },
        { "2-0-0-0-0-1  10.0.0.1   2001:DB8::1 10.0.0.1", NULL },
        { "2:0:0:0:0:1 0.0.0.0/0 ::/0", NULL },
        { "2:0:0:0:0:1 10.0.0.1/32", NULL },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *error = parse_port(port_row(
            STRINGS(CONST_CAST(char *, cases[i].text))));

        if (cases[i].error) {
            expect_part(xstrdup(error ? error : ""), cases[i].error);
            expect_part(error, "Port \"vm1\": overlay_addresses \"");
        } else {
            expect(error, NULL);
        }
    }
    expect(parse_port(port_row(STRINGS("2:0:0:0:0:1", "2-0-0-0-0-1 1.2.3.4"))),
           "Port \"vm1\": overlay_addresses: 02:00:00:00:00:01 is listed "
           "twice (expected each MAC address once)");
}

static void
port_columns_must_fit_each_other(void **state OVS_UNUSED)
{
    static const int64_t vlans[] = { 10, 4096, -1 };
    static const int64_t vnis[] = { 5001, 5002, 5003 };
    struct ovl_row_iface ifaces[] = { { .name = "a" }, { .name = "b" } };
    struct ovl_row_port row;

    row = port_row(STRINGS("2:0:0:0:0:1"));
    row.has_vni = false;
    expect(parse_port(row), "Port \"vm1\": overlay_addresses is set without "
           "overlay_vni (expected both)");

    row = port_row((struct ovl_strings) { .n = 0 });
    row.vlans = vlans;
    row.vlan_vnis = vnis;
    row.n_vlans = 1;
    expect(parse_port(row), "Port \"vm1\": overlay_vni and "
           "overlay_vlan_bindings are both set (expected one of them)");
    row.has_vni = false;
    expect(parse_port(row), NULL);
    row.n_vlans = 2;
    expect_part(parse_port(row),
                "VLAN 4096: out of range (expected 0...4095)");
    row.vlans = &vlans[2];
    row.n_vlans = 1;
    expect_part(parse_port(row), "VLAN -1: out of range");

    row = port_row((struct ovl_strings) { .n = 0 });
    row.on_overlay_bridge = false;
    expect(parse_port(row), "Port \"vm1\": overlay_vni is set, but the port "
           "is not on a bridge with datapath_type=overlay that is in force");

    row = port_row((struct ovl_strings) { .n = 0 });
    row.ifaces = ifaces;
    row.n_ifaces = 2;
    expect(parse_port(row), "Port \"vm1\": "
           "bonds are not supported as access ports");
}

static void
binding_rows_say_what_is_wrong(void **state OVS_UNUSED)
{
    struct ovl_row_binding row = { .iface = "", .vni = 5001 };
    struct ovl_bind_spec spec;

    expect(ovl_parse_binding(&row, &spec),
           "Overlay_Binding: iface \"\": empty (expected a name)");
    ovl_bind_spec_uninit(&spec);
    row.iface = "vm\n1";
    expect_part(ovl_parse_binding(&row, &spec),
                "iface \"vm\\x0a1\": not printable text");
    ovl_bind_spec_uninit(&spec);
    row.iface = "vm1";
    row.addresses = STRINGS("x");
    expect(ovl_parse_binding(&row, &spec), "Overlay_Binding \"vm1\": "
           "addresses \"x\": not a MAC address "
           "(expected e.g. 52:54:00:00:00:01)");
    ovl_bind_spec_uninit(&spec);
}

static void
port_addresses_become_guards_and_neighbors(void **state OVS_UNUSED)
{
    struct ovl_row_port row = port_row(STRINGS(
        "2:0:0:0:0:2", "2:0:0:0:0:1 10.0.0.1 2001:db8::/64 10.1.0.0/24"));
    struct in6_addr ip = ip_from("10.0.0.1");
    struct ovl_bind_spec spec;

    expect(ovl_parse_port(&row, &spec), NULL);
    assert_int_equal(spec.role, OVL_ROLE_ACCESS);
    assert_int_equal(spec.n_guards, 2);
    assert_false(spec.guards[0].any_ip);
    assert_true(spec.guards[0].has_v6);
    assert_int_equal(spec.guards[0].n_prefixes, 3);
    assert_int_equal(spec.guards[0].prefixes[0].plen, 128);
    assert_int_equal(spec.guards[0].prefixes[1].plen, 64);
    assert_int_equal(spec.guards[0].prefixes[2].plen, 120);
    assert_true(spec.guards[1].any_ip);
    assert_false(spec.guards[1].has_v6);
    assert_int_equal(spec.n_neighbors, 1);
    assert_true(ipv6_addr_equals(&spec.neighbors[0].ip, &ip));
    ovl_bind_spec_uninit(&spec);
}

static void
long_lists_of_addresses_have_an_end(void **state OVS_UNUSED)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    ds_put_cstr(&ds, "2:0:0:0:0:1");
    for (int i = 0; i < 4096; i++) {
        ds_put_format(&ds, " 10.0.%d.%d", i / 256, i % 256);
    }
    expect(parse_port(port_row(STRINGS(ds_cstr(&ds)))), NULL);
    ds_put_cstr(&ds, " 10.1.0.0");
    expect_part(parse_port(port_row(STRINGS(ds_cstr(&ds)))), "one too many");
    ds_destroy(&ds);
}

/* Bridge. */

static void
bridges_go_on_without_what_is_wrong(void **state OVS_UNUSED)
{
    struct smap config = SMAP_INITIALIZER(&config);
    struct ovl_row_bridge row = {
        .name = "br-ov",
        .vtep_ips = STRINGS("192.0.2.9", "bad", "192.0.2.1", "2001:db8::1"),
        .uplinks = STRINGS("eth2", "eth1", "br-ov"),
        .gateway_mac = "zz",
        .router_mac = "02:00:00:00:00:77",
        .other_config = &config,
    };
    struct in6_addr vtep4 = ip_from("192.0.2.1");
    struct in6_addr vtep6 = ip_from("2001:db8::1");
    struct ovl_parsed_bridge p;

    smap_add(&config, "vxlan-port", "65536");
    smap_add(&config, "vxlan-ttl", "0");
    smap_add(&config, "vxlan-dscp", "64");
    smap_add(&config, "vxlan-udp6-zero-csum", "perhaps");
    expect(ovl_parse_bridge(&row, &p),
           "overlay_vtep_ips \"bad\": not an IP address "
           "(expected e.g. 192.0.2.1 or 2001:db8::1); "
           "overlay_vtep_ips: only one address per family is supported, "
           "using 192.0.2.1, ignoring 192.0.2.9; "
           "overlay_uplinks \"br-ov\": the bridge's own port "
           "(expected one that leads to the underlay); "
           "overlay_uplinks: only one uplink is supported, using \"eth1\", "
           "ignoring \"eth2\"; "
           "overlay_gateway_mac \"zz\": not a MAC address "
           "(expected e.g. 52:54:00:00:00:01); "
           "other_config:vxlan-port \"65536\": "
           "not a number of 1 to 65535, using 4789; "
           "other_config:vxlan-ttl \"0\": "
           "not a number of 1 to 255, using 64; "
           "other_config:vxlan-dscp \"64\": "
           "neither \"inherit\" nor a number of 0 to 63, using 0; "
           "other_config:vxlan-udp6-zero-csum \"perhaps\": "
           "unknown (expected true or false), using false");
    assert_true(ipv6_addr_equals(&p.vtep4, &vtep4));
    assert_true(ipv6_addr_equals(&p.vtep6, &vtep6));
    assert_int_equal(p.n_uplinks, 2);
    assert_string_equal(p.uplinks[0], "eth1");
    assert_true(eth_addr_equals(p.gateway_mac, ovl_default_gateway_mac));
    assert_int_equal(p.vxlan_port, 4789);
    assert_int_equal(p.ttl, 64);
    assert_int_equal(p.tos, 0);
    assert_false(p.dscp_inherit);
    assert_false(p.udp6_zero_csum);
    ovl_parsed_bridge_uninit(&p);

    /* The order in which they are listed does not matter. */
    row.vtep_ips = STRINGS("192.0.2.1", "192.0.2.9");
    free(ovl_parse_bridge(&row, &p));
    assert_true(ipv6_addr_equals(&p.vtep4, &vtep4));
    ovl_parsed_bridge_uninit(&p);
    smap_destroy(&config);
}

static void
bridge_options_are_taken(void **state OVS_UNUSED)
{
    struct smap config = SMAP_INITIALIZER(&config);
    struct ovl_row_bridge row = { .name = "br", .other_config = &config };
    struct ovl_parsed_bridge p;

    smap_add(&config, "vxlan-port", "8472");
    smap_add(&config, "vxlan-ttl", "255");
    smap_add(&config, "vxlan-dscp", "46");
    smap_add(&config, "vxlan-udp6-zero-csum", "true");
    expect(ovl_parse_bridge(&row, &p), NULL);
    assert_int_equal(p.vxlan_port, 8472);
    assert_int_equal(p.ttl, 255);
    assert_int_equal(p.tos, 46 << 2);
    assert_true(p.udp6_zero_csum);
    ovl_parsed_bridge_uninit(&p);

    smap_replace(&config, "vxlan-dscp", "inherit");
    expect(ovl_parse_bridge(&row, &p), NULL);
    assert_true(p.dscp_inherit);
    ovl_parsed_bridge_uninit(&p);
    smap_destroy(&config);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(garbage_is_no_mac),
        cmocka_unit_test(any_spelling_of_a_mac_is_the_same),
        cmocka_unit_test(multicast_and_zero_macs_are_refused),
        cmocka_unit_test(garbage_is_no_ip),
        cmocka_unit_test(any_spelling_of_an_ip_is_the_same),
        cmocka_unit_test(what_no_host_has_is_refused),
        cmocka_unit_test(garbage_is_no_prefix),
        cmocka_unit_test(prefixes_of_every_length_are_parsed),
        cmocka_unit_test(prefixes_overlap_if_one_contains_the_other),
        cmocka_unit_test(names_are_printable),
        cmocka_unit_test(garbage_is_quoted_harmlessly),
        cmocka_unit_test(mac_rows_say_what_is_wrong),
        cmocka_unit_test(vnis_are_checked_in_every_table),
        cmocka_unit_test(ips_of_a_mac_are_counted_once),
        cmocka_unit_test(neighbor_rows_say_what_is_wrong),
        cmocka_unit_test(gateway_ips_are_hosts_of_their_prefix),
        cmocka_unit_test(network_rows_say_what_is_wrong),
        cmocka_unit_test(router_advertisement_options_have_bounds),
        cmocka_unit_test(networks_have_the_documented_defaults),
        cmocka_unit_test(route_rows_say_what_is_wrong),
        cmocka_unit_test(ipv4_nexthop_of_ipv6_prefix_wants_a_vni),
        cmocka_unit_test(more_than_64_nexthops_are_refused),
        cmocka_unit_test(port_addresses_say_what_is_wrong),
        cmocka_unit_test(port_columns_must_fit_each_other),
        cmocka_unit_test(binding_rows_say_what_is_wrong),
        cmocka_unit_test(port_addresses_become_guards_and_neighbors),
        cmocka_unit_test(long_lists_of_addresses_have_an_end),
        cmocka_unit_test(bridges_go_on_without_what_is_wrong),
        cmocka_unit_test(bridge_options_are_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
