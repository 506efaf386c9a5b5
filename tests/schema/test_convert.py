# SPDX-License-Identifier: Apache-2.0

"""A database of a stock Open vSwitch becomes ours, and back, with its data."""

import json

import pytest

from conftest import SCHEMA, tool

ROWS = [
    {"op": "insert", "table": "Open_vSwitch", "row": {
        "next_cfg": 7, "cur_cfg": 7,
        "external_ids": ["map", [["system-id", "a\"b"]]],
        "bridges": ["set", [["named-uuid", "br"]]],
        "manager_options": ["set", [["named-uuid", "mgr"]]],
        "ssl": ["named-uuid", "ssl"]}},
    {"op": "insert", "table": "Bridge", "uuid-name": "br", "row": {
        "name": "br0", "datapath_type": "netdev",
        "other_config": ["map", [["hwaddr", "02:00:00:00:00:01"]]],
        "controller": ["named-uuid", "ctl"],
        "mirrors": ["named-uuid", "mirror"],
        "flow_tables": ["map", [[0, ["named-uuid", "ft"]]]],
        "netflow": ["named-uuid", "nf"], "sflow": ["named-uuid", "sf"],
        "ports": ["set", [["named-uuid", "p0"], ["named-uuid", "p1"]]]}},
    {"op": "insert", "table": "Port", "uuid-name": "p0", "row": {
        "name": "br0", "interfaces": ["named-uuid", "i0"]}},
    {"op": "insert", "table": "Port", "uuid-name": "p1", "row": {
        "name": "bond", "tag": 5, "trunks": ["set", [1, 2]],
        "qos": ["named-uuid", "qos"],
        "interfaces": ["set", [["named-uuid", "i1"], ["named-uuid", "i2"]]]}},
    {"op": "insert", "table": "Interface", "uuid-name": "i0", "row": {
        "name": "br0", "type": "internal"}},
    {"op": "insert", "table": "Interface", "uuid-name": "i1", "row": {
        "name": "eth1", "external_ids": ["map", [["iface-id", "x"]]]}},
    {"op": "insert", "table": "Interface", "uuid-name": "i2", "row": {
        "name": "vx", "type": "vxlan",
        "options": ["map", [["remote_ip", "192.0.2.9"]]]}},
    {"op": "insert", "table": "QoS", "uuid-name": "qos", "row": {
        "type": "linux-htb", "queues": ["map", [[1, ["named-uuid", "q"]]]]}},
    {"op": "insert", "table": "Queue", "uuid-name": "q", "row": {"dscp": 9}},
    {"op": "insert", "table": "Mirror", "uuid-name": "mirror", "row": {
        "name": "m", "select_all": True,
        "output_port": ["named-uuid", "p1"]}},
    {"op": "insert", "table": "Controller", "uuid-name": "ctl", "row": {
        "target": "tcp:192.0.2.7"}},
    {"op": "insert", "table": "Flow_Table", "uuid-name": "ft", "row": {
        "name": "t0", "flow_limit": 9}},
    {"op": "insert", "table": "NetFlow", "uuid-name": "nf", "row": {
        "targets": "192.0.2.8:1"}},
    {"op": "insert", "table": "sFlow", "uuid-name": "sf", "row": {
        "targets": "192.0.2.8:2"}},
    {"op": "insert", "table": "Manager", "uuid-name": "mgr", "row": {
        "target": "ptcp:6640"}},
    {"op": "insert", "table": "SSL", "uuid-name": "ssl", "row": {
        "private_key": "k", "certificate": "c", "ca_cert": "a"}},
]


def contents(db, stock):
    """Returns all rows of the stock tables, in their stock columns."""
    answer = tool("query", db, json.dumps(
        ["Open_vSwitch"] + [
            {"op": "select", "table": name, "where": [],
             "columns": ["_uuid"] + sorted(table["columns"])}
            for name, table in sorted(stock["tables"].items())]))
    return [sorted(result["rows"], key=json.dumps) for result in answer]


@pytest.fixture
def stock_db(tmp_path, stock_file):
    db = str(tmp_path / "conf.db")
    tool("create", db, stock_file)
    for result in tool("transact", db, json.dumps(["Open_vSwitch"] + ROWS)):
        assert "error" not in (result or {}), result
    return db


def test_converting_a_stock_database_keeps_all_its_data(stock_db, stock):
    before = contents(stock_db, stock)
    assert sum(map(len, before)) == len(ROWS)
    tool("convert", stock_db, SCHEMA)
    assert contents(stock_db, stock) == before


def test_converted_database_takes_our_rows(stock_db):
    tool("convert", stock_db, SCHEMA)
    answer = tool("transact", stock_db, json.dumps([
        "Open_vSwitch",
        {"op": "insert", "table": "Overlay_Network", "row": {"vni": 5001}},
        {"op": "update", "table": "Port", "where": [["name", "==", "bond"]],
         "row": {"overlay_vni": 5001}}]))
    assert answer[1] == {"count": 1}


def test_converting_back_keeps_stock_data_and_drops_ours(stock_db, stock,
                                                         stock_file):
    before = contents(stock_db, stock)
    tool("convert", stock_db, SCHEMA)
    tool("transact", stock_db, json.dumps([
        "Open_vSwitch",
        {"op": "insert", "table": "Overlay_Network", "row": {"vni": 5001}},
        {"op": "update", "table": "Port", "where": [["name", "==", "bond"]],
         "row": {"overlay_vni": 5001}}]))
    tool("convert", stock_db, stock_file)
    assert contents(stock_db, stock) == before
