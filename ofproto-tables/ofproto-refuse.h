/* SPDX-License-Identifier: Apache-2.0 */

#ifndef OVL_OFPROTO_REFUSE_H
#define OVL_OFPROTO_REFUSE_H 1

/* Members of the ofproto class for what an overlay bridge does not have:
 * OpenFlow flows, groups and packet-outs, and the stock features that work by
 * seeing every packet in the main thread.
 *
 * Adding is refused with an OpenFlow error or EOPNOTSUPP, and the reason is in
 * the log.  Turning off what is not on, dumping and deleting succeed.
 *
 * Thread-safety: main thread. */

#include "ofproto/ofproto-provider.h"

/* OpenFlow. */
struct rule *ovl_refuse_rule_alloc(void);
enum ofperr ovl_refuse_rule_construct(struct rule *);
enum ofperr ovl_refuse_rule_insert(struct rule *, struct rule *, bool);
void ovl_refuse_rule_destruct(struct rule *);
void ovl_refuse_rule_dealloc(struct rule *);
void ovl_refuse_rule_get_stats(struct rule *, struct pkt_stats *,
                               long long int *used);
enum ofperr ovl_refuse_packet_xlate(struct ofproto *,
                                    struct ofproto_packet_out *);
void ovl_refuse_packet(struct ofproto *, struct ofproto_packet_out *);
struct ofgroup *ovl_refuse_group_alloc(void);
enum ofperr ovl_refuse_group_construct(struct ofgroup *);
void ovl_refuse_group_destruct(struct ofgroup *);
void ovl_refuse_group_dealloc(struct ofgroup *);
void ovl_refuse_meter_get_features(const struct ofproto *,
                                   struct ofputil_meter_features *);
enum ofperr ovl_refuse_meter_set(struct ofproto *, ofproto_meter_id *,
                                 struct ofputil_meter_config *);
enum ofperr ovl_refuse_meter_get(const struct ofproto *, ofproto_meter_id,
                                 struct ofputil_meter_stats *, uint16_t);
void ovl_refuse_meter_del(struct ofproto *, ofproto_meter_id);
enum ofperr ovl_refuse_nxt_resume(struct ofproto *,
                                  const struct ofputil_packet_in_private *);

/* Features. */
int ovl_refuse_netflow(struct ofproto *, const struct netflow_options *);
int ovl_refuse_sflow(struct ofproto *, const struct ofproto_sflow_options *);
int ovl_refuse_ipfix(
    struct ofproto *, const struct ofproto_ipfix_bridge_exporter_options *,
    const struct ofproto_ipfix_flow_exporter_options *, size_t n);
int ovl_refuse_get_ipfix_stats(const struct ofproto *, bool bridge,
                               struct ovs_list *replies);
int ovl_refuse_cfm(struct ofport *, const struct cfm_settings *);
int ovl_refuse_lldp(struct ofport *, const struct smap *);
int ovl_refuse_bfd(struct ofport *, const struct smap *);
int ovl_refuse_stp(struct ofproto *, const struct ofproto_stp_settings *);
void ovl_refuse_rstp(struct ofproto *, const struct ofproto_rstp_settings *);
void ovl_refuse_rstp_port(struct ofport *,
                          const struct ofproto_port_rstp_settings *);
int ovl_refuse_bundle(struct ofproto *, void *aux,
                      const struct ofproto_bundle_settings *);
int ovl_refuse_mirror(struct ofproto *, void *aux,
                      const struct ofproto_mirror_settings *);
int ovl_refuse_mcast_snooping(struct ofproto *,
                              const struct ofproto_mcast_snooping_settings *);
int ovl_refuse_queues(struct ofport *, const struct ofproto_port_queue *,
                      size_t n);
int ovl_refuse_aa(struct ofproto *, const struct aa_settings *);

/* Forgets what was warned about: the bridge is a new one. */
void ovl_refuse_reset(void);

#endif /* ofproto-refuse.h */
