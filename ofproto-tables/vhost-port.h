/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_VHOST_PORT_H
#define OVL_VHOST_PORT_H 1

/* What can be wrong with vhost-user ports: interfaces of type
 * dpdkvhostuserclient, whose options:vhost-server-path is a socket that a VM
 * listens on.
 *
 * DPDK tells sockets apart by their paths, but takes a path any number of
 * times.  Whatever the second port does is done to the socket of the first:
 * two read from its connection, each some of what the VM says, so that its
 * set-up fails; and deleting the second port closes the socket, or does not
 * come to an end.  So a path that is in use must not get there.
 *
 * Thread-safety: main thread. */

struct netdev;
struct ovsdb_idl;
struct ovsrec_interface;

/* Tells where interfaces are, bridge.c's session. */
void ovl_vhost_set_idl(const struct ovsdb_idl *);

/* To be asked before 'netdev' is made a port: it will be configured then.
 * Returns 0 or a positive errno value: EINVAL if it is a vhost-user port
 * without a path, EADDRINUSE if another has its path. */
int ovl_vhost_admit(struct netdev *);

/* To be called when the port 'name' has gone, and at exit. */
void ovl_vhost_forget(const char *name);
void ovl_vhost_exit(void);

/* What to do when the interface could not be made because of 'error', in a new
 * string, or NULL if we know no better than others. */
char *ovl_vhost_explain(const struct ovsrec_interface *, int error);

/* What keeps a port from its VM, in a new string, or NULL. */
char *ovl_vhost_fault(const struct ovsrec_interface *, const struct netdev *);

#endif /* vhost-port.h */
