"""Antivirus on Linux: the site's product is installed and runs; ClamAV's configuration is ours."""

from __future__ import annotations

import re

from deploys.mechanisms.files import whole_file
from deploys.mechanisms.packages import packages
from deploys.mechanisms.units import unit_on, unit_restarted
from plumbline.policy.standard import DesiredState

CLAMD = "/etc/clamav/clamd.conf"

HEAD = """\
# Written by Plumbline from the site and the specification; the whole file is replaced when it differs.
LocalSocket /var/run/clamav/clamd.ctl
LocalSocketGroup clamav
LocalSocketMode 666
FixStaleSocket true
User clamav
DatabaseDirectory /var/lib/clamav
SelfCheck 3600
LogFile /var/log/clamav/clamav.log
LogTime true
LogRotate true
LogFileMaxSize 0
ExtendedDetectionInfo true
"""


def apply(desired: DesiredState) -> None:
    """Install the site's antivirus, let it run now and after boot, and leave out only what is approved."""
    antivirus = desired.site.antivirus
    written = [packages(antivirus.packages)]
    if antivirus.product == "clamav":
        exclusions = [f"ExcludePath {_expression(path)}\n" for path in desired.host.antivirus_exclusions]
        written.append(whole_file(CLAMD, HEAD + "".join(exclusions)))
    for service in antivirus.services:
        unit_on(service)
        unit_restarted(service, when=written)


def _expression(path: str) -> str:
    """Return ClamAV's expression for a path and what is below it, and nothing beside it."""
    escaped = re.sub(r"([.\[\]{}()*+?^$|\\])", r"\\\1", path.rstrip("/"))
    return f"^{escaped}(/|$)"
