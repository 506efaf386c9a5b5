/* SPDX-License-Identifier: Apache-2.0 */

#ifndef ROUTED_ORACLE_H
#define ROUTED_ORACLE_H 1

/* Whether what came out of the world of routed-world.h is what routed-model.h
 * expects, to the byte: TTL, checksums, MACs, fragments that make the packet
 * again, the tunnel's header.  Of frames that the model does not know (not for
 * the router) at least that they stay in their VRF.
 *
 * 'plain' is what was received last, as routed_arriving() wrapped it with
 * field 'ecn' outside. */

#include "routed-world.h"

/* Says what is wrong, or returns NULL. */
const char *routed_oracle(const struct routed_world *,
                          const struct routed_arrival *,
                          const struct frame *plain, uint8_t ecn);

/* If what came in last was answered: gives the answer to the world in all
 * places, as it is and as if it were for the router, and says what is wrong if
 * that makes it say anything again, but an error about an echo reply.  Else
 * returns NULL. */
const char *routed_echo(struct routed_world *, const struct routed_arrival *);

#endif /* routed-oracle.h */
