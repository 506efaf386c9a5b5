# SPDX-License-Identifier: Apache-2.0

"""The packet walks that dpif-overlay/README.md documents are what
overlay/trace prints: a document that cannot rot.

Each walk there is a heading "### Walk: NAME" and a block with the text of the
trace; the topology is that of the fixture 'sw' (conftest.py).
"""

import os
import re

import pytest

from ovl.frames import arp_request, decap_in, ip, mac, udp
from ovl.frames import BROADCAST, GATEWAY_MAC, IP, UDP, Ether, Raw
from ovl.nd import rs

README = os.path.join(os.path.dirname(__file__),
                      "../../dpif-overlay/README.md")


def broadcast(n):
    return bytes(Ether(src=mac(n), dst=BROADCAST, type=0x88b5)
                 / Raw(b"b" * 46))


def to_router(dst, **fields):
    return bytes(Ether(src=mac(1), dst=GATEWAY_MAC)
                 / IP(src=ip(1), dst=dst, **fields)
                 / UDP(sport=1000, dport=2000) / Raw(b"data"))


# Name of the walk -> port, frame.
FRAMES = {
    "to a VM on the same hypervisor": ("vm1", udp(1, 2)),
    "to a VM behind a VTEP": ("vm1", udp(1, 3)),
    "a broadcast": ("vm1", broadcast(1)),
    "an ARP request for a known neighbor": ("vm1", arp_request(1, ip(2))),
    "an ARP request for the gateway":
        ("vm1", arp_request(1, "10.1.0.1")),
    "a router solicitation": ("vm1", rs(1, "fe80::1", slla=mac(1))),
    "to a MAC that no row names": ("vm1", udp(1, 9)),
    "a spoofed source": ("vm1", udp(1, 3, src_mac=mac(2))),
    "out of a tunnel": ("p0", decap_in(5001, udp(3, 1))),
    "out of a tunnel, from a stranger":
        ("p0", decap_in(5001, udp(3, 1), src="192.0.2.77")),
    "routed to another network": ("vm1", to_router("10.5.0.99")),
    "routed, and no row says where to": ("vm1", to_router("10.9.0.1")),
}


def add_second_network(sw):
    sw.add_network(5005, vrf="red", gateway_ips=["10.5.0.1/24"])
    sw.add_mac(5005, mac(0x99), "192.0.2.2", ips=["10.5.0.99"])


def add_ipv6(sw):
    sw.set_network(5001, gateway_ips=["10.1.0.1/24", "2001:db8:1::1/64"])
    sw.set_rows("set", "Port", "vm1",
                f'overlay_addresses="{mac(1)} {ip(1)} 2001:db8:1::11"')


def documented_walks():
    with open(README) as f:
        text = f.read()
    return dict(re.findall(r"^### Walk: (.*)\n\n(?:.*\n)*?```\n((?:.*\n)*?)```",
                           text, re.M))


def without_varying(text):
    """The hash of the inner flow has a seed per process."""
    return re.sub(r"source port \d+", "source port N", text).strip()


def test_every_walk_is_documented():
    assert sorted(documented_walks()) == sorted(FRAMES)


@pytest.mark.parametrize("name", FRAMES)
def test_walk_is_as_documented(sw, name):
    port, frame = FRAMES[name]
    if name.startswith("routed"):
        add_second_network(sw)
    elif "router solicitation" in name:
        add_ipv6(sw)
    assert (without_varying(sw.trace(port, frame))
            == without_varying(documented_walks().get(name, "")))
