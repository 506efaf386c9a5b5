# SPDX-License-Identifier: Apache-2.0
"""Packets that do not fit, and VMs that have to learn it.

    a  5001 ─┐                           ┌─ bridged  5001
             hv1 ══ underlay, 1500 ══ hv2┼─ routed   5002
    narrow  ─┘                           └─ narrow2  5003, mtu=1300
    5003, mtu=1300

The same once more over an IPv6 underlay, with VNIs 51xx.  All links of VMs
take 1500 bytes; what fits the tunnel is 1450 over IPv4, 1430 over IPv6.
"""

import hashlib
import random
import socket

import pytest
from conftest import ready

from overlay_lab import (IPV4, IPV6, Sniffer, icmp_error, iperf3_bytes,
                         ping, reaches, tracepath, transfer)
from overlay_lab.fabric import OVERHEAD

NARROW = 1300
families = pytest.mark.parametrize("family", [4, 6], ids=["ipv4", "ipv6"])
ways = pytest.mark.parametrize("way", ["bridged", "routed"])


class World:
    """VMs of a tenant whose tunnels are over 'underlay'."""

    def __init__(self, fabric, underlay):
        self.fabric = fabric
        self.underlay = underlay
        self.fits = 1500 - OVERHEAD[underlay]
        self.base = {IPV4: 5000, IPV6: 5100}[underlay]
        hv1, hv2 = fabric.hypervisors
        for subnet in 1, 2, 3:
            fabric.add_network(
                self.base + subnet, "vrf=tenant%d" % underlay,
                "gateway=10.%d.0.1/24,fd%02d::1/64" % (subnet, subnet - 1),
                *["mtu=%d" % NARROW] * (subnet == 3), families=(underlay,))
        self.vms = {name: self.add_vm(name, *where) for name, where in {
            "a": (hv1, 1, 1), "bridged": (hv2, 1, 2), "routed": (hv2, 2, 3),
            "narrow": (hv1, 3, 4), "narrow2": (hv2, 3, 5)}.items()}

    def add_vm(self, name, hypervisor, subnet, host):
        vm = self.fabric.add_vm("%s-%d" % (name, self.underlay), hypervisor,
                                self.base + subnet, host, ip6=True,
                                subnet=subnet, mtu=1500)
        vm.use_gateway(ip6=True)
        return vm

    def __getitem__(self, name):
        return self.vms[name]


@pytest.fixture(scope="module")
def shared_families():
    return IPV4, IPV6


@pytest.fixture(scope="module")
def worlds(shared):
    for _ in range(2):
        shared.add_hypervisor()
    made = {underlay: World(shared, underlay) for underlay in (IPV4, IPV6)}
    ready(shared)
    for world in made.values():
        for name in "bridged", "routed", "narrow", "narrow2":
            reaches(world["a"], world[name].ip)
            reaches(world["a"], world[name].ip6)
    return made


@pytest.fixture(params=[IPV4, IPV6], ids=["over-ipv4", "over-ipv6"])
def world(worlds, request):
    chosen = worlds[request.param]
    for vm in chosen.vms.values():
        vm.forget_mtus()
    return chosen


def address_of(vm, family):
    return vm.ip if family == 4 else vm.ip6


@ways
@families
def test_tcp_learns_the_mtu_and_a_file_arrives(world, way, family):
    data = random.Random(8).randbytes(1 << 20)
    want = hashlib.sha256(data).hexdigest()
    for source, target in ((world["a"], world[way]),
                           (world[way], world["a"])):
        target.forget_mtus()            # Or it would tell by its MSS.
        before = source.hypervisor.drops("too_big", port=source.port)
        address = address_of(target, family)
        assert transfer(source, target, data, address) == want
        assert source.mtu_to(address) == world.fits
        assert source.hypervisor.drops("too_big",
                                       port=source.port) > before


@ways
@families
def test_iperf3_learns_the_mtu(world, way, family):
    source, target = world["a"], world[way]
    before = source.hypervisor.drops("too_big", port=source.port)
    address = address_of(target, family)
    assert iperf3_bytes(world.fabric, source, target, 4 << 20,
                        address) > 1 << 20
    assert source.mtu_to(address) == world.fits
    assert source.hypervisor.drops("too_big", port=source.port) > before


@ways
@families
def test_tracepath_finds_the_mtu(world, way, family):
    target = world[way]
    path = tracepath(world["a"], address_of(target, family))
    gateway = world["a"].gateway if family == 4 else world["a"].gateway6
    assert path.hops == [gateway] * (way == "routed") \
        + [address_of(target, family)], path.text
    assert path.mtu == world.fits, path.text
    if way == "routed":
        assert path.mtu_from == gateway, path.text


@pytest.mark.parametrize("where", ["narrow", "narrow2"])
@families
def test_network_of_the_target_has_the_smallest_mtu(world, where, family):
    """... on the sender's host or another."""
    source, target = world["a"], world[where]
    address = address_of(target, family)
    header = 28 if family == 4 else 48
    assert icmp_error(source, address, size=NARROW - header, df=True)[:2] \
        == ((3, 3) if family == 4 else (1, 4))      # From the VM.
    error = icmp_error(source, address, size=NARROW - header + 1, df=True)
    assert error == ((3, 4, NARROW, source.gateway) if family == 4
                     else (2, 0, NARROW, source.gateway6))
    source.forget_mtus()
    data = random.Random(9).randbytes(1 << 18)
    assert transfer(source, target, data, address) \
        == hashlib.sha256(data).hexdigest()
    assert source.mtu_to(address) == NARROW


@pytest.mark.parametrize("where", ["narrow", "narrow2"])
def test_datagram_without_df_is_fragmented_and_reassembled(world, where):
    """RFC 791, section 3.2: as few fragments as there can be."""
    source, target = world["a"], world[where]
    whole = NARROW - 28                 # What needs no fragments.
    for size in 1, whole, whole + 1, 1472, 1473, 4000, 65507:
        data = random.Random(size).randbytes(size)
        with Sniffer(target.namespace, "eth0") as wire:
            assert datagram(source, target, data) == data
            packets = [frame.data[14:] for frame in wire.frames()
                       if frame.proto == socket.IPPROTO_UDP]
        lengths = [int.from_bytes(packet[2:4], "big") for packet in packets]
        assert max(lengths) <= NARROW
        assert sum(lengths) - 20 * len(lengths) == 8 + size
        assert (len(packets) == 1) == (size <= whole)
        # All of one datagram, none with DF, the last without MF.
        assert len({packet[4:6] for packet in packets}) == 1
        flags = [int.from_bytes(packet[6:8], "big") >> 13
                 for packet in packets]
        assert flags == [1] * (len(packets) - 1) + [0]


def test_datagram_without_df_is_fragmented_for_the_tunnel(world):
    source, target = world["a"], world["routed"]
    for size in world.fits - 28, world.fits - 27, 1472, 65507:
        data = random.Random(size).randbytes(size)
        with world.fabric.watch(source.hypervisor) as wire:
            assert datagram(source, target, data) == data
            frames = wire.frames(target.vni)
        assert max(len(frame.data) for frame in frames) <= 1514
        assert (len(frames) == 1) == (size <= world.fits - 28)


def test_echo_of_64_kilobytes_passes_both_ways(world):
    for name in "routed", "narrow", "narrow2":
        # One at a time: its fragments fill half of a port's socket.
        for _ in range(3):
            assert ping(world["a"], world[name].ip, count=1, size=65000,
                        wait=5).lost == 0


def datagram(source, target, data):
    """Sends 'data' in one UDP packet without DF, and returns what comes."""
    with target.namespace.socket(socket.AF_INET, socket.SOCK_DGRAM) as there, \
            source.namespace.socket(socket.AF_INET, socket.SOCK_DGRAM) as here:
        there.bind((target.ip, 0))
        there.settimeout(10)
        here.setsockopt(socket.IPPROTO_IP, 10, 0)   # IP_PMTUDISC_DONT.
        here.sendto(data, there.getsockname())
        return there.recv(65536)
