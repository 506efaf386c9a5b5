# SPDX-License-Identifier: Apache-2.0

"""Who may speak behind a port (DESIGN 6 rule 1, and Port.overlay_addresses).

    vm1 ─┐  52:54:00:00:00:01 10.1.0.11          192.0.2.2: vm3
    vm2 ─┤  VNI 5001 ── br-ov ── p0 ══ underlay ══ 192.0.2.3
    vm5 ─┘  (each test's own binding)
"""

import pytest

from ovl.frames import (BROADCAST, GATEWAY_MAC, IP, LOCAL_MAC, UDP, ZERO_MAC,
                        Ether, IPv6, Raw, arp_reply, arp_request, encap, ip,
                        mac, udp)

FLOOD = ("192.0.2.2", "192.0.2.3")


def flooded(frame, *local):
    """What a broadcast from a VM becomes: a copy for each local port and
    VTEP."""
    out = {name: [frame] for name in local}
    out["p0"] = [encap(5001, frame, vtep) for vtep in FLOOD]
    return out


# Violations.

@pytest.mark.parametrize("source", [
    mac(9),                     # Nobody's.
    mac(2),                     # Another port's.
    mac(3),                     # Behind a VTEP.
])
def test_source_mac_that_is_not_bound_is_dropped(sw, source):
    sw.expect(("vm1", udp(1, 8, src_mac=source)),
              drops={("vm1", 5001, "spoof_mac"): 1})


@pytest.mark.parametrize("source", [
    "10.1.0.99",                # Nobody's.
    ip(2),                      # Another port's.
    "0.0.0.0",                  # But for DHCP.
    "255.255.255.255",
    "224.0.0.1",
])
def test_source_ip_that_is_not_bound_is_dropped(sw, source):
    frame = (Ether(src=mac(1), dst=mac(2)) / IP(src=source, dst=ip(2))
             / UDP(sport=1, dport=2) / Raw(b"data"))
    sw.expect(("vm1", frame), drops={("vm1", 5001, "spoof_ip"): 1})


def test_ipv6_source_of_a_mac_that_lists_only_ipv4_is_dropped(sw):
    frame = (Ether(src=mac(1), dst=mac(2))
             / IPv6(src="2001:db8::1", dst="2001:db8::2")
             / UDP(sport=1, dport=2) / Raw(b"data"))
    sw.expect(("vm1", frame), drops={("vm1", 5001, "spoof_ip"): 1})


@pytest.mark.parametrize("source", [BROADCAST, "01:00:5e:00:00:01", ZERO_MAC])
def test_multicast_or_zero_source_mac_is_dropped(sw, source):
    sw.expect(("vm1", udp(1, 2, src_mac=source)),
              drops={("vm1", 5001, "bad_source_mac"): 1})


def test_router_mac_as_source_is_dropped(sw):
    sw.expect(("vm1", udp(1, 2, src_mac=GATEWAY_MAC)),
              drops={("vm1", 5001, "spoof_gw"): 1})


def test_router_mac_as_source_is_dropped_on_an_unguarded_port(sw):
    sw.add_port("vm5", 5001)
    sw.expect(("vm5", udp(5, 2, src_mac=GATEWAY_MAC)),
              drops={("vm5", 5001, "spoof_gw"): 1})


def test_own_gateway_mac_of_a_network_as_source_is_dropped(sw):
    sw.add_port("vm5", 5001)
    sw.set_network(5001, gateway_mac="02:11:22:33:44:55")
    sw.expect(("vm5", udp(5, 2, src_mac="02:11:22:33:44:55")),
              drops={("vm5", 5001, "spoof_gw"): 1})


def test_gateway_address_as_source_is_dropped(sw):
    sw.add_port("vm5", 5001)
    frame = (Ether(src=mac(5), dst=mac(2)) / IP(src="10.1.0.1", dst=ip(2))
             / UDP(sport=1, dport=2))
    sw.expect(("vm5", frame), drops={("vm5", 5001, "spoof_gw"): 1})


def test_gateway_address_as_arp_sender_is_dropped(sw):
    sw.add_port("vm5", 5001)
    sw.expect(("vm5", arp_reply(mac(5), "10.1.0.1", mac(2), ip(2))),
              drops={("vm5", 5001, "spoof_gw"): 1})
    sw.expect(("vm5", arp_request(5, ip(2), src_ip="10.1.0.1")),
              drops={("vm5", 5001, "spoof_gw"): 1})


def test_arp_claim_of_an_address_that_is_not_bound_is_dropped(sw):
    for claimed in ip(2), "10.1.0.99":
        sw.expect(("vm1", arp_request(1, ip(3), src_ip=claimed)),
                  ("vm1", arp_reply(mac(1), claimed, mac(2), ip(2))),
                  drops={("vm1", 5001, "arp_spoof"): 2})


def test_arp_sender_that_is_not_the_source_mac_is_dropped(sw):
    frame = arp_request(1, ip(2), hwsrc=mac(2))
    sw.expect(("vm1", frame), drops={("vm1", 5001, "arp_spoof"): 1})


def test_arp_sender_that_is_not_the_source_mac_is_dropped_if_unguarded(sw):
    sw.add_port("vm5", 5001)
    sw.expect(("vm5", arp_request(5, ip(2), hwsrc=mac(2))),
              drops={("vm5", 5001, "arp_spoof"): 1})


# What a binding allows.

def test_bound_source_passes(sw):
    frame = udp(1, 2)
    sw.expect(("vm1", frame), out={"vm2": [frame]})


def test_dhcp_from_the_unspecified_address_passes(sw):
    frame = bytes(Ether(src=mac(1), dst=BROADCAST)
                  / IP(src="0.0.0.0", dst="255.255.255.255")
                  / UDP(sport=68, dport=67) / Raw(b"\1" * 240))
    sw.expect(("vm1", frame), out=flooded(frame, "vm2"))


def test_mac_without_addresses_may_use_any_address(sw):
    sw.add_port("vm5", 5001, mac(5))
    frame = bytes(Ether(src=mac(5), dst=mac(2))
                  / IP(src="172.16.0.1", dst=ip(2)) / UDP(sport=1, dport=2))
    sw.expect(("vm5", frame), out={"vm2": [frame]})
    sw.expect(("vm5", udp(5, 2, src_mac=mac(6))),
              drops={("vm5", 5001, "spoof_mac"): 1})


def test_port_without_addresses_is_not_guarded(sw):
    sw.add_port("vm5", 5001)
    for source in 5, 6:
        frame = udp(source, 2)
        sw.expect(("vm5", frame), out={"vm2": [frame]})


def test_several_macs_have_their_own_lists(sw):
    sw.add_port("vm5", 5001, [f"{mac(5)} {ip(5)}", f"{mac(6)} {ip(6)}"])
    for n in 5, 6:
        frame = udp(n, 2)
        sw.expect(("vm5", frame), out={"vm2": [frame]})
    sw.expect(("vm5", udp(5, 2, src_mac=mac(6))),
              drops={("vm5", 5001, "spoof_ip"): 1})


def test_prefix_in_a_list_allows_a_range_and_makes_no_neighbor(sw):
    sw.add_port("vm5", 5001, f"{mac(5)} {ip(5)} 10.9.0.0/16")
    inside = bytes(Ether(src=mac(5), dst=mac(2))
                   / IP(src="10.9.255.254", dst=ip(2))
                   / UDP(sport=1, dport=2))
    outside = bytes(Ether(src=mac(5), dst=mac(2))
                    / IP(src="10.10.0.1", dst=ip(2)) / UDP(sport=1, dport=2))
    sw.expect(("vm5", inside), out={"vm2": [inside]})
    sw.expect(("vm5", outside), drops={("vm5", 5001, "spoof_ip"): 1})

    request = arp_request(1, "10.9.0.1")
    sw.expect(("vm1", request), out=flooded(request, "vm2", "vm5"))


def test_non_ip_frame_of_a_bound_mac_passes(sw):
    frame = bytes(Ether(src=mac(1), dst=mac(2), type=0x88b5) / Raw(b"x" * 46))
    sw.expect(("vm1", frame), out={"vm2": [frame]})


def test_any_legal_spelling_of_mac_and_ip_binds(sw):
    sw.add_port("vm5", 5001, "52-54-00-00-00-05 10.1.0.15")
    sw.add_port("vm6", 5001, "5254.0000.0006")
    for n in 5, 6:
        frame = udp(n, 2)
        sw.expect((f"vm{n}", frame), out={"vm2": [frame]})


# Changes.

def test_change_of_addresses_takes_force_at_once(sw):
    old, new = udp(1, 2), udp(5, 2)
    sw.set_rows("set", "Port", "vm1",
                f'overlay_addresses="{mac(5)} {ip(5)}"')
    sw.expect(("vm1", old), ("vm1", new), out={"vm2": [new]},
              drops={("vm1", 5001, "spoof_mac"): 1})
    back = udp(2, 5)
    sw.expect(("vm2", back), out={"vm1": [back]})
    sw.expect(("vm2", udp(2, 1)),
              drops={("vm2", 5001, "unknown_unicast"): 1})


# Unbound ports.

def test_port_that_nobody_bound_drops_everything_both_ways(sw):
    sw.add_port("vm5")
    sw.expect(("vm5", udp(5, 2)), ("vm5", arp_request(5, ip(2))),
              drops={("vm5", None, "port_unbound"): 2})
    broadcast = arp_request(1, "10.1.0.99")
    sw.expect(("vm1", broadcast), out=flooded(broadcast, "vm2"))


def test_unbound_port_does_not_reach_the_underlay_or_local(sw):
    sw.add_port("vm5")
    outer = bytes(Ether(src=mac(5), dst=LOCAL_MAC)
                  / IP(src="192.0.2.99", dst="192.0.2.1")
                  / UDP(sport=1, dport=22))
    to_peer = encap(5001, udp(1, 3), src_mac=mac(5))
    sw.expect(("vm5", outer), ("vm5", to_peer),
              drops={("vm5", None, "port_unbound"): 2})


def test_unbound_port_becomes_live_when_it_is_bound(sw):
    sw.add_port("vm5")
    frame = udp(5, 2)
    sw.expect(("vm5", frame), drops={("vm5", None, "port_unbound"): 1})
    sw.set_rows("set", "Port", "vm5", "overlay_vni=5001")
    sw.expect(("vm5", frame), out={"vm2": [frame]})
    sw.set_rows("clear", "Port", "vm5", "overlay_vni")
    sw.expect(("vm5", frame), drops={("vm5", None, "port_unbound"): 1})


def test_port_bound_to_a_network_that_is_not_there_drops(sw):
    sw.add_port("vm5", 7777)
    sw.expect(("vm5", udp(5, 2)), drops={("vm5", 7777, "no_network"): 1})


# Overlay_Binding.

def bind(sw, iface, vni, *addresses):
    sw.overlay_ctl("--binding", "port-bind", iface, vni, *addresses)


def test_overlay_binding_row_binds_by_interface_name(sw):
    sw.add_port("vm5")
    bind(sw, "vm5", 5001, mac(5), ip(5))
    frame = udp(5, 2)
    sw.expect(("vm5", frame), ("vm5", udp(5, 2, src_mac=mac(6))),
              out={"vm2": [frame]}, drops={("vm5", 5001, "spoof_mac"): 1})


def test_overlay_binding_row_binds_by_iface_id(sw):
    bind(sw, "1b2c", 5001, mac(5), ip(5))
    sw.add_port("vm5")
    frame = udp(5, 2)
    sw.expect(("vm5", frame), drops={("vm5", None, "port_unbound"): 1})
    sw.set_rows("set", "Interface", "vm5", 'external_ids:iface-id="1b2c"')
    sw.expect(("vm5", frame), out={"vm2": [frame]})


def test_overlay_binding_row_survives_its_port(sw):
    bind(sw, "vm5", 5001, mac(5), ip(5))
    frame = udp(2, 5)
    for _ in range(3):
        sw.expect(("vm2", frame),
                  drops={("vm2", 5001, "unknown_unicast"): 1})
        sw.add_port("vm5")
        sw.expect(("vm2", frame), out={"vm5": [frame]})
        sw.del_port("vm5")


def test_port_columns_win_over_an_overlay_binding_row(sw):
    sw.add_port("vm5", 5001, f"{mac(5)} {ip(5)}")
    bind(sw, "vm5", 5002, mac(6))
    frame = udp(5, 2)
    sw.expect(("vm5", frame), out={"vm2": [frame]})
    sw.set_rows("clear", "Port", "vm5", "overlay_vni", "overlay_addresses")
    sw.expect(("vm5", frame), drops={("vm5", 5002, "spoof_mac"): 1})


def test_attached_mac_makes_the_mac_entry_of_a_port_without_addresses(sw):
    sw.add_port("vm5", 5001)
    frame = udp(2, 5)
    sw.expect(("vm2", frame), drops={("vm2", 5001, "unknown_unicast"): 1})
    sw.set_rows("set", "Interface", "vm5",
                f'external_ids:attached-mac="{mac(5)}"')
    sw.expect(("vm2", frame), out={"vm5": [frame]})
    # It does not guard.
    other = udp(6, 2)
    sw.expect(("vm5", other), out={"vm2": [other]})
