/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_RX_PACKET_H
#define OVL_RX_PACKET_H 1

/* What a driver hands over: the pipeline reads and writes packets as
 * contiguous memory that nobody else has, and DPDK promises neither.
 *
 * Thread-safety: packet threads.
 *
 * Layer 3. */

#include "dp-packet.h"

/* Returns 'packet' if it is in one piece of memory that nobody shares, or else
 * a copy that is, and frees 'packet'.  NULL, and 'packet' is freed, if its
 * segments are not as long as it says, or longer than any frame. */
struct dp_packet *ovl_rx_own(struct dp_packet *packet);

#endif /* rx-packet.h */
