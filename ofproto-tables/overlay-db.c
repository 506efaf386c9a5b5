/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: ovl_db_.
 *
 * The loop: let the IDL talk to the server, find out what that means for the
 * session, read what changed, commit, write back, wait.
 *
 * How a reconnect shows up.  The IDL keeps its contents while it is
 * disconnected, and replaces them as a whole when the monitor reply comes:
 * what it has is complete at any time, but perhaps old.  It does not tell
 * about any of this.  We know that the contents are current once the IDL's
 * sequence number moved while it was connected, and we compare everything
 * whenever the connection was seen to come, or the row of Open_vSwitch is a
 * new one (which also covers a server that starts over within one
 * connection, as when it converts the database to another schema). */

#include <config.h>

#include "overlay-db.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "db-columns.h"
#include "db-rows.h"
#include "db-trim.h"
#include "db-write.h"
#include "dirs.h"
#include "dpif-overlay.h"
#include "forwarding.h"
#include "latch.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "ovs-rcu.h"
#include "ovs-thread.h"
#include "ovsdb-idl.h"
#include "packets.h"
#include "rib.h"
#include "seq.h"
#include "smap.h"
#include "socket-util.h"
#include "sset.h"
#include "timeval.h"
#include "util.h"
#include "lib/vswitch-idl.h"

VLOG_DEFINE_THIS_MODULE(ovl_db);

/* A unix socket does not notice a server that hangs.  One that has many rows
 * may be busy for long with one transaction, so it gets a millisecond more for
 * so many; and one that has not told its contents yet may be busy with that,
 * and would have to start over. */
#define PROBE_MSEC 5000
#define PROBE_ROWS_PER_MSEC 20
#define FIRST_PROBE_MSEC 60000

/* How often to see whether a server that was away listens again, and how
 * long to let a new connection alone before trying the next: at first, and if
 * it listens and yet says nothing. */
#define KNOCK_MSEC 200
#define RECONNECT_MSEC 1000
#define MAX_RECONNECT_MSEC 64000

#define STATUS_MSEC 2000
#define STATUS_SOON_MSEC 100    /* After a commit. */
#define MIN_STATISTICS_MSEC 5000
#define MAX_UNREACHABLE 4       /* VTEPs that one status value names. */
#define MAX_FAULTY 8            /* Ports that one does. */

/* Shared by the threads. */
static struct ovs_mutex mutex = OVS_MUTEX_INITIALIZER;
static char *owner OVS_GUARDED_BY(mutex);
static struct ovl_db_status shared OVS_GUARDED_BY(mutex);

/* Main thread only. */
static char *remote_name;       /* Constant while the thread runs. */
static bool running;
static pthread_t thread;

/* Made before the thread starts. */
static struct latch exit_latch;
static struct seq *owner_seq;

/* The database thread's. */
struct ovl_db {
    const char *remote;
    struct ovsdb_idl *idl;
    struct ovl_rib *rib;
    struct ovl_db_rows rows;
    struct ovl_db_write write;
    struct ovl_db_trim trim;

    enum ovl_session session;
    bool connected;
    bool resync;                /* Compare everything next time. */
    bool bad_schema_logged;
    unsigned int seqno;         /* IDL's, as of the last look. */
    uint64_t owner_seen;        /* Of 'owner_seq'. */
    char *owner;

    bool loaded;                /* Complete contents were put in force. */
    uint64_t ports_seen;        /* Of ovl_dp_ports_seq(). */
    uint64_t snapshot;          /* Number of the last one. */
    uint64_t vteps_version;     /* Of the VTEPs in it. */
    uint64_t followed;          /* Last snapshot that the underlay follows. */
    uint64_t underlay_seen;     /* Of ovl_dp_underlay_seq(). */
    struct ovl_db_status status;

    long long int next_knock;
    long long int reconnect;    /* Until the connection after the next. */
    long long int next_status;
    long long int next_statistics;
};

static void *ovl_db_main(void *);

void
ovl_db_init(const char *remote)
{
    remote_name = xstrdup(remote);
}

static void
start(void)
{
    latch_init(&exit_latch);
    owner_seq = seq_create();
    running = true;
    ovl_hold_set_session(OVL_SESSION_CONNECTING);
    thread = ovs_thread_create("ovl_db", ovl_db_main, NULL);
}

void
ovl_db_exit(void)
{
    if (running) {
        latch_set(&exit_latch);
        /* It may be waiting for a grace period. */
        ovsrcu_quiesce_start();
        xpthread_join(thread, NULL);
        ovsrcu_quiesce_end();
        latch_destroy(&exit_latch);
        seq_destroy(owner_seq);
        running = false;
        ovl_hold_set_session(OVL_SESSION_OFF);
    }
    free(remote_name);
    remote_name = NULL;

    ovs_mutex_lock(&mutex);
    free(owner);
    owner = NULL;
    ovs_mutex_unlock(&mutex);
}

void
ovl_db_set_owner(const char *bridge)
{
    ovs_mutex_lock(&mutex);
    free(owner);
    owner = xstrdup(bridge);
    ovs_mutex_unlock(&mutex);

    if (running) {
        seq_change(owner_seq);
    } else {
        start();
    }
}

void
ovl_db_get_status(struct ovl_db_status *status)
{
    ovs_mutex_lock(&mutex);
    *status = shared;
    ovs_mutex_unlock(&mutex);
    ovl_hold_get_status(&status->hold);
}

/* The session. */

static void
set_session(struct ovl_db *db, enum ovl_session session)
{
    if (db->session != session) {
        VLOG_INFO("%s: overlay session %s", db->remote,
                  ovl_session_to_string(session));
        db->session = session;
        ovl_hold_set_session(session);
        db->next_status = 0;
        if (session == OVL_SESSION_UP) {
            db->reconnect = RECONNECT_MSEC;
        }
    }
}

static void
open_session(struct ovl_db *db)
{
    ovsdb_idl_set_remote(db->idl, NULL, true);
    ovsdb_idl_set_remote(db->idl, db->remote, true);
    ovsdb_idl_set_probe_interval(db->idl, FIRST_PROBE_MSEC);
}

/* The IDL backs off, up to 8 s, while the server is away.  A server on this
 * host is cheap to ask, so that the tables converge soon after it is back. */
static bool
may_knock(const struct ovl_db *db)
{
    return (db->session == OVL_SESSION_DOWN
            && !strncmp(db->remote, "unix:", 5) && !strchr(db->remote, ','));
}

static void
knock(struct ovl_db *db)
{
    long long int now = time_msec();

    if (!may_knock(db) || now < db->next_knock) {
        return;
    }
    db->next_knock = now + KNOCK_MSEC;

    char *path = abs_file_name(ovs_rundir(), db->remote + strlen("unix:"));
    int fd = make_unix_socket(SOCK_STREAM, true, NULL, path);
    if (fd >= 0) {
        close(fd);
        open_session(db);
        db->next_knock = now + db->reconnect;
        if (db->reconnect == MAX_RECONNECT_MSEC) {
            VLOG_ERR_ONCE("%s: the server accepts connections but does not "
                          "tell its contents; forwarding goes on with the "
                          "rows known so far (does its schema have the "
                          "overlay tables?)", db->remote);
        }
        db->reconnect = MIN(db->reconnect * 4, MAX_RECONNECT_MSEC);
    }
    free(path);
}

static size_t
count_entries(void)
{
    struct ovl_table_sizes sizes;

    ovl_forwarding_sizes(ovl_dp_forwarding(), &sizes);
    return sizes.macs + sizes.neighbors;
}

static void
set_probe(struct ovl_db *db)
{
    ovsdb_idl_set_probe_interval(
        db->idl, (!db->connected ? FIRST_PROBE_MSEC
                  : PROBE_MSEC + count_entries() / PROBE_ROWS_PER_MSEC));
}

/* Lets the IDL run.  Returns true if its contents are current and differ
 * from what was there before. */
static bool
run_session(struct ovl_db *db)
{
    /* Parsing a hundred thousand rows takes half a second.  RCU must not
     * wait for it. */
    ovsrcu_quiesce_start();
    ovsdb_idl_run(db->idl);
    ovsrcu_quiesce_end();

    bool connected = ovsdb_idl_is_connected(db->idl);
    unsigned int n_changes = ovsdb_idl_get_seqno(db->idl) - db->seqno;

    db->seqno += n_changes;
    if (n_changes) {
        ovl_db_trim_changed(&db->trim, n_changes, count_entries());
    }
    if (connected && !db->connected) {
        db->resync = true;
    }
    if (connected != db->connected) {
        db->connected = connected;
        set_probe(db);
    }

    if (!connected) {
        if (db->session != OVL_SESSION_CONNECTING) {
            set_session(db, OVL_SESSION_DOWN);
            knock(db);
        }
        return false;
    }
    return n_changes > 0;
}

/* Returns true if the server has our tables. */
static bool
check_schema(struct ovl_db *db)
{
    struct ds missing = DS_EMPTY_INITIALIZER;
    bool ok = ovl_db_columns_check(db->idl, &missing);

    if (!ok && !db->bad_schema_logged) {
        VLOG_ERR("%s: the database's schema lacks overlay tables or columns "
                 "(%s); forwarding goes on with the rows known so far",
                 db->remote, ds_cstr(&missing));
    }
    db->bad_schema_logged = !ok;
    ds_destroy(&missing);
    return ok;
}

/* Rows in. */

static void
refresh_owner(struct ovl_db *db)
{
    uint64_t seen = seq_read(owner_seq);

    if (seen != db->owner_seen) {
        db->owner_seen = seen;
        free(db->owner);
        ovs_mutex_lock(&mutex);
        db->owner = xstrdup(owner);
        ovs_mutex_unlock(&mutex);
        ovl_db_rows_set_owner(&db->rows, db->owner);
    }
}

static void
read_rows(struct ovl_db *db)
{
    bool everything = db->resync || ovl_db_rows_reloaded(&db->rows);

    if (everything) {
        ovl_db_write_reset(&db->write);
        ovsrcu_quiesce_start();
        ovl_db_write_sweep(&db->write);
        ovsrcu_quiesce_end();
        db->status.n_resyncs++;
        db->resync = false;

        /* The IDL has thrown away what it had without counting it. */
        ovl_db_trim_changed(&db->trim, count_entries(), count_entries());
    }
    ovl_db_rows_apply(&db->rows, everything);
    if (everything) {
        ovl_rib_errors_again(db->rib);
    }
    db->status.next_cfg = ovl_db_rows_next_cfg(&db->rows);
    set_session(db, OVL_SESSION_UP);
    db->loaded = true;
}

/* Returns true if the datapath's ports changed. */
static bool
read_ports(struct ovl_db *db)
{
    struct ovl_lport **ports;
    size_t n;

    if (ovl_dp_ports_version() == db->status.ports_version) {
        return false;
    }
    db->status.ports_version = ovl_dp_ports(&ports, &n);
    ovl_rib_set_lports(db->rib, ports, n);
    for (size_t i = 0; i < n; i++) {
        ovl_lport_unref(ports[i]);
    }
    free(ports);
    return true;
}

static void
commit(struct ovl_db *db)
{
    struct ovl_rib_error e;
    size_t n_errors = 0;

    ovl_rib_commit(db->rib);
    if (!db->status.n_commits) {
        ovl_dp_tables_ready();
    }
    while (ovl_rib_next_error(db->rib, &e)) {
        ovl_db_write_error(&db->write, e.table, &e.uuid, e.error);
        if (++n_errors % 1024 == 0) {
            ovl_rib_breathe();
        }
    }
    db->vteps_version
        = seq_read(ovl_forwarding_vteps_seq(ovl_dp_forwarding()));
    db->snapshot = ovl_hold_snapshot(db->status.next_cfg,
                                     db->status.ports_version);
    db->status.n_commits++;
    set_probe(db);
    db->next_status = MIN(db->next_status, time_msec() + STATUS_SOON_MSEC);
}

static void
update_tables(struct ovl_db *db, bool contents_changed)
{
    long long int start = time_usec();
    bool dirty = false;

    if (contents_changed
        || (db->session == OVL_SESSION_UP && db->rows.owner_changed)) {
        if (check_schema(db)) {
            read_rows(db);
            dirty = true;
        } else {
            set_session(db, OVL_SESSION_BAD_SCHEMA);
            ovsdb_idl_track_clear(db->idl);
            db->resync = true;
        }
    }
    dirty |= read_ports(db);

    if (dirty && db->loaded) {
        commit(db);
        db->status.last_commit_us = time_usec() - start;
        db->status.max_commit_us = MAX(db->status.max_commit_us,
                                       db->status.last_commit_us);
    }
}

/* Status and statistics out. */

struct unreachable {
    struct ds names;
    size_t n;
};

static void
add_unreachable(struct ovl_vtep *vtep, void *unreachable)
{
    struct unreachable *u = unreachable;
    struct ds state = DS_EMPTY_INITIALIZER;
    struct ds next_hop = DS_EMPTY_INITIALIZER;

    ovl_dp_vtep_state(&vtep->ip, &state, &next_hop);
    if (strcmp(ds_cstr(&state), "up")) {
        if (u->n < MAX_UNREACHABLE) {
            ds_put_cstr(&u->names, u->n ? ", " : "");
            ipv6_format_mapped(&vtep->ip, &u->names);
            ds_put_format(&u->names, " (%s)", ds_cstr(&state));
        }
        u->n++;
    }
    ds_destroy(&state);
    ds_destroy(&next_hop);
}

/* Names of ports with which something is wrong, as Interface:error says. */
static void
add_port_faults(struct smap *status)
{
    struct ds names = DS_EMPTY_INITIALIZER;
    struct ovl_lport **ports;
    struct sset faulty = SSET_INITIALIZER(&faulty);
    size_t n;

    ovl_dp_ports(&ports, &n);
    for (size_t i = 0; i < n; i++) {
        char *fault;

        if (ovl_dp_port_fault(ports[i]->name, &fault) && fault) {
            sset_add(&faulty, ports[i]->name);
            free(fault);
        }
        ovl_lport_unref(ports[i]);
    }
    free(ports);

    const char **sorted = sset_sort(&faulty);
    n = sset_count(&faulty);
    for (size_t i = 0; i < MIN(n, MAX_FAULTY); i++) {
        ds_put_format(&names, "%s%s", i ? ", " : "", sorted[i]);
    }
    if (n > MAX_FAULTY) {
        ds_put_format(&names, " and %"PRIuSIZE" more", n - MAX_FAULTY);
    }
    if (n) {
        smap_replace(status, "port_faults", ds_cstr(&names));
    }
    free(sorted);
    sset_destroy(&faulty);
    ds_destroy(&names);
}

static void
refresh_status(struct ovl_db *db)
{
    struct unreachable u = { .names = DS_EMPTY_INITIALIZER };
    struct smap status = SMAP_INITIALIZER(&status);

    ovl_rib_get_status(db->rib, &status);
    smap_replace(&status, "db_session", ovl_session_to_string(db->session));

    ovl_forwarding_for_each_vtep(ovl_dp_forwarding(), add_unreachable, &u);
    if (u.n > MAX_UNREACHABLE) {
        ds_put_format(&u.names, " and %"PRIuSIZE" more",
                      u.n - MAX_UNREACHABLE);
    }
    if (u.n) {
        smap_replace(&status, "underlay_unreachable", ds_cstr(&u.names));
    }
    ds_destroy(&u.names);
    add_port_faults(&status);

    ovl_db_write_status(&db->write, db->owner, &status);
}

static long long int
statistics_interval(const struct ovl_db *db)
{
    const struct ovsrec_open_vswitch *cfg
        = ovsrec_open_vswitch_first(db->idl);

    return MAX(MIN_STATISTICS_MSEC,
               cfg ? smap_get_int(&cfg->other_config, "stats-update-interval",
                                  MIN_STATISTICS_MSEC)
                   : 0);
}

static void
write_back(struct ovl_db *db)
{
    long long int now = time_msec();

    if (db->session != OVL_SESSION_UP) {
        /* Nothing can be written, and nobody waits for it. */
        ovl_hold_written(db->snapshot);
        return;
    }
    if (now >= db->next_status) {
        refresh_status(db);
        db->next_status = now + STATUS_MSEC;
    }
    if (now >= db->next_statistics) {
        ovl_db_write_statistics(&db->write);
        db->next_statistics = now + statistics_interval(db);
    }

    uint64_t written = ovl_db_write_run(&db->write, db->snapshot);
    if (ovl_dp_underlay_followed() >= db->vteps_version) {
        db->followed = db->snapshot;
    }
    ovl_hold_written(MIN(written, db->followed));
    db->status.n_txns = db->write.n_txns;
    db->status.n_txns_failed = db->write.n_failed;
}

/* The thread. */

static void
db_run(struct ovl_db *db)
{
    /* Before the look-ups, so that a change after them wakes us up. */
    db->ports_seen = seq_read(ovl_dp_ports_seq());
    db->underlay_seen = seq_read(ovl_dp_underlay_seq());

    refresh_owner(db);
    update_tables(db, run_session(db));
    write_back(db);
    ovl_db_trim_run(&db->trim,
                    ovl_forwarding_collect(ovl_dp_forwarding()));

    ovs_mutex_lock(&mutex);
    shared = db->status;
    ovs_mutex_unlock(&mutex);
}

static void
db_wait(struct ovl_db *db)
{
    latch_wait(&exit_latch);
    seq_wait(owner_seq, db->owner_seen);
    seq_wait(ovl_dp_ports_seq(), db->ports_seen);
    if (db->followed < db->snapshot) {
        seq_wait(ovl_dp_underlay_seq(), db->underlay_seen);
    }
    ovsdb_idl_wait(db->idl);
    ovl_forwarding_collect_wait(ovl_dp_forwarding());
    ovl_db_trim_wait(&db->trim);
    if (db->session == OVL_SESSION_UP) {
        ovl_db_write_wait(&db->write);
        poll_timer_wait_until(MIN(db->next_status, db->next_statistics));
    } else if (!db->connected && may_knock(db)) {
        poll_timer_wait_until(db->next_knock);
    }
}

static void
db_create(struct ovl_db *db)
{
    *db = (struct ovl_db) {
        .remote = remote_name,
        .idl = ovsdb_idl_create(remote_name, &ovsrec_idl_class, false, true),
        .rib = ovl_rib_create(ovl_dp_forwarding()),
        .session = OVL_SESSION_CONNECTING,
        .resync = true,
        .reconnect = RECONNECT_MSEC,
        .status.ports_version = UINT64_MAX,
    };
    ovsdb_idl_set_probe_interval(db->idl, FIRST_PROBE_MSEC);
    ovl_db_trim_init(&db->trim);
    ovl_db_rows_init(&db->rows, db->idl, db->rib, &db->write);
    ovl_db_write_init(&db->write, db->idl, ovl_dp_forwarding());
}

static void
db_destroy(struct ovl_db *db)
{
    ovl_db_write_destroy(&db->write);
    ovl_db_rows_destroy(&db->rows);
    ovl_rib_destroy(db->rib);
    ovsdb_idl_destroy(db->idl);
    free(db->owner);
}

static void *
ovl_db_main(void *aux OVS_UNUSED)
{
    struct ovl_db db;

    db_create(&db);
    while (!latch_is_set(&exit_latch)) {
        db_run(&db);
        db_wait(&db);
        poll_block();
    }
    db_destroy(&db);
    return NULL;
}
