# SPDX-License-Identifier: Apache-2.0

"""What a router does with IPv6, rule by rule (RFC 8200, RFC 4443, RFC 4291,
RFC 5095, RFC 2675; CONFORMANCE section 7).  The networks are those of
ovl/router.py, and VM 9, in network 5001, whose port is not guarded.
"""

import ipaddress
import struct

import pytest
from scapy.layers.inet import TCP
from scapy.layers.inet6 import (ICMPv6DestUnreach, ICMPv6EchoReply,
                                ICMPv6EchoRequest, ICMPv6PacketTooBig,
                                ICMPv6ParamProblem, ICMPv6TimeExceeded,
                                ICMPv6Unknown)

from ovl import nd
from ovl.frames import GATEWAY_MAC, UDP, Ether, IPv6, Raw, mac, udp6
from ovl.router import (REMOTE, VM5, build_red, icmp6, packet6, routed)

L3, PLEN, NEXT, HLIM, L4 = 14, 18, 20, 21, 54
MTU = 1450                      # Of the tunnel.
SRC = "fd00::19"                # Of VM 9.

HOP_BY_HOP, ROUTING, FRAGMENT, AH, DEST = 0, 43, 44, 51, 60
NO_NEXT, UDP_PROTO = 59, 17


@pytest.fixture
def red(sw):
    build_red(sw)
    sw.add_port("vm9", 5001)
    return sw


def be16(value):
    return struct.pack("!H", value)


def change(frame, offset, value):
    frame = bytes(frame)
    return frame[:offset] + value + frame[offset + len(value):]


def from9(dst="fd05::15", payload=b"data", hlim=64, src=SRC):
    return packet6(dst, payload, hlim, src, n=9)


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


def expect_dropped(sw, frames, reason):
    """The same from a VM alone."""
    sw.expect(("vm9", *frames), drops={("vm9", 5001, reason): len(frames)})


def expect_error(sw, frame, reason, message, source="fd00::1"):
    """VM 9 is told about 'frame'."""
    dst = str(ipaddress.ip_address(bytes(frame)[22:38]))
    sw.expect(("vm9", frame),
              out={"vm9": [icmp6(frame, message, source, dst, n=9)]},
              drops={("vm9", 5001, reason): 1})


def with_headers(*headers, dst="fd05::15", hlim=64, payload=b"data", src=SRC):
    """Extension headers (type, bytes) in front of UDP; the first byte of each
    is filled in."""
    base = bytes(from9(dst, payload, hlim, src))
    types = [kind for kind, _ in headers] + [UDP_PROTO]
    chain = b"".join(bytes([types[i + 1]]) + bytes(data)[1:]
                     for i, (_, data) in enumerate(headers))
    frame = base[:L4] + chain + base[L4:]
    frame = change(frame, PLEN, be16(len(frame) - L4))
    return change(frame, NEXT, bytes([types[0]]))


def options_header(*options, size=8):
    """Hop-by-hop or destination options (type, data), padded to 'size' bytes
    at least."""
    data = b"".join(bytes([kind, len(value)]) + bytes(value)
                    for kind, value in options)
    size = max(size, (2 + len(data) + 7) // 8 * 8)
    data += bytes(size - 2 - len(data))         # Pad1.
    return bytes([0, size // 8 - 1]) + data


def routing(kind, left, n=1):
    """A routing header with room for 'n' addresses."""
    return bytes([0, 2 * n, kind, left, 0, 0, 0, 0]) + b"\xfd" * 16 * n


def fragment_header(offset, more, identification=7):
    return struct.pack("!BBHI", 0, 0, offset | more, identification)


# F6-01: the header.

def test_each_version_but_6_is_dropped(red):
    expect_silence(red, [change(from9(), L3, bytes([version << 4]))
                         for version in range(16) if version != 6],
                   "bad_ip_header")
    expect_routed(red, [from9()])


def test_payload_length_around_what_there_is(red):
    good = bytes(from9(payload=b"x" * 20))
    length = len(good) - L4
    expect_silence(red, [change(good, PLEN, be16(n))
                         for n in (length + 1, length + 2, 0xffff)],
                   "bad_ip_header")
    expect_routed(red, [change(good, PLEN, be16(n))
                        for n in (0, 1, 8, length - 1, length)])


def test_trailing_bytes_are_trimmed(red):
    good = bytes(from9(payload=b""))
    expect_routed(red, [good + b"\xa5" * n for n in (1, 2, 18, 100, 1000)])
    red.expect(("vm9", bytes(from9("fd05::99", b"")) + b"\xa5" * 50), out={
        "p0": [red.encap(routed(from9("fd05::99", b""), REMOTE), vni=5005)]})


def test_packet_cut_short_is_dropped(red):
    good = bytes(from9(payload=b"x" * 10))
    expect_silence(red, [good[:n] for n in range(L3, len(good))],
                   "bad_ip_header")


JUMBO = (0xc2, struct.pack("!I", 70000))


def test_jumbograms_are_dropped(red):
    """RFC 2675 section 3: no link here has a use for one.  With a payload
    length the option is an error."""
    frame = with_headers((HOP_BY_HOP, options_header(JUMBO)))
    expect_silence(red, [
        frame, change(frame, PLEN, be16(0)),
        with_headers((HOP_BY_HOP, options_header((5, [0, 0]), JUMBO))),
        change(with_headers((HOP_BY_HOP, options_header())), PLEN, be16(0))],
                   "bad_ip_header")


def test_traffic_class_and_flow_label_are_left_alone(red):
    frame = from9()
    for tc, label in (0, 0), (0xff, 0xfffff), (0xb8, 0x12345):
        frame[IPv6].tc, frame[IPv6].fl = tc, label
        expect_routed(red, [frame])


# F6-02: hop limit.

@pytest.mark.parametrize("hlim", [0, 1])
def test_hop_limit_that_is_used_up_is_told(red, hlim):
    for dst in "fd05::15", "fd05::99":
        expect_error(red, from9(dst, hlim=hlim), "ttl_expired",
                     ICMPv6TimeExceeded(code=0))


def test_each_hop_limit_goes_down_by_one(red):
    expect_routed(red, [from9(hlim=hlim) for hlim in range(2, 256)])


@pytest.mark.parametrize("hlim", [0, 1])
def test_hop_limit_does_not_matter_to_the_gateway_itself(red, hlim):
    for target in "fd00::1", "fd05::1", "fe80::5eff:fe00:101":
        red.expect(("vm9", echo(target, b"x", hlim=hlim)),
                   out={"vm9": [echo_reply(target, b"x")]})


def test_bridged_packets_keep_their_hop_limit(red):
    red.set_rows("set", "Port", "vm2", "overlay_addresses=[]")
    for hlim in 0, 1, 64:
        frame = udp6(2, 1, hlim=hlim)
        red.expect(("vm2", frame), out={"vm1": [frame]})


# F6-03, F6-04: addresses.

NO_SOURCE = ["::", "::1", "::ffff:10.1.0.19", "::ffff:0.0.0.0",
             *[f"ff{flags:x}{scope:x}::1" for flags in (0, 1, 3)
               for scope in range(16)]]


def test_addresses_that_are_no_source_are_dropped(red):
    expect_silence(red, [from9(src=src, hlim=hlim) for src in NO_SOURCE
                         for hlim in (1, 64)], "martian_source")


@pytest.mark.parametrize("dst", ["::", "::1", "::ffff:10.5.0.15",
                                 "::ffff:127.0.0.1"])
def test_addresses_that_are_no_destination_are_dropped(red, dst):
    expect_silence(red, [from9(dst, hlim=hlim) for hlim in (1, 64)],
                   "martian_destination")


def test_multicast_of_no_scope_is_routed(red):
    """RFC 4291 section 2.7: scopes 0 to 2 must not be, others are not."""
    groups = [f"ff{flags:x}{scope:x}::1" for flags in (0, 1, 3)
              for scope in range(16)]
    expect_silence(red, [from9(group) for group in groups],
                   "martian_destination")
    for group in "ff02::1", "ff05::2", "ff0e::101":
        frame = bytes(Ether(src=mac(9), dst="33:33:00:00:00:01")
                      / IPv6(src=SRC, dst=group) / UDP())
        red.expect(("vm9", frame), out={
            "vm1": [frame], "vm2": [frame],
            "p0": [red.encap(frame), red.encap(frame, n=3)]})


def test_link_local_addresses_are_not_forwarded(red):
    """Either of them; febf:: is the last one."""
    expect_silence(red, [from9(src=src, dst=dst, hlim=hlim)
                         for src, dst in (("fe80::19", "fd05::15"),
                                          ("febf:ffff::1", "fd05::15"),
                                          ("fe80::19", "fe80::15"))
                         for hlim in (1, 64)], "martian_source")
    expect_silence(red, [from9(dst, hlim=hlim)
                         for dst in ("fe80::15", "febf::1")
                         for hlim in (1, 64)], "martian_destination")


def test_addresses_beside_those_are_fine(red):
    """Site-local ones are global since RFC 3879."""
    expect_routed(red, [from9(src=src) for src in (
        "fec0::1", "feff::1", "fe7f::1", "::2", "1::", "::fffe:0:1",
        "2001:db8::1", "fdff::1", "feff:ffff::", "::1:0:0:1")])


def test_own_gateway_address_as_source_is_dropped(red):
    for source in "fd00::1", "fe80::5eff:fe00:101":
        red.expect(("vm9", from9(src=source)),
                   drops={("vm9", 5001, "spoof_gw"): 1})


# F6-05: extension headers.

@pytest.mark.parametrize("chain", [
    [(HOP_BY_HOP, options_header())],
    [(HOP_BY_HOP, options_header((5, [0, 0])))],        # Router alert.
    [(HOP_BY_HOP, options_header((0xfe, [1, 2, 3])))],  # Unknown, "discard".
    [(HOP_BY_HOP, [0, 0, 5, 200, 0, 0, 0, 0])],         # Absurd.
    [(DEST, options_header((0x22, b"x" * 100)))],
    [(DEST, options_header(size=1000))],
    [(ROUTING, routing(2, 1))],
    [(ROUTING, routing(3, 1))],
    [(ROUTING, routing(4, 1))],                         # Segment routing.
    [(ROUTING, routing(253, 9))],
    [(AH, [0, 4] + [1] * 22)],
    [(HOP_BY_HOP, options_header()), (DEST, options_header()),
     (ROUTING, routing(4, 0)), (FRAGMENT, fragment_header(0, 0)),
     (AH, [0, 4] + [1] * 22), (DEST, options_header())],
    [(DEST, options_header())] * 8,
], ids=str)
def test_extension_headers_are_forwarded(red, chain):
    frame = with_headers(*chain)
    expect_routed(red, [frame])
    frame = with_headers(*chain, dst="fd05::99")
    red.expect(("vm9", frame), out={
        "p0": [red.encap(routed(frame, REMOTE), vni=5005)]})


@pytest.mark.parametrize("protocol", [4, 6, 41, 47, 50, NO_NEXT, 89, 132, 135,
                                      139, 140, 253, 255])
def test_each_upper_layer_is_forwarded(red, protocol):
    expect_routed(red, [change(from9(), NEXT, bytes([protocol]))])


def test_routing_headers_of_type_0_are_dropped(red):
    """RFC 5095, wherever they are before a fragment header, and whatever is
    left of the route."""
    expect_silence(red, [with_headers(*headers, hlim=hlim) for headers in (
        [(ROUTING, routing(0, 1))],
        [(ROUTING, routing(0, 0))],
        [(ROUTING, routing(0, 255))],
        [(HOP_BY_HOP, options_header()), (ROUTING, routing(0, 1))],
        [(DEST, options_header()), (ROUTING, routing(0, 1, 4))],
        [(ROUTING, routing(4, 0)), (ROUTING, routing(0, 1))])
        for hlim in (1, 64)], "source_route")


def test_routing_header_for_the_gateway_is_not_followed(red):
    expect_silence(red, [with_headers((ROUTING, routing(0, 1)),
                                      dst="fd00::1")], "source_route")


def test_headers_longer_than_the_packet_are_forwarded(red):
    """What is in it concerns its receiver."""
    for kind in HOP_BY_HOP, DEST, ROUTING, AH:
        frame = with_headers((kind, bytes([0, 255, 4, 0, 0, 0, 0, 0])))
        expect_routed(red, [frame])


# F6-06: fragments.

def test_fragments_are_forwarded_as_they_are(red):
    """Atomic, first, later, last, overlapping, of no length."""
    expect_routed(red, [with_headers((FRAGMENT, fragment_header(*where)))
                        for where in ((0, 0), (0, 1), (8, 1), (16, 0),
                                      (8, 0), (0xfff8, 1), (0xfff8, 0))])
    frame = with_headers((FRAGMENT, fragment_header(8, 0)))
    expect_routed(red, [change(frame, PLEN, be16(8))])


def test_fragment_is_never_fragmented(red):
    frame = with_headers((FRAGMENT, fragment_header(0, 1)), dst="fd05::99",
                         payload=b"x" * 1400)
    expect_error(red, frame, "too_big", ICMPv6PacketTooBig(mtu=MTU))
    # RFC 4443 section 2.4 (e) says nothing of later fragments; the sender has
    # heard of it by the first.
    frame = with_headers((FRAGMENT, fragment_header(1400, 0)), dst="fd05::99",
                         payload=b"x" * 1400)
    expect_dropped(red, [frame], "too_big")


# F6-07, PM-03: too big.

def test_packet_too_big_has_the_mtu(red):
    fits = from9("fd05::99", b"x" * (MTU - 48))
    red.expect(("vm9", fits), out={
        "p0": [red.encap(routed(fits, REMOTE), vni=5005)]})
    for size in MTU - 47, 3000:
        expect_error(red, from9("fd05::99", b"x" * size), "too_big",
                     ICMPv6PacketTooBig(mtu=MTU))


def test_packet_too_big_never_says_less_than_1280(red):
    red.set_network(5005, mtu=1280)
    fits = from9(payload=b"x" * 1232)
    expect_routed(red, [fits])
    expect_error(red, from9(payload=b"x" * 1233), "too_big",
                 ICMPv6PacketTooBig(mtu=1280))


# F6-08, F6-11: errors.

@pytest.mark.parametrize("size", [0, 1, 7, 8, 100, 1183, 1184, 1185, 1186,
                                  1402])
def test_error_quotes_what_fits_in_1280_bytes(red, size):
    """1184 bytes of payload make 1232 with the headers."""
    expect_error(red, from9("fd55::1", b"q" * size, hlim=77), "no_route",
                 ICMPv6DestUnreach(code=0))
    assert len(red.captured["vm9"][0]) - L3 == min(48 + 48 + size, 1280)


def test_error_quotes_the_packet_as_it_was_received(red):
    frame = with_headers((HOP_BY_HOP, options_header((5, [0, 0]))), hlim=1)
    red.expect(("vm9", frame + b"\xa5" * 18),
               out={"vm9": [icmp6(frame, ICMPv6TimeExceeded(code=0),
                                  dst=SRC, n=9)]},
               drops={("vm9", 5001, "ttl_expired"): 1})


def test_error_is_from_the_gateway_of_the_network_it_came_from(red):
    for dst, reason, code in (("fd05::77", "no_neighbor", 3),
                              ("fd55::1", "no_route", 0)):
        expect_error(red, from9(dst), reason, ICMPv6DestUnreach(code=code))
    frame = packet6("fd55::1", src="fd05::15", n=5)
    red.expect(("vm5", frame),
               out={"vm5": [icmp6(frame, ICMPv6DestUnreach(code=0),
                                  "fd05::1", "fd05::15", n=5)]},
               drops={("vm5", 5005, "no_route"): 1})


def test_error_out_of_a_tunnel_goes_back_into_it(red):
    frame = (Ether(src=REMOTE, dst=GATEWAY_MAC)
             / IPv6(src="fd05::99", dst="fd55::1") / UDP() / Raw(b"x"))
    error = bytearray(icmp6(frame, ICMPv6DestUnreach(code=0), "fd05::1",
                            "fd05::99"))
    error[:6] = bytes.fromhex(REMOTE.replace(":", ""))
    red.expect(("p0", red.decap_in(bytes(frame), vni=5005)),
               out={"p0": [red.encap(bytes(error), vni=5005)]},
               drops={("p0", 5005, "no_route"): 1})


# F6-09: what nothing is said about.

def icmp6_packet(kind, dst="fd55::1", hlim=64, code=0, payload=b"x" * 16):
    return (Ether(src=mac(9), dst=GATEWAY_MAC)
            / IPv6(src=SRC, dst=dst, hlim=hlim)
            / ICMPv6Unknown(type=kind, code=code) / Raw(payload))


@pytest.mark.parametrize("kind", [0, 1, 2, 3, 4, 5, 100, 101, 126, 127])
def test_nothing_is_said_about_errors(red, kind):
    expect_dropped(red, [icmp6_packet(kind)], "no_route")
    expect_dropped(red, [icmp6_packet(kind, hlim=1)], "ttl_expired")
    expect_dropped(red, [icmp6_packet(kind, "fd05::99",
                                      payload=b"x" * 1440)], "too_big")


@pytest.mark.parametrize("kind", [128, 129, 130, 138, 143, 144, 200, 255])
def test_something_is_said_about_other_icmp(red, kind):
    expect_error(red, icmp6_packet(kind), "no_route",
                 ICMPv6DestUnreach(code=0))


def test_nothing_is_said_about_errors_behind_extension_headers(red):
    for headers in ([(HOP_BY_HOP, options_header())],
                    [(DEST, options_header())] * 3,
                    [(FRAGMENT, fragment_header(0, 0))],
                    [(FRAGMENT, fragment_header(0, 1))]):
        frame = with_headers(*headers, dst="fd55::1")
        icmp = bytes(icmp6_packet(1))[L4:]
        ofs = len(frame) - len(bytes(from9())) + L4
        frame = frame[:ofs] + icmp
        frame = change(frame, PLEN, be16(len(frame) - L4))
        frame = change(frame, ofs - len(headers[-1][1]), bytes([58]))
        expect_dropped(red, [frame], "no_route")


def test_nothing_is_said_about_redirects(red):
    frame = nd.redirect(mac(9), "fe80::19", GATEWAY_MAC, "fd00::1",
                        "fd00::2", "fd00::2")
    red.expect(("vm9", frame), drops={("vm9", 5001, "for_gateway"): 1})


def test_nothing_is_said_about_later_fragments(red):
    expect_dropped(red, [with_headers((FRAGMENT, fragment_header(8, 1)),
                                      dst="fd55::1")], "no_route")
    expect_error(red, with_headers((FRAGMENT, fragment_header(0, 1)),
                                   dst="fd55::1"), "no_route",
                 ICMPv6DestUnreach(code=0))


# F6-10: limits.

def test_one_port_does_not_use_up_the_errors_of_another(red):
    flood = from9("fd55::1")
    received = red.totals()["received"]
    red.inject("vm9", *[flood] * 90)
    red.wait_rest(received + 90)
    assert len(red.collect()["vm9"]) < 90
    for _ in range(3):
        frame = packet6("fd55::1")
        red.expect(("vm1", frame),
                   out={"vm1": [icmp6(frame, ICMPv6DestUnreach(code=0))]},
                   drops={("vm1", 5001, "no_route"): 1})


# F6-12: the gateway's services.

def echo(target, data, src=SRC, n=9, hlim=64, tc=0, dst_mac=GATEWAY_MAC):
    return bytes(Ether(src=mac(n), dst=dst_mac)
                 / IPv6(src=src, dst=target, hlim=hlim, tc=tc)
                 / ICMPv6EchoRequest(id=0x1234, seq=0xfffe, data=data))


def echo_reply(target, data, dst=SRC, n=9, tc=0):
    return bytes(Ether(src=GATEWAY_MAC, dst=mac(n))
                 / IPv6(src=target, dst=dst, hlim=64, tc=tc)
                 / ICMPv6EchoReply(id=0x1234, seq=0xfffe, data=data))


@pytest.mark.parametrize("layer4", [UDP(dport=53), UDP(dport=4789),
                                    TCP(dport=179)])
def test_port_of_the_gateway_is_unreachable(red, layer4):
    """RFC 4443 section 2.2 (a): from the address that it was sent to."""
    for target in "fd00::1", "fd05::1":
        frame = (Ether(src=mac(9), dst=GATEWAY_MAC)
                 / IPv6(src=SRC, dst=target) / layer4)
        expect_error(red, frame, "for_gateway", ICMPv6DestUnreach(code=4),
                     source=target)


@pytest.mark.parametrize("protocol", [4, 41, 47, 50, 89, 103, 132, 255])
def test_protocol_of_the_gateway_is_unknown(red, protocol):
    """RFC 4443 section 3.4: the pointer is at the next header field."""
    expect_error(red, change(from9("fd00::1"), NEXT, bytes([protocol])),
                 "for_gateway", ICMPv6ParamProblem(code=1, ptr=6))


@pytest.mark.parametrize("size", [0, 1, 2, 13, 14, 15, 56, 57, 1232, 1400,
                                  1451, 1452])
def test_echo_of_each_size_is_answered_whole(red, size):
    data = bytes(i * 7 & 0xff for i in range(size))
    red.expect(("vm9", echo("fd00::1", data)),
               out={"vm9": [echo_reply("fd00::1", data)]})


def test_echo_with_a_wrong_checksum_is_not_answered(red):
    """RFC 4443 section 2.3; the addresses count."""
    good = echo("fd00::1", b"x" * 57)
    for offset in L4 + 2, L4 + 3, L4 + 7, len(good) - 1:
        expect_dropped(red, [change(good, offset, bytes([good[offset] ^ 1]))],
                       "for_gateway")
    red.expect(("vm9", change(good, 37, b"\x18")),
               drops={("vm9", 5001, "for_gateway"): 1})


def test_echo_behind_extension_headers_is_answered(red):
    """The answer has none."""
    frame = echo("fd00::1", b"x")
    header = options_header((5, [0, 0]))
    request = (frame[:L4] + bytes([58]) + header[1:] + frame[L4:])
    request = change(request, NEXT, bytes([DEST]))
    request = change(request, PLEN, be16(len(request) - L4))
    red.expect(("vm9", request), out={"vm9": [echo_reply("fd00::1", b"x")]})


def test_echo_to_a_group_is_not_answered(red):
    """It is flooded as any: hosts answer."""
    frame = echo("ff02::1", b"x", dst_mac=nd.ALL_NODES_MAC)
    red.expect(("vm9", frame), out={
        "vm1": [frame], "vm2": [frame],
        "p0": [red.encap(frame), red.encap(frame, n=3)]})
    red.expect(("vm9", echo("ff02::1", b"x")),
               drops={("vm9", 5001, "martian_destination"): 1})


def test_fragments_of_an_echo_are_not_answered(red):
    frame = echo("fd00::1", b"x" * 16)
    for where in (0, 0), (0, 1), (8, 0):
        part = (frame[:L4] + bytes([58]) + fragment_header(*where)[1:]
                + frame[L4:])
        part = change(part, NEXT, bytes([FRAGMENT]))
        part = change(part, PLEN, be16(len(part) - L4))
        expect_dropped(red, [part], "for_gateway")


# F6-13.

def test_udp_without_a_checksum_is_forwarded(red):
    frame = from9()
    frame[UDP].chksum = 0
    expect_routed(red, [frame])


# F4-17 for IPv6: prefixes of all lengths.

def test_networks_of_two_addresses_and_one(red):
    """RFC 6164."""
    with red.transaction():
        red.add_network(5127, vrf="red", gateway_ips=["fd31::/127"])
        red.add_network(5128, vrf="red", gateway_ips=["fd32::1/128"])
    red.add_port("vm31", 5127, [f"{mac(31)} fd31::1"])
    frame = from9("fd31::1")
    red.expect(("vm9", frame), out={"vm31": [routed(frame, mac(31))]})
    for target in "fd31::", "fd32::1":
        red.expect(("vm9", echo(target, b"x")),
                   out={"vm9": [echo_reply(target, b"x")]})


@pytest.mark.parametrize("longer, shorter", [
    ("fd60::1/128", "fd60::/127"), ("fd60::/65", "fd60::/64"),
    ("fd60::/64", "fd00::/8"), ("fd60::/16", "::/0"), ("fd60::1/128", "::/0"),
    ("8000::/1", "::/0")])
def test_longer_prefix_wins(red, longer, shorter):
    frame = from9("fd60::1")
    red.vsctl("create", "Overlay_Route", "vrf=red", f'prefix="{shorter}"',
              'nexthops="fd05::99"')
    red.expect(("vm9", frame), out={
        "p0": [red.encap(routed(frame, REMOTE), vni=5005)]})
    row = red.vsctl("create", "Overlay_Route", "vrf=red",
                    f'prefix="{longer}"', 'nexthops="fd05::15"').strip()
    red.expect(("vm9", frame), out={"vm5": [routed(frame, VM5)]})
    red.set_rows("destroy", "Overlay_Route", row)
    red.expect(("vm9", frame), out={
        "p0": [red.encap(routed(frame, REMOTE), vni=5005)]})
