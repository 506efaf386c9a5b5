/* SPDX-License-Identifier: Apache-2.0 */

/* A few pages between two that cannot be touched.  AddressSanitizer is told
 * besides that nothing before the headroom is to be read. */

#include <config.h>

#include "guarded.h"

#include <sys/mman.h>
#include <unistd.h>

#include "frames.h"
#include "pkt-edit.h"
#include "util.h"

#define DIRT 0xa5
#define MAX_TAILROOM 64
#define N_BELOW 64              /* Bytes before the headroom to look at. */

#if defined __has_feature
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(P, N) ((void) (P), (void) (N))
#define ASAN_UNPOISON_MEMORY_REGION(P, N) ((void) (P), (void) (N))
#endif

struct guarded {
    size_t page;                /* Bytes in a page. */
    size_t size;                /* Bytes between the guard pages. */
    uint8_t *mem;               /* The first of them. */
    uint8_t *base, *data, *tail;        /* Of the packet. */
};

struct guarded *
guarded_create(void)
{
    struct guarded *g = xzalloc(sizeof *g);
    uint8_t *p;

    g->page = sysconf(_SC_PAGESIZE);
    g->size = ROUND_UP(N_BELOW + OVL_PKT_HEADROOM + FRAME_MAX + MAX_TAILROOM,
                       g->page);
    p = mmap(NULL, g->size + 2 * g->page, PROT_NONE,
             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ovs_assert(p != MAP_FAILED);
    g->mem = p + g->page;
    ovs_assert(!mprotect(g->mem, g->size, PROT_READ | PROT_WRITE));
    return g;
}

void
guarded_destroy(struct guarded *g)
{
    ASAN_UNPOISON_MEMORY_REGION(g->mem, g->size);
    munmap(g->mem - g->page, g->size + 2 * g->page);
    free(g);
}

struct dp_packet *
guarded_packet(struct guarded *g, const void *data, size_t len,
               size_t tailroom)
{
    uint8_t *end = g->mem + g->size;
    struct dp_packet *packet = xmalloc(sizeof *packet);

    ovs_assert(len <= FRAME_MAX && tailroom <= MAX_TAILROOM);
    ASAN_UNPOISON_MEMORY_REGION(g->mem, g->size);
    g->tail = end - tailroom;
    g->data = g->tail - len;
    g->base = g->data - OVL_PKT_HEADROOM;
    memset(g->base - N_BELOW, DIRT, end - (g->base - N_BELOW));
    ASAN_POISON_MEMORY_REGION(g->mem, g->base - g->mem);

    dp_packet_use_stub(packet, g->base, end - g->base);
    dp_packet_reserve(packet, OVL_PKT_HEADROOM);
    if (len) {
        dp_packet_put(packet, data, len);
    }
    ovs_assert(dp_packet_data(packet) == g->data);
    return packet;
}

static bool
is_dirt(const uint8_t *p, const uint8_t *end)
{
    while (p < end && *p == DIRT) {
        p++;
    }
    return p == end;
}

const char *
guarded_violation(struct guarded *g, size_t n_pushed, size_t n_appended)
{
    uint8_t *end = g->mem + g->size;

    ASAN_UNPOISON_MEMORY_REGION(g->mem, g->size);
    if (!is_dirt(g->base - N_BELOW, g->base)) {
        return "written before the packet's memory";
    } else if (!is_dirt(g->base, g->data - n_pushed)) {
        return "written into the headroom";
    } else if (!is_dirt(MIN(g->tail + n_appended, end), end)) {
        return "written into the tailroom";
    }
    return NULL;
}
