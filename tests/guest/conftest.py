# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the guest tier.  See README.md."""

import contextlib
import importlib.util
import os
import shutil
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../../utilities"))
sys.path.insert(0, HERE)

from guests import QEMU, Guest, prepare                     # noqa: E402
from overlay_lab import Fabric, LabError                          # noqa: E402

# The system tier's: what is true at the end of each test, reports of failures.
_spec = importlib.util.spec_from_file_location(
    "system_conftest", os.path.join(HERE, "../system/conftest.py"))
system = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(system)
pytest_sessionstart = system.pytest_sessionstart
pytest_pyfunc_call = system.pytest_pyfunc_call
pytest_runtest_makereport = system.pytest_runtest_makereport


def no_guests():
    """Says why there cannot be guests here, or returns None."""
    if os.geteuid():
        return "network namespaces need root"
    if not shutil.which(QEMU):
        return "qemu-system-x86 is missing"
    return prepare()[1]


@pytest.fixture(scope="session")
def images():
    reason = no_guests()
    if reason:
        pytest.skip(reason)
    return prepare()[0]


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
            start_switch(hypervisor)
            fabric.make_bridge(hypervisor)
            self.hypervisors.append(hypervisor)
        for subnet in 1, 2:
            fabric.add_network(5000 + subnet, "vrf=red",
                               "gateway=10.%d.0.1/24,fd%02d::1/64"
                               % (subnet, subnet - 1), "ra=false")
        system.ready(fabric)

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


def start_switch(hypervisor):
    try:
        hypervisor.start_switch()
    except LabError as error:
        if "Unable to initialize DPDK" in str(error):
            pytest.skip("DPDK does not start here")
        raise


@contextlib.contextmanager
def make_world(request, images, hypervisors, **kwargs):
    """The World of a file, which 'request' is for."""
    with Fabric(system.PREFIX, tag="ovg") as fabric:
        # netdev-dpdk, of drivers that have no offloads.
        fabric.expected = [r"Tx TSO offload is not supported"]
        # For what looks at it after a test.
        request.node.fabric = fabric
        yield World(fabric, images, hypervisors, **kwargs)
