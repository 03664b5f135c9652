"""The antivirus: its packages, whether it runs and will run, how old its signatures are, what it leaves out.

The product is a parameter of the site. Packages and units are observed whole, so any product's can be judged;
signatures and exclusions are read for the products named here.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime

from plumbline.probes.base import Output, ParseError, Probe
from plumbline.probes.subject import Subject
from plumbline.verify.unknown import Unknown

CLAMAV_SIGNATURES = "/var/lib/clamav"

_DAY = 86_400


@dataclass(frozen=True)
class Signatures:
    """A signature file, and when it was made: seconds since the epoch, by its own head or else its mtime."""

    file: str
    made: float
    from_head: bool


def _packages(output: Output) -> dict[str, str]:
    """Read `dpkg-query -W`: version by package, of those that are really installed."""
    packages = {}
    for line in output.text.splitlines():
        state, tab, rest = line.partition("\t")
        name, second_tab, version = rest.partition("\t")
        if not tab or not second_tab:
            raise ParseError(f"dpkg-query printed {line[:80]!r}")
        if state[1:2] == "i":
            packages[name] = version
    return packages


def _unit_files(output: Output) -> dict[str, str]:
    """Read `systemctl list-unit-files`: unit file state by unit."""
    states = {}
    for line in output.text.splitlines():
        fields = line.split()
        if len(fields) < 2:
            raise ParseError(f"systemctl printed {line[:80]!r}")
        states[fields[0]] = fields[1]
    return states


def _running(output: Output) -> dict[str, str]:
    """Read `systemctl list-units`: `active/running` and the like by unit."""
    states = {}
    for line in output.text.splitlines():
        fields = line.lstrip("●* ").split()
        if len(fields) < 4:
            raise ParseError(f"systemctl printed {line[:80]!r}")
        states[fields[0]] = f"{fields[2]}/{fields[3]}"
    return states


def _signatures(output: Output) -> tuple[float, list[Signatures]]:
    """Read the time of asking, then a line a file: mtime, path, and the head where the file has one."""
    first, *lines = output.text.splitlines()
    asked = float(first)
    found = []
    for line in lines:
        modified, tab, rest = line.partition("\t")
        path, second_tab, head = rest.partition("\t")
        if not tab or not second_tab:
            raise ParseError(f"a line without its parts: {line[:80]!r}")
        made = _head_date(head)
        found.append(Signatures(path, float(modified) if made is None else made, made is not None))
    return asked, found


def _head_date(head: str) -> float | None:
    """Return when a database was made by its head, `ClamAV-VDB:22 Nov 2026 08-23 +0000:…`."""
    if not head.startswith("ClamAV-VDB:"):
        return None
    written = head.split(":", 2)[1]
    return datetime.strptime(written, "%d %b %Y %H-%M %z").timestamp()


PACKAGES = Probe(
    "antivirus.packages",
    "dpkg-query -W -f '${db:Status-Abbrev}\\t${Package}\\t${Version}\\n'",
    _packages,
)

UNIT_FILES = Probe(
    "antivirus.unit_files",
    "systemctl list-unit-files --no-legend --plain --full --type=service",
    _unit_files,
)

RUNNING = Probe(
    "antivirus.running",
    "systemctl list-units --all --no-legend --plain --full --type=service",
    _running,
)

SIGNATURES = Probe(
    "antivirus.signatures",
    f"date +%s; for f in {CLAMAV_SIGNATURES}/*.c[vlu]d {CLAMAV_SIGNATURES}/*.[hnm]db; do "
    "[ -f \"$f\" ] || continue; h=$(head -c 60 \"$f\" | tr -d '\\000' | tr '\\n\\t' '  '); "
    "case $h in ClamAV-VDB:*) ;; *) h=;; esac; "
    'printf \'%s\\t%s\\t%s\\n\' "$(stat -c %Y "$f")" "$f" "$h"; done',
    _signatures,
)

EXCLUSIONS = Probe(
    "antivirus.exclusions",
    "c=$(systemctl show -p ExecStart clamav-daemon.service "
    "| sed -n 's/.*--config-file[= ]\\([^ ;]*\\).*/\\1/p'); "
    'f=${c:-/etc/clamav/clamd.conf}; [ ! -f "$f" ] || '
    "grep -HniE '^[[:space:]]*(ExcludePath|OnAccessExclude[A-Za-z]*)[[:space:]]' \"$f\" || [ $? -eq 1 ]",
    lambda output: output.text.splitlines(),
)


@dataclass(frozen=True)
class Exclusion:
    """Something the scanner leaves out, and where that is written."""

    what: str
    where: str

    def __str__(self) -> str:
        return f"{self.what} ({self.where})"


class Antivirus(Subject):
    """The antivirus as the host has it."""

    def missing_packages(self, names: list[str]) -> list[str]:
        """Return which of the packages are not installed."""
        return [name for name in names if name not in self.read(PACKAGES)]

    def states_now(self, services: list[str]) -> dict[str, str]:
        """Return the state of each service now: `active/running` when it runs."""
        running = self.read(RUNNING)
        return {service: running.get(service, "not loaded") for service in services}

    def states_at_boot(self, services: list[str]) -> dict[str, str]:
        """Return the state of each service's unit file: `enabled` when it starts at boot."""
        files = self.read(UNIT_FILES)
        return {service: files.get(service, "no such unit") for service in services}

    def signature_age_days(self, directory: str) -> int | None:
        """Return how many days old the newest signatures are, rounded up; None if there are none.

        Files whose head tells when they were made count; only where no file has such a head does the time of
        modification, which anybody can renew.
        """
        if directory.rstrip("/") != CLAMAV_SIGNATURES:
            raise Unknown(
                "the collector does not ask how old the signatures in {directory} are", directory=directory
            )
        asked, found = self.read(SIGNATURES)
        if not found:
            return None
        telling = [signatures for signatures in found if signatures.from_head] or found
        return math.ceil((asked - max(signatures.made for signatures in telling)) / _DAY)

    @property
    def exclusions(self) -> list[Exclusion]:
        """What ClamAV is told to leave out; Unknown where another product is installed."""
        if "clamav-daemon" not in self.read(PACKAGES):
            raise Unknown("the exclusions of this antivirus product cannot be read")
        found = []
        for line in self.read(EXCLUSIONS):
            matched = re.fullmatch(r"(.*?:\d+):\s*(\S+)\s+(.*)", line)
            if matched is None:
                raise Unknown("an exclusion cannot be read: {line}", line=line[:80])
            what = matched[3].strip().strip('"')
            kind = "" if matched[2].lower() == "excludepath" else f"{matched[2]} "
            found.append(Exclusion(f"{kind}{what}", matched[1]))
        return found
