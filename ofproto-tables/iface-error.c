/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: ovl_.
 *
 * What column Interface:error says about a port of an overlay bridge: why it
 * could not be added, or what is wrong with one that was, and what to do about
 * it.  Called from bridge.c, whose column it is. */

#include <config.h>

#include "ofproto-tables.h"

#include <errno.h>
#include <string.h>

#include "dpdk.h"
#include "dpif-overlay.h"
#include "lib/vswitch-idl.h"
#include "netdev.h"
#include "openvswitch/vlog.h"
#include "smap.h"
#include "util.h"
#include "vhost-port.h"

VLOG_DEFINE_THIS_MODULE(ovl_iface_error);

static bool
is_dpdk(const char *type)
{
    return !strncmp(type, "dpdk", 4);
}

static bool
is_tunnel(const char *type)
{
    static const char *const types[] = {
        "bareudp", "erspan", "geneve", "gre", "gtpu", "ip6erspan", "ip6gre",
        "lisp", "srv6", "stt", "vxlan",
    };

    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        if (!strcmp(type, types[i])) {
            return true;
        }
    }
    return false;
}

/* What to do when an interface cannot be made because of 'error', or NULL if
 * we know no better than who reported it. */
static const char *
remedy(const struct ovsrec_interface *cfg, int error)
{
    if (is_tunnel(cfg->type)) {
        return "an overlay bridge has no tunnel ports: a VTEP is a row of "
               "Overlay_MAC, or an address in an Overlay_Network's "
               "flood_vteps; delete the port";
    } else if (!strcmp(cfg->type, "patch")) {
        return "an overlay bridge has no patch ports: delete the port; what "
               "connects it to another bridge is a pair of veth devices, "
               "and an L2 gateway port (Port:overlay_vlan_bindings)";
    } else if (!is_dpdk(cfg->type)) {
        return NULL;
    } else if (!dpdk_available()) {
        return "DPDK is not there: set Open_vSwitch other_config:dpdk-init="
               "try, reserve huge pages (sysctl vm.nr_hugepages) and restart "
               "ovs-vswitchd; what stopped DPDK is in its log";
    } else if (error == ENOMEM || error == ENOBUFS) {
        return "there is no room for its packet buffers: reserve more huge "
               "pages (sysctl vm.nr_hugepages), raise Open_vSwitch "
               "other_config:dpdk-socket-mem and restart ovs-vswitchd, or "
               "lower the MTU or the number of queues";
    } else if (error == EADDRINUSE) {
        return "delete one of the two, or give it another "
               "options:dpdk-devargs";
    } else if (cfg->n_mtu_request && error == EINVAL) {
        return "mend mtu_request, if its driver cannot have that, or options; "
               "what the driver says is in the log of ovs-vswitchd";
    } else if (!strcmp(cfg->type, "dpdk")
               && smap_get(&cfg->options, "dpdk-devargs")) {
        return "mend options:dpdk-devargs: the address of a PCI device that "
               "is bound to vfio-pci, or NAME,KEY=VALUE of a virtual one; "
               "what its driver says is in the log of ovs-vswitchd";
    } else {
        return NULL;
    }
}

void
ovl_explain_iface_error(const char *datapath_type,
                        const struct ovsrec_interface *cfg, int error,
                        char **errp)
{
    char *what = ovl_vhost_explain(cfg, error);

    if (!what) {
        what = nullable_xstrdup(remedy(cfg, error));
    }
    if (!strcmp(datapath_type, OVL_DP_TYPE) && what) {
        char *text = xasprintf("%s: %s", *errp ? *errp : ovs_strerror(error),
                               what);

        VLOG_WARN("%s: %s", cfg->name, text);
        free(*errp);
        *errp = text;
    }
    free(what);
}

/* Stores what is wrong with the port of 'cfg', which the caller frees, or
 * NULL.  Returns false if the port is not ours. */
static bool
get_fault(const struct ovsrec_interface *cfg, const struct netdev *netdev,
          char **fault)
{
    if (!ovl_dp_port_fault(cfg->name, fault)) {
        return false;
    }
    if (!*fault) {
        *fault = ovl_vhost_fault(cfg, netdev);
        if (*fault && !nullable_string_is_equal(*fault, cfg->error)) {
            VLOG_INFO("%s: %s", cfg->name, *fault);
        }
    }
    return true;
}

void
ovl_set_iface_error(const struct ovsrec_interface *cfg,
                    const struct netdev *netdev)
{
    char *fault = NULL;

    ovl_dp_port_request_mtu(cfg->name,
                            cfg->n_mtu_request ? *cfg->mtu_request : 0);
    get_fault(cfg, netdev, &fault);
    ovsrec_interface_set_error(cfg, fault);
    free(fault);
}

void
ovl_refresh_iface_error(const struct ovsrec_interface *cfg,
                        const struct netdev *netdev)
{
    char *fault = NULL;

    if (get_fault(cfg, netdev, &fault)
        && !nullable_string_is_equal(fault, cfg->error)) {
        ovsrec_interface_verify_error(cfg);
        ovsrec_interface_set_error(cfg, fault);
    }
    free(fault);
}
