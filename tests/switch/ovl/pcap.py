# SPDX-License-Identifier: Apache-2.0

"""Reads a growing pcap file, as options:tx_pcap of a dummy port makes it."""

import os
import struct

FILE_HEADER_LEN = 24
RECORD_HEADER_LEN = 16


class PcapReader:
    def __init__(self, path):
        self.path = path
        self.offset = FILE_HEADER_LEN

    def read(self):
        """Returns the frames that were written since the last call.  A
        record that is not complete yet is left for the next one."""
        try:
            size = os.stat(self.path).st_size
        except FileNotFoundError:
            return []
        if size <= self.offset:
            return []
        with open(self.path, "rb") as file:
            file.seek(self.offset)
            data = file.read()

        frames = []
        pos = 0
        while pos + RECORD_HEADER_LEN <= len(data):
            captured, = struct.unpack_from("=I", data, pos + 8)
            end = pos + RECORD_HEADER_LEN + captured
            if end > len(data):
                break
            frames.append(data[pos + RECORD_HEADER_LEN:end])
            pos = end
        self.offset += pos
        return frames
