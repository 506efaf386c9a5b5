/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: rib_network_, rib_vni_, ovl_rib_.
 *
 * Two networks conflict if they have the same VNI, or if they route in the
 * same VRF and their gateway prefixes overlap: an address would be connected
 * twice.  Link-local prefixes may repeat, they are not routed. */

#include <config.h>

#include "rib-private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "openvswitch/dynamic-string.h"
#include "row-error.h"
#include "text-parse.h"
#include "util.h"

static struct rib_network *
network_cast(const struct rib_row *row)
{
    return CONTAINER_OF(row, struct rib_network, row);
}

/* VNIs. */

const struct rib_vni *
rib_vni_find(const struct ovl_rib *rib, uint32_t vni)
{
    const struct rib_vni *v;

    HMAP_FOR_EACH_WITH_HASH (v, hmap_node, hash_int(vni, rib->basis),
                             &rib->vnis) {
        if (v->vni == vni) {
            return v;
        }
    }
    return NULL;
}

/* Chains 'vni' for rib_vni_collect(). */
void
rib_vni_touch(struct ovl_rib *rib, struct rib_vni *vni)
{
    if (!vni->touched) {
        vni->touched = true;
        ovs_list_push_back(&rib->touched_vnis, &vni->touched_node);
    }
}

/* Finds or makes 'vni'; the end of the commit frees it if nobody names it by
 * then. */
struct rib_vni *
rib_vni_get(struct ovl_rib *rib, uint32_t vni)
{
    struct rib_vni *v = CONST_CAST(struct rib_vni *, rib_vni_find(rib, vni));

    if (!v) {
        v = xzalloc(sizeof *v);
        v->vni = vni;
        ovs_list_init(&v->rows);
        ovs_list_init(&v->members);
        hmap_init(&v->sources);
        hmap_init(&v->hops);
        hmap_insert(&rib->vnis, &v->hmap_node, hash_int(vni, rib->basis));
    }
    rib_vni_touch(rib, v);
    return v;
}

void
rib_vni_mark(struct ovl_rib *rib, struct rib_vni *vni)
{
    vni->stale = true;
    rib_vni_touch(rib, vni);
}

void
rib_vni_collect(struct ovl_rib *rib)
{
    struct rib_vni *vni;

    LIST_FOR_EACH_POP (vni, touched_node, &rib->touched_vnis) {
        vni->touched = false;
        if (ovs_list_is_empty(&vni->rows) && ovs_list_is_empty(&vni->members)
            && hmap_is_empty(&vni->sources) && hmap_is_empty(&vni->hops)) {
            hmap_remove(&rib->vnis, &vni->hmap_node);
            hmap_destroy(&vni->sources);
            hmap_destroy(&vni->hops);
            free(vni);
        }
    }
}

/* Conflicts. */

/* Returns the first gateway of 'a' whose prefix overlaps one of 'b', which
 * goes to '*other', or NULL. */
static const struct ovl_gateway *
find_overlap(const struct rib_network *a, const struct rib_network *b,
             const struct ovl_gateway **other)
{
    for (size_t i = 0; i < a->p.n_gateways; i++) {
        const struct ovl_gateway *gw = &a->p.gateways[i];

        for (size_t j = 0; j < b->p.n_gateways; j++) {
            *other = &b->p.gateways[j];
            if (ovl_prefix_overlaps(&gw->ip, gw->plen,
                                    &(*other)->ip, (*other)->plen)
                && !IN6_IS_ADDR_LINKLOCAL(&gw->ip)) {
                return gw;
            }
        }
    }
    return NULL;
}

/* Calls 'cb' for each valid network of the VRF of 'net' whose gateways overlap
 * those of 'net', once for each that does. */
static void
for_each_overlap(const struct rib_network *net,
                 void (*cb)(struct rib_network *, const struct ovl_prefix *,
                            const struct in6_addr *, void *aux), void *aux)
{
    for (size_t i = 0; i < net->p.n_gateways; i++) {
        const struct ovl_gateway *gw = &net->p.gateways[i];
        struct in6_addr mask = ipv6_create_mask(gw->plen);
        struct ovl_prefix prefix = {
            .addr = ipv6_addr_bitand(&gw->ip, &mask), .plen = gw->plen,
        };

        if (!IN6_IS_ADDR_LINKLOCAL(&gw->ip)) {
            rib_gateways_for_each_overlap(net->group, &prefix, cb, aux);
        }
    }
}

/* What one network has to do with others. */
struct rivals {
    struct ovl_rib *rib;
    const struct rib_network *net;
    const struct rib_network *winner;
};

static void
enqueue(struct ovl_rib *rib, struct rib_network *net)
{
    if (!net->queued) {
        net->queued = true;
        ovs_list_push_back(&rib->network_queue, &net->queue_node);
    }
}

static void
enqueue_rival(struct rib_network *rival,
              const struct ovl_prefix *prefix OVS_UNUSED,
              const struct in6_addr *gateway OVS_UNUSED, void *rivals_)
{
    struct rivals *rivals = rivals_;

    if (rib_row_is_before(&rivals->net->row, &rival->row)) {
        enqueue(rivals->rib, rival);
    }
}

/* Whoever waits behind 'net' has to be looked at. */
static void
enqueue_rivals(struct ovl_rib *rib, const struct rib_network *net)
{
    struct rivals rivals = { .rib = rib, .net = net };
    struct rib_network *rival;

    LIST_FOR_EACH (rival, vni_node, &net->vni->rows) {
        if (rival->row.valid && rib_row_is_before(&net->row, &rival->row)) {
            enqueue(rib, rival);
        }
    }
    for_each_overlap(net, enqueue_rival, &rivals);
}

/* Has the errors looked at of those who are in the network. */
static void
enqueue_members(struct ovl_rib *rib, const struct rib_vni *vni)
{
    struct rib_member *member;

    LIST_FOR_EACH (member, vni_node, &vni->members) {
        rib_attach_enqueue(rib, member->attach);
    }
}

/* Coming into force and going. */

static void
leave(struct ovl_rib *rib, struct rib_network *net)
{
    struct rib_vni *vni = net->vni;

    for (size_t i = 0; i < net->p.n_flood; i++) {
        rib_source_remove(rib, vni->vni, &net->p.flood[i]);
    }
    rib_source_leave(rib, vni);
    rib_route_connect(rib, net, false);
    vni->net = NULL;
    rib_row_set_in_force(rib, &net->row, false);
    rib_vni_mark(rib, vni);
    enqueue_members(rib, vni);
    rib_hops_named_changed(rib, vni);
    enqueue_rivals(rib, net);
}

static void
join(struct ovl_rib *rib, struct rib_network *net)
{
    struct rib_vni *vni = net->vni;

    vni->net = net;
    rib_row_set_in_force(rib, &net->row, true);
    rib_source_join(rib, vni);
    rib_route_connect(rib, net, true);
    for (size_t i = 0; i < net->p.n_flood; i++) {
        rib_source_add(rib, vni->vni, &net->p.flood[i]);
    }
    rib_vni_mark(rib, vni);
    enqueue_members(rib, vni);
    rib_hops_named_changed(rib, vni);
    enqueue_rivals(rib, net);
}

/* Makes way for 'net' if another row of its VNI is in force.  Rows whose
 * gateways overlap give way when they are looked at. */
static void
oust(struct ovl_rib *rib, struct rib_network *net)
{
    struct rib_network *former = net->vni->net;

    if (former) {
        leave(rib, former);
        enqueue(rib, former);
    }
}

static void
consider_winner(struct rib_network *rival,
                const struct ovl_prefix *prefix OVS_UNUSED,
                const struct in6_addr *gateway OVS_UNUSED, void *rivals_)
{
    struct rivals *rivals = rivals_;

    if (rival->row.in_force
        && rib_row_is_before(&rival->row, &rivals->net->row)
        && (!rivals->winner
            || rib_row_is_before(&rival->row, &rivals->winner->row))) {
        rivals->winner = rival;
    }
}

/* Finds the row in force, of lowest UUID, before which 'net' has to give
 * way. */
static const struct rib_network *
find_winner(const struct rib_network *net)
{
    struct rivals rivals = { .net = net };
    const struct rib_network *rival = net->vni->net;

    if (rival && rib_row_is_before(&rival->row, &net->row)) {
        return rival;
    }
    for_each_overlap(net, consider_winner, &rivals);
    return rivals.winner;
}

static char *
conflict_error(const struct rib_network *net,
               const struct rib_network *winner)
{
    const struct ovl_gateway *theirs = NULL;
    const struct ovl_gateway *ours = find_overlap(net, winner, &theirs);
    struct ds ds = DS_EMPTY_INITIALIZER;

    if (net->vni == winner->vni) {
        return rib_duplicate_error(ovl_key_network(net->p.vni), "vni",
                                   &winner->row);
    }
    ovs_assert(ours && theirs);
    ds_put_format(&ds, "Overlay_Network %"PRIu32": gateway_ips \"",
                  net->p.vni);
    ovl_text_put_prefix(&ds, &ours->ip, ours->plen);
    ds_put_cstr(&ds, "\": overlaps ");
    ovl_text_put_prefix(&ds, &theirs->ip, theirs->plen);
    ds_put_format(&ds, " of Overlay_Network %"PRIu32" in VRF ",
                  winner->p.vni);
    ovl_text_quote(&ds, winner->p.vrf);
    ds_put_cstr(&ds, ", which is in force");
    return ds_steal_cstr(&ds);
}

static void
evaluate(struct ovl_rib *rib, struct rib_network *net)
{
    const struct rib_network *winner = find_winner(net);

    if (!winner && !net->row.in_force) {
        oust(rib, net);
        join(rib, net);
    } else if (winner && net->row.in_force) {
        leave(rib, net);
    }
    rib_row_set_error(rib, &net->row,
                      winner ? conflict_error(net, winner) : NULL);
}

void
rib_network_resolve(struct ovl_rib *rib)
{
    size_t n = 0;

    while (!ovs_list_is_empty(&rib->network_queue)) {
        struct rib_network *net
            = CONTAINER_OF(ovs_list_pop_front(&rib->network_queue),
                           struct rib_network, queue_node);

        net->queued = false;
        evaluate(rib, net);
        rib_breathe(n++);
    }
}

/* Rows. */

/* Takes 'net' out of every list and index but that by UUID. */
static void
withdraw(struct ovl_rib *rib, struct rib_network *net)
{
    if (net->row.in_force) {
        leave(rib, net);
    }
    if (net->queued) {
        net->queued = false;
        ovs_list_remove(&net->queue_node);
    }
    if (net->group) {
        rib_group_leave(rib, net);
    }
    if (net->vni) {
        rib_vni_mark(rib, net->vni);
        enqueue_members(rib, net->vni);
        ovs_list_remove(&net->vni_node);
        net->vni = NULL;
    }
    net->row.valid = false;
    ovl_parsed_network_uninit(&net->p);
}

void
ovl_rib_set_network(struct ovl_rib *rib, const struct uuid *uuid,
                    const struct ovl_row_network *row)
{
    struct rib_row *old = rib_row_see(rib, OVL_RIB_NETWORK, uuid);
    struct rib_network *net;

    if (old) {
        net = network_cast(old);
        withdraw(rib, net);
    } else {
        net = xzalloc(sizeof *net);
        rib_row_insert(rib, &net->row, OVL_RIB_NETWORK, uuid);
    }

    char *error = ovl_parse_network(row, &net->p);
    if (net->p.vni != OVL_VNI_NONE) {
        net->vni = rib_vni_get(rib, net->p.vni);
        ovs_list_push_back(&net->vni->rows, &net->vni_node);
        enqueue_members(rib, net->vni);
    }
    if (error) {
        rib_row_set_error(rib, &net->row, error);
    } else {
        net->row.valid = true;
        rib_group_join(rib, net);
        enqueue(rib, net);
    }
}

void
rib_network_delete(struct ovl_rib *rib, struct rib_row *row)
{
    struct rib_network *net = network_cast(row);

    withdraw(rib, net);
    rib_row_remove(rib, row);
    free(net);
}

/* The entry. */

void
rib_network_bridge_changed(struct ovl_rib *rib)
{
    struct rib_vni *vni;

    HMAP_FOR_EACH (vni, hmap_node, &rib->vnis) {
        if (vni->net) {
            rib_vni_mark(rib, vni);
        }
    }
}

/* A network without gateway and VRF has one, too, for a route of some VRF may
 * say that its next hops are neighbors there; to it, nothing is routed: see
 * ovl_network_is_router(). */
static struct eth_addr
router_mac(const struct ovl_rib *rib, const struct ovl_parsed_network *p)
{
    return (!eth_addr_is_zero(p->gateway_mac) ? p->gateway_mac
            : p->n_gateways ? rib->gateway_mac : rib->router_mac);
}

/* True if hosts of 'net' that speak IPv6 may send what is for elsewhere to its
 * router. */
static bool
advertises(const struct ovl_parsed_network *p)
{
    bool v6 = false;

    for (size_t i = 0; i < p->n_gateways; i++) {
        v6 = v6 || !ovl_ip_is_v4(&p->gateways[i].ip);
    }
    return p->advertise && v6 && p->vrf[0];
}

/* Returns a new array of the gateways of 'net', with the link-local one that
 * an IPv6 gateway brings along. */
static struct ovl_gateway *
make_gateways(const struct ovl_rib *rib, const struct ovl_parsed_network *p,
              size_t *n)
{
    struct ovl_gateway *gateways = xmalloc((p->n_gateways + 1)
                                           * sizeof *gateways);
    struct ovl_gateway lla = { .plen = 64 };
    bool v6 = false;

    *n = 0;
    in6_generate_lla(router_mac(rib, p), &lla.ip);
    for (size_t i = 0; i < p->n_gateways; i++) {
        const struct ovl_gateway *gw = &p->gateways[i];

        v6 = v6 || !ovl_ip_is_v4(&gw->ip);
        if (!ipv6_addr_equals(&gw->ip, &lla.ip)) {
            gateways[(*n)++] = *gw;
        }
    }
    if (v6) {
        gateways[(*n)++] = lla;
    }
    return gateways;
}

static int
compare_members(const void *a_, const void *b_)
{
    const struct ovl_member *a = a_;
    const struct ovl_member *b = b_;

    return (a->port->id != b->port->id
            ? (a->port->id < b->port->id ? -1 : 1)
            : a->vlan - b->vlan);
}

static struct ovl_member *
make_members(const struct rib_vni *vni, size_t *n)
{
    struct ovl_member *members = xcalloc(ovs_list_size(&vni->members) + 1,
                                         sizeof *members);
    const struct rib_member *member;

    *n = 0;
    LIST_FOR_EACH (member, vni_node, &vni->members) {
        members[(*n)++] = (struct ovl_member) {
            .port = member->attach->slot->lport,
            .vlan = member->vlan,
        };
    }
    qsort(members, *n, sizeof *members, compare_members);
    return members;
}

/* Returns a new array of referenced VTEPs. */
static struct ovl_vtep **
make_flood(const struct ovl_rib *rib, const struct ovl_parsed_network *p,
           size_t *n)
{
    struct ovl_vtep **flood = xmalloc((p->n_flood + 1) * sizeof *flood);

    *n = 0;
    for (size_t i = 0; i < p->n_flood; i++) {
        if (!rib_is_own_vtep(rib, &p->flood[i])) {
            flood[(*n)++] = ovl_vtep_ref(rib->fwd, &p->flood[i]);
        }
    }
    return flood;
}

static void
set_network(struct ovl_rib *rib, const struct rib_vni *vni)
{
    const struct ovl_parsed_network *p = &vni->net->p;
    size_t n_gateways, n_members, n_flood;
    struct ovl_gateway *gateways = make_gateways(rib, p, &n_gateways);
    struct ovl_member *members = make_members(vni, &n_members);
    struct ovl_vtep **flood = make_flood(rib, p, &n_flood);

    ovl_network_set(rib->fwd, &(struct ovl_network) {
        .vni = p->vni,
        .source_group = vni->net->group->id,
        .mtu = p->mtu,
        .flood_unknown = p->flood_unknown,
        .neigh_suppress = p->neigh_suppress,
        .neigh_miss_drop = p->neigh_miss_drop,
        .answer_tunnel = p->answer_tunnel,
        .advertise = advertises(p),
        .ra_autonomous = p->ra_autonomous,
        .ra_lifetime = p->ra_lifetime,
        .ra_interval = p->ra_interval,
        .router_mac = router_mac(rib, p),
        .n_gateways = n_gateways,
        .n_members = n_members,
        .n_flood = n_flood,
        .gateways = gateways,
        .members = members,
        .flood = flood,
        .name = p->name,
        .vrf = p->vrf,
    });

    for (size_t i = 0; i < n_flood; i++) {
        ovl_vtep_unref(rib->fwd, flood[i]);
    }
    free(gateways);
    free(members);
    free(flood);
}

void
rib_network_publish(struct ovl_rib *rib)
{
    struct rib_vni *vni;

    LIST_FOR_EACH (vni, touched_node, &rib->touched_vnis) {
        if (vni->stale) {
            vni->stale = false;
            if (vni->net) {
                set_network(rib, vni);
            } else {
                ovl_network_remove(rib->fwd, vni->vni);
            }
        }
    }
}
