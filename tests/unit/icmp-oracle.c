/* SPDX-License-Identifier: Apache-2.0 */

/* RFC 792, RFC 1812 section 4.3, RFC 4443. */

#include <config.h>

#include "icmp-oracle.h"

#include <string.h>

#include "ip-oracle.h"
#include "util.h"

/* RFC 1812 section 4.3.2.3, RFC 4443 section 2.4 (c). */
#define MAX_ERROR4 576
#define MAX_ERROR6 1280

static bool
checksums_are_right(const struct ip_packet *p)
{
    return ((!p->v4 || ip_sum(0, p->ip, p->header) == 0xffff)
            && ip_packet_icmp_sum_is_right(p));
}

/* The reply to an echo request says the same. */
static const char *
check_echo(const struct ip_packet *asked, const struct ip_packet *said)
{
    if (!ip_packet_is_icmp(asked) || asked->l4_len < 8 || said->l4_len < 8
        || asked->l4[0] != (asked->v4 ? 8 : 128)
        || said->l4[0] != (said->v4 ? 0 : 129)) {
        return "an echo reply without a request";
    } else if (asked->l4_len != said->l4_len
               || asked->l4[1] != said->l4[1]
               || memcmp(asked->l4 + 4, said->l4 + 4, said->l4_len - 4)) {
        return "the echo reply says something else than the request";
    } else if (memcmp(&asked->dst, &said->src, sizeof said->src)) {
        return "the echo reply is from somebody else";
    } else if (!checksums_are_right(asked) || !checksums_are_right(said)) {
        return "the echo reply's checksum";
    }
    return NULL;
}

static const char *
check_error(const struct ip_packet *about, const struct ip_packet *said)
{
    size_t room = (said->v4 ? MAX_ERROR4 : MAX_ERROR6) - said->header - 8;
    size_t quote = MIN(about->len, room);

    if (ip_packet_is_error(about)) {
        return "an error about an error";
    } else if (about->later_fragment) {
        return "an error about a fragment that is not the first";
    } else if (said->l4_len != 8 + quote
               || memcmp(said->l4 + 8, about->ip, quote)) {
        return "the error does not quote the packet";
    } else if (!checksums_are_right(said)) {
        return "wrong checksum";
    }
    return NULL;
}

const char *
icmp_oracle(const struct frame *plain, const struct frame *said)
{
    struct ip_packet about, p;

    if (!ip_packet_parse(plain, &about) || !ip_packet_parse(said, &p)
        || !ip_packet_is_icmp(&p) || p.l4_len < 8 || about.v4 != p.v4) {
        return "says something that is no ICMP about the packet";
    } else if (memcmp(said->data, plain->data + 6, 6)
               || memcmp(said->data + 6, plain->data, 6)) {
        return "the ICMP message has other MACs than those of the packet";
    } else if (plain->data[0] & 1) {
        return "an ICMP message about what went to many";
    } else if (memcmp(&p.dst, &about.src, sizeof p.dst)) {
        return "the ICMP message is not for the packet's source";
    } else if (14 + p.len != said->len
               || p.l4 != p.ip + (p.v4 ? 20 : 40)) {
        return "the ICMP message has a tail, or options";
    }
    return (ip_packet_is_error(&p) ? check_error(&about, &p)
            : check_echo(&about, &p));
}
