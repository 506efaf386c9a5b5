# SPDX-License-Identifier: Apache-2.0

"""Fixtures of the schema tier: the installed schema, the stock one, and a
database server without a switch."""

import json
import os
import subprocess
import tarfile
import time

import pytest

PREFIX = os.environ.get("OVL_PREFIX", "/usr/local")
STOCK = os.environ.get("OVS_SOURCE",
                       "/usr/src/openvswitch/openvswitch.tar.gz")
SCHEMA = PREFIX + "/share/openvswitch/vswitch.ovsschema"


def pytest_sessionstart(session):
    if not os.path.exists(SCHEMA):
        pytest.exit("no %s: install there, or set OVL_PREFIX" % SCHEMA,
                    returncode=2)


@pytest.fixture(scope="session")
def merged():
    with open(SCHEMA, encoding="utf-8") as f:
        return json.load(f)


@pytest.fixture(scope="session")
def stock_file(tmp_path_factory):
    """The schema of the Open vSwitch that we build from, as it came."""
    name = "vswitchd/vswitch.ovsschema"
    if os.path.isdir(STOCK):
        return os.path.join(STOCK, name)
    if not os.path.exists(STOCK):
        pytest.skip("no stock source of Open vSwitch in " + STOCK)
    path = tmp_path_factory.mktemp("stock") / "vswitch.ovsschema"
    with tarfile.open(STOCK) as tar:
        member = next(m for m in tar if m.name.endswith("/" + name))
        path.write_bytes(tar.extractfile(member).read())
    return str(path)


@pytest.fixture(scope="session")
def stock(stock_file):
    with open(stock_file, encoding="utf-8") as f:
        return json.load(f)


def tool(*args):
    """Runs ovsdb-tool and returns what it prints, read as JSON if it is."""
    done = subprocess.run([PREFIX + "/bin/ovsdb-tool", *args], check=True,
                          stdout=subprocess.PIPE, text=True)
    try:
        return json.loads(done.stdout)
    except ValueError:
        return done.stdout


class Server:
    """ovsdb-server, and ovs-vsctl to talk to it."""

    def __init__(self, directory):
        self.dir = str(directory)
        self.db = self.dir + "/conf.db"
        self.sock = "unix:%s/db.sock" % self.dir
        self.env = dict(os.environ, OVS_RUNDIR=self.dir, OVS_DBDIR=self.dir,
                        OVS_LOGDIR=self.dir,
                        OVS_PKGDATADIR=os.path.dirname(SCHEMA))
        self.processes = []

    def start(self):
        if not os.path.exists(self.db):
            tool("create", self.db, SCHEMA)
        self.spawn("sbin/ovsdb-server", self.db,
                   "--remote=p" + self.sock, "--unixctl=%s/db.ctl" % self.dir)
        self.wait_until(lambda: os.path.exists(self.dir + "/db.sock"))
        self.vsctl("init")

    def spawn(self, program, *args):
        with open("%s/%s.log" % (self.dir, os.path.basename(program)),
                  "wb") as log:
            process = subprocess.Popen([os.path.join(PREFIX, program), *args],
                                       env=self.env, stdout=log, stderr=log)
        self.processes.append(process)
        return process

    def vsctl(self, *args, check=True):
        done = subprocess.run(
            [PREFIX + "/bin/ovs-vsctl", "--db=" + self.sock, "--no-wait",
             "--timeout=30", *args], env=self.env, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if check:
            assert done.returncode == 0, done.stderr
            return done.stdout.strip()
        return done

    @staticmethod
    def wait_until(condition, timeout=30):
        end = time.monotonic() + timeout
        while not condition():
            assert time.monotonic() < end, "timeout"
            time.sleep(0.02)

    def stop(self):
        for process in reversed(self.processes):
            process.terminate()
            process.wait(30)


@pytest.fixture
def server(tmp_path):
    s = Server(tmp_path)
    s.start()
    yield s
    s.stop()
