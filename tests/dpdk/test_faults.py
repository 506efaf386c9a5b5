# SPDX-License-Identifier: Apache-2.0

"""What cannot be: each time the interface's error and the log say what to do,
and the rest of the switch runs on."""

import re
import socket

import pytest

from conftest import DpdkSwitch, build, running_daemons
from devices import AfPacket, Driver
from ovl.frames import mac, udp
from ovl.process import wait_until

# Whatever DPDK and stock code say about it.
COMPLAINTS = (r"\|(dpdk|netdev|netdev_dpdk|bridge|dpif|overlay_port|"
              r"ovl_iface_error|overlay_datapath_pmd)(\(\w+\))?\|(WARN|ERR)\|",)


def runs(sw):
    frame = udp(1, 2)
    sw.expect(("vm1", frame), out={"vm2": [frame]})
    remote = udp(2, 3)
    sw.expect(("vm2", remote), out={"p0": [sw.encap(remote)]})


@pytest.fixture
def switch(bare):
    build(bare, {"vm1": "af_packet"})
    bare.wait_polled("vm1")
    bare.wait_vtep(bare.underlay.vtep(2))
    bare.allow_log(*COMPLAINTS)
    yield bare
    runs(bare)
    assert bare.error_of("vm1") is None


def add(sw, options, type="dpdk"):
    sw.vsctl("add-port", "br-ov", "bad", "--", "set", "Interface", "bad",
             f"type={type}", *options)


def is_logged(sw, error):
    assert error in sw.daemons.log_since_mark()


@pytest.mark.parametrize("devargs", [
    "net_no_such_driver", "net_pcap_bad,rx_pcap=/no/such/file",
    "net_af_packet_bad,iface=no-such", "net_pcap_bad,no-such-key=1",
    "0000:ff:1f.7", "nonsense", "class=eth,mac=02:00:00:00:00:99"])
def test_wrong_devargs(switch, devargs):
    add(switch, [f'options:dpdk-devargs="{devargs}"'])
    switch.wait_error("bad", "Error attaching device .*: mend "
                      "options:dpdk-devargs: .* log of ovs-vswitchd")
    is_logged(switch, "mend options:dpdk-devargs")
    runs(switch)
    # It is mended.
    device = AfPacket("bad")
    switch.devices["bad"] = switch.ports["bad"] = device
    switch.vsctl("set", "Interface", "bad",
                 f'options:dpdk-devargs="{device.devargs}"')
    switch.wait_error("bad", None)
    switch.wait_polled("bad")


def test_no_devargs(switch):
    add(switch, [])
    switch.wait_error("bad", "'bad' is missing 'options:dpdk-devargs'")


def test_device_that_another_port_has(switch):
    add(switch, [f'options:dpdk-devargs="{switch.devices["vm1"].devargs}"'])
    switch.wait_error("bad", "already in use by 'vm1': delete one of the two, "
                      "or give it another options:dpdk-devargs$")


def test_mtu_that_the_device_does_not_have(switch):
    """The port is out of service until that is mended."""
    switch.vsctl("set", "Interface", "vm1", "mtu_request=9000")
    switch.wait_error("vm1", "out of service: its device cannot be configured "
                      r"\(.*\); mend its options or mtu_request=9000, or free ")
    frame = udp(2, 3)
    switch.expect(("vm2", frame), out={"p0": [switch.encap(frame)]})
    switch.vsctl("set", "Interface", "vm1", "mtu_request=1500")
    switch.wait_error("vm1", None)
    switch.wait_polled("vm1")


@pytest.mark.parametrize("mtu", [10, 67, 9703, 70000, 2 ** 32 + 1500])
@pytest.mark.parametrize("kind", ["dpdk", "dpdkvhostuserclient"])
def test_mtu_that_no_device_takes(switch, tmp_path, kind, mtu):
    """The port goes on with the one that it has: one that is there, and one
    that is added so."""
    why = "Invalid argument" if mtu < 2 ** 31 else "Numerical result out of " \
        "range"
    refused = (f"its device refuses mtu_request={mtu} ({why}) and has the MTU "
               "that Interface:mtu says: set one that it can have, or clear "
               "Interface mtu_request")
    switch.vsctl("set", "Interface", "vm1", f"mtu_request={mtu}")
    switch.wait_error("vm1", f"^{re.escape(refused)}$")
    add(switch, ["options:dpdk-devargs=net_null_bad,no-rx=1"
                 if kind == "dpdk" else
                 f"options:vhost-server-path={tmp_path}/vm.sock",
                 f"mtu_request={mtu}"], kind)
    switch.wait_error("bad", f"^{re.escape(refused)}$")
    for port in "vm1", "bad":
        wait_until(lambda: f"{port}: {refused}"
                   in switch.daemons.log_since_mark(), "the log")
    switch.wait_column("Interface", "vm1", "mtu", lambda v: v == "1500")
    runs(switch)
    switch.vsctl("set", "Interface", "bad", "mtu_request=1400", "--",
                 "clear", "Interface", "vm1", "mtu_request")
    switch.wait_error("bad", None if kind == "dpdk" else "No such file")
    switch.wait_error("vm1", None)
    switch.vsctl("del-port", "bad")


def test_mtu_that_a_new_device_does_not_have(switch):
    device = AfPacket("bad")
    switch.devices["bad"] = switch.ports["bad"] = device
    add(switch, [f'options:dpdk-devargs="{device.devargs}"',
                 "mtu_request=2020"])         # In buffers that there are.
    switch.wait_error("bad", "could not add network device bad to ofproto .*: "
                      "mend mtu_request, if its driver cannot have that, or ")
    is_logged(switch, "mend mtu_request, if its driver cannot")
    runs(switch)
    switch.vsctl("set", "Interface", "bad", "mtu_request=1500")
    switch.wait_error("bad", None)
    switch.wait_polled("bad")


def test_mtu_that_a_driver_cannot_be_told(switch):
    """net_ring sends and receives what is that long all the same, as net_pcap,
    see test_jumbo_frames: nothing is wrong."""
    ring = Driver("net_ring_ring")
    ring.columns = ("options:n_rxq=2",)     # One for each that sends.
    switch.plug("ring", ring)
    switch.add_port("ring", 5001, mac(7))
    switch.vsctl("set", "Interface", "ring", "mtu_request=2020")
    switch.wait_column("Interface", "ring", "mtu", lambda v: v == "2020")
    is_logged(switch, "ring does not support MTU configuration")
    frame = udp(2, 7, payload=b"x" * (2020 - 28))
    before, drops = switch.wait_rest(), switch.drops()
    counters = switch.counters()["ports"]["ring"]
    switch.inject("vm2", frame)
    switch.settle(before["received"] + 2, drops, {},
                  {("ring", 5001, "spoof_mac"): 1})     # It comes back.
    after = switch.counters()["ports"]["ring"]
    for key in "tx_bytes", "rx_bytes":
        assert after[key] - counters[key] == len(frame)
    assert switch.error_of("ring") is None
    switch.vsctl("del-port", "ring")


# Sockets of VMs.

def test_no_path_of_a_socket(switch):
    add(switch, [], "dpdkvhostuserclient")
    switch.wait_error("bad", "no VM can connect: set "
                      "options:vhost-server-path")


def test_path_that_no_socket_can_have(switch):
    add(switch, ["options:vhost-server-path=/" + 107 * "x"],
        "dpdkvhostuserclient")
    switch.wait_error("bad", "no VM can connect: options:vhost-server-path "
                      "has 108 bytes, and the path of a socket 107 at most")
    runs(switch)
    switch.vsctl("del-port", "bad")


@pytest.mark.parametrize("what", ["nothing", "file", "nobody", "silence"])
def test_socket_that_no_vm_answers_on(switch, tmp_path, what):
    """It does not exist, is none, has nobody behind it, or somebody who does
    not speak."""
    path = str(tmp_path / "vm.sock")
    listener = None
    if what == "file":
        open(path, "wb").close()
    elif what != "nothing":
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        if what == "silence":
            listener.listen()
        else:
            listener.close()
    add(switch, [f"options:vhost-server-path={path}"], "dpdkvhostuserclient")
    switch.wait_error("bad", {
        "nothing": "No such file or directory: waiting for a VM to make "
                   "this socket .*; if it has another one, delete the port "
                   "and add it with that options:vhost-server-path$",
        "file": "is not a socket: delete the port and add it with another "
                "options:vhost-server-path$",
        "nobody": "waiting for a VM to answer on this socket",
        "silence": "waiting for a VM to answer on this socket"}[what])
    is_logged(switch, path + (" is not" if what == "file" else ": "))
    runs(switch)
    switch.vsctl("del-port", "bad")
    if listener:
        listener.close()


# Memory.

def complaining(d, name):
    sw = DpdkSwitch(d, name)
    sw.allow_log(*COMPLAINTS)
    d.mark_log()
    return sw


@pytest.mark.parametrize("eal", [
    None, "--in-memory -m 100000000", "--no-such-option"],
    ids=["not asked for", "no huge pages", "bad argument"])
def test_dpdk_that_does_not_start(tmp_path, eal):
    """A port that wants it says so, all others run."""
    with running_daemons(tmp_path, eal, init="try") as d:
        sw = complaining(d, "init")
        sw.allow_log(r"\|(dpdk|netdev)\|", "DPDK")
        build(sw, {})
        sw.wait_polled("vm1")
        sw.wait_vtep(sw.underlay.vtep(2))
        add(sw, ["options:dpdk-devargs=net_null0"])
        sw.wait_error("bad", "could not open network device bad .*: DPDK is "
                      "not there: set Open_vSwitch other_config:dpdk-init=try,"
                      r" reserve huge pages \(sysctl vm.nr_hugepages\) and "
                      "restart ovs-vswitchd")
        is_logged(sw, "DPDK is not there")
        runs(sw)
        sw.finish()


def test_no_memory_for_packet_buffers(tmp_path):
    with running_daemons(tmp_path, "--no-huge --legacy-mem -m 32") as d:
        sw = complaining(d, "memory")
        build(sw, {})
        sw.wait_polled("vm1")
        sw.wait_vtep(sw.underlay.vtep(2))
        add(sw, ["options:dpdk-devargs=net_null0"])
        sw.wait_error("bad", r"could not add network device bad .*: there is "
                      "no room for its packet buffers: reserve more huge "
                      r"pages \(sysctl vm.nr_hugepages\), raise ")
        is_logged(sw, "no room for its packet buffers")
        runs(sw)
        sw.finish()
