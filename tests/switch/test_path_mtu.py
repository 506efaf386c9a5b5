# SPDX-License-Identifier: Apache-2.0

"""What routers of the underlay say about packets that were too big for them
(RFC 1191, RFC 8201; CONFORMANCE PM-05).

    vm1 ─ VNI 5001 ─ br-ov ─ p0 ══ router (1400) ══ 192.0.2.2: vm3
                       │
                     LOCAL gets it, too
"""

import json

import pytest
from scapy.layers.inet import ICMP
from scapy.layers.inet6 import ICMPv6PacketTooBig

from ovl.frames import (GATEWAY_MAC, IP, IPV6, LOCAL_MAC, UDP, Ether, IPv6,
                        Raw, encap, ip, mac)
from ovl.process import wait_until

ROUTER_MAC = "02:00:00:00:01:fe"
ROUTER = {False: "198.51.100.254", True: "2001:db8:51::fe"}
TEN_MINUTES = 600_000


@pytest.fixture
def sw(either):
    return either


def events(sw):
    return {name: n for name, n in sw.counters()["events"].items()
            if name.startswith("path_mtu")}


def mtu_of(sw, n=2):
    return {v["vtep"]: v["mtu"] for v in json.loads(
        sw.appctl("overlay/vteps", "--json"))}[sw.underlay.vtep(n)]


def wait_mtu(sw, mtu, n=2):
    wait_until(lambda: mtu_of(sw, n) == mtu,
               f"the MTU stays {mtu_of(sw, n)}, not {mtu}")


def inner(size, df=True):
    """IP packet of 'size' bytes from VM 1 to VM 3."""
    return bytes(Ether(src=mac(1), dst=mac(3))
                 / IP(src=ip(1), dst=ip(3), flags="DF" if df else 0)
                 / UDP(sport=1000, dport=2000) / Raw(b"x" * (size - 28)))


def sent(sw, size=1450, n=2, **kwargs):
    """What we send to VTEP 'n' for that."""
    kwargs.setdefault("sport", 50000)
    return sw.encap(inner(size), n=n, **kwargs)


def message(sw, about, mtu, quote=None, dst=None, kind=None, code=None):
    """A router says that 'about' is larger than 'mtu'; it quotes 'quote'
    bytes of it."""
    v6 = sw.underlay == IPV6
    quoted = Raw(bytes(about)[14:][:quote or (1232 if v6 else 548)])
    own = dst or sw.underlay.own
    ether = Ether(src=ROUTER_MAC, dst=LOCAL_MAC)
    if v6:
        icmp = ICMPv6PacketTooBig(mtu=mtu, code=code or 0)
        packet = ether / IPv6(src=ROUTER[True], dst=own)
    else:
        icmp = ICMP(type=3, code=4 if code is None else code, nexthopmtu=mtu)
        packet = ether / IP(src=ROUTER[False], dst=own)
    if kind is not None:
        icmp.type = kind
    return bytes(packet / icmp / quoted)


def hear(sw, frame, **expected):
    """Sends 'frame', which the host gets as it is; counts as 'expected'."""
    before = events(sw)
    sw.expect(("p0", frame), out={"br-ov": [frame]})
    after = events(sw)
    assert {name: after[name] - before[name] for name in after} == {
        "path_mtu_heard": 0, "path_mtu_forged": 0, **expected}


HEARD = {"path_mtu_heard": 1}
FORGED = {"path_mtu_forged": 1}
NEITHER = {}


def change(frame, offset, value):
    return frame[:offset] + value + frame[offset + len(value):]


# Believed.

@pytest.mark.parametrize("mtu", [1400, 1499, 1280])
def test_smaller_path_mtu_is_what_senders_learn(sw, mtu):
    overhead = sw.underlay.overhead
    assert mtu_of(sw) == 1500 - overhead
    hear(sw, message(sw, sent(sw, 1500 - overhead), mtu), **HEARD)
    wait_mtu(sw, mtu - overhead)
    assert mtu_of(sw, 3) == 1500 - overhead
    fits = inner(mtu - overhead)
    sw.expect(("vm1", fits), out={"p0": [sw.encap(fits)]})
    big = inner(mtu - overhead + 1)
    error = bytes(Ether(src=mac(3), dst=mac(1))
                  / IP(src=ip(3), dst=ip(1), ttl=64, tos=0xc0, id=0,
                       flags="DF")
                  / ICMP(type=3, code=4, nexthopmtu=mtu - overhead)
                  / Raw(big[14:][:576 - 28]))
    sw.expect(("vm1", big), out={"vm1": [error]},
              drops={("vm1", 5001, "too_big"): 1})
    # Bridged without DF: there is no way to tell, nor to cut it.
    sw.expect(("vm1", inner(mtu - overhead + 1, df=False)),
              drops={("vm1", 5001, "too_big"): 1})


def test_routed_packets_obey_it(sw):
    overhead = sw.underlay.overhead
    with sw.transaction():
        sw.add_network(5005, vrf="red", gateway_ips=["10.5.0.1/24"])
        sw.add_mac(5005, mac(0x99), sw.underlay.vtep(2), ips=["10.5.0.99"])
    hear(sw, message(sw, sent(sw), 1400), **HEARD)
    wait_mtu(sw, 1400 - overhead)
    frame = (Ether(src=mac(1), dst=GATEWAY_MAC)
             / IP(src=ip(1), dst="10.5.0.99", flags="DF") / UDP()
             / Raw(b"x" * 1400))
    sw.expect(("vm1", frame), out={"vm1": [bytes(
        Ether(src=GATEWAY_MAC, dst=mac(1))
        / IP(src="10.1.0.1", dst=ip(1), ttl=64, tos=0xc0, id=0, flags="DF")
        / ICMP(type=3, code=4, nexthopmtu=1400 - overhead)
        / Raw(bytes(frame)[14:][:548]))]},
        drops={("vm1", 5001, "too_big"): 1})


def test_it_is_forgotten_after_ten_minutes(sw):
    overhead = sw.underlay.overhead
    hear(sw, message(sw, sent(sw), 1400), **HEARD)
    wait_mtu(sw, 1400 - overhead)
    sw.warp(TEN_MINUTES - 30_000)
    sw.wait_vtep(sw.underlay.vtep(2))
    assert mtu_of(sw) == 1400 - overhead
    sw.warp(31_000)
    wait_mtu(sw, 1500 - overhead)


def test_the_smallest_of_several_routers_counts(sw):
    overhead = sw.underlay.overhead
    hear(sw, message(sw, sent(sw), 1400), **HEARD)
    wait_mtu(sw, 1400 - overhead)
    hear(sw, message(sw, sent(sw), 1450), **NEITHER)
    hear(sw, message(sw, sent(sw), 1400), **NEITHER)
    hear(sw, message(sw, sent(sw), 1300), **HEARD)
    wait_mtu(sw, 1300 - overhead)


def test_as_little_may_be_quoted_as_the_udp_header(sw):
    """RFC 792: 8 bytes behind the IP header."""
    header = 40 if sw.underlay == IPV6 else 20
    hear(sw, message(sw, sent(sw), 1400, quote=header + 8), **HEARD)
    wait_mtu(sw, 1400 - sw.underlay.overhead)


def test_the_floor(sw):
    """IPv4: 576, whatever is said.  RFC 8201 section 4: less than 1280 is not
    believed."""
    if sw.underlay == IPV6:
        hear(sw, message(sw, sent(sw), 1279), **FORGED)
        assert mtu_of(sw) == 1430
    else:
        hear(sw, message(sw, sent(sw), 68), **HEARD)
        wait_mtu(sw, 576 - 50)


def test_uplink_with_a_smaller_mtu_wins(sw):
    hear(sw, message(sw, sent(sw), 1400), **HEARD)
    sw.set_rows("set", "Interface", "p0", "mtu_request=1350")
    wait_mtu(sw, 1350 - sw.underlay.overhead)
    sw.set_rows("set", "Interface", "p0", "mtu_request=1500")
    wait_mtu(sw, 1400 - sw.underlay.overhead)


# Not believed.

def test_the_hosts_own_business(sw):
    """About its TCP, other UDP, or something else: nothing is counted."""
    overhead = sw.underlay.overhead
    about = sent(sw)
    other_port = sw.encap(inner(1400), dport=4790, sport=50000)
    protocol = 20 if sw.underlay == IPV6 else 23
    l4 = 54 if sw.underlay == IPV6 else 34
    for frame in (message(sw, other_port, 1400),
                  message(sw, change(about, protocol, b"\6"), 1400),
                  message(sw, about[:l4 + 7], 1400),
                  message(sw, about, 1400, code=1, kind=3),
                  message(sw, about, 1400, kind=11)):
        hear(sw, frame, **NEITHER)
    assert mtu_of(sw) == 1500 - overhead


def test_broken_messages_are_nobodys(sw):
    good = message(sw, sent(sw), 1400)
    v6 = sw.underlay == IPV6
    l4 = 54 if v6 else 34
    wrong_csum = change(good, l4 + 2, bytes([good[l4 + 2] ^ 1]))
    wrong_data = change(good, len(good) - 1, b"\0")
    for frame in (wrong_csum, wrong_data, good[:-1]):
        hear(sw, frame, **NEITHER)
    if not v6:
        hear(sw, change(good, 24, bytes([good[24] ^ 1])), **NEITHER)
    assert mtu_of(sw) == 1500 - sw.underlay.overhead


def test_forged_ones_are_ignored_and_counted(sw):
    """What is quoted cannot have been ours."""
    u = sw.underlay
    about = sent(sw)
    source = encap(5001, inner(1400), u.vtep(2), src=u.vtep(77),
                   sport=50000)
    for name, frame in {
            "another source": message(sw, source, 1400),
            "no VTEP of ours": message(sw, encap(
                5001, inner(1400), u.vtep(77), sport=50000), 1400),
            "a port we do not use": message(sw, sent(sw, sport=49151), 1400),
            "an unknown VNI": message(sw, sent(sw, vni=5999), 1400),
            "flags we do not send": message(sw, sent(sw, flags=0), 1400),
            "it would have fit": message(sw, sent(sw, 600), 1400),
            "no MTU": message(sw, about, 0)}.items():
        before = events(sw)["path_mtu_forged"]
        sw.expect(("p0", frame), out={"br-ov": [frame]})
        assert events(sw)["path_mtu_forged"] == before + 1, name
    other = message(sw, about, 1400, dst=u.vtep(78))
    hear(sw, other, **FORGED)
    assert mtu_of(sw) == 1500 - u.overhead
    sw.allow_log("messages on the uplink about packets too big")


def test_vms_say_nothing_about_the_underlay(sw):
    """To a VM it is payload; the frame is dropped as any to a MAC that is
    nobody's."""
    frame = message(sw, sent(sw), 1400)
    sw.set_rows("set", "Port", "vm1", "overlay_addresses=[]")
    before = events(sw)
    sw.expect(("vm1", frame), drops={("vm1", 5001, "unknown_unicast"): 1})
    sw.expect(("p0", sw.decap_in(frame)),
              drops={("p0", 5001, "unknown_unicast"): 1})
    assert events(sw) == before
    assert mtu_of(sw) == 1500 - sw.underlay.overhead


def test_many_messages_change_nothing_else(sw):
    """Each a byte less; frames go on, and next hops are still heard."""
    overhead = sw.underlay.overhead
    about = sent(sw, 1500 - overhead)
    frame = inner(1000)
    for first in 1499, 1449:
        messages = [message(sw, about, mtu) for mtu in range(first,
                                                             first - 50, -1)]
        sw.expect(("p0", *messages), out={"br-ov": messages})
        sw.expect(("vm1", frame), out={"p0": [sw.encap(frame)]})

    def heard():
        """The router says so about each packet that does not fit."""
        sw.inject("p0", message(sw, about, 1300))
        return mtu_of(sw) == 1300 - overhead

    wait_until(heard, "nothing more is heard")
    sw.wait_rest()
    sw.collect()
