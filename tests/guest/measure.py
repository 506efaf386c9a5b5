#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""usage: measure.py [--quick]

How fast one guest gets a large file from another by TCP, with
other_config:userspace-tso-enable ("ours") and without ("peer"), in turns:

    a ─┐
    c ─┴─ hv1 ══ underlay ══ hv2 ── b            c to a, b to a

There are two such worlds at once, one of which rests.  'ours' and 'peers' are
MB/s, medians; the guests are emulated, so what they cost is most of it.
'cpu' and 'peer_cpu' are the milliseconds per MB that the packet threads of
both daemons had, whatever else the machine was doing.
"""

import argparse
import os
import statistics
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
for folder in "../../utilities", "../bench", ".":
    sys.path.insert(0, os.path.join(HERE, folder))

from guest_world import World                               # noqa: E402
from guests import prepare                                  # noqa: E402
from overlay_lab import Fabric, Lab                         # noqa: E402
from report import Report, quantile                         # noqa: E402

PREFIX = os.environ.get("OVL_PREFIX", "/usr/local")
TAGS = "ogt", "ogs"


def make(fabric, images, tso):
    world = World(fabric, images, 2, tso)
    world.a = world.add("a", 0, 1)
    world.b = world.add("b", 1, 2)
    world.c = world.add("c", 0, 3)
    world.wait()
    world.a.run("truncate -s 64M /www/zeros")
    for guest in world.b, world.c:
        for address in world.a.ip, world.a.ip6:
            guest.reaches(address)
    return world


def packet_threads(world):
    """CPU seconds that they have had."""
    ticks = 0
    for hypervisor in world.hypervisors:
        tasks = "/proc/%d/task/" % hypervisor.switch.pid
        for task in os.listdir(tasks):
            with open(tasks + task + "/stat", encoding="ascii",
                      errors="replace") as file:
                name, _, rest = file.read().rpartition(")")
            if "(ovl_pmd" in name or "(ovl_io" in name:
                ticks += sum(map(int, rest.split()[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


def transfer(world, client, address):
    """Returns MB/s and milliseconds of packet threads per MB."""
    host = "[%s]" % address if ":" in address else address
    cpu, start = packet_threads(world), time.monotonic()
    client.run("wget -q -O /dev/null http://%s/zeros" % host)
    seconds = time.monotonic() - start
    return 64 / seconds, (packet_threads(world) - cpu) * 1000 / 64


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    report = Report()
    images, reason = prepare()
    if reason or os.geteuid():
        report.skip("L4 guests", reason or "needs root")
        return
    for tag in TAGS:
        for lab in Lab.left_behind(tag):
            lab.close()

    with Fabric(PREFIX, tag=TAGS[0]) as one, \
            Fabric(PREFIX, tag=TAGS[1]) as other:
        worlds = make(one, images, True), make(other, images, False)
        for name, client in ("within a hypervisor", "c"), \
                ("between hypervisors", "b"):
            for family, key in ("IPv4", "ip"), ("IPv6", "ip6"):
                pairs = [[transfer(world, getattr(world, client),
                                   getattr(world.a, key))
                          for world in worlds]
                         for _ in range(3 if options.quick else 9)]
                ours, peers = zip(*pairs)
                ratios = [a[0] / b[0] for a, b in pairs]
                report.add(
                    "L4 guests, TCP over %s %s" % (family, name), 64 << 20,
                    statistics.median(rate for rate, _ in ours), "MB/s",
                    "without TSO",
                    statistics.median(rate for rate, _ in peers), len(pairs),
                    ratio_low=quantile(ratios, 0.25),
                    ratio_high=quantile(ratios, 0.75),
                    cpu=statistics.median(cpu for _, cpu in ours),
                    peer_cpu=statistics.median(cpu for _, cpu in peers))
    report.table()


if __name__ == "__main__":
    main()
