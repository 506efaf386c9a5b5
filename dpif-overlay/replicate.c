/* SPDX-License-Identifier: Apache-2.0 */

/* Copies before anything is pushed in front of a frame, so every copy starts
 * from the frame as it came, and has headroom.  The last destination gets the
 * original.
 *
 * Prefix: ovl_replicate. */

#include <config.h>

#include "bridging.h"
#include "output.h"
#include "pkt-buffer.h"
#include "replicate.h"

struct destination {
    struct ovl_lport *port;     /* A member, or NULL... */
    uint16_t vlan;
    const struct ovl_vtep *vtep;        /* ...for a VTEP. */
    const struct ovl_adjacency *adj;
};

/* Gives candidate 'i'; returns false if it is where the frame came from. */
static bool
get_destination(const struct ovl_arrival *a, size_t i, struct destination *d)
{
    const struct ovl_network *net = a->net;

    if (i < net->n_members) {
        const struct ovl_member *m = &net->members[i];

        *d = (struct destination) { .port = m->port, .vlan = m->vlan };
        return m->port != a->in;
    }
    *d = (struct destination) { .vtep = net->flood[i - net->n_members] };
    return true;
}

/* Returns why 'd' cannot take the frame, or OVL_NO_DROP. */
static enum ovl_drop_reason
check_destination(const struct ovl_arrival *a, const struct ovl_pkt *pkt,
                  struct destination *d)
{
    if (d->port) {
        return (ovl_lport_is_alive(d->port)
                ? OVL_NO_DROP : OVL_DROP_PORT_GONE);
    }
    return ovl_bridge_to_vtep(a, d->vtep, ovl_pkt_l3_len(pkt), &d->adj);
}

/* Gives the frame, or a copy of it, to 'd' or counts why not. */
static void
deliver(const struct ovl_arrival *a, const struct ovl_pkt *pkt,
        struct destination *d, struct dp_packet *packet, bool copy)
{
    enum ovl_drop_reason reason = check_destination(a, pkt, d);

    if (reason != OVL_NO_DROP) {
        ovl_count_drop(a, reason);
        if (!copy) {
            dp_packet_delete(packet);
        }
        return;
    }

    if (copy) {
        packet = ovl_pkt_copy(a->worker, packet);
        if (OVS_UNLIKELY(!packet)) {
            ovl_count_drop(a, OVL_DROP_NO_MEMORY);
            return;
        }
    }
    if (d->port) {
        ovl_output_port(a, a->net, d->port, d->vlan, pkt, packet);
    } else {
        ovl_output_vtep(a, a->net, d->adj, pkt, packet);
    }
}

/* Returns the number of candidates, of which the last is a destination. */
static size_t
n_candidates(const struct ovl_arrival *a)
{
    size_t n = a->net->n_members + (a->tunnel ? 0 : a->net->n_flood);
    struct destination d;

    while (n && !get_destination(a, n - 1, &d)) {
        n--;
    }
    return n;
}

void
ovl_replicate(const struct ovl_arrival *a, const struct ovl_pkt *pkt,
              struct dp_packet *packet)
{
    size_t n = n_candidates(a);
    size_t n_copies = 0;

    for (size_t i = 0; i < n; i++) {
        bool copy = i < n - 1;
        struct destination d;

        if (get_destination(a, i, &d)) {
            deliver(a, pkt, &d, packet, copy);
            n_copies += copy;
        }
    }
    ovl_counter_add(a->worker->shard, OVL_TOTAL_REPLICATED, n_copies);
}
