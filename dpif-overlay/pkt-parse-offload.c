/* SPDX-License-Identifier: Apache-2.0 */

/* Parses what has to be finished of a frame.  The headers say where it is; of
 * what its sender says beside them, as a guest does in a virtio header, only
 * that something is missing counts, and how large segments are to be.
 *
 * Prefix: ovl_pkt_. */

#include <config.h>

#include <netinet/ip6.h>

#include "pkt-parse-load.h"

/* What a sender may have us make of one packet: as much as a 64 kB packet of
 * a path with the smallest MTU that is in use is cut into, roughly. */
#define MAX_SEGMENTS 256

/* The smallest MTUs: RFC 791 section 3.2 and RFC 8200 section 5. */
#define MIN_MTU4 576
#define MIN_MTU6 1280

/* Finds IP packet and transport header.  Returns false if something is
 * missing. */
static bool
find_l4(const struct ovl_bytes *b, const struct ovl_pkt *pkt,
        struct ovl_offload *o)
{
    size_t l3 = pkt->l3_ofs;

    if (pkt->l3 == OVL_L3_IPV4) {
        struct ip_header h;

        if (!load(b, l3, &h, sizeof h)) {
            return false;
        }
        o->l3_len = IP_IHL(h.ip_ihl_ver) * 4;
        o->len = ntohs(h.ip_tot_len);
    } else {
        struct ovs_16aligned_ip6_hdr h;

        if (!load(b, l3, &h, sizeof h)
            || ntohs(h.ip6_plen) > UINT16_MAX - sizeof h) {
            return false;
        }
        o->ipv6 = true;
        o->len = sizeof h + ntohs(h.ip6_plen);
        o->l3_len = ovl_ip6_walk(b, l3 + sizeof h, h.ip6_nxt).ofs - l3;
    }
    return l3 + o->len <= b->len;
}

/* Returns true if the header of 'o->csum' is whole, and is what 'proto'
 * says. */
static bool
is_whole(const struct ovl_offload *o, uint8_t proto)
{
    size_t room = o->len > o->l3_len ? o->len - o->l3_len : 0;

    switch (o->csum) {
    case OVL_CSUM_TCP:
        return proto == IPPROTO_TCP && room >= TCP_HEADER_LEN;
    case OVL_CSUM_UDP:
        return proto == IPPROTO_UDP && room >= UDP_HEADER_LEN;
    case OVL_CSUM_SCTP:
        return proto == IPPROTO_SCTP && room >= SCTP_HEADER_LEN;
    case OVL_CSUM_NONE:
    case OVL_CSUM_UNKNOWN:
        break;
    }
    return false;
}

/* Looks at what has to be cut. */
static bool
parse_cut(const struct ovl_bytes *b, const struct ovl_pkt *pkt,
          struct ovl_offload *o)
{
    struct tcp_header tcp;

    if (o->csum != OVL_CSUM_TCP
        || !load(b, pkt->l3_ofs + o->l3_len, &tcp, sizeof tcp)) {
        return false;
    }
    o->l4_len = TCP_OFFSET(tcp.tcp_ctl) * 4;

    size_t headers = o->l3_len + o->l4_len;
    if (o->l4_len < TCP_HEADER_LEN || headers > o->len) {
        return false;
    }

    size_t payload = o->len - headers;
    if (o->mss && payload > o->mss) {
        return DIV_ROUND_UP(payload, o->mss) <= MAX_SEGMENTS;
    }
    if (o->mss) {
        o->cut = false;         /* It is one segment. */
    }
    return true;
}

/* How much longer it is than its longest segment. */
static size_t
excess(const struct ovl_offload *o)
{
    size_t longest = (o->mss ? o->l3_len + o->l4_len + o->mss
                      : o->ipv6 ? MIN_MTU6 : MIN_MTU4);

    return o->cut && o->len > longest ? o->len - longest : 0;
}

bool
ovl_pkt_parse_offload(const void *data, const struct ovl_offload *asked,
                      struct ovl_pkt *pkt)
{
    const struct ovl_bytes b = { data, pkt->len };
    struct ovl_offload o = *asked;

    if ((pkt->l3 != OVL_L3_IPV4 && pkt->l3 != OVL_L3_IPV6) || pkt->l3_bad
        || pkt->ip.fragment || !find_l4(&b, pkt, &o)
        || !is_whole(&o, pkt->ip.proto)
        || (o.cut && !parse_cut(&b, pkt, &o))) {
        return false;
    }
    pkt->offload = o;
    pkt->excess = excess(&o);
    return true;
}
