# SPDX-License-Identifier: Apache-2.0

"""Client for a daemon's control socket: what ovs-appctl does, without a
process per call."""

import json
import socket


class UnixctlError(Exception):
    """The daemon answered with an error."""


class Unixctl:
    def __init__(self, path, timeout=30):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(timeout)
        self.sock.connect(path)
        self.buffer = ""
        self.decoder = json.JSONDecoder()
        self.next_id = 0

    def __call__(self, command, *args):
        """Runs 'command' and returns its answer, a string."""
        self.next_id += 1
        request = {"id": self.next_id, "method": command,
                   "params": [str(arg) for arg in args]}
        self.sock.sendall(json.dumps(request).encode())
        reply = self._receive()
        if reply["error"] is not None:
            raise UnixctlError(f"{command}: {reply['error']}")
        return reply["result"] or ""

    def _receive(self):
        while True:
            try:
                reply, end = self.decoder.raw_decode(self.buffer)
                self.buffer = self.buffer[end:].lstrip()
                return reply
            except ValueError:
                data = self.sock.recv(65536)
                if not data:
                    raise ConnectionError("the daemon closed its control "
                                          "socket") from None
                self.buffer += data.decode()

    def close(self):
        self.sock.close()
