/* SPDX-License-Identifier: Apache-2.0 */

/* RFC 792, RFC 1812 section 4.3, RFC 4443. */

#include <config.h>

#include "icmp-oracle.h"

#include <stdbool.h>
#include <string.h>

#include "util.h"

/* Ones' complement sum of 'n' bytes, added to 'sum'. */
static uint32_t
add_bytes(uint32_t sum, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        sum += i % 2 ? p[i] : p[i] << 8;
    }
    while (sum >> 16) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return sum;
}

/* An IP packet in a frame, as its header describes it. */
struct packet {
    bool v4;
    const uint8_t *ip;
    size_t len;                 /* Of all of it. */
    size_t header;
    const uint8_t *src, *dst;
    size_t address_len;
    const uint8_t *icmp;        /* NULL: not ICMP right behind the header. */
    size_t icmp_len;
};

static bool
parse(const struct frame *f, struct packet *p)
{
    uint16_t type = f->len >= 14 ? frame_get16(f, 12) : 0;

    *p = (struct packet) { .v4 = type == 0x0800, .ip = f->data + 14 };
    if (p->v4) {
        if (f->len < 34) {
            return false;
        }
        p->header = (p->ip[0] & 15) * 4;
        p->len = frame_get16(f, 16);
        p->src = p->ip + 12;
        p->dst = p->ip + 16;
        p->address_len = 4;
    } else if (type == 0x86dd) {
        if (f->len < 54) {
            return false;
        }
        p->header = 40;
        p->len = 40 + frame_get16(f, 18);
        p->src = p->ip + 8;
        p->dst = p->ip + 24;
        p->address_len = 16;
    } else {
        return false;
    }
    if (p->ip[0] >> 4 != (p->v4 ? 4 : 6) || p->header < 20
        || p->len < p->header || p->len > f->len - 14) {
        return false;
    }
    if (p->v4 ? p->ip[9] == 1 && !(frame_get16(f, 20) & 0x1fff)
        : p->ip[6] == 58) {
        p->icmp = p->ip + p->header;
        p->icmp_len = p->len - p->header;
    }
    return true;
}

static bool
checksums_are_right(const struct packet *p)
{
    uint32_t sum = 0;

    if (p->v4 && add_bytes(0, p->ip, p->header) != 0xffff) {
        return false;
    } else if (!p->v4) {
        sum = add_bytes(p->icmp_len + 58, p->src, 32);
    }
    return add_bytes(sum, p->icmp, p->icmp_len) == 0xffff;
}

static bool
is_error(const struct packet *p)
{
    uint8_t type = p->icmp[0];

    return (p->v4 ? type == 3 || type == 4 || type == 5 || type == 11
            || type == 12 : type < 128 || type == 137);
}

/* The reply to an echo request says the same. */
static const char *
check_echo(const struct packet *asked, const struct packet *said)
{
    if (!asked->icmp || asked->icmp_len < 8 || said->icmp_len < 8
        || asked->icmp[0] != (asked->v4 ? 8 : 128)) {
        return "an echo reply without a request";
    } else if (asked->icmp_len != said->icmp_len
               || asked->icmp[1] != said->icmp[1]
               || memcmp(asked->icmp + 4, said->icmp + 4,
                         said->icmp_len - 4)) {
        return "the echo reply says something else than the request";
    } else if (memcmp(asked->dst, said->src, said->address_len)) {
        return "the echo reply is from somebody else";
    }
    return NULL;
}

static const char *
check_error(const struct packet *about, const struct packet *said)
{
    size_t quote = said->icmp_len < 8 ? 0 : said->icmp_len - 8;

    if (about->icmp && about->icmp_len && is_error(about)) {
        return "an error about an error";
    } else if (about->v4 && (about->ip[6] & 0x1f || about->ip[7])) {
        return "an error about a fragment that is not the first";
    } else if (quote < MIN(about->len, about->header + 8)
               || quote > about->len
               || memcmp(said->icmp + 8, about->ip, quote)) {
        return "the error does not quote the packet";
    } else if (said->len > (said->v4 ? 576 : 1280)) {
        return "the error is too long";
    }
    return NULL;
}

const char *
icmp_oracle(const struct frame *plain, const struct frame *said)
{
    struct packet about, p;

    if (!parse(plain, &about) || !parse(said, &p) || !p.icmp
        || p.icmp_len < 8 || about.v4 != p.v4) {
        return "says something that is no ICMP about the packet";
    } else if (memcmp(said->data, plain->data + 6, 6)
               || memcmp(said->data + 6, plain->data, 6)) {
        return "the ICMP message has other MACs than those of the packet";
    } else if (plain->data[0] & 1) {
        return "an ICMP message about what went to many";
    } else if (memcmp(p.dst, about.src, p.address_len)) {
        return "the ICMP message is not for the packet's source";
    } else if (14 + p.len != said->len || !p.v4 != !(p.header == 20)) {
        return "the ICMP message has a tail, or options";
    } else if (is_error(&p)) {
        return (!checksums_are_right(&p) ? "wrong checksum"
                : check_error(&about, &p));
    } else if (checksums_are_right(&about) != checksums_are_right(&p)
               && about.icmp) {
        return "the echo reply's checksum";
    }
    return check_echo(&about, &p);
}
