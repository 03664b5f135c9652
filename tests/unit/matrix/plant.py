"""A small plant for the tests of the matrix: two VLANs, three hosts, and rows that a test can change."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from plumbline.matrix.lint import Finding, lint
from plumbline.matrix.model import Matrix
from plumbline.policy.load import load_standard
from plumbline.policy.protocols import load_protocols
from plumbline.spec.load import Inventory, load_inventory

TODAY = date(2026, 11, 22)
SITE = """\
name: plant
domain: plant.test
active_directory: {domain: ad.plant.test, controllers: [10.1.9.10]}
time_sources: [10.1.9.11]
log_collector: {host: 10.1.9.12, port: 6514}
dns: [10.1.9.10]
vlans:
  - {id: 10, name: control, network: 10.1.1.0/24, gateway: 10.1.1.1}
  - {id: 20, name: office, network: 10.1.2.0/24, gateway: 10.1.2.1}
  - {id: 30, name: twins, network: 10.1.3.0/29}
  - {id: 90, name: services, network: 10.1.9.0/24, gateway: 10.1.9.1}
management_sources: [10.1.9.5/32]
antivirus: {product: clamav, packages: [clamav], services: [clamav.service], signatures: /var/lib/clamav}
"""
HOST = """\
  - name: {name}
    profile: server
    os: {{family: {family}, distribution: debian, version: "12"}}
    vcpu: 2
    ram_gib: 4
    storage: [{{mount: /, size_gib: 20, holds: system}}]
    interfaces: [{interfaces}]
    services: [{services}]
"""
HOSTS = (
    (
        "plc-gw",
        "linux",
        "{name: eth0, vlan: control, address: 10.1.1.11}",
        "{name: gateway, account: gw, ports: [4840]}",
    ),
    (
        "hist",
        "linux",
        "{name: eth0, vlan: control, address: 10.1.1.12},"
        " {name: eth1, vlan: twins, address: 10.1.3.2, purpose: application-redundancy}",
        "{name: postgresql, account: postgres, ports: [5432]}",
    ),
    (
        "desk",
        "windows",
        "{name: eth0, vlan: office, address: 10.1.2.11}",
        "{name: view, account: view, ports: [8443]}",
    ),
)
APPROVED = {"cyber-security": "2026-03-02", "infrastructure": "2026-03-03", "control-systems": "2026-03-05"}


def plant(folder: Path) -> Inventory:
    """Write the plant's inventory and load it."""
    (folder / "systems").mkdir(parents=True, exist_ok=True)
    (folder / "site.yml").write_text(SITE, encoding="utf-8")
    hosts = "".join(
        HOST.format(name=name, family=family, interfaces=interfaces, services=services)
        for name, family, interfaces, services in HOSTS
    )
    (folder / "systems/heat.yml").write_text(
        f"name: heat\nsupplier: Example\nhosts:\n{hosts}", encoding="utf-8"
    )
    return load_inventory(folder)


def row(name: str = "history", **changes: Any) -> dict[str, Any]:  # noqa: ANN401  (a row's data)
    """Return a good row as data, with some of it changed; None takes a key away."""
    data = {
        "id": name,
        "source": ["plc-gw"],
        "destination": ["hist"],
        "protocol": "tcp",
        "ports": ["5432"],
        "service": "PostgreSQL over TLS",
        "direction": "to-destination",
        "data": "process history",
        "encryption": "tls",
        "classification": "internal",
        "justification": "the history is written",
        "requested_by": "Example",
        "approved_by": APPROVED,
        **changes,
    }
    return {key: value for key, value in data.items() if value is not None}


MANAGEMENT = row(
    "management",
    source=["site:management"],
    destination=["system:heat"],
    ports=["22"],
    service="SSH",
    encryption="ssh",
)
SERVICES = [
    row(
        "time",
        source=["system:heat"],
        destination=["site:time"],
        protocol="udp",
        ports=["123"],
        service="NTS",
        encryption="nts",
    ),
    row("names", source=["system:heat"], destination=["site:dns"], ports=["853"], service="DNS over TLS"),
    row("directory", source=["system:heat"], destination=["site:directory"], ports=["636"], service="LDAPS"),
    row("log", source=["system:heat"], destination=["site:log"], ports=["6514"], service="syslog over TLS"),
]


def matrix(*rows: dict[str, Any], **names: list[str]) -> Matrix:
    """Return a matrix of the site's own rows and these."""
    return Matrix.model_validate({"names": names, "rows": [MANAGEMENT, *SERVICES, *rows]})


def found(inventory: Inventory, *rows: dict[str, Any], **names: list[str]) -> list[Finding]:
    """Return what is wrong with a matrix of the site's own rows and these."""
    return lint(inventory, matrix(*rows, **names), load_protocols(load_standard()), TODAY)
