# SPDX-License-Identifier: Apache-2.0

"""What the database session can go through beside losing its server: the lock
is stolen, the schema loses our tables, the server hangs (ROBUSTNESS C-08, C-09,
C-16).

    vm1 ─┐
    vm2 ─┤ VNI 5001 ── br-ov ── p0 ══ underlay ══ 192.0.2.2 (vm3)
"""

import json
import signal
import subprocess

import pytest

from conftest import running_daemons
from ovl.frames import encap, udp
from ovl.process import wait_until
from ovl.unixctl import UnixctlError

RECONNECT = (r"\|(reconnect|jsonrpc|ovsdb_idl|ovsdb_cs|stream_unix)"
             r"(\(\w+\))?\|")


@pytest.fixture
def daemons(tmp_path):
    """Fresh for each test: they leave another database behind."""
    with running_daemons(tmp_path) as d:
        yield d


def session(sw):
    return json.loads(sw.appctl("overlay/db-status", "--json"))


def wait_session(sw, state):
    wait_until(lambda: session(sw)["session"] == state,
               f"the session does not become \"{state}\"")


def forwards(sw):
    local, remote = udp(1, 2), udp(1, 3)
    sw.expect(("vm1", local), ("vm1", remote),
              out={"vm2": [local], "p0": [encap(5001, remote)]})


def port_numbers(sw):
    return [line.split("addr")[0] for line
            in sw.daemons.run("ovs-ofctl", "show", "br-ov").splitlines()
            if "addr:" in line]


def test_bridge_comes_back_after_its_lock_was_stolen(sw):
    sw.allow_log(r"another ovs-vswitchd process is running")
    numbers = port_numbers(sw)
    ids = [p["number"] for p
           in json.loads(sw.appctl("overlay/ports", "--json"))]
    for _ in range(3):
        thief = subprocess.Popen(
            [sw.daemons.program("ovsdb-client"), "steal",
             f"unix:{sw.daemons.dir}/db.sock", "ovs_vswitchd"],
            env=sw.daemons.tool_env, stdout=subprocess.DEVNULL)
        wait_until(lambda: not has_bridge(sw), "the lock is not stolen")
        # The tables stay, and so do the ports.
        assert ids == [p["number"] for p
                       in json.loads(sw.appctl("overlay/ports", "--json"))]
        thief.terminate()
        thief.wait()
        wait_until(lambda: has_bridge(sw), "the bridge does not come back")
        sw.vsctl("set", "Bridge", "br-ov", "external_ids:ping=1")
    assert port_numbers(sw) == numbers
    sw.wait_polled("vm1", "vm2", "p0")
    forwards(sw)


def has_bridge(sw):
    try:
        sw.appctl("bridge/dump-flows", "br-ov")
        return True
    except UnixctlError:    # "Unknown bridge".
        return False


def stock_schema(sw):
    """The installed schema without anything of ours; returns its path."""
    with open(f"{sw.daemons.prefix}/share/openvswitch/vswitch.ovsschema",
              encoding="ascii") as file:
        schema = json.load(file)
    schema["tables"] = {name: table for name, table
                        in schema["tables"].items()
                        if not name.startswith("Overlay_")}
    for table in schema["tables"].values():
        table["columns"] = {name: column for name, column
                            in table["columns"].items()
                            if not name.startswith("overlay_")}
    path = f"{sw.daemons.dir}/stock.ovsschema"
    with open(path, "w", encoding="ascii") as file:
        json.dump(schema, file)
    return path


def test_schema_without_our_tables_keeps_the_rows_in_force(sw):
    d = sw.daemons
    sw.allow_log(RECONNECT, r"schema lacks overlay tables or columns")
    d.stop_db()
    with open(f"{d.dir}/conf.db", "rb") as file:
        before = file.read()
    subprocess.run([d.program("ovsdb-tool"), "convert", f"{d.dir}/conf.db",
                    stock_schema(sw)], check=True, env=d.tool_env)
    d.start_db()
    wait_session(sw, "schema lacks overlay tables")
    log = d.log_since_mark()
    assert log.count("schema lacks overlay tables or columns") == 1
    # ovs-vsctl does not hang meanwhile.
    d.run("ovsdb-client", "transact", f"unix:{d.dir}/db.sock",
          json.dumps(["Open_vSwitch",
                      {"op": "mutate", "table": "Open_vSwitch", "where": [],
                       "mutations": [["next_cfg", "+=", 1]]}]))
    wait_until(lambda: cfg(d)[0] == cfg(d)[1], "cur_cfg does not follow")
    forwards(sw)

    # Our tables come back.
    d.stop_db()
    with open(f"{d.dir}/conf.db", "wb") as file:
        file.write(before)
    d.start_db()
    wait_session(sw, "connected")
    forwards(sw)


def cfg(daemons):
    """cur_cfg and next_cfg, of a server that ovs-vsctl may not know."""
    rows = json.loads(daemons.run(
        "ovsdb-client", "query", f"unix:{daemons.dir}/db.sock",
        json.dumps(["Open_vSwitch",
                    {"op": "select", "table": "Open_vSwitch", "where": [],
                     "columns": ["cur_cfg", "next_cfg"]}])))[0]["rows"]
    return rows[0]["cur_cfg"], rows[0]["next_cfg"]


def test_server_that_hangs_is_noticed_and_changes_nothing(sw):
    sw.allow_log(RECONNECT)
    sw.daemons.db_process.send_signal(signal.SIGSTOP)
    try:
        wait_session(sw, "disconnected")
        forwards(sw)
    finally:
        sw.daemons.db_process.send_signal(signal.SIGCONT)
    wait_session(sw, "connected")
    sw.vsctl("set", "Overlay_Network", "5001", "external_ids:ping=1")
    forwards(sw)


def test_schema_converted_while_connected_loses_no_row(sw):
    sw.allow_log(RECONNECT)
    d = sw.daemons
    before = session(sw)["resyncs"]
    d.run("ovsdb-client", "convert", f"unix:{d.dir}/db.sock",
          f"{d.prefix}/share/openvswitch/vswitch.ovsschema")
    wait_until(lambda: session(sw)["resyncs"] > before,
               "the contents are not compared")
    wait_session(sw, "connected")
    forwards(sw)


def test_row_with_nothing_but_defaults_gets_its_error(sw):
    """The IDL does not report such a row as new."""
    row = sw.vsctl("create", "Overlay_Route", 'vrf=""').strip()
    sw.wait_column("Overlay_Route", row, "error", lambda v: v != "[]")
    sw.vsctl("set", "Overlay_Route", row, "vrf=red", 'prefix="10.9.0.0/16"',
             'nexthops="10.1.0.12"')
    sw.wait_column("Overlay_Route", row, "error", lambda v: v == "[]")
