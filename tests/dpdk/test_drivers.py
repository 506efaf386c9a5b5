# SPDX-License-Identifier: Apache-2.0

"""Drivers that play files, or nothing, or back what they got; frames that are
longer than a buffer."""

from conftest import build
from devices import Driver, Files
from ovl.frames import (GATEWAY_MAC, IP, UDP, Ether, Raw, arp_reply,
                        arp_request, ip, mac, udp)
from ovl.process import wait_until


def played(sw, frames, out, drops=None):
    """Lets PMD threads poll, which have 'frames' before them."""
    before, drops_before = sw.wait_rest(), sw.drops()
    sw.polls(True)
    sw.settle(before["received"] + frames, drops_before, out, drops)


def routed(ttl, src_mac, dst_mac, i):
    return bytes(Ether(src=src_mac, dst=dst_mac)
                 / IP(src="10.1.0.11", dst="10.2.0.14", ttl=ttl, id=i)
                 / UDP(sport=i, dport=2) / Raw(b"x" * (i % 1400)))


def test_file_is_forwarded_whole(bare):
    """Some hundred frames of a VM and from the underlay, of each kind."""
    local = [udp(1, 2, payload=b"%d" % i * (i % 300)) for i in range(200)]
    remote = [udp(1, 3, sport=i, payload=b"%d" % i * (i % 300))
              for i in range(200)]
    hops = list(range(150))
    strange = [udp(1, 9)] * 7 + [udp(8, 2)] * 5
    request = arp_request(1, ip(3))
    reply = arp_reply(mac(3), ip(3), mac(1), ip(1))
    back = [udp(3, 1, payload=b"%d" % i * (i % 300)) for i in range(200)]
    sent = [*local, *remote, *strange, request,
            *[routed(9, mac(1), GATEWAY_MAC, i) for i in hops]]
    received = [*[bare.decap_in(frame) for frame in back],
                bare.decap_in(udp(3, 1), vni=99)]
    directory = bare.daemons.dir
    bare.polls(False)
    build(bare, {"vm1": Files(directory, "vm1", sent),
                 "vm2": Files(directory, "vm2"),
                 "vm4": Files(directory, "vm4"),
                 "p0": Files(directory, "p0", received)})
    bare.wait_vtep(bare.underlay.vtep(2))
    before, drops_before = bare.wait_rest(), bare.drops()
    bare.polls(True)
    # Two queues of one thread: the answer is somewhere between those.
    wait_until(lambda: bare.totals()["received"] >= before["received"]
               + len(sent) + len(received), "the files to be read")
    bare.wait_rest()
    got = bare.collect()
    assert got["vm2"] == local
    assert got["vm4"] == [routed(8, GATEWAY_MAC, mac(4), i) for i in hops]
    assert [bytes(f) for f in got["vm1"] if f != reply] == back
    assert got["vm1"].count(reply) == 1
    assert [bare.decapped(f) for f in got["p0"]] == remote
    assert bare.drops() - drops_before == {
        ("vm1", 5001, "unknown_unicast"): 7, ("vm1", 5001, "spoof_mac"): 5,
        ("p0", None, "vxlan_unknown_vni"): 1}


def test_frame_in_many_buffers_is_made_one(bare):
    """The file's frames are longer than what the port's MTU asks for, so each
    comes in several buffers; to a port that has a larger MTU."""
    frames = [udp(1, 2, payload=bytes([n % 251]) * n)
              for n in (100, 1472, 2100, 4000, 8000, 8958)]
    bare.polls(False)
    build(bare, {"vm1": Files(bare.daemons.dir, "vm1", frames),
                 "vm2": Files(bare.daemons.dir, "vm2")})
    set_mtu(bare, "vm2", 9000)
    played(bare, len(frames), out={"vm2": frames})


def test_jumbo_frames(bare):
    """Bridged, into the tunnel and out of it."""
    local, remote, back = (udp(src, dst, payload=b"y" * 8900)
                           for src, dst in ((1, 2), (1, 3), (3, 1)))
    files = {"vm1": [local, remote], "vm2": [], "p0": [bare.decap_in(back)]}
    bare.polls(False)
    build(bare, {port: Files(bare.daemons.dir, port, frames)
                 for port, frames in files.items()})
    for port in files:
        set_mtu(bare, port, 9000)
    bare.wait_vtep(bare.underlay.vtep(2))
    played(bare, 3, out={"vm2": [local], "p0": [bare.encap(remote)],
                         "vm1": [back]})


def set_mtu(sw, port, mtu):
    sw.vsctl("set", "Interface", port, f"mtu_request={mtu}")
    sw.wait_column("Interface", port, "mtu", lambda value: value == str(mtu))
    sw.devices[port].begin()


def test_frames_of_nothing_are_dropped(bare):
    """net_null receives all the time, frames of zeros."""
    build(bare, {"vm1": Driver("net_null_vm1,size=64,copy=1")})
    key = ("vm1", 5001, "bad_source_mac")
    wait_until(lambda: bare.drops()[key] > 10000, "drops of zeros")
    # Others are served meanwhile.
    frame = udp(2, 3)
    bare.inject("vm2", frame)
    got = []
    wait_until(lambda: got.extend(bare.collect().get("p0", [])) or got,
               "a frame from another port")
    assert bare.decapped(got[0]) == frame
    bare.polls(False)
    totals = bare.wait_rest()
    assert totals["dropped"] >= 10000


def test_sink_gets_what_is_sent(bare):
    build(bare, {"vm2": Driver("net_null_vm2,no-rx=1")})
    bare.wait_polled("vm1")
    before = bare.counters()["ports"]["vm2"]
    frames = [udp(1, 2, payload=b"z" * n) for n in range(100, 164)]
    bare.expect(("vm1", *frames))
    after = bare.counters()["ports"]["vm2"]
    assert after["tx_packets"] - before["tx_packets"] == 64
    assert after["tx_bytes"] - before["tx_bytes"] == sum(map(len, frames))


def test_underlay_that_sends_everything_back(bare):
    """net_ring receives what it has sent: encapsulated frames for others go
    to the host, once, and do not turn round again."""
    ring = Driver("net_ring_p0")
    ring.columns = ("options:n_rxq=2",)     # One for each that sends.
    build(bare, {"p0": ring})
    bare.wait_polled("vm1")
    bare.wait_vtep(bare.underlay.vtep(2))
    frames = [udp(1, 3, payload=b"%d" % i) for i in range(50)]
    before, drops = bare.wait_rest(), bare.drops()
    bare.collect()
    bare.inject("vm1", *frames)
    bare.settle(before["received"] + 2 * len(frames), drops,
                out={"br-ov": [bare.encap(frame) for frame in frames]})
