/* SPDX-License-Identifier: Apache-2.0 */

/* Acts.  Prefix: ovl_fast_. */

#include <config.h>

#include "fast-path.h"

#include "pkt-edit.h"
#include "pkt-parse-fast.h"
#include "vxlan.h"

/* Packets for one port in a row, where they stand in the burst. */
struct run {
    struct ovl_worker *worker;
    struct ovl_lport *port;
    struct dp_packet *const *packets;
    size_t n;
};

static inline void
run_init(struct run *run, struct ovl_worker *worker)
{
    run->worker = worker;
    run->port = NULL;
    run->packets = NULL;
    run->n = 0;
}

static inline void
run_flush(struct run *run)
{
    if (run->n) {
        run->worker->send(run->worker, run->port, run->packets, run->n);
        run->n = 0;
    }
}

/* Adds '*packet', which is behind what was added before and stays there until
 * the run is flushed. */
static inline void
run_add(struct run *run, struct ovl_lport *port,
        struct dp_packet *const *packet)
{
    if (OVS_UNLIKELY(port != run->port)) {
        run_flush(run);
        run->port = port;
        run->packets = packet;
    }
    run->n++;
}

/* Counts 'n' frames, of 'bytes' bytes in all, in 'id' and in the cell of its
 * bytes, as ovl_tally_add(). */
static inline void
count(struct ovl_worker *worker, uint32_t id, uint32_t n, uint64_t bytes)
{
    ovl_counter_cell *cells = ovl_shard_cells(worker->shard, id);

    ovl_cell_add(&cells[0], n);
    ovl_cell_add(&cells[OVL_RX_BYTES - OVL_RX_PACKETS], bytes);
}

/* Counts frames that came from 'net' and went into it. */
static void
count_network(struct ovl_worker *worker, const struct ovl_network *net,
              uint32_t n, uint64_t bytes)
{
    count(worker, net->traffic + OVL_RX_PACKETS, n, bytes);
    count(worker, net->traffic + OVL_TX_PACKETS, n, bytes);
}

/* What few need: IPv6, or headroom. */
static __attribute__((__noinline__)) struct dp_packet *
encapsulate_otherwise(const struct ovl_worker *worker, uint32_t vni,
                      const struct ovl_fast_item *item,
                      const struct ovl_adjacency *adj,
                      struct dp_packet *packet)
{
    const struct ovl_vxlan_fields fields = {
        .vni = vni, .sport = item->sport, .tos = item->tos,
        .udp6_zero_csum = worker->config->udp6_zero_csum,
    };

    return ovl_vxlan_push(packet, adj, &fields);
}

static inline ALWAYS_INLINE void
encapsulate(const struct ovl_worker *worker, uint32_t vni,
            const struct ovl_fast_item *item, const struct ovl_fast_way *way,
            struct dp_packet **packetp)
{
    /* What is written might be any of this, as far as the compiler knows. */
    const struct ovl_adjacency *adj = way->adj;
    const struct ovl_vxlan_fields fields = {
        .vni = vni, .sport = item->sport, .tos = item->tos,
    };
    struct dp_packet *packet = *packetp;
    size_t headroom = ovl_pkt_headroom(packet);
    ovl_counter_cell *sent = way->sent;
    uint32_t len = item->out_len;

    ovl_cell_add(&sent[0], 1);
    ovl_cell_add(&sent[OVL_TX_BYTES - OVL_TX_PACKETS], len);
    if (OVS_UNLIKELY(headroom < way->headroom)) {
        *packetp = encapsulate_otherwise(worker, vni, item, adj, packet);
        return;
    }
    __packet_set_data(packet, headroom - OVL_VXLAN_LEN4);
    dp_packet_set_size(packet, len + OVL_VXLAN_LEN4);
    ovl_vxlan_write_ipv4(ovl_pkt_data(packet), adj, len, &fields);
}

/* As ovl_ip_rewrite(): MACs of the next hop and of its router, and one hop
 * less (RFC 1624 equation 3). */
static void
rewrite(const struct ovl_fast_rewrite *r, const struct ovl_fast_item *item,
        struct dp_packet *packet)
{
    uint8_t *data = ovl_pkt_data(packet);
    uint8_t *h = data + ETH_HEADER_LEN;

    dp_packet_set_size(packet, item->out_len);
    memcpy(data, r->macs, sizeof r->macs);
    if (IP_VER(h[0]) == 4) {
        uint8_t *ttl = h + offsetof(struct ip_header, ip_ttl);
        uint16_t old = *ttl << 8;
        uint32_t sum = ((uint16_t) ~ntohs(WIRE(h, struct ip_header, ip_csum))
                        + (uint16_t) ~old + (uint16_t) (old - 0x100));

        /* At most 0x1fefe, so one carry is all. */
        sum = (sum & 0xffff) + (sum >> 16);
        OVL_PUT(h, struct ip_header, ip_csum, htons((uint16_t) ~sum));
        --*ttl;
    } else {
        h[offsetof(struct ovs_16aligned_ip6_hdr, ip6_hlim)]--;
    }
}

/* Makes of an ARP request the answer, as ovl_arp_reply(). */
static void
answer(const struct eth_addr *owner, struct dp_packet *packet)
{
    uint8_t *eth = ovl_pkt_data(packet);
    uint8_t *arp = eth + ETH_HEADER_LEN;
    uint8_t spa[4], tpa[4];

    dp_packet_set_size(packet, ETH_HEADER_LEN + ARP_ETH_HEADER_LEN);
    memcpy(spa, arp + offsetof(struct arp_eth_header, ar_spa), sizeof spa);
    memcpy(tpa, arp + offsetof(struct arp_eth_header, ar_tpa), sizeof tpa);
    memcpy(eth, eth + ETH_ADDR_LEN, ETH_ADDR_LEN);
    memcpy(eth + ETH_ADDR_LEN, owner, ETH_ADDR_LEN);
    OVL_PUT(arp, struct arp_eth_header, ar_op, htons(ARP_OP_REPLY));
    memcpy(arp + offsetof(struct arp_eth_header, ar_sha), owner,
           ETH_ADDR_LEN);
    memcpy(arp + offsetof(struct arp_eth_header, ar_spa), tpa, sizeof tpa);
    memcpy(arp + offsetof(struct arp_eth_header, ar_tha), eth, ETH_ADDR_LEN);
    memcpy(arp + offsetof(struct arp_eth_header, ar_tpa), spa, sizeof spa);
}

/* From a VM, and bridged, all of them. */
static void
act_bridged(const struct ovl_fast *fast, struct dp_packet *packets[],
            size_t first, size_t end)
{
    struct ovl_worker *worker = fast->worker;
    uint32_t vni = fast->net->vni;
    uint64_t bytes = 0;
    struct run run;

    run_init(&run, worker);
    for (size_t i = first; i < end; i++) {
        const struct ovl_fast_item *item = &fast->items[i];
        const struct ovl_fast_way *way = &fast->ways[item->way];
        struct dp_packet *packet = packets[i];

        ovl_pkt_forget_offloads(packet);
        bytes += item->len;
        if (way->adj) {
            encapsulate(worker, vni, item, way, &packets[i]);
        }
        run_add(&run, way->port, &packets[i]);
    }
    run_flush(&run);
    count_network(worker, fast->net, end - first, bytes);
}

/* From a VM. */
static void
act_access(const struct ovl_fast *fast, struct dp_packet *packets[],
           size_t first, size_t end)
{
    struct ovl_worker *worker = fast->worker;
    struct ovl_tally routed = { .packets = 0 };
    const struct ovl_network *net = fast->net;
    uint64_t bytes = 0, bytes_stay = 0;
    uint32_t n_stay = 0, n_answered = 0, n_dropped = 0;
    struct dp_packet **kept = &packets[first];
    struct run run;

    run_init(&run, worker);
    for (size_t i = first; i < end; i++) {
        const struct ovl_fast_item *item = &fast->items[i];
        const struct ovl_fast_way *way = &fast->ways[item->way];
        struct dp_packet *packet = packets[i];
        uint32_t vni = net->vni;

        ovl_pkt_forget_offloads(packet);
        bytes += item->len;
        if (OVS_LIKELY(way->kind != OVL_FAST_ROUTED)) {
            if (OVS_UNLIKELY(way->kind == OVL_FAST_ANSWERED)) {
                answer(&fast->rewrites[item->way].macs[1], packet);
                n_answered++;
            } else if (OVS_UNLIKELY(way->kind == OVL_FAST_DROPPED)) {
                ovl_counter_add(worker->shard, fast->drops + way->reason, 1);
                dp_packet_delete(packet);
                n_dropped++;
                continue;
            }
            n_stay++;
            bytes_stay += item->out_len;
        } else {
            const struct ovl_fast_rewrite *r = &fast->rewrites[item->way];

            rewrite(r, item, packet);
            ovl_tally_add(worker->shard, &routed,
                          r->traffic + OVL_TX_PACKETS, item->out_len);
            vni = r->vni;
        }
        *kept = packet;
        if (way->adj) {
            encapsulate(worker, vni, item, way, kept);
        }
        run_add(&run, way->port, kept++);
    }
    run_flush(&run);
    count(worker, net->traffic + OVL_RX_PACKETS, end - first, bytes);
    count(worker, net->traffic + OVL_TX_PACKETS, n_stay, bytes_stay);
    ovl_counter_add(worker->shard, OVL_TOTAL_CONSUMED, n_answered);
    ovl_counter_add(worker->shard, OVL_TOTAL_GENERATED, n_answered);
    ovl_counter_add(worker->shard, OVL_TOTAL_DROPPED, n_dropped);
    ovl_tally_flush(worker->shard, &routed);
}

/* Takes the tag off 'packet', whose MACs matter only if 'keep'. */
static inline void
pop_tag(struct dp_packet *packet, bool keep)
{
    if (keep) {
        uint8_t *data = ovl_pkt_data(packet);

        memmove(data + VLAN_HEADER_LEN, data, 2 * ETH_ADDR_LEN);
    }
    __packet_set_data(packet, __packet_data(packet) + VLAN_HEADER_LEN);
}

/* From VLANs. */
static void
act_vlans(const struct ovl_fast *fast, struct dp_packet *packets[],
          size_t first, size_t end)
{
    struct ovl_worker *worker = fast->worker;
    struct run run;

    run_init(&run, worker);
    for (size_t i = first; i < end; i++) {
        const struct ovl_fast_item *item = &fast->items[i];
        const struct ovl_fast_way *way = &fast->ways[item->way];
        const struct ovl_fast_rewrite *r = &fast->rewrites[item->way];
        bool routed = way->kind == OVL_FAST_ROUTED;
        struct dp_packet *packet = packets[i];

        ovl_pkt_forget_offloads(packet);
        pop_tag(packet, !routed);
        dp_packet_set_size(packet, item->out_len);
        if (routed) {
            rewrite(r, item, packet);
        }
        /* Seldom are two in a row of one VLAN. */
        count(worker, item->from + OVL_RX_PACKETS, 1,
              item->len + VLAN_HEADER_LEN);
        count(worker, r->traffic + OVL_TX_PACKETS, 1, item->out_len);
        if (way->adj) {
            encapsulate(worker, r->vni, item, way, &packets[i]);
        }
        run_add(&run, way->port, &packets[i]);
    }
    run_flush(&run);
}

/* Out of tunnels. */
static void
act_tunnel(const struct ovl_fast *fast, struct dp_packet *packets[],
           size_t first, size_t end)
{
    struct ovl_worker *worker = fast->worker;
    const struct ovl_network *net = fast->items[first].net;
    struct ovl_tally rx = { .packets = 0 };
    uint64_t bytes = 0;
    uint32_t n = 0;
    struct run run;

    run_init(&run, worker);
    for (size_t i = first; i < end; i++) {
        const struct ovl_fast_item *item = &fast->items[i];
        struct dp_packet *packet = packets[i];

        if (OVS_UNLIKELY(item->net != net)) {
            count_network(worker, net, n, bytes);
            net = item->net;
            n = bytes = 0;
        }
        n++;
        bytes += item->len;
        ovl_tally_add(worker->shard, &rx, item->from + OVL_RX_PACKETS,
                      item->len);
        ovl_pkt_forget_offloads(packet);
        __packet_set_data(packet, __packet_data(packet) + OVL_FAST_INNER_OFS);
        dp_packet_set_size(packet, item->len);
        run_add(&run, fast->ways[item->way].port, &packets[i]);
    }
    run_flush(&run);
    count_network(worker, net, n, bytes);
    ovl_tally_flush(worker->shard, &rx);
}

void
ovl_fast_act(const struct ovl_fast *fast, struct dp_packet *packets[],
             size_t first, size_t end)
{
    if (fast->tunnel) {
        act_tunnel(fast, packets, first, end);
    } else if (fast->vlans) {
        act_vlans(fast, packets, first, end);
    } else if (fast->plain) {
        act_bridged(fast, packets, first, end);
    } else {
        act_access(fast, packets, first, end);
    }
}
