/* SPDX-License-Identifier: Apache-2.0 */

/* RFC 6040 figure 4 as a table.  Combinations that the RFC wants logged are
 * not: no packet makes a log line here.
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
