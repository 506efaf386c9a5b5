# SPDX-License-Identifier: Apache-2.0
"""A route with several next hops, which are Linux routers.

                               ┌─ host2, next hop 0
     a ── hv1 ══ underlay ══───┼─ host3, next hop 1
                               └─ host4, next hop 2

Each drops what is for 10.9.0.0/24 and fd09::/64; which flow takes which way
is watched behind its VXLAN device.
"""

import socket

import pytest
from conftest import ready

from overlay_lab import Sniffer, icmp_error, wait_for

L3_VNI = 7001
FLOWS = range(20001, 20061)             # UDP source ports.
PREFIX = {4: "10.9.0.0/24", 6: "fd09::/64"}
TARGET = {4: "10.9.0.99", 6: "fd09::99"}


class World:
    def __init__(self, fabric):
        self.hypervisor = fabric.add_hypervisor()
        kernels = [fabric.add_kernel_vtep() for _ in range(3)]
        fabric.add_network(5001, "vrf=red", "gateway=10.1.0.1/24,fd00::1/64")
        self.hypervisor.overlay_ctl("net-add", L3_VNI, "vrf=red")
        self.a = fabric.add_vm("a", self.hypervisor, 5001, 1, ip6=True)
        self.a.use_gateway(ip6=True)
        self.routers = [kernel.add_vrf("red", L3_VNI,
                                       "02:00:00:00:77:%02x" % number)
                        for number, kernel in enumerate(kernels)]
        self.sniffers = []
        for number, router in enumerate(self.routers):
            router.namespace.ip(*("route add blackhole " + prefix
                                  for prefix in PREFIX.values()))
            self.sniffers.append(Sniffer(router.namespace, "l3"))
        self.restore()
        ready(fabric)

    def restore(self):
        """All next hops, all of them complete."""
        for number in range(3):
            self.add_neighbors(number)
            self.add_mac(number)
        self.use(range(3))

    @staticmethod
    def nexthop(number, family):
        return {4: "10.77.0.%d", 6: "fd77::%d"}[family] % (number + 1)

    def use(self, numbers):
        """Makes these next hops those of the routes."""
        for family, prefix in PREFIX.items():
            self.hypervisor.overlay_ctl(
                "--", "--may-exist", "route-add", "red", prefix,
                *(self.nexthop(number, family) for number in numbers),
                "vni=%d" % L3_VNI)

    def add_neighbors(self, number):
        for family in PREFIX:
            self.hypervisor.overlay_ctl(
                "--", "--may-exist", "neigh-add", L3_VNI,
                self.nexthop(number, family), self.routers[number].mac)

    def delete_neighbors(self, number):
        for family in PREFIX:
            self.hypervisor.overlay_ctl("neigh-del", L3_VNI,
                                        self.nexthop(number, family))

    def add_mac(self, number):
        self.hypervisor.overlay_ctl("--", "--may-exist", "mac-add", L3_VNI,
                                    self.routers[number].mac,
                                    self.routers[number].vtep)

    def delete_mac(self, number):
        self.hypervisor.overlay_ctl("mac-del", L3_VNI,
                                    self.routers[number].mac)

    def send(self, family, size=8, packets=1):
        """Sends a datagram of each flow, which becomes that many packets,
        and returns the (next hop, frame) pairs that came of them."""
        for sniffer in self.sniffers:
            sniffer.clear()
        # Some at a time: more may be in want of a processor than fit the
        # buffer of the port's socket.
        for part in FLOWS[:20], FLOWS[20:40], FLOWS[40:]:
            for flow in part:
                send(self.a, flow, TARGET[family], bytes(size))
            want = packets * (part.stop - FLOWS.start)
            wait_for(lambda: len(self.seen(family)) == want, "all packets",
                     on_timeout=self.hypervisor.drops)
        return self.seen(family)

    def seen(self, family):
        return [(number, frame)
                for number, sniffer in enumerate(self.sniffers)
                for frame in sniffer.frames()
                if frame.ip_dst == TARGET[family]]

    def paths(self, family):
        """{flow: next hop}"""
        ways = {frame.udp_src: number for number, frame in self.send(family)}
        assert sorted(ways) == list(FLOWS)
        return ways


def send(vm, port, target, data):
    """A UDP packet from source port 'port', to be fragmented if need be."""
    family = socket.AF_INET6 if ":" in target else socket.AF_INET
    with vm.namespace.socket(family, socket.SOCK_DGRAM) as sender:
        sender.bind(("", port))
        sender.sendto(data, (target, 9))


@pytest.fixture(scope="module")
def made(shared):
    return World(shared)


@pytest.fixture
def world(made):
    yield made
    made.restore()


families = pytest.mark.parametrize("family", [4, 6], ids=["ipv4", "ipv6"])


def only_those_of(gone, before, after):
    """True if all flows that were on next hop 'gone' are now on several
    others, and no other flow has moved."""
    moved = {after[flow] for flow in before if before[flow] == gone}
    return gone not in moved and len(moved) > 1 and all(
        after[flow] == way for flow, way in before.items() if way != gone)


@families
def test_flows_are_spread_and_each_stays_on_its_way(world, family):
    first = world.paths(family)
    shares = [list(first.values()).count(number) for number in range(3)]
    # 20 each on average; four standard deviations are 15.
    assert min(shares) >= 5, shares
    for _ in range(3):
        assert world.paths(family) == first


@families
@pytest.mark.parametrize("gone", range(3))
def test_next_hop_that_leaves_the_route_moves_its_own_flows(world, family,
                                                            gone):
    before = world.paths(family)
    world.use([number for number in range(3) if number != gone])
    assert only_those_of(gone, before, world.paths(family))
    world.use(range(3))
    assert world.paths(family) == before


@families
@pytest.mark.parametrize("row", ["neighbors", "mac"])
def test_next_hop_that_resolves_no_more_moves_its_own_flows(world, family,
                                                            row):
    gone = 1
    before = world.paths(family)
    getattr(world, "delete_" + row)(gone)
    assert only_those_of(gone, before, world.paths(family))
    getattr(world, "add_" + row)(gone)
    assert world.paths(family) == before


@families
def test_fragments_of_a_datagram_stay_together(world, family):
    """Only the first has ports."""
    ways = {}
    for number, frame in world.send(family, size=4000, packets=3):
        packet = frame.data[14:]
        ident = packet[4:6] if family == 4 else packet[44:48]
        ways.setdefault(ident, []).append(number)
    assert len(ways) == len(FLOWS)
    assert all(len(way) == 3 and len(set(way)) == 1
               for way in ways.values())


@families
def test_without_any_next_hop_that_resolves_the_vm_is_told(world, family):
    before = world.paths(family)
    for number in range(3):
        world.delete_neighbors(number)
    error = icmp_error(world.a, TARGET[family])
    assert error[:2] == ((3, 1) if family == 4 else (1, 3))
    assert error.sender == (world.a.gateway if family == 4
                            else world.a.gateway6)
    world.add_neighbors(2)
    assert set(world.paths(family).values()) == {2}
    world.add_neighbors(0)
    world.add_neighbors(1)
    assert world.paths(family) == before
