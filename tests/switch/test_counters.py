# SPDX-License-Identifier: Apache-2.0

"""Every frame is accounted for (DESIGN 6 rule 10).

The identity itself is checked around every expect() of every file; here is
what the single counters say.

    vm1 ─┐
    vm2 ─┤ VNI 5001 ── br-ov ── p0 ══ underlay ══ 192.0.2.2 (vm3), 192.0.2.3
"""

from ovl.frames import (BROADCAST, Ether, Raw, arp_request, decap_in, encap,
                        ip, mac, udp)

ZERO = dict(rx_packets=0, tx_packets=0, rx_bytes=0, tx_bytes=0)


def change(sw, *sends, **kwargs):
    """Sends as expect() does; returns how far the counters went."""
    before = sw.counters()
    sw.expect(*sends, **kwargs)
    after = sw.counters()
    result = {name: after[name] - before[name]
              for name in ("received", "sent", "consumed", "dropped",
                           "replicated", "generated")}
    for kind in "ports", "networks", "vteps":
        result[kind] = {}
        for name, counters in after[kind].items():
            old = before[kind].get(name, ZERO)
            delta = {key: counters[key] - old[key] for key in ZERO}
            if any(delta.values()):
                result[kind][name] = delta
    return result


def traffic(rx_packets=0, tx_packets=0, rx_bytes=0, tx_bytes=0):
    return dict(rx_packets=rx_packets, tx_packets=tx_packets,
                rx_bytes=rx_bytes, tx_bytes=tx_bytes)


def test_local_unicast_is_counted(sw):
    frame = udp(1, 2)
    n = len(frame)
    c = change(sw, ("vm1", frame, frame), out={"vm2": [frame, frame]})
    assert (c["received"], c["sent"], c["dropped"]) == (2, 2, 0)
    assert c["ports"] == {"vm1": traffic(rx_packets=2, rx_bytes=2 * n),
                          "vm2": traffic(tx_packets=2, tx_bytes=2 * n)}
    assert set(c["networks"]) == {"5001"}
    assert c["networks"]["5001"]["rx_packets"] == 2
    assert c["networks"]["5001"]["tx_packets"] == 2
    assert not c["vteps"]


def test_encapsulated_unicast_is_counted(sw):
    frame = udp(1, 3)
    n = len(frame)
    c = change(sw, ("vm1", frame), out={"p0": [encap(5001, frame)]})
    assert (c["received"], c["sent"]) == (1, 1)
    assert c["ports"] == {"vm1": traffic(rx_packets=1, rx_bytes=n),
                          "p0": traffic(tx_packets=1, tx_bytes=n + 50)}
    assert set(c["vteps"]) == {"192.0.2.2"}
    assert c["vteps"]["192.0.2.2"]["tx_packets"] == 1
    assert c["vteps"]["192.0.2.2"]["rx_packets"] == 0


def test_decapsulated_unicast_is_counted(sw):
    inner = udp(3, 1)
    n = len(inner)
    c = change(sw, ("p0", decap_in(5001, inner)), out={"vm1": [inner]})
    assert c["ports"] == {"p0": traffic(rx_packets=1, rx_bytes=n + 50),
                          "vm1": traffic(tx_packets=1, tx_bytes=n)}
    assert c["vteps"]["192.0.2.2"]["rx_packets"] == 1
    assert c["networks"]["5001"]["tx_packets"] == 1


def test_replicated_copies_are_counted(sw):
    frame = bytes(Ether(src=mac(1), dst=BROADCAST, type=0x88b5)
                  / Raw(b"x" * 46))
    c = change(sw, ("vm1", frame),
               out={"vm2": [frame],
                    "p0": [encap(5001, frame, "192.0.2.2"),
                           encap(5001, frame, "192.0.2.3")]})
    assert (c["received"], c["sent"], c["replicated"]) == (1, 3, 2)
    assert {v: c["vteps"][v]["tx_packets"] for v in c["vteps"]} == {
        "192.0.2.2": 1, "192.0.2.3": 1}


def test_answer_is_generated_and_its_request_consumed(sw):
    before = sw.counters()
    n = sw.wait_rest()["received"]
    sw.inject("vm1", arp_request(1, ip(2)))
    sw.wait_rest(n + 1)
    after = sw.counters()
    assert after["consumed"] - before["consumed"] == 1
    assert after["generated"] - before["generated"] == 1
    assert after["sent"] - before["sent"] == 1


def test_drop_is_counted_once_with_port_network_and_reason(sw):
    c = change(sw, ("vm1", udp(1, 9), udp(1, 9)),
               drops={("vm1", 5001, "unknown_unicast"): 2})
    assert (c["received"], c["dropped"], c["sent"]) == (2, 2, 0)
    assert c["ports"]["vm1"]["rx_packets"] == 2


def test_unresolved_copies_are_drops_of_replicated_frames(sw):
    sw.set_network(5001, flood_vteps=["192.0.2.9"])
    frame = bytes(Ether(src=mac(1), dst=BROADCAST, type=0x88b5)
                  / Raw(b"x" * 46))
    c = change(sw, ("vm1", frame), out={"vm2": [frame]},
               drops={("vm1", 5001, "vtep_unresolved"): 1})
    assert c["received"] + c["replicated"] == c["sent"] + c["dropped"] == 2


def test_interface_statistics_column(sw):
    """Straight from the netdev, as for every bridge; libvirt reads it.
    A dummy port counts packets and bytes only."""
    frame = udp(1, 2)
    sw.set_rows("set", "Open_vSwitch", ".",
                "other_config:stats-update-interval=5000")
    sw.expect(("vm1", frame), out={"vm2": [frame]})
    for port, key in (("vm1", "rx_packets"), ("vm1", "rx_bytes"),
                      ("vm2", "tx_packets"), ("vm2", "tx_bytes")):
        sw.wait_column("Interface", port, f"statistics:{key}",
                       lambda value: int(value) > 0)


def test_network_statistics_column(sw):
    frame = udp(1, 2)
    sw.expect(("vm1", frame), out={"vm2": [frame]})
    sw.wait_column("Overlay_Network", "5001", "statistics",
                   lambda value: "rx_packets=" in value)


def test_counters_of_a_port_made_again_start_at_zero(sw):
    frame = udp(1, 2)
    sw.expect(("vm1", frame), out={"vm2": [frame]})
    sw.del_port("vm2")
    sw.add_port("vm2", 5001, mac(2))
    assert sw.counters()["ports"]["vm2"]["tx_packets"] == 0
