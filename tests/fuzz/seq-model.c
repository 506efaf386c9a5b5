/* SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

#include "seq-model.h"

#include "packets.h"
#include "util.h"

const char *const seq_port_names[N_PORTS] = { "p0", "p1", "p2", "p3" };
const uint32_t seq_vnis[N_NETS] = { 100, 200 };
const char *const seq_macs[N_MACS] = {
    "52:54:00:00:00:00", "52:54:00:00:00:01", "52:54:00:00:00:02",
    "52:54:00:00:00:03", "52:54:00:00:00:04", "52:54:00:00:00:05",
};
const char *const seq_ips[N_NETS][N_MACS] = {
    { "10.0.0.10", "10.0.0.11", "10.0.0.12", "10.0.0.13", "10.0.0.14",
      "10.0.0.15" },
    { "10.0.1.10", "10.0.1.11", "10.0.1.12", "10.0.1.13", "10.0.1.14",
      "10.0.1.15" },
};
const char *const seq_gateways[N_NETS] = { "10.0.0.1", "10.0.1.1" };
const char *const seq_vteps[N_VTEPS] = { "192.0.2.2", "192.0.2.3" };

/* True if port 'i' is the one that was there at the last commit. */
static bool
is_alive(const struct seq_model *m, size_t i)
{
    return m->ports[i] && m->known_ids[i] == m->ports[i]->id;
}

/* The row that would bind port 'i', or NULL. */
static const struct seq_port *
row_of(const struct seq_model *m, size_t i)
{
    const struct seq_rows *rows = &m->in_force;

    if (!m->known_ids[i]) {
        return NULL;
    } else if (rows->ports[i].there && rows->ports[i].role != SEQ_UNBOUND) {
        return &rows->ports[i];
    }
    return i < N_BINDINGS && rows->bindings[i].there
           ? &rows->bindings[i] : NULL;
}

/* The row that binds port 'i', or NULL: of two that name the same MAC in the
 * same network, the first is in force. */
static const struct seq_port *
binding_of(const struct seq_model *m, size_t i)
{
    const struct seq_port *row = row_of(m, i);

    for (size_t j = 0; row && seq_is_mac(row->mac) && j < i; j++) {
        const struct seq_port *first = binding_of(m, j);

        if (first && first->role == row->role && first->mac == row->mac) {
            return NULL;
        }
    }
    return row;
}

size_t
seq_net_of(const struct seq_model *m, size_t i, int vlan)
{
    const struct seq_port *b = binding_of(m, i);
    size_t net = N_NETS;

    if (b && b->role == SEQ_TRUNK) {
        net = vlan == 0 ? 0 : vlan == 10 ? 1 : N_NETS;
    } else if (b && !vlan) {
        net = b->role - SEQ_NET0;
    }
    return net < N_NETS && m->in_force.networks[net].there ? net : N_NETS;
}

static bool
is_member(const struct seq_model *m, size_t i, size_t net)
{
    return seq_net_of(m, i, 0) == net || seq_net_of(m, i, 10) == net;
}

/* The row of the remote MAC that is in force, that is, the first. */
static const struct seq_mac *
find_mac(const struct seq_model *m, size_t net, size_t mac)
{
    for (size_t i = 0; i < N_MAC_ROWS; i++) {
        const struct seq_mac *row = &m->in_force.macs[i];

        if (row->there && row->net == net && row->mac == mac) {
            return row;
        }
    }
    return NULL;
}

bool
seq_is_resolved(const struct seq_model *m, size_t vtep)
{
    struct in6_addr ip = world_ip(seq_vteps[vtep]);
    const struct ovl_vtep *v = ovl_vtep_lookup(m->worker_fwd, &ip);

    return v && ovsrcu_get(struct ovl_adjacency *, &v->adj);
}

static places
alive_places(const struct seq_model *m)
{
    places p = 0;

    for (size_t i = 0; i < N_PORTS; i++) {
        p |= is_alive(m, i) ? PORT(i) : 0;
    }
    return p;
}

/* Ports of 'net' whose binding lists 'mac', gone or not. */
static places
local_places(const struct seq_model *m, size_t net, size_t mac)
{
    places p = 0;

    for (size_t i = 0; i < N_PORTS; i++) {
        const struct seq_port *b = binding_of(m, i);

        if (b && b->role != SEQ_TRUNK && b->mac == mac
            && seq_net_of(m, i, 0) == net) {
            p |= PORT(i);
        }
    }
    return p;
}

static places
flood_places(const struct seq_model *m, size_t net, bool tunnel)
{
    places p = 0;

    for (size_t i = 0; i < N_PORTS; i++) {
        p |= is_alive(m, i) && is_member(m, i, net) ? PORT(i) : 0;
    }
    for (size_t v = 0; v < N_VTEPS && !tunnel; v++) {
        if (m->in_force.networks[net].flood & 1 << v
            && seq_is_resolved(m, v)) {
            p |= VTEP(v);
        }
    }
    return p;
}

static size_t
mac_index(const uint8_t *mac)
{
    for (size_t i = 0; i < N_MACS; i++) {
        struct eth_addr ea = mac_from(seq_macs[i]);

        if (!memcmp(mac, &ea, sizeof ea)) {
            return i;
        }
    }
    return N_MACS;
}

bool
seq_find_place(const struct seq_model *m, size_t net, size_t mac, places *p)
{
    places local = local_places(m, net, mac);
    const struct seq_mac *row = find_mac(m, net, mac);

    if (local) {
        *p = local & alive_places(m);
    } else if (row && row->vtep < N_VTEPS) {
        *p = seq_is_resolved(m, row->vtep) ? VTEP(row->vtep) : 0;
    } else {
        *p = 0;
        return false;
    }
    return true;
}

size_t
seq_find_neighbor(const struct seq_model *m, size_t net, size_t ip)
{
    for (size_t i = 0; i < N_NEIGHBORS; i++) {
        const struct seq_neighbor *n = &m->in_force.neighbors[i];

        if (n->there && n->net == net && n->ip == ip) {
            return n->mac;
        }
    }

    const struct seq_mac *row = find_mac(m, net, ip);
    return row && row->has_ip ? row->mac : N_MACS;
}

/* Where 'f' goes in 'net'.  'in' is where it came from. */
static struct expectation
bridge(const struct seq_model *m, size_t net, const struct frame *f,
       bool tunnel, places in)
{
    places flood = flood_places(m, net, tunnel) & ~in;
    size_t mac = mac_index(f->data);

    if (mac == N_MACS) {
        flood = (f->data[0] & 1 || m->in_force.networks[net].flood_unknown
                 ? flood : 0);
        return (struct expectation) { flood, flood, false };
    }

    places local = local_places(m, net, mac);
    const struct seq_mac *row = find_mac(m, net, mac);
    if (local) {
        local &= alive_places(m) & ~in;
        return (struct expectation) { local, local, true };
    } else if (row && row->vtep < N_VTEPS) {
        places to = (!tunnel && seq_is_resolved(m, row->vtep)
                     ? VTEP(row->vtep) : 0);

        return (struct expectation) { to, to, true };
    } else if (m->in_force.networks[net].flood_unknown) {
        return (struct expectation) { flood, flood, false };
    }
    return (struct expectation) { 0, 0, false };
}

static const char *
check_encapsulated(const struct frame *f, size_t net, const struct frame *in,
                   size_t vtep)
{
    struct frame expected
        = frame_vxlan4(MAC_NEXTHOP, MAC_LOCAL, IP_OWN, seq_vteps[vtep], 0,
                       frame_get16(f, UDP_SPORT), seq_vnis[net], in);

    return (f->len == expected.len
            && !memcmp(f->data, expected.data, f->len)
            ? NULL : "not the frame in VXLAN");
}

/* Finds out where output 'out' went and whether it is 'plain'. */
static const char *
check_output(const struct seq_model *m, size_t net,
             const struct seq_output *out, const struct frame *plain,
             places *place)
{
    if (out->port == m->uplink) {
        for (size_t v = 0; v < N_VTEPS; v++) {
            if (!check_encapsulated(&out->frame, net, plain, v)) {
                *place = VTEP(v);
                return NULL;
            }
        }
        return "not VXLAN of this network to a VTEP";
    }
    for (size_t i = 0; i < N_PORTS; i++) {
        if (out->port == m->ports[i]) {
            const struct seq_port *b = binding_of(m, i);
            struct frame expected = *plain;

            if (b && b->role == SEQ_TRUNK && net == 1) {
                expected = frame_tag(plain, 0x8100, 10);
            }
            *place = PORT(i);
            return (out->frame.len == expected.len
                    && !memcmp(out->frame.data, expected.data, expected.len)
                    ? NULL : "not the frame that came in");
        }
    }
    return "out of a port that is no more";
}

const char *
seq_check(const struct seq_model *m, size_t net, const struct frame *plain,
          struct expectation e)
{
    places all = 0;

    if (m->n_out && !e.may) {
        return "comes out";
    }
    for (size_t i = 0; i < m->n_out; i++) {
        places place = 0;
        const char *error = check_output(m, net, &m->out[i], plain, &place);

        if (error) {
            return error;
        } else if (all & place) {
            return "twice to the same place";
        } else if (!(place & e.may)) {
            return "where it does not belong";
        }
        all |= place;
    }
    if (e.must & ~all) {
        return "not where it belongs";
    }
    return e.one && m->n_out > 1 ? "to several places" : NULL;
}

static const char *
check_totals(void)
{
    return (ovl_counter_read(OVL_TOTAL_RECEIVED)
            + ovl_counter_read(OVL_TOTAL_REPLICATED)
            + ovl_counter_read(OVL_TOTAL_GENERATED)
            == ovl_counter_read(OVL_TOTAL_SENT)
               + ovl_counter_read(OVL_TOTAL_CONSUMED)
               + ovl_counter_read(OVL_TOTAL_DROPPED)
            ? NULL : "packets are unaccounted for");
}

/* ARP: what has to answer 'f' from port 'i', or NULL. */
static const char *
answering_mac(const struct seq_model *m, size_t i, size_t net,
              const struct frame *f)
{
    size_t last = f->data[L3_OFS + 27];

    if (frame_get16(f, 12) != 0x0806 || f->data[L3_OFS + 26] != net) {
        return NULL;
    } else if (last == 1) {
        return (m->in_force.networks[net].gateway
                ? seq_router_mac(m, net) : NULL);
    }

    size_t mac = seq_find_neighbor(m, net, last - 10);
    if (mac == N_MACS || !(f->data[0] & 1) || mac_index(f->data + 6) == mac
        || local_places(m, net, mac) == PORT(i)) {
        return NULL;
    }
    return seq_macs[mac];
}

static const char *
check_answer(const struct seq_model *m, size_t i, int vlan, size_t net,
             const struct frame *f, const char *mac)
{
    char ip[INET_ADDRSTRLEN];
    struct eth_addr asker;
    char asker_s[ETH_ADDR_STRLEN + 1];

    if (!mac) {
        return "answers what it does not know";
    }
    snprintf(ip, sizeof ip, "10.0.%d.%d", f->data[L3_OFS + 26],
             f->data[L3_OFS + 27]);
    memcpy(&asker, f->data + 6, sizeof asker);
    snprintf(asker_s, sizeof asker_s, ETH_ADDR_FMT, ETH_ADDR_ARGS(asker));
    struct frame expected = frame_arp(asker_s, mac, 2, mac, ip, asker_s,
                                      "10.0.0.99");
    if (vlan) {
        expected = frame_tag(&expected, 0x8100, vlan);
    }
    return (m->n_out == 1 && m->out[0].port == m->ports[i]
            && m->out[0].frame.len == expected.len
            && !memcmp(m->out[0].frame.data, expected.data, expected.len)
            && net < N_NETS
            ? NULL : "not the right answer");
}

static bool
is_for_router(const struct seq_model *m, size_t net, const struct frame *f)
{
    const char *mac_s = seq_router_mac(m, net);

    if (mac_s) {
        struct eth_addr mac = mac_from(mac_s);

        return !memcmp(f->data, &mac, sizeof mac);
    }
    return false;
}

const char *
seq_check_from_port(const struct seq_model *m, size_t i, int vlan,
                    const struct frame *f)
{
    const struct seq_port *b = binding_of(m, i);
    size_t net = seq_net_of(m, i, vlan);
    const char *error = check_totals();
    const struct expectation nowhere = { 0, 0, false };
    struct frame plain = *f;

    if (frame_get16(f, 12) == 0x8100) {
        memmove(plain.data + 12, plain.data + 16, plain.len - 16);
        plain.len -= 4;
    }
    if (error || net == N_NETS || !is_alive(m, i)
        || (seq_is_mac(b->mac) && b->mac != mac_index(f->data + 6))
        || !memcmp(f->data, f->data + 6, 6)) {
        return error ? error : seq_check(m, net, &plain, nowhere);
    }

    if (is_for_router(m, net, &plain)) {
        return seq_check_router(m, net, i, vlan, N_VTEPS, &plain, true);
    }

    const char *mac = answering_mac(m, i, net, &plain);
    if (m->n_generated) {
        return check_answer(m, i, vlan, net, &plain, mac);
    } else if (mac) {
        return "does not answer";
    }
    return seq_check(m, net, &plain, bridge(m, net, &plain, false, PORT(i)));
}

/* Whether rows say that 'vtep' may send to 'net'.  Only rows in force count
 * for sure. */
static bool
may_send(const struct seq_model *m, size_t vtep, size_t net, bool sure)
{
    for (size_t n = 0; n < N_NETS; n++) {
        const struct seq_network *a = &m->in_force.networks[net];
        const struct seq_network *b = &m->in_force.networks[n];

        if (n != net && !(b->there && a->vrf && b->vrf)) {
            continue;
        }
        if (b->flood & 1 << vtep) {
            return true;
        }
        for (size_t i = 0; i < N_MAC_ROWS; i++) {
            const struct seq_mac *row = &m->in_force.macs[i];

            if (row->there && row->net == n && row->vtep == vtep
                && (!sure || find_mac(m, n, row->mac) == row)) {
                return true;
            }
        }
    }
    return false;
}

const char *
seq_check_from_tunnel(const struct seq_model *m, size_t vtep, size_t net,
                      const struct frame *f)
{
    const char *error = check_totals();
    struct expectation e = { 0, 0, false };

    if (error) {
        return error;
    } else if (vtep < N_VTEPS && net < N_NETS
               && m->in_force.networks[net].there
               && is_for_router(m, net, f) && may_send(m, vtep, net, false)) {
        return seq_check_router(m, net, N_PORTS, 0, vtep, f,
                                may_send(m, vtep, net, true));
    } else if (m->n_generated) {
        return "answers what came out of a tunnel";
    }
    if (vtep < N_VTEPS && net < N_NETS && m->in_force.networks[net].there
        && memcmp(f->data, f->data + 6, 6)
        && may_send(m, vtep, net, false)) {
        e = bridge(m, net, f, true, 0);
        if (!may_send(m, vtep, net, true)) {
            e.must = 0;
        }
    }
    return seq_check(m, net, f, e);
}
