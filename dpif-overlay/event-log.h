/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_EVENT_LOG_H
#define OVL_EVENT_LOG_H 1

/* Tells in the log what packet threads have counted as odd (enum ovl_event),
 * one line a second at most, since packet threads never log.
 *
 * Thread-safety: the control thread only.
 *
 * Layer 3. */

/* Logs what is new, if the last line is old enough. */
void ovl_event_log_run(void);

/* Wakes poll_block() when ovl_event_log_run() should be called again. */
void ovl_event_log_wait(void);

#endif /* event-log.h */
