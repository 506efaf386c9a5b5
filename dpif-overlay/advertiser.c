/* SPDX-License-Identifier: Apache-2.0 */

/* A pass over the bindings finds out who listens, and compares what each
 * network has to say with what it said last.  There is one when the tables
 * say that such a thing has changed, or the tunnels' MTU has.  Between two,
 * only timers go off: a heap has the next one.
 *
 * Prefix: ovl_advertiser_. */

#include <config.h>

#include "advertiser.h"

#include "dp-packet.h"
#include "forwarding.h"
#include "hash.h"
#include "heap.h"
#include "openvswitch/hmap.h"
#include "openvswitch/list.h"
#include "openvswitch/poll-loop.h"
#include "packets.h"
#include "random.h"
#include "router-advert.h"
#include "seq.h"

/* RFC 4861 section 10, in ms. */
#define MAX_INITIAL_INTERVAL 16000
#define MIN_DELAY 3000
#define MAX_INITIAL 3

/* How long a prefix that went is mentioned: while all listeners are told the
 * first few times. */
#define WITHDRAWAL_MS (MAX_INITIAL * MAX_INITIAL_INTERVAL)

/* A network with listeners. */
struct domain {
    struct hmap_node hmap_node; /* In 'domains', by 'vni'. */
    uint32_t vni;
    struct ovs_list listeners;
    bool told;                  /* The rest is valid. */
    struct ovl_ra ra;           /* What was said last, or is being said. */
    uint16_t interval;          /* The network's 'ra_interval'. */
    long long int withdrawn_until;  /* When 'ra' forgets what went. */
};

struct listener {
    struct hmap_node hmap_node; /* In 'listeners', by domain and member. */
    struct heap_node heap_node; /* In 'timers'. */
    struct ovs_list list_node;  /* In the domain's 'listeners'. */
    struct domain *domain;
    struct ovl_member member;   /* Holds a reference to its port. */
    int n_initial;              /* How often it is told soon again. */
    bool seen;                  /* Mark of the current pass. */
};

struct ovl_advertiser {
    struct ovl_forwarding *fwd;
    ovl_advertiser_send *send;
    void *aux;

    struct hmap domains;
    struct hmap listeners;
    struct heap timers;         /* First whose priority is largest. */

    /* As of the last pass. */
    uint64_t seqno;             /* Of ovl_forwarding_adverts_seq(). */
    uint16_t tunnel_mtu;
};

struct ovl_advertiser *
ovl_advertiser_create(struct ovl_forwarding *fwd, ovl_advertiser_send *send,
                      void *aux)
{
    struct ovl_advertiser *adv = xzalloc(sizeof *adv);

    adv->fwd = fwd;
    adv->send = send;
    adv->aux = aux;
    hmap_init(&adv->domains);
    hmap_init(&adv->listeners);
    heap_init(&adv->timers);
    return adv;
}

static void
listener_destroy(struct ovl_advertiser *adv, struct listener *l)
{
    hmap_remove(&adv->listeners, &l->hmap_node);
    heap_remove(&adv->timers, &l->heap_node);
    ovs_list_remove(&l->list_node);
    ovl_lport_unref(l->member.port);
    free(l);
}

static void
domain_destroy(struct ovl_advertiser *adv, struct domain *d)
{
    struct listener *l;

    LIST_FOR_EACH_SAFE (l, list_node, &d->listeners) {
        listener_destroy(adv, l);
    }
    hmap_remove(&adv->domains, &d->hmap_node);
    free(d);
}

void
ovl_advertiser_destroy(struct ovl_advertiser *adv)
{
    if (adv) {
        struct domain *d;

        HMAP_FOR_EACH_SAFE (d, hmap_node, &adv->domains) {
            domain_destroy(adv, d);
        }
        hmap_destroy(&adv->domains);
        hmap_destroy(&adv->listeners);
        heap_destroy(&adv->timers);
        free(adv);
    }
}

/* Timers. */

static uint64_t
priority_of(long long int when)
{
    return UINT64_MAX - when;
}

static long long int
next_time(const struct ovl_advertiser *adv)
{
    return (heap_is_empty(&adv->timers) ? LLONG_MAX
            : UINT64_MAX - heap_max(&adv->timers)->priority);
}

/* Has 'l' told what is new, as often as if it were new itself: RFC 4861 section
 * 6.2.4.  What else changes in the next MIN_DELAY is told along: section
 * 6.2.6. */
static void
tell_soon(struct ovl_advertiser *adv, struct listener *l, long long int now)
{
    l->n_initial = MAX_INITIAL;
    heap_change(&adv->timers, &l->heap_node,
                MAX(l->heap_node.priority, priority_of(now + MIN_DELAY)));
}

/* Chooses when to tell 'l' next.  RFC 4861 section 6.2.4: also the first
 * advertisement comes after an interval.  A host that cannot wait solicits. */
static long long int
choose_time(const struct listener *l, const struct ovl_network *net,
            long long int now)
{
    int max = net->ra_interval;
    int min = nd_ra_min_interval_default(max);
    int delay = random_range((max - min) * 1000 + 1) + min * 1000;

    return now + (l->n_initial ? MIN(delay, MAX_INITIAL_INTERVAL) : delay);
}

static void
tell_again(struct ovl_advertiser *adv, struct listener *l,
           const struct ovl_network *net, long long int now)
{
    if (l->n_initial) {
        l->n_initial--;
    }
    heap_change(&adv->timers, &l->heap_node,
                priority_of(choose_time(l, net, now)));
}

/* Telling. */

static void
tell(struct ovl_advertiser *adv, const struct ovl_network *net,
     const struct listener *l, const struct ovl_ra *ra)
{
    if (ovl_lport_is_alive(l->member.port)) {
        adv->send(adv->aux, net, &l->member, ovl_ra_compose(ra, NULL));
    }
}

/* Takes the withdrawn prefixes out of 'ra'. */
static void
forget_withdrawn(struct ovl_ra *ra)
{
    size_t n = 0;

    for (size_t i = 0; i < ra->n_prefixes; i++) {
        if (!ra->prefixes[i].withdrawn) {
            ra->prefixes[n++] = ra->prefixes[i];
        }
    }
    ra->n_prefixes = n;
}

/* Adds the prefixes of 'old' that 'ra' has not, as withdrawn. */
static void
withdraw(struct ovl_ra *ra, const struct ovl_ra *old)
{
    for (size_t i = 0; i < old->n_prefixes; i++) {
        if (ra->n_prefixes < OVL_RA_MAX_PREFIXES
            && !ovl_ra_has_prefix(ra, &old->prefixes[i])) {
            ra->prefixes[ra->n_prefixes] = old->prefixes[i];
            ra->prefixes[ra->n_prefixes++].withdrawn = true;
        }
    }
}

/* Tells all listeners of 'd' that its router is one no more, and which of its
 * prefixes are none of 'next'. */
static void
say_goodbye(struct ovl_advertiser *adv, const struct ovl_network *net,
            const struct domain *d, const struct ovl_ra *next)
{
    struct ovl_ra last = { .mac = d->ra.mac };
    struct ovl_ra gone = *next;
    const struct listener *l;

    withdraw(&gone, &d->ra);
    for (size_t i = next->n_prefixes; i < gone.n_prefixes; i++) {
        last.prefixes[last.n_prefixes++] = gone.prefixes[i];
    }
    LIST_FOR_EACH (l, list_node, &d->listeners) {
        tell(adv, net, l, &last);
    }
}

static void
run_timer(struct ovl_advertiser *adv, struct listener *l, long long int now)
{
    struct domain *d = l->domain;
    const struct ovl_network *net
        = ovl_network_lookup(adv->fwd, ovl_forwarding_version(adv->fwd),
                             d->vni);

    if (!net || !net->advertise) {
        /* It went after the pass: there will be another. */
        heap_change(&adv->timers, &l->heap_node, priority_of(now + MIN_DELAY));
        return;
    }
    if (now >= d->withdrawn_until) {
        forget_withdrawn(&d->ra);
    }
    tell(adv, net, l, &d->ra);
    tell_again(adv, l, net, now);
}

/* The pass. */

static struct domain *
find_domain(const struct ovl_advertiser *adv, uint32_t vni)
{
    struct domain *d;

    HMAP_FOR_EACH_WITH_HASH (d, hmap_node, hash_int(vni, 0), &adv->domains) {
        if (d->vni == vni) {
            return d;
        }
    }
    return NULL;
}

static struct domain *
add_domain(struct ovl_advertiser *adv, uint32_t vni)
{
    struct domain *d = xzalloc(sizeof *d);

    d->vni = vni;
    ovs_list_init(&d->listeners);
    hmap_insert(&adv->domains, &d->hmap_node, hash_int(vni, 0));
    return d;
}

/* Notes that 'port', with tag 'vlan', is a member of network 'vni'. */
static void
see_member(struct ovl_advertiser *adv, ovs_version_t version,
           struct ovl_lport *port, uint16_t vlan, uint32_t vni,
           long long int now)
{
    const struct ovl_network *net
        = ovl_network_lookup(adv->fwd, version, vni);
    struct domain *d = find_domain(adv, vni);

    if (!net || (!net->advertise && !d)) {
        return;
    }
    d = d ? d : add_domain(adv, vni);

    uint32_t hash = hash_3words(vni, port->id, vlan);
    struct listener *l;

    HMAP_FOR_EACH_WITH_HASH (l, hmap_node, hash, &adv->listeners) {
        if (l->domain == d && l->member.port == port
            && l->member.vlan == vlan) {
            l->seen = true;
            return;
        }
    }
    l = xzalloc(sizeof *l);
    l->domain = d;
    l->member = (struct ovl_member) {
        .port = ovl_lport_ref(port), .vlan = vlan,
    };
    l->n_initial = MAX_INITIAL;
    l->seen = true;
    hmap_insert(&adv->listeners, &l->hmap_node, hash);
    ovs_list_push_back(&d->listeners, &l->list_node);
    heap_insert(&adv->timers, &l->heap_node,
                priority_of(choose_time(l, net, now)));
}

struct pass {
    struct ovl_advertiser *adv;
    ovs_version_t version;
    long long int now;
};

static void
see_binding(const struct ovl_binding *b, void *pass_)
{
    struct pass *pass = pass_;

    switch (b->role) {
    case OVL_ROLE_ACCESS:
        see_member(pass->adv, pass->version, b->port, 0, b->vni,
                   pass->now);
        break;
    case OVL_ROLE_GATEWAY:
        for (size_t i = 0; i < b->n_vlans; i++) {
            see_member(pass->adv, pass->version, b->port, b->vlans[i].vlan,
                       b->vlans[i].vni, pass->now);
        }
        break;
    case OVL_ROLE_UPLINK:
    case OVL_ROLE_LOCAL:
    case OVL_ROLE_UNBOUND:
        break;
    }
}

/* Has the listeners of 'd' told what 'net' says now, if that is new to
 * them. */
static void
update_domain(struct ovl_advertiser *adv, struct domain *d,
              const struct ovl_network *net, const struct ovl_config *config,
              long long int now)
{
    struct ovl_ra ra;
    struct listener *l;

    ovl_ra_init(&ra, net, config);
    if (d->told && !eth_addr_equals(ra.mac, d->ra.mac)) {
        say_goodbye(adv, net, d, &ra);
    }

    struct ovl_ra lasting = d->ra;
    forget_withdrawn(&lasting);
    bool changed = d->told && (!ovl_ra_equal(&ra, &lasting)
                               || net->ra_interval != d->interval);

    if (!d->told) {
        d->ra = ra;
    } else if (changed) {
        withdraw(&ra, &d->ra);
        d->ra = ra;
        d->withdrawn_until = now + WITHDRAWAL_MS;
    }
    d->told = true;
    d->interval = net->ra_interval;
    LIST_FOR_EACH (l, list_node, &d->listeners) {
        if (changed) {
            tell_soon(adv, l, now);
        }
    }
}

/* The network of 'd' advertises no more.  Its prefixes still are on the link
 * as long as its router has addresses in them. */
static void
close_domain(struct ovl_advertiser *adv, struct domain *d,
             const struct ovl_network *net, const struct ovl_config *config)
{
    struct ovl_ra ra;

    ovl_ra_init(&ra, net, config);
    if (d->told) {
        say_goodbye(adv, net, d, &ra);
    }
    domain_destroy(adv, d);
}

static void
run_pass(struct ovl_advertiser *adv, long long int now)
{
    struct pass pass = { adv, ovl_forwarding_version(adv->fwd), now };
    const struct ovl_config *config = ovl_config_get(adv->fwd, pass.version);
    struct listener *l;
    struct domain *d;

    HMAP_FOR_EACH (l, hmap_node, &adv->listeners) {
        l->seen = false;
    }
    ovl_forwarding_for_each_binding(adv->fwd, see_binding, &pass);
    HMAP_FOR_EACH_SAFE (l, hmap_node, &adv->listeners) {
        if (!l->seen) {
            listener_destroy(adv, l);
        }
    }
    HMAP_FOR_EACH_SAFE (d, hmap_node, &adv->domains) {
        const struct ovl_network *net
            = ovl_network_lookup(adv->fwd, pass.version, d->vni);

        if (!net || ovs_list_is_empty(&d->listeners)) {
            domain_destroy(adv, d);
        } else if (net->advertise) {
            update_domain(adv, d, net, config, now);
        } else {
            close_domain(adv, d, net, config);
        }
    }
}

void
ovl_advertiser_run(struct ovl_advertiser *adv, long long int now)
{
    uint64_t seqno = seq_read(ovl_forwarding_adverts_seq(adv->fwd));
    uint16_t tunnel_mtu = ovl_ra_tunnel_mtu(
        ovl_config_get(adv->fwd, ovl_forwarding_version(adv->fwd)));

    if (seqno != adv->seqno || tunnel_mtu != adv->tunnel_mtu) {
        adv->seqno = seqno;
        adv->tunnel_mtu = tunnel_mtu;
        run_pass(adv, now);
    }
    while (next_time(adv) <= now) {
        run_timer(adv, CONTAINER_OF(heap_max(&adv->timers), struct listener,
                                    heap_node), now);
    }
}

void
ovl_advertiser_wait(const struct ovl_advertiser *adv)
{
    seq_wait(ovl_forwarding_adverts_seq(adv->fwd), adv->seqno);
    if (!heap_is_empty(&adv->timers)) {
        poll_timer_wait_until(next_time(adv));
    }
}
