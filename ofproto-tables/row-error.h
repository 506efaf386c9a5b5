/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_ROW_ERROR_H
#define OVL_ROW_ERROR_H 1

/* Words of the 'error' columns: "KEY: COLUMN VALUE: why".
 *
 * KEY is the table and what the row is about, for instance
 * 'Overlay_MAC 5001 52:54:00:00:00:01', or the table alone if a column of the
 * key is what is wrong.  Whatever is printed is short printable ASCII, so
 * that nobody's garbage gets into somebody else's terminal.
 *
 * Functions return an error for the caller to free.
 *
 * Thread-safety: pure functions. */

#include <netinet/in.h>
#include <stdint.h>

#include "compiler.h"
#include "openvswitch/types.h"

char *ovl_row_bad_text(const char *key, const char *column,
                       const char *value, const char *why);
char *ovl_row_bad_number(const char *key, const char *column, int64_t value,
                         int64_t min, int64_t max);
/* "KEY: MESSAGE". */
char *ovl_row_error(const char *key, const char *message, ...)
    OVS_PRINTF_FORMAT(2, 3);

/* Keys, for the caller to free. */
char *ovl_key_name(const char *table, const char *name);
char *ovl_key_network(uint32_t vni);
char *ovl_key_route(const char *vrf, const struct in6_addr *, uint8_t plen);
char *ovl_key_neighbor(uint32_t vni, const struct in6_addr *);
char *ovl_key_mac(uint32_t vni, struct eth_addr);

#endif /* row-error.h */
