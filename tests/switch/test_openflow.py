# SPDX-License-Identifier: Apache-2.0

"""Stock commands on an overlay bridge (DESIGN 8; ROBUSTNESS C-14).

    vm1, vm2 ── br-ov ── p0

What adds flows, groups, meters or packets is refused; dumping and deleting
succeed, empty; nothing crashes.
"""

import json

import pytest

from ovl.frames import udp
from ovl.unixctl import UnixctlError

# The reason of a refusal is in the log.
REFUSED = r"ofproto|ofp_|connmgr|overlay|rconn"

OF13 = ["-O", "OpenFlow13"]


def ofctl(sw, *args):
    return sw.daemons.run("ovs-ofctl", *args, check=False)


def still_forwards(sw):
    frame = udp(1, 2)
    sw.expect(("vm1", frame), out={"vm2": [frame]})


@pytest.fixture
def of(sw):
    sw.allow_log(REFUSED)
    sw.set_rows("set", "Bridge", "br-ov",
                "protocols=[OpenFlow10,OpenFlow11,OpenFlow12,OpenFlow13,"
                "OpenFlow14,OpenFlow15]")
    yield sw
    still_forwards(sw)


@pytest.mark.parametrize("args", [
    ["add-flow", "br-ov", "in_port=1,actions=drop"],
    ["add-flow", "br-ov", "actions=normal"],
    OF13 + ["add-group", "br-ov", "group_id=1,type=all,bucket=output:1"],
    OF13 + ["add-meter", "br-ov", "meter=1,kbps,band=type=drop,rate=1"],
    ["replace-flows", "br-ov", "-"],
], ids=lambda args: args[-3] if isinstance(args, list) else "")
def test_command_that_adds_is_refused(of, args):
    if args[0] == "replace-flows":
        path = f"{of.daemons.dir}/flows"
        with open(path, "w") as file:
            file.write("priority=3,actions=drop\n")
        args = ["replace-flows", "br-ov", path]
    result = ofctl(of, *args)
    assert result.returncode, result.stdout
    assert not flows(of)


def test_packet_out_is_refused_or_goes_nowhere(of):
    ofctl(of, "packet-out", "br-ov",
          f"in_port=local packet={udp(1, 2).hex()} actions=output:1")
    of.wait_rest()
    assert not of.collect()


def flows(sw):
    """Flows that the bridge shows, without ovs-ofctl's heading."""
    result = ofctl(sw, "dump-flows", "br-ov")
    assert result.returncode == 0, result.stderr
    return [line for line in result.stdout.splitlines()
            if "actions=" in line]


@pytest.mark.parametrize("args", [
    ["dump-flows", "br-ov"],
    ["dump-aggregate", "br-ov"],
    ["dump-tables", "br-ov"],
    ["del-flows", "br-ov"],
    OF13 + ["dump-groups", "br-ov"],
    OF13 + ["dump-group-features", "br-ov"],
    OF13 + ["del-groups", "br-ov"],
    OF13 + ["dump-meters", "br-ov"],
    OF13 + ["meter-features", "br-ov"],
    OF13 + ["del-meters", "br-ov"],
    ["dump-tlv-map", "br-ov"],
    ["dump-ports", "br-ov"],
    ["dump-ports-desc", "br-ov"],
    ["show", "br-ov"],
    ["get-frags", "br-ov"],
    ["probe", "br-ov"],
    ["ping", "br-ov"],
    ["queue-get-config", "br-ov", "1"],
    ["queue-stats", "br-ov"],
], ids=lambda args: " ".join(args))
def test_command_that_looks_or_deletes_succeeds(of, args):
    result = ofctl(of, *args)
    if args[0] != "queue-get-config":
        assert result.returncode == 0, result.stderr
    assert "actions=" not in result.stdout


@pytest.mark.parametrize("args", [
    ["mod-port", "br-ov", "vm1", "down"],
    ["mod-port", "br-ov", "vm1", "up"],
    ["mod-port", "br-ov", "vm1", "no-flood"],
    ["mod-port", "br-ov", "vm1", "flood"],
    ["set-frags", "br-ov", "drop"],
    ["set-frags", "br-ov", "normal"],
    OF13 + ["mod-group", "br-ov", "group_id=1,type=all"],
    OF13 + ["mod-table", "br-ov", "0", "controller"],
    ["mod-flows", "br-ov", "actions=drop"],
    ["del-tlv-map", "br-ov"],
    ["bundle", "br-ov", "/dev/null"],
    ["ct-flush-zone", "br-ov", "1"],
], ids=lambda args: " ".join(args))
def test_any_other_command_does_no_harm(of, args):
    ofctl(of, *args)
    if args[0] == "mod-port":
        ofctl(of, "mod-port", "br-ov", "vm1", "up")


def test_ofctl_show_lists_the_ports(of):
    text = ofctl(of, "show", "br-ov").stdout
    for name in "vm1", "vm2", "p0", "br-ov":
        assert f"({name})" in text


def test_dump_ports_counts(of):
    frame = udp(1, 2)
    of.expect(("vm1", frame), out={"vm2": [frame]})
    assert "rx pkts=" in ofctl(of, "dump-ports", "br-ov", "vm1").stdout


def test_vsctl_show_and_dpctl_show(sw):
    assert "overlay" in sw.vsctl("show")
    text = sw.appctl("dpctl/show")
    for name in "vm1", "vm2", "p0":
        assert name in text


@pytest.mark.parametrize("command", [
    ["dpctl/dump-dps"], ["dpctl/dump-flows"], ["dpctl/dump-conntrack"],
    ["dpctl/del-flows"], ["dpctl/ct-stats-show"],
    ["dpif-overlay/pmd-stats-show"], ["dpif-overlay/pmd-rxq-show"],
    ["dpif/show"], ["ofproto/list"], ["ofproto/trace", "br-ov", "in_port=1"],
    ["fdb/show", "br-ov"], ["mdb/show", "br-ov"], ["bond/list"],
    ["stp/show"], ["rstp/show"], ["lacp/show"], ["cfm/show"], ["bfd/show"],
    ["memory/show"], ["coverage/show"], ["upcall/show"],
    ["revalidator/wait"], ["bridge/dump-flows", "br-ov"],
    ["bridge/reconnect", "br-ov"], ["qos/show", "vm1"],
    ["tnl/ports/show"], ["tnl/neigh/show"], ["ovs/route/show"],
    ["overlay/show"], ["overlay/networks"], ["overlay/neighbors"],
    ["overlay/macs"], ["overlay/vteps"], ["overlay/drops"],
    ["overlay/counters"], ["overlay/networks", "--json"],
    ["overlay/neighbors", "--json"], ["overlay/macs", "--json"],
    ["overlay/show", "--json"],
], ids=" ".join)
def test_appctl_command_does_no_harm(sw, command):
    sw.allow_log(r".*")
    try:
        text = sw.appctl(*command)
        if command[-1] == "--json":
            json.loads(text)
    except UnixctlError:
        assert not command[0].startswith("overlay/")
    still_forwards(sw)


@pytest.mark.parametrize("args", [
    ["set", "Bridge", "br-ov", "stp_enable=true"],
    ["set", "Bridge", "br-ov", "rstp_enable=true"],
    ["set", "Bridge", "br-ov", "mcast_snooping_enable=true"],
    ["set", "Bridge", "br-ov", "fail_mode=secure"],
    ["set", "Bridge", "br-ov", "fail_mode=standalone"],
    ["set", "Bridge", "br-ov", "flood_vlans=1"],
    ["set", "Bridge", "br-ov", "other_config:mac-aging-time=60"],
    ["set", "Bridge", "br-ov", "other_config:forward-bpdu=true"],
    ["set-controller", "br-ov", "tcp:127.0.0.1:1"],
    ["set", "Interface", "vm1", "bfd:enable=true"],
    ["set", "Interface", "vm1", "cfm_mpid=1"],
    ["set", "Interface", "vm1", "lldp:enable=true"],
    ["set", "Interface", "vm1", "ingress_policing_rate=1000"],
    ["set", "Port", "vm1", "lacp=active"],
    ["set", "Port", "vm1", "tag=5"],
    ["set", "Port", "vm1", "protected=true"],
    ["--", "--id=@m", "create", "Mirror", "name=m", "select_all=true", "--",
     "set", "Bridge", "br-ov", "mirrors=@m"],
    ["--", "--id=@n", "create", "NetFlow", 'targets="127.0.0.1:1"', "--",
     "set", "Bridge", "br-ov", "netflow=@n"],
    ["--", "--id=@s", "create", "sFlow", 'targets="127.0.0.1:1"', "--",
     "set", "Bridge", "br-ov", "sflow=@s"],
    ["--", "--id=@i", "create", "IPFIX", 'targets="127.0.0.1:1"', "--",
     "set", "Bridge", "br-ov", "ipfix=@i"],
    ["--", "--id=@q", "create", "QoS", "type=linux-htb", "--", "set", "Port",
     "vm1", "qos=@q"],
], ids=lambda args: " ".join(args[-4:]))
def test_any_stock_column_does_no_harm(sw, args):
    sw.allow_log(r".*")
    sw.vsctl(*args)
    still_forwards(sw)
