/* SPDX-License-Identifier: Apache-2.0 */

/* Runs a frame through the pipeline with a worker whose 'send' writes text.
 * Which row is missing for which drop is in pipeline-hints.c.
 *
 * Prefix: ovl_trace_. */

#include <config.h>

#include "pipeline-trace.h"
#include "pipeline.h"
#include "pkt-edit.h"

void
ovl_trace_line(struct ovl_trace *trace, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    ds_put_format_valist(&trace->text, format, args);
    va_end(args);
    ds_put_char(&trace->text, '\n');
}

const char *
ovl_ip_text(char buf[INET6_ADDRSTRLEN], const struct in6_addr *ip)
{
    ipv6_string_mapped(buf, ip);
    return buf;
}

static void
format_arp(struct ds *s, const struct ovl_pkt_arp *arp)
{
    if (arp->status == OVL_ARP_OK) {
        ds_put_format(s, ", ARP %s for "IP_FMT" from "IP_FMT" at "
                      ETH_ADDR_FMT,
                      arp->op == ARP_OP_REQUEST ? "request" : "reply",
                      IP_ARGS(arp->tpa), IP_ARGS(arp->spa),
                      ETH_ADDR_ARGS(arp->sha));
    } else {
        ds_put_cstr(s, ", malformed ARP");
    }
}

static void
format_ip(struct ds *s, const struct ovl_pkt_ip *ip)
{
    ds_put_format(s, ", %s > %s, protocol %"PRIu8, OVL_IP_TEXT(&ip->src),
                  OVL_IP_TEXT(&ip->dst), ip->proto);
    if (ip->nd.status == OVL_ND_OK) {
        ds_put_format(s, ", ND type %d", ip->nd.type);
        if (ip->nd.type == OVL_ND_NS || ip->nd.type == OVL_ND_NA) {
            ds_put_format(s, " for %s", OVL_IP_TEXT(&ip->nd.target));
        }
    } else if (ip->nd.status == OVL_ND_MALFORMED) {
        ds_put_cstr(s, ", malformed ND");
    }
}

void
ovl_trace_pkt(struct ovl_trace *trace, const char *what,
              const struct ovl_pkt *pkt)
{
    struct ds *s = &trace->text;

    ds_put_format(s, "%s: ", what);
    if (pkt->too_short) {
        ds_put_format(s, "%"PRIu32" bytes are not a frame\n", pkt->len);
        return;
    }
    ds_put_format(s, ETH_ADDR_FMT" > "ETH_ADDR_FMT, ETH_ADDR_ARGS(pkt->src),
                  ETH_ADDR_ARGS(pkt->dst));
    if (pkt->tag != OVL_TAG_NONE) {
        ds_put_format(s, ", %s", pkt->tag == OVL_TAG_PRIORITY ? "priority tag"
                      : pkt->tag == OVL_TAG_VLAN ? "VLAN tag" : "other tag");
        if (pkt->tag == OVL_TAG_VLAN) {
            ds_put_format(s, " %"PRIu16, pkt->vlan);
        }
    }
    ds_put_format(s, ", type 0x%04"PRIx16, ntohs(pkt->type));
    if (pkt->l3_bad) {
        ds_put_cstr(s, ", malformed IP");
    } else if (pkt->l3 == OVL_L3_ARP) {
        format_arp(s, &pkt->arp);
    } else if (pkt->l3 != OVL_L3_OTHER) {
        format_ip(s, &pkt->ip);
    }
    ds_put_format(s, ", %"PRIu32" bytes\n", pkt->len);
}

void
ovl_trace_drop(struct ovl_trace *trace, enum ovl_drop_reason reason)
{
    ovl_trace_line(trace, "drop: %s", ovl_drop_reason_name(reason));
    ds_put_format(&trace->dropped, "%s%s (%s)",
                  trace->dropped.length ? ", " : "",
                  ovl_drop_reason_name(reason), ovl_drop_reason_text(reason));
}

void
ovl_trace_answer(struct ovl_trace *trace)
{
    trace->answered = true;
}

static void
trace_output(struct ovl_worker *worker, struct ovl_lport *port,
             struct dp_packet *packet)
{
    struct ovl_trace *trace = worker->trace;

    ovl_trace_line(trace, "output: %s, %"PRIu32" bytes", port->name,
                   dp_packet_size(packet));
    ds_put_format(&trace->sent, "%s%s", trace->sent.length ? ", " : "",
                  port->name);
    ovl_account_sent(worker->shard, port, 1, dp_packet_size(packet));
    dp_packet_delete(packet);
}

/* The worker's 'send'. */
static void
trace_send(struct ovl_worker *worker, struct ovl_lport *port,
           struct dp_packet *const packets[], size_t n)
{
    for (size_t i = 0; i < n; i++) {
        trace_output(worker, port, packets[i]);
    }
}

static void
format_final(const struct ovl_trace *trace, struct ds *out)
{
    const char *separator = "";

    ds_put_cstr(out, "Final: ");
    if (trace->answered) {
        ds_put_cstr(out, "answered");
        separator = ", ";
    }
    if (trace->sent.length) {
        ds_put_format(out, "%ssent to %s", separator,
                      ds_cstr_ro(&trace->sent));
        separator = "; ";
    }
    if (trace->dropped.length) {
        ds_put_format(out, "%sdropped: %s", separator,
                      ds_cstr_ro(&trace->dropped));
    }
    ds_put_char(out, '\n');
}

void
ovl_trace_frame(const struct ovl_forwarding *fwd, struct ovl_lport *in,
                const void *frame, size_t len, struct ds *out)
{
    struct ovl_trace trace = {
        .text = DS_EMPTY_INITIALIZER,
        .sent = DS_EMPTY_INITIALIZER,
        .dropped = DS_EMPTY_INITIALIZER,
    };
    struct ovl_worker worker = {
        .fwd = fwd,
        .shard = ovl_shard_create_private(),
        .trace = &trace,
        .send = trace_send,
    };
    struct dp_packet *packet = ovl_pkt_new(len);
    struct dp_packet_batch batch;

    dp_packet_put(packet, frame, len);
    dp_packet_batch_init_packet(&batch, packet);
    ovl_account_received(worker.shard, in, 1, len);
    ovl_pipeline_run(&worker, in, &batch);

    ds_put_cstr(out, ds_cstr(&trace.text));
    format_final(&trace, out);

    ovl_shard_destroy(worker.shard);
    ds_destroy(&trace.text);
    ds_destroy(&trace.sent);
    ds_destroy(&trace.dropped);
}
