/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_VERDICT_H
#define OVL_VERDICT_H 1

/* What was decided for a packet, and what it was decided from.
 *
 * Deciding fills an 'ovl_arrival' in as it learns more (which binding, which
 * network) and returns an 'ovl_verdict' by value.  It changes no packet and
 * no table.  pipeline.c acts on the verdict.
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
    uint32_t vni;                       /* OVL_VNI_NONE: not known. */
    const struct ovl_network *net;      /* Of 'vni'; NULL: none. */
    uint32_t drops;                     /* Block of OVL_N_DROPS that it counts
                                         * in if it dies. */
    uint16_t vlan;                      /* That it came in on, if 'in' is a
                                         * gateway port; 0: untagged. */
    bool tunnel;                        /* Out of VXLAN... */
    struct ovl_vtep *from;              /* ...of this VTEP, or NULL. */
};

enum ovl_verdict_kind {
    OVL_VERDICT_DROP,           /* For 'reason'. */
    OVL_VERDICT_PORT,           /* To the network's member 'port'. */
    OVL_VERDICT_VTEP,           /* Into the tunnel to 'vtep'. */
    OVL_VERDICT_FLOOD,          /* To all of the network but the sender. */
    OVL_VERDICT_BRIDGE,         /* The MAC table decides. */
    OVL_VERDICT_ROUTER,         /* The router decides. */
    OVL_VERDICT_ROUTE,          /* To 'port' or 'vtep' of network 'net'. */
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
    uint32_t vni;               /* OVL_VNI_NONE: nothing was looked for. */
    struct in6_addr ip;
    struct eth_addr mac;        /* Of 'ip', if that is known. */
};

struct ovl_verdict {
    enum ovl_verdict_kind kind;
    enum ovl_drop_reason reason;        /* OVL_VERDICT_DROP... */
    struct ovl_icmp icmp;               /* ...what is said about that... */
    struct ovl_missing missing;         /* ...and what was missing. */

    /* OVL_VERDICT_PORT, _HOST and _ROUTE. */
    struct ovl_lport *port;
    uint16_t vlan;                      /* Tag that 'port' wants; 0: none. */

    /* OVL_VERDICT_VTEP and _ROUTE. */
    struct ovl_vtep *vtep;
    const struct ovl_adjacency *adj;    /* Of 'vtep'. */

    /* OVL_VERDICT_ROUTE. */
    const struct ovl_network *net;      /* Where it is going. */
    struct eth_addr eth_dst;            /* Of the next hop. */
    bool fragment;                      /* It is larger than 'mtu'. */
    uint16_t mtu;

    struct ovl_pkt_router router;       /* OVL_VERDICT_ROUTE, _ECHO, _DROP. */
    struct ovl_answer answer;           /* OVL_VERDICT_ANSWER. */

    /* Before any of these but _HOST; what is dropped stays in its VXLAN
     * header. */
    bool decapsulate;                   /* The inner frame is what counts. */
    bool set_ecn;                       /* Its ECN field becomes 'ecn'. */
    enum ovl_ecn ecn;

    enum ovl_ecn_alarm ecn_alarm;       /* Before all, _DROP too. */
};

static inline struct ovl_verdict
ovl_verdict_drop(enum ovl_drop_reason reason)
{
    return (struct ovl_verdict) {
        .kind = OVL_VERDICT_DROP, .reason = reason
    };
}

/* Decides for what came in on an access or gateway port. */
struct ovl_verdict ovl_from_port(struct ovl_arrival *, const struct ovl_pkt *);

/* True if 'outer' is VXLAN, sound or not, that is addressed to us.  What is
 * not is the host's. */
bool ovl_outer_is_for_us(const struct ovl_config *, const struct ovl_outer *);

/* Decides for what came in on an uplink.  'pkt' is what is inside if 'outer'
 * is for us and without fault, else the frame itself; 'frame' are its
 * bytes. */
struct ovl_verdict ovl_from_uplink(struct ovl_arrival *,
                                   const struct ovl_outer *outer,
                                   const struct ovl_pkt *pkt,
                                   const void *frame);

/* Decides for what the host sent. */
struct ovl_verdict ovl_from_local(struct ovl_arrival *,
                                  const struct ovl_pkt *);

#endif /* verdict.h */
