# SPDX-License-Identifier: Apache-2.0
"""Ports that come and go, as libvirt and orchestrators have it.

       a ── hv1 ══ underlay ══ hv2 ── b
"""

import json
import os

from conftest import make_pair

from overlay_lab import LabError, Stream, ping, reaches, wait_for


def test_a_binding_row_survives_its_port(pair, fabric):
    """libvirt deletes the port when the VM stops and adds one when it starts,
    the binding waits for it."""
    a, b = pair
    hypervisor = a.hypervisor
    hypervisor.overlay_ctl("port-unbind", "a")
    fabric.bind(a, options=("--", "--binding"))
    reaches(a, b.ip)
    for _ in range(3):
        hypervisor.vsctl("del-port", "a")
        fabric.plug(a)
        reaches(a, b.ip)
    assert hypervisor.status()["rows_in_error"] == "0"


def test_a_binding_row_is_found_by_iface_id(pair, fabric):
    a, b = pair
    hypervisor = a.hypervisor
    hypervisor.overlay_ctl("port-unbind", "a")
    hypervisor.overlay_ctl("--", "--binding", "port-bind", "port-of-a", 5001,
                           a.mac, a.ip)
    assert ping(a, b.ip, count=1, wait=0.2).received == 0
    hypervisor.vsctl("set", "Interface", "a",
                     "external_ids:iface-id=port-of-a")
    reaches(a, b.ip)
    hypervisor.vsctl("del-port", "a", "--", "add-port", "br-ov", "a", "--",
                     "set", "Interface", "a",
                     "external_ids:iface-id=port-of-a")
    reaches(a, b.ip)


def test_a_port_that_is_unbound_goes_silent(pair):
    a, b = pair
    reaches(a, b.ip)
    a.hypervisor.overlay_ctl("port-unbind", "a")
    assert ping(a, b.ip, count=2, wait=0.2).received == 0
    assert a.hypervisor.drops("port_unbound", port="a") > 0


def test_a_vm_moves_to_another_network(pair, fabric):
    """It meets who is there, and nobody of its former network."""
    a, b = pair
    fabric.add_network(5002)
    d = fabric.add_vm("d", b.hypervisor, 5002, 4)
    b.hypervisor.overlay_ctl("mac-add", 5002, a.mac, a.hypervisor.vtep, a.ip)
    reaches(a, b.ip)
    a.vni = 5002
    fabric.bind(a)
    a.forget_neighbors()
    reaches(a, d.ip)
    assert ping(a, b.ip, count=2, wait=0.2).received == 0


def test_other_vms_lose_nothing_while_ports_come_and_go(pair, fabric):
    a, b = pair
    c = fabric.add_vm("c", a.hypervisor, 5001, 3)
    reaches(a, b.ip)
    stream = Stream(a, b)
    stream.wait_for_more()
    for _ in range(5):
        a.hypervisor.vsctl("del-port", "c")
        fabric.plug(c)
        fabric.bind(c)
    reaches(c, b.ip)
    assert stream.stop() == 0


def test_a_device_that_vanishes_disturbs_nobody_else(pair, fabric):
    """The veth pair of c is deleted under its port, as when a VM crashes.  That
    it takes no MTU any more is not what is wrong."""
    a, b = pair
    fabric.expected += [r"\bc\b.*(No such device|Network is down|"
                        r"failed)"]
    c = fabric.add_vm("c", a.hypervisor, 5001, 3)
    reaches(c, b.ip)
    a.hypervisor.vsctl("set", "Interface", "c", "mtu_request=1400")
    stream = Stream(a, b)
    stream.wait_for_more()
    a.hypervisor.namespace.ip("link del dev c")
    a.hypervisor.vsctl("set", "Interface", "c", "external_ids:gone=1")
    assert a.hypervisor.interface_errors() == []
    before = cpu_seconds(a.hypervisor.switch.pid)
    stream.wait_for_more(500)
    assert cpu_seconds(a.hypervisor.switch.pid) - before < 0.5
    assert stream.stop() == 0


def test_a_new_device_of_an_old_name_works_once_it_is_added(pair, fabric):
    """The device vanishes before libvirt deletes its port, and the VM starts
    again with a new one."""
    a, b = pair
    fabric.expected += [r"\ba\b.*(No such device|Network is down|failed)"]
    reaches(a, b.ip)
    hypervisor = a.hypervisor
    hypervisor.namespace.ip("link del dev a")
    hypervisor.vsctl("del-port", "a")
    hypervisor.namespace.ip(
        "link add name a type veth peer name eth0 netns "
        + a.namespace.name, "link set dev a up")
    a.configure(fabric.mtu - 50)
    fabric.plug(a)
    fabric.bind(a)
    reaches(a, b.ip)


def test_a_network_deleted_and_added_again(pair):
    a, b = pair
    hypervisor = a.hypervisor
    reaches(a, b.ip)
    hypervisor.overlay_ctl("net-del", 5001)
    assert ping(a, b.ip, count=2, wait=0.2).received == 0
    assert hypervisor.drops("no_network", port="a") > 0
    hypervisor.overlay_ctl("net-add", 5001, "flood=192.0.2.2")
    reaches(a, b.ip)


def test_the_bridge_deleted_and_made_again(fabric):
    a, b = make_pair(fabric)
    hypervisor = a.hypervisor
    reaches(a, b.ip)
    hypervisor.vsctl("del-br", "br-ov")
    fabric.make_bridge(hypervisor)
    fabric.plug(a)
    fabric.bind(a)
    reaches(a, b.ip)
    reaches(hypervisor, b.hypervisor.vtep)


def test_taps_change_their_datapath_at_once(fabric):
    """Whoever is given a tap opens it in the same reconfiguration: nobody may
    sleep on its descriptor any more."""
    hypervisor = fabric.add_hypervisor()
    fabric.expected += [r"\|tunnel\|", r"dpif_netdev", r"ofproto_dpif_upcall",
                        r"Dropped \d+ log messages"]
    words = []
    for i in range(6):
        words += ["--", "add-port", "br-ov", "t%d" % i, "--", "set",
                  "Interface", "t%d" % i, "type=tap"]
    hypervisor.vsctl(*words[1:])
    for _ in range(8):
        for kind in "netdev", "overlay":
            hypervisor.vsctl("set", "Bridge", "br-ov",
                             "datapath_type=" + kind)
    assert "resource busy" not in hypervisor.log()
    assert hypervisor.interface_errors() == []


def test_statistics_of_the_interface_count(pair):
    a, b = pair
    reaches(a, b.ip)
    before = statistics(a)
    assert ping(a, b.ip, count=10).lost == 0
    wait_for(lambda: statistics(a).get("rx_packets", 0)
             >= before.get("rx_packets", 0) + 10, "rx_packets", timeout=15)


def test_each_hypervisor_counts_what_it_sends_to_a_vtep(pair):
    a, b = pair
    reaches(a, b.ip)

    def count():
        return a.hypervisor.counters()["vteps"][b.hypervisor.vtep]

    before = count()
    assert ping(a, b.ip, count=10).lost == 0
    after = count()
    assert int(after["tx_packets"]) - int(before["tx_packets"]) == 10
    assert int(after["rx_packets"]) - int(before["rx_packets"]) == 10


def test_a_wrong_row_disturbs_nobody(pair):
    a, b = pair
    reaches(a, b.ip)
    stream = Stream(a, b)
    stream.wait_for_more()
    try:
        a.hypervisor.vsctl("create", "Overlay_MAC", "vni=5001",
                           'mac="01:00:00:00:00:01"', "vtep=192.0.2.2")
    except LabError as error:           # The exit status may tell.
        assert "Overlay_MAC" in str(error)
    stream.wait_for_more()
    assert stream.stop() == 0
    rows = json.loads(a.hypervisor.vsctl(
        "--format=json", "--columns=error", "find", "Overlay_MAC",
        'mac="01:00:00:00:00:01"'))
    assert "01:00:00:00:00:01" in rows["data"][0][0]


def cpu_seconds(pid):
    """Processor time that 'pid' has used."""
    with open("/proc/%d/stat" % pid, encoding="utf-8") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def statistics(vm):
    value = json.loads(vm.hypervisor.vsctl(
        "--no-wait", "--format=json", "--columns=statistics", "list",
        "Interface", vm.port))["data"][0][0]
    return dict(value[1])
