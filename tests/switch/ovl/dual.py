# SPDX-License-Identifier: Apache-2.0

"""The standard switch with an underlay of both families, for rules that are
the same in each.

    vm1, vm2 ── VNI 5001 ── br-ov ── p0 ══ underlay ╦═ 192.0.2.2:       vm3
                                                    ╚═ 2001:db8:ff::2: vm6
"""

from .frames import (IP, IPV4, IPV6, OWN_VTEP6, UDP, Ether, IPv6, Raw,
                     decap_in, encap, ip, ip6, mac)

VTEP = {4: IPV4.vtep(2), 6: IPV6.vtep(2)}
REMOTE = {4: 3, 6: 6}                   # VM behind the VTEP of a family.
FAMILIES = [(inner, outer) for inner in (4, 6) for outer in (4, 6)]


def add_ipv6_underlay(sw):
    """Gives the standard switch a VTEP address, a route, a next hop and a VM
    of IPv6.  VMs may use any IP."""
    sw.appctl("netdev-dummy/ip6addr", "br-ov",
              f"{OWN_VTEP6}/{IPV6.prefix_len}")
    sw.add_route(IPV6.prefix)
    sw.add_peer(VTEP[6])
    with sw.transaction():
        sw.set_rows("set", "Bridge", "br-ov",
                    f'overlay_vtep_ips=["{IPV4.own}","{IPV6.own}"]')
        for n in 1, 2:
            sw.set_rows("set", "Port", f"vm{n}",
                        f'overlay_addresses="{mac(n)}"')
        sw.add_mac(5001, mac(6), VTEP[6], ip(6))
    sw.wait_vtep(*VTEP.values())
    sw.collect()


def packet(family, src, dst, tos=0, payload=b"data", **fields):
    """UDP from VM 'src' to VM 'dst'."""
    ether = Ether(src=mac(src), dst=mac(dst))
    if family == 4:
        l3 = IP(src=ip(src), dst=ip(dst), tos=tos, **fields)
    else:
        l3 = IPv6(src=ip6(src), dst=ip6(dst), tc=tos, **fields)
    return bytes(ether / l3 / UDP(sport=1000, dport=2000) / Raw(payload))


def received(family, inner, **fields):
    """'inner' as the VTEP of a family sends it to us."""
    return decap_in(5001, inner, VTEP[family], **fields)


def expect_sent(sw, cases, tos):
    """VM 1 sends 'cases', [(outer family, frame)], to VMs behind VTEPs: each
    arrives at the underlay whole, in an outer header with 'tos[i]'."""
    sw.expect(("vm1", *[frame for _, frame in cases]),
              out={"p0": [encap(5001, frame, VTEP[family], tos=t)
                          for (family, frame), t in zip(cases, tos)]})
