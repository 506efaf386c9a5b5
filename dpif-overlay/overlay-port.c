/* SPDX-License-Identifier: Apache-2.0 */

/* Ports of the overlay datapath.
 *
 * Everything about devices is left to OVS's netdev layer; what is here is
 * the order in which its functions may be called while other threads send
 * and receive. */

#include <config.h>

#include "overlay-port.h"

#include <errno.h>

#include "dp-packet.h"
#include "hmapx.h"
#include "netdev-provider.h"
#include "openvswitch/ofp-parse.h"
#include "openvswitch/vlog.h"
#include "ovs-numa.h"
#include "pipeline.h"
#include "rx-packet.h"
#include "smap.h"

VLOG_DEFINE_THIS_MODULE(overlay_port);

static void
ovl_port_destroy(struct ovl_lport *lport)
{
    struct ovl_port *port = ovl_port_cast(lport);

    ovl_lport_uninit(&port->up);
    free(port->type);
    free(port->rxq_affinity);
    free(port->fault);
    free(port->logged_fault);
    free(port->rxqs);
    free(port);
}

int
ovl_port_open(const char *name, const char *type, odp_port_t port_no,
              struct ovl_port **portp)
{
    enum netdev_flags flags;
    struct netdev *netdev;
    int error;

    *portp = NULL;
    error = netdev_open(name, type, &netdev);
    if (error) {
        return error;
    }

    if (!netdev_get_flags(netdev, &flags) && flags & NETDEV_LOOPBACK) {
        VLOG_ERR("%s: cannot add a loopback device", name);
        netdev_close(netdev);
        return EINVAL;
    }

    struct ovl_port *port = xzalloc(sizeof *port);
    ovl_lport_init(&port->up, name, port_no, ovl_port_destroy);
    port->type = xstrdup(type);
    port->is_pmd = netdev_is_pmd(netdev);
    port->netdev = netdev;
    ovsrcu_init(&port->tx, NULL);
    *portp = port;
    return 0;
}

void
ovl_port_set_netdev(struct ovl_port *port, struct netdev *netdev)
{
    ovs_assert(!port->n_rxq);
    ovs_assert(!ovsrcu_get_protected(struct ovl_tx *, &port->tx));

    netdev_restore_flags(port->sf);
    port->sf = NULL;
    netdev_close(port->netdev);
    port->netdev = netdev_ref(netdev);
    port->is_pmd = netdev_is_pmd(netdev);
    port->n_txq_asked = 0;
}

/* Asks for 'n' transmit queues, unless the netdev has been asked for as many
 * already, or got fewer than it was asked for last time: a device stops and
 * starts for this, and a thread more should not cost packets for nothing. */
static int
request_txqs(struct ovl_port *port, int n)
{
    bool too_few = (!netdev_is_reconf_required(port->netdev)
                    && netdev_n_txq(port->netdev) < port->n_txq_asked);
    int error;

    if (!port->is_pmd || n <= port->n_txq_asked || too_few) {
        return 0;
    }

    error = netdev_set_tx_multiq(port->netdev, n);
    if (error && error != EOPNOTSUPP) {
        VLOG_ERR("%s: cannot set %d transmit queues (%s)", port->up.name, n,
                 ovs_strerror(error));
        return error;
    }
    port->n_txq_asked = n;
    return 0;
}

/* Lets the netdev apply its configuration.  A device may take seconds, which
 * nobody's grace period should wait for. */
static int
reconfigure(struct ovl_port *port)
{
    int error;

    ovsrcu_quiesce_start();
    error = netdev_reconfigure(port->netdev);
    if (error && error != EOPNOTSUPP && port->is_pmd
        && netdev_n_txq(port->netdev) != netdev_n_rxq(port->netdev)
        && !netdev_set_tx_multiq(port->netdev,
                                 netdev_n_rxq(port->netdev))) {
        /* Some drivers, such as net_tap, take nothing else.  Threads share
         * what there is. */
        VLOG_INFO("%s: trying as many transmit queues as receive queues, %d",
                  port->up.name, netdev_n_rxq(port->netdev));
        error = netdev_reconfigure(port->netdev);
    }
    ovsrcu_quiesce_end();
    return error;
}

/* One policer of netdev-dpdk takes a packet's queue from its metadata, which
 * are what the last user of its buffer left there. */
static bool
reads_priority(const struct ovl_port *port)
{
    struct smap details = SMAP_INITIALIZER(&details);
    const char *type = NULL;
    bool reads = (!strncmp(port->type, "dpdk", 4)
                  && !netdev_get_qos(port->netdev, &type, &details)
                  && type && !strcmp(type, "trtcm-policer"));

    smap_destroy(&details);
    return reads;
}

static void
replace_tx(struct ovl_port *port, struct ovl_tx *tx)
{
    struct ovl_tx *old = ovsrcu_get_protected(struct ovl_tx *, &port->tx);

    ovsrcu_set(&port->tx, tx);
    if (old) {
        ovsrcu_postpone(free, old);
    }
}

static void
publish_tx(struct ovl_port *port, int n_senders)
{
    struct ovl_tx *tx = xmalloc(sizeof *tx);

    tx->netdev = port->netdev;
    tx->n_txq = MAX(1, netdev_n_txq(port->netdev));
    tx->concurrent = tx->n_txq < n_senders;
    tx->reads_priority = reads_priority(port);
    replace_tx(port, tx);
}

void
ovl_port_refresh_qos(struct ovl_port *port)
{
    struct ovl_tx *old = ovsrcu_get_protected(struct ovl_tx *, &port->tx);
    bool reads = reads_priority(port);

    if (old && old->reads_priority != reads) {
        struct ovl_tx *tx = xmemdup(old, sizeof *old);

        tx->reads_priority = reads;
        replace_tx(port, tx);
    }
}

void
ovl_port_set_senders(struct ovl_port *port, int n_senders)
{
    if (ovsrcu_get_protected(struct ovl_tx *, &port->tx)) {
        request_txqs(port, n_senders);
        publish_tx(port, n_senders);
    }
}

int
ovl_port_configure(struct ovl_port *port, int n_senders)
{
    int error;

    ovs_assert(!port->n_rxq);

    error = request_txqs(port, n_senders);
    if (error) {
        return error;
    }
    error = reconfigure(port);
    if (error && error != EOPNOTSUPP) {
        VLOG_ERR("%s: cannot apply the interface's configuration (%s)",
                 port->up.name, ovs_strerror(error));
        return error;
    }
    publish_tx(port, n_senders);

    /* Changing flags makes the interface notifier reconfigure the bridge,
     * which adds a port that could not be added again: only now, when
     * nothing can fail any more. */
    if (!port->sf) {
        error = netdev_turn_flags_on(port->netdev, NETDEV_PROMISC, &port->sf);
        if (error) {
            VLOG_ERR("%s: cannot set promiscuous mode (%s)", port->up.name,
                     ovs_strerror(error));
            ovl_port_stop_senders(port);
            return error;
        }
    }
    ovl_port_refresh(port);
    return 0;
}

static void
unpin_rxqs(struct ovl_port *port)
{
    for (int i = 0; i < port->n_rxq; i++) {
        port->rxqs[i].core_id = OVS_CORE_UNSPEC;
    }
}

/* Sets the cores that 'port->rxq_affinity' names, which is written as for
 * 'dpif-netdev'; none, if it cannot be read. */
static int
apply_rxq_affinity(struct ovl_port *port)
{
    char *copy, *rest, *key, *value;
    int error = 0;

    unpin_rxqs(port);
    rest = copy = nullable_xstrdup(port->rxq_affinity);
    while (rest && !error && ofputil_parse_key_value(&rest, &key, &value)) {
        int queue, core;

        if (!str_to_int(key, 0, &queue) || queue < 0
            || !str_to_int(value, 0, &core) || core < 0) {
            error = EINVAL;
        } else if (queue < port->n_rxq) {
            port->rxqs[queue].core_id = core;
        }
    }
    free(copy);
    if (error) {
        unpin_rxqs(port);
    }
    return error;
}

int
ovl_port_set_rxq_affinity(struct ovl_port *port, const char *affinity)
{
    if (!nullable_string_is_equal(port->rxq_affinity, affinity)) {
        free(port->rxq_affinity);
        port->rxq_affinity = nullable_xstrdup(affinity);
    }
    int error = apply_rxq_affinity(port);
    port->bad_affinity = error != 0;
    return error;
}

int
ovl_port_open_queues(struct ovl_port *port)
{
    int n = netdev_n_rxq(port->netdev);

    ovs_assert(!port->n_rxq);
    port->rxqs = xrealloc(port->rxqs, MAX(1, n) * sizeof *port->rxqs);
    for (int i = 0; i < n; i++) {
        struct ovl_rxq *rxq = &port->rxqs[i];

        *rxq = (struct ovl_rxq) {
            .port = port,
            .core_id = OVS_CORE_UNSPEC,
            .polled_by = OVS_CORE_UNSPEC,
        };
        int error = netdev_rxq_open(port->netdev, &rxq->rx, i);
        if (error) {
            VLOG_ERR("%s: cannot open receive queue %d (%s)", port->up.name,
                     i, ovs_strerror(error));
            ovl_port_close_queues(port);
            return error;
        }
        port->n_rxq++;
    }
    apply_rxq_affinity(port);
    return 0;
}

void
ovl_port_stop_senders(struct ovl_port *port)
{
    struct ovl_tx *tx = ovsrcu_get_protected(struct ovl_tx *, &port->tx);

    if (tx) {
        ovsrcu_set(&port->tx, NULL);
        ovsrcu_postpone(free, tx);
    }
}

void
ovl_port_close_queues(struct ovl_port *port)
{
    for (int i = 0; i < port->n_rxq; i++) {
        netdev_rxq_close(port->rxqs[i].rx);
    }
    port->n_rxq = 0;
}

void
ovl_port_close(struct ovl_port *port)
{
    ovs_assert(!port->n_rxq);
    ovs_assert(!ovsrcu_get_protected(struct ovl_tx *, &port->tx));

    atomic_store_relaxed(&port->up.alive, false);
    netdev_restore_flags(port->sf);
    port->sf = NULL;
    netdev_close(port->netdev);
    port->netdev = NULL;
    ovl_lport_unref(&port->up);
}

/* The netdevs that outlive their ports, where leak checkers see that they are
 * not forgotten. */
static struct hmapx abandoned = HMAPX_INITIALIZER(&abandoned);

void
ovl_port_abandon(struct ovl_port *port)
{
    ovs_assert(!port->n_rxq);

    atomic_store_relaxed(&port->up.alive, false);
    hmapx_add(&abandoned, port->netdev);
    port->netdev = NULL;
    ovl_lport_unref(&port->up);
}

/* virtio 1.1, section 5.1.3: what a guest can take. */
#define VIRTIO_NET_F_GUEST_CSUM 1
#define VIRTIO_NET_F_GUEST_TSO4 7
#define VIRTIO_NET_F_GUEST_TSO6 8

/* What netdev-dpdk says of every vhost-user port a guest need not be able to
 * take.  Returns what the one can that is there. */
static uint8_t
guest_offloads(const struct ovl_port *port)
{
    struct smap status = SMAP_INITIALIZER(&status);
    unsigned long long int features = 0;
    uint8_t can = 0;

    if (!netdev_get_status(port->netdev, &status)) {
        const char *s = smap_get(&status, "features");

        features = s ? strtoull(s, NULL, 16) : 0;
    }
    smap_destroy(&status);

    if (features & (1ULL << VIRTIO_NET_F_GUEST_CSUM)) {
        can |= OVL_LPORT_CSUM;
    }
    if (features & (1ULL << VIRTIO_NET_F_GUEST_TSO4)) {
        can |= OVL_LPORT_TSO4;
    }
    if (features & (1ULL << VIRTIO_NET_F_GUEST_TSO6)) {
        can |= OVL_LPORT_TSO6;
    }
    return can;
}

/* Returns OVL_LPORT_* of 'port'. */
static uint8_t
offloads_of(const struct ovl_port *port)
{
    const uint64_t csum = (NETDEV_TX_OFFLOAD_TCP_CKSUM
                           | NETDEV_TX_OFFLOAD_UDP_CKSUM);
    uint64_t flags = port->netdev->ol_flags;
    uint8_t can = 0;

    if ((flags & csum) == csum) {
        can |= OVL_LPORT_CSUM;
    }
    if (flags & NETDEV_TX_OFFLOAD_TCP_TSO) {
        can |= OVL_LPORT_TSO4 | OVL_LPORT_TSO6;
    }
    if (can && !strncmp(port->type, "dpdkvhostuser", 13)) {
        can &= guest_offloads(port);
    }
    return can;
}

bool
ovl_port_refresh(struct ovl_port *port)
{
    struct eth_addr mac = eth_addr_zero;
    int mtu = 0;

    port->change_seq = netdev_get_change_seq(port->netdev);
    if (netdev_get_mtu(port->netdev, &mtu) || mtu < 0) {
        mtu = 0;
    }
    if (netdev_get_etheraddr(port->netdev, &mac)) {
        mac = eth_addr_zero;
    }

    bool changed = (ovl_lport_mtu(&port->up) != MIN(mtu, UINT16_MAX)
                    || !eth_addr_equals(ovl_lport_mac(&port->up), mac));
    atomic_store_relaxed(&port->up.mtu, MIN(mtu, UINT16_MAX));
    atomic_store_relaxed(&port->up.mac, eth_addr_to_uint64(mac));
    atomic_store_relaxed(&port->up.offloads, offloads_of(port));
    return changed;
}

/* Makes copies of those packets of 'batch' that others have as well, or that
 * are in pieces.  Returns how many bytes were in those that could not be
 * copied. */
static size_t
own_packets(const struct ovl_rxq *rxq, struct ovl_shard *shard,
            struct dp_packet_batch *batch)
{
    struct dp_packet *packet;
    size_t n = dp_packet_batch_size(batch), i;
    size_t refused = 0;

    DP_PACKET_BATCH_REFILL_FOR_EACH (i, n, packet, batch) {
        size_t len = dp_packet_size(packet);

        packet = ovl_rx_own(packet);
        if (OVS_LIKELY(packet)) {
            dp_packet_batch_refill(batch, packet, i);
        } else {
            ovl_account_refused(shard, &rxq->port->up,
                                OVL_DROP_BAD_SEGMENTS, len);
            refused += len;
        }
    }
    return refused;
}

int
ovl_rxq_recv(struct ovl_rxq *rxq, struct ovl_shard *shard,
             struct dp_packet_batch *batch)
{
    dp_packet_batch_init(batch);
    int error = netdev_rxq_recv(rxq->rx, batch, NULL);
    if (error) {
        if (error != EAGAIN && error != EOPNOTSUPP) {
            static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(1, 5);
            VLOG_WARN_RL(&rl, "%s: receive failed (%s)", rxq->port->up.name,
                         ovs_strerror(error));
        }
        return error;
    }

    struct dp_packet *packet;
    size_t bytes = 0;
    bool own = true;
    DP_PACKET_BATCH_FOR_EACH (i, packet, batch) {
        own &= ovl_rx_is_own(packet);
        bytes += dp_packet_size(packet);
    }
    if (OVS_UNLIKELY(!own)) {
        bytes -= own_packets(rxq, shard, batch);
    }
    ovl_account_received(shard, &rxq->port->up, dp_packet_batch_size(batch),
                         bytes);
    return dp_packet_batch_is_empty(batch) ? EAGAIN : 0;
}

/* What a netdev has to be able to do, NETDEV_TX_OFFLOAD_*, to send a packet
 * with 'marks'. */
static uint64_t
offloads_needed(uint64_t marks)
{
    uint64_t l4 = marks & DP_PACKET_OL_TX_L4_MASK;
    uint64_t needed = 0;

    if (l4 == DP_PACKET_OL_TX_UDP_CKSUM) {
        needed |= NETDEV_TX_OFFLOAD_UDP_CKSUM;
    } else if (l4 == DP_PACKET_OL_TX_SCTP_CKSUM) {
        needed |= NETDEV_TX_OFFLOAD_SCTP_CKSUM;
    } else if (l4) {
        needed |= NETDEV_TX_OFFLOAD_TCP_CKSUM;
    }
    if (marks & DP_PACKET_OL_TX_TCP_SEG) {
        needed |= NETDEV_TX_OFFLOAD_TCP_TSO;
    }
    return needed;
}

/* Drops those packets of 'batch' that leave to the driver of 'netdev' what it
 * cannot do: it could when that was decided.  Returns how many, and stores in
 * '*bytes' how long the others are in all. */
static size_t
drop_undoable(const struct netdev *netdev, struct dp_packet_batch *batch,
              size_t *bytes)
{
    struct dp_packet *packet;
    size_t n = dp_packet_batch_size(batch), i;

    *bytes = 0;
    DP_PACKET_BATCH_REFILL_FOR_EACH (i, n, packet, batch) {
        if (offloads_needed(*dp_packet_ol_flags_ptr(packet))
            & ~netdev->ol_flags) {
            dp_packet_delete(packet);
        } else {
            *bytes += dp_packet_size(packet);
            dp_packet_batch_refill(batch, packet, i);
        }
    }
    return n - dp_packet_batch_size(batch);
}

/* All packets have the priority that no row can change. */
static void
clear_priorities(struct dp_packet_batch *batch)
{
    struct dp_packet *packet;

    DP_PACKET_BATCH_FOR_EACH (i, packet, batch) {
        packet->md.skb_priority = 0;
    }
}

void
ovl_port_send(struct ovl_port *port, int sender, struct ovl_shard *shard,
              struct dp_packet_batch *batch, size_t bytes, bool marked)
{
    const struct ovl_tx *tx = ovsrcu_get(struct ovl_tx *, &port->tx);
    size_t n = dp_packet_batch_size(batch);

    if (!tx) {
        dp_packet_delete_batch(batch, true);
        ovl_account_unsent(shard, &port->up, OVL_DROP_PORT_GONE, n);
        return;
    }

    if (OVS_UNLIKELY(marked)) {
        size_t undoable = drop_undoable(tx->netdev, batch, &bytes);

        ovl_account_unsent(shard, &port->up, OVL_DROP_TX_ERROR, undoable);
        n -= undoable;
        if (!n) {
            return;
        }
    }
    if (OVS_UNLIKELY(tx->reads_priority)) {
        clear_priorities(batch);
    }

    /* Not netdev_send(), which looks at every packet for what the driver
     * cannot do, and does not say how many it has dropped for that. */
    int error = tx->netdev->netdev_class->send(tx->netdev, sender % tx->n_txq,
                                               batch, tx->concurrent);
    if (error) {
        /* The driver does not say how many went. */
        ovl_account_unsent(shard, &port->up, OVL_DROP_TX_ERROR, n);
    } else {
        ovl_account_sent(shard, &port->up, n, bytes);
    }
}
