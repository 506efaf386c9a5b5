# SPDX-License-Identifier: Apache-2.0
"""What VMs have of the router on their own hypervisor.

    a  5001, 10.1.0.11 ─┐                             ┌─ b  5002, 10.2.0.12
                        ├ hv1 ══ underlay ══ hv2 ─────┤
    c  5002, 10.2.0.13 ─┘              ║
                                     host3, a Linux router: 10.3.0.0/24
"""

import hashlib
import random

import pytest
from conftest import ready

from overlay_lab import ping, reaches, transfer, wait_for

ROUTER_MAC = "02:00:00:00:77:01"
PEER_MAC = "02:00:00:00:77:03"
L3_VNI = 7001


def add_networks(fabric):
    for subnet in 1, 2:
        fabric.add_network(
            5000 + subnet, "vrf=red",
            "gateway=10.%d.0.1/24,fd%02d::1/64" % (subnet, subnet - 1))


def add_vm(fabric, name, hypervisor, subnet, host, **kwargs):
    vm = fabric.add_vm(name, hypervisor, 5000 + subnet, host, ip6=True,
                       subnet=subnet, **kwargs)
    vm.use_gateway(ip6=True)
    return vm


@pytest.fixture(params=["same host", "across hosts"])
def two(request, fabric):
    """VMs of two networks of a VRF, on one host or on two."""
    hosts = [fabric.add_hypervisor()]
    if request.param == "across hosts":
        hosts.append(fabric.add_hypervisor())
    add_networks(fabric)
    a = add_vm(fabric, "a", hosts[0], 1, 1, mtu=1500)
    b = add_vm(fabric, "b", hosts[-1], 2, 2, mtu=1500)
    ready(fabric)
    return a, b


def test_vms_of_two_networks_reach_each_other(two):
    a, b = two
    for source, target in (a, b.ip), (b, a.ip), (a, b.ip6), (b, a.ip6):
        reaches(source, target)
        assert ping(source, target, count=10, interval=0.02).lost == 0


def test_every_gateway_of_the_vrf_answers_to_ping(two):
    a, b = two
    for target in a.gateway, b.gateway, a.gateway6, b.gateway6:
        reaches(a, target)
        assert ping(a, target).lost == 0
    a.namespace.run("ping", "-6", "-c", "1", "-W", "5",
                    "fe80::5eff:fe00:101%eth0")


def test_a_file_arrives_through_the_router(two):
    """The VMs' links take 1500 bytes, the tunnel 1450: TCP has to learn
    that."""
    a, b = two
    data = random.Random(4).randbytes(2 << 20)
    want = hashlib.sha256(data).hexdigest()
    for address in b.ip, b.ip6:
        assert transfer(a, b, data, address) == want


def test_router_is_seen_on_the_way(two):
    """What traceroute looks for."""
    a, b = two
    reaches(a, b.ip)
    for options, target, gateway in ((["-4", "-t", "1"], b.ip, a.gateway),
                                     (["-6", "-t", "1"], b.ip6, a.gateway6)):
        text = a.namespace.run("ping", "-n", "-c", "1", "-W", "2", *options,
                               target, check=False).stdout
        assert "From " + gateway in text, text
        assert "exceeded" in text, text
    assert ping(a, b.ip).lost == 0


def test_without_a_route_the_sender_is_told(two):
    a, _ = two
    for options, target in (["-4"], "10.99.0.1"), (["-6"], "fd99::1"):
        text = a.namespace.run("ping", "-n", "-c", "1", "-W", "2", *options,
                               target, check=False).stdout
        assert "Unreachable" in text or "No route" in text, text


def test_fragments_through_the_router(two):
    a, b = two
    reaches(a, b.ip)
    assert ping(a, b.ip, size=4000).lost == 0
    # Over IPv6 both ends have to learn the MTU first.
    wait_for(lambda: ping(a, b.ip6, count=1, size=4000).received,
             "large packets to pass")
    assert ping(a, b.ip6, size=4000).lost == 0


@pytest.fixture
def linux(fabric):
    """VM a, and a namespace behind a Linux router that has a VXLAN device for
    the L3 VNI, a neighbor and an fdb entry for the hypervisor: symmetric IRB,
    RFC 9135 section 5."""
    hypervisor = fabric.add_hypervisor()
    kernel = fabric.add_kernel_vtep()
    fabric.add_network(5001, "vrf=red", "gateway=10.1.0.1/24,fd00::1/64")
    hypervisor.vsctl("set", "Bridge", "br-ov",
                     'overlay_router_mac="%s"' % ROUTER_MAC)
    hypervisor.overlay_ctl("net-add", L3_VNI, "vrf=red")
    hypervisor.overlay_ctl("neigh-add", L3_VNI, kernel.vtep, PEER_MAC)
    hypervisor.overlay_ctl("mac-add", L3_VNI, PEER_MAC, kernel.vtep)
    for prefix in "10.3.0.0/24", "fd03::/64":
        hypervisor.overlay_ctl("route-add", "red", prefix, kernel.vtep,
                               "vni=%d" % L3_VNI)
    a = add_vm(fabric, "a", hypervisor, 1, 1)

    server = fabric.namespace("server")
    router = kernel.namespace
    router.ip(
        "link add vx type vxlan id %d local %s dstport 4789 dev eth1 "
        "nolearning" % (L3_VNI, kernel.vtep),
        "link set vx address %s mtu 1450 up" % PEER_MAC,
        "addr add 10.3.0.1/32 dev vx",          # What its errors are from.
        "link add name lan type veth peer name eth0 netns %s" % server.name,
        "link set lan up", "addr add 10.3.0.1/24 dev lan")
    router.sysctl(ipv4__ip_forward=1, ipv6__conf__all__forwarding=1,
                  ipv4__conf__all__rp_filter=0, ipv4__conf__vx__rp_filter=0,
                  ipv6__conf__lan__disable_ipv6=0,
                  ipv6__conf__vx__disable_ipv6=0)
    for lines in (
            ["-4", "neigh", "add", hypervisor.vtep, "lladdr", ROUTER_MAC,
             "dev", "vx"],
            ["-4", "route", "add", "10.1.0.0/24", "via", hypervisor.vtep,
             "dev", "vx", "onlink"],
            ["-6", "addr", "add", "fd03::1/64", "dev", "lan", "nodad"],
            ["-6", "neigh", "add", "fe80::77", "lladdr", ROUTER_MAC, "dev",
             "vx"],
            ["-6", "route", "add", "fd00::/64", "via", "fe80::77", "dev",
             "vx"]):
        router.run("ip", *lines)
    router.bridge("fdb", "add", ROUTER_MAC, "dev", "vx", "dst",
                  hypervisor.vtep)
    server.ip("link set eth0 mtu 1450 up", "addr add 10.3.0.99/24 dev eth0",
              "route add default via 10.3.0.1",
              "addr add fd03::99/64 dev eth0 nodad")
    server.run("ip", "-6", "route", "add", "default", "via", "fd03::1")
    ready(fabric)
    return a


def test_symmetric_irb_with_a_linux_router(linux):
    a = linux
    for target in "10.3.0.99", "fd03::99":
        reaches(a, target)
        assert ping(a, target, count=10, interval=0.02).lost == 0


def test_both_routers_are_seen_on_the_way(linux):
    """The second hop is Linux, and what it says comes back to the VM."""
    a = linux
    reaches(a, "10.3.0.99")
    for ttl, who in (1, a.gateway), (2, "10.3.0.1"), (3, "10.3.0.99"):
        text = a.namespace.run("ping", "-n", "-c", "1", "-W", "2", "-t", ttl,
                               "10.3.0.99", check=False).stdout
        assert ("From %s" % who in text or "from %s" % who in text), text
