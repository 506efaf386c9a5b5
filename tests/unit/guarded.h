/* SPDX-License-Identifier: Apache-2.0 */

#ifndef GUARDED_H
#define GUARDED_H 1

/* Packets in memory where nothing goes unnoticed.
 *
 *     poisoned   |  headroom  |  the frame  |  tailroom  |  guard page
 *     0xa5 a5 a5 |  a5 a5 a5  |  .. .. ..   |  a5 a5 a5  |  (no access)
 *                base         data                       end
 *
 * Without tailroom the frame's last byte is the last one that can be read or
 * written at all.  Everything around the frame is 0xa5, and afterwards
 * guarded_violation() says whether it still is.
 *
 * Not for use by more than one thread. */

#include <stdbool.h>
#include <stddef.h>

struct dp_packet;
struct guarded;

struct guarded *guarded_create(void);
void guarded_destroy(struct guarded *);

/* Makes a packet of the 'len' bytes at 'data' in the memory of 'g', which
 * must not be in use by another one.  Whoever gets the packet deletes it like
 * any other. */
struct dp_packet *guarded_packet(struct guarded *g, const void *data,
                                 size_t len, size_t tailroom);

/* To be called when the packet is no more.  Returns what was written that had
 * no business to be, or NULL.  The last 'n_pushed' bytes of the headroom and
 * the first 'n_appended' of the tailroom, as far as there are any, were fine
 * to write. */
const char *guarded_violation(struct guarded *, size_t n_pushed,
                              size_t n_appended);

#endif /* guarded.h */
