# SPDX-License-Identifier: Apache-2.0

"""tests/CONFORMANCE.md has each requirement once, each with tests that exist
or with a word in dpif-overlay/README.md that says why not."""

import glob
import os
import re

import pytest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")

SECTIONS = {"VX": 22, "EC": 5, "DS": 4, "AR": 18, "ND": 16, "F4": 17,
            "F6": 13, "CS": 6, "PM": 6, "BU": 6, "EV": 8, "L2": 1, "INV": 9}
IDS = [f"{name}-{n}" if name == "INV" else f"{name}-{n:02}"
       for name, last in SECTIONS.items() for n in range(1, last + 1)]


def read(path):
    with open(os.path.join(ROOT, path)) as file:
        return file.read()


def rows():
    """[(ID, what we do, positive tests, negative tests)]."""
    table = []
    for line in read("tests/CONFORMANCE.md").splitlines():
        if re.match(r"\| [A-Z][A-Z0-9]+-\d", line):
            table.append([cell.strip()
                          for cell in line.strip("|").split(" | ")])
    return table


def defined_tests():
    names = set()
    for path in glob.glob(os.path.join(ROOT, "tests/s*/test_*.py")):
        names |= set(re.findall(r"^def (test_\w+)", read(path), re.M))
    for path in glob.glob(os.path.join(ROOT, "tests/unit/test-*.c")):
        names |= set(re.findall(r"(?:_test|\bTEST)\(\s*(\w+)\)", read(path)))
    return names


def named_in(cell):
    return set(re.findall(r"`(\w+)`", cell))


def test_each_requirement_is_there_once():
    assert sorted(row[0] for row in rows()) == sorted(IDS)
    assert all(len(row) == 4 and row[1] for row in rows())


def test_each_requirement_has_a_positive_and_a_negative_test_or_a_reason():
    reasons = re.findall(r"^\| ([A-Z0-9, -]+) \|",
                         read("dpif-overlay/README.md"), re.M)
    reasons = {name for cell in reasons for name in cell.split(", ")}
    for name, _, positive, negative in rows():
        for cell in positive, negative:
            assert (named_in(cell) if cell != "—" else name in reasons), name


@pytest.mark.parametrize("document", ["tests/CONFORMANCE.md",
                                      "dpif-overlay/README.md"])
def test_tests_of_the_tables_exist(document):
    text = read(document)
    if document == "tests/CONFORMANCE.md":
        named = set().union(*(named_in(cell) for row in rows()
                              for cell in row[2:]))
        assert len(named) > 150
    else:
        named = set(re.findall(r"`(test_\w+)`", text))
        for path in re.findall(r"`(test-[\w-]+\.c)`", text):
            assert os.path.exists(os.path.join(ROOT, "tests/unit", path))
        assert len(named) > 40
    assert not named - defined_tests()
