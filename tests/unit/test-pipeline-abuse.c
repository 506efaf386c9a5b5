/* SPDX-License-Identifier: Apache-2.0 */

/* Bad frames through the whole pipeline, from every side.
 *
 * Each frame of bad-frames.h comes in on a port of every role and, unless it
 * is VXLAN already, out of a tunnel.  Its last byte is the last one before a
 * page that cannot be touched.  After each, every byte that came out is
 * accounted for (world-oracle.h), and so is every packet.  It prints how many
 * there were.  The same again with the router's MAC as destination, from ports
 * and out of tunnels, where routed-oracle.h knows what becomes of each.
 *
 * Frames in several segments are not here: the pipeline never sees any,
 * overlay-port.c makes each contiguous or drops it.  Mbufs need DPDK's EAL. */

#include <config.h>

#include "world-asserts.h"

#include <malloc.h>

#include "bad-frames.h"
#include "hash.h"
#include "random.h"
#include "routed-oracle.h"
#include "world-oracle.h"

/* What was tried so far. */
struct tally {
    struct world *w;
    struct routed_world *r;     /* Instead. */
    size_t n_frames;
    size_t n_distinct;
    size_t n_runs;
    size_t n_out;
    size_t n_answers;

    /* Hashes of frames, and where to put the next one. */
    uint64_t *seen;
};

#define SEEN_BITS 21

/* At least so many of each, and of all together, distinct. */
static const size_t enough[] = {
    120, 16000, 16000, 75000, 70000, 18000, 16000, 2048, 8186, 65536
};
#define ENOUGH_DISTINCT 350000
#define ENOUGH_ROUTED 150000
#define ENOUGH_TOLD 100000

/* Returns true if the frame was not seen before. */
static bool
is_new(struct tally *t, const uint8_t *data, size_t len)
{
    uint64_t hash = (uint64_t) hash_bytes(data, len, 1) << 32
                    | hash_bytes(data, len, 2);
    size_t i;

    hash |= 1;
    for (i = hash >> (64 - SEEN_BITS); t->seen[i];
         i = (i + 1) % (1 << SEEN_BITS)) {
        if (t->seen[i] == hash) {
            return false;
        }
    }
    t->seen[i] = hash;
    return true;
}

static void
count(struct tally *t, const uint8_t *data, size_t len)
{
    t->n_frames++;
    t->n_distinct += is_new(t, data, len);
    assert_true(t->n_distinct < (1 << SEEN_BITS) / 2);
}

static void
try_on(struct tally *t, struct ovl_lport *port, const uint8_t *data,
       size_t len)
{
    const char *error;
    struct world *w = t->w;

    world_receive_bytes(w, port, data, len);
    t->n_runs++;
    t->n_out += w->n_out;
    t->n_answers += world_delta(w, OVL_TOTAL_GENERATED);
    error = world_oracle(w, port, data, len);
    if (!error) {
        error = world_echo(w);
    }
    if (error) {
        struct frame f = { .len = 0 };

        frame_put(&f, data, len);
        print_frame(error, &f);
        print_error("on %s, with %"PRIuSIZE" bytes of tailroom\n",
                    port->name, w->tailroom);
        fail();
    }
}

static void
try_frame(const uint8_t *data, size_t len, size_t template, void *t_)
{
    struct tally *t = t_;
    struct world *w = t->w;
    struct ovl_lport *ports[] = {
        w->vm1, w->vm3, w->trunk1, w->other, w->loose, w->eth1, w->local
    };

    count(t, data, len);
    for (size_t i = 0; i < ARRAY_SIZE(ports); i++) {
        try_on(t, ports[i], data, len);
    }
    if (frame_template_kind(template) != FRAME_VXLAN) {
        struct frame inner, outer;

        inner.len = 0;
        frame_put(&inner, data, len);
        outer = frame_vxlan4(MAC_LOCAL, MAC_NEXTHOP, IP_VTEP, IP_OWN,
                             len & 3, 50000, VNI, &inner);
        count(t, outer.data, outer.len);
        try_on(t, w->eth1, outer.data, outer.len);
    }

    /* And once with something behind it that is not its own. */
    w->tailroom = 64;
    try_on(t, ports[len % ARRAY_SIZE(ports)], data, len);
    w->tailroom = 0;
}

static void
bad_frames_do_no_harm(void **state)
{
    struct tally t = {
        .w = *state,
        .seen = xcalloc(1 << SEEN_BITS, sizeof *t.seen),
    };

    assert_int_equal(n_bad_frame_makers, ARRAY_SIZE(enough));
    for (size_t i = 0; i < n_bad_frame_makers; i++) {
        struct tally before = t;

        bad_frame_makers[i].make(try_frame, &t);
        print_message("%7"PRIuSIZE" frames, %7"PRIuSIZE" new: %s\n",
                      t.n_frames - before.n_frames,
                      t.n_distinct - before.n_distinct,
                      bad_frame_makers[i].name);
        assert_true(t.n_frames - before.n_frames >= enough[i]);
    }
    print_message("%7"PRIuSIZE" frames, %7"PRIuSIZE" distinct, received "
                  "%"PRIuSIZE" times, %"PRIuSIZE" sent, %"PRIuSIZE
                  " answers\n", t.n_frames, t.n_distinct, t.n_runs, t.n_out,
                  t.n_answers);
    assert_true(t.n_distinct >= ENOUGH_DISTINCT);
    free(t.seen);
}

/* Routes. */

/* Addresses the frame to 'ip', if it is of that family.  A checksum is as
 * right or wrong as before. */
static void
redirect(struct frame *f, const char *ip_s)
{
    struct in6_addr ip = world_ip(ip_s);
    bool v4 = ovl_ip_is_v4(&ip);
    size_t ofs = v4 ? IP4_DST : L3_OFS + 24;
    size_t len = v4 ? 4 : 16;

    if (f->len < ofs + len || frame_get16(f, 12) != (v4 ? 0x0800 : 0x86dd)) {
        return;
    }
    if (v4) {
        uint32_t sum = (uint16_t) ~frame_get16(f, IP4_CSUM);

        for (size_t i = 0; i < len; i += 2) {
            sum += (uint16_t) ~frame_get16(f, ofs + i);
            sum += ip.s6_addr[12 + i] << 8 | ip.s6_addr[13 + i];
        }
        sum = (sum & 0xffff) + (sum >> 16);
        sum = (sum & 0xffff) + (sum >> 16);
        frame_set16(f, IP4_CSUM, ~sum);
    }
    memcpy(f->data + ofs, v4 ? ip.s6_addr + 12 : ip.s6_addr, len);
}

/* The frame to the router where 'a' is. */
static void
try_routed(struct tally *t, const struct routed_arrival *a, struct frame *f)
{
    struct eth_addr mac = mac_from(routed_network(a->vni)->mac);
    struct world *w = t->r->w;
    uint8_t ecn = t->n_runs & 3;
    const char *error;

    memcpy(f->data, &mac, MIN(f->len, sizeof mac));
    count(t, f->data, f->len);

    struct frame arriving = routed_arriving(a, f, ecn);
    world_receive(w, routed_in(t->r, a), &arriving);
    t->n_runs++;
    t->n_out += w->n_out;
    t->n_answers += world_delta(w, OVL_TOTAL_GENERATED);
    error = routed_oracle(t->r, a, f, ecn);
    if (!error && t->n_runs % 64 == 0) {
        error = routed_echo(t->r, a);
    }
    if (error) {
        print_frame(error, f);
        print_error("from %s in network %"PRIu32"\n",
                    a->port == NO_PORT ? a->vtep : routed_in(t->r, a)->name,
                    a->vni);
        fail();
    }
}

static void
route_frame(const uint8_t *data, size_t len, size_t template OVS_UNUSED,
            void *t_)
{
    static const char *const addresses[][2] = {
        { "10.1.0.1", "2001:db8:1::1" }, { "10.2.0.14", "2001:db8:2::14" },
        { "10.3.7.200", "2001:db8:4::1" }, { "10.6.0.1", "2001:db8:6::1" },
        { "10.2.0.2", "2001:db8:2::2" }, { "10.1.0.95", "2001:db8:1::96" },
        { "203.0.113.1", "2001:db8:9::1" },
    };
    struct tally *t = t_;
    struct frame f = { .len = 0 };

    /* As it is, from a port; to somebody, from anywhere. */
    frame_put(&f, data, len);
    try_routed(t, &routed_arrivals[0], &f);

    size_t n = t->n_frames / 2;
    const char *const *to = addresses[n % ARRAY_SIZE(addresses)];
    redirect(&f, to[0]);
    redirect(&f, to[1]);
    try_routed(t, &routed_arrivals[n % ROUTED_N_ARRIVALS], &f);
}

static void
bad_packets_are_routed_without_harm(void **state OVS_UNUSED)
{
    struct tally t = {
        .r = routed_world_create(),
        .seen = xcalloc(1 << SEEN_BITS, sizeof *t.seen),
    };

    for (size_t i = 0; i < n_bad_frame_makers; i++) {
        bad_frame_makers[i].make(route_frame, &t);
    }
    print_message("%7"PRIuSIZE" frames to the router, %7"PRIuSIZE" distinct, "
                  "%"PRIuSIZE" sent, %"PRIuSIZE" answers\n",
                  t.n_frames, t.n_distinct, t.n_out, t.n_answers);
    assert_true(t.n_distinct >= ENOUGH_DISTINCT);
    assert_true(t.n_out >= ENOUGH_ROUTED);
    assert_true(t.n_answers >= ENOUGH_TOLD);
    free(t.seen);
    routed_world_destroy(t.r);
}

/* Chains are walked, but not for ever. */

/* A solicitation for VM 2 behind 'n_headers' destination options headers,
 * with 'n_options' options that nobody knows. */
static struct frame
make_chained(size_t n_headers, size_t n_options)
{
    struct frame ns = frame_ns("33:33:ff:00:00:12", MAC_VM1, "2001:db8::11",
                               "ff02::1:ff00:12", "2001:db8::12", NULL);
    struct frame message = { .len = 0 }, packet = { .len = 0 };
    struct frame f;

    frame_put(&message, ns.data + L4_OFS6, ns.len - L4_OFS6);
    for (size_t i = 0; i < n_options; i++) {
        frame_put(&message, (uint8_t[8]) { 200, 1 }, 8);
    }
    f = frame_icmp6("33:33:ff:00:00:12", MAC_VM1, "2001:db8::11",
                    "ff02::1:ff00:12", 255, message.data, message.len);
    for (size_t i = 0; i < n_headers; i++) {
        frame_put(&packet, (uint8_t[8]) { i + 1 < n_headers ? 60 : 58, 0, 1,
                                          4 }, 8);
    }
    frame_put(&packet, f.data + L4_OFS6, f.len - L4_OFS6);
    return frame_ip6("33:33:ff:00:00:12", MAC_VM1, "2001:db8::11",
                     "ff02::1:ff00:12", n_headers ? 60 : 58, 255,
                     packet.data, packet.len);
}

static void
chains_have_an_end(void **state)
{
    static const struct {
        size_t n_headers, n_options;
        bool answered;
    } chains[] = {
        { 0, 0, true }, { 8, 0, true }, { 9, 0, false }, { 100, 0, false },
        { 0, 32, true }, { 0, 33, false }, { 0, 150, false }, { 8, 32, true },
    };
    struct world *w = *state;

    for (size_t i = 0; i < ARRAY_SIZE(chains); i++) {
        struct frame f = make_chained(chains[i].n_headers,
                                      chains[i].n_options);

        world_receive(w, w->vm1, &f);
        assert_int_equal(world_delta(w, OVL_TOTAL_GENERATED),
                         chains[i].answered);
        assert_int_equal(world_delta(w, OVL_TOTAL_DROPPED),
                         !chains[i].answered);
    }
}

/* Packets are given back, all of them. */

static size_t
bytes_in_use(void)
{
    return mallinfo2().uordblks;
}

static void
try_template(struct world *w, const struct frame *f)
{
    world_receive(w, w->vm3, f);
    world_receive(w, w->trunk1, f);
    world_receive(w, w->eth1, f);
}

static void
no_packet_is_kept(void **state)
{
    struct world *w = *state;
    size_t n;
    const struct frame *f = frame_templates(&n);
    size_t before = 0;

    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < n; i++) {
            try_template(w, &f[i]);
        }
        if (!round) {
            before = bytes_in_use();
        }
    }
    assert_int_equal(bytes_in_use(), before);
}

/* Tenants. */

#define STAMP_LEN 12

/* Says in the frame's last bytes whose it is. */
static void
stamp(struct frame *f, uint32_t vni, uint32_t number)
{
    char text[STAMP_LEN + 1];

    snprintf(text, sizeof text, "#%06"PRIu32"%05"PRIu32, vni, number);
    frame_put(f, text, STAMP_LEN);
}

/* The network of the port that 'out' left on. */
static uint32_t
vni_of(const struct world *w, const struct world_output *out)
{
    const struct frame *f = &out->frame;

    if (out->port == w->trunk1) {
        return (frame_get16(f, 12) == 0x8100 && frame_get16(f, 14) == 10
                ? VNI : VNI_OTHER);
    } else if (out->port == w->eth1) {
        return frame_get16(f, VXLAN_OFS + 4) << 8 | f->data[VXLAN_OFS + 6];
    }
    return out->port == w->other ? VNI_OTHER : VNI;
}

/* Checks that what came out of a burst is of the tenant whose port it is
 * on, unless it was made here.  Returns how many were. */
static size_t
check_tenants(const struct world *w)
{
    size_t n_stamped = 0;

    for (size_t i = 0; i < w->n_out; i++) {
        const struct frame *f = &w->out[i].frame;
        char expected[STAMP_LEN];

        snprintf(expected, sizeof expected, "#%06"PRIu32,
                 vni_of(w, &w->out[i]));
        if (f->data[f->len - STAMP_LEN] == '#') {
            assert_memory_equal(f->data + f->len - STAMP_LEN, expected, 7);
            n_stamped++;
        }
    }
    assert_true(w->n_out - n_stamped
                <= world_delta(w, OVL_TOTAL_GENERATED));
    return n_stamped;
}

/* A burst of frames of both tenants, by turns at random, on 'port'. */
static size_t
try_burst(struct world *w, struct ovl_lport *port, uint32_t number)
{
    size_t n;
    const struct frame *templates = frame_templates(&n);
    struct frame *burst = xmalloc(NETDEV_MAX_BURST * sizeof *burst);
    size_t n_stamped;

    for (size_t i = 0; i < NETDEV_MAX_BURST; i++) {
        uint32_t vni = random_range(2) ? VNI : VNI_OTHER;
        struct frame f = templates[random_range(n)];

        bool tagged = frame_get16(&f, 12) == 0x8100;

        if (tagged) {
            vni = frame_get16(&f, 14) & 0xfff ? VNI : VNI_OTHER;
        }
        /* Out of a tunnel only VNI may come. */
        stamp(&f, port == w->eth1 ? VNI : vni, number + i);
        if (port == w->eth1) {
            f = frame_vxlan4(MAC_LOCAL, MAC_NEXTHOP, IP_VTEP, IP_OWN, 0,
                             50000, vni, &f);
        } else if (vni == VNI && !tagged) {
            f = frame_tag(&f, 0x8100, 10);
        }
        burst[i] = f;
    }
    world_receive_burst(w, port, burst, NETDEV_MAX_BURST);
    assert_int_equal(world_delta(w, OVL_TOTAL_RECEIVED), NETDEV_MAX_BURST);
    assert_true(world_is_balanced());
    n_stamped = check_tenants(w);
    free(burst);
    return n_stamped;
}

static void
tenants_in_one_burst_do_not_mix(void **state)
{
    struct world *w = *state;
    size_t n_stamped = 0;

    random_set_seed(5001);
    for (uint32_t i = 0; i < 500; i++) {
        n_stamped += try_burst(w, w->trunk1, i * 100);
        n_stamped += try_burst(w, w->eth1, i * 100);
    }
    assert_true(n_stamped > 10000);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(bad_frames_do_no_harm),
        cmocka_unit_test(bad_packets_are_routed_without_harm),
        world_test(chains_have_an_end),
        world_test(no_packet_is_kept),
        world_test(tenants_in_one_burst_do_not_mix),
    };

    /* What malloc() gives is as dirty as headroom. */
    mallopt(M_PERTURB, 0x5a);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
