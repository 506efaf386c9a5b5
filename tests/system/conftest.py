# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the system tier.  See README.md."""

import os
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../../utilities"))

from overlay_lab import (IPV4, Fabric, Lab, LabError,       # noqa: E402
                         wait_for)

PREFIX = os.environ.get("OVL_PREFIX", "/usr/local")


def pytest_sessionstart(session):
    if not os.path.exists(PREFIX + "/sbin/ovs-vswitchd"):
        pytest.exit("no ovs-vswitchd in %s/sbin: install there, or set "
                    "OVL_PREFIX" % PREFIX, returncode=2)
    for lab in Lab.left_behind("ovt"):
        lab.close()                     # A run that was killed.


def pytest_collection_modifyitems(items):
    if os.geteuid():
        for item in items:
            item.add_marker(pytest.mark.skip(
                reason="network namespaces need root"))


@pytest.fixture
def fabric(request):
    """A world of the test's own, gone afterwards.  'expected' lists regular
    expressions of warnings that the test provokes.  The underlay is IPv4
    unless the test says otherwise: @underlay(IPV6)."""
    families = getattr(request, "param", (IPV4,))
    with Fabric(PREFIX, tag="ovt", families=families) as world:
        world.expected = []
        request.node.fabric = world     # Known also when a set-up fails.
        yield world


@pytest.fixture(scope="module")
def shared_families():
    """A file's own fixture of this name says which it wants."""
    return (IPV4,)


@pytest.fixture(scope="module")
def shared(request, shared_families):
    """A world for all the tests of a file, which leave it as they found it.
    No test of that file uses 'fabric'."""
    with Fabric(PREFIX, tag="ovt", families=shared_families) as world:
        world.expected = []
        request.node.fabric = world
        yield world


@pytest.fixture
def pair(fabric):
    """The world that most tests use, with network 5001 on each host:

        a ── hv1 ══ underlay ══ hv2 ── b

    Returns VMs a and b once packets get from one to the other."""
    return make_pair(fabric)


def underlay(*families):
    """Decorates a test whose fabric has these families, each as a test of its
    own if they are tuples."""
    values = families if isinstance(families[0], tuple) else [families]
    return pytest.mark.parametrize(
        "fabric", values, indirect=True,
        ids=["".join("ipv%d" % f for f in value) for value in values])


def make_pair(fabric, **kwargs):
    hv1, hv2 = fabric.add_hypervisor(), fabric.add_hypervisor()
    fabric.add_network(5001)
    a = fabric.add_vm("a", hv1, 5001, 1, **kwargs)
    b = fabric.add_vm("b", hv2, 5001, 2, **kwargs)
    ready(fabric)
    return a, b


def ready(fabric):
    """Waits until each hypervisor has an adjacency for each VTEP."""
    for hypervisor in fabric.hypervisors:
        for vtep in fabric.peers_of(hypervisor):
            wait_for(lambda: hypervisor.vtep_is_up(vtep),
                     "%s to reach %s" % (hypervisor.name, vtep))


def verify(fabric):
    """What must be so at the end of every test."""
    for hypervisor in fabric.hypervisors:
        if hypervisor.switch and hypervisor.switch.poll() is None:
            try:
                wait_for(hypervisor.conserved, "", timeout=5)
            except LabError:
                pytest.fail("%s: packets in are not packets out and drops: %s"
                            % (hypervisor.name, hypervisor.totals()),
                            pytrace=False)
        complaints = hypervisor.complaints(fabric.expected)
        assert not complaints, (hypervisor.name, complaints[:5])


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    """Runs the test and then verify(), as a part of the test."""
    names = pyfuncitem._fixtureinfo.argnames
    pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names})
    if world_of(pyfuncitem):
        verify(world_of(pyfuncitem))
    return True


def world_of(item):
    """The world of a test, its own or its file's."""
    return getattr(item, "fabric", None) \
        or getattr(item.getparent(pytest.Module), "fabric", None)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Adds to the report of a failure what the daemons say."""
    report = (yield).get_result()
    fabric = world_of(item)
    if not report.failed or call.when == "teardown" or not fabric:
        return
    for hypervisor in fabric.hypervisors:
        report.sections.append(("log of " + hypervisor.name,
                                hypervisor.log()[-6000:]))
        for words in (["overlay/show"], ["overlay/vteps"],
                      ["overlay/drops"], ["overlay/counters"]):
            try:
                text = hypervisor.appctl(*words)
            except LabError as error:
                text = str(error)
            report.sections.append(("%s: %s" % (hypervisor.name, words[0]),
                                    text))
