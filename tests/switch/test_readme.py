# SPDX-License-Identifier: Apache-2.0

"""Every test that tests/README.md names exists."""

import os
import re

HERE = os.path.dirname(os.path.abspath(__file__))


def read(path):
    with open(path) as file:
        return file.read()


def test_tests_of_the_table_exist():
    named = set(re.findall(r"`(test_\w+)`",
                           read(os.path.join(HERE, "../README.md"))))
    defined = set()
    for folder in HERE, os.path.join(HERE, "../system"), \
            os.path.join(HERE, "../guest"), os.path.join(HERE, "../dpdk"):
        for name in os.listdir(folder):
            if name.startswith("test_") and name.endswith(".py"):
                defined |= set(re.findall(
                    r"^def (test_\w+)", read(os.path.join(folder, name)),
                    re.M))
    assert len(named) > 90
    assert not named - defined
