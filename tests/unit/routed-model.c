/* SPDX-License-Identifier: Apache-2.0 */

/* RFC 792, RFC 1812, RFC 4443, RFC 8200. */

#include <config.h>

#include "routed-model.h"

#include "util.h"

static uint16_t
get16(const uint8_t *p)
{
    return p[0] << 8 | p[1];
}

static bool
is_v4(const struct in6_addr *ip)
{
    return IN6_IS_ADDR_V4MAPPED(ip);
}

static bool
same_ip(const struct in6_addr *a, const char *b_s)
{
    struct in6_addr b = world_ip(b_s);

    return !memcmp(a, &b, sizeof b);
}

/* True if the first 'plen' bits are the same; for IPv4, of IPv4. */
static bool
in_prefix(const struct in6_addr *ip, const char *prefix_s, int plen)
{
    struct in6_addr prefix = world_ip(prefix_s);

    if (is_v4(ip) != is_v4(&prefix)) {
        return false;
    }
    plen += is_v4(ip) ? 96 : 0;
    for (int bit = 0; bit < plen; bit++) {
        if ((ip->s6_addr[bit / 8] ^ prefix.s6_addr[bit / 8])
            & 0x80 >> bit % 8) {
            return false;
        }
    }
    return true;
}

/* RFC 1812 section 4.3.2.7, RFC 4443 section 2.4 (e). */
static bool
may_be_told(const struct ip_packet *p)
{
    return (!ip_packet_is_error(p) && !p->later_fragment
            && p->proto != 2);  /* IGMP. */
}

/* Addresses. */

static bool
is_unusable(const struct in6_addr *ip, bool v4)
{
    if (v4) {
        uint8_t net = ip->s6_addr[12];

        return net == 0 || net == 127 || net >= 224;
    }
    return (IN6_IS_ADDR_UNSPECIFIED(ip) || IN6_IS_ADDR_LOOPBACK(ip)
            || IN6_IS_ADDR_MULTICAST(ip) || IN6_IS_ADDR_V4MAPPED(ip));
}

static bool
is_gateway(const struct routed_network *net, const struct in6_addr *ip)
{
    for (size_t i = 0; i < ROUTED_MAX_GATEWAYS && net->gateways[i].ip; i++) {
        if (same_ip(ip, net->gateways[i].ip)) {
            return true;
        }
    }
    return false;
}

static bool
is_broadcast(const struct routed_network *net, const struct in6_addr *ip)
{
    for (size_t i = 0; i < ROUTED_MAX_GATEWAYS && net->gateways[i].ip; i++) {
        int plen = net->gateways[i].plen;

        if (is_v4(ip) && plen < 31 && in_prefix(ip, net->gateways[i].ip, plen)
            && (uint32_t) (get16(&ip->s6_addr[12]) << 16
                           | get16(&ip->s6_addr[14])) << plen
               == UINT32_MAX << plen) {
            return true;
        }
    }
    return false;
}

bool
routed_is_error_source(const struct routed_network *net,
                       const struct ip_packet *p,
                       const struct in6_addr *ip, bool *exists)
{
    const struct routed_network *nets[] = { net, routed_network(100),
                                            routed_network(200) };

    *exists = false;
    for (size_t i = 0; i < ARRAY_SIZE(nets) && !*exists; i++) {
        for (size_t j = 0; (nets[i]->vrf == net->vrf
                            && j < ROUTED_MAX_GATEWAYS
                            && nets[i]->gateways[j].ip); j++) {
            struct in6_addr gw = world_ip(nets[i]->gateways[j].ip);

            if (is_v4(&gw) == p->v4 && !IN6_IS_ADDR_LINKLOCAL(&gw)) {
                *exists = true;
                if (!memcmp(&gw, ip, sizeof gw)) {
                    return true;
                }
            }
        }
    }
    return false;
}

/* Outcomes. */

static void
add(struct routed_expectation *e, struct routed_outcome outcome)
{
    ovs_assert(e->n < ROUTED_MAX_OUTCOMES);
    e->outcomes[e->n++] = outcome;
}

static void
add_error(struct routed_expectation *e, const struct routed_network *net,
          int type4, int code4, int type6, int code6, uint32_t word,
          bool from_dst)
{
    bool exists;

    routed_is_error_source(net, &e->packet, &in6addr_any, &exists);
    if (!may_be_told(&e->packet) || is_broadcast(net, &e->packet.dst)
        || !(exists || (from_dst && !e->packet.v4))) {
        add(e, (struct routed_outcome) { .kind = ROUTED_NOTHING });
        return;
    }
    add(e, (struct routed_outcome) {
        .kind = ROUTED_ERROR, .type = e->packet.v4 ? type4 : type6,
        .code = e->packet.v4 ? code4 : code6, .word = word,
        .from_dst = from_dst,
    });
}

/* To a gateway address: ping, and nothing else. */
static void
expect_gateway(struct routed_expectation *e, const struct routed_network *net)
{
    const struct ip_packet *p = &e->packet;

    if (ip_packet_is_icmp(p) && p->l4[0] == (p->v4 ? 8 : 128) && !p->fragment
        && p->l4_len >= 8 && ip_packet_icmp_sum_is_right(p)) {
        add(e, (struct routed_outcome) { .kind = ROUTED_ECHO });
    } else if (p->fragment || p->proto == (p->v4 ? 1 : 58) || p->proto < 0
               || (!p->v4 && p->proto == 59)) {
        /* RFC 8200 section 4.7: nothing follows that could be missed. */
        add(e, (struct routed_outcome) { .kind = ROUTED_NOTHING });
    } else if (p->proto == 6 || p->proto == 17) {
        add_error(e, net, 3, 3, 1, 4, 0, true);
    } else {
        add_error(e, net, 3, 2, 4, 1, p->v4 ? 0 : p->proto_ofs, true);
    }
}

/* By way of neighbor 'ip' of network 'vni'.  Returns whether that resolves. */
static bool
expect_hop(struct routed_expectation *e, const struct routed_network *net,
           uint32_t vni, const struct in6_addr *ip)
{
    const struct routed_network *to = routed_network(vni);
    const struct routed_host *h = routed_hosts;
    const struct ip_packet *p = &e->packet;

    while (h->vni && !(h->vni == vni
                       && (same_ip(ip, h->ip)
                           || (h->ip6 && same_ip(ip, h->ip6))))) {
        h++;
    }
    if (!to || !h->vni || h->shared
        || (h->port == NO_PORT && h->vtep == NO_VTEP)) {
        add_error(e, net, 3, 1, 1, 3, 0, false);
        return false;
    } else if (h->vtep == VTEP_UNRESOLVED) {
        add(e, (struct routed_outcome) { .kind = ROUTED_NOTHING });
        return false;
    }

    uint16_t mtu = (h->port != NO_PORT ? 1500
                    : h->vtep == VTEP_6 ? 1500 - 70 : 1500 - 50);
    mtu = to->mtu && to->mtu < mtu ? to->mtu : mtu;
    if (p->len > mtu && (!p->v4 || p->ip[6] & 0x40)) {
        /* RFC 1191, RFC 8201 section 4. */
        add_error(e, net, 3, 4, 2, 0, p->v4 ? mtu : MAX(mtu, 1280), false);
    } else {
        add(e, (struct routed_outcome) {
            .kind = ROUTED_FORWARD, .host = h, .mtu = mtu
        });
    }
    return true;
}

/* Drops those of several next hops that do not resolve, unless none does. */
static void
keep_those_that_resolve(struct routed_expectation *e, bool resolves[])
{
    size_t n = 0;

    for (size_t i = 0; i < e->n; i++) {
        if (resolves[i]) {
            e->outcomes[n++] = e->outcomes[i];
        }
    }
    e->n = n ? n : e->n;
}

static void
expect_route(struct routed_expectation *e, const struct routed_network *net,
             const struct routed_route *route)
{
    bool resolves[ROUTED_MAX_NEXTHOPS];

    switch (route->action) {
    case OVL_ROUTE_BLACKHOLE:
        add(e, (struct routed_outcome) { .kind = ROUTED_NOTHING });
        return;
    case OVL_ROUTE_UNREACHABLE:
        add_error(e, net, 3, 1, 1, 3, 0, false);
        return;
    case OVL_ROUTE_PROHIBIT:
        add_error(e, net, 3, 13, 1, 1, 0, false);
        return;
    case OVL_ROUTE_FORWARD:
        break;
    case OVL_ROUTE_LOCAL:
    case OVL_ROUTE_CONNECTED:
        OVS_NOT_REACHED();
    }
    for (size_t i = 0; i < ROUTED_MAX_NEXTHOPS && route->nexthops[i].ip;
         i++) {
        struct in6_addr ip = world_ip(route->nexthops[i].ip);

        resolves[i] = expect_hop(e, net, route->nexthops[i].vni, &ip);
    }
    keep_those_that_resolve(e, resolves);
}

/* The longest prefix in 'vrf' decides. */
static void
expect_lookup(struct routed_expectation *e, const struct routed_network *net)
{
    const struct in6_addr *dst = &e->packet.dst;
    const struct routed_network *connected = NULL;
    const struct routed_route *best = NULL;
    int plen = -1;

    for (const struct routed_network *n = routed_networks; n->vni; n++) {
        for (size_t i = 0; (n->vrf == net->vrf && i < ROUTED_MAX_GATEWAYS
                            && n->gateways[i].ip); i++) {
            if (strncmp(n->gateways[i].ip, "fe80:", 5)
                && in_prefix(dst, n->gateways[i].ip, n->gateways[i].plen)
                && n->gateways[i].plen > plen) {
                connected = n;
                plen = n->gateways[i].plen;
            }
        }
    }
    for (const struct routed_route *r = routed_routes; r->vrf; r++) {
        if (r->vrf == net->vrf && in_prefix(dst, r->ip, r->plen)
            && r->plen > plen) {
            best = r;
            plen = r->plen;
        }
    }

    if (!best && connected && is_gateway(connected, dst)) {
        expect_gateway(e, net);
    } else if (!best && connected && is_broadcast(connected, dst)) {
        add(e, (struct routed_outcome) { .kind = ROUTED_NOTHING });
    } else if (e->packet.ttl <= 1) {
        add_error(e, net, 11, 0, 3, 0, 0, false);
    } else if (best) {
        expect_route(e, net, best);
    } else if (connected) {
        expect_hop(e, net, connected->vni, dst);
    } else {
        add_error(e, net, 3, 0, 1, 0, 0, false);
    }
}

static bool
is_nobodys(const uint8_t *mac)
{
    return mac[0] & 1 || !memcmp(mac, "\0\0\0\0\0", 6);
}

static bool
is_known(const char *vtep)
{
    for (size_t i = 0; i < ROUTED_N_VTEPS; i++) {
        if (!strcmp(vtep, routed_vteps[i])) {
            return true;
        }
    }
    return false;
}

/* Believes the packet as far as it may be believed.  Returns false if it goes
 * no further. */
static bool
check_packet(const struct routed_arrival *a, const struct routed_network *net,
             const struct frame *plain, struct routed_expectation *e)
{
    struct ip_packet *p = &e->packet;

    if (!ip_packet_parse(plain, p)) {
        return false;
    }
    e->unknown = (!p->v4 && ip_packet_is_icmp(p) && p->l4[0] >= 133
                  && p->l4[0] <= 137);
    return (!e->unknown
            && !is_unusable(&p->src, p->v4) && !is_unusable(&p->dst, p->v4)
            && !is_broadcast(net, &p->src)
            && !(a->port != NO_PORT && is_gateway(net, &p->src)));
}

struct routed_expectation
routed_expect(const struct routed_arrival *a, const struct frame *plain)
{
    const struct routed_network *net = routed_network(a->vni);
    struct routed_expectation e = { .unknown = false };
    struct eth_addr mac = mac_from(net->mac);
    uint16_t type = plain->len >= 14 ? frame_get16(plain, 12) : 0;

    if (plain->len < 14 || is_nobodys(plain->data + 6)
        || (a->port == NO_PORT && !is_known(a->vtep))
        || !memcmp(plain->data, plain->data + 6, 6)) {
        return e;
    } else if (memcmp(plain->data, &mac, 6) || type == 0x0806) {
        e.unknown = true;
        return e;
    } else if ((type != 0x0800 && type != 0x86dd)
               || !check_packet(a, net, plain, &e)) {
        return e;
    }

    const struct ip_packet *p = &e.packet;
    if (is_gateway(net, &p->dst)) {
        expect_gateway(&e, net);
    } else if (net->vrf == VRF_NONE) {
        add_error(&e, net, 3, 0, 1, 0, 0, false);
    } else if (IN6_IS_ADDR_LINKLOCAL(&p->src)
               || IN6_IS_ADDR_LINKLOCAL(&p->dst)) {
        add(&e, (struct routed_outcome) { .kind = ROUTED_NOTHING });
    } else {
        expect_lookup(&e, net);
    }
    return e;
}
