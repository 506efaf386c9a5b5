# SPDX-License-Identifier: Apache-2.0

"""What a process holds, for tests that nothing is leaked."""

import os
import re

# Pipes of threads that have waited once, and files that the C library writes
# for a moment.
SLACK = 4


def descriptors(process):
    return len(os.listdir(f"/proc/{process.pid}/fd"))


def threads(process):
    """Names.  The C library's threads for asynchronous writes, which come and
    go, bear the name of a thread that writes: names count once."""
    names = set()
    for thread in os.listdir(f"/proc/{process.pid}/task"):
        try:
            with open(f"/proc/{process.pid}/task/{thread}/comm") as file:
                names.add(re.sub(r"(/\d+|(?<=[a-z])\d+)$", "",
                                 file.read().strip()))
        except FileNotFoundError:
            pass
    return sorted(names)


def resident(process):
    """Resident memory in bytes."""
    with open(f"/proc/{process.pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def has_malloc_of_its_own(process):
    """True if a sanitizer keeps memory that was freed."""
    with open(f"/proc/{process.pid}/maps") as file:
        return "libasan" in file.read()


class Footprint:
    """Of the time when it is made."""

    def __init__(self, process):
        self.process = process
        self.descriptors = descriptors(process)
        self.threads = threads(process)

    def growth(self):
        """What is more now than then: text, empty if nothing is."""
        more = descriptors(self.process) - self.descriptors
        names = threads(self.process)
        return ((f"{more} descriptors more " if more > SLACK else "")
                + (f"threads were {self.threads}, are {names}"
                   if names != self.threads else ""))
