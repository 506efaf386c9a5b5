/* SPDX-License-Identifier: Apache-2.0 */

/* A frame that its sender has not finished, or says so, through the whole
 * pipeline: every packet is accounted for, nothing leaves unfinished but to a
 * driver that can, and checksums that were asked for are right.  The first
 * byte chooses the port, the second the marks and what drivers can, two more
 * the size of segments; the rest is the frame. */

#include <config.h>

#include <stdio.h>
#include <stdlib.h>

#include "dp-packet.h"
#include "frame-input.h"
#include "packets.h"
#include "util.h"
#include "tests/unit/ip-oracle.h"
#include "tests/unit/world.h"

/* As many segments, for each port and VTEP, as the world can take. */
#define MIN_MSS 64

static void
set_offloads(struct ovl_lport *port, bool can)
{
    atomic_store_relaxed(&port->offloads, can ? UINT8_MAX : 0);
}

/* The checksum of TCP in 'f', if that is what it is, is right. */
static bool
is_finished(const struct frame *f)
{
    struct ip_packet ip;

    if (!ip_packet_parse(f, &ip) || ip.proto != IPPROTO_TCP
        || ip.fragment) {
        return true;
    }

    size_t n = ip.v4 ? 4 : 16;
    uint32_t sum = ip_sum(0, ip.ip + (ip.v4 ? 12 : 8), 2 * n);
    sum = ip_sum(sum, (uint8_t[]) { 0, 6, ip.l4_len >> 8, ip.l4_len }, 4);
    return ip_sum(sum, ip.l4, ip.l4_len) == 0xffff;
}

static const char *
check(const struct world *w, const struct ovl_lport *in, uint64_t marks)
{
    const uint64_t cut = DP_PACKET_OL_TX_TCP_SEG;
    const char *error = world_violation(w, in);

    for (size_t i = 0; i < w->n_out && !error; i++) {
        const struct world_output *out = &w->out[i];

        if (out->marks) {
            if (!ovl_lport_offloads(out->port)) {
                error = "unfinished, to a driver that cannot finish it";
            } else if (out->marks & ~marks & cut) {
                error = "to be cut, which nobody asked for";
            } else if (out->l4_ofs <= out->l3_ofs
                       || out->l4_ofs + UDP_HEADER_LEN > out->frame.len) {
                error = "unfinished, nobody knows where";
            }
        } else if ((marks & DP_PACKET_OL_TX_L4_MASK)
                   == DP_PACKET_OL_TX_TCP_CKSUM
                   && !is_finished(&out->frame)) {
            error = "a wrong checksum";
        }
    }
    return error;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint64_t l4[] = {
        DP_PACKET_OL_TX_TCP_CKSUM, DP_PACKET_OL_TX_TCP_CKSUM,
        DP_PACKET_OL_TX_UDP_CKSUM, DP_PACKET_OL_TX_SCTP_CKSUM,
    };
    static struct world *w;

    if (!w) {
        w = world_create();
    }
    if (size < 4) {
        return 0;
    }

    struct ovl_lport *ports[] = { w->vm1, w->vm2, w->vm3, w->trunk1 };
    struct ovl_lport *in = ports[data[0] % ARRAY_SIZE(ports)];
    uint64_t marks = l4[data[1] % 4]
                     | (data[1] & 4 ? DP_PACKET_OL_TX_TCP_SEG : 0);
    uint16_t mss = data[2] << 8 | data[3];
    struct frame f;

    set_offloads(w->vm1, data[1] & 8);
    set_offloads(w->vm2, data[1] & 16);
    set_offloads(w->trunk1, data[1] & 32);
    set_offloads(w->eth1, data[1] & 64);
    fuzz_frame(data + 4, size - 4, &f);
    world_receive_marked(w, in, &f, marks,
                         mss && mss < MIN_MSS ? mss + MIN_MSS : mss);

    const char *error = check(w, in, marks);
    if (error) {
        fprintf(stderr, "%s, from %s\n", error, in->name);
        abort();
    }
    return 0;
}
