/* SPDX-License-Identifier: Apache-2.0 */

#ifndef FAST_ASSERTS_H
#define FAST_ASSERTS_H 1

/* What tests say of the fast path.
 *
 * A worker that traces has none: each burst goes through the pipeline with and
 * without, and every byte that comes out, in its order, and every counter has
 * to be the same. */

#include "world-asserts.h"

#include "fast-path.h"
#include "pipeline-trace.h"

#define N_COUNTERS 2048         /* More than the world has. */

/* Bits of the packets that the fast path would take of those. */
static inline uint32_t
taken(struct world *w, struct ovl_lport *in, const struct frame *frames,
      size_t n)
{
    struct dp_packet *packets[NETDEV_MAX_BURST];
    struct ovl_worker worker = w->worker;
    struct ovl_fast fast;

    worker.version = ovl_forwarding_version(w->fwd);
    worker.config = ovl_config_get(w->fwd, worker.version);
    for (size_t i = 0; i < n; i++) {
        packets[i] = guarded_packet(w->guarded[i], frames[i].data,
                                    frames[i].len, w->tailroom);
    }
    ovl_fast_decide(&fast, &worker, in, ovl_fast_know(&worker, in), packets,
                    n);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(dp_packet_size(packets[i]), frames[i].len);
        assert_memory_equal(dp_packet_data(packets[i]), frames[i].data,
                            frames[i].len);
        dp_packet_delete(packets[i]);
    }
    return fast.taken;
}

static inline void
read_counters(const struct world *w, uint64_t values[N_COUNTERS])
{
    for (size_t i = 0; i < N_COUNTERS; i++) {
        values[i] = ovl_shard_read(w->worker.shard, i);
    }
}

/* Receives the frames by the passes alone. */
static inline void
receive_slowly(struct world *w, struct ovl_lport *in,
               const struct frame *frames, size_t n)
{
    struct ovl_trace trace = {
        .text = DS_EMPTY_INITIALIZER,
        .sent = DS_EMPTY_INITIALIZER,
        .dropped = DS_EMPTY_INITIALIZER,
    };

    w->worker.trace = &trace;
    world_receive_burst(w, in, frames, n);
    w->worker.trace = NULL;
    ds_destroy(&trace.text);
    ds_destroy(&trace.sent);
    ds_destroy(&trace.dropped);
}

static inline void
assert_same(struct world *w, struct ovl_lport *in, const struct frame *frames,
            size_t n)
{
    static struct world_output out[WORLD_MAX_OUTPUTS];
    static uint64_t before[N_COUNTERS], middle[N_COUNTERS];
    static uint64_t after[N_COUNTERS];
    size_t n_out;

    read_counters(w, before);
    world_receive_burst(w, in, frames, n);
    read_counters(w, middle);
    n_out = w->n_out;
    for (size_t i = 0; i < n_out; i++) {
        out[i].port = w->out[i].port;
        out[i].frame.len = 0;
        frame_put(&out[i].frame, w->out[i].frame.data, w->out[i].frame.len);
    }
    receive_slowly(w, in, frames, n);
    read_counters(w, after);

    if (w->n_out != n_out) {
        print_frame("received", &frames[0]);
    }
    assert_int_equal(w->n_out, n_out);
    for (size_t i = 0; i < n_out; i++) {
        assert_ptr_equal(w->out[i].port, out[i].port);
        assert_frame_equal(&out[i].frame, &w->out[i].frame);
    }
    for (size_t i = 0; i < N_COUNTERS; i++) {
        assert_int_equal(middle[i] - before[i], after[i] - middle[i]);
    }
}

static inline void
assert_takes(struct world *w, struct ovl_lport *in, const struct frame *f)
{
    if (!taken(w, in, f, 1)) {
        print_frame("not taken", f);
        fail();
    }
    assert_same(w, in, f, 1);
    assert_int_equal(w->n_out, 1);
}

static inline void
assert_leaves(struct world *w, struct ovl_lport *in, const struct frame *f)
{
    if (taken(w, in, f, 1)) {
        print_frame("taken", f);
        fail();
    }
    assert_same(w, in, f, 1);
}

#endif /* fast-asserts.h */
