/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_VERDICT_H
#define OVL_VERDICT_H 1

/* What was decided for a packet, and what it was decided from.
 *
 * Deciding fills an 'ovl_arrival' in as it learns more (which binding, which
 * network) and returns an 'ovl_verdict' by value, which fits into two
 * registers; what few packets need besides is in an 'ovl_routed'.  Deciding
 * changes no packet and no table.  pipeline.c acts on the verdict.
 *
 *     who                 decides
 *     ------------------  -------------------------------------------------
 *     from-port.c         what a VM or an L2 gateway port sent
 *     from-underlay.c     what the uplink or the host sent
 *     guard.c             whether a VM may say what it says
 *     responder.c         whether an ARP or ND request is answered here
 *     bridging.c          where a frame goes inside its network
 *     routing.c           where a packet goes that the router gets
 *
 * Layer 2. */

#include "ecn.h"
#include "forwarding.h"
#include "icmp.h"
#include "pipeline.h"
#include "pkt-parse.h"

/* Where a packet came from.  'worker', 'in' and 'binding' are set first, the
 * rest when it is found out. */
struct ovl_arrival {
    struct ovl_worker *worker;
    struct ovl_lport *in;
    const struct ovl_binding *binding;  /* Of 'in'. */
    const void *frame;                  /* Its bytes, or those inside. */
    struct ovl_details *details;        /* Room for them. */
    const struct ovl_network *net;      /* Of 'vni'; NULL: none. */
    uint32_t vni;                       /* OVL_VNI_NONE: not known. */
    uint32_t drops;                     /* Block of OVL_N_DROPS that it counts
                                         * in if it dies. */
    uint16_t vlan;                      /* That it came in on, if 'in' is a
                                         * gateway port; 0: untagged. */

    /* Out of VXLAN.  Unless it is dropped or answered, what is inside goes
     * on, with its ECN field set to 'ecn' if 'set_ecn'. */
    bool tunnel;
    bool set_ecn;
    enum ovl_ecn ecn;
    enum ovl_ecn_alarm ecn_alarm;
    struct ovl_vtep *from;              /* That sent it; may be NULL. */
};

enum ovl_verdict_kind {
    OVL_VERDICT_OPEN,           /* Its network decides. */
    OVL_VERDICT_DROP,           /* For 'reason'. */
    OVL_VERDICT_PORT,           /* To the network's member 'port'. */
    OVL_VERDICT_VTEP,           /* Into the tunnel of 'adj'. */
    OVL_VERDICT_FLOOD,          /* To all of the network but the sender. */
    OVL_VERDICT_RESPOND,        /* The neighbor table decides. */
    OVL_VERDICT_BRIDGE,         /* The MAC table decides. */
    OVL_VERDICT_ROUTER,         /* The router decides. */
    OVL_VERDICT_ROUTE,          /* As 'details' of the arrival says. */
    OVL_VERDICT_ANSWER,         /* ARP or ND, with 'answer'. */
    OVL_VERDICT_ECHO,           /* Ping of a gateway address. */
    OVL_VERDICT_HOST,           /* To 'port', as it is: between uplink and
                                 * LOCAL. */
};

/* What a responder says. */
struct ovl_answer {
    struct eth_addr mac;        /* Of the address that was asked for. */
    bool router;                /* R flag of an NA. */
};

/* What a packet could not be routed for. */
struct ovl_missing {
    uint32_t vni;
    struct in6_addr ip;
    struct eth_addr mac;        /* Of 'ip', if that is known. */
};

/* What is found out about few packets.  Each part is filled in only if it is
 * needed. */
struct ovl_details {
    struct ovl_pkt_router router;       /* Of what the router gets. */

    /* OVL_VERDICT_ROUTE: to 'port' or into the tunnel of 'adj'. */
    const struct ovl_network *net;      /* Where it is going. */
    struct ovl_lport *port;
    const struct ovl_adjacency *adj;
    struct eth_addr eth_dst;            /* Of the next hop. */
    uint16_t vlan;                      /* Tag that 'port' wants; 0: none. */
    uint16_t mtu;
    bool fragment;                      /* It is larger than 'mtu'. */

    struct ovl_answer answer;           /* OVL_VERDICT_ANSWER. */
    struct ovl_icmp icmp;               /* OVL_VERDICT_DROP with 'tell'. */
    struct ovl_missing missing;         /* Dropped for NO_NEIGHBOR, NO_MAC or
                                         * ROUTE_NO_NETWORK. */
};

/* Made such that compilers return it in registers. */
struct ovl_verdict {
    enum ovl_verdict_kind kind;
    uint8_t reason;             /* OVL_VERDICT_DROP: enum ovl_drop_reason; */
    bool tell;                  /* its sender is told 'details->icmp'. */
    uint16_t vlan;              /* OVL_VERDICT_PORT: tag that 'port' wants; 0:
                                 * none. */
    union {
        struct ovl_lport *port; /* OVL_VERDICT_PORT and _HOST. */
        const struct ovl_adjacency *adj;        /* OVL_VERDICT_VTEP. */
    };
};
BUILD_ASSERT_DECL(sizeof(struct ovl_verdict) <= 16);
BUILD_ASSERT_DECL(OVL_N_DROPS <= UINT8_MAX);

static inline struct ovl_verdict
ovl_verdict_drop(enum ovl_drop_reason reason)
{
    return (struct ovl_verdict) {
        .kind = OVL_VERDICT_DROP, .reason = reason, .port = NULL
    };
}

/* Decides in two steps, between which 'a->net' is looked up: first to which
 * network a frame belongs ('a->vni'), as far as that can be said, and then
 * what becomes of it, unless the first step gave a reason to drop it. */

/* What came in on an access or gateway port. */
enum ovl_drop_reason ovl_from_port_classify(struct ovl_arrival *a,
                                            const struct ovl_pkt *);
struct ovl_verdict ovl_from_port(const struct ovl_arrival *a,
                                 const struct ovl_pkt *);

/* True if 'outer' is VXLAN, sound or not, that is addressed to us.  What is
 * not is the host's. */
bool ovl_outer_is_for_us(const struct ovl_config *, const struct ovl_outer *);

/* What came in on an uplink and is for us.  'frame' are the bytes of the
 * whole, 'inner' is what is inside if 'outer' has no fault; 'allowed' says
 * whether the sender, which 'a->from' is by then, belongs to 'a->net'. */
enum ovl_drop_reason ovl_from_tunnel_classify(struct ovl_arrival *a,
                                              const struct ovl_outer *outer,
                                              const void *frame);
struct ovl_verdict ovl_from_tunnel(struct ovl_arrival *a,
                                   const struct ovl_outer *outer,
                                   const struct ovl_pkt *inner, bool allowed);

/* Decide for all else that came in on an uplink, and for what the host
 * sent. */
struct ovl_verdict ovl_from_uplink(const struct ovl_arrival *,
                                   const struct ovl_pkt *);
struct ovl_verdict ovl_from_local(const struct ovl_arrival *,
                                  const struct ovl_pkt *);

#endif /* verdict.h */
