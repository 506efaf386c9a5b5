/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: ovl_parse_, ovl_parsed_.
 *
 * Networks, routes, neighbors and MACs.  Bridges and ports, which have more
 * to say, are in row-parse-port.c.
 *
 * A key's text is needed for an error only, so it is made then: a row that is
 * fine costs no formatting. */

#include <config.h>

#include "row-parse.h"

#include <stdlib.h>
#include <string.h>

#include "packets.h"
#include "row-error.h"
#include "text-parse.h"
#include "util.h"

/* RFC 791 section 3.1: every host takes 68 bytes.  RFC 8200 section 5: an
 * IPv6 link has 1280. */
#define MIN_MTU 68
#define MIN_MTU6 1280
#define MAX_MTU 65535

/* What packets are for is compared with each of them. */
#define MAX_GATEWAYS 1024

static bool
vni_is_ok(int64_t vni)
{
    return vni >= OVL_VNI_MIN && vni <= OVL_VNI_MAX;
}

static char *
bad_vni(const char *key, int64_t vni)
{
    return ovl_row_bad_number(key, "vni", vni, OVL_VNI_MIN, OVL_VNI_MAX);
}

/* Frees 'key' after use. */
static char *
bad_text(char *key, const char *column, const char *value, const char *why)
{
    char *error = ovl_row_bad_text(key, column, value, why);

    free(key);
    return error;
}

static int
compare_ips(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct in6_addr));
}

/* Sorts 'ips' and drops repeats; returns how many are left. */
static size_t
sort_ips(struct in6_addr *ips, size_t n)
{
    size_t n_unique = 0;

    if (n > 1) {
        qsort(ips, n, sizeof *ips, compare_ips);
    }
    for (size_t i = 0; i < n; i++) {
        if (!n_unique || !ipv6_addr_equals(&ips[n_unique - 1], &ips[i])) {
            ips[n_unique++] = ips[i];
        }
    }
    return n_unique;
}

/* Parses 'texts' into a new sorted array of unicast addresses.  Returns what
 * is wrong with '*bad'. */
static const char *
parse_ips(const struct ovl_strings *texts, struct in6_addr **ips, size_t *n,
          const char **bad)
{
    *ips = texts->n ? xmalloc(texts->n * sizeof **ips) : NULL;
    *n = 0;
    for (size_t i = 0; i < texts->n; i++) {
        const char *why = ovl_text_to_unicast_ip(texts->s[i], &(*ips)[i]);

        if (why) {
            *bad = texts->s[i];
            return why;
        }
    }
    *n = sort_ips(*ips, texts->n);
    return NULL;
}

/* Networks. */

/* The whole of a prefix of 0 bits cannot be one network's. */
static const char *
check_gateway(const struct in6_addr *ip, uint8_t plen)
{
    bool v4 = ovl_ip_is_v4(ip);

    if (!ovl_ip_is_host(ip)) {
        return "not an address that a gateway can have (expected unicast)";
    } else if (plen == (v4 ? 96 : 0)) {
        return "a prefix length of 0 (expected that of the network)";
    } else if (plen >= 127) {
        return NULL;            /* RFC 3021, RFC 6164. */
    } else if (!ovl_prefix_has_host_bits(ip, plen)) {
        return "the address of the network itself "
               "(expected a host's address in it, e.g. 10.1.0.1/24)";
    } else if (v4 && ovl_prefix_host_bits_are_ones(ip, plen)) {
        return "the broadcast address of the network "
               "(expected a host's address in it, e.g. 10.1.0.1/24)";
    }
    return NULL;
}

static int
compare_gateways(const void *a_, const void *b_)
{
    const struct ovl_gateway *a = a_;
    const struct ovl_gateway *b = b_;

    return memcmp(&a->ip, &b->ip, sizeof a->ip);
}

static char *
parse_gateways(const struct ovl_row_network *row,
               struct ovl_parsed_network *p)
{
    const struct ovl_strings *texts = &row->gateway_ips;

    if (texts->n > MAX_GATEWAYS) {
        return xasprintf("Overlay_Network %"PRIu32": gateway_ips: too many "
                         "(expected at most %d)", p->vni, MAX_GATEWAYS);
    }
    p->gateways = texts->n ? xcalloc(texts->n, sizeof *p->gateways) : NULL;
    for (size_t i = 0; i < texts->n; i++) {
        struct ovl_gateway *gw = &p->gateways[i];
        const char *why = ovl_text_to_ip_len(texts->s[i], &gw->ip, &gw->plen);

        if (!why) {
            why = check_gateway(&gw->ip, gw->plen);
        }
        if (why) {
            return bad_text(ovl_key_network(p->vni), "gateway_ips",
                            texts->s[i], why);
        }
    }

    p->n_gateways = texts->n;
    if (p->n_gateways > 1) {
        qsort(p->gateways, p->n_gateways, sizeof *p->gateways,
              compare_gateways);
    }
    for (size_t i = 1; i < p->n_gateways; i++) {
        if (!compare_gateways(&p->gateways[i - 1], &p->gateways[i])) {
            char ip[INET6_ADDRSTRLEN];

            ipv6_string_mapped(ip, &p->gateways[i].ip);
            return bad_text(ovl_key_network(p->vni), "gateway_ips", ip,
                            "listed twice (expected each address once)");
        }
    }
    return NULL;
}

static bool
has_gateway6(const struct ovl_parsed_network *p)
{
    for (size_t i = 0; i < p->n_gateways; i++) {
        if (!ovl_ip_is_v4(&p->gateways[i].ip)) {
            return true;
        }
    }
    return false;
}

static char *
parse_mtu(const struct ovl_row_network *row, struct ovl_parsed_network *p)
{
    if (!row->mtu) {
        return NULL;
    }

    bool v6 = has_gateway6(p);
    if (*row->mtu < (v6 ? MIN_MTU6 : MIN_MTU) || *row->mtu > MAX_MTU) {
        char *key = ovl_key_network(p->vni);
        char *error = ovl_row_bad_number(key, v6 ? "with an IPv6 gateway, mtu"
                                         : "mtu", *row->mtu,
                                         v6 ? MIN_MTU6 : MIN_MTU, MAX_MTU);

        free(key);
        return error;
    }
    p->mtu = *row->mtu;
    return NULL;
}

/* Sets '*value' to whether 'text' is 'yes'; NULL and 'no' are not. */
static bool
parse_choice(const char *text, const char *yes, const char *no, bool *value)
{
    *value = text && !strcmp(text, yes);
    return !text || *value || !strcmp(text, no);
}

/* Sets '*value' to whether 'key' of other_config is true, 'def' if it is not
 * there. */
static char *
parse_bool_option(const struct ovl_row_network *row, const char *key,
                  bool def, bool *value)
{
    const char *text = (row->other_config
                        ? smap_get(row->other_config, key) : NULL);

    *value = text ? !strcmp(text, "true") : def;
    if (text && !*value && strcmp(text, "false")) {
        char *column = xasprintf("other_config:%s", key);
        char *error = bad_text(ovl_key_network(row->vni), column, text,
                               "unknown (expected true or false)");

        free(column);
        return error;
    }
    return NULL;
}

/* Sets '*value' to 'key' of other_config, in seconds, 'def' if it is not
 * there.  0 is fine if 'zero'. */
static char *
parse_seconds_option(const struct ovl_row_network *row, const char *key,
                     bool zero, int min, int max, int def, uint16_t *value)
{
    const char *text = (row->other_config
                        ? smap_get(row->other_config, key) : NULL);
    int seconds = def;

    if (text && !(zero && !strcmp(text, "0"))
        && !ovl_text_to_number(text, min, max, &seconds)) {
        char *column = xasprintf("other_config:%s", key);
        char *why = xasprintf("no number of seconds that is right "
                              "(expected %s%d to %d)", zero ? "0, or " : "",
                              min, max);
        char *error = bad_text(ovl_key_network(row->vni), column, text, why);

        free(column);
        free(why);
        return error;
    }
    *value = text && !strcmp(text, "0") ? 0 : seconds;
    return NULL;
}

/* Router advertisements.  RFC 4861 section 6.2.1: MaxRtrAdvInterval, and
 * AdvDefaultLifetime, which is three of these if the row does not say, and no
 * less than one, or a router would be forgotten before it is heard again. */
static char *
parse_advertise(const struct ovl_row_network *row,
                struct ovl_parsed_network *p)
{
    char *error = parse_bool_option(row, "ra", true, &p->advertise);

    if (!error) {
        error = parse_bool_option(row, "ra-autonomous", false,
                                  &p->ra_autonomous);
    }
    if (!error) {
        error = parse_seconds_option(row, "ra-interval", false,
                                     OVL_MIN_RA_INTERVAL, OVL_MAX_RA_INTERVAL,
                                     OVL_DEFAULT_RA_INTERVAL, &p->ra_interval);
    }
    if (!error) {
        error = parse_seconds_option(row, "ra-lifetime", true,
                                     p->ra_interval, OVL_MAX_RA_LIFETIME,
                                     3 * p->ra_interval, &p->ra_lifetime);
    }
    return error;
}

static char *
parse_options(const struct ovl_row_network *row,
              struct ovl_parsed_network *p)
{
    static const char drop_or_flood[] = "unknown (expected drop or flood)";

    if (!parse_choice(row->unknown_unicast, "flood", "drop",
                      &p->flood_unknown)) {
        return bad_text(ovl_key_network(p->vni), "unknown_unicast",
                        row->unknown_unicast, drop_or_flood);
    }
    if (!parse_choice(row->neigh_miss, "drop", "flood",
                      &p->neigh_miss_drop)) {
        return bad_text(ovl_key_network(p->vni), "neigh_miss",
                        row->neigh_miss, drop_or_flood);
    }
    p->neigh_suppress = !row->neigh_suppress || *row->neigh_suppress;

    char *error = parse_bool_option(row, "answer-tunnel", false,
                                    &p->answer_tunnel);
    return error ? error : parse_advertise(row, p);
}

/* VRF names show up in commands and lists. */
static const char *
check_vrf(const char *vrf)
{
    const char *why = ovl_text_check_name(vrf);

    return why ? why : strstr(vrf, "..") ? "has \"..\" (expected a name)"
           : NULL;
}

static char *
parse_names(const struct ovl_row_network *row, struct ovl_parsed_network *p)
{
    const char *name = row->name ? row->name : "";
    const char *vrf = row->vrf ? row->vrf : "";
    const char *why;

    why = name[0] ? ovl_text_check_name(name) : NULL;
    if (why) {
        return bad_text(ovl_key_network(p->vni), "name", name, why);
    }
    why = vrf[0] ? check_vrf(vrf) : NULL;
    if (why) {
        return bad_text(ovl_key_network(p->vni), "vrf", vrf, why);
    }
    p->name = xstrdup(name);
    p->vrf = xstrdup(vrf);
    return NULL;
}

static char *
parse_flood(const struct ovl_row_network *row, struct ovl_parsed_network *p)
{
    const char *bad;
    const char *why = parse_ips(&row->flood_vteps, &p->flood, &p->n_flood,
                                &bad);

    if (why) {
        return bad_text(ovl_key_network(p->vni), "flood_vteps", bad, why);
    } else if (p->n_flood > UINT16_MAX) {
        return xasprintf("Overlay_Network %"PRIu32": flood_vteps: too many",
                         p->vni);
    }
    return NULL;
}

char *
ovl_parse_network(const struct ovl_row_network *row,
                  struct ovl_parsed_network *p)
{
    const char *why;
    char *error;

    *p = (struct ovl_parsed_network) { .vni = OVL_VNI_NONE };
    if (!vni_is_ok(row->vni)) {
        return bad_vni("Overlay_Network", row->vni);
    }
    p->vni = row->vni;

    why = (row->gateway_mac
           ? ovl_text_to_unicast_mac(row->gateway_mac, &p->gateway_mac)
           : NULL);
    if (why) {
        return bad_text(ovl_key_network(p->vni), "gateway_mac",
                        row->gateway_mac, why);
    }

    error = parse_names(row, p);
    if (!error) {
        error = parse_gateways(row, p);
    }
    if (!error) {
        error = parse_flood(row, p);
    }
    if (!error) {
        error = parse_options(row, p);
    }
    if (!error) {
        error = parse_mtu(row, p);
    }
    return error;
}

void
ovl_parsed_network_uninit(struct ovl_parsed_network *p)
{
    free(p->name);
    free(p->vrf);
    free(p->gateways);
    free(p->flood);
}

/* Routes. */

static char *
parse_action(const struct ovl_row_route *row, struct ovl_parsed_route *p)
{
    static const char *const names[] = {
        [OVL_ROUTE_FORWARD] = "forward",
        [OVL_ROUTE_BLACKHOLE] = "blackhole",
        [OVL_ROUTE_UNREACHABLE] = "unreachable",
        [OVL_ROUTE_PROHIBIT] = "prohibit",
    };

    p->action = OVL_ROUTE_FORWARD;
    if (!row->action) {
        return NULL;
    }
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (!strcmp(row->action, names[i])) {
            p->action = i;
            return NULL;
        }
    }
    return bad_text(ovl_key_route(p->vrf, &p->prefix, p->plen), "action",
                    row->action, "unknown (expected forward, blackhole, "
                    "unreachable or prohibit)");
}

/* A next hop's family is the prefix's, except that an IPv6 prefix may be
 * behind an IPv4 next hop in a network that the row names. */
static char *
check_nexthop_family(const struct ovl_row_route *row,
                     const struct ovl_parsed_route *p)
{
    bool v4 = ovl_ip_is_v4(&p->prefix);

    for (size_t i = 0; i < row->nexthops.n; i++) {
        struct in6_addr ip;
        const char *why;

        if (ovl_text_to_ip(row->nexthops.s[i], &ip)
            || ovl_ip_is_v4(&ip) == v4) {
            continue;
        }
        if (v4) {
            why = "an IPv6 next hop for an IPv4 prefix (expected IPv4)";
        } else if (!p->vni) {
            why = "an IPv4 next hop for an IPv6 prefix "
                  "(expected IPv6, or a vni)";
        } else {
            continue;
        }
        return bad_text(ovl_key_route(p->vrf, &p->prefix, p->plen),
                        "nexthops", row->nexthops.s[i], why);
    }
    return NULL;
}

static char *
parse_nexthops(const struct ovl_row_route *row, struct ovl_parsed_route *p)
{
    const char *bad;
    const char *why = parse_ips(&row->nexthops, &p->nexthops, &p->n_nexthops,
                                &bad);
    const char *what = NULL;

    if (why) {
        return bad_text(ovl_key_route(p->vrf, &p->prefix, p->plen),
                        "nexthops", bad, why);
    } else if (p->n_nexthops > OVL_ROUTE_MAX_NEXTHOPS) {
        what = "nexthops: too many (expected at most 64)";
    } else if (p->action == OVL_ROUTE_FORWARD && !p->n_nexthops) {
        what = "nexthops: empty (expected a next hop, or another action "
               "than forward)";
    } else if (p->action != OVL_ROUTE_FORWARD && p->n_nexthops) {
        what = "nexthops: not empty (expected none with an action other "
               "than forward)";
    } else {
        return check_nexthop_family(row, p);
    }

    char *key = ovl_key_route(p->vrf, &p->prefix, p->plen);
    char *error = ovl_row_error(key, "%s", what);
    free(key);
    return error;
}

char *
ovl_parse_route(const struct ovl_row_route *row, struct ovl_parsed_route *p)
{
    static const char table[] = "Overlay_Route";
    const char *why;
    char *error;

    *p = (struct ovl_parsed_route) { .vni = OVL_VNI_NONE };
    why = check_vrf(row->vrf);
    if (why) {
        return ovl_row_bad_text(table, "vrf", row->vrf, why);
    }
    why = ovl_text_to_ip_len(row->prefix, &p->prefix, &p->plen);
    if (!why && ovl_prefix_has_host_bits(&p->prefix, p->plen)) {
        why = "has host bits set (expected e.g. 192.0.2.0/24)";
    }
    if (why) {
        return ovl_row_bad_text(table, "prefix", row->prefix, why);
    }
    p->vrf = xstrdup(row->vrf);

    if (row->vni && !vni_is_ok(*row->vni)) {
        char *key = ovl_key_route(p->vrf, &p->prefix, p->plen);

        error = bad_vni(key, *row->vni);
        free(key);
        return error;
    }
    p->vni = row->vni ? *row->vni : OVL_VNI_NONE;

    error = parse_action(row, p);
    return error ? error : parse_nexthops(row, p);
}

void
ovl_parsed_route_uninit(struct ovl_parsed_route *p)
{
    free(p->vrf);
    free(p->nexthops);
}

/* Neighbors. */

char *
ovl_parse_neighbor(const struct ovl_row_neighbor *row,
                   struct ovl_parsed_neighbor *p)
{
    static const char table[] = "Overlay_Neighbor";
    const char *why;

    if (!vni_is_ok(row->vni)) {
        return bad_vni(table, row->vni);
    }
    *p = (struct ovl_parsed_neighbor) {
        .vni = row->vni,
        .router = row->router,
    };

    why = ovl_text_to_unicast_ip(row->ip, &p->ip);
    if (why) {
        return ovl_row_bad_text(table, "ip", row->ip, why);
    }
    why = ovl_text_to_unicast_mac(row->mac, &p->mac);
    if (why) {
        return bad_text(ovl_key_neighbor(p->vni, &p->ip), "mac", row->mac,
                        why);
    }
    return NULL;
}

/* MACs. */

char *
ovl_parse_mac(const struct ovl_row_mac *row, struct ovl_parsed_mac *p)
{
    static const char table[] = "Overlay_MAC";
    const char *bad;
    const char *why;

    *p = (struct ovl_parsed_mac) { .vni = OVL_VNI_NONE };
    if (!vni_is_ok(row->vni)) {
        return bad_vni(table, row->vni);
    }
    p->vni = row->vni;

    why = ovl_text_to_unicast_mac(row->mac, &p->mac);
    if (why) {
        return ovl_row_bad_text(table, "mac", row->mac, why);
    }
    why = ovl_text_to_unicast_ip(row->vtep, &p->vtep);
    if (why) {
        return bad_text(ovl_key_mac(p->vni, p->mac), "vtep", row->vtep, why);
    }
    why = parse_ips(&row->ips, &p->ips, &p->n_ips, &bad);
    if (!why && p->n_ips > UINT16_MAX) {
        why = "too many addresses";
        bad = row->ips.s[0];
    }
    return why ? bad_text(ovl_key_mac(p->vni, p->mac), "ips", bad, why) : NULL;
}

void
ovl_parsed_mac_uninit(struct ovl_parsed_mac *p)
{
    free(p->ips);
}
