/* SPDX-License-Identifier: Apache-2.0 */

/* When cur_cfg may follow next_cfg.
 *
 * The state is the process's, so the tests run in order and each goes on with
 * greater numbers than the one before. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cfg-hold.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "timeval.h"
#include "util.h"

/* Waits until the last snapshot whose errors are written has settled. */
static void
wait_until_settled(int64_t next_cfg)
{
    struct ovl_hold_status s;

    for (;;) {
        ovl_hold_get_status(&s);
        if (s.settled && s.settled_cfg >= next_cfg) {
            return;
        }
        ovl_hold_wait();
        poll_block();
    }
}

static void
nobody_waits_without_an_overlay_bridge(void **state OVS_UNUSED)
{
    ovl_hold_set_session(OVL_SESSION_UP);
    ovl_hold_set_bridge(false);
    assert_int_equal(ovl_hold_cur_cfg(4, 5, 1, 0), 5);
}

static void
nobody_waits_for_a_session_that_cannot_answer(void **state OVS_UNUSED)
{
    ovl_hold_set_bridge(true);
    ovl_hold_set_session(OVL_SESSION_OFF);
    assert_int_equal(ovl_hold_cur_cfg(4, 5, 1, 0), 5);
    ovl_hold_set_session(OVL_SESSION_DOWN);
    assert_int_equal(ovl_hold_cur_cfg(4, 5, 1, 0), 5);
    ovl_hold_set_session(OVL_SESSION_BAD_SCHEMA);
    assert_int_equal(ovl_hold_cur_cfg(4, 5, 1, 0), 5);
}

static void
cur_cfg_waits_for_the_first_connection(void **state OVS_UNUSED)
{
    ovl_hold_set_session(OVL_SESSION_CONNECTING);
    assert_int_equal(ovl_hold_cur_cfg(4, 5, 1, 0), 4);
    ovl_hold_set_session(OVL_SESSION_UP);
}

static void
cur_cfg_waits_for_errors_and_a_grace_period(void **state OVS_UNUSED)
{
    uint64_t snapshot = ovl_hold_snapshot(10, 1);

    assert_int_equal(ovl_hold_cur_cfg(9, 10, 1, 0), 9);
    ovl_hold_written(snapshot);
    wait_until_settled(10);
    assert_int_equal(ovl_hold_cur_cfg(9, 10, 1, 0), 10);
}

static void
written_errors_do_not_make_up_for_a_grace_period(void **state OVS_UNUSED)
{
    uint64_t snapshot = ovl_hold_snapshot(11, 1);

    /* This thread has not quiesced since. */
    ovl_hold_written(snapshot);
    assert_int_equal(ovl_hold_cur_cfg(10, 11, 1, 0), 10);
    wait_until_settled(11);
    assert_int_equal(ovl_hold_cur_cfg(10, 11, 1, 0), 11);
}

static void
cur_cfg_waits_for_ports_of_the_first_question(void **state OVS_UNUSED)
{
    /* The question names version 2; the snapshot has version 1. */
    assert_int_equal(ovl_hold_cur_cfg(11, 12, 2, 0), 11);
    ovl_hold_written(ovl_hold_snapshot(12, 1));
    wait_until_settled(12);
    assert_int_equal(ovl_hold_cur_cfg(11, 12, 2, 0), 11);

    /* Ports that come later do not matter. */
    assert_int_equal(ovl_hold_cur_cfg(11, 12, 9, 0), 11);
    ovl_hold_written(ovl_hold_snapshot(13, 2));
    wait_until_settled(13);
    assert_int_equal(ovl_hold_cur_cfg(11, 12, 9, 0), 12);
}

static void
cur_cfg_follows_as_far_as_rows_are_in_force(void **state OVS_UNUSED)
{
    ovl_hold_written(ovl_hold_snapshot(15, 9));
    wait_until_settled(15);
    assert_int_equal(ovl_hold_cur_cfg(12, 20, 9, 0), 15);
    assert_int_equal(ovl_hold_cur_cfg(17, 20, 9, 0), 17);
}

static void
cur_cfg_is_held_for_five_seconds_at_most(void **state OVS_UNUSED)
{
    ovl_hold_written(ovl_hold_snapshot(20, 9));
    wait_until_settled(20);
    assert_int_equal(ovl_hold_cur_cfg(17, 20, 9, 1000), 20);

    assert_int_equal(ovl_hold_cur_cfg(20, 21, 9, 2000), 20);
    assert_int_equal(ovl_hold_cur_cfg(20, 21, 9, 6999), 20);

    /* A later transaction does not prolong it. */
    assert_int_equal(ovl_hold_cur_cfg(20, 22, 9, 6999), 20);
    assert_int_equal(ovl_hold_cur_cfg(20, 22, 9, 7000), 22);

    /* Whoever comes after that does not wait again ... */
    assert_int_equal(ovl_hold_cur_cfg(22, 23, 9, 7001), 23);

    /* ... until the tables have caught up. */
    ovl_hold_written(ovl_hold_snapshot(23, 9));
    wait_until_settled(23);
    assert_int_equal(ovl_hold_cur_cfg(23, 24, 9, 8000), 23);
    assert_int_equal(ovl_hold_cur_cfg(23, 24, 9, 13000), 24);
}

static void
snapshots_settle_in_order(void **state OVS_UNUSED)
{
    uint64_t first = ovl_hold_snapshot(30, 9);
    uint64_t second = ovl_hold_snapshot(31, 9);
    struct ovl_hold_status s;

    assert_true(first < second);
    ovl_hold_written(first);
    wait_until_settled(30);
    ovl_hold_get_status(&s);
    assert_int_equal(s.settled_cfg, 30);
    ovl_hold_written(second);
    wait_until_settled(31);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_waits_without_an_overlay_bridge),
        cmocka_unit_test(nobody_waits_for_a_session_that_cannot_answer),
        cmocka_unit_test(cur_cfg_waits_for_the_first_connection),
        cmocka_unit_test(cur_cfg_waits_for_errors_and_a_grace_period),
        cmocka_unit_test(written_errors_do_not_make_up_for_a_grace_period),
        cmocka_unit_test(cur_cfg_waits_for_ports_of_the_first_question),
        cmocka_unit_test(cur_cfg_follows_as_far_as_rows_are_in_force),
        cmocka_unit_test(cur_cfg_is_held_for_five_seconds_at_most),
        cmocka_unit_test(snapshots_settle_in_order),
    };

    /* Sets up the clock; seq_wait() would deadlock doing so. */
    time_msec();

    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
