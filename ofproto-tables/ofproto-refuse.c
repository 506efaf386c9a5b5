/* SPDX-License-Identifier: Apache-2.0 */

/* Prefix: ovl_refuse_.
 *
 * bridge.c configures every feature at every reconfiguration, so a warning is
 * logged when a feature is first asked for: once per bridge for a feature of
 * ports, and again after it was turned off for one of the bridge. */

#include <config.h>

#include "ofproto-refuse.h"

#include <errno.h>

#include "netdev.h"
#include "openvswitch/vlog.h"
#include "smap.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(ofproto_tables_refuse);

/* In-band control adds its flows at this priority and up; see
 * ofproto/in-band.c. */
#define IN_BAND_PRIORITY 180000

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(5, 5);

/* OpenFlow. */

static enum ofperr
refuse(const struct ofproto *ofproto, const char *what)
{
    VLOG_WARN_RL(&rl, "%s: %s refused: an overlay bridge forwards by the rows "
                 "of the Overlay_* tables, not by OpenFlow",
                 ofproto->name, what);
    return OFPERR_OFPBRC_EPERM;
}

struct rule *
ovl_refuse_rule_alloc(void)
{
    return xzalloc(sizeof(struct rule));
}

/* Stock code itself adds flows, always the same ones, and goes on when that
 * fails: NORMAL for a bridge without controller, and those of in-band
 * control. */
static bool
is_stock_flow(const struct rule *rule)
{
    return (rule->cr.priority >= IN_BAND_PRIORITY
            || (!rule->cr.priority && !rule->table_id
                && minimask_is_catchall(rule->cr.match.mask)));
}

enum ofperr
ovl_refuse_rule_construct(struct rule *rule)
{
    return (is_stock_flow(rule)
            ? OFPERR_OFPBRC_EPERM
            : refuse(rule->ofproto, "adding a flow"));
}

enum ofperr
ovl_refuse_rule_insert(struct rule *rule OVS_UNUSED,
                       struct rule *old OVS_UNUSED,
                       bool forward_counts OVS_UNUSED)
{
    return OFPERR_OFPBRC_EPERM;
}

void
ovl_refuse_rule_destruct(struct rule *rule OVS_UNUSED)
{
}

void
ovl_refuse_rule_dealloc(struct rule *rule)
{
    free(rule);
}

void
ovl_refuse_rule_get_stats(struct rule *rule, struct pkt_stats *stats,
                          long long int *used)
{
    memset(stats, 0, sizeof *stats);
    ovs_mutex_lock(&rule->mutex);
    *used = rule->created;
    ovs_mutex_unlock(&rule->mutex);
}

enum ofperr
ovl_refuse_packet_xlate(struct ofproto *ofproto,
                        struct ofproto_packet_out *opo OVS_UNUSED)
{
    return refuse(ofproto, "packet-out");
}

void
ovl_refuse_packet(struct ofproto *ofproto OVS_UNUSED,
                  struct ofproto_packet_out *opo OVS_UNUSED)
{
}

struct ofgroup *
ovl_refuse_group_alloc(void)
{
    return xzalloc(sizeof(struct ofgroup));
}

enum ofperr
ovl_refuse_group_construct(struct ofgroup *group)
{
    return refuse(group->ofproto, "adding a group");
}

void
ovl_refuse_group_destruct(struct ofgroup *group OVS_UNUSED)
{
}

void
ovl_refuse_group_dealloc(struct ofgroup *group)
{
    free(group);
}

/* There is no room for a meter.  But with 0 here, stock code would refuse one
 * without asking us, and nobody would read in the log why. */
void
ovl_refuse_meter_get_features(const struct ofproto *ofproto OVS_UNUSED,
                              struct ofputil_meter_features *features)
{
    *features = (struct ofputil_meter_features) {
        .max_meters = 1,
        .max_bands = UINT8_MAX,
    };
}

enum ofperr
ovl_refuse_meter_set(struct ofproto *ofproto, ofproto_meter_id *id OVS_UNUSED,
                     struct ofputil_meter_config *config OVS_UNUSED)
{
    return refuse(ofproto, "adding a meter");
}

enum ofperr
ovl_refuse_meter_get(const struct ofproto *ofproto OVS_UNUSED,
                     ofproto_meter_id id OVS_UNUSED,
                     struct ofputil_meter_stats *stats OVS_UNUSED,
                     uint16_t n_bands OVS_UNUSED)
{
    return OFPERR_OFPMMFC_UNKNOWN_METER;
}

void
ovl_refuse_meter_del(struct ofproto *ofproto OVS_UNUSED,
                     ofproto_meter_id id OVS_UNUSED)
{
}

enum ofperr
ovl_refuse_nxt_resume(struct ofproto *ofproto,
                      const struct ofputil_packet_in_private *pin OVS_UNUSED)
{
    return refuse(ofproto, "resuming a packet");
}

/* Features. */

enum feature {
    FEATURE_NETFLOW,
    FEATURE_SFLOW,
    FEATURE_IPFIX,
    FEATURE_CFM,
    FEATURE_LLDP,
    FEATURE_BFD,
    FEATURE_STP,
    FEATURE_RSTP,
    FEATURE_BOND,
    FEATURE_LACP,
    FEATURE_VLAN,
    FEATURE_PROTECTED,
    FEATURE_MIRROR,
    FEATURE_MCAST_SNOOPING,
    FEATURE_QUEUES,
    FEATURE_AUTO_ATTACH,
    N_FEATURES
};

static const char *const feature_names[N_FEATURES] = {
    [FEATURE_NETFLOW] = "NetFlow",
    [FEATURE_SFLOW] = "sFlow",
    [FEATURE_IPFIX] = "IPFIX",
    [FEATURE_CFM] = "CFM",
    [FEATURE_LLDP] = "LLDP",
    [FEATURE_BFD] = "BFD",
    [FEATURE_STP] = "STP",
    [FEATURE_RSTP] = "RSTP",
    [FEATURE_BOND] = "a bond",
    [FEATURE_LACP] = "LACP",
    [FEATURE_VLAN] = "a port's tag, trunks or vlan_mode "
                     "(see overlay_vlan_bindings)",
    [FEATURE_PROTECTED] = "a protected port",
    [FEATURE_MIRROR] = "a mirror",
    [FEATURE_MCAST_SNOOPING] = "multicast snooping",
    [FEATURE_QUEUES] = "DSCP marking of queues",
    [FEATURE_AUTO_ATTACH] = "auto-attach",
};

/* What is configured now, and has been warned about. */
static unsigned int warned;
BUILD_ASSERT_DECL(N_FEATURES <= 32);

void
ovl_refuse_reset(void)
{
    warned = 0;
}

static void
warn(enum feature feature, const struct ofproto *ofproto, const char *where)
{
    unsigned int bit = 1u << feature;

    if (!(warned & bit)) {
        warned |= bit;
        VLOG_WARN("bridge %s: %s%s%s is not supported on an overlay bridge "
                  "and has no effect", ofproto->name,
                  where ? where : "", where ? ": " : "",
                  feature_names[feature]);
    }
}

/* Handles a feature of the bridge. */
static int
refuse_bridge(const struct ofproto *ofproto, enum feature feature, bool on)
{
    if (!on) {
        warned &= ~(1u << feature);
        return 0;
    }
    warn(feature, ofproto, NULL);
    return EOPNOTSUPP;
}

/* Handles a feature of a port.  Returns 0 even if it is asked for, because
 * bridge.c would log the same once more, for each port and each time. */
static int
refuse_port(const struct ofport *port, enum feature feature, bool on)
{
    if (on) {
        warn(feature, port->ofproto, netdev_get_name(port->netdev));
    }
    return 0;
}

int
ovl_refuse_netflow(struct ofproto *ofproto, const struct netflow_options *o)
{
    /* Given an error, bridge.c would log it each time. */
    refuse_bridge(ofproto, FEATURE_NETFLOW, o != NULL);
    return 0;
}

int
ovl_refuse_sflow(struct ofproto *ofproto,
                 const struct ofproto_sflow_options *o)
{
    return refuse_bridge(ofproto, FEATURE_SFLOW, o != NULL);
}

int
ovl_refuse_ipfix(struct ofproto *ofproto,
                 const struct ofproto_ipfix_bridge_exporter_options *bridge,
                 const struct ofproto_ipfix_flow_exporter_options *flow
                 OVS_UNUSED,
                 size_t n)
{
    return refuse_bridge(ofproto, FEATURE_IPFIX, bridge || n);
}

int
ovl_refuse_get_ipfix_stats(const struct ofproto *ofproto OVS_UNUSED,
                           bool bridge OVS_UNUSED,
                           struct ovs_list *replies OVS_UNUSED)
{
    /* Without this function stock code would send an errno value. */
    return OFPERR_NXST_NOT_CONFIGURED;
}

int
ovl_refuse_cfm(struct ofport *port, const struct cfm_settings *s)
{
    return refuse_port(port, FEATURE_CFM, s != NULL);
}

int
ovl_refuse_lldp(struct ofport *port, const struct smap *cfg)
{
    return refuse_port(port, FEATURE_LLDP,
                       cfg && smap_get_bool(cfg, "enable", false));
}

int
ovl_refuse_bfd(struct ofport *port, const struct smap *cfg)
{
    return refuse_port(port, FEATURE_BFD,
                       cfg && smap_get_bool(cfg, "enable", false));
}

int
ovl_refuse_stp(struct ofproto *ofproto, const struct ofproto_stp_settings *s)
{
    return refuse_bridge(ofproto, FEATURE_STP, s != NULL);
}

void
ovl_refuse_rstp(struct ofproto *ofproto,
                const struct ofproto_rstp_settings *s)
{
    refuse_bridge(ofproto, FEATURE_RSTP, s != NULL);
}

void
ovl_refuse_rstp_port(struct ofport *port OVS_UNUSED,
                     const struct ofproto_port_rstp_settings *s OVS_UNUSED)
{
    /* ovl_refuse_rstp() said it. */
}

int
ovl_refuse_bundle(struct ofproto *ofproto, void *aux OVS_UNUSED,
                  const struct ofproto_bundle_settings *s)
{
    if (s) {
        if (s->n_members > 1) {
            warn(FEATURE_BOND, ofproto, s->name);
        }
        if (s->lacp) {
            warn(FEATURE_LACP, ofproto, s->name);
        }
        if (s->vlan >= 0 || s->trunks || s->cvlans
            || s->vlan_mode != PORT_VLAN_TRUNK) {
            warn(FEATURE_VLAN, ofproto, s->name);
        }
        if (s->protected) {
            warn(FEATURE_PROTECTED, ofproto, s->name);
        }
    }
    return 0;
}

int
ovl_refuse_mirror(struct ofproto *ofproto, void *aux OVS_UNUSED,
                  const struct ofproto_mirror_settings *s)
{
    return refuse_bridge(ofproto, FEATURE_MIRROR, s != NULL);
}

int
ovl_refuse_mcast_snooping(struct ofproto *ofproto,
                          const struct ofproto_mcast_snooping_settings *s)
{
    return refuse_bridge(ofproto, FEATURE_MCAST_SNOOPING, s != NULL);
}

int
ovl_refuse_queues(struct ofport *port,
                  const struct ofproto_port_queue *queues OVS_UNUSED,
                  size_t n)
{
    return refuse_port(port, FEATURE_QUEUES, n > 0);
}

int
ovl_refuse_aa(struct ofproto *ofproto, const struct aa_settings *s)
{
    return refuse_bridge(ofproto, FEATURE_AUTO_ATTACH, s != NULL);
}
