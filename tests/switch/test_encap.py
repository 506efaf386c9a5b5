# SPDX-License-Identifier: Apache-2.0

"""What we put on the underlay (DESIGN 6, Encapsulation; RFC 7348).

    vm1 ── VNI 5001 ── br-ov ── p0 ══ underlay ══ 192.0.2.2: vm3
"""

import pytest

from ovl.frames import (BROADCAST, IP, TCP, UDP, Ether, Raw, encap, ip, mac,
                        sport_of, udp)


def test_vtep_without_a_next_hop_is_a_named_drop(sw):
    sw.add_mac(5001, mac(9), "192.0.2.9")
    sw.expect(("vm1", udp(1, 9)), drops={("vm1", 5001, "vtep_unresolved"): 1})


def test_vtep_without_a_route_is_a_named_drop(sw):
    sw.add_mac(5001, mac(9), "198.51.100.9")
    sw.expect(("vm1", udp(1, 9)), drops={("vm1", 5001, "vtep_unresolved"): 1})


def test_ipv6_vtep_without_an_ipv6_address_of_ours_is_a_named_drop(sw):
    sw.add_mac(5001, mac(9), "2001:db8::9")
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
    sw.set_network(5001, flood_vteps=["192.0.2.2", "192.0.2.9", "192.0.2.3"])
    frame = bytes(Ether(src=mac(1), dst=BROADCAST, type=0x88b5)
                  / Raw(b"x" * 46))
    sw.expect(("vm1", frame),
              out={"vm2": [frame],
                   "p0": [encap(5001, frame, "192.0.2.2"),
                          encap(5001, frame, "192.0.2.3")]},
              drops={("vm1", 5001, "vtep_unresolved"): 1})


@pytest.mark.parametrize("size", [14, 59, 60, 61, 1000, 1463, 1464])
def test_outer_header_is_exact(sw, size):
    """Flags I only, reserved bits zero, DF, UDP checksum zero, lengths."""
    frame = bytes(Ether(src=mac(1), dst=mac(3), type=0x88b5)
                  / Raw(b"\xa5" * (size - 14)))
    sw.expect(("vm1", frame), out={"p0": [encap(5001, frame)]})


@pytest.mark.parametrize("vni", [1, 4095, 4096, 0x123456, 16777215])
def test_vni_is_in_its_three_bytes(sw, vni):
    with sw.transaction():
        sw.add_network(vni)
        sw.add_port("vm5", vni, mac(5))
        sw.add_mac(vni, mac(3), "192.0.2.2")
    sw.wait_polled("vm5")
    frame = udp(5, 3)
    sw.expect(("vm5", frame), out={"p0": [encap(vni, frame)]})


def test_source_port_spreads_flows_and_is_stable_per_flow(sw):
    flows = [udp(1, 3, sport=s) for s in range(1000, 1064)]
    sw.expect(("vm1", *flows),
              out={"p0": [encap(5001, frame) for frame in flows]})
    ports = [sport_of(frame) for frame in sw.captured["p0"]]
    assert len(set(ports)) >= 56
    assert all(49152 <= port <= 65535 for port in ports)
    sw.expect(("vm1", *flows),
              out={"p0": [encap(5001, frame) for frame in flows]})
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
              out={"p0": [encap(5001, first), encap(5001, last)]})
    assert len({sport_of(frame) for frame in sw.captured["p0"]}) == 1


def test_ttl_and_port_of_the_bridge(sw):
    sw.set_rows("set", "Bridge", "br-ov", "other_config:vxlan-ttl=100",
                "other_config:vxlan-port=8472")
    frame = udp(1, 3)
    before = sw.wait_rest()
    sw.inject("vm1", frame)
    sw.wait_rest(before["received"] + 1)
    got, = sw.collect()["p0"]
    want = encap(5001, frame, ttl=100, dport=8472)
    assert got[:34] + got[36:] == want[:34] + want[36:]
    assert 49152 <= sport_of(got) <= 65535
    sw.set_rows("remove", "Bridge", "br-ov", "other_config",
                "vxlan-ttl", "vxlan-port")
    sw.expect(("vm1", frame), out={"p0": [encap(5001, frame)]})


@pytest.mark.parametrize("dscp", [1, 46, 63])
def test_dscp_of_the_bridge(sw, dscp):
    sw.set_rows("set", "Bridge", "br-ov", f"other_config:vxlan-dscp={dscp}")
    frame = udp(1, 3)
    sw.expect(("vm1", frame),
              out={"p0": [encap(5001, frame, tos=dscp << 2)]})


def test_dscp_inherited_from_the_inner_packet(sw):
    sw.set_rows("set", "Bridge", "br-ov", "other_config:vxlan-dscp=inherit")
    frame = udp(1, 3, tos=46 << 2)
    other = bytes(Ether(src=mac(1), dst=mac(3), type=0x88b5) / Raw(b"x" * 46))
    sw.expect(("vm1", frame, other),
              out={"p0": [encap(5001, frame, tos=46 << 2),
                          encap(5001, other)]})


@pytest.mark.parametrize("ecn", [0, 1, 2, 3])
def test_ecn_is_copied_outside(sw, ecn):
    """RFC 6040 section 4.1, normal mode."""
    frame = udp(1, 3, tos=ecn)
    sw.expect(("vm1", frame), out={"p0": [encap(5001, frame, tos=ecn)]})


def test_frame_that_does_not_fit_the_uplink_is_dropped(sw):
    """1500 - 50: the largest inner IP packet is 1450 bytes."""
    fits = bytes(Ether(src=mac(1), dst=mac(3), type=0x88b5)
                 / Raw(b"x" * 1450))
    too_big = bytes(Ether(src=mac(1), dst=mac(3), type=0x88b5)
                    / Raw(b"x" * 1451))
    sw.expect(("vm1", fits), out={"p0": [encap(5001, fits)]})
    sw.expect(("vm1", too_big), drops={("vm1", 5001, "too_big"): 1})


def test_uplink_mtu_change_takes_force(sw):
    frame = bytes(Ether(src=mac(1), dst=mac(3), type=0x88b5)
                  / Raw(b"x" * 1460))
    sw.expect(("vm1", frame), drops={("vm1", 5001, "too_big"): 1})
    sw.set_rows("set", "Interface", "p0", "mtu_request=1600")
    sw.wait_polled("p0")
    sw.wait_vtep("192.0.2.2")
    sw.expect(("vm1", frame), out={"p0": [encap(5001, frame)]})


def test_vtep_of_ours_follows_the_bridge_row(sw):
    sw.set_rows("set", "Bridge", "br-ov", 'overlay_vtep_ips="192.0.2.77"')
    frame = udp(1, 3)
    sw.wait_vtep("192.0.2.2")
    sw.expect(("vm1", frame),
              out={"p0": [encap(5001, frame, src="192.0.2.77")]})


def test_tcp_flows_have_source_ports_of_their_own(sw):
    flows = [bytes(Ether(src=mac(1), dst=mac(3)) / IP(src=ip(1), dst=ip(3))
                   / TCP(sport=s, dport=80)) for s in range(2000, 2032)]
    sw.expect(("vm1", *flows), out={"p0": [encap(5001, f) for f in flows]})
    assert len({sport_of(f) for f in sw.captured["p0"]}) >= 28
