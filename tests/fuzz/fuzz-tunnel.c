/* SPDX-License-Identifier: Apache-2.0 */

/* A frame from the underlay through the whole pipeline, in the world of
 * tests/unit/world.h: whatever it is, every byte and every packet that come
 * out are accounted for.  The first byte says whether the frame is the outer
 * one or what a VTEP has put into VXLAN. */

#include <config.h>

#include <stdio.h>
#include <stdlib.h>

#include "frame-input.h"
#include "tests/unit/world-oracle.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct world *w;
    struct frame f;

    if (!w) {
        w = world_create();
    }
    if (!size) {
        return 0;
    }

    fuzz_frame(data + 1, size - 1, &f);
    if (data[0] & 1) {
        struct frame inner = f;

        f = frame_vxlan4(MAC_LOCAL, MAC_NEXTHOP, IP_VTEP, IP_OWN,
                         data[0] >> 1 & 3, 50000,
                         data[0] & 8 ? VNI_OTHER : VNI, &inner);
    }
    world_receive(w, w->eth1, &f);

    const char *error = world_oracle(w, w->eth1, f.data, f.len);
    if (!error) {
        error = world_echo(w);
    }
    if (error) {
        fprintf(stderr, "%s\n", error);
        abort();
    }
    return 0;
}
