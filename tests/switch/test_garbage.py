# SPDX-License-Identifier: Apache-2.0

"""Whoever may write into the database may write anything into it.

Hundreds of rows of garbage in one transaction: control characters, texts that
are programs elsewhere, 64 KB of one letter, addresses that are nearly right.
Each is out of force alone and says so in short printable words; what lists and
logs say stays readable; everything else goes on.
"""

import itertools
import json
import os
import random

from ovl.database import Database
from ovl.frames import mac, udp
from ovl.process import wait_until

TEXTS = [
    "\n", "\r\n2026-01-01T00:00:00Z|00001|ovs|EMER|x", "\x01", "\x7f", "\t",
    "\x1b[31mred\x1b[0m", "\"", "\\", "\\u0000", "%s%n%x", "{}", "]}",
    "../../x", "$(x)", "';--", "\u00e4", "\u202e", "\U0001f600", "\ufffe",
    "10.1.0.1\n", "52:54:00:00:00:01\n", "::ffff:1.2.3.4", "10.0.0.1/33",
    "::1/129", "10.0.0.1/8", "1.2.3", "0x0a000001", "-1", "fe80::1%eth0",
    "1e1", "nan", " 10.1.0.1", "10.1.0.1 ", "10.01.0.1", "x" * 65536,
    "10.1.0.9," * 7000, "52:54:00:00:00:01 " + "10.1.0.9 " * 7000 + "x",
]
INSIDE = "0123456789abcdef:./ \n\t\x02\x1b\"\\%{}"


def values():
    """The texts above, then mixtures, the same in every run."""
    chosen = random.Random(20230216)
    yield from TEXTS
    while True:
        yield "".join(chosen.choices(INSIDE, k=chosen.randrange(1, 40)))


def row(table, column, n, value):
    columns = {
        "Overlay_MAC": {"vni": 5001, "vtep": "192.0.2.2",
                        "mac": "52:54:01:00:%02x:%02x" % divmod(n, 256)},
        "Overlay_Neighbor": {"vni": 5001, "ip": "10.9.%d.%d" % divmod(n, 256),
                             "mac": mac(0x20)},
        "Overlay_Route": {"vrf": "red", "nexthops": "10.1.0.13",
                          "prefix": "10.%d.%d.0/24" % divmod(n, 256)},
        "Overlay_Network": {"vni": 100000 + n},
        "Overlay_Binding": {"iface": "vm%d" % (1000 + n), "vni": 5001},
    }[table]
    columns[column] = value
    return {"op": "insert", "table": table, "row": columns}


COLUMNS = [
    ("Overlay_MAC", "mac"), ("Overlay_MAC", "vtep"), ("Overlay_MAC", "ips"),
    ("Overlay_Neighbor", "ip"), ("Overlay_Neighbor", "mac"),
    ("Overlay_Route", "vrf"), ("Overlay_Route", "prefix"),
    ("Overlay_Route", "nexthops"),
    ("Overlay_Network", "name"), ("Overlay_Network", "vrf"),
    ("Overlay_Network", "gateway_ips"), ("Overlay_Network", "gateway_mac"),
    ("Overlay_Network", "flood_vteps"),
    ("Overlay_Binding", "iface"), ("Overlay_Binding", "addresses"),
]
# What any text is fine for, unless it cannot be shown.
NAMES = ("name", "vrf", "iface")
PER_COLUMN = 60


def garbage():
    return [row(table, column, n * PER_COLUMN + i, value)
            for n, (table, column) in enumerate(COLUMNS)
            for i, value in enumerate(itertools.islice(values(), PER_COLUMN))]


def read_errors(database):
    """[(table, UUID, error or None)] of all rows of our tables."""
    tables = sorted({table for table, _ in COLUMNS})
    results = database.transact(
        *({"op": "select", "table": table, "where": [],
           "columns": ["_uuid", "error"]} for table in tables))
    return [(table, selected["_uuid"][1],
             selected["error"] if isinstance(selected["error"], str) else None)
            for table, result in zip(tables, results)
            for selected in result["rows"]]


def log_size(sw):
    return os.path.getsize(f"{sw.daemons.dir}/ovs-vswitchd.log")


def test_garbage_in_every_column_is_refused_alone(sw):
    database = Database(f"{sw.daemons.dir}/db.sock")
    good = {uuid for _, uuid, _ in read_errors(database)}
    rows = garbage()
    log_before = log_size(sw)
    inserted = {result["uuid"][1]: operation for result, operation
                in zip(database.transact(*rows), rows)}

    def errors():
        return {uuid: error for _, uuid, error in read_errors(database)
                if uuid in inserted}
    names = [uuid for uuid, operation in inserted.items()
             if any(name in operation["row"] for name in NAMES)]
    wait_until(lambda: sum(map(bool, errors().values()))
               >= 0.9 * (len(inserted) - len(names)), "no errors")
    sw.vsctl("set", "Bridge", "br-ov", "external_ids:applied=yes")

    for uuid, error in errors().items():
        if error is not None:
            assert error.isascii() and error.isprintable(), repr(error)
            assert len(error) < 800, error
    assert not [error for _, uuid, error in read_errors(database)
                if uuid in good and error]
    frame = udp(1, 2)
    sw.expect(("vm1", frame), out={"vm2": [frame]})

    # Lists that programs read are JSON, for whatever is in force.
    for command in ("show", "networks", "macs", "neighbors", "vteps", "ports",
                    "drops", "counters"):
        json.loads(sw.appctl(f"overlay/{command}", "--json"))
    for command in ("show", "networks"):
        text = sw.appctl(f"overlay/{command}")
        assert not [c for c in text if ord(c) < 32 and c != "\n"], text

    # Errors are for the database, not for the log.
    assert log_size(sw) - log_before < 20000

    database.transact(*({"op": "delete", "table": table, "where": [
        ["_uuid", "==", ["uuid", uuid]]]} for table, uuid, _
        in read_errors(database) if uuid in inserted))
    sw.vsctl("set", "Bridge", "br-ov", "external_ids:applied=again")
    assert not [error for _, _, error in read_errors(database) if error]
    sw.expect(("vm1", frame), out={"vm2": [frame]})
    database.close()
