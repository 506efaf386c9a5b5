# SPDX-License-Identifier: Apache-2.0

"""A VM must not speak for the underlay, nor reach another network (DESIGN 6
rule 5).

    vm1, vm2 ── VNI 5001 ─┐
                          ├ br-ov ─ p0 ══ underlay
    vm4 ─────── VNI 5002 ─┘   │
                            LOCAL
"""

import pytest

from ovl.frames import (BROADCAST, IP, LOCAL_MAC, OWN_VTEP, TCP, UDP, VXLAN,
                        Ether, Raw, arp_request, decap_in, encap, mac, peer_mac,
                        udp)


@pytest.fixture
def open_port(sw):
    """vm5 may send whatever it likes."""
    sw.add_port("vm5", 5001)
    return sw


def vxlan_of_a_vm(dst_mac, dst_ip, vni, inner):
    return bytes(Ether(src=mac(5), dst=dst_mac)
                 / IP(src="192.0.2.2", dst=dst_ip)
                 / UDP(sport=50000, dport=4789, chksum=0)
                 / VXLAN(flags=8, vni=vni) / Raw(inner))


@pytest.mark.parametrize("dst_ip", [OWN_VTEP, "192.0.2.2", "10.1.0.12"])
def test_vxlan_from_a_vm_is_payload(open_port, dst_ip):
    """ROBUSTNESS A-05: bytes that look like VXLAN are never decapsulated."""
    frame = vxlan_of_a_vm(mac(2), dst_ip, 5002, udp(9, 4))
    open_port.expect(("vm5", frame), out={"vm2": [frame]})
    remote = vxlan_of_a_vm(mac(3), dst_ip, 5002, udp(9, 4))
    open_port.expect(("vm5", remote), out={"p0": [encap(5001, remote)]})


@pytest.mark.parametrize("dst_mac", [LOCAL_MAC, peer_mac("192.0.2.2")])
def test_mac_of_the_underlay_is_unknown_to_a_vm(open_port, dst_mac):
    frame = vxlan_of_a_vm(dst_mac, OWN_VTEP, 5002, udp(9, 4))
    ssh = bytes(Ether(src=mac(5), dst=dst_mac)
                / IP(src="192.0.2.99", dst=OWN_VTEP) / TCP(dport=22))
    open_port.expect(("vm5", frame), ("vm5", ssh),
                     drops={("vm5", 5001, "unknown_unicast"): 2})


def test_unknown_unicast_flood_does_not_reach_local(open_port):
    open_port.set_network(5001, unknown_unicast="flood", flood_vteps=[])
    frame = bytes(Ether(src=mac(5), dst=LOCAL_MAC)
                  / IP(src="192.0.2.99", dst=OWN_VTEP) / TCP(dport=22))
    open_port.expect(("vm5", frame), out={"vm1": [frame], "vm2": [frame]})


def test_broadcast_stays_in_its_network(open_port):
    open_port.set_network(5001, flood_vteps=[])
    frame = bytes(Ether(src=mac(1), dst=BROADCAST, type=0x88b5)
                  / Raw(b"x" * 46))
    open_port.expect(("vm1", frame), out={"vm2": [frame], "vm5": [frame]})


def test_arp_for_an_address_of_the_underlay_stays_in_the_network(open_port):
    open_port.set_network(5001, flood_vteps=[])
    frame = arp_request(5, OWN_VTEP, src_ip="192.0.2.50")
    open_port.expect(("vm5", frame), out={"vm1": [frame], "vm2": [frame]})


def test_arp_of_a_vm_does_not_poison_underlay_next_hops(open_port):
    open_port.set_network(5001, flood_vteps=[])
    claim = arp_request(5, "192.0.2.2", src_ip="192.0.2.2")
    open_port.expect(("vm5", claim), out={"vm1": [claim], "vm2": [claim]})
    frame = udp(1, 3)
    open_port.expect(("vm1", frame), out={"p0": [encap(5001, frame)]})


def test_same_addresses_in_two_networks_do_not_meet(sw):
    sw.add_port("vm5", 5002, f"{mac(1)} 10.1.0.11")
    sw.add_port("vm6", 5002, f"{mac(2)} 10.1.0.12")
    for a, b in ("vm1", "vm2"), ("vm5", "vm6"):
        frame = udp(1, 2, payload=a.encode())
        sw.expect((a, frame), out={b: [frame]})


def test_vni_of_another_tenant_needs_a_vtep_of_that_tenant(sw):
    """ROBUSTNESS A-08: 192.0.2.2 is no VTEP of 5002."""
    sw.expect(("p0", decap_in(5002, udp(9, 4))),
              drops={("p0", 5002, "unknown_vtep"): 1})
