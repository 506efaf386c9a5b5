# SPDX-License-Identifier: Apache-2.0
"""Traffic between VMs, and what became of it.

A VM here is anything with a 'namespace' and an 'ip'.
"""

import hashlib
import json
import random
import socket
import struct
import threading
import time
from collections import namedtuple

from .namespaces import LabError, wait_for
from .wire import checksum

IP_MTU_DISCOVER, IP_PMTUDISC_DONT, IP_PMTUDISC_DO = 10, 0, 2

Ping = namedtuple("Ping", "sent received lost")


def ping(source, address, count=3, interval=0.05, size=56, df=False, wait=1):
    """Echo requests from VM 'source'; ends when each is answered, or 'wait'
    seconds after the last.

    ping(8) gives an answer that is late, on a busy machine, for lost."""
    with _Echo(source.namespace, address, df) as echo:
        due = time.monotonic()
        for number in range(count):
            echo.receive(due)
            echo.send(number, size)
            due += interval
        echo.receive(time.monotonic() + wait, enough=count)
        received = len(echo.answered)
    return Ping(count, received, count - received)


class _Echo:
    """An ICMP or ICMPv6 socket that asks 'address'."""

    def __init__(self, namespace, address, df):
        self.ipv6 = ":" in address
        self.answered = set()
        if self.ipv6:
            self.socket = namespace.socket(socket.AF_INET6, socket.SOCK_RAW,
                                           socket.IPPROTO_ICMPV6)
            self.request, self.reply = 128, 129
        else:
            self.socket = namespace.socket(socket.AF_INET, socket.SOCK_RAW,
                                           socket.IPPROTO_ICMP)
            self.socket.setsockopt(
                socket.IPPROTO_IP, IP_MTU_DISCOVER,
                IP_PMTUDISC_DO if df else IP_PMTUDISC_DONT)
            self.request, self.reply = 8, 0
        self.socket.connect((address, 0))
        self.id = random.getrandbits(16)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, number, size):
        # The kernel fills in the checksum of ICMPv6, RFC 3542 section 3.1.
        message = struct.pack("!BBHHH", self.request, 0, 0, self.id, number) \
            + bytes(size)
        if not self.ipv6:
            message = message[:2] + checksum(message) + message[4:]
        try:
            self.socket.send(message)
        except OSError:                 # Not sent is not answered.
            pass

    def receive(self, deadline, enough=None):
        """Takes answers until 'deadline' or until there are 'enough'."""
        while len(self.answered) != enough:
            left = deadline - time.monotonic()
            if left <= 0:
                return
            self.socket.settimeout(left)
            try:
                self._take(self.socket.recv(65536))
            except socket.timeout:
                return
            except OSError:             # An ICMP error about a request.
                continue

    def _take(self, message):
        if not self.ipv6:
            message = message[(message[0] & 15) * 4:]
        kind, _, _, ident, number = struct.unpack_from("!BBHHH", message)
        if kind == self.reply and ident == self.id:
            self.answered.add(number)


def reaches(source, address, timeout=10):
    """Waits until an echo request from VM 'source' is answered."""
    wait_for(lambda: ping(source, address, count=1, wait=0.2).received,
             "an answer from %s to %s" % (address, source.name), timeout)


def iperf3(lab, client, server, seconds=1, options=()):
    """Bits per second of one TCP connection."""
    return _iperf3(lab, client, server, server.ip,
                   ["-t", seconds, *options])["bits_per_second"]


def iperf3_bytes(lab, client, server, count, address=None, options=()):
    """How many of 'count' bytes of one TCP connection to 'address' had
    arrived when the sender was done."""
    return _iperf3(lab, client, server, address or server.ip,
                   ["-n", count, *options])["bytes"]


def _iperf3(lab, client, server, address, options):
    listener = lab.spawn(["iperf3", "-s", "-1"], namespace=server.namespace)
    try:
        wait_for(lambda: _listens(server.namespace, 5201), "iperf3 -s")
        done = client.namespace.run("iperf3", "-c", address, "-J", *options)
        return json.loads(done.stdout)["end"]["sum_received"]
    finally:
        lab.end(listener)


def _listens(namespace, port):
    return (":%d " % port) in namespace.run("ss", "-Hltn").stdout


def transfer(source, destination, data, address=None, timeout=30):
    """Sends 'data' over TCP.  Returns the SHA-256 of what arrived."""
    family = socket.AF_INET6 if ":" in (address or destination.ip) \
        else socket.AF_INET
    digest = hashlib.sha256()
    with destination.namespace.socket(family, socket.SOCK_STREAM) as listener:
        listener.settimeout(timeout)
        listener.bind(("", 0))
        listener.listen()
        port = listener.getsockname()[1]
        with source.namespace.socket(family, socket.SOCK_STREAM) as client:
            client.settimeout(timeout)
            client.connect((address or destination.ip, port))
            receiver, _ = listener.accept()
            receiver.settimeout(timeout)
            sender = threading.Thread(target=_send, args=(client, data),
                                      daemon=True)
            sender.start()
            with receiver:
                while block := receiver.recv(1 << 16):
                    digest.update(block)
            sender.join()
    return digest.hexdigest()


def _send(client, data):
    client.sendall(data)
    client.shutdown(socket.SHUT_WR)


SO_TIMESTAMPNS = 35


class Stream:
    """Numbered UDP packets from one VM to another, or to an 'address' of it,
    until stop().  'copies' are VMs with the same address that may get packets
    instead, each of which counts its own."""

    def __init__(self, source, destination, rate=500, address=None,
                 copies=()):
        address = address or destination.ip
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        port = 0
        self._receivers = []
        for vm in destination, *copies:
            receiver = vm.namespace.socket(family, socket.SOCK_DGRAM)
            receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
            receiver.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
            receiver.bind((address, port))
            port = receiver.getsockname()[1]
            self._receivers.append((receiver, []))
        self._sender = source.namespace.socket(family, socket.SOCK_DGRAM)
        self._sender.connect((address, port))
        self._interval = 1 / rate
        self._end = threading.Event()
        self.sent = 0
        self._numbers = set()
        self._arrivals = []             # Times in ns, by the kernel.
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        due = time.monotonic()
        while not self._end.is_set():
            try:
                self._sender.send(self.sent.to_bytes(8, "big"))
            except OSError:             # The route or the device is gone.
                pass
            self.sent += 1
            due += self._interval
            time.sleep(max(0, due - time.monotonic()))

    def received(self):
        """How many different packets have arrived."""
        for receiver, numbers in self._receivers:
            self._take(receiver, numbers)
        return len(self._numbers)

    def _take(self, receiver, numbers):
        while True:
            try:
                data, ancillary = receiver.recvmsg(
                    64, socket.CMSG_SPACE(16), socket.MSG_DONTWAIT)[:2]
            except BlockingIOError:
                return
            except ConnectionRefusedError:
                continue
            numbers.append(int.from_bytes(data, "big"))
            self._numbers.add(numbers[-1])
            seconds, nanoseconds = struct.unpack("qq", ancillary[0][2])
            self._arrivals.append(seconds * 10**9 + nanoseconds)

    def numbers(self):
        """The packets' numbers in the order of their arrival, as received()
        has seen them: a list for the destination and one for each copy."""
        return [numbers for _, numbers in self._receivers]

    def longest_gap(self):
        """Longest time between two arrivals since the last call, in ms."""
        self.received()
        gap = max((later - earlier for earlier, later
                   in zip(self._arrivals, self._arrivals[1:])), default=0)
        self._arrivals = self._arrivals[-1:]
        return gap / 1e6

    def wait_for_more(self, packets=50, timeout=10):
        """Waits until that many more have arrived than now."""
        goal = self.received() + packets
        wait_for(lambda: self.received() >= goal, "a stream to go on",
                 timeout)

    def wait_for_all(self, timeout=10):
        """Waits until as many have arrived as were sent before now."""
        goal = self.sent
        wait_for(lambda: self.received() >= goal, "a stream to arrive",
                 timeout)

    def stop(self):
        """Ends the stream and returns how many packets were lost."""
        self._end.set()
        self._thread.join()
        try:
            wait_for(lambda: self.received() == self.sent, "", timeout=1)
        except LabError:
            pass
        self._sender.close()
        for receiver, _ in self._receivers:
            receiver.close()
        return self.sent - len(self._numbers)

    def missing(self):
        """After stop(): which packets were lost."""
        return sorted(set(range(self.sent)) - self._numbers)
