/* SPDX-License-Identifier: Apache-2.0 */

/* One's complement sums do not care in which order they are made (RFC 1071
 * section 2), so words of 64 bits are added in two halves and folded once.
 *
 * Prefix: ovl_l4_csum_. */

#include <config.h>

#include "crc32c.h"
#include "csum.h"
#include "l4-csum.h"
#include "packets.h"
#include "unaligned.h"

/* Where in its header a protocol has its checksum. */
static size_t
field_ofs(enum ovl_l4_csum csum)
{
    switch (csum) {
    case OVL_CSUM_TCP:
        return offsetof(struct tcp_header, tcp_csum);
    case OVL_CSUM_UDP:
        return offsetof(struct udp_header, udp_csum);
    case OVL_CSUM_SCTP:
        return offsetof(struct sctp_header, sctp_csum);
    case OVL_CSUM_NONE:
    case OVL_CSUM_UNKNOWN:
        break;
    }
    OVS_NOT_REACHED();
}

/* Adds up 'n' bytes.  No sum of a packet overflows. */
static uint64_t
add_bytes(const uint8_t *data, size_t n)
{
    uint64_t low = 0, high = 0;

    for (; n >= 8; n -= 8, data += 8) {
        uint64_t word;

        memcpy(&word, data, sizeof word);
        low += (uint32_t) word;
        high += word >> 32;
    }
    if (n) {
        uint64_t word = 0;

        memcpy(&word, data, n);
        low += (uint32_t) word;
        high += word >> 32;
    }
    return low + high;
}

static uint16_t
fold(uint64_t sum)
{
    sum = (sum >> 32) + (uint32_t) sum;
    sum = (sum >> 16) + (sum & 0xffff);
    sum = (sum >> 16) + (sum & 0xffff);
    sum = (sum >> 16) + (sum & 0xffff);
    return sum;
}

static uint64_t
add_pseudo_header(const uint8_t *l3, bool ipv6, size_t l4_len,
                  enum ovl_l4_csum csum)
{
    ovs_be16 tail[2] = {
        htons(l4_len),
        htons(csum == OVL_CSUM_TCP ? IPPROTO_TCP : IPPROTO_UDP),
    };
    size_t src = (ipv6 ? offsetof(struct ovs_16aligned_ip6_hdr, ip6_src)
                  : offsetof(struct ip_header, ip_src));
    size_t n = 2 * (ipv6 ? sizeof(struct in6_addr) : sizeof(ovs_be32));

    return add_bytes(l3 + src, n)
           + add_bytes((const uint8_t *) tail, sizeof tail);
}

static void
fill_sctp(uint8_t *l4, size_t len)
{
    uint8_t *field = l4 + field_ofs(OVL_CSUM_SCTP);
    ovs_be32 crc = 0;

    memcpy(field, &crc, sizeof crc);
    crc = crc32c(l4, len);
    memcpy(field, &crc, sizeof crc);
}

void
ovl_l4_csum_fill(uint8_t *l3, bool ipv6, size_t l3_len, size_t len,
                 enum ovl_l4_csum csum)
{
    uint8_t *l4 = l3 + l3_len;
    size_t l4_len = len - l3_len;
    uint16_t sum = 0;

    if (csum == OVL_CSUM_SCTP) {
        fill_sctp(l4, l4_len);
        return;
    }

    memcpy(l4 + field_ofs(csum), &sum, sizeof sum);
    sum = ~fold(add_pseudo_header(l3, ipv6, l4_len, csum)
                + add_bytes(l4, l4_len));
    if (!sum && csum == OVL_CSUM_UDP) {
        sum = 0xffff;           /* RFC 768: zero says that there is none. */
    }
    memcpy(l4 + field_ofs(csum), &sum, sizeof sum);
}

void
ovl_l4_csum_prepare(uint8_t *l3, bool ipv6, size_t l3_len, size_t len,
                    enum ovl_l4_csum csum)
{
    uint16_t sum = fold(add_pseudo_header(l3, ipv6, len - l3_len, csum));

    memcpy(l3 + l3_len + field_ofs(csum), &sum, sizeof sum);
}
