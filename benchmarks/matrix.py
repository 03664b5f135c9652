"""How lint, compile, loading and reading back grow with the matrix, at ten times the rows and hosts."""

from __future__ import annotations

import gc
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from ipaddress import IPv4Address
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.contests import Row
from benchmarks.timing import Ratio, in_turn
from plumbline.errors import PlumblineError
from plumbline.matrix.compile import nftables
from plumbline.matrix.flows import HostFlows, host_flows
from plumbline.matrix.lint import lint
from plumbline.matrix.model import Matrix
from plumbline.matrix.readback.approved import Approved, Face
from plumbline.matrix.readback.compare import differences
from plumbline.policy.load import load_standard
from plumbline.policy.protocols import load_protocols
from plumbline.probes.firewall.ruleset import parse_ruleset
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


@dataclass(frozen=True)
class Plant:
    """A plant of one size; `printed` is what nft lists of the host that most rows lead to."""

    inventory: Inventory
    matrix: Matrix
    largest: HostFlows
    printed: str


def large_matrices(rounds: int) -> list[Row]:
    """Return what each step to ten times the rows costs.

    Lint and compile are of the whole plant; loading and reading back are of the host that most rows lead to,
    in a network namespace of its own. Raises PlumblineError when a file of such a host does not load.
    """
    plants = {size: _plant(size) for size in SIZES}
    protocols = load_protocols(load_standard())

    def linted(one: Plant) -> None:
        lint(one.inventory, one.matrix, protocols, TODAY)

    def compiled(one: Plant) -> None:
        for flows in host_flows(one.inventory, one.matrix).values():
            nftables.render(flows)

    def loaded(one: Plant) -> None:
        _listed(nftables.render(one.largest))

    def read_back(one: Plant) -> None:
        face = Face("eth0", one.largest.addresses[0].low)
        if found := differences(parse_ruleset(one.printed), Approved(one.largest), [face]):
            raise PlumblineError(f"what was compiled reads back as something else: {found[0]}")

    found: list[Row] = []
    # All sizes stay in memory, and collecting garbage in one would go through the others again and again.
    gc.disable()
    for what, work in (("lint", linted), ("compile", compiled), ("nft -f", loaded), ("read back", read_back)):
        works = {str(size): partial(work, one) for size, one in plants.items()}
        series = in_turn(works, max(3, rounds // 3))
        for small, large in pairwise(SIZES):
            ratio = Ratio(series[str(large)], series[str(small)])
            found.append(
                Row(
                    f"{what} of {_told(what, large, plants)} / of {_told(what, small, plants)}",
                    ratio,
                    f"at most {LINEAR:g} x for 10 x the rows",
                    ratio.value <= LINEAR,
                )
            )
    gc.enable()
    return found


def _told(what: str, size: int, plants: Mapping[int, Plant]) -> str:
    if what in ("lint", "compile"):
        return f"{size} rows and {size // ROWS_A_HOST} hosts"
    return f"a host of {len(plants[size].largest.flows)} rows of {size}"


def _plant(size: int) -> Plant:
    inventory, matrix = plant(size)
    largest = host_flows(inventory, matrix, ["host-0"])["host-0"]
    return Plant(inventory, matrix, largest, _listed(nftables.render(largest)))


def _listed(ruleset: str) -> str:
    """Load a ruleset in a network namespace of its own; return what nft lists of it."""
    script = "ip link set lo up && nft -f /dev/stdin && nft -j list ruleset"
    done = subprocess.run(
        ["unshare", "-n", "sh", "-c", script], input=ruleset, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["nothing said"])[0]
        raise PlumblineError(
            f"a compiled ruleset did not load: {said}", hint="loading one needs root and nft"
        )
    return done.stdout


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
