/* SPDX-License-Identifier: Apache-2.0 */

/* Words of the command line: what a word must look like to be a VNI, a MAC
 * address and so on, and how such values are spelled in the rows that we
 * write.
 *
 * We always write the usual spelling (lower case, RFC 5952), so that the
 * indexes of the database, which see only text, find equal rows.  Rows of
 * others may be spelled otherwise, so we look up by value.
 *
 * An IP address of either family is an in6_addr, IPv4 in the v4-mapped form;
 * a prefix length counts the bits of that form inside this file. */

#include <config.h>

#include "overlay-ctl.h"

#include <arpa/inet.h>
#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "overlay-types.h"
#include "packets.h"
#include "util.h"

static bool
parse_ip(const char *word, struct in6_addr *ip)
{
    ovs_be32 ip4;

    if (ip_parse(word, &ip4)) {
        in6_addr_set_mapped_ipv4(ip, ip4);
        return true;
    }
    return ipv6_parse(word, ip) && !IN6_IS_ADDR_V4MAPPED(ip);
}

/* Parses "IP/len".  'plen' gets the length in bits of the mapped form. */
static bool
parse_cidr(const char *word, struct in6_addr *ip, unsigned int *plen)
{
    char *slash = strchr(word, '/');
    bool ok = false;

    if (slash && slash[1] >= '0' && slash[1] <= '9') {
        char *address = xmemdup0(word, slash - word);

        if (parse_ip(address, ip) && str_to_uint(slash + 1, 10, plen)) {
            bool v4 = IN6_IS_ADDR_V4MAPPED(ip);

            ok = *plen <= (v4 ? 32 : 128);
            *plen += v4 ? 96 : 0;
        }
        free(address);
    }
    return ok;
}

static bool
has_host_bits(const struct in6_addr *ip, unsigned int plen)
{
    struct in6_addr mask = ipv6_create_mask(plen);
    struct in6_addr masked = ipv6_addr_bitand(ip, &mask);

    return !ipv6_addr_equals(&masked, ip);
}

/* True if 'ip' is a multicast or the limited broadcast address. */
static bool
is_group(const struct in6_addr *ip)
{
    ovs_be32 ip4 = in6_addr_get_mapped_ipv4(ip);

    return (IN6_IS_ADDR_V4MAPPED(ip)
            ? ip_is_multicast(ip4) || ip4 == OVS_BE32_MAX
            : ipv6_addr_is_multicast(ip));
}

static bool
is_unspecified(const struct in6_addr *ip)
{
    return (IN6_IS_ADDR_V4MAPPED(ip)
            ? !in6_addr_get_mapped_ipv4(ip)
            : IN6_IS_ADDR_UNSPECIFIED(ip));
}

static char *
format_ip(const struct in6_addr *ip)
{
    char buf[INET6_ADDRSTRLEN];

    /* Not ipv6_string_mapped(), which spells 0.0.0.0 as IPv6. */
    return (IN6_IS_ADDR_V4MAPPED(ip)
            ? xasprintf(IP_FMT, IP_ARGS(in6_addr_get_mapped_ipv4(ip)))
            : xstrdup(inet_ntop(AF_INET6, ip, buf, sizeof buf)));
}

static char *
format_cidr(const struct in6_addr *ip, unsigned int plen)
{
    char *address = format_ip(ip);
    char *cidr = xasprintf("%s/%u", address,
                           IN6_IS_ADDR_V4MAPPED(ip) ? plen - 96 : plen);

    free(address);
    return cidr;
}

bool
word_to_integer(struct ctl_context *ctx, const char *what, const char *word,
                int64_t min, int64_t max, int64_t *value)
{
    long long int n;

    if (!word[0] || !str_to_llong(word, 10, &n)) {
        ctl_error(ctx, "\"%s\" is not %s", word, what);
        return false;
    }
    if (n < min || n > max) {
        ctl_error(ctx, "\"%s\" is not %s (%"PRId64"...%"PRId64")",
                  word, what, min, max);
        return false;
    }
    *value = n;
    return true;
}

bool
word_to_vni(struct ctl_context *ctx, const char *word, int64_t *vni)
{
    return word_to_integer(ctx, "a VNI", word, OVL_VNI_MIN, OVL_VNI_MAX, vni);
}

bool
word_to_bool(struct ctl_context *ctx, const char *what, const char *word,
             bool *value)
{
    if (!strcmp(word, "true") || !strcmp(word, "yes") || !strcmp(word, "on")) {
        *value = true;
    } else if (!strcmp(word, "false") || !strcmp(word, "no")
               || !strcmp(word, "off")) {
        *value = false;
    } else {
        ctl_error(ctx, "\"%s\" is not a value for %s (true or false)",
                  word, what);
        return false;
    }
    return true;
}

bool
word_to_choice(struct ctl_context *ctx, const char *what, const char *word,
               const char *const *choices, const char **out)
{
    struct ds list = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; choices[i]; i++) {
        if (!strcmp(word, choices[i])) {
            ds_destroy(&list);
            *out = choices[i];
            return true;
        }
        ds_put_format(&list, "%s%s", i ? ", " : "", choices[i]);
    }
    ctl_error(ctx, "\"%s\" is not a value for %s (%s)", word, what,
              ds_cstr(&list));
    ds_destroy(&list);
    return false;
}

/* Addresses. */

bool
word_to_mac(struct ctl_context *ctx, const char *word, struct eth_addr *mac)
{
    if (!eth_addr_from_string(word, mac)) {
        ctl_error(ctx, "\"%s\" is not a MAC address", word);
    } else if (eth_addr_is_multicast(*mac)) {
        ctl_error(ctx, "\"%s\" is a multicast MAC address, which nobody can "
                  "own", word);
    } else if (eth_addr_is_zero(*mac)) {
        ctl_error(ctx, "\"%s\" is the zero MAC address", word);
    } else {
        return true;
    }
    return false;
}

bool
word_to_ip(struct ctl_context *ctx, const char *word, struct in6_addr *ip)
{
    if (!parse_ip(word, ip)) {
        ctl_error(ctx, "\"%s\" is not an IP address", word);
        return false;
    }
    if (is_group(ip)) {
        ctl_error(ctx, "\"%s\" is a multicast or broadcast address, which "
                  "nobody can own", word);
        return false;
    }
    if (is_unspecified(ip)) {
        ctl_error(ctx, "\"%s\" is the unspecified address", word);
        return false;
    }
    return true;
}

bool
word_to_mac_text(struct ctl_context *ctx, const char *word, char **out)
{
    struct eth_addr mac;

    if (!word_to_mac(ctx, word, &mac)) {
        return false;
    }
    *out = xasprintf(ETH_ADDR_FMT, ETH_ADDR_ARGS(mac));
    return true;
}

bool
word_to_ip_text(struct ctl_context *ctx, const char *word, char **out)
{
    struct in6_addr ip;

    if (!word_to_ip(ctx, word, &ip)) {
        return false;
    }
    *out = format_ip(&ip);
    return true;
}

bool
word_to_gateway_text(struct ctl_context *ctx, const char *word, char **out)
{
    struct in6_addr ip;
    unsigned int plen;

    if (!parse_cidr(word, &ip, &plen)) {
        ctl_error(ctx, "\"%s\" is not an IP address with prefix length, such "
                  "as 10.1.0.1/24", word);
        return false;
    }
    char *address = format_ip(&ip);
    bool ok = word_to_ip(ctx, address, &ip);
    free(address);
    if (!ok) {
        return false;
    }
    *out = format_cidr(&ip, plen);
    return true;
}

bool
word_to_prefix_text(struct ctl_context *ctx, const char *word, char **out)
{
    struct in6_addr ip;
    unsigned int plen;

    if (!parse_cidr(word, &ip, &plen)) {
        ctl_error(ctx, "\"%s\" is not a prefix, such as 10.1.0.0/16", word);
        return false;
    }
    if (has_host_bits(&ip, plen)) {
        struct in6_addr mask = ipv6_create_mask(plen);
        struct in6_addr masked = ipv6_addr_bitand(&ip, &mask);
        char *suggestion = format_cidr(&masked, plen);

        ctl_error(ctx, "\"%s\" has host bits set, is %s meant?",
                  word, suggestion);
        free(suggestion);
        return false;
    }
    *out = format_cidr(&ip, plen);
    return true;
}

bool
word_to_binding_text(struct ctl_context *ctx, const char *word, char **out)
{
    struct in6_addr ip;
    unsigned int plen;

    if (!strchr(word, '/')) {
        return word_to_ip_text(ctx, word, out);
    }
    if (!parse_cidr(word, &ip, &plen)) {
        ctl_error(ctx, "\"%s\" is neither an IP address nor a prefix", word);
        return false;
    }
    *out = format_cidr(&ip, plen);
    return true;
}

/* Equality by value. */

bool
same_mac(const char *a, const char *b)
{
    struct eth_addr mac_a, mac_b;

    return (eth_addr_from_string(a, &mac_a) && eth_addr_from_string(b, &mac_b)
            ? eth_addr_equals(mac_a, mac_b)
            : !strcmp(a, b));
}

bool
same_ip(const char *a, const char *b)
{
    struct in6_addr ip_a, ip_b;

    return (parse_ip(a, &ip_a) && parse_ip(b, &ip_b)
            ? ipv6_addr_equals(&ip_a, &ip_b)
            : !strcmp(a, b));
}

bool
same_prefix(const char *a, const char *b)
{
    struct in6_addr ip_a, ip_b;
    unsigned int plen_a, plen_b;

    return (parse_cidr(a, &ip_a, &plen_a) && parse_cidr(b, &ip_b, &plen_b)
            ? plen_a == plen_b && ipv6_addr_equals(&ip_a, &ip_b)
            : !strcmp(a, b));
}
