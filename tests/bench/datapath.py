#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0

"""Measures the datapath: beside OVS's own, on the same core, with the same
packets.  See README.md.

Needs root, for network namespaces, tap devices and huge pages, which are given
back at the end.
"""

import argparse
import os
import shutil
import signal
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "switch")]

import cases                                                # noqa: E402
import results                                              # noqa: E402
from ovl import process                                     # noqa: E402
from report import Report                                   # noqa: E402
from twins import POOL_MB, Hugepages, SetupError            # noqa: E402
from vdevs import Vdevs                                     # noqa: E402

process.TIMEOUT = 300           # Large transactions, on a busy machine.


def parse_options():
    parser = argparse.ArgumentParser(
        prog="utilities/bench", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="cases:\n" + "\n".join(
            f"  {name:<7} {case.__doc__.splitlines()[0]}"
            for name, case in cases.CASES.items()))
    parser.add_argument("--case", action="append", metavar="CASE",
                        help="measure only this one; may be repeated")
    parser.add_argument("--quick", action="store_true",
                        help="short windows, few pairs, smaller tables; "
                        "without --case only " + ", ".join(cases.QUICK))
    parser.add_argument("--pairs", type=int, metavar="N",
                        help="pairs of windows (default 9, quick 3)")
    parser.add_argument("--seconds", type=float,
                        help="of a window (default 2, quick 0.25)")
    parser.add_argument("--core", type=int,
                        help="that packets are processed on (default: last)")
    parser.add_argument("--in-flight", type=int, default=512, metavar="N",
                        help="packets that go round (default 512)")
    parser.add_argument("--malloc", action="store_true",
                        help="packets from malloc() instead of huge pages")
    parser.add_argument("--results", metavar="DIR",
                        help="write RESULTS.md and cost.svg there")
    parser.add_argument("--prefix", default=process.PREFIX,
                        help="where the programs are installed")
    parser.add_argument("--daemon", required=True,
                        help="the benchmark's ovs-vswitchd")
    options = parser.parse_args()
    for name in options.case or []:
        if name not in cases.CASES:
            parser.error(f"there is no case \"{name}\", but "
                         + ", ".join(cases.CASES))
    options.case = options.case or (cases.QUICK if options.quick
                                    else list(cases.CASES))
    options.pairs = options.pairs or (3 if options.quick else 9)
    options.seconds = options.seconds or (0.25 if options.quick else 2)
    cores = sorted(os.sched_getaffinity(0))
    if options.core is None:
        options.core = cores[-1]
    elif options.core not in cores:
        parser.error(f"there is no core {options.core}, but "
                     + ", ".join(map(str, cores)))
    return options


def interrupt(*_):
    raise KeyboardInterrupt


def main():
    options = parse_options()
    if os.geteuid():
        raise SetupError("network namespaces, tap devices and huge pages "
                         "need root")
    for path in options.daemon, f"{options.prefix}/sbin/ovsdb-server":
        if not os.path.exists(path):
            raise SetupError(f"there is no {path}; utilities/bench builds it")
    if options.results:
        try:
            os.makedirs(options.results, exist_ok=True)
        except OSError as error:
            raise SetupError(f"--results: {error}") from error
    signal.signal(signal.SIGTERM, interrupt)

    pool_mb = Vdevs.pool_mb if "L3" in options.case else POOL_MB
    hugepages = None if options.malloc else Hugepages(2 * pool_mb)
    directory = tempfile.mkdtemp(prefix="ovl-datapath")
    bench = cases.Bench(options, Report(), directory)
    bench.commit = results.commit()
    try:
        for case in dict.fromkeys(cases.CASES[name] for name in
                                  options.case):
            case(bench)
    finally:
        bench.close()
        shutil.rmtree(directory, ignore_errors=True)
        if hugepages:
            hugepages.close()
    bench.report.table()
    bench.say_noise()
    if options.results:
        results.write(options.results, bench)


if __name__ == "__main__":
    try:
        main()
    except SetupError as error:
        sys.exit(f"bench: {error}")
    except KeyboardInterrupt:
        sys.exit("bench: interrupted")
