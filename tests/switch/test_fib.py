# SPDX-License-Identifier: Apache-2.0

"""Routes: from rows to the forwarding table that overlay/fib shows."""

import json

import pytest

from ovl.process import wait_until
from ovl.unixctl import UnixctlError


def fib(sw, *args):
    """{(vrf, prefix): (action, vni, next hops)}"""
    rows = json.loads(sw.appctl("overlay/fib", *args, "--json"))
    return {(row["vrf"], row["prefix"]): (row["action"], row["vni"],
                                          row["nexthops"])
            for row in rows}


def add_route(sw, vrf, prefix, *nexthops, **columns):
    args = [f'{name}={value}' for name, value in columns.items()]
    if nexthops:
        args.append("nexthops=" + ",".join(f'"{hop}"' for hop in nexthops))
    return sw.vsctl("create", "Overlay_Route", f"vrf={vrf}",
                    f'prefix="{prefix}"', *args).strip()


def add_networks(sw):
    sw.add_network(6001, vrf="amber", gateway_ips=["10.1.0.1/24",
                                                 "2001:db8:1::1/64"])
    sw.add_network(6002, vrf="amber", gateway_ips=["10.2.0.1/24"])
    sw.add_network(6003, vrf="cyan", gateway_ips=["10.1.0.1/24"])


def test_gateways_are_connected_and_rows_are_routes(sw):
    add_networks(sw)
    add_route(sw, "amber", "0.0.0.0/0", "10.2.0.254", "10.1.0.254")
    add_route(sw, "amber", "192.0.2.0/24", action="prohibit")
    expected = {
        ("cyan", "10.1.0.0/24"): ("connected", 6003, []),
        ("cyan", "10.1.0.1/32"): ("local", 6003, []),
        ("amber", "0.0.0.0/0"): ("forward", None,
                               ["10.1.0.254@6001", "10.2.0.254@6002"]),
        ("amber", "10.1.0.0/24"): ("connected", 6001, []),
        ("amber", "10.1.0.1/32"): ("local", 6001, []),
        ("amber", "10.2.0.1/32"): ("local", 6002, []),
        ("amber", "2001:db8:1::1/128"): ("local", 6001, []),
        ("amber", "10.2.0.0/24"): ("connected", 6002, []),
        ("amber", "192.0.2.0/24"): ("prohibit", None, []),
        ("amber", "2001:db8:1::/64"): ("connected", 6001, []),
    }
    assert {key: route for key, route in fib(sw).items()
            if key[0] != "red"} == expected


def test_route_to_an_address_is_the_longest_prefix(sw):
    add_networks(sw)
    add_route(sw, "amber", "0.0.0.0/0", "10.2.0.254")
    assert list(fib(sw, "amber", "10.1.0.7")) == [("amber", "10.1.0.0/24")]
    assert list(fib(sw, "amber", "10.3.0.7")) == [("amber", "0.0.0.0/0")]
    assert list(fib(sw, "ip=10.1.0.7")) == [("amber", "10.1.0.0/24"),
                                            ("cyan", "10.1.0.0/24"),
                                            ("red", "10.1.0.0/24")]
    assert not fib(sw, "amber", "2001:db8:2::1")


def test_rows_may_come_in_any_order(sw):
    row = add_route(sw, "amber", "0.0.0.0/0", "10.2.0.254")
    assert "no network of the VRF" in sw.get("Overlay_Route", row, "error")
    assert not fib(sw, "amber")
    add_networks(sw)
    wait_until(lambda: sw.get("Overlay_Route", row, "error") == "[]",
               "the route does not heal")
    assert fib(sw, "amber", "8.8.8.8") == {
        ("amber", "0.0.0.0/0"): ("forward", None, ["10.2.0.254@6002"])}


def test_routes_of_a_transaction_take_force_together(sw):
    add_networks(sw)
    row = add_route(sw, "amber", "172.16.0.0/12", "10.2.0.254")
    with sw.transaction():
        sw.set_rows("destroy", "Overlay_Route", row)
        sw.set_rows("create", "Overlay_Route", "vrf=amber",
                    'prefix="172.16.0.0/13"', "nexthops=10.1.0.254")
        sw.set_rows("create", "Overlay_Route", "vrf=amber",
                    'prefix="172.24.0.0/13"', "nexthops=10.2.0.254")
    assert [prefix for _, prefix in fib(sw, "amber")
            if prefix.startswith("172.")] == ["172.16.0.0/13",
                                              "172.24.0.0/13"]


def test_nonsense_is_told(sw):
    with pytest.raises(UnixctlError, match="is not an IP address"):
        sw.appctl("overlay/fib", "amber", "x")


def test_vrf_that_does_not_exist_is_told(sw):
    """It does as long as a network or a route names it.  A script that waits
    for it gets an empty list."""
    add_networks(sw)
    row = add_route(sw, "grey", "172.16.0.0/12", action="blackhole")
    for words in ["blue"], ["blue", "10.1.0.1"], ["blue", "10.0.0.0/8"]:
        with pytest.raises(UnixctlError, match='there is no VRF "blue"'):
            sw.appctl("overlay/fib", *words)
        assert fib(sw, *words) == {}
    sw.appctl("overlay/fib", "grey")
    sw.set_rows("destroy", "Overlay_Route", row)
    with pytest.raises(UnixctlError, match='there is no VRF "grey"'):
        sw.appctl("overlay/fib", "grey")


def test_vrfs_and_routes_are_counted(sw):
    """What is connected counts: a prefix and an address per gateway."""
    add_networks(sw)
    add_route(sw, "amber", "0.0.0.0/0", "10.2.0.254")
    counts = json.loads(sw.appctl("overlay/show", "--json"))["counts"]
    assert (counts["vrfs"], counts["routes"]) == (3, 2 * 5 + 1)
    assert ", 3 VRFs, 11 routes, " in sw.appctl("overlay/show")
