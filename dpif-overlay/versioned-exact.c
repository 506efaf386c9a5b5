/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: ovl_vexact_.
 *
 * The value of a key in the map is either its value in every version that
 * readers may be in, or the number of its newest change.  What was before a
 * change may be an older change, of a transaction that waits for its grace
 * period; what is after it is a value.  So the changes of a key are a chain,
 * newest first, of at most one change for each transaction.
 *
 * Memory order: a change is complete before its number is stored in the map,
 * with release.  'after' is written again only while the version of the
 * change is not published, when no reader looks at it. */

#include <config.h>

#include "versioned-exact.h"

#include "util.h"

#define SEGMENT_CHANGES 256
#define N_SEGMENTS (1 << 17)

/* Changes whose buckets are on their way into the cache. */
#define COLLECT_AHEAD 8

struct change {
    struct ovl_exact_key key;   /* For the writer. */
    ATOMIC(uint32_t) before;    /* A value, or an older change. */
    uint32_t after;             /* A value. */
};

/* Changes of one transaction, or a part of them. */
struct ovl_vexact_segment {
    ovs_version_t version;      /* That they take force with. */
    uint32_t number;            /* In the directory. */
    uint32_t n;                 /* Changes that were made... */
    uint32_t n_collected;       /* ...and are done with. */
    struct ovl_vexact_segment *next;    /* Of the same transaction. */
    struct ovl_vexact_directory *directory;
    struct change changes[SEGMENT_CHANGES];
};

/* Where readers find segments.  RCU callbacks hold references: they may run
 * after the map was destroyed. */
struct ovl_vexact_directory {
    struct ovs_refcount ref_cnt;
    uint32_t next;              /* Writer: look for a free place from here. */
    ATOMIC(struct ovl_vexact_segment *) segments[N_SEGMENTS];
};

static void
directory_unref(struct ovl_vexact_directory *d)
{
    if (ovs_refcount_unref(&d->ref_cnt) == 1) {
        free(d);
    }
}

static struct ovl_vexact_segment *
segment_of(const struct ovl_vexact *v, uint32_t value)
{
    uint32_t number = (value & ~OVL_VEXACT_CHANGE) / SEGMENT_CHANGES;
    struct ovl_vexact_segment *s;

    atomic_read_explicit(&v->changes->segments[number], &s,
                         memory_order_acquire);
    return s;
}

static struct change *
change_of(const struct ovl_vexact *v, uint32_t value)
{
    return &segment_of(v, value)->changes[value % SEGMENT_CHANGES];
}

static uint32_t
get_before(const struct change *change)
{
    uint32_t before;

    atomic_read_explicit(&CONST_CAST(struct change *, change)->before,
                         &before, memory_order_acquire);
    return before;
}

/* Reading. */

uint32_t
ovl_vexact_resolve(const struct ovl_vexact *v, uint32_t value,
                   ovs_version_t version)
{
    while (value & OVL_VEXACT_CHANGE) {
        const struct ovl_vexact_segment *s = segment_of(v, value);
        const struct change *change = &s->changes[value % SEGMENT_CHANGES];

        value = (s->version <= version ? change->after : get_before(change));
    }
    return value;
}

size_t
ovl_vexact_count(const struct ovl_vexact *v)
{
    size_t count;

    atomic_read_relaxed(&CONST_CAST(struct ovl_vexact *, v)->count, &count);
    return count;
}

struct ovl_exact_entry *
ovl_vexact_snapshot(const struct ovl_vexact *v, ovs_version_t version,
                    size_t *n)
{
    struct ovl_exact_entry *entries = ovl_exact_map_snapshot(&v->map, n);
    size_t n_there = 0;

    for (size_t i = 0; i < *n; i++) {
        struct ovl_exact_entry e = entries[i];

        e.value = ovl_vexact_resolve(v, e.value, version);
        if (e.value) {
            entries[n_there++] = e;
        }
    }
    *n = n_there;
    return entries;
}

/* Segments. */

static struct ovl_vexact_segment *
segment_create(struct ovl_vexact *v, ovs_version_t version)
{
    struct ovl_vexact_directory *d = v->changes;
    struct ovl_vexact_segment *s;

    do {
        ovs_assert(d->next < N_SEGMENTS);
        atomic_read_explicit(&d->segments[d->next++], &s,
                             memory_order_acquire);
    } while (s);

    s = xmalloc(sizeof *s);
    s->version = version;
    s->number = d->next - 1;
    s->n = s->n_collected = 0;
    s->next = v->segments;
    s->directory = d;
    ovs_refcount_ref(&d->ref_cnt);
    atomic_store_explicit(&d->segments[s->number], s, memory_order_release);
    v->segments = s;
    return s;
}

/* RCU callback: no reader has a number of one of its changes any more. */
static void
segment_free(struct ovl_vexact_segment *s)
{
    atomic_store_explicit(&s->directory->segments[s->number], NULL,
                          memory_order_release);
    directory_unref(s->directory);
    free(s);
}

void
ovl_vexact_drop(struct ovl_vexact *v OVS_UNUSED,
                struct ovl_vexact_segment *batch)
{
    while (batch) {
        struct ovl_vexact_segment *next = batch->next;

        ovsrcu_postpone(segment_free, batch);
        batch = next;
    }
}

/* Setting. */

static void
unref(struct ovl_vexact *v, uint32_t value)
{
    if (value) {
        v->class->unref(v->aux, value);
    }
}

static bool
same(const struct ovl_vexact *v, uint32_t a, uint32_t b)
{
    return a == b || (a && b && v->class->same
                      && v->class->same(v->aux, a, b));
}

/* Returns the number of a new change. */
static uint32_t
change_create(struct ovl_vexact *v, struct ovl_exact_key key,
              uint32_t before, uint32_t after, ovs_version_t version)
{
    struct ovl_vexact_segment *s = v->segments;

    if (!s || s->n >= SEGMENT_CHANGES) {
        s = segment_create(v, version);
    }

    struct change *change = &s->changes[s->n];

    change->key = key;
    change->after = after;
    atomic_init(&change->before, before);
    return OVL_VEXACT_CHANGE | (s->number * SEGMENT_CHANGES + s->n++);
}

void
ovl_vexact_set(struct ovl_vexact *v, struct ovl_exact_key key,
               uint32_t value, ovs_version_t version)
{
    uint32_t found = ovl_exact_map_find(&v->map, key);
    uint32_t base = ovl_vexact_resolve(v, found, version - 1);
    struct change *pending = NULL;

    if (found & OVL_VEXACT_CHANGE
        && segment_of(v, found)->version == version) {
        pending = change_of(v, found);
    }
    if (pending) {
        uint32_t former = pending->after;

        if (same(v, value, base)) {
            ovl_exact_map_set(&v->map, key, get_before(pending));
            v->n_pending--;
            unref(v, value);
        } else {
            pending->after = value;
        }
        v->n_more += !!value - !!former;
        unref(v, former);
    } else if (!same(v, value, base)) {
        ovl_exact_map_set(&v->map, key,
                          change_create(v, key, found, value, version));
        v->n_pending++;
        v->n_more += !!value - !!base;
    } else {
        unref(v, value);
    }
}

bool
ovl_vexact_is_changed(const struct ovl_vexact *v)
{
    return v->n_pending != 0;
}

struct ovl_vexact_segment *
ovl_vexact_settle(struct ovl_vexact *v)
{
    struct ovl_vexact_segment *batch = v->segments;

    atomic_store_relaxed(&v->count, ovl_vexact_count(v) + v->n_more);
    if (!v->n_pending) {
        ovl_vexact_drop(v, batch);
        batch = NULL;
    }
    v->segments = NULL;
    v->n_pending = 0;
    v->n_more = 0;
    v->changes->next = 0;
    return batch;
}

/* Collecting. */

/* Puts what is after 'change', which is number 'number' of the map, in place
 * of it, if it is still there and was not undone before its transaction was
 * published. */
static void
collect_change(struct ovl_vexact *v, const struct change *change,
               uint32_t number)
{
    uint32_t found = ovl_exact_map_find(&v->map, change->key);

    if (found == number) {
        ovl_exact_map_set(&v->map, change->key, change->after);
        unref(v, get_before(change));
        return;
    }
    while (found & OVL_VEXACT_CHANGE) {
        struct change *newer = change_of(v, found);

        found = get_before(newer);
        if (found == number) {
            atomic_store_explicit(&newer->before, change->after,
                                  memory_order_release);
            unref(v, get_before(change));
            return;
        }
    }
}

bool
ovl_vexact_collect(struct ovl_vexact *v, struct ovl_vexact_segment **batch,
                   size_t *budget)
{
    struct ovl_vexact_segment *s;

    while ((s = *batch)) {
        uint32_t n = MIN(s->n - s->n_collected, *budget);

        *budget -= n;
        for (; n; n--) {
            uint32_t i = s->n_collected++;

            if (i + COLLECT_AHEAD < s->n) {
                ovl_exact_map_prefetch(&v->map,
                                       s->changes[i + COLLECT_AHEAD].key);
            }
            collect_change(v, &s->changes[i], OVL_VEXACT_CHANGE
                           | (s->number * SEGMENT_CHANGES + i));
        }
        if (s->n_collected < s->n) {
            return false;
        }
        *batch = s->next;
        ovsrcu_postpone(segment_free, s);
    }
    return true;
}

/* Life cycle. */

void
ovl_vexact_init(struct ovl_vexact *v, const struct ovl_vexact_class *class,
                void *aux)
{
    memset(v, 0, sizeof *v);
    ovl_exact_map_init(&v->map);
    v->changes = xcalloc(1, sizeof *v->changes);
    ovs_refcount_init(&v->changes->ref_cnt);
    v->class = class;
    v->aux = aux;
    atomic_init(&v->count, 0);
}

/* Gives back the references of 'value' and of what came before it. */
static void
unref_chain(struct ovl_vexact *v, uint32_t value)
{
    while (value & OVL_VEXACT_CHANGE) {
        const struct change *change = change_of(v, value);

        unref(v, change->after);
        value = get_before(change);
    }
    unref(v, value);
}

void
ovl_vexact_destroy(struct ovl_vexact *v)
{
    struct ovl_exact_entry *entries;
    size_t n;

    entries = ovl_exact_map_snapshot(&v->map, &n);
    for (size_t i = 0; i < n; i++) {
        unref_chain(v, entries[i].value);
    }
    free(entries);
    ovl_vexact_drop(v, v->segments);
    ovl_exact_map_destroy(&v->map);
    directory_unref(v->changes);
}
