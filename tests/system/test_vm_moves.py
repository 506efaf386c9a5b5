# SPDX-License-Identifier: Apache-2.0
"""A VM moves while others send to it.

     bridged  5001 ─┐              ┌─ hv2 ── vm2, 5001   bystander2, 5001
                   hv1 ═ underlay ═┤
     routed   5002 ─┘              └─ hv3 ── vm3, 5001   bystander3, 5001

vm2 and vm3 have the same addresses: they are the VM before and after, as at a
live migration, whose last step is one change of one row on hv1.  Each counts
what it gets, so that nothing is missed because of the time that it would take
to stop the one and start the other.

A numbered packet is in flight while it is in a queue: of the sender's link,
of the underlay, of the receiver's link.  Read before the row it arrives at
vm2, after it at vm3; never at neither, nor at both.  One thread reads a
sender's link, so no later packet arrives at vm2 than at vm3, and what is sent
when the command has returned arrives at vm3.
"""

import hashlib
import random
import threading

import pytest
from conftest import ready

from overlay_lab import Sniffer, Stream, ping, reaches, transfer

MOVES = 10
# Per stream and second.  A port's socket takes some 270 packets while nobody
# reads: it must not overflow when the machine is busy for half a second.
RATE = 100
VNI = 5001


class World:
    def __init__(self, fabric):
        self.fabric = fabric
        self.hv1, self.hv2, self.hv3 = (fabric.add_hypervisor()
                                        for _ in range(3))
        for subnet in 1, 2:
            fabric.add_network(
                5000 + subnet, "vrf=red",
                "gateway=10.%d.0.1/24,fd%02d::1/64" % (subnet, subnet - 1))
        self.bridged = self.add_vm("bridged", self.hv1, 1)
        self.routed = self.add_vm("routed", self.hv1, 2, subnet=2)
        self.bystanders = [self.add_vm("bystander%d" % (number + 2),
                                       hypervisor, 3 + number)
                           for number, hypervisor in enumerate((self.hv2,
                                                                self.hv3))]
        ready(fabric)

    def add_vm(self, name, hypervisor, host, subnet=1, **kwargs):
        vm = self.fabric.add_vm(name, hypervisor, 5000 + subnet, host,
                                ip6=True, subnet=subnet, **kwargs)
        vm.use_gateway(ip6=True)
        return vm

    def streams_to(self, vm, *copies):
        """Bridged and routed, over both families."""
        return [Stream(source, vm, RATE, address, copies)
                for source in (self.bridged, self.routed)
                for address in (vm.ip, vm.ip6)]

    def tell(self, hypervisor, vm, where):
        """The one row."""
        hypervisor.overlay_ctl("--", "--may-exist", "mac-add", VNI, vm.mac,
                               where.vtep, vm.ip, vm.ip6)


@pytest.fixture(scope="module")
def world(shared):
    return World(shared)


@pytest.fixture
def add_vm(world):
    """Adds a VM for one test."""
    added = []

    def add(name, hypervisor, host, **kwargs):
        added.append(world.add_vm(name, hypervisor, host, announce=False,
                                  **kwargs))
        return added[-1]

    yield add
    for vm in added:
        for hypervisor in world.fabric.hypervisors:
            hypervisor.vsctl("--if-exists", "del-port", vm.port)
            hypervisor.overlay_ctl("--", "--if-exists", "mac-del", VNI,
                                   vm.mac)
            # With the namespace it would go, but some time later.
            hypervisor.namespace.run("ip", "link", "del", vm.port,
                                     check=False)
        world.fabric.remove_namespace(vm.namespace)
        world.fabric.vms.remove(vm)


def go_and_come(world, streams, move):
    """Calls 'move' with True and False in turn, while 'streams' go on, and
    looks where each packet has arrived."""
    returned = [[] for _ in streams]
    for number in range(MOVES):
        for stream in streams:
            stream.wait_for_more(10)
        move(number % 2 == 0)
        for stream, numbers in zip(streams, returned):
            numbers.append(stream.sent)
    for stream in streams:
        stream.wait_for_more(10)
        stream.stop()
    for stream, numbers in zip(streams, returned):
        assert not stream.missing(), numbers
        here, there = stream.numbers()
        # Each once, and each of the two got its own in order.
        assert not set(here) & set(there)
        assert (here, there) == (sorted(set(here)), sorted(set(there)))
        # Where the stream has changed over, and that it has each time before
        # the command had returned.
        arrived_there = set(there)
        turns = [n for n in range(1, stream.sent)
                 if (n in arrived_there) != (n - 1 in arrived_there)]
        assert len(turns) == MOVES
        assert all(turn <= number for turn, number in zip(turns, numbers))


def test_one_row_moves_bridged_and_routed_traffic_at_once(world, add_vm):
    vm2 = add_vm("vm2", world.hv2, 7)
    vm3 = add_vm("vm3", world.hv3, 7)
    world.tell(world.hv1, vm2, world.hv2)
    for source in world.bridged, world.routed:
        reaches(source, vm2.ip)
        reaches(source, vm2.ip6)
    sniffers = [Sniffer(vm.namespace, "eth0") for vm in world.bystanders]
    go_and_come(world, world.streams_to(vm2, vm3), lambda away: world.tell(
        world.hv1, vm2, world.hv3 if away else world.hv2))
    for sniffer in sniffers:            # Nobody else has got any.
        assert not [frame for frame in sniffer.frames()
                    if frame.ip_dst in (vm2.ip, vm2.ip6)]
        sniffer.close()


def test_move_from_and_to_the_senders_host(world, add_vm):
    """The row for the other host waits: a local port goes before it."""
    here = add_vm("here", world.hv1, 8)
    there = add_vm("there", world.hv2, 8)
    world.tell(world.hv1, there, world.hv2)
    for source in world.bridged, world.routed:
        reaches(source, here.ip)
        reaches(source, here.ip6)

    def move(away):
        if away:
            world.hv1.overlay_ctl("port-unbind", here.port)
        else:
            world.fabric.bind(here, ip6=True)

    go_and_come(world, world.streams_to(here, there), move)


@pytest.fixture
def migrant(world, add_vm):
    """One VM whose link may be on hv2 or hv3.  Its move() takes it from the
    one to the other, make before break."""
    vm = add_vm("vm", world.hv2, 9, kind="movable")
    world.fabric.add_leg(vm, world.hv3)
    world.tell(world.hv1, vm, world.hv2)
    for source in world.bridged, world.routed:
        reaches(source, vm.ip)
        reaches(source, vm.ip6)
    hosts = [world.hv2, world.hv3]

    def move(streams=()):
        """Waits until what 'streams' had sent to the old place, or from it,
        has arrived before that place is closed."""
        old, new = hosts
        vm.attach(new)
        world.fabric.bind(vm, ip6=True, where=new)
        world.tell(world.hv1, vm, new)
        for stream in streams:
            stream.wait_for_all()
        vm.detach(old)
        for stream in streams:
            stream.wait_for_all()
        old.overlay_ctl("port-unbind", vm.port)
        hosts.reverse()

    vm.move = move
    return vm


def test_streams_and_ping_both_ways_while_a_vm_moves(world, migrant):
    sources = world.bridged, world.routed
    streams = world.streams_to(migrant) + [
        Stream(migrant, source, RATE, address) for source in sources
        for address in (source.ip, source.ip6)]
    pings = {}
    threads = [threading.Thread(target=lambda vm=vm: pings.update(
        {vm: ping(vm, migrant.ip, count=100, interval=0.01)}), daemon=True)
               for vm in sources]
    for thread in threads:
        thread.start()
    for _ in range(MOVES):
        for stream in streams:
            stream.wait_for_more(10)
        migrant.move(streams)
    for thread in threads:
        thread.join()
    for stream in streams:
        stream.stop()
        assert not stream.missing()
    assert [pings[vm].lost for vm in sources] == [0, 0]


def test_tcp_goes_on_while_a_vm_moves(world, migrant):
    data = random.Random(9).randbytes(8 << 20)
    want = hashlib.sha256(data).hexdigest()
    arrived = []
    threads = [threading.Thread(target=lambda ends=ends, to=to: arrived.append(
        transfer(*ends, data, to)), daemon=True) for ends, to in (
            ((world.bridged, migrant), migrant.ip),
            ((world.routed, migrant), migrant.ip6),
            ((migrant, world.routed), world.routed.ip))]
    for thread in threads:
        thread.start()
    moves = 0
    while moves < 4 or any(thread.is_alive() for thread in threads):
        migrant.move()
        moves += 1
    assert arrived == [want] * len(threads)
