# SPDX-License-Identifier: Apache-2.0

"""What a router does with IPv4, rule by rule (RFC 791, RFC 1812, RFC 2644,
RFC 3021, RFC 7126; CONFORMANCE section 6).  The networks are those of
ovl/router.py, and VM 9, in network 5001, whose port is not guarded.
"""

import struct

import pytest
from scapy.layers.inet import ICMP, TCP, fragment

from ovl.frames import (BROADCAST, GATEWAY_MAC, IP, UDP, Ether, Raw, ip, mac,
                        udp)
from ovl.router import (REMOTE, VM5, build_red, fix_ip, icmp, packet, routed)

L3, L4 = 14, 34
TOS, LENGTH, FRAG, TTL, CSUM = 15, 16, 20, 22, 24
MTU = 1450                      # Of the tunnel.


@pytest.fixture
def red(sw):
    build_red(sw)
    sw.add_port("vm9", 5001)
    return sw


def change(frame, offset, value, fix=True):
    """'frame' with other bytes at 'offset', and a right header checksum if
    'fix'."""
    frame = bytes(frame)
    frame = frame[:offset] + value + frame[offset + len(value):]
    return fix_ip(frame) if fix else frame


def be16(value):
    return struct.pack("!H", value)


def expect_routed(sw, frames):
    """Each of 'frames' from VM 9 reaches VM 5."""
    frames = [bytes(frame) for frame in frames]
    for i in range(0, len(frames), 40):
        some = frames[i:i + 40]
        sw.expect(("vm9", *some), out={"vm5": [routed(frame, VM5)
                                               for frame in some]})


def expect_silence(sw, frames, reason):
    """Each of 'frames' is dropped, from a VM and out of a tunnel, and nothing
    is said about it."""
    frames = [bytes(frame) for frame in frames]
    for i in range(0, len(frames), 40):
        some = frames[i:i + 40]
        sw.expect(("vm9", *some),
                  ("p0", *[sw.decap_in(frame) for frame in some]),
                  drops={("vm9", 5001, reason): len(some),
                         ("p0", 5001, reason): len(some)})


def expect_error(sw, frame, reason, source="10.1.0.1", **fields):
    """VM 9 is told about 'frame'."""
    src = ".".join(map(str, bytes(frame)[26:30]))
    sw.expect(("vm9", frame),
              out={"vm9": [icmp(frame, source, dst=src, n=9, **fields)]},
              drops={("vm9", 5001, reason): 1})


def expect_dropped(sw, frames, reason):
    """As expect_silence(), where a tunnel is not what it is about."""
    frames = [bytes(frame) for frame in frames]
    for i in range(0, len(frames), 40):
        some = frames[i:i + 40]
        sw.expect(("vm9", *some), drops={("vm9", 5001, reason): len(some)})


# F4-01: the header.

def test_each_bit_of_the_header_checksum_counts(red):
    good = bytes(packet("10.5.0.15", n=9))
    csum = int.from_bytes(good[CSUM:CSUM + 2], "big")
    wrong = {csum ^ 1 << bit for bit in range(16)}
    wrong |= {(csum + 1) & 0xffff, (csum - 1) & 0xffff, 0, 0xffff} - {csum}
    expect_silence(red, [change(good, CSUM, be16(value), fix=False)
                         for value in sorted(wrong)], "bad_ip_header")
    expect_routed(red, [good])


def test_each_version_but_4_is_dropped(red):
    good = packet("10.5.0.15", n=9)
    expect_silence(red, [change(good, L3, bytes([version << 4 | 5]))
                         for version in range(16) if version != 4],
                   "bad_ip_header")


def test_header_lengths_below_five_words_are_dropped(red):
    good = packet("10.5.0.15", n=9)
    expect_silence(red, [change(good, L3, bytes([0x40 | ihl]))
                         for ihl in range(5)], "bad_ip_header")


def test_header_of_each_length_is_forwarded(red):
    """Padded with no operation up to 60 bytes."""
    expect_routed(red, [packet("10.5.0.15", n=9, options=b"\1" * 4 * words)
                        for words in range(11)])


def test_header_beyond_the_packet_is_dropped(red):
    """IHL says more than the total length, or more than there is."""
    good = bytes(packet("10.5.0.15", n=9, payload=b""))
    expect_silence(red, [change(good, L3, bytes([0x40 | ihl]))
                         for ihl in range(8, 16)], "bad_ip_header")


def test_total_length_around_what_there_is(red):
    """One more than there is, or less than the header: dropped; less than
    there is: what follows is padding, which is not forwarded."""
    good = bytes(packet("10.5.0.15", b"x" * 20, n=9))
    length = len(good) - L3
    expect_silence(red, [change(good, LENGTH, be16(n))
                         for n in (0, 1, 19, length + 1, length + 2, 0xffff)],
                   "bad_ip_header")
    expect_routed(red, [change(good, LENGTH, be16(n))
                        for n in (20, 21, length - 1, length)])


def test_trailing_bytes_are_trimmed(red):
    good = bytes(packet("10.5.0.15", b"", n=9))
    expect_routed(red, [good + b"\xa5" * n for n in (1, 2, 18, 100, 1000)])
    # In a tunnel, too.
    frame = packet("10.5.0.99", b"", n=9)
    red.expect(("vm9", bytes(frame) + b"\xa5" * 50), out={
        "p0": [red.encap(routed(frame, REMOTE), vni=5005)]})


def test_packet_cut_short_is_dropped(red):
    good = bytes(packet("10.5.0.15", b"x" * 10, n=9))
    expect_silence(red, [good[:n] for n in range(L3, len(good))],
                   "bad_ip_header")


def test_what_is_neither_ipv4_nor_ipv6_is_dropped(red):
    expect_silence(red, [
        Ether(src=mac(9), dst=GATEWAY_MAC, type=type_) / Raw(b"x" * 46)
        for type_ in (0x0100, 0x0801, 0x8847, 0x88b5, 0xffff)], "not_ip")


# F4-02: TTL.

@pytest.mark.parametrize("ttl", [0, 1])
def test_ttl_that_is_used_up_is_told(red, ttl):
    for dst in "10.5.0.15", "10.5.0.99", "10.99.1.1":
        expect_error(red, packet(dst, ttl=ttl, n=9), "ttl_expired",
                     type=11, code=0)


def test_each_ttl_goes_down_by_one(red):
    """F4-03, too: the checksum is right for each."""
    expect_routed(red, [packet("10.5.0.15", ttl=ttl, n=9)
                        for ttl in range(2, 256)])


@pytest.mark.parametrize("ttl", [0, 1])
def test_ttl_does_not_matter_to_the_gateway_itself(red, ttl):
    """RFC 1812 section 5.3.1: it is for us."""
    for target in "10.1.0.1", "10.5.0.1":
        red.expect(("vm1", echo(target, b"x", ttl=ttl)),
                   out={"vm1": [echo_reply(target, b"x")]})


def test_bridged_packets_keep_their_ttl(red):
    for ttl in 0, 1, 64:
        frame = udp(1, 2, ttl=ttl)
        red.expect(("vm1", frame), out={"vm2": [frame]})


# F4-03: checksums, RFC 1624.

def test_checksum_is_right_whatever_it_was(red):
    """Headers whose checksum is 0 or next to it, before or after."""
    frames = []
    for before in 0x0000, 0x0001, 0x00ff, 0x0100, 0xfe00, 0xfeff, 0xff00, \
            0xfffe:
        frame = bytes(packet("10.5.0.15", n=9, id=0))
        csum = int.from_bytes(frame[CSUM:CSUM + 2], "big")
        # The identification makes up the difference.
        identification = (csum - before) % 0xffff
        frame = change(frame, L3 + 4, be16(identification))
        assert int.from_bytes(frame[CSUM:CSUM + 2], "big") == before
        frames.append(frame)
    expect_routed(red, frames)


# F4-04: addresses that no host has.

MARTIANS = ["0.0.0.0", "0.0.0.1", "0.255.255.255", "127.0.0.0", "127.0.0.1",
            "127.255.255.255", "224.0.0.0", "224.0.0.1", "239.255.255.255",
            "240.0.0.0", "255.255.255.254", "255.255.255.255"]
HOSTS = ["1.0.0.0", "126.255.255.255", "128.0.0.0", "169.254.1.1",
         "192.0.2.1", "223.255.255.255"]


def test_martian_sources_are_dropped_in_silence(red):
    expect_silence(red, [packet("10.5.0.15", src=src, n=9)
                         for src in MARTIANS], "martian_source")
    # Nothing is said even if there was something to say.
    expect_silence(red, [packet("10.5.0.15", src=src, n=9, ttl=1)
                         for src in MARTIANS], "martian_source")


def test_martian_destinations_are_dropped_in_silence(red):
    expect_silence(red, [packet(dst, src="10.1.0.19", n=9, ttl=ttl)
                         for dst in MARTIANS for ttl in (1, 64)],
                   "martian_destination")


def test_addresses_beside_martians_are_fine(red):
    expect_routed(red, [packet("10.5.0.15", src=src, n=9) for src in HOSTS])
    for dst in HOSTS:
        expect_error(red, packet(dst, n=9, src="10.1.0.19"), "no_route",
                     type=3, code=0)


def test_own_gateway_address_as_source_is_dropped(red):
    red.expect(("vm9", packet("10.5.0.15", src="10.1.0.1", n=9)),
               drops={("vm9", 5001, "spoof_gw"): 1})


# F4-05: who may send.

def test_source_that_is_not_bound_is_not_routed(red):
    frames = [packet("10.5.0.15", src=src)
              for src in (ip(2), "10.5.0.15", "8.8.8.8")]
    red.expect(("vm1", *frames), drops={("vm1", 5001, "spoof_ip"): 3})
    frame = packet("10.5.0.15")
    red.expect(("vm1", frame), out={"vm5": [routed(frame, VM5)]})


# F4-06: what came to many.

@pytest.mark.parametrize("group", [BROADCAST, "01:00:5e:00:00:05",
                                   "33:33:00:00:00:01"])
def test_link_layer_broadcast_is_not_routed(red, group):
    """RFC 1812 section 5.3.4: it is flooded as any, and that is all."""
    for dst in "10.5.0.15", "10.1.0.1", "10.99.0.1":
        frame = bytes(packet(dst, n=9))
        frame = bytes.fromhex(group.replace(":", "")) + frame[6:]
        red.expect(("vm9", frame), out={
            "vm1": [frame], "vm2": [frame],
            "p0": [red.encap(frame), red.encap(frame, n=3)]})


@pytest.mark.parametrize("dst", ["224.0.0.1", "224.0.0.251",
                                 "239.255.255.250", "232.1.1.1"])
def test_multicast_is_not_routed(red, dst):
    """Not to the router MAC, and not as multicast."""
    expect_silence(red, [packet(dst, n=9, src="10.1.0.19", ttl=ttl)
                         for ttl in (1, 64)], "martian_destination")
    frame = bytes(Ether(src=mac(9), dst="01:00:5e:00:00:01")
                  / IP(src="10.1.0.19", dst=dst) / UDP())
    red.expect(("vm9", frame), out={
        "vm1": [frame], "vm2": [frame],
        "p0": [red.encap(frame), red.encap(frame, n=3)]})


# F4-07: broadcasts.

def test_directed_broadcasts_are_dropped(red):
    """RFC 2644: to the sender's own network and to others."""
    expect_silence(red, [packet(dst, n=9, src="10.1.0.19", ttl=ttl)
                         for dst in ("10.1.0.255", "10.5.0.255")
                         for ttl in (1, 64)], "directed_broadcast")


def test_directed_broadcast_is_no_source(red):
    expect_silence(red, [packet("10.5.0.15", src="10.1.0.255", n=9)],
                   "martian_source")


def test_limited_broadcast_is_dropped(red):
    expect_silence(red, [packet("255.255.255.255", n=9, src="10.1.0.19")],
                   "martian_destination")


def test_broadcast_of_a_network_that_is_not_ours_is_a_host(red):
    """Nobody but its last router knows that it is one."""
    frame = packet("10.99.0.255")
    red.expect(("vm1", frame), out={
        "p0": [red.encap(routed(frame, REMOTE), vni=5005)]})


# F4-08: options, RFC 7126.

END, NOP, RECORD_ROUTE, TIMESTAMP = 0, 1, 7, 68
LSRR, SSRR = 131, 137


def with_options(options, dst="10.5.0.15", **fields):
    """Scapy would take them for what they are not."""
    options = bytes(options)
    options += bytes(-len(options) % 4)
    frame = bytes(packet(dst, n=9, **fields))
    words = 5 + len(options) // 4
    frame = (frame[:L3] + bytes([0x40 | words]) + frame[L3 + 1:LENGTH]
             + be16(len(frame) - L3 + len(options)) + frame[LENGTH + 2:L4]
             + options + frame[L4:])
    return fix_ip(frame)


def test_each_option_but_source_routes_is_forwarded(red):
    expect_routed(red, [with_options([kind, 6, 1, 2, 3, 4])
                        for kind in range(2, 256)
                        if kind not in (LSRR, SSRR)])


@pytest.mark.parametrize("kind", [LSRR, SSRR])
def test_source_routes_are_dropped(red, kind):
    """Wherever among the options, and whatever is left of the route."""
    route = [kind, 7, 4, 10, 5, 0, 15]
    expect_silence(red, [with_options(options, ttl=ttl)
                         for options in (route, [NOP, *route],
                                         [TIMESTAMP, 4, 5, 0, *route],
                                         [kind, 7, 8, 10, 5, 0, 15],
                                         [kind, 3, 4])
                         for ttl in (1, 64)], "source_route")


def test_options_after_the_end_are_nobodys(red):
    expect_routed(red, [with_options([END, LSRR, 7, 4, 10, 5, 0, 15]),
                        with_options([END, RECORD_ROUTE, 0, 0]),
                        with_options([NOP, END, 0xff, 0xff])])


def test_malformed_options_are_dropped(red):
    """A length of 0 or 1, beyond the header, or none at all."""
    bad = []
    for kind in 2, RECORD_ROUTE, TIMESTAMP, 130, LSRR, 0xff:
        bad += [[kind, 0, 0, 0], [kind, 1, 0, 0], [kind, 5, 0, 0],
                [kind, 255, 0, 0], [NOP, NOP, NOP, kind],
                [NOP] * 36 + [kind, 5, 0, 0]]
    bad += [[RECORD_ROUTE, 3, 0, RECORD_ROUTE], [TIMESTAMP, 3, 0, LSRR]]
    expect_silence(red, [with_options(options) for options in bad],
                   "bad_ip_header")


def test_options_for_the_gateway_do_not_matter(red):
    """Answers have none."""
    request = with_options([RECORD_ROUTE, 7, 4, 0, 0, 0, 0], "10.1.0.1")
    expect_error(red, request, "for_gateway", type=3, code=3)


# F4-09: what nothing is said about.

def test_nothing_is_said_about_errors(red):
    for kind in 3, 4, 5, 11, 12:
        about = (Ether(src=mac(9), dst=GATEWAY_MAC)
                 / IP(src="10.1.0.19", dst="10.55.0.1") / ICMP(type=kind)
                 / IP(src="10.55.0.1", dst="10.1.0.19") / UDP())
        expect_dropped(red, [about], "no_route")
        about[IP].ttl = 1
        expect_dropped(red, [about], "ttl_expired")


def test_something_is_said_about_other_icmp(red):
    for kind in 0, 8, 9, 10, 13, 14, 17, 18, 42:
        expect_error(red, Ether(src=mac(9), dst=GATEWAY_MAC)
                     / IP(src="10.1.0.19", dst="10.55.0.1")
                     / ICMP(type=kind) / Raw(b"x" * 8), "no_route",
                     type=3, code=0)


def test_nothing_is_said_about_later_fragments(red):
    first, *later = fragment(packet("10.55.0.1", b"x" * 4000, n=9)[IP],
                             fragsize=1400)
    head = Ether(src=mac(9), dst=GATEWAY_MAC)
    assert len(later) == 2
    expect_dropped(red, [head / later[0], head / later[1]], "no_route")
    expect_error(red, head / first, "no_route", type=3, code=0)


def test_nothing_is_said_about_igmp(red):
    for ttl, reason in (1, "ttl_expired"), (64, "no_route"):
        expect_dropped(red, [Ether(src=mac(9), dst=GATEWAY_MAC)
                             / IP(src="10.1.0.19", dst="10.55.0.1", proto=2,
                                  ttl=ttl) / Raw(b"\x16\0\0\0\0\0\0\0")],
                       reason)


# F4-10, F4-11: errors.

@pytest.mark.parametrize("size", [0, 1, 7, 8, 9, 100, 519, 520, 521, 522,
                                  1000, 1472])
def test_error_quotes_what_fits_in_576_bytes(red, size):
    """'size' bytes behind the UDP header; 520 make 548 with the headers."""
    frame = packet("10.55.0.1", b"q" * size, n=9, src="10.1.0.19", ttl=77)
    expect_error(red, frame, "no_route", type=3, code=0)
    error = red.captured["vm9"][0]
    assert len(error) - L3 == min(28 + 28 + size, 576)
    assert error[42:42 + 20] == bytes(frame)[L3:L4]


def test_error_quotes_the_packet_as_it_was_received(red):
    """With options, without padding, and with the TTL that it came with."""
    expect_error(red, with_options([RECORD_ROUTE, 39, 4] + [0] * 36,
                                   "10.55.0.1"), "no_route", type=3, code=0)
    frame = packet("10.5.0.15", b"", n=9, src="10.1.0.19", ttl=1, tos=0xb8)
    red.expect(("vm9", bytes(frame) + b"\xa5" * 18),
               out={"vm9": [icmp(frame, dst="10.1.0.19", n=9, type=11,
                                 code=0)]},
               drops={("vm9", 5001, "ttl_expired"): 1})


def test_error_has_precedence_6_and_a_fresh_header(red):
    for tos in 0x00, 0x03, 0xb8, 0xff:
        expect_error(red, packet("10.55.0.1", n=9, src="10.1.0.19", tos=tos,
                                 ttl=255, id=0x1234), "no_route",
                     type=3, code=0)
        error = IP(red.captured["vm9"][0][L3:])
        assert (error.tos, error.ttl, error.ihl, error.frag) == (0xc0, 64, 5,
                                                                 0)


def test_error_is_from_the_gateway_of_the_network_it_came_from(red):
    """Whatever it was about, and wherever the route leads."""
    red.vsctl("create", "Overlay_Route", "vrf=red", 'prefix="10.56.0.0/16"',
              "nexthops=10.5.0.77")
    for dst, reason, code in (("10.5.0.77", "no_neighbor", 1),
                              ("10.56.0.1", "no_neighbor", 1),
                              ("10.55.0.1", "no_route", 0)):
        expect_error(red, packet(dst, n=9, src="10.1.0.19"), reason,
                     type=3, code=code)
    frame = packet("10.55.0.1", src="10.5.0.15", n=5)
    red.expect(("vm5", frame),
               out={"vm5": [icmp(frame, "10.5.0.1", "10.5.0.15", n=5, type=3,
                                 code=0)]},
               drops={("vm5", 5005, "no_route"): 1})


def test_error_out_of_a_tunnel_goes_back_into_it(red):
    frame = (Ether(src=REMOTE, dst=GATEWAY_MAC)
             / IP(src="10.5.0.99", dst="10.55.0.1") / UDP() / Raw(b"x"))
    error = (Ether(src=GATEWAY_MAC, dst=REMOTE)
             / Raw(icmp(frame, "10.5.0.1", "10.5.0.99", type=3,
                        code=0)[L3:]))
    error.type = 0x0800
    red.expect(("p0", red.decap_in(bytes(frame), vni=5005)),
               out={"p0": [red.encap(bytes(error), vni=5005, tos=0xc0 & 3)]},
               drops={("p0", 5005, "no_route"): 1})


# F4-12: limits.

def test_one_port_does_not_use_up_the_errors_of_another(red):
    """Each has 50 at once."""
    flood = packet("10.55.0.1", n=9, src="10.1.0.19")
    received = red.totals()["received"]
    red.inject("vm9", *[flood] * 90)
    red.wait_rest(received + 90)
    assert len(red.collect()["vm9"]) < 90
    for _ in range(3):
        frame = packet("10.55.0.1")
        red.expect(("vm1", frame), out={"vm1": [icmp(frame, type=3, code=0)]},
                   drops={("vm1", 5001, "no_route"): 1})


# F4-13: the gateway's services.

@pytest.mark.parametrize("layer4, code", [
    (UDP(dport=53), 3), (UDP(dport=4789), 3), (TCP(dport=179), 3),
    (TCP(dport=22, flags="R"), 3)])
def test_port_of_the_gateway_is_unreachable(red, layer4, code):
    for target in "10.1.0.1", "10.5.0.1":
        expect_error(red, Ether(src=mac(9), dst=GATEWAY_MAC)
                     / IP(src="10.1.0.19", dst=target) / layer4,
                     "for_gateway", type=3, code=code)


@pytest.mark.parametrize("protocol", [4, 41, 46, 47, 50, 89, 112, 132, 255])
def test_protocol_of_the_gateway_is_unreachable(red, protocol):
    expect_error(red, Ether(src=mac(9), dst=GATEWAY_MAC)
                 / IP(src="10.1.0.19", dst="10.1.0.1", proto=protocol)
                 / Raw(b"x" * 20), "for_gateway", type=3, code=2)


# F4-14: echo.

def echo(target, data, n=1, src=None, dst_mac=GATEWAY_MAC, message=None,
         **fields):
    return bytes(Ether(src=mac(n), dst=dst_mac)
                 / IP(src=src or ip(n), dst=target, **fields)
                 / (message or ICMP(type=8, id=0x1234, seq=0xfffe))
                 / Raw(data))


def echo_reply(target, data, n=1, dst=None, tos=0):
    return bytes(Ether(src=GATEWAY_MAC, dst=mac(n))
                 / IP(src=target, dst=dst or ip(n), ttl=64, id=0, flags="DF",
                      tos=tos)
                 / ICMP(type=0, id=0x1234, seq=0xfffe) / Raw(data))


@pytest.mark.parametrize("size", [0, 1, 2, 17, 18, 19, 56, 57, 548, 1400,
                                  1471, 1472])
def test_echo_of_each_size_is_answered_whole(red, size):
    data = bytes(i * 7 & 0xff for i in range(size))
    red.expect(("vm1", echo("10.1.0.1", data)),
               out={"vm1": [echo_reply("10.1.0.1", data)]})


def test_echo_keeps_its_type_of_service(red):
    """RFC 1812 section 4.3.3.6 asks for the request's."""
    for tos in 0x00, 0x02, 0xb8, 0xfc:
        red.expect(("vm1", echo("10.1.0.1", b"x", tos=tos)),
                   out={"vm1": [echo_reply("10.1.0.1", b"x", tos=tos)]})


def test_echo_has_no_byte_of_the_padding(red):
    red.expect(("vm1", echo("10.1.0.1", b"xyz") + b"\xa5" * 20),
               out={"vm1": [echo_reply("10.1.0.1", b"xyz")]})


def test_echo_out_of_a_tunnel_is_answered(red):
    request = echo("10.5.0.1", b"x", n=0x99, src="10.5.0.99")
    reply = echo_reply("10.5.0.1", b"x", n=0x99, dst="10.5.0.99")
    red.expect(("p0", red.decap_in(request, vni=5005)),
               out={"p0": [red.encap(reply, vni=5005)]})


def test_echo_cut_short_is_not_answered(red):
    for length in range(8):
        frame = bytearray(echo("10.1.0.1", b""))
        frame = frame[:L4 + length]
        frame[LENGTH:LENGTH + 2] = be16(20 + length)
        red.expect(("vm1", fix_ip(frame)),
                   drops={("vm1", 5001, "for_gateway"): 1})


def test_echo_with_a_wrong_checksum_is_not_answered(red):
    """RFC 792; of odd length, too."""
    for size in 0, 1, 56, 57:
        good = echo("10.1.0.1", b"x" * size)
        for offset in range(L4, len(good), 11):
            bad = change(good, offset, bytes([good[offset] ^ 0x10]))
            if bad[L4] == 8:
                red.expect(("vm1", bad),
                           drops={("vm1", 5001, "for_gateway"): 1})


def test_fragments_of_an_echo_are_not_answered(red):
    """Nothing is reassembled here."""
    parts = fragment(IP(src=ip(1), dst="10.1.0.1")
                     / ICMP(type=8) / Raw(b"x" * 2000), fragsize=1000)
    head = Ether(src=mac(1), dst=GATEWAY_MAC)
    red.expect(("vm1", *[head / part for part in parts]),
               drops={("vm1", 5001, "for_gateway"): len(parts)})


@pytest.mark.parametrize("kind", [0, 3, 5, 9, 10, 11, 13, 15, 17, 30])
def test_other_icmp_to_the_gateway_is_dropped(red, kind):
    red.expect(("vm1", echo("10.1.0.1", b"x" * 20,
                            message=ICMP(type=kind))),
               drops={("vm1", 5001, "for_gateway"): 1})


@pytest.mark.parametrize("target", ["10.1.0.255", "255.255.255.255",
                                    "224.0.0.1"])
def test_broadcast_echo_is_not_answered(red, target):
    """Neither as broadcast nor to the router MAC."""
    reason = ("directed_broadcast" if target.startswith("10.")
              else "martian_destination")
    red.expect(("vm1", echo(target, b"x")), drops={("vm1", 5001, reason): 1})
    for dst in target, "10.1.0.1":
        frame = echo(dst, b"x", dst_mac=BROADCAST)
        red.expect(("vm1", frame), out={
            "vm2": [frame], "vm9": [frame],
            "p0": [red.encap(frame), red.encap(frame, n=3)]})


# F4-15: fragments, RFC 791 section 3.2.

@pytest.mark.parametrize("size", [MTU - 28, MTU - 27, MTU - 26, 2 * MTU - 60,
                                  2876, 2877, 4000])
def test_packet_is_fragmented_where_it_does_not_fit(red, size):
    """The payload of each fragment but the last is a multiple of 8."""
    frame = packet("10.5.0.99", bytes(i % 251 for i in range(size)), n=9,
                   src="10.1.0.19", id=0x4242)
    room = (MTU - 20) // 8 * 8
    payload = bytes(frame[IP].payload)
    cuts = ([0] if len(payload) + 20 <= MTU
            else range(0, len(payload), room))
    parts = []
    for i, ofs in enumerate(cuts):
        last = i == len(cuts) - 1
        data = payload[ofs:] if last else payload[ofs:ofs + room]
        parts.append(bytes(
            Ether(src=GATEWAY_MAC, dst=REMOTE)
            / IP(src="10.1.0.19", dst="10.5.0.99", ttl=63, id=0x4242,
                 flags=0 if last else "MF", frag=ofs // 8, proto=17)
            / Raw(data)))
    red.expect(("vm9", frame), out={
        "p0": [red.encap(part, vni=5005) for part in parts]})
    assert len({f[34:36] for f in red.captured["p0"]}) == 1, "ports differ"


def test_fragments_are_forwarded_unchanged(red):
    head = Ether(src=mac(9), dst=GATEWAY_MAC)
    parts = fragment(packet("10.5.0.15", b"x" * 3000, n=9)[IP],
                     fragsize=1000)
    expect_routed(red, [head / part for part in parts])
    # Overlapping or repeated: the receiver's problem.
    expect_routed(red, [head / parts[1], head / parts[1],
                        change(head / parts[2], FRAG, be16(0x2000 | 120))])


def test_fragment_is_fragmented_again(red):
    """Offsets count on, and the last part of a part is not the last."""
    red.set_network(5005, mtu=300, gateway_ips="10.5.0.1/24")
    part = (Ether(src=mac(9), dst=GATEWAY_MAC)
            / IP(src="10.1.0.19", dst="10.5.0.15", flags="MF", frag=100,
                 proto=17, id=7) / Raw(bytes(range(200)) * 2))
    payload = bytes(part[IP].payload)
    red.expect(("vm9", part), out={"vm5": [bytes(
        Ether(src=GATEWAY_MAC, dst=VM5)
        / IP(src="10.1.0.19", dst="10.5.0.15", flags="MF", proto=17, id=7,
             frag=100 + ofs // 8, ttl=63) / Raw(payload[ofs:ofs + 280]))
        for ofs in (0, 280)]})


def test_smallest_mtu_that_ip_has(red):
    """RFC 791: 68 bytes, 8 of them payload behind the longest header."""
    red.set_network(5005, mtu=68, gateway_ips="10.5.0.1/24")
    frame = with_options([130, 40] + [7] * 38, id=5, src="10.1.0.19")
    payload = bytes(IP(frame[L3:]).payload)
    assert len(payload) == 12
    red.expect(("vm9", frame), out={"vm5": [
        fix_ip(routed(frame, VM5)[:LENGTH] + be16(60 + len(payload[a:b]))
               + be16(5) + be16(flags) + routed(frame, VM5)[TTL:74]
               + payload[a:b])
        for a, b, flags in ((0, 8, 0x2000), (8, 12, 1))]})


def test_packet_with_df_is_not_fragmented(red):
    """PM-02: the error has the MTU."""
    for size in MTU - 27, 4000:
        expect_error(red, packet("10.5.0.99", b"x" * size, n=9,
                                 src="10.1.0.19", flags="DF"), "too_big",
                     type=3, code=4, nexthopmtu=MTU)


# F4-16: what is never said.

def test_way_back_into_the_same_network_is_no_redirect(red):
    frame = packet(ip(2))
    red.expect(("vm1", frame), out={"vm2": [routed(frame, mac(2))]})


# F4-17: prefixes of all lengths.

def test_networks_of_two_addresses_and_one(red):
    """RFC 3021: both addresses of a /31 are hosts'."""
    with red.transaction():
        red.add_network(5031, vrf="red", gateway_ips=["10.31.0.0/31"])
        red.add_network(5032, vrf="red", gateway_ips=["10.32.0.1/32"])
    red.add_port("vm31", 5031, [f"{mac(31)} 10.31.0.1"])
    frame = packet("10.31.0.1")
    red.expect(("vm1", frame), out={"vm31": [routed(frame, mac(31))]})
    for target in "10.31.0.0", "10.32.0.1":
        red.expect(("vm1", echo(target, b"x")),
                   out={"vm1": [echo_reply(target, b"x")]})
    back = packet(ip(1), src="10.31.0.1", n=31)
    red.expect(("vm31", back), out={"vm1": [routed(back, mac(1))]})


@pytest.mark.parametrize("longer, shorter", [
    ("10.60.1.1/32", "10.60.1.0/31"), ("10.60.1.0/31", "10.60.1.0/30"),
    ("10.60.0.0/16", "10.0.0.0/8"), ("10.60.0.0/16", "0.0.0.0/0"),
    ("10.60.1.1/32", "0.0.0.0/0"), ("0.0.0.0/1", "0.0.0.0/0")])
def test_longer_prefix_wins(red, longer, shorter):
    frame = packet("10.60.1.1")
    red.vsctl("create", "Overlay_Route", "vrf=red", f'prefix="{shorter}"',
              "nexthops=10.5.0.99")
    red.expect(("vm1", frame), out={
        "p0": [red.encap(routed(frame, REMOTE), vni=5005)]})
    row = red.vsctl("create", "Overlay_Route", "vrf=red",
                    f'prefix="{longer}"', "nexthops=10.5.0.15").strip()
    red.expect(("vm1", frame), out={"vm5": [routed(frame, VM5)]})
    red.set_rows("destroy", "Overlay_Route", row)
    red.expect(("vm1", frame), out={
        "p0": [red.encap(routed(frame, REMOTE), vni=5005)]})
