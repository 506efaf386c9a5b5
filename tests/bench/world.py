# SPDX-License-Identifier: Apache-2.0

"""The hypervisor that is measured.

    vm1 ──┐
    x0 …  ┤ VNI 5001 ── br-ov ── p0 ══ 192.0.2.254 ══ 198.51.100.1 … .200
    t0,t1 ┘

p0, vm1 and the x ports are dummies; t0 and t1 are taps, if we may have some,
bound to 5001 too.  All VTEPs are behind one next hop.
"""

import json
import random
import struct
import subprocess
import time

from ovl import frames
from ovl.database import Database
from ovl.pcap import PcapReader
from ovl.process import Daemons, wait_until
from ovl.unixctl import UnixctlError

VNI = 5001
N_VTEPS = 200
GATEWAY = "192.0.2.254"
PORTS_PER_TRANSACTION = 200
ROUTER_MAC = "02:00:5e:00:01:01"


def vtep_of(i):
    return f"198.51.100.{1 + i % N_VTEPS}"


def mac_of(i):
    return "52:54:%02x:%02x:%02x:%02x" % tuple(struct.pack("!I", i + 256))


def ip_of(i):
    return "10.%d.%d.%d" % tuple(struct.pack("!I", i + (1 << 16))[1:])


def insert(i):
    """The operation that adds remote VM number 'i'."""
    return {"op": "insert", "table": "Overlay_MAC",
            "row": {"vni": VNI, "mac": mac_of(i), "vtep": vtep_of(i),
                    "ips": ip_of(i)}}


def delete(*where):
    return {"op": "delete", "table": "Overlay_MAC", "where": [*where]}


def frame_to(i, number):
    """A frame from vm1 to remote VM 'i' that carries 'number'."""
    return (bytes.fromhex((mac_of(i) + frames.mac(1)).replace(":", ""))
            + b"\x88\xb5" + struct.pack("!I", number) + bytes(42))


# Routes: all of VRF "red", behind one router.

ROUTER = "10.0.0.2"             # And so no VM's, see ip_of().


def prefix_of(i):
    return "%d.%d.%d.%d/24" % tuple(struct.pack("!I", (20 << 24) + (i << 8)))


def insert_route(i):
    return {"op": "insert", "table": "Overlay_Route",
            "row": {"vrf": "red", "prefix": prefix_of(i), "nexthops": ROUTER}}


def delete_routes(*where):
    return {"op": "delete", "table": "Overlay_Route", "where": [*where]}


def make_router():
    """The operations that add VRF "red" and the router."""
    return [{"op": "update", "table": "Overlay_Network",
             "where": [["vni", "==", VNI]],
             "row": {"vrf": "red", "gateway_ips": "10.0.0.1/24"}},
            {"op": "insert", "table": "Overlay_MAC",
             "row": {"vni": VNI, "mac": frames.mac(2), "vtep": vtep_of(0),
                     "ips": ROUTER}}]


def packet_to(i, number):
    """A packet from vm1 to an address in prefix number 'i', to the router,
    that carries 'number'."""
    header = struct.pack("!BBHHHBBHII", 0x45, 0, 46, 0, 0, 64, 253, 0,
                         (10 << 24) + 9, (20 << 24) + (i << 8) + 9)
    total = sum(struct.unpack("!10H", header))
    total = (total & 0xffff) + (total >> 16)
    total = (total & 0xffff) + (total >> 16)
    header = header[:10] + struct.pack("!H", ~total & 0xffff) + header[12:]
    return (bytes.fromhex((ROUTER_MAC + frames.mac(1)).replace(":", ""))
            + b"\x08\x00" + header + struct.pack("!I", number) + bytes(22))


# Where packets that leave through p0 carry their number, by the EtherType
# inside.
NUMBER_OFS = {b"\x88\xb5": 50 + 14, b"\x08\x00": 50 + 14 + 20}


class World:
    def __init__(self, directory, prefix, taps=False, n_ports=0):
        self.d = Daemons(directory, prefix)
        self.d.create_db()
        self.d.start_db()
        self.d.start()
        self.db = Database(f"{self.d.dir}/db.sock")
        self.p0 = PcapReader(f"{self.d.dir}/p0.pcap")
        self.number = 0
        self._build(taps)
        self._add_ports(n_ports)
        self.set_underlay()
        for name in self.taps(taps):
            self._bring_up(name)
        self._wait_for_statistics()

    @staticmethod
    def taps(taps):
        return ["t0", "t1"] if taps else []

    def _build(self, taps):
        args = ["add-br", "br-ov", "--", "set", "Bridge", "br-ov",
                "datapath_type=overlay", "overlay_vtep_ips=192.0.2.1",
                "overlay_uplinks=p0", "--", "add-port", "br-ov", "p0", "--",
                "set", "Interface", "p0", "type=dummy",
                f"options:tx_pcap={self.p0.path}", "--", "add-port", "br-ov",
                "vm1", "--", "set", "Interface", "vm1", "type=dummy", "--",
                "set", "Port", "vm1", f"overlay_vni={VNI}",
                f'overlay_addresses="{frames.mac(1)}"', "--",
                "create", "Overlay_Network", f"vni={VNI}"]
        for i, name in enumerate(self.taps(taps)):
            args += ["--", "add-port", "br-ov", name, "--", "set",
                     "Interface", name, "type=tap", "--", "set", "Port",
                     name, f"overlay_vni={VNI}",
                     f'overlay_addresses="{frames.mac(16 + i)}"']
        self.d.vsctl(*args)

    def _add_ports(self, n):
        for first in range(0, n, PORTS_PER_TRANSACTION):
            args = []
            for i in range(first, min(first + PORTS_PER_TRANSACTION, n)):
                mac = "52:55:%02x:%02x:%02x:%02x" % tuple(struct.pack("!I",
                                                                      i))
                args += ["--", "add-port", "br-ov", f"x{i}", "--", "set",
                         "Interface", f"x{i}", "type=dummy", "--", "set",
                         "Port", f"x{i}", f"overlay_vni={VNI}",
                         f'overlay_addresses="{mac}"']
            self.d.vsctl(*args[1:])

    def _bring_up(self, name):
        """Brings tap device 'name' up, and waits until the daemon knows: it
        sends nothing into a tap that is down."""
        # Without the kernel's own IPv6 packets.
        with open(f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6", "w") as f:
            f.write("1")
        subprocess.run(["ip", "link", "set", name, "up"], check=True)
        wait_until(lambda: self.d.vsctl("get", "Interface", name,
                                        "admin_state").strip() == "up",
                   f"{name} stays down")

    def _wait_for_statistics(self):
        """Waits until the daemon has the statistics of all ports, which it
        writes for the first time a while after they were added."""
        wait_until(lambda: not self.d.vsctl(
            "--bare", "--columns=name", "find", "Interface",
            "statistics={}").strip(), "ports without statistics")

    def set_underlay(self):
        """Gives LOCAL its address, and the next hop its MAC."""
        def done():
            try:
                self.d.appctl("netdev-dummy/ip4addr", "br-ov", "192.0.2.1/24")
                self.d.appctl("ovs/route/add", "198.51.100.0/24", "br-ov",
                              GATEWAY)
                self.d.appctl("tnl/neigh/set", "br-ov", GATEWAY,
                              frames.peer_mac(GATEWAY))
                return True
            except UnixctlError:
                return False

        wait_until(done, "no br-ov")

    def control_path(self):
        return f"{self.d.dir}/ovs-vswitchd.{self.d.process.pid}.ctl"

    # Frames.

    def send_to(self, i, make=frame_to):
        """Sends the frame 'make'(i, number) from vm1, by default one to remote
        VM 'i', and returns its number."""
        self.number += 1
        try:
            self.d.appctl("netdev-dummy/receive", "vm1",
                          make(i, self.number).hex())
        except UnixctlError:
            pass                # No such port yet.
        return self.number

    def received(self):
        """Numbers of the frames that have left through p0 since."""
        return [struct.unpack_from("!I", frame, NUMBER_OFS[frame[62:64]])[0]
                for frame in self.p0.read()
                if len(frame) == 110 and frame[62:64] in NUMBER_OFS]

    def time_until_forwarded(self, i, pause, timeout=120, make=frame_to):
        """Sends frames 'make'(i, ...), 'pause' seconds apart, until one comes
        out.  Returns when that one was in its port's queue."""
        queued = {}
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            number = self.send_to(i, make)
            queued[number] = time.monotonic()
            for number in self.received():
                if number in queued:
                    return queued[number]
            time.sleep(pause)
        raise AssertionError(f"no frame to VM {i} was forwarded")

    def lost(self, vms):
        """Sends one frame to each remote VM in 'vms' and returns how many do
        not come out."""
        self.settle()
        n = 0
        vms = list(vms)
        for first in range(0, len(vms), 50):
            missing = {self.send_to(i) for i in vms[first:first + 50]}
            deadline = time.monotonic() + 2
            while missing and time.monotonic() < deadline:
                missing -= set(self.received())
            n += len(missing)
        return n

    def settle(self):
        """Waits until no frame is on its way."""
        def at_rest():
            t = json.loads(self.d.appctl("overlay/counters", "--json"))
            return (t["received"] + t["replicated"] + t["generated"]
                    == t["sent"] + t["consumed"] + t["dropped"])

        wait_until(at_rest, "frames stay on their way")
        self.received()

    def count(self, what):
        """Entries in force, of "macs", "routes" and so on."""
        status = self.d.vsctl("get", "Bridge", "br-ov",
                              f"overlay_status:{what}")
        return int(status.strip().strip('"'))

    def close(self):
        self.db.close()
        self.d.destroy()


def sample(n, k):
    """'k' of the numbers below 'n'."""
    return random.Random(1).sample(range(n), min(k, n))
