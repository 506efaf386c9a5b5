/* SPDX-License-Identifier: Apache-2.0 */

/* TOS and traffic class through tunnels: ECN (RFC 6040), DSCP (RFC 2983), and
 * the IPv4 header checksum that follows them (RFC 1624).  Every case over
 * either underlay.  The topology is drawn in world.h, and there is a VM behind
 * an IPv6 VTEP besides. */

#include <config.h>

#include "world-asserts.h"

#include "csum.h"
#include "ecn.h"
#include "pkt-edit.h"

#define OWN6 "2001:db8:ffff::1"
#define VTEP6 "2001:db8:ffff::2"
#define MAC_REMOTE6 "52:54:00:00:00:66"

enum { NE = 0, E1 = 1, E0 = 2, CE = 3, DROP = -1 };
enum { USUAL = OVL_ECN_USUAL, ODD = OVL_ECN_SUSPICIOUS,
       BAD = OVL_ECN_DANGEROUS };

/* RFC 6040 figure 4, cell by cell: result, and what is said about it. */
static const struct cell {
    int inner, outer, result, alarm;
} figure4[] = {
    { NE, NE, NE, USUAL }, { NE, E0, NE, BAD }, { NE, E1, NE, BAD },
    { NE, CE, DROP, BAD },
    { E0, NE, E0, USUAL }, { E0, E0, E0, USUAL }, { E0, E1, E1, USUAL },
    { E0, CE, CE, USUAL },
    { E1, NE, E1, USUAL }, { E1, E0, E1, ODD }, { E1, E1, E1, USUAL },
    { E1, CE, CE, USUAL },
    { CE, NE, CE, USUAL }, { CE, E0, CE, USUAL }, { CE, E1, CE, BAD },
    { CE, CE, CE, USUAL },
};

static struct ovl_vtep *vtep6;

static int
setup(void **state)
{
    struct world *w = world_create();
    struct in6_addr ip = world_ip(VTEP6);

    vtep6 = ovl_vtep_ref(w->fwd, &ip);
    world_resolve(w, vtep6, 1500);
    world_set_mac(w, VNI, MAC_REMOTE6, NULL, 0, vtep6);
    *state = w;
    return 0;
}

static int
teardown(void **state)
{
    struct world *w = *state;

    world_set_mac(w, VNI, MAC_REMOTE6, w->vm3, 0, NULL);
    ovl_vtep_unref(w->fwd, vtep6);
    return world_teardown(state);
}

#define ecn_test(TEST) cmocka_unit_test_setup_teardown(TEST, setup, teardown)

/* A packet with TOS or traffic class 'tos'. */
static struct frame
packet(bool v6, const char *dst, const char *src, uint8_t tos)
{
    bool from_vm = !strcmp(src, MAC_VM1);
    struct frame f;

    if (v6) {
        f = frame_udp6(dst, src, from_vm ? "2001:db8::11" : "2001:db8::99",
                       from_vm ? "2001:db8::99" : "2001:db8::11", 1, 2, 41);
        frame_set32(&f, L3_OFS, 0x600abcde | tos << 20);
    } else {
        f = frame_udp4(dst, src, from_vm ? "10.1.0.11" : "10.1.0.99",
                       from_vm ? "10.1.0.99" : "10.1.0.11", 1, 2, 41);
        frame_set8(&f, IP4_TOS, tos);
        frame_fix_ip4(&f, L3_OFS);
    }
    return f;
}

static struct frame
arp(const char *dst, const char *src)
{
    bool from_vm = !strcmp(src, MAC_VM1);

    return frame_arp(dst, src, 2, src, from_vm ? "10.1.0.11" : "10.1.0.99",
                     dst, from_vm ? "10.1.0.99" : "10.1.0.11");
}

static struct frame
tunneled(bool outer6, uint8_t tos, const struct frame *inner)
{
    return (outer6
            ? frame_vxlan6(MAC_LOCAL, MAC_NEXTHOP, VTEP6, OWN6, tos, 50000,
                           VNI, inner)
            : frame_vxlan4(MAC_LOCAL, MAC_NEXTHOP, IP_VTEP, IP_OWN, tos,
                           50000, VNI, inner));
}

/* VM 1 sends 'f' to a VM behind a VTEP of the family that 'outer6' says: it is
 * unchanged inside an outer header with 'tos'. */
static void
assert_sent_with_tos(struct world *w, bool outer6, struct frame *f,
                     uint8_t tos)
{
    memcpy(f->data, mac_from(outer6 ? MAC_REMOTE6 : MAC_REMOTE).ea, 6);
    world_receive(w, w->vm1, f);
    assert_forwarded(w, 1);

    uint16_t sport = frame_get16(&w->out[0].frame,
                                 outer6 ? L4_OFS6 : UDP_SPORT);
    struct frame expected
        = (outer6 ? frame_vxlan6(MAC_NEXTHOP, MAC_LOCAL, OWN6, VTEP6, tos,
                                 sport, VNI, f)
           : frame_vxlan4(MAC_NEXTHOP, MAC_LOCAL, IP_OWN, IP_VTEP, tos, sport,
                          VNI, f));
    assert_output(w, 0, w->eth1, &expected);
}

/* EC-01. */

static void
ecn_goes_outside_in_normal_mode(void **state)
{
    int n = 0;

    for (int i = 0; i < 16; i++) {
        bool outer6 = i & 8;
        struct frame f = packet(i & 4, MAC_REMOTE, MAC_VM1, 0xa8 | (i & 3));

        assert_sent_with_tos(*state, outer6, &f, i & 3);
        n++;
    }
    assert_int_equal(n, 16);
}

static void
every_cell_of_figure_4_for_each_pair_of_families(void **state)
{
    struct world *w = *state;

    for (int families = 0; families < 4; families++) {
        bool v6 = families & 1, outer6 = families & 2;

        for (size_t i = 0; i < ARRAY_SIZE(figure4); i++) {
            const struct cell *c = &figure4[i];
            struct frame inner = packet(v6, MAC_VM1, MAC_REMOTE,
                                        0xa8 | c->inner);
            struct frame f = tunneled(outer6, 0x50 | c->outer, &inner);

            if (c->result == DROP) {
                assert_tunnel_drop(w, &f, OVL_DROP_ECN_CE_NOT_ECT);
            } else {
                struct frame expected = packet(v6, MAC_VM1, MAC_REMOTE,
                                               0xa8 | c->result);

                world_receive(w, w->eth1, &f);
                assert_forwarded(w, 1);
                assert_output(w, 0, w->vm1, &expected);
            }
        }
    }
}

static void
frame_that_is_not_ip_has_no_ecn(void **state)
{
    struct world *w = *state;

    for (int outer6 = 0; outer6 < 2; outer6++) {
        struct frame in = arp(MAC_VM1, MAC_REMOTE);
        struct frame f = tunneled(outer6, CE, &in);
        struct frame out = arp(MAC_REMOTE, MAC_VM1);

        world_receive(w, w->eth1, &f);
        assert_forwarded(w, 1);
        assert_output(w, 0, w->vm1, &in);
        assert_sent_with_tos(w, outer6, &out, 0);
    }
}

static void
packet_with_an_absurd_ip_header_is_not_touched(void **state)
{
    struct world *w = *state;
    struct frame inner = packet(false, MAC_VM1, MAC_REMOTE, 0);

    frame_set8(&inner, L3_OFS, 0x44);           /* IHL 4. */
    for (int ecn = 0; ecn < 4; ecn++) {
        struct frame f = tunneled(false, ecn, &inner);

        world_receive(w, w->eth1, &f);
        assert_forwarded(w, 1);
        assert_output(w, 0, w->vm1, &inner);
    }
}

/* EC-02. */

static void
combinations_that_no_honest_path_makes_are_counted(void **state)
{
    struct world *w = *state;

    for (size_t i = 0; i < ARRAY_SIZE(figure4); i++) {
        const struct cell *c = &figure4[i];
        uint64_t odd = ovl_counter_read(OVL_EVENT_ECN_SUSPICIOUS);
        uint64_t bad = ovl_counter_read(OVL_EVENT_ECN_DANGEROUS);
        struct frame inner = packet(i & 1, MAC_VM1, MAC_REMOTE, c->inner);
        struct frame f = tunneled(i & 2, c->outer, &inner);

        world_receive(w, w->eth1, &f);
        assert_int_equal(ovl_counter_read(OVL_EVENT_ECN_SUSPICIOUS) - odd,
                         c->alarm == ODD);
        assert_int_equal(ovl_counter_read(OVL_EVENT_ECN_DANGEROUS) - bad,
                         c->alarm == BAD);
        assert_int_equal(world_delta(w, OVL_TOTAL_DROPPED),
                         c->result == DROP);
    }
}

static void
frames_that_are_dropped_before_are_not_counted(void **state)
{
    struct world *w = *state;
    struct frame inner = packet(false, MAC_VM1, MAC_REMOTE, NE);
    struct frame f = tunneled(false, CE, &inner);
    uint64_t bad = ovl_counter_read(OVL_EVENT_ECN_DANGEROUS);

    frame_set32(&f, IP4_SRC, 0xc0000209);       /* 192.0.2.9 */
    frame_fix_ip4(&f, L3_OFS);
    assert_tunnel_drop(w, &f, OVL_DROP_UNKNOWN_VTEP);
    assert_int_equal(ovl_counter_read(OVL_EVENT_ECN_DANGEROUS), bad);
}

/* EC-03 and EC-04. */

static void
fragments_are_treated_like_any_packet(void **state)
{
    static const uint16_t frags[] = { 0x2000, 0x2010, 0x0010 };
    struct world *w = *state;

    for (size_t i = 0; i < ARRAY_SIZE(frags); i++) {
        struct frame inner = packet(false, MAC_VM1, MAC_REMOTE, E0);
        struct frame expected;

        frame_set16(&inner, IP4_FRAG, frags[i]);
        frame_fix_ip4(&inner, L3_OFS);
        expected = inner;
        frame_set8(&expected, IP4_TOS, CE);
        frame_fix_ip4(&expected, L3_OFS);

        struct frame f = tunneled(false, CE, &inner);
        world_receive(w, w->eth1, &f);
        assert_forwarded(w, 1);
        assert_output(w, 0, w->vm1, &expected);
    }
}

/* EC-05. */

static void
ip_behind_a_priority_tag_is_found(void **state)
{
    struct world *w = *state;

    for (int v6 = 0; v6 < 2; v6++) {
        struct frame inner = packet(v6, MAC_VM1, MAC_REMOTE, E0);
        struct frame tagged = frame_tag(&inner, 0x8100, 0xa000);
        struct frame f = tunneled(false, CE, &tagged);
        struct frame expected = packet(v6, MAC_VM1, MAC_REMOTE, CE);

        world_receive(w, w->eth1, &f);
        assert_forwarded(w, 1);
        assert_output(w, 0, w->vm1, &expected);
    }
}

/* A flooded copy has the new field, too, and so has every other one. */
static void
every_copy_of_a_flooded_packet_has_it(void **state)
{
    struct world *w = *state;
    struct frame inner = packet(false, MAC_BROADCAST, MAC_REMOTE, E0);
    struct frame f = tunneled(false, CE, &inner);
    struct frame expected = packet(false, MAC_BROADCAST, MAC_REMOTE, CE);
    struct frame tagged = frame_tag(&expected, 0x8100, 10);

    world_receive(w, w->eth1, &f);
    assert_forwarded(w, 4);
    assert_output(w, 0, w->vm1, &expected);
    assert_output(w, 2, w->vm3, &expected);
    assert_output(w, 3, w->trunk1, &tagged);
}

/* DS-01 and DS-02. */

static void
configured_dscp_goes_outside_whatever_is_inside(void **state)
{
    struct world *w = *state;

    for (int dscp = 0; dscp < 64; dscp++) {
        w->config.tos = dscp << 2;
        world_apply(w);
        for (int families = 0; families < 4; families++) {
            bool outer6 = families & 2;
            uint8_t tos = (63 - dscp) << 2 | (dscp & 3);
            struct frame f = packet(families & 1, MAC_REMOTE, MAC_VM1, tos);
            struct frame other = arp(MAC_REMOTE, MAC_VM1);

            assert_sent_with_tos(w, outer6, &f, dscp << 2 | (dscp & 3));
            assert_sent_with_tos(w, outer6, &other, dscp << 2);
        }
    }
}

static void
inherited_dscp_goes_outside(void **state)
{
    struct world *w = *state;

    w->config.tos = 46 << 2;
    w->config.dscp_inherit = true;
    world_apply(w);
    for (int tos = 0; tos < 256; tos++) {
        for (int families = 0; families < 4; families++) {
            struct frame f = packet(families & 1, MAC_REMOTE, MAC_VM1, tos);

            assert_sent_with_tos(w, families & 2, &f, tos);
        }
    }
    for (int outer6 = 0; outer6 < 2; outer6++) {
        struct frame other = arp(MAC_REMOTE, MAC_VM1);

        assert_sent_with_tos(w, outer6, &other, 46 << 2);
    }
}

/* Pipe and uniform mode alike: nothing of the outer DSCP gets inside. */
static void
outer_dscp_stays_outside(void **state)
{
    struct world *w = *state;

    for (int inherit = 0; inherit < 2; inherit++) {
        w->config.dscp_inherit = inherit;
        world_apply(w);
        for (int dscp = 0; dscp < 64; dscp++) {
            for (int families = 0; families < 4; families++) {
                struct frame inner = packet(families & 1, MAC_VM1,
                                            MAC_REMOTE, (63 - dscp) << 2);
                struct frame f = tunneled(families & 2, dscp << 2, &inner);

                world_receive(w, w->eth1, &f);
                assert_forwarded(w, 1);
                assert_output(w, 0, w->vm1, &inner);
            }
        }
    }
}

/* CS-01 to CS-05. */

/* The checksum of a header whose other words sum up to 'rest', one's
 * complement, computed the long way. */
static uint16_t
full_csum(uint16_t rest, uint16_t word)
{
    uint32_t sum = (uint32_t) rest + word;

    sum = (sum & 0xffff) + (sum >> 16);
    return ~sum;
}

static bool
same_number(uint16_t a, uint16_t b)
{
    return a == b || (!a && b == 0xffff) || (!b && a == 0xffff);
}

static void
every_checksum_follows_every_change_of_tos(void **state OVS_UNUSED)
{
    /* The word of version, IHL and TOS; 4 new values for each of 256 old
     * ones, and each sum that the rest of the header may have. */
    for (uint32_t old = 0x4500; old <= 0x45ff; old++) {
        for (uint32_t ecn = 0; ecn < 4; ecn++) {
            uint32_t new = (old & ~UINT32_C(3)) | ecn;

            for (uint32_t rest = 1; rest <= 0xffff; rest++) {
                uint16_t before = full_csum(rest, old);
                uint16_t after = ntohs(recalc_csum16(htons(before),
                                                     htons(old & 0xff),
                                                     htons(new & 0xff)));

                if (!same_number(after, full_csum(rest, new))) {
                    fail_msg("0x%04"PRIx32" to 0x%04"PRIx32", rest "
                             "0x%04"PRIx32": 0x%04"PRIx16, old, new, rest,
                             after);
                }
            }
        }
    }
}

static void
example_of_rfc1624_section_4(void **state OVS_UNUSED)
{
    assert_int_equal(ntohs(recalc_csum16(htons(0xdd2f), htons(0x5555),
                                         htons(0x3285))), 0);
}

static void
one_change_equals_several(void **state OVS_UNUSED)
{
    for (uint32_t hc = 0; hc <= 0xffff; hc++) {
        ovs_be16 a = recalc_csum16(htons(hc), htons(0x4500), htons(0x4501));

        a = recalc_csum16(a, htons(0x4501), htons(0x45b9));
        a = recalc_csum16(a, htons(0x4011), htons(0x3f11));

        ovs_be16 b = recalc_csum16(htons(hc), htons(0x4500), htons(0x45b9));
        b = recalc_csum16(b, htons(0x4011), htons(0x3f11));
        assert_true(same_number(ntohs(a), ntohs(b)));
    }
}

/* A checksum that was wrong is as wrong afterwards: nothing is healed. */
static void
wrong_checksum_inside_stays_wrong(void **state)
{
    struct world *w = *state;
    struct frame inner = packet(false, MAC_VM1, MAC_REMOTE, E0);
    struct frame expected = packet(false, MAC_VM1, MAC_REMOTE, CE);

    frame_set16(&inner, IP4_CSUM, frame_get16(&inner, IP4_CSUM) + 1);
    frame_set16(&expected, IP4_CSUM, frame_get16(&expected, IP4_CSUM) + 1);

    struct frame f = tunneled(false, CE, &inner);
    world_receive(w, w->eth1, &f);
    assert_forwarded(w, 1);
    assert_output(w, 0, w->vm1, &expected);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ecn_test(ecn_goes_outside_in_normal_mode),
        ecn_test(every_cell_of_figure_4_for_each_pair_of_families),
        ecn_test(frame_that_is_not_ip_has_no_ecn),
        ecn_test(packet_with_an_absurd_ip_header_is_not_touched),
        ecn_test(combinations_that_no_honest_path_makes_are_counted),
        ecn_test(frames_that_are_dropped_before_are_not_counted),
        ecn_test(fragments_are_treated_like_any_packet),
        ecn_test(ip_behind_a_priority_tag_is_found),
        ecn_test(every_copy_of_a_flooded_packet_has_it),
        ecn_test(configured_dscp_goes_outside_whatever_is_inside),
        ecn_test(inherited_dscp_goes_outside),
        ecn_test(outer_dscp_stays_outside),
        cmocka_unit_test(every_checksum_follows_every_change_of_tos),
        cmocka_unit_test(example_of_rfc1624_section_4),
        cmocka_unit_test(one_change_equals_several),
        ecn_test(wrong_checksum_inside_stays_wrong),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
