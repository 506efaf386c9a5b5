/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: ovl_limiter_. */

#include <config.h>

#include "limiter.h"

#include "util.h"

#define INTERVAL_MS 10
#define BURST 50

static bool
is_empty(uint64_t tat, uint64_t now)
{
    return tat > now && tat - now > INTERVAL_MS * (BURST - 1);
}

bool
ovl_limiter_is_empty(const struct ovl_limiter *limiter, long long int now)
{
    uint64_t tat;

    atomic_read_relaxed(&CONST_CAST(struct ovl_limiter *, limiter)->tat,
                        &tat);
    return is_empty(tat, now);
}

bool
ovl_limiter_pass(struct ovl_limiter *limiter, long long int now_)
{
    uint64_t now = now_;
    uint64_t tat;

    atomic_read_relaxed(&limiter->tat, &tat);
    for (;;) {
        if (is_empty(tat, now)) {
            return false;
        }
        if (atomic_compare_exchange_weak_relaxed(&limiter->tat, &tat,
                                                 MAX(tat, now)
                                                 + INTERVAL_MS)) {
            return true;
        }
    }
}
