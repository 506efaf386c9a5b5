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
#define N_NEIGHBORS 2
#define N_ROUTES 4
#define N_PREFIXES 4
#define N_HOPS 2
#define N_VTEPS 2               /* Others; number N_VTEPS is our own. */

extern const char *const seq_port_names[N_PORTS];
extern const uint32_t seq_vnis[N_NETS];
extern const char *const seq_macs[N_MACS];
extern const char *const seq_ips[N_NETS][N_MACS];
extern const char *const seq_gateways[N_NETS];
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
    bool flood_unknown, vrf, gateway, own_mac;
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
    bool has_ip;                /* seq_ips[net][mac]. */
};

struct seq_neighbor {
    bool there;
    uint8_t net, ip, mac;       /* seq_ips[net][ip] is at 'mac'. */
};

struct seq_route {
    bool there;
    uint8_t prefix;             /* In VRF "red". */
    enum ovl_route_action action;
    bool named;                 /* The network of next hops is. */
    struct {
        uint8_t net, ip;        /* seq_ips[net][ip]; from N_MACS on: the
                                 * gateway address of 'net'. */
    } hops[N_HOPS];
    size_t n_hops;
};

struct seq_rows {
    struct seq_network networks[N_NETS];
    struct seq_port ports[N_PORTS];
    struct seq_port bindings[N_BINDINGS];
    struct seq_mac macs[N_MAC_ROWS];
    struct seq_neighbor neighbors[N_NEIGHBORS];
    struct seq_route routes[N_ROUTES];
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

/* Where a frame goes: bit I, port I; bit N_PORTS + I, VTEP I. */
typedef uint32_t places;
#define PORT(I) (1u << (I))
#define VTEP(I) (1u << (N_PORTS + (I)))

/* What came out has to contain 'must' and nothing but 'may', or, if 'one', to
 * be one of 'may' or nothing. */
struct expectation {
    places must, may;
    bool one;
};

/* The network of port 'i' for 'vlan'; N_NETS if there is none. */
size_t seq_net_of(const struct seq_model *, size_t i, int vlan);
/* Who has seq_ips[net][ip]: a number of seq_macs; N_MACS: nobody. */
size_t seq_find_neighbor(const struct seq_model *, size_t net, size_t ip);
/* Where seq_macs[mac] of 'net' is.  False: no row says. */
bool seq_find_place(const struct seq_model *, size_t net, size_t mac,
                    places *);
bool seq_is_resolved(const struct seq_model *, size_t vtep);
/* Says what is wrong with what came out, if 'e' is expected of 'plain' in
 * 'net'. */
const char *seq_check(const struct seq_model *, size_t net,
                      const struct frame *plain, struct expectation e);

/* seq-router.c. */

/* NULL: 'net' has no router. */
const char *seq_router_mac(const struct seq_model *, size_t net);
/* 'f', for the router of 'net', came in on port 'i' with 'vlan', or from
 * 'vtep' if that is less than N_VTEPS.  Unless 'sure' it may have been
 * dropped. */
const char *seq_check_router(const struct seq_model *, size_t net, size_t i,
                             int vlan, size_t vtep, const struct frame *f,
                             bool sure);

#endif /* seq-model.h */
