/* SPDX-License-Identifier: Apache-2.0 */

/* What the pipeline costs, in process: no netdev, no other thread.  Prints
 * JSON lines, see README.md.
 *
 *     bench-pipeline [--quick] [--case=WORD] [--size=N]
 *
 * '--case' and '--size' leave only the cases whose names contain WORD, and
 * those with N destinations.
 *
 * Bursts of 32 frames, each to a random destination of those that there are,
 * out of 1024 packets that are used over and over.  A window of the pipeline
 * and one without it, in which the same frames are only written, take turns:
 * the difference is what is reported, as CPU time in cycles of the time stamp
 * counter. */

#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adjacency.h"
#include "csum.h"
#include "dp-packet.h"
#include "forwarding.h"
#include "measure.h"
#include "ovs-rcu.h"
#include "packets.h"
#include "pipeline.h"
#include "pkt-edit.h"
#include "random.h"
#include "timeval.h"
#include "util.h"
#include "vxlan.h"

#define FRAME_LEN 64
#define N_PACKETS 1024
#define BURST NETDEV_MAX_BURST
#define MAX_PAIRS 21

static bool quick;

/* The hypervisor: networks with one local VM, and many remote ones behind
 * some VTEPs. */

#define OWN_IP 0xc0000201               /* 192.0.2.1 */

struct world {
    struct ovl_worker worker;   /* First member: 'send' casts. */
    struct ovl_forwarding *fwd;
    struct ovl_lport *vm, *uplink, *local;
    struct ovl_vtep **vteps;
    struct ovl_config config;
    size_t n;                   /* Destinations. */
    const struct ovl_lport *out;        /* Where frames are to come out. */
    size_t n_sent;                      /* So many did. */

    struct dp_packet *packets[N_PACKETS];
};

static struct in6_addr
ip4(uint32_t ip)
{
    return in6_addr_mapped_ipv4(htonl(ip));
}

static struct eth_addr
mac_of(uint32_t i)
{
    struct eth_addr mac;

    eth_addr_from_uint64(0x525400000000ull + i, &mac);
    return mac;
}

#define OUR_MAC 2
#define LOCAL_VM 0xffffff
#define ROUTER_MAC 0xfffffe

static void
port_destroy(struct ovl_lport *port)
{
    ovl_lport_uninit(port);
    free(port);
}

static struct ovl_lport *
port_create(const char *name)
{
    struct ovl_lport *port = xzalloc(sizeof *port);

    ovl_lport_init(port, name, ODP_PORT_C(1), port_destroy);
    atomic_store_relaxed(&port->mtu, 1500);
    return port;
}

/* The worker's 'send': the packet stays where it is. */
static void
recycle(struct ovl_worker *worker, struct ovl_lport *port,
        struct dp_packet *packet OVS_UNUSED)
{
    struct world *w = (struct world *) worker;

    w->n_sent += port == w->out;
}

static void
add_vteps(struct world *w, size_t n)
{
    w->vteps = xcalloc(n, sizeof *w->vteps);
    for (size_t i = 0; i < n; i++) {
        struct in6_addr ip = ip4(0xc6330000 + 1 + i);  /* 198.51.0.1... */
        struct ovl_outer_spec spec = {
            .dst = mac_of(1), .src = mac_of(OUR_MAC),
            .ip_src = ip4(OWN_IP),
            .ip_dst = ip, .ttl = 64, .vxlan_port = 4789, .mtu = 1600,
        };

        w->vteps[i] = ovl_vtep_ref(w->fwd, &ip);
        ovl_vtep_set_adjacency(w->vteps[i],
                               ovl_adjacency_create(w->uplink, &spec),
                               OVL_DROP_VTEP_UNRESOLVED);
        ovl_source_add(w->fwd, 1, &ip);
    }
}

/* A world with 'n' remote VMs in network 1 behind 'n_vteps' VTEPs, and local
 * VMs on one port. */
static struct world *
world_create(size_t n, size_t n_vteps)
{
    struct world *w = xzalloc(sizeof *w);
    struct ovl_gateway gateway = { ip4(0x0a000001), 96 + 8 };
    struct ovl_vrf vrf = { .id = 1, .name = CONST_CAST(char *, "red") };
    struct ovl_prefix prefix = { ip4(0x0a000000), 96 + 8 };
    struct ovl_route route = { .action = OVL_ROUTE_CONNECTED, .vni = 1 };

    w->n = n;
    w->fwd = ovl_forwarding_create();
    w->vm = port_create("vm");
    w->uplink = port_create("uplink");
    w->local = port_create("local");
    atomic_store_relaxed(&w->local->mac,
                         eth_addr_to_uint64(mac_of(OUR_MAC)));
    w->config = (struct ovl_config) {
        .vtep4 = ip4(OWN_IP), .vxlan_port = 4789, .ttl = 64,
        .uplink = w->uplink, .local = w->local,
    };

    struct ovl_member member = { .port = w->vm };
    struct ovl_network net = {
        .vni = 1, .source_group = 1, .neigh_suppress = true,
        .router_mac = mac_of(ROUTER_MAC), .n_gateways = 1,
        .gateways = &gateway, .n_members = 1, .members = &member,
        .vrf = CONST_CAST(char *, "red"),
    };
    struct ovl_binding bindings[] = {
        { .port = w->vm, .role = OVL_ROLE_ACCESS, .vni = 1 },
        { .port = w->uplink, .role = OVL_ROLE_UPLINK },
        { .port = w->local, .role = OVL_ROLE_LOCAL },
    };

    ovl_forwarding_begin(w->fwd);
    ovl_config_set(w->fwd, &w->config);
    ovl_network_set(w->fwd, &net);
    for (size_t i = 0; i < ARRAY_SIZE(bindings); i++) {
        ovl_binding_set(w->fwd, &bindings[i]);
    }
    add_vteps(w, n_vteps);
    ovl_vrf_set(w->fwd, &vrf);
    ovl_route_set(w->fwd, 1, &prefix, &route);
    for (size_t i = 0; i < n; i++) {
        struct eth_addr mac = mac_of(i);

        ovl_mac_set(w->fwd, &(struct ovl_mac) {
            .vni = 1, .mac = mac, .vtep = w->vteps[i % n_vteps],
        });
        ovl_neighbor_set(w->fwd, &(struct ovl_neighbor) {
            .vni = 1, .ip = ip4(0x0a010000 + i), .mac = mac,
        });
    }
    ovl_mac_set(w->fwd, &(struct ovl_mac) {
        .vni = 1, .mac = mac_of(LOCAL_VM), .port = w->vm,
    });
    ovl_forwarding_commit(w->fwd);

    w->worker = (struct ovl_worker) {
        .fwd = w->fwd, .shard = ovl_shard_create(), .send = recycle,
    };
    for (size_t i = 0; i < N_PACKETS; i++) {
        w->packets[i] = ovl_pkt_new(2048);
    }
    return w;
}

static void
world_destroy(struct world *w, size_t n_vteps)
{
    for (size_t i = 0; i < N_PACKETS; i++) {
        dp_packet_delete(w->packets[i]);
    }
    for (size_t i = 0; i < n_vteps; i++) {
        ovl_vtep_unref(w->fwd, w->vteps[i]);
    }
    ovl_forwarding_destroy(w->fwd);
    ovl_lport_unref(w->vm);
    ovl_lport_unref(w->uplink);
    ovl_lport_unref(w->local);
    ovl_shard_destroy(w->worker.shard);
    free(w->vteps);
    free(w);
    for (int i = 0; i < 4; i++) {
        ovsrcu_quiesce();
    }
}

/* Frames. */

static void
put_eth(uint8_t *p, struct eth_addr dst, struct eth_addr src, uint16_t type)
{
    struct eth_header eth = {
        .eth_dst = dst, .eth_src = src, .eth_type = htons(type)
    };

    memcpy(p, &eth, sizeof eth);
}

static void
put_ipv4(uint8_t *p, uint32_t src, uint32_t dst, size_t len)
{
    struct ip_header ip = {
        .ip_ihl_ver = IP_IHL_VER(5, 4), .ip_tot_len = htons(len),
        .ip_frag_off = htons(IP_DF), .ip_ttl = 64, .ip_proto = IPPROTO_UDP,
    };
    struct udp_header udp = {
        .udp_src = htons(src), .udp_dst = htons(4789),
        .udp_len = htons(len - IP_HEADER_LEN),
    };

    put_16aligned_be32(&ip.ip_src, htonl(src));
    put_16aligned_be32(&ip.ip_dst, htonl(dst));
    ip.ip_csum = csum(&ip, sizeof ip);
    memcpy(p, &ip, sizeof ip);
    memcpy(p + sizeof ip, &udp, sizeof udp);
}

/* From the local VM to remote VM 'i', bridged. */
static size_t
make_bridged(uint8_t *p, const struct world *w OVS_UNUSED, uint32_t i)
{
    memset(p, 0, FRAME_LEN);
    put_eth(p, mac_of(i), mac_of(LOCAL_VM), ETH_TYPE_IP);
    put_ipv4(p + ETH_HEADER_LEN, 0x0a000005, 0x0a010000 + i,
             FRAME_LEN - ETH_HEADER_LEN);
    return FRAME_LEN;
}

/* The same through the router. */
static size_t
make_routed(uint8_t *p, const struct world *w, uint32_t i)
{
    make_bridged(p, w, i);
    put_eth(p, mac_of(ROUTER_MAC), mac_of(LOCAL_VM), ETH_TYPE_IP);
    return FRAME_LEN;
}

/* From remote VM 'i' to the local one, out of the tunnel. */
static size_t
make_tunneled(uint8_t *p, const struct world *w, uint32_t i)
{
    struct vxlanhdr vxlan = { .vx_flags = { htons(0x0800), 0 } };
    uint8_t *inner = p + 50;

    put_eth(p, mac_of(OUR_MAC), mac_of(1), ETH_TYPE_IP);
    put_ipv4(p + ETH_HEADER_LEN,
             ntohl(in6_addr_get_mapped_ipv4(&w->vteps[i % 1000
                                            * (w->n > 1)]->ip)),
             OWN_IP, 50 - ETH_HEADER_LEN + FRAME_LEN);
    put_16aligned_be32(&vxlan.vx_vni, htonl(1 << 8));
    memcpy(inner - sizeof vxlan, &vxlan, sizeof vxlan);
    make_bridged(inner, w, i);
    put_eth(inner, mac_of(LOCAL_VM), mac_of(i), ETH_TYPE_IP);
    return 50 + FRAME_LEN;
}

/* Asks for remote VM 'i'. */
static size_t
make_arp(uint8_t *p, const struct world *w OVS_UNUSED, uint32_t i)
{
    struct arp_eth_header arp = {
        .ar_hrd = htons(ARP_HRD_ETHERNET), .ar_pro = htons(ETH_TYPE_IP),
        .ar_hln = 6, .ar_pln = 4, .ar_op = htons(ARP_OP_REQUEST),
        .ar_sha = mac_of(LOCAL_VM),
    };

    memset(p, 0, FRAME_LEN);
    put_eth(p, eth_addr_broadcast, mac_of(LOCAL_VM), ETH_TYPE_ARP);
    put_16aligned_be32(&arp.ar_spa, htonl(0x0a000005));
    put_16aligned_be32(&arp.ar_tpa, htonl(0x0a010000 + i));
    memcpy(p + ETH_HEADER_LEN, &arp, sizeof arp);
    return FRAME_LEN;
}

/* Cases. */

struct bench {
    const char *name;
    size_t (*make)(uint8_t *, const struct world *, uint32_t i);
    bool from_uplink;
    bool to_vm;                 /* Else to the uplink. */
    double goals[3];            /* Cycles with 1, 10 000 and 1 M VMs. */
};

#define N_IMAGES (1 << 16)
#define MAX_FRAME 128

struct image {
    size_t len;
    uint8_t data[MAX_FRAME];
};

static uint64_t
tsc(void)
{
#ifdef __x86_64__
    return __builtin_ia32_rdtsc();
#else
    return time_wall_usec() * 1000;     /* A cycle is a nanosecond. */
#endif
}

/* Cycles of the time stamp counter in a nanosecond. */
static double
tsc_rate(void)
{
    long long int start = time_wall_usec(), now;
    uint64_t before = tsc();

    do {
        now = time_wall_usec();
    } while (now - start < 50 * 1000);
    return (tsc() - before) / (1000. * (now - start));
}

/* Writes the next 32 frames into 'batch'. */
static void
fill(struct world *w, const struct image *images, size_t at,
     struct dp_packet_batch *batch)
{
    dp_packet_batch_init(batch);
    for (size_t i = 0; i < BURST; i++) {
        const struct image *image = &images[(at + i) % N_IMAGES];
        struct dp_packet **slot = &w->packets[(at + i) % N_PACKETS];

        dp_packet_reset_packet(*slot, 0);
        dp_packet_set_data(*slot, (char *) dp_packet_base(*slot)
                           + OVL_PKT_HEADROOM);
        dp_packet_set_size(*slot, image->len);
        memcpy(dp_packet_data(*slot), image->data, image->len);
        dp_packet_batch_add(batch, *slot);
    }
}

/* CPU time per frame of 'n' bursts, in ns, with or without the pipeline. */
static double
window(struct world *w, const struct bench *b, const struct image *images,
       size_t n, bool pipeline)
{
    struct ovl_lport *in = b->from_uplink ? w->uplink : w->vm;
    struct dp_packet_batch batch;
    double start = bench_cpu_ns();

    for (size_t i = 0; i < n; i++) {
        fill(w, images, i * BURST, &batch);
        if (pipeline) {
            ovl_pipeline_run(&w->worker, in, &batch);
        }
    }
    return (bench_cpu_ns() - start) / (n * BURST);
}

static void
run(struct world *w, const struct bench *b, double rate, double goal)
{
    size_t n_pairs = quick ? 5 : MAX_PAIRS;
    size_t n = quick ? 2048 : 16384;
    struct image *images = xcalloc(N_IMAGES, sizeof *images);
    double with[MAX_PAIRS], without[MAX_PAIRS], net[MAX_PAIRS];

    for (size_t i = 0; i < N_IMAGES; i++) {
        images[i].len = b->make(images[i].data, w,
                                random_uint32() % w->n);
    }
    w->out = b->to_vm ? w->vm : w->uplink;
    w->n_sent = 0;
    window(w, b, images, 64, true);
    if (w->n_sent != 64 * BURST) {
        fprintf(stderr, "%s: %"PRIuSIZE" of %d frames came out\n", b->name,
                w->n_sent, 64 * BURST);
        exit(1);
    }
    for (size_t i = 0; i < n_pairs; i++) {
        without[i] = rate * window(w, b, images, n, false);
        with[i] = rate * window(w, b, images, n, true);
        net[i] = with[i] - without[i];
    }

    double ours = bench_median(net, n_pairs);
    printf("{\"case\": \"%s\", \"size\": %"PRIuSIZE", \"ours\": %.4g, "
           "\"peer\": \"goal\", \"peers\": %g, \"ratio\": %.3g, "
           "\"unit\": \"cycles\", \"pairs\": %"PRIuSIZE", "
           "\"least\": %.4g, \"most\": %.4g, \"floor\": %.4g}\n",
           b->name, w->n, ours, goal, ours / goal, n_pairs, net[0],
           net[n_pairs - 1], bench_median(without, n_pairs));
    fflush(stdout);

    free(images);
}

int
main(int argc, char *argv[])
{
    static const struct bench benches[] = {
        { "D12 bridged into the tunnel", make_bridged, false, false,
          { 70, 100, 200 } },
        { "D13 out of the tunnel", make_tunneled, true, true,
          { 80, 130, 250 } },
        { "D13 routed into the tunnel", make_routed, false, false,
          { 120, 170, 250 } },
        { "D13 ARP answered", make_arp, false, true, { 60, 100, 180 } },
    };
    static const size_t sizes[] = { 1, 10000, 1000000 };

    const char *only = "";
    size_t only_size = 0;

    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--quick")) {
            quick = true;
        } else if (!strncmp(argv[i], "--case=", 7)) {
            only = argv[i] + 7;
        } else if (!strncmp(argv[i], "--size=", 7)) {
            only_size = strtoul(argv[i] + 7, NULL, 10);
        } else {
            printf("usage: %s [--quick] [--case=WORD] [--size=N]\n", argv[0]);
            return strcmp(argv[i], "--help") != 0;
        }
    }
    random_set_seed(1);
    ovl_flow_hash_init();

    double rate = tsc_rate();
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        if (only_size && sizes[i] != only_size) {
            continue;
        }

        size_t n_vteps = sizes[i] > 1 ? 1000 : 1;
        struct world *w = world_create(sizes[i], n_vteps);

        for (size_t j = 0; j < ARRAY_SIZE(benches); j++) {
            if (strstr(benches[j].name, only)) {
                run(w, &benches[j], rate, benches[j].goals[i]);
            }
        }
        world_destroy(w, n_vteps);
    }
    return 0;
}
