/* SPDX-License-Identifier: Apache-2.0 */

/* A frame from a guest through the whole pipeline, in the world of
 * tests/unit/world.h: whatever it is, every byte and every packet that come
 * out are accounted for.  The first byte chooses the port. */

#include <config.h>

#include <stdio.h>
#include <stdlib.h>

#include "frame-input.h"
#include "util.h"
#include "tests/unit/world-oracle.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct world *w;

    if (!w) {
        w = world_create();
    }
    if (!size) {
        return 0;
    }

    struct ovl_lport *ports[] = {
        w->vm1, w->vm2, w->vm3, w->trunk1, w->other, w->loose
    };
    struct ovl_lport *in = ports[data[0] % ARRAY_SIZE(ports)];
    struct frame f;

    fuzz_frame(data + 1, size - 1, &f);
    world_receive(w, in, &f);

    const char *error = world_oracle(w, in, f.data, f.len);
    if (!error) {
        error = world_echo(w);
    }
    if (error) {
        fprintf(stderr, "%s, from %s\n", error, in->name);
        abort();
    }
    return 0;
}
