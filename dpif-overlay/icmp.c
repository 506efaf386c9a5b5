/* SPDX-License-Identifier: Apache-2.0 */

/* Every byte of a message comes from the headers written here or from the
 * packet that it is about, which is quoted as it was received.
 *
 * Prefix: ovl_icmp_. */

#include <config.h>

#include <netinet/icmp6.h>
#include <netinet/ip6.h>

#include "csum.h"
#include "icmp.h"
#include "pipeline-trace.h"
#include "pkt-buffer.h"

/* RFC 1812 section 4.3.2.3: as much as fits in 576 bytes; RFC 4443 section
 * 2.4 (c): in the minimum IPv6 MTU. */
#define ICMP4_MAX_LEN 576
#define MIN_MTU6 1280           /* RFC 8200 section 5. */
#define ICMP6_MAX_LEN MIN_MTU6

#define ICMP_TTL 64
#define ICMP4_TOS 0xc0          /* RFC 1812 section 4.3.2.5: precedence 6. */

/* Type and code of both families; type 0: there is no such message.  RFC 792,
 * RFC 1812 section 5.2.7.1, RFC 4443 section 3. */
static const struct {
    uint8_t type4, code4;
    uint8_t type6, code6;
    const char *text;
} messages[] = {
    [OVL_ICMP_TTL_EXPIRED] = { 11, 0, 3, 0, "time exceeded" },
    [OVL_ICMP_NO_ROUTE] = { 3, 0, 1, 0, "no route" },
    [OVL_ICMP_HOST_UNREACHABLE] = { 3, 1, 1, 3, "host unreachable" },
    [OVL_ICMP_PROHIBITED] = { 3, 13, 1, 1, "prohibited" },
    [OVL_ICMP_PORT_UNREACHABLE] = { 3, 3, 1, 4, "port unreachable" },
    [OVL_ICMP_PROTO_UNREACHABLE] = { 3, 2, 4, 1, "protocol unreachable" },
    [OVL_ICMP_TOO_BIG] = { 3, 4, 2, 0, "too big" },
};

/* An address of one host. */
static bool
is_single_host(const struct in6_addr *ip)
{
    if (ovl_ip_is_v4(ip)) {
        uint32_t host = ntohl(in6_addr_get_mapped_ipv4(ip));

        return host >> 24 != 0 && host >> 24 != 127 && host >> 28 < 14;
    }
    return (ipv6_addr_is_set(ip) && !ipv6_addr_is_multicast(ip)
            && !IN6_IS_ADDR_LOOPBACK(ip));
}

bool
ovl_icmp_may_answer(const struct ovl_pkt *pkt, const struct ovl_pkt_router *r)
{
    return (!r->icmp_error && !pkt->ip.later_fragment
            && !eth_addr_is_multicast(pkt->src)
            && is_single_host(&pkt->ip.src)
            && !eth_addr_is_multicast(pkt->dst)
            && is_single_host(&pkt->ip.dst)
            && pkt->ip.proto != IPPROTO_IGMP);
}

static void
put_eth(struct dp_packet *reply, const struct ovl_pkt *pkt,
        struct eth_addr src, uint16_t type)
{
    struct eth_header eth = {
        .eth_dst = pkt->src, .eth_src = src, .eth_type = htons(type),
    };

    dp_packet_put(reply, &eth, sizeof eth);
}

/* An atomic datagram needs no ID: RFC 6864 section 4.1. */
static void
put_ipv4(struct dp_packet *reply, const struct in6_addr *src,
         const struct in6_addr *dst, uint8_t tos, size_t payload)
{
    struct ip_header ip = {
        .ip_ihl_ver = IP_IHL_VER(5, 4),
        .ip_tos = tos,
        .ip_tot_len = htons(sizeof ip + payload),
        .ip_frag_off = htons(IP_DONT_FRAGMENT),
        .ip_ttl = ICMP_TTL,
        .ip_proto = IPPROTO_ICMP,
    };

    put_16aligned_be32(&ip.ip_src, in6_addr_get_mapped_ipv4(src));
    put_16aligned_be32(&ip.ip_dst, in6_addr_get_mapped_ipv4(dst));
    ip.ip_csum = csum(&ip, sizeof ip);
    dp_packet_put(reply, &ip, sizeof ip);
}

static struct ovs_16aligned_ip6_hdr
make_ipv6(const struct in6_addr *src, const struct in6_addr *dst, uint8_t tos,
          size_t payload)
{
    struct ovs_16aligned_ip6_hdr ip = {
        .ip6_plen = htons(payload),
        .ip6_nxt = IPPROTO_ICMPV6,
        .ip6_hlim = ICMP_TTL,
    };

    put_16aligned_be32(&ip.ip6_flow, htonl(6u << 28 | (uint32_t) tos << 20));
    memcpy(&ip.ip6_src, src, sizeof ip.ip6_src);
    memcpy(&ip.ip6_dst, dst, sizeof ip.ip6_dst);
    return ip;
}

/* A size below the minimum is never told: RFC 8201 section 4.  A parameter
 * problem points at the field that says which protocol follows: RFC 4443
 * section 3.4. */
static uint32_t
param6(const struct ovl_icmp *icmp, const struct ovl_pkt_router *router)
{
    return (icmp->message == OVL_ICMP_TOO_BIG ? MAX(icmp->mtu, MIN_MTU6)
            : icmp->message == OVL_ICMP_PROTO_UNREACHABLE ? router->proto_ofs
            : 0);
}

struct dp_packet *
ovl_icmp_error(struct ovl_worker *worker, const struct dp_packet *packet,
               const struct ovl_icmp *icmp, const void *frame,
               const struct ovl_pkt *pkt, const struct ovl_pkt_router *router)
{
    bool v4 = pkt->l3 == OVL_L3_IPV4;
    size_t header = v4 ? IP_HEADER_LEN : IPV6_HEADER_LEN;
    size_t quote = MIN(router->len, ((v4 ? ICMP4_MAX_LEN : ICMP6_MAX_LEN)
                                     - header - ICMP_HEADER_LEN));
    const uint8_t *quoted = (const uint8_t *) frame + pkt->l3_ofs;
    struct dp_packet *reply
        = ovl_pkt_buffer(worker, packet, (ETH_HEADER_LEN + header
                                          + ICMP_HEADER_LEN + quote));
    if (OVS_UNLIKELY(!reply)) {
        return NULL;
    }

    struct icmp_header h = {
        .icmp_type = (v4 ? messages[icmp->message].type4
                      : messages[icmp->message].type6),
        .icmp_code = (v4 ? messages[icmp->message].code4
                      : messages[icmp->message].code6),
    };

    put_eth(reply, pkt, icmp->eth_src, v4 ? ETH_TYPE_IP : ETH_TYPE_IPV6);
    if (v4) {
        if (icmp->message == OVL_ICMP_TOO_BIG) {
            h.icmp_fields.frag.mtu = htons(icmp->mtu);  /* RFC 1191. */
        }
        h.icmp_csum = csum_finish(csum_continue(csum_continue(0, &h, sizeof h),
                                                quoted, quote));
        put_ipv4(reply, &icmp->src, &pkt->ip.src, ICMP4_TOS,
                 sizeof h + quote);
    } else {
        struct ovs_16aligned_ip6_hdr ip
            = make_ipv6(&icmp->src, &pkt->ip.src, 0, sizeof h + quote);

        put_16aligned_be32(&h.icmp_fields.gateway,
                           htonl(param6(icmp, router)));
        h.icmp_csum = csum_finish(csum_continue(
            csum_continue(packet_csum_pseudoheader6(&ip), &h, sizeof h),
            quoted, quote));
        dp_packet_put(reply, &ip, sizeof ip);
    }
    dp_packet_put(reply, &h, sizeof h);
    dp_packet_put(reply, quoted, quote);
    return reply;
}

void
ovl_icmp_trace(struct ovl_trace *trace, const struct ovl_icmp *icmp,
               const struct ovl_pkt *pkt)
{
    bool v4 = pkt->l3 == OVL_L3_IPV4;
    char mtu[32] = "";

    if (icmp->message == OVL_ICMP_TOO_BIG) {
        snprintf(mtu, sizeof mtu, ", MTU %"PRIu16, icmp->mtu);
    }
    OVL_TRACE(trace, "icmp: %s tells %s: %s (%d/%d%s)",
              OVL_IP_TEXT(&icmp->src), OVL_IP_TEXT(&pkt->ip.src),
              messages[icmp->message].text,
              v4 ? messages[icmp->message].type4
              : messages[icmp->message].type6,
              v4 ? messages[icmp->message].code4
              : messages[icmp->message].code6, mtu);
}

/* The message is the request's with another type; so is its checksum: swapping
 * the addresses does not change it. */
void
ovl_icmp_echo_reply(struct dp_packet *packet, struct eth_addr eth_src,
                    const struct ovl_pkt *pkt,
                    const struct ovl_pkt_router *router)
{
    bool v4 = pkt->l3 == OVL_L3_IPV4;
    size_t header = v4 ? IP_HEADER_LEN : IPV6_HEADER_LEN;
    size_t len = pkt->l3_ofs + router->len - router->l4_ofs;
    uint8_t *data = ovl_pkt_data(packet);
    uint8_t *message = data + ETH_HEADER_LEN + header;
    uint8_t type = v4 ? ICMP4_ECHO_REPLY : ICMP6_ECHO_REPLY;
    struct icmp_header h;

    /* Options and extension headers go. */
    memmove(message, data + router->l4_ofs - ovl_pkt_tag_len(pkt), len);
    memcpy(&h, message, sizeof h);
    h.icmp_csum = recalc_csum16(h.icmp_csum, htons(h.icmp_type << 8),
                                htons(type << 8));
    h.icmp_type = type;
    memcpy(message, &h, sizeof h);

    dp_packet_set_size(packet, 0);
    put_eth(packet, pkt, eth_src, v4 ? ETH_TYPE_IP : ETH_TYPE_IPV6);
    if (v4) {
        put_ipv4(packet, &pkt->ip.dst, &pkt->ip.src, pkt->ip.tos, len);
    } else {
        struct ovs_16aligned_ip6_hdr ip
            = make_ipv6(&pkt->ip.dst, &pkt->ip.src, pkt->ip.tos, len);

        dp_packet_put(packet, &ip, sizeof ip);
    }
    dp_packet_set_size(packet, ETH_HEADER_LEN + header + len);
}
