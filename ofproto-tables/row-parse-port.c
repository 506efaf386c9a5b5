/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: ovl_parse_, ovl_parsed_, ovl_bind_spec_.
 *
 * Bridges, ports and bindings.  See row-parse.c for the other tables. */

#include <config.h>

#include "row-parse.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "packets.h"
#include "row-error.h"
#include "smap.h"
#include "text-parse.h"
#include "util.h"

/* A port with more addresses than that is a mistake, and a guest must not
 * make others wait while its list is searched. */
#define MAX_ADDRESSES 4096

const struct eth_addr ovl_default_gateway_mac
    = ETH_ADDR_C(02,00,5e,00,01,01);

/* Bridges. */

/* Appends a reason to 'errors'. */
static void OVS_PRINTF_FORMAT(2, 3)
complain(struct ds *errors, const char *format, ...)
{
    va_list args;

    if (errors->length) {
        ds_put_cstr(errors, "; ");
    }
    va_start(args, format);
    ds_put_format_valist(errors, format, args);
    va_end(args);
}

static void
complain_value(struct ds *errors, const char *column, const char *value,
               const char *why)
{
    struct ds quoted = DS_EMPTY_INITIALIZER;

    ovl_text_quote(&quoted, value);
    complain(errors, "%s %s: %s", column, ds_cstr(&quoted), why);
    ds_destroy(&quoted);
}

/* Takes 'ip' as the one tunnel address of its family, of several the
 * lowest. */
static void
take_vtep_ip(const struct in6_addr *ip, struct in6_addr *slot,
             struct ds *errors)
{
    bool first = ipv6_addr_equals(slot, &in6addr_any);

    if (!first && !ipv6_addr_equals(slot, ip)) {
        bool lower = memcmp(ip, slot, sizeof *ip) < 0;
        char used[INET6_ADDRSTRLEN];
        char ignored[INET6_ADDRSTRLEN];

        ipv6_string_mapped(used, lower ? ip : slot);
        ipv6_string_mapped(ignored, lower ? slot : ip);
        complain(errors, "overlay_vtep_ips: only one address per family is "
                 "supported, using %s, ignoring %s", used, ignored);
        if (!lower) {
            return;
        }
    }
    *slot = *ip;
}

static void
parse_vtep_ips(const struct ovl_strings *texts, struct ovl_parsed_bridge *p,
               struct ds *errors)
{
    p->vtep4 = p->vtep6 = in6addr_any;
    for (size_t i = 0; i < texts->n; i++) {
        struct in6_addr ip;
        const char *why = ovl_text_to_unicast_ip(texts->s[i], &ip);

        if (why) {
            complain_value(errors, "overlay_vtep_ips", texts->s[i], why);
        } else {
            take_vtep_ip(&ip, ovl_ip_is_v4(&ip) ? &p->vtep4 : &p->vtep6,
                         errors);
        }
    }
}

static int
compare_strings(const void *a, const void *b)
{
    return strcmp(*(char *const *) a, *(char *const *) b);
}

static void
parse_uplinks(const struct ovl_row_bridge *row, struct ovl_parsed_bridge *p,
              struct ds *errors)
{
    const struct ovl_strings *texts = &row->uplinks;

    p->uplinks = xcalloc(MAX(texts->n, 1), sizeof *p->uplinks);
    for (size_t i = 0; i < texts->n; i++) {
        const char *why = ovl_text_check_name(texts->s[i]);

        if (!why && !strcmp(texts->s[i], row->name)) {
            why = "the bridge's own port (expected one that leads to the "
                  "underlay)";
        }
        if (why) {
            complain_value(errors, "overlay_uplinks", texts->s[i], why);
        } else {
            p->uplinks[p->n_uplinks++] = xstrdup(texts->s[i]);
        }
    }
    if (p->n_uplinks > 1) {
        qsort(p->uplinks, p->n_uplinks, sizeof *p->uplinks, compare_strings);

        struct ds names = DS_EMPTY_INITIALIZER;

        ovl_text_quote(&names, p->uplinks[0]);
        for (size_t i = 1; i < p->n_uplinks; i++) {
            ds_put_cstr(&names, i == 1 ? ", ignoring " : ", ");
            ovl_text_quote(&names, p->uplinks[i]);
        }
        complain(errors, "overlay_uplinks: only one uplink is supported, "
                 "using %s", ds_cstr(&names));
        ds_destroy(&names);
    }
}

/* Parses optional 'text' into '*mac', which keeps its value if it is bad. */
static void
parse_optional_mac(const char *column, const char *text,
                   struct eth_addr *mac, struct ds *errors)
{
    struct eth_addr value;
    const char *why = text ? ovl_text_to_unicast_mac(text, &value) : NULL;

    if (why) {
        complain_value(errors, column, text, why);
    } else if (text) {
        *mac = value;
    }
}

static void
parse_number_option(const struct smap *config, const char *key, int min,
                    int max, int *value, struct ds *errors)
{
    const char *text = smap_get(config, key);
    int number;

    if (!text) {
        return;
    } else if (ovl_text_to_number(text, min, max, &number)) {
        *value = number;
    } else {
        char *column = xasprintf("other_config:%s", key);
        char *why = xasprintf("not a number of %d to %d, using %d",
                              min, max, *value);

        complain_value(errors, column, text, why);
        free(column);
        free(why);
    }
}

static void
parse_bridge_config(const struct smap *config, struct ovl_parsed_bridge *p,
                    struct ds *errors)
{
    int port = OVL_VXLAN_PORT;
    int ttl = OVL_DEFAULT_TTL;

    parse_number_option(config, "vxlan-port", 1, UINT16_MAX, &port, errors);
    parse_number_option(config, "vxlan-ttl", 1, UINT8_MAX, &ttl, errors);
    p->vxlan_port = port;
    p->ttl = ttl;

    const char *dscp = smap_get_def(config, "vxlan-dscp", "0");
    int number;
    if (!strcmp(dscp, "inherit")) {
        p->dscp_inherit = true;
    } else if (ovl_text_to_number(dscp, 0, 63, &number)) {
        p->tos = number << 2;
    } else {
        complain_value(errors, "other_config:vxlan-dscp", dscp,
                       "neither \"inherit\" nor a number of 0 to 63, "
                       "using 0");
    }

    const char *zero = smap_get_def(config, "vxlan-udp6-zero-csum", "false");
    p->udp6_zero_csum = !strcmp(zero, "true");
    if (!p->udp6_zero_csum && strcmp(zero, "false")) {
        complain_value(errors, "other_config:vxlan-udp6-zero-csum", zero,
                       "unknown (expected true or false), using false");
    }
}

char *
ovl_parse_bridge(const struct ovl_row_bridge *row,
                 struct ovl_parsed_bridge *p)
{
    struct smap empty = SMAP_INITIALIZER(&empty);
    struct ds errors = DS_EMPTY_INITIALIZER;

    *p = (struct ovl_parsed_bridge) {
        .gateway_mac = ovl_default_gateway_mac,
    };
    parse_vtep_ips(&row->vtep_ips, p, &errors);
    parse_uplinks(row, p, &errors);
    parse_optional_mac("overlay_gateway_mac", row->gateway_mac,
                       &p->gateway_mac, &errors);
    parse_optional_mac("overlay_router_mac", row->router_mac,
                       &p->router_mac, &errors);
    parse_bridge_config(row->other_config ? row->other_config : &empty, p,
                        &errors);
    return errors.length ? ds_steal_cstr(&errors) : NULL;
}

void
ovl_parsed_bridge_uninit(struct ovl_parsed_bridge *p)
{
    for (size_t i = 0; i < p->n_uplinks; i++) {
        free(p->uplinks[i]);
    }
    free(p->uplinks);
}

/* Addresses of a port. */

/* Splits the next word off '*s' into 'word', cut to 'size'.  A word as long
 * as that is no legal one. */
static void
next_word(const char **s, char *word, size_t size)
{
    size_t n = strcspn(*s, " ");

    ovs_strlcpy(word, *s, MIN(n + 1, size));
    *s += n;
    *s += strspn(*s, " ");
}

/* Parses "IP" or "IP/len". */
static const char *
parse_allowed_ip(const char *word, struct ovl_prefix *prefix, bool *is_range)
{
    const struct in6_addr *ip = &prefix->addr;
    const char *why;

    *is_range = strchr(word, '/') != NULL;
    if (!*is_range) {
        prefix->plen = 128;
        return ovl_text_to_unicast_ip(word, &prefix->addr);
    }

    why = ovl_text_to_ip_len(word, &prefix->addr, &prefix->plen);
    if (why) {
        return why;
    } else if (ovl_prefix_has_host_bits(ip, prefix->plen)) {
        return "has host bits set (expected e.g. 10.1.0.0/24)";
    } else if (ovl_ip_is_v4(ip) ? ip->s6_addr[12] >= 224
               : ipv6_addr_is_multicast(ip)) {
        return "not a unicast prefix (expected e.g. 10.1.0.0/24)";
    }
    return NULL;
}

/* What grows while a list of addresses is parsed. */
struct address_list {
    struct ovl_bind_spec *spec;
    size_t allocated_prefixes;
    size_t allocated_neighbors;
};

static void
add_allowed_ip(struct address_list *list, struct ovl_guard *guard,
               const struct ovl_prefix *prefix, bool is_range)
{
    struct ovl_bind_spec *spec = list->spec;

    if (spec->n_prefixes >= list->allocated_prefixes) {
        spec->prefixes = x2nrealloc(spec->prefixes, &list->allocated_prefixes,
                                    sizeof *spec->prefixes);
    }
    spec->prefixes[spec->n_prefixes++] = *prefix;
    guard->n_prefixes++;
    guard->any_ip = false;
    guard->has_v6 |= !ovl_prefix_is_v4(prefix);

    if (!is_range) {
        if (spec->n_neighbors >= list->allocated_neighbors) {
            spec->neighbors = x2nrealloc(spec->neighbors,
                                         &list->allocated_neighbors,
                                         sizeof *spec->neighbors);
        }
        spec->neighbors[spec->n_neighbors++] = (struct ovl_bind_neighbor) {
            .mac = guard->mac,
            .ip = prefix->addr,
        };
    }
}

/* Parses "MAC" or "MAC IP...".  Returns what is wrong with '*word', which has
 * room for 'size' bytes. */
static const char *
parse_addresses_entry(struct address_list *list, const char *entry,
                      char *word, size_t size)
{
    struct ovl_guard *guard = &list->spec->guards[list->spec->n_guards++];
    const char *why;

    *guard = (struct ovl_guard) { .any_ip = true };
    next_word(&entry, word, size);
    why = ovl_text_to_unicast_mac(word, &guard->mac);
    while (!why && *entry) {
        struct ovl_prefix prefix;
        bool is_range;

        next_word(&entry, word, size);
        why = parse_allowed_ip(word, &prefix, &is_range);
        if (!why && list->spec->n_prefixes >= MAX_ADDRESSES) {
            why = "one too many (expected at most 4096)";
        }
        if (!why) {
            add_allowed_ip(list, guard, &prefix, is_range);
        }
    }
    if (!why && entry[-1] == ' ') {
        ovs_strlcpy(word, " ", size);
        why = "a blank at the end (expected \"MAC\" or \"MAC IP...\")";
    }
    return why;
}

static int
compare_guards(const void *a_, const void *b_)
{
    const struct ovl_guard *a = a_;
    const struct ovl_guard *b = b_;

    return eth_addr_compare_3way(a->mac, b->mac);
}

/* Points the guards at their prefixes, which do not move any more, and sorts
 * them.  Returns a guard whose MAC is there twice, or NULL. */
static const struct ovl_guard *
finish_guards(struct ovl_bind_spec *spec)
{
    const struct ovl_prefix *prefixes = spec->prefixes;

    for (size_t i = 0; i < spec->n_guards; i++) {
        spec->guards[i].prefixes = prefixes;
        if (spec->guards[i].n_prefixes) {
            prefixes += spec->guards[i].n_prefixes;
        }
    }
    if (spec->n_guards > 1) {
        qsort(spec->guards, spec->n_guards, sizeof *spec->guards,
              compare_guards);
    }
    for (size_t i = 1; i < spec->n_guards; i++) {
        if (!compare_guards(&spec->guards[i - 1], &spec->guards[i])) {
            return &spec->guards[i];
        }
    }
    return NULL;
}

/* 'column' says whose 'texts' they are. */
static char *
parse_addresses(const char *key, const char *column,
                const struct ovl_strings *texts, struct ovl_bind_spec *spec)
{
    struct address_list list = { .spec = spec };

    if (texts->n > MAX_ADDRESSES) {
        return ovl_row_error(key, "%s: too many (expected at most %d)",
                             column, MAX_ADDRESSES);
    }
    spec->guards = texts->n ? xcalloc(texts->n, sizeof *spec->guards) : NULL;
    for (size_t i = 0; i < texts->n; i++) {
        char word[64];
        const char *why = parse_addresses_entry(&list, texts->s[i], word,
                                                sizeof word);

        if (why && !strcmp(word, texts->s[i])) {
            return ovl_row_bad_text(key, column, word, why);
        } else if (why) {
            struct ds details = DS_EMPTY_INITIALIZER;

            ovl_text_quote(&details, word);
            ds_put_format(&details, " is %s", why);
            char *error = ovl_row_bad_text(key, column, texts->s[i],
                                           ds_cstr(&details));
            ds_destroy(&details);
            return error;
        }
    }

    const struct ovl_guard *twice = finish_guards(spec);
    if (twice) {
        return ovl_row_error(key, "%s: "ETH_ADDR_FMT" is listed twice "
                             "(expected each MAC address once)",
                             column, ETH_ADDR_ARGS(twice->mac));
    }
    return NULL;
}

/* Ports. */

static int
compare_vlans(const void *a_, const void *b_)
{
    const struct ovl_vlan_binding *a = a_;
    const struct ovl_vlan_binding *b = b_;

    return a->vlan < b->vlan ? -1 : a->vlan > b->vlan;
}

static char *
parse_vlans(const char *key, const struct ovl_row_port *row,
            struct ovl_bind_spec *spec)
{
    static const char column[] = "overlay_vlan_bindings";

    spec->vlans = xcalloc(row->n_vlans, sizeof *spec->vlans);
    for (size_t i = 0; i < row->n_vlans; i++) {
        int64_t vlan = row->vlans[i];
        int64_t vni = row->vlan_vnis[i];

        if (vlan < 0 || vlan > OVL_VLAN_MAX) {
            return ovl_row_error(key, "%s: VLAN %"PRId64": out of range "
                                 "(expected 0...%d)", column, vlan,
                                 OVL_VLAN_MAX);
        } else if (vni < OVL_VNI_MIN || vni > OVL_VNI_MAX) {
            return ovl_row_error(key, "%s: VLAN %"PRId64": VNI %"PRId64
                                 ": out of range (expected %d...%d)", column,
                                 vlan, vni, OVL_VNI_MIN, OVL_VNI_MAX);
        }
        spec->vlans[spec->n_vlans++] = (struct ovl_vlan_binding) {
            .vlan = vlan,
            .vni = vni,
        };
    }
    qsort(spec->vlans, spec->n_vlans, sizeof *spec->vlans, compare_vlans);
    for (size_t i = 1; i < spec->n_vlans; i++) {
        if (spec->vlans[i - 1].vlan == spec->vlans[i].vlan) {
            return ovl_row_error(key, "%s: VLAN %d is listed twice", column,
                                 spec->vlans[i].vlan);
        }
    }
    return NULL;
}

static char *
parse_vni(const char *key, const char *column, int64_t vni,
          struct ovl_bind_spec *spec)
{
    if (vni < OVL_VNI_MIN || vni > OVL_VNI_MAX) {
        return ovl_row_bad_number(key, column, vni, OVL_VNI_MIN, OVL_VNI_MAX);
    }
    spec->vni = vni;
    return NULL;
}

/* What a port's columns say, given that they say something. */
static char *
parse_port_columns(const char *key, const struct ovl_row_port *row,
                   struct ovl_bind_spec *spec)
{
    char *error;

    if (row->has_vni && row->n_vlans) {
        return ovl_row_error(key, "overlay_vni and overlay_vlan_bindings "
                             "are both set (expected one of them)");
    } else if (!row->has_vni && row->addresses.n) {
        return ovl_row_error(key, "overlay_addresses is set without "
                             "overlay_vni (expected both)");
    } else if (row->n_ifaces > 1) {
        return ovl_row_error(key, "bonds are not supported as access ports");
    } else if (!row->on_overlay_bridge) {
        return ovl_row_error(key, "%s is set, but the port is not on a "
                             "bridge with datapath_type=overlay that is in "
                             "force",
                             row->has_vni ? "overlay_vni"
                             : "overlay_vlan_bindings");
    } else if (row->n_vlans) {
        return parse_vlans(key, row, spec);
    }

    error = parse_vni(key, "overlay_vni", row->vni, spec);
    return error ? error : parse_addresses(key, "overlay_addresses",
                                           &row->addresses, spec);
}

char *
ovl_parse_port(const struct ovl_row_port *row, struct ovl_bind_spec *spec)
{
    *spec = (struct ovl_bind_spec) { .role = OVL_ROLE_UNBOUND };
    if (!row->has_vni && !row->n_vlans && !row->addresses.n) {
        return NULL;
    }
    spec->role = row->n_vlans ? OVL_ROLE_GATEWAY : OVL_ROLE_ACCESS;

    char *key = ovl_key_name("Port", row->name);
    char *error = parse_port_columns(key, row, spec);
    free(key);
    return error;
}

char *
ovl_parse_binding(const struct ovl_row_binding *row,
                  struct ovl_bind_spec *spec)
{
    static const char table[] = "Overlay_Binding";
    const char *why;

    *spec = (struct ovl_bind_spec) { .role = OVL_ROLE_ACCESS };
    why = ovl_text_check_name(row->iface);
    if (why) {
        return ovl_row_bad_text(table, "iface", row->iface, why);
    }

    char *key = ovl_key_name(table, row->iface);
    char *error = parse_vni(key, "vni", row->vni, spec);
    if (!error) {
        error = parse_addresses(key, "addresses", &row->addresses, spec);
    }
    free(key);
    return error;
}

void
ovl_bind_spec_uninit(struct ovl_bind_spec *spec)
{
    free(spec->guards);
    free(spec->prefixes);
    free(spec->neighbors);
    free(spec->vlans);
}
