#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""usage: vhost_vm.py SOCKET TAP [QUEUES]

What a VM's QEMU is to a dpdkvhostuserclient port: listens on SOCKET, speaks
vhost-user with the switch, and moves frames between its virtqueues and the
TAP device of the namespace that it runs in.  It survives the switch: when the
connection ends, it waits for the next one.

    VM's kernel ── TAP ── this ── SOCKET, shared memory ── ovs-vswitchd

Virtqueues are split rings (virtio 1.1, section 2.6), 2 * QUEUES of them, even
ones towards the VM.  A frame is one buffer; no offload is negotiated.
"""

import array
import fcntl
import mmap
import os
import select
import socket
import struct
import sys

# vhost-user requests.
GET_FEATURES, SET_FEATURES, SET_OWNER, SET_MEM_TABLE = 1, 2, 3, 5
SET_VRING_NUM, SET_VRING_ADDR, SET_VRING_BASE = 8, 9, 10
SET_VRING_KICK, SET_VRING_CALL = 12, 13
GET_PROTOCOL_FEATURES, SET_PROTOCOL_FEATURES = 15, 16
SET_VRING_ENABLE = 18
VERSION, REPLY = 1, 4

VIRTIO_NET_F_MQ = 1 << 22
VHOST_USER_F_PROTOCOL_FEATURES = 1 << 30
VIRTIO_F_VERSION_1 = 1 << 32
PROTOCOL_F_MQ = 1

DESC_F_WRITE = 2
HEADER = 12                     # struct virtio_net_hdr_v1.

RING_SIZE = 256
BUFFER = 2048
RING_BYTES = 16384              # Descriptors, available ring, used ring.
AVAIL, USED = 4096, 8192        # Their offsets.
QUEUE_BYTES = RING_BYTES + RING_SIZE * BUFFER

# Where the memory is, as the VM and as QEMU would see it.
GUEST_BASE, USER_BASE = 1 << 32, 1 << 44

IFF_TAP, IFF_NO_PI, TUNSETIFF = 2, 0x1000, 0x400454ca


class Virtqueue:
    """A ring of RING_SIZE buffers, at 'offset' of the memory."""

    def __init__(self, memory, offset, to_vm):
        self.memory = memory
        # Of 16 bits, each read and written at once: struct goes byte by byte,
        # and the switch looks at indices at any time.
        self.words = memoryview(memory).cast("H")
        self.offset = offset
        self.to_vm = to_vm
        self.kick = os.eventfd(0, os.EFD_NONBLOCK)
        self.call = os.eventfd(0, os.EFD_NONBLOCK)
        self.seen = 0                   # Of the used ring.
        self.next = 0                   # Of the available ring.
        memory[offset:offset + RING_BYTES] = bytes(RING_BYTES)
        for i in range(RING_SIZE):
            struct.pack_into("<QIHH", memory, offset + 16 * i,
                             GUEST_BASE + self._buffer(i), BUFFER,
                             DESC_F_WRITE if to_vm else 0, 0)
        self.free = [] if to_vm else list(range(RING_SIZE))
        if to_vm:
            for i in range(RING_SIZE):
                self._offer(i)

    def _buffer(self, i):
        return self.offset + RING_BYTES + i * BUFFER

    def _offer(self, i):
        """Makes descriptor 'i' available.  Stores of x86 are in order."""
        avail = (self.offset + AVAIL) // 2
        self.words[avail + 2 + self.next % RING_SIZE] = i
        self.next = (self.next + 1) & 0xffff
        self.words[avail + 1] = self.next

    def _used(self):
        """Descriptors that the switch has used: (number, length)."""
        index = self.words[(self.offset + USED) // 2 + 1]
        while self.seen != index:
            yield struct.unpack_from("<II", self.memory, self.offset + USED
                                     + 4 + 8 * (self.seen % RING_SIZE))
            self.seen = (self.seen + 1) & 0xffff

    def receive(self):
        for i, length in self._used():
            start = self._buffer(i)
            yield self.memory[start + HEADER:start + length]
            self._offer(i)

    def send(self, frame):
        self.free += [i for i, _ in self._used()]
        if not self.free or HEADER + len(frame) > BUFFER:
            return                      # A VM drops it, too.
        i = self.free.pop()
        start = self._buffer(i)
        self.memory[start:start + HEADER + len(frame)] = \
            bytes(HEADER) + frame
        struct.pack_into("<I", self.memory, self.offset + 16 * i + 8,
                         HEADER + len(frame))
        self._offer(i)
        os.eventfd_write(self.kick, 1)

    def close(self):
        self.words.release()
        os.close(self.kick)
        os.close(self.call)


class Guest:
    """A connection with the switch."""

    wanted = VIRTIO_F_VERSION_1 | VHOST_USER_F_PROTOCOL_FEATURES

    def __init__(self, connection, queues):
        self.connection = connection
        size = 2 * queues * QUEUE_BYTES
        size += -size % mmap.PAGESIZE
        self.memory_fd = os.memfd_create("vm")
        os.ftruncate(self.memory_fd, size)
        self.memory = mmap.mmap(self.memory_fd, size)
        self.queues = [Virtqueue(self.memory, i * QUEUE_BYTES, i % 2 == 0)
                       for i in range(2 * queues)]
        self.turn = 0
        self._negotiate(size)

    def _negotiate(self, size):
        features = self._ask(GET_FEATURES)
        if len(self.queues) > 2:
            self._tell(SET_PROTOCOL_FEATURES, struct.pack(
                "<Q", self._ask(GET_PROTOCOL_FEATURES) & PROTOCOL_F_MQ))
        self._tell(SET_OWNER)
        self._tell(SET_FEATURES, struct.pack("<Q", features & (
            self.wanted | (VIRTIO_NET_F_MQ if len(self.queues) > 2 else 0))))
        self._tell(SET_MEM_TABLE, struct.pack(
            "<IIQQQQ", 1, 0, GUEST_BASE, size, USER_BASE, 0), self.memory_fd)
        for i, queue in enumerate(self.queues):
            at = USER_BASE + queue.offset
            self._tell(SET_VRING_NUM, struct.pack("<II", i, RING_SIZE))
            self._tell(SET_VRING_BASE, struct.pack("<II", i, 0))
            self._tell(SET_VRING_ADDR, struct.pack(
                "<IIQQQQ", i, 0, at, at + USED, at + AVAIL, 0))
            self._tell(SET_VRING_KICK, struct.pack("<Q", i), queue.kick)
            self._tell(SET_VRING_CALL, struct.pack("<Q", i), queue.call)
        for i in range(len(self.queues)):
            self._tell(SET_VRING_ENABLE, struct.pack("<II", i, 1))

    def _tell(self, request, payload=b"", fd=None):
        ancillary = [] if fd is None else [
            (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))]
        self.connection.sendmsg(
            [struct.pack("<III", request, VERSION, len(payload)) + payload],
            ancillary)

    def _ask(self, request):
        self._tell(request)
        header = self._read(12)
        answer, flags, size = struct.unpack("<III", header)
        if answer != request or not flags & REPLY or size != 8:
            raise ConnectionError("answer %d to %d" % (answer, request))
        return struct.unpack("<Q", self._read(8))[0]

    def _read(self, n):
        data = self.connection.recv(n, socket.MSG_WAITALL)
        if len(data) < n:
            raise ConnectionError("end of the connection")
        return data

    def run(self, tap):
        """Moves frames until the connection ends."""
        to_vm = {queue.call: queue for queue in self.queues if queue.to_vm}
        from_vm = [queue for queue in self.queues if not queue.to_vm]
        poll = select.poll()
        for fd in (self.connection.fileno(), tap, *to_vm):
            poll.register(fd, select.POLLIN)
        while True:
            for fd, _ in poll.poll():
                if fd == tap:
                    self.turn += 1
                    from_vm[self.turn % len(from_vm)].send(
                        os.read(tap, 65536))
                elif fd in to_vm:
                    os.eventfd_read(fd)
                    for frame in to_vm[fd].receive():
                        os.write(tap, frame)
                elif not self.connection.recv(4096):
                    return

    def close(self):
        for queue in self.queues:
            queue.close()
        self.memory.close()
        os.close(self.memory_fd)
        self.connection.close()


def open_tap(name):
    tap = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tap, TUNSETIFF,
                struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
    return tap


def main():
    path, name = sys.argv[1:3]
    queues = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    tap = open_tap(name)
    listener = socket.socket(socket.AF_UNIX)
    if os.path.exists(path):
        os.unlink(path)                 # Of one that was killed.
    listener.bind(path)
    listener.listen(1)
    while True:
        guest = None
        try:
            guest = Guest(listener.accept()[0], queues)
            print("connected", flush=True)
            guest.run(tap)
        except (ConnectionError, BrokenPipeError) as error:
            print(error, flush=True)
        finally:
            if guest:
                guest.close()


if __name__ == "__main__":
    main()
