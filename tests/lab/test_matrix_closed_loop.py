"""The closed loop on a booted host: the compiled file is loaded, read back, and survives a reboot."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator

import pytest
from click.testing import CliRunner
from conftest import lab_name

from plumbline.cli import cli
from plumbline.errors import COMPLIANT, NOT_COMPLIANT
from plumbline.lab import Lab
from plumbline.matrix.compile.nftables import FILE, render
from plumbline.matrix.flows import host_flows
from plumbline.matrix.load import load_matrix
from plumbline.spec.load import load_inventory

HOST = "srv-app-01"
SERVED = (
    "cd /etc/systemd/system; printf '[Service]\\nExecStart=/bin/true\\n' >opcua-server.service;"
    " printf '[Socket]\\nListenStream=4840\\n[Install]\\nWantedBy=sockets.target\\n' >opcua-server.socket;"
    " systemctl enable --now opcua-server.socket"
)
"""Something listens where the matrix lets in, before and after a reboot."""


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """A host with the file compiled from the lab's matrix, and what its one application row is for."""
    with Lab.up(lab_name(), hosts=2, flavour="clean") as lab:
        matrix = load_matrix(lab.inventory).matrix
        compiled = render(host_flows(load_inventory(lab.inventory), matrix, [HOST])[HOST])
        lab.run(HOST, f"printf %s {shlex.quote(compiled)} >{FILE}; systemctl enable --now nftables")
        lab.run(HOST, SERVED)
        yield lab


def verified(lab: Lab) -> tuple[set[str], int]:
    """Return what `plumb matrix verify` finds live, as `when kind`, and its exit code."""
    done = CliRunner().invoke(
        cli, ["matrix", "verify", HOST, "-i", str(lab.inventory), "--format", "json"], standalone_mode=False
    )
    (host,) = json.loads(done.output)
    assert host["problem"] is None, host
    return {f"{one['when']} {one['kind']}" for one in host["findings"]}, done.return_value


def test_a_host_that_loads_what_was_compiled_agrees_also_after_a_reboot(lab: Lab) -> None:
    assert verified(lab) == (set(), COMPLIANT)
    lab.reboot(HOST)
    assert verified(lab) == (set(), COMPLIANT)


CASES = {
    "rule_by_hand": ("nft add rule inet plumbline input tcp dport 9 accept", {"now open"}),
    "boot_file_edited": (f"sed -i 's/dport {{ 4840 }}/dport {{ 4840-4841 }}/' {FILE}", {"boot open"}),
    "second_include": (
        f"mkdir -p /etc/nft.d; echo 'add rule inet plumbline output accept' >/etc/nft.d/x.nft;"
        f" echo 'include \"/etc/nft.d/*.nft\"' >>{FILE}",
        {"boot open"},
    ),
    "unit_disabled": ("systemctl disable nftables", {"boot loading"}),
    "not_tracked": (
        "nft 'table ip x { chain c { type filter hook prerouting priority raw; udp dport 9 notrack; }; }'",
        {"now rewrites"},
    ),
    "flushed": ("nft flush ruleset", {"now open"}),
    "row_closed": (
        "nft 'table ip x { chain c { type filter hook input priority -9; tcp dport 4840 drop; }; }'",
        {"now closed", "now needed"},
    ),
}


@pytest.mark.parametrize(("wrong", "expected"), CASES.values(), ids=CASES)
def test_found(lab: Lab, wrong: str, expected: set[str]) -> None:
    lab.run(HOST, f"cp {FILE} /root/kept; {wrong}")
    try:
        assert verified(lab) == (expected, NOT_COMPLIANT)
    finally:
        lab.run(HOST, f"cp /root/kept {FILE}; nft flush ruleset; nft -f {FILE}; systemctl -q enable nftables")
    assert verified(lab) == (set(), COMPLIANT)
