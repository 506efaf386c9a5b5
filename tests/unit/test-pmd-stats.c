/* SPDX-License-Identifier: Apache-2.0 */

/* What packet threads know about themselves. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "openvswitch/dynamic-string.h"
#include "pmd-stats.h"
#include "util.h"

static void
test_each_value_is_in_the_bin_that_ends_at_or_after_it(void **state
                                                        OVS_UNUSED)
{
    for (int bin = 0; bin < OVL_PMD_N_BINS - 1; bin++) {
        uint64_t max = ovl_pmd_bin_max(bin);

        assert_int_equal(ovl_pmd_bin(max), bin);
        assert_int_equal(ovl_pmd_bin(max + 1), bin + 1);
    }
    assert_int_equal(ovl_pmd_bin(0), 0);
    assert_int_equal(ovl_pmd_bin(UINT64_MAX), OVL_PMD_N_BINS - 1);
}

static uint64_t
samples(const struct ovl_pmd_values *v, enum ovl_pmd_histogram hist)
{
    uint64_t sum = 0;

    for (int i = 0; i < OVL_PMD_N_BINS; i++) {
        sum += v->cells[OVL_PMD_N_STATS + hist * OVL_PMD_N_BINS + i];
    }
    return sum;
}

static void
test_iterations_are_counted_and_cleared(void **state OVS_UNUSED)
{
    struct ovl_pmd_stats *s = xzalloc(sizeof *s);
    struct ovl_pmd_values v;

    ovl_pmd_stats_init(s);
    for (int round = 1; round <= 2; round++) {
        ovl_pmd_stats_burst(s, 32);
        ovl_pmd_stats_burst(s, 8);
        ovl_pmd_stats_iteration(s, 40, 4000, 0);
        ovl_pmd_stats_iteration(s, 0, 100, 0);
        ovl_pmd_stats_iteration(s, 0, 200, 5000);
        ovl_pmd_stats_read(s, &v);
        assert_int_equal(v.cells[OVL_PMD_RX_PACKETS], 40);
        assert_int_equal(v.cells[OVL_PMD_RX_BURSTS], 2);
        assert_int_equal(v.cells[OVL_PMD_BUSY_LOOPS], 1);
        assert_int_equal(v.cells[OVL_PMD_IDLE_LOOPS], 2);
        assert_int_equal(v.cells[OVL_PMD_BUSY_CYCLES], 4000);
        assert_int_equal(v.cells[OVL_PMD_IDLE_CYCLES], 300);
        assert_int_equal(v.cells[OVL_PMD_SLEEPS], 1);
        assert_int_equal(v.cells[OVL_PMD_SLEEP_CYCLES], 5000);
        assert_int_equal(samples(&v, OVL_PMD_HIST_LOOP_CYCLES), 3);
        assert_int_equal(samples(&v, OVL_PMD_HIST_LOOP_PACKETS), 1);
        assert_int_equal(samples(&v, OVL_PMD_HIST_PACKET_CYCLES), 1);
        assert_int_equal(samples(&v, OVL_PMD_HIST_BURST_PACKETS), 2);
        ovl_pmd_stats_clear(s);
        ovl_pmd_stats_read(s, &v);
        for (int i = 0; i < OVL_PMD_N_CELLS; i++) {
            assert_int_equal(v.cells[i], 0);
        }
    }
    free(s);
}

static void
test_what_is_printed(void **state OVS_UNUSED)
{
    struct ovl_pmd_stats *s = xzalloc(sizeof *s);
    struct ds text = DS_EMPTY_INITIALIZER;
    struct ovl_pmd_values v;

    /* Nothing divides by nothing. */
    ovl_pmd_stats_init(s);
    ovl_pmd_stats_read(s, &v);
    ovl_pmd_values_format(&v, 0, &text);
    ovl_pmd_values_format_perf(&v, 0, true, &text);
    assert_null(strstr(ds_cstr(&text), "nan"));
    assert_null(strstr(ds_cstr(&text), "inf"));

    ovl_pmd_stats_burst(s, 4);
    ovl_pmd_stats_add(s, OVL_PMD_TX_BURSTS, 2);
    ovl_pmd_stats_add(s, OVL_PMD_TX_PACKETS, 3);
    ovl_pmd_stats_iteration(s, 4, 300, 0);
    ovl_pmd_stats_iteration(s, 0, 100, 0);
    ovl_pmd_stats_read(s, &v);
    ds_clear(&text);
    ovl_pmd_values_format(&v, 1, &text);
    assert_string_equal(ds_cstr(&text),
        "  packets received: 4\n"
        "  packets sent: 3\n"
        "  packets dropped: 1\n"
        "  bursts received: 1\n"
        "  packets per burst: 4.00\n"
        "  avg. packets per output batch: 1.50\n"
        "  iterations: 2\n"
        "  idle iterations: 1 (50.0 %)\n"
        "  sleep iterations: 0 (0.0 %)\n"
        "  idle cycles: 100 (25.00%)\n"
        "  processing cycles: 300 (75.00%)\n"
        "  avg cycles per packet: 100.00 (400/4)\n"
        "  avg processing cycles per packet: 75.00 (300/4)\n");

    ds_clear(&text);
    ovl_pmd_values_format_perf(&v, 1, true, &text);
    const char *histograms = strstr(ds_cstr(&text), "Histograms");
    assert_non_null(histograms);
    assert_string_equal(histograms,
        "Histograms\n"
        "  up to       cycles/it      packets/it     cycles/pkt     "
        "pkts/burst\n"
        "  5           0              1              0              1\n"
        "  7           0              0              0              0\n"
        "  11          0              0              0              0\n"
        "  15          0              0              0              0\n"
        "  23          0              0              0              0\n"
        "  31          0              0              0              0\n"
        "  47          0              0              0              0\n"
        "  63          0              0              0              0\n"
        "  95          0              0              1              0\n"
        "  127         1              0              0              0\n"
        "  191         0              0              0              0\n"
        "  255         0              0              0              0\n"
        "  383         1              0              0              0\n");
    ds_destroy(&text);
    free(s);
}

static void
test_usage_since_a_sample(void **state OVS_UNUSED)
{
    struct ovl_usage *u = xzalloc(sizeof *u);

    ovl_usage_add(u, 10);
    ovl_usage_sample(u, 0);
    ovl_usage_add(u, 5);
    ovl_usage_sample(u, 1);
    ovl_usage_add(u, 1);
    assert_int_equal(ovl_usage_since(u, 0), 6);
    assert_int_equal(ovl_usage_since(u, 1), 1);
    assert_int_equal(ovl_usage_since(u, OVL_PMD_N_SAMPLES), 16);
    free(u);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_each_value_is_in_the_bin_that_ends_at_or_after_it),
        cmocka_unit_test(test_iterations_are_counted_and_cleared),
        cmocka_unit_test(test_what_is_printed),
        cmocka_unit_test(test_usage_since_a_sample),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
