/* SPDX-License-Identifier: Apache-2.0 */

/* Packets for the router in the world of tests/unit/routed-world.h: what comes
 * out is what routed-oracle.h expects, to the byte, and no answer makes
 * another.  And in a burst with another packet each becomes what it becomes
 * alone.
 *
 *     byte  says
 *     ----  --------------------------------------------------------
 *     0     where the packet arrives (routed_arrivals); bit 7: IPv6
 *     1     whom it is to; bit 7: also try it in a burst; bit 6: give the
 *           answer to everybody
 *     2     who it is from
 *     3     TTL; bits 6 and 7: the ECN field of the tunnel's header
 *     4     what it carries
 *     5, 6  how much of it
 *     7     IPv4 flags and fragment offset, DSCP and ECN
 *     8     IPv4 options, or IPv6 extension headers
 *     9...  edits: offset, value, and bit 0 of the third adds 256 to the
 *           offset; an offset of 255 cuts the frame
 *
 * IPv4's header checksum is right unless bit 7 of byte 7 is set. */

#include <config.h>

#include <stdio.h>
#include <stdlib.h>

#include "frame-input.h"
#include "tests/unit/ip-oracle.h"
#include "tests/unit/routed-oracle.h"
#include "util.h"

#define HEAD 9

static const char *const addresses4[] = {
    "10.1.0.1", "10.1.0.11", "10.1.0.12", "10.1.0.95", "10.1.0.96",
    "10.1.0.98", "10.1.0.51", "10.1.0.50", "10.1.0.255", "10.1.0.77",
    "10.2.0.1", "10.2.0.2", "10.2.0.3", "10.2.0.14", "10.2.0.77",
    "10.2.0.95", "10.2.0.254", "10.2.0.255", "10.3.0.1", "10.3.7.1",
    "10.3.7.200", "10.4.0.1", "10.5.0.1", "10.6.0.1", "10.7.0.1",
    "10.8.0.1", "10.9.0.1", "10.10.0.1", "203.0.113.1", "0.0.0.0",
    "127.0.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
    "192.0.2.100", "192.0.2.1",
};

static const char *const addresses6[] = {
    "2001:db8:1::1", "2001:db8:1::11", "2001:db8:1::12", "2001:db8:1::95",
    "2001:db8:1::96", "2001:db8:1::98", "2001:db8:1::51", "2001:db8:1::50",
    "2001:db8:1::77", "2001:db8:2::1", "2001:db8:2::2", "2001:db8:2::14",
    "2001:db8:2::95", "2001:db8:2::fe", "2001:db8:3::1", "2001:db8:4::1",
    "2001:db8:5::1", "2001:db8:6::1", "2001:db8:7::1", "2001:db8:8::1",
    "2001:db8:9::1", "fe80::5eff:fe00:101", "fe80::5eff:fe00:102",
    "fe80::11", "::", "::1", "ff02::1", "::ffff:10.1.0.11", "2001:db8:1::",
};

static const char *const sources[] = {
    MAC_VM1, MAC_VM2, "02:00:5e:00:01:02", "02:00:00:00:00:99"
};

/* Protocol, and how the payload starts. */
static const struct {
    uint8_t proto4, proto6;
    uint8_t start[4];
} payloads[] = {
    { 17, 17, { 0x03, 0xe8, 0x07, 0xd0 } }, { 6, 6, { 0x03, 0xe8, 0, 80 } },
    { 1, 58, { 8, 0 } }, { 1, 58, { 128, 0 } }, { 1, 58, { 0, 0 } },
    { 1, 58, { 129, 0 } }, { 1, 58, { 3, 4 } }, { 1, 58, { 2, 0 } },
    { 1, 58, { 11, 0 } }, { 1, 58, { 137, 0 } }, { 2, 2, { 0x16, 0 } },
    { 132, 132, { 1, 2, 3, 4 } }, { 47, 59, { 0 } }, { 58, 1, { 8, 0 } },
};

/* IPv4 options, or the values of a chain of extension headers: type and
 * length in units of 8 bytes behind the first. */
static const struct {
    uint8_t len4, options[12];
    uint8_t n6, chain[3];
} extras[] = {
    { 0, { 0 }, 0, { 0 } },
    { 4, { 1, 1, 1, 0 }, 1, { 0 } },
    { 4, { 148, 4, 0, 0 }, 1, { 60 } },
    { 8, { 7, 7, 4, 0, 0, 0, 0, 0 }, 1, { 43 } },
    { 4, { 131, 3, 4, 0 }, 1, { 44 } },
    { 12, { 148, 4, 0, 0, 7, 4, 4, 0, 130, 3, 9, 0 }, 2, { 0, 60 } },
    { 4, { 68, 0, 0, 0 }, 2, { 60, 44 } },
    { 8, { 1, 130, 5, 1, 2, 3, 0, 0 }, 3, { 0, 43, 51 } },
};

static size_t
put_payload(struct frame *f, const uint8_t *data, bool v6)
{
    uint8_t p = data[4] % ARRAY_SIZE(payloads);
    size_t len = (data[5] << 8 | data[6]) % 1481;
    size_t start = f->len;

    frame_put_pattern(f, len);
    for (size_t i = 0; i < MIN(len, 4); i++) {
        f->data[start + i] = payloads[p].start[i];
    }
    return v6 ? payloads[p].proto6 : payloads[p].proto4;
}

static void
make4(const uint8_t *data, const char *dst, const char *src, struct frame *f)
{
    static const uint16_t frags[] = { 0, 0x4000, 0x2000, 0x2010, 0x0010,
                                      0x8000, 0x1fff, 0x6000 };
    size_t extra = data[8] % ARRAY_SIZE(extras);

    *f = frame_ip4(MAC_ROUTER, MAC_VM1, src, dst, 0, NULL, 0);
    frame_put(f, extras[extra].options, extras[extra].len4);
    size_t proto = put_payload(f, data, false);
    f->data[L3_OFS] = 0x40 | (5 + extras[extra].len4 / 4);
    f->data[L3_OFS + 1] = data[7] >> 3 & 0xf;
    frame_set16(f, IP4_LEN, f->len - L3_OFS);
    frame_set16(f, IP4_FRAG, frags[data[7] & 7]);
    f->data[L3_OFS + 8] = data[3] & 0x3f;
    f->data[IP4_PROTO] = proto;
}

static void
make6(const uint8_t *data, const char *dst, const char *src, struct frame *f)
{
    size_t extra = data[8] % ARRAY_SIZE(extras);
    size_t next = L3_OFS + 6;

    *f = frame_ip6(MAC_ROUTER, MAC_VM1, src, dst, 0, data[3] & 0x3f, NULL, 0);
    f->data[L3_OFS + 1] = (data[7] >> 3 & 3) << 4;
    for (size_t i = 0; i < extras[extra].n6; i++) {
        uint8_t header[8] = { 0, 0, data[7] & 7, 0 };

        f->data[next] = extras[extra].chain[i];
        next = f->len;
        frame_put(f, header, sizeof header);
    }
    f->data[next] = put_payload(f, data, true);
    frame_set16(f, L3_OFS + 4, f->len - L3_OFS - 40);
}

/* No echo is answered with another checksum. */
static void
repair_icmp(struct frame *f)
{
    struct ip_packet p;

    if (ip_packet_parse(f, &p) && ip_packet_is_icmp(&p) && p.l4_len >= 4) {
        size_t ofs = p.l4 - f->data + 2;
        uint32_t sum = p.v4 ? 0 : ip_sum(p.l4_len + 58, p.ip + 8, 32);

        frame_set16(f, ofs, 0);
        frame_set16(f, ofs, ~ip_sum(sum, p.l4, p.l4_len));
    }
}

static const struct routed_arrival *
make(const uint8_t *data, size_t size, struct frame *f)
{
    const struct routed_arrival *a
        = &routed_arrivals[(data[0] & 0x7f) % ROUTED_N_ARRIVALS];
    bool v6 = data[0] & 0x80;
    struct eth_addr macs[] = {
        mac_from(routed_network(a->vni)->mac),
        mac_from(sources[(data[2] >> 6) % ARRAY_SIZE(sources)])
    };

    if (v6) {
        make6(data, addresses6[(data[1] & 0x3f) % ARRAY_SIZE(addresses6)],
              addresses6[(data[2] & 0x3f) % ARRAY_SIZE(addresses6)], f);
    } else {
        make4(data, addresses4[(data[1] & 0x3f) % ARRAY_SIZE(addresses4)],
              addresses4[(data[2] & 0x3f) % ARRAY_SIZE(addresses4)], f);
    }
    memcpy(f->data, macs, sizeof macs);
    for (size_t i = HEAD; i + 2 < size; i += 3) {
        size_t ofs = data[i] + (data[i + 2] & 1 ? 256 : 0);

        if (data[i] == 255) {
            f->len = data[i + 1] < f->len ? data[i + 1] : f->len;
        } else if (ofs < f->len) {
            f->data[ofs] = data[i + 1];
        }
    }
    if (!(data[7] & 0x80)) {
        frame_repair(f, L3_OFS);
        repair_icmp(f);
    }
    return a;
}

/* Gives 'f' and another frame to the world in one burst: what comes out is
 * what came out of 'f' alone, and then what comes out of the other. */
static const char *
check_burst(struct routed_world *r, const struct routed_arrival *a,
            const struct frame *f)
{
    static struct world_output alone[WORLD_MAX_OUTPUTS];
    static struct frame burst[2];
    struct world *w = r->w;
    size_t n;

    burst[0] = *f;
    burst[1] = frame_udp4(routed_network(a->vni)->mac, MAC_VM2, "10.1.0.12",
                          "10.3.7.129", 1000, 2000, 40);
    burst[1] = routed_arriving(a, &burst[1], 0);

    n = w->n_out;
    memcpy(alone, w->out, n * sizeof *alone);
    world_receive(w, routed_in(r, a), &burst[1]);
    if (n + w->n_out > WORLD_MAX_OUTPUTS) {
        return NULL;
    }
    memcpy(alone + n, w->out, w->n_out * sizeof *alone);
    n += w->n_out;

    world_receive_burst(w, routed_in(r, a), burst, ARRAY_SIZE(burst));
    if (w->n_out != n) {
        return "a burst makes another number of packets";
    }
    for (size_t i = 0; i < n; i++) {
        if (w->out[i].port != alone[i].port
            || w->out[i].frame.len != alone[i].frame.len
            || memcmp(w->out[i].frame.data, alone[i].frame.data,
                      alone[i].frame.len)) {
            return "a burst makes another packet";
        }
    }
    return NULL;
}

static struct routed_world *r;

/* Leak checkers do not know the addresses in a FIB for what they are. */
static void
destroy_world(void)
{
    routed_world_destroy(r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct frame plain, f;

    if (!r) {
        r = routed_world_create();
        atexit(destroy_world);
    }
    if (size < HEAD) {
        return 0;
    }

    const struct routed_arrival *a = make(data, size, &plain);
    uint8_t ecn = data[3] >> 6;
    f = routed_arriving(a, &plain, ecn);
    world_receive(r->w, routed_in(r, a), &f);

    const char *error = routed_oracle(r, a, &plain, ecn);
    if (!error && data[1] & 0x80) {
        error = check_burst(r, a, &f);
    } else if (!error && data[1] & 0x40) {
        error = routed_echo(r, a);
    }
    if (error) {
        fprintf(stderr, "%s, from %s in network %"PRIu32"\n", error,
                a->port == NO_PORT ? a->vtep : routed_in(r, a)->name,
                a->vni);
        abort();
    }
    return 0;
}
