/* SPDX-License-Identifier: Apache-2.0 */

#ifndef WORLD_ASSERTS_H
#define WORLD_ASSERTS_H 1

/* What tests say about the world of world.h: frame in, whole frames out,
 * counters.  Every test's teardown checks that received + replicated +
 * generated = sent + consumed + dropped. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "util.h"
#include "world.h"

static inline int
world_setup(void **state)
{
    *state = world_create();
    return 0;
}

static inline int
world_teardown(void **state)
{
    world_destroy(*state);
    if (!world_is_balanced()) {
        print_error("packets are unaccounted for\n");
        return -1;
    }
    return 0;
}

#define world_test(TEST)                                                     \
    cmocka_unit_test_setup_teardown(TEST, world_setup, world_teardown)

static inline void
print_frame(const char *title, const struct frame *f)
{
    print_error("%s:", title);
    for (size_t i = 0; i < f->len; i++) {
        print_error("%s%02x", i % 16 ? " " : "\n    ", f->data[i]);
    }
    print_error("\n");
}

#define assert_frame_equal(F, EXPECTED)                                      \
    assert_frame_equal__(F, EXPECTED, __FILE__, __LINE__)
static inline void
assert_frame_equal__(const struct frame *f, const struct frame *expected,
                     const char *file, int line)
{
    if (f->len != expected->len
        || memcmp(f->data, expected->data, f->len)) {
        print_frame("frame", f);
        print_frame("expected", expected);
        _fail(file, line);
    }
}

/* Output number 'i' is 'expected' on 'port'. */
#define assert_output(W, I, PORT, EXPECTED)                                  \
    assert_output__(W, I, PORT, EXPECTED, __FILE__, __LINE__)
static inline void
assert_output__(const struct world *w, size_t i, const struct ovl_lport *port,
                const struct frame *expected, const char *file, int line)
{
    if (i >= w->n_out || w->out[i].port != port) {
        print_error("output %"PRIuSIZE" of %"PRIuSIZE" is on %s, not %s\n",
                    i, w->n_out, i < w->n_out ? w->out[i].port->name : "none",
                    port->name);
        _fail(file, line);
    }
    assert_frame_equal__(&w->out[i].frame, expected, file, line);
}

/* Output number 'i' is 'inner' encapsulated to 'vtep', with any legal UDP
 * source port. */
#define assert_tunneled(W, I, VTEP, TOS, INNER)                              \
    assert_tunneled__(W, I, VTEP, TOS, INNER, __FILE__, __LINE__)
static inline void
assert_tunneled__(const struct world *w, size_t i, const char *vtep,
                  uint8_t tos, const struct frame *inner, const char *file,
                  int line)
{
    uint16_t sport = i < w->n_out && w->out[i].frame.len > UDP_SPORT + 1
                     ? frame_get16(&w->out[i].frame, UDP_SPORT) : 0;
    struct frame expected
        = frame_vxlan4(MAC_NEXTHOP, MAC_LOCAL, IP_OWN, vtep, tos, sport, VNI,
                       inner);

    assert_output__(w, i, w->eth1, &expected, file, line);
    if (sport < 49152) {
        print_error("UDP source port is %"PRIu16"\n", sport);
        _fail(file, line);
    }
}

/* What a received frame became of: so many sent and copied.  Nothing was
 * dropped, consumed or generated. */
#define assert_forwarded(W, N_SENT)                                          \
    do {                                                                     \
        assert_int_equal((W)->n_out, N_SENT);                                \
        assert_int_equal(world_delta(W, OVL_TOTAL_RECEIVED), 1);             \
        assert_int_equal(world_delta(W, OVL_TOTAL_SENT), N_SENT);            \
        assert_int_equal(world_delta(W, OVL_TOTAL_REPLICATED), (N_SENT) - 1); \
        assert_int_equal(world_delta(W, OVL_TOTAL_DROPPED), 0);              \
        assert_int_equal(world_delta(W, OVL_TOTAL_CONSUMED), 0);             \
        assert_int_equal(world_delta(W, OVL_TOTAL_GENERATED), 0);            \
    } while (0)

/* It was answered: consumed, and one frame made here sent instead. */
#define assert_answered(W)                                                   \
    do {                                                                     \
        assert_int_equal((W)->n_out, 1);                                     \
        assert_int_equal(world_delta(W, OVL_TOTAL_RECEIVED), 1);             \
        assert_int_equal(world_delta(W, OVL_TOTAL_CONSUMED), 1);             \
        assert_int_equal(world_delta(W, OVL_TOTAL_GENERATED), 1);            \
        assert_int_equal(world_delta(W, OVL_TOTAL_SENT), 1);                 \
        assert_int_equal(world_delta(W, OVL_TOTAL_REPLICATED), 0);           \
        assert_int_equal(world_delta(W, OVL_TOTAL_DROPPED), 0);              \
    } while (0)

/* 'frame' on 'port' is dropped for 'REASON', counted in 'block' and in no
 * other. */
#define assert_drop(W, PORT, FRAME, BLOCK, REASON)                           \
    assert_drop__(W, PORT, FRAME, BLOCK, REASON, __FILE__, __LINE__)
static inline void
assert_drop__(struct world *w, struct ovl_lport *port,
              const struct frame *frame, uint32_t block,
              enum ovl_drop_reason reason, const char *file, int line)
{
    uint64_t before[OVL_N_DROPS];
    bool ok;

    for (int i = 0; i < OVL_N_DROPS; i++) {
        before[i] = ovl_counter_read(block + i);
    }
    world_receive(w, port, frame);
    ok = (!w->n_out && world_delta(w, OVL_TOTAL_DROPPED) == 1
          && ovl_counter_read(block + reason) == before[reason] + 1);
    if (!ok) {
        print_frame("not dropped as it should", frame);
        print_error("expected: %s\n", ovl_drop_reason_name(reason));
        for (int i = 0; i < OVL_N_DROPS; i++) {
            if (ovl_counter_read(block + i) != before[i]) {
                print_error("counted: %s\n", ovl_drop_reason_name(i));
            }
        }
        for (size_t i = 0; i < w->n_out; i++) {
            print_error("sent: to %s\n", w->out[i].port->name);
        }
        _fail(file, line);
    }
}

/* On an access port, or any other whose drops belong to no network. */
#define assert_port_drop(W, PORT, FRAME, REASON)                             \
    assert_drop(W, PORT, FRAME, world_drops_of(W, PORT), REASON)
/* Out of a tunnel, in network VNI. */
#define assert_tunnel_drop(W, FRAME, REASON)                                 \
    assert_drop(W, (W)->eth1, FRAME, world_tunnel_drops_of(W, VNI), REASON)

/* The block 'traffic' has counted this much. */
static inline void
assert_traffic(uint32_t traffic, uint64_t rx_packets, uint64_t rx_bytes,
               uint64_t tx_packets, uint64_t tx_bytes)
{
    assert_int_equal(ovl_counter_read(traffic + OVL_RX_PACKETS), rx_packets);
    assert_int_equal(ovl_counter_read(traffic + OVL_RX_BYTES), rx_bytes);
    assert_int_equal(ovl_counter_read(traffic + OVL_TX_PACKETS), tx_packets);
    assert_int_equal(ovl_counter_read(traffic + OVL_TX_BYTES), tx_bytes);
}

#endif /* world-asserts.h */
