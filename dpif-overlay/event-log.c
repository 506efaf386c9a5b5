/* SPDX-License-Identifier: Apache-2.0 */

/* Looks at the counters once a second.
 *
 * Prefix: ovl_event_log_. */

#include <config.h>

#include "event-log.h"

#include "counters.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "timeval.h"

VLOG_DEFINE_THIS_MODULE(overlay_events);

#define INTERVAL_MS 1000

/* Of the control thread. */
static long long int next_look;
static uint64_t told[OVL_EVENTS_END - OVL_N_TOTALS];

/* Returns how much 'event' grew since the last call. */
static uint64_t
take_new(enum ovl_event event)
{
    uint64_t *last = &told[event - OVL_N_TOTALS];
    uint64_t now = ovl_counter_read(event);
    uint64_t n = now - *last;

    *last = now;
    return n;
}

void
ovl_event_log_run(void)
{
    if (time_msec() < next_look) {
        return;
    }
    next_look = time_msec() + INTERVAL_MS;

    /* RFC 6040 section 4.2. */
    uint64_t dangerous = take_new(OVL_EVENT_ECN_DANGEROUS);
    uint64_t suspicious = take_new(OVL_EVENT_ECN_SUSPICIOUS);
    if (dangerous || suspicious) {
        VLOG_INFO("packets out of tunnels with ECN fields that no honest "
                  "path makes: %"PRIu64" dangerous, %"PRIu64" suspicious",
                  dangerous, suspicious);
    }

    uint64_t forged = take_new(OVL_EVENT_MTU_FORGED);
    if (forged) {
        VLOG_INFO("%"PRIu64" messages on the uplink about packets too big "
                  "that we did not send", forged);
    }
}

void
ovl_event_log_wait(void)
{
    poll_timer_wait_until(next_look);
}
