# SPDX-License-Identifier: Apache-2.0

"""PMD threads: which there are, which queues they poll, what they say about
it, and what users are told when that cannot be as they want it.

    vm1, vm2, vm4, p0 (dummy-pmd) ── br-ov ── vm5 (dummy)

The machine has four cores on two NUMA nodes, as far as the daemon knows.
"""

import contextlib
import ctypes
import os
import pathlib
import re

import pytest

from conftest import build_standard, running_daemons
from ovl.frames import mac, udp
from ovl.process import wait_until
from ovl.unixctl import UnixctlError

NODES = {0: 0, 1: 0, 2: 1, 3: 1}            # Core: NUMA node.


@pytest.fixture(scope="module")
def daemons(tmp_path_factory):
    with running_daemons(tmp_path_factory.mktemp("ovs"),
                         "--dummy-numa=0,0,1,1") as d:
        yield d


@pytest.fixture
def pmd(bare):
    bare.add_bridge(uplink_type="dummy-pmd")
    build_standard(bare, "dummy-pmd")
    bare.add_port("vm5", 5001, mac(5))
    set_mask(bare, 0xf)
    yield bare
    for port in "vm1", "vm2", "vm4":
        unpin(bare, port)
    bare.vsctl("remove", "Open_vSwitch", ".", "other_config", "pmd-cpu-mask",
               "--", "remove", "Open_vSwitch", ".", "other_config",
               "pmd-rxq-isolate", "--", "remove", "Open_vSwitch", ".",
               "other_config", "pmd-rxq-assign")


def set_mask(sw, mask):
    sw.vsctl("set", "Open_vSwitch", ".",
             f"other_config:pmd-cpu-mask={mask:#x}")


def pin(sw, port, affinity):
    sw.vsctl("set", "Interface", port,
             f'other_config:pmd-rxq-affinity="{affinity}"')


def unpin(sw, port):
    sw.vsctl("remove", "Interface", port, "other_config",
             "pmd-rxq-affinity")


def set_queues(sw, port, n):
    sw.vsctl("set", "Interface", port, f"options:n_rxq={n}")
    wait_until(lambda: len([q for q in polled(sw) if q[0] == port]) == n,
               f"{port} does not have {n} queues")


def sections(text):
    """{core: lines} of what a command says about each PMD thread."""
    result = {}
    lines = None
    for line in text.splitlines():
        thread = re.match(r"pmd thread numa_id (\d+) core_id (\d+):$", line)
        if thread:
            numa, core = map(int, thread.groups())
            assert NODES[core] == numa
            lines = result[core] = []
        elif not line.startswith(" "):
            lines = None
        elif lines is not None:
            lines.append(line)
    return result


def polled(sw, *args):
    """{(port, queue): core}"""
    result = {}
    for core, lines in sections(sw.appctl("dpif-overlay/pmd-rxq-show",
                                          *args)).items():
        for line in lines:
            queue = re.match(r"  port: (\S+) +queue-id: +(\d+) \((en|dis)"
                             r"abled\) +pmd usage: +\d+ %", line)
            if queue:
                result[queue.group(1), int(queue.group(2))] = core
    return result


def isolated(sw):
    text = sections(sw.appctl("dpif-overlay/pmd-rxq-show"))
    return {core for core, lines in text.items()
            if "  isolated : true" in lines}


def stat(sw, key, *args):
    """Sum over PMD threads of a line of pmd-stats-show."""
    return sum(int(re.search(rf"^  {key}: (\d+)", "\n".join(lines),
                             re.M).group(1))
               for lines in sections(sw.appctl("dpif-overlay/pmd-stats-show",
                                               *args)).values())


def error_of(sw, interface):
    text = sw.vsctl("--if-exists", "get", "Interface", interface,
                    "error").strip()
    return None if text == "[]" else text.strip('"')


def wait_error(sw, interface, pattern):
    """Waits for an error that matches, or, with None, for no error."""
    def right():
        error = error_of(sw, interface)
        return (error is None if pattern is None
                else error is not None and re.search(pattern, error))

    try:
        wait_until(right, "")
    except AssertionError:
        raise AssertionError(f"{interface}: {error_of(sw, interface)}, "
                             f"not {pattern}") from None


def forwards(sw):
    """Between PMD ports, and through the I/O thread."""
    one, two, three = udp(1, 2), udp(1, 3), udp(5, 2)
    sw.expect(("vm1", one), out={"vm2": [one]})
    sw.expect(("vm1", two), out={"p0": [sw.encap(two)]})
    sw.expect(("vm5", three), out={"vm2": [three]})


def work(sw, port, frame):
    """Makes a queue of 'port' busy."""
    for _ in range(20):
        received = sw.totals()["received"]
        sw.inject(port, *[frame] * 20)
        sw.wait_rest(received + 20)


# Which threads and queues.

def test_one_thread_per_numa_node_without_a_mask(pmd):
    pmd.vsctl("remove", "Open_vSwitch", ".", "other_config", "pmd-cpu-mask")
    cores = sections(pmd.appctl("dpif-overlay/pmd-rxq-show"))
    assert sorted(NODES[core] for core in cores) == [0, 1]
    forwards(pmd)


def test_mask_says_which_cores(pmd):
    for mask in 0x1, 0xa, 0xf, 0x6:
        set_mask(pmd, mask)
        assert set(sections(pmd.appctl("dpif-overlay/pmd-rxq-show"))) == {
            core for core in NODES if mask >> core & 1}
        forwards(pmd)


def test_queues_are_polled_on_their_numa_node(pmd):
    for port, node in ("vm1", 1), ("vm2", 0), ("p0", 1), ("vm4", 1):
        pmd.vsctl("set", "Interface", port, f"options:numa_id={node}",
                  "options:n_rxq=2")
    wait_until(lambda: len(polled(pmd)) == 8, "8 queues")
    for (port, _), core in polled(pmd).items():
        assert NODES[core] == (port != "vm2"), port
    forwards(pmd)


def numa_maps(process, thread):
    """Policies of the memory that a thread of that name allocates or has."""
    for task in pathlib.Path(f"/proc/{process.pid}/task").iterdir():
        if (task / "comm").read_text().strip().startswith(thread):
            return {line.split()[1]
                    for line in (task / "numa_maps").read_text().splitlines()}
    raise AssertionError(f"no thread {thread}")


def one_node():
    """True if there is one NUMA node, and its memory ours to place."""
    try:
        return (ctypes.CDLL("libnuma.so.1").numa_available() >= 0
                and not os.path.exists("/sys/devices/system/node/node1"))
    except OSError:
        return False


@pytest.mark.skipif(not one_node(), reason="no kernel with one NUMA node")
def test_memory_is_near_its_threads(pmd, daemons):
    """Core 3 is on a node that is not there, core 0 on one that is."""
    set_mask(pmd, 0x8)
    pmd.add_mac(5001, mac(40), "192.0.2.2")
    process = daemons.process
    assert not any("interleave" in p for p in numa_maps(process, "ovl_db"))

    set_mask(pmd, 0xf)
    pmd.add_mac(5001, mac(41), "192.0.2.2")
    assert "interleave:0" in numa_maps(process, "ovl_db")
    assert "prefer:0" in numa_maps(process, "pmd-c00")
    forwards(pmd)


def test_queues_are_spread_over_threads(pmd):
    set_mask(pmd, 0x3)
    set_queues(pmd, "vm1", 4)
    cores = list(polled(pmd).values())
    assert sorted(map(cores.count, (0, 1))) == [3, 4]


def test_pinned_queue_has_its_core_to_itself(pmd):
    set_mask(pmd, 0x3)
    set_queues(pmd, "vm1", 2)
    pin(pmd, "vm1", "1:1")
    queues = polled(pmd)
    assert queues.pop(("vm1", 1)) == 1
    assert set(queues.values()) == {0}
    assert isolated(pmd) == {1}
    forwards(pmd)
    unpin(pmd, "vm1")
    assert not isolated(pmd)


def test_pinned_queue_shares_its_core_if_so_configured(pmd):
    set_mask(pmd, 0x3)
    pmd.vsctl("set", "Open_vSwitch", ".",
              "other_config:pmd-rxq-isolate=false",
              "other_config:pmd-rxq-assign=roundrobin")
    other = 1 - polled(pmd)["vm1", 0]
    pin(pmd, "vm1", f"0:{other}")
    queues = polled(pmd)
    assert queues.pop(("vm1", 0)) == other
    assert set(queues.values()) == {0, 1}
    assert not isolated(pmd)


def test_rebalance_gives_the_busy_queue_a_thread_of_its_own(pmd):
    """One of those that share a thread gets all the traffic.  Nothing but
    the command moves it away from the others, or them from it."""
    set_mask(pmd, 0x3)
    pin(pmd, "vm4", "0:0")
    pmd.vsctl("set", "Open_vSwitch", ".",
              "other_config:pmd-rxq-isolate=false")
    before = polled(pmd)
    busy, n = next((port, n) for port, n in (("vm1", 1), ("vm2", 2))
                   if list(before.values()).count(before[port, 0]) > 1)
    work(pmd, busy, udp(n, 9))
    assert polled(pmd) == before
    answer = pmd.appctl("dpif-overlay/pmd-rxq-rebalance")
    after = polled(pmd)
    alone = [q for q in after if after[q] == after[busy, 0]]
    assert alone == [(busy, 0)]
    assert after["vm4", 0] == 0                     # As it was pinned.
    assert re.match(r"pmd rxq rebalance: [1-9] queues moved\n", answer)
    pmd.collect()
    forwards(pmd)


def test_rebalance_says_what_it_moves(pmd):
    set_mask(pmd, 0x3)
    pmd.appctl("dpif-overlay/pmd-rxq-rebalance")
    before = polled(pmd)
    # So that there is something to do, whatever the others have used.
    busy = [port for (port, _), core in before.items() if core == 0][:1]
    n = {"vm1": 2, "vm2": 1, "vm4": 4, "p0": None}[busy[0]]
    if n:
        work(pmd, busy[0], udp(n, 9))
    answer = pmd.appctl("dpif-overlay/pmd-rxq-rebalance", "ovs-overlay")
    moved = {(port, int(queue)): (int(old), int(new)) for
             port, queue, old, new in re.findall(
                 r"  port: (\S+) +queue-id: +(\d+)  core_id (\d+) -> (\d+)",
                 answer)}
    after = polled(pmd)
    assert moved == {q: (before[q], after[q]) for q in before
                     if before[q] != after[q]}
    assert answer.startswith(f"pmd rxq rebalance: {len(moved)} queues moved")


# Nothing is lost, and flows stay in order, whatever moves.

@contextlib.contextmanager
def streams(sw):
    """From a PMD port to another, out of a tunnel, and from the I/O
    thread."""
    def numbered(src, dst):
        return lambda i: udp(src, dst, payload=b"%08d" % i)

    with sw.numbered_stream("vm1", numbered(1, 2), "vm2") as sent:
        yield lambda n=40: wait_until(
            lambda start=len(sent): len(sent) >= start + n, "a stream")


def test_nothing_is_lost_when_threads_come_and_go(pmd):
    with streams(pmd) as more:
        for mask in 0x1, 0x2, 0xf, 0x8, 0x3, 0x6:
            set_mask(pmd, mask)
            more()


def test_nothing_is_lost_when_pins_change(pmd):
    with streams(pmd) as more:
        for core in 0, 3, 1, 2, 0:
            pin(pmd, "vm1", f"0:{core}")
            more(20)
            pin(pmd, "vm2", f"0:{core}")
            more(20)
        unpin(pmd, "vm1")
        unpin(pmd, "vm2")
        more()


def test_nothing_is_lost_when_queues_are_rebalanced(pmd):
    with streams(pmd) as more:
        for _ in range(10):
            pmd.appctl("dpif-overlay/pmd-rxq-rebalance")
            more(20)


def test_others_lose_nothing_when_a_port_gets_more_queues(pmd):
    with streams(pmd) as more:
        for n in 3, 1, 4, 1:
            set_queues(pmd, "vm4", n)
            more(20)


def test_others_lose_nothing_when_ports_come_and_go(pmd):
    with streams(pmd) as more:
        for i in range(8):
            pmd.vsctl("add-port", "br-ov", "vm8", "--", "set", "Interface",
                      "vm8", "type=dummy-pmd", "options:n_rxq=%d" % (i % 3 + 1))
            more(10)
            pmd.vsctl("del-port", "vm8")
            more(10)


def test_statistics_stay_when_queues_move(pmd):
    forwards(pmd)
    before = pmd.counters()
    threads = stat(pmd, "packets received")
    assert threads
    for mask in 0x3, 0xc, 0xf:
        set_mask(pmd, mask)
    pin(pmd, "vm1", "0:3")
    pmd.appctl("dpif-overlay/pmd-rxq-rebalance")
    set_queues(pmd, "vm2", 2)
    after = pmd.counters()
    assert after == before


# What threads say about themselves.

def test_threads_count_what_they_do(pmd):
    pmd.appctl("dpif-overlay/pmd-stats-clear")
    assert stat(pmd, "packets received") == 0
    frame = udp(1, 2)
    pmd.expect(("vm1", *[frame] * 10), ("vm1", *[udp(1, 9)] * 3),
               out={"vm2": [frame] * 10},
               drops={("vm1", 5001, "unknown_unicast"): 3})
    assert stat(pmd, "packets received") == 13
    assert stat(pmd, "packets sent") == 10
    assert stat(pmd, "packets dropped") == 3
    assert 1 <= stat(pmd, "bursts received") <= 13
    core = polled(pmd)["vm1", 0]
    text = pmd.appctl("dpif-overlay/pmd-stats-show", "-pmd", str(core))
    assert set(sections(text)) == {core}
    for line in (r"packets received: 13$", r"packets dropped: 3$",
                 r"packets per burst: \d+\.\d\d$",
                 r"avg\. packets per output batch: \d+\.\d\d$",
                 r"idle cycles: \d+ \(\d+\.\d\d%\)$",
                 r"processing cycles: \d+ \(\d+\.\d\d%\)$",
                 r"avg cycles per packet: \d+\.\d\d \(\d+/13\)$",
                 r"avg processing cycles per packet: \d+\.\d\d \(\d+/13\)$"):
        assert re.search("^  " + line, text, re.M), (line, text)
    assert "I/O thread" not in text
    assert "I/O thread" in pmd.appctl("dpif-overlay/pmd-stats-show")


def test_one_thread_is_cleared_alone(pmd):
    pin(pmd, "vm1", "0:0")
    pin(pmd, "vm2", "0:1")
    pmd.appctl("dpif-overlay/pmd-stats-clear")
    one, two = udp(1, 2), udp(2, 1)
    pmd.expect(("vm1", one), ("vm2", two), out={"vm2": [one], "vm1": [two]})
    pmd.appctl("dpif-overlay/pmd-stats-clear", "-pmd", "0")
    assert stat(pmd, "packets received", "-pmd", "0") == 0
    assert stat(pmd, "packets received", "-pmd", "1") == 1


def test_histograms_have_each_iteration(pmd):
    pin(pmd, "vm1", "0:0")
    pmd.appctl("dpif-overlay/pmd-stats-clear")
    frame = udp(1, 2)
    pmd.expect(("vm1", *[frame] * 20), out={"vm2": [frame] * 20})
    text = pmd.appctl("dpif-overlay/pmd-perf-show", "-pmd", "0")
    assert re.search(r"^  Rx packets: +20  \(\d+ Kpps, \d+ cycles/pkt\)$",
                     text, re.M)
    bursts = int(re.search(r"^  Rx bursts: +(\d+) ", text, re.M).group(1))
    busy = int(re.search(r"^  - busy iterations: +(\d+) ", text,
                         re.M).group(1))
    rows = [list(map(int, line.split())) for line in
            text.split("Histograms\n")[1].splitlines()[1:]]
    columns = [sum(column) for column in zip(*rows)][1:]
    assert columns[0] >= busy
    assert columns[1:] == [busy, busy, bursts]
    assert "Histograms" not in pmd.appctl("dpif-overlay/pmd-perf-show", "-nh")


def test_share_of_a_busy_queue_is_shown(pmd):
    def usage(port):
        return int(re.search(rf"port: {port} .*pmd usage: +(\d+) %",
                             pmd.appctl("dpif-overlay/pmd-rxq-show",
                                        "-secs", "5")).group(1))

    text = pmd.appctl("dpif-overlay/pmd-rxq-show")
    assert text.startswith("Displaying last 60 seconds pmd usage %\n")
    assert usage("vm2") <= 100
    assert "overhead:" in text


@pytest.mark.parametrize("command", [
    ["pmd-stats-show", "-pmd"], ["pmd-stats-show", "-pmd", "x"],
    ["pmd-stats-show", "no-such-dp"], ["pmd-rxq-show", "-secs", "x"],
    ["pmd-stats-show", "-secs", "5"], ["pmd-stats-clear", "-nh"],
    ["pmd-perf-show", "-it", "5"], ["pmd-rxq-rebalance", "no-such-dp"]],
    ids=" ".join)
def test_command_that_makes_no_sense_is_refused(pmd, command):
    with pytest.raises(UnixctlError):
        pmd.appctl("dpif-overlay/" + command[0], *command[1:])


def test_stock_commands_are_of_other_datapaths(pmd):
    for command in "pmd-stats-show", "pmd-rxq-show", "pmd-rxq-rebalance":
        with pytest.raises(UnixctlError, match="existing datapath"):
            pmd.appctl("dpif-netdev/" + command)


# What cannot be.

def test_pin_to_a_core_without_a_thread_is_an_error(pmd):
    pmd.allow_log(r"vm1: queue 0 is pinned .* add core 2 to ")
    set_mask(pmd, 0x3)
    pin(pmd, "vm1", "0:2")
    wait_error(pmd, "vm1", "queue 0 is pinned by "
               "other_config:pmd-rxq-affinity to core 2, where no PMD thread "
               "runs: core [01] polls it; add core 2 to Open_vSwitch "
               "other_config:pmd-cpu-mask")
    assert error_of(pmd, "vm2") is None
    forwards(pmd)
    # Still so after anything else was configured.
    pmd.vsctl("set", "Interface", "vm2", "external_ids:a=b")
    wait_error(pmd, "vm1", "core 2")
    set_mask(pmd, 0x7)
    wait_error(pmd, "vm1", None)
    assert polled(pmd)["vm1", 0] == 2
    forwards(pmd)


def test_pin_that_leaves_nothing_to_others_is_an_error(pmd):
    pmd.allow_log(r"(vm2|vm4|p0): queue 0 finds no PMD thread without")
    set_mask(pmd, 0x1)
    pin(pmd, "vm1", "0:0")
    for port in "vm2", "vm4", "p0":
        wait_error(pmd, port, "queue 0 finds no PMD thread without pinned "
                   "queues: core 0 polls it, too; add a core to ")
    assert error_of(pmd, "vm1") is None
    forwards(pmd)
    unpin(pmd, "vm1")
    for port in "vm2", "vm4", "p0":
        wait_error(pmd, port, None)


@pytest.mark.parametrize("mask", ["0x100", "0", "xyz"])
def test_mask_without_a_core_is_an_error(pmd, mask):
    pmd.allow_log(r"(vm1|vm2|vm4|p0): no PMD thread polls it",
                  r"ovs_numa", r"cpu mask")
    pmd.add_port("vm6", 5001, mac(6))
    pmd.vsctl("set", "Open_vSwitch", ".",
              f"other_config:pmd-cpu-mask={mask}")
    for port in "vm1", "vm2", "vm4", "p0":
        wait_error(pmd, port, "no PMD thread polls it: pmd-cpu-mask names no "
                   "usable core; set ")
    pmd.wait_column("Bridge", "br-ov", "overlay_status:port_faults",
                    lambda names: names == "p0, vm1, vm2, vm4")
    # Others run, and send to those.
    one, two = udp(5, 6), udp(5, 2)
    pmd.expect(("vm5", one, two), out={"vm6": [one], "vm2": [two]})
    set_mask(pmd, 0x2)
    for port in "vm1", "vm2", "vm4", "p0":
        wait_error(pmd, port, None)
    forwards(pmd)


@pytest.mark.parametrize("affinity", [
    "0", "0:x", "0-1:1", ":", "-1:0", "0:-1", "4294967296:0", "0:4294967296",
    "0:1,x"])
def test_affinity_that_cannot_be_read_is_an_error(pmd, affinity):
    """It pins nothing, not even as far as it could be read."""
    pmd.allow_log(r"vm1: other_config:pmd-rxq-affinity is not a list",
                  r"(port_set_config|datapath configuration) .*failed",
                  r"\|dpif\|WARN\|Dropped \d+ log messages")
    pin(pmd, "vm1", affinity)
    wait_error(pmd, "vm1", "pmd-rxq-affinity is not a list of QUEUE:CORE")
    assert "pinned" not in pmd.appctl("dpif-overlay/pmd-rxq-show")
    forwards(pmd)
    unpin(pmd, "vm1")
    wait_error(pmd, "vm1", None)


@pytest.mark.parametrize("affinity", ["0:0x3", "0=3", "0:3 ", "0:0,0:3,7:1"])
def test_affinity_is_read_as_by_the_stock_datapath(pmd, affinity):
    """Queues that there are not are for later."""
    pin(pmd, "vm1", affinity)
    assert polled(pmd)["vm1", 0] == 3
    assert error_of(pmd, "vm1") is None


def test_threads_are_shown_in_order_of_cores(pmd):
    for mask in 0x4, 0x5, 0xf, 0xe:
        set_mask(pmd, mask)
        cores = list(sections(pmd.appctl("dpif-overlay/pmd-rxq-show")))
        assert cores == [core for core in NODES if mask >> core & 1]


@pytest.mark.parametrize("command", [
    "pmd-stats-show", "pmd-stats-clear", "pmd-rxq-show", "pmd-perf-show"])
def test_core_without_a_thread_is_told(pmd, command):
    set_mask(pmd, 0x3)
    with pytest.raises(UnixctlError, match="no PMD thread runs on core 2: "
                       "dpif-overlay/pmd-rxq-show says which there are"):
        pmd.appctl("dpif-overlay/" + command, "-pmd", "2")


@pytest.mark.parametrize("config, said", [
    ("pmd-rxq-assign=nope", "pmd-rxq-assign=nope is neither cycles nor group "
     "nor roundrobin"),
    ("pmd-auto-lb=true", "pmd-auto-lb: queues of an overlay bridge move on "
     "demand, by \"ovs-appctl dpif-overlay/pmd-rxq-rebalance\"")])
def test_what_is_not_supported_is_logged_once(pmd, config, said):
    pmd.allow_log(re.escape(said))
    try:
        for i in range(3):
            pmd.vsctl("set", "Open_vSwitch", ".", f"other_config:{config}",
                      f"external_ids:round={i}")
        assert pmd.daemons.log_since_mark().count(said) == 1
        forwards(pmd)
    finally:
        pmd.vsctl("remove", "Open_vSwitch", ".", "other_config",
                  config.split("=")[0], "--", "remove", "Open_vSwitch", ".",
                  "external_ids", "round")


@pytest.mark.parametrize("text, us", [
    ("-1", 0), ("x", 0), ("10001", 10000), ("99999999999999999999", 0)])
def test_nap_that_cannot_be(pmd, text, us):
    pmd.vsctl("set", "Open_vSwitch", ".", "other_config:pmd-maxsleep=77")
    pmd.vsctl("set", "Open_vSwitch", ".", f"other_config:pmd-maxsleep={text}")
    log = pmd.daemons.log_since_mark()
    assert re.findall(r"PMD threads sleep up to (\d+) us", log)[-1] == str(us)
    pmd.vsctl("set", "Open_vSwitch", ".", "other_config:pmd-maxsleep=1000")
    forwards(pmd)
