/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: ovl_grid_. */

#include <config.h>

#include "grid.h"

#include <inttypes.h>
#include <stdarg.h>

#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"

enum cell_type {
    CELL_NULL,
    CELL_STRING,
    CELL_INTEGER,
    CELL_BOOLEAN,
    CELL_LIST,
};

struct ovl_grid_cell {
    enum cell_type type;
    size_t n;                   /* Strings in 'list'. */
    union {
        char *string;
        uint64_t integer;
        bool boolean;
        char **list;
    };
};

void
ovl_grid_init(struct ovl_grid *g, const char *column, ...)
{
    va_list args;

    *g = (struct ovl_grid) { .n_columns = 0 };
    va_start(args, column);
    for (; column; column = va_arg(args, const char *)) {
        ovs_assert(g->n_columns < OVL_GRID_MAX_COLUMNS);
        g->columns[g->n_columns++] = column;
    }
    va_end(args);
}

static void
cell_uninit(struct ovl_grid_cell *cell)
{
    switch (cell->type) {
    case CELL_STRING:
        free(cell->string);
        break;
    case CELL_LIST:
        for (size_t i = 0; i < cell->n; i++) {
            free(cell->list[i]);
        }
        free(cell->list);
        break;
    case CELL_NULL:
    case CELL_INTEGER:
    case CELL_BOOLEAN:
        break;
    }
}

void
ovl_grid_destroy(struct ovl_grid *g)
{
    for (size_t i = 0; i < g->n_cells; i++) {
        cell_uninit(&g->cells[i]);
    }
    free(g->cells);
    free(g->error);
}

static void
add_cell(struct ovl_grid *g, struct ovl_grid_cell cell)
{
    if (g->n_cells >= g->allocated) {
        g->cells = x2nrealloc(g->cells, &g->allocated, sizeof *g->cells);
    }
    g->cells[g->n_cells++] = cell;
}

static void
add_string(struct ovl_grid *g, char *s)
{
    add_cell(g, (struct ovl_grid_cell) { .type = CELL_STRING, .string = s });
}

void
ovl_grid_str(struct ovl_grid *g, const char *s)
{
    add_string(g, xstrdup(s));
}

void
ovl_grid_strf(struct ovl_grid *g, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add_string(g, xvasprintf(format, args));
    va_end(args);
}

void
ovl_grid_ds(struct ovl_grid *g, struct ds *s)
{
    add_string(g, ds_steal_cstr(s));
}

void
ovl_grid_int(struct ovl_grid *g, uint64_t n)
{
    add_cell(g, (struct ovl_grid_cell) { .type = CELL_INTEGER,
                                         .integer = n });
}

void
ovl_grid_bool(struct ovl_grid *g, bool b)
{
    add_cell(g, (struct ovl_grid_cell) { .type = CELL_BOOLEAN,
                                         .boolean = b });
}

void
ovl_grid_null(struct ovl_grid *g)
{
    add_cell(g, (struct ovl_grid_cell) { .type = CELL_NULL });
}

void
ovl_grid_list(struct ovl_grid *g, char **strings, size_t n)
{
    add_cell(g, (struct ovl_grid_cell) { .type = CELL_LIST, .list = strings,
                                         .n = n });
}

size_t
ovl_grid_n_rows(const struct ovl_grid *g)
{
    return g->n_cells / g->n_columns;
}

/* For scripts. */

static struct json *
list_to_json(char *const *strings, size_t n)
{
    struct json *array = json_array_create_empty();

    for (size_t i = 0; i < n; i++) {
        json_array_add(array, json_string_create(strings[i]));
    }
    return array;
}

static struct json *
cell_to_json(const struct ovl_grid_cell *cell)
{
    switch (cell->type) {
    case CELL_NULL:
        return json_null_create();
    case CELL_STRING:
        return json_string_create(cell->string);
    case CELL_INTEGER:
        return json_integer_create(cell->integer);
    case CELL_BOOLEAN:
        return json_boolean_create(cell->boolean);
    case CELL_LIST:
        return list_to_json(cell->list, cell->n);
    }
    OVS_NOT_REACHED();
}

struct json *
ovl_grid_to_json(const struct ovl_grid *g)
{
    struct json *rows = json_array_create_empty();

    for (size_t i = 0; i < ovl_grid_n_rows(g); i++) {
        struct json *row = json_object_create();

        for (size_t j = 0; j < g->n_columns; j++) {
            json_object_put(row, g->columns[j],
                            cell_to_json(&g->cells[i * g->n_columns + j]));
        }
        json_array_add(rows, row);
    }
    return rows;
}

/* For people. */

static void
cell_to_text(const struct ovl_grid_cell *cell, struct ds *s)
{
    size_t start = s->length;

    switch (cell->type) {
    case CELL_NULL:
        break;
    case CELL_STRING:
        ds_put_cstr(s, cell->string);
        break;
    case CELL_INTEGER:
        ds_put_format(s, "%"PRIu64, cell->integer);
        break;
    case CELL_BOOLEAN:
        ds_put_cstr(s, cell->boolean ? "yes" : "no");
        break;
    case CELL_LIST:
        for (size_t i = 0; i < cell->n; i++) {
            ds_put_format(s, "%s%s", i ? " " : "", cell->list[i]);
        }
        break;
    }
    if (s->length == start) {
        ds_put_char(s, '-');
    }
}

static void
pad(struct ds *s, size_t start, size_t width)
{
    size_t length = s->length - start;

    ds_put_char_multiple(s, ' ', width > length ? width - length : 0);
}

void
ovl_grid_to_text(const struct ovl_grid *g, struct ds *s)
{
    size_t widths[OVL_GRID_MAX_COLUMNS];
    struct ds cell = DS_EMPTY_INITIALIZER;

    for (size_t j = 0; j < g->n_columns; j++) {
        widths[j] = strlen(g->columns[j]);
    }
    for (size_t i = 0; i < g->n_cells; i++) {
        size_t *width = &widths[i % g->n_columns];

        ds_clear(&cell);
        cell_to_text(&g->cells[i], &cell);
        *width = MAX(*width, cell.length);
    }
    ds_destroy(&cell);

    for (size_t j = 0; j < g->n_columns; j++) {
        size_t start = s->length;

        ds_put_cstr(s, g->columns[j]);
        if (j + 1 < g->n_columns) {
            pad(s, start, widths[j] + 2);
        }
    }
    ds_put_char(s, '\n');

    for (size_t i = 0; i < g->n_cells; i++) {
        size_t column = i % g->n_columns;
        size_t start = s->length;

        cell_to_text(&g->cells[i], s);
        if (column + 1 < g->n_columns) {
            pad(s, start, widths[column] + 2);
        } else {
            ds_put_char(s, '\n');
        }
    }
}
