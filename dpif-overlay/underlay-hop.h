/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_UNDERLAY_HOP_H
#define OVL_UNDERLAY_HOP_H 1

/* What is known about an underlay next hop's MAC, and when to ask:
 *
 *     INCOMPLETE ──answer──► REACHABLE ──30 s──► PROBE
 *         ▲                       ▲                │ │
 *         │                       └────answer──────┘ │
 *         └────────────3 unanswered probes───────────┘
 *
 * In REACHABLE and PROBE the MAC is in use.  What a neighbor says unasked
 * makes its MAC known but, with ND, does not show that it hears us: it is
 * probed then.  RFC 4861 appendix C has STALE, DELAY and PROBE, which are one
 * here because a VTEP is always in use.
 *
 * A MAC may also be configured ('tnl/neigh/set'); it is in use until somebody
 * says otherwise or it is configured no more.
 *
 * Thread-safety: none, the owner's thread only.
 *
 * Example:
 *
 *     ovl_hop_init(&nh, &ip);
 *     ...
 *     switch (ovl_hop_run(&nh, now)) { ... ask ... }
 *     wake up at nh.timer
 *
 * Layer 2. */

#include <stdbool.h>

#include "overlay-types.h"

struct ovl_heard;

/* RFC 4861 section 10: REACHABLE_TIME, RETRANS_TIMER, MAX_UNICAST_SOLICIT.
 * RFC 1122 section 2.3.2.1: at most one request per second. */
#define OVL_HOP_REACHABLE_MS 30000
#define OVL_HOP_PROBE_MS 1000
#define OVL_HOP_MAX_PROBES 3

enum ovl_hop_state {
    OVL_HOP_INCOMPLETE,
    OVL_HOP_REACHABLE,
    OVL_HOP_PROBE,
};

struct ovl_hop {
    struct in6_addr ip;
    enum ovl_hop_state state;
    struct eth_addr mac;        /* Unless OVL_HOP_INCOMPLETE. */
    struct eth_addr configured; /* What was configured last; or zero. */
    bool is_static;             /* 'mac' is 'configured'. */
    long long int timer;        /* When to run next, in ms. */
    long long int asked;        /* When it was last asked, in ms. */
    int n_probes;               /* In PROBE, and not answered. */
};

/* Nothing is known about 'ip', and it is time to ask. */
void ovl_hop_init(struct ovl_hop *, const struct in6_addr *ip);

static inline bool
ovl_hop_is_known(const struct ovl_hop *nh)
{
    return nh->state != OVL_HOP_INCOMPLETE;
}

/* The neighbor has said 'heard' at 'now' (ms).  Returns true if there is
 * something to do about it at once. */
bool ovl_hop_hear(struct ovl_hop *, const struct ovl_heard *heard,
                  long long int now);

/* 'mac' is configured for the neighbor, or nothing if it is NULL.  That
 * nothing is counts only if 'settled', lest packets are lost while an entry
 * is replaced. */
void ovl_hop_configure(struct ovl_hop *, const struct eth_addr *mac,
                       bool settled);

/* Gives up at 'now' (ms) what is known if all probes were in vain.  Returns
 * true if so: time to look whether something is configured. */
bool ovl_hop_give_up(struct ovl_hop *, long long int now);

enum ovl_hop_ask {
    OVL_HOP_ASK_NOBODY,
    OVL_HOP_ASK_NEIGHBOR,           /* By unicast to 'mac'. */
    OVL_HOP_ASK_ALL,                /* By broadcast or multicast. */
};

/* Says who is to be asked at 'now' (ms), if anybody, and takes it that the
 * caller does. */
enum ovl_hop_ask ovl_hop_run(struct ovl_hop *, long long int now);

#endif /* underlay-hop.h */
