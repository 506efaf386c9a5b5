#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""usage: soak.py [--seconds N] [--seed N] [--kind KIND]

Lets a network of two hypervisors suffer one random fault after the other, for
N seconds (60), with streams running, and checks after each:

- the streams that the fault does not concern have lost nothing,
- all others go on, without help,
- received + replicated + generated = sent + consumed + dropped,
- no descriptor, thread, file or packet buffer is in use that was not before,
- no warning is in the logs but those that belong to the fault.

KIND is one of test_port_faults.py: veth (default), tap, internal, dpdk, vhost.
Installed programs are those of $OVL_PREFIX.  Ends with status 0, or with what
is wrong, the seed, and the faults so far.
"""

import argparse
import os
import random
import signal
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "../../utilities")]

from overlay_lab import Fabric, LOCK_LOST, wait_for             # noqa: E402
from test_faults import LOST_DATABASE                           # noqa: E402
import test_port_faults as ports                                # noqa: E402

# Faults.  The docstring says what a fault may interrupt, see INTERRUPTS.


def database_dies(world):
    """none"""
    world.hv1.kill_database()
    go_on(world)
    world.hv1.start_database()
    ports.follows(world.hv1)


def database_hangs(world):
    """none"""
    world.hv1.database.send_signal(signal.SIGSTOP)
    go_on(world)
    world.hv1.database.send_signal(signal.SIGCONT)
    ports.follows(world.hv1)


def lock_is_stolen(world):
    """none"""
    with world.hv1.stolen_lock():
        go_on(world)
    wait_for(world.hv1.has_bridge, "the bridge")


def daemon_dies(world):
    """all"""
    world.hv1.kill_switch()
    world.hv1.start_switch()


def both_die(world):
    """all"""
    world.hv1.kill_switch()
    world.hv1.kill_database()
    world.hv1.start_switch()
    world.hv1.start_database()


def port_is_made_again(world):
    """a"""
    world.hv1.vsctl("del-port", world.a.port)
    world.fabric.plug(world.a)
    world.fabric.bind(world.a)


def mtu_changes(world):
    """a"""
    for mtu in 1400, 1500:
        world.hv1.vsctl("set", "Interface", world.a.port,
                        "mtu_request=%d" % mtu)


def uplink_goes_down(world):
    """underlay"""
    world.fabric.underlay.ip("link set dev hv1 down")
    go_on(world, "local")
    world.fabric.underlay.ip("link set dev hv1 up")


def uplink_is_made_again(world):
    """underlay"""
    world.hv1.vsctl("del-port", world.hv1.uplink_port)
    world.hv1.vsctl(*world.fabric.add_uplink(world.hv1))


def pmd_threads_move(world):
    """none"""
    for mask in "1", "2", "3":
        world.hv1.vsctl("set", "Open_vSwitch", ".",
                        "other_config:pmd-cpu-mask=" + mask)
    world.hv1.vsctl("remove", "Open_vSwitch", ".", "other_config",
                    "pmd-cpu-mask")


def networks_come_and_go(world):
    """none"""
    for _ in range(5):
        world.hv1.overlay_ctl("net-add", 5002, "flood=192.0.2.2")
        world.hv1.overlay_ctl("net-del", 5002)


def rows_flap(world):
    """none"""
    for _ in range(5):
        world.hv1.overlay_ctl("mac-add", 5001, "52:54:00:00:01:01",
                              "192.0.2.2", "10.1.0.200")
        world.hv1.overlay_ctl("mac-del", 5001, "52:54:00:00:01:01")


def type_flips(world):
    """all"""
    for kind in "netdev", "overlay":
        world.hv1.vsctl("set", "Bridge", "br-ov", "datapath_type=" + kind)
    world.give_local_its_address()
    world.join_bridges()


def vm_restarts(world):
    """a"""
    if world.a.kind == "vhost":
        world.fabric.end(world.a.front_end, signal.SIGKILL)
        world.fabric.start_vhost(world.a)


FAULTS = [database_dies, database_hangs, lock_is_stolen, daemon_dies, both_die,
          port_is_made_again, mtu_changes, uplink_goes_down,
          uplink_is_made_again, pmd_threads_move, networks_come_and_go,
          rows_flap, type_flips, vm_restarts]

# Streams by name, and which of them a fault of each sort may interrupt.
INTERRUPTS = {"none": (), "a": ("local",), "underlay": ("there", "back"),
              "all": ("local", "there", "back")}


def streams(world):
    return {"local": ports.stream(world.c, world.a),
            "there": ports.stream(world.c, world.b),
            "back": ports.stream(world.b, world.c)}


def go_on(world, *names):
    """Waits until streams have got some more."""
    for name in names or world.running:
        world.running[name].wait_for_more(100, timeout=20)


def suffer(world, fault):
    world.running = streams(world)
    go_on(world)
    fault(world)
    go_on(world)
    for name, stream in world.running.items():
        lost = stream.stop()
        if name not in INTERRUPTS[fault.__doc__]:
            assert not lost, "stream \"%s\" lost %d packets" % (name, lost)
    world.check()
    wait_for(world.hv1.conserved, "all packets to be accounted for",
             on_timeout=world.hv1.totals)
    complaints = world.hv1.complaints(world.fabric.expected)
    assert not complaints, complaints


def soak(fabric, kind, seconds, seed):
    """Returns how many faults there were."""
    chance = random.Random(seed)
    world = ports.World(fabric, kind)
    fabric.expected += (LOST_DATABASE + [LOCK_LOST] + ports.GOING
                        + ports.STOCK)
    end = time.monotonic() + seconds
    history = []
    while time.monotonic() < end:
        # All of them once, then in any order.
        if len(history) % len(FAULTS) == 0:
            order = chance.sample(FAULTS, len(FAULTS))
        fault = order[len(history) % len(FAULTS)]
        history.append(fault.__name__)
        try:
            suffer(world, fault)
        except BaseException:
            print("seed %d, kind %s: %s" % (seed, kind, ", ".join(history)))
            raise
    return len(history)


def main():
    parser = argparse.ArgumentParser(description="Random faults.")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--kind", choices=ports.WORLDS, default="veth")
    options = parser.parse_args()
    seed = (random.randrange(1 << 31) if options.seed is None
            else options.seed)
    with Fabric(os.environ.get("OVL_PREFIX", "/usr/local"),
                tag="ovt") as fabric:
        fabric.expected = []
        n = soak(fabric, options.kind, options.seconds, seed)
    print("%d faults, seed %d" % (n, seed))


if __name__ == "__main__":
    main()
