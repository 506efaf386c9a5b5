# SPDX-License-Identifier: Apache-2.0
"""Daemons that die, with traffic running.

       a ── hv1 ══ underlay ══ hv2 ── b
"""

import json
import signal

from overlay_lab import LOCK_LOST, Stream, ping, reaches, run, wait_for

LOST_DATABASE = [r"connection (closed|dropped|attempt failed)",
                 r"connection attempt timed out", r"jsonrpc.*receive error",
                 r"(db|ovsdb)\.sock", r"ovsdb|OVSDB|database"]


def test_nothing_is_lost_while_ovsdb_server_is_dead(pair, fabric):
    a, b = pair
    hypervisor = a.hypervisor
    fabric.expected += LOST_DATABASE
    reaches(a, b.ip)
    there, back = Stream(a, b), Stream(b, a)
    there.wait_for_more()
    hypervisor.kill_database()
    there.wait_for_more(1000)
    back.wait_for_more()
    # ARP is answered meanwhile.
    a.forget_neighbors()
    assert ping(a, b.ip).lost == 0
    hypervisor.start_database()
    wait_for(lambda: hypervisor.vsctl("add", "Bridge", "br-ov",
                                      "external_ids", "was=away") == "",
             "ovs-vswitchd to follow the database again")
    there.wait_for_more(200)
    assert (there.stop(), back.stop()) == (0, 0)


def test_rows_that_changed_while_ovsdb_server_was_away_take_force(pair,
                                                                  fabric):
    """Those that were deleted meanwhile go, new ones come."""
    a, b = pair
    hypervisor = a.hypervisor
    fabric.expected += LOST_DATABASE
    c = fabric.add_vm("c", b.hypervisor, 5001, 3, announce=False)
    reaches(a, b.ip)
    hypervisor.kill_database()
    run(fabric.prefix + "/bin/ovsdb-tool", "transact",
        hypervisor.directory + "/conf.db", json.dumps([
            "Open_vSwitch",
            {"op": "delete", "table": "Overlay_MAC",
             "where": [["mac", "==", b.mac]]},
            {"op": "insert", "table": "Overlay_MAC",
             "row": {"vni": 5001, "mac": c.mac, "vtep": b.hypervisor.vtep,
                     "ips": c.ip}}]))
    assert ping(a, b.ip).lost == 0
    hypervisor.start_database()
    reaches(a, c.ip)
    wait_for(lambda: not ping(a, b.ip, count=1, wait=0.2).received,
             "the deleted row to go")
    assert hypervisor.drops("unknown_unicast", port="a") > 0


def test_a_hung_ovsdb_server_disturbs_no_packet(pair, fabric):
    a, b = pair
    hypervisor = a.hypervisor
    fabric.expected += LOST_DATABASE
    reaches(a, b.ip)
    stream = Stream(a, b)
    stream.wait_for_more()
    hypervisor.database.send_signal(signal.SIGSTOP)
    stream.wait_for_more(1000)
    hypervisor.database.send_signal(signal.SIGCONT)
    hypervisor.vsctl("add", "Bridge", "br-ov", "external_ids", "was=hung")
    assert stream.stop() == 0


def test_nothing_is_lost_while_the_lock_is_stolen(pair, fabric):
    """And afterwards LOCAL, a tap, is a port as before."""
    a, b = pair
    hypervisor = a.hypervisor
    fabric.expected.append(LOCK_LOST)
    reaches(a, b.ip)
    reaches(hypervisor, b.hypervisor.vtep)
    streams = [Stream(a, b), Stream(b, a), Stream(hypervisor, b.hypervisor)]
    for _ in range(3):
        with hypervisor.stolen_lock():
            for stream in streams:
                stream.wait_for_more(200)
        wait_for(hypervisor.has_bridge, "the bridge")
        for stream in streams:
            stream.wait_for_more()
    assert [stream.stop() for stream in streams] == [0, 0, 0]
    assert hypervisor.interface_errors() == []


def test_a_second_daemon_changes_nothing(pair, fabric):
    """It waits for the lock until it is ended, or until the first one is, and
    then takes over."""
    a, b = pair
    hypervisor = a.hypervisor
    reaches(a, b.ip)
    stream = Stream(a, b)
    second = fabric.spawn(
        [hypervisor.prefix + "/sbin/ovs-vswitchd", "--pidfile=second.pid",
         "--log-file=%s/second.log" % hypervisor.directory, "-vconsole:off",
         "unix:%s/db.sock" % hypervisor.directory],
        namespace=hypervisor.namespace, env=hypervisor.environment)
    wait_for(lambda: "connected" in hypervisor.text_of("second.log"),
             "the second daemon")
    stream.wait_for_more(500)
    assert hypervisor.has_bridge()
    assert stream.stop() == 0
    hypervisor.kill_switch()
    reaches(a, b.ip)
    fabric.end(second)
    hypervisor.start_switch()
    reaches(a, b.ip)


def test_a_port_deleted_while_the_lock_is_stolen_goes(pair, fabric):
    a, b = pair
    hypervisor = a.hypervisor
    fabric.expected.append(LOCK_LOST)
    c = fabric.add_vm("c", hypervisor, 5001, 3)
    reaches(c, b.ip)
    stream = Stream(a, b)
    with hypervisor.stolen_lock():
        hypervisor.vsctl("--no-wait", "del-port", "c")
        stream.wait_for_more()
    wait_for(lambda: "c" not in hypervisor.counters()["ports"],
             "the port to go")
    fabric.plug(c)
    fabric.bind(c)
    reaches(c, b.ip)
    stream.wait_for_more()
    assert stream.stop() == 0
    assert hypervisor.interface_errors() == []


def test_the_host_stays_reachable_while_ovsdb_server_is_dead(pair, fabric):
    a, b = pair
    fabric.expected += LOST_DATABASE
    reaches(a.hypervisor, b.hypervisor.vtep)
    a.hypervisor.kill_database()
    assert ping(b.hypervisor, a.hypervisor.vtep, count=20,
                interval=0.02).lost == 0
    a.hypervisor.start_database()


def test_ovs_vswitchd_killed_and_started_comes_back_by_itself(pair, fabric):
    a, b = pair
    hypervisor = a.hypervisor
    reaches(a, b.ip)
    stream = Stream(a, b)
    for _ in range(3):
        stream.wait_for_more()
        hypervisor.kill_switch(signal.SIGKILL)
        hypervisor.start_switch()
        stream.wait_for_more(timeout=5)
    stream.stop()
    reaches(b, a.ip)
    reaches(hypervisor, b.hypervisor.vtep)


def test_ovs_vswitchd_stopped_and_started_comes_back_by_itself(pair, fabric):
    """An orderly end without --cleanup, as at an upgrade: the host keeps its
    address on LOCAL."""
    a, b = pair
    hypervisor = a.hypervisor
    reaches(a, b.ip)
    hypervisor.appctl("exit")
    hypervisor.switch.wait(10)
    hypervisor.start_switch()
    reaches(a, b.ip)
    reaches(b, a.ip)
    reaches(hypervisor, b.hypervisor.vtep)


def test_nothing_is_flooded_by_a_daemon_that_has_just_started(pair, fabric):
    """The first packet finds complete tables."""
    a, b = pair
    hypervisor = a.hypervisor
    reaches(a, b.ip)
    stream = Stream(a, b)
    stream.wait_for_more()
    hypervisor.kill_switch()
    with fabric.watch(hypervisor) as wire:
        hypervisor.start_switch()
        stream.wait_for_more()
        stream.stop()
        inner = [f.inner for f in wire.frames(5001) if not f.outgoing]
    assert inner and all((f.src, f.dst) == (a.mac, b.mac) for f in inner)
    # As nothing was resolved yet, the first packets are dropped under that
    # reason or none, not because rows were missing.
    assert set(hypervisor.drops(port="a")) <= {"vtep_unresolved"}


def test_both_daemons_killed_at_once(pair, fabric):
    """As after a power failure of the host, but for its devices."""
    a, b = pair
    hypervisor = a.hypervisor
    fabric.expected += LOST_DATABASE
    reaches(a, b.ip)
    hypervisor.kill_switch()
    hypervisor.kill_database()
    hypervisor.start_switch()
    hypervisor.start_database()
    reaches(a, b.ip)
    reaches(b, a.ip)
