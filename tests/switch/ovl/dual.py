# SPDX-License-Identifier: Apache-2.0

"""An underlay of both families, for tests of rules that are the same in
each.

    vm1, vm2 ── VNI 5001 ── br-ov ── p0 ══ underlay ══ 192.0.2.2:        vm3
                                            ╚═════ 2001:db8:ffff::2: vm6
"""

from .frames import (LOCAL_MAC, OWN_VTEP, UDP, VXLAN, Ether, IPv6, Raw,
                     encap, ip, mac)
from .frames import IP as IPv4

OWN6, PEER4, PEER6 = "2001:db8:ffff::1", "192.0.2.2", "2001:db8:ffff::2"
PEER6_MAC = "02:00:00:00:06:02"
REMOTE = {4: 3, 6: 6}                   # VM behind the VTEP of a family.
FAMILIES = [(inner, outer) for inner in (4, 6) for outer in (4, 6)]


def add_ipv6_underlay(sw):
    """Gives the standard switch a VTEP address, a route, a next hop and a VM
    of IPv6."""
    sw.appctl("netdev-dummy/ip6addr", "br-ov", f"{OWN6}/64")
    sw.add_route("2001:db8:ffff::/64")
    sw.appctl("tnl/neigh/set", "br-ov", PEER6, PEER6_MAC)
    with sw.transaction():
        sw.set_rows("set", "Bridge", "br-ov",
                    f'overlay_vtep_ips=["{OWN_VTEP}","{OWN6}"]')
        for n in 1, 2:
            sw.set_rows("set", "Port", f"vm{n}",
                        f'overlay_addresses="{mac(n)}"')
        sw.add_mac(5001, mac(6), PEER6, ip(6))
    sw.wait_vtep(PEER4, PEER6)
    sw.collect()


def ip6(n):
    return f"2001:db8:1::{10 + n}"


def packet(family, src, dst, tos=0, payload=b"data", **fields):
    """UDP from VM 'src' to VM 'dst'."""
    ether = Ether(src=mac(src), dst=mac(dst))
    if family == 4:
        l3 = IPv4(src=ip(src), dst=ip(dst), tos=tos, **fields)
    else:
        l3 = IPv6(src=ip6(src), dst=ip6(dst), tc=tos, **fields)
    return bytes(ether / l3 / UDP(sport=1000, dport=2000) / Raw(payload))


def sport_of(family, frame):
    """UDP source port of a VXLAN frame."""
    offset = {4: 34, 6: 54}[family]
    return int.from_bytes(frame[offset:offset + 2], "big")


def sent(family, inner, sport, tos=0):
    """What 'inner' looks like on the underlay when we send it to the VTEP of
    a family."""
    if family == 4:
        return encap(5001, inner, PEER4, sport=sport, tos=tos)
    return bytes(Ether(src=LOCAL_MAC, dst=PEER6_MAC)
                 / IPv6(src=OWN6, dst=PEER6, tc=tos, hlim=64)
                 / UDP(sport=sport, dport=4789) / VXLAN(flags=8, vni=5001)
                 / inner)


def received(family, inner, tos=0, **fields):
    """'inner' as the VTEP of a family sends it to us; 'fields' are of the UDP
    header."""
    if family == 4:
        l3 = IPv4(src=PEER4, dst=OWN_VTEP, tos=tos, flags="DF")
        fields.setdefault("chksum", 0)
    else:
        l3 = IPv6(src=PEER6, dst=OWN6, tc=tos)
    fields.setdefault("dport", 4789)
    return bytes(Ether(src=PEER6_MAC, dst=LOCAL_MAC) / l3
                 / UDP(sport=50000, **fields)
                 / VXLAN(flags=8, vni=5001) / inner)


def expect_sent(sw, cases, tos):
    """VM 1 sends 'cases', [(outer family, frame)], to VMs behind VTEPs: each
    arrives at the underlay whole, in an outer header with 'tos[i]'."""
    before = sw.wait_rest()
    drops = sw.drops()
    sw.collect()
    sw.inject("vm1", *[frame for _, frame in cases])
    sw.wait_rest(before["received"] + len(cases))
    got = sw.collect()
    assert sw.drops() == drops
    assert list(got) == ["p0"] and len(got["p0"]) == len(cases)
    for (family, frame), want_tos, out in zip(cases, tos, got["p0"]):
        sport = sport_of(family, out)
        assert 49152 <= sport <= 65535
        assert out == sent(family, frame, sport, want_tos)
