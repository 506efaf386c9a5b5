# SPDX-License-Identifier: Apache-2.0

"""The two switches that are compared: the same daemon twice, once with an
overlay bridge and once with OVS's own datapath and OpenFlow rules that say the
same, each in a network namespace of its own.

            ours                              OVS's own (netdev)

    vm ── br-ov ── up ══ VTEPs        vm ── br-int ── vxlan
            │                                           ┊ tunnel
          LOCAL 192.0.2.1                   LOCAL ── br-phy ── up ══ VTEPs

vm and up are devices of class "bench", polled by one PMD thread on the same
core for both, one switch at a time.
"""

import ctypes
import json
import os
import re
import signal
import subprocess
import time

import observe
import packets
from ovl.process import Daemons, wait_until
from ovl.unixctl import UnixctlError

CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)

HUGEPAGES = "/proc/sys/vm/nr_hugepages"
POOL_MB = 96                    # Memory of one daemon in huge pages.


class SetupError(Exception):
    """The machine has not what is needed; says what to do."""


class Hugepages:
    """Reserves 'megabytes' for as long as the object is open."""

    def __init__(self, megabytes):
        self.n = 0
        with open("/proc/meminfo") as file:
            size = [int(line.split()[1]) for line in file
                    if line.startswith("Hugepagesize:")]
        if not size or not os.access(HUGEPAGES, os.W_OK):
            raise SetupError("this machine has no huge pages that could be "
                             "reserved; --malloc does without")
        n = megabytes * 1024 // size[0] + 4
        before, free = self._count(), self._free()
        self._set(before + n)
        self.n = self._count() - before
        if self._free() < free + n:
            self.close()
            raise SetupError(
                f"cannot reserve {n} huge pages: free memory is too little or "
                "in too small pieces.  \"echo 3 > /proc/sys/vm/drop_caches; "
                "echo 1 > /proc/sys/vm/compact_memory\" may help; --malloc "
                "does without huge pages")

    @staticmethod
    def _count():
        with open(HUGEPAGES) as file:
            return int(file.read())

    @staticmethod
    def _free():
        with open("/proc/meminfo") as file:
            return sum(int(line.split()[1]) for line in file
                       if line.startswith("HugePages_Free:"))

    @staticmethod
    def _set(n):
        with open(HUGEPAGES, "w") as file:
            file.write(str(n))

    def close(self):
        if self.n:
            self._set(max(0, self._count() - self.n))
            self.n = 0


class Window:
    """What PMD threads did in a while: packets sent, packets received by port,
    and by thread (packets received, seconds that it ran, seconds that it waited
    for a processor)."""

    def __init__(self, sent, by_port, threads):
        self.sent = sent
        self.by_port = by_port
        self.threads = [t for t in threads if t[0]]
        self.received = sum(t[0] for t in threads)
        self.ran = sum(t[1] for t in self.threads)
        self.waited = sum(t[2] for t in self.threads)

    @property
    def rate(self):
        """Packets that came out per second of CPU time, in millions."""
        return self.sent / self.ran / 1e6 if self.ran else 0

    @property
    def rate_together(self):
        """The same if threads do not take turns on a core."""
        rate = sum(n / ran for n, ran, _ in self.threads) / 1e6
        return rate * min(1, self.sent / max(self.received, 1))

    @property
    def share(self):
        """Share of the time that they wanted to run that they did."""
        return self.ran / (self.ran + self.waited) if self.ran else 0


class Side(Daemons):
    """One of the switches."""

    pool_mb = POOL_MB

    def __init__(self, directory, options):
        super().__init__(directory, options.prefix)
        self.options = options
        self.ports = []
        os.makedirs(self.dir, exist_ok=True)

    def program(self, name):
        if name == "ovs-vswitchd":
            return self.options.daemon
        return super().program(name)

    def start(self, *args):
        """Starts ovs-vswitchd, in a namespace of its own: LOCAL is a tap."""
        def preexec():
            if LIBC.unshare(CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "unshare")
            LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)

        with open(f"{self.dir}/ovs-vswitchd.stderr", "ab") as stderr:
            self.process = subprocess.Popen(
                [self.program("ovs-vswitchd"), f"unix:{self.dir}/db.sock",
                 "--log-file", "-vsyslog:off", "-vconsole:off",
                 f"--pidfile={self.dir}/ovs-vswitchd.pid", *args],
                env=self.env, stderr=stderr, preexec_fn=preexec)
        self.connect()

    def bring_up(self, mask):
        self.create_db()
        self.start_db()
        settings = [f"other_config:pmd-cpu-mask={mask:#x}"]
        if not self.options.malloc:
            extra = ("--in-memory --no-pci --file-prefix=ovl-bench-"
                     f"{os.getpid()}-{self.name}")
            settings += ["other_config:dpdk-init=true",
                         f"other_config:dpdk-extra=\"{extra}\"",
                         f"other_config:dpdk-socket-mem=\"{self.pool_mb}\"",
                         "other_config:dpdk-socket-limit="
                         f"\"{self.pool_mb}\""]
        self.vsctl("--no-wait", "set", "Open_vSwitch", ".", *settings)
        self.start()
        wait_until(lambda: self.process.poll() is not None
                   or "|INFO|ovs-vswitchd (Open vSwitch)" in
                   self.log_since_mark(), "ovs-vswitchd does not start")
        if self.process.poll() is not None:
            raise SetupError("ovs-vswitchd exits: " + "; ".join(
                line.split("|", 2)[2] for line in
                self.log_since_mark().splitlines()
                if "|ERR|" in line or "|EMER|" in line))
        self.configure()
        return self

    def ip(self, *words):
        subprocess.run(["nsenter", f"--net=/proc/{self.process.pid}/ns/net",
                        "ip", *words], check=True)

    def set_underlay(self, bridge):
        """Gives LOCAL of 'bridge' its address, and the next hop to all VTEPs
        its MAC."""
        self.ip("addr", "add", f"{packets.OWN_VTEP}/24", "dev", bridge)
        self.ip("link", "set", bridge, "up")
        self.ip("route", "add", "198.18.0.0/15", "via", packets.GATEWAY)
        wait_until(lambda: "198.18.0.0/15" in self.appctl("ovs/route/show"),
                   "no route to the VTEPs")
        self.appctl("tnl/neigh/set", bridge, packets.GATEWAY,
                    packets.mac_text(packets.GATEWAY_MAC))

    def device(self, port, n_rxq=1):
        """What Interface 'port' is, in words of ovs-vsctl."""
        return ["type=bench", f"options:n_rxq={n_rxq}"]

    # Traffic.

    def load(self, port, path):
        self.appctl("bench/load", port, path)

    def stats(self):
        return json.loads(self.appctl("bench/stats"))

    def pause(self):
        self.appctl("bench/pause")

    def resume(self):
        """Lets a switch work that could not be paused, but stopped."""

    def run_ports(self, ports, *flags):
        """'ports': a name, or names with flags of their own."""
        if isinstance(ports, str):
            ports = {ports: ()}
        for port, own in ports.items():
            self.appctl("bench/run", *flags, *own, port)

    @staticmethod
    def sent(stats):
        return sum(port["sent"] for port in stats["ports"].values())

    def once(self, port, n, flags=(), timeout=120):
        """Sends 'n' images and waits until all were received and nothing is
        sent any more.  Returns how many were sent."""
        before = self.stats()
        self.run_ports(port, f"--limit={n}", *flags)

        def received():
            now = self.stats()["ports"][port]["rxqs"]
            return sum(q["packets"] for q in now) - sum(
                q["packets"] for q in before["ports"][port]["rxqs"]) >= n
        wait_until(received, "the generator does not come to an end", timeout)
        wait_until(lambda: self.sent(self.stats()) - self.sent(before) >= n
                   or time.sleep(0.2) or True, "")
        self.pause()
        return self.sent(self.stats()) - self.sent(before)

    def capture(self, ports, out, n):
        """Sends 'n' images of each of 'ports' once; returns the frames that
        leave through 'out'."""
        path = f"{self.dir}/{out}.pcap"
        self.appctl("bench/capture", out, path)
        for port in [ports] if isinstance(ports, str) else ports:
            self.once(port, n)
        self.appctl("bench/capture", out, "off")
        frames = packets.read_pcap(path)
        os.unlink(path)
        return frames

    def window(self, ports, seconds, *flags, settle=0.05):
        """Lets 'ports' generate for a while."""
        self.run_ports(ports, *flags)
        time.sleep(settle)
        wait_until(lambda: any(port in ports
                               for port, _ in self._snapshot()[1]),
                   "nobody polls the generator")
        first = self._snapshot()
        time.sleep(seconds)
        last = self._snapshot()
        self.pause()
        threads, by_port = {}, {}
        for key, (n, tid, ran, waited) in last[1].items():
            before = first[1][key]
            thread = threads.setdefault(tid, [0, ran - before[2],
                                              waited - before[3]])
            thread[0] += n - before[0]
            by_port[key[0]] = by_port.get(key[0], 0) + n - before[0]
        return Window(last[0] - first[0], by_port, list(threads.values()))

    def _snapshot(self):
        """Packets sent, and by receive queue that is polled: packets, thread,
        its times."""
        stats = self.stats()
        queues = {}
        for name, port in stats["ports"].items():
            for i, queue in enumerate(port["rxqs"]):
                if queue["tid"]:
                    queues[name, i] = (
                        queue["packets"], queue["tid"], queue["cpu_ns"] / 1e9,
                        observe.thread_times(self.process.pid,
                                             queue["tid"])[1])
        return self.sent(stats), queues


class Ours(Side):
    name = "ours"

    def forget(self):
        """Has no flow caches to empty."""

    def configure(self):
        self.vsctl("add-br", "br-ov", "--", "set", "Bridge", "br-ov",
                   "datapath_type=overlay",
                   f"overlay_vtep_ips={packets.OWN_VTEP}",
                   "overlay_uplinks=up", "other_config:hwaddr=\""
                   + packets.mac_text(packets.LOCAL_MAC) + "\"",
                   "--", "add-port", "br-ov", "up", "--", "set", "Interface",
                   "up", *self.device("up"), "--",
                   "create", "Overlay_Network", f"vni={packets.VNI}")
        self.set_underlay("br-ov")

    def add_vm(self, port="vm", mac=packets.VM_MAC, n_rxq=1):
        self.vsctl("add-port", "br-ov", port, "--", "set", "Interface", port,
                   *self.device(port, n_rxq), "--", "set",
                   "Port", port, f"overlay_vni={packets.VNI}",
                   f'overlay_addresses="{packets.mac_text(mac)}"')


class Netdev(Side):
    """OVS's own datapath."""

    name = "netdev"

    def configure(self):
        hwaddr = ("other_config:hwaddr=\""
                  + packets.mac_text(packets.LOCAL_MAC) + "\"")
        self.vsctl(
            "add-br", "br-phy", "--", "set", "Bridge", "br-phy",
            "datapath_type=netdev", "fail_mode=secure", hwaddr, "--",
            "add-port", "br-phy", "up", "--", "set", "Interface", "up",
            *self.device("up"), "ofport_request=1", "--",
            "add-br", "br-int", "--", "set", "Bridge", "br-int",
            "datapath_type=netdev", "fail_mode=secure", "--",
            "add-port", "br-int", "vxlan", "--", "set", "Interface",
            "vxlan", "type=vxlan", "options:remote_ip=flow",
            "options:key=flow", "ofport_request=100")
        self.flows("br-phy", ["in_port=1,actions=LOCAL",
                              "in_port=LOCAL,actions=1"])
        self.set_underlay("br-phy")

    def add_vm(self, port="vm", mac=packets.VM_MAC, n_rxq=1):
        number = {"vm": 1, "scan": 2}[port]
        self.vsctl("add-port", "br-int", port, "--", "set", "Interface",
                   port, *self.device(port, n_rxq),
                   f"ofport_request={number}")

    def flows(self, bridge, lines):
        path = f"{self.dir}/flows"
        with open(path, "w") as file:
            file.write("\n".join(lines) + "\n")
        subprocess.run([self.program("ovs-ofctl"), "-O", "OpenFlow14",
                        "--bundle", "add-flows", f"{self.dir}/{bridge}.mgmt",
                        path], check=True, env=self.tool_env,
                       stdout=subprocess.DEVNULL)

    def forget(self):
        """Empties the flow caches."""
        self.appctl("revalidator/purge")

    def settle(self, ports, n):
        """Generates until 'n' flows fit: their limit is low in a daemon that
        has just started, and grows."""
        for _ in range(60):
            self.window(ports, 0.5, settle=0)
            limit = re.search(r"\(limit (\d+)\)", self.appctl("upcall/show"))
            if int(limit.group(1)) > n + 1000:
                break
        self.window(ports, 0.5)


# Ways to set OVS's datapath up; the fastest is taken, case by case.  Those
# without AVX-512 where there is none.



VARIANTS = {
    "emc, inverse probability 100 (default)": (100, False, False),
    "emc": (1, False, False),
    "emc+smc": (1, True, False),
    "smc": (0, True, False),
    "emc, avx512": (1, False, True),
    "emc+smc, avx512": (1, True, True),
    "smc, avx512": (0, True, True),
}
QUICK_VARIANTS = ["emc", "smc", "emc, avx512", "smc, avx512"]


def apply_variant(side, name):
    """Returns false if the machine cannot."""
    emc, smc, avx512 = VARIANTS[name]
    side.vsctl("set", "Open_vSwitch", ".",
               f"other_config:emc-insert-inv-prob={emc}",
               f"other_config:smc-enable={str(smc).lower()}")
    try:
        side.appctl("dpif-netdev/dpif-impl-set",
                    "dpif_avx512" if avx512 else "dpif_scalar")
        side.appctl("dpif-netdev/subtable-lookup-prio-set", "avx512_gather",
                    5 if avx512 else 0)
        side.appctl("dpif-netdev/miniflow-parser-set",
                    "avx512_vbmi_ipv4_udp" if avx512 else "scalar")
        side.appctl("odp-execute/action-impl-set",
                    "avx512" if avx512 else "scalar")
    except UnixctlError:
        return not avx512
    return True
