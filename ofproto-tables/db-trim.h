/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_DB_TRIM_H
#define OVL_DB_TRIM_H 1

/* Gives memory back to the system after many rows came or went.
 *
 * What rows took is free when they are gone, and what it took to read them
 * from the connection when they have come, but malloc() keeps most of it:
 * something small is left on most pages' neighbors.  To look for whole pages
 * takes tens of milliseconds, so it is done when it pays.
 *
 * Thread-safety: the database thread only.  Memory of the other threads is
 * given back too. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ovl_db_trim {
    size_t n_changes;           /* Of rows, since it was done last. */
    bool due;
    bool pending;               /* Waits for RCU to free what is old. */
    uint64_t wanted;            /* Number of the grace period waited for. */
    uint64_t seen;              /* Of the sequence number waited for. */
    uint64_t n_done;
};

/* Before the first row comes. */
void ovl_db_trim_init(struct ovl_db_trim *);

/* 'n' rows have changed, and there are 'n_entries' in the tables now. */
void ovl_db_trim_changed(struct ovl_db_trim *, size_t n, size_t n_entries);

/* Does it when it is due, and what is old is freed.  'busy': the tables still
 * have old entries to get rid of. */
void ovl_db_trim_run(struct ovl_db_trim *, bool busy);
void ovl_db_trim_wait(const struct ovl_db_trim *);

#endif /* db-trim.h */
