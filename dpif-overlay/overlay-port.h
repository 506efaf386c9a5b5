/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_PORT_H
#define OVL_PORT_H 1

/* Port of the overlay datapath: an lport with a netdev behind it.
 *
 *     open ──► configure ──► open_queues ──► close_queues ──► close
 *                  ▲                               │
 *                  └───────────────────────────────┘  (reconfiguration)
 *
 * Thread-safety: the datapath's configuration mutex protects everything but
 * 'up' and 'tx'.  'tx' is what senders see: one RCU pointer, NULL while the
 * netdev must not be touched.  Whoever takes it away, or takes a receive
 * queue off a thread's poll list, waits for a grace period before it touches
 * the netdev.
 *
 * Ownership: ovl_port_close() gives up the netdev; the memory goes when the
 * last reference to 'up' does.
 *
 * Layer 3. */

#include "lport.h"
#include "netdev.h"
#include "openvswitch/hmap.h"
#include "ovs-rcu.h"
#include "pmd-stats.h"
#include "rxq-assign.h"

struct dp_packet;
struct dp_packet_batch;
struct ovl_port;
struct ovl_shard;

/* A receive queue. */
struct ovl_rxq {
    struct ovl_port *port;
    struct netdev_rxq *rx;
    unsigned int core_id;       /* From pmd-rxq-affinity, or OVS_CORE_UNSPEC. */
    unsigned int polled_by;     /* Core of the PMD thread; OVS_CORE_UNSPEC. */
    enum ovl_assign_note note;  /* What is wrong with that. */
    bool isolates;              /* Its thread is for pinned queues. */
    struct ovl_usage usage;
};

/* What a sender needs.  Immutable. */
struct ovl_tx {
    struct netdev *netdev;
    int n_txq;
    bool concurrent;            /* Threads share transmit queues. */
    bool reads_priority;        /* The netdev does, of a packet's metadata. */
};

struct ovl_port {
    struct ovl_lport up;
    struct hmap_node node;      /* In the datapath's ports, by number. */

    /* Immutable. */
    char *type;                 /* Netdev type, as opened. */
    bool is_pmd;

    struct netdev *netdev;
    struct netdev_saved_flags *sf;  /* Promiscuous mode. */
    uint64_t change_seq;        /* Of 'netdev', when last refreshed. */
    int n_txq_asked;            /* Transmit queues asked for so far. */
    char *rxq_affinity;         /* "queue:core,...", or NULL. */
    bool bad_affinity;          /* ... which does not look like that. */
    int64_t mtu_request;        /* MTU that its user wants, or 0. */
    int mtu_error;              /* Why the device refuses that, or 0. */
    int error;                  /* Why it is out of service, or 0. */
    char *fault;                /* What to tell users about it, or NULL. */
    char *logged_fault;         /* What the log has of that. */

    struct ovl_rxq *rxqs;
    int n_rxq;

    OVSRCU_TYPE(struct ovl_tx *) tx;
};

static inline struct ovl_port *
ovl_port_cast(const struct ovl_lport *lport)
{
    return CONTAINER_OF(lport, struct ovl_port, up);
}

/* Opens the netdev 'name' of 'type' as port 'port_no'.  Returns 0 and stores
 * the port, with one reference, or a positive errno value. */
int ovl_port_open(const char *name, const char *type, odp_port_t port_no,
                  struct ovl_port **);

/* Lets the netdev apply its pending configuration, with a transmit queue for
 * each of 'n_senders' threads if it can, and publishes 'tx'.  No queue may be
 * open and no sender in the netdev.  Returns 0 or a positive errno value. */
int ovl_port_configure(struct ovl_port *, int n_senders);

/* Tells the port that there are 'n_senders' threads now: asks the netdev for
 * as many transmit queues, which it gets with its next reconfiguration, and
 * until then has them share what there is.  In force for every sender after a
 * grace period. */
void ovl_port_set_senders(struct ovl_port *, int n_senders);

/* To be called when the netdev's QoS may have changed. */
void ovl_port_refresh_qos(struct ovl_port *);

/* Opens all receive queues.  Returns 0 or a positive errno value, with no
 * queue open. */
int ovl_port_open_queues(struct ovl_port *);

/* Takes 'tx' away.  The caller waits for a grace period afterwards. */
void ovl_port_stop_senders(struct ovl_port *);
void ovl_port_close_queues(struct ovl_port *);

/* Gives up the netdev for 'netdev', which has the same name and type.  The
 * port must neither send nor receive. */
void ovl_port_set_netdev(struct ovl_port *, struct netdev *);

/* Closes the netdev and drops the datapath's reference.  The caller has
 * stopped senders and closed queues. */
void ovl_port_close(struct ovl_port *);

/* The same when the process ends: the netdev stays open.  Stock OVS does so,
 * and a tap that nobody closed stays, so that LOCAL keeps the host's address
 * through a restart. */
void ovl_port_abandon(struct ovl_port *);

/* Reads MTU and MAC of the netdev.  Returns true if one has changed. */
bool ovl_port_refresh(struct ovl_port *);

/* Parses "queue:core,...".  Returns 0 or EINVAL. */
int ovl_port_set_rxq_affinity(struct ovl_port *, const char *);

/* Receives a burst and accounts for it in 'shard'.  Every packet has one
 * segment, and nobody else has it; those that could not have are dropped.
 * Returns 0 or a positive errno value, EAGAIN for nothing. */
int ovl_rxq_recv(struct ovl_rxq *, struct ovl_shard *shard,
                 struct dp_packet_batch *);

/* Sends 'batch', of 'bytes' bytes in all, on behalf of the sender number
 * 'sender' and accounts for it.  If none of them leaves anything to be done to
 * the driver, ovl_offload_is_marked(), 'marked' is false, and nobody looks at
 * them; else those with which the driver cannot do that are dropped.  Takes
 * the packets.  Any thread under RCU. */
void ovl_port_send(struct ovl_port *, int sender, struct ovl_shard *,
                   struct dp_packet_batch *batch, size_t bytes,
                   bool marked);

#endif /* overlay-port.h */
