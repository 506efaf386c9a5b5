/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: ovl_vhost_.
 *
 * netdev-dpdk hands a path to DPDK when the port is configured first, and
 * ignores what the column says from then on; when the port goes, it hands back
 * what it has, whether it ever was in use or not. */

#include <config.h>

#include "vhost-port.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#ifdef DPDK_NETDEV
#include <rte_vhost.h>
#endif

#include "dpdk.h"
#include "lib/vswitch-idl.h"
#include "netdev.h"
#include "smap.h"
#include "util.h"

static const struct ovsdb_idl *idl;

/* Paths by the names of the ports that have them, as admitted. */
static struct smap paths = SMAP_INITIALIZER(&paths);

void
ovl_vhost_set_idl(const struct ovsdb_idl *idl_)
{
    idl = idl_;
}

static bool
is_vhost(const char *type)
{
    return !strcmp(type, "dpdkvhostuserclient");
}

/* The path, or NULL if there is none. */
static const char *
path_of(const struct ovsrec_interface *cfg)
{
    const char *path = smap_get(&cfg->options, "vhost-server-path");

    return path && path[0] ? path : NULL;
}

/* True if DPDK has the socket 'path'.  Only this of its functions says so and
 * logs no error if it has not; to disable nothing changes nothing. */
static bool
is_in_use(const char *path)
{
#ifdef DPDK_NETDEV
    return !rte_vhost_driver_disable_features(path, 0);
#else
    return !path;
#endif
}

/* True if 'netdev' has handed its path to DPDK. */
static bool
has_socket(const struct netdev *netdev)
{
    struct smap status = SMAP_INITIALIZER(&status);
    bool has = (!netdev_get_status(netdev, &status)
                && !strcmp(smap_get_def(&status, "mode", ""), "client"));

    smap_destroy(&status);
    return has;
}

/* Returns the path that the row of interface 'name' has, or NULL. */
static const char *
find_path(const char *name)
{
    const struct ovsrec_interface *cfg;

    OVSREC_INTERFACE_FOR_EACH (cfg, idl) {
        if (!strcmp(cfg->name, name)) {
            return path_of(cfg);
        }
    }
    return NULL;
}

int
ovl_vhost_admit(struct netdev *netdev)
{
    const char *name = netdev_get_name(netdev);

    if (!is_vhost(netdev_get_type(netdev)) || has_socket(netdev)) {
        return 0;
    }

    const char *path = find_path(name);
    if (!path) {
        /* If it is set later, nobody asks here. */
        return EINVAL;
    }
    if (is_in_use(path)) {
        /* Or else the socket is closed along with the netdev. */
        netdev_set_config(netdev, NULL, NULL);
        return EADDRINUSE;
    }
    smap_replace(&paths, name, path);
    return 0;
}

void
ovl_vhost_forget(const char *name)
{
    smap_remove(&paths, name);
}

void
ovl_vhost_exit(void)
{
    smap_destroy(&paths);
}

static const char *
owner_of(const char *path)
{
    const struct smap_node *node;

    SMAP_FOR_EACH (node, &paths) {
        if (!strcmp(node->value, path)) {
            return node->key;
        }
    }
    return "a port of another bridge";
}

char *
ovl_vhost_explain(const struct ovsrec_interface *cfg, int error)
{
    const char *path = path_of(cfg);

    if (!is_vhost(cfg->type) || !dpdk_available()) {
        return NULL;
    } else if (!path) {
        return xstrdup("no VM can connect: set options:vhost-server-path to "
                       "the socket that QEMU makes");
    } else if (error == EADDRINUSE) {
        return xasprintf("%s has the socket %s already: set another "
                         "options:vhost-server-path, or delete one of the two "
                         "ports", owner_of(path), path);
    } else {
        return NULL;
    }
}

char *
ovl_vhost_fault(const struct ovsrec_interface *cfg,
                const struct netdev *netdev)
{
    const char *path = smap_get(&paths, cfg->name);
    struct sockaddr_un un;
    struct stat s;

    if (!is_vhost(cfg->type) || !path) {
        return NULL;
    } else if (!nullable_string_is_equal(path, path_of(cfg))) {
        return xasprintf("options:vhost-server-path has changed, but the port "
                         "has the socket %s until it is deleted and added "
                         "again", path);
    } else if (netdev_get_carrier(netdev)) {
        return NULL;
    } else if (strlen(path) >= sizeof un.sun_path) {
        return xasprintf("no VM can connect: options:vhost-server-path has "
                         "%"PRIuSIZE" bytes, and the path of a socket %"
                         PRIuSIZE" at most; delete the port and add it with "
                         "another one", strlen(path), sizeof un.sun_path - 1);
    } else if (stat(path, &s)) {
        return xasprintf("%s: %s: waiting for a VM to make this socket "
                         "(QEMU's chardev socket,path=%s,server=on); if it "
                         "has another one, delete the port and add it with "
                         "that options:vhost-server-path",
                         path, ovs_strerror(errno), path);
    } else if (!S_ISSOCK(s.st_mode)) {
        return xasprintf("%s is not a socket: delete the port and add it with "
                         "another options:vhost-server-path", path);
    } else {
        return xasprintf("%s: waiting for a VM to answer on this socket: is "
                         "it running, and may ovs-vswitchd open its socket?",
                         path);
    }
}
