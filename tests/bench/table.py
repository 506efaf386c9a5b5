# SPDX-License-Identifier: Apache-2.0

"""usage: table.py PROGRAM [ARG]...

Runs a benchmark, whose JSON lines it passes on, and prints the table of them
at the end.  The exit status is the benchmark's."""

import json
import subprocess
import sys

from report import Report


def main():
    report = Report()
    with subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE,
                          text=True) as program:
        for line in program.stdout:
            print(line, end="", flush=True)
            if line.startswith("{"):
                report.lines.append(json.loads(line))
    if report.lines:
        report.table()
    return program.returncode


if __name__ == "__main__":
    sys.exit(main())
