"""Where messages go: systemd-journald, rsyslog, and what the next boot will make of both."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from plumbline.probes.base import Output, ParseError, Probe
from plumbline.probes.files import FIELDS, ConfigFile, effective, print_files, read_files
from plumbline.probes.ini import sections
from plumbline.probes.logging.rotation import PRINT_ROTATION
from plumbline.probes.session.timespan import microseconds
from plumbline.probes.tagged import PRINT_END, Rows
from plumbline.verify.seen import Reading

MAIN, PACKAGED = "/etc/systemd/journald.conf", "/usr/lib/systemd/journald.conf"
DROP_INS = tuple(f"{top}/systemd/journald.conf.d" for top in ("/etc", "/run", "/usr/local/lib", "/usr/lib"))
DIRECTORY = "/var/log/journal"

_RSYSLOG = "/etc/rsyslog.conf /etc/rsyslog.d/*.conf"
_WORDS = (
    r"FileCreateMode|[Ii]m(udp|tcp|ptcp|relp|gssapi)|UDPServerRun|InputTCPServerRun|[Tt]emplate"
    r"|^[[:space:]]*[a-z*][a-z0-9*,;.=!]*\.[a-z0-9*=!;,.]+[[:space:]]+-?\/"
)

_COMMAND = rf"""
u=$(systemctl show -p Id,ActiveState,MainPID systemd-journald.service rsyslog.service syslog-ng.service)
printf '%s\n' "$u" | awk -F= '$1 == "Id" {{ id = $2 }} $1 == "ActiveState" {{ state = $2 }}
    id != "" && state != "" {{ print "unit\t" id "\t" state; id = state = "" }}'
p=$(printf '%s\n' "$u" | sed -n '1,/^$/s/^MainPID=//p')
ls -l "/proc/$p/fd" 2>/dev/null | sed -n 's/.* -> \(.*\.journal\)$/open\t\1/p'
[ ! -d {DIRECTORY} ] || printf 'directory\t{DIRECTORY}\n'
d=/var/log; [ ! -d {DIRECTORY} ] || d={DIRECTORY}
printf 'system\t%s\n' "$(findmnt -n -o FSTYPE,TARGET -T "$d")"
grep -HnE '[[:space:]]/var(/log[^[:space:]]*)?/?[[:space:]]' /etc/fstab 2>/dev/null | sed 's/^/fstab\t/'
for d in /etc/systemd/system /usr/local/lib/systemd/system /usr/lib/systemd/system; do
    for f in "$d"/var.mount "$d"/var-log.mount "$d"/var-log-journal.mount; do
        [ ! -f "$f" ] || grep -HnE '^(Type|What)=' "$f"
    done
done 2>/dev/null | sed 's/^/mount\t/'
grep -HnE '{_WORDS}' {_RSYSLOG} 2>/dev/null | sed 's/[Pp]assw[^;]*//' | sed 's/^/rsyslog\t/'
if command -v sshd >/dev/null; then sshd -T 2>/dev/null | sed -n 's/^loglevel /sshd\t/p'; fi
grep -HnE '^[[:space:]]*Defaults.*(!(syslog|log_allowed|log_denied)|log_input|log_passwords)' \
    /etc/sudoers /etc/sudoers.d/* 2>/dev/null | sed 's/^/sudo\t/'
grep -HnE '^[^#]*(pam_tty_audit\.so|pam_unix\.so.*[[:space:]]quiet)' /etc/pam.d/* 2>/dev/null |
    sed 's/^/pam\t/'
{PRINT_ROTATION}
"""

_FILES = [MAIN, PACKAGED, *(f"{d}/*.conf" for d in DROP_INS), "/etc/logrotate.conf", "/etc/logrotate.d/*"]

_TAGS = {
    "unit": 2,
    "open": 1,
    "directory": 1,
    "system": 1,
    "fstab": 1,
    "mount": 1,
    "rsyslog": 1,
    "sshd": 1,
    "sudo": 1,
    "pam": 1,
    "tmpfiles": 1,
    **FIELDS,
}
_VOLATILE = ("tmpfs", "ramfs", "zram")

LEVELS = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")
_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40, "P": 2**50, "E": 2**60}


@dataclass(frozen=True)
class Journal:
    """What holds messages now, and the configuration that will at boot.

    `units` are the states of the services that log; `open` the files journald writes to; `file_system` the
    kind and mount point of the one below /var/log/journal; lines are as grep prints them, `file:line:text`.
    """

    units: dict[str, str]
    open: list[str]
    has_directory: bool
    file_system: str
    fstab: list[str]
    mounts: list[str]
    rsyslog: list[str]
    sshd_level: str | None
    sudo: list[str]
    pam: list[str]
    tmpfiles: list[str]
    files: dict[str, ConfigFile]

    def setting(self, key: str) -> Reading:
        """Return a setting of journald as files have it: the last counts, an empty one takes back."""
        found = Reading(key, None, "the default")
        for file in self._configuration():
            for section in sections(file):
                for entry in section.entries if section.name == "Journal" else ():
                    if entry.key == key:
                        found = Reading(key, entry.value or None, entry.where)
        return found

    def _configuration(self) -> list[ConfigFile]:
        main = next(
            (self.files[p] for p in (MAIN, "/usr/lib/systemd/journald.conf") if p in self.files), None
        )
        return [*([main] if main else []), *effective(self.files, DROP_INS, ".conf")]

    def level(self, key: str) -> Reading:
        """Return the level up to which messages are kept, as its number; 7, debug, by default."""
        read = self.setting(key)
        text = str(read.value).lower() if read.value is not None else "debug"
        number = LEVELS.index(text) if text in LEVELS else int(text) if text in "01234567" else None
        return Reading(key, number, read.where)

    def rate(self) -> Reading:
        """Return how many messages a second of one service are kept on average; 0 stands for all."""
        interval, burst = self.setting("RateLimitIntervalSec"), self.setting("RateLimitBurst")
        try:
            span = microseconds(str(interval.value or "30s")) / 1e6
        except ValueError:
            return interval
        number = 10000 if burst.value is None else int(burst.value)
        where = burst.where if burst.value is not None else interval.where
        whole = 0 if not span or not number else max(1, int(number / span))
        return Reading("RateLimitBurst / RateLimitIntervalSec", whole, where)

    def size(self, key: str) -> Reading:
        """Return a limit in MiB; None where none is set."""
        read = self.setting(key)
        if read.value is None:
            return read
        told = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGTPE]?)i?B?", str(read.value))
        mib = int(float(told[1]) * _UNITS[told[2]] / 2**20) if told else str(read.value)
        return Reading(key, mib, read.where)

    @property
    def volatile_mounts(self) -> list[str]:
        """Lines of fstab and of mount units that put /var/log, or part of it, into memory."""
        tables = [line for line in self.fstab if _field(line, 2) in _VOLATILE and not _comment(line)]
        return tables + [line for line in self.mounts if line.rpartition("=")[2].strip() in _VOLATILE]

    @property
    def writes_everything(self) -> list[str]:
        """Lines by which rsyslog keeps messages of all facilities in a file."""
        return [line for line in self.rsyslog if re.search(r":\s*\*\.\*\S*\s+-?/var/", line)]


def _field(line: str, index: int) -> str:
    words = line.partition(":")[2].partition(":")[2].split()
    return words[index] if len(words) > index else ""


def _comment(line: str) -> bool:
    return line.partition(":")[2].partition(":")[2].lstrip().startswith("#")


def parse_journal(output: Output) -> Journal:
    """Parse the probe's rows."""
    rows = Rows(output, _TAGS)

    def told(tag: str) -> list[str]:
        return [row[0] for row in rows[tag]]

    units: dict[str, str] = dict(rows["unit"])  # type: ignore[arg-type]  # rows of this tag have two fields
    if len(units) != 3 or len(rows["system"]) != 1 or not rows["system"][0][0].strip():
        raise ParseError("the services that log, or the file system of the logs, are not told")
    levels: Sequence[str] = told("sshd")
    return Journal(
        units=units,
        open=told("open"),
        has_directory=bool(rows["directory"]),
        file_system=" ".join(rows["system"][0][0].split()),
        fstab=told("fstab"),
        mounts=told("mount"),
        rsyslog=[line for line in told("rsyslog") if not _comment(line)],
        sshd_level=levels[0] if levels else None,
        sudo=[line for line in told("sudo") if not _comment(line)],
        pam=[line for line in told("pam") if not _comment(line)],
        tmpfiles=[line for line in told("tmpfiles") if not _comment(line)],
        files=read_files(rows),
    )


JOURNAL: Probe[Journal] = Probe(
    "logging.journal", f"{_COMMAND}{print_files(_FILES)}{PRINT_END}", parse_journal
)
