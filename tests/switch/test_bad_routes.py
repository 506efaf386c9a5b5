# SPDX-License-Identifier: Apache-2.0

"""Rows of routing that make no sense, or none together: each says why in
words, the rest forwards, and it works as soon as the row is mended, or the
other one that it did not go with is gone.  The networks are those of
ovl/router.py.
"""

import pytest
from scapy.layers.inet6 import ICMPv6DestUnreach

from ovl.router import (REMOTE, VM5, build_red, icmp, icmp6, packet, packet6,
                        routed)

NO_ERROR = "[]"


@pytest.fixture
def red(sw):
    return build_red(sw)


def add_route(sw, prefix, *nexthops, vrf="red", **columns):
    args = [f"{name}={value}" for name, value in columns.items()]
    if nexthops:
        args.append("nexthops=" + ",".join(f'"{hop}"' for hop in nexthops))
    return sw.vsctl("create", "Overlay_Route", f"vrf={vrf}",
                    f'prefix="{prefix}"', *args).strip()


def add_network(sw, vni, *gateways, vrf="red"):
    return sw.vsctl("create", "Overlay_Network", f"vni={vni}", f"vrf={vrf}",
                    "gateway_ips=" + ",".join(f'"{gw}"' for gw in gateways)
                    ).strip()


def says(sw, table, row, *words):
    error = sw.wait_column(table, row, "error", lambda value: all(
        word in value for word in words))
    # In words: which row, and which of its columns.
    assert error.startswith(table)
    return error


def heals(sw, table, row):
    sw.wait_column(table, row, "error", lambda value: value == NO_ERROR)


def rest_forwards(sw):
    for frame in packet("10.5.0.15"), packet6("fd05::15"):
        sw.expect(("vm1", frame), out={"vm5": [routed(frame, VM5)]})
    frame = packet("10.99.0.1")
    sw.expect(("vm1", frame), out={
        "p0": [sw.encap(routed(frame, REMOTE), vni=5005)]})


def forwards(sw, dst):
    """To VM 5, which is next hop in these tests."""
    frame = packet6(dst) if ":" in dst else packet(dst)
    sw.expect(("vm1", frame), out={"vm5": [routed(frame, VM5)]})


def has_no_route(sw, dst):
    frame = packet(dst)
    sw.expect(("vm1", frame), out={"vm1": [icmp(frame, type=3, code=0)]},
              drops={("vm1", 5001, "no_route"): 1})


# Prefixes and actions.

@pytest.mark.parametrize("prefix", ["10.66.0.1/16", "10.66.1.0/16",
                                    "10.66.0.0/14", "10.66.0.0/0",
                                    "10.66.0.128/24"])
def test_prefix_with_host_bits(red, prefix):
    row = add_route(red, prefix, "10.5.0.15")
    says(red, "Overlay_Route", row, "prefix", prefix, "host bits")
    rest_forwards(red)
    has_no_route(red, "10.66.0.1")
    red.set_rows("set", "Overlay_Route", row, 'prefix="10.66.0.0/16"')
    heals(red, "Overlay_Route", row)
    forwards(red, "10.66.0.1")


def test_ipv6_prefix_with_host_bits(red):
    row = add_route(red, "fd66::1/64", "fd05::15")
    says(red, "Overlay_Route", row, "prefix", "fd66::1/64", "host bits")
    rest_forwards(red)
    red.set_rows("set", "Overlay_Route", row, 'prefix="fd66::/64"')
    heals(red, "Overlay_Route", row)
    forwards(red, "fd66::1")


# Next hops.

def test_next_hop_that_is_in_no_network(red):
    row = add_route(red, "10.66.0.0/16", "10.200.0.1")
    says(red, "Overlay_Route", row, "nexthops", "10.200.0.1", "no network")
    rest_forwards(red)
    has_no_route(red, "10.66.0.1")
    # Mended by an edit...
    red.set_rows("set", "Overlay_Route", row, "nexthops=10.5.0.15")
    heals(red, "Overlay_Route", row)
    forwards(red, "10.66.0.1")
    # ...and by the network that was missing, for as long as it is there.
    red.set_rows("set", "Overlay_Route", row, "nexthops=10.200.0.1")
    says(red, "Overlay_Route", row, "no network")
    add_network(red, 5200, "10.200.0.254/24")
    heals(red, "Overlay_Route", row)
    frame = packet("10.66.0.1")
    red.expect(("vm1", frame), out={"vm1": [icmp(frame, type=3, code=1)]},
               drops={("vm1", 5001, "no_neighbor"): 1})
    red.destroy("Overlay_Network", "vni=5200")
    says(red, "Overlay_Route", row, "no network")
    has_no_route(red, "10.66.0.1")


def test_network_of_another_vrf_does_not_help(red):
    add_network(red, 6200, "10.200.0.254/24", vrf="blue")
    row = add_route(red, "10.66.0.0/16", "10.200.0.1")
    says(red, "Overlay_Route", row, "no network")
    red.set_rows("set", "Overlay_Network", 6200, "vrf=red")
    heals(red, "Overlay_Route", row)


def test_one_bad_next_hop_of_several_is_told_and_left_out(red):
    row = add_route(red, "10.66.0.0/16", "10.5.0.15", "10.200.0.1")
    says(red, "Overlay_Route", row, "10.200.0.1", "no network")
    for i in range(8):
        forwards(red, f"10.66.0.{i}")
    red.set_rows("set", "Overlay_Route", row, "nexthops=10.5.0.15")
    heals(red, "Overlay_Route", row)


def test_ipv4_next_hop_of_an_ipv6_prefix_needs_a_vni(red):
    row = add_route(red, "fd66::/16", "10.5.0.15")
    says(red, "Overlay_Route", row, "nexthops", "10.5.0.15", "IPv4 next hop")
    rest_forwards(red)
    red.set_rows("set", "Overlay_Route", row, "vni=5005")
    heals(red, "Overlay_Route", row)
    forwards(red, "fd66::1")
    red.set_rows("set", "Overlay_Route", row, "vni=[]")
    says(red, "Overlay_Route", row, "IPv4 next hop")
    frame = packet6("fd66::1")
    red.expect(("vm1", frame),
               out={"vm1": [icmp6(frame, ICMPv6DestUnreach(code=0))]},
               drops={("vm1", 5001, "no_route"): 1})


def test_ipv6_next_hop_of_an_ipv4_prefix_needs_a_vni(red):
    """RFC 8950 has them, too."""
    row = add_route(red, "10.66.0.0/16", "fd05::15")
    says(red, "Overlay_Route", row, "nexthops", "fd05::15", "IPv6 next hop")
    red.set_rows("set", "Overlay_Route", row, "nexthops=10.5.0.15")
    heals(red, "Overlay_Route", row)
    forwards(red, "10.66.0.1")


# Recursion.

def test_next_hop_behind_another_route(red):
    """10.99.0.1 is routed, not connected: nothing is looked up twice."""
    row = add_route(red, "10.66.0.0/16", "10.99.0.1")
    says(red, "Overlay_Route", row, "10.99.0.1", "no network")
    rest_forwards(red)
    has_no_route(red, "10.66.0.1")
    # The default route does not help either.
    default = add_route(red, "0.0.0.0/0", "10.5.0.15")
    heals(red, "Overlay_Route", default)
    says(red, "Overlay_Route", row, "10.99.0.1", "no network")
    forwards(red, "10.66.0.1")          # By the default route.


def test_next_hop_in_the_prefix_itself(red):
    row = add_route(red, "10.66.0.0/16", "10.66.0.1")
    says(red, "Overlay_Route", row, "10.66.0.1", "no network")
    has_no_route(red, "10.66.0.1")
    # A connected network makes it one like any.
    add_network(red, 5066, "10.66.0.254/24")
    heals(red, "Overlay_Route", row)
    rest_forwards(red)


@pytest.mark.parametrize("hop, vni", [
    ("10.5.0.1", 5005), ("10.1.0.1", 5001), ("fd05::1", 5005)])
def test_next_hop_that_is_a_gateway_address(red, hop, vni):
    prefix, dst = (("fd66::/16", "fd66::1") if ":" in hop
                   else ("10.66.0.0/16", "10.66.0.1"))
    good = "fd05::15" if ":" in hop else "10.5.0.15"
    row = add_route(red, prefix, hop)
    says(red, "Overlay_Route", row, hop, "gateway address", str(vni))
    rest_forwards(red)
    red.set_rows("set", "Overlay_Route", row, f'nexthops="{good}"')
    heals(red, "Overlay_Route", row)
    forwards(red, dst)


def test_next_hop_that_is_a_gateway_address_of_the_network_it_names(red):
    """In whatever VRF that is; and one that gets it later."""
    red.add_network(6080, vrf="blue", gateway_ips=["10.80.0.1/24"])
    row = add_route(red, "10.66.0.0/16", "10.80.0.1", vni=6080)
    says(red, "Overlay_Route", row, "10.80.0.1", "gateway address", "6080")
    rest_forwards(red)
    has_no_route(red, "10.66.0.1")
    red.set_network(6080, gateway_ips=["10.80.0.2/24"])
    heals(red, "Overlay_Route", row)
    red.set_network(6080, gateway_ips=["10.80.0.1/24"])
    says(red, "Overlay_Route", row, "gateway address")
    # Without the network the row may be right: who knows.
    red.destroy("Overlay_Network", "vni=6080")
    heals(red, "Overlay_Route", row)
    red.set_rows("set", "Overlay_Route", row, "vni=5005",
                 "nexthops=10.5.0.15")
    heals(red, "Overlay_Route", row)
    forwards(red, "10.66.0.1")


def test_next_hop_stops_being_a_gateway_address(red):
    row = add_route(red, "10.66.0.0/16", "10.5.0.1")
    says(red, "Overlay_Route", row, "gateway address")
    red.set_network(5005, gateway_ips=["10.5.0.2/24", "fd05::1/64"])
    heals(red, "Overlay_Route", row)
    red.add_neighbor(5005, "10.5.0.1", VM5)
    forwards(red, "10.66.0.1")
    red.set_network(5005, gateway_ips=["10.5.0.1/24", "fd05::1/64"])
    says(red, "Overlay_Route", row, "gateway address")
    has_no_route(red, "10.66.0.1")


# Rows against each other.

def test_prefix_that_is_connected(red):
    for prefix, hop in (("10.5.0.0/24", "10.1.0.12"),
                        ("fd05::/64", "fd00::12"),
                        ("10.5.0.1/32", "10.1.0.12")):
        row = add_route(red, prefix, hop)
        says(red, "Overlay_Route", row, "connected", "5005")
        rest_forwards(red)
        red.set_rows("destroy", "Overlay_Route", row)


def test_prefix_is_not_connected_any_more(red):
    red.add_network(5070, vrf="red", gateway_ips=["10.70.0.1/24"])
    row = add_route(red, "10.70.0.0/24", "10.5.0.15")
    says(red, "Overlay_Route", row, "connected", "5070")
    red.destroy("Overlay_Network", "vni=5070")
    heals(red, "Overlay_Route", row)
    forwards(red, "10.70.0.7")


def test_same_prefix_in_two_spellings(red):
    """The lowest UUID is in force."""
    a = add_route(red, "fd66::/64", "fd05::15")
    b = add_route(red, "FD66:0:0::0/64", "fd05::15")
    first, second = sorted([a, b])
    heals(red, "Overlay_Route", first)
    says(red, "Overlay_Route", second, "same (vrf, prefix)", first,
         "in force")
    forwards(red, "fd66::1")
    # If the first one has an error, neither is.
    red.set_rows("set", "Overlay_Route", first, 'nexthops="fd99::1"')
    says(red, "Overlay_Route", first, "no network")
    error = says(red, "Overlay_Route", second, "same (vrf, prefix)", first)
    assert "in force" not in error
    red.set_rows("destroy", "Overlay_Route", first)
    heals(red, "Overlay_Route", second)
    forwards(red, "fd66::1")


# Gateways.

@pytest.mark.parametrize("gateway, words", [
    ("10.70.0.0/24", "network itself"), ("10.70.0.255/24", "broadcast"),
    ("10.70.0.3/30", "broadcast"), ("10.70.0.4/30", "network itself"),
    ("fd70::/64", "network itself"), ("10.70.0.1/0", "prefix length of 0"),
    ("fd70::1/0", "prefix length of 0"), ("127.0.0.1/8", "unicast"),
    ("224.0.0.1/24", "unicast"), ("ff02::1/64", "unicast"),
    ("::1/64", "unicast"), ("0.0.0.0/8", "unicast"),
    ("255.255.255.255/24", "unicast"), ("10.70.0.1", ""),
    ("10.70.0.1/33", "")])
def test_gateway_that_cannot_be(red, gateway, words):
    row = add_network(red, 5070, gateway)
    says(red, "Overlay_Network", row, "gateway_ips", gateway, words)
    rest_forwards(red)
    has_no_route(red, "10.70.0.77")
    red.set_network(5070, gateway_ips=["10.70.0.1/24"])
    heals(red, "Overlay_Network", row)
    frame = packet("10.70.0.77")
    red.expect(("vm1", frame), out={"vm1": [icmp(frame, type=3, code=1)]},
               drops={("vm1", 5001, "no_neighbor"): 1})


@pytest.mark.parametrize("gateways", [
    ["10.70.0.1/24", "10.70.0.1/16"], ["fd70::1/64", "FD70:0::1/64"]])
def test_gateway_address_listed_twice(red, gateways):
    row = add_network(red, 5070, *gateways)
    says(red, "Overlay_Network", row, "listed twice")
    rest_forwards(red)


OVERLAPS = [("10.70.0.1/24", "10.70.0.2/24"), ("10.70.0.1/24", "10.70.0.1/24"),
            ("10.70.0.1/16", "10.70.3.1/24"), ("10.70.3.1/24", "10.70.0.1/16"),
            ("10.70.0.1/24", "10.70.0.129/25"), ("fd70::1/64", "fd70::2/64"),
            ("fd70::1/32", "fd70:0:5::1/64"), ("10.70.0.1/31", "10.70.0.0/31"),
            ("10.70.0.1/24", "10.70.0.9/32")]


@pytest.mark.parametrize("one, two", OVERLAPS)
def test_networks_whose_gateways_overlap(red, one, two):
    """The lowest UUID is in force; the other when the first one goes, or says
    something else."""
    a, b = add_network(red, 5071, one), add_network(red, 5072, two)
    vnis = {a: 5071, b: 5072}
    first, second = sorted(vnis)
    heals(red, "Overlay_Network", first)
    says(red, "Overlay_Network", second, "gateway_ips", "overlaps",
         str(vnis[first]), "red")
    rest_forwards(red)
    # In another VRF it is nobody's business.
    red.set_network(vnis[first], vrf="blue")
    heals(red, "Overlay_Network", second)
    heals(red, "Overlay_Network", first)
    red.set_network(vnis[first], vrf="red")
    says(red, "Overlay_Network", second, "overlaps")
    # Mended by an edit.
    red.set_network(vnis[second], gateway_ips=["10.79.0.1/24"])
    heals(red, "Overlay_Network", second)
    red.set_network(vnis[second], gateway_ips=[two if vnis[second] == 5072
                                               else one])
    says(red, "Overlay_Network", second, "overlaps")
    # Mended by removal.
    red.set_rows("destroy", "Overlay_Network", first)
    heals(red, "Overlay_Network", second)
    rest_forwards(red)


def test_three_networks_whose_gateways_overlap(red):
    """One covers two that get on with each other."""
    rows = {add_network(red, 5071, "10.70.0.1/16"): "wide",
            add_network(red, 5072, "10.70.1.1/24"): "narrow",
            add_network(red, 5073, "10.70.2.1/24"): "narrow"}

    def in_force():
        """As the UUIDs say."""
        chosen = []
        for row in sorted(rows):
            if rows[row] == "wide":
                ok = not chosen
            else:
                ok = all(rows[other] != "wide" for other in chosen)
            if ok:
                chosen.append(row)
        return chosen

    while rows:
        winners = in_force()
        for row in rows:
            if row in winners:
                heals(red, "Overlay_Network", row)
            else:
                says(red, "Overlay_Network", row, "overlaps")
        red.set_rows("destroy", "Overlay_Network", winners[0])
        del rows[winners[0]]
    rest_forwards(red)


def test_networks_that_only_touch_do_not_overlap(red):
    for i, gateway in enumerate(["10.70.0.1/24", "10.70.1.1/24",
                                 "10.69.255.1/24", "fd70::1/64",
                                 "fd70:0:0:1::1/64"]):
        heals(red, "Overlay_Network", add_network(red, 5070 + i, gateway))


def test_link_local_gateways_may_repeat(red):
    for vni in 5070, 5071:
        heals(red, "Overlay_Network", add_network(red, vni, "fe80::1/64"))
    rest_forwards(red)
