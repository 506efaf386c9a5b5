/* SPDX-License-Identifier: Apache-2.0 */

#ifndef ROUTED_MODEL_H
#define ROUTED_MODEL_H 1

/* What has to become of a packet for the router, worked out from the rows of
 * routed-world.h and the RFCs, one row after another and without our code. */

#include "ip-oracle.h"
#include "routed-world.h"

enum routed_kind {
    ROUTED_NOTHING,             /* Dropped in silence. */
    ROUTED_ERROR,               /* Dropped, and said so. */
    ROUTED_ECHO,                /* Answered. */
    ROUTED_FORWARD,
};

struct routed_outcome {
    enum routed_kind kind;

    /* ROUTED_ERROR. */
    uint8_t type, code;
    uint32_t word;              /* Behind the checksum. */
    bool from_dst;              /* May be from the packet's destination. */

    /* ROUTED_FORWARD. */
    const struct routed_host *host;
    uint16_t mtu;
};

#define ROUTED_MAX_OUTCOMES 8

struct routed_expectation {
    bool unknown;               /* Not for the router, or not for this
                                 * model. */
    struct ip_packet packet;        /* Unless 'n' is 0. */
    struct routed_outcome outcomes[ROUTED_MAX_OUTCOMES];
    size_t n;                   /* One of so many; 0: ROUTED_NOTHING. */
};

/* 'plain' came in at 'a', or was inside VXLAN there. */
struct routed_expectation routed_expect(const struct routed_arrival *,
                                        const struct frame *plain);

/* True if 'ip' is what errors to whoever sent 'p' into 'net' are from.
 * '*exists' says whether there is any such. */
bool routed_is_error_source(const struct routed_network *net,
                            const struct ip_packet *p,
                            const struct in6_addr *ip, bool *exists);

#endif /* routed-model.h */
