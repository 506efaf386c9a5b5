/* SPDX-License-Identifier: Apache-2.0 */

#ifndef FAST_FIXTURE_H
#define FAST_FIXTURE_H 1

/* What tests of the fast path through the router share: each has a world of
 * its own, of routed-world.h. */

#include "fast-asserts.h"

#include "packets.h"
#include "routed-world.h"

#define MAC_HOST "52:54:00:00:00:14"    /* On port B. */

/* True if 'ip' is written as an IPv4 address. */
static inline bool
is_v4(const char *ip)
{
    return !strchr(ip, ':');
}

static inline int
routed_setup(void **state)
{
    *state = routed_world_create();
    return 0;
}

static inline int
routed_teardown(void **state)
{
    routed_world_destroy(*state);
    return world_is_balanced() ? 0 : -1;
}

#define routed_test(TEST)                                                    \
    cmocka_unit_test_setup_teardown(TEST, routed_setup, routed_teardown)

#endif /* fast-fixture.h */
