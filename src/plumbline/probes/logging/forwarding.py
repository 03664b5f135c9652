"""How messages leave the host: rsyslog's whole configuration, its service, and the connections it has."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from cryptography import x509

from plumbline.probes.base import Output, ParseError, Probe
from plumbline.probes.logging.rainerscript import Statement, statements
from plumbline.probes.systemd import Line, Started, Unit
from plumbline.probes.systemd import lines as grepped
from plumbline.probes.tagged import PRINT_END, Rows, blocks

_PROPERTIES = (
    "Id,LoadState,ActiveState,SubState,FragmentPath,DropInPaths,NeedDaemonReload,MainPID,"
    "ExecStart,ExecStartPre,ExecCondition,EnvironmentFiles,ExecMainStartTimestamp"
)
_MASKED = r"s/((pass[a-z]*|pwd|secret|token|key)[[:space:]]*=[[:space:]]*\")[^\"]*\"/\1***\"/Ig"
_LOGON = r"s/(:om(my|pg)sql:)[^;]*/\1***/Ig"
_NAMES = r"s/.*[^a-z](target|server)[[:space:]]*=[[:space:]]*\"([^\"]+)\".*/\2/Ip"
_OLD_NAMES = r"s/.*[[:space:]](@@?|:omrelp:)(\([^)]*\))?([A-Za-z][A-Za-z0-9.-]*).*/\3/p"
_ISSUERS = r"s/.*[Cc][Aa](File|Cert)([[:space:]]*=)?[[:space:]]*\"?([^\"[:space:]]+)\"?.*/\3/p"
_SPOOLS = r"s/.*(spool|work)directory([[:space:]]*=)?[[:space:]]*\"?([^\"[:space:]]+)\"?.*/\3/Ip"

# `-o` prints what rsyslogd reads, every file it takes in, and starts nothing (rsyslogd(8)).
_COMMAND = rf"""
u=$(TZ=UTC systemctl show --timestamp=us -p {_PROPERTIES} rsyslog.service)
printf '%s\n' "$u" | sed 's/^/unit\t/'
set -f
for f in $(printf '%s\n' "$u" | sed -nE 's/^(FragmentPath|DropInPaths)=//p'); do
    grep -HnE '^[[:space:]]*(Condition|Assert)' "$f" /dev/null 2>/dev/null | sed 's/^/condition\t/'
done
set +f
grep -HnE '^[[:space:]]*(ForwardToSyslog|MaxLevelSyslog|ForwardToSocket)[[:space:]]*=' \
    /etc/systemd/journald.conf /usr/lib/systemd/journald.conf.d/*.conf \
    /usr/local/lib/systemd/journald.conf.d/*.conf /run/systemd/journald.conf.d/*.conf \
    /etc/systemd/journald.conf.d/*.conf 2>/dev/null | sed 's/^/journald\t/'
if [ -f /etc/audit/auditd.conf ]; then
    f=$(sed -nE 's/^[[:space:]]*log_file[[:space:]]*=[[:space:]]*//p' /etc/audit/auditd.conf | tail -n 1)
    printf 'audit\t%s\n' "$f"
    grep -HnE '^[[:space:]]*active[[:space:]]*=[[:space:]]*yes' /etc/audit/plugins.d/syslog.conf 2>/dev/null |
        sed 's/^/plugin\t/'
fi
if command -v rsyslogd >/dev/null; then
    echo 'program	rsyslogd'
    rsyslogd -N1 2>&1 | sed 's/^/said\t/'
    c=$(rsyslogd -N1 -o /dev/stdout 2>/dev/null | cat)
    printf '%s\n' "$c" | sed -E -e '{_MASKED}' -e '{_LOGON}' -e 's/^/text\t/'
    for f in $(printf '%s\n' "$c" | sed -n 's/^##### BEGIN CONFIG: \([^ ]*\) .*/\1/p' | sort -u); do
        [ ! -f "$f" ] || stat -L -c 'changed	%.9Z	%n' "$f"
    done
    for n in $(printf '%s\n' "$c" | sed -nE -e '{_NAMES}' -e '{_OLD_NAMES}' | sort -u); do
        a=$(timeout 3 getent ahostsv4 "$n" | awk '{{ print $1 }}' | sort -u | tr '\n' ' ')
        printf 'address\t%s\t%s\n' "$n" "$a"
    done
    for f in $(printf '%s\n' "$c" | sed -nE '{_ISSUERS}' | sort -u); do
        [ -f "$f" ] || continue
        if [ "$(stat -L -c %s "$f")" -gt 65536 ]; then printf 'bundle\t%s\n' "$f"
        else
            awk '/-----BEGIN CERTIFICATE/,/-----END CERTIFICATE/ {{ print "issuer\t" FILENAME "\t" $0 }}' "$f"
        fi
    done
    for d in $(printf '%s\n' "$c" | sed -nE '{_SPOOLS}' | sort -u); do
        printf 'spool\t%s\t%s\n' "$d" "$(findmnt -n -o FSTYPE -T "$d" 2>/dev/null)"
    done
    ss -HtnpO state established 2>/dev/null | awk '/"rsyslogd"/ {{ print "connection\t" $4 }}'
fi
"""

_TAGS = {
    "unit": 1,
    "condition": 1,
    "journald": 1,
    "audit": 1,
    "plugin": 1,
    "program": 1,
    "said": 1,
    "text": 1,
    "changed": 2,
    "address": 2,
    "bundle": 1,
    "issuer": 2,
    "spool": 2,
    "connection": 1,
}


@dataclass(frozen=True)
class Forwarding:
    """What rsyslog is configured to do, and does.

    `refused` are its complaints about the configuration; `changed` when each file of it was, in seconds, as
    is `started`; `addresses` those of the names messages go to; `issuers` the certificates in files of them,
    `bundles` such files with too many to print; `spools` directories with their kind of file system;
    `connections` addresses with ports. `audit_log` is the file auditd writes, None without auditd.
    """

    unit: Unit
    is_installed: bool
    lines: list[str]
    refused: list[str]
    changed: dict[str, float]
    started: float | None
    addresses: dict[str, list[str]]
    issuers: dict[str, frozenset[bytes]]
    bundles: list[str]
    spools: dict[str, str]
    connections: list[str]
    journald: list[str]
    audit_log: str | None
    audit_plugin: list[str]
    conditions: tuple[Line, ...] = ()
    """What the files of the unit make its start depend on, in the order systemd reads them."""

    @cached_property
    def statements(self) -> list[Statement]:
        """The configuration, statement by statement."""
        return statements(self.lines)

    @property
    def stale(self) -> list[str]:
        """Files that were changed after rsyslogd read them."""
        if self.started is None:
            return []
        return sorted(path for path, at in self.changed.items() if at > self.started)

    def commands(self, name: str) -> list[Started]:
        """Return the commands of the service."""
        return self.unit.commands(name)


def parse_forwarding(output: Output) -> Forwarding:
    """Parse the probe's rows."""
    rows = Rows(output, _TAGS)

    def told(tag: str) -> list[str]:
        return [row[0] for row in rows[tag]]

    shown = list(blocks(iter(told("unit"))))
    if len(shown) != 1:
        raise ParseError("systemctl told nothing of rsyslog.service")
    properties: dict[str, str] = {}
    for name, value in shown[0]:
        properties[name] = f"{properties[name]}\n{value}" if name in properties else value
    pems: dict[str, list[str]] = {}
    for path, line in rows["issuer"]:
        pems.setdefault(path, []).append(line)
    return Forwarding(
        unit=Unit(properties),
        is_installed=bool(rows["program"]),
        lines=told("text"),
        refused=list(_complaints(told("said"))),
        changed={path: float(at) for at, path in rows["changed"]},
        started=_moment(properties.get("ExecMainStartTimestamp", "")),
        addresses={name.lower(): found.split() for name, found in rows["address"]},
        issuers={path: certificates("\n".join(lines)) for path, lines in pems.items()},
        bundles=told("bundle"),
        spools=dict(rows["spool"]),  # type: ignore[arg-type]  # rows of this tag have two fields
        connections=[re.sub(r"^\[::ffff:([\d.]+)\]", r"\1", peer) for peer in told("connection")],
        journald=told("journald"),
        audit_log=(told("audit")[-1] or "/var/log/audit/audit.log") if rows["audit"] else None,
        audit_plugin=told("plugin"),
        conditions=tuple(grepped(Output("\n".join(told("condition")).encode(), b"", 0))),
    )


def _moment(text: str) -> float | None:
    """Read a time stamp of systemd's, `Sun 2026-11-22 14:48:27.123456 UTC`, as seconds; None for none."""
    found = re.fullmatch(r"\w+ (\S+ \S+) UTC", text)
    if found is None and text:
        raise ParseError(f"systemctl told a time that is not UTC: {text[:60]!r}")
    return datetime.fromisoformat(found[1]).replace(tzinfo=UTC).timestamp() if found else None


def certificates(pem: str) -> frozenset[bytes]:
    """Return the certificates of a PEM text by their SHA-256; a broken one is none."""
    from cryptography.hazmat.primitives import hashes

    try:
        found = x509.load_pem_x509_certificates(pem.encode())
    except ValueError:
        return frozenset()
    return frozenset(one.fingerprint(hashes.SHA256()) for one in found)


_HARMLESS = re.compile(r"config validation run|End of config validation|^\s*$|command line|environment:")


def _complaints(said: list[str]) -> Iterator[str]:
    for line in said:
        if not _HARMLESS.search(line):
            yield re.sub(r"^rsyslogd: |\s*\[v\d.*", "", line).strip()


FORWARDING: Probe[Forwarding] = Probe("logging.forwarding", f"{_COMMAND}{PRINT_END}", parse_forwarding)
