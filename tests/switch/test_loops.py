# SPDX-License-Identifier: Apache-2.0

"""Ports, networks, bindings and bridges deleted and made again in loops, at
full speed: nobody waits until the daemon has followed (ROBUSTNESS C-06).

    vm1 ─┐
    vm2 ─┤ VNI 5001 ─┐
                     ├ br-ov ── p0 ══ underlay ══ 192.0.2.2 (vm3)
    vm4 ── VNI 5002 ─┘

Numbered frames flow from vm1 to vm2 or vm3, which nobody touches: all arrive,
once, in order.  Afterwards the tables are as before, and the daemon has no
descriptor and no thread more.
"""

import contextlib

import pytest

from conftest import build_standard
from ovl.database import Database
from ovl.footprint import Footprint
from ovl.frames import encap, ip, mac, udp
from ovl.loops import delete, insert, repeat, update
from ovl.process import wait_until

N_CYCLES = 500
KINDS = ["dummy", "dummy-pmd"]


@pytest.fixture(params=KINDS)
def typed(bare, request):
    """Ports of each type.  What comes later has type 'kind', too."""
    bare.kind = request.param
    bare.add_bridge(uplink_type=bare.kind)
    build_standard(bare, bare.kind)
    return bare


@pytest.fixture
def db(daemons):
    database = Database(f"{daemons.dir}/db.sock")
    yield database
    database.close()


def numbered(dst):
    return lambda i: udp(1, dst, payload=b"%08d" % i)


@contextlib.contextmanager
def streams(sw):
    """To a port and into the tunnel, from one port, so in one order."""
    with sw.numbered_stream("vm1", numbered(2), "vm2") as sent:
        yield sent


def port_rows(name, kind, columns):
    return [{"op": "insert", "table": "Interface", "uuid-name": "i",
             "row": {"name": name, "type": kind}},
            {"op": "insert", "table": "Port", "uuid-name": "p",
             "row": dict(columns, name=name,
                         interfaces=["named-uuid", "i"])},
            ports_mutation("insert", ["named-uuid", "p"])]


def ports_mutation(mutator, port):
    return {"op": "mutate", "table": "Bridge",
            "where": [["name", "==", "br-ov"]],
            "mutations": [["ports", mutator, ["set", [port]]]]}


def test_ports_come_and_go(typed, db):
    def loop():
        for i in range(N_CYCLES // 2):
            uuid = db.transact(*port_rows("vm9", typed.kind, {
                "overlay_vni": [5001, 5002][i % 2],
                "overlay_addresses": mac(9)}))[1]["uuid"]
            if not i % 10:
                wait_until(lambda: "vm9" in typed.counters()["ports"],
                           "the port is not added")
            db.transact(ports_mutation("delete", uuid))

    with streams(typed):
        repeat(typed, loop)


def test_networks_come_and_go(typed, db):
    """VNIs, too, and all that belongs to them."""
    def loop():
        for i in range(N_CYCLES):
            db.transact(delete("Overlay_Network", ["vni", "==", 5002]))
            db.transact(insert("Overlay_Network", vni=5003,
                               flood_vteps="192.0.2.3"))
            db.transact(update("Overlay_Network", ["vni", "==", 5003],
                               vni=5002, flood_vteps=["set", []]))

    with streams(typed):
        repeat(typed, loop)


def test_bindings_come_and_go(typed, db):
    def loop():
        for i in range(N_CYCLES):
            db.transact(update("Port", ["name", "==", "vm4"],
                               overlay_vni=["set", []],
                               overlay_addresses=["set", []]),
                        insert("Overlay_Binding", iface="vm4", vni=5001,
                               addresses=f"{mac(4)} {ip(4)}"))
            db.transact(delete("Overlay_Binding", ["iface", "==", "vm4"]),
                        update("Port", ["name", "==", "vm4"],
                               overlay_vni=5001))
            db.transact(update("Port", ["name", "==", "vm4"],
                               overlay_vni=5002, overlay_addresses=mac(4)))

    with streams(typed):
        repeat(typed, loop)


def test_macs_and_neighbors_flap(typed, db):
    """1000 rows and more a second."""
    rows = [insert("Overlay_MAC", vni=5001, mac=mac(0x20 + i),
                   vtep="192.0.2.3", ips=ip(0x20 + i)) for i in range(50)]
    rows += [insert("Overlay_Neighbor", vni=5001, ip=ip(0x20 + i),
                    mac=mac(0x30 + i)) for i in range(50)]

    def loop():
        for i in range(N_CYCLES // 10):
            db.transact(*rows)
            db.transact(delete("Overlay_MAC", ["vtep", "==", "192.0.2.3"]),
                        delete("Overlay_Neighbor"))

    with typed.numbered_stream("vm1", numbered(3), "p0",
                               lambda frame: encap(5001, frame)):
        repeat(typed, loop)


def test_same_row_deleted_and_made_again_in_each_transaction(typed, db):
    """Its frames are never lost: the row changes in no transaction."""
    def loop():
        for i in range(N_CYCLES):
            db.transact(delete("Overlay_MAC", ["mac", "==", mac(3)]),
                        insert("Overlay_MAC", vni=5001, mac=mac(3),
                               vtep="192.0.2.2", ips=ip(3)))

    with typed.numbered_stream("vm1", numbered(3), "p0",
                               lambda frame: encap(5001, frame)):
        repeat(typed, loop)


def test_devices_are_configured_again_and_again(typed):
    """Their MTU, their receive queues, and the cores of PMD threads."""
    def loop():
        for i in range(20):
            typed.set_rows("--no-wait", "set", "Interface", "vm4",
                           f"mtu_request={1400 + i % 2}",
                           f"options:n_rxq={1 + i % 3}",
                           f"other_config:pmd-rxq-affinity=0:{i % 2}",
                           "--", "set", "Open_vSwitch", ".",
                           f"other_config:pmd-cpu-mask={1 + i % 3}")
        typed.set_rows("remove", "Interface", "vm4", "options", "n_rxq", "--",
                       "remove", "Interface", "vm4", "other_config",
                       "pmd-rxq-affinity", "--", "set", "Interface", "vm4",
                       "mtu_request=1500", "--", "remove", "Open_vSwitch",
                       ".", "other_config", "pmd-cpu-mask")

    typed.allow_log("finds no PMD thread without pinned queues",
                    "is pinned by .* where no PMD thread runs")
    with streams(typed):
        typed.set_rows("set", "Interface", "vm4", "mtu_request=1500")
        repeat(typed, loop)


def test_bridges_come_and_go(bare):
    """The overlay bridge, deleted and made again by one command and by two,
    and its datapath_type."""
    def build():
        bare.add_bridge()
        build_standard(bare)

    def take_down():
        bare.clean_up()
        bare.routes.clear()
        bare.ports.clear()

    bare.allow_log(r"dpif_netdev\|", r"tunnel\|", r"\|dpif\|WARN\|Dropped")
    build()
    take_down()
    footprint = Footprint(bare.daemons.process)
    for _ in range(20):
        bare.vsctl("--no-wait", "add-br", "br-ov", "--", "set", "Bridge",
                   "br-ov", "datapath_type=overlay", "--", "add-port",
                   "br-ov", "vm1", "--", "set", "Interface", "vm1",
                   "type=dummy-pmd")
        bare.vsctl("--no-wait", "set", "Bridge", "br-ov",
                   "datapath_type=dummy")
        bare.vsctl("--no-wait", "set", "Bridge", "br-ov",
                   "datapath_type=overlay")
        bare.vsctl("--no-wait", "del-br", "br-ov")
    build()
    bare.expect(("vm1", udp(1, 2)), out={"vm2": [udp(1, 2)]})
    take_down()
    assert not bare.counters()["ports"]
    wait_until(lambda: not footprint.growth(),
               "something is leaked: " + footprint.growth())
