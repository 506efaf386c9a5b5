# SPDX-License-Identifier: Apache-2.0

"""overlay/trace of routed packets: the way, the choice among next hops, what
is missing, and what the sender is told (DESIGN 6 rule 11).  The networks are
those of ovl/router.py.
"""

import re
import shlex

import pytest
from scapy.layers.inet import ICMP
from scapy.layers.inet6 import ICMPv6DestUnreach

from ovl.frames import GATEWAY_MAC, IP, UDP, Ether, Raw, ip, mac
from ovl.router import (REMOTE, VM5, build_red, icmp, icmp6, packet, packet6,
                        routed)


@pytest.fixture
def red(sw):
    return build_red(sw)


def suggestion(text):
    """The command that a trace suggests, as words."""
    line, = re.findall(r"^missing row: overlay-ctl (.*)$", text, re.M)
    return shlex.split(line)


def expect_trace(sw, frame, *lines, port="vm1"):
    """'lines' are lines of the trace, in this order; nothing happens."""
    before = sw.counters()
    text = sw.trace(port, frame)
    assert sw.counters() == before and not sw.collect()
    at = 0
    for line in lines:
        assert line in text[at:], f"{line!r} not in\n{text}"
        at = text.index(line, at) + len(line)
    return text


def test_way_of_a_routed_packet(red):
    expect_trace(
        red, packet("10.99.3.4"),
        "networks: 5001 -> 02:00:5e:00:01:01 is its router MAC\n",
        "fib: (red, 10.99.3.4) -> /16 forward\n",
        f"neighbors: (5005, 10.5.0.99) -> {REMOTE}\n",
        f"macs: (5005, {REMOTE}) -> VTEP 192.0.2.2\n",
        "vteps: 192.0.2.2 -> adjacency through p0, MTU 1450\n",
        f"router: to {REMOTE} in network 5005\n",
        "encapsulate: VXLAN to 192.0.2.2, VNI 5005", "Final: sent to p0\n")
    expect_trace(
        red, packet6("fd05::15"), "fib: (red, fd05::15) -> /64 connected\n",
        f"neighbors: (5005, fd05::15) -> {VM5}\n",
        f"macs: (5005, {VM5}) -> vm5\n", "Final: sent to vm5\n")


@pytest.mark.parametrize("ttl, end", [
    ("", "Final: sent to p0\n"),
    (",nw_ttl=2", "Final: sent to p0\n"),
    (",nw_ttl=1", "drop: ttl_expired\n"),
    (",nw_ttl=0", "drop: ttl_expired\n"),
])
def test_flow_without_a_ttl_has_that_of_a_host(red, ttl, end):
    text = red.appctl(
        "overlay/trace", "vm1",
        f"udp,dl_src={mac(1)},dl_dst={GATEWAY_MAC},nw_src={ip(1)},"
        f"nw_dst=10.99.3.4{ttl}")
    assert end in text
    text = red.appctl(
        "overlay/trace", "vm1",
        f"udp6,dl_src={mac(1)},dl_dst={GATEWAY_MAC},ipv6_src=fd00::11,"
        f"ipv6_dst=fd05::15{ttl}")
    assert end.replace("p0", "vm5") in text


def test_way_out_of_a_tunnel(red):
    frame = (Ether(src=REMOTE, dst=GATEWAY_MAC)
             / IP(src="10.5.0.99", dst=ip(1)) / UDP())
    expect_trace(red, red.decap_in(bytes(frame), vni=5005),
                 "decapsulate: VXLAN from 192.0.2.2", "fib: (red, 10.1.0.11)",
                 f"macs: (5001, {mac(1)}) -> vm1\n", "Final: sent to vm1\n",
                 port="p0")


def test_choice_among_next_hops_is_the_packets(red):
    """For each flow, and when one of them is missing."""
    hops = [f"10.5.0.{200 + n}" for n in range(4)]
    with red.transaction():
        for n, hop in enumerate(hops):
            red.add_neighbor(5005, hop, mac(0xc0 + n))
            red.add_mac(5005, mac(0xc0 + n), "192.0.2.2")
        red.set_rows("create", "Overlay_Route", "vrf=red",
                     'prefix="10.88.0.0/16"', "nexthops=" + ",".join(hops))
    chosen = set()
    for _ in range(2):
        for sport in range(1, 33):
            frame = (Ether(src=mac(1), dst=GATEWAY_MAC)
                     / IP(src=ip(1), dst="10.88.0.1")
                     / UDP(sport=sport, dport=1) / Raw(b"data"))
            choices = re.findall(r"^next hop: (\S+) in network 5005, choice "
                                 r"(\d) of 4 by the flow's hash$",
                                 red.trace("vm1", frame), re.M)
            assert [int(n) for _, n in choices] == [
                n + 1 for n in range(len(choices))]
            hop = choices[-1][0]
            chosen.add(hop)
            red.expect(("vm1", frame), out={"p0": [red.encap(
                routed(frame, mac(0xc0 + hops.index(hop))), vni=5005)]})
        # The second time a neighbor is missing: flows of it show it first.
        red.destroy("Overlay_Neighbor", 'ip="10.5.0.202"')
    assert chosen == set(hops)


@pytest.mark.parametrize("dst, command, arguments", [
    ("10.55.0.1", "route-add red 10.55.0.1/32 NEXTHOP", ["10.5.0.15"]),
    ("fd55::1", "route-add red fd55::1/128 NEXTHOP", ["fd05::15"]),
    ("10.5.0.77", "neigh-add 5005 10.5.0.77 MAC", [VM5]),
    ("fd05::77", "neigh-add 5005 fd05::77 MAC", [VM5]),
])
def test_missing_row_is_suggested_and_the_suggestion_works(
        red, dst, command, arguments):
    make = packet6 if ":" in dst else packet
    words = suggestion(red.trace("vm1", make(dst)))
    assert words == command.split()
    red.overlay_ctl(*words[:-1], *arguments)
    frame = make(dst)
    red.expect(("vm1", frame), out={"vm5": [routed(frame, VM5)]})


def test_each_missing_row_of_a_remote_vm_is_suggested_in_turn(red):
    """Next hop's network, neighbor, MAC; then it works."""
    red.overlay_ctl("route-add", "red", "10.66.0.0/16", "192.0.2.9",
                    "vni=7001")
    frame = packet("10.66.0.1")
    for command, arguments in (("net-add 7001", []),
                               ("neigh-add 7001 192.0.2.9 MAC", [mac(9)]),
                               (f"mac-add 7001 {mac(9)} VTEP",
                                ["192.0.2.2"])):
        text = expect_trace(
            red, frame, "fib: (red, 10.66.0.1) -> /16 forward\n",
            "icmp: 10.1.0.1 tells 10.1.0.11: host unreachable (3/1)\n",
            "Final: answered, sent to vm1; dropped: ")
        words = suggestion(text)
        assert words == command.split()
        red.overlay_ctl(*words[:-1 if arguments else None], *arguments)
    expect_trace(red, frame, "VNI 7001", "Final: sent to p0\n")


def test_network_without_a_vrf_is_told(red):
    red.add_network(5080, gateway_ips=["10.80.0.1/24"])
    red.add_port("vm8", 5080, [f"{mac(8)} 10.80.0.18"])
    frame = (Ether(src=mac(8), dst=GATEWAY_MAC)
             / IP(src="10.80.0.18", dst="10.5.0.15") / UDP())
    text = expect_trace(red, frame, "drop: no_router\n",
                        "icmp: 10.80.0.1 tells 10.80.0.18: no route (3/0)\n",
                        port="vm8")
    assert suggestion(text) == ["net-set", "5080", "vrf=VRF"]
    red.overlay_ctl("net-set", 5080, "vrf=red")
    red.expect(("vm8", frame), out={"vm5": [routed(frame, VM5)]})


ERRORS = [
    (packet("10.5.0.15", ttl=1), "ttl_expired", "time exceeded (11/0)",
     "10.1.0.1"),
    (packet6("fd05::15", hlim=1), "ttl_expired", "time exceeded (3/0)",
     "fd00::1"),
    (packet("10.55.0.1"), "no_route", "no route (3/0)", "10.1.0.1"),
    (packet6("fd55::1"), "no_route", "no route (1/0)", "fd00::1"),
    (packet("10.5.0.77"), "no_neighbor", "host unreachable (3/1)",
     "10.1.0.1"),
    (packet6("fd05::77"), "no_neighbor", "host unreachable (1/3)", "fd00::1"),
    (packet("10.57.0.1"), "route_prohibit", "prohibited (3/13)", "10.1.0.1"),
    (packet("10.1.0.1"), "for_gateway", "port unreachable (3/3)",
     "10.1.0.1"),
    (packet6("fd05::1"), "for_gateway", "port unreachable (1/4)", "fd05::1"),
    (packet("10.5.0.99", b"x" * 1430, flags="DF"), "too_big",
     "too big (3/4, MTU 1450)", "10.1.0.1"),
    (packet6("fd05::99", b"x" * 1430), "too_big", "too big (2/0, MTU 1450)",
     "fd00::1"),
]


@pytest.mark.parametrize("frame, reason, text, source", ERRORS,
                         ids=[f"{reason}-{text.split()[-1]}"
                              for _, reason, text, _ in ERRORS])
def test_error_that_is_sent_is_shown(red, frame, reason, text, source):
    red.overlay_ctl("route-add", "red", "10.57.0.0/16", "action=prohibit")
    dst = "fd00::11" if ":" in source else ip(1)
    trace = expect_trace(
        red, frame, f"drop: {reason}\n",
        f"icmp: {source} tells {dst}: {text}\n", "output: vm1, ",
        f"Final: answered, sent to vm1; dropped: {reason}")
    # Its size is that of what is sent.
    size = int(re.search(r"output: vm1, (\d+) bytes", trace).group(1))
    received = red.totals()["received"]
    red.inject("vm1", frame)
    red.wait_rest(received + 1)
    sent, = red.collect()["vm1"]
    assert len(sent) == size


@pytest.mark.parametrize("reason", ["route_blackhole", "martian_destination",
                                    "bad_ip_header"])
def test_silence_is_shown(red, reason):
    red.overlay_ctl("route-add", "red", "10.58.0.0/16", "action=blackhole")
    frame = {"route_blackhole": packet("10.58.0.1"),
             "martian_destination": packet("224.0.0.1"),
             "bad_ip_header": packet("10.5.0.15", chksum=1)}[reason]
    text = expect_trace(red, frame, f"drop: {reason}\n",
                        f"Final: dropped: {reason}")
    assert "icmp:" not in text and "missing row" not in text


def test_why_nothing_is_said_is_shown(red):
    about_an_error = (Ether(src=mac(1), dst=GATEWAY_MAC)
                      / IP(src=ip(1), dst="10.55.0.1") / ICMP(type=3)
                      / IP() / UDP())
    expect_trace(red, about_an_error,
                 "icmp: nothing is said about such a packet\n",
                 "drop: no_route\n", "Final: dropped: no_route")
    # A network with IPv4 gateways only, in a VRF with none of IPv6.
    red.add_network(6080, vrf="blue", gateway_ips=["10.80.0.1/24"])
    red.add_port("vm8", 6080)
    frame = packet6("fd05::15", n=8)
    text = expect_trace(
        red, frame, "icmp: nothing is said, as there is no gateway address",
        "Final: dropped: no_route", port="vm8")
    assert suggestion(text)[:3] == ["route-add", "blue", "fd05::15/128"]


def test_echo_is_shown(red):
    frame = (Ether(src=mac(1), dst=GATEWAY_MAC) / IP(src=ip(1),
                                                     dst="10.5.0.1")
             / ICMP() / Raw(b"ping"))
    expect_trace(red, frame, "10.5.0.1 is a gateway address, echo\n",
                 "output: vm1, ", "Final: answered, sent to vm1\n")


def test_fragments_are_shown(red):
    text = expect_trace(red, packet("10.5.0.99", b"x" * 3000),
                        ", in fragments\n")
    assert text.count("encapsulate: ") == 3
    assert "Final: sent to p0, p0, p0\n" in text


def test_error_of_a_bridged_packet_is_shown(red):
    frame = (Ether(src=mac(1), dst=mac(3))
             / IP(src=ip(1), dst=ip(3), flags="DF") / UDP()
             / Raw(b"x" * 1450))
    expect_trace(red, frame, "drop: too_big\n",
                 f"icmp: {ip(3)} tells {ip(1)}: too big (3/4, MTU 1450)\n")


def test_what_the_trace_says_is_what_is_sent(red):
    """The same code."""
    frame = packet("10.5.0.77")
    red.expect(("vm1", frame), out={"vm1": [icmp(frame, type=3, code=1)]},
               drops={("vm1", 5001, "no_neighbor"): 1})
    frame = packet6("fd55::1")
    red.expect(("vm1", frame),
               out={"vm1": [icmp6(frame, ICMPv6DestUnreach(code=0))]},
               drops={("vm1", 5001, "no_route"): 1})
