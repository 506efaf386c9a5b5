# SPDX-License-Identifier: Apache-2.0

"""VMs that are DPDK's virtio-user, with two queues, which each end may leave
and find again.

    vm5 (dummy) ── 5001 ── vm1 ══ testpmd ══ vm2 ── 5002 ── vm4 (dummy)

testpmd gives to vm2 what vm1 has for it, and the other way round.
"""

import shutil

import pytest

import devices
from conftest import running_daemons
from ovl import pcap
from ovl.frames import BROADCAST, Ether, Raw, mac
from ovl.process import wait_until

pytestmark = pytest.mark.skipif(not shutil.which("dpdk-testpmd"),
                                reason="no dpdk-testpmd (package dpdk-dev)")

VHOST_SAYS = [r"\|dpdk(\([^)]*\))?\|(WARN|ERR)\|VHOST_",
              r"\|netdev_dpdk(\([^)]*\))?\|WARN\|.*vhost"]


@pytest.fixture(scope="module")
def daemons(tmp_path_factory, memory):
    # Or else OVS tries how many buffers it may have, and when both VMs come
    # back just then there is no memory for their rings.
    with running_daemons(tmp_path_factory.mktemp("ovs"), memory,
                         other_config=["other_config:per-port-memory=true"]
                         ) as d:
        yield d


@pytest.fixture
def vms(bare):
    bare.allow_log(*VHOST_SAYS)
    for vm in "vm1", "vm2":
        bare.plug(vm, devices.VirtioUser(bare.daemons.dir, vm))
    bare.plug("p0", devices.Driver("net_null_p0,no-rx=1"))
    bare.add_bridge()
    bare.add_peer(bare.underlay.vtep(2))
    with bare.transaction():
        for vni, address in (5001, mac(5)), (5002, mac(4)):
            bare.add_network(vni)
            bare.add_port(f"vm{int(address[-2:])}", vni, address)
        bare.add_port("vm1", 5001)
        bare.add_port("vm2", 5002)
        bare.add_mac(5001, mac(3), bare.underlay.vtep(2))
    bare.wait_polled("vm4", "vm5")
    bare.wait_vtep(bare.underlay.vtep(2))
    bare.testpmd = None
    yield bare
    bare.testpmd.kill()


def start(sw, ports, *arguments):
    """Runs testpmd, in the place of the one before."""
    if sw.testpmd:
        sw.testpmd.kill()
    sw.testpmd = devices.Testpmd(sw.daemons.dir,
                                 [sw.devices[port] for port in ports],
                                 *arguments)


def frame(src, text):
    return bytes(Ether(src=mac(src), dst=BROADCAST, type=0x88b5)
                 / Raw(text + bytes(46)))


def wait_through(sw):
    """Until frames come through testpmd, both ways, and those that were sent
    to find out have come or are lost."""
    for src, dst in (5, 4), (4, 5):
        got = []
        tries = 0

        def came():
            nonlocal tries
            tries += 1
            sw.inject(f"vm{src}", frame(src, b"%d" % tries))
            got.extend(sw.collect().get(f"vm{dst}", []))
            return got

        wait_until(came, f"nothing comes from vm{src} to vm{dst}")
        last = frame(src, b"last")
        sw.inject(f"vm{src}", last)
        wait_until(lambda: got.extend(sw.collect().get(f"vm{dst}", []))
                   or last in map(bytes, got), "the last of them")


def assert_whole(sw):
    """Some frames of each length come through as they are, in order."""
    for src, dst in (5, 4), (4, 5):
        frames = [frame(src, bytes([n % 251]) * n) for n in range(0, 1450, 37)]
        before, drops = sw.wait_rest(), sw.drops()
        sw.collect()
        sw.inject(f"vm{src}", *frames)
        sw.settle(before["received"] + 2 * len(frames), drops,
                  out={f"vm{dst}": frames})


def test_either_end_comes_back(vms):
    start(vms, ["vm1", "vm2"])
    wait_through(vms)
    assert_whole(vms)

    start(vms, ["vm1", "vm2"])
    wait_through(vms)
    assert_whole(vms)

    vms.daemons.kill()
    vms.daemons.start()
    vms.vsctl("set", "Open_vSwitch", ".", "external_ids:again=1")
    vms.routes.clear()              # It knows nothing of them.
    for port in "vm4", "vm5":
        vms.ports[port].offset = pcap.FILE_HEADER_LEN
    wait_through(vms)
    assert_whole(vms)


def received(sw, queue):
    """Packets from queue 'queue' of vm1."""
    value = sw.vsctl("--if-exists", "get", "Interface", "vm1",
                     f"statistics:rx_q{queue}_good_packets").strip()
    return int(value or 0)


def test_both_queues_are_polled(vms):
    """testpmd sends what it likes into the tunnel, as fast as it can."""
    start(vms, ["vm1"], "--forward-mode=txonly", "--txonly-multi-flow",
          f"--eth-peer=0,{mac(3)}")
    for queue in 0, 1:
        wait_until(lambda: received(vms, queue) > 1000,
                   f"packets of queue {queue}")
    vms.testpmd.kill()
    totals = vms.wait_rest()
    sent = vms.counters()["ports"]["p0"]["tx_packets"]
    assert sent > 2000
    assert totals["received"] >= sent
