# SPDX-License-Identifier: Apache-2.0
"""Rows that are not there yet: what the VM is told, and that packets flow as
soon as the last one is there, in whatever order they come.

     a  5001 ── hv1 ══ underlay ══ host3, a Linux router ── server 10.3.0.13
                           ║
                          hv2 ── b  5002
"""

import itertools

import pytest
from conftest import ready

from overlay_lab import Stream, icmp_error, ping

ROUTER_MAC, PEER_MAC = "02:00:00:00:77:01", "02:00:00:00:77:03"
L3_VNI = 7001
NEXTHOP, NEXTHOP6 = "10.77.0.3", "fd77::3"

NET_UNREACHABLE = {4: (3, 0), 6: (1, 0)}
HOST_UNREACHABLE = {4: (3, 1), 6: (1, 3)}

# What resolves 10.3.0.0/24 and fd02::/64 into a VTEP, and its removal.
ROWS = {
    "route": (["route-add", "red", "10.3.0.0/24", NEXTHOP,
               "vni=%d" % L3_VNI, "--",
               "route-add", "red", "fd02::/64", NEXTHOP6, "vni=%d" % L3_VNI],
              [["route-del", "red", "10.3.0.0/24"],
               ["route-del", "red", "fd02::/64"]]),
    "network": (["net-add", L3_VNI, "vrf=red"], [["net-del", L3_VNI]]),
    "neighbors": (["neigh-add", L3_VNI, NEXTHOP, PEER_MAC, "--",
                   "neigh-add", L3_VNI, NEXTHOP6, PEER_MAC],
                  [["neigh-del", L3_VNI, NEXTHOP],
                   ["neigh-del", L3_VNI, NEXTHOP6]]),
    "mac": (["mac-add", L3_VNI, PEER_MAC, "192.0.2.3"],
            [["mac-del", L3_VNI, PEER_MAC]]),
}


class World:
    def __init__(self, fabric):
        self.hypervisor = fabric.add_hypervisor()
        self.hypervisor.vsctl("set", "Bridge", "br-ov",
                              'overlay_router_mac="%s"' % ROUTER_MAC)
        hv2 = fabric.add_hypervisor()
        kernel = fabric.add_kernel_vtep()
        for subnet in 1, 2:
            fabric.add_network(
                5000 + subnet, "vrf=red",
                "gateway=10.%d.0.1/24,fd%02d::1/64" % (subnet, subnet - 1))
        self.a = fabric.add_vm("a", self.hypervisor, 5001, 1, ip6=True)
        self.b = fabric.add_vm("b", hv2, 5002, 2, ip6=True, subnet=2,
                               announce=False)
        fabric.announce(self.a, ip6=True)
        for vm in self.a, self.b:
            vm.use_gateway(ip6=True)
        router = kernel.add_vrf("red", L3_VNI, PEER_MAC)
        self.server = router.add_server("server", 3, 3)
        router.add_peer(self.hypervisor.vtep, ROUTER_MAC, "10.1.0.0/24",
                        "fd00::/64")
        ready(fabric)

    def add(self, name):
        self.hypervisor.overlay_ctl(*ROWS[name][0])

    def delete(self, *names):
        """Deletes what there is of them."""
        words = []
        for name in names:
            for row in ROWS[name][1]:
                words += ["--", "--if-exists", *row]
        self.hypervisor.overlay_ctl(*words)


@pytest.fixture(scope="module")
def made(shared):
    return World(shared)


@pytest.fixture
def world(made):
    """Without any of ROWS."""
    yield made
    made.delete(*ROWS)
    made.hypervisor.overlay_ctl("--", "--if-exists", "mac-del", 5002,
                                made.b.mac)


def is_told(vm, target, errors):
    """VM 'vm' gets the error about each of the target's addresses, from its
    gateway."""
    for family, address, gateway in ((4, target.ip, vm.gateway),
                                     (6, target.ip6, vm.gateway6)):
        error = icmp_error(vm, address)
        assert error and error[:2] == errors[family], (error, address)
        assert error.sender == gateway


@pytest.mark.parametrize("first", ROWS)
def test_rows_that_a_route_needs_may_come_in_any_order(world, first):
    others = [name for name in ROWS if name != first]
    for order in itertools.permutations(others):
        there = set()
        for name in first, *order:
            is_told(world.a, world.server, HOST_UNREACHABLE
                    if "route" in there else NET_UNREACHABLE)
            world.add(name)
            there.add(name)
        # The command has returned: the very first packet goes through.
        for address in world.server.ip, world.server.ip6:
            assert ping(world.a, address, count=1).lost == 0
        world.delete(*order, first)


def test_waiting_stream_starts_by_itself(world):
    """Nobody asks or announces anything: a VM that goes on sending is enough,
    over both families at once."""
    streams = [Stream(world.a, world.server, rate=100, address=address)
               for address in (world.server.ip, world.server.ip6)]
    for name in ROWS:
        assert [stream.received() for stream in streams] == [0, 0]
        world.add(name)
    for stream in streams:
        stream.wait_for_more(20)
        stream.stop()


def test_each_row_that_goes_is_told_until_it_is_back(world):
    for name in ROWS:
        world.add(name)
    for name in ROWS:
        world.delete(name)
        is_told(world.a, world.server, NET_UNREACHABLE if name == "route"
                else HOST_UNREACHABLE)
        world.add(name)
        for address in world.server.ip, world.server.ip6:
            assert ping(world.a, address, count=1).lost == 0


def test_vm_of_a_connected_network_that_no_row_names(world):
    """One row makes its neighbors, too."""
    hypervisor, b = world.hypervisor, world.b
    is_told(world.a, b, HOST_UNREACHABLE)
    hypervisor.overlay_ctl("neigh-add", 5002, b.ip, b.mac, "--",
                           "neigh-add", 5002, b.ip6, b.mac)
    is_told(world.a, b, HOST_UNREACHABLE)
    hypervisor.overlay_ctl("mac-add", 5002, b.mac, b.hypervisor.vtep)
    for address in b.ip, b.ip6:
        assert ping(world.a, address, count=1).lost == 0
    hypervisor.overlay_ctl("neigh-del", 5002, b.ip, "--",
                           "neigh-del", 5002, b.ip6)
    is_told(world.a, b, HOST_UNREACHABLE)
    hypervisor.overlay_ctl("--", "--may-exist", "mac-add", 5002, b.mac,
                           b.hypervisor.vtep, b.ip, b.ip6)
    for address in b.ip, b.ip6:
        assert ping(world.a, address, count=1).lost == 0
