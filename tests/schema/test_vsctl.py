# SPDX-License-Identifier: Apache-2.0

"""ovs-vsctl knows our tables; the server refuses what the types exclude."""

import pytest


@pytest.mark.parametrize("row", [
    ["Overlay_Binding", "iface=vm1", "vni=5001",
     'addresses="52:54:00:00:00:01 10.1.0.11"'],
    ["Overlay_Network", "vni=5001", "vrf=red", 'gateway_ips="10.1.0.1/24"',
     "flood_vteps=192.0.2.2", "unknown_unicast=flood", "neigh_miss=drop",
     "neigh_suppress=false", "mtu=1400",
     "other_config:answer-tunnel=true"],
    ["Overlay_Route", "vrf=red", 'prefix="0.0.0.0/0"',
     "nexthops=10.1.0.254", "vni=5001", "action=forward"],
    ["Overlay_Neighbor", "vni=5001", "ip=10.1.0.11",
     'mac="52:54:00:00:00:01"', "router=true"],
    ["Overlay_MAC", "vni=5001", 'mac="52:54:00:00:00:02"',
     "vtep=192.0.2.2", "ips=10.1.0.12"],
], ids=lambda row: row[0])
def test_create_makes_a_complete_row(server, row):
    uuid = server.vsctl("create", *row)
    assert server.vsctl("--bare", "--columns=_uuid", "list", row[0]) == uuid
    assert server.vsctl("get", row[0], uuid, "error") == "[]"
    done = server.vsctl("create", *row, check=False)
    assert done.returncode != 0 and "index" in done.stderr


def test_network_is_found_by_its_vni(server):
    server.vsctl("create", "Overlay_Network", "vni=5001")
    server.vsctl("create", "Overlay_Network", "vni=50010")
    server.vsctl("set", "Overlay_Network", "5001", "mtu=1400")
    assert server.vsctl("get", "Overlay_Network", "5001", "mtu") == "1400"
    assert server.vsctl("get", "Overlay_Network", "50010", "mtu") == "[]"
    server.vsctl("destroy", "Overlay_Network", "5001")
    assert server.vsctl("--bare", "--columns=vni", "list",
                        "Overlay_Network") == "50010"


def test_binding_is_found_by_its_interface(server):
    server.vsctl("create", "Overlay_Binding", "iface=vm1", "vni=1")
    server.vsctl("set", "Overlay_Binding", "vm1", "vni=2")
    assert server.vsctl("get", "Overlay_Binding", "vm1", "vni") == "2"


@pytest.mark.parametrize("row", [
    ["Overlay_Network", "vni=0"],
    ["Overlay_Network", "vni=16777216"],
    ["Overlay_Network", "name=x"],
    ["Overlay_Network", "vni=1", "unknown_unicast=perhaps"],
    ["Overlay_Network", "vni=1", "neigh_suppress=perhaps"],
    ["Overlay_Network", "vni=1", "mtu=big"],
    ["Overlay_Route", "vrf=red", 'prefix="10.0.0.0/8"', "action=perhaps"],
    ["Overlay_Route", "vrf=red", 'prefix="10.0.0.0/8"', "nexthops="
     + ",".join("192.0.2.%d" % i for i in range(65))],
    ["Overlay_Neighbor", "vni=-1", "ip=10.0.0.1"],
    ["Overlay_MAC", "vni=x"],
], ids=lambda row: " ".join(row)[:40])
def test_value_outside_of_its_type_is_refused(server, row):
    assert server.vsctl("create", *row, check=False).returncode != 0
    assert server.vsctl("--bare", "list", row[0]) == ""


@pytest.mark.parametrize("setting", [
    "overlay_vni=0", "overlay_vni=16777216", "overlay_vni=1,2",
    "overlay_vlan_bindings=4096=1", "overlay_vlan_bindings=1=0",
])
def test_port_column_outside_of_its_type_is_refused(server, setting):
    server.vsctl("add-br", "br0")
    done = server.vsctl("set", "Port", "br0", setting, check=False)
    assert done.returncode != 0


def test_third_vtep_address_is_refused(server):
    server.vsctl("add-br", "br0")
    server.vsctl("set", "Bridge", "br0",
                 'overlay_vtep_ips="192.0.2.1","2001:db8::1"')
    done = server.vsctl("add", "Bridge", "br0", "overlay_vtep_ips",
                        "192.0.2.3", check=False)
    assert done.returncode != 0
