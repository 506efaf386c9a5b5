/* SPDX-License-Identifier: Apache-2.0 */

/* A template is a good frame, so that its fields can be found by believing
 * it. */

#include <config.h>

#include "bad-frames.h"

#include "util.h"
#include "world.h"

#define N_FLIPPED 96            /* Bytes of which each bit is flipped. */

struct user {
    bad_frame_use *use;
    void *aux;
    size_t template;
};

static void
give(const struct user *u, const struct frame *f)
{
    u->use(f->data, f->len, u->template, u->aux);
}

/* Calls 'cb' for each template. */
static void
for_each_template(bad_frame_use *use, void *aux,
                  void (*cb)(const struct user *, const struct frame *))
{
    size_t n;
    const struct frame *f = frame_templates(&n);

    for (size_t i = 0; i < n; i++) {
        cb(&(struct user) { use, aux, i }, &f[i]);
    }
}

/* Puts checksums right, the innermost first. */
static void
repair(struct frame *f)
{
    size_t inner = frame_get16(f, 12) == 0x86dd ? INNER_OFS6 : INNER_OFS;

    frame_repair(f, inner + L3_OFS);
    frame_repair(f, L3_OFS);
}

static void
make_whole(bad_frame_use *use, void *aux)
{
    for_each_template(use, aux, give);
}

static void
truncate(const struct user *u, const struct frame *f)
{
    for (size_t len = 0; len < f->len; len++) {
        u->use(f->data, len, u->template, u->aux);
    }
}

static void
make_truncated(bad_frame_use *use, void *aux)
{
    for_each_template(use, aux, truncate);
}

/* Cuts, and fills up to the length that Ethernet wants, or to the length that
 * the frame had. */
static void
pad(const struct user *u, const struct frame *f)
{
    struct frame padded = *f;

    padded.len = MAX(f->len, 60);
    memset(padded.data + f->len, 0xa5, padded.len - f->len);
    for (size_t len = f->len; len-- > 0; ) {
        padded.data[len] = 0xa5;
        padded.len = len < 60 ? 60 : f->len;
        give(u, &padded);
    }
}

static void
make_padded(bad_frame_use *use, void *aux)
{
    for_each_template(use, aux, pad);
}

static void
flip(const struct user *u, const struct frame *f)
{
    struct frame flipped = *f;

    for (size_t bit = 0; bit < MIN(f->len, N_FLIPPED) * 8; bit++) {
        flipped.data[bit / 8] ^= 1 << bit % 8;
        give(u, &flipped);
        flipped.data[bit / 8] ^= 1 << bit % 8;
    }
}

static void
make_flipped(bad_frame_use *use, void *aux)
{
    for_each_template(use, aux, flip);
}

static void
flip_and_repair(const struct user *u, const struct frame *f)
{
    for (size_t bit = 12 * 8; bit < MIN(f->len, N_FLIPPED) * 8; bit++) {
        struct frame flipped;

        flipped.len = 0;
        frame_put(&flipped, f->data, f->len);
        flipped.data[bit / 8] ^= 1 << bit % 8;
        repair(&flipped);
        give(u, &flipped);
    }
}

static void
make_flipped_and_repaired(bad_frame_use *use, void *aux)
{
    for_each_template(use, aux, flip_and_repair);
}

/* Fields. */

#define MAX_FIELDS 128

struct field {
    size_t ofs;
    size_t width;               /* 1 or 2. */
};

struct fields {
    const struct frame *f;
    size_t n;
    struct field field[MAX_FIELDS];
};

static void
add(struct fields *fs, size_t ofs, size_t width)
{
    if (ofs + width <= fs->f->len) {
        ovs_assert(fs->n < MAX_FIELDS);
        fs->field[fs->n++] = (struct field) { ofs, width };
    }
}

static uint8_t
get8(const struct fields *fs, size_t ofs)
{
    return ofs < fs->f->len ? fs->f->data[ofs] : 0;
}

static void add_ethernet(struct fields *, size_t ofs);

static void
add_udp(struct fields *fs, size_t ofs)
{
    for (size_t i = 0; i < 8; i += 2) {
        add(fs, ofs + i, 2);
    }
    if (ofs + 16 <= fs->f->len && frame_get16(fs->f, ofs + 2) == 4789) {
        add(fs, ofs + 8, 1);
        add(fs, ofs + 9, 1);
        add(fs, ofs + 10, 2);
        add(fs, ofs + 12, 2);
        add(fs, ofs + 14, 1);
        add(fs, ofs + 15, 1);
        add_ethernet(fs, ofs + 16);
    }
}

static void
add_icmp6(struct fields *fs, size_t ofs)
{
    uint8_t type = get8(fs, ofs);

    add(fs, ofs, 1);
    add(fs, ofs + 1, 1);
    add(fs, ofs + 2, 2);
    add(fs, ofs + 4, 1);
    if (type >= 133 && type <= 137) {
        static const uint8_t starts[] = { 8, 16, 24, 24, 40 };
        size_t option = ofs + starts[type - 133];

        while (option + 2 <= fs->f->len) {
            add(fs, option, 1);
            add(fs, option + 1, 1);
            option += MAX(get8(fs, option + 1), 1) * 8;
        }
    }
}

static void
add_l4(struct fields *fs, size_t ofs, uint8_t proto)
{
    if (proto == 17) {
        add_udp(fs, ofs);
    } else if (proto == 58) {
        add_icmp6(fs, ofs);
    } else if (proto == 6) {
        add(fs, ofs + 12, 1);
    } else if (proto == 1 || proto == 2) {
        add(fs, ofs, 1);
        add(fs, ofs + 1, 1);
        add(fs, ofs + 2, 2);
    }
}

static void
add_ipv4(struct fields *fs, size_t ofs)
{
    static const uint8_t widths[] = { 1, 1, 2, 2, 2, 1, 1, 2 };
    size_t header = (get8(fs, ofs) & 15) * 4;

    for (size_t i = 0, p = ofs; i < ARRAY_SIZE(widths); p += widths[i++]) {
        add(fs, p, widths[i]);
    }
    for (size_t i = 20; i < header && i < 24; i++) {
        add(fs, ofs + i, 1);
    }
    add_l4(fs, ofs + header, get8(fs, ofs + 9));
}

static void
add_ipv6(struct fields *fs, size_t ofs)
{
    uint8_t proto = get8(fs, ofs + 6);
    size_t p = ofs + 40;

    add(fs, ofs, 1);
    add(fs, ofs + 1, 1);
    add(fs, ofs + 4, 2);
    add(fs, ofs + 6, 1);
    add(fs, ofs + 7, 1);
    while (proto == 0 || proto == 43 || proto == 44 || proto == 51
           || proto == 60) {
        size_t len = (proto == 44 ? 8 : proto == 51
                      ? (get8(fs, p + 1) + 2) * 4 : (get8(fs, p + 1) + 1) * 8);

        if (p >= fs->f->len) {
            return;
        }
        add(fs, p, 1);
        add(fs, p + 1, 1);
        add(fs, p + 2, 2);
        proto = get8(fs, p);
        p += len;
    }
    add_l4(fs, p, proto);
}

static void
add_ethernet(struct fields *fs, size_t ofs)
{
    uint16_t type;

    for (ofs += 12; ; ofs += 4) {
        add(fs, ofs, 2);
        if (ofs + 2 > fs->f->len) {
            return;
        }
        type = frame_get16(fs->f, ofs);
        if (type != 0x8100 && type != 0x88a8 && type != 0x9100) {
            break;
        }
        add(fs, ofs + 2, 2);
    }
    ofs += 2;
    if (type == 0x0806) {
        add(fs, ofs, 2);
        add(fs, ofs + 2, 2);
        add(fs, ofs + 4, 1);
        add(fs, ofs + 5, 1);
        add(fs, ofs + 6, 2);
    } else if (type == 0x0800) {
        add_ipv4(fs, ofs);
    } else if (type == 0x86dd) {
        add_ipv6(fs, ofs);
    }
}

/* Gives the frame with each field at each limit. */
static void
change_fields(const struct user *u, const struct frame *f, bool repaired)
{
    struct fields fs = { .f = f };

    add_ethernet(&fs, 0);
    for (size_t i = 0; i < fs.n; i++) {
        const struct field *field = &fs.field[i];
        uint16_t now = (field->width == 1 ? f->data[field->ofs]
                        : frame_get16(f, field->ofs));
        const uint16_t values[] = {
            0, 1, now - 1, now + 1, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0xffff
        };

        for (size_t v = 0; v < ARRAY_SIZE(values); v++) {
            struct frame bad;

            bad.len = 0;
            frame_put(&bad, f->data, f->len);
            if (field->width == 1) {
                frame_set8(&bad, field->ofs, values[v]);
            } else {
                frame_set16(&bad, field->ofs, values[v]);
            }
            if (repaired) {
                repair(&bad);
            }
            give(u, &bad);
        }
    }
}

static void
change(const struct user *u, const struct frame *f)
{
    change_fields(u, f, false);
}

static void
make_changed(bad_frame_use *use, void *aux)
{
    for_each_template(use, aux, change);
}

static void
change_and_repair(const struct user *u, const struct frame *f)
{
    change_fields(u, f, true);
}

static void
make_changed_and_repaired(bad_frame_use *use, void *aux)
{
    for_each_template(use, aux, change_and_repair);
}

/* Sweeps. */

/* The first template of 'kind' and others of its kind, by number. */
static size_t
template_of(enum frame_kind kind)
{
    size_t i = 0;

    while (frame_template_kind(i) != kind) {
        i++;
    }
    return i;
}

/* VXLAN over IPv4, then over IPv6. */
static void
vary_vxlan(bad_frame_use *use, void *aux,
           void (*cb)(const struct user *, const struct frame *, size_t ofs))
{
    size_t n;
    const struct frame *f = frame_templates(&n);
    size_t first = template_of(FRAME_VXLAN);

    cb(&(struct user) { use, aux, first }, &f[first], VXLAN_OFS);
    cb(&(struct user) { use, aux, first + 1 }, &f[first + 1], L4_OFS6 + 8);
}

static void
sweep_flags(const struct user *u, const struct frame *f, size_t ofs)
{
    static const uint8_t reserved[] = { 0, 1, 0x80, 0xff };
    struct frame bad = *f;

    for (int flags = 0; flags < 256; flags++) {
        for (size_t i = 0; i < ARRAY_SIZE(reserved); i++) {
            frame_set8(&bad, ofs, flags);
            frame_set8(&bad, ofs + 7, reserved[i]);
            repair(&bad);
            give(u, &bad);
        }
    }
}

static void
make_flags(bad_frame_use *use, void *aux)
{
    vary_vxlan(use, aux, sweep_flags);
}

static void
sweep_vnis(const struct user *u, const struct frame *f, size_t ofs)
{
    struct frame bad = *f;

    for (uint32_t vni = 0; vni < 1 << 24; vni += 4099) {
        frame_set32(&bad, ofs + 4, vni << 8);
        repair(&bad);
        give(u, &bad);
    }
}

static void
make_vnis(bad_frame_use *use, void *aux)
{
    vary_vxlan(use, aux, sweep_vnis);
}

static void
make_types(bad_frame_use *use, void *aux)
{
    size_t n;
    const struct frame *f = frame_templates(&n);
    struct user u = { use, aux, template_of(FRAME_L2) };
    struct frame bad = f[u.template];

    for (uint32_t type = 0; type < 1 << 16; type++) {
        frame_set16(&bad, 12, type);
        give(&u, &bad);
    }
}

const struct bad_frame_maker bad_frame_makers[] = {
    { "whole", make_whole },
    { "truncated at every length", make_truncated },
    { "truncated and padded with 0xa5", make_padded },
    { "one bit flipped", make_flipped },
    { "one bit flipped, checksums right", make_flipped_and_repaired },
    { "a field at its limits", make_changed },
    { "a field at its limits, checksums right", make_changed_and_repaired },
    { "VXLAN flags and reserved byte", make_flags },
    { "VNIs", make_vnis },
    { "EtherTypes", make_types },
};
const size_t n_bad_frame_makers = ARRAY_SIZE(bad_frame_makers);
