/* SPDX-License-Identifier: Apache-2.0 */

#include <config.h>

#include "routed-oracle.h"

#include "icmp-oracle.h"
#include "routed-model.h"
#include "util.h"
#include "world-oracle.h"

/* An output without what the way adds to it. */
struct sent {
    const struct routed_network *net;
    enum routed_port port;      /* NO_PORT: into the tunnel to 'vtep'. */
    enum routed_vtep vtep;
    uint16_t vlan;
    struct frame plain;
};

static uint32_t
get_vni(const uint8_t *vxlan)
{
    return vxlan[4] << 16 | vxlan[5] << 8 | vxlan[6];
}

/* Takes VXLAN off, which is as we speak it. */
static const char *
open_tunneled(const struct frame *f, struct sent *s)
{
    bool v6 = f->len >= 14 && frame_get16(f, 12) == 0x86dd;
    size_t udp = v6 ? L4_OFS6 : L4_OFS;
    size_t ofs = udp + 16;

    if (f->len < ofs + 14) {
        return "not encapsulated";
    } else if (f->len > 1500 + 14) {
        return "larger than the underlay's MTU";
    }
    frame_put(&s->plain, f->data + ofs, f->len - ofs);
    s->net = routed_network(get_vni(f->data + udp + 8));
    if (!s->net) {
        return "in VXLAN of a network that is not there";
    }

    uint8_t tos = v6 ? f->data[15] >> 4 & 3 : f->data[15] & 3;
    uint16_t sport = frame_get16(f, udp);
    for (s->vtep = 0; s->vtep < ROUTED_N_VTEPS; s->vtep++) {
        const char *ip = routed_vteps[s->vtep];
        struct frame expected;

        if (v6 != (s->vtep == VTEP_6)) {
            continue;
        }
        expected = (v6 ? frame_vxlan6(MAC_NEXTHOP, MAC_LOCAL, IP6_OWN, ip,
                                      tos, sport, s->net->vni, &s->plain)
                    : frame_vxlan4(MAC_NEXTHOP, MAC_LOCAL, IP_OWN, ip, tos,
                                   sport, s->net->vni, &s->plain));
        if (expected.len == f->len
            && !memcmp(expected.data, f->data, f->len)) {
            break;
        }
    }
    if (s->vtep >= VTEP_UNRESOLVED || sport < 49152) {
        return "not VXLAN as we speak it";
    }

    /* RFC 6040 section 4.1. */
    uint16_t type = frame_get16(&s->plain, 12);
    uint8_t inner = (s->plain.len < 34 ? 0 : type == 0x0800
                     ? s->plain.data[15] & 3 : type == 0x86dd
                     ? s->plain.data[15] >> 4 & 3 : 0);
    return tos == inner ? NULL : "the outer ECN field is not the inner one";
}

/* Finds out what output 'i' is. */
static const char *
open_output(const struct routed_world *r, size_t i, struct sent *s)
{
    const struct ovl_lport *port = r->w->out[i].port;
    const struct frame *f = &r->w->out[i].frame;
    struct frame tagged;

    *s = (struct sent) { .port = NO_PORT, .vtep = NO_VTEP };
    if (port == r->w->eth1) {
        return open_tunneled(f, s);
    }
    for (s->port = 0; s->port < ROUTED_N_PORTS; s->port++) {
        if (port == r->ports[s->port]) {
            break;
        }
    }
    if (s->port == NO_PORT) {
        return "to a port of no network";
    }
    frame_put(&s->plain, f->data, f->len);
    if (s->port == PORT_T && f->len >= 18 && frame_get16(f, 12) == 0x8100) {
        s->vlan = frame_get16(f, 14);
        s->plain.len = 0;
        frame_put(&s->plain, f->data, 12);
        frame_put(&s->plain, f->data + 16, f->len - 16);
        tagged = frame_tag(&s->plain, 0x8100, s->vlan);
        if (memcmp(tagged.data, f->data, f->len)) {
            return "another tag";
        }
    }
    for (size_t j = 0; j < ROUTED_N_ARRIVALS; j++) {
        if (routed_arrivals[j].port == s->port
            && routed_arrivals[j].vlan == s->vlan) {
            s->net = routed_network(routed_arrivals[j].vni);
        }
    }
    return s->net ? NULL : "into a VLAN of no network";
}

/* What holds whatever came in. */
static const char *
check_always(const struct routed_world *r, const struct routed_arrival *a)
{
    const struct routed_network *net = routed_network(a->vni);
    uint64_t n_generated = world_delta(r->w, OVL_TOTAL_GENERATED);

    if (!world_is_balanced()) {
        return "packets are unaccounted for";
    } else if (world_delta(r->w, OVL_TOTAL_RECEIVED) != 1
               || world_delta(r->w, OVL_TOTAL_SENT) != r->w->n_out
               || world_delta(r->w, OVL_TOTAL_CONSUMED) > n_generated
               || n_generated > 1) {
        return "counters are wrong";
    }
    for (size_t i = 0; i < r->w->n_out; i++) {
        struct sent s;
        const char *error = open_output(r, i, &s);

        if (error) {
            return error;
        } else if (s.net->vrf != net->vrf) {
            return "into another VRF";
        }
    }
    return world_memory_violation(r->w);
}

/* What a frame that is not for the router may do besides: leave for another
 * place of its network, or be answered. */
static const char *
check_bridged(const struct routed_world *r, const struct routed_arrival *a,
              const struct frame *plain)
{
    struct eth_addr mac = mac_from(routed_network(a->vni)->mac);
    bool answered = world_delta(r->w, OVL_TOTAL_GENERATED);

    if (plain->len >= 6 && !memcmp(plain->data, &mac, 6)) {
        return NULL;
    }
    for (size_t i = 0; i < r->w->n_out; i++) {
        struct sent s;

        open_output(r, i, &s);
        if (s.net->vni != a->vni) {
            return "bridged into another network";
        } else if (a->port == NO_PORT && s.port == NO_PORT && !answered) {
            return "bridged from a tunnel into a tunnel";
        }
    }
    return NULL;
}

/* True if what is said about 'p' can get through the tunnel to 'a'.  It has to
 * fit like any other packet. */
static bool
can_be_told(const struct routed_arrival *a, const struct ip_packet *p,
            enum routed_kind kind)
{
    const struct routed_network *net = routed_network(a->vni);
    size_t header = p->v4 ? 20 : 40;
    size_t len = (kind == ROUTED_ECHO ? header + p->l4_len
                  : MIN(header + 8 + p->len, p->v4 ? 576 : 1280));
    size_t mtu = strchr(a->vtep, ':') ? 1500 - 70 : 1500 - 50;

    return (strcmp(a->vtep, IP_VTEP_UNRESOLVED) && len <= mtu
            && (!net->mtu || len <= net->mtu));
}

/* Something was said, if anything was: back to where 'a' is. */
static const char *
check_said(const struct routed_world *r, const struct routed_arrival *a,
           const struct routed_expectation *e, const struct frame *plain,
           const struct routed_outcome *o)
{
    const struct routed_network *net = routed_network(a->vni);
    const struct ip_packet *p = &e->packet;
    struct sent s;

    if (world_delta(r->w, OVL_TOTAL_GENERATED) != 1) {
        return "says nothing";
    } else if (world_delta(r->w, OVL_TOTAL_CONSUMED)
               != (o->kind == ROUTED_ECHO)) {
        return "counters are wrong";
    } else if (!r->w->n_out) {
        return (a->port == NO_PORT && !can_be_told(a, p, o->kind)
                ? NULL : "what was said got lost");
    } else if (r->w->n_out != 1
               || (a->port == NO_PORT && !can_be_told(a, p, o->kind))) {
        return "says it too often, or too much";
    }

    open_output(r, 0, &s);
    if (s.net != net || s.port != a->port || s.vlan != a->vlan
        || (a->port == NO_PORT && strcmp(a->vtep, routed_vteps[s.vtep]))) {
        return "what was said is not where the packet came from";
    }
    const char *error = icmp_oracle(plain, &s.plain);
    if (error || o->kind == ROUTED_ECHO) {
        return error;
    }

    const uint8_t *ip = s.plain.data + 14;
    const uint8_t *icmp = ip + (p->v4 ? 20 : 40);
    struct in6_addr src = in6addr_any;
    bool exists;
    memcpy(&src, p->v4 ? (const uint8_t *) &p->src : ip + 8, 12);
    memcpy(&src.s6_addr[12], p->v4 ? ip + 12 : ip + 20, 4);
    if (icmp[0] != o->type || icmp[1] != o->code) {
        return "another error than it should be";
    } else if ((uint32_t) (icmp[4] << 24 | icmp[5] << 16 | icmp[6] << 8
                           | icmp[7]) != o->word) {
        return "another MTU or pointer than it should be";
    } else if (!routed_is_error_source(net, p, &src, &exists)
               && !(o->from_dst && !memcmp(&src, &p->dst, sizeof src))) {
        return "the error is from somebody else";
    }
    return NULL;
}

/* Whether options 'got' are those of 'all' that are in every fragment. */
static bool
options_are_copied(const uint8_t *all, size_t n, const uint8_t *got,
                   size_t n_got)
{
    uint8_t expected[40];
    size_t n_expected = 0;

    for (size_t i = 0; i < n && all[i]; ) {
        size_t size = all[i] == 1 ? 1 : all[i + 1];

        if (all[i] & 0x80) {
            memcpy(expected + n_expected, all + i, size);
            n_expected += size;
        }
        i += size;
    }
    while (n_expected % 4) {
        expected[n_expected++] = 0;
    }
    return n_got == n_expected && !memcmp(got, expected, n_got);
}

/* Whether 'f' is the fragment of 'p' that has its payload from '*ofs' on,
 * which is moved on; *ofs == p->l4_len: there are no more. */
static const char *
check_fragment(const struct ip_packet *p, const struct frame *f,
               uint16_t mtu, size_t *ofs)
{
    const uint8_t *ip = f->data + 14;
    size_t header = (ip[0] & 15) * 4;
    size_t len = ip[2] << 8 | ip[3];
    uint16_t frag = ip[6] << 8 | ip[7];
    uint16_t whole = p->ip[6] << 8 | p->ip[7];

    if (f->len < 34 || f->len != 14 + len || header < 20 || len < header
        || ip[0] >> 4 != 4) {
        return "a fragment has a wrong length";
    } else if (len > mtu) {
        return "a fragment is too large";
    } else if (ip_sum(0, ip, header) != 0xffff) {
        return "wrong header checksum of a fragment";
    } else if (ip[1] != p->ip[1] || memcmp(ip + 4, p->ip + 4, 2)
               || ip[8] != p->ip[8] - 1 || ip[9] != p->ip[9]
               || memcmp(ip + 12, p->ip + 12, 8)) {
        return "a fragment of another packet";
    } else if ((frag & 0x1fff) != (whole & 0x1fff) + *ofs / 8) {
        return "a fragment from another place";
    }

    size_t n = len - header;
    bool last = *ofs + n == p->l4_len;
    if (*ofs + n > p->l4_len || memcmp(ip + header, p->l4 + *ofs, n)) {
        return "a fragment has other bytes";
    } else if ((!last && (n % 8 || !n))
               || (frag & 0xe000) != (last ? whole & 0x2000 : 0x2000)) {
        return "fragments do not make a packet";
    } else if (*ofs ? !options_are_copied(p->ip + 20, p->header - 20, ip + 20,
                                          header - 20)
               : header != p->header
                 || memcmp(ip + 20, p->ip + 20, header - 20)) {
        return "a fragment has other options";
    }
    *ofs += n;
    return NULL;
}

/* Whether 'f' is 'p' after one hop. */
static const char *
check_hop(const struct ip_packet *p, const struct frame *f, uint16_t mtu)
{
    const uint8_t *ip = f->data + 14;
    uint8_t expected[FRAME_MAX];

    if (f->len != 14 + p->len || frame_get16(f, 12) != (p->v4 ? 0x0800
                                                        : 0x86dd)) {
        return "not the packet that came in";
    } else if (p->len > mtu) {
        return "too large for where it goes";
    }
    memcpy(expected, p->ip, p->len);
    expected[p->v4 ? 8 : 7]--;
    if (p->v4) {
        memcpy(expected + 10, ip + 10, 2);
    }
    if (memcmp(ip, expected, p->len)) {
        return "not the packet that came in, one hop further";
    }
    return (p->v4 && ip_sum(0, ip, p->header) != 0xffff
            ? "wrong header checksum" : NULL);
}

static const char *
check_routed(const struct routed_world *r,
             const struct routed_expectation *e,
             const struct routed_outcome *o)
{
    const struct ip_packet *p = &e->packet;
    const struct routed_host *h = o->host;
    const struct routed_network *net = routed_network(h->vni);
    struct eth_addr dst = mac_from(h->mac), src = mac_from(net->mac);
    bool whole = p->len <= o->mtu;
    size_t ofs = 0;

    if (!r->w->n_out || world_delta(r->w, OVL_TOTAL_GENERATED)) {
        return "does not arrive";
    } else if ((whole && r->w->n_out > 1)
               || world_delta(r->w, OVL_TOTAL_REPLICATED)
                  != r->w->n_out - 1) {
        return "too often";
    }
    for (size_t i = 0; i < r->w->n_out; i++) {
        const char *error;
        struct sent s;

        open_output(r, i, &s);
        if (s.net != net || s.port != h->port
            || (s.port == NO_PORT && s.vtep != h->vtep)
            || s.vlan != h->vlan) {
            return "somewhere else";
        } else if (memcmp(s.plain.data, &dst, 6)
                   || memcmp(s.plain.data + 6, &src, 6)) {
            return "with other MACs";
        }
        error = (whole ? check_hop(p, &s.plain, o->mtu)
                 : check_fragment(p, &s.plain, o->mtu, &ofs));
        if (error) {
            return error;
        }
    }
    return whole || ofs == p->l4_len ? NULL : "a part is missing";
}

static const char *
check_outcome(const struct routed_world *r, const struct routed_arrival *a,
              const struct routed_expectation *e, const struct frame *plain,
              const struct routed_outcome *o)
{
    switch (o->kind) {
    case ROUTED_NOTHING:
        return (r->w->n_out || world_delta(r->w, OVL_TOTAL_GENERATED)
                || world_delta(r->w, OVL_TOTAL_DROPPED) != 1
                ? "is not dropped in silence" : NULL);
    case ROUTED_ERROR:
    case ROUTED_ECHO:
        return check_said(r, a, e, plain, o);
    case ROUTED_FORWARD:
        return check_routed(r, e, o);
    }
    OVS_NOT_REACHED();
}

const char *
routed_oracle(const struct routed_world *r, const struct routed_arrival *a,
              const struct frame *f, uint8_t ecn)
{
    static const struct routed_outcome nothing = { .kind = ROUTED_NOTHING };
    const char *error = check_always(r, a);
    struct frame plain = *f;

    if (error) {
        return error;
    }
    switch (oracle_make_plain(&plain, a->port == NO_PORT, ecn)) {
    case ORACLE_PLAIN:
        break;
    case ORACLE_GOES_NOWHERE:
        return (a->port == PORT_T ? NULL
                : check_outcome(r, a, NULL, f, &nothing));
    case ORACLE_PRIORITY:
        if (a->port == PORT_T) {
            return NULL;        /* Of another network. */
        }
        break;
    }

    struct routed_expectation e = routed_expect(a, &plain);
    if (e.unknown) {
        return check_bridged(r, a, &plain);
    } else if (!e.n) {
        return check_outcome(r, a, &e, &plain, &nothing);
    }
    for (size_t i = 0; i < e.n; i++) {
        bool said = e.outcomes[i].kind != ROUTED_FORWARD;
        const char *why = check_outcome(r, a, &e, &plain, &e.outcomes[i]);

        if (!why) {
            return NULL;
        } else if (!error
                   || said == (world_delta(r->w, OVL_TOTAL_GENERATED) > 0)) {
            error = why;        /* The one that comes nearest. */
        }
    }
    return error;
}

/* Gives 'f' to the world at 'a'; returns whether it is answered. */
static bool
answers(struct routed_world *r, const struct routed_arrival *a,
        const struct frame *f)
{
    struct frame arriving = routed_arriving(a, f, 0);

    world_receive(r->w, routed_in(r, a), &arriving);
    return world_delta(r->w, OVL_TOTAL_GENERATED);
}

/* Says whether 'said', which was sent, is answered anywhere. */
static const char *
check_last_word(struct routed_world *r, const struct frame *said, int depth)
{
    for (size_t i = 0; i < 2 * ROUTED_N_ARRIVALS; i++) {
        const struct routed_arrival *a = &routed_arrivals[i / 2];
        struct eth_addr mac = mac_from(routed_network(a->vni)->mac);
        struct frame f = *said;
        struct sent s;

        if (i % 2) {
            memcpy(f.data, &mac, sizeof mac);
        }
        if (!answers(r, a, &f)) {
            continue;
        }
        bool v4 = frame_get16(&f, 12) == 0x0800;
        bool echo = f.data[v4 ? 34 : 54] == (v4 ? 0 : 129);
        if (depth || !echo) {
            return "an answer is answered";
        } else if (r->w->n_out) {
            open_output(r, 0, &s);
            const char *error = check_last_word(r, &s.plain, depth + 1);
            if (error) {
                return error;
            }
        }
    }
    return NULL;
}

const char *
routed_echo(struct routed_world *r, const struct routed_arrival *a)
{
    struct sent s;

    if (!world_delta(r->w, OVL_TOTAL_GENERATED) || !r->w->n_out) {
        return NULL;
    }
    open_output(r, 0, &s);
    if (a->port != NO_PORT && s.port != a->port) {
        return "an answer to somebody else";
    }
    return check_last_word(r, &s.plain, 0);
}
