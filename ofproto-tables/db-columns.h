/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_DB_COLUMNS_H
#define OVL_DB_COLUMNS_H 1

/* The columns of the database that our session replicates.
 *
 * Thread-safety: the database thread only. */

#include <stdbool.h>

struct ds;
struct ovsdb_idl;

/* Chooses the tables and columns of 'idl'.  Called before it runs. */
void ovl_db_columns_add(struct ovsdb_idl *);

/* Returns true if the server that 'idl' is connected to has all of them,
 * otherwise appends to 'missing' which it lacks. */
bool ovl_db_columns_check(const struct ovsdb_idl *, struct ds *missing);

#endif /* db-columns.h */
