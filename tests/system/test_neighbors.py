# SPDX-License-Identifier: Apache-2.0
"""ARP between VMs.

       a ── hv1 ══ underlay ══ hv2 ── b
"""

from overlay_lab import Sniffer, arp_request, ping, reaches, wait_for


def test_arp_for_a_remote_vm_is_answered_locally(pair, fabric):
    a, b = pair
    with fabric.watch(a.hypervisor) as near, \
            fabric.watch(b.hypervisor) as far:
        a.forget_neighbors()
        assert ping(a, b.ip).lost == 0
        assert a.neighbor(b.ip) == b.mac
        inner = [f.inner for f in near.frames(5001) + far.frames(5001)]
    assert inner and not [f for f in inner if f.arp]


def test_no_question_about_a_vm_ever_leaves_un_encapsulated(pair, fabric):
    a, _ = pair
    a.forget_neighbors()
    with fabric.watch(a.hypervisor) as wire:
        assert ping(a, "10.1.0.99", wait=0.2).received == 0
        bare = [f.arp for f in wire.frames() if f.arp]
    assert not [arp for arp in bare if "10.1.0." in arp[1] + arp[2]]


def test_arp_for_the_gateway_is_answered_locally(pair, fabric):
    a, _ = pair
    a.hypervisor.overlay_ctl("net-set", 5001, "vrf=red",
                             "gateway=10.1.0.1/24")
    with fabric.watch(a.hypervisor) as wire:
        ping(a, "10.1.0.1", count=1, wait=0.2)
        assert a.neighbor("10.1.0.1") == "02:00:5e:00:01:01"
        assert not [f for f in wire.frames(5001) if f.inner.arp]


def test_without_suppression_the_vm_itself_answers(pair, fabric):
    a, b = pair
    a.hypervisor.overlay_ctl("net-set", 5001, "neigh-suppress=false")
    a.forget_neighbors()
    with Sniffer(b.namespace, "eth0") as other:
        reaches(a, b.ip)
        assert [f for f in other.frames() if f.arp == (1, a.ip, b.ip)]


def test_a_neighbor_that_no_row_names_is_found_by_flooding(pair):
    a, b = pair
    a.hypervisor.overlay_ctl("mac-del", 5001, b.mac, "--", "mac-add", 5001,
                             b.mac, b.hypervisor.vtep)
    a.forget_neighbors()
    with Sniffer(b.namespace, "eth0") as other:
        reaches(a, b.ip)
        assert [f for f in other.frames() if f.arp == (1, a.ip, b.ip)]


def test_no_flooding_where_neigh_miss_is_drop(pair, fabric):
    a, b = pair
    a.hypervisor.overlay_ctl("net-set", 5001, "neigh-miss=drop")
    question = arp_request(a.mac, a.ip, "10.1.0.99")
    with fabric.watch(a.hypervisor) as wire, \
            a.namespace.socket(17, 3, 0) as raw:
        raw.bind(("eth0", 0))
        raw.send(question)
        wait_for(lambda: a.hypervisor.drops("neigh_miss", port="a") == 1,
                 "the drop")
        assert not wire.frames(5001)


def test_a_liveness_check_reaches_the_vm(pair):
    """A unicast request is about the VM, not about its address."""
    a, b = pair
    with Sniffer(b.namespace, "eth0") as other, \
            a.namespace.socket(17, 3, 0) as raw:
        raw.bind(("eth0", 0))
        raw.send(arp_request(a.mac, a.ip, b.ip, dst=b.mac))
        other.wait(lambda f: f.arp == (1, a.ip, b.ip), "the request")
