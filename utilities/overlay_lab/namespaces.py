# SPDX-License-Identifier: Apache-2.0
"""Namespaces and processes, and their removal.

A Lab removes exactly what it made: namespaces by name, processes by process
ID together with their start time, so that a number that the kernel has used
again meanwhile is left alone.  What it made is written to 'state.json' in its
directory before it is used, which is how a later process can remove it
(Lab.load(directory).close()) if this one could not.
"""

import contextlib
import ctypes
import glob
import json
import os
import shutil
import signal
import socket
import subprocess
import time

LABS = "/run/overlay-lab"
CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


class LabError(Exception):
    """A command or a wait failed; the text says which and how."""


def run(*command, check=True, timeout=30, **kwargs):
    """Runs 'command' to its end and returns the CompletedProcess."""
    __tracebackhide__ = True            # pytest: the environment is in here.
    command = [str(word) for word in command]
    kwargs.setdefault("stdin", subprocess.DEVNULL)
    try:
        done = subprocess.run(command, text=True, capture_output=True,
                              timeout=timeout, check=False, **kwargs)
    except subprocess.TimeoutExpired as error:
        raise LabError("%s: no end after %g s\n%s%s" % (
            " ".join(command), timeout, _text(error.stdout),
            _text(error.stderr))) from None
    if check and done.returncode:
        raise LabError("%s: exit status %d\n%s%s" % (
            " ".join(command), done.returncode, done.stdout, done.stderr))
    return done


def wait_for(condition, what, timeout=10, interval=0.02, on_timeout=None):
    """Calls 'condition' until its value is true, and returns that value.
    What 'on_timeout' returns is told when that does not happen."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            more = ": %s" % (on_timeout(),) if on_timeout else ""
            raise LabError("waited %g s in vain for %s%s"
                           % (timeout, what, more))
        time.sleep(interval)


class Lab:
    """What was made, so that it can be removed."""

    def __init__(self, tag="lab", survive=False):
        """Namespaces will be called 'tag'<process ID>-<role>.  'survive' says
        that processes are to go on when this one dies."""
        self.name = "%s%d" % (tag, os.getpid())
        self.directory = os.path.join(LABS, self.name)
        self.survive = survive
        self._made = {"maker": [os.getpid(), _start_time(os.getpid())],
                      "namespaces": [], "processes": []}
        self._popen = {}
        os.makedirs(self.directory)
        self._save()

    @classmethod
    def load(cls, directory):
        """The lab that another process left in 'directory'."""
        lab = cls.__new__(cls)
        lab.name = os.path.basename(directory)
        lab.directory = directory
        lab._popen = {}
        with open(os.path.join(directory, "state.json"),
                  encoding="utf-8") as file:
            lab._made = json.load(file)
        return lab

    @classmethod
    def left_behind(cls, tag):
        """The labs of 'tag' that are still there though the processes that
        made them are not."""
        for directory in sorted(glob.glob(os.path.join(LABS, tag + "*"))):
            try:
                lab = cls.load(directory)
            except FileNotFoundError:   # Killed before it made anything.
                shutil.rmtree(directory, ignore_errors=True)
                continue
            pid, start = lab._made["maker"]
            if _start_time(pid) != start:
                yield lab

    def path(self, *parts):
        return os.path.join(self.directory, *parts)

    def namespace(self, role):
        name = "%s-%s" % (self.name, role)
        if not os.path.exists("/run/netns/" + name):
            self._made["namespaces"].append(name)
            self._save()
        run("ip", "netns", "add", name)
        namespace = Namespace(name)
        namespace.ip("link set lo up")
        return namespace

    def remove_namespace(self, namespace):
        run("ip", "netns", "del", namespace.name)
        self._made["namespaces"].remove(namespace.name)
        self._save()

    def spawn(self, command, namespace=None, output=None, **kwargs):
        """Starts 'command' and returns its Popen.  'output' names a file in
        the lab's directory."""
        command = [str(word) for word in command]
        if namespace:
            command = ["ip", "netns", "exec", namespace.name] + command
        if not self.survive:
            command = ["setpriv", "--pdeathsig", "KILL"] + command
        with _uninterrupted(), \
                open(self.path(output) if output else os.devnull,
                     "ab") as log:
            # In a session of its own it does not get the user's Ctrl-C,
            # which would end daemons in the midst of an orderly removal.
            child = subprocess.Popen(command, stdin=subprocess.DEVNULL,
                                     stdout=log, stderr=subprocess.STDOUT,
                                     start_new_session=True, **kwargs)
            self._popen[child.pid] = child
            self._made["processes"].append([child.pid,
                                            _start_time(child.pid)])
            self._save()
        return child

    def end(self, child, how=signal.SIGTERM, timeout=5):
        """Ends the process that spawn() returned."""
        if child.poll() is None:
            child.send_signal(how)
        try:
            child.wait(timeout)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait(timeout)
        self._popen.pop(child.pid, None)
        self._made["processes"] = [made for made in self._made["processes"]
                                   if made[0] != child.pid]
        self._save()

    def close(self):
        """Removes everything.  Not to be interrupted."""
        with _uninterrupted():
            for how in signal.SIGTERM, signal.SIGKILL:
                for pid, _ in self._alive():
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, how)
                deadline = time.monotonic() + 3
                while self._alive() and time.monotonic() < deadline:
                    time.sleep(0.01)
            for name in self._made["namespaces"]:
                if os.path.exists("/run/netns/" + name):
                    run("ip", "netns", "del", name, check=False)
            shutil.rmtree(self.directory, ignore_errors=True)
            with contextlib.suppress(OSError):
                os.rmdir(LABS)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _alive(self):
        for child in self._popen.values():
            child.poll()                # Or it would stay as a zombie.
        return [(pid, start) for pid, start in self._made["processes"]
                if start and _start_time(pid) == start]

    def _save(self):
        temporary = self.path("state.json.new")
        with open(temporary, "w", encoding="utf-8") as file:
            json.dump(self._made, file)
        os.replace(temporary, self.path("state.json"))


class Namespace:
    """A network namespace."""

    def __init__(self, name):
        self.name = name

    def run(self, *command, **kwargs):
        return run("ip", "netns", "exec", self.name, *command, **kwargs)

    def ip(self, *lines):
        """Runs ip(8) with each of 'lines' in here, all at once."""
        return run("ip", "-n", self.name, "-batch", "-", stdin=None,
                   input="\n".join(lines) + "\n")

    def bridge(self, *words):
        return run("bridge", "-n", self.name, *words)

    def sysctl(self, **settings):
        """Sets net.* keys, '.' spelled '__': ipv4__ip_forward=1."""
        with self.entered():
            for key, value in settings.items():
                path = "/proc/sys/net/" + key.replace("__", "/")
                with open(path, "w", encoding="ascii") as file:
                    file.write(str(value))

    def without_ipv6(self):
        """Keeps the kernel from sending Router Solicitations and MLD, which
        would be counted with the frames that a test is about."""
        self.sysctl(ipv6__conf__all__disable_ipv6=1,
                    ipv6__conf__default__disable_ipv6=1)
        return self

    def socket(self, *args):
        """A socket that belongs to this namespace, for any thread."""
        with self.entered():
            return socket.socket(*args)

    @contextlib.contextmanager
    def entered(self):
        """The calling thread is in the namespace meanwhile."""
        with open("/proc/thread-self/ns/net", "rb") as home, \
                open("/run/netns/" + self.name, "rb") as there:
            _setns(there)
            try:
                yield
            finally:
                _setns(home)

    def mac(self, device):
        links = json.loads(run("ip", "-n", self.name, "-j", "link", "show",
                               "dev", device).stdout)
        return links[0]["address"]


def _setns(file):
    if _libc.setns(file.fileno(), CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


def _start_time(pid):
    """When 'pid' was started, in clock ticks; 0 if it is gone."""
    try:
        with open("/proc/%d/stat" % pid, encoding="utf-8",
                  errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return 0
    return 0 if fields[0] in "ZX" else int(fields[19])


def _text(output):
    return output.decode(errors="replace") if isinstance(output, bytes) \
        else output or ""


@contextlib.contextmanager
def _uninterrupted():
    """Signals that would end us wait for the end of the block."""
    came = []
    try:
        old = [(number, signal.signal(number, lambda n, _: came.append(n)))
               for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    except ValueError:                  # Not the main thread.
        old = []
    try:
        yield
    finally:
        for number, handler in old:
            signal.signal(number, handler)
        for number in came:
            os.kill(os.getpid(), number)
