# SPDX-License-Identifier: Apache-2.0
"""Real guests: QEMU, a Linux kernel, its virtio_net, behind a vhost-user port.

    guest's kernel ── virtio-net of QEMU ── socket, shared memory ── ovs-vswitchd

A Guest has what the lab's Vm has (addresses, port, hypervisor), so that the
Fabric plugs, binds and announces it; but no namespace: what it does, it is told
through a serial port, see "init".
"""

import base64
import os
import signal
import socket
import subprocess

from overlay_lab import LabError, wait_for

QEMU = "qemu-system-x86_64"
PREPARE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "prepare")

# A machine that emulates several guests and does other things besides.
PATIENCE = int(os.environ.get("OVL_TIMEOUT", "20")) * 3
MEMORY = 192                            # MiB


def prepare():
    """Returns the directory of kernel and initramfs, or why there is none."""
    done = subprocess.run([PREPARE], text=True, capture_output=True,
                          stdin=subprocess.DEVNULL, check=False)
    if done.returncode == 77:
        return None, done.stderr.strip()
    if done.returncode:
        raise LabError("%s: %s" % (PREPARE, done.stderr))
    return done.stdout.strip(), None


class Guest:
    """The guest with the addresses of number 'host' in 'subnet'.  'queues' are
    pairs of queues, and as many processors.  'device' are more settings of
    virtio-net-pci, such as "csum=off"."""

    kind = "vhost"

    def __init__(self, fabric, images, name, hypervisor, vni, host, subnet=1,
                 queues=1, device="", mtu=None):
        self.fabric = fabric
        self.images = images
        self.name = self.port = name
        self.hypervisor = hypervisor
        self.vni = vni
        self.queues = queues
        self.options = device
        self.mtu = mtu or fabric.inner_mtu
        self.mac = "52:54:00:00:00:%02x" % host
        self.ip = "10.%d.0.%d" % (subnet, 10 + host)
        self.ip6 = "fd%02d::%d" % (subnet - 1, 10 + host)
        self.gateway = "10.%d.0.1" % subnet
        self.gateway6 = "fd%02d::1" % (subnet - 1)
        self.process = None
        self._serial = None
        self._answers = b""
        self._number = 0
        self._command = ""

    def _path(self, what):
        return "%s/%s.%s" % (self.hypervisor.directory, self.name, what)

    def boot(self):
        """Starts QEMU; wait() for the guest."""
        for socket_path in self._path("sock"), self._path("tty"):
            if os.path.exists(socket_path):
                os.unlink(socket_path)  # Of one that was killed.
        net = "vhost-user,id=n0,chardev=c0,vhostforce=on"
        device = "virtio-net-pci,netdev=n0,mac=%s,vectors=0" % self.mac
        if self.queues > 1:
            net += ",queues=%d" % self.queues
            device += ",mq=on"
        self.process = self.fabric.spawn(
            [QEMU, "-M", "q35", "-accel", "tcg", "-cpu", "qemu64",
             "-m", MEMORY, "-smp", self.queues,
             "-object", "memory-backend-memfd,id=mem,size=%dM,share=on"
             % MEMORY, "-numa", "node,memdev=mem",
             "-display", "none", "-nodefaults",
             "-kernel", self.images + "/vmlinuz",
             "-initrd", self.images + "/initrd",
             "-append", "console=ttyS0 quiet panic=-1 mitigations=off",
             "-serial", "stdio",
             "-chardev", "socket,id=tty,path=%s,server=on,wait=off"
             % self._path("tty"), "-serial", "chardev:tty",
             "-chardev", "socket,id=c0,path=%s,server=on,wait=off"
             % self._path("sock"),
             "-netdev", net, "-device", device + self.options],
            output="%s.console" % self.name)
        # At once: what the guest says before is lost.
        self._connect()
        return self

    def wait(self):
        """Waits until it has booted, and gives it its addresses."""
        self._read_line()               # "ready"
        self.configure()
        return self

    def configure(self):
        self.run(
            "echo 0 > /proc/sys/net/ipv6/conf/eth0/accept_ra",
            "echo 0 > /proc/sys/net/ipv6/conf/eth0/accept_dad",
            "ip link set eth0 mtu %d up" % self.mtu,
            "ip addr add %s/24 dev eth0" % self.ip,
            "ip addr add %s/64 dev eth0" % self.ip6,
            "ip route add default via " + self.gateway,
            "ip -6 route add default via " + self.gateway6)

    def kill(self):
        self.fabric.end(self.process, signal.SIGKILL)
        self._serial.close()

    def reboot(self):
        """From inside: QEMU and the socket stay."""
        self._number += 1
        self._serial.sendall(b"%d reboot -f\n" % self._number)
        self._read_line()
        self.configure()

    # Through the serial port.

    def _connect(self):
        def connect():
            if self.process.poll() is not None:
                raise LabError("%s: QEMU ended with status %d\n%s" % (
                    self.name, self.process.returncode, self.console()))
            self._serial = socket.socket(socket.AF_UNIX)
            try:
                self._serial.connect(self._path("tty"))
                return True
            except OSError:
                self._serial.close()
                return False
        wait_for(connect, "QEMU of " + self.name)
        self._answers = b""

    def _read_line(self, patience=PATIENCE):
        self._serial.settimeout(patience)
        while b"\n" not in self._answers:
            try:
                data = self._serial.recv(65536)
            except socket.timeout:
                data = b""
            if not data:
                raise LabError("%s says no more\n%s" % (self.name,
                                                        self.console()))
            self._answers += data
        line, _, self._answers = self._answers.partition(b"\n")
        return line.decode().strip()

    def run(self, *commands, check=True, patience=PATIENCE):
        """Runs 'commands', of the shell, in the guest, and returns what they
        print, or None if one fails and 'check' is not set."""
        self.start(*commands)
        return self.finish(check, patience)

    def start(self, *commands):
        """The first half of run()."""
        self._number += 1
        self._command = " && ".join(commands)
        self._serial.sendall(("%d %s\n" % (self._number,
                                           self._command)).encode())

    def finish(self, check=True, patience=PATIENCE):
        """The second half."""
        words = self._read_line(patience).split(" ")
        if words[0] != str(self._number):
            raise LabError("%s: odd answer: %s" % (self.name, words))
        output = base64.b64decode("".join(words[2:])).decode(errors="replace")
        if words[1] != "0":
            if check:
                raise LabError("%s: %s: exit status %s\n%s" % (
                    self.name, self._command, words[1], output))
            return None
        return output

    def console(self):
        with open(self.fabric.path(self.name + ".console"),
                  encoding="utf-8", errors="replace") as file:
            return file.read()[-3000:]

    # What tests do with it.

    def pings(self, address, size=56, count=3):
        """True if each of 'count' echo requests is answered."""
        return self.run("ping -c %d -i 0.1 -W 5 -s %d %s"
                        % (count, size, address), check=False) is not None

    def reaches(self, address, timeout=PATIENCE):
        wait_for(lambda: self.run("ping -c 1 -W 1 " + address, check=False)
                 is not None, "%s to reach %s" % (self.name, address), timeout)

    def make_file(self, megabytes, name="file"):
        """Makes a file for others to fetch(); returns its checksum."""
        return self.run(
            "dd if=/dev/urandom of=/www/%s bs=1M count=%d 2> /dev/null"
            % (name, megabytes), "md5sum < /www/" + name).split()[0]

    def fetch(self, address, name="file"):
        """Gets a file by TCP from the guest at 'address' and returns its
        checksum."""
        host = "[%s]" % address if ":" in address else address
        return self.run("wget -q -O /tmp/got http://%s/%s" % (host, name),
                        "md5sum < /tmp/got", "rm /tmp/got").split()[0]
