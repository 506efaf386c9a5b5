# SPDX-License-Identifier: Apache-2.0
"""Two guests, on one hypervisor and on two.

    a ── hv1 ── b                 a ── hv1 ══ underlay ══ hv2 ── b

Guest c, with several queues, is on the first one, in a network of its own,
which is routed to the other.
"""

import re
import signal

import pytest
from conftest import make_world, system

from overlay_lab import wait_for


@pytest.fixture(scope="module", params=[1, 2], ids=["one", "two"])
def world(request, images):
    with make_world(request, images, request.param) as world:
        world.hv1, world.hv2 = world.hypervisors[0], world.hypervisors[-1]
        world.a = world.add("a", 0, 1)
        world.b = world.add("b", -1, 2)
        world.c = world.add("c", 0, 3, subnet=2, queues=2)
        world.wait()
        yield world


def every_pair(world):
    """Every way between guests, by both families, small and large."""
    for source, destination in ((world.a, world.b), (world.b, world.a),
                                (world.a, world.c), (world.c, world.b)):
        for address in destination.ip, destination.ip6:
            source.reaches(address)
            assert source.pings(address, size=1300)


def test_ping(world):
    every_pair(world)


def test_file_arrives(world):
    for server, client in ((world.a, world.b), (world.b, world.a),
                           (world.b, world.c), (world.c, world.a)):
        checksum = server.make_file(4)
        for address in server.ip, server.ip6:
            client.reaches(address)
            assert client.fetch(address) == checksum


def test_arp_is_answered_by_the_switch(world):
    """Nothing of it reaches the other guest, and what is learned is right."""
    world.a.run("ip neigh flush dev eth0")
    world.a.reaches(world.b.ip)
    assert world.b.mac in world.a.run("ip neigh show " + world.b.ip)


def test_both_queues_are_polled(world):
    wait_for(lambda: len(re.findall(
        r"port: c .*\(enabled\)",
        world.hv1.appctl("dpif-overlay/pmd-rxq-show"))) == 2, "two queues")


def test_guest_restarts(world):
    """QEMU is killed and started again."""
    world.a.kill()
    world.a.boot().wait()
    every_pair(world)


def test_guest_reboots(world):
    """The connection stays, the rings are made anew."""
    world.c.reboot()
    every_pair(world)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_daemon_restarts_under_a_running_guest(world, how):
    """QEMU listens on; the daemon connects again."""
    up = [guest.run("cut -d. -f1 /proc/uptime") for guest in world.guests]
    world.fabric.expected = [r"\|fatal_signal(\(\w+\))?\|WARN\|terminating"]
    world.hv1.kill_switch(how)
    world.hv1.start_switch()
    system.ready(world.fabric)
    every_pair(world)
    checksum = world.a.make_file(1)
    assert world.b.fetch(world.a.ip) == checksum
    now = [guest.run("cut -d. -f1 /proc/uptime") for guest in world.guests]
    assert all(int(one) >= int(other) for one, other in zip(now, up))
