/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_PKT_PARSE_LOAD_H
#define OVL_PKT_PARSE_LOAD_H 1

/* The two places where lengths are checked, and how IPv6 headers are walked:
 * shared by the pkt-parse*.c files, of no use to others.
 *
 * Layer 2. */

#include <string.h>

#include "pkt-parse.h"

/* Some bytes of a frame, from its start. */
struct ovl_bytes {
    const uint8_t *data;
    size_t len;
};

/* Copies 'n' bytes at 'ofs' into 'dst' and returns true, or returns false
 * and leaves 'dst' alone if 'b' does not have them.  Copying is free with
 * constant 'n', and makes alignment of no concern. */
static inline bool
load(const struct ovl_bytes *b, size_t ofs, void *dst, size_t n)
{
    if (ofs > b->len || n > b->len - ofs) {
        return false;
    }
    memcpy(dst, b->data + ofs, n);
    return true;
}

/* Returns where the 'n' bytes at 'ofs' are, or NULL if 'b' does not have them.
 * For headers of which few fields are needed: WIRE() reads them. */
static inline const uint8_t *
bytes_at(const struct ovl_bytes *b, size_t ofs, size_t n)
{
    return ofs > b->len || n > b->len - ofs ? NULL : b->data + ofs;
}

/* Reads MEMBER of the header STRUCT whose bytes are at P, aligned or not. */
#define WIRE(P, STRUCT, MEMBER)                                              \
    (__extension__ ({                                                        \
        OVS_TYPEOF(((STRUCT *) 0)->MEMBER) value__;                          \
        memcpy(&value__, (P) + offsetof(STRUCT, MEMBER), sizeof value__);    \
        value__;                                                             \
    }))

/* Returns 'b' without what follows its first 'len' bytes. */
static inline struct ovl_bytes
bytes_cut(const struct ovl_bytes *b, size_t len)
{
    return (struct ovl_bytes) { b->data, len < b->len ? len : b->len };
}

/* Returns whether the checksum of the IPv4 header of 'len' bytes at 'h' is
 * right (RFC 1071: the order of the bytes does not matter). */
static inline bool
ip4_csum_ok(const uint8_t *h, size_t len)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < len; i += 4) {
        uint32_t word;

        memcpy(&word, h + i, sizeof word);
        sum += word;
    }
    sum = (sum & UINT32_MAX) + (sum >> 32);
    sum = (sum & UINT16_MAX) + (sum >> 16);
    sum = (sum & UINT16_MAX) + (sum >> 16);
    sum = (sum & UINT16_MAX) + (sum >> 16);
    return sum == UINT16_MAX;
}

/* How many extension headers are worth walking.  RFC 8200 section 4.1 has
 * each once, destination options twice: 7, and one to spare. */
#define OVL_MAX_EXT_HEADERS 8

/* Walk along IPv6 extension headers. */
struct ovl_ip6_walk {
    size_t ofs;                 /* Of the header behind them. */
    uint8_t proto;              /* Its type... */
    size_t proto_ofs;           /* ...which is said here; 0: in the IPv6
                                 * header. */
    bool extended;              /* There was one, or a fragment header. */
    bool truncated;             /* The end was not reached: packet too short */
    bool too_long;              /* or more than OVL_MAX_EXT_HEADERS. */
    bool fragment;              /* There was a fragment header... */
    bool later_fragment;        /* ...that is not the first one's. */
    uint8_t fragment_proto;     /* What it says that follows. */
};

/* Walks from 'ofs', where a header of type 'proto' starts. */
struct ovl_ip6_walk ovl_ip6_walk(const struct ovl_bytes *, size_t ofs,
                                 uint8_t proto);

/* Checks the ICMPv6 message at 'ofs' of 'b' as Neighbor Discovery.  'b' ends
 * where the IPv6 packet ends, or before if it is truncated.  'pkt' is parsed
 * so far, 'ip6' is its IPv6 header. */
struct ovl_pkt_nd ovl_nd_parse(const struct ovl_bytes *b, size_t ofs,
                               const struct ovl_pkt *pkt,
                               const struct ovs_16aligned_ip6_hdr *ip6);

/* Converts an address from the wire. */
static inline void
ip4_from_wire(struct in6_addr *ip, ovs_16aligned_be32 wire)
{
    static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

    /* Written in place: what was written in small pieces is slow to read in
     * large ones for a while, as copying it would. */
    memcpy(ip, mapped, sizeof mapped);
    memcpy(&ip->s6_addr[sizeof mapped], &wire, sizeof wire);
}

/* Likewise. */
static inline struct in6_addr
ip6_from_wire(const union ovs_16aligned_in6_addr *wire)
{
    struct in6_addr ip;

    BUILD_ASSERT(sizeof ip == sizeof *wire);
    memcpy(&ip, wire, sizeof ip);
    return ip;
}

#endif /* pkt-parse-load.h */
