# SPDX-License-Identifier: Apache-2.0

"""Routing between networks of a VRF, from rows to whole frames.  The
networks are those of ovl/router.py.
"""

import json

import pytest
from scapy.layers.inet import ICMP
from scapy.layers.inet6 import (ICMPv6DestUnreach, ICMPv6EchoReply,
                                ICMPv6EchoRequest, ICMPv6PacketTooBig,
                                ICMPv6TimeExceeded)

from ovl.frames import (GATEWAY_MAC, IP, UDP, Ether, IPv6, Raw, ip, mac)
from ovl.process import wait_until
from ovl.router import (REMOTE, VM5, build_red, icmp, icmp6, packet, packet6,
                        routed)


@pytest.fixture
def red(sw):
    return build_red(sw)


def send(sw, port, *packets):
    """Sends, waits until all is done, and returns what came out of where."""
    received = sw.totals()["received"]
    sw.inject(port, *packets)
    sw.wait_rest(received + len(packets))
    return sw.collect()


# Forwarding.

def test_packet_is_routed_to_a_local_vm(red):
    for frame in packet("10.5.0.15"), packet6("fd05::15"):
        red.expect(("vm1", frame), out={"vm5": [routed(frame, VM5)]})


def test_packet_is_routed_into_the_tunnel_of_the_other_network(red):
    for frame in packet("10.5.0.99"), packet6("fd05::99"):
        red.expect(("vm1", frame), out={
            "p0": [red.encap(routed(frame, REMOTE), vni=5005)]})


def test_route_goes_to_its_next_hop(red):
    frame = packet("10.99.3.4")
    red.expect(("vm1", frame), out={
        "p0": [red.encap(routed(frame, REMOTE), vni=5005)]})


def test_packet_out_of_a_tunnel_is_routed(red):
    frame = (Ether(src=REMOTE, dst=GATEWAY_MAC)
             / IP(src="10.5.0.99", dst=ip(1)) / UDP() / Raw(b"back"))
    red.expect(("p0", red.decap_in(bytes(frame), vni=5005)),
               out={"vm1": [routed(frame, mac(1))]})


def test_moved_vm_gets_routed_packets_at_once(red):
    frame = packet("10.5.0.99")
    red.expect(("vm1", frame), out={
        "p0": [red.encap(routed(frame, REMOTE), vni=5005)]})
    row, = red.find("Overlay_MAC", "vni=5005")
    red.add_peer("192.0.2.3")
    red.set_rows("set", "Overlay_MAC", row, "vtep=192.0.2.3")
    red.expect(("vm1", frame), out={
        "p0": [red.encap(routed(frame, REMOTE), n=3, vni=5005)]})


def test_symmetric_irb_through_an_l3_vni(red):
    """RFC 9135 section 5: no gateway there, the bridge's own router MAC."""
    router, peer = "02:00:00:00:aa:01", "02:00:00:00:aa:02"
    with red.transaction():
        red.set_rows("set", "Bridge", "br-ov",
                     f'overlay_router_mac="{router}"')
        red.add_network(7001, vrf="red")
        red.add_neighbor(7001, "192.0.2.2", peer)
        red.add_mac(7001, peer, "192.0.2.2")
        red.set_rows("create", "Overlay_Route", "vrf=red",
                     'prefix="10.77.0.0/16"', "nexthops=192.0.2.2",
                     "vni=7001")
        red.set_rows("create", "Overlay_Route", "vrf=red",
                     'prefix="fd77::/16"', "nexthops=192.0.2.2", "vni=7001")
    for frame in packet("10.77.1.1"), packet6("fd77::1"):
        red.expect(("vm1", frame), out={
            "p0": [red.encap(routed(frame, peer, router), vni=7001)]})
    back = (Ether(src=peer, dst=router) / IP(src="10.77.1.1", dst=ip(1))
            / UDP() / Raw(b"back"))
    red.expect(("p0", red.decap_in(bytes(back), vni=7001)),
               out={"vm1": [routed(back, mac(1))]})


def test_next_hop_in_a_network_without_vrf(red):
    """The router has a MAC there, too: 0 is nobody's source."""
    router, peer = "02:00:00:00:aa:01", "02:00:00:00:aa:02"
    with red.transaction():
        red.set_rows("set", "Bridge", "br-ov",
                     f'overlay_router_mac="{router}"')
        red.add_network(7002)
        red.add_neighbor(7002, "192.0.2.2", peer)
        red.add_mac(7002, peer, "192.0.2.2")
        red.set_rows("create", "Overlay_Route", "vrf=red",
                     'prefix="10.77.0.0/16"', "nexthops=192.0.2.2",
                     "vni=7002")
    frame = packet("10.77.1.1")
    red.expect(("vm1", frame), out={
        "p0": [red.encap(routed(frame, peer, router), vni=7002)]})


def test_overlapping_prefixes_of_two_vrfs(red):
    """VM 6 has the address of VM 5, in VRF blue."""
    red.add_network(6001, vrf="blue", gateway_ips=["10.6.0.1/24"])
    red.add_network(6005, vrf="blue", gateway_ips=["10.5.0.1/24"])
    red.add_port("vm6", 6005, [f"{mac(6)} 10.5.0.15"])
    red.add_port("vm7", 6001, [f"{mac(7)} 10.6.0.17"])
    frame = packet("10.5.0.15")
    red.expect(("vm1", frame), out={"vm5": [routed(frame, VM5)]})
    blue = (Ether(src=mac(7), dst=GATEWAY_MAC)
            / IP(src="10.6.0.17", dst="10.5.0.15") / UDP() / Raw(b"blue"))
    red.expect(("vm7", blue), out={"vm6": [routed(blue, mac(6))]})
    # 10.1.0.0/24 is red's alone.
    red.expect(("vm7", Ether(src=mac(7), dst=GATEWAY_MAC)
                / IP(src="10.6.0.17", dst=ip(1)) / UDP(),),
               out={"vm7": [bytes(
                   Ether(src=GATEWAY_MAC, dst=mac(7))
                   / IP(src="10.6.0.1", dst="10.6.0.17", ttl=64, tos=0xc0,
                        id=0, flags="DF") / ICMP(type=3, code=0)
                   / IP(src="10.6.0.17", dst=ip(1)) / UDP())]},
               drops={("vm7", 6001, "no_route"): 1})


# What a router says.

def test_time_exceeded(red):
    frame = packet("10.5.0.15", ttl=1)
    red.expect(("vm1", frame), out={"vm1": [icmp(frame, type=11, code=0)]},
               drops={("vm1", 5001, "ttl_expired"): 1})
    frame = packet6("fd05::15", hlim=1)
    red.expect(("vm1", frame),
               out={"vm1": [icmp6(frame, ICMPv6TimeExceeded(code=0))]},
               drops={("vm1", 5001, "ttl_expired"): 1})


@pytest.mark.parametrize("action, reason, code, code6", [
    (None, "no_route", 0, 0),
    ("blackhole", "route_blackhole", None, None),
    ("unreachable", "route_unreachable", 1, 3),
    ("prohibit", "route_prohibit", 13, 1),
])
def test_route_that_leads_nowhere(red, action, reason, code, code6):
    if action:
        for prefix in "10.55.0.0/16", "fd55::/16":
            red.vsctl("create", "Overlay_Route", "vrf=red",
                      f'prefix="{prefix}"', f"action={action}")
    frame, frame6 = packet("10.55.0.1"), packet6("fd55::1")
    red.expect(("vm1", frame), drops={("vm1", 5001, reason): 1},
               out={} if code is None else
               {"vm1": [icmp(frame, type=3, code=code)]})
    red.expect(("vm1", frame6), drops={("vm1", 5001, reason): 1},
               out={} if code6 is None else
               {"vm1": [icmp6(frame6, ICMPv6DestUnreach(code=code6))]})


def test_missing_neighbor_is_told_until_its_row_is_there(red):
    frame = packet("10.5.0.77")
    red.expect(("vm1", frame), out={"vm1": [icmp(frame, type=3, code=1)]},
               drops={("vm1", 5001, "no_neighbor"): 1})
    red.add_neighbor(5005, "10.5.0.77", mac(0x77))
    red.expect(("vm1", frame), out={"vm1": [icmp(frame, type=3, code=1)]},
               drops={("vm1", 5001, "no_mac"): 1})
    red.add_mac(5005, mac(0x77), "192.0.2.2")
    red.expect(("vm1", frame), out={
        "p0": [red.encap(routed(frame, mac(0x77)), vni=5005)]})


def test_trace_of_a_drop_names_the_missing_row(red):
    trace = red.trace("vm1", packet("10.5.0.77"))
    assert "overlay-ctl neigh-add 5005 10.5.0.77 MAC" in trace
    red.add_neighbor(5005, "10.5.0.77", mac(0x77))
    trace = red.trace("vm1", packet("10.5.0.77"))
    assert f"overlay-ctl mac-add 5005 {mac(0x77)} VTEP" in trace
    trace = red.trace("vm1", packet("10.55.0.1"))
    assert "overlay-ctl route-add red 10.55.0.1/32 NEXTHOP" in trace


def test_trace_shows_the_way_of_a_routed_packet(red):
    trace = red.trace("vm1", packet("10.99.3.4"))
    for step in ("fib: (red, 10.99.3.4) -> /16 forward",
                 "neighbors: (5005, 10.5.0.99)", "macs: (5005, ",
                 "encapsulate: VXLAN to 192.0.2.2, VNI 5005"):
        assert step in trace


@pytest.mark.parametrize("target", ["10.1.0.1", "10.5.0.1"])
def test_gateway_answers_to_ping(red, target):
    message = ICMP(type=8, id=7, seq=9)
    reply = ICMP(type=0, id=7, seq=9)
    red.expect(("vm1", Ether(src=mac(1), dst=GATEWAY_MAC)
                / IP(src=ip(1), dst=target) / message / Raw(b"ping" * 10)),
               out={"vm1": [bytes(
                   Ether(src=GATEWAY_MAC, dst=mac(1))
                   / IP(src=target, dst=ip(1), ttl=64, id=0, flags="DF")
                   / reply / Raw(b"ping" * 10))]})


@pytest.mark.parametrize("target", ["fd00::1", "fd05::1",
                                    "fe80::5eff:fe00:101"])
def test_gateway_answers_to_ping_over_ipv6(red, target):
    red.expect(("vm1", Ether(src=mac(1), dst=GATEWAY_MAC)
                / IPv6(src="fd00::11", dst=target)
                / ICMPv6EchoRequest(id=7, seq=9, data=b"ping")),
               out={"vm1": [bytes(
                   Ether(src=GATEWAY_MAC, dst=mac(1))
                   / IPv6(src=target, dst="fd00::11", hlim=64)
                   / ICMPv6EchoReply(id=7, seq=9, data=b"ping"))]})


def test_row_for_a_part_of_a_network_does_not_take_its_gateway(red):
    red.vsctl("create", "Overlay_Route", "vrf=red", 'prefix="10.5.0.0/25"',
              "action=blackhole")
    frame = packet("10.5.0.1")
    red.expect(("vm1", frame), out={"vm1": [icmp(frame, type=3, code=3)]},
               drops={("vm1", 5001, "for_gateway"): 1})
    red.expect(("vm1", packet("10.5.0.15")),
               drops={("vm1", 5001, "route_blackhole"): 1})


def test_gateway_has_no_udp_service(red):
    frame = packet("10.1.0.1")
    red.expect(("vm1", frame), out={"vm1": [icmp(frame, type=3, code=3)]},
               drops={("vm1", 5001, "for_gateway"): 1})


def test_errors_are_limited_per_port(red):
    """50 at once; nobody gets one about each of many."""
    frame = packet("10.55.0.1")
    before = red.totals()
    send(red, "vm1", *[frame] * 90)
    after = red.totals()
    assert after["dropped"] - before["dropped"] == 90
    assert 50 <= after["generated"] - before["generated"] < 90


def test_tenant_does_not_use_up_the_errors_of_another(red):
    """What comes out of tunnels comes in on one uplink: each network has
    errors of its own."""
    red.add_network(6001, vrf="blue", gateway_ips="10.1.0.1/24",
                    flood_vteps="192.0.2.2")
    red.add_mac(6001, REMOTE, "192.0.2.2", ips="10.1.0.99")

    def expiring(vni, src):
        return red.decap_in(bytes(
            Ether(src=REMOTE, dst=GATEWAY_MAC)
            / IP(src=src, dst="10.5.0.15", ttl=1) / UDP() / Raw(b"data")),
            vni=vni)

    before = red.totals()
    flood = send(red, "p0", *[expiring(5005, "10.5.0.99")] * 90)
    assert 50 <= len(flood["p0"]) < 90
    assert red.totals()["dropped"] - before["dropped"] == 90

    got, = send(red, "p0", expiring(6001, "10.1.0.99"))["p0"]
    error = Ether(got)[Ether].payload.payload.payload
    assert error.vni == 6001
    assert (error[ICMP].type, error[ICMP].code) == (11, 0)
    # Nor those of the VMs here.
    frame = packet("10.5.0.15", ttl=1)
    red.expect(("vm1", frame), out={"vm1": [icmp(frame, type=11, code=0)]},
               drops={("vm1", 5001, "ttl_expired"): 1})


# MTU.

def test_packet_that_does_not_fit_gets_the_mtu(red):
    size = 1450 - 28
    fits = packet("10.5.0.99", b"x" * size, flags="DF")
    red.expect(("vm1", fits), out={
        "p0": [red.encap(routed(fits, REMOTE), vni=5005)]})
    big = packet("10.5.0.99", b"x" * (size + 1), flags="DF")
    red.expect(("vm1", big),
               out={"vm1": [icmp(big, type=3, code=4, nexthopmtu=1450)]},
               drops={("vm1", 5001, "too_big"): 1})
    big = packet6("fd05::99", b"x" * (size - 20 + 1))
    red.expect(("vm1", big),
               out={"vm1": [icmp6(big, ICMPv6PacketTooBig(mtu=1450))]},
               drops={("vm1", 5001, "too_big"): 1})


def test_packet_without_df_is_fragmented(red):
    red.set_network(5005, mtu=1280)
    frame = packet("10.5.0.15", bytes(range(200)) * 7, id=7)
    got = [Ether(data) for data in send(red, "vm1", frame)["vm5"]]
    whole = b"".join(bytes(f[IP].payload) for f in got)
    assert whole == bytes(frame[IP].payload)
    assert [f[IP].frag for f in got] == [0, 1256 // 8]
    assert [int(f[IP].flags) for f in got] == [1] * (len(got) - 1) + [0]
    assert all(f.src == GATEWAY_MAC and f.dst == VM5 and f[IP].ttl == 63
               and len(f[IP]) <= 1280 for f in got)


def test_bridged_packet_that_does_not_fit_gets_the_mtu(red):
    """As Linux does, in the name of the destination."""
    frame = (Ether(src=mac(1), dst=mac(3))
             / IP(src=ip(1), dst=ip(3), flags="DF") / UDP()
             / Raw(b"x" * 1450))
    error = bytes(Ether(src=mac(3), dst=mac(1))
                  / IP(src=ip(3), dst=ip(1), ttl=64, tos=0xc0, id=0,
                       flags="DF")
                  / ICMP(type=3, code=4, nexthopmtu=1450)
                  / Raw(bytes(frame)[14:][:576 - 28]))
    red.expect(("vm1", frame), out={"vm1": [error]},
               drops={("vm1", 5001, "too_big"): 1})


# Rows.

def test_route_takes_effect_when_the_command_returns(red):
    frame = packet("10.88.0.1")
    for _ in range(3):
        row = red.vsctl("create", "Overlay_Route", "vrf=red",
                        'prefix="10.88.0.0/16"',
                        "nexthops=10.5.0.15").strip()
        red.expect(("vm1", frame), out={"vm5": [routed(frame, VM5)]})
        red.set_rows("destroy", "Overlay_Route", row)
        red.expect(("vm1", frame), out={"vm1": [icmp(frame, type=3, code=0)]},
                   drops={("vm1", 5001, "no_route"): 1})


def test_ecmp_spreads_flows_and_keeps_them(red):
    with red.transaction():
        for n in range(4):
            red.add_neighbor(5005, f"10.5.0.{200 + n}", mac(0xc0 + n))
            red.add_mac(5005, mac(0xc0 + n), "192.0.2.2")
        red.set_rows("create", "Overlay_Route", "vrf=red",
                     'prefix="10.88.0.0/16"', "nexthops="
                     + ",".join(f"10.5.0.{200 + n}" for n in range(4)))
    flows = [
        Ether(src=mac(1), dst=GATEWAY_MAC) / IP(src=ip(1), dst="10.88.0.1")
        / UDP(sport=sport, dport=1) / Raw(b"data") for sport in range(1, 81)]

    def paths():
        return [frame[50:56] for frame in send(red, "vm1", *flows)["p0"]]

    first = paths()
    assert len(set(first)) == 4
    assert paths() == first
    row, = red.find("Overlay_Route", 'prefix="10.88.0.0/16"')
    red.set_rows("set", "Overlay_Route", row,
                 "nexthops=10.5.0.200,10.5.0.201,10.5.0.203")
    gone = bytes.fromhex(mac(0xc2).replace(":", ""))
    for before, after in zip(first, paths()):
        assert after != gone if before == gone else after == before


def test_fib_command_agrees_with_packets(red):
    rows = json.loads(red.appctl("overlay/fib", "red", "10.99.3.4",
                                 "--json"))
    assert [(row["prefix"], row["nexthops"]) for row in rows] == [
        ("10.99.0.0/16", ["10.5.0.99@5005"])]


def test_bad_routes_have_errors_and_the_rest_forwards(red):
    for prefix, columns, error in (
            ("10.66.0.1/16", ["nexthops=10.5.0.99"], "host bits"),
            ("10.66.0.0/16", ["nexthops=10.200.0.1"], "no network"),
            ("10.66.0.0/16", ["nexthops=10.5.0.1"], "gateway address"),
            ("fd66::/16", ["nexthops=10.5.0.99"], "IPv4 next hop"),
            ("10.5.0.0/24", ["nexthops=10.1.0.99"], "connected")):
        row = red.vsctl("create", "Overlay_Route", "vrf=red",
                        f'prefix="{prefix}"', *columns).strip()
        wait_until(lambda: error in red.get("Overlay_Route", row, "error"),
                   f"{prefix}: {red.get('Overlay_Route', row, 'error')}")
        frame = packet("10.5.0.15")
        red.expect(("vm1", frame), out={"vm5": [routed(frame, VM5)]})
        red.set_rows("destroy", "Overlay_Route", row)
