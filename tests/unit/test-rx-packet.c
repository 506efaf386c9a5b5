/* SPDX-License-Identifier: Apache-2.0 */

/* Packets as drivers of DPDK may hand them over: every template of frames.h
 * split into segments at every byte, buffers that others have, too, lengths
 * that lie.  What comes out is the frame in one piece, or nothing, and every
 * buffer goes back to its pool. */

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
#include <rte_eal.h>
#include <rte_mbuf.h>
#endif

#include "dp-packet.h"
#include "frames.h"
#include "pkt-edit.h"
#include "rx-packet.h"
#include "util.h"

#define SKIP 77

#ifdef DPDK_NETDEV
#define N_MBUFS 63
#define ROOM 2048

static struct rte_mempool *pool;

/* As netdev-dpdk makes them: a dp_packet starts with its mbuf. */
static void
init_packet(struct rte_mempool *mp OVS_UNUSED, void *arg OVS_UNUSED,
            void *packet_, unsigned int i OVS_UNUSED)
{
    struct dp_packet *packet = packet_;

    dp_packet_init_dpdk(packet);
}

static int
create_pool(void **state OVS_UNUSED)
{
    size_t size = ROUND_UP(sizeof(struct dp_packet), RTE_MBUF_PRIV_ALIGN);

    pool = rte_pktmbuf_pool_create(
        "test", N_MBUFS, 0, size - sizeof(struct rte_mbuf),
        ROOM + RTE_PKTMBUF_HEADROOM, SOCKET_ID_ANY);
    if (!pool) {
        return -1;
    }
    rte_mempool_obj_iter(pool, init_packet, NULL);
    return 0;
}

static int
check_pool(void **state OVS_UNUSED)
{
    return rte_mempool_avail_count(pool) == N_MBUFS ? 0 : -1;
}

/* Returns a packet with 'f' in segments that end at 'ends'. */
static struct dp_packet *
split(const struct frame *f, const size_t ends[], size_t n)
{
    struct rte_mbuf *first = NULL, **next = &first;
    size_t start = 0;

    for (size_t i = 0; i < n; i++) {
        struct rte_mbuf *m = rte_pktmbuf_alloc(pool);

        assert_non_null(m);
        memset(m->buf_addr, 0xa5, m->buf_len);
        memcpy(rte_pktmbuf_mtod(m, void *), f->data + start, ends[i] - start);
        m->data_len = ends[i] - start;
        start = ends[i];
        *next = m;
        next = &m->next;
    }
    first->nb_segs = n;
    first->pkt_len = f->len;
    return CONTAINER_OF(first, struct dp_packet, mbuf);
}

static void
assert_own(struct dp_packet *packet, const struct frame *f)
{
    assert_non_null(packet);
    assert_int_equal(dp_packet_size(packet), f->len);
    assert_memory_equal(dp_packet_data(packet), f->data, f->len);
    assert_null(packet->mbuf.next);
    dp_packet_delete(packet);
}

static void
packet_in_one_segment_stays_where_it_is(void **state OVS_UNUSED)
{
    size_t n;
    const struct frame *f = frame_templates(&n);
    struct dp_packet *packet = split(f, &f->len, 1);

    assert_ptr_equal(ovl_rx_own(packet), packet);
    assert_own(packet, f);
}

static void
segments_become_one(void **state OVS_UNUSED)
{
    size_t n, n_packets = 0;
    const struct frame *f = frame_templates(&n);

    for (size_t i = 0; i < n; i++, f++) {
        if (f->len > ROOM) {
            continue;
        }
        for (size_t at = 0; at <= f->len; at++) {
            assert_own(ovl_rx_own(split(f, (size_t[]) { at, f->len }, 2)), f);
            n_packets++;
        }
        for (size_t a = 0; i % 4 == 0 && a <= f->len; a += 2) {
            for (size_t b = a; b <= f->len; b += 3) {
                assert_own(ovl_rx_own(split(f, (size_t[]) { a, b, f->len },
                                            3)), f);
                n_packets++;
            }
        }
        assert_int_equal(rte_mempool_avail_count(pool), N_MBUFS);
    }
    print_message("%"PRIuSIZE" packets\n", n_packets);
    assert_true(n_packets >= 38000);
}

static void
number_of_segments_may_lie(void **state OVS_UNUSED)
{
    size_t n;
    const struct frame *f = frame_templates(&n);

    for (int nb = 1; nb <= 5; nb++) {
        struct dp_packet *packet = split(f, (size_t[]) { 5, 9, f->len }, 3);

        packet->mbuf.nb_segs = nb;
        assert_own(ovl_rx_own(packet), f);
    }
}

static void
segments_of_another_length_than_the_packet_are_refused(
    void **state OVS_UNUSED)
{
    static const int32_t off[] = { -20, -1, 1, 20, 65536, INT32_MAX };
    size_t n;
    const struct frame *f = frame_templates(&n);

    for (size_t i = 0; i < ARRAY_SIZE(off); i++) {
        for (size_t n_segs = 1; n_segs <= 2; n_segs++) {
            struct dp_packet *packet
                = split(f, n_segs == 1 ? &f->len : (size_t[]) { 7, f->len },
                        n_segs);

            packet->mbuf.pkt_len += off[i];
            assert_null(ovl_rx_own(packet));
            assert_int_equal(rte_mempool_avail_count(pool), N_MBUFS);
        }
    }
}

static void
buffer_that_others_have_is_copied(void **state OVS_UNUSED)
{
    size_t n;
    const struct frame *f = frame_templates(&n);
    struct dp_packet *packet = split(f, &f->len, 1);

    /* Somebody else holds it. */
    rte_mbuf_refcnt_update(&packet->mbuf, 1);
    struct dp_packet *own = ovl_rx_own(packet);
    assert_ptr_not_equal(own, packet);
    memset(dp_packet_data(own), 0xff, dp_packet_size(own));
    dp_packet_delete(own);
    assert_own(packet, f);

    /* An indirect one shows somebody else's bytes. */
    packet = split(f, &f->len, 1);
    struct rte_mbuf *clone = rte_pktmbuf_clone(&packet->mbuf, pool);
    struct dp_packet *view = CONTAINER_OF(clone, struct dp_packet, mbuf);
    own = ovl_rx_own(view);
    assert_ptr_not_equal(own, view);
    assert_own(own, f);
    assert_own(packet, f);
}

/* A chain of 'n' bytes in segments of which all but the last have 'each'. */
static struct dp_packet *
chain(size_t n, size_t each)
{
    struct rte_mbuf *first = NULL, **next = &first;
    size_t rest = n;

    while (rest) {
        struct rte_mbuf *m = rte_pktmbuf_alloc(pool);

        assert_non_null(m);
        m->data_len = MIN(rest, each);
        memset(rte_pktmbuf_mtod(m, void *), 0x5a, m->data_len);
        rest -= m->data_len;
        *next = m;
        next = &m->next;
    }
    first->pkt_len = n;
    return CONTAINER_OF(first, struct dp_packet, mbuf);
}

/* A dp_packet has lengths of 16 bits. */
static void
chain_that_no_packet_can_have_is_refused(void **state OVS_UNUSED)
{
    for (size_t each = 1900; each <= ROOM; each++) {
        struct dp_packet *own = ovl_rx_own(chain(OVL_PKT_MAX, each));

        assert_non_null(own);
        assert_int_equal(dp_packet_size(own), OVL_PKT_MAX);
        assert_int_equal(dp_packet_headroom(own), OVL_PKT_HEADROOM);
        assert_true(dp_packet_tailroom(own) <= UINT16_MAX);
        dp_packet_delete(own);
        for (size_t n = OVL_PKT_MAX + 1; n < OVL_PKT_MAX + 200; n += 7) {
            assert_null(ovl_rx_own(chain(n, each)));
        }
    }
}

static unsigned int n_returned;

static void
take_back(void *memory OVS_UNUSED, void *arg OVS_UNUSED)
{
    n_returned++;
}

/* As vhost has for large packets. */
static void
memory_that_a_buffer_was_lent_stays_unless_others_have_it(
    void **state OVS_UNUSED)
{
    static uint8_t memory[4096];
    size_t n;
    const struct frame *f = frame_templates(&n);

    for (int others = 0; others < 2; others++) {
        uint16_t size = sizeof memory;
        struct rte_mbuf_ext_shared_info *shared
            = rte_pktmbuf_ext_shinfo_init_helper(memory, &size, take_back,
                                                 NULL);
        struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
        struct dp_packet *packet = CONTAINER_OF(m, struct dp_packet, mbuf);

        rte_pktmbuf_attach_extbuf(m, memory, RTE_BAD_IOVA, size, shared);
        rte_pktmbuf_reset_headroom(m);
        memcpy(rte_pktmbuf_append(m, f->len), f->data, f->len);
        rte_mbuf_ext_refcnt_update(shared, others);

        struct dp_packet *own = ovl_rx_own(packet);
        assert_int_equal(own == packet, !others);
        assert_own(own, f);
        assert_int_equal(n_returned, 1);
    }
}

static void
marks_of_a_guest_are_carried_over(void **state OVS_UNUSED)
{
    size_t n;
    const struct frame *f = frame_templates(&n);
    struct dp_packet *packet = split(f, (size_t[]) { 9, f->len }, 2);

    dp_packet_hwol_set_csum_tcp(packet);
    packet->mbuf.tso_segsz = 1234;
    struct dp_packet *own = ovl_rx_own(packet);
    assert_true(dp_packet_hwol_l4_mask(own) != 0);
    assert_int_equal(own->mbuf.tso_segsz, 1234);
    assert_own(own, f);
}

#define TEST(NAME) cmocka_unit_test_teardown(NAME, check_pool)

int
main(int argc OVS_UNUSED, char *argv[])
{
    char *eal[] = {
        argv[0], CONST_CAST(char *, "--no-huge"),
        CONST_CAST(char *, "--legacy-mem"), CONST_CAST(char *, "--no-pci"),
        CONST_CAST(char *, "--no-shconf"), CONST_CAST(char *, "-m"),
        CONST_CAST(char *, "64"), CONST_CAST(char *, "--no-telemetry"),
        CONST_CAST(char *, "--log-level=error"), NULL,
    };
    const struct CMUnitTest tests[] = {
        TEST(packet_in_one_segment_stays_where_it_is),
        TEST(segments_become_one),
        TEST(number_of_segments_may_lie),
        TEST(segments_of_another_length_than_the_packet_are_refused),
        TEST(chain_that_no_packet_can_have_is_refused),
        TEST(buffer_that_others_have_is_copied),
        TEST(memory_that_a_buffer_was_lent_stays_unless_others_have_it),
        TEST(marks_of_a_guest_are_carried_over),
    };

    if (rte_eal_init(ARRAY_SIZE(eal) - 1, eal) < 0) {
        printf("DPDK does not start here without huge pages\n");
        return SKIP;
    }
    return cmocka_run_group_tests(tests, create_pool, NULL);
}
#else
int
main(void)
{
    printf("built without DPDK\n");
    return SKIP;
}
#endif
