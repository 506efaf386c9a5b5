# SPDX-License-Identifier: Apache-2.0
"""VXLAN over IPv6, alone and beside IPv4, with the Linux kernel as peer.

       a ── hv1 ══ underlay ╦═ hv2 ── b
                            ╠═ host3, vxlan device over IPv6 = VM c
                            ╚═ host4, vxlan device over IPv4 = VM d
"""

import hashlib
import random
import signal

import pytest
from conftest import make_pair, ready, underlay

from overlay_lab import (IPV4, IPV6, Sniffer, Stream, ethernet, iperf3, ping,
                         reaches, transfer, wait_for)
from overlay_lab.wire import BROADCAST

ONLY = underlay((IPV6,))
BOTH = underlay((IPV4, IPV6), (IPV6, IPV4))
ZERO_CSUM = "other_config:vxlan-udp6-zero-csum=true"


def make_kernel_pair(fabric, options="", **kwargs):
    """VM a behind hv1, VM c behind a kernel VTEP."""
    hypervisor = fabric.add_hypervisor()
    kernel = fabric.add_kernel_vtep(family=IPV6, **kwargs)
    fabric.add_network(5001)
    a = fabric.add_vm("a", hypervisor, 5001, 1, ip6=True)
    c = kernel.add_vm("c", 5001, 3, ip6=True, options=options)
    return a, c


@pytest.fixture
def mixed(fabric):
    a, c = make_kernel_pair(fabric)
    ready(fabric)
    return a, c


def send(vm, *frames):
    with vm.namespace.socket(17, 3, 0) as raw:
        raw.bind((vm.device, 0))
        for frame in frames:
            raw.send(frame)


def checksum_errors(host):
    """Datagrams over IPv6 that the kernel of 'host' found wrong."""
    lines = host.namespace.run("cat", "/proc/net/snmp6").stdout.splitlines()
    counts = dict(line.split() for line in lines)
    return int(counts["Udp6InCsumErrors"])


# IPv6 alone.

@ONLY
def test_ping_both_families_inside(fabric):
    a, b = make_pair(fabric, ip6=True)
    for address, back in (b.ip, a.ip), (b.ip6, a.ip6):
        reaches(a, address)
        assert ping(a, address, count=20, interval=0.02).lost == 0
        assert ping(b, back, count=20, interval=0.02).lost == 0


@ONLY
def test_nothing_but_ipv6_is_on_the_wire(fabric):
    a, b = make_pair(fabric)
    with fabric.watch(a.hypervisor) as wire:
        reaches(a, b.ip)
        assert ping(a, b.ip).lost == 0
        frames = wire.frames()
    assert {f.type for f in frames} == {0x86dd}
    assert {(f.ip_src, f.ip_dst) for f in frames if f.vni} == {
        (a.hypervisor.vtep, b.hypervisor.vtep),
        (b.hypervisor.vtep, a.hypervisor.vtep)}


@ONLY
def test_a_file_arrives_as_it_was_sent(fabric):
    a, b = make_pair(fabric, ip6=True)
    data = random.Random(6).randbytes(4 << 20)
    for address in b.ip, b.ip6:
        assert transfer(a, b, data, address) \
            == hashlib.sha256(data).hexdigest()
    assert iperf3(fabric, a, b) > 5e6


@ONLY
def test_packets_that_fill_the_mtu_pass_and_bigger_ones_do_not(fabric):
    """1430 bytes of inner IP packet fit an underlay of 1500."""
    a, b = make_pair(fabric, mtu=1500)
    reaches(a, b.ip)
    assert ping(a, b.ip, size=1430 - 28, df=True).lost == 0
    before = a.hypervisor.drops("too_big", port="a")
    assert ping(a, b.ip, size=1431 - 28, df=True).received == 0
    assert a.hypervisor.drops("too_big", port="a") > before
    assert "mtu 1430" in a.namespace.ip("route get " + b.ip).stdout


@ONLY
def test_the_next_hop_is_resolved_with_nothing_preconfigured(fabric):
    hypervisor = fabric.add_hypervisor()
    kernel = fabric.add_kernel_vtep()
    with fabric.watch(hypervisor) as wire:
        fabric.add_network(5001)
        ready(fabric)
        frames = [f for f in wire.frames() if f.nd]
    question = next(f for f in frames if f.nd == (135, kernel.vtep))
    assert not question.outgoing
    assert (question.src, question.ip_src) == (hypervisor.hwaddr,
                                               hypervisor.vtep)
    assert [f for f in frames if f.outgoing and f.nd == (136, kernel.vtep)]


# The kernel as the other VTEP.

@ONLY
def test_the_kernel_and_we_understand_each_other(mixed):
    a, c = mixed
    for source, destination in mixed, mixed[::-1]:
        for address in destination.ip, destination.ip6:
            reaches(source, address)
            assert ping(source, address, count=20, interval=0.02).lost == 0
    assert checksum_errors(c.hypervisor) == 0
    assert a.hypervisor.drops("outer_bad_csum") == 0


@ONLY
@pytest.mark.parametrize("size", [46, 47, 500, 1429, 1430])
def test_the_kernel_finds_our_checksums_right(mixed, size):
    """Each frame, sent and received as it is."""
    a, c = mixed
    frames = [ethernet(c.mac, a.mac, 0x88b5,
                       random.Random(n).randbytes(size)) for n in range(20)]
    with Sniffer(c.namespace, "eth0") as heard:
        send(a, *frames)
        for frame in frames:
            heard.wait(lambda f: f.data == frame, "a frame at c")
    assert checksum_errors(c.hypervisor) == 0


@ONLY
def test_tcp_works_both_ways(mixed, fabric):
    a, c = mixed
    data = random.Random(3).randbytes(2 << 20)
    for source, destination in mixed, mixed[::-1]:
        for address in destination.ip, destination.ip6:
            assert transfer(source, destination, data, address) \
                == hashlib.sha256(data).hexdigest()
        assert iperf3(fabric, source, destination) > 5e6
    assert checksum_errors(c.hypervisor) == 0


@ONLY
def test_checksums_may_be_left_out_if_both_sides_say_so(fabric):
    """RFC 6935 section 5: by default they are there, and needed; CONFORMANCE
    VX-10 wants all four combinations, in each direction."""
    hypervisor = fabric.add_hypervisor()
    strict = fabric.add_kernel_vtep()
    lenient = fabric.add_kernel_vtep()
    fabric.add_network(5001)
    a = fabric.add_vm("a", hypervisor, 5001, 1)
    c = strict.add_vm("c", 5001, 3)
    d = lenient.add_vm("d", 5001, 4,
                       options="udp6zerocsumtx udp6zerocsumrx")
    ready(fabric)
    reaches(c, a.ip)
    # d sends none, and we want one.
    assert ping(d, a.ip, count=1, wait=0.2).received == 0
    assert hypervisor.drops("outer_zero_csum") > 0

    hypervisor.vsctl("set", "Bridge", "br-ov", ZERO_CSUM)
    reaches(d, a.ip)
    reaches(a, d.ip)
    # Now we send none, and c wants one.
    assert ping(a, c.ip, count=1, wait=0.2).received == 0
    # What c sends has one, which we verify and accept.
    mark = ethernet(BROADCAST, c.mac, 0x88b5, bytes(46))
    with Sniffer(a.namespace, "eth0") as heard:
        send(c, mark)
        heard.wait(lambda f: f.data == mark, "a frame of c")
    hypervisor.vsctl("remove", "Bridge", "br-ov", "other_config",
                     "vxlan-udp6-zero-csum")
    reaches(a, c.ip)


# Both at once.

@BOTH
def test_vteps_of_both_families_in_one_network(fabric):
    hv1, hv2 = fabric.add_hypervisor(), fabric.add_hypervisor()
    six = fabric.add_kernel_vtep(family=IPV6)
    four = fabric.add_kernel_vtep(family=IPV4)
    fabric.add_network(5001)
    a = fabric.add_vm("a", hv1, 5001, 1, ip6=True)
    b = fabric.add_vm("b", hv2, 5001, 2, ip6=True)
    c = six.add_vm("c", 5001, 3, ip6=True)
    d = four.add_vm("d", 5001, 4, ip6=True)
    ready(fabric)
    for source, others in (a, (b, c, d)), (b, (a, c, d)), (c, (a, b)), \
            (d, (a, b)):
        for other in others:
            reaches(source, other.ip)
            reaches(source, other.ip6)
            assert ping(source, other.ip).lost == 0

        # A broadcast reaches each of them once: nothing goes from one tunnel
        # into another, of whichever family.
        frame, mark = (ethernet(BROADCAST, source.mac, 0x88b5 + n, bytes(46))
                       for n in range(2))
        sniffers = [Sniffer(vm.namespace, "eth0") for vm in others]
        send(source, frame, mark)
        for sniffer in sniffers:
            sniffer.wait(lambda f: f.data == mark, "the mark")
            assert [f.data for f in sniffer.frames()].count(frame) == 1
            sniffer.close()
    assert checksum_errors(six) == 0


@BOTH
def test_an_address_that_comes_and_goes_does_not_disturb_the_other(fabric):
    """Both that of the bridge's row and the host's own."""
    hypervisor = fabric.add_hypervisor()
    kernels = {family: fabric.add_kernel_vtep(family=family)
               for family in (IPV4, IPV6)}
    fabric.add_network(5001)
    a = fabric.add_vm("a", hypervisor, 5001, 1)
    vms = {family: kernel.add_vm("vm%d" % family, 5001, family)
           for family, kernel in kernels.items()}
    ready(fabric)
    for vm in vms.values():
        reaches(a, vm.ip)
    goes, stays = fabric.families
    address = hypervisor.addresses[goes]
    stream = Stream(a, vms[stays])
    stream.wait_for_more()
    for _ in range(3):
        hypervisor.vsctl("remove", "Bridge", "br-ov", "overlay_vtep_ips",
                         '"%s"' % address)
        hypervisor.namespace.ip("addr del %s/%d dev br-ov" % (
            address, {IPV4: 24, IPV6: 64}[goes]))
        assert ping(a, vms[goes].ip, count=1, wait=0.2).received == 0
        wait_for(lambda: "no_tunnel_ip" in hypervisor.status(), "the fault")
        hypervisor.vsctl("add", "Bridge", "br-ov", "overlay_vtep_ips",
                         '"%s"' % address)
        hypervisor.namespace.ip("addr add %s/%d dev br-ov%s" % (
            address, *{IPV4: (24, ""), IPV6: (64, " nodad")}[goes]))
        reaches(a, vms[goes].ip)
        stream.wait_for_more()
    assert stream.stop() == 0
    assert "no_tunnel_ip" not in hypervisor.status()


# Faults.

@ONLY
def test_ovs_vswitchd_killed_and_started_comes_back_by_itself(fabric):
    """The host's IPv6 address stays on LOCAL."""
    a, c = make_kernel_pair(fabric)
    hypervisor = a.hypervisor
    reaches(a, c.ip6)
    stream = Stream(a, c, address=c.ip6)
    for _ in range(3):
        stream.wait_for_more()
        hypervisor.kill_switch(signal.SIGKILL)
        hypervisor.start_switch()
        stream.wait_for_more(timeout=5)
    stream.stop()
    reaches(c, a.ip)
    reaches(c.hypervisor, hypervisor.vtep)


@ONLY
def test_nothing_is_lost_while_ovsdb_server_is_dead(fabric):
    a, b = make_pair(fabric, ip6=True)
    fabric.expected += [r"db\.sock|ovsdb|OVSDB|database",
                        r"connection (closed|dropped|attempt failed)"]
    reaches(a, b.ip6)
    stream = Stream(a, b, address=b.ip6)
    stream.wait_for_more()
    a.hypervisor.kill_database()
    stream.wait_for_more(500)
    a.forget_neighbors()                # ND is answered meanwhile.
    assert ping(a, b.ip6).lost == 0
    a.hypervisor.start_database()
    stream.wait_for_more(100)
    assert stream.stop() == 0


@ONLY
def test_the_host_s_own_device_goes_down_and_up(mixed):
    """Linux takes the IPv6 addresses off a device that goes down, unless told
    not to."""
    a, c = mixed
    hypervisor = a.hypervisor
    reaches(a, c.ip)
    hypervisor.namespace.sysctl(**{
        "ipv6__conf__br-ov__keep_addr_on_down": 1})
    hypervisor.namespace.ip("link set dev br-ov down")
    wait_for(lambda: not hypervisor.vtep_is_up(c.hypervisor.vtep),
             "the VTEP to be unreachable")
    hypervisor.namespace.ip("link set dev br-ov up")
    reaches(a, c.ip)
