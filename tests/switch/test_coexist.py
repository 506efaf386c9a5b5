# SPDX-License-Identifier: Apache-2.0

"""Other bridges in the same daemon.

    vm1, vm2 ── br-ov (overlay)      n1, n2 ── br-n (netdev, "dummy" here)
"""

from ovl.frames import Ether, Raw, mac, udp
from ovl.process import wait_until

NO_ERROR = "[]"


def add_stock_bridge(sw):
    with sw.transaction():
        sw.set_rows("add-br", "br-n")
        sw.set_rows("set", "Bridge", "br-n", "datapath_type=dummy",
                    "fail-mode=standalone")
        for name in "n1", "n2":
            sw.add_port(name, bridge="br-n")


def stock_forwards(sw):
    frame = bytes(Ether(src=mac(0x41), dst="ff:ff:ff:ff:ff:ff", type=0x88b5)
                  / Raw(b"x" * 46))

    def arrives():
        sw.inject("n1", frame)
        got = []

        def seen():
            got.extend(sw.collect().get("n2", []))
            return frame in got
        try:
            wait_until(seen, "", timeout=1)
            return True
        except AssertionError:
            return False

    wait_until(arrives, "the stock bridge does not forward")


def test_overlay_bridge_belongs_to_our_class(sw):
    """FACTS, seam 1: registered after ofproto-dpif everything starts, with
    the wrong provider."""
    assert "br-ov" not in sw.appctl("dpif/show")
    assert "vm1" in sw.appctl("overlay/show")
    frame = udp(1, 2)
    sw.expect(("vm1", frame), out={"vm2": [frame]})


def test_stock_bridge_beside_ours_forwards(sw):
    add_stock_bridge(sw)
    stock_forwards(sw)
    frame = udp(1, 2)
    sw.expect(("vm1", frame), out={"vm2": [frame]})
    assert "n1" in sw.appctl("dpif/show")
    assert "n1" not in sw.counters()["ports"]
    sw.set_rows("del-br", "br-n")
    del sw.ports["n1"], sw.ports["n2"]
    sw.expect(("vm1", frame), out={"vm2": [frame]})


def test_stock_bridge_before_ours(bare):
    from conftest import build_standard

    add_stock_bridge(bare)
    stock_forwards(bare)
    bare.add_bridge()
    build_standard(bare)
    frame = udp(1, 2)
    bare.expect(("vm1", frame), out={"vm2": [frame]})
    stock_forwards(bare)


def test_flows_of_a_stock_bridge_work(sw):
    add_stock_bridge(sw)
    sw.daemons.run("ovs-ofctl", "add-flow", "br-n", "priority=7,actions=drop")
    assert "priority=7" in sw.daemons.run("ovs-ofctl", "dump-flows", "br-n")


def test_port_columns_on_a_stock_bridge_get_an_error(sw):
    add_stock_bridge(sw)
    sw.set_rows("set", "Port", "n1", "overlay_vni=5001")
    sw.wait_column("Port", "n1", "overlay_error", lambda v: v != NO_ERROR)
    stock_forwards(sw)
    sw.set_rows("clear", "Port", "n1", "overlay_vni")
    sw.wait_column("Port", "n1", "overlay_error", lambda v: v == NO_ERROR)


def test_port_of_a_bridge_that_is_not_in_force_says_so(sw):
    sw.allow_log("br-ov2")
    sw.vsctl("add-br", "br-ov2", "--", "set", "Bridge", "br-ov2",
             "datapath_type=overlay", "--", "add-port", "br-ov2", "vm9", "--",
             "set", "Interface", "vm9", "type=dummy", "--", "set", "Port",
             "vm9", "overlay_vni=5001", check=False)
    sw.wait_column("Port", "vm9", "overlay_error", lambda v: (
        "not on a bridge with datapath_type=overlay that is in force" in v))
    assert "br-ov" in sw.get("Bridge", "br-ov2", "overlay_error")
    sw.set_rows("del-br", "br-ov2")


def test_second_overlay_bridge_gets_an_error_and_takes_over(sw):
    sw.set_rows("add-br", "br-ov2", "--", "set", "Bridge", "br-ov2",
                "datapath_type=overlay", 'overlay_vtep_ips="192.0.2.50"')
    sw.allow_log(r"br-ov2", r"br-ov\b.*second|second.*overlay")
    one = sw.get("Bridge", "br-ov", "overlay_error")
    sw.wait_column("Bridge", "br-ov2", "overlay_error",
                   lambda v: (v != NO_ERROR) != (one != NO_ERROR))
    if one == NO_ERROR:
        frame = udp(1, 2)
        sw.expect(("vm1", frame), out={"vm2": [frame]})
    sw.set_rows("del-br", "br-ov2")
    sw.wait_column("Bridge", "br-ov", "overlay_error",
                   lambda v: v == NO_ERROR)
    frame = udp(1, 2)
    sw.expect(("vm1", frame), out={"vm2": [frame]})
