/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_GRID_H
#define OVL_GRID_H 1

/* A table of cells that people read as aligned columns and scripts as a JSON
 * array of objects, one per row, whose keys are the columns' names.
 *
 * Cells are filled in from left to right:
 *
 *     struct ovl_grid g;
 *
 *     ovl_grid_init(&g, "vni", "mac", NULL);
 *     ovl_grid_int(&g, 5001);
 *     ovl_grid_str(&g, "52:54:00:00:00:01");
 *     ... next row ...
 *     ovl_grid_format(&g, json, &out);
 *     ovl_grid_destroy(&g);
 *
 * Ownership: strings are copied.
 * Thread-safety: one thread. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util.h"

#define OVL_GRID_MAX_COLUMNS 16

struct ds;
struct json;

struct ovl_grid {
    const char *columns[OVL_GRID_MAX_COLUMNS];
    size_t n_columns;
    struct ovl_grid_cell *cells;
    size_t n_cells;
    size_t allocated;
    char *error;                /* Why there are no rows; NULL: there are. */
};

void ovl_grid_init(struct ovl_grid *, const char *column, ...)
    SENTINEL(0);
void ovl_grid_destroy(struct ovl_grid *);

void ovl_grid_str(struct ovl_grid *, const char *);
void ovl_grid_strf(struct ovl_grid *, const char *format, ...)
    OVS_PRINTF_FORMAT(2, 3);
void ovl_grid_int(struct ovl_grid *, uint64_t);
void ovl_grid_bool(struct ovl_grid *, bool);
/* For people "-", for scripts null. */
void ovl_grid_null(struct ovl_grid *);
/* Like ovl_grid_str(), but takes over what 's' has and empties it. */
void ovl_grid_ds(struct ovl_grid *, struct ds *s);
/* For people separated by spaces, for scripts an array.  Takes over the
 * array and its strings. */
void ovl_grid_list(struct ovl_grid *, char **strings, size_t n);

/* Number of complete rows. */
size_t ovl_grid_n_rows(const struct ovl_grid *);

struct json *ovl_grid_to_json(const struct ovl_grid *);
void ovl_grid_to_text(const struct ovl_grid *, struct ds *);

#endif /* grid.h */
