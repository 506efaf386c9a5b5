# SPDX-License-Identifier: Apache-2.0

"""Rows: errors, healing, order, duplicates (DESIGN 5 and decision 8).

    vm1 ─┐
    vm2 ─┤ VNI 5001 ── br-ov ── p0 ══ underlay ══ 192.0.2.2 (vm3), 192.0.2.3

A wrong row is out of force alone, says why in words that name column and
value, and works again as soon as it is mended.
"""

import itertools
import json

import pytest

from ovl.frames import arp_reply, arp_request, encap, ip, mac, udp
from ovl.process import wait_until

NO_ERROR = "[]"


def create(sw, table, *columns):
    return sw.vsctl("create", table, *columns).strip()


def error_of(sw, table, row, column="error"):
    return sw.wait_column(table, row, column, lambda v: v != NO_ERROR)


def no_error(sw, table, row, column="error"):
    sw.wait_column(table, row, column, lambda v: v == NO_ERROR)


def still_forwards(sw):
    frame = udp(1, 2)
    sw.expect(("vm1", frame), out={"vm2": [frame]})


def good_row(table, n):
    """Columns of a row that is in force, the 'n'th of its kind."""
    return {
        "Overlay_MAC": {"vni": 5001, "mac": f"52:54:00:00:01:{n:02x}",
                        "vtep": "192.0.2.2"},
        "Overlay_Neighbor": {"vni": 5001, "ip": f"10.1.1.{n}",
                             "mac": mac(0x20)},
        "Overlay_Route": {"vrf": "red", "prefix": f"10.{n}.0.0/16",
                          "nexthops": "10.1.0.13"},
        "Overlay_Network": {"vni": 6000 + n},
        "Overlay_Binding": {"iface": f"vm7{n}", "vni": 5001},
    }[table]


GARBAGE = ["", " ", "x", "1.2.3", "1.2.3.4.5", "-1", "0x10", "\u00e4\u00f6",
           "A" * 5000, "'; drop", "1.2.3.4/33", "::/129", "10.0.0.0/",
           "fe80::1%eth0", "::ffff:1.2.3.4"]
BAD_MACS = ["01:00:5e:00:00:01", "ff:ff:ff:ff:ff:ff", "00:00:00:00:00:00",
            "52:54:00:00:00", "52:54:00:00:00:00:00", "52:54:00:00:00:gg"]
BAD_IPS = ["0.0.0.0", "224.0.0.1", "255.255.255.255", "::", "ff02::1",
           "10.0.0.256"]

BAD = (
    [("Overlay_MAC", "mac", v) for v in GARBAGE + BAD_MACS]
    + [("Overlay_MAC", "vtep", v) for v in GARBAGE + BAD_IPS]
    + [("Overlay_MAC", "ips", v) for v in GARBAGE + BAD_IPS]
    + [("Overlay_Neighbor", "ip", v) for v in GARBAGE + BAD_IPS]
    + [("Overlay_Neighbor", "mac", v) for v in GARBAGE + BAD_MACS]
    + [("Overlay_Route", "prefix", v) for v in GARBAGE + ["10.1.0.1/16",
                                                          "2001:db8::1/64",
                                                          "10.0.0.0"]]
    + [("Overlay_Route", "nexthops", v) for v in GARBAGE + BAD_IPS]
    + [("Overlay_Route", "vrf", v) for v in ["", "a\nb"]]
    + [("Overlay_Network", "gateway_ips", v)
       for v in GARBAGE + ["10.1.0.1", "224.0.0.1/24", "0.0.0.0/0"]]
    + [("Overlay_Network", "gateway_mac", v) for v in GARBAGE + BAD_MACS]
    + [("Overlay_Network", "flood_vteps", v) for v in GARBAGE + BAD_IPS]
    + [("Overlay_Network", "mtu", v) for v in ("0", "67", "65536")]
    + [("Overlay_Binding", "addresses", v)
       for v in GARBAGE + BAD_MACS + [f"{mac(1)} x", f"{mac(1)} 10.0.0.256",
                                      f"10.0.0.1 {mac(1)}"]]
)


def quoted(value):
    # ovs-vsctl's strings are JSON's.
    return json.dumps(value, ensure_ascii=False)


def arguments(columns):
    return [f"{name}={value if name in ('vni', 'mtu') else quoted(value)}"
            for name, value in columns.items()]


def errors(sw, table):
    """{UUID: error} of all rows of 'table'."""
    listed = json.loads(sw.vsctl("--format=json", "--columns=_uuid,error",
                                 "list", table))
    return {uuid[1]: error if isinstance(error, str) else None
            for uuid, error in listed["data"]}


def by_column():
    return [pytest.param(table, column, [v for _, _, v in values],
                         id=f"{table}-{column}")
            for (table, column), values in itertools.groupby(
                BAD, lambda bad: bad[:2])]


@pytest.mark.parametrize("table, column, values", by_column())
def test_bad_value_puts_its_row_alone_out_of_force(sw, table, column, values):
    """The error names column and value; a good value heals."""
    rows = {}
    for n, value in enumerate(values):
        columns = dict(good_row(table, n), **{column: value})
        result = sw.vsctl("--no-wait", "create", table, *arguments(columns),
                          check=False)
        # If the schema or the index refuses it: just as well.
        if not result.returncode:
            rows[result.stdout.strip()] = (n, value)
    assert rows

    wait_until(lambda: all(errors(sw, table)[row] for row in rows),
               f"{values}: no error")
    for row, error in errors(sw, table).items():
        if row not in rows:
            assert error is None, error
            continue
        value = rows[row][1]
        assert column in error, (value, error)
        if len(value) < 40 and value.isascii() and value.isprintable():
            assert value in error, (value, error)
    still_forwards(sw)

    with sw.transaction():
        for row, (n, _) in rows.items():
            good = good_row(table, n)
            if column in good:
                sw.set_rows("set", table, row,
                            *arguments({column: good[column]}))
            else:
                sw.set_rows("clear", table, row, column)
    wait_until(lambda: not any(errors(sw, table).values()),
               "the rows do not heal")


@pytest.mark.parametrize("value", GARBAGE + BAD_MACS)
def test_bad_overlay_addresses_put_the_port_out_of_force(sw, value):
    """It drops; it does not fall back to being unguarded."""
    sw.add_port("vm5")
    sw.set_rows("set", "Port", "vm5", "overlay_vni=5001",
                f"overlay_addresses={quoted(value)}")
    assert "overlay_addresses" in error_of(sw, "Port", "vm5", "overlay_error")
    sw.expect(("vm5", udp(5, 2)), drops={("vm5", None, "port_unbound"): 1})
    sw.set_rows("set", "Port", "vm5",
                f"overlay_addresses={quoted(mac(5))}")
    no_error(sw, "Port", "vm5", "overlay_error")
    frame = udp(5, 2)
    sw.expect(("vm5", frame), out={"vm2": [frame]})


@pytest.mark.parametrize("column, value", [
    ("overlay_vtep_ips", "x"), ("overlay_vtep_ips", "224.0.0.1"),
    ("overlay_gateway_mac", "x"), ("overlay_gateway_mac", "ff:ff:ff:ff:ff:ff"),
    ("overlay_router_mac", "zz"),
    ("other_config:vxlan-port", "0"), ("other_config:vxlan-port", "65536"),
    ("other_config:vxlan-ttl", "0"), ("other_config:vxlan-ttl", "256"),
    ("other_config:vxlan-dscp", "64"), ("other_config:vxlan-dscp", "high"),
    ("other_config:vxlan-udp6-zero-csum", "maybe"),
])
def test_bad_value_of_the_bridge_is_told_and_the_rest_goes_on(sw, column,
                                                              value):
    sw.set_rows("set", "Bridge", "br-ov", f"{column}={quoted(value)}")
    error = error_of(sw, "Bridge", "br-ov", "overlay_error")
    assert column.split(":")[-1] in error and value in error, error
    still_forwards(sw)
    if ":" in column:
        name, key = column.split(":")
        sw.set_rows("remove", "Bridge", "br-ov", name, key)
    elif column == "overlay_vtep_ips":
        sw.set_rows("set", "Bridge", "br-ov", 'overlay_vtep_ips="192.0.2.1"')
    else:
        sw.set_rows("clear", "Bridge", "br-ov", column)
    no_error(sw, "Bridge", "br-ov", "overlay_error")


def test_second_uplink_gets_a_clear_error(sw):
    sw.add_port("p1")
    sw.set_rows("set", "Bridge", "br-ov", "overlay_uplinks=[p0,p1]")
    error = error_of(sw, "Bridge", "br-ov", "overlay_error")
    assert "overlay_uplinks" in error
    sw.set_rows("set", "Bridge", "br-ov", "overlay_uplinks=p0")
    no_error(sw, "Bridge", "br-ov", "overlay_error")


def test_two_vtep_addresses_of_one_family_get_an_error(sw):
    sw.set_rows("set", "Bridge", "br-ov",
                'overlay_vtep_ips=["192.0.2.1","192.0.2.99"]')
    assert "overlay_vtep_ips" in error_of(sw, "Bridge", "br-ov",
                                          "overlay_error")
    still_forwards(sw)


# Two rows that are equal by value.

def test_lowest_uuid_is_in_force_and_the_other_takes_over(sw):
    spellings = ["52:54:00:00:00:0a", "52:54:00:00:00:0A", "52:54:0:0:0:a"]
    vteps = ["192.0.2.2", "192.0.2.3", "192.0.2.2"]
    rows = {create(sw, "Overlay_MAC", "vni=5001", f"mac={quoted(spelling)}",
                   f"vtep={quoted(vtep)}"): vtep
            for spelling, vtep in zip(spellings, vteps)}
    frame = udp(1, 10)
    for i, winner in enumerate(sorted(rows)):
        no_error(sw, "Overlay_MAC", winner)
        for loser in sorted(rows)[i + 1:]:
            assert winner in error_of(sw, "Overlay_MAC", loser)
        sw.expect(("vm1", frame),
                  out={"p0": [encap(5001, frame, rows[winner])]})
        sw.set_rows("destroy", "Overlay_MAC", winner)
    sw.expect(("vm1", frame), drops={("vm1", 5001, "unknown_unicast"): 1})


def test_equal_neighbors_take_turns(sw):
    a = create(sw, "Overlay_Neighbor", "vni=5001", 'ip="2001:db8::a"',
               f"mac={quoted(mac(7))}")
    b = create(sw, "Overlay_Neighbor", "vni=5001", 'ip="2001:DB8:0::A"',
               f"mac={quoted(mac(8))}")
    winner, loser = sorted([a, b])
    assert error_of(sw, "Overlay_Neighbor", loser)
    no_error(sw, "Overlay_Neighbor", winner)
    sw.set_rows("destroy", "Overlay_Neighbor", winner)
    no_error(sw, "Overlay_Neighbor", loser)


def test_same_mac_bound_to_two_ports_of_a_network_is_told(sw):
    sw.add_port("vm5", 5001, mac(1))
    errors = [sw.get("Port", p, "overlay_error") for p in ("vm1", "vm5")]
    assert errors.count(NO_ERROR) <= 1


# Order.

def rows_of_a_pair(sw):
    """What two VMs need to talk, as separate changes."""
    return {
        "network": lambda: sw.add_network(5003,
                                          flood_vteps=["192.0.2.3"]),
        "port": lambda: sw.add_port("vm7", 5003, f"{mac(7)} {ip(7)}"),
        "mac": lambda: sw.add_mac(5003, mac(8), "192.0.2.3", ip(8)),
    }


@pytest.mark.parametrize("order", itertools.permutations(
    ["network", "port", "mac"]), ids="-".join)
def test_order_of_rows_does_not_matter(sw, order):
    steps = rows_of_a_pair(sw)
    for step in order:
        steps[step]()
    frame = udp(7, 8)
    sw.expect(("vm7", frame),
              out={"p0": [encap(5003, frame, "192.0.2.3")]})
    sw.expect(("vm7", arp_request(7, ip(8))),
              out={"vm7": [arp_reply(mac(8), ip(8), mac(7), ip(7))]})


@pytest.mark.parametrize("order", [("uplink", "vtep", "rows"),
                                   ("rows", "vtep", "uplink"),
                                   ("vtep", "rows", "uplink")],
                         ids="-".join)
def test_bridge_columns_may_come_last(bare, order):
    sw = bare
    sw.add_bridge()
    sw.set_rows("clear", "Bridge", "br-ov", "overlay_uplinks",
                "overlay_vtep_ips")
    sw.add_peer("192.0.2.2")

    def rows():
        sw.add_network(5001)
        sw.add_mac(5001, mac(3), "192.0.2.2")
        sw.add_port("vm1", 5001, mac(1))

    steps = {
        "uplink": lambda: sw.set_rows("set", "Bridge", "br-ov",
                                      "overlay_uplinks=p0"),
        "vtep": lambda: sw.set_rows("set", "Bridge", "br-ov",
                                    'overlay_vtep_ips="192.0.2.1"'),
        "rows": rows,
    }
    for step in order:
        steps[step]()
    sw.wait_vtep("192.0.2.2")
    frame = udp(1, 3)
    sw.expect(("vm1", frame), out={"p0": [encap(5001, frame)]})


def test_rows_of_one_transaction_take_force_together(sw):
    with sw.transaction():
        rows = rows_of_a_pair(sw)
        for step in "mac", "port", "network":
            rows[step]()
    sw.wait_polled("vm7")
    frame = udp(7, 8)
    sw.expect(("vm7", frame),
              out={"p0": [encap(5003, frame, "192.0.2.3")]})


def test_swap_of_two_macs_in_one_transaction(sw):
    sw.add_mac(5001, mac(0x31), "192.0.2.2")
    sw.add_mac(5001, mac(0x32), "192.0.2.3")
    a, = sw.find("Overlay_MAC", f"mac={quoted(mac(0x31))}")
    b, = sw.find("Overlay_MAC", f"mac={quoted(mac(0x32))}")
    with sw.transaction():
        sw.set_rows("set", "Overlay_MAC", a, f"mac={quoted(mac(0x32))}")
        sw.set_rows("set", "Overlay_MAC", b, f"mac={quoted(mac(0x31))}")
    one, two = udp(1, 0x31), udp(1, 0x32)
    sw.expect(("vm1", one, two),
              out={"p0": [encap(5001, one, "192.0.2.3"),
                          encap(5001, two, "192.0.2.2")]})


# Status.

def test_uplink_that_is_no_port_is_a_fault(sw):
    """Its port may come later."""
    sw.wait_column("Bridge", "br-ov", "overlay_status",
                   lambda v: "no_uplink" not in v)
    sw.set_rows("set", "Bridge", "br-ov", "overlay_uplinks=p1")
    sw.wait_column("Bridge", "br-ov", "overlay_status:no_uplink",
                   lambda v: v.strip('"') == "p1")
    sw.set_rows("add-port", "br-ov", "p1", "--", "set", "Interface", "p1",
                "type=dummy")
    sw.wait_column("Bridge", "br-ov", "overlay_status",
                   lambda v: "no_uplink" not in v)
    sw.set_rows("del-port", "p1")
    sw.wait_column("Bridge", "br-ov", "overlay_status:no_uplink",
                   lambda v: v.strip('"') == "p1")
    sw.set_rows("set", "Bridge", "br-ov", "overlay_uplinks=p0")
    sw.wait_column("Bridge", "br-ov", "overlay_status",
                   lambda v: "no_uplink" not in v)
    sw.set_rows("clear", "Bridge", "br-ov", "overlay_uplinks")
    sw.wait_column("Bridge", "br-ov", "overlay_status:networks",
                   lambda v: v == "2")
    assert "no_uplink" not in sw.get("Bridge", "br-ov", "overlay_status")


def test_status_counts_rows_and_names_faults(sw):
    sw.wait_column("Bridge", "br-ov", "overlay_status:networks",
                   lambda v: v == "2")
    create(sw, "Overlay_MAC", "vni=5001", 'mac="x"', 'vtep="192.0.2.2"')
    sw.wait_column("Bridge", "br-ov", "overlay_status:rows_in_error",
                   lambda v: v == "1")
    sw.set_rows("clear", "Bridge", "br-ov", "overlay_vtep_ips")
    sw.wait_column("Bridge", "br-ov", "overlay_status",
                   lambda v: "no_tunnel_ip" in v)
    sw.set_rows("set", "Bridge", "br-ov", 'overlay_vtep_ips="192.0.2.1"')
    sw.wait_column("Bridge", "br-ov", "overlay_status",
                   lambda v: "no_tunnel_ip" not in v)
