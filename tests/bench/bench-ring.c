/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: ovl_bench_. */

#include <config.h>

#include "bench-ring.h"

#include <errno.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#include "dpdk.h"
#include "openvswitch/vlog.h"
#include "ovs-thread.h"

VLOG_DEFINE_THIS_MODULE(bench_ring);

/* As netdev-dpdk has them for an MTU of 1500. */
#define HEADROOM RTE_PKTMBUF_HEADROOM
#define DATA_ROOM (HEADROOM + 2048)

#define N_POOL (2 * OVL_BENCH_MAX_RING - 1)

struct rte_mempool *ovl_bench_pool;
static struct ovs_mutex pool_mutex = OVS_MUTEX_INITIALIZER;

static void
init_packet(struct rte_mempool *mp OVS_UNUSED, void *aux OVS_UNUSED,
            void *packet, unsigned int i OVS_UNUSED)
{
    dp_packet_init_dpdk(packet);
}

int
ovl_bench_pool_init(void)
{
    int error = 0;

    ovs_mutex_lock(&pool_mutex);
    if (!ovl_bench_pool && dpdk_available()) {
        size_t private_size = sizeof(struct dp_packet)
                              - sizeof(struct rte_mbuf);

        ovl_bench_pool = rte_pktmbuf_pool_create(
            "bench", N_POOL, RTE_MEMPOOL_CACHE_MAX_SIZE,
            ROUND_UP(private_size, RTE_MBUF_PRIV_ALIGN), DATA_ROOM,
            SOCKET_ID_ANY);
        if (ovl_bench_pool) {
            rte_mempool_obj_iter(ovl_bench_pool, init_packet, NULL);
        } else {
            error = rte_errno;
            VLOG_ERR("no memory pool of %d packets (%s): reserve more huge "
                     "pages", N_POOL, ovs_strerror(error));
        }
    }
    ovs_mutex_unlock(&pool_mutex);
    return error;
}

bool
ovl_bench_pool_is_dpdk(void)
{
    return ovl_bench_pool != NULL;
}

/* Gets 'n' packets, as drivers do for what they receive. */
static bool
new_packets(struct dp_packet *packets[], size_t n)
{
    if (ovl_bench_pool) {
        return !rte_pktmbuf_alloc_bulk(ovl_bench_pool,
                                       (struct rte_mbuf **) packets, n);
    }
    for (size_t i = 0; i < n; i++) {
        packets[i] = dp_packet_new_with_headroom(DATA_ROOM - HEADROOM,
                                                 HEADROOM);
    }
    return true;
}

bool
ovl_bench_is_our_memory(const struct dp_packet *packet)
{
    return (!ovl_bench_pool && packet->source == DPBUF_MALLOC
            && dp_packet_get_allocated(packet) == DATA_ROOM);
}

static void
ring_destroy(void *ring_)
{
    struct ovl_bench_ring *ring = ring_;

    for (size_t i = 0; i < ring->n; i++) {
        dp_packet_delete(*ovl_bench_ring_slot(ring, i));
    }
    free(ring);
}

struct ovl_bench_ring *
ovl_bench_ring_get(void)
{
    static struct ovsthread_once once = OVSTHREAD_ONCE_INITIALIZER;
    static ovsthread_key_t key;
    static __thread struct ovl_bench_ring *mine;

    if (OVS_UNLIKELY(!mine)) {
        if (ovsthread_once_start(&once)) {
            ovsthread_key_create(&key, ring_destroy);
            ovsthread_once_done(&once);
        }
        mine = xzalloc(sizeof *mine);
        ovsthread_setspecific(key, mine);
    }
    return mine;
}

bool
ovl_bench_ring_fill(struct ovl_bench_ring *ring, size_t n)
{
    while (ring->n < MIN(n, OVL_BENCH_MAX_RING)) {
        struct dp_packet *packets[NETDEV_MAX_BURST];
        size_t missing = MIN(n, OVL_BENCH_MAX_RING) - ring->n;

        missing = MIN(missing, ARRAY_SIZE(packets));
        if (!new_packets(packets, missing)) {
            return false;
        }
        ovl_bench_ring_push(ring, packets, missing);
    }
    return true;
}
