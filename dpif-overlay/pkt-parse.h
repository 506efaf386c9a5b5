/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_PKT_PARSE_H
#define OVL_PKT_PARSE_H 1

/* What a frame says, read once and believed afterwards.
 *
 * This, with pkt-parse-fast.h for what most packets are, is the only reader of
 * wire bytes.  Every byte comes through a function
 * that checks the length first (load() and bytes_at() in pkt-parse-load.h),
 * and what comes out is a plain struct with byte order in its types, so that
 * nothing downstream needs to see the frame again to decide about it.
 *
 * Parsing never fails: a frame that makes no sense says so in its fields
 * ('too_short', 'l3_bad', 'arp.status', 'nd.status', 'fault'), and whoever
 * decides turns that into a drop reason, or does not care, as a bridge does
 * not care about the inside of most frames.
 *
 * A frame is one contiguous range of bytes.  Offsets, hashes, offload flags
 * and packet types that drivers leave in a 'struct dp_packet' are never
 * looked at.
 *
 * Thread-safety: pure functions.
 *
 * Example:
 *
 *     struct ovl_pkt pkt = ovl_pkt_parse(dp_packet_data(p),
 *                                        dp_packet_size(p));
 *     if (pkt.l3 == OVL_L3_IPV4 && !pkt.l3_bad) {
 *         ... pkt.ip.src ...
 *     }
 *
 * Layer 2. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drop-reasons.h"
#include "overlay-types.h"

/* "Nothing wrong", where a drop reason is asked for. */
#define OVL_NO_DROP OVL_N_DROPS

/* The first tag of a frame, if any. */
enum ovl_tag {
    OVL_TAG_NONE,
    OVL_TAG_PRIORITY,           /* VID 0: counts as untagged. */
    OVL_TAG_VLAN,               /* IEEE 802.1Q, 'vlan' says which. */
    OVL_TAG_OTHER,              /* Service tag, or a tag behind a tag. */
};

/* What the EtherType says that follows. */
enum ovl_l3 {
    OVL_L3_OTHER,
    OVL_L3_ARP,
    OVL_L3_IPV4,
    OVL_L3_IPV6,
};

enum ovl_arp_status {
    OVL_ARP_OK,
    OVL_ARP_MALFORMED,          /* Truncated, or not IPv4 over Ethernet. */
    OVL_ARP_BAD_OP,             /* Neither request nor reply. */
};

/* RFC 826. */
struct ovl_pkt_arp {
    enum ovl_arp_status status;
    uint16_t op;                /* Host order; ARP_OP_REQUEST or _REPLY. */
    struct eth_addr sha, tha;   /* Hardware address of sender, target. */
    ovs_be32 spa, tpa;          /* Protocol address of sender, target. */
};

enum ovl_nd_status {
    OVL_ND_NONE,                /* Not Neighbor Discovery. */
    OVL_ND_OK,
    OVL_ND_MALFORMED,           /* Fails RFC 4861, or may hide ND. */
};

/* ICMPv6 types of RFC 4861. */
enum ovl_nd_type {
    OVL_ND_RS = 133,
    OVL_ND_RA = 134,
    OVL_ND_NS = 135,
    OVL_ND_NA = 136,
    OVL_ND_REDIRECT = 137,
};

/* RFC 4861, valid if 'status' is OVL_ND_OK. */
struct ovl_pkt_nd {
    enum ovl_nd_status status;
    enum ovl_nd_type type;
    bool has_lla;               /* 'lla' is set. */
    bool odd_lla;               /* Link-layer addresses that disagree, or
                                 * that are not Ethernet's. */
    bool solicited, override;   /* S and O flags; NA only. */
    struct eth_addr lla;        /* Of the source, in an NA of the target. */
    struct in6_addr target;     /* NS, NA and redirects only. */
};

/* IPv4 and IPv6, unless 'l3_bad'. */
struct ovl_pkt_ip {
    struct in6_addr src, dst;   /* IPv4 in v4-mapped form. */
    uint8_t proto;              /* Behind extension headers. */
    uint8_t tos;                /* TOS or traffic class: DSCP and ECN. */
    uint8_t ttl;                /* TTL or hop limit. */
    bool fragment;              /* Any fragment, the first one too. */
    bool later_fragment;        /* Not the first one: no layer 4 header. */
    uint8_t hash_proto;         /* The same in each fragment. */
    uint8_t icmp6_type;         /* 0 unless ICMPv6. */
    ovs_be16 sport, dport;      /* 0 unless TCP, UDP or SCTP and whole. */
    struct ovl_pkt_nd nd;
};

/* The checksum that the sender of a frame has left to others. */
enum ovl_l4_csum {
    OVL_CSUM_NONE,              /* It has left nothing. */
    OVL_CSUM_TCP,
    OVL_CSUM_UDP,
    OVL_CSUM_SCTP,
    OVL_CSUM_UNKNOWN,           /* Something that nobody here can do. */
};

/* What has to be finished before a frame leaves for somebody who cannot do
 * it.  See offload.h. */
struct ovl_offload {
    enum ovl_l4_csum csum;      /* Nothing else counts if there is none. */
    bool cut;                   /* TCP, to be cut into segments with 'mss'
                                 * bytes of payload; 0: as many as fit. */
    uint16_t mss;

    /* What ovl_pkt_parse_offload() has found. */
    bool ipv6;
    uint16_t len;               /* Of the IP packet, */
    uint16_t l3_len;            /* of its header, with all that is before the
                                 * transport header, */
    uint16_t l4_len;            /* and of that, if 'cut'. */
};

/* An Ethernet frame: one from or to a VM, or any that came in. */
struct ovl_pkt {
    uint32_t len;               /* Of the frame. */
    uint32_t excess;            /* By which it is longer than its longest
                                 * segment, if it has to be cut. */
    bool too_short;             /* Nothing below is valid. */
    bool l3_bad;                /* The IP header is truncated or absurd. */
    enum ovl_tag tag;
    uint16_t vlan;              /* VID, 0 unless 'tag' is OVL_TAG_VLAN. */
    enum ovl_l3 l3;
    struct eth_addr dst, src;
    ovs_be16 type;              /* EtherType, behind the tag if any. */
    uint16_t l3_ofs;            /* From the start of the frame. */
    union {
        struct ovl_pkt_arp arp; /* OVL_L3_ARP. */
        struct ovl_pkt_ip ip;   /* OVL_L3_IPV4 and _IPV6. */
    };
    struct ovl_offload offload; /* Nothing, by ovl_pkt_parse_into(). */
};

/* Parses the Ethernet frame of 'len' bytes at 'data' into '*pkt'.  What is not
 * valid there, by what the fields above it say, may be anything. */
void ovl_pkt_parse_into(struct ovl_pkt *pkt, const void *data, size_t len);

/* The same by value, for whoever has but one frame. */
static inline struct ovl_pkt
ovl_pkt_parse(const void *data, size_t len)
{
    struct ovl_pkt pkt;

    ovl_pkt_parse_into(&pkt, data, len);
    return pkt;
}

/* Bytes of tags that have to go before 'pkt' is a plain frame. */
static inline size_t
ovl_pkt_tag_len(const struct ovl_pkt *pkt)
{
    return pkt->tag == OVL_TAG_NONE ? 0 : VLAN_HEADER_LEN;
}

/* Length of what follows the Ethernet header of 'pkt', or of its longest
 * segment, tag not counted. */
static inline size_t
ovl_pkt_l3_len(const struct ovl_pkt *pkt)
{
    return pkt->len - pkt->excess - ETH_HEADER_LEN - ovl_pkt_tag_len(pkt);
}

/* Fills in 'pkt->offload' and 'pkt->excess' with what is 'asked' for about the
 * frame at 'data', which 'pkt' was parsed from.  Returns false if that makes
 * no sense: the frame is not what has to be finished, parts of it are missing,
 * or it would become more segments than one packet is worth. */
bool ovl_pkt_parse_offload(const void *data, const struct ovl_offload *asked,
                           struct ovl_pkt *pkt);

/* What a router has to know of an IP packet, and a bridge has not. */
struct ovl_pkt_router {
    /* The first thing wrong with it, OVL_NO_DROP if nothing is.  Unless that,
     * nothing below is valid. */
    enum ovl_drop_reason fault;

    uint16_t len;               /* Of the IP packet; padding may follow. */
    uint8_t header_len;         /* Of the IP header, with IPv4 options. */
    bool df;                    /* May not be fragmented on the way. */
    uint16_t l4_ofs;            /* Behind extension headers; from the start of
                                 * the frame. */
    bool has_l4;                /* Something is there, by what headers say, */
    uint16_t proto_ofs;         /* and here they say what; from the start of
                                 * the IP packet. */
    bool icmp_error;            /* An ICMP error, or a redirect. */
    bool echo;                  /* An ICMP echo request, in one piece. */
};

/* Parses once more what 'pkt' was parsed from, into '*r'. */
void ovl_pkt_parse_for_router_into(struct ovl_pkt_router *r, const void *data,
                                   const struct ovl_pkt *pkt);

static inline struct ovl_pkt_router
ovl_pkt_parse_for_router(const void *data, const struct ovl_pkt *pkt)
{
    struct ovl_pkt_router r;

    ovl_pkt_parse_for_router_into(&r, data, pkt);
    return r;
}

/* Returns whether the checksum of the ICMP message in 'pkt' is right (RFC 792,
 * RFC 4443 section 2.3).  'data' is what 'pkt' and 'r' were parsed from, in
 * one piece, without fault, and with a whole ICMP header. */
bool ovl_pkt_icmp_csum_ok(const void *data, const struct ovl_pkt *pkt,
                          const struct ovl_pkt_router *r);

/* What a router says about a UDP packet that was too big for its next link,
 * as it quotes it. */
struct ovl_pkt_too_big {
    struct in6_addr src, dst;   /* IPv4 in v4-mapped form. */
    uint16_t sport, dport;      /* Host order. */
    size_t len;                 /* Of the IP packet. */
    bool has_vni;               /* As much as that is quoted: */
    uint8_t flags;              /* first byte of the VXLAN header... */
    uint32_t vni;               /* ...and the VNI. */
    uint16_t mtu;               /* What would have fit; 0: it did not say. */
};

/* Returns true and fills '*tb' in if 'pkt', parsed from 'data', says so in
 * one piece and with a right checksum. */
bool ovl_pkt_parse_too_big(const void *data, const struct ovl_pkt *pkt,
                           struct ovl_pkt_too_big *tb);

/* The outside of a frame from the underlay. */
struct ovl_outer {
    /* A UDP header can be seen behind IPv4 or IPv6.  If not, nothing below
     * is valid: the frame cannot be VXLAN. */
    bool udp;
    bool ipv6;
    struct eth_addr eth_dst;
    struct in6_addr src, dst;   /* IPv4 in v4-mapped form. */
    uint8_t tos;
    uint16_t dport;             /* UDP destination, host order. */

    /* The first thing wrong with it, if it turns out to be for us;
     * OVL_NO_DROP if nothing is.  The UDP checksum is not looked at. */
    enum ovl_drop_reason fault;

    /* A sender on this host has left the checksum to its device, of the outer
     * or of the inner packet, which cannot be told apart. */
    bool unfinished;

    /* Valid if 'fault' is OVL_NO_DROP. */
    bool zero_csum;             /* No UDP checksum. */
    uint8_t flags;              /* First byte of the VXLAN header. */
    uint32_t vni;
    uint16_t l3_ofs;
    uint16_t udp_ofs;
    uint16_t udp_len;           /* From the UDP header. */
};

/* Bits of 'flags'. */
#define OVL_VXLAN_FLAG_I 0x08   /* RFC 7348 section 5: the VNI is valid. */
#define OVL_VXLAN_FLAG_P 0x04   /* VXLAN-GPE: next protocol is present. */

/* Parses the frame of 'len' bytes at 'data' as UDP from the underlay, into
 * '*outer'. */
void ovl_outer_parse_into(struct ovl_outer *outer, const void *data,
                          size_t len);

static inline struct ovl_outer
ovl_outer_parse(const void *data, size_t len)
{
    struct ovl_outer outer;

    ovl_outer_parse_into(&outer, data, len);
    return outer;
}

/* Returns whether the UDP checksum of 'outer' is right.  'data' is the frame
 * that 'outer' was parsed from, without fault and with a checksum. */
bool ovl_outer_csum_ok(const struct ovl_outer *outer, const void *data);

/* Where the inner frame starts in the outer one, and its length.  The UDP
 * length decides, bytes behind it are padding. */
static inline size_t
ovl_outer_inner_ofs(const struct ovl_outer *outer)
{
    return outer->udp_ofs + UDP_HEADER_LEN + sizeof(struct vxlanhdr);
}

static inline size_t
ovl_outer_inner_len(const struct ovl_outer *outer)
{
    return outer->udp_len - UDP_HEADER_LEN - sizeof(struct vxlanhdr);
}

#endif /* pkt-parse.h */
