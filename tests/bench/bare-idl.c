/* SPDX-License-Identifier: Apache-2.0 */

/* A client that replicates the tables that the daemon replicates, and does
 * nothing with them: what a daemon's memory is compared with.
 *
 *     bare-idl REMOTE
 *
 * For each line of its standard input, which says how many rows of
 * Overlay_MAC there should be, it waits until there are that many, gives free
 * memory back to the system as the daemon does, and prints its resident
 * memory in bytes. */

#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "db-columns.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "ovsdb-idl.h"
#include "util.h"
#include "lib/vswitch-idl.h"

static size_t
count_rows(const struct ovsdb_idl *idl)
{
    const struct ovsrec_overlay_mac *row;
    size_t n = 0;

    OVSREC_OVERLAY_MAC_FOR_EACH (row, idl) {
        n++;
    }
    return n;
}

static void
wait_for_rows(struct ovsdb_idl *idl, size_t n)
{
    unsigned int seqno = 0;

    for (;;) {
        ovsdb_idl_run(idl);
        ovsdb_idl_track_clear(idl);
        if (seqno != ovsdb_idl_get_seqno(idl)) {
            seqno = ovsdb_idl_get_seqno(idl);
            if (count_rows(idl) == n) {
                return;
            }
        }
        ovsdb_idl_wait(idl);
        poll_block();
    }
}

static uint64_t
resident_bytes(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    uint64_t size, resident;

    if (!file || fscanf(file, "%"SCNu64" %"SCNu64, &size, &resident) != 2) {
        ovs_fatal(errno, "cannot read /proc/self/statm");
    }
    fclose(file);
    return resident * sysconf(_SC_PAGESIZE);
}

int
main(int argc, char *argv[])
{
    size_t n;

    set_program_name(argv[0]);
    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    if (argc != 2) {
        ovs_fatal(0, "usage: %s REMOTE", program_name);
    }

    struct ovsdb_idl *idl
        = ovsdb_idl_create(argv[1], &ovsrec_idl_class, false, true);
    ovl_db_columns_add(idl);
    while (scanf("%zu", &n) == 1) {
        wait_for_rows(idl, n);
        malloc_trim(0);
        printf("%"PRIu64"\n", resident_bytes());
        fflush(stdout);
    }
    ovsdb_idl_destroy(idl);
    return 0;
}
