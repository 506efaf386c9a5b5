/* SPDX-License-Identifier: Apache-2.0 */

#ifndef ICMP_ORACLE_H
#define ICMP_ORACLE_H 1

/* Whether a frame may be what a router, or a bridge in somebody's name, says
 * in ICMP about another one; written from the RFCs, without our code. */

#include "frames.h"

/* Returns what is wrong with 'said', which went back to the sender of 'plain',
 * a frame without tag, or NULL. */
const char *icmp_oracle(const struct frame *plain, const struct frame *said);

#endif /* icmp-oracle.h */
