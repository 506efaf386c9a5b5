# SPDX-License-Identifier: Apache-2.0

"""Losing ovsdb-server changes nothing for packets; when it returns, state
converges without a gap (DESIGN 6 rule 12; ROBUSTNESS C-07, RS-1, RS-2).

    vm1 ─┐
    vm2 ─┤ VNI 5001 ── br-ov ── p0 ══ underlay ══ 192.0.2.2 (vm3), 192.0.2.3
"""

import signal
import subprocess
import time

import pytest

from conftest import running_daemons
from ovl.frames import arp_reply, arp_request, encap, ip, mac, udp
from ovl.process import wait_until

# What the daemon says about a server that is gone.
RECONNECT = (r"\|(reconnect|jsonrpc|ovsdb_idl|ovsdb_cs|stream_unix)"
             r"(\(\w+\))?\|")


@pytest.fixture
def daemons(tmp_path):
    """Fresh for each test: after a few losses a session waits longer and
    longer before it connects again."""
    with running_daemons(tmp_path) as d:
        yield d


@pytest.fixture
def restartable(sw):
    """Starts ovsdb-server again whatever the test did."""
    sw.allow_log(RECONNECT)
    yield sw
    if sw.daemons.db_process is None:
        sw.daemons.start_db()
    wait_connected(sw)


def wait_connected(sw):
    """Waits until both sessions of the daemon work: ovs-vsctl returns."""
    def works():
        return sw.vsctl("set", "Open_vSwitch", ".",
                        f"external_ids:ping={time.monotonic()}",
                        check=False).returncode == 0
    wait_until(works, "the daemon does not follow the database")
    sw.wait_column("Bridge", "br-ov", "overlay_status:networks",
                   lambda v: int(v) >= 0)


def forwards(sw):
    local, remote = udp(1, 2), udp(1, 3)
    sw.expect(("vm1", local), ("vm1", remote), ("vm1", arp_request(1, ip(3))),
              out={"vm2": [local], "p0": [encap(5001, remote)],
                   "vm1": [arp_reply(mac(3), ip(3), mac(1), ip(1))]})


def test_dead_server_changes_nothing_for_packets(restartable):
    sw = restartable
    with sw.stream("vm1", udp(1, 2), "vm2"):
        sw.daemons.stop_db(signal.SIGKILL)
        for _ in range(20):
            sw.totals()
            time.sleep(0.02)    # The stream flows meanwhile.
    forwards(sw)


def test_restart_of_the_server_loses_no_packet(restartable):
    sw = restartable
    with sw.stream("vm1", udp(1, 2), "vm2"):
        sw.daemons.stop_db(signal.SIGTERM)
        sw.daemons.start_db()
        wait_connected(sw)
    forwards(sw)


def test_rows_changed_meanwhile_take_force_afterwards(restartable):
    """The session is told nothing of what was deleted while it was away."""
    sw = restartable
    d = sw.daemons
    row, = sw.find("Overlay_MAC")
    sw.add_mac(5001, mac(8), "192.0.2.2")
    d.stop_db()
    # Change the database behind the daemon's back: a server of our own.
    server = subprocess.Popen(
        [d.program("ovsdb-server"), f"{d.dir}/conf.db",
         f"--remote=punix:{d.dir}/private.sock", "-vsyslog:off",
         "-vconsole:off"], env=d.env)
    private = f"--db=unix:{d.dir}/private.sock"
    wait_until(lambda: d.vsctl("--no-wait", private, "get", "Open_vSwitch",
                               ".", "_uuid", check=False).returncode == 0,
               "no private server")
    d.vsctl("--no-wait", private, "destroy", "Overlay_MAC", row, "--",
            "create", "Overlay_MAC", "vni=5001", f'mac="{mac(9)}"',
            'vtep="192.0.2.3"', "--", "set", "Overlay_Network", "5001",
            "unknown_unicast=flood", "flood_vteps=[]")
    server.terminate()
    server.wait()

    d.start_db()
    wait_connected(sw)
    kept, new, gone = udp(1, 8), udp(1, 9), udp(1, 3)
    sw.expect(("vm1", kept), ("vm1", new), ("vm1", gone),
              out={"p0": [encap(5001, kept, "192.0.2.2"),
                          encap(5001, new, "192.0.2.3")],
                   "vm2": [gone]})


def test_empty_database_empties_the_tables(restartable):
    sw = restartable
    d = sw.daemons
    d.stop_db()
    d.create_db("empty.db")
    d.start_db("empty.db")
    wait_until(lambda: "vm1" not in sw.counters()["ports"],
               "ports stay after their database is gone")
    d.stop_db()
    d.start_db()
    wait_until(lambda: {"vm1", "vm2", "p0"} <= set(sw.counters()["ports"]),
               "ports do not come back with their database")
    sw.wait_polled("vm1", "vm2", "p0")
    sw.appctl("netdev-dummy/ip4addr", "br-ov", "192.0.2.1/24")
    sw.routes.clear()
    sw.appctl("ovs/route/add", "192.0.2.0/24", "br-ov")
    sw.routes.append("192.0.2.0/24")
    for vtep in "192.0.2.2", "192.0.2.3":
        sw.add_peer(vtep)
    sw.wait_vtep("192.0.2.2")
    forwards(sw)


def test_restarts_in_a_row_lose_no_packet(restartable):
    sw = restartable
    with sw.stream("vm1", udp(1, 3), "p0"):
        for _ in range(3):
            sw.daemons.stop_db(signal.SIGKILL)
            sw.daemons.start_db()
    wait_connected(sw)
    forwards(sw)


def test_error_columns_are_written_again_after_a_restart(restartable):
    """They are ephemeral: the new server has none."""
    sw = restartable
    row = sw.vsctl("create", "Overlay_MAC", "vni=5001", 'mac="zz"',
                   'vtep="192.0.2.2"').strip()
    sw.wait_column("Overlay_MAC", row, "error", lambda v: v != "[]")
    sw.daemons.stop_db()
    sw.daemons.start_db()
    sw.wait_column("Overlay_MAC", row, "error", lambda v: v != "[]")
    sw.wait_column("Bridge", "br-ov", "overlay_status:rows_in_error",
                   lambda v: v == "1")
