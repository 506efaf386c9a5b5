# SPDX-License-Identifier: Apache-2.0

"""The ARP responder (DESIGN 6 rule 2).

    vm1 ─┐ 52:54:00:00:00:01 10.1.0.11     192.0.2.2: vm3 10.1.0.13
    vm2 ─┤ VNI 5001 ── br-ov ── p0 ══ underlay ══ 192.0.2.3
    vm5 ─┘ (not guarded)       gateway 10.1.0.1
"""

import struct

import pytest

from ovl.frames import (ARP, BROADCAST, GATEWAY_MAC, ZERO_MAC, Dot1Q, Ether,
                        arp_reply, arp_request, decap_in, encap, ip, mac)

GATEWAY = "10.1.0.1"
FLOOD = ("192.0.2.2", "192.0.2.3")


def flooded(frame, *local):
    out = {name: [frame] for name in local}
    out["p0"] = [encap(5001, frame, vtep) for vtep in FLOOD]
    return out


@pytest.fixture
def open_port(sw):
    sw.add_port("vm5", 5001)
    return sw


# Dropped.

@pytest.mark.parametrize("fields", [
    dict(hwtype=6), dict(hwtype=0), dict(hwtype=0x0100),
    dict(ptype=0x86dd), dict(ptype=0),
    dict(hwlen=0), dict(hwlen=5), dict(hwlen=7), dict(hwlen=255),
    dict(plen=0), dict(plen=3), dict(plen=5), dict(plen=255),
])
def test_arp_for_anything_but_ipv4_over_ethernet_is_dropped(open_port,
                                                            fields):
    frame = bytearray(arp_request(5, ip(2)))
    offsets = dict(hwtype=(14, "!H"), ptype=(16, "!H"), hwlen=(18, "B"),
                   plen=(19, "B"))
    for name, value in fields.items():
        offset, form = offsets[name]
        struct.pack_into(form, frame, offset, value)
    open_port.expect(("vm5", frame),
                     drops={("vm5", 5001, "arp_malformed"): 1})


@pytest.mark.parametrize("length", range(14, 42))
def test_truncated_arp_is_dropped(open_port, length):
    open_port.expect(("vm5", arp_request(5, ip(2))[:length]),
                     drops={("vm5", 5001, "arp_malformed"): 1})


@pytest.mark.parametrize("op", [0, 3, 4, 8, 9, 256, 65535])
def test_arp_operation_other_than_request_and_reply_is_dropped(open_port, op):
    open_port.expect(("vm5", arp_request(5, ip(2), op=op)),
                     drops={("vm5", 5001, "arp_bad_op"): 1})


def test_arp_sender_mac_other_than_the_source_is_dropped(open_port):
    open_port.expect(("vm5", arp_request(5, GATEWAY, hwsrc=mac(1))),
                     ("vm5", arp_reply(mac(5), ip(5), mac(1), ip(1),
                                       src=mac(6))),
                     drops={("vm5", 5001, "arp_spoof"): 2})


@pytest.mark.parametrize("sender", ["224.0.0.1", "255.255.255.255",
                                    "127.0.0.1", "240.0.0.1"])
def test_arp_sender_address_that_no_host_may_use_is_dropped(open_port,
                                                            sender):
    open_port.expect(("vm5", arp_request(5, ip(2), src_ip=sender)),
                     drops={("vm5", 5001, "arp_bad_address"): 1})


# Answered.

def test_request_for_the_gateway_is_answered(sw):
    sw.expect(("vm1", arp_request(1, GATEWAY)),
              out={"vm1": [arp_reply(GATEWAY_MAC, GATEWAY, mac(1), ip(1))]})


def test_unicast_request_for_the_gateway_is_answered(sw):
    sw.expect(("vm1", arp_request(1, GATEWAY, dst=GATEWAY_MAC)),
              out={"vm1": [arp_reply(GATEWAY_MAC, GATEWAY, mac(1), ip(1))]})


def test_request_for_the_gateway_is_answered_without_neigh_suppress(sw):
    sw.set_network(5001, neigh_suppress=False)
    sw.expect(("vm1", arp_request(1, GATEWAY)),
              out={"vm1": [arp_reply(GATEWAY_MAC, GATEWAY, mac(1), ip(1))]})


def test_gateway_mac_of_the_network_is_what_the_answer_says(sw):
    sw.set_network(5001, gateway_mac="02:11:22:33:44:55")
    sw.expect(("vm1", arp_request(1, GATEWAY)),
              out={"vm1": [arp_reply("02:11:22:33:44:55", GATEWAY, mac(1),
                                     ip(1))]})


def test_gateway_mac_of_the_bridge_is_what_the_answer_says(sw):
    sw.set_rows("set", "Bridge", "br-ov",
                'overlay_gateway_mac="02:66:77:88:99:aa"')
    sw.expect(("vm1", arp_request(1, GATEWAY)),
              out={"vm1": [arp_reply("02:66:77:88:99:aa", GATEWAY, mac(1),
                                     ip(1))]})


def test_request_for_a_local_neighbor_is_answered(sw):
    sw.expect(("vm1", arp_request(1, ip(2))),
              out={"vm1": [arp_reply(mac(2), ip(2), mac(1), ip(1))]})


def test_request_for_a_remote_neighbor_is_answered(sw):
    sw.expect(("vm1", arp_request(1, ip(3))),
              out={"vm1": [arp_reply(mac(3), ip(3), mac(1), ip(1))]})


def test_multicast_request_for_a_neighbor_is_answered(sw):
    sw.expect(("vm1", arp_request(1, ip(3), dst="01:00:5e:00:00:01")),
              out={"vm1": [arp_reply(mac(3), ip(3), mac(1), ip(1))]})


def test_explicit_neighbor_wins_over_the_ips_of_a_mac(sw):
    sw.add_neighbor(5001, ip(3), mac(0x33))
    sw.expect(("vm1", arp_request(1, ip(3))),
              out={"vm1": [arp_reply(mac(0x33), ip(3), mac(1), ip(1))]})
    sw.destroy("Overlay_Neighbor")
    sw.expect(("vm1", arp_request(1, ip(3))),
              out={"vm1": [arp_reply(mac(3), ip(3), mac(1), ip(1))]})


def test_probe_for_somebody_elses_address_is_answered(sw):
    """RFC 5227 section 2.1.1: that is the conflict it asks about."""
    sw.expect(("vm1", arp_request(1, ip(2), src_ip="0.0.0.0")),
              ("vm1", arp_request(1, GATEWAY, src_ip="0.0.0.0")),
              out={"vm1": [arp_reply(mac(2), ip(2), mac(1), "0.0.0.0"),
                           arp_reply(GATEWAY_MAC, GATEWAY, mac(1),
                                     "0.0.0.0")]})


def test_answer_has_no_byte_of_the_padding(sw):
    padded = arp_request(1, ip(2)) + b"\xa5" * 18
    sw.inject("vm1")
    before = sw.wait_rest()
    sw.inject("vm1", padded)
    sw.wait_rest(before["received"] + 1)
    answer, = sw.collect()["vm1"]
    assert b"\xa5" not in answer


def test_request_with_vid_0_is_answered(sw):
    frame = (Ether(src=mac(1), dst=BROADCAST) / Dot1Q(vlan=0, prio=3)
             / ARP(op=1, hwsrc=mac(1), psrc=ip(1), hwdst=ZERO_MAC,
                   pdst=ip(2)))
    sw.expect(("vm1", frame),
              out={"vm1": [arp_reply(mac(2), ip(2), mac(1), ip(1))]})


# Never answered, but forwarded.

def test_gratuitous_arp_is_flooded_not_answered(sw):
    frame = arp_request(1, ip(1))
    sw.expect(("vm1", frame), out=flooded(frame, "vm2"))


def test_gratuitous_arp_for_a_known_address_is_flooded_not_answered(
        open_port):
    """A VM that takes over 10.1.0.12, on a port that may."""
    frame = arp_request(5, ip(2), src_ip=ip(2))
    open_port.expect(("vm5", frame), out=flooded(frame, "vm1", "vm2"))


def test_probe_of_the_owner_is_flooded_not_answered(sw):
    frame = arp_request(1, ip(1), src_ip="0.0.0.0")
    sw.expect(("vm1", frame), out=flooded(frame, "vm2"))


def test_request_for_an_address_behind_the_same_port_is_not_answered(sw):
    sw.add_port("vm5", 5001, [f"{mac(5)} {ip(5)}", f"{mac(6)} {ip(6)}"])
    frame = arp_request(5, ip(6))
    sw.expect(("vm5", frame), out=flooded(frame, "vm1", "vm2"))


def test_request_for_the_senders_own_mac_is_not_answered(sw):
    sw.add_neighbor(5001, "10.1.0.50", mac(1))
    frame = arp_request(1, "10.1.0.50")
    sw.expect(("vm1", frame), out=flooded(frame, "vm2"))


def test_unicast_request_for_a_vm_is_forwarded(sw):
    """RFC 1122 section 2.3.2.1: a liveness check."""
    local = arp_request(1, ip(2), dst=mac(2))
    remote = arp_request(1, ip(3), dst=mac(3))
    sw.expect(("vm1", local), ("vm1", remote),
              out={"vm2": [local], "p0": [encap(5001, remote)]})


def test_reply_is_forwarded_not_answered(sw):
    reply = arp_reply(mac(1), ip(1), mac(2), ip(2))
    broadcast = arp_reply(mac(1), ip(1), mac(2), ip(2), dst=BROADCAST)
    out = flooded(broadcast, "vm2")
    out["vm2"] = [reply, broadcast]
    sw.expect(("vm1", reply), ("vm1", broadcast), out=out)


def test_shared_address_is_flooded_not_answered(sw):
    """VRRP and keepalived: two MACs claim 10.1.0.77."""
    sw.add_mac(5001, mac(7), "192.0.2.2", "10.1.0.77")
    frame = arp_request(1, "10.1.0.77")
    sw.expect(("vm1", frame),
              out={"vm1": [arp_reply(mac(7), "10.1.0.77", mac(1), ip(1))]})
    sw.add_mac(5001, mac(8), "192.0.2.3", "10.1.0.77")
    sw.expect(("vm1", frame), out=flooded(frame, "vm2"))
    # An explicit row decides.
    sw.add_neighbor(5001, "10.1.0.77", mac(8))
    sw.expect(("vm1", frame),
              out={"vm1": [arp_reply(mac(8), "10.1.0.77", mac(1), ip(1))]})
    sw.destroy("Overlay_Neighbor")
    sw.expect(("vm1", frame), out=flooded(frame, "vm2"))
    sw.destroy("Overlay_MAC", 'mac="52:54:00:00:00:07"')
    sw.expect(("vm1", frame),
              out={"vm1": [arp_reply(mac(8), "10.1.0.77", mac(1), ip(1))]})


def test_gratuitous_arp_for_a_shared_address_passes(sw):
    for n in 1, 2:
        sw.set_rows("set", "Port", f"vm{n}", "overlay_addresses="
                    f'"{mac(n)} {ip(n)} 10.1.0.77"')
    frame = arp_request(1, "10.1.0.77", src_ip="10.1.0.77")
    sw.expect(("vm1", frame), out=flooded(frame, "vm2"))


def test_request_without_neigh_suppress_is_flooded(sw):
    sw.set_network(5001, neigh_suppress=False)
    frame = arp_request(1, ip(2))
    sw.expect(("vm1", frame), out=flooded(frame, "vm2"))


# Unknown targets.

def test_request_for_an_unknown_target_is_flooded(sw):
    frame = arp_request(1, "10.1.0.99")
    sw.expect(("vm1", frame), out=flooded(frame, "vm2"))


def test_request_for_an_unknown_target_is_dropped_with_neigh_miss_drop(sw):
    sw.set_network(5001, neigh_miss="drop")
    sw.expect(("vm1", arp_request(1, "10.1.0.99")),
              drops={("vm1", 5001, "neigh_miss"): 1})
    # Gratuitous ARP is no question.
    frame = arp_request(1, ip(1))
    sw.expect(("vm1", frame), out=flooded(frame, "vm2"))


def test_neighbor_of_another_network_is_unknown(sw):
    sw.add_neighbor(5002, "10.1.0.99", mac(9))
    frame = arp_request(1, "10.1.0.99")
    sw.expect(("vm1", frame), out=flooded(frame, "vm2"))


# Out of a tunnel.

def test_request_out_of_a_tunnel_is_not_answered(sw):
    for target in GATEWAY, ip(1), ip(3):
        inner = arp_request(3, target)
        sw.expect(("p0", decap_in(5001, inner)),
                  out={"vm1": [inner], "vm2": [inner]})


def test_answer_tunnel_answers_for_the_gateway_out_of_a_tunnel(sw):
    sw.set_rows("set", "Overlay_Network", 5001,
                "other_config:answer-tunnel=true")
    sw.expect(("p0", decap_in(5001, arp_request(3, GATEWAY))),
              out={"p0": [encap(5001, arp_reply(GATEWAY_MAC, GATEWAY, mac(3),
                                                ip(3)))]})
    inner = arp_request(3, ip(1))
    sw.expect(("p0", decap_in(5001, inner)),
              out={"vm1": [inner], "vm2": [inner]})


def test_arp_that_is_malformed_out_of_a_tunnel_is_dropped(sw):
    inner = arp_request(3, ip(1))[:30]
    sw.expect(("p0", decap_in(5001, inner)),
              drops={("p0", 5001, "arp_malformed"): 1})


def test_no_arp_frame_on_the_underlay_for_known_neighbors(sw):
    """DESIGN 1: ARP is answered where the VM is attached."""
    sw.expect(*[("vm1", arp_request(1, target))
                for target in (GATEWAY, ip(2), ip(3))],
              out={"vm1": [arp_reply(GATEWAY_MAC, GATEWAY, mac(1), ip(1)),
                           arp_reply(mac(2), ip(2), mac(1), ip(1)),
                           arp_reply(mac(3), ip(3), mac(1), ip(1))]})


def test_two_switches_do_not_answer_each_other_for_ever(sw):
    """An answer that comes out of a tunnel is delivered, not answered."""
    inner = arp_reply(mac(3), ip(3), mac(1), ip(1))
    sw.expect(("p0", decap_in(5001, inner)), out={"vm1": [inner]})


