# SPDX-License-Identifier: Apache-2.0

"""overlay-ctl: every command, and its complaints (DESIGN 5 and 8).

    vm1 ── br-ov ── p0 ══ underlay ══ 192.0.2.2
"""

import json
import re

import pytest

from ovl.frames import arp_reply, arp_request, encap, ip, mac, udp
from ovl.process import Daemons, wait_until


@pytest.fixture
def ctl(bare):
    """A bridge with two ports that nobody bound, and no rows."""
    bare.add_bridge()
    bare.add_peer("192.0.2.2")
    bare.add_port("vm1")
    bare.add_port("vm2")
    return bare


def rows(sw, command, *args):
    """What a list command prints, as a list of dicts."""
    table = json.loads(sw.overlay_ctl("-f", "json", command, *args))
    return [dict(zip(table["headings"], row)) for row in table["data"]]


# Complaints name the offending word and change nothing.

@pytest.mark.parametrize("args, word", [
    (["net-add", "0"], "0"),
    (["net-add", "16777216"], "16777216"),
    (["net-add", "x"], "x"),
    (["net-add", "-5"], "-5"),
    (["net-add", "1", "flod=192.0.2.2"], "flod"),
    (["net-add", "1", "red"], "red"),
    (["net-add", "1", "gateway=10.1.0.1/24", "gateway=10.2.0.1/24"],
     "gateway=10.2.0.1/24"),
    (["net-add", "1", "gateway=10.1.0.1"], "10.1.0.1"),
    (["net-add", "1", "gateway=10.1.0.1/24,10.2.0.300/24"], "10.2.0.300/24"),
    (["net-add", "1", "flood=192.0.2.2,224.0.0.1"], "224.0.0.1"),
    (["net-add", "1", "unknown-unicast=maybe"], "maybe"),
    (["net-add", "1", "neigh-miss=maybe"], "maybe"),
    (["net-add", "1", "neigh-suppress=maybe"], "maybe"),
    (["net-add", "1", "mtu=huge"], "huge"),
    (["net-add", "1", "gateway-mac=52:54:zz"], "52:54:zz"),
    (["net-del", "77"], "77"),
    (["net-set", "77", "vrf=x"], "77"),
    (["port-bind", "vm1", "0"], "0"),
    (["port-bind", "vm9", "5001"], "vm9"),
    (["port-bind", "vm1", "5001", "10.1.0.1"], "10.1.0.1"),
    (["port-bind", "vm1", "5001", "52:54:zz"], "52:54:zz"),
    (["port-bind", "vm1", "5001", mac(1), "10.1.0.300"], "10.1.0.300"),
    (["port-bind", "vm1", "5001", mac(1), "10.1.0.0/33"], "10.1.0.0/33"),
    (["port-unbind", "vm1"], "vm1"),
    (["port-unbind", "vm9"], "vm9"),
    (["--binding", "port-unbind", "vm9"], "vm9"),
    (["mac-add", "5001", "52:54:zz", "192.0.2.2"], "52:54:zz"),
    (["mac-add", "5001", "01:00:5e:00:00:01", "192.0.2.2"],
     "01:00:5e:00:00:01"),
    (["mac-add", "5001", mac(3), "192.0.2"], "192.0.2"),
    (["mac-add", "5001", mac(3), "192.0.2.2", "x"], "x"),
    (["mac-del", "5001", mac(3)], mac(3)),
    (["mac-list", "x"], "x"),
    (["neigh-add", "5001", "x", mac(3)], "x"),
    (["neigh-add", "5001", "10.1.0.3", "x"], "x"),
    (["neigh-add", "5001", "10.1.0.3", mac(3), "rooter"], "rooter"),
    (["neigh-del", "5001", "10.1.0.3"], "10.1.0.3"),
    (["route-add", "red", "10.1.0.1/16", "10.0.0.1"], "10.1.0.1/16"),
    (["route-add", "red", "10.1.0.0", "10.0.0.1"], "10.1.0.0"),
    (["route-add", "red", "10.1.0.0/16", "x"], "x"),
    (["route-add", "red", "10.1.0.0/16", "action=eat"], "eat"),
    (["route-add", "red", "10.1.0.0/16", "10.0.0.1", "vni=0"], "0"),
    (["route-add", "red", "10.1.0.0/16", "10.0.0.1", "action=blackhole"],
     "10.0.0.1"),
    (["route-add", "red", "10.1.0.0/16"], "10.1.0.0/16"),
    (["route-add", "red", "10.1.0.0/16", "10.0.0.1", "vni=x"], "x"),
    (["route-add", "red", "10.1.0.0/16", "10.0.0.1", "224.0.0.1"],
     "224.0.0.1"),
    (["route-add", "red", "10.1.0.0/16", "10.0.0.1", "via=10.0.0.2"],
     "via=10.0.0.2"),
    (["net-add", "1", "ra-lifetime=599"], "ra-interval=600, the default"),
    (["net-add", "1", "ra-interval=1800", "ra-lifetime=900"],
     "ra-lifetime=900 is less than ra-interval=1800 ("),
    (["route-add", "red", "10.1.0.0/33", "10.0.0.1"], "10.1.0.0/33"),
    (["route-add", "red", "fd00::/16", "10.0.0.1"], "10.0.0.1"),
    (["route-add", "red", "10.1.0.0/16", "fd00::1"], "fd00::1"),
    (["route-add", "red", "10.1.0.0/16", "fd00::1", "vni=7"], "fd00::1"),
    (["route-add", "red", "10.1.0.0/16",
      *[f"10.0.0.{n}" for n in range(1, 66)]], "10.0.0.65"),
    (["route-add", "", "10.1.0.0/16", "10.0.0.1"], "VRF"),
    (["route-add", "a\nb", "10.1.0.0/16", "10.0.0.1"], "VRF"),
    (["route-del", "red", "x"], "x"),
    (["route-del", "red", "10.1.0.1/16"], "10.1.0.1/16"),
    (["route-del", "red", "10.1.0.0/16"], "10.1.0.0/16"),
    (["frobnicate"], "frobnicate"),
], ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_complaint_names_the_word(ctl, args, word):
    result = ctl.overlay_ctl(*args, check=False)
    assert result.returncode == 1
    assert word in result.stderr
    assert not result.stdout
    for command in "net-list", "port-list", "mac-list", "neigh-list", \
            "route-list":
        assert not rows(ctl, command)


def test_nothing_of_a_transaction_with_a_bad_command_is_done(ctl):
    result = ctl.overlay_ctl("net-add", 1, "--", "mac-add", 1, "zz",
                             "192.0.2.2", check=False)
    assert result.returncode == 1
    assert not rows(ctl, "net-list")


@pytest.mark.parametrize("again", [
    ["net-add", "5001"],
    ["mac-add", "5001", "52:54:0:0:0:3", "192.0.2.3"],
    ["neigh-add", "5001", "10.1.0.50", mac(8)],
    ["route-add", "red", "10.9.0.0/16", "10.1.0.7"],
], ids=lambda args: args[0])
def test_adding_twice_is_an_error_but_with_may_exist(ctl, again):
    ctl.overlay_ctl("net-add", 5001, "--",
                    "mac-add", 5001, mac(3), "192.0.2.2", "--",
                    "neigh-add", 5001, "10.1.0.50", mac(5), "--",
                    "route-add", "red", "10.9.0.0/16", "10.1.0.3")
    lists = ["net-list", "mac-list", "neigh-list", "route-list"]
    n = [len(rows(ctl, command)) for command in lists]
    result = ctl.overlay_ctl(*again, check=False)
    assert result.returncode == 1 and "already" in result.stderr
    ctl.overlay_ctl("--may-exist", *again)
    assert [len(rows(ctl, command)) for command in lists] == n


@pytest.mark.parametrize("args", [
    ["net-del", "5001"], ["port-unbind", "vm1"], ["port-unbind", "vm9"],
    ["--binding", "port-unbind", "vm1"], ["mac-del", "5001", mac(3)],
    ["neigh-del", "5001", "10.1.0.3"], ["route-del", "red", "10.0.0.0/8"],
], ids=" ".join)
def test_if_exists_deletes_nothing_without_complaint(ctl, args):
    ctl.overlay_ctl("--if-exists", *args)


# What the commands do.

def test_whole_life_of_a_network(ctl):
    """DESIGN 5, last block, word for word."""
    ctl.overlay_ctl("net-add", 5001, "vrf=red", "gateway=10.1.0.1/24",
                    "flood=192.0.2.2")
    ctl.overlay_ctl("port-bind", "vm1", 5001, mac(1), ip(1))
    ctl.overlay_ctl("mac-add", 5001, mac(3), "192.0.2.2", ip(3))
    ctl.overlay_ctl("route-add", "red", "0.0.0.0/0", "10.1.0.254")
    ctl.wait_vtep("192.0.2.2")

    frame = udp(1, 3)
    ctl.expect(("vm1", frame), ("vm1", arp_request(1, ip(3))),
               out={"p0": [encap(5001, frame)],
                    "vm1": [arp_reply(mac(3), ip(3), mac(1), ip(1))]})
    ctl.expect(("vm1", udp(1, 3, src_mac=mac(9))),
               drops={("vm1", 5001, "spoof_mac"): 1})

    text = ctl.overlay_ctl("show")
    for word in ("br-ov", "192.0.2.1", "192.0.2.2", "up", "5001", "red",
                 "10.1.0.1/24", "vm1", mac(1), ip(1)):
        assert word in text

    ctl.overlay_ctl("route-del", "red", "0.0.0.0/0")
    ctl.overlay_ctl("mac-del", 5001, mac(3))
    ctl.overlay_ctl("port-unbind", "vm1")
    ctl.overlay_ctl("net-del", 5001)
    ctl.expect(("vm1", frame), drops={("vm1", None, "port_unbound"): 1})
    for table in "Network", "MAC", "Route", "Neighbor", "Binding":
        assert not ctl.find(f"Overlay_{table}")


def test_net_add_sets_every_column(ctl):
    ctl.overlay_ctl("net-add", 5001, "vrf=red", "name=web",
                    "gateway=10.1.0.1/24,2001:db8::1/64",
                    "gateway-mac=02:11:22:33:44:55",
                    "flood=192.0.2.2,192.0.2.3", "mtu=1400",
                    "unknown-unicast=flood", "neigh-suppress=false",
                    "neigh-miss=drop", "answer-tunnel=true", "ra=false",
                    "ra-autonomous=true", "ra-lifetime=0", "ra-interval=10")
    for column, value in {
            "vrf": "red", "name": "web", "mtu": "1400",
            "gateway_ips": '["10.1.0.1/24", "2001:db8::1/64"]',
            "gateway_mac": "02:11:22:33:44:55",
            "flood_vteps": '["192.0.2.2", "192.0.2.3"]',
            "unknown_unicast": "flood", "neigh_suppress": "false",
            "neigh_miss": "drop",
            "other_config": '{answer-tunnel="true", ra="false", '
            'ra-autonomous="true", ra-interval="10", ra-lifetime="0"}',
    }.items():
        assert ctl.get("Overlay_Network", 5001, column) == value, column
    ctl.overlay_ctl("net-set", 5001, "mtu=", "flood=", "gateway=",
                    "unknown-unicast=", "neigh-suppress=", "neigh-miss=",
                    "gateway-mac=", "answer-tunnel=", "ra=",
                    "ra-autonomous=", "ra-lifetime=", "ra-interval=")
    for column in ("mtu", "flood_vteps", "gateway_ips", "unknown_unicast",
                   "neigh_suppress", "neigh_miss", "gateway_mac"):
        assert ctl.get("Overlay_Network", 5001, column) == "[]", column
    assert ctl.get("Overlay_Network", 5001, "other_config") == "{}"


def test_advertised_lifetime_fits_the_interval_that_there_is(ctl):
    def fails(*args):
        before = ctl.get("Overlay_Network", 5001, "other_config")
        result = ctl.overlay_ctl("net-set", 5001, *args, check=False)
        assert result.returncode == 1
        assert ctl.get("Overlay_Network", 5001, "other_config") == before
        return "ra-lifetime=" in result.stderr \
            and "ra-interval=" in result.stderr

    ctl.overlay_ctl("net-add", 5001, "ra-interval=10")
    assert fails("ra-lifetime=9")
    ctl.overlay_ctl("net-set", 5001, "ra-lifetime=10")
    assert fails("ra-interval=11")
    assert fails("ra-interval=")
    ctl.overlay_ctl("net-set", 5001, "ra-lifetime=", "ra-interval=1800")
    assert fails("ra-lifetime=1799")
    ctl.overlay_ctl("net-set", 5001, "ra-lifetime=0")
    # Another client's row can be mended, whatever is in it.
    ctl.vsctl("set", "Overlay_Network", "5001", "other_config:ra-lifetime=5")
    ctl.wait_column("Overlay_Network", 5001, "error", lambda v: v != "[]")
    ctl.overlay_ctl("net-set", 5001, "mtu=1400")
    ctl.overlay_ctl("net-set", 5001, "ra-interval=4")
    ctl.wait_column("Overlay_Network", 5001, "error", lambda v: v == "[]")


def test_port_bind_takes_groups_of_macs(ctl):
    ctl.overlay_ctl("port-bind", "vm1", 5001, mac(1), ip(1), "10.9.0.0/16",
                    "52-54-00-00-00-02", mac(3).upper(), "2001:DB8::3")
    row, = rows(ctl, "port-list")
    assert row["vni"] == "5001"
    assert sorted(row["addresses"].split(", ")) == [
        f"{mac(1)} {ip(1)} 10.9.0.0/16", mac(2), f"{mac(3)} 2001:db8::3"]


def test_port_bind_replaces(ctl):
    ctl.overlay_ctl("port-bind", "vm1", 5001, mac(1))
    ctl.overlay_ctl("port-bind", "vm1", 5002)
    row, = rows(ctl, "port-list")
    assert (row["vni"], row["addresses"]) == ("5002", "")
    assert not rows(ctl, "port-list", 5001)


def test_binding_row_for_a_port_to_come(ctl):
    ctl.overlay_ctl("net-add", 5001)
    ctl.overlay_ctl("--binding", "port-bind", "vm5", 5001, mac(5))
    ctl.overlay_ctl("port-bind", "vm2", 5001, mac(2))
    ctl.add_port("vm5")
    frame = udp(5, 2)
    ctl.expect(("vm5", frame), out={"vm2": [frame]})
    assert [r["row"] for r in rows(ctl, "port-list")] == ["port", "binding"]
    ctl.overlay_ctl("--binding", "port-unbind", "vm5")
    ctl.expect(("vm5", frame), drops={("vm5", None, "port_unbound"): 1})


def test_rows_are_found_by_value(ctl):
    """Another client spelled them its own way."""
    ctl.set_rows("create", "Overlay_MAC", "vni=5001",
                 'mac="52:54:00:00:00:0A"', 'vtep="192.0.2.2"')
    ctl.set_rows("create", "Overlay_Neighbor", "vni=5001",
                 'ip="2001:DB8:0::A"', f'mac="{mac(5)}"')
    ctl.overlay_ctl("mac-del", 5001, "5254.0000.000a")
    ctl.overlay_ctl("neigh-del", 5001, "2001:db8::a")
    assert not ctl.find("Overlay_MAC") and not ctl.find("Overlay_Neighbor")


def test_row_with_an_illegal_value_can_be_deleted(ctl):
    ctl.set_rows("create", "Overlay_MAC", "vni=5001", 'mac="zz"',
                 'vtep="192.0.2.2"')
    ctl.overlay_ctl("mac-del", 5001, "zz")
    assert not ctl.find("Overlay_MAC")


def test_usual_spelling_is_written(ctl):
    ctl.overlay_ctl("mac-add", 5001, "52-54-0-0-0-A", "192.0.2.2",
                    "2001:DB8:0:0::5")
    row, = rows(ctl, "mac-list", 5001)
    assert (row["mac"], row["ips"]) == ("52:54:00:00:00:0a", "2001:db8::5")


def test_neighbor_with_router_flag(ctl):
    ctl.overlay_ctl("neigh-add", 5001, "10.1.0.50", mac(5), "router")
    row, = rows(ctl, "neigh-list")
    assert row["router"] == "router"


def test_routes(ctl):
    ctl.overlay_ctl("route-add", "red", "10.9.0.0/16", "10.1.0.3",
                    "10.1.0.4", "vni=5001")
    ctl.overlay_ctl("route-add", "red", "2001:db8::/32", "action=prohibit")
    ctl.overlay_ctl("route-add", "blue", "0.0.0.0/0", "action=blackhole")
    assert [(r["prefix"], r["action"], r["nexthops"], r["vni"])
            for r in rows(ctl, "route-list", "red")] == [
        ("10.9.0.0/16", "forward", "10.1.0.3, 10.1.0.4", "5001"),
        ("2001:db8::/32", "prohibit", "", "")]
    assert len(rows(ctl, "route-list")) == 3


def test_generic_commands_find_networks_by_vni(ctl):
    ctl.overlay_ctl("net-add", 5001)
    ctl.overlay_ctl("set", "Overlay_Network", 5001, "mtu=1300")
    assert ctl.overlay_ctl("get", "Overlay_Network", 5001,
                           "mtu").strip() == "1300"
    ctl.vsctl("set", "Overlay_Network", "5001", "mtu=1301")
    assert ctl.get("Overlay_Network", 5001, "mtu") == "1301"


def test_show_has_a_view_of_vrfs(ctl):
    """What is connected, how many routes, and what is wrong."""
    ctl.overlay_ctl(
        "net-add", 5001, "vrf=red", "gateway=10.1.0.1/24,fd00::1/64", "--",
        "net-add", 7001, "vrf=red", "--", "net-add", 5002, "--",
        "net-add", 6001, "vrf=blue", "gateway=10.1.0.1/24", "--",
        "route-add", "red", "0.0.0.0/0", "10.1.0.254", "--",
        "route-add", "red", "10.9.0.0/16", "action=prohibit", "--",
        "route-add", "red", "10.8.0.0/16", "10.200.0.1", "--",
        "route-add", "amber", "0.0.0.0/0", "action=blackhole")
    row, = ctl.find("Overlay_Route", 'prefix="10.8.0.0/16"')
    ctl.wait_column("Overlay_Route", row, "error", lambda v: v != "[]")
    text = ctl.overlay_ctl("show")
    assert text[text.index("VRF amber"):text.index("rows that are not")] == (
        "VRF amber: 1 route rows\n"
        "VRF blue: 0 route rows\n"
        "    network 6001: 10.1.0.1/24\n"
        "VRF red: 3 route rows, 1 of them with an error\n"
        "    network 5001: 10.1.0.1/24, fd00::1/64\n"
        "    network 7001: no gateway\n")
    # Two networks with the same prefixes in one VRF: one is not in force.
    ctl.overlay_ctl("net-set", 6001, "vrf=red")
    wait_until(lambda: ctl.overlay_ctl("show").count("(not in force)") == 1,
               "no network is out of force")


def test_show_tells_what_a_vtep_takes(ctl):
    ctl.overlay_ctl("net-add", 5001, "flood=192.0.2.2")
    ctl.wait_vtep("192.0.2.2")
    assert "    192.0.2.2       up, MTU 1450, via 192.0.2.2 at " in (
        ctl.overlay_ctl("show"))


# Options.

def test_dry_run_changes_nothing(ctl):
    ctl.overlay_ctl("--dry-run", "net-add", 5001)
    assert not rows(ctl, "net-list")


def test_verbose_prints_the_operations(ctl):
    result = ctl.overlay_ctl("-v", "--dry-run", "net-add", 5001, check=False)
    assert result.returncode == 0
    assert '"transact"' in result.stderr
    assert "Overlay_Network" in result.stderr


def test_error_of_the_daemon_is_told(ctl):
    """The values are legal, but do not fit together."""
    ctl.overlay_ctl("net-add", 5001, "gateway=10.1.0.1/24")
    result = ctl.overlay_ctl("net-add", 5002, "gateway=10.1.0.0/24",
                             check=False)
    assert result.returncode == 0
    assert "overlay-ctl: not in force: Overlay_Network 5002: " \
        in result.stderr
    ctl.wait_column("Overlay_Network", 5002, "error", lambda v: v != "[]")
    text = ctl.overlay_ctl("show")
    assert "not in force" in text and "10.1.0.0/24" in text


def test_show_without_the_daemon(ctl):
    ctl.overlay_ctl("net-add", 5001, "flood=192.0.2.2")
    text = ctl.daemons.run("overlay-ctl", f"--db=unix:{ctl.daemons.dir}"
                           "/db.sock", "show")
    assert "5001" in text and "192.0.2.2" in text


def test_whoever_waits_is_told_for_what(tmp_path):
    """There is no ovs-vswitchd."""
    daemons = Daemons(tmp_path)
    daemons.create_db()
    daemons.start_db()
    try:
        result = daemons.overlay_ctl("--timeout=2", "net-add", 5001,
                                     check=False)
        assert result.returncode
        assert len(re.findall("waiting for ovs-vswitchd.*--no-wait",
                              result.stderr)) == 1
        daemons.overlay_ctl("--no-wait", "net-add", 5002)
        assert "5001" in daemons.overlay_ctl("--no-wait", "net-list")
    finally:
        daemons.destroy()


def test_frame_right_after_overlay_ctl_obeys(ctl):
    ctl.overlay_ctl("net-add", 5001, "--", "port-bind", "vm2", 5001, mac(2))
    for n in range(1, 21):
        ctl.overlay_ctl("port-bind", "vm1", 5001, mac(0x20 + n))
        frame = udp(0x20 + n, 2)
        ctl.expect(("vm1", frame), out={"vm2": [frame]})


def test_list_of_many_rows_is_sorted(ctl):
    args = []
    for n in 3, 1, 2:
        args += ["--", "mac-add", 5001, mac(n), "192.0.2.2"]
    ctl.overlay_ctl(*args[1:])
    assert [r["mac"] for r in rows(ctl, "mac-list")] == [mac(1), mac(2),
                                                         mac(3)]


def test_looking_at_a_new_database_waits_for_nobody(tmp_path):
    d = Daemons(tmp_path)
    d.create_db()
    d.start_db()
    d.run("ovsdb-client", "transact", f"unix:{d.dir}/db.sock", json.dumps(
        ["Open_vSwitch",
         {"op": "delete", "table": "Open_vSwitch", "where": []}]))
    assert d.overlay_ctl("show") == "no overlay bridge\n"
    assert d.overlay_ctl("--bare", "--columns=_uuid", "list",
                         "Open_vSwitch") == ""
    d.destroy()
