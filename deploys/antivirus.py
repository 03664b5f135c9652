"""Antivirus on Linux: the site's product is installed and runs; ClamAV's configuration is ours."""

from __future__ import annotations

import re

from pyinfra.api.operation import OperationMeta

from deploys.mechanisms.files import whole_file
from deploys.mechanisms.packages import packages
from deploys.mechanisms.printed import lines
from deploys.mechanisms.units import drop_in, unit_on, unit_restarted
from plumbline.policy.standard import DesiredState
from plumbline.spec.site import Antivirus

CLAMD, FRESHCLAM = "/etc/clamav/clamd.conf", "/etc/clamav/freshclam.conf"
ISSUER = "/etc/clamav/plumbline-mirror.pem"
UPDATER, ON_ACCESS = "clamav-freshclam.service", "clamav-clamonacc.service"

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

# What the scanner itself reads is left out, or each scan would bring the next.
ON_ACCESS_HEAD = """\
OnAccessPrevention false
OnAccessExcludeUname clamav
"""

FRESHCLAM_HEAD = """\
# Written by Plumbline from the site's mirror; the whole file is replaced when it differs.
DatabaseDirectory /var/lib/clamav
DatabaseOwner clamav
UpdateLogFile /var/log/clamav/freshclam.log
LogTime true
LogRotate true
LogFileMaxSize 0
Checks 24
ScriptedUpdates false
NotifyClamd /etc/clamav/clamd.conf
"""

CONTAINER = "[ ! -e /run/systemd/container ] || echo container"
"""A container is not told of its files' use: its machine is, and scans them if it is to."""

OFFICIAL = ("main", "daily", "bytecode")
"""ClamAV's own databases, which freshclam takes where it is not told to leave them."""


def apply(desired: DesiredState) -> None:
    """Install the site's antivirus, let it run now and after boot, and leave out only what is approved."""
    antivirus = desired.site.antivirus
    written = [packages(antivirus.packages)]
    if antivirus.is_clamav:
        if antivirus.mirror:
            _from_mirror(antivirus, antivirus.mirror, written[0])
        written.append(whole_file(CLAMD, clamd_configuration(desired)))
    for service in antivirus.services:
        unit_on(service)
        unit_restarted(service, when=written)
    if antivirus.on_access and not lines(CONTAINER):
        started = drop_in(
            ON_ACCESS,
            "[Service]\nExecStart=\n"
            "ExecStart=/usr/sbin/clamonacc --foreground --fdpass --log=/var/log/clamav/clamonacc.log\n",
        )
        unit_on(ON_ACCESS)
        unit_restarted(ON_ACCESS, when=[*written, started])


def clamd_configuration(desired: DesiredState) -> str:
    """Return clamd.conf: nothing left out but what is approved, and the paths scanned as they are used."""
    excluded = [f"ExcludePath {_expression(path)}\n" for path in desired.host.antivirus_exclusions]
    watched = [f"OnAccessIncludePath {path}\n" for path in desired.site.antivirus.on_access]
    if watched:
        excluded += [f"OnAccessExcludePath {path}\n" for path in desired.host.antivirus_exclusions]
        watched = [ON_ACCESS_HEAD, *watched]
    return HEAD + "".join(excluded + watched)


def freshclam_configuration(antivirus: Antivirus, mirror: str) -> str:
    """Return freshclam.conf: signatures from the site's mirror and from nowhere else."""
    if not antivirus.databases:
        return FRESHCLAM_HEAD + f"PrivateMirror {mirror}\n"
    lines = [f"ExcludeDatabase {name}\n" for name in OFFICIAL]
    lines += [f"DatabaseCustomURL {mirror}/{name}\n" for name in antivirus.databases]
    # freshclam wants a mirror named even where it takes nothing of ClamAV's own from it.
    return FRESHCLAM_HEAD + f"PrivateMirror {mirror}\n" + "".join(lines)


def _from_mirror(antivirus: Antivirus, mirror: str, installed: OperationMeta) -> None:
    """Let freshclam take signatures from the mirror, which proves itself by the issuer the site gives."""
    written = [installed, whole_file(FRESHCLAM, freshclam_configuration(antivirus, mirror))]
    trust = ""
    if antivirus.ca:
        written.append(whole_file(ISSUER, antivirus.ca))
        trust = f"Environment=CURL_CA_BUNDLE={ISSUER}\n"
    written.append(
        drop_in(
            UPDATER,
            f"[Service]\n{trust}ExecStart=\nExecStart=/usr/bin/freshclam -d --foreground=true\n",
        )
    )
    unit_on(UPDATER)
    unit_restarted(UPDATER, when=written)


def _expression(path: str) -> str:
    """Return ClamAV's expression for a path and what is below it, and nothing beside it."""
    escaped = re.sub(r"([.\[\]{}()*+?^$|\\])", r"\\\1", path.rstrip("/"))
    return f"^{escaped}(/|$)"
