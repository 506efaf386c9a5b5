/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: ovl_lport_. */

#include <config.h>

#include "lport.h"

#include "drop-reasons.h"
#include "ovs-rcu.h"
#include "util.h"

void
ovl_lport_init(struct ovl_lport *port, const char *name, odp_port_t port_no,
               void (*destroy)(struct ovl_lport *))
{
    static atomic_count last_id = ATOMIC_COUNT_INIT(0);

    port->name = xstrdup(name);
    port->id = atomic_count_inc(&last_id) + 1;
    port->port_no = port_no;
    port->traffic = ovl_counters_alloc(OVL_N_TRAFFIC);
    port->drops = ovl_counters_alloc(OVL_N_DROPS);
    atomic_init(&port->alive, true);
    atomic_init(&port->mtu, 0);
    atomic_init(&port->mac, 0);
    ovl_limits_init(&port->limits);
    ovs_refcount_init(&port->ref_cnt);
    port->destroy = destroy;
}

/* Frees what ovl_lport_init() made, but not 'port'. */
void
ovl_lport_uninit(struct ovl_lport *port)
{
    ovl_counters_free(port->traffic, OVL_N_TRAFFIC);
    ovl_counters_free(port->drops, OVL_N_DROPS);
    free(port->name);
}

/* The caller must hold a reference, its own or that of a table entry that
 * cannot go meanwhile. */
struct ovl_lport *
ovl_lport_ref(const struct ovl_lport *port_)
{
    struct ovl_lport *port = CONST_CAST(struct ovl_lport *, port_);

    if (port) {
        ovs_refcount_ref(&port->ref_cnt);
    }
    return port;
}

/* Drops a reference; NULL is fine.  With the last one, 'destroy' runs after a
 * grace period. */
void
ovl_lport_unref(struct ovl_lport *port)
{
    if (port && ovs_refcount_unref(&port->ref_cnt) == 1) {
        ovsrcu_postpone(port->destroy, port);
    }
}
