# SPDX-License-Identifier: Apache-2.0

"""Builds the project and runs its tests, tier by tier.  The last line is
"N passed, N failed, N skipped"; the exit status is 0 if none failed.

Run it as utilities/check, which installs what is needed first.
"""

import argparse
import collections
import concurrent.futures
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import xml.etree.ElementTree

UTILITIES = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(UTILITIES)
PYTHON = "/usr/bin/python3"

UNIT_TIMEOUT = 600              # Seconds for one unit test program.
HANGING = 300                   # Seconds after which a test shows its stack.
PYTEST_TIMEOUT = 2400           # Seconds for one run of pytest.
PROGRESS = 20                   # Seconds between signs of life.

Failure = collections.namedtuple("Failure", "test why")


class CannotBuild(Exception):
    """A build that tests need failed; its output was shown."""


class Result:
    """What came out of a tier."""

    def __init__(self):
        self.passed = 0
        self.failures = []
        self.skips = []

    def fail(self, test, why):
        self.failures.append(Failure(test, why))

    def skip(self, test, why):
        self.skips.append(Failure(test, why))

    def add(self, other):
        self.passed += other.passed
        self.failures += other.failures
        self.skips += other.skips

    def __str__(self):
        return "%d passed, %d failed, %d skipped" % (
            self.passed, len(self.failures), len(self.skips))


def first_lines(text, n=4):
    """What a test that failed has to say, short enough for a log."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " | ".join(line[:200] for line in lines[:n]) or "no message"


def say(text):
    print(text, flush=True)


class Children:
    """Processes that we started, each the leader of a session of its own, so
    that an interrupt reaches what they started, too."""

    running = set()

    @classmethod
    def start(cls, *args, **kwargs):
        process = subprocess.Popen(*args, stdin=subprocess.DEVNULL,
                                   start_new_session=True, **kwargs)
        cls.running.add(process)
        return process

    @classmethod
    def run(cls, args, log, timeout=None, echo=None, **kwargs):
        """Runs 'args' with its output appended to file 'log'.  'echo' gets
        each line of it.  Returns the exit status, or a text that says why
        there is none."""
        late = threading.Event()
        with open(log, "ab") as out:
            process = cls.start(args, stderr=subprocess.STDOUT,
                                stdout=subprocess.PIPE if echo else out,
                                **kwargs)

            def stop():
                late.set()
                cls.end(process, patience=20)
            timer = threading.Timer(timeout or threading.TIMEOUT_MAX, stop)
            timer.daemon = True
            timer.start()
            try:
                for line in process.stdout or ():
                    out.write(line)
                    out.flush()
                    echo(line.decode(errors="replace").rstrip("\n"))
                status = process.wait()
            finally:
                timer.cancel()
                cls.end(process)
        return "took longer than %d s" % timeout if late.is_set() else status

    @classmethod
    def end(cls, process, patience=0):
        """Ends what 'process' left behind.  An interrupted test run has
        'patience' seconds to tidy up."""
        if patience and process.poll() is None:
            cls.signal(process, signal.SIGINT)
            try:
                process.wait(patience)
            except subprocess.TimeoutExpired:
                pass
        cls.signal(process, signal.SIGKILL)
        process.wait()
        cls.running.discard(process)

    @staticmethod
    def signal(process, number):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            pass

    @classmethod
    def end_all(cls):
        for process in list(cls.running):
            cls.end(process, patience=20)


class Check:
    def __init__(self, options):
        self.quick = options.quick
        self.keep_logs = options.keep_logs
        self.built = {}
        self.dir = subprocess.run(
            [UTILITIES + "/build", "--dir"], check=True, text=True,
            stdout=subprocess.PIPE).stdout.strip()
        self.logs = os.path.join(self.dir, "logs")

    def build(self, variant):
        """Builds 'variant' once and returns what utilities/build prints."""
        if variant not in self.built:
            process = Children.start([UTILITIES + "/build", variant],
                                     stdout=subprocess.PIPE, text=True)
            out = process.communicate()[0]
            Children.running.discard(process)
            self.built[variant] = None if process.returncode else out.strip()
        if not self.built[variant]:
            raise CannotBuild(variant)
        return self.built[variant]

    def build_dir(self, variant):
        self.build(variant)
        return os.path.join(self.dir, variant, "build")

    def log(self, name):
        """Returns the name of a fresh log file, or directory."""
        path = os.path.join(self.logs, name)
        if os.path.isdir(path):
            shutil.rmtree(path)
        elif os.path.exists(path):
            os.unlink(path)
        return path

    def tidy(self, scratch, result, name):
        """Removes directory 'scratch', or moves it to the logs as 'name' if
        somebody will want to look."""
        if result.failures or self.keep_logs:
            kept = self.log(name)
            shutil.move(scratch, kept)
            say("  files of %s are in %s" % (name, kept))
        else:
            shutil.rmtree(scratch, ignore_errors=True)


def progress_reporter(what):
    """Returns a function that counts lines with pytest's verdicts and shows
    now and then how far a tier is."""
    state = {"n": 0, "failed": 0, "start": time.monotonic()}
    state["last"] = state["start"]

    def report(line):
        verdict = re.search(r" (PASSED|FAILED|ERROR|SKIPPED)\b", line)
        if verdict:
            state["n"] += 1
            state["failed"] += verdict.group(1) in ("FAILED", "ERROR")
        now = time.monotonic()
        if now - state["last"] >= PROGRESS:
            state["last"] = now
            say("  %s: %d tests, %d failed, %d s"
                % (what, state["n"], state["failed"], now - state["start"]))
    return report


# Unit tests.

def parse_tap(text, program, status):
    """Counts the tests that a cmocka program reported."""
    result = Result()
    planned = 0
    seen = 0
    for line in text.splitlines():
        plan = re.match(r"1\.\.(\d+)", line)
        verdict = re.match(r"(ok|not ok)\b(?: \d+)?(?: - )?(.*)", line)
        if plan:
            planned += int(plan.group(1))
        elif verdict:
            seen += 1
            name = "%s: %s" % (program, verdict.group(2))
            skip = re.search(r"# *skip\S*(.*)", line, re.I)
            if skip:
                result.skip(name, skip.group(1).strip() or "says the test")
            elif verdict.group(1) == "ok":
                result.passed += 1
            else:
                result.fail(name, "see its log")

    if isinstance(status, str):
        result.fail(program, status)
    elif status == 77 and not seen:
        result.skip(program, (text.strip().splitlines() or ["says it"])[-1])
    elif seen < planned or (status and not result.failures):
        result.fail(program, "exit status %d after %d of %d tests"
                    % (status, seen, planned))
    elif not seen:
        result.passed += 1
    return result


def run_unit_test(program, build, logs, environment):
    name = os.path.basename(program)
    log = os.path.join(logs, name + ".log")
    status = Children.run([os.path.join(build, program)], log, UNIT_TIMEOUT,
                          cwd=build,
                          env=dict(environment, CMOCKA_MESSAGE_OUTPUT="TAP",
                                   srcdir=ROOT))
    with open(log, encoding="utf-8", errors="replace") as f:
        return parse_tap(f.read(), name, status)


def unit_tests(check, variant, name, environment=None):
    result = Result()
    build = check.build_dir(variant)
    log = check.log(name + "-build.log")
    if Children.run(["make", "-j%d" % os.cpu_count(), "check", "TESTS="],
                    log, cwd=build) != 0:
        show_tail(log)
        raise CannotBuild("unit tests")
    programs = subprocess.run(["make", "-s", "list-tests"], cwd=build,
                              check=True, text=True,
                              stdout=subprocess.PIPE).stdout.split()
    if not programs:
        result.skip(name, "no unit tests: libcmocka-dev is missing")
        return result
    logs = check.log(name)
    os.makedirs(logs)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        futures = [pool.submit(run_unit_test, program, build, logs,
                               environment or os.environ)
                   for program in programs]
        try:
            for future in futures:
                result.add(future.result())
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            Children.end_all()
            raise
    return result


# Tests in Python.

def read_junit(report, result):
    for case in xml.etree.ElementTree.parse(report).iter("testcase"):
        name = "%s::%s" % (case.get("classname"), case.get("name"))
        bad = [case.find(kind) for kind in ("failure", "error")]
        bad = [element for element in bad if element is not None]
        skipped = case.find("skipped")
        if bad:
            text = (bad[0].get("message") or bad[0].text or "").strip()
            result.fail(name, first_lines(text))
        elif skipped is not None:
            result.skip(name, skipped.get("message") or "no reason given")
        else:
            result.passed += 1


def pytest(check, folder, name, prefix, environment=None):
    result = Result()
    tests = os.path.join(ROOT, "tests", folder)
    if not os.path.isdir(tests):
        result.skip(name, "there is no tests/" + folder)
        return result

    log = check.log(name + ".log")
    report = check.log(name + ".xml")
    # Names of sockets are short: Linux takes 107 bytes.
    scratch = tempfile.mkdtemp(prefix="ovl-")
    environment = dict(environment or os.environ, OVL_PREFIX=prefix,
                       PYTHONDONTWRITEBYTECODE="1", PYTHONUNBUFFERED="1")
    status = Children.run(
        [PYTHON, "-m", "pytest", "-v", "-p", "no:cacheprovider",
         "-o", "faulthandler_timeout=%d" % HANGING,
         "-o", "junit_family=xunit2", "--junitxml=" + report,
         "--basetemp=" + os.path.join(scratch, "t"), "--rootdir=" + tests, tests],
        log, PYTEST_TIMEOUT, progress_reporter(name), cwd=tests,
        env=environment)
    try:
        read_junit(report, result)
    except (OSError, xml.etree.ElementTree.ParseError):
        show_tail(log)
        result.fail(name, "pytest gave no report: %s" % (
            status if isinstance(status, str)
            else "exit status %d" % status))
    else:
        if status not in (0, 1, 5) and not result.failures:
            result.fail(name, "pytest's exit status is %s" % status)
    check.tidy(scratch, result, name)
    return result


def show_tail(log, lines=40):
    with open(log, encoding="utf-8", errors="replace") as f:
        say("".join(f.readlines()[-lines:]))


# Sanitizers.

def sanitizer_environment(reports):
    """Reports go to files, for daemons have no stderr that anybody reads."""
    os.makedirs(reports)
    environment = dict(os.environ)
    environment["ASAN_OPTIONS"] = (
        "detect_leaks=1:detect_stack_use_after_return=0:exitcode=99:"
        "log_path=%s/asan" % reports)
    # Instrumented daemons on a busy machine: see tests/switch/ovl/process.py.
    environment.setdefault("OVL_TIMEOUT", "60")
    environment["UBSAN_OPTIONS"] = (
        "print_stacktrace=1:log_path=%s/ubsan" % reports)
    suppressions = os.path.join(ROOT, "tests", "lsan.supp")
    if os.path.exists(suppressions):
        environment["LSAN_OPTIONS"] = (
            "suppressions=%s:print_suppressions=0" % suppressions)
    return environment


def read_reports(reports, result):
    """Whatever a sanitizer wrote is a failure, whoever passed."""
    for name in sorted(os.listdir(reports)):
        path = os.path.join(reports, name)
        with open(path, encoding="utf-8", errors="replace") as f:
            text = f.read()
        first = re.search(r".*(?:ERROR: |runtime error: ).*", text)
        result.fail("sanitizer report " + path,
                    first.group(0).strip() if first
                    else text.strip().splitlines()[0] if text.strip()
                    else "empty")


# Tiers, in the order in which they run.

def tier_unit(check):
    """cmocka programs in tests/unit: each layer by itself."""
    return unit_tests(check, "plain", "unit")


def tier_schema(check):
    """tests/schema: the merged schema, its documentation, conversion."""
    return pytest(check, "schema", "schema", check.build("plain"))


def tier_switch(check):
    """tests/switch: a whole switch with dummy ports, without root."""
    return pytest(check, "switch", "switch", check.build("plain"))


def in_namespaces(check, name):
    """The tests of tests/NAME, which need network namespaces."""
    prefix = check.build("plain")
    result = Result()
    reason = no_namespaces()
    if reason:
        result.skip(name, reason)
        return result
    return pytest(check, name, name, prefix)


def tier_system(check):
    """tests/system: network namespaces, the kernel's vxlan; needs root."""
    return in_namespaces(check, "system")


def tier_guest(check):
    """tests/guest: Linux in QEMU behind vhost-user ports; needs root."""
    return in_namespaces(check, "guest")


def tier_dpdk(check):
    """tests/dpdk: ports of DPDK's virtual devices; needs root."""
    return pytest(check, "dpdk", "dpdk", check.build("plain"))


def tier_sanitize(check):
    """Unit and switch tests under ASan and UBSan."""
    reports = check.log("sanitize")
    environment = sanitizer_environment(reports)
    result = unit_tests(check, "asan", "sanitize-unit", environment)
    result.add(pytest(check, "switch", "sanitize-switch",
                      check.build("asan"), environment))
    read_reports(reports, result)
    return result


def tier_tsan(check):
    """Threads under ThreadSanitizer; locks as clang sees them."""
    result = Result()
    build = check.build_dir("plain")
    log = check.log("tsan.log")
    status = Children.run(["make", "-s", "tsan"], log, timeout=600, cwd=build,
                          env=dict(os.environ, CMOCKA_MESSAGE_OUTPUT="TAP"))
    with open(log, encoding="utf-8", errors="replace") as f:
        result.add(parse_tap(f.read(), "tsan", status))
    if result.failures:
        show_tail(log)
    if not shutil.which("clang-14"):
        result.skip("thread-safety", "clang-14 is missing")
        return result
    log = check.log("thread-safety.log")
    status = Children.run(["make", "-s", "thread-safety"], log, timeout=600,
                          cwd=build)
    if status == 0:
        result.passed += 1
    else:
        show_tail(log)
        result.fail("thread-safety", "see " + log)
    return result


def tier_fuzz(check):
    """libFuzzer targets in tests/fuzz, briefly, the same inputs each time."""
    result = Result()
    if not shutil.which("clang-14"):
        result.skip("fuzz", "clang-14 is missing")
        return result
    build = check.build("fuzz")
    targets = sorted(
        name for name in os.listdir(os.path.join(build, "tests", "fuzz"))
        if name.startswith("fuzz-")
        and os.access(os.path.join(build, "tests", "fuzz", name), os.X_OK)
        and "." not in name) if os.path.isdir(build + "/tests/fuzz") else []
    if not targets:
        result.skip("fuzz", "there are no fuzz targets")
    for target in targets:
        fuzz(check, build, target, result)
    return result


def fuzz(check, build, target, result):
    """Runs one target on its corpus, and goes on from there, the same way
    each time.  What it finds is in its output, too."""
    log = check.log(target + ".log")
    status = Children.run(
        [PYTHON, os.path.join(ROOT, "tests", "fuzz", "run"), "--check", build,
         target], log, timeout=300, cwd=build, echo=say)
    if status == 0:
        result.passed += 1
        return
    with open(log, encoding="utf-8", errors="replace") as f:
        reproduce = re.search(r"^  reproduce: (.*)$", f.read(), re.M)
    result.fail(target, reproduce.group(1) if reproduce
                else "exit status %s, see %s" % (status, log))


def tier_stock(check):
    """About 300 of Open vSwitch's own tests, compared with it unpatched."""
    result = Result()
    check.build("plain")
    log = check.log("stock.log")
    report = check.log("stock.xml")
    status = Children.run(
        ["make", "-s", "check-stock-sample", "STOCK_FLAGS=--report=" + report],
        log, timeout=3000, cwd=check.build_dir("plain"),
        echo=lambda line: line.startswith("  stock: ") and say(line))
    try:
        read_junit(report, result)
    except (OSError, xml.etree.ElementTree.ParseError):
        show_tail(log)
        result.fail("stock", "there is no report, exit status %s" % status)
    return result


def tier_demo(check):
    """utilities/demo once, from start to end; needs root."""
    result = Result()
    demo = os.path.join(UTILITIES, "demo")
    if not os.path.exists(demo):
        result.skip("demo", "there is no utilities/demo")
        return result
    reason = no_namespaces()
    if reason:
        result.skip("demo", reason)
        return result
    check.build("plain")
    log = check.log("demo.log")
    status = Children.run([demo], log, timeout=900, cwd=ROOT)
    if status == 0:
        result.passed += 1
    else:
        show_tail(log)
        result.fail("demo", "exit status %s" % status)
    return result


def no_namespaces():
    """Says why network namespaces cannot be used, or returns None."""
    if os.geteuid():
        return "needs root"
    try:
        # Like "ip netns exec", which is at a loss in a plain chroot.
        subprocess.run(["unshare", "-n", "-m", "--propagation", "slave",
                        "ip", "link", "add", "type", "veth"],
                       check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return "network namespaces and veth do not work here"
    return None


TIERS = collections.OrderedDict(
    (function.__name__[len("tier_"):], function)
    for function in (tier_unit, tier_schema, tier_switch, tier_system,
                     tier_guest, tier_dpdk, tier_sanitize, tier_tsan, tier_fuzz,
                     tier_stock, tier_demo))
QUICK = ("unit", "schema", "switch")


def run_tier(check, name):
    say("%s: %s" % (name, TIERS[name].__doc__))
    start = time.monotonic()
    result = Result()
    try:
        result = TIERS[name](check)
    except CannotBuild as error:
        result.fail(name, "cannot build: %s" % error)
    for failure in result.failures:
        say("  FAILED %s: %s" % failure)
    reasons = collections.Counter(skip.why for skip in result.skips)
    for why, n in reasons.items():
        say("  skipped %d: %s" % (n, why))
    say("  %s: %s, %d s" % (name, result, time.monotonic() - start))
    return result


def parse_arguments():
    parser = argparse.ArgumentParser(
        prog="utilities/check",
        description="Builds the project and runs its tests.  The last line "
        "is \"N passed, N failed, N skipped\".")
    parser.add_argument("--tier", action="append", metavar="NAME",
                        choices=list(TIERS),
                        help="run only this tier (may be repeated)")
    parser.add_argument("--quick", action="store_true",
                        help="run only " + ", ".join(QUICK))
    parser.add_argument("--keep-logs", action="store_true",
                        help="keep what passing tests leave behind, too")
    parser.add_argument("--list", action="store_true",
                        help="list the tiers and exit")
    return parser.parse_args()


def main():
    options = parse_arguments()
    if options.list:
        for name, function in TIERS.items():
            print("%-10s %s" % (name, function.__doc__))
        return 0

    def interrupted(number, frame):
        raise KeyboardInterrupt
    signal.signal(signal.SIGTERM, interrupted)

    check = Check(options)
    os.makedirs(check.logs, exist_ok=True)
    say("building in %s, logs in %s" % (check.dir, check.logs))
    total = Result()
    start = time.monotonic()
    try:
        for name in options.tier or (QUICK if options.quick else TIERS):
            total.add(run_tier(check, name))
    except KeyboardInterrupt:
        Children.end_all()
        say("interrupted")
        return 130
    finally:
        Children.end_all()

    say("")
    if total.failures:
        say("failed:")
        for failure in total.failures:
            say("  %s: %s" % failure)
    say("logs are in %s; %d s in all"
        % (check.logs, time.monotonic() - start))
    say(str(total))
    return 1 if total.failures else 0


if __name__ == "__main__":
    sys.exit(main())
