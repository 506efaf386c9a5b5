/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: rib_source_, rib_group_.
 *
 * A frame out of a tunnel is believed only if its outer source is a VTEP that
 * a row of its network, or of another network of the VRF, names.
 *
 * Rows are counted per (VNI, VTEP), and (VNI, VTEP) pairs per (group, VTEP).
 * So a network that moves to another VRF costs as much as it has VTEPs,
 * however many rows name them.  What the forwarding table has is compared
 * with the counts only when all of a commit's rows are counted. */

#include <config.h>

#include "rib-private.h"

#include <stdlib.h>
#include <string.h>

#include "skiplist.h"
#include "util.h"

/* VTEP that rows of a VNI name. */
struct rib_source {
    struct hmap_node hmap_node; /* In rib_vni's 'sources'. */
    struct in6_addr ip;
    size_t n;                   /* How many rows do. */
};

/* VTEP that networks of a group name. */
struct rib_group_source {
    struct hmap_node hmap_node; /* In rib_group's 'sources'. */
    struct rib_group *group;
    struct in6_addr ip;
    size_t n;                   /* How many networks do. */
    bool published;             /* In the forwarding table. */
    bool dirty;
    struct ovs_list dirty_node; /* In ovl_rib's 'dirty_sources' if 'dirty'. */
};

/* Groups. */

static uint32_t
hash_group(const struct ovl_rib *rib, const char *vrf, uint32_t vni)
{
    return rib_hash_string(rib, vrf) + vni;
}

void
rib_group_touch(struct ovl_rib *rib, struct rib_group *group)
{
    if (!group->touched) {
        group->touched = true;
        ovs_list_push_back(&rib->touched_groups, &group->touched_node);
    }
}

static struct rib_group *
get_group(struct ovl_rib *rib, const char *vrf, uint32_t vni)
{
    uint32_t hash = hash_group(rib, vrf, vni);
    struct rib_group *group;

    HMAP_FOR_EACH_WITH_HASH (group, hmap_node, hash, &rib->groups) {
        if (group->vni == vni && !strcmp(group->vrf, vrf)) {
            return group;
        }
    }

    group = xzalloc(sizeof *group);
    group->vrf = xstrdup(vrf);
    group->vni = vni;
    group->id = ++rib->last_group;
    ovs_list_init(&group->networks);
    hmap_init(&group->sources);
    hmap_init(&group->hops);
    group->stale = vrf[0] != '\0';
    hmap_insert(&rib->groups, &group->hmap_node, hash);
    rib_group_touch(rib, group);
    return group;
}

struct rib_group *
rib_group_get_vrf(struct ovl_rib *rib, const char *vrf)
{
    return get_group(rib, vrf, OVL_VNI_NONE);
}

bool
rib_group_is_unused(const struct rib_group *group)
{
    return (ovs_list_is_empty(&group->networks) && !group->n_prefixes
            && hmap_is_empty(&group->hops));
}

void
rib_group_join(struct ovl_rib *rib, struct rib_network *net)
{
    bool alone = !net->p.vrf[0];

    net->group = get_group(rib, net->p.vrf,
                           alone ? net->p.vni : OVL_VNI_NONE);
    ovs_list_push_back(&net->group->networks, &net->group_node);
    rib_gateways_join(net);
}

/* The group itself stays until the end of the commit, so that a network that
 * comes back at once finds the same. */
void
rib_group_leave(struct ovl_rib *rib, struct rib_network *net)
{
    ovs_list_remove(&net->group_node);
    rib_gateways_leave(net);
    rib_group_touch(rib, net->group);
    net->group = NULL;
}

void
rib_group_collect(struct ovl_rib *rib)
{
    struct rib_group *group;

    LIST_FOR_EACH_POP (group, touched_node, &rib->touched_groups) {
        group->touched = false;
        if (rib_group_is_unused(group)) {
            hmap_remove(&rib->groups, &group->hmap_node);
            ovs_assert(hmap_is_empty(&group->sources));
            hmap_destroy(&group->sources);
            hmap_destroy(&group->hops);
            if (group->hops_by_ip) {
                skiplist_destroy(group->hops_by_ip, NULL);
            }
            rib_gateways_destroy(group->gateways);
            free(group->vrf);
            free(group);
        } else if (hmap_capacity(&group->hops) / 8
                   > hmap_count(&group->hops)) {
            hmap_shrink(&group->hops);
        }
    }
}

/* A group's VTEPs. */

static struct rib_group_source *
find_group_source(const struct ovl_rib *rib, const struct rib_group *group,
                  const struct in6_addr *ip)
{
    struct rib_group_source *source;

    HMAP_FOR_EACH_WITH_HASH (source, hmap_node, rib_hash_ip(rib, 0, ip),
                             &group->sources) {
        if (ipv6_addr_equals(&source->ip, ip)) {
            return source;
        }
    }
    return NULL;
}

static void
mark_group_source(struct ovl_rib *rib, struct rib_group_source *source)
{
    if (!source->dirty) {
        source->dirty = true;
        ovs_list_push_back(&rib->dirty_sources, &source->dirty_node);
    }
}

static void
add_to_group(struct ovl_rib *rib, struct rib_group *group,
             const struct in6_addr *ip)
{
    struct rib_group_source *source = find_group_source(rib, group, ip);

    if (!source) {
        source = xzalloc(sizeof *source);
        source->group = group;
        source->ip = *ip;
        hmap_insert(&group->sources, &source->hmap_node,
                    rib_hash_ip(rib, 0, ip));
    }
    if (!source->n++) {
        mark_group_source(rib, source);
    }
}

static void
remove_from_group(struct ovl_rib *rib, struct rib_group *group,
                  const struct in6_addr *ip)
{
    struct rib_group_source *source = find_group_source(rib, group, ip);

    if (!--source->n) {
        mark_group_source(rib, source);
    }
}

void
rib_source_own_changed(struct ovl_rib *rib, const struct in6_addr *ip)
{
    struct rib_group *group;

    HMAP_FOR_EACH (group, hmap_node, &rib->groups) {
        struct rib_group_source *source = find_group_source(rib, group, ip);

        if (source) {
            mark_group_source(rib, source);
        }
    }
}

void
rib_source_publish(struct ovl_rib *rib)
{
    struct rib_group_source *source;

    LIST_FOR_EACH_POP (source, dirty_node, &rib->dirty_sources) {
        struct rib_group *group = source->group;
        bool wanted = source->n && !rib_is_own_vtep(rib, &source->ip);

        source->dirty = false;
        if (wanted && !source->published) {
            ovl_source_add(rib->fwd, group->id, &source->ip);
        } else if (!wanted && source->published) {
            ovl_source_remove(rib->fwd, group->id, &source->ip);
        }
        source->published = wanted;
        if (!source->n) {
            hmap_remove(&group->sources, &source->hmap_node);
            free(source);
        }
    }
}

/* A network's VTEPs. */

static struct rib_source *
find_source(const struct ovl_rib *rib, const struct rib_vni *vni,
            const struct in6_addr *ip)
{
    struct rib_source *source;

    HMAP_FOR_EACH_WITH_HASH (source, hmap_node, rib_hash_ip(rib, 0, ip),
                             &vni->sources) {
        if (ipv6_addr_equals(&source->ip, ip)) {
            return source;
        }
    }
    return NULL;
}

void
rib_source_add(struct ovl_rib *rib, uint32_t vni_, const struct in6_addr *ip)
{
    struct rib_vni *vni = rib_vni_get(rib, vni_);
    struct rib_source *source = find_source(rib, vni, ip);

    if (source) {
        source->n++;
        return;
    }
    source = xmalloc(sizeof *source);
    source->ip = *ip;
    source->n = 1;
    hmap_insert(&vni->sources, &source->hmap_node, rib_hash_ip(rib, 0, ip));
    if (vni->net) {
        add_to_group(rib, vni->net->group, ip);
    }
}

void
rib_source_remove(struct ovl_rib *rib, uint32_t vni_,
                  const struct in6_addr *ip)
{
    struct rib_vni *vni = rib_vni_get(rib, vni_);
    struct rib_source *source = find_source(rib, vni, ip);

    if (!--source->n) {
        hmap_remove(&vni->sources, &source->hmap_node);
        if (vni->net) {
            remove_from_group(rib, vni->net->group, ip);
        }
        free(source);
    }
}

void
rib_source_join(struct ovl_rib *rib, struct rib_vni *vni)
{
    struct rib_source *source;

    HMAP_FOR_EACH (source, hmap_node, &vni->sources) {
        add_to_group(rib, vni->net->group, &source->ip);
    }
}

void
rib_source_leave(struct ovl_rib *rib, struct rib_vni *vni)
{
    struct rib_source *source;

    HMAP_FOR_EACH (source, hmap_node, &vni->sources) {
        remove_from_group(rib, vni->net->group, &source->ip);
    }
}
