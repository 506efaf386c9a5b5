# SPDX-License-Identifier: Apache-2.0
"""What a VM learns about the way to an address: errors, hops and MTU."""

import contextlib
import ipaddress
import re
import socket
import struct
import time
from collections import namedtuple

IP_MTU_DISCOVER, IP_RECVERR = 10, 11
IPV6_MTU_DISCOVER, IPV6_RECVERR = 23, 25
PMTUDISC_DONT, PMTUDISC_WANT, PMTUDISC_PROBE = 0, 1, 3
MSG_ERRQUEUE = 0x2000

# 'info' is the MTU, where the error has one, and 'sender' whose it is.
IcmpError = namedtuple("IcmpError", "type code info sender")


def icmp_error(source, address, size=8, df=False, wait=2):
    """The error about a UDP packet from VM 'source' to 'address', or None if
    there is none within 'wait' seconds.  Asks again as long as there is none:
    a router limits how many errors it sends.  With 'df' the packet is sent in
    one piece whatever the VM has learned about the path."""
    ipv6 = ":" in address
    family = socket.AF_INET6 if ipv6 else socket.AF_INET
    level = socket.IPPROTO_IPV6 if ipv6 else socket.IPPROTO_IP
    with source.namespace.socket(family, socket.SOCK_DGRAM) as asking:
        asking.setsockopt(level, IPV6_RECVERR if ipv6 else IP_RECVERR, 1)
        asking.setsockopt(level,
                          IPV6_MTU_DISCOVER if ipv6 else IP_MTU_DISCOVER,
                          PMTUDISC_PROBE if df else
                          PMTUDISC_WANT if ipv6 else PMTUDISC_DONT)
        asking.connect((address, 33434))
        deadline = time.monotonic() + wait
        ask = 0
        while time.monotonic() < deadline:
            if time.monotonic() >= ask:
                ask = time.monotonic() + 0.1
                with contextlib.suppress(OSError):      # The error is there.
                    asking.send(bytes(size))
            try:
                ancillary = asking.recvmsg(2048, 512, MSG_ERRQUEUE
                                           | socket.MSG_DONTWAIT)[1]
                return _error(ancillary[0][2], ipv6)
            except BlockingIOError:
                time.sleep(0.002)
    return None


def _error(data, ipv6):
    """A struct sock_extended_err and the address of its sender."""
    _, _, kind, code, _, info = struct.unpack_from("=IBBBBI", data)
    sender = data[16 + 8:][:16] if ipv6 else data[16 + 4:][:4]
    return IcmpError(kind, code, info, str(ipaddress.ip_address(sender)))


def traceroute(source, address, options=()):
    """What traceroute prints, and the hops: of each the address, and "*" for
    each question that had no answer within 5 s.  Without "-w" it gives up
    after three times as long as the hop's first answer took, which a busy
    machine takes now and then."""
    text = source.namespace.run("traceroute", "-n", "-w", "5", *options,
                                address).stdout
    hops = [" ".join(word for word in line.split()[1:]
                     if word != "ms" and not re.fullmatch(r"\d+\.\d+", word))
            for line in text.splitlines()[1:]]
    return text, hops


Tracepath = namedtuple("Tracepath", "text hops mtu mtu_from")


def tracepath(source, address):
    """What tracepath prints, the address of each hop, the path's MTU, and
    which hop told it."""
    text = source.namespace.run("tracepath", "-n", address).stdout
    hops = {}
    mtu = mtu_from = None
    for number, hop, rest in re.findall(r"^ *(\d+): +(\S+)(.*)", text,
                                        re.MULTILINE):
        hops[int(number)] = hop
        if "pmtu" in rest:
            mtu_from = hop
    found = re.search(r"Resume: pmtu (\d+)", text)
    if found:
        mtu = int(found.group(1))
    return Tracepath(text, [hops[number] for number in sorted(hops)], mtu,
                     mtu_from)
