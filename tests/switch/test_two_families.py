# SPDX-License-Identifier: Apache-2.0

"""A bridge with an IPv4 and an IPv6 tunnel address, and VTEPs of both
families in one network.

    vm1 ─┐ VNI 5001 ── br-ov ── p0 ══ underlay ╦═ 192.0.2.2: vm3
    vm2 ─┘               │                     ╚═ 2001:db8:ff::3: vm6
                       LOCAL
            192.0.2.1, 2001:db8:ff::1
"""

import json

import pytest

from ovl.frames import (BROADCAST, IPV4, IPV6, OWN_VTEP, OWN_VTEP6,
                        UNDERLAYS, Ether, Raw, arp_reply, arp_request,
                        decap_in, encap, ip, mac, udp)

FOUR, SIX = IPV4.vtep(2), IPV6.vtep(3)
BROADCAST_FRAME = bytes(Ether(src=mac(1), dst=BROADCAST, type=0x88b5)
                        / Raw(b"x" * 46))


@pytest.fixture
def sw(bare):
    sw = bare
    sw.add_bridge(underlays=UNDERLAYS)
    for vtep in FOUR, SIX:
        sw.add_peer(vtep)
    with sw.transaction():
        sw.add_network(5001, flood_vteps=[FOUR, SIX])
        for n in 1, 2:
            sw.add_port(f"vm{n}", 5001, f"{mac(n)} {ip(n)}")
        sw.add_mac(5001, mac(3), FOUR, ip(3))
        sw.add_mac(5001, mac(6), SIX, ip(6))
    sw.wait_polled("vm1", "vm2")
    sw.wait_vtep(FOUR, SIX)
    return sw


def set_own(sw, *addresses):
    sw.set_rows("set", "Bridge", "br-ov", "overlay_vtep_ips=["
                + ",".join(f'"{a}"' for a in addresses) + "]")


def test_each_vtep_is_reached_over_its_family(sw):
    to3, to6 = udp(1, 3), udp(1, 6)
    sw.expect(("vm1", to3, to6), out={"p0": [encap(5001, to3, FOUR),
                                             encap(5001, to6, SIX)]})


def test_flood_list_may_have_both_families(sw):
    sw.expect(("vm1", BROADCAST_FRAME),
              out={"vm2": [BROADCAST_FRAME],
                   "p0": [encap(5001, BROADCAST_FRAME, FOUR),
                          encap(5001, BROADCAST_FRAME, SIX)]})


def test_both_families_are_decapsulated(sw):
    from3, from6 = udp(3, 1), udp(6, 1)
    sw.expect(("p0", decap_in(5001, from3, FOUR), decap_in(5001, from6, SIX)),
              out={"vm1": [from3, from6]})


def test_bridged_frame_never_goes_from_one_family_to_the_other(sw):
    """Split horizon."""
    sw.expect(("p0", decap_in(5001, udp(3, 6), FOUR)),
              drops={("p0", 5001, "split_horizon"): 1})
    sw.expect(("p0", decap_in(5001, udp(6, 3), SIX)),
              drops={("p0", 5001, "split_horizon"): 1})
    inner = bytes(Ether(src=mac(3), dst=BROADCAST, type=0x88b5)
                  / Raw(b"x" * 46))
    sw.expect(("p0", decap_in(5001, inner, FOUR)),
              out={"vm1": [inner], "vm2": [inner]})


def test_address_that_no_row_names_is_not_a_vtep_s_other_family(sw):
    """Rows name addresses, not hosts: two hosts have to use the same family
    with each other."""
    sw.expect(("p0", decap_in(5001, udp(3, 1), IPV6.vtep(2))),
              drops={("p0", 5001, "unknown_vtep"): 1})
    sw.expect(("p0", decap_in(5001, udp(6, 1), IPV4.vtep(3))),
              drops={("p0", 5001, "unknown_vtep"): 1})


def test_mtu_is_that_of_the_vteps_family(sw):
    def frame(n, size):
        return bytes(Ether(src=mac(1), dst=mac(n), type=0x88b5)
                     / Raw(b"x" * size))

    small, large = frame(6, 1430), frame(6, 1431)
    four, five = frame(3, 1450), frame(3, 1451)
    sw.expect(("vm1", small, large, four, five),
              out={"p0": [encap(5001, small, SIX), encap(5001, four, FOUR)]},
              drops={("vm1", 5001, "too_big"): 2})


def test_broadcast_that_fits_one_family_goes_there(sw):
    frame = bytes(Ether(src=mac(1), dst=BROADCAST, type=0x88b5)
                  / Raw(b"x" * 1440))
    sw.expect(("vm1", frame), out={"vm2": [frame],
                                   "p0": [encap(5001, frame, FOUR)]},
              drops={("vm1", 5001, "too_big"): 1})


@pytest.mark.parametrize("kept, lost", [
    ((3, FOUR, OWN_VTEP), (6, SIX, OWN_VTEP6)),
    ((6, SIX, OWN_VTEP6), (3, FOUR, OWN_VTEP)),
], ids=["ipv6 goes", "ipv4 goes"])
def test_one_address_comes_and_goes_and_the_other_family_loses_nothing(
        sw, kept, lost):
    vm, vtep, own = kept
    other_vm, other_vtep, other_own = lost
    frame, other = udp(1, vm), udp(1, other_vm)
    inner = udp(other_vm, 1)
    with sw.stream("vm1", frame, "p0"):
        for _ in range(5):
            set_own(sw, own)
            set_own(sw, own, other_own)
        set_own(sw, own)

    # One is a drop with a reason, and a fault that is told ...
    sw.wait_vtep(other_vtep, state="has no address of the VTEP's family")
    sw.expect(("vm1", frame, other),
              out={"p0": [encap(5001, frame, vtep)]},
              drops={("vm1", 5001, "no_tunnel_ip"): 1})
    sw.expect(("vm1", BROADCAST_FRAME),
              out={"vm2": [BROADCAST_FRAME],
                   "p0": [encap(5001, BROADCAST_FRAME, vtep)]},
              drops={("vm1", 5001, "no_tunnel_ip"): 1})
    to_us = decap_in(5001, inner, other_vtep)
    sw.expect(("p0", to_us), out={"br-ov": [to_us]})
    sw.wait_column("Bridge", "br-ov", "overlay_status:no_tunnel_ip",
                   lambda value: value == "1")
    assert "overlay_vtep_ips" in sw.trace("vm1", other)

    # ... until it is back.
    set_own(sw, own, other_own)
    sw.wait_vtep(other_vtep)
    sw.expect(("vm1", other), out={"p0": [encap(5001, other, other_vtep)]})
    sw.expect(("p0", to_us), out={"vm1": [inner]})
    sw.wait_column("Bridge", "br-ov", "overlay_status",
                   lambda value: "no_tunnel_ip" not in value)


def test_mac_row_moves_from_one_family_to_the_other(sw):
    frame = udp(1, 3)
    row, = sw.find("Overlay_MAC", f'mac="{mac(3)}"')
    for vtep in SIX, FOUR, SIX:
        sw.set_rows("set", "Overlay_MAC", row, f'vtep="{vtep}"')
        sw.expect(("vm1", frame), out={"p0": [encap(5001, frame, vtep)]})


def test_two_addresses_of_one_family_are_an_error(sw):
    set_own(sw, OWN_VTEP6, IPV6.vtep(0x10))
    sw.wait_column("Bridge", "br-ov", "overlay_error",
                   lambda value: value != "[]")
    set_own(sw, OWN_VTEP, OWN_VTEP6)
    sw.wait_column("Bridge", "br-ov", "overlay_error",
                   lambda value: value == "[]")
    frame = udp(1, 6)
    sw.wait_vtep(SIX)
    sw.expect(("vm1", frame), out={"p0": [encap(5001, frame, SIX)]})


def test_spelling_of_an_ipv6_address_does_not_matter(sw):
    set_own(sw, OWN_VTEP, "2001:0DB8:00ff:0:0:0:0:1")
    row, = sw.find("Overlay_MAC", f'mac="{mac(6)}"')
    sw.set_rows("set", "Overlay_MAC", row, 'vtep="2001:DB8:FF:0::0003"')
    frame = udp(1, 6)
    sw.expect(("vm1", frame), out={"p0": [encap(5001, frame, SIX)]})


def test_row_of_our_own_ipv6_address_makes_neighbors_only(sw):
    """DESIGN 5: the same rows may be on every hypervisor."""
    sw.add_mac(5001, mac(9), OWN_VTEP6, ip(9))
    sw.set_network(5001, flood_vteps=[FOUR, OWN_VTEP6, SIX, OWN_VTEP])
    sw.expect(("vm1", udp(1, 9)), drops={("vm1", 5001, "unknown_unicast"): 1})
    sw.expect(("vm1", arp_request(1, ip(9))),
              out={"vm1": [arp_reply(mac(9), ip(9), mac(1), ip(1))]})
    sw.expect(("vm1", BROADCAST_FRAME),
              out={"vm2": [BROADCAST_FRAME],
                   "p0": [encap(5001, BROADCAST_FRAME, FOUR),
                          encap(5001, BROADCAST_FRAME, SIX)]})


def test_trace_tells_addresses_of_both_families(sw):
    assert (f"encapsulate: VXLAN to {SIX}, VNI 5001, TOS 0x00"
            in sw.trace("vm1", udp(1, 6)))
    text = sw.trace("p0", decap_in(5001, udp(6, 1), SIX))
    assert f"decapsulate: VXLAN from {SIX} to {OWN_VTEP6}, VNI 5001" in text
    assert "Final: sent to vm1" in text
    text = sw.trace("p0", decap_in(5001, udp(6, 1), IPV6.vtep(2)))
    assert (f"missing row: overlay-ctl mac-add 5001 {mac(6)} {IPV6.vtep(2)}"
            in text)


def test_traffic_is_counted_per_vtep(sw):
    sw.expect(("vm1", udp(1, 6)), out={"p0": [encap(5001, udp(1, 6), SIX)]})
    sw.expect(("p0", decap_in(5001, udp(6, 1), SIX)),
              out={"vm1": [udp(6, 1)]})
    vtep = sw.counters()["vteps"][SIX]
    assert (vtep["tx_packets"], vtep["rx_packets"]) == (1, 1)


def test_show_and_vteps_name_both(sw):
    text = sw.appctl("overlay/show")
    assert OWN_VTEP in text and OWN_VTEP6 in text
    shown = {v["vtep"]: v for v in json.loads(sw.appctl("overlay/vteps",
                                                        "--json"))}
    assert shown[SIX]["state"] == shown[FOUR]["state"] == "up"
    assert SIX in shown[SIX]["next_hop"]
