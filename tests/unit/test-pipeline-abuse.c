/* SPDX-License-Identifier: Apache-2.0 */

/* Mutilated frames through the whole pipeline, on every port, with the
 * invariants of world_violation() checked after each. */

#include <config.h>

#include "world-asserts.h"

static void
abuse(struct world *w, const uint8_t *data, size_t len)
{
    struct ovl_lport *ports[] = {
        w->vm1, w->vm3, w->trunk1, w->other, w->loose, w->eth1, w->local
    };

    for (size_t i = 0; i < ARRAY_SIZE(ports); i++) {
        world_receive_bytes(w, ports[i], data, len);

        const char *error = world_violation(w, ports[i]);
        if (error) {
            struct frame f = { .len = 0 };

            frame_put(&f, data, len);
            print_frame(error, &f);
            print_error("on %s\n", ports[i]->name);
            fail();
        }
    }
}

static void
whole_frames(void **state)
{
    size_t n;
    const struct frame *f = frame_templates(&n);

    for (size_t i = 0; i < n; i++) {
        abuse(*state, f[i].data, f[i].len);
    }
}

static void
frames_truncated_at_every_byte(void **state)
{
    size_t n;
    const struct frame *f = frame_templates(&n);

    for (size_t i = 0; i < n; i++) {
        for (size_t len = 0; len < f[i].len; len++) {
            abuse(*state, f[i].data, len);
        }
    }
}

static void
truncated_frames_that_are_padded(void **state)
{
    size_t n;
    const struct frame *f = frame_templates(&n);

    for (size_t i = 0; i < n; i++) {
        for (size_t len = 14; len < 60 && len < f[i].len; len++) {
            uint8_t padded[60];

            memset(padded, 0xa5, sizeof padded);
            memcpy(padded, f[i].data, len);
            abuse(*state, padded, sizeof padded);
        }
    }
}

static void
frames_with_any_bit_flipped(void **state)
{
    size_t n;
    const struct frame *f = frame_templates(&n);

    for (size_t i = 0; i < n; i++) {
        for (size_t bit = 0; bit < 96 * 8 && bit < f[i].len * 8; bit++) {
            struct frame flipped;

            flipped.len = f[i].len;
            memcpy(flipped.data, f[i].data, f[i].len);
            flipped.data[bit / 8] ^= 1 << bit % 8;
            abuse(*state, flipped.data, flipped.len);
        }
    }
}

/* Everything inside VXLAN, which the truncation above cuts off first. */
static void
inner_frames_truncated_at_every_byte(void **state)
{
    size_t n;
    const struct frame *f = frame_templates(&n);

    for (size_t i = 0; i < n; i++) {
        for (size_t len = 0; len < f[i].len; len++) {
            struct frame cut = frame_cut(&f[i], len);
            struct frame outer
                = frame_vxlan4(MAC_LOCAL, MAC_NEXTHOP, IP_VTEP, IP_OWN, 0,
                               50000, VNI, &cut);

            abuse(*state, outer.data, outer.len);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(whole_frames),
        world_test(frames_truncated_at_every_byte),
        world_test(truncated_frames_that_are_padded),
        world_test(frames_with_any_bit_flipped),
        world_test(inner_frames_truncated_at_every_byte),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
