# SPDX-License-Identifier: Apache-2.0

"""Routing: the networks of VRF red, and frames as a router sends them.

    vm1 ── VNI 5001 (10.1.0.1/24, fd00::1/64) ─┐
    vm5 ── VNI 5005 (10.5.0.1/24, fd05::1/64) ─┤ red ── 10.99.0.0/16 by
           behind 192.0.2.2: 10.5.0.99 ────────┘        10.5.0.99
"""

import struct

from scapy.layers.inet import ICMP

from .frames import (GATEWAY_MAC, IP, UDP, Ether, IPv6, Raw, checksum, ip,
                     mac)

VM5, REMOTE = mac(5), mac(0x99)


def build_red(sw):
    """To the switch of conftest.py adds what is drawn above."""
    with sw.transaction():
        sw.set_network(5001, gateway_ips=["10.1.0.1/24", "fd00::1/64"])
        sw.add_network(5005, vrf="red", gateway_ips=["10.5.0.1/24",
                                                     "fd05::1/64"])
        sw.set_rows("set", "Port", "vm1",
                    f'overlay_addresses="{mac(1)} {ip(1)} fd00::11"')
    sw.add_port("vm5", 5005, [f"{VM5} 10.5.0.15 fd05::15"])
    sw.add_mac(5005, REMOTE, "192.0.2.2", ips=["10.5.0.99", "fd05::99"])
    sw.vsctl("create", "Overlay_Route", "vrf=red", 'prefix="10.99.0.0/16"',
             "nexthops=10.5.0.99")
    return sw


def packet(dst, payload=b"data", ttl=64, src=None, n=1, **fields):
    """From VM 'n' to its gateway."""
    return (Ether(src=mac(n), dst=GATEWAY_MAC)
            / IP(src=src or ip(n), dst=dst, ttl=ttl, **fields)
            / UDP(sport=1000, dport=2000) / Raw(payload))


def packet6(dst, payload=b"data", hlim=64, src="fd00::11", n=1):
    return (Ether(src=mac(n), dst=GATEWAY_MAC)
            / IPv6(src=src, dst=dst, hlim=hlim)
            / UDP(sport=1000, dport=2000) / Raw(payload))


def fix_ip(frame):
    """'frame' with a right IPv4 header checksum, if it has the header."""
    frame = bytearray(frame)
    frame[24:26] = b"\0\0"
    header = frame[14:14 + (frame[14] & 15) * 4]
    frame[24:26] = struct.pack("!H", checksum(bytes(header)))
    return bytes(frame)


def routed(frame, dst_mac, src_mac=GATEWAY_MAC):
    """'frame' as the router sends it on: without what follows the packet."""
    f = bytearray(bytes(frame))
    f[0:12] = bytes.fromhex((dst_mac + src_mac).replace(":", ""))
    if f[12:14] == b"\x08\0":
        f[22] -= 1
        return fix_ip(f[:14 + int.from_bytes(f[16:18], "big")])
    f[21] -= 1
    return bytes(f[:54 + int.from_bytes(f[18:20], "big")])


def icmp(about, source="10.1.0.1", dst=None, n=1, **fields):
    """The ICMP error about 'about' to VM 'n'."""
    data = bytes(about)[14:]
    quoted = data[:int.from_bytes(data[2:4], "big")][:576 - 28]
    return bytes(Ether(src=GATEWAY_MAC, dst=mac(n))
                 / IP(src=source, dst=dst or ip(n), ttl=64, tos=0xc0, id=0,
                      flags="DF")
                 / ICMP(**fields) / Raw(quoted))


def icmp6(about, message, source="fd00::1", dst="fd00::11", n=1):
    data = bytes(about)[14:]
    quoted = data[:40 + int.from_bytes(data[4:6], "big")][:1280 - 48]
    return bytes(Ether(src=GATEWAY_MAC, dst=mac(n))
                 / IPv6(src=source, dst=dst, hlim=64)
                 / message / Raw(quoted))
