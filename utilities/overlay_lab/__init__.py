# SPDX-License-Identifier: Apache-2.0
"""A network of hypervisors on one machine, out of network namespaces.

The demo and the system tests build their worlds with this package:

    namespaces   Lab: namespaces and processes, and their removal
    hypervisor   Hypervisor: ovsdb-server and ovs-vswitchd in a namespace
    fabric       Fabric: underlay, hypervisors, and what is attached to them
    hosts        VMs, and Linux kernels as VTEPs and routers
    wire         Sniffer: frames on a device, decoded as far as tests ask
    paths        the way to an address: ICMP errors, traceroute, tracepath
    traffic      ping, iperf3, file transfer, a stream whose losses count

Example:

    with Fabric(prefix="/usr/local") as fabric:
        hv1, hv2 = fabric.add_hypervisor(), fabric.add_hypervisor()
        fabric.add_network(5001)
        a = fabric.add_vm("a", hv1, 5001, 1)
        b = fabric.add_vm("b", hv2, 5001, 2)
        assert ping(a, b.ip).lost == 0

Needs root, python3 and iproute2, no module from outside of the standard
library.  One thread makes and removes things; other threads may use sockets
that it opened.
"""

from .fabric import Fabric
from .hosts import IPV4, IPV6, KernelVrf, KernelVtep, Vm
from .hypervisor import LOCK_LOST, Hypervisor
from .namespaces import Lab, LabError, Namespace, run, wait_for
from .paths import IcmpError, icmp_error, traceroute, tracepath
from .traffic import (Stream, iperf3, iperf3_bytes, ping, reaches,
                      transfer)
from .wire import Frame, Sniffer, arp_request, ethernet, udp_ip

__all__ = ["IPV4", "IPV6", "LOCK_LOST", "Fabric", "Frame", "Hypervisor",
           "IcmpError", "KernelVrf", "KernelVtep", "Lab", "LabError",
           "Namespace", "Sniffer", "Stream", "Vm", "arp_request", "ethernet",
           "icmp_error", "iperf3", "iperf3_bytes", "ping", "reaches", "run",
           "traceroute", "tracepath", "transfer", "udp_ip", "wait_for"]
