/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_TEXT_PARSE_H
#define OVL_TEXT_PARSE_H 1

/* Text of a single value -> value.
 *
 * Columns are strings that any client of the database may write: every
 * length and every byte is possible.  Every legal spelling of a value is
 * accepted, nothing else: no blanks around it, no octal look-alikes, no
 * scope, no IPv4 address dressed up as IPv6.
 *
 * A parser returns NULL if the text is fine, and otherwise a constant phrase
 * that says what is wrong with it, to be read after the column and the value:
 *
 *     const char *why = ovl_text_to_mac("zz", &mac);
 *     -> "not a MAC address (expected e.g. 52:54:00:00:00:01)"
 *
 * Results are unspecified then.  A NULL text counts as "".
 *
 * Thread-safety: pure functions. */

#include <netinet/in.h>
#include <stdint.h>

#include "openvswitch/types.h"

struct ds;

/* Longest name that people or programs may give to something. */
#define OVL_TEXT_MAX_NAME 255

/* A MAC with colons, dashes or Cisco's dots, in either case.  The second
 * refuses the zero address and multicast. */
const char *ovl_text_to_mac(const char *, struct eth_addr *);
const char *ovl_text_to_unicast_mac(const char *, struct eth_addr *);

/* An IP address of either family, v4-mapped if IPv4.  The second refuses what
 * no other host can have: unspecified, loopback, multicast, broadcast,
 * reserved. */
const char *ovl_text_to_ip(const char *, struct in6_addr *);
const char *ovl_text_to_unicast_ip(const char *, struct in6_addr *);

/* "IP/len".  'plen' is what the text says, up to 32 or 128, plus 96 for IPv4.
 * Host bits may be set: ovl_prefix_has_host_bits() tells. */
const char *ovl_text_to_ip_len(const char *, struct in6_addr *,
                               uint8_t *plen);

/* A name: not empty, valid UTF-8 without control characters, at most
 * OVL_TEXT_MAX_NAME bytes.  Returns what is wrong, too. */
const char *ovl_text_check_name(const char *);

/* A decimal number between 'min' and 'max'; false if it is not. */
bool ovl_text_to_number(const char *, int min, int max, int *);

/* True if 'ip' is one that another host can have (see above). */
bool ovl_ip_is_host(const struct in6_addr *ip);
/* True if bits of 'ip' after the first 'plen' of its v4-mapped form are
 * set. */
bool ovl_prefix_has_host_bits(const struct in6_addr *ip, uint8_t plen);
/* True if all those bits are set. */
bool ovl_prefix_host_bits_are_ones(const struct in6_addr *ip, uint8_t plen);
/* Clears them. */
struct in6_addr ovl_prefix_mask(const struct in6_addr *ip, uint8_t plen);
/* True if one of the prefixes contains the other. */
bool ovl_prefix_overlaps(const struct in6_addr *a, uint8_t a_len,
                         const struct in6_addr *b, uint8_t b_len);

/* Appends 'text' in double quotes, in printable ASCII whatever it is, cut to
 * a length that people read. */
void ovl_text_quote(struct ds *, const char *text);

/* Appends 'ip', "192.0.2.1" if IPv4. */
void ovl_text_put_ip(struct ds *, const struct in6_addr *ip);
/* Appends "IP/len". */
void ovl_text_put_prefix(struct ds *, const struct in6_addr *ip,
                         uint8_t plen);

#endif /* text-parse.h */
