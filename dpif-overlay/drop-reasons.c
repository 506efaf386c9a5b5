/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: ovl_drop_reason_. */

#include <config.h>

#include "drop-reasons.h"

#include "util.h"

const char *
ovl_drop_reason_name(enum ovl_drop_reason reason)
{
    static const char *const names[] = {
#define OVL_DROP(ENUM, NAME, TEXT) NAME,
        OVL_DROP_REASONS
#undef OVL_DROP
    };

    ovs_assert((unsigned int) reason < OVL_N_DROPS);
    return names[reason];
}

const char *
ovl_drop_reason_text(enum ovl_drop_reason reason)
{
    static const char *const texts[] = {
#define OVL_DROP(ENUM, NAME, TEXT) TEXT,
        OVL_DROP_REASONS
#undef OVL_DROP
    };

    ovs_assert((unsigned int) reason < OVL_N_DROPS);
    return texts[reason];
}
