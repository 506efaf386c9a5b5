# SPDX-License-Identifier: Apache-2.0
"""The hosts' own IPv6 through LOCAL and the uplink, and the next hops that
are found by it.

       a ── hv1 ══ underlay ══ host2, vxlan device over IPv6 = VM c
"""

import hashlib
import random
import socket
import struct

import pytest
from conftest import make_pair, ready, underlay

from overlay_lab import (IPV6, Stream, ping, reaches, transfer, wait_for)

BEHIND = "2001:db8:99::3"
NEW_MAC = "02:00:00:00:99:01"
ALL_NODES = "ff02::1"

pytestmark = underlay((IPV6,))


@pytest.fixture
def mixed(fabric):
    """VMs a and c, the VTEP on hv1's own subnet."""
    return make(fabric)


@pytest.fixture
def routed(fabric):
    """VMs a and c, the VTEP 2001:db8:99::3 behind router host2."""
    a, c = make(fabric, behind=BEHIND, wait=False)
    a.hypervisor.namespace.ip("route add 2001:db8:99::/64 via "
                              + c.hypervisor.ip)
    ready(fabric)
    reaches(a, c.ip)
    return a, c


def make(fabric, wait=True, **kwargs):
    hypervisor = fabric.add_hypervisor()
    kernel = fabric.add_kernel_vtep(**kwargs)
    fabric.add_network(5001)
    a = fabric.add_vm("a", hypervisor, 5001, 1)
    c = kernel.add_vm("c", 5001, 3)
    if wait:
        ready(fabric)
    return a, c


def next_hop(hypervisor, vtep):
    return next(row["next_hop"] for row in hypervisor.vteps()
                if row["vtep"] == vtep) or ""


def state(hypervisor, vtep):
    return next(row["state"] for row in hypervisor.vteps()
                if row["vtep"] == vtep)


def addresses(namespace, device):
    return namespace.run("ip", "-6", "addr", "show", "dev", device).stdout


# The host.

def test_hosts_ping_each_other_and_talk_tcp(fabric):
    a, b = make_pair(fabric)
    here, there = a.hypervisor, b.hypervisor
    reaches(here, there.vtep)
    assert ping(here, there.vtep, count=20, interval=0.02).lost == 0
    data = random.Random(22).randbytes(2 << 20)
    assert transfer(here, there, data, there.vtep) \
        == hashlib.sha256(data).hexdigest()
    assert ping(there, here.vtep, size=3000).lost == 0      # Fragments.


def test_the_host_does_not_depend_on_any_row(fabric):
    hypervisor = fabric.add_hypervisor()
    kernel = fabric.add_kernel_vtep()
    reaches(kernel, hypervisor.vtep)
    reaches(hypervisor, kernel.vtep)


def test_duplicate_address_detection_of_the_host_works(mixed):
    """One address that nobody has, and one that host2 has."""
    a, c = mixed
    host, kernel = a.hypervisor.namespace, c.hypervisor
    host.ip("addr add 2001:db8:ff::77/64 dev br-ov")
    wait_for(lambda: "2001:db8:ff::77" in addresses(host, "br-ov")
             and "tentative" not in addresses(host, "br-ov"),
             "the end of duplicate address detection")
    assert "dadfailed" not in addresses(host, "br-ov")
    host.ip("addr add %s/64 dev br-ov" % kernel.ip)
    wait_for(lambda: "dadfailed" in addresses(host, "br-ov"),
             "the conflict to be noted")
    reaches(kernel, "2001:db8:ff::77")


def send_ra(kernel, prefix, lifetime=1800):
    """host2 says that it is a router, of 'prefix'/64."""
    with kernel.namespace.socket(socket.AF_INET6, socket.SOCK_RAW,
                                 socket.IPPROTO_ICMPV6) as raw:
        raw.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
        mac = bytes.fromhex(kernel.namespace.mac("eth1").replace(":", ""))
        raw.sendto(
            struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, lifetime, 0, 0)
            + struct.pack("!BB", 1, 1) + mac
            + struct.pack("!BBBBIII", 3, 4, 64, 0xc0, 3600, 3600, 0)
            + socket.inet_pton(socket.AF_INET6, prefix),
            (ALL_NODES, 0, 0, index(kernel.namespace, "eth1")))


def index(namespace, device):
    with namespace.entered():
        return socket.if_nametoindex(device)


def link_local(namespace, device):
    words = addresses(namespace, device).split()
    return next(word.partition("/")[0] for word in words
                if word.startswith("fe80:"))


def test_stateless_autoconfiguration_makes_routes_that_vteps_use(fabric):
    """An address and a default route, whose next hop is link-local, from a
    router advertisement."""
    a, c = make(fabric, behind=BEHIND, wait=False)
    hypervisor, kernel = a.hypervisor, c.hypervisor
    wait_for(lambda: "tentative" not in addresses(kernel.namespace, "eth1"),
             "host2's link-local address")
    router = link_local(kernel.namespace, "eth1")

    def autoconfigured():
        send_ra(kernel, "2001:db8:aa::")        # As routers do, repeatedly.
        return ("default via " + router in hypervisor.namespace.run(
            "ip", "-6", "route").stdout)

    wait_for(autoconfigured, "a default route", interval=0.2)
    assert "2001:db8:aa:" in addresses(hypervisor.namespace, "br-ov")
    reaches(a, c.ip)
    assert router in next_hop(hypervisor, BEHIND)
    assert ping(a, c.ip, count=20, interval=0.02).lost == 0


def test_ipv6_switched_off_on_the_uplink_leaves_it_to_local(mixed):
    """If it is on, the kernel takes the host's subnet for the uplink with
    each router advertisement, and VTEPs are not behind br-ov any more."""
    a, c = mixed
    hypervisor, kernel = a.hypervisor, c.hypervisor
    host = hypervisor.namespace
    reaches(a, c.ip)
    wait_for(lambda: "tentative" not in addresses(kernel.namespace, "eth1"),
             "host2's link-local address")

    def autoconfigured(device):
        send_ra(kernel, "2001:db8:ff::")
        words = addresses(host, device).split()
        return any(word.startswith("2001:db8:ff:")
                   and word.endswith("/64") and "::1/" not in word
                   for word in words)

    wait_for(lambda: autoconfigured("br-ov"), "an address of br-ov",
             interval=0.2)
    assert not addresses(host, "eth1")
    assert ping(a, c.ip, count=20, interval=0.02).lost == 0

    host.sysctl(ipv6__conf__eth1__disable_ipv6=0)
    wait_for(lambda: autoconfigured("eth1"), "an address of eth1",
             interval=0.2)
    wait_for(lambda: "leads out of eth1" in state(hypervisor, kernel.vtep),
             "the VTEP to be lost")

    host.sysctl(ipv6__conf__eth1__disable_ipv6=1)
    assert not addresses(host, "eth1")
    reaches(a, c.ip)


def test_local_with_an_mtu_of_its_own_keeps_its_ipv6(mixed):
    """Otherwise Open vSwitch gives it the smallest MTU of all ports, and Linux
    switches IPv6 off below 1280."""
    a, c = mixed
    hypervisor, kernel = a.hypervisor, c.hypervisor

    def shrink(mtu):
        hypervisor.namespace.ip("link set dev a mtu %d" % mtu)
        wait_for(lambda: hypervisor.vsctl("get", "Interface", "a",
                                          "mtu").strip() == str(mtu),
                 "the smaller MTU of a's port")

    hypervisor.vsctl("set", "Interface", "br-ov", "mtu_request=1500")
    shrink(1000)
    assert hypervisor.vtep in addresses(hypervisor.namespace, "br-ov")
    reaches(kernel, hypervisor.vtep)
    hypervisor.vsctl("clear", "Interface", "br-ov", "mtu_request")
    shrink(1001)
    wait_for(lambda: not addresses(hypervisor.namespace, "br-ov"),
             "the address to go")


# Next hops.

def test_a_vtep_behind_a_router(routed):
    a, c = routed
    assert ping(a, c.ip, count=20, interval=0.02).lost == 0
    assert ping(c, a.ip, count=20, interval=0.02).lost == 0
    assert c.hypervisor.ip in next_hop(a.hypervisor, BEHIND)


def test_a_route_that_goes_and_comes_again(routed):
    a, c = routed
    hypervisor = a.hypervisor
    hypervisor.namespace.ip("route del 2001:db8:99::/64")
    wait_for(lambda: not hypervisor.vtep_is_up(BEHIND),
             "the VTEP to be unreachable")
    before = hypervisor.drops("vtep_unresolved", port="a")
    ping(a, c.ip, count=1, wait=0.2)
    assert hypervisor.drops("vtep_unresolved", port="a") > before
    hypervisor.namespace.ip("route add 2001:db8:99::/64 via "
                            + c.hypervisor.ip)
    reaches(a, c.ip)


def test_a_route_that_blinks_loses_nothing(routed):
    a, c = routed
    hypervisor = a.hypervisor
    stream = Stream(a, c)
    stream.wait_for_more()
    for n in range(5):
        hypervisor.namespace.ip("link add name d%d type veth" % n,
                                "link set dev d%d up" % n,
                                "route del 2001:db8:99::/64",
                                "route add 2001:db8:99::/64 via "
                                + c.hypervisor.ip,
                                "link del dev d%d" % n)
        stream.wait_for_more()
    assert stream.stop() == 0


def test_an_unsolicited_advertisement_is_believed_at_once(mixed):
    """The host gets a new MAC address and says so."""
    a, c = mixed
    kernel = c.hypervisor
    reaches(a, c.ip)
    kernel.namespace.sysctl(ipv6__conf__eth1__ndisc_notify=1)
    kernel.namespace.ip("link set dev eth1 address " + NEW_MAC)
    reaches(a, c.ip, timeout=3)
    assert NEW_MAC in next_hop(a.hypervisor, kernel.vtep)


def test_a_next_hop_with_a_new_mac_that_speaks_is_followed(mixed):
    """The host asks for hv1's MAC address with its own new one."""
    a, c = mixed
    kernel = c.hypervisor
    reaches(c, a.ip)
    kernel.namespace.ip("link set dev eth1 address " + NEW_MAC)
    kernel.namespace.run("ip", "-6", "neigh", "flush", "all")
    reaches(c, a.ip, timeout=5)
    assert NEW_MAC in next_hop(a.hypervisor, kernel.vtep)


def test_peers_learn_of_a_new_mac_of_ours_at_once(fabric):
    """
        a ── hv1 ══ underlay ╦═ hv2 ── b
                             ╚═ host3, vxlan device = VM c
    """
    hv1, hv2 = fabric.add_hypervisor(), fabric.add_hypervisor()
    kernel = fabric.add_kernel_vtep()
    fabric.add_network(5001)
    a = fabric.add_vm("a", hv1, 5001, 1)
    b = fabric.add_vm("b", hv2, 5001, 2)
    c = kernel.add_vm("c", 5001, 3)
    for vm in b, c:
        reaches(vm, a.ip)
    hv1.vsctl("set", "Bridge", "br-ov",
              'other_config:hwaddr="%s"' % NEW_MAC)
    for vm in b, c:
        reaches(vm, a.ip, timeout=2)
    assert NEW_MAC in next_hop(hv2, hv1.vtep)


def test_an_address_that_moves_to_another_host_is_followed_at_once(fabric):
    """
        a ── hv1 ══ underlay ╦═ hv2
                             ╚═ host3, vxlan device = VM c

    hv2 takes over hv1's tunnel address.
    """
    hv1, hv2 = fabric.add_hypervisor(), fabric.add_hypervisor()
    kernel = fabric.add_kernel_vtep()
    fabric.add_network(5001)
    a = fabric.add_vm("a", hv1, 5001, 1)
    c = kernel.add_vm("c", 5001, 3)
    reaches(c, a.ip)
    old = hv1.vtep
    hv1.namespace.ip("addr del %s/64 dev br-ov" % old)
    hv1.vsctl("clear", "Bridge", "br-ov", "overlay_vtep_ips")
    hv2.namespace.ip("addr add %s/64 dev br-ov nodad" % old)
    hv2.vsctl("set", "Bridge", "br-ov", 'overlay_vtep_ips="%s"' % old)
    wait_for(lambda: hv2.hwaddr in kernel.namespace.run(
        "ip", "-6", "neigh", "show", old).stdout, "host3 to hear of it",
        timeout=3)
