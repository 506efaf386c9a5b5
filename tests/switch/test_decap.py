# SPDX-License-Identifier: Apache-2.0

"""What we take from the underlay (DESIGN 6 rules 6 to 8).

    vm1 ─┐ VNI 5001 ─┐
    vm2 ─┘           ├ br-ov ─ p0 ══ underlay ══ 192.0.2.2: vm3 (5001)
    vm4 ── VNI 5002 ─┘   │                       192.0.2.3 (flood list of 5001)
                       LOCAL

Each test runs over an IPv4 and over an IPv6 underlay, unless it is about what
only one of them has.
"""

import json
import struct

import pytest

from scapy.layers.inet6 import (IPv6ExtHdrDestOpt, IPv6ExtHdrFragment,
                                IPv6ExtHdrHopByHop, IPv6ExtHdrRouting)

from ovl.frames import (BROADCAST, GATEWAY_MAC, IP, IPV6, LOCAL_MAC,
                        OWN_VTEP, OWN_VTEP6, UDP, Ether, IPv6, Raw, mac,
                        outer_ip, peer_mac, udp, udp6)

PEER4, PEER6 = "192.0.2.2", "2001:db8:ff::2"


@pytest.fixture
def sw(either):
    return either


def broadcast(n):
    return bytes(Ether(src=mac(n), dst=BROADCAST, type=0x88b5)
                 / Raw(b"b" * 46))


def outer(sw, payload, src=None, **udp_fields):
    """IP and UDP from VTEP 2, or 'src', to our VXLAN port, and anything
    inside.  There is a checksum over IPv6 only."""
    peer, own = sw.underlay.vtep(2), sw.underlay.own
    fields = dict(sport=50000, dport=4789)
    if sw.underlay is not IPV6:
        fields["chksum"] = 0
    fields.update(udp_fields)
    return bytes(Ether(src=peer_mac(peer), dst=LOCAL_MAC)
                 / outer_ip(src or peer, own)
                 / UDP(**fields) / Raw(payload))


def outer6(payload, *headers, dst_mac=LOCAL_MAC, **udp_fields):
    """The same over IPv6 with extension headers before UDP.  Its checksum is
    of the datagram as such, without them."""
    plain = (IPv6(src=PEER6, dst=OWN_VTEP6)
             / UDP(sport=50000, dport=4789, **udp_fields) / Raw(payload))
    datagram = bytes(plain)[40:]
    ip6 = IPv6(src=PEER6, dst=OWN_VTEP6,
               nh=17 if not headers else NEXT_HEADER[type(headers[0])])
    packet = Ether(src=peer_mac(PEER6), dst=dst_mac) / ip6
    for this, following in zip(headers, [*headers[1:], None]):
        this.nh = NEXT_HEADER[type(following)] if following else 17
        packet /= this
    return bytes(packet / Raw(datagram))


NEXT_HEADER = {IPv6ExtHdrHopByHop: 0, IPv6ExtHdrRouting: 43,
               IPv6ExtHdrFragment: 44, IPv6ExtHdrDestOpt: 60}


def vxlan(inner, flags=8, vni=5001, reserved1=0, reserved2=0):
    return struct.pack("!II", flags << 24 | reserved1,
                       vni << 8 | reserved2) + inner


# Dropped.

@pytest.mark.parametrize("flags", [0x00, 0x04, 0x0c, 0x80, 0xf7])
def test_without_i_flag_or_with_p_bit_is_dropped(sw, flags):
    """P is bit 0x04 of RFC 7348's reserved bits, taken by VXLAN-GPE."""
    sw.expect(("p0", outer(sw, vxlan(udp(3, 1), flags=flags))),
              drops={("p0", None, "vxlan_bad_flags"): 1})


@pytest.mark.parametrize("vni", [0, 1, 5000, 5003, 16777215])
def test_unknown_vni_is_dropped(sw, vni):
    sw.expect(("p0", outer(sw, vxlan(udp(3, 1), vni=vni))),
              drops={("p0", None, "vxlan_unknown_vni"): 1})


def test_outer_source_that_no_row_names_is_dropped(sw):
    sw.expect(("p0", sw.decap_in(udp(3, 1), 0x66)),
              drops={("p0", 5001, "unknown_vtep"): 1})


@pytest.mark.parametrize("source4, source6, reason", [
    (OWN_VTEP, OWN_VTEP6, "own_source"),
    ("127.0.0.1", "::1", "martian_outer"),
    ("224.0.0.5", "ff02::5", "martian_outer"),
    ("255.255.255.255", "ff0e::1", "martian_outer"),
    ("0.0.0.0", "::", "martian_outer"),
    ("240.0.0.1", "::ffff:192.0.2.2", "martian_outer"),
    (PEER4.replace("2.2", "2.66"), "fe80::2", "unknown_vtep"),
])
def test_outer_source_that_cannot_be_is_dropped(sw, source4, source6, reason):
    frame = outer(sw, vxlan(udp(3, 1)),
                  src=source6 if sw.underlay is IPV6 else source4)
    vni = 5001 if reason == "unknown_vtep" else None
    sw.expect(("p0", frame), drops={("p0", vni, reason): 1})


@pytest.mark.parametrize("length", [0, 4, 7])
def test_too_short_for_vxlan_is_dropped(sw, length):
    frame = outer(sw, vxlan(udp(3, 1))[:length])
    sw.expect(("p0", frame), drops={("p0", None, "vxlan_malformed"): 1})


@pytest.mark.parametrize("length", [8, 8 + 13])
def test_too_short_for_ethernet_inside_is_dropped(sw, length):
    frame = outer(sw, vxlan(udp(3, 1))[:length])
    sw.expect(("p0", frame), drops={("p0", 5001, "too_short"): 1})


def udp_offset(sw):
    return 54 if sw.underlay is IPV6 else 34


def test_udp_length_beyond_the_ip_packet_is_dropped(sw):
    frame = bytearray(outer(sw, vxlan(udp(3, 1))))
    at = udp_offset(sw) + 4
    length, = struct.unpack_from("!H", frame, at)
    struct.pack_into("!H", frame, at, length + 1)
    sw.expect(("p0", frame), drops={("p0", None, "vxlan_malformed"): 1})


@pytest.mark.parametrize("length", [0, 7, 8, 15])
def test_udp_length_below_a_vxlan_header_is_dropped(sw, length):
    frame = bytearray(outer(sw, vxlan(udp(3, 1))))
    struct.pack_into("!H", frame, udp_offset(sw) + 4, length)
    sw.expect(("p0", frame), drops={("p0", None, "vxlan_malformed"): 1})


def test_outer_packet_announced_longer_than_it_is_is_dropped(sw):
    frame = outer(sw, vxlan(udp(3, 1)))
    sw.expect(("p0", frame[:-1]),
              drops={("p0", None, "vxlan_malformed"): 1})


def test_wrong_outer_ip_checksum_is_dropped(sw):
    """IPv6 has none: there the UDP checksum covers the addresses."""
    frame = bytearray(sw.decap_in(udp(3, 1)))
    if sw.underlay is IPV6:
        frame[37] ^= 1                  # VTEP 3 instead of 2: known, too.
    else:
        frame[24] ^= 0x55
    sw.expect(("p0", frame), drops={("p0", None, "outer_bad_csum"): 1})


def test_wrong_outer_udp_checksum_is_dropped(sw):
    good = outer(sw, vxlan(udp(3, 1)), chksum=None)
    sw.expect(("p0", good), out={"vm1": [udp(3, 1)]})
    for at in udp_offset(sw) + 7, len(good) - 1:
        bad = bytearray(good)
        bad[at] ^= 1
        sw.expect(("p0", bad), drops={("p0", None, "outer_bad_csum"): 1})


@pytest.mark.parametrize("size", [46, 47])
def test_checksum_of_an_odd_datagram_with_a_trailer(sw, size):
    """What is behind the UDP length does not count."""
    inner = bytes(Ether(src=mac(3), dst=mac(1), type=0x88b5)
                  / Raw(b"x" * size))
    sw.expect(("p0", outer(sw, vxlan(inner), chksum=None) + b"\xa5" * 3),
              out={"vm1": [inner]})


# Outer fragments, options, extension headers.

def test_first_outer_fragment_of_vxlan_is_dropped(sw):
    if sw.underlay is IPV6:
        frame = outer6(vxlan(udp(3, 1)), IPv6ExtHdrFragment(m=1, id=7))
    else:
        frame = bytes(Ether(src=peer_mac(PEER4), dst=LOCAL_MAC)
                      / IP(src=PEER4, dst=OWN_VTEP, flags="MF")
                      / UDP(sport=50000, dport=4789, chksum=0, len=500)
                      / Raw(vxlan(udp(3, 1))))
    sw.expect(("p0", frame), drops={("p0", None, "outer_frag"): 1})


def test_later_outer_fragment_is_the_hosts(sw):
    if sw.underlay is IPV6:
        frame = outer6(vxlan(udp(3, 1)),
                       IPv6ExtHdrFragment(offset=10, m=1, id=7))
    else:
        frame = bytes(Ether(src=peer_mac(PEER4), dst=LOCAL_MAC)
                      / IP(src=PEER4, dst=OWN_VTEP, frag=10, proto=17)
                      / Raw(b"f" * 100))
    sw.expect(("p0", frame), out={"br-ov": [frame]})


def test_first_outer_fragment_of_anything_else_is_the_hosts(sw6):
    frame = bytearray(outer6(vxlan(udp(3, 1)), IPv6ExtHdrFragment(m=1)))
    frame[64:66] = b"\0\x35"            # UDP destination port.
    sw6.expect(("p0", frame), out={"br-ov": [frame]})


def test_atomic_outer_fragment_is_dropped(sw6):
    """RFC 6946: a fragment header, but whole.  No VTEP sends such packets;
    they are treated like the other extension headers."""
    frame = outer6(vxlan(udp(3, 1)), IPv6ExtHdrFragment(id=7))
    sw6.expect(("p0", frame), drops={("p0", None, "outer_frag"): 1})


def test_outer_ip_options_are_dropped(sw4):
    for n in range(1, 11):
        frame = bytes(Ether(src=peer_mac(PEER4), dst=LOCAL_MAC)
                      / IP(src=PEER4, dst=OWN_VTEP, options=b"\1" * 4 * n)
                      / UDP(sport=50000, dport=4789, chksum=0)
                      / Raw(vxlan(udp(3, 1))))
        sw4.expect(("p0", frame), drops={("p0", None, "outer_options"): 1})


@pytest.mark.parametrize("headers", [
    [IPv6ExtHdrHopByHop], [IPv6ExtHdrRouting], [IPv6ExtHdrDestOpt],
    [IPv6ExtHdrHopByHop, IPv6ExtHdrDestOpt, IPv6ExtHdrRouting],
], ids=["hop-by-hop", "routing", "destination", "three"])
def test_outer_extension_headers_are_dropped(sw6, headers):
    frame = outer6(vxlan(udp(3, 1)), *[header() for header in headers])
    sw6.expect(("p0", frame), drops={("p0", None, "outer_options"): 1})


def test_outer_extension_headers_of_anything_else_are_the_hosts(sw6):
    frame = bytearray(outer6(vxlan(udp(3, 1)), IPv6ExtHdrDestOpt()))
    frame[64:66] = b"\0\x35"
    sw6.expect(("p0", frame), out={"br-ov": [frame]})


def test_more_extension_headers_than_anybody_uses_are_the_hosts(sw6):
    """Nobody can say what is behind them."""
    frame = outer6(vxlan(udp(3, 1)), *[IPv6ExtHdrDestOpt() for _ in range(9)])
    sw6.expect(("p0", frame), out={"br-ov": [frame]})


def test_udp_over_ipv6_without_a_checksum_needs_configuration(sw6):
    """RFC 6935 section 5, CONFORMANCE VX-10; where it is allowed the
    addresses are checked all the same, and a checksum that is there, too."""
    zero = outer6(vxlan(udp(3, 1)), chksum=0)
    good = outer6(vxlan(udp(3, 1)))
    stranger = bytearray(zero)
    stranger[37] = 0x66
    bad = bytearray(good)
    bad[-1] ^= 1
    inner = udp(3, 1)
    for value, out, drops in (
            ("false", {"vm1": [inner]},
             {("p0", None, "outer_zero_csum"): 2,
              ("p0", None, "outer_bad_csum"): 1}),
            ("true", {"vm1": [inner, inner]},
             {("p0", 5001, "unknown_vtep"): 1,
              ("p0", None, "outer_bad_csum"): 1})):
        sw6.set_rows("set", "Bridge", "br-ov",
                    f"other_config:vxlan-udp6-zero-csum={value}")
        sw6.expect(("p0", good, zero, stranger, bad), out=out, drops=drops)


# Inside.

def test_vlan_tag_inside_is_dropped(sw):
    inner = udp(3, 1)
    inner = inner[:12] + b"\x81\0\0\x64" + inner[12:]
    sw.expect(("p0", sw.decap_in(inner)),
              drops={("p0", 5001, "inner_vlan_tag"): 1})


def test_unknown_unicast_out_of_a_tunnel_is_dropped(sw):
    for mode in "drop", "flood":
        sw.set_network(5001, unknown_unicast=mode)
        inner = udp(3, 9)
        if mode == "drop":
            sw.expect(("p0", sw.decap_in(inner)),
                      drops={("p0", 5001, "unknown_unicast"): 1})
        else:
            sw.expect(("p0", sw.decap_in(inner)),
                      out={"vm1": [inner], "vm2": [inner]})


def test_reserved_group_address_out_of_a_tunnel_is_dropped(sw):
    inner = bytes(Ether(src=mac(3), dst="01:80:c2:00:00:00", type=0x88b5)
                  / Raw(b"x" * 46))
    sw.expect(("p0", sw.decap_in(inner)),
              drops={("p0", 5001, "reserved_group"): 1})


@pytest.mark.parametrize("source", [BROADCAST, "00:00:00:00:00:00"])
def test_bad_inner_source_mac_is_dropped(sw, source):
    inner = udp(3, 1, src_mac=source)
    sw.expect(("p0", sw.decap_in(inner)),
              drops={("p0", 5001, "bad_source_mac"): 1})


# Split horizon.

def test_bridged_frame_never_goes_from_tunnel_to_tunnel(sw):
    """RFC 8365 section 9."""
    sw.add_mac(5001, mac(9), sw.underlay.vtep(3))
    for target in 3, 9:
        sw.expect(("p0", sw.decap_in(udp(8, target))),
                  drops={("p0", 5001, "split_horizon"): 1})


def test_broadcast_out_of_a_tunnel_reaches_local_ports_only(sw):
    inner = broadcast(3)
    sw.expect(("p0", sw.decap_in(inner)),
              out={"vm1": [inner], "vm2": [inner]})


def test_broadcast_out_of_a_tunnel_without_local_ports_is_dropped(sw):
    with sw.transaction():
        sw.add_network(5003, flood_vteps=sw.underlay.vtep(2))
    sw.expect(("p0", sw.decap_in(broadcast(3), vni=5003)),
              drops={("p0", 5003, "no_destination"): 1})


# Delivered.

def test_unicast_reaches_its_port(sw):
    inner = udp(3, 1)
    sw.expect(("p0", sw.decap_in(inner)), out={"vm1": [inner]})


def test_source_on_the_flood_list_is_enough(sw):
    inner = udp(9, 2)
    sw.expect(("p0", sw.decap_in(inner, 3)),
              out={"vm2": [inner]})


def test_vtep_of_another_network_of_the_same_vrf_is_enough(sw):
    sw.set_network(5002, vrf="red")
    inner = udp(9, 4)
    sw.expect(("p0", sw.decap_in(inner, vni=5002)), out={"vm4": [inner]})
    sw.set_network(5002, vrf="blue")
    sw.expect(("p0", sw.decap_in(inner, vni=5002)),
              drops={("p0", 5002, "unknown_vtep"): 1})


def test_vtep_is_unknown_again_when_its_last_row_goes(sw):
    inner = udp(3, 1)
    sw.set_network(5001, flood_vteps=[sw.underlay.vtep(3)])
    sw.expect(("p0", sw.decap_in(inner)), out={"vm1": [inner]})
    sw.destroy("Overlay_MAC")
    sw.expect(("p0", sw.decap_in(inner)),
              drops={("p0", 5001, "unknown_vtep"): 1})


@pytest.mark.parametrize("fields", [
    dict(flags=0x88), dict(flags=0xfb), dict(reserved1=0xffffff),
    dict(reserved2=0xff), dict(flags=0x18, reserved1=1, reserved2=1),
])
def test_reserved_bits_are_ignored(sw, fields):
    """RFC 7348 section 5: ignored on receipt."""
    sw.expect(("p0", outer(sw, vxlan(udp(3, 1), **fields))),
              out={"vm1": [udp(3, 1)]})


def test_trailer_after_the_udp_length_is_not_delivered(sw):
    sw.expect(("p0", sw.decap_in(udp(3, 1)) + b"\xa5" * 7),
              out={"vm1": [udp(3, 1)]})


def test_zero_udp_checksum_is_accepted(sw):
    """Over IPv6 where it is configured."""
    sw.set_rows("set", "Bridge", "br-ov",
                "other_config:vxlan-udp6-zero-csum=true")
    sw.expect(("p0", outer(sw, vxlan(udp(3, 1)), chksum=0)),
              out={"vm1": [udp(3, 1)]})


def test_any_udp_source_port_is_accepted(sw):
    for sport in 0, 1, 4789, 65535:
        sw.expect(("p0", outer(sw, vxlan(udp(3, 1)), sport=sport)),
                  out={"vm1": [udp(3, 1)]})


def test_router_mac_as_source_out_of_a_tunnel_is_normal(sw):
    """A remote host routed the packet."""
    inner = udp(3, 1, src_mac=GATEWAY_MAC)
    sw.expect(("p0", sw.decap_in(inner)), out={"vm1": [inner]})
    # Nothing was learned from it.
    assert not json.loads(sw.appctl("overlay/macs", f"mac={GATEWAY_MAC}",
                                    "--json"))


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
    for make, field in (udp, "tos"), (udp6, "tc"):
        frame = sw.decap_in(make(3, 1, **{field: inner | 0xb8}),
                            tos=outer_ecn | 0x20)
        if result is None:
            sw.expect(("p0", frame),
                      drops={("p0", 5001, "ecn_ce_not_ect"): 1})
        else:
            sw.expect(("p0", frame), out={
                "vm1": [make(3, 1, **{field: result | 0xb8})]})


def test_ce_outside_a_frame_that_is_not_ip_is_delivered(sw):
    inner = broadcast(3)
    sw.expect(("p0", sw.decap_in(inner, tos=CE)),
              out={"vm1": [inner], "vm2": [inner]})


# To us or not.

def test_vxlan_to_another_address_is_the_hosts(sw):
    frame = sw.decap_in(udp(3, 1), dst=sw.underlay.vtep(0xc8))
    sw.expect(("p0", frame), out={"br-ov": [frame]})


def test_vxlan_to_another_port_is_the_hosts(sw):
    frame = outer(sw, vxlan(udp(3, 1)), dport=8472)
    sw.expect(("p0", frame), out={"br-ov": [frame]})


def test_vxlan_port_of_the_bridge_is_what_counts(sw):
    sw.set_rows("set", "Bridge", "br-ov", "other_config:vxlan-port=8472")
    old, new = outer(sw, vxlan(udp(3, 1))), outer(sw, vxlan(udp(3, 1)), dport=8472)
    sw.expect(("p0", old, new), out={"br-ov": [old], "vm1": [udp(3, 1)]})


def test_vxlan_to_our_address_with_another_outer_mac_is_not_ours(sw):
    """CONFORMANCE VX-05: frames of others, flooded by an underlay switch."""
    frame = sw.decap_in(udp(3, 1), dst_mac="02:00:00:00:99:99")
    sw.inject("p0", frame)
    sw.wait_rest()
    assert "vm1" not in sw.collect()
