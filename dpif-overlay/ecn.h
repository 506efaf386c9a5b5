/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_ECN_H
#define OVL_ECN_H 1

/* Explicit congestion notification through tunnels, RFC 6040.
 *
 * The ECN field is the low two bits of TOS or traffic class (RFC 3168
 * section 5).
 *
 * Thread-safety: pure functions.
 *
 * Layer 2. */

#include <stdbool.h>
#include <stdint.h>

enum ovl_ecn {
    OVL_ECN_NOT_ECT = 0,        /* Not ECN-capable. */
    OVL_ECN_ECT_1 = 1,
    OVL_ECN_ECT_0 = 2,
    OVL_ECN_CE = 3,             /* Congestion experienced. */
};

static inline enum ovl_ecn
ovl_ecn_of_tos(uint8_t tos)
{
    return tos & 3;
}

/* Gives the outer field for a packet whose inner one is 'inner': normal mode,
 * RFC 6040 section 4.1. */
static inline enum ovl_ecn
ovl_ecn_encapsulate(enum ovl_ecn inner)
{
    return inner;
}

/* Works out what a packet that arrived as 'inner' in 'outer' says when it
 * leaves the tunnel, into '*result'; returns false if it has to be dropped.
 * RFC 6040 section 4.2, figure 4. */
bool ovl_ecn_decapsulate(enum ovl_ecn inner, enum ovl_ecn outer,
                         enum ovl_ecn *result);

/* What figure 4 says of a combination beside its result: those that no honest
 * path makes mean that a tunnel endpoint is broken or that somebody cheats.
 * They are counted, see enum ovl_event, and event-log.h tells of them. */
enum ovl_ecn_alarm {
    OVL_ECN_USUAL,
    OVL_ECN_SUSPICIOUS,         /* (!): not used, as far as is known. */
    OVL_ECN_DANGEROUS,          /* (!!!): always potentially dangerous. */
};
enum ovl_ecn_alarm ovl_ecn_alarm(enum ovl_ecn inner, enum ovl_ecn outer);

#endif /* ecn.h */
