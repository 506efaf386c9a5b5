/* SPDX-License-Identifier: Apache-2.0 */

/* Commands for devices of class "bench":
 *
 *     bench/load PORT FILE     images to send from now on
 *     bench/run [--floor] [--queues=N] [--limit=N] [--every=N] PORT
 *                              makes packets; --floor: and takes them back at
 *                              once, so that the datapath does not see them
 *     bench/pause              no device makes packets any more
 *     bench/in-flight N        packets that go round per thread
 *     bench/capture PORT FILE  what it sends, as pcap; "off" ends it
 *     bench/stats              counters, as JSON
 */

#include <config.h>

#include "bench-netdev.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench-ring.h"
#include "openvswitch/dynamic-string.h"
#include "pcap-file.h"
#include "unixctl.h"
#include "util.h"

/* Reads the rest of a file of images, or returns false. */
static bool
read_images(FILE *file, struct ovl_bench_images *images)
{
    uint32_t header[4];

    if (fread(header, sizeof header, 1, file) != 1
        || header[0] != OVL_BENCH_MAGIC
        || (header[1] != 64 && header[1] != 128)
        || header[2] > header[1] - 4 || !header[3]) {
        return false;
    }
    images->stride = header[1];
    images->len = header[2];
    images->n = header[3];
    images->data = xmalloc_cacheline((size_t) images->stride * images->n);
    return fread(images->data, images->stride, images->n, file) == images->n;
}

static void
cmd_load(struct unixctl_conn *conn, int argc OVS_UNUSED, const char *argv[],
         void *aux OVS_UNUSED)
{
    struct ovl_bench_netdev *dev = ovl_bench_find(argv[1]);
    FILE *file = fopen(argv[2], "rb");

    if (!dev || !file) {
        unixctl_command_reply_error(conn, !dev ? "no such port"
                                               : ovs_strerror(errno));
    } else {
        struct ovl_bench_images *images = xzalloc(sizeof *images);

        if (read_images(file, images)) {
            ovl_bench_set_images(dev, images);
            unixctl_command_reply(conn, NULL);
        } else {
            free_cacheline(images->data);
            free(images);
            unixctl_command_reply_error(conn, "not a file of images");
        }
    }
    if (file) {
        fclose(file);
    }
}

static void
cmd_run(struct unixctl_conn *conn, int argc, const char *argv[],
        void *aux OVS_UNUSED)
{
    struct ovl_bench_netdev *dev = ovl_bench_find(argv[argc - 1]);
    enum ovl_bench_mode mode = OVL_BENCH_FORWARD;
    int n_queues = OVL_BENCH_MAX_QUEUES, every = 1;
    uint64_t limit = UINT64_MAX;

    if (!dev) {
        unixctl_command_reply_error(conn, "no such port");
        return;
    }
    for (int i = 1; i < argc - 1; i++) {
        if (!strcmp(argv[i], "--floor")) {
            mode = OVL_BENCH_FLOOR;
        } else if (!ovs_scan(argv[i], "--queues=%d", &n_queues)
                   && !ovs_scan(argv[i], "--every=%d", &every)
                   && !ovs_scan(argv[i], "--limit=%"SCNu64, &limit)) {
            unixctl_command_reply_error(conn, "unknown option");
            return;
        }
    }
    ovl_bench_set_mode(dev, mode, limit, n_queues, every);
    unixctl_command_reply(conn, NULL);
}

static void
cmd_pause(struct unixctl_conn *conn, int argc OVS_UNUSED,
          const char *argv[] OVS_UNUSED, void *aux OVS_UNUSED)
{
    struct ovl_bench_netdev *dev;

    LIST_FOR_EACH (dev, node, &ovl_bench_netdevs) {
        ovl_bench_set_mode(dev, OVL_BENCH_PAUSED, 0, 0, 1);
    }
    unixctl_command_reply(conn, NULL);
}

static void
cmd_in_flight(struct unixctl_conn *conn, int argc OVS_UNUSED,
              const char *argv[], void *aux OVS_UNUSED)
{
    int n = atoi(argv[1]);

    if (n < 2 * NETDEV_MAX_BURST || n > OVL_BENCH_MAX_RING) {
        unixctl_command_reply_error(conn, "not a number of packets");
    } else {
        atomic_store_relaxed(&ovl_bench_in_flight, n);
        unixctl_command_reply(conn, NULL);
    }
}

static void
cmd_capture(struct unixctl_conn *conn, int argc OVS_UNUSED,
            const char *argv[], void *aux OVS_UNUSED)
{
    struct ovl_bench_netdev *dev = ovl_bench_find(argv[1]);

    if (!dev) {
        unixctl_command_reply_error(conn, "no such port");
        return;
    }

    struct pcap_file *file = NULL;
    if (strcmp(argv[2], "off")) {
        file = ovs_pcap_open(argv[2], "wb");
        if (!file) {
            unixctl_command_reply_error(conn, "cannot open the file");
            return;
        }
    }
    ovl_bench_set_capture(dev, file);
    unixctl_command_reply(conn, NULL);
}

/* Appends the counters of receive queue 'i', with the CPU time so far of the
 * thread that polls it. */
static void
format_rxq(struct ovl_bench_netdev *dev, int i, struct ds *s)
{
    struct timespec ts = { 0, 0 };
    uint64_t packets;
    int clock, tid;

    atomic_read_relaxed(&dev->rx_stats[i].n_packets, &packets);
    atomic_read_relaxed(&dev->rx_stats[i].clock, &clock);
    atomic_read_relaxed(&dev->rx_stats[i].tid, &tid);
    if (clock) {
        clock_gettime(clock, &ts);
    }
    ds_put_format(s, "%s{\"packets\": %"PRIu64", \"cpu_ns\": %lld, "
                  "\"tid\": %d}", i ? ", " : "", packets,
                  ts.tv_sec * 1000000000ll + ts.tv_nsec, tid);
}

static void
cmd_stats(struct unixctl_conn *conn, int argc OVS_UNUSED,
          const char *argv[] OVS_UNUSED, void *aux OVS_UNUSED)
{
    struct ds s = DS_EMPTY_INITIALIZER;
    struct ovl_bench_netdev *dev;

    ds_put_format(&s, "{\"memory\": \"%s\", \"ports\": {",
                  ovl_bench_pool_is_dpdk() ? "hugepages" : "malloc");
    const char *separator = "";
    LIST_FOR_EACH (dev, node, &ovl_bench_netdevs) {
        struct netdev_stats stats;

        ds_put_format(&s, "%s\"%s\": {\"rxqs\": [", separator,
                      netdev_get_name(&dev->up));
        for (int i = 0; i < dev->up.n_rxq; i++) {
            format_rxq(dev, i, &s);
        }
        netdev_get_stats(&dev->up, &stats);
        ds_put_format(&s, "], \"sent\": %"PRIu64"}", stats.tx_packets);
        separator = ", ";
    }
    ds_put_cstr(&s, "}}");
    unixctl_command_reply(conn, ds_cstr(&s));
    ds_destroy(&s);
}

void
ovl_bench_commands_register(void)
{
    unixctl_command_register("bench/load", "PORT FILE", 2, 2, cmd_load, NULL);
    unixctl_command_register("bench/run", "[OPTION]... PORT", 1, 5, cmd_run,
                             NULL);
    unixctl_command_register("bench/pause", "", 0, 0, cmd_pause, NULL);
    unixctl_command_register("bench/in-flight", "N", 1, 1, cmd_in_flight,
                             NULL);
    unixctl_command_register("bench/capture", "PORT FILE|off", 2, 2,
                             cmd_capture, NULL);
    unixctl_command_register("bench/stats", "", 0, 0, cmd_stats, NULL);
}
