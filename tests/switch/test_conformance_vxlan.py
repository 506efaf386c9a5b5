# SPDX-License-Identifier: Apache-2.0

"""VXLAN on the wire, over either underlay (RFC 7348, RFC 768, RFC 6935;
CONFORMANCE section 1).

    vm1, vm2 ── VNI 5001 ── br-ov ── p0 ══ underlay ══ 192.0.2.2:        vm3
                              │             ╚═════ 2001:db8:ff::2: vm6
                            LOCAL
"""

import struct

import pytest

from ovl.dual import (REMOTE, VTEP, add_ipv6_underlay, expect_sent, packet,
                      received)
from ovl.frames import (BROADCAST, IP, LOCAL_MAC, OWN_VTEP, OWN_VTEP6, TCP,
                        UDP, VXLAN, Ether, IPv6, Raw, arp_reply, arp_request,
                        checksum, decap_in, encap, ip, ip6, mac, peer_mac,
                        sport_of, udp)
from ovl.process import wait_until

PEER4, PEER6 = VTEP.values()
PEER6_MAC = peer_mac(PEER6)
UDP_AT = {4: 34, 6: 54}
CSUM_AT = {4: 40, 6: 60}
VXLAN_AT = {4: 42, 6: 62}
BURST = 60              # A dummy port's queue holds 100.


@pytest.fixture
def dual(sw):
    add_ipv6_underlay(sw)
    return sw


def in_bursts(items):
    items = list(items)
    return [items[i:i + BURST] for i in range(0, len(items), BURST)]


def get16(frame, offset):
    return struct.unpack_from("!H", frame, offset)[0]


def set16(frame, offset, value):
    return (frame[:offset] + struct.pack("!H", value & 0xffff)
            + frame[offset + 2:])


def with_csum(family, inner):
    """VXLAN with a right UDP checksum, as Linux sends it with 'udpcsum'."""
    if family == 6:
        return received(6, inner)
    frame = received(4, inner)
    length = len(frame) - UDP_AT[4]
    pseudo = frame[26:34] + struct.pack("!BBH", 0, 17, length)
    return set16(frame, CSUM_AT[4],
                 checksum(pseudo + frame[UDP_AT[4]:]) or 0xffff)


# VX-02, VX-03, VX-04.

def test_each_of_256_flag_values(sw):
    inner = udp(3, 1)
    good = [flags for flags in range(256) if flags & 0x08 and not flags & 4]
    bad = [flags for flags in range(256) if flags not in good]
    for some in in_bursts(good):
        sw.expect(("p0", *[decap_in(5001, inner, flags=f) for f in some]),
                  out={"vm1": [inner] * len(some)})
    for some in in_bursts(bad):
        sw.expect(("p0", *[decap_in(5001, inner, flags=f) for f in some]),
                  drops={("p0", None, "vxlan_bad_flags"): len(some)})


def test_each_of_39_reserved_bits(sw):
    """RFC 7348 section 5: ignored on receipt, all but the P bit of
    VXLAN-GPE."""
    inner = udp(3, 1)
    plain = decap_in(5001, inner)
    frames = {}
    for bit in range(64):
        if bit != 4 and not 32 <= bit < 56:
            frame = bytearray(plain)
            frame[VXLAN_AT[4] + bit // 8] |= 0x80 >> bit % 8
            frames[bit] = bytes(frame)
    assert len(frames) == 39
    gpe = frames.pop(5)
    sw.expect(("p0", *frames.values()), out={"vm1": [inner] * 38})
    sw.expect(("p0", gpe), drops={("p0", None, "vxlan_bad_flags"): 1})


def test_sweep_of_unknown_vnis(sw):
    vnis = [0, 1, 2, 4094, 4095, 4096, 5000, 5003, 0x7fffff, 0x800000,
            0xfffffe, 0xffffff, *(5001 ^ 1 << bit for bit in range(24))]
    for inner in udp(3, 1), arp_request(3, "10.1.0.1"):
        sw.expect(("p0", *[decap_in(vni, inner) for vni in vnis]),
                  drops={("p0", None, "vxlan_unknown_vni"): len(vnis)})


# VX-05, VX-20.

def test_only_our_mac_address_and_port_are_ours(dual):
    """Everything else is the host's."""
    inner = packet(4, 3, 1)
    ours4, ours6 = received(4, inner), with_csum(6, packet(4, 6, 1))
    others = []
    for frame in ours4, ours6:
        others += [mac_bytes + frame[6:] for mac_bytes in (
            b"\xff" * 6, b"\x02\0\0\0\x99\x99", b"\1\0\x5e\0\0\1",
            frame[:5] + bytes([frame[5] ^ 1]))]
    others += [
        received(4, inner, dport=port) for port in (4788, 4790, 8472, 53)]
    for dst in "192.0.2.2", "192.0.2.255", "255.255.255.255", "224.0.0.1":
        others.append(encap(5001, inner, dst, src=PEER4, dst_mac=LOCAL_MAC,
                            src_mac=peer_mac(PEER4)))
    for dst in "2001:db8:ff::3", "ff02::1":
        others.append(bytes(Ether(src=PEER6_MAC, dst=LOCAL_MAC)
                            / IPv6(src=PEER6, dst=dst)
                            / UDP(sport=50000, dport=4789)
                            / VXLAN(flags=8, vni=5001) / inner))
    others.append(bytes(Ether(src=peer_mac(PEER4), dst=LOCAL_MAC)
                        / IP(src=PEER4, dst=OWN_VTEP)
                        / TCP(sport=50000, dport=4789)
                        / VXLAN(flags=8, vni=5001) / inner))
    tagged = ours4[:12] + b"\x81\0\0\7" + ours4[12:]
    dual.expect(("p0", *others, tagged), out={"br-ov": [*others, tagged]})
    dual.expect(("p0", ours4, ours6),
                out={"vm1": [inner, packet(4, 6, 1)]})


@pytest.mark.parametrize("source, reason", [
    (OWN_VTEP6, "own_source"), ("::", "martian_outer"), ("::1", "martian_outer"),
    ("ff02::1", "martian_outer"), ("ff0e::2", "martian_outer"),
    ("::ffff:192.0.2.2", "martian_outer"),
])
def test_outer_ipv6_source_that_cannot_be_is_dropped(dual, source, reason):
    frame = bytes(Ether(src=PEER6_MAC, dst=LOCAL_MAC)
                  / IPv6(src=source, dst=OWN_VTEP6)
                  / UDP(sport=50000, dport=4789)
                  / VXLAN(flags=8, vni=5001) / packet(4, 6, 1))
    dual.expect(("p0", frame), drops={("p0", None, reason): 1})


def test_outer_ipv6_source_that_no_row_names_is_dropped(dual):
    frame = bytes(Ether(src=PEER6_MAC, dst=LOCAL_MAC)
                  / IPv6(src="2001:db8:ff::66", dst=OWN_VTEP6)
                  / UDP(sport=50000, dport=4789)
                  / VXLAN(flags=8, vni=5001) / packet(4, 6, 1))
    dual.expect(("p0", frame), drops={("p0", 5001, "unknown_vtep"): 1})


# VX-07 to VX-10, VX-19.

@pytest.mark.parametrize("family", [4, 6])
def test_udp_checksums_of_odd_and_even_datagrams(dual, family):
    good, bad, inners = [], [], []
    for length in range(9):
        inner = packet(4, REMOTE[family], 1, payload=b"\x81" * (30 + length))
        frame = with_csum(family, inner)
        csum = get16(frame, CSUM_AT[family])
        good.append(frame)
        inners.append(inner)
        bad += [set16(frame, CSUM_AT[family], csum + delta)
                for delta in (-2, -1, 1, 2, 0x8000)]
        bad += [frame[:n] + bytes([frame[n] ^ 0x80]) + frame[n + 1:]
                for n in (VXLAN_AT[family] + 7, VXLAN_AT[family] + 8,
                          len(frame) - 2, len(frame) - 1)]
    dual.expect(("p0", *good), out={"vm1": inners})
    for some in in_bursts(bad):
        dual.expect(("p0", *some),
                    drops={("p0", None, "outer_bad_csum"): len(some)})


@pytest.mark.parametrize("family", [4, 6])
def test_udp_checksum_that_is_computed_as_zero(dual, family):
    """RFC 768: it is transmitted as all ones; zero says that there is
    none."""
    inner = packet(4, REMOTE[family], 1, payload=b"\0\0")
    csum = get16(with_csum(family, inner), CSUM_AT[family])
    inner = inner[:-2] + struct.pack("!H", csum)
    frame = with_csum(family, inner)
    assert get16(frame, CSUM_AT[family]) == 0xffff
    dual.expect(("p0", frame), out={"vm1": [inner]})

    without = set16(frame, CSUM_AT[family], 0)
    if family == 4:
        dual.expect(("p0", without), out={"vm1": [inner]})
    else:
        dual.expect(("p0", without), drops={("p0", None,
                                             "outer_zero_csum"): 1})


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("pad", [1, 2, 7, 18])
def test_udp_checksum_does_not_cover_padding(dual, family, pad):
    inner = packet(4, REMOTE[family], 1)
    frame = with_csum(family, inner) + b"\xa5" * pad
    dual.expect(("p0", frame), out={"vm1": [inner]})


@pytest.mark.parametrize("family", [4, 6])
def test_udp_length_at_its_limits(dual, family):
    inner = packet(4, REMOTE[family], 1, payload=b"z" * 20)
    frame = received(family, inner)
    frame = frame[:CSUM_AT[family]] + b"\0\0" + frame[CSUM_AT[family] + 2:]
    if family == 6:
        dual.set_rows("set", "Bridge", "br-ov",
                      "other_config:vxlan-udp6-zero-csum=true")
    whole = len(inner) + 16

    def with_length(n):
        return set16(frame, UDP_AT[family] + 4, n)

    dual.expect(("p0", *[with_length(n) for n in (0, 7, 8, 15, whole + 1,
                                                  whole + 2, 0xffff)]),
                drops={("p0", None, "vxlan_malformed"): 7})
    dual.expect(("p0", *[with_length(n) for n in (16, 17, 29)]),
                drops={("p0", 5001, "too_short"): 3})
    dual.expect(("p0", *[with_length(n) for n in (whole, whole - 1,
                                                  whole - 20)]),
                out={"vm1": [inner, inner[:-1], inner[:-20]]})


def test_four_combinations_of_udp6_zero_checksum(dual):
    """RFC 6935 section 5: each direction, off and on."""
    inner = packet(4, 6, 1)
    zero = set16(received(6, inner), CSUM_AT[6], 0)
    frame = packet(4, 1, 6)

    expect_sent(dual, [(6, frame)], [0])                # With checksum.
    dual.expect(("p0", zero), drops={("p0", None, "outer_zero_csum"): 1})

    dual.set_rows("set", "Bridge", "br-ov",
                  "other_config:vxlan-udp6-zero-csum=true")
    dual.wait_vtep(PEER6)
    dual.expect(("p0", zero, with_csum(6, inner)),
                out={"vm1": [inner, inner]})
    bad = with_csum(6, inner)[:-1] + b"\xee"
    dual.expect(("p0", bad), drops={("p0", None, "outer_bad_csum"): 1})
    before = dual.wait_rest()
    dual.inject("vm1", frame)
    dual.wait_rest(before["received"] + 1)
    out, = dual.collect()["p0"]
    assert get16(out, CSUM_AT[6]) == 0 and out[70:] == frame
    # Who may send is looked at all the same (VX-06).
    stranger = bytearray(zero)
    stranger[22 + 15] ^= 0x40
    dual.expect(("p0", bytes(stranger)),
                drops={("p0", 5001, "unknown_vtep"): 1})


def test_no_udp_checksum_over_ipv4(sw):
    """RFC 7348 section 5: SHOULD be transmitted as zero."""
    frames = [udp(1, 3, payload=b"c" * n) for n in range(1, 20)]
    sw.expect(("vm1", *frames),
              out={"p0": [encap(5001, frame) for frame in frames]})
    assert {get16(frame, 40) for frame in sw.captured["p0"]} == {0}


# VX-11.

@pytest.mark.parametrize("family", [4, 6])
def test_source_ports_of_a_thousand_flows(dual, family):
    """At least 900 ports of their own, and over eight equal paths no path
    has four times its share."""
    base = packet(4, 1, REMOTE[family])
    flows = [base[:34] + struct.pack("!HH", 1000 + n, 80) + base[38:]
             for n in range(1000)]
    ports = []
    for some in in_bursts(flows):
        before = dual.wait_rest()
        dual.inject("vm1", *some)
        dual.wait_rest(before["received"] + len(some))
        got = dual.collect()["p0"]
        assert [frame[VXLAN_AT[family] + 8:] for frame in got] == some
        ports += [sport_of(frame) for frame in got]
    assert len(ports) == 1000
    assert all(49152 <= port <= 65535 for port in ports)
    assert len(set(ports)) >= 900
    for spread in (lambda port: port % 8, lambda port: port >> 11 & 7):
        buckets = [0] * 8
        for port in ports:
            buckets[spread(port)] += 1
        assert max(buckets) < 4 * 1000 / 8


def test_ipv6_fragments_of_a_datagram_share_a_source_port(dual):
    def fragment(offset, more, payload):
        header = struct.pack("!BBHI", 17, 0, offset << 3 | more, 77)
        return bytes(Ether(src=mac(1), dst=mac(3))
                     / IPv6(src=ip6(1), dst=ip6(3), nh=44)
                     / Raw(header + payload))

    frames = [fragment(0, 1, struct.pack("!HHHH", 5, 6, 108, 1) + b"f" * 56),
              fragment(8, 1, b"\x11\x22\x33\x44" * 8),
              fragment(12, 0, b"last")]
    before = dual.wait_rest()
    dual.inject("vm1", *frames)
    dual.wait_rest(before["received"] + 3)
    got = dual.collect()["p0"]
    assert [frame[50:] for frame in got] == frames
    assert len({sport_of(frame) for frame in got}) == 1


# VX-12, VX-14.

@pytest.mark.parametrize("mtu", [1500, 1550, 9000])
@pytest.mark.parametrize("family", [4, 6])
def test_largest_packet_for_each_mtu(dual, family, mtu):
    """RFC 7348 section 4.3: never fragmented, so DF is set.  The tunnel costs
    50 bytes over IPv4, 70 over IPv6."""
    largest = mtu - {4: 50, 6: 70}[family]
    dual.set_rows("set", "Interface", "p0", f"mtu_request={mtu}",
                  "--", "set", "Interface", "vm1", "mtu_request=9200",
                  "--", "set", "Interface", "br-ov", "mtu_request=1500")

    def frame(length, dst):
        return bytes(Ether(src=mac(1), dst=mac(dst), type=0x88b5)
                     / Raw(b"m" * length))

    n = REMOTE[family]
    wait_until(lambda: f"MTU {largest}\n" in dual.trace("vm1", frame(50, n)),
               "MTU does not take force")
    dual.wait_polled("vm1", "p0")
    expect_sent(dual, [(family, frame(length, n))
                       for length in (largest - 1, largest)], [0, 0])
    dual.expect(("vm1", frame(largest + 1, n), frame(9100, n)),
                drops={("vm1", 5001, "too_big"): 2})


# VX-15.

@pytest.mark.parametrize("ttl", [1, 64, 255])
def test_ttl_of_the_outer_header(dual, ttl):
    dual.set_rows("set", "Bridge", "br-ov", f"other_config:vxlan-ttl={ttl}")
    dual.wait_vtep(PEER4, PEER6)
    before = dual.wait_rest()
    dual.inject("vm1", packet(4, 1, 3), packet(4, 1, 6))
    dual.wait_rest(before["received"] + 2)
    over4, over6 = dual.collect()["p0"]
    assert over4[22] == ttl and over6[21] == ttl


def test_ttl_inside_does_not_matter(dual):
    """Not inherited, not decremented."""
    frames = [packet(4, 1, n, ttl=ttl) for n in (3, 6) for ttl in (0, 1, 255)]
    expect_sent(dual, [(4, f) for f in frames[:3]]
                + [(6, f) for f in frames[3:]], [0] * 6)


# VX-16.

def tag(frame, *tags):
    """'frame' with tags (TPID, TCI), the last one innermost."""
    for tpid, tci in reversed(tags):
        frame = frame[:12] + struct.pack("!HH", tpid, tci) + frame[12:]
    return frame


TPIDS = [0x8100, 0x88a8, 0x9100]


@pytest.mark.parametrize("depth", [1, 2, 3, 4, 5])
def test_stacks_of_tags_are_dropped(dual, depth):
    from_vm, inside = packet(4, 1, 2), packet(4, 3, 1)
    stacks = [[(tpid, 0xa000 | vid)] * depth for tpid in TPIDS
              for vid in (0, 1, 100, 4095) if vid or depth > 1]
    stacks += [[(0x88a8, 100)] + [(0x8100, 0)] * (depth - 1),
               [(0x8100, 100)] + [(0x88a8, 4095)] * (depth - 1)]
    n = len(stacks)
    dual.expect(("vm1", *[tag(from_vm, *stack) for stack in stacks]),
                ("p0", *[received(4, tag(inside, *stack))
                         for stack in stacks]),
                drops={("vm1", 5001, "vlan_tag"): n,
                       ("p0", 5001, "inner_vlan_tag"): n})


@pytest.mark.parametrize("tpid", TPIDS)
def test_priority_tag_is_stripped_on_every_way(dual, tpid):
    local, inside = packet(4, 1, 2), packet(4, 3, 1)
    tcis = [pcp << 13 | dei << 12 for pcp in range(8) for dei in (0, 1)]
    dual.expect(("vm1", *[tag(local, (tpid, tci)) for tci in tcis]),
                out={"vm2": [local] * 16})
    dual.expect(("p0", *[received(4, tag(inside, (tpid, tci)))
                         for tci in tcis]),
                out={"vm1": [inside] * 16})
    remote = packet(4, 1, 3)
    dual.expect(("vm1", tag(remote, (tpid, 0xe000))),
                out={"p0": [encap(5001, remote)]})


@pytest.mark.parametrize("arp", [arp_request(1, ip(2)),
                                 arp_reply(mac(1), ip(1), mac(2), ip(2))])
def test_tagged_arp_is_never_answered(dual, arp):
    """AR-13."""
    dual.expect(("vm1", tag(arp, (0x8100, 100))),
                drops={("vm1", 5001, "vlan_tag"): 1})
    dual.expect(("p0", received(4, tag(arp, (0x8100, 100)))),
                drops={("p0", 5001, "inner_vlan_tag"): 1})


# VX-17.

@pytest.mark.parametrize("family", [4, 6])
def test_short_frames_are_neither_padded_nor_grown(dual, family):
    """CVE-2003-0001: what a driver left in a buffer stays there.  The frame
    before each short one is long and full of 0xa5."""
    long = bytes(Ether(src=mac(1), dst=mac(2), type=0x88b5)
                 / Raw(b"\xa5" * 1000))
    short = [bytes(Ether(src=mac(1), dst=mac(2), type=0x88b5)
                   / Raw(b"s" * n)) for n in range(0, 50, 3)]
    dual.expect(("vm1", *[f for frame in short for f in (long, frame)]),
                out={"vm2": [f for frame in short for f in (long, frame)]})

    n = REMOTE[family]
    long, *short = [mac_to(frame, n, 1) for frame in (long, *short)]
    dual.expect(("p0", *[f for frame in short
                         for f in (received(family, long),
                                   received(family, frame) + b"\xa5" * 9)]),
                out={"vm1": [f for frame in short for f in (long, frame)]})

    long, *short = [mac_to(frame, 1, n) for frame in (long, *short)]
    frames = [f for frame in short for f in (long, frame)]
    expect_sent(dual, [(family, frame) for frame in frames],
                [0] * len(frames))


def mac_to(frame, src, dst):
    """'frame' from VM 'src' to VM 'dst'."""
    return (bytes.fromhex(mac(dst).replace(":", ""))
            + bytes.fromhex(mac(src).replace(":", "")) + frame[12:])


# VX-18, VX-13.

def test_outer_ip_options_of_every_length_are_dropped(sw):
    frames = [bytes(Ether(src=peer_mac(PEER4), dst=LOCAL_MAC)
                    / IP(src=PEER4, dst=OWN_VTEP,
                         options=b"\1\1\1\1" * words)
                    / UDP(sport=50000, dport=4789, chksum=0)
                    / VXLAN(flags=8, vni=5001) / udp(3, 1))
              for words in range(1, 11)]
    sw.expect(("p0", *frames), drops={("p0", None, "outer_options"): 10})


def test_outer_extension_headers_and_fragments_are_dropped(dual):
    inner = packet(4, 6, 1)
    plain = received(6, inner)

    def extended(next_header, header):
        length = get16(plain, 18) + len(header)
        return (plain[:18] + struct.pack("!HB", length, next_header)
                + plain[21:54] + b"\x11" + header[1:] + plain[54:])

    for next_header in 0, 43, 60:
        dual.expect(("p0", extended(next_header, bytes([0, 0, 1, 4] * 2))),
                    drops={("p0", None, "outer_options"): 1})
    dual.expect(("p0", extended(44, bytes([0, 0, 0, 1, 0, 0, 0, 9])),
                 extended(44, bytes(8))),
                drops={("p0", None, "outer_frag"): 2})
    later = extended(44, bytes([0, 0, 0, 0x40, 0, 0, 0, 9]))
    dual.expect(("p0", later), out={"br-ov": [later]})


# BU-04, BU-05 out of a tunnel; L2-01.

def test_reserved_group_addresses_out_of_a_tunnel_are_dropped(dual):
    frames = [bytes(Ether(src=mac(3), dst=f"01:80:c2:00:00:{n:02x}",
                          type=0x88b5) / Raw(b"x" * 46)) for n in range(16)]
    dual.expect(("p0", *[received(4, frame) for frame in frames]),
                drops={("p0", 5001, "reserved_group"): 16})
    after = bytes(Ether(src=mac(3), dst="01:80:c2:00:00:10", type=0x88b5)
                  / Raw(b"x" * 46))
    dual.expect(("p0", received(4, after)),
                out={"vm1": [after], "vm2": [after]})


def test_ethertypes_out_of_a_tunnel(dual):
    frames = [bytes(Ether(src=mac(3), dst=mac(1), type=ethertype)
                    / Raw(b"e" * 46))
              for ethertype in (0, 38, 46, 0x05dc, 0x05ff, 0x0600, 0x0842,
                                0x8035, 0x8847, 0x8863, 0x88cc, 0x88f7,
                                0x8906, 0xffff)]
    dual.expect(("p0", *[received(4, frame) for frame in frames]),
                out={"vm1": frames})


def test_link_local_multicast_is_flooded_inside_its_network(dual):
    """BU-05, RFC 4541 section 2.1.2: no snooping, no routing."""
    frames = [
        bytes(Ether(src=mac(1), dst="01:00:5e:00:00:fb")
              / IP(src=ip(1), dst="224.0.0.251", ttl=255)
              / UDP(sport=5353, dport=5353) / Raw(b"mdns")),
        bytes(Ether(src=mac(1), dst="01:00:5e:00:00:16")
              / IP(src=ip(1), dst="224.0.0.22", ttl=1, proto=2)
              / Raw(b"\x22\0\xf9\x02\0\0\0\1\4\0\0\0\xef\1\1\1")),
        bytes(Ether(src=mac(1), dst="01:00:5e:00:00:12")
              / IP(src=ip(1), dst="224.0.0.18", ttl=255, proto=112)
              / Raw(b"vrrp")),
        bytes(Ether(src=mac(1), dst="33:33:00:00:00:fb")
              / IPv6(src="fe80::1", dst="ff02::fb")
              / UDP(sport=5353, dport=5353) / Raw(b"mdns")),
        bytes(Ether(src=mac(1), dst=BROADCAST)
              / IP(src=ip(1), dst="255.255.255.255") / UDP(dport=9)
              / Raw(b"b"))]
    for frame in frames:
        dual.expect(("vm1", frame),
                    out={"vm2": [frame],
                         "p0": [encap(5001, frame, vtep)
                                for vtep in ("192.0.2.2", "192.0.2.3")]})
        inner = mac_to(frame, 3, 1)[6:]
        inner = frame[:6] + inner
        dual.expect(("p0", received(4, inner)),
                    out={"vm1": [inner], "vm2": [inner]})
