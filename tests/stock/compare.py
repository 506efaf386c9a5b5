# SPDX-License-Identifier: Apache-2.0

"""Runs tests of Open vSwitch's own with our programs and with those of Open
vSwitch without our patches, and compares the results test by test.

Run as "make check-stock" (all tests) or "make check-stock-sample" (those that
are named below), in our build directory.
"""

import argparse
import collections
import fcntl
import hashlib
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree

HERE = os.path.dirname(os.path.abspath(__file__))

# The sample: files of Open vSwitch's tests, and which tests in them.
SAMPLE = [
    ("alb.at", "."),
    ("auto-attach.at", "."),
    ("bfd.at", "."),
    ("bridge.at", "."),
    ("cfm.at", "."),
    ("completion.at", "."),
    ("dpctl.at", "."),
    ("dpif-netdev.at", "."),
    ("drop-stats.at", "."),
    ("lacp.at", "."),
    ("mcast-snooping.at", "."),
    ("netdev-type.at", "."),
    ("ofproto.at", r"port|queue|table|message|feature|controller|bridge|echo"),
    ("ovs-router.at", "."),
    ("ovs-vsctl.at", "."),
    ("ovs-vswitchd.at", "."),
    ("ovsdb-rbac.at", "."),
    ("ovsdb-schema.at", "."),
    ("packet-type-aware.at", "."),
    ("pmd.at", "."),
    ("rstp.at", "dummy"),
    ("stp.at", "dummy|flush|link-state"),
    ("tunnel.at", "."),
    ("tunnel-push-pop.at", "."),
    ("tunnel-push-pop-ipv6.at", "."),
]

# A test that differs is run again this often, alone, before that is called a
# difference: some need seconds on the clock, or the processor.
SECOND_LOOKS = 2

PROGRESS = 20                   # Seconds between signs of life.

VERDICT = re.compile(r"^ *(\d+): .*?\b(ok|skipped|FAILED|expected failure|"
                     r"UNEXPECTED PASS)(?: *\((.*)\))?$")

Test = collections.namedtuple("Test", "number file title")


class Side:
    """One of the two build directories that 'prepare' made."""

    def __init__(self, name, directory, jobs):
        self.name = name
        self.build = os.path.join(directory, name, "build")
        self.jobs = jobs
        self.results = {}       # Number -> (verdict, detail).
        self.logs = {}          # Number -> what the test said when it failed.

    def testsuite(self, *args):
        return ["sh", "../src/tests/testsuite", "-C", "tests", *args]

    def list(self):
        text = subprocess.run(self.testsuite("-l"), cwd=self.build, text=True,
                              stdout=subprocess.PIPE, check=True).stdout
        return [Test(int(number), file, title.strip())
                for number, file, title in re.findall(
                    r"^ *(\d+): ([^:\s]+):\d+\s+(.*)$", text, re.M)]

    def run(self, numbers, hide=False, jobs=None):
        """Runs tests and notes their results.  'hide' has ovs-vsctl not show
        the overlay's columns."""
        if not numbers:
            return
        path = "utilities:vswitchd:ovsdb:vtep:tests:ipsec"
        if hide:
            path = self.hider() + ":" + path
        args = self.testsuite("AUTOTEST_PATH=" + path,
                              "-j%d" % (jobs or self.jobs),
                              *map(str, sorted(numbers)))
        start = last = time.monotonic()
        done = failed = 0
        process = subprocess.Popen(
            isolated(args), cwd=self.build, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            errors="replace", env=dict(os.environ, LC_ALL="C"))
        try:
            for line in process.stdout:
                verdict = VERDICT.match(line.rstrip())
                if verdict:
                    done += 1
                    failed += verdict.group(2) == "FAILED"
                    self.results[int(verdict.group(1))] = verdict.group(2, 3)
                if time.monotonic() - last >= PROGRESS:
                    last = time.monotonic()
                    say("  stock: %d of %d tests with %s, %d failed, %d s"
                        % (done, len(numbers), TITLES[self.name], failed,
                           last - start))
            process.wait()
        finally:
            if process.poll() is None:
                # unshare does not mind SIGTERM, and takes all with it.
                (process.kill if isolated.works else process.terminate)()
                process.wait()
        for number in numbers:
            self.results.setdefault(number, ("no result", ""))
            if self.results[number][0] in ("FAILED", "no result"):
                self.logs[number] = self.log(number)

    def log(self, number):
        path = "%s/tests/testsuite.dir/%04d/testsuite.log" % (self.build,
                                                              number)
        try:
            with open(path, errors="replace") as f:
                return f.read()
        except OSError:
            return ""

    def hider(self):
        directory = os.path.join(self.build, "hide")
        os.makedirs(directory, exist_ok=True)
        with open(directory + "/ovs-vsctl", "w") as f:
            f.write("""#!/bin/bash
set -o pipefail
%s/utilities/ovs-vsctl "$@" \\
    | sed -u -e '/^overlay_[a-z_]* *: /d' \\
             -e 's/\\\\noverlay_[a-z_]* *: [^\\\\]*//g'
""" % self.build)
        os.chmod(directory + "/ovs-vsctl", 0o755)
        return "hide"


TITLES = {"ours": "ours", "stock": "the unpatched one"}


def say(text):
    print(text, flush=True)


def isolated(args):
    """'args' in namespaces of its own where that can be had: a test sees no
    interface but its own "lo", and no daemon outlives it."""
    unshare = ["unshare", "--net", "--pid", "--fork", "--kill-child",
               "--mount-proc", "sh", "-c",
               'ip link set lo up && "$@"; exit $?', "sh"]
    if isolated.works is None:
        isolated.works = os.geteuid() == 0 and bool(shutil.which("ip")) and \
            subprocess.run(unshare + ["true"], stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL).returncode == 0
    return unshare + args if isolated.works else args


isolated.works = None


class Cache:
    """Results of the unpatched daemon, which need not be had twice.  Kept
    with the build of Open vSwitch that they belong to.  Whenever a test does
    not pass with ours, both are run, so nothing hangs on what is kept."""

    def __init__(self, ovs):
        with open(os.path.join(HERE, "prepare"), "rb") as f:
            recipe = hashlib.sha256(f.read()).hexdigest()[:16]
        self.path = os.path.join(os.path.realpath(ovs), "stock-results.json")
        self.key = "%s %s %s" % (recipe, platform.release(),
                                 bool(isolated(["true"])[1:]))

    def load(self):
        try:
            with open(self.path) as f:
                kept = json.load(f)
            if kept.get("key") == self.key:
                return {int(number): tuple(result)
                        for number, result in kept["results"].items()}
        except (OSError, ValueError):
            pass
        return {}

    def save(self, results):
        try:
            with open(self.path + ".new", "w") as f:
                json.dump({"key": self.key, "results": results}, f)
            os.rename(self.path + ".new", self.path)
        except OSError:
            pass


def expected_differences(tests):
    """Numbers of the tests that print the overlay's columns, from the file
    of that name."""
    numbers = {"%s: %s" % (test.file, test.title): test.number
               for test in tests}
    result = set()
    with open(os.path.join(HERE, "expected-differences")) as f:
        for line in f:
            line = line.strip()
            if line and not line.startswith("#"):
                if line not in numbers:
                    sys.exit("expected-differences: there is no test \"%s\""
                             % line)
                result.add(numbers[line])
    return result


def compare(ours, stock, numbers, hidden, cache):
    """Runs tests 'numbers' on both sides; 'hidden' without the overlay's
    columns on ours.  Returns those that differed and then did not."""
    ours.run(numbers - hidden)
    ours.run(numbers & hidden, hide=True)

    kept = cache.load()
    stock.results.update({n: kept[n] for n in numbers
                          if kept.get(n, ("",))[0] == "ok"})
    if stock.results:
        say("  stock: results of the unpatched one are kept for %d tests"
            % len(stock.results))
    stock.run(numbers - set(stock.results))

    flaky = set()
    for _ in range(SECOND_LOOKS):
        differ = {n for n in numbers if not same(ours, stock, n)}
        if not differ:
            break
        say("  stock: a second look at %d" % len(differ))
        for side in ours, stock:
            again = {n for n in differ if side.results[n][0] != "ok"}
            side.run(again - hidden, jobs=1)
            side.run(again & hidden, hide=side is ours, jobs=1)
        flaky |= {n for n in differ if same(ours, stock, n)}
    kept.update(stock.results)
    cache.save(kept)
    return flaky


def same(ours, stock, number):
    verdict = ours.results[number][0]
    return verdict == stock.results[number][0] and verdict != "no result"


def junit(path, cases):
    """Writes the report that utilities/check reads."""
    suite = xml.etree.ElementTree.Element("testsuite", name="stock")
    for test, kind, text in cases:
        case = xml.etree.ElementTree.SubElement(
            suite, "testcase", classname=test.file,
            name="%d: %s" % (test.number, test.title))
        if kind:
            xml.etree.ElementTree.SubElement(case, kind, message=text)
    xml.etree.ElementTree.ElementTree(suite).write(path)


def report(tests, ours, stock, flaky, path):
    """Prints the outcome.  Returns the number of differences."""
    cases = []
    differences = 0
    for test in tests:
        a, b = ours.results[test.number], stock.results[test.number]
        name = "%d. %s: %s" % test
        if not same(ours, stock, test.number):
            differences += 1
            text = "%s with ours, %s with the unpatched one" % (a[0], b[0])
            cases.append((test, "failure", text))
            say("DIFFERENCE %s: %s" % (name, text))
            say(ours.logs.get(test.number, "")[-3000:])
        elif a[0] == "skipped":
            cases.append((test, "skipped",
                          "Open vSwitch's test skips itself, with both"))
        elif a[0] in ("FAILED", "UNEXPECTED PASS"):
            cases.append((test, "skipped", "Open vSwitch's test fails here, "
                          "with the unpatched one, too"))
            say("%s with both: %s" % (a[0], name))
        else:
            cases.append((test, None, None))
            if test.number in flaky:
                say("flaky: %s: differed at first, %s with both now"
                    % (name, a[0]))
    if path:
        junit(path, cases)
    for verdict, n in collections.Counter(
            ours.results[test.number][0] for test in tests).items():
        say("%s with ours: %d" % (verdict, n))
    say("%d tests compared, %d skipped, %d differences"
        % (len(tests), sum(kind == "skipped" for _, kind, _ in cases),
           differences))
    return differences


def parse_arguments():
    parser = argparse.ArgumentParser(prog="compare.py",
                                     description=__doc__.split("\n\n")[0])
    parser.add_argument("--all", action="store_true",
                        help="run all tests, not only the sample")
    parser.add_argument("--test", type=int, action="append", metavar="NUMBER",
                        help="run only this test (may be repeated)")
    parser.add_argument("--file", action="append", metavar="NAME.at",
                        help="run only this file's tests (may be repeated)")
    parser.add_argument("--list", action="store_true",
                        help="list the tests that would run, and exit")
    parser.add_argument("--jobs", type=int, default=2 * os.cpu_count())
    parser.add_argument("--report", help="write a report in JUnit's format")
    parser.add_argument("--no-cache", action="store_true",
                        help="run the unpatched one in every case")
    parser.add_argument("ovs", help="link to the build of Open vSwitch")
    parser.add_argument("programs", help="our build directory")
    parser.add_argument("directory", help="where to work")
    return parser.parse_args()


def main():
    options = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    os.makedirs(options.directory, exist_ok=True)
    lock = open(os.path.join(options.directory, "lock"), "w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    subprocess.run([os.path.join(HERE, "prepare"), options.ovs,
                    options.programs, options.directory], check=True)
    directory = os.path.abspath(options.directory)
    ours = Side("ours", directory, options.jobs)
    stock = Side("stock", directory, options.jobs)
    tests = ours.list()
    hidden = expected_differences(tests)
    if options.test or options.file:
        tests = [test for test in tests
                 if test.number in (options.test or [])
                 or test.file in (options.file or [])]
    elif not options.all:
        tests = [test for test in tests
                 if any(test.file == file and re.search(pattern, test.title)
                        for file, pattern in SAMPLE)]
    if options.list:
        for test in tests:
            say("%d. %s: %s" % test)
        return 0

    cache = Cache(options.ovs)
    if options.no_cache:
        cache.load = dict
    flaky = compare(ours, stock, {test.number for test in tests}, hidden,
                    cache)
    return 1 if report(tests, ours, stock, flaky, options.report) else 0


if __name__ == "__main__":
    sys.exit(main())
