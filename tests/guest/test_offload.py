# SPDX-License-Identifier: Apache-2.0
"""Guests that leave checksums and segmentation to the switch, as they may with
other_config:userspace-tso-enable.

    a ─┐
    c ─┼─ hv1 ══ underlay ══ hv2 ── b
    d ─┤
  v, t ┘

Guest d is in another network, which is routed to that of the others.  VMs v
and t, on a veth and on a tap, are namespaces whose kernel leaves
as much to others.
"""

import hashlib
import os
import struct

import pytest
from conftest import make_world

from overlay_lab import reaches, transfer
from overlay_lab.wire import ETH_IPV6, checksum

MEGABYTES = 4


@pytest.fixture(scope="module")
def world(request, images):
    with make_world(request, images, 2, tso=True) as world:
        world.hv1, world.hv2 = world.hypervisors
        world.a = world.add("a", 0, 1)
        world.b = world.add("b", 1, 2)
        world.c = world.add("c", 0, 3)
        world.d = world.add("d", 0, 4, subnet=2)
        world.wait()
        yield world


def traffic(guest):
    return {key: int(value) for key, value
            in guest.hypervisor.counters()["ports"][guest.port].items()}


def bytes_per_packet(guest, direction, work):
    """Of all that passes the port of 'guest' during 'work'."""
    before = traffic(guest)
    work()
    after = traffic(guest)
    bytes_, packets = (after[direction + what] - before[direction + what]
                       for what in ("_bytes", "_packets"))
    return bytes_ / packets


def moves(source, destination):
    """Moves a file both ways by both families."""
    for server, client in (source, destination), (destination, source):
        checksum_ = server.make_file(MEGABYTES)
        for address in server.ip, server.ip6:
            client.reaches(address)
            assert client.fetch(address) == checksum_


@pytest.mark.parametrize("neighbor", ["c", "d"], ids=["bridged", "routed"])
def test_local_traffic_stays_whole(world, neighbor):
    """A guest's large packet is one packet to its neighbor, too."""
    neighbor = getattr(world, neighbor)
    checksum_ = world.a.make_file(MEGABYTES)
    for address in world.a.ip, world.a.ip6:
        neighbor.reaches(address)

        def fetch():
            assert neighbor.fetch(address) == checksum_
        assert bytes_per_packet(neighbor, "tx", fetch) > 5000
    moves(world.a, neighbor)


def check_segment(frame):
    """What leaves is no larger than the link, and its checksums are right."""
    assert len(frame.data) <= 14 + 1500
    inner = frame.inner.data[14:]
    if frame.inner.type == ETH_IPV6:
        tcp, addresses = inner[40:], inner[8:40]
        assert len(tcp) == struct.unpack_from("!H", inner, 4)[0]
    else:
        tcp, addresses = inner[20:], inner[12:20]
        assert checksum(inner[:20]) == b"\0\0"
        assert len(inner) == struct.unpack_from("!H", inner, 2)[0]
    pseudo = addresses + struct.pack("!IHBB", len(tcp), 0, 0, 6)
    assert checksum(pseudo + tcp) == b"\0\0"


@pytest.mark.parametrize("peer", ["a", "d"])
def test_tunnel_gets_segments(world, peer):
    peer = getattr(world, peer)
    checksum_ = peer.make_file(MEGABYTES)
    for address in peer.ip, peer.ip6:
        world.b.reaches(address)
        with world.fabric.watch(world.hv2) as sniffer:
            def fetch():
                assert world.b.fetch(address) == checksum_
            assert bytes_per_packet(peer, "rx", fetch) > 5000
            frames = [frame for frame in sniffer.frames()
                      if frame.inner and frame.inner.proto == 6]
        assert len(frames) > MEGABYTES * 500
        for frame in frames:
            check_segment(frame)
    moves(peer, world.b)


# Kernels.

@pytest.fixture(scope="module", params=["veth", "bridged-tap"])
def vm(world, request):
    vm = world.fabric.add_vm("v" if request.param == "veth" else "t",
                             world.hv1, 5001,
                             {"veth": 5, "bridged-tap": 6}[request.param],
                             kind=request.param, ip6=True)
    # The lab has switched that off.
    vm.namespace.run("ethtool", "-K", vm.device, "tx", "on")
    return vm


def test_kernel_leaves_as_much_to_the_switch(world, vm):
    """From it and to it: within the host, through the tunnel, routed."""
    vm.namespace.ip("route replace default via " + vm.gateway)
    for guest in world.a, world.b, world.d:
        reaches(vm, guest.ip)
        checksum_ = guest.make_file(1)
        assert vm.namespace.run(
            "python3", "-c", FETCH, guest.ip).stdout.strip() == checksum_
        data = os.urandom(1 << 20)

        def send():
            assert receive(vm, guest, data) == hashlib.md5(data).hexdigest()
        assert bytes_per_packet(vm, "rx", send) > 3000


# Prints the checksum of what the guest's web server has.
FETCH = """
import hashlib, sys, urllib.request
print(hashlib.md5(urllib.request.urlopen(
    "http://%s/file" % sys.argv[1], timeout=60).read()).hexdigest())
"""


def receive(vm, guest, data):
    """Has the guest get 'data' by TCP from 'vm' and returns its checksum."""
    with vm.namespace.socket() as listener:
        listener.bind((vm.ip, 0))
        listener.listen(1)
        guest.start("nc %s %d < /dev/null | md5sum"
                    % listener.getsockname())
        listener.settimeout(60)
        connection = listener.accept()[0]
        with connection:
            connection.sendall(data)
    return guest.finish().split()[0]


def test_hosts_own_traffic(world):
    """Through LOCAL, whose kernel leaves it to the switch, and an uplink that
    can do nothing."""
    data = os.urandom(3 << 20)
    for source, destination in ((world.hv1, world.hv2),
                                (world.hv2, world.hv1)):
        reaches(source, destination.vtep)
        assert transfer(source, destination, data) \
            == hashlib.sha256(data).hexdigest()
