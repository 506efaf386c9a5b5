# SPDX-License-Identifier: Apache-2.0

"""Writes RESULTS.md: what a full run of datapath.py measured, and on what."""

import os
import platform
import re
import subprocess

import packets
import plot
from report import verdict

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


def _read(path, pattern):
    try:
        with open(path) as file:
            found = re.search(pattern, file.read(), re.M)
    except OSError:
        found = None
    return found.group(1).strip() if found else "unknown"


def machine():
    """Facts about the machine, as (name, value)."""
    flags = _read("/proc/cpuinfo", r"^flags\s*:(.*)").split()
    yield "processor", (_read("/proc/cpuinfo", r"^model name\s*:(.*)")
                        + f", {os.cpu_count()} cores"
                        + (", a virtual machine" if "hypervisor" in flags
                           else ""))
    yield "vectors", "AVX-512" if "avx512f" in flags else (
        "AVX2" if "avx2" in flags else "SSE")
    yield "caches", ", ".join(
        _read(f"/sys/devices/system/cpu/cpu0/cache/index{i}/{what}", "(.*)")
        for i in range(4) for what in ("level", "size")).replace(
            ", unknown", "")
    yield "memory", _read("/proc/meminfo", r"MemTotal:(.*)")
    yield "kernel", platform.release()


def commit():
    words = ["git", "-C", TOP, "describe", "--always", "--dirty",
             "--abbrev=12", "--exclude=*"]
    result = subprocess.run(words, stdout=subprocess.PIPE, text=True,
                            stderr=subprocess.DEVNULL)
    return result.stdout.strip() or "unknown"


def flags(daemon):
    """Compiler flags of the build that 'daemon' belongs to."""
    makefile = os.path.join(os.path.dirname(daemon), "..", "..", "Makefile")
    return (f"ours `{_read(makefile, r'^CFLAGS = (.*)')}`, Open vSwitch "
            f"`{_read(makefile, r'^OVS_CFLAGS = (.*)')}`")


def row(line):
    if "skipped" in line:
        return f"| {line['case']} | | | | skipped: {line['skipped']} | |"

    def cell(key):
        value = line.get(key)
        if value is None:
            return ""
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"

    def with_cycles(key):
        return cell(key) + (f" ({line[key + '_cycles']:,.0f} cyc)"
                            if line.get(key + "_cycles") else "")
    return (f"| {line['case']} | {line['size']:,} | {with_cycles('ours')} | "
            f"{line['unit']} | {line['peer'] or ''}"
            + (f" ({line['variant']})" if "variant" in line else "")
            + (f": {with_cycles('peers')}" if line["peers"] is not None
               else "")
            + f" | {verdict(line)}{', noisy' if line.get('noisy') else ''} |")


def write(directory, bench):
    o = bench.options
    lines = bench.report.lines
    text = ["# Results", "",
            "Written by `utilities/bench --results tests/bench`; see "
            "[README.md](README.md)",
            "for how it is measured.  Figures of two machines do not compare, "
            "ratios do.", "",
            "| | |", "|---|---|",
            f"| commit | {bench.commit} |",
            f"| flags | {flags(o.daemon)} |",
            f"| packets | of 60 bytes, {o.in_flight} in flight, from "
            f"{bench.memory}; hash and checksum verdict as a network card "
            "gives them |",
            f"| windows | {o.pairs} pairs of {o.seconds:g} s, core {o.core} |",
            f"| least share of its core | {bench.least_share():.0%} |"]
    text += [f"| {name} | {value} |" for name, value in machine()]
    discarded = sum(sum(line.get("discarded", {}).values()) for line in lines)
    text += [f"| pairs discarded | {discarded} |", "",
             "Both datapaths sent the same frames in each case where they are "
             "compared, but for:", ""]
    text += [f"- {what}" for what in packets.MASKED]
    text += ["", "\"Mpps per CPU\" is packets per second of CPU time of the "
             "PMD thread, \"cyc\" the same",
             "in ticks of the time stamp counter.  Behind each ratio is the "
             "middle half of the",
             "pairs, or all of them where it says noisy.", "",
             "| case | size | ours | unit | compared with | ratio |",
             "|---|---|---|---|---|---|"]
    text += [row(line) for line in lines]
    svg = plot.draw(lines)
    if svg:
        text += ["", "![cost against the number of active MACs](cost.svg)"]
        with open(f"{directory}/cost.svg", "w") as file:
            file.write(svg)
    with open(f"{directory}/RESULTS.md", "w") as file:
        file.write("\n".join(text + [""]))
