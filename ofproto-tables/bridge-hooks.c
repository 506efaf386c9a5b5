/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: ovl_.
 *
 * The database side of the seam in bridge.c: what its session leaves out, when
 * Open_vSwitch:cur_cfg is raised, and what the loss of its lock ends.  It is
 * here, and not in the patch, so that the patch stays a line per hook.
 *
 * ovl_cur_cfg(), which knows how far our own session has come, is not here. */

#include <config.h>

#include "ofproto-tables.h"

#include <stdbool.h>
#include <string.h>

#include "dpif-overlay.h"
#include "lib/vswitch-idl.h"
#include "netdev.h"
#include "ovsdb-idl.h"
#include "ovsdb-idl-provider.h"
#include "util.h"
#include "vhost-port.h"

/* Main thread only.
 *
 * 'cur_cfg_held' is set from a bridge_reconfigure() after which cur_cfg stays
 * below next_cfg until it reaches next_cfg.  'cur_cfg_txn' is the transaction
 * that raises it, while the server has not answered. */
static bool cur_cfg_held;
static struct ovsdb_idl_txn *cur_cfg_txn;

static bool
starts_with(const char *s, const char *prefix)
{
    return !strncmp(s, prefix, strlen(prefix));
}

void
ovl_omit_from_idl(struct ovsdb_idl *idl)
{
    ovl_vhost_set_idl(idl);
    for (size_t i = 0; i < ovsrec_idl_class.n_tables; i++) {
        const struct ovsdb_idl_table_class *table
            = &ovsrec_idl_class.tables[i];
        bool ours = starts_with(table->name, "Overlay_");

        for (size_t j = 0; j < table->n_columns; j++) {
            const struct ovsdb_idl_column *column = &table->columns[j];

            if (ours || starts_with(column->name, "overlay_")) {
                ovsdb_idl_omit(idl, column);
            }
        }
    }
}

void
ovl_set_cur_cfg(const struct ovsrec_open_vswitch *cfg)
{
    int64_t cur_cfg = ovl_cur_cfg(cfg->cur_cfg, cfg->next_cfg);

    /* While the value is held it equals the one in the database, and the IDL
     * skips a write that changes nothing: a transaction of ours that is still
     * under way cannot be undone here. */
    cur_cfg_held = cur_cfg < cfg->next_cfg;
    ovsrec_open_vswitch_set_cur_cfg(cfg, cur_cfg);
}

/* Looks after 'cur_cfg_txn'.  The server's update of cur_cfg arrives before
 * its answer to the transaction, so 'cfg' is up to date when that succeeded.
 * Whatever else became of it (connection or lock lost, server error), cur_cfg
 * stays held and is written again. */
static void
finish_cur_cfg_txn(const struct ovsrec_open_vswitch *cfg)
{
    if (cur_cfg_txn
        && ovsdb_idl_txn_commit(cur_cfg_txn) != TXN_INCOMPLETE) {
        ovsdb_idl_txn_destroy(cur_cfg_txn);
        cur_cfg_txn = NULL;
        cur_cfg_held = cfg && cfg->cur_cfg < cfg->next_cfg;
    }
}

/* At this point of bridge_run(), bridge_reconfigure() has seen everything that
 * 'idl' has received: cfg->next_cfg never runs ahead of it. */
void
ovl_run_cur_cfg(struct ovsdb_idl *idl, const struct ovsrec_open_vswitch *cfg)
{
    finish_cur_cfg_txn(cfg);
    if (!cfg || !cur_cfg_held || cur_cfg_txn) {
        return;
    }

    int64_t cur_cfg = ovl_cur_cfg(cfg->cur_cfg, cfg->next_cfg);
    if (cur_cfg > cfg->cur_cfg) {
        cur_cfg_txn = ovsdb_idl_txn_create(idl);
        ovsrec_open_vswitch_set_cur_cfg(cfg, cur_cfg);
        finish_cur_cfg_txn(cfg);
    }
}

void
ovl_netdev_remove(const struct ovsdb_idl *idl, struct netdev *netdev)
{
    struct ovl_lport *port = (ovsdb_idl_is_lock_contended(idl)
                              ? ovl_dp_port_by_name(netdev_get_name(netdev))
                              : NULL);

    if (port) {
        ovl_lport_unref(port);
        netdev_close(netdev);
    } else {
        netdev_remove(netdev);
    }
}
