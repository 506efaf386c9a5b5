# SPDX-License-Identifier: Apache-2.0

"""What we put on the underlay (DESIGN 6, Encapsulation; RFC 7348).

    vm1 ── VNI 5001 ── br-ov ── p0 ══ underlay ══ 192.0.2.2: vm3

Each test runs over an IPv4 and over an IPv6 underlay.
"""

import struct

import pytest

from ovl.frames import (BROADCAST, IP, IPV4, IPV6, TCP, UDP, Ether, Raw, ip,
                        mac, normalize, sport_of, udp, udp6)


@pytest.fixture
def sw(either):
    return either


def test_vtep_without_a_next_hop_is_a_named_drop(sw):
    sw.add_mac(5001, mac(9), sw.underlay.vtep(9))
    sw.expect(("vm1", udp(1, 9)), drops={("vm1", 5001, "vtep_unresolved"): 1})


def test_vtep_without_a_route_is_a_named_drop(sw):
    sw.add_mac(5001, mac(9), "2001:db8:99::9" if sw.underlay is IPV6
               else "198.51.100.9")
    sw.expect(("vm1", udp(1, 9)), drops={("vm1", 5001, "vtep_unresolved"): 1})


def test_vtep_of_a_family_without_an_address_of_ours_is_a_named_drop(sw):
    sw.add_mac(5001, mac(9), IPV4.vtep(9) if sw.underlay is IPV6
               else IPV6.vtep(9))
    sw.expect(("vm1", udp(1, 9)), drops={("vm1", 5001, "no_tunnel_ip"): 1})


def test_bridge_without_vtep_address_is_a_named_drop(sw):
    sw.set_rows("clear", "Bridge", "br-ov", "overlay_vtep_ips")
    sw.expect(("vm1", udp(1, 3)), drops={("vm1", 5001, "no_tunnel_ip"): 1})


def test_bridge_without_uplink_is_a_named_drop(sw):
    sw.set_rows("clear", "Bridge", "br-ov", "overlay_uplinks")
    drops = sw.drops()
    before = sw.wait_rest()
    sw.inject("vm1", udp(1, 3))
    sw.wait_rest(before["received"] + 1)
    dropped = sw.drops() - drops
    assert list(dropped) in ([("vm1", 5001, "no_uplink")],
                             [("vm1", 5001, "vtep_unresolved")])
    assert not sw.collect()


def test_unresolved_vtep_of_the_flood_list_does_not_stop_the_others(sw):
    sw.set_network(5001, flood_vteps=[sw.underlay.vtep(n)
                                      for n in (2, 9, 3)])
    frame = bytes(Ether(src=mac(1), dst=BROADCAST, type=0x88b5)
                  / Raw(b"x" * 46))
    sw.expect(("vm1", frame),
              out={"vm2": [frame],
                   "p0": [sw.encap(frame, 2),
                          sw.encap(frame, 3)]},
              drops={("vm1", 5001, "vtep_unresolved"): 1})


def sized(payload):
    """A frame from VM 1 to VM 3 with 'payload' bytes behind its header."""
    return bytes(Ether(src=mac(1), dst=mac(3), type=0x88b5)
                 / Raw(b"\xa5" * payload))


@pytest.mark.parametrize("size", [0, 45, 46, 47, 986, "largest - 1",
                                  "largest"])
def test_outer_header_is_exact(sw, size):
    """Flags I only, reserved bits zero, lengths.  Over IPv4 DF and no UDP
    checksum, over IPv6 no flow label (RFC 6437 section 3 allows it; the UDP
    source port is what flows differ in) and the right UDP checksum."""
    if isinstance(size, str):
        size = 1500 - sw.underlay.overhead - size.endswith("1")
    frame = sized(size)
    sw.expect(("vm1", frame), out={"p0": [sw.encap(frame)]})


@pytest.mark.parametrize("vni", [1, 4095, 4096, 0x123456, 16777215])
def test_vni_is_in_its_three_bytes(sw, vni):
    with sw.transaction():
        sw.add_network(vni)
        sw.add_port("vm5", vni, mac(5))
        sw.add_mac(vni, mac(3), sw.underlay.vtep(2))
    sw.wait_polled("vm5")
    frame = udp(5, 3)
    sw.expect(("vm5", frame), out={"p0": [sw.encap(frame, vni=vni)]})


def test_source_port_spreads_flows_and_is_stable_per_flow(sw):
    flows = [udp(1, 3, sport=s) for s in range(1000, 1064)]
    sw.expect(("vm1", *flows),
              out={"p0": [sw.encap(frame) for frame in flows]})
    ports = [sport_of(frame) for frame in sw.captured["p0"]]
    assert len(set(ports)) >= 56
    assert all(49152 <= port <= 65535 for port in ports)
    sw.expect(("vm1", *flows),
              out={"p0": [sw.encap(frame) for frame in flows]})
    assert ports == [sport_of(frame) for frame in sw.captured["p0"]]


def test_source_port_is_the_same_for_all_fragments_of_a_datagram(sw):
    """Later fragments have no ports to hash."""
    first = bytes(Ether(src=mac(1), dst=mac(3))
                  / IP(src=ip(1), dst=ip(3), flags="MF", id=7, proto=17)
                  / UDP(sport=1, dport=2, len=200) / Raw(b"f" * 92))
    last = bytes(Ether(src=mac(1), dst=mac(3))
                 / IP(src=ip(1), dst=ip(3), frag=100 // 8 + 1, id=7, proto=17)
                 / Raw(b"l" * 100))
    sw.expect(("vm1", first, last),
              out={"p0": [sw.encap(first), sw.encap(last)]})
    assert len({sport_of(frame) for frame in sw.captured["p0"]}) == 1


def test_ttl_and_port_of_the_bridge(sw):
    sw.set_rows("set", "Bridge", "br-ov", "other_config:vxlan-ttl=100",
                "other_config:vxlan-port=8472")
    frame = udp(1, 3)
    before = sw.wait_rest()
    sw.inject("vm1", frame)
    sw.wait_rest(before["received"] + 1)
    got, = sw.collect()["p0"]
    want = sw.encap(frame, ttl=100, dport=8472)
    assert normalize(got, 8472) == normalize(want, 8472)
    assert 49152 <= sport_of(got, 8472) <= 65535
    sw.set_rows("remove", "Bridge", "br-ov", "other_config",
                "vxlan-ttl", "vxlan-port")
    sw.expect(("vm1", frame), out={"p0": [sw.encap(frame)]})


@pytest.mark.parametrize("dscp", [1, 46, 63])
def test_dscp_of_the_bridge(sw, dscp):
    sw.set_rows("set", "Bridge", "br-ov", f"other_config:vxlan-dscp={dscp}")
    frame = udp(1, 3)
    sw.expect(("vm1", frame),
              out={"p0": [sw.encap(frame, tos=dscp << 2)]})


def test_dscp_inherited_from_the_inner_packet(sw):
    sw.set_rows("set", "Bridge", "br-ov", "other_config:vxlan-dscp=inherit")
    frame = udp(1, 3, tos=46 << 2)
    other = bytes(Ether(src=mac(1), dst=mac(3), type=0x88b5) / Raw(b"x" * 46))
    sw.expect(("vm1", frame, other),
              out={"p0": [sw.encap(frame, tos=46 << 2),
                          sw.encap(other)]})


@pytest.fixture
def anyone(sw):
    """VMs 1 and 3 may have any address."""
    sw.set_rows("set", "Port", "vm1", f'overlay_addresses="{mac(1)}"')
    return sw


@pytest.mark.parametrize("tos", [46 << 2 | 1, 8 << 2, 63 << 2 | 3])
def test_dscp_inherited_from_an_inner_ipv6_packet(anyone, tos):
    sw = anyone
    sw.set_rows("set", "Bridge", "br-ov", "other_config:vxlan-dscp=inherit")
    frame = udp6(1, 3, tc=tos, fl=0xfffff)
    sw.expect(("vm1", frame), out={"p0": [sw.encap(frame, tos=tos)]})


@pytest.mark.parametrize("ecn", [0, 1, 2, 3])
def test_ecn_is_copied_outside(anyone, ecn):
    """RFC 6040 section 4.1, normal mode."""
    for frame in udp(1, 3, tos=ecn), udp6(1, 3, tc=ecn):
        anyone.expect(("vm1", frame),
                      out={"p0": [anyone.encap(frame, tos=ecn)]})


def test_flow_label_of_the_inner_packet_stays_inside(anyone):
    frame = udp6(1, 3, fl=0xabcde)
    anyone.expect(("vm1", frame), out={"p0": [anyone.encap(frame)]})


def test_udp_checksum_over_ipv6_may_be_configured_away(sw):
    """RFC 6935 section 5, and CONFORMANCE VX-10.  Over IPv4 there is none
    anyhow."""
    frame = udp(1, 3)
    for value, chksum in ("true", 0), ("false", None):
        sw.set_rows("set", "Bridge", "br-ov",
                    f"other_config:vxlan-udp6-zero-csum={value}")
        sw.expect(("vm1", frame), out={"p0": [sw.encap(frame,
                                                       chksum=chksum)]})


def test_udp_checksum_that_would_be_zero_is_sent_as_ones(sw6):
    """RFC 768, RFC 8200 section 8.1: zero would mean that there is none."""
    frame = sized(100)
    sw6.expect(("vm1", frame), out={"p0": [sw6.encap(frame)]})
    got, = sw6.captured["p0"]
    sport = sport_of(got)

    # One's complement: what was missing from the sum goes into the payload.
    missing, = struct.unpack_from(
        "!H", sw6.encap(frame, sport=sport, chksum=None), 60)
    last, = struct.unpack("!H", frame[-2:])
    frame = frame[:-2] + struct.pack("!H", (last + missing) % 0xffff)
    sw6.expect(("vm1", frame), out={"p0": [sw6.encap(frame)]})
    got, = sw6.captured["p0"]
    assert got == sw6.encap(frame, sport=sport)
    assert got[60:62] == b"\xff\xff"


def test_frame_that_does_not_fit_the_uplink_is_dropped(sw):
    """1500 - 50: the largest inner IP packet is 1450 bytes, or 1430 over
    IPv6."""
    largest = {IPV4: 1450, IPV6: 1430}[sw.underlay]
    fits, too_big = sized(largest), sized(largest + 1)
    sw.expect(("vm1", fits), out={"p0": [sw.encap(fits)]})
    sw.expect(("vm1", too_big), drops={("vm1", 5001, "too_big"): 1})


def test_uplink_mtu_change_takes_force(sw):
    frame = sized(1600 - sw.underlay.overhead)
    sw.expect(("vm1", frame), drops={("vm1", 5001, "too_big"): 1})
    sw.set_rows("set", "Interface", "p0", "mtu_request=1600")
    sw.wait_polled("p0")
    sw.wait_vtep(sw.underlay.vtep(2))
    sw.expect(("vm1", frame), out={"p0": [sw.encap(frame)]})


def test_vtep_of_ours_follows_the_bridge_row(sw):
    other = sw.underlay.vtep(0x77)
    sw.set_rows("set", "Bridge", "br-ov", f'overlay_vtep_ips="{other}"')
    frame = udp(1, 3)
    sw.wait_vtep(sw.underlay.vtep(2))
    sw.expect(("vm1", frame),
              out={"p0": [sw.encap(frame, src=other)]})


def test_tcp_flows_have_source_ports_of_their_own(sw):
    flows = [bytes(Ether(src=mac(1), dst=mac(3)) / IP(src=ip(1), dst=ip(3))
                   / TCP(sport=s, dport=80)) for s in range(2000, 2032)]
    sw.expect(("vm1", *flows), out={"p0": [sw.encap(f) for f in flows]})
    assert len({sport_of(f) for f in sw.captured["p0"]}) >= 28
