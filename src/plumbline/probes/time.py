"""Where the host takes its time from: which service keeps it, and which sources that service asks."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator

from plumbline.probes.base import Output, ParseError, Probe
from plumbline.probes.subject import Subject
from plumbline.verify.unknown import Unknown

SERVICES = {
    "chrony.service": "chronyd",
    "systemd-timesyncd.service": "systemd-timesyn",
    "ntp.service": "ntpd",
    "ntpsec.service": "ntpd",
    "openntpd.service": "ntpd",
}
"""Debian's time services and the names of their processes (15 letters at most, as the kernel keeps them)."""

_PROCESSES = "chronyd|systemd-timesyn|ntpd|ptp4l|phc2sys|timemaster"


def _units(output: Output) -> dict[str, dict[str, str]]:
    """Read `systemctl show` of several units: properties by unit name."""
    units: dict[str, dict[str, str]] = {}
    for block in output.text.strip().split("\n\n"):
        properties = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if "Id" not in properties:
            raise ParseError("systemctl show printed a unit without its name")
        units[properties["Id"]] = properties
    return units


def _chrony_sources(output: Output) -> list[str] | None:
    """Read `chronyc -c -N sources -a`: mode, state and name of each source; None where no chronyd answers."""
    if output.text.strip() == "no chronyd":
        return None
    sources = []
    for line in output.text.splitlines():
        fields = line.split(",")
        if len(fields) != 10 or fields[0] not in {"^", "=", "#"}:
            raise ParseError(f"chronyc printed {line[:80]!r}")
        sources.append(fields[2] if fields[0] == "^" else f"{fields[0]}{fields[2]}")
    return sources


def _marked(output: Output) -> list[tuple[str, str]]:
    """Read lines that carry a mark and a colon before them."""
    lines = []
    for line in output.text.splitlines():
        mark, colon, rest = line.partition(":")
        if not colon:
            raise ParseError(f"a line without its mark: {line[:80]!r}")
        lines.append((mark, rest))
    return lines


UNITS = Probe(
    "time.units",
    "systemctl show -p Id,LoadState,UnitFileState,ActiveState,ExecStart " + " ".join(SERVICES),
    _units,
)

PROCESSES = Probe(
    "time.processes",
    f"ps -e -ww -o comm=,args= | grep -E '^({_PROCESSES}) ' || true",
    lambda output: [line.split(None, 1) for line in output.text.splitlines()],
)

CHRONY_NOW = Probe(
    # Asked at its socket only: without one, chronyc would ask port 323 of whoever listens there.
    "time.chrony_now",
    "if [ -S /run/chrony/chronyd.sock ] && pidof chronyd >/dev/null; then "
    "chronyc -h /run/chrony/chronyd.sock -c -N sources -a; else echo 'no chronyd'; fi",
    _chrony_sources,
)

CHRONY_BOOT = Probe(
    # `chronyd -p` prints the whole configuration with its includes, but not the files of its sourcedirs.
    "time.chrony_boot",
    "[ -x /usr/sbin/chronyd ] || exit 0; "
    "c=$(/usr/sbin/chronyd -p) || exit 1; printf '%s\\n' \"$c\" | sed 's/^/configuration:/'; "
    "printf '%s\\n' \"$c\" | sed -n 's/^[[:space:]]*sourcedir[[:space:]]*//p' | while read -r d; do "
    'for f in "$d"/*.sources; do [ -f "$f" ] && sed "s|^|configuration:|" "$f"; done; done; '
    "[ ! -f /etc/default/chrony ] || sed 's/^/default:/' /etc/default/chrony",
    _marked,
)

TIMESYNCD = Probe(
    "time.timesyncd",
    "systemd-analyze cat-config systemd/timesyncd.conf 2>/dev/null | sed 's/^/boot:/'; "
    "if systemctl -q is-active systemd-timesyncd; then timedatectl show-timesync | sed 's/^/now:/'; fi; "
    "for f in /etc/systemd/network/*.network /run/systemd/network/*.network "
    "/etc/systemd/network/*.network.d/*.conf; do "
    '[ -f "$f" ] && sed -n \'s/^[[:space:]]*NTP[[:space:]]*=/link:/p\' "$f"; done; true',
    _marked,
)

_SOURCE = re.compile(r"\s*(server|pool|peer|refclock)\s+(\S+)", re.IGNORECASE)
_FLAGS = {"-x", "-s", "-r", "-R", "-4", "-d", "-n"}
_WITH_VALUE = {"-F", "-u", "-t", "-L", "-P", "-l"}


class Time(Subject):
    """The host's time services and their sources; a source other than a plain server carries its kind."""

    @property
    def services_now(self) -> list[str]:
        """Names of the time services that run, as units or started by hand."""
        units = self.read(UNITS)
        running = [name for name, unit in units.items() if unit.get("ActiveState") == "active"]
        explained = {SERVICES[name] for name in running}
        strays = [line[0] for line in self.read(PROCESSES) if line and line[0] not in explained]
        return sorted(running) + sorted(set(strays))

    @property
    def services_at_boot(self) -> list[str]:
        """Names of the time services that start at boot."""
        units = self.read(UNITS)
        return sorted(
            name
            for name, unit in units.items()
            if unit.get("LoadState") == "loaded" and unit.get("UnitFileState") == "enabled"
        )

    @property
    def sources_now(self) -> list[str]:
        """Sources that the running services ask now; Unknown for a service whose sources cannot be read."""
        return _once(source for service in self.services_now for source in self._asked_now(service))

    @property
    def sources_at_boot(self) -> list[str]:
        """Sources that the services starting at boot are going to ask."""
        return _once(source for service in self.services_at_boot for source in self._asked_at_boot(service))

    @property
    def unusual_start(self) -> list[str]:
        """Options with which chronyd reads something else than its configuration, now or at boot."""
        found = []
        for line in self.read(PROCESSES):
            if line[0] == "chronyd":
                found += [f"now: {option}" for option in _unusual(line[1].split()[1:])]
        if "chrony.service" in self.services_at_boot:
            found += [f"boot: {option}" for option in _unusual(self._boot_options())]
        return found

    def _asked_now(self, service: str) -> list[str]:
        if service == "chrony.service":
            sources = self.read(CHRONY_NOW)
            if sources is None:
                raise Unknown("chronyd runs but does not answer, so its sources are not known")
            return sources
        if service == "systemd-timesyncd.service":
            return self._timesyncd_now()
        raise Unknown("the sources of {service} cannot be read", service=service)

    def _asked_at_boot(self, service: str) -> list[str]:
        if service == "chrony.service":
            lines = [line for mark, line in self.read(CHRONY_BOOT) if mark == "configuration"]
            return [_named(found) for line in lines if (found := _SOURCE.match(line))]
        if service == "systemd-timesyncd.service":
            return self._timesyncd_at_boot()
        raise Unknown("the sources of {service} cannot be read", service=service)

    def _timesyncd_now(self) -> list[str]:
        told = dict(
            line.split("=", 1) for mark, line in self.read(TIMESYNCD) if mark == "now" and "=" in line
        )
        asked = [
            name
            for key in ("LinkNTPServers", "RuntimeNTPServers", "SystemNTPServers")
            for name in told.get(key, "").split()
        ]
        return asked or told.get("FallbackNTPServers", "").split()

    def _timesyncd_at_boot(self) -> list[str]:
        lines = self.read(TIMESYNCD)
        settings: dict[str, list[str] | None] = {"NTP": [], "FallbackNTP": None}
        for key, value in _assignments(line for mark, line in lines if mark == "boot"):
            if key in settings:
                # An empty assignment empties the list (timesyncd.conf(5)).
                settings[key] = [*(settings[key] or []), *value.split()] if value else []
        asked = [name for mark, line in lines if mark == "link" for name in line.split()]
        asked += settings["NTP"] or []
        if asked:
            return asked
        fallback = settings["FallbackNTP"]
        return ["the fallback servers built into systemd-timesyncd"] if fallback is None else fallback

    def _boot_options(self) -> list[str]:
        """Return the options chrony.service gives to chronyd, its environment file filled in."""
        started = re.search(r"argv\[\]=(.*?) ;", self.read(UNITS)["chrony.service"].get("ExecStart", ""))
        if started is None:
            raise Unknown("systemd told nothing of {unit}", unit="chrony.service")
        defaults = dict(_assignments(line for mark, line in self.read(CHRONY_BOOT) if mark == "default"))
        words: list[str] = []
        for word in started[1].split()[1:]:
            words += (
                shlex.split(defaults.get("DAEMON_OPTS", "").strip("\"'"))
                if word == "$DAEMON_OPTS"
                else [word]
            )
        return words


def _once(sources: Iterable[str]) -> list[str]:
    """Return each source once: a pool's name stands for every server it has."""
    return list(dict.fromkeys(sources))


def _assignments(lines: Iterator[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        key, equals, value = line.strip().partition("=")
        if equals and not key.startswith(("#", ";")):
            yield key.strip(), value.strip()


def _named(found: re.Match[str]) -> str:
    kind, name = found[1].lower(), found[2]
    return name if kind in {"server", "pool"} else f"{kind} {name}"


def _unusual(options: list[str]) -> list[str]:
    """Return the options that are neither of the common ones: another file, or directives themselves."""
    found, rest = [], iter(options)
    for option in rest:
        if option in _WITH_VALUE:
            next(rest, None)
        elif option not in _FLAGS and not any(option.startswith(flag) for flag in _WITH_VALUE):
            found.append(option)
    return found
