/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_DATAPATH_H
#define OVL_DATAPATH_H 1

/* The overlay datapath: ports, the threads that poll them, and the control
 * thread that looks after both.
 *
 *     main thread ──► ovl_datapath_port_add() ... ──┐
 *     control thread: reconfiguration, MTU, MAC ────┼─► config mutex
 *     session thread ──► ovl_datapath_set_ready() ──┘
 *
 * Configuration that touches a device waits for a grace period, so a thread
 * that waits for the configuration mutex does so in a quiescent state (else
 * the two would wait for each other), and no caller may hold RCU-protected
 * pointers across these functions.  Looking at the list of ports takes
 * another, short mutex, and never waits for devices.
 *
 * There is one datapath.  It outlives the dpif objects that refer to it.
 *
 * Layer 3. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "openvswitch/types.h"

struct ds;
struct in6_addr;
struct netdev;
struct ovl_datapath;
struct ovl_forwarding;
struct ovl_lport;
struct ovl_pmd_query;
struct seq;
struct smap;

struct ovl_datapath *ovl_datapath_create(void);
/* Stops all threads.  Devices of ports that were not deleted are left as they
 * are, so that taps survive a restart. */
void ovl_datapath_destroy(struct ovl_datapath *);

struct ovl_forwarding *ovl_datapath_forwarding(const struct ovl_datapath *);

/* Adds the netdev 'name' of 'type' (as to be opened).  '*port_no' is the
 * number wanted or ODPP_NONE, and is set to the one given.  Returns 0 or a
 * positive errno value: EEXIST, EBUSY (number in use), or why the netdev
 * cannot be used. */
int ovl_datapath_port_add(struct ovl_datapath *, const char *name,
                          const char *type, odp_port_t *port_no);
/* When this returns, the netdev and its queues are closed.  ENODEV if there
 * is no such port. */
int ovl_datapath_port_del(struct ovl_datapath *, odp_port_t);
/* Goes on with 'netdev' (takes a reference) for the port of that name and
 * type, whose netdev may be another object.  If that fails, the port is out of
 * service until the netdev is configured. */
int ovl_datapath_port_set_netdev(struct ovl_datapath *, const char *name,
                                 struct netdev *netdev);
void ovl_datapath_del_all_ports(struct ovl_datapath *);
int ovl_datapath_port_set_config(struct ovl_datapath *, odp_port_t,
                                 const struct smap *other_config);

/* See dpif-overlay.h. */
uint64_t ovl_datapath_ports(struct ovl_datapath *, struct ovl_lport ***,
                            size_t *n);
uint64_t ovl_datapath_ports_version(struct ovl_datapath *);
struct seq *ovl_datapath_ports_seq(struct ovl_datapath *);
struct ovl_lport *ovl_datapath_port_by_name(struct ovl_datapath *,
                                            const char *name);
struct ovl_lport *ovl_datapath_port_by_number(struct ovl_datapath *,
                                              odp_port_t);
/* Netdev type of a port of the datapath, as long as a reference is held. */
const char *ovl_datapath_port_type(const struct ovl_lport *);
void ovl_datapath_set_ready(struct ovl_datapath *);
uint64_t ovl_datapath_underlay_followed(const struct ovl_datapath *);
struct seq *ovl_datapath_underlay_seq(const struct ovl_datapath *);
void ovl_datapath_format_vtep(struct ovl_datapath *, const struct in6_addr *,
                              struct ds *state, struct ds *next_hop);

/* Takes 'pmd-cpu-mask', 'pmd-maxsleep', ... of Open_vSwitch.other_config. */
void ovl_datapath_set_config(struct ovl_datapath *,
                             const struct smap *other_config);

/* Does what a 'dpif-overlay/pmd-...' command asks for, and appends what it
 * prints.  Returns false if no PMD thread runs on that core. */
bool ovl_datapath_pmd_show(struct ovl_datapath *,
                           const struct ovl_pmd_query *, struct ds *);
void ovl_datapath_rebalance(struct ovl_datapath *, struct ds *);

/* Returns true if there is a port 'name', and stores what is wrong with it,
 * which the caller frees, or NULL. */
bool ovl_datapath_port_fault(struct ovl_datapath *, const char *name,
                             char **fault);

/* See dpif-overlay.h. */
void ovl_datapath_port_request_mtu(struct ovl_datapath *,
                                   const char *name, int64_t mtu);

#endif /* datapath.h */
