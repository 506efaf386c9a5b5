# SPDX-License-Identifier: Apache-2.0
"""What is not ours: VMs, and hosts whose VTEP or router is the Linux kernel.
"""

import json
import re

from .namespaces import run

UPLINK = "eth1"
IPV4, IPV6 = 4, 6                       # Families of underlays.
PREFIX_LEN = {IPV4: 24, IPV6: 64}


class Vm:
    """A VM: a namespace with one device, 'device'."""

    def __init__(self, name, namespace, vni, host, device="eth0", subnet=1):
        self.name = name
        self.namespace = namespace
        self.vni = vni
        self.mac = "52:54:00:00:00:%02x" % host
        self.ip = "10.%d.0.%d" % (subnet, 10 + host)
        self.ip6 = "fd%02d::%d" % (subnet - 1, 10 + host)
        self.gateway = "10.%d.0.1" % subnet
        self.gateway6 = "fd%02d::1" % (subnet - 1)
        self.device = device
        self.hypervisor = None
        self.port = name                # Name of the port that it is behind.
        self.kind = "veth"              # Which kind of port: see INTERFACES.

    def configure(self, mtu, ip6=False):
        # The offloads would leave checksums unfinished, and whoever reads
        # the frames from a packet socket would pass them on like that.
        self.namespace.run("ethtool", "-K", self.device, "tx", "off",
                           check=False)
        lines = ["link set dev %s address %s mtu %d up"
                 % (self.device, self.mac, mtu),
                 "addr add %s/24 dev %s" % (self.ip, self.device)]
        if ip6:
            # Its addresses and routes are those that the test gives it.
            self.namespace.sysctl(**{
                "ipv6__conf__%s__accept_ra" % self.device: 0})
            lines.append("addr add %s/64 dev %s nodad"
                         % (self.ip6, self.device))
        self.namespace.ip(*lines)

    def attach(self, hypervisor):
        """A movable VM hears and speaks on 'hypervisor', too."""
        self.namespace.ip("link set dev at-%s master %s"
                          % (hypervisor.name, self.device))

    def detach(self, hypervisor):
        self.namespace.ip("link set dev at-%s nomaster" % hypervisor.name)

    def use_gateway(self, ip6=False):
        """Makes the gateways of its network its default routers."""
        self.namespace.ip("route add default via " + self.gateway)
        if ip6:
            self.namespace.run("ip", "-6", "route", "add", "default", "via",
                               self.gateway6)

    def neighbor(self, ip):
        """The MAC address that the VM has learned for 'ip', if any."""
        words = self.namespace.run("ip", "neigh", "show", ip).stdout.split()
        return words[words.index("lladdr") + 1] if "lladdr" in words \
            else None

    def forget_neighbors(self):
        """Without losing packets: 'ip neigh flush' goes on until there is
        none left, and takes what waits for those that have come back."""
        known = json.loads(self.namespace.run(
            "ip", "-j", "neigh", "show", "nud", "all", "dev",
            self.device).stdout)
        run("ip", "-n", self.namespace.name, "-force", "-batch", "-",
            stdin=None, check=False, input="".join(
                "neigh del %s dev %s\n" % (entry["dst"], self.device)
                for entry in known if "INCOMPLETE" not in entry["state"]))

    def mtu_to(self, address):
        """The MTU that the VM has learned of the path to 'address', or
        None."""
        found = re.search(r" mtu (\d+)", self.namespace.run(
            "ip", "route", "get", address).stdout)
        return int(found.group(1)) if found else None

    def forget_mtus(self):
        for family in "-4", "-6":
            self.namespace.run("ip", family, "route", "flush", "cache")


def give_addresses(namespace, device, addresses):
    """Gives 'device' the 'addresses', {family: address}, and sets it up."""
    lines = []
    for family, address in addresses.items():
        lines.append("addr add %s/%d dev %s" % (address, PREFIX_LEN[family],
                                                device))
        if family == IPV6:
            namespace.sysctl(**{
                "ipv6__conf__%s__disable_ipv6" % device: 0})
            # Duplicate address detection would take two seconds.
            lines[-1] += " nodad"
    namespace.ip(*lines, "link set dev %s up" % device)


class KernelVtep:
    """A host whose VTEP is the Linux kernel: one family only."""

    def __init__(self, fabric, name, family, address, behind=None):
        self.fabric = fabric
        self.name = name
        self.family = family
        self.ip = address
        self.vtep = behind or address
        self.addresses = {family: self.vtep}
        self.namespace = fabric.namespace(name).without_ipv6()
        fabric.attach(self.namespace, name)
        give_addresses(self.namespace, UPLINK, {family: address})
        if behind and family == IPV4:
            self.namespace.ip("addr add %s/32 dev lo" % behind)
        elif behind:
            self.namespace.sysctl(ipv6__conf__lo__disable_ipv6=0)
            self.namespace.ip("addr add %s/128 dev lo" % behind)

    def add_vm(self, name, vni, host, announce=True, ip6=False, options=""):
        """A namespace with a vxlan device that floods to all hypervisors and
        learns from what it receives.  'options' are more of the device's."""
        fabric = self.fabric
        vm = Vm(name, fabric.namespace(name), vni, host)
        vm.hypervisor = self
        if not ip6:
            vm.namespace.without_ipv6()
        # A vxlan device that is moved stays on the underlay where it was
        # made.
        self.namespace.ip(
            "link add vx%d type vxlan id %d local %s dstport 4789 dev %s %s"
            % (vni, vni, self.vtep, UPLINK, options),
            "link set vx%d netns %s name eth0" % (vni, vm.namespace.name))
        for hypervisor in fabric.hypervisors:
            run("bridge", "-n", vm.namespace.name, "fdb", "append",
                "00:00:00:00:00:00", "dev", "eth0", "dst",
                fabric.vtep_of(hypervisor, self, vni))
        vm.configure(fabric.inner_mtu, ip6)
        fabric.vms.append(vm)
        if announce:
            fabric.announce(vm, ip6)
        return vm

    def add_vrf(self, name, vni, mac, mtu=1500):
        """A VRF of this host: see KernelVrf."""
        return KernelVrf(self, name, vni, mac, mtu)


class KernelVrf:
    """A VRF of a host without Open vSwitch, in a namespace of its own: a
    bridge whose ports are the vxlan device of an L3 VNI and nothing else, and
    LANs that the kernel routes between it and them (RFC 9135, section 5).

        underlay ══ vxlan ── l3 ── VRF ── lan0 ── a server
    """

    def __init__(self, vtep, name, vni, mac, mtu):
        """'mac' is the router MAC, which other hosts have to know."""
        self.vtep = vtep.vtep
        self.name = name
        self.vni = vni
        self.mac = mac
        self.fabric = vtep.fabric
        self.inner_mtu = self.fabric.inner_mtu
        self.lans = self.peers = 0
        self.mtu = mtu                  # Of the LANs.
        self.namespace = self.fabric.namespace("%s-%s" % (vtep.name, name))
        as_router(self.namespace)
        # A vxlan device that is moved stays on the underlay where it was
        # made.
        vtep.namespace.ip(
            "link add vx%d type vxlan id %d local %s dstport 4789 dev %s "
            "nolearning" % (vni, vni, vtep.vtep, UPLINK),
            "link set vx%d netns %s name vx" % (vni, self.namespace.name))
        self.namespace.ip(
            "link add l3 address %s type bridge mcast_snooping 0" % mac,
            "link set vx addrgenmode none", "link set l3 addrgenmode none",
            "link set vx mtu %d master l3 up" % self.inner_mtu,
            "link set l3 mtu %d up" % self.inner_mtu)

    def add_server(self, name, subnet, host):
        """A namespace with the addresses of number 'host' in 'subnet', on a
        LAN of its own."""
        server = Vm(name, self.fabric.namespace(name), None, host,
                    subnet=subnet)
        lan = "lan%d" % self.lans
        self.lans += 1
        self.namespace.ip(
            "link add name %s type veth peer name eth0 netns %s"
            % (lan, server.namespace.name),
            "link set %s addrgenmode none" % lan,
            "link set %s mtu %d up" % (lan, self.mtu),
            "addr add %s/24 dev %s" % (server.gateway, lan),
            "addr add %s/64 dev %s nodad" % (server.gateway6, lan),
            # From which it asks for neighbors.
            "addr add fe80::1/64 dev %s nodad" % lan)
        server.configure(self.mtu, ip6=True)
        server.namespace.sysctl(ipv4__icmp_ratelimit=0,
                                ipv6__icmp__ratelimit=0)
        server.use_gateway(ip6=True)
        return server

    def add_peer(self, vtep, mac, *prefixes):
        """Behind 'vtep' is a router with 'mac' that has 'prefixes'."""
        self.namespace.bridge("fdb", "append", mac, "dev", "vx", "dst", vtep)
        self.peers += 1                 # Next hops need only be different.
        nexthop, nexthop6 = ("169.254.77.%d" % self.peers,
                             "fe80::77:%d" % self.peers)
        lines = ["neigh add %s lladdr %s dev l3" % (address, mac)
                 for address in (nexthop, nexthop6)]
        for prefix in prefixes:
            lines.append("route add %s via %s dev l3" % (prefix, nexthop6)
                         if ":" in prefix else
                         "route add %s via %s dev l3 onlink" % (prefix,
                                                                nexthop))
        self.namespace.ip(*lines)


def as_router(namespace):
    """Lets 'namespace' forward, and tell as much as it has to."""
    namespace.sysctl(ipv4__ip_forward=1, ipv6__conf__all__forwarding=1,
                     ipv4__conf__all__rp_filter=0,
                     ipv4__conf__default__rp_filter=0,
                     ipv4__icmp_ratelimit=0, ipv6__icmp__ratelimit=0)
