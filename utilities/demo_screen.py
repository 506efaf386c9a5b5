# SPDX-License-Identifier: Apache-2.0
"""Where the demonstration appears, and what went wrong in it."""

import os
import sys
import textwrap

WIDTH = 78


class Wrong(Exception):
    """What was to be shown is not so."""


def check(condition, otherwise):
    if not condition:
        raise Wrong(otherwise)


class Screen:
    """Where the demonstration appears.  No colours but on a terminal."""

    def __init__(self):
        colours = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        self._code = (lambda n, text: "\033[%dm%s\033[0m" % (n, text)) \
            if colours else lambda n, text: text
        self.results = []

    def heading(self, text):
        print("\n" + self._code(1, "== " + text), flush=True)

    def say(self, text):
        print(_wrap(" ".join(text.split()), "   ", "   "), flush=True)

    def command(self, *words):
        """The command as a user would type it."""
        print("   " + self._code(36, "$ " + " ".join(map(str, words))),
              flush=True)

    def output(self, text, most=16):
        lines = text.rstrip().splitlines()
        for line in lines[:most]:
            print(_wrap(line, "     | ", "     |     "))
        if len(lines) > most:
            print("     | ... (%d more lines)" % (len(lines) - most))
        sys.stdout.flush()

    def passed(self, title, result):
        self.results.append((title, True, result))
        print("   " + self._code(32, "ok: ") + result, flush=True)

    def failed(self, title, why):
        first = str(why).strip().splitlines()[0]
        self.results.append((title, False, first))
        print("   " + self._code(31, "FAILED: ") + str(why).strip(),
              flush=True)

    def summary(self):
        good = sum(ok for _, ok, _ in self.results)
        self.heading("Summary")
        for title, ok, result in self.results:
            mark = self._code(32, "  ok  ") if ok else self._code(31, "FAILED")
            print(" %s %s: %s" % (mark, title, result[:WIDTH - 10
                                                      - len(title)]))
        print("\n %d of %d shown." % (good, len(self.results)), flush=True)
        return good == len(self.results)


def _wrap(line, first, others):
    return textwrap.fill(line, WIDTH, initial_indent=first,
                         subsequent_indent=others, drop_whitespace=True,
                         break_on_hyphens=False) or first
