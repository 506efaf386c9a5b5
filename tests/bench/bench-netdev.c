/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: ovl_bench_. */

#include <config.h>

#include "bench-netdev.h"

#include <errno.h>
#include <pthread.h>
#include <rte_memcpy.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench-ring.h"
#include "dp-packet.h"
#include "openvswitch/vlog.h"
#include "packets.h"
#include "pcap-file.h"
#include "smap.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(bench_netdev);

struct ovs_list ovl_bench_netdevs
    = OVS_LIST_INITIALIZER(&ovl_bench_netdevs);
atomic_int ovl_bench_in_flight = ATOMIC_VAR_INIT(512);

/* Devices that make packets. */
static atomic_int n_running = ATOMIC_VAR_INIT(0);

/* A thread that polls nothing but queues that are paused sleeps as long in
 * each round. */
#define PAUSE_NS (500 * 1000)

/* What a network card says of a packet that it has checked. */
#define RX_FLAGS (DP_PACKET_OL_RSS_HASH | DP_PACKET_OL_RX_IP_CKSUM_GOOD \
                  | DP_PACKET_OL_RX_L4_CKSUM_GOOD)

struct bench_rxq {
    struct netdev_rxq up;
    uint64_t run;               /* In which the following counts. */
    uint64_t number;            /* Of the images in use. */
    uint64_t n_left;
    uint32_t next;              /* Image. */
    int n_polls;
};

static struct ovl_bench_netdev *
netdev_cast(const struct netdev *netdev)
{
    return CONTAINER_OF(netdev, struct ovl_bench_netdev, up);
}

static struct bench_rxq *
rxq_cast(struct netdev_rxq *rxq)
{
    return CONTAINER_OF(rxq, struct bench_rxq, up);
}

static void
count(atomic_uint64_t *counter, uint64_t n)
{
    uint64_t value;

    atomic_read_relaxed(counter, &value);
    atomic_store_relaxed(counter, value + n);
}

/* Commands' side. */

struct ovl_bench_netdev *
ovl_bench_find(const char *name)
{
    struct ovl_bench_netdev *dev;

    LIST_FOR_EACH (dev, node, &ovl_bench_netdevs) {
        if (!strcmp(netdev_get_name(&dev->up), name)) {
            return dev;
        }
    }
    return NULL;
}

static void
images_free(struct ovl_bench_images *images)
{
    if (images) {
        free_cacheline(images->data);
        free(images);
    }
}

void
ovl_bench_set_images(struct ovl_bench_netdev *dev,
                     struct ovl_bench_images *images)
{
    struct ovl_bench_images *old
        = ovsrcu_get_protected(struct ovl_bench_images *, &dev->images);

    images->number = old ? old->number + 1 : 1;
    ovsrcu_set(&dev->images, images);
    if (old) {
        ovsrcu_postpone(images_free, old);
    }
}

void
ovl_bench_set_mode(struct ovl_bench_netdev *dev, enum ovl_bench_mode mode,
                   uint64_t limit, int n_queues, int every)
{
    int old, orig;

    atomic_read_relaxed(&dev->mode, &old);
    atomic_add_relaxed(&n_running, (mode != OVL_BENCH_PAUSED)
                                   - (old != OVL_BENCH_PAUSED), &orig);
    atomic_store_relaxed(&dev->limit, limit);
    atomic_store_relaxed(&dev->n_queues, n_queues);
    atomic_store_relaxed(&dev->every, every);
    count(&dev->run, 1);
    atomic_store_explicit(&dev->mode, mode, memory_order_release);
}

void
ovl_bench_set_capture(struct ovl_bench_netdev *dev, struct pcap_file *file)
{
    ovs_mutex_lock(&dev->mutex);
    if (dev->capture) {
        ovs_pcap_close(dev->capture);
    }
    dev->capture = file;
    ovs_mutex_unlock(&dev->mutex);
    atomic_store_relaxed(&dev->capturing, file != NULL);
}

/* Devices. */

static struct netdev *
bench_alloc(void)
{
    struct ovl_bench_netdev *dev = xzalloc_cacheline(sizeof *dev);

    return &dev->up;
}

static int
bench_construct(struct netdev *netdev)
{
    struct ovl_bench_netdev *dev = netdev_cast(netdev);

    ovs_mutex_init(&dev->mutex);
    ovsrcu_init(&dev->images, NULL);
    eth_addr_random(&dev->hwaddr);
    dev->mtu = 1600;
    dev->requested_n_rxq = netdev->n_rxq = 1;
    dev->requested_n_txq = netdev->n_txq = 1;
    ovs_list_push_back(&ovl_bench_netdevs, &dev->node);
    netdev_request_reconfigure(netdev);
    return 0;
}

static void
bench_destruct(struct netdev *netdev)
{
    struct ovl_bench_netdev *dev = netdev_cast(netdev);

    ovl_bench_set_mode(dev, OVL_BENCH_PAUSED, 0, 0, 1);
    ovs_list_remove(&dev->node);
    images_free(ovsrcu_get_protected(struct ovl_bench_images *,
                                     &dev->images));
    ovl_bench_set_capture(dev, NULL);
    ovs_mutex_destroy(&dev->mutex);
}

static void
bench_dealloc(struct netdev *netdev)
{
    free_cacheline(netdev_cast(netdev));
}

static int
bench_set_config(struct netdev *netdev, const struct smap *args, char **errp)
{
    struct ovl_bench_netdev *dev = netdev_cast(netdev);
    int n = smap_get_int(args, "n_rxq", 1);

    if (n < 1 || n > OVL_BENCH_MAX_QUEUES) {
        *errp = xasprintf("n_rxq is not between 1 and %d",
                          OVL_BENCH_MAX_QUEUES);
        return EINVAL;
    }
    if (n != dev->requested_n_rxq) {
        dev->requested_n_rxq = n;
        netdev_request_reconfigure(netdev);
    }
    return 0;
}

static int
bench_get_config(const struct netdev *netdev, struct smap *args)
{
    smap_add_format(args, "n_rxq", "%d", netdev->n_rxq);
    return 0;
}

static int
bench_get_numa_id(const struct netdev *netdev OVS_UNUSED)
{
    return 0;
}

static int
bench_set_tx_multiq(struct netdev *netdev, unsigned int n_txq)
{
    struct ovl_bench_netdev *dev = netdev_cast(netdev);

    n_txq = MIN(n_txq, OVL_BENCH_MAX_QUEUES);
    if (n_txq != dev->requested_n_txq) {
        dev->requested_n_txq = n_txq;
        netdev_request_reconfigure(netdev);
    }
    return 0;
}

static int
bench_reconfigure(struct netdev *netdev)
{
    struct ovl_bench_netdev *dev = netdev_cast(netdev);

    netdev->n_rxq = dev->requested_n_rxq;
    netdev->n_txq = dev->requested_n_txq;
    return ovl_bench_pool_init();
}

static int
bench_set_etheraddr(struct netdev *netdev, const struct eth_addr mac)
{
    struct ovl_bench_netdev *dev = netdev_cast(netdev);

    if (!eth_addr_equals(dev->hwaddr, mac)) {
        dev->hwaddr = mac;
        netdev_change_seq_changed(netdev);
    }
    return 0;
}

static int
bench_get_etheraddr(const struct netdev *netdev, struct eth_addr *mac)
{
    *mac = netdev_cast(netdev)->hwaddr;
    return 0;
}

static int
bench_get_mtu(const struct netdev *netdev, int *mtu)
{
    *mtu = netdev_cast(netdev)->mtu;
    return 0;
}

static int
bench_set_mtu(struct netdev *netdev, int mtu)
{
    struct ovl_bench_netdev *dev = netdev_cast(netdev);

    if (dev->mtu != mtu) {
        dev->mtu = mtu;
        netdev_change_seq_changed(netdev);
    }
    return 0;
}

static int
bench_get_stats(const struct netdev *netdev, struct netdev_stats *stats)
{
    struct ovl_bench_netdev *dev = netdev_cast(netdev);

    memset(stats, 0, sizeof *stats);
    for (int i = 0; i < OVL_BENCH_MAX_QUEUES; i++) {
        uint64_t rx, tx, bytes;

        atomic_read_relaxed(&dev->rx_stats[i].n_packets, &rx);
        atomic_read_relaxed(&dev->tx_stats[i].n_packets, &tx);
        atomic_read_relaxed(&dev->tx_stats[i].n_bytes, &bytes);
        stats->rx_packets += rx;
        stats->tx_packets += tx;
        stats->tx_bytes += bytes;
    }
    return 0;
}

static int
bench_update_flags(struct netdev *netdev, enum netdev_flags off,
                   enum netdev_flags on, enum netdev_flags *old)
{
    struct ovl_bench_netdev *dev = netdev_cast(netdev);

    *old = dev->flags;
    dev->flags = (dev->flags | on) & ~off;
    if (*old != dev->flags) {
        netdev_change_seq_changed(netdev);
    }
    return 0;
}

/* Sending. */

static void
capture(struct ovl_bench_netdev *dev, struct dp_packet_batch *batch)
{
    struct dp_packet *packet;

    ovs_mutex_lock(&dev->mutex);
    DP_PACKET_BATCH_FOR_EACH (i, packet, batch) {
        if (dev->capture) {
            ovs_pcap_write(dev->capture, packet);
        }
    }
    ovs_mutex_unlock(&dev->mutex);
}

static int
bench_send(struct netdev *netdev, int qid, struct dp_packet_batch *batch,
           bool concurrent_txq)
{
    struct ovl_bench_netdev *dev = netdev_cast(netdev);
    struct ovl_bench_ring *ring = ovl_bench_ring_get();
    struct ovl_bench_tx_stats *stats
        = &dev->tx_stats[qid % OVL_BENCH_MAX_QUEUES];
    size_t n = dp_packet_batch_size(batch);
    size_t bytes;
    bool capturing;

    atomic_read_relaxed(&dev->capturing, &capturing);
    if (OVS_UNLIKELY(capturing)) {
        capture(dev, batch);
    }
    bytes = ovl_bench_ring_push(ring, batch->packets, n);
    if (OVS_UNLIKELY(concurrent_txq)) {
        uint64_t orig;

        atomic_add_relaxed(&stats->n_packets, n, &orig);
        atomic_add_relaxed(&stats->n_bytes, bytes, &orig);
    } else {
        count(&stats->n_packets, n);
        count(&stats->n_bytes, bytes);
    }
    return 0;
}

/* Receiving. */

static struct netdev_rxq *
bench_rxq_alloc(void)
{
    struct bench_rxq *rxq = xzalloc_cacheline(sizeof *rxq);

    return &rxq->up;
}

static int
bench_rxq_construct(struct netdev_rxq *rxq OVS_UNUSED)
{
    return 0;
}

static void
bench_rxq_destruct(struct netdev_rxq *rxq OVS_UNUSED)
{
}

static void
bench_rxq_dealloc(struct netdev_rxq *rxq)
{
    free_cacheline(rxq_cast(rxq));
}

/* Sleeps, but once per round if the thread polls several queues. */
static void
pause_thread(const struct bench_rxq *rxq)
{
    static __thread const struct bench_rxq *sleeper;
    static __thread int n_others;

    if (rxq == sleeper || ++n_others > OVL_BENCH_MAX_QUEUES) {
        sleeper = rxq;
        n_others = 0;
        xnanosleep_no_quiesce(PAUSE_NS);
    }
}

/* Begins another run, or other images. */
static void
start_run(struct bench_rxq *rxq, struct ovl_bench_netdev *dev, uint64_t run,
          const struct ovl_bench_images *images)
{
    struct ovl_bench_rx_stats *stats = &dev->rx_stats[rxq->up.queue_id];
    clockid_t clock;

    atomic_read_relaxed(&dev->limit, &rxq->n_left);
    if (rxq->number != images->number || rxq->n_left != UINT64_MAX) {
        rxq->next = (uint64_t) images->n * rxq->up.queue_id / dev->up.n_rxq;
    }
    rxq->run = run;
    rxq->number = images->number;
    rxq->n_polls = 0;
    if (!pthread_getcpuclockid(pthread_self(), &clock)) {
        atomic_store_relaxed(&stats->clock, clock);
    }
    atomic_store_relaxed(&stats->tid, (int) syscall(SYS_gettid));
}

static inline ALWAYS_INLINE void
make_packet(struct dp_packet *packet, const uint8_t *image, size_t stride,
            size_t len)
{
    uint8_t *data = (uint8_t *) dp_packet_base(packet)
                    + RTE_PKTMBUF_HEADROOM;

    dp_packet_set_data(packet, data);
    dp_packet_set_size(packet, len);
    for (size_t i = 0; i < stride; i += 64) {
        rte_mov64(data + i, image + i);
    }
    *dp_packet_ol_flags_ptr(packet) = RX_FLAGS;
    *dp_packet_rss_ptr(packet) = *ALIGNED_CAST(const uint32_t *, image
                                               + stride - 4);
}

/* Makes packets of the next 'n' images of 'stride' bytes. */
static inline ALWAYS_INLINE void
make_packets_of(struct bench_rxq *rxq, const struct ovl_bench_images *images,
                size_t stride, struct dp_packet *const packets[], size_t n)
{
    size_t next = rxq->next, n_images = images->n, len = images->len;
    const uint8_t *data = images->data;

    for (size_t i = 0; i < n; i++) {
        make_packet(packets[i], &data[next * stride], stride, len);
        next = next + 1 < n_images ? next + 1 : 0;
    }
    rxq->next = next;
}

static void
make_packets(struct bench_rxq *rxq, const struct ovl_bench_images *images,
             struct dp_packet *const packets[], size_t n)
{
    if (images->stride == 64) {
        make_packets_of(rxq, images, 64, packets, n);
    } else {
        make_packets_of(rxq, images, 128, packets, n);
    }
}

static int
bench_rxq_recv(struct netdev_rxq *rxq_, struct dp_packet_batch *batch,
               int *qfill)
{
    struct bench_rxq *rxq = rxq_cast(rxq_);
    struct ovl_bench_netdev *dev = netdev_cast(rxq_->netdev);
    int mode, n_queues, every, in_flight;
    uint64_t run;

    atomic_read_explicit(&dev->mode, &mode, memory_order_acquire);
    atomic_read_relaxed(&dev->n_queues, &n_queues);
    if (OVS_UNLIKELY(mode == OVL_BENCH_PAUSED
                     || rxq->up.queue_id >= n_queues)) {
        int running;

        atomic_read_relaxed(&n_running, &running);
        if (mode != OVL_BENCH_PAUSED || !running) {
            pause_thread(rxq);
        }
        return EAGAIN;
    }

    struct ovl_bench_ring *ring = ovl_bench_ring_get();
    const struct ovl_bench_images *images
        = ovsrcu_get(struct ovl_bench_images *, &dev->images);
    atomic_read_relaxed(&dev->run, &run);
    atomic_read_relaxed(&dev->every, &every);
    atomic_read_relaxed(&ovl_bench_in_flight, &in_flight);
    if (OVS_UNLIKELY(!images)) {
        return EAGAIN;
    }
    if (OVS_UNLIKELY(rxq->run != run || rxq->number != images->number)) {
        start_run(rxq, dev, run, images);
    }
    if (OVS_UNLIKELY(++rxq->n_polls < every)) {
        return EAGAIN;
    }
    rxq->n_polls = 0;
    if (OVS_UNLIKELY(ring->n < in_flight)
        && !ovl_bench_ring_fill(ring, in_flight)) {
        return EAGAIN;
    }

    size_t n = MIN(NETDEV_MAX_BURST, rxq->n_left);
    if (OVS_UNLIKELY(!n)) {
        return EAGAIN;
    }
    dp_packet_batch_init(batch);
    ovl_bench_ring_pop(ring, batch->packets, n);
    batch->count = n;
    make_packets(rxq, images, batch->packets, n);
    dp_packet_batch_init_packet_fields(batch);

    /* Those of the next burst. */
    size_t n_next = MIN(NETDEV_MAX_BURST, ring->n);
    for (size_t i = 0; i < n_next; i++) {
        OVS_PREFETCH(*ovl_bench_ring_slot(ring, i));
    }
    if (rxq->n_left != UINT64_MAX) {
        rxq->n_left -= n;
    }
    count(&dev->rx_stats[rxq->up.queue_id].n_packets, n);
    if (qfill) {
        *qfill = -ENOTSUP;
    }
    if (OVS_UNLIKELY(mode == OVL_BENCH_FLOOR)) {
        bench_send(&dev->up, rxq->up.queue_id, batch, false);
        return EAGAIN;
    }
    return 0;
}

static void
bench_rxq_wait(struct netdev_rxq *rxq OVS_UNUSED)
{
}

static int
bench_rxq_drain(struct netdev_rxq *rxq OVS_UNUSED)
{
    return 0;
}

static const struct netdev_class bench_class = {
    .type = "bench",
    .is_pmd = true,
    .alloc = bench_alloc,
    .construct = bench_construct,
    .destruct = bench_destruct,
    .dealloc = bench_dealloc,
    .get_config = bench_get_config,
    .set_config = bench_set_config,
    .get_numa_id = bench_get_numa_id,
    .set_tx_multiq = bench_set_tx_multiq,
    .send = bench_send,
    .set_etheraddr = bench_set_etheraddr,
    .get_etheraddr = bench_get_etheraddr,
    .get_mtu = bench_get_mtu,
    .set_mtu = bench_set_mtu,
    .get_stats = bench_get_stats,
    .update_flags = bench_update_flags,
    .reconfigure = bench_reconfigure,
    .rxq_alloc = bench_rxq_alloc,
    .rxq_construct = bench_rxq_construct,
    .rxq_destruct = bench_rxq_destruct,
    .rxq_dealloc = bench_rxq_dealloc,
    .rxq_recv = bench_rxq_recv,
    .rxq_wait = bench_rxq_wait,
    .rxq_drain = bench_rxq_drain,
};

void
ovl_bench_register(void)
{
    netdev_register_provider(&bench_class);
    ovl_bench_commands_register();
}
