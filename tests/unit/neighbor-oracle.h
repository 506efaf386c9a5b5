/* SPDX-License-Identifier: Apache-2.0 */

#ifndef NEIGHBOR_ORACLE_H
#define NEIGHBOR_ORACLE_H 1

/* Whether a frame has to be answered by the world of world.h, and how: a
 * second opinion, from the RFCs and the rules in README.md, that shares no
 * code with the pipeline.  It reads the frame's bytes itself and knows the
 * world's neighbors from the drawing in world.h.
 *
 * The world is as world_create() makes it, but for the options of 'net'. */

#include "world.h"

enum oracle_says {
    ORACLE_MUST_NOT,            /* Answering it would be wrong. */
    ORACLE_MAY,                 /* Answering it would be odd, but right. */
    ORACLE_MUST,                /* It has to be answered. */
};

/* Says what becomes of the 'len' bytes at 'frame' on 'in', or out of a tunnel
 * into network VNI if 'in' is NULL.  Fills '*answer' in unless the result is
 * ORACLE_MUST_NOT. */
enum oracle_says oracle_answer(const struct world *,
                               const struct ovl_lport *in,
                               const uint8_t *frame, size_t len,
                               struct frame *answer);

#endif /* neighbor-oracle.h */
