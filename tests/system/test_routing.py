# SPDX-License-Identifier: Apache-2.0
"""What VMs have of the router on their own hypervisor.

    a  5001, 10.1.0.11 ─┬─ hv1 ══ underlay ══ hv2 ── b  5002, 10.2.0.12
    c  5002, 10.2.0.13 ─┘

The VMs' links take 1500 bytes, the tunnel 1450.
"""

import hashlib
import random
import signal

import pytest
from conftest import ready

from overlay_lab import (Sniffer, icmp_error, ping, reaches, traceroute,
                         transfer, wait_for)

GATEWAY_MAC = "02:00:5e:00:01:01"
LINK_LOCAL = "fe80::5eff:fe00:101"      # Made from it.


@pytest.fixture(scope="module")
def world(shared):
    """VMs a, b, c."""
    hv1, hv2 = (shared.add_hypervisor() for _ in range(2))
    for subnet in 1, 2:
        shared.add_network(
            5000 + subnet, "vrf=red",
            "gateway=10.%d.0.1/24,fd%02d::1/64" % (subnet, subnet - 1))
    vms = [shared.add_vm(name, hypervisor, 5000 + subnet, host, ip6=True,
                         subnet=subnet, mtu=1500)
           for name, hypervisor, subnet, host in (
               ("a", hv1, 1, 1), ("b", hv2, 2, 2), ("c", hv1, 2, 3))]
    for vm in vms:
        vm.use_gateway(ip6=True)
    ready(shared)
    return vms


@pytest.fixture(params=["same host", "across hosts"])
def two(request, world):
    """VMs of two networks of a VRF, on one host or on two."""
    a, b, c = world
    for vm in world:
        vm.forget_mtus()
    return a, c if request.param == "same host" else b


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
                    LINK_LOCAL + "%eth0")


def test_a_file_arrives_through_the_router(two):
    a, b = two
    data = random.Random(4).randbytes(2 << 20)
    want = hashlib.sha256(data).hexdigest()
    for address in b.ip, b.ip6:
        assert transfer(a, b, data, address) == want


def test_traceroute_shows_the_router(two):
    a, b = two
    for gateway, target in (a.gateway, b.ip), (a.gateway6, b.ip6):
        text, hops = traceroute(a, target)
        assert hops == [gateway, target], text


def test_without_a_route_the_sender_is_told(two):
    a, _ = two
    assert icmp_error(a, "10.99.0.1") == (3, 0, 0, a.gateway)
    assert icmp_error(a, "fd99::1") == (1, 0, 0, a.gateway6)


def test_fragments_through_the_router(two):
    a, b = two
    reaches(a, b.ip)
    assert ping(a, b.ip, size=4000).lost == 0
    # Over IPv6 both ends have to learn the MTU first.
    wait_for(lambda: ping(a, b.ip6, count=1, size=4000).received,
             "large packets to pass")
    assert ping(a, b.ip6, size=4000).lost == 0


def test_gateway_needs_no_other_host(world, shared):
    """ARP, ND and ping while the other host is down, and nothing about them
    is on the underlay."""
    a, b, _ = world
    gateways = ["10.1.0.1", "10.2.0.1", "fd00::1", "fd01::1", LINK_LOCAL]
    for vm, other in (a, b.hypervisor), (b, a.hypervisor):
        other.kill_switch(signal.SIGKILL)
        assert not other.has_bridge()
        with shared.watch(vm.hypervisor) as wire, \
                Sniffer(vm.namespace, "eth0") as link:
            for address in gateways:
                vm.forget_neighbors()
                scope = "%eth0" if address == LINK_LOCAL else ""
                vm.namespace.run("ping", "-c", "2", "-i", "0.01", "-W", "5",
                                 address + scope)
                if address in (vm.gateway, vm.gateway6, LINK_LOCAL):
                    assert vm.neighbor(address) == GATEWAY_MAC
            # Each question has had one answer.
            for address in vm.gateway, vm.gateway6, LINK_LOCAL:
                about = [frame for frame in link.frames()
                         if address in (frame.arp or frame.nd or ())]
                asked = [frame for frame in about if frame.outgoing]
                assert asked and len(about) == 2 * len(asked)
            for frame in wire.frames(vm.vni):
                assert not set(gateways) & {
                    frame.inner.ip_src, frame.inner.ip_dst,
                    *(frame.inner.arp or frame.inner.nd or ())}
        other.start_switch()
        for target in world:
            if target is not vm:
                reaches(vm, target.ip)
