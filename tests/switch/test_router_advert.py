# SPDX-License-Identifier: Apache-2.0

"""Router advertisements of the gateway (DESIGN 6, RFC 4861 section 6.2).

    vm1 ─┐ fd00::11, fe80::1                   192.0.2.2: vm3 fd00::13
    vm2 ─┤ VNI 5001 ── br-ov ── p0 ══ underlay ══ 192.0.2.3
    vm5 ─┘ (not guarded)   gateway fd00::1, in VRF red
"""

import pytest
from scapy.layers.inet6 import (ICMPv6ND_RA, ICMPv6NDOptMTU,
                                ICMPv6NDOptPrefixInfo, ICMPv6NDOptSrcLLAddr)

from ovl.frames import (GATEWAY_MAC, Dot1Q, Ether, IPv6, decap_in, encap,
                        ip6, link_local, mac)
from ovl.nd import ALL_NODES, ALL_NODES_MAC, icmp6, rs
from ovl.process import wait_until

GATEWAYS = ["10.1.0.1/24", "fd00::1/64"]
FLOOD = ("192.0.2.2", "192.0.2.3")
LIFETIME = 6                    # Of the router: its offset in the message.


def prefix(address="fd00::", length=64, autonomous=0, valid=True):
    return ICMPv6NDOptPrefixInfo(
        prefix=address, prefixlen=length, L=1, A=autonomous, R=0,
        validlifetime=2592000 if valid else 0,
        preferredlifetime=604800 if valid else 0)


def advert(dst_mac=ALL_NODES_MAC, dst=ALL_NODES, mtu=1450, lifetime=1800,
           prefixes=None, router=GATEWAY_MAC):
    """What the router says, whole."""
    message = ICMPv6ND_RA(chlim=64, M=0, O=0, prf=0, routerlifetime=lifetime,
                          reachabletime=0, retranstimer=0)
    message /= ICMPv6NDOptSrcLLAddr(lladdr=router)
    if mtu:
        message /= ICMPv6NDOptMTU(mtu=mtu)
    for option in [prefix()] if prefixes is None else prefixes:
        message /= option
    return icmp6(router, dst_mac, link_local(router), dst, message)


def answer(n=1, src=None, **fields):
    """What VM 'n' is told."""
    return advert(mac(n), src or f"fe80::{n}", **fields)


def ask(n=1, src=None):
    return rs(n, src or f"fe80::{n}", slla=mac(n))


def flooded(frame, *local):
    out = {name: [frame] for name in local}
    out["p0"] = [encap(5001, frame, vtep) for vtep in FLOOD]
    return out


@pytest.fixture
def v6(sw):
    with sw.transaction():
        sw.set_network(5001, gateway_ips=GATEWAYS)
        for n in 1, 2:
            sw.set_rows("set", "Port", f"vm{n}", "overlay_addresses="
                        f'"{mac(n)} {ip6(n)} fe80::{n}"')
        sw.destroy("Overlay_MAC")
        sw.add_mac(5001, mac(3), "192.0.2.2", [ip6(3), "fe80::3"])
    return sw


@pytest.fixture
def open_port(v6):
    v6.add_port("vm5", 5001)
    return v6


def set_options(sw, *options):
    sw.set_rows("set", "Overlay_Network", 5001,
                *[f"other_config:{option}" for option in options])


# Nobody answers.

def test_router_solicitation_is_flooded_where_nobody_routes(v6):
    for change in (["other_config:ra=false"], ["vrf=\"\""],
                   ["gateway_ips=10.1.0.1/24"]):
        v6.set_network(5001, gateway_ips=GATEWAYS, vrf="red")
        v6.set_rows("clear", "Overlay_Network", 5001, "other_config")
        v6.expect(("vm1", ask()), out={"vm1": [answer()]})
        v6.set_rows("set", "Overlay_Network", 5001, *change)
        v6.expect(("vm1", ask()), out=flooded(ask(), "vm2"))


def test_router_solicitation_out_of_a_tunnel_is_not_answered(v6):
    v6.expect(("p0", decap_in(5001, ask(3))),
              out={"vm1": [ask(3)], "vm2": [ask(3)]})


def test_answer_tunnel_answers_router_solicitations(v6):
    set_options(v6, "answer-tunnel=true")
    v6.expect(("p0", decap_in(5001, ask(3))),
              out={"p0": [encap(5001, answer(3))]})


def test_router_solicitations_are_limited_per_port(open_port):
    """50 at once, and the rest is a drop with a name; another port is not
    concerned."""
    sw = open_port
    before, drops = sw.wait_rest(), sw.drops()
    sw.collect()
    sw.inject("vm1", *[ask()] * 90)
    sw.wait_rest(before["received"] + 90)
    answers = sw.collect()["vm1"]
    assert set(answers) == {answer()} and 50 <= len(answers) < 90
    assert sw.drops() - drops == {
        ("vm1", 5001, "rs_limit"): 90 - len(answers)}
    sw.expect(("vm5", ask(5)), out={"vm5": [answer(5)]})


# Answers.

def test_router_solicitation_is_answered_to_who_asked(v6):
    v6.expect(("vm1", ask(), ask(1, ip6(1)), rs(1, ip6(1))),
              ("vm2", ask(2)),
              out={"vm1": [answer(), answer(1, ip6(1)), answer(1, ip6(1))],
                   "vm2": [answer(2)]})


def test_router_solicitation_is_consumed_and_its_answer_generated(v6):
    before = v6.wait_rest()
    v6.expect(("vm1", ask()), out={"vm1": [answer()]})
    after = v6.totals()
    assert after["consumed"] - before["consumed"] == 1
    assert after["generated"] > before["generated"]
    assert after["dropped"] == before["dropped"]


def test_host_without_an_address_is_answered_to_all_nodes(open_port):
    """... that are behind the same port."""
    sw = open_port
    for _ in range(3):          # All that is told at first.
        sw.warp(16000)
        wait_round(sw)
    with Told(sw):
        sw.expect(("vm5", rs(5, "::")), out={"vm5": [advert()]})


def test_answer_is_tagged_as_the_request(v6):
    v6.add_port("trunk1", overlay_vlan_bindings="7=5001")
    tagged, reply = ask(5), answer(5)
    v6.expect(("trunk1", tag(ask(5), 7)),
              out={"trunk1": [tag(reply, 7)]})


def tag(frame, vlan):
    f = Ether(frame)
    return bytes(Ether(src=f.src, dst=f.dst) / Dot1Q(vlan=vlan)
                 / f.payload)


def test_mtu_is_that_of_the_network_or_of_the_uplink(v6):
    v6.set_network(5001, mtu=1400)
    v6.expect(("vm1", ask()), out={"vm1": [answer(mtu=1400)]})
    v6.set_network(5001, mtu=1500)
    v6.expect(("vm1", ask()), out={"vm1": [answer(mtu=1450)]})
    with Told(v6) as told:
        told.first("vm1")
        v6.set_rows("clear", "Overlay_Network", 5001, "mtu")
        v6.set_rows("set", "Interface", "p0", "mtu_request=9000")
        told.until_said("vm1", advert(mtu=8950), warp=3000)
    v6.expect(("vm1", ask()), out={"vm1": [answer(mtu=8950)]})


def test_mtu_of_an_ipv6_underlay(sw6):
    sw6.set_network(5001, gateway_ips=GATEWAYS)
    sw6.add_port("vm5", 5001)
    sw6.expect(("vm5", ask(5)), out={"vm5": [answer(5, mtu=1430)]})


def test_prefixes_are_those_of_the_gateways(v6):
    v6.set_network(5001, gateway_ips=[
        *GATEWAYS, "fd00::2/64", "fd01:0:0:8::1/61", "fe80::77/64"])
    prefixes = [prefix(), prefix("fd01:0:0:8::", 61)]
    v6.expect(("vm1", ask()), out={"vm1": [answer(prefixes=prefixes)]})
    set_options(v6, "ra-autonomous=true")
    prefixes[0].A = 1           # The other does not have 64 bits.
    v6.expect(("vm1", ask()), out={"vm1": [answer(prefixes=prefixes)]})


def test_lifetime_of_the_router(v6):
    for options, lifetime in ((["ra-lifetime=0"], 0),
                              (["ra-lifetime=9000"], 9000),
                              (["ra-lifetime=4", "ra-interval=4"], 4)):
        set_options(v6, *options)
        v6.expect(("vm1", ask()), out={"vm1": [answer(lifetime=lifetime)]})
    v6.set_rows("remove", "Overlay_Network", 5001, "other_config",
                "ra-lifetime")
    v6.expect(("vm1", ask()), out={"vm1": [answer(lifetime=12)]})


def test_router_mac_of_the_network_is_the_source(v6):
    router = "02:00:00:00:77:01"
    v6.set_network(5001, gateway_mac=router)
    v6.expect(("vm1", ask()), out={"vm1": [answer(router=router)]})


@pytest.mark.parametrize("key, value", [
    ("ra", "no"), ("ra-autonomous", "1"), ("ra-lifetime", "9001"),
    ("ra-lifetime", "5"), ("ra-interval", "3"), ("ra-interval", "1801")])
def test_bad_option_is_an_error_on_its_row(v6, key, value):
    set_options(v6, f"{key}={value}")
    error = v6.wait_column("Overlay_Network", 5001, "error", len)
    assert f"other_config:{key}" in error and value in error
    assert "expected" in error
    v6.set_rows("remove", "Overlay_Network", 5001, "other_config", key)
    v6.wait_column("Overlay_Network", 5001, "error",
                   lambda text: text == "[]")
    v6.expect(("vm1", ask()), out={"vm1": [answer()]})


def test_trace_of_a_router_solicitation(v6):
    text = v6.trace("vm1", ask())
    assert "networks: 5001 -> sends router advertisements" in text
    assert f"advertisement: router {GATEWAY_MAC} for 1800 s, MTU 1450" in text
    assert "advertisement: fd00::/64 is on the link\n" in text
    assert "Final: answered, sent to vm1" in text
    set_options(v6, "ra=false")
    text = v6.trace("vm1", ask())
    assert "networks: 5001 -> sends no router advertisements" in text
    assert "Final: sent to vm2, p0, p0" in text


# Unasked.

class Told:
    """What ports are told, by port, from the start of the block on."""

    def __init__(self, sw):
        self.sw = sw
        self.frames = {}

    def __enter__(self):
        self.sw.want_adverts = True
        return self

    def __exit__(self, *_):
        self.sw.want_adverts = False

    def look(self):
        for port, frames in self.sw.collect().items():
            self.frames.setdefault(port, []).extend(frames)
        return self.frames

    def forget(self):
        self.look()
        self.frames = {}

    def until(self, port, n):
        """Waits until 'port' has been told 'n' times."""
        wait_until(lambda: len(self.look().get(port, [])) >= n,
                   f"{port} is not told {n} times: {self.frames}")

    def first(self, *ports):
        """Waits until 'ports', which may be new, have been told."""
        wait_round(self.sw)
        self.sw.warp(16000)
        for port in ports:
            self.until(port, 1)

    def until_said(self, port, frame, warp=0):
        """Waits until 'port' has been told 'frame', time going by if need
        be."""
        def said():
            if frame in self.look().get(port, []):
                return True
            if warp:
                self.sw.warp(warp)
            return False

        wait_until(said, f"{port} is not told so")


def wait_round(sw):
    """Returns when the control thread has been round, so that what was due
    has been sent: ovs-vsctl waits for it to follow each VTEP."""
    for n in 0x80, 0x81:
        sw.add_mac(5002, mac(n), f"192.0.2.{n}")
    sw.destroy("Overlay_MAC", "vni=5002")
    sw.wait_rest()


def test_port_is_told_three_times_at_first(v6):
    """RFC 4861 section 6.2.4: no more than 16 s apart."""
    with Told(v6) as told:
        with v6.transaction():
            v6.add_port("vm6", 5001)
        wait_round(v6)
        assert "vm6" not in told.look()
        told.first("vm6")
        for n in 2, 3:
            v6.warp(16000)
            told.until("vm6", n)
        # Then between 200 and 600 s.
        for n in 4, 5, 6:
            v6.warp(100000)
            wait_round(v6)
            assert len(told.look()["vm6"]) == n - 1
            v6.warp(500000)
            told.until("vm6", n)
    assert set(told.frames["vm6"]) == {advert()}
    assert set(told.frames) <= {"vm1", "vm2", "vm6"}


def test_nothing_unasked_goes_to_the_underlay(v6):
    """... nor to the host, nor to other networks."""
    with Told(v6) as told:
        for n in 1, 2, 3:
            v6.warp(600000)
            told.until("vm1", n)
            told.until("vm2", n)
        assert set(told.look()) == {"vm1", "vm2"}
        assert set(told.frames["vm1"] + told.frames["vm2"]) == {advert()}


def test_port_of_a_vlan_is_told_with_its_tag(v6):
    with Told(v6) as told:
        with v6.transaction():
            v6.add_port("trunk1", overlay_vlan_bindings="7=5001")
        told.first("trunk1")
    assert told.frames["trunk1"][0] == tag(advert(), 7)


def test_unasked_advertisements_are_generated(v6):
    v6.wait_rest()
    before, told_before = v6.totals(), Told(v6)
    network = v6.counters()["networks"]["5001"]["tx_packets"]
    with told_before as told:
        told.forget()
        v6.warp(600000)
        told.until("vm1", 1)
        told.until("vm2", 1)
        after = v6.wait_rest()
        n = sum(map(len, told.look().values()))
    assert after["generated"] - before["generated"] >= n
    assert after["sent"] - before["sent"] >= n
    assert v6.counters()["networks"]["5001"]["tx_packets"] >= network + 2


@pytest.mark.parametrize("change, fields", [
    (["mtu=1400"], dict(mtu=1400)),
    (["other_config:ra-lifetime=7000"], dict(lifetime=7000)),
    (["other_config:ra-autonomous=true"],
     dict(prefixes=[prefix(autonomous=1)])),
    (['gateway_ips=["10.1.0.1/24","fd00::1/64","fd07::1/64"]'],
     dict(prefixes=[prefix(), prefix("fd07::")])),
    (['gateway_ips=["10.1.0.1/24","fd07::1/64"]'],
     dict(prefixes=[prefix("fd07::"), prefix(valid=False)])),
    (['gateway_mac="02:00:00:00:77:01"'],
     dict(router="02:00:00:00:77:01")),
], ids=["mtu", "lifetime", "autonomous", "prefix", "withdrawn", "router"])
def test_change_is_announced(v6, change, fields):
    with Told(v6) as told:
        told.first("vm1", "vm2")
        told.forget()
        v6.set_rows("set", "Overlay_Network", 5001, *change)
        # Three seconds after the last one: RFC 4861 section 6.2.6.
        for port in "vm1", "vm2":
            told.until_said(port, advert(**fields), warp=3000)


@pytest.mark.parametrize("change, prefixes", [
    (["other_config:ra=false"], []),
    (["vrf=\"\""], []),
    (["gateway_ips=10.1.0.1/24"], [prefix(valid=False)]),
], ids=["ra", "vrf", "gateway"])
def test_router_that_is_none_any_more_says_so(v6, change, prefixes):
    """RFC 4861 section 6.2.5."""
    with Told(v6) as told:
        told.first("vm1", "vm2")
        told.forget()
        v6.set_rows("set", "Overlay_Network", 5001, *change)
        last = advert(lifetime=0, mtu=0, prefixes=prefixes)
        for port in "vm1", "vm2":
            told.until_said(port, last)
        told.forget()
        v6.warp(1000000)
        wait_round(v6)
        assert not told.look()


def test_network_that_is_made_again_tells_its_ports_again(v6):
    with Told(v6) as told:
        for _ in range(3):
            told.first("vm1")
            v6.destroy("Overlay_Network", "vni=5001")
            told.forget()
            v6.warp(1000000)
            wait_round(v6)
            assert not told.look()
            v6.add_network(5001, vrf="red", gateway_ips=GATEWAYS)
            told.first("vm1")
            for n in 2, 3:
                v6.warp(16000)
                told.until("vm1", n)
            assert set(told.frames["vm1"]) == {advert()}


def test_ports_are_told_while_the_database_is_away(v6):
    """It is no affair of the main loop's either."""
    with Told(v6) as told:
        told.first("vm1")
        v6.daemons.stop_db()
        try:
            told.forget()
            for n in 1, 2, 3:
                v6.warp(600000)
                told.until("vm1", n)
        finally:
            v6.daemons.start_db()
        v6.allow_log("[Cc]onnection|reconnect")
    v6.wait_rest()
