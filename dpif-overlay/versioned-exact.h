/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_VERSIONED_EXACT_H
#define OVL_VERSIONED_EXACT_H 1

/* Exact-match map (exact-map.h) whose changes take force in one step,
 * together with those of other tables: see versioned-map.h, which does the
 * same for fewer and larger entries.
 *
 * At rest a key has its value in the map, and versions cost nothing.  A key
 * that a transaction changes has the number of a *change* there instead: the
 * value before, the value after, and the version that it changes with.
 * Either may be 0, "not there".  A reader takes what counts in its version.
 * After a grace period no reader is in an older version: the writer puts the
 * value after in the map and, after another, frees the change.
 *
 * Changes of one transaction are in segments of their own, which have the
 * version and are freed as a whole.
 *
 * Thread-safety: one writer, any number of readers under RCU.
 *
 * Ownership: values are numbers of things with references.  The map holds one
 * for each value that it has, and gives it back ('unref') when no reader can
 * come to the value any more.
 *
 * Example, of one change from 'version' to 'version + 1':
 *
 *     ovl_vexact_set(&map, key, value, version + 1);
 *     ...let readers take version + 1 from now on...
 *     batch = ovl_vexact_settle(&map);
 *     ...a grace period later...
 *     while (!ovl_vexact_collect(&map, &batch, &budget)) {
 *         ...
 *     }
 *
 * Layer 1. */

#include "exact-map.h"
#include "versions.h"

/* Values are less than this. */
#define OVL_VEXACT_CHANGE (1u << 31)

struct ovl_vexact_segment;
struct ovl_vexact_directory;

/* What values, which are not 0 here, are. */
struct ovl_vexact_class {
    /* True if 'a' and 'b' lead to the same.  NULL: only if they are equal. */
    bool (*same)(void *aux, uint32_t a, uint32_t b);
    void (*unref)(void *aux, uint32_t value);
};

struct ovl_vexact {
    /* Readers. */
    struct ovl_exact_map map;
    struct ovl_vexact_directory *changes;

    /* Writer. */
    struct ovl_vexact_segment *segments;    /* Of the open transaction. */
    size_t n_pending;           /* Keys that it changes. */
    ssize_t n_more;             /* Keys there are more after it. */
    const struct ovl_vexact_class *class;       /* Of values. */
    void *aux;

    ATOMIC(size_t) count;       /* Keys in force. */
};

/* What 'value' of the map means in 'version'. */
uint32_t ovl_vexact_resolve(const struct ovl_vexact *, uint32_t value,
                            ovs_version_t version);

/* Gives the values of 'n' keys, 1 <= n <= OVL_EXACT_BULK_MAX, that are in
 * force in 'version'; 0: not there.  Keys are in two parts, as in
 * ovl_exact_map_find_bulk(). */
static inline void
ovl_vexact_find_bulk(const struct ovl_vexact *v, ovs_version_t version,
                     const uint64_t lows[], const uint32_t highs[], size_t n,
                     uint32_t values[])
{
    uint32_t any = ovl_exact_map_find_bulk(&v->map, lows, highs, n, values);

    if (OVS_UNLIKELY(any & OVL_VEXACT_CHANGE)) {
        for (size_t i = 0; i < n; i++) {
            values[i] = ovl_vexact_resolve(v, values[i], version);
        }
    }
}

static inline uint32_t
ovl_vexact_find(const struct ovl_vexact *v, ovs_version_t version,
                struct ovl_exact_key key)
{
    return ovl_vexact_resolve(v, ovl_exact_map_find(&v->map, key), version);
}

/* Number of keys in force, that is, in the version published last.  Any
 * thread. */
size_t ovl_vexact_count(const struct ovl_vexact *);

/* Gives a new array of the '*n' entries that are in force in 'version', each
 * once.  The caller frees it; what values lead to is there until it
 * quiesces. */
struct ovl_exact_entry *ovl_vexact_snapshot(const struct ovl_vexact *,
                                            ovs_version_t version, size_t *n);

/* Writer. */

void ovl_vexact_init(struct ovl_vexact *, const struct ovl_vexact_class *,
                     void *aux);
/* Gives back all references.  Batches that were not collected must be given
 * to ovl_vexact_drop() before. */
void ovl_vexact_destroy(struct ovl_vexact *);

/* Sets the value of 'key' from 'version' on, which is not yet published; 0
 * removes it.  Takes a reference to 'value'.  Of several changes of a key
 * within a transaction the last one counts. */
void ovl_vexact_set(struct ovl_vexact *, struct ovl_exact_key,
                    uint32_t value, ovs_version_t version);

/* True if something changed since ovl_vexact_settle(). */
bool ovl_vexact_is_changed(const struct ovl_vexact *);

/* After publication: returns the changes that went with it, for
 * ovl_vexact_collect() after a grace period; NULL if there are none. */
struct ovl_vexact_segment *ovl_vexact_settle(struct ovl_vexact *);

/* Puts values in place of up to '*budget' changes, and takes that many off
 * '*budget'.  Returns true when '*batch' is done with, and NULL.  Batches are
 * collected in the order in which they were published. */
bool ovl_vexact_collect(struct ovl_vexact *,
                        struct ovl_vexact_segment **batch, size_t *budget);
/* Frees a batch of a map that is about to be destroyed; NULL is fine. */
void ovl_vexact_drop(struct ovl_vexact *, struct ovl_vexact_segment *batch);

#endif /* versioned-exact.h */
