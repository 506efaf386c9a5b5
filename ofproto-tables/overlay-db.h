/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_DB_H
#define OVL_DB_H 1

/* The overlay's own session with the database, on a thread of its own.
 *
 * Thread "ovl_db" is the one writer of the forwarding tables.  It reads rows
 * (db-rows.h), resolves them (rib.h), puts them in force with one commit per
 * update of the database, writes errors, status and statistics back
 * (db-write.h) and tells when cur_cfg may follow (cfg-hold.h).
 *
 * The session takes no lock and knows nothing of bridge.c.  While it is down
 * the tables stay as they are and go on following the datapath's ports.  When
 * it is up again, the whole contents are compared with what is in force: the
 * server does not say what was deleted meanwhile.
 *
 * Thread-safety: main thread, but for ovl_db_get_status(). */

#include <stdbool.h>
#include <stdint.h>

#include "cfg-hold.h"

/* Remembers the database's address.  The thread starts with the first
 * ovl_db_set_owner(): a daemon without overlay bridge has no such session. */
void ovl_db_init(const char *remote);

/* Ends the session and joins the thread.  The tables stay. */
void ovl_db_exit(void);

/* Says that 'bridge' has the datapath now. */
void ovl_db_set_owner(const char *bridge);

struct ovl_db_status {
    struct ovl_hold_status hold;
    int64_t next_cfg;           /* Of the rows in force. */
    uint64_t ports_version;     /* Of the ports in force. */
    uint64_t n_commits;
    uint64_t n_resyncs;         /* Times that everything was compared. */
    uint64_t n_txns;            /* Written to the database. */
    uint64_t n_txns_failed;
    unsigned int last_commit_us; /* Reading rows and commit together. */
    unsigned int max_commit_us;
};
void ovl_db_get_status(struct ovl_db_status *);

#endif /* overlay-db.h */
