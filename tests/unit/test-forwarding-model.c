/* SPDX-License-Identifier: Apache-2.0 */

/* Random transactions on all tables at once, compared with a naive model.
 *
 * The model has for each key of each table a small number, 0 for "no entry",
 * from which the entry's contents follow.  A version's contents are a copy of
 * all these numbers.  After each commit, every version that a reader could
 * still be in is compared whole.  The model also says which packet counters
 * live on.
 *
 * Seeds are fixed; a failure names its seed, and OVL_TEST_SEED=N runs just
 * that one. */

#include <config.h>

#include "tables-fixture.h"

#include "forwarding-private.h"

#define N_SEEDS 100
#define N_TRANSACTIONS 150

#define N_PORTS 3
#define N_VTEPS 12              /* As many as there are even variants. */
#define N_VNIS 4                /* VNIs are 1...N_VNIS. */
#define N_MACS 12
#define N_NEIGHBORS 12
#define N_SOURCES 8
#define MAX_VARIANT 24

/* What is in force in one version. */
struct model {
    int config;                 /* Never 0. */
    int bindings[N_PORTS];
    int networks[N_VNIS + 1];
    int macs[N_MACS];
    int neighbors[N_NEIGHBORS];
    int sources[N_SOURCES];
};

/* A version that readers may be in. */
struct published {
    ovs_version_t version;
    struct model model;
};

struct run {
    uint32_t seed;
    int step;
    struct ovl_forwarding *fwd;
    struct ovl_shard *shard;
    struct ovl_lport *ports[N_PORTS];
    struct in6_addr vtep_ips[N_VTEPS];
    struct published history[N_TRANSACTIONS + 2];
    size_t n_history;

    /* What the counters should say. */
    uint64_t network_packets[N_VNIS + 1];
    uint64_t drops[N_PORTS][N_VNIS + 1];
};

#define CHECK(RUN, CONDITION)                                                \
    do {                                                                     \
        if (!(CONDITION)) {                                                  \
            fail_msg("OVL_TEST_SEED=%u, transaction %d: %s",                 \
                     (RUN)->seed, (RUN)->step, #CONDITION);                  \
        }                                                                    \
    } while (0)

/* Contents that follow from a variant.  Different variants of a table must
 * give different contents. */

static struct ovl_vtep *
vtep_of(const struct run *r, int i)
{
    return ovl_vtep_lookup(r->fwd, &r->vtep_ips[i % N_VTEPS]);
}

static void
fill_config(const struct run *r, int variant, struct ovl_config *config)
{
    *config = (struct ovl_config) {
        .vxlan_port = 4789,
        .ttl = variant,
        .uplink = r->ports[variant % N_PORTS],
    };
}

static enum ovl_role
binding_role(int variant)
{
    switch (variant % 8) {
    case 0: return (variant == 8 ? OVL_ROLE_UNBOUND
                    : variant == 16 ? OVL_ROLE_UPLINK
                    : OVL_ROLE_LOCAL);
    case 1: case 2: case 3: case 4: return OVL_ROLE_ACCESS;
    default: return OVL_ROLE_GATEWAY;
    }
}

/* True if a binding of 'variant' is of network 'vni'. */
static bool
binding_has_vni(int variant, uint32_t vni)
{
    switch (binding_role(variant)) {
    case OVL_ROLE_ACCESS:
        return vni == 1 + variant % N_VNIS;
    case OVL_ROLE_GATEWAY:
        return vni != 1 + variant % N_VNIS;
    case OVL_ROLE_UNBOUND:
    case OVL_ROLE_UPLINK:
    case OVL_ROLE_LOCAL:
        break;
    }
    return false;
}

#define MAX_VLANS (2 * N_VNIS)

static void
set_binding(const struct run *r, int port, int variant)
{
    struct ovl_prefix prefix = prefix_from("10.0.0.0", 8 + variant % 24);
    struct ovl_guard guard = {
        .mac = mac_nr(variant), .n_prefixes = 1, .prefixes = &prefix,
    };
    struct ovl_vlan_binding vlans[MAX_VLANS];
    struct ovl_binding binding = {
        .port = r->ports[port], .role = binding_role(variant),
        .guarded = true, .n_guards = 1, .guards = &guard, .vlans = vlans,
        .vni = 1 + variant % N_VNIS,
    };

    /* Two VLANs for each network. */
    for (int i = 0; i < MAX_VLANS; i++) {
        uint32_t vni = 1 + i % N_VNIS;

        if (binding_has_vni(variant, vni)) {
            vlans[binding.n_vlans++] = (struct ovl_vlan_binding) {
                .vlan = 100 * variant + i, .vni = vni };
        }
    }
    ovl_binding_set(r->fwd, &binding);
}

static void
set_network(const struct run *r, uint32_t vni, int variant)
{
    struct ovl_member members[N_PORTS];
    struct ovl_vtep *flood[N_VTEPS];
    struct ovl_network net = {
        .vni = vni, .mtu = variant, .members = members, .flood = flood,
        .n_members = variant % (N_PORTS + 1),
        .n_flood = variant % (N_VTEPS + 1),
    };

    for (int i = 0; i < net.n_members; i++) {
        members[i] = (struct ovl_member) { r->ports[i], variant };
    }
    for (int i = 0; i < net.n_flood; i++) {
        flood[i] = ovl_vtep_ref(r->fwd, &r->vtep_ips[i]);
    }
    ovl_network_set(r->fwd, &net);
    for (int i = 0; i < net.n_flood; i++) {
        ovl_vtep_unref(r->fwd, flood[i]);
    }
}

static uint32_t
mac_vni(int key)
{
    return 1 + key % N_VNIS;
}

/* Of either family. */
static struct in6_addr
neighbor_ip(int key)
{
    struct in6_addr ip = ip4_nr(key / N_VNIS);

    ip.s6_addr[0] = key / N_VNIS % 2 ? 0x20 : 0;
    return ip;
}

static void
set_mac(const struct run *r, int key, int variant)
{
    struct ovl_mac mac = {
        .vni = mac_vni(key), .mac = mac_nr(key / N_VNIS),
    };

    if (variant % 2) {
        mac.port = r->ports[variant % N_PORTS];
        mac.vlan = variant;
    } else {
        mac.vtep = ovl_vtep_ref(r->fwd, &r->vtep_ips[variant / 2 % N_VTEPS]);
    }
    ovl_mac_set(r->fwd, &mac);
    ovl_vtep_unref(r->fwd, mac.vtep);
}

static void
set_neighbor(const struct run *r, int key, int variant)
{
    ovl_neighbor_set(r->fwd, &(struct ovl_neighbor) {
        .vni = mac_vni(key), .ip = neighbor_ip(key),
        .mac = mac_nr(variant / 4), .router = variant & 1,
        .shared = variant & 2 });
}

/* Comparing one version with the model. */

static void
check_binding(const struct run *r, ovs_version_t v, int port, int variant)
{
    const struct ovl_binding *binding
        = ovl_binding_lookup(r->fwd, v, r->ports[port]->id);

    CHECK(r, !binding == !variant);
    if (!binding) {
        return;
    }
    CHECK(r, binding->port == r->ports[port]);
    CHECK(r, binding->role == binding_role(variant));
    if (binding->role == OVL_ROLE_ACCESS) {
        const struct ovl_guard *guard
            = ovl_binding_find_guard(binding, mac_nr(variant));

        CHECK(r, binding->vni == 1 + variant % N_VNIS);
        CHECK(r, guard && guard->n_prefixes == 1);
        CHECK(r, guard->prefixes[0].plen == 96 + 8 + variant % 24);
    }
    for (int i = 0; i < MAX_VLANS; i++) {
        const struct ovl_vlan_binding *vlan
            = ovl_binding_find_vlan(binding, 100 * variant + i);
        uint32_t vni = 1 + i % N_VNIS;

        CHECK(r, !vlan == !(binding->role == OVL_ROLE_GATEWAY
                            && binding_has_vni(variant, vni)));
        CHECK(r, !vlan || vlan->vni == vni);
        CHECK(r, !vlan || i < N_VNIS
              || vlan->drops == ovl_binding_find_vlan(
                     binding, 100 * variant + i - N_VNIS)->drops);
    }
}

static void
check_network(const struct run *r, ovs_version_t v, uint32_t vni, int variant)
{
    const struct ovl_network *net = ovl_network_lookup(r->fwd, v, vni);

    CHECK(r, !net == !variant);
    if (net) {
        CHECK(r, net->vni == vni && net->mtu == variant);
        CHECK(r, net->n_members == variant % (N_PORTS + 1));
        CHECK(r, net->n_flood == variant % (N_VTEPS + 1));
        for (int i = 0; i < net->n_members; i++) {
            CHECK(r, net->members[i].port == r->ports[i]);
        }
        for (int i = 0; i < net->n_flood; i++) {
            CHECK(r, net->flood[i] == vtep_of(r, i));
        }
    }
}

static void
check_mac(const struct run *r, ovs_version_t v, int key, int variant)
{
    const struct ovl_way *mac = ovl_mac_lookup(r->fwd, v, mac_vni(key),
                                               mac_nr(key / N_VNIS));

    CHECK(r, !mac == !variant);
    if (mac) {
        CHECK(r, mac->vlan == (variant % 2 ? variant : 0));
        CHECK(r, mac->port == (variant % 2 ? r->ports[variant % N_PORTS]
                               : NULL));
        CHECK(r, mac->vtep == (variant % 2 ? NULL : vtep_of(r, variant / 2)));
    }
}

static void
check_neighbor(const struct run *r, ovs_version_t v, int key, int variant)
{
    struct in6_addr ip = neighbor_ip(key);
    const struct ovl_owner *neighbor
        = ovl_neighbor_lookup(r->fwd, v, mac_vni(key), &ip);

    CHECK(r, !neighbor == !variant);
    if (neighbor) {
        CHECK(r, eth_addr_equals(neighbor->mac, mac_nr(variant / 4)));
        CHECK(r, neighbor->router == !!(variant & 1));
        CHECK(r, neighbor->shared == !!(variant & 2));
    }
}

static void
check_version(const struct run *r, const struct published *p)
{
    const struct ovl_config *config = ovl_config_get(r->fwd, p->version);
    const struct model *m = &p->model;

    CHECK(r, config->ttl == m->config);
    CHECK(r, config->uplink == r->ports[m->config % N_PORTS]);
    for (int i = 0; i < N_PORTS; i++) {
        check_binding(r, p->version, i, m->bindings[i]);
    }
    for (int i = 1; i <= N_VNIS; i++) {
        check_network(r, p->version, i, m->networks[i]);
    }
    for (int i = 0; i < N_MACS; i++) {
        check_mac(r, p->version, i, m->macs[i]);
    }
    for (int i = 0; i < N_NEIGHBORS; i++) {
        check_neighbor(r, p->version, i, m->neighbors[i]);
    }
    for (int i = 0; i < N_SOURCES; i++) {
        struct in6_addr ip = ip4_nr(i / 2);

        CHECK(r, ovl_source_allowed(r->fwd, p->version, i % 2, &ip)
              == m->sources[i]);
    }
}

static size_t
count_nonzero(const int *array, size_t n)
{
    size_t count = 0;

    for (size_t i = 0; i < n; i++) {
        count += array[i] != 0;
    }
    return count;
}

static void
check_sizes(const struct run *r, const struct model *m)
{
    struct ovl_table_sizes sizes;

    ovl_forwarding_sizes(r->fwd, &sizes);
    CHECK(r, sizes.bindings == count_nonzero(m->bindings, N_PORTS));
    CHECK(r, sizes.networks == count_nonzero(m->networks, N_VNIS + 1));
    CHECK(r, sizes.macs == count_nonzero(m->macs, N_MACS));
    CHECK(r, sizes.neighbors == count_nonzero(m->neighbors, N_NEIGHBORS));
}

/* The VTEPs that are there when nothing waits any more are those that some
 * entry refers to. */
static void
check_vteps(const struct run *r, const struct model *m)
{
    for (int i = 0; i < N_VTEPS; i++) {
        bool used = false;

        for (int vni = 1; vni <= N_VNIS; vni++) {
            used = used || m->networks[vni] % (N_VTEPS + 1) > i;
        }
        for (int key = 0; key < N_MACS; key++) {
            int variant = m->macs[key];

            used = used || (variant && !(variant % 2)
                            && variant / 2 % N_VTEPS == i);
        }
        CHECK(r, (vtep_of(r, i) != NULL) == used);
    }
}

/* Counters. */

/* Works out what commit of 'new' after 'old' does to the counters. */
static void
model_counters(struct run *r, const struct model *old,
               const struct model *new)
{
    for (int vni = 1; vni <= N_VNIS; vni++) {
        if (!old->networks[vni] || !new->networks[vni]) {
            r->network_packets[vni] = 0;
        }
        for (int port = 0; port < N_PORTS; port++) {
            if (!old->bindings[port] || !new->bindings[port]
                || !binding_has_vni(old->bindings[port], vni)
                || !binding_has_vni(new->bindings[port], vni)) {
                r->drops[port][vni] = 0;
            }
        }
    }
}

static uint32_t
drops_of(const struct ovl_binding *binding, uint32_t vni)
{
    for (int i = 0; i < binding->n_vlans; i++) {
        if (binding->vlans[i].vni == vni) {
            return binding->vlans[i].drops;
        }
    }
    return binding->drops;
}

/* Compares all counters in force with the model and adds to some. */
static void
check_counters(struct run *r, const struct published *p)
{
    for (int vni = 1; vni <= N_VNIS; vni++) {
        if (p->model.networks[vni]) {
            uint32_t id = ovl_network_lookup(r->fwd, p->version,
                                             vni)->traffic;
            uint32_t n = random_range(3);

            CHECK(r, ovl_counter_read(id) == r->network_packets[vni]);
            ovl_counter_add(r->shard, id, n);
            r->network_packets[vni] += n;
        }
        for (int port = 0; port < N_PORTS; port++) {
            if (binding_has_vni(p->model.bindings[port], vni)) {
                const struct ovl_binding *binding
                    = ovl_binding_lookup(r->fwd, p->version,
                                         r->ports[port]->id);
                uint32_t id = drops_of(binding, vni) + OVL_DROP_SPOOF_IP;
                uint32_t n = random_range(3);

                CHECK(r, ovl_counter_read(id) == r->drops[port][vni]);
                ovl_counter_add(r->shard, id, n);
                r->drops[port][vni] += n;
            }
        }
    }
}

/* Running. */

static int
random_variant(void)
{
    return random_range(2) ? 1 + random_range(MAX_VARIANT) : 0;
}

/* Changes one entry, in the tables and in 'm'. */
static void
random_change(const struct run *r, struct model *m)
{
    int variant = random_variant();
    struct ovl_config config;
    struct in6_addr ip;
    int key;

    switch (random_range(6)) {
    case 0:
        m->config = 1 + variant;
        fill_config(r, m->config, &config);
        ovl_config_set(r->fwd, &config);
        break;
    case 1:
        key = random_range(N_PORTS);
        m->bindings[key] = variant;
        if (variant) {
            set_binding(r, key, variant);
        } else {
            ovl_binding_remove(r->fwd, r->ports[key]->id);
        }
        break;
    case 2:
        key = 1 + random_range(N_VNIS);
        m->networks[key] = variant;
        if (variant) {
            set_network(r, key, variant);
        } else {
            ovl_network_remove(r->fwd, key);
        }
        break;
    case 3:
        key = random_range(N_MACS);
        m->macs[key] = variant;
        if (variant) {
            set_mac(r, key, variant);
        } else {
            ovl_mac_remove(r->fwd, mac_vni(key), mac_nr(key / N_VNIS));
        }
        break;
    case 4:
        key = random_range(N_NEIGHBORS);
        m->neighbors[key] = variant;
        if (variant) {
            set_neighbor(r, key, variant);
        } else {
            ip = neighbor_ip(key);
            ovl_neighbor_remove(r->fwd, mac_vni(key), &ip);
        }
        break;
    case 5:
        key = random_range(N_SOURCES);
        m->sources[key] = variant != 0;
        ip = ip4_nr(key / 2);
        if (variant) {
            ovl_source_add(r->fwd, key % 2, &ip);
        } else {
            ovl_source_remove(r->fwd, key % 2, &ip);
        }
        break;
    }
}

static struct published *
newest(struct run *r)
{
    return &r->history[r->n_history - 1];
}

/* Lets grace pass: all readers are in the newest version then. */
static void
forget_history(struct run *r)
{
    struct published last = *newest(r);

    pass_grace();
    r->history[0] = last;
    r->n_history = 1;
}

static void
random_transaction(struct run *r)
{
    const struct published old = *newest(r);
    struct model m = old.model;
    ovs_version_t v;

    ovl_forwarding_begin(r->fwd);
    for (int i = random_range(random_range(4) ? 6 : 60); i > 0; i--) {
        random_change(r, &m);
        if (!random_range(50)) {
            forget_history(r);
        }
    }
    check_version(r, &old);
    v = ovl_forwarding_commit(r->fwd);

    /* A transaction that comes out where it began is none. */
    CHECK(r, (v != old.version) == (memcmp(&m, &old.model, sizeof m) != 0));
    CHECK(r, v == ovl_forwarding_version(r->fwd));
    if (v != old.version) {
        CHECK(r, v == old.version + 1);
        r->history[r->n_history++] = (struct published) { v, m };
        model_counters(r, &old.model, &m);
    }
}

static void
start_run(struct run *r, uint32_t seed)
{
    struct ovl_config config;

    memset(r, 0, sizeof *r);
    r->seed = seed;
    random_set_seed(seed);
    r->fwd = ovl_forwarding_create();
    if (seed % 2) {
        /* The hash of every key is 0: nothing may depend on its quality. */
        memset(&r->fwd->keys, 0, sizeof r->fwd->keys);
    }
    r->shard = ovl_shard_create();
    for (int i = 0; i < N_PORTS; i++) {
        r->ports[i] = fixture_port("vm");
    }
    for (int i = 0; i < N_VTEPS; i++) {
        r->vtep_ips[i] = ip4_nr(1000 + i);
    }
    fill_config(r, 1, &config);
    ovl_forwarding_begin(r->fwd);
    ovl_config_set(r->fwd, &config);
    r->history[0].version = ovl_forwarding_commit(r->fwd);
    r->history[0].model.config = 1;
    r->n_history = 1;
}

static void
end_run(struct run *r)
{
    ovl_forwarding_destroy(r->fwd);
    ovl_shard_destroy(r->shard);
    for (int i = 0; i < N_PORTS; i++) {
        ovl_lport_unref(r->ports[i]);
    }
    pass_grace();
    CHECK(r, n_live_ports == 0);
}

static void
run_seed(uint32_t seed)
{
    static struct run run;
    struct run *r = &run;

    start_run(r, seed);
    for (r->step = 0; r->step < N_TRANSACTIONS; r->step++) {
        random_transaction(r);
        if (!random_range(4)) {
            ovl_forwarding_collect(r->fwd);
        }
        for (size_t i = 0; i < r->n_history; i++) {
            check_version(r, &r->history[i]);
        }
        check_counters(r, newest(r));
        check_sizes(r, &newest(r)->model);
        if (!random_range(5)) {
            forget_history(r);
            if (random_range(2)) {
                drain(r->fwd);
                check_vteps(r, &newest(r)->model);
            }
        }
    }
    end_run(r);
}

static void
tables_equal_model_in_each_version(void **state OVS_UNUSED)
{
    const char *seed = getenv("OVL_TEST_SEED");

    if (seed) {
        run_seed(atoi(seed));
        return;
    }
    for (uint32_t i = 1; i <= N_SEEDS; i++) {
        run_seed(i);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_equal_model_in_each_version),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
