/* SPDX-License-Identifier: Apache-2.0 */

/* What the pipeline makes of packets in buffers of DPDK: copies, fragments,
 * segments, errors.  They are what it makes of the same packets from the heap,
 * byte by byte; they come from the pool, without a call of the heap; all go
 * back there; and those that it has no buffer for are drops with a name.
 *
 * The heap is the functions that the linker wraps for this program, and so is
 * what makes pools, which this program can have fail. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#ifdef DPDK_NETDEV
#include <rte_errno.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>
#endif

#include "buffer-pool.h"
#include "dpdk.h"
#include "openvswitch/vlog.h"
#include "ovs-numa.h"
#include "pkt-buffer.h"
#include "routed-world.h"
#include "smap.h"
#include "util.h"

#define SKIP 77

#ifdef DPDK_NETDEV
#define CUT (DP_PACKET_OL_TX_TCP_CKSUM | DP_PACKET_OL_TX_TCP_SEG)
#define MSS 500

/* The heap. */

/* Of this thread: others come and go with RCU. */
static __thread bool counting;
static __thread size_t n_calls;

#define WRAP(RETURN, NAME, PARAMS, ARGS)                                     \
    RETURN __real_##NAME PARAMS;                                             \
    RETURN __wrap_##NAME PARAMS;                                             \
    RETURN                                                                   \
    __wrap_##NAME PARAMS                                                     \
    {                                                                        \
        n_calls += counting;                                                 \
        return __real_##NAME ARGS;                                           \
    }

WRAP(void *, malloc, (size_t size), (size))
WRAP(void *, calloc, (size_t n, size_t size), (n, size))
WRAP(void *, realloc, (void *p, size_t size), (p, size))
WRAP(void *, aligned_alloc, (size_t align, size_t size), (align, size))
WRAP(int, posix_memalign, (void **p, size_t align, size_t size),
     (p, align, size))

/* Pools. */

static bool pools_fail;
static size_t n_tried;

struct rte_mempool *__real_rte_pktmbuf_pool_create(
    const char *, unsigned int, unsigned int, uint16_t, uint16_t, int);
struct rte_mempool *__wrap_rte_pktmbuf_pool_create(
    const char *, unsigned int, unsigned int, uint16_t, uint16_t, int);

struct rte_mempool *
__wrap_rte_pktmbuf_pool_create(const char *name, unsigned int n,
                               unsigned int cache, uint16_t private_size,
                               uint16_t room, int node)
{
    n_tried++;
    if (pools_fail) {
        rte_errno = ENOMEM;
        return NULL;
    }
    return __real_rte_pktmbuf_pool_create(name, n, cache, private_size, room,
                                          node);
}

/* Packets. */

static struct ovl_buffer_pool *pool;

static size_t
n_in_use(void)
{
    struct rte_mempool *standard = rte_mempool_lookup("ovl_std_0");
    struct rte_mempool *jumbo = rte_mempool_lookup("ovl_jumbo_0");

    return (rte_mempool_in_use_count(standard)
            + rte_mempool_in_use_count(jumbo));
}

static struct dp_packet *
from_pool(struct ovl_worker *worker OVS_UNUSED, size_t size)
{
    return ovl_buffer_pool_get(pool, size);
}

/* Nothing, when the pool is empty. */
static struct dp_packet *
from_pool_alone(struct ovl_worker *worker OVS_UNUSED, size_t size)
{
    struct dp_packet *packet = ovl_buffer_pool_get(pool, size);

    if (packet->source != DPBUF_DPDK) {
        dp_packet_delete(packet);
        packet = NULL;
    }
    return packet;
}

static struct dp_packet *
from_heap(struct ovl_worker *worker OVS_UNUSED, size_t size)
{
    return ovl_pkt_new(size);
}

/* A frame on its way in. */
struct arrival {
    struct ovl_lport *port;
    struct frame frame;
    uint64_t marks;
    uint16_t mss;
};

/* What came out of the world. */
static struct {
    struct ovl_lport *port;
    struct dp_packet *packet;
} out[WORLD_MAX_OUTPUTS];
static size_t n_out;

static void
collect(struct ovl_worker *worker, struct ovl_lport *port,
        struct dp_packet *const packets[], size_t n)
{
    for (size_t i = 0; i < n; i++) {
        assert_true(n_out < ARRAY_SIZE(out));
        out[n_out].port = port;
        out[n_out++].packet = packets[i];
        ovl_account_sent(worker->shard, port, 1, dp_packet_size(packets[i]));
    }
}

static void
release(void)
{
    while (n_out) {
        dp_packet_delete(out[--n_out].packet);
    }
}

static void
receive(struct world *w, const struct arrival *in,
        struct dp_packet *(*make)(struct ovl_worker *, size_t))
{
    struct dp_packet *packet = make(&w->worker, in->frame.len);
    struct dp_packet_batch batch;

    assert_non_null(packet);
    dp_packet_put(packet, in->frame.data, in->frame.len);
    *dp_packet_ol_flags_ptr(packet) |= in->marks;
    packet->mbuf.tso_segsz = in->mss;
    dp_packet_batch_init_packet(&batch, packet);
    for (int i = 0; i < OVL_N_TOTALS; i++) {
        w->before[i] = ovl_counter_read(i);
    }

    n_calls = 0;
    counting = true;
    world_run(&w->worker, in->port, &batch);
    counting = false;
}

/* Makes sure that 'n' packets come out, the same from the heap and from the
 * pool. */
static void
assert_made_without_heap(struct world *w, const struct arrival *in, size_t n)
{
    static struct frame expected[WORLD_MAX_OUTPUTS];
    struct ovl_lport *ports[WORLD_MAX_OUTPUTS];

    receive(w, in, from_heap);
    assert_int_equal(n_out, n);
    assert_int_equal(world_delta(w, OVL_TOTAL_SENT), n);
    for (size_t i = 0; i < n; i++) {
        ports[i] = out[i].port;
        expected[i].len = dp_packet_size(out[i].packet);
        memcpy(expected[i].data, dp_packet_data(out[i].packet),
               expected[i].len);
    }
    assert_true(n_calls >= n - 1);
    release();

    receive(w, in, from_pool);
    assert_int_equal(n_calls, 0);
    assert_int_equal(n_out, n);
    assert_int_equal(world_delta(w, OVL_TOTAL_SENT), n);
    for (size_t i = 0; i < n; i++) {
        assert_ptr_equal(out[i].port, ports[i]);
        assert_int_equal(out[i].packet->source, DPBUF_DPDK);
        assert_int_equal(rte_mbuf_refcnt_read(&out[i].packet->mbuf), 1);
        assert_int_equal(out[i].packet->mbuf.ol_flags, 0);
        assert_int_equal(dp_packet_size(out[i].packet), expected[i].len);
        assert_memory_equal(dp_packet_data(out[i].packet), expected[i].data,
                            expected[i].len);
    }
    release();
    assert_true(world_is_balanced());
    assert_int_equal(n_in_use(), 0);
}

static struct dp_packet *taken[1 << 15];
static size_t n_taken;

/* Leaves 'n' standard buffers and one more, for the packet that comes in
 * next unless that is large. */
static void
leave(const struct arrival *in, size_t n)
{
    while ((taken[n_taken] = from_pool_alone(NULL, 60))) {
        n_taken++;
    }
    n += in->frame.len <= 2048;
    while (n--) {
        dp_packet_delete(taken[--n_taken]);
    }
}

static void
give_back(void)
{
    while (n_taken) {
        dp_packet_delete(taken[--n_taken]);
    }
}

/* Makes sure that, when there are 'n' buffers left besides that of the packet,
 * 'n_sent' packets come out and 'n_dropped' die for want of memory, counted in
 * 'drops'. */
static void
assert_dropped(struct world *w, const struct arrival *in, size_t n,
               size_t n_sent, size_t n_dropped, uint32_t drops)
{
    uint32_t no_memory = drops + OVL_DROP_NO_MEMORY;
    uint64_t before = ovl_counter_read(no_memory);

    leave(in, n);
    w->worker.buffer = from_pool_alone;
    receive(w, in, from_pool);
    w->worker.buffer = from_pool;
    assert_int_equal(n_out, n_sent);
    assert_int_equal(world_delta(w, OVL_TOTAL_SENT), n_sent);
    assert_int_equal(world_delta(w, OVL_TOTAL_DROPPED), n_dropped);
    assert_int_equal(ovl_counter_read(no_memory), before + n_dropped);
    release();
    assert_true(world_is_balanced());
    give_back();
    assert_int_equal(n_in_use(), 0);
}

/* The ways to more than one packet. */

static struct arrival
broadcast(const struct routed_world *rw)
{
    return (struct arrival) {
        .port = rw->w->vm1,
        .frame = frame_udp4(MAC_BROADCAST, MAC_VM1, "10.1.0.11",
                            "255.255.255.255", 1000, 2000, 500),
    };
}

/* 2300 bytes of payload, to a VTEP. */
static struct arrival
large_segment(const struct routed_world *rw, bool v6)
{
    uint8_t segment[20 + 2300] = { 0x12, 0x34, 0, 80, 0, 0, 0xff, 0, 1, 2, 3,
                                   4, 0x50, 0x18 };
    struct arrival a = { .port = rw->w->vm1, .marks = CUT, .mss = MSS };

    for (size_t i = 20; i < sizeof segment; i++) {
        segment[i] = i * 7;
    }
    a.frame = (v6
               ? frame_ip6(MAC_REMOTE, MAC_VM1, "2001:db8::11",
                           "2001:db8::99", 6, 64, segment, sizeof segment)
               : frame_ip4(MAC_REMOTE, MAC_VM1, "10.1.0.11", "10.1.0.99", 6,
                           segment, sizeof segment));
    return a;
}

/* To a network with an MTU of 600. */
static struct arrival
too_large(const struct routed_world *rw)
{
    struct arrival a = {
        .port = rw->ports[PORT_A],
        .frame = frame_udp4(MAC_ROUTER, MAC_VM1, "10.1.0.11", "10.2.0.14",
                            1000, 2000, 1400),
    };

    frame_set16(&a.frame, IP4_FRAG, 0);
    frame_fix_ip4(&a.frame, L3_OFS);
    return a;
}

static struct arrival
without_a_route(const struct routed_world *rw)
{
    return (struct arrival) {
        .port = rw->ports[PORT_A],
        .frame = frame_udp4(MAC_ROUTER, MAC_VM1, "10.1.0.11", "10.6.0.1",
                            1000, 2000, 600),
    };
}

static void
copies_come_from_the_pool(void **state)
{
    struct routed_world *rw = *state;
    struct arrival in = broadcast(rw);

    assert_made_without_heap(rw->w, &in, 5);
}

static void
fragments_come_from_the_pool(void **state)
{
    struct routed_world *rw = *state;
    struct arrival in = too_large(rw);

    assert_made_without_heap(rw->w, &in, 3);
}

static void
segments_come_from_the_pool(void **state)
{
    struct routed_world *rw = *state;

    for (int v6 = 0; v6 < 2; v6++) {
        struct arrival in = large_segment(rw, v6);

        assert_made_without_heap(rw->w, &in, 5);
    }
}

/* Copies of the whole, each of which is cut. */
static void
segments_of_copies_come_from_the_pool(void **state)
{
    struct routed_world *rw = *state;
    struct arrival in = large_segment(rw, false);

    memset(in.frame.data, 0xff, 6);
    assert_made_without_heap(rw->w, &in, 5 * 5);
}

static void
errors_come_from_the_pool(void **state)
{
    struct routed_world *rw = *state;
    struct arrival in = without_a_route(rw);

    receive(rw->w, &in, from_pool);
    assert_int_equal(n_calls, 0);
    assert_int_equal(n_out, 1);
    assert_int_equal(out[0].packet->source, DPBUF_DPDK);
    release();
    assert_int_equal(n_in_use(), 0);
}

static void
copies_without_a_buffer_are_drops(void **state)
{
    struct routed_world *rw = *state;
    struct arrival in = broadcast(rw);
    uint32_t drops = world_drops_of(rw->w, rw->w->vm1);

    for (size_t n = 0; n <= 4; n++) {
        assert_dropped(rw->w, &in, n, 1 + n, 4 - n, drops);
    }
}

static void
fragments_without_a_buffer_are_drops(void **state)
{
    struct routed_world *rw = *state;
    struct arrival in = too_large(rw);
    uint32_t drops = world_drops_of(rw->w, rw->ports[PORT_A]);

    for (size_t n = 0; n <= 3; n++) {
        assert_dropped(rw->w, &in, n, n, 3 - n, drops);
    }
}

static void
segments_without_a_buffer_are_drops(void **state)
{
    struct routed_world *rw = *state;
    struct arrival in = large_segment(rw, false);
    uint32_t drops = world_drops_of(rw->w, rw->w->vm1);

    for (size_t n = 0; n <= 5; n++) {
        assert_dropped(rw->w, &in, n, n, 5 - n, drops);
    }
}

static void
error_without_a_buffer_is_not_sent(void **state)
{
    struct routed_world *rw = *state;
    struct arrival in = without_a_route(rw);
    uint32_t drops = world_drops_of(rw->w, rw->ports[PORT_A]);
    uint64_t before = ovl_counter_read(drops + OVL_DROP_ROUTE_UNREACHABLE);

    leave(&in, 0);
    rw->w->worker.buffer = from_pool_alone;
    receive(rw->w, &in, from_pool);
    assert_int_equal(n_out, 0);
    assert_int_equal(world_delta(rw->w, OVL_TOTAL_DROPPED), 1);
    assert_int_equal(ovl_counter_read(drops + OVL_DROP_ROUTE_UNREACHABLE),
                     before + 1);
    give_back();
    assert_int_equal(n_in_use(), 0);
}

/* What was sent comes back only when more is sent. */
static void
empty_pool_has_the_heap(void **state)
{
    struct routed_world *rw = *state;
    struct arrival in = broadcast(rw);
    size_t n_heap = 0;

    leave(&in, 1);
    receive(rw->w, &in, from_pool);
    assert_int_equal(n_out, 5);
    assert_int_equal(world_delta(rw->w, OVL_TOTAL_DROPPED), 0);
    for (size_t i = 0; i < n_out; i++) {
        n_heap += out[i].packet->source == DPBUF_MALLOC;
    }
    assert_int_equal(n_heap, 3);
    release();
    give_back();
    assert_int_equal(n_in_use(), 0);
}

/* The pool. */

static void
sizes_have_the_buffers_that_they_need(void **state OVS_UNUSED)
{
    static const size_t sizes[] = { 0, 60, 1514, 2048, 2049, 9000, 9728,
                                    9729, 65000 };
    struct ovl_buffer_pool *standard = ovl_buffer_pool_of(OVS_NUMA_UNSPEC);

    ovl_buffer_pool_prepare(standard, 1500);
    ovl_buffer_pool_prepare(standard, 1500);
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        struct dp_packet *packet = ovl_buffer_pool_get(pool, sizes[i]);

        assert_int_equal(dp_packet_size(packet), 0);
        assert_true(dp_packet_headroom(packet) >= OVL_PKT_HEADROOM);
        assert_true(dp_packet_tailroom(packet) >= sizes[i]);
        assert_int_equal(packet->packet_type, htonl(PT_ETH));
        assert_int_equal(packet->source, (sizes[i] <= 9728 ? DPBUF_DPDK
                                          : DPBUF_MALLOC));
        memset(dp_packet_put_uninit(packet, sizes[i]), 0xff, sizes[i]);
        assert_int_equal(dp_packet_size(packet), sizes[i]);
        dp_packet_delete(packet);

        packet = ovl_buffer_pool_get(standard, sizes[i]);
        assert_int_equal(packet->source, (sizes[i] <= 2048 ? DPBUF_DPDK
                                          : DPBUF_MALLOC));
        dp_packet_delete(packet);
    }
}

static void
node_that_nobody_prepared_has_the_heap(void **state OVS_UNUSED)
{
    struct dp_packet *packet = ovl_buffer_pool_get(ovl_buffer_pool_of(7), 60);

    assert_int_equal(packet->source, DPBUF_MALLOC);
    dp_packet_delete(packet);
}

static void
assert_source(struct ovl_buffer_pool *p, size_t size,
              enum dp_packet_source source)
{
    struct dp_packet *packet = ovl_buffer_pool_get(p, size);

    assert_int_equal(packet->source, source);
    dp_packet_delete(packet);
}

/* Huge pages may be reserved later. */
static void
pool_that_there_was_no_memory_for_is_made_when_there_is(
    void **state OVS_UNUSED)
{
    struct ovl_buffer_pool *later = ovl_buffer_pool_of(3);

    vlog_set_levels(NULL, VLF_CONSOLE, VLL_OFF);
    pools_fail = true;
    for (int i = 0; i < 3; i++) {
        n_tried = 0;
        ovl_buffer_pool_prepare(later, 9000);
        assert_true(n_tried > 2);
        assert_source(later, 60, DPBUF_MALLOC);
        assert_source(later, 9000, DPBUF_MALLOC);
    }
    pools_fail = false;
    vlog_set_levels(NULL, VLF_CONSOLE, VLL_ERR);

    ovl_buffer_pool_prepare(later, 1500);
    assert_source(later, 60, DPBUF_DPDK);
    assert_source(later, 9000, DPBUF_MALLOC);
    ovl_buffer_pool_prepare(later, 9000);
    assert_source(later, 9000, DPBUF_DPDK);

    /* What there is stays. */
    n_tried = 0;
    ovl_buffer_pool_prepare(later, 9000);
    assert_int_equal(n_tried, 0);
}

static int
setup(void **state)
{
    struct routed_world *rw = routed_world_create();

    rw->w->worker.send = collect;
    rw->w->worker.buffer = from_pool;
    *state = rw;
    return 0;
}

static int
teardown(void **state)
{
    release();
    give_back();
    routed_world_destroy(*state);
    return world_is_balanced() ? 0 : -1;
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)

int
main(int argc OVS_UNUSED, char *argv[])
{
    const struct CMUnitTest tests[] = {
        TEST(copies_come_from_the_pool),
        TEST(fragments_come_from_the_pool),
        TEST(segments_come_from_the_pool),
        TEST(segments_of_copies_come_from_the_pool),
        TEST(errors_come_from_the_pool),
        TEST(copies_without_a_buffer_are_drops),
        TEST(fragments_without_a_buffer_are_drops),
        TEST(segments_without_a_buffer_are_drops),
        TEST(error_without_a_buffer_is_not_sent),
        TEST(empty_pool_has_the_heap),
        cmocka_unit_test(sizes_have_the_buffers_that_they_need),
        cmocka_unit_test(node_that_nobody_prepared_has_the_heap),
        cmocka_unit_test(
            pool_that_there_was_no_memory_for_is_made_when_there_is),
    };
    struct smap config = SMAP_INITIALIZER(&config);

    set_program_name(argv[0]);
    vlog_set_syslog_method("null");
    vlog_set_levels(NULL, VLF_CONSOLE, VLL_ERR);
    smap_add(&config, "dpdk-init", "try");
    smap_add(&config, "dpdk-extra", "--no-huge --legacy-mem --no-pci "
             "--no-shconf --no-telemetry -m 384 --log-level=error");
    ovs_numa_init();
    dpdk_init(&config);
    smap_destroy(&config);
    if (!dpdk_available()) {
        printf("DPDK does not start here without huge pages\n");
        return SKIP;
    }

    pool = ovl_buffer_pool_of(0);
    ovl_buffer_pool_prepare(pool, 9000);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
#else
int
main(void)
{
    printf("built without DPDK\n");
    return SKIP;
}
#endif
