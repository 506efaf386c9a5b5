/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_PIPELINE_H
#define OVL_PIPELINE_H 1

/* What happens to a packet, from the port that it came in on to the ports
 * that it leaves on.
 *
 * A burst goes through named passes: parse all, decide all, look up all that
 * the MAC table or the router decides, act on all.  Deciding returns a verdict
 * by value and changes nothing; acting is the only place that changes, copies,
 * sends or frees packets.  No pass allocates tables, locks, logs, waits or
 * reads a clock.
 *
 * The pipeline knows no netdev: the thread that runs it hands a 'struct
 * ovl_worker' with its counters shard and two functions.
 *
 * Thread-safety: one thread per worker, inside an RCU critical section.
 *
 * Ownership: the pipeline takes every packet of the batch; each one is given
 * to 'send' or freed with a drop reason or consumed.
 *
 * Layer 2. */

#include "counters.h"
#include "dp-packet.h"
#include "drop-reasons.h"
#include "forwarding.h"

struct ovl_heard;
struct ovl_memo;
struct ovl_trace;

/* What the fast path found out about the port of an earlier burst.  Bindings
 * and networks are what they were as long as the version of the tables is, and
 * so are those who may speak. */
struct ovl_known_port {
    uint32_t id;                /* Of the port; 0: none. */
    ovs_version_t version;
    const struct ovl_binding *binding;  /* May be NULL. */
    const struct ovl_network *net;      /* Of an access port; may be NULL. */
    const struct ovl_vrf *vrf;          /* Of that; NULL: not routed. */

    /* The last speakers over IPv4 and IPv6: ovl_mac_bits(), or UINT64_MAX if
     * there was none, the bytes of the source address, and whether that is
     * one that is routed. */
    uint64_t mac4, mac6;
    uint32_t ip4;
    uint64_t ip6[2];
    bool routed4, routed6;
};

#define OVL_N_KNOWN_PORTS 64    /* Power of 2. */

struct ovl_worker {
    /* Immutable. */
    const struct ovl_forwarding *fwd;
    struct ovl_shard *shard;
    struct ovl_trace *trace;    /* Nonnull while tracing: every step tells
                                 * what it looked up. */

    /* What the fast path remembers, see fast-memo.h; NULL: nothing. */
    struct ovl_memo *memo;

    /* Gives the 'n' packets, of which there is at least one, to 'port', now or
     * at the end of the burst.  Takes them.  Reports their fate with
     * ovl_account_sent() or ovl_account_unsent(). */
    void (*send)(struct ovl_worker *, struct ovl_lport *port,
                 struct dp_packet *const packets[], size_t n);

    /* Returns an empty packet, in a buffer of DPDK's if there is one, with room
     * for 'size' bytes and OVL_PKT_HEADROOM in front, or NULL if there is no
     * memory.  May be NULL itself: see pkt-buffer.h. */
    struct dp_packet *(*buffer)(struct ovl_worker *, size_t size);

    /* Tells the underlay what a frame on the uplink said about a neighbor
     * there.  May be NULL. */
    void (*heard)(struct ovl_worker *, const struct ovl_heard *);

    /* Set by the thread once in a while, for what is limited in time: ms of
     * any clock that does not go back. */
    long long int now;

    /* The pipeline's. */
    ovs_version_t version;      /* Taken once per burst. */
    const struct ovl_config *config;    /* Of that; NULL before the first. */
    struct ovl_tally net_rx, net_tx;    /* Of networks. */
    struct ovl_tally vtep_rx, vtep_tx;
    struct ovl_known_port known[OVL_N_KNOWN_PORTS];     /* By id. */
};

/* Handles 'batch', received on 'in', which ovl_account_received() knows of.
 * 'batch' is empty afterwards. */
void ovl_pipeline_run(struct ovl_worker *, struct ovl_lport *in,
                      struct dp_packet_batch *batch);

/* Accounts for 'n' frames of 'bytes' bytes in all that came in on 'port', which
 * the pipeline gets. */
void ovl_account_received(struct ovl_shard *, const struct ovl_lport *port,
                          size_t n, size_t bytes);

/* Accounts for frames that 'send' was given: 'n' frames of 'bytes' bytes in
 * all went out of 'port', or 'n' died there for 'reason' (the caller frees
 * them). */
void ovl_account_sent(struct ovl_shard *, const struct ovl_lport *port,
                      size_t n, size_t bytes);
void ovl_account_unsent(struct ovl_shard *, const struct ovl_lport *port,
                        enum ovl_drop_reason reason, size_t n);
/* A frame of 'bytes' bytes that came in on 'port' died before the pipeline
 * could have it. */
void ovl_account_refused(struct ovl_shard *, const struct ovl_lport *port,
                         enum ovl_drop_reason reason, size_t bytes);

#endif /* pipeline.h */
