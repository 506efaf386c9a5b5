# SPDX-License-Identifier: Apache-2.0
"""What Linux makes of the gateway's router advertisements.

    a  5001, fd00::11 ── hv1 ── 5002, fd01::12  b

The VMs get their addresses from the orchestrator, as usual, and everything
else from the router: default route, MTU, what is on the link.
"""

import json
import time

import pytest
from conftest import ready

from overlay_lab import ping, reaches, wait_for

ROUTER = "fe80::5eff:fe00:101"          # Made from the gateway's MAC.
MTU = 1450                              # Of the tunnels: the underlay's 1500.


@pytest.fixture
def two(fabric):
    """VMs a and b, whose links take 1500 bytes."""
    hypervisor = fabric.add_hypervisor()
    for subnet in 1, 2:
        fabric.add_network(
            5000 + subnet, "vrf=red",
            "gateway=10.%d.0.1/24,fd%02d::1/64" % (subnet, subnet - 1))
    vms = [fabric.add_vm(name, hypervisor, 5000 + n, n, ip6=True, subnet=n,
                         mtu=1500)
           for name, n in (("a", 1), ("b", 2))]
    ready(fabric)
    for vm in vms:
        vm.namespace.sysctl(**{
            "ipv6__conf__%s__accept_ra" % vm.device: 1})
        solicit(vm)
    return vms


def show(vm, *words):
    return json.loads(vm.namespace.run("ip", "-6", "-j", *words).stdout
                      or "[]")


def addresses(vm):
    """The VM's global addresses: {address: scope and flags}."""
    device, = show(vm, "addr", "show", "dev", vm.device)
    return {info["local"]: info for info in device["addr_info"]
            if info["scope"] == "global"}


def default_route(vm):
    """The default route that the router has told, if any."""
    return next((route for route in show(vm, "route", "show", "default")
                 if route.get("protocol") == "ra"), None)


def link_mtu(vm):
    return int(vm.namespace.run(
        "sysctl", "-n", "net.ipv6.conf.%s.mtu" % vm.device).stdout)


def on_link(vm):
    """The prefixes that the router, and nobody else, has said are on the
    link."""
    return {route["dst"] for route in show(vm, "route", "show", "dev",
                                           vm.device)
            if "gateway" not in route and "expires" in route}


def solicit(vm):
    """Has the VM's kernel ask for a router: it does when its link comes
    up."""
    vm.namespace.ip("link set dev %s down" % vm.device,
                    "link set dev %s up" % vm.device,
                    "addr replace %s/64 dev %s nodad" % (vm.ip6, vm.device))


def set_network(vm, *settings):
    vm.hypervisor.overlay_ctl("net-set", vm.vni, *settings)


def wait_router(*vms):
    for vm in vms:
        wait_for(lambda: default_route(vm), "a default route of " + vm.name)


def test_vm_gets_its_router_and_mtu_but_no_address(two):
    a, b = two
    wait_router(a, b)
    route = default_route(a)
    assert route["gateway"] == ROUTER
    assert 0 < route["expires"] <= 1800
    wait_for(lambda: link_mtu(a) == MTU, "the MTU")
    assert set(addresses(a)) == {a.ip6}
    reaches(a, b.ip6)
    assert ping(a, b.ip6, count=10, interval=0.02).lost == 0
    assert set(addresses(a)) == {a.ip6}


def test_vm_that_asks_is_answered_at_once(two):
    """Not when the next one is due, which takes 200 s."""
    a, b = two
    wait_router(a, b)
    # The first three are over.
    end = time.monotonic() + 60
    told = a.hypervisor.totals()["generated"]
    while time.monotonic() < end and a.hypervisor.totals()[
            "generated"] < told + 2 * 2:
        time.sleep(0.2)
    a.namespace.run("ip", "-6", "route", "flush", "proto", "ra")
    assert not default_route(a)
    solicit(a)
    wait_router(a)
    reaches(a, b.ip6)


def test_vm_makes_an_address_where_it_is_told_to(two):
    """SLAAC.  What its port is bound to decides what it may do with it."""
    a, b = two
    set_network(a, "ra-autonomous=true")
    wait_for(lambda: len(addresses(a)) == 2, "an address")
    own = "fd00::5054:ff:fe00:1"            # RFC 4291 appendix A.
    assert set(addresses(a)) == {a.ip6, own}
    wait_for(lambda: not addresses(a)[own].get("tentative"),
             "the end of duplicate address detection")

    source = ["ping", "-6", "-n", "-c", "1", "-W", "1", "-I", own]
    assert "100% packet loss" in a.namespace.run(
        *source, b.ip6, check=False).stdout

    a.hypervisor.overlay_ctl("port-bind", a.port, a.vni, a.mac, a.ip, a.ip6,
                             "fd00::/64")
    a.hypervisor.overlay_ctl("neigh-add", a.vni, own, a.mac)
    wait_for(lambda: "0% packet loss" in a.namespace.run(
        *source, b.ip6, check=False).stdout.replace("100%", ""),
        "the address to be of use")


def test_change_of_the_mtu_reaches_vms(two):
    a, b = two
    wait_router(a, b)
    set_network(a, "mtu=1400")
    wait_for(lambda: link_mtu(a) == 1400, "the MTU")
    assert link_mtu(b) != 1400
    reaches(a, b.ip6)


def test_router_that_is_none_any_more_is_forgotten(two):
    a, b = two
    wait_router(a, b)
    set_network(a, "ra-lifetime=0")
    wait_for(lambda: not default_route(a), "the router to go")
    assert default_route(b)
    set_network(a, "ra-lifetime=")
    wait_router(a)
    set_network(a, "ra=false")
    wait_for(lambda: not default_route(a), "the router to go")
    assert default_route(b)


def test_prefix_that_went_is_no_longer_on_the_link(two):
    a, b = two
    set_network(a, "gateway=10.1.0.1/24,fd00::1/64,fd07::1/64")
    wait_for(lambda: "fd07::/64" in on_link(a), "another prefix",
             on_timeout=lambda: str(show(a, "route", "show")))
    set_network(a, "gateway=10.1.0.1/24,fd00::1/64")
    wait_for(lambda: "fd07::/64" not in on_link(a), "the prefix to go")
    assert default_route(a)
    reaches(a, b.ip6)
