/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_EXACT_MAP_H
#define OVL_EXACT_MAP_H 1

/* Exact match, from keys of 72 bits to numbers, for tables of millions.
 *
 * A key is 64 bits 'x' and 8 bits 'y', for example a MAC with the lower and
 * the upper bits of its VNI.  A value is a number other than 0.
 *
 * Structure
 * =========
 *
 * An array of buckets, each a cache line with five entries.  A key has a
 * first and a second bucket that it may be in; it is in its second only if
 * the first was full when it came.  A look-up nearly always costs one cache
 * line, also that of a key that is not there: a bucket knows whether some
 * key is in its second because of it.
 *
 * If the array is larger than the caches, the second line of those keys that
 * need it should not wait for the first.  Two bits for each bucket, few enough
 * to stay in the caches, say for which keys to fetch it at once: for half of
 * the keys each.  They are hints: nothing depends on them but time.
 *
 * When both buckets are full, other keys move from one of their buckets to
 * the other to make room, which is cuckoo hashing (R. Pagh and F. F. Rodler,
 * "Cuckoo Hashing", Journal of Algorithms 51 (2), 2004; with buckets,
 * M. Dietzfelbinger and C. Weidling, 2007).  The array grows when four fifths
 * of it are in use, and shrinks.
 *
 * A key of 72 bits takes 64 bits of an entry, and no information is lost: 'x'
 * goes through a keyed bijection, whose result is the entry's tag; 'y' is in
 * the number of the bucket.  From tag and bucket the key can be had again.
 *
 * The bijection has secret random parameters, and both buckets follow from
 * the tag, so nobody can work out in advance keys that get into each other's
 * way: see exact-map.c.
 *
 * Thread-safety
 * =============
 *
 * One writer.  Any number of readers, under RCU, that never wait for the
 * writer: they repeat a look-up only if the bucket changed under it.  A key
 * that is there before and after a displacement, or while the array grows, is
 * found.  Functions under "Writer" are the writer's; they may quiesce.
 *
 * Example:
 *
 *     struct ovl_exact_map map;
 *
 *     ovl_exact_map_init(&map);
 *     ovl_exact_map_set(&map, (struct ovl_exact_key) { 0x1234, 0 }, 77);
 *     ovl_exact_map_find_bulk(&map, macs, vnis, n, values);
 *
 * Layer 1. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ovs-atomic.h"
#include "ovs-rcu.h"
#include "ovs-thread.h"
#include "util.h"

#define OVL_EXACT_SLOTS 5
#define OVL_EXACT_BULK_MAX 32

/* Readers look at hints in arrays of so many buckets, which take 8 MB: below,
 * a second line that comes late costs less than they do. */
#ifndef OVL_EXACT_HINTED
#define OVL_EXACT_HINTED (1u << 17)
#endif

struct ovl_exact_key {
    uint64_t x;
    uint8_t y;
};

/* Secret parameters of the bijection.  Immutable. */
struct ovl_exact_seed {
    uint64_t add, mul_y;        /* x * 1 + y * mul_y + add, then... */
    uint64_t mul[3];            /* ...times these, which are odd. */
    uint64_t inverse[3];        /* Of 'mul', modulo 2**64. */
};

/* Entries whose value is 0 are free, whatever their tag. */
struct ovl_exact_bucket {
    ATOMIC(uint32_t) head;      /* Number of changes << 8 | number of keys
                                 * that are in their second bucket and have
                                 * this as their first; 255: many. */
    ATOMIC(uint32_t) values[OVL_EXACT_SLOTS];
    ATOMIC(uint64_t) tags[OVL_EXACT_SLOTS];
};

struct ovl_exact_array {
    /* Immutable, but for the buckets. */
    struct ovl_exact_bucket *buckets;
    ATOMIC(uint8_t) *hints;     /* Of four buckets each. */
    uint32_t n_buckets;         /* A multiple of 256, from 512 up. */
    uint32_t n_regions;         /* n_buckets / 256. */

    /* Written rarely.  A bulk of OVL_EXACT_BULK_MAX keys rarely has more than
     * this in their second bucket: 0, if it mostly has none, to 8. */
    ATOMIC(uint32_t) n_seconds_of_bulk;

    /* Writer only. */
    OVS_ALIGNED_VAR(CACHE_LINE_SIZE) size_t n_second;   /* Of all keys. */
};

struct ovl_exact_map;

/* One way to do what ovl_exact_map_find_bulk() and ovl_exact_map_locate_bulk()
 * do: all give the same results. */
struct ovl_exact_variant {
    const char *name;
    bool (*is_supported)(void);
    uint32_t (*find_bulk)(const struct ovl_exact_map *, const uint64_t lows[],
                          const uint32_t highs[], size_t n,
                          uint32_t values[]);
    void (*locate_bulk)(const uint32_t values[], size_t n, const void *things,
                        uint32_t size, const void *found[]);
};

/* From the fastest to the portable one; ends with a null name. */
extern const struct ovl_exact_variant ovl_exact_variants[];

struct ovl_exact_map {
    /* Readers. */
    OVSRCU_TYPE(struct ovl_exact_array *) array;
    const struct ovl_exact_variant *variant;    /* Immutable. */
    struct ovl_exact_seed seed;                 /* Immutable. */

    /* Writer. */
    size_t n;                   /* Keys. */
    size_t n_moves;             /* Displacements, for tests. */
    struct ovs_mutex mutex;     /* Held while keys move, and by those who
                                 * want each key once. */
};

/* Gives the values of 'n' keys, 1 <= n <= OVL_EXACT_BULK_MAX; 0 for those
 * that are not there.  The keys come as tables have them, in two parts, of
 * which the lower is mostly of 48 bits and the upper of 24: 'x' is low ^
 * high << 48, 'y' is high >> 16.  Returns the disjunction of all values. */
static inline uint32_t
ovl_exact_map_find_bulk(const struct ovl_exact_map *map, const uint64_t lows[],
                        const uint32_t highs[], size_t n, uint32_t values[])
{
    return map->variant->find_bulk(map, lows, highs, n, values);
}

/* Gives the addresses of the things, of 'size' bytes each, in the array
 * 'things' whose numbers are the 'n' 'values'; NULL for 0.  Fetches their
 * first cache lines. */
static inline void
ovl_exact_locate(const uint32_t values[], size_t n, const void *things,
                 uint32_t size, const void *found[])
{
    for (size_t i = 0; i < n; i++) {
        uint64_t offset = (uint64_t) values[i] * size;

        found[i] = values[i] ? (const char *) things + offset : NULL;
        OVS_PREFETCH(found[i]);
    }
}

/* The same, for 'values' of the map, n <= OVL_EXACT_BULK_MAX: faster if there
 * are many. */
static inline void
ovl_exact_map_locate_bulk(const struct ovl_exact_map *map,
                          const uint32_t values[], size_t n,
                          const void *things, uint32_t size,
                          const void *found[])
{
    if (n < 8) {
        ovl_exact_locate(values, n, things, size, found);
    } else {
        map->variant->locate_bulk(values, n, things, size, found);
    }
}

uint32_t ovl_exact_map_find(const struct ovl_exact_map *,
                            struct ovl_exact_key);

/* An entry in a list. */
struct ovl_exact_entry {
    struct ovl_exact_key key;
    uint32_t value;
};

/* Gives a new array of the '*n' entries, each key once that was there all the
 * time.  The writer waits meanwhile if it wants to move keys.  The caller
 * frees it. */
struct ovl_exact_entry *ovl_exact_map_snapshot(const struct ovl_exact_map *,
                                               size_t *n);

/* Bytes of the array.  Any thread. */
size_t ovl_exact_map_size(const struct ovl_exact_map *);

/* Writer. */

void ovl_exact_map_init(struct ovl_exact_map *);
/* Frees the array after a grace period. */
void ovl_exact_map_destroy(struct ovl_exact_map *);

/* Sets the value of a key; 0 removes it. */
void ovl_exact_map_set(struct ovl_exact_map *, struct ovl_exact_key,
                       uint32_t value);

/* Brings the key's first bucket into the cache. */
void ovl_exact_map_prefetch(const struct ovl_exact_map *,
                            struct ovl_exact_key);

/* For exact-find.c and tests. */

/* A test makes the time between two steps of writer and readers longer. */
#ifndef OVL_EXACT_BETWEEN_STEPS
#define OVL_EXACT_BETWEEN_STEPS()
#endif

/* The bijection. */
static inline uint64_t
ovl_exact_tag(const struct ovl_exact_seed *seed, uint64_t x, uint8_t y)
{
    uint64_t z = (x + seed->add + y * seed->mul_y) * seed->mul[0];

    z = (z ^ z >> 32) * seed->mul[1];
    z = (z ^ z >> 32) * seed->mul[2];
    return z ^ z >> 32;
}

/* Numbers of the buckets of a key.  The upper 32 bits of the tag say which is
 * the first, in order, so that arrays of different sizes have keys in the
 * same order; the lower 32 bits how many regions of 256 buckets further on the
 * second is, which is never in the same region. */
static inline uint32_t
ovl_exact_first(const struct ovl_exact_array *array, uint64_t tag, uint8_t y)
{
    return (uint32_t) ((tag >> 32) * array->n_buckets >> 32) ^ y;
}

static inline uint32_t
ovl_exact_second(const struct ovl_exact_array *array, uint64_t tag, uint8_t y)
{
    uint32_t region = (tag >> 32) * array->n_buckets >> 40;
    uint32_t distance
        = 1 + ((tag & UINT32_MAX) * (array->n_regions - 1) >> 32);

    region += distance;
    region -= region >= array->n_regions ? array->n_regions : 0;
    return region << 8 | (uint8_t) (tag ^ y);
}

/* The number, among those of the same byte, of the hint for a key whose first
 * bucket is 'number': whether such keys are in their second, probably. */
static inline int
ovl_exact_hint_bit(uint32_t number, uint64_t tag)
{
    return number % 4 * 2 + (tag >> 8 & 1);
}

static inline bool
ovl_exact_hint(const struct ovl_exact_array *array, uint32_t number,
               uint64_t tag)
{
    uint8_t hints;

    atomic_read_relaxed(&array->hints[number / 4], &hints);
    return hints >> ovl_exact_hint_bit(number, tag) & 1;
}

/* Finds a key, whatever the writer is doing. */
uint32_t ovl_exact_find_carefully(const struct ovl_exact_array *,
                                  uint64_t tag, uint8_t y);

#endif /* exact-map.h */
