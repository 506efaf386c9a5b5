# SPDX-License-Identifier: Apache-2.0

"""VRFs and routes deleted and made again in loops, at full speed, while VM 1
of VRF red (ovl/router.py) sends numbered packets through it.
"""

import pytest

from ovl.database import Database
from ovl.loops import delete, insert, repeat, update
from ovl.router import REMOTE, VM5, build_red, packet, packet6, routed

N_CYCLES = 300


@pytest.fixture
def red(sw):
    return build_red(sw)


@pytest.fixture
def db(daemons):
    database = Database(f"{daemons.dir}/db.sock")
    yield database
    database.close()


def to_vm5(i):
    make = packet6 if i % 2 else packet
    return bytes(make("fd05::15" if i % 2 else "10.5.0.15",
                      payload=b"%08d" % i))


def to_route(i):
    return bytes(packet("10.99.3.4", payload=b"%08d" % i))


def into_tunnel(sw):
    return lambda frame: sw.encap(routed(frame, REMOTE), vni=5005)


def out_of_port(frame):
    return routed(frame, VM5)


def test_vrfs_of_other_tenants_come_and_go(red, db):
    """With the same prefixes, and under the same name again."""
    def loop():
        for i in range(N_CYCLES):
            db.transact(
                insert("Overlay_Network", vni=6005, vrf="blue",
                       gateway_ips=["set", ["10.5.0.1/24", "fd05::1/64"]]),
                insert("Overlay_Route", vrf="blue", prefix="10.99.0.0/16",
                       nexthops="10.5.0.99"),
                insert("Overlay_MAC", vni=6005, mac=REMOTE,
                       vtep="192.0.2.3", ips="10.5.0.99"))
            db.transact(delete("Overlay_Network", ["vni", "==", 6005]))
            db.transact(delete("Overlay_Route", ["vrf", "==", "blue"]),
                        delete("Overlay_MAC", ["vni", "==", 6005]))

    with red.numbered_stream("vm1", to_vm5, "vm5", out_of_port):
        repeat(red, loop)


def test_same_route_deleted_and_made_again_in_each_transaction(red, db):
    """No packet is lost: the route changes in no transaction."""
    def loop():
        for i in range(N_CYCLES):
            db.transact(delete("Overlay_Route", ["vrf", "==", "red"]),
                        insert("Overlay_Route", vrf="red",
                               prefix="10.99.0.0/16", nexthops="10.5.0.99"))

    with red.numbered_stream("vm1", to_route, "p0", into_tunnel(red)):
        repeat(red, loop)


def test_more_and_less_specific_routes_come_and_go(red, db):
    """All of them lead the same way."""
    prefixes = [f"10.99.3.0/{plen}" for plen in range(24, 31)]
    prefixes += ["10.96.0.0/11", "0.0.0.0/0"]

    def loop():
        for i in range(N_CYCLES // 5):
            for prefix in prefixes:
                db.transact(insert("Overlay_Route", vrf="red", prefix=prefix,
                                   nexthops="10.5.0.99"))
            db.transact(*(delete("Overlay_Route", ["prefix", "==", prefix])
                          for prefix in prefixes))

    with red.numbered_stream("vm1", to_route, "p0", into_tunnel(red)):
        repeat(red, loop)


def test_vrf_leaves_its_networks_and_comes_back(red, db):
    """Packets are lost while it is away; none goes anywhere else, and all
    arrive when it is back."""
    def loop():
        for i in range(N_CYCLES):
            for vrf in "", "other", "red":
                db.transact(update("Overlay_Network", ["vni", "==", 5005],
                                   vrf=vrf))

    with red.sending("vm1", to_vm5) as sent:
        repeat(red, loop)
    out = red.collect()
    arrived = [bytes(frame) for frame in out.pop("vm5", [])]
    want = iter([out_of_port(frame) for frame in sent])
    assert all(frame in want for frame in arrived), "not what was sent"
    out.pop("vm1", None)        # It is told what it missed.
    assert not out, f"something came out of {list(out)}"

    for i in 0, 1:
        red.expect(("vm1", to_vm5(i)), out={"vm5": [out_of_port(to_vm5(i))]})
