/* SPDX-License-Identifier: Apache-2.0 */

/* What senders leave to us, on every way through the pipeline.
 *
 * The oracle is the sender that leaves nothing: whatever a large packet
 * becomes has to be what would become of its segments, had the sender made
 * them. */

#include <config.h>

#include "world-asserts.h"

#include "dp-packet.h"
#include "random.h"
#include "routed-world.h"

#define SEED 20260711

#define TCP_CSUM DP_PACKET_OL_TX_TCP_CKSUM
#define UDP_CSUM_MARK DP_PACKET_OL_TX_UDP_CKSUM
#define CUT (DP_PACKET_OL_TX_TCP_CKSUM | DP_PACKET_OL_TX_TCP_SEG)

/* A TCP packet with 'n' bytes of payload. */
static struct frame
tcp(bool v6, const char *dst, const char *src, const char *ip_src,
    const char *ip_dst, size_t n)
{
    uint8_t segment[20 + 9100] = {
        0x12, 0x34, 0, 80, 0, 0, 0xff, 0, 1, 2, 3, 4, 0x50, 0x99,
    };

    ovs_assert(n <= 9100);
    for (size_t i = 0; i < n; i++) {
        segment[20 + i] = i * 3 + i / 256;
    }

    struct frame f = (v6 ? frame_ip6(dst, src, ip_src, ip_dst, 6, 64, segment,
                                     20 + n)
                      : frame_ip4(dst, src, ip_src, ip_dst, 6, segment,
                                  20 + n));
    size_t l4 = v6 ? L4_OFS6 : L4_OFS;
    frame_fix_l4(&f, L3_OFS, l4, l4 + 16);
    return f;
}

/* What a sender makes of 'f' that leaves its checksum to others, or keeps it
 * for mischief. */
static struct frame
unfinished(const struct frame *f)
{
    bool v6 = f->data[12] == 0x86;
    bool udp = f->data[v6 ? 20 : 23] == 17;
    struct frame g = *f;

    frame_set16(&g, (v6 ? L4_OFS6 : L4_OFS) + (udp ? 6 : 16),
                random_uint32());
    return g;
}

/* Segment 'i' of 'f' with 'mss' bytes. */
static struct frame
segment_of(const struct frame *f, size_t mss, size_t i)
{
    bool v6 = f->data[12] == 0x86;
    size_t l4 = v6 ? L4_OFS6 : L4_OFS;
    size_t start = i * mss;
    size_t n = MIN(mss, f->len - l4 - 20 - start);
    bool last = l4 + 20 + start + n == f->len;
    struct frame s = frame_cut(f, l4 + 20);
    uint8_t flags = f->data[l4 + 13];

    frame_put(&s, f->data + l4 + 20 + start, n);
    if (v6) {
        frame_set16(&s, L3_OFS + 4, 20 + n);
    } else {
        frame_set16(&s, IP4_LEN, 40 + n);
        frame_set16(&s, L3_OFS + 4, frame_get16(f, L3_OFS + 4) + i);
        frame_fix_ip4(&s, L3_OFS);
    }
    frame_set32(&s, l4 + 4, 0xff00 + start);
    frame_set8(&s, l4 + 13, flags & ~((i ? 0x80 : 0) | (last ? 0 : 0x09)));
    frame_fix_l4(&s, L3_OFS, l4, l4 + 16);
    return s;
}

static size_t
n_segments(const struct frame *f, size_t mss)
{
    return DIV_ROUND_UP(f->len - (f->data[12] == 0x86 ? L4_OFS6 : L4_OFS)
                        - 20, mss);
}

static int
compare_outputs(const void *a_, const void *b_)
{
    const struct world_output *a = a_, *b = b_;
    int diff = strcmp(a->port->name, b->port->name);

    if (!diff) {
        diff = a->frame.len < b->frame.len ? -1 : a->frame.len > b->frame.len;
    }
    return diff ? diff : memcmp(a->frame.data, b->frame.data, a->frame.len);
}

/* 'f' behind tag 'vlan', unless that is 0. */
static struct frame
tagged(const struct frame *f, uint16_t vlan)
{
    return vlan ? frame_tag(f, 0x8100, vlan) : *f;
}

/* The same comes out of 'f', to be cut, and of its segments. */
static void
assert_same(struct world *w, struct ovl_lport *in, const struct frame *f,
            uint16_t vlan, uint16_t mss)
{
    static struct world_output expected[WORLD_MAX_OUTPUTS];
    static struct frame segments[NETDEV_MAX_BURST];
    size_t n = n_segments(f, mss), n_expected;

    ovs_assert(n <= NETDEV_MAX_BURST);
    for (size_t i = 0; i < n; i++) {
        struct frame s = segment_of(f, mss, i);

        segments[i] = tagged(&s, vlan);
    }
    world_receive_burst(w, in, segments, n);
    n_expected = w->n_out;
    assert_int_equal(world_delta(w, OVL_TOTAL_DROPPED), 0);
    memcpy(expected, w->out, n_expected * sizeof *expected);
    qsort(expected, n_expected, sizeof *expected, compare_outputs);

    struct frame g = unfinished(f);
    g = tagged(&g, vlan);
    world_receive_marked(w, in, &g, CUT, mss);
    assert_null(world_memory_violation(w));
    assert_int_equal(world_delta(w, OVL_TOTAL_RECEIVED), 1);
    assert_int_equal(world_delta(w, OVL_TOTAL_DROPPED), 0);
    assert_int_equal(world_delta(w, OVL_TOTAL_SENT), n_expected);
    assert_int_equal(world_delta(w, OVL_TOTAL_REPLICATED), n_expected - 1);
    assert_int_equal(w->n_out, n_expected);
    qsort(w->out, w->n_out, sizeof *w->out, compare_outputs);
    for (size_t i = 0; i < n_expected; i++) {
        assert_int_equal(w->out[i].marks, 0);
        assert_output(w, i, expected[i].port, &expected[i].frame);
    }
}

static void
large_packet_is_what_its_segments_would_be(void **state)
{
    static const char *const macs[] = {
        MAC_VM2, MAC_VM3, MAC_REMOTE, MAC_BROADCAST,
    };
    struct world *w = *state;

    random_set_seed(SEED);
    for (int i = 0; i < 400; i++) {
        bool v6 = i % 2;
        uint16_t mss = 300 + random_range(1450 - 60 - 300 + 1);
        const char *mac = macs[i / 2 % ARRAY_SIZE(macs)];
        struct frame f = tcp(v6, mac, MAC_VM1,
                             v6 ? "2001:db8::11" : "10.1.0.11",
                             v6 ? "2001:db8::12" : "10.1.0.12",
                             1 + random_range(9000));

        assert_same(w, w->vm1, &f, 0, mss);
        assert_same(w, w->trunk1, &f, 10, mss);
    }
}

static int
routed_setup(void **state)
{
    *state = routed_world_create();
    return 0;
}

static int
routed_teardown(void **state)
{
    routed_world_destroy(*state);
    return world_is_balanced() ? 0 : -1;
}

static void
routed_large_packet_is_what_its_segments_would_be(void **state)
{
    /* To a port, a tunnel, a VLAN, through two networks with small MTUs. */
    static const char *const to4[] = {
        "10.2.0.14", "10.2.0.95", "10.2.0.77", "10.3.7.200", "10.99.0.1",
    };
    static const char *const to6[] = {
        "2001:db8:2::14", "2001:db8:2::95", "2001:db8:3::1",
        "2001:db8:4::1",
    };
    struct routed_world *r = *state;

    random_set_seed(SEED);
    for (int i = 0; i < 400; i++) {
        bool v6 = i % 2;
        const char *to = (v6 ? to6[i / 2 % ARRAY_SIZE(to6)]
                          : to4[i / 2 % ARRAY_SIZE(to4)]);
        struct frame f = tcp(v6, MAC_ROUTER, MAC_VM1,
                             v6 ? "2001:db8:1::11" : "10.1.0.11", to,
                             1 + random_range(9000));

        assert_same(r->w, r->ports[PORT_A], &f, 0,
                    300 + random_range(600 - 60 - 300 + 1));
        if (!v6) {
            /* Fragments of segments. */
            frame_set16(&f, IP4_FRAG, 0);
            frame_fix_ip4(&f, L3_OFS);
            assert_same(r->w, r->ports[PORT_A], &f, 0,
                        300 + random_range(1400 - 300 + 1));
        }
    }
}

/* Without segmentation. */

static void
checksum_is_finished_on_every_way(void **state)
{
    struct world *w = *state;

    for (int i = 0; i < 4 * 300; i++) {
        bool v6 = i & 1, udp = i & 2;
        const char *src = v6 ? "2001:db8::11" : "10.1.0.11";
        const char *dst = v6 ? "2001:db8::12" : "10.1.0.12";
        struct frame f
            = (!udp ? tcp(v6, MAC_VM2, MAC_VM1, src, dst, i)
               : v6 ? frame_udp6(MAC_VM2, MAC_VM1, src, dst, i, 2, i)
               : frame_udp4(MAC_VM2, MAC_VM1, src, dst, i, 2, i));
        uint64_t mark = udp ? UDP_CSUM_MARK : TCP_CSUM;
        struct frame g = unfinished(&f), t;

        world_receive_marked(w, w->vm1, &g, mark, 0);
        assert_forwarded(w, 1);
        assert_output(w, 0, w->vm2, &f);
        assert_int_equal(w->out[0].marks, 0);
        assert_null(world_violation(w, w->vm1));

        memcpy(f.data, mac_from(MAC_REMOTE).ea, 6);
        g = unfinished(&f);
        world_receive_marked(w, w->vm1, &g, mark, 0);
        assert_forwarded(w, 1);
        assert_tunneled(w, 0, IP_VTEP, 0, &f);
        assert_null(world_violation(w, w->vm1));

        memcpy(f.data, mac_from(MAC_BROADCAST).ea, 6);
        g = unfinished(&f);
        world_receive_marked(w, w->vm1, &g, mark, 0);
        assert_forwarded(w, 5);
        assert_output(w, 0, w->vm2, &f);
        t = frame_tag(&f, 0x8100, 10);
        assert_output(w, 2, w->trunk1, &t);
        assert_tunneled(w, 4, IP_VTEP2, 0, &f);

        /* The host's. */
        g = unfinished(&f);
        world_receive_marked(w, w->local, &g, mark, 0);
        assert_forwarded(w, 1);
        assert_output(w, 0, w->eth1, &f);
        world_receive_marked(w, w->eth1, &g, mark, 0);
        assert_forwarded(w, 1);
        assert_output(w, 0, w->local, &f);
    }
}

/* A sender on this host left the checksum of the outer packet, or of the
 * inner one, to its device: nobody says which. */
static void
checksum_inside_a_tunnel_is_finished(void **state)
{
    struct world *w = *state;

    for (int v6 = 0; v6 < 2; v6++) {
        struct frame f = tcp(v6, MAC_VM1, MAC_REMOTE,
                             v6 ? "2001:db8::99" : "10.1.0.99",
                             v6 ? "2001:db8::11" : "10.1.0.11", 100);
        struct frame g = unfinished(&f);
        struct frame t = frame_vxlan4(MAC_UPLINK, MAC_NEXTHOP, IP_VTEP,
                                      IP_OWN, 0, 50000, VNI, &g);

        world_receive_marked(w, w->eth1, &t, UDP_CSUM_MARK, 0);
        assert_forwarded(w, 1);
        assert_output(w, 0, w->vm1, &f);

        /* Not VXLAN's checksum. */
        world_receive_marked(w, w->eth1, &t, TCP_CSUM, 0);
        assert_int_equal(world_delta(w, OVL_TOTAL_DROPPED), 1);
        world_receive_marked(w, w->eth1, &t, CUT, 100);
        assert_int_equal(world_delta(w, OVL_TOTAL_DROPPED), 1);
    }

    struct frame f = frame_arp_request(MAC_REMOTE, "10.1.0.99", "10.1.0.13");
    struct frame t = frame_vxlan4(MAC_UPLINK, MAC_NEXTHOP, IP_VTEP, IP_OWN, 0,
                                  50000, VNI, &f);
    frame_set16(&t, UDP_CSUM, 0x1234);
    world_receive_marked(w, w->eth1, &t, UDP_CSUM_MARK, 0);
    assert_int_equal(world_delta(w, OVL_TOTAL_DROPPED), 0);
    assert_output(w, 0, w->vm1, &f);
}

/* Drivers that can. */

static void
set_offloads(struct ovl_lport *port, uint8_t offloads)
{
    atomic_store_relaxed(&port->offloads, offloads);
}

/* 'f' with the sum of its pseudo-header only. */
static struct frame
prepared(const struct frame *f)
{
    bool v6 = f->data[12] == 0x86;
    size_t l4 = v6 ? L4_OFS6 : L4_OFS;
    size_t field = l4 + (f->data[v6 ? 20 : 23] == 17 ? 6 : 16);
    struct frame g = *f, zeros = *f;

    /* What the checksum says of a packet without a bit, turned round. */
    memset(zeros.data + l4, 0, f->len - l4);
    frame_fix_l4(&zeros, L3_OFS, l4, field);
    frame_set16(&g, field, ~frame_get16(&zeros, field));
    return g;
}

static void
driver_that_can_gets_it_unfinished(void **state)
{
    struct world *w = *state;

    set_offloads(w->vm2, OVL_LPORT_CSUM | OVL_LPORT_TSO4 | OVL_LPORT_TSO6);
    set_offloads(w->trunk1, OVL_LPORT_CSUM | OVL_LPORT_TSO4 | OVL_LPORT_TSO6);
    set_offloads(w->vm3, OVL_LPORT_CSUM);
    for (int v6 = 0; v6 < 2; v6++) {
        uint64_t family = v6 ? DP_PACKET_OL_TX_IPV6 : DP_PACKET_OL_TX_IPV4;
        size_t l4 = v6 ? L4_OFS6 : L4_OFS;
        struct frame f = tcp(v6, MAC_VM2, MAC_VM1,
                             v6 ? "2001:db8::11" : "10.1.0.11",
                             v6 ? "2001:db8::12" : "10.1.0.12", 5000);
        struct frame g = unfinished(&f), p = prepared(&f), t;

        world_receive_marked(w, w->vm1, &g, CUT, 1000);
        assert_forwarded(w, 1);
        assert_output(w, 0, w->vm2, &p);
        assert_int_equal(w->out[0].marks, CUT | family);
        assert_int_equal(w->out[0].l3_ofs, L3_OFS);
        assert_int_equal(w->out[0].l4_ofs, l4);

        /* What follows the packet is nobody's payload. */
        frame_put_pattern(&g, 7);
        world_receive_marked(w, w->vm1, &g, CUT, 1000);
        assert_forwarded(w, 1);
        assert_output(w, 0, w->vm2, &p);

        /* Its segments would not fit: the driver would make others. */
        atomic_store_relaxed(&w->vm2->mtu, 20 + l4 - L3_OFS + 999);
        world_receive_marked(w, w->vm1, &g, CUT, 1000);
        assert_forwarded(w, 5);
        assert_int_equal(w->out[0].marks, 0);
        atomic_store_relaxed(&w->vm2->mtu, 1500);

        /* A driver that can only finish checksums. */
        memcpy(g.data, mac_from(MAC_VM3).ea, 6);
        world_receive_marked(w, w->vm1, &g, CUT, 1000);
        assert_forwarded(w, 5);
        g = frame_cut(&g, f.len);
        memcpy(p.data, mac_from(MAC_VM3).ea, 6);
        world_receive_marked(w, w->vm1, &g, TCP_CSUM, 0);
        assert_forwarded(w, 1);
        assert_output(w, 0, w->vm3, &p);
        assert_int_equal(w->out[0].marks, TCP_CSUM | family);

        /* Behind a tag; copies are marked, too. */
        memcpy(g.data, mac_from(MAC_BROADCAST).ea, 6);
        memcpy(p.data, mac_from(MAC_BROADCAST).ea, 6);
        world_receive_marked(w, w->vm1, &g, CUT, 1000);
        assert_forwarded(w, 1 + 5 + 1 + 5 + 5);
        assert_output(w, 0, w->vm2, &p);
        assert_int_equal(w->out[0].marks, CUT | family);
        t = frame_tag(&p, 0x8100, 10);
        assert_output(w, 6, w->trunk1, &t);
        assert_int_equal(w->out[6].marks, CUT | family);
        assert_int_equal(w->out[6].l3_ofs, L3_OFS + 4);
        assert_int_equal(w->out[6].l4_ofs, l4 + 4);

        /* Nobody segments what is in VXLAN, whatever the uplink can. */
        set_offloads(w->eth1, UINT8_MAX);
        memcpy(g.data, mac_from(MAC_REMOTE).ea, 6);
        world_receive_marked(w, w->vm1, &g, CUT, 1000);
        assert_forwarded(w, 5);
        assert_int_equal(w->out[0].marks, 0);
        /* But what is not, it does. */
        world_receive_marked(w, w->local, &g, CUT, 1000);
        assert_forwarded(w, 1);
        assert_int_equal(w->out[0].marks, CUT | family);
        set_offloads(w->eth1, 0);
    }
}

/* MTUs. */

static void
mtu_is_about_segments(void **state)
{
    struct world *w = *state;

    for (int v6 = 0; v6 < 2; v6++) {
        size_t headers = v6 ? 60 : 40;
        struct frame f = tcp(v6, MAC_REMOTE, MAC_VM1,
                             v6 ? "2001:db8::11" : "10.1.0.11",
                             v6 ? "2001:db8::99" : "10.1.0.99", 9000);

        assert_same(w, w->vm1, &f, 0, 1450 - headers);

        /* One more, and it is told the tunnel's MTU. */
        world_receive_marked(w, w->vm1, &f, CUT, 1450 - headers + 1);
        assert_int_equal(world_delta(w, OVL_TOTAL_DROPPED), 1);
        assert_int_equal(w->n_out, 1);
        assert_ptr_equal(w->out[0].port, w->vm1);
        assert_int_equal(frame_get16(&w->out[0].frame,
                                     v6 ? L4_OFS6 + 6 : L4_OFS + 6), 1450);

        /* Nobody said how large: as large as fits. */
        world_receive_marked(w, w->vm1, &f, CUT, 0);
        size_t n = n_segments(&f, 1450 - headers);
        assert_forwarded(w, n);
        for (size_t i = 0; i < n; i++) {
            struct frame s = segment_of(&f, 1450 - headers, i);

            assert_tunneled(w, i, IP_VTEP, 0, &s);
        }
    }
}

/* Marks of all kinds on frames of all kinds: nothing is lost or left
 * unfinished, or anybody else's business. */
static void
marks_on_every_template(void **state)
{
    static const uint16_t sizes[] = { 0, 1, 7, 100, 1460, UINT16_MAX };
    static const uint64_t l4[] = {
        0, DP_PACKET_OL_TX_TCP_CKSUM, DP_PACKET_OL_TX_UDP_CKSUM,
        DP_PACKET_OL_TX_SCTP_CKSUM,
    };
    struct world *w = *state;
    struct ovl_lport *ports[] = { w->vm1, w->vm3, w->trunk1, w->other };
    size_t n;
    const struct frame *f = frame_templates(&n);

    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < ARRAY_SIZE(sizes) * ARRAY_SIZE(l4) * 2; j++) {
            uint64_t marks = l4[j % 4]
                             | (j % 8 < 4 ? DP_PACKET_OL_TX_TCP_SEG : 0);

            for (size_t p = 0; p < ARRAY_SIZE(ports); p++) {
                world_receive_marked(w, ports[p], &f[i], marks, sizes[j / 8]);
                const char *violation = world_violation(w, ports[p]);
                if (violation) {
                    print_frame(violation, &f[i]);
                    fail_msg("template %"PRIuSIZE", marks %"PRIx64", size %d",
                             i, marks, sizes[j / 8]);
                }
                for (size_t k = 0; k < w->n_out; k++) {
                    assert_int_equal(w->out[k].marks, 0);
                }
            }
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(large_packet_is_what_its_segments_would_be),
        cmocka_unit_test_setup_teardown(
            routed_large_packet_is_what_its_segments_would_be,
            routed_setup, routed_teardown),
        world_test(checksum_is_finished_on_every_way),
        world_test(checksum_inside_a_tunnel_is_finished),
        world_test(driver_that_can_gets_it_unfinished),
        world_test(mtu_is_about_segments),
        world_test(marks_on_every_template),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
