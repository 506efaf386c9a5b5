/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_UNIXCTL_LISTS_H
#define OVL_UNIXCTL_LISTS_H 1

/* What the overlay/ commands show, as grids.  Each function fills in 'g',
 * which the caller destroys.
 *
 * Thread-safety: main thread, inside an RCU critical section. */

#include <stdbool.h>
#include <stdint.h>

#include <netinet/in.h>

#include "grid.h"

struct ds;
struct json;
struct ovl_prefix;

/* Rows that were asked for.  A member that was not set lets everything
 * through. */
struct ovl_filter {
    uint32_t vni;               /* OVL_VNI_NONE: any. */
    const char *port;
    const char *mac;
    const struct in6_addr *ip;
    const char *vrf;
    const struct ovl_prefix *within;
};

/* Returns an error, for the caller to free, if the filter names a VRF that
 * does not exist, otherwise NULL. */
char *ovl_check_filter(const struct ovl_filter *);

void ovl_list_networks(const struct ovl_filter *, struct ovl_grid *);
void ovl_list_macs(const struct ovl_filter *, struct ovl_grid *);
void ovl_list_neighbors(const struct ovl_filter *, struct ovl_grid *);
/* With an address, the route that packets to it take.  An error if there are
 * too many. */
void ovl_list_fib(const struct ovl_filter *, struct ovl_grid *);
void ovl_list_vteps(const struct ovl_filter *, struct ovl_grid *);
void ovl_list_ports(const struct ovl_filter *, struct ovl_grid *);

/* Drops that happened, per port, network and reason. */
void ovl_list_drops(const struct ovl_filter *, struct ovl_grid *);

/* Traffic of ports, networks and VTEPs. */
void ovl_list_port_traffic(const struct ovl_filter *, struct ovl_grid *);
void ovl_list_network_traffic(const struct ovl_filter *, struct ovl_grid *);
void ovl_list_vtep_traffic(const struct ovl_filter *, struct ovl_grid *);

/* The totals, OVL_N_TOTALS of them. */
const char *ovl_total_name(int total);

/* From OVL_N_TOTALS to OVL_EVENTS_END - 1. */
const char *ovl_event_name(int event);

#endif /* unixctl-lists.h */
