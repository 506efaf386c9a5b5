/* SPDX-License-Identifier: Apache-2.0 */

#ifndef TABLES_FIXTURE_H
#define TABLES_FIXTURE_H 1

/* What unit tests of the forwarding tables share: cmocka with the headers
 * that it wants, ports that exist in name only, addresses made from numbers,
 * and grace periods that pass when the test says so.
 *
 * As long as a test starts no thread, a grace period ends just when
 * pass_grace() is called: pointers from look-ups are valid until then, and
 * versions taken before are readers that have not quiesced yet. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "forwarding.h"
#include "ovs-rcu.h"
#include "ovs-thread.h"
#include "packets.h"
#include "random.h"
#include "util.h"

/* Number of fixture ports that were made and not freed. */
static int n_live_ports;

static inline void
fixture_port_destroy(struct ovl_lport *port)
{
    ovl_lport_uninit(port);
    free(port);
    n_live_ports--;
}

static inline struct ovl_lport *
fixture_port(const char *name)
{
    struct ovl_lport *port = xzalloc(sizeof *port);

    ovl_lport_init(port, name, ODP_PORT_C(7), fixture_port_destroy);
    n_live_ports++;
    return port;
}

/* Lets all grace periods end, also those that callbacks ask for.  Only while
 * there is one thread. */
static inline void
pass_grace(void)
{
    for (int i = 0; i < 4; i++) {
        ovsrcu_quiesce();
    }
}

/* Waits and collects until nothing waits in 'fwd'. */
static inline void
drain(struct ovl_forwarding *fwd)
{
    do {
        pass_grace();
    } while (ovl_forwarding_collect(fwd));
    pass_grace();
}

static inline struct eth_addr
mac_nr(uint32_t i)
{
    struct eth_addr mac;

    eth_addr_from_uint64(UINT64_C(0x525400000000) + i, &mac);
    return mac;
}

/* 10.0.0.0 + i. */
static inline struct in6_addr
ip4_nr(uint32_t i)
{
    return in6_addr_mapped_ipv4(htonl(0x0a000000 + i));
}

static inline struct in6_addr
ip_from(const char *s)
{
    struct in6_addr ip;
    ovs_be32 ip4;

    if (ip_parse(s, &ip4)) {
        return in6_addr_mapped_ipv4(ip4);
    }
    assert_true(ipv6_parse(s, &ip));
    return ip;
}

static inline struct ovl_prefix
prefix_from(const char *s, int len)
{
    struct ovl_prefix prefix = { .addr = ip_from(s) };

    prefix.plen = (ovl_ip_is_v4(&prefix.addr) ? 96 : 0) + len;
    return prefix;
}

#endif /* tables-fixture.h */
