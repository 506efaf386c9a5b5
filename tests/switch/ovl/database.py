# SPDX-License-Identifier: Apache-2.0

"""A connection to ovsdb-server, for transactions that are too large for a
command line."""

import json
import socket


class Database:
    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(path)

    @staticmethod
    def request(operations):
        """The bytes of a transaction."""
        return json.dumps({"method": "transact", "id": 1,
                           "params": ["Open_vSwitch", *operations]}).encode()

    def start(self, request):
        self.sock.sendall(request)

    def finish(self):
        """Returns the results of the transaction under way."""
        answer = b""
        while True:
            data = self.sock.recv(1 << 20)
            assert data, "ovsdb-server closes the connection"
            answer += data
            if answer.endswith(b"}"):
                try:
                    results = json.loads(answer)["result"]
                    break
                except ValueError:
                    pass        # That was some inner one.
        errors = [r for r in results if r and "error" in r]
        assert not errors, errors[0]
        return results

    def transact(self, *operations):
        self.start(self.request(operations))
        return self.finish()

    def close(self):
        self.sock.close()
