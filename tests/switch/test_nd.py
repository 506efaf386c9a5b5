# SPDX-License-Identifier: Apache-2.0

"""The ND responder (DESIGN 6 rule 2, RFC 4861).

    vm1 ─┐ 52:54:00:00:00:01 fd00::11   192.0.2.2: vm3 fd00::13
    vm2 ─┤ VNI 5001 ── br-ov ── p0 ══ underlay ══ 192.0.2.3
    vm5 ─┘ (not guarded)   gateway fd00::1, fe80::5eff:fe00:101
"""

import struct

import pytest

from ovl.frames import (BROADCAST, GATEWAY_MAC, Dot1Q, Ether, advertise,
                        decap_in, encap, ip6, mac, solicited_node)
from ovl.nd import (ALL_NODES, ALL_NODES_MAC, CSUM, L3, L4, change, cut,
                    fix_csum, insert, na, ns, ra, redirect, rs)

GATEWAY = "fd00::1"
GATEWAY_LLA = "fe80::5eff:fe00:101"     # Made from GATEWAY_MAC.
FLOOD = ("192.0.2.2", "192.0.2.3")


def flooded(frame, *local):
    out = {name: [frame] for name in local}
    out["p0"] = [encap(5001, frame, vtep) for vtep in FLOOD]
    return out


def answer(target, target_mac, to=1, router=0):
    """What VM 'to' is told about 'target'."""
    return advertise(target_mac, target, mac(to), ip6(to), r=router)


def dad_answer(target, target_mac, to=1, router=0):
    return advertise(target_mac, target, mac(to), ALL_NODES, r=router, s=0)


@pytest.fixture
def v6(sw):
    with sw.transaction():
        sw.set_network(5001, gateway_ips=["10.1.0.1/24", f"{GATEWAY}/64"])
        for n in 1, 2:
            sw.set_rows("set", "Port", f"vm{n}", "overlay_addresses="
                        f'"{mac(n)} {ip6(n)} fe80::{n}"')
        sw.destroy("Overlay_MAC")
        sw.add_mac(5001, mac(3), "192.0.2.2", ip6(3))
    return sw


@pytest.fixture
def open_port(v6):
    v6.add_port("vm5", 5001)
    return v6


# ND-01: what is no solicitation is dropped, wherever it comes from.

def good():
    return ns(5, ip6(2))


def dad():
    return ns(5, ip6(2), src="::")


def destination_options(frame, n=1):
    for _ in range(n):
        frame = insert(frame, 60, bytes([0, 0, 1, 4, 0, 0, 0, 0]))
    return frame


def other_checksum(frame, delta):
    csum, = struct.unpack_from("!H", frame, CSUM)
    return change(frame, CSUM, struct.pack("!H", csum + delta), fix=False)


BAD_SOLICITATIONS = {
    "hop limit": [change(good(), L3 + 7, n) for n in (0, 1, 64, 128, 254)]
    + [destination_options(change(good(), L3 + 7, 64))],
    "code": [change(good(), L4 + 1, n) for n in (1, 2, 128, 255)],
    "checksum": [other_checksum(good(), n) for n in (-1, 1)]
    + [change(good(), CSUM, b"\0\0", fix=False)],
    "checksum of other bytes": [
        change(good(), n, good()[n] ^ 0x40, fix=False)
        for n in (L3 + 23, L3 + 39, *range(L4 + 1, len(good())))],
    "length": [cut(good(), n) for n in range(1, 24)] + [good()[:-1]],
    "half an option": [cut(good(), n) for n in range(25, 32)],
    "option of length 0": [change(good(), L4 + 25, 0),
                           ns(5, ip6(2), options=bytes(8))],
    "option beyond the packet": [change(good(), L4 + 25, n)
                                 for n in (2, 5, 255)],
    "33 options": [ns(5, ip6(2), options=bytes([14, 1] + [0] * 6) * 32)],
    "multicast target": [ns(5, "ff02::1:ff00:c"), ns(5, "ff0e::1")],
    "DAD with a link-layer address": [ns(5, ip6(2), src="::", slla=mac(5))],
    "DAD to no solicited-node group": [
        ns(5, ip6(2), src="::", dst=ip6(2), dst_mac=mac(2)),
        ns(5, ip6(2), src="::", dst=ALL_NODES)],
    "MAC of another group": [
        ns(5, ip6(2), dst_mac=m)
        for m in ("33:33:ff:00:00:0d", ALL_NODES_MAC, BROADCAST)],
    "MAC of a group for a unicast address": [
        ns(5, ip6(2), dst=ip6(2), dst_mac=solicited_node(ip6(2))[1])],
    "fragment": [
        insert(good(), 44, bytes(8)),           # An atomic one.
        insert(good(), 44, bytes([0, 0, 0, 1, 0, 0, 0, 9])),
        destination_options(insert(good(), 44, bytes(8)))],
    "more extension headers than anybody sends": [
        destination_options(good(), n) for n in (9, 20)],
}


def expect_malformed(sw, frames):
    """Each of 'frames' is dropped, from a VM and out of a tunnel."""
    frames = list(frames)
    for i in range(0, len(frames), 40):
        some = frames[i:i + 40]
        sw.expect(("vm5", *some),
                  ("p0", *[decap_in(5001, frame) for frame in some]),
                  drops={("vm5", 5001, "nd_malformed"): len(some),
                         ("p0", 5001, "nd_malformed"): len(some)})


@pytest.mark.parametrize("fault", BAD_SOLICITATIONS)
def test_malformed_solicitation_is_dropped(open_port, fault):
    expect_malformed(open_port, BAD_SOLICITATIONS[fault])


def test_malformed_dad_is_dropped(open_port):
    frame = dad()
    expect_malformed(open_port, [
        change(frame, L3 + 7, 254), change(frame, L4 + 1, 1),
        change(frame, CSUM, b"\0\0", fix=False), cut(frame, 23),
        insert(frame, 44, bytes(8))])


# ND-02, ND-08, ND-09: the other messages.

def test_malformed_advertisement_is_dropped(open_port):
    good_na = na(5, to=2)
    to_all = na(5)
    expect_malformed(open_port, [
        *[change(good_na, L3 + 7, n) for n in (0, 64, 254)],
        change(good_na, L4 + 1, 1),
        change(good_na, CSUM, b"\0\0", fix=False),
        *[cut(good_na, n) for n in range(1, 24)],
        *[cut(good_na, n) for n in range(25, 32)],
        change(good_na, L4 + 25, 0), change(good_na, L4 + 25, 2),
        na(5, "ff02::1", to=2, src=ip6(5)),
        change(to_all, L4 + 4, 0x60),           # Solicited, to a group.
        insert(good_na, 44, bytes(8))])


def test_malformed_router_messages_are_dropped(open_port):
    solicitation = rs(5, ip6(5), slla=mac(5))
    advertisement = ra(mac(5), "fe80::5")
    redirected = redirect(mac(5), "fe80::5", mac(2), ip6(2), "fe80::6",
                          "2001:db8:9::9")
    expect_malformed(open_port, [
        *[change(frame, L3 + 7, 254)
          for frame in (solicitation, advertisement, redirected)],
        *[change(frame, L4 + 1, 1)
          for frame in (solicitation, advertisement, redirected)],
        *[change(frame, CSUM, b"\0\0", fix=False)
          for frame in (solicitation, advertisement, redirected)],
        *[insert(frame, 44, bytes(8))
          for frame in (solicitation, advertisement, redirected)],
        cut(solicitation, 7), cut(advertisement, 15), cut(redirected, 39),
        change(solicitation, L4 + 9, 0),
        rs(5, "::", slla=mac(5)),
        ra(mac(5), ip6(5)),                     # Not link-local.
        redirect(mac(5), ip6(5), mac(2), ip6(2), "fe80::6",
                 "2001:db8:9::9"),
        redirect(mac(5), "fe80::5", mac(2), ip6(2), "2001:db8:9::8",
                 "2001:db8:9::9"),
        redirect(mac(5), "fe80::5", mac(2), ip6(2), "fe80::6", "ff02::1")])


# Who may say what.

@pytest.mark.parametrize("make", [
    lambda: ns(1, ip6(2), slla=mac(2)),                 # Somebody's MAC.
    lambda: ns(1, ip6(2), slla="02:00:00:00:00:77"),
    lambda: ns(1, ip6(3), src=ip6(2)),                  # Somebody's address.
    lambda: ns(1, ip6(3), src="fd00::77"),
    lambda: ns(1, ip6(3), src="fe80::2"),
    lambda: na(1, ip6(2), src=ip6(1)),
    lambda: na(1, "fd00::77", to=2, src=ip6(1)),
    lambda: na(1, "fe80::2", to=2, src=ip6(1)),
    lambda: na(1, to=2, tlla=mac(3)),
    lambda: ns(1, ip6(2), options=b"\1\1" + bytes.fromhex("525400000002")),
    lambda: ns(1, ip6(2), slla=False, options=b"\1\2" + bytes(14)),
    lambda: rs(1, ip6(1), slla=mac(2)),
])
def test_claim_of_what_is_not_bound_is_dropped(v6, make):
    v6.expect(("vm1", make()), drops={("vm1", 5001, "nd_spoof"): 1})


@pytest.mark.parametrize("address", [GATEWAY, GATEWAY_LLA])
def test_claim_of_a_gateway_address_is_dropped_on_every_port(open_port,
                                                             address):
    for n in 1, 5:
        open_port.expect(
            (f"vm{n}",
             na(n, address, src=ip6(n)),
             na(n, address, to=2),
             ns(n, ip6(2), src=address),
             rs(n, address)),
            drops={(f"vm{n}", 5001, "spoof_gw"): 4})


def test_router_advertisement_of_the_gateway_from_a_vm_is_dropped(open_port):
    open_port.expect(("vm5", ra(mac(5), GATEWAY_LLA)),
                     drops={("vm5", 5001, "spoof_gw"): 1})


def test_link_local_address_that_nobody_has_may_be_used(v6):
    frame = ns(1, ip6(9), src="fe80::1234")
    v6.expect(("vm1", frame), out=flooded(frame, "vm2"))
    frame = na(1, "fe80::1234")
    v6.expect(("vm1", frame), out=flooded(frame, "vm2"))


# ND-03: answered.

def test_solicitation_for_the_gateway_is_answered(v6):
    v6.expect(("vm1", ns(1, GATEWAY)),
              out={"vm1": [answer(GATEWAY, GATEWAY_MAC, router=1)]})


def test_unicast_solicitation_for_the_gateway_is_answered(v6):
    v6.expect(("vm1", ns(1, GATEWAY, dst=GATEWAY, dst_mac=GATEWAY_MAC)),
              out={"vm1": [answer(GATEWAY, GATEWAY_MAC, router=1)]})


def test_link_local_address_of_the_gateway_is_answered(v6):
    v6.expect(("vm1", ns(1, GATEWAY_LLA)),
              ("vm1", ns(1, GATEWAY_LLA, dst=GATEWAY_LLA,
                         dst_mac=GATEWAY_MAC)),
              out={"vm1": [answer(GATEWAY_LLA, GATEWAY_MAC, router=1)] * 2})


def test_link_local_address_follows_the_gateway_mac(v6):
    v6.set_network(5001, gateway_mac="02:11:22:33:44:55")
    lla = "fe80::11:22ff:fe33:4455"
    v6.expect(("vm1", ns(1, lla)),
              out={"vm1": [answer(lla, "02:11:22:33:44:55", router=1)]})
    frame = ns(1, GATEWAY_LLA)
    v6.expect(("vm1", frame), out=flooded(frame, "vm2"))


def test_network_with_an_ipv4_gateway_has_no_link_local_one(v6):
    v6.set_network(5001, gateway_ips="10.1.0.1/24")
    for target in GATEWAY, GATEWAY_LLA:
        frame = ns(1, target)
        v6.expect(("vm1", frame), out=flooded(frame, "vm2"))


def test_solicitation_for_the_gateway_is_answered_without_neigh_suppress(v6):
    v6.set_network(5001, neigh_suppress=False)
    v6.expect(("vm1", ns(1, GATEWAY)),
              out={"vm1": [answer(GATEWAY, GATEWAY_MAC, router=1)]})


def test_solicitation_for_a_local_neighbor_is_answered(v6):
    v6.expect(("vm1", ns(1, ip6(2))),
              out={"vm1": [answer(ip6(2), mac(2))]})


def test_solicitation_for_a_remote_neighbor_is_answered(v6):
    v6.expect(("vm1", ns(1, ip6(3))),
              out={"vm1": [answer(ip6(3), mac(3))]})


def test_neighbor_that_routes_has_the_router_flag(v6):
    v6.add_neighbor(5001, ip6(3), mac(3), router=True)
    v6.expect(("vm1", ns(1, ip6(3))),
              out={"vm1": [answer(ip6(3), mac(3), router=1)]})
    v6.set_rows("set", "Overlay_Neighbor", *v6.find("Overlay_Neighbor"),
                "router=false")
    v6.expect(("vm1", ns(1, ip6(3))),
              out={"vm1": [answer(ip6(3), mac(3))]})


def test_solicitation_from_a_link_local_address_is_answered_to_it(v6):
    v6.expect(("vm1", ns(1, ip6(3), src="fe80::1")),
              out={"vm1": [advertise(mac(3), ip6(3), mac(1), "fe80::1")]})


def test_link_local_neighbor_is_answered(v6):
    v6.expect(("vm1", ns(1, "fe80::2")),
              out={"vm1": [answer("fe80::2", mac(2))]})


def test_explicit_neighbor_wins_over_the_ips_of_a_mac_row(v6):
    v6.add_neighbor(5001, ip6(3), mac(0x33))
    v6.expect(("vm1", ns(1, ip6(3))),
              out={"vm1": [answer(ip6(3), mac(0x33))]})


def test_solicitation_without_option_is_answered_with_one(v6):
    """RFC 4861 section 7.2.4: the answer to a multicast one has to have it;
    ours always has."""
    v6.expect(("vm1", ns(1, ip6(3), slla=False)),
              ("vm1", ns(1, GATEWAY, dst=GATEWAY, dst_mac=GATEWAY_MAC,
                         slla=False)),
              out={"vm1": [answer(ip6(3), mac(3)),
                           answer(GATEWAY, GATEWAY_MAC, router=1)]})


def test_solicitation_to_a_group_by_unicast_mac_is_no_liveness_check(v6):
    """RFC 6085: the MAC decides who is asked."""
    frame = ns(1, ip6(2), dst_mac=mac(2))
    v6.expect(("vm1", frame), out={"vm2": [frame]})


@pytest.mark.parametrize("options", [
    bytes([14, 1, 1, 2, 3, 4, 5, 6]),                   # Nonce.
    bytes([14, 1, 1, 2, 3, 4, 5, 6]) * 31,              # 32 in all.
    bytes([11, 2]) + bytes(14) + bytes([13, 1, 0, 0, 0, 0, 0, 9]),  # SEND.
    bytes([253, 5]) + bytes(38),
    bytes([1, 1]) + bytes.fromhex("525400000001"),      # The same again.
])
def test_other_options_are_skipped_by_their_length(v6, options):
    v6.expect(("vm1", ns(1, ip6(3), options=options)),
              out={"vm1": [answer(ip6(3), mac(3))]})


def test_padding_behind_the_packet_is_not_read_and_not_answered(v6):
    v6.expect(("vm1", ns(1, ip6(3), slla=False) + b"\xa5" * 20),
              out={"vm1": [answer(ip6(3), mac(3))]})


def test_solicitation_behind_extension_headers_is_answered(v6):
    frame = destination_options(ns(1, ip6(3)))
    frame = insert(frame, 0, bytes([0, 0, 5, 2, 0, 0, 1, 0]))
    v6.expect(("vm1", frame), out={"vm1": [answer(ip6(3), mac(3))]})


def test_solicitation_with_vid_0_is_answered_untagged(v6):
    frame = ns(1, ip6(3))
    tagged = bytes(Ether(frame[:12] + b"\x81\0") / Dot1Q(vlan=0, prio=5))
    tagged = tagged[:16] + frame[12:]
    v6.expect(("vm1", tagged), out={"vm1": [answer(ip6(3), mac(3))]})


def test_answers_are_right_for_many_addresses(v6):
    """ND-13: checksums of all kinds."""
    targets = [f"fd00:0:0:{n * 0x1357 & 0xffff:x}:{n:x}::{n * n:x}"
               for n in range(1, 81)]
    with v6.transaction():
        for n, target in enumerate(targets):
            v6.add_neighbor(5001, target, f"52:54:01:{n:02x}:ff:{255 - n:02x}")
    v6.expect(("vm1", *[ns(1, target) for target in targets]),
              out={"vm1": [answer(target, f"52:54:01:{n:02x}:ff:{255 - n:02x}")
                           for n, target in enumerate(targets)]})


# ND-04: duplicate address detection.

def test_dad_for_somebody_elses_address_is_answered_to_all_nodes(v6):
    """That is the conflict it asks about.  On the link the answer goes to the
    one that asked."""
    v6.expect(("vm1", ns(1, ip6(2), src="::"), ns(1, ip6(3), src="::")),
              out={"vm1": [dad_answer(ip6(2), mac(2)),
                           dad_answer(ip6(3), mac(3))]})


def test_dad_for_the_gateway_is_answered(v6):
    v6.expect(("vm1", ns(1, GATEWAY, src="::"), ns(1, GATEWAY_LLA, src="::")),
              out={"vm1": [dad_answer(GATEWAY, GATEWAY_MAC, router=1),
                           dad_answer(GATEWAY_LLA, GATEWAY_MAC, router=1)]})


def test_dad_of_the_owner_is_flooded_not_answered(v6):
    for target in ip6(1), "fe80::1":
        frame = ns(1, target, src="::")
        v6.expect(("vm1", frame), out=flooded(frame, "vm2"))


def test_dad_with_a_nonce_is_forwarded_as_it_is(v6):
    """ND-05, RFC 7527: the nonce tells the sender its own probe."""
    frame = ns(1, ip6(1), src="::", options=bytes([14, 1, 9, 8, 7, 6, 5, 4]))
    v6.expect(("vm1", frame), out=flooded(frame, "vm2"))
    v6.expect(("p0", decap_in(5001, frame)),
              out={"vm1": [frame], "vm2": [frame]})


# Never answered, but forwarded.

def test_unsolicited_advertisement_is_flooded_not_answered(v6):
    """ND-06, and ND-16 (RFC 9131): nothing is learned from it either."""
    frame = na(1)
    v6.expect(("vm1", frame), out=flooded(frame, "vm2"))
    v6.expect(("vm2", ns(2, ip6(1))),
              out={"vm2": [answer(ip6(1), mac(1), to=2)]})


def test_advertisement_never_overrides_a_row(open_port):
    frame = na(5, ip6(3))
    open_port.expect(("vm5", frame), out=flooded(frame, "vm1", "vm2"))
    open_port.expect(("vm1", ns(1, ip6(3))),
                     out={"vm1": [answer(ip6(3), mac(3))]})


def test_advertisement_is_forwarded_not_answered(v6):
    local = na(1, to=2)
    remote = na(1, to=3)
    v6.expect(("vm1", local, remote),
              out={"vm2": [local], "p0": [encap(5001, remote)]})


def test_unicast_solicitation_for_a_vm_is_forwarded(v6):
    """ND-07, RFC 4861 section 7.3: a reachability check."""
    local = ns(1, ip6(2), dst=ip6(2), dst_mac=mac(2))
    remote = ns(1, ip6(3), dst=ip6(3), dst_mac=mac(3))
    v6.expect(("vm1", local, remote),
              out={"vm2": [local], "p0": [encap(5001, remote)]})


def test_solicitation_for_an_address_behind_the_same_port_is_not_answered(v6):
    v6.add_port("vm5", 5001, [f"{mac(5)} {ip6(5)}", f"{mac(6)} {ip6(6)}"])
    frame = ns(5, ip6(6))
    v6.expect(("vm5", frame), out=flooded(frame, "vm1", "vm2"))


def test_solicitation_for_the_senders_own_mac_is_not_answered(v6):
    v6.add_neighbor(5001, "fd00::50", mac(1))
    frame = ns(1, "fd00::50")
    v6.expect(("vm1", frame), out=flooded(frame, "vm2"))


def test_solicitation_for_the_senders_own_address_is_not_answered(open_port):
    frame = ns(5, ip6(2), src=ip6(2))
    open_port.expect(("vm5", frame), out=flooded(frame, "vm1", "vm2"))


def test_shared_ipv6_address_is_flooded_not_answered(v6):
    shared = "fd00::77"
    frame = ns(1, shared)
    v6.add_mac(5001, mac(7), "192.0.2.2", shared)
    v6.expect(("vm1", frame), out={"vm1": [answer(shared, mac(7))]})
    v6.add_mac(5001, mac(8), "192.0.2.3", shared)
    v6.expect(("vm1", frame), out=flooded(frame, "vm2"))
    probe = ns(1, shared, src="::")
    v6.expect(("vm1", probe), out=flooded(probe, "vm2"))
    # An explicit row decides.
    v6.add_neighbor(5001, shared, mac(8))
    v6.expect(("vm1", frame), out={"vm1": [answer(shared, mac(8))]})


def test_advertisement_of_a_shared_address_passes(v6):
    shared = "fd00::77"
    for n in 1, 2:
        v6.set_rows("set", "Port", f"vm{n}", "overlay_addresses="
                    f'"{mac(n)} {ip6(n)} {shared}"')
    frame = na(1, shared)
    v6.expect(("vm1", frame), out=flooded(frame, "vm2"))


def test_solicitation_without_neigh_suppress_is_flooded(v6):
    v6.set_network(5001, neigh_suppress=False)
    for frame in ns(1, ip6(2)), ns(1, ip6(3), src="::"):
        v6.expect(("vm1", frame), out=flooded(frame, "vm2"))


def test_router_solicitation_is_flooded(v6):
    """ND-08: where no router advertisements are made."""
    v6.set_rows("set", "Overlay_Network", 5001, "other_config:ra=false")
    for frame in rs(1, "fe80::1", slla=mac(1)), rs(1, ip6(1)):
        v6.expect(("vm1", frame), out=flooded(frame, "vm2"))


def test_router_advertisement_of_a_vm_passes(open_port):
    """ND-09: a guard that nobody asked for is off."""
    frame = ra(mac(5), "fe80::5")
    open_port.expect(("vm5", frame), out=flooded(frame, "vm1", "vm2"))


def test_redirect_between_vms_passes_and_out_of_a_tunnel_is_dropped(
        open_port):
    """ND-10, RFC 4861 section 8.1: a redirect comes from the first hop."""
    frame = redirect(mac(5), "fe80::5", mac(2), ip6(2), "fe80::6",
                     "2001:db8:9::9")
    open_port.expect(("vm5", frame), out={"vm2": [frame]})
    open_port.expect(("p0", decap_in(5001, frame)),
                     drops={("p0", 5001, "nd_redirect"): 1})


# Unknown targets.

def test_solicitation_for_an_unknown_target_is_flooded(v6):
    for frame in (ns(1, "fd00::99"), ns(1, "fe80::99"),
                  ns(1, "fd00::99", src="::")):
        v6.expect(("vm1", frame), out=flooded(frame, "vm2"))


def test_solicitation_for_an_unknown_target_is_dropped_with_neigh_miss_drop(
        v6):
    v6.set_network(5001, neigh_miss="drop")
    v6.expect(("vm1", ns(1, "fd00::99"), ns(1, "fe80::99"),
               ns(1, "fd00::99", src="::")),
              drops={("vm1", 5001, "neigh_miss"): 3})
    # These are no questions to us.
    for frame in (na(1),
                  ns(1, ip6(1), src="::")):
        v6.expect(("vm1", frame), out=flooded(frame, "vm2"))


def test_ipv4_mapped_target_is_not_the_ipv4_neighbor(v6):
    v6.add_neighbor(5001, "10.1.0.66", mac(6))
    frame = ns(1, "::ffff:10.1.0.66")
    v6.expect(("vm1", frame), out=flooded(frame, "vm2"))


def test_ipv6_neighbor_of_another_network_is_unknown(v6):
    v6.add_neighbor(5002, "fd00::99", mac(9))
    frame = ns(1, "fd00::99")
    v6.expect(("vm1", frame), out=flooded(frame, "vm2"))


# Out of a tunnel.

def test_solicitation_out_of_a_tunnel_is_not_answered(v6):
    for target in GATEWAY, GATEWAY_LLA, ip6(1), ip6(3):
        for src in ip6(3), "::":
            inner = ns(3, target, src=src)
            v6.expect(("p0", decap_in(5001, inner)),
                      out={"vm1": [inner], "vm2": [inner]})


def test_answer_tunnel_answers_solicitations_for_the_gateway(v6):
    v6.set_rows("set", "Overlay_Network", 5001,
                "other_config:answer-tunnel=true")
    v6.expect(("p0", decap_in(5001, ns(3, GATEWAY))),
              ("p0", decap_in(5001, ns(3, GATEWAY_LLA, src="::"))),
              out={"p0": [encap(5001, answer(GATEWAY, GATEWAY_MAC, to=3,
                                             router=1)),
                          encap(5001, dad_answer(GATEWAY_LLA, GATEWAY_MAC,
                                                 to=3, router=1))]})
    inner = ns(3, ip6(1))
    v6.expect(("p0", decap_in(5001, inner)),
              out={"vm1": [inner], "vm2": [inner]})


def test_advertisement_out_of_a_tunnel_is_delivered(v6):
    inner = na(3, to=1)
    v6.expect(("p0", decap_in(5001, inner)), out={"vm1": [inner]})


def test_no_solicitation_on_the_underlay_for_known_neighbors(v6):
    v6.expect(("vm1", *[ns(1, target) for target in (GATEWAY, ip6(2),
                                                     ip6(3))]),
              out={"vm1": [answer(GATEWAY, GATEWAY_MAC, router=1),
                           answer(ip6(2), mac(2)), answer(ip6(3), mac(3))]})


def test_trace_of_a_solicitation_names_its_answer(v6):
    text = v6.trace("vm1", ns(1, ip6(3)))
    assert f"neighbors: (5001, {ip6(3)}) -> {mac(3)}" in text
    assert f"responder: answers, {ip6(3)} is at {mac(3)}" in text
    assert "Final: answered, sent to vm1" in text


def test_every_bad_solicitation_was_good_before_it_was_spoiled(open_port):
    """Else the tests above show nothing."""
    for frame in (good(), fix_csum(good()), destination_options(good()),
                  destination_options(good(), 8)):
        open_port.expect(("vm5", frame),
                         out={"vm5": [answer(ip6(2), mac(2), to=5)]})
    open_port.expect(("vm5", dad()),
                     out={"vm5": [dad_answer(ip6(2), mac(2), to=5)]})
