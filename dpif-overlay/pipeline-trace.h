/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_PIPELINE_TRACE_H
#define OVL_PIPELINE_TRACE_H 1

/* Tells what the pipeline does with one frame: runs the very code that
 * packets run through, with a worker that has a trace, and changes nothing:
 * counts go to a private shard, output frames into the text.
 *
 * A line is "table: key -> result", or "step: what it does".  The last one
 * says what became of the frame:
 *
 *     frame: 52:54:00:00:00:01 > 52:54:00:00:00:09, type 0x0800, 98 bytes
 *     bindings: vm1 -> access port of network 5001
 *     networks: 5001 -> found
 *     guard: (vm1, 52:54:00:00:00:01) -> listed IPs only
 *     macs: (5001, 52:54:00:00:00:09) -> none, unknown_unicast=drop
 *     missing row: overlay-ctl mac-add 5001 52:54:00:00:00:09 VTEP
 *     Final: dropped: unknown_unicast (no row names the destination MAC)
 *
 * Thread-safety: any thread under RCU.
 *
 * Layer 2. */

#include <stddef.h>

#include "forwarding.h"
#include "openvswitch/dynamic-string.h"
#include "packets.h"
#include "pkt-parse.h"

struct ovl_arrival;
struct ovl_verdict;

struct ovl_trace {
    struct ds text;             /* What people read. */
    struct ds sent;             /* Names of ports that a frame went to. */
    struct ds dropped;          /* Reasons for which one was dropped. */
    bool answered;              /* By a frame of our own. */
};

/* Appends a line to 'trace'; does nothing (and evaluates nothing) if
 * 'trace' is NULL. */
#define OVL_TRACE(TRACE, ...)                                                \
    do {                                                                     \
        if (OVS_UNLIKELY(TRACE)) {                                           \
            ovl_trace_line(TRACE, __VA_ARGS__);                              \
        }                                                                    \
    } while (0)

void ovl_trace_line(struct ovl_trace *, const char *format, ...)
    OVS_PRINTF_FORMAT(2, 3) __attribute__((__cold__));

/* Text of an address, for the arguments of OVL_TRACE(). */
#define OVL_IP_TEXT(IP) ovl_ip_text((char [INET6_ADDRSTRLEN]) { "" }, IP)
const char *ovl_ip_text(char buf[INET6_ADDRSTRLEN], const struct in6_addr *);

/* Tells, as "'what': ...", what was parsed.  'trace' is not NULL, here and
 * below. */
void ovl_trace_pkt(struct ovl_trace *, const char *what,
                   const struct ovl_pkt *);

/* Tells that a frame, or a copy of one, was dropped. */
void ovl_trace_drop(struct ovl_trace *, enum ovl_drop_reason);

/* Tells that a frame was answered. */
void ovl_trace_answer(struct ovl_trace *);

/* Tells which row would have kept 'pkt' from being dropped, if there is such a
 * row, as the command that adds it.  'outer' counts if it
 * came out of a tunnel. */
void ovl_trace_missing_row(const struct ovl_arrival *,
                           const struct ovl_outer *outer,
                           const struct ovl_pkt *pkt,
                           const struct ovl_verdict *);

/* Runs 'frame' of 'len' bytes through 'fwd' as if received on 'in' and
 * appends the walk to 'out': each table, key and result; for a drop its
 * reason and, where a row is missing, the overlay-ctl command that would add
 * it. */
void ovl_trace_frame(const struct ovl_forwarding *fwd, struct ovl_lport *in,
                     const void *frame, size_t len, struct ds *out);

#endif /* pipeline-trace.h */
