/* SPDX-License-Identifier: Apache-2.0 */

/* ARP and ND requests, sound and not, in the world of tests/unit/world.h: the
 * ones that have to be answered are, with the bytes that neighbor-oracle.h
 * expects, no others are, and no answer makes another.
 *
 * The first byte chooses the port and the options of the network, which
 * advertises its router where the port's number is beyond the ports; then
 * comes a frame (frame-input.h), whose checksums are put right unless bit 7
 * says otherwise. */

#include <config.h>

#include <stdio.h>
#include <stdlib.h>

#include "frame-input.h"
#include "ovs-rcu.h"
#include "tests/unit/world-oracle.h"
#include "util.h"

/* Changes the network only when it has to: that takes a transaction. */
static void
set_options(struct world *w, uint8_t options, bool advertise)
{
    bool suppress = !(options & 1);
    bool miss_drop = options & 2;
    bool answer_tunnel = options & 4;

    if (w->net.neigh_suppress != suppress
        || w->net.neigh_miss_drop != miss_drop
        || w->net.answer_tunnel != answer_tunnel
        || w->net.advertise != advertise) {
        w->net.neigh_suppress = suppress;
        w->net.neigh_miss_drop = miss_drop;
        w->net.answer_tunnel = answer_tunnel;
        w->net.advertise = advertise;
        w->net.ra_lifetime = 1800;
        world_apply(w);
        ovl_forwarding_collect(w->fwd);
        ovsrcu_quiesce();
    }
}

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

    struct ovl_lport *ports[] = {
        w->vm3, w->vm1, w->vm2, w->trunk1, w->eth1, w->other, w->loose
    };
    struct ovl_lport *in = ports[(data[0] & 0xf) % ARRAY_SIZE(ports)];

    set_options(w, data[0] >> 4 & 7,
                (data[0] & 0xf) >= ARRAY_SIZE(ports));
    fuzz_frame(data + 1, size - 1, &f);
    if (!(data[0] & 0x80)) {
        frame_repair(&f, L3_OFS);
    }
    if (in == w->trunk1 && f.len >= 12) {
        f = frame_tag(&f, 0x8100, 10);
    } else if (in == w->eth1) {
        struct frame inner = f;

        f = frame_vxlan4(MAC_LOCAL, MAC_NEXTHOP, IP_VTEP, IP_OWN, 0, 50000,
                         VNI, &inner);
    }
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
