# SPDX-License-Identifier: Apache-2.0

"""The same with stock devices of DPDK, which anybody can repeat with any
daemon: net_pcap with infinite_rx makes the packets and net_null takes them.

Such a device cannot pause, so the daemon that has no turn is stopped
(SIGSTOP).  That both send the same is what the cases with devices of class
"bench" have shown; here it is only how many."""

import os
import re
import signal
import time

import observe
from twins import Netdev, Ours, Window


class Vdevs:
    """Mixed into a switch: vm is a net_pcap, up a net_null."""

    pool_mb = 256

    def program(self, name):
        if name == "ovs-vswitchd":      # The product's.
            return f"{self.options.prefix}/sbin/ovs-vswitchd"
        return super().program(name)

    def device(self, port, n_rxq=1):
        args = (f"net_pcap0,rx_pcap={self.pcap},infinite_rx=1"
                if port == "vm" else "net_null0,no-rx=1,size=64")
        return ["type=dpdk", f'options:dpdk-devargs="{args}"']

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def _tx_packets(self):
        """Frames that left through up, so far."""
        text = self.appctl("dpctl/show", "-s")
        port = re.search(r"port \d+: up \(.*?TX packets:(\d+)", text, re.S)
        return int(port.group(1))

    def _threads(self):
        """Times of the threads that poll."""
        ran = waited = 0
        tasks = f"/proc/{self.process.pid}/task"
        for tid in os.listdir(tasks):
            with open(f"{tasks}/{tid}/comm") as file:
                if re.match(r"(ovl_)?pmd-c", file.read()):
                    times = observe.thread_times(self.process.pid, int(tid))
                    ran, waited = ran + times[0], waited + times[1]
        return ran, waited

    def window(self, ports, seconds, settle=0.2):
        self.resume()
        time.sleep(settle)
        first = self._tx_packets(), *self._threads()
        time.sleep(seconds)
        last = self._tx_packets(), *self._threads()
        self.pause()
        sent, ran, waited = (b - a for a, b in zip(first, last))
        return Window(sent, {}, [(sent, ran, waited)])

    def settle(self, _, n):
        self.resume()
        for _ in range(60):
            limit = re.search(r"\(limit (\d+)\)", self.appctl("upcall/show"))
            if not limit or int(limit.group(1)) > n + 1000:
                break
            time.sleep(0.5)
        time.sleep(0.5)
        self.pause()


class VdevOurs(Vdevs, Ours):
    pass


class VdevNetdev(Vdevs, Netdev):
    pass
