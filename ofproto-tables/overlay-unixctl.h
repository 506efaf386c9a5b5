/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_UNIXCTL_H
#define OVL_UNIXCTL_H 1

/* Commands of 'ovs-appctl': overlay/show, overlay/networks and so on.
 *
 * They show what is in force, that is, the forwarding tables.  What the rows
 * say is in the database. */

/* Registers the commands.  Main thread, once, after ovl_dp_init(). */
void ovl_unixctl_init(void);

#endif /* overlay-unixctl.h */
