# SPDX-License-Identifier: Apache-2.0
"""Hypervisors with guests."""

from guests import Guest
from overlay_lab import wait_for


class World:
    """Hypervisors with PMD threads, networks 5001 and 5002 of VRF red with a
    gateway each, and guests."""

    def __init__(self, fabric, images, hypervisors, tso=False):
        self.fabric = fabric
        self.images = images
        self.hypervisors = []
        self.guests = []
        for _ in range(hypervisors):
            hypervisor = fabric.add_hypervisor(start=False, uplink="dpdk")
            hypervisor.start_database()
            hypervisor.enable_dpdk()
            if tso:
                hypervisor.vsctl("--no-wait", "set", "Open_vSwitch", ".",
                                 "other_config:userspace-tso-enable=true")
            hypervisor.start_switch()
            fabric.make_bridge(hypervisor)
            self.hypervisors.append(hypervisor)
        for subnet in 1, 2:
            fabric.add_network(5000 + subnet, "vrf=red",
                               "gateway=10.%d.0.1/24,fd%02d::1/64"
                               % (subnet, subnet - 1), "ra=false")
        for hypervisor in self.hypervisors:
            for vtep in fabric.peers_of(hypervisor):
                wait_for(lambda h=hypervisor, v=vtep: h.vtep_is_up(v),
                         "%s to reach %s" % (hypervisor.name, vtep))

    def add(self, name, hypervisor, host, subnet=1, **kwargs):
        """Boots a guest; wait() for it."""
        guest = Guest(self.fabric, self.images, name,
                      self.hypervisors[hypervisor], 5000 + subnet, host,
                      subnet, **kwargs)
        guest.boot()
        self.fabric.plug(guest)
        self.fabric.bind(guest, ip6=True)
        self.fabric.announce(guest, ip6=True)
        self.guests.append(guest)
        return guest

    def wait(self):
        for guest in self.guests:
            guest.wait()
