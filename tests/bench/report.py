# SPDX-License-Identifier: Apache-2.0

"""What a benchmark prints: a JSON object per line on stdout, and at the end a
table for people on stderr."""

import json
import sys


def quantile(values, q):
    """The smallest of 'values' that is not exceeded by a share 'q' of them."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * q), len(ordered) - 1)]


def _shown(value):
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def verdict(line):
    """Whether a goal was met: what 'ours' is compared with, or a ratio."""
    if line.get("peer") == "goal":
        met = (line["ours"] >= line["peers"] if line["unit"].endswith("/s")
               else line["ours"] <= line["peers"])
        return "met" if met else "MISSED"
    if line["ratio"] is None:
        return ""
    text = "%.3g" % line["ratio"]
    if "ratio_low" in line:
        text += " (%.3g to %.3g)" % (line["ratio_low"], line["ratio_high"])
    if "goal" in line:
        at_most = line.get("at_most")
        good = (line["ratio"] <= line["goal"] if at_most
                else line["ratio"] >= line["goal"])
        text += ", goal %s %g: %s" % ("<=" if at_most else ">=", line["goal"],
                                      "met" if good else "MISSED")
    return text


class Report:
    def __init__(self):
        self.lines = []

    def add(self, case, size, ours, unit, peer=None, peers=None, pairs=1,
            **more):
        """Prints one result.  'pairs' is the number of samples behind it,
        'more' what else helps to judge it."""
        line = {"case": case, "size": size, "ours": round(ours, 3),
                "peer": peer,
                "peers": None if peers is None else round(peers, 3),
                "ratio": round(ours / peers, 4) if peers else None,
                "unit": unit, "pairs": pairs}
        line.update({k: round(v, 4) if isinstance(v, float) else v
                     for k, v in more.items() if v is not None})
        self.lines.append(line)
        print(json.dumps(line), flush=True)

    def skip(self, case, why):
        self.lines.append({"case": case, "skipped": why})
        print(json.dumps(self.lines[-1]), flush=True)

    def table(self):
        rows = [("case", "size", "ours", "unit", "compared with", "", "")]
        for line in self.lines:
            if "skipped" in line:
                rows.append((line["case"], "", "", "", "skipped: "
                             + line["skipped"], "", ""))
                continue
            rows.append((line["case"], _shown(line["size"]),
                         _shown(line["ours"]), line["unit"],
                         line["peer"] or "", _shown(line["peers"]),
                         verdict(line)))
        widths = [max(len(row[i]) for row in rows) for i in range(7)]
        print(file=sys.stderr)
        for row in rows:
            print("  ".join(cell.ljust(width) for cell, width
                            in zip(row, widths)).rstrip(), file=sys.stderr)
