# SPDX-License-Identifier: Apache-2.0
"""Frames as they are on a device.

A Sniffer holds the frames that passed a device since it was made; the kernel
queues them meanwhile, so no thread is needed.  It sees each frame once, in
either direction, and raises LabError rather than give an incomplete list.
"""

import ipaddress
import socket
import struct

from .namespaces import LabError, wait_for

ETH_P_ALL = 3
ETH_IP, ETH_ARP, ETH_IPV6 = 0x0800, 0x0806, 0x86dd
SO_RCVBUFFORCE = 33
SOL_PACKET, PACKET_STATISTICS = 263, 6
VXLAN_PORT = 4789
BROADCAST = "ff:ff:ff:ff:ff:ff"


class Frame:
    """An Ethernet frame.  What it does not have is None: 'arp' is (op, spa,
    tpa), 'nd' is (ICMPv6 type, target) of a Neighbor Solicitation or
    Advertisement, 'vni' and 'inner' are a VXLAN packet's."""

    def __init__(self, data, outgoing=False):
        self.data = data
        self.outgoing = outgoing        # Out of the device that was watched.
        self.dst, self.src = _mac(data[0:6]), _mac(data[6:12])
        self.type = struct.unpack_from("!H", data, 12)[0]
        self.arp = self.nd = self.ip_src = self.ip_dst = self.proto = None
        self.udp_src = self.udp_dst = self.vni = self.inner = None
        body = data[14:]
        if self.type == ETH_ARP and len(body) >= 28:
            self.arp = (struct.unpack_from("!H", body, 6)[0],
                        _ip(body[14:18]), _ip(body[24:28]))
        elif self.type == ETH_IP and len(body) >= 20:
            self.ip_src, self.ip_dst = _ip(body[12:16]), _ip(body[16:20])
            self.proto = body[9]
            self._parse_l4(body[(body[0] & 15) * 4:])
        elif self.type == ETH_IPV6 and len(body) >= 40:
            self.ip_src, self.ip_dst = _ip(body[8:24]), _ip(body[24:40])
            self.proto = body[6]
            self._parse_l4(body[40:])

    def _parse_l4(self, udp):
        if (self.type == ETH_IPV6 and self.proto == socket.IPPROTO_ICMPV6
                and len(udp) >= 24 and udp[0] in (135, 136)):
            self.nd = (udp[0], _ip(udp[8:24]))
        if self.proto == socket.IPPROTO_UDP and len(udp) >= 8:
            self.udp_src, self.udp_dst = struct.unpack_from("!HH", udp)
            if self.udp_dst == VXLAN_PORT and len(udp) >= 16 + 14:
                self.vni = int.from_bytes(udp[12:15], "big")
                self.inner = Frame(udp[16:])

    def __repr__(self):
        text = "%s > %s" % (self.src, self.dst)
        if self.arp:
            text += " ARP op %d %s asks for %s" % self.arp
        elif self.nd:
            text += " ND type %d about %s" % self.nd
        elif self.ip_src:
            text += " %s > %s proto %d" % (self.ip_src, self.ip_dst,
                                           self.proto)
        else:
            text += " type 0x%04x" % self.type
        if self.inner:
            text += " VNI %d [%r]" % (self.vni, self.inner)
        return "<%s>" % text


class Sniffer:
    """The frames that pass 'device' of 'namespace' from now on."""

    def __init__(self, namespace, device):
        # The protocol is given to bind(), or frames of other devices would be
        # in the queue already.
        self._socket = namespace.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
        self._socket.bind((device, ETH_P_ALL))
        self._frames = []

    def frames(self, vni=None):
        """All frames so far, or those that carry VXLAN for 'vni'."""
        while True:
            try:
                data, address = self._socket.recvfrom(65536,
                                                      socket.MSG_DONTWAIT)
            except BlockingIOError:
                break
            if len(data) >= 14:
                outgoing = address[2] == socket.PACKET_OUTGOING
                self._frames.append(Frame(data, outgoing))
        lost = struct.unpack("II", self._socket.getsockopt(
            SOL_PACKET, PACKET_STATISTICS, 8))[1]
        if lost:
            raise LabError("the sniffer lost %d frames" % lost)
        return [frame for frame in self._frames
                if vni is None or frame.vni == vni]

    def wait(self, condition, what, timeout=5):
        """Waits for a frame that 'condition' is true of and returns it."""
        return wait_for(lambda: next(filter(condition, self.frames()), None),
                        what, timeout)

    def clear(self):
        self.frames()
        self._frames = []

    def close(self):
        self._socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def ethernet(dst, src, ethertype, payload):
    return (_bytes(dst) + _bytes(src) + struct.pack("!H", ethertype)
            + payload)


def arp_request(mac, spa, tpa, dst=BROADCAST):
    return ethernet(dst, mac, ETH_ARP,
                    struct.pack("!HHBBH", 1, ETH_IP, 6, 4, 1) + _bytes(mac)
                    + ipaddress.ip_address(spa).packed + bytes(6)
                    + ipaddress.ip_address(tpa).packed)


def udp_ip(src, dst, sport, dport, payload):
    """An IPv4 packet with a UDP datagram that has no checksum."""
    udp = struct.pack("!HHHH", sport, dport, 8 + len(payload), 0) + payload
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64,
                         socket.IPPROTO_UDP, 0) \
        + ipaddress.ip_address(src).packed + ipaddress.ip_address(dst).packed
    return header[:10] + checksum(header) + header[12:] + udp


def checksum(data):
    """RFC 1071."""
    data += bytes(len(data) % 2)
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return struct.pack("!H", ~total & 0xffff)


def _mac(data):
    return ":".join("%02x" % byte for byte in data)


def _bytes(mac):
    return bytes.fromhex(mac.replace(":", ""))


def _ip(data):
    return str(ipaddress.ip_address(bytes(data)))
