/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: ovl_db_write_.
 *
 * The columns are replicated without alert, so the IDL itself leaves out a
 * value that is there already.  It knows what is there because the next
 * transaction is made only after the reply to the one before, which the
 * server sends after the update that results from it. */

#include <config.h>

#include "db-write.h"

#include "counters.h"
#include "forwarding.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "ovs-rcu.h"
#include "ovsdb-idl-provider.h"
#include "timeval.h"
#include "util.h"
#include "uuid.h"
#include "lib/vswitch-idl.h"

VLOG_DEFINE_THIS_MODULE(ovl_db_write);

/* Between two transactions. */
#define MIN_TXN_MSEC 100

/* After one that the server refused. */
#define RETRY_MSEC 1000

/* Errors per transaction: makes the server busy for some tens of ms. */
#define MAX_ERRORS 5000

struct pending {
    struct hmap_node hmap_node;
    enum ovl_rib_table table;
    struct uuid uuid;
    char *error;                /* NULL: empty. */
};

void
ovl_db_write_init(struct ovl_db_write *w, struct ovsdb_idl *idl,
                  const struct ovl_forwarding *fwd)
{
    *w = (struct ovl_db_write) { .idl = idl, .fwd = fwd };
    hmap_init(&w->pending);
    hmap_init(&w->sent);
    smap_init(&w->status);
}

static void
pending_destroy(struct pending *p)
{
    free(p->error);
    free(p);
}

static void
clear(struct hmap *map)
{
    struct pending *p;

    HMAP_FOR_EACH_POP (p, hmap_node, map) {
        pending_destroy(p);
    }
}

void
ovl_db_write_reset(struct ovl_db_write *w)
{
    if (w->txn) {
        ovsdb_idl_txn_destroy(w->txn);
        w->txn = NULL;
    }
    clear(&w->pending);
    clear(&w->sent);
}

void
ovl_db_write_destroy(struct ovl_db_write *w)
{
    ovl_db_write_reset(w);
    hmap_destroy(&w->pending);
    hmap_destroy(&w->sent);
    smap_destroy(&w->status);
    free(w->owner);
}

static struct pending *
find(const struct hmap *map, const struct uuid *uuid)
{
    struct pending *p;

    HMAP_FOR_EACH_WITH_HASH (p, hmap_node, uuid_hash(uuid), map) {
        if (uuid_equals(&p->uuid, uuid)) {
            return p;
        }
    }
    return NULL;
}

void
ovl_db_write_error(struct ovl_db_write *w, enum ovl_rib_table table,
                   const struct uuid *uuid, const char *error)
{
    struct pending *p = find(&w->pending, uuid);

    if (!p) {
        p = xmalloc(sizeof *p);
        *p = (struct pending) { .table = table, .uuid = *uuid };
        hmap_insert(&w->pending, &p->hmap_node, uuid_hash(uuid));
    } else {
        free(p->error);
    }
    p->error = nullable_xstrdup(error);
}

void
ovl_db_write_status(struct ovl_db_write *w, const char *owner,
                    struct smap *status)
{
    if (nullable_string_is_equal(w->owner, owner)
        && smap_equal(&w->status, status)) {
        smap_destroy(status);
    } else {
        free(w->owner);
        w->owner = nullable_xstrdup(owner);
        hmap_swap(&w->status.map, &status->map);
        smap_destroy(status);
    }

    /* Even if nothing changed: the row may be a new one. */
    w->status_due = true;
}

void
ovl_db_write_statistics(struct ovl_db_write *w)
{
    w->statistics_due = true;
}

/* What the database has, as far as we know. */
static const char *
current_error(const struct ovl_db_write *w, enum ovl_rib_table table,
              const struct uuid *uuid)
{
#define GET(NAME, COLUMN)                                               \
    {                                                                   \
        const struct ovsrec_##NAME *row                                 \
            = ovsrec_##NAME##_get_for_uuid(w->idl, uuid);               \
        return row && row->header_.new_datum ? row->COLUMN : NULL;      \
    }

    switch (table) {
    case OVL_RIB_BRIDGE: GET(bridge, overlay_error)
    case OVL_RIB_PORT: GET(port, overlay_error)
    case OVL_RIB_BINDING: GET(overlay_binding, error)
    case OVL_RIB_NETWORK: GET(overlay_network, error)
    case OVL_RIB_ROUTE: GET(overlay_route, error)
    case OVL_RIB_NEIGHBOR: GET(overlay_neighbor, error)
    case OVL_RIB_MAC: GET(overlay_mac, error)
    case OVL_RIB_N_TABLES: OVS_NOT_REACHED();
    }
#undef GET
    OVS_NOT_REACHED();
}

void
ovl_db_write_clear(struct ovl_db_write *w, enum ovl_rib_table table,
                   const struct uuid *uuid)
{
    if (find(&w->pending, uuid) || find(&w->sent, uuid)
        || current_error(w, table, uuid)) {
        ovl_db_write_error(w, table, uuid, NULL);
    }
}

void
ovl_db_write_sweep(struct ovl_db_write *w)
{
#define SWEEP(NAME, LOOP, TABLE, COLUMN)                                \
    {                                                                   \
        const struct ovsrec_##NAME *row;                                \
        LOOP (row, w->idl) {                                            \
            if (row->COLUMN) {                                          \
                ovl_db_write_error(w, TABLE, &row->header_.uuid, NULL); \
            }                                                           \
        }                                                               \
    }

    SWEEP(bridge, OVSREC_BRIDGE_FOR_EACH, OVL_RIB_BRIDGE, overlay_error)
    SWEEP(port, OVSREC_PORT_FOR_EACH, OVL_RIB_PORT, overlay_error)
    SWEEP(overlay_binding, OVSREC_OVERLAY_BINDING_FOR_EACH,
          OVL_RIB_BINDING, error)
    SWEEP(overlay_network, OVSREC_OVERLAY_NETWORK_FOR_EACH,
          OVL_RIB_NETWORK, error)
    SWEEP(overlay_route, OVSREC_OVERLAY_ROUTE_FOR_EACH, OVL_RIB_ROUTE, error)
    SWEEP(overlay_neighbor, OVSREC_OVERLAY_NEIGHBOR_FOR_EACH,
          OVL_RIB_NEIGHBOR, error)
    SWEEP(overlay_mac, OVSREC_OVERLAY_MAC_FOR_EACH, OVL_RIB_MAC, error)
#undef SWEEP
}

/* Putting values into a transaction. */

static void
put_error(struct ovl_db_write *w, const struct pending *p)
{
    struct ovsdb_idl *idl = w->idl;

    /* A row that is gone takes its error with it. */
#define SET(NAME, COLUMN)                                               \
    {                                                                   \
        const struct ovsrec_##NAME *row                                 \
            = ovsrec_##NAME##_get_for_uuid(idl, &p->uuid);              \
        if (row && row->header_.new_datum) {                            \
            ovsrec_##NAME##_set_##COLUMN(row, p->error);                \
        }                                                               \
        break;                                                          \
    }

    switch (p->table) {
    case OVL_RIB_BRIDGE: SET(bridge, overlay_error)
    case OVL_RIB_PORT: SET(port, overlay_error)
    case OVL_RIB_BINDING: SET(overlay_binding, error)
    case OVL_RIB_NETWORK: SET(overlay_network, error)
    case OVL_RIB_ROUTE: SET(overlay_route, error)
    case OVL_RIB_NEIGHBOR: SET(overlay_neighbor, error)
    case OVL_RIB_MAC: SET(overlay_mac, error)
    case OVL_RIB_N_TABLES: OVS_NOT_REACHED();
    }
#undef SET
}

/* Moves errors from 'pending' to 'sent', as many as one transaction should
 * have.  Returns true if that is all. */
static bool
put_errors(struct ovl_db_write *w)
{
    struct pending *p;
    size_t n = 0;

    HMAP_FOR_EACH_SAFE (p, hmap_node, &w->pending) {
        if (n++ >= MAX_ERRORS) {
            return false;
        }
        put_error(w, p);
        hmap_remove(&w->pending, &p->hmap_node);
        hmap_insert(&w->sent, &p->hmap_node, uuid_hash(&p->uuid));
    }
    return true;
}

static void
put_status(struct ovl_db_write *w)
{
    static const struct smap empty = SMAP_INITIALIZER(&empty);
    const struct ovsrec_bridge *row;

    OVSREC_BRIDGE_FOR_EACH (row, w->idl) {
        bool owner = w->owner && !strcmp(row->name, w->owner);

        ovsrec_bridge_set_overlay_status(row, owner ? &w->status : &empty);
    }
}

/* Sums per network. */
struct totals {
    struct hmap_node hmap_node;
    uint32_t vni;
    uint64_t traffic[OVL_N_TRAFFIC];
    uint64_t drops;
};

static struct totals *
find_totals(const struct hmap *map, uint32_t vni)
{
    struct totals *t;

    HMAP_FOR_EACH_WITH_HASH (t, hmap_node, hash_int(vni, 0), map) {
        if (t->vni == vni) {
            return t;
        }
    }
    return NULL;
}

static uint64_t
sum_drops(uint32_t block)
{
    uint64_t sum = 0;

    for (int i = 0; i < OVL_N_DROPS; i++) {
        sum += ovl_counter_read(block + i);
    }
    return sum;
}

static void
add_network(const struct ovl_network *net, void *totals)
{
    struct totals *t = xzalloc(sizeof *t);

    t->vni = net->vni;
    for (int i = 0; i < OVL_N_TRAFFIC; i++) {
        t->traffic[i] = ovl_counter_read(net->traffic + i);
    }
    t->drops = sum_drops(net->tunnel_drops);
    hmap_insert(totals, &t->hmap_node, hash_int(t->vni, 0));
}

static void
add_drops(const struct hmap *totals, uint32_t vni, uint32_t block)
{
    struct totals *t = find_totals(totals, vni);

    if (t) {
        t->drops += sum_drops(block);
    }
}

static void
add_binding(const struct ovl_binding *b, void *totals)
{
    switch (b->role) {
    case OVL_ROLE_ACCESS:
        add_drops(totals, b->vni, b->drops);
        break;
    case OVL_ROLE_GATEWAY:
        for (size_t i = 0; i < b->n_vlans; i++) {
            add_drops(totals, b->vlans[i].vni, b->vlans[i].drops);
        }
        break;
    case OVL_ROLE_UNBOUND:
    case OVL_ROLE_UPLINK:
    case OVL_ROLE_LOCAL:
        break;
    }
}

static void
put_statistics(struct ovl_db_write *w)
{
    struct hmap totals = HMAP_INITIALIZER(&totals);
    const struct ovsrec_overlay_network *row;
    struct totals *t;

    ovl_forwarding_for_each_network(w->fwd, add_network, &totals);
    ovl_forwarding_for_each_binding(w->fwd, add_binding, &totals);

    OVSREC_OVERLAY_NETWORK_FOR_EACH (row, w->idl) {
        t = find_totals(&totals, row->vni);
        if (!t) {
            ovsrec_overlay_network_set_statistics(row, NULL, NULL, 0);
            continue;
        }

        const char *keys[] = {
            "drops", "rx_bytes", "rx_packets", "tx_bytes", "tx_packets",
        };
        const int64_t values[] = {
            t->drops,
            t->traffic[OVL_RX_BYTES],
            t->traffic[OVL_RX_PACKETS],
            t->traffic[OVL_TX_BYTES],
            t->traffic[OVL_TX_PACKETS],
        };
        ovsrec_overlay_network_set_statistics(row, keys, values,
                                              ARRAY_SIZE(keys));
    }

    HMAP_FOR_EACH_POP (t, hmap_node, &totals) {
        free(t);
    }
    hmap_destroy(&totals);
}

/* Transactions. */

static void
start(struct ovl_db_write *w, uint64_t snapshot)
{
    struct ovsdb_idl_txn *txn = ovsdb_idl_txn_create(w->idl);

    if (put_errors(w)) {
        w->sent_snapshot = snapshot;
    }
    if (w->status_due) {
        put_status(w);
        w->sent_status = true;
        w->status_due = false;
    }
    if (w->statistics_due) {
        put_statistics(w);
        w->sent_statistics = true;
        w->statistics_due = false;
    }
    w->txn = txn;
}

/* Lets what was sent be sent again, unless there is something newer. */
static void
take_back(struct ovl_db_write *w)
{
    struct pending *p;

    HMAP_FOR_EACH_POP (p, hmap_node, &w->sent) {
        if (find(&w->pending, &p->uuid)) {
            pending_destroy(p);
        } else {
            hmap_insert(&w->pending, &p->hmap_node, uuid_hash(&p->uuid));
        }
    }
    w->status_due |= w->sent_status;
    w->statistics_due |= w->sent_statistics;
}

/* Returns true if the transaction in flight, if any, has ended. */
static bool
advance(struct ovl_db_write *w, uint64_t *written)
{
    enum ovsdb_idl_txn_status status;

    if (!w->txn) {
        return true;
    }

    ovsrcu_quiesce_start();
    status = ovsdb_idl_txn_commit(w->txn);
    ovsrcu_quiesce_end();

    w->next_txn = time_msec() + MIN_TXN_MSEC;
    switch (status) {
    case TXN_INCOMPLETE:
        return false;

    case TXN_SUCCESS:
    case TXN_UNCHANGED:
        w->n_txns += status == TXN_SUCCESS;
        clear(&w->sent);
        *written = w->sent_snapshot;
        if (status == TXN_UNCHANGED) {
            w->next_txn = time_msec();
        }
        break;

    case TXN_ERROR: {
        static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(1, 5);

        VLOG_WARN_RL(&rl, "the database refuses errors and status of overlay "
                     "rows: %s", ovsdb_idl_txn_get_error(w->txn));
        /* Who waits for cur_cfg should not wait for this. */
        *written = w->sent_snapshot;
        w->next_txn = time_msec() + RETRY_MSEC;
        w->n_failed++;
        take_back(w);
        break;
    }

    case TXN_UNCOMMITTED:
    case TXN_ABORTED:
    case TXN_TRY_AGAIN:
    case TXN_NOT_LOCKED:
        w->n_failed++;
        take_back(w);
        break;
    }
    ovsdb_idl_txn_destroy(w->txn);
    w->txn = NULL;
    w->sent_status = w->sent_statistics = false;
    return true;
}

static bool
has_work(const struct ovl_db_write *w)
{
    return (!hmap_is_empty(&w->pending)
            || w->status_due || w->statistics_due);
}

uint64_t
ovl_db_write_run(struct ovl_db_write *w, uint64_t snapshot)
{
    uint64_t written = 0;

    if (advance(w, &written) && has_work(w)
        && time_msec() >= w->next_txn) {
        start(w, snapshot);
        advance(w, &written);
    }
    if (hmap_is_empty(&w->pending) && hmap_is_empty(&w->sent)) {
        written = snapshot;
    }
    return written;
}

void
ovl_db_write_wait(const struct ovl_db_write *w)
{
    if (w->txn) {
        ovsdb_idl_txn_wait(w->txn);
    } else if (has_work(w)) {
        poll_timer_wait_until(w->next_txn);
    }
}
