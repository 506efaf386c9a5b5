# SPDX-License-Identifier: Apache-2.0

"""Fixtures of the switch tier.  See tests/README.md."""

import contextlib
import os
import re
import sys

import pytest

sys.path.insert(0, os.path.dirname(__file__))

from ovl import frames                                      # noqa: E402
from ovl.process import PREFIX, Daemons                     # noqa: E402
from ovl.switch import Switch                               # noqa: E402


def pytest_sessionstart(session):
    if not os.path.exists(f"{PREFIX}/sbin/ovs-vswitchd"):
        pytest.exit(f"no ovs-vswitchd in {PREFIX}/sbin: install there, or "
                    "set OVL_PREFIX", returncode=2)


@contextlib.contextmanager
def running_daemons(directory, *args):
    d = Daemons(directory)
    d.create_db()
    d.start_db()
    d.vsctl("--no-wait", "set", "Open_vSwitch", ".",
            "other_config:pmd-maxsleep=1000")
    d.start(*args)
    yield d
    d.destroy()


@pytest.fixture(scope="module")
def daemons(tmp_path_factory):
    """ovsdb-server and ovs-vswitchd for the tests of one file."""
    with running_daemons(tmp_path_factory.mktemp("ovs")) as d:
        yield d


@pytest.fixture
def bare(daemons, request):
    """A switch without any bridge yet."""
    name = re.sub(r"\W+", "-", request.node.name)[:80]
    daemons.mark_log()
    sw = Switch(daemons, name)
    yield sw
    sw.finish()


@pytest.fixture
def sw(bare):
    """The switch that most tests use:

        vm1 ─┐
        vm2 ─┤ VNI 5001 ─┐
                         ├ br-ov ─ p0 ══ underlay ══ 192.0.2.2 (vm3, VNI 5001)
        vm4 ── VNI 5002 ─┘   │                       192.0.2.3 (no VM)
                           LOCAL

    vm1 and vm2 are bound to one MAC and one address each.  5001 has a gateway
    10.1.0.1/24 and floods to both VTEPs; 5002 has no gateway and floods to
    nobody.
    """
    return standard(bare)


@pytest.fixture(params=frames.UNDERLAYS, ids=str)
def either(bare, request):
    """Switch 'sw' twice: over an IPv4 and over an IPv6 underlay, with
    sw.underlay.vtep(n) instead of 192.0.2.n."""
    return standard(bare, request.param)


@pytest.fixture
def sw4(bare):
    """Switch 'sw', for files in which 'sw' is 'either'."""
    return standard(bare)


@pytest.fixture
def sw6(bare):
    """Switch 'sw' with an IPv6 underlay."""
    return standard(bare, frames.IPV6)


def standard(sw, underlay=frames.IPV4):
    sw.underlay = underlay
    sw.add_bridge()
    build_standard(sw)
    return sw


def build_standard(sw, port_type="dummy"):
    vteps = [sw.underlay.vtep(n) for n in (2, 3)]
    for vtep in vteps:
        sw.add_peer(vtep)
    with sw.transaction():
        sw.add_network(5001, vrf="red", gateway_ips="10.1.0.1/24",
                       flood_vteps=vteps)
        sw.add_network(5002)
        for n in 1, 2:
            sw.add_port(f"vm{n}", 5001,
                        f"{frames.mac(n)} {frames.ip(n)}", type=port_type)
        sw.add_port("vm4", 5002, frames.mac(4), type=port_type)
        sw.add_mac(5001, frames.mac(3), vteps[0], frames.ip(3))
    sw.wait_polled("vm1", "vm2", "vm4")
    sw.wait_vtep(*vteps)
