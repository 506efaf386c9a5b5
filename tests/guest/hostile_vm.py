#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""usage: hostile_vm.py SOCKET SEED CONNECTIONS

A guest that does with its memory what it likes, in the place of vhost_vm.py:
virtio headers of every kind on frames of every kind, then descriptors, chains
and indices that make no sense.  Prints a line per connection and ends.

What is known to harm DPDK 22.11.11 is left out: receive descriptors without
room for a header (CVE-2026-86566), and indirect tables that change while they
are read (CVE-2026-93683).
"""

import ipaddress
import os
import random
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "../../utilities"))

from overlay_lab import vhost_vm                            # noqa: E402
from overlay_lab.vhost_vm import (AVAIL, GUEST_BASE, QUEUE_BYTES,  # noqa: E402
                                  RING_BYTES, RING_SIZE, USED)

NEXT, WRITE, INDIRECT = 1, 2, 4
CSUM, HOST_TSO4, HOST_TSO6, HOST_ECN, HOST_UFO = 0, 11, 12, 13, 14
MRG_RXBUF, INDIRECT_DESC = 15, 28

# VM d, and nobody.
ME, OTHERS = b"\x52\x54\0\0\0\x01", (b"\x52\x54\0\0\0\x04",
                                     b"\x52\x54\0\0\0\x77")
ADDRESSES = {4: ("10.1.0.11", "10.1.0.14"), 6: ("fd00::11", "fd00::14")}

SIZES = (0, 1, 11, 12, 13, 26, 60, 2048, 65535, 65536, 0x7fffffff,
         0xffffffff)
NUMBERS = (0, 1, 2, 14, 34, 54, 100, 1448, 65534, 65535)


def ip(family, proto, body):
    """A packet whose lengths are right most of the time."""
    source, destination = (ipaddress.ip_address(address).packed
                           for address in ADDRESSES[family])
    lie = random.choice(NUMBERS) if random.random() < 0.2 else 0
    if family == 4:
        return struct.pack("!BBHHHBBH", 0x45, 0, (20 + len(body) + lie)
                           & 0xffff, 1, 0x4000, 64, proto, 0) \
            + source + destination + body
    return struct.pack("!IHBB", 6 << 28, (len(body) + lie) & 0xffff, proto,
                       64) + source + destination + body


def frame():
    """An Ethernet frame of this guest, of up to 60 kB."""
    if random.random() < 0.1:
        return os.urandom(random.choice((0, 1, 13, 14, 60, 1500)))
    family = random.choice((4, 6))
    payload = bytes(random.choice((0, 1, 100, 1400, 9000, 60000)))
    words = 5 if random.random() < 0.8 else random.randrange(16)
    tcp = struct.pack("!HHIIBBHHH", 1, 2, 3, 4, words << 4,
                      random.randrange(256), 100, 0, 0)
    udp = struct.pack("!HHHH", 1, 2, (8 + len(payload)) & 0xffff, 0)
    proto, body = random.choice(((6, tcp + payload), (17, udp + payload),
                                 (132, tcp), (1, payload)))
    kind = b"\x08\0" if family == 4 else b"\x86\xdd"
    return random.choice(OTHERS) + ME + kind + ip(family, proto, body)


def header(data):
    """A virtio_net_hdr_v1: an honest one, or any."""
    family = 6 if data[12:14] == b"\x86\xdd" else 4
    start = 54 if family == 6 else 34
    if random.random() < 0.5:
        return struct.pack("<BBHHHHH", 1, random.choice((0, 1, 4)), start + 20,
                           random.choice((1, 100, 1400)), start,
                           random.choice((16, 6, 8)), 0)
    return struct.pack("<BBHHHHH", random.randrange(4),
                       random.choice((0, 1, 3, 4, 5, 0x81, 255)),
                       *(random.choice(NUMBERS) for _ in range(4)),
                       random.choice((0, 1, 65535)))


class Hostile(vhost_vm.Guest):
    wanted = vhost_vm.Guest.wanted | sum(
        1 << bit for bit in (CSUM, HOST_TSO4, HOST_TSO6, HOST_ECN, HOST_UFO,
                             MRG_RXBUF, INDIRECT_DESC))

    def attack(self):
        for _ in range(150):
            data = frame()
            if not self._send(self._split(header(data) + data), patience=5):
                break                   # What DPDK stops at.
        for _ in range(20):
            self._send(random.choice((self._random, self._loop, self._wild,
                                      self._indirect, self._jump))(),
                       head=random.choice((0, 0, 0, 1, RING_SIZE, 65535)))

    # Chains: lists of descriptors, the first one first.

    def _ofs(self):
        return QUEUE_BYTES + RING_BYTES

    def _split(self, data):
        """'data' in several pieces, some of which may be empty."""
        ofs = self._ofs()
        self.memory[ofs:ofs + len(data)] = data
        cuts = sorted(random.randrange(len(data) + 1)
                      for _ in range(random.randrange(4)))
        ends = cuts + [len(data)]
        starts = [0] + cuts
        n = len(ends)
        return [(GUEST_BASE + ofs + start, end - start,
                 NEXT if i < n - 1 else 0, i + 1)
                for i, (start, end) in enumerate(zip(starts, ends))]

    def _random(self):
        return [(random.choice((0, GUEST_BASE + self._ofs(), 1 << 63,
                                GUEST_BASE + len(self.memory) - 5,
                                random.getrandbits(64))),
                 random.choice(SIZES), random.randrange(8),
                 random.choice((i + 1, 0, RING_SIZE - 1, RING_SIZE, 65535)))
                for i in range(random.randrange(1, 10))]

    def _loop(self):
        return [(GUEST_BASE + self._ofs(), 100, NEXT, 1),
                (GUEST_BASE + self._ofs(), 100, NEXT, 0)]

    def _wild(self):
        return [(GUEST_BASE + self._ofs(), 100, NEXT,
                 random.randrange(RING_SIZE, 65536))]

    def _indirect(self):
        """A table of nonsense, which does not change."""
        ofs = self._ofs() + 4096
        table = b"".join(struct.pack("<QIHH", *one)
                         for one in self._random())
        self.memory[ofs:ofs + len(table)] = table
        return [(GUEST_BASE + ofs, random.choice((0, 1, 15, 16, len(table),
                                                  65536, 0xffffffff)),
                 INDIRECT | random.choice((0, NEXT)), 1)]

    def _jump(self):
        return None                     # The index of the available ring.

    def _send(self, chain, patience=0.05, head=0):
        """Makes 'chain' available, as descriptor 'head', and returns whether
        it was used soon."""
        queue = self.queues[1]
        base = queue.offset
        step = 1
        if chain is None:
            step = random.randrange(2, 65536)
        else:
            for i, one in enumerate(chain):
                struct.pack_into("<QIHH", self.memory, base + 16 * i, *one)
        struct.pack_into("<H", self.memory,
                         base + AVAIL + 4 + 2 * (queue.next % RING_SIZE),
                         head)
        queue.next = (queue.next + step) & 0xffff
        struct.pack_into("<H", self.memory, base + AVAIL + 2, queue.next)
        os.eventfd_write(queue.kick, 1)
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            used, = struct.unpack_from("<H", self.memory, base + USED + 2)
            if used == queue.next:
                return True
            time.sleep(0.0005)
        return False


def main():
    path, seed, connections = sys.argv[1], sys.argv[2], int(sys.argv[3])
    random.seed(int(seed))
    listener = socket.socket(socket.AF_UNIX)
    if os.path.exists(path):
        os.unlink(path)
    listener.bind(path)
    listener.listen(1)
    for i in range(connections):
        guest = None
        try:
            guest = Hostile(listener.accept()[0], 1)
            guest.attack()
        except (ConnectionError, BrokenPipeError) as error:
            print(error, flush=True)
        finally:
            if guest:
                guest.close()
        print("connection", i, flush=True)


if __name__ == "__main__":
    main()
