# SPDX-License-Identifier: Apache-2.0
"""The steps of the demonstration that are about routing and moving.  They use
what the steps before them have brought up."""

import re
import signal

from demo_screen import check
from overlay_lab import (IPV6, Sniffer, icmp_error, ping, reaches,
                         traceroute)

RED, BLUE = 5001, 5002
RED_WEB, BLUE_WEB = 5003, 5004
RED_L3 = 7001                           # Its L3 VNI.
LINUX_MAC = "02:00:00:00:77:03"         # Router MAC of host3 there.
MOVES = 4

WEB_PICTURE = """\
          hv1                                                 hv2
  red1  10.1.0.11 -+- router                      router -+- 10.3.0.16 redweb
  blue1 10.1.0.11 -+- router                      router -+- 10.3.0.16 blueweb
"""
DB_PICTURE = """\
          hv1                                      host3, Linux
  red1  10.1.0.11 --- router === L3 VNI 7001 === router --- 10.4.0.17 reddb
"""


class RoutingSteps:
    """A part of class Demo, which has 'fabric', 'screen', 'vm' and hosts."""

    def routing(self):
        vm = self.vm
        self.screen.say("""Each tenant gets a VRF, gateways, and a second
            network, with a VM on hv2.  Both have the same addresses.  Packets
            are routed where they start, whichever host that is.""")
        print(WEB_PICTURE)
        self.add_second_networks()
        with Sniffer(vm["blueweb"].namespace, "eth0") as blueweb, \
                Sniffer(vm["redweb"].namespace, "eth0") as redweb:
            average = [self.show_ping(vm["red1"], vm["redweb"], title,
                                      address)
                       for title, address in (("routed", vm["redweb"].ip),
                                              ("routed, IPv6",
                                               vm["redweb"].ip6))]
            self.show_ping(vm["redweb"], vm["red1"], "and back")
            heard = [len([frame for frame in sniffer.frames()
                          if frame.proto in (1, 58) and not frame.nd
                          and frame.ip_src in (vm["red1"].ip,
                                               vm["red1"].ip6)])
                     for sniffer in (redweb, blueweb)]
        self.screen.output("redweb heard red1 %d times, blueweb, which has "
                           "the same address, %d" % tuple(heard))
        check(heard[0] >= 15 and heard[1] == 0,
              "redweb heard %d, blueweb %d" % tuple(heard))
        self.show_ping(vm["blue1"], vm["blueweb"], "the other tenant")
        self.screen.command("ovs-appctl overlay/fib red   (on hv1)")
        self.screen.output(self.hv1.appctl("overlay/fib", "red"))
        return "VRFs of equal prefixes, round trip %s and %s ms" \
            % tuple(average)

    def add_second_networks(self):
        vm, fabric = self.vm, self.fabric
        for name, first, second, families in (
                ("red", RED, RED_WEB, None),
                ("blue", BLUE, BLUE_WEB, (IPV6,))):
            gateways = ["gateway=10.%d.0.1/24,fd%02d::1/64" % (n, n - 1)
                        for n in (1, 3)]
            if name == "red":
                self.screen.command("overlay-ctl net-set", first, "vrf=red",
                                    gateways[0])
                self.screen.command("overlay-ctl net-add", second, "vrf=red",
                                    gateways[1])
            for hypervisor in fabric.hypervisors:
                hypervisor.overlay_ctl("net-set", first, "vrf=" + name,
                                       gateways[0])
            fabric.add_network(second, "vrf=" + name, gateways[1],
                               families=families)
            web = name + "web"
            vm[web] = fabric.add_vm(web, self.hv2, second, 6, ip6=True,
                                    subnet=3)
            fabric.script(web, vm[web].namespace)
            for client in vm[web], vm[name + "1"]:
                client.use_gateway(ip6=True)

    def two_routers(self):
        vm, screen = self.vm, self.screen
        screen.say("""host3's kernel gets a VRF for red, with a network of its
            own behind it: symmetric IRB.  Four rows say so, and until the
            last one is there red1 is told what is amiss.""")
        print(DB_PICTURE)
        host = self.kernel4.add_vrf("red", RED_L3, LINUX_MAC)
        db = vm["reddb"] = host.add_server("reddb", 4, 7)
        self.fabric.script("reddb", db.namespace)
        # hv1 has all of red's networks: whatever is behind hv2 it forwards.
        host.add_peer(self.hv1.vtep, self.hv1.hwaddr, "10.1.0.0/24",
                      "fd00::/64", "10.3.0.0/24", "fd02::/64")
        for words in ["net-add", RED_L3, "vrf=red"], \
                ["mac-add", RED_L3, LINUX_MAC, host.vtep], \
                ["route-add", "red", "10.4.0.0/24", host.vtep,
                 "vni=%d" % RED_L3], \
                ["neigh-add", RED_L3, host.vtep, LINUX_MAC]:
            text = vm["red1"].namespace.run("ping", "-n", "-c", "1", "-W",
                                            "1", db.ip, check=False).stdout
            screen.output(text.splitlines()[1])
            check("Unreachable" in text, "red1 is told nothing")
            screen.command("overlay-ctl", *words)
            for hypervisor in self.fabric.hypervisors:
                hypervisor.overlay_ctl(*words)
        for hypervisor in self.fabric.hypervisors:
            hypervisor.overlay_ctl("route-add", "red", "fd03::/64",
                                   host.vtep, "vni=%d" % RED_L3)
        for gateway, linux, target in (
                (vm["red1"].gateway, db.gateway, db.ip),
                (vm["red1"].gateway6, db.gateway6, db.ip6)):
            reaches(vm["red1"], target)
            screen.command("traceroute -n %s   (in red1)" % target)
            text, hops = traceroute(vm["red1"], target)
            screen.output("\n".join(text.splitlines()[1:]))
            check(hops == [gateway, linux, target], "hops: %s" % hops)
        screen.say("Tenant blue does not have that route:")
        screen.command("ping -c 1 %s   (in blue1)" % db.ip)
        screen.output(vm["blue1"].namespace.run(
            "ping", "-n", "-c", "1", db.ip, check=False
        ).stdout.splitlines()[1])
        error = icmp_error(vm["blue1"], db.ip)
        check(error and error[:2] == (3, 0), "blue1 is told %s" % (error,))
        return "traceroute sees both, over IPv4 and IPv6"

    def vm_moves(self):
        """Make before break: what is lost can only be what is on its way to
        the link that is taken away."""
        vm, screen = self.vm, self.screen
        nomad = vm["nomad"] = self.fabric.add_vm(
            "nomad", self.hv2, RED, 7, ip6=True, kind="movable")
        nomad.use_gateway(ip6=True)
        self.fabric.script("nomad", nomad.namespace)
        self.fabric.add_leg(nomad, self.hv1)
        pingers = vm["red1"], vm["redweb"]
        screen.say("""nomad, a VM on hv2, moves to hv1 and back, %d moves in
            all, while red1 pings it inside their network and redweb through
            the router.  It has a link at either place, takes the new one
            before the rows change, and leaves the old one afterwards."""
                   % MOVES)
        for pinger in pingers:
            reaches(pinger, nomad.ip)
            screen.command("ping -i 0.01 %s   (in %s)" % (nomad.ip,
                                                          pinger.name))
        pinging = [self.start_ping(pinger, nomad) for pinger in pingers]
        bind = ["port-bind", "nomad", RED, nomad.mac, nomad.ip, nomad.ip6]
        there = ["mac-add", RED, nomad.mac, self.hv1.vtep, nomad.ip,
                 nomad.ip6]
        screen.command("overlay-ctl", *bind[:-2], "\\\n       ", *bind[-2:],
                       "  (on hv1)")
        screen.command("overlay-ctl", *there[:-2], "\\\n       ",
                       *there[-2:], "-- port-unbind nomad   (on hv2)")
        for number in range(MOVES):
            # Some pings before, between and after.
            ping(vm["red1"], nomad.ip, count=20, interval=0.01)
            old, new = (self.hv2, self.hv1)[::-1 if number % 2 else 1]
            nomad.attach(new)
            new.overlay_ctl(*bind)
            old.overlay_ctl(*["--", "--may-exist", *there, "--"]
                            * (new is self.hv1), "port-unbind", "nomad")
            nomad.detach(old)
        ping(vm["red1"], nomad.ip, count=20, interval=0.01)
        results = [self.end_ping(process) for process in pinging]
        lost = sum(sent - received for sent, received in results)
        check(lost <= MOVES, "%d echoes lost" % lost)
        return "%d moves under ping, bridged and routed: %d of %d lost" % (
            MOVES, lost, sum(sent for sent, _ in results))

    def start_ping(self, source, destination):
        """A ping in the background, until end_ping()."""
        output = "ping-%s.out" % source.name
        process = self.fabric.spawn(
            ["ping", "-n", "-q", "-i", "0.01", destination.ip],
            namespace=source.namespace, output=output)
        return source.name, process, output

    def end_ping(self, pinging):
        """Shows what came of it, and returns the numbers of requests sent and
        answered."""
        name, process, output = pinging
        self.fabric.end(process, signal.SIGINT)
        with open(self.fabric.path(output), encoding="utf-8") as file:
            text = file.read()
        self.screen.output("\n".join(["%s pings:" % name]
                                     + text.rstrip().splitlines()[-2:]))
        sent, received = map(int, re.findall(
            r"(\d+) packets transmitted, (\d+) rec", text)[-1])
        # The last request may be on its way when ping is told to end.
        return max(sent - 1, received), received
