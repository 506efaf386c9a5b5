/* SPDX-License-Identifier: Apache-2.0 */

/* Random rows and ports, compared with a naive model.
 *
 * Every row is made of small numbers that stand for values from fixed lists:
 * VNI 1...3, MAC 'a'...'d', IP 1...4, and so on, some of them bad.  After
 * each commit, the model works out from all of the rows, with no regard to
 * what was so before, what should be in the tables and which rows should have
 * an error.  The model knows neither the RIB's parser nor its indexes.
 *
 * Seeds are fixed; a failure names its seed, and OVL_TEST_SEED=N runs just
 * that one. */

#include <config.h>

#include "rib-fixture.h"

#define N_SEEDS 150
#define N_COMMITS 120

#define N_VNIS 3
#define N_MACS 4
#define N_IPS 4
#define N_VTEPS 4
#define N_NAMES 6               /* Of ports. */
#define N_GATEWAYS 5

/* Rows 1...N_ROWS of each table, bindings from BINDING_0 on: UUIDs of ports
 * and bindings are compared with each other. */
#define N_ROWS 7
#define BINDING_0 20
#define N_BRIDGES 2

/* Values, each in more than one spelling if there is one. */

static const char *const mac_texts[N_MACS + 1][2] = {
    { "02:00:00:00:00:0a", "02-00-00-00-00-0A" },
    { "02:00:00:00:00:0b", "0200.0000.000b" },
    { "02:00:00:00:00:0c", "2:0:0:0:0:c" },
    { "02:00:00:00:00:0d", "02:00:00:00:00:0D" },
    { "bad", "01:00:5e:00:00:01" },
};
#define BAD_MAC N_MACS

static const char *const ip_texts[N_IPS + 1][2] = {
    { "10.1.0.1", "10.1.0.1" },
    { "10.1.0.2", "10.1.0.2" },
    { "2001:db8::3", "2001:DB8:0::3" },
    { "fe80::4", "FE80:0:0:0:0:0:0:4" },
    { "bad", "::ffff:10.1.0.1" },
};
#define BAD_IP N_IPS

static const char *const vtep_texts[N_VTEPS + 1] = {
    "192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "0.0.0.0",
};
#define BAD_VTEP N_VTEPS

static const char *const names[N_NAMES] = {
    "br-ov", "br-x", "eth1", "vm1", "vm2", "vm3",
};

static const char *const ids[] = { "id1", "id2" };

/* Gateways; overlaps as the model has them by hand. */
static const char *const gateway_texts[N_GATEWAYS] = {
    "10.1.0.1/24", "10.1.0.9/16", "10.2.0.1/24", "fe80::1/64",
    "2001:db8::1/64",
};

static bool
gateways_overlap(int a, int b)
{
    return ((a == b && a != 3) || (a == 0 && b == 1) || (a == 1 && b == 0));
}

static const char *const vrfs[] = { "", "red", "blue" };

/* Rows. */

struct m_address {
    int mac;
    int ip;                     /* -1: none; N_IPS + 1: a range. */
};
#define RANGE_IP (N_IPS + 1)

struct m_bind {
    bool present;
    int name;                   /* Port: in 'names'.  Binding: 0...5 in
                                 * 'names', 6 and 7 in 'ids'. */
    int vni;                    /* 0: bad in a binding, none in a port. */
    int n_addresses;
    struct m_address addresses[2];

    /* Port. */
    int id;                     /* -1: none. */
    int attached;               /* -1: none. */
    bool bond;
    bool outside;               /* Not on the overlay bridge. */
    int vlan_vni;               /* VLAN 7; 0: none. */
};

struct m_network {
    bool present;
    int vni;
    int vrf;
    unsigned int gateways;      /* Bits. */
    unsigned int flood;         /* Bits; one more is bad. */
};

struct m_mac {
    bool present;
    int vni, mac, vtep;
    int ip;                     /* -1: none. */
};

struct m_neighbor {
    bool present;
    int vni, ip, mac;
};

struct m_bridge {
    bool present;
    int vtep;                   /* -1: none. */
    int uplink;                 /* In 'names', -1: none. */
};

struct model {
    uint32_t seed;
    int step;
    struct rib_fixture f;
    struct m_bridge bridges[N_BRIDGES + 1];
    struct m_bind ports[N_ROWS + 1];
    struct m_bind bindings[N_ROWS + 1];
    struct m_network networks[N_ROWS + 1];
    struct m_mac macs[N_ROWS + 1];
    struct m_neighbor neighbors[N_ROWS + 1];

    /* Worked out. */
    struct svec lines;
    int own;                    /* Of 'vtep_texts', -1: none. */
    int local, uplink;          /* Of 'names', -1: none. */
    int net_of[N_VNIS + 1];     /* Row in force by VNI, 0: none. */
    bool net_known[N_VNIS + 1];
    int mac_row[N_VNIS + 1][N_MACS];    /* In force, 0: none. */
    int local_port[N_VNIS + 1][N_MACS]; /* Of 'names', -1: none. */
    int holder[N_NAMES];        /* Row in force on a port: of Port, or
                                 * BINDING_0 + row; 0: none. */
};

/* What rows say as the model has it. */

static bool
network_valid(const struct m_network *net)
{
    return net->present && net->vni && !(net->flood >> N_VTEPS);
}

static bool
mac_valid(const struct m_mac *row)
{
    return (row->present && row->vni && row->mac != BAD_MAC
            && row->vtep != BAD_VTEP && row->ip != BAD_IP);
}

static bool
neighbor_valid(const struct m_neighbor *row)
{
    return (row->present && row->vni && row->mac != BAD_MAC
            && row->ip != BAD_IP);
}

static bool
addresses_valid(const struct m_bind *b)
{
    for (int i = 0; i < b->n_addresses; i++) {
        if (b->addresses[i].mac == BAD_MAC || b->addresses[i].ip == BAD_IP
            || (i && b->addresses[0].mac == b->addresses[1].mac)) {
            return false;
        }
    }
    return true;
}

static bool
port_has_columns(const struct m_bind *port)
{
    return port->vni || port->n_addresses || port->vlan_vni;
}

static bool
port_valid(const struct m_bind *port)
{
    return (!(port->vni && port->vlan_vni)
            && !(port->n_addresses && !port->vni)
            && !port->bond && !port->outside && addresses_valid(port));
}

static bool
is_live(const struct model *m, int name)
{
    return find_port(&m->f, names[name]) != NULL;
}

/* Row of Port of interface 'name', 0 if there is none. */
static int
port_of_name(const struct model *m, int name)
{
    for (int row = 1; row <= N_ROWS; row++) {
        if (m->ports[row].present && m->ports[row].name == name) {
            return row;
        }
    }
    return 0;
}

/* Name of the live interface that 'binding' means, -1 if there is none. */
static int
binding_target(const struct model *m, const struct m_bind *binding)
{
    if (binding->name < N_NAMES) {
        return is_live(m, binding->name) ? binding->name : -1;
    }
    for (int row = 1; row <= N_ROWS; row++) {
        if (m->ports[row].present
            && m->ports[row].id == binding->name - N_NAMES
            && is_live(m, m->ports[row].name)) {
            return m->ports[row].name;
        }
    }
    return -1;
}

/* Working it out. */

static void
work_out_bridge(struct model *m)
{
    int best = 0;

    for (int row = 1; row <= N_BRIDGES; row++) {
        if (m->bridges[row].present
            && (!best || (is_live(m, row - 1) && !is_live(m, best - 1)))) {
            best = row;
        }
    }
    m->own = best ? m->bridges[best].vtep : -1;
    m->local = best ? best - 1 : -1;
    m->uplink = best ? m->bridges[best].uplink : -1;
    for (int row = 1; row <= N_BRIDGES; row++) {
        if (m->bridges[row].present && row != best) {
            svec_add_nocopy(&m->lines, xasprintf("error %d %d",
                                                 OVL_RIB_BRIDGE, row));
        }
    }

    /* A bond is none. */
    int port = m->uplink >= 0 ? port_of_name(m, m->uplink) : 0;
    bool bond = port && m->ports[port].bond;
    if (bond) {
        svec_add_nocopy(&m->lines, xasprintf("error %d %d", OVL_RIB_BRIDGE,
                                             best));
    }
    svec_add_nocopy(&m->lines, xasprintf(
        "config %s :: port 4789 ttl 64 local %s uplink %s",
        m->own >= 0 ? vtep_texts[m->own] : "::",
        m->local >= 0 && is_live(m, m->local) ? names[m->local] : "-",
        m->uplink >= 0 && !bond && is_live(m, m->uplink)
        ? names[m->uplink] : "-"));
}

static bool
networks_conflict(const struct m_network *a, const struct m_network *b)
{
    if (a->vni == b->vni) {
        return true;
    }
    for (int i = 0; i < N_GATEWAYS; i++) {
        for (int j = 0; j < N_GATEWAYS; j++) {
            if (a->vrf && a->vrf == b->vrf && a->gateways & (1u << i)
                && b->gateways & (1u << j) && gateways_overlap(i, j)) {
                return true;
            }
        }
    }
    return false;
}

static void
work_out_networks(struct model *m)
{
    bool in_force[N_ROWS + 1] = { false };

    memset(m->net_of, 0, sizeof m->net_of);
    memset(m->net_known, 0, sizeof m->net_known);
    for (int row = 1; row <= N_ROWS; row++) {
        const struct m_network *net = &m->networks[row];

        if (!net->present) {
            continue;
        }
        m->net_known[net->vni] = true;
        in_force[row] = network_valid(net);
        for (int other = 1; other < row; other++) {
            if (in_force[other]
                && networks_conflict(net, &m->networks[other])) {
                in_force[row] = false;
            }
        }
        if (in_force[row]) {
            m->net_of[net->vni] = row;
        } else {
            svec_add_nocopy(&m->lines, xasprintf("error %d %d",
                                                 OVL_RIB_NETWORK, row));
        }
    }
}

/* MACs that 'b' wants on 'name', as bits. */
static unsigned int
wanted_macs(const struct model *m, const struct m_bind *b, int name)
{
    unsigned int macs = 0;

    for (int i = 0; i < b->n_addresses; i++) {
        macs |= 1u << b->addresses[i].mac;
    }
    if (b->vni && !b->n_addresses) {
        int port = port_of_name(m, name);

        if (port && m->ports[port].attached >= 0
            && m->ports[port].attached != BAD_MAC) {
            macs |= 1u << m->ports[port].attached;
        }
    }
    return macs;
}

static void
hold(struct model *m, int row, const struct m_bind *b, int name)
{
    unsigned int macs = wanted_macs(m, b, name);

    m->holder[name] = row;
    for (int mac = 0; mac < N_MACS; mac++) {
        if (macs & (1u << mac)) {
            m->local_port[b->vni][mac] = name;
        }
    }
}

/* True if 'b' conflicts with somebody before it. */
static bool
bind_conflicts(const struct model *m, const struct m_bind *b, int name)
{
    unsigned int macs = wanted_macs(m, b, name);

    for (int mac = 0; mac < N_MACS; mac++) {
        if (macs & (1u << mac) && m->local_port[b->vni][mac] >= 0) {
            return true;
        }
    }
    return m->holder[name] != 0;
}

static bool
attached_is_bad(const struct model *m, const struct m_bind *b, int name)
{
    int port = port_of_name(m, name);

    return (b->vni && !b->n_addresses && port
            && m->ports[port].attached == BAD_MAC);
}

/* Puts a valid row in force on 'name' if it can be. Returns whether it has an
 * error. */
static bool
work_out_bind(struct model *m, int row, const struct m_bind *b, int name)
{
    if (name == m->local || name == m->uplink) {
        return true;
    } else if (!is_live(m, name)) {
        return false;
    } else if (bind_conflicts(m, b, name)) {
        return true;
    }
    hold(m, row, b, name);
    return (!m->net_of[b->vni ? b->vni : b->vlan_vni]
            || attached_is_bad(m, b, name));
}

static void
work_out_binds(struct model *m)
{
    memset(m->holder, 0, sizeof m->holder);
    memset(m->local_port, 0xff, sizeof m->local_port);

    for (int row = 1; row <= N_ROWS; row++) {
        const struct m_bind *port = &m->ports[row];

        if (port->present && port_has_columns(port)
            && (!port_valid(port)
                || work_out_bind(m, row, port, port->name))) {
            svec_add_nocopy(&m->lines, xasprintf("error %d %d", OVL_RIB_PORT,
                                                 row));
        }
    }
    for (int i = 1; i <= N_ROWS; i++) {
        const struct m_bind *binding = &m->bindings[i];
        bool error;

        if (!binding->present) {
            continue;
        }
        if (!binding->vni || !addresses_valid(binding)) {
            error = true;
        } else {
            int name = binding_target(m, binding);
            int port = name >= 0 ? port_of_name(m, name) : 0;

            error = (name >= 0
                     && ((port && (m->ports[port].bond
                                   || port_has_columns(&m->ports[port])))
                         || work_out_bind(m, BINDING_0 + i, binding, name)));
        }
        if (error) {
            svec_add_nocopy(&m->lines, xasprintf("error %d %d",
                                                 OVL_RIB_BINDING,
                                                 BINDING_0 + i));
        }
    }
}

static const struct m_bind *
holder_of(const struct model *m, int name)
{
    int row = m->holder[name];

    return (!row ? NULL : row > BINDING_0 ? &m->bindings[row - BINDING_0]
            : &m->ports[row]);
}

static void
show_bindings(struct model *m)
{
    for (int name = 0; name < N_NAMES; name++) {
        const struct m_bind *b = holder_of(m, name);
        struct ds ds = DS_EMPTY_INITIALIZER;
        int port = port_of_name(m, name);

        if (!is_live(m, name)) {
            continue;
        } else if (name == m->local) {
            ds_put_format(&ds, "binding %s local", names[name]);
        } else if (name == m->uplink && !(port && m->ports[port].bond)) {
            ds_put_format(&ds, "binding %s uplink", names[name]);
        } else if (!b) {
            continue;
        } else if (b->vlan_vni) {
            ds_put_format(&ds, "binding %s gateway 7=%d", names[name],
                          b->vlan_vni);
        } else {
            ds_put_format(&ds, "binding %s access %d%s", names[name], b->vni,
                          b->n_addresses ? " guarded" : "");
            for (int mac = 0; mac < N_MACS; mac++) {
                for (int i = 0; i < b->n_addresses; i++) {
                    const struct m_address *a = &b->addresses[i];

                    if (a->mac == mac) {
                        ds_put_format(&ds, " %s", mac_texts[mac][0]);
                        if (a->ip == RANGE_IP) {
                            ds_put_cstr(&ds, " 10.9.0.0/16");
                        } else if (a->ip >= 0) {
                            ds_put_format(&ds, " %s/%d", ip_texts[a->ip][0],
                                          a->ip < 2 ? 32 : 128);
                        }
                    }
                }
            }
        }
        svec_add(&m->lines, ds_cstr(&ds));
        ds_destroy(&ds);
    }
}

static void
show_macs(struct model *m)
{
    memset(m->mac_row, 0, sizeof m->mac_row);
    for (int row = 1; row <= N_ROWS; row++) {
        const struct m_mac *mac = &m->macs[row];
        bool valid = mac_valid(mac);

        if (valid && !m->mac_row[mac->vni][mac->mac]) {
            m->mac_row[mac->vni][mac->mac] = row;
        } else if (mac->present) {
            svec_add_nocopy(&m->lines, xasprintf("error %d %d", OVL_RIB_MAC,
                                                 row));
        }
    }
    for (int vni = 1; vni <= N_VNIS; vni++) {
        for (int mac = 0; mac < N_MACS; mac++) {
            int port = m->local_port[vni][mac];
            int row = m->mac_row[vni][mac];
            const char *where
                = (port >= 0 ? names[port]
                   : row && m->macs[row].vtep != m->own
                   ? vtep_texts[m->macs[row].vtep] : NULL);

            if (where) {
                svec_add_nocopy(&m->lines, xasprintf("mac %d %s %s", vni,
                                                     mac_texts[mac][0],
                                                     where));
            }
        }
    }
}

/* MACs that claim 'ip' in 'vni', as bits. */
static unsigned int
claims(const struct model *m, int vni, int ip)
{
    unsigned int macs = 0;

    for (int mac = 0; mac < N_MACS; mac++) {
        int row = m->mac_row[vni][mac];

        if (row && m->macs[row].ip == ip) {
            macs |= 1u << mac;
        }
    }
    for (int name = 0; name < N_NAMES; name++) {
        const struct m_bind *b = holder_of(m, name);

        for (int i = 0; b && b->vni == vni && i < b->n_addresses; i++) {
            if (b->addresses[i].ip == ip) {
                macs |= 1u << b->addresses[i].mac;
            }
        }
    }
    return macs;
}

static void
show_neighbors(struct model *m)
{
    int explicit[N_VNIS + 1][N_IPS] = { { 0 } };

    for (int row = 1; row <= N_ROWS; row++) {
        const struct m_neighbor *n = &m->neighbors[row];
        bool valid = neighbor_valid(n);

        if (valid && !explicit[n->vni][n->ip]) {
            explicit[n->vni][n->ip] = row;
        } else if (n->present) {
            svec_add_nocopy(&m->lines, xasprintf("error %d %d",
                                                 OVL_RIB_NEIGHBOR, row));
        }
    }
    for (int vni = 1; vni <= N_VNIS; vni++) {
        for (int ip = 0; ip < N_IPS; ip++) {
            unsigned int macs = (explicit[vni][ip]
                                 ? 1u << m->neighbors[explicit[vni][ip]].mac
                                 : claims(m, vni, ip));

            if (macs) {
                svec_add_nocopy(&m->lines, xasprintf(
                    "neighbor %d %s %s", vni, ip_texts[ip][0],
                    macs & (macs - 1) ? "shared"
                    : mac_texts[ctz32(macs)][0]));
            }
        }
    }
}

/* VTEPs that rows of 'vni' name, as bits. */
static unsigned int
named_vteps(const struct model *m, int vni)
{
    unsigned int vteps = m->networks[m->net_of[vni]].flood;

    for (int mac = 0; mac < N_MACS; mac++) {
        int row = m->mac_row[vni][mac];

        if (row) {
            vteps |= 1u << m->macs[row].vtep;
        }
    }
    return vteps;
}

static void
put_vteps(const struct model *m, struct ds *ds, unsigned int vteps)
{
    for (int i = 0; i < N_VTEPS; i++) {
        if (vteps & (1u << i) && i != m->own) {
            ds_put_format(ds, " %s", vtep_texts[i]);
        }
    }
}

static void
show_network(struct model *m, int vni)
{
    const struct m_network *net = &m->networks[m->net_of[vni]];
    struct ds ds = DS_EMPTY_INITIALIZER;
    uint64_t router_mac = 0;
    unsigned int sources = 0;

    if (net->gateways) {
        router_mac = UINT64_C(0x02005e000101);
    } else if (m->local >= 0 && is_live(m, m->local)) {
        router_mac = eth_addr_to_uint64(
            ovl_lport_mac(find_port(&m->f, names[m->local])));
    }
    struct eth_addr mac;
    eth_addr_from_uint64(router_mac, &mac);
    ds_put_format(&ds, "network %d \"\" vrf \"%s\" mtu 0 router "ETH_ADDR_FMT
                  " gateways", vni, vrfs[net->vrf], ETH_ADDR_ARGS(mac));

    /* In order of addresses, the link-local one of the MAC last. */
    static const int order[N_GATEWAYS] = { 0, 1, 2, 4, 3 };
    for (int i = 0; i < N_GATEWAYS; i++) {
        if (net->gateways & (1u << order[i])) {
            ds_put_format(&ds, " %s", gateway_texts[order[i]]);
        }
    }
    if (net->gateways & 0x18) {
        ds_put_cstr(&ds, " fe80::5eff:fe00:101/64");
    }

    ds_put_cstr(&ds, " flood");
    put_vteps(m, &ds, net->flood);
    ds_put_cstr(&ds, " members");
    for (int name = 0; name < N_NAMES; name++) {
        const struct m_bind *b = holder_of(m, name);

        if (b && (b->vlan_vni ? b->vlan_vni : b->vni) == vni) {
            ds_put_format(&ds, " %s.%d", names[name], b->vlan_vni ? 7 : 0);
        }
    }
    for (int other = 1; other <= N_VNIS; other++) {
        if (other == vni || (net->vrf && m->net_of[other]
                             && m->networks[m->net_of[other]].vrf
                                == net->vrf)) {
            sources |= named_vteps(m, other);
        }
    }
    ds_put_cstr(&ds, " sources");
    put_vteps(m, &ds, sources);
    svec_add(&m->lines, ds_cstr(&ds));
    ds_destroy(&ds);
}

static char *
work_out(struct model *m)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    svec_init(&m->lines);
    work_out_bridge(m);
    work_out_networks(m);
    work_out_binds(m);
    show_bindings(m);
    show_macs(m);
    show_neighbors(m);
    for (int vni = 1; vni <= N_VNIS; vni++) {
        if (m->net_of[vni]) {
            show_network(m, vni);
        }
    }
    svec_sort(&m->lines);
    for (size_t i = 0; i < m->lines.n; i++) {
        ds_put_format(&ds, "%s\n", m->lines.names[i]);
    }
    svec_destroy(&m->lines);
    return ds_steal_cstr(&ds);
}

/* What is there, with errors without their text. */
static char *
actual(const struct model *m)
{
    struct svec lines = SVEC_EMPTY_INITIALIZER;
    struct ds ds = DS_EMPTY_INITIALIZER;
    char *tables = dump_tables(m->f.fwd);
    char *save_ptr = NULL;

    for (char *line = strtok_r(tables, "\n", &save_ptr); line;
         line = strtok_r(NULL, "\n", &save_ptr)) {
        svec_add(&lines, line);
    }
    free(tables);
    for (int i = 0; i < OVL_RIB_N_TABLES; i++) {
        for (int j = 0; j < RIB_MAX_ROWS; j++) {
            if (m->f.errors[i][j]) {
                svec_add_nocopy(&lines, xasprintf("error %d %d", i, j));
            }
        }
    }
    svec_sort(&lines);
    for (size_t i = 0; i < lines.n; i++) {
        ds_put_format(&ds, "%s\n", lines.names[i]);
    }
    svec_destroy(&lines);
    return ds_steal_cstr(&ds);
}

/* Random changes. */

/* True once in 'n'. */
static bool
seldom(int n)
{
    return !random_range(n);
}

/* Of 0...n - 1, or once in 20 times 'n', which is bad. */
static int
value(int n)
{
    return seldom(20) ? n : random_range(n);
}

static char *
spell(const char *const texts[2])
{
    return CONST_CAST(char *, texts[random_range(2)]);
}

static void
random_addresses(struct m_bind *b)
{
    b->n_addresses = random_range(3);
    for (int i = 0; i < b->n_addresses; i++) {
        b->addresses[i].mac = value(N_MACS);
        b->addresses[i].ip = seldom(2) ? -1 : seldom(4) ? RANGE_IP
                             : value(N_IPS);
    }
}

/* Writes the texts of 'b''s addresses to 'texts', for the caller to free. */
static struct ovl_strings
address_texts(const struct m_bind *b, char *texts[2])
{
    for (int i = 0; i < b->n_addresses; i++) {
        const struct m_address *a = &b->addresses[i];

        texts[i] = xasprintf("%s%s%s", spell(mac_texts[a->mac]),
                             a->ip < 0 ? "" : " ",
                             a->ip < 0 ? "" : a->ip == RANGE_IP
                             ? "10.9.0.0/16" : spell(ip_texts[a->ip]));
    }
    return (struct ovl_strings) { .s = texts, .n = b->n_addresses };
}

static void
change_bridge(struct model *m)
{
    int row = 1 + random_range(N_BRIDGES);
    struct m_bridge *b = &m->bridges[row];

    b->present = seldom(2) ? row == 1 : !seldom(4);
    if (!b->present) {
        del(&m->f, OVL_RIB_BRIDGE, row);
        return;
    }
    b->vtep = (int) random_range(N_VTEPS) - 1;
    b->uplink = seldom(4) ? -1 : 2 + (int) random_range(2);
    SET(&m->f, bridge, row, .name = names[row - 1],
        .vtep_ips = { .s = (char *[]) { CONST_CAST(char *, b->vtep >= 0
                                        ? vtep_texts[b->vtep] : NULL) },
                      .n = b->vtep >= 0 },
        .uplinks = { .s = (char *[]) { CONST_CAST(char *, b->uplink >= 0
                                       ? names[b->uplink] : NULL) },
                     .n = b->uplink >= 0 });
}

static void
change_port(struct model *m)
{
    int row = 1 + random_range(N_ROWS);
    struct m_bind *b = &m->ports[row];
    int64_t vlan = 7;
    char *texts[2];

    if (row > N_NAMES || seldom(4)) {
        b->present = false;
        del(&m->f, OVL_RIB_PORT, row);
        return;
    }

    /* Names stay; row numbers are not in the order of names. */
    *b = (struct m_bind) {
        .present = true,
        .name = (row * 5) % N_NAMES,
        .vni = seldom(3) ? 0 : 1 + random_range(N_VNIS),
        .vlan_vni = seldom(6) ? 1 + random_range(N_VNIS) : 0,
        .id = (int) random_range(ARRAY_SIZE(ids) + 1) - 1,
        .attached = seldom(2) ? -1 : value(N_MACS),
        .bond = seldom(10),
        .outside = seldom(20),
    };
    random_addresses(b);
    if (seldom(3)) {
        b->vni = b->vlan_vni = b->n_addresses = 0;
    }

    int64_t vlan_vni = b->vlan_vni;
    struct ovl_row_iface ifaces[] = {
        {
            .name = names[b->name],
            .iface_id = b->id < 0 ? NULL : ids[b->id],
            .attached_mac = b->attached < 0 ? NULL
                            : spell(mac_texts[b->attached]),
        },
        { .name = "other" },
    };
    SET(&m->f, port, row, .name = names[b->name],
        .on_overlay_bridge = !b->outside, .ifaces = ifaces,
        .n_ifaces = b->bond ? 2 : 1, .has_vni = b->vni != 0, .vni = b->vni,
        .addresses = address_texts(b, texts), .vlans = &vlan,
        .vlan_vnis = &vlan_vni, .n_vlans = b->vlan_vni != 0);
    for (int i = 0; i < b->n_addresses; i++) {
        free(texts[i]);
    }
}

static void
change_binding(struct model *m)
{
    int i = 1 + random_range(N_ROWS);
    struct m_bind *b = &m->bindings[i];
    char *texts[2];

    if (seldom(4)) {
        b->present = false;
        del(&m->f, OVL_RIB_BINDING, BINDING_0 + i);
        return;
    }
    *b = (struct m_bind) {
        .present = true,
        .name = random_range(N_NAMES + ARRAY_SIZE(ids)),
        .vni = seldom(20) ? 0 : 1 + random_range(N_VNIS),
    };
    random_addresses(b);
    SET(&m->f, binding, BINDING_0 + i,
        .iface = b->name < N_NAMES ? names[b->name] : ids[b->name - N_NAMES],
        .vni = b->vni, .addresses = address_texts(b, texts));
    for (int j = 0; j < b->n_addresses; j++) {
        free(texts[j]);
    }
}

static void
change_network(struct model *m)
{
    int row = 1 + random_range(N_ROWS);
    struct m_network *net = &m->networks[row];
    char *gateways[N_GATEWAYS], *flood[N_VTEPS + 1];
    size_t n_gateways = 0, n_flood = 0;

    if (seldom(3)) {
        net->present = false;
        del(&m->f, OVL_RIB_NETWORK, row);
        return;
    }
    *net = (struct m_network) {
        .present = true,
        .vni = seldom(20) ? 0 : 1 + random_range(N_VNIS),
        .vrf = random_range(ARRAY_SIZE(vrfs)),
        .gateways = seldom(2) ? 0 : random_range(1 << N_GATEWAYS),
        .flood = random_range(1 << N_VTEPS)
                 | (seldom(20) ? 1u << BAD_VTEP : 0),
    };
    if ((net->gateways & 3) == 3) {
        net->gateways &= ~1;
    }
    for (int i = 0; i < N_GATEWAYS; i++) {
        if (net->gateways & (1u << i)) {
            gateways[n_gateways++] = CONST_CAST(char *, gateway_texts[i]);
        }
    }
    for (int i = 0; i <= N_VTEPS; i++) {
        if (net->flood & (1u << i)) {
            flood[n_flood++] = CONST_CAST(char *, vtep_texts[i]);
        }
    }
    SET(&m->f, network, row, .vni = net->vni, .vrf = vrfs[net->vrf],
        .gateway_ips = { .s = gateways, .n = n_gateways },
        .flood_vteps = { .s = flood, .n = n_flood });
}

static void
change_mac(struct model *m)
{
    int row = 1 + random_range(N_ROWS);
    struct m_mac *mac = &m->macs[row];

    if (seldom(4)) {
        mac->present = false;
        del(&m->f, OVL_RIB_MAC, row);
        return;
    }
    *mac = (struct m_mac) {
        .present = true,
        .vni = seldom(20) ? 0 : 1 + random_range(N_VNIS),
        .mac = value(N_MACS),
        .vtep = value(N_VTEPS),
        .ip = seldom(3) ? -1 : value(N_IPS),
    };
    SET(&m->f, mac, row, .vni = mac->vni, .mac = spell(mac_texts[mac->mac]),
        .vtep = vtep_texts[mac->vtep],
        .ips = { .s = (char *[]) { mac->ip >= 0 ? spell(ip_texts[mac->ip])
                                   : NULL },
                 .n = mac->ip >= 0 });
}

static void
change_neighbor(struct model *m)
{
    int row = 1 + random_range(N_ROWS);
    struct m_neighbor *n = &m->neighbors[row];

    if (seldom(3)) {
        n->present = false;
        del(&m->f, OVL_RIB_NEIGHBOR, row);
        return;
    }
    *n = (struct m_neighbor) {
        .present = true,
        .vni = seldom(20) ? 0 : 1 + random_range(N_VNIS),
        .ip = value(N_IPS),
        .mac = value(N_MACS),
    };
    SET(&m->f, neighbor, row, .vni = n->vni, .ip = spell(ip_texts[n->ip]),
        .mac = spell(mac_texts[n->mac]));
}

static void
change_live_ports(struct model *m)
{
    const char *name = names[random_range(N_NAMES)];

    if (find_port(&m->f, name)) {
        del_port(&m->f, name);
    }
    if (!seldom(3)) {
        add_port(&m->f, name);
    }
}

static void (*const changes[])(struct model *) = {
    change_bridge, change_live_ports, change_live_ports, change_port,
    change_port, change_binding, change_binding, change_network,
    change_network, change_mac, change_mac, change_neighbor,
};

static void
run(uint32_t seed)
{
    struct model *m = xzalloc(sizeof *m);

    m->seed = seed;
    random_set_seed(seed);
    rib_fixture_init(&m->f);
    for (m->step = 0; m->step < N_COMMITS; m->step++) {
        int n = 1 + random_range(seldom(4) ? 30 : 3);

        for (int i = 0; i < n; i++) {
            changes[random_range(ARRAY_SIZE(changes))](m);
        }
        commit(&m->f);

        char *is = actual(m);
        char *should = work_out(m);
        if (strcmp(is, should)) {
            fail_msg("OVL_TEST_SEED=%u, commit %d: tables are\n%s\n"
                     "and should be\n%s", seed, m->step, is, should);
        }
        free(is);
        free(should);
        if (seldom(8)) {
            drain(m->f.fwd);
        }
    }
    rib_fixture_uninit(&m->f);
    free(m);
}

static void
tables_are_what_a_naive_model_says(void **state OVS_UNUSED)
{
    const char *only = getenv("OVL_TEST_SEED");

    if (only) {
        run(atoi(only));
        return;
    }
    for (uint32_t seed = 1; seed <= N_SEEDS; seed++) {
        run(seed);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_are_what_a_naive_model_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
