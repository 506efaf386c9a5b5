/* SPDX-License-Identifier: Apache-2.0 */

/* Each segment has the headers of the whole, but for what counts bytes, what
 * ends something and may be said once only (RFC 9293 section 3.1), and CWR,
 * which is said once, too (RFC 3168 section 6.1.2).
 *
 * Prefix: ovl_tso_. */

#include <config.h>

#include <netinet/ip6.h>

#include "csum.h"
#include "l4-csum.h"
#include "packets.h"
#include "pkt-buffer.h"
#include "tso.h"

/* Sets the length, and the IPv4 identification of segment 'i': those of a
 * datagram's neighbors differ (RFC 791 section 3.2). */
static void
edit_ip(uint8_t *l3, const struct ovl_offload *o, size_t len, size_t i)
{
    if (o->ipv6) {
        ovs_be16 plen = htons(len - IPV6_HEADER_LEN);

        memcpy(l3 + offsetof(struct ovs_16aligned_ip6_hdr, ip6_plen), &plen,
               sizeof plen);
    } else {
        struct ip_header ip;

        memcpy(&ip, l3, sizeof ip);
        ip.ip_tot_len = htons(len);
        ip.ip_id = htons(ntohs(ip.ip_id) + i);
        ip.ip_csum = 0;
        memcpy(l3, &ip, sizeof ip);
        ip.ip_csum = csum(l3, o->l3_len);
        memcpy(l3, &ip, sizeof ip);
    }
}

static void
edit_tcp(uint8_t *l4, size_t ofs, bool last)
{
    struct tcp_header tcp;
    uint16_t flags;

    memcpy(&tcp, l4, sizeof tcp);
    put_16aligned_be32(&tcp.tcp_seq,
                       htonl(ntohl(get_16aligned_be32(&tcp.tcp_seq)) + ofs));
    flags = TCP_FLAGS(tcp.tcp_ctl);
    if (ofs) {
        flags &= ~TCP_CWR;
    }
    if (!last) {
        flags &= ~(TCP_FIN | TCP_PSH);
    }
    tcp.tcp_ctl = (tcp.tcp_ctl & ~TCP_FLAGS_BE16(OVS_BE16_MAX))
                  | htons(flags);
    memcpy(l4, &tcp, sizeof tcp);
}

struct dp_packet *
ovl_tso_next(struct ovl_worker *worker, const struct dp_packet *packet,
             size_t l3_ofs, const struct ovl_offload *o, uint16_t mss,
             size_t *ofs)
{
    const uint8_t *frame = dp_packet_data(packet);
    size_t headers = l3_ofs + o->l3_len + o->l4_len;
    size_t payload = l3_ofs + o->len - headers;
    size_t start = *ofs;
    size_t n = MIN(mss, payload - start);
    bool last = start + n == payload;
    struct dp_packet *segment = ovl_pkt_buffer(worker, packet, headers + n);

    *ofs = last ? 0 : start + n;
    if (OVS_UNLIKELY(!segment)) {
        return NULL;
    }
    dp_packet_put(segment, frame, headers);
    dp_packet_put(segment, frame + headers + start, n);

    uint8_t *l3 = (uint8_t *) dp_packet_data(segment) + l3_ofs;
    size_t len = headers + n - l3_ofs;
    edit_ip(l3, o, len, start / mss);
    edit_tcp(l3 + o->l3_len, start, last);
    ovl_l4_csum_fill(l3, o->ipv6, o->l3_len, len, OVL_CSUM_TCP);
    return segment;
}
