/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVERLAY_CTL_H
#define OVERLAY_CTL_H 1

/* Parts of the overlay-ctl utility.
 *
 * overlay-ctl.c has the options, the transaction and the wait for the daemon;
 * overlay-ctl-net.c and overlay-ctl-commands.c the commands that add, delete
 * and list rows; overlay-ctl-show.c the command "show"; overlay-ctl-words.c
 * turns words of the command line into values and names the word that is
 * wrong.
 *
 * Thread-safety: one thread.
 *
 * Example:
 *
 *     int64_t vni;
 *
 *     if (!word_to_vni(ctx, ctx->argv[1], &vni)) {
 *         return;                     ctl_error() has been called.
 *     } */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <netinet/in.h>

#include "db-ctl-base.h"
#include "openvswitch/types.h"
#include "table.h"

struct ovsdb_idl;
struct ovsdb_idl_column;
struct ovsdb_idl_condition;
struct ovsdb_idl_row;
struct ovsdb_idl_table_class;
struct svec;

/* The commands, each array ended by one without name. */
extern const struct ctl_command_syntax overlay_ctl_commands[];
extern const struct ctl_command_syntax overlay_ctl_show_command[];

/* How tables are printed: a drawn table unless -f says something else. */
extern struct table_style overlay_ctl_table_style;

/* --db, as given or by default, and whether it was given. */
extern const char *overlay_ctl_db;
extern bool overlay_ctl_db_is_default;

/* Asks for a warning if the daemon sets the error column of 'row' once it has
 * taken over the change. */
void overlay_ctl_expect_no_error(const struct ovsdb_idl_row *row);

/* The rows of large tables that the commands need.  A prerequisites function
 * adds a clause; the result is used if no generic command needs all rows. */
enum overlay_ctl_table {
    OVERLAY_CTL_MAC,
    OVERLAY_CTL_NEIGHBOR,
    OVERLAY_CTL_ROUTE,
    OVERLAY_CTL_N_TABLES
};
struct ovsdb_idl_condition *overlay_ctl_condition(enum overlay_ctl_table);

/* Lists: a table with one column per member of the NULL-terminated
 * 'headings'; list_print() puts it into the command's output and destroys
 * it. */
struct table *list_create(const char *const headings[]);
void list_put(struct table *, const char *format, ...)
    OVS_PRINTF_FORMAT(2, 3);
void list_put_words(struct table *, char **words, size_t n);
void list_put_error(struct table *, const char *error);
void list_print(struct ctl_context *, struct table *);

/* The rows of a table, sorted by one or two of its columns ('key1' may be
 * NULL). */
struct sorted_rows {
    const struct ovsdb_idl_row **rows;
    size_t n;
    const struct ovsdb_idl_column *keys[2];
};
void sorted_rows_init(struct sorted_rows *, const struct ovsdb_idl *,
                      const struct ovsdb_idl_table_class *,
                      const struct ovsdb_idl_column *key0,
                      const struct ovsdb_idl_column *key1);
void sorted_rows_destroy(struct sorted_rows *);

/* Options of the command. */
bool may_exist(const struct ctl_context *);
bool if_exists(const struct ctl_context *);

/* Commands of overlay-ctl-net.c. */
void pre_net(struct ctl_context *);
void cmd_net_add(struct ctl_context *);
void cmd_net_set(struct ctl_context *);
void cmd_net_del(struct ctl_context *);
void cmd_net_list(struct ctl_context *);
void pre_port(struct ctl_context *);
void cmd_port_bind(struct ctl_context *);
void cmd_port_unbind(struct ctl_context *);
void cmd_port_list(struct ctl_context *);

/* Each returns true and stores the value of 'word', or calls ctl_error() with
 * a message that names 'word', and returns false. */
bool word_to_vni(struct ctl_context *, const char *word, int64_t *vni);
bool word_to_mac(struct ctl_context *, const char *word, struct eth_addr *);
bool word_to_ip(struct ctl_context *, const char *word, struct in6_addr *);
bool word_to_integer(struct ctl_context *, const char *what, const char *word,
                     int64_t min, int64_t max, int64_t *value);
bool word_to_bool(struct ctl_context *, const char *what, const char *word,
                  bool *value);

/* Stores the usual spelling of the address, "IP/len", or member of the
 * NULL-terminated list 'choices' that 'word' stands for into '*out', which
 * the caller must free (or not, for a choice).
 *
 * 'word_to_gateway_text' is for an address with a prefix length, whose host
 * bits matter; 'word_to_prefix_text' for a route, which must have none;
 * 'word_to_binding_text' for an address with or without prefix length. */
bool word_to_mac_text(struct ctl_context *, const char *word, char **out);
bool word_to_ip_text(struct ctl_context *, const char *word, char **out);
bool word_to_gateway_text(struct ctl_context *, const char *word, char **out);
bool word_to_prefix_text(struct ctl_context *, const char *word, char **out);
bool word_to_binding_text(struct ctl_context *, const char *word, char **out);
bool word_to_choice(struct ctl_context *, const char *what, const char *word,
                    const char *const *choices, const char **out);

/* True if 'word' is a MAC address, of whatever kind. */
bool word_is_mac(const char *word);

/* Splits 'words' at commas and spaces, converts each with 'to_text' and adds
 * it to 'out'.  Returns false after ctl_error(). */
bool words_to_texts(struct ctl_context *, const char *words,
                    bool (*to_text)(struct ctl_context *, const char *,
                                    char **),
                    struct svec *out);

/* True if 'a' and 'b' are the same MAC, IP address or prefix, in whatever
 * spelling, or the same text if either is not a legal one. */
bool same_mac(const char *a, const char *b);
bool same_ip(const char *a, const char *b);
bool same_prefix(const char *a, const char *b);

#endif /* overlay-ctl.h */
