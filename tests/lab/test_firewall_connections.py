"""Sockets on a booted host against the matrix: each without a row is found by name, a right host has none."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner
from conftest import lab_name
from judging import observed, verdicts

from plumbline.cli import cli
from plumbline.errors import COMPLIANT, NOT_COMPLIANT
from plumbline.lab import Lab
from plumbline.matrix.compile.nftables import FILE, render
from plumbline.matrix.flows import host_flows
from plumbline.matrix.load import load_matrix
from plumbline.spec.load import load_inventory
from plumbline.verify.results import Verdict

HOST = "srv-app-01"
TALKER = Path(__file__).with_name("talker.py").read_text()
LISTENERS = "listeners-in-matrix:what_listens_has_a_row"
CONNECTIONS = "connections-in-matrix:only_approved_connections"
SERVED = "matrix-rows-served:every_row_is_served"


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """A host with its rules loaded, and what its one application row is for."""
    with Lab.up(lab_name(), hosts=1, flavour="clean") as lab:
        flows = host_flows(load_inventory(lab.inventory), load_matrix(lab.inventory).matrix, [HOST])[HOST]
        lab.run(HOST, f"printf %s {shlex.quote(render(flows))} >{FILE}; systemctl enable --now nftables")
        talk(lab, "opcua-server", ["listen tcp 0.0.0.0 4840"])
        yield lab


@dataclass(frozen=True)
class Controller:
    """This machine as the host's peer: its address in the lab's network, and what talks there."""

    address: str
    talker: subprocess.Popen[str]

    def order(self, *orders: str) -> None:
        """Give orders to the talker, and wait until it has followed each."""
        assert self.talker.stdin is not None
        assert self.talker.stdout is not None
        for one in orders:
            self.talker.stdin.write(f"{one}\n")
            self.talker.stdin.flush()
            assert self.talker.stdout.readline() == "done\n"


@pytest.fixture
def controller(lab: Lab) -> Iterator[Controller]:
    """A peer that listens at ports no row is for."""
    address = str(load_inventory(lab.inventory).site.vlans[0].gateway)
    talker = subprocess.Popen(
        [sys.executable, "-c", TALKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        made = Controller(address, talker)
        made.order(f"listen tcp {address} 9999", f"listen udp {address} 9998")
        yield made
    finally:
        talker.kill()
        talker.communicate()


def talk(lab: Lab, unit: str, orders: Sequence[str], *properties: str) -> None:
    """Start a talker on the host as a unit, and wait until it has followed its orders."""
    at, lines = f"/run/talk/{unit}", "".join(f"{one}\n" for one in orders)
    given = "".join(f"-p {shlex.quote(one)} " for one in properties)
    all_done = f"[ $(wc -l <{at}.out) -eq {len(orders)} ]"
    lab.run(
        HOST,
        f"mkdir -p /run/talk; cat >{at}.py; printf %s {shlex.quote(lines)} >{at}.in; rm -f {at}.out;"
        f" systemd-run -q --unit {unit} {given} -p StandardInput=file:{at}.in"
        f" -p StandardOutput=file:{at}.out /usr/bin/python3 {at}.py;"
        f" until {all_done}; do systemctl -q is-active {unit} || break; sleep 0.1; done;"
        f" {all_done} || {{ journalctl -u {unit} --no-pager >&2; exit 1; }}",
        input=TALKER,
    )


def verified(lab: Lab) -> tuple[set[str], int]:
    """Return what `plumb matrix verify` finds, as `kind by`, and its exit code."""
    done = CliRunner().invoke(
        cli, ["matrix", "verify", HOST, "-i", str(lab.inventory), "--format", "json"], standalone_mode=False
    )
    (host,) = json.loads(done.output)
    assert host["problem"] is None, host
    return {f"{one['kind']} {one['by']}" for one in host["findings"]}, done.return_value


def test_a_right_host_has_no_finding(lab: Lab, controller: Controller) -> None:
    """Among what is right: the check's own connection, questions and answers, what stays on the host."""
    address = str(lab.host(HOST).address)
    talk(
        lab,
        "right",
        [
            "listen tcp 127.0.0.1 10010",
            "listen tcp ::1 10011",
            "listen tcp ::ffff:127.0.0.1 10012",
            "listen udp 0.0.0.0 10013 lo",
            "mute udp 0.0.0.0 40000",
            "connect tcp 127.0.0.1 10010",
            "connect tcp ::1 10011",
            f"connect tcp {address} 4840",
        ],
    )
    controller.order(f"connect tcp {address} 4840")
    talk(lab, "isolated", ["listen tcp 0.0.0.0 10003"], "PrivateNetwork=yes")
    try:
        assert verified(lab) == (set(), COMPLIANT)
        judged = verdicts(lab, HOST, "firewall")
        for name in (LISTENERS, CONNECTIONS, SERVED):
            control = judged[name.partition(":")[0]]
            assert control.verdict is Verdict.PASS, control.checks
    finally:
        lab.run(HOST, "systemctl stop right isolated")


def test_each_wrong_socket_is_found_and_named(lab: Lab, controller: Controller) -> None:
    """All of it began before the rules were loaded, which stop none of it."""
    address, there = str(lab.host(HOST).address), controller.address
    tracking = "table ip x { chain c { type filter hook input priority 0; ct state new; }; }"
    lab.run(HOST, f"systemctl stop opcua-server; nft flush ruleset; nft '{tracking}'")
    talk(
        lab,
        "wrong",
        [
            "listen tcp 0.0.0.0 10000",
            f"listen tcp {address} 10001",
            "listen tcp :: 10002",
            "listen udp 0.0.0.0 5000",
            "listen udp 224.0.0.251 5353",
            f"listen udp {address} 4840",
            "listen tcp 127.0.0.1 4840",
            f"connect tcp {there} 9999",
            f"connect udp {there} 9998",
            f"ask {there} 9998",
            "packets host0",
        ],
    )
    controller.order(f"connect tcp {address} 10000", f"connect udp {address} 5000")
    talk(lab, "apart", ["listen tcp 0.0.0.0 10003"], "PrivateNetwork=yes")
    link = "ip link add outward type veth peer name inward"
    lab.run(HOST, f"nsenter -n -t $(systemctl show -P MainPID apart) {link}")
    lab.run(HOST, f"nft delete table ip x; nft -f {FILE}")
    wrong = "wrong.py in wrong.service"
    listening = {
        f"tcp *:10000 by {wrong}",
        f"tcp {address}:10001 by {wrong}",
        f"tcp *:10002 by {wrong}",
        f"udp *:5000 by {wrong}",
        f"udp 224.0.0.251:5353 by {wrong}",
        f"udp {address}:4840 by {wrong}",
        "tcp 0.0.0.0:10003 (in another network namespace) by apart.py in apart.service",
    }
    talking = {
        f"tcp {address} → {there}:9999 by {wrong}",
        f"udp {address} → {there}:9998 by {wrong}",
        f"udp {address} → {there}:9998 (tracked by the kernel)",
        f"udp {there} → {address}:5000 (tracked by the kernel)",
        f"tcp {there} → {address}:10000 by {wrong}",
        f"packets of protocol 0x0800 on host0 (past the packet filter) by {wrong}",
    }
    unserved = {"opcua-clients: tcp 4840 (only tcp 127.0.0.1:4840)"}
    try:
        found, code = verified(lab)
        judged = verdicts(lab, HOST, "firewall")
    finally:
        lab.run(HOST, "systemctl stop wrong apart")
        talk(lab, "opcua-server", ["listen tcp 0.0.0.0 4840"])
    assert code == NOT_COMPLIANT
    assert found == {
        *(f"listening {one}" for one in listening),
        *(f"talking {one}" for one in talking),
        *(f"unserved {one}" for one in unserved),
    }
    assert set(observed(judged, LISTENERS)) == listening
    assert set(observed(judged, CONNECTIONS)) == talking
    assert set(observed(judged, SERVED)) == unserved
