# SPDX-License-Identifier: Apache-2.0

"""Processes that watch a daemon while something else happens to it."""

import ctypes
import multiprocessing
import os
import socket
import struct
import subprocess
import time

from ovl.unixctl import Unixctl


def resident(pid):
    """Resident memory of a process, in bytes."""
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def cpu_time(pid):
    """Seconds of CPU time that a process had, all threads together."""
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def thread_times(pid, tid):
    """Seconds that a thread ran, and that it waited for a processor."""
    with open(f"/proc/{pid}/task/{tid}/schedstat") as file:
        ran, waited, _ = file.read().split()
    return int(ran) / 1e9, int(waited) / 1e9


class _Observer:
    """Runs observe(stop), in a process of its own, from start() to stop(),
    which returns its result."""

    def start(self):
        self._stop = multiprocessing.Event()
        self._queue = multiprocessing.SimpleQueue()
        self._ready = multiprocessing.Event()
        self._process = multiprocessing.Process(target=self._run, daemon=True)
        self._process.start()
        self._ready.wait()
        return self

    def _run(self):
        try:
            result = self.observe()
        except BaseException as error:
            result = error
            self._ready.set()
        self._queue.put(result)

    def running(self):
        self._ready.set()
        return not self._stop.is_set()

    def stop(self):
        self._stop.set()
        result = self._queue.get()
        self._process.join()
        if isinstance(result, BaseException):
            raise result
        return result

    def observe(self):
        raise NotImplementedError


class Stalls(_Observer):
    """Asks the main loop for its version 1000 times a second.  Each sample is
    (time to the answer, CPU time of the main thread meanwhile, time that the
    main thread or we waited for a processor meanwhile), in seconds."""

    PERIOD = 0.001

    def __init__(self, pid, path):
        self.pid = pid
        self.path = path

    def observe(self):
        ctl = Unixctl(self.path)
        samples = []
        due = time.monotonic()
        while self.running():
            due = max(due + self.PERIOD, time.monotonic())
            time.sleep(max(0, due - time.monotonic()))
            ran, waited = thread_times(self.pid, self.pid)
            own = thread_times(os.getpid(), os.getpid())[1]
            start = time.monotonic()
            ctl("version")
            end = time.monotonic()
            ran_then, waited_then = thread_times(self.pid, self.pid)
            own_then = thread_times(os.getpid(), os.getpid())[1]
            samples.append((end - start, ran_then - ran,
                            waited_then - waited + own_then - own))
        ctl.close()
        return samples


ETH_P_ALL = 3
SOL_PACKET = 263
PACKET_IGNORE_OUTGOING = 23
SO_RCVBUFFORCE = 33
CLONE_NEWNET = 0x40000000


def enter_namespace():
    """Moves this process, and what it starts, into a network namespace of its
    own.  Returns False if that is not allowed."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET):
        return False
    return os.path.exists("/dev/net/tun")


class Stream(_Observer):
    """Sends numbered frames into one tap device and counts those that come
    out of another.  Gives sent, received, repeated, and the longest time, in
    seconds, between two that came out."""

    BURST = 10
    PERIOD = 0.001
    PATIENCE = 2                # Seconds for the last frames to come.

    def __init__(self, into, out_of, header):
        self.into = into
        self.out_of = out_of
        self.header = header

    @staticmethod
    def _open(name):
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW,
                             socket.htons(ETH_P_ALL))
        sock.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
        sock.bind((name, 0))
        sock.setblocking(False)
        return sock

    def _drain(self):
        now = time.monotonic()
        while True:
            try:
                frame = self.receiver.recv(2048)
            except BlockingIOError:
                return
            if frame.startswith(self.header):
                number, = struct.unpack_from("!I", frame, len(self.header))
                self.repeated += number in self.numbers
                self.numbers.add(number)
                self.gap = max(self.gap, now - self.last)
                self.last = now

    def observe(self):
        sender = self._open(self.into)
        self.receiver = self._open(self.out_of)
        self.numbers = set()
        self.repeated = 0
        self.gap = 0.0
        self.last = start = time.monotonic()
        sent = 0
        due = start
        while self.running():
            for _ in range(self.BURST):
                try:
                    sender.send(self.header + struct.pack("!I", sent)
                                + bytes(46))
                except (BlockingIOError, OSError):
                    break       # Not sent: the device's queue is full.
                sent += 1
            self._drain()
            due = max(due + self.PERIOD, time.monotonic())
            time.sleep(max(0, due - time.monotonic()))
        seconds = time.monotonic() - start
        deadline = time.monotonic() + self.PATIENCE
        while len(self.numbers) < sent and time.monotonic() < deadline:
            self._drain()
            time.sleep(0.001)
        return sent, len(self.numbers), self.repeated, self.gap, seconds


class BareClient:
    """The program bare-idl."""

    def __init__(self, program, remote):
        self.process = subprocess.Popen(
            [program, remote], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True)

    def memory(self, n_rows):
        """Waits until it has 'n_rows' MACs, and returns what it takes."""
        self.process.stdin.write(f"{n_rows}\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()
