# SPDX-License-Identifier: Apache-2.0

"""The cases of datapath.py with large tables, and the one with an attack."""

import os
import random
import statistics
import struct
import time

import observe
import packets
from ovl.database import Database
from packets import ip_text, mac_of, mac_text, vtep_of
from twins import Ours, SetupError

CHUNK = 20000                   # Operations of a transaction.


# An attacker beside a victim.

N_MACS = 1000
ROUTER = 2                      # Remote VM number that is a router.
N_ROUTES = 100


def routes():
    """Prefixes of many lengths, as (address, length)."""
    rng = random.Random(2)
    chosen = set()
    while len(chosen) < N_ROUTES:
        length = rng.randint(9, 28)
        address = ((20 << 24) | rng.getrandbits(26)) >> (32 - length)
        chosen.add((address << (32 - length), length))
    return sorted(chosen)


def add_routes(t):
    """The same routes in both switches, behind one router."""
    ours, netdev = t.sides
    db = Database(f"{ours.dir}/db.sock")
    db.transact(
        {"op": "update", "table": "Overlay_Network", "where": [],
         "row": {"vrf": "red", "gateway_ips": "10.0.0.1/8"}},
        {"op": "update", "table": "Overlay_MAC",
         "where": [["mac", "==", mac_text(mac_of(ROUTER))]],
         "row": {"ips": ip_text(packets.ip_of(ROUTER))}},
        *[{"op": "insert", "table": "Overlay_Route",
           "row": {"vrf": "red", "prefix": f"{ip_text(address)}/{length}",
                   "nexthops": ip_text(packets.ip_of(ROUTER))}}
          for address, length in routes()])
    db.close()
    ours.vsctl("set", "Bridge", "br-ov", "external_ids:routes=1")
    netdev.flows("br-int", [
        f"priority={40000 + length},in_port={port},dl_src={mac_text(source)},"
        f"dl_dst={mac_text(packets.ROUTER_MAC)},ip,"
        f"nw_dst={ip_text(address)}/{length},actions=dec_ttl,set_field:"
        f"{mac_text(packets.ROUTER_MAC)}->eth_src,set_field:"
        f"{mac_text(mac_of(ROUTER))}->eth_dst,set_field:{packets.VNI}->"
        f"tun_id,set_field:{ip_text(vtep_of(ROUTER))}->tun_dst,output:100"
        for port, source in ((1, packets.VM_MAC), (2, packets.SCANNER_MAC))
        for address, length in routes()])


def attack_images(n):
    """Half of them to MACs and addresses that nobody has; half to the router,
    to addresses that differ from some prefix first in any bit."""
    rng = random.Random(3)
    prefixes = routes()
    for i in range(n):
        if i % 2:
            mac = b"\x52\x57" + struct.pack("!I", rng.getrandbits(32))
            yield packets.frame(mac, packets.SCANNER_MAC, packets.SCANNER_IP,
                                rng.getrandbits(32), i)
        else:
            address, _ = rng.choice(prefixes)
            bit = rng.randrange(32)
            address ^= 1 << bit | rng.getrandbits(bit)
            yield packets.frame(packets.ROUTER_MAC, packets.SCANNER_MAC,
                                packets.SCANNER_IP, address, i)


def harmless_images(n):
    """The same, half bridged and half routed, but to MACs that somebody has
    and to addresses that there are routes to."""
    rng = random.Random(3)
    prefixes = routes()
    for i in range(n):
        if i % 2:
            to = i // 2 % N_MACS
            yield packets.frame(mac_of(to), packets.SCANNER_MAC,
                                packets.SCANNER_IP, packets.ip_of(to), i)
        else:
            address, length = rng.choice(prefixes)
            yield packets.frame(packets.ROUTER_MAC, packets.SCANNER_MAC,
                                packets.SCANNER_IP,
                                address | rng.getrandbits(32 - length), i)


def bridged_images(n):
    """As many that are only bridged."""
    images = [packets.frame(mac_of(i), packets.SCANNER_MAC,
                            packets.SCANNER_IP, packets.ip_of(i), i)
              for i in range(N_MACS)]
    return (images[i % N_MACS] for i in range(n))


def attack(bench, pairs_of, say):
    o = bench.options
    t = bench.twins(N_MACS, scanner=True)
    add_routes(t)
    t.load(harmless_images(2 * N_MACS), "scan")
    t.check("D9, harmless", 2 * N_MACS, "scan")
    t.load([packets.bridged(i, i) for i in range(N_MACS)])
    t.check("D9", N_MACS)
    variant = t.choose("vm")
    n = 100000 if o.quick else 1000000
    say(f"D9: {n} frames of the attack; OVS with {variant}")
    ports = {"vm": (), "scan": ("--every=9",)}      # 10 % of all.
    paths = {}
    for make in attack_images, harmless_images, bridged_images:
        paths[make] = f"{bench.directory}/{make.__name__}"
        packets.write_images(paths[make], make(n))

    def window(side, make):
        """Packets of the victim alone, per second of CPU time, beside those
        of another port."""
        side.load("scan", paths[make])
        side.forget()
        side.window(ports, o.seconds / 2)
        w = side.window(ports, o.seconds)
        w.sent = w.by_port["vm"]
        return w

    for case, side, control, goal, peer in (
            ("D9 victim beside an attack", t.ours, harmless_images, 0.95,
             "the same kinds, harmless"),
            ("D9 victim beside an attack, OVS netdev", t.netdev,
             harmless_images, None, "the same kinds, harmless"),
            ("D9 victim beside an attack, ours", t.ours, bridged_images, None,
             "harmless, only bridged")):
        pairs = pairs_of(o.pairs, lambda: window(side, attack_images),
                         lambda: window(side, control))
        bench.add(case, n, pairs, goal, peer=peer,
                  **({} if side is t.ours else {"variant": variant}))
    for path in paths.values():
        os.unlink(path)


# Large tables, ours alone.

PORTS = ["gw0", "gw1", "gw2"]


class Scale:
    """'n_networks' networks with 'n_macs' remote MACs in all, 'n_vrfs' of them
    with a VRF of 100 routes each, behind 'n_vteps' VTEPs.  Three L2 gateway
    ports have all networks, as VLANs."""

    def __init__(self, quick):
        self.quick = quick
        self.n_networks = 1000 if quick else 10000
        self.n_macs = 20000 if quick else 1000000
        self.n_vteps = 1000 if quick else 16384
        self.n_vrfs = 100 if quick else 4000
        self.n_routes = 100

    def size(self):
        return (f"{self.n_macs} MACs in {self.n_networks} VNIs, {self.n_vrfs}"
                f" VRFs of {self.n_routes} routes, {self.n_vteps} VTEPs")

    def place(self, k):
        """Port and VLAN of network number 'k'; VRFs are on the first port."""
        if k < self.n_vrfs:
            return 0, 1 + k
        k -= self.n_vrfs
        half = (self.n_networks - self.n_vrfs + 1) // 2
        return 1 + k // half, 1 + k % half

    @staticmethod
    def vni(k):
        return 10001 + k

    def network_of(self, i):
        """Network of MAC number 'i'."""
        return i % self.n_networks

    # Rows.

    def networks(self):
        for k in range(self.n_networks):
            row = {"vni": self.vni(k)}
            if k < self.n_vrfs:
                row.update(vrf=f"vrf{k}", gateway_ips="10.0.0.1/8")
            yield {"op": "insert", "table": "Overlay_Network", "row": row}

    def macs(self, first, last):
        for i in range(first, last):
            row = {"vni": self.vni(self.network_of(i)),
                   "mac": mac_text(mac_of(i)),
                   "vtep": ip_text(vtep_of(i % self.n_vteps))}
            if i < self.n_vrfs:
                row["ips"] = ip_text(packets.ip_of(i))  # The VRF's router.
            yield {"op": "insert", "table": "Overlay_MAC", "row": row}

    @staticmethod
    def prefix(v, r):
        return (20 << 24) + ((v * 7919 + r * 104729) % 65536 << 8)

    def route_rows(self):
        for v in range(self.n_vrfs):
            for prefix in {self.prefix(v, r) for r in range(self.n_routes)}:
                yield {"op": "insert", "table": "Overlay_Route", "row": {
                    "vrf": f"vrf{v}", "prefix": f"{ip_text(prefix)}/24",
                    "nexthops": ip_text(packets.ip_of(v))}}

    def bindings(self, port):
        return ",".join(f"{vlan}={self.vni(k)}"
                        for k in range(self.n_networks)
                        for p, vlan in [self.place(k)] if p == port)

    # Frames, each with what must come out: (VNI, VTEP).

    def to_mac(self, i):
        k = self.network_of(i)
        port, vlan = self.place(k)
        return port, packets.frame(mac_of(i), packets.VM_MAC, packets.VM_IP,
                                   packets.ip_of(i), i, vlan), (
            self.vni(k), vtep_of(i % self.n_vteps))

    def to_route(self, v, r):
        port, vlan = self.place(v)
        return port, packets.frame(
            packets.ROUTER_MAC, packets.VM_MAC, packets.VM_IP,
            self.prefix(v, r) + 9, v * self.n_routes + r, vlan), (
            self.vni(v), vtep_of(v % self.n_vteps))


class World:
    def __init__(self, bench, say):
        self.bench, self.say = bench, say
        self.state = Scale(bench.options.quick)
        self.side = Ours(f"{bench.directory}/scale", bench.options)
        self.n_rows = 1             # The network that is there anyway.

    def resident(self):
        return observe.resident(self.side.process.pid)

    def insert(self, operations, what, n):
        """Adds rows; reports what each costs in memory, in tables and in the
        session with the database."""
        before = self.resident()
        db = Database(f"{self.side.dir}/db.sock")
        chunk = []
        for operation in operations:
            chunk.append(operation)
            if len(chunk) == CHUNK:
                db.transact(*chunk)
                chunk = []
        if chunk:
            db.transact(*chunk)
        db.close()
        # Returns when all of it is in force, 5 s at most, so more than once.
        self.n_rows += n
        for i in range(60):
            self.side.vsctl("set", "Bridge", "br-ov",
                            f"external_ids:{what.split()[0]}={i}")
            if self.count() >= self.n_rows:
                break
        # What the session needed to read them goes back after a moment.
        low, deadline = self.resident(), time.monotonic() + 3
        while time.monotonic() < deadline:
            time.sleep(0.5)
            now = self.resident()
            if now < 0.99 * low:
                low, deadline = now, time.monotonic() + 3
        cost = (self.resident() - before) / n
        self.say(f"{n} {what}: {cost:.0f} bytes each")
        self.bench.report.add(f"memory per {what}", n, cost, "bytes")

    def count(self):
        status = self.side.vsctl("get", "Bridge", "br-ov", "overlay_status")
        return sum(int(part.split("=")[1].strip('"}{ \n'))
                   for part in status.split(",")
                   if part.split("=")[0].strip('{} "')
                   in ("networks", "macs", "routes"))

    def build(self):
        s, side, o = self.state, self.side, self.bench.options
        side.bring_up(1 << o.core)
        side.appctl("bench/in-flight", o.in_flight)
        for number, port in enumerate(PORTS):
            side.vsctl("add-port", "br-ov", port, "--", "set", "Interface",
                       port, "type=bench", "--", "set", "Port", port,
                       f"overlay_vlan_bindings={s.bindings(number)}")
        self.insert(s.networks(), "network", s.n_networks)
        self.insert(s.macs(0, s.n_vteps), "MAC with a VTEP of its own",
                    s.n_vteps)
        self.insert(s.macs(s.n_vteps, s.n_macs), "MAC", s.n_macs - s.n_vteps)
        self.insert(s.route_rows(), "route", s.n_vrfs * s.n_routes)

    def write(self, name, frames):
        """Writes the frames of each port; returns {port: (file, number)}.
        Ports without get nothing."""
        by_port = {}
        for port, frame, _ in frames:
            by_port.setdefault(PORTS[port], []).append(frame)
        files = {}
        for port, images in by_port.items():
            path = f"{self.bench.directory}/{name}-{port}"
            files[port] = path, packets.write_images(path, images)
        return files

    def load(self, files):
        for port, (path, _) in files.items():
            self.side.load(port, path)

    def check(self, what, frames, files):
        """All of 'frames' leave through the right tunnel."""
        expected = {struct.unpack_from("!I", frame, 46)[0]: out
                    for _, frame, out in frames}
        seen = 0
        self.load(files)
        for port, (_, n) in files.items():
            for data in self.side.capture(port, "up", n):
                if data[12:14] != b"\x08\x00":
                    continue
                (flow,) = struct.unpack_from("!I", data, 50 + 42)
                got = (struct.unpack_from("!I", data, 46)[0] >> 8,
                       struct.unpack_from("!I", data, 30)[0])
                if got != expected[flow]:
                    raise SetupError(f"{what}: {data.hex()} is not for "
                                     f"{expected[flow]}")
                seen += 1
        if seen != len(expected):
            raise SetupError(f"{what}: {seen} of {len(expected)} forwarded\n"
                             + self.side.appctl("overlay/drops"))
        self.say(f"{seen} frames to {what}: all forwarded")
        self.bench.report.add(f"forwarded, {what}", len(expected), seen,
                              "frames", "sent", len(expected))

    @staticmethod
    def as_many(few, n):
        """'few' frames over and over, 'n' in all, so that making packets of
        them costs the same."""
        return [few[i % len(few)] for i in range(n)]

    def ratio(self, case, size, pairs_of, many, few, goal, peer):
        """Costs of 'many' destinations at random beside 'few' of them, both
        from write()."""
        o = self.bench.options

        def window(files):
            self.load(files)
            self.side.window(dict.fromkeys(files, ()), o.seconds / 2)
            return self.side.window(dict.fromkeys(files, ()), o.seconds)
        pairs = pairs_of(o.pairs, lambda: window(many), lambda: window(few),
                         lambda w: 1 / w.rate if w.rate else 0)
        cycles = [statistics.median(x) for x in (pairs.a, pairs.b)]
        self.bench.add(case, size, pairs, None if o.quick else goal,
                       unit="µs per packet", peer=peer, at_most=True,
                       ours_mpps=1 / cycles[0], peers_mpps=1 / cycles[1])

    def close(self):
        for process in self.side.process, self.side.db_process:
            if process and process.poll() is None:
                process.kill()
                process.wait()


def scale_up(bench, pairs_of, say):
    bench.close()                   # What it had in memory, and its core.
    w = World(bench, say)
    s = w.state
    say(s.size())
    try:
        w.build()
        rng = random.Random(4)
        macs = [s.to_mac(i) for i in range(s.n_macs)]
        many = w.write("macs", macs)
        w.check("MACs", macs, many)
        few = [m for k in rng.sample(range(s.n_networks), 10)
               for m in macs[k::s.n_networks]][:1000]
        n_few = len(few)
        few = w.write("few", w.as_many(few, len(macs)))
        del macs
        w.ratio("D6 all MACs in all VNIs", s.n_macs, pairs_of, many, few, 2.0,
                f"{n_few} of them in 10 VNIs")

        frames = [s.to_route(v, r) for v in range(s.n_vrfs)
                  for r in range(s.n_routes)]
        many = w.write("routes", frames)
        w.check("routes", frames, many)
        few = w.write("vrf", w.as_many([s.to_route(s.n_vrfs // 2, r)
                                        for r in range(s.n_routes)],
                                       len(frames)))
        w.ratio("D8 routes of all VRFs", s.n_vrfs, pairs_of, many, few, 1.3,
                "one VRF")
    finally:
        w.close()
