/* SPDX-License-Identifier: Apache-2.0 */

#ifndef WORLD_H
#define WORLD_H 1

/* A small world for the pipeline: tables, ports that record what they are
 * given, a worker.
 *
 *      vm1       vm2      vm3       trunk1        other        loose
 *       |         |        |       /      \         |            :
 *       |         |        |   VLAN 10   untagged   |            :
 *     +-+---------+--------+------+---+   +-+-------+-+          :
 *     |        network 5001           |   |   5002    |     (not bound)
 *     +-------------------------------+   +-----------+
 *        |  to 192.0.2.2: resolved, MAC_REMOTE is there
 *        |  to 192.0.2.3: resolved
 *        |  to 192.0.2.4: not resolved, MAC_UNRESOLVED is there
 *       eth1 (uplink), br-ov (LOCAL), own address 192.0.2.1
 *
 *     port    MAC      may speak as
 *     ------  -------  ------------------------------------------
 *     vm1     MAC_VM1  10.1.0.11, 10.1.0.64/28, 2001:db8::11
 *     vm2     MAC_VM2  whatever IP it likes (only its MAC is guarded)
 *     vm3     MAC_VM3  whatever it likes (not guarded)
 *     other   MAC_VM1  whatever, in 5002: the same MAC as vm1
 *
 * Network 5001: gateways 10.1.0.1/24 and 2001:db8::1/64 with the link-local
 * fe80::5eff:fe00:101, router MAC MAC_ROUTER, flood list 192.0.2.2 and
 * 192.0.2.3.  Network 5002 has neither gateway nor flood list.  Neighbors of
 * 5001: 10.1.0.11, 10.1.0.12 and 10.1.0.99 at MAC_VM1, MAC_VM2 and
 * MAC_REMOTE, 2001:db8::11 and so on likewise; 10.1.0.50 is shared.
 *
 * A test changes 'net', 'config' and so on and calls world_apply().
 *
 * Not for use by more than one thread. */

#include "forwarding.h"
#include "frames.h"
#include "guarded.h"
#include "pipeline.h"
#include "underlay-talk.h"

#define WORLD_MAX_OUTPUTS 192

#define VNI 5001
/* The same but for its highest byte. */
#define VNI_OTHER (VNI + 0x10000)

#define IP_OWN "192.0.2.1"
#define IP_VTEP "192.0.2.2"
#define IP_VTEP2 "192.0.2.3"
#define IP_VTEP_UNRESOLVED "192.0.2.4"

struct world_output {
    struct ovl_lport *port;
    uint64_t marks;             /* DP_PACKET_OL_*, for the driver, */
    uint16_t l3_ofs, l4_ofs;    /* and where that is about. */
    struct frame frame;
};

struct world {
    struct ovl_worker worker;   /* First member: 'send' casts. */
    struct ovl_forwarding *fwd;
    struct ovl_lport *vm1, *vm2, *vm3, *trunk1, *other, *loose;
    struct ovl_lport *eth1, *local;
    struct ovl_vtep *vtep, *vtep2, *vtep_unresolved;

    /* For world_apply(). */
    struct ovl_config config;
    struct ovl_network net, net_other;
    struct ovl_gateway gateways[3];
    struct ovl_member members[4], members_other[2];
    struct ovl_vtep *flood[3];
    struct ovl_prefix prefixes[3];
    struct ovl_guard guards[2];

    /* Time that passes between two calls of world_receive(), in ms. */
    int pause;

    /* Bytes behind each frame that comes in; see guarded.h. */
    size_t tailroom;
    struct guarded *guarded[NETDEV_MAX_BURST];

    /* What happened since world_receive() was last called. */
    size_t n_in;
    struct world_output out[WORLD_MAX_OUTPUTS];
    size_t n_out;
    size_t n_heard;
    struct ovl_heard heard;     /* The last one. */
    uint64_t before[OVL_N_TOTALS];
};

struct world *world_create(void);
void world_destroy(struct world *);

/* Makes one more port, which the caller owns. */
struct ovl_lport *world_port_create(const char *name, const char *mac);

/* Puts what the members above say in force. */
void world_apply(struct world *);

void world_set_neighbor(struct world *, const char *ip, const char *mac,
                        bool router, bool shared);
void world_remove_neighbor(struct world *, const char *ip);
void world_set_mac(struct world *, uint32_t vni, const char *mac,
                   struct ovl_lport *, uint16_t vlan, struct ovl_vtep *);

/* Makes the VTEP reachable or not. */
void world_resolve(struct world *, struct ovl_vtep *, uint16_t mtu);

/* Runs 'batch' through the pipeline, and accounts for it as a port does. */
void world_run(struct ovl_worker *, struct ovl_lport *,
               struct dp_packet_batch *batch);

/* Runs a frame, or several at once, through the pipeline. */
void world_receive(struct world *, struct ovl_lport *, const struct frame *);
void world_receive_bytes(struct world *, struct ovl_lport *, const void *,
                         size_t);
void world_receive_burst(struct world *, struct ovl_lport *,
                         const struct frame *, size_t n);

/* A frame that a driver has marked with 'marks', DP_PACKET_OL_*, and, to be
 * cut, with 'mss'. */
void world_receive_marked(struct world *, struct ovl_lport *,
                          const struct frame *, uint64_t marks, uint16_t mss);

/* How much a total grew since then. */
uint64_t world_delta(const struct world *, enum ovl_total);

/* received + replicated + generated = sent + consumed + dropped. */
bool world_is_balanced(void);

/* Returns which invariant what came out of the world last breaks, or NULL: a
 * frame leaves only on ports of its own network; one of a VM reaches the
 * underlay only encapsulated, in one piece and from our own address; one out
 * of a tunnel never goes into one; nothing is unaccounted for; nothing is
 * written beside the frame.  'in' is where one frame came in, and no test has
 * changed the world's networks.  world-oracle.h looks at the frames. */
const char *world_violation(const struct world *, const struct ovl_lport *in);

/* The last of these alone. */
const char *world_memory_violation(const struct world *);

/* Blocks of drop counters. */
uint32_t world_drops_of(const struct world *, const struct ovl_lport *);
uint32_t world_vlan_drops_of(const struct world *, const struct ovl_lport *,
                             uint16_t vlan);
uint32_t world_tunnel_drops_of(const struct world *, uint32_t vni);
const struct ovl_network *world_network(const struct world *, uint32_t vni);

struct in6_addr world_ip(const char *);

#endif /* world.h */
