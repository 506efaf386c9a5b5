# SPDX-License-Identifier: Apache-2.0
"""A router of the underlay with a link that is too small for it.

     a  5001 ── hv1 ══ underlay, 1500 ══ router ══ 1400 ══ far: vxlan devices
                                                           ├─ bridged  5001
                                                           └─ routed   5002

All links of VMs take 1450 bytes; the router tells hv1, and hv1 the VM.
"""

import hashlib
import random

import pytest
from conftest import ready

from overlay_lab import IPV4, IPV6, Vm, icmp_error, reaches, run, transfer
from overlay_lab.fabric import OVERHEAD
from overlay_lab.hosts import as_router, give_addresses

SMALL = 1400
FAR = {IPV4: "198.51.100.%d", IPV6: "2001:db8:fe::%d"}
NET = {IPV4: "198.51.100.0/24", IPV6: "2001:db8:fe::/64"}


@pytest.fixture(scope="module", params=[(IPV4,), (IPV6,)],
                ids=["over-ipv4", "over-ipv6"])
def shared_families(request):
    return request.param


class World:
    def __init__(self, fabric):
        self.fabric = fabric
        self.family, = fabric.families
        self.fits = SMALL - OVERHEAD[self.family]
        hv1 = fabric.add_hypervisor()
        self.vtep = FAR[self.family] % 3
        self.add_router(hv1)
        for subnet in 1, 2:
            hv1.overlay_ctl(
                "net-add", 5000 + subnet, "vrf=red", "answer-tunnel=true",
                "gateway=10.%d.0.1/24,fd%02d::1/64" % (subnet, subnet - 1),
                "flood=" + self.vtep)
        self.a = fabric.add_vm("a", hv1, 5001, 1, ip6=True, mtu=1450)
        self.a.use_gateway(ip6=True)
        self.far_vms = {"bridged": self.add_far_vm("bridged", hv1, 2, 1),
                        "routed": self.add_far_vm("routed", hv1, 3, 2)}
        self.hypervisor = hv1

    def add_router(self, hv1):
        fabric, family = self.fabric, self.family
        router = fabric.namespace("router")
        self.far = fabric.namespace("far")
        as_router(router)
        fabric.attach(router, "router")
        address = {IPV4: "192.0.2.9", IPV6: "2001:db8:ff::9"}[family]
        give_addresses(router, "eth1", {family: address})
        router.ip("link add name small mtu %d type veth peer name eth1 "
                  "mtu %d netns %s" % (SMALL, SMALL, self.far.name))
        give_addresses(router, "small", {family: FAR[family] % 1})
        give_addresses(self.far, "eth1", {family: self.vtep})
        self.far.ip("route add default via " + FAR[family] % 1)
        hv1.namespace.ip("route add %s via %s" % (NET[family], address))

    def add_far_vm(self, name, hv1, host, subnet):
        vni = 5000 + subnet
        vm = Vm(name, self.fabric.namespace(name), vni, host, subnet=subnet)
        # A device that is bound to eth1 could not have a larger MTU than that
        # leaves, and the VM would tell it by its MSS.
        self.far.ip(
            "link add vx%d type vxlan id %d local %s dstport 4789"
            % (vni, vni, self.vtep),
            "link set vx%d netns %s name eth0" % (vni, vm.namespace.name))
        run("bridge", "-n", vm.namespace.name, "fdb", "append",
            "00:00:00:00:00:00", "dev", "eth0", "dst", hv1.vtep)
        vm.configure(1450, ip6=True)
        vm.use_gateway(ip6=True)
        hv1.overlay_ctl("mac-add", vni, vm.mac, self.vtep, vm.ip, vm.ip6)
        return vm


@pytest.fixture(scope="module")
def world(shared):
    made = World(shared)
    ready(shared)
    for vm in made.far_vms.values():
        reaches(made.a, vm.ip)
        reaches(made.a, vm.ip6)
    return made


@pytest.mark.parametrize("way", ["bridged", "routed"])
@pytest.mark.parametrize("family", [4, 6], ids=["ipv4", "ipv6"])
def test_tcp_gets_through_a_small_link_of_the_underlay(world, way, family):
    target = world.far_vms[way]
    address = target.ip if family == 4 else target.ip6
    world.a.forget_mtus()
    data = random.Random(1400).randbytes(1 << 20)
    assert transfer(world.a, target, data, address) \
        == hashlib.sha256(data).hexdigest()
    assert world.a.mtu_to(address) == world.fits
    error = icmp_error(world.a, address, size=1400, df=True)
    assert error and error.info == world.fits
