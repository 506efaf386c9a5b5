# SPDX-License-Identifier: Apache-2.0

"""ovs-vsctl returns when packets follow the new rows (DESIGN decision 5).

    vm1 ─┐
    vm2 ─┤ VNI 5001 ── br-ov ── p0 ══ underlay ══ 192.0.2.2, 192.0.2.3

Each frame is sent the moment ovs-vsctl has returned, and must obey: no
polling, no second chance.
"""

import pytest

from ovl.frames import encap, mac, udp
from ovl.process import wait_until

N_CHANGES = 50


@pytest.fixture(params=["dummy", "dummy-pmd"])
def any_thread(bare, request):
    """The I/O thread and PMD threads alike."""
    from conftest import build_standard

    bare.add_bridge(uplink_type=request.param)
    build_standard(bare, request.param)
    return bare


def test_frame_right_after_ovs_vsctl_obeys_the_mac_row(any_thread):
    sw = any_thread
    frame = udp(1, 9)
    row, = sw.find("Overlay_MAC")
    for i in range(N_CHANGES):
        if i % 3 == 2:
            sw.vsctl("set", "Overlay_MAC", row, f'mac="{mac(3)}"')
            sw.expect(("vm1", frame),
                      drops={("vm1", 5001, "unknown_unicast"): 1})
        else:
            vtep = ["192.0.2.2", "192.0.2.3"][i % 3]
            sw.vsctl("set", "Overlay_MAC", row, f'mac="{mac(9)}"',
                     f'vtep="{vtep}"')
            sw.expect(("vm1", frame),
                      out={"p0": [encap(5001, frame, vtep)]})


def test_frame_right_after_ovs_vsctl_obeys_the_binding(any_thread):
    sw = any_thread
    for i in range(N_CHANGES):
        n = 0x20 + i
        sw.vsctl("set", "Port", "vm1", f'overlay_addresses="{mac(n)}"')
        good, bad = udp(n, 2), udp(n - 1, 2)
        sw.expect(("vm1", good), ("vm1", bad), out={"vm2": [good]},
                  drops={("vm1", 5001, "spoof_mac"): 1})


def test_frame_right_after_ovs_vsctl_obeys_the_network(any_thread):
    sw = any_thread
    frame = udp(1, 9)
    for i in range(N_CHANGES):
        if i % 2:
            sw.vsctl("set", "Overlay_Network", "5001", "unknown_unicast=drop")
            sw.expect(("vm1", frame),
                      drops={("vm1", 5001, "unknown_unicast"): 1})
        else:
            sw.vsctl("set", "Overlay_Network", "5001",
                     "unknown_unicast=flood", "flood_vteps=[]")
            sw.expect(("vm1", frame), out={"vm2": [frame]})


def test_error_column_is_there_when_ovs_vsctl_returns(sw):
    for _ in range(10):
        row = sw.vsctl("create", "Overlay_MAC", "vni=5001", 'mac="zz"',
                       'vtep="192.0.2.2"').strip()
        wait_until(lambda r=row: sw.get("Overlay_MAC", r, "error") != "[]",
                   "no error")
        sw.vsctl("destroy", "Overlay_MAC", row)


def test_ovs_vsctl_returns_soon_without_an_overlay_bridge(bare):
    """Nobody holds anything back then."""
    bare.vsctl("--timeout=5", "add-br", "br0", "--", "set", "Bridge", "br0",
               "datapath_type=dummy")
    bare.vsctl("--timeout=5", "create", "Overlay_Network", "vni=1")


def test_no_wait_returns_at_once(sw):
    sw.vsctl("--no-wait", "create", "Overlay_Network", "vni=6001")
    sw.wait_column("Bridge", "br-ov", "overlay_status:networks",
                   lambda v: v == "3")


def test_frame_right_after_ovs_vsctl_finds_a_new_vtep(any_thread):
    """Its next hop is known; so nothing is left to wait for."""
    sw = any_thread
    for i in range(N_CHANGES):
        sw.add_peer(f"192.0.2.{100 + i}")
    row, = sw.find("Overlay_MAC")
    frame = udp(1, 3)
    for i in range(N_CHANGES):
        vtep = f"192.0.2.{100 + i}"
        sw.vsctl("set", "Overlay_MAC", row, f'vtep="{vtep}"')
        sw.expect(("vm1", frame), out={"p0": [encap(5001, frame, vtep)]})


def test_frame_right_after_ovs_vsctl_has_the_new_outer_source(any_thread):
    sw = any_thread
    frame = udp(1, 3)
    for i in range(N_CHANGES):
        own = f"192.0.2.{100 + i}"
        sw.vsctl("set", "Bridge", "br-ov", f'overlay_vtep_ips="{own}"')
        sw.expect(("vm1", frame), out={"p0": [encap(5001, frame, src=own)]})
