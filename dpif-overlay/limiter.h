/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_LIMITER_H
#define OVL_LIMITER_H 1

/* How often something may be said that somebody else provokes: 100 times a
 * second, 50 at once.
 *
 * The generic cell rate algorithm (ITU-T I.371): one number, the theoretical
 * arrival time, is when the bucket will be full again.  Threads share it; it
 * is written only when something passes, so 100 times a second at most, and
 * read otherwise.
 *
 * Thread-safety: any number of threads.
 *
 * Example:
 *
 *     if (ovl_limiter_pass(&port->limits.errors, now)) {
 *         ...say it...
 *     }
 *
 * Layer 0. */

#include <stdbool.h>
#include <stdint.h>

#include "ovs-atomic.h"

struct ovl_limiter {
    ATOMIC(uint64_t) tat;       /* In ms.  0: full. */
};

/* What the router says to those who make it. */
struct ovl_limits {
    struct ovl_limiter errors;  /* ICMP errors: RFC 1812 section 4.3.2.8,
                                 * RFC 4443 section 2.4 (f). */
    struct ovl_limiter adverts; /* Router advertisements on request. */
};

static inline void
ovl_limits_init(struct ovl_limits *limits)
{
    atomic_init(&limits->errors.tat, 0);
    atomic_init(&limits->adverts.tat, 0);
}

/* Returns whether it may be said once more at 'now', in ms of a clock that
 * does not go back, and counts that. */
bool ovl_limiter_pass(struct ovl_limiter *, long long int now);

/* Returns true if nothing more will pass at 'now'. */
bool ovl_limiter_is_empty(const struct ovl_limiter *, long long int now);

#endif /* limiter.h */
