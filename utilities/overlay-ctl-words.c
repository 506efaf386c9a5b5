/* SPDX-License-Identifier: Apache-2.0 */

/* Words of the command line: what a word must look like to be a VNI, a MAC
 * address and so on, and how such values are spelled in the rows that we
 * write.
 *
 * We always write the usual spelling (lower case, RFC 5952), so that the
 * indexes of the database, which see only text, find equal rows.  Rows of
 * others may be spelled otherwise, so we look up by value.
 *
 * What is legal is decided by text-parse, the parser of the daemon.  An IP
 * address of either family is an in6_addr, IPv4 in the v4-mapped form, and a
 * prefix length counts the bits of that form. */

#include <config.h>

#include "overlay-ctl.h"

#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "overlay-types.h"
#include "packets.h"
#include "text-parse.h"
#include "util.h"

/* Complains about 'word', unless 'why' is NULL, and returns true if so. */
static bool
check(struct ctl_context *ctx, const char *word, const char *why)
{
    if (!why) {
        return true;
    }
    bool clause = !strncmp(why, "not ", 4) || !strncmp(why, "a ", 2)
                  || !strncmp(why, "an ", 3);
    ctl_error(ctx, clause ? "\"%s\" is %s" : "\"%s\": %s", word, why);
    return false;
}

static char *
format_ip(const struct in6_addr *ip)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    ovl_text_put_ip(&s, ip);
    return ds_steal_cstr(&s);
}

static char *
format_prefix(const struct in6_addr *ip, uint8_t plen)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    ovl_text_put_prefix(&s, ip, plen);
    return ds_steal_cstr(&s);
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
    return check(ctx, word, ovl_text_to_unicast_mac(word, mac));
}

bool
word_to_ip(struct ctl_context *ctx, const char *word, struct in6_addr *ip)
{
    return check(ctx, word, ovl_text_to_unicast_ip(word, ip));
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
    uint8_t plen;

    if (!check(ctx, word, ovl_text_to_ip_len(word, &ip, &plen))) {
        return false;
    }
    if (!ovl_ip_is_host(&ip)) {
        ctl_error(ctx, "\"%s\" is not a host's address", word);
        return false;
    }
    *out = format_prefix(&ip, plen);
    return true;
}

bool
word_to_prefix_text(struct ctl_context *ctx, const char *word, char **out)
{
    struct in6_addr ip;
    uint8_t plen;

    if (!check(ctx, word, ovl_text_to_ip_len(word, &ip, &plen))) {
        return false;
    }
    if (ovl_prefix_has_host_bits(&ip, plen)) {
        struct in6_addr masked = ovl_prefix_mask(&ip, plen);
        char *suggestion = format_prefix(&masked, plen);

        ctl_error(ctx, "\"%s\" has host bits set, is %s meant?",
                  word, suggestion);
        free(suggestion);
        return false;
    }
    *out = format_prefix(&ip, plen);
    return true;
}

bool
word_to_binding_text(struct ctl_context *ctx, const char *word, char **out)
{
    struct in6_addr ip;
    uint8_t plen;

    if (!strchr(word, '/')) {
        return word_to_ip_text(ctx, word, out);
    }
    if (!check(ctx, word, ovl_text_to_ip_len(word, &ip, &plen))) {
        return false;
    }
    *out = format_prefix(&ip, plen);
    return true;
}

bool
word_is_mac(const char *word)
{
    struct eth_addr mac;

    return !ovl_text_to_mac(word, &mac);
}

/* Equality by value. */

bool
same_mac(const char *a, const char *b)
{
    struct eth_addr mac_a, mac_b;

    return (!ovl_text_to_mac(a, &mac_a) && !ovl_text_to_mac(b, &mac_b)
            ? eth_addr_equals(mac_a, mac_b)
            : !strcmp(a, b));
}

bool
same_ip(const char *a, const char *b)
{
    struct in6_addr ip_a, ip_b;

    return (!ovl_text_to_ip(a, &ip_a) && !ovl_text_to_ip(b, &ip_b)
            ? ipv6_addr_equals(&ip_a, &ip_b)
            : !strcmp(a, b));
}

bool
same_prefix(const char *a, const char *b)
{
    struct in6_addr ip_a, ip_b;
    uint8_t plen_a, plen_b;

    return (!ovl_text_to_ip_len(a, &ip_a, &plen_a)
            && !ovl_text_to_ip_len(b, &ip_b, &plen_b)
            ? plen_a == plen_b && ipv6_addr_equals(&ip_a, &ip_b)
            : !strcmp(a, b));
}
