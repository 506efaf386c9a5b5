# SPDX-License-Identifier: Apache-2.0
"""A Linux router, and a hypervisor of ours, at the other end of an L3 VNI:
symmetric IRB, RFC 9135 section 5.

     red  10.1.0.11 ─┐                         ┌─ red far  10.2.0.12
     blue 10.1.0.11 ─┤                         ├─ blue far 10.2.0.12
                    hv1 ══ underlay ══════ hv2 ┘
                               ║
                             host3, no Open vSwitch: a namespace per VRF
                               ├─ VRF red  ── red server  10.3.0.13
                               └─ VRF blue ── blue server 10.3.0.13

Each has the IPv6 addresses fdNN::... besides.  The two tenants have the same
addresses everywhere, MAC addresses included; L3 VNIs are 7001 and 7002.  No
hypervisor has a network that it has no VM in.  The VMs' links take 1500 bytes,
the tunnels 1450 over IPv4.  All of it once more over an IPv6 underlay.
"""

import hashlib
import random

import pytest
from conftest import ready

from overlay_lab import (IPV4, IPV6, Sniffer, icmp_error, iperf3_bytes, ping,
                         reaches, tracepath, traceroute, transfer)

ROUTER_MAC = "02:00:00:00:77:%02x"      # Of each host in L3 VNIs.
TENANTS = {"red": 1, "blue": 2}
NEAR, FAR, SERVER = 1, 2, 3             # Subnets.


class Tenant:
    def __init__(self, fabric, name, number):
        self.fabric = fabric
        self.fits = fabric.inner_mtu
        self.name = name
        self.l3_vni = 7000 + number
        self.nexthops = {}              # By VTEP, of both families.
        hv1, hv2 = fabric.hypervisors
        self.near = self.add_vm("near", hv1, number, NEAR)
        self.far = self.add_vm("far", hv2, 10 + number, FAR)
        host = fabric.kernels[0]
        self.router = host.add_vrf(name, self.l3_vni, ROUTER_MAC % 3)
        self.server = self.router.add_server(name + "-server", SERVER, 3)
        self.connect(hv1, {hv2.vtep: (2, FAR), host.vtep: (3, SERVER)})
        self.connect(hv2, {hv1.vtep: (1, NEAR), host.vtep: (3, SERVER)})
        for number, hypervisor, subnet in (1, hv1, NEAR), (2, hv2, FAR):
            self.router.add_peer(hypervisor.vtep, ROUTER_MAC % number,
                                 *prefixes(subnet))

    def add_vm(self, role, hypervisor, number, subnet):
        """A VM in a network that only its hypervisor has."""
        vni = 5000 + number
        hypervisor.overlay_ctl(
            "net-add", vni, "vrf=" + self.name,
            "gateway=10.%d.0.1/24,fd%02d::1/64" % (subnet, subnet - 1))
        vm = self.fabric.add_vm("%s-%s" % (self.name, role), hypervisor, vni,
                                subnet, ip6=True, subnet=subnet, mtu=1500,
                                announce=False)
        vm.use_gateway(ip6=True)
        vm.namespace.sysctl(ipv4__icmp_ratelimit=0,
                            ipv6__icmp__ratelimit=0)
        return vm

    def connect(self, hypervisor, routers):
        """Tells 'hypervisor' of the VRF's other routers: {VTEP: (number,
        subnet)}.  Tenant red has IPv4 next hops for IPv6 prefixes: the VTEPs'
        addresses, where those are IPv4."""
        words = ["net-add", self.l3_vni, "vrf=" + self.name]
        for vtep, (number, subnet) in routers.items():
            mac = ROUTER_MAC % number
            nexthop = vtep if "." in vtep else "192.0.2.%d" % number
            nexthops = [nexthop, nexthop if self.name == "red"
                        else "fd77::%d" % number]
            self.nexthops[vtep] = nexthops
            words += ["--", "mac-add", self.l3_vni, mac, vtep]
            for address in sorted(set(nexthops)):
                words += ["--", "neigh-add", self.l3_vni, address, mac]
            for prefix, address in zip(prefixes(subnet), nexthops):
                words += ["--", "route-add", self.name, prefix, address,
                          "vni=%d" % self.l3_vni]
        hypervisor.overlay_ctl(*words)

    def others(self, vm):
        return [other for other in (self.near, self.far, self.server)
                if other is not vm]


def prefixes(subnet):
    return "10.%d.0.0/24" % subnet, "fd%02d::/64" % (subnet - 1)


@pytest.fixture(scope="module", params=[(IPV4,), (IPV6,)],
                ids=["over-ipv4", "over-ipv6"])
def shared_families(request):
    return request.param


@pytest.fixture(scope="module")
def world(shared):
    """The two tenants, by name."""
    for number in 1, 2:
        hypervisor = shared.add_hypervisor()
        hypervisor.vsctl("set", "Bridge", "br-ov",
                         'overlay_router_mac="%s"' % (ROUTER_MAC % number))
    shared.add_kernel_vtep()
    tenants = {name: Tenant(shared, name, number)
               for name, number in TENANTS.items()}
    ready(shared)
    for tenant in tenants.values():
        for vm in tenant.near, tenant.far, tenant.server:
            for other in tenant.others(vm):
                reaches(vm, other.ip)
                reaches(vm, other.ip6)
    return tenants


@pytest.fixture(params=TENANTS)
def tenant(world, request):
    chosen = world[request.param]
    for vm in chosen.near, chosen.far, chosen.server:
        vm.forget_mtus()
    return chosen


def address_of(vm, family):
    return vm.ip if family == 4 else vm.ip6


def gateway_of(vm, family):
    return vm.gateway if family == 4 else vm.gateway6


families = pytest.mark.parametrize("family", [4, 6], ids=["ipv4", "ipv6"])


@families
def test_each_reaches_the_others(tenant, family):
    for vm in tenant.near, tenant.far, tenant.server:
        for other in tenant.others(vm):
            assert ping(vm, address_of(other, family), count=10,
                        interval=0.01).lost == 0


@families
def test_tenants_with_equal_prefixes_do_not_see_each_other(world, family):
    for name, other in ("red", "blue"), ("blue", "red"):
        tenant, stranger = world[name], world[other]
        strangers = [stranger.near, stranger.far, stranger.server]
        sniffers = [Sniffer(vm.namespace, "eth0") for vm in strangers]
        for vm in tenant.near, tenant.far, tenant.server:
            for target in tenant.others(vm):
                assert ping(vm, address_of(target, family)).lost == 0
        for vm, sniffer in zip(strangers, sniffers):
            assert not [frame for frame in sniffer.frames()
                        if frame.proto in (1, 58) and not frame.nd], vm.name
            sniffer.close()


@families
def test_route_of_one_tenant_is_none_of_the_other(world, family, shared):
    hypervisor = shared.hypervisors[0]
    target, prefix = {4: ("10.3.9.9", "10.3.9.0/24"),
                      6: ("fd02:9::9", "fd02:9::/64")}[family]
    red, blue = world["red"], world["blue"]
    red.server.namespace.ip("addr add %s dev lo" % target)
    red.router.namespace.ip("route add %s via %s" % (
        prefix, address_of(red.server, family)))
    hypervisor.overlay_ctl("route-add", "red", prefix,
                           red.nexthops[red.router.vtep][family == 6],
                           "vni=%d" % red.l3_vni)
    assert ping(red.near, target).lost == 0
    assert ping(blue.near, target, wait=0.2).received == 0
    assert icmp_error(blue.near, target) == (
        *((3, 0) if family == 4 else (1, 0)), 0, gateway_of(blue.near, family))
    hypervisor.overlay_ctl("route-del", "red", prefix)


@families
def test_traceroute_shows_both_routers_in_order(tenant, family):
    """A hypervisor that is the second one has no address in the L3 VNI: it
    speaks from the VRF's lowest gateway address."""
    for vm in tenant.near, tenant.far, tenant.server:
        for other in tenant.others(vm):
            text, hops = traceroute(vm, address_of(other, family))
            assert hops == [gateway_of(vm, family),
                            gateway_of(other, family),
                            address_of(other, family)], text


@pytest.mark.parametrize("options", [["--icmp"], ["--tcp", "-p", "9"]],
                         ids=["icmp", "tcp"])
@families
def test_traceroute_by_other_packets_shows_the_same(tenant, family, options):
    vm, other = tenant.near, tenant.server
    text, hops = traceroute(vm, address_of(other, family), options)
    assert hops == [gateway_of(vm, family), gateway_of(other, family),
                    address_of(other, family)], text


@families
def test_tracepath_shows_both_routers_and_finds_the_mtu(tenant, family):
    for vm in tenant.near, tenant.far, tenant.server:
        for other in tenant.others(vm):
            path = tracepath(vm, address_of(other, family))
            assert path.hops == [gateway_of(vm, family),
                                 gateway_of(other, family),
                                 address_of(other, family)], path.text
            assert (path.mtu, path.mtu_from) \
                == (tenant.fits, gateway_of(vm, family)), path.text


@families
def test_a_file_arrives_whoever_sends_it(tenant, family):
    data = random.Random(7001).randbytes(1 << 20)
    want = hashlib.sha256(data).hexdigest()
    for vm in tenant.near, tenant.far, tenant.server:
        for other in tenant.others(vm):
            assert transfer(vm, other, data, address_of(other, family)) \
                == want


@families
def test_iperf3_learns_the_mtu(tenant, family, shared):
    """Nothing that a VM's link takes at most fits the tunnel, whichever end
    sends."""
    near, server = tenant.near, tenant.server
    for options, sender, receiver in (([], near, server),
                                      (["-R"], server, near)):
        receiver.forget_mtus()          # Or it would tell by its MSS.
        before = near.hypervisor.drops("too_big", port=near.port)
        assert iperf3_bytes(shared, near, server, 4 << 20,
                            address_of(server, family), options) > 1 << 20
        assert sender.mtu_to(address_of(receiver, family)) == tenant.fits
        after = near.hypervisor.drops("too_big", port=near.port)
        assert (after > before) == (sender is near)
