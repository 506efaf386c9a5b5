# SPDX-License-Identifier: Apache-2.0
"""Linux as judge of the ND responder: what it makes of our answers, and of
our silence.

       a ── hv1 ══ underlay ══ hv2 ── b
"""

import json
import socket

import pytest
from conftest import make_pair

from overlay_lab import reaches, wait_for

GATEWAY_MAC = "02:00:5e:00:01:01"


@pytest.fixture
def pair6(fabric):
    a, b = make_pair(fabric, ip6=True)
    prefix = a.ip6.rsplit(":", 1)[0]
    a.gateway = prefix + ":1"
    for vm in a, b:
        vm.hypervisor.overlay_ctl("net-set", 5001, "vrf=red",
                                  "gateway=%s/64" % a.gateway)
    return a, b


def address_flags(vm, address):
    """What the VM's kernel thinks of an address of its own: a set of words
    such as "tentative" and "dadfailed"."""
    devices = json.loads(vm.namespace.run("ip", "-6", "-j", "addr", "show",
                                          "dev", vm.device).stdout)
    for info in devices[0]["addr_info"]:
        if info.get("local") == address:
            return {word for word in ("tentative", "dadfailed")
                    if info.get(word)}
    return None


def add_address(vm, address):
    """Adds an address as hosts do, with duplicate address detection."""
    vm.namespace.ip("addr add %s/64 dev %s" % (address, vm.device))


def ask_for(vm, address):
    """Makes the VM's kernel want to know where 'address' is."""
    with vm.namespace.entered():
        index = socket.if_nametoindex(vm.device)
    with vm.namespace.socket(socket.AF_INET6, socket.SOCK_DGRAM) as udp:
        udp.sendto(b"hello", (address, 9, 0, index))


def neighbor_words(vm, address):
    return vm.namespace.run("ip", "-6", "neigh", "show",
                            address).stdout.split()


def test_the_kernel_finds_that_an_address_is_another_vm_s(pair6):
    a, b = pair6
    for vm, other in (a, b), (b, a):
        add_address(vm, other.ip6)
        wait_for(lambda: "dadfailed" in address_flags(vm, other.ip6),
                 "the conflict")


def test_the_kernel_finds_that_an_address_is_the_gateway_s(pair6):
    a, _ = pair6
    add_address(a, a.gateway)
    wait_for(lambda: "dadfailed" in address_flags(a, a.gateway),
             "the conflict")


def test_the_kernel_may_have_the_address_that_is_its_own(pair6):
    """The owner gets no answer, though the address is known everywhere."""
    a, b = pair6
    own = a.ip6 + "a1"
    a.hypervisor.overlay_ctl("port-bind", a.port, 5001, a.mac, a.ip, a.ip6,
                             own)
    b.hypervisor.overlay_ctl("mac-del", 5001, a.mac, "--", "mac-add", 5001,
                             a.mac, a.hypervisor.vtep, a.ip, a.ip6, own)
    add_address(a, own)
    wait_for(lambda: address_flags(a, own) == set(), "the address",
             on_timeout=lambda: str(address_flags(a, own)))
    reaches(b, own)


def test_the_kernel_believes_that_the_gateway_is_a_router(pair6):
    a, b = pair6
    for address in a.gateway, "fe80::5eff:fe00:101":
        ask_for(a, address)
        wait_for(lambda: GATEWAY_MAC in neighbor_words(a, address),
                 "the gateway's MAC")
        assert "router" in neighbor_words(a, address)
    reaches(a, b.ip6)
    words = neighbor_words(a, b.ip6)
    assert b.mac in words and "router" not in words


def test_a_reachability_check_of_the_kernel_is_answered_by_the_vm(pair6):
    a, b = pair6
    reaches(a, b.ip6)
    a.namespace.ip("neigh replace %s lladdr %s dev %s nud probe"
                   % (b.ip6, b.mac, a.device))
    wait_for(lambda: "REACHABLE" in neighbor_words(a, b.ip6),
             "unicast solicitations to be answered")

    # Nobody answers in its place.
    b.namespace.ip("link set dev %s down" % b.device)
    a.namespace.ip("neigh replace %s lladdr %s dev %s nud probe"
                   % (b.ip6, b.mac, a.device))
    wait_for(lambda: not {"PROBE", "REACHABLE"}
             & set(neighbor_words(a, b.ip6)), "the check to fail")
