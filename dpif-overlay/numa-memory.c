/* SPDX-License-Identifier: Apache-2.0 */

/* Asks the kernel, by way of libnuma, for a policy of a range of pages or of a
 * thread.  Pages of a range move if they are elsewhere already; pages that a
 * thread has touched under an earlier policy of its own stay where they are.
 *
 * Prefix: ovl_numa_. */

#include <config.h>

#include "numa-memory.h"

#include <errno.h>
#include <numa.h>
#include <numaif.h>
#include <string.h>
#include <sys/mman.h>

#include "bitmap.h"
#include "hash.h"
#include "openvswitch/hmap.h"
#include "openvswitch/vlog.h"
#include "ovs-atomic.h"
#include "ovs-numa.h"
#include "ovs-thread.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(overlay_numa);

/* A set of nodes, as the kernel takes it. */
struct nodes {
    unsigned long bits[BITMAP_N_LONGS(MAX_NUMA_NODES)];
};

/* The kernel looks at one bit less than it is told. */
#define MAX_NODE (MAX_NUMA_NODES + 1)

/* Pages that are shared. */
struct region {
    struct hmap_node hmap_node; /* In 'regions', by 'p'. */
    void *p;
    size_t size;
};

static struct ovs_mutex mutex = OVS_MUTEX_INITIALIZER;
static struct nodes readers OVS_GUARDED_BY(mutex);
static struct hmap regions OVS_GUARDED_BY(mutex)
    = HMAP_INITIALIZER(&regions);

/* Counts changes of 'readers'. */
static atomic_count generation = ATOMIC_COUNT_INIT(0);

static bool
real_has_node(int node)
{
    return (numa_available() >= 0 && node <= numa_max_node()
            && numa_bitmask_isbitset(numa_all_nodes_ptr, node));
}

static const struct ovl_numa_calls real_calls = {
    .has_node = real_has_node,
    .mbind = mbind,
    .set_mempolicy = set_mempolicy,
};
static const struct ovl_numa_calls *calls = &real_calls;

static void
nodes_add(struct nodes *nodes, int node)
{
    if (node >= 0 && node < MAX_NUMA_NODES && calls->has_node(node)) {
        bitmap_set1(nodes->bits, node);
    }
}

static bool
nodes_is_empty(const struct nodes *nodes)
{
    return bitmap_is_all_zeros(nodes->bits, MAX_NUMA_NODES);
}

static void
check(long result)
{
    if (result) {
        VLOG_INFO_ONCE("memory is not placed by NUMA node (%s)",
                       ovs_strerror(errno));
    }
}

/* Puts 'size' bytes at 'p' on 'nodes', whichever that are. */
static void
place(void *p, size_t size, int mode, const struct nodes *nodes)
{
    if (!nodes_is_empty(nodes)) {
        check(calls->mbind(p, size, mode, nodes->bits, MAX_NODE,
                           MPOL_MF_MOVE));
    }
}

void *
ovl_numa_alloc(size_t size, int node)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct nodes nodes = { .bits = { 0 } };

    if (p == MAP_FAILED) {
        out_of_memory();
    }
    nodes_add(&nodes, node);
    place(p, size, MPOL_PREFERRED, &nodes);
    return p;
}

void
ovl_numa_free(void *p, size_t size)
{
    if (p) {
        munmap(p, size);
    }
}

/* Shared memory. */

static void
set_readers(const struct nodes *nodes)
    OVS_REQUIRES(mutex)
{
    struct region *r;

    if (!memcmp(&readers, nodes, sizeof readers)) {
        return;
    }
    readers = *nodes;
    atomic_count_inc(&generation);
    HMAP_FOR_EACH (r, hmap_node, &regions) {
        if (nodes_is_empty(&readers)) {
            check(calls->mbind(r->p, r->size, MPOL_DEFAULT, NULL, 0, 0));
        } else {
            place(r->p, r->size, MPOL_INTERLEAVE, &readers);
        }
    }
}

void
ovl_numa_set_readers(const int *ids, size_t n)
{
    struct nodes nodes = { .bits = { 0 } };

    for (size_t i = 0; i < n; i++) {
        nodes_add(&nodes, ids[i]);
    }
    ovs_mutex_lock(&mutex);
    set_readers(&nodes);
    ovs_mutex_unlock(&mutex);
}

void
ovl_numa_share(void *p, size_t size)
{
    struct region *r = xmalloc(sizeof *r);

    *r = (struct region) { .p = p, .size = size };
    ovs_mutex_lock(&mutex);
    hmap_insert(&regions, &r->hmap_node, hash_pointer(p, 0));
    place(p, size, MPOL_INTERLEAVE, &readers);
    ovs_mutex_unlock(&mutex);
}

void
ovl_numa_unshare(void *p)
{
    struct region *r;

    ovs_mutex_lock(&mutex);
    HMAP_FOR_EACH_WITH_HASH (r, hmap_node, hash_pointer(p, 0), &regions) {
        if (r->p == p) {
            hmap_remove(&regions, &r->hmap_node);
            free(r);
            break;
        }
    }
    ovs_mutex_unlock(&mutex);
}

void *
ovl_numa_alloc_shared(size_t size)
{
    size_t whole = ROUND_UP(size, get_page_size());
    char *p = mmap(NULL, whole + OVL_NUMA_HUGE_PAGE, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED) {
        out_of_memory();
    }

    size_t before = -(uintptr_t) p % OVL_NUMA_HUGE_PAGE;
    if (before) {
        munmap(p, before);
    }
    p += before;
    if (before < OVL_NUMA_HUGE_PAGE) {
        munmap(p + whole, OVL_NUMA_HUGE_PAGE - before);
    }
    ovl_numa_share(p, whole);
    return p;
}

void
ovl_numa_free_shared(void *p, size_t size)
{
    ovl_numa_unshare(p);
    munmap(p, ROUND_UP(size, get_page_size()));
}

void
ovl_numa_want_huge_pages(void *p OVS_UNUSED, size_t size OVS_UNUSED)
{
#ifdef MADV_HUGEPAGE
    madvise(p, size, MADV_HUGEPAGE);
#endif
}

void
ovl_numa_share_thread(void)
{
    static __thread unsigned int seen;
    unsigned int now = atomic_count_get(&generation);

    if (seen != now) {
        seen = now;
        ovs_mutex_lock(&mutex);
        check(nodes_is_empty(&readers)
              ? calls->set_mempolicy(MPOL_DEFAULT, NULL, 0)
              : calls->set_mempolicy(MPOL_INTERLEAVE, readers.bits, MAX_NODE));
        ovs_mutex_unlock(&mutex);
    }
}

void
ovl_numa_unshare_thread(void)
{
    check(calls->set_mempolicy(MPOL_DEFAULT, NULL, 0));
}

void
ovl_numa_set_calls(const struct ovl_numa_calls *new_calls)
{
    struct nodes none = { .bits = { 0 } };

    ovs_mutex_lock(&mutex);
    calls = new_calls ? new_calls : &real_calls;
    set_readers(&none);
    ovs_mutex_unlock(&mutex);
}
