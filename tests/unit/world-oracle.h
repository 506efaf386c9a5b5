/* SPDX-License-Identifier: Apache-2.0 */

#ifndef WORLD_ORACLE_H
#define WORLD_ORACLE_H 1

/* Whether every byte that came out of the world is one that may.
 *
 * world_violation() looks at where frames went; this looks at what they are.
 * A frame that leaves is the one that came in, plain: without its priority or
 * VLAN tag, out of its VXLAN header, with the ECN field that RFC 6040 wants; or
 * that in the VXLAN header that is expected, or behind the tag of the port that
 * it leaves on; or the one answer that neighbor-oracle.h expects.  So no byte
 * can come from anywhere else.
 *
 * The world is as world_create() makes it, but for the options of 'net'. */

#include "world.h"

/* Says what is wrong after the 'len' bytes at 'data' came in on 'in', or
 * returns NULL. */
const char *world_oracle(const struct world *, const struct ovl_lport *in,
                         const void *data, size_t len);

/* If what came in last was answered: gives the answer to all ports, and to
 * the uplink as another hypervisor would, and returns what is wrong if that
 * makes the world say anything again.  Else returns NULL. */
const char *world_echo(struct world *);

/* Turns 'f', which came in on an access port or, if 'tunnel', out of VXLAN
 * with 'outer_ecn' outside, into the frame that goes further. */
enum oracle_plain {
    ORACLE_PLAIN,
    ORACLE_PRIORITY,            /* A tag with VID 0 was taken out. */
    ORACLE_GOES_NOWHERE,        /* It must be dropped. */
};
enum oracle_plain oracle_make_plain(struct frame *f, bool tunnel,
                                    uint8_t outer_ecn);

#endif /* world-oracle.h */
