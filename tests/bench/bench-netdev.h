/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_BENCH_NETDEV_H
#define OVL_BENCH_NETDEV_H 1

/* Netdev class "bench": a source and sink of packets that costs next to
 * nothing, for measuring datapaths.
 *
 * A device hands out packets with images out of a file, one after another and
 * from the start again, as fast as it is polled, and takes back what it is
 * told to send.  Nothing leaves or enters the process.  It generates while the
 * 'bench/run' command says so, and otherwise makes the PMD thread that polls
 * it sleep, so that another daemon can have the core.
 *
 * File of images: the magic number, 'stride', 'len' and 'n' as native 32-bit
 * numbers, then 'n' times 'stride' bytes: a frame of 'len' bytes at the
 * beginning and, in the last 4, the hash that a network card would tell.
 *
 * Thread-safety: a receive queue is polled by one thread, others are free to
 * send, and commands come from the main thread.
 *
 * The daemon of the product does not have it: see bench-init.c. */

#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "netdev-provider.h"
#include "openvswitch/list.h"
#include "ovs-atomic.h"
#include "ovs-rcu.h"
#include "ovs-thread.h"

struct pcap_file;

#define OVL_BENCH_MAGIC 0x4f564c42
#define OVL_BENCH_MAX_QUEUES 16

struct ovl_bench_images {
    uint32_t stride;            /* 64 or 128. */
    uint32_t len;
    uint32_t n;
    uint64_t number;            /* Counts what is loaded. */
    uint8_t *data;              /* Aligned to cache lines. */
};

enum ovl_bench_mode {
    OVL_BENCH_PAUSED,
    OVL_BENCH_FORWARD,          /* Hand out packets. */
    OVL_BENCH_FLOOR,            /* Take them back at once. */
};

/* Written by one thread, read by the main thread. */
struct ovl_bench_rx_stats {
    OVS_ALIGNED_VAR(CACHE_LINE_SIZE) atomic_uint64_t n_packets;
    atomic_int clock;           /* Of the thread's CPU time; 0: not polled. */
    atomic_int tid;
};

struct ovl_bench_tx_stats {
    OVS_ALIGNED_VAR(CACHE_LINE_SIZE) atomic_uint64_t n_packets;
    atomic_uint64_t n_bytes;
};

struct ovl_bench_netdev {
    struct netdev up;
    struct ovs_list node;       /* In 'ovl_bench_netdevs'. */

    /* Read by packet threads, written by the main thread. */
    OVSRCU_TYPE(struct ovl_bench_images *) images;
    atomic_int mode;            /* enum ovl_bench_mode. */
    atomic_uint64_t limit;      /* Of packets per queue, in this run. */
    atomic_uint64_t run;        /* Counts runs. */
    atomic_int n_queues;        /* Queues that generate. */
    atomic_int every;           /* Hands out a burst in each 'every'th poll. */
    atomic_bool capturing;

    struct ovs_mutex mutex;
    struct pcap_file *capture OVS_GUARDED;

    /* Main thread only. */
    struct eth_addr hwaddr;
    int mtu;
    enum netdev_flags flags;
    int requested_n_rxq;
    int requested_n_txq;

    struct ovl_bench_rx_stats rx_stats[OVL_BENCH_MAX_QUEUES];
    struct ovl_bench_tx_stats tx_stats[OVL_BENCH_MAX_QUEUES];
};

/* All devices.  Main thread only, as is what follows. */
extern struct ovs_list ovl_bench_netdevs;

/* Packets in flight per thread. */
extern atomic_int ovl_bench_in_flight;

/* Registers the class and its commands. */
void ovl_bench_register(void);
void ovl_bench_commands_register(void);

struct ovl_bench_netdev *ovl_bench_find(const char *name);
void ovl_bench_set_images(struct ovl_bench_netdev *,
                          struct ovl_bench_images *);
void ovl_bench_set_mode(struct ovl_bench_netdev *, enum ovl_bench_mode,
                        uint64_t limit, int n_queues, int every);

/* Writes what the device is told to send to 'file' from now on, and takes
 * it; NULL: nowhere. */
void ovl_bench_set_capture(struct ovl_bench_netdev *, struct pcap_file *file);

#endif /* bench-netdev.h */
