# SPDX-License-Identifier: Apache-2.0
"""What VMs of one network have of each other.

       a ─┐                              ┌─ b
          ├ hv1 ══ underlay ══ hv2 ──────┤
       c ─┘                              └─ d
"""

import hashlib
import random

import pytest
from conftest import make_pair

from overlay_lab import (Sniffer, ethernet, iperf3, ping, reaches, transfer,
                         udp_ip, wait_for)
from overlay_lab.wire import BROADCAST, ETH_IP


@pytest.fixture(params=["same host", "across hosts"])
def two(request, fabric):
    """Two VMs, on one host or on two."""
    if request.param == "across hosts":
        return make_pair(fabric)
    host = fabric.add_hypervisor()
    fabric.add_network(5001)
    return (fabric.add_vm("a", host, 5001, 1),
            fabric.add_vm("c", host, 5001, 3))


def test_ping_loses_nothing(two):
    a, b = two
    reaches(a, b.ip)
    assert ping(a, b.ip, count=20, interval=0.02).lost == 0
    assert ping(b, a.ip, count=20, interval=0.02).lost == 0


def test_a_file_arrives_as_it_was_sent(two):
    a, b = two
    data = random.Random(5001).randbytes(8 << 20)
    want = hashlib.sha256(data).hexdigest()
    assert transfer(a, b, data) == want
    assert transfer(b, a, data) == want


def test_iperf3_moves_data_with_right_checksums(two, fabric):
    """Wrong checksums would not show as errors but as no throughput, so the
    receiver's count of them is looked at, too."""
    a, b = two
    assert iperf3(fabric, a, b, seconds=1) > 5e6
    snmp = b.namespace.run("cat", "/proc/net/snmp").stdout.splitlines()
    keys, values = [line.split() for line in snmp
                    if line.startswith("Tcp:")]
    assert dict(zip(keys, values))["InCsumErrors"] == "0"


def test_packets_that_fill_the_mtu_pass_and_bigger_ones_do_not(fabric):
    """1450 bytes of inner IP packet fit an underlay of 1500."""
    a, b = make_pair(fabric, mtu=1500)
    overhead = 20 + 8
    reaches(a, b.ip)
    assert ping(a, b.ip, size=1450 - overhead, df=True).lost == 0
    before = a.hypervisor.drops("too_big", port="a")
    assert ping(a, b.ip, size=1451 - overhead, df=True).received == 0
    assert a.hypervisor.drops("too_big", port="a") > before
    assert "mtu 1450" in a.namespace.ip("route get " + b.ip).stdout


def test_tcp_learns_the_mtu_of_the_tunnel(fabric):
    """RFC 1191: the VMs' links take 1500 bytes, the tunnel 1450."""
    a, b = make_pair(fabric, mtu=1500)
    reaches(a, b.ip)
    data = random.Random(1).randbytes(1 << 20)
    assert transfer(a, b, data) == hashlib.sha256(data).hexdigest()
    assert a.hypervisor.drops("too_big", port="a") > 0


def test_fragments_of_the_vm_pass(pair):
    a, b = pair
    reaches(a, b.ip)
    assert ping(a, b.ip, size=4000).lost == 0


def test_on_one_host_the_underlay_s_mtu_does_not_matter(fabric):
    host = fabric.add_hypervisor()
    fabric.add_network(5001)
    a = fabric.add_vm("a", host, 5001, 1, mtu=1500)
    c = fabric.add_vm("c", host, 5001, 3, mtu=1500)
    reaches(a, c.ip)
    assert ping(a, c.ip, size=1500 - 28, df=True).lost == 0


def test_tenants_with_equal_addresses_do_not_meet(fabric):
    """
        red1  ─┐                       ┌─ red2
               ├ hv1 ═ underlay ═ hv2 ─┤
        blue1 ─┘                       └─ blue2

    red1 and blue1 have the same MAC and IP address, as have red2 and blue2;
    red3 is alone.
    """
    hv1, hv2 = fabric.add_hypervisor(), fabric.add_hypervisor()
    vms = {}
    for name, vni in ("red", 5001), ("blue", 5002):
        fabric.add_network(vni)
        for host, where in (1, hv1), (2, hv2):
            vms[name + str(host)] = fabric.add_vm(name + str(host), where,
                                                  vni, host)
    red3 = fabric.add_vm("red3", hv2, 5001, 3)
    for tenant, other in ("red", "blue"), ("blue", "red"):
        source, destination = vms[tenant + "1"], vms[tenant + "2"]
        reaches(source, destination.ip)
        with Sniffer(vms[other + "2"].namespace, "eth0") as stranger, \
                Sniffer(vms[other + "1"].namespace, "eth0") as twin:
            assert ping(source, destination.ip).lost == 0
            assert not stranger.frames()
            assert not twin.frames()
    with Sniffer(red3.namespace, "eth0") as stranger:
        assert ping(vms["blue1"], red3.ip, wait=0.2).received == 0
        assert not stranger.frames()


def test_a_broadcast_reaches_each_vm_of_the_network_once(fabric):
    a, b = make_pair(fabric)
    c = fabric.add_vm("c", a.hypervisor, 5001, 3)
    d = fabric.add_vm("d", b.hypervisor, 5001, 4)
    fabric.add_network(5002)
    e = fabric.add_vm("e", b.hypervisor, 5002, 5)
    frame = ethernet(BROADCAST, a.mac, 0x88b5, b"to all".ljust(46, b"\0"))
    sniffers = {vm: Sniffer(vm.namespace, "eth0") for vm in (b, c, d, e)}
    with fabric.watch(a.hypervisor) as wire:
        send(a, frame)
        for vm in b, c, d:
            sniffers[vm].wait(lambda f: f.data == frame, vm.name)
        assert len(wire.frames(5001)) == 1
    # A second broadcast marks the time when a repetition would have come.
    mark = ethernet(BROADCAST, a.mac, 0x88b6, bytes(46))
    send(a, mark)
    for vm in b, c, d:
        sniffers[vm].wait(lambda f: f.data == mark, vm.name)
        assert [f.data for f in sniffers[vm].frames()].count(frame) == 1
    assert not sniffers[e].frames()


def test_dhcp_finds_its_server_on_another_host(pair, fabric):
    """A client without an address asks, and is answered by broadcast, though
    its port is bound to the address that it will get."""
    a, b = pair
    a.namespace.ip("addr flush dev eth0")
    question, answer = b"discover".ljust(240), b"offer".ljust(240)
    with b.namespace.socket(2, 2) as server, \
            Sniffer(a.namespace, "eth0") as client:
        server.setsockopt(1, 6, 1)                      # SO_BROADCAST
        server.setsockopt(1, 25, b"eth0")               # SO_BINDTODEVICE
        server.bind(("", 67))
        server.settimeout(5)
        send(a, ethernet(BROADCAST, a.mac, ETH_IP,
                         udp_ip("0.0.0.0", "255.255.255.255", 68, 67,
                                question)))
        data, address = server.recvfrom(2000)
        assert (data, address) == (question, ("0.0.0.0", 68))
        server.sendto(answer, ("255.255.255.255", 68))
        client.wait(lambda f: f.udp_dst == 68 and f.data.endswith(answer),
                    "the offer")


def test_ipv6_works_between_hosts(fabric):
    a, b = make_pair(fabric, ip6=True)
    reaches(a, b.ip6)
    assert ping(a, b.ip6, count=10, interval=0.02).lost == 0
    data = random.Random(6).randbytes(1 << 20)
    assert transfer(a, b, data, b.ip6) == hashlib.sha256(data).hexdigest()


def test_ipv6_works_for_neighbors_that_no_row_names(fabric):
    """Neighbor Solicitations are flooded then."""
    hv1, hv2 = fabric.add_hypervisor(), fabric.add_hypervisor()
    fabric.add_network(5001)
    a = fabric.add_vm("a", hv1, 5001, 1, ip6=True, bind=False,
                      announce=False)
    b = fabric.add_vm("b", hv2, 5001, 2, ip6=True, bind=False,
                      announce=False)
    for vm, other in (a, hv2), (b, hv1):
        vm.hypervisor.overlay_ctl("port-bind", vm.port, 5001, vm.mac)
        other.overlay_ctl("mac-add", 5001, vm.mac, vm.hypervisor.vtep)
    reaches(a, b.ip6)
    reaches(a, b.ip)


@pytest.mark.parametrize("kind", ["internal", "tap"])
def test_a_vm_may_be_behind_an_internal_or_tap_port(fabric, kind):
    """The port itself is moved into the VM's namespace."""
    # OVS cannot ask the kernel about a device that is in another namespace.
    fabric.expected.append(r"on network device [cd] failed: No such device")
    a, b = make_pair(fabric)
    c = fabric.add_vm("c", a.hypervisor, 5001, 3, kind=kind)
    d = fabric.add_vm("d", b.hypervisor, 5001, 4, kind=kind)
    for source, destination in (c, a), (a, c), (c, d), (d, a):
        reaches(source, destination.ip)
        assert ping(source, destination.ip).lost == 0


def test_a_spoofed_source_goes_nowhere(fabric):
    a, b = make_pair(fabric)
    c = fabric.add_vm("c", a.hypervisor, 5001, 3)
    stolen = ethernet(BROADCAST, c.mac, 0x88b5, bytes(46))
    with Sniffer(b.namespace, "eth0") as far, \
            Sniffer(c.namespace, "eth0") as near, \
            fabric.watch(a.hypervisor) as wire:
        send(a, stolen)
        wait_for(lambda: a.hypervisor.drops("spoof_mac", port="a") == 1,
                 "the drop")
        assert not wire.frames(5001)
        assert not far.frames() and not near.frames()


def send(vm, frame):
    with vm.namespace.socket(17, 3, 0) as raw:
        raw.bind((vm.device, 0))
        raw.send(frame)
