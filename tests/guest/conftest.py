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

from guest_world import World                               # noqa: E402
from guests import QEMU, prepare                            # noqa: E402
from overlay_lab import Fabric, LabError                          # noqa: E402

# The system tier's: what is true at the end of each test, reports of failures.
_spec = importlib.util.spec_from_file_location(
    "system_conftest", os.path.join(HERE, "../system/conftest.py"))
system = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(system)
PREFIX = system.PREFIX
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


@contextlib.contextmanager
def make_world(request, images, hypervisors, **kwargs):
    """The World of a file, which 'request' is for."""
    with Fabric(system.PREFIX, tag="ovg") as fabric:
        # netdev-dpdk, of drivers that have no offloads.
        fabric.expected = [r"Tx TSO offload is not supported"]
        # For what looks at it after a test.
        request.node.fabric = fabric
        try:
            world = World(fabric, images, hypervisors, **kwargs)
        except LabError as error:
            if "Unable to initialize DPDK" in str(error):
                pytest.skip("DPDK does not start here")
            raise
        yield world
