/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: ovl_buffer_pool_. */

#include <config.h>

#include "buffer-pool.h"

#ifdef DPDK_NETDEV
#include <rte_errno.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>
#endif

#include "dp-packet.h"
#include "dpdk.h"
#include "openvswitch/vlog.h"
#include "ovs-atomic.h"
#include "ovs-numa.h"
#include "packets.h"
#include "pkt-edit.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(overlay_buffer_pool);

#ifdef DPDK_NETDEV
/* What a frame has besides the MTU: Ethernet, two tags, VXLAN over IPv6. */
#define MAX_OVERHEAD (ETH_HEADER_LEN + 2 * VLAN_HEADER_LEN + 70)

enum size_class {
    STANDARD,                   /* An MTU of 1500 and a bit more. */
    JUMBO,                      /* The largest MTU of netdev-dpdk. */
    N_CLASSES
};

/* Rooms that are whole cache lines, and how many: enough for what the transmit
 * rings of a few devices hold, 2048 for each of their queues.  If there is no
 * memory for as many, half of that, and so on. */
static const struct {
    const char *name;
    size_t room;
    unsigned int n, n_min;
} classes[N_CLASSES] = {
    [STANDARD] = { "std", 2048, 16383, 1023 },
    [JUMBO] = { "jumbo", 9728, 4095, 1023 },
};
BUILD_ASSERT_DECL(RTE_PKTMBUF_HEADROOM >= OVL_PKT_HEADROOM);

struct ovl_buffer_pool {
    /* NULL, until there is memory for it; then it stays. */
    ATOMIC(struct rte_mempool *) mempools[N_CLASSES];

    /* Control side only. */
    int node;
    bool failed[N_CLASSES];     /* There was none, last time. */
};

/* By node; the last is that of OVS_NUMA_UNSPEC. */
static struct ovl_buffer_pool pools[MAX_NUMA_NODES + 1];

struct ovl_buffer_pool *
ovl_buffer_pool_of(int node)
{
    bool known = node >= 0 && node < MAX_NUMA_NODES;
    struct ovl_buffer_pool *pool = &pools[known ? node : MAX_NUMA_NODES];

    pool->node = known ? node : SOCKET_ID_ANY;
    return pool;
}

static struct rte_mempool *
get_mempool(const struct ovl_buffer_pool *pool, enum size_class class)
{
    struct rte_mempool *mp;

    atomic_read_explicit(&CONST_CAST(struct ovl_buffer_pool *,
                                     pool)->mempools[class],
                         &mp, memory_order_acquire);
    return mp;
}

static void
init_packet(struct rte_mempool *mp OVS_UNUSED, void *aux OVS_UNUSED,
            void *packet, unsigned int i OVS_UNUSED)
{
    dp_packet_init_dpdk(packet);
}

/* On 'node', or, if that has no memory for DPDK or is not there, on any.  If
 * there is none at all, returns NULL with 'rte_errno'. */
static struct rte_mempool *
create_mempool(int node, enum size_class class)
{
    const int nodes[] = { node, SOCKET_ID_ANY };
    size_t private_size = ROUND_UP(sizeof(struct dp_packet)
                                   - sizeof(struct rte_mbuf),
                                   RTE_MBUF_PRIV_ALIGN);

    for (size_t i = 0; i < ARRAY_SIZE(nodes); i++) {
        for (unsigned int n = classes[class].n; n >= classes[class].n_min;
             n /= 2) {
            char name[RTE_MEMPOOL_NAMESIZE];

            snprintf(name, sizeof name, "ovl_%s_%d", classes[class].name,
                     node);

            struct rte_mempool *mp = rte_pktmbuf_pool_create(
                name, n, RTE_MEMPOOL_CACHE_MAX_SIZE, private_size,
                RTE_PKTMBUF_HEADROOM + classes[class].room, nodes[i]);
            if (mp) {
                rte_mempool_obj_iter(mp, init_packet, NULL);
                VLOG_DBG("%s: %u packet buffers", name, n);
                return mp;
            }
        }
    }
    return NULL;
}

/* Says what is different from last time, if anything. */
static void
log_outcome(struct ovl_buffer_pool *pool, enum size_class class, bool failed)
{
    if (failed && !pool->failed[class]) {
        VLOG_WARN("no memory for %s packet buffers on NUMA node %d (%s): "
                  "copies, fragments and segments take longer; reserve more "
                  "huge pages (sysctl vm.nr_hugepages, or dpdk-socket-mem "
                  "and a restart), which are looked for again whenever a "
                  "port or a PMD thread changes, or at once by \"ovs-appctl "
                  "dpif-overlay/pmd-rxq-rebalance\"", classes[class].name,
                  pool->node, ovs_strerror(rte_errno));
    } else if (!failed && pool->failed[class]) {
        VLOG_INFO("there is memory for %s packet buffers on NUMA node %d now",
                  classes[class].name, pool->node);
    }
    pool->failed[class] = failed;
}

void
ovl_buffer_pool_prepare(struct ovl_buffer_pool *pool, int mtu)
{
    if (!dpdk_available()) {
        return;
    }
    for (enum size_class class = 0; class < N_CLASSES; class++) {
        if (!get_mempool(pool, class)) {
            struct rte_mempool *mp = create_mempool(pool->node, class);

            log_outcome(pool, class, !mp);
            atomic_store_explicit(&pool->mempools[class], mp,
                                  memory_order_release);
        }
        if (mtu + MAX_OVERHEAD <= classes[class].room) {
            break;
        }
    }
}

struct dp_packet *
ovl_buffer_pool_get(const struct ovl_buffer_pool *pool, size_t size)
{
    enum size_class class = 0;
    struct rte_mempool *mp;

    while (class < N_CLASSES && size > classes[class].room) {
        class++;
    }
    mp = class < N_CLASSES ? get_mempool(pool, class) : NULL;
    if (OVS_UNLIKELY(!mp)) {
        return ovl_pkt_new(size);
    }

    struct dp_packet *packet
        = ALIGNED_CAST(struct dp_packet *, rte_pktmbuf_alloc(mp));
    if (OVS_UNLIKELY(!packet)) {
        /* A transmit ring may hold what was sent until more is sent: were
         * nothing sent now, the pool would stay empty for ever. */
        return ovl_pkt_new(size);
    }
    packet->packet_type = htonl(PT_ETH);
    dp_packet_reset_cutlen(packet);
    dp_packet_reset_offsets(packet);
    return packet;
}
#else
struct ovl_buffer_pool *
ovl_buffer_pool_of(int node OVS_UNUSED)
{
    return NULL;
}

void
ovl_buffer_pool_prepare(struct ovl_buffer_pool *pool OVS_UNUSED,
                        int mtu OVS_UNUSED)
{
}

struct dp_packet *
ovl_buffer_pool_get(const struct ovl_buffer_pool *pool OVS_UNUSED, size_t size)
{
    return ovl_pkt_new(size);
}
#endif
