/* SPDX-License-Identifier: Apache-2.0 */

/* What the rows of seq-model.h mean for a packet to the router: the first row
 * of a prefix is in force, the longest prefix decides, next hops that do not
 * resolve do not count. */

#include <config.h>

#include "seq-model.h"

#include "tests/unit/icmp-oracle.h"
#include "util.h"

#define MAC_OWN_ROUTER "02:00:5e:00:01:07"

enum outcome_kind { NOTHING, ERROR, FORWARD };

struct outcome {
    enum outcome_kind kind;
    uint8_t type, code;
    size_t net, mac;
    places to;
};

#define MAX_OUTCOMES (N_HOPS + 1)

struct outcomes {
    struct outcome o[MAX_OUTCOMES];
    size_t n;
};

/* Who sends what is routed into 'net', also if that has no router itself. */
static const char *
sender_mac(const struct seq_network *net)
{
    return (net->own_mac ? MAC_OWN_ROUTER
            : net->gateway ? MAC_ROUTER : MAC_LOCAL);
}

const char *
seq_router_mac(const struct seq_model *m, size_t net)
{
    const struct seq_network *n = &m->in_force.networks[net];

    return n->there && (n->gateway || n->vrf) ? sender_mac(n) : NULL;
}

static void
add_error(struct outcomes *out, uint8_t type, uint8_t code)
{
    out->o[out->n++] = (struct outcome) { ERROR, type, code, 0, 0, 0 };
}

/* By way of seq_ips[net][ip].  Returns whether that resolves. */
static bool
add_hop(const struct seq_model *m, size_t net, size_t ip,
        struct outcomes *out)
{
    size_t mac = (m->in_force.networks[net].there && ip < N_MACS
                  ? seq_find_neighbor(m, net, ip) : N_MACS);
    places to;

    if (mac == N_MACS || !seq_find_place(m, net, mac, &to)) {
        add_error(out, 3, 1);
        return false;
    }
    out->o[out->n++] = (struct outcome) {
        to ? FORWARD : NOTHING, 0, 0, net, mac, to
    };
    return to != 0;
}

static bool
is_connected(const struct seq_model *m, size_t net)
{
    const struct seq_network *n = &m->in_force.networks[net];

    return n->there && n->vrf && n->gateway;
}

/* Keeps next hops that are anywhere, and of those the ones that resolve. */
static bool
follow(const struct seq_model *m, const struct seq_route *r,
       struct outcomes *out)
{
    struct outcomes good = { .n = 0 };
    bool in_force = false;

    switch (r->action) {
    case OVL_ROUTE_BLACKHOLE:
        out->o[out->n++] = (struct outcome) { .kind = NOTHING };
        return true;
    case OVL_ROUTE_UNREACHABLE:
        add_error(out, 3, 1);
        return true;
    case OVL_ROUTE_PROHIBIT:
        add_error(out, 3, 13);
        return true;
    case OVL_ROUTE_FORWARD:
    case OVL_ROUTE_LOCAL:
    case OVL_ROUTE_CONNECTED:
        break;
    }
    for (size_t i = 0; i < r->n_hops; i++) {
        size_t net = r->hops[i].net, ip = r->hops[i].ip;
        const struct seq_network *n = &m->in_force.networks[net];

        if ((!r->named && !is_connected(m, net))
            || (ip >= N_MACS && n->there && n->gateway)) {
            continue;           /* Nowhere, or the router itself. */
        }
        in_force = true;
        if (add_hop(m, net, ip, out)) {
            good.o[good.n++] = out->o[out->n - 1];
        }
    }
    if (good.n) {
        *out = good;
    }
    return in_force;
}

/* The prefixes, longest first. */
static bool
is_in_prefix(size_t prefix, const uint8_t *ip)
{
    return (prefix == 0 ? ip[0] == 10 && ip[1] == 7 && ip[2] == 1
            : prefix == 1 ? ip[0] == 10 && ip[1] == 7
            : prefix == 2 ? ip[0] == 10 : true);
}

static void
look_up(const struct seq_model *m, const uint8_t *ip, struct outcomes *out)
{
    for (size_t net = 0; net < N_NETS; net++) {
        if (is_connected(m, net) && ip[0] == 10 && !ip[1] && ip[2] == net) {
            if (ip[3] == 1) {
                add_error(out, 3, 3);
            } else {
                add_hop(m, net, ip[3] - 10, out);
            }
            return;
        }
    }
    for (size_t prefix = 0; prefix < N_PREFIXES; prefix++) {
        for (size_t i = 0; i < N_ROUTES; i++) {
            const struct seq_route *r = &m->in_force.routes[i];

            if (r->there && r->prefix == prefix) {
                if (is_in_prefix(prefix, ip) && follow(m, r, out)) {
                    return;
                }
                break;          /* The first row is in force, or none. */
            }
        }
    }
    add_error(out, 3, 0);
}

static const char *
check_forward(const struct seq_model *m, const struct outcome *o,
              const struct frame *f)
{
    const struct seq_network *net = &m->in_force.networks[o->net];
    struct eth_addr macs[] = { mac_from(seq_macs[o->mac]),
                               mac_from(sender_mac(net)) };
    struct frame routed = *f;
    const struct expectation e = { o->to, o->to, true };

    memcpy(routed.data, macs, sizeof macs);
    routed.data[L3_OFS + 8]--;
    frame_fix_ip4(&routed, L3_OFS);
    return (m->n_generated ? "says something"
            : seq_check(m, o->net, &routed, e));
}

static const char *
check_error(const struct seq_model *m, const struct outcome *o, size_t net,
            size_t i, int vlan, size_t vtep, const struct frame *f)
{
    size_t ofs = vtep < N_VTEPS ? INNER_OFS : vlan ? 18 : 14;
    bool has_source = m->in_force.networks[net].gateway;
    struct frame said = { .len = 0 };

    for (size_t n = 0; n < N_NETS; n++) {
        has_source |= m->in_force.networks[net].vrf && is_connected(m, n);
    }
    if (!has_source) {
        return m->n_generated || m->n_out ? "speaks without an address" : NULL;
    } else if (m->n_generated != 1) {
        return "says nothing";
    } else if (vtep < N_VTEPS && !seq_is_resolved(m, vtep)) {
        return m->n_out ? "speaks to an unresolved VTEP" : NULL;
    } else if (m->n_out != 1
               || m->out[0].port != (vtep < N_VTEPS ? m->uplink : m->ports[i])
               || m->out[0].frame.len < ofs + 14) {
        return "what was said is not where the packet came from";
    }

    const struct frame *out = &m->out[0].frame;
    if (vtep < N_VTEPS) {
        struct frame wrapped;

        frame_put(&said, out->data + ofs, out->len - ofs);
        wrapped = frame_vxlan4(MAC_NEXTHOP, MAC_LOCAL, IP_OWN,
                               seq_vteps[vtep], 0,
                               frame_get16(out, UDP_SPORT), seq_vnis[net],
                               &said);
        if (wrapped.len != out->len
            || memcmp(wrapped.data, out->data, out->len)) {
            return "what was said went to another tunnel";
        }
    } else {
        frame_put(&said, out->data, 12);
        frame_put(&said, out->data + ofs - 2, out->len - ofs + 2);
    }
    const char *error = icmp_oracle(f, &said);
    return (error ? error
            : said.data[L4_OFS] != o->type || said.data[L4_OFS + 1] != o->code
            ? "another error than it should be" : NULL);
}

const char *
seq_check_router(const struct seq_model *m, size_t net, size_t i, int vlan,
                 size_t vtep, const struct frame *f, bool sure)
{
    const struct seq_network *n = &m->in_force.networks[net];
    const uint8_t *dst = f->data + IP4_DST;
    struct outcomes out = { .n = 0 };
    const char *error = NULL;

    if (frame_get16(f, 12) != 0x0800) {
        return m->n_out && !m->n_generated ? "routes what is not IP" : NULL;
    } else if (!m->n_out && !m->n_generated && !sure) {
        return NULL;
    }
    if (n->gateway && dst[0] == 10 && !dst[1] && dst[2] == net
        && dst[3] == 1) {
        add_error(&out, 3, 3);
    } else if (!n->vrf) {
        add_error(&out, 3, 0);
    } else {
        look_up(m, dst, &out);
    }
    for (size_t j = 0; j < out.n; j++) {
        const struct outcome *o = &out.o[j];

        error = (o->kind == FORWARD ? check_forward(m, o, f)
                 : o->kind == ERROR
                 ? check_error(m, o, net, i, vlan, vtep, f)
                 : m->n_out || m->n_generated ? "is not dropped in silence"
                 : NULL);
        if (!error) {
            return NULL;
        }
    }
    return error;
}
