/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: ovl_db_trim_.
 *
 * RCU's own thread frees table entries, in the order in which they were given
 * to it.  So we give it a note as the last one, and are done waiting when it
 * has come by. */

#include <config.h>

#include "db-trim.h"

#include <malloc.h>

#include "openvswitch/vlog.h"
#include "ovs-atomic.h"
#include "ovs-rcu.h"
#include "ovs-thread.h"
#include "seq.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(ovl_db_trim);

/* Changes of rows that make it pay: some megabytes, and a share of what is
 * there and would be searched for free pages. */
#define MIN_CHANGES 4096
#define MIN_SHARE 16

/* Notes that RCU's thread has come by, of all that were ever sent. */
static atomic_uint64_t n_notes = ATOMIC_VAR_INIT(0);
static uint64_t n_sent;         /* Database thread only. */

static struct seq *
notes_seq(void)
{
    static struct ovsthread_once once = OVSTHREAD_ONCE_INITIALIZER;
    static struct seq *seq;

    if (ovsthread_once_start(&once)) {
        seq = seq_create();
        ovsthread_once_done(&once);
    }
    return seq;
}

/* RCU callback. */
static void
note_arrived(atomic_uint64_t *notes)
{
    uint64_t orig;

    atomic_add(notes, 1, &orig);
    seq_change(notes_seq());
}

/* The JSON of an update is millions of small blocks, which malloc() keeps
 * apart ("fast bins") until somebody wants a large one.  Then it joins them
 * all, long after they have left the processor's caches.  Better at once, for
 * the whole process as it happens: a thread's own cache ("tcache") is still in
 * front of that. */
void
ovl_db_trim_init(struct ovl_db_trim *t)
{
#ifdef __GLIBC__
    mallopt(M_MXFAST, 0);
#endif
    *t = (struct ovl_db_trim) { .n_changes = 0 };
}

void
ovl_db_trim_changed(struct ovl_db_trim *t, size_t n, size_t n_entries)
{
    t->n_changes += n;
    if (t->n_changes >= MAX(MIN_CHANGES, n_entries / MIN_SHARE)) {
        t->n_changes = 0;
        t->due = true;
    }
}

static void
trim(struct ovl_db_trim *t)
{
    long long int start = time_usec();

    ovsrcu_quiesce_start();
#ifdef __GLIBC__
    malloc_trim(0);
#endif
    ovsrcu_quiesce_end();
    t->n_done++;
    VLOG_DBG("gave free memory back in %lld us", time_usec() - start);
}

void
ovl_db_trim_run(struct ovl_db_trim *t, bool busy)
{
    uint64_t arrived;

    t->seen = seq_read(notes_seq());
    atomic_read(&n_notes, &arrived);
    if (t->pending && arrived >= t->wanted) {
        t->pending = false;
        trim(t);
    }
    if (t->due && !t->pending && !busy) {
        t->due = false;
        t->pending = true;
        t->wanted = ++n_sent;
        ovsrcu_postpone(note_arrived, &n_notes);
    }
}

void
ovl_db_trim_wait(const struct ovl_db_trim *t)
{
    if (t->pending) {
        seq_wait(notes_seq(), t->seen);
    }
}
