/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: ovl_limiter_. */

#include <config.h>

#include "limiter.h"

#include "util.h"

#define INTERVAL_MS 10
#define BURST 50

bool
ovl_limiter_pass(struct ovl_limiter *limiter, long long int now_)
{
    uint64_t now = now_;
    uint64_t tat;

    atomic_read_relaxed(&limiter->tat, &tat);
    for (;;) {
        uint64_t start = MAX(tat, now);

        if (start - now > INTERVAL_MS * (BURST - 1)) {
            return false;
        }
        if (atomic_compare_exchange_weak_relaxed(&limiter->tat, &tat,
                                                 start + INTERVAL_MS)) {
            return true;
        }
    }
}
