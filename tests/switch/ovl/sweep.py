# SPDX-License-Identifier: Apache-2.0

"""What test_sweep.py gives to each management command and each column.

The commands come from the programs, the columns from the schema; what has no
entry here fails the test.  A value is a list of argument lines.  In them, DP
is the overlay datapath, FLOWS, GROUPS, BUNDLE, DPFLOWS, MESSAGES and PCAP are
files, MAC1 and MAC2 belong to vm1 and vm2.
"""

DP = "overlay@ovs-overlay"
FLOW = "priority=3,in_port=1,actions=output:2"
GROUP = "group_id=1,type=select,bucket=output:1,bucket=output:2"
BUCKET = "group_id=1,command_bucket_id=last,bucket=output:1"
METER = "meter=1,kbps,band=type=drop,rate=1000"
ODP_FLOW = "in_port(1),eth_type(0x0800),ipv4()"
CT_TUPLE = "ct_nw_src=10.1.0.11,ct_nw_dst=10.1.0.12"

# ovs-ofctl, with each version of OpenFlow.

OFCTL = {
    "add-flow": ["br-ov " + FLOW, "br-ov actions=normal",
                 "--bundle br-ov " + FLOW],
    "add-flows": ["br-ov FLOWS", "--bundle br-ov FLOWS"],
    "add-group": ["br-ov " + GROUP],
    "add-groups": ["br-ov GROUPS"],
    "add-meter": ["br-ov " + METER],
    "add-tlv-map": ["br-ov {class=0xffff,type=0,len=4}->tun_metadata0"],
    "benchmark": ["br-ov 8 20"],
    "bundle": ["br-ov BUNDLE"],
    "ct-flush": ["br-ov", "br-ov zone=5 " + CT_TUPLE],
    "ct-flush-zone": ["br-ov 5"],
    "del-flows": ["br-ov", "br-ov in_port=1", "--strict br-ov in_port=1",
                  "--bundle br-ov"],
    "del-groups": ["br-ov", "br-ov group_id=1"],
    "del-meter": ["br-ov meter=1"],
    "del-meters": ["br-ov"],
    "del-tlv-map": ["br-ov", "br-ov {class=0xffff,type=0,len=4}"
                             "->tun_metadata0"],
    "diff-flows": ["br-ov FLOWS", "br-ov br-ov"],
    "dump-aggregate": ["br-ov", "br-ov in_port=1"],
    "dump-desc": ["br-ov"],
    "dump-flows": ["br-ov", "br-ov table=1,in_port=1",
                   "--sort --names br-ov"],
    "dump-group-features": ["br-ov"],
    "dump-group-stats": ["br-ov", "br-ov 1"],
    "dump-groups": ["br-ov", "br-ov 1"],
    "dump-ipfix-bridge": ["br-ov"],
    "dump-ipfix-flow": ["br-ov"],
    "dump-meter": ["br-ov meter=1"],
    "dump-meters": ["br-ov"],
    "dump-ports": ["br-ov", "br-ov vm1", "br-ov LOCAL", "br-ov 99"],
    "dump-ports-desc": ["br-ov", "br-ov vm1", "br-ov 99"],
    "dump-table-desc": ["br-ov"],
    "dump-table-features": ["br-ov"],
    "dump-tables": ["br-ov"],
    "dump-tlv-map": ["br-ov"],
    "get-frags": ["br-ov"],
    "help": [""],
    "insert-buckets": ["br-ov " + BUCKET],
    "list-commands": [""],
    "meter-features": ["br-ov"],
    "meter-stats": ["br-ov", "br-ov meter=1"],
    "mod-flows": ["br-ov " + FLOW, "--strict br-ov " + FLOW],
    "mod-group": ["br-ov " + GROUP, "--may-create br-ov " + GROUP],
    "mod-meter": ["br-ov " + METER],
    "mod-port": ["br-ov vm1 down", "br-ov vm1 up", "br-ov vm1 no-flood",
                 "br-ov vm1 flood", "br-ov vm1 no-packet-in",
                 "br-ov vm1 packet-in", "br-ov LOCAL up", "br-ov 99 down"],
    "mod-table": ["br-ov 0 controller", "br-ov 1 drop", "br-ov ALL continue",
                  "br-ov 0 evict", "br-ov 0 noevict",
                  "br-ov 0 vacancy:20,80", "br-ov 0 novacancy"],
    "monitor": ["br-ov 64 invalid_ttl watch:", "br-ov resume watch:!own"],
    "ofp-parse": ["MESSAGES"],
    "ofp-parse-pcap": ["PCAP"],
    "packet-out": ["br-ov 'in_port=controller packet=%s actions=output:1'"
                   % ("ff" * 60),
                   "br-ov 'in_port=1 packet=%s actions=normal'" % ("00" * 64)],
    "ping": ["br-ov", "br-ov 1000"],
    "probe": ["br-ov"],
    "queue-get-config": ["br-ov", "br-ov 1", "br-ov ANY", "br-ov 99"],
    "queue-stats": ["br-ov", "br-ov 1", "br-ov ALL 1", "br-ov 99 1"],
    "remove-buckets": ["br-ov group_id=1,command_bucket_id=all"],
    "replace-flows": ["br-ov FLOWS", "--bundle br-ov FLOWS"],
    "set-frags": ["br-ov drop", "br-ov reassemble", "br-ov nx-match",
                  "br-ov normal"],
    "show": ["br-ov"],
    "snoop": ["br-ov"],
}

# Commands that go on until they are stopped.
OFCTL_ENDLESS = {"monitor", "snoop"}

# These look at their arguments or their standard input; no switch takes part.
OFCTL_LOCAL = {
    "check-vlan", "compose-packet", "encode-error-reply", "encode-hello",
    "ofp-print", "parse-actions", "parse-flow", "parse-flows", "parse-group",
    "parse-instructions", "parse-key-value", "parse-nx-match", "parse-nxm",
    "parse-ofp10-match", "parse-ofp11-match", "parse-oxm", "parse-packet",
    "parse-pcap", "print-error",
}

# ovs-dpctl, and "dpctl/..." of ovs-appctl.  The program opens datapaths by
# itself and knows none of ours.

DPCTL = {
    "add-dp": [DP, "overlay@another", "nosuchtype@x"],
    "add-flow": [f"{DP} {ODP_FLOW} 2", f"{ODP_FLOW} drop"],
    "add-flows": [f"{DP} DPFLOWS", "DPFLOWS"],
    "add-if": [f"{DP} sweep1,type=dummy", f"{DP} vm1",
               f"{DP} sweep2,type=vxlan,remote_ip=192.0.2.2",
               f"{DP} sweep3,type=nosuch"],
    "cache-get-size": [DP, ""],
    "cache-set-size": [f"{DP} x 1"],
    "ct-bkts": [DP, f"{DP} gt=1", ""],
    "ct-del-limits": [f"{DP} zone=1,2"],
    "ct-disable-tcp-seq-chk": [DP],
    "ct-enable-tcp-seq-chk": [DP],
    "ct-get-limits": [DP, f"{DP} zone=1"],
    "ct-get-maxconns": [DP, ""],
    "ct-get-nconns": [DP],
    "ct-get-tcp-seq-chk": [DP],
    "ct-set-limits": [f"{DP} default=10 zone=1,limit=5"],
    "ct-set-maxconns": [f"{DP} 10"],
    "ct-stats-show": [DP, f"{DP} zone=1 verbose", ""],
    "del-dp": ["overlay@another", "nosuchtype@x"],      # DP itself: at the end.
    "del-flow": [f"{DP} {ODP_FLOW}"],
    "del-flows": [DP, f"{DP} DPFLOWS", ""],
    "del-if": [f"{DP} sweep1", f"{DP} nosuch", f"{DP} 9999"],
    "dump-conntrack": [DP, f"-m -s {DP} zone=1", ""],
    "dump-dps": [""],
    "dump-flows": [DP, f"-m --names {DP} filter=in_port=1 type=ovs",
                   f"{DP} type=offloaded", ""],
    "flush-conntrack": [DP, f"{DP} zone=1 {CT_TUPLE}", ""],
    "get-flow": [f"{DP} ufid:01020304-0506-0708-090a-0b0c0d0e0f00"],
    "help": [""],
    "ipf-get-status": [DP],
    "ipf-set-disabled": [f"{DP} v4", f"{DP} v6"],
    "ipf-set-enabled": [f"{DP} v4", f"{DP} v6"],
    "ipf-set-max-nfrags": [f"{DP} 100"],
    "ipf-set-min-frag": [f"{DP} v4 1000", f"{DP} v6 2000"],
    "list-commands": [""],
    "mod-flow": [f"{DP} {ODP_FLOW} 1", f"--may-create {DP} {ODP_FLOW} 1"],
    "mod-flows": [f"{DP} DPFLOWS"],
    "normalize-actions": ["in_port(1),eth() 2,3"],
    "offload-stats-show": [DP, ""],
    "parse-actions": ["2,drop"],
    "set-if": [f"{DP} sweep1,type=dummy", f"{DP} vm1,port_no=1",
               f"{DP} nosuch", f"{DP} vm1,type=tap"],
    "show": [DP, f"-s {DP}", "nosuchtype@x", ""],
}

# Other commands of ovs-appctl.

APPCTL = {
    "autoattach/show-isid": ["", "br-ov"],
    "autoattach/statistics": ["", "br-ov"],
    "autoattach/status": ["", "br-ov"],
    "bfd/set-forwarding": ["vm1 true", "vm1 normal", "false", "normal"],
    "bfd/show": ["", "vm1"],
    "bond/disable-member": ["vm1 vm1"],
    "bond/enable-member": ["vm1 vm1"],
    "bond/hash": ["MAC1", "MAC1 5 7"],
    "bond/list": [""],
    "bond/migrate": ["vm1 1 vm1"],
    "bond/set-active-member": ["vm1 vm1"],
    "bond/show": ["", "vm1"],
    "bridge/dump-flows": ["br-ov", "--offload-stats br-ov", "nosuch"],
    "bridge/reconnect": ["br-ov", "", "nosuch"],
    "cfm/set-fault": ["vm1 true", "vm1 normal", "false", "normal"],
    "cfm/show": ["", "vm1"],
    "coverage/read-counter": ["netdev_sent", "nosuch"],
    "coverage/show": [""],
    "dpif-dummy/change-port-number": ["ovs-overlay vm1 77",
                                      "dummy@ovs-overlay vm1 77"],
    "dpif-netdev/bond-show": ["", DP, "ovs-overlay"],
    "dpif-netdev/dpif-impl-get": [""],
    "dpif-netdev/dpif-impl-set": ["dpif_scalar"],
    "dpif-netdev/miniflow-parser-get": [""],
    "dpif-netdev/miniflow-parser-set": ["scalar"],
    "dpif-netdev/pmd-perf-log-set": ["off"],
    "dpif-netdev/pmd-perf-show": ["", DP],
    "dpif-netdev/pmd-rxq-rebalance": ["", DP],
    "dpif-netdev/pmd-rxq-show": ["", DP],
    "dpif-netdev/pmd-stats-clear": ["", DP],
    "dpif-netdev/pmd-stats-show": ["", DP],
    "dpif-netdev/subtable-lookup-info-get": [""],
    "dpif-netdev/subtable-lookup-prio-set": ["generic 1"],
    "dpif-overlay/pmd-perf-show": ["", "-nh", "-pmd 0", "nosuch"],
    "dpif-overlay/pmd-rxq-rebalance": ["", "ovs-overlay", "nosuch"],
    "dpif-overlay/pmd-rxq-show": ["", "-secs 5", "-pmd 77", "nosuch"],
    "dpif-overlay/pmd-stats-clear": ["", "-pmd 0", "nosuch"],
    "dpif-overlay/pmd-stats-show": ["", "-pmd 0", "nosuch"],
    "dpif/dump-dps": [""],
    "dpif/dump-flows": ["br-ov", "-m --names br-ov", "nosuch"],
    "dpif/set-dp-features": ["br-ov recirc true", "br-ov nosuch true",
                             "br-ov"],
    "dpif/show": [""],
    "dpif/show-dp-features": ["br-ov", "nosuch"],
    "fdb/add": ["br-ov vm1 0 MAC1"],
    "fdb/del": ["br-ov 0 MAC1"],
    "fdb/flush": ["", "br-ov"],
    "fdb/show": ["br-ov"],
    "fdb/stats-clear": ["", "br-ov"],
    "fdb/stats-show": ["br-ov"],
    "lacp/show": ["", "vm1"],
    "lacp/show-stats": ["", "vm1"],
    "list-commands": [""],
    "mdb/flush": ["", "br-ov"],
    "mdb/show": ["br-ov"],
    "memory/show": [""],
    "netdev-dummy/conn-state": ["", "vm1"],
    "netdev-dummy/ip4addr": ["vm2 192.0.2.99/24", "nosuch 192.0.2.99/24",
                             "vm2 x"],
    "netdev-dummy/ip6addr": ["vm2 2001:db8::99/64", "vm2 x"],
    "netdev-dummy/receive": ["vm1 00", "vm1 --qid 9 " + "00" * 60,
                             "vm1 eth(src=MAC1,dst=MAC2),eth_type(0x88b5) "
                             "--len 200", "nosuch 00"],
    "netdev-dummy/set-admin-state": ["vm2 down", "vm2 up", "up"],
    "odp-execute/action-impl-set": ["scalar"],
    "odp-execute/action-impl-show": [""],
    "ofproto/list": [""],
    "ofproto/trace": ["br-ov in_port=1", "br-ov in_port=1 -generate",
                      "br-ov in_port=1 " + "00" * 60,
                      f"{DP} in_port(1),eth(),eth_type(0x0800),ipv4()",
                      "in_port(1),eth(),eth_type(0x0800),ipv4()"],
    "ofproto/trace-packet-out": ["br-ov in_port=1 normal",
                                 "-consistent br-ov in_port=1 output:2",
                                 f"{DP} in_port(1),eth() normal"],
    "overlay/counters": ["", "--json", "port=vm1", "vni=5001 --json",
                         "ip=192.0.2.2", "nosuch=1"],
    "overlay/db-status": ["", "--json"],
    "overlay/drops": ["", "--json", "vm1", "vni=5001", "nosuch"],
    "overlay/macs": ["", "--json", "5001", "mac=MAC2", "port=vm1",
                     "ip=192.0.2.2", "x"],
    "overlay/fib": ["", "--json", "red", "red 10.1.0.11", "ip=10.1.0.11",
                    "red 10.0.0.0/8", "prefix=::/0", "red 10.0.0.1/8",
                    "red nonsense", "nosuch"],
    "overlay/neighbors": ["", "--json", "5001", "ip=10.1.0.11", "mac=MAC1",
                          "ip=x"],
    "overlay/networks": ["", "--json", "5001", "1", "x"],
    "overlay/ports": ["", "--json", "vm1", "nosuch"],
    "overlay/show": ["", "--json", "x"],
    "overlay/trace": ["vm1 " + "00" * 60, "vm1 00", "vm1 xyz", "nosuch 00",
                      "vm1 eth(src=MAC1,dst=MAC2),eth_type(0x0800),ipv4()",
                      "vm1 dl_src=MAC1,dl_dst=MAC2,ip"],
    "overlay/vteps": ["", "--json", "192.0.2.2", "x"],
    "ovs/route/add": ["198.51.100.0/24 br-ov", "2001:db8:9::/64 br-ov",
                      "x br-ov", "203.0.113.0/24 nosuch"],
    "ovs/route/del": ["198.51.100.0/24", "2001:db8:9::/64", "x"],
    "ovs/route/lookup": ["192.0.2.2", "8.8.8.8", "x"],
    "ovs/route/show": [""],
    "qos/show": ["vm1", "nosuch"],
    "qos/show-types": ["vm1", "nosuch"],
    "revalidator/purge": [""],
    "revalidator/wait": [""],
    "rstp/show": ["", "br-ov"],
    "rstp/tcn": ["", "br-ov"],
    "stp/show": ["", "br-ov"],
    "stp/tcn": ["", "br-ov"],
    "tnl/arp/aging": ["", "300", "0"],
    "tnl/arp/flush": [""],
    "tnl/arp/set": ["br-ov 192.0.2.77 MAC1", "nosuch 192.0.2.77 MAC1"],
    "tnl/arp/show": [""],
    "tnl/egress_port_range": ["", "40000 50000", "1 0"],
    "tnl/neigh/aging": ["", "300"],
    "tnl/neigh/flush": [""],
    "tnl/neigh/set": ["br-ov 192.0.2.2 02:00:00:00:01:02",
                      "br-ov 192.0.2.3 02:00:00:00:01:03", "br-ov x y"],
    "tnl/neigh/show": [""],
    "tnl/ports/show": ["", "-v"],
    "upcall/disable-megaflows": [""],
    "upcall/disable-ufid": [""],
    "upcall/enable-megaflows": [""],
    "upcall/enable-ufid": [""],
    "upcall/set-flow-limit": ["1000"],
    "upcall/show": [""],
    "version": [""],
    "vlog/close": [""],
    "vlog/disable-rate-limit": ["nosuch"],
    "vlog/enable-rate-limit": ["nosuch", ""],
    "vlog/list": [""],
    "vlog/list-pattern": [""],
    "vlog/reopen": [""],
    "vlog/set": ["PATTERN:syslog:%m", "nosuch:dbg", "file:dbg", "file:info"],
}

# What would disturb the other commands, in the order in which a daemon of
# their own gets them.
APPCTL_LAST = [
    ("dpctl/del-dp", DP),
    ("time/stop", ""),
    ("time/warp", "5000"),              # In steps it takes a dummy bridge.
    ("exit", "--cleanup"),
]

# Columns.  A value is a list of what follows "set TABLE RECORD", or of whole
# commands where that begins with "--".  RECORD is br-ov, vm1, vm1.


def child(table, settings, column):
    """A new row of 'table' that 'column' refers to."""
    return [f"-- --id=@x create {table} {settings} -- set TABLE RECORD "
            f"{column}=@x"]


COLUMNS = {
    "Bridge": {
        "auto_attach": child("AutoAttach", "system_name=x mappings:1=2",
                             "auto_attach"),
        "controller": child("Controller", 'target="tcp:127.0.0.1:1"',
                            "controller")
        + child("Controller", 'target="ptcp:0:127.0.0.1" '
                "connection_mode=out-of-band", "controller"),
        "datapath_id": ["datapath_id=1234"],
        "datapath_type": ["datapath_type=dummy", "datapath_type=nosuch",
                          'datapath_type=""'],
        "datapath_version": ["datapath_version=7"],
        "external_ids": ["external_ids:bridge-id=x"],
        "fail_mode": ["fail_mode=secure", "fail_mode=standalone"],
        "flood_vlans": ["flood_vlans=1,4095"],
        "flow_tables": ["-- --id=@x create Flow_Table name=t flow_limit=3 "
                        "overflow_policy=evict groups=\"NXM_OF_IN_PORT[]\" "
                        "prefixes=ip_dst external_ids:a=b -- set TABLE "
                        "RECORD flow_tables:0=@x flow_tables:253=@x"],
        "ipfix": child("IPFIX", 'targets="127.0.0.1:1" sampling=1 '
                       "obs_domain_id=1", "ipfix"),
        "mcast_snooping_enable": [
            "mcast_snooping_enable=true "
            "other_config:mcast-snooping-aging-time=5 "
            "other_config:mcast-snooping-table-size=1"],
        "mirrors": [
            "-- --id=@v get Port vm2 -- --id=@w get Port vm1 -- "
            "--id=@x create Mirror name=m select_all=true output_port=@v "
            "-- set TABLE RECORD mirrors=@x",
            "-- --id=@w get Port vm1 -- --id=@x create Mirror name=m "
            "select_src_port=@w select_dst_port=@w output_vlan=7 "
            "-- set TABLE RECORD mirrors=@x"],
        "name": ["name=another"],
        "netflow": child("NetFlow", 'targets="127.0.0.1:1" engine_id=1 '
                         "active_timeout=1 add_id_to_interface=true",
                         "netflow"),
        "other_config": ["other_config:mac-aging-time=10",
                         "other_config:disable-in-band=true"],
        "overlay_error": ["overlay_error=x"],
        "overlay_gateway_mac": ["overlay_gateway_mac=x",
                                'overlay_gateway_mac="02:00:00:00:00:fe"'],
        "overlay_router_mac": ["overlay_router_mac=x",
                               'overlay_router_mac="02:00:00:00:00:fd"'],
        "overlay_status": ["overlay_status:x=y"],
        "overlay_uplinks": ["overlay_uplinks=nosuch",
                            "overlay_uplinks=p0,vm4"],
        "overlay_vtep_ips": ["overlay_vtep_ips=x",
                             'overlay_vtep_ips=192.0.2.1,"2001:db8::1"'],
        "ports": ["ports=[]"],
        "protocols": ["protocols=OpenFlow10", "protocols=OpenFlow15",
                      "protocols=[]"],
        "rstp_enable": ["rstp_enable=true other_config:rstp-priority=4096",
                        "rstp_enable=true stp_enable=true"],
        "rstp_status": ["rstp_status:x=y"],
        "sflow": child("sFlow", 'targets="127.0.0.1:1" sampling=1 polling=1 '
                       "agent=lo header=128", "sflow"),
        "status": ["status:x=y"],
        "stp_enable": ["stp_enable=true other_config:stp-priority=1"],
    },
    "Port": {
        "bond_active_slave": ["bond_active_slave=x"],
        "bond_downdelay": ["bond_downdelay=-1", "bond_downdelay=10"],
        "bond_fake_iface": ["bond_fake_iface=true"],
        "bond_mode": ["bond_mode=balance-tcp", "bond_mode=balance-slb",
                      "bond_mode=active-backup"],
        "bond_updelay": ["bond_updelay=10"],
        "cvlans": ["cvlans=0,4095 vlan_mode=dot1q-tunnel"],
        "external_ids": ["external_ids:x=y"],
        "fake_bridge": ["fake_bridge=true tag=5"],
        "interfaces": [
            "-- --id=@a create Interface name=sweep-a type=dummy -- "
            "--id=@b create Interface name=sweep-b type=dummy -- "
            "add Port vm1 interfaces @a @b"],
        "lacp": ["lacp=active", "lacp=passive other_config:lacp-time=fast",
                 "lacp=off"],
        "mac": ['mac="02:00:00:00:00:99"', "mac=x"],
        "name": ["name=another"],
        "other_config": ["other_config:stp-enable=false",
                         "other_config:transient=true"],
        "overlay_addresses": ["overlay_addresses=x", "overlay_addresses=[]"],
        "overlay_error": ["overlay_error=x"],
        "overlay_vlan_bindings": ["overlay_vlan_bindings:5=5001",
                                  "overlay_vlan_bindings:0=16777215"],
        "overlay_vni": ["overlay_vni=5002", "overlay_vni=[]"],
        "protected": ["protected=true"],
        "qos": ["-- --id=@q create Queue other_config:max-rate=1000 "
                "-- --id=@x create QoS type=linux-htb queues:0=@q queues:7=@q "
                "other_config:max-rate=1000 -- set TABLE RECORD qos=@x"]
        + child("QoS", "type=egress-policer other_config:cir=1 "
                "other_config:cbs=1", "qos")
        + child("QoS", "type=nosuch", "qos"),
        "rstp_statistics": ["rstp_statistics:x=1"],
        "rstp_status": ["rstp_status:x=y"],
        "statistics": ["statistics:x=1"],
        "status": ["status:x=y"],
        "tag": ["tag=0", "tag=4095"],
        "trunks": ["trunks=0,1,4095"],
        "vlan_mode": ["vlan_mode=access tag=5", "vlan_mode=trunk",
                      "vlan_mode=native-tagged", "vlan_mode=native-untagged",
                      "vlan_mode=dot1q-tunnel tag=6"],
    },
    "Interface": {
        "admin_state": ["admin_state=down"],
        "bfd": ["bfd:enable=true bfd:min_rx=100 bfd:min_tx=100",
                "bfd:enable=x bfd:bfd_src_ip=x"],
        "bfd_status": ["bfd_status:x=y"],
        "cfm_fault": ["cfm_fault=true"],
        "cfm_fault_status": ["cfm_fault_status=x"],
        "cfm_flap_count": ["cfm_flap_count=7"],
        "cfm_health": ["cfm_health=50"],
        "cfm_mpid": ["cfm_mpid=1 other_config:cfm_interval=10 "
                     "other_config:cfm_extended=true", "cfm_mpid=-1"],
        "cfm_remote_mpids": ["cfm_remote_mpids=7"],
        "cfm_remote_opstate": ["cfm_remote_opstate=down"],
        "duplex": ["duplex=half"],
        "error": ["error=x"],
        "external_ids": ['external_ids:attached-mac="MAC1" '
                         "external_ids:iface-id=x external_ids:vm-id=y"],
        "ifindex": ["ifindex=7"],
        "ingress_policing_burst": ["ingress_policing_burst=10"],
        "ingress_policing_kpkts_burst": ["ingress_policing_kpkts_burst=10"],
        "ingress_policing_kpkts_rate": ["ingress_policing_kpkts_rate=1000"],
        "ingress_policing_rate": ["ingress_policing_rate=1000"],
        "lacp_current": ["lacp_current=true"],
        "link_resets": ["link_resets=7"],
        "link_speed": ["link_speed=7"],
        "link_state": ["link_state=down"],
        "lldp": ["lldp:enable=true"],
        "mac": ['mac="02:00:00:00:00:99"', 'mac="01:00:00:00:00:99"',
                "mac=x"],
        "mac_in_use": ['mac_in_use="02:00:00:00:00:99"'],
        "mtu": ["mtu=1"],
        "mtu_request": ["mtu_request=1400", "mtu_request=1",
                        "mtu_request=999999"],
        "name": ["name=another"],
        "ofport": ["ofport=5", "ofport=-1"],
        "ofport_request": ["ofport_request=77", "ofport_request=65279"],
        "options": ["options:n_rxq=2 options:n_txq=2 options:numa_id=0",
                    "options:n_rxq=x"],
        "other_config": ["other_config:pmd-rxq-affinity=0:0",
                         "other_config:pmd-rxq-affinity=x"],
        "statistics": ["statistics:x=1"],
        "status": ["status:x=y"],
        "type": ["type=dummy-pmd", "type=nosuch", "type=vxlan", "type=patch",
                 'type=""'],
    },
}

# While these are set, vm1 and vm2 need not reach each other.
CUTS_OFF = {
    ("Bridge", "datapath_type"), ("Bridge", "overlay_uplinks"),
    ("Bridge", "overlay_vtep_ips"), ("Bridge", "ports"),
    ("Port", "interfaces"), ("Port", "overlay_addresses"),
    ("Port", "overlay_vlan_bindings"), ("Port", "overlay_vni"),
    ("Port", "fake_bridge"), ("Interface", "mtu_request"),
    ("Interface", "options"), ("Interface", "type"),
}
