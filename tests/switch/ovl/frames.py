# SPDX-License-Identifier: Apache-2.0

"""Frames: how tests make them, and how the harness shows a difference.

A frame is bytes.  Whatever a test passes in may also be a scapy packet.
"""

import difflib
import logging
import struct

logging.getLogger("scapy").setLevel(logging.ERROR)

from scapy.layers.inet import ICMP, IP, TCP, UDP             # noqa: E402
from scapy.layers.inet6 import IPv6                          # noqa: E402
from scapy.layers.l2 import ARP, Dot1Q, Ether                # noqa: E402
from scapy.layers.vxlan import VXLAN                         # noqa: E402
from scapy.packet import Raw                                 # noqa: E402

__all__ = ["ARP", "BROADCAST", "Dot1Q", "Ether", "GATEWAY_MAC", "ICMP", "IP",
           "IPv6", "LOCAL_MAC", "OWN_VTEP", "Raw", "TCP", "UDP", "VXLAN",
           "ZERO_MAC", "arp_reply", "arp_request", "decap_in", "describe", "difference",
           "encap", "ip", "mac", "normalize", "peer_mac", "sport_of", "udp"]

BROADCAST = "ff:ff:ff:ff:ff:ff"
ZERO_MAC = "00:00:00:00:00:00"
GATEWAY_MAC = "02:00:5e:00:01:01"       # Default of overlay_gateway_mac.
LOCAL_MAC = "02:00:00:00:00:01"         # Of the bridge's LOCAL port.
OWN_VTEP = "192.0.2.1"
VXLAN_PORT = 4789
SPORT_MIN, SPORT_MAX = 49152, 65535


def mac(n):
    """MAC of VM 'n'."""
    return f"52:54:00:00:00:{n:02x}"


def ip(n):
    """Address of VM 'n' in network 5001."""
    return f"10.1.0.{10 + n}"


def peer_mac(vtep):
    """MAC that the underlay next hop 'vtep' has in these tests."""
    return "02:00:00:00:01:%02x" % int(vtep.split(".")[-1])


def udp(src, dst, payload=b"data", src_mac=None, dst_mac=None, sport=1000,
        dport=2000, **ip_fields):
    """A UDP packet from VM 'src' to VM 'dst'."""
    return bytes(Ether(src=src_mac or mac(src), dst=dst_mac or mac(dst))
                 / IP(src=ip(src), dst=ip(dst), **ip_fields)
                 / UDP(sport=sport, dport=dport) / Raw(payload))


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


def encap(vni, inner, dst="192.0.2.2", src=OWN_VTEP, src_mac=LOCAL_MAC,
          dst_mac=None, sport=SPORT_MIN, tos=0, ttl=64, dport=VXLAN_PORT,
          flags=8):
    """What 'inner' looks like on the underlay when we send it.  The UDP
    source port does not matter: see normalize()."""
    return bytes(Ether(src=src_mac, dst=dst_mac or peer_mac(dst))
                 / IP(src=src, dst=dst, tos=tos, ttl=ttl, flags="DF", id=0)
                 / UDP(sport=sport, dport=dport, chksum=0)
                 / VXLAN(flags=flags, vni=vni) / bytes(inner))


def decap_in(vni, inner, src="192.0.2.2", dst=OWN_VTEP, **kwargs):
    """'inner' as a remote VTEP sends it to us."""
    kwargs.setdefault("src_mac", peer_mac(src))
    kwargs.setdefault("dst_mac", LOCAL_MAC)
    kwargs.setdefault("sport", 50000)
    return encap(vni, inner, dst=dst, src=src, **kwargs)


def _is_vxlan(frame):
    return (len(frame) >= 50 and frame[12:14] == b"\x08\x00"
            and frame[14] == 0x45 and frame[23] == 17
            and struct.unpack_from("!H", frame, 36)[0] == VXLAN_PORT)


def sport_of(frame):
    """UDP source port of a VXLAN frame."""
    return struct.unpack_from("!H", frame, 34)[0]


def normalize(frame):
    """'frame' with a fixed UDP source port if it is VXLAN: any port in the
    range is right, others are left as they are to be seen."""
    if _is_vxlan(frame) and SPORT_MIN <= sport_of(frame) <= SPORT_MAX:
        return frame[:34] + struct.pack("!H", SPORT_MIN) + frame[36:]
    return frame


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
