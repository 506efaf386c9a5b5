/* SPDX-License-Identifier: Apache-2.0 */

#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H 1

/* What the benchmarks measure with. */

#include <stddef.h>
#include <stdlib.h>
#include <time.h>

static inline double
bench_clock_ns(clockid_t clock)
{
    struct timespec ts;

    clock_gettime(clock, &ts);
    return ts.tv_sec * 1e9 + ts.tv_nsec;
}

/* CPU time of this thread, so that what else the machine does counts only as
 * far as it takes caches away. */
static inline double
bench_cpu_ns(void)
{
    return bench_clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

static inline double
bench_wall_ns(void)
{
    return bench_clock_ns(CLOCK_MONOTONIC);
}

static inline int
bench_compare_doubles(const void *a_, const void *b_)
{
    const double *a = a_, *b = b_;

    return *a < *b ? -1 : *a > *b;
}

/* Sorts the 'n' values, n > 0. */
static inline double
bench_median(double *values, size_t n)
{
    qsort(values, n, sizeof *values, bench_compare_doubles);
    return values[n / 2];
}

#endif /* measure.h */
