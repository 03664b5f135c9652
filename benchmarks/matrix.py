"""How lint and compile grow with the matrix: ten times the rows and hosts against as many as before."""

from __future__ import annotations

import gc
import tempfile
from collections.abc import Callable
from datetime import date
from ipaddress import IPv4Address
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.contests import Row
from benchmarks.timing import Ratio, in_turn
from plumbline.matrix.compile import nftables
from plumbline.matrix.flows import host_flows
from plumbline.matrix.lint import lint
from plumbline.matrix.model import Matrix
from plumbline.policy.load import load_standard
from plumbline.policy.protocols import load_protocols
from plumbline.spec.load import Inventory, load_inventory
from plumbline.spec.model import HostSpec

SIZES = (500, 5000, 50_000)
ROWS_A_HOST = 10
LINEAR = 15.0
"""Ten times the rows may take so many times as long: linear, and what a busy machine adds."""
TODAY = date(2026, 11, 22)
_FIRST = int(IPv4Address("10.16.0.10"))
_SITE = """\
name: large
domain: large.test
active_directory: {domain: ad.large.test, controllers: [10.1.9.10]}
time_sources: [10.1.9.11]
log_collector: {host: 10.1.9.12, port: 6514}
dns: [10.1.9.10]
vlans: [{id: 10, name: plant, network: 10.16.0.0/12, gateway: 10.16.0.1}]
management_sources: [10.1.9.5/32]
antivirus: {product: clamav, packages: [clamav], services: [clamav.service], signatures: /var/lib/clamav}
"""
_HOST = """\
name: plant
supplier: Example
hosts:
  - name: host-0
    profile: server
    os: {family: linux, distribution: debian, version: "12"}
    vcpu: 2
    ram_gib: 4
    storage: [{mount: /, size_gib: 20, holds: system}]
    interfaces: [{name: eth0, vlan: plant, address: 10.16.0.10}]
"""


def large_matrices(rounds: int) -> list[Row]:
    """Return what each step to ten times the rows costs, for lint and for compile of all hosts' files."""
    plants = {size: plant(size) for size in SIZES}
    protocols = load_protocols(load_standard())
    found = []
    # All sizes stay in memory, and collecting garbage in one would go through the others again and again.
    gc.disable()
    for what in ("lint", "compile"):
        works: dict[str, Callable[[], None]] = {}
        for size, (inventory, matrix) in plants.items():

            def work(inventory: Inventory = inventory, matrix: Matrix = matrix, what: str = what) -> None:
                if what == "lint":
                    lint(inventory, matrix, protocols, TODAY)
                else:
                    for flows in host_flows(inventory, matrix).values():
                        nftables.render(flows)

            works[str(size)] = work
        series = in_turn(works, max(3, rounds // 3))
        for small, large in pairwise(SIZES):
            ratio = Ratio(series[str(large)], series[str(small)])
            found.append(
                Row(
                    f"{what} of {large} rows and {large // ROWS_A_HOST} hosts / of {small} rows",
                    ratio,
                    f"at most {LINEAR:g} x for 10 x the rows",
                    ratio.value <= LINEAR,
                )
            )
    gc.enable()
    return found


def plant(size: int) -> tuple[Inventory, Matrix]:
    """Return a plant of `size` rows on a tenth as many hosts; one host is the destination of every tenth."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        (path / "systems").mkdir()
        (path / "site.yml").write_text(_SITE)
        (path / "systems/plant.yml").write_text(_HOST)
        inventory = load_inventory(path)
    system = inventory.systems["plant"]
    count = size // ROWS_A_HOST
    hosts = [_host(system.hosts[0], number) for number in range(count)]
    inventory.systems["plant"] = system.model_copy(update={"hosts": hosts})
    rows = [_row(number, count) for number in range(size)]
    return inventory, Matrix.model_validate({"rows": rows})


def _host(like: HostSpec, number: int) -> HostSpec:
    face = like.interfaces[0].model_copy(update={"address": IPv4Address(_FIRST + number)})
    return like.model_copy(update={"name": f"host-{number}", "interfaces": [face]})


def _row(number: int, hosts: int) -> dict[str, Any]:
    source = number % hosts
    destination = 0 if number % 10 == 0 else (number * 7 + 1) % hosts
    if destination == source:
        destination = (destination + 1) % hosts
    return {
        "id": f"row-{number}",
        "source": [f"host-{source}"],
        "destination": [f"host-{destination}"],
        "protocol": "tcp" if number % 4 else "udp",
        "ports": [str(2000 + number // hosts * 50 + number % 40)],
        "service": "telegrams over TLS",
        "direction": "both",
        "data": "process values",
        "encryption": "tls",
        "classification": "internal",
        "justification": "the plant runs by it",
        "requested_by": "Example",
        "approved_by": {
            "cyber-security": "2026-03-02",
            "infrastructure": "2026-03-03",
            "control-systems": "2026-03-05",
        },
    }
