"""Evidence of a host whose rules are these, now and at boot; the rest is as on a host that loads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sample_evidence import answer, body, closed

from plumbline.probes.base import Probe
from plumbline.probes.firewall import BOOT, CONDITIONS, LEGACY, NOW, ON_DISK, SCRIPT_LINES, UNIT_LINES, UNITS

RECORDED = Path(__file__).parents[2] / "recorded"


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
    }
    probes = {probe.name: answer(probe, text.encode()) for probe, text in printed.items()}
    host = {"hostname": name, "machine": "0123456789abcdef", "kernel": "6.1.0-18-amd64"}
    return closed(body(probes, host=host))
