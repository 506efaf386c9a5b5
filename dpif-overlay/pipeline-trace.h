/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_PIPELINE_TRACE_H
#define OVL_PIPELINE_TRACE_H 1

/* Tells what the pipeline does with one frame: runs the very code that
 * packets run through, with a worker that has a trace, and changes nothing:
 * counts go to a private shard, output frames into the text.
 *
 * Thread-safety: any thread under RCU.
 *
 * Layer 2. */

#include <stddef.h>

#include "forwarding.h"
#include "openvswitch/dynamic-string.h"

struct ovl_trace {
    struct ds text;             /* What people read. */
    int indent;
    size_t n_sent;
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
    OVS_PRINTF_FORMAT(2, 3);

/* Runs 'frame' of 'len' bytes through 'fwd' as if received on 'in' and
 * appends the walk to 'out': each table, key and result; for a drop its
 * reason and, where a row is missing, the overlay-ctl command that would add
 * it. */
void ovl_trace_frame(const struct ovl_forwarding *fwd, struct ovl_lport *in,
                     const void *frame, size_t len, struct ds *out);

#endif /* pipeline-trace.h */
