/* SPDX-License-Identifier: Apache-2.0 */

#ifndef BAD_FRAMES_H
#define BAD_FRAMES_H 1

/* Frames that are wrong in every way that can be listed: the templates of
 * frames.h, mutilated by rule, the same in every run.
 *
 * Example:
 *
 *     for (size_t i = 0; i < n_bad_frame_makers; i++) {
 *         bad_frame_makers[i].make(try_frame, NULL);
 *     }
 */

#include "frames.h"

/* Takes the 'len' bytes at 'data', of a frame made from template number
 * 'template'. */
typedef void bad_frame_use(const uint8_t *data, size_t len, size_t template,
                           void *aux);

struct bad_frame_maker {
    const char *name;
    void (*make)(bad_frame_use *, void *aux);
};

extern const struct bad_frame_maker bad_frame_makers[];
extern const size_t n_bad_frame_makers;

#endif /* bad-frames.h */
