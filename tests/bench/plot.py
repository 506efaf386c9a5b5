#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0

"""Draws cost against the number of active MACs, as SVG, out of the JSON lines
of datapath.py:

    plot.py < LINES > cost.svg
"""

import json
import math
import sys

WIDTH, HEIGHT = 720, 420
LEFT, RIGHT, TOP, BOTTOM = 70, 150, 40, 60
OURS, PEER = "#1b6ca8", "#c0504d"


def number(n):
    for unit, name in (1000000, " M"), (1000, " k"):
        if n >= unit:
            return f"{n / unit:g}{name}"
    return f"{n:g}"


class Axis:
    """A logarithmic axis from pixel 'start' to pixel 'end'."""

    def __init__(self, low, high, start, end):
        self.low, self.high = low, high
        self.scale = (end - start) / math.log(high / low)
        self.start = start

    def at(self, value):
        return self.start + math.log(value / self.low) * self.scale

    def ticks(self, factors):
        power = 10 ** math.floor(math.log10(self.low))
        while power <= self.high:
            for factor in factors:
                if self.low <= power * factor <= self.high:
                    yield power * factor
            power *= 10


def series(lines):
    """Two lists of (active MACs, cycles): ours and OVS's."""
    ours, peers = {}, {}
    for line in lines:
        if line["case"].startswith("active MACs"):
            ours[line["size"]] = line["ours_cycles"]
            if line.get("peers_cycles"):
                peers[line["size"]] = line["peers_cycles"]
    return sorted(ours.items()), sorted(peers.items())


def draw(lines):
    """Returns the SVG, or None if nobody measured that."""
    ours, peers = series(lines)
    if not ours:
        return None
    every = [c for _, c in ours + peers]
    x = Axis(1, max(n for n, _ in ours), LEFT, WIDTH - RIGHT)
    y = Axis(min(every) / 1.5, max(every) * 1.5, HEIGHT - BOTTOM, TOP)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" '
           f'height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" '
           'font-family="sans-serif" font-size="12">',
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
           f'<text x="{LEFT}" y="22" font-size="14">Cycles per packet into '
           'the tunnel, by number of active MACs</text>']
    for n in x.ticks([1]):
        at = round(x.at(n), 1)
        out += [f'<line x1="{at}" y1="{TOP}" x2="{at}" '
                f'y2="{HEIGHT - BOTTOM}" stroke="#ddd"/>',
                f'<text x="{at}" y="{HEIGHT - BOTTOM + 18}" '
                f'text-anchor="middle">{number(n)}</text>']
    for c in y.ticks([1, 2, 5]):
        at = round(y.at(c), 1)
        out += [f'<line x1="{LEFT}" y1="{at}" x2="{WIDTH - RIGHT}" y2="{at}" '
                'stroke="#ddd"/>',
                f'<text x="{LEFT - 8}" y="{at + 4}" text-anchor="end">'
                f'{c:g}</text>']
    out.append(f'<text x="{(LEFT + WIDTH - RIGHT) // 2}" y="{HEIGHT - 16}" '
               'text-anchor="middle">active destination MACs, at random'
               '</text>')
    for points, color, name in ((ours, OURS, "overlay"),
                                (peers, PEER, "OVS netdev")):
        if not points:
            continue
        at = [(round(x.at(n), 1), round(y.at(c), 1)) for n, c in points]
        out.append(f'<polyline fill="none" stroke="{color}" stroke-width="2" '
                   'points="' + " ".join(f"{a},{b}" for a, b in at) + '"/>')
        out += [f'<circle cx="{a}" cy="{b}" r="3" fill="{color}"/>'
                for a, b in at]
        out.append(f'<text x="{at[-1][0] + 8}" y="{at[-1][1] + 4}" '
                   f'fill="{color}">{name}</text>')
    return "\n".join(out + ["</svg>", ""])


if __name__ == "__main__":
    sys.stdout.write(draw([json.loads(line) for line in sys.stdin
                           if line.startswith("{")])
                     or sys.exit("no line about active MACs"))
