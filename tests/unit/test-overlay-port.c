/* SPDX-License-Identifier: Apache-2.0 */

/* What a netdev is given to send, seen by one that this program makes. */

#include <config.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "counters.h"
#include "dp-packet.h"
#include "drop-reasons.h"
#include "netdev-provider.h"
#include "overlay-port.h"
#include "ovs-rcu.h"
#include "smap.h"
#include "util.h"

/* The netdev. */

static const char *qos;         /* Its type of QoS. */
static uint32_t priorities[NETDEV_MAX_BURST];   /* Of what was sent last, */
static uint64_t marks[NETDEV_MAX_BURST];
static size_t n_sent;                           /* so many, */
static size_t n_calls;                          /* in so many calls. */
static int send_error;          /* What sending ends with. */

static struct netdev *
fake_alloc(void)
{
    return xzalloc(sizeof(struct netdev));
}

static int
fake_construct(struct netdev *netdev OVS_UNUSED)
{
    return 0;
}

static void
fake_destruct(struct netdev *netdev OVS_UNUSED)
{
}

static void
fake_dealloc(struct netdev *netdev)
{
    free(netdev);
}

static int
fake_update_flags(struct netdev *netdev OVS_UNUSED,
                  enum netdev_flags off OVS_UNUSED,
                  enum netdev_flags on OVS_UNUSED,
                  enum netdev_flags *old_flags)
{
    *old_flags = 0;
    return 0;
}

static int
fake_get_etheraddr(const struct netdev *netdev OVS_UNUSED,
                   struct eth_addr *mac)
{
    *mac = eth_addr_zero;
    return 0;
}

static int
fake_get_qos(const struct netdev *netdev OVS_UNUSED, const char **type,
             struct smap *details)
{
    smap_add(details, "cir", "1");
    *type = qos;
    return 0;
}

static int
fake_send(struct netdev *netdev OVS_UNUSED, int qid OVS_UNUSED,
          struct dp_packet_batch *batch, bool concurrent OVS_UNUSED)
{
    struct dp_packet *packet;

    n_calls++;
    n_sent = dp_packet_batch_size(batch);
    DP_PACKET_BATCH_FOR_EACH (i, packet, batch) {
        priorities[i] = packet->md.skb_priority;
        marks[i] = *dp_packet_ol_flags_ptr(packet);
    }
    dp_packet_delete_batch(batch, true);
    return send_error;
}

#define FAKE_CLASS(TYPE)                                                     \
    {                                                                        \
        .type = TYPE,                                                        \
        .alloc = fake_alloc,                                                 \
        .construct = fake_construct,                                         \
        .destruct = fake_destruct,                                           \
        .dealloc = fake_dealloc,                                             \
        .update_flags = fake_update_flags,                                   \
        .get_etheraddr = fake_get_etheraddr,                                 \
        .get_qos = fake_get_qos,                                             \
        .send = fake_send,                                                   \
    }

static const struct netdev_class dpdk_class = FAKE_CLASS("dpdk-fake");
static const struct netdev_class other_class = FAKE_CLASS("fake");

static struct ovl_port *
open_port(const char *type)
{
    struct ovl_port *port;

    assert_int_equal(ovl_port_open("port", type, ODP_PORT_C(1), &port), 0);
    assert_int_equal(ovl_port_configure(port, 1), 0);
    return port;
}

static void
close_port(struct ovl_port *port)
{
    ovl_port_stop_senders(port);
    ovl_port_close(port);
    ovsrcu_quiesce();
}

/* Sends 'n' packets in buffers that somebody has left dirty. */
static void
send_dirty(struct ovl_port *port, size_t n, bool marked)
{
    struct ovl_shard *shard = ovl_shard_create_private();
    struct dp_packet_batch batch;

    dp_packet_batch_init(&batch);
    for (size_t i = 0; i < n; i++) {
        struct dp_packet *packet = dp_packet_new(60);

        dp_packet_put_zeros(packet, 60);
        packet->md.skb_priority = 7 + i;
        dp_packet_batch_add(&batch, packet);
    }
    ovl_port_send(port, 0, shard, &batch, n * 60, marked);
    assert_int_equal(n_sent, n);
    ovl_shard_destroy(shard);
}

static void
assert_dirty(struct ovl_port *port)
{
    send_dirty(port, 3, false);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(priorities[i], 7 + i);
    }
}

static void
assert_clean(struct ovl_port *port)
{
    for (int marked = 0; marked < 2; marked++) {
        send_dirty(port, NETDEV_MAX_BURST, marked);
        for (size_t i = 0; i < NETDEV_MAX_BURST; i++) {
            assert_int_equal(priorities[i], 0);
        }
    }
}

/* Others do not look, and a cache line for each packet is a lot. */
static void
priorities_are_cleared_for_who_looks_at_them(void **state OVS_UNUSED)
{
    struct ovl_port *port;

    qos = "";
    port = open_port("dpdk-fake");
    assert_dirty(port);
    qos = "egress-policer";
    ovl_port_refresh_qos(port);
    assert_dirty(port);
    qos = "trtcm-policer";
    ovl_port_refresh_qos(port);
    assert_clean(port);
    ovl_port_set_senders(port, 2);
    assert_clean(port);
    ovl_port_refresh_qos(port);
    assert_clean(port);
    qos = "";
    ovl_port_refresh_qos(port);
    assert_dirty(port);
    close_port(port);

    qos = "trtcm-policer";
    port = open_port("dpdk-fake");
    assert_clean(port);
    ovl_port_stop_senders(port);
    ovl_port_refresh_qos(port);         /* Is not sending. */
    assert_int_equal(ovl_port_configure(port, 1), 0);
    assert_clean(port);
    close_port(port);

    port = open_port("fake");
    assert_dirty(port);
    close_port(port);
}

/* Marked packets. */

#define TCP DP_PACKET_OL_TX_TCP_CKSUM
#define UDP DP_PACKET_OL_TX_UDP_CKSUM
#define SCTP DP_PACKET_OL_TX_SCTP_CKSUM
#define TSO (DP_PACKET_OL_TX_TCP_CKSUM | DP_PACKET_OL_TX_TCP_SEG)

/* Sends a packet of each of the 'n' 'asked', the first of 60 bytes, the next
 * of 61, ..., through 'port', whose driver can do 'can'.  Checks that those
 * numbered 'reach', a bit for each, come to the driver as they are, in order,
 * and that counters say what became of all. */
static void
assert_reaches(struct ovl_port *port, uint64_t can, bool marked,
               const uint64_t asked[], size_t n, uint32_t reach)
{
    struct ovl_shard *shard = ovl_shard_create_private();
    const uint32_t traffic = port->up.traffic;
    size_t n_reach = 0, bytes = 0, bytes_reach = 0;
    struct dp_packet_batch batch;

    dp_packet_batch_init(&batch);
    for (size_t i = 0; i < n; i++) {
        struct dp_packet *packet = dp_packet_new(60 + i);

        dp_packet_put_zeros(packet, 60 + i);
        *dp_packet_ol_flags_ptr(packet) = asked[i];
        dp_packet_batch_add(&batch, packet);
        bytes += 60 + i;
    }
    port->netdev->ol_flags = can;
    n_sent = n_calls = 0;
    ovl_port_send(port, 0, shard, &batch, bytes, marked);

    for (size_t i = 0; i < n; i++) {
        if (reach & 1u << i) {
            assert_true(n_reach < n_sent);
            assert_int_equal(marks[n_reach], asked[i]);
            n_reach++;
            bytes_reach += 60 + i;
        }
    }
    assert_int_equal(n_sent, n_reach);
    assert_int_equal(n_calls, n_reach > 0);
    if (send_error) {
        n_reach = bytes_reach = 0;
    }
    assert_int_equal(ovl_shard_read(shard, OVL_TOTAL_SENT), n_reach);
    assert_int_equal(ovl_shard_read(shard, OVL_TOTAL_DROPPED), n - n_reach);
    assert_int_equal(ovl_shard_read(shard, traffic + OVL_TX_PACKETS),
                     n_reach);
    assert_int_equal(ovl_shard_read(shard, traffic + OVL_TX_BYTES),
                     bytes_reach);
    assert_int_equal(ovl_shard_read(shard, port->up.drops + OVL_DROP_TX_ERROR),
                     n - n_reach);
    ovl_shard_destroy(shard);
}

/* All sorts of packets to a driver that can do this or that. */
static void
what_a_driver_cannot_do_is_dropped_and_counted(void **state OVS_UNUSED)
{
    const uint64_t asked[] = { TSO, 0, UDP, TCP, SCTP, TSO };
    const uint64_t csum = (NETDEV_TX_OFFLOAD_TCP_CKSUM
                           | NETDEV_TX_OFFLOAD_UDP_CKSUM
                           | NETDEV_TX_OFFLOAD_SCTP_CKSUM);
    const struct {
        uint64_t can;
        uint32_t reach;
    } drivers[] = {
        { 0, 0x02 },
        { NETDEV_TX_OFFLOAD_IPV4_CKSUM, 0x02 },
        { NETDEV_TX_OFFLOAD_UDP_CKSUM, 0x06 },
        { NETDEV_TX_OFFLOAD_TCP_CKSUM, 0x0a },
        { NETDEV_TX_OFFLOAD_SCTP_CKSUM, 0x12 },
        { NETDEV_TX_OFFLOAD_TCP_TSO, 0x02 },
        { NETDEV_TX_OFFLOAD_TCP_TSO | NETDEV_TX_OFFLOAD_TCP_CKSUM, 0x2b },
        { csum, 0x1e },
        { csum | NETDEV_TX_OFFLOAD_TCP_TSO, 0x3f },
    };

    qos = "";
    struct ovl_port *port = open_port("fake");
    for (send_error = 0; send_error < 2; send_error++) {
        for (size_t i = 0; i < ARRAY_SIZE(drivers); i++) {
            assert_reaches(port, drivers[i].can, true, asked,
                           ARRAY_SIZE(asked), drivers[i].reach);
        }
        /* Nothing is left: the driver is not called at all. */
        assert_reaches(port, 0, true, asked, 1, 0);
    }
    send_error = 0;
    close_port(port);
}

/* That none is marked is the caller's word: nobody looks, as these show, of
 * whom it is not true. */
static void
batch_without_marks_goes_straight_to_the_driver(void **state OVS_UNUSED)
{
    const uint64_t asked[] = { TSO, 0, UDP };

    qos = "";
    struct ovl_port *port = open_port("fake");
    assert_reaches(port, 0, false, asked, ARRAY_SIZE(asked), 0x07);
    send_error = EIO;
    assert_reaches(port, 0, false, asked, ARRAY_SIZE(asked), 0x07);
    send_error = 0;
    close_port(port);
}

int
main(int argc OVS_UNUSED, char *argv[])
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(priorities_are_cleared_for_who_looks_at_them),
        cmocka_unit_test(what_a_driver_cannot_do_is_dropped_and_counted),
        cmocka_unit_test(batch_without_marks_goes_straight_to_the_driver),
    };

    set_program_name(argv[0]);
    netdev_register_provider(&dpdk_class);
    netdev_register_provider(&other_class);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
