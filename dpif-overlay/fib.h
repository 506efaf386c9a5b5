/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_FIB_H
#define OVL_FIB_H 1

/* Longest prefix match: the routes of one VRF, of both families.
 *
 * The address space of a family is cut into ranges in which one route is the
 * longest match.  The ranges, in order, are in chunks of at most 256; an index
 * has the start of every chunk.  A look-up goes down a tree of nodes of 16
 * starts each, and the memory is in proportion to the routes: 100 IPv4 routes
 * make at most 201 ranges of 8 bytes.  Ranges go back to B. Lampson,
 * V. Srinivasan and G. Varghese, "IP lookups using multiway and multicolumn
 * search", IEEE/ACM Transactions on Networking 7 (3), 1999.
 *
 *     10.0.0.0/8 -> A         0.0.0.0   10.0.0.0  10.1.0.0  10.2.0.0  11.0.0.0
 *     10.1.0.0/16 -> B        none      A         B         A         none
 *
 * A FIB is immutable.  A change makes another one, which has all chunks in
 * common with the former but those that the change touches:
 *
 *     struct ovl_fib_edit *edit = ovl_fib_edit_begin(fib);
 *     ovl_fib_edit_insert(edit, &prefix, value);
 *     struct ovl_fib *new = ovl_fib_edit_end(edit);
 *     ...let readers take 'new'; a grace period later...
 *     ovl_fib_destroy(fib);
 *
 * A range remembers the length of its prefix, which is all that inserting
 * needs; who removes a prefix has to know the next shorter one that covers
 * it.
 *
 * Thread-safety: any number of readers; one writer, which keeps a FIB until no
 * reader has it.
 *
 * Layer 1. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "overlay-types.h"
#include "util.h"

struct ovl_fib;
struct ovl_fib_edit;

/* What a route leads to, as the caller numbers it: 1...OVL_FIB_VALUE_MAX. */
#define OVL_FIB_NONE 0
#define OVL_FIB_VALUE_MAX 0xffffff

/* Reader. */

struct ovl_fib_result {
    uint32_t value;             /* OVL_FIB_NONE: no route. */
    uint8_t plen;               /* As in struct ovl_prefix. */
};

/* Returns the value and the length of the longest prefix that contains 'ip',
 * of either family.  A NULL FIB has no routes. */
struct ovl_fib_result ovl_fib_lookup(const struct ovl_fib *,
                                     const struct in6_addr *ip);

/* What look-ups read of a FIB first: one cache line, of which a caller may
 * have a copy next to other things of its own, as long as the FIB is there.
 * It begins at a cache line, too. */
struct ovl_fib_head {
    uint64_t words[CACHE_LINE_SIZE / 8];
};

/* Copies the head of 'fib', which is not NULL. */
void ovl_fib_copy_head(struct ovl_fib_head *, const struct ovl_fib *fib);

/* Gives a FIB for look-ups, and for nothing else. */
static inline const struct ovl_fib *
ovl_fib_of_head(const struct ovl_fib_head *head)
{
    return (const struct ovl_fib *) (const void *) head;
}

/* The same for 'ips[i]' in 'fibs[i]', 'n' times, n <= OVL_FIB_BULK_MAX, with
 * the waits for memory overlapping. */
#define OVL_FIB_BULK_MAX 32
void ovl_fib_lookup_bulk(const struct ovl_fib *const fibs[],
                         const struct in6_addr *const ips[], size_t n,
                         struct ovl_fib_result results[]);

/* What does that, for tests: one for each kind of processor. */
struct ovl_fib_variant {
    const char *name;
    bool (*is_supported)(void);
    void (*lookup_bulk)(const struct ovl_fib *const fibs[],
                        const struct in6_addr *const ips[], size_t n,
                        struct ovl_fib_result results[]);
};

/* From the fastest to the portable one; ends with a null name. */
extern const struct ovl_fib_variant ovl_fib_variants[];

/* Bytes that 'fib' takes. */
size_t ovl_fib_size(const struct ovl_fib *);

/* Writer: these may quiesce, as a prefix may cover a million others. */

/* Starts a FIB that differs from 'base' (NULL: an empty one). */
struct ovl_fib_edit *ovl_fib_edit_begin(const struct ovl_fib *base);

/* 'prefix' has no host bits.  Inserting what is there replaces its value. */
void ovl_fib_edit_insert(struct ovl_fib_edit *, const struct ovl_prefix *,
                         uint32_t value);

/* Removes 'prefix'.  'cover' is the longest prefix that is left and contains
 * it, with value 'cover_value'; NULL and OVL_FIB_NONE if there is none. */
void ovl_fib_edit_remove(struct ovl_fib_edit *, const struct ovl_prefix *,
                         const struct ovl_prefix *cover,
                         uint32_t cover_value);

/* Frees the edit.  Returns 'base' if nothing changed; NULL if there is no
 * route; else a new FIB.  Unless it is 'base' that it returns, 'base' must not
 * be edited again, only destroyed. */
struct ovl_fib *ovl_fib_edit_end(struct ovl_fib_edit *);

/* Frees 'fib', and what it does not have in common with its successor, which
 * is all if it has none.  NULL is fine. */
void ovl_fib_destroy(struct ovl_fib *);
/* The same, after a grace period. */
void ovl_fib_postpone_destroy(struct ovl_fib *);

#endif /* fib.h */
