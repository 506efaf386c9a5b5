/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: ovl_forwarding_, ovl_config_.
 *
 * The bundle of tables, what readers ask about it as a whole, and the
 * smallest table, the configuration: one entry, in force in every version. */

#include <config.h>

#include "forwarding-private.h"

#include "entropy.h"
#include "util.h"

#define FIRST_VERSION 1

/* Every table starts its entries with the vnode, so that one function can
 * free them all. */
BUILD_ASSERT_DECL(offsetof(struct ovl_config, vnode) == 0);
BUILD_ASSERT_DECL(offsetof(struct ovl_binding, vnode) == 0);
BUILD_ASSERT_DECL(offsetof(struct ovl_network, vnode) == 0);
BUILD_ASSERT_DECL(offsetof(struct ovl_vrf, vnode) == 0);

/* A burst's first look at the tables costs one cache line. */
BUILD_ASSERT_DECL(offsetof(struct ovl_forwarding, tables)
                  == CACHE_LINE_SIZE);

/* Life cycle. */

struct ovl_forwarding *
ovl_forwarding_create(void)
{
    struct ovl_forwarding *fwd = xzalloc_cacheline(sizeof *fwd);
    struct ovl_config defaults = {
        .vxlan_port = OVL_VXLAN_PORT,
        .ttl = 64,
    };

    atomic_init(&fwd->version, FIRST_VERSION);
    get_entropy_or_die(&fwd->keys, sizeof fwd->keys);
    ovl_vteps_init(fwd);
    ovl_transactions_init(fwd);

    ovl_forwarding_begin(fwd);
    ovl_config_set(fwd, &defaults);
    ovl_forwarding_commit(fwd);

    return fwd;
}

/* Frees 'fwd' with all entries, also those that wait for their grace period,
 * after a grace period.  NULL is fine.  No reader may start to use 'fwd' any
 * more; VTEPs that somebody still has a reference to go too. */
void
ovl_forwarding_destroy(struct ovl_forwarding *fwd)
{
    if (fwd) {
        ovl_transactions_destroy(fwd);
        ovl_vteps_destroy(fwd);
        ovsrcu_postpone(free_cacheline, fwd);
    }
}

/* Reading. */

ovs_version_t
ovl_forwarding_version(const struct ovl_forwarding *fwd_)
{
    struct ovl_forwarding *fwd = CONST_CAST(struct ovl_forwarding *, fwd_);
    ovs_version_t version;

    atomic_read_explicit(&fwd->version, &version, memory_order_acquire);
    return version;
}

void
ovl_forwarding_sizes(const struct ovl_forwarding *fwd,
                     struct ovl_table_sizes *sizes)
{
    sizes->networks = ovl_vmap_count(&fwd->tables[OVL_TABLE_NETWORKS]);
    sizes->bindings = ovl_vmap_count(&fwd->tables[OVL_TABLE_BINDINGS]);
    sizes->macs = ovl_vexact_count(&fwd->macs);
    sizes->neighbors = ovl_neighbors_count(fwd);
    sizes->vrfs = ovl_vmap_count(&fwd->tables[OVL_TABLE_VRFS]);
    sizes->routes = ovl_routes_count(fwd);
    sizes->vteps = ovl_vteps_count(fwd);
}

/* Defines FUNCTION to call 'cb' for each entry of TABLE that is in force. */
#define DEFINE_FOR_EACH(FUNCTION, TABLE, TYPE)                               \
    void                                                                     \
    FUNCTION(const struct ovl_forwarding *fwd,                               \
             void (*cb)(const TYPE *, void *aux), void *aux)                 \
    {                                                                        \
        struct ovl_vnode **nodes;                                            \
        size_t n;                                                            \
                                                                             \
        nodes = ovl_vmap_snapshot(&fwd->tables[TABLE],                       \
                                  ovl_forwarding_version(fwd), &n);          \
        for (size_t i = 0; i < n; i++) {                                     \
            cb(CONTAINER_OF(nodes[i], TYPE, vnode), aux);                    \
        }                                                                    \
        free(nodes);                                                         \
    }

DEFINE_FOR_EACH(ovl_forwarding_for_each_network, OVL_TABLE_NETWORKS,
                struct ovl_network)
DEFINE_FOR_EACH(ovl_forwarding_for_each_binding, OVL_TABLE_BINDINGS,
                struct ovl_binding)
DEFINE_FOR_EACH(ovl_forwarding_for_each_vrf, OVL_TABLE_VRFS, struct ovl_vrf)

/* Configuration. */

static struct ovl_config *
config_cast(const struct ovl_vnode *node)
{
    return CONTAINER_OF(node, struct ovl_config, vnode);
}

static bool
config_same_key(const struct ovl_vnode *a OVS_UNUSED,
                const struct ovl_vnode *b OVS_UNUSED)
{
    return true;
}

static bool
config_equal(const struct ovl_vnode *a_, const struct ovl_vnode *b_)
{
    const struct ovl_config *a = config_cast(a_);
    const struct ovl_config *b = config_cast(b_);

    return (ipv6_addr_equals(&a->vtep4, &b->vtep4)
            && ipv6_addr_equals(&a->vtep6, &b->vtep6)
            && a->vxlan_port == b->vxlan_port
            && a->ttl == b->ttl
            && a->tos == b->tos
            && a->dscp_inherit == b->dscp_inherit
            && a->udp6_zero_csum == b->udp6_zero_csum
            && a->local == b->local
            && a->uplink == b->uplink);
}

static void
config_acquire(struct ovl_forwarding *fwd OVS_UNUSED, struct ovl_vnode *node,
               const struct ovl_vnode *former OVS_UNUSED)
{
    ovl_lport_ref(config_cast(node)->local);
    ovl_lport_ref(config_cast(node)->uplink);
}

static void
config_release(struct ovl_forwarding *fwd OVS_UNUSED, struct ovl_vnode *node)
{
    ovl_lport_unref(config_cast(node)->local);
    ovl_lport_unref(config_cast(node)->uplink);
}

const struct ovl_table_class ovl_config_class = {
    .same_key = config_same_key,
    .equal = config_equal,
    .acquire = config_acquire,
    .release = config_release,
};

const struct ovl_config *
ovl_config_get(const struct ovl_forwarding *fwd, ovs_version_t version)
{
    const struct ovl_config *config;

    OVL_VMAP_FOR_EACH_WITH_KEY (config, vnode, 0, version,
                                &fwd->tables[OVL_TABLE_CONFIG]) {
        return config;
    }
    OVS_NOT_REACHED();
}

void
ovl_config_set(struct ovl_forwarding *fwd, const struct ovl_config *config)
{
    struct ovl_config *copy = xmemdup(config, sizeof *config);

    ovl_table_set(fwd, OVL_TABLE_CONFIG, 0, &copy->vnode);
}
