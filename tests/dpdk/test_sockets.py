# SPDX-License-Identifier: Apache-2.0

"""Sockets of VMs: two ports for one, and ports that get another.

    vm1 (vhost-user), vm2 (dummy), bad (vhost-user) ── 5001
"""

import pytest

import devices
from conftest import build
from ovl.frames import mac, udp
from ovl.process import wait_until

# DPDK talks of every message of the protocol.
VHOST_SAYS = r"\|dpdk(\([^)]*\))?\|(WARN|ERR)\|VHOST_"
REFUSED = r"\|(bridge|ovl_iface_error|overlay_datapath_pmd)\|WARN\|"


@pytest.fixture
def switch(bare):
    bare.allow_log(VHOST_SAYS, REFUSED)
    build(bare, {"vm1": devices.Vm(bare.daemons.dir, "vm1")})
    bare.devices["vm1"].connect()
    yield bare
    bare.vsctl("--if-exists", "del-port", "bad")


def add(sw, *options):
    sw.vsctl("add-port", "br-ov", "bad", "--", "set", "Interface", "bad",
             "type=dpdkvhostuserclient", *options, "--", "set", "Port", "bad",
             "overlay_vni=5001", f'overlay_addresses="{mac(7)}"')


def path(vm):
    return f"options:vhost-server-path={vm.path}"


def works(sw, port="vm1", n=1):
    """The VM of the port sends and receives."""
    wait_until(lambda: sw.vsctl("get", "Interface", port, "link_state").strip()
               == "up", "the VM")
    sw.wait_error(port, None)
    sw.expect((port, udp(n, 2)), out={"vm2": [udp(n, 2)]})
    sw.expect(("vm2", udp(2, n)), out={port: [udp(2, n)]})


def new_vm(sw, port):
    """A VM with a socket of its own, for 'port'."""
    vm = devices.Vm(sw.daemons.dir, "other")
    sw.devices[port] = sw.ports[port] = vm
    return vm


def move_vm(sw):
    """The VM of vm1 will be that of 'bad'."""
    vm = sw.devices.pop("vm1")
    del sw.ports["vm1"]
    sw.devices["bad"] = sw.ports["bad"] = vm
    return vm


def reconnect(vm):
    vm.guest.close()
    vm.guest = None
    vm.connect()


@pytest.fixture
def refused(switch):
    """A second port for the socket of vm1, whose VM notices nothing."""
    vm = switch.devices["vm1"]
    works(switch)
    add(switch, path(vm))
    error = (r"could not add network device bad to ofproto \(.*\): vm1 has "
             f"the socket {vm.path} already: set another options:"
             "vhost-server-path, or delete one of the two ports")
    switch.wait_error("bad", f"^{error}$")
    assert f"vm1 has the socket {vm.path} already" \
        in switch.daemons.log_since_mark()
    for i in range(3):          # bridge.c tries again each time.
        switch.vsctl("set", "Bridge", "br-ov", f"external_ids:try={i}")
        works(switch)
    switch.wait_error("bad", f"^{error}$")
    return switch


def test_second_port_for_a_socket_gets_another(refused):
    vm = new_vm(refused, "bad")
    refused.vsctl("set", "Interface", "bad", path(vm))
    vm.connect()
    works(refused, "bad", 7)
    works(refused)


def test_second_port_for_a_socket_is_deleted(refused):
    refused.vsctl("del-port", "bad")
    works(refused)
    refused.vsctl("set", "Bridge", "br-ov", "external_ids:again=1")
    works(refused)


def test_second_port_for_a_socket_gets_it_when_the_first_is_deleted(refused):
    vm = move_vm(refused)
    refused.vsctl("del-port", "vm1")
    reconnect(vm)
    works(refused, "bad", 7)


def test_two_ports_for_a_socket_without_a_vm(switch):
    """One waits, the other says which."""
    other = new_vm(switch, "bad")
    other.listener.close()
    add(switch, path(other))
    switch.wait_error("bad", f"^{other.path}: waiting for a VM to answer")
    switch.vsctl("add-port", "br-ov", "worse", "--", "set", "Interface",
                 "worse", "type=dpdkvhostuserclient", path(other))
    switch.wait_error("worse", f"bad has the socket {other.path} already")
    switch.wait_error("bad", f"^{other.path}: waiting for a VM to answer")
    switch.vsctl("del-port", "worse")
    works(switch)


def test_stock_bridge_has_the_socket(switch):
    """It was vm1's before."""
    vm = move_vm(switch)
    switch.vsctl("del-port", "vm1")
    switch.vsctl("add-br", "br-stock", "--", "set", "Bridge", "br-stock",
                 "datapath_type=netdev", "--", "add-port", "br-stock", "stock",
                 "--", "set", "Interface", "stock", "type=dpdkvhostuserclient",
                 path(vm))
    reconnect(vm)
    add(switch, path(vm))
    switch.wait_error("bad", "a port of another bridge has the socket "
                      f"{vm.path} already")
    wait_until(lambda: switch.vsctl("get", "Interface", "stock",
                                    "link_state").strip() == "up", "the VM")
    switch.vsctl("del-br", "br-stock")
    reconnect(vm)
    works(switch, "bad", 7)


def test_path_that_is_set_later(switch):
    add(switch)
    switch.wait_error("bad", "could not add .*: no VM can connect: set "
                      "options:vhost-server-path to the socket that QEMU makes$")
    works(switch)
    vm = new_vm(switch, "bad")
    switch.vsctl("set", "Interface", "bad", path(vm))
    vm.connect()
    works(switch, "bad", 7)


def test_path_that_changes(switch):
    """netdev-dpdk goes on with the one that it had first."""
    vm = switch.devices["vm1"]
    for column in f"options:vhost-server-path={vm.path}x", "options:x=y":
        switch.vsctl("clear", "Interface", "vm1", "options", "--", "set",
                     "Interface", "vm1", column)
        switch.wait_error("vm1", "^options:vhost-server-path has changed, but "
                          f"the port has the socket {vm.path} until it is "
                          "deleted and added again$")
        switch.expect(("vm1", udp(1, 2)), out={"vm2": [udp(1, 2)]})
    switch.vsctl("set", "Interface", "vm1", path(vm))
    works(switch)
