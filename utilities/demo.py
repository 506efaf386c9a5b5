# SPDX-License-Identifier: Apache-2.0
"""The part of 'utilities/demo' that comes after building: brings up two
hypervisors and two Linux kernel VTEPs in network namespaces, and shows what
the tables do.  Each step is a function that shows something to the reader,
checks that it is so, and returns the line that the summary has about it."""

import argparse
import signal
import sys
import time

sys.dont_write_bytecode = True

from demo_routing import BLUE, RED, RoutingSteps                  # noqa: E402
from demo_screen import Screen, Wrong, check                      # noqa: E402
from overlay_lab import (IPV4, IPV6, Fabric, Lab, LabError,       # noqa: E402
                         Sniffer, Stream, ethernet, iperf3, ping, reaches,
                         wait_for)
from overlay_lab.wire import BROADCAST                            # noqa: E402

PICTURE = """\
  hv1  192.0.2.1                 underlay               hv2  192.0.2.2
       2001:db8:ff::1                                        2001:db8:ff::2
 +------------------------+                        +------------------------+
 | red1  .11 -+           |        +------+        |           +- red3  .13 |
 | red2  .12 -+- br-ov ---+--------+ wire +--------+--- br-ov -+            |
 | blue1 .11 -+           |        +--+---+        |           +- blue3 .13 |
 +------------------------+           |            +------------------------+
                                      |
      host3  192.0.2.3  --------------+--------------  host4  2001:db8:ff::4
      Linux vxlan device over IPv4: red4 .14   ... over IPv6: red5 .15

 Tenants red (VNI 5001) and blue (VNI 5002) both use 10.1.0.0/24 and fd00::/64,
 and red1 and blue1, red3 and blue3 have the same MAC and IP addresses.  Blue
 has an IPv6 underlay, red an IPv4 one, but for host4, which has IPv6 only."""


class Demo(RoutingSteps):
    """The network, and the steps in the order in which they are shown."""

    def __init__(self, fabric, screen):
        self.fabric = fabric
        self.screen = screen
        self.hv1 = self.hv2 = self.kernel4 = self.kernel6 = None
        self.vm = {}

    def steps(self):
        return [
            ("Bring-up", self.bring_up),
            ("The tables", self.tables),
            ("Ping", self.pings),
            ("Throughput", self.throughput),
            ("Tenants", self.tenants),
            ("ARP and ND", self.neighbors),
            ("A packet's walk", self.walk),
            ("Broadcast", self.broadcast),
            ("IPv6 underlay", self.ipv6_underlay),
            ("Linux kernel VTEPs", self.interoperation),
            ("Routing", self.routing),
            ("Two routers", self.two_routers),
            ("A VM moves", self.vm_moves),
            ("Spoofing", self.spoofing),
            ("Database lost", self.database_lost),
        ]

    def run(self):
        for title, step in self.steps():
            self.screen.heading(title)
            try:
                self.screen.passed(title, step())
            except (Wrong, LabError, OSError) as error:
                self.screen.failed(title, error)
                if step == self.bring_up:
                    break
        return self.screen.summary()

    # Steps.

    def bring_up(self):
        print(PICTURE + "\n")
        start = time.monotonic()
        self.screen.say("""Each hypervisor is a network namespace with its own
            ovsdb-server, ovs-vswitchd and bridge.  Its addresses are on the
            bridge itself; eth1 is the uplink.  On each:""")
        fabric = self.fabric
        self.screen.command("ovs-vsctl add-br br-ov -- set Bridge br-ov",
                            "datapath_type=overlay \\\n",
                            "      "
                            "'overlay_vtep_ips=[192.0.2.1,"
                            "\"2001:db8:ff::1\"]'")
        self.screen.command("ovs-vsctl add-port br-ov eth1",
                            "-- set Bridge br-ov overlay_uplinks=eth1")
        self.screen.command("sysctl net.ipv6.conf.eth1.disable_ipv6=1")
        self.screen.command("ip addr add 192.0.2.1/24 dev br-ov")
        self.screen.command("ip addr add 2001:db8:ff::1/64 dev br-ov")
        self.hv1 = fabric.add_hypervisor()
        self.hv2 = fabric.add_hypervisor()
        self.kernel4 = fabric.add_kernel_vtep(family=IPV4)
        self.kernel6 = fabric.add_kernel_vtep(family=IPV6)
        for hypervisor in fabric.hypervisors:
            fabric.script(hypervisor.name, hypervisor.namespace, {
                key: value for key, value in hypervisor.environment.items()
                if key.startswith("OVS_") or key == "PATH"})
        return "two hypervisors and two Linux kernel VTEPs in %.1f s" % (
            time.monotonic() - start)

    def tables(self):
        fabric = self.fabric
        self.screen.say("""There is no OpenFlow and no tunnel port: rows of
            OVSDB say which ports are in which network, and which MAC address
            is behind which VTEP.  On hv1, for instance:""")
        for line in ("net-add 5001 flood=192.0.2.2,192.0.2.3,2001:db8:ff::4",
                     "port-bind red1 5001 52:54:00:00:00:01 10.1.0.11 "
                     "fd00::11",
                     "mac-add 5001 52:54:00:00:00:03 192.0.2.2 10.1.0.13 "
                     "fd00::13",
                     "mac-add 5002 52:54:00:00:00:03 2001:db8:ff::2 "
                     "10.1.0.13 fd00::13"):
            self.screen.command("overlay-ctl", line)
        fabric.add_network(RED, "name=red")
        fabric.add_network(BLUE, "name=blue", families=(IPV6,))
        for name, where, vni, host in (
                ("red1", self.hv1, RED, 1), ("red2", self.hv1, RED, 2),
                ("blue1", self.hv1, BLUE, 1), ("red3", self.hv2, RED, 3),
                ("blue3", self.hv2, BLUE, 3)):
            self.vm[name] = fabric.add_vm(name, where, vni, host, ip6=True)
        self.vm["red4"] = self.kernel4.add_vm("red4", RED, 4, ip6=True)
        self.vm["red5"] = self.kernel6.add_vm("red5", RED, 5, ip6=True)
        for name, vm in self.vm.items():
            fabric.script(name, vm.namespace)
        self.wait_for_vteps()
        self.screen.command("overlay-ctl show        (on hv1)")
        self.screen.output(self.hv1.overlay_ctl("show"), most=24)
        return "7 VMs of 2 tenants"

    def wait_for_vteps(self):
        """The underlay next hops have been found, by ARP and ND of our
        own."""
        for hypervisor in self.fabric.hypervisors:
            for vni in RED, BLUE:
                for vtep in self.fabric.peers_of(hypervisor, vni):
                    wait_for(lambda: hypervisor.vtep_is_up(vtep),
                             "%s to reach %s" % (hypervisor.name, vtep))

    def pings(self):
        vm = self.vm
        texts = []
        for title, source, destination in (
                ("on one host", vm["red1"], vm["red2"]),
                ("across hosts", vm["red1"], vm["red3"]),
                ("across hosts, the other tenant", vm["blue1"],
                 vm["blue3"])):
            average = self.show_ping(source, destination, title)
            texts.append("%s %s ms" % (title.partition(",")[0], average))
        return "round trip %s, %s" % tuple(texts[:2])

    def show_ping(self, source, destination, title, address=None):
        """Has VM 'source' ping 'destination' five times and returns the
        average round trip in ms."""
        address = address or destination.ip
        self.screen.command("ping -c 5 %s   (%s, %s to %s)" % (
            address, title, source.name, destination.name))
        reaches(source, address)
        text = source.namespace.run("ping", "-n", "-q", "-c", "5", "-i",
                                    "0.05", "-w", "5", address,
                                    check=False).stdout
        self.screen.output("\n".join(text.rstrip().splitlines()[-2:]))
        check(" 5 received" in text, "not all of 5 were answered, " + title)
        return text.rpartition("= ")[2].split("/")[1]

    def throughput(self):
        vm = self.vm
        rates = []
        for title, client, server in (
                ("on one host", vm["red1"], vm["red2"]),
                ("across hosts", vm["red1"], vm["red3"])):
            self.screen.command("iperf3 -t 2 -c %s   (%s)"
                                % (server.ip, title))
            rates.append(iperf3(self.fabric, client, server, 2) / 1e6)
            check(rates[-1] > 1, "no throughput %s" % title)
            self.screen.output("%.0f Mbit/s" % rates[-1])
        return "TCP %.0f Mbit/s on one host, %.0f across hosts" % tuple(rates)

    def tenants(self):
        vm = self.vm
        self.screen.say("""red1 pings 10.1.0.13, an address that red3 and
            blue3 both have, at the same MAC address.  Only red3 may hear it.
            blue1 pings 10.1.0.12, which only red has.""")
        with Sniffer(vm["blue3"].namespace, "eth0") as blue3, \
                Sniffer(vm["red3"].namespace, "eth0") as red3:
            check(ping(vm["red1"], "10.1.0.13").received == 3,
                  "red1 does not reach red3")
            heard = [len([frame for frame in sniffer.frames()
                          if frame.proto == 1 and not frame.outgoing])
                     for sniffer in (red3, blue3)]
        self.screen.output("red3 heard %d echo requests, blue3 %d"
                           % tuple(heard))
        check(heard == [3, 0], "red3 heard %d, blue3 %d" % tuple(heard))
        with Sniffer(vm["red2"].namespace, "eth0") as red2:
            result = ping(vm["blue1"], "10.1.0.12", count=2)
            check(not result.received
                  and not [f for f in red2.frames() if f.arp or f.proto == 1],
                  "red2 hears tenant blue")
        self.screen.output("blue1: %d of 2 answered; red2 heard nothing"
                           % result.received)
        return "same addresses in two VNIs, and neither hears the other"

    def neighbors(self):
        vm = self.vm
        self.screen.say("""red1 forgets what it knows and asks who has
            10.1.0.13, and who has fd00::13.  br-ov of hv1 answers out of its
            tables, so nothing about it is to be seen on the underlay.""")
        vm["red1"].forget_neighbors()
        with self.fabric.watch(self.hv1) as wire:
            for address in vm["red3"].ip, vm["red3"].ip6:
                check(ping(vm["red1"], address).received == 3, "no echo")
                mac = vm["red1"].neighbor(address)
                self.screen.command("ip neigh show %s   (in red1)" % address)
                self.screen.output("%s at %s" % (address, mac))
                check(mac == vm["red3"].mac, "red1 has learned %s" % mac)
            inner = [frame.inner for frame in wire.frames(RED)]
        asked = (vm["red3"].ip, vm["red3"].ip6)
        questions = [frame for frame in inner if frame.arp
                     or frame.nd and frame.nd[1] in asked]
        echoes = [frame for frame in inner
                  if frame.proto in (1, 58) and not frame.nd
                  and frame.ip_dst in asked + (vm["red1"].ip, vm["red1"].ip6)]
        self.screen.output("underlay: %d packets of the pings, %d of ARP and "
                           "ND" % (len(echoes), len(questions)))
        check(not questions, "on the underlay: %s" % questions)
        return "answered by the own hypervisor, none on the underlay"

    def walk(self):
        vm = self.vm
        flow = "icmp,dl_src=%s,dl_dst=%s,nw_src=%s,nw_dst=%s" % (
            vm["red1"].mac, vm["red3"].mac, vm["red1"].ip, vm["red3"].ip)
        self.screen.say("""What would happen to a packet, table by table;
            overlay/trace runs the same code as packets do.""")
        self.screen.command("ovs-appctl overlay/trace red1 \\\n       "
                            + flow.replace(",nw", ",\\\n       nw", 1))
        text = self.hv1.appctl("overlay/trace", "red1", flow)
        self.screen.output(text, most=24)
        check("192.0.2.2" in text, "the trace does not lead to hv2")
        self.screen.say("And one that has nowhere to go:")
        flow = flow.replace(vm["red3"].mac, "52:54:00:00:00:99")
        text = self.hv1.appctl("overlay/trace", "red1", flow)
        self.screen.output("\n".join(text.splitlines()[-4:]))
        check("unknown_unicast" in text, "no drop reason in the trace")
        return "from port red1 to VTEP 192.0.2.2, each table and key"

    def broadcast(self):
        vm = self.vm
        self.screen.say("""red1 sends one broadcast frame.  It goes to red2,
            which is on the same host, and, encapsulated, once to each VTEP
            of the network's flood list.""")
        payload = b"to whom it may concern".ljust(46, b"\0")
        frame = ethernet(BROADCAST, vm["red1"].mac, 0x88b5, payload)
        others = [vm[name] for name in ("red2", "red3", "red4", "red5")]
        heard = [Sniffer(other.namespace, "eth0") for other in others]
        with self.fabric.watch(self.hv1) as wire, \
                vm["red1"].namespace.socket(17, 3, 0) as raw:
            raw.bind(("eth0", 0))
            raw.send(frame)
            for other, sniffer in zip(others, heard):
                sniffer.wait(lambda f: f.data == frame,
                             "the broadcast at " + other.name)
                sniffer.close()
            copies = [f for f in wire.frames(RED) if f.inner.data == frame]
        targets = [f.ip_dst for f in copies]
        for copy in copies:
            self.screen.output("underlay: %s > %s VNI %d [%s > %s]" % (
                copy.ip_src, copy.ip_dst, copy.vni, copy.inner.src,
                copy.inner.dst))
        check(targets == ["192.0.2.2", "192.0.2.3", "2001:db8:ff::4"],
              "copies to %s" % ", ".join(targets))
        return "one frame, 3 copies on the underlay, 4 VMs heard it"

    def ipv6_underlay(self):
        vm = self.vm
        self.screen.say("""Tenant blue's rows name VTEPs by their IPv6
            addresses; the next hops were found by Neighbor Discovery.""")
        self.screen.command("ovs-appctl overlay/vteps   (on hv1, shortened)")
        for row in self.hv1.vteps():
            self.screen.output("%(vtep)-14s  %(state)-5s  %(next_hop)s" % row)
        with self.fabric.watch(self.hv1) as wire:
            average = [self.show_ping(vm["blue1"], vm["blue3"],
                                      "IPv%d over IPv6" % family, address)
                       for family, address in ((4, vm["blue3"].ip),
                                               (6, vm["blue3"].ip6))]
            frames = [f for f in wire.frames(BLUE)
                      if f.inner.proto in (1, 58)]
        self.screen.output("underlay: %s > %s VNI %d [%s > %s]" % (
            frames[-2].ip_src, frames[-2].ip_dst, frames[-2].vni,
            frames[-2].inner.ip_src, frames[-2].inner.ip_dst))
        check({f.type for f in frames} == {0x86dd}, "not over IPv6")
        rate = iperf3(self.fabric, vm["blue1"], vm["blue3"]) / 1e6
        self.screen.command("iperf3 -t 1 -c %s   (blue1 to blue3)"
                            % vm["blue3"].ip)
        self.screen.output("%.0f Mbit/s" % rate)
        check(rate > 1, "no throughput")
        return "round trip %s ms, inside IPv6 %s, TCP %.0f Mbit/s" % (
            *average, rate)

    def interoperation(self):
        vm = self.vm
        self.screen.say("""red4 and red5 are the vxlan devices of hosts without
            Open vSwitch; the kernel encapsulates and decapsulates, red4's
            over IPv4 and red5's over IPv6, in the same network.""")
        for source, destination, title in (
                ("red1", "red4", "to the kernel, over IPv4"),
                ("red4", "red3", "from the kernel, over IPv4"),
                ("red5", "red1", "from the kernel, over IPv6")):
            vm[source].forget_neighbors()
            self.show_ping(vm[source], vm[destination], title)
        rates = []
        for client, server in (("red1", "red4"), ("red1", "red5"),
                               ("red5", "red1")):
            self.screen.command("iperf3 -t 1 -c %s   (%s to %s)" % (
                vm[server].ip, client, server))
            rates.append(iperf3(self.fabric, vm[client], vm[server]) / 1e6)
            self.screen.output("%.0f Mbit/s" % rates[-1])
            check(rates[-1] > 1, "no throughput")
        return "TCP %.0f Mbit/s over IPv4, %.0f and %.0f over IPv6" \
            % tuple(rates)

    def spoofing(self):
        vm = self.vm
        self.screen.say("""red2 sends a frame with red1's MAC address.  Its
            port is bound to its own, and nothing is dropped anonymously.""")
        before = self.hv1.drops("spoof_mac", port="red2")
        with vm["red2"].namespace.socket(17, 3, 0) as raw:
            raw.bind(("eth0", 0))
            raw.send(ethernet(BROADCAST, vm["red1"].mac, 0x88b5, bytes(46)))
        wait_for(lambda: self.hv1.drops("spoof_mac", port="red2") > before,
                 "the drop to be counted")
        self.screen.command("ovs-appctl overlay/drops   (on hv1)")
        self.screen.output(self.hv1.appctl("overlay/drops"))
        return "dropped at the port under its own reason, spoof_mac"

    def database_lost(self):
        vm = self.vm
        self.screen.say("""A ping from red1 to red3 over IPv4 and 500 packets a
            second from blue1 to blue3 over IPv6 go on while the ovsdb-server
            of hv1 is killed and started again.""")
        pinging = self.start_ping(vm["red1"], vm["red3"])
        stream = Stream(vm["blue1"], vm["blue3"], address=vm["blue3"].ip6)
        stream.wait_for_more(100)
        self.screen.command("kill -KILL $(cat ovsdb-server.pid)   (on hv1)")
        self.hv1.kill_database()
        for name in "red1", "blue1":
            vm[name].forget_neighbors()         # ARP and ND go on, too.
        stream.wait_for_more(1000)
        self.screen.command("ovsdb-server conf.db ...   (on hv1)")
        self.hv1.start_database()
        stream.wait_for_more(200)
        lost = stream.stop()
        sent, received = self.end_ping(pinging)
        self.screen.output("%d packets sent, %d lost" % (stream.sent, lost))
        check(lost == 0, "%d packets lost" % lost)
        check(received == sent, "%d of %d echoes" % (received, sent))
        return "killed and back: %d pings and %d packets, 0 lost" % (
            received, stream.sent)


def clean(screen):
    """Removes what earlier runs left, and says so."""
    for lab in Lab.left_behind("demo"):
        lab.close()
        screen.say("%s is removed." % lab.name)


def how_to_play(directory):
    print("""
The network stays up.  To play with it (D=%s):

   $D/hv1 overlay-ctl show                    any command on a hypervisor
   $D/hv1 ovs-appctl overlay/drops            ... drops, macs, vteps, trace
   $D/red1 ping 10.1.0.13                     any command in a VM
   $D/blue1 ping fd00::13                     ... over the IPv6 underlay
   $D/blue1                                   without one: a shell
   $D/hv1 tcpdump -ni eth1                    watch the underlay

   hv1 hv2 are hypervisors; red1-red5, redweb, nomad, blue1, blue3, blueweb
   are VMs, reddb is behind the Linux router of host3.
   utilities/demo --clean                     removes it""" % directory)


def main():
    parser = argparse.ArgumentParser(prog="utilities/demo")
    parser.add_argument("--prefix")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--clean", action="store_true")
    arguments = parser.parse_args()
    screen = Screen()
    if arguments.clean:
        clean(screen)
        return 0

    def stop(number, _):
        sys.exit(128 + number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    keep = False
    fabric = None
    try:
        fabric = Fabric(arguments.prefix, tag="demo", survive=arguments.keep,
                        families=(IPV4, IPV6))
        good = Demo(fabric, screen).run()
        if good and arguments.keep:
            how_to_play(fabric.directory)
            keep = True
    finally:
        if fabric and not keep:
            fabric.close()
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
