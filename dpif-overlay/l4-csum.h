/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_L4_CSUM_H
#define OVL_L4_CSUM_H 1

/* Checksums of TCP, UDP and SCTP, made from scratch: nothing that the field
 * has had before counts.
 *
 * Thread-safety: pure functions; the caller owns the packet.
 *
 * Layer 2. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pkt-parse.h"

/* Fills the checksum in of the packet of 'len' bytes at 'l3', whose transport
 * header 'csum' is whole and starts after 'l3_len' bytes (RFC 9293 section
 * 3.1, RFC 768, RFC 8200 section 8.1, RFC 9260 appendix A). */
void ovl_l4_csum_fill(uint8_t *l3, bool ipv6, size_t l3_len, size_t len,
                      enum ovl_l4_csum csum);

/* Fills in what a device wants to find there that is to make the checksum of
 * TCP or UDP: the sum of the pseudo-header (virtio 1.1, section 5.1.6.2). */
void ovl_l4_csum_prepare(uint8_t *l3, bool ipv6, size_t l3_len, size_t len,
                         enum ovl_l4_csum csum);

#endif /* l4-csum.h */
