# SPDX-License-Identifier: Apache-2.0

"""ovsdb-server and ovs-vswitchd in a directory of their own.

Everything that a daemon says is a result: a test fails at its end if there is
a warning in the log that it did not announce, a line from a sanitizer, or no
process any more.
"""

import ctypes
import os
import re
import shutil
import signal
import subprocess
import time

from .unixctl import Unixctl

PREFIX = os.environ.get("OVL_PREFIX", "/usr/local")

# Everything waits for a condition, and gives up after this many seconds.  A
# sanitizer makes the daemon several times slower.
TIMEOUT = float(os.environ.get("OVL_TIMEOUT", "20"))

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)

# Lines at level WARN and above that are no fault of ours.
ALWAYS_ALLOWED = [
    r"ovs_numa\|",
    # A busy machine: tests say nothing about time.
    r"\|timeval(\(\w+\))?\|WARN\|",
    r"\|ovs_rcu(\(\w+\))?\|WARN\|blocked 1000 ms waiting for",
    # A client of the control socket that gave up.
    r"\|(jsonrpc|reconnect)\|WARN\|unix#\d+: .*Connection reset by peer",
]

# What was on its way to a server that a test has stopped.
SERVER_STOPPED = [
    r"\|jsonrpc(\(\w+\))?\|WARN\|.*db\.sock: send error: Broken pipe",
]


def wait_until(condition, what, timeout=None):
    """Waits until 'condition()' is true and returns its value."""
    deadline = time.monotonic() + (timeout or TIMEOUT)
    pause = 0.001
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"timeout: {what}")
        time.sleep(pause)
        pause = min(pause * 2, 0.02)


def _die_with_parent():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Daemons:
    """ovsdb-server, started by start_db(), and ovs-vswitchd, by start()."""

    def __init__(self, directory, prefix=PREFIX):
        self.dir = str(directory)
        self.prefix = prefix
        self.db_process = None
        self.process = None
        self.appctl = None
        self.log_offset = 0
        self.allowed = []           # In the log.
        self.env = dict(
            os.environ,
            OVS_RUNDIR=self.dir, OVS_DBDIR=self.dir, OVS_LOGDIR=self.dir,
            OVS_PKGDATADIR=f"{prefix}/share/openvswitch",
            ASAN_OPTIONS=f"log_path={self.dir}/sanitizer:detect_leaks=1:"
                         "abort_on_error=0",
            UBSAN_OPTIONS=f"log_path={self.dir}/sanitizer:"
                          "print_stacktrace=1",
            LSAN_OPTIONS="suppressions="
                         + os.path.join(os.path.dirname(__file__),
                                        "lsan.supp"),
            PATH=f"{prefix}/bin:{prefix}/sbin:{os.environ['PATH']}")
        # A sanitizer is for the daemon; the utilities leak on purpose.
        self.tool_env = dict(self.env, ASAN_OPTIONS="detect_leaks=0")

    # Life and death.

    def program(self, name):
        for directory in "sbin", "bin":
            path = f"{self.prefix}/{directory}/{name}"
            if os.path.exists(path):
                return path
        raise FileNotFoundError(f"{name} is not in {self.prefix} "
                                "(set OVL_PREFIX)")

    def create_db(self, name="conf.db"):
        path = f"{self.dir}/{name}"
        if os.path.exists(path):
            os.unlink(path)
        subprocess.run(
            [self.program("ovsdb-tool"), "create", path,
             f"{self.prefix}/share/openvswitch/vswitch.ovsschema"],
            check=True, env=self.tool_env)

    def start_db(self, name="conf.db"):
        with open(f"{self.dir}/ovsdb-server.stderr", "ab") as stderr:
            self.db_process = subprocess.Popen(
                [self.program("ovsdb-server"), f"{self.dir}/{name}",
                 f"--remote=punix:{self.dir}/db.sock", "--log-file", "-vsyslog:off", "-vconsole:off"],
                env=self.env, stderr=stderr, preexec_fn=_die_with_parent)
        wait_until(lambda: self.vsctl("--no-wait", "init",
                                      check=False).returncode == 0,
                   "ovsdb-server does not start")

    def stop_db(self, sig=signal.SIGTERM):
        self.allowed = SERVER_STOPPED
        self.db_process.send_signal(sig)
        self.db_process.wait(TIMEOUT)
        self.db_process = None

    def start(self, *args):
        with open(f"{self.dir}/ovs-vswitchd.stderr", "ab") as stderr:
            self.process = subprocess.Popen(
                [self.program("ovs-vswitchd"), f"unix:{self.dir}/db.sock",
                 "--enable-dummy", "--disable-system",
                 "--disable-system-route", "--log-file", "-vsyslog:off",
                 "-vconsole:off",
                 f"--pidfile={self.dir}/ovs-vswitchd.pid", *args],
                env=self.env, stderr=stderr, preexec_fn=_die_with_parent)
        self.connect()

    def connect(self):
        path = f"{self.dir}/ovs-vswitchd.{self.process.pid}.ctl"

        def try_to_connect():
            assert self.process.poll() is None, (
                f"ovs-vswitchd exits with {self.process.returncode}: "
                + self.read("ovs-vswitchd.stderr")
                + self.read("ovs-vswitchd.log"))
            try:
                return Unixctl(path, TIMEOUT)
            except OSError:
                return None

        self.appctl = wait_until(try_to_connect,
                                 "ovs-vswitchd does not answer")

    def another_appctl(self):
        """A second client, for a thread of the test."""
        return Unixctl(f"{self.dir}/ovs-vswitchd.{self.process.pid}.ctl",
                       TIMEOUT)

    def stop(self):
        """Stops ovs-vswitchd in an orderly way, so that leaks show."""
        if self.process and self.process.poll() is None:
            try:
                self.appctl("exit", "--cleanup")
            except ConnectionError:
                pass
            self.appctl.close()
            self.process.wait(TIMEOUT)
        self.process = None

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process = None

    def destroy(self):
        """Stops both and checks what they leave behind."""
        status = 0
        process = self.process
        if process:
            self.stop()
            status = process.returncode
        if self.db_process:
            self.stop_db()
        self.check_sanitizers()
        assert status == 0, f"ovs-vswitchd exits with {status}"
        shutil.rmtree(self.dir, ignore_errors=True)

    # Tools.

    def run(self, program, *args, check=True):
        """Runs one of our tools; returns what it prints."""
        result = subprocess.run(
            [self.program(program), *map(str, args)], env=self.tool_env,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            timeout=TIMEOUT + 10)
        if check and result.returncode:
            raise AssertionError(f"{program} {' '.join(map(str, args))}: "
                                 f"{result.stderr.strip()}")
        return result if not check else result.stdout

    def vsctl(self, *args, check=True):
        return self.run("ovs-vsctl", f"--timeout={TIMEOUT:.0f}", *args,
                        check=check)

    def overlay_ctl(self, *args, check=True):
        return self.run("overlay-ctl", f"--timeout={TIMEOUT:.0f}", *args,
                        check=check)

    # Checks.

    def read(self, name):
        try:
            with open(f"{self.dir}/{name}", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def log_since_mark(self):
        try:
            with open(f"{self.dir}/ovs-vswitchd.log", "rb") as file:
                file.seek(self.log_offset)
                return file.read().decode(errors="replace")
        except FileNotFoundError:
            return ""

    def mark_log(self):
        try:
            self.log_offset = os.stat(f"{self.dir}/ovs-vswitchd.log").st_size
        except FileNotFoundError:
            self.log_offset = 0

    def check_log(self, allowed=()):
        """No warning since mark_log() but those that match 'allowed'."""
        log = self.log_since_mark()
        self.mark_log()
        patterns = [re.compile(p)
                    for p in [*ALWAYS_ALLOWED, *self.allowed, *allowed]]
        bad = [line for line in log.splitlines()
               if re.search(r"\|(WARN|ERR|EMER)\|", line)
               and not any(p.search(line) for p in patterns)]
        assert not bad, "unexpected in the log:\n" + "\n".join(bad)

    def check_sanitizers(self):
        for name in sorted(os.listdir(self.dir)):
            if name.startswith("sanitizer") or name.endswith(".stderr"):
                text = self.read(name)
                assert not re.search(
                    r"Sanitizer|runtime error|ssertion.*failed", text), text

    def check_alive(self):
        assert self.process.poll() is None, (
            f"ovs-vswitchd died with status {self.process.returncode}:\n"
            + self.read("ovs-vswitchd.stderr")
            + self.log_since_mark()[-4000:])
        self.check_sanitizers()
