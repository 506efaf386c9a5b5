/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: ovl_row_, ovl_key_. */

#include <config.h>

#include "row-error.h"

#include <inttypes.h>
#include <stdarg.h>

#include "openvswitch/dynamic-string.h"
#include "packets.h"
#include "text-parse.h"

char *
ovl_row_bad_text(const char *key, const char *column, const char *value,
                 const char *why)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    ds_put_format(&ds, "%s: %s ", key, column);
    ovl_text_quote(&ds, value);
    ds_put_format(&ds, ": %s", why);
    return ds_steal_cstr(&ds);
}

char *
ovl_row_bad_number(const char *key, const char *column, int64_t value,
                   int64_t min, int64_t max)
{
    return xasprintf("%s: %s %"PRId64": out of range "
                     "(expected %"PRId64"...%"PRId64")",
                     key, column, value, min, max);
}

char *
ovl_row_error(const char *key, const char *message, ...)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    va_list args;

    ds_put_format(&ds, "%s: ", key);
    va_start(args, message);
    ds_put_format_valist(&ds, message, args);
    va_end(args);
    return ds_steal_cstr(&ds);
}

char *
ovl_key_name(const char *table, const char *name)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    ds_put_format(&ds, "%s ", table);
    ovl_text_quote(&ds, name);
    return ds_steal_cstr(&ds);
}

char *
ovl_key_network(uint32_t vni)
{
    return xasprintf("Overlay_Network %"PRIu32, vni);
}

char *
ovl_key_route(const char *vrf, const struct in6_addr *ip, uint8_t plen)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    ds_put_cstr(&ds, "Overlay_Route ");
    ovl_text_quote(&ds, vrf);
    ds_put_char(&ds, ' ');
    ovl_text_put_prefix(&ds, ip, plen);
    return ds_steal_cstr(&ds);
}

char *
ovl_key_neighbor(uint32_t vni, const struct in6_addr *ip)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    ds_put_format(&ds, "Overlay_Neighbor %"PRIu32" ", vni);
    ovl_text_put_ip(&ds, ip);
    return ds_steal_cstr(&ds);
}

char *
ovl_key_mac(uint32_t vni, struct eth_addr mac)
{
    return xasprintf("Overlay_MAC %"PRIu32" "ETH_ADDR_FMT,
                     vni, ETH_ADDR_ARGS(mac));
}
