# SPDX-License-Identifier: Apache-2.0

"""Uplink, LOCAL and underlay next hops (DESIGN 6 rule 9).

    vm1 ── VNI 5001 ── br-ov ── p0 ══ underlay ══ 192.0.2.2, 192.0.2.3
                         │
                       LOCAL (the host, 192.0.2.1)
"""

import pytest

from ovl.frames import (ARP, BROADCAST, IP, LOCAL_MAC, OWN_VTEP, TCP, UDP,
                        ZERO_MAC, Dot1Q, Ether, Raw, arp_reply, encap, mac,
                        normalize,
                        peer_mac, udp)
from ovl.process import wait_until

PEER = "192.0.2.2"


def host_frame(**ether_fields):
    fields = dict(src=peer_mac(PEER), dst=LOCAL_MAC)
    fields.update(ether_fields)
    return bytes(Ether(**fields) / IP(src=PEER, dst=OWN_VTEP)
                 / TCP(sport=50000, dport=22) / Raw(b"ssh"))


# Uplink and LOCAL.

@pytest.mark.parametrize("frame", [
    host_frame(),
    host_frame(dst=BROADCAST),
    host_frame(dst="01:80:c2:00:00:0e"),        # LLDP is the host's, too.
    host_frame(dst="02:00:00:00:77:77"),
    bytes(Ether(src=peer_mac(PEER), dst=LOCAL_MAC) / Dot1Q(vlan=7)
          / Raw(b"x" * 46)),
    arp_reply(peer_mac(PEER), PEER, LOCAL_MAC, OWN_VTEP),
    bytes(Ether(src=peer_mac(PEER), dst=LOCAL_MAC)
          / IP(src=PEER, dst=OWN_VTEP) / UDP(sport=4789, dport=53)),
], ids=["unicast", "broadcast", "lldp", "other-mac", "vlan", "arp", "udp"])
def test_what_is_not_vxlan_for_us_goes_to_local_as_it_is(sw, frame):
    sw.expect(("p0", frame), out={"br-ov": [frame]})


@pytest.mark.parametrize("frame", [
    host_frame(src=LOCAL_MAC, dst=peer_mac(PEER)),
    bytes(Ether(src=LOCAL_MAC, dst=BROADCAST)
          / ARP(op=1, hwsrc=LOCAL_MAC, psrc=OWN_VTEP, hwdst=ZERO_MAC,
                pdst="192.0.2.200")),
    bytes(Ether(src=LOCAL_MAC, dst=BROADCAST) / Dot1Q(vlan=7)
          / Raw(b"x" * 46)),
], ids=["unicast", "arp", "vlan"])
def test_from_local_to_the_uplink_as_it_is(sw, frame):
    sw.want_probes = True
    sw.expect(("br-ov", frame), out={"p0": [frame]})


def test_host_may_send_vxlan_of_its_own(sw):
    frame = encap(5002, udp(1, 4), sport=1)
    sw.expect(("br-ov", frame), out={"p0": [frame]})


def test_host_frame_without_an_uplink_is_a_named_drop(sw):
    sw.set_rows("clear", "Bridge", "br-ov", "overlay_uplinks")
    sw.expect(("br-ov", host_frame(src=LOCAL_MAC, dst=peer_mac(PEER))),
              drops={("br-ov", None, "no_uplink"): 1})


def test_former_uplink_is_unbound(sw):
    sw.set_rows("clear", "Bridge", "br-ov", "overlay_uplinks")
    sw.expect(("p0", host_frame()), drops={("p0", None, "port_unbound"): 1})
    sw.set_rows("set", "Bridge", "br-ov", "overlay_uplinks=p0")
    sw.expect(("p0", host_frame()), out={"br-ov": [host_frame()]})


def test_uplink_with_a_vni_is_an_uplink_and_says_so(sw):
    sw.set_rows("set", "Port", "p0", "overlay_vni=5001")
    sw.wait_column("Port", "p0", "overlay_error",
                   lambda value: value != "[]")
    sw.expect(("p0", host_frame()), out={"br-ov": [host_frame()]})
    sw.set_rows("clear", "Port", "p0", "overlay_vni")
    sw.wait_column("Port", "p0", "overlay_error",
                   lambda value: value == "[]")


def test_host_answers_arp_for_its_address(sw):
    request = bytes(Ether(src=peer_mac(PEER), dst=BROADCAST)
                    / ARP(op=1, hwsrc=peer_mac(PEER), psrc=PEER,
                          hwdst=ZERO_MAC, pdst=OWN_VTEP))
    sw.expect(("p0", request),
              out={"br-ov": [request],
                   "p0": [arp_reply(LOCAL_MAC, OWN_VTEP, peer_mac(PEER),
                                    PEER)]})


# Next hops.

def probe(target):
    return bytes(Ether(src=LOCAL_MAC, dst=BROADCAST)
                 / ARP(op=1, hwsrc=LOCAL_MAC, psrc=OWN_VTEP, hwdst=ZERO_MAC,
                       pdst=target))


def wait_probe(sw, target):
    sw.want_probes = True
    seen = []

    def probed():
        seen.extend(sw.collect().get("p0", []))
        return probe(target) in [frame[:42] for frame in seen]

    wait_until(probed, f"no ARP request for {target} on the underlay")
    sw.want_probes = False


def test_next_hop_is_asked_for_and_its_answer_used(sw):
    sw.add_mac(5001, mac(9), "192.0.2.9")
    wait_probe(sw, "192.0.2.9")
    frame = udp(1, 9)
    sw.expect(("vm1", frame), drops={("vm1", 5001, "vtep_unresolved"): 1})
    reply = arp_reply("02:00:00:00:99:09", "192.0.2.9", LOCAL_MAC, OWN_VTEP)
    sw.expect(("p0", reply), out={"br-ov": [reply]})
    sw.wait_vtep("192.0.2.9")
    sw.expect(("vm1", frame),
              out={"p0": [encap(5001, frame, "192.0.2.9",
                                dst_mac="02:00:00:00:99:09")]})


def test_arp_request_of_a_next_hop_tells_its_mac_too(sw):
    sw.add_mac(5001, mac(9), "192.0.2.9")
    wait_probe(sw, "192.0.2.9")
    request = bytes(Ether(src="02:00:00:00:99:09", dst=BROADCAST)
                    / ARP(op=1, hwsrc="02:00:00:00:99:09", psrc="192.0.2.9",
                          hwdst=ZERO_MAC, pdst=OWN_VTEP))
    sw.expect(("p0", request),
              out={"br-ov": [request],
                   "p0": [arp_reply(LOCAL_MAC, OWN_VTEP, "02:00:00:00:99:09",
                                    "192.0.2.9")]})
    sw.wait_vtep("192.0.2.9")


def test_vtep_behind_a_router(sw):
    sw.add_route("198.51.100.0/24", "192.0.2.254")
    sw.add_peer("192.0.2.254")
    sw.add_mac(5001, mac(9), "198.51.100.9")
    sw.wait_vtep("198.51.100.9")
    frame = udp(1, 9)
    sw.expect(("vm1", frame),
              out={"p0": [encap(5001, frame, "198.51.100.9",
                                dst_mac=peer_mac("192.0.2.254"))]})


def test_change_of_a_next_hops_mac_is_followed(sw):
    frame = udp(1, 3)
    sw.expect(("vm1", frame), out={"p0": [encap(5001, frame)]})
    sw.add_peer(PEER, "02:00:00:00:55:55")

    def moved():
        before = sw.wait_rest()
        sw.inject("vm1", frame)
        sw.wait_rest(before["received"] + 1)
        got, = sw.collect()["p0"]
        return got[:6].hex(":") == "02:00:00:00:55:55"

    wait_until(moved, "frames keep going to the old MAC")


def test_next_hop_that_is_told_no_more_is_asked_for(sw):
    sw.appctl("tnl/neigh/flush")
    wait_probe(sw, PEER)
    sw.wait_vtep(PEER, state="does not answer")
    sw.expect(("vm1", udp(1, 3)), drops={("vm1", 5001, "vtep_unresolved"): 1})
    sw.add_peer(PEER)
    sw.wait_vtep(PEER)
    frame = udp(1, 3)
    sw.expect(("vm1", frame), out={"p0": [encap(5001, frame)]})


def test_states_of_vteps_are_told(sw):
    sw.add_mac(5001, mac(9), "198.51.100.9")
    sw.wait_vtep("198.51.100.9", state="no route")


def test_outer_source_mac_is_locals(sw):
    sw.set_rows("set", "Bridge", "br-ov",
                'other_config:hwaddr="02:00:00:00:aa:aa"')
    frame = udp(1, 3)

    def follows():
        before = sw.wait_rest()
        sw.inject("vm1", frame)
        sw.wait_rest(before["received"] + 1)
        got, = sw.collect()["p0"]
        return normalize(got) == encap(5001, frame,
                                       src_mac="02:00:00:00:aa:aa")

    wait_until(follows, "outer source MAC stays the old one")
