/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_OUTPUT_H
#define OVL_OUTPUT_H 1

/* The ends of a packet: out of a port, into a tunnel, or dead.
 *
 * Each function takes 'packet', a plain frame on its way out of 'net', and
 * counts it.
 *
 * Thread-safety: packet threads, in an RCU critical section.
 *
 * Layer 2. */

#include "verdict.h"

/* Gives it to the member 'port', with tag 'vlan' unless that is 0.  'pkt' is
 * what was parsed of it, NULL if it was made here. */
void ovl_output_port(const struct ovl_arrival *a,
                     const struct ovl_network *net, struct ovl_lport *port,
                     uint16_t vlan, const struct ovl_pkt *pkt,
                     struct dp_packet *packet);

/* Puts it into the tunnel of 'adj', which it fits in.  'pkt' is what was
 * parsed of it. */
void ovl_output_vtep(const struct ovl_arrival *a,
                     const struct ovl_network *net,
                     const struct ovl_adjacency *adj,
                     const struct ovl_pkt *pkt, struct dp_packet *packet);

/* Gives 'packet', of the host, to 'port' as it is.  'pkt' is what was parsed
 * of it. */
void ovl_output_host(const struct ovl_arrival *a, struct ovl_lport *port,
                     const struct ovl_pkt *pkt, struct dp_packet *packet);

/* Frees 'packet', which may be any frame, and counts a drop. */
void ovl_output_drop(const struct ovl_arrival *a, enum ovl_drop_reason reason,
                     struct dp_packet *packet);

/* Counts a drop of a packet of which there is no copy to free. */
void ovl_count_drop(const struct ovl_arrival *a, enum ovl_drop_reason reason);

#endif /* output.h */
