/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OFPROTO_TABLES_H
#define OFPROTO_TABLES_H 1

/* What ovs-vswitchd's own files call: the seam between stock Open vSwitch and
 * the overlay.
 *
 * vswitchd-patch/ adds one call of each function below to ovs-vswitchd.c and
 * bridge.c, and nothing else.  The daemon reads the database through two
 * sessions: bridge.c's, which configures bridges and ports as ever, and ours,
 * which reads the tables Overlay_* and the columns overlay_*, on a thread of
 * its own.  Bridge.c alone writes Open_vSwitch:cur_cfg, the number that
 * "ovs-vsctl" waits for, so it has to ask how far our session has come.
 *
 * Thread-safety: all of these belong to the main thread. */

#include <stdint.h>

struct netdev;
struct ovsdb_idl;
struct ovsrec_interface;
struct ovsrec_open_vswitch;

/* Registers the ofproto class and the dpif class of overlay bridges.  main()
 * calls this once, before bridge_init(): 'ofproto-dpif' claims every dpif type
 * that is registered, and of several classes that list a type the first one
 * registered wins.  'remote' is the database server as ovs-vswitchd's command
 * line names it; our own session connects to it once it is needed. */
void ovl_init(const char *remote);

/* Stops our threads and frees what they own.  main() calls this once, after
 * bridge_exit(), when no bridge and no port refers to us any more. */
void ovl_exit(void);

/* Omits every table named Overlay_* and every column named overlay_* from
 * 'idl', bridge.c's session, so that neither a million rows nor our own status
 * writes run through bridge_reconfigure(), and remembers where it is.
 * bridge_init() calls this once, before the session is first run. */
void ovl_omit_from_idl(struct ovsdb_idl *idl);

/* Returns what may be written to Open_vSwitch:cur_cfg now: 'next_cfg' if
 * packets obey everything that was written up to it, otherwise a number in
 * between, at least 'cur_cfg'.  Never holds back when our session cannot
 * answer for the rows (no overlay bridge, no connection, a server that lacks
 * our tables, 5 s have passed).  The ofproto class's type_wait hook wakes the
 * main loop when the answer changes. */
int64_t ovl_cur_cfg(int64_t cur_cfg, int64_t next_cfg);

/* Writes cfg->cur_cfg in the open transaction, as far as ovl_cur_cfg() allows.
 * bridge_run() calls this after each bridge_reconfigure(). */
void ovl_set_cur_cfg(const struct ovsrec_open_vswitch *cfg);

/* Goes on with what ovl_set_cur_cfg() had to hold back, in a transaction of
 * its own on 'idl'.  bridge_run() calls this on every iteration that holds the
 * database lock; 'cfg' may be NULL. */
void ovl_run_cur_cfg(struct ovsdb_idl *idl,
                     const struct ovsrec_open_vswitch *cfg);

/* Gives up bridge.c's reference to 'netdev'.  netdev_remove() hides a device
 * from whoever opens the name next, for the user may have other plans with it.
 * But where another daemon holds the database lock on 'idl', nobody has changed
 * anything: the port of an overlay bridge goes on forwarding, and is to be found
 * again when the bridge is made anew.  A tap or a DPDK device cannot be opened
 * twice.  iface_destroy__() calls this instead of netdev_remove(). */
void ovl_netdev_remove(const struct ovsdb_idl *idl, struct netdev *netdev);

/* Adds to '*errp', which says why interface 'cfg' could not be made because of
 * 'error', what to do about it, if the bridge is of 'datapath_type' "overlay",
 * and logs that.  '*errp' may be NULL.  iface_create() calls this. */
void ovl_explain_iface_error(const char *datapath_type,
                             const struct ovsrec_interface *cfg, int error,
                             char **errp);

/* Writes what is wrong with interface 'cfg', of an overlay bridge, into its
 * column 'error' in the open transaction, and empties that of any other.
 * bridge_reconfigure() calls this for each interface that there is, when it has
 * been configured. */
void ovl_set_iface_error(const struct ovsrec_interface *cfg,
                         const struct netdev *netdev);

/* The same, but leaves interfaces of other bridges alone, for when nothing has
 * been configured.  iface_refresh_ofproto_status() calls this. */
void ovl_refresh_iface_error(const struct ovsrec_interface *cfg,
                             const struct netdev *netdev);

#endif /* ofproto-tables.h */
