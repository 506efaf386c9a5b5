/* SPDX-License-Identifier: Apache-2.0 */

/* Frames about as long as a length of 16 bits can say, where no MTU keeps them
 * out: what is put in front of them must not make them longer than that. */

#include <config.h>

#include "world-asserts.h"

#include "adjacency.h"
#include "dp-packet.h"
#include "pipeline-trace.h"
#include "pkt-edit.h"
#include "vxlan.h"

/* The last frame of 'len' bytes that came out, of which the test wants no more
 * than this; 'fits' says whether the lengths that there are agree. */
static struct {
    size_t n, len;
    bool fits;
} out;

static void
note_sent(struct ovl_worker *worker, struct ovl_lport *port,
          struct dp_packet *const packets[], size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const uint8_t *data = dp_packet_data(packets[i]);
        size_t len = dp_packet_size(packets[i]);
        size_t l3_len = data[16] << 8 | data[17];

        out.n++;
        out.len = len;
        out.fits = len <= UINT16_MAX
                   && (data[12] != 8 || l3_len + ETH_HEADER_LEN == len);
        ovl_account_sent(worker->shard, port, 1, len);
        dp_packet_delete(packets[i]);
    }
}

/* Gives 'port' a UDP packet in a frame of 'len' bytes for MAC 'dst'.  With a
 * trace there is no fast path. */
static void
receive(struct world *w, struct ovl_lport *port, const char *dst, size_t len,
        bool slowly)
{
    static uint8_t payload[UINT16_MAX];
    struct frame f = frame_udp4(dst, MAC_VM1, "10.1.0.11", "10.1.0.99", 1, 2,
                                10);
    struct dp_packet *p = dp_packet_new_with_headroom(len, OVL_PKT_HEADROOM);
    struct ovl_trace trace = {
        .text = DS_EMPTY_INITIALIZER,
        .sent = DS_EMPTY_INITIALIZER,
        .dropped = DS_EMPTY_INITIALIZER,
    };
    struct dp_packet_batch batch;

    frame_set16(&f, L3_OFS + 2, len - L3_OFS);
    frame_set16(&f, IP4_FRAG, 0);       /* Nobody is told. */
    frame_set16(&f, L4_OFS + 4, len - L4_OFS);
    frame_fix_ip4(&f, L3_OFS);
    dp_packet_put(p, f.data, f.len);
    dp_packet_put(p, payload, len - f.len);

    for (int i = 0; i < OVL_N_TOTALS; i++) {
        w->before[i] = ovl_counter_read(i);
    }
    out.n = out.len = 0;
    w->worker.trace = slowly ? &trace : NULL;
    dp_packet_batch_init_packet(&batch, p);
    world_run(&w->worker, port, &batch);
    w->worker.trace = NULL;
    ds_destroy(&trace.text);
    ds_destroy(&trace.sent);
    ds_destroy(&trace.dropped);
}

/* One of up to 'max' bytes leaves 'extra' bytes longer, and a longer one is
 * dropped. */
static void
assert_max(struct world *w, const char *dst, size_t max, size_t extra)
{
    static const size_t lens[] = {
        60000, 65449, 65450, 65471, 65472, 65484, 65485, 65486, 65487, 65498,
        65499, 65500, 65501, 65521, 65531, 65532, 65535,
    };
    uint32_t drops = world_drops_of(w, w->vm1) + OVL_DROP_TOO_BIG;

    for (size_t i = 0; i < ARRAY_SIZE(lens); i++) {
        for (int slowly = 0; slowly < 2; slowly++) {
            uint64_t before = ovl_counter_read(drops);

            receive(w, w->vm1, dst, lens[i], slowly);
            if (lens[i] <= max) {
                assert_int_equal(out.n, 1);
                assert_int_equal(out.len, lens[i] + extra);
                assert_true(out.fits);
            } else {
                assert_int_equal(out.n, 0);
                assert_int_equal(world_delta(w, OVL_TOTAL_DROPPED), 1);
                assert_int_equal(ovl_counter_read(drops), before + 1);
            }
            assert_true(world_is_balanced());
        }
    }
}

static void
tunnel_takes_what_fits_with_its_header(void **state)
{
    static const uint16_t mtus[] = { 0, 65521, 65522, 65535 };
    struct world *w = *state;

    w->worker.send = note_sent;
    for (size_t i = 0; i < ARRAY_SIZE(mtus); i++) {
        world_resolve(w, w->vtep, mtus[i]);
        assert_max(w, MAC_REMOTE, 65485, 50);
    }
    world_resolve(w, w->vtep, 65520);
    assert_max(w, MAC_REMOTE, 65484, 50);
}

static void
port_takes_what_fits_with_its_tag(void **state)
{
    struct world *w = *state;

    w->worker.send = note_sent;
    world_set_mac(w, VNI, MAC_UNKNOWN, w->vm2, 0, NULL);
    assert_max(w, MAC_UNKNOWN, 65535, 0);
    world_set_mac(w, VNI, MAC_UNKNOWN, w->trunk1, 10, NULL);
    assert_max(w, MAC_UNKNOWN, 65531, 4);
}

static void
every_length_of_an_outer_header_fits(void **state)
{
    static const uint16_t mtus[] = { 0, 50, 70, 71, 1500, 65521, 65522, 65535 };
    struct world *w = *state;

    for (int v6 = 0; v6 < 2; v6++) {
        for (size_t i = 0; i < ARRAY_SIZE(mtus); i++) {
            const struct ovl_outer_spec spec = {
                .ip_src = world_ip(v6 ? "2001:db8::1" : IP_OWN),
                .ip_dst = world_ip(v6 ? "2001:db8::2" : IP_VTEP),
                .mtu = mtus[i],
            };
            const struct ovl_vxlan_fields fields = { .vni = VNI };
            struct ovl_adjacency *adj = ovl_adjacency_create(w->eth1, &spec);
            size_t len = ETH_HEADER_LEN + adj->mtu;
            size_t extra = v6 ? 70 : 50;
            struct dp_packet *p
                = dp_packet_new_with_headroom(len, OVL_PKT_HEADROOM);

            memset(dp_packet_put_uninit(p, len), 0, len);
            p = ovl_vxlan_push(p, adj, &fields);
            assert_int_equal(dp_packet_size(p), len + extra);
            assert_true(dp_packet_size(p) <= UINT16_MAX);
            assert_true(dp_packet_size(p)
                        == (mtus[i] > extra && mtus[i] < 65521
                            ? mtus[i] + ETH_HEADER_LEN : UINT16_MAX));
            dp_packet_delete(p);
            ovl_adjacency_destroy(adj);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(tunnel_takes_what_fits_with_its_header),
        world_test(port_takes_what_fits_with_its_tag),
        world_test(every_length_of_an_outer_header_fits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
