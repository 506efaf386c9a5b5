# SPDX-License-Identifier: Apache-2.0
"""ovs-vswitchd killed again and again (ROBUSTNESS RS-3, RS-4).

       a ─┐ VNI 5001
       c ─┤          hv1 ══ underlay ══ hv2 ── b
       d ─┘ VNI 5002

Streams of 1 kHz from a to b and back.  c and d watch: neither network must
see anything of them, not even right after a start.
"""

import json
import signal

import pytest
from conftest import ready
from test_port_faults import start_with_dpdk

from overlay_lab import Sniffer, Stream, reaches, wait_for

# How long packets may not flow, in ms: a generous bound, for it is a matter of
# the machine; the figures are in the output ("pytest -s").
BOUND = 15000


@pytest.fixture(params=[("veth", 20), ("vhost", 5)], ids=lambda p: p[0])
def lab(fabric, request):
    fabric.kind, fabric.kills = request.param
    hv1 = fabric.add_hypervisor(start=False)
    hv1.start_database()
    if fabric.kind == "vhost":
        hv1.enable_dpdk()
    start_with_dpdk(hv1)
    fabric.make_bridge(hv1)
    hv2 = fabric.add_hypervisor()
    # Whatever has no row is flooded: a table that is not complete would show.
    fabric.add_network(5001, "unknown-unicast=flood")
    fabric.add_network(5002, "unknown-unicast=flood")
    fabric.a = fabric.add_vm("a", hv1, 5001, 1, kind=fabric.kind)
    fabric.b = fabric.add_vm("b", hv2, 5001, 2)
    fabric.c = fabric.add_vm("c", hv1, 5001, 3)
    fabric.d = fabric.add_vm("d", hv1, 5002, 4)
    add_rows(hv1, 2000)
    ready(fabric)
    reaches(fabric.a, fabric.b.ip)
    reaches(fabric.b, fabric.a.ip)
    return fabric


def add_rows(hypervisor, n):
    """Rows that have to be there first.  500 fit into an argument."""
    for start in range(0, n, 500):
        hypervisor.ctl(
            "ovsdb-client", "transact",
            "unix:%s/db.sock" % hypervisor.directory, json.dumps(
                ["Open_vSwitch"] + [
                    {"op": "insert", "table": "Overlay_MAC", "row": {
                        "vni": 5001, "vtep": "192.0.2.2",
                        "mac": "52:54:01:00:%02x:%02x" % divmod(i, 256)}}
                    for i in range(start, start + 500)]))


def test_daemon_killed_again_and_again(lab):
    hv1, a, b = lab.hypervisors[0], lab.a, lab.b
    blackouts, footprints = [], []
    with lab.watch(hv1) as wire, Sniffer(lab.c.namespace, "eth0") as at_c, \
            Sniffer(lab.d.namespace, "eth0") as at_d:
        there, back = Stream(a, b, rate=1000), Stream(b, a, rate=1000)
        for _ in range(lab.kills):
            for stream in there, back:
                stream.wait_for_more(20)
                stream.longest_gap()
            hv1.kill_switch(signal.SIGKILL)
            hv1.start_switch()
            for stream in there, back:
                stream.wait_for_more(100, timeout=20)
            blackouts.append(max(there.longest_gap(), back.longest_gap()))
            # No number of ports or rows brings it back to what it was.
            footprints.append(hv1.footprint())
        there.stop()
        back.stop()

        inner = [frame.inner or frame for frame in wire.frames()
                 if frame.vni is not None]
        seen = {(frame.src, frame.dst) for frame in inner
                if frame.arp is None}
        assert seen == {(a.mac, b.mac), (b.mac, a.mac)}
        assert {frame.vni for frame in wire.frames()} <= {None, 5001}
        for sniffer in at_c, at_d:
            assert not [frame for frame in sniffer.frames()
                        if frame.proto is not None]

    # Nothing but the next hop that is not resolved yet, or the uplink that is
    # not there yet.
    assert set(hv1.drops(port="a")) <= {"vtep_unresolved", "no_uplink"}
    show(lab.kind, blackouts)
    assert max(blackouts) < BOUND
    for footprint in footprints[1:]:
        footprint["descriptors"] = max(
            footprints[0]["descriptors"], footprint["descriptors"] - 4)
        footprint["mbufs"] = footprints[0]["mbufs"] = 0
    assert footprints[-1] == footprints[0]
    reaches(a, b.ip)
    reaches(hv1, lab.hypervisors[1].vtep)
    if hv1.dpdk:
        wait_for(lambda: not hv1.mbufs_in_use(), "mbufs to come back")


def show(kind, blackouts):
    ordered = sorted(blackouts)
    print("\n%s: %d kills, blackout min %.0f, median %.0f, p95 %.0f, max "
          "%.0f ms" % (kind, len(ordered), ordered[0],
                       ordered[len(ordered) // 2],
                       ordered[int(len(ordered) * 0.95)
                               if len(ordered) > 19 else -1], ordered[-1]))
