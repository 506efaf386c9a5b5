/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: ovl_pmd_. */

#include <config.h>

#include "pmd-stats.h"

#include <inttypes.h>

#include "openvswitch/dynamic-string.h"
#include "timeval.h"
#include "util.h"

uint64_t
ovl_pmd_bin_max(int bin)
{
    if (bin < 2) {
        return bin;
    } else if (bin == OVL_PMD_N_BINS - 1) {
        return UINT64_MAX;
    } else {
        int msb = bin / 2;

        return (UINT64_C(1) << msb) - 1
               + (UINT64_C(1) << (msb - 1)) * (bin % 2 + 1);
    }
}

void
ovl_pmd_stats_iteration(struct ovl_pmd_stats *s, uint64_t n, uint64_t cycles,
                        uint64_t sleep)
{
    if (n) {
        ovl_pmd_stats_add(s, OVL_PMD_RX_PACKETS, n);
        ovl_pmd_stats_add(s, OVL_PMD_BUSY_LOOPS, 1);
        ovl_pmd_stats_add(s, OVL_PMD_BUSY_CYCLES, cycles);
        ovl_pmd_stats_sample(s, OVL_PMD_HIST_LOOP_PACKETS, n);
        ovl_pmd_stats_sample(s, OVL_PMD_HIST_PACKET_CYCLES, cycles / n);
    } else {
        ovl_pmd_stats_add(s, OVL_PMD_IDLE_LOOPS, 1);
        ovl_pmd_stats_add(s, OVL_PMD_IDLE_CYCLES, cycles);
    }
    ovl_pmd_stats_sample(s, OVL_PMD_HIST_LOOP_CYCLES, cycles);
    if (sleep) {
        ovl_pmd_stats_add(s, OVL_PMD_SLEEPS, 1);
        ovl_pmd_stats_add(s, OVL_PMD_SLEEP_CYCLES, sleep);
    }
}

static uint64_t
read_cell(const struct ovl_pmd_stats *s, int cell)
{
    uint64_t value;

    atomic_read_relaxed(&CONST_CAST(struct ovl_pmd_stats *, s)->cells[cell],
                        &value);
    return value;
}

void
ovl_pmd_stats_init(struct ovl_pmd_stats *s)
{
    for (int i = 0; i < OVL_PMD_N_CELLS; i++) {
        atomic_init(&s->cells[i], 0);
    }
    ovl_pmd_stats_clear(s);
}

void
ovl_pmd_stats_clear(struct ovl_pmd_stats *s)
{
    for (int i = 0; i < OVL_PMD_N_CELLS; i++) {
        s->zero[i] = read_cell(s, i);
    }
    s->zero_tsc = ovl_pmd_cycles();
    s->zero_us = time_usec();
}

void
ovl_pmd_stats_read(const struct ovl_pmd_stats *s, struct ovl_pmd_values *v)
{
    uint64_t tsc = ovl_pmd_cycles() - s->zero_tsc;

    for (int i = 0; i < OVL_PMD_N_CELLS; i++) {
        v->cells[i] = read_cell(s, i) - s->zero[i];
    }
    v->seconds = (time_usec() - s->zero_us) / 1e6;
    v->hz = v->seconds > 0 ? tsc / v->seconds : 0;
}

static uint64_t
usage(const struct ovl_usage *u)
{
    uint64_t value;

    atomic_read_relaxed(&CONST_CAST(struct ovl_usage *, u)->cycles, &value);
    return value;
}

void
ovl_usage_sample(struct ovl_usage *u, unsigned int sample)
{
    u->samples[sample] = usage(u);
}

uint64_t
ovl_usage_since(const struct ovl_usage *u, unsigned int sample)
{
    return usage(u) - u->samples[sample];
}

static double
ratio(double a, double b)
{
    return b > 0 ? a / b : 0;
}

static double
percent(double a, double b)
{
    return 100 * ratio(a, b);
}

void
ovl_pmd_values_format(const struct ovl_pmd_values *v, uint64_t dropped,
                      struct ds *s)
{
    const uint64_t *n = v->cells;
    uint64_t cycles = n[OVL_PMD_BUSY_CYCLES] + n[OVL_PMD_IDLE_CYCLES];
    uint64_t packets = n[OVL_PMD_RX_PACKETS];
    uint64_t loops = n[OVL_PMD_BUSY_LOOPS] + n[OVL_PMD_IDLE_LOOPS];

    ds_put_format(s, "  packets received: %"PRIu64"\n", packets);
    ds_put_format(s, "  packets sent: %"PRIu64"\n", n[OVL_PMD_TX_PACKETS]);
    ds_put_format(s, "  packets dropped: %"PRIu64"\n", dropped);
    ds_put_format(s, "  bursts received: %"PRIu64"\n", n[OVL_PMD_RX_BURSTS]);
    ds_put_format(s, "  packets per burst: %.2f\n",
                  ratio(packets, n[OVL_PMD_RX_BURSTS]));
    ds_put_format(s, "  avg. packets per output batch: %.2f\n",
                  ratio(n[OVL_PMD_TX_PACKETS], n[OVL_PMD_TX_BURSTS]));
    ds_put_format(s, "  iterations: %"PRIu64"\n", loops);
    ds_put_format(s, "  idle iterations: %"PRIu64" (%.1f %%)\n",
                  n[OVL_PMD_IDLE_LOOPS],
                  percent(n[OVL_PMD_IDLE_LOOPS], loops));
    ds_put_format(s, "  sleep iterations: %"PRIu64" (%.1f %%)\n",
                  n[OVL_PMD_SLEEPS], percent(n[OVL_PMD_SLEEPS], loops));
    if (cycles) {
        ds_put_format(s, "  idle cycles: %"PRIu64" (%.02f%%)\n",
                      n[OVL_PMD_IDLE_CYCLES],
                      percent(n[OVL_PMD_IDLE_CYCLES], cycles));
        ds_put_format(s, "  processing cycles: %"PRIu64" (%.02f%%)\n",
                      n[OVL_PMD_BUSY_CYCLES],
                      percent(n[OVL_PMD_BUSY_CYCLES], cycles));
    }
    if (packets) {
        ds_put_format(s, "  avg cycles per packet: %.02f (%"PRIu64"/%"PRIu64
                      ")\n", ratio(cycles, packets), cycles, packets);
        ds_put_format(s, "  avg processing cycles per packet: %.02f (%"PRIu64
                      "/%"PRIu64")\n",
                      ratio(n[OVL_PMD_BUSY_CYCLES], packets),
                      n[OVL_PMD_BUSY_CYCLES], packets);
    }
}

static void
format_histograms(const struct ovl_pmd_values *v, struct ds *s)
{
    const uint64_t *bins = &v->cells[OVL_PMD_N_STATS];
    int first = OVL_PMD_N_BINS, last = -1;

    for (int i = 0; i < OVL_PMD_N_HISTOGRAMS * OVL_PMD_N_BINS; i++) {
        if (bins[i]) {
            first = MIN(first, i % OVL_PMD_N_BINS);
            last = MAX(last, i % OVL_PMD_N_BINS);
        }
    }

    ds_put_format(s, "Histograms\n  %-11s %-14s %-14s %-14s %s\n",
                  "up to", "cycles/it", "packets/it", "cycles/pkt",
                  "pkts/burst");
    for (int i = first; i <= last; i++) {
        if (i == OVL_PMD_N_BINS - 1) {
            ds_put_format(s, "  %-11s", "more");
        } else {
            ds_put_format(s, "  %-11"PRIu64, ovl_pmd_bin_max(i));
        }
        for (int h = 0; h < OVL_PMD_N_HISTOGRAMS; h++) {
            ds_put_format(s, h < OVL_PMD_N_HISTOGRAMS - 1
                          ? " %-14"PRIu64 : " %"PRIu64,
                          bins[h * OVL_PMD_N_BINS + i]);
        }
        ds_put_char(s, '\n');
    }
}

void
ovl_pmd_values_format_perf(const struct ovl_pmd_values *v, uint64_t dropped,
                           bool histograms, struct ds *s)
{
    const uint64_t *n = v->cells;
    uint64_t used = n[OVL_PMD_BUSY_CYCLES] + n[OVL_PMD_IDLE_CYCLES];
    uint64_t loops = n[OVL_PMD_BUSY_LOOPS] + n[OVL_PMD_IDLE_LOOPS];
    double us = ratio(1e6, v->hz);      /* Microseconds in a cycle. */

    ds_put_format(s, "  Measurement duration: %.3f s\n", v->seconds);
    ds_put_format(s, "  Iterations:         %12"PRIu64"  (%.2f us/it)\n",
                  loops, ratio((used + n[OVL_PMD_SLEEP_CYCLES]) * us, loops));
    ds_put_format(s, "  - Used TSC cycles:  %12"PRIu64
                  "  (%5.1f %% of total cycles)\n",
                  used, percent(used, v->hz * v->seconds));
    ds_put_format(s, "  - idle iterations:  %12"PRIu64
                  "  (%5.1f %% of used cycles)\n", n[OVL_PMD_IDLE_LOOPS],
                  percent(n[OVL_PMD_IDLE_CYCLES], used));
    ds_put_format(s, "  - busy iterations:  %12"PRIu64
                  "  (%5.1f %% of used cycles)\n", n[OVL_PMD_BUSY_LOOPS],
                  percent(n[OVL_PMD_BUSY_CYCLES], used));
    ds_put_format(s, "  - sleep iterations: %12"PRIu64
                  "  (%5.1f %% of iterations)\n", n[OVL_PMD_SLEEPS],
                  percent(n[OVL_PMD_SLEEPS], loops));
    ds_put_format(s, "  Sleep time (us):    %12.0f  "
                  "(%3.0f us/iteration avg.)\n",
                  n[OVL_PMD_SLEEP_CYCLES] * us,
                  ratio(n[OVL_PMD_SLEEP_CYCLES] * us, n[OVL_PMD_SLEEPS]));
    ds_put_format(s, "  Rx packets:         %12"PRIu64
                  "  (%.0f Kpps, %.0f cycles/pkt)\n", n[OVL_PMD_RX_PACKETS],
                  ratio(n[OVL_PMD_RX_PACKETS], v->seconds) / 1e3,
                  ratio(n[OVL_PMD_BUSY_CYCLES], n[OVL_PMD_RX_PACKETS]));
    ds_put_format(s, "  Rx bursts:          %12"PRIu64
                  "  (%.2f pkts/burst)\n", n[OVL_PMD_RX_BURSTS],
                  ratio(n[OVL_PMD_RX_PACKETS], n[OVL_PMD_RX_BURSTS]));
    ds_put_format(s, "  Tx packets:         %12"PRIu64"  (%.0f Kpps)\n",
                  n[OVL_PMD_TX_PACKETS],
                  ratio(n[OVL_PMD_TX_PACKETS], v->seconds) / 1e3);
    ds_put_format(s, "  Tx batches:         %12"PRIu64
                  "  (%.2f pkts/batch)\n", n[OVL_PMD_TX_BURSTS],
                  ratio(n[OVL_PMD_TX_PACKETS], n[OVL_PMD_TX_BURSTS]));
    ds_put_format(s, "  Dropped packets:    %12"PRIu64"\n", dropped);
    if (histograms) {
        ds_put_char(s, '\n');
        format_histograms(v, s);
    }
}
