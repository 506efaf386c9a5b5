# SPDX-License-Identifier: Apache-2.0

"""Ports, networks and bridges come and go (DESIGN 7 and decision 5).

    vm1 ─┐
    vm2 ─┤ VNI 5001 ── br-ov ── p0 ══ underlay ══ 192.0.2.2 (vm3), 192.0.2.3

Nothing remembers an earlier owner of a name, a VNI, a MAC or a port number.
"""

import pytest

from ovl.frames import (BROADCAST, Ether, Raw, arp_request, encap, ip, mac,
                        udp)
from ovl.process import wait_until


def broadcast(n):
    return bytes(Ether(src=mac(n), dst=BROADCAST, type=0x88b5)
                 / Raw(b"b" * 46))


def flooded(frame, *local):
    out = {name: [frame] for name in local}
    out["p0"] = [encap(5001, frame, v) for v in ("192.0.2.2", "192.0.2.3")]
    return out


# Ports.

def test_deleted_port_is_no_member_any_more(sw):
    sw.del_port("vm2")
    frame = broadcast(1)
    sw.expect(("vm1", frame), out=flooded(frame))
    sw.expect(("vm1", udp(1, 2)), drops={("vm1", 5001, "unknown_unicast"): 1})
    frame = arp_request(1, ip(2))
    sw.expect(("vm1", frame), out=flooded(frame))


def test_port_made_again_for_another_network(sw):
    sw.del_port("vm2")
    sw.add_port("vm2", 5002, f"{mac(2)} {ip(2)}")
    frame = udp(4, 2)
    sw.expect(("vm4", frame), out={"vm2": [frame]})
    sw.expect(("vm1", udp(1, 2)), drops={("vm1", 5001, "unknown_unicast"): 1})


def test_port_made_again_unbound_is_unbound(sw):
    sw.del_port("vm2")
    sw.add_port("vm2")
    sw.expect(("vm2", udp(2, 1)), drops={("vm2", None, "port_unbound"): 1})
    sw.expect(("vm1", udp(1, 2)), drops={("vm1", 5001, "unknown_unicast"): 1})


def test_another_port_with_the_number_of_a_deleted_one(sw):
    number = sw.get("Interface", "vm2", "ofport")
    sw.del_port("vm2")
    sw.add_port("vm5", 5002, mac(5))
    sw.set_rows("set", "Interface", "vm5", f"ofport_request={number}")
    sw.expect(("vm1", udp(1, 2)), drops={("vm1", 5001, "unknown_unicast"): 1})
    frame = udp(4, 5)
    sw.expect(("vm4", frame), out={"vm5": [frame]})


def test_port_moves_to_another_network(sw):
    sw.set_rows("set", "Port", "vm2", "overlay_vni=5002")
    frame = udp(4, 2)
    sw.expect(("vm4", frame), out={"vm2": [frame]})
    sw.expect(("vm1", udp(1, 2)), drops={("vm1", 5001, "unknown_unicast"): 1})
    frame = udp(2, 4)
    sw.expect(("vm2", frame), out={"vm4": [frame]})


def test_ports_come_and_go_under_traffic(sw):
    frame = udp(1, 2)
    before = sw.counters()["ports"]["vm2"]["tx_packets"]
    for _ in range(20):
        sw.inject("vm1", frame)
        sw.add_port("vm9", 5001, mac(9))
        sw.inject("vm1", frame, udp(1, 9))
        sw.del_port("vm9")
    sw.wait_rest()
    assert sw.counters()["ports"]["vm2"]["tx_packets"] - before == 40
    sw.expect(("vm1", udp(1, 9)), drops={("vm1", 5001, "unknown_unicast"): 1})


@pytest.mark.parametrize("change", [
    ["set", "Interface", "vm2", "mtu_request=1400"],
    ["set", "Interface", "vm2", "options:foo=bar"],
    ["set", "Interface", "vm2", "options:n_rxq=2"],
    ["set", "Interface", "vm2", "ofport_request=77"],
])
def test_reconfigured_port_keeps_forwarding(sw, change):
    sw.set_rows(*change)
    sw.wait_polled("vm2")
    there, back = udp(1, 2), udp(2, 1)
    sw.expect(("vm1", there), ("vm2", back),
              out={"vm2": [there], "vm1": [back]})


def test_type_of_a_port_changes(sw):
    for kind in "dummy-pmd", "dummy":
        sw.set_rows("set", "Interface", "vm2", f"type={kind}")
        sw.wait_polled("vm2")
        there, back = udp(1, 2), udp(2, 1)
        sw.expect(("vm1", there), ("vm2", back),
                  out={"vm2": [there], "vm1": [back]})


def test_mtu_of_a_port_is_shown(sw):
    sw.set_rows("set", "Interface", "vm2", "mtu_request=1400")
    sw.wait_column("Interface", "vm2", "mtu", lambda v: v == "1400")


def test_link_state_of_a_port_is_shown(sw):
    sw.appctl("netdev-dummy/set-admin-state", "vm2", "down")
    sw.wait_column("Interface", "vm2", "admin_state", lambda v: v == "down")
    sw.appctl("netdev-dummy/set-admin-state", "vm2", "up")
    sw.wait_column("Interface", "vm2", "admin_state", lambda v: v == "up")


def test_port_that_cannot_be_opened_says_why_and_harms_nobody(sw):
    sw.allow_log(r"bad\|", r"bad", r"bridge\|WARN")
    sw.vsctl("--no-wait", "add-port", "br-ov", "bad", "--", "set",
             "Interface", "bad", "type=nosuch")
    sw.wait_column("Interface", "bad", "ofport", lambda v: v == "-1")
    frame = udp(1, 2)
    sw.expect(("vm1", frame), out={"vm2": [frame]})


# Networks.

@pytest.mark.parametrize("columns, why", [
    (["type=vxlan", "options:remote_ip=192.0.2.9"],
     "an overlay bridge has no tunnel ports: a VTEP is a row of Overlay_MAC"),
    (["type=geneve", "options:remote_ip=flow", "options:key=flow"],
     "an overlay bridge has no tunnel ports: a VTEP is a row of Overlay_MAC"),
    (["type=patch", "options:peer=other"],
     "an overlay bridge has no patch ports: delete the port")],
    ids=["vxlan", "geneve", "patch"])
def test_port_that_an_overlay_bridge_has_not_says_what_it_has(sw, columns,
                                                              why):
    sw.allow_log(r"\bbad\b")
    sw.vsctl("add-port", "br-ov", "bad", "--", "set", "Interface", "bad",
             *columns, check=False)
    sw.wait_column("Interface", "bad", "error", lambda v: why in v)
    assert why in sw.daemons.log_since_mark()
    frame = udp(1, 2)
    sw.expect(("vm1", frame), out={"vm2": [frame]})
    sw.vsctl("del-port", "bad")


def test_deleted_network_forgets_everything(sw):
    sw.destroy("Overlay_Network", "vni=5001")
    sw.expect(("vm1", udp(1, 2)), drops={("vm1", 5001, "no_network"): 1})
    # Its rows come back with it; its settings do not.
    sw.add_network(5001)
    frame = udp(1, 3)
    sw.expect(("vm1", frame), out={"p0": [encap(5001, frame)]})
    frame = broadcast(1)
    sw.expect(("vm1", frame), out={"vm2": [frame]})
    frame = arp_request(1, "10.1.0.1")
    sw.expect(("vm1", frame), out={"vm2": [frame]})


def test_vni_of_a_network_changes(sw):
    sw.set_rows("set", "Overlay_Network", "5001", "vni=5005")
    sw.expect(("vm1", udp(1, 2)), drops={("vm1", 5001, "no_network"): 1})
    sw.set_rows("set", "Overlay_Network", "5005", "vni=5001")
    frame = udp(1, 2)
    sw.expect(("vm1", frame), out={"vm2": [frame]})


def test_mac_row_deleted_and_made_again_elsewhere(sw):
    for vtep in "192.0.2.3", "192.0.2.2", "192.0.2.3":
        sw.destroy("Overlay_MAC")
        sw.expect(("vm1", udp(1, 3)),
                  drops={("vm1", 5001, "unknown_unicast"): 1})
        sw.add_mac(5001, mac(3), vtep)
        frame = udp(1, 3)
        sw.expect(("vm1", frame), out={"p0": [encap(5001, frame, vtep)]})


# Bridges.

def test_bridge_deleted_and_made_again(bare):
    from conftest import build_standard

    for _ in range(3):
        bare.add_bridge()
        build_standard(bare)
        frame = udp(1, 2)
        bare.expect(("vm1", frame), out={"vm2": [frame]})
        bare.clean_up()
        bare.routes.clear()
        bare.ports.clear()
        assert not bare.counters()["ports"]


def test_datapath_type_flips_and_comes_back(sw):
    sw.allow_log(r"dpif_netdev\|", r"tunnel\|")
    frame = udp(1, 2)
    for _ in range(3):
        sw.set_rows("set", "Bridge", "br-ov", "datapath_type=dummy")
        wait_until(lambda: not sw.counters()["ports"],
                   "ports stay in the overlay datapath")
        sw.set_rows("set", "Bridge", "br-ov", "datapath_type=overlay")
        sw.wait_polled("vm1", "vm2")
        sw.expect(("vm1", frame), out={"vm2": [frame]})


def test_port_renamed_in_one_transaction(sw):
    """Deleted and added under another name, as an orchestrator does."""
    with sw.transaction():
        sw.del_port("vm2")
        sw.add_port("vm22", 5001, f"{mac(2)} {ip(2)}")
    sw.wait_polled("vm22")
    frame = udp(1, 2)
    sw.expect(("vm1", frame), out={"vm22": [frame]})
