# SPDX-License-Identifier: Apache-2.0

"""bridge.c's session leaves our tables and columns alone, and "ovs-vsctl"
still ends on a switch without an overlay bridge."""

import re


def start_switch(server):
    server.spawn("sbin/ovs-vswitchd", "--enable-dummy", "--disable-system",
                 "--disable-system-route", "-vjsonrpc:file:dbg",
                 "--log-file=%s/vswitchd.log" % server.dir,
                 "--unixctl=%s/vswitchd.ctl" % server.dir, server.sock)
    server.wait_until(
        lambda: server.vsctl("get", "Open_vSwitch", ".", "cur_cfg")
        == server.vsctl("get", "Open_vSwitch", ".", "next_cfg"))


def monitor_requests(server):
    with open(server.dir + "/vswitchd.log", encoding="utf-8") as f:
        return [line for line in f
                if 'send request, method="monitor' in line
                and '"Open_vSwitch",' in line]


def test_stock_session_omits_what_is_ours(server):
    start_switch(server)
    # Only bridge.c reads or writes this column.
    stock = [line for line in monitor_requests(server)
             if '"cfm_fault"' in line]
    assert stock
    for line in stock:
        assert not re.search(r'"Overlay_|"overlay_', line)
        assert '"datapath_type"' in line and '"next_cfg"' in line


def test_cur_cfg_follows_next_cfg_without_an_overlay_bridge(server):
    start_switch(server)
    for i in range(5):
        server.vsctl("add-br", "br%d" % i,
                     "--", "set", "Bridge", "br%d" % i, "datapath_type=dummy",
                     "--", "set", "Open_vSwitch", ".", "next_cfg=%d" % (
                         int(server.vsctl("get", "Open_vSwitch", ".",
                                          "next_cfg")) + 1))
        server.wait_until(
            lambda: server.vsctl("get", "Open_vSwitch", ".", "cur_cfg")
            == server.vsctl("get", "Open_vSwitch", ".", "next_cfg"),
            timeout=4)
