/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_PKT_EDIT_H
#define OVL_PKT_EDIT_H 1

/* The few changes that a bridge makes to a frame.
 *
 * Everything here trusts what pkt-parse.h said about the frame and is called
 * by the acting pass only.
 *
 * Thread-safety: the caller owns the packet.
 *
 * Layer 2. */

#include "dp-packet.h"
#include "ecn.h"
#include "pkt-parse.h"

/* What netdevs of OVS leave in front of a packet; the largest header that we
 * push, with a tag, fits in. */
#define OVL_PKT_HEADROOM 128

/* The largest frame whose memory, with that, has a length of 16 bits, which is
 * what a dp_packet has: it would believe in more room than there is. */
#define OVL_PKT_MAX (UINT16_MAX - OVL_PKT_HEADROOM)

/* Writes VALUE to MEMBER of the header STRUCT whose bytes are at P, aligned or
 * not.  A header made elsewhere and copied would be read in larger pieces than
 * it was written in, which is slow. */
#define OVL_PUT(P, STRUCT, MEMBER, VALUE)                                    \
    do {                                                                     \
        OVS_TYPEOF(((STRUCT *) 0)->MEMBER) value__ = (VALUE);                \
        memcpy((P) + offsetof(STRUCT, MEMBER), &value__, sizeof value__);    \
    } while (0)

/* Returns the first byte of 'packet', which has some memory, unlike what
 * dp_packet_data() reckons with. */
static inline uint8_t *
ovl_pkt_data(const struct dp_packet *packet)
{
    return (uint8_t *) dp_packet_base(packet) + __packet_data(packet);
}

/* Returns a new empty packet with room for 'size' bytes. */
struct dp_packet *ovl_pkt_new(size_t size);

/* Returns a packet whose 'size' bytes are to be written, with a header's room
 * in front: 'packet' itself if it has the room, or a new one, in which case
 * 'packet' is freed. */
struct dp_packet *ovl_pkt_reuse(struct dp_packet *packet, size_t size);

/* Forgets what a driver or a guest claims about 'packet', as it was received:
 * a virtio header that a guest wrote must never make a driver segment or
 * checksum anything.  Without offloads nobody asks for offsets. */
static inline void
ovl_pkt_forget_offloads(struct dp_packet *packet)
{
#ifdef DPDK_NETDEV
    packet->mbuf.ol_flags &= RTE_MBUF_F_EXTERNAL | RTE_MBUF_F_INDIRECT;
#else
    *dp_packet_ol_flags_ptr(packet) &= ~DP_PACKET_OL_SUPPORTED_MASK;
#endif
}

/* Forgets that, and offsets and type. */
static inline void
ovl_pkt_forget_metadata(struct dp_packet *packet)
{
    ovl_pkt_forget_offloads(packet);
    packet->packet_type = htonl(PT_ETH);
    dp_packet_reset_cutlen(packet);
    dp_packet_reset_offsets(packet);
}

/* Returns a copy of 'packet', which it frees, with room for 'n' bytes in
 * front: an mbuf cannot grow. */
struct dp_packet *ovl_pkt_copy_with_headroom(struct dp_packet *packet,
                                             size_t n);

/* Bytes in front of 'packet', as ovl_pkt_data(). */
static inline size_t
ovl_pkt_headroom(const struct dp_packet *packet)
{
    return __packet_data(packet);
}

/* Returns a packet like 'packet' that can have 'n' bytes pushed in front:
 * 'packet' itself, or a copy, in which case 'packet' is freed. */
static inline struct dp_packet *
ovl_pkt_with_headroom(struct dp_packet *packet, size_t n)
{
    return (OVS_LIKELY(n <= ovl_pkt_headroom(packet)) ? packet
            : ovl_pkt_copy_with_headroom(packet, n));
}

/* Makes room for 'n' bytes in front of what is in '*packet' and returns where
 * they start.  '*packet' may become another packet, as with
 * ovl_pkt_with_headroom(). */
static inline uint8_t *
ovl_pkt_push(struct dp_packet **packet, size_t n)
{
    struct dp_packet *p = *packet = ovl_pkt_with_headroom(*packet, n);

    __packet_set_data(p, __packet_data(p) - n);
    dp_packet_set_size(p, dp_packet_size(p) + n);
    dp_packet_reset_offsets(p);
    return ovl_pkt_data(p);
}

/* Removes the first tag. */
void ovl_pkt_pop_tag(struct dp_packet *packet);

/* Adds an 802.1Q tag with VID 'vlan'.  May return another packet, as
 * ovl_pkt_with_headroom(). */
struct dp_packet *ovl_pkt_push_tag(struct dp_packet *packet, uint16_t vlan);

/* Changes the ECN field of the IP header in the frame at 'data' to 'ecn'.
 * 'pkt' is what was parsed there: IP that is not bad. */
void ovl_pkt_set_ecn(void *data, struct ovl_pkt *pkt, enum ovl_ecn ecn);

#endif /* pkt-edit.h */
