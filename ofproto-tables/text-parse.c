/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: ovl_text_, ovl_prefix_.
 *
 * Addresses are parsed by inet_pton(), which is strict where sscanf() and
 * inet_aton() are not, so only what it accepts and we do not is checked
 * here. */

#include <config.h>

#include "text-parse.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "overlay-types.h"
#include "packets.h"
#include "unicode.h"
#include "util.h"

/* Bytes of a bad value that an error shows. */
#define MAX_QUOTED 64

/* Moves '*s' over 'min' to 'max' hexadecimal digits and gives their value,
 * -1 if there are fewer. */
static int
take_hex(const char **s, int min, int max)
{
    int value = 0;
    int n = 0;

    while (n < max && isxdigit((unsigned char) **s)) {
        value = value * 16 + hexit_value(*(*s)++);
        n++;
    }
    return n >= min ? value : -1;
}

/* Parses 'n' groups of 'min' to 'max' digits separated by 'separator', each
 * filling 6 / 'n' bytes. */
static bool
parse_groups(const char *s, char separator, int n, int min, int max,
             struct eth_addr *mac)
{
    int width = ETH_ADDR_LEN / n;

    for (int i = 0; i < n; i++) {
        if (i && *s++ != separator) {
            return false;
        }

        int value = take_hex(&s, min, max);
        if (value < 0) {
            return false;
        }
        for (int j = width; j-- > 0; value >>= 8) {
            mac->ea[i * width + j] = value & 0xff;
        }
    }
    return !*s;
}

const char *
ovl_text_to_mac(const char *s, struct eth_addr *mac)
{
    if (s && (parse_groups(s, ':', 6, 1, 2, mac)
              || parse_groups(s, '-', 6, 1, 2, mac)
              || parse_groups(s, '.', 3, 4, 4, mac))) {
        return NULL;
    }
    return "not a MAC address (expected e.g. 52:54:00:00:00:01)";
}

const char *
ovl_text_to_unicast_mac(const char *s, struct eth_addr *mac)
{
    const char *why = ovl_text_to_mac(s, mac);

    if (why) {
        return why;
    } else if (eth_addr_is_zero(*mac)) {
        return "the zero MAC address is nobody's "
               "(expected e.g. 52:54:00:00:00:01)";
    } else if (eth_addr_is_multicast(*mac)) {
        return "a multicast MAC address (expected a unicast one, "
               "e.g. 52:54:00:00:00:01)";
    }
    return NULL;
}

const char *
ovl_text_to_ip(const char *s, struct in6_addr *ip)
{
    struct in_addr ip4;

    if (s && inet_pton(AF_INET, s, &ip4) == 1) {
        in6_addr_set_mapped_ipv4(ip, ip4.s_addr);
        return NULL;
    } else if (!s || inet_pton(AF_INET6, s, ip) != 1) {
        return "not an IP address (expected e.g. 192.0.2.1 or 2001:db8::1)";
    } else if (IN6_IS_ADDR_V4MAPPED(ip)) {
        return "an IPv4-mapped IPv6 address "
               "(expected plain IPv4, e.g. 192.0.2.1)";
    }
    return NULL;
}

bool
ovl_ip_is_host(const struct in6_addr *ip)
{
    if (!ovl_ip_is_v4(ip)) {
        return !(IN6_IS_ADDR_UNSPECIFIED(ip) || IN6_IS_ADDR_LOOPBACK(ip)
                 || IN6_IS_ADDR_MULTICAST(ip));
    }

    /* RFC 1122 section 3.2.1.3: neither network 0 nor 127 nor class D and E
     * (which has the broadcast address) can be somebody else's. */
    uint8_t first = ip->s6_addr[12];
    return first != 0 && first != 127 && first < 224;
}

const char *
ovl_text_to_unicast_ip(const char *s, struct in6_addr *ip)
{
    const char *why = ovl_text_to_ip(s, ip);

    if (!why && !ovl_ip_is_host(ip)) {
        why = "not a host's address (expected unicast, "
              "neither loopback nor reserved)";
    }
    return why;
}

/* Parses a prefix length as routers write it: no sign, no leading zero. */
static bool
parse_plen(const char *s, int max, int *plen)
{
    return ovl_text_to_number(s, 0, max, plen) && (s[0] != '0' || !s[1]);
}

const char *
ovl_text_to_ip_len(const char *s, struct in6_addr *ip, uint8_t *plenp)
{
    static const char syntax[] = "not an IP prefix "
        "(expected e.g. 192.0.2.0/24 or 2001:db8::/64)";
    const char *slash = s ? strchr(s, '/') : NULL;
    char addr[INET6_ADDRSTRLEN];

    if (!slash || slash - s >= sizeof addr) {
        return syntax;
    }
    ovs_strlcpy(addr, s, slash - s + 1);

    struct in6_addr tmp;
    const char *why = ovl_text_to_ip(addr, &tmp);
    if (why) {
        bool mapped = inet_pton(AF_INET6, addr, &tmp) == 1;
        return mapped ? why : syntax;
    }

    bool v4 = ovl_ip_is_v4(&tmp);
    int plen;
    if (!parse_plen(slash + 1, v4 ? 32 : 128, &plen)) {
        return (v4 ? "not an IP prefix (expected a length of 0 to 32)"
                : "not an IP prefix (expected a length of 0 to 128)");
    }
    *ip = tmp;
    *plenp = plen + (v4 ? 96 : 0);
    return NULL;
}

/* True if 's', valid UTF-8, has a control character: one of ASCII, or
 * U+0080...U+009F. */
static bool
has_controls(const char *s)
{
    for (; *s; s++) {
        uint8_t c = *s;

        if (c < ' ' || c == 0x7f
            || (c == 0xc2 && (uint8_t) s[1] < 0xa0)) {
            return true;
        }
    }
    return false;
}

const char *
ovl_text_check_name(const char *s)
{
    if (!s || !s[0]) {
        return "empty (expected a name)";
    } else if (strnlen(s, OVL_TEXT_MAX_NAME + 1) > OVL_TEXT_MAX_NAME) {
        return "too long (expected a name of at most 255 bytes)";
    }

    size_t length;
    char *error = utf8_validate(s, &length);
    bool ok = !error && !has_controls(s);
    free(error);
    return ok ? NULL : "not printable text (expected a name)";
}

bool
ovl_text_to_number(const char *s, int min, int max, int *value)
{
    int n = 0;

    *value = 0;
    for (; s && isdigit((unsigned char) s[n]) && n < 9; n++) {
        *value = *value * 10 + (s[n] - '0');
    }
    return n && !s[n] && *value >= min && *value <= max;
}

/* The mask of bits after 'plen' in byte 'i'. */
static uint8_t
host_bits(size_t i, uint8_t plen)
{
    return plen >= 8 * (i + 1) ? 0 : plen <= 8 * i ? 0xff : 0xff >> (plen % 8);
}

bool
ovl_prefix_has_host_bits(const struct in6_addr *ip, uint8_t plen)
{
    struct in6_addr masked = ovl_prefix_mask(ip, plen);

    return !ipv6_addr_equals(ip, &masked);
}

bool
ovl_prefix_host_bits_are_ones(const struct in6_addr *ip, uint8_t plen)
{
    for (size_t i = plen / 8; i < sizeof ip->s6_addr; i++) {
        uint8_t bits = host_bits(i, plen);

        if ((ip->s6_addr[i] & bits) != bits) {
            return false;
        }
    }
    return true;
}

struct in6_addr
ovl_prefix_mask(const struct in6_addr *ip, uint8_t plen)
{
    struct in6_addr masked = *ip;

    for (size_t i = plen / 8; i < sizeof masked.s6_addr; i++) {
        masked.s6_addr[i] &= ~host_bits(i, plen);
    }
    return masked;
}

bool
ovl_prefix_overlaps(const struct in6_addr *a, uint8_t a_len,
                    const struct in6_addr *b, uint8_t b_len)
{
    struct ovl_prefix a_prefix = { .addr = *a, .plen = a_len };
    struct ovl_prefix b_prefix = { .addr = *b, .plen = b_len };

    return (a_len <= b_len ? ovl_prefix_contains(&a_prefix, b)
            : ovl_prefix_contains(&b_prefix, a));
}

void
ovl_text_quote(struct ds *ds, const char *text)
{
    ds_put_char(ds, '"');
    for (size_t i = 0; text && text[i]; i++) {
        uint8_t c = text[i];

        if (i >= MAX_QUOTED) {
            ds_put_cstr(ds, "\"...");
            return;
        } else if (c == '"' || c == '\\') {
            ds_put_format(ds, "\\%c", c);
        } else if (c < ' ' || c >= 0x7f) {
            ds_put_format(ds, "\\x%02x", c);
        } else {
            ds_put_char(ds, c);
        }
    }
    ds_put_char(ds, '"');
}

void
ovl_text_put_ip(struct ds *ds, const struct in6_addr *ip)
{
    ipv6_format_mapped(ip, ds);
}

void
ovl_text_put_prefix(struct ds *ds, const struct in6_addr *ip, uint8_t plen)
{
    struct ovl_prefix prefix = { .addr = *ip, .plen = plen };

    ovl_text_put_ip(ds, ip);
    ds_put_format(ds, "/%d", ovl_prefix_is_v4(&prefix) ? plen - 96 : plen);
}
