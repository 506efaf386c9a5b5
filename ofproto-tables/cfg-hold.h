/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_CFG_HOLD_H
#define OVL_CFG_HOLD_H 1

/* Says when Open_vSwitch:cur_cfg may follow next_cfg.
 *
 * 'ovs-vsctl' without --no-wait returns when the daemon has set cur_cfg to
 * the next_cfg of its transaction.  Stock code does so when bridge.c is done.
 * The rows of an overlay bridge arrive through a session of their own, so
 * bridge.c asks here first, and leaves cur_cfg alone while the answer is no.
 *
 * The answer is yes once a *snapshot* has settled that has at least this
 * next_cfg, and at least the ports that there were when the question was
 * asked for the first time.  A snapshot is what the database thread put in
 * force with one commit.  It has settled when
 *
 *     - an RCU grace period has passed since, so every thread that handles
 *       packets looks up the new rows, and
 *
 *     - the underlay has looked after its VTEPs, so packets for a new one
 *       find its next hop if that is known, and
 *
 *     - the errors of its rows are written, so 'ovs-vsctl get' sees them.
 *
 * Nobody waits when that cannot happen: no overlay bridge, no session, a
 * server without our tables, or OVL_HOLD_MSEC passed.
 *
 * Thread-safety: ovl_hold_cur_cfg() and ovl_hold_wait() on the main
 * thread, ovl_hold_snapshot() and ovl_hold_written() on the database thread,
 * the others on any.  State is the process's and lives as long. */

#include <stdbool.h>
#include <stdint.h>

/* Longest time that one cur_cfg is held back, in ms. */
#define OVL_HOLD_MSEC 5000

enum ovl_session {
    OVL_SESSION_OFF,            /* No overlay bridge yet. */
    OVL_SESSION_CONNECTING,     /* For the first time. */
    OVL_SESSION_UP,             /* Contents are complete and current. */
    OVL_SESSION_DOWN,           /* Lost; tables stay as they are. */
    OVL_SESSION_BAD_SCHEMA,     /* The server lacks our tables or columns. */
};

const char *ovl_session_to_string(enum ovl_session);

void ovl_hold_set_bridge(bool exists);
void ovl_hold_set_session(enum ovl_session);

/* Tells that all rows up to 'next_cfg', and the ports up to 'ports_version',
 * were put in force just now.  Returns the snapshot's number, from 1. */
uint64_t ovl_hold_snapshot(int64_t next_cfg, uint64_t ports_version);

/* Tells that for snapshots up to number 'snapshot' the underlay has done its
 * part and errors of rows are written (or never will be). */
void ovl_hold_written(uint64_t snapshot);

/* Returns what cur_cfg may become: 'next_cfg', or less, but not less than
 * 'cur_cfg', what it is.  'ports_version' is the datapath's current one, 'now'
 * the monotonic time in ms. */
int64_t ovl_hold_cur_cfg(int64_t cur_cfg, int64_t next_cfg,
                         uint64_t ports_version, long long int now);

/* Makes poll_block() wake up when ovl_hold_cur_cfg() may have a different
 * answer.  Never spins, even if nobody asks. */
void ovl_hold_wait(void);

struct ovl_hold_status {
    enum ovl_session session;
    bool bridge;                /* Some overlay bridge exists. */
    bool settled;               /* Some snapshot settled yet. */
    int64_t settled_cfg;
    uint64_t settled_ports;
    uint64_t n_snapshots;       /* Made so far. */
    uint64_t n_timeouts;        /* Questions that were not held any longer. */
};
void ovl_hold_get_status(struct ovl_hold_status *);

#endif /* cfg-hold.h */
