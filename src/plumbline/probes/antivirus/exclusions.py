"""What ClamAV leaves out: paths, users, kinds of files, sizes, and signatures set aside."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from plumbline.probes.antivirus.signatures import CLAMAV_SIGNATURES
from plumbline.probes.base import Probe
from plumbline.probes.systemd import Line, lines

_CONFIGURATION = "/etc/clamav/clamd.conf"

_SWITCHES = (
    *("Bytecode", "HeuristicAlerts", "AlgorithmicDetection", "CrossFilesystems"),
    *("PhishingSignatures", "PhishingScanURLs"),
    *("ScanArchive", "ScanELF", "ScanHTML", "ScanHWP3", "ScanImage", "ScanMail", "ScanOLE2", "ScanOneNote"),
    *("ScanPDF", "ScanPE", "ScanSWF", "ScanXMLDOCS"),
)
"""Options that ClamAV has on, and that leave out a kind of files or of malware when they are off."""

_LEAST = {
    "MaxFileSize": 25 << 20,
    "MaxScanSize": 100 << 20,
    "StreamMaxLength": 25 << 20,
    "OnAccessMaxFileSize": 5 << 20,
    "MaxScanTime": 120_000,
    "PCREMaxFileSize": 25 << 20,
    "MaxRecursion": 16,
    "MaxFiles": 10_000,
    "MaxDirectoryRecursion": 15,
}
"""Limits as Debian's package sets them: what is larger or deeper passes as clean. 0 is no limit."""

_OPTIONS = "|".join(
    ("ExcludePath", "OnAccessExclude[A-Za-z]*", "User", "DatabaseDirectory", *_SWITCHES, *_LEAST)
)

_LISTS = "|".join(
    "*." + "".join(f"[{letter}{letter.upper()}]" if letter.isalpha() else letter for letter in ending)
    for ending in ("fp", "sfp", "ign", "ign2", "wdb", "cfg", "crb", "ftm")
)
"""Lists of what to pass over, as patterns of the shell: ClamAV takes their endings in any letters."""

EXCLUSIONS = Probe(
    # Configuration files are those the unit and the running daemon name, in either spelling of the option.
    "antivirus.exclusions",
    # Of the scanner on access the lists of its own count too.
    "u=$(systemctl show -p ExecStart clamav-daemon.service clamav-clamonacc.service) || exit 9; "
    "p=$(ps -e -ww -o comm=,args=) || exit 9; p=$(printf '%s\\n' \"$p\" | grep -E '^(clamd|clamonacc) '); "
    "printf '%s\\n' \"$u\" \"$p\" | grep clamonacc | grep -oE -- ' (--exclude-list[= ]|-e ?)[^ ;]+' "
    "| sort -u | sed 's|^|/usr/sbin/clamonacc:1:Option|'; set -f; "
    "set -- $(printf '%s\\n' \"$u\" \"$p\" | grep -oE -- ' (--config-file[= ]|-c ?)[^ ;]+' "
    "| sed -E 's/^ (--config-file[= ]|-c ?)//'); set +f; "
    f'for f; do [ -r "$f" ] || exit 9; done; [ ! -f {_CONFIGURATION} ] || set -- "$@" {_CONFIGURATION}; '
    f"grep -HniE '^[[:space:]]*({_OPTIONS})[[:space:]]' /dev/null \"$@\" "
    "|| [ $? -eq 1 ] || exit 9; "
    f"for f in {CLAMAV_SIGNATURES}/*; do case $f in {_LISTS}) "
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


def exclusions(found: Iterable[Line]) -> Iterator[Exclusion]:
    """Yield what is left out; the user the scanner runs as must be, or it would scan its own scanning."""
    options = [(*_option(line), line) for line in found]
    users = {value for name, value, _ in options if name == "user"} or {"clamav"}
    for name, value, line in options:
        if name == "user" or (name == "onaccessexcludeuname" and value in users):
            continue
        told = value if name == "excludepath" else f"{line.text.split()[0]} {value}"
        if _leaves_out(name, value):
            yield Exclusion(told, f"{line.file}:{line.number}")


def _option(line: Line) -> tuple[str, str]:
    name, _, value = line.text.strip().replace("\t", " ").partition(" ")
    return name.lower(), value.strip().strip('"')


def _leaves_out(name: str, value: str) -> bool:
    if name == "databasedirectory":
        # Lists of what to pass over lie among the signatures, and are looked for in the usual place alone.
        return value.rstrip("/") != CLAMAV_SIGNATURES
    if name in {switch.lower() for switch in _SWITCHES} or name == "onaccessexcluderootuid":
        off = value.lower() in {"no", "false", "0"}
        return not off if name == "onaccessexcluderootuid" else off
    least = {limit.lower(): number for limit, number in _LEAST.items()}.get(name)
    return least is None or _number(value) < least


def _number(value: str) -> int:
    """Return a size or number; 0, which is no limit, as one that is large enough."""
    match = re.fullmatch(r"(\d+)([KkMmGg]?)[Bb]?", value)
    if match is None:
        return -1
    number = int(match[1]) << {"": 0, "K": 10, "M": 20, "G": 30}[match[2].upper()]
    return number or (1 << 62)


def approved_expressions(path: str) -> list[str]:
    """Return the expressions that leave out a path and what is below it, and nothing else."""
    plain = path.rstrip("/")
    escaped = re.sub(r"([.\[\]{}()*+?^$|\\])", r"\\\1", plain)
    return [f"^{p}{end}" for p in (plain, escaped) for end in ("/", "(/|$)", "/.*", "$", "/.*$")]
