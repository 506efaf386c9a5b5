/* SPDX-License-Identifier: Apache-2.0 */

/* A burst's way through the pipeline, in passes: parse all, say to which
 * networks they belong, look those up, decide all, look up all that the
 * neighbor table, the MAC table or the router decides, act on all.  Only the
 * last changes anything.
 *
 * Most packets never come here: fast-path.h takes them first, and what it
 * does is what these passes would have done.
 *
 * A packet's whole way, for one that a VM sends to another hypervisor:
 *
 *     parse_all()     ovl_pkt_parse()         pkt-parse.c
 *     classify_all()  ovl_from_port_classify()    from-port.c
 *     ovl_find_networks()                     pipeline-lookup.c
 *     ovl_find_senders()  (nothing: it is out of no tunnel)
 *     decide_all()    ovl_from_port()         from-port.c
 *                       ovl_guard_...()       guard.c
 *                       ovl_respond()         responder.c
 *                       ovl_bridge()          bridging.c
 *     ovl_respond_all() (nothing: it asks for nobody)
 *     ovl_bridge_all()                        pipeline-lookup.c
 *                       ovl_bridge_finish()   bridging.c
 *     ovl_route_all()  (nothing: it is bridged)
 *     act_on_all()    ovl_output_vtep()       output.c
 *                       ovl_vxlan_push()      vxlan.c
 *                       worker->send()
 *
 * Prefix: ovl_pipeline_. */

#include <config.h>

#include "arp-responder.h"
#include "bridging.h"
#include "fast-path.h"
#include "ip-forward.h"
#include "nd-responder.h"
#include "offload.h"
#include "output.h"
#include "pipeline-private.h"
#include "pipeline-trace.h"
#include "pkt-edit.h"
#include "replicate.h"
#include "router-advert.h"
#include "underlay-talk.h"
#include "verdict.h"
#include "vxlan.h"

static enum ovl_role
role_of(const struct ovl_binding *binding)
{
    return binding ? binding->role : OVL_ROLE_UNBOUND;
}

/* Parses what came from the uplink, and what is inside if it is for us.
 * Gives the frame that counts. */
static const void *
parse_from_uplink(const struct ovl_config *config, struct ovl_item *item)
{
    const uint8_t *data = ovl_pkt_data(item->packet);
    size_t len = dp_packet_size(item->packet);

    ovl_outer_parse_into(&item->outer, data, len);
    item->for_us = ovl_outer_is_for_us(config, &item->outer);
    if (item->for_us && item->outer.fault == OVL_NO_DROP) {
        data += ovl_outer_inner_ofs(&item->outer);
        len = ovl_outer_inner_len(&item->outer);
    }
    ovl_pkt_parse_into(&item->pkt, data, len);
    return data;
}

static const void *
parse_from_port(struct ovl_item *item)
{
    const void *data = ovl_pkt_data(item->packet);

    ovl_pkt_parse_into(&item->pkt, data, dp_packet_size(item->packet));
    return data;
}

static void
parse_all(struct ovl_worker *worker, struct ovl_lport *in,
          const struct ovl_binding *binding, struct ovl_item items[],
          size_t n)
{
    bool uplink = role_of(binding) == OVL_ROLE_UPLINK;

    for (size_t i = 0; i < n; i++) {
        struct ovl_item *item = &items[i];

        item->for_us = item->allowed = false;
        item->arrival = (struct ovl_arrival) {
            .worker = worker, .in = in, .binding = binding,
            .drops = in->drops, .details = &item->details,
            .frame = (uplink ? parse_from_uplink(worker->config, item)
                      : parse_from_port(item)),
        };
        if (OVS_UNLIKELY(worker->trace) && !item->for_us) {
            ovl_trace_pkt(worker->trace, "frame", &item->pkt);
        }
    }
}

static void
settle(struct ovl_verdict *v, enum ovl_drop_reason reason)
{
    v->kind = reason == OVL_NO_DROP ? OVL_VERDICT_OPEN : OVL_VERDICT_DROP;
    v->reason = reason;
    v->tell = false;
}

/* Finds out what there is to be done about a packet that is not finished.
 * Returns false if it makes no sense. */
static bool
accept_offload(struct ovl_item *item)
{
    if (item->for_us && item->outer.fault == OVL_NO_DROP) {
        if (!ovl_offload_inside(&item->asked, &item->pkt)) {
            return false;
        }
        item->outer.unfinished = true;
    }
    return (item->asked.csum == OVL_CSUM_NONE
            || ovl_pkt_parse_offload(item->arrival.frame, &item->asked,
                                     &item->pkt));
}

static void
classify(enum ovl_role role, struct ovl_item *item)
{
    struct ovl_arrival *a = &item->arrival;

    if (OVS_UNLIKELY(item->asked.csum != OVL_CSUM_NONE)
        && !accept_offload(item)) {
        settle(&item->verdict, OVL_DROP_BAD_OFFLOAD);
        return;
    }
    switch (role) {
    case OVL_ROLE_ACCESS:
    case OVL_ROLE_GATEWAY:
        settle(&item->verdict, ovl_from_port_classify(a, &item->pkt));
        break;
    case OVL_ROLE_UPLINK:
        if (item->for_us) {
            settle(&item->verdict,
                   ovl_from_tunnel_classify(a, &item->outer,
                                            ovl_pkt_data(item->packet)));
        } else {
            item->verdict = ovl_from_uplink(a, &item->pkt);
        }
        break;
    case OVL_ROLE_LOCAL:
        item->verdict = ovl_from_local(a, &item->pkt);
        break;
    case OVL_ROLE_UNBOUND:
        OVL_TRACE(a->worker->trace, "bindings: %s -> none", a->in->name);
        settle(&item->verdict, OVL_DROP_PORT_UNBOUND);
        break;
    }
}

static void
classify_all(enum ovl_role role, struct ovl_item items[], size_t n)
{
    for (size_t i = 0; i < n; i++) {
        classify(role, &items[i]);
    }
}

static void
decide_all(struct ovl_item items[], size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct ovl_item *item = &items[i];
        struct ovl_arrival *a = &item->arrival;

        if (item->verdict.kind != OVL_VERDICT_OPEN) {
            continue;
        } else if (a->tunnel) {
            item->verdict = ovl_from_tunnel(a, &item->outer, &item->pkt,
                                            item->allowed);
        } else {
            item->verdict = ovl_from_port(a, &item->pkt);
        }
    }
}

/* Tells the underlay what the frame 'pkt' from the uplink says. */
static void
hear(struct ovl_worker *worker, const struct ovl_pkt *pkt, const void *frame)
{
    struct ovl_heard heard;

    if (!worker->heard) {
        return;
    } else if (ovl_underlay_hear(worker->config, pkt, &heard)) {
        worker->heard(worker, &heard);
        return;
    }
    switch (ovl_underlay_hear_mtu(worker, pkt, frame, &heard)) {
    case OVL_MTU_NOTHING:
    case OVL_MTU_KNOWN:
        break;
    case OVL_MTU_SMALLER:
        ovl_counter_add(worker->shard, OVL_EVENT_MTU_HEARD, 1);
        worker->heard(worker, &heard);
        break;
    case OVL_MTU_FORGED:
        ovl_counter_add(worker->shard, OVL_EVENT_MTU_FORGED, 1);
        break;
    }
}

/* RFC 6040 section 4.2: to whoever has to do with the inner packet, and to
 * whom it is quoted, its ECN field is the one that decapsulation makes. */
static void
set_ecn(struct ovl_item *item)
{
    const struct ovl_arrival *a = &item->arrival;

    if (a->set_ecn) {
        size_t ofs = ovl_outer_inner_ofs(&item->outer);

        OVL_TRACE(a->worker->trace, "ecn: inner becomes %d", a->ecn);
        ovl_pkt_set_ecn(ovl_pkt_data(item->packet) + ofs,
                        &item->pkt, a->ecn);
    }
}

/* Makes of the received packet the plain frame that 'item->pkt' is. */
static void
make_plain(struct ovl_item *item)
{
    if (item->arrival.tunnel) {
        ovl_vxlan_pop(item->packet, &item->outer);
    }
    if (item->pkt.tag != OVL_TAG_NONE) {
        ovl_pkt_pop_tag(item->packet);
    }
    if (OVS_UNLIKELY(item->pkt.offload.cut)) {
        /* Nobody could say which segment has what follows the IP packet. */
        dp_packet_set_size(item->packet,
                           ETH_HEADER_LEN + item->pkt.offload.len);
    }
}

/* Sends 'reply', a frame that was made here, the way that 'item' came. */
static void
send_back(const struct ovl_item *item, struct dp_packet *reply)
{
    const struct ovl_arrival *a = &item->arrival;

    ovl_counter_add(a->worker->shard, OVL_TOTAL_GENERATED, 1);
    if (OVS_UNLIKELY(a->worker->trace)) {
        ovl_trace_answer(a->worker->trace);
    }

    if (!a->tunnel) {
        ovl_output_port(a, a->net, a->in, a->vlan, NULL, reply);
        return;
    }

    struct ovl_pkt pkt;
    const struct ovl_adjacency *adj = NULL;
    enum ovl_drop_reason reason;

    ovl_pkt_parse_into(&pkt, ovl_pkt_data(reply), dp_packet_size(reply));
    reason
        = (a->from ? ovl_bridge_to_vtep(a, a->from, ovl_pkt_l3_len(&pkt), &adj)
           : OVL_DROP_VTEP_UNRESOLVED);
    if (reason != OVL_NO_DROP) {
        ovl_output_drop(a, reason, reply);
    } else {
        ovl_output_vtep(a, a->net, adj, &pkt, reply);
    }
}

/* Of what is said to whoever sent it: a port's own, or, where many share the
 * uplink, those of its network. */
static struct ovl_limits *
limits_of(const struct ovl_arrival *a)
{
    return (a->tunnel && a->net && a->net->limits ? &a->net->limits->up
            : &a->in->limits);
}

static bool
is_solicitation(const struct ovl_pkt *pkt)
{
    return (pkt->l3 == OVL_L3_IPV6 && pkt->ip.nd.status == OVL_ND_OK
            && pkt->ip.nd.type == OVL_ND_RS);
}

static void
trace_advertisement(struct ovl_trace *trace, const struct ovl_ra *ra)
{
    OVL_TRACE(trace, "advertisement: router "ETH_ADDR_FMT" for %"PRIu16" s, "
              "MTU %"PRIu16, ETH_ADDR_ARGS(ra->mac), ra->lifetime, ra->mtu);
    for (size_t i = 0; i < ra->n_prefixes; i++) {
        const struct ovl_ra_prefix *p = &ra->prefixes[i];

        OVL_TRACE(trace, "advertisement: %s/%"PRIu8" is on the link%s",
                  OVL_IP_TEXT(&p->addr), p->plen,
                  p->autonomous ? ", autonomous" : "");
    }
}

/* Advertisements are larger than what asks for them, and so limited. */
static bool
may_advertise(const struct ovl_item *item)
{
    const struct ovl_arrival *a = &item->arrival;

    return (a->worker->trace
            || ovl_limiter_pass(&limits_of(a)->adverts, a->worker->now));
}

static struct dp_packet *
make_advertisement(const struct ovl_item *item)
{
    const struct ovl_arrival *a = &item->arrival;
    struct ovl_ra ra;

    ovl_ra_init(&ra, a->net, a->worker->config);
    if (OVS_UNLIKELY(a->worker->trace)) {
        trace_advertisement(a->worker->trace, &ra);
    }
    dp_packet_delete(item->packet);
    return ovl_ra_compose(&ra, &item->pkt);
}

/* Makes of the request, a plain frame, what answers it. */
static struct dp_packet *
make_reply(const struct ovl_item *item)
{
    const struct ovl_arrival *a = &item->arrival;
    const struct ovl_answer *say = &a->details->answer;

    if (item->verdict.kind == OVL_VERDICT_ECHO) {
        ovl_icmp_echo_reply(item->packet, a->net->router_mac, &item->pkt,
                            &a->details->router);
    } else if (item->pkt.l3 == OVL_L3_ARP) {
        ovl_arp_reply(item->packet, &item->pkt, say->mac);
    } else if (is_solicitation(&item->pkt)) {
        return make_advertisement(item);
    } else {
        return ovl_nd_advertisement(item->packet, &item->pkt, say->mac,
                                    say->router);
    }
    return item->packet;
}

/* Takes in a request and sends the answer.  ARP, ND and ping cost no more than
 * forwarding. */
static void
answer(struct ovl_item *item)
{
    const struct ovl_arrival *a = &item->arrival;

    if (is_solicitation(&item->pkt) && !may_advertise(item)) {
        ovl_output_drop(a, OVL_DROP_RS_LIMIT, item->packet);
        return;
    }
    ovl_counter_add(a->worker->shard, OVL_TOTAL_CONSUMED, 1);
    make_plain(item);
    send_back(item, make_reply(item));
}

static void
drop(const struct ovl_item *item)
{
    const struct ovl_arrival *a = &item->arrival;
    const struct ovl_verdict *v = &item->verdict;
    struct dp_packet *error = NULL;

    if (OVS_UNLIKELY(a->worker->trace)) {
        ovl_trace_missing_row(a, &item->outer, &item->pkt, v);
    }
    if (v->tell
        && (a->worker->trace
            || ovl_limiter_pass(&limits_of(a)->errors, a->worker->now))) {
        error = ovl_icmp_error(a->worker, item->packet, &a->details->icmp,
                               a->frame, &item->pkt, &a->details->router);
    }
    ovl_output_drop(a, v->reason, item->packet);
    if (error) {
        if (OVS_UNLIKELY(a->worker->trace)) {
            ovl_icmp_trace(a->worker->trace, &a->details->icmp, &item->pkt);
        }
        send_back(item, error);
    }
}

/* Gives a routed frame to the port or VTEP of its next hop. */
static void
deliver(const struct ovl_item *item, struct dp_packet *packet)
{
    const struct ovl_arrival *a = &item->arrival;
    const struct ovl_details *to = a->details;

    if (to->port) {
        ovl_output_port(a, to->net, to->port, to->vlan, &item->pkt, packet);
    } else {
        ovl_output_vtep(a, to->net, to->adj, &item->pkt, packet);
    }
}

static void
deliver_fragments(const struct ovl_item *item, struct dp_packet *packet)
{
    const struct ovl_arrival *a = &item->arrival;
    size_t ofs = 0, n = 0;

    do {
        struct dp_packet *fragment
            = ovl_ip_next_fragment(a->worker, packet, a->details->mtu, &ofs);

        if (OVS_LIKELY(fragment)) {
            deliver(item, fragment);
        } else {
            ovl_count_drop(a, OVL_DROP_NO_MEMORY);
        }
        n++;
    } while (ofs);
    ovl_counter_add(a->worker->shard, OVL_TOTAL_REPLICATED, n - 1);
    dp_packet_delete(packet);
}

/* A checksum is about all fragments, so it has to be there before. */
static void
finish_and_deliver_fragments(struct ovl_item *item)
{
    const struct ovl_arrival *a = &item->arrival;
    struct ovl_offload o = item->pkt.offload;
    uint16_t mss = ovl_offload_mss(&o, a->details->mtu);
    size_t ofs = 0, n = 0;

    item->pkt.offload.csum = OVL_CSUM_NONE;
    do {
        struct dp_packet *segment
            = ovl_offload_next(a->worker, item->packet, ETH_HEADER_LEN, &o,
                               mss, &ofs);

        if (OVS_LIKELY(segment)) {
            deliver_fragments(item, segment);
        } else {
            ovl_count_drop(a, OVL_DROP_NO_MEMORY);
        }
        n++;
    } while (ofs);
    ovl_counter_add(a->worker->shard, OVL_TOTAL_REPLICATED, n - 1);
    if (o.cut) {
        dp_packet_delete(item->packet);
    }
}

static void
route(struct ovl_item *item)
{
    const struct ovl_arrival *a = &item->arrival;
    const struct ovl_details *to = a->details;

    ovl_ip_rewrite(item->packet, &item->pkt, &to->router, to->eth_dst,
                   to->net->router_mac);
    if (!to->fragment) {
        deliver(item, item->packet);
    } else if (OVS_LIKELY(item->pkt.offload.csum == OVL_CSUM_NONE)) {
        deliver_fragments(item, item->packet);
    } else {
        finish_and_deliver_fragments(item);
    }
}

/* Counts what came into a network or out of a tunnel. */
static void
count_arrival(const struct ovl_item *item)
{
    const struct ovl_arrival *a = &item->arrival;

    if (a->net) {
        ovl_tally_add(a->worker->shard, &a->worker->net_rx,
                      a->net->traffic + OVL_RX_PACKETS, item->pkt.len);
    }
    if (a->from) {
        ovl_tally_add(a->worker->shard, &a->worker->vtep_rx,
                      a->from->traffic + OVL_RX_PACKETS, item->pkt.len);
    }
}

/* Counts what is odd about it. */
static void
count_events(const struct ovl_item *item)
{
    struct ovl_shard *shard = item->arrival.worker->shard;

    switch (item->arrival.ecn_alarm) {
    case OVL_ECN_USUAL:
        break;
    case OVL_ECN_SUSPICIOUS:
        ovl_counter_add(shard, OVL_EVENT_ECN_SUSPICIOUS, 1);
        break;
    case OVL_ECN_DANGEROUS:
        ovl_counter_add(shard, OVL_EVENT_ECN_DANGEROUS, 1);
        break;
    }
}

static void
act(struct ovl_item *item)
{
    const struct ovl_arrival *a = &item->arrival;
    const struct ovl_verdict *v = &item->verdict;

    count_arrival(item);
    count_events(item);
    set_ecn(item);
    switch (v->kind) {
    case OVL_VERDICT_DROP:
        drop(item);
        break;

    case OVL_VERDICT_HOST:
        if (role_of(a->binding) == OVL_ROLE_UPLINK) {
            hear(a->worker, &item->pkt, a->frame);
        }
        ovl_output_host(a, v->port, &item->pkt, item->packet);
        break;

    case OVL_VERDICT_ANSWER:
    case OVL_VERDICT_ECHO:
        answer(item);
        break;

    case OVL_VERDICT_OPEN:
    case OVL_VERDICT_RESPOND:
    case OVL_VERDICT_BRIDGE:
    case OVL_VERDICT_ROUTER:
        OVS_NOT_REACHED();      /* They have decided. */

    case OVL_VERDICT_ROUTE:
        make_plain(item);
        route(item);
        break;

    case OVL_VERDICT_PORT:
        make_plain(item);
        ovl_output_port(a, a->net, v->port, v->vlan, &item->pkt,
                        item->packet);
        break;

    case OVL_VERDICT_VTEP:
        make_plain(item);
        ovl_output_vtep(a, a->net, v->adj, &item->pkt, item->packet);
        break;

    case OVL_VERDICT_FLOOD:
        make_plain(item);
        ovl_replicate(a, &item->pkt, item->packet);
        break;
    }
}

/* Counts what was counted for the burst alone so far. */
static void
count_burst(struct ovl_worker *worker)
{
    ovl_tally_flush(worker->shard, &worker->net_rx);
    ovl_tally_flush(worker->shard, &worker->net_tx);
    ovl_tally_flush(worker->shard, &worker->vtep_rx);
    ovl_tally_flush(worker->shard, &worker->vtep_tx);
}

static bool
is_taken(const struct ovl_fast *fast, size_t i)
{
    return fast->taken & UINT32_C(1) << i;
}

/* Handles those of the 'n' packets that the fast path has not taken by the
 * passes, and the others when their turn comes. */
static void __attribute__((__noinline__))
run_passes(struct ovl_worker *worker, struct ovl_lport *in,
           const struct ovl_binding *binding, const struct ovl_fast *fast,
           struct dp_packet *packets[], size_t n)
{
    struct ovl_item items[NETDEV_MAX_BURST];
    size_t n_items = 0;

    for (size_t i = 0; i < n; i++) {
        if (!is_taken(fast, i)) {
            items[n_items].packet = packets[i];
            items[n_items++].asked = ovl_offload_take(packets[i]);
        }
    }
    parse_all(worker, in, binding, items, n_items);
    classify_all(role_of(binding), items, n_items);
    ovl_find_networks(worker, items, n_items);
    ovl_find_senders(worker, items, n_items);
    decide_all(items, n_items);
    ovl_respond_all(worker, items, n_items);
    ovl_bridge_all(worker, items, n_items);
    ovl_route_all(worker, items, n_items);

    /* In the order in which they came. */
    struct ovl_item *item = items;
    size_t first = 0;
    for (size_t i = 0; i < n; i++) {
        if (!is_taken(fast, i)) {
            if (first < i) {
                ovl_fast_act(fast, packets, first, i);
            }
            first = i + 1;
            act(item++);
        }
    }
    if (first < n) {
        ovl_fast_act(fast, packets, first, n);
    }
}

void
ovl_pipeline_run(struct ovl_worker *worker, struct ovl_lport *in,
                 struct dp_packet_batch *batch)
{
    struct dp_packet **packets = batch->packets;
    size_t n = dp_packet_batch_size(batch);
    struct ovl_fast fast;

    if (!n) {
        return;
    }

    ovs_version_t version = ovl_forwarding_version(worker->fwd);
    if (OVS_UNLIKELY(version != worker->version || !worker->config)) {
        worker->version = version;
        worker->config = ovl_config_get(worker->fwd, version);
    }

    struct ovl_known_port *known = ovl_fast_know(worker, in);

    ovl_fast_decide(&fast, worker, in, known, packets, n);
    if (OVS_LIKELY(count_1bits(fast.taken) == n)) {
        ovl_fast_act(&fast, packets, 0, n);
    } else {
        run_passes(worker, in, known->binding, &fast, packets, n);
    }
    count_burst(worker);
    dp_packet_batch_init(batch);
}

void
ovl_account_received(struct ovl_shard *shard, const struct ovl_lport *port,
                     size_t n, size_t bytes)
{
    ovl_counter_add(shard, OVL_TOTAL_RECEIVED, n);
    ovl_counter_add(shard, port->traffic + OVL_RX_PACKETS, n);
    ovl_counter_add(shard, port->traffic + OVL_RX_BYTES, bytes);
}

void
ovl_account_sent(struct ovl_shard *shard, const struct ovl_lport *port,
                 size_t n, size_t bytes)
{
    ovl_counter_add(shard, OVL_TOTAL_SENT, n);
    ovl_counter_add(shard, port->traffic + OVL_TX_PACKETS, n);
    ovl_counter_add(shard, port->traffic + OVL_TX_BYTES, bytes);
}

void
ovl_account_unsent(struct ovl_shard *shard, const struct ovl_lport *port,
                   enum ovl_drop_reason reason, size_t n)
{
    ovl_counter_add(shard, OVL_TOTAL_DROPPED, n);
    ovl_counter_add(shard, port->drops + reason, n);
}

void
ovl_account_refused(struct ovl_shard *shard, const struct ovl_lport *port,
                    enum ovl_drop_reason reason, size_t bytes)
{
    ovl_account_received(shard, port, 1, bytes);
    ovl_counter_add(shard, OVL_TOTAL_DROPPED, 1);
    ovl_counter_add(shard, port->drops + reason, 1);
}
