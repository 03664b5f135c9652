"""Another product than ClamAV, told under an NDA: asked by the commands the site gives.

The commands are the operator's own data; the site answers for it that they change nothing.
"""

from __future__ import annotations

import re
import shlex
from typing import Any

from plumbline.probes.antivirus.detection import Detection, detection
from plumbline.probes.antivirus.signatures import Signatures
from plumbline.probes.base import Output, ParseError, Probe
from plumbline.probes.tagged import PRINT_END, Rows
from plumbline.spec.site import Antivirus as SiteAntivirus

SECONDS = 10


def _lines(output: Output) -> list[str]:
    rows = Rows(output, {"told": 1, "status": 1})
    if [status for (status,) in rows["status"]] != ["0"]:
        said = " ".join(line for (line,) in rows["told"])
        raise ParseError(f"the site's command failed: {said[:100]}")
    return [line.strip() for (line,) in rows["told"] if line.strip()]


def _told(command: str) -> str:
    return (
        f"o=$( ( {command} ) 2>&1 </dev/null ); s=$?; "
        "printf '%s\\n' \"$o\" | head -c 20000 | sed 's/^/told\\t/'; "
        "printf 'status\\t%s\\n' \"$s\"; " + PRINT_END
    )


def _newest(output: Output) -> tuple[float, list[Signatures]]:
    first, *rows = output.text.splitlines() or [""]
    return float(first), [
        Signatures(path, float(when), False) for when, _, path in (r.partition("\t") for r in rows)
    ]


def version(site: SiteAntivirus) -> Probe[list[str]] | None:
    """Return the probe of the product's version; None if the site gives no command for it."""
    told = site.version_command
    return Probe("antivirus.product_version", _told(told), _lines, limit=SECONDS) if told else None


def excluded(site: SiteAntivirus) -> Probe[list[str]] | None:
    """Return the probe of what the product leaves out, a line each."""
    told = site.exclusions_command
    return Probe("antivirus.product_exclusions", _told(told), _lines, limit=SECONDS) if told else None


def detects(site: SiteAntivirus) -> Probe[Detection] | None:
    """Return the probe that tries whether the product detects."""
    told = site.detection_command
    return detection("antivirus.product_detection", told) if told else None


def newest_signatures(site: SiteAntivirus) -> Probe[tuple[float, list[Signatures]]]:
    """Return the probe of the newest file of the product's signatures."""
    folder = shlex.quote(site.signatures)
    return Probe(
        "antivirus.product_signatures",
        f"date +%s; [ ! -e {folder} ] || "
        f"find -H {folder} -type f -printf '%T@\\t%p\\n' | sort -rn | head -n 1",
        _newest,
    )


def probes(site: SiteAntivirus) -> list[Probe[Any]]:
    """Return the probes that a site's own product needs; none for ClamAV, which is known."""
    if site.is_clamav:
        return []
    found: list[Probe[Any] | None] = [version(site), excluded(site), detects(site), newest_signatures(site)]
    return [probe for probe in found if probe is not None]


def older(told: list[str], oldest: str) -> list[str]:
    """Return what the version command told if the first version in it is too old, or there is none."""
    found = next((match[0] for line in told if (match := re.search(r"\d+(\.\d+)*", line))), None)
    if found is None:
        return told or ["no version"]
    return told if _parts(found) < _parts(oldest) else []


def _parts(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", version)]
