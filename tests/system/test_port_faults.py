# SPDX-License-Identifier: Apache-2.0
"""The same faults for every type of port, with traffic running.

       a ── hv1 ══ underlay ══ hv2 ── b
       c ──┘

hv1's ports are of the types under test, all others are veths.  Ports of the
I/O thread and of PMD threads, packets in buffers of DPDK and of the heap, and
from each to each.
"""

import hashlib
import os
import re
import signal
import socket

import pytest
from conftest import ready

from overlay_lab import (LOCK_LOST, LabError, Stream, ping, reaches, transfer,
                         wait_for)
from overlay_lab.wire import BROADCAST, Sniffer, ethernet
from test_faults import LOST_DATABASE

# Of VM a, VM c, and the uplink.
WORLDS = {
    "veth": ("veth", "veth", "veth"),
    "tap": ("bridged-tap", "veth", "veth"),
    "internal": ("bridged-internal", "veth", "veth"),
    "dpdk": ("dpdk", "dpdk", "dpdk"),
    "vhost": ("vhost", "dpdk", "veth"),
}

# Those that differ most, for faults that take long.
FEW = ["tap", "dpdk", "vhost"]

# What the last packets to a port that goes away, or whose device does, are
# reported as.
GOING = [r"\b(a|eth1|uplink)\b.*(No such device|Network is down|failed)"]

# What the stock datapath says when it takes over ports under traffic.
STOCK = [r"\|tunnel\|", r"dpif_netdev", r"ofproto_dpif_upcall",
         r"Dropped \d+ log messages"]


# Packets a second.  The queue of a packet socket holds some hundreds of them,
# and on a busy machine nobody may look there for a third of a second.
RATE = 200


def stream(source, destination):
    return Stream(source, destination, RATE)


class World:
    def __init__(self, fabric, kind):
        vm, other, uplink = WORLDS[kind]
        self.fabric = fabric
        self.kind = kind
        self.hv1 = fabric.add_hypervisor(start=False, uplink=uplink)
        self.hv1.start_database()
        if {vm, other, uplink} & {"dpdk", "vhost"}:
            self.hv1.enable_dpdk()
            start_with_dpdk(self.hv1)
        else:
            self.hv1.start_switch()
        fabric.make_bridge(self.hv1)
        self.hv2 = fabric.add_hypervisor()
        fabric.add_network(5001)
        self.a = fabric.add_vm("a", self.hv1, 5001, 1, kind=vm)
        self.b = fabric.add_vm("b", self.hv2, 5001, 2)
        self.c = fabric.add_vm("c", self.hv1, 5001, 3, kind=other)
        ready(fabric)
        reaches(self.a, self.b.ip)
        reaches(self.c, self.b.ip)
        reaches(self.hv1, self.hv2.vtep)
        wait_for(lambda: not self.hv1.footprint()["mbufs"], "rest")
        self.footprint = self.hv1.footprint()

    def give_local_its_address(self):
        """After LOCAL has been made anew."""
        wait_for(lambda: self.hv1.namespace.run(
            "ip", "addr", "replace", self.hv1.vtep + "/24", "dev", "br-ov",
            check=False).returncode == 0, "LOCAL")
        self.hv1.namespace.ip("link set dev br-ov up")

    def join_bridges(self):
        """Puts taps that were made anew back behind their VMs."""
        for vm in self.a, self.c:
            if vm.kind.startswith("bridged-"):
                wait_for(lambda: self.hv1.namespace.run(
                    "ip", "link", "set", "dev", vm.port, "master",
                    vm.name + "-br", "up", check=False).returncode == 0,
                         "tap of " + vm.name)

    def streams(self):
        """One in each direction, between hosts, between local VMs."""
        streams = [stream(self.a, self.b), stream(self.b, self.a),
                   stream(self.hv1, self.hv2), stream(self.c, self.a)]
        for one in streams:
            one.wait_for_more()
        return streams

    def check(self):
        """Nothing is leaked and everything works."""
        for vm in (self.a, self.c, self.hv1):
            reaches(vm, self.hv2.ip if vm is self.hv1 else self.b.ip)
        assert self.hv1.interface_errors() == []
        wait_for(lambda: not self.leaked(), "nothing to be leaked",
                 on_timeout=self.leaked)

    def leaked(self):
        """What is more now than it was."""
        now = self.hv1.footprint()
        # A thread that waits has a pipe, which it gets when it first does.
        now["descriptors"] = max(self.footprint["descriptors"],
                                 now["descriptors"] - 4)
        return {key: (self.footprint[key], now[key]) for key in now
                if now[key] != self.footprint[key]}


def start_with_dpdk(hypervisor):
    try:
        hypervisor.start_switch()
    except LabError as error:
        if "Unable to initialize DPDK" in str(error):
            pytest.skip("DPDK does not start here")
        raise


@pytest.fixture(params=WORLDS)
def world(fabric, request):
    world = World(fabric, request.param)
    yield world
    world.check()


def lossless(streams):
    for one in streams:
        one.wait_for_more()
    assert [one.stop() for one in streams] == [0] * len(streams)


def test_every_port_forwards(world):
    """Between all pairs: bytes of all sizes, exactly once."""
    vms = world.a, world.b, world.c
    data = os.urandom(300000)
    for one in vms:
        for other in vms:
            if one is not other:
                assert ping(one, other.ip, count=2, size=1400).lost == 0
                assert ping(one, other.ip, count=2, size=0).lost == 0
                assert transfer(one, other, data) \
                    == hashlib.sha256(data).hexdigest()
    # ARP of a VM that nobody knows is flooded, and nothing is left of it.
    before = world.hv1.totals()["replicated"]
    assert not ping(world.a, "10.1.0.99", count=1, wait=0.1).received
    wait_for(lambda: world.hv1.totals()["replicated"] > before, "a flood")
    lossless(world.streams())


@pytest.mark.parametrize("world", ["dpdk"], indirect=True)
def test_another_driver_forwards(world):
    """Each driver of DPDK has buffers and offload marks of its own."""
    d = world.fabric.add_vm("d", world.hv1, 5001, 4, kind="dpdk-pcap")
    reaches(d, world.b.ip)
    data = os.urandom(300000)
    for other in world.a, world.b:
        assert transfer(d, other, data) == hashlib.sha256(data).hexdigest()
        assert transfer(other, d, data) == hashlib.sha256(data).hexdigest()
    world.hv1.vsctl("del-port", d.port)


@pytest.mark.parametrize("world", ["dpdk"], indirect=True)
def test_copies_and_originals_leave_together(world):
    """Unicast frames stay in DPDK's buffers, copies of broadcasts are made in
    others.  netdev-dpdk takes a batch for what its first packet is."""
    a, c = world.a, world.c
    frames = [ethernet(BROADCAST if i % 2 else c.mac, a.mac, 0x88b5,
                       b"%04d" % i + bytes(1400)) for i in range(200)]
    before = world.hv1.resident()
    with Sniffer(c.namespace, c.device) as sniffer, \
            a.namespace.socket(socket.AF_PACKET, socket.SOCK_RAW) as sender:
        sender.bind((a.device, 0))

        def missing():
            came = [frame.data for frame in sniffer.frames()]
            return [frame for frame in frames if came.count(frame) != 1]

        for _ in range(50):
            for frame in frames:
                sender.send(frame)
            wait_for(lambda: not missing(), "each frame once",
                     on_timeout=missing)
            sniffer.clear()
    # A copy that goes as an original is never freed: 5000 of them.
    assert world.hv1.resident() - before < 4 << 20


def test_nothing_is_lost_without_the_database(world):
    """The server is killed, hangs, and its lock is stolen."""
    fabric, hv1 = world.fabric, world.hv1
    fabric.expected += LOST_DATABASE + [LOCK_LOST]
    streams = world.streams()
    hv1.kill_database()
    streams[0].wait_for_more(200)
    world.a.forget_neighbors()          # ARP is answered meanwhile.
    assert ping(world.a, world.b.ip).lost == 0
    hv1.start_database()
    follows(hv1)
    hv1.database.send_signal(signal.SIGSTOP)
    streams[0].wait_for_more(200)
    hv1.database.send_signal(signal.SIGCONT)
    follows(hv1)
    with hv1.stolen_lock():
        streams[0].wait_for_more(400)
    wait_for(hv1.has_bridge, "the bridge")
    follows(hv1)
    lossless(streams)


@pytest.mark.parametrize("world", FEW, indirect=True)
def test_port_is_made_again_after_the_lock_was_stolen(world):
    """Whoever held its device before the theft has let go of it."""
    world.fabric.expected += GOING + [LOCK_LOST]
    with world.hv1.stolen_lock():
        pass
    wait_for(world.hv1.has_bridge, "the bridge")
    world.hv1.vsctl("del-port", world.a.port)
    world.fabric.plug(world.a)
    world.fabric.bind(world.a)


def follows(hypervisor):
    wait_for(lambda: hypervisor.vsctl("set", "Bridge", "br-ov",
                                      "external_ids:was=away") == "",
             "ovs-vswitchd to follow the database")


def test_killed_daemon_comes_back(world):
    streams = world.streams()
    for how in signal.SIGKILL, signal.SIGSEGV:
        world.hv1.kill_switch(how)
        world.hv1.start_switch()
        for one in streams:
            one.wait_for_more()
    for one in streams:
        one.stop()


def test_others_lose_nothing_while_a_port_comes_and_goes(world):
    a, b, c, hv1 = world.a, world.b, world.c, world.hv1
    world.fabric.expected += GOING
    streams = [stream(c, b), stream(b, c), stream(hv1, world.hv2)]
    for _ in range(5):
        hv1.vsctl("del-port", a.port)
        streams[0].wait_for_more(20)
        world.fabric.plug(a)
        world.fabric.bind(a)
        reaches(a, b.ip)
        reaches(c, a.ip)
    lossless(streams)


@pytest.mark.parametrize("world", FEW, indirect=True)
def test_others_lose_nothing_while_a_port_changes_its_mtu(world):
    a, b, c, hv1 = world.a, world.b, world.c, world.hv1
    streams = [stream(c, b), stream(b, c), stream(hv1, world.hv2)]
    through = stream(a, b)
    for mtu in 1400, 1500, 1300, 1450, 1500:
        hv1.vsctl("set", "Interface", a.port, "mtu_request=%d" % mtu)
        wait_for(lambda: hv1.vsctl("get", "Interface", a.port,
                                   "mtu").strip() == str(mtu), "the MTU")
        through.wait_for_more(20)
    lossless(streams)
    through.stop()


@pytest.mark.parametrize("world", ["veth", "tap", "internal"], indirect=True)
def test_mtu_that_the_kernel_refuses(world):
    """Each port goes on with the one that it has, and says so."""
    hv1 = world.hv1
    ports = world.a.port, hv1.uplink_port, "br-ov"
    world.fabric.expected += [r"failed to set MTU for network device",
                              r"refuses mtu_request="]
    streams = world.streams()
    for mtu in 10, 67, 70000:
        for port in ports:
            hv1.vsctl("set", "Interface", port, "mtu_request=%d" % mtu)
        refused = ("its device refuses mtu_request=%d (Invalid argument) and "
                   "has the MTU that Interface:mtu says: set one that it can "
                   "have, or clear Interface mtu_request" % mtu)
        wait_for(lambda: hv1.interface_errors() == [refused] * len(ports),
                 "the errors", on_timeout=hv1.interface_errors)
        for port in ports:
            assert hv1.vsctl("get", "Interface", port, "mtu").strip() == "1500"
    for port in ports:
        hv1.vsctl("clear", "Interface", port, "mtu_request")
    wait_for(lambda: not hv1.interface_errors(), "no error")
    lossless(streams)


@pytest.mark.parametrize("world", ["veth", "dpdk"], indirect=True)
def test_uplink_comes_back(world):
    """It goes down, is deleted, changes its MTU."""
    a, b, hv1 = world.a, world.b, world.hv1
    world.fabric.expected += GOING
    through, local = world.streams()[0], stream(world.c, a)
    for _ in range(3):
        world.fabric.underlay.ip("link set dev hv1 down")
        local.wait_for_more(20)
        world.fabric.underlay.ip("link set dev hv1 up")
        through.wait_for_more()
    for _ in range(2):
        hv1.vsctl("del-port", hv1.uplink_port)
        local.wait_for_more(20)
        hv1.vsctl(*world.fabric.add_uplink(hv1))
        through.wait_for_more()
    for mtu in 1400, 1500:
        hv1.vsctl("set", "Interface", hv1.uplink_port,
                  "mtu_request=%d" % mtu)
        through.wait_for_more()
    lossless([local])
    through.stop()
    assert ping(a, b.ip, size=1400).lost == 0


@pytest.mark.parametrize("world", ["dpdk", "vhost"], indirect=True)
def test_pmd_threads_move_without_a_lost_packet(world):
    """More than a burst per move would be too many; there is none."""
    streams = world.streams()
    for mask in "1", "2", "3", "1", "2", "3":
        world.hv1.vsctl("set", "Open_vSwitch", ".",
                        "other_config:pmd-cpu-mask=%s" % mask)
        streams[0].wait_for_more(20)
    for core in "0", "1":
        world.hv1.vsctl("set", "Interface", world.a.port,
                        "other_config:pmd-rxq-affinity=0:%s" % core)
        streams[0].wait_for_more(20)
    lossless(streams)
    world.hv1.vsctl("remove", "Open_vSwitch", ".", "other_config",
                    "pmd-cpu-mask", "--", "remove", "Interface",
                    world.a.port, "other_config", "pmd-rxq-affinity")


@pytest.mark.parametrize("world", FEW, indirect=True)
def test_datapath_type_flips(world):
    """Every device changes its owner within one reconfiguration, twice."""
    hv1 = world.hv1
    world.fabric.expected += GOING + STOCK
    streams = world.streams()
    for _ in range(2):
        hv1.vsctl("set", "Bridge", "br-ov", "datapath_type=netdev")
        wait_for(lambda: not hv1.counters()["ports"], "no ports")
        hv1.vsctl("set", "Bridge", "br-ov", "datapath_type=overlay")
        world.give_local_its_address()
        world.join_bridges()
        for one in streams:
            one.wait_for_more(timeout=20)
    for one in streams:
        one.stop()


@pytest.mark.parametrize("world", ["tap", "vhost"], indirect=True)
def test_empty_database_and_back(world):
    """Another file, without a row, then the former one."""
    hv1 = world.hv1
    path = hv1.directory + "/conf.db"
    world.fabric.expected += GOING + LOST_DATABASE
    streams = world.streams()
    hv1.kill_database()
    os.rename(path, path + ".full")
    hv1.start_database()
    wait_for(lambda: not hv1.counters()["ports"], "no ports", timeout=20)
    hv1.kill_database()
    os.rename(path + ".full", path)
    hv1.start_database()
    world.give_local_its_address()
    world.join_bridges()
    for one in streams:
        one.wait_for_more(timeout=20)
    for one in streams:
        one.stop()


# Only of vhost-user ports.

@pytest.fixture
def vhost(fabric):
    world = World(fabric, "vhost")
    yield world
    world.check()


def test_vm_behind_vhost_restarts(vhost):
    """QEMU is killed and started, again and again; others lose nothing."""
    a, b, c, fabric = vhost.a, vhost.b, vhost.c, vhost.fabric
    streams = [stream(c, b), stream(b, c), stream(vhost.hv1, vhost.hv2)]
    through = stream(b, a)
    for _ in range(3):
        fabric.end(a.front_end, signal.SIGKILL)
        streams[0].wait_for_more(100)
        fabric.start_vhost(a)
        through.wait_for_more()
        reaches(a, b.ip)
    lossless(streams)
    through.stop()


def test_vm_behind_vhost_that_stops_disturbs_nobody(vhost):
    """Its receive queue is full and stays so; then it goes on."""
    a, b, c, hv1 = vhost.a, vhost.b, vhost.c, vhost.hv1
    streams = [stream(c, b), stream(b, c), stream(hv1, vhost.hv2)]
    through = Stream(b, a)
    through.wait_for_more()
    a.front_end.send_signal(signal.SIGSTOP)
    streams[0].wait_for_more(200)
    a.front_end.send_signal(signal.SIGCONT)
    through.wait_for_more()
    lossless(streams)
    assert through.stop() > 0           # Or it had not been full.


def test_vm_behind_vhost_comes_with_more_queues(vhost):
    """The number of queues is the VM's to choose, at each start."""
    a, b, c, fabric = vhost.a, vhost.b, vhost.c, vhost.fabric
    streams = [stream(c, b), stream(b, c)]
    for queues in 4, 1, 2:
        fabric.end(a.front_end, signal.SIGKILL)
        fabric.start_vhost(a, queues)
        wait_for(lambda: len(re.findall(
            r"port: a .*\(enabled\)",
            vhost.hv1.appctl("dpif-overlay/pmd-rxq-show"))) == queues,
                 "%d queues" % queues)
        reaches(a, b.ip)
        through = stream(a, b), stream(b, a)
        lossless(through)
    lossless(streams)
    fabric.end(a.front_end, signal.SIGKILL)
    fabric.start_vhost(a)
