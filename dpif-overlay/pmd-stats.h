/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_PMD_STATS_H
#define OVL_PMD_STATS_H 1

/* What a packet thread knows about itself: packets, bursts, cycles, and
 * histograms of its iterations.
 *
 *     ovl_pmd_stats_add(s, OVL_PMD_RX_PACKETS, n);            the thread
 *     ovl_pmd_stats_iteration(s, cycles, n, ...);
 *
 *     ovl_pmd_stats_read(s, &values);                          anybody else
 *     ovl_pmd_stats_clear(s);
 *
 * A value is one plain add to a cell that nobody else writes.  Clearing
 * remembers what the cells have, and reading subtracts that, so that the
 * thread never waits or looks whether it should clear something.
 *
 * OVS's dpif-netdev-perf.h serves another purpose: most of its metrics are of
 * upcalls and flow caches, which are not here, and it keeps the last thousand
 * iterations, 100 kB of them, for a log of its own.
 *
 * Thread-safety: see the functions.  ovl_pmd_stats_clear() and
 * ovl_pmd_stats_read() exclude each other.
 *
 * Layer 3. */

#include <stdbool.h>
#include <stdint.h>

#include "ovs-atomic.h"
#include "util.h"

#ifdef DPDK_NETDEV
#include <rte_config.h>
#include <rte_cycles.h>
#else
#include <time.h>
#endif

struct ds;

/* Sums. */
enum ovl_pmd_stat {
    OVL_PMD_RX_PACKETS,
    OVL_PMD_RX_BURSTS,
    OVL_PMD_TX_PACKETS,         /* Given to a driver, whatever came of it. */
    OVL_PMD_TX_BURSTS,
    OVL_PMD_BUSY_LOOPS,         /* Iterations with packets, ... */
    OVL_PMD_IDLE_LOOPS,         /* ... and without. */
    OVL_PMD_BUSY_CYCLES,        /* In those, without sleep. */
    OVL_PMD_IDLE_CYCLES,
    OVL_PMD_SLEEPS,
    OVL_PMD_SLEEP_CYCLES,
    OVL_PMD_N_STATS
};

/* Distributions. */
enum ovl_pmd_histogram {
    OVL_PMD_HIST_LOOP_CYCLES,   /* Of an iteration. */
    OVL_PMD_HIST_LOOP_PACKETS,  /* Of a busy iteration, as the others. */
    OVL_PMD_HIST_PACKET_CYCLES,
    OVL_PMD_HIST_BURST_PACKETS, /* Of a burst received. */
    OVL_PMD_N_HISTOGRAMS
};

/* Bins of a histogram: two for each power of two. */
#define OVL_PMD_N_BINS 64

/* Cells: OVL_PMD_N_STATS sums, then the bins of each histogram. */
#define OVL_PMD_N_CELLS \
    (OVL_PMD_N_STATS + OVL_PMD_N_HISTOGRAMS * OVL_PMD_N_BINS)

struct ovl_pmd_stats {
    atomic_uint64_t cells[OVL_PMD_N_CELLS];     /* Written by the thread. */

    /* When they were cleared; written by whoever did. */
    uint64_t zero[OVL_PMD_N_CELLS];
    uint64_t zero_tsc;
    long long int zero_us;
};

/* The cells since they were cleared. */
struct ovl_pmd_values {
    uint64_t cells[OVL_PMD_N_CELLS];
    double seconds;             /* Since then. */
    double hz;                  /* Cycles in a second; 0 if not known yet. */
};

/* Cycles of a clock that all cores share. */
static inline uint64_t
ovl_pmd_cycles(void)
{
#ifdef DPDK_NETDEV
    return rte_get_tsc_cycles();
#else
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC_RAW, &t);
    return t.tv_sec * UINT64_C(1000000000) + t.tv_nsec;
#endif
}

/* The bin for 'value', and the largest value of a bin. */
static inline int
ovl_pmd_bin(uint64_t value)
{
    if (value < 2) {
        return value;
    } else if (value >> (OVL_PMD_N_BINS / 2)) {
        return OVL_PMD_N_BINS - 1;
    } else {
        int msb = 63 - __builtin_clzll(value);

        return 2 * msb + ((value >> (msb - 1)) & 1);
    }
}
uint64_t ovl_pmd_bin_max(int bin);

/* Adds 'n' to a cell: a sum, or one bin of a histogram.  The thread only. */
static inline void
ovl_pmd_stats_add(struct ovl_pmd_stats *s, int cell, uint64_t n)
{
    uint64_t value;

    atomic_read_relaxed(&s->cells[cell], &value);
    atomic_store_relaxed(&s->cells[cell], value + n);
}

/* Counts 'value' in a histogram.  The thread only. */
static inline void
ovl_pmd_stats_sample(struct ovl_pmd_stats *s, enum ovl_pmd_histogram hist,
                     uint64_t value)
{
    ovl_pmd_stats_add(s, OVL_PMD_N_STATS + hist * OVL_PMD_N_BINS
                         + ovl_pmd_bin(value), 1);
}

/* Counts a burst of 'n' packets received.  The thread only. */
static inline void
ovl_pmd_stats_burst(struct ovl_pmd_stats *s, uint64_t n)
{
    ovl_pmd_stats_add(s, OVL_PMD_RX_BURSTS, 1);
    ovl_pmd_stats_sample(s, OVL_PMD_HIST_BURST_PACKETS, n);
}

/* Counts an iteration that received 'n' packets and took 'cycles', and 'sleep'
 * more for a nap if not 0.  The thread only. */
void ovl_pmd_stats_iteration(struct ovl_pmd_stats *, uint64_t n,
                             uint64_t cycles, uint64_t sleep);

void ovl_pmd_stats_init(struct ovl_pmd_stats *);
void ovl_pmd_stats_clear(struct ovl_pmd_stats *);
void ovl_pmd_stats_read(const struct ovl_pmd_stats *,
                        struct ovl_pmd_values *);

/* Cycles that somebody used, now and at earlier times, which are the same for
 * all: "sample" is the number of one.  Sample OVL_PMD_N_SAMPLES is the time
 * before all. */
#define OVL_PMD_N_SAMPLES 12

struct ovl_usage {
    atomic_uint64_t cycles;     /* Written by the thread that uses them. */

    /* The control side's; the last stays 0. */
    uint64_t samples[OVL_PMD_N_SAMPLES + 1];
};

static inline void
ovl_usage_add(struct ovl_usage *u, uint64_t cycles)
{
    uint64_t value;

    atomic_read_relaxed(&u->cycles, &value);
    atomic_store_relaxed(&u->cycles, value + cycles);
}

void ovl_usage_sample(struct ovl_usage *, unsigned int sample);
/* Cycles used since 'sample'. */
uint64_t ovl_usage_since(const struct ovl_usage *, unsigned int sample);

/* Append what 'dpif-overlay/pmd-stats-show' and 'pmd-perf-show' print about a
 * thread that dropped 'dropped' packets. */
void ovl_pmd_values_format(const struct ovl_pmd_values *, uint64_t dropped,
                           struct ds *);
void ovl_pmd_values_format_perf(const struct ovl_pmd_values *,
                                uint64_t dropped, bool histograms,
                                struct ds *);

#endif /* pmd-stats.h */
