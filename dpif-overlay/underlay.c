/* SPDX-License-Identifier: Apache-2.0 */

/* Underlay next hops.
 *
 * One pass over all VTEPs whenever an input changes (VTEPs or configuration,
 * routes, tnl-neigh-cache) or a timer fires.  The pass looks up a route for
 * each VTEP, finds or makes the next hop, and republishes the adjacencies
 * whose bytes have changed.  What packet threads heard arrives through a
 * small array of slots that they claim with compare-and-swap. */

#include <config.h>

#include "underlay.h"

#include <net/if.h>

#include "adjacency.h"
#include "forwarding.h"
#include "hash.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/hmap.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "ovs-atomic.h"
#include "ovs-router.h"
#include "ovs-thread.h"
#include "seq.h"
#include "timeval.h"
#include "tnl-neigh-cache.h"
#include "tnl-ports.h"
#include "underlay-hop.h"
#include "underlay-talk.h"

VLOG_DEFINE_THIS_MODULE(overlay_underlay);

static struct vlog_rate_limit mtu_rl = VLOG_RATE_LIMIT_INIT(6, 6);

#define ROUTE_GRACE_MS 2000
#define ROUTE_RETRY_MS 100
/* tnl_neigh_set() announces a change before it makes it, and deletes an entry
 * before it adds it with another MAC: look again. */
#define SETTLE_MS 20
/* RFC 1191 section 6.3: after that long the path may take more again. */
#define PATH_MTU_MS (10 * 60 * 1000)
/* How soon an answer is looked at while one is awaited, and how soon what
 * nobody has asked for, such as the new MAC of a next hop that moves. */
#define HEARD_MS 5
#define UNASKED_MS 100

/* A next hop of some destination. */
struct hop {
    struct hmap_node node;      /* In 'hops', by 'nh.ip'. */
    struct ovl_hop nh;
    bool needed;                /* Mark of the current pass. */
};

struct destination {
    struct hmap_node node;      /* In 'destinations', by 'ip'. */
    struct in6_addr ip;         /* VTEP. */
    struct in6_addr nexthop;    /* Of the last good route. */
    bool has_route;
    long long int route_lost;   /* When the route went; LLONG_MAX if there. */
    char device[IFNAMSIZ];      /* Where the route leads. */
    uint16_t path_mtu;          /* As routers on the way said; 0: nothing... */
    long long int path_mtu_end; /* ...and until when that counts. */
    enum ovl_drop_reason why;   /* If it is not up. */
    bool up;
    bool needed;
};

/* What a packet thread heard. */
enum slot_state { SLOT_FREE, SLOT_BUSY, SLOT_FULL };
struct heard {
    atomic_uint state;          /* enum slot_state. */
    struct ovl_heard what;
};
#define N_HEARD 64              /* Power of 2. */
/* News about paths have slots of their own, so that much of that keeps nothing
 * else from being heard. */
#define N_MTU_HEARD 8           /* Power of 2. */

struct ovl_underlay {
    struct ovl_forwarding *fwd;
    ovl_underlay_send *send;
    void *aux;

    struct ovs_mutex mutex;
    struct hmap hops OVS_GUARDED;
    struct hmap destinations OVS_GUARDED;

    /* Control thread only. */
    uint64_t vteps_seqno, tnl_seqno;
    uint16_t uplink_mtu;        /* As of the last pass; 0: no uplink. */
    struct eth_addr local_mac;  /* As of the last pass; zero: no LOCAL. */
    struct in6_addr announced;  /* Our IPv6 address, or unspecified. */
    long long int settle_at;    /* When a change of tnl-neigh-cache is done;
                                 * LLONG_MAX: no change is under way. */
    long long int next_pass;    /* When a timer fires. */
    bool awaiting;              /* Some answer is awaited. */

    /* Written by the control thread, read by any. */
    atomic_uint64_t followed;   /* 'vteps_seqno' of the last pass. */
    struct seq *seq;            /* Changes with 'followed'. */

    atomic_uint heard_next;
    struct heard heard[N_HEARD];
    atomic_uint mtu_next;
    struct heard mtu_heard[N_MTU_HEARD];
};

struct ovl_underlay *
ovl_underlay_create(struct ovl_forwarding *fwd, ovl_underlay_send *send,
                    void *aux)
{
    struct ovl_underlay *ul = xzalloc(sizeof *ul);

    ul->fwd = fwd;
    ul->send = send;
    ul->aux = aux;
    ul->settle_at = LLONG_MAX;
    atomic_init(&ul->followed, 0);
    ul->seq = seq_create();
    ovs_mutex_init(&ul->mutex);
    hmap_init(&ul->hops);
    hmap_init(&ul->destinations);
    return ul;
}

void
ovl_underlay_destroy(struct ovl_underlay *ul)
{
    if (ul) {
        struct destination *dst;
        struct hop *hop;

        HMAP_FOR_EACH_POP (hop, node, &ul->hops) {
            free(hop);
        }
        HMAP_FOR_EACH_POP (dst, node, &ul->destinations) {
            free(dst);
        }
        hmap_destroy(&ul->hops);
        hmap_destroy(&ul->destinations);
        seq_destroy(ul->seq);
        ovs_mutex_destroy(&ul->mutex);
        free(ul);
    }
}

static uint32_t
hash_ip(const struct in6_addr *ip)
{
    return hash_bytes(ip, sizeof *ip, 0);
}

static struct hop *
find_hop(const struct ovl_underlay *ul, const struct in6_addr *ip)
    OVS_REQUIRES(ul->mutex)
{
    struct hop *hop;

    HMAP_FOR_EACH_WITH_HASH (hop, node, hash_ip(ip), &ul->hops) {
        if (ipv6_addr_equals(&hop->nh.ip, ip)) {
            return hop;
        }
    }
    return NULL;
}

static struct destination *
find_destination(const struct ovl_underlay *ul, const struct in6_addr *ip)
    OVS_REQUIRES(ul->mutex)
{
    struct destination *dst;

    HMAP_FOR_EACH_WITH_HASH (dst, node, hash_ip(ip), &ul->destinations) {
        if (ipv6_addr_equals(&dst->ip, ip)) {
            return dst;
        }
    }
    return NULL;
}

/* What packet threads heard. */

void
ovl_underlay_heard(struct ovl_underlay *ul, const struct ovl_heard *heard)
{
    unsigned int i, state = SLOT_FREE;
    struct heard *h;

    if (heard->mtu) {
        atomic_add_relaxed(&ul->mtu_next, 1, &i);
        h = &ul->mtu_heard[i % N_MTU_HEARD];
    } else {
        atomic_add_relaxed(&ul->heard_next, 1, &i);
        h = &ul->heard[i % N_HEARD];
    }
    if (atomic_compare_exchange_strong(&h->state, &state, SLOT_BUSY)) {
        h->what = *heard;
        atomic_store_explicit(&h->state, SLOT_FULL, memory_order_release);
    }
}

static void
log_nexthop(const struct ovl_hop *nh)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    ipv6_format_mapped(&nh->ip, &s);
    VLOG_DBG("next hop %s is at "ETH_ADDR_FMT, ds_cstr(&s),
             ETH_ADDR_ARGS(nh->mac));
    ds_destroy(&s);
}

/* A router says that the way to a VTEP takes less than we send. */
static bool
hear_mtu(struct ovl_underlay *ul, const struct ovl_heard *heard,
         long long int now)
    OVS_REQUIRES(ul->mutex)
{
    struct destination *dst = find_destination(ul, &heard->ip);

    if (!dst || (dst->path_mtu && dst->path_mtu <= heard->mtu)) {
        return false;
    }
    dst->path_mtu = heard->mtu;
    dst->path_mtu_end = now + PATH_MTU_MS;

    struct ds s = DS_EMPTY_INITIALIZER;
    ipv6_format_mapped(&dst->ip, &s);
    VLOG_INFO_RL(&mtu_rl, "the way to VTEP %s takes packets of %"PRIu16
                 " bytes", ds_cstr(&s), dst->path_mtu);
    ds_destroy(&s);
    return true;
}

/* Forgets what routers said about the way to 'dst', if it is old. */
static void
age_path_mtu(struct ovl_underlay *ul, struct destination *dst,
             long long int now)
    OVS_REQUIRES(ul->mutex)
{
    if (dst->path_mtu && now >= dst->path_mtu_end) {
        dst->path_mtu = 0;
    }
    if (dst->path_mtu) {
        ul->next_pass = MIN(ul->next_pass, dst->path_mtu_end);
    }
}

static bool
take_heard(struct ovl_underlay *ul, long long int now)
    OVS_REQUIRES(ul->mutex)
{
    bool changed = false;
    unsigned int oldest;

    for (unsigned int i = 0; i < N_MTU_HEARD; i++) {
        struct heard *h = &ul->mtu_heard[i];
        unsigned int state;

        atomic_read_explicit(&h->state, &state, memory_order_acquire);
        if (state == SLOT_FULL) {
            changed = hear_mtu(ul, &h->what, now) || changed;
            atomic_store_explicit(&h->state, SLOT_FREE,
                                  memory_order_release);
        }
    }

    /* In the order in which it was heard: the last word counts. */
    atomic_read_relaxed(&ul->heard_next, &oldest);
    for (unsigned int i = 0; i < N_HEARD; i++) {
        struct heard *h = &ul->heard[(oldest + i) % N_HEARD];
        unsigned int state;

        atomic_read_explicit(&h->state, &state, memory_order_acquire);
        if (state == SLOT_FULL) {
            struct hop *hop = find_hop(ul, &h->what.ip);

            if (hop && ovl_hop_hear(&hop->nh, &h->what, now)) {
                log_nexthop(&hop->nh);
                changed = true;
            }
            atomic_store_explicit(&h->state, SLOT_FREE,
                                  memory_order_release);
        }
    }
    return changed;
}

/* Next hops. */

/* Takes what tnl-neigh-cache says of 'nh'.  Looking up refreshes an entry
 * there, so this is done when the cache has changed and when our own
 * knowledge has run out, not all the time. */
static void
read_configured(const struct ovl_config *cfg, struct ovl_hop *nh,
                bool settled)
{
    struct eth_addr mac;
    bool none = tnl_neigh_lookup(cfg->local->name, &nh->ip, &mac);

    ovl_hop_configure(nh, none ? NULL : &mac, settled);
}

/* Advances the state machine of 'nh'; lowers 'ul->next_pass' to the time of
 * its next step. */
static void
run_nexthop(struct ovl_underlay *ul, const struct ovl_config *cfg,
            struct ovl_hop *nh, long long int now)
    OVS_REQUIRES(ul->mutex)
{
    if (ovl_hop_give_up(nh, now)) {
        read_configured(cfg, nh, true);
    }

    enum ovl_hop_ask ask = ovl_hop_run(nh, now);
    if (ask != OVL_HOP_ASK_NOBODY) {
        ul->send(ul->aux, cfg->uplink, ovl_underlay_ask(
            ovl_ip_is_v4(&nh->ip) ? &cfg->vtep4 : &cfg->vtep6,
            ovl_lport_mac(cfg->local), &nh->ip,
            ask == OVL_HOP_ASK_NEIGHBOR ? &nh->mac : NULL));
    }
    ul->next_pass = MIN(ul->next_pass, nh->timer);
    if (nh->state != OVL_HOP_REACHABLE) {
        ul->awaiting = true;
    }
}

/* Adjacencies. */

static void
publish(struct ovl_vtep *vtep, const struct ovl_config *cfg,
        const struct ovl_hop *nh, uint16_t path_mtu)
{
    uint16_t mtu = ovl_lport_mtu(cfg->uplink);
    const struct ovl_outer_spec spec = {
        .dst = nh->mac,
        .src = ovl_lport_mac(cfg->local),
        .ip_src = ovl_ip_is_v4(&vtep->ip) ? cfg->vtep4 : cfg->vtep6,
        .ip_dst = vtep->ip,
        .ttl = cfg->ttl,
        .vxlan_port = cfg->vxlan_port,
        .mtu = path_mtu && (!mtu || path_mtu < mtu) ? path_mtu : mtu,
    };
    struct ovl_adjacency *adj = ovl_adjacency_create(cfg->uplink, &spec);

    if (ovl_adjacency_equals(ovsrcu_get(struct ovl_adjacency *, &vtep->adj),
                             adj)) {
        ovl_adjacency_destroy(adj);
    } else {
        ovl_vtep_set_adjacency(vtep, adj, OVL_DROP_VTEP_UNRESOLVED);
    }
}

static void
unpublish(struct ovl_vtep *vtep, enum ovl_drop_reason why)
{
    uint8_t old;

    atomic_read_relaxed(&vtep->why, &old);
    if (old != why || ovsrcu_get(struct ovl_adjacency *, &vtep->adj)) {
        ovl_vtep_set_adjacency(vtep, NULL, why);
    }
}

/* Finds the route of 'dst'.  Returns true if there is one, or was one until a
 * moment ago. */
static bool
find_route(struct ovl_underlay *ul, const struct ovl_config *cfg,
           struct destination *dst, long long int now)
    OVS_REQUIRES(ul->mutex)
{
    char device[IFNAMSIZ] = "";
    struct in6_addr gw;

    if (ovs_router_lookup(0, &dst->ip, device, NULL, &gw)) {
        ovs_strlcpy(dst->device, device, sizeof dst->device);
        if (!strcmp(device, cfg->local->name)) {
            bool on_link = (!ipv6_addr_is_set(&gw)
                            || (ovl_ip_is_v4(&gw)
                                && !in6_addr_get_mapped_ipv4(&gw)));
            struct in6_addr nexthop = on_link ? dst->ip : gw;

            if (!ipv6_addr_equals(&dst->nexthop, &nexthop)) {
                dst->path_mtu = 0;      /* Another way. */
            }
            dst->nexthop = nexthop;
            dst->has_route = true;
            dst->route_lost = LLONG_MAX;
            return true;
        }
    } else if (!dst->has_route) {
        dst->device[0] = '\0';
    }

    if (dst->has_route) {
        if (dst->route_lost == LLONG_MAX) {
            dst->route_lost = now;
        }
        if (now < dst->route_lost + ROUTE_GRACE_MS) {
            ul->next_pass = MIN(ul->next_pass, now + ROUTE_RETRY_MS);
            return true;
        }
        dst->has_route = false;
        if (device[0] == '\0') {
            dst->device[0] = '\0';
        }
    }
    return false;
}

struct pass {
    struct ovl_underlay *ul;
    const struct ovl_config *cfg;
    long long int now;
    bool read_neighbors;        /* tnl-neigh-cache has changed. */
    bool settled;               /* And the change is done. */
};

static void
run_vtep(struct ovl_vtep *vtep, void *pass_)
    OVS_NO_THREAD_SAFETY_ANALYSIS
{
    struct pass *pass = pass_;
    struct ovl_underlay *ul = pass->ul;
    const struct ovl_config *cfg = pass->cfg;

    struct destination *dst = find_destination(ul, &vtep->ip);
    if (!dst) {
        dst = xzalloc(sizeof *dst);
        dst->ip = vtep->ip;
        dst->route_lost = LLONG_MAX;
        hmap_insert(&ul->destinations, &dst->node, hash_ip(&dst->ip));
    }
    dst->needed = true;
    dst->up = false;

    bool v4 = ovl_ip_is_v4(&vtep->ip);
    if (!ipv6_addr_is_set(v4 ? &cfg->vtep4 : &cfg->vtep6)) {
        dst->why = OVL_DROP_NO_TUNNEL_IP;
    } else if (!cfg->uplink || !ovl_lport_is_alive(cfg->uplink)) {
        dst->why = OVL_DROP_NO_UPLINK;
    } else if (!cfg->local || !ovl_lport_is_alive(cfg->local)) {
        dst->why = OVL_DROP_NO_LOCAL;
    } else if (!find_route(ul, cfg, dst, pass->now)) {
        dst->why = OVL_DROP_VTEP_UNRESOLVED;
    } else {
        struct hop *hop = find_hop(ul, &dst->nexthop);
        bool created = !hop;

        if (created) {
            hop = xzalloc(sizeof *hop);
            ovl_hop_init(&hop->nh, &dst->nexthop);
            hmap_insert(&ul->hops, &hop->node, hash_ip(&dst->nexthop));
        }
        if (created || (pass->read_neighbors && !hop->needed)) {
            read_configured(cfg, &hop->nh, pass->settled);
        }
        if (!hop->needed) {
            hop->needed = true;
            run_nexthop(ul, cfg, &hop->nh, pass->now);
        }
        if (ovl_hop_is_known(&hop->nh)) {
            dst->up = true;
            age_path_mtu(ul, dst, pass->now);
            publish(vtep, cfg, &hop->nh, dst->path_mtu);
            return;
        }
        dst->why = OVL_DROP_VTEP_UNRESOLVED;
    }
    unpublish(vtep, dst->why);
}

/* Tells neighbors that 'ip', one of our addresses, is at 'mac' from now on.
 * Otherwise they would send to the old MAC until they probe. */
static void
announce(struct ovl_underlay *ul, const struct ovl_config *cfg,
         const struct in6_addr *ip, struct eth_addr mac)
{
    if (ipv6_addr_is_set(ip)) {
        ul->send(ul->aux, cfg->uplink, ovl_underlay_announce(ip, mac));
    }
}

/* Notes what outer headers take from our own ports.  Returns true if it has
 * changed. */
static bool
refresh_ports(struct ovl_underlay *ul, const struct ovl_config *cfg)
    OVS_REQUIRES(ul->mutex)
{
    uint16_t mtu = cfg->uplink ? ovl_lport_mtu(cfg->uplink) : 0;
    struct eth_addr mac = (cfg->local ? ovl_lport_mac(cfg->local)
                           : eth_addr_zero);
    bool mac_changed = !eth_addr_equals(mac, ul->local_mac);
    bool changed = mtu != ul->uplink_mtu || mac_changed;
    bool can_speak = (cfg->uplink && ovl_lport_is_alive(cfg->uplink)
                      && !eth_addr_is_zero(mac));

    if (can_speak) {
        if (mac_changed && !eth_addr_is_zero(ul->local_mac)
            && !hmap_is_empty(&ul->hops)) {
            announce(ul, cfg, &cfg->vtep4, mac);
            announce(ul, cfg, &cfg->vtep6, mac);
        } else if (!ipv6_addr_equals(&cfg->vtep6, &ul->announced)) {
            announce(ul, cfg, &cfg->vtep6, mac);
        }
    }
    ul->announced = can_speak ? cfg->vtep6 : in6addr_any;
    ul->uplink_mtu = mtu;
    ul->local_mac = mac;
    return changed;
}

void
ovl_underlay_run(struct ovl_underlay *ul)
{
    long long int now = time_msec();
    uint64_t vteps_seqno = seq_read(ovl_forwarding_vteps_seq(ul->fwd));
    uint64_t tnl_seqno = seq_read(tnl_conf_seq);
    bool tnl_changed = tnl_seqno != ul->tnl_seqno;

    ovs_mutex_lock(&ul->mutex);
    const struct ovl_config *cfg
        = ovl_config_get(ul->fwd, ovl_forwarding_version(ul->fwd));
    bool heard = take_heard(ul, now);
    bool ports_changed = refresh_ports(ul, cfg);
    if (heard || ports_changed || tnl_changed
        || vteps_seqno != ul->vteps_seqno || now >= ul->next_pass) {
        struct destination *dst;
        struct hop *hop;

        if (tnl_changed) {
            ul->settle_at = now + SETTLE_MS;
        }

        bool settled = now >= ul->settle_at;
        struct pass pass = {
            .ul = ul,
            .cfg = cfg,
            .now = now,
            .read_neighbors = tnl_changed || settled,
            .settled = settled,
        };

        if (settled) {
            ul->settle_at = LLONG_MAX;
        }
        ul->vteps_seqno = vteps_seqno;
        ul->tnl_seqno = tnl_seqno;
        ul->next_pass = ul->settle_at;
        ul->awaiting = false;

        HMAP_FOR_EACH (hop, node, &ul->hops) {
            hop->needed = false;
        }
        HMAP_FOR_EACH (dst, node, &ul->destinations) {
            dst->needed = false;
        }
        ovl_forwarding_for_each_vtep(ul->fwd, run_vtep, &pass);
        atomic_store_explicit(&ul->followed, vteps_seqno,
                              memory_order_release);
        seq_change(ul->seq);
        HMAP_FOR_EACH_SAFE (hop, node, &ul->hops) {
            if (!hop->needed) {
                hmap_remove(&ul->hops, &hop->node);
                free(hop);
            }
        }
        HMAP_FOR_EACH_SAFE (dst, node, &ul->destinations) {
            if (!dst->needed) {
                hmap_remove(&ul->destinations, &dst->node);
                free(dst);
            }
        }
    }
    ovs_mutex_unlock(&ul->mutex);
}

void
ovl_underlay_wait(struct ovl_underlay *ul)
{
    seq_wait(ovl_forwarding_vteps_seq(ul->fwd), ul->vteps_seqno);
    seq_wait(tnl_conf_seq, ul->tnl_seqno);
    poll_timer_wait_until(ul->next_pass);
    poll_timer_wait(ul->awaiting ? HEARD_MS : UNASKED_MS);
}

uint64_t
ovl_underlay_followed(const struct ovl_underlay *ul)
{
    uint64_t followed;

    atomic_read_explicit(&CONST_CAST(struct ovl_underlay *, ul)->followed,
                         &followed, memory_order_acquire);
    return followed;
}

struct seq *
ovl_underlay_seq(const struct ovl_underlay *ul)
{
    return ul->seq;
}

void
ovl_underlay_format_vtep(struct ovl_underlay *ul, const struct in6_addr *ip,
                         struct ds *state, struct ds *next_hop)
{
    ovs_mutex_lock(&ul->mutex);
    const struct destination *dst = find_destination(ul, ip);
    const struct hop *hop
        = dst && dst->has_route ? find_hop(ul, &dst->nexthop) : NULL;

    if (!dst) {
        ds_put_cstr(state, "not looked up yet");
    } else if (dst->up) {
        ds_put_cstr(state, "up");
    } else if (dst->why != OVL_DROP_VTEP_UNRESOLVED) {
        ds_put_cstr(state, ovl_drop_reason_text(dst->why));
    } else if (!dst->has_route) {
        ds_put_cstr(state, "no route to ");
        ipv6_format_mapped(ip, state);
        if (dst->device[0]) {
            ds_put_format(state, " out of the bridge (it leads out of %s)",
                          dst->device);
        }
    } else {
        ipv6_format_mapped(&dst->nexthop, state);
        ds_put_format(state, " does not answer %s",
                      ovl_ip_is_v4(&dst->nexthop)
                      ? "ARP" : "neighbor solicitations");
    }

    if (hop) {
        ipv6_format_mapped(&hop->nh.ip, next_hop);
        if (ovl_hop_is_known(&hop->nh)) {
            ds_put_format(next_hop, " at "ETH_ADDR_FMT,
                          ETH_ADDR_ARGS(hop->nh.mac));
        }
        ds_put_format(next_hop, " on %s", dst->device);
    }
    ovs_mutex_unlock(&ul->mutex);
}
