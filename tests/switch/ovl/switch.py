# SPDX-License-Identifier: Apache-2.0

"""An overlay bridge under test.

    sw.expect(("vm1", frame),
              out={"vm2": [frame]},
              drops={("vm1", 5001, "spoof_mac"): 1})

sends 'frame' into vm1, waits until the switch has dealt with it, and fails
unless vm2 got exactly 'frame', no other port got anything, and exactly these
drops were counted.  There is no way to say "I do not care".
"""

import contextlib
import json
import socket
import threading
import time
from collections import Counter

from . import frames
from .process import wait_until

BRIDGE = "br-ov"
TOTALS = ("received", "sent", "consumed", "dropped", "replicated",
          "generated")

# How long a result that looks wrong may take to become right.
SECOND_LOOK = 0.5

ALL_NODES = socket.inet_pton(socket.AF_INET6, "ff02::1")

# A frame that every port drops, by IEEE 802.1Q Table 8-1: for seeing whether
# a port is polled yet.
HELLO = bytes(frames.Ether(dst="01:80:c2:00:00:0e", src=frames.mac(0xee),
                           type=0x88cc) / (b"\0" * 46))


def quote(value):
    """'value' as ovs-vsctl wants a string."""
    return json.dumps(str(value))


def string_set(values):
    if isinstance(values, str):
        values = [values]
    return "[" + ",".join(quote(v) for v in values) + "]"


class Switch:
    def __init__(self, daemons, name):
        self.daemons = daemons
        self.vsctl = daemons.vsctl
        self.overlay_ctl = daemons.overlay_ctl
        self.name = name
        self.ports = {}                 # Name -> PcapReader.
        self.routes = []
        self.allowed_log = []
        self.batched = None
        self.captured = {}
        self.underlay = frames.IPV4

    @property
    def appctl(self):
        return self.daemons.appctl

    # Rows.

    @contextlib.contextmanager
    def transaction(self):
        """Everything in the block goes into one ovs-vsctl call."""
        assert self.batched is None
        self.batched = []
        try:
            yield
            if self.batched:
                self.vsctl(*self.batched[1:])
        finally:
            self.batched = None

    def set_rows(self, *args):
        if self.batched is None:
            self.vsctl(*args)
        else:
            self.batched += ["--", *args]

    def add_bridge(self, vtep=None, uplink="p0", uplink_type="dummy",
                   mac=frames.LOCAL_MAC, underlays=None):
        """A bridge with the addresses 'vtep' on 'underlays'; by default, one
        on 'self.underlay'."""
        underlays = underlays or [self.underlay]
        vtep = vtep or [underlay.own for underlay in underlays]
        with self.transaction():
            self.set_rows("add-br", BRIDGE)
            self.set_rows("set", "Bridge", BRIDGE, "datapath_type=overlay",
                          f"other_config:hwaddr={quote(mac)}",
                          f"overlay_vtep_ips={string_set(vtep)}")
            self._capture(BRIDGE)
            if uplink:
                self.set_rows("set", "Bridge", BRIDGE,
                              f"overlay_uplinks={string_set(uplink)}")
                self.add_port(uplink, type=uplink_type)
        for underlay in underlays:
            self.appctl("netdev-dummy/ip6addr" if underlay == frames.IPV6
                        else "netdev-dummy/ip4addr", BRIDGE,
                        f"{underlay.own}/{underlay.prefix_len}")
            self.add_route(underlay.prefix)
        self.wait_polled(BRIDGE, *([uplink] if uplink else []))

    def add_route(self, prefix, *gateway):
        self.appctl("ovs/route/add", prefix, BRIDGE, *gateway)
        self.routes.append(prefix)

    def add_peer(self, vtep, mac=None):
        """Tells the underlay the MAC of next hop 'vtep'."""
        self.appctl("tnl/neigh/set", BRIDGE, vtep,
                    mac or frames.peer_mac(vtep))

    def _capture(self, name, column=()):
        from .pcap import PcapReader

        path = f"{self.daemons.dir}/{self.name}-{len(self.ports)}-{name}.pcap"
        self.ports[name] = PcapReader(path)
        self.set_rows("set", "Interface", name, f"options:tx_pcap={path}",
                      *column)

    def add_port(self, name, vni=None, addresses=(), type="dummy",
                 bridge=BRIDGE, **columns):
        """Adds a port; 'columns' are of its Port row, as text."""
        in_transaction = self.batched is not None
        with contextlib.ExitStack() as stack:
            if not in_transaction:
                stack.enter_context(self.transaction())
            self.set_rows("add-port", bridge, name)
            self._capture(name, [f"type={type}"])
            settings = [f"{k}={v}" for k, v in columns.items()]
            if vni is not None:
                settings.append(f"overlay_vni={vni}")
            if addresses:
                settings.append("overlay_addresses=" + string_set(addresses))
            if settings:
                self.set_rows("set", "Port", name, *settings)
        if not in_transaction:
            self.wait_polled(name)

    def del_port(self, name):
        self.set_rows("del-port", name)
        del self.ports[name]

    def add_network(self, vni, **columns):
        self.set_rows("create", "Overlay_Network", f"vni={vni}",
                      *self._columns(columns))

    def set_network(self, vni, **columns):
        self.set_rows("set", "Overlay_Network", vni, *self._columns(columns))

    def add_mac(self, vni, mac, vtep, ips=()):
        self.set_rows("create", "Overlay_MAC", f"vni={vni}",
                      f"mac={quote(mac)}", f"vtep={quote(vtep)}",
                      f"ips={string_set(ips)}")

    def add_neighbor(self, vni, ip, mac, **columns):
        self.set_rows("create", "Overlay_Neighbor", f"vni={vni}",
                      f"ip={quote(ip)}", f"mac={quote(mac)}",
                      *self._columns(columns))

    @staticmethod
    def _columns(columns):
        def text(value):
            if isinstance(value, bool):
                return str(value).lower()
            if isinstance(value, int):
                return str(value)
            if isinstance(value, str):
                return quote(value)
            return string_set(value)

        return [f"{name}={text(value)}" for name, value in columns.items()]

    def find(self, table, *conditions):
        """UUIDs of the rows of 'table' that match."""
        return self.vsctl("--bare", "--no-headings", "--columns=_uuid",
                          "find", table, *conditions).split()

    def destroy(self, table, *conditions):
        for uuid in self.find(table, *conditions):
            self.set_rows("destroy", table, uuid)

    def get(self, table, record, column):
        """A column's value as ovs-vsctl prints it, without quotes."""
        text = self.vsctl("get", table, record, column).strip()
        return json.loads(text) if text.startswith('"') else text

    def wait_column(self, table, record, column, predicate):
        """Waits until 'predicate' is true for the column's value, which is
        returned."""
        value = None

        def satisfied():
            nonlocal value
            try:
                value = self.get(table, record, column)
            except AssertionError:
                return False    # The map has no such key yet.
            return predicate(value)

        try:
            wait_until(satisfied, "")
        except AssertionError:
            raise AssertionError(f"{table} {record} {column} stays "
                                 f"{value!r}") from None
        return value

    # Counters.

    def counters(self):
        return json.loads(self.appctl("overlay/counters", "--json"))

    def totals(self):
        counters = self.counters()
        return {name: counters[name] for name in TOTALS}

    def drops(self):
        """Drops so far: {(port, vni, reason): packets}."""
        return Counter({(d["port"], d["vni"], d["reason"]): d["packets"]
                        for d in json.loads(self.appctl("overlay/drops",
                                                        "--json"))})

    @staticmethod
    def identity(totals):
        """Frames that are on their way: 0 at rest."""
        return (totals["received"] + totals["replicated"]
                + totals["generated"] - totals["sent"] - totals["consumed"]
                - totals["dropped"])

    def wait_rest(self, received=0):
        """Waits until the switch has taken 'received' frames in all and has
        none on its way.  Returns the totals."""
        totals = None

        def at_rest():
            nonlocal totals
            totals = self.totals()
            return (totals["received"] >= received
                    and not self.identity(totals))

        try:
            wait_until(at_rest, "")
        except AssertionError:
            raise AssertionError(
                f"not at rest (waiting for {received} received): "
                f"{totals}") from None
        return totals

    # Frames.

    def inject(self, port, *packets):
        """Puts frames into the receive queue of 'port'."""
        for packet in packets:
            answer = self.appctl("netdev-dummy/receive", port,
                                 bytes(packet).hex())
            assert not answer, answer

    def encap(self, inner, n=2, vni=5001, **kwargs):
        """'inner' as we send it to VTEP 'n' of the underlay."""
        return frames.encap(vni, inner, self.underlay.vtep(n), **kwargs)

    def decap_in(self, inner, n=2, vni=5001, **kwargs):
        """'inner' as VTEP 'n' of the underlay sends it to us."""
        return frames.decap_in(vni, inner, self.underlay.vtep(n), **kwargs)

    def wait_polled(self, *names):
        """Waits until the switch polls the ports 'names'."""
        for name in names:
            def polled():
                before = self.totals()["received"]
                self.inject(name, HELLO)
                deadline = time.monotonic() + 0.2
                while time.monotonic() < deadline:
                    if self.totals()["received"] > before:
                        return True
                return False

            wait_until(polled, f"port {name} is not polled")
        self.wait_rest()
        self.collect()

    def wait_vtep(self, *vteps, state="up"):
        """Waits until each VTEP is in 'state', that is "up" or a part of the
        reason why not."""
        for vtep in vteps:
            states = {}

            def reached():
                states.update({v["vtep"]: v["state"] for v in json.loads(
                    self.appctl("overlay/vteps", "--json"))})
                got = states.get(vtep, "")
                return got == state or (state != "up" and state in got)

            try:
                wait_until(reached, "")
            except AssertionError:
                raise AssertionError(f"VTEP {vtep} is not {state}: "
                                     f"{states}") from None

    def collect(self):
        """Everything that left the switch since the last call."""
        result = {}
        for name, reader in self.ports.items():
            got = [f for f in reader.read() if not self._is_probe(name, f)
                   and not self._is_advert(name, f)]
            if got:
                result[name] = got
        return result

    def _is_probe(self, name, frame):
        """True for what we say to underlay neighbors when we like: ARP
        requests, Neighbor Solicitations, announcements."""
        if name in self.overlay_ports() or self.want_probes:
            return False
        if frame[12:14] == b"\x08\x06":
            return (frame[20:22] == b"\0\1"
                    and frame[28:32] == socket.inet_aton(frames.OWN_VTEP))
        return (frame[12:14] == b"\x86\xdd" and frame[20] == 58
                and frame[22:38] == socket.inet_pton(socket.AF_INET6,
                                                     frames.OWN_VTEP6)
                and (frame[54] == 135
                     or frame[54] == 136 and frame[38] == 0xff))

    want_probes = False

    def _is_advert(self, name, frame):
        """True for the router advertisements that a network sends to its
        ports when it likes: to all nodes, from the link-local address made
        from the Ethernet source."""
        if self.want_adverts or name in ("p0", BRIDGE):
            return False
        if frame[12:14] == b"\x81\x00":
            frame = frame[:12] + frame[16:]
        return (frame[12:14] == b"\x86\xdd" and frame[20] == 58
                and frame[54] == 134
                and frame[22:38] == frames.link_local_bytes(frame[6:12])
                and frame[38:54] == ALL_NODES)

    want_adverts = False

    def overlay_ports(self):
        return [name for name in self.ports if name.startswith("vm")]

    def expect(self, *sends, out=None, drops=None):
        """Sends each (port, frame, ...) of 'sends' and fails unless 'out' and
        'drops' are what happens, and nothing else."""
        before = self.wait_rest()
        drops_before = self.drops()
        self.collect()

        n = 0
        for port, *packets in sends:
            self.inject(port, *packets)
            n += len(packets)
        self.settle(before["received"] + n, drops_before, out, drops)

    def settle(self, received, drops_before, out=None, drops=None):
        """Second half of expect(), for frames injected by other means."""
        want = {port: [frames.normalize(bytes(f)) for f in packets]
                for port, packets in (out or {}).items() if packets}
        want_drops = Counter(drops or {})
        self.captured = {}
        message = None

        # At rest everything should be there.  But a frame may have had
        # consequences beyond the switch: the host answers ARP.
        deadline = None
        while deadline is None or time.monotonic() < deadline:
            self.wait_rest(received)
            for port, packets in self.collect().items():
                self.captured.setdefault(port, []).extend(packets)
            message = self._compare(want, {
                port: [frames.normalize(f) for f in packets]
                for port, packets in self.captured.items()})
            got_drops = self.drops() - drops_before
            if got_drops != want_drops:
                message.append(f"expected drops {dict(want_drops)},\n"
                               f"     got drops {dict(got_drops)}")
            if not message:
                return
            deadline = deadline or time.monotonic() + SECOND_LOOK
            time.sleep(0.005)
        raise AssertionError("\n".join(message))

    @staticmethod
    def _compare(want, got):
        message = []
        for port in sorted({*want, *got}):
            expected, received = want.get(port, []), got.get(port, [])
            if expected == received:
                continue
            message.append(f"{port}: expected {len(expected)} frames, got "
                           f"{len(received)}")
            for i in range(max(len(expected), len(received))):
                if i >= len(received):
                    message += [f"{port}: missing frame {i}:",
                                *frames.describe(expected[i])]
                elif i >= len(expected):
                    message += [f"{port}: surplus frame {i}:",
                                *frames.describe(received[i])]
                elif expected[i] != received[i]:
                    message += [f"{port}: frame {i}:",
                                frames.difference(expected[i], received[i])]
        return message

    @contextlib.contextmanager
    def stream(self, port, frame, out):
        """Sends 'frame' all the time while the block runs, and fails at its
        end unless each one came out of 'out' exactly once, the same."""
        with self.sending(port, lambda _: frame) as sent:
            yield
        got = self.collect().get(out, [])
        assert len(got) == len(sent), f"{len(sent)} sent, {len(got)} received"
        assert len(set(got)) == 1

    @contextlib.contextmanager
    def numbered_stream(self, port, make, out, see=bytes):
        """The same with frames make(0), make(1), ..., which come out in this
        order as see(make(0)), ... .  Yields a list that has what was sent so
        far."""
        with self.sending(port, make) as sent:
            yield sent
        got = [frames.normalize(f) for f in self.collect().get(out, [])]
        want = [frames.normalize(see(f)) for f in sent]
        assert got == want, (
            f"{len(want)} sent, {len(got)} received, first difference at "
            + str(next((i for i, (g, w) in enumerate(zip(got, want))
                        if g != w), min(len(got), len(want)))))

    @staticmethod
    def _sent_by(appctl, port, frame):
        """inject() for a thread with an 'appctl' of its own.  Returns false if
        the frame was not taken."""
        return not appctl("netdev-dummy/receive", port, frame.hex())

    @contextlib.contextmanager
    def sending(self, port, make):
        """Sends make(0), make(1), ... while the block runs, some of them
        before it and some after it, and waits until all have been dealt with.
        Yields the list of what was sent.

        A dummy's receive queue holds 100 frames: no more than 64 are sent
        before the switch, on a busy machine, has taken some."""
        stop = threading.Event()
        sent = []
        appctl = self.daemons.another_appctl()

        def received():
            return json.loads(appctl("overlay/counters", "--json"))[
                "ports"][port]["rx_packets"] - before

        def run():
            while not stop.is_set():
                frame = make(len(sent))
                if self._sent_by(appctl, port, frame):
                    sent.append(frame)
                stop.wait(0.002)
                while (len(sent) % 32 == 0 and len(sent) - received() > 32
                       and not stop.is_set()):
                    stop.wait(0.002)

        def flow():
            goal = len(sent) + 10
            wait_until(lambda: len(sent) >= goal or not thread.is_alive(),
                       "the stream does not flow")

        self.wait_rest()
        before = self.counters()["ports"][port]["rx_packets"]
        self.collect()
        thread = threading.Thread(target=run)
        thread.start()
        try:
            flow()
            yield sent
            flow()
        finally:
            stop.set()
            thread.join()
            appctl.close()
        wait_until(lambda: self.counters()["ports"][port]["rx_packets"]
                   >= before + len(sent), f"{port} has not received all")
        self.wait_rest()
        assert len(sent) >= 20, "the stream did not flow"

    def trace(self, port, frame):
        return self.appctl("overlay/trace", port, bytes(frame).hex())

    # The end.

    def allow_log(self, *patterns):
        """Announces warnings that the test provokes."""
        self.allowed_log += patterns

    def warp(self, ms):
        """Makes the daemon's clock jump.  Whoever waits for a grace period at
        that moment believes that it took so long."""
        self.allow_log(r"\|ovs_rcu(\(\w+\))?\|WARN\|blocked \d+ ms waiting")
        self.appctl("time/warp", ms)

    def clean_up(self):
        """Deletes everything that the test made."""
        args = []
        for table in ("Overlay_MAC", "Overlay_Neighbor", "Overlay_Route",
                      "Overlay_Network", "Overlay_Binding"):
            args += ["--", "--all", "destroy", table]
        for bridge in self.vsctl("list-br").split():
            args += ["--", "del-br", bridge]
        self.vsctl(*args[1:])
        for prefix in self.routes:
            self.appctl("ovs/route/del", prefix)
        self.appctl("tnl/neigh/flush")

    def finish(self):
        """Every test ends with this."""
        self.daemons.check_alive()
        self.wait_rest()
        self.clean_up()
        self.daemons.check_alive()
        self.wait_rest()
        self.daemons.check_log(self.allowed_log)
