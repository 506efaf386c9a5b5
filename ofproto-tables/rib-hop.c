/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: rib_hop_, rib_hops_.
 *
 * Next hops of routes.  If the route does not say which network they are
 * neighbors in, it is the one of the VRF whose gateway prefix contains them.
 * A network that comes or goes has the next hops in its prefixes looked at,
 * and those that name it, each once, however many routes have it. */

#include <config.h>

#include "rib-private.h"

#include <string.h>

#include "skiplist.h"
#include "text-parse.h"
#include "util.h"

static void
mark_hop(struct ovl_rib *rib, struct rib_hop *hop)
{
    if (!hop->dirty) {
        hop->dirty = true;
        ovs_list_push_back(&rib->dirty_hops, &hop->dirty_node);
    }
}

static struct hmap *
map_of(struct rib_group *group, struct rib_vni *named)
{
    return named ? &named->hops : &group->hops;
}

/* Next hops of a VRF are also in order, so that those in a prefix are found
 * without looking at the others. */
static int
compare(const void *a_, const void *b_, const void *aux OVS_UNUSED)
{
    const struct rib_hop *a = a_, *b = b_;

    return memcmp(&a->ip, &b->ip, sizeof a->ip);
}

static struct rib_hop *
get_hop(struct ovl_rib *rib, struct rib_group *group, struct rib_vni *named,
        const struct in6_addr *ip)
{
    uint32_t hash = rib_hash_ip(rib, 0, ip);
    struct rib_hop *hop;

    HMAP_FOR_EACH_WITH_HASH (hop, hmap_node, hash, map_of(group, named)) {
        if (ipv6_addr_equals(&hop->ip, ip)) {
            return hop;
        }
    }

    hop = xzalloc(sizeof *hop);
    hop->group = named ? NULL : group;
    hop->named = named;
    hop->ip = *ip;
    hop->vni = named ? named->vni : OVL_VNI_NONE;
    ovs_list_init(&hop->refs);
    hmap_insert(map_of(group, named), &hop->hmap_node, hash);
    if (!named) {
        if (!group->hops_by_ip) {
            group->hops_by_ip = skiplist_create(compare, NULL);
        }
        skiplist_insert(group->hops_by_ip, hop);
    }
    mark_hop(rib, hop);
    return hop;
}

void
rib_hop_ref(struct ovl_rib *rib, struct rib_prefix *prefix, uint32_t vni,
            const struct in6_addr *ip, struct rib_hop_ref *ref)
{
    ref->prefix = prefix;
    ref->hop = get_hop(rib, prefix->group,
                       vni == OVL_VNI_NONE ? NULL : rib_vni_get(rib, vni), ip);
    ovs_list_push_back(&ref->hop->refs, &ref->node);
}

/* The next hop itself stays until the end of the commit, for the next row that
 * names it. */
void
rib_hop_unref(struct ovl_rib *rib, struct rib_hop_ref *ref)
{
    ovs_list_remove(&ref->node);
    if (ovs_list_is_empty(&ref->hop->refs)) {
        mark_hop(rib, ref->hop);
    }
    ref->hop = NULL;
}

void
rib_hops_changed(struct ovl_rib *rib, struct rib_group *group,
                 const struct ovl_prefix *prefix)
{
    const struct rib_hop key = { .ip = prefix->addr };
    struct skiplist_node *node;

    for (node = (group->hops_by_ip
                 ? skiplist_forward_to(group->hops_by_ip, &key) : NULL);
         node; node = skiplist_next(node)) {
        struct rib_hop *hop = skiplist_get_data(node);

        if (!ovl_prefix_contains(prefix, &hop->ip)) {
            break;
        }
        mark_hop(rib, hop);
    }
}

void
rib_hops_named_changed(struct ovl_rib *rib, struct rib_vni *vni)
{
    struct rib_hop *hop;

    HMAP_FOR_EACH (hop, hmap_node, &vni->hops) {
        mark_hop(rib, hop);
    }
}

/* The network in force that 'ip' is connected through, or NULL.  Gateway
 * prefixes of a VRF do not overlap. */
static const struct rib_network *
find_network(const struct ovl_rib *rib, const struct rib_group *group,
             const struct in6_addr *ip)
{
    for (int plen = 128; plen >= (ovl_ip_is_v4(ip) ? 96 : 0); plen--) {
        struct in6_addr mask = ipv6_create_mask(plen);
        struct ovl_prefix key = {
            .addr = ipv6_addr_bitand(ip, &mask), .plen = plen,
        };
        const struct rib_prefix *prefix = rib_prefix_find(rib, group, &key);

        if (prefix && prefix->connected) {
            return prefix->connected;
        }
    }
    return NULL;
}

static bool
is_gateway_of(const struct rib_network *net, const struct in6_addr *ip)
{
    for (size_t i = 0; i < net->p.n_gateways; i++) {
        if (ipv6_addr_equals(&net->p.gateways[i].ip, ip)) {
            return true;
        }
    }
    return false;
}

static void
resolve(struct ovl_rib *rib, struct rib_hop *hop)
{
    const struct rib_network *net
        = (hop->named ? hop->named->net
           : find_network(rib, hop->group, &hop->ip));
    uint32_t vni = (hop->named ? hop->named->vni
                    : net ? net->p.vni : OVL_VNI_NONE);
    bool own = net && is_gateway_of(net, &hop->ip);

    if (vni != hop->vni || own != hop->own) {
        const struct rib_hop_ref *ref;

        hop->vni = vni;
        hop->own = own;
        LIST_FOR_EACH (ref, node, &hop->refs) {
            rib_prefix_mark(rib, ref->prefix);
        }
    }
}

void
rib_hops_resolve(struct ovl_rib *rib)
{
    struct rib_hop *hop;
    size_t n = 0;

    LIST_FOR_EACH_POP (hop, dirty_node, &rib->dirty_hops) {
        hop->dirty = false;
        if (ovs_list_is_empty(&hop->refs)) {
            hmap_remove(map_of(hop->group, hop->named), &hop->hmap_node);
            if (hop->named) {
                rib_vni_touch(rib, hop->named);
            } else {
                skiplist_delete(hop->group->hops_by_ip, hop);
                rib_group_touch(rib, hop->group);
            }
            free(hop);
        } else {
            resolve(rib, hop);
        }
        rib_breathe(n++);
    }
}
