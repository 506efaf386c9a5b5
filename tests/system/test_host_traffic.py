# SPDX-License-Identifier: Apache-2.0
"""The hosts' own traffic, through LOCAL and the uplink.

       a ── br-ov ── eth1 ══ underlay ══ eth1 ── br-ov ── b
            LOCAL 192.0.2.1              192.0.2.2 LOCAL
"""

import hashlib
import random

from conftest import ready, underlay

from overlay_lab import (IPV4, IPV6, Sniffer, ping, reaches, transfer,
                         wait_for)


def test_hosts_ping_each_other(pair):
    a, b = pair
    for here, there in ((a.hypervisor, b.hypervisor),
                        (b.hypervisor, a.hypervisor)):
        reaches(here, there.vtep)
        assert ping(here, there.vtep, count=20, interval=0.02).lost == 0


def test_tcp_between_hosts_as_ssh_would_use_it(pair):
    a, b = pair
    data = random.Random(22).randbytes(4 << 20)
    assert transfer(a.hypervisor, b.hypervisor, data) \
        == hashlib.sha256(data).hexdigest()


def test_the_host_does_not_depend_on_any_row(fabric):
    """It must be reachable to be told rows."""
    hypervisor = fabric.add_hypervisor()
    kernel = fabric.add_kernel_vtep()
    reaches(kernel, hypervisor.vtep)
    reaches(hypervisor, kernel.vtep)


def test_vms_do_not_see_what_hosts_send(pair):
    a, b = pair
    with Sniffer(a.namespace, "eth0") as vm:
        reaches(b.hypervisor, a.hypervisor.vtep)
        b.hypervisor.namespace.run("ip", "neigh", "flush", "all")
        reaches(b.hypervisor, a.hypervisor.vtep)
        assert not vm.frames()


def test_a_port_that_is_not_bound_reaches_nobody(fabric, pair):
    """Neither VMs nor the host nor the underlay, even with an address of the
    underlay."""
    a, _ = pair
    hypervisor = a.hypervisor
    stray = fabric.add_vm("stray", hypervisor, 5001, 9, bind=False,
                          announce=False)
    stray.namespace.ip("addr add 192.0.2.200/24 dev eth0")
    with fabric.watch(hypervisor) as wire, \
            Sniffer(a.namespace, "eth0") as vm, \
            Sniffer(hypervisor.namespace, "br-ov") as local:
        for address in hypervisor.vtep, a.ip, "192.0.2.2":
            assert ping(stray, address, count=1, wait=0.2).received == 0
        wait_for(lambda: hypervisor.drops("port_unbound", port="stray") > 2,
                 "the drops")
        sent = wire.frames() + vm.frames() + local.frames()
    assert not [f for f in sent if stray.mac in (f.src, f.dst)
                or f.inner and f.inner.src == stray.mac]


@underlay((IPV4,), (IPV6,))
def test_the_kernel_leaves_the_uplink_to_local_if_told_so(fabric):
    """LOCAL has the uplink's MAC address, as it has by default.  Were it not
    for rp_filter, or with IPv6 on on eth1, the kernel would take what arrives
    there for itself as well: it would answer twice, and tell VTEPs that
    nobody listens on the VXLAN port."""
    hypervisor = fabric.add_hypervisor(start=False)
    hypervisor.hwaddr = hypervisor.namespace.mac("eth1")
    hypervisor.namespace.sysctl(ipv4__conf__eth1__rp_filter=1)
    fabric.start(hypervisor)
    kernel = fabric.add_kernel_vtep()
    fabric.add_network(5001)
    a = fabric.add_vm("a", hypervisor, 5001, 1)
    c = kernel.add_vm("c", 5001, 3)
    ready(fabric)
    with fabric.watch(hypervisor) as wire:
        reaches(c, a.ip)
        assert ping(c, a.ip).lost == 0
        assert ping(kernel, hypervisor.vtep).lost == 0
        # A last echo: the answers to those before have come, in order.
        assert ping(kernel, hypervisor.vtep, count=1, size=500).lost == 0
        sent = [icmp_type(f) for f in wire.frames()
                if not f.outgoing and f.proto in (1, 58) and not f.nd]
    assert sent == [{IPV4: 0, IPV6: 129}[fabric.families[0]]] * 4


def icmp_type(frame):
    return frame.data[14 + (40 if frame.type == 0x86dd else 20)]
