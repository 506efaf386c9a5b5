/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_LPORT_H
#define OVL_LPORT_H 1

/* Logical port: what tables and pipeline know of a port.
 *
 * The threads layer embeds a 'struct ovl_lport' in its own port object, which
 * has the netdev and the queues; nothing here knows about those.  An lport is
 * born when the dpif adds a port and lives while somebody holds a reference:
 * the dpif, an entry of a forwarding table, an adjacency.  A port that is
 * deleted and made again under the same name is another lport with another
 * 'id', so no table entry can ever lead to the later owner of a name or of a
 * port number.
 *
 * Thread-safety: immutable fields and atomics; references from any thread.
 * Readers on packet threads need no reference inside an RCU critical section:
 * the object is freed after a grace period.
 *
 * Layer 1. */

#include <stdint.h>

#include "counters.h"
#include "limiter.h"
#include "odp-netlink.h"
#include "openvswitch/types.h"
#include "overlay-types.h"
#include "ovs-atomic.h"

/* What the driver of a port makes of packets that it is given unfinished. */
enum {
    OVL_LPORT_CSUM = 1 << 0,    /* Checksums of TCP and UDP. */
    OVL_LPORT_TSO4 = 1 << 1,    /* Segments of TCP over IPv4, */
    OVL_LPORT_TSO6 = 1 << 2,    /* and over IPv6. */
};

struct ovl_lport {
    /* Immutable. */
    char *name;                 /* Netdev name, e.g. "vm1". */
    uint32_t id;                /* From 1; never used again in this process. */
    odp_port_t port_no;         /* Number in the datapath; may be used again. */
    uint32_t traffic;           /* Block of OVL_N_TRAFFIC counters. */
    uint32_t drops;             /* Block of OVL_N_DROPS, for frames that
                                 * belong to no network. */

    /* Written by the dpif, read by everybody. */
    atomic_bool alive;          /* False once the dpif let go of the port. */
    atomic_uint16_t mtu;        /* Largest layer-3 packet; 0 if unknown. */
    ATOMIC(uint64_t) mac;       /* Netdev's MAC as eth_addr_to_uint64(). */
    atomic_uint8_t offloads;    /* OVL_LPORT_*. */

    struct ovl_limits limits;   /* Of what is said to whoever is behind it. */

    struct ovs_refcount ref_cnt;
    void (*destroy)(struct ovl_lport *);    /* Frees the embedding object;
                                             * runs after a grace period. */
};

/* Initializes the fields above with a fresh 'id'; 'destroy' must call
 * ovl_lport_uninit() and free the embedding object. */
void ovl_lport_init(struct ovl_lport *, const char *name, odp_port_t,
                    void (*destroy)(struct ovl_lport *));
void ovl_lport_uninit(struct ovl_lport *);

struct ovl_lport *ovl_lport_ref(const struct ovl_lport *);
void ovl_lport_unref(struct ovl_lport *);

static inline bool
ovl_lport_is_alive(const struct ovl_lport *port)
{
    bool alive;

    atomic_read_relaxed(&CONST_CAST(struct ovl_lport *, port)->alive, &alive);
    return alive;
}

static inline uint16_t
ovl_lport_mtu(const struct ovl_lport *port)
{
    uint16_t mtu;

    atomic_read_relaxed(&CONST_CAST(struct ovl_lport *, port)->mtu, &mtu);
    return mtu;
}

static inline uint8_t
ovl_lport_offloads(const struct ovl_lport *port)
{
    uint8_t offloads;

    atomic_read_relaxed(&CONST_CAST(struct ovl_lport *, port)->offloads,
                        &offloads);
    return offloads;
}

static inline struct eth_addr
ovl_lport_mac(const struct ovl_lport *port)
{
    struct eth_addr mac;
    uint64_t u64;

    atomic_read_relaxed(&CONST_CAST(struct ovl_lport *, port)->mac, &u64);
    eth_addr_from_uint64(u64, &mac);
    return mac;
}

#endif /* lport.h */
