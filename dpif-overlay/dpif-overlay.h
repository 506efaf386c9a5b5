/* SPDX-License-Identifier: Apache-2.0 */

#ifndef DPIF_OVERLAY_H
#define DPIF_OVERLAY_H 1

/* Datapath of the overlay bridge: the dpif class "overlay", and what
 * ofproto-tables needs of it beyond that class.
 *
 * There is one datapath, OVL_DP_NAME.  Ports, queues and port numbers belong
 * to it and survive the bridge's ofproto, which stock code destroys and makes
 * again when the database lock is lost.
 *
 * Layer 4. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lport.h"

struct ds;
struct dpif_class;
struct in6_addr;
struct netdev;
struct ovl_forwarding;
struct seq;

#define OVL_DP_TYPE "overlay"
#define OVL_DP_NAME "ovs-overlay"

/* Makes the forwarding tables, registers the dpif class.  Main thread, once,
 * before bridge_init(). */
void ovl_dp_init(void);

/* Stops all threads and frees everything.  Main thread, at exit. */
void ovl_dp_exit(void);

/* The type to open a port of 'type' with: "internal" is a tap, or
 * "dummy-internal" in dummy mode. */
const char *ovl_dp_port_open_type(const char *type);

/* The forwarding tables, made by ovl_dp_init(). */
struct ovl_forwarding *ovl_dp_forwarding(void);

/* Ports of the datapath.  ovl_dp_ports() stores a new reference to each live
 * one into a new array '*ports' of '*n' (free it and unref each), and returns
 * a sequence number that grows whenever a port comes or goes or its MTU or
 * MAC changes, along with the 'seq' that a thread may wait for.  Any thread. */
uint64_t ovl_dp_ports(struct ovl_lport ***ports, size_t *n);
uint64_t ovl_dp_ports_version(void);
struct seq *ovl_dp_ports_seq(void);

/* Looks up a live port by name; NULL if there is none.  The caller owns the
 * reference.  Any thread. */
struct ovl_lport *ovl_dp_port_by_name(const char *name);

/* Returns true if there is a live port 'name', and stores what is wrong with
 * it and what to do about it, or NULL.  The caller frees the text.  Changes
 * show in connectivity_seq.  Any thread. */
bool ovl_dp_port_fault(const char *name, char **fault);

/* Gives the port 'name', if there is one, the MTU that its user wants, or
 * leaves it alone if that is 0: it is a fault if the device refuses.  Main
 * thread. */
void ovl_dp_port_request_mtu(const char *name, int64_t mtu);

/* Goes on with 'netdev' for the port of its name.  When stock code gives a
 * bridge up and takes it back, it opens netdevs anew, and configures those.
 * Main thread. */
void ovl_dp_port_set_netdev(struct netdev *);

/* Tells that the tables hold the database's first complete contents.  Until
 * then, or until 10 s after the first port was added, no port is polled, so
 * that the first packet already obeys full tables.  Any thread. */
void ovl_dp_tables_ready(void);

/* Which value of ovl_forwarding_vteps_seq() the underlay has followed, so that
 * packets for the VTEPs that there were take the way that they should, and a
 * sequence number that changes with it.  Any thread. */
uint64_t ovl_dp_underlay_followed(void);
struct seq *ovl_dp_underlay_seq(void);

/* State of VTEPs as the underlay sees them, for 'overlay/vteps' and 'show':
 * "up", or why not ("no route to 192.0.2.2", "192.0.2.9 does not answer ARP",
 * ...).  'next_hop' gets "IP MAC dev" or "". Any thread. */
void ovl_dp_vtep_state(const struct in6_addr *vtep, struct ds *state,
                       struct ds *next_hop);

#endif /* dpif-overlay.h */
