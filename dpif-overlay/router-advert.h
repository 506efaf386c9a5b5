/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_ROUTER_ADVERT_H
#define OVL_ROUTER_ADVERT_H 1

/* What the router of a network says of itself to hosts that speak IPv6:
 * router advertisements, RFC 4861 section 4.2.
 *
 *     field                     says
 *     ------------------------  --------------------------------------------
 *     source                    the link-local address made from the router
 *                               MAC, which is also in the option for that
 *     Cur Hop Limit             64
 *     M, O, preference          none: RFC 4861 section 6.2.1, RFC 4191
 *     Router Lifetime           'ra_lifetime' of the network
 *     Reachable, Retrans        unspecified
 *     MTU                       the largest packet of the network that every
 *                               member gets; see ovl_ra_init()
 *     Prefix Information        one for each prefix of an IPv6 gateway: on
 *                               the link; hosts may make addresses in it
 *                               only where the network says so, because a
 *                               binding would drop what they send from them
 *
 * responder.h says which solicitations are answered, advertiser.h when
 * nobody has asked.
 *
 * Thread-safety: pure functions.
 *
 * Layer 2. */

#include <stdbool.h>
#include <stdint.h>

#include "overlay-types.h"

struct dp_packet;
struct ovl_config;
struct ovl_network;
struct ovl_pkt;

/* What fits in 1280 bytes, the least that an IPv6 link takes, with all else
 * that is said.  Hosts reach what is in further prefixes through the
 * router. */
#define OVL_RA_MAX_PREFIXES 37

struct ovl_ra_prefix {
    struct in6_addr addr;       /* Without host bits. */
    uint8_t plen;
    bool autonomous;            /* A flag. */
    bool withdrawn;             /* Not valid any more: lifetimes of 0. */
};

struct ovl_ra {
    struct eth_addr mac;        /* The router's. */
    uint16_t lifetime;          /* s. */
    uint16_t mtu;               /* 0: not said. */
    uint16_t n_prefixes;
    struct ovl_ra_prefix prefixes[OVL_RA_MAX_PREFIXES];
};

/* Returns the size of the largest inner IP packet that fits the tunnels of
 * 'config', 0 if there are none.  Of two families the larger header
 * counts. */
uint16_t ovl_ra_tunnel_mtu(const struct ovl_config *);

/* Fills '*ra' in with what the router of 'net' says.  The MTU is that of the
 * network, or of the tunnels if that is less; none is said if it is less
 * than hosts may believe (RFC 4861 section 6.3.4). */
void ovl_ra_init(struct ovl_ra *ra, const struct ovl_network *net,
                 const struct ovl_config *);

/* Returns true if 'prefix' is one of those of 'ra', withdrawn or not. */
bool ovl_ra_has_prefix(const struct ovl_ra *,
                       const struct ovl_ra_prefix *prefix);

/* Returns true if a host that is told 'b' after 'a' learns nothing. */
bool ovl_ra_equal(const struct ovl_ra *a, const struct ovl_ra *b);

/* Makes the advertisement 'ra': to all nodes, or, if 'rs' is nonnull, to who
 * has sent that solicitation.  If its sender had no address yet the answer is
 * to all nodes, too.  The caller owns the packet. */
struct dp_packet *ovl_ra_compose(const struct ovl_ra *ra,
                                 const struct ovl_pkt *rs);

#endif /* router-advert.h */
