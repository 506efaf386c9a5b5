/* SPDX-License-Identifier: Apache-2.0 */

/* RFC 6040 figure 4 as tables.
 *
 * Prefix: ovl_ecn_. */

#include <config.h>

#include "ecn.h"

#define DROP -1

bool
ovl_ecn_decapsulate(enum ovl_ecn inner, enum ovl_ecn outer,
                    enum ovl_ecn *result)
{
    /* Rows: inner; columns: outer Not-ECT, ECT(1), ECT(0), CE, as coded. */
    static const int8_t figure4[4][4] = {
        [OVL_ECN_NOT_ECT] = { OVL_ECN_NOT_ECT, OVL_ECN_NOT_ECT,
                              OVL_ECN_NOT_ECT, DROP },
        [OVL_ECN_ECT_1] = { OVL_ECN_ECT_1, OVL_ECN_ECT_1,
                            OVL_ECN_ECT_1, OVL_ECN_CE },
        [OVL_ECN_ECT_0] = { OVL_ECN_ECT_0, OVL_ECN_ECT_1,
                            OVL_ECN_ECT_0, OVL_ECN_CE },
        [OVL_ECN_CE] = { OVL_ECN_CE, OVL_ECN_CE,
                         OVL_ECN_CE, OVL_ECN_CE },
    };
    int8_t cell = figure4[inner & 3][outer & 3];

    if (cell == DROP) {
        return false;
    }
    *result = cell;
    return true;
}

enum ovl_ecn_alarm
ovl_ecn_alarm(enum ovl_ecn inner, enum ovl_ecn outer)
{
    static const uint8_t figure4[4][4] = {
        [OVL_ECN_NOT_ECT] = { [OVL_ECN_ECT_0] = OVL_ECN_DANGEROUS,
                              [OVL_ECN_ECT_1] = OVL_ECN_DANGEROUS,
                              [OVL_ECN_CE] = OVL_ECN_DANGEROUS },
        [OVL_ECN_ECT_1] = { [OVL_ECN_ECT_0] = OVL_ECN_SUSPICIOUS },
        [OVL_ECN_CE] = { [OVL_ECN_ECT_1] = OVL_ECN_DANGEROUS },
    };

    return figure4[inner & 3][outer & 3];
}
