# SPDX-License-Identifier: Apache-2.0

"""Ports of the I/O thread and of PMD threads, as access port and as uplink.

    vm1, vm2 (dummy | dummy-pmd) ── br-ov ── p0 (dummy | dummy-pmd)

Local, remote and flooded delivery are the same for each, over IPv4 and IPv6.
"""

import itertools

import pytest

from ovl.frames import (BROADCAST, UNDERLAYS, Ether, Raw, arp_reply,
                        arp_request, ip, mac, udp)

from conftest import build_standard

KINDS = ["dummy", "dummy-pmd"]


@pytest.fixture(params=itertools.product(KINDS, KINDS, UNDERLAYS),
                ids=lambda p: f"access={p[0]},uplink={p[1]},{p[2]}")
def typed(bare, request):
    access, uplink, bare.underlay = request.param
    bare.add_bridge(uplink_type=uplink)
    build_standard(bare, access)
    return bare


def test_unknown_unicast_is_dropped(typed):
    typed.expect(("vm1", udp(1, 9)),
                 drops={("vm1", 5001, "unknown_unicast"): 1})


def test_local_delivery(typed):
    frame = udp(1, 2)
    typed.expect(("vm1", frame), out={"vm2": [frame]})


def test_remote_delivery(typed):
    frame = udp(1, 3)
    typed.expect(("vm1", frame), out={"p0": [typed.encap(frame)]})


def test_delivery_out_of_a_tunnel(typed):
    frame = udp(3, 1)
    typed.expect(("p0", typed.decap_in(frame)), out={"vm1": [frame]})


def test_flooded_delivery(typed):
    frame = bytes(Ether(src=mac(1), dst=BROADCAST, type=0x88b5)
                  / Raw(b"x" * 46))
    typed.expect(("vm1", frame),
                 out={"vm2": [frame],
                      "p0": [typed.encap(frame, 2),
                             typed.encap(frame, 3)]})


def test_answer(typed):
    typed.expect(("vm1", arp_request(1, ip(2))),
                 out={"vm1": [arp_reply(mac(2), ip(2), mac(1), ip(1))]})


def test_host_traffic(typed):
    frame = bytes(Ether(src=mac(0x44), dst=BROADCAST, type=0x88b5)
                  / Raw(b"x" * 46))
    typed.expect(("p0", frame), out={"br-ov": [frame]})


def test_burst_in_order(typed):
    frames = [udp(1, 2, payload=b"%04d" % i) for i in range(80)]
    typed.expect(("vm1", *frames), out={"vm2": frames})


def test_several_receive_queues(typed):
    typed.set_rows("set", "Interface", "vm1", "options:n_rxq=2")
    typed.wait_polled("vm1")
    frame = udp(1, 2)
    typed.expect(("vm1", frame), out={"vm2": [frame]})


def test_pmd_mask_change_keeps_forwarding(typed):
    frame = udp(1, 2)
    for mask in "2", "3", "1":
        typed.set_rows("set", "Open_vSwitch", ".",
                       f"other_config:pmd-cpu-mask={mask}")
        typed.wait_polled("vm1")
        typed.expect(("vm1", frame), out={"vm2": [frame]})
    typed.set_rows("remove", "Open_vSwitch", ".", "other_config",
                   "pmd-cpu-mask")
    typed.expect(("vm1", frame), out={"vm2": [frame]})
