# SPDX-License-Identifier: Apache-2.0

"""The same rules for every driver of DPDK whose other end is a device of the
kernel, as VM ports and as uplink, and between those and ports without DPDK.

Whole frames and all drops are compared, and that packets in are packets out
and drops; see the switch tier.
"""

import pytest

from devices import LIVE
from ovl.frames import (BROADCAST, GATEWAY_MAC, ICMP, IP, UDP, Ether, Raw,
                        arp_reply, arp_request, ip, mac, udp)
from ovl.process import wait_until

ALL = {**{kind: dict.fromkeys(["vm1", "vm2", "vm4", "p0"], kind)
          for kind in [*LIVE, "memif"]},
       "uplink only": {"p0": "af_packet"},
       "vms only": {"vm1": "tap", "vm2": "af_packet"},
       "mixed": {"vm1": "two-queues", "vm2": "tap", "p0": "pcap"}}

pytestmark = pytest.mark.parametrize("live", ALL.values(), ids=ALL,
                                     indirect=True)


def routed(ttl, src_mac, dst_mac, src="10.1.0.11", dst="10.2.0.14"):
    return bytes(Ether(src=src_mac, dst=dst_mac)
                 / IP(src=src, dst=dst, ttl=ttl)
                 / UDP(sport=1, dport=2) / Raw(b"x" * 100))


def test_frames_go_where_they_should(live):
    """Bridged, encapsulated, decapsulated, routed, flooded, answered."""
    local, remote, back = udp(1, 2), udp(1, 3), udp(3, 1)
    live.expect(("vm1", local), out={"vm2": [local]})
    live.expect(("vm1", remote), out={"p0": [live.encap(remote)]})
    live.expect(("p0", live.decap_in(back)), out={"vm1": [back]})
    live.expect(("vm1", routed(64, mac(1), GATEWAY_MAC)),
                out={"vm4": [routed(63, GATEWAY_MAC, mac(4))]})
    live.expect(("p0", live.decap_in(
        routed(64, mac(3), GATEWAY_MAC, src=ip(3)))),
        out={"vm4": [routed(63, GATEWAY_MAC, mac(4), src=ip(3))]})
    flood = bytes(Ether(src=mac(1), dst=BROADCAST, type=0x88b5)
                  / Raw(b"x" * 46))
    live.expect(("vm1", flood),
                out={"vm2": [flood],
                     "p0": [live.encap(flood, 2), live.encap(flood, 3)]})
    live.expect(("vm1", arp_request(1, ip(2))),
                out={"vm1": [arp_reply(mac(2), ip(2), mac(1), ip(1))]})
    live.expect(("vm1", arp_request(1, "10.1.0.1")),
                out={"vm1": [arp_reply(GATEWAY_MAC, "10.1.0.1", mac(1),
                                       ip(1))]})
    ping = Ether(src=mac(1), dst=GATEWAY_MAC) \
        / IP(src=ip(1), dst="10.1.0.1") / ICMP(id=7, seq=1) / Raw(b"p" * 56)
    pong = Ether(src=GATEWAY_MAC, dst=mac(1)) \
        / IP(src="10.1.0.1", dst=ip(1), flags="DF", id=0) \
        / ICMP(type=0, id=7, seq=1) / Raw(b"p" * 56)
    live.inject("vm1", ping)
    got = wait_frames(live, "vm1", 1)[0]
    assert got[38:] == bytes(pong)[38:]         # Behind its IP header.


def test_what_must_not_pass_does_not(live):
    host = bytes(Ether(src=mac(0x44), dst=BROADCAST, type=0x88b5)
                 / Raw(b"x" * 46))
    live.expect(("vm1", udp(1, 9)),
                drops={("vm1", 5001, "unknown_unicast"): 1})
    live.expect(("vm1", udp(1, 2, src_mac=mac(7))),
                drops={("vm1", 5001, "spoof_mac"): 1})
    live.expect(("p0", live.decap_in(udp(3, 1), vni=7777)),
                drops={("p0", None, "vxlan_unknown_vni"): 1})
    live.expect(("p0", host), out={"br-ov": [host]})
    live.expect(("br-ov", host), out={"p0": [host]})


def test_frames_of_all_sizes_in_order(live):
    """Each of its own length, to a VM, into the tunnel and out of it."""
    frames = [udp(1, 2, payload=bytes([n % 251]) * n)
              for n in range(18, 1473, 31)]
    live.expect(("vm1", *frames), out={"vm2": frames})
    frames = [udp(1, 3, payload=bytes([n % 251]) * n)
              for n in range(18, 1400, 37)]
    live.expect(("vm1", *frames),
                out={"p0": [live.encap(frame) for frame in frames]})
    frames = [udp(3, 1, payload=bytes([n % 251]) * n)
              for n in range(18, 1400, 41)]
    live.expect(("p0", *[live.decap_in(frame) for frame in frames]),
                out={"vm1": frames})


def wait_frames(sw, port, n):
    got = []

    def enough():
        got.extend(sw.collect().get(port, []))
        return len(got) >= n

    wait_until(enough, f"{n} frames out of {port}")
    return got
