# SPDX-License-Identifier: Apache-2.0

"""Fixtures of the dpdk tier.  See README.md."""

import contextlib
import ctypes
import os
import re
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "../switch"))

import devices                                              # noqa: E402
from ovl import frames                                      # noqa: E402
from ovl.process import PREFIX, Daemons, wait_until         # noqa: E402
from ovl.switch import BRIDGE, Switch                       # noqa: E402

CLONE_NEWNET = 0x40000000
HUGEPAGES = "/proc/sys/vm/nr_hugepages"

# MiB, for one daemon.  OVS asks for a pool of 2**18 buffers of 3008 bytes, 752
# MiB, and is content with half of that.  The whole must not fit, or nothing is
# left for a pool of larger buffers.
MEMORY = 640

# What DPDK's drivers find worth a warning.
DPDK_SAYS = [
    r"\|netdev_dpdk(\(\w+\))?\|WARN\|Rx checksum offload is not supported",
    r"\|netdev_dpdk(\(\w+\))?\|WARN\|.* does not support MTU configuration",
    # A busy machine does not run a PMD thread for seconds.
    r"\|ovs_rcu(\(\w+\))?\|WARN\|blocked \d+ ms waiting for",
    # OVS's watchdog asks for the link of a device that is just gone.
    r"\|dpdk(\(\w+\))?\|ERR\|Invalid port_id=32$",
    # Larger pools are tried first.
    r"\|dpdk(\(\w+\))?\|(WARN|ERR)\|EAL: (No free|.*hugepage)",
    r"\|dpdk(\(\w+\))?\|WARN\|(EAL|TELEMETRY): ",
    r"\|dpdk(\(\w+\))?\|WARN\|rte_pmd_memif_probe\(\): ",
    # net_tap: what the kernel does not have, and as many transmit queues as
    # receive queues, which is tried second.
    r"\|dpdk(\(\w+\))?\|ERR\|(tap_|qdisc_|eth_dev_tap_)\w+\(\): ",
    r"\|dpdk(\(\w+\))?\|ERR\|Port\d+ dev_configure = -1",
    r"\|netdev_dpdk(\(\w+\))?\|(WARN|ERR)\|Interface \S+ eth_dev setup",
    r"\|netdev_dpdk(\(\w+\))?\|(WARN|ERR)\|Interface \S+\(rxq:\d txq:\d .* "
    r"configure error",
]


def pytest_sessionstart(session):
    if not os.path.exists(f"{PREFIX}/sbin/ovs-vswitchd"):
        pytest.exit(f"no ovs-vswitchd in {PREFIX}/sbin: install there, or "
                    "set OVL_PREFIX", returncode=2)


def pytest_collection_modifyitems(items):
    if os.geteuid():
        for item in items:
            item.add_marker(pytest.mark.skip(reason="DPDK needs root"))


def free_hugepages():
    """Pages of 2 MiB that nobody has."""
    with open("/proc/meminfo", encoding="ascii") as file:
        text = file.read()
    if not re.search(r"^Hugepagesize: +2048 kB$", text, re.M):
        return 0
    return int(re.search(r"^HugePages_Free: +(\d+)$", text, re.M).group(1))


def add_hugepages(n):
    with open(HUGEPAGES, encoding="ascii") as file:
        before = int(file.read())
    with open(HUGEPAGES, "w", encoding="ascii") as file:
        file.write(str(max(0, before + n)))
    with open(HUGEPAGES, encoding="ascii") as file:
        return int(file.read()) - before


@pytest.fixture(scope="session")
def memory():
    """Arguments of EAL: memory in huge pages, which are reserved and given
    back, or in common ones if there are none to be had."""
    wanted = MEMORY // 2
    added = 0
    with contextlib.suppress(OSError):
        added = add_hugepages(wanted)
    try:
        if added >= wanted and free_hugepages() >= wanted:
            yield f"--in-memory -m {MEMORY}"
        else:
            # Here OVS is not content with less than it asks for.
            yield f"--no-huge --legacy-mem -m {2 * MEMORY}"
    finally:
        with contextlib.suppress(OSError):
            add_hugepages(-added)


@pytest.fixture(scope="session", autouse=True)
def namespace():
    """Tests and daemons are in a network namespace of their own, which is gone
    with them."""
    if os.geteuid():
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET):
        pytest.skip("network namespaces do not work here: "
                    + os.strerror(ctypes.get_errno()))
    for which in "all", "default":
        with contextlib.suppress(OSError), open(
                f"/proc/sys/net/ipv6/conf/{which}/disable_ipv6", "w",
                encoding="ascii") as file:
            file.write("1")
    devices.ip("link", "set", "dev", "lo", "up")


@contextlib.contextmanager
def running_daemons(directory, eal, init="true", other_config=()):
    d = Daemons(directory)
    d.env["RUNTIME_DIRECTORY"] = d.dir          # DPDK's.
    d.create_db()
    d.start_db()
    if eal:
        # DPDK binds a socket below that of the daemon's directory, whose name
        # may be long already.
        extra = f"{eal} --no-pci --no-telemetry --file-prefix=ovt{os.getpid()}"
        d.vsctl("--no-wait", "set", "Open_vSwitch", ".",
                f"other_config:dpdk-init={init}",
                f'other_config:dpdk-extra="{extra}"')
    # PMD threads that poll would take all of a small machine.
    d.vsctl("--no-wait", "set", "Open_vSwitch", ".",
            "other_config:pmd-maxsleep=500", *other_config)
    try:
        d.start()
    except AssertionError as error:
        if "Unable to initialize DPDK" in str(error):
            d.process = None
            d.destroy()
            pytest.skip("DPDK does not start here")
        raise
    yield d
    d.destroy()


@pytest.fixture(scope="module")
def daemons(tmp_path_factory, memory):
    with running_daemons(tmp_path_factory.mktemp("ovs"), memory) as d:
        yield d


@pytest.fixture(scope="module")
def wire(tmp_path_factory):
    """Another daemon, for what DPDK shares between processes."""
    with running_daemons(tmp_path_factory.mktemp("wire"),
                         "--no-huge --legacy-mem -m 512") as d:
        yield d


class DpdkSwitch(Switch):
    """A switch some of whose ports are of DPDK: 'devices' says which, and what
    is behind them."""

    def __init__(self, daemons, name):
        super().__init__(daemons, name)
        self.devices = {}
        self.allow_log(*DPDK_SAYS)

    def plug(self, name, device):
        """What add_port(name) will add.  'device' may be a kind of LIVE."""
        if device == "memif":
            device = devices.Memif(self.get_wire(), name)
        elif isinstance(device, str):
            device = devices.LIVE[device](name)
        self.devices[name] = device

    def _capture(self, name, column=()):
        device = self.devices.get(name)
        if not device:
            super()._capture(name, column)
            return
        self.ports[name] = device
        port_columns = getattr(device, "port_columns", None) or (
            "type=dpdk", f'options:dpdk-devargs="{device.devargs}"')
        self.set_rows("set", "Interface", name, *port_columns,
                      *device.columns)

    def inject(self, port, *packets):
        device = self.devices.get(port)
        if not device:
            super().inject(port, *packets)
        for packet in packets if device else ():
            device.send(packet)

    def _sent_by(self, appctl, port, frame):
        device = self.devices.get(port)
        if not device:
            return super()._sent_by(appctl, port, frame)
        device.send(frame)
        return True

    def wait_polled(self, *names):
        super().wait_polled(*(name for name in names
                              if name not in self.devices
                              or hasattr(self.devices[name], "send")))

    def decapped(self, frame, n=2, vni=5001):
        """What is in 'frame', which we have sent to VTEP 'n'."""
        inner = frame[self.underlay.overhead:]
        assert frames.normalize(frame) == frames.normalize(
            self.encap(inner, n, vni))
        return inner

    def error_of(self, interface):
        text = self.vsctl("--if-exists", "get", "Interface", interface,
                          "error").strip()
        return None if text == "[]" else text.strip('"')

    def wait_error(self, interface, pattern):
        """Waits for an error that matches, or, with None, for none."""
        def right():
            error = self.error_of(interface)
            return (error is None if pattern is None
                    else error is not None and re.search(pattern, error))

        try:
            wait_until(right, "")
        except AssertionError:
            raise AssertionError(f"{interface}: {self.error_of(interface)}, "
                                 f"not {pattern}") from None

    def polls(self, on):
        """Lets PMD threads start when everything is there, or stops them: the
        mask has no core of this machine."""
        self.allow_log("no PMD thread polls it", r"\|ovs_numa\|")
        self.vsctl("set", "Open_vSwitch", ".",
                   "other_config:pmd-cpu-mask=" + ("0x1" if on
                                                   else "0x" + "8" * 64))

    def finish(self):
        try:
            super().finish()
        finally:
            self.vsctl("remove", "Open_vSwitch", ".", "other_config",
                       "pmd-cpu-mask")
            for device in self.devices.values():
                device.close()


@pytest.fixture
def bare(daemons, request):
    """A switch without any bridge yet."""
    name = re.sub(r"\W+", "-", request.node.name)[:60]
    daemons.mark_log()
    sw = DpdkSwitch(daemons, name)
    sw.get_wire = lambda: request.getfixturevalue("wire")
    yield sw
    sw.finish()


def build(sw, kinds):
    """The switch tier's standard switch, with ports of 'kinds' (others are
    dummies), and routing.

        vm1 ─┐
        vm2 ─┴ VNI 5001 ─┬ br-ov ─ p0 ══ underlay ══ 192.0.2.2 (vm3, 5001)
        vm4 ── VNI 5002 ─┘
    """
    for name, kind in kinds.items():
        sw.plug(name, kind)
    sw.add_bridge()
    for vtep in 2, 3:
        sw.add_peer(sw.underlay.vtep(vtep))
    with sw.transaction():
        sw.add_network(5001, vrf="red", gateway_ips="10.1.0.1/24",
                       flood_vteps=[sw.underlay.vtep(2), sw.underlay.vtep(3)])
        sw.add_network(5002, vrf="red", gateway_ips="10.2.0.1/24")
        for n, vni, address in ((1, 5001, "10.1.0.11"),
                                (2, 5001, "10.1.0.12"),
                                (4, 5002, "10.2.0.14")):
            sw.add_port(f"vm{n}", vni, f"{frames.mac(n)} {address}")
        sw.add_mac(5001, frames.mac(3), sw.underlay.vtep(2), frames.ip(3))


@pytest.fixture
def live(bare, request):
    """The switch with ports of the kinds of the test's parameter."""
    build(bare, request.param)
    bare.wait_polled("vm1", "vm2", "vm4")
    bare.wait_vtep(*(bare.underlay.vtep(n) for n in (2, 3)))
    return bare
