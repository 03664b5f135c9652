"""sssd as it runs and as its files say: sssd.conf with its drop-ins (sssd.conf(5)), its unit, its parts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from plumbline.probes.accounts.sources import Setting as Keyed
from plumbline.probes.base import Output, ParseError, Probe
from plumbline.probes.systemd import Unit, units
from plumbline.probes.tagged import PRINT_END, Rows
from plumbline.verify.unknown import Unknown

MAIN = "/etc/sssd/sssd.conf"
SERVICE = "sssd.service"

# A value that is a secret is not printed; the file's mode says who else could read it.
_COMMAND = rf"""
set --
for file in /etc/sssd/conf.d {MAIN} /etc/sssd/conf.d/*.conf; do
    [ -e "$file" ] || continue
    case $file in *[[:cntrl:]]*) exit 9 ;; esac
    told=$(stat -Lc '%a\t%U\t%Z' "$file") || exit 9
    printf "file\t%s\t$told\n" "$file"
    [ ! -f "$file" ] || set -- "$@" "$file"
done
[ $# -eq 0 ] || awk '/^[ \t]*([#;]|$)/ {{ next }}
    tolower($0) ~ /^[ \t]*[a-z0-9_]*(authtok|password|secret|pin)[ \t]*=/ {{ sub(/=.*/, "= (not shown)") }}
    {{ sub(/\r$/, ""); print "line\t" FILENAME "\t" FNR "\t" $0 }}' "$@" || exit 9
[ ! -f /etc/default/sssd ] ||
    awk '!/^[ \t]*(#|$)/ {{ print "default\t" FNR "\t" $0 }}' /etc/default/sssd || exit 9
told=$(systemctl show --timestamp=unix -p Id,LoadState,ActiveState,NeedDaemonReload,FragmentPath \
    -p DropInPaths,ExecStart,ExecCondition,ActiveEnterTimestamp,Environment,EnvironmentFiles \
    -p RootDirectory,RootImage,BindPaths,BindReadOnlyPaths -- {SERVICE}) || exit 9
printf '%s\n' "$told" | sed 's/^/unit\t/'
set -f
for file in $(printf '%s\n' "$told" | sed -n 's/^\(FragmentPath\|DropInPaths\)=//p'); do
    case $file in /usr/lib/* | /lib/*) continue ;; esac
    [ ! -f "$file" ] || awk '/^[ \t]*(Condition|Assert)/ {{ print "condition\t" FILENAME "\t" $0 }}' "$file"
done
set +f
for comm in $(grep -lsE '^sssd(_nss|_pam|_be)?$' /proc/[0-9]*/comm); do
    words=$(tr '\0\n\t' '   ' 2>/dev/null <"${{comm%comm}}cmdline") || continue
    printf 'running\t%s\t%s\n' "$(cat "$comm")" "$words"
done 2>/dev/null
# What stands in for the directory's own names is in the cache; its tool is asked only where there is any.
if grep -aqis 'cn=LOCAL,cn=views' /var/lib/sss/db/cache_*.ldb; then
    for kind in user group; do
        told=$(timeout 5 sss_override $kind-find 2>/dev/null)
        printf 'overrides\t%s\n' $?
        [ -z "$told" ] || printf '%s\n' "$told" | tr '\t' ' ' | sed 's/^/override\t/'
    done
fi
{PRINT_END}
"""

_FIELDS = {
    "overrides": 1,
    "override": 1,
    "file": 4,
    "line": 3,
    "default": 2,
    "unit": 1,
    "condition": 2,
    "running": 2,
}

# Words sssd is started with that change nothing of what it does (sssd(8)).
_HARMLESS = re.compile(
    r"-i|--interactive|-D|--daemon|--logger=\w+|--debug-[\w-]+=\w+|-d\d*|\$\{?DEBUG_LOGGER\}?|\d"
)


@dataclass(frozen=True)
class File:
    """A file of sssd's, or the directory of its drop-ins: its mode (octal), owner, and when it changed."""

    path: str
    mode: int
    owner: str
    changed: int


@dataclass(frozen=True)
class Setting(Keyed):
    """A setting that counts, with the file and line it stands at."""

    @property
    def words(self) -> list[str]:
        """The value as sssd reads lists: between commas, without blanks around."""
        return [word.strip() for word in self.value.split(",") if word.strip()]


Settings = Mapping[str, Mapping[str, Setting]]
"""Settings that count, by section and key, both in small letters."""


@dataclass(frozen=True)
class SssdFacts:
    """sssd's files, its unit as systemd has it, and its processes with their words.

    `started` is when the unit became active, in seconds since 1970; None when it is not.
    """

    files: tuple[File, ...]
    lines: tuple[tuple[str, int, str], ...]
    defaults: tuple[tuple[int, str], ...]
    unit: Unit
    conditions: tuple[tuple[str, str], ...]
    running: tuple[tuple[str, str], ...]
    started: int | None
    overrides: tuple[str, ...] | None = ()
    """Names that are overridden on this host, as sss_override tells them; None where it does not."""

    @cached_property
    def settings(self) -> Settings:
        """What the files say together: of a setting given again the last counts, and an empty one is none.

        `Unknown` for a line sssd does not take, as it then leaves a drop-in out and does not start by its
        main file.
        """
        found: dict[str, dict[str, Setting]] = {}
        section = ""
        path_before = ""
        for path, number, text in self.lines:
            if path != path_before:
                section, path_before = "", path
                text = text.removeprefix("\ufeff")
            place = f"{path}:{number}"
            if match := re.fullmatch(r"\[\s*(.+?)\s*\]\s*", text):
                section = match[1].lower()
                continue
            key, equals, value = text.partition("=")
            if not equals or not section or text[:1].isspace() or text.startswith("["):
                raise Unknown("{place} is no line that sssd takes: {text}", place=place, text=text[:80])
            name = key.strip().lower()
            setting = Setting(place, section, name, value.strip())
            here = found.setdefault(section, {})
            here.pop(name, None)
            if setting.value:
                here[name] = setting
        return found

    def get(self, section: str, key: str) -> Setting | None:
        """Return a setting that counts; None where sssd's default does."""
        return self.settings.get(section.lower(), {}).get(key)

    def of_domain(self, domain: str) -> dict[str, Setting]:
        """Return the settings of a domain's section."""
        return dict(self.settings.get(f"domain/{domain.lower()}", {}))

    @property
    def domains(self) -> list[Setting]:
        """The domains sssd asks, each as the setting by which it does; the value is the domain's name."""
        found = {}
        if listed := self.get("sssd", "domains"):
            found = {name.lower(): replace(listed, value=name) for name in listed.words}
        for section, settings in self.settings.items():
            kind, slash, name = section.partition("/")
            own = settings.get("enabled")
            if kind in ("domain", "application") and slash and "/" not in name and own is not None:
                found.pop(name, None)
                if own.value.lower() == "true":
                    found[name] = Setting(own.place, section, "enabled", name)
        return list(found.values())

    @property
    def changed_since_started(self) -> list[str]:
        """Files that were changed after sssd had read them; it goes on with what they said before."""
        if self.started is None:
            return []
        return [file.path for file in self.files if file.changed > self.started]

    @property
    def open_to_others(self) -> list[str]:
        """Files that others than root and sssd itself can read or change."""
        return [
            f"{file.path} ({file.mode:04o} {file.owner})"
            for file in self.files
            if file.path != "/etc/sssd/conf.d" and (file.mode & 0o027 or file.owner not in ("root", "sssd"))
        ]

    @property
    def parts_missing(self) -> list[str]:
        """What of sssd does not run: the service, and the parts that answer for names and logons."""
        if (state := self.unit["ActiveState"]) != "active":
            return [f"{SERVICE}: {state or 'no such unit'}"]
        there = {name for name, _ in self.running}
        return [name for name in ("sssd", "sssd_be", "sssd_nss", "sssd_pam") if name not in there]

    @property
    def started_otherwise(self) -> list[str]:
        """Words, commands and conditions by which sssd does something else than its files say, or nothing."""
        found = [
            f"now: {words}"
            for name, words in self.running
            if name == "sssd" and not all(map(_HARMLESS.fullmatch, words.split()[1:]))
        ]
        if self.unit["NeedDaemonReload"] == "yes":
            raise Unknown("files of {unit} were changed since systemd read them", unit=SERVICE)
        for command in self.unit.commands("ExecStart"):
            strange = [word for word in command.words[1:] if not _HARMLESS.fullmatch(word)]
            if command.path not in ("/usr/sbin/sssd", "/sbin/sssd") or strange:
                found.append(f"boot: ExecStart={command}")
        found += [f"boot: {told}" for told in _surroundings(self.unit)]
        for number, text in self.defaults:
            if text.strip().removeprefix("export ").startswith(_VARIABLES):
                found.append(f"boot: /etc/default/sssd:{number}: {text.strip()}")
            value = text.partition("=")[2].strip().strip("\"'")
            if text.strip().startswith("DEBUG_LOGGER=") and not _HARMLESS.fullmatch(value):
                found.append(f"boot: /etc/default/sssd:{number}: {text.strip()}")
        found += [f"boot: ExecCondition={told}" for told in self.unit.commands("ExecCondition")]
        return found + [
            f"boot: {path}: {text.strip()}" for path, text in self.conditions if _holds_back(text)
        ]


_VARIABLES = ("KRB5", "LD_", "LDB_", "LDAP", "SSS", "SSSD_KRB5", "_SSS", "NSS_", "RES_OPTIONS", "HOSTALIASES")
"""Beginnings of variables that let sssd, or a library of its, read other files or ask other servers."""
_PACKAGED = {"/etc/default/sssd", "/etc/sysconfig/sssd", "-/etc/default/sssd", "-/etc/sysconfig/sssd"}


def _surroundings(unit: Unit) -> list[str]:
    """Return what of a unit gives sssd other variables, or other files in the place of its own."""
    found = [
        f"Environment={word}"
        for word in unit["Environment"].split()
        if word.strip('"').startswith(_VARIABLES)
    ]
    for line in unit["EnvironmentFiles"].splitlines():
        if line and line.split()[0] not in _PACKAGED:
            found.append(f"EnvironmentFile={line.split()[0]}")
    places = ("RootDirectory", "RootImage", "BindPaths", "BindReadOnlyPaths")
    return found + [f"{name}={unit[name]}" for name in places if unit[name]]


def _holds_back(text: str) -> bool:
    """Say whether a line lets the start depend on something; an empty one takes back those before it."""
    return bool(text.partition("=")[2].strip())


def _sssd(output: Output) -> SssdFacts:
    rows = Rows(output, _FIELDS)
    unit = units(Output("\n".join(line for (line,) in rows["unit"]).encode(), b"", 0)).get(SERVICE)
    if unit is None:
        raise ParseError(f"systemctl show told nothing of {SERVICE}")
    entered = re.fullmatch(r"@(\d+)", unit["ActiveEnterTimestamp"])
    if unit["ActiveState"] == "active" and entered is None:
        raise ParseError(f"since when {SERVICE} is active: {unit['ActiveEnterTimestamp']!r}")
    known = {path for path, *_ in rows["file"]}
    lines = tuple((path, int(number), text) for path, number, text in rows["line"])
    if strange := {path for path, *_ in lines} - known:
        raise ParseError(f"lines of {sorted(strange)[0]}, which was not named")
    return SssdFacts(
        files=tuple(
            File(path, int(mode, 8), owner, int(changed)) for path, mode, owner, changed in rows["file"]
        ),
        lines=lines,
        defaults=tuple((int(number), text) for number, text in rows["default"]),
        unit=unit,
        conditions=tuple((path, text) for path, text in rows["condition"]),
        running=tuple((name, words) for name, words in rows["running"]),
        started=int(entered[1]) if entered and unit["ActiveState"] == "active" else None,
        overrides=_overrides(rows),
    )


def _overrides(rows: Rows) -> tuple[str, ...] | None:
    if any(status != "0" for (status,) in rows["overrides"]):
        return None
    return tuple(line for (line,) in rows["override"])


SSSD = Probe("directory.sssd", _COMMAND, _sssd)
