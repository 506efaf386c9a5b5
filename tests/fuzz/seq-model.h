/* SPDX-License-Identifier: Apache-2.0 */

#ifndef SEQ_MODEL_H
#define SEQ_MODEL_H 1

/* What the rows of fuzz-seq.c say, in the simplest form, and what they mean
 * for a frame: where it must come out, and where it may, worked out from the
 * rows alone, each time anew. */

#include "pipeline.h"
#include "tests/unit/world.h"

#define N_PORTS 4
#define N_NETS 2
#define N_BINDINGS 2
#define N_MACS 6
#define N_MAC_ROWS 6
#define N_VTEPS 2               /* Others; number N_VTEPS is our own. */

extern const char *const seq_port_names[N_PORTS];
extern const uint32_t seq_vnis[N_NETS];
extern const char *const seq_macs[N_MACS];
extern const char *const seq_ips[N_MACS];
extern const char *const seq_vteps[N_VTEPS];

#define SEQ_NO_MAC 7
static inline bool
seq_is_mac(uint8_t mac)
{
    return mac < N_MACS;
}

enum seq_role { SEQ_UNBOUND, SEQ_NET0, SEQ_NET1, SEQ_TRUNK };

struct seq_network {
    bool there;
    uint8_t flood;              /* Bit I: to VTEP I. */
    bool flood_unknown, vrf, gateway;
};

/* A row of Port or of Overlay_Binding. */
struct seq_port {
    bool there;
    enum seq_role role;         /* A trunk has VLAN 0 in network 0 and VLAN 10
                                 * in network 1. */
    uint8_t mac;                /* That may speak; any if it is none. */
};

struct seq_mac {
    bool there;
    uint8_t net, mac, vtep;
    bool has_ip;                /* seq_ips[mac]. */
};

struct seq_rows {
    struct seq_network networks[N_NETS];
    struct seq_port ports[N_PORTS];
    struct seq_port bindings[N_BINDINGS];
    struct seq_mac macs[N_MAC_ROWS];
};

struct seq_output {
    struct ovl_lport *port;
    struct frame frame;
};

struct seq_model {
    struct ovl_worker worker;
    struct ovl_forwarding *worker_fwd;
    struct ovl_rib *rib;
    struct ovl_lport *ports[N_PORTS];   /* NULL: deleted. */
    struct ovl_lport *uplink, *local;

    struct seq_rows rows;       /* As told to the RIB... */
    struct seq_rows in_force;   /* ...and when it last committed, */
    uint32_t known_ids[N_PORTS];        /* with these ports (0: none). */

    /* What came out last. */
    struct seq_output out[32];
    size_t n_out;
    uint64_t n_generated;
};

/* Say what is wrong with what came out, or return NULL.  'f' came in on port
 * 'i' with 'vlan' (0: untagged), or was inside VXLAN from VTEP 'vtep' (any
 * number: one that no row names) for network 'net' (likewise). */
const char *seq_check_from_port(const struct seq_model *, size_t i, int vlan,
                                const struct frame *f);
const char *seq_check_from_tunnel(const struct seq_model *, size_t vtep,
                                  size_t net, const struct frame *f);

#endif /* seq-model.h */
