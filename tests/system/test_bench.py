# SPDX-License-Identifier: Apache-2.0

"""The benchmark of the datapaths does what it says.  Figures are nobody's
business here."""

import json
import os
import subprocess

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
PREFIX = os.environ.get("OVL_PREFIX", "/usr/local")
DATAPATH = os.path.join(HERE, "../bench/datapath.py")
DAEMON = os.environ.get("OVL_BENCH_DAEMON",
                        PREFIX + "/../build/tests/bench/ovs-vswitchd")
KEYS = {"case", "size", "ours", "peer", "peers", "ratio", "unit", "pairs"}


def run(*options):
    return subprocess.run(
        ["/usr/bin/python3", "-B", DATAPATH, "--prefix=" + PREFIX,
         "--daemon=" + DAEMON, *options], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, timeout=300)


def test_both_datapaths_send_the_same_and_are_measured():
    """Into the tunnel and out of it.  The comparison of frames is what
    matters: a difference is an error."""
    if not os.path.exists(DAEMON):
        pytest.skip("no benchmark's daemon beside %s: utilities/build makes "
                    "one, OVL_BENCH_DAEMON names another" % PREFIX)
    result = run("--quick", "--malloc", "--pairs=1", "--seconds=0.05",
                 "--case=D1", "--case=D7")
    assert not result.returncode, result.stderr
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["case"][:2] for line in lines] == ["D1", "D7"]
    for line in lines:
        assert KEYS <= line.keys()
        assert line["ours"] > 0 and line["peers"] > 0


def test_case_that_does_not_exist():
    result = run("--case=D99")
    assert result.returncode == 2
    assert 'there is no case "D99", but D1, ' in result.stderr


def test_daemon_that_was_not_built():
    result = run("--daemon=/nowhere")
    assert result.returncode == 1
    assert result.stderr == ("bench: there is no /nowhere; utilities/bench "
                             "builds it\n")


def test_lines_of_a_program_get_a_table():
    """Rates are to be high, all else low; the exit status is passed on."""
    def line(ours, peers, unit="ns", peer="goal", **more):
        return json.dumps({"case": "a", "size": 1, "ours": ours, "unit": unit,
                           "peer": peer, "peers": peers,
                           "ratio": ours / peers, "pairs": 1, **more})

    text = "\n".join([line(1, 2), line(2, 1), line(2, 1, "1/s"),
                      line(1, 2, "1/s"), line(1, 2, peer="cmap"),
                      line(3, 2, peer="few", goal=1.3, at_most=True)])
    result = subprocess.run(
        ["/usr/bin/python3", "-B",
         os.path.join(HERE, "../bench/table.py"), "sh", "-c",
         "echo \"$1\"; exit 3", "sh", text], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, timeout=60)
    assert result.returncode == 3
    assert result.stdout == text + "\n"
    assert [row.split("  ")[-1].strip()
            for row in result.stderr.splitlines()[2:]] == [
        "met", "MISSED", "met", "MISSED", "0.5", "1.5, goal <= 1.3: MISSED"]
