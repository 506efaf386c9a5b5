/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: ovl_ra_. */

#include <config.h>

#include "router-advert.h"

#include <netinet/icmp6.h>

#include "dp-packet.h"
#include "forwarding.h"
#include "pkt-parse.h"
#include "vxlan.h"

#define CUR_HOP_LIMIT 64
#define MIN_MTU6 1280           /* RFC 8200 section 5. */

/* RFC 4861 section 6.2.1: AdvValidLifetime, AdvPreferredLifetime, in s. */
#define VALID_LIFETIME 2592000
#define PREFERRED_LIFETIME 604800

/* RFC 4862 section 5.5.3: prefix and interface identifier make 128 bits, and
 * an Ethernet's identifier has 64 (RFC 2464 section 4). */
#define AUTONOMOUS_PLEN 64

BUILD_ASSERT_DECL(IPV6_HEADER_LEN + RA_MSG_LEN + ND_LLA_OPT_LEN
                  + ND_MTU_OPT_LEN + OVL_RA_MAX_PREFIXES * ND_PREFIX_OPT_LEN
                  <= MIN_MTU6);

uint16_t
ovl_ra_tunnel_mtu(const struct ovl_config *config)
{
    uint16_t mtu = config->uplink ? ovl_lport_mtu(config->uplink) : 0;
    bool v6 = ipv6_addr_is_set(&config->vtep6);

    if (!v6 && !ipv6_addr_is_set(&config->vtep4)) {
        return 0;
    }

    uint16_t overhead = v6 ? OVL_VXLAN6_OVERHEAD : OVL_VXLAN4_OVERHEAD;

    return mtu > overhead ? MIN(mtu, OVL_OUTER_MTU_MAX) - overhead : 0;
}

static bool
prefix_equal(const struct ovl_ra_prefix *a, const struct ovl_ra_prefix *b)
{
    return a->plen == b->plen && ipv6_addr_equals(&a->addr, &b->addr);
}

bool
ovl_ra_has_prefix(const struct ovl_ra *ra, const struct ovl_ra_prefix *prefix)
{
    for (size_t i = 0; i < ra->n_prefixes; i++) {
        if (prefix_equal(&ra->prefixes[i], prefix)) {
            return true;
        }
    }
    return false;
}

/* RFC 4861 section 4.6.2: not the link-local prefix, which all links have. */
static void
add_prefix(struct ovl_ra *ra, const struct ovl_gateway *gw, bool autonomous)
{
    struct in6_addr mask = ipv6_create_mask(gw->plen);
    struct ovl_ra_prefix prefix = {
        .addr = ipv6_addr_bitand(&gw->ip, &mask),
        .plen = gw->plen,
        .autonomous = autonomous && gw->plen == AUTONOMOUS_PLEN,
    };

    if (!ovl_ip_is_v4(&gw->ip) && !IN6_IS_ADDR_LINKLOCAL(&gw->ip)
        && ra->n_prefixes < OVL_RA_MAX_PREFIXES
        && !ovl_ra_has_prefix(ra, &prefix)) {
        ra->prefixes[ra->n_prefixes++] = prefix;
    }
}

void
ovl_ra_init(struct ovl_ra *ra, const struct ovl_network *net,
            const struct ovl_config *config)
{
    uint16_t tunnel_mtu = ovl_ra_tunnel_mtu(config);
    uint16_t mtu = (!net->mtu ? tunnel_mtu
                    : !tunnel_mtu ? net->mtu : MIN(net->mtu, tunnel_mtu));

    ra->mac = net->router_mac;
    ra->lifetime = net->ra_lifetime;
    ra->mtu = mtu >= MIN_MTU6 ? mtu : 0;
    ra->n_prefixes = 0;
    for (size_t i = 0; i < net->n_gateways; i++) {
        add_prefix(ra, &net->gateways[i], net->ra_autonomous);
    }
}

bool
ovl_ra_equal(const struct ovl_ra *a, const struct ovl_ra *b)
{
    if (!eth_addr_equals(a->mac, b->mac) || a->lifetime != b->lifetime
        || a->mtu != b->mtu || a->n_prefixes != b->n_prefixes) {
        return false;
    }
    for (size_t i = 0; i < a->n_prefixes; i++) {
        const struct ovl_ra_prefix *p = &a->prefixes[i];
        const struct ovl_ra_prefix *q = &b->prefixes[i];

        if (!prefix_equal(p, q) || p->autonomous != q->autonomous
            || p->withdrawn != q->withdrawn) {
            return false;
        }
    }
    return true;
}

static void
put_prefix(struct dp_packet *packet, const struct ovl_ra_prefix *p)
{
    ovs_be128 addr;

    memcpy(&addr, &p->addr, sizeof addr);
    packet_put_ra_prefix_opt(
        packet, p->plen,
        ND_OPT_PI_FLAG_ONLINK | (p->autonomous ? ND_OPT_PI_FLAG_AUTO : 0),
        htonl(p->withdrawn ? 0 : VALID_LIFETIME),
        htonl(p->withdrawn ? 0 : PREFERRED_LIFETIME), addr);
}

struct dp_packet *
ovl_ra_compose(const struct ovl_ra *ra, const struct ovl_pkt *rs)
{
    struct dp_packet *packet = dp_packet_new(0);
    struct in6_addr dst = in6addr_all_hosts;
    struct eth_addr eth_dst;
    struct in6_addr src;

    ipv6_multicast_to_ethernet(&eth_dst, &dst);
    if (rs && ipv6_addr_is_set(&rs->ip.src)) {
        dst = rs->ip.src;
        eth_dst = rs->src;
    }
    in6_generate_lla(ra->mac, &src);
    compose_nd_ra(packet, ra->mac, eth_dst, &src, &dst, CUR_HOP_LIMIT, 0,
                  htons(ra->lifetime), htonl(0), htonl(0), ra->mtu);
    for (size_t i = 0; i < ra->n_prefixes; i++) {
        put_prefix(packet, &ra->prefixes[i]);
    }
    return packet;
}
