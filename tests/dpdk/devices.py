# SPDX-License-Identifier: Apache-2.0

"""What the ports of a switch with DPDK lead to: a device in the kernel that
tests send to and receive from, or a file.

All have the interface of the switch tier's PcapReader, and those that a test
can send to have send().
"""

import contextlib
import errno
import fcntl
import os
import socket
import struct
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [f"{HERE}/../switch", f"{HERE}/../../utilities"]

from overlay_lab import vhost_vm                            # noqa: E402
from ovl.pcap import FILE_HEADER_LEN, PcapReader            # noqa: E402
from ovl.process import wait_until                          # noqa: E402

ETH_P_ALL = 3
PACKET_OUTGOING = 4
IFF_UP = 1
SIOCGIFFLAGS = 0x8913


def ip(*words):
    subprocess.run(["ip", *words], check=True, stdout=subprocess.PIPE)


class Link:
    """A kernel's device 'self.device', which exists and is up sooner or
    later."""

    columns = ()

    def __init__(self):
        self.socket = None

    def up(self):
        request = struct.pack("16sH14x", self.device.encode(), 0)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            try:
                answer = fcntl.ioctl(s, SIOCGIFFLAGS, request)
            except OSError:
                return False
        return struct.unpack("16xH14x", answer)[0] & IFF_UP

    def connect(self):
        wait_until(self.up, f"{self.device} is not up")
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW,
                                    socket.htons(ETH_P_ALL))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 23)
        self.socket.bind((self.device, 0))
        self.socket.setblocking(False)

    def send(self, frame):
        if not self.socket:
            self.connect()
        while True:
            try:
                self.socket.send(bytes(frame))
                return
            except OSError as error:
                if error.errno != errno.ENETDOWN:
                    raise
            # The port is being configured.
            wait_until(self.up, f"{self.device} is not up")

    def read(self):
        if not self.socket:
            return []
        frames = []
        while True:
            try:
                frame, address = self.socket.recvfrom(65536)
            except BlockingIOError:
                return frames
            except OSError as error:
                if error.errno == errno.ENETDOWN:
                    continue
                raise
            if address[2] != PACKET_OUTGOING:
                frames.append(frame)

    def close_socket(self):
        """The device has gone, or will."""
        if self.socket:
            self.socket.close()
            self.socket = None

    def close(self):
        self.close_socket()


class Veth(Link):
    """One end of a pair, the other is the port's."""

    def __init__(self, name):
        super().__init__()
        self.device = "t-" + name
        self.port_device = "k-" + name
        ip("link", "add", self.device, "type", "veth", "peer", "name",
           self.port_device)
        for device in self.device, self.port_device:
            ip("link", "set", "dev", device, "mtu", "9000", "up")
        self.connect()

    def close(self):
        super().close()
        with contextlib.suppress(subprocess.CalledProcessError):
            ip("link", "del", "dev", self.device)


class AfPacket(Veth):
    def __init__(self, name, options=""):
        super().__init__(name)
        self.devargs = f"net_af_packet_{name},iface={self.port_device}" \
            + options


class TwoQueues(AfPacket):
    """Each queue of the port gets some of the flows."""

    columns = ("options:n_rxq=2",)

    def __init__(self, name):
        super().__init__(name, ",qpairs=2")


class PcapLive(Veth):
    def __init__(self, name):
        super().__init__(name)
        self.devargs = (f"net_pcap_{name},rx_iface_in={self.port_device},"
                        f"tx_iface={self.port_device}")


class Tap(Link):
    """The driver makes the device, and takes it away."""

    def __init__(self, name):
        super().__init__()
        self.device = "t-" + name
        self.devargs = f"net_tap_{name},iface={self.device}"


class Memif:
    """Shared memory with another daemon, 'wire', which has a bridge of two
    ports for each: one of DPDK, and one that we send to and read from.

    The driver wants as many receive queues at one end as there are transmit
    queues at the other, at least.  We have one of these for each thread that
    may send (control thread, I/O thread, a PMD thread or two), the wire one
    less."""

    columns = ("options:n_rxq=2",)

    def __init__(self, wire, name):
        self.wire = wire
        self.name = name
        socket_path = f"{wire.dir}/{name}.memif"
        pcap = f"{wire.dir}/{name}.pcap"
        self.devargs = (f"net_memif_{name},role=client,"
                        f"socket={socket_path},socket-abstract=no")
        wire.vsctl(
            "add-br", f"b-{name}", "--",
            "set", "Bridge", f"b-{name}", "datapath_type=netdev", "--",
            "add-port", f"b-{name}", f"m-{name}", "--",
            "set", "Interface", f"m-{name}", "type=dpdk",
            f'options:dpdk-devargs="net_memif_{name},role=server,'
            f'socket={socket_path},socket-abstract=no"', "options:n_rxq=4",
            "--", "add-port", f"b-{name}", f"d-{name}", "--",
            "set", "Interface", f"d-{name}", "type=dummy",
            f"options:tx_pcap={pcap}", "--",
            "set", "Interface", f"m-{name}", "ofport_request=1", "--",
            "set", "Interface", f"d-{name}", "ofport_request=2")
        # Whatever it is, also what bridges keep for themselves.
        for port in 1, 2:
            wire.run("ovs-ofctl", "add-flow", f"b-{name}",
                     f"in_port={port},actions=output:{3 - port}")
        self.reader = PcapReader(pcap)

    def send(self, frame):
        self.wire.appctl("netdev-dummy/receive", f"d-{self.name}",
                         bytes(frame).hex())

    def read(self):
        return self.reader.read()

    def close(self):
        self.wire.vsctl("del-br", f"b-{self.name}")
        os.unlink(self.reader.path)


LIVE = {"af_packet": AfPacket, "two-queues": TwoQueues, "pcap": PcapLive,
        "tap": Tap}


class Files(PcapReader):
    """Frames in from a file, all at once, and out to another."""

    columns = ()

    def __init__(self, directory, name, frames=(), options=""):
        path = f"{directory}/{name}"
        super().__init__(path + "-out.pcap")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)
        rx = ""
        if frames:
            write_pcap(path + "-in.pcap", frames)
            rx = f",rx_pcap={path}-in.pcap"
        self.devargs = f"net_pcap_{name}{rx},tx_pcap={self.path}{options}"

    def begin(self):
        """After the port was configured anew, and so its files."""
        self.offset = FILE_HEADER_LEN

    def close(self):
        pass


def write_pcap(path, frames):
    with open(path, "wb") as file:
        file.write(struct.pack("=IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for frame in map(bytes, frames):
            file.write(struct.pack("=IIII", 0, 0, len(frame), len(frame)))
            file.write(frame)


CSUM, HOST_TSO4, HOST_TSO6 = 0, 11, 12      # Bits of virtio features.


class Guest(vhost_vm.Guest):
    """One that leaves checksums and segments to the switch."""

    wanted = vhost_vm.Guest.wanted | 1 << CSUM | 1 << HOST_TSO4 \
        | 1 << HOST_TSO6

    def send(self, header, frame):
        """In one chain of buffers, none of which is in use."""
        queue = self.queues[1]
        data = header + frame
        start = queue.offset + vhost_vm.RING_BYTES
        self.memory[start:start + len(data)] = data
        n = -(-len(data) // vhost_vm.BUFFER)
        for i in range(n):
            struct.pack_into(
                "<QIHH", self.memory, queue.offset + 16 * i,
                vhost_vm.GUEST_BASE + start + i * vhost_vm.BUFFER,
                min(vhost_vm.BUFFER, len(data) - i * vhost_vm.BUFFER),
                int(i < n - 1), i + 1)
        queue._offer(0)
        os.eventfd_write(queue.kick, 1)
        wait_until(lambda: list(queue._used()), "the switch took no frame")


class Vm:
    """A VM at a vhost-user port."""

    columns = ()

    def __init__(self, directory, name):
        self.path = f"{directory}/{name}.sock"
        self.port_columns = ("type=dpdkvhostuserclient",
                             f"options:vhost-server-path={self.path}")
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(1)
        self.listener.settimeout(30)
        self.guest = None

    def connect(self):
        if not self.guest:
            self.guest = Guest(self.listener.accept()[0], 1)

    def send(self, frame, header=bytes(vhost_vm.HEADER)):
        self.connect()
        self.guest.send(header, bytes(frame))

    def send_large(self, frame, mss, headers=54):
        """'frame', TCP over IPv4 with a partial checksum, is to be cut."""
        self.send(frame, struct.pack("<BBHHHHH", 1, 1, headers, mss,
                                     headers - 20, 16, 0))

    def read(self):
        return list(self.guest.queues[0].receive()) if self.guest else []

    def close(self):
        if self.guest:
            self.guest.close()
        self.listener.close()
        os.unlink(self.path)


class VirtioUser:
    """A vhost-user port whose other end is DPDK's virtio-user, as a server."""

    columns = ()

    def __init__(self, directory, name):
        self.path = f"{directory}/{name}.sock"
        self.port_columns = ("type=dpdkvhostuserclient",
                             f"options:vhost-server-path={self.path}")

    def read(self):
        return []

    def close(self):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)


class Testpmd:
    """DPDK's own program, in the place of a VM, with two queues of each of
    'ports'.  It waits for the switch before it does anything."""

    def __init__(self, directory, ports, *arguments):
        for port in ports:
            port.close()                # Of one that was killed.
        cores = ",".join(map(str, os.sched_getaffinity(0)))
        vdevs = [f"--vdev=net_virtio_user{i},path={port.path},server=1,"
                 "queues=2" for i, port in enumerate(ports)]
        with open(f"{directory}/testpmd", "ab") as output:
            self.process = subprocess.Popen(
                ["nice", "dpdk-testpmd", f"--lcores=(0-1)@({cores})",
                 "--no-huge", "-m", "64",
                 "--no-pci", "--no-telemetry", "--no-shconf", *vdevs, "--",
                 "--rxq=2", "--txq=2", "--total-num-mbufs=4096", *arguments],
                stdin=subprocess.PIPE, stdout=output, stderr=output)

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()


class Driver:
    """A driver that nobody outside can reach: net_null, net_ring."""

    columns = ()

    def __init__(self, devargs):
        self.devargs = devargs

    def read(self):
        return []

    def close(self):
        pass
