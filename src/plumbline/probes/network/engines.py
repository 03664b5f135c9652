"""What engines of containers and virtual machines do to the network, and services that D-Bus starts.

dockerd switches forwarding on unless its `ip-forward` is false; lxc-net where it makes its bridge; libvirt
for each network it starts by itself that has a `<forward>` which is no bridge. Others always do. A service
with a name on D-Bus is started by whoever asks for that name, unless its unit is masked (dbus-daemon(1)).
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from plumbline.probes.base import Output, ParseError, Probe
from plumbline.probes.systemd import UnitsOnDisk
from plumbline.probes.tagged import PRINT_END, Rows
from plumbline.verify.seen import Seen

_COMMAND = r"""
grep -HnsoE '"ip-forward"[[:space:]]*:[[:space:]]*[a-z]+' /etc/docker/daemon.json | sed 's/^/setting\t/'
grep -HnsE '^[[:space:]]*(export[[:space:]]+)?USE_LXC_BRIDGE=' /etc/default/lxc /etc/default/lxc-net |
    sed 's/^/setting\t/'
grep -HnsoE "<forward([[:space:]/>]|[[:space:]]+[^>]*mode=['\"][a-z]+)" \
    /etc/libvirt/qemu/networks/autostart/*.xml | sed 's/^/setting\t/'
for f in /etc/dbus-1/system-services/*.service /usr/local/share/dbus-1/system-services/*.service \
    /usr/share/dbus-1/system-services/*.service; do
    [ ! -f "$f" ] || sed -n "s#^[[:space:]]*SystemdService[[:space:]]*=[[:space:]]*#activated\t$f\t#p" "$f"
done
"""

_ROUTED = ("nat", "route", "open", "")


@dataclass(frozen=True)
class Setting:
    """A line of an engine's configuration that says whether it forwards."""

    file: str
    line: int
    text: str


@dataclass(frozen=True)
class Engines:
    """`activated`: unit that D-Bus starts when asked -> the file that says so."""

    settings: list[Setting]
    activated: dict[str, str]

    def forwarding(self, units: Collection[str], on_disk: UnitsOnDisk) -> list[Seen]:
        """Return those of the units that start at boot and then switch forwarding on."""
        found = []
        for unit in units:
            if on_disk.starts(unit):
                found += self._done_by(unit, on_disk.file(unit) or unit)
        return found

    def _done_by(self, unit: str, file: str) -> list[Seen]:
        stem = unit.partition(".")[0]
        if stem == "docker":
            off = [one for one in self.settings if one.file.endswith("daemon.json")]
            return [] if any(one.text.endswith("false") for one in off) else [Seen(unit, file)]
        if stem == "lxc-net":
            said = [one for one in self.settings if "/lxc" in one.file]
            on = said and "true" in said[-1].text.lower()
            return [Seen(unit, f"{said[-1].file}:{said[-1].line}")] if on else []
        if stem in ("libvirtd", "virtnetworkd"):
            return [
                Seen(f"{unit}: {one.text}", f"{one.file}:{one.line}")
                for one in self.settings
                if one.file.endswith(".xml") and _mode(one.text) in _ROUTED
            ]
        return [Seen(unit, file)]

    def startable(self, names: Collection[str], on_disk: UnitsOnDisk) -> list[Seen]:
        """Return the units of those names that D-Bus may start whenever it is asked."""
        return [
            Seen(unit, file)
            for unit, file in self.activated.items()
            if (own := on_disk.own_name(unit)).partition(".")[0] in names
            and on_disk.state(own) not in ("masked", "no such unit")
        ]


def _mode(text: str) -> str:
    told = re.search(r"mode=['\"]([a-z]+)", text)
    return told[1] if told else ""


def parse_engines(output: Output) -> Engines:
    """Parse the probe's rows."""
    rows = Rows(output, {"setting": 1, "activated": 2})
    settings = []
    for (line,) in rows["setting"]:
        told = re.fullmatch(r"(/[^:]*):(\d+):(.*)", line)
        if told is None:
            raise ParseError(f"grep printed {line[:80]!r}")
        settings.append(Setting(told[1], int(told[2]), told[3]))
    activated: dict[str, str] = {}
    for file, unit in rows["activated"]:
        activated.setdefault(unit.strip(), file)
    return Engines(settings, activated)


ENGINES: Probe[Engines] = Probe("network.engines", f"{_COMMAND}{PRINT_END}", parse_engines)
