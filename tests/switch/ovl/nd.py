# SPDX-License-Identifier: Apache-2.0

"""Neighbor Discovery messages, right and wrong."""

import struct

from scapy.layers.inet6 import (ICMPv6ND_RA, ICMPv6ND_Redirect, ICMPv6ND_RS,
                                ICMPv6NDOptSrcLLAddr, IPv6, in6_chksum)

from .frames import Ether, advertise, ip6, mac, solicit

ALL_NODES = "ff02::1"
ALL_NODES_MAC = "33:33:00:00:00:01"
L3, L4 = 14, 54                 # Offsets without tags or extension headers.
CSUM = L4 + 2


def icmp6(src_mac, dst_mac, src, dst, message, hlim=255):
    return bytes(Ether(src=src_mac, dst=dst_mac)
                 / IPv6(src=src, dst=dst, hlim=hlim) / message)


def ns(n, target, src=None, **fields):
    """VM 'n' asks who has 'target', as hosts do at first; from '::' it is
    duplicate address detection."""
    fields.setdefault("slla", src != "::")
    return solicit(mac(n), src or ip6(n), target, **fields)


def na(n, target=None, to=None, **fields):
    """VM 'n' says that it has 'target', its own address by default, to VM
    'to' or to everybody."""
    if to is None:
        fields.setdefault("s", 0)
    return advertise(mac(n), target or ip6(n),
                     ALL_NODES_MAC if to is None else mac(to),
                     ALL_NODES if to is None else ip6(to), **fields)


def rs(src_n, src, slla=None, hlim=255):
    message = ICMPv6ND_RS()
    if slla:
        message /= ICMPv6NDOptSrcLLAddr(lladdr=slla)
    return icmp6(mac(src_n), "33:33:00:00:00:02", src, "ff02::2", message,
                 hlim)


def ra(src_mac, src, hlim=255):
    return icmp6(src_mac, ALL_NODES_MAC, src, ALL_NODES,
                 ICMPv6ND_RA() / ICMPv6NDOptSrcLLAddr(lladdr=src_mac), hlim)


def redirect(src_mac, src, dst_mac, dst, target, about):
    return icmp6(src_mac, dst_mac, src, dst,
                 ICMPv6ND_Redirect(tgt=target, dst=about))


def fix_csum(frame):
    """'frame' with a right ICMPv6 checksum; it has no extension headers."""
    frame = bytearray(frame)
    frame[CSUM:CSUM + 2] = b"\0\0"
    packet = IPv6(bytes(frame[L3:]))
    length, = struct.unpack_from("!H", frame, L3 + 4)
    struct.pack_into("!H", frame, CSUM,
                     in6_chksum(58, packet, bytes(frame[L4:L4 + length])))
    return bytes(frame)


def change(frame, offset, value, fix=True):
    """'frame' with the byte, or bytes, at 'offset' changed, and the checksum
    right again if 'fix'."""
    if isinstance(value, int):
        value = bytes([value])
    frame = frame[:offset] + value + frame[offset + len(value):]
    return fix_csum(frame) if fix else frame


def cut(frame, icmp_length):
    """'frame' with an ICMPv6 message of that many bytes, and all lengths and
    the checksum right for it."""
    frame = frame[:L3 + 4] + struct.pack("!H", icmp_length) + frame[L3 + 6:]
    frame = frame[:L4 + icmp_length]
    return fix_csum(frame) if icmp_length >= 4 else frame


def insert(frame, next_header, header):
    """'frame' with extension header 'header', of type 'next_header', in
    front of what follows the IPv6 header.  The first byte of 'header' is
    filled in."""
    header = frame[L3 + 6:L3 + 7] + header[1:]
    length, = struct.unpack_from("!H", frame, L3 + 4)
    return (frame[:L3 + 4] + struct.pack("!HB", length + len(header),
                                         next_header)
            + frame[L3 + 7:L4] + header + frame[L4:])
