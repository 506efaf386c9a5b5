/* SPDX-License-Identifier: Apache-2.0 */

#ifndef IP_ORACLE_H
#define IP_ORACLE_H 1

/* What the headers of an IP packet say, read without our code. */

#include <netinet/in.h>
#include <stdbool.h>

#include "frames.h"

struct ip_packet {
    bool v4;
    const uint8_t *ip;
    size_t len;                 /* Of all of it. */
    size_t header;              /* Of the IP header, with IPv4 options. */
    struct in6_addr src, dst;   /* IPv4 in v4-mapped form. */
    uint8_t ttl;
    bool fragment, later_fragment;
    int proto;                  /* Behind extension headers; -1: not there. */
    size_t proto_ofs;           /* Of what says so. */
    const uint8_t *l4;          /* Unless 'proto' is -1. */
    size_t l4_len;
};

/* Returns false if 'f', a frame without tag, is not IP, or not IP that goes
 * through a router (RFC 1812 section 5.2.2 and so on). */
bool ip_packet_parse(const struct frame *f, struct ip_packet *);

/* True if the type of an ICMP message can be seen at 'l4'. */
bool ip_packet_is_icmp(const struct ip_packet *);
/* And it is that of an error, or a redirect. */
bool ip_packet_is_error(const struct ip_packet *);

/* The checksum of the ICMP message at 'l4' is right. */
bool ip_packet_icmp_sum_is_right(const struct ip_packet *);

/* Ones' complement sum of 'n' bytes, added to 'sum'; 0xffff: right. */
uint32_t ip_sum(uint32_t sum, const uint8_t *, size_t n);

#endif /* ip-oracle.h */
