/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_DB_WRITE_H
#define OVL_DB_WRITE_H 1

/* What we write into the database: errors of rows, the bridge's status, the
 * networks' statistics.
 *
 * One transaction at a time, at most ten a second; what changes meanwhile is
 * coalesced.  Only values that differ from what the database has are sent.
 * A transaction that fails is tried again.
 *
 * Thread-safety: the database thread only. */

#include <stdbool.h>
#include <stdint.h>

#include "openvswitch/hmap.h"
#include "rib.h"

struct ovl_forwarding;
struct ovsdb_idl;
struct ovsdb_idl_txn;

struct ovl_db_write {
    struct ovsdb_idl *idl;
    const struct ovl_forwarding *fwd;

    struct hmap pending;        /* "struct pending"s to be sent. */
    struct hmap sent;           /* Likewise, in 'txn'. */

    /* Status and statistics are worked out when a transaction is made. */
    bool status_due;
    bool statistics_due;
    char *owner;                /* Bridge that gets 'status'. */
    struct smap status;

    struct ovsdb_idl_txn *txn;  /* In flight, or NULL. */
    bool sent_status;
    bool sent_statistics;
    uint64_t sent_snapshot;     /* All errors up to it are in 'txn'. */
    long long int next_txn;     /* Not before, in ms. */
    uint64_t n_txns;
    uint64_t n_failed;
};

void ovl_db_write_init(struct ovl_db_write *, struct ovsdb_idl *,
                       const struct ovl_forwarding *);
void ovl_db_write_destroy(struct ovl_db_write *);

/* Has the error of a row written; 'error' NULL empties the column. */
void ovl_db_write_error(struct ovl_db_write *, enum ovl_rib_table,
                        const struct uuid *, const char *error);

/* Has the error of a row emptied that nobody vouches for any more, unless it
 * is empty and stays so. */
void ovl_db_write_clear(struct ovl_db_write *, enum ovl_rib_table,
                        const struct uuid *);

/* Has every error that the database has emptied.  Called when its contents
 * are new to us, before those errors are given that are still true. */
void ovl_db_write_sweep(struct ovl_db_write *);

/* Has 'status' (taken over) written into the row of bridge 'owner', and the
 * status of all other bridges emptied.  'owner' may be NULL. */
void ovl_db_write_status(struct ovl_db_write *, const char *owner,
                         struct smap *status);

/* Has the statistics of all networks written. */
void ovl_db_write_statistics(struct ovl_db_write *);

/* Forgets everything: the connection is new, and so is what the database has
 * in its ephemeral columns. */
void ovl_db_write_reset(struct ovl_db_write *);

/* Goes on with the transaction in flight, or starts one.  'snapshot' is the
 * number of the last snapshot whose errors were given.  Returns the number of
 * the last one whose errors are all written. */
uint64_t ovl_db_write_run(struct ovl_db_write *, uint64_t snapshot);
void ovl_db_write_wait(const struct ovl_db_write *);

#endif /* db-write.h */
