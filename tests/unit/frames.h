/* SPDX-License-Identifier: Apache-2.0 */

#ifndef FRAMES_H
#define FRAMES_H 1

/* Frames for tests, made byte by byte and by value, so that an expected frame
 * is made by other code than the one under test (checksums too).
 *
 * Example:
 *
 *     struct frame f = frame_udp4(MAC_VM2, MAC_VM1, "10.1.0.11",
 *                                 "10.1.0.12", 1000, 2000, 40);
 */

#include <stddef.h>
#include <stdint.h>

#include "openvswitch/types.h"

#define FRAME_MAX 10240

struct frame {
    size_t len;
    uint8_t data[FRAME_MAX];
};

/* MAC addresses of the test world, see world.h. */
#define MAC_VM1 "52:54:00:00:00:01"
#define MAC_VM2 "52:54:00:00:00:02"
#define MAC_VM3 "52:54:00:00:00:03"
#define MAC_REMOTE "52:54:00:00:00:99"
#define MAC_UNRESOLVED "52:54:00:00:00:98"
#define MAC_UNKNOWN "52:54:00:00:00:77"
#define MAC_ROUTER "02:00:5e:00:01:01"
#define MAC_LOCAL "aa:aa:aa:00:00:01"
#define MAC_UPLINK "aa:aa:aa:00:00:11"
#define MAC_NEXTHOP "aa:aa:aa:00:00:02"
#define MAC_BROADCAST "ff:ff:ff:ff:ff:ff"
#define MAC_ZERO "00:00:00:00:00:00"

struct eth_addr mac_from(const char *);

/* The first bytes of a frame, and more of them. */
struct frame frame_eth(const char *dst, const char *src, uint16_t type);
void frame_put(struct frame *, const void *, size_t);
/* 'n' bytes that differ from each other. */
void frame_put_pattern(struct frame *, size_t n);

/* Pieces of frames: big-endian values at an offset. */
void frame_set8(struct frame *, size_t ofs, uint8_t);
void frame_set16(struct frame *, size_t ofs, uint16_t);
void frame_set32(struct frame *, size_t ofs, uint32_t);
uint16_t frame_get16(const struct frame *, size_t ofs);

/* The frame without its last bytes. */
struct frame frame_cut(const struct frame *, size_t len);

/* The frame with a tag, as the first one. */
struct frame frame_tag(const struct frame *, uint16_t tpid, uint16_t tci);

struct frame frame_arp(const char *dst, const char *src, uint16_t op,
                       const char *sha, const char *spa,
                       const char *tha, const char *tpa);
/* A broadcast request by somebody who is honest. */
struct frame frame_arp_request(const char *sha, const char *spa,
                               const char *tpa);

/* IP headers have no options, all checksums are right. */
struct frame frame_ip4(const char *dst, const char *src, const char *ip_src,
                       const char *ip_dst, uint8_t proto,
                       const void *payload, size_t len);
struct frame frame_udp4(const char *dst, const char *src, const char *ip_src,
                        const char *ip_dst, uint16_t sport, uint16_t dport,
                        size_t payload_len);
struct frame frame_ip6(const char *dst, const char *src, const char *ip_src,
                       const char *ip_dst, uint8_t proto, uint8_t hop_limit,
                       const void *payload, size_t len);
struct frame frame_udp6(const char *dst, const char *src, const char *ip_src,
                        const char *ip_dst, uint16_t sport, uint16_t dport,
                        size_t payload_len);

/* Puts things right after a change: the IPv4 header checksum at 'l3', the
 * TCP, UDP or ICMPv6 checksum over the IPv6 or IPv4 packet at 'l3'. */
void frame_fix_ip4(struct frame *, size_t l3);
void frame_fix_l4(struct frame *, size_t l3, size_t l4, size_t csum_ofs);

/* Puts those checksums of the packet at 'l3' right whose place in it is
 * clear. */
void frame_repair(struct frame *, size_t l3);

/* ICMPv6, with 'len' bytes from 'message' (checksum ignored). */
struct frame frame_icmp6(const char *dst, const char *src, const char *ip_src,
                         const char *ip_dst, uint8_t hop_limit,
                         const void *message, size_t len);
/* Neighbor solicitation with SLLAO 'slla', or none if that is NULL. */
struct frame frame_ns(const char *dst, const char *src, const char *ip_src,
                      const char *ip_dst, const char *target,
                      const char *slla);
/* Neighbor advertisement with TLLAO 'tlla' or none; 'flags' is the byte with
 * R, S and O. */
struct frame frame_na(const char *dst, const char *src, const char *ip_src,
                      const char *ip_dst, const char *target, uint8_t flags,
                      const char *tlla);

/* VXLAN over IPv4 around 'inner', as the world's VTEPs speak it: TTL 64, DF,
 * UDP port 4789, no UDP checksum. */
struct frame frame_vxlan4(const char *dst, const char *src,
                          const char *ip_src, const char *ip_dst,
                          uint8_t tos, uint16_t sport, uint32_t vni,
                          const struct frame *inner);
/* Over IPv6, with UDP checksum. */
struct frame frame_vxlan6(const char *dst, const char *src,
                          const char *ip_src, const char *ip_dst,
                          uint8_t tos, uint16_t sport, uint32_t vni,
                          const struct frame *inner);

/* Offsets in the frames above. */
#define L3_OFS 14
#define IP4_TOS (L3_OFS + 1)
#define IP4_LEN (L3_OFS + 2)
#define IP4_FRAG (L3_OFS + 6)
#define IP4_PROTO (L3_OFS + 9)
#define IP4_CSUM (L3_OFS + 10)
#define IP4_SRC (L3_OFS + 12)
#define IP4_DST (L3_OFS + 16)
#define L4_OFS (L3_OFS + 20)
#define UDP_SPORT L4_OFS
#define UDP_DPORT (L4_OFS + 2)
#define UDP_LEN (L4_OFS + 4)
#define UDP_CSUM (L4_OFS + 6)
#define VXLAN_OFS (L4_OFS + 8)
#define INNER_OFS (VXLAN_OFS + 8)
#define L4_OFS6 (L3_OFS + 40)
#define INNER_OFS6 (L4_OFS6 + 16)

/* A list of frames of every kind that the parser knows, for those who
 * mutilate them, sorted by kind.  '*n' gets their number. */
enum frame_kind {
    FRAME_ARP,
    FRAME_ND,
    FRAME_IP4,
    FRAME_IP6,
    FRAME_ICMP,
    FRAME_L2,
    FRAME_VXLAN,
    FRAME_N_KINDS
};
const struct frame *frame_templates(size_t *n);
enum frame_kind frame_template_kind(size_t i);

#endif /* frames.h */
