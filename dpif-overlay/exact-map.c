/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: ovl_exact_.
 *
 * The writer's side of exact-map.h; exact-find.c is the readers'.
 *
 * The bijection.  x + y * mul_y + add is multiplied by a secret odd number
 * modulo 2**64, the upper half is added to the lower one (exclusive or), and
 * the same twice more.  Each step can be undone.  The upper d bits of the
 * product of a random odd number with two different numbers are the same with
 * a chance of 2 * 2**-d at most (M. Dietzfelbinger et al., "A reliable
 * randomized algorithm for the closest-pair problem", Journal of Algorithms
 * 25 (1), 1997, lemma 2.5), whoever chose them.  The first bucket follows
 * from the upper bits of the last product; the second bucket from these and
 * bits that the products before have gone into.  So keys that are all in each
 * other's way cannot be made without the parameters, which stay in this
 * process.
 *
 * Growth.  The first bucket is the upper half of the tag times the number of
 * buckets, so a larger array has nearly all keys in the same order as a
 * smaller one: both are gone through from one end to the other, at the speed
 * of memory, not of its latency.  Readers go on in the old array; the new one
 * is published when it is complete.
 *
 * Moving is a breadth-first search for the nearest bucket with a free entry,
 * which there is within few steps below four fifths. */

#include <config.h>

#include "exact-map.h"

#include "entropy.h"
#include "numa-memory.h"
#include "util.h"

#define REGION 256                      /* Buckets that 'y' selects from. */
#define MIN_REGIONS 2                   /* First and second are not in one. */
#define MAX_REGIONS (UINT32_MAX / REGION)

/* In a long loop, pass a quiescent state every so many buckets. */
#define QUIESCE_BUCKETS 4096

/* Buckets whose keys' new buckets are on their way into the cache. */
#define COPY_AHEAD 4

BUILD_ASSERT_DECL(sizeof(struct ovl_exact_bucket) == CACHE_LINE_SIZE);

/* Memory. */

/* Of a region: its buckets, and their hints. */
#define REGION_SIZE (REGION * sizeof(struct ovl_exact_bucket) + REGION / 4)

static size_t
array_size(const struct ovl_exact_array *array)
{
    return (size_t) array->n_regions * REGION_SIZE;
}

/* Zeroed. */
static struct ovl_exact_bucket *
alloc_buckets(size_t size)
{
    if (size < OVL_NUMA_HUGE_PAGE) {
        return xzalloc_cacheline(size);
    }

    struct ovl_exact_bucket *buckets = ovl_numa_alloc_shared(size);
    ovl_numa_want_huge_pages(buckets, ROUND_UP(size, get_page_size()));
    return buckets;
}

static struct ovl_exact_array *
array_create(uint32_t n_regions)
{
    struct ovl_exact_array *array = xzalloc_cacheline(sizeof *array);

    array->n_regions = n_regions;
    array->n_buckets = n_regions * REGION;
    array->buckets = alloc_buckets(array_size(array));
    array->hints = (void *) (array->buckets + array->n_buckets);
    return array;
}

static void
array_destroy(struct ovl_exact_array *array)
{
    if (array_size(array) < OVL_NUMA_HUGE_PAGE) {
        free_cacheline(array->buckets);
    } else {
        ovl_numa_free_shared(array->buckets, array_size(array));
    }
    free_cacheline(array);
}

static struct ovl_exact_array *
array_of(const struct ovl_exact_map *map)
{
    return ovsrcu_get_protected(struct ovl_exact_array *, &map->array);
}

size_t
ovl_exact_map_size(const struct ovl_exact_map *map)
{
    return array_size(ovsrcu_get(struct ovl_exact_array *, &map->array));
}

/* Entries, as the writer sees them. */

static uint32_t
get_value(const struct ovl_exact_bucket *b, int slot)
{
    uint32_t value;

    atomic_read_relaxed(&CONST_CAST(struct ovl_exact_bucket *,
                                    b)->values[slot], &value);
    return value;
}

static uint64_t
get_tag(const struct ovl_exact_bucket *b, int slot)
{
    uint64_t tag;

    atomic_read_relaxed(&CONST_CAST(struct ovl_exact_bucket *, b)->tags[slot],
                        &tag);
    return tag;
}

/* Counts a change of 'b', and 'd_second' keys more, or fewer, that are in
 * their second bucket. */
static void
change_head(struct ovl_exact_bucket *b, int d_second)
{
    uint32_t head, n_second;

    atomic_read_relaxed(&b->head, &head);
    n_second = head & 0xff;
    if (n_second < 0xff) {
        n_second += d_second;
    }
    atomic_store_explicit(&b->head, ((head >> 8) + 1) << 8 | n_second,
                          memory_order_release);
}

/* Counts 'd' keys more in their second bucket.  Of a bulk's 32 keys, of which
 * there are about three a bucket, as many are on average as of all keys of ten
 * buckets.  Their number is Poisson distributed. */
static void
change_n_second(struct ovl_exact_array *array, int d)
{
    uint32_t before, after;
    size_t tenths;

    array->n_second += d;
    tenths = array->n_second * 100 / array->n_buckets;
    after = tenths < 4 ? 0 : tenths < 10 ? 2 : tenths < 20 ? 4 : 8;
    atomic_read_relaxed(&array->n_seconds_of_bulk, &before);
    if (after != before) {
        atomic_store_relaxed(&array->n_seconds_of_bulk, after);
    }
}

/* Makes bucket 'number' count a key with 'tag' that is in its second one. */
static void
count_second(struct ovl_exact_array *array, uint32_t number, uint64_t tag)
{
    uint8_t hints;

    change_head(&array->buckets[number], 1);
    change_n_second(array, 1);
    atomic_read_relaxed(&array->hints[number / 4], &hints);
    hints |= 1u << ovl_exact_hint_bit(number, tag);
    atomic_store_relaxed(&array->hints[number / 4], hints);
}

/* Undoes count_second().  Hints go when no key is left: which of them others
 * need is not known. */
static void
uncount_second(struct ovl_exact_array *array, uint32_t number)
{
    uint32_t head;
    uint8_t hints;

    change_head(&array->buckets[number], -1);
    change_n_second(array, -1);
    atomic_read_relaxed(&array->buckets[number].head, &head);
    if (!(head & 0xff)) {
        atomic_read_relaxed(&array->hints[number / 4], &hints);
        hints &= ~(3u << ovl_exact_hint_bit(number, 0));
        atomic_store_relaxed(&array->hints[number / 4], hints);
    }
}

/* Puts an entry into a free one; see exact-find.c. */
static void
fill_entry(struct ovl_exact_bucket *b, int slot, uint64_t tag, uint32_t value)
{
    change_head(b, 0);
    OVL_EXACT_BETWEEN_STEPS();
    atomic_store_explicit(&b->tags[slot], tag, memory_order_release);
    OVL_EXACT_BETWEEN_STEPS();
    atomic_store_explicit(&b->values[slot], value, memory_order_release);
    OVL_EXACT_BETWEEN_STEPS();
    change_head(b, 0);
}

static void
set_value(struct ovl_exact_bucket *b, int slot, uint32_t value)
{
    atomic_store_explicit(&b->values[slot], value, memory_order_release);
}

/* Number of a free entry, -1 if there is none. */
static int
find_free(const struct ovl_exact_bucket *b)
{
    for (int i = 0; i < OVL_EXACT_SLOTS; i++) {
        if (!get_value(b, i)) {
            return i;
        }
    }
    return -1;
}

static int
find_tag(const struct ovl_exact_bucket *b, uint64_t tag)
{
    for (int i = 0; i < OVL_EXACT_SLOTS; i++) {
        if (get_tag(b, i) == tag && get_value(b, i)) {
            return i;
        }
    }
    return -1;
}

/* The 'y' of a key with 'tag' that is in bucket 'number', and whether that is
 * its first. */
static uint8_t
get_y(const struct ovl_exact_array *array, uint32_t number, uint64_t tag,
      bool *is_first)
{
    uint32_t first = ovl_exact_first(array, tag, 0);

    *is_first = first / REGION == number / REGION;
    return number ^ (*is_first ? first : ovl_exact_second(array, tag, 0));
}

/* Moving. */

/* A bucket that the search has come to: the entry 'slot' of 'from' has it as
 * its other one. */
struct step {
    uint32_t bucket;
    int16_t from;               /* Number of a step, -1: none. */
    int8_t slot;
};

/* With five entries a bucket, four steps away. */
#define MAX_STEPS 1024

static uint32_t
other_bucket(const struct ovl_exact_array *array, uint32_t number,
             uint64_t tag)
{
    bool is_first;
    uint8_t y = get_y(array, number, tag, &is_first);

    return (is_first ? ovl_exact_second(array, tag, y)
            : ovl_exact_first(array, tag, y));
}

/* Moves an entry to a free one of its other bucket. */
static void
move_entry(struct ovl_exact_array *array, uint32_t from, int from_slot,
           uint32_t to, int to_slot)
{
    struct ovl_exact_bucket *b = &array->buckets[from];
    uint64_t tag = get_tag(b, from_slot);
    uint32_t value = get_value(b, from_slot);
    bool is_first;

    get_y(array, from, tag, &is_first);
    if (is_first) {
        count_second(array, from, tag);
    }
    fill_entry(&array->buckets[to], to_slot, tag, value);
    OVL_EXACT_BETWEEN_STEPS();
    set_value(b, from_slot, 0);
    OVL_EXACT_BETWEEN_STEPS();
    if (!is_first) {
        uncount_second(array, to);
    }
}

/* True if the way to step 'i' goes through 'bucket'. */
static bool
is_on_way(const struct step steps[], int i, uint32_t bucket)
{
    for (; i >= 0; i = steps[i].from) {
        if (steps[i].bucket == bucket) {
            return true;
        }
    }
    return false;
}

/* Makes room in bucket 'first' or 'second', which are full.  Returns false if
 * that is not possible. */
static bool
make_room(struct ovl_exact_map *map, struct ovl_exact_array *array,
          uint32_t first, uint32_t second)
{
    struct step steps[MAX_STEPS];
    int n = 0;

    steps[n++] = (struct step) { first, -1, 0 };
    steps[n++] = (struct step) { second, -1, 0 };

    for (int i = 0; i < n; i++) {
        const struct ovl_exact_bucket *b = &array->buckets[steps[i].bucket];

        for (int slot = 0; slot < OVL_EXACT_SLOTS; slot++) {
            uint32_t other = other_bucket(array, steps[i].bucket,
                                          get_tag(b, slot));
            int to_slot = find_free(&array->buckets[other]);

            if (to_slot < 0) {
                if (n < MAX_STEPS && !is_on_way(steps, i, other)) {
                    steps[n++] = (struct step) { other, i, slot };
                }
                continue;
            }

            /* From here back to where room is wanted. */
            ovs_mutex_lock(&map->mutex);
            for (int from = i, from_slot = slot; from >= 0;
                 from = steps[from].from) {
                move_entry(array, steps[from].bucket, from_slot, other,
                           to_slot);
                other = steps[from].bucket;
                to_slot = from_slot;
                from_slot = steps[from].slot;
                map->n_moves++;
            }
            ovs_mutex_unlock(&map->mutex);
            return true;
        }
    }
    return false;
}

/* Puts in a key that is not there.  Returns false if there is no room. */
static bool
insert(struct ovl_exact_map *map, struct ovl_exact_array *array,
       uint64_t tag, uint8_t y, uint32_t value)
{
    uint32_t numbers[2] = { ovl_exact_first(array, tag, y),
                            ovl_exact_second(array, tag, y) };
    struct ovl_exact_bucket *first = &array->buckets[numbers[0]];
    struct ovl_exact_bucket *second = &array->buckets[numbers[1]];

    do {
        int slot = find_free(first);

        if (slot >= 0) {
            fill_entry(first, slot, tag, value);
            return true;
        }
        slot = find_free(second);
        if (slot >= 0) {
            count_second(array, numbers[0], tag);
            fill_entry(second, slot, tag, value);
            return true;
        }
    } while (make_room(map, array, numbers[0], numbers[1]));

    return false;
}

/* Growing and shrinking. */

/* The most that an entry costs after growth. */
#define ENTRY_SIZE 24

/* Brings the first buckets in 'to' of the keys of bucket 'number' of 'from'
 * into the cache: those of keys that are in their second bucket in 'from' are
 * anywhere. */
static void
prefetch_copies(const struct ovl_exact_array *from, uint32_t number,
                const struct ovl_exact_array *to)
{
    const struct ovl_exact_bucket *b = &from->buckets[number];

    for (int slot = 0; slot < OVL_EXACT_SLOTS; slot++) {
        uint64_t tag = get_tag(b, slot);
        bool is_first;
        uint8_t y = get_y(from, number, tag, &is_first);

        OVS_PREFETCH_WRITE(&to->buckets[ovl_exact_first(to, tag, y)]);
    }
}

/* Puts all keys of 'from' into 'to', which nobody else sees yet. */
static bool
copy_array(struct ovl_exact_map *map, const struct ovl_exact_array *from,
           struct ovl_exact_array *to)
{
    for (uint32_t i = 0; i < from->n_buckets; i++) {
        const struct ovl_exact_bucket *b = &from->buckets[i];

        if (i + COPY_AHEAD < from->n_buckets) {
            prefetch_copies(from, i + COPY_AHEAD, to);
        }
        for (int slot = 0; slot < OVL_EXACT_SLOTS; slot++) {
            uint32_t value = get_value(b, slot);

            if (value) {
                uint64_t tag = get_tag(b, slot);
                bool is_first;
                uint8_t y = get_y(from, i, tag, &is_first);

                if (!insert(map, to, tag, y, value)) {
                    return false;
                }
            }
        }
        if ((i + 1) % QUIESCE_BUCKETS == 0) {
            ovsrcu_quiesce();
        }
    }
    return true;
}

/* Makes the array anew, so that 'n' keys take ENTRY_SIZE bytes each, and half
 * of the entries: after growth it is half as large again. */
static void
resize(struct ovl_exact_map *map, size_t n)
{
    struct ovl_exact_array *old = array_of(map);
    size_t n_regions = n * ENTRY_SIZE / REGION_SIZE;

    for (;;) {
        struct ovl_exact_array *new;

        n_regions = MAX(n_regions + 1, MIN_REGIONS);
        ovs_assert(n_regions <= MAX_REGIONS);
        new = array_create(n_regions);
        if (copy_array(map, old, new)) {
            ovs_mutex_lock(&map->mutex);
            ovsrcu_set(&map->array, new);
            ovs_mutex_unlock(&map->mutex);
            ovsrcu_postpone(array_destroy, old);
            return;
        }
        array_destroy(new);
        n_regions += n_regions / 4;
    }
}

static size_t
n_entries(const struct ovl_exact_array *array)
{
    return (size_t) array->n_buckets * OVL_EXACT_SLOTS;
}

/* Setting. */

/* Finds the entry of a key: its bucket, and in '*slot' its number.  NULL: it
 * is not there. */
static struct ovl_exact_bucket *
find_entry(const struct ovl_exact_array *array, uint64_t tag, uint8_t y,
           int *slot, bool *is_first)
{
    struct ovl_exact_bucket *b
        = &array->buckets[ovl_exact_first(array, tag, y)];
    uint32_t head;

    *is_first = true;
    *slot = find_tag(b, tag);
    atomic_read_relaxed(&b->head, &head);
    if (*slot < 0 && head & 0xff) {
        *is_first = false;
        b = &array->buckets[ovl_exact_second(array, tag, y)];
        *slot = find_tag(b, tag);
    }
    return *slot < 0 ? NULL : b;
}

void
ovl_exact_map_set(struct ovl_exact_map *map, struct ovl_exact_key key,
                  uint32_t value)
{
    uint64_t tag = ovl_exact_tag(&map->seed, key.x, key.y);
    struct ovl_exact_array *array = array_of(map);
    struct ovl_exact_bucket *b;
    bool is_first;
    int slot;

    b = find_entry(array, tag, key.y, &slot, &is_first);
    if (b) {
        set_value(b, slot, value);
        if (value) {
            return;
        }
        if (!is_first) {
            uncount_second(array, ovl_exact_first(array, tag, key.y));
        }
        map->n--;
        if (map->n < n_entries(array) / 5
            && array->n_regions > MIN_REGIONS) {
            resize(map, map->n);
        }
    } else if (value) {
        map->n++;
        if (map->n > n_entries(array) / 5 * 4) {
            resize(map, map->n);
        }
        while (!insert(map, array_of(map), tag, key.y, value)) {
            resize(map, MAX(map->n, n_entries(array_of(map))));
        }
    }
}

void
ovl_exact_map_prefetch(const struct ovl_exact_map *map,
                       struct ovl_exact_key key)
{
    uint64_t tag = ovl_exact_tag(&map->seed, key.x, key.y);
    const struct ovl_exact_array *array = array_of(map);

    OVS_PREFETCH(&array->buckets[ovl_exact_first(array, tag, key.y)]);
}

/* Reading, one by one and all of them. */

uint32_t
ovl_exact_map_find(const struct ovl_exact_map *map, struct ovl_exact_key key)
{
    return ovl_exact_find_carefully(
        ovsrcu_get(struct ovl_exact_array *, &map->array),
        ovl_exact_tag(&map->seed, key.x, key.y), key.y);
}

/* Undoes ovl_exact_tag(). */
static uint64_t
get_x(const struct ovl_exact_seed *seed, uint64_t tag, uint8_t y)
{
    uint64_t z = (tag ^ tag >> 32) * seed->inverse[2];

    z = (z ^ z >> 32) * seed->inverse[1];
    z = (z ^ z >> 32) * seed->inverse[0];
    return z - seed->add - y * seed->mul_y;
}

/* Appends the entries of a bucket, all as they were at one time, to
 * 'entries'. */
static size_t
read_bucket(const struct ovl_exact_map *map,
            const struct ovl_exact_array *array, uint32_t number,
            struct ovl_exact_entry entries[])
{
    struct ovl_exact_bucket *b = &array->buckets[number];
    uint32_t values[OVL_EXACT_SLOTS], before, after;
    uint64_t tags[OVL_EXACT_SLOTS];
    size_t n = 0;

    do {
        atomic_read_explicit(&b->head, &before, memory_order_acquire);
        for (int i = 0; i < OVL_EXACT_SLOTS; i++) {
            atomic_read_explicit(&b->values[i], &values[i],
                                 memory_order_acquire);
        }
        for (int i = 0; i < OVL_EXACT_SLOTS; i++) {
            atomic_read_explicit(&b->tags[i], &tags[i], memory_order_acquire);
        }
        atomic_read_explicit(&b->head, &after, memory_order_acquire);
    } while (before != after);

    for (int i = 0; i < OVL_EXACT_SLOTS; i++) {
        if (values[i]) {
            struct ovl_exact_entry *entry = &entries[n++];
            bool is_first;

            entry->key.y = get_y(array, number, tags[i], &is_first);
            entry->key.x = get_x(&map->seed, tags[i], entry->key.y);
            entry->value = values[i];
        }
    }
    return n;
}

struct ovl_exact_entry *
ovl_exact_map_snapshot(const struct ovl_exact_map *map, size_t *n)
{
    struct ovl_exact_entry *entries = NULL;
    const struct ovl_exact_array *array;
    size_t allocated = 0;

    *n = 0;
    ovs_mutex_lock(&map->mutex);
    array = ovsrcu_get(struct ovl_exact_array *, &map->array);
    for (uint32_t i = 0; i < array->n_buckets; i++) {
        if (*n + OVL_EXACT_SLOTS > allocated) {
            allocated = MAX(1024, allocated * 2);
            entries = xrealloc(entries, allocated * sizeof *entries);
        }
        *n += read_bucket(map, array, i, &entries[*n]);
    }
    ovs_mutex_unlock(&map->mutex);

    return entries;
}

/* Life cycle. */

/* The inverse of odd 'a' modulo 2**64: Newton's iteration doubles the number
 * of bits that are right, of which 'a' itself has three. */
static uint64_t
inverse_of(uint64_t a)
{
    uint64_t inverse = a;

    for (int i = 0; i < 5; i++) {
        inverse *= 2 - a * inverse;
    }
    return inverse;
}

static const struct ovl_exact_variant *
best_variant(void)
{
    const struct ovl_exact_variant *variant = ovl_exact_variants;

    while (!variant->is_supported()) {
        variant++;
    }
    return variant;
}

void
ovl_exact_map_init(struct ovl_exact_map *map)
{
    struct ovl_exact_seed *seed = &map->seed;

    memset(map, 0, sizeof *map);
    get_entropy_or_die(seed, sizeof *seed);
    for (int i = 0; i < 3; i++) {
        seed->mul[i] |= 1;
        seed->inverse[i] = inverse_of(seed->mul[i]);
    }
    map->variant = best_variant();
    ovs_mutex_init(&map->mutex);
    ovsrcu_init(&map->array, array_create(MIN_REGIONS));
}

void
ovl_exact_map_destroy(struct ovl_exact_map *map)
{
    ovsrcu_postpone(array_destroy, array_of(map));
    ovs_mutex_destroy(&map->mutex);
}
