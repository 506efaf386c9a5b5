/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: rib_gateways_.
 *
 * The gateway prefixes of a VRF's networks in order, whether they are in force
 * or not, so that those which overlap one are found without looking at the
 * others.  Those inside it follow it; for each shorter length that the VRF has
 * there is one that can contain it. */

#include <config.h>

#include "rib-private.h"

#include <string.h>

#include "skiplist.h"
#include "util.h"

#define N_PLENS 129

/* A gateway whose prefix is routed.  'net' is NULL in a key, which comes
 * before all that have its prefix. */
struct rib_gateway {
    struct ovl_prefix prefix;
    struct in6_addr ip;
    struct rib_network *net;
};

struct rib_gateways {
    struct skiplist *list;          /* "struct rib_gateway"s. */
    uint32_t n_by_plen[2][N_PLENS]; /* Of IPv4 and of IPv6. */
};

/* IPv4 before IPv6, then by address, then the shorter first. */
static int
compare(const void *a_, const void *b_, const void *aux OVS_UNUSED)
{
    const struct rib_gateway *a = a_, *b = b_;
    int cmp = ovl_prefix_is_v4(&b->prefix) - ovl_prefix_is_v4(&a->prefix);

    if (!cmp) {
        cmp = memcmp(&a->prefix.addr, &b->prefix.addr, sizeof a->prefix.addr);
    }
    if (!cmp) {
        cmp = a->prefix.plen - b->prefix.plen;
    }
    if (!cmp && (!a->net || !b->net)) {
        return (a->net != NULL) - (b->net != NULL);
    }
    return cmp ? cmp : a < b ? -1 : a > b;
}

void
rib_gateways_join(struct rib_network *net)
{
    struct rib_group *group = net->group;

    if (!group->vrf[0] || !net->p.n_gateways) {
        return;
    }
    if (!group->gateways) {
        group->gateways = xzalloc(sizeof *group->gateways);
        group->gateways->list = skiplist_create(compare, NULL);
    }
    net->gateways = xcalloc(net->p.n_gateways, sizeof *net->gateways);
    for (size_t i = 0; i < net->p.n_gateways; i++) {
        const struct ovl_gateway *gw = &net->p.gateways[i];

        /* Link-local prefixes are those of every link. */
        if (!IN6_IS_ADDR_LINKLOCAL(&gw->ip)) {
            struct rib_gateway *g = &net->gateways[net->n_gateways++];
            struct in6_addr mask = ipv6_create_mask(gw->plen);
            bool v4 = ovl_ip_is_v4(&gw->ip);

            g->prefix.addr = ipv6_addr_bitand(&gw->ip, &mask);
            g->prefix.plen = gw->plen;
            g->ip = gw->ip;
            g->net = net;
            skiplist_insert(group->gateways->list, g);
            group->gateways->n_by_plen[!v4][gw->plen]++;
        }
    }
}

void
rib_gateways_leave(struct rib_network *net)
{
    struct rib_gateways *gateways = net->group->gateways;

    for (size_t i = 0; i < net->n_gateways; i++) {
        struct rib_gateway *g = &net->gateways[i];

        skiplist_delete(gateways->list, g);
        gateways->n_by_plen[!ovl_ip_is_v4(&g->ip)][g->prefix.plen]--;
    }
    free(net->gateways);
    net->gateways = NULL;
    net->n_gateways = 0;
}

void
rib_gateways_destroy(struct rib_gateways *gateways)
{
    if (gateways) {
        skiplist_destroy(gateways->list, NULL);
        free(gateways);
    }
}

static struct rib_gateway *
get(struct skiplist_node *node)
{
    return skiplist_get_data(node);
}

static bool
prefixes_equal(const struct ovl_prefix *a, const struct ovl_prefix *b)
{
    return a->plen == b->plen && ipv6_addr_equals(&a->addr, &b->addr);
}

void
rib_gateways_for_each_overlap(
    const struct rib_group *group, const struct ovl_prefix *prefix,
    void (*cb)(struct rib_network *, const struct ovl_prefix *,
               const struct in6_addr *gateway, void *aux), void *aux)
{
    const struct rib_gateways *gateways = group->gateways;
    bool v4 = ovl_prefix_is_v4(prefix);
    struct skiplist_node *node;

    if (!gateways) {
        return;
    }
    for (int plen = v4 ? 96 : 0; plen < prefix->plen; plen++) {
        if (gateways->n_by_plen[!v4][plen]) {
            struct in6_addr mask = ipv6_create_mask(plen);
            struct rib_gateway key = {
                .prefix = { .addr = ipv6_addr_bitand(&prefix->addr, &mask),
                            .plen = plen },
            };

            for (node = skiplist_forward_to(gateways->list, &key);
                 node && prefixes_equal(&get(node)->prefix, &key.prefix);
                 node = skiplist_next(node)) {
                cb(get(node)->net, &get(node)->prefix, &get(node)->ip, aux);
            }
        }
    }

    struct rib_gateway key = { .prefix = *prefix };
    for (node = skiplist_forward_to(gateways->list, &key);
         node && ovl_prefix_contains(prefix, &get(node)->prefix.addr);
         node = skiplist_next(node)) {
        cb(get(node)->net, &get(node)->prefix, &get(node)->ip, aux);
    }
}

struct in6_addr
rib_gateways_lowest(const struct rib_group *group, bool v4)
{
    /* Prefixes in force overlap only within one network, so it is not long
     * from the first of them to one that starts behind its gateway. */
    struct rib_gateway key = {
        .prefix = { .addr = v4 ? in6_addr_mapped_ipv4(0) : in6addr_any,
                    .plen = v4 ? 96 : 0 },
    };
    struct in6_addr lowest = in6addr_any;
    struct skiplist_node *node;

    for (node = (group->gateways
                 ? skiplist_forward_to(group->gateways->list, &key) : NULL);
         node && ovl_prefix_is_v4(&get(node)->prefix) == v4;
         node = skiplist_next(node)) {
        const struct rib_gateway *g = get(node);

        if (ipv6_addr_is_set(&lowest)
            && memcmp(&g->prefix.addr, &lowest, sizeof lowest) > 0) {
            break;
        }
        if (g->net->row.in_force
            && (!ipv6_addr_is_set(&lowest)
                || memcmp(&g->ip, &lowest, sizeof lowest) < 0)) {
            lowest = g->ip;
        }
    }
    return lowest;
}
