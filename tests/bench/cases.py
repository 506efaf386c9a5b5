# SPDX-License-Identifier: Apache-2.0

"""The cases that datapath.py measures.

Windows of both switches take turns, one generating at a time.  A figure is the
median; a ratio is the median of the ratios of pairs, not the ratio of medians.
"""

import collections
import os
import statistics
import sys

import packets
import scale
from ovl.database import Database
from packets import VNI, ip_text, mac_of, mac_text, vtep_of
from twins import (QUICK_VARIANTS, VARIANTS, Netdev, Ours, SetupError,
                   apply_variant)
from vdevs import VdevNetdev, VdevOurs

N_VTEPS = 200

# A window in which the thread had less of the core than this says nothing.
STARVED = 0.2
QUIET = 0.9


def say(text):
    print(f"# {text}", file=sys.stderr, flush=True)


def tsc_mhz():
    """Cycles of the time stamp counter in a microsecond; 1000 where there is
    none, so that a cycle is a nanosecond."""
    with open("/proc/cpuinfo") as file:
        for line in file:
            if line.startswith("bogomips"):
                return float(line.split(":")[1]) / 2
    return 1000


TSC_MHZ = tsc_mhz()


def cycles(mpps):
    return TSC_MHZ / mpps if mpps else 0


class Pairs:
    """Windows of two sorts, taking turns, until there are enough pairs of
    which neither was starved."""

    def __init__(self, n, measure_a, measure_b, rate=lambda w: w.rate):
        self.a, self.b, self.ratios, self.shares = [], [], [], []
        self.discarded = collections.Counter()
        spare = []
        while len(self.a) < n and len(spare) + len(self.a) < 2 * n:
            a, b = measure_a(), measure_b()
            self.shares.append(min(a.share, b.share))
            if self.shares[-1] < STARVED:
                self.discarded["starved of CPU"] += 1
                spare.append((rate(a), rate(b)))
            else:
                self.a.append(rate(a))
                self.b.append(rate(b))
        if not self.a:              # All that there is, and said so.
            self.a, self.b = map(list, zip(*spare))
            self.discarded.clear()
        self.ratios = [a / b if b else 0 for a, b in zip(self.a, self.b)]

    @property
    def noisy(self):
        low, high = self._quartiles()
        return (statistics.median(self.shares) < QUIET
                or high - low > 0.1 * self.ratio or len(self.ratios) < 3)

    @property
    def ratio(self):
        return statistics.median(self.ratios)

    def _quartiles(self):
        ordered = sorted(self.ratios)
        n = len(ordered)
        return ordered[(n - 1) // 4], ordered[n - 1 - (n - 1) // 4]

    def fields(self):
        """What a result says of its quality.  On a noisy machine the spread
        is all there was, else the middle half."""
        low, high = self._quartiles()
        if self.noisy:
            low, high = min(self.ratios), max(self.ratios)
        return {"ratio": self.ratio, "ratio_low": low, "ratio_high": high,
                "noisy": self.noisy, "discarded": dict(self.discarded),
                "cpu_share": statistics.median(self.shares)}


class Twins:
    """Both switches with one table of 'n_macs' remote MACs."""

    kinds = Ours, Netdev

    def __init__(self, bench, n_macs, cores=None, scanner=False, n_rxq=1):
        options = bench.options
        self.bench = bench
        self.n_macs = 0
        mask = sum(1 << core for core in cores or [options.core])
        directory = f"{bench.directory}/{bench.n_worlds}"
        bench.n_worlds += 1
        self.sides = []
        try:
            for kind in self.kinds:
                side = kind(f"{directory}-{kind.name}", options)
                self.sides.append(side)
                side.bring_up(mask)
                self.prepare(side)
                side.add_vm(n_rxq=n_rxq)
                if scanner:
                    side.add_vm("scan", packets.SCANNER_MAC)
            self.ours, self.netdev = self.sides
            self.grow(n_macs)
        except BaseException:
            self.close()
            raise

    def prepare(self, side):
        side.appctl("bench/in-flight", self.bench.options.in_flight)

    def grow(self, n, ours_only=False):
        """Adds remote MACs until there are 'n'."""
        db = Database(f"{self.ours.dir}/db.sock")
        for first in range(self.n_macs, n, 20000):
            db.transact(*[{
                "op": "insert", "table": "Overlay_MAC", "row": {
                    "vni": VNI, "mac": mac_text(mac_of(i)),
                    "vtep": ip_text(vtep_of(i % N_VTEPS))}}
                for i in range(first, min(first + 20000, n))])
        db.close()
        self.ours.vsctl("set", "Bridge", "br-ov",
                        f"external_ids:macs={n}")     # Waits until in force.
        if not ours_only:
            self.netdev.flows("br-int", [
                f"in_port={port},dl_src={mac_text(mac)},"
                f"dl_dst={mac_text(mac_of(i))},actions=set_field:{VNI}->"
                f"tun_id,set_field:{ip_text(vtep_of(i % N_VTEPS))}->tun_dst,"
                "output:100"
                for port, mac in ((1, packets.VM_MAC),
                                  (2, packets.SCANNER_MAC))
                for i in range(self.n_macs, n)]
                + [f"in_port=100,tun_id={VNI},dl_dst="
                   f"{mac_text(packets.VM_MAC)},actions=1"])
        self.n_macs = n

    def load(self, images, port="vm"):
        """Returns the number of images."""
        path = f"{self.bench.directory}/images"
        n = packets.write_images(path, images)
        for side in self.sides:
            side.load(port, path)
        os.unlink(path)
        return n

    def check(self, case, n, source="vm", sink="up"):
        """Both send the same frames, or it is not the same work."""
        both = []
        for side in self.sides:
            frames = side.capture(source, sink, n)
            if sink == "up":
                checked = [packets.masked(frame) for frame in frames
                           if frame[12:14] == b"\x08\x00"]
                wrong = [w for _, w in checked if w]
                if wrong:
                    raise SetupError(f"{case}: {side.name}: {wrong[0]} is "
                                     "wrong")
                frames = [frame for frame, _ in checked]
            both.append(collections.Counter(frames))
        if both[0] != both[1] or both[0].total() != n:
            only = [next(iter(both[i] - both[1 - i]), b"").hex()
                    for i in (0, 1)]
            raise SetupError(
                f"{case}: {both[0].total()} and {both[1].total()} of {n} "
                f"frames came out; only ours: {only[0]}; only OVS's: "
                f"{only[1]}")

    def choose(self, ports, settle=None):
        """Takes the fastest variant of OVS's datapath.  Returns its name."""
        bench = self.bench
        seconds = min(bench.options.seconds, 0.5)
        rates = {}
        for name in QUICK_VARIANTS if bench.options.quick else VARIANTS:
            self.netdev.resume()
            if apply_variant(self.netdev, name):
                self.netdev.window(ports, settle or seconds, settle=0)
                rates[name] = self.netdev.window(ports, seconds).rate
        best = max(rates, key=rates.get)
        self.netdev.resume()
        apply_variant(self.netdev, best)
        self.netdev.pause()
        return best

    def floor(self, ports):
        """Cycles per packet of the generator alone, the least of some."""
        seconds = min(self.bench.options.seconds, 0.5)
        windows = [side.window(ports, seconds, "--floor")
                   for side in self.sides for _ in range(2)]
        return min(cycles(w.rate) for w in windows)

    def close(self):
        for side in self.sides:
            for process in side.process, side.db_process:
                if process and process.poll() is None:
                    process.kill()
                    process.wait()


class VdevTwins(Twins):
    """The same with net_pcap and net_null; 'images' is what is sent."""

    kinds = VdevOurs, VdevNetdev

    def __init__(self, bench, n_macs, images):
        self.path = f"{bench.directory}/images.pcap"
        packets.write_pcap(self.path, images)
        super().__init__(bench, n_macs)
        for side in self.sides:
            side.pause()

    def prepare(self, side):
        side.pcap = self.path


class Bench:
    def __init__(self, options, report, directory):
        self.options = options
        self.report = report
        self.directory = directory
        self.n_worlds = 0
        self.world = None
        self.world_key = None
        self.memory = "malloc" if options.malloc else "hugepages"
        self.noise = []

    def twins(self, n_macs, **kwargs):
        """Both switches; those of the last case if they are the same."""
        key = n_macs, sorted(kwargs.items())
        if self.world_key != key:
            self.close()
            self.world = Twins(self, n_macs, **kwargs)
            self.world_key = key
        return self.world

    def close(self):
        if self.world:
            self.world.close()
        self.world = self.world_key = None

    def add(self, case, size, pairs, goal=None, unit="Mpps per CPU",
            peer="OVS netdev", **more):
        fields = dict(pairs.fields(), memory=self.memory, **more)
        if unit == "Mpps per CPU":
            fields.update(
                ours_cycles=cycles(statistics.median(pairs.a)),
                peers_cycles=cycles(statistics.median(pairs.b)))
        if goal:
            fields.update(goal=goal)
        self.noise.append((case, fields["noisy"], fields["cpu_share"]))
        self.report.add(case, size, statistics.median(pairs.a), unit, peer,
                        statistics.median(pairs.b), len(pairs.a), **fields)

    def least_share(self):
        """What a thread got of its core in the worst case."""
        return min((share for _, _, share in self.noise), default=1)

    def say_noise(self):
        noisy = [case for case, is_noisy, _ in self.noise if is_noisy]
        if noisy:
            say(f"noisy machine: in {len(noisy)} of {len(self.noise)} cases "
                "the spread that is given is all that was measured; threads "
                f"had {self.least_share():.0%} of their core or more")

    def compare(self, case, images, n_macs, goal, source="vm", sink="up",
                size=None, check=True):
        """Measures both with the same 'images'."""
        o = self.options
        say(f"{case}: getting ready")
        t = self.twins(n_macs)
        n = t.load(images, source)
        if check:
            t.check(case, n, source, sink)
        t.netdev.settle(source, n)
        variant = t.choose(source)
        say(f"{case}: {n} images, both send the same; OVS with {variant}")
        cold = None
        if not o.quick:
            t.netdev.forget()
            cold = t.netdev.window(source, 1, settle=0).rate
            t.netdev.settle(source, n)
        t.ours.window(source, o.seconds / 2)
        pairs = Pairs(o.pairs, lambda: t.ours.window(source, o.seconds),
                      lambda: t.netdev.window(source, o.seconds))
        self.add(case, size or n, pairs, goal, variant=variant,
                 peers_first_second=cold, floor_cycles=t.floor(source))


# The cases.  The first line of each is what --help shows.

def flows(n, n_macs):
    return [packets.bridged(f % n_macs, f) for f in range(n)]


def d1(bench):
    """into the tunnel, 1000 MACs, 1000 flows"""
    bench.compare("D1 encap, 1 k MACs, 1 k flows", flows(1000, 1000), 1000,
                  2.2)


def d2(bench):
    """into the tunnel, one flow: OVS's best case"""
    bench.compare("D2 encap, 1 flow", flows(1, 1), 1000, 1.5)


def d3(bench):
    """into the tunnel, 16 000 flows to 1000 MACs"""
    bench.compare("D3 encap, 1 k MACs, 16 k flows", flows(16000, 1000), 1000,
                  2.5)


def d4(bench):
    """into the tunnel, 64 000 flows to 1000 MACs"""
    bench.compare("D4 encap, 1 k MACs, 64 k flows", flows(64000, 1000), 1000,
                  2.5)


def d7(bench):
    """out of the tunnel to a VM, 1000 flows"""
    bench.compare("D7 decap, 1 k flows", [
        packets.tunneled(i, i, N_VTEPS) for i in range(1000)], 1000, 2.5,
        "up", "vm")


def d5(bench):
    """into the tunnel, 64 000 MACs: the first 10 seconds, and sustained"""
    o = bench.options
    n = 16000 if o.quick else 64000
    seconds = 2 if o.quick else 10
    case = f"D5 encap, {n // 1000} k active MACs"
    bench.close()                   # Nobody has sent anything yet.
    t = bench.twins(n)
    t.load(flows(1000, 1000))
    t.check(case, 1000)
    t.load(flows(n, n))

    def first(variant, what, n_pairs):
        pairs = Pairs(n_pairs,
                      lambda: t.ours.window("vm", seconds, settle=0),
                      lambda: t.netdev.window("vm", seconds, settle=0))
        bench.add(f"{case}, first {seconds} s after {what}", n, pairs,
                  None if o.quick else 40, variant=variant)

    # OVS's flow limit is low at first and grows; which caches there are
    # matters little as long as packets miss them.
    first("default", "the start", 1)
    t.netdev.settle("vm", n)
    t.check(case, n)
    variant = t.choose("vm")
    say(f"{case}: {n} images, both send the same; OVS with {variant}")
    pairs = Pairs(o.pairs, lambda: t.ours.window("vm", o.seconds),
                  lambda: t.netdev.window("vm", o.seconds))
    bench.add(f"{case}, sustained", n, pairs, None if o.quick else 20,
              variant=variant, floor_cycles=t.floor("vm"))
    t.netdev.forget()
    first(variant, "a purge of flows", 1)


def active(bench):
    """cost against the number of active MACs, for the plot"""
    o = bench.options
    n_macs = 16000 if o.quick else 64000
    for n in 1, 10, 100, 1000, 10000, n_macs:
        bench.compare("active MACs", flows(n, n), n_macs, None, size=n,
                      check=n <= 1000)
    if o.quick:
        return
    t = bench.twins(n_macs)
    for n in 128000, 256000, 512000, 1000000:
        say(f"active MACs: {n}, ours alone")
        t.grow(n, ours_only=True)
        t.load(flows(n, n))
        t.ours.window("vm", o.seconds)
        rates = [t.ours.window("vm", o.seconds).rate for _ in range(o.pairs)]
        bench.report.add("active MACs, ours alone", n,
                         statistics.median(rates), "Mpps per CPU",
                         pairs=o.pairs, memory=bench.memory,
                         ours_cycles=cycles(statistics.median(rates)),
                         least=min(rates), most=max(rates))
    bench.close()                   # The table is not what its key says.


def s1(bench):
    """two PMD threads against one"""
    o = bench.options
    cores = sorted(os.sched_getaffinity(0))[-2:]
    if len(cores) < 2:
        bench.report.skip("S1 two PMD threads", "one core")
        return
    t = bench.twins(1000, cores=tuple(cores), n_rxq=2)
    for side in t.sides:
        side.vsctl("set", "Interface", "vm", "other_config:pmd-rxq-affinity="
                   + f'"0:{cores[1]},1:{cores[0]}"')
    t.load(flows(1000, 1000))
    variant = t.choose("vm")
    both = []
    for side in t.sides:
        both.append(Pairs(
            o.pairs, lambda: side.window("vm", o.seconds, "--queues=2"),
            lambda: side.window("vm", o.seconds, "--queues=1"),
            lambda w: w.rate_together))
    bench.add("S1 two PMD threads", 2, both[0], 1.9, unit="Mpps",
              peer="one PMD thread")
    bench.add("S1 two PMD threads, OVS netdev", 2, both[1], unit="Mpps",
              peer="one PMD thread", variant=variant)


def d9(bench):
    """a victim beside a port that scans and explodes tuple spaces"""
    scale.attack(bench, Pairs, say)


def d6_d8(bench):
    """1 M MACs in 10 k VNIs, 4 k VRFs x 100 routes, 16 k VTEPs (D6, D8)"""
    scale.scale_up(bench, Pairs, say)


def l3(bench):
    """D1 to D3 with net_pcap and net_null instead of our devices"""
    o = bench.options
    for name, n, goal in (("D1 encap, 1 k MACs, 1 k flows", 1000, 1.6),
                          ("D2 encap, 1 flow", 1, 1.3),
                          ("D3 encap, 1 k MACs, 16 k flows", 16000, 1.7)):
        bench.close()               # Cores of those that do not stop.
        if o.malloc:
            bench.report.skip(f"L3 {name}", "devices of DPDK, and --malloc")
            continue
        t = bench.world = VdevTwins(bench, 1000, flows(n, min(n, 1000)))
        t.netdev.settle("vm", min(n, 1000))
        variant = t.choose("vm")
        say(f"L3 {name}: net_pcap to net_null; OVS with {variant}")
        pairs = Pairs(o.pairs, lambda: t.ours.window("vm", o.seconds),
                      lambda: t.netdev.window("vm", o.seconds))
        bench.add(f"L3 {name}", n, pairs, goal, variant=variant)
    bench.close()


CASES = {"D1": d1, "D2": d2, "D3": d3, "D4": d4, "D7": d7, "S1": s1,
         "D9": d9, "D5": d5, "active": active, "D6": d6_d8, "D8": d6_d8,
         "scale": d6_d8, "L3": l3}
QUICK = ["D1", "D2", "D4", "D7"]
