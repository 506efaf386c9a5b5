/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: ovl_list_.
 *
 * Tables are hashed; people and scripts get them sorted.  So each list is
 * first an array of pointers into the table, good until the thread
 * quiesces. */

#include <config.h>

#include "unixctl-lists.h"

#include <stdlib.h>

#include "counters.h"
#include "dpif-overlay.h"
#include "flow.h"
#include "forwarding.h"
#include "openvswitch/dynamic-string.h"
#include "packets.h"
#include "util.h"

/* Arrays of pointers. */

struct array {
    const struct ovl_filter *filter;
    const void **p;
    size_t n, allocated;
};

static void
array_add(struct array *a, const void *p)
{
    if (a->n >= a->allocated) {
        a->p = x2nrealloc(a->p, &a->allocated, sizeof *a->p);
    }
    a->p[a->n++] = p;
}

/* Of elements that are copies. */
static void
array_free(struct array *a)
{
    for (size_t i = 0; i < a->n; i++) {
        free(CONST_CAST(void *, a->p[i]));
    }
    free(a->p);
}

static void
array_sort(struct array *a, int (*cmp)(const void *, const void *))
{
    if (a->n) {
        qsort(a->p, a->n, sizeof *a->p, cmp);
    }
}

static bool
vni_passes(const struct ovl_filter *filter, uint32_t vni)
{
    return filter->vni == OVL_VNI_NONE || filter->vni == vni;
}

static bool
port_passes(const struct ovl_filter *filter, const struct ovl_lport *port)
{
    return !filter->port || (port && !strcmp(filter->port, port->name));
}

static bool
ip_passes(const struct ovl_filter *filter, const struct in6_addr *ip)
{
    return !filter->ip || ipv6_addr_equals(filter->ip, ip);
}

static int
compare_u64(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

static void
grid_ip(struct ovl_grid *g, const struct in6_addr *ip)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    ipv6_format_mapped(ip, &s);
    ovl_grid_ds(g, &s);
}

static void
grid_mac(struct ovl_grid *g, struct eth_addr mac)
{
    ovl_grid_strf(g, ETH_ADDR_FMT, ETH_ADDR_ARGS(mac));
}

static void
grid_port_or_null(struct ovl_grid *g, const struct ovl_lport *port)
{
    if (port) {
        ovl_grid_str(g, port->name);
    } else {
        ovl_grid_null(g);
    }
}

static void
grid_traffic(struct ovl_grid *g, uint32_t block)
{
    ovl_grid_int(g, ovl_counter_read(block + OVL_RX_PACKETS));
    ovl_grid_int(g, ovl_counter_read(block + OVL_TX_PACKETS));
    ovl_grid_int(g, ovl_counter_read(block + OVL_RX_BYTES));
    ovl_grid_int(g, ovl_counter_read(block + OVL_TX_BYTES));
}

#define TRAFFIC_COLUMNS "rx_packets", "tx_packets", "rx_bytes", "tx_bytes"

/* Networks. */

static void
collect_network(const struct ovl_network *net, void *array_)
{
    struct array *a = array_;

    if (vni_passes(a->filter, net->vni)) {
        array_add(a, net);
    }
}

static int
compare_networks(const void *a_, const void *b_)
{
    const struct ovl_network *const *a = a_, *const *b = b_;

    return compare_u64((*a)->vni, (*b)->vni);
}

static struct array
networks(const struct ovl_filter *filter)
{
    struct array a = { .filter = filter };

    ovl_forwarding_for_each_network(ovl_dp_forwarding(), collect_network, &a);
    array_sort(&a, compare_networks);
    return a;
}

static void
grid_members(struct ovl_grid *g, const struct ovl_network *net)
{
    char **names = xcalloc(net->n_members + 1, sizeof *names);

    for (size_t i = 0; i < net->n_members; i++) {
        const struct ovl_member *m = &net->members[i];

        names[i] = (m->vlan
                    ? xasprintf("%s.%u", m->port->name, m->vlan)
                    : xstrdup(m->port->name));
    }
    ovl_grid_list(g, names, net->n_members);
}

static void
grid_gateways(struct ovl_grid *g, const struct ovl_network *net)
{
    char **gateways = xcalloc(net->n_gateways + 1, sizeof *gateways);

    for (size_t i = 0; i < net->n_gateways; i++) {
        const struct ovl_gateway *gw = &net->gateways[i];
        struct ds s = DS_EMPTY_INITIALIZER;

        ipv6_format_mapped(&gw->ip, &s);
        ds_put_format(&s, "/%d",
                      ovl_ip_is_v4(&gw->ip) ? gw->plen - 96 : gw->plen);
        gateways[i] = ds_steal_cstr(&s);
    }
    ovl_grid_list(g, gateways, net->n_gateways);
}

static void
grid_flood(struct ovl_grid *g, const struct ovl_network *net)
{
    char **vteps = xcalloc(net->n_flood + 1, sizeof *vteps);

    for (size_t i = 0; i < net->n_flood; i++) {
        struct ds s = DS_EMPTY_INITIALIZER;

        ipv6_format_mapped(&net->flood[i]->ip, &s);
        vteps[i] = ds_steal_cstr(&s);
    }
    ovl_grid_list(g, vteps, net->n_flood);
}

void
ovl_list_networks(const struct ovl_filter *filter, struct ovl_grid *g)
{
    struct array a = networks(filter);

    ovl_grid_init(g, "vni", "name", "vrf", "ports", "gateways", "router_mac",
                  "flood_vteps", "unknown_unicast", "neigh_suppress",
                  "neigh_miss", "mtu", NULL);
    for (size_t i = 0; i < a.n; i++) {
        const struct ovl_network *net = a.p[i];

        ovl_grid_int(g, net->vni);
        ovl_grid_str(g, net->name);
        ovl_grid_str(g, net->vrf);
        grid_members(g, net);
        grid_gateways(g, net);
        grid_mac(g, net->router_mac);
        grid_flood(g, net);
        ovl_grid_str(g, net->flood_unknown ? "flood" : "drop");
        ovl_grid_bool(g, net->neigh_suppress);
        ovl_grid_str(g, net->neigh_miss_drop ? "drop" : "flood");
        if (net->mtu) {
            ovl_grid_int(g, net->mtu);
        } else {
            ovl_grid_null(g);
        }
    }
    free(a.p);
}

void
ovl_list_network_traffic(const struct ovl_filter *filter, struct ovl_grid *g)
{
    struct array a = networks(filter);

    ovl_grid_init(g, "network", TRAFFIC_COLUMNS, NULL);
    for (size_t i = 0; i < a.n; i++) {
        const struct ovl_network *net = a.p[i];

        ovl_grid_strf(g, "%"PRIu32, net->vni);
        grid_traffic(g, net->traffic);
    }
    free(a.p);
}

/* MACs. */

static void
collect_mac(const struct ovl_mac *m, void *array_)
{
    struct array *a = array_;
    struct eth_addr mac;

    if (vni_passes(a->filter, m->vni)
        && (!a->filter->port || port_passes(a->filter, m->port))
        && (!a->filter->mac
            || (eth_addr_from_string(a->filter->mac, &mac)
                && eth_addr_equals(mac, m->mac)))
        && (!a->filter->ip
            || (m->vtep && ip_passes(a->filter, &m->vtep->ip)))) {
        array_add(a, xmemdup(m, sizeof *m));
    }
}

static int
compare_macs(const void *a_, const void *b_)
{
    const struct ovl_mac *const *a = a_, *const *b = b_;
    int cmp = compare_u64((*a)->vni, (*b)->vni);

    return cmp ? cmp : memcmp(&(*a)->mac, &(*b)->mac, sizeof (*a)->mac);
}

void
ovl_list_macs(const struct ovl_filter *filter, struct ovl_grid *g)
{
    struct array a = { .filter = filter };

    ovl_forwarding_for_each_mac(ovl_dp_forwarding(), collect_mac, &a);
    array_sort(&a, compare_macs);

    ovl_grid_init(g, "vni", "mac", "port", "vlan", "vtep", NULL);
    for (size_t i = 0; i < a.n; i++) {
        const struct ovl_mac *m = a.p[i];

        ovl_grid_int(g, m->vni);
        grid_mac(g, m->mac);
        grid_port_or_null(g, m->port);
        if (m->vlan) {
            ovl_grid_int(g, m->vlan);
        } else {
            ovl_grid_null(g);
        }
        if (m->vtep) {
            grid_ip(g, &m->vtep->ip);
        } else {
            ovl_grid_null(g);
        }
    }
    array_free(&a);
}

/* Neighbors. */

static void
collect_neighbor(const struct ovl_neighbor *n, void *array_)
{
    struct array *a = array_;
    struct eth_addr mac;

    if (vni_passes(a->filter, n->vni)
        && ip_passes(a->filter, &n->ip)
        && (!a->filter->mac
            || (eth_addr_from_string(a->filter->mac, &mac)
                && eth_addr_equals(mac, n->mac)))) {
        array_add(a, xmemdup(n, sizeof *n));
    }
}

static int
compare_neighbors(const void *a_, const void *b_)
{
    const struct ovl_neighbor *const *a = a_, *const *b = b_;
    int cmp = compare_u64((*a)->vni, (*b)->vni);

    return cmp ? cmp : memcmp(&(*a)->ip, &(*b)->ip, sizeof (*a)->ip);
}

void
ovl_list_neighbors(const struct ovl_filter *filter, struct ovl_grid *g)
{
    struct array a = { .filter = filter };

    ovl_forwarding_for_each_neighbor(ovl_dp_forwarding(), collect_neighbor,
                                     &a);
    array_sort(&a, compare_neighbors);

    ovl_grid_init(g, "vni", "ip", "mac", "router", "shared", NULL);
    for (size_t i = 0; i < a.n; i++) {
        const struct ovl_neighbor *n = a.p[i];

        ovl_grid_int(g, n->vni);
        grid_ip(g, &n->ip);
        grid_mac(g, n->mac);
        ovl_grid_bool(g, n->router);
        ovl_grid_bool(g, n->shared);
    }
    array_free(&a);
}

/* VTEPs. */

static void
collect_vtep(struct ovl_vtep *vtep, void *array_)
{
    struct array *a = array_;

    if (ip_passes(a->filter, &vtep->ip)) {
        array_add(a, vtep);
    }
}

static int
compare_vteps(const void *a_, const void *b_)
{
    const struct ovl_vtep *const *a = a_, *const *b = b_;

    return memcmp(&(*a)->ip, &(*b)->ip, sizeof (*a)->ip);
}

static struct array
vteps(const struct ovl_filter *filter)
{
    struct array a = { .filter = filter };

    ovl_forwarding_for_each_vtep(ovl_dp_forwarding(), collect_vtep, &a);
    array_sort(&a, compare_vteps);
    return a;
}

/* How many MACs and flood lists lead to each VTEP of a sorted array. */
struct vtep_use {
    const struct array *vteps;
    size_t *macs;
    size_t *floods;
};

static void
count_use(const struct vtep_use *use, const struct ovl_vtep *vtep,
          size_t *counts)
{
    const void *found = (use->vteps->n
                         ? bsearch(&vtep, use->vteps->p, use->vteps->n,
                                   sizeof *use->vteps->p, compare_vteps)
                         : NULL);

    if (found) {
        counts[(const void **) found - use->vteps->p]++;
    }
}

static void
count_mac(const struct ovl_mac *mac, void *use_)
{
    struct vtep_use *use = use_;

    if (mac->vtep) {
        count_use(use, mac->vtep, use->macs);
    }
}

static void
count_flood(const struct ovl_network *net, void *use_)
{
    struct vtep_use *use = use_;

    for (size_t i = 0; i < net->n_flood; i++) {
        count_use(use, net->flood[i], use->floods);
    }
}

/* The largest inner packet. */
static void
grid_mtu(struct ovl_grid *g, const struct ovl_vtep *vtep)
{
    const struct ovl_adjacency *adj
        = ovsrcu_get(struct ovl_adjacency *, &vtep->adj);

    if (adj) {
        ovl_grid_int(g, adj->mtu);
    } else {
        ovl_grid_null(g);
    }
}

void
ovl_list_vteps(const struct ovl_filter *filter, struct ovl_grid *g)
{
    struct array a = vteps(filter);
    struct vtep_use use = {
        .vteps = &a,
        .macs = xcalloc(a.n + 1, sizeof *use.macs),
        .floods = xcalloc(a.n + 1, sizeof *use.floods),
    };

    ovl_forwarding_for_each_mac(ovl_dp_forwarding(), count_mac, &use);
    ovl_forwarding_for_each_network(ovl_dp_forwarding(), count_flood, &use);

    ovl_grid_init(g, "vtep", "state", "next_hop", "mtu", "macs",
                  "flood_lists", TRAFFIC_COLUMNS, NULL);
    for (size_t i = 0; i < a.n; i++) {
        const struct ovl_vtep *vtep = a.p[i];
        struct ds state = DS_EMPTY_INITIALIZER;
        struct ds next_hop = DS_EMPTY_INITIALIZER;

        ovl_dp_vtep_state(&vtep->ip, &state, &next_hop);
        grid_ip(g, &vtep->ip);
        ovl_grid_ds(g, &state);
        ovl_grid_ds(g, &next_hop);
        grid_mtu(g, vtep);
        ovl_grid_int(g, use.macs[i]);
        ovl_grid_int(g, use.floods[i]);
        grid_traffic(g, vtep->traffic);
    }
    free(use.macs);
    free(use.floods);
    free(a.p);
}

void
ovl_list_vtep_traffic(const struct ovl_filter *filter, struct ovl_grid *g)
{
    struct array a = vteps(filter);

    ovl_grid_init(g, "vtep", TRAFFIC_COLUMNS, NULL);
    for (size_t i = 0; i < a.n; i++) {
        const struct ovl_vtep *vtep = a.p[i];

        grid_ip(g, &vtep->ip);
        grid_traffic(g, vtep->traffic);
    }
    free(a.p);
}

/* Ports. */

static int
compare_ports(const void *a_, const void *b_)
{
    const struct ovl_lport *const *a = a_, *const *b = b_;

    return strcmp((*a)->name, (*b)->name);
}

/* The caller unrefs the ports and frees the array. */
static struct ovl_lport **
ports(const struct ovl_filter *filter, size_t *np)
{
    struct ovl_lport **p;
    size_t n, kept = 0;

    ovl_dp_ports(&p, &n);
    for (size_t i = 0; i < n; i++) {
        if (port_passes(filter, p[i])) {
            p[kept++] = p[i];
        } else {
            ovl_lport_unref(p[i]);
        }
    }
    if (kept) {
        qsort(p, kept, sizeof *p, compare_ports);
    }
    *np = kept;
    return p;
}

static void
release(struct ovl_lport **p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ovl_lport_unref(p[i]);
    }
    free(p);
}

static const struct ovl_binding *
find_binding(const struct ovl_lport *port)
{
    const struct ovl_forwarding *fwd = ovl_dp_forwarding();

    return ovl_binding_lookup(fwd, ovl_forwarding_version(fwd), port->id);
}

static void
grid_networks_of(struct ovl_grid *g, const struct ovl_binding *b)
{
    if (b && b->role == OVL_ROLE_ACCESS) {
        char **vni = xmalloc(sizeof *vni);

        *vni = xasprintf("%"PRIu32, b->vni);
        ovl_grid_list(g, vni, 1);
    } else if (b && b->role == OVL_ROLE_GATEWAY) {
        char **vnis = xcalloc(b->n_vlans + 1, sizeof *vnis);

        for (size_t i = 0; i < b->n_vlans; i++) {
            vnis[i] = xasprintf("%u:%"PRIu32, b->vlans[i].vlan,
                                b->vlans[i].vni);
        }
        ovl_grid_list(g, vnis, b->n_vlans);
    } else {
        ovl_grid_list(g, NULL, 0);
    }
}

static void
grid_guards(struct ovl_grid *g, const struct ovl_binding *b)
{
    if (!b || !b->guarded) {
        char **any = xmalloc(sizeof *any);

        *any = xstrdup("any");
        ovl_grid_list(g, any, 1);
    } else {
        char **macs = xcalloc(b->n_guards + 1, sizeof *macs);

        for (size_t i = 0; i < b->n_guards; i++) {
            macs[i] = xasprintf(ETH_ADDR_FMT,
                                ETH_ADDR_ARGS(b->guards[i].mac));
        }
        ovl_grid_list(g, macs, b->n_guards);
    }
}

void
ovl_list_ports(const struct ovl_filter *filter, struct ovl_grid *g)
{
    size_t n;
    struct ovl_lport **p = ports(filter, &n);

    ovl_grid_init(g, "port", "number", "role", "networks", "sources", "mtu",
                  "mac", NULL);
    for (size_t i = 0; i < n; i++) {
        const struct ovl_binding *b = find_binding(p[i]);
        enum ovl_role role = b ? b->role : OVL_ROLE_UNBOUND;

        ovl_grid_str(g, p[i]->name);
        ovl_grid_int(g, odp_to_u32(p[i]->port_no));
        ovl_grid_str(g, ovl_role_to_string(role));
        grid_networks_of(g, b);
        grid_guards(g, b);
        ovl_grid_int(g, ovl_lport_mtu(p[i]));
        grid_mac(g, ovl_lport_mac(p[i]));
    }
    release(p, n);
}

void
ovl_list_port_traffic(const struct ovl_filter *filter, struct ovl_grid *g)
{
    size_t n;
    struct ovl_lport **p = ports(filter, &n);

    ovl_grid_init(g, "port", TRAFFIC_COLUMNS, NULL);
    for (size_t i = 0; i < n; i++) {
        ovl_grid_str(g, p[i]->name);
        grid_traffic(g, p[i]->traffic);
    }
    release(p, n);
}

/* Drops. */

static void
grid_drops(struct ovl_grid *g, const struct ovl_filter *filter,
           const struct ovl_lport *port, uint32_t vni, uint32_t block)
{
    if (filter->vni != OVL_VNI_NONE && filter->vni != vni) {
        return;
    }
    for (int i = 0; i < OVL_N_DROPS; i++) {
        uint64_t n = ovl_counter_read(block + i);

        if (n) {
            grid_port_or_null(g, port);
            if (vni != OVL_VNI_NONE) {
                ovl_grid_int(g, vni);
            } else {
                ovl_grid_null(g);
            }
            ovl_grid_str(g, ovl_drop_reason_name(i));
            ovl_grid_int(g, n);
        }
    }
}

static void
grid_port_drops(struct ovl_grid *g, const struct ovl_filter *filter,
                const struct ovl_lport *port)
{
    const struct ovl_binding *b = find_binding(port);

    grid_drops(g, filter, port, OVL_VNI_NONE, port->drops);
    if (b && b->role == OVL_ROLE_ACCESS) {
        grid_drops(g, filter, port, b->vni, b->drops);
    } else if (b && b->role == OVL_ROLE_GATEWAY) {
        for (size_t i = 0; i < b->n_vlans; i++) {
            grid_drops(g, filter, port, b->vlans[i].vni, b->vlans[i].drops);
        }
    }
}

/* Frames of a network that came in, or could not go out, by the uplink. */
static void
grid_tunnel_drops(struct ovl_grid *g, const struct ovl_filter *filter)
{
    const struct ovl_forwarding *fwd = ovl_dp_forwarding();
    const struct ovl_config *config
        = ovl_config_get(fwd, ovl_forwarding_version(fwd));
    struct array a = networks(filter);

    if (port_passes(filter, config->uplink)) {
        for (size_t i = 0; i < a.n; i++) {
            const struct ovl_network *net = a.p[i];

            grid_drops(g, filter, config->uplink, net->vni,
                       net->tunnel_drops);
        }
    }
    free(a.p);
}

void
ovl_list_drops(const struct ovl_filter *filter, struct ovl_grid *g)
{
    size_t n;
    struct ovl_lport **p = ports(filter, &n);

    ovl_grid_init(g, "port", "vni", "reason", "packets", NULL);
    for (size_t i = 0; i < n; i++) {
        grid_port_drops(g, filter, p[i]);
    }
    grid_tunnel_drops(g, filter);
    release(p, n);
}

/* Totals. */

const char *
ovl_total_name(int total)
{
    static const char *const names[OVL_N_TOTALS] = {
        [OVL_TOTAL_RECEIVED] = "received",
        [OVL_TOTAL_SENT] = "sent",
        [OVL_TOTAL_CONSUMED] = "consumed",
        [OVL_TOTAL_DROPPED] = "dropped",
        [OVL_TOTAL_REPLICATED] = "replicated",
        [OVL_TOTAL_GENERATED] = "generated",
    };

    return names[total];
}

const char *
ovl_event_name(int event)
{
    static const char *const names[OVL_EVENTS_END] = {
        [OVL_EVENT_ECN_SUSPICIOUS] = "ecn_suspicious",
        [OVL_EVENT_ECN_DANGEROUS] = "ecn_dangerous",
        [OVL_EVENT_MTU_HEARD] = "path_mtu_heard",
        [OVL_EVENT_MTU_FORGED] = "path_mtu_forged",
    };

    return names[event];
}
