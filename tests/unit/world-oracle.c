/* SPDX-License-Identifier: Apache-2.0 */

/* Makes the frame that has to come out from the one that came in, byte by
 * byte, without the pipeline's code, and compares. */

#include <config.h>

#include "world-oracle.h"

#include "icmp-oracle.h"
#include "neighbor-oracle.h"
#include "util.h"

/* RFC 6040 section 4.2, figure 4: inner field by inner and outer one.  The
 * codes are Not-ECT, ECT(1), ECT(0), CE in the order of their numbers; a
 * packet that cannot say that it met congestion is dropped. */
#define DROP 4
static const uint8_t ecn_inside[4][4] = {
    { 0, 0, 0, DROP },
    { 1, 1, 1, 3 },
    { 2, 1, 2, 3 },
    { 3, 3, 3, 3 },
};

static bool
is_tag(const struct frame *f, size_t ofs)
{
    uint16_t type = frame_get16(f, ofs);

    return type == 0x8100 || type == 0x88a8 || type == 0x9100;
}

/* Takes the tag out, if there is one. */
static void
untag(struct frame *f)
{
    if (f->len >= 18 && is_tag(f, 12)) {
        memmove(f->data + 12, f->data + 16, f->len - 16);
        f->len -= 4;
    }
}

/* True if 'f', which is plain, has an IP header that can be believed. */
static bool
has_ip(const struct frame *f)
{
    uint16_t type = f->len >= 34 ? frame_get16(f, 12) : 0;
    uint8_t version = f->len >= 34 ? f->data[14] >> 4 : 0;
    size_t header = f->len >= 34 ? (f->data[14] & 15) * 4 : 0;

    return ((type == 0x0800 && version == 4 && header >= 20
             && header <= f->len - 14 && frame_get16(f, 16) >= header)
            || (type == 0x86dd && version == 6 && f->len >= 54));
}

static uint8_t
get_ecn(const struct frame *f)
{
    return f->data[14] >> 4 == 4 ? f->data[15] & 3 : f->data[15] >> 4 & 3;
}

/* RFC 1624: the checksum is as wrong as before. */
static void
set_ecn(struct frame *f, uint8_t ecn)
{
    if (f->data[14] >> 4 == 4) {
        uint8_t tos = (f->data[15] & ~3) | ecn;
        uint32_t sum = (uint16_t) ~frame_get16(f, 24);

        sum += (uint16_t) ~frame_get16(f, 14);
        f->data[15] = tos;
        sum += frame_get16(f, 14);
        sum = (sum & 0xffff) + (sum >> 16);
        sum = (sum & 0xffff) + (sum >> 16);
        frame_set16(f, 24, ~sum);
    } else {
        f->data[15] = (f->data[15] & ~0x30) | ecn << 4;
    }
}

enum oracle_plain
oracle_make_plain(struct frame *f, bool tunnel, uint8_t outer_ecn)
{
    bool tagged = f->len >= 18 && is_tag(f, 12);
    bool priority = (tagged && !(frame_get16(f, 14) & 0xfff)
                     && !is_tag(f, 16));

    /* The field is set behind a priority tag, too. */
    untag(f);
    if (tunnel && has_ip(f)) {
        uint8_t ecn = ecn_inside[get_ecn(f)][outer_ecn];

        if (ecn == DROP) {
            return ORACLE_GOES_NOWHERE;
        } else if (ecn != get_ecn(f)) {
            set_ecn(f, ecn);
        }
    }
    return (!tagged ? ORACLE_PLAIN : priority ? ORACLE_PRIORITY
            : ORACLE_GOES_NOWHERE);
}

/* Gives what is inside VXLAN; returns false if it must not be taken out. */
static bool
unwrap(const uint8_t *data, size_t len, struct frame *inner)
{
    struct frame outer;

    outer.len = inner->len = 0;
    frame_put(&outer, data, len);
    bool v6 = len >= 14 && frame_get16(&outer, 12) == 0x86dd;
    size_t udp = v6 ? 54 : 34;
    if (len < udp + 16 || outer.data[v6 ? 20 : 23] != 17) {
        return false;
    }
    size_t n = frame_get16(&outer, udp + 4);
    if (n < 16 || n > len - udp) {
        return false;
    }
    frame_put(inner, outer.data + udp + 16, n - 16);
    return (oracle_make_plain(inner, true,
                              v6 ? outer.data[15] >> 4 & 3
                              : outer.data[15] & 3)
            != ORACLE_GOES_NOWHERE);
}

static bool
is_same(const struct frame *f, size_t ofs, const struct frame *expected)
{
    return (f->len - ofs == expected->len
            && !memcmp(f->data + ofs, expected->data, expected->len));
}

/* Checks what world_violation() could not know about an outer header. */
static const char *
check_outer(const struct frame *f, const struct frame *plain)
{
    size_t inner_ofs = frame_get16(f, 12) == 0x86dd ? INNER_OFS6 : INNER_OFS;
    uint8_t ecn = (inner_ofs == INNER_OFS
                   ? f->data[15] & 3 : f->data[15] >> 4 & 3);

    if (!is_same(f, inner_ofs, plain)) {
        return "not what came in is encapsulated";
    } else if (ecn != (has_ip(plain) ? get_ecn(plain) : 0)) {
        return "the outer ECN field is not the inner one";
    } else if (frame_get16(f, inner_ofs - 16) < 49152) {
        return "the UDP source port is no dynamic one";
    }
    return NULL;
}

static const char *
check_forwarded(const struct world *w, const struct ovl_lport *in,
                const struct world_output *out, const struct frame *plain)
{
    const struct frame *f = &out->frame;

    if (out->port == w->eth1 && in != w->local) {
        return check_outer(f, plain);
    } else if (out->port == w->trunk1 && f->len >= 16
               && frame_get16(f, 12) == 0x8100
               && frame_get16(f, 14) == 10) {
        struct frame tagged = frame_tag(plain, 0x8100, 10);

        return (is_same(f, 0, &tagged) ? NULL
                : "not what came in is behind the tag");
    }
    return is_same(f, 0, plain) ? NULL : "not what came in goes out";
}

static const char *
check_answer(const struct world *w, const struct ovl_lport *in,
             const struct frame *answer)
{
    if (w->n_out != 1 || w->out[0].port != in) {
        return "the answer is not where the request came from";
    } else if (in == w->eth1) {
        return is_same(&w->out[0].frame, INNER_OFS, answer)
               ? NULL : "not the right answer";
    }
    return (is_same(&w->out[0].frame, 0, answer) ? NULL
            : "not the right answer");
}

/* True if it is the router, or somebody's ICMP, that may have spoken. */
static bool
is_ip_frame(const struct frame *f)
{
    return (f->len >= 14 && (frame_get16(f, 12) == 0x0800
                             || frame_get16(f, 12) == 0x86dd));
}

static const char *
check_icmp(const struct world *w, const struct ovl_lport *in,
           const struct frame *plain)
{
    struct frame said;

    if (w->n_out != 1 || w->out[0].port != in) {
        return "the ICMP message is not where the packet came from";
    }
    said.len = 0;
    if (in == w->eth1) {
        frame_put(&said, w->out[0].frame.data + INNER_OFS,
                  w->out[0].frame.len - INNER_OFS);
    } else {
        frame_put(&said, w->out[0].frame.data, w->out[0].frame.len);
        untag(&said);
    }
    return icmp_oracle(plain, &said);
}

const char *
world_oracle(const struct world *w, const struct ovl_lport *in,
             const void *data, size_t len)
{
    bool answered = world_delta(w, OVL_TOTAL_GENERATED) > 0;
    const char *error = world_violation(w, in);
    bool to_host = in == w->eth1 && w->n_out && w->out[0].port == w->local;
    enum oracle_says says = ORACLE_MUST_NOT;
    struct frame plain, answer;

    if (error) {
        return error;
    }
    plain.len = answer.len = 0;
    if (in == w->eth1 && !to_host) {
        if (!unwrap(data, len, &plain) && w->n_out) {
            return "came out of what is no good VXLAN";
        }
        says = oracle_answer(w, NULL, plain.data, plain.len, &answer);
        says = MIN(says, ORACLE_MAY);
    } else {
        frame_put(&plain, data, len);
        if (in != w->eth1) {
            says = oracle_answer(w, in, plain.data, plain.len, &answer);
        }
        if (in != w->local && !to_host) {
            untag(&plain);
        }
    }

    if (answered && says == ORACLE_MUST_NOT && is_ip_frame(&plain)) {
        return check_icmp(w, in, &plain);
    } else if (answered) {
        return (says == ORACLE_MUST_NOT ? "answers what nobody asked"
                : check_answer(w, in, &answer));
    } else if (says == ORACLE_MUST) {
        return "does not answer";
    }
    for (size_t i = 0; i < w->n_out && !error; i++) {
        error = check_forwarded(w, in, &w->out[i], &plain);
    }
    return error;
}

const char *
world_echo(struct world *w)
{
    struct ovl_lport *ports[] = {
        w->vm1, w->vm2, w->vm3, w->trunk1, w->other, w->eth1, w->local
    };

    if (!world_delta(w, OVL_TOTAL_GENERATED)) {
        return NULL;
    }

    const struct frame *out = &w->out[0].frame;
    size_t ofs = w->out[0].port == w->eth1 ? INNER_OFS : 0;
    struct frame answer;
    answer.len = 0;
    frame_put(&answer, out->data + ofs, out->len - ofs);
    for (size_t i = 0; i < ARRAY_SIZE(ports); i++) {
        struct frame f = answer;

        if (ports[i] == w->eth1) {
            f = frame_vxlan4(MAC_LOCAL, MAC_NEXTHOP, IP_VTEP, IP_OWN, 0,
                             50000, VNI, &answer);
        }
        world_receive(w, ports[i], &f);
        if (world_delta(w, OVL_TOTAL_GENERATED)) {
            return "an answer is answered";
        }
    }
    return NULL;
}
