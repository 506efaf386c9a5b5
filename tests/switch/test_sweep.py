# SPDX-License-Identifier: Apache-2.0

"""Every management command and every column, once, against an overlay bridge
(ROBUSTNESS C-14).

    vm1, vm2 ─ VNI 5001 ─ br-ov ─ p0

Each has to give an answer or a clean error, and to leave the daemon alive and
forwarding.  What there is comes from the programs themselves and from the
schema: what ovl/sweep.py has no arguments for fails the test.
"""

import itertools
import json
import re
import shlex
import struct
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from conftest import build_standard
from ovl import sweep
from ovl.frames import mac, udp
from ovl.process import TIMEOUT, Daemons
from ovl.switch import BRIDGE, Switch
from ovl.unixctl import UnixctlError

VERSIONS = ["OpenFlow%d" % n for n in range(10, 16)]

RECORDS = {"Bridge": BRIDGE, "Port": "vm1", "Interface": "vm1"}

FILES = {
    "FLOWS": "priority=3,in_port=1,actions=output:2\n",
    "GROUPS": sweep.GROUP + "\n",
    "BUNDLE": "flow add %s\ngroup add %s\n" % (sweep.FLOW, sweep.GROUP),
    "DPFLOWS": "add %s 2\n" % sweep.ODP_FLOW,
    "MESSAGES": b"\1\0\0\x08\0\0\0\0",                       # A hello.
    "PCAP": struct.pack("=IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1),
}


@pytest.fixture
def world(sw):
    sw.allow_log(".*")
    for name, content in FILES.items():
        if isinstance(content, str):
            content = content.encode()
        with open(f"{sw.daemons.dir}/{name}", "wb") as file:
            file.write(content)
    return sw


def words(sw, line, split=str.split):
    """The arguments that a line of ovl/sweep.py stands for."""
    line = line.replace("MAC1", mac(1)).replace("MAC2", mac(2))
    return [re.sub(r"^(%s)$" % "|".join(FILES),
                   rf"{sw.daemons.dir}/\1", word) for word in split(line)]


def without_entry(what, commands, table):
    missing = sorted(set(commands) - set(table))
    assert not missing, (f"say in ovl/sweep.py what to give to {what} "
                         + ", ".join(missing))


def listed(text):
    """Names in what "list-commands" prints."""
    return [line.split()[0] for line in text.splitlines()
            if line.startswith("  ")]


def still_forwards(sw):
    sw.daemons.check_alive()
    frame = udp(1, 2)
    sw.expect(("vm1", frame), out={"vm2": [frame]})


def check_tool(what, status, stdout, stderr):
    """A program did not crash and says why if it failed."""
    assert status >= 0, f"{what} dies of signal {-status}: {stderr}"
    assert status == 0 or (stdout + stderr).strip(), \
        f"{what} fails without a word"
    assert "Sanitizer" not in stderr, f"{what}: {stderr}"


# ovs-ofctl.

def ofctl(sw, version, command, line):
    args = ["-O", version, command, *words(sw, line, shlex.split)]
    what = "ovs-ofctl " + " ".join(args)
    if command in sweep.OFCTL_ENDLESS:
        done = run_for_a_while(sw, args)
    else:
        done = sw.daemons.run("ovs-ofctl", *args, check=False)
    sw.daemons.check_alive()
    check_tool(what, done.returncode, done.stdout, done.stderr)


def run_for_a_while(sw, args):
    """Runs a command that does not end by itself: it has had its answer when
    its control socket takes "exit"."""
    socket = f"{sw.daemons.dir}/ofctl-{args[1]}.ctl"
    args = [f"--unixctl={socket}", *args]
    process = subprocess.Popen(
        [sw.daemons.program("ovs-ofctl"), *args], env=sw.daemons.tool_env,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        while process.poll() is None:
            if not sw.daemons.run("ovs-appctl", "-t", socket, "exit",
                                  check=False).returncode:
                break
        out, err = process.communicate(timeout=TIMEOUT)
    finally:
        process.kill()
        process.wait()
    return subprocess.CompletedProcess(args, process.returncode, out, err)


def ofctl_commands(sw):
    """What "--help" shows and what "list-commands" prints."""
    text = sw.daemons.run("ovs-ofctl", "--help")
    text = text[:text.index("\nActive OpenFlow connection")]
    return set(re.findall(r"^  (?:\[\S+\] )?([a-z][a-z-]+) [A-Z\[ ]", text,
                          re.M)) \
        | set(listed(sw.daemons.run("ovs-ofctl", "list-commands")))


def has_sanitizer(program):
    """Such programs start slowly: each line gets two versions in turn."""
    with open(program, "rb") as file:
        return b"__asan_init" in file.read()


def test_every_ofctl_command(world):
    without_entry("ovs-ofctl", ofctl_commands(world) - sweep.OFCTL_LOCAL,
                  sweep.OFCTL)
    world.set_rows("set", "Bridge", BRIDGE,
                   "protocols=[%s]" % ",".join(VERSIONS))
    sanitized = has_sanitizer(world.daemons.program("ovs-ofctl"))
    versions = itertools.cycle([VERSIONS] if not sanitized
                               else zip(VERSIONS[:3], VERSIONS[3:]))
    with ThreadPoolExecutor(3) as pool:
        for command, lines in sweep.OFCTL.items():
            for line in lines:
                list(pool.map(lambda version: ofctl(world, version, command,
                                                    line), next(versions)))
    for args in (["dump-flows"], ["-O", "OpenFlow13", "dump-groups"],
                 ["-O", "OpenFlow13", "dump-meters"]):
        text = world.daemons.run("ovs-ofctl", *args, BRIDGE)
        assert not re.search("actions=|group_id=|meter=", text)
    still_forwards(world)


# ovs-dpctl and ovs-appctl.

def test_every_dpctl_command(world):
    """The program: it opens datapaths by itself, and knows none of ours."""
    run = world.daemons.run
    text = run("ovs-dpctl", "--help")
    commands = set(re.findall(r"^  ([a-z][a-z-]+) ", text, re.M)) \
        | set(listed(run("ovs-dpctl", "list-commands")))
    without_entry("ovs-dpctl", commands, sweep.DPCTL)
    for command, lines in sweep.DPCTL.items():
        for line in lines:
            if sweep.DP in line:
                args = [command, *words(world, line)]
                done = run("ovs-dpctl", *args, check=False)
                check_tool("ovs-dpctl " + " ".join(args), done.returncode,
                           done.stdout, done.stderr)
    still_forwards(world)


def appctl(sw, command, line):
    """Returns the answer, or the error."""
    try:
        answer = sw.appctl(command, *words(sw, line))
    except UnixctlError as error:
        answer = str(error)
        assert answer.split(":", 1)[1].strip(), f"{command} {line} fails " \
            "without a word"
    except OSError as error:
        sw.daemons.check_alive()
        raise AssertionError(f"{command} {line}: {error!r}") from None
    sw.daemons.check_alive()
    return answer


def appctl_table():
    table = {"dpctl/" + command: lines
             for command, lines in sweep.DPCTL.items()}
    table.update(sweep.APPCTL)
    return table


def test_every_appctl_command(world):
    commands = listed(world.appctl("list-commands"))
    last = {command for command, _ in sweep.APPCTL_LAST}
    without_entry("ovs-appctl", set(commands) - last, appctl_table())
    for command, lines in sorted(appctl_table().items()):
        if command in commands:
            for line in lines:
                answer = appctl(world, command, line)
                if "--json" in line:
                    json.loads(answer)

    # A reconfiguration brings back what dpctl took, and takes what it made.
    world.set_rows("set", "Bridge", BRIDGE, "external_ids:again=1")
    world.wait_polled("vm1", "vm2")
    still_forwards(world)
    ports = json.loads(world.appctl("overlay/ports", "--json"))
    assert not [port for port in ports if port["port"].startswith("sweep")]


def test_commands_that_end_it(tmp_path):
    """The rest, with a daemon of their own."""
    daemons = Daemons(tmp_path)
    daemons.create_db()
    daemons.start_db()
    daemons.start()
    try:
        sw = Switch(daemons, "last")
        sw.add_bridge()
        build_standard(sw)
        for command, line in sweep.APPCTL_LAST[:-1]:
            appctl(sw, command, line)
            daemons.vsctl("--no-wait", "set", "Bridge", BRIDGE,
                          f"external_ids:x={command}")
            daemons.appctl("overlay/show")
        daemons.check_alive()
    finally:
        daemons.destroy()


# Columns.

def schema(sw):
    with open(f"{sw.daemons.prefix}/share/openvswitch/vswitch.ovsschema") as f:
        return json.load(f)["tables"]


def text_of(datum):
    """A value of OVSDB's JSON as ovs-vsctl reads it."""
    if isinstance(datum, list) and datum[0] == "set":
        return "[" + ",".join(map(text_of, datum[1])) + "]"
    if isinstance(datum, list) and datum[0] == "map":
        return "{" + ",".join(f"{text_of(k)}={text_of(v)}"
                              for k, v in datum[1]) + "}"
    if isinstance(datum, list):
        return datum[1]                                     # A UUID.
    return json.dumps(datum)


class Row:
    """The row of 'table' that the sweep changes, and its way back."""

    def __init__(self, sw, table):
        self.sw = sw
        self.table = table
        self.record = RECORDS[table]
        self.columns = schema(sw)[table]["columns"]
        kept = ",".join(
            name for name, column in sorted(self.columns.items())
            if column.get("mutable", True) and not column.get("ephemeral"))
        rows = json.loads(sw.vsctl("--format=json", f"--columns={kept}",
                                   "list", table, self.record))
        self.before = [f"{name}={text_of(datum)}" for name, datum
                       in zip(rows["headings"], rows["data"][0])]

    def set(self, line):
        line = line.replace("TABLE", self.table).replace("RECORD",
                                                         self.record)
        args = words(self.sw, line)
        if args[0] != "--":
            args = ["set", self.table, self.record, *args]
        done = self.sw.vsctl(*args, check=False)
        self.sw.daemons.check_alive()
        check_tool("ovs-vsctl " + " ".join(args), done.returncode,
                   done.stdout, done.stderr)
        return done

    def restore(self):
        self.sw.vsctl("set", self.table, self.record, *self.before)
        self.sw.daemons.check_alive()


@pytest.mark.parametrize("table", RECORDS)
def test_every_column(world, table):
    row = Row(world, table)
    without_entry(table, row.columns, sweep.COLUMNS[table])
    # "ports" last: what it drops is gone.
    for column, lines in sorted(sweep.COLUMNS[table].items(),
                                key=lambda item: item[0] == "ports"):
        cut_off = (table, column) in sweep.CUTS_OFF
        for line in lines:
            done = row.set(line)
            assert done.returncode == 0 or column == "name", done.stderr
            if not cut_off:
                still_forwards(world)
        if column == "ports":
            break
        row.restore()
        if cut_off:
            world.wait_polled("vm1", "vm2")
            still_forwards(world)


def documented_keys(sw, table):
    """What the manual page says of the keys of maps: (column, key, type)."""
    with open(f"{sw.daemons.prefix}/share/man/man5/"
              "ovs-vswitchd.conf.db.5") as f:
        text = f.read()
    section = text.split(f'\n.SH "{table} TABLE"\n', 1)[1].split("\n.SH ")[0]
    return re.findall(r'^\.IP "\\fB(\w+) : ([\w-]+)\\fR: (.*)"$', section,
                      re.M)


def plausible(description):
    if "true" in description:
        return "true"
    if "integer" in description:
        low = re.search(r"in range ([\d,]+)|at least ([\d,]+)", description)
        return (low.group(1) or low.group(2)).replace(",", "") if low else "1"
    choice = re.search(r"(?:one of|either) \\fB([\w-]+)\\fR", description)
    return choice.group(1) if choice else "x"


@pytest.mark.parametrize("table", RECORDS)
def test_every_documented_key(world, table):
    row = Row(world, table)
    keys = [key for key in documented_keys(world, table)
            if not row.columns[key[0]].get("ephemeral")]
    assert keys
    for column, key, description in keys:
        row.set(f"{column}:{key}={plausible(description)}")
    row.set(" ".join(f"{column}:{key}=x" for column, key, _ in keys))
    row.set(" ".join(f"{column}:{key}=-1" for column, key, _ in keys))
    row.restore()
    world.wait_polled("vm1", "vm2")
    still_forwards(world)


def test_every_type_of_interface(world):
    types = re.findall(r"[\w-]+", world.vsctl("get", "Open_vSwitch", ".",
                                              "iface_types"))
    assert "dummy" in types
    for kind in types:
        world.vsctl("add-port", BRIDGE, "sweep", "--", "set", "Interface",
                    "sweep", f"type={kind}")
        world.daemons.check_alive()
        world.vsctl("del-port", "sweep")
        world.daemons.check_alive()
    still_forwards(world)
