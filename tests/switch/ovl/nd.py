# SPDX-License-Identifier: Apache-2.0

"""Neighbor Discovery messages, right and wrong."""

import socket
import struct

from scapy.layers.inet6 import (ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6ND_RA,
                                ICMPv6ND_Redirect, ICMPv6ND_RS,
                                ICMPv6NDOptDstLLAddr, ICMPv6NDOptSrcLLAddr,
                                IPv6, in6_chksum)

from .frames import Ether, Raw, mac

ALL_NODES = "ff02::1"
ALL_NODES_MAC = "33:33:00:00:00:01"
L3, L4 = 14, 54                 # Offsets without tags or extension headers.
CSUM = L4 + 2
NO_OPTION = object()


def ip6(n):
    """Address of VM 'n' in network 5001."""
    return f"2001:db8:1::{10 + n}"


def group_of(target):
    """Solicited-node multicast address of 'target', RFC 4291 2.7.1."""
    low = socket.inet_pton(socket.AF_INET6, target)[13:]
    return socket.inet_ntop(
        socket.AF_INET6, bytes.fromhex("ff0200000000000000000001ff") + low)


def group_mac(group):
    """Ethernet address of an IPv6 group, RFC 2464 section 7."""
    low = socket.inet_pton(socket.AF_INET6, group)[12:]
    return "33:33:" + ":".join(f"{byte:02x}" for byte in low)


def icmp6(src_mac, dst_mac, src, dst, message, hlim=255):
    return bytes(Ether(src=src_mac, dst=dst_mac)
                 / IPv6(src=src, dst=dst, hlim=hlim) / message)


def ns(src_n, target, src=None, dst=None, dst_mac=None, slla=None,
       options=b"", src_mac=None, hlim=255):
    """VM 'src_n' asks who has 'target'; without 'dst', as hosts do at first.
    'slla' is its own MAC if the source is specified, NO_OPTION for none;
    'options' are bytes behind it."""
    src = ip6(src_n) if src is None else src
    src_mac = src_mac or mac(src_n)
    dst = dst or group_of(target)
    if dst_mac is None:
        dst_mac = group_mac(dst)
    if slla is None:
        slla = NO_OPTION if src == "::" else src_mac
    message = ICMPv6ND_NS(tgt=target)
    if slla is not NO_OPTION:
        message /= ICMPv6NDOptSrcLLAddr(lladdr=slla)
    if options:
        message /= Raw(options)
    return icmp6(src_mac, dst_mac, src, dst, message, hlim)


def na(src_mac, target, dst_mac, dst, router=0, solicited=1, override=1,
       src=None, tlla=None, hlim=255):
    """'target' is at 'src_mac'."""
    message = ICMPv6ND_NA(tgt=target, R=router, S=solicited, O=override)
    if tlla is not NO_OPTION:
        message /= ICMPv6NDOptDstLLAddr(lladdr=tlla or src_mac)
    return icmp6(src_mac, dst_mac, target if src is None else src, dst,
                 message, hlim)


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
