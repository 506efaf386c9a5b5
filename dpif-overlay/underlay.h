/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_UNDERLAY_H
#define OVL_UNDERLAY_H 1

/* Underlay: how each VTEP is reached.
 *
 * For every VTEP of the forwarding tables this finds the route (OVS's
 * ovs-router), the next hop's MAC, and publishes an adjacency.  A next hop's
 * MAC is known either because OVS's tnl-neigh-cache has it ('tnl/neigh/set'),
 * or because the next hop has answered our own ARP or Neighbor Solicitation:
 * underlay-hop.h says when it is asked.
 *
 * While it is probed, and while a route is missing for ROUTE_GRACE_MS (kernel
 * routes are flushed and read again at every link event), the last good
 * adjacency goes on forwarding.  An incomplete next hop is asked once per
 * second for as long as a VTEP needs it.  Packets for a VTEP without an
 * adjacency are dropped by the pipeline, never queued.
 *
 * A router on the way to a VTEP may say that it takes smaller packets only.
 * That lowers what is sent there for ten minutes, or until the next hop is
 * another one; senders inside learn it as they learn any MTU.
 *
 * Our own addresses are announced when LOCAL's MAC changes or an IPv6 tunnel
 * address becomes ours, for neighbors that remember another MAC.
 *
 * Thread-safety: run and wait by one thread (the control thread); heard() by
 * packet threads, without locks; format by any thread.
 *
 * Layer 3. */

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "packets.h"

struct dp_packet;
struct ds;
struct ovl_forwarding;
struct ovl_heard;
struct ovl_lport;
struct ovl_underlay;
struct seq;

/* Sends 'packet', made here, out of 'port'.  Takes the packet. */
typedef void ovl_underlay_send(void *aux, struct ovl_lport *port,
                               struct dp_packet *packet);

struct ovl_underlay *ovl_underlay_create(struct ovl_forwarding *,
                                         ovl_underlay_send *, void *aux);
void ovl_underlay_destroy(struct ovl_underlay *);

void ovl_underlay_run(struct ovl_underlay *);
void ovl_underlay_wait(struct ovl_underlay *);

/* Which value of ovl_forwarding_vteps_seq() the last pass has followed, and
 * a sequence number that changes with it: a caller who has changed VTEPs knows
 * by them when packets take the new way.  Any thread. */
uint64_t ovl_underlay_followed(const struct ovl_underlay *);
struct seq *ovl_underlay_seq(const struct ovl_underlay *);

/* A neighbor said something on the uplink.  Never waits; may forget what it
 * was told when there is very much of it (probes will bring it again). */
void ovl_underlay_heard(struct ovl_underlay *, const struct ovl_heard *);

/* Appends "up" or what is missing to 'state', "IP at MAC on DEVICE" to
 * 'next_hop' if that is known. */
void ovl_underlay_format_vtep(struct ovl_underlay *, const struct in6_addr *,
                              struct ds *state, struct ds *next_hop);

#endif /* underlay.h */
