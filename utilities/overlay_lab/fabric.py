# SPDX-License-Identifier: Apache-2.0
"""Underlay, hypervisors and VMs.

      hv1                    underlay                    hv2
    a ── br-ov ── eth1 ── hv1 ┌────┐ hv2 ── eth1 ── br-ov ── b
    (VM) LOCAL 192.0.2.1      │ sw │       192.0.2.2       (VM)
                              └────┘
                              host3
                                │ eth1 192.0.2.3
                              host3: vxlan device = VM c

Each box and each VM is a namespace.  'sw' is a Linux bridge; what passes the
underlay is watched on its ports, which have the hypervisors' names.

Over IPv6 host N has 2001:db8:ff::N instead of 192.0.2.N, or both.
"""

import os
import sys

from .hosts import IPV4, IPV6, UPLINK, KernelVtep, Vm, give_addresses
from .hypervisor import BRIDGE, Hypervisor
from .namespaces import Lab, wait_for
from .wire import Sniffer

OVERHEAD = {IPV4: 50, IPV6: 70}         # Outer headers but Ethernet's.
VHOST_VM = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                        "vhost_vm.py")

# What an Interface row says about a port, by kind of port.
INTERFACES = {
    "veth": (),
    "internal": ("type=internal",),
    "tap": ("type=tap",),
    "dpdk": ("type=dpdk",
             "options:dpdk-devargs=net_af_packet_{port},iface={device}"),
    "dpdk-pcap": ("type=dpdk",
                  "options:dpdk-devargs=net_pcap_{port},iface={device}"),
    "vhost": ("type=dpdkvhostuserclient",
              "options:vhost-server-path={directory}/{port}.sock"),
}


def host_address(number, family):
    """The underlay address of host 'number'."""
    return ("192.0.2.%d" if family == IPV4 else "2001:db8:ff::%x") % number


class Fabric(Lab):
    """A lab with an underlay.  Hypervisors and kernel VTEPs are added first,
    then networks, which are made on all of them, then VMs."""

    def __init__(self, prefix, tag="lab", survive=False, mtu=1500,
                 families=(IPV4,)):
        """'families' are those of the underlay, the preferred one first."""
        super().__init__(tag, survive)
        self.prefix = os.path.abspath(prefix)
        self.mtu = mtu
        self.families = families
        self.preferred = {}             # Families by VNI, where they differ.
        self.hypervisors = []
        self.kernels = []
        self.vms = []
        self.vnis = []
        try:
            self.underlay = self.namespace("underlay").without_ipv6()
            self.underlay.ip("link add sw type bridge mcast_snooping 0",
                             "link set sw up")
        except BaseException:
            self.close()
            raise

    # Hosts.

    @property
    def hosts(self):
        return self.hypervisors + self.kernels

    def _addresses(self, families=None):
        """The addresses of the next host: {family: address}."""
        return {family: host_address(len(self.hosts) + 1, family)
                for family in families or self.families}

    def vtep_of(self, host, seen_by, vni=None):
        """The address by which 'seen_by' has to name 'host' so that both use
        the same family with each other; None if they have none in common."""
        for family in self.preferred.get(vni, self.families):
            if family in host.addresses and family in seen_by.addresses:
                return host.addresses[family]
        return None

    def peers_of(self, host, vni=None):
        """The VTEPs of the others."""
        vteps = [self.vtep_of(other, host, vni) for other in self.hosts
                 if other is not host]
        return [vtep for vtep in vteps if vtep]

    @property
    def inner_mtu(self):
        """What fits each of the underlay's families."""
        return self.mtu - max(OVERHEAD[family] for family in self.families)

    def attach(self, namespace, name):
        """Gives 'namespace' the device eth1, on port 'name' of the switch."""
        self.underlay.ip(
            "link add name %s mtu %d type veth peer name %s mtu %d netns %s"
            % (name, self.mtu, UPLINK, self.mtu, namespace.name),
            "link set dev %s master sw up" % name)
        namespace.run("ethtool", "-K", UPLINK, "tx", "off")
        namespace.ip("link set dev %s up" % UPLINK)

    def add_hypervisor(self, start=True, uplink="veth"):
        """'uplink' is a kind of port, "veth" or "dpdk"."""
        addresses = self._addresses()
        hypervisor = Hypervisor(
            self, "hv%d" % (len(self.hypervisors) + 1), self.prefix)
        hypervisor.addresses = addresses
        hypervisor.vtep = addresses[self.families[0]]
        # A port of type "system" shares its frames with the kernel.  These
        # three keep the kernel from answering on eth1 for br-ov's addresses:
        # ARP, because eth1 does not have the address, all of IPv6, because it
        # is switched off there, anything else, because LOCAL's MAC address is
        # not eth1's.
        hypervisor.namespace.sysctl(ipv4__conf__all__arp_ignore=1)
        hypervisor.hwaddr = "02:00:00:00:02:%02x" % (len(self.hosts) + 1)
        hypervisor.uplink = uplink
        self.hypervisors.append(hypervisor)
        self.attach(hypervisor.namespace, hypervisor.name)
        if start:
            self.start(hypervisor)
        return hypervisor

    def start(self, hypervisor):
        """Both daemons, the bridge, and the host's address on it."""
        hypervisor.start_database()
        hypervisor.start_switch()
        self.make_bridge(hypervisor)

    @staticmethod
    def make_bridge(hypervisor):
        hypervisor.vsctl(
            "add-br", BRIDGE, "--", "set", "Bridge", BRIDGE,
            "datapath_type=overlay",
            "overlay_vtep_ips=[%s]" % ",".join(
                '"%s"' % address
                for address in hypervisor.addresses.values()),
            "other_config:hwaddr=\"%s\"" % hypervisor.hwaddr,
            "--", *Fabric.add_uplink(hypervisor),
            "--", "set", "Bridge", BRIDGE,
            "overlay_uplinks=%s" % hypervisor.uplink_port)
        give_addresses(hypervisor.namespace, BRIDGE, hypervisor.addresses)

    @staticmethod
    def add_uplink(hypervisor):
        """Arguments for ovs-vsctl that add the hypervisor's uplink."""
        return add_port(hypervisor, hypervisor.uplink_port,
                        hypervisor.uplink, UPLINK)

    def add_kernel_vtep(self, behind=None, family=None):
        """A kernel VTEP at its host's address or, routed, 'behind' it."""
        family = family or self.families[0]
        kernel = KernelVtep(self, "host%d" % (len(self.hosts) + 1),
                            family, self._addresses([family])[family], behind)
        self.kernels.append(kernel)
        return kernel

    @property
    def vteps(self):
        return [host.vtep for host in self.hosts]

    # Tenants.

    def add_network(self, vni, *settings, families=None):
        """Adds the network to each hypervisor, each flooding to all other
        VTEPs.  'settings' are as for 'overlay-ctl net-add', 'families' those
        of the underlay that it uses, the preferred one first."""
        self.vnis.append(vni)
        if families:
            self.preferred[vni] = families
        for hypervisor in self.hypervisors:
            hypervisor.overlay_ctl(
                "net-add", vni, "flood="
                + ",".join(self.peers_of(hypervisor, vni)),
                *settings)

    def add_vm(self, name, hypervisor, vni, host, kind="veth", bind=True,
               announce=True, mtu=None, ip6=False, subnet=1):
        """A VM with the addresses of number 'host' in 'subnet'.  'bind' puts its port
        into the network, 'announce' tells other hypervisors.  'kind' is how
        the VM is attached to its port:

            veth              eth0 ── port
            dpdk, dpdk-pcap   eth0 ── kernel's device ── port
            vhost             eth0: a tap ── vhost_vm.py ── port
            bridged-internal, eth0 ── Linux bridge ── port
            bridged-tap
            internal, tap     the port's device is moved to the VM
            movable           eth0: a Linux bridge ── leg ── port, of which
                              there may be one on each hypervisor: add_leg()
        """
        moved = kind in ("internal", "tap")
        vm = Vm(name, self.namespace(name), vni, host,
                name if moved else "eth0", subnet)
        vm.hypervisor = hypervisor
        vm.kind = kind
        if not ip6:
            vm.namespace.without_ipv6()
        if kind == "movable":
            vm.namespace.ip("link add eth0 type bridge mcast_snooping 0")
            self.add_leg(vm, hypervisor)
            vm.attach(hypervisor)
        else:
            self._make_device(vm, host)
            self.plug(vm)
        if moved:
            hypervisor.namespace.ip("link set dev %s netns %s"
                                    % (name, vm.namespace.name))
        vm.configure(mtu or self.inner_mtu, ip6)
        self.vms.append(vm)
        if bind:
            self.bind(vm, ip6)
        if announce:
            self.announce(vm, ip6)
        return vm

    def _make_device(self, vm, host):
        if vm.kind == "vhost":
            vm.namespace.ip("tuntap add dev eth0 mode tap")
            self.start_vhost(vm)
        elif vm.kind not in ("internal", "tap"):
            vm.hypervisor.namespace.ip(
                # Nobody picks a bridge's MAC address from fe:..., as libvirt
                # knows, too.
                "link add name %s address fe:54:00:00:00:%02x type veth "
                "peer name eth0 netns %s" % (_host_device(vm), host,
                                             vm.namespace.name),
                "link set dev %s mtu %d up" % (_host_device(vm), self.mtu))
            if vm.kind.startswith("bridged-"):
                vm.hypervisor.namespace.ip(
                    "link add name %s-br type bridge mcast_snooping 0"
                    % vm.name,
                    "link set dev %s master %s-br" % (_host_device(vm),
                                                      vm.name),
                    "link set dev %s-br up" % vm.name)

    def start_vhost(self, vm, queues=1):
        """Starts the VM's side of a vhost-user port, 'vm.front_end'."""
        path = "%s/%s.sock" % (vm.hypervisor.directory, vm.port)
        if os.path.exists(path):
            os.unlink(path)
        vm.front_end = self.spawn(
            [sys.executable, VHOST_VM, path, vm.device, queues],
            namespace=vm.namespace, output=vm.name + ".vhost")
        # The switch tries once a second.
        wait_for(lambda: os.path.exists(path), path)

    def add_leg(self, vm, hypervisor):
        """Makes a port on 'hypervisor' for a movable VM.  What it does there
        is up to Vm.attach(), and to rows: the port is not bound."""
        leg = "at-" + hypervisor.name
        hypervisor.namespace.ip(
            "link add name %s mtu %d type veth peer name %s mtu %d netns %s"
            % (vm.port, self.mtu, leg, self.mtu, vm.namespace.name),
            "link set dev %s up" % vm.port)
        vm.namespace.ip("link set dev %s addrgenmode none" % leg,
                        "link set dev %s up" % leg)
        hypervisor.vsctl("add-port", BRIDGE, vm.port)

    @staticmethod
    def plug(vm):
        """Adds the port that the VM is behind."""
        vm.hypervisor.vsctl(*add_port(vm.hypervisor, vm.port,
                                      vm.kind.replace("bridged-", ""),
                                      _host_device(vm)))
        if vm.kind.startswith("bridged-"):
            vm.hypervisor.namespace.ip(
                "link set dev %s master %s-br up" % (vm.port, vm.name))

    @staticmethod
    def bind(vm, ip6=False, options=(), where=None):
        """Binds the VM's port, on its hypervisor or 'where' else it has
        one."""
        (where or vm.hypervisor).overlay_ctl(
            *options, "port-bind", vm.port, vm.vni, vm.mac, vm.ip,
            *[vm.ip6] * ip6)

    def announce(self, vm, ip6=False):
        """Tells the hypervisors that do not have the VM where it is."""
        home = vm.hypervisor
        for hypervisor in self.hypervisors:
            vtep = self.vtep_of(home, hypervisor, vm.vni)
            if hypervisor is not home and vtep:
                hypervisor.overlay_ctl("--", "--may-exist", "mac-add", vm.vni,
                                       vm.mac, vtep, vm.ip,
                                       *[vm.ip6] * ip6)

    # Watching.

    def watch(self, host):
        """A Sniffer for what 'host' sends to the underlay and gets from
        there; the latter is 'outgoing' there."""
        return Sniffer(self.underlay, host.name)

    def script(self, name, namespace, environment=None):
        """Makes the file 'name' in the lab's directory: a command that runs
        its arguments in 'namespace'."""
        path = self.path(name)
        with open(path, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\n")
            for key, value in (environment or {}).items():
                file.write("export %s='%s'\n" % (key, value))
            file.write('exec ip netns exec %s "${@:-bash}"\n'
                       % namespace.name)
        os.chmod(path, 0o755)


def add_port(hypervisor, port, kind, device):
    """Arguments for ovs-vsctl that add 'port' of 'kind', which is for 'device'
    if it is not the device itself."""
    settings = [setting.format(port=port, device=device,
                               directory=hypervisor.directory)
                for setting in INTERFACES[kind]]
    return ["add-port", BRIDGE, port,
            *(["--", "set", "Interface", port] + settings if settings
              else [])]


def _host_device(vm):
    """The kernel's device at the hypervisor's end of the VM's veth."""
    return vm.name if vm.kind == "veth" else vm.name + "-k"
