# SPDX-License-Identifier: Apache-2.0

"""Frames that no switch may believe (DESIGN 6 rule 1).

    vm1 ─┐
    vm2 ─┤ VNI 5001 ── br-ov ── p0 ══ underlay
    vm5 ─┘ (not guarded)
"""

import pytest

from ovl.frames import BROADCAST, Dot1Q, Ether, Raw, mac, udp


@pytest.fixture
def open_port(sw):
    sw.add_port("vm5", 5001)
    return sw


def test_runt_of_an_ethernet_header_is_handled(open_port):
    """14 bytes is the least that a dummy port takes; shorter frames are for
    the unit tests."""
    frame = bytes(Ether(src=mac(5), dst=mac(2), type=0x88b5))
    open_port.expect(("vm5", frame), out={"vm2": [frame]})


@pytest.mark.parametrize("last", range(16))
def test_reserved_group_address_is_dropped(open_port, last):
    frame = Ether(src=mac(5), dst=f"01:80:c2:00:00:{last:02x}",
                  type=0x88b5) / Raw(b"x" * 46)
    open_port.expect(("vm5", frame),
                     drops={("vm5", 5001, "reserved_group"): 1})


def test_group_address_after_the_reserved_ones_is_flooded(open_port):
    open_port.set_network(5001, flood_vteps=[])
    frame = bytes(Ether(src=mac(5), dst="01:80:c2:00:00:10", type=0x88b5)
                  / Raw(b"x" * 46))
    open_port.expect(("vm5", frame), out={"vm1": [frame], "vm2": [frame]})


@pytest.mark.parametrize("tag", [
    Dot1Q(vlan=1), Dot1Q(vlan=4095), Dot1Q(vlan=100, prio=7),
    Dot1Q(vlan=100) / Dot1Q(vlan=200),
    Dot1Q(vlan=0) / Dot1Q(vlan=200),
])
def test_vlan_tag_on_an_access_port_is_dropped(open_port, tag):
    frame = Ether(src=mac(5), dst=mac(2)) / tag / Raw(b"x" * 46)
    open_port.expect(("vm5", frame), drops={("vm5", 5001, "vlan_tag"): 1})


@pytest.mark.parametrize("tpid", [0x88a8, 0x8100])
def test_service_tag_on_an_access_port_is_dropped(open_port, tpid):
    frame = Ether(src=mac(5), dst=mac(2), type=tpid) / Raw(
        bytes([0, 7, 8, 0]) + b"x" * 46)
    open_port.expect(("vm5", frame), drops={("vm5", 5001, "vlan_tag"): 1})


def test_vid_0_counts_as_untagged(open_port):
    tagged = udp(5, 2)
    tagged = tagged[:12] + bytes([0x81, 0, 0xa0, 0]) + tagged[12:]
    open_port.expect(("vm5", tagged), out={"vm2": [udp(5, 2)]})


def test_source_equal_to_destination_is_dropped(open_port):
    open_port.expect(("vm5", udp(5, 2, dst_mac=mac(5))),
                     drops={("vm5", 5001, "same_macs"): 1})


@pytest.mark.parametrize("length", range(15, 60))
def test_truncated_ip_packet_does_no_harm(open_port, length):
    """It may be carried as opaque bytes or dropped, never read beyond its
    end; what counts is that nothing is unaccounted and nobody crashes."""
    before = open_port.wait_rest()
    open_port.inject("vm5", udp(5, 2, payload=b"y" * 40)[:length])
    totals = open_port.wait_rest(before["received"] + 1)
    assert (totals["sent"] - before["sent"]
            + totals["dropped"] - before["dropped"]) == 1


@pytest.mark.parametrize("size", [60, 1514, 9000])
def test_large_frame_between_local_ports_passes(open_port, size):
    for port in "vm5", "vm2":
        open_port.set_rows("set", "Interface", port, "mtu_request=9200")
    open_port.wait_polled("vm5", "vm2")
    frame = bytes(Ether(src=mac(5), dst=mac(2), type=0x88b5)
                  / Raw(b"z" * (size - 14)))
    open_port.expect(("vm5", frame), out={"vm2": [frame]})


def test_broadcast_source_with_broadcast_destination_is_dropped(open_port):
    frame = Ether(src=BROADCAST, dst=BROADCAST, type=0x88b5) / Raw(b"x" * 46)
    open_port.expect(("vm5", frame),
                     drops={("vm5", 5001, "bad_source_mac"): 1})
