"""Evidence of a host whose rules are these, now and at boot; the rest is as on a host that loads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sample_evidence import answer, body, closed

from plumbline.probes.base import Probe
from plumbline.probes.connections import RUNNING, SEEN
from plumbline.probes.firewall import (
    BESIDE,
    BOOT,
    CONDITIONS,
    DETOURS,
    LEGACY,
    NOW,
    ON_DISK,
    SCRIPT_LINES,
    UNIT_LINES,
    UNITS,
)

RECORDED = Path(__file__).parents[2] / "recorded"
QUIET = "address\t127.0.0.1/8\naddress\t10.1.1.12/24\nasking\t4087\nend\n"
"""A host that talks to nobody."""


def listening(*sockets: str) -> str:
    """Return what the probe of what runs printed on a lab's host, with these sockets, such as `tcp 5432`."""
    recorded = (RECORDED / "firewall/running-iproute2-6.1.0-sabotaged.txt").read_text().splitlines()
    lines = [line for line in recorded if not line.startswith(("socket", "elsewhere"))]
    for protocol, _, port in (each.partition(" ") for each in sockets):
        lines.insert(0, f"socket\t{protocol} LISTEN 0 128 0.0.0.0:{port} 0.0.0.0:* ino:1 sk:2 <->")
    return "".join(f"{line}\n" for line in lines)


def evidence(name: str, now: str, boot: str | None = None, **others: str) -> bytes:
    """Return evidence of a host; `now` and `boot`: what `nft -j list ruleset` printed, alike if one is given.

    `others`: what further probes printed, by their last name, such as `legacy`.
    """
    printed: dict[Probe[Any], str] = {
        NOW: now,
        BOOT: now if boot is None else boot,
        LEGACY: others.get("legacy", ""),
        UNITS: (RECORDED / "firewall/units-systemd-252.txt").read_text(),
        ON_DISK: (RECORDED / "systemd/on-disk-systemd-252.txt").read_text(),
        CONDITIONS: (RECORDED / "systemd/conditions-systemd-252.txt").read_text(),
        UNIT_LINES: (RECORDED / "systemd/unit-lines-debian-12.txt").read_text(),
        SCRIPT_LINES: (RECORDED / "systemd/script-lines-debian-12.txt").read_text(),
        DETOURS: others.get("detours", "end\n"),
        BESIDE: others.get("beside", "end\n"),
        SEEN: others.get("seen", QUIET),
        RUNNING: others.get("running", listening("tcp 22", "tcp 5432", "tcp 5433", "tcp 4443")),
    }
    probes = {probe.name: answer(probe, text.encode()) for probe, text in printed.items()}
    host = {"hostname": name, "machine": "0123456789abcdef", "kernel": "6.1.0-18-amd64"}
    return closed(body(probes, host=host))
