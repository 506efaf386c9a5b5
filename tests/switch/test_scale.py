# SPDX-License-Identifier: Apache-2.0

"""Many rows in one transaction (DESIGN 7): they take force, no packet is lost
meanwhile, and their memory comes back.  'make bench-control' measures it.

    vm1 ─┐
    vm2 ─┤ VNI 5001 ── br-ov ── p0 ══ underlay ══ 192.0.2.2, 192.0.2.3
                                                  (20 000 VMs)
"""

import json
import random

import pytest

from conftest import running_daemons
from ovl.database import Database
from ovl.footprint import has_malloc_of_its_own, resident
from ovl.frames import Ether, Raw, arp_reply, arp_request, encap, mac, udp
from ovl.process import wait_until

N_ROWS = 20000
N_SAMPLE = 20
VTEPS = "192.0.2.2", "192.0.2.3"

# The thread that reads the rows may have waited for a processor.
BUSY = r"\|(timeval|poll_loop)(\(\w+\))?\|"


@pytest.fixture
def daemons(tmp_path):
    """Fresh for each test: memory is compared."""
    with running_daemons(tmp_path) as d:
        yield d


@pytest.fixture
def db(sw):
    sw.allow_log(BUSY)
    database = Database(f"{sw.daemons.dir}/db.sock")
    database.transact(DELETE_ALL)       # vm3.
    yield database
    database.close()


def mac_of(i):
    return f"52:54:01:00:{i >> 8:02x}:{i & 255:02x}"


def ip_of(i):
    return f"10.2.{i >> 8}.{i & 255}"


def insert_all():
    return [{"op": "insert", "table": "Overlay_MAC",
             "row": {"vni": 5001, "mac": mac_of(i), "vtep": VTEPS[i % 2],
                     "ips": ip_of(i)}} for i in range(N_ROWS)]


DELETE_ALL = {"op": "delete", "table": "Overlay_MAC", "where": []}


def wait_macs(sw, n):
    """'n' besides those of vm1, vm2 and vm4."""
    sw.wait_column("Bridge", "br-ov", "overlay_status:macs",
                   lambda value: int(value) == n + 3)


def frame_to(i):
    return bytes(Ether(src=mac(1), dst=mac_of(i), type=0x88b5)
                 / Raw(b"x" * 46))


def sample():
    return random.Random(1).sample(range(N_ROWS), N_SAMPLE)


def test_large_transaction_takes_force_and_loses_no_packet(sw, db):
    with sw.stream("vm1", udp(1, 2), "vm2"):
        db.transact(*insert_all())
        wait_macs(sw, N_ROWS)
    frames = [frame_to(i) for i in sample()]
    sw.expect(("vm1", *frames),
              out={"p0": [encap(5001, frame, VTEPS[i % 2])
                          for i, frame in zip(sample(), frames)]})
    i = N_ROWS - 1
    sw.expect(("vm1", arp_request(1, ip_of(i))),
              out={"vm1": [arp_reply(mac_of(i), ip_of(i), mac(1),
                                     "10.1.0.11")]})

    # One more, one less.
    sw.add_mac(5001, mac(9), VTEPS[1])
    sw.expect(("vm1", udp(1, 9)), out={"p0": [encap(5001, udp(1, 9),
                                                    VTEPS[1])]})
    sw.destroy("Overlay_MAC", f'mac="{mac_of(0)}"')
    sw.expect(("vm1", frame_to(0)), ("vm1", frame_to(1)),
              out={"p0": [encap(5001, frame_to(1), VTEPS[1])]},
              drops={("vm1", 5001, "unknown_unicast"): 1})

    with sw.stream("vm1", udp(1, 2), "vm2"):
        db.transact(DELETE_ALL)
        wait_macs(sw, 0)
    sw.expect(("vm1", *frames),
              drops={("vm1", 5001, "unknown_unicast"): len(frames)})


def test_memory_of_many_rows_comes_back(sw, db):
    process = sw.daemons.process
    if has_malloc_of_its_own(process):
        pytest.skip("a sanitizer keeps memory on purpose")

    before = resident(process)
    for _ in range(3):
        db.transact(*insert_all())
        wait_macs(sw, N_ROWS)
        full = resident(process)
        db.transact(DELETE_ALL)
        wait_macs(sw, 0)
        wait_until(lambda: resident(process) - before < (full - before) / 8,
                   f"of {full - before} bytes for {N_ROWS} rows "
                   "too many are kept")


# Routes.

def route_op(i):
    return {"op": "insert", "table": "Overlay_Route",
            "row": {"vrf": "amber" if i else "cyan",
                    "prefix": f"172.{16 + (i >> 16)}.{i >> 8 & 255}."
                              f"{i & 255}/32",
                    "action": "prohibit"}}


def fib(sw, *args):
    return json.loads(sw.appctl("overlay/fib", *args, "--json"))


def test_fib_of_many_routes_is_listed(sw, db):
    """Packets go on, and so does the main thread."""
    with sw.stream("vm1", udp(1, 2), "vm2"):
        db.transact(*[route_op(i) for i in range(N_ROWS)])
        wait_until(lambda: fib(sw, "amber", "172.16.78.31")
                   and fib(sw, "cyan"), "the routes are not there")
        assert len(fib(sw, "amber")) == N_ROWS - 1
    assert [r["prefix"] for r in fib(sw, "amber", "172.16.5.252/30")] == [
        f"172.16.5.{n}/32" for n in range(252, 256)]
    assert [r["vrf"] for r in fib(sw, "prefix=172.16.0.0/31")] == ["amber",
                                                                  "cyan"]
    assert [r["prefix"] for r in fib(sw, "red", "prefix=0.0.0.0/0")] == [
        "10.1.0.0/24", "10.1.0.1/32"]
    assert not fib(sw, "amber", "::/0")
    with sw.stream("vm1", udp(1, 2), "vm2"):
        db.transact({"op": "delete", "table": "Overlay_Route", "where": []})
        wait_until(lambda: not fib(sw, "amber"), "the routes stay")
