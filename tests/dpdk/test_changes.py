# SPDX-License-Identifier: Apache-2.0

"""What is configured while packets are on their way.

    vm1, vm2, vm4, p0: ports of DPDK; a stream of numbered frames from vm1 to
    vm2, or into the tunnel, loses none and stays in order.
"""

import contextlib

import pytest

from conftest import build
from devices import AfPacket, Driver
from ovl.frames import mac, udp
from ovl.process import wait_until

# Of vm1, vm2, vm4, p0.
KINDS = {
    "af_packet": ["af_packet"] * 4,
    "tap": ["tap"] * 4,
    "mixed": ["two-queues", "tap", "pcap", "af_packet"],
}

BOUND = f'overlay_addresses="{mac(4)}"'

# The last packets to a port that goes.
GOING = r"(send|recv|receive).*(failed|No such)"


@pytest.fixture(params=KINDS)
def switch(bare, request):
    build(bare, dict(zip(("vm1", "vm2", "vm4", "p0"), KINDS[request.param])))
    bare.wait_polled("vm1", "vm2", "vm4")
    bare.wait_vtep(bare.underlay.vtep(2))
    return bare


@contextlib.contextmanager
def stream(sw, to="vm2"):
    """Yields a function that waits for some more frames."""
    dst, see = (2, bytes) if to == "vm2" else (3, sw.encap)
    with sw.numbered_stream("vm1", lambda i: udp(1, dst, payload=b"%08d" % i),
                            to, see=see) as sent:
        yield lambda n=20: wait_until(
            lambda start=len(sent): len(sent) >= start + n, "a stream")


@pytest.mark.parametrize("to", ["vm2", "p0"])
def test_threads_and_pins(switch, to):
    try:
        with stream(switch, to) as more:
            for mask in 1, 2, 3, 1, 3:
                switch.vsctl("set", "Open_vSwitch", ".",
                             f"other_config:pmd-cpu-mask={mask:#x}")
                more()
            for core in 0, 1, 0:
                switch.vsctl("set", "Interface", "vm1", "other_config:"
                             f"pmd-rxq-affinity=0:{core}")
                more()
            switch.vsctl("remove", "Interface", "vm1", "other_config",
                         "pmd-rxq-affinity")
            for _ in range(5):
                switch.appctl("dpif-overlay/pmd-rxq-rebalance")
                more()
    finally:
        switch.vsctl("remove", "Interface", "vm1", "other_config",
                     "pmd-rxq-affinity")


def test_port_that_comes_back_under_its_name(switch):
    """Deleted and added again; others do not notice.

    It is bound to its MAC: until net_af_packet has bound its socket to its
    device, it gets what comes from any other."""
    switch.allow_log(GOING)
    device = switch.devices["vm4"]
    row = [f"options:dpdk-devargs=\"{device.devargs}\"", *device.columns]
    with stream(switch) as more:
        for _ in range(5):
            switch.vsctl("del-port", "vm4")
            more(10)
            device.close_socket()
            switch.vsctl("add-port", "br-ov", "vm4", "--", "set", "Interface",
                         "vm4", "type=dpdk", *row, "--", "set", "Port", "vm4",
                         "overlay_vni=5001", BOUND)
            more(10)
    frame = udp(4, 2)
    switch.wait_polled("vm4")
    switch.expect(("vm4", frame), out={"vm2": [frame]})


def test_other_ports_get_another_device(switch):
    """options:dpdk-devargs changes: stock code deletes the netdev."""
    switch.allow_log(GOING, r"vm4: could not set configuration \(Resource")
    spare = AfPacket("spare")
    devargs = [switch.devices["vm4"].devargs, spare.devargs]
    try:
        with stream(switch) as more:
            for i in range(4):
                switch.vsctl("set", "Interface", "vm4", "options:dpdk-devargs"
                             f'="{devargs[(i + 1) % 2]}"')
                more()
            switch.vsctl("set", "Interface", "vm4",
                         f'options:dpdk-devargs="{devargs[1]}"')
            more()
        old, switch.devices["vm4"] = switch.devices["vm4"], spare
        switch.ports["vm4"] = spare
        old.close()
        switch.vsctl("set", "Port", "vm4", "overlay_vni=5001", BOUND)
        switch.wait_polled("vm4")
        frame = udp(4, 2)
        switch.expect(("vm4", frame), out={"vm2": [frame]})
    finally:
        if switch.devices["vm4"] is not spare:
            spare.close()


def test_mtu_and_queues_of_another_port(switch):
    switch.allow_log(GOING)
    with stream(switch) as more:
        for mtu in 1400, 1450, 1500:
            switch.vsctl("set", "Interface", "vm4", f"mtu_request={mtu}")
            switch.wait_column("Interface", "vm4", "mtu",
                               lambda value: value == str(mtu))
            more(10)
        for n in 2, 1:
            switch.vsctl("set", "Interface", "vm4", f"options:n_rxq={n}")
            more(10)


def test_every_mtu_shows(bare):
    """Also where nothing else happens that would have somebody look."""
    build(bare, {"vm1": Driver("net_null_vm1,no-rx=1")})
    bare.wait_vtep(bare.underlay.vtep(2))
    for mtu in [1600, 1500] * 5:
        bare.wait_rest()
        bare.vsctl("set", "Interface", "vm1", f"mtu_request={mtu}")
        bare.wait_column("Interface", "vm1", "mtu",
                         lambda value: value == str(mtu))


def test_smaller_mtu_is_obeyed(switch):
    """That of the uplink: what does not fit any more is told."""
    frame = udp(1, 3, payload=b"x" * 1400)
    switch.expect(("vm1", frame), out={"p0": [switch.encap(frame)]})
    switch.vsctl("set", "Interface", "p0", "mtu_request=1400")
    switch.wait_column("Interface", "p0", "mtu", lambda mtu: mtu == "1400")
    switch.wait_polled("vm1", "p0")
    switch.wait_vtep(switch.underlay.vtep(2))
    switch.expect(("vm1", frame), drops={("vm1", 5001, "too_big"): 1})
    frame = udp(1, 3, payload=b"x" * 1300)
    switch.expect(("vm1", frame), out={"p0": [switch.encap(frame)]})


@pytest.mark.parametrize("types", [["netdev"], ["netdev", "dummy"],
                                   ["dummy", "netdev"]], ids="-".join)
def test_stock_bridges_beside_ours(bare, types):
    """At each of its reconfigurations bridge.c deletes what it takes for a
    bridge of the wrong type.  It is here as a bridge of type netdev needs
    root."""
    # What stock code probes a datapath for.
    bare.allow_log(r"\|dpif\|WARN\|Dropped \d+ log messages")
    build(bare, {})
    bare.wait_polled("vm1", "vm2", "vm4")
    bare.wait_vtep(bare.underlay.vtep(2))
    with stream(bare) as more:
        for _ in range(3):
            for type in types:
                bare.vsctl("add-br", f"br-{type}", "--", "set", "Bridge",
                           f"br-{type}", f"datapath_type={type}")
                for i in range(3):
                    bare.vsctl("set", "Bridge", f"br-{type}",
                               f"external_ids:round={i}")
                more()
            for type in types:
                bare.vsctl("del-br", f"br-{type}")
    assert "br-ov: deleted" not in bare.daemons.log_since_mark()
