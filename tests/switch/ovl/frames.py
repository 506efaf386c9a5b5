# SPDX-License-Identifier: Apache-2.0

"""Frames: how tests make them, and how the harness shows a difference.

A frame is bytes.  Whatever a test passes in may also be a scapy packet.
"""

import difflib
import logging
import socket
import struct

logging.getLogger("scapy").setLevel(logging.ERROR)

from scapy.layers.inet import ICMP, IP, TCP, UDP             # noqa: E402
from scapy.layers.inet6 import (ICMPv6ND_NA, ICMPv6ND_NS,    # noqa: E402
                                ICMPv6NDOptDstLLAddr,
                                ICMPv6NDOptSrcLLAddr, IPv6)
from scapy.layers.l2 import ARP, Dot1Q, Ether                # noqa: E402
from scapy.layers.vxlan import VXLAN                         # noqa: E402
from scapy.packet import Raw                                 # noqa: E402

__all__ = ["ARP", "BROADCAST", "Dot1Q", "Ether", "GATEWAY_MAC", "ICMP", "IP",
           "IPV4", "IPV6", "IPv6", "LOCAL_MAC", "OWN_VTEP", "OWN_VTEP6",
           "Raw", "TCP", "UDP", "UNDERLAYS", "VXLAN", "ZERO_MAC",
           "advertise", "arp_reply", "arp_request", "decap_in", "describe",
           "difference", "encap", "ip", "ip6", "is_ipv6", "mac", "normalize",
           "link_local", "link_local_bytes", "peer_mac", "solicit",
           "sport_of", "udp", "udp6"]

BROADCAST = "ff:ff:ff:ff:ff:ff"
ZERO_MAC = "00:00:00:00:00:00"
GATEWAY_MAC = "02:00:5e:00:01:01"       # Default of overlay_gateway_mac.
LOCAL_MAC = "02:00:00:00:00:01"         # Of the bridge's LOCAL port.
OWN_VTEP = "192.0.2.1"
OWN_VTEP6 = "2001:db8:ff::1"
VXLAN_PORT = 4789
SPORT_MIN, SPORT_MAX = 49152, 65535


class Underlay:
    """An underlay of one family: host 'n' has the address vtep(n), we are
    host 1."""

    def __init__(self, name, host, prefix_len, overhead):
        self.name = name
        self.host = host
        self.prefix_len = prefix_len
        self.prefix = f"{host % 0}/{prefix_len}"
        self.overhead = overhead        # Outer headers but Ethernet's.
        self.own = self.vtep(1)

    def vtep(self, n):
        return self.host % n

    def __str__(self):
        return self.name


def mac(n):
    """MAC of VM 'n'."""
    return f"52:54:00:00:00:{n:02x}"


def ip(n):
    """Address of VM 'n' in network 5001."""
    return f"10.1.0.{10 + n}"


def is_ipv6(address):
    return ":" in address


def peer_mac(vtep):
    """MAC that the underlay next hop 'vtep' has in these tests."""
    if is_ipv6(vtep):
        return "02:00:00:00:06:%02x" % int(vtep.split(":")[-1], 16)
    return "02:00:00:00:01:%02x" % int(vtep.split(".")[-1])


IPV4 = Underlay("ipv4", "192.0.2.%d", 24, 20 + 8 + 8 + 14)
IPV6 = Underlay("ipv6", "2001:db8:ff::%x", 64, 40 + 8 + 8 + 14)
UNDERLAYS = [IPV4, IPV6]


def udp(src, dst, payload=b"data", src_mac=None, dst_mac=None, sport=1000,
        dport=2000, **ip_fields):
    """A UDP packet from VM 'src' to VM 'dst'."""
    return bytes(Ether(src=src_mac or mac(src), dst=dst_mac or mac(dst))
                 / IP(src=ip(src), dst=ip(dst), **ip_fields)
                 / UDP(sport=sport, dport=dport) / Raw(payload))


def ip6(n):
    """IPv6 address of VM 'n'."""
    return f"fd00::{10 + n}"


def udp6(src, dst, payload=b"data", **ip_fields):
    """The same over IPv6."""
    return bytes(Ether(src=mac(src), dst=mac(dst))
                 / IPv6(src=ip6(src), dst=ip6(dst), **ip_fields)
                 / UDP(sport=1000, dport=2000) / Raw(payload))


def arp_request(src, target_ip, dst=BROADCAST, src_mac=None, src_ip=None,
                **arp_fields):
    src_mac = src_mac or mac(src)
    fields = dict(op=1, hwsrc=src_mac, psrc=src_ip or ip(src),
                  hwdst=ZERO_MAC, pdst=target_ip)
    fields.update(arp_fields)
    return bytes(Ether(src=src_mac, dst=dst) / ARP(**fields))


def arp_reply(src_mac, src_ip, dst_mac, dst_ip, **ether_fields):
    fields = dict(src=src_mac, dst=dst_mac)
    fields.update(ether_fields)
    return bytes(Ether(**fields)
                 / ARP(op=2, hwsrc=src_mac, psrc=src_ip, hwdst=dst_mac,
                       pdst=dst_ip))


def solicited_node(address):
    """The group of 'address' and its MAC, RFC 4291 section 2.7.1."""
    tail = socket.inet_pton(socket.AF_INET6, address)[-3:]
    return (socket.inet_ntop(socket.AF_INET6, bytes.fromhex(
        "ff0200000000000000000001ff") + tail),
        "33:33:ff:" + tail.hex(":"))


def solicit(src_mac, src, target, dst=None, dst_mac=None, hlim=255,
            slla=True, options=b""):
    """A Neighbor Solicitation, multicast unless 'dst' says otherwise; 'slla'
    may be another MAC or False, 'options' are bytes behind it."""
    group, group_mac = solicited_node(target)
    packet = (Ether(src=src_mac, dst=dst_mac or group_mac)
              / IPv6(src=src, dst=dst or group, hlim=hlim)
              / ICMPv6ND_NS(tgt=target))
    if slla:
        packet /= ICMPv6NDOptSrcLLAddr(
            lladdr=src_mac if slla is True else slla)
    return bytes(packet / Raw(options) if options else packet)


def link_local_bytes(mac_bytes):
    """The link-local address of a MAC: RFC 4291 appendix A."""
    return (b"\xfe\x80" + bytes(6) + bytes([mac_bytes[0] ^ 2])
            + mac_bytes[1:3] + b"\xff\xfe" + mac_bytes[3:])


def link_local(mac_text):
    return socket.inet_ntop(socket.AF_INET6, link_local_bytes(
        bytes.fromhex(mac_text.replace(":", ""))))


def advertise(src_mac, target, dst_mac, dst, tlla=True, hlim=255, src=None,
              s=1, o=1, r=0):
    """A Neighbor Advertisement by 'target' itself; 'tlla' may be another MAC
    or False."""
    packet = (Ether(src=src_mac, dst=dst_mac)
              / IPv6(src=src or target, dst=dst, hlim=hlim)
              / ICMPv6ND_NA(tgt=target, R=r, S=s, O=o))
    if tlla:
        packet /= ICMPv6NDOptDstLLAddr(
            lladdr=src_mac if tlla is True else tlla)
    return bytes(packet)


def outer_ip(src, dst, tos=0, ttl=64):
    """The outer IP header as we write it: no options, DF, no flow label."""
    if is_ipv6(dst):
        return IPv6(src=src, dst=dst, tc=tos, fl=0, hlim=ttl)
    return IP(src=src, dst=dst, tos=tos, ttl=ttl, flags="DF", id=0)


def encap(vni, inner, dst="192.0.2.2", src=None, src_mac=LOCAL_MAC,
          dst_mac=None, sport=SPORT_MIN, tos=0, ttl=64, dport=VXLAN_PORT,
          flags=8, chksum=None):
    """What 'inner' looks like on the underlay when we send it.  The UDP
    source port does not matter: see normalize().  Over IPv6 the UDP checksum
    is right unless 'chksum' says otherwise, over IPv4 it is zero."""
    if chksum is None and not is_ipv6(dst):
        chksum = 0
    src = src or (OWN_VTEP6 if is_ipv6(dst) else OWN_VTEP)
    return bytes(Ether(src=src_mac, dst=dst_mac or peer_mac(dst))
                 / outer_ip(src, dst, tos, ttl)
                 / UDP(sport=sport, dport=dport, chksum=chksum)
                 / VXLAN(flags=flags, vni=vni) / Raw(bytes(inner)))


def decap_in(vni, inner, src="192.0.2.2", dst=None, **kwargs):
    """'inner' as a remote VTEP sends it to us."""
    kwargs.setdefault("src_mac", peer_mac(src))
    kwargs.setdefault("dst_mac", LOCAL_MAC)
    kwargs.setdefault("sport", 50000)
    dst = dst or (OWN_VTEP6 if is_ipv6(src) else OWN_VTEP)
    return encap(vni, inner, dst=dst, src=src, **kwargs)


def _udp_offset(frame, port):
    """Where the UDP header of a VXLAN frame is; None if it is none."""
    offset = None
    if frame[12:14] == b"\x08\x00" and frame[14:15] == b"\x45":
        offset = 34 if frame[23] == 17 else None
    elif frame[12:14] == b"\x86\xdd" and len(frame) > 20:
        offset = 54 if frame[20] == 17 else None
    if offset is None or len(frame) < offset + 16:
        return None
    dport, = struct.unpack_from("!H", frame, offset + 2)
    return offset if dport == port else None


def sport_of(frame, dport=VXLAN_PORT):
    """UDP source port of a VXLAN frame."""
    return struct.unpack_from("!H", frame, _udp_offset(frame, dport))[0]


def checksum(data):
    """RFC 1071."""
    data += bytes(len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def normalize(frame, dport=VXLAN_PORT):
    """'frame' with a fixed UDP source port if it is VXLAN: any port in the
    range is right, others are left as they are to be seen.  A UDP checksum
    that was right over IPv6 still is, one that was not is left as it is."""
    offset = _udp_offset(frame, dport)
    if offset is None or not SPORT_MIN <= sport_of(frame, dport) <= SPORT_MAX:
        return frame
    head, udp_csum = frame[:offset], frame[offset + 6:offset + 8]
    datagram = struct.pack("!H", SPORT_MIN) + frame[offset + 2:]
    if offset == 54 and udp_csum != b"\0\0":
        def csum(data):
            pseudo = head[22:54] + struct.pack("!IxxxB", len(data), 17)
            return checksum(pseudo + data[:6] + b"\0\0" + data[8:]) or 0xffff

        if udp_csum != struct.pack("!H", csum(frame[offset:])):
            return frame
        datagram = (datagram[:6] + struct.pack("!H", csum(datagram))
                    + datagram[8:])
    return head + datagram


def describe(frame):
    """All fields of 'frame', one a line, and its bytes, as far as people
    read them."""
    lines = [line[:100] for line in Ether(frame).show(dump=True).splitlines()]
    lines.append(f"{len(frame)} bytes")
    for i in range(0, min(len(frame), 160), 16):
        lines.append(f"{i:04x}  {frame[i:i + 16].hex(' ')}")
    return lines


def difference(expected, got):
    return "\n".join(difflib.unified_diff(describe(expected), describe(got),
                                          "expected", "got", lineterm="",
                                          n=1))
