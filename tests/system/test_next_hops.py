# SPDX-License-Identifier: Apache-2.0
"""How VTEPs are reached: routes of the host's kernel, next hops found by ARP
of our own.

       a ── hv1 ══ underlay ══ host3, vxlan device = VM c
"""

import hashlib
import random

import pytest
from conftest import ready

from overlay_lab import IPV4, Stream, ping, reaches, transfer, wait_for
from overlay_lab.hosts import as_router, give_addresses

BEHIND = "198.51.100.3"


@pytest.fixture
def mixed(fabric):
    """VMs a and c, the VTEP on hv1's own subnet."""
    hypervisor = fabric.add_hypervisor()
    kernel = fabric.add_kernel_vtep()
    fabric.add_network(5001)
    a = fabric.add_vm("a", hypervisor, 5001, 1)
    c = kernel.add_vm("c", 5001, 3)
    ready(fabric)
    return a, c


@pytest.fixture
def routed(fabric):
    """VMs a and c, the VTEP 198.51.100.3 behind router host3."""
    hypervisor = fabric.add_hypervisor()
    kernel = fabric.add_kernel_vtep(behind=BEHIND)
    fabric.add_network(5001)
    a = fabric.add_vm("a", hypervisor, 5001, 1)
    c = kernel.add_vm("c", 5001, 3)
    hypervisor.namespace.ip("route add 198.51.100.0/24 via " + kernel.ip)
    ready(fabric)
    reaches(a, c.ip)
    return a, c


def test_the_next_hop_is_resolved_with_nothing_preconfigured(fabric):
    """Before any packet, and without the host's kernel asking for it."""
    hypervisor = fabric.add_hypervisor()
    kernel = fabric.add_kernel_vtep()
    with fabric.watch(hypervisor) as wire:
        fabric.add_network(5001)
        ready(fabric)
        question = [f for f in wire.frames() if f.arp and not f.outgoing][0]
    assert question.arp == (1, hypervisor.vtep, kernel.vtep)
    assert question.src == hypervisor.hwaddr
    assert not hypervisor.namespace.run("ip", "neigh", "show",
                                        kernel.vtep).stdout


def test_a_vtep_that_comes_later_is_found(fabric):
    hypervisor = fabric.add_hypervisor()
    fabric.add_network(5001)
    hypervisor.overlay_ctl("net-set", 5001, "flood=192.0.2.2")
    a = fabric.add_vm("a", hypervisor, 5001, 1)
    assert ping(a, "10.1.0.13", count=1, wait=0.2).received == 0
    assert hypervisor.drops("vtep_unresolved") > 0
    kernel = fabric.add_kernel_vtep()
    c = kernel.add_vm("c", 5001, 3)
    reaches(a, c.ip)


def test_probing_finds_out_what_next_hops_do_not_tell(fabric):
    """
        a ── hv1 ══ underlay ╦═ host2, VM c: dies
                             ╚═ host3: gets another MAC address, and never
                                sends anything but answers

    30 s after they were last heard.  Packets for host2 have a drop reason
    then, and it is found again as soon as it is back.
    """
    hypervisor = fabric.add_hypervisor()
    dies, moves = fabric.add_kernel_vtep(), fabric.add_kernel_vtep()
    fabric.add_network(5001)
    a = fabric.add_vm("a", hypervisor, 5001, 1)
    c = dies.add_vm("c", 5001, 3)
    ready(fabric)
    reaches(a, c.ip)
    moves.namespace.ip("link set dev eth1 address 02:00:00:00:99:01")
    fabric.underlay.ip("link set dev %s down" % dies.name)
    wait_for(lambda: not hypervisor.vtep_is_up(dies.vtep),
             "the VTEP to be given up", timeout=45, interval=0.2)
    before = hypervisor.drops("vtep_unresolved", port="a")
    ping(a, c.ip, count=1, wait=0.2)
    assert hypervisor.drops("vtep_unresolved", port="a") > before
    wait_for(lambda: "02:00:00:00:99:01" in next_hop(hypervisor, moves.vtep),
             "the new MAC address", interval=0.2)
    fabric.underlay.ip("link set dev %s up" % dies.name)
    reaches(a, c.ip)


def test_a_next_hop_with_a_new_mac_that_speaks_is_followed(mixed):
    """The host asks for hv1's MAC address with its own new one."""
    a, c = mixed
    kernel = c.hypervisor
    reaches(c, a.ip)
    kernel.namespace.ip("link set dev eth1 address 02:00:00:00:99:01")
    reaches(c, a.ip, timeout=5)
    assert "02:00:00:00:99:01" in next_hop(a.hypervisor, kernel.vtep)


def test_a_gratuitous_arp_is_believed_at_once(mixed):
    a, c = mixed
    kernel = c.hypervisor
    reaches(a, c.ip)
    kernel.namespace.sysctl(ipv4__conf__eth1__arp_notify=1)
    kernel.namespace.ip("link set dev eth1 address 02:00:00:00:99:01")
    reaches(a, c.ip, timeout=3)
    assert "02:00:00:00:99:01" in next_hop(a.hypervisor, kernel.vtep)


def test_peers_learn_of_a_new_mac_of_ours_at_once(fabric):
    """
        a ── hv1 ══ underlay ╦═ hv2 ── b
                             ╚═ host3, vxlan device = VM c
    """
    hv1, hv2 = fabric.add_hypervisor(), fabric.add_hypervisor()
    kernel = fabric.add_kernel_vtep()
    fabric.add_network(5001)
    a = fabric.add_vm("a", hv1, 5001, 1)
    b = fabric.add_vm("b", hv2, 5001, 2)
    c = kernel.add_vm("c", 5001, 3)
    for vm in b, c:
        reaches(vm, a.ip)
    hv1.vsctl("set", "Bridge", "br-ov",
              "other_config:hwaddr=\"02:00:00:00:99:01\"")
    for vm in b, c:
        reaches(vm, a.ip, timeout=2)
    assert "02:00:00:00:99:01" in next_hop(hv2, hv1.vtep)


def test_a_host_whose_kernel_answers_arp_on_the_uplink_is_reached(mixed):
    """Linux does so unless arp_ignore forbids it, with the uplink's own MAC
    address."""
    a, c = mixed
    hypervisor, kernel = a.hypervisor, c.hypervisor
    hypervisor.namespace.sysctl(ipv4__conf__all__arp_ignore=0)
    kernel.namespace.ip("neigh replace %s lladdr %s dev eth1" % (
        hypervisor.vtep, hypervisor.namespace.mac("eth1")))
    reaches(c, a.ip, timeout=2)
    reaches(kernel, hypervisor.vtep, timeout=2)


def test_a_vtep_behind_a_router(routed):
    a, c = routed
    assert ping(a, c.ip, count=20, interval=0.02).lost == 0
    assert ping(c, a.ip, count=20, interval=0.02).lost == 0
    assert c.hypervisor.ip in next_hop(a.hypervisor, BEHIND)


def test_a_route_that_goes_and_comes_again(routed):
    a, c = routed
    hypervisor = a.hypervisor
    hypervisor.namespace.ip("route del 198.51.100.0/24")
    wait_for(lambda: not hypervisor.vtep_is_up(BEHIND),
             "the VTEP to be unreachable")
    before = hypervisor.drops("vtep_unresolved", port="a")
    ping(a, c.ip, count=1, wait=0.2)
    assert hypervisor.drops("vtep_unresolved", port="a") > before
    hypervisor.namespace.ip("route add 198.51.100.0/24 via "
                            + c.hypervisor.ip)
    reaches(a, c.ip)


def test_a_route_that_blinks_loses_nothing(routed):
    """As when a routing daemon is restarted, or the kernel's routes are read
    again after a link event."""
    a, c = routed
    hypervisor = a.hypervisor
    stream = Stream(a, c)
    stream.wait_for_more()
    for n in range(5):
        hypervisor.namespace.ip("link add name d%d type veth" % n,
                                "link set dev d%d up" % n,
                                "route del 198.51.100.0/24",
                                "route add 198.51.100.0/24 via "
                                + c.hypervisor.ip,
                                "link del dev d%d" % n)
        stream.wait_for_more()
    assert stream.stop() == 0


def test_a_route_that_changes_its_next_hop_is_followed(fabric):
    """
        a ── hv1 ══ underlay ╦═ host2 (198.51.100.3 at first), c
                             ╚═ host3 (198.51.100.3 afterwards), d
    """
    hypervisor = fabric.add_hypervisor()
    first = fabric.add_kernel_vtep(behind=BEHIND)
    second = fabric.add_kernel_vtep(behind=BEHIND)
    fabric.add_network(5001)
    a = fabric.add_vm("a", hypervisor, 5001, 1)
    # The same VM, as if it had moved together with the VTEP's address.
    c = first.add_vm("c", 5001, 3)
    d = second.add_vm("d", 5001, 3, announce=False)
    hypervisor.namespace.ip("route add 198.51.100.0/24 via " + first.ip)
    reaches(a, c.ip)
    hypervisor.namespace.ip("route replace 198.51.100.0/24 via " + second.ip)
    wait_for(lambda: second.ip in next_hop(hypervisor, BEHIND),
             "the new next hop")
    with_d = echoes(d)
    reaches(a, d.ip)
    assert echoes(d) > with_d


def test_routes_flushed_and_added_again(mixed):
    """With the flush goes the subnet's own route."""
    a, c = mixed
    reaches(a, c.ip)
    hypervisor = a.hypervisor
    hypervisor.namespace.ip("route flush table main")
    wait_for(lambda: not hypervisor.vtep_is_up(c.hypervisor.vtep),
             "the VTEP to be unreachable")
    hypervisor.namespace.ip("route add 192.0.2.0/24 dev br-ov src "
                            + hypervisor.vtep)
    reaches(a, c.ip)


def test_the_uplink_goes_down_and_up(mixed, fabric):
    a, c = mixed
    fabric.expected.append(r"eth1: .*Network is down|"
                           r"on eth1: Network is down")
    reaches(a, c.ip)
    hypervisor = a.hypervisor
    hypervisor.namespace.ip("link set dev eth1 down")
    assert ping(a, c.ip, count=2, wait=0.2).received == 0
    assert hypervisor.drops("tx_error") > 0
    hypervisor.namespace.ip("link set dev eth1 up")
    reaches(a, c.ip)


def test_the_host_s_own_device_goes_down_and_up(mixed):
    """With br-ov goes the route to the VTEP, and comes again with it."""
    a, c = mixed
    reaches(a, c.ip)
    hypervisor = a.hypervisor
    hypervisor.namespace.ip("link set dev br-ov down")
    wait_for(lambda: not hypervisor.vtep_is_up(c.hypervisor.vtep),
             "the VTEP to be unreachable")
    hypervisor.namespace.ip("link set dev br-ov up")
    reaches(a, c.ip)


def test_a_router_with_a_smaller_mtu_is_heard(fabric):
    """
        a ── hv1 ══ underlay ╦═ router: no more than 1400 to 198.51.100.3
                             ╚═ host3 (198.51.100.3), c

    RFC 1191: what the router tells hv1 becomes what hv1 tells VM a.
    """
    hypervisor = fabric.add_hypervisor()
    kernel = fabric.add_kernel_vtep(behind=BEHIND)
    router = fabric.namespace("router").without_ipv6()
    fabric.attach(router, "router")
    give_addresses(router, "eth1", {IPV4: "192.0.2.77"})
    as_router(router)
    router.sysctl(ipv4__conf__all__send_redirects=0,
                  ipv4__conf__eth1__send_redirects=0)
    router.ip("route add %s via %s mtu lock 1400" % (BEHIND, kernel.ip))
    fabric.add_network(5001)
    a = fabric.add_vm("a", hypervisor, 5001, 1, mtu=1500)
    c = kernel.add_vm("c", 5001, 3)
    hypervisor.namespace.ip("route add 198.51.100.0/24 via 192.0.2.77")
    ready(fabric)
    reaches(a, c.ip)

    def mtu():
        return [vtep["mtu"] for vtep in hypervisor.vteps()
                if vtep["vtep"] == BEHIND]

    assert mtu() == [1450]
    data = random.Random(5).randbytes(1 << 20)
    assert transfer(a, c, data) == hashlib.sha256(data).hexdigest()
    assert mtu() == [1350]
    assert a.mtu_to(c.ip) == 1350
    assert ping(a, c.ip, size=1350 - 28, df=True).lost == 0
    assert ping(a, c.ip, size=1351 - 28, df=True).received == 0


def test_a_larger_mtu_of_the_underlay_applies(mixed, fabric):
    a, c = mixed
    big = 1550 - 28
    for namespace, device, mtu in (
            (fabric.underlay, "hv1", 1600),
            (fabric.underlay, c.hypervisor.name, 1600),
            (c.hypervisor.namespace, "eth1", 1600),
            (c.namespace, "eth0", 1550),
            (a.hypervisor.namespace, "a", 1600),
            (a.namespace, "eth0", 1600)):
        namespace.ip("link set dev %s mtu %d" % (device, mtu))
    reaches(a, c.ip)
    assert ping(a, c.ip, size=big, df=True).received == 0
    assert a.hypervisor.drops("too_big", port="a") > 0
    a.hypervisor.vsctl("set", "Interface", "eth1", "mtu_request=1600")

    def passes():
        a.namespace.ip("route flush cache")     # Forget the smaller one.
        return ping(a, c.ip, count=1, size=big, df=True).received

    wait_for(passes, "bigger packets to pass")
    assert ping(a, c.ip, size=big + 1, df=True).received == 0


def test_a_smaller_mtu_of_the_underlay_applies(mixed):
    a, c = mixed
    reaches(a, c.ip)
    assert ping(a, c.ip, size=1450 - 28, df=True).lost == 0
    a.hypervisor.namespace.ip("link set dev eth1 mtu 1400")
    # Until then the kernel refuses what is too big, with a warning in the log.
    wait_for(lambda: {vtep["mtu"] for vtep in a.hypervisor.vteps()} == {1350},
             "the datapath to know the smaller MTU")
    assert not ping(a, c.ip, count=1, size=1351 - 28, df=True).received
    assert a.hypervisor.drops("too_big", port="a") == 1
    assert ping(a, c.ip, size=1350 - 28, df=True).lost == 0


def next_hop(hypervisor, vtep):
    return next(row["next_hop"] for row in hypervisor.vteps()
                if row["vtep"] == vtep) or ""


def echoes(vm):
    lines = vm.namespace.run("cat", "/proc/net/snmp").stdout.splitlines()
    keys, values = [line.split() for line in lines
                    if line.startswith("Icmp:")]
    return int(dict(zip(keys, values))["InEchos"])
