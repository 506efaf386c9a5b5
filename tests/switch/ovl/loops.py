# SPDX-License-Identifier: Apache-2.0

"""Things done again and again, after which a switch is as it was before."""

import contextlib
import json

from .footprint import Footprint, has_malloc_of_its_own, resident
from .process import wait_until

# Memory that a second round of the same loop may take more, in bytes.
GROWTH = 2 << 20


def state(sw):
    """All tables of the daemon, once it has followed the database."""
    sw.set_rows("set", "Bridge", "br-ov", "external_ids:ping=1")
    result = {}
    for table in "networks", "macs", "neighbors", "ports":
        rows = json.loads(sw.appctl(f"overlay/{table}", "--json"))
        for row in rows:
            row.pop("number", None)
        result[table] = sorted(rows, key=json.dumps)
    return result


@contextlib.contextmanager
def nothing_changes(sw):
    before, process = state(sw), sw.daemons.process
    footprint = Footprint(process)
    yield
    # LOCAL's MTU follows those of ports a little later.
    wait_until(lambda: state(sw) == before, "the tables are not as before")
    wait_until(lambda: not footprint.growth(), "something is leaked: "
               + footprint.growth())


def repeat(sw, loop):
    """Runs 'loop' twice; the second time takes no memory."""
    with nothing_changes(sw):
        loop()
        state(sw)
        before = resident(sw.daemons.process)
        loop()
        state(sw)
        if not has_malloc_of_its_own(sw.daemons.process):
            growth = resident(sw.daemons.process) - before
            assert growth < GROWTH, f"{growth} bytes are leaked"


def delete(table, *where):
    return {"op": "delete", "table": table, "where": list(where)}


def insert(table, **row):
    return {"op": "insert", "table": table, "row": row}


def update(table, where, **row):
    return {"op": "update", "table": table, "where": [where], "row": row}
