# SPDX-License-Identifier: Apache-2.0

"""ARP, field by field, and no answer to an answer (RFC 826, RFC 1122, RFC
5227; CONFORMANCE section 4).  What is answered is in test_arp.py.

    vm1 ─┐ 52:54:00:00:00:01 10.1.0.11     192.0.2.2: vm3 10.1.0.13
    vm2 ─┤ VNI 5001 ── br-ov ── p0 ══ underlay ══ 192.0.2.3
    vm5 ─┘ (not guarded)       gateway 10.1.0.1/24
"""

import struct

import pytest

from conftest import running_daemons
from ovl import nd
from ovl.frames import (ARP, BROADCAST, GATEWAY_MAC, LOCAL_MAC, VXLAN_PORT,
                        ZERO_MAC, Ether, arp_reply, arp_request, decap_in,
                        encap, ip, ip6, mac, peer_mac)
from ovl.switch import Switch

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


def expect_dropped(sw, frames, reason):
    """Each of 'frames' is dropped, from a VM and out of a tunnel."""
    for i in range(0, len(frames), 40):
        some = frames[i:i + 40]
        sw.expect(("vm5", *some),
                  ("p0", *[decap_in(5001, frame) for frame in some]),
                  drops={("vm5", 5001, reason): len(some),
                         ("p0", 5001, reason): len(some)})


# AR-01.

@pytest.mark.parametrize("offset", range(14, 20))
def test_each_bit_of_the_fixed_fields_counts(open_port, offset):
    frames = []
    for op in 1, 2:
        for bit in range(8):
            frame = bytearray(arp_request(5, ip(2), op=op))
            frame[offset] ^= 1 << bit
            frames.append(bytes(frame))
    expect_dropped(open_port, frames, "arp_malformed")


def test_truncated_arp_is_dropped_wherever_it_comes_from(open_port):
    frames = [arp_request(5, ip(2), op=op)[:length] for op in (1, 2)
              for length in range(14, 42)]
    expect_dropped(open_port, frames, "arp_malformed")


# AR-02.

def test_other_operations_are_dropped_wherever_they_come_from(open_port):
    ops = [0, *range(3, 26), 0x00ff, 0x0100, 0x0200, 0x8001, 0xffff]
    expect_dropped(open_port, [arp_request(5, ip(2), op=op) for op in ops],
                   "arp_bad_op")


# AR-08.

NO_HOST = ["0.0.0.1", "0.255.255.255", "127.0.0.1", "127.255.255.255",
           "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.254",
           "255.255.255.255", "10.1.0.255"]


def test_addresses_that_no_host_has_are_dropped(open_port):
    frames = [arp_request(5, ip(2), src_ip=address) for address in NO_HOST]
    frames += [arp_request(5, address) for address in [*NO_HOST, "0.0.0.0"]]
    frames += [arp_reply(mac(5), address, mac(2), ip(2))
               for address in [*NO_HOST, "0.0.0.0"]]
    frames += [arp_reply(mac(5), ip(5), mac(2), address)
               for address in NO_HOST]
    expect_dropped(open_port, frames, "arp_bad_address")


def test_addresses_beside_those_are_fine(open_port):
    """1.0.0.0, 126.255.255.255, 128.0.0.0 and 223.255.255.255 are hosts'; of
    a subnet that no gateway names the broadcast address is not known."""
    for address in ("1.0.0.0", "126.255.255.255", "128.0.0.0",
                    "223.255.255.255", "10.1.0.254", "10.1.1.255"):
        frame = arp_request(5, "10.1.0.99", src_ip=address)
        open_port.expect(("vm5", frame), out=flooded(frame, "vm1", "vm2"))


def test_broadcast_address_follows_the_gateways_prefix(open_port):
    for prefix, address in (("10.1.0.1/23", "10.1.1.255"),
                            ("10.1.0.1/30", "10.1.0.3"),
                            ("10.1.0.200/25", "10.1.0.255")):
        open_port.set_network(5001, gateway_ips=prefix)
        open_port.expect(("vm5", arp_request(5, ip(2), src_ip=address)),
                         drops={("vm5", 5001, "arp_bad_address"): 1})
    # RFC 3021: a /31 has none.
    open_port.set_network(5001, gateway_ips="10.1.0.254/31")
    frame = arp_request(5, "10.1.0.99", src_ip="10.1.0.255")
    open_port.expect(("vm5", frame), out=flooded(frame, "vm1", "vm2"))


# AR-07.

@pytest.mark.parametrize("sender", [BROADCAST, ZERO_MAC, "01:00:5e:00:00:01",
                                    "33:33:00:00:00:01"])
def test_sender_mac_that_is_no_hosts_is_dropped(open_port, sender):
    """RFC 1812 section 3.3.2: out of a tunnel, too, where a sender other
    than the Ethernet source passes."""
    frames = [arp_request(5, ip(2), op=op, hwsrc=sender) for op in (1, 2)]
    open_port.expect(("vm5", *frames),
                     ("p0", *[decap_in(5001, frame) for frame in frames]),
                     drops={("vm5", 5001, "arp_spoof"): 2,
                            ("p0", 5001, "arp_bad_address"): 2})
    frame = bytes(Ether(src=sender, dst=BROADCAST)
                  / ARP(op=1, hwsrc=sender, psrc=ip(5), pdst=ip(2)))
    expect_dropped(open_port, [frame], "bad_source_mac")


def test_sender_mac_of_a_virtual_router_needs_its_ethernet_source(open_port):
    """No exception for RFC 5798."""
    vrrp = "00:00:5e:00:01:07"
    open_port.expect(("vm5", arp_request(5, ip(9), hwsrc=vrrp)),
                     drops={("vm5", 5001, "arp_spoof"): 1})
    frame = arp_request(5, ip(9), src_mac=vrrp)
    open_port.expect(("vm5", frame), out=flooded(frame, "vm1", "vm2"))


# AR-03, AR-14.

def test_answer_goes_to_the_source_and_has_nothing_but_its_fields(sw):
    """Whatever the request has in its target hardware address, and behind
    its end."""
    for target in ZERO_MAC, BROADCAST, mac(2), "a5:a5:a5:a5:a5:a5":
        for pad in 0, 1, 18, 500:
            sw.expect(("vm1", arp_request(1, ip(2), hwdst=target)
                       + b"\xa5" * pad),
                      out={"vm1": [arp_reply(mac(2), ip(2), mac(1), ip(1))]})


# AR-15 to AR-18.

def test_requests_for_many_unknown_targets_make_no_requests_of_ours(sw):
    """The router never resolves by packets: what goes out is what came
    in."""
    sw.set_network(5001, flood_vteps=[])
    frames = [arp_request(1, f"10.1.0.{n}") for n in range(100, 190)]
    sw.expect(("vm1", *frames), out={"vm2": frames})


def test_burst_of_requests_is_answered_to_the_last(sw):
    """Answers are not policed."""
    sw.expect(("vm1", *[arp_request(1, ip(2))] * 90),
              out={"vm1": [arp_reply(mac(2), ip(2), mac(1), ip(1))] * 90})


def test_conflict_is_told_to_both_and_changes_nothing(open_port):
    """AR-17: rows decide who has an address, however often others say that
    they have it."""
    claims = [arp_request(5, ip(2), src_ip=ip(2)),
              arp_reply(mac(5), ip(2), BROADCAST, ip(2))] * 10
    open_port.set_network(5001, flood_vteps=[])
    open_port.expect(("vm5", *claims),
                     out={"vm1": claims, "vm2": claims})
    open_port.expect(("vm1", arp_request(1, ip(2))),
                     out={"vm1": [arp_reply(mac(2), ip(2), mac(1), ip(1))]})


# AR-02, AR-10, INV-7: two switches, back to back.

@pytest.fixture
def pair(bare, tmp_path_factory):
    """
        vm1, vm5 ── br-ov (192.0.2.1) ══ wire ══ (192.0.2.2) br-ov ── vm2, vm5

    both with VNI 5001, the same gateways, and as eager to answer as they can
    be made; vm5 is not guarded."""
    with running_daemons(tmp_path_factory.mktemp("other")) as daemons:
        other = Switch(daemons, "other")
        a, b = bare, other
        a.add_bridge()
        b.add_bridge(vtep="192.0.2.2", mac=peer_mac("192.0.2.2"))
        for sw, local, remote in (a, 1, 2), (b, 2, 1):
            peer, peers_mac = (("192.0.2.2", peer_mac("192.0.2.2"))
                               if sw is a else ("192.0.2.1", LOCAL_MAC))
            sw.add_peer(peer, peers_mac)
            with sw.transaction():
                sw.add_network(5001, vrf="red", flood_vteps=[peer],
                               gateway_ips=["10.1.0.1/24",
                                            "fd00::1/64"])
                sw.set_rows("set", "Overlay_Network", 5001,
                            "other_config:answer-tunnel=true")
                sw.add_port(f"vm{local}", 5001,
                            f"{mac(local)} {ip(local)} {ip6(local)}")
                sw.add_port("vm5", 5001)
                sw.add_mac(5001, mac(remote), peer, ip(remote))
                sw.add_neighbor(5001, ip6(remote), mac(remote))
            sw.wait_polled(f"vm{local}", "vm5")
            sw.wait_vtep(peer)
        yield a, b
        other.finish()


def vxlan_frames(frames):
    return [f for f in frames if f[12:14] == b"\x08\x00" and f[23] == 17
            and struct.unpack_from("!H", f, 36)[0] == VXLAN_PORT]


def carry(a, b, port, frame):
    """Puts 'frame' into 'port' of 'a' and carries what leaves by the wire to
    the other one, and back, until nothing does.  Returns how many answers
    were made, and how often the wire was used."""
    answered = sum(sw.totals()["consumed"] for sw in (a, b))
    crossings = 0
    here, there, port, frames = a, b, port, [frame]
    while frames:
        before = here.wait_rest()
        here.inject(port, *frames)
        here.wait_rest(before["received"] + len(frames))
        frames = vxlan_frames(here.collect().get("p0", []))
        crossings += len(frames)
        assert crossings < 10
        here, there, port = there, here, "p0"
    # Each answer consumes its request.  What is generated may also be a
    # question for an underlay next hop.
    return (sum(sw.totals()["consumed"] for sw in (a, b)) - answered,
            crossings)


QUESTIONS = [
    ("vm1", arp_request(1, GATEWAY)), ("vm1", arp_request(1, ip(2))),
    ("vm1", arp_request(1, ip(2), src_ip="0.0.0.0")),
    ("vm5", arp_request(5, GATEWAY, dst=GATEWAY_MAC)),
    ("vm1", nd.ns(1, "fd00::1")), ("vm1", nd.ns(1, ip6(2))),
    ("vm5", nd.ns(5, ip6(2), src="::")),
]
NO_QUESTIONS = [
    ("vm1", arp_request(1, ip(1))), ("vm1", arp_request(1, "10.1.0.99")),
    ("vm1", arp_request(1, ip(2), dst=mac(2))),
    ("vm1", arp_reply(mac(1), ip(1), mac(2), ip(2))),
    ("vm5", arp_reply(mac(5), ip(5), GATEWAY_MAC, GATEWAY, dst=BROADCAST)),
    ("vm5", arp_reply(mac(5), ip(5), mac(2), ip(2), dst=BROADCAST)),
    ("vm5", arp_reply(mac(5), ip(5), GATEWAY_MAC, GATEWAY)),
    ("vm5", arp_reply(GATEWAY_MAC, GATEWAY, mac(5), ip(5), src=mac(5))),
    ("vm5", nd.na(5)), ("vm5", nd.na(5, to=2)),
    ("vm1", nd.ns(1, ip6(1), src="::")),
]


def test_reply_never_elicits_a_reply_between_two_switches(pair):
    a, b = pair
    for port, frame in QUESTIONS:
        assert carry(a, b, port, frame) == (1, 0), frame.hex()
    for port, frame in NO_QUESTIONS:
        answers, crossings = carry(a, b, port, frame)
        assert answers == 0 and crossings <= 1, frame.hex()


def test_exactly_one_answer_where_both_could_give_it(pair):
    """AR-10: without suppression the question crosses the wire; the VM that
    is asked answers, and no switch, but for the gateway."""
    a, b = pair
    for sw in pair:
        sw.set_network(5001, neigh_suppress=False)
    assert carry(a, b, "vm1", arp_request(1, ip(2))) == (0, 1)
    assert carry(b, a, "vm2", arp_reply(mac(2), ip(2), mac(1), ip(1))) \
        == (0, 1)
    assert carry(a, b, "vm1", arp_request(1, GATEWAY)) == (1, 0)


def test_gateway_answers_into_the_tunnel_once(pair):
    """answer-tunnel: the answer comes back through the wire, and that is
    all."""
    a, b = pair
    a.set_network(5001, gateway_ips=[])
    assert carry(a, b, "vm1", arp_request(1, GATEWAY)) == (1, 2)
    assert carry(a, b, "vm1", nd.ns(1, "fd00::1")) == (1, 2)
