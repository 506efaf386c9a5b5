# SPDX-License-Identifier: Apache-2.0
"""A hypervisor: ovsdb-server and ovs-vswitchd in a namespace.

Both come out of one installed prefix and keep everything else (database,
sockets, logs) in the lab's directory, so any number run side by side, beside
the machine's own.
"""

import contextlib
import json
import os
import re
import signal

from .namespaces import LabError, run, wait_for

BRIDGE = "br-ov"
DPDK_ARGUMENTS = "--no-huge --legacy-mem --no-pci --no-telemetry -m 1024"
LOCK_LOST = "another ovs-vswitchd process is running"

# Warnings that are no fault of a daemon: a busy machine, and a client of the
# control socket that gave up.
HARMLESS = (
    r"\|timeval(\(\w+\))?\|WARN\|",
    r"\|ovs_rcu(\(\w+\))?\|WARN\|blocked 1\d\d\d ms waiting for",
    r"\|(jsonrpc|reconnect)\|WARN\|unix#\d+: .*"
    r"(Connection reset by peer|Broken pipe)",
)

# What DPDK finds worth a warning: drivers without offloads, and VMs that come
# and go.
DPDK_SAYS = (
    r"\|netdev_dpdk(\(\w+\))?\|WARN\|Rx checksum offload is not supported",
    r"\|netdev_dpdk(\(\w+\))?\|WARN\|.* does not support MTU configuration",
    r"\|dpdk(\(\w+\))?\|(WARN|ERR)\|VHOST_CONFIG: ",
)


class Hypervisor:
    """Two daemons.  'addresses' are those of the bridge's LOCAL port, once
    Fabric has made the bridge."""

    def __init__(self, lab, name, prefix):
        self.lab = lab
        self.name = name
        self.prefix = prefix
        self.namespace = lab.namespace(name)
        self.namespace.without_ipv6()
        self.directory = lab.path(name + ".d")
        os.mkdir(self.directory)
        self.environment = dict(
            os.environ, OVS_RUNDIR=self.directory, OVS_DBDIR=self.directory,
            OVS_LOGDIR=self.directory, OVS_SYSCONFDIR=self.directory,
            RUNTIME_DIRECTORY=self.directory,       # DPDK's.
            OVS_PKGDATADIR=os.path.join(prefix, "share/openvswitch"),
            PATH="%s/bin:%s/sbin:%s" % (prefix, prefix, os.environ["PATH"]))
        self.addresses = {}             # Of LOCAL: {family: address}.
        self.vtep = None                # The preferred one of them.
        self.hwaddr = None              # MAC address of LOCAL.
        self.uplink = "veth"            # Kind of port, see fabric.INTERFACES.
        self.dpdk = False
        self.database = None
        self.switch = None

    @property
    def uplink_port(self):
        return "eth1" if self.uplink == "veth" else "uplink"

    @property
    def ip(self):
        """The host's address, as a VM has one."""
        return self.vtep

    # Daemons.

    def start_database(self):
        """Starts ovsdb-server, with an empty database the first time."""
        database = os.path.join(self.directory, "conf.db")
        if not os.path.exists(database):
            run(self.prefix + "/bin/ovsdb-tool", "create", database,
                self.prefix + "/share/openvswitch/vswitch.ovsschema",
                env=self.environment)
        self.database = self._daemon(
            "ovsdb-server", database,
            "--remote=punix:%s/db.sock" % self.directory)
        self.vsctl("--no-wait", "init")

    def enable_dpdk(self):
        """Before the switch is started.  Needs no huge pages and no device;
        what DPDK keeps in files is in our directory."""
        self.dpdk = True
        self.vsctl("--no-wait", "set", "Open_vSwitch", ".",
                   "other_config:dpdk-init=true",
                   "other_config:dpdk-extra=\"%s\"" % DPDK_ARGUMENTS,
                   # Small pools, which are made in no time.
                   "other_config:per-port-memory=true",
                   # PMD threads that poll would take all of a small machine.
                   "other_config:pmd-maxsleep=500")

    def start_switch(self, *options):
        self.switch = self._daemon("ovs-vswitchd", *options,
                                   "unix:%s/db.sock" % self.directory)

    def kill_database(self, how=signal.SIGKILL):
        self.lab.end(self.database, how)

    def kill_switch(self, how=signal.SIGKILL):
        self.lab.end(self.switch, how)

    @contextlib.contextmanager
    def stolen_lock(self):
        """Another client has the database lock of ovs-vswitchd meanwhile,
        which destroys its bridges and stops configuring anything."""
        thief = self.lab.spawn(
            [os.path.join(self.prefix, "bin/ovsdb-client"), "steal",
             "unix:%s/db.sock" % self.directory, "ovs_vswitchd"])
        try:
            wait_for(lambda: not self.has_bridge(),
                     "%s to lose its lock" % self.name)
            yield
        finally:
            self.lab.end(thief)

    def has_bridge(self):
        """True if ovs-vswitchd, not only the database, has the bridge."""
        return run(self.prefix + "/bin/ovs-appctl", "bridge/dump-flows",
                   BRIDGE, env=self.environment, check=False).returncode == 0

    def _daemon(self, name, *arguments):
        for left in (name + ".pid", "db.sock") if name == "ovsdb-server" \
                else (name + ".pid",):
            if os.path.lexists(os.path.join(self.directory, left)):
                os.unlink(os.path.join(self.directory, left))
        daemon = self.lab.spawn(
            [os.path.join(self.prefix, "sbin", name), "--pidfile",
             "--log-file", "-vconsole:off", *arguments],
            namespace=self.namespace, env=self.environment,
            output="%s.d/%s.out" % (self.name, name))

        def answers():
            if daemon.poll() is not None:
                raise LabError("%s: %s ended with status %d\n%s" % (
                    self.name, name, daemon.returncode,
                    self.text_of(name + ".out") + self.log(name)))
            return run(self.prefix + "/bin/ovs-appctl", "-t", name,
                       "version", check=False,
                       env=self.environment).returncode == 0

        wait_for(answers, "%s of %s" % (name, self.name), timeout=30)
        return daemon

    # Commands.

    def ctl(self, program, *words, **kwargs):
        __tracebackhide__ = True
        done = run(os.path.join(self.prefix, "bin", program),
                   "--timeout=20", *words, env=self.environment, **kwargs)
        return done.stdout

    def vsctl(self, *words, **kwargs):
        return self.ctl("ovs-vsctl", *words, **kwargs)

    def overlay_ctl(self, *words, **kwargs):
        return self.ctl("overlay-ctl", *words, **kwargs)

    def appctl(self, *words, **kwargs):
        return self.ctl("ovs-appctl", *words, **kwargs)

    def ofctl(self, *words, **kwargs):
        return self.ctl("ovs-ofctl", *words, **kwargs)

    # What it says about itself.

    def counters(self):
        return json.loads(self.appctl("overlay/counters", "--json"))

    def totals(self):
        counters = self.counters()
        return counters.get("totals", counters)

    def vteps(self):
        """A dictionary per VTEP: "vtep", "state", "next_hop", ..."""
        return json.loads(self.appctl("overlay/vteps", "--json"))

    def vtep_is_up(self, address):
        return any(vtep["vtep"] == address and vtep["state"] == "up"
                   for vtep in self.vteps())

    def drops(self, reason=None, **where):
        """Number of packets dropped under 'reason', or under each as a
        dictionary."""
        sums = {}
        for drop in json.loads(self.appctl("overlay/drops", "--json")):
            if all(drop[key] == value for key, value in where.items()):
                sums[drop["reason"]] = sums.get(drop["reason"], 0) \
                    + int(drop["packets"])
        return sums if reason is None else sums.get(reason, 0)

    def conserved(self):
        """True if every packet that came in is accounted for."""
        totals = self.totals()
        came = sum(totals[key] for key in
                   ("received", "replicated", "generated"))
        went = sum(totals[key] for key in ("sent", "consumed", "dropped"))
        return came == went

    def footprint(self):
        """What ovs-vswitchd holds that must not become more: descriptors,
        threads, files it made, packet buffers in use."""
        proc = "/proc/%d/" % self.switch.pid
        descriptors = len(os.listdir(proc + "fd"))
        threads = []
        for thread in os.listdir(proc + "task"):
            with contextlib.suppress(FileNotFoundError), \
                    open(proc + "task/%s/comm" % thread,
                         encoding="ascii") as file:
                threads.append(re.sub(r"(/\d+|(?<=[a-z])\d+)$", "",
                                      file.read().strip()))
        # The C library's threads for asynchronous writes come and go, under
        # the name of a thread that writes; a control socket of a killed
        # daemon has the daemon's number.
        return {
            "descriptors": descriptors,
            "threads": sorted(set(threads)),
            "files": sorted(name for _, _, files in os.walk(self.directory)
                            for name in files
                            if not re.search(r"\.\d+\.ctl$", name)),
            "mbufs": self.mbufs_in_use() if self.dpdk else 0,
        }

    def mbufs_in_use(self):
        fields = re.findall(r"^\s*(populated_size|total_cache_count"
                            r"|common_pool_count)=(\d+)$",
                            self.appctl("netdev-dpdk/get-mempool-info"),
                            re.MULTILINE)
        return sum(int(value) if name == "populated_size" else -int(value)
                   for name, value in fields)

    def resident(self):
        """Resident memory of ovs-vswitchd in bytes."""
        with open("/proc/%d/statm" % self.switch.pid,
                  encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def interface_errors(self):
        """The errors of interfaces, as text."""
        return [row[0] for row in json.loads(self.vsctl(
            "--no-wait", "--format=json", "--columns=error", "find",
            "Interface", "error!=[]"))["data"]]

    def status(self):
        """The bridge's overlay_status."""
        return _map(self.vsctl("--no-wait", "--format=json", "--columns=" +
                               "overlay_status", "list", "Bridge", BRIDGE))

    def text_of(self, name):
        try:
            with open(os.path.join(self.directory, name), encoding="utf-8",
                      errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def log(self, daemon="ovs-vswitchd"):
        return self.text_of(daemon + ".log")

    def complaints(self, expected=()):
        """Lines of the logs that warn of something, but for those that match
        one of the regular expressions 'expected'."""
        lines = (self.log() + self.log("ovsdb-server")).splitlines()
        lines += self.text_of("ovs-vswitchd.out").splitlines()
        return [line for line in lines
                if re.search(r"\|(WARN|ERR|EMER)\||Sanitizer", line)
                and not any(re.search(e, line)
                            for e in (*HARMLESS, *DPDK_SAYS, *expected))]


def _map(text):
    value = json.loads(text)["data"][0][0]
    return dict(value[1])
