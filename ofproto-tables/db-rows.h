/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_DB_ROWS_H
#define OVL_DB_ROWS_H 1

/* Rows of the database, on their way into the RIB.
 *
 * Follows the changes that the IDL tracks: the cost of a change is in
 * proportion to the change, except that a bridge whose set of ports changes
 * has all of its ports looked at.
 *
 * Thread-safety: the database thread only. */

#include <stdbool.h>
#include <stdint.h>

#include "openvswitch/hmap.h"

struct ovl_db_write;
struct ovl_rib;
struct ovsdb_idl;
struct ovsdb_idl_row;
struct uuid;

struct ovl_db_rows {
    struct ovsdb_idl *idl;
    struct ovl_rib *rib;
    struct ovl_db_write *write; /* For errors of rows that the RIB does not
                                 * know. */
    char *owner;                /* Bridge that has the datapath, or NULL. */
    bool owner_changed;
    struct hmap members;        /* "struct member"s: ports of 'owner'. */
    unsigned int seqno;         /* IDL's, when rows were applied last. */
    long long int slice_end;    /* When to quiesce again, in us. */
};

void ovl_db_rows_init(struct ovl_db_rows *, struct ovsdb_idl *,
                      struct ovl_rib *, struct ovl_db_write *);
void ovl_db_rows_destroy(struct ovl_db_rows *);

/* Names the bridge that has the datapath.  The rows of other overlay bridges
 * are not given to the RIB. */
void ovl_db_rows_set_owner(struct ovl_db_rows *, const char *bridge);

/* Gives to the RIB what changed since the last call; everything, with what
 * is not there any more deleted, if 'everything'. */
void ovl_db_rows_apply(struct ovl_db_rows *, bool everything);

/* Returns true if the IDL has thrown its contents away and loaded them anew
 * in its last run: what was deleted meanwhile is not among the changes. */
bool ovl_db_rows_reloaded(const struct ovl_db_rows *);

/* Next_cfg of the contents. */
int64_t ovl_db_rows_next_cfg(const struct ovl_db_rows *);

#endif /* db-rows.h */
