/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_TSO_H
#define OVL_TSO_H 1

/* Cuts a large TCP packet into segments, as a network card does for whoever
 * has left that to it.  DPDK's rte_gso does not know IPv6.
 *
 * Thread-safety: pure functions; the caller owns the packets.
 *
 * Example:
 *
 *     size_t ofs = 0;
 *     do {
 *         send(ovl_tso_next(worker, packet, ETH_HEADER_LEN, &pkt.offload,
 *                           mss, &ofs));
 *     } while (ofs);
 *
 * Layer 2. */

#include "pipeline.h"
#include "pkt-parse.h"

/* Returns the next segment of 'packet', whose IP header is at 'l3_ofs' and
 * which 'o', with 'o->cut', was parsed from: a new frame with 'mss' bytes of
 * payload, the last one with what is left, and right lengths and checksums.
 * '*ofs' is where in the payload the segment starts, 0 for the first one; it
 * becomes where the next one does, 0 after the last.  Returns NULL for a
 * segment that there is no memory for (pkt-buffer.h). */
struct dp_packet *ovl_tso_next(struct ovl_worker *,
                               const struct dp_packet *packet, size_t l3_ofs,
                               const struct ovl_offload *o, uint16_t mss,
                               size_t *ofs);

#endif /* tso.h */
