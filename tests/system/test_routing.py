# SPDX-License-Identifier: Apache-2.0
"""What VMs have of the router on their own hypervisor.

    a  5001, 10.1.0.11 ── hv1 ══ underlay ══ hv2 ── b  5002, 10.2.0.12
"""

import hashlib
import random

import pytest
from conftest import ready

from overlay_lab import ping, reaches, transfer, wait_for


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
