# SPDX-License-Identifier: Apache-2.0
"""The Linux kernel's vxlan device as the other VTEP.

       a ── hv1 ══ underlay ══ host3, vxlan device = VM c
"""

import hashlib
import random

import pytest
from conftest import ready

from overlay_lab import (Sniffer, ethernet, iperf3, ping, reaches, run,
                         transfer)
from overlay_lab.wire import BROADCAST


@pytest.fixture
def mixed(fabric):
    """VMs a and c."""
    hypervisor = fabric.add_hypervisor()
    kernel = fabric.add_kernel_vtep()
    fabric.add_network(5001)
    a = fabric.add_vm("a", hypervisor, 5001, 1)
    c = kernel.add_vm("c", 5001, 3)
    ready(fabric)
    return a, c


def test_the_kernel_decapsulates_what_we_send(mixed, fabric):
    a, c = mixed
    frame = ethernet(c.mac, a.mac, 0x88b5, bytes(range(200)))
    with Sniffer(c.namespace, "eth0") as heard:
        send(a, frame)
        heard.wait(lambda f: f.data == frame, "the frame at c")
    assert errors(c) == 0


def test_we_decapsulate_what_the_kernel_sends(mixed):
    a, c = mixed
    run("bridge", "-n", c.namespace.name, "fdb", "replace", a.mac, "dev",
        "eth0", "dst", a.hypervisor.vtep)
    frame = ethernet(a.mac, c.mac, 0x88b5, bytes(range(200)))
    with Sniffer(a.namespace, "eth0") as heard:
        send(c, frame)
        heard.wait(lambda f: f.data == frame, "the frame at a")


def test_broadcasts_pass_both_ways(mixed):
    for source, destination in mixed, mixed[::-1]:
        frame = ethernet(BROADCAST, source.mac, 0x88b5,
                         source.name.encode().ljust(46, b"\0"))
        with Sniffer(destination.namespace, "eth0") as heard:
            send(source, frame)
            heard.wait(lambda f: f.data == frame, destination.name)


def test_the_kernel_s_question_reaches_the_vm(mixed):
    """The responder answers VMs of this host only; what comes out of a
    tunnel is answered by whom it is about."""
    a, c = mixed
    with Sniffer(a.namespace, "eth0") as heard:
        reaches(c, a.ip)
        assert [f for f in heard.frames() if f.arp == (1, c.ip, a.ip)]
    assert c.neighbor(a.ip) == a.mac


def test_ping_loses_nothing_both_ways(mixed):
    for source, destination in mixed, mixed[::-1]:
        reaches(source, destination.ip)
        assert ping(source, destination.ip, count=20,
                    interval=0.02).lost == 0


def test_tcp_works_both_ways(mixed, fabric):
    data = random.Random(3).randbytes(4 << 20)
    for source, destination in mixed, mixed[::-1]:
        assert transfer(source, destination, data) \
            == hashlib.sha256(data).hexdigest()
        assert iperf3(fabric, source, destination) > 5e6


def test_three_vteps_and_nothing_is_flooded_twice(fabric):
    """
        a ── hv1 ═╗
                  ╠═ underlay ═ host3, c
        b ── hv2 ═╝

    A broadcast of c reaches a and b once each: what came out of a tunnel does
    not go into one again.
    """
    hv1, hv2 = fabric.add_hypervisor(), fabric.add_hypervisor()
    kernel = fabric.add_kernel_vtep()
    fabric.add_network(5001)
    a = fabric.add_vm("a", hv1, 5001, 1)
    b = fabric.add_vm("b", hv2, 5001, 2)
    c = kernel.add_vm("c", 5001, 3)
    ready(fabric)
    for source in a, b, c:
        others = [vm for vm in (a, b, c) if vm is not source]
        reaches(source, others[0].ip)
        reaches(source, others[1].ip)
        frame, mark = (ethernet(BROADCAST, source.mac, 0x88b5 + n, bytes(46))
                       for n in range(2))
        sniffers = [Sniffer(vm.namespace, "eth0") for vm in others]
        with fabric.watch(kernel) as third:
            send(source, frame)
            send(source, mark)
            for sniffer in sniffers:
                sniffer.wait(lambda f: f.data == mark, "the mark")
                assert [f.data for f in sniffer.frames()].count(frame) == 1
                sniffer.close()
            seen = [f for f in third.frames(5001) if f.inner.data == frame]
        assert len(seen) == (2 if source is c else 1)


def test_an_unknown_vni_is_dropped(mixed, fabric):
    a, c = mixed
    other = c.hypervisor.add_vm("other", 5999, 4, announce=False)
    hypervisor = a.hypervisor
    before = hypervisor.drops("vxlan_unknown_vni")
    with Sniffer(a.namespace, "eth0") as heard:
        send(other, ethernet(BROADCAST, other.mac, 0x88b5, bytes(46)))
        # Frames of one sender stay in order.
        mark = ethernet(BROADCAST, c.mac, 0x88b6, bytes(46))
        send(c, mark)
        heard.wait(lambda f: f.data == mark, "the mark")
        assert len(heard.frames()) == 1
    assert hypervisor.drops("vxlan_unknown_vni") == before + 1


def test_a_vtep_that_no_row_names_is_dropped(mixed):
    a, c = mixed
    hypervisor = a.hypervisor
    hypervisor.overlay_ctl("mac-del", 5001, c.mac, "--", "net-set", 5001,
                           "flood=192.0.2.99")
    with Sniffer(a.namespace, "eth0") as heard:
        assert ping(c, a.ip, count=1, wait=0.2).received == 0
        assert not heard.frames()
    assert hypervisor.drops("unknown_vtep") > 0


def send(vm, frame):
    with vm.namespace.socket(17, 3, 0) as raw:
        raw.bind((vm.device, 0))
        raw.send(frame)


def errors(vm):
    return int(vm.namespace.run(
        "cat", "/proc/net/dev").stdout.partition("eth0:")[2].split()[2])
