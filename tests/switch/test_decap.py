# SPDX-License-Identifier: Apache-2.0

"""What we take from the underlay (DESIGN 6 rules 6 to 8).

    vm1 ─┐ VNI 5001 ─┐
    vm2 ─┘           ├ br-ov ─ p0 ══ underlay ══ 192.0.2.2: vm3 (5001)
    vm4 ── VNI 5002 ─┘   │                       192.0.2.3 (flood list of 5001)
                       LOCAL
"""

import struct

import pytest

from ovl.frames import (BROADCAST, GATEWAY_MAC, IP, UDP, VXLAN, Ether,
                        LOCAL_MAC, OWN_VTEP, Raw, decap_in, encap, mac,
                        peer_mac, udp)


def broadcast(n):
    return bytes(Ether(src=mac(n), dst=BROADCAST, type=0x88b5)
                 / Raw(b"b" * 46))


def outer(payload, **udp_fields):
    """IP and UDP from 192.0.2.2 to our VXLAN port, and anything inside."""
    fields = dict(sport=50000, dport=4789, chksum=0)
    fields.update(udp_fields)
    return bytes(Ether(src=peer_mac("192.0.2.2"), dst=LOCAL_MAC)
                 / IP(src="192.0.2.2", dst=OWN_VTEP, flags="DF")
                 / UDP(**fields) / Raw(payload))


def vxlan(inner, flags=8, vni=5001, reserved1=0, reserved2=0):
    return struct.pack("!II", flags << 24 | reserved1,
                       vni << 8 | reserved2) + inner


# Dropped.

@pytest.mark.parametrize("flags", [0x00, 0x04, 0x0c, 0x80, 0xf7])
def test_without_i_flag_or_with_p_bit_is_dropped(sw, flags):
    """P is bit 0x04 of RFC 7348's reserved bits, taken by VXLAN-GPE."""
    sw.expect(("p0", outer(vxlan(udp(3, 1), flags=flags))),
              drops={("p0", None, "vxlan_bad_flags"): 1})


@pytest.mark.parametrize("vni", [0, 1, 5000, 5003, 16777215])
def test_unknown_vni_is_dropped(sw, vni):
    sw.expect(("p0", outer(vxlan(udp(3, 1), vni=vni))),
              drops={("p0", None, "vxlan_unknown_vni"): 1})


def test_outer_source_that_no_row_names_is_dropped(sw):
    sw.expect(("p0", decap_in(5001, udp(3, 1), src="192.0.2.66")),
              drops={("p0", 5001, "unknown_vtep"): 1})


@pytest.mark.parametrize("source, reason", [
    (OWN_VTEP, "own_source"),
    ("127.0.0.1", "martian_outer"),
    ("224.0.0.5", "martian_outer"),
    ("255.255.255.255", "martian_outer"),
    ("0.0.0.0", "martian_outer"),
])
def test_outer_source_that_cannot_be_is_dropped(sw, source, reason):
    frame = bytes(Ether(src=peer_mac("192.0.2.2"), dst=LOCAL_MAC)
                  / IP(src=source, dst=OWN_VTEP)
                  / UDP(sport=50000, dport=4789, chksum=0)
                  / Raw(vxlan(udp(3, 1))))
    drops_before = sw.drops()
    before = sw.wait_rest()
    sw.inject("p0", frame)
    sw.wait_rest(before["received"] + 1)
    (port, _, got), = (sw.drops() - drops_before).keys()
    assert (port, got) == ("p0", reason)
    assert not sw.collect()


@pytest.mark.parametrize("length", [0, 4, 7])
def test_too_short_for_vxlan_is_dropped(sw, length):
    frame = outer(vxlan(udp(3, 1))[:length])
    sw.expect(("p0", frame), drops={("p0", None, "vxlan_malformed"): 1})


@pytest.mark.parametrize("length", [8, 8 + 13])
def test_too_short_for_ethernet_inside_is_dropped(sw, length):
    frame = outer(vxlan(udp(3, 1))[:length])
    sw.expect(("p0", frame), drops={("p0", 5001, "too_short"): 1})


def test_udp_length_beyond_the_ip_packet_is_dropped(sw):
    frame = bytearray(outer(vxlan(udp(3, 1))))
    length, = struct.unpack_from("!H", frame, 38)
    struct.pack_into("!H", frame, 38, length + 1)
    sw.expect(("p0", frame), drops={("p0", None, "vxlan_malformed"): 1})


def test_wrong_outer_ip_checksum_is_dropped(sw):
    frame = bytearray(decap_in(5001, udp(3, 1)))
    frame[24] ^= 0x55
    sw.expect(("p0", frame), drops={("p0", None, "outer_bad_csum"): 1})


def test_wrong_outer_udp_checksum_is_dropped(sw):
    good = outer(vxlan(udp(3, 1)), chksum=None)
    sw.expect(("p0", good), out={"vm1": [udp(3, 1)]})
    bad = bytearray(good)
    bad[41] ^= 1
    sw.expect(("p0", bad), drops={("p0", None, "outer_bad_csum"): 1})


def test_first_outer_fragment_of_vxlan_is_dropped(sw):
    frame = bytes(Ether(src=peer_mac("192.0.2.2"), dst=LOCAL_MAC)
                  / IP(src="192.0.2.2", dst=OWN_VTEP, flags="MF")
                  / UDP(sport=50000, dport=4789, chksum=0, len=500)
                  / Raw(vxlan(udp(3, 1))))
    sw.expect(("p0", frame), drops={("p0", None, "outer_frag"): 1})


def test_later_outer_fragment_is_the_hosts(sw):
    frame = bytes(Ether(src=peer_mac("192.0.2.2"), dst=LOCAL_MAC)
                  / IP(src="192.0.2.2", dst=OWN_VTEP, frag=10, proto=17)
                  / Raw(b"f" * 100))
    sw.expect(("p0", frame), out={"br-ov": [frame]})


def test_outer_ip_options_are_dropped(sw):
    frame = bytes(Ether(src=peer_mac("192.0.2.2"), dst=LOCAL_MAC)
                  / IP(src="192.0.2.2", dst=OWN_VTEP, options=b"\1\1\1\1")
                  / UDP(sport=50000, dport=4789, chksum=0)
                  / Raw(vxlan(udp(3, 1))))
    sw.expect(("p0", frame), drops={("p0", None, "outer_options"): 1})


def test_vlan_tag_inside_is_dropped(sw):
    inner = udp(3, 1)
    inner = inner[:12] + b"\x81\0\0\x64" + inner[12:]
    sw.expect(("p0", decap_in(5001, inner)),
              drops={("p0", 5001, "inner_vlan_tag"): 1})


def test_unknown_unicast_out_of_a_tunnel_is_dropped(sw):
    for mode in "drop", "flood":
        sw.set_network(5001, unknown_unicast=mode)
        inner = udp(3, 9)
        if mode == "drop":
            sw.expect(("p0", decap_in(5001, inner)),
                      drops={("p0", 5001, "unknown_unicast"): 1})
        else:
            sw.expect(("p0", decap_in(5001, inner)),
                      out={"vm1": [inner], "vm2": [inner]})


def test_reserved_group_address_out_of_a_tunnel_is_dropped(sw):
    inner = bytes(Ether(src=mac(3), dst="01:80:c2:00:00:00", type=0x88b5)
                  / Raw(b"x" * 46))
    sw.expect(("p0", decap_in(5001, inner)),
              drops={("p0", 5001, "reserved_group"): 1})


@pytest.mark.parametrize("source", [BROADCAST, "00:00:00:00:00:00"])
def test_bad_inner_source_mac_is_dropped(sw, source):
    inner = udp(3, 1, src_mac=source)
    sw.expect(("p0", decap_in(5001, inner)),
              drops={("p0", 5001, "bad_source_mac"): 1})


# Split horizon.

def test_bridged_frame_never_goes_from_tunnel_to_tunnel(sw):
    """RFC 8365 section 9."""
    sw.add_mac(5001, mac(9), "192.0.2.3")
    for target in 3, 9:
        sw.expect(("p0", decap_in(5001, udp(8, target))),
                  drops={("p0", 5001, "split_horizon"): 1})


def test_broadcast_out_of_a_tunnel_reaches_local_ports_only(sw):
    inner = broadcast(3)
    sw.expect(("p0", decap_in(5001, inner)),
              out={"vm1": [inner], "vm2": [inner]})


def test_broadcast_out_of_a_tunnel_without_local_ports_is_dropped(sw):
    with sw.transaction():
        sw.add_network(5003, flood_vteps="192.0.2.2")
    sw.expect(("p0", decap_in(5003, broadcast(3))),
              drops={("p0", 5003, "no_destination"): 1})


# Delivered.

def test_unicast_reaches_its_port(sw):
    inner = udp(3, 1)
    sw.expect(("p0", decap_in(5001, inner)), out={"vm1": [inner]})


def test_source_on_the_flood_list_is_enough(sw):
    inner = udp(9, 2)
    sw.expect(("p0", decap_in(5001, inner, src="192.0.2.3")),
              out={"vm2": [inner]})


def test_vtep_of_another_network_of_the_same_vrf_is_enough(sw):
    sw.set_network(5002, vrf="red")
    inner = udp(9, 4)
    sw.expect(("p0", decap_in(5002, inner)), out={"vm4": [inner]})
    sw.set_network(5002, vrf="blue")
    sw.expect(("p0", decap_in(5002, inner)),
              drops={("p0", 5002, "unknown_vtep"): 1})


def test_vtep_is_unknown_again_when_its_last_row_goes(sw):
    inner = udp(3, 1)
    sw.set_network(5001, flood_vteps=["192.0.2.3"])
    sw.expect(("p0", decap_in(5001, inner)), out={"vm1": [inner]})
    sw.destroy("Overlay_MAC")
    sw.expect(("p0", decap_in(5001, inner)),
              drops={("p0", 5001, "unknown_vtep"): 1})


@pytest.mark.parametrize("fields", [
    dict(flags=0x88), dict(flags=0xfb), dict(reserved1=0xffffff),
    dict(reserved2=0xff), dict(flags=0x18, reserved1=1, reserved2=1),
])
def test_reserved_bits_are_ignored(sw, fields):
    """RFC 7348 section 5: ignored on receipt."""
    sw.expect(("p0", outer(vxlan(udp(3, 1), **fields))),
              out={"vm1": [udp(3, 1)]})


def test_trailer_after_the_udp_length_is_not_delivered(sw):
    sw.expect(("p0", decap_in(5001, udp(3, 1)) + b"\xa5" * 7),
              out={"vm1": [udp(3, 1)]})


def test_zero_udp_checksum_is_accepted(sw):
    sw.expect(("p0", outer(vxlan(udp(3, 1)), chksum=0)),
              out={"vm1": [udp(3, 1)]})


def test_any_udp_source_port_is_accepted(sw):
    for sport in 0, 1, 4789, 65535:
        sw.expect(("p0", outer(vxlan(udp(3, 1)), sport=sport)),
                  out={"vm1": [udp(3, 1)]})


def test_router_mac_as_source_out_of_a_tunnel_is_normal(sw):
    """A remote host routed the packet."""
    inner = udp(3, 1, src_mac=GATEWAY_MAC)
    sw.expect(("p0", decap_in(5001, inner)), out={"vm1": [inner]})
    sw.expect(("vm1", udp(1, 3, dst_mac=GATEWAY_MAC)),
              drops={("vm1", 5001, "no_router"): 1})


def test_vni_0_bits_of_the_last_byte_do_not_matter(sw):
    frame = bytes(Ether(src=peer_mac("192.0.2.2"), dst=LOCAL_MAC)
                  / IP(src="192.0.2.2", dst=OWN_VTEP)
                  / UDP(sport=50000, dport=4789, chksum=0)
                  / VXLAN(flags=8, vni=5001, reserved2=0x7f)
                  / Raw(udp(3, 1)))
    sw.expect(("p0", frame), out={"vm1": [udp(3, 1)]})


# ECN.

NOT_ECT, ECT1, ECT0, CE = 0, 1, 2, 3


@pytest.mark.parametrize("inner, outer_ecn, result", [
    (NOT_ECT, NOT_ECT, NOT_ECT), (NOT_ECT, ECT0, NOT_ECT),
    (NOT_ECT, ECT1, NOT_ECT), (NOT_ECT, CE, None),
    (ECT0, NOT_ECT, ECT0), (ECT0, ECT0, ECT0),
    (ECT0, ECT1, ECT1), (ECT0, CE, CE),
    (ECT1, NOT_ECT, ECT1), (ECT1, ECT0, ECT1),
    (ECT1, ECT1, ECT1), (ECT1, CE, CE),
    (CE, NOT_ECT, CE), (CE, ECT0, CE), (CE, ECT1, CE), (CE, CE, CE),
])
def test_ecn_on_decapsulation(sw, inner, outer_ecn, result):
    """RFC 6040 section 4.2, Figure 4."""
    frame = decap_in(5001, udp(3, 1, tos=inner), tos=outer_ecn)
    if result is None:
        sw.expect(("p0", frame), drops={("p0", 5001, "ecn_ce_not_ect"): 1})
    else:
        sw.expect(("p0", frame), out={"vm1": [udp(3, 1, tos=result)]})


def test_ce_outside_a_frame_that_is_not_ip_is_delivered(sw):
    inner = broadcast(3)
    sw.expect(("p0", decap_in(5001, inner, tos=CE)),
              out={"vm1": [inner], "vm2": [inner]})


# To us or not.

def test_vxlan_to_another_address_is_the_hosts(sw):
    frame = encap(5001, udp(3, 1), dst="192.0.2.200", src="192.0.2.2",
                  src_mac=peer_mac("192.0.2.2"), dst_mac=LOCAL_MAC,
                  sport=50000)
    sw.expect(("p0", frame), out={"br-ov": [frame]})


def test_vxlan_to_another_port_is_the_hosts(sw):
    frame = outer(vxlan(udp(3, 1)), dport=8472)
    sw.expect(("p0", frame), out={"br-ov": [frame]})


def test_vxlan_port_of_the_bridge_is_what_counts(sw):
    sw.set_rows("set", "Bridge", "br-ov", "other_config:vxlan-port=8472")
    old, new = outer(vxlan(udp(3, 1))), outer(vxlan(udp(3, 1)), dport=8472)
    sw.expect(("p0", old, new), out={"br-ov": [old], "vm1": [udp(3, 1)]})


def test_vxlan_to_our_address_with_another_outer_mac_is_not_ours(sw):
    """CONFORMANCE VX-05: frames of others, flooded by an underlay switch."""
    frame = decap_in(5001, udp(3, 1), dst_mac="02:00:00:00:99:99")
    sw.inject("p0", frame)
    sw.wait_rest()
    assert "vm1" not in sw.collect()
