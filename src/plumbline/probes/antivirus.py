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
from plumbline.probes.systemd import ON_DISK, Line, lines
from plumbline.verify.unknown import Unknown

CLAMAV_SIGNATURES = "/var/lib/clamav"

_DAY = 86_400


@dataclass(frozen=True)
class Signatures:
    """A signature file, and when it was made: seconds since the epoch, by its own head or else its mtime."""

    file: str
    made: float
    from_head: bool


@dataclass(frozen=True)
class Loaded:
    """The signatures the scanner has loaded: when they were made and when it was asked, or None of them."""

    asked: float
    made: float | None


def _packages(output: Output) -> frozenset[str]:
    """Read `dpkg-query -W`: the packages that are really installed, not unpacked or removed ones."""
    packages = set()
    for line in output.text.splitlines():
        state, space, name = line.partition("\t")
        if not space or not name or len(state) < 2:
            raise ParseError(f"dpkg-query printed {line[:80]!r}")
        if state[1] == "i":
            packages.add(name)
    if "dpkg" not in packages:
        raise ParseError("dpkg-query did not name dpkg itself")
    return frozenset(packages)


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
    first, *rows = output.text.splitlines() or [""]
    asked = float(first)
    found = []
    for row in rows:
        modified, tab, rest = row.partition("\t")
        path, second_tab, head = rest.partition("\t")
        if not tab or not second_tab:
            raise ParseError(f"a line without its parts: {row[:80]!r}")
        made = _head_date(head)
        found.append(Signatures(path, float(modified) if made is None else made, made is not None))
    return asked, found


def _head_date(head: str) -> float | None:
    """Return when a database was made by its head, `ClamAV-VDB:22 Nov 2026 08-23 +0000:…`."""
    if not head.startswith("ClamAV-VDB:"):
        return None
    written = head.split(":", 2)[1]
    return datetime.strptime(written, "%d %b %Y %H-%M %z").timestamp()


def _loaded(output: Output) -> Loaded:
    """Read the time of asking, its distance from UTC, and `ClamAV 1.4.6/27000/Sun Nov 22 08:33:08 2026`."""
    first, _, told = output.text.partition("\n")
    seconds, _, zone = first.partition(" ")
    if not told.startswith(("ClamAV ", "none")):
        raise ParseError(f"clamdscan printed {told[:80]!r}")
    date = told.strip().split("/", 2)[2:]
    # The date is local time, in the words of asctime(3).
    made = datetime.strptime(f"{date[0]} {zone}", "%a %b %d %H:%M:%S %Y %z").timestamp() if date else None
    return Loaded(float(seconds), made)


PACKAGES = Probe(
    "antivirus.packages",
    "dpkg-query -W -f '${db:Status-Abbrev}\\t${Package}\\n'",
    _packages,
)

RUNNING = Probe(
    "antivirus.running",
    "systemctl list-units --all --no-legend --plain --full --type=service",
    _running,
)

_OTHER_KINDS = "hdb hsb hdu hsu mdb msb mdu msu ndb ndu ldb ldu cdb idb crb yar yara"

SIGNATURES = Probe(
    "antivirus.signatures",
    f"date +%s; cd {CLAMAV_SIGNATURES} 2>/dev/null || exit 0; "
    f"for f in *.c[vlu]d {' '.join(f'*.{kind}' for kind in _OTHER_KINDS.split())}; do "
    "[ -f \"$f\" ] || continue; h=$(head -c 60 \"$f\" | tr -d '\\000' | tr '\\n\\t' '  '); "
    "case $h in ClamAV-VDB:*) ;; *) h=;; esac; "
    f'printf \'%s\\t{CLAMAV_SIGNATURES}/%s\\t%s\\n\' "$(stat -c %Y "$f")" "$f" "$h"; done',
    _signatures,
)

LOADED = Probe(
    # The daemon answers for what it has loaded. It is asked only if it runs: its socket would start it.
    "antivirus.loaded",
    "date '+%s %z'; if command -v clamdscan >/dev/null && pidof clamd >/dev/null; then clamdscan --version; "
    "else echo none; fi",
    _loaded,
)

_CONFIGURATION = "/etc/clamav/clamd.conf"

EXCLUSIONS = Probe(
    # Configuration files are those the unit and the running daemon name, in either spelling of the option.
    "antivirus.exclusions",
    "u=$(systemctl show -p ExecStart clamav-daemon.service) || exit 9; "
    "p=$(ps -e -ww -o comm=,args=) || exit 9; p=$(printf '%s\\n' \"$p\" | grep '^clamd '); set -f; "
    "set -- $(printf '%s\\n' \"$u\" \"$p\" | grep -oE -- ' (--config-file[= ]|-c ?)[^ ;]+' "
    "| sed -E 's/^ (--config-file[= ]|-c ?)//'); set +f; "
    f'for f; do [ -r "$f" ] || exit 9; done; [ ! -f {_CONFIGURATION} ] || set -- "$@" {_CONFIGURATION}; '
    "grep -HniE '^[[:space:]]*(ExcludePath|OnAccessExclude[A-Za-z]*)[[:space:]]' /dev/null \"$@\" "
    "|| [ $? -eq 1 ] || exit 9; "
    f"for f in {CLAMAV_SIGNATURES}/*; do case $f in *.fp|*.sfp|*.ign|*.ign2|*.wdb) "
    '[ ! -s "$f" ] || printf \'%s:1:AllowList %s\\n\' "$f" "${f##*/}";; esac; done',
    lines,
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
        running, on_disk = self.read(RUNNING), self.read(ON_DISK)
        return {name: running.get(on_disk.own_name(_full(name)), "not loaded") for name in services}

    def states_at_boot(self, services: list[str]) -> dict[str, str]:
        """Return for each service `enabled` when it starts at boot, else why not."""
        on_disk = self.read(ON_DISK)
        return {name: on_disk.state(_full(name)) for name in services}

    def signature_age_days(self, directory: str) -> int | None:
        """Return how many days old the newest signatures are, rounded up; None if there are none.

        Files whose head tells when they were made count; only where no file has such a head does the time of
        modification, which anybody can renew.
        """
        _only_clamav(directory)
        asked, found = self.read(SIGNATURES)
        if not found:
            return None
        telling = [signatures for signatures in found if signatures.from_head] or found
        return _days(asked, max(signatures.made for signatures in telling))

    def loaded_age_days(self, directory: str) -> int | None:
        """Return how many days old the signatures are that the scanner has loaded; None if it has none."""
        _only_clamav(directory)
        loaded = self.read(LOADED)
        return None if loaded.made is None else _days(loaded.asked, loaded.made)

    def exclusions_beyond(self, approved: list[str]) -> list[Exclusion]:
        """Return what ClamAV leaves out beyond the approved paths; Unknown with another product.

        A path is approved with what is below it. ClamAV's expression for it must be bound to the start and to
        the end of a name, or it leaves out others as well.
        """
        if "clamav-daemon" not in self.read(PACKAGES):
            raise Unknown("ClamAV is not installed, and what another product leaves out cannot be read")
        allowed = {expression for path in approved for expression in _expressions(path)}
        found = [_exclusion(line) for line in self.read(EXCLUSIONS)]
        return [exclusion for exclusion in found if exclusion.what not in allowed]


def _exclusion(line: Line) -> Exclusion:
    kind, _, what = line.text.strip().partition(" ")
    if "\t" in kind:
        kind, _, what = line.text.strip().partition("\t")
    what = what.strip().strip('"')
    told = what if kind.lower() == "excludepath" else f"{kind} {what}"
    return Exclusion(told, f"{line.file}:{line.number}")


def _expressions(path: str) -> list[str]:
    """Return the expressions that leave out a path and what is below it, and nothing else."""
    plain = path.rstrip("/")
    escaped = re.sub(r"([.\[\]{}()*+?^$|\\])", r"\\\1", plain)
    return [f"^{p}{end}" for p in (plain, escaped) for end in ("/", "(/|$)", "/.*", "$", "/.*$")]


def _full(service: str) -> str:
    return service if "." in service else f"{service}.service"


def _only_clamav(directory: str) -> None:
    if directory.rstrip("/") != CLAMAV_SIGNATURES:
        raise Unknown(
            "the collector does not ask how old the signatures in {directory} are", directory=directory
        )


def _days(asked: float, made: float) -> int:
    return math.ceil((asked - made) / _DAY)
