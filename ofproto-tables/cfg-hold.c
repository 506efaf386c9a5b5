/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: ovl_hold_.
 *
 * Snapshots wait in a list, oldest first, for two numbers to reach theirs:
 * that of the last snapshot for which a grace period passed and that of the
 * last one whose errors are written.  The grace period is waited for by the
 * RCU thread (ovsrcu_postpone()), so a main thread that is stuck delays the
 * answer that it asked for and nothing else. */

#include <config.h>

#include "cfg-hold.h"

#include "openvswitch/list.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/thread.h"
#include "openvswitch/vlog.h"
#include "ovs-rcu.h"
#include "ovs-thread.h"
#include "seq.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(ovl_hold);

struct snapshot {
    struct ovs_list node;       /* In 'unsettled'. */
    uint64_t number;
    int64_t next_cfg;
    uint64_t ports_version;
};

static struct ovs_mutex mutex = OVS_MUTEX_INITIALIZER;
static struct ovs_list unsettled OVS_GUARDED_BY(mutex)
    = OVS_LIST_INITIALIZER(&unsettled);
static struct ovl_hold_status status OVS_GUARDED_BY(mutex);
static uint64_t graced OVS_GUARDED_BY(mutex);
static uint64_t written OVS_GUARDED_BY(mutex);

/* The question being asked.  Main thread only. */
static struct {
    bool open;
    bool timed_out;
    int64_t next_cfg;
    uint64_t ports_version;     /* When it was asked first. */
    long long int deadline;
} question;

static struct seq *
changed_seq(void)
{
    static struct ovsthread_once once = OVSTHREAD_ONCE_INITIALIZER;
    static struct seq *seq;

    if (ovsthread_once_start(&once)) {
        seq = seq_create();
        ovsthread_once_done(&once);
    }
    return seq;
}

const char *
ovl_session_to_string(enum ovl_session session)
{
    switch (session) {
    case OVL_SESSION_OFF:        return "off";
    case OVL_SESSION_CONNECTING: return "connecting";
    case OVL_SESSION_UP:         return "connected";
    case OVL_SESSION_DOWN:       return "disconnected";
    case OVL_SESSION_BAD_SCHEMA: return "schema lacks overlay tables";
    }
    OVS_NOT_REACHED();
}

void
ovl_hold_set_bridge(bool exists)
{
    ovs_mutex_lock(&mutex);
    status.bridge = exists;
    ovs_mutex_unlock(&mutex);
    seq_change(changed_seq());
}

void
ovl_hold_set_session(enum ovl_session session)
{
    bool changed;

    ovs_mutex_lock(&mutex);
    changed = status.session != session;
    status.session = session;
    ovs_mutex_unlock(&mutex);
    if (changed) {
        seq_change(changed_seq());
    }
}

static void
settle(void)
    OVS_REQUIRES(mutex)
{
    struct snapshot *s;
    bool changed = false;

    LIST_FOR_EACH_SAFE (s, node, &unsettled) {
        if (s->number > MIN(graced, written)) {
            break;
        }
        status.settled = true;
        status.settled_cfg = s->next_cfg;
        status.settled_ports = s->ports_version;
        ovs_list_remove(&s->node);
        free(s);
        changed = true;
    }
    if (changed) {
        seq_change(changed_seq());
    }
}

static void
grace_period_passed(uint64_t *number)
{
    ovs_mutex_lock(&mutex);
    graced = MAX(graced, *number);
    settle();
    ovs_mutex_unlock(&mutex);
    free(number);
}

uint64_t
ovl_hold_snapshot(int64_t next_cfg, uint64_t ports_version)
{
    struct snapshot *s = xmalloc(sizeof *s);
    uint64_t *number = xmalloc(sizeof *number);

    ovs_mutex_lock(&mutex);
    s->number = *number = ++status.n_snapshots;
    s->next_cfg = next_cfg;
    s->ports_version = ports_version;
    ovs_list_push_back(&unsettled, &s->node);
    ovs_mutex_unlock(&mutex);

    uint64_t result = *number;
    ovsrcu_postpone(grace_period_passed, number);
    return result;
}

void
ovl_hold_written(uint64_t snapshot)
{
    ovs_mutex_lock(&mutex);
    if (snapshot > written) {
        written = snapshot;
        settle();
    }
    ovs_mutex_unlock(&mutex);
}

/* Says whether waiting makes sense at all. */
static bool
is_holding(const struct ovl_hold_status *s)
{
    if (!s->bridge) {
        return false;
    }
    switch (s->session) {
    case OVL_SESSION_CONNECTING:
    case OVL_SESSION_UP:
        return true;
    case OVL_SESSION_OFF:
    case OVL_SESSION_DOWN:
    case OVL_SESSION_BAD_SCHEMA:
        return false;
    }
    OVS_NOT_REACHED();
}

/* Opens a question, or goes on with the open one.  Its time runs from when
 * the first cur_cfg was held back, until one is answered: a stream of
 * transactions does not prolong it, and if the tables have not caught up by
 * then, those who come later do not wait again. */
static void
ask(const struct ovl_hold_status *s, int64_t next_cfg, uint64_t ports_version,
    long long int now)
{
    if (question.open && question.next_cfg != next_cfg
        && s->settled && s->settled_cfg >= question.next_cfg) {
        question.open = false;
    }
    if (!question.open) {
        question.open = true;
        question.timed_out = false;
        question.deadline = now + OVL_HOLD_MSEC;
        question.next_cfg = next_cfg;
        question.ports_version = ports_version;
    } else if (question.next_cfg != next_cfg) {
        question.next_cfg = next_cfg;
        question.ports_version = ports_version;
    }
}

static void
time_out(const struct ovl_hold_status *s)
{
    if (!question.timed_out) {
        question.timed_out = true;
        ovs_mutex_lock(&mutex);
        status.n_timeouts++;
        ovs_mutex_unlock(&mutex);
        VLOG_WARN("cur_cfg becomes %"PRId64" although the overlay tables have "
                  "not caught up within %d ms (session %s, tables at "
                  "%"PRId64")", question.next_cfg, OVL_HOLD_MSEC,
                  ovl_session_to_string(s->session),
                  s->settled ? s->settled_cfg : -1);
    }
}

int64_t
ovl_hold_cur_cfg(int64_t cur_cfg, int64_t next_cfg, uint64_t ports_version,
                 long long int now)
{
    struct ovl_hold_status s;

    ovl_hold_get_status(&s);
    ask(&s, next_cfg, ports_version, now);

    if (!is_holding(&s)) {
        question.open = false;
        return next_cfg;
    }
    if (s.settled && s.settled_ports >= question.ports_version) {
        if (s.settled_cfg >= next_cfg) {
            question.open = false;
            return next_cfg;
        }
        cur_cfg = MAX(cur_cfg, s.settled_cfg);
    }
    if (now >= question.deadline) {
        time_out(&s);
        return next_cfg;
    }
    return cur_cfg;
}

void
ovl_hold_wait(void)
{
    static uint64_t seen;       /* Main thread only. */
    uint64_t now = seq_read(changed_seq());

    /* 'seen' moves on here and not where the question is asked: the main
     * loop waits even on rounds in which nobody asks. */
    seq_wait(changed_seq(), seen);
    seen = now;

    if (question.open && !question.timed_out) {
        poll_timer_wait_until(question.deadline);
    }
}

void
ovl_hold_get_status(struct ovl_hold_status *s)
{
    ovs_mutex_lock(&mutex);
    *s = status;
    ovs_mutex_unlock(&mutex);
}
