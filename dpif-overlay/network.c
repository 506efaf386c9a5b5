/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: ovl_network_.
 *
 * Networks by VNI.  An entry is one allocation, that begins at a cache line:
 * the arrays and strings stand behind the structure, in order of their
 * alignment. */

#include <config.h>

#include "forwarding-private.h"

#include <string.h>

#include "util.h"

static struct ovl_network *
network_cast(const struct ovl_vnode *node)
{
    return CONTAINER_OF(node, struct ovl_network, vnode);
}

static bool
network_same_key(const struct ovl_vnode *a, const struct ovl_vnode *b)
{
    return network_cast(a)->vni == network_cast(b)->vni;
}

static bool
gateways_equal(const struct ovl_network *a, const struct ovl_network *b)
{
    if (a->n_gateways != b->n_gateways) {
        return false;
    }
    for (size_t i = 0; i < a->n_gateways; i++) {
        if (!ipv6_addr_equals(&a->gateways[i].ip, &b->gateways[i].ip)
            || a->gateways[i].plen != b->gateways[i].plen) {
            return false;
        }
    }
    return true;
}

static bool
members_equal(const struct ovl_network *a, const struct ovl_network *b)
{
    if (a->n_members != b->n_members) {
        return false;
    }
    for (size_t i = 0; i < a->n_members; i++) {
        if (a->members[i].port != b->members[i].port
            || a->members[i].vlan != b->members[i].vlan) {
            return false;
        }
    }
    return true;
}

static bool
flood_equal(const struct ovl_network *a, const struct ovl_network *b)
{
    if (a->n_flood != b->n_flood) {
        return false;
    }
    for (size_t i = 0; i < a->n_flood; i++) {
        if (a->flood[i] != b->flood[i]) {
            return false;
        }
    }
    return true;
}

static bool
network_equal(const struct ovl_vnode *a_, const struct ovl_vnode *b_)
{
    const struct ovl_network *a = network_cast(a_);
    const struct ovl_network *b = network_cast(b_);

    return (a->source_group == b->source_group
            && a->mtu == b->mtu
            && a->flood_unknown == b->flood_unknown
            && a->neigh_suppress == b->neigh_suppress
            && a->neigh_miss_drop == b->neigh_miss_drop
            && a->answer_tunnel == b->answer_tunnel
            && a->advertise == b->advertise
            && a->ra_autonomous == b->ra_autonomous
            && a->ra_lifetime == b->ra_lifetime
            && a->ra_interval == b->ra_interval
            && eth_addr_equals(a->router_mac, b->router_mac)
            && gateways_equal(a, b)
            && members_equal(a, b)
            && flood_equal(a, b)
            && !strcmp(a->name, b->name)
            && !strcmp(a->vrf, b->vrf));
}

/* True if both, or their lack, have the same hosts told the same by router
 * advertisements. */
static bool
advertise_equal(const struct ovl_network *a, const struct ovl_network *b)
{
    bool a_does = a && a->advertise && a->n_members;
    bool b_does = b && b->advertise && b->n_members;

    return (a_does == b_does
            && (!a_does || (a->ra_autonomous == b->ra_autonomous
                            && a->ra_lifetime == b->ra_lifetime
                            && a->ra_interval == b->ra_interval
                            && a->mtu == b->mtu
                            && eth_addr_equals(a->router_mac, b->router_mac)
                            && gateways_equal(a, b)
                            && members_equal(a, b))));
}

/* Gives the limits of 'former', which may be NULL, or new ones, if 'net'
 * needs some. */
static struct ovl_network_limits *
limits_ref(const struct ovl_network *net, const struct ovl_network *former)
{
    struct ovl_network_limits *limits = former ? former->limits : NULL;

    if (!net->has_router) {
        return NULL;
    } else if (!limits) {
        limits = xzalloc(sizeof *limits);
        ovl_limits_init(&limits->up);
    }
    limits->n_refs++;
    return limits;
}

static void
limits_unref(struct ovl_network_limits *limits)
{
    if (limits && !--limits->n_refs) {
        ovsrcu_postpone(free, limits);
    }
}

static void
network_acquire(struct ovl_forwarding *fwd, struct ovl_vnode *node,
                const struct ovl_vnode *former_)
{
    const struct ovl_network *former = former_ ? network_cast(former_) : NULL;
    struct ovl_network *net = network_cast(node);

    net->traffic = (former ? ovl_block_ref(fwd, former->traffic)
                    : ovl_block_new(fwd, OVL_N_TRAFFIC));
    net->tunnel_drops = (former ? ovl_block_ref(fwd, former->tunnel_drops)
                         : ovl_block_new(fwd, OVL_N_DROPS));
    net->limits = limits_ref(net, former);
    for (size_t i = 0; i < net->n_members; i++) {
        ovl_lport_ref(net->members[i].port);
    }
    for (size_t i = 0; i < net->n_flood; i++) {
        net->flood[i]->n_refs++;
    }
    if (!advertise_equal(former, net)) {
        fwd->adverts_seq_due = true;
    }
}

static void
network_release(struct ovl_forwarding *fwd, struct ovl_vnode *node)
{
    struct ovl_network *net = network_cast(node);

    ovl_block_unref(fwd, net->traffic);
    ovl_block_unref(fwd, net->tunnel_drops);
    limits_unref(net->limits);
    for (size_t i = 0; i < net->n_members; i++) {
        ovl_lport_unref(net->members[i].port);
    }
    for (size_t i = 0; i < net->n_flood; i++) {
        ovl_vtep_unref(fwd, net->flood[i]);
    }
}

struct seq *
ovl_forwarding_adverts_seq(const struct ovl_forwarding *fwd)
{
    return fwd->adverts_seq;
}

const struct ovl_table_class ovl_network_class = {
    .same_key = network_same_key,
    .equal = network_equal,
    .acquire = network_acquire,
    .release = network_release,
};

const struct ovl_network *
ovl_network_lookup(const struct ovl_forwarding *fwd, ovs_version_t version,
                   uint32_t vni)
{
    const struct ovl_network *net;

    OVL_VMAP_FOR_EACH_WITH_KEY (net, vnode, vni, version,
                                &fwd->tables[OVL_TABLE_NETWORKS]) {
        if (net->vni == vni) {
            return net;
        }
    }
    return NULL;
}

void
ovl_network_lookup_bulk(const struct ovl_forwarding *fwd,
                        ovs_version_t version, const uint32_t vnis[],
                        size_t n, const struct ovl_network *nets[])
{
    struct ovl_inode *nodes[OVL_BULK_MAX];
    uint64_t keys[OVL_BULK_MAX];

    ovs_assert(n && n <= OVL_BULK_MAX);
    for (size_t i = 0; i < n; i++) {
        keys[i] = vnis[i];
    }
    ovl_index_find_bulk(&fwd->tables[OVL_TABLE_NETWORKS].index, keys, n,
                        nodes, 2 * CACHE_LINE_SIZE);
    for (size_t i = 0; i < n; i++) {
        const struct ovl_network *net;

        nets[i] = NULL;
        OVL_VNODE_FOR_EACH (net, vnode, nodes[i], version) {
            if (net->vni == vnis[i]) {
                nets[i] = net;
                break;
            }
        }
    }
}

/* Copies 'size' bytes at 'src' to '*dst' and moves '*dst' past them.  Returns
 * the copy. */
static void *
append(char **dst, const void *src, size_t size)
{
    void *copy = *dst;

    if (size) {
        memcpy(copy, src, size);
    }
    *dst += size;
    return copy;
}

/* The address of all hosts of the link of 'gw', 0 if there is none.  RFC 3021:
 * links of two addresses or one have none. */
static ovs_be32
broadcast_of(const struct ovl_gateway *gw)
{
    if (!ovl_ip_is_v4(&gw->ip) || gw->plen >= 96 + 31) {
        return 0;
    }
    return (in6_addr_get_mapped_ipv4(&gw->ip)
            | htonl(UINT32_MAX >> (gw->plen - 96)));
}

static void
fill_in_gateways4(struct ovl_network *net)
{
    net->n_gateways4 = 0;
    for (size_t i = 0; i < net->n_gateways && net->n_gateways4 < 2; i++) {
        const struct ovl_gateway *gw = &net->gateways[i];

        if (ovl_ip_is_v4(&gw->ip)) {
            net->gateway4 = in6_addr_get_mapped_ipv4(&gw->ip);
            net->broadcast4 = broadcast_of(gw);
            net->n_gateways4++;
        }
    }
}

bool
ovl_network_has_broadcast(const struct ovl_network *net,
                          const struct in6_addr *ip)
{
    for (size_t i = 0; ovl_ip_is_v4(ip) && i < net->n_gateways; i++) {
        ovs_be32 broadcast = broadcast_of(&net->gateways[i]);

        if (broadcast && broadcast == in6_addr_get_mapped_ipv4(ip)) {
            return true;
        }
    }
    return false;
}

/* Makes the entry for 'net', without references and counters. */
static struct ovl_network *
network_copy(const struct ovl_network *net)
{
    const char *name = net->name ? net->name : "";
    const char *vrf = net->vrf ? net->vrf : "";
    size_t members_size = net->n_members * sizeof *net->members;
    size_t flood_size = net->n_flood * sizeof *net->flood;
    size_t gateways_size = net->n_gateways * sizeof *net->gateways;
    struct ovl_network *copy
        = xmalloc_cacheline(sizeof *copy + members_size + flood_size
                            + gateways_size + strlen(name) + 1
                            + strlen(vrf) + 1);
    char *end = (char *) (copy + 1);

    *copy = *net;
    copy->has_vrf = vrf[0] != '\0';
    copy->has_router = copy->n_gateways || copy->has_vrf;
    fill_in_gateways4(copy);
    copy->members = append(&end, net->members, members_size);
    copy->flood = append(&end, net->flood, flood_size);
    copy->gateways = append(&end, net->gateways, gateways_size);
    copy->name = append(&end, name, strlen(name) + 1);
    copy->vrf = append(&end, vrf, strlen(vrf) + 1);

    return copy;
}
BUILD_ASSERT_DECL(sizeof(struct ovl_network) % sizeof(void *) == 0);
#ifndef HAVE_POSIX_MEMALIGN
#error "entries, which come from xmalloc_cacheline(), go by free()"
#endif
BUILD_ASSERT_DECL(sizeof(struct ovl_member) % sizeof(void *) == 0);

void
ovl_network_set(struct ovl_forwarding *fwd, const struct ovl_network *net)
{
    ovl_table_set(fwd, OVL_TABLE_NETWORKS, net->vni,
                  &network_copy(net)->vnode);
}

void
ovl_network_remove(struct ovl_forwarding *fwd, uint32_t vni)
{
    struct ovl_network key = { .vni = vni };

    if (!advertise_equal(ovl_network_lookup(fwd, ovl_forwarding_version(fwd),
                                            vni), NULL)) {
        fwd->adverts_seq_due = true;
    }
    ovl_table_remove(fwd, OVL_TABLE_NETWORKS, vni, &key.vnode);
}
