# SPDX-License-Identifier: Apache-2.0

"""What is made of packets of VMs at vhost-user ports, in buffers of our own:
copies, fragments, segments.  Whole frames; all buffers come back.

    vm1, vm2 (vhost-user), vm4 (net_tap) ── br-ov ── p0 (net_af_packet)
"""

import re

import pytest

import devices
from conftest import build, running_daemons
from ovl import frames
from ovl.frames import BROADCAST, GATEWAY_MAC, IP, UDP, Ether, Raw, ip, mac

# DPDK talks of every message of the protocol.
VHOST_SAYS = r"\|dpdk(\([^)]*\))?\|(WARN|ERR)\|VHOST_"


@pytest.fixture(scope="module")
def daemons(tmp_path_factory, memory):
    with running_daemons(
            tmp_path_factory.mktemp("ovs"), memory,
            other_config=["other_config:userspace-tso-enable=true"]) as d:
        yield d


@pytest.fixture
def vms(bare):
    bare.allow_log(VHOST_SAYS, "userspace-tso-enable",
                   r"netdev_(dpdk|linux).*(TSO|not supported)")
    build(bare, {**{vm: devices.Vm(bare.daemons.dir, vm)
                    for vm in ("vm1", "vm2")},
                 "vm4": "tap", "p0": "af_packet"})
    bare.devices["vm2"].connect()
    bare.wait_polled("vm1", "vm4")
    bare.wait_vtep(*(bare.underlay.vtep(n) for n in (2, 3)))
    yield bare
    assert free_buffers(bare)["common"] < free_buffers(bare)["size"]
    assert free_buffers(bare)["free"] == free_buffers(bare)["size"]


def free_buffers(sw):
    text = sw.appctl("netdev-dpdk/get-mempool-info")
    text = text[text.index("<ovl_std_0>"):]
    size, cached, common = (
        int(re.search(rf"\b{key}=(\d+)", text).group(1))
        for key in ("size", "total_cache_count", "common_pool_count"))
    return {"size": size, "common": common, "free": cached + common}


def test_copies_are_whole(vms):
    floods = [bytes(Ether(src=mac(1), dst=BROADCAST, type=0x88b5)
                    / Raw(bytes([n % 251]) * n)) for n in range(46, 1450, 100)]
    for flood in floods:
        vms.expect(("vm1", flood),
                   out={"vm2": [flood], "p0": [vms.encap(flood, 2),
                                               vms.encap(flood, 3)]})


def fragments(packet, room):
    """RFC 791 section 3.2, for 'room' bytes of payload."""
    payload = bytes(packet[IP].payload)
    for ofs in range(0, len(payload), room):
        last = ofs + room >= len(payload)
        yield bytes(Ether(src=packet.src, dst=packet.dst)
                    / IP(src=packet[IP].src, dst=packet[IP].dst, proto=17,
                         ttl=packet[IP].ttl, id=packet[IP].id,
                         flags=0 if last else "MF", frag=ofs // 8)
                    / Raw(payload[ofs:ofs + room]))


def test_fragments_are_whole(vms):
    vms.set_network(5002, mtu=600)

    def packet(src, dst, ttl):
        return Ether(src=src, dst=dst) \
            / IP(src=ip(1), dst="10.2.0.14", ttl=ttl, id=77) \
            / UDP(sport=1, dport=2) / Raw(bytes(range(250)) * 5)

    vms.expect(("vm1", packet(mac(1), GATEWAY_MAC, 64)),
               out={"vm4": list(fragments(packet(GATEWAY_MAC, mac(4), 63),
                                          576))})


def tcp(payload, seq, ident, flags, dst=mac(3)):
    return bytes(Ether(src=mac(1), dst=dst)
                 / IP(src=ip(1), dst=ip(3), id=ident & 0xffff)
                 / frames.TCP(sport=80, dport=81, seq=seq, flags=flags)
                 / Raw(payload))


def segments(payload, mss, dst=mac(3)):
    """RFC 9293 section 3.1."""
    for i, ofs in enumerate(range(0, len(payload), mss)):
        last = ofs + mss >= len(payload)
        yield tcp(payload[ofs:ofs + mss], 0xfffff000 + ofs & 0xffffffff,
                  0xfffe + i, "PA" if last else "A", dst)


def test_segments_into_the_tunnel_are_whole(vms):
    payload = bytes(i * 7 % 256 for i in range(60000))
    for n, mss in (60000, 1400), (1401, 1400), (1400, 700), (9000, 536):
        before, drops = vms.wait_rest(), vms.drops()
        vms.collect()
        vms.devices["vm1"].send_large(
            tcp(payload[:n], 0xfffff000, 0xfffe, "PA"), mss)
        vms.settle(before["received"] + 1, drops,
                   out={"p0": [vms.encap(segment)
                               for segment in segments(payload[:n], mss)]})
    # More than there are buffers: they come back.
    for _ in range(16383 // 42 + 10):
        vms.devices["vm1"].send_large(
            tcp(payload, 0xfffff000, 0xfffe, "PA"), 1400)
    assert not (vms.drops() - drops)[("vm1", 5001, "no_memory")]
    vms.wait_rest()
    vms.collect()


def test_flooded_segments_are_whole(vms):
    """To one who takes no segments, and into two tunnels."""
    payload = bytes(i * 7 % 256 for i in range(5000))
    before, drops = vms.wait_rest(), vms.drops()
    vms.collect()
    vms.devices["vm1"].send_large(
        tcp(payload, 0xfffff000, 0xfffe, "PA", BROADCAST), 1000)
    out = list(segments(payload, 1000, BROADCAST))
    vms.settle(before["received"] + 1, drops, out={
        "vm2": out, "p0": [vms.encap(segment, n) for n in (2, 3)
                           for segment in out]})
