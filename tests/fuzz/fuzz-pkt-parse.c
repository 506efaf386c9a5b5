/* SPDX-License-Identifier: Apache-2.0 */

/* Any bytes through the parser, in an allocation of just their size: no read
 * beyond them (the sanitizer sees that), and no offset or length in the
 * result that points outside. */

#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "frame-input.h"
#include "pkt-parse.h"
#include "util.h"

static void
check_pkt(const struct ovl_pkt *pkt, size_t len)
{
    ovs_assert(pkt->len == len);
    ovs_assert(pkt->too_short || pkt->l3_ofs <= len);
    ovs_assert(pkt->too_short || ovl_pkt_l3_len(pkt) + pkt->l3_ofs == len);
    if (!pkt->too_short && !pkt->l3_bad) {
        if (pkt->l3 == OVL_L3_IPV4) {
            ovs_assert(pkt->l3_ofs + 20 <= len);
        } else if (pkt->l3 == OVL_L3_IPV6) {
            ovs_assert(pkt->l3_ofs + 40 <= len);
            ovs_assert(pkt->ip.nd.status != OVL_ND_OK
                       || (pkt->ip.ttl == 255 && !pkt->ip.fragment));
        }
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct frame f;

    fuzz_frame(data, size, &f);

    uint8_t *copy = malloc(f.len ? f.len : 1);
    memcpy(copy, f.data, f.len);

    struct ovl_pkt pkt = ovl_pkt_parse(copy, f.len);
    check_pkt(&pkt, f.len);

    struct ovl_outer outer = ovl_outer_parse(copy, f.len);
    if (outer.udp && outer.fault == OVL_NO_DROP) {
        size_t ofs = ovl_outer_inner_ofs(&outer);
        size_t len = ovl_outer_inner_len(&outer);

        ovs_assert(ofs <= f.len && len <= f.len - ofs);
        ovl_outer_csum_ok(&outer, copy);
        pkt = ovl_pkt_parse(copy + ofs, len);
        check_pkt(&pkt, len);
    }
    free(copy);
    return 0;
}
