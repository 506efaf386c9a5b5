# SPDX-License-Identifier: Apache-2.0

"""A guest that looks everywhere at once takes nothing away from another one
(ROBUSTNESS A-18): there is no cache of flows that it could fill, and no list of
masks that it could make longer.

    vm1 (victim) ──┐
    vm2 ───────────┤ VNI 5001, VRF red ── br-ov ── p0 ══ 192.0.2.2 (vm3)
    vm5 (scanner) ─┘
"""

import ipaddress
import random
import struct

from ovl.frames import (GATEWAY_MAC, IP, UDP, Ether, encap, ip, mac,
                        normalize, udp)

SCANNER = 5
PREFIXES = [ipaddress.ip_network(p) for p in (
    "20.0.0.0/9", "20.128.0.0/13", "21.16.0.0/14", "22.1.0.0/16",
    "23.1.2.0/23", "24.5.6.0/24", "25.1.1.128/26", "26.3.3.3/32")]
ROUNDS = 8
BURST = 40                      # A dummy's queue holds 100.


def scan(dst_mac, dst_ip):
    return bytes(Ether(src=mac(SCANNER), dst=dst_mac)
                 / IP(src=ip(SCANNER), dst=str(dst_ip))
                 / UDP(sport=1000, dport=2000))


def scan_of_macs(rng, n):
    """Frames to MACs and addresses that nobody has."""
    for _ in range(n):
        dst_mac = "52:57:%02x:%02x:%02x:%02x" % tuple(
            rng.getrandbits(8) for _ in range(4))
        yield scan(dst_mac, ipaddress.ip_address(rng.getrandbits(31)))


def tuple_space_explosion():
    """Packets to the router that leave each prefix at each of its bits, and
    so no mask of a cached flow would cover two of them."""
    for prefix in PREFIXES:
        for bit in range(prefix.prefixlen):
            address = ipaddress.ip_address(
                int(prefix.network_address) ^ 1 << 31 - bit)
            if not any(address in other for other in PREFIXES) \
                    and address.is_global and not address.is_multicast:
                yield scan(GATEWAY_MAC, address)


def numbered(dst, number):
    return udp(1, dst, struct.pack("!I", number))


def test_victim_beside_a_scan_and_a_tuple_space_explosion(sw):
    sw.add_port("vm5", 5001, f"{mac(SCANNER)} {ip(SCANNER)}")
    for prefix in PREFIXES:
        sw.set_rows("create", "Overlay_Route", "vrf=red",
                    f'prefix="{prefix}"', f"nexthops={ip(3)}")
    sw.wait_polled("vm5")
    tables = sw.appctl("overlay/macs"), sw.appctl("overlay/fib", "red")

    rng = random.Random(1)
    explosion = list(tuple_space_explosion())
    assert len(explosion) > 100
    attack = [*scan_of_macs(rng, ROUNDS * BURST - len(explosion)), *explosion]
    rng.shuffle(attack)

    drops = sw.drops()
    received = sw.wait_rest()["received"]
    sw.collect()
    want = {"vm2": [], "p0": []}
    for i in range(ROUNDS):
        burst = attack[i * BURST:(i + 1) * BURST]
        for k, frame in enumerate(burst):
            sw.inject("vm5", frame)
            if k % 9 == 0:                  # The victim sends now and then.
                number = len(want["p0"])
                local, remote = numbered(2, number), numbered(3, number)
                sw.inject("vm1", local, remote)
                want["vm2"].append(local)
                want["p0"].append(encap(5001, remote))
                received += 2
        received += len(burst)
        sw.wait_rest(received)

    got = sw.collect()
    got.pop("vm5")                          # What the router says of it.
    assert {port: list(map(normalize, frames))
            for port, frames in got.items()} == {
                port: list(map(normalize, frames))
                for port, frames in want.items()}
    drops = sw.drops() - drops
    assert drops == {
        ("vm5", 5001, "unknown_unicast"): len(attack) - len(explosion),
        ("vm5", 5001, "no_route"): len(explosion)}
    assert tables == (sw.appctl("overlay/macs"), sw.appctl("overlay/fib",
                                                           "red"))

