# SPDX-License-Identifier: Apache-2.0

"""The merged schema is the stock one and what the overlay promises."""

import copy
import gzip
import os
import re
import subprocess

import pytest

from conftest import PREFIX, SCHEMA

VNI = {"type": "integer", "minInteger": 1, "maxInteger": 16777215}
STRING = "string"
STRINGS = {"key": "string", "min": 0, "max": "unlimited"}
OPTIONAL_STRING = {"key": "string", "min": 0, "max": 1}
OPTIONAL_VNI = {"key": VNI, "min": 0, "max": 1}
STRING_MAP = {"key": "string", "value": "string",
              "min": 0, "max": "unlimited"}


def optional_enum(*values):
    return {"key": {"type": "string", "enum": ["set", list(values)]},
            "min": 0, "max": 1}


ADDED_COLUMNS = {
    "Bridge": {
        "overlay_vtep_ips": {"key": "string", "min": 0, "max": 2},
        "overlay_uplinks": STRINGS,
        "overlay_gateway_mac": OPTIONAL_STRING,
        "overlay_router_mac": OPTIONAL_STRING,
        "overlay_error": OPTIONAL_STRING,
        "overlay_status": STRING_MAP,
    },
    "Port": {
        "overlay_vni": OPTIONAL_VNI,
        "overlay_addresses": STRINGS,
        "overlay_vlan_bindings": {
            "key": {"type": "integer", "minInteger": 0, "maxInteger": 4095},
            "value": VNI, "min": 0, "max": "unlimited"},
        "overlay_error": OPTIONAL_STRING,
    },
}

ADDED_TABLES = {
    "Overlay_Binding": (["iface"], {
        "iface": STRING,
        "vni": {"key": VNI},
        "addresses": STRINGS,
        "error": OPTIONAL_STRING,
        "external_ids": STRING_MAP,
    }),
    "Overlay_Network": (["vni"], {
        "vni": {"key": VNI},
        "name": STRING,
        "vrf": STRING,
        "gateway_ips": STRINGS,
        "gateway_mac": OPTIONAL_STRING,
        "flood_vteps": STRINGS,
        "unknown_unicast": optional_enum("drop", "flood"),
        "neigh_suppress": {"key": "boolean", "min": 0, "max": 1},
        "neigh_miss": optional_enum("drop", "flood"),
        "mtu": {"key": "integer", "min": 0, "max": 1},
        "error": OPTIONAL_STRING,
        "statistics": {"key": "string", "value": "integer",
                       "min": 0, "max": "unlimited"},
        "other_config": STRING_MAP,
        "external_ids": STRING_MAP,
    }),
    "Overlay_Route": (["vrf", "prefix"], {
        "vrf": STRING,
        "prefix": STRING,
        "nexthops": {"key": "string", "min": 0, "max": 64},
        "vni": OPTIONAL_VNI,
        "action": optional_enum("forward", "blackhole", "unreachable",
                                "prohibit"),
        "error": OPTIONAL_STRING,
        "external_ids": STRING_MAP,
    }),
    "Overlay_Neighbor": (["vni", "ip"], {
        "vni": {"key": VNI},
        "ip": STRING,
        "mac": STRING,
        "router": "boolean",
        "error": OPTIONAL_STRING,
        "external_ids": STRING_MAP,
    }),
    "Overlay_MAC": (["vni", "mac"], {
        "vni": {"key": VNI},
        "mac": STRING,
        "vtep": STRING,
        "ips": STRINGS,
        "error": OPTIONAL_STRING,
        "external_ids": STRING_MAP,
    }),
}

WE_WRITE = {"error", "statistics", "overlay_error", "overlay_status"}


def added_columns(merged):
    """Yields the table, name and definition of each column that is ours."""
    for table, columns in ADDED_COLUMNS.items():
        for column in columns:
            yield table, column, merged["tables"][table]["columns"][column]
    for table in ADDED_TABLES:
        for column, definition in merged["tables"][table]["columns"].items():
            yield table, column, definition


def test_stock_parts_are_unchanged(merged, stock):
    without_ours = copy.deepcopy(merged["tables"])
    for table in ADDED_TABLES:
        del without_ours[table]
    for table, columns in ADDED_COLUMNS.items():
        for column in columns:
            del without_ours[table]["columns"][column]
    assert without_ours == stock["tables"]


def test_version_is_above_the_stock_one(merged, stock):
    def number(schema):
        return [int(x) for x in schema["version"].split(".")]
    assert number(merged) > number(stock)


def test_checksum_is_that_of_the_file(merged):
    with open(SCHEMA, encoding="utf-8") as f:
        text = "".join(line for line in f if '"cksum":' not in line)
    done = subprocess.run(["cksum"], input=text, text=True, check=True,
                          stdout=subprocess.PIPE)
    assert done.stdout.strip() == merged["cksum"]


@pytest.mark.parametrize("table", ADDED_COLUMNS)
def test_added_columns_have_their_types(merged, table):
    for column, expected in ADDED_COLUMNS[table].items():
        assert (merged["tables"][table]["columns"][column]["type"]
                == expected), column


@pytest.mark.parametrize("table", ADDED_TABLES)
def test_added_tables_have_their_columns_and_index(merged, table):
    index, columns = ADDED_TABLES[table]
    definition = merged["tables"][table]
    assert definition["isRoot"] is True
    assert definition["indexes"] == [index]
    assert {column: d["type"]
            for column, d in definition["columns"].items()} == columns


def test_columns_that_the_daemon_writes_are_ephemeral_and_no_other(merged):
    for table, column, definition in added_columns(merged):
        assert (definition.get("ephemeral", False)
                == (column in WE_WRITE)), (table, column)


@pytest.mark.parametrize("page", ["ovs-vswitchd.conf.db.5", "overlay.db.5"])
def test_manual_page_describes_every_added_column(merged, page):
    path = os.path.join(PREFIX, "share/man/man5", page)
    opener = open if os.path.exists(path) else gzip.open
    path = path if os.path.exists(path) else path + ".gz"
    with opener(path, "rt", encoding="utf-8") as f:
        tables = re.split(r'^\.SH "(\w+) TABLE"$', f.read(), flags=re.M)
    described = dict(zip(tables[1::2], tables[2::2]))
    for table, column, _ in added_columns(merged):
        assert re.search(r'^\.IP "\\fB%s\\fR: .*"\n.*\w' % column,
                         described[table], re.M), (table, column)
