#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0

"""Measures the control path: from rows to packets.  See README.md."""

import argparse
import os
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "switch")]

import observe                                              # noqa: E402
from ovl import frames, process                             # noqa: E402
from ovl.database import Database                           # noqa: E402
from report import Report, quantile                         # noqa: E402
from world import (World, delete, delete_routes, insert,    # noqa: E402
                   insert_route, mac_of, make_router, packet_to, sample)

# Large transactions take their time on a busy machine.
process.TIMEOUT = 120

# A share of VMs that is asked whether frames reach it.
N_SAMPLE = 1000


def say(text):
    print(f"# {text}", file=sys.stderr, flush=True)


class Bench:
    def __init__(self, options, report):
        self.options = options
        self.report = report
        self.n = options.rows

    # Server alone.

    def server_alone(self):
        """Seconds that ovsdb-server takes for the large transaction while
        nobody listens."""
        with tempfile.TemporaryDirectory(prefix="ovl-bench") as directory:
            d = process.Daemons(directory, self.options.prefix)
            d.create_db()
            d.start_db()
            db = Database(f"{d.dir}/db.sock")
            request = db.request([insert(i) for i in range(self.n)])
            start = time.monotonic()
            db.start(request)
            db.finish()
            seconds = time.monotonic() - start
            db.close()
            d.stop_db()
        return seconds

    # One world.

    def memory(self):
        return observe.resident(self.world.d.process.pid)

    def cpu_times(self):
        """CPU time so far of daemon and server."""
        return {"cpu": observe.cpu_time(self.world.d.process.pid),
                "server_cpu": observe.cpu_time(self.world.d.db_process.pid)}

    def cpu_since(self, before):
        return {key: value - before[key]
                for key, value in self.cpu_times().items()}

    def load(self):
        """All rows in one transaction, while others watch.  Returns seconds
        from sending it to the server's answer, and to the first packet."""
        w = self.world
        request = w.db.request([insert(i) for i in range(self.n)])
        start = time.monotonic()
        w.db.start(request)
        w.db.finish()
        answered = time.monotonic() - start
        return answered, w.time_until_forwarded(self.n - 1, 0.005) - start

    def measure_load(self, alone):
        w = self.world
        stalls = observe.Stalls(w.d.process.pid, w.control_path()).start()
        stream = None
        if self.taps:
            header = (bytes.fromhex((frames.mac(17) + frames.mac(16))
                                    .replace(":", "")) + b"\x88\xb6")
            stream = observe.Stream("t0", "t1", header).start()
        before = self.cpu_times()
        answered, in_force = self.load()
        cpu = self.cpu_since(before)
        time.sleep(1)           # What follows a load can stall, too.
        samples = stalls.stop()
        streamed = stream.stop() if stream else None

        self.add("C0 rows in force", in_force, "s", "goal", 10,
                 server=answered, server_alone=alone, **cpu)
        self.add("C0 after the server's answer", in_force - answered, "s",
                 "ovsdb-server alone", alone)
        self.add("VMs not reached", w.lost(sample(self.n, N_SAMPLE)),
                 "frames", "goal", 0, pairs=min(self.n, N_SAMPLE))
        self.report_stalls("while loading", samples)
        if streamed:
            sent, received, repeated, gap, seconds = streamed
            self.add("C5 packets lost while loading", sent - received,
                     "packets", "goal", 0, pairs=sent, repeated=repeated,
                     longest_gap_ms=gap * 1000, kpps=sent / seconds / 1000)
        else:
            self.report.skip("C5 packets lost while loading", self.no_taps)

    def report_stalls(self, when, samples):
        times = [s[0] * 1000 for s in samples]
        worst = max(samples)
        # What remains without the time that the machine was busy with others.
        net = [max(0, s[0] - s[2]) * 1000 for s in samples]
        self.add(f"C3 main loop, {when}, p99.9", quantile(times, .999), "ms",
                 "goal", 50, pairs=len(samples), p50=quantile(times, .5),
                 p99=quantile(times, .99), longest=max(times),
                 cpu_of_longest_ms=worst[1] * 1000,
                 waited_for_cpu_of_longest_ms=worst[2] * 1000,
                 p999_less_wait_for_cpu=quantile(net, .999),
                 longest_less_wait_for_cpu=max(net),
                 cpu_ms_longest=max(s[1] for s in samples) * 1000)

    def measure_single(self):
        """One row more, one row changed, one row less."""
        w = self.world
        latencies, answers = [], []
        for k in range(self.options.changes):
            i = self.n + k
            request = w.db.request([insert(i)])
            w.settle()
            start = time.monotonic()
            w.db.start(request)
            sent = w.time_until_forwarded(i, 0.0001)
            latencies.append((sent - start) * 1000)
            w.db.finish()
            answers.append((time.monotonic() - start) * 1000)
            time.sleep(0.01)
        w.db.transact(delete(["vtep", "!=", ""], ["mac", "==", mac_of(self.n)]),
                      *[delete(["mac", "==", mac_of(self.n + k)])
                        for k in range(1, self.options.changes)])
        for q, goal in (.5, 3), (.99, 15):
            self.add(f"C1 one-row change, p{q * 100:g}",
                     quantile(latencies, q), "ms", "goal", goal,
                     pairs=len(latencies), longest=max(latencies),
                     answered=quantile(answers, q))

    def measure_memory_full(self, before, bare_before):
        time.sleep(self.options.settle)
        full, bare = self.memory(), self.bare.memory(self.n)
        self.add("memory per row, less the bare client's",
                 (full - bare) / self.n, "bytes", "goal", 400,
                 daemon=full, bare_client=bare,
                 growth_less_the_client_s=(full - before - bare
                                           + bare_before) / self.n)
        return full

    def measure_delete(self, before, full):
        w = self.world
        stalls = observe.Stalls(w.d.process.pid, w.control_path()).start()
        cpu = self.cpu_times()
        start = time.monotonic()
        w.db.transact(delete())
        answered = time.monotonic() - start
        process.wait_until(lambda: w.count("macs") < self.n / 2, "rows stay")
        seconds = time.monotonic() - start
        process.wait_until(lambda: self.memory() < (before + full) / 2
                           or time.monotonic() - start > 60, "")
        time.sleep(self.options.settle)
        self.add("rows deleted", seconds, "s", server=answered,
                 **self.cpu_since(cpu))
        self.report_stalls("while deleting", stalls.stop())
        empty = self.memory()
        self.bare.memory(0)
        self.add("memory kept after deletion", (empty - before) / 1e6, "MB",
                 "goal", max(4e6, (full - before) / 50) / 1e6, before=before,
                 full=full, after=empty)

    def measure_restart(self):
        """The daemon dies and comes back."""
        w = self.world
        seconds, losses, ready, cpu = [], 0, [], []
        for _ in range(self.options.restarts):
            w.d.kill()
            w.p0.offset = 24    # The file starts over.
            before = {"cpu": 0, "server_cpu": observe.cpu_time(
                w.d.db_process.pid)}
            start = time.monotonic()
            w.d.start()
            w.set_underlay()
            ready.append(time.monotonic() - start)
            seconds.append(w.time_until_forwarded(self.n - 1, 0.005) - start)
            cpu.append(self.cpu_since(before))
            losses += w.lost(sample(self.n, N_SAMPLE))
        self.add("C2 daemon start until all forward", quantile(seconds, .5),
                 "s", "goal", 3, pairs=len(seconds), longest=max(seconds),
                 control_socket=quantile(ready, .5), **cpu[-1])
        self.add("VMs not reached after the restart", losses, "frames",
                 "goal", 0, pairs=len(seconds) * min(self.n, N_SAMPLE))

    def measure_routes(self):
        """As many routes as there were VMs, in one VRF."""
        w = self.world
        w.db.transact(delete(), *make_router())
        process.wait_until(lambda: w.count("macs") < self.n / 2, "rows stay")
        request = w.db.request([insert_route(i) for i in range(self.n)])
        stalls = observe.Stalls(w.d.process.pid, w.control_path()).start()
        before, memory = self.cpu_times(), self.memory()
        start = time.monotonic()
        w.db.start(request)
        w.db.finish()
        answered = time.monotonic() - start
        in_force = w.time_until_forwarded(self.n - 1, 0.005,
                                          make=packet_to) - start
        cpu = self.cpu_since(before)
        self.add("routes in force", in_force, "s", "goal", 10,
                 server=answered, memory_per_route=(self.memory() - memory)
                 / self.n, **cpu)
        self.report_stalls("while loading routes", stalls.stop())

        latencies = []
        for i in range(self.n, self.n + self.options.changes):
            request = w.db.request([insert_route(i)])
            w.settle()
            start = time.monotonic()
            w.db.start(request)
            sent = w.time_until_forwarded(i, 0.0001, make=packet_to)
            latencies.append((sent - start) * 1000)
            w.db.finish()
        for q, goal in (.5, 3), (.99, 15):
            self.add(f"one-route change, p{q * 100:g}",
                     quantile(latencies, q), "ms", "goal", goal,
                     pairs=len(latencies), longest=max(latencies))

        start = time.monotonic()
        w.db.transact(delete_routes())
        process.wait_until(lambda: w.count("routes") == 0, "routes stay")
        self.add("routes deleted", time.monotonic() - start, "s")

    def add(self, case, ours, unit, peer=None, peers=None, **more):
        self.report.add(case, self.n, ours, unit, peer, peers,
                        ports=self.n_ports, **more)

    def run(self, n_ports, alone):
        self.n_ports = n_ports
        self.taps = observe.enter_namespace() if not os.getuid() else False
        self.no_taps = ("a tap device needs root" if os.getuid()
                        else "no namespace or no /dev/net/tun")
        say(f"{self.n} rows, {n_ports} more ports")
        self.world = World(tempfile.mkdtemp(prefix="ovl-bench"),
                           self.options.prefix, self.taps, n_ports)
        try:
            self._run(alone)
        finally:
            self.world.close()

    def _run(self, alone):
        w = self.world
        self.bare = observe.BareClient(self.options.bare_idl,
                                       f"unix:{w.d.dir}/db.sock")
        bare_before, before = self.bare.memory(0), self.memory()
        self.measure_load(alone)
        full = self.measure_memory_full(before, bare_before)
        self.measure_single()
        self.measure_delete(before, full)
        self.bare.close()
        self.load()
        self.measure_restart()
        self.measure_routes()
        warnings = [line for line in w.d.log_since_mark().splitlines()
                    if "Unreasonably long" in line]
        self.add("long poll intervals in the log", len(warnings), "lines",
                 "goal", 0)
        for line in warnings:
            say(line)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true",
                        help="20000 rows, few changes, no more ports")
    parser.add_argument("--rows", type=int, default=100000)
    parser.add_argument("--ports", type=int, action="append",
                        help="ports beside three, may be repeated "
                        "(default: 0 and 1000)")
    parser.add_argument("--changes", type=int, default=500)
    parser.add_argument("--restarts", type=int, default=3)
    parser.add_argument("--settle", type=float, default=3,
                        help="seconds before memory is measured")
    parser.add_argument("--prefix", default=process.PREFIX)
    parser.add_argument("--bare-idl", required=True,
                        help="the program of this name")
    options = parser.parse_args()
    if options.quick:
        options.rows, options.changes, options.restarts = 20000, 100, 1
        options.ports = options.ports or [0]

    report = Report()
    bench = Bench(options, report)
    alone = bench.server_alone()
    for n_ports in options.ports or [0, 1000]:
        bench.run(n_ports, alone)
    report.table()
    return any(line.get("peer") == "goal" and line["ours"] > line["peers"]
               for line in report.lines)


if __name__ == "__main__":
    sys.exit(main())
