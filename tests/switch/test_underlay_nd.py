# SPDX-License-Identifier: Apache-2.0

"""Underlay next hops over IPv6: Neighbor Discovery of our own (DESIGN 6
rule 9, RFC 4861).

    vm1 ── VNI 5001 ── br-ov ── p0 ══ underlay ══ 2001:db8:ff::2, ::3
                         │
                       LOCAL (the host, 2001:db8:ff::1)
"""

import time

import pytest

from scapy.layers.inet6 import (ICMPv6MLReport2, ICMPv6ND_NA, ICMPv6ND_NS,
                                ICMPv6ND_RA, ICMPv6ND_RS,
                                ICMPv6NDOptDstLLAddr, ICMPv6NDOptPrefixInfo,
                                ICMPv6NDOptSrcLLAddr, IPv6ExtHdrFragment)

from ovl.frames import (IPV6, LOCAL_MAC, OWN_VTEP6, TCP, UDP, Ether, IPv6,
                        Raw, advertise, encap, mac, peer_mac, solicit, udp)
from ovl.process import wait_until

PEER, PEER_MAC = IPV6.vtep(2), peer_mac(IPV6.vtep(2))
NINE, NINE_MAC = IPV6.vtep(9), "02:00:00:00:99:09"
NEW_MAC = "02:00:00:00:55:55"
ROUTER, ROUTER_MAC = "fe80::fe", "02:00:00:00:06:fe"
ALL_NODES, ALL_NODES_MAC = "ff02::1", "33:33:00:00:00:01"


@pytest.fixture
def sw(sw6):
    return sw6


# Uplink and LOCAL.

def host6(src, dst, src_mac=PEER_MAC, dst_mac=LOCAL_MAC, **fields):
    return Ether(src=src_mac, dst=dst_mac) / IPv6(src=src, dst=dst, **fields)


FROM_UPLINK = {
    "tcp": host6(PEER, OWN_VTEP6) / TCP(dport=22) / Raw(b"ssh"),
    "link-local": host6("fe80::2", "fe80::1") / UDP(dport=546),
    "multicast": host6(PEER, "ff02::fb", dst_mac="33:33:00:00:00:fb")
    / UDP(dport=5353),
    "rs": host6("fe80::2", "ff02::2", dst_mac="33:33:00:00:00:02", hlim=255)
    / ICMPv6ND_RS(),
    "ra": host6(ROUTER, ALL_NODES, ROUTER_MAC, ALL_NODES_MAC, hlim=255)
    / ICMPv6ND_RA() / ICMPv6NDOptSrcLLAddr(lladdr=ROUTER_MAC)
    / ICMPv6NDOptPrefixInfo(prefix="2001:db8:ff::", prefixlen=64),
    "ns": solicit(PEER_MAC, PEER, OWN_VTEP6),
    "unicast ns": solicit(PEER_MAC, PEER, OWN_VTEP6, OWN_VTEP6, LOCAL_MAC),
    "na": advertise(PEER_MAC, PEER, LOCAL_MAC, OWN_VTEP6),
    "dad of another": solicit(PEER_MAC, "::", "fe80::2", slla=False),
    "malformed ns": solicit(PEER_MAC, PEER, OWN_VTEP6, hlim=64),
    "mld": host6("fe80::2", "ff02::16", dst_mac="33:33:00:00:00:16", hlim=1)
    / ICMPv6MLReport2(),
    "fragment": host6(PEER, OWN_VTEP6) / IPv6ExtHdrFragment(offset=5, m=1)
    / Raw(b"f" * 64),
    "truncated": bytes(host6(PEER, OWN_VTEP6) / UDP(dport=4789))[:50],
    "no next header": host6(PEER, OWN_VTEP6, nh=59),
    "version 5": bytes([*bytes(host6(PEER, OWN_VTEP6))[:14], 0x50])
    + bytes(59),
}


@pytest.mark.parametrize("what", FROM_UPLINK)
def test_ipv6_that_is_not_vxlan_for_us_goes_to_local_as_it_is(sw, what):
    frame = bytes(FROM_UPLINK[what])
    sw.expect(("p0", frame), out={"br-ov": [frame]})


FROM_LOCAL = {
    "tcp": host6(OWN_VTEP6, PEER, LOCAL_MAC, PEER_MAC) / TCP(sport=22),
    "ns": solicit(LOCAL_MAC, OWN_VTEP6, PEER),
    "na": advertise(LOCAL_MAC, OWN_VTEP6, PEER_MAC, PEER),
    "dad": solicit(LOCAL_MAC, "::", OWN_VTEP6, slla=False),
    "rs": host6("fe80::1", "ff02::2", LOCAL_MAC, "33:33:00:00:00:02",
                hlim=255) / ICMPv6ND_RS(),
    "mld": host6("::", "ff02::16", LOCAL_MAC, "33:33:00:00:00:16", hlim=1)
    / ICMPv6MLReport2(),
    "fragment": host6(OWN_VTEP6, PEER, LOCAL_MAC, PEER_MAC)
    / IPv6ExtHdrFragment(offset=5) / Raw(b"f" * 64),
}


@pytest.mark.parametrize("what", FROM_LOCAL)
def test_ipv6_from_local_goes_to_the_uplink_as_it_is(sw, what):
    frame = bytes(FROM_LOCAL[what])
    sw.want_probes = True
    sw.expect(("br-ov", frame), out={"p0": [frame]})


# Asking.

class Watch:
    """What leaves 'p0' while the block runs, what we say to neighbors
    included."""

    def __init__(self, sw):
        self.sw = sw
        self.frames = []

    def __enter__(self):
        self.sw.collect()
        self.sw.want_probes = True
        return self

    def __exit__(self, *_):
        self.look()
        self.sw.want_probes = False

    def look(self):
        self.frames += self.sw.collect().get("p0", [])
        return self.frames

    def wait(self, frame):
        wait_until(lambda: frame in self.look(), f"no {frame.hex()}, only "
                   + "\n".join(f.hex() for f in self.frames))


def question(target, dst_mac=None, own_mac=LOCAL_MAC):
    """Ours, to everybody or, if we know 'dst_mac', to the neighbor."""
    return solicit(own_mac, OWN_VTEP6, target,
                   *([target, dst_mac] if dst_mac else []))


def answer(target, target_mac, **fields):
    return advertise(target_mac, target, LOCAL_MAC, OWN_VTEP6, **fields)


def hear(sw, frame):
    """'frame' comes in on the uplink and is the host's."""
    sw.expect(("p0", frame), out={"br-ov": [frame]})


def send(sw, port, frame):
    """Injects 'frame' and waits until it has been dealt with."""
    before = sw.wait_rest()
    sw.inject(port, frame)
    sw.wait_rest(before["received"] + 1)


def next_mac(sw, vm=3, watch=None):
    """Where a frame for VM 'vm' goes."""
    send(sw, "vm1", udp(1, vm))
    frames = sw.collect()["p0"]
    if watch:
        watch.frames += frames
    frame, = [f for f in frames if f[20] == 17]
    return frame[:6].hex(":")


def wait_next_mac(sw, want, vm=3, watch=None):
    wait_until(lambda: next_mac(sw, vm, watch) == want,
               f"frames do not go to {want}")


def wait_heard(sw, watch):
    """Waits until what was heard so far has been looked at: a neighbor, heard
    last, has moved."""
    old = next_mac(sw, watch=watch)
    new = NEW_MAC if old == PEER_MAC else PEER_MAC
    send(sw, "p0", answer(PEER, new))
    wait_next_mac(sw, new, watch=watch)


@pytest.fixture
def asked(sw):
    """VTEP 9 is being asked for."""
    with Watch(sw) as watch:
        sw.add_mac(5001, mac(9), NINE)
        watch.wait(question(NINE))
    sw.wait_vtep(NINE, state="does not answer neighbor solicitations")
    return sw


@pytest.fixture
def found(asked):
    """VTEP 9 has answered."""
    hear(asked, answer(NINE, NINE_MAC))
    asked.wait_vtep(NINE)
    return asked


def test_next_hop_is_asked_for_and_its_advertisement_used(asked):
    sw = asked
    frame = udp(1, 9)
    sw.expect(("vm1", frame), drops={("vm1", 5001, "vtep_unresolved"): 1})
    hear(sw, answer(NINE, NINE_MAC))
    sw.wait_vtep(NINE)
    sw.expect(("vm1", frame),
              out={"p0": [sw.encap(frame, 9, dst_mac=NINE_MAC)]})


@pytest.mark.parametrize("fields", [
    dict(), dict(s=0), dict(o=0), dict(s=0, o=0), dict(r=1),
    dict(src="fe80::99"),
], ids=str)
def test_first_advertisement_is_used_whatever_its_flags(asked, fields):
    """RFC 4861 section 7.2.5: while INCOMPLETE."""
    hear(asked, answer(NINE, NINE_MAC, **fields))
    asked.wait_vtep(NINE)


def corrupted(frame, at, value):
    frame = bytearray(frame)
    frame[at] ^= value
    return bytes(frame)


def without_checksum_error(frame, at, value):
    """'frame' with another byte and the checksum put right."""
    packet = Ether(corrupted(frame, at, value))
    del packet[IPv6].payload.cksum
    return bytes(packet)


GOOD = answer(NINE, NINE_MAC)
BAD_ADVERTISEMENTS = {
    "hop limit": answer(NINE, NINE_MAC, hlim=254),
    "checksum": corrupted(GOOD, 56, 1),
    "code": without_checksum_error(GOOD, 55, 1),
    "solicited, to all nodes":
        advertise(NINE_MAC, NINE, ALL_NODES_MAC, ALL_NODES, s=1),
    "multicast target": advertise(NINE_MAC, "ff02::9", LOCAL_MAC, OWN_VTEP6,
                                  src=NINE),
    "another target": advertise(NINE_MAC, IPV6.vtep(8), LOCAL_MAC, OWN_VTEP6,
                                src=NINE),
    "no link-layer address": answer(NINE, NINE_MAC, tlla=False),
    "multicast address": answer(NINE, NINE_MAC, tlla="33:33:00:00:00:09"),
    "zero address": answer(NINE, NINE_MAC, tlla="00:00:00:00:00:00"),
    "option of no length": without_checksum_error(GOOD, 79, 1),
    "truncated": GOOD[:-1],
    "not a solicited-node group's": bytes(
        Ether(src=NINE_MAC, dst="33:33:ff:00:00:77")
        / Ether(advertise(NINE_MAC, NINE, ALL_NODES_MAC, ALL_NODES,
                          s=0)).payload),
    "two addresses": bytes(
        host6(NINE, OWN_VTEP6, NINE_MAC, hlim=255)
        / ICMPv6ND_NA(tgt=NINE, S=1, O=1)
        / ICMPv6NDOptDstLLAddr(lladdr=NINE_MAC)
        / ICMPv6NDOptDstLLAddr(lladdr=NEW_MAC)),
    "in a fragment": bytes(
        host6(NINE, OWN_VTEP6, NINE_MAC, hlim=255)
        / IPv6ExtHdrFragment(nh=58)
        / Raw(bytes(Ether(GOOD)[ICMPv6ND_NA]))),
}


@pytest.mark.parametrize("why", BAD_ADVERTISEMENTS)
def test_advertisement_that_is_not_valid_is_not_believed(asked, why):
    """RFC 4861 section 7.1.2; it is the host's all the same."""
    sw = asked
    hear(sw, BAD_ADVERTISEMENTS[why])
    # Of two that were heard the first is looked at first.
    hear(sw, answer(PEER, NEW_MAC))
    wait_next_mac(sw, NEW_MAC)
    sw.wait_vtep(NINE, state="does not answer")
    hear(sw, GOOD)
    sw.wait_vtep(NINE)


def test_next_hop_is_asked_for_once_per_second(asked):
    """RFC 4861 section 10, RETRANS_TIMER; however many packets want it."""
    sw = asked
    start = time.monotonic()
    with Watch(sw) as watch:
        for _ in range(20):
            send(sw, "vm1", udp(1, 9))
        sw.warp(1000)
        watch.wait(question(NINE))
    # One is due at once, and one after the leap.
    assert watch.frames.count(question(NINE)) <= 3 + time.monotonic() - start


# Being told.

def test_unsolicited_advertisement_is_followed_and_checked(found):
    """RFC 4861 section 7.2.6: a host with a new MAC announces it; section
    7.2.5: it is not known yet whether it hears us."""
    sw = found
    with Watch(sw) as watch:
        send(sw, "p0", advertise(NEW_MAC, NINE, ALL_NODES_MAC, ALL_NODES,
                                 s=0, o=1))
        watch.wait(question(NINE, NEW_MAC))
    wait_next_mac(sw, NEW_MAC, vm=9)


def test_advertisement_that_does_not_override_is_checked_only(found):
    """RFC 4861 section 7.2.5 I: what was known stays in use, and is asked."""
    sw = found
    with Watch(sw) as watch:
        send(sw, "p0", answer(NINE, NEW_MAC, s=1, o=0))
        watch.wait(question(NINE, NINE_MAC))
    assert next_mac(sw, vm=9) == NINE_MAC


def test_doubts_do_not_make_us_ask_more_than_once_per_second(found):
    """Whoever sows them."""
    sw = found
    start = time.monotonic()
    with Watch(sw) as watch:
        def asked_twice():
            for word in answer(NINE, NEW_MAC, s=0, o=0), GOOD:
                send(sw, "p0", word)
                wait_heard(sw, watch)
            return watch.frames.count(question(NINE, NINE_MAC)) >= 2

        wait_until(asked_twice, "no questions")
    assert time.monotonic() - start > 0.9
    assert next_mac(sw, vm=9) == NINE_MAC


def test_solicited_advertisement_with_another_mac_is_followed(found):
    hear(found, answer(NINE, NEW_MAC, s=1, o=1))
    wait_next_mac(found, NEW_MAC, vm=9)


@pytest.mark.parametrize("unicast", [False, True])
def test_solicitation_of_a_next_hop_tells_its_mac_too(found, unicast):
    """RFC 4861 section 7.2.3: the neighbor asks for us with a new MAC."""
    sw = found
    with Watch(sw) as watch:
        send(sw, "p0", solicit(NEW_MAC, NINE, OWN_VTEP6,
                               *([OWN_VTEP6, LOCAL_MAC] if unicast else [])))
        watch.wait(question(NINE, NEW_MAC))
    wait_next_mac(sw, NEW_MAC, vm=9)


@pytest.mark.parametrize("frame", [
    solicit(NEW_MAC, NINE, IPV6.vtep(3)),
    solicit(NEW_MAC, NINE, OWN_VTEP6, slla=False),
    solicit(NEW_MAC, NINE, OWN_VTEP6, hlim=64),
    solicit(NEW_MAC, "::", OWN_VTEP6, slla=False),
], ids=["for another", "without its MAC", "hop limit", "dad"])
def test_solicitation_that_tells_nothing_changes_nothing(found, frame):
    sw = found
    hear(sw, frame)
    hear(sw, answer(PEER, NEW_MAC))
    wait_next_mac(sw, NEW_MAC)
    assert next_mac(sw, vm=9) == NINE_MAC


def test_change_of_a_configured_next_hops_mac_is_followed(sw):
    assert next_mac(sw) == PEER_MAC
    sw.add_peer(PEER, NEW_MAC)
    wait_next_mac(sw, NEW_MAC)


# Doubt.

def test_silent_next_hop_is_asked_by_unicast_and_then_given_up(found):
    """RFC 4861 section 7.3.3: after 30 s, three times, one second apart;
    meanwhile its MAC is used."""
    sw = found
    frame = udp(1, 9)
    with Watch(sw) as watch:
        sw.warp(30000)
        for n in range(1, 4):
            wait_until(lambda: watch.look().count(
                question(NINE, NINE_MAC)) >= n, f"no question {n}")
            assert next_mac(sw, 9, watch) == NINE_MAC
            sw.warp(1000)
        watch.wait(question(NINE))
    assert watch.frames.count(question(NINE, NINE_MAC)) == 3
    sw.wait_vtep(NINE, state="does not answer")
    sw.expect(("vm1", frame), drops={("vm1", 5001, "vtep_unresolved"): 1})


@pytest.mark.parametrize("tlla", [True, False])
def test_answer_to_a_unicast_question_ends_the_doubt(found, tlla):
    """RFC 4861 section 4.4: without the option the MAC is as it was."""
    sw = found
    with Watch(sw) as watch:
        sw.warp(30000)
        watch.wait(question(NINE, NINE_MAC))
        send(sw, "p0", answer(NINE, NINE_MAC, tlla=tlla))
        for _ in range(6):
            sw.warp(1000)
        wait_heard(sw, watch)
    assert watch.frames.count(question(NINE, NINE_MAC)) == 1
    assert next_mac(sw, vm=9) == NINE_MAC


# Routers.

def add_router(sw, router):
    """Adds the route to 2001:db8:99::/64."""
    if router == ROUTER:
        # Open vSwitch wants LOCAL to have an address of the same prefix.
        sw.appctl("netdev-dummy/ip6addr", "br-ov", "fe80::1/64")
    sw.add_route("2001:db8:99::/64", router)


@pytest.mark.parametrize("router", [ROUTER, IPV6.vtep(0xfe)])
def test_ipv6_vtep_behind_a_router(sw, router):
    """The router's address is a link-local one, or not."""
    add_router(sw, router)
    with Watch(sw) as watch:
        sw.add_mac(5001, mac(9), "2001:db8:99::9")
        watch.wait(question(router))
    hear(sw, answer(router, ROUTER_MAC, r=1))
    sw.wait_vtep("2001:db8:99::9")
    frame = udp(1, 9)
    sw.expect(("vm1", frame),
              out={"p0": [encap(5001, frame, "2001:db8:99::9",
                                dst_mac=ROUTER_MAC)]})


def test_router_advertisement_tells_the_routers_mac(sw):
    """RFC 4861 section 6.3.4."""
    add_router(sw, ROUTER)
    with Watch(sw) as watch:
        sw.add_mac(5001, mac(9), "2001:db8:99::9")
        watch.wait(question(ROUTER))
        send(sw, "p0", bytes(FROM_UPLINK["ra"]))
        watch.wait(question(ROUTER, ROUTER_MAC))
    sw.wait_vtep("2001:db8:99::9")
    assert next_mac(sw, vm=9) == ROUTER_MAC


# Announcing.

def announcement(own_mac=LOCAL_MAC, ip=OWN_VTEP6):
    return advertise(own_mac, ip, ALL_NODES_MAC, ALL_NODES, s=0, o=1)


def test_new_mac_of_ours_is_announced(sw):
    """RFC 4861 section 7.2.6."""
    with Watch(sw) as watch:
        sw.set_rows("set", "Bridge", "br-ov",
                    f'other_config:hwaddr="{NEW_MAC}"')
        watch.wait(announcement(NEW_MAC))
    assert watch.frames.count(announcement(NEW_MAC)) == 1


def test_address_that_becomes_ours_is_announced(sw):
    other = IPV6.vtep(0x77)
    with Watch(sw) as watch:
        sw.set_rows("set", "Bridge", "br-ov", f'overlay_vtep_ips="{other}"')
        watch.wait(announcement(ip=other))
        sw.set_rows("set", "Bridge", "br-ov",
                    f'overlay_vtep_ips="{OWN_VTEP6}"',
                    "other_config:vxlan-ttl=65")
        watch.wait(announcement())
        sw.set_rows("remove", "Bridge", "br-ov", "other_config", "vxlan-ttl")
        sw.set_rows("set", "Bridge", "br-ov", "overlay_uplinks=[]")
        sw.set_rows("set", "Bridge", "br-ov", "overlay_uplinks=p0")
        wait_until(lambda: watch.look().count(announcement()) == 2,
                   "a new uplink is not told")
    assert watch.frames.count(announcement(ip=other)) == 1
