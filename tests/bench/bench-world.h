/* SPDX-License-Identifier: Apache-2.0 */

#ifndef BENCH_WORLD_H
#define BENCH_WORLD_H 1

/* A hypervisor for bench-pipeline: tables, ports, and frames that go through
 * them.
 *
 * Remote VMs are numbered from 0: number i is in network i % n_networks,
 * behind VTEP i % n_vteps, and has the address 10.1.0.0 + i.  All networks
 * are in one VRF, or each has one of its own, with 'n_routes' prefixes to the
 * network's first VM.
 *
 * One network has local VMs on an access port, and on another one that lists
 * the only one that may speak.  Several networks are VLANs of L2 gateway
 * ports, or have an access port each. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dp-packet.h"
#include "forwarding.h"
#include "pipeline.h"

struct world_spec {
    size_t n;                   /* Remote VMs. */
    size_t n_vteps;
    size_t n_networks;
    size_t n_routes;            /* 0: one VRF, without routes. */
    bool access_ports;          /* Networks have an access port each. */
    bool ipv6;                  /* VMs have an IPv6 address, too. */
};

struct world {
    struct ovl_worker worker;   /* First member: 'send' casts. */
    struct world_spec spec;
    struct ovl_forwarding *fwd;
    struct ovl_lport **ports;   /* Of VMs, or L2 gateways. */
    size_t n_ports;
    struct ovl_lport *guarded, *uplink, *local;
    struct ovl_vtep **vteps;
    struct ovl_config config;
    const struct ovl_lport *out;        /* Where frames are to come out... */
    size_t n_sent;                      /* ...and so many did. */
};

struct world *world_create(const struct world_spec *);
void world_destroy(struct world *);

/* Number of the port that network number 'k' is on. */
size_t world_port(const struct world *, size_t k);

/* Write a frame at 'p', with room for MAX_FRAME bytes, and return its length:
 * from a local VM to remote VM 'i', bridged, ... */
#define MAX_FRAME 128
typedef size_t make_func(uint8_t *p, const struct world *, uint32_t i);
make_func make_bridged;
make_func make_routed;          /* ...through the router, */
make_func make_by_route;        /* ...to an address of a route of its VRF, */
make_func make_tunneled;        /* ...the other way, out of the tunnel. */
make_func make_arp;             /* Requests for it, */
make_func make_arp_from_any;    /* from any other, */
make_func make_ns_from_any;     /* by ND. */

#endif /* bench-world.h */
