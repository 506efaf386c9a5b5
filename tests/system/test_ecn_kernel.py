# SPDX-License-Identifier: Apache-2.0
"""ECN between sockets, through the Linux kernel on both ends: what becomes of
it in the tunnel, and whether kernels find the checksums right.

       a ── hv1 ══ underlay ══ host3, vxlan device = VM c
"""

import socket
import struct

import pytest
from conftest import ready, underlay

from overlay_lab import IPV4, IPV6, reaches, wait_for
from overlay_lab.wire import ETH_IP, checksum, ethernet, udp_ip

pytestmark = underlay((IPV4,), (IPV6,))

NOT_ECT, ECT1, ECT0, CE = 0, 1, 2, 3
PORT = 4711


@pytest.fixture
def mixed(fabric):
    """VMs a and c."""
    hypervisor = fabric.add_hypervisor()
    kernel = fabric.add_kernel_vtep()
    fabric.add_network(5001)
    a = fabric.add_vm("a", hypervisor, 5001, 1)
    c = kernel.add_vm("c", 5001, 3)
    ready(fabric)
    reaches(a, c.ip)
    return a, c


def open_receiver(vm):
    receiver = vm.namespace.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.bind((vm.ip, PORT))
    receiver.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
    receiver.settimeout(5)
    return receiver


def receive(receiver):
    """The next datagram and the TOS that it came with."""
    data, ancillary, _, _ = receiver.recvmsg(2000, 100)
    return data, ancillary[0][2][0]


def packet(source, destination, tos, payload):
    data = udp_ip(source.ip, destination.ip, 1, PORT, payload)
    header = data[:1] + bytes([tos]) + data[2:10] + b"\0\0" + data[12:20]
    return header[:10] + checksum(header) + header[12:] + data[20:]


def send_vxlan(kernel, vtep, tos, frame):
    """Host 'kernel' sends 'frame' as its VXLAN device would, through a
    congested path."""
    ipv6 = ":" in vtep
    with kernel.namespace.socket(socket.AF_INET6 if ipv6 else socket.AF_INET,
                                 socket.SOCK_DGRAM) as out:
        if ipv6:
            out.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, tos)
        else:
            out.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, tos)
        out.sendto(struct.pack("!II", 8 << 24, 5001 << 8) + frame,
                   (vtep, 4789))


def test_a_congestion_mark_of_the_underlay_reaches_the_socket(mixed):
    a, c = mixed
    with open_receiver(a) as receiver:
        for dscp in 0, 46, 63:
            for ecn, result in ((ECT0, CE), (ECT1, CE), (CE, CE)):
                payload = b"%d %d" % (dscp, ecn)
                send_vxlan(c.hypervisor, a.hypervisor.vtep, CE,
                           ethernet(a.mac, c.mac, ETH_IP,
                                    packet(c, a, dscp << 2 | ecn, payload)))
                assert receive(receiver) == (payload, dscp << 2 | result)


def test_a_congestion_mark_on_what_knows_no_ecn_is_a_named_drop(mixed):
    a, c = mixed
    frame = ethernet(a.mac, c.mac, ETH_IP, packet(c, a, NOT_ECT, b"lost"))
    with open_receiver(a) as receiver:
        send_vxlan(c.hypervisor, a.hypervisor.vtep, CE, frame)
        wait_for(lambda: a.hypervisor.drops("ecn_ce_not_ect") == 1,
                 "the drop")
        send_vxlan(c.hypervisor, a.hypervisor.vtep, NOT_ECT, frame)
        assert receive(receiver) == (b"lost", NOT_ECT)


def test_tos_of_a_vm_reaches_a_vm_behind_the_kernel_and_back(mixed):
    for source, destination in mixed, mixed[::-1]:
        with open_receiver(destination) as receiver, \
                source.namespace.socket(socket.AF_INET,
                                        socket.SOCK_DGRAM) as out:
            for tos in 0, 1, 2, 3, 0xb8, 0xbb, 0xfc, 0xff:
                out.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, tos)
                out.sendto(b"%d" % tos, (destination.ip, PORT))
                assert receive(receiver) == (b"%d" % tos, tos)
