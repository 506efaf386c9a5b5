# SPDX-License-Identifier: Apache-2.0

"""ECN and DSCP on the wire, over either underlay (RFC 6040, RFC 2983;
CONFORMANCE sections 2 and 3).

    vm1, vm2 ── VNI 5001 ── br-ov ── p0 ══ underlay ══ 192.0.2.2:       vm3
                                            ╚═════ 2001:db8:ff::2:  vm6
"""

import re
import time

import pytest

from ovl.dual import (FAMILIES, REMOTE, add_ipv6_underlay, expect_sent,
                      packet, received)
from ovl.frames import BROADCAST, Dot1Q, Ether, arp_reply, ip, mac
from ovl.process import wait_until

NOT_ECT, ECT1, ECT0, CE = 0, 1, 2, 3
DROP = None

# RFC 6040 figure 4: (inner, outer): what is delivered, what is said about it.
FIGURE_4 = {
    (NOT_ECT, NOT_ECT): (NOT_ECT, ""),
    (NOT_ECT, ECT0): (NOT_ECT, "!!!"),
    (NOT_ECT, ECT1): (NOT_ECT, "!!!"),
    (NOT_ECT, CE): (DROP, "!!!"),
    (ECT0, NOT_ECT): (ECT0, ""),
    (ECT0, ECT0): (ECT0, ""),
    (ECT0, ECT1): (ECT1, ""),
    (ECT0, CE): (CE, ""),
    (ECT1, NOT_ECT): (ECT1, ""),
    (ECT1, ECT0): (ECT1, "!"),
    (ECT1, ECT1): (ECT1, ""),
    (ECT1, CE): (CE, ""),
    (CE, NOT_ECT): (CE, ""),
    (CE, ECT0): (CE, ""),
    (CE, ECT1): (CE, "!!!"),
    (CE, CE): (CE, ""),
}


@pytest.fixture
def dual(sw):
    add_ipv6_underlay(sw)
    return sw


def events(sw):
    return sw.counters()["events"]


# EC-01.

@pytest.mark.parametrize("inner, outer", FAMILIES)
def test_every_cell_of_figure_4_on_the_wire(dual, inner, outer):
    dscp = 0x28 << 2
    frames, delivered, dropped = [], [], 0
    for (in_ecn, out_ecn), (result, _) in FIGURE_4.items():
        frames.append(received(outer, packet(inner, REMOTE[outer], 1,
                                             dscp | in_ecn), tos=out_ecn))
        if result is DROP:
            dropped += 1
        else:
            delivered.append(packet(inner, REMOTE[outer], 1, dscp | result))
    assert dropped == 1 and len(delivered) == 15
    dual.expect(("p0", *frames), out={"vm1": delivered},
                drops={("p0", 5001, "ecn_ce_not_ect"): 1})


@pytest.mark.parametrize("inner, outer", FAMILIES)
def test_ecn_goes_outside_in_normal_mode(dual, inner, outer):
    """RFC 6040 section 4.1: CE, too."""
    expect_sent(dual, [(outer, packet(inner, 1, REMOTE[outer], 0xa8 | ecn))
                       for ecn in range(4)], range(4))


@pytest.mark.parametrize("outer", [4, 6])
def test_frame_that_is_not_ip_has_no_ecn(dual, outer):
    n = REMOTE[outer]
    inner = arp_reply(mac(n), ip(n), mac(1), ip(1))
    dual.expect(("p0", *[received(outer, inner, tos=ecn)
                         for ecn in range(4)]),
                out={"vm1": [inner] * 4})
    expect_sent(dual, [(outer, arp_reply(mac(1), ip(1), mac(n), ip(n)))],
                [0])


def test_fragments_are_treated_like_any_packet(dual):
    """EC-04."""
    fields = [dict(flags="MF"), dict(flags="MF", frag=10), dict(frag=20)]
    dual.expect(("p0", *[received(4, packet(4, 3, 1, ECT0, **f), tos=CE)
                         for f in fields]),
                out={"vm1": [packet(4, 3, 1, CE, **f) for f in fields]})


@pytest.mark.parametrize("family", [4, 6])
def test_ip_behind_a_priority_tag_is_found(dual, family):
    """EC-05."""
    frame = packet(family, 3, 1, ECT0)
    tagged = frame[:12] + b"\x81\0\xa0\0" + frame[12:]
    dual.expect(("p0", received(4, tagged, tos=CE)),
                out={"vm1": [packet(family, 3, 1, CE)]})


def test_every_copy_of_a_flooded_packet_has_its_ecn(dual):
    def frame(tos):
        return bytes(Ether(BROADCAST_HEADER) / packet(4, 3, 1, tos)[14:])

    dual.expect(("p0", received(4, frame(ECT0), tos=CE)),
                out={"vm1": [frame(CE)], "vm2": [frame(CE)]})


BROADCAST_HEADER = bytes(Ether(src=mac(3), dst=BROADCAST, type=0x800))


# EC-02.

def test_odd_combinations_are_counted_as_events_not_as_drops(dual):
    for (in_ecn, out_ecn), (result, alarm) in FIGURE_4.items():
        before = events(dual)
        frame = received(4, packet(4, 3, 1, in_ecn), tos=out_ecn)
        if result is DROP:
            dual.expect(("p0", frame),
                        drops={("p0", 5001, "ecn_ce_not_ect"): 1})
        else:
            dual.expect(("p0", frame), out={"vm1": [packet(4, 3, 1, result)]})
        after = events(dual)
        assert {name: after[name] - before[name] for name in after
            if name.startswith("ecn")} == {
            "ecn_dangerous": int(alarm == "!!!"),
            "ecn_suspicious": int(alarm == "!")}
    text = dual.appctl("overlay/counters")
    assert f"ecn_dangerous {events(dual)['ecn_dangerous']}" in text


LINE = re.compile(r"\|overlay_events\(ovl_ctl\d*\)\|INFO\|.*: "
                  r"(\d+) dangerous, (\d+) suspicious")


def test_odd_combinations_are_logged_once_a_second_at_most(dual):
    """However many packets there are, and never by a packet thread."""
    start = time.monotonic()
    dual.daemons.mark_log()
    before = events(dual)
    bad = received(4, packet(4, 3, 1, NOT_ECT), tos=ECT1)
    odd = received(4, packet(4, 3, 1, ECT1), tos=ECT0)
    n = 0

    def lines():
        return LINE.findall(dual.daemons.log_since_mark())

    def enough():
        nonlocal n
        dual.inject("p0", bad, bad, odd)
        n += 1
        dual.wait_rest()        # A dummy port holds 100 frames.
        return len(lines()) >= 3

    wait_until(enough, "nothing in the log")
    dual.wait_rest()
    assert events(dual)["ecn_dangerous"] == before["ecn_dangerous"] + 2 * n
    assert events(dual)["ecn_suspicious"] == before["ecn_suspicious"] + n
    # What was counted before, in other tests, may be in the first line.
    wait_until(lambda: sum(int(line[0]) for line in lines()) >= 2 * n,
               "not everything is told")
    assert n > 20 and len(lines()) <= time.monotonic() - start + 2


def test_usual_combinations_are_not_logged(dual):
    wait_until(lambda: not events_are_untold(dual), "log is behind")
    dual.daemons.mark_log()
    before = events(dual)
    frames = [received(4, packet(4, 3, 1, inner), tos=outer)
              for (inner, outer), (_, alarm) in FIGURE_4.items() if not alarm]
    dual.inject("p0", *frames)
    dual.wait_rest()
    assert events(dual) == before
    assert "overlay_events" not in dual.daemons.log_since_mark()


def events_are_untold(sw):
    told = LINE.findall(sw.daemons.read("ovs-vswitchd.log"))
    return (sum(int(line[0]) for line in told)
            != events(sw)["ecn_dangerous"])


def test_trace_tells_of_an_odd_combination(dual):
    text = dual.trace("p0", received(4, packet(4, 3, 1, NOT_ECT), tos=ECT1))
    assert "ecn: inner 0, outer 1: dangerous" in text
    text = dual.trace("p0", received(4, packet(4, 3, 1, ECT0), tos=CE))
    assert "dangerous" not in text and "ecn: inner becomes 3" in text


# DS-01, DS-02, DS-04.

def test_each_configured_dscp(dual):
    for dscp in range(64):
        dual.set_rows("set", "Bridge", "br-ov",
                      f"other_config:vxlan-dscp={dscp}")
        other = 63 - dscp
        n = REMOTE[6]
        expect_sent(
            dual,
            [(outer, packet(inner, 1, REMOTE[outer], other << 2 | ECT0))
             for inner, outer in FAMILIES]
            + [(6, arp_reply(mac(1), ip(1), mac(n), ip(n)))],
            [dscp << 2 | ECT0] * 4 + [dscp << 2])


@pytest.mark.parametrize("inner, outer", FAMILIES)
def test_each_inherited_dscp(dual, inner, outer):
    dual.set_rows("set", "Bridge", "br-ov", "other_config:vxlan-dscp=inherit")
    tos = [dscp << 2 | dscp & 3 for dscp in range(64)]
    expect_sent(dual, [(outer, packet(inner, 1, REMOTE[outer], t))
                       for t in tos], tos)
    n = REMOTE[outer]
    expect_sent(dual, [(outer, arp_reply(mac(1), ip(1), mac(n), ip(n)))],
                [0])


@pytest.mark.parametrize("mode", ["0", "inherit"])
def test_outer_dscp_stays_outside(dual, mode):
    dual.set_rows("set", "Bridge", "br-ov",
                  f"other_config:vxlan-dscp={mode}")
    for inner, outer in FAMILIES:
        frames = [packet(inner, REMOTE[outer], 1, (63 - dscp) << 2)
                  for dscp in range(64)]
        dual.expect(("p0", *[received(outer, frame, tos=dscp << 2)
                             for dscp, frame in enumerate(frames)]),
                    out={"vm1": frames})


def test_priority_tag_says_nothing_about_the_dscp(dual):
    frame = packet(4, 1, 3)
    tagged = bytes(Ether(frame[:12] + b"\x81\0") / Dot1Q(vlan=0, prio=7))
    tagged = tagged[:16] + frame[12:]
    before = dual.wait_rest()
    dual.inject("vm1", tagged)
    dual.wait_rest(before["received"] + 1)
    out, = dual.collect()["p0"]
    assert out[15] == 0 and out[50:] == frame
