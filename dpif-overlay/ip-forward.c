/* SPDX-License-Identifier: Apache-2.0 */

/* Edits and cuts IP packets.
 *
 * Prefix: ovl_ip_. */

#include <config.h>

#include "csum.h"
#include "ip-forward.h"
#include "pkt-buffer.h"

/* RFC 791 section 3.1: the copied flag of an option, and those without a
 * length. */
#define OPT_COPIED 0x80
#define OPT_END 0
#define OPT_NOP 1

#define FRAGMENT_UNIT 8

void
ovl_ip_rewrite(struct dp_packet *packet, const struct ovl_pkt *pkt,
               const struct ovl_pkt_router *router, struct eth_addr dst,
               struct eth_addr src)
{
    uint8_t *data = ovl_pkt_data(packet);
    uint8_t *l3 = data + ETH_HEADER_LEN;

    dp_packet_set_size(packet, ETH_HEADER_LEN + router->len);
    OVL_PUT(data, struct eth_header, eth_dst, dst);
    OVL_PUT(data, struct eth_header, eth_src, src);
    OVL_PUT(data, struct eth_header, eth_type, pkt->type);
    if (pkt->l3 == OVL_L3_IPV4) {
        ovs_be16 sum;

        /* RFC 1624 equation 3. */
        memcpy(&sum, l3 + offsetof(struct ip_header, ip_csum), sizeof sum);
        sum = recalc_csum16(sum, htons(pkt->ip.ttl << 8),
                            htons((pkt->ip.ttl - 1) << 8));
        OVL_PUT(l3, struct ip_header, ip_csum, sum);
        OVL_PUT(l3, struct ip_header, ip_ttl, pkt->ip.ttl - 1);
    } else {
        l3[offsetof(struct ovs_16aligned_ip6_hdr, ip6_hlim)]--;
    }
}

/* Writes to 'dst' the options that every fragment has, padded, and returns
 * their length. */
static size_t
copied_options(const uint8_t *options, size_t len, uint8_t *dst)
{
    size_t n = 0;

    for (size_t i = 0; i < len && options[i] != OPT_END; ) {
        size_t size = options[i] == OPT_NOP ? 1 : options[i + 1];

        if (options[i] & OPT_COPIED) {
            memcpy(dst + n, &options[i], size);
            n += size;
        }
        i += size;
    }
    while (n % 4) {
        dst[n++] = OPT_END;
    }
    return n;
}

struct dp_packet *
ovl_ip_next_fragment(struct ovl_worker *worker,
                     const struct dp_packet *packet, uint16_t mtu, size_t *ofs)
{
    const uint8_t *frame = ovl_pkt_data(packet);
    const uint8_t *l3 = frame + ETH_HEADER_LEN;
    uint8_t header[60];         /* With options. */
    struct ip_header ip;

    memcpy(&ip, l3, sizeof ip);
    size_t old_len = IP_IHL(ip.ip_ihl_ver) * 4;
    size_t header_len = sizeof ip;
    header_len += (*ofs
                   ? copied_options(l3 + sizeof ip, old_len - sizeof ip,
                                    header + sizeof ip)
                   : old_len - sizeof ip);
    if (!*ofs) {
        memcpy(header + sizeof ip, l3 + sizeof ip, old_len - sizeof ip);
    }

    size_t payload = dp_packet_size(packet) - ETH_HEADER_LEN - old_len;
    size_t room = (mtu - header_len) / FRAGMENT_UNIT * FRAGMENT_UNIT;
    size_t n = MIN(room, payload - *ofs);
    bool last = *ofs + n == payload;

    uint16_t frag = ntohs(ip.ip_frag_off);
    uint16_t units = (frag & IP_FRAG_OFF_MASK) + *ofs / FRAGMENT_UNIT;
    bool more = !last || frag & IP_MORE_FRAGMENTS;
    ip.ip_frag_off = htons(units | (more ? IP_MORE_FRAGMENTS : 0));
    ip.ip_ihl_ver = IP_IHL_VER(header_len / 4, 4);
    ip.ip_tot_len = htons(header_len + n);
    ip.ip_csum = 0;
    memcpy(header, &ip, sizeof ip);
    ip.ip_csum = csum(header, header_len);
    memcpy(header, &ip, sizeof ip);

    struct dp_packet *fragment
        = ovl_pkt_buffer(worker, packet, ETH_HEADER_LEN + header_len + n);
    if (OVS_LIKELY(fragment)) {
        dp_packet_put(fragment, frame, ETH_HEADER_LEN);
        dp_packet_put(fragment, header, header_len);
        dp_packet_put(fragment, l3 + old_len + *ofs, n);
    }
    *ofs = last ? 0 : *ofs + n;
    return fragment;
}
