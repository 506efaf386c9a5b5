# SPDX-License-Identifier: Apache-2.0

"""Bridging inside a network (DESIGN 6 rule 3).

    vm1 ─┐
    vm2 ─┤ VNI 5001 ─┐                        192.0.2.2: vm3 (5001)
                     ├ br-ov ─ p0 ══ underlay ══ 192.0.2.3
    vm4 ── VNI 5002 ─┘
"""

import pytest

from ovl.frames import (BROADCAST, GATEWAY_MAC, Ether, Raw, decap_in, encap,
                        mac, udp)


def broadcast(n):
    return bytes(Ether(src=mac(n), dst=BROADCAST, type=0x88b5)
                 / Raw(b"b" * 46))


def multicast(n):
    return bytes(Ether(src=mac(n), dst="01:00:5e:01:02:03", type=0x88b5)
                 / Raw(b"m" * 46))


# Not delivered.

def test_unknown_unicast_is_dropped_by_default(sw):
    sw.expect(("vm1", udp(1, 9)), drops={("vm1", 5001, "unknown_unicast"): 1})


def test_mac_of_another_network_is_unknown(sw):
    sw.expect(("vm1", udp(1, 4)), drops={("vm1", 5001, "unknown_unicast"): 1})
    frame = udp(4, 1)
    sw.expect(("vm4", frame), drops={("vm4", 5002, "unknown_unicast"): 1})


def test_destination_behind_the_ingress_port_is_dropped(sw):
    sw.add_port("vm5", 5001, [mac(5), mac(6)])
    sw.expect(("vm5", udp(5, 6)), drops={("vm5", 5001, "same_port"): 1})


def test_broadcast_without_any_other_member_is_dropped(sw):
    sw.expect(("vm4", broadcast(4)),
              drops={("vm4", 5002, "no_destination"): 1})


def test_nothing_is_learned_from_packets(sw):
    """vm5's port is not guarded and names no MAC: nobody finds it."""
    sw.add_port("vm5", 5001)
    frame = udp(5, 2)
    sw.expect(("vm5", frame), out={"vm2": [frame]})
    sw.expect(("vm2", udp(2, 5)),
              drops={("vm2", 5001, "unknown_unicast"): 1})
    inner = udp(9, 1)
    sw.expect(("p0", decap_in(5001, inner)), out={"vm1": [inner]})
    sw.expect(("vm1", udp(1, 9)), drops={("vm1", 5001, "unknown_unicast"): 1})


# Delivered.

def test_unicast_to_a_local_port(sw):
    there, back = udp(1, 2), udp(2, 1)
    sw.expect(("vm1", there), out={"vm2": [there]})
    sw.expect(("vm2", back), out={"vm1": [back]})


def test_unicast_to_a_remote_mac(sw):
    frame = udp(1, 3)
    sw.expect(("vm1", frame), out={"p0": [encap(5001, frame, "192.0.2.2")]})


@pytest.mark.parametrize("make", [broadcast, multicast])
def test_broadcast_and_multicast_reach_all_members_and_vteps(sw, make):
    frame = make(1)
    sw.expect(("vm1", frame),
              out={"vm2": [frame],
                   "p0": [encap(5001, frame, "192.0.2.2"),
                          encap(5001, frame, "192.0.2.3")]})


def test_unknown_unicast_is_flooded_if_the_network_says_so(sw):
    sw.set_network(5001, unknown_unicast="flood")
    frame = udp(1, 9)
    sw.expect(("vm1", frame),
              out={"vm2": [frame],
                   "p0": [encap(5001, frame, "192.0.2.2"),
                          encap(5001, frame, "192.0.2.3")]})
    sw.set_network(5001, unknown_unicast="drop")
    sw.expect(("vm1", frame), drops={("vm1", 5001, "unknown_unicast"): 1})


def test_unknown_unicast_drop_is_the_default_again_when_cleared(sw):
    sw.set_network(5001, unknown_unicast="flood")
    sw.set_rows("clear", "Overlay_Network", 5001, "unknown_unicast")
    sw.expect(("vm1", udp(1, 9)), drops={("vm1", 5001, "unknown_unicast"): 1})


def test_repeated_and_own_addresses_in_the_flood_list_get_one_copy(sw):
    sw.set_network(5001, flood_vteps=["192.0.2.2", "192.0.2.1", "192.0.2.3"])
    frame = broadcast(1)
    sw.expect(("vm1", frame),
              out={"vm2": [frame],
                   "p0": [encap(5001, frame, "192.0.2.2"),
                          encap(5001, frame, "192.0.2.3")]})


def test_same_mac_in_two_networks(sw):
    sw.add_port("vm5", 5002, mac(2))
    in_5001, in_5002 = udp(1, 2), udp(4, 2)
    sw.expect(("vm1", in_5001), out={"vm2": [in_5001]})
    sw.expect(("vm4", in_5002), out={"vm5": [in_5002]})


def test_local_port_beats_a_remote_row(sw):
    """DESIGN 5: an orchestrator may write the same rows everywhere."""
    sw.add_mac(5001, mac(2), "192.0.2.3")
    frame = udp(1, 2)
    sw.expect(("vm1", frame), out={"vm2": [frame]})
    sw.del_port("vm2")
    sw.expect(("vm1", frame), out={"p0": [encap(5001, frame, "192.0.2.3")]})


def test_row_with_our_own_vtep_makes_no_mac_entry(sw):
    sw.add_mac(5001, mac(9), "192.0.2.1", "10.1.0.19")
    sw.expect(("vm1", udp(1, 9)), drops={("vm1", 5001, "unknown_unicast"): 1})


def test_mac_row_follows_its_vtep(sw):
    frame = udp(1, 3)
    sw.expect(("vm1", frame), out={"p0": [encap(5001, frame, "192.0.2.2")]})
    sw.set_rows("set", "Overlay_MAC", *sw.find("Overlay_MAC"),
                'vtep="192.0.2.3"')
    sw.expect(("vm1", frame), out={"p0": [encap(5001, frame, "192.0.2.3")]})


def test_bytes_of_a_bridged_frame_are_untouched(sw):
    """TTL 1, bad checksums, odd length: none of it is a bridge's business."""
    frame = bytearray(udp(1, 2, payload=b"odd", ttl=1))
    frame[24] ^= 0xff
    sw.expect(("vm1", frame), out={"vm2": [frame]})


@pytest.mark.parametrize("ethertype", [0x05dc, 0x0600, 0x88b5, 0x8847,
                                       0xffff])
def test_any_ethertype_is_bridged(sw, ethertype):
    frame = bytes(Ether(src=mac(1), dst=mac(2), type=ethertype)
                  / Raw(b"e" * 100))
    sw.expect(("vm1", frame), out={"vm2": [frame]})


def test_frame_to_the_router_mac_is_not_bridged(sw):
    frame = bytes(Ether(src=mac(1), dst=GATEWAY_MAC, type=0x88b5)
                  / Raw(b"e" * 46))
    sw.expect(("vm1", frame), drops={("vm1", 5001, "not_ip"): 1})


def test_many_frames_in_order(sw):
    frames = [udp(1, 2, payload=b"%04d" % i) for i in range(90)]
    sw.expect(("vm1", *frames), out={"vm2": frames})


# Gateway ports.

def tagged(frame, vlan, prio=0):
    return frame[:12] + bytes([0x81, 0, prio << 5 | vlan >> 8,
                               vlan & 0xff]) + frame[12:]


@pytest.fixture
def gateway(sw):
    sw.add_port("vmgw", overlay_vlan_bindings="{0=5002,100=5001}")
    return sw


def test_gateway_port_drops_a_vlan_that_is_not_listed(gateway):
    gateway.expect(("vmgw", tagged(udp(7, 2), 200)),
                   drops={("vmgw", None, "vlan_unbound"): 1})


def test_gateway_port_bridges_each_vlan_into_its_network(gateway):
    frame = udp(7, 2)
    gateway.expect(("vmgw", tagged(frame, 100)), out={"vm2": [frame]})
    frame = udp(7, 4)
    gateway.expect(("vmgw", frame), out={"vm4": [frame]})


def test_gateway_port_tags_what_it_sends(gateway):
    frame = broadcast(1)
    gateway.expect(("vm1", frame),
                   out={"vm2": [frame], "vmgw": [tagged(frame, 100)],
                        "p0": [encap(5001, frame, "192.0.2.2"),
                               encap(5001, frame, "192.0.2.3")]})
    frame = broadcast(4)
    gateway.expect(("vm4", frame), out={"vmgw": [frame]})
