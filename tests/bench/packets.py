# SPDX-License-Identifier: Apache-2.0

"""Frames that the benchmark of the datapaths sends, and what comes out.

Numbers are all there is: remote VM number i has mac_of(i) and ip_of(i), flow
number f of a VM has ports of its own, VTEP number i is vtep_of(i).  A frame
has 60 bytes, the least that Ethernet has without its checksum.
"""

import random
import socket
import struct
import zlib

MAGIC = 0x4f564c42
FRAME = 60
OUTER = 50

VNI = 5001
OWN_VTEP = "192.0.2.1"
GATEWAY = "192.0.2.254"
GATEWAY_MAC = bytes.fromhex("020000fffe01")
LOCAL_MAC = bytes.fromhex("020000000001")
ROUTER_MAC = bytes.fromhex("02005e000101")      # Default of the bridge.
VM_MAC = bytes.fromhex("525400000001")          # Of the local VM.
VM_IP = (10 << 24) + 9
SCANNER_MAC = bytes.fromhex("525400000002")
SCANNER_IP = (10 << 24) + 10


def mac_of(i):
    return b"\x52\x56" + struct.pack("!I", i)


def mac_text(mac):
    return ":".join("%02x" % byte for byte in mac)


def ip_of(i):
    return (10 << 24) + (1 << 20) + i


def ip_text(ip):
    return socket.inet_ntoa(struct.pack("!I", ip))


def vtep_of(i):
    return (198 << 24) + (18 << 16) + 1 + i     # 198.18.0.0/15


def ipv4(src, dst, length, proto=17, ttl=64):
    """An IPv4 header."""
    words = (0x4500, length, 0, 0x4000, ttl << 8 | proto)
    total = (sum(words) + (src >> 16) + (src & 0xffff) + (dst >> 16)
             + (dst & 0xffff))
    total = (total & 0xffff) + (total >> 16)
    total = (total & 0xffff) + (total >> 16)
    return struct.pack("!5HHII", *words, ~total & 0xffff, src, dst)


def frame(dst_mac, src_mac, src, dst, flow, vlan=None):
    """A UDP packet in 'flow', which is its payload, too."""
    tag = b"" if vlan is None else struct.pack("!HH", 0x8100, vlan)
    length = FRAME - 14 - len(tag)
    sport, dport = 1024 + flow % 60000, 1024 + flow // 60000
    return (dst_mac + src_mac + tag + b"\x08\x00" + ipv4(src, dst, length)
            + struct.pack("!HHHHI", sport, dport, length - 20, 0, flow)
            + bytes(length - 32))


def bridged(i, flow):
    """From the local VM to remote VM 'i'."""
    return frame(mac_of(i), VM_MAC, VM_IP, ip_of(i), flow)


def tunneled(i, flow, n_vteps):
    """From remote VM 'i' to the local VM, out of the tunnel."""
    inner = frame(VM_MAC, mac_of(i), ip_of(i), VM_IP, flow)
    length = OUTER - 14 + len(inner)
    return (LOCAL_MAC + GATEWAY_MAC + b"\x08\x00"
            + ipv4(vtep_of(i % n_vteps), 0xc0000201, length)
            + struct.pack("!HHHH", 49152 + flow % 16384, 4789, length - 20, 0)
            + struct.pack("!II", 0x08000000, VNI << 8) + inner)


def rss(data):
    """What a network card hashes: addresses and ports, those outside."""
    ofs = 30 if data[12:14] == b"\x81\x00" else 26
    return zlib.crc32(data[ofs:ofs + 12])


def write_images(path, images, seed=1):
    """Writes 'images', all of one length, in random order."""
    images = list(images)
    random.Random(seed).shuffle(images)
    length = len(images[0])
    stride = 64 if length <= 60 else 128
    pad = bytes(stride - 4 - length)
    with open(path, "wb") as file:
        file.write(struct.pack("=4I", MAGIC, stride, length, len(images)))
        file.write(b"".join([image + pad + struct.pack("=I", rss(image))
                             for image in images]))
    return len(images)


def write_pcap(path, images, seed=1):
    """The same, for others than us."""
    images = list(images)
    random.Random(seed).shuffle(images)
    with open(path, "wb") as file:
        file.write(struct.pack("=IHHIIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for image in images:
            file.write(struct.pack("=IIII", 0, 0, len(image), len(image)))
            file.write(image)


def read_pcap(path):
    with open(path, "rb") as file:
        data = file.read()
    ofs, frames = 24, []
    while ofs + 16 <= len(data):
        (length,) = struct.unpack_from("=I", data, ofs + 8)
        frames.append(data[ofs + 16:ofs + 16 + length])
        ofs += 16 + length
    return frames


MASKED = ["outer IP identification and header checksum (which is verified)",
          "outer UDP source port (a hash of the flow, each its own)"]


def masked(data):
    """A frame out of the tunnel's uplink less what is free, and what is
    wrong with the rest, if anything."""
    words = struct.unpack("!10H", data[14:34])
    total = sum(words)
    total = (total & 0xffff) + (total >> 16)
    total = (total & 0xffff) + (total >> 16)
    (sport,) = struct.unpack_from("!H", data, 34)
    wrong = None
    if total != 0xffff:
        wrong = "outer IP checksum"
    elif sport < 32768:
        wrong = "outer source port %d" % sport
    return (data[:18] + data[20:24] + data[26:34] + data[36:], wrong)
