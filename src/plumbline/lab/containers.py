"""What the lab's containers cannot show: controls that only a machine with its own kernel can pass."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from plumbline.errors import InputError

CANNOT_SHOW = (
    "hardware-facts-known",
    "no-reboot-owed",
    "security-events-logged",
    "virtualisation-as-specified",
    "workstation-virtual",
)
"""Controls that come to `unknown` in a container: its kernel and its machine are not its own.

The lab's virtual machines show them.
"""

NOT_DELIVERED = ("matrix-rows-served",)
"""Controls that fail on a lab's host as long as nothing is put there: it runs no supplier's application.

The rows of the worked example's matrix that are for its applications are served by nobody.
"""

NEEDS_SITE = ("time-synchronised",)
"""Controls that need a server of the site to answer; in a lab without the site they fail or are not known."""


def amiss(verdicts: Mapping[str, str]) -> dict[str, str]:
    """Return the controls of a container that are not good, beside those a lab's container cannot pass."""
    good = {*(("unknown", control) for control in CANNOT_SHOW), *(("fail", one) for one in NOT_DELIVERED)}
    good |= {(verdict, control) for verdict in ("unknown", "fail") for control in NEEDS_SITE}
    return {
        control: str(verdict)
        for control, verdict in verdicts.items()
        if verdict not in ("pass", "not-applicable") and (verdict, control) not in good
    }


def verdicts_of(report: Path) -> dict[str, dict[str, str]]:
    """Read, by host, the verdict of each control from what `plumb check --json` wrote; none where not judged.

    Raises InputError when the file is no such report.
    """
    try:
        hosts = json.loads(report.read_bytes())["hosts"]
        return {host["host"]: {c["control"]: c["verdict"] for c in host["controls"]} for host in hosts}
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"is no report of plumb check ({type(error).__name__})", file=report) from error
