# SPDX-License-Identifier: Apache-2.0

"""overlay/trace tells what happens to a frame, and does nothing (DESIGN 6
rule 11).

    vm1 ─┐
    vm2 ─┤ VNI 5001 ── br-ov ── p0 ══ underlay ══ 192.0.2.2 (vm3), 192.0.2.3
"""

import re
import shlex

import pytest

from ovl.frames import (BROADCAST, Ether, Raw, arp_request, decap_in, encap,
                        ip, mac, udp)
from ovl.unixctl import UnixctlError


def broadcast(n):
    return bytes(Ether(src=mac(n), dst=BROADCAST, type=0x88b5)
                 / Raw(b"b" * 46))


def test_trace_of_an_unknown_port_is_an_error(sw):
    with pytest.raises(UnixctlError):
        sw.trace("nosuch", udp(1, 2))


@pytest.mark.parametrize("text", ["x", "525", "zz" * 20])
def test_trace_of_a_malformed_frame_is_an_error(sw, text):
    with pytest.raises(UnixctlError):
        sw.appctl("overlay/trace", "vm1", text)


@pytest.mark.parametrize("length", [1, 13])
def test_trace_of_a_short_frame_says_so(sw, length):
    assert "too_short" in sw.trace("vm1", udp(1, 2)[:length])


@pytest.mark.parametrize("length", [65408, 65536, 70000, 200000])
def test_trace_of_a_frame_that_is_too_long_is_an_error(sw, length):
    with pytest.raises(UnixctlError, match=f"no frame has {length} bytes: "
                       "65407 at most"):
        sw.appctl("overlay/trace", "vm1", "5a" * length)


@pytest.mark.parametrize("length", [1514, 9014, 65407])
def test_trace_of_a_long_frame(sw, length):
    frame = udp(1, 2) + b"z" * length
    assert "Final: sent to vm2" in sw.appctl("overlay/trace", "vm1",
                                             frame[:length].hex())


def test_trace_changes_nothing(sw):
    before = sw.counters()
    drops = sw.drops()
    for port, frame in (("vm1", udp(1, 2)), ("vm1", udp(1, 3)),
                        ("vm1", udp(1, 9)), ("vm1", broadcast(1)),
                        ("vm1", arp_request(1, ip(2))),
                        ("p0", decap_in(5001, udp(3, 1)))):
        sw.trace(port, frame)
    assert sw.counters() == before
    assert sw.drops() == drops
    assert not sw.collect()


def test_trace_of_local_unicast_names_tables_keys_and_port(sw):
    text = sw.trace("vm1", udp(1, 2))
    assert "5001" in text
    assert mac(2) in text
    assert re.search(r"\bvm2\b", text)


def test_trace_of_remote_unicast_names_the_vtep(sw):
    text = sw.trace("vm1", udp(1, 3))
    assert mac(3) in text and "192.0.2.2" in text and "p0" in text


def test_trace_of_a_broadcast_names_every_copy(sw):
    text = sw.trace("vm1", broadcast(1))
    for destination in "vm2", "192.0.2.2", "192.0.2.3":
        assert destination in text


def test_trace_of_a_tunnel_frame(sw):
    text = sw.trace("p0", decap_in(5001, udp(3, 1)))
    assert "192.0.2.2" in text and "5001" in text and "vm1" in text


def test_trace_of_an_arp_request_shows_the_answer(sw):
    text = sw.trace("vm1", arp_request(1, ip(2)))
    assert ip(2) in text and mac(2) in text


@pytest.mark.parametrize("port, frame, reason", [
    ("vm1", udp(1, 9), "unknown_unicast"),
    ("vm1", udp(1, 2, src_mac=mac(7)), "spoof_mac"),
    ("vm4", broadcast(4), "no_destination"),
    ("p0", decap_in(5002, udp(3, 4)), "unknown_vtep"),
    ("p0", decap_in(6666, udp(3, 4)), "vxlan_unknown_vni"),
])
def test_trace_of_a_drop_names_the_reason(sw, port, frame, reason):
    assert reason in sw.trace(port, frame)
    sw.inject(port, frame)


def suggestion(text):
    """The overlay-ctl command that a trace suggests."""
    match = re.search(r"overlay-ctl ((?:net|mac|port|neigh|route)-\S+.*)",
                      text)
    assert match, text
    return shlex.split(match.group(1).rstrip("'\"`."))


def test_missing_network_is_suggested_and_the_suggestion_works(sw):
    sw.add_port("vm5", 7001, mac(5))
    command = suggestion(sw.trace("vm5", broadcast(5)))
    assert command[:2] == ["net-add", "7001"]
    sw.overlay_ctl(*command)
    sw.expect(("vm5", broadcast(5)),
              drops={("vm5", 7001, "no_destination"): 1})


def test_missing_mac_is_suggested(sw):
    command = suggestion(sw.trace("vm1", udp(1, 9)))
    assert command[:3] == ["mac-add", "5001", mac(9)]
    sw.overlay_ctl(*command[:3], "192.0.2.2")
    frame = udp(1, 9)
    sw.expect(("vm1", frame), out={"p0": [encap(5001, frame)]})


def test_missing_binding_is_suggested(sw):
    sw.add_port("vm5")
    command = suggestion(sw.trace("vm5", udp(5, 2)))
    assert command[:2] == ["port-bind", "vm5"]


def test_trace_takes_a_flow_expression(sw):
    text = sw.appctl("overlay/trace", "vm1",
                     f"eth(src={mac(1)},dst={mac(2)}),eth_type(0x0800),"
                     f"ipv4(src={ip(1)},dst={ip(2)},proto=17,tos=0,ttl=64,"
                     "frag=no),udp(src=1,dst=2)")
    assert re.search(r"\bvm2\b", text)


def test_trace_says_how_to_use_it(sw):
    usage = sw.appctl("overlay/trace", "--help")
    assert usage.startswith("usage: overlay/trace PORT HEX-FRAME|FLOW\n")
    with pytest.raises(UnixctlError, match="usage: overlay/trace PORT"):
        sw.appctl("overlay/trace", "vm1")
    example = re.search(r"trace (vm1) (dl_src=\S+)", usage)
    assert "Final: sent to vm2" in sw.appctl("overlay/trace",
                                             *example.groups())


def test_trace_agrees_with_what_packets_do(sw):
    """The same code: where the trace says a frame goes, it goes."""
    for frame, port in ((udp(1, 2), "vm2"), (udp(1, 3), "p0")):
        assert re.search(rf"\b{port}\b", sw.trace("vm1", frame))
        before = sw.wait_rest()
        sw.inject("vm1", frame)
        sw.wait_rest(before["received"] + 1)
        assert list(sw.collect()) == [port]
