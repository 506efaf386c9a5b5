/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: ovl_binding_, ovl_guard_.
 *
 * Bindings by port id: what a port is and who may speak on it.  An entry is
 * one allocation.  So that a port with thousands of addresses costs a packet
 * no more than a few comparisons, guards and their prefixes are sorted and
 * found by bisection.  VLANs, which may differ from packet to packet, have a
 * table of all that there can be.
 *
 * Drop counters belong to a port and a VNI.  An entry takes over those of the
 * entry that it replaces, VNI by VNI, whatever became of the role. */

#include <config.h>

#include "forwarding-private.h"

#include <string.h>

#include "util.h"

/* More VLANs than this are found through a table of numbers. */
#define FEW_VLANS 4

static struct ovl_binding *
binding_cast(const struct ovl_vnode *node)
{
    return CONTAINER_OF(node, struct ovl_binding, vnode);
}

/* Order of guards and prefixes. */

static int
compare_guards(const void *a_, const void *b_)
{
    const struct ovl_guard *a = a_;
    const struct ovl_guard *b = b_;

    return eth_addr_compare_3way(a->mac, b->mac);
}

static int
compare_vlans(const void *a_, const void *b_)
{
    const struct ovl_vlan_binding *a = a_;
    const struct ovl_vlan_binding *b = b_;

    return a->vlan - b->vlan;
}

static int
compare_addrs(bool a_is_v4, const struct in6_addr *a,
              bool b_is_v4, const struct in6_addr *b)
{
    return a_is_v4 != b_is_v4 ? b_is_v4 - a_is_v4 : memcmp(a, b, sizeof *a);
}

static int
compare_prefixes(const void *a_, const void *b_)
{
    const struct ovl_prefix *a = a_;
    const struct ovl_prefix *b = b_;
    int cmp = compare_addrs(ovl_prefix_is_v4(a), &a->addr,
                            ovl_prefix_is_v4(b), &b->addr);

    return cmp ? cmp : a->plen - b->plen;
}

/* Brings 'n' prefixes into the form that ovl_guard_allows() wants: without
 * host bits, sorted, none within another.  Returns how many are left. */
static size_t
normalize_prefixes(struct ovl_prefix *prefixes, size_t n)
{
    size_t kept = 0;

    for (size_t i = 0; i < n; i++) {
        struct in6_addr mask = ipv6_create_mask(prefixes[i].plen);

        prefixes[i].addr = ipv6_addr_bitand(&prefixes[i].addr, &mask);
    }
    if (n) {
        qsort(prefixes, n, sizeof *prefixes, compare_prefixes);
    }
    for (size_t i = 0; i < n; i++) {
        /* A prefix sorts after those that contain it, and nothing between
         * them is outside of those. */
        if (!kept || !ovl_prefix_contains(&prefixes[kept - 1],
                                          &prefixes[i].addr)) {
            prefixes[kept++] = prefixes[i];
        }
    }
    return kept;
}

/* Comparing. */

static bool
binding_same_key(const struct ovl_vnode *a, const struct ovl_vnode *b)
{
    return binding_cast(a)->port->id == binding_cast(b)->port->id;
}

static bool
guard_equal(const struct ovl_guard *a, const struct ovl_guard *b)
{
    if (!eth_addr_equals(a->mac, b->mac)
        || a->any_ip != b->any_ip
        || a->has_v6 != b->has_v6
        || a->n_prefixes != b->n_prefixes) {
        return false;
    }
    for (size_t i = 0; i < a->n_prefixes; i++) {
        if (!ipv6_addr_equals(&a->prefixes[i].addr, &b->prefixes[i].addr)
            || a->prefixes[i].plen != b->prefixes[i].plen) {
            return false;
        }
    }
    return true;
}

static bool
binding_equal(const struct ovl_vnode *a_, const struct ovl_vnode *b_)
{
    const struct ovl_binding *a = binding_cast(a_);
    const struct ovl_binding *b = binding_cast(b_);

    if (a->role != b->role
        || a->vni != b->vni
        || a->guarded != b->guarded
        || a->n_guards != b->n_guards
        || a->n_vlans != b->n_vlans) {
        return false;
    }
    for (size_t i = 0; i < a->n_guards; i++) {
        if (!guard_equal(&a->guards[i], &b->guards[i])) {
            return false;
        }
    }
    for (size_t i = 0; i < a->n_vlans; i++) {
        if (a->vlans[i].vlan != b->vlans[i].vlan
            || a->vlans[i].vni != b->vlans[i].vni) {
            return false;
        }
    }
    return true;
}

/* References and counters. */

/* The counters that one binding has for one VNI. */
struct vni_drops {
    uint32_t vni;
    uint32_t *drops;
};

static int
compare_vni_drops(const void *a_, const void *b_)
{
    const struct vni_drops *a = a_;
    const struct vni_drops *b = b_;

    return a->vni < b->vni ? -1 : a->vni > b->vni;
}

/* Returns a new array of where 'binding' has counters, '*n' elements sorted
 * by VNI.  VLANs of the same VNI have an element each. */
static struct vni_drops *
list_drops(const struct ovl_binding *binding_, size_t *n)
{
    struct ovl_binding *binding = CONST_CAST(struct ovl_binding *, binding_);
    struct vni_drops *list = xmalloc((binding->n_vlans + 1) * sizeof *list);

    *n = 0;
    if (binding->role == OVL_ROLE_ACCESS) {
        list[(*n)++] = (struct vni_drops) { binding->vni, &binding->drops };
    }
    for (size_t i = 0; i < binding->n_vlans; i++) {
        struct ovl_vlan_binding *vlan
            = CONST_CAST(struct ovl_vlan_binding *, &binding->vlans[i]);

        list[(*n)++] = (struct vni_drops) { vlan->vni, &vlan->drops };
    }
    qsort(list, *n, sizeof *list, compare_vni_drops);
    return list;
}

static void
acquire_drops(struct ovl_forwarding *fwd, const struct ovl_binding *binding,
              const struct ovl_binding *former)
{
    size_t n, n_old = 0;
    struct vni_drops *list = list_drops(binding, &n);
    struct vni_drops *old = former ? list_drops(former, &n_old) : NULL;

    for (size_t i = 0, j = 0; i < n; i++) {
        while (j < n_old && old[j].vni < list[i].vni) {
            j++;
        }
        if (i && list[i - 1].vni == list[i].vni) {
            *list[i].drops = ovl_block_ref(fwd, *list[i - 1].drops);
        } else if (j < n_old && old[j].vni == list[i].vni) {
            *list[i].drops = ovl_block_ref(fwd, *old[j].drops);
        } else {
            *list[i].drops = ovl_block_new(fwd, OVL_N_DROPS);
        }
    }
    free(list);
    free(old);
}

static void
binding_acquire(struct ovl_forwarding *fwd, struct ovl_vnode *node,
                const struct ovl_vnode *former)
{
    struct ovl_binding *binding = binding_cast(node);

    ovl_lport_ref(binding->port);
    acquire_drops(fwd, binding, former ? binding_cast(former) : NULL);
}

static void
binding_release(struct ovl_forwarding *fwd, struct ovl_vnode *node)
{
    struct ovl_binding *binding = binding_cast(node);
    size_t n;
    struct vni_drops *list = list_drops(binding, &n);

    for (size_t i = 0; i < n; i++) {
        ovl_block_unref(fwd, *list[i].drops);
    }
    free(list);
    ovl_lport_unref(binding->port);
}

const struct ovl_table_class ovl_binding_class = {
    .same_key = binding_same_key,
    .equal = binding_equal,
    .acquire = binding_acquire,
    .release = binding_release,
};

/* Reading. */

const struct ovl_binding *
ovl_binding_lookup(const struct ovl_forwarding *fwd, ovs_version_t version,
                   uint32_t port_id)
{
    const struct ovl_binding *binding;

    OVL_VMAP_FOR_EACH_WITH_KEY (binding, vnode, port_id, version,
                                &fwd->tables[OVL_TABLE_BINDINGS]) {
        if (binding->port->id == port_id) {
            return binding;
        }
    }
    return NULL;
}

const struct ovl_guard *
ovl_binding_search_guard(const struct ovl_binding *binding,
                         struct eth_addr mac)
{
    struct ovl_guard key = { .mac = mac };

    return (binding->n_guards
            ? bsearch(&key, binding->guards, binding->n_guards, sizeof key,
                      compare_guards)
            : NULL);
}

/* True if 'guard' lists 'ip'. */
bool
ovl_guard_search(const struct ovl_guard *guard, const struct in6_addr *ip)
{
    bool is_v4 = ovl_ip_is_v4(ip);
    size_t low = 0, high = guard->n_prefixes;

    /* Only the last prefix that does not start after 'ip' can contain it, as
     * they do not overlap. */
    while (low < high) {
        size_t middle = (low + high) / 2;
        const struct ovl_prefix *prefix = &guard->prefixes[middle];

        if (compare_addrs(ovl_prefix_is_v4(prefix), &prefix->addr,
                          is_v4, ip) <= 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low && ovl_prefix_contains(&guard->prefixes[low - 1], ip);
}

/* Writing. */

/* Appends copies of the guards of 'binding' and their prefixes at 'end', and
 * lets 'copy' have them. */
static char *
append_guards(struct ovl_binding *copy, const struct ovl_binding *binding,
              char *end)
{
    struct ovl_guard *guards = (void *) end;

    end += binding->n_guards * sizeof *guards;
    for (size_t i = 0; i < binding->n_guards; i++) {
        const struct ovl_guard *guard = &binding->guards[i];
        size_t size = guard->n_prefixes * sizeof *guard->prefixes;
        struct ovl_prefix *prefixes = (void *) end;

        if (size) {
            memcpy(prefixes, guard->prefixes, size);
        }
        end += size;
        guards[i] = *guard;
        guards[i].prefixes = prefixes;
        guards[i].n_prefixes = normalize_prefixes(prefixes,
                                                  guard->n_prefixes);
    }
    if (binding->n_guards) {
        qsort(guards, binding->n_guards, sizeof *guards, compare_guards);
    }
    copy->guards = guards;
    return end;
}

static char *
append_vlans(struct ovl_binding *copy, const struct ovl_binding *binding,
             char *end)
{
    struct ovl_vlan_binding *vlans = (void *) end;
    size_t size = binding->n_vlans * sizeof *vlans;

    if (size) {
        memcpy(vlans, binding->vlans, size);
        qsort(vlans, binding->n_vlans, sizeof *vlans, compare_vlans);
    }
    copy->vlans = vlans;
    return end + size;
}

static char *
append_vlan_numbers(struct ovl_binding *copy, char *end)
{
    uint16_t *numbers = (void *) end;
    size_t size = OVL_N_VLANS * sizeof *numbers;

    copy->vlan_numbers = NULL;
    if (copy->n_vlans <= FEW_VLANS) {
        return end;
    }
    memset(numbers, 0, size);
    for (size_t i = 0; i < copy->n_vlans; i++) {
        numbers[copy->vlans[i].vlan % OVL_N_VLANS] = i + 1;
    }
    copy->vlan_numbers = numbers;
    return end + size;
}

/* Makes the entry for 'value', without references and counters. */
static struct ovl_binding *
binding_copy(const struct ovl_binding *value)
{
    struct ovl_binding binding = *value, *copy;
    size_t size = sizeof *copy;
    char *end;

    if (binding.role != OVL_ROLE_ACCESS) {
        binding.vni = OVL_VNI_NONE;
        binding.guarded = false;
        binding.n_guards = 0;
    }
    if (binding.role != OVL_ROLE_GATEWAY) {
        binding.n_vlans = 0;
    }
    binding.drops = 0;

    size += binding.n_guards * sizeof *binding.guards;
    for (size_t i = 0; i < binding.n_guards; i++) {
        size += (binding.guards[i].n_prefixes
                 * sizeof *binding.guards[i].prefixes);
    }
    size += binding.n_vlans * sizeof *binding.vlans;
    if (binding.n_vlans > FEW_VLANS) {
        size += OVL_N_VLANS * sizeof *binding.vlan_numbers;
    }

    copy = xmalloc(size);
    *copy = binding;
    end = append_guards(copy, &binding, (char *) (copy + 1));
    end = append_vlans(copy, &binding, end);
    end = append_vlan_numbers(copy, end);
    ovs_assert(end == (char *) copy + size);

    return copy;
}
BUILD_ASSERT_DECL(sizeof(struct ovl_binding) % sizeof(void *) == 0);
BUILD_ASSERT_DECL(sizeof(struct ovl_guard) % sizeof(void *) == 0);
BUILD_ASSERT_DECL(sizeof(struct ovl_prefix) % sizeof(uint32_t) == 0);
BUILD_ASSERT_DECL(sizeof(struct ovl_vlan_binding) % sizeof(uint16_t) == 0);

void
ovl_binding_set(struct ovl_forwarding *fwd, const struct ovl_binding *binding)
{
    ovl_table_set(fwd, OVL_TABLE_BINDINGS, binding->port->id,
                  &binding_copy(binding)->vnode);
}

void
ovl_binding_remove(struct ovl_forwarding *fwd, uint32_t port_id)
{
    struct ovl_lport port = { .id = port_id };
    struct ovl_binding key = { .port = &port };

    ovl_table_remove(fwd, OVL_TABLE_BINDINGS, port_id, &key.vnode);
}
