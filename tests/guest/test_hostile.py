# SPDX-License-Identifier: Apache-2.0
"""A guest that writes garbage into its rings and headers.

    a ── hv1 ══ underlay ══ hv2 ── b
    c ──┤
    d ──┘

a is the guest, and what is left of its packets goes to d; b, and c, whose port
the same thread polls, lose nothing.
"""

import os
import signal
import sys

import pytest
from conftest import PREFIX, system

from overlay_lab import Fabric, LabError, Stream, reaches

HERE = os.path.dirname(os.path.abspath(__file__))
SEED, CONNECTIONS = 20260711, 4

# Packets a second: the queues of a machine that is busy hold ten seconds.
RATE = 50

# What DPDK and netdev-dpdk say about such a guest.
EXPECTED = [r"\|dpdk(\([^)]*\))?\|(WARN|ERR)\|VHOST_",
            r"netdev_dpdk.*(Too big size|Tx TSO offload is not supported)",
            r"Dropped \d+ log messages",
            # It sends as fast as a busy machine lets it.
            r"ovs_rcu.*blocked"]


@pytest.fixture
def fabric(request):
    if os.geteuid():
        pytest.skip("network namespaces need root")
    with Fabric(PREFIX, tag="ovg") as fabric:
        fabric.expected = EXPECTED
        request.node.fabric = fabric
        yield fabric


def start(fabric, tso):
    hv1 = fabric.add_hypervisor(start=False, uplink="dpdk")
    hv1.start_database()
    hv1.enable_dpdk()
    hv1.vsctl("--no-wait", "set", "Open_vSwitch", ".",
              "other_config:userspace-tso-enable=%s" % tso)
    try:
        hv1.start_switch()
    except LabError as error:
        if "Unable to initialize DPDK" in str(error):
            pytest.skip("DPDK does not start here")
        raise
    fabric.make_bridge(hv1)
    fabric.add_hypervisor()
    fabric.add_network(5001)
    return hv1


@pytest.mark.parametrize("tso", ["true", "false"])
def test_only_its_own_traffic_is_dropped(fabric, tso):
    hv1 = start(fabric, tso)
    a = fabric.add_vm("a", hv1, 5001, 1, kind="vhost", ip6=True)
    b = fabric.add_vm("b", fabric.hypervisors[1], 5001, 2, ip6=True)
    c = fabric.add_vm("c", hv1, 5001, 3, kind="vhost", ip6=True)
    d = fabric.add_vm("d", hv1, 5001, 4, kind="vhost", ip6=True)
    system.ready(fabric)
    for vm in a, c, d:
        reaches(vm, b.ip)
    streams = [Stream(c, b, RATE), Stream(b, c, RATE)]
    for one in streams:
        one.wait_for_more()

    fabric.end(a.front_end, signal.SIGKILL)
    before = hv1.switch.pid
    hostile = fabric.spawn(
        [sys.executable, HERE + "/hostile_vm.py",
         "%s/%s.sock" % (hv1.directory, a.port), SEED, CONNECTIONS],
        output="hostile")
    assert hostile.wait(120) == 0
    with open(fabric.path("hostile"), encoding="ascii") as file:
        assert file.read().count("connection") == CONNECTIONS
    # Without TSO, too: DPDK takes what the guest says of itself for granted.
    assert hv1.drops("bad_offload", port="a")

    # Nobody noticed, and the next one that comes there is served.
    for one in streams:
        one.wait_for_more()
    assert [one.stop() for one in streams] == [0, 0]
    assert hv1.switch.poll() is None and hv1.switch.pid == before
    fabric.start_vhost(a)
    reaches(a, b.ip)
    reaches(a, d.ip)
